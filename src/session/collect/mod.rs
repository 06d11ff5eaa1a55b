//! The collector: the script that asks a computer for its facts, and the reading of what it answers.
//!
//! Not here: who runs it (`provider`), how facts are kept (`store`), which computer it is (`inventory::identify`).
//!
//! The answer: lines of fields separated by tabs, first `muster-facts 1`, last `end`. The scripts print evidence, one
//! source at a time; what follows from it (roles, upgrade codes) is decided here, where it can be tested.
//!
//! Invariants: what the script could not read is unknown. A line that is not understood, or a missing end, makes the
//! whole answer an error: half an inventory would look like removed software (L3).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::inventory::facts::{Facts, OsFamily, Package, PackageScope, PackageSource, Role};
use crate::session::script::{Context, Interpreter, Platform, Purpose, Read, Script, Step, Values};
use crate::time::Timestamp;

const POSIX: &str = include_str!("collect.sh");
const WINDOWS: &str = include_str!("collect.ps1");

/// How many bytes of the collector's output are kept: lists of packages are long.
pub const KEEP: usize = 8 * 1024 * 1024;

/// The collector's key in a bundle, unless the caller needs another one.
pub const KEY: &str = "collect";

/// Why a collector's answer cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CollectError {
    /// The answer does not begin as one.
    #[error("the collector's answer does not begin as one")]
    NoBeginning,
    /// The answer broke off.
    #[error("the collector's answer broke off after {0} lines")]
    NoEnd(usize),
    /// A line is not one that the collector prints.
    #[error("line {line} of the collector's answer: {reason}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// The collector of a platform.
#[must_use]
pub fn script(platform: Platform) -> Script {
    let (interpreter, text, origin) = match platform {
        Platform::Posix => (Interpreter::Sh, POSIX, "collect.sh"),
        Platform::Windows => (Interpreter::Powershell, WINDOWS, "collect.ps1"),
    };
    Script { interpreter, context: Context::System, text: text.into(), limit: None, origin: origin.into() }
}

/// The collector of a platform as a step that keeps enough output.
#[must_use]
pub fn step(platform: Platform) -> Step<Read> {
    let mut step = Step::read(KEY, Purpose::Collect, Arc::new(script(platform)), Values::new());
    step.keep = KEEP;
    step
}

/// What the collector's lines say, before conclusions are drawn.
#[derive(Default)]
struct Evidence {
    facts: Facts,
    chassis: BTreeSet<u16>,
    battery: bool,
    desktop: bool,
    domain_role: Option<u8>,
    /// Upgrade code by product code, both unpacked.
    upgrades: BTreeMap<String, String>,
}

/// Reads what the collector of `platform` printed.
///
/// # Errors
/// [`CollectError`] when it is not a complete answer.
pub fn read(platform: Platform, stdout: &str) -> Result<Facts, CollectError> {
    let mut lines = stdout.trim_start_matches('\u{feff}').lines().enumerate();
    if lines.next().map(|(_, line)| line) != Some("muster-facts\t1") {
        return Err(CollectError::NoBeginning);
    }
    let mut evidence = Evidence::default();
    let mut ended = false;
    let mut count = 1;
    for (index, line) in lines {
        count = index + 1;
        let wrong = |reason| CollectError::Line { line: index + 1, reason };
        if ended {
            if line.is_empty() {
                continue;
            }
            return Err(wrong("something after the end"));
        }
        if line == "end" {
            ended = true;
        } else {
            let fields: Vec<&str> = line.split('\t').collect();
            evidence.take(&fields).map_err(wrong)?;
        }
    }
    if ended { Ok(evidence.conclude(platform)) } else { Err(CollectError::NoEnd(count)) }
}

