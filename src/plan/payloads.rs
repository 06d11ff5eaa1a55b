//! Which of a release's files fits a computer, and the script that brings it there.
//!
//! Not here: what is installed with it (`procedures`), where the cache lies (`session::bundle`).
//!
//! Invariants: a file with another SHA-256 than the release's is never left in the cache; what is in the cache is not
//! fetched again; nothing is removed before the file is there (SW-24, SW-25).

use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::config::kind::Architecture;
use crate::config::model::{Payload, Release};
use crate::inventory::facts::{FactValue, OsFamily};
use crate::inventory::snapshot::Snapshot;
use crate::session::script::{Context, Interpreter, Platform, Script};

/// What decides which file fits a computer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Machine<'a> {
    /// The processor's architecture, if it is known.
    pub architecture: Option<&'a str>,
    /// Whether it runs macOS, which can run programs for another architecture.
    pub macos: bool,
}

impl<'a> Machine<'a> {
    /// One computer of a snapshot.
    #[must_use]
    pub fn of(snapshot: &'a Snapshot, computer: u32) -> Self {
        let one = RoaringBitmap::from_iter([computer]);
        machines(snapshot, &one).into_iter().next().map(|(machine, _)| machine).unwrap_or_default()
    }
}

/// Computers by what decides which file fits them.
#[must_use]
pub fn machines<'a>(snapshot: &'a Snapshot, computers: &RoaringBitmap) -> Vec<(Machine<'a>, RoaringBitmap)> {
    let macos = snapshot.families().with(&OsFamily::Macos);
    let mut rest = computers.clone();
    let mut parts = Vec::new();
    for (value, of_it) in
        snapshot.fact("architecture").into_iter().flat_map(crate::inventory::snapshot::Column::iter)
    {
        let FactValue::Text(architecture) = value else { continue };
        let part = computers & of_it;
        rest -= &part;
        let architecture = Some(architecture.as_str());
        parts.push((Machine { architecture, macos: true }, &part & &macos));
        parts.push((Machine { architecture, macos: false }, part - &macos));
    }
    parts.push((Machine::default(), rest));
    parts.retain(|(_, computers)| !computers.is_empty());
    parts
}

/// What a release has for a computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice<'r> {
    /// It needs no file there.
    Nothing,
    /// This one.
    File(&'r Payload),
    /// Files, and none for it. Says why.
    Misfit(String),
}

/// Chooses a file: one for the computer's own architecture, else one for all, else one for an architecture that it can
/// run as well (SW-21); of equal ones the first.
#[must_use]
pub fn choose<'r>(release: &'r Release, platform: Platform, machine: Machine<'_>) -> Choice<'r> {
    let of_platform = |payload: &&Payload| payload.platform.is_none_or(|wanted| wanted == platform);
    let candidates: Vec<&Payload> = release.payloads.iter().filter(of_platform).collect();
    if candidates.is_empty() {
        return Choice::Nothing;
    }
    let name = machine.architecture;
    let runs = name.and_then(Architecture::find).map_or(&[][..], |own| runs(own, platform, machine.macos));
    let rank = |payload: &Payload| match payload.architecture {
        None => Some(1),
        Some(wanted) => match runs.iter().position(|one| *one == wanted) {
            Some(0) => Some(0),
            Some(place) => Some(place + 1),
            None => None,
        },
    };
    let best = candidates.iter().filter_map(|payload| Some((rank(payload)?, *payload)));
    match (best.min_by_key(|(rank, _)| *rank), name) {
        (Some((_, payload)), _) => Choice::File(payload),
        (None, None) => {
            Choice::Misfit("its architecture is not known, and there is no payload for all".to_owned())
        }
        (None, Some(name)) => Choice::Misfit(format!(
            "no payload for this architecture: {} has none for {name}",
            release.version
        )),
    }
}

/// What a computer can run, its own architecture first.
fn runs(own: Architecture, platform: Platform, macos: bool) -> &'static [Architecture] {
    use Architecture::{Aarch64, Arm, X86, X86_64};
    match (own, platform) {
        (Aarch64, Platform::Windows) => &[Aarch64, X86_64, X86],
        (X86_64, Platform::Windows) => &[X86_64, X86],
        (Aarch64, Platform::Posix) if macos => &[Aarch64, X86_64],
        (Aarch64, Platform::Posix) => &[Aarch64],
        (X86_64, Platform::Posix) => &[X86_64],
        (X86, _) => &[X86],
        (Arm, _) => &[Arm],
    }
}

