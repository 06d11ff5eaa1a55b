//! The one-line form of expressions, for the command line: `tenant:contoso,role:server,not:tag:kiosk`.
//!
//! It uses letters, digits, colons, commas, dots and hyphens only, which bash, cmd and PowerShell all leave alone.

use serde::de::DeserializeOwned;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};

use crate::config::kind::{Comparison, FactTerm, InstalledTerm, Match, Term, TextMatch};
use crate::diagnostic::nearest;
use crate::id::Name;

/// The selectors of the one-line form, as they are shown.
pub(super) const SELECTORS: [&str; 12] = [
    "computer",
    "every",
    "fact",
    "installed",
    "not",
    "os",
    "provider",
    "role",
    "tag",
    "target",
    "tenant",
    "tenantTag",
];

/// Why a text is not an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// There is nothing in it, or between two commas.
    #[error("a selector is empty: write for example tenant:contoso,role:server,not:tag:kiosk")]
    Empty,
    /// The selector is none that is known.
    #[error("there is no selector {selector:?}{}", hint(.nearest.as_deref()))]
    UnknownSelector {
        /// The selector.
        selector: String,
        /// The one that was probably meant.
        nearest: Option<String>,
    },
    /// The selector needs a value.
    #[error("{selector} needs a value: write {selector}:{example}")]
    MissingValue {
        /// The selector.
        selector: String,
        /// A value that it could have.
        example: &'static str,
    },
    /// The selector does not take this value.
    #[error("{selector} does not take {value:?}: {why}")]
    InvalidValue {
        /// The selector.
        selector: String,
        /// The value.
        value: String,
        /// What it takes.
        why: String,
    },
}

fn hint(nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("; did you mean {nearest}?"),
        None => format!("; there are {}, tenantTree", SELECTORS.join(", ")),
    }
}

/// Reads the one-line form. Parts between commas all have to hold; `not:` turns one around; `every` is every computer.
/// Selectors are written in any case, with hyphens or without (`tenant-tree`). `installed:TEXT` is a software whose
/// name contains the text, `fact:PATH:VALUE` a fact that equals the value. Names are looked up later, by
/// [`resolve`](super::resolve()).
///
/// # Errors
/// [`LineError`] for the first part that cannot be read.
pub fn parse_line(text: &str) -> Result<Match, LineError> {
    let mut expression = Match::default();
    for part in text.split(',').map(str::trim) {
        let mut rest = part;
        let mut negated = false;
        while let Some((word, further)) = rest.split_once(':')
            && is(word, "not")
        {
            negated = !negated;
            rest = further.trim();
        }
        if rest.is_empty() {
            return Err(LineError::Empty);
        }
        if is(rest, "every") {
            if negated {
                return Err(LineError::InvalidValue {
                    selector: "not".to_owned(),
                    value: rest.to_owned(),
                    why: "that would be no computer".to_owned(),
                });
            }
            expression.every = true;
            continue;
        }
        let list = if negated { &mut expression.not } else { &mut expression.all };
        list.get_or_insert_default().push(term(rest)?);
    }
    Ok(expression)
}

/// Whether a word is this selector; the selector is in lower case without hyphens.
fn is(word: &str, selector: &str) -> bool {
    let letters = word.trim().bytes().filter(|byte| *byte != b'-').map(|byte| byte.to_ascii_lowercase());
    letters.eq(selector.bytes())
}

fn term(text: &str) -> Result<Term, LineError> {
    let (word, value) = text.split_once(':').unwrap_or((text, ""));
    let (word, value) = (word.trim(), value.trim());
    let needs = |example| {
        if value.is_empty() {
            Err(LineError::MissingValue { selector: word.to_owned(), example })
        } else {
            Ok(())
        }
    };
    let name = |example| {
        needs(example)?;
        Name::new(value).map_err(|error| invalid(word, value, error.to_string()))
    };
    let known: &[(&str, &'static str)] = &[
        ("tenant", "contoso"),
        ("tenanttree", "contoso"),
        ("tenanttag", "gold"),
        ("computer", "PC-1042"),
        ("tag", "kiosk"),
        ("role", "server"),
        ("os", "windows"),
        ("provider", "office"),
        ("installed", "7-Zip"),
        ("fact", "hostname:pc-1042"),
        ("target", "all-workstations"),
        ("not", "tag:kiosk"),
    ];
    let Some((selector, example)) = known.iter().find(|(selector, _)| is(word, selector)) else {
        let nearest = nearest(word, SELECTORS.into_iter().chain(["tenantTree"])).map(str::to_owned);
        return Err(LineError::UnknownSelector { selector: word.to_owned(), nearest });
    };
    needs(example)?;
    Ok(match *selector {
        "tenant" => Term::Tenant(name(example)?),
        "tenanttree" => Term::TenantTree(name(example)?),
        "provider" => Term::Provider(name(example)?),
        "target" => Term::Target(name(example)?),
        "tenanttag" => Term::TenantTag(value.to_owned()),
        "computer" => Term::Computer(value.to_owned()),
        "role" => Term::Role(word_of(word, value)?),
        "os" => Term::Os(word_of(word, value)?),
        "installed" => Term::Installed(InstalledTerm {
            name: TextMatch::Contains(value.to_owned()),
            version: None,
            version_scheme: None,
        }),
        "fact" => match value.split_once([':', '=']) {
            Some((path, is)) if !path.trim().is_empty() && !is.trim().is_empty() => Term::Fact(FactTerm {
                path: path.trim().to_owned(),
                is: Comparison::Equals(is.trim().to_owned()),
            }),
            _ => return Err(invalid(word, value, format!("write fact:{example}"))),
        },
        _ => Term::Tag(value.to_owned()),
    })
}

fn invalid(selector: &str, value: &str, why: String) -> LineError {
    LineError::InvalidValue { selector: selector.to_owned(), value: value.to_owned(), why }
}

/// Reads one of the words of an enum, in any case.
fn word_of<T: DeserializeOwned>(selector: &str, value: &str) -> Result<T, LineError> {
    let lower = value.to_lowercase();
    let reader: StrDeserializer<'_, ValueError> = lower.as_str().into_deserializer();
    T::deserialize(reader).map_err(|error| invalid(selector, value, error.to_string()))
}
