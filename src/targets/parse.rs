//! The one-line form of expressions, for the command line: `tenant:contoso,role:server,not:tag:kiosk`.
//!
//! It uses letters, digits, colons, commas, dots, slashes, hyphens and percent signs only, which bash, cmd and PowerShell
//! leave alone. (In a batch file a percent sign is written twice.)

use serde::de::DeserializeOwned;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};

use crate::config::kind::{
    AgreementTerm, Comparison, FactTerm, GroupTerm, InstalledTerm, Match, ProviderGroupTerm, RingTerm,
    SiteTerm, Term, TextMatch,
};
use crate::diagnostic::nearest;
use crate::id::Name;

/// The selectors of the one-line form, as they are shown, each with a value that it could have.
const SELECTORS: [(&str, &str); 21] = [
    ("agreement", "connectwise/type/Managed"),
    ("computer", "PC-1042"),
    ("every", ""),
    ("fact", "hostname:pc-1042"),
    ("group", "contoso-entra/Finance"),
    ("installed", "7-Zip"),
    ("not", "tag:kiosk"),
    ("onboarding", "true"),
    ("os", "windows"),
    ("person", "anna@contoso.example"),
    ("provider", "office"),
    ("providerGroup", "office/Servers"),
    ("ring", "pilot/10"),
    ("role", "server"),
    ("script", "finance-computers"),
    ("site", "Berlin"),
    ("tag", "kiosk"),
    ("target", "all-workstations"),
    ("tenant", "contoso"),
    ("tenantTag", "gold"),
    ("tenantTree", "contoso"),
];

/// Why a text is not an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// There is nothing in it, or between two commas.
    #[error("a selector is empty: write for example tenant:contoso,role:server,not:tag:kiosk")]
    Empty,
    /// The selector is none that is known.
    #[error("there is no selector {selector:?}{}", hint(.nearest.as_deref()))]
    UnknownSelector {
        /// The selector.
        selector: String,
        /// The one that was probably meant.
        nearest: Option<String>,
    },
    /// The selector needs a value.
    #[error("{selector} needs a value: write {selector}:{example}")]
    MissingValue {
        /// The selector.
        selector: String,
        /// A value that it could have.
        example: &'static str,
    },
    /// The selector does not take this value.
    #[error("{selector} does not take {value:?}: {why}")]
    InvalidValue {
        /// The selector.
        selector: String,
        /// The value.
        value: String,
        /// What it takes.
        why: String,
    },
}

fn hint(nearest: Option<&str>) -> String {
    if let Some(nearest) = nearest {
        return format!("; did you mean {nearest}?");
    }
    let all: Vec<&str> = SELECTORS.iter().map(|(selector, _)| *selector).collect();
    format!("; there are {}", all.join(", "))
}

/// Reads the one-line form. Parts between commas all have to hold; `not:` turns one around; `every` is every computer.
/// Selectors are written in any case, with hyphens or without (`tenant-tree`). `installed:TEXT` is a software whose
/// name contains the text, `fact:PATH:VALUE` a fact that equals the value. What has several parts has slashes between
/// them: `group:DIRECTORY/NAME`, `site:NAME` or `site:PROVIDER/NAME`, `providerGroup:PROVIDER/NAME` or
/// `providerGroup:PROVIDER/PROPERTY/VALUE`, `agreement:PSA`, `agreement:PSA/type/TYPE`, `agreement:PSA/product/PRODUCT`
/// or both, `ring:NAME/PERCENT` or `ring:NAME/FROM-TO`. In a value `%` and two hexadecimal digits stand for a byte, as
/// in web addresses: `%20` for a blank, `%2C` for a comma, `%2F` for a slash that separates nothing, `%25` for `%`.
/// Names are looked up later, by [`resolve`](super::resolve()).
///
/// # Errors
/// [`LineError`] for the first part that cannot be read.
pub fn parse_line(text: &str) -> Result<Match, LineError> {
    let mut expression = Match::default();
    for part in text.split(',').map(str::trim) {
        let mut rest = part;
        let mut negated = false;
        while let Some((word, further)) = rest.split_once(':')
            && is(word, "not")
        {
            negated = !negated;
            rest = further.trim();
        }
        if rest.is_empty() {
            return Err(LineError::Empty);
        }
        if is(rest, "every") {
            if negated {
                return Err(LineError::InvalidValue {
                    selector: "not".to_owned(),
                    value: rest.to_owned(),
                    why: "that would be no computer".to_owned(),
                });
            }
            expression.every = true;
            continue;
        }
        let list = if negated { &mut expression.not } else { &mut expression.all };
        list.get_or_insert_default().push(term(rest)?);
    }
    Ok(expression)
}

