//! How long it takes to detect ten items on many SSH hosts, next to a bare `ssh HOST true` on the same hosts.
//!
//! `cargo bench --bench ssh_detect [-- --hosts 50 --rounds 5]`. The hosts are real servers on loopback addresses. Both
//! sides work on 32 hosts at once, take turns, and start from nothing: no connection outlives a round. It prints; it
//! fails only when a host was not detected.
//!
//! `-- --muster FILE` measures another build of the program. `-- --serve FOLDER` starts the hosts, writes what other
//! tools need to reach them, and waits until its input ends.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "a benchmark"
)]

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/it/support/sshd.rs"]
mod sshd;

use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sshd::Farm;

const AT_ONCE: usize = 32;

/// Software that a script finds: a name and the script.
const SOFTWARE: [(&str, &str); 5] = [
    ("system", ". /etc/os-release && echo \"$VERSION_ID\""),
    ("shell", "if [ -x /bin/sh ]; then echo 1.0; fi"),
    ("tool", "if [ -x \"$HOME/tool/bin/tool\" ]; then \"$HOME/tool/bin/tool\" --version; fi"),
    ("agent", "if [ -r /opt/agent/version ]; then cat /opt/agent/version; fi"),
    ("server", "dpkg-query -W -f '${Version}' openssh-server 2>/dev/null || true"),
];

/// What a task tests: a name and the test.
const TASKS: [(&str, &str); 4] = [
    ("folder", "if [ -d /etc/ssh ]; then echo true; else echo 'no folder'; echo false; fi"),
    (
        "owner",
        "if [ \"$(stat -c %u /etc/passwd)\" = 0 ]; then echo true; else echo 'wrong owner'; echo false; fi",
    ),
    ("root", "if grep -q '^root:' /etc/passwd; then echo true; else echo 'no root'; echo false; fi"),
    ("zone", "if [ -e /etc/localtime ]; then echo true; else echo 'no time zone'; echo false; fi"),
];

fn put(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Writes the repository: one provider and ten items.
fn make(folder: &Path, farm: &Farm) {
    let document = |kind: &str, name: &str, spec: &str| {
        format!("---\napiVersion: muster/v1\nkind: {kind}\nmetadata: {{ name: {name} }}\nspec:\n{spec}")
    };
    put(
        folder,
        "muster.yaml",
        &document("Instance", "bench", "  mode: audit\n  concurrency: 32\n  state: { sqlite: state.db }\n"),
    );
    let mut provider = format!(
        "  ssh:\n    identityFiles: ['{}']\n    knownHosts: ['{}']\n    agent: false\n    concurrency: {AT_ONCE}\n    \
         tenant: bench\n    connectTimeout: 1m\n    hosts:\n",
        farm.key().display(),
        farm.known_hosts().display()
    );
    for host in &farm.hosts {
        _ = writeln!(
            provider,
            "      - {{ name: {}, address: {}, port: {}, user: {} }}",
            host.name, host.address, host.port, farm.user
        );
    }
    put(folder, "provider.yaml", &document("Provider", "bench", &provider));
    put(folder, "tenant.yaml", &document("Tenant", "bench", "  {}\n"));
    let mut items = String::new();
    let mut deployments = String::new();
    let mut deploy = |kind: &str, name: &str, more: &str| {
        let spec =
            format!("  {kind}: {name}\n{more}  mode: audit\n  target: {{ match: {{ every: true }} }}\n");
        deployments.push_str(&document("Deployment", &format!("{name}-everywhere"), &spec));
    };
    for (name, script) in SOFTWARE {
        let spec = format!("  detect:\n    script:\n      posix:\n        inline: |\n          {script}\n");
        items.push_str(&document("Software", name, &spec));
        deploy("software", name, "  state: installed\n  version: any\n");
    }
    items.push_str(&document(
        "Software",
        "listed",
        "  detect:\n    package: { name: bash, manager: dpkg }\n  versionScheme: debian\n",
    ));
    deploy("software", "listed", "  state: installed\n  version: any\n");
    for (name, test) in TASKS {
        let spec = format!("  test:\n    posix:\n      inline: |\n        {test}\n");
        items.push_str(&document("Task", name, &spec));
        deploy("task", name, "");
    }
    put(folder, "items.yaml", &items);
    put(folder, "deployments.yaml", &deployments);
}

fn muster(folder: &Path, arguments: &[&str]) -> Command {
    let own = || env!("CARGO_BIN_EXE_muster").to_owned();
    let mut command = Command::new(option("--muster").unwrap_or_else(own));
    command.arg("--repo").arg(folder).args(arguments).stdin(Stdio::null());
    command
}

/// Detects everything and gives back the time of the whole process.
fn detect(folder: &Path, refresh: &str) -> Duration {
    let start = Instant::now();
    let output = muster(folder, &["plan", "--quiet", "--refresh", refresh]).output().unwrap();
    let took = start.elapsed();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    took
}

/// Runs `ssh HOST true` for each host and gives back the time of all of them.
fn bare(farm: &Farm) -> Duration {
    let next = AtomicUsize::new(0);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(host) = farm.hosts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let status = Command::new("ssh")
                        .args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o"])
                        .arg(format!("UserKnownHostsFile={}", farm.known_hosts().display()))
                        .args(["-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-i"])
                        .arg(farm.key())
                        .args(["-l", &farm.user, "-p", &host.port.to_string(), &host.address, "true"])
                        .stdin(Stdio::null())
                        .status()
                        .unwrap();
                    assert!(status.success(), "{}: {}", host.name, host.log());
                }
            });
        }
    });
    start.elapsed()
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// The peak memory of a process that has just ended cannot be asked for any more, so one is watched while it runs.
fn peak_memory(folder: &Path) -> u64 {
    let mut child =
        muster(folder, &["plan", "--quiet", "--refresh", "always"]).stdout(Stdio::null()).spawn().unwrap();
    let path = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(&path).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak = peak.max(line.and_then(|kib| kib.parse().ok()).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(2));
    }
    peak
}

