//! What software needs of other software: implied actions, and what cannot go on (PRE-1 to PRE-14).
//!
//! Everything is worked out for all computers at once, by sets, on the planned state: what will be there when the session
//! is over. Rules are judged by strata (`strata`), each after all that its condition depends on. In a circle a rule that
//! does not hold any more without its own contribution is taken back (`settle`); what is blocked stays so. So the search
//! ends, circles or not.
//!
//! Not here: the order of actions (`order`).
//!
//! Invariants: nothing is implied against a winner that says otherwise; what needs something that cannot be had is
//! blocked, and what only it needs is then not implied; on the planned state every rule that holds is met, or its
//! software is blocked, so that one apply is enough; no rule acts whose condition the planned state does not meet.

mod audit;
mod implied;
mod settle;
mod strata;

use std::collections::{BTreeMap, BTreeSet};

use roaring::RoaringBitmap;

use crate::config::Config;
use crate::config::kind::{Condition, Consequence, Quantifier};
use crate::config::model::Deployment;
use crate::diagnostic::Place;
use crate::id::Name;
use crate::plan::document::NoteKind;

/// Where a software stands on all computers, by its own winners alone.
#[derive(Debug, Clone, Default)]
pub struct Standing<'c> {
    /// Where it is there.
    pub present: RoaringBitmap,
    /// Where it is not there.
    pub absent: RoaringBitmap,
    /// Where its own winner installs it.
    pub gains: RoaringBitmap,
    /// Where its own winner removes it.
    pub loses: RoaringBitmap,
    /// Where its own winner wants it there and may act, so that what it needs is seen to (PRE-8).
    pub active: RoaringBitmap,
    /// Where its own winner wants it there and may only tell.
    pub audited: RoaringBitmap,
    /// Where its own winner says absent or ignored.
    pub refuses: RoaringBitmap,
    /// Where its own winner says installed or ignored.
    pub keeps: RoaringBitmap,
    /// Where it has a winner that may only tell.
    pub passive: RoaringBitmap,
    /// Where it could be installed: the platform has a script for it.
    pub installable: RoaringBitmap,
    /// Where it could be removed.
    pub removable: RoaringBitmap,
    /// Whether it is switched off, so that nothing is done with it anywhere.
    pub disabled: bool,
    /// Why it cannot be installed though there is a script for it, and where: a licence, a file, a restart.
    pub install_lacks: Vec<(String, RoaringBitmap)>,
    /// The same of a removal.
    pub removal_lacks: Vec<(String, RoaringBitmap)>,
    /// Its winners and where they win.
    pub winners: Vec<(&'c Deployment, RoaringBitmap)>,
}

/// An action that another software needs.
#[derive(Debug, Clone)]
pub struct Implied<'c> {
    /// What is installed or removed.
    pub software: Name,
    /// Installed, or removed.
    pub install: bool,
    /// What needs it.
    pub needed_by: Name,
    /// The deployment on whose behalf.
    pub deployment: &'c Deployment,
    /// Where.
    pub computers: RoaringBitmap,
}

/// Something that cannot go on, or is not as it should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Trouble {
    /// The software that cannot go on.
    pub software: Name,
    /// What kind of note that is.
    pub kind: NoteKind,
    /// A sentence.
    pub text: String,
    /// The rule.
    pub place: Place,
    /// The other software, where its own winner contradicts: an error of the configuration (M0704).
    pub against: Option<Name>,
    /// The rule ends its own reason in a circle of others: an error of the configuration (M0710).
    pub undoes: bool,
    /// Where.
    pub computers: RoaringBitmap,
}

/// What prerequisites come to.
#[derive(Debug, Clone, Default)]
pub struct Outcome<'c> {
    /// What has to be done besides, sorted by software; one entry for each that needs it, no computer in two.
    pub implied: Vec<Implied<'c>>,
    /// Where a software must not be touched, by software.
    pub blocked: BTreeMap<Name, RoaringBitmap>,
    /// Why.
    pub troubles: Vec<Trouble>,
}

