//! A real Debian package, built here, goes through its whole life: absent, 1.0, 1.1, absent.

#![expect(clippy::disallowed_methods, reason = "the tests build packages and look at what was installed")]

use std::fs;
use std::path::Path;

use super::exits::ssh_provider;
use crate::support::muster::{World, document};
use crate::support::sshd::{Farm, run};

/// Builds `greeter` in two versions into `packages` of the world. 1.0-10 is newer than 1.0-9 only by Debian's rules.
fn build(world: &World) {
    for version in ["1.0-9", "1.0-10"] {
        let tree = world.path(&format!("build-{version}"));
        fs::create_dir_all(tree.join("DEBIAN")).unwrap();
        fs::create_dir_all(tree.join("usr/share/greeter")).unwrap();
        let control = format!(
            "Package: greeter\nVersion: {version}\nArchitecture: all\nMaintainer: Test <test@example.org>\n\
             Description: Greets\n"
        );
        fs::write(tree.join("DEBIAN/control"), control).unwrap();
        fs::write(tree.join("usr/share/greeter/words"), format!("hello from {version}\n")).unwrap();
        fs::create_dir_all(world.path("packages")).unwrap();
        let deb = world.path(&format!("packages/greeter_{version}.deb"));
        run(
            "dpkg-deb",
            &["--build", "--root-owner-group", &tree.display().to_string(), &deb.display().to_string()],
        );
    }
}

/// The software, which lives in `root` below the home folder of whoever runs its scripts.
fn declare(world: &World) {
    let packages = world.path("packages");
    let packages = packages.display();
    let spec = format!(
        r#"versionScheme: debian
  versions: ['1.0-9', '1.0-10']
  detect:
    script:
      posix:
        inline: |
          status=$(dpkg-query --admindir="$HOME/root/var/lib/dpkg" -W -f '${{Status}} ${{Version}}' greeter 2>/dev/null) || exit 0
          case "$status" in "install ok installed "*) echo "${{status##* }}" ;; esac
  install:
    posix:
      inline: |
        set -eu
        mkdir -p "$HOME/root/var/lib/dpkg/info" "$HOME/root/var/lib/dpkg/updates"
        touch "$HOME/root/var/lib/dpkg/status" "$HOME/root/var/lib/dpkg/available"
        dpkg --root="$HOME/root" --force-not-root --log=/dev/null -i "{packages}/greeter_$MUSTER_VERSION.deb"
  uninstall:
    posix: {{ inline: 'dpkg --root="$HOME/root" --force-not-root --log=/dev/null -r greeter' }}"#
    );
    world.write("software/greeter.yaml", &document("Software", "greeter", &spec));
}

/// Takes every computer of the world through the life of the package; `homes` are their home folders.
fn live(world: &World, homes: &[&Path]) {
    let words = || {
        homes
            .iter()
            .map(|home| fs::read_to_string(home.join("root/usr/share/greeter/words")).unwrap_or_default())
            .collect::<Vec<_>>()
    };
    let everywhere = "target: { match: { every: true } }";
    for (state, action, words_after) in [
        ("state: absent", None, ""),
        ("state: installed\n  version: '1.0-9'", Some("install"), "hello from 1.0-9\n"),
        ("state: installed\n  version: latest", Some("update"), "hello from 1.0-10\n"),
        ("state: installed\n  version: '1.0-10'", None, "hello from 1.0-10\n"),
        ("state: absent", Some("uninstall"), ""),
    ] {
        let spec = format!("software: greeter\n  {state}\n  {everywhere}");
        world.write("deployments/greeter.yaml", &document("Deployment", "greeter", &spec));
        let plan = world.run(&["plan", "--output", "json"]).exits(0).json();
        let actions: Vec<&str> = plan["changes"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|change| change["action"].as_str())
            .collect();
        assert_eq!(actions, action.into_iter().collect::<Vec<_>>(), "{state}");
        world.run(&["apply", "--auto-approve"]).exits(0);
        assert_eq!(words(), vec![words_after; homes.len()], "{state}");
        world.run(&["plan", "--refresh", "always", "--detailed-exitcode"]).exits(0);
    }
}

#[test]
fn a_debian_package_lives_on_this_computer() {
    let world = World::local();
    build(&world);
    declare(&world);
    live(&world, &[&world.path("home")]);
}

#[test]
fn a_debian_package_lives_on_a_computer_behind_ssh() {
    let farm = Farm::start(1);
    let world = World::local();
    fs::remove_file(world.repo().join("providers/here.yaml")).unwrap();
    world.write("providers/farm.yaml", &ssh_provider(&farm));
    build(&world);
    declare(&world);
    live(&world, &[&farm.hosts[0].home]);
    assert!(farm.hosts[0].sign_ins() > 0);
}
