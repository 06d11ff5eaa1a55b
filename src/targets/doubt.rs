//! What is not known where an expression is neither certain nor out of the question, over many computers at once.
//!
//! Not here: one computer with all its steps (`road`).
//!
//! Invariants: every computer whose membership is open stands under exactly one selector; that selector is one that
//! matters, as its answer could settle the expression together with those of the others that are open.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::evaluate::{evaluate_part, selector};
use super::expr::{Expr, Resolved, Selector};
use crate::inventory::snapshot::Snapshot;

/// A selector of which it is not known whether it selects some computers.
#[derive(Debug, Clone, PartialEq)]
pub struct Doubt {
    /// The selector in words, such as `role server`.
    pub selector: String,
    /// Whether the facts of a computer answer it; else a source does, or the names in it.
    pub by_facts: bool,
    /// The computers.
    pub computers: RoaringBitmap,
}

/// Of those among `on` that an expression may select, and not certainly does: what is not known of them.
#[must_use]
pub fn doubts(expression: &Resolved, snapshot: &Snapshot, on: &RoaringBitmap) -> Vec<Doubt> {
    let mut search = Search { snapshot, found: BTreeMap::new() };
    search.part(&expression.expr, false, on);
    let doubt = |((selector, by_facts), computers)| Doubt { selector, by_facts, computers };
    search.found.into_iter().map(doubt).collect()
}

struct Search<'a> {
    snapshot: &'a Snapshot,
    found: BTreeMap<(String, bool), RoaringBitmap>,
}

impl Search<'_> {
    /// Finds what is open of a part of an expression on some computers; gives those of which it is.
    fn part(&mut self, expression: &Expr, negated: bool, on: &RoaringBitmap) -> RoaringBitmap {
        match expression {
            Expr::Select(one) => {
                let open = selector(one, self.snapshot, negated).unknown() & on;
                if !open.is_empty() {
                    let by_facts = matches!(
                        one,
                        Selector::Role(_)
                            | Selector::Os(_)
                            | Selector::Installed { .. }
                            | Selector::Fact { .. }
                    );
                    *self.found.entry((one.to_string(), by_facts)).or_default() |= &open;
                }
                open
            }
            // Where the whole is open, no member decides it alone, and those that are open are all that is.
            Expr::All(members) | Expr::Any(members) => {
                let whole = evaluate_part(expression, self.snapshot, negated).unknown() & on;
                let mut rest = whole.clone();
                for member in members {
                    if rest.is_empty() {
                        break;
                    }
                    rest -= self.part(member, negated, &rest.clone());
                }
                whole
            }
            Expr::Not(inner) => self.part(inner, !negated, on),
            Expr::Target(_, inner) => self.part(inner, negated, on),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::kind::{Match, Term};
    use crate::inventory::facts::Role;
    use crate::plan::tests::world::World;
    use crate::targets::resolve;

    #[test]
    fn only_what_could_settle_it_is_named_and_once_for_each_computer() {
        let mut world = World::new();
        world.tenant("acme");
        let role = |role: Role| Some([role].into());
        world.computer("pc0", &["a"]);
        world.computer("pc1", &["b"]).facts.as_mut().unwrap().1.roles = role(Role::Server);
        world.computer("pc2", &["c"]).tenant = Some(crate::id::Name::new("acme").unwrap());
        world.computer("twin1", &[]).name = "twin".to_owned();
        world.computer("twin2", &[]).name = "twin".to_owned();
        let snapshot = world.snapshot();
        let twin = Term::Computer("twin".to_owned());
        // Of the members of an `any` that others rule out, and of what one decides already, nothing is said.
        let expression = Match {
            any: Some(vec![
                Term::All(vec![Term::Tag("b".to_owned()), Term::Role(Role::Workstation)]),
                Term::All(vec![Term::Tag("a".to_owned()), Term::Role(Role::Server)]),
                twin,
            ]),
            not: Some(vec![Term::All(vec![Term::Tag("c".to_owned()), Term::Role(Role::Portable)])]),
            ..Match::default()
        };
        let resolved = resolve(&expression, &world.config, None).unwrap();
        let open = crate::targets::evaluate(&resolved, &snapshot).unknown();
        let found = doubts(&resolved, &snapshot, snapshot.all());
        let said: Vec<_> = found
            .iter()
            .map(|d| (d.selector.as_str(), d.by_facts, d.computers.iter().collect::<Vec<_>>()))
            .collect();
        assert_eq!(said, [("computer twin", false, vec![3, 4]), ("role server", true, vec![0])]);
        assert_eq!(found.iter().fold(RoaringBitmap::new(), |sum, d| sum | &d.computers), open);
    }
}
