//! The lab with providers that are built as the program builds them.

use std::collections::BTreeMap;
use std::sync::Arc;

use muster::config::kind::{ProviderSpec, ScreenconnectSpec};
use muster::id::Name;
use muster::provider::automate::{Automate, AutomateSettings};
use muster::provider::connectwise_rmm::{ConnectwiseRmm, ConnectwiseRmmSettings};
use muster::provider::screenconnect::{Screenconnect, ScreenconnectSettings};
use muster::secret::{Secret, SecretRef};
use muster::session::script::{
    Bundle, Context, Interpreter, Platform, Purpose, Read, Script, Step, Values, Write,
};
use muster::session::secrets::{SecretError, Secrets};
use muster::time::{Clock, Timestamp};
use muster_lab::fleet::{Fleet, System};
use muster_lab::{Lab, Options};

/// A lab with a fleet.
pub(crate) async fn start(fleet: &str) -> Lab {
    Lab::start(Fleet::read(fleet).unwrap(), Options::default()).await.unwrap()
}

/// A lab that goes by the clock of its runtime. Where that is paused, time leaps to the next thing that happens, and hours
/// pass in the time that the work takes.
pub(crate) async fn leaping(fleet: &str) -> Lab {
    let begun = tokio::time::Instant::now();
    let now = move || Timestamp::from_second(1_772_442_000).unwrap() + begun.elapsed();
    let options = Options { clock: muster_lab::Clock::of(now), ..Options::default() };
    Lab::start(Fleet::read(fleet).unwrap(), options).await.unwrap()
}

/// A lab's own clock.
#[derive(Debug)]
pub(crate) struct LabClock(muster_lab::Clock);

impl Clock for LabClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

pub(crate) fn clock(lab: &Lab) -> Arc<LabClock> {
    Arc::new(LabClock(lab.clock()))
}

/// The lab's own credentials, by the names of its variables.
pub(crate) struct Credentials(BTreeMap<&'static str, String>);

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
        clock: clock(lab),
    };
    Arc::new(Screenconnect::new(settings).unwrap())
}

/// A key for one-time passwords.
const KEY: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
/// A policy of ConnectWise RMM.
const POLICY: &str = "{ name: Standard, category: Devices, kind: RemoteAccess, package: Gold, settings: { consent: true }, \
                      sites: [{ company: Contoso }] }";
/// Scripts of Automate that switch maintenance mode.
pub(crate) const QUIET: &str = "{ id: 4711, name: Quiet, parameters: [Minutes], does: begin-maintenance }";
pub(crate) const LOUD: &str = "{ id: 4712, name: Loud, does: end-maintenance }";
/// The script that stands for one that was made in the portal of ConnectWise RMM.
const SHELL: &str = "5d2f6c1e-0000-4000-8000-000000000001";

/// A lab with two customers, three POSIX computers that are shells of this host (`real`) or models (`simulated`), and a model of
/// a Windows computer.
pub(crate) async fn small(kind: &str) -> Lab {
    let computer = |name: &str, company: &str, platform: &str, kind: &str| {
        format!("- {{ name: {name}, company: {company}, platform: {platform}, kind: {kind} }}\n")
    };
    let fleet = [
        "companies:\n- { name: Contoso, sites: [Bonn, Aachen], externalId: 19 }\n- { name: Fabrikam }\ncomputers:\n",
        &computer("one", "Contoso", "posix", kind),
        &computer("two", "Contoso", "posix", kind),
        &computer("three", "Fabrikam", "posix", kind),
        &computer("four", "Fabrikam", "windows", "simulated"),
        &format!("automate: {{ totpSecret: {KEY}, scripts: [{QUIET}, {LOUD}] }}\n"),
        &format!(
            "rmm: {{ scripts: [{{ id: {SHELL}, name: Shell, engine: bash }}], policies: [{POLICY}] }}\n"
        ),
    ];
    start(&fleet.concat()).await
}

fn credentials(lab: &Lab) -> Arc<Credentials> {
    let mut known = lab.environment();
    known.insert("KEY", KEY.to_owned());
    Arc::new(Credentials(known))
}

