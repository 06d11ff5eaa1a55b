//! What a plan says besides its changes: of targets and names, of the run, of winners and losers, and of what is not known.
//!
//! Not here: what is done (`follow`), and how notes are put together (`notes`).

use roaring::RoaringBitmap;

use super::Work;
use crate::diagnostic::{Finding, code};
use crate::inventory::item::ItemKey;
use crate::inventory::known::Contact;
use crate::plan::document::NoteKind;
use crate::plan::gates::{self, Run};
use crate::plan::modes;
use crate::plan::notes::{document, origin};
use crate::plan::precedence::{Candidate, Winners};
use crate::plan::view::View;
use crate::targets;

impl<'a> Work<'a> {
    pub(super) fn say_empty_targets(&mut self, item: &ItemKey, candidates: &[Candidate<'a>]) {
        for candidate in candidates.iter().filter(|candidate| !candidate.selects) {
            let deployment = candidate.deployment;
            let target = deployment.target.as_ref().and_then(|name| self.view.config.targets.get(name));
            let (place, what) = match target {
                Some(target) => (&target.place, format!("target {}", target.metadata.name)),
                None => (&deployment.place, format!("the target of deployment {}", deployment.metadata.name)),
            };
            let message = format!("{what} matches no computer");
            self.findings.push(Finding::new(code::TARGET_MATCHES_NOTHING, message.clone(), place.clone()));
            self.notes.general(NoteKind::EmptyTarget, Some(item), message, origin(deployment));
        }
    }

    /// Documents of computers that nobody lists.
    pub(super) fn say_unlisted(&mut self) {
        // While a list is missing, its computers are no news.
        if self.view.snapshot.failed().is_empty() && !self.view.config.computers.is_empty() {
            let mut open = self.view.config.computers.clone();
            for (_, computer) in self.view.snapshot.iter() {
                if let Some(name) = &computer.document {
                    open.remove(name);
                }
            }
            for computer in open.values() {
                let mut called = self.view.snapshot.called(&computer.name);
                called.retain(|ix| {
                    let listed = &self.view.snapshot.computer(*ix).provider;
                    computer.provider.as_ref().is_none_or(|provider| provider == listed)
                });
                let name = &computer.name;
                let text = match (called.len(), &computer.provider) {
                    (0, None) => format!("no provider lists a computer called {name}"),
                    (0, Some(provider)) => format!("provider {provider} lists no computer called {name}"),
                    // Another document applies to it, which is an error of its own.
                    (1, _) => continue,
                    (several, _) => {
                        format!("{several} computers are called {name}, so the document applies to none")
                    }
                };
                let origin = document(&computer.metadata.name, &computer.place);
                self.notes.general(NoteKind::UnknownComputer, None, text, origin);
            }
        }
    }

    /// What the run lifts, and which tenants are on hold where something would be wanted.
    pub(super) fn say_the_run(&mut self, run: &Run, reached: &RoaringBitmap) {
        for (text, origin) in modes::what_is_lifted(self.view.config, run) {
            self.notes.general(NoteKind::Lifted, None, text, origin);
        }
        for (name, computers) in &self.view.fleet.on_hold {
            let Some(tenant) = self.view.config.tenants.get(name) else { continue };
            let Some(hold) = &tenant.hold else { continue };
            let text = format!("tenant {name} is {}", gates::held_text(hold));
            let at = document(name, &tenant.place);
            self.notes.add(NoteKind::OnHold, None, text, Some(at), &(computers & reached));
        }
    }

    /// Where winners are on hold, and where a deployment that the run names is none.
    pub(super) fn say_the_winners(
        &mut self,
        item: &ItemKey,
        candidates: &[Candidate<'a>],
        winners: &Winners,
        scope: &RoaringBitmap,
    ) {
        let decided = scope - &winners.uncertain - &winners.ambiguous;
        for (candidate, won) in candidates.iter().zip(&winners.won).filter(|(candidate, _)| candidate.acts) {
            let deployment = candidate.deployment;
            if let Some(hold) = &deployment.hold
                && gates::holds(self.view.config, hold, self.view.run.now)
            {
                let text = format!("deployment {} is {}", deployment.metadata.name, gates::held_text(hold));
                self.notes.add(NoteKind::OnHold, Some(item), text, Some(origin(deployment)), won);
            }
            if self.view.run.named.is_empty() {
                continue;
            }
            for (other, others) in candidates.iter().zip(&winners.won).filter(|(other, _)| !other.acts) {
                let text = format!(
                    "deployment {} does not win here: {} does",
                    deployment.metadata.name, other.deployment.metadata.name
                );
                let at = Some(origin(other.deployment));
                let lost = &(&candidate.reach & &decided) & others;
                self.notes.add(NoteKind::Overruled, Some(item), text, at, &lost);
            }
        }
    }

    /// Where it is not known who wins: which deployment may, and what is not known there.
    pub(super) fn say_who_may_win(
        &mut self,
        item: &ItemKey,
        candidates: &[Candidate<'a>],
        uncertain: &RoaringBitmap,
    ) {
        let View { config, snapshot, fleet, .. } = self.view;
        let mut rest = uncertain.clone();
        let mut never_asked = RoaringBitmap::new();
        for candidate in candidates {
            // The best of those that may reach a computer stands in the way of all others.
            let computers = &rest & &candidate.maybe;
            if computers.is_empty() {
                continue;
            }
            rest -= &computers;
            let deployment = candidate.deployment;
            let resolved = targets::resolve(&deployment.expression, config, Some(&deployment.place));
            for doubt in resolved.iter().flat_map(|resolved| targets::doubts(resolved, snapshot, &computers))
            {
                let mut known = doubt.computers;
                if doubt.by_facts {
                    never_asked |= &known - &fleet.surveyed;
                    known &= &fleet.surveyed;
                }
                let text = format!(
                    "no deployment wins: whether {} reaches the computer is not known ({})",
                    deployment.metadata.name, doubt.selector
                );
                let at = Some(origin(deployment));
                self.notes.add(NoteKind::Undetermined, Some(item), text, at, &known);
            }
        }
        let text = "which deployment wins is not known before the computer's facts are";
        self.notes.add(NoteKind::Undetermined, Some(item), text, None, &never_asked);
    }

    /// Says what is not known, once for each computer and not for each item.
    pub(super) fn unknown(&mut self) {
        let unreached = &self.tally.incomplete & &self.view.fleet.unreached;
        for ix in &unreached {
            let one = RoaringBitmap::from_iter([ix]);
            let (kind, text) = match &*self.view.snapshot.computer(ix).contact {
                Contact::Never | Contact::Reached => continue,
                Contact::Unreachable { why } => (NoteKind::Unreachable, why.clone()),
                Contact::Refused { why, help: None } => (NoteKind::Refused, why.clone()),
                Contact::Refused { why, help: Some(help) } => (NoteKind::Refused, format!("{why}; {help}")),
                Contact::Failed { why } => (NoteKind::Undetermined, why.clone()),
            };
            self.notes.add(kind, None, text, None, &one);
        }
        let never = &self.tally.never - &unreached;
        self.notes.add(
            NoteKind::Stale,
            None,
            "not everything that is wanted was ever detected",
            None,
            &never,
        );
        let old = &self.tally.old - &unreached;
        self.notes.add(NoteKind::Stale, None, "some of what was detected is too old", None, &old);
    }
}
