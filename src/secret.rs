//! Secrets: a value that cannot be printed, and the reference to one that stands in a YAML file (L9).
//!
//! Not here: reading the value behind a reference (the seam is `session::secrets`, the reader is in `cli::environment`).
//!
//! Invariants: no `Display`, no `Serialize`, a `Debug` that says only that there is a secret; memory is wiped on drop.

use std::fmt;

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// A secret's value in memory. It can be handed to a script, and to nothing that prints.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes over a secret value.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(SecretString::from(value))
    }

    /// The value itself. Call it where the value leaves for the computer, nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// Where a secret's value is found when it is needed. This is what stands in YAML, plans and state.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum SecretRef {
    /// An environment variable of the Muster process.
    Env(String),
    /// A file on the reconciler's host that only its owner can read; a trailing newline is dropped.
    File(String),
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{path}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print_its_value() {
        let secret = Secret::new("canary".to_owned());
        assert_eq!(format!("{secret:?}"), "Secret(hidden)");
        assert_eq!(secret.expose(), "canary");
    }
}
