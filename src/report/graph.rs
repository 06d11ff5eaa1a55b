//! A plan as a graph: which action of a session comes before which, and why.
//!
//! Sessions are merged: there is one node for each change, whatever the number of computers, an arrow where an action
//! needs another one to have succeeded, and a dotted arrow where one only comes after another.
//!
//! Not here: the order itself (`plan::order`).
//!
//! Invariants: the same plan gives the same text (L13); no text of users can end a label; its size follows the kinds of
//! change, not the computers (L12); of more than [`MOST`] changes those are drawn that others need or that need others, then
//! the first ones, and a node says how many there are besides.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, Write};

use super::terms;
use super::words::{count, plural, visible};
use crate::plan::document::Plan;

/// A label has at most so many characters on a line.
const LINE: usize = 60;
/// So many changes are drawn. More cannot be followed by eye, and take browsers long.
const MOST: usize = 60;

/// Nodes and arrows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    title: String,
    /// By position of the change: the lines of the label, and whether something is removed or only told.
    nodes: BTreeMap<u32, Node>,
    /// What must have succeeded, and what needs it.
    needs: BTreeSet<(u32, u32)>,
    /// What comes directly before what, where nothing says more.
    then: BTreeSet<(u32, u32)>,
    /// What is said of those that are not drawn.
    more: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Node {
    lines: Vec<String>,
    class: &'static str,
}

impl Graph {
    /// The graph of a plan's sessions.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        // Sessions of the same kind are looked at once.
        let kinds: BTreeSet<Vec<(u32, &[u32])>> = plan
            .sessions
            .iter()
            .map(|session| {
                session.actions.iter().map(|action| (action.change, action.after.as_slice())).collect()
            })
            .collect();
        let (mut needs, mut then, mut used) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for kind in &kinds {
            used.extend(kind.iter().map(|(change, _)| *change));
            for (change, after) in kind {
                let before = after.iter().filter_map(|at| kind.get(usize::try_from(*at).ok()?));
                needs.extend(before.map(|(before, _)| (*before, *change)));
            }
        }
        let drawn = drawn(&used, &needs);
        needs.retain(|(before, after)| drawn.contains(before) && drawn.contains(after));
        for kind in &kinds {
            let kept: Vec<u32> =
                kind.iter().map(|(change, _)| *change).filter(|change| drawn.contains(change)).collect();
            then.extend(kept.windows(2).filter_map(|pair| match pair {
                [first, second] => Some((*first, *second)),
                _ => None,
            }));
        }
        let more = used.len() - drawn.len();
        let more = (more > 0).then(|| {
            let more = plural(count(more), "more change");
            format!("and {more}; --only computer:NAME draws one session")
        });
        let then = direct(&needs, &then);
        let nodes = drawn
            .into_iter()
            .filter_map(|at| {
                let change = plan.changes.get(usize::try_from(at).ok()?)?;
                let what = terms::change(change);
                let instance = change.item.instance.as_ref().map(|name| format!(" [{name}]"));
                let computers = change.computers.as_slice();
                let who = match computers {
                    [one] => usize::try_from(*one).ok().and_then(|at| plan.computers.get(at)),
                    _ => None,
                };
                let who = match who {
                    Some(computer) => computer.name.clone(),
                    None => plural(count(computers.len()), "computer"),
                };
                let (marker, _) = terms::marker(change);
                let class = match marker {
                    "-" => "removal",
                    "!" | "?" | "=" => "told",
                    _ => "change",
                };
                let lines = vec![
                    short(&format!("{marker} {what}{}", instance.unwrap_or_default())),
                    short(&format!("{}, {who}", terms::verb(change.action))),
                ];
                Some((at, Node { lines, class }))
            })
            .collect();
        Self { title: short(&format!("Plan {}", plan.digest.short())), nodes, needs, then, more }
    }

    /// How many nodes are drawn.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.nodes.len() + usize::from(self.more.is_some())
    }

    /// Writes it for Graphviz.
    ///
    /// # Errors
    /// What the writer says.
    pub fn dot(&self, out: &mut dyn Write) -> io::Result<()> {
        let quoted = |lines: &[String]| {
            let lines: Vec<String> =
                lines.iter().map(|line| line.replace('\\', "\\\\").replace('"', "\\\"")).collect();
            format!("\"{}\"", lines.join("\\n"))
        };
        writeln!(out, "digraph plan {{")?;
        writeln!(out, "  label={};", quoted(std::slice::from_ref(&self.title)))?;
        writeln!(out, "  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];")?;
        for (at, node) in &self.nodes {
            let look = match node.class {
                "removal" => ", color=\"#b3261e\", fontcolor=\"#b3261e\"",
                "told" => ", style=\"rounded,dashed\"",
                _ => "",
            };
            writeln!(out, "  c{at} [label={}{look}];", quoted(&node.lines))?;
        }
        if let Some(more) = &self.more {
            writeln!(out, "  more [label={}, shape=plaintext];", quoted(std::slice::from_ref(more)))?;
        }
        for (before, after) in &self.needs {
            writeln!(out, "  c{before} -> c{after} [label=\"needed by\"];")?;
        }
        for (before, after) in &self.then {
            writeln!(out, "  c{before} -> c{after} [style=dotted];")?;
        }
        writeln!(out, "}}")
    }

    /// Writes it for Mermaid.
    ///
    /// # Errors
    /// What the writer says.
    pub fn mermaid(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "flowchart LR")?;
        for (at, node) in &self.nodes {
            let lines: Vec<String> = node.lines.iter().map(|line| entities(line)).collect();
            writeln!(out, "  c{at}[\"{}\"]:::{}", lines.join("<br/>"), node.class)?;
        }
        if let Some(more) = &self.more {
            writeln!(out, "  more[\"{}\"]:::told", entities(more))?;
        }
        for (before, after) in &self.needs {
            writeln!(out, "  c{before} -->|needed by| c{after}")?;
        }
        for (before, after) in &self.then {
            writeln!(out, "  c{before} -.-> c{after}")?;
        }
        for (class, look) in [
            ("change", "stroke:#1f5fbf"),
            ("removal", "stroke:#b3261e,stroke-width:2px"),
            ("told", "stroke-dasharray:4"),
        ] {
            let more = class == "told" && self.more.is_some();
            if more || self.nodes.values().any(|node| node.class == class) {
                writeln!(out, "  classDef {class} {look}")?;
            }
        }
        Ok(())
    }
}

