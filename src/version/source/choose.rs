//! Which of the offered versions go into the lock file.
//!
//! The newest that the source's settings allow; for each version or range that a deployment asks for, the highest that fits; and
//! of what was locked before, the newest ones up to the source's `keep`, so that going back is a change of one line.
//!
//! Invariants: pure; a source whose newest version disappeared moves nothing, unless that is asked for (L3); what is not
//! offered any more and still kept stays exactly as it was locked.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::{Offer, plain};
use crate::config::kind::{VersionScheme, VersionSource};
use crate::config::lock::Locked;
use crate::version::{self, Constraint};

/// How many versions are kept unless the source says otherwise: the newest, and the one before it.
const KEEP: u32 = 2;

/// What to choose from, and how.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// How versions compare.
    pub scheme: VersionScheme,
    /// The source's settings.
    pub source: &'a VersionSource,
    /// What deployments ask for, as written.
    pub asked: &'a BTreeSet<String>,
    /// What is locked.
    pub locked: Option<&'a Locked>,
    /// Whether a newest version older than the locked one is taken.
    pub allow_older: bool,
}

/// A version that goes into the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// This offer, by its place in the list.
    Offer(usize),
    /// What is locked already, by its place there.
    Locked(usize),
}

/// What was chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// The versions, highest first.
    pub chosen: Vec<Chosen>,
    /// When the source offers nothing as new as what is locked: the locked and the offered version.
    pub held: Option<(String, String)>,
    /// What else is worth saying.
    pub notes: Vec<String>,
}

/// Chooses.
///
/// # Errors
/// A sentence, when the source offers nothing that its settings allow.
pub fn choose(ask: Ask<'_>, offers: &[Offer]) -> Result<Choice, String> {
    let compare = |a: &str, b: &str| version::compare(ask.scheme, a, b).unwrap_or(Ordering::Equal);
    let mut choice = Choice::default();
    let allowed = allowed(ask, offers, &mut choice.notes)?;
    let Some(&newest) = allowed.first() else {
        return Err(format!(
            "it offers {}, and none of them is allowed by its settings",
            count(offers.len())
        ));
    };
    let newest_text = |at: usize| offers.get(at).map_or("", |offer| offer.version.as_str());
    let locked = ask.locked.map(|locked| locked.releases.as_slice()).unwrap_or_default();
    // What was locked under other settings may be beyond what they allow now.
    let kept: Vec<usize> =
        (0..locked.len()).filter(|at| is_allowed(ask, locked.get(*at).map(|r| r.version.as_str()))).collect();
    let highest = kept.iter().filter_map(|at| locked.get(*at)).max_by(|a, b| compare(&a.version, &b.version));
    let is_older = highest.is_some_and(|locked| compare(newest_text(newest), &locked.version).is_lt());
    if let Some(highest) = highest.filter(|_| is_older && !ask.allow_older) {
        choice.held = Some((highest.version.clone(), newest_text(newest).to_owned()));
    }

    let mut picked: Vec<(String, Chosen)> = Vec::new();
    let pick = |picked: &mut Vec<(String, Chosen)>, chosen: Chosen| {
        let text = match chosen {
            Chosen::Offer(at) => offers.get(at).map(|offer| offer.version.as_str()),
            Chosen::Locked(at) => locked.get(at).map(|release| release.version.as_str()),
        };
        let Some(text) = text else { return };
        if !picked.iter().any(|(other, _)| compare(other, text).is_eq()) {
            picked.push((text.to_owned(), chosen));
        }
    };
    let still: Vec<usize> = if is_older && ask.allow_older {
        let not_above =
            |at: &usize| locked.get(*at).is_some_and(|r| compare(&r.version, newest_text(newest)).is_le());
        kept.into_iter().filter(not_above).collect()
    } else {
        kept
    };
    if choice.held.is_none() {
        pick(&mut picked, Chosen::Offer(newest));
    }
    for text in ask.asked {
        if let Some(chosen) = asked(ask, text, offers, &allowed, &still) {
            pick(&mut picked, chosen);
        }
    }
    // The newest of what was locked fill what is left.
    let keep = usize::try_from(ask.source.keep.unwrap_or(KEEP)).unwrap_or(usize::MAX);
    let mut newest_locked: Vec<usize> = still;
    newest_locked.sort_by(|a, b| {
        let text = |at: usize| locked.get(at).map_or("", |release| release.version.as_str());
        compare(text(*b), text(*a))
    });
    let room = keep.saturating_sub(usize::from(choice.held.is_none()));
    let is_newest = |at: &usize| {
        choice.held.is_none()
            && locked.get(*at).is_some_and(|r| compare(&r.version, newest_text(newest)).is_eq())
    };
    for at in newest_locked.into_iter().filter(|at| !is_newest(at)).take(room) {
        // What is still offered is taken as it is offered now.
        let same = |offer: &&usize| {
            locked.get(at).is_some_and(|r| compare(newest_text(**offer), &r.version).is_eq())
        };
        match allowed.iter().find(same).filter(|_| choice.held.is_none()) {
            Some(offer) => pick(&mut picked, Chosen::Offer(*offer)),
            None => pick(&mut picked, Chosen::Locked(at)),
        }
    }
    picked.sort_by(|a, b| compare(&b.0, &a.0));
    choice.chosen = picked.into_iter().map(|(_, chosen)| chosen).collect();
    Ok(choice)
}

