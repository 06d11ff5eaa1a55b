//! Values of built-in resources' properties that no computer can make come true, or that would ruin one.
//!
//! Not here: of what type a value is (`kind::property`), and properties that go together (`resource`).
//!
//! Invariants: what is refused here fails in the scripts of every system that the resource can be of, or removes what the
//! system itself needs; what works on one of them is let through. The answer is the same on every machine.

use std::collections::BTreeMap;

use super::property::{PathSystem, system_of};
use crate::config::kind::property::PropertyValue;
use crate::config::kind::resource::{Described, Given};
use crate::config::kind::{ParameterValue, ResourceKind};
use crate::diagnostic::nearest;

/// What is wrong, and what could be written.
pub(super) type Fault = (String, String);

/// What is wrong with this value of this property, if it can never work or would ruin a computer.
pub(super) fn impossible(described: &Described, given: &Given, value: &ParameterValue) -> Option<Fault> {
    use ResourceKind as K;
    if (described.kind, given.name) == (K::Registry, "data") {
        return data(fixed(described, "type")?, value);
    }
    let ParameterValue::Text(text) = value else { return None };
    match (described.kind, given.name) {
        (K::File | K::Line, "path") => folder_for_a_file(text),
        (K::Directory, "path") if is_absent(described) => {
            removal(text, fixed(described, "recursive").is_some())
        }
        (K::Registry, "key") => key(described, text),
        (K::TimeZone, "name") => zone(text),
        (K::Environment, "name") => {
            let part = |c: char| c.is_ascii_alphanumeric() || "_.()-".contains(c);
            let is_name = text.chars().all(part) && !text.starts_with(|c: char| c.is_ascii_digit());
            named(
                is_name,
                text,
                "an environment variable",
                "use letters, digits and `_`, and no digit in front",
            )
        }
        (K::ScheduledTask, "name") => {
            let part = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
            named(text.chars().all(part), text, "a scheduled task", "use letters, digits, `_` and `-`")
        }
        (K::User, "name") => {
            let is_name = !text.starts_with('-') && !text.contains(|c| "\"/\\[]:;|=,*?<>".contains(c));
            named(is_name, text, "an account", "use letters, digits, `.`, `_` and `-`")
        }
        (K::Service, "name") => {
            let is_name = !text.starts_with('-') && !text.contains('/');
            named(is_name, text, "a service", "write its own name, not the one for people or its file")
        }
        (K::Package, "name") => {
            let part = |c: char| c.is_ascii_alphanumeric() || ".+:@/_~-".contains(c);
            let is_name = text.chars().all(part) && !text.starts_with('-') && !text.ends_with('-');
            named(
                is_name,
                text,
                "a package",
                "write it as the package manager does; the version is a property of its own",
            )
        }
        (K::File | K::Directory, "owner" | "group") => {
            named(!text.contains(':'), text, "an owner or a group", "write `owner` and `group` apart")
        }
        _ => None,
    }
}

/// Why a text with such characters is not what was meant, if it was written in double quotes: `\t` is a tab there.
pub(super) fn escapes(text: &str) -> Option<&'static str> {
    let odd = |c: char| c.is_control() || matches!(c, '\u{85}' | '\u{a0}' | '\u{2028}' | '\u{2029}');
    text.contains(odd).then_some(
        "in double quotes a backslash begins an escape, such as \\t for a tab: write the path in single quotes",
    )
}

fn named(is_name: bool, text: &str, what: &str, help: &str) -> Option<Fault> {
    (!is_name).then(|| (format!("{text:?} cannot be the name of {what}"), help.to_owned()))
}

/// A property that is one of a few words, or a flag that is set.
fn fixed<'d>(described: &'d Described, name: &str) -> Option<&'d str> {
    let given = described.given.iter().find(|given| given.name == name)?;
    match &given.value {
        PropertyValue::Given(ParameterValue::Text(text)) => Some(text),
        PropertyValue::Given(ParameterValue::Boolean(true)) => Some("true"),
        _ => None,
    }
}

fn is_absent(described: &Described) -> bool {
    fixed(described, "state") == Some("absent")
}

