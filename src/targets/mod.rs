//! Targets: expressions that select computers (design §4).
//!
//! [`resolve()`] turns an expression as written ([`Match`](crate::config::kind::Match)) into a [`Resolved`] one, in which
//! every name stands for something that exists, every pattern is ready and other targets are in place.
//! [`evaluate()`] gives the computers of a snapshot that it selects, [`scope()`] its rank among others, [`road()`] and
//! [`why_not()`] say for one computer why it is selected or not. [`parse_line()`] reads the one-line form of `--only`.
//!
//! Invariant: what is not known of a computer never makes it a certain member, also not below a `not` (RES-15).

mod doubt;
mod evaluate;
mod expr;
#[cfg(test)]
mod laws;
mod named;
#[cfg(test)]
mod oracle;
mod parse;
pub mod query;
mod resolve;
mod ring;
mod road;
mod scope;
mod simplify;
#[cfg(test)]
mod tests;
mod unclear;
#[cfg(test)]
mod worlds;

pub use doubt::{Doubt, doubts};
pub use evaluate::{Membership, evaluate};
pub use expr::{Expr, FactTest, Resolved, Selector};
pub use named::{AgreementKey, Named, go_by_facts, named, selectors_of};
pub use parse::{LineError, parse_line};
pub use resolve::resolve;
pub use ring::Ring;
pub use road::{Road, Roads, WhyNot, road, why_not};
pub use scope::{Level, Scope, scope};
pub use simplify::simplify;
pub use unclear::{unclear, unclear_computers};
