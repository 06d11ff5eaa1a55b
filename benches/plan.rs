//! How long it takes to plan from stored detections, with one observation in a hundred changed, and how that grows.
//!
//! `cargo bench --bench plan [-- --computers 10000 --deployments 100]`. Every size runs in a process of its own, so that
//! its peak memory is its own; computers are made one by one, so that the making does not count. Then one file changes,
//! and it is loaded and planned again. It prints; it fails only when a plan has not the changes that it must have.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "a benchmark"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

mod measure;

use measure::{option, peak_memory, runs};

use muster::config::Config;
use muster::config::kind::Mode;
use muster::config::load::load;
use muster::config::worktree::Worktree;
use muster::id::{AgentId, ComputerId, Digest, Name};
use muster::inventory::facts::{Facts, IdentityEvidence, Os, OsFamily, Package, PackageSource, Role};
use muster::inventory::item::{ItemKey, ItemKind, Observed};
use muster::inventory::known::{Contact, Known};
use muster::inventory::snapshot::Snapshot;
use muster::plan::detections::Detections;
use muster::plan::document::{Options, Revision};
use muster::plan::gates::Run;
use muster::plan::memo::Memo;
use muster::plan::needs::{Ask, Refresh, needs};
use muster::plan::past::Past;
use muster::plan::planner::{Input, Planned, plan, replan};
use muster::session::script::Platform;
use muster::time::{Limit, Timestamp};
use roaring::RoaringBitmap;

/// Computers are spread over so many groups; a fifth of the deployments is for one group only.
const GROUPS: u32 = 10;
const TENANTS: u32 = 200;
/// The deployment that one file changes: from all computers to those of the first group.
const EDITED: u32 = 1;
/// Names of packages; a computer has 40 of them.
const PACKAGES: u32 = 2_000;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// A fleet's configuration with a file for each deployment.
fn write(folder: &Path, deployments: u32) {
    let document = |kind: &str, name: &str, spec: &str| {
        format!("---\napiVersion: muster/v1\nkind: {kind}\nmetadata: {{ name: {name} }}\nspec:\n{spec}")
    };
    let mut shared = document("Provider", "office", "  ssh: {}\n");
    for tenant in 0..TENANTS {
        shared += &document("Tenant", &format!("tenant-{tenant}"), "  tags: [managed]\n");
    }
    shared += &document("Target", "all", "  match: { every: true }\n");
    for group in 0..GROUPS {
        let spec = format!("  match: {{ all: [{{ tag: group-{group} }}] }}\n");
        shared += &document("Target", &format!("group-{group}"), &spec);
    }
    for n in 0..deployments {
        if n.is_multiple_of(2) {
            let spec = "  detect: { script: { posix: { inline: 'tool --version' } } }\n  versions: ['1.0', '1.1']\n  \
                        install: { posix: { inline: 'install-tool' } }\n";
            shared += &document("Software", &format!("s{n}"), spec);
        } else {
            let spec = "  test: { posix: { inline: 'look' } }\n  set: { posix: { inline: 'do' } }\n";
            shared += &document("Task", &format!("t{n}"), spec);
        }
        write_deployment(folder, n, n % 5 == 4);
    }
    let instance = "apiVersion: muster/v1\nkind: Instance\nmetadata: { name: bench }\nspec: {}\n";
    fs::write(folder.join("muster.yaml"), instance).unwrap();
    fs::write(folder.join("all.yaml"), shared).unwrap();
}

/// The file of one deployment, for all computers or for one group.
fn write_deployment(folder: &Path, n: u32, narrow: bool) {
    let target = if narrow { format!("group-{}", n / 5 % GROUPS) } else { "all".to_owned() };
    let item = if n.is_multiple_of(2) {
        format!("  software: s{n}\n  state: installed\n  version: latest\n")
    } else {
        format!("  task: t{n}\n")
    };
    let text = format!(
        "apiVersion: muster/v1\nkind: Deployment\nmetadata: {{ name: d{n} }}\nspec:\n{item}  target: {{ ref: {target} }}\n"
    );
    fs::write(folder.join(format!("d{n}.yaml")), text).unwrap();
}

