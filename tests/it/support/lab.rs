//! The lab with providers that are built as the program builds them.

use std::sync::Arc;

use muster::config::kind::{ProviderSpec, ScreenconnectSpec};
use muster::id::Name;
use muster::provider::screenconnect::{Screenconnect, ScreenconnectSettings};
use muster::secret::{Secret, SecretRef};
use muster::session::secrets::{SecretError, Secrets};
use muster::time::{Clock, Timestamp};
use muster_lab::fleet::{Fleet, System};
use muster_lab::{Lab, Options};

/// A lab with a fleet.
pub(crate) async fn start(fleet: &str) -> Lab {
    Lab::start(Fleet::read(fleet).unwrap(), Options::default()).await.unwrap()
}

/// This machine's clock.
#[derive(Debug)]
pub(crate) struct Now;

impl Clock for Now {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The lab's own credentials, by the names of its variables.
pub(crate) struct Credentials(std::collections::BTreeMap<&'static str, String>);

impl Secrets for Credentials {
    fn resolve(&self, reference: &SecretRef) -> Result<Secret, SecretError> {
        let SecretRef::Env(name) = reference else { return Err(SecretError::NotSet(reference.to_string())) };
        let secret = self.0.get(name.as_str()).cloned();
        secret.map(Secret::new).ok_or_else(|| SecretError::NotSet(name.clone()))
    }
}

/// A link to the lab's Control; `more` are lines of its document beside the address and the secret.
pub(crate) fn control(lab: &Lab, more: &str) -> Arc<Screenconnect> {
    control_at(lab, &lab.url(System::Control), "LAB_CONTROL_SECRET", more)
}

/// The same at another address, or with another secret.
pub(crate) fn control_at(lab: &Lab, url: &str, secret: &str, more: &str) -> Arc<Screenconnect> {
    let text = format!("screenconnect:\n  url: {url}\n  secret: {{ env: {secret} }}\n{more}");
    let ProviderSpec::Screenconnect(spec) = serde_saphyr::from_str::<ProviderSpec>(&text).unwrap() else {
        panic!("{text}");
    };
    let spec: ScreenconnectSpec = spec;
    let mut credentials = lab.environment();
    if let Some(key) = &lab.settings().control.totp_secret {
        credentials.insert("LAB_CONTROL_KEY", key.clone());
    }
    let settings = ScreenconnectSettings {
        name: Name::new("control").unwrap(),
        spec,
        authorities: None,
        secrets: Arc::new(Credentials(credentials)),
        clock: Arc::new(Now),
    };
    Arc::new(Screenconnect::new(settings).unwrap())
}
