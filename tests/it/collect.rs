//! The collector run for real on this machine, and where next to nothing is there.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use muster::inventory::facts::{Facts, OsFamily, PackageSource};
use muster::session::script::{Bundle, Ended, Platform};
use muster::session::{bundle, collect, frame};

fn collected(shell: &[&str], path: Option<&str>) -> Facts {
    let bundle = Bundle::new(Platform::Posix, vec![collect::step(Platform::Posix)], BTreeMap::new());
    let marker = bundle::marker(&bundle, "n");
    let text = bundle::render(&bundle, &marker).text;
    let mut command = Command::new(shell[0]);
    command.args(&shell[1..]).stdin(Stdio::piped()).stdout(Stdio::piped());
    if let Some(path) = path {
        command.env_clear().env("PATH", path);
    }
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.expose().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let result = frame::read(&bundle, &marker, &output.stdout).unwrap();
    let step = &result.steps[collect::KEY];
    assert_eq!((&step.ended, step.cut), (&Ended::Exit(0), false), "{}", step.stderr);
    collect::read(Platform::Posix, &step.stdout).unwrap()
}

#[test]
fn this_machine_tells_its_facts() {
    let facts = collected(&["/bin/sh"], None);
    assert!(facts.hostname.is_some() && facts.architecture.is_some() && facts.clock.is_some());
    assert!(facts.last_boot <= facts.clock);
    if cfg!(target_os = "linux") {
        assert_eq!(facts.os.family, Some(OsFamily::Linux));
        let release = std::process::Command::new("uname").arg("-r").output().unwrap().stdout;
        assert_eq!(facts.os.build.as_deref(), Some(String::from_utf8_lossy(&release).trim()));
    }
    if let Ok(output) = Command::new("dpkg-query").args(["-W", "-f=${db:Status-Status}\n"]).output() {
        let installed = String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter(|l| l.ends_with("installed") && !l.starts_with("not-"))
            .count();
        let dpkg = facts.packages.iter().filter(|p| p.source == PackageSource::Dpkg).count();
        assert_eq!(dpkg, installed);
        assert!(facts.package_sources.contains(&PackageSource::Dpkg));
    }
    assert!(facts.packages.is_sorted());
}

#[test]
fn homebrew_is_read_from_its_folders() {
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().join("brew");
    for version in ["Cellar/sevenzip/24.08", "Cellar/sevenzip/24.09", "Caskroom/some-app/1.2,3", "bin"] {
        std::fs::create_dir_all(prefix.join(version)).unwrap();
    }
    let program = prefix.join("bin/brew");
    std::fs::write(&program, "#!/bin/sh\nexit 1\n").unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let home = prefix.display().to_string();
    let facts = collected(&["/usr/bin/env", &format!("HOMEBREW_PREFIX={home}"), "/bin/sh"], None);
    let brew: Vec<_> = facts
        .packages
        .iter()
        .filter(|package| package.source == PackageSource::Brew)
        .map(|package| (package.name.as_str(), package.version.as_str()))
        .collect();
    assert_eq!(brew, [("sevenzip", "24.08"), ("sevenzip", "24.09"), ("some-app", "1.2,3")]);
    assert!(facts.package_sources.contains(&PackageSource::Brew));
}

#[test]
fn where_nothing_is_installed_facts_are_unknown_and_not_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    for tool in ["sh", "mktemp", "rm", "wc", "head"] {
        std::os::unix::fs::symlink(format!("/bin/{tool}"), folder.path().join(tool)).unwrap();
    }
    // The step's watchdog needs these; the collector itself does not.
    for tool in ["setsid", "sleep"] {
        std::os::unix::fs::symlink(format!("/usr/bin/{tool}"), folder.path().join(tool)).unwrap();
    }
    let facts = collected(&["/bin/sh"], Some(folder.path().to_str().unwrap()));
    assert_eq!((facts.architecture, facts.clock), (None, None));
    assert!(facts.packages.is_empty() && facts.package_sources.is_empty());
    assert_eq!(facts.signed_in_users, None);
    if cfg!(target_os = "linux") {
        assert_eq!(facts.os.family, Some(OsFamily::Linux));
        assert!(facts.last_boot.is_some());
    }
}
