#![expect(clippy::disallowed_methods, reason = "lays repositories out in temporary folders")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use proptest::prelude::*;

use super::computers::{Difference, Seen};
use super::files::changes;
use super::gather::Question;
use super::tenants::{Asking, Proposal, propose};
use super::wishes::{Said, Wishes, look_up};
use super::*;
use crate::config::Config;
use crate::config::load::load;
use crate::config::worktree::Worktree;
use crate::id::AgentId;
use crate::inventory::clients::Mapping;
use crate::inventory::collect;
use crate::inventory::identify::Memory;
use crate::provider::{
    AgentRecord, Capability, ClientRecord, Detect, Latency, Limits, ListAgents, ListClients, ListError,
    ProviderInfo, Reader, RunError,
};
use crate::session::script::{Bundle, BundleResult, Read};
use crate::store::Store as _;
use crate::store::sqlite::Sqlite;
use crate::time::{Limit, Timestamp};

/// A repository in a folder of its own.
struct Repository {
    folder: tempfile::TempDir,
}

const RMM: &str = "apiVersion: muster/v1\nkind: Provider\nmetadata: { name: rmm }\nspec: { simulated: { clients: true } }\n";

impl Repository {
    fn new(files: &[(&str, &str)]) -> Self {
        let repository = Self { folder: tempfile::tempdir().unwrap() };
        let instance = "apiVersion: muster/v1\nkind: Instance\nmetadata: { name: test }\nspec: {}\n";
        repository.write("muster.yaml", instance);
        repository.write("providers/rmm.yaml", RMM);
        files.iter().for_each(|(file, text)| repository.write(file, text));
        repository
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn config(&self) -> Config {
        let loaded = load(&Worktree::open(self.folder.path()).unwrap());
        let findings: Vec<_> = loaded.findings.iter().filter(|finding| finding.is_error()).collect();
        assert!(findings.is_empty(), "{findings:#?}");
        loaded.config.unwrap()
    }
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn tenant(named: &str, title: &str, spec: &str) -> String {
    let blank = if spec.starts_with('\n') { "" } else { " " };
    let metadata = format!("metadata: {{ name: {named}, title: {title} }}");
    format!("# {named}\napiVersion: muster/v1\nkind: Tenant\n{metadata}\nspec:{blank}{spec}\n")
}

/// Companies as `id/name`, or by name alone, placed as the configuration maps them.
fn companies(config: &Config, texts: &[&str]) -> Vec<Company> {
    let mapping = Mapping::of(config);
    let company = |text: &&str| {
        let (id, called) =
            text.split_once('/').map_or((text.to_lowercase(), *text), |(id, called)| (id.to_owned(), called));
        let client = ClientRef { id, name: called.to_owned() };
        let tenant = mapping.tenant(&name("rmm"), &client).cloned();
        Company { client, sites: BTreeSet::new(), computers: None, tenant }
    };
    texts.iter().map(company).collect()
}

fn proposed(config: &Config, list: &[&str], said: &Said, drop_vanished: bool) -> Proposal {
    let companies = companies(config, list);
    let wishes = look_up(said, config, &name("rmm"), &companies).unwrap();
    propose(&Asking { config, provider: &name("rmm"), companies: &companies, wishes: &wishes, drop_vanished })
}

/// Each row on a line, then each file that would hold something else.
fn told(config: &Config, proposal: &Proposal) -> String {
    let mut told = format!("{} settled\n", proposal.settled);
    for row in &proposal.rows {
        let place = row.place.as_ref().map(|place| format!("{}:{}", place.file, place.line));
        let text = |text: Option<&str>| text.unwrap_or("-").to_owned();
        _ = writeln!(
            told,
            "{:?} {} {} -> {} {} {}",
            row.status,
            text(row.id.as_deref()),
            text(row.company.as_deref()),
            text(row.tenant.as_ref().map(Name::as_str)),
            text(place.as_deref()),
            text(row.note.as_deref()),
        );
    }
    let (changes, by_hand) = changes(config, &proposal.edits, &proposal.made);
    for change in changes {
        _ = writeln!(told, "=== {}\n{}", change.file, change.after.trim_end());
    }
    for one in by_hand {
        _ = writeln!(told, "by hand: {}: {}: {}", one.place, one.what, one.why);
    }
    told
}

fn said(only: &[&str], maps: &[(&str, &str)], create: &[&str]) -> Said {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let maps = maps.iter().enumerate();
    let map = |(at, (company, tenant)): (usize, &(&str, &str))| {
        ((*company).to_owned(), (*tenant).to_owned(), format!("map:{}", at + 1))
    };
    Said { only: owned(only), maps: maps.map(map).collect(), create: owned(create) }
}

fn world() -> Config {
    let all = format!(
        "{}---\n{}---\n{}",
        tenant(
            "contoso",
            "Contoso",
            "\n  clients:\n    rmm: [{ id: '3', name: Contoso }] # since 2020\n  tags: [gold]"
        ),
        tenant("fabrikam", "Fabrikam Ltd", "{}"),
        tenant("twin", "Fabrikam Two", "{}"),
    );
    let old = tenant(
        "old",
        "Old",
        "\n  # all of it\n  clients:\n    rmm:\n      - id: '9'\n        name: Gone\n      - id: '10'",
    );
    Repository::new(&[
        ("tenants/all.yaml", &all),
        ("tenants/old.yaml", &old),
        ("tenants/x.yaml", &tenant("second", "Twin", "{}")),
    ])
    .config()
}

#[test]
fn what_is_mapped_stays_what_has_a_name_is_mapped_and_the_rest_is_listed() {
    let config = world();
    let list = [
        "3/Contoso AG",
        "4/fabrikam ltd ",
        "5/Fabrikam",
        "6/Fabrikam",
        "7/TWIN",
        "8/New One",
        "10/Old",
        "11/",
    ];
    insta::assert_snapshot!(told(&config, &proposed(&config, &list, &Said::default(), false)), @r#"
    1 settled
    Renamed 3 Contoso AG -> contoso tenants/all.yaml:4 it was "Contoso"
    Mapped 4 fabrikam ltd -> fabrikam tenants/all.yaml:13 -
    Ambiguous 5 Fabrikam -> - - 2 companies have its name, which is that of fabrikam
    Ambiguous 6 Fabrikam -> - - 2 companies have its name, which is that of fabrikam
    Ambiguous 7 TWIN -> - - several tenants have its name: second, twin
    NotMapped 11 - -> - - it has no name
    NotMapped 8 New One -> - - -
    Vanished 9 Gone -> old tenants/old.yaml:9 -
    === tenants/all.yaml
    # contoso
    apiVersion: muster/v1
    kind: Tenant
    metadata: { name: contoso, title: Contoso AG }
    spec:
      clients:
        rmm: [{ id: '3', name: Contoso AG }] # since 2020
      tags: [gold]
    ---
    # fabrikam
    apiVersion: muster/v1
    kind: Tenant
    metadata: { name: fabrikam, title: Fabrikam Ltd }
    spec:
      clients:
        rmm:
          - { id: '4', name: fabrikam ltd }
    ---
    # twin
    apiVersion: muster/v1
    kind: Tenant
    metadata: { name: twin, title: Fabrikam Two }
    spec: {}
    "#);
}

#[test]
fn what_somebody_says_goes_before_names() {
    let config = world();
    let list = ["3/Contoso", "5/Fabrikam", "6/Fabrikam", "7/Twin", "8/Böse & Co.", "12/böse & co", "10/Old"];
    let said = said(&[], &[("6", "fabrikam"), ("twin", "twin")], &["all", "5"]);
    insta::assert_snapshot!(told(&config, &proposed(&config, &list, &said, true)), @r"
    2 settled
    Mapped 6 Fabrikam -> fabrikam tenants/all.yaml:13 -
    Mapped 7 Twin -> twin tenants/all.yaml:19 -
    Created 12 böse & co -> boese-co-2 - -
    Created 8 Böse & Co. -> boese-co - -
    Created 5 Fabrikam -> fabrikam-2 - -
    Vanished 9 Gone -> old tenants/old.yaml:9 -
    === tenants/all.yaml
    # contoso
    apiVersion: muster/v1
    kind: Tenant
    metadata: { name: contoso, title: Contoso }
    spec:
      clients:
        rmm: [{ id: '3', name: Contoso }] # since 2020
      tags: [gold]
    ---
    # fabrikam
    apiVersion: muster/v1
    kind: Tenant
    metadata: { name: fabrikam, title: Fabrikam Ltd }
    spec:
      clients:
        rmm:
          - { id: '6', name: Fabrikam }
    ---
    # twin
    apiVersion: muster/v1
    kind: Tenant
    metadata: { name: twin, title: Fabrikam Two }
    spec:
      clients:
        rmm:
          - { id: '7', name: Twin }
    === tenants/boese-co-2/tenant.yaml
    # yaml-language-server: $schema=../../schemas/tenant.json
    apiVersion: muster/v1
    kind: Tenant
    metadata: { name: boese-co-2, title: 'böse & co' }
    spec:
      clients:
        rmm:
          - { id: '12', name: 'böse & co' }
    === tenants/boese-co/tenant.yaml
    # yaml-language-server: $schema=../../schemas/tenant.json
    apiVersion: muster/v1
    kind: Tenant
    metadata: { name: boese-co, title: 'Böse & Co.' }
    spec:
      clients:
        rmm:
          - { id: '8', name: 'Böse & Co.' }
    === tenants/fabrikam-2/tenant.yaml
    # yaml-language-server: $schema=../../schemas/tenant.json
    apiVersion: muster/v1
    kind: Tenant
    metadata: { name: fabrikam-2, title: Fabrikam }
    spec:
      clients:
        rmm:
          - { id: '5', name: Fabrikam }
    === tenants/old.yaml
    # old
    apiVersion: muster/v1
    kind: Tenant
    metadata: { name: old, title: Old }
    spec:
      # all of it
      clients:
        rmm:
          - id: '10'
    ");
}

#[test]
fn only_what_was_chosen_counts_vanished_ones_too() {
    let config = world();
    let list = ["3/Contoso AG", "4/Fabrikam Ltd", "8/New One", "10/Old"];
    let said = said(&["Fabrikam Ltd", "gone"], &[], &["all"]);
    insta::assert_snapshot!(told(&config, &proposed(&config, &list, &said, false)), @r"
    0 settled
    Mapped 4 Fabrikam Ltd -> fabrikam tenants/all.yaml:13 -
    Vanished 9 Gone -> old tenants/old.yaml:9 -
    === tenants/all.yaml
    # contoso
    apiVersion: muster/v1
    kind: Tenant
    metadata: { name: contoso, title: Contoso }
    spec:
      clients:
        rmm: [{ id: '3', name: Contoso }] # since 2020
      tags: [gold]
    ---
    # fabrikam
    apiVersion: muster/v1
    kind: Tenant
    metadata: { name: fabrikam, title: Fabrikam Ltd }
    spec:
      clients:
        rmm:
          - { id: '4', name: Fabrikam Ltd }
    ---
    # twin
    apiVersion: muster/v1
    kind: Tenant
    metadata: { name: twin, title: Fabrikam Two }
    spec: {}
    ");
}

#[test]
fn companies_without_ids_are_mapped_by_their_names() {
    let config = world();
    let said = said(&[], &[], &["Northwind"]);
    insta::assert_snapshot!(told(&config, &proposed(&config, &["Fabrikam Ltd", "Northwind"], &said, false)), @r"
    0 settled
    Mapped - Fabrikam Ltd -> fabrikam tenants/all.yaml:13 -
    Created - Northwind -> northwind - -
    Vanished 10 - -> old tenants/old.yaml:11 -
    Vanished 3 Contoso -> contoso tenants/all.yaml:7 -
    Vanished 9 Gone -> old tenants/old.yaml:9 -
    === tenants/all.yaml
    # contoso
    apiVersion: muster/v1
    kind: Tenant
    metadata: { name: contoso, title: Contoso }
    spec:
      clients:
        rmm: [{ id: '3', name: Contoso }] # since 2020
      tags: [gold]
    ---
    # fabrikam
    apiVersion: muster/v1
    kind: Tenant
    metadata: { name: fabrikam, title: Fabrikam Ltd }
    spec:
      clients:
        rmm:
          - { name: Fabrikam Ltd }
    ---
    # twin
    apiVersion: muster/v1
    kind: Tenant
    metadata: { name: twin, title: Fabrikam Two }
    spec: {}
    === tenants/northwind/tenant.yaml
    # yaml-language-server: $schema=../../schemas/tenant.json
    apiVersion: muster/v1
    kind: Tenant
    metadata: { name: northwind, title: Northwind }
    spec:
      clients:
        rmm:
          - { name: Northwind }
    ");
}

#[test]
fn all_that_is_wrong_with_wishes_is_told_at_once() {
    let config = world();
    let list = companies(&config, &["3/Contoso", "5/Fabrikam", "6/Fabrikam", "11/"]);
    let said = said(
        &["Contosso", "Gone"],
        &[("Fabrikam", "fabrikam"), ("5", "fabricam"), ("3", "twin"), ("6", "twin"), ("6", "second")],
        &["3", "11", "6"],
    );
    let faults = look_up(&said, &config, &name("rmm"), &list).unwrap_err();
    insta::assert_snapshot!(faults.join("\n"), @r#"
    --only: the provider has no company "Contosso"; did you mean "Contoso"?
    map:1: several companies are called "Fabrikam": name one by its id (5, 6)
    map:2: there is no tenant fabricam; did you mean fabrikam?
    map:3: "3" is the tenant contoso already; take it out there first
    map:5: "6" is second here and twin in map:4
    --create: "3" is the tenant contoso already
    --create: the company "11" has no name: map it to a tenant by hand
    --create: "6" is mapped by hand as well
    "#);
}

#[test]
fn what_cannot_be_edited_is_told_with_what_to_write_and_the_rest_is_done() {
    let all = format!(
        "{}---\n{}",
        tenant("a", "&name A", "\n  clients:\n    rmm: [{ id: '1', name: *name }]"),
        tenant("b", "B", "{}"),
    );
    let config = Repository::new(&[("tenants.yaml", &all)]).config();
    let proposal = proposed(&config, &["1/A one", "3/b"], &Said::default(), false);
    insta::assert_snapshot!(told(&config, &proposal), @r#"
    0 settled
    Renamed 1 A one -> a tenants.yaml:4 it was "A"
    Mapped 3 b -> b tenants.yaml:12 -
    === tenants.yaml
    # a
    apiVersion: muster/v1
    kind: Tenant
    metadata: { name: a, title: &name A }
    spec:
      clients:
        rmm: [{ id: '1', name: *name }]
    ---
    # b
    apiVersion: muster/v1
    kind: Tenant
    metadata: { name: b, title: B }
    spec:
      clients:
        rmm:
          - { id: '3', name: b }
    by hand: tenants.yaml:4: write the name "A one" in place of "A" in the tenant a: it is written once and used in several places (an anchor)
    "#);
}

#[test]
fn documents_of_a_library_are_not_edited() {
    let repository = Repository::new(&[("vendor/tenants.yaml", &tenant("a", "A", "{}"))]);
    let settings = "{ libraries: [{ folder: vendor, tenants: [a] }] }";
    repository.write(
        "muster.yaml",
        &format!("apiVersion: muster/v1\nkind: Instance\nmetadata: {{ name: test }}\nspec: {settings}\n"),
    );
    let config = repository.config();
    insta::assert_snapshot!(told(&config, &proposed(&config, &["1/a"], &Said::default(), false)), @r#"
    0 settled
    Mapped 1 a -> a vendor/tenants.yaml:4 -
    by hand: vendor/tenants.yaml:4: write { id: '1', name: a } into the list /spec/clients/rmm of the tenant a: the file belongs to the library vendor
    "#);
}

/// Everything that a repository would hold after an import.
fn imported(repository: &Repository, list: &[&str], said: &Said, drop_vanished: bool) -> Config {
    let config = repository.config();
    let proposal = proposed(&config, list, said, drop_vanished);
    let (changes, by_hand) = changes(&config, &proposal.edits, &proposal.made);
    assert!(by_hand.is_empty(), "{by_hand:?}");
    for change in &changes {
        let now = std::fs::read_to_string(repository.folder.path().join(&change.file)).ok();
        assert_eq!(now.as_deref(), change.before.as_deref(), "{}", change.file);
        if change.before.is_none() {
            let formatted = crate::config::format::format(&Arc::from(""), &change.after).unwrap();
            assert_eq!(formatted, change.after, "new files are written as muster fmt writes them");
        }
        repository.write(&change.file, &change.after);
    }
    repository.config()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever there is: after an import the repository is valid, and importing again changes nothing.
    #[test]
    fn an_import_comes_to_rest(
        tenants in prop::collection::vec(("[abc]", "[A-Ca-c ]{1,2}x", prop::option::of(0_u8..6)), 0..5),
        list in prop::collection::btree_map(0_u8..8, "[A-Ca-c '#:äß]{0,3}", 0..6),
        (by_name, all, drop) in (any::<bool>(), any::<bool>(), any::<bool>()),
    ) {
        let mut files: Vec<(String, String)> = Vec::new();
        let (mut known, mut mapped) = (BTreeSet::new(), BTreeSet::new());
        for (letter, title, id) in tenants.iter().filter(|(letter, ..)| known.insert(letter.clone())) {
            let id = id.filter(|id| mapped.insert(*id));
            let spec = id.map_or("{}".to_owned(), |id| format!("\n  clients:\n    rmm: [{{ id: 'n{id}', name: {} }}]", title.trim()));
            files.push((format!("tenants/{letter}.yaml"), tenant(letter, title.trim(), &spec)));
        }
        let files: Vec<(&str, &str)> = files.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
        let repository = Repository::new(&files);
        let mut names = BTreeSet::new();
        let list: Vec<String> = list
            .iter()
            .filter(|(_, called)| !by_name || (names.insert(called.trim().to_lowercase()) && !called.trim().is_empty()))
            .map(|(id, called)| if by_name { called.trim().to_owned() } else { format!("n{id}/{called}") })
            .collect();
        let list: Vec<&str> = list.iter().map(String::as_str).collect();
        let wished = said(&[], &[], if all { &["all"] } else { &[] });
        let before = repository.config();
        let after = imported(&repository, &list, &wished, drop);
        for (named, was) in &before.tenants {
            let is = &after.tenants[named];
            prop_assert_eq!((&was.tags, was.mode, &was.parent), (&is.tags, is.mode, &is.parent));
            for entry in was.clients.values().flatten().filter(|_| !drop) {
                prop_assert!(is.clients.values().flatten().any(|other| other.id == entry.id), "nothing is lost");
            }
        }
        let again = proposed(&after, &list, &wished, drop);
        prop_assert!(again.edits.is_empty() && again.made.is_empty(), "{}", told(&after, &again));
        if all {
            let left = again.rows.iter().filter(|row| row.status == tenants::Status::NotMapped);
            prop_assert_eq!(left.filter(|row| row.company.is_some()).count(), 0);
        }
    }
}

fn seen(called: &str) -> Option<Seen> {
    Some(Seen {
        agent: AgentId::new(called),
        name: called.into(),
        tenant: Name::new("a").ok(),
        company: None,
    })
}

fn computer(named: &str, spec: &str) -> String {
    let blank = if spec.starts_with('\n') { "" } else { " " };
    format!("apiVersion: muster/v1\nkind: Computer\nmetadata: {{ name: {named} }}\nspec:{blank}{spec}\n")
}

#[test]
fn documents_follow_their_computers() {
    let a = tenant("a", "A", "{}");
    let docs = [
        computer("pc-1", "{}"),
        computer("front", "\n  name: PC-2 # the one at the door\n  tags: [kiosk]"),
        computer("third", "{ name: pc-3, provider: rmm }"),
        computer("fourth", "{ name: pc-4 }"),
        computer("taken", "{ name: pc-5 }"),
    ];
    let here = docs.join("---\n");
    let repository = Repository::new(&[("tenants/a/tenant.yaml", &a), ("tenants/a/computers.yaml", &here)]);
    let config = repository.config();
    let owner = name("a");
    let listed = ["pc-1-new", "PC-22", "Front", "shared", "Shared", "pc-5", "pc-44", "pc-6"];
    let listed: Vec<documents::Listed<'_>> = listed.iter().map(|called| (*called, Some(&owner))).collect();
    let difference = |was: &str, is: &str| Difference { was: seen(was), is: seen(is) };
    let differences = [
        difference("PC-1", "pc-1-new"),
        difference("PC-2", "PC-22"),
        Difference { was: seen("pc-3"), is: None },
        difference("pc-4", "pc-44"),
        difference("pc-5", "pc-6"),
        Difference { was: None, is: seen("pc-5") },
    ];
    let elsewhere = BTreeSet::from(["pc-4".to_owned()]);
    let proposal = documents::propose(&config, &name("rmm"), &listed, &differences, &elsewhere);
    let stale = proposal
        .stale
        .iter()
        .map(|one| format!("{}: {} {}: {}", one.place, one.document, one.computer, one.note));
    let (changes, by_hand) = changes(&config, &proposal.edits, &proposal.made);
    assert_eq!(by_hand, []);
    assert_eq!(proposal.shared, std::collections::BTreeMap::from([("shared".to_owned(), 2)]));
    let told: Vec<String> = stale.chain(changes.iter().map(|change| change.after.clone())).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    tenants/a/computers.yaml:15: third pc-3: its computer is gone
    tenants/a/computers.yaml:20: fourth pc-4: one of several computers of this name is called pc-44 now
    tenants/a/computers.yaml:25: taken pc-5: that one is called pc-6 now, and it is about another computer
    apiVersion: muster/v1
    kind: Computer
    metadata: { name: pc-1 }
    spec:
      name: pc-1-new
    ---
    apiVersion: muster/v1
    kind: Computer
    metadata: { name: front }
    spec:
      name: PC-22 # the one at the door
      tags: [kiosk]
    ---
    apiVersion: muster/v1
    kind: Computer
    metadata: { name: third }
    spec: { name: pc-3, provider: rmm }
    ---
    apiVersion: muster/v1
    kind: Computer
    metadata: { name: fourth }
    spec: { name: pc-4 }
    ---
    apiVersion: muster/v1
    kind: Computer
    metadata: { name: taken }
    spec: { name: pc-5 }
    ---
    apiVersion: muster/v1
    kind: Computer
    metadata: { name: front-2 }
    spec:
      name: Front
      provider: rmm
    ---
    apiVersion: muster/v1
    kind: Computer
    metadata: { name: pc-44 }
    spec:
      name: pc-44
      provider: rmm
    ---
    apiVersion: muster/v1
    kind: Computer
    metadata: { name: pc-6 }
    spec:
      name: pc-6
      provider: rmm
    ");
    for change in changes {
        repository.write(&change.file, &change.after);
    }
    let again = documents::propose(&repository.config(), &name("rmm"), &listed, &[], &BTreeSet::new());
    assert_eq!((again.made, again.edits), (Vec::new(), Vec::new()), "every computer has its document");
}

#[test]
fn many_documents_go_into_several_files_that_can_be_read() {
    let config = Repository::new(&[("tenants/a/tenant.yaml", &tenant("a", "A", "{}"))]).config();
    let names: Vec<String> = (0..20_000).map(|at| format!("computer-with-a-long-name-{at:05}")).collect();
    let owner = name("a");
    let listed: Vec<documents::Listed<'_>> =
        names.iter().map(|called| (called.as_str(), Some(&owner))).collect();
    let proposal = documents::propose(&config, &name("rmm"), &listed, &[], &BTreeSet::new());
    assert_eq!(proposal.new, names.len());
    let (changes, by_hand) = changes(&config, &proposal.edits, &proposal.made);
    assert_eq!(by_hand, []);
    let files: Vec<&str> = changes.iter().map(|change| change.file.as_str()).collect();
    assert_eq!(files, ["tenants/a/computers-2.yaml", "tenants/a/computers.yaml"]);
    let documents = changes.iter().map(|change| change.after.matches("kind: Computer\n").count());
    assert_eq!(documents.sum::<usize>(), names.len());
    assert!(changes.iter().all(|change| change.after.len() < crate::config::spanned::MAX_BYTES));
}

#[test]
fn nobody_s_wishes_are_no_wishes() {
    let config = world();
    let list = companies(&config, &["3/Contoso"]);
    assert_eq!(look_up(&Said::default(), &config, &name("rmm"), &list), Ok(Wishes::default()));
}

/// A provider that says what a test wants.
#[derive(Debug)]
struct Provider {
    clients: Mutex<Result<Vec<ClientRecord>, String>>,
    agents: Mutex<Result<Vec<AgentRecord>, String>>,
}

impl Default for Provider {
    fn default() -> Self {
        Self { clients: Mutex::new(Ok(Vec::new())), agents: Mutex::new(Ok(Vec::new())) }
    }
}

fn answer<T: Clone>(says: &Mutex<Result<T, String>>) -> Result<T, ListError> {
    let says = says.lock().unwrap().clone();
    says.map_err(|message| ListError::Failed { provider: name("rmm"), message })
}

impl ListClients for Provider {
    fn clients(&self) -> BoxFuture<'_, Result<Vec<ClientRecord>, ListError>> {
        Box::pin(async { answer(&self.clients) })
    }
}

impl ListAgents for Provider {
    fn list(&self) -> BoxFuture<'_, Result<Vec<AgentRecord>, ListError>> {
        Box::pin(async { answer(&self.agents) })
    }
}

impl Detect for Provider {
    fn detect<'a>(
        &'a self,
        _: &'a AgentId,
        _: &'a Bundle<Read>,
    ) -> BoxFuture<'a, Result<BundleResult, RunError>> {
        Box::pin(async { panic!("an import runs nothing") })
    }
}

fn reader(provider: &Arc<Provider>) -> Reader {
    let info = ProviderInfo {
        name: name("rmm"),
        kind: "test",
        capabilities: BTreeSet::from([Capability::ListTenants]),
        without: BTreeSet::new(),
        limits: Limits { concurrency: 1, latency: Latency::Seconds, connect: Limit::seconds(1) },
    };
    let list: Arc<Provider> = Arc::clone(provider);
    Reader::new(Arc::new(info), list, Arc::clone(provider) as _).with_clients(Arc::clone(provider) as _)
}

fn record(id: usize) -> ClientRecord {
    let client = ClientRef { id: format!("n{id}"), name: format!("Company {id}") };
    ClientRecord { client, sites: BTreeSet::new(), external: None, computers: None }
}

fn question<'a>(config: &'a Config, reader: &'a Reader, store: &'a Sqlite, accepted: bool) -> Question<'a> {
    let (now, day) = (Timestamp::UNIX_EPOCH, jiff::civil::date(2026, 6, 1));
    Question { config, provider: &reader.info().name, reader, store, accepted, now, day }
}

#[tokio::test]
async fn a_list_of_companies_is_judged_by_the_last_one_and_by_what_is_mapped() {
    let config = world();
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("state.db")).await.unwrap();
    let provider = Arc::new(Provider::default());
    let reader = reader(&provider);
    let ask = async |accepted| {
        let asked = question(&config, &reader, &store, accepted).companies().await;
        asked.map(|companies| companies.len()).map_err(|error| error.to_string())
    };
    let says = |clients| *provider.clients.lock().unwrap() = clients;
    says(Ok(Vec::new()));
    assert!(ask(false).await.unwrap_err().contains("3 of 3 companies that tenants map are gone"));
    says(Ok((0..20).chain(0..20).map(record).collect()));
    assert_eq!(ask(true).await, Ok(20), "one for each id");
    says(Ok((0..9).map(record).collect()));
    let shrank = ask(false).await.unwrap_err();
    assert_eq!(shrank, "rmm shrank: 11 of 20 companies are gone; if that is right, say --accept-shrink rmm");
    assert_eq!(ask(false).await, Err(shrank), "what is not believed is not remembered");
    says(Err("the page says HTML".to_owned()));
    assert_eq!(
        ask(true).await.unwrap_err(),
        "provider rmm did not give a complete list: the page says HTML",
        "a failed list is not accepted either"
    );
    says(Ok((0..9).map(record).collect()));
    assert_eq!(ask(true).await, Ok(9));
    assert_eq!(ask(false).await, Ok(9), "it is remembered now");
}

#[tokio::test]
async fn computers_are_remembered_when_that_is_asked_for_and_not_before() {
    let config = world();
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("state.db")).await.unwrap();
    let provider = Arc::new(Provider::default());
    let reader = reader(&provider);
    let asked = question(&config, &reader, &store, false);
    let agent = |id: &str, company: &str| AgentRecord {
        client: Some(ClientRef { id: company.to_owned(), name: "Contoso".to_owned() }),
        ..crate::report::sample::agent(id)
    };
    *provider.agents.lock().unwrap() = Ok(vec![agent("a", "3"), agent("b", "10"), agent("c", "77")]);
    for _ in 0..2 {
        let heard = asked.computers().await.unwrap();
        assert_eq!(heard.differences.len(), 2, "nothing was remembered");
        assert_eq!(heard.unmapped.values().sum::<usize>(), 1);
    }
    let heard = asked.computers().await.unwrap();
    asked.keep(&heard).await.unwrap();
    assert_eq!(store.computers().await.unwrap().len(), 2);
    assert_eq!(asked.computers().await.unwrap().differences, []);
    *provider.agents.lock().unwrap() = Err("it broke off".to_owned());
    assert!(asked.computers().await.unwrap_err().to_string().contains("it broke off"));
    assert_eq!(store.failures().await.unwrap().len(), 1, "a plan that asks nobody knows of it");
    assert!(store.computers().await.unwrap().iter().all(|computer| computer.listed), "nobody was taken away");
}

#[tokio::test]
async fn a_brief_list_is_remembered_as_a_whole_one_is() {
    let config = world();
    let provider = Arc::new(Provider::default());
    let reader = reader(&provider);
    let agent = |id: &str, called: &str, company: &str| AgentRecord {
        name: called.to_owned(),
        client: Some(ClientRef { id: company.to_owned(), name: "Contoso".to_owned() }),
        presence: crate::provider::Presence::Online,
        attributes: BTreeMap::from([("identity.serial".to_owned(), id.to_owned())]),
        ..crate::report::sample::agent(id)
    };
    let readers = BTreeMap::from([(name("rmm"), reader.clone())]);
    let mut stored = Vec::new();
    let lists = [
        (Ok(vec![agent("a", "one", "3"), agent("b", "two", "10"), agent("c", "three", "77")]), 2, 2),
        (Ok(vec![agent("b", "two", "10"), agent("a", "new name", "3"), agent("d", "four", "3")]), 2, 3),
        (Ok(vec![agent("a", "new name", "3"), agent("b", "two", "3")]), 2, 2),
        (Err("it broke off".to_owned()), 0, 2),
        (Ok(Vec::new()), 0, 2),
    ];
    for (list, changed, count) in lists {
        *provider.agents.lock().unwrap() = list;
        let asking = collect::Asking {
            memory: &Memory::default(),
            config: &config,
            readers: &readers,
            sources: &collect::Sources::default(),
            stored: &stored,
            kept: &[],
            accepted: &BTreeSet::new(),
            named: &crate::targets::named(&config, &[]),
            day: jiff::civil::date(2026, 6, 1),
            now: Timestamp::UNIX_EPOCH,
        };
        let whole = collect::collect(&asking).await;
        let (brief, mut names) = collect::names(&asking).await;
        assert_eq!((whole.listed.len(), names.len()), (changed, count));
        names.sort();
        let mut known: Vec<collect::OnList> =
            whole.known.iter().map(|known| (known.name.as_str().into(), known.tenant.clone())).collect();
        known.sort();
        assert_eq!(names, known);
        let said = |all: &collect::Collected| {
            (all.listed.clone(), all.failed.clone(), all.unmapped.clone(), all.answers.clone())
        };
        assert_eq!(said(&brief), said(&whole));
        let now: BTreeSet<_> = brief.listed.iter().map(|computer| computer.id.clone()).collect();
        stored.retain(|computer: &crate::store::StoredComputer| !now.contains(&computer.id));
        stored.extend(brief.listed);
    }
}
