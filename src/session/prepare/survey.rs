//! Bringing the facts of computers up to date, and nothing else: no item is looked for and no plan is made (SES-6).
//!
//! Not here: which facts there are (`collect`), and when they are too old (the Instance says).
//!
//! Invariant: every computer in scope is asked, those too that are excluded and those that no deployment reaches (INV-4).

use std::collections::BTreeMap;

use super::{Heard, Preparation, Round, Wish, can_be_reached};
use crate::diagnostic::Findings;
use crate::id::Name;
use crate::inventory::identify::Resolution;
use crate::inventory::known::Contact;
use crate::inventory::queries::Queries;
use crate::inventory::snapshot::Snapshot;
use crate::plan::detections::Detections;
use crate::plan::needs;
use crate::store::StoreError;
use crate::targets;

/// What became of the facts.
#[derive(Debug)]
pub struct Surveyed {
    /// The computers as they were listed, before their facts came.
    pub snapshot: Snapshot,
    /// On which computers agents are, and which of them wait.
    pub identification: Resolution,
    /// How many computers are in scope.
    pub computers: usize,
    /// How many brought facts now.
    pub collected: usize,
    /// Those without facts that are as new as is wanted, by name, with what happened.
    pub missing: BTreeMap<String, String>,
    /// Findings about the computers and the scope.
    pub findings: Findings,
    /// Providers without a complete list.
    pub failed: BTreeMap<Name, String>,
}

impl Surveyed {
    /// Whether a source failed, or said less than is believed (L3).
    #[must_use]
    pub fn has_failed_source(&self) -> bool {
        let related = self.snapshot.related();
        !self.failed.is_empty() || !related.failed().is_empty() || !related.doubts().is_empty()
    }
}

impl Preparation<'_> {
    /// Lists, and collects the facts of all computers in scope that are not known or too old, or of all of them.
    ///
    /// # Errors
    /// [`StoreError`] when what is remembered cannot be read or written.
    pub async fn survey(&self, wish: &Wish) -> Result<Surveyed, StoreError> {
        let Heard { known, stored, failed, mut relations, mut kept, doubted, .. } = self.hear(wish).await?;
        let round = Round { failed: &failed, relations: &relations, again: &wish.identify };
        let mut fleet = self.identify(wish, known, stored, round).await?;
        let selecting = wish.only.is_empty();
        let scripts = targets::query::scripts(self.config, &wish.only);
        let queries = Queries {
            config: self.config,
            host: (!wish.offline).then_some(self.host),
            // Without selectors nobody has to be selected by a script.
            wanted: &if selecting { std::collections::BTreeSet::new() } else { scripts },
            before: &kept.clone(),
            doubted: &doubted,
            accepted: &wish.accepted,
            now: self.clock.now(),
        };
        let (snapshot, mut findings) =
            self.snapshot(fleet.known(), &failed, &mut relations, &queries, &mut kept).await?;
        let scope = self.scope(&wish.only, &snapshot, &mut findings);
        let scope = scope.map_or_else(|| snapshot.all().clone(), |scope| scope.possible);
        let ages = (self.clock.now(), self.config.instance.max_age);
        let outdated = needs::outdated(&snapshot, &self.store.results().await?);
        let mut wanted = needs::survey(&snapshot, &scope, ages, wish.refresh, &outdated);
        let mut missing = BTreeMap::new();
        wanted.retain(|need| {
            let computer = snapshot.computer(need.computer);
            let lost = !can_be_reached(computer, &failed);
            if lost {
                missing.insert(computer.name.clone(), format!("provider {} failed", computer.provider));
            }
            !lost
        });
        let found = self.detect(&snapshot, &wanted).await;
        for need in &wanted {
            missing.insert(
                snapshot.computer(need.computer).name.clone(),
                "it was not asked any more".to_owned(),
            );
        }
        let mut collected = 0;
        for gathered in &found {
            let name = &snapshot.computer(gathered.computer).name;
            if gathered.facts.is_some() {
                collected += 1;
                missing.remove(name);
            } else {
                let why = match &gathered.contact {
                    Contact::Unreachable { why } | Contact::Refused { why, .. } | Contact::Failed { why } => {
                        why
                    }
                    Contact::Reached | Contact::Never => "it gave no facts",
                };
                missing.insert(name.clone(), why.to_owned());
            }
        }
        let mut detections = Detections::new(&snapshot, Vec::new());
        self.keep(&found, &relations, &mut fleet.agents, &mut detections).await?;
        _ = self.recognise(&mut fleet);
        if !wish.offline {
            self.remember(&mut fleet).await?;
        }
        let computers = usize::try_from(scope.len()).unwrap_or(usize::MAX);
        let identification = fleet.resolution;
        Ok(Surveyed { snapshot, identification, computers, collected, missing, findings, failed })
    }
}