impl Evidence {
    fn take(&mut self, fields: &[&str]) -> Result<(), &'static str> {
        let facts = &mut self.facts;
        match *fields {
            ["package", source, name, version, architecture, status] => {
                let source = package_source(source).filter(|source| *source != PackageSource::Registry);
                let source = source.ok_or("an unknown source of packages")?;
                // What installed it may not have told its version to the manager.
                let tells = !matches!(source, PackageSource::Winget | PackageSource::Choco);
                if name.is_empty() || tells && version.is_empty() && status.ends_with(" installed") {
                    return Err("a package without name or version");
                }
                if status.ends_with(" installed") {
                    facts.packages.push(Package {
                        name: name.to_owned(),
                        version: version.to_owned(),
                        source,
                        architecture: known(architecture).filter(|a| a != "(none)"),
                        product_code: None,
                        upgrade_code: None,
                        scope: None,
                        hidden: false,
                    });
                }
            }
            ["software", name, version, architecture, code, scope, hidden] => {
                facts.packages.push(Package {
                    name: known(name).ok_or("software without a name")?,
                    version: version.to_owned(),
                    source: PackageSource::Registry,
                    architecture: known(architecture),
                    product_code: known(code).map(|code| code.to_ascii_uppercase()),
                    upgrade_code: None,
                    scope: Some(match scope {
                        "machine" => PackageScope::Machine,
                        "user" => PackageScope::User,
                        _ => return Err("an unknown scope"),
                    }),
                    hidden: match hidden {
                        "yes" => true,
                        "no" => false,
                        _ => return Err("neither yes nor no"),
                    },
                });
            }
            ["upgrade", product, upgrade] => {
                let (Some(product), Some(upgrade)) = (unpack(product), unpack(upgrade)) else {
                    return Err("not a packed GUID");
                };
                self.upgrades.entry(product).or_insert(upgrade);
            }
            [name, value] => self.single(name, value)?,
            _ => return Err("an unknown kind of line, or a wrong number of fields"),
        }
        Ok(())
    }

    /// A line with a name and one value. Where a computer says the same twice, the first one counts.
    fn single(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        let facts = &mut self.facts;
        let text = match name {
            "hostname" => &mut facts.hostname,
            "os.name" => &mut facts.os.name,
            "os.version" => &mut facts.os.version,
            "os.build" => &mut facts.os.build,
            "timeZone" => &mut facts.time_zone,
            "identity.uuid" => &mut facts.identity.uuid,
            "identity.serial" => &mut facts.identity.serial,
            "identity.manufacturer" => &mut facts.identity.manufacturer,
            "identity.model" => &mut facts.identity.model,
            "identity.boardSerial" => &mut facts.identity.board_serial,
            "identity.machineId" => &mut facts.identity.machine_id,
            "identity.generatedId" => &mut facts.identity.generated_id,
            _ => return self.other(name, value),
        };
        if text.is_none() {
            *text = known(value);
        }
        Ok(())
    }

    fn other(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        let facts = &mut self.facts;
        match (name, value) {
            ("architecture", _) => facts.architecture = known(value).map(architecture),
            ("os.family", "linux") => facts.os.family = Some(OsFamily::Linux),
            ("os.family", "windows") => facts.os.family = Some(OsFamily::Windows),
            ("os.family", "macos") => facts.os.family = Some(OsFamily::Macos),
            ("os.family", "other") => facts.os.family = Some(OsFamily::Other),
            ("clock", _) => facts.clock = Some(time(value)?),
            ("lastBoot", _) => facts.last_boot = Some(time(value)?),
            ("identity.osInstalled", _) => facts.identity.os_installed = Some(time(value)?),
            ("users", "known") => _ = facts.signed_in_users.get_or_insert_default(),
            ("user", _) => {
                facts.signed_in_users.get_or_insert_default().extend(known(value));
            }
            ("reboot", "known") => _ = facts.pending_reboot.get_or_insert_default(),
            ("reboot-cause", _) => {
                facts.pending_reboot.get_or_insert_default().extend(known(value));
            }
            ("source" | "unread", _) => {
                let source = package_source(value).ok_or("an unknown source of packages")?;
                let sources =
                    if name == "source" { &mut facts.package_sources } else { &mut facts.unread_sources };
                sources.insert(source);
            }
            ("chassis", _) => {
                // The highest bit says that there is a lock.
                let kind: u16 = value.trim().parse().map_err(|_| "not a number")?;
                self.chassis.insert(kind & 0x7f);
            }
            ("battery", "yes") => self.battery = true,
            ("desktop", "yes") => self.desktop = true,
            ("domain-role", _) => self.domain_role = Some(value.parse().map_err(|_| "not a number")?),
            _ => return Err("an unknown name or value"),
        }
        Ok(())
    }

    fn conclude(self, platform: Platform) -> Facts {
        let roles = self.roles(platform);
        let mut facts = self.facts;
        facts.roles = if roles.is_empty() { None } else { Some(roles) };
        for package in &mut facts.packages {
            package.upgrade_code =
                package.product_code.as_ref().and_then(|code| self.upgrades.get(code).cloned());
        }
        facts.packages.sort();
        facts.packages.dedup();
        facts
    }

    fn roles(&self, platform: Platform) -> BTreeSet<Role> {
        const PORTABLE: [u16; 8] = [8, 9, 10, 11, 14, 30, 31, 32];
        const SERVER: [u16; 4] = [17, 23, 28, 29];
        let mut roles = BTreeSet::new();
        let portable = PORTABLE.iter().any(|kind| self.chassis.contains(kind)) || self.battery;
        match platform {
            Platform::Windows => match self.domain_role {
                Some(0 | 1) => {
                    roles.insert(Role::Workstation);
                    if portable {
                        roles.insert(Role::Portable);
                    }
                }
                Some(2 | 3) => _ = roles.insert(Role::Server),
                Some(4) => roles.extend([Role::Server, Role::DomainController]),
                Some(5) => {
                    roles.extend([Role::Server, Role::DomainController, Role::PrimaryDomainController]);
                }
                // WMI is broken: a chassis alone does not tell a server from a workstation.
                _ => {}
            },
            Platform::Posix => {
                if SERVER.iter().any(|kind| self.chassis.contains(kind)) {
                    roles.insert(Role::Server);
                } else if portable {
                    roles.extend([Role::Portable, Role::Workstation]);
                } else if self.desktop {
                    roles.insert(Role::Workstation);
                }
            }
        }
        roles
    }
}