/// What scripts are told of a file; where it lies is worked out on the computer.
#[must_use]
pub fn environment(payload: &Payload) -> BTreeMap<String, String> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    [
        ("MUSTER_PAYLOAD_SHA256", payload.sha256.as_str().to_owned()),
        ("MUSTER_PAYLOAD_NAME", payload.file_name.clone()),
        ("MUSTER_PAYLOAD_URL", payload.origin.url().unwrap_or_default().to_owned()),
        ("MUSTER_PAYLOAD_SIZE", payload.size.map(|size| size.to_string()).unwrap_or_default()),
        ("MUSTER_PAYLOAD_INSTALLER", text(&payload.installer)),
        ("MUSTER_PAYLOAD_ARGUMENTS", text(&payload.arguments)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// The script that sees to it that a file is in the cache. With `MUSTER_PAYLOAD_FETCHED` it only looks.
#[must_use]
pub fn fetch(platform: Platform) -> Arc<Script> {
    let text = match platform {
        Platform::Posix => concat!(include_str!("payload.sh"), include_str!("fetch.sh")),
        Platform::Windows => concat!(include_str!("payload.ps1"), include_str!("fetch.ps1")),
    };
    script(platform, text, "fetching a payload")
}

/// The script that takes a piece of a file that is sent into the cache, or says what is there of it.
#[must_use]
pub fn receive(platform: Platform) -> Arc<Script> {
    let text = match platform {
        Platform::Posix => concat!(include_str!("payload.sh"), include_str!("receive.sh")),
        Platform::Windows => concat!(include_str!("payload.ps1"), include_str!("receive.ps1")),
    };
    script(platform, text, "sending a payload")
}

fn script(platform: Platform, text: &str, origin: &str) -> Arc<Script> {
    let interpreter = match platform {
        Platform::Posix => Interpreter::Sh,
        Platform::Windows => Interpreter::Powershell,
    };
    Arc::new(Script {
        interpreter,
        context: Context::System,
        text: text.into(),
        limit: None,
        origin: origin.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::kind::Fetcher;
    use crate::config::model::Origin;
    use crate::diagnostic::Place;
    use crate::id::Digest;
    use crate::session::powershell::{message, syntax_errors};

    fn release(files: &[(&str, Option<Architecture>, Option<Platform>)]) -> Release {
        let mut release = Release::plain("1.0".to_owned(), Place::file(&"software.yaml".into()));
        release.payloads = files
            .iter()
            .map(|(name, architecture, platform)| Payload {
                origin: Origin::Address { url: format!("https://example.com/{name}"), by: Fetcher::Computer },
                sha256: Digest::of(name.as_bytes()),
                architecture: *architecture,
                platform: *platform,
                file_name: (*name).to_owned(),
                size: None,
                installer: None,
                arguments: None,
            })
            .collect();
        release
    }

    fn chosen(release: &Release, platform: Platform, architecture: &str, family: OsFamily) -> String {
        let machine = Machine { architecture: Some(architecture), macos: family == OsFamily::Macos };
        match choose(release, platform, machine) {
            Choice::Nothing => "nothing".to_owned(),
            Choice::File(payload) => payload.file_name.clone(),
            Choice::Misfit(why) => why,
        }
    }

    #[test]
    fn the_computers_own_architecture_comes_first_then_one_for_all_then_what_it_can_run() {
        use Architecture::{Aarch64, X86, X86_64};
        use Platform::{Posix, Windows};
        let all = release(&[
            ("x86", Some(X86), None),
            ("x64", Some(X86_64), None),
            ("arm64", Some(Aarch64), None),
            ("later-x64", Some(X86_64), None),
        ]);
        for (architecture, expected) in [("x86_64", "x64"), ("aarch64", "arm64"), ("x86", "x86")] {
            assert_eq!(chosen(&all, Windows, architecture, OsFamily::Windows), expected);
        }
        let intel = release(&[("x86", Some(X86), None), ("x64", Some(X86_64), None)]);
        assert_eq!(chosen(&intel, Windows, "aarch64", OsFamily::Windows), "x64");
        assert_eq!(chosen(&intel, Posix, "aarch64", OsFamily::Macos), "x64");
        let none = "no payload for this architecture: 1.0 has none for";
        assert_eq!(chosen(&intel, Posix, "aarch64", OsFamily::Linux), format!("{none} aarch64"));
        assert_eq!(chosen(&intel, Posix, "riscv64", OsFamily::Linux), format!("{none} riscv64"));
        let small = release(&[("x86", Some(X86), None)]);
        assert_eq!(chosen(&small, Windows, "x86_64", OsFamily::Windows), "x86");
        assert_eq!(chosen(&small, Posix, "x86_64", OsFamily::Linux), format!("{none} x86_64"));
        let neutral = release(&[("x86", Some(X86), None), ("any", None, None)]);
        assert_eq!(chosen(&neutral, Windows, "x86_64", OsFamily::Windows), "any");
        assert_eq!(chosen(&neutral, Windows, "x86", OsFamily::Windows), "x86");
    }

    #[test]
    fn a_release_without_files_for_a_platform_needs_none_there() {
        let windows = release(&[("setup.msi", None, Some(Platform::Windows))]);
        assert_eq!(choose(&windows, Platform::Posix, Machine::default()), Choice::Nothing);
        assert!(matches!(choose(&windows, Platform::Windows, Machine::default()), Choice::File(_)));
        assert_eq!(choose(&release(&[]), Platform::Windows, Machine::default()), Choice::Nothing);
        let narrow = release(&[("x", Some(Architecture::X86), None)]);
        assert!(
            matches!(choose(&narrow, Platform::Windows, Machine::default()), Choice::Misfit(why) if why.contains("not known"))
        );
    }

    #[test]
    fn fetching_and_receiving_on_windows_is_powershell() {
        for script in [fetch(Platform::Windows), receive(Platform::Windows)] {
            let errors: Vec<_> =
                syntax_errors(&script.text).into_iter().map(|at| message(&script.text, &at)).collect();
            assert_eq!(errors, [""; 0]);
        }
    }
}
