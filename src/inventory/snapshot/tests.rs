//! Tests of the snapshot, and the small world that tests of targets use too.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::config::kind::{CrossTenant, LocalSpec, Metadata, PrimaryPerson, ProviderSpec};
use crate::config::{Config, model};
use crate::diagnostic::{Place, Sources, code};
use crate::inventory::facts::{Os, Package, PackageSource};
use crate::inventory::known::Known;
use crate::time::Limit;

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

pub(crate) fn place(file: &str) -> Place {
    Place::file(&file.into())
}

pub(crate) fn metadata(text: &str) -> Metadata {
    Metadata { name: name(text), title: None, labels: BTreeMap::new(), description: None, allow: Vec::new() }
}

pub(crate) fn texts(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Tenants: acme (gold) with acme-north (north) below it and acme-north-lab below that, and contoso (gold, kiosk).
/// Providers: office and branch.
pub(crate) fn config() -> Config {
    let tenant = |text: &str, parent: Option<&str>, tags: &[&str]| {
        let tenant = model::Tenant {
            metadata: metadata(text),
            place: place("tenants.yaml"),
            parent: parent.map(name),
            directory: None,
            psa: None,
            clients: BTreeMap::new(),
            tags: texts(tags),
            mode: Mode::Enforce,
            cross_tenant: CrossTenant::Include,
            reboot: crate::config::kind::Reboot::IfNecessary,
            hold: None,
        };
        (name(text), tenant)
    };
    let provider = |text: &str| {
        let provider = model::Provider {
            metadata: metadata(text),
            place: place(&format!("providers/{text}.yaml")),
            spec: ProviderSpec::Local(LocalSpec::default()),
            files: BTreeMap::new(),
        };
        (name(text), provider)
    };
    Config {
        instance: model::Instance {
            metadata: metadata("test"),
            place: place("muster.yaml"),
            mode: Mode::Enforce,
            time_zone: "UTC".to_owned(),
            concurrency: 1,
            max_age: Limit::seconds(3600),
            sources: model::Believing::default(),
            identification: model::Identification::default(),
            sqlite: None,
            libraries: Vec::new(),
            role: None,
        },
        tenants: BTreeMap::from([
            tenant("acme", None, &["gold"]),
            tenant("acme-north", Some("acme"), &["north"]),
            tenant("acme-north-lab", Some("acme-north"), &[]),
            tenant("contoso", None, &["gold", "kiosk"]),
        ]),
        providers: BTreeMap::from([provider("office"), provider("branch")]),
        directories: BTreeMap::new(),
        psas: BTreeMap::new(),
        scripts: BTreeMap::new(),
        answer_ages: BTreeMap::new(),
        computers: BTreeMap::new(),
        targets: BTreeMap::new(),
        software: BTreeMap::new(),
        tasks: BTreeMap::new(),
        licenses: BTreeMap::new(),
        deployments: BTreeMap::new(),
        schedules: BTreeMap::new(),
        remote: crate::config::model::RemoteAccess::default(),
        order: model::Order::default(),
        safety: crate::config::safety::Safety::default(),
        uses: model::Uses::default(),
        sources: Sources::new(),
    }
}

/// A computer of which nothing is known but its name, provider and tenant.
pub(crate) fn known(provider: &str, agent: &str, called: &str, tenant: Option<&str>) -> Known {
    Known {
        id: ComputerId::new(format!("{provider}/{agent}")),
        name: called.to_owned(),
        provider: name(provider),
        agent: AgentId::new(agent),
        tenant: tenant.map(name),
        client: None,
        presence: crate::inventory::known::Presence::Unknown,
        said: None,
        seen: None,
        unsupported: None,
        onboarding: false,
        agents: None,
        platform: None,
        tags: BTreeSet::new(),
        facts: None,
        contact: Contact::Never,
    }
}

/// Facts as far as they are given.
pub(crate) fn facts(
    family: Option<OsFamily>,
    role: Option<Role>,
    packages: Option<&[(&str, &str)]>,
    hostname: Option<&str>,
) -> (Timestamp, Facts) {
    let package = |(name, version): &(&str, &str)| Package {
        name: (*name).to_owned(),
        version: (*version).to_owned(),
        source: PackageSource::Registry,
        architecture: None,
        product_code: None,
        upgrade_code: None,
        scope: None,
        hidden: false,
    };
    let facts = Facts {
        os: Os { family, ..Os::default() },
        roles: role.map(|role| BTreeSet::from([role])),
        package_sources: packages.iter().map(|_| PackageSource::Registry).collect(),
        packages: packages.unwrap_or_default().iter().map(package).collect(),
        hostname: hostname.map(str::to_owned),
        ..Facts::default()
    };
    (Timestamp::UNIX_EPOCH, facts)
}

/// A document about a computer that says nothing yet.
pub(crate) fn document(text: &str, called: &str, provider: Option<&str>) -> (Name, model::Computer) {
    let computer = model::Computer {
        metadata: metadata(text),
        place: place(&format!("computers/{text}.yaml")),
        name: called.to_owned(),
        provider: provider.map(name),
        tenant: None,
        tags: BTreeSet::new(),
        primary_person: PrimaryPerson::Auto,
        onboarded: None,
        mode: Mode::Enforce,
        reboot: crate::config::kind::Reboot::IfNecessary,
        excluded: false,
        identity: None,
        replaces: None,
    };
    (name(text), computer)
}

fn set(indexes: &[u32]) -> RoaringBitmap {
    indexes.iter().copied().collect()
}

fn codes(findings: &crate::diagnostic::Findings) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.code.as_str()).collect()
}

