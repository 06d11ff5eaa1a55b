//! Resolved expressions: set algebra over selectors whose names hold.
//!
//! Invariants: made by `resolve` only, so depth and size are bounded, and recursion over them is safe.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::ring::Ring;
use crate::id::Name;
use crate::inventory::facts::{OsFamily, Role};
use crate::inventory::pattern::Pattern;
use crate::version::Constraint;

/// An expression in which every name holds. Made by [`resolve`](super::resolve()).
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    pub(super) expr: Expr,
    pub(super) targets: BTreeSet<Name>,
}

impl Resolved {
    /// The expression.
    #[must_use]
    pub const fn expr(&self) -> &Expr {
        &self.expr
    }

    /// The named targets that are in it, directly and through others. Their modes count too (L5).
    #[must_use]
    pub const fn targets(&self) -> &BTreeSet<Name> {
        &self.targets
    }
}

impl fmt::Display for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.expr, f)
    }
}

/// Set algebra over selectors. `All` of nothing is every computer, `Any` of nothing is none.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// Computers that one selector selects.
    Select(Selector),
    /// Computers in all of these.
    All(Vec<Expr>),
    /// Computers in at least one of these.
    Any(Vec<Expr>),
    /// Computers that are not in this.
    Not(Box<Expr>),
    /// Another target, in place, under its name.
    Target(Name, Arc<Expr>),
}

impl Expr {
    /// Every computer.
    pub const EVERY: Self = Self::All(Vec::new());
    /// No computer.
    pub const NONE: Self = Self::Any(Vec::new());
}

/// One condition on a computer.
#[derive(Debug, Clone, PartialEq)]
pub enum Selector {
    /// Of this tenant.
    Tenant {
        /// The tenant.
        name: Name,
        /// How far below its root it is; a root has 0.
        depth: u32,
    },
    /// Of this tenant or one below it.
    TenantTree {
        /// The tenant.
        name: Name,
        /// How far below its root it is; a root has 0.
        depth: u32,
    },
    /// Of a tenant with this tag.
    TenantTag(String),
    /// The computer of this name or id; see [`Snapshot::lookup`](crate::inventory::snapshot::Snapshot::lookup). A name
    /// that several computers share makes them possible members and none of them a certain one.
    Computer(String),
    /// Whose primary person this is: a UPN or a display name (RES-18).
    Person(String),
    /// With this tag, of its own, of its tenant or of its primary person (TGT-7).
    Tag(String),
    /// Of this role.
    Role(Role),
    /// With this kind of operating system.
    Os(OsFamily),
    /// At this site.
    Site {
        /// The site's name.
        name: String,
        /// The provider that names it; any without one.
        provider: Option<Name>,
    },
    /// In this directory group, by a person or as a device, however deep (TGT-4).
    Group {
        /// The directory.
        directory: Name,
        /// The group's id or name.
        name: String,
        /// How far below its root the tenant is that alone links to the directory; none when several do.
        depth: Option<u32>,
    },
    /// Of a tenant with such an agreement (TGT-5).
    Agreement {
        /// The PSA.
        psa: Name,
        /// The agreement's type.
        kind: Option<String>,
        /// The product of one of its additions.
        product: Option<String>,
    },
    /// In this group of its provider.
    ProviderGroup {
        /// The provider.
        provider: Name,
        /// The group.
        name: String,
    },
    /// With this value of a custom property of its provider.
    ProviderProperty {
        /// The provider.
        provider: Name,
        /// The property.
        property: String,
        /// Its value.
        value: String,
    },
    /// In this part of a stable order.
    Ring(Ring),
    /// Being onboarded, or not.
    Onboarding(bool),
    /// Named by this script.
    Script(Name),
    /// Listed by this provider.
    Provider(Name),
    /// With an installed software of this name, and if given in such a version.
    Installed {
        /// The name.
        name: Pattern,
        /// The version.
        version: Option<Constraint>,
    },
    /// With such a fact.
    Fact {
        /// The fact's path.
        path: &'static str,
        /// What holds of it.
        test: FactTest,
    },
}