/// The changes that are drawn.
fn drawn(used: &BTreeSet<u32>, needs: &BTreeSet<(u32, u32)>) -> BTreeSet<u32> {
    let related: BTreeSet<u32> = needs.iter().flat_map(|(before, after)| [*before, *after]).collect();
    let rest = used.difference(&related);
    related.iter().chain(rest).take(MOST).copied().collect()
}

/// Those of `then` that no longer way says already.
fn direct(needs: &BTreeSet<(u32, u32)>, then: &BTreeSet<(u32, u32)>) -> BTreeSet<(u32, u32)> {
    let mut after: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for (first, second) in needs.union(then) {
        after.entry(*first).or_default().insert(*second);
    }
    then.iter().filter(|edge| !needs.contains(edge) && !leads(&after, **edge)).copied().collect()
}

/// Whether there is a way from the first to the second other than the arrow itself.
fn leads(after: &BTreeMap<u32, BTreeSet<u32>>, (from, to): (u32, u32)) -> bool {
    let mut open: Vec<u32> = after.get(&from).into_iter().flatten().copied().filter(|at| *at != to).collect();
    let mut seen = BTreeSet::new();
    while let Some(at) = open.pop() {
        if at == to {
            return true;
        }
        if at != from && seen.insert(at) {
            open.extend(after.get(&at).into_iter().flatten());
        }
    }
    false
}

fn short(text: &str) -> String {
    let text = visible(text);
    if text.chars().count() <= LINE {
        return text.into_owned();
    }
    text.chars().take(LINE).chain("...".chars()).collect()
}