fn package_source(word: &str) -> Option<PackageSource> {
    Some(match word {
        "dpkg" => PackageSource::Dpkg,
        "rpm" => PackageSource::Rpm,
        "apk" => PackageSource::Apk,
        "registry" => PackageSource::Registry,
        "winget" => PackageSource::Winget,
        "choco" => PackageSource::Choco,
        "brew" => PackageSource::Brew,
        _ => return None,
    })
}

fn known(value: &str) -> Option<String> {
    let value = value.trim();
    if value.is_empty() { None } else { Some(value.to_owned()) }
}

fn time(value: &str) -> Result<Timestamp, &'static str> {
    value.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok()).ok_or("not an instant")
}

/// One name for what systems call by several.
fn architecture(name: String) -> String {
    match name.to_ascii_lowercase().as_str() {
        "x86_64" | "amd64" | "x64" => "x86_64".to_owned(),
        "aarch64" | "arm64" => "aarch64".to_owned(),
        "x86" | "i386" | "i486" | "i586" | "i686" => "x86".to_owned(),
        _ => name,
    }
}

/// A GUID as the Windows installer packs it in the registry (32 digits, some groups turned round), as it is written
/// everywhere else, in braces. `None` when it is not one.
#[must_use]
pub fn unpack(packed: &str) -> Option<String> {
    if packed.len() != 32 || !packed.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let digits: Vec<char> = packed.chars().map(|c| c.to_ascii_uppercase()).collect();
    let mut text = String::from("{");
    let mut rest = digits.as_slice();
    for (length, hyphen) in
        [(8, true), (4, true), (4, true), (2, false), (2, true), (2, false), (2, false), (2, false)]
            .into_iter()
            .chain([(2, false); 3])
    {
        let (group, after) = rest.split_at_checked(length)?;
        text.extend(group.iter().rev());
        if hyphen {
            text.push('-');
        }
        rest = after;
    }
    text.push('}');
    Some(text)
}

#[cfg(test)]
mod tests;