/// What is asked of a fact.
#[derive(Debug, Clone, PartialEq)]
pub enum FactTest {
    /// It is one of these, ignoring case; they are in lower case.
    OneOf(Vec<String>),
    /// It fits.
    Text(Pattern),
    /// It is a version that this allows.
    Version(Constraint),
    /// It is a number of at least this.
    AtLeast(i64),
    /// It is a number of at most this.
    AtMost(i64),
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenant { name, .. } => write!(f, "tenant {name}"),
            Self::TenantTree { name, .. } => write!(f, "tenant {name} and those below"),
            Self::TenantTag(tag) => write!(f, "tenants with tag {tag}"),
            Self::Computer(name) => write!(f, "computer {name}"),
            Self::Tag(tag) => write!(f, "tag {tag}"),
            Self::Role(role) => write!(f, "role {}", role.as_str()),
            Self::Os(family) => write!(f, "os {}", family.as_str()),
            Self::Person(person) => write!(f, "person {person}"),
            Self::Site { name, provider: None } => write!(f, "site {name}"),
            Self::Site { name, provider: Some(provider) } => write!(f, "site {name} of {provider}"),
            Self::Group { directory, name, .. } => write!(f, "group {name} of {directory}"),
            Self::Agreement { psa, kind, product } => {
                write!(f, "agreement of {psa}")?;
                if let Some(kind) = kind {
                    write!(f, " of type {kind}")?;
                }
                product.as_ref().map_or(Ok(()), |product| write!(f, " with {product}"))
            }
            Self::ProviderGroup { provider, name } => write!(f, "group {name} of provider {provider}"),
            Self::ProviderProperty { provider, property, value } => {
                write!(f, "{property} {value} of provider {provider}")
            }
            Self::Ring(ring) => fmt::Display::fmt(ring, f),
            Self::Onboarding(true) => f.write_str("onboarding"),
            Self::Onboarding(false) => f.write_str("onboarded"),
            Self::Script(name) => write!(f, "script {name}"),
            Self::Provider(name) => write!(f, "provider {name}"),
            Self::Installed { name, version: None } => write!(f, "installed {name}"),
            Self::Installed { name, version: Some(version) } => write!(f, "installed {name} {version}"),
            Self::Fact { path, test } => write!(f, "fact {path} {test}"),
        }
    }
}

impl fmt::Display for FactTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneOf(values) => write!(f, "is {}", values.join(" or ")),
            Self::Text(pattern) => fmt::Display::fmt(pattern, f),
            Self::Version(constraint) => write!(f, "version {constraint}"),
            Self::AtLeast(number) => write!(f, "at least {number}"),
            Self::AtMost(number) => write!(f, "at most {number}"),
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, members: &[Self], between: &str| {
            for (at, member) in members.iter().enumerate() {
                if at > 0 {
                    f.write_str(between)?;
                }
                match member {
                    Self::All(inner) | Self::Any(inner) if inner.len() > 1 => write!(f, "({member})")?,
                    _ => write!(f, "{member}")?,
                }
            }
            Ok(())
        };
        match self {
            Self::Select(selector) => fmt::Display::fmt(selector, f),
            Self::All(members) if members.is_empty() => f.write_str("every computer"),
            Self::Any(members) if members.is_empty() => f.write_str("no computer"),
            Self::All(members) => list(f, members, " and "),
            Self::Any(members) => list(f, members, " or "),
            Self::Not(inner) => match &**inner {
                Self::All(members) | Self::Any(members) if members.len() > 1 => write!(f, "not ({inner})"),
                _ => write!(f, "not {inner}"),
            },
            Self::Target(name, _) => write!(f, "target {name}"),
        }
    }
}