fn folder_for_a_file(path: &str) -> Option<Fault> {
    let system = system_of(path)?;
    let ends = path.ends_with('/') || (system == PathSystem::Windows && path.ends_with('\\'));
    (ends || is_root(system, path)).then(|| {
        (
            format!("the path {path:?} is one of a folder, and a file is wanted"),
            "write the file's name too".to_owned(),
        )
    })
}

/// The parts of a path below its root, without `.` and `..`; of Windows in lower case, with the drive or share first.
fn parts(system: PathSystem, path: &str) -> Vec<String> {
    let text = match system {
        PathSystem::Posix => path.to_owned(),
        // Windows passes over dots and blanks at the end of a name.
        PathSystem::Windows => path.to_lowercase().replace('\\', "/"),
    };
    // `C:`, or the computer and its share, is not left by `..`.
    let least = match system {
        PathSystem::Posix => 0,
        PathSystem::Windows if text.starts_with("//") => 2,
        PathSystem::Windows => 1,
    };
    let mut parts: Vec<String> = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => parts.truncate(parts.len().saturating_sub(1).max(least.min(parts.len()))),
            part if system == PathSystem::Windows => parts.push(part.trim_end_matches(['.', ' ']).to_owned()),
            part => parts.push(part.to_owned()),
        }
    }
    parts
}

fn is_root(system: PathSystem, path: &str) -> bool {
    let depth = parts(system, path).len();
    match system {
        PathSystem::Posix => depth == 0,
        PathSystem::Windows if path.starts_with("\\\\") => depth <= 2,
        PathSystem::Windows => depth <= 1,
    }
}

/// Folders without which a system does not start or nobody can work; each with its parts.
const NEEDED: &[&str] = &[
    "bin",
    "boot",
    "dev",
    "etc",
    "home",
    "lib",
    "lib32",
    "lib64",
    "proc",
    "root",
    "run",
    "sbin",
    "sys",
    "usr",
    "var",
    "usr/bin",
    "usr/lib",
    "usr/lib64",
    "usr/sbin",
    "usr/share",
    "var/lib",
    "System",
    "Library",
    "Applications",
    "Users",
    "private",
    "private/etc",
    "private/var",
];
const NEEDED_ON_WINDOWS: &[&str] = &[
    "c:/windows",
    "c:/windows/system32",
    "c:/windows/syswow64",
    "c:/windows/winsxs",
    "c:/program files",
    "c:/program files (x86)",
    "c:/programdata",
    "c:/users",
];

/// A folder that is to go.
fn removal(path: &str, recursive: bool) -> Option<Fault> {
    let system = system_of(path)?;
    let help = || "name the folder below it that is meant".to_owned();
    if is_root(system, path) {
        return Some((
            format!("the path {path:?} is the root of a file system, which is never removed"),
            help(),
        ));
    }
    let whole = parts(system, path).join("/");
    let needed = match system {
        PathSystem::Posix => NEEDED,
        PathSystem::Windows => NEEDED_ON_WINDOWS,
    };
    (recursive && needed.contains(&whole.as_str()))
        .then(|| (format!("the system needs the folder {path:?} and what lies in it"), help()))
}

/// The hives by their names, each with how it is meant here.
fn hive(name: &str) -> Option<&'static str> {
    let hives: BTreeMap<&str, &'static str> = [
        ("HKLM", "HKLM"),
        ("HKEY_LOCAL_MACHINE", "HKLM"),
        ("HKU", "HKU"),
        ("HKEY_USERS", "HKU"),
        ("HKCR", "HKCR"),
        ("HKEY_CLASSES_ROOT", "HKCR"),
        ("HKCU", "HKCU"),
        ("HKEY_CURRENT_USER", "HKCU"),
        ("HKEY_CURRENT_CONFIG", "HKCC"),
    ]
    .into();
    hives.get(name.to_ascii_uppercase().as_str()).copied()
}

