//! How long it takes to plan from stored detections, with one observation in a hundred changed, and how that grows.
//!
//! `cargo bench --bench plan [-- --computers 10000 --deployments 100]`. Every size runs in a process of its own, so that
//! its peak memory is its own; computers are made one by one, so that the making does not count. It prints; it fails
//! only when a plan has not the changes that it must have.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "a benchmark"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

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

/// A fleet's configuration with a file for each deployment, and how long it took to load; `edited` differs in the target
/// of one deployment.
fn config(deployments: u32, edited: bool) -> (Config, Duration) {
    let folder = tempfile::tempdir().unwrap();
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
        let narrow = n % 5 == 4 || (edited && n == EDITED);
        let target = if narrow { format!("group-{}", n / 5 % GROUPS) } else { "all".to_owned() };
        let deployment = if n % 2 == 0 {
            let spec = "  detect: { script: { posix: { inline: 'tool --version' } } }\n  versions: ['1.0', '1.1']\n  \
                        install: { posix: { inline: 'install-tool' } }\n";
            shared += &document("Software", &format!("s{n}"), spec);
            format!(
                "  software: s{n}\n  state: installed\n  version: latest\n  target: {{ ref: {target} }}\n"
            )
        } else {
            let spec = "  test: { posix: { inline: 'look' } }\n  set: { posix: { inline: 'do' } }\n";
            shared += &document("Task", &format!("t{n}"), spec);
            format!("  task: t{n}\n  target: {{ ref: {target} }}\n")
        };
        let text = document("Deployment", &format!("d{n}"), &deployment);
        fs::write(folder.path().join(format!("d{n}.yaml")), text).unwrap();
    }
    let instance = "apiVersion: muster/v1\nkind: Instance\nmetadata: { name: bench }\nspec: {}\n";
    fs::write(folder.path().join("muster.yaml"), instance).unwrap();
    fs::write(folder.path().join("all.yaml"), shared).unwrap();
    let start = Instant::now();
    let loaded = load(&Worktree::open(folder.path()).unwrap());
    let took = start.elapsed();
    (loaded.config.unwrap_or_else(|| panic!("{:#?}", loaded.findings)), took)
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
            ItemKind::Task => (Observed::Compliant, Observed::non_compliant("it differs")),
        };
        let (all, some) = (computers(false), computers(true));
        result.record_all(&all, &item, &probe, now, &good);
        result.record_all(&some, &item, &probe, now, &away);
        cells += all.len() + some.len();
        drift += some.len();
    }
    (result, cells, drift)
}

fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    line.and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// The middle of three times, and what came out last.
fn median<T>(mut work: impl FnMut() -> T) -> (Duration, T) {
    let mut once = || {
        let start = Instant::now();
        let result = work();
        (start.elapsed(), result)
    };
    let mut times = vec![once().0, once().0];
    let (last, result) = once();
    times.push(last);
    times.sort();
    (times[1], result)
}

fn one(count: u32, deployments: u32) {
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let (original, _) = config(deployments, false);
    let (edited, loading) = config(deployments, true);
    let config = original;
    let start = Instant::now();
    let (snapshot, findings) = Snapshot::build(&config, computers(count, now), BTreeMap::new());
    let build = start.elapsed();
    assert!(findings.is_empty(), "{findings:#?}");
    let of_snapshot = peak_memory();
    let (detections, cells, drift) = detections(&config, &snapshot, now);
    let before = peak_memory();
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
    let (time, planned) = median(|| plan(&input));
    assert_eq!(actions(&planned), drift, "every drift is one action");
    drop(planned);
    let after = peak_memory();
    println!(
        "{count:>7} computers x {deployments:>4} deployments: {cells:>9} observations, {drift:>7} changes\n    making and \
         taking in the computers {build:.1?}; plan {time:.1?} ({:.1} ns per observation)\n    peak memory {of_snapshot} \
         MiB with the computers, {before} MiB with the observations, {after} MiB after planning ({} bytes per computer)",
        time.as_nanos() as f64 / cells as f64,
        after * 1024 * 1024 / u64::from(count),
    );
    replans(&input, &edited, loading);
}

/// Plans again after one file has changed, there and back.
fn replans(input: &Input<'_>, edited: &Config, loading: Duration) {
    let changed = Input { config: edited, ..input.clone() };
    let mut memo = Memo::new(input.snapshot, input.detections, input.past);
    let start = Instant::now();
    drop(replan(&mut memo, input));
    let first = start.elapsed();
    let mut times = Vec::new();
    for input in [&changed, input, &changed, input, &changed] {
        let start = Instant::now();
        let planned = replan(&mut memo, input);
        times.push(start.elapsed());
        drop(planned);
    }
    times.sort();
    let (new, old) = (replan(&mut memo, &changed).plan.digest, plan(&changed).plan.digest);
    assert_eq!(new, old, "a plan with a memo is the plan without");
    println!(
        "    after a change of one file: loading {loading:.1?}, planning {:.1?} (middle of five; {:.1?} to {:.1?}); the first \
         with a memo {first:.1?}; peak memory {} MiB",
        times[2],
        times[0],
        times[4],
        peak_memory(),
    );
}

fn option(name: &str) -> Option<u32> {
    std::env::args().skip_while(|argument| argument != name).nth(1)?.parse().ok()
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