/// Adds to every software's computers those where another one asks for it: everything that rules mention.
pub fn spread(config: &Config, interest: &mut BTreeMap<Name, RoaringBitmap>) {
    let mut open: BTreeSet<Name> = interest.keys().cloned().collect();
    while let Some(name) = open.pop_first() {
        let Some(software) = config.software.get(&name).filter(|software| !software.prerequisites.is_empty())
        else {
            continue;
        };
        let Some(computers) = interest.get(&name).cloned() else { continue };
        for rule in &software.prerequisites {
            let mentioned = match &rule.then {
                Consequence::Install(names) | Consequence::Uninstall(names) => names.as_slice(),
                Consequence::Fail(_) => &[],
            };
            let conditions = rule.when.installed.iter().chain(&rule.when.not_installed).flatten();
            for other in mentioned.iter().chain(conditions) {
                let set = interest.entry(other.clone()).or_default();
                let before = set.len();
                *set |= &computers;
                if set.len() > before {
                    open.insert(other.clone());
                }
            }
        }
    }
}

/// Works out what prerequisites come to. `held` is where nothing may be removed.
#[must_use]
pub fn resolve<'a, 'c>(
    config: &'c Config,
    standings: &'a BTreeMap<Name, Standing<'c>>,
    held: &RoaringBitmap,
) -> Outcome<'c> {
    let with_rules = |name: &&Name| config.software.get(*name).is_some_and(|s| !s.prerequisites.is_empty());
    let rulers: Vec<&'a Name> = standings.keys().filter(with_rules).collect();
    if rulers.is_empty() {
        return Outcome::default();
    }
    let with_software = |name: &&'a Name| config.software.get(*name).map(|software| (*name, software));
    let strata = strata::strata(&rulers.iter().filter_map(with_software).collect::<Vec<_>>());
    let mut blocked: BTreeMap<Name, RoaringBitmap> = BTreeMap::new();
    let mut troubles = Vec::new();
    loop {
        let mut search = Search { config, standings, held, blocked: &blocked, state: State::default() };
        search.run(&strata);
        let found = search.troubles(&rulers);
        let state = search.state;
        let mut grown = false;
        for trouble in found {
            let set = blocked.entry(trouble.software.clone()).or_default();
            let new = &trouble.computers - &*set;
            if !new.is_empty() {
                *set |= &new;
                grown = true;
                troubles.push(Trouble { computers: new, ..trouble });
            }
        }
        if !grown {
            troubles.extend(audit::audits(config, standings, &rulers));
            return Outcome { implied: state.implied(standings), blocked, troubles };
        }
    }
}

/// What is implied so far: for each software, by what needs it.
#[derive(Debug, Clone, Default)]
struct State {
    installs: BTreeMap<Name, BTreeMap<Name, RoaringBitmap>>,
    removes: BTreeMap<Name, BTreeMap<Name, RoaringBitmap>>,
    /// By software and number of the rule: where it has fired.
    fired: BTreeMap<(Name, usize), RoaringBitmap>,
    /// By software and number of the rule: what it alone has added, by software.
    made: BTreeMap<(Name, usize), BTreeMap<Name, RoaringBitmap>>,
    /// By software and number of the rule: where it ends its own reason.
    undone: BTreeMap<(Name, usize), RoaringBitmap>,
}

struct Search<'a, 'c> {
    config: &'a Config,
    standings: &'a BTreeMap<Name, Standing<'c>>,
    held: &'a RoaringBitmap,
    blocked: &'a BTreeMap<Name, RoaringBitmap>,
    state: State,
}

fn union(sets: Option<&BTreeMap<Name, RoaringBitmap>>) -> RoaringBitmap {
    sets.into_iter().flat_map(BTreeMap::values).fold(RoaringBitmap::new(), |sum, set| sum | set)
}

impl Search<'_, '_> {
    fn blocked(&self, name: &Name) -> RoaringBitmap {
        self.blocked.get(name).cloned().unwrap_or_default()
    }

    /// Where a software will be there, and where it will not; elsewhere it is not known.
    fn planned(&self, name: &Name) -> (RoaringBitmap, RoaringBitmap) {
        self.planned_without(name, None)
    }

    /// The same without what one rule adds.
    fn planned_without(&self, name: &Name, rule: Option<&(Name, usize)>) -> (RoaringBitmap, RoaringBitmap) {
        let Some(standing) = self.standings.get(name) else { return Default::default() };
        let own = rule.and_then(|rule| self.state.made.get(rule)).and_then(|made| made.get(name));
        // A rule adds a software only where no other has; so its own can be taken out again.
        let own = own.cloned().unwrap_or_default();
        let gained = (&standing.gains - self.blocked(name)) | (union(self.state.installs.get(name)) - &own);
        let lost = &standing.loses | (union(self.state.removes.get(name)) - &own);
        let present = (&standing.present - &lost) | &gained;
        let absent = (&standing.absent - &gained) | (lost - &gained);
        (present, absent)
    }

