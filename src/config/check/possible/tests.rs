//! Values that no computer can make come true are refused, and what works on one system is let through.

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
    wrong(&format!(r#"{{ "directory": {{ "path": {path}, "state": "absent", "recursive": {recursive} }} }}"#))
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
        assert_eq!(wrong(&format!(r#"{{ "line": {{ "path": {json}, "line": "x" }} }}"#)).len(), 1, "{path}");
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