fn build(config: &Config, known: Vec<Known>) -> (Snapshot, crate::diagnostic::Findings) {
    Snapshot::build(config, known, BTreeMap::new())
}

#[test]
fn computers_are_sorted_by_id_whatever_their_order_was() {
    let all = || {
        vec![
            known("office", "2", "B", None),
            known("branch", "9", "C", None),
            known("office", "1", "A", None),
        ]
    };
    let (one, _) = build(&config(), all());
    let (other, _) = build(&config(), all().into_iter().rev().collect());
    let names = |snapshot: &Snapshot| snapshot.iter().map(|(ix, c)| (ix, c.name.clone())).collect::<Vec<_>>();
    assert_eq!(names(&one), [(0, "C".to_owned()), (1, "A".to_owned()), (2, "B".to_owned())]);
    assert_eq!(names(&one), names(&other));
    assert_eq!(one.all(), &set(&[0, 1, 2]));
    assert_eq!((one.len(), one.is_empty(), one.get(3)), (3, false, None));
}

#[test]
fn what_git_says_of_a_computer_lies_over_what_its_provider_says() {
    let mut config = config();
    let (key, mut computer) = document("front-desk", "pc-1", None);
    computer.tenant = Some(name("contoso"));
    computer.tags = texts(&["till"]);
    computer.mode = Mode::Audit;
    computer.excluded = true;
    config.computers.insert(key, computer);
    let mut record = known("office", "1", "PC-1", Some("acme"));
    record.tags = texts(&["desk"]);
    let (snapshot, findings) = build(&config, vec![record]);
    assert_eq!(codes(&findings), [""; 0]);
    let computer = snapshot.computer(0);
    assert_eq!(computer.tenant, Some(name("contoso")));
    assert_eq!(*computer.tags, texts(&["desk", "till"]));
    assert_eq!((computer.mode, computer.excluded), (Mode::Audit, true));
    assert_eq!(computer.document, Some(name("front-desk")));
    assert_eq!(snapshot.tags().with("till"), set(&[0]));
    assert_eq!(snapshot.tenants().with(&name("acme")), set(&[]));
    assert_eq!(snapshot.tenant_tags().with("kiosk"), set(&[0]));
}

#[test]
fn the_most_cautious_mode_of_instance_and_tenants_up_to_the_root_counts() {
    let mut config = config();
    let mode = |config: &Config| {
        build(config, vec![known("office", "1", "A", Some("acme-north-lab"))]).0.computer(0).mode
    };
    assert_eq!(mode(&config), Mode::Enforce);
    config.tenants.get_mut("acme-north").expect("there").mode = Mode::Audit;
    assert_eq!(mode(&config), Mode::Audit);
    config.tenants.get_mut("acme").expect("there").mode = Mode::Monitor;
    assert_eq!(mode(&config), Mode::Monitor);
    config.tenants.get_mut("contoso").expect("there").mode = Mode::Ignored;
    assert_eq!(mode(&config), Mode::Monitor);
    config.instance.mode = Mode::Ignored;
    assert_eq!(mode(&config), Mode::Ignored);
}

#[test]
fn a_document_without_a_computer_is_a_warning_unless_its_provider_failed() {
    let mut config = config();
    config.computers.extend([document("pc-2", "PC-2", None), document("pc-7", "PC-7", Some("branch"))]);
    let all = || vec![known("office", "1", "PC-1", None)];
    let (_, findings) = build(&config, all());
    assert_eq!(codes(&findings), ["M0705", "M0705"]);
    assert_eq!(findings.iter().next().and_then(|f| f.help.clone()).as_deref(), Some("did you mean PC-1?"));
    let failed = |provider: &str| BTreeMap::from([(name(provider), "timed out".to_owned())]);
    assert!(Snapshot::build(&config, all(), failed("branch")).1.is_empty());
    let (snapshot, findings) = Snapshot::build(&config, all(), failed("office"));
    assert_eq!(findings.len(), 1, "the one that names branch");
    assert_eq!(snapshot.held(), &set(&[0]));
    assert_eq!(snapshot.failed().len(), 1);
}