/// Keys that Windows does not start without, in lower case.
const NEEDED_KEYS: &[&str] = &[
    "software\\classes",
    "software\\microsoft",
    "software\\microsoft\\windows",
    "software\\microsoft\\windows\\currentversion",
    "software\\microsoft\\windows nt",
    "software\\microsoft\\windows nt\\currentversion",
    "software\\wow6432node",
    "system\\currentcontrolset",
    "system\\currentcontrolset\\control",
    "system\\currentcontrolset\\enum",
    "system\\currentcontrolset\\services",
];

/// A key of the registry.
fn key(described: &Described, text: &str) -> Option<Fault> {
    let such = "write it as `HKLM:\\SOFTWARE\\Example`, in single quotes or none";
    let Some((name, below)) = text.split_once('\\') else {
        return Some((
            format!("the key {text:?} does not begin with a hive and a backslash"),
            such.to_owned(),
        ));
    };
    let Some(hive) = hive(name.strip_suffix(':').unwrap_or(name)) else {
        return Some((format!("the key {text:?} does not begin with the name of a hive"), such.to_owned()));
    };
    if hive == "HKCU" {
        let message = format!("the key {text:?} is one of whoever runs the script, which is no person");
        return Some((message, "write `HKU:\\SID\\…` with the SID of the account that is meant".to_owned()));
    }
    let parts: Vec<String> =
        below.split('\\').filter(|part| !part.is_empty()).map(str::to_lowercase).collect();
    let gone = is_absent(described) && !described.given.iter().any(|given| given.name == "name");
    let least = match hive {
        "HKLM" | "HKU" if gone => 2,
        _ => 1,
    };
    if parts.len() < least {
        let message = format!("the key {text:?} is a whole hive");
        return Some((message, "name the key below it that is meant".to_owned()));
    }
    let recursive = fixed(described, "recursive").is_some();
    if gone && recursive && hive == "HKLM" && NEEDED_KEYS.contains(&parts.join("\\").as_str()) {
        let message = format!("Windows needs the key {text:?} and what is below it");
        return Some((message, "name the key below it that is meant".to_owned()));
    }
    None
}

/// What a value of the registry holds, by its type.
fn data(kind: &str, value: &ParameterValue) -> Option<Fault> {
    let text = match value {
        ParameterValue::Text(text) => Some(text.clone()),
        ParameterValue::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let shown = || match value {
        ParameterValue::List(_) => "a list".to_owned(),
        _ => format!("{:?}", text.as_deref().unwrap_or_default()),
    };
    // As Windows gives it back: otherwise it would never be as wanted.
    let is = |same: Option<String>| same.is_some() && same == text;
    let (fits, wants) = match kind {
        "dword" => {
            let number = text.as_deref().and_then(|text| text.parse::<u32>().ok());
            (is(number.map(|number| number.to_string())), "a whole number from 0 to 4294967295")
        }
        "qword" => {
            let number = text.as_deref().and_then(|text| text.parse::<u64>().ok());
            (is(number.map(|number| number.to_string())), "a whole number from 0 to 18446744073709551615")
        }
        "binary" => {
            let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            let is_hex = |text: &String| text.len().is_multiple_of(2) && text.bytes().all(digit);
            (
                text.as_ref().is_some_and(is_hex),
                "two hexadecimal digits in lower case for each byte, such as '00ff'",
            )
        }
        _ => return None,
    };
    (!fits).then(|| (format!("a value of the type {kind} cannot hold {}", shown()), format!("write {wants}")))
}

/// A time zone: the bundled ones decide. Systems tell upper case from lower.
fn zone(name: &str) -> Option<Fault> {
    let known: Vec<String> =
        jiff::tz::TimeZoneDatabase::bundled().available().map(|name| name.to_string()).collect();
    if known.iter().any(|known| known == name) {
        return None;
    }
    let same = known.iter().map(String::as_str).find(|known| known.eq_ignore_ascii_case(name));
    let help = match same.or_else(|| nearest(name, known.iter().map(String::as_str))) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write the IANA name, such as Europe/Berlin".to_owned(),
    };
    Some((format!("there is no time zone {name:?}"), help))
}

#[cfg(test)]
mod tests;
