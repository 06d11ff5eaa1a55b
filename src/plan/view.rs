//! What a plan is made from, and the parts into which an item's computers fall by what is known of them.
//!
//! Invariant: the parts of an item are disjoint, and each has one winner, one mode, one platform and one state.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use roaring::RoaringBitmap;

use super::detections::Fresh;
use super::fleet::Fleet;
use super::gates::Run;
use super::interpret;
use super::precedence::{Candidate, Winners, is_ignored};
use super::{probes, supply};
use crate::config::Config;
use crate::config::kind::{Mode, ParameterValue};
use crate::config::model::{Deployment, License};
use crate::inventory::item::{ItemKey, Observed};
use crate::inventory::snapshot::Snapshot;
use crate::session::script::Platform;
use crate::time::{Limit, Timestamp};

/// What everything is looked up in.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The computers.
    pub snapshot: &'a Snapshot,
    /// The computers by columns.
    pub fleet: &'a Fleet,
    /// What was detected, and what of it is too old.
    pub detections: &'a Fresh<'a>,
    /// The most that the run may do.
    pub ceiling: Mode,
    /// What the run asks for.
    pub run: &'a Run,
}

/// The instant before which what was detected is too old.
#[must_use]
pub fn oldest(now: Timestamp, max_age: Limit) -> Timestamp {
    let age = i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(now.as_second().saturating_sub(age)).unwrap_or(Timestamp::MIN)
}

/// What is known of an item on some computers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen<'d> {
    /// It was observed, not too long ago.
    Known(&'d Observed),
    /// The last observation is too old.
    Stale,
    /// It was never observed, or the computer was not reached, or its platform is not known.
    Unknown,
}

/// Computers on which the same is wanted of an item and the same is known of it.
#[derive(Debug, Clone)]
pub struct Part<'a> {
    /// The winner; `None` where the item matters only because another one needs to know of it.
    pub deployment: Option<&'a Deployment>,
    /// The mode that holds.
    pub mode: Mode,
    /// The platform, if it is known. Where something is known, it is.
    pub platform: Option<Platform>,
    /// What is known.
    pub seen: Seen<'a>,
    /// The licence that goes with the values of the scripts that look.
    pub license: Option<&'a License>,
    /// The computers.
    pub computers: RoaringBitmap,
}

static NOT_APPLICABLE: Observed = Observed::NotApplicable;
static NOT_RUN: LazyLock<Observed> = LazyLock::new(interpret::not_run);

impl<'a> View<'a> {
    /// The values that an item's scripts get from a winner, or without one.
    #[must_use]
    pub fn values(
        &self,
        item: &ItemKey,
        deployment: Option<&Deployment>,
    ) -> BTreeMap<String, ParameterValue> {
        let none = BTreeMap::new();
        probes::values(self.config, item, deployment.map_or(&none, |deployment| &deployment.parameters))
    }

    /// The parts of an item where it has winners. Where nothing may be done there are none.
    #[must_use]
    pub fn parts(&self, item: &ItemKey, candidates: &[Candidate<'a>], winners: &Winners) -> Vec<Part<'a>> {
        let mut parts = Vec::new();
        for (candidate, won) in candidates.iter().zip(&winners.won) {
            if won.is_empty() || !candidate.acts || is_ignored(candidate.deployment) {
                continue;
            }
            let values = self.values(item, Some(candidate.deployment));
            for (mode, computers) in self.fleet.by_mode(won, candidate.mode.min(self.ceiling)) {
                if mode != Mode::Ignored {
                    self.look(item, Some(candidate.deployment), &values, mode, &computers, &mut parts);
                }
            }
        }
        parts
    }

    /// Splits computers by licence, by platform and by what is known of the item there.
    pub fn look(
        &self,
        item: &ItemKey,
        deployment: Option<&'a Deployment>,
        values: &BTreeMap<String, ParameterValue>,
        mode: Mode,
        computers: &RoaringBitmap,
        parts: &mut Vec<Part<'a>>,
    ) {
        for (license, computers) in
            supply::by_license(self.config, self.snapshot, item, deployment, computers)
        {
            let values = supply::with_license(values, license);
            let part = Part {
                deployment,
                mode,
                platform: None,
                seen: Seen::Unknown,
                license,
                computers: RoaringBitmap::new(),
            };
            self.look_with(item, &values, &part, &computers, parts);
        }
    }

    /// The same where the values are all there; `like` says what the parts have in common.
    fn look_with(
        &self,
        item: &ItemKey,
        values: &BTreeMap<String, ParameterValue>,
        like: &Part<'a>,
        computers: &RoaringBitmap,
        parts: &mut Vec<Part<'a>>,
    ) {
        for (platform, computers) in self.fleet.by_platform(computers) {
            let mut add = |seen: Seen<'a>, computers: RoaringBitmap| {
                if !computers.is_empty() {
                    parts.push(Part { platform, seen, computers, ..like.clone() });
                }
            };
            let Some(platform) = platform else {
                add(Seen::Unknown, computers);
                continue;
            };
            let probe = probes::probe(self.config, item, values, like.mode, platform);
            if !probe.applicable {
                add(Seen::Known(&NOT_APPLICABLE), computers);
                continue;
            }
            if probe.remembered {
                let done = self.detections.ever(item, &probe.digest, &computers);
                let open = computers - &done;
                add(Seen::Known(&Observed::Compliant), done);
                add(Seen::Unknown, &open & &self.fleet.unreached);
                add(Seen::Known(&NOT_RUN), open - &self.fleet.unreached);
                continue;
            }
            let mut unknown = &computers & &self.fleet.unreached;
            let found = self.detections.parts(item, &probe.digest, &(computers - &unknown));
            for (observed, computers) in found.fresh {
                add(Seen::Known(observed), computers);
            }
            add(Seen::Stale, found.stale);
            unknown |= found.unknown;
            add(Seen::Unknown, unknown);
        }
    }
}
