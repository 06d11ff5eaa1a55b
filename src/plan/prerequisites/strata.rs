//! In which order rules are judged: a rule after all that its condition and its own software can still be changed by.
//!
//! Rules that go round in a circle, each changing what the other asks about, share a stratum; a circle through one rule
//! alone is no circle, as a rule is judged without its own contribution.
//!
//! Invariants: the order follows from the configuration alone; the work grows with the number of rules and of the names
//! in them, and nothing recurses.

use std::collections::BTreeMap;

use crate::config::kind::Consequence;
use crate::config::model::Software;
use crate::id::Name;

/// A rule: its software, and its number there.
pub(super) type RuleKey<'a> = (&'a Name, usize);

/// The rules that do something, by strata; within one in the order of names.
pub(super) fn strata<'a>(owners: &[(&'a Name, &'a Software)]) -> Vec<Vec<RuleKey<'a>>> {
    let mut software: BTreeMap<&Name, usize> = BTreeMap::new();
    let mut edges: Vec<Vec<usize>> = Vec::new();
    let mut rules: Vec<Option<RuleKey<'a>>> = Vec::new();
    let mut node = |name: &'a Name, edges: &mut Vec<Vec<usize>>, rules: &mut Vec<Option<RuleKey<'a>>>| {
        *software.entry(name).or_insert_with(|| {
            edges.push(Vec::new());
            rules.push(None);
            edges.len() - 1
        })
    };
    let join = |edges: &mut Vec<Vec<usize>>, from: usize, to: usize| {
        edges.get_mut(from).into_iter().for_each(|edges| edges.push(to));
    };
    for (name, ruler) in owners {
        for (ix, rule) in ruler.prerequisites.iter().enumerate() {
            let (Consequence::Install(others) | Consequence::Uninstall(others)) = &rule.then else {
                continue;
            };
            let own = node(name, &mut edges, &mut rules);
            let asked = rule.when.installed.iter().chain(&rule.when.not_installed).flatten();
            let asked: Vec<usize> = asked.map(|name| node(name, &mut edges, &mut rules)).collect();
            let changed: Vec<usize> = others.iter().map(|name| node(name, &mut edges, &mut rules)).collect();
            let this = edges.len();
            edges.push(changed);
            rules.push(Some((*name, ix)));
            for from in asked.into_iter().chain([own]) {
                join(&mut edges, from, this);
            }
        }
    }
    let of = |members: Vec<usize>| {
        let mut keys: Vec<RuleKey<'a>> =
            members.into_iter().filter_map(|ix| rules.get(ix).copied().flatten()).collect();
        keys.sort_unstable();
        keys
    };
    components(&edges).into_iter().map(of).filter(|keys| !keys.is_empty()).collect()
}

/// The strongly connected components of a graph, each before those that it leads to.
fn components(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut left = Vec::with_capacity(edges.len());
    let mut seen = vec![false; edges.len()];
    for start in 0..edges.len() {
        walk(edges, start, &mut seen, &mut left);
    }
    let mut back = vec![Vec::new(); edges.len()];
    for (from, targets) in edges.iter().enumerate() {
        for to in targets {
            back.get_mut(*to).into_iter().for_each(|sources: &mut Vec<usize>| sources.push(from));
        }
    }
    let mut seen = vec![false; edges.len()];
    let mut result = Vec::new();
    for start in left.into_iter().rev() {
        let mut members = Vec::new();
        walk(&back, start, &mut seen, &mut members);
        if !members.is_empty() {
            result.push(members);
        }
    }
    result
}

/// Adds what is reached from a node and was not seen yet, each after all that it leads to.
fn walk(edges: &[Vec<usize>], start: usize, seen: &mut [bool], left: &mut Vec<usize>) {
    let mut enter = |node: usize| seen.get_mut(node).is_some_and(|seen| !std::mem::replace(seen, true));
    if !enter(start) {
        return;
    }
    let mut path = vec![(start, 0)];
    while let Some((node, next)) = path.last_mut() {
        if let Some(target) = edges.get(*node).and_then(|targets| targets.get(*next)) {
            *next += 1;
            if enter(*target) {
                path.push((*target, 0));
            }
        } else {
            left.push(*node);
            path.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::world::{World, installed, names, not_installed};

    fn order(world: &World) -> Vec<Vec<(String, usize)>> {
        let rulers: Vec<(&Name, &Software)> = world.config.software.iter().collect();
        let own =
            |keys: Vec<RuleKey<'_>>| keys.into_iter().map(|(name, ix)| (name.to_string(), ix)).collect();
        strata(&rulers).into_iter().map(own).collect()
    }

    #[test]
    fn a_rule_is_judged_after_those_that_change_what_it_asks_about() {
        let mut world = World::new();
        for text in ["a", "b", "c", "d"] {
            world.software(text, &["1"]);
        }
        world.rule("a", not_installed(&["b"]), Consequence::Install(names(&["c"])));
        world.rule("d", not_installed(&["b"]), Consequence::Install(names(&["b"])));
        world.rule("d", not_installed(&["a"]), Consequence::Fail("no".into()));
        assert_eq!(order(&world), [vec![("d".to_owned(), 0)], vec![("a".to_owned(), 0)]]);
        // A circle is one stratum.
        world.rule("c", installed(&["b"]), Consequence::Uninstall(names(&["b"])));
        let all = [("a".to_owned(), 0), ("c".to_owned(), 0), ("d".to_owned(), 0)];
        assert_eq!(order(&world), [all.to_vec()]);
    }

    #[test]
    fn components_come_before_what_they_lead_to() {
        // 0 -> 1 <-> 2 -> 3, and 4 apart.
        let found = components(&[vec![1], vec![2], vec![1, 3], vec![], vec![]]);
        let at = |node: usize| found.iter().position(|members| members.contains(&node));
        assert_eq!(found.len(), 4);
        assert_eq!(at(1), at(2));
        assert!(at(0) < at(1) && at(2) < at(3));
        assert!(components(&[]).is_empty());
    }
}
