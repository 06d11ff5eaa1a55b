//! Blocks of changes: what reads the same stands together, what hurts most stands first.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::Place;
use crate::id::Name;
use crate::inventory::item::{FieldChange, ItemKey};
use crate::plan::document::{ActionType, Change, Plan, PlannedComputer};
use crate::plan::effects;
use crate::report::fields;
use crate::report::style::{Label, Line};
use crate::report::terms;

/// Changes that read the same.
#[derive(Debug)]
pub struct Block<'a> {
    /// The changes: the same words, and maybe other values.
    pub changes: Vec<&'a Change>,
    /// The mark before it and what that is.
    pub marker: (&'static str, Label),
    /// What happens: title and versions.
    pub what: Line,
    /// The fields that are set, with what was found; those that several computers have are put together.
    pub fields: Vec<FieldChange>,
    /// Why: reason, cause, and the mode when nothing is done.
    pub why: Line,
    /// The licences that its scripts get.
    pub licenses: BTreeSet<&'a str>,
    /// Where it is declared.
    pub place: &'a Place,
    /// Whether something is removed.
    pub removal: bool,
    /// Whether apply does something.
    pub acts: bool,
    /// The computers, by name.
    pub computers: Vec<&'a PlannedComputer>,
    /// Their tenants.
    pub tenants: BTreeSet<&'a str>,
}

impl Block<'_> {
    /// The names of its computers.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.computers.iter().map(|computer| computer.name.as_str()).collect()
    }

    /// Its computers and tenants in few words; removals are counted, as their names stand on a line of their own.
    #[must_use]
    pub fn who(&self, few: usize, columns: usize) -> String {
        let few = if self.removal { 0 } else { few };
        terms::who(&self.names(), &self.tenants.iter().copied().collect::<Vec<_>>(), few, columns)
    }
}

/// The blocks of a plan. Unless they are put `together`, each change has one of its own.
#[must_use]
pub fn blocks(plan: &Plan, together: bool) -> Vec<Block<'_>> {
    let titles: BTreeMap<&ItemKey, &str> = plan.changes.iter().map(|c| (&c.item, c.title.as_str())).collect();
    let mut blocks: Vec<(Block<'_>, BTreeSet<u32>)> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for change in &plan.changes {
        let block = block(change, &titles);
        let apart = if together { String::new() } else { blocks.len().to_string() };
        let key = format!("{apart}\0{}\0{}\0{}\0{}", block.marker.0, block.what, block.why, block.place);
        let at = *known.entry(key).or_insert(blocks.len());
        match blocks.get_mut(at) {
            Some((first, computers)) => {
                first.changes.push(change);
                first.licenses.extend(change.license.as_ref().map(Name::as_str));
                computers.extend(&change.computers);
            }
            None => blocks.push((block, change.computers.iter().copied().collect())),
        }
    }
    let mut blocks: Vec<Block<'_>> = blocks
        .into_iter()
        .map(|(mut block, computers)| {
            let all = computers.iter().filter_map(|at| plan.computers.get(usize::try_from(*at).ok()?));
            block.computers = all.collect();
            block.fields = fields::together(&block.changes);
            block.computers.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
            let tenants = block.computers.iter().filter_map(|computer| computer.tenant.as_ref());
            block.tenants = tenants.map(Name::as_str).collect();
            block
        })
        .collect();
    blocks.sort_by_key(|block| block.changes.first().map(|change| rank(change)));
    blocks
}

/// What hurts most comes first: removals, what interrupts, what changes, what is only told.
fn rank(change: &Change) -> usize {
    const FIRST: [ActionType; 5] = [
        ActionType::Uninstall,
        ActionType::Reboot,
        ActionType::OsUpdate,
        ActionType::Downgrade,
        ActionType::Repair,
    ];
    const LAST: [ActionType; 2] = [ActionType::Install, ActionType::Set];
    let place = |list: &[ActionType]| list.iter().position(|action| *action == change.action);
    match change.action {
        ActionType::None => 30,
        ActionType::Get => 29,
        _ if !terms::acts(change) => 28,
        _ if effects::removes(change) => 0,
        _ => place(&FIRST).unwrap_or_else(|| place(&LAST).map_or(10, |at| 11 + at)),
    }
}

fn block<'a>(change: &'a Change, titles: &BTreeMap<&ItemKey, &str>) -> Block<'a> {
    let mut what = terms::change(change);
    if let Some(instance) = &change.item.instance {
        what.push(Label::Dim, format!(" [{instance}]"));
    }
    let reason = match &change.needed_by {
        Some(item) => {
            let title = titles.get(item).map_or_else(|| item.to_string(), |title| (*title).to_owned());
            format!("needed by {title}")
        }
        None => terms::code(&change.reason),
    };
    let mut why = Line::new().text(format!("{reason}, {}", terms::code(&change.cause)));
    if change.action.changes() && !terms::acts(change) {
        why.push(Label::Warning, format!(", {} only", change.mode));
    }
    Block {
        changes: vec![change],
        marker: terms::marker(change),
        what,
        fields: Vec::new(),
        why,
        licenses: change.license.iter().map(Name::as_str).collect(),
        place: &change.deployment.place,
        removal: effects::removes(change),
        acts: terms::acts(change),
        computers: Vec::new(),
        tenants: BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::kind::Mode;
    use crate::report::sample::five_kinds;

    #[test]
    fn removals_stand_first_and_what_is_only_told_last() {
        let mut plan = five_kinds(100);
        plan.changes.reverse();
        plan.changes[1].mode = Mode::Audit;
        let order: Vec<&str> = blocks(&plan, true).iter().map(|block| block.marker.0).collect();
        assert_eq!(order, ["-", "~", "+", "!", "?"]);
    }

    #[test]
    fn what_reads_the_same_stands_together_and_a_computer_counts_once() {
        let mut plan = five_kinds(100);
        let twin = plan.changes[1].clone();
        plan.changes.push(twin);
        let together = blocks(&plan, true);
        assert_eq!(together.len(), 5);
        assert_eq!(together[1].computers.len(), 100);
        assert_eq!(blocks(&plan, false).len(), 6);
    }
}
