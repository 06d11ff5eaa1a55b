//! Constraints: what a version has to be.

use std::cmp::Ordering;
use std::fmt;

use super::{InvalidVersion, check, compare};
use crate::config::kind::VersionScheme;

/// A comparison in a constraint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    /// As they are written; longer ones first.
    const ALL: [(&'static str, Self); 7] = [
        (">=", Self::GreaterOrEqual),
        ("<=", Self::LessOrEqual),
        ("!=", Self::NotEqual),
        ("==", Self::Equal),
        (">", Self::Greater),
        ("<", Self::Less),
        ("=", Self::Equal),
    ];

    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// What a version has to be: `1.2.3`, `=1.2.3`, `>=1.2, <2`, `!=1.5`, or `*` for any. All parts have to hold.
///
/// Only the scheme's order counts: a pre-release is allowed where its place in the order is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Constraint {
    scheme: VersionScheme,
    text: String,
    parts: Vec<(Operator, String)>,
}

impl Constraint {
    /// Reads a constraint.
    ///
    /// # Errors
    /// [`InvalidVersion`] when it is empty, has an empty part or names something that is not a version in the scheme.
    pub fn parse(scheme: VersionScheme, text: &str) -> Result<Self, InvalidVersion> {
        let wrong = |why| InvalidVersion::Constraint { text: text.to_owned(), why };
        let mut parts = Vec::new();
        for part in text.split(',').map(str::trim) {
            match part {
                "" => return Err(wrong("a part of it is empty")),
                "*" => continue,
                _ => {}
            }
            let (operator, version) = Operator::ALL
                .into_iter()
                .find_map(|(sign, operator)| Some((operator, part.strip_prefix(sign)?.trim_start())))
                .unwrap_or((Operator::Equal, part));
            if version.is_empty() {
                return Err(wrong("a comparison lacks its version"));
            }
            check(scheme, version)?;
            parts.push((operator, version.to_owned()));
        }
        Ok(Self { scheme, text: text.trim().to_owned(), parts })
    }

    /// Whether `version` is allowed. `*` allows anything, even what is no version.
    ///
    /// # Errors
    /// [`InvalidVersion`] when `version` is not a version in the constraint's scheme.
    pub fn allows(&self, version: &str) -> Result<bool, InvalidVersion> {
        let mut allowed = true;
        for (operator, bound) in &self.parts {
            allowed &= operator.holds(compare(self.scheme, version, bound)?);
        }
        Ok(allowed)
    }

    /// The one version that it names, when it is nothing else than that.
    #[must_use]
    pub fn is_exact(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [(Operator::Equal, version)] => Some(version),
            _ => None,
        }
    }

    /// The scheme in which it compares.
    #[must_use]
    pub const fn scheme(&self) -> VersionScheme {
        self.scheme
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}
