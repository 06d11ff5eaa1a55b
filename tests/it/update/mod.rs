//! `muster update` from end to end: the real program against real servers on this computer.

mod faults;
mod lock;
mod sources;

use crate::support::muster::{World, document};

/// A repository with the software `tool` that has this source, and a deployment that wants its latest version.
fn world(source: &str) -> World {
    let world = World::new();
    world.write("muster.yaml", &document("Instance", "test", "timeZone: UTC"));
    tool(&world, "tool", source);
    deploy(&world, "tool", "latest");
    world
}

fn tool(world: &World, name: &str, source: &str) {
    let spec = format!(
        "detect: {{ script: {{ posix: {{ inline: tool --version }} }} }}\n  install: {{ posix: {{ inline: install tool }} }}\n  \
         source: {source}"
    );
    world.write(&format!("software/{name}.yaml"), &document("Software", name, &spec));
}

fn deploy(world: &World, name: &str, version: &str) {
    let spec = format!(
        "software: {name}\n  state: installed\n  version: '{version}'\n  target: {{ match: {{ every: true }} }}"
    );
    world.write(&format!("deployments/{name}.yaml"), &document("Deployment", name, &spec));
}

/// The lock file; empty when there is none.
fn lock(world: &World) -> String {
    std::fs::read_to_string(world.repo().join("muster.lock")).unwrap_or_default()
}

/// `version url-path sha256 hash` of everything that is locked, in the file's order.
fn locked(world: &World) -> Vec<String> {
    let mut found = Vec::new();
    let mut version = String::new();
    for line in lock(world).lines() {
        let line = line.trim().trim_start_matches("- ");
        let value =
            |line: &str| line.split_once(": ").map(|(_, value)| value.trim_matches('"').to_owned()).unwrap();
        match line.split(':').next().unwrap_or_default() {
            "version" => version = value(line),
            "url" => {
                let url = value(line);
                found.push(format!("{version} {}", url.splitn(4, '/').nth(3).unwrap_or_default()));
            }
            "sha256" | "hash" => {
                let last = found.last_mut().unwrap();
                last.push(' ');
                last.push_str(&value(line).chars().take(8).collect::<String>());
            }
            _ => {}
        }
    }
    found
}

/// The first digits of a text's SHA-256.
fn sha(bytes: impl AsRef<[u8]>) -> String {
    muster::id::Digest::of(bytes.as_ref()).as_str().chars().take(8).collect()
}

fn whole_sha(bytes: impl AsRef<[u8]>) -> String {
    muster::id::Digest::of(bytes.as_ref()).as_str().to_owned()
}