fn option(name: &str) -> Option<String> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1)
}

/// Writes what Ansible and pyinfra need for the same checks, and waits.
fn serve(farm: &Farm, folder: &Path) {
    make(&folder.join("repository"), farm);
    let (key, known, user) = (farm.key(), farm.known_hosts(), &farm.user);
    let (mut ansible, mut pyinfra) = ("[all]\n".to_owned(), "hosts = [\n".to_owned());
    for host in &farm.hosts {
        _ = writeln!(ansible, "{} ansible_host={} ansible_port={}", host.name, host.address, host.port);
        _ = writeln!(
            pyinfra,
            "    ('{}', {{'ssh_hostname': '{}', 'ssh_port': {}}}),",
            host.name, host.address, host.port
        );
    }
    _ = writeln!(
        ansible,
        "[all:vars]\nansible_user={user}\nansible_ssh_private_key_file={}\nansible_python_interpreter=/usr/bin/python3\n\
         ansible_ssh_common_args=-o UserKnownHostsFile={} -o IdentitiesOnly=yes",
        key.display(),
        known.display()
    );
    _ = writeln!(
        pyinfra,
        "]\nall = (hosts, {{'ssh_user': '{user}', 'ssh_key': '{}', 'ssh_known_hosts_file': '{}'}})",
        key.display(),
        known.display()
    );
    let scripts: Vec<_> = SOFTWARE.iter().chain(&TASKS).collect();
    let mut playbook = "- hosts: all\n  gather_facts: false\n  tasks:\n".to_owned();
    let mut deploy = "from pyinfra import host\nfrom pyinfra.facts.deb import DebPackages\n\
                      from pyinfra.facts.server import Command\n\n"
        .to_owned();
    for (name, script) in scripts {
        _ = writeln!(
            playbook,
            "    - name: {name}\n      ansible.builtin.shell: |\n        {script}\n      check_mode: false\n      \
             changed_when: false"
        );
        _ = writeln!(deploy, "host.get_fact(Command, {script:?})");
    }
    playbook.push_str("    - name: listed\n      ansible.builtin.package_facts: { manager: apt }\n");
    deploy.push_str("assert 'bash' in host.get_fact(DebPackages)\n");
    put(folder, "hosts.ini", &ansible);
    put(folder, "hosts.py", &pyinfra);
    put(folder, "playbook.yaml", &playbook);
    put(folder, "deploy.py", &deploy);
    put(
        folder,
        "ansible.cfg",
        "[defaults]\nforks = 32\nhost_key_checking = true\nretry_files_enabled = false\n[ssh_connection]\npipelining = true\n",
    );
    println!("ready");
    _ = std::io::stdin().read_to_end(&mut Vec::new());
}

fn main() {
    let number = |name, default| option(name).map_or(default, |text| text.parse().unwrap());
    let (hosts, rounds) = (number("--hosts", 50), number("--rounds", 5));
    let farm = Farm::start(hosts);
    if let Some(folder) = option("--serve") {
        return serve(&farm, Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), &farm);
    let check = muster(folder.path(), &["plan", "--output", "json", "--refresh", "always"]).output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    bare(&farm);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        // Who goes first changes from round to round.
        if round % 2 == 0 {
            ours.push(detect(folder.path(), "always"));
            theirs.push(bare(&farm));
        } else {
            theirs.push(bare(&farm));
            ours.push(detect(folder.path(), "always"));
        }
    }
    let mut idle: Vec<Duration> = (0..rounds).map(|_| detect(folder.path(), "never")).collect();
    let (ours, theirs, idle) = (median(&mut ours), median(&mut theirs), median(&mut idle));
    println!("{hosts} hosts, 10 items, {AT_ONCE} at once, medians of {rounds} rounds");
    println!(
        "  muster plan --refresh always: {ours:.2?}, peak memory {} MiB",
        peak_memory(folder.path()) / 1024
    );
    println!("  ssh HOST true:                {theirs:.2?}");
    println!("  ratio:                        {:.2}", ours.as_secs_f64() / theirs.as_secs_f64());
    println!("  (muster plan that contacts nothing: {idle:.1?})");
}