fn read(folder: &Path) -> Config {
    let loaded = load(&Worktree::open(folder).unwrap());
    loaded.config.unwrap_or_else(|| panic!("{:#?}", loaded.findings))
}

/// A number without a pattern.
fn mixed(a: u32, b: u32) -> u32 {
    let mixed = (u64::from(a) << 20 ^ u64::from(b)).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32) as u32
}

fn computers(count: u32, now: Timestamp) -> impl Iterator<Item = Known> {
    let one = move |n: u32| {
        let packages = (0..40).map(|p| {
            let number = mixed(n, p);
            Package {
                name: format!("package-{}", number % PACKAGES),
                version: format!("1.{}", number / PACKAGES % 3),
                source: PackageSource::Dpkg,
                architecture: None,
                product_code: None,
                upgrade_code: None,
                scope: None,
                hidden: false,
            }
        });
        let own = |kind: u32| Some(format!("{:08x}-{:08x}-{n:08x}", mixed(n, kind), mixed(n, kind + 1)));
        let facts = Facts {
            hostname: Some(format!("pc-{n:07}")),
            os: Os {
                family: Some(OsFamily::Linux),
                name: Some("Debian GNU/Linux".to_owned()),
                version: Some(format!("{}", 11 + n % 3)),
                build: Some(format!("6.1.{}", n % 20)),
            },
            architecture: Some("x86_64".to_owned()),
            roles: Some(BTreeSet::from([if n.is_multiple_of(4) { Role::Server } else { Role::Workstation }])),
            identity: IdentityEvidence {
                uuid: own(100),
                serial: own(200),
                manufacturer: Some(format!("maker-{}", n % 7)),
                model: Some(format!("model-{}", n % 50)),
                machine_id: own(300),
                os_installed: Some(now),
                ..IdentityEvidence::default()
            },
            packages: packages.collect(),
            package_sources: BTreeSet::from([PackageSource::Dpkg]),
            signed_in_users: Some(BTreeSet::from([format!("user-{n}")])),
            pending_reboot: Some(BTreeSet::new()),
            last_boot: Some(now),
            clock: Some(now),
            time_zone: Some("UTC".to_owned()),
            ..Facts::default()
        };
        Known {
            id: ComputerId::new(format!("office/pc-{n:07}")),
            name: format!("pc-{n:07}"),
            provider: name("office"),
            agent: AgentId::new(format!("pc-{n:07}")),
            tenant: Some(name(&format!("tenant-{}", n % TENANTS))),
            client: None,
            presence: muster::inventory::known::Presence::Unknown,
            said: None,
            unsupported: None,
            onboarding: false,
            agents: None,
            platform: Some(Platform::Posix),
            tags: BTreeSet::from([format!("group-{}", n % GROUPS)]),
            facts: Some((now, facts)),
            contact: Contact::Reached,
        }
    };
    (0..count).map(one)
}

/// Whether this item has drifted on this computer: one in a hundred, without a pattern.
fn drifted(computer: u32, item: u32) -> bool {
    let mixed = (u64::from(computer) << 20 | u64::from(item)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 32) % 100 == 0
}

