//! How long it takes to load and check a repository of 10,000 documents, from a folder and from a commit.
//!
//! `cargo bench --bench load`. It prints; it fails for nothing, as machines differ.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use muster::config::git::GitRevision;
use muster::config::load::load;
use muster::config::worktree::Worktree;

const HEAD: &str = "apiVersion: muster/v1\n";

fn document(kind: &str, name: &str, spec: &str) -> String {
    format!("{HEAD}kind: {kind}\nmetadata:\n  name: {name}\n  title: Title of {name}\nspec:\n{spec}")
}

fn put(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// 10,000 documents in 5,501 files, and 1,000 scripts.
fn make(folder: &Path) {
    put(folder, "muster.yaml", &document("Instance", "bench", "  mode: audit\n"));
    for n in 0..499 {
        let tenant = document("Tenant", &format!("tenant-{n}"), "  tags: [vip, north]\n  mode: enforce\n");
        put(folder, &format!("tenants/tenant-{n}/tenant.yaml"), &tenant);
    }
    for n in 0..500 {
        let spec = format!(
            "  detect:\n    inventory: {{ name: {{ regex: '^Program {n} (?<version>[0-9.]+)$' }} }}\n  versions: ['1.0', '1.1', '2.0']\n  install:\n    posix: {{ file: install.sh, timeLimit: 10m }}\n    windows: {{ file: install.ps1 }}\n  uninstall:\n    posix: {{ inline: 'apt-get remove program' }}\n  parameters:\n    key: {{ type: text }}\n"
        );
        put(folder, &format!("software/s{n}/software.yaml"), &document("Software", &format!("s{n}"), &spec));
        put(folder, &format!("software/s{n}/install.sh"), &format!("set -eu\napt-get install program-{n}\n"));
        let script = format!(
            "param([string] $Key)\nif (-not $Key) {{ throw 'no key' }}\nStart-Process msiexec -ArgumentList '/i', 'program-{n}.msi' -Wait\n"
        );
        put(folder, &format!("software/s{n}/install.ps1"), &script);
    }
    let mut targets = String::new();
    for n in 0..4000 {
        let spec = format!(
            "  match:\n    all:\n      - tenant: tenant-{}\n      - any: [{{ role: workstation }}, {{ tag: group-{n} }}]\n    not:\n      - tag: kiosk\n",
            n % 499
        );
        if n > 0 && n % 8 != 0 {
            targets.push_str("---\n");
        }
        targets.push_str(&document("Target", &format!("target-{n}"), &spec));
        if n % 8 == 7 {
            put(folder, &format!("targets/t{n}.yaml"), &std::mem::take(&mut targets));
        }
    }
    for n in 0..5000 {
        let mut spec = String::new();
        _ = writeln!(spec, "  software: s{}\n  state: installed\n  version: '>=1.1'", n % 500);
        _ = writeln!(spec, "  target: {{ ref: target-{} }}\n  parameters: {{ key: value-{n} }}", n % 4000);
        put(
            folder,
            &format!("deployments/{}/d{n}.yaml", n % 50),
            &document("Deployment", &format!("d{n}"), &spec),
        );
    }
}

fn measure(what: &str, mut work: impl FnMut() -> usize) {
    let mut times: Vec<Duration> = Vec::new();
    let mut documents = 0;
    for _ in 0..7 {
        let start = Instant::now();
        documents = work();
        times.push(start.elapsed());
    }
    times.sort();
    let bytes = peak_memory().map_or_else(String::new, |kib| format!(", peak memory {} MiB", kib / 1024));
    println!(
        "{what}: {documents} documents, fastest {:?}, median {:?}{bytes}",
        times[0],
        times[times.len() / 2]
    );
}

fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok())
}

fn count(loaded: &muster::config::load::Loaded) -> usize {
    let config = loaded.config.as_ref().unwrap_or_else(|| panic!("{:#?}", loaded.findings));
    1 + config.tenants.len() + config.software.len() + config.targets.len() + config.deployments.len()
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    measure("folder outside git", || count(&load(&Worktree::open(folder.path()).unwrap())));
    let repository = git2::Repository::init(folder.path()).unwrap();
    let mut index = repository.index().unwrap();
    index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).unwrap();
    index.write().unwrap();
    let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
    let who = git2::Signature::now("Bench", "bench@example.com").unwrap();
    repository.commit(Some("HEAD"), &who, &who, "bench", &tree, &[]).unwrap();
    measure("working tree", || count(&load(&Worktree::open(folder.path()).unwrap())));
    measure("commit", || count(&load(&GitRevision::open(folder.path(), "HEAD", None).unwrap())));
}