#[test]
fn a_document_that_fits_several_computers_applies_to_none() {
    let mut config = config();
    let (key, mut computer) = document("pc", "PC", None);
    computer.excluded = true;
    config.computers.insert(key, computer);
    let all = || vec![known("office", "1", "pc", None), known("branch", "1", "Pc", None)];
    let (snapshot, findings) = build(&config, all());
    assert_eq!(codes(&findings), ["M0409"]);
    assert!(snapshot.iter().all(|(_, computer)| !computer.excluded));
    config.computers.get_mut("pc").expect("there").provider = Some(name("office"));
    let (snapshot, findings) = build(&config, all());
    assert!(findings.is_empty());
    assert_eq!(snapshot.iter().map(|(_, c)| c.excluded).collect::<Vec<_>>(), [false, true]);
    config.computers.extend([document("second", "PC", Some("office"))]);
    assert_eq!(codes(&build(&config, all()).1), ["M0409"], "two documents for one computer");
}

#[test]
fn a_tenant_that_nobody_declares_is_an_error_at_its_provider_and_no_tenant() {
    let all = vec![
        known("office", "1", "A", Some("contosso")),
        known("office", "2", "B", Some("contosso")),
        known("office", "3", "C", Some("contoso")),
    ];
    let (snapshot, findings) = build(&config(), all);
    assert_eq!(findings.len(), 1);
    let finding = findings.iter().next().expect("one");
    assert_eq!((finding.code, finding.is_error()), (code::UNKNOWN_REFERENCE, true));
    assert_eq!(finding.place.as_ref().map(|place| &*place.file), Some("providers/office.yaml"));
    assert!(finding.message.contains("2 computers"), "{}", finding.message);
    assert_eq!(finding.help.as_deref(), Some("did you mean contoso?"));
    assert_eq!(snapshot.computer(0).tenant, None);
    assert_eq!(snapshot.tenants().with(&name("contoso")), set(&[2]));
}

#[test]
fn a_tree_of_tenants_holds_the_computers_of_all_below() {
    let all = vec![
        known("office", "1", "A", Some("acme")),
        known("office", "2", "B", Some("acme-north")),
        known("office", "3", "C", Some("acme-north-lab")),
        known("office", "4", "D", Some("contoso")),
        known("office", "5", "E", None),
    ];
    let (snapshot, _) = build(&config(), all);
    assert_eq!(snapshot.tenant_tree(&name("acme")), set(&[0, 1, 2]));
    assert_eq!(snapshot.tenant_tree(&name("acme-north")), set(&[1, 2]));
    assert_eq!(snapshot.tenant_tree(&name("contoso")), set(&[3]));
    assert_eq!(snapshot.tenant_tree(&name("nobody")), set(&[]));
}

#[test]
fn a_computer_is_found_by_id_by_provider_and_name_and_by_a_name_of_its_own() {
    let all = vec![
        known("branch", "a1", "FRONT", None),
        known("office", "a1", "Front", None),
        known("office", "A2", "Back", None),
        known("office", "a3", "odd/name", None),
    ];
    let (snapshot, _) = build(&config(), all);
    let id = |text: &str| snapshot.find(text).map(|ix| snapshot.computer(ix).id.to_string());
    assert_eq!(id("office/a1").as_deref(), Ok("office/a1"));
    assert_eq!(id("OFFICE/a2").as_deref(), Ok("office/A2"));
    assert_eq!(id("office/front").as_deref(), Ok("office/a1"));
    assert_eq!(id(" back ").as_deref(), Ok("office/A2"));
    assert_eq!(id("Odd/Name").as_deref(), Ok("office/a3"));
    assert_eq!(
        id("front"),
        Err(FindError::Ambiguous {
            text: "front".to_owned(),
            candidates: vec!["branch/a1".to_owned(), "office/a1".to_owned()]
        })
    );
    assert_eq!(
        id("bakc"),
        Err(FindError::Unknown { text: "bakc".to_owned(), nearest: Some("Back".to_owned()) })
    );
}

#[test]
fn the_platform_is_taken_from_the_facts_where_the_provider_does_not_tell() {
    let mut all = vec![
        known("office", "1", "A", None),
        known("office", "2", "B", None),
        known("office", "3", "C", None),
    ];
    all[0].facts = Some(facts(Some(OsFamily::Windows), None, None, None));
    all[1].facts = Some(facts(Some(OsFamily::Linux), None, None, None));
    let (snapshot, _) = build(&config(), all);
    let platforms: Vec<_> = snapshot.iter().map(|(_, computer)| computer.platform).collect();
    assert_eq!(platforms, [Some(Platform::Windows), Some(Platform::Posix), None]);
    assert_eq!(snapshot.platforms().known(), &set(&[0, 1]));
}

#[test]
fn inventories_are_kept_once_per_name_and_version() {
    let mut all = vec![
        known("office", "1", "A", None),
        known("office", "2", "B", None),
        known("office", "3", "C", None),
    ];
    all[0].facts = Some(facts(None, None, Some(&[("7-Zip", "24.09"), ("Git", "2.0")]), None));
    all[1].facts = Some(facts(None, None, Some(&[("7-Zip", "24.09")]), None));
    let (snapshot, _) = build(&config(), all);
    let packages: Vec<_> = snapshot.packages().map(|(name, versions)| (name, versions.len())).collect();
    assert_eq!(packages, [("7-Zip", 1), ("Git", 1)]);
    assert_eq!(snapshot.inventory_known(), &set(&[0, 1]));
}
