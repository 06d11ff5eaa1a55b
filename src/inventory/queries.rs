//! Runs the scripts that select computers, or takes the answers that are kept.
//!
//! Not here: what they are given and what they may answer (`targets::query`).
//!
//! Guarantees: a script whose input is as it was is not run again, unless its answer is older than it says itself. One that fails has no answer: what it selects is then
//! not known, and its failure is told. One that suddenly names far fewer computers, or none, is not believed: those that
//! it named before count, and nothing is removed from any that it names or named (L3).

use std::collections::{BTreeMap, BTreeSet};

use super::believe::shrunk_part;
use super::collect::not_believed;
use super::relations::{Doubt, Relations, SourceKind};
use super::snapshot::Snapshot;
use crate::config::Config;
use crate::id::{ComputerId, Name};
use crate::session::host::ScriptHost;
use crate::store::KeptSource;
use crate::targets::query;
use crate::time::{Limit, Timestamp};

/// How long a script may take that does not say so itself.
const LIMIT: Limit = Limit::seconds(240);

/// What running queries uses.
#[derive(Debug)]
pub struct Queries<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// Who runs scripts; `None` when none may be run.
    pub host: Option<&'a dyn ScriptHost>,
    /// The scripts.
    pub wanted: &'a BTreeSet<Name>,
    /// The answers that were kept when the run began: with these an answer is compared. What this run itself asked with
    /// facts that were older is no measure.
    pub before: &'a [KeptSource],
    /// The doubts about scripts when they were run last, for a run in which none may be run.
    pub doubted: &'a BTreeMap<Name, Vec<Doubt>>,
    /// Scripts whose shorter answer is believed this time.
    pub accepted: &'a BTreeSet<Name>,
    /// The present instant.
    pub now: Timestamp,
}

impl Queries<'_> {
    /// Brings the answers of all scripts up to date with these computers. New answers go into `kept`, and are given
    /// back.
    pub async fn run(
        &self,
        snapshot: &Snapshot,
        relations: &mut Relations,
        kept: &mut Vec<KeptSource>,
    ) -> Vec<KeptSource> {
        let mut fresh = Vec::new();
        if self.wanted.is_empty() {
            return fresh;
        }
        relations.failed.retain(|(kind, _), _| *kind != SourceKind::Script);
        relations.doubts.retain(|(kind, _), _| *kind != SourceKind::Script);
        relations.scripts.clear();
        let input = match query::input(snapshot) {
            Ok(input) => input,
            Err(error) => {
                for name in self.wanted {
                    let of = (SourceKind::Script, name.clone());
                    relations.failed.insert(of, format!("script {name}: {error}"));
                }
                return fresh;
            }
        };
        for name in self.wanted {
            let of = (SourceKind::Script, name.clone());
            match self.one(name, &input, snapshot, kept).await {
                Ok((ids, new)) => {
                    if new.is_some()
                        && let Some((before, doubt)) = self.doubt(name, snapshot, &ids)
                    {
                        relations.doubts.insert(of, vec![doubt]);
                        relations.scripts.insert(name.clone(), before);
                        continue;
                    }
                    if let Some(new) = new {
                        kept.retain(|old| old.kind != SourceKind::Script || old.name != *name);
                        kept.push(new.clone());
                        fresh.push(new);
                    }
                    relations.scripts.insert(name.clone(), ids);
                }
                Err(message) => match self.recalled(name, snapshot) {
                    Some((before, doubts)) => {
                        relations.doubts.insert(of, doubts);
                        relations.scripts.insert(name.clone(), before);
                    }
                    None => _ = relations.failed.insert(of, format!("script {name}: {message}")),
                },
            }
        }
        fresh
    }

    /// The computers that a script names, and what is to be kept when it was run.
    async fn one(
        &self,
        name: &Name,
        input: &str,
        snapshot: &Snapshot,
        kept: &[KeptSource],
    ) -> Result<(BTreeSet<ComputerId>, Option<KeptSource>), String> {
        let script = self.config.scripts.get(name).ok_or("there is no such Script")?;
        let key = query::key(script, input);
        let same = |old: &&KeptSource| old.kind == SourceKind::Script && old.name == *name && old.key == key;
        let age = self.config.answer_ages.get(name);
        let counts = |old: &&KeptSource| age.is_none_or(|age| old.at >= before(self.now, *age));
        if let Some(old) = kept.iter().find(same).filter(counts)
            && let Ok(ids) = serde_json::from_str::<BTreeSet<ComputerId>>(&old.content)
        {
            return Ok((ids, None));
        }
        let host = self.host.ok_or("its answer is too old or for other facts, and nothing is run now")?;
        let limit = script.limit.unwrap_or(LIMIT).duration();
        let text = host.run(script, input, limit).await.map_err(|error| error.to_string())?;
        let ids = query::answer(snapshot, &text)?;
        let content = serde_json::to_string(&ids).map_err(|error| error.to_string())?;
        let new = KeptSource { kind: SourceKind::Script, name: name.clone(), key, at: self.now, content };
        Ok((ids, Some(new)))
    }

    /// What is suspicious of an answer that differs from the last one of the same script, and the computers that that
    /// one named. Of those that are not there any more nothing is expected. A script that was edited is another script.
    fn doubt(
        &self,
        name: &Name,
        snapshot: &Snapshot,
        now: &BTreeSet<ComputerId>,
    ) -> Option<(BTreeSet<ComputerId>, Doubt)> {
        if self.accepted.contains(name) {
            return None;
        }
        let before = self.last(name, snapshot)?;
        let shrink = self.config.instance.sources.of(name);
        let what = shrunk_part("computers that it selected", &before, now, shrink)?;
        let why = format!("script {}", not_believed(name, &what));
        let computers = before.union(now).cloned().collect();
        Some((before, Doubt { why, computers, ..Doubt::default() }))
    }

    /// What counts of a script that was doubted when it was run last and may not be run now.
    fn recalled(&self, name: &Name, snapshot: &Snapshot) -> Option<(BTreeSet<ComputerId>, Vec<Doubt>)> {
        if self.host.is_some() {
            return None;
        }
        let doubts = self.doubted.get(name)?;
        Some((self.last(name, snapshot)?, doubts.clone()))
    }

    /// The computers that the same script named last, of those that are there.
    fn last(&self, name: &Name, snapshot: &Snapshot) -> Option<BTreeSet<ComputerId>> {
        let script = self.config.scripts.get(name)?;
        let mut kept = self.before.iter().filter(|old| old.kind == SourceKind::Script && old.name == *name);
        let last = kept.find(|old| query::is_of(&old.key, script))?;
        let last: BTreeSet<ComputerId> = serde_json::from_str(&last.content).ok()?;
        Some(last.into_iter().filter(|id| snapshot.position(id).is_some()).collect())
    }
}

/// The instant so long before another.
fn before(now: Timestamp, age: Limit) -> Timestamp {
    now.checked_sub(age.duration()).unwrap_or(Timestamp::MIN)
}
