//! How an expression ranks among others: by the narrowest thing that it is made for (design §5).

use super::expr::{Expr, Resolved, Selector};
use super::simplify;

/// What an expression is made for, from the widest to the narrowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// All tenants, or tenants by what they have in common.
    CrossTenant,
    /// One tenant, so far below its root: a deeper one is nearer to the computer.
    Tenant {
        /// 0 for a tenant without one above it.
        depth: u32,
    },
    /// One person (RES-18).
    Person,
    /// One computer.
    Computer,
}

/// The rank of an expression: greater wins. First its level, then whether it is narrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// What it is made for.
    pub level: Level,
    /// Whether it selects by anything else beside that, so that it may be less than the whole.
    pub narrowed: bool,
}

impl Scope {
    /// Whether it is made for no tenant in particular; a tenant may exclude such deployments (RES-12).
    #[must_use]
    pub fn is_cross_tenant(self) -> bool {
        self.level == Level::CrossTenant
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.level {
            Level::CrossTenant => f.write_str("cross-tenant")?,
            Level::Tenant { depth: 0 } => f.write_str("tenant")?,
            Level::Tenant { depth } => write!(f, "tenant {depth} below its root")?,
            Level::Person => f.write_str("person")?,
            Level::Computer => f.write_str("computer")?,
        }
        f.write_str(if self.narrowed { ", narrowed" } else { "" })
    }
}

/// The rank of an expression. An `all` has the narrowest level of its members, an `any` the rank of its widest one, a
/// `not` no level of its own; what has no level at all is cross-tenant. The expression is simplified first, so that
/// two ways of writing the same do not rank apart.
#[must_use]
pub fn scope(expression: &Resolved) -> Scope {
    part(&simplify::expr(&expression.expr)).unwrap_or(Scope { level: Level::CrossTenant, narrowed: true })
}

/// The rank of a part; `None` when it only narrows.
fn part(expression: &Expr) -> Option<Scope> {
    let whole = |level| Some(Scope { level, narrowed: false });
    match expression {
        Expr::Select(selector) => match selector {
            Selector::Computer(_) => whole(Level::Computer),
            Selector::Person(_) => whole(Level::Person),
            // A directory that one tenant alone links to is that tenant's; of its computers a group is a part.
            Selector::Group { depth: Some(depth), .. } => {
                Some(Scope { level: Level::Tenant { depth: *depth }, narrowed: true })
            }
            Selector::Tenant { depth, .. } | Selector::TenantTree { depth, .. } => {
                whole(Level::Tenant { depth: *depth })
            }
            Selector::TenantTag(_)
            | Selector::Tag(_)
            | Selector::Role(_)
            | Selector::Os(_)
            | Selector::Provider(_)
            | Selector::Installed { .. }
            | Selector::Fact { .. }
            | Selector::Site { .. }
            | Selector::Group { depth: None, .. }
            | Selector::Agreement { .. }
            | Selector::ProviderGroup { .. }
            | Selector::ProviderProperty { .. }
            | Selector::Ring(_)
            | Selector::Onboarding(_)
            | Selector::Script(_) => Some(Scope { level: Level::CrossTenant, narrowed: true }),
        },
        Expr::All(members) if members.is_empty() => whole(Level::CrossTenant),
        Expr::All(members) => {
            let narrowest = members.iter().filter_map(part).max()?;
            Some(Scope { narrowed: narrowest.narrowed || members.len() > 1, ..narrowest })
        }
        // A member that only narrows reaches all tenants.
        Expr::Any(members) => members
            .iter()
            .map(|member| part(member).unwrap_or(Scope { level: Level::CrossTenant, narrowed: true }))
            .min(),
        Expr::Not(_) => None,
        Expr::Target(_, inner) => part(inner),
    }
}
