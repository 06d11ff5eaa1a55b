//! How long it takes to plan from stored detections, with one change in a hundred, and how that grows.
//!
//! `cargo bench --bench plan [-- --computers 10000 --deployments 50]`. Every size runs in a process of its own, so that
//! its peak memory is its own. It prints; it fails only when the plan has not the changes that it must have.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "a benchmark"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use muster::config::Config;
use muster::config::kind::Mode;
use muster::config::load::load;
use muster::config::worktree::Worktree;
use muster::id::{AgentId, ComputerId, Name};
use muster::inventory::facts::{Facts, Os, OsFamily, Package, PackageSource, Role};
use muster::inventory::item::{ItemKind, Observed};
use muster::inventory::known::{Contact, Known};
use muster::inventory::snapshot::Snapshot;
use muster::plan::detections::Detections;
use muster::plan::document::{Options, Revision};
use muster::plan::gates::Run;
use muster::plan::needs::{Ask, Refresh, needs};
use muster::plan::past::Past;
use muster::plan::planner::{Input, plan};
use muster::session::script::Platform;
use muster::time::{Limit, Timestamp};
use roaring::RoaringBitmap;

/// Computers are spread over so many groups; a fifth of the deployments is for one group only.
const GROUPS: u32 = 10;
const TENANTS: u32 = 200;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn config(deployments: u32) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    let mut document = |kind: &str, name: &str, spec: &str| {
        _ = write!(
            text,
            "---\napiVersion: muster/v1\nkind: {kind}\nmetadata: {{ name: {name} }}\nspec:\n{spec}"
        );
    };
    document("Provider", "office", "  ssh: {}\n");
    for tenant in 0..TENANTS {
        document("Tenant", &format!("tenant-{tenant}"), "  tags: [managed]\n");
    }
    document("Target", "all", "  match: { every: true }\n");
    for group in 0..GROUPS {
        document(
            "Target",
            &format!("group-{group}"),
            &format!("  match: {{ all: [{{ tag: group-{group} }}] }}\n"),
        );
    }
    for n in 0..deployments {
        let target = if n % 5 == 4 { format!("group-{}", n / 5 % GROUPS) } else { "all".to_owned() };
        if n % 2 == 0 {
            let spec = "  detect: { script: { posix: { inline: 'tool --version' } } }\n  versions: ['1.0', '1.1']\n  \
                        install: { posix: { inline: 'install-tool' } }\n";
            document("Software", &format!("s{n}"), spec);
            let spec = format!(
                "  software: s{n}\n  state: installed\n  version: latest\n  target: {{ ref: {target} }}\n"
            );
            document("Deployment", &format!("d{n}"), &spec);
        } else {
            document(
                "Task",
                &format!("t{n}"),
                "  test: { posix: { inline: 'look' } }\n  set: { posix: { inline: 'do' } }\n",
            );
            document(
                "Deployment",
                &format!("d{n}"),
                &format!("  task: t{n}\n  target: {{ ref: {target} }}\n"),
            );
        }
    }
    let instance = "apiVersion: muster/v1\nkind: Instance\nmetadata: { name: bench }\nspec: {}\n";
    fs::write(folder.path().join("muster.yaml"), instance).unwrap();
    fs::write(folder.path().join("all.yaml"), text).unwrap();
    let loaded = load(&Worktree::open(folder.path()).unwrap());
    loaded.config.unwrap_or_else(|| panic!("{:#?}", loaded.findings))
}

fn computers(count: u32, now: Timestamp) -> Vec<Known> {
    let one = |n: u32| {
        let packages = (0..40).map(|p| Package {
            name: format!("package-{p}"),
            version: format!("1.{}", n % 3),
            source: PackageSource::Dpkg,
            architecture: None,
            product_code: None,
            upgrade_code: None,
            scope: None,
            hidden: false,
        });
        let facts = Facts {
            os: Os { family: Some(OsFamily::Linux), ..Os::default() },
            roles: Some(BTreeSet::from([if n.is_multiple_of(4) { Role::Server } else { Role::Workstation }])),
            packages: packages.collect(),
            package_sources: BTreeSet::from([PackageSource::Dpkg]),
            ..Facts::default()
        };
        Known {
            id: ComputerId::new(format!("office/pc-{n:06}")),
            name: format!("pc-{n:06}"),
            provider: name("office"),
            agent: AgentId::new(format!("pc-{n:06}")),
            tenant: Some(name(&format!("tenant-{}", n % TENANTS))),
            platform: Some(Platform::Posix),
            tags: BTreeSet::from([format!("group-{}", n % GROUPS)]),
            facts: Some((now, facts)),
            contact: Contact::Reached,
        }
    };
    (0..count).map(one).collect()
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
    });
    let (mut result, mut cells, mut drift) = (Detections::default(), 0, 0);
    let count = u32::try_from(snapshot.len()).unwrap();
    for need in asked {
        for probe in &need.probes {
            let number: u32 = probe.item.name.as_str()[1..].parse().unwrap();
            for computer in (need.computer..count).step_by(GROUPS as usize) {
                let away = drifted(computer, number);
                let observed = match (probe.item.kind, away) {
                    (ItemKind::Software, false) => {
                        Observed::Present { version: Some("1.1".into()), healthy: None }
                    }
                    (ItemKind::Software, true) => {
                        Observed::Present { version: Some("1.0".into()), healthy: None }
                    }
                    (ItemKind::Task, false) => Observed::Compliant,
                    (ItemKind::Task, true) => Observed::non_compliant("it differs"),
                };
                result.record(computer, probe.item.clone(), probe.digest.clone(), now, observed);
                cells += 1;
                drift += u64::from(away);
            }
        }
    }
    (result, cells, drift)
}

fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    line.and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn one(count: u32, deployments: u32) {
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let config = config(deployments);
    let known = computers(count, now);
    let start = Instant::now();
    let (snapshot, findings) = Snapshot::build(&config, known, BTreeMap::new());
    let build = start.elapsed();
    assert!(findings.is_empty(), "{findings:#?}");
    let (detections, cells, drift) = detections(&config, &snapshot, now);
    let before = peak_memory();
    let input = Input {
        config: &config,
        snapshot: &snapshot,
        detections: &detections,
        past: &Past::default(),
        revision: Revision::default(),
        options: Options::default(),
        only: None,
        now,
        max_age: Limit::seconds(3600),
    };
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..3 {
        let start = Instant::now();
        let planned = plan(&input);
        times.push(start.elapsed());
        let actions: usize = planned.plan.sessions.iter().map(|session| session.actions.len()).sum();
        assert_eq!(actions as u64, drift, "every drift is one action");
    }
    times.sort();
    println!(
        "{count:>7} computers x {deployments:>3} deployments: {cells:>9} observations, {drift:>7} changes; snapshot {:>8.1?}, \
         plan {:>8.1?} ({:.0} ns per observation); peak memory {before} MiB before, {} MiB after",
        build,
        times[1],
        times[1].as_nanos() as f64 / cells as f64,
        peak_memory()
    );
}

fn option(name: &str) -> Option<u32> {
    std::env::args().skip_while(|argument| argument != name).nth(1)?.parse().ok()
}

fn main() {
    if let (Some(count), Some(deployments)) = (option("--computers"), option("--deployments")) {
        return one(count, deployments);
    }
    for (count, deployments) in [(10_000, 50), (10_000, 500), (100_000, 50), (100_000, 500)] {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--computers", &count.to_string(), "--deployments", &deployments.to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }
}
