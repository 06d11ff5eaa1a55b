//! Which of the offered versions go into the lock file.
//!
//! The newest that the source's settings allow; for each version or range that a deployment asks for, the highest that fits; and
//! of what was locked before, the newest ones up to the source's `keep`, so that going back is a change of one line.
//!
//! Invariants: pure; a source whose newest version disappeared moves nothing, and a range whose version disappeared keeps the
//! locked one, unless going back is asked for (L3); what is not offered any more and still kept stays exactly as it was locked.

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

/// A locked version that stays because the source offers only older ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The range of a deployment that it is about; `None` for the newest version, and then nothing else moves either.
    pub range: Option<String>,
    /// The locked version.
    pub locked: String,
    /// The highest that is offered for it.
    pub offered: String,
}

/// What was chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// The versions, highest first.
    pub chosen: Vec<Chosen>,
    /// What stays because the source offers nothing as new as what is locked.
    pub held: Vec<Hold>,
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
    let highest_first = |a: &usize, b: &usize| {
        let text = |at: usize| locked.get(at).map_or("", |release| release.version.as_str());
        compare(text(*b), text(*a))
    };
    if let Some(highest) = highest.filter(|_| is_older && !ask.allow_older) {
        let offered = newest_text(newest).to_owned();
        choice.held.push(Hold { range: None, locked: highest.version.clone(), offered });
        // Nothing that such a source offers is taken, neither for a deployment nor in place of what is locked.
        let mut stay = kept;
        stay.sort_by(highest_first);
        choice.chosen = stay.into_iter().map(Chosen::Locked).collect();
        return Ok(choice);
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
    let mut still: Vec<usize> = if is_older {
        let not_above =
            |at: &usize| locked.get(*at).is_some_and(|r| compare(&r.version, newest_text(newest)).is_le());
        kept.into_iter().filter(not_above).collect()
    } else {
        kept
    };
    pick(&mut picked, Chosen::Offer(newest));
    let mut outdone = BTreeSet::new();
    for text in ask.asked {
        let Some(asked) = asked(ask, text, offers, &allowed, &still) else { continue };
        pick(&mut picked, asked.chosen);
        choice.held.extend(asked.hold);
        outdone.extend(asked.outdone);
    }
    still.retain(|at| !outdone.contains(at));
    // The newest of what was locked fill what is left.
    let keep = usize::try_from(ask.source.keep.unwrap_or(KEEP)).unwrap_or(usize::MAX);
    still.sort_by(highest_first);
    let is_newest =
        |at: &usize| locked.get(*at).is_some_and(|r| compare(&r.version, newest_text(newest)).is_eq());
    for at in still.into_iter().filter(|at| !is_newest(at)).take(keep.saturating_sub(1)) {
        // What is still offered is taken as it is offered now.
        let same = |offer: &&usize| {
            locked.get(at).is_some_and(|r| compare(newest_text(**offer), &r.version).is_eq())
        };
        let offer = allowed.iter().find(same);
        pick(&mut picked, offer.map_or(Chosen::Locked(at), |offer| Chosen::Offer(*offer)));
    }
    picked.sort_by(|a, b| compare(&b.0, &a.0));
    choice.chosen = picked.into_iter().map(|(_, chosen)| chosen).collect();
    Ok(choice)
}

