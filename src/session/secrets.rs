//! The seam to secret values. Only drivers that are about to send scripts resolve references.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::kind::ParameterValue;
use crate::secret::{Secret, SecretRef};
use crate::session::script::{Value, Values};

/// Why a secret could not be had. Never holds a part of its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The environment variable is not set.
    #[error("the environment variable {0} is not set")]
    NotSet(String),
    /// The file cannot be read.
    #[error("the secret file {path} cannot be read: {why}")]
    File {
        /// Its path.
        path: String,
        /// What happened.
        why: String,
    },
    /// There is one, and it is empty.
    #[error("the secret {0} is empty")]
    Empty(String),
    /// The file can be read by others than its owner.
    #[error("the secret file {0} can be read by others: allow only its owner (chmod 600)")]
    TooOpen(String),
    /// A file of the repository whose content is not there, as in a plan that was read back.
    #[error("the content of the file {0} is not known here")]
    NoContent(String),
}

/// Finds the values behind references.
pub trait Secrets: Send + Sync {
    /// The value behind a reference.
    ///
    /// # Errors
    /// [`SecretError`] when there is none that may be used.
    fn resolve(&self, reference: &SecretRef) -> Result<Secret, SecretError>;
}

/// Parameters with their secrets resolved, ready to be sent.
///
/// # Errors
/// [`SecretError`] for the first reference without a value.
pub fn values(
    parameters: &BTreeMap<String, ParameterValue>,
    secrets: &dyn Secrets,
) -> Result<Values, SecretError> {
    parameters
        .iter()
        .map(|(name, value)| {
            let value = match value {
                ParameterValue::Secret(reference) => Value::Secret(secrets.resolve(reference)?),
                ParameterValue::File(file) => {
                    let content =
                        file.content.as_ref().ok_or_else(|| SecretError::NoContent(file.path.clone()))?;
                    let name = file.path.rsplit('/').next().unwrap_or_default().to_owned();
                    Value::File { name, content: Arc::clone(content) }
                }
                plain => Value::Plain(plain.to_json()),
            };
            Ok((name.clone(), value))
        })
        .collect()
}