/// Text that Mermaid takes as text: everything that has a meaning is a character code.
fn entities(text: &str) -> String {
    text.chars().fold(String::new(), |mut safe, character| {
        match character {
            c if c.is_alphanumeric()
                || matches!(c, ' ' | '.' | ',' | ':' | '-' | '+' | '~' | '/' | '_' | '=') =>
            {
                safe.push(c);
            }
            // Writing into a String cannot fail.
            c => _ = write!(safe, "#{};", u32::from(c)),
        }
        safe
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::document::PlannedAction;
    use crate::report::sample::five_kinds;

    fn text(graph: &Graph, form: fn(&Graph, &mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        form(graph, &mut out).expect("memory");
        String::from_utf8(out).expect("UTF-8")
    }

    /// The sample, in which the update needs the removal.
    fn plan(computers: u32) -> Plan {
        let mut plan = five_kinds(computers);
        for session in &mut plan.sessions {
            if session.actions.first().is_some_and(|action| action.change == 0) {
                session.actions[1].after = vec![0];
            }
        }
        plan
    }

    #[test]
    fn what_is_needed_has_an_arrow_and_mere_order_a_dotted_one() {
        let graph = Graph::of(&plan(1232));
        insta::assert_snapshot!(text(&graph, Graph::dot), @r##"
        digraph plan {
          label="Plan 7f3ac0d9e1b2";
          rankdir=LR;
          node [shape=box, style=rounded, fontname="sans-serif"];
          c0 [label="- Old Archiver 3.1\nuninstall, 124 computers", color="#b3261e", fontcolor="#b3261e"];
          c1 [label="~ 7-Zip 24.08 -> 24.09\nupdate, 1,232 computers"];
          c2 [label="+ Audit Agent 2.0\ninstall, 176 computers"];
          c3 [label="+ disk-encryption: set\nset, 247 computers"];
          c4 [label="? serial-number: read [bios]\nread, 616 computers", style="rounded,dashed"];
          c0 -> c1 [label="needed by"];
          c1 -> c2 [style=dotted];
          c2 -> c3 [style=dotted];
          c3 -> c4 [style=dotted];
        }
        "##);
        insta::assert_snapshot!(text(&graph, Graph::mermaid), @r##"
        flowchart LR
          c0["- Old Archiver 3.1<br/>uninstall, 124 computers"]:::removal
          c1["~ 7-Zip 24.08 -#62; 24.09<br/>update, 1,232 computers"]:::change
          c2["+ Audit Agent 2.0<br/>install, 176 computers"]:::change
          c3["+ disk-encryption: set<br/>set, 247 computers"]:::change
          c4["#63; serial-number: read #91;bios#93;<br/>read, 616 computers"]:::told
          c0 -->|needed by| c1
          c1 -.-> c2
          c2 -.-> c3
          c3 -.-> c4
          classDef change stroke:#1f5fbf
          classDef removal stroke:#b3261e,stroke-width:2px
          classDef told stroke-dasharray:4
        "##);
    }

    #[test]
    fn the_graph_does_not_grow_with_computers() {
        let lines = |computers| text(&Graph::of(&plan(computers)), Graph::dot).lines().count();
        assert_eq!(lines(1000), lines(10_000));
    }

    #[test]
    fn of_many_changes_those_with_dependencies_are_drawn_and_the_rest_is_counted() {
        let mut plan = plan(10);
        let change = plan.changes[2].clone();
        plan.changes.extend((0..995).map(|_| change.clone()));
        let action = |change| PlannedAction { change, after: Vec::new() };
        plan.sessions[1].actions = (0..1000).map(action).collect();
        plan.sessions[1].actions[999].after = vec![998];
        let graph = Graph::of(&plan);
        assert_eq!(graph.nodes(), MOST + 1);
        assert!(graph.needs.contains(&(998, 999)) && graph.needs.contains(&(0, 1)));
        // What is left out breaks no order: what stands before it comes before what stands after it.
        assert!(graph.then.contains(&(57, 998)), "{:?}", graph.then);
        for form in [Graph::dot, Graph::mermaid] {
            let text = text(&graph, form);
            assert!(text.contains("and 940 more changes"), "{text}");
        }
        assert_eq!(Graph::of(&self::plan(10)).more, None);
    }

    #[test]
    fn no_title_can_end_its_label() {
        let mut plan = plan(10);
        plan.changes[1].title = "a\"];\\ <b> #1; `x` {y}\n%%{init}".to_owned();
        let graph = Graph::of(&plan);
        assert!(
            text(&graph, Graph::dot)
                .contains("~ a\\\"];\\\\ <b> #1; `x` {y}\\\\n%%{init} 24.08 -> 24.09\\nupdate")
        );
        let mermaid = text(&graph, Graph::mermaid);
        assert!(
            mermaid.contains("a#34;#93;#59;#92; #60;b#62; #35;1#59; #96;x#96; #123;y#125;#92;n"),
            "{mermaid}"
        );
    }

    #[test]
    fn order_that_a_longer_way_says_is_left_out() {
        let set = |edges: &[(u32, u32)]| edges.iter().copied().collect::<BTreeSet<_>>();
        let then = set(&[(0, 1), (1, 2), (0, 2), (2, 3)]);
        assert_eq!(direct(&set(&[(2, 3)]), &then), set(&[(0, 1), (1, 2)]));
        assert_eq!(direct(&set(&[]), &set(&[(0, 1), (1, 0)])), set(&[(0, 1), (1, 0)]));
    }
}