/// The offers that the settings allow, highest first.
fn allowed(ask: Ask<'_>, offers: &[Offer], notes: &mut Vec<String>) -> Result<Vec<usize>, String> {
    let mut allowed: Vec<usize> = Vec::new();
    let mut no_version = Vec::new();
    let mut refused = Vec::new();
    for (at, offer) in offers.iter().enumerate() {
        if !version::is_plain(&offer.version) {
            refused.push(plain(&offer.version).chars().take(40).collect::<String>());
        } else if version::check(ask.scheme, &offer.version).is_err() {
            no_version.push(plain(&offer.version));
        } else if is_allowed(ask, Some(&offer.version)) && (ask.source.prereleases || !offer.prerelease) {
            allowed.push(at);
        }
    }
    if let Some(example) = refused.first() {
        notes.push(format!(
            "{} refused: with control characters, or longer than {} characters, such as {example:?}",
            count(refused.len()),
            version::LONGEST
        ));
    }
    if !refused.is_empty() && refused.len() + no_version.len() == offers.len() {
        return Err(format!("it offers {}; {}", count(offers.len()), notes.join("; ")));
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

/// What a deployment's text comes to.
struct Asked {
    chosen: Chosen,
    /// The locked version that stays although it is not offered any more.
    hold: Option<Hold>,
    /// What is locked above the chosen version and is not to stay for the deployment's sake.
    outdone: Vec<usize>,
}

/// What a deployment's text means: the highest offer that fits, or what is locked when none does. An exact version is
/// looked for among all offers, also those that the settings pass over. A range keeps a locked version that is higher than
/// all that is offered, unless going back is asked for.
fn asked(ask: Ask<'_>, text: &str, offers: &[Offer], allowed: &[usize], still: &[usize]) -> Option<Asked> {
    if matches!(text, "latest" | "any") {
        return None;
    }
    let constraint = Constraint::parse(ask.scheme, text).ok()?;
    let compare = |a: &str, b: &str| version::compare(ask.scheme, a, b).unwrap_or(Ordering::Equal);
    let fits = |version: &str| version::is_plain(version) && constraint.allows(version).unwrap_or(false);
    let offer = |at: &usize| offers.get(*at).is_some_and(|offer| fits(&offer.version));
    let found = if constraint.is_exact().is_some() {
        (0..offers.len()).find(offer)
    } else {
        allowed.iter().copied().find(offer)
    };
    let locked = ask.locked.map(|locked| locked.releases.as_slice()).unwrap_or_default();
    let locked_text = |at: usize| locked.get(at).map_or("", |release| release.version.as_str());
    let in_lock: Vec<usize> = still.iter().copied().filter(|at| fits(locked_text(*at))).collect();
    let highest = in_lock.iter().copied().max_by(|a, b| compare(locked_text(*a), locked_text(*b)));
    let plain = |chosen| Asked { chosen, hold: None, outdone: Vec::new() };
    let (offered, highest) = match (found, highest) {
        (Some(offered), Some(highest)) => (offered, highest),
        (Some(offered), None) => return Some(plain(Chosen::Offer(offered))),
        (None, highest) => return highest.map(Chosen::Locked).map(plain),
    };
    let offered_text = offers.get(offered).map_or("", |offer| offer.version.as_str());
    let is_above = |at: usize| compare(locked_text(at), offered_text).is_gt();
    if !is_above(highest) {
        return Some(plain(Chosen::Offer(offered)));
    }
    if ask.allow_older {
        let outdone = in_lock.into_iter().filter(|at| is_above(*at)).collect();
        return Some(Asked { outdone, ..plain(Chosen::Offer(offered)) });
    }
    let hold = Hold {
        range: Some(text.to_owned()),
        locked: locked_text(highest).to_owned(),
        offered: offered_text.to_owned(),
    };
    Some(Asked { hold: Some(hold), ..plain(Chosen::Locked(highest)) })
}

fn count(n: usize) -> String {
    if n == 1 { "1 version".to_owned() } else { format!("{n} versions") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
        Locked::new(&crate::id::Name::new("a").unwrap(), sha(), versions.iter().map(release).collect())
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
        let hold = Hold { range: None, locked: "1.10".to_owned(), offered: "1.8".to_owned() };
        assert_eq!(choice.held, [hold]);
        fell.allow_older = true;
        let (texts, choice) = chosen(&fell);
        assert_eq!((texts.as_str(), choice.held.len()), ("1.8", 0));
        // Settings that were narrowed are no fall.
        let mut narrowed = case(&["2", "1.9"], &["2"], &[]);
        narrowed.source.constraint = Some("<2".to_owned());
        assert_eq!(chosen(&narrowed).0, "1.9");
    }

    #[test]
    fn a_held_source_adds_nothing_drops_nothing_and_replaces_nothing() {
        let lock = ["1.10", "1.9", "1.8", "1.2"];
        for asked in [&["<1.9"][..], &["1.5"], &["<1.7", ">=1", "1.9", "latest"], &[]] {
            for offers in [&["1.9", "1.5"][..], &["1.8", "1.5", "1.3"], &["1.0"]] {
                assert_eq!(
                    chosen(&case(offers, &lock, asked)).0,
                    "(1.10) (1.9) (1.8) (1.2)",
                    "{asked:?} {offers:?}"
                );
            }
        }
    }

    #[test]
    fn a_range_whose_version_disappeared_keeps_it_unless_going_back_is_asked_for() {
        let mut fell = case(&["4.0", "3.9", "2.0"], &["4.0", "3.9", "2.9"], &["<3"]);
        let (texts, choice) = chosen(&fell);
        assert_eq!(texts, "4.0 3.9 (2.9)");
        let hold = Hold { range: Some("<3".to_owned()), locked: "2.9".to_owned(), offered: "2.0".to_owned() };
        assert_eq!(choice.held, [hold]);
        fell.allow_older = true;
        let (texts, choice) = chosen(&fell);
        assert_eq!((texts.as_str(), choice.held.len()), ("4.0 3.9 2.0", 0));
        // There would be room for it, and the range would still mean it.
        fell.locked = &["4.0", "2.9"];
        assert_eq!(chosen(&fell).0, "4.0 2.0");
        // Who asks for exactly that version still gets it.
        fell.asked = &["2.9", "<3"];
        assert_eq!(chosen(&fell).0, "4.0 (2.9) 2.0");
        // Others move on meanwhile, and a range goes up with what is offered.
        assert_eq!(chosen(&case(&["5.0", "2.0"], &["4.0", "2.9"], &["<3"])).0, "5.0 (4.0) (2.9)");
        assert_eq!(chosen(&case(&["4.0", "2.10", "2.0"], &["4.0", "2.9"], &["<3"])).0, "4.0 2.10 (2.9)");
        // Settings that were narrowed are no fall.
        let mut narrowed = case(&["4.0", "2.0"], &["4.0", "2.9"], &["<3"]);
        narrowed.source.constraint = Some("!=2.9".to_owned());
        let (texts, choice) = chosen(&narrowed);
        assert_eq!((texts.as_str(), choice.held.len()), ("4.0 2.0", 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        /// What a range means in a lock: the highest locked version that it allows.
        #[test]
        fn no_range_ever_means_an_older_version_unless_that_is_asked_for_in_500_cases(
            offers in proptest::collection::btree_set(1_u32..9, 1..6),
            locked in proptest::collection::btree_set(1_u32..9, 0..4),
            below in 2_u32..10,
            keep in 1_u32..4,
        ) {
            let texts = |all: &BTreeSet<u32>| all.iter().rev().map(u32::to_string).collect::<Vec<_>>();
            let (offered, before) = (texts(&offers), texts(&locked));
            let (offered, before): (Vec<&str>, Vec<&str>) =
                (offered.iter().map(String::as_str).collect(), before.iter().map(String::as_str).collect());
            let range = format!("<{below}");
            let asked = [range.as_str()];
            let mut one = case(&offered, &before, &asked);
            one.source.keep = Some(keep);
            let (now, choice) = chosen(&one);
            let now: BTreeSet<u32> =
                now.split(' ').map(|text| text.trim_matches(['(', ')']).parse().unwrap()).collect();
            let meant = |all: &BTreeSet<u32>| all.range(..below).next_back().copied();
            prop_assert!(now.last() >= locked.last());
            prop_assert!(meant(&now) >= meant(&locked));
            let fell = |offered: Option<u32>, locked: Option<u32>| {
                offered.zip(locked).is_some_and(|(offered, locked)| offered < locked)
            };
            let newest_fell = fell(offers.last().copied(), locked.last().copied());
            prop_assert_eq!(!choice.held.is_empty(), newest_fell || fell(meant(&offers), meant(&locked)));
            if newest_fell {
                prop_assert_eq!(now, locked);
            }
        }
    }

    #[test]
    fn versions_that_would_steer_a_terminal_or_have_no_end_are_refused_and_told() {
        let long = format!("1.{}", "0".repeat(version::LONGEST));
        let offers = ["1.0\u{1b}[31m\nX: evil", "1.0\u{202e}", "9\n", &long, "0.9"];
        let (texts, choice) = chosen(&case(&offers, &[], &["9", "1.0\u{202e}"]));
        assert_eq!(texts, "0.9");
        assert_eq!(
            choice.notes,
            [
                "4 versions refused: with control characters, or longer than 200 characters, such as \"1.0\u{fffd}[31m\""
            ]
        );
        let (source, none) = (VersionSource::default(), BTreeSet::new());
        let ask = Ask {
            scheme: VersionScheme::Dotted,
            source: &source,
            asked: &none,
            locked: None,
            allow_older: false,
        };
        assert!(choose(ask, &[offer("1\n2")]).unwrap_err().contains("control characters"));
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
