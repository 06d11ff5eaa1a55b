//! Why a computer could not be identified, as a code with a remedy (IDN-13, IDN-14).
//!
//! Providers say what happened in words; the words that stand for a cause are listed here, so that one cause has one code
//! whichever provider met it.

use serde::{Deserialize, Serialize};

use crate::inventory::facts::{Facts, OsFamily};
use crate::inventory::known::Contact;

/// Why an agent gave no evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// It is offline, or did not answer.
    NoAnswer,
    /// It was asked and did not end in time.
    TimedOut,
    /// The provider has too much to do.
    Overloaded,
    /// Windows' own inventory is broken: it answered and named nothing.
    WmiBroken,
    /// Something between opens the encrypted connection.
    TlsInterception,
    /// A security product stopped the script.
    Blocked,
    /// The computer's clock is wrong.
    WrongClock,
    /// The provider refused.
    Refused,
    /// The answer could not be read.
    Unreadable,
    /// It is no device that runs scripts.
    Unsupported,
}

/// Words in a message that stand for a cause, lower case; the first that occurs counts.
const WORDS: &[(&str, Cause)] = &[
    ("certificate", Cause::TlsInterception),
    ("tls", Cause::TlsInterception),
    ("ssl", Cause::TlsInterception),
    ("antivirus", Cause::Blocked),
    ("malicious content", Cause::Blocked),
    ("blocked by", Cause::Blocked),
    ("clock", Cause::WrongClock),
    ("wmi", Cause::WmiBroken),
    ("too many requests", Cause::Overloaded),
    ("overloaded", Cause::Overloaded),
    ("rate limit", Cause::Overloaded),
    (" 429", Cause::Overloaded),
    (" 503", Cause::Overloaded),
    ("no answer within", Cause::TimedOut),
    ("timed out", Cause::TimedOut),
    ("time limit", Cause::TimedOut),
    ("in time", Cause::TimedOut),
    ("unsupported", Cause::Unsupported),
    ("not supported", Cause::Unsupported),
];

impl Cause {
    /// The cause of an attempt that brought no evidence; `None` when none was made, or it brought some.
    #[must_use]
    pub fn of(contact: &Contact) -> Option<Self> {
        let (why, otherwise) = match contact {
            Contact::Never | Contact::Reached => return None,
            Contact::Unreachable { why } => (why, Self::NoAnswer),
            Contact::Refused { why, .. } => (why, Self::Refused),
            Contact::Failed { why } => (why, Self::Unreadable),
        };
        let why = why.to_lowercase();
        Some(WORDS.iter().find(|(word, _)| why.contains(word)).map_or(otherwise, |(_, cause)| *cause))
    }

    /// The cause of facts that name nothing: a Windows computer that knows not even its maker has a broken WMI.
    #[must_use]
    pub fn of_facts(facts: &Facts) -> Option<Self> {
        let identity = &facts.identity;
        let nothing = identity.uuid.is_none() && identity.serial.is_none() && identity.manufacturer.is_none();
        (nothing && facts.os.family == Some(OsFamily::Windows)).then_some(Self::WmiBroken)
    }

    /// As it stands in documents.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoAnswer => "no-answer",
            Self::TimedOut => "timed-out",
            Self::Overloaded => "overloaded",
            Self::WmiBroken => "wmi-broken",
            Self::TlsInterception => "tls-interception",
            Self::Blocked => "blocked",
            Self::WrongClock => "wrong-clock",
            Self::Refused => "refused",
            Self::Unreadable => "unreadable",
            Self::Unsupported => "unsupported",
        }
    }

    /// What mends it.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::NoAnswer => "it is asked again when it is online",
            Self::TimedOut => "try again; if it stays so, look whether scripts run on it at all",
            Self::Overloaded => "lower the provider's concurrency, or try again later",
            Self::WmiBroken => {
                "repair WMI on the computer: winmgmt /verifyrepository, then /salvagerepository"
            }
            Self::TlsInterception => "exempt the provider's address from inspection of TLS on that network",
            Self::Blocked => "exempt the provider's agent in the security product",
            Self::WrongClock => "set the computer's clock",
            Self::Refused => "look at the rights of the account that the provider is used with",
            Self::Unreadable => "try again; `muster inventory` shows what came",
            Self::Unsupported => "nothing: such devices are left out",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_failure_say_its_cause() {
        let unreachable = |why: &str| Contact::Unreachable { why: why.to_owned() };
        let failed = |why: &str| Contact::Failed { why: why.to_owned() };
        for (contact, cause) in [
            (Contact::Never, None),
            (Contact::Reached, None),
            (unreachable("no route to host"), Some(Cause::NoAnswer)),
            (unreachable("the certificate is of another name"), Some(Cause::TlsInterception)),
            (unreachable("answered with status 429"), Some(Cause::Overloaded)),
            (failed("half an answer"), Some(Cause::Unreadable)),
            (failed("no answer within 240 seconds"), Some(Cause::TimedOut)),
            (failed("it did not end in time"), Some(Cause::TimedOut)),
            (failed("This script contains malicious content"), Some(Cause::Blocked)),
            (Contact::Refused { why: "no".to_owned(), help: None }, Some(Cause::Refused)),
        ] {
            assert_eq!(Cause::of(&contact), cause, "{contact:?}");
        }
    }

    #[test]
    fn a_windows_computer_that_knows_not_even_its_maker_has_a_broken_wmi() {
        let mut facts = Facts::default();
        assert_eq!(Cause::of_facts(&facts), None, "it may be a system that has none");
        facts.os.family = Some(OsFamily::Windows);
        assert_eq!(Cause::of_facts(&facts), Some(Cause::WmiBroken));
        facts.identity.manufacturer = Some("Dell Inc.".to_owned());
        assert_eq!(Cause::of_facts(&facts), None);
    }
}
