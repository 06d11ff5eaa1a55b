//! Circles among names, found in time that grows with the number of edges and without recursion.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Checker;
use crate::diagnostic::{Finding, Place, code};
use crate::id::Name;

/// A name, where it is declared, and what it refers to.
pub(super) type Edges<'a> = Vec<(&'a Name, Place, Vec<&'a Name>)>;

impl Checker<'_> {
    /// Reports each circle once. `verb` stands between two names: "refers to".
    pub(super) fn no_cycles(&mut self, what: &str, verb: &str, edges: Edges<'_>) {
        let mut places = BTreeMap::new();
        let mut graph: BTreeMap<&Name, Vec<&Name>> = BTreeMap::new();
        for (name, place, to) in edges {
            places.entry(name).or_insert(place);
            graph.entry(name).or_default().extend(to);
        }
        for cycle in cycles(&graph) {
            let Some((first, rest)) = cycle.split_first() else { continue };
            let Some(place) = places.get(first) else { continue };
            let mut way = format!("{what} `{first}`");
            for name in rest.iter().chain([first]) {
                _ = write!(way, " {verb} `{name}`");
                if name != first {
                    way.push_str(", which");
                }
            }
            let mut finding =
                Finding::new(code::CYCLE, way, place.clone()).help("take one of these references out");
            for name in rest {
                if let Some(place) = places.get(name) {
                    finding = finding.related(place.clone(), format!("`{name}` is part of the circle"));
                }
            }
            self.push(finding);
        }
    }
}

/// The circles that a walk in the order of names meets; each begins with its first name.
fn cycles<'a>(graph: &BTreeMap<&'a Name, Vec<&'a Name>>) -> Vec<Vec<&'a Name>> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        Open,
        Done,
    }
    let mut state: BTreeMap<&Name, State> = BTreeMap::new();
    let mut found: Vec<Vec<&Name>> = Vec::new();
    for start in graph.keys().copied() {
        if state.contains_key(start) {
            continue;
        }
        state.insert(start, State::Open);
        let mut way: Vec<(&Name, usize)> = vec![(start, 0)];
        while let Some((name, at)) = way.last_mut() {
            let name = *name;
            let next = graph.get(name).and_then(|to| to.get(*at)).copied();
            *at += 1;
            let Some(next) = next else {
                state.insert(name, State::Done);
                way.pop();
                continue;
            };
            match state.get(next) {
                Some(State::Open) => {
                    let from = way.iter().position(|(name, _)| *name == next).unwrap_or_default();
                    let mut circle: Vec<&Name> = way.iter().skip(from).map(|(name, _)| *name).collect();
                    let least =
                        circle.iter().enumerate().min_by_key(|(_, name)| **name).map_or(0, |(at, _)| at);
                    circle.rotate_left(least);
                    if !found.contains(&circle) {
                        found.push(circle);
                    }
                }
                None if graph.contains_key(next) => {
                    state.insert(next, State::Open);
                    way.push((next, 0));
                }
                Some(State::Done) | None => {}
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(edges: &[(&str, &[&str])]) -> Vec<String> {
        let name = |text: &str| Name::new(text).unwrap();
        let names: Vec<(Name, Vec<Name>)> =
            edges.iter().map(|(from, to)| (name(from), to.iter().map(|to| name(to)).collect())).collect();
        let graph = names.iter().map(|(from, to)| (from, to.iter().collect())).collect();
        cycles(&graph).iter().map(|c| c.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn circles_are_found_once_and_begin_with_their_first_name() {
        assert_eq!(found(&[("a", &["b"]), ("b", &["c"]), ("c", &[])]), [""; 0]);
        assert_eq!(found(&[("a", &["a"])]), ["a"]);
        assert_eq!(found(&[("x", &["c"]), ("c", &["b"]), ("b", &["a"]), ("a", &["c"])]), ["a c b"]);
        assert_eq!(found(&[("a", &["b", "c"]), ("b", &["a"]), ("c", &["a"])]), ["a b", "a c"]);
        assert_eq!(found(&[("a", &["zzz"])]), [""; 0]);
    }

    #[test]
    fn a_long_chain_does_not_exhaust_the_stack() {
        let names: Vec<Name> = (0..50_000).map(|n| Name::new(&format!("n{n:05}")).unwrap()).collect();
        let graph = names.windows(2).map(|pair| (&pair[0], vec![&pair[1]])).collect();
        assert!(cycles(&graph).is_empty());
    }
}
