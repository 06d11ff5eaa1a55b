//! How long it takes to load and check a repository of 10,000 documents, and how that grows: from a folder, from a working
//! tree and from a commit.
//!
//! `cargo bench --bench load [-- --documents 10000]`. Every size runs in a process of its own, so that its peak memory is
//! its own. It prints; it fails for nothing, as machines differ.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

mod measure;

use measure::{option, peak_memory, runs};
use muster::config::git::GitRevision;
use muster::config::load::{Loaded, load};
use muster::config::worktree::Worktree;

/// A customer with everything that is there for one: so many documents of nearly all kinds, in ten files or so.
const UNIT: u32 = 20;

fn document(kind: &str, name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: muster/v1\nkind: {kind}\nmetadata:\n  name: {name}\n  title: Title of {name}\nspec:\n{spec}"
    )
}

fn put(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn make(folder: &Path, units: u32) {
    put(folder, "muster.yaml", &document("Instance", "bench", "  mode: audit\n"));
    let companies: Vec<String> =
        (0..units).map(|n| format!("  - {{ id: '{n}', name: Company {n} }}")).collect();
    put(folder, "psa/companies.yaml", &format!("companies:\n{}\n", companies.join("\n")));
    let psa = "  simulated: { file: companies.yaml }\n";
    put(folder, "psa/psa.yaml", &document("Psa", "psa", psa));
    let shell = document("Script", "look", "  inline: 'echo true'\n");
    let number = document("Script", "number", "  inline: 'echo 1'\n");
    put(folder, "scripts/shared.yaml", &(shell + &number));
    for n in 0..units {
        software(folder, n);
        task(folder, n);
        targets(folder, n);
        customer(folder, n);
        deployments(folder, n);
    }
}

/// One software, with scripts beside it, with releases or from package managers; some need a licence.
fn software(folder: &Path, n: u32) {
    let spec = match n % 3 {
        0 => format!(
            "  detect:\n    inventory: {{ name: {{ regex: '^Program {n} (?<version>[0-9.]+)$' }} }}\n  versions: ['1.0', '1.1', \
             '2.0']\n  install:\n    posix: {{ file: install.sh, timeLimit: 10m }}\n    windows: {{ file: install.ps1 }}\n  \
             uninstall:\n    posix: {{ inline: 'apt-get remove program' }}\n  parameters:\n    key: {{ type: text }}\n"
        ),
        1 => format!(
            "  packages: {{ winget: Vendor.Program{n}, choco: program-{n}, apt: program-{n} }}\n  versions: ['1.0', \
             '1.1']\n  test: {{ posix: {{ ref: look }} }}\n  parameters:\n    key: {{ type: text, maxLength: 20 }}\n"
        ),
        _ => format!(
            "  detect: {{ package: {{ name: program-{n} }} }}\n  install: {{ posix: {{ file: install.sh }}, windows: {{ file: \
             install.ps1 }} }}\n  releases:\n    - version: '2.0'\n      payloads:\n        - url: \
             https://downloads.example.com/{n}.msi\n          sha256: '{n:064x}'\n          platform: windows\n          \
             size: 1234\n          arguments: /qn /norestart\n        - {{ url: https://downloads.example.com/{n}.deb, \
             sha256: '{n:064x}', platform: posix }}\n    - {{ version: '1.1' }}\n  uninstall: {{ posix: {{ inline: 'dpkg -r x' }}, windows: {{ inline: 'exit 0' }} }}\n  parameters:\n    key: {{ type: text }}\n"
        ),
    };
    let license = if n.is_multiple_of(5) { "  license: required\n" } else { "" };
    put(
        folder,
        &format!("software/s{n}/software.yaml"),
        &document("Software", &format!("s{n}"), &(spec + license)),
    );
    put(folder, &format!("software/s{n}/install.sh"), &format!("set -eu\napt-get install program-{n}\n"));
    let script = format!(
        "param([string] $Key)\nif (-not $Key) {{ throw 'no key' }}\nStart-Process msiexec -ArgumentList '/i', 'program-{n}.msi' -Wait\n"
    );
    put(folder, &format!("software/s{n}/install.ps1"), &script);
}

/// One task, with scripts or with a built-in resource.
fn task(folder: &Path, n: u32) {
    let spec = match n % 4 {
        0 => "  parameters:\n    days: { type: number, min: 1, max: 30, integer: true, default: 7 }\n    page: { type: uri, \
              schemes: [https], default: https://example.com/ }\n    level: { type: select, options: [low, high], default: low \
              }\n  test: { posix: { inline: 'echo true' }, windows: { inline: \"'true'\" } }\n  set: { posix: { inline: \
              'true' }, windows: { inline: 'exit 0' } }\n"
            .to_owned(),
        1 => format!(
            "  parameters:\n    content: {{ type: text }}\n    owner: {{ type: select, options: [root, daemon], default: root }}\n  \
             resource:\n    file: {{ path: /etc/app-{n}, content: {{ param: content }}, owner: {{ param: owner }}, mode: '0644' }}\n"
        ),
        2 => format!(
            "  resource: {{ registry: {{ key: 'HKLM:\\SOFTWARE\\Example{n}', name: Size, type: dword, data: {n} }} }}\n"
        ),
        _ => format!("  resource: {{ service: {{ name: app-{n}, running: true, startup: automatic }} }}\n"),
    };
    put(folder, &format!("tasks/t{n}.yaml"), &document("Task", &format!("t{n}"), &spec));
}

fn targets(folder: &Path, n: u32) {
    let mut targets = String::new();
    for number in 0..6 {
        let match_ = match number {
            0 => format!(
                "    all:\n      - tenant: tenant-{n}\n      - any: [{{ role: workstation }}, {{ tag: group-{n} }}]\n    not:\n      \
                 - tag: kiosk\n"
            ),
            1 => format!("    all: [{{ tenant: tenant-{n} }}, {{ role: server }}]\n"),
            2 => {
                format!("    all: [{{ target: target-{n}-0 }}, {{ ring: {{ name: pilot, percent: 10 }} }}]\n")
            }
            3 => format!(
                "    any:\n      - os: windows\n      - agreement: {{ psa: psa, product: Seat{n} }}\n"
            ),
            4 => "    all: [{ installed: { name: { contains: Office Suite } } }]\n".to_owned(),
            _ => {
                format!("    any: [{{ person: someone-{n}@example.com }}, {{ site: {{ name: Berlin }} }}]\n")
            }
        };
        targets += &document("Target", &format!("target-{n}-{number}"), &format!("  match:\n{match_}"));
    }
    put(folder, &format!("targets/t{n}.yaml"), &targets);
}

/// A tenant, one of its computers, and what else belongs to it.
fn customer(folder: &Path, n: u32) {
    let tenant = format!(
        "  tags: [vip, north]\n  mode: enforce\n  businessHours: {{ days: [monday, friday], from: '08:00', to: '18:00', timeZone: \
         Europe/Berlin }}\n  psa: {{ name: psa, company: '{n}' }}\n"
    );
    let computer = document("Computer", &format!("pc-{n}"), "  tags: [lab]\n  onboarded: true\n");
    let both = document("Tenant", &format!("tenant-{n}"), &tenant) + &computer;
    put(folder, &format!("tenants/tenant-{n}/tenant.yaml"), &both);
    let extra = match n % 5 {
        0 => {
            let own = format!("  software: s{n}\n  tenant: tenant-{n}\n  key: {{ env: KEY_{n} }}\n");
            let all = format!("  software: s{n}\n  file: {{ file: secrets/{n}.lic }}\n");
            document("License", &format!("own-{n}"), &own) + &document("License", &format!("all-{n}"), &all)
        }
        1 | 2 => {
            let rule = format!(
                "  for: change\n  when: change.removes\n  deny: >-\n    change.computers > {n}\n    && !('lab' in \
                 change.tenants)\n  message: 'removes {{change.item}} from {{change.computers}} computers'\n  stages: {{ \
                 plan: warn, apply: deny }}\n"
            );
            let cases = format!(
                "  guardrail: few-{n}\n  cases:\n    - name: some pass\n      given: {{ change: {{ removes: true, computers: {n} }} \
                 }}\n      expect: allow\n"
            );
            document("Guardrail", &format!("few-{n}"), &rule)
                + &document("GuardrailTest", &format!("few-{n}"), &cases)
        }
        _ => {
            let people = "people:\n  - { upn: anna@example.com, name: Anna Maier, tags: [vip] }\ngroups:\n  - { id: g-1, name: \
                          Finance, people: [anna@example.com] }\n";
            put(folder, &format!("tenants/tenant-{n}/people.yaml"), people);
            let exception = format!(
                "  guardrail: few-{}\n  subjects: {{ tenants: [tenant-{n}], computers: [PC-{n}] }}\n  owner: desk\n  reason: \
                 agreed\n  expires: '2999-12-31'\n",
                n / 5 * 5 + 1
            );
            document("Directory", &format!("people-{n}"), "  simulated: { file: people.yaml }\n")
                + &document("Exception", &format!("exception-{n}"), &exception)
        }
    };
    put(folder, &format!("tenants/tenant-{n}/more.yaml"), &extra);
}

/// Seven deployments with a file each, and a bundle of four.
fn deployments(folder: &Path, n: u32) {
    let values = if n % 4 == 1 { "  parameters: { content: hello }\n" } else { "" };
    for number in 0..7 {
        let spec = if number < 5 {
            format!(
                "  software: s{n}\n  state: installed\n  version: '>=1.0'\n  target: {{ ref: target-{n}-{number} }}\n  \
                 parameters: {{ key: value-{number} }}\n"
            )
        } else {
            format!("  task: t{n}\n  mode: audit\n  target: {{ ref: target-{n}-{} }}\n{values}", number - 5)
        };
        let name = format!("d{n}-{number}");
        put(folder, &format!("deployments/{}/{name}.yaml", n % 50), &document("Deployment", &name, &spec));
    }
    let (key, values) = ("parameters: { key: value }", values.trim());
    let comma = if values.is_empty() { "" } else { ", " };
    let bundle = format!(
        "  target: {{ ref: target-{n}-0 }}\n  priority: 3\n  deployments:\n    - {{ software: s{n}, state: installed, version: \
         '>=1.1', {key} }}\n    - {{ task: t{n}, mode: audit{comma}{values} }}\n    - {{ task: t{n}, instance: guests, enforcement: \
         onboarding{comma}{values} }}\n    - {{ name: gone, software: s{n}, state: absent, enabled: false }}\n"
    );
    put(folder, &format!("deployments/bundles/b{n}.yaml"), &document("Bundle", &format!("b{n}"), &bundle));
}

fn measure(what: &str, work: impl Fn() -> Loaded) {
    let (took, loaded) = runs(7, |_| work());
    let first: Vec<_> = loaded.findings.iter().filter(|finding| finding.is_error()).take(3).collect();
    assert!(loaded.config.is_some(), "{first:#?}");
    println!("    {what}: {took}; peak memory {} MiB", peak_memory());
}

fn one(documents: u32) {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), documents / UNIT);
    println!("{documents} documents");
    measure("folder outside git", || load(&Worktree::open(folder.path()).unwrap()));
    let repository = git2::Repository::init(folder.path()).unwrap();
    let mut index = repository.index().unwrap();
    index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).unwrap();
    index.write().unwrap();
    let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
    let who = git2::Signature::now("Bench", "bench@example.com").unwrap();
    repository.commit(Some("HEAD"), &who, &who, "bench", &tree, &[]).unwrap();
    measure("working tree", || load(&Worktree::open(folder.path()).unwrap()));
    measure("commit", || load(&GitRevision::open(folder.path(), "HEAD", None).unwrap()));
}

fn main() {
    if let Some(documents) = option("--documents") {
        return one(documents);
    }
    for documents in [2_500, 10_000, 40_000] {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--documents", &documents.to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }
}