/// What a detection of everything would have brought, and how much of it is drift.
fn detections(config: &Config, snapshot: &Snapshot, now: Timestamp) -> (Detections, u64, u64) {
    // One computer of each group stands for the group: all of them are asked the same.
    let first: RoaringBitmap = (0..GROUPS).collect();
    let none = Detections::default();
    let asked = needs(&Ask {
        config,
        snapshot,
        detections: &none,
        only: Some(&first),
        ceiling: Mode::Enforce,
        run: &Run::at(now),
        max_age: Limit::seconds(3600),
        refresh: Refresh::Always,
        outdated: None,
    });
    let mut groups: BTreeMap<(ItemKey, Digest), Vec<u32>> = BTreeMap::new();
    for need in asked {
        for probe in &need.probes {
            groups.entry((probe.item.clone(), probe.digest.clone())).or_default().push(need.computer);
        }
    }
    let (mut result, mut cells, mut drift) = (Detections::default(), 0, 0);
    let count = u32::try_from(snapshot.len()).unwrap();
    for ((item, probe), groups) in groups {
        let number: u32 = item.name.as_str()[1..].parse().unwrap();
        let mut asked = [false; GROUPS as usize];
        for group in &groups {
            asked[*group as usize] = true;
        }
        let computers = |wanted: bool| {
            let of = (0..count).filter(|n| asked[(n % GROUPS) as usize] && drifted(*n, number) == wanted);
            RoaringBitmap::from_sorted_iter(of).unwrap()
        };
        let (good, away) = match item.kind {
            ItemKind::Software => (
                Observed::Present { version: Some("1.1".into()), healthy: None },
                Observed::Present { version: Some("1.0".into()), healthy: None },
            ),
            ItemKind::Task | ItemKind::OsUpdates => {
                (Observed::Compliant, Observed::non_compliant("it differs"))
            }
        };
        let (all, some) = (computers(false), computers(true));
        result.record_all(&all, &item, &probe, now, &good);
        result.record_all(&some, &item, &probe, now, &away);
        cells += all.len() + some.len();
        drift += some.len();
    }
    (result, cells, drift)
}

fn one(count: u32, deployments: u32) {
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), deployments);
    let (loading, config) = runs(3, |_| read(folder.path()));
    write_deployment(folder.path(), EDITED, true);
    let edited = read(folder.path());
    println!("{count:>7} computers x {deployments:>4} deployments\n    loading the configuration: {loading}");
    let start = Instant::now();
    let (snapshot, findings) = Snapshot::build(&config, computers(count, now), BTreeMap::new());
    assert!(findings.is_empty(), "{findings:#?}");
    let taking_in = start.elapsed();
    println!("    making and taking in the computers: {taking_in:.1?}; peak memory {} MiB", peak_memory());
    let (detections, cells, drift) = detections(&config, &snapshot, now);
    println!("    {cells} observations, {drift} changes; peak memory {} MiB", peak_memory());
    let past = Past::default();
    let input = Input {
        config: &config,
        snapshot: &snapshot,
        detections: &detections,
        past: &past,
        revision: Revision::default(),
        options: Options::default(),
        only: None,
        now,
        max_age: Limit::seconds(3600),
    };
    let actions = |planned: &Planned| -> u64 {
        planned.plan.sessions.iter().map(|session| session.actions.len() as u64).sum()
    };
    let (took, planned) = runs(5, |_| plan(&input));
    assert_eq!(actions(&planned), drift, "every drift is one action");
    drop(planned);
    let peak = peak_memory();
    let per_computer = peak * 1024 * 1024 / u64::from(count);
    println!("    plan: {took}; peak memory {peak} MiB ({per_computer} bytes per computer)");
    replans(&input, &edited);
}

/// Plans again after one file has changed, there and back.
fn replans(input: &Input<'_>, edited: &Config) {
    let changed = Input { config: edited, ..input.clone() };
    let mut memo = Memo::new(input.snapshot, input.detections, input.past);
    let (took, planned) = runs(1, |_| replan(&mut memo, input));
    drop(planned);
    println!("    the first plan that keeps what it led to: {took}; peak memory {} MiB", peak_memory());
    let input_of = |number: u32| if number.is_multiple_of(2) { &changed } else { input };
    let (took, planned) = runs(7, |number| replan(&mut memo, input_of(number)));
    let peak = peak_memory();
    println!("    planning again after a change of one file: {took}; peak memory {peak} MiB");
    let digest = planned.plan.digest.clone();
    drop(planned);
    assert_eq!(digest, plan(&changed).plan.digest, "a plan with a memo is the plan without");
}

fn main() {
    if let (Some(count), Some(deployments)) = (option("--computers"), option("--deployments")) {
        return one(count, deployments);
    }
    for (count, deployments) in [(10_000, 100), (100_000, 500), (1_000_000, 1_000)] {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--computers", &count.to_string(), "--deployments", &deployments.to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }
}