    /// Where a software is seen to: by its own winner, or because something needs it, unless it has to go.
    fn active(&self, name: &Name) -> RoaringBitmap {
        let own = self.standings.get(name).map(|standing| standing.active.clone()).unwrap_or_default();
        (own | union(self.state.installs.get(name)))
            - self.blocked(name)
            - union(self.state.removes.get(name))
    }

    /// Where a condition holds, and where it is not known.
    fn condition(&self, when: &Condition, within: &RoaringBitmap) -> (RoaringBitmap, RoaringBitmap) {
        self.condition_without(when, within, None)
    }

    /// The same without what one rule adds.
    fn condition_without(
        &self,
        when: &Condition,
        within: &RoaringBitmap,
        rule: Option<&(Name, usize)>,
    ) -> (RoaringBitmap, RoaringBitmap) {
        let (names, turned) = match (&when.installed, &when.not_installed) {
            (Some(names), _) => (names.as_slice(), false),
            (None, Some(names)) => (names.as_slice(), true),
            (None, None) => (&[][..], false),
        };
        let all = when.of.unwrap_or_default() == Quantifier::All;
        let start = |filled: bool| if filled { within.clone() } else { RoaringBitmap::new() };
        let (mut yes, mut no) = (start(all), start(!all));
        for name in names {
            let (present, absent) = self.planned_without(name, rule);
            let (holds, fails) = if turned { (absent, present) } else { (present, absent) };
            if all {
                yes &= holds;
                no |= fails;
            } else {
                yes |= holds;
                no &= fails;
            }
        }
        yes &= within;
        no &= within;
        let unknown = within - &yes - no;
        (yes, unknown)
    }

    /// Where of `wanted` a software is not as needed yet, and can be made so.
    fn possible(&self, other: &Name, wanted: &RoaringBitmap, install: bool) -> RoaringBitmap {
        let Some(standing) = self.standings.get(other) else { return RoaringBitmap::new() };
        let (present, absent) = self.planned(other);
        let free = wanted - &standing.passive - self.blocked(other);
        if install {
            (free - present - &standing.refuses) & &standing.absent & &standing.installable
        } else {
            (free - absent - &standing.keeps - self.held) & &standing.present & &standing.removable
        }
    }

    /// Everything that cannot go on as things stand.
    fn troubles(&self, rulers: &[&Name]) -> Vec<Trouble> {
        let mut troubles = Vec::new();
        let torn = self.torn();
        for name in rulers {
            let Some(software) = self.config.software.get(*name) else { continue };
            let active = self.active(name);
            for (ix, rule) in software.prerequisites.iter().enumerate() {
                let undone = self.state.undone.get(&((*name).clone(), ix)).map(|undone| undone & &active);
                if let Some(computers) = undone.filter(|undone| !undone.is_empty()) {
                    let words = words(&rule.when);
                    let text = format!("its prerequisite ends its own reason, which is: {words}");
                    troubles.push(Trouble {
                        software: (*name).clone(),
                        kind: NoteKind::Blocked,
                        text,
                        place: rule.place.clone(),
                        against: None,
                        undoes: true,
                        computers,
                    });
                }
                let mut add = |kind, text: String, against: Option<&Name>, computers: RoaringBitmap| {
                    if !computers.is_empty() {
                        troubles.push(Trouble {
                            software: (*name).clone(),
                            kind,
                            text,
                            place: rule.place.clone(),
                            against: against.cloned(),
                            undoes: false,
                            computers,
                        });
                    }
                };
                let (yes, unknown) = self.condition(&rule.when, &active);
                let fired =
                    self.state.fired.get(&((*name).clone(), ix)).cloned().unwrap_or_default() & &active;
                let open = unknown - &fired;
                add(
                    NoteKind::Undetermined,
                    format!("whether its prerequisite applies is not known: {}", words(&rule.when)),
                    None,
                    open,
                );
                let (others, install) = match &rule.then {
                    Consequence::Install(others) => (others, true),
                    Consequence::Uninstall(others) => (others, false),
                    Consequence::Fail(why) => {
                        add(NoteKind::Blocked, format!("its prerequisite fails: {why}"), None, yes);
                        continue;
                    }
                };
                for other in others {
                    for (kind, text, against, computers) in
                        self.missing(other, &fired, install, torn.get(other))
                    {
                        add(kind, text, against.then_some(other), computers);
                    }
                }
            }
        }
        troubles
    }

