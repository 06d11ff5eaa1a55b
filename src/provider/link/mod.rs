//! What links to management systems share: the HTTP client from a document's settings, and what its errors mean here.
//!
//! Not here: what the systems are asked.
//!
//! Invariants: credentials are looked up when they are needed, so that a link that nobody uses needs none; an error says
//! that nothing ran only where that is certain.

pub(in crate::provider) mod examine;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::config::kind::{Capability, LinkSettings};
use crate::http::api::{self, ApiError, Fault, Proxy, Rate, Sent, Settings, SetupError};
use crate::id::Name;
use crate::provider::{AgentRecord, ListError, RunError};
use crate::secret::{Secret, SecretRef};
use crate::session::script::Platform;
use crate::session::secrets::Secrets;
use crate::time::{Limit, Timestamp};

/// How long one request may take unless the link says otherwise.
const REQUEST: Duration = Duration::from_mins(1);

/// How much a list tells of each agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::provider) enum Detail {
    /// All that is known.
    Whole,
    /// No attributes, and presence only where the list has it by itself.
    Brief,
}

impl Detail {
    /// An agent with as much as is wanted.
    pub(in crate::provider) fn of(self, agent: AgentRecord) -> AgentRecord {
        match self {
            Self::Whole => agent,
            Self::Brief => AgentRecord { attributes: BTreeMap::new(), ..agent },
        }
    }
}

/// Values of which each is there once, however many have it.
#[derive(Debug, Default)]
pub(in crate::provider) struct Shared<T>(BTreeSet<Arc<T>>);

impl<T: Ord> Shared<T> {
    /// The one that is equal to a value.
    pub(in crate::provider) fn one(&mut self, value: T) -> Arc<T> {
        if let Some(one) = self.0.get(&value) {
            return Arc::clone(one);
        }
        let one = Arc::new(value);
        self.0.insert(Arc::clone(&one));
        one
    }
}

/// Agents in an order, one of each: of several that are equal in it the first one counts.
#[must_use]
pub(in crate::provider) fn one_of_each(
    mut agents: Vec<AgentRecord>,
    order: impl Fn(&AgentRecord, &AgentRecord) -> Ordering,
) -> Vec<AgentRecord> {
    // Sorting takes memory, and most lists come in their order.
    if !agents.is_sorted_by(|a, b| order(a, b).is_le()) {
        agents.sort_by(&order);
    }
    agents.dedup_by(|next, first| order(next, first).is_eq());
    agents
}

/// Finds the credentials of a link.
#[derive(Clone)]
pub(in crate::provider) struct Keys(Arc<dyn Secrets>);

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    /// Where credentials are found.
    #[must_use]
    pub(in crate::provider) fn new(secrets: Arc<dyn Secrets>) -> Self {
        Self(secrets)
    }

    /// One of them, for a call.
    ///
    /// # Errors
    /// [`Fault::Unaskable`] when there is none; it names the reference.
    pub(in crate::provider) fn find(&self, call: &str, reference: &SecretRef) -> Result<Secret, ApiError> {
        self.0.resolve(reference).map_err(|error| ApiError::unsent(call, Fault::Unaskable(error.to_string())))
    }
}

/// The client's settings for a link; `authorities` is the text of its file of certificates, `per_minute` the type's own limit.
///
/// # Errors
/// [`SetupError`] when the address is none.
pub(in crate::provider) fn settings(
    name: &Name,
    url: &str,
    link: Option<&LinkSettings>,
    authorities: Option<&str>,
    per_minute: u32,
) -> Result<Settings, SetupError> {
    let mut settings = Settings::new(name.as_str(), api::base(url)?);
    let said = |find: fn(&LinkSettings) -> Option<u32>| link.and_then(find);
    let per_minute = said(|link| link.requests_per_minute).unwrap_or(per_minute).max(1);
    settings.concurrency = said(|link| link.requests_at_once).unwrap_or(settings.concurrency);
    settings.rate =
        Rate { requests: per_minute, per: Duration::from_mins(1), burst: (per_minute / 10).clamp(1, 50) };
    settings.times.attempt = link.and_then(|link| link.request_timeout).map_or(REQUEST, Limit::duration);
    settings.times.call = settings.times.call.max(settings.times.attempt.saturating_mul(3));
    if let Some(address) = link.and_then(|link| link.proxy.clone()) {
        settings.proxy = Proxy::At(Secret::new(address));
    }
    settings.authorities = authorities.map(|text| text.as_bytes().to_vec());
    Ok(settings)
}