/// A link to the lab's Automate at an address.
pub(crate) fn automate_at(lab: &Lab, url: &str) -> Arc<Automate> {
    automate_with(lab, url, "requestsPerMinute: 60000")
}

/// The same with settings of the link.
pub(crate) fn automate_with(lab: &Lab, url: &str, link: &str) -> Arc<Automate> {
    automate_switching(lab, url, link, "begin: Quiet, end: '4712', minutes: 30")
}

/// The same with the scripts that switch maintenance mode.
pub(crate) fn automate_switching(lab: &Lab, url: &str, link: &str, scripts: &str) -> Arc<Automate> {
    let settings = &lab.settings().automate;
    let text = format!(
        "automate:\n  url: {url}\n  clientId: {}\n  account:\n    user: {}\n    password: {{ env: LAB_AUTOMATE_PASSWORD }}\n    \
         oneTimePasswordKey: {{ env: KEY }}\n  maintenanceMode: {{ {scripts} }}\n  link: {{ {link} }}\n",
        settings.client_id, settings.user
    );
    let ProviderSpec::Automate(spec) = serde_saphyr::from_str::<ProviderSpec>(&text).unwrap() else {
        panic!("{text}");
    };
    let name = Name::new("automate").unwrap();
    let made =
        AutomateSettings { name, spec, authorities: None, secrets: credentials(lab), clock: clock(lab) };
    Arc::new(Automate::new(made).unwrap())
}

/// A link to the lab's ConnectWise RMM at an address.
pub(crate) fn rmm_at(lab: &Lab, url: &str) -> Arc<ConnectwiseRmm> {
    rmm_with(lab, url, "requestsPerMinute: 60000")
}

/// The same with settings of the link.
pub(crate) fn rmm_with(lab: &Lab, url: &str, link: &str) -> Arc<ConnectwiseRmm> {
    let text = format!(
        "connectwise-rmm:\n  url: {url}\n  clientId: {}\n  clientSecret: {{ env: LAB_RMM_CLIENT_SECRET }}\n  \
         templates: {{ posix: {SHELL} }}\n  link: {{ {link} }}\n",
        lab.settings().rmm.client_id
    );
    let ProviderSpec::ConnectwiseRmm(spec) = serde_saphyr::from_str::<ProviderSpec>(&text).unwrap() else {
        panic!("{text}");
    };
    let name = Name::new("rmm").unwrap();
    let made = ConnectwiseRmmSettings {
        name,
        spec,
        authorities: None,
        secrets: credentials(lab),
        clock: clock(lab),
    };
    Arc::new(ConnectwiseRmm::new(made).unwrap())
}

/// A script that models do not read: what its step is for decides.
fn script() -> Arc<Script> {
    Arc::new(Script {
        interpreter: Interpreter::Sh,
        context: Context::System,
        text: "exit 0\n".into(),
        limit: None,
        origin: "test".into(),
    })
}

/// Installs a version of `tool`.
pub(crate) fn install(platform: Platform, version: &str) -> Bundle<Write> {
    let purpose = Purpose::InstallSoftware { software: "tool".to_owned(), version: Some(version.to_owned()) };
    let step = Step::change("install", purpose, script(), Values::new());
    Bundle::new(platform, vec![step], BTreeMap::new())
}

/// Looks for `tool`.
pub(crate) fn look(platform: Platform) -> Bundle<Read> {
    let purpose = Purpose::DetectSoftware { software: "tool".to_owned() };
    Bundle::new(platform, vec![Step::read("look", purpose, script(), Values::new())], BTreeMap::new())
}

/// How often a version was installed on a computer.
pub(crate) fn times(lab: &Lab, computer: &str, version: &str) -> u32 {
    let wanted = format!("\"{version}\"");
    let is_it =
        |((name, purpose), _): &(&(String, String), &u32)| name == computer && purpose.contains(&wanted);
    lab.changes().iter().find(is_it).map_or(0, |(_, count)| *count)
}