/// The offers that the settings allow, highest first.
fn allowed(ask: Ask<'_>, offers: &[Offer], notes: &mut Vec<String>) -> Result<Vec<usize>, String> {
    let mut allowed: Vec<usize> = Vec::new();
    let mut no_version = Vec::new();
    for (at, offer) in offers.iter().enumerate() {
        if version::check(ask.scheme, &offer.version).is_err() {
            no_version.push(plain(&offer.version));
        } else if is_allowed(ask, Some(&offer.version)) && (ask.source.prereleases || !offer.prerelease) {
            allowed.push(at);
        }
    }
    if no_version.len() == offers.len() {
        let example = no_version.first().map(|text| format!(", such as {text:?}")).unwrap_or_default();
        return Err(format!(
            "it offers {}, none of which is one in the software's scheme{example}",
            count(offers.len())
        ));
    }
    if let Some(example) = no_version.first() {
        notes.push(format!(
            "{} passed over: not in the software's scheme, such as {example:?}",
            count(no_version.len())
        ));
    }
    let text = |at: usize| offers.get(at).map_or("", |offer| offer.version.as_str());
    allowed.sort_by(|a, b| version::compare(ask.scheme, text(*b), text(*a)).unwrap_or(Ordering::Equal));
    Ok(allowed)
}

fn is_allowed(ask: Ask<'_>, version: Option<&str>) -> bool {
    let Some(version) = version else { return false };
    let constraint = ask.source.constraint.as_deref().map(|text| Constraint::parse(ask.scheme, text));
    version::check(ask.scheme, version).is_ok()
        && (ask.source.prereleases || !version::is_prerelease(ask.scheme, version))
        && constraint.is_none_or(|constraint| constraint.and_then(|c| c.allows(version)).unwrap_or(false))
}

/// What a deployment's text means: the highest offer that fits, or what is locked when none does. An exact version is
/// looked for among all offers, also those that the settings pass over.
fn asked(ask: Ask<'_>, text: &str, offers: &[Offer], allowed: &[usize], still: &[usize]) -> Option<Chosen> {
    if matches!(text, "latest" | "any") {
        return None;
    }
    let constraint = Constraint::parse(ask.scheme, text).ok()?;
    let fits = |version: &str| constraint.allows(version).unwrap_or(false);
    let offer = |at: &usize| offers.get(*at).is_some_and(|offer| fits(&offer.version));
    let found = if constraint.is_exact().is_some() {
        (0..offers.len()).find(offer)
    } else {
        allowed.iter().copied().find(offer)
    };
    let locked = ask.locked.map(|locked| locked.releases.as_slice()).unwrap_or_default();
    let in_lock = || still.iter().copied().find(|at| locked.get(*at).is_some_and(|r| fits(&r.version)));
    found.map(Chosen::Offer).or_else(|| in_lock().map(Chosen::Locked))
}