/// What a link can do: what its type can, without what the settings switch off.
#[must_use]
pub(in crate::provider) fn capabilities(
    of_type: &[Capability],
    link: Option<&LinkSettings>,
) -> BTreeSet<Capability> {
    let is_off = |capability: &Capability| link.is_some_and(|link| link.without.contains(capability));
    of_type.iter().copied().filter(|capability| !is_off(capability)).collect()
}

/// What a link could do and is not to be used for.
#[must_use]
pub(in crate::provider) fn without(
    of_type: &[Capability],
    link: Option<&LinkSettings>,
) -> BTreeSet<Capability> {
    let is_off = |capability: &Capability| link.is_some_and(|link| link.without.contains(capability));
    of_type.iter().copied().filter(is_off).collect()
}

/// What an error of a call means for a list.
#[must_use]
pub(in crate::provider) fn list_error(provider: &Name, error: &ApiError) -> ListError {
    let message = error.to_string();
    match error.fault {
        Fault::Unaskable(_) => ListError::Settings { provider: provider.clone(), message },
        _ => ListError::Failed { provider: provider.clone(), message },
    }
}

/// What an error of a call means for a bundle that the call was to start.
#[must_use]
pub(in crate::provider) fn run_error(provider: &Name, error: &ApiError) -> RunError {
    let message = error.to_string();
    match (&error.fault, error.sent) {
        (
            Fault::Unaskable(_) | Fault::Unauthorized(_) | Fault::Forbidden(_) | Fault::Refused(_),
            Sent::Never,
        ) => RunError::Refused { message, help: Some(format!("muster doctor {provider}")) },
        (_, Sent::Never) => RunError::Unreachable(message),
        (Fault::TimedOut(seconds), Sent::Maybe) => RunError::TimedOut(*seconds),
        (_, Sent::Maybe) => RunError::Lost(message),
    }
}

/// The platform that an operating system's name tells of, if it is one that is known.
pub(in crate::provider) fn platform(name: &str) -> Option<Platform> {
    const POSIX: [&str; 15] = [
        "linux", "ubuntu", "debian", "centos", "red hat", "redhat", "rhel", "fedora", "suse", "rocky",
        "alma", "mac os", "macos", "os x", "darwin",
    ];
    let name = name.to_lowercase();
    if name.contains("windows") {
        return Some(Platform::Windows);
    }
    POSIX.iter().any(|part| name.contains(part)).then_some(Platform::Posix)
}

/// An instant as systems write them: with a zone, without one (then in UTC), or the day alone. Year 1 is never, and what is no
/// instant is none.
pub(in crate::provider) fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let told = text.parse::<Timestamp>().ok().or_else(|| {
        let plain = text.parse::<jiff::civil::DateTime>().ok()?;
        Some(plain.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    });
    told.filter(|at| at.as_second() > 0)
}

