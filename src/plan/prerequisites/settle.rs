//! The planned state of a stratum: rules fire until nothing is added; then each is judged again without its own
//! contribution.
//!
//! A rule that does not hold then was right only on the way. It is taken back on these computers and the stratum begins
//! anew without it. A rule that was taken back and holds nevertheless in the end is one that ends its own reason: it can
//! neither act nor rest, and that is a conflict.
//!
//! Invariants: a stratum begins anew at most as often as it has rules, as each time every computer concerned loses one;
//! rules act and are taken back in the order of names, so that of several ways to rest it is always the same.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::Search;
use super::strata::RuleKey;
use crate::config::kind::Consequence;
use crate::config::model::Prerequisite;
use crate::id::Name;

/// Where rules are taken back.
type Back = BTreeMap<(Name, usize), RoaringBitmap>;

impl<'a> Search<'a, '_> {
    /// Works out the planned state.
    pub(super) fn run(&mut self, strata: &[Vec<RuleKey<'_>>]) {
        for rules in strata {
            match rules.as_slice() {
                // Nothing that it adds changes whether it holds.
                [rule] => _ = self.fire(*rule, &Back::new()),
                rules => self.settle(rules),
            }
        }
    }

    fn rule(&self, rule: RuleKey<'_>) -> Option<&'a Prerequisite> {
        self.config.software.get(rule.0)?.prerequisites.get(rule.1)
    }

    /// Works out the planned state of rules that depend on each other.
    fn settle(&mut self, rules: &[RuleKey<'_>]) {
        let before = self.state.clone();
        let mut back = Back::new();
        loop {
            loop {
                let mut grown = false;
                for rule in rules {
                    grown |= self.fire(*rule, &back);
                }
                if !grown {
                    break;
                }
            }
            let mut touched = RoaringBitmap::new();
            for rule in rules {
                let over = self.hollow(*rule) - &touched;
                if !over.is_empty() {
                    touched |= &over;
                    *back.entry(owned(*rule)).or_default() |= over;
                }
            }
            if touched.is_empty() {
                break;
            }
            self.state = before.clone();
        }
        for (key, computers) in back {
            let undone = computers & self.unmet((&key.0, key.1));
            if !undone.is_empty() {
                self.state.undone.insert(key, undone);
            }
        }
    }

    /// Lets a rule act where it holds and is not taken back. Gives whether that adds something.
    fn fire(&mut self, key: RuleKey<'_>, back: &Back) -> bool {
        let Some(rule) = self.rule(key) else { return false };
        let active = self.active(key.0);
        if active.is_empty() {
            return false;
        }
        let owned = owned(key);
        let (mut yes, _) = self.condition(&rule.when, &active);
        if let Some(back) = back.get(&owned) {
            yes -= back;
        }
        let fired = self.state.fired.entry(owned.clone()).or_default();
        *fired |= yes;
        let fired = &*fired & &active;
        let (others, install) = match &rule.then {
            Consequence::Install(others) => (others, true),
            Consequence::Uninstall(others) => (others, false),
            Consequence::Fail(_) => return false,
        };
        let mut grown = false;
        for other in others {
            let new = self.possible(other, &fired, install);
            if new.is_empty() {
                continue;
            }
            grown = true;
            *self.state.made.entry(owned.clone()).or_default().entry(other.clone()).or_default() |= &new;
            let target = if install { &mut self.state.installs } else { &mut self.state.removes };
            *target.entry(other.clone()).or_default().entry(key.0.clone()).or_default() |= new;
        }
        grown
    }

    /// Where a rule has fired and does not hold without its own contribution.
    fn hollow(&self, key: RuleKey<'_>) -> RoaringBitmap {
        let owned = owned(key);
        let (Some(rule), Some(fired)) = (self.rule(key), self.state.fired.get(&owned)) else {
            return RoaringBitmap::new();
        };
        let active = self.active(key.0);
        let (yes, _) = self.condition_without(&rule.when, &active, Some(&owned));
        fired - yes
    }

    /// Where a rule holds and what it asks for is not so.
    fn unmet(&self, key: RuleKey<'_>) -> RoaringBitmap {
        let Some(rule) = self.rule(key) else { return RoaringBitmap::new() };
        let (yes, _) = self.condition(&rule.when, &self.active(key.0));
        let mut met = yes.clone();
        match &rule.then {
            Consequence::Install(others) => others.iter().for_each(|other| met &= self.planned(other).0),
            Consequence::Uninstall(others) => others.iter().for_each(|other| met &= self.planned(other).1),
            Consequence::Fail(_) => {}
        }
        yes - met
    }
}

fn owned(key: RuleKey<'_>) -> (Name, usize) {
    (key.0.clone(), key.1)
}