/// Whether a word is this selector; the selector is in lower case without hyphens.
fn is(word: &str, selector: &str) -> bool {
    let letters = word.trim().bytes().filter(|byte| *byte != b'-').map(|byte| byte.to_ascii_lowercase());
    letters.eq(selector.bytes())
}

fn term(text: &str) -> Result<Term, LineError> {
    let (word, value) = text.split_once(':').unwrap_or((text, ""));
    let (word, value) = (word.trim(), value.trim());
    let letters = |text: &str| text.replace('-', "").to_ascii_lowercase();
    let Some((selector, example)) = SELECTORS.iter().find(|(name, _)| is(word, &letters(name))) else {
        let nearest = nearest(word, SELECTORS.iter().map(|(name, _)| *name)).map(str::to_owned);
        return Err(LineError::UnknownSelector { selector: word.to_owned(), nearest });
    };
    let value = Value { word, text: value, example };
    if value.text.is_empty() && *selector == "onboarding" {
        return Ok(Term::Onboarding(true));
    }
    if value.text.is_empty() {
        return Err(LineError::MissingValue { selector: word.to_owned(), example });
    }
    Ok(match *selector {
        "tenant" => Term::Tenant(value.name(value.text)?),
        "tenantTree" => Term::TenantTree(value.name(value.text)?),
        "provider" => Term::Provider(value.name(value.text)?),
        "target" => Term::Target(value.name(value.text)?),
        "script" => Term::Script(value.name(value.text)?),
        "tenantTag" => Term::TenantTag(value.decoded(value.text)?),
        "computer" => Term::Computer(value.decoded(value.text)?),
        "person" => Term::Person(value.decoded(value.text)?),
        "role" => Term::Role(word_of(word, value.text)?),
        "os" => Term::Os(word_of(word, value.text)?),
        "onboarding" => Term::Onboarding(match value.text.to_ascii_lowercase().as_str() {
            "true" => true,
            "false" => false,
            _ => return Err(value.wrong("write onboarding:true or onboarding:false".to_owned())),
        }),
        "site" | "group" | "agreement" | "providerGroup" | "ring" => value.of_parts(selector)?,
        "installed" => Term::Installed(InstalledTerm {
            name: TextMatch::Contains(value.decoded(value.text)?),
            version: None,
            version_scheme: None,
        }),
        "fact" => match value.text.split_once([':', '=']) {
            Some((path, is)) if !path.trim().is_empty() && !is.trim().is_empty() => Term::Fact(FactTerm {
                path: path.trim().to_owned(),
                is: Comparison::Equals(value.decoded(is.trim())?),
            }),
            _ => return Err(value.wrong(format!("write fact:{example}"))),
        },
        "tag" => Term::Tag(value.decoded(value.text)?),
        _ => return Err(value.wrong("it takes no value".to_owned())),
    })
}

/// The value of a selector, with what is needed to say what is wrong with it.
struct Value<'a> {
    word: &'a str,
    text: &'a str,
    example: &'static str,
}

