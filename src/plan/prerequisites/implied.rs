//! The actions that are implied in the end, each computer once, and on whose behalf.

use std::collections::{BTreeMap, BTreeSet};

use roaring::RoaringBitmap;

use super::{Implied, Standing, State};
use crate::config::model::Deployment;
use crate::id::Name;

impl State {
    /// The implied actions, each computer once.
    pub(super) fn implied<'c>(&self, standings: &BTreeMap<Name, Standing<'c>>) -> Vec<Implied<'c>> {
        let mut result = Vec::new();
        for (sets, install) in [(&self.installs, true), (&self.removes, false)] {
            for (software, needers) in sets {
                let mut taken = RoaringBitmap::new();
                for (needed_by, computers) in needers {
                    let mine = computers - &taken;
                    taken |= &mine;
                    for (deployment, computers) in
                        self.owners(standings, needed_by, &mine, &mut BTreeSet::new())
                    {
                        result.push(Implied {
                            software: software.clone(),
                            install,
                            needed_by: needed_by.clone(),
                            deployment,
                            computers,
                        });
                    }
                }
            }
        }
        result
    }

    /// The deployments on whose behalf a software is seen to: its own winners, else those of what needs it.
    fn owners<'c>(
        &self,
        standings: &BTreeMap<Name, Standing<'c>>,
        name: &Name,
        computers: &RoaringBitmap,
        seen: &mut BTreeSet<Name>,
    ) -> Vec<(&'c Deployment, RoaringBitmap)> {
        let mut open = computers.clone();
        let mut result = Vec::new();
        if !seen.insert(name.clone()) {
            return result;
        }
        let Some(standing) = standings.get(name) else { return result };
        for (deployment, won) in &standing.winners {
            let mine = won & &open & &standing.active;
            if !mine.is_empty() {
                open -= &mine;
                result.push((*deployment, mine));
            }
        }
        for (needer, set) in self.installs.get(name).into_iter().flatten() {
            let mine = set & &open;
            if !mine.is_empty() {
                let owners = self.owners(standings, needer, &mine, seen);
                for (_, found) in &owners {
                    open -= found;
                }
                result.extend(owners);
            }
        }
        seen.remove(name);
        result
    }
}
