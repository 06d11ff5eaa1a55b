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
mod tests {
    use super::*;
    use crate::config::kind::ResourceSpec;

    /// What is wrong with a resource, by the properties that stand in place.
    fn wrong(resource: &str) -> Vec<String> {
        let spec: ResourceSpec = serde_json::from_str(resource).unwrap();
        let described = spec.described().unwrap();
        let values = described.given.iter().filter_map(|given| match &given.value {
            PropertyValue::Given(value) => Some(impossible(&described, given, value)?.0),
            PropertyValue::Parameter(_) => None,
        });
        values.collect()
    }

    fn folder(path: &str, recursive: bool) -> Vec<String> {
        let path = serde_json::Value::from(path);
        wrong(&format!(
            r#"{{ "directory": {{ "path": {path}, "state": "absent", "recursive": {recursive} }} }}"#
        ))
    }

    #[test]
    fn roots_and_what_the_system_needs_are_not_removed() {
        for root in [
            "/",
            "//",
            "/.",
            "/..",
            "/a/..",
            "/a/../..",
            "C:\\",
            "c:/",
            "C:\\a\\..",
            "C:\\..",
            "\\\\pc\\share",
            "\\\\pc\\share\\",
        ] {
            assert_eq!(folder(root, true).len(), 1, "{root}");
            assert_eq!(folder(root, false).len(), 1, "{root}");
        }
        for needed in [
            "/etc",
            "/usr/",
            "/usr/../etc",
            "/var/lib",
            "C:\\Windows",
            "c:/windows/system32/",
            "C:\\Program Files",
            "C:\\Users.",
        ] {
            assert_eq!(folder(needed, true).len(), 1, "{needed}");
            assert_eq!(folder(needed, false), [""; 0], "an empty one may go: {needed}");
        }
        for other in [
            "/opt/tool",
            "/etc/tool",
            "/usr/lib/tool",
            "D:\\Users",
            "C:\\Windows\\Temp\\x",
            "C:\\Tool",
            "\\\\pc\\share\\x",
            "/etc/..x",
        ] {
            assert_eq!(folder(other, true), [""; 0], "{other}");
        }
        assert_eq!(wrong(r#"{ "directory": { "path": "/", "mode": "0755" } }"#), [""; 0]);
    }

    #[test]
    fn a_file_is_not_a_folder() {
        for path in ["/", "/etc/", "C:\\x\\", "C:\\"] {
            let json = serde_json::Value::from(path);
            assert_eq!(wrong(&format!(r#"{{ "file": {{ "path": {json} }} }}"#)).len(), 1, "{path}");
            assert_eq!(
                wrong(&format!(r#"{{ "line": {{ "path": {json}, "line": "x" }} }}"#)).len(),
                1,
                "{path}"
            );
        }
        assert_eq!(wrong(r#"{ "file": { "path": "/etc/motd" } }"#), [""; 0]);
        assert_eq!(wrong(r#"{ "file": { "path": "/etc/odd\\" } }"#), [""; 0]);
    }

    fn registry(rest: &str) -> Vec<String> {
        wrong(&format!(r#"{{ "registry": {{ {rest} }} }}"#))
    }

    #[test]
    fn keys_of_the_registry_are_below_a_hive_that_a_script_can_reach() {
        for key in [
            "HKLM:\\\\SOFTWARE\\\\x",
            "HKLM\\\\SOFTWARE\\\\x",
            "hklm:\\\\software",
            "HKEY_LOCAL_MACHINE\\\\SOFTWARE",
            "HKU:\\\\S-1-5-18",
            "HKCR:\\\\.txt",
            "HKEY_USERS\\\\.DEFAULT\\\\a/b",
        ] {
            assert_eq!(registry(&format!(r#""key": "{key}", "name": "n", "data": "x""#)), [""; 0], "{key}");
        }
        for key in [
            "HKLM:/SOFTWARE/x",
            "SOFTWARE\\\\x",
            "HKCU:\\\\Software\\\\x",
            "HKEY_CURRENT_USER\\\\x",
            "HKLM:",
            "HKLM:\\\\",
            "HKXX:\\\\x",
            "HKEY_LOCALMACHINE\\\\x",
        ] {
            assert_eq!(registry(&format!(r#""key": "{key}", "name": "n""#)).len(), 1, "{key}");
        }
        for key in [
            "HKLM:\\\\SOFTWARE",
            "HKLM:\\\\SYSTEM\\\\",
            "HKU:\\\\S-1-5-21-1",
            "HKLM:\\\\SOFTWARE\\\\Microsoft",
            "HKLM\\\\SYSTEM\\\\CurrentControlSet\\\\Services",
        ] {
            assert_eq!(
                registry(&format!(r#""key": "{key}", "state": "absent", "recursive": true"#)).len(),
                1,
                "{key}"
            );
            assert_eq!(
                registry(&format!(r#""key": "{key}", "state": "absent", "name": "n""#)),
                [""; 0],
                "a value: {key}"
            );
        }
        for key in ["HKLM:\\\\SOFTWARE\\\\Example", "HKCR:\\\\.old", "HKU:\\\\S-1-5-21-1\\\\Software"] {
            assert_eq!(
                registry(&format!(r#""key": "{key}", "state": "absent", "recursive": true"#)),
                [""; 0],
                "{key}"
            );
        }
    }

    #[test]
    fn data_fits_its_type_as_windows_gives_it_back() {
        for (kind, data, fits) in [
            ("dword", "4294967295", true),
            ("dword", "4294967296", false),
            ("dword", "\"12\"", true),
            ("dword", "\"012\"", false),
            ("dword", "\"abc\"", false),
            ("dword", "[\"1\"]", false),
            ("qword", "18446744073709551615", true),
            ("qword", "\"0x10\"", false),
            ("binary", "\"00ff\"", true),
            ("binary", "\"GG\"", false),
            ("binary", "\"0FF0\"", false),
            ("binary", "\"abc\"", false),
            ("binary", "\"\"", true),
            ("multi-string", "[\"a\"]", true),
            ("string", "\"GG\"", true),
        ] {
            let text = format!(r#""key": "HKLM:\\x", "name": "n", "type": "{kind}", "data": {data}"#);
            assert_eq!(registry(&text).is_empty(), fits, "{kind} {data}");
        }
        assert_eq!(registry(r#""key": "HKLM:\\x", "name": "n", "data": "GG""#), [""; 0], "no type is given");
    }

    #[test]
    fn names_that_no_system_takes_are_refused() {
        for (resource, fits) in [
            (r#"{ "environment": { "name": "A B", "value": "x" } }"#, false),
            (r#"{ "environment": { "name": "A=B", "value": "x" } }"#, false),
            (r#"{ "environment": { "name": "1A", "value": "x" } }"#, false),
            (r#"{ "environment": { "name": "JAVA_HOME", "value": "x" } }"#, true),
            (r#"{ "timeZone": { "name": "Europe/Berlin" } }"#, true),
            (r#"{ "timeZone": { "name": "UTC" } }"#, true),
            (r#"{ "timeZone": { "name": "Europe/Berln" } }"#, false),
            (r#"{ "timeZone": { "name": "europe/berlin" } }"#, false),
            (r#"{ "scheduledTask": { "name": "a b", "command": "x", "every": "day" } }"#, false),
            (r#"{ "user": { "name": "a:b" } }"#, false),
            (r#"{ "user": { "name": "Local Admin" } }"#, true),
            (r#"{ "service": { "name": "a/b", "running": true } }"#, false),
            (r#"{ "service": { "name": "ssh@x.service", "running": true } }"#, true),
            (r#"{ "package": { "name": "jq tool" } }"#, false),
            (r#"{ "package": { "name": "-y" } }"#, false),
            (r#"{ "package": { "name": "libc6:amd64" } }"#, true),
            (r#"{ "file": { "path": "/x", "owner": "a:b" } }"#, false),
        ] {
            assert_eq!(wrong(resource).is_empty(), fits, "{resource}");
        }
    }

    #[test]
    fn a_text_that_was_meant_for_single_quotes_is_known() {
        for text in ["C:\u{2029}rogram Files\u{7}pp.ini", "C:\temp\new.ini", "C:\u{a0}x"] {
            assert!(escapes(text).is_some(), "{text:?}");
        }
        assert_eq!(escapes("C:\\temp\\Müller.ini"), None);
    }
}