impl Value<'_> {
    fn wrong(&self, why: String) -> LineError {
        invalid(self.word, self.text, why)
    }

    fn name(&self, text: &str) -> Result<Name, LineError> {
        Name::new(text.trim()).map_err(|error| self.wrong(error.to_string()))
    }

    /// A text in which `%` and two hexadecimal digits stand for a byte.
    fn decoded(&self, text: &str) -> Result<String, LineError> {
        let help =
            "`%` stands before two hexadecimal digits: %20 is a blank, %2C a comma, %25 the sign itself";
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            if byte != b'%' {
                bytes.push(byte);
                continue;
            }
            let mut digit =
                || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            let (Some(high), Some(low)) = (digit(), digit()) else { return Err(self.wrong(help.to_owned())) };
            bytes.push(high * 16 + low);
        }
        let text =
            String::from_utf8(bytes).map_err(|_| self.wrong("these bytes are not UTF-8".to_owned()))?;
        if text.trim().is_empty() { Err(self.wrong("it is empty".to_owned())) } else { Ok(text) }
    }

    /// A selector whose value has slashes between its parts.
    fn of_parts(&self, selector: &str) -> Result<Term, LineError> {
        let parts: Vec<&str> = self.text.split('/').map(str::trim).collect();
        Ok(match (selector, parts.as_slice()) {
            ("site", [name]) => Term::Site(SiteTerm { name: self.decoded(name)?, provider: None }),
            ("site", [provider, name]) => {
                Term::Site(SiteTerm { name: self.decoded(name)?, provider: Some(self.name(provider)?) })
            }
            ("group", [directory, name]) => {
                Term::Group(GroupTerm { directory: self.name(directory)?, name: self.decoded(name)? })
            }
            ("providerGroup", [provider, name]) => Term::ProviderGroup(ProviderGroupTerm {
                provider: self.name(provider)?,
                name: Some(self.decoded(name)?),
                property: None,
                value: None,
            }),
            ("providerGroup", [provider, property, value]) => Term::ProviderGroup(ProviderGroupTerm {
                provider: self.name(provider)?,
                name: None,
                property: Some(self.decoded(property)?),
                value: Some(self.decoded(value)?),
            }),
            ("agreement", [psa, rest @ ..]) => {
                let mut term = AgreementTerm { psa: self.name(psa)?, r#type: None, product: None };
                for pair in rest.chunks(2) {
                    match pair {
                        [key, text] if is(key, "type") && term.r#type.is_none() => {
                            term.r#type = Some(self.decoded(text)?);
                        }
                        [key, text] if is(key, "product") && term.product.is_none() => {
                            term.product = Some(self.decoded(text)?);
                        }
                        _ => {
                            return Err(
                                self.wrong("write agreement:PSA/type/TYPE/product/PRODUCT".to_owned())
                            );
                        }
                    }
                }
                Term::Agreement(term)
            }
            ("ring", [name, share]) => self.ring(name, share)?,
            _ => return Err(self.wrong(format!("write {selector}:{}", self.example))),
        })
    }

    fn ring(&self, name: &str, share: &str) -> Result<Term, LineError> {
        let percent = |text: &str| {
            let number = text.parse::<u8>().ok().filter(|number| *number <= 100);
            number.ok_or_else(|| {
                self.wrong("the share is in percent: ring:pilot/10 or ring:pilot/10-50".to_owned())
            })
        };
        let name = self.decoded(name)?;
        let (whole, from, to) = match share.split_once('-') {
            None => (Some(percent(share)?), None, None),
            Some((from, to)) => {
                let (from, to) = (percent(from)?, percent(to)?);
                if from >= to {
                    return Err(self.wrong(format!("a ring from {from} to {to} holds nobody")));
                }
                (None, Some(from), Some(to))
            }
        };
        Ok(Term::Ring(RingTerm { name, percent: whole, from, to }))
    }
}

fn invalid(selector: &str, value: &str, why: String) -> LineError {
    LineError::InvalidValue { selector: selector.to_owned(), value: value.to_owned(), why }
}

/// Reads one of the words of an enum, in any case.
fn word_of<T: DeserializeOwned>(selector: &str, value: &str) -> Result<T, LineError> {
    let lower = value.to_lowercase();
    let reader: StrDeserializer<'_, ValueError> = lower.as_str().into_deserializer();
    T::deserialize(reader).map_err(|error| invalid(selector, value, error.to_string()))
}
