//! What is remembered of sources that failed, so that a plan that asks nobody holds what depends on them (L3).
//!
//! Not here: who asks, and whom to believe (`collect`, `queries`).
//!
//! Invariants: a source fails from the first time that it has no good answer until it has one; what was not asked stays as
//! it was.

use std::collections::{BTreeMap, BTreeSet};

use super::relations::{Doubt, Relations, SourceKind};
use crate::config::Config;
use crate::id::Name;
use crate::store::{FailingKind, KeptFailure};
use crate::time::Timestamp;

/// The failures to keep after these sources were asked. `providers` and `relations` say how it went.
#[must_use]
pub fn after(
    before: &[KeptFailure],
    asked: &BTreeSet<(FailingKind, Name)>,
    providers: &BTreeMap<Name, String>,
    relations: &Relations,
    now: Timestamp,
) -> Vec<KeptFailure> {
    let mut kept: BTreeMap<(FailingKind, Name), KeptFailure> = BTreeMap::new();
    for failure in before {
        let source = (failure.kind, failure.name.clone());
        if !asked.contains(&source) {
            kept.insert(source, failure.clone());
        }
    }
    for (kind, name) in asked {
        let was = before.iter().find(|failure| failure.kind == *kind && failure.name == *name);
        let key = (source(*kind), name.clone());
        let doubts = relations.doubts.get(&key);
        let message = match kind {
            FailingKind::Provider => providers.get(name),
            _ => relations.failed.get(&key),
        };
        if message.is_none() && doubts.is_none() {
            continue;
        }
        let failure = KeptFailure {
            kind: *kind,
            name: name.clone(),
            since: was.map_or(now, |failure| failure.since),
            message: message.cloned(),
            doubts: doubts.cloned().unwrap_or_default(),
        };
        kept.insert((*kind, name.clone()), failure);
    }
    kept.into_values().collect()
}

/// Says of what failed before this run since when.
pub fn say_since(
    kept: &[KeptFailure],
    now: Timestamp,
    providers: &mut BTreeMap<Name, String>,
    relations: &mut Relations,
) {
    for failure in kept.iter().filter(|failure| failure.since < now) {
        let since = format!(" (since {})", moment(failure.since));
        let key = (source(failure.kind), failure.name.clone());
        for doubt in relations.doubts.get_mut(&key).into_iter().flatten() {
            doubt.why.push_str(&since);
        }
        let told = match failure.kind {
            FailingKind::Provider => providers.get_mut(&failure.name),
            _ => relations.failed.get_mut(&key),
        };
        if let Some(told) = told {
            told.push_str(&since);
        }
    }
}

/// What failed when it was asked last, for a run that asks nobody: failing providers, and directories and PSAs into
/// `relations`. Of scripts the doubts are given back.
pub fn recall(
    kept: &[KeptFailure],
    config: &Config,
    providers: &mut BTreeMap<Name, String>,
    relations: &mut Relations,
) -> BTreeMap<Name, Vec<Doubt>> {
    let mut scripts = BTreeMap::new();
    for failure in kept {
        let name = &failure.name;
        let since = |text: &str| format!("{text} (since {}; nobody is asked now)", moment(failure.since));
        let doubts: Vec<Doubt> =
            failure.doubts.iter().map(|doubt| Doubt { why: since(&doubt.why), ..doubt.clone() }).collect();
        let message = failure.message.as_deref().map(since);
        let of = match failure.kind {
            FailingKind::Provider => {
                if config.providers.contains_key(name) {
                    providers.extend(message.map(|message| (name.clone(), message)));
                    if !doubts.is_empty() {
                        relations.doubts.insert((SourceKind::Provider, name.clone()), doubts);
                    }
                }
                continue;
            }
            FailingKind::Script => {
                if !doubts.is_empty() {
                    scripts.insert(name.clone(), doubts);
                }
                continue;
            }
            FailingKind::Directory if config.directories.contains_key(name) => SourceKind::Directory,
            FailingKind::Psa if config.psas.contains_key(name) => SourceKind::Psa,
            FailingKind::Directory | FailingKind::Psa => continue,
        };
        let key = (of, name.clone());
        if !doubts.is_empty() {
            relations.doubts.insert(key.clone(), doubts);
        }
        relations.failed.extend(message.map(|message| (key, message)));
    }
    scripts
}

const fn source(kind: FailingKind) -> SourceKind {
    match kind {
        FailingKind::Provider => SourceKind::Provider,
        FailingKind::Directory => SourceKind::Directory,
        FailingKind::Psa => SourceKind::Psa,
        FailingKind::Script => SourceKind::Script,
    }
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).expect("a name")
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).expect("a time")
    }

    fn asked(kinds: &[FailingKind]) -> BTreeSet<(FailingKind, Name)> {
        kinds.iter().map(|kind| (*kind, name("one"))).collect()
    }

    #[test]
    fn a_source_fails_from_the_first_time_until_it_answers_and_is_not_forgotten_meanwhile() {
        let providers = BTreeMap::from([(name("one"), "no answer".to_owned())]);
        let well = Relations::default();
        let all = asked(&[FailingKind::Provider, FailingKind::Psa]);
        let first = after(&[], &all, &providers, &well, at(1));
        assert_eq!(
            first.iter().map(|one| (one.kind, one.since)).collect::<Vec<_>>(),
            [(FailingKind::Provider, at(1))]
        );
        let second = after(&first, &all, &providers, &well, at(2));
        assert_eq!(second, first, "still since then");
        let psa = asked(&[FailingKind::Psa]);
        assert_eq!(after(&first, &psa, &BTreeMap::new(), &well, at(3)), first, "it was not asked");
        assert_eq!(after(&first, &all, &BTreeMap::new(), &well, at(4)), [], "it answered");
        let mut told = providers.clone();
        say_since(&second, at(1), &mut told, &mut Relations::default());
        assert_eq!(told, providers, "just now");
        say_since(&second, at(2), &mut told, &mut Relations::default());
        assert_eq!(told[&name("one")], "no answer (since 1970-01-01 00:01 UTC)");
    }
}
