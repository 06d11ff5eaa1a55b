//! Who may open a remote session, and which rule refuses.
//!
//! This is a rule of the repository and no lock: who holds an account in the provider can go around it, and the provider
//! asks for its own sign-in besides.
//!
//! Invariant: consent that is required is either asked for by the agent, as a setting that was seen in place makes it, or
//! was given before, as the user says; never assumed.

use serde::Serialize;

use super::effective::Effective;
use super::folded;
use super::status::Status;
use crate::config::kind::Consent;
use crate::id::Name;

/// Somebody who wants to open a session.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// The role, if one is said.
    pub role: Option<&'a str>,
    /// Whether the person at the computer has agreed, as the user says.
    pub agreed: bool,
}

/// A computer, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What holds there; `None` where no policy does.
    pub effective: Option<&'a Effective>,
    /// How far it is.
    pub status: &'a Status,
    /// Whether a setting that makes the agent ask for consent was seen in place.
    pub agent_asks: bool,
    /// Whether the provider of sessions has an agent on it.
    pub has_agent: bool,
}

/// The rule that refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "kebab-case", tag = "rule")]
pub enum Refusal {
    /// No policy is given to the site.
    #[error("remote access is not enabled for its site: no package gives it a policy")]
    Site,
    /// It is not said who asks.
    #[error("no role is said, and only some may open a session: {}", .allowed.join(", "))]
    NoRole {
        /// The roles that may.
        allowed: Vec<String>,
    },
    /// The role may not.
    #[error("the role {role} may not open a session; these may: {}", .allowed.join(", "))]
    Role {
        /// The role.
        role: String,
        /// The roles that may.
        allowed: Vec<String>,
    },
    /// There is no agent.
    #[error("the provider {provider} lists no agent on it")]
    NoAgent {
        /// The provider.
        provider: Name,
    },
    /// Nobody makes sure that the person is asked.
    #[error("consent is required, and no setting of its agent was seen that asks for it")]
    Consent,
}

/// Decides.
///
/// # Errors
/// The first rule that refuses: the site, the role, the agent, consent.
pub fn decide(asking: Asking<'_>, asked: Asked<'_>) -> Result<(), Refusal> {
    let Some(effective) = asked.effective else { return Err(Refusal::Site) };
    if matches!(asked.status, Status::NotEnabled) {
        return Err(Refusal::Site);
    }
    let allowed = || effective.roles.value.iter().cloned().collect::<Vec<String>>();
    match asking.role {
        None => return Err(Refusal::NoRole { allowed: allowed() }),
        Some(role) if !effective.roles.value.iter().any(|may| folded(may) == folded(role)) => {
            return Err(Refusal::Role { role: role.to_owned(), allowed: allowed() });
        }
        Some(_) => {}
    }
    if !asked.has_agent {
        return Err(Refusal::NoAgent { provider: effective.provider.value.clone() });
    }
    let is_required = effective.consent.value == Consent::Required;
    if is_required && !asked.agent_asks && !asking.agreed { Err(Refusal::Consent) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::super::effective::tests::name;
    use super::super::effective::{ROLES, Setting};
    use super::*;

    fn set<T>(value: T) -> Setting<T> {
        Setting { value, origins: Vec::new() }
    }

    #[test]
    fn the_first_rule_that_refuses_is_named() {
        let effective = Effective {
            provider: set(name("control")),
            consent: set(Consent::Required),
            agent_auto_update: set(true),
            notification_balloon: set(false),
            roles: set(ROLES.map(str::to_owned).into()),
        };
        let free = Effective { consent: set(Consent::NotRequired), ..effective.clone() };
        let installed = Status::Installed;
        let pending = Status::Pending { since: None };
        let asked =
            |effective, agent_asks, has_agent| Asked { effective, status: &installed, agent_asks, has_agent };
        let by = |role, agreed| Asking { role, agreed };
        let manager = Some(" manager ");
        assert_eq!(decide(by(manager, true), asked(None, true, true)), Err(Refusal::Site));
        let off = Asked { status: &Status::NotEnabled, ..asked(Some(&effective), true, true) };
        assert_eq!(decide(by(manager, true), off), Err(Refusal::Site));
        assert!(
            matches!(decide(by(None, true), asked(Some(&effective), true, true)), Err(Refusal::NoRole { allowed }) if allowed.len() == 5)
        );
        let intern = decide(by(Some("Intern"), true), asked(Some(&effective), true, true));
        assert!(matches!(intern, Err(Refusal::Role { role, .. }) if role == "Intern"));
        let no_agent = decide(by(manager, true), asked(Some(&effective), true, false));
        assert_eq!(no_agent, Err(Refusal::NoAgent { provider: name("control") }));
        assert_eq!(decide(by(manager, false), asked(Some(&effective), false, true)), Err(Refusal::Consent));
        assert_eq!(
            decide(by(manager, true), asked(Some(&effective), false, true)),
            Ok(()),
            "the person has agreed"
        );
        assert_eq!(decide(by(manager, false), asked(Some(&effective), true, true)), Ok(()), "the agent asks");
        assert_eq!(decide(by(manager, false), asked(Some(&free), false, true)), Ok(()));
        let early = Asked { status: &pending, ..asked(Some(&free), false, true) };
        assert_eq!(decide(by(manager, false), early), Ok(()), "an agent that is there can be used");
    }
}