/// A text without blanks around it, unless it is blank.
pub(in crate::provider) fn filled(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::api::Said;

    fn name() -> Name {
        Name::new("automate").unwrap()
    }

    #[test]
    fn instants_are_read_in_all_spellings() {
        let told = |text: &str| instant(text).map(|at| at.to_string()).unwrap_or_default();
        assert_eq!(told(" 2026-07-23T10:00:00Z"), "2026-07-23T10:00:00Z");
        assert_eq!(told("2026-07-23T12:00:00+02:00"), "2026-07-23T10:00:00Z");
        assert_eq!(told("2026-07-23T10:00:00"), "2026-07-23T10:00:00Z");
        assert_eq!(told("2026-07-23 10:00:00"), "2026-07-23T10:00:00Z");
        assert_eq!(told("2026-07-23"), "2026-07-23T00:00:00Z");
        for none in ["", "0001-01-01T00:00:00", "0001-01-01T00:00:00Z", "soon", "20"] {
            assert_eq!(told(none), "", "{none}");
        }
    }

    #[test]
    fn what_a_link_says_counts_before_the_types_own() {
        let link = LinkSettings {
            requests_per_minute: Some(30),
            requests_at_once: Some(2),
            request_timeout: Some(Limit::seconds(300)),
            proxy: Some("http://proxy.test".to_owned()),
            without: BTreeSet::from([Capability::RunScript]),
            ..LinkSettings::default()
        };
        let made = settings(&name(), "example.test/x", Some(&link), Some("pem"), 600).unwrap();
        assert_eq!(made.base.as_str(), "https://example.test/x");
        assert_eq!((made.rate.requests, made.rate.burst, made.concurrency), (30, 3, 2));
        assert_eq!(made.times.attempt, Duration::from_mins(5));
        assert!(made.times.call > made.times.attempt);
        assert!(matches!(made.proxy, Proxy::At(_)) && made.authorities.is_some());
        let plain = settings(&name(), "example.test", None, None, 600).unwrap();
        assert_eq!((plain.rate.requests, plain.times.attempt), (600, REQUEST));
        assert!(settings(&name(), "", None, None, 600).is_err());
        let all = [Capability::ListComputers, Capability::RunScript];
        assert_eq!(capabilities(&all, Some(&link)), BTreeSet::from([Capability::ListComputers]));
        assert_eq!(capabilities(&all, None).len(), 2);
    }

    #[test]
    fn of_several_equal_agents_the_first_one_counts() {
        let agent = |id: &str, name: &str| AgentRecord {
            id: crate::id::AgentId::new(id),
            name: name.to_owned(),
            ..crate::report::sample::agent("x")
        };
        let told = |agents: &[(&str, &str)]| {
            let agents = agents.iter().map(|(id, name)| agent(id, name)).collect();
            let kept = one_of_each(agents, |a, b| a.id.cmp(&b.id));
            kept.into_iter().map(|agent| format!("{} {}", agent.id, agent.name)).collect::<Vec<_>>()
        };
        assert_eq!(told(&[("b", "1"), ("a", "2"), ("b", "3"), ("a", "4")]), ["a 2", "b 1"]);
        assert_eq!(told(&[("a", "1"), ("a", "2"), ("b", "3")]), ["a 1", "b 3"]);
        assert!(told(&[]).is_empty());
    }

    #[test]
    fn the_platform_is_told_from_names_that_are_known() {
        for (name, expected) in [
            ("Microsoft Windows Server 2022 Standard x64", Some(Platform::Windows)),
            ("Mac OS X 14.5", Some(Platform::Posix)),
            ("Ubuntu 24.04", Some(Platform::Posix)),
            ("Darwin", Some(Platform::Posix)),
            ("VMware ESXi", None),
            ("", None),
        ] {
            assert_eq!(platform(name), expected, "{name}");
        }
    }

    #[test]
    fn only_what_is_certain_is_said_of_a_bundle() {
        let error = |fault, sent| ApiError { call: "x".to_owned(), fault, sent, attempts: 1 };
        let said = || Said { status: 403, text: None };
        for (error, nothing_ran) in [
            (error(Fault::Forbidden(said()), Sent::Never), true),
            (error(Fault::Unreachable("x".to_owned()), Sent::Never), true),
            (error(Fault::Open { failures: 10, seconds: 3 }, Sent::Never), true),
            (error(Fault::Forbidden(said()), Sent::Maybe), false),
            (error(Fault::Unreachable("x".to_owned()), Sent::Maybe), false),
            (error(Fault::TimedOut(3), Sent::Maybe), false),
            (error(Fault::NotJson("x".to_owned()), Sent::Maybe), false),
        ] {
            assert_eq!(run_error(&name(), &error).nothing_ran(), nothing_ran, "{error:?}");
        }
    }
}