    /// Where rules want a software both there and gone, whether anything is to be done for it or not.
    fn torn(&self) -> BTreeMap<&Name, RoaringBitmap> {
        let mut wants: BTreeMap<&Name, (RoaringBitmap, RoaringBitmap)> = BTreeMap::new();
        for ((name, ix), fired) in &self.state.fired {
            let rule = self.config.software.get(name).and_then(|software| software.prerequisites.get(*ix));
            let fired = fired & self.active(name);
            match rule.map(|rule| &rule.then) {
                Some(Consequence::Install(others)) => {
                    for other in others {
                        wants.entry(other).or_default().0 |= &fired;
                    }
                }
                Some(Consequence::Uninstall(others)) => {
                    for other in others {
                        wants.entry(other).or_default().1 |= &fired;
                    }
                }
                _ => {}
            }
        }
        wants.into_iter().map(|(name, (there, gone))| (name, there & gone)).collect()
    }

    /// Why a software will not be as needed, with the places.
    fn missing(
        &self,
        other: &Name,
        fired: &RoaringBitmap,
        install: bool,
        torn: Option<&RoaringBitmap>,
    ) -> Vec<(NoteKind, String, bool, RoaringBitmap)> {
        let none = Standing::default();
        let standing = self.standings.get(other).unwrap_or(&none);
        let (present, absent) = self.planned(other);
        let both = torn.cloned().unwrap_or_default();
        let mut open = (fired - if install { present } else { absent }) | (fired & &both);
        let mut reasons = Vec::new();
        let mut take = |kind, text: String, against, set: RoaringBitmap| {
            let part = &open & set;
            open -= &part;
            if !part.is_empty() {
                reasons.push((kind, text, against, part));
            }
        };
        let known = &standing.present | &standing.absent;
        let everywhere = || fired.clone();
        let (verb, wish, script) = if install {
            ("has to be there", "absent or ignored", "install")
        } else {
            ("has to be gone", "installed or ignored", "uninstall")
        };
        take(
            NoteKind::Blocked,
            format!("{other} {verb} first, and other software needs the opposite"),
            false,
            both,
        );
        let against = if install { &standing.refuses } else { &standing.keeps };
        take(
            NoteKind::Blocked,
            format!("{other} {verb} first, and its own deployment says {wish}"),
            true,
            against.clone(),
        );
        take(
            NoteKind::Blocked,
            format!("{other} {verb} first, and its own deployment may only report"),
            false,
            standing.passive.clone(),
        );
        take(
            NoteKind::Undetermined,
            format!("{other} {verb} first, and its state is not known"),
            false,
            everywhere() - known,
        );
        if !install {
            take(
                NoteKind::Held,
                format!("{other} {verb} first, and nothing is removed while the source failed"),
                false,
                self.held.clone(),
            );
        }
        let able = if install { &standing.installable } else { &standing.removable };
        take(
            NoteKind::Blocked,
            format!("{other} {verb} first, and it is switched off (`enabled: false`)"),
            false,
            if standing.disabled { everywhere() } else { RoaringBitmap::new() },
        );
        for (why, computers) in if install { &standing.install_lacks } else { &standing.removal_lacks } {
            let text = format!("{other} {verb} first: {why}");
            take(NoteKind::Blocked, text, false, computers.clone());
        }
        take(
            NoteKind::Blocked,
            format!("{other} {verb} first, and it has no {script} script for this platform"),
            false,
            everywhere() - able,
        );
        take(
            NoteKind::Blocked,
            format!("{other} {verb} first, and it is blocked itself"),
            false,
            everywhere(),
        );
        reasons
    }
}

/// A condition in words.
fn words(when: &Condition) -> String {
    let quantifier = match when.of.unwrap_or_default() {
        Quantifier::Any => "any",
        Quantifier::All => "all",
    };
    let list = |names: &[Name]| names.iter().map(Name::as_str).collect::<Vec<_>>().join(", ");
    match (&when.installed, &when.not_installed) {
        (Some(names), _) => format!("{quantifier} of {} installed", list(names)),
        (None, Some(names)) => format!("{quantifier} of {} not installed", list(names)),
        (None, None) => "no condition".to_owned(),
    }
}