fn count(n: usize) -> String {
    if n == 1 { "1 version".to_owned() } else { format!("{n} versions") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::lock::{HashOrigin, LockedPayload, LockedRelease, digest_of};

    fn offer(version: &str) -> Offer {
        Offer {
            version: version.to_owned(),
            prerelease: false,
            found: "x".to_owned(),
            signed: None,
            files: Vec::new(),
        }
    }

    fn locked(versions: &[&str]) -> Locked {
        let sha = || digest_of(b"x").unwrap();
        let payload = || LockedPayload {
            url: "https://x.test/a".to_owned(),
            sha256: sha(),
            hash: HashOrigin::Source,
            architecture: None,
            platform: None,
            file_name: "a".to_owned(),
            size: None,
            installer: None,
            arguments: None,
        };
        let release = |version: &&str| LockedRelease {
            version: (*version).to_owned(),
            at: "2026-11-20T10:00:00Z".parse().unwrap(),
            found: "x".to_owned(),
            signed: None,
            payloads: vec![payload()],
        };
        Locked::new(sha(), versions.iter().map(release).collect())
    }

    struct Case<'a> {
        offers: &'a [&'a str],
        locked: &'a [&'a str],
        asked: &'a [&'a str],
        source: VersionSource,
        allow_older: bool,
    }

    fn case<'a>(offers: &'a [&'a str], locked: &'a [&'a str], asked: &'a [&'a str]) -> Case<'a> {
        Case { offers, locked, asked, source: VersionSource::default(), allow_older: false }
    }

    /// The versions; those that stay as they were locked in brackets.
    fn chosen(case: &Case<'_>) -> (String, Choice) {
        let offers: Vec<Offer> = case.offers.iter().map(|version| offer(version)).collect();
        let lock = locked(case.locked);
        let asked = case.asked.iter().map(|text| (*text).to_owned()).collect();
        let ask = Ask {
            scheme: VersionScheme::Dotted,
            source: &case.source,
            asked: &asked,
            locked: Some(&lock),
            allow_older: case.allow_older,
        };
        let choice = choose(ask, &offers).unwrap();
        let texts: Vec<String> = choice
            .chosen
            .iter()
            .map(|chosen| match chosen {
                Chosen::Offer(at) => offers[*at].version.clone(),
                Chosen::Locked(at) => format!("({})", lock.releases[*at].version),
            })
            .collect();
        (texts.join(" "), choice)
    }

    #[test]
    fn the_newest_is_chosen_by_number_and_the_one_before_it_stays() {
        assert_eq!(chosen(&case(&["1.9", "1.10", "1.2"], &[], &[])).0, "1.10");
        assert_eq!(chosen(&case(&["1.9", "1.10"], &["1.9"], &[])).0, "1.10 1.9");
        assert_eq!(chosen(&case(&["1.10"], &["1.9", "1.8"], &[])).0, "1.10 (1.9)");
        assert_eq!(chosen(&case(&["1.10", "1.9"], &["1.10", "1.9"], &[])).0, "1.10 1.9");
        let mut three = case(&["4"], &["3", "2", "1"], &[]);
        three.source.keep = Some(3);
        assert_eq!(chosen(&three).0, "4 (3) (2)");
        three.source.keep = Some(1);
        assert_eq!(chosen(&three).0, "4");
    }

    #[test]
    fn what_deployments_ask_for_is_kept_and_looked_for() {
        assert_eq!(chosen(&case(&["3", "2", "1"], &[], &["1", "<3", "latest", "any"])).0, "3 2 1");
        assert_eq!(chosen(&case(&["3"], &["2", "1", "0"], &["0"])).0, "3 (2) (0)");
        // Written otherwise, it is the same.
        assert_eq!(chosen(&case(&["3.0", "2"], &[], &["3", "2.0.0"])).0, "3.0 2");
        // Nobody has it: the deployment has its own finding.
        assert_eq!(chosen(&case(&["3"], &[], &["7"])).0, "3");
    }

    #[test]
    fn settings_pass_over_prereleases_and_what_the_constraint_forbids() {
        let mut one = case(&["3", "2.0-rc1", "2.0-beta", "1.9", "latest"], &[], &[]);
        one.source.constraint = Some("<3".to_owned());
        let (texts, choice) = chosen(&one);
        assert_eq!(texts, "1.9");
        assert_eq!(choice.notes, ["1 version passed over: not in the software's scheme, such as \"latest\""]);
        one.source.prereleases = true;
        assert_eq!(chosen(&one).0, "2.0-rc1");
        // An exact version that a deployment names is wanted all the same.
        one.asked = &["3"];
        assert_eq!(chosen(&one).0, "3 2.0-rc1");
    }

    #[test]
    fn a_source_that_fell_back_moves_nothing_unless_that_is_asked_for() {
        let mut fell = case(&["1.8"], &["1.10", "1.9"], &[]);
        let (texts, choice) = chosen(&fell);
        assert_eq!(texts, "(1.10) (1.9)");
        assert_eq!(choice.held, Some(("1.10".to_owned(), "1.8".to_owned())));
        fell.allow_older = true;
        let (texts, choice) = chosen(&fell);
        assert_eq!((texts.as_str(), choice.held), ("1.8", None));
        // Settings that were narrowed are no fall.
        let mut narrowed = case(&["2", "1.9"], &["2"], &[]);
        narrowed.source.constraint = Some("<2".to_owned());
        assert_eq!(chosen(&narrowed).0, "1.9");
    }

    #[test]
    fn a_source_without_a_usable_version_is_an_error() {
        let none = BTreeSet::new();
        let source = VersionSource { constraint: Some(">9".to_owned()), ..VersionSource::default() };
        let ask = Ask {
            scheme: VersionScheme::Dotted,
            source: &source,
            asked: &none,
            locked: None,
            allow_older: false,
        };
        assert!(choose(ask, &[offer("1"), offer("2")]).unwrap_err().contains("none of them is allowed"));
        assert!(choose(ask, &[offer("x")]).unwrap_err().contains("such as \"x\""));
        assert!(choose(ask, &[]).unwrap_err().contains("0 versions"));
    }
}
