//! Values of built-in resources' properties: what stands in place, and what reaches them through parameters.
//!
//! Not here: whether a parameter takes a value at all (`parameter`), what can never work (`possible`), and properties that
//! go together (`resource`).
//!
//! Invariant: a value that reaches a property through a parameter is held to the same as one that stands in place,
//! wherever it comes from: a deployment, a default of the task, or a software whose configuration task it is.

use std::collections::BTreeMap;

use super::Checker;
use super::parameter::escaped;
use super::possible::impossible;
use crate::config::document::Document;
use crate::config::kind::property::PropertyValue;
use crate::config::kind::resource::{Described, Given};
use crate::config::kind::{ParameterSpec, ParameterValue, ResourceKind, ResourceSpec, TaskSpec};
use crate::config::parse::RawDocument;
use crate::config::resource::CONTENT;
use crate::diagnostic::{Finding, code};
use crate::session::bundle::LONGEST_VARIABLE;

/// The system whose path this is; `None` when it is relative.
pub(super) fn system_of(path: &str) -> Option<PathSystem> {
    let drive = path.as_bytes().get(1) == Some(&b':')
        && path.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && matches!(path.as_bytes().get(2), Some(b'\\' | b'/'));
    if path.starts_with('/') {
        Some(PathSystem::Posix)
    } else if drive || path.starts_with("\\\\") {
        Some(PathSystem::Windows)
    } else {
        None
    }
}

/// The systems that write paths differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PathSystem {
    /// From `/` on.
    Posix,
    /// With a drive, or with the name of another computer.
    Windows,
}

/// How to write a path that is absolute.
pub(super) const ABSOLUTE: &str =
    "begin it with `/` for POSIX systems, or with a drive such as `C:\\` for Windows";

/// What is wrong with a value that reaches this property of the resource, if anything is, and what could be written.
fn misfit(described: &Described, given: &Given, value: &ParameterValue) -> Option<(String, Option<String>)> {
    // It travels as a file, or is a secret.
    if given.name == CONTENT {
        return None;
    }
    if !(given.takes)(value) {
        let message = format!("the property `{}` takes {}, and this is none", given.name, given.expected);
        return Some((message, None));
    }
    match value {
        ParameterValue::Text(path) if given.name == "path" && system_of(path).is_none() => {
            Some((format!("the path {path:?} is not absolute"), Some(ABSOLUTE.to_owned())))
        }
        _ => unfit(described, given, value),
    }
}

/// What is wrong with a value of the right kind: it can never work, would ruin a computer, or is too long.
fn unfit(described: &Described, given: &Given, value: &ParameterValue) -> Option<(String, Option<String>)> {
    let impossible = impossible(described, given, value).map(|(message, help)| (message, Some(help)));
    impossible.or_else(|| too_long(described, given.name, value).map(|message| (message, None)))
}

/// Says that a value is too long for a variable, which is how the scripts of POSIX systems know it.
fn too_long(described: &Described, property: &str, value: &ParameterValue) -> Option<String> {
    let size = size(value).filter(|size| *size > LONGEST_VARIABLE && can_be_posix(described))?;
    Some(format!("the property `{property}` takes up to {LONGEST_VARIABLE} bytes, and this has {size}"))
}

/// How many bytes a value has in its variable. Only the computer that sends a secret knows its length.
fn size(value: &ParameterValue) -> Option<usize> {
    match value {
        ParameterValue::Text(text) => Some(text.len()),
        ParameterValue::List(texts) => {
            Some(texts.iter().map(|text| text.len() + 1).sum::<usize>().saturating_sub(1))
        }
        _ => None,
    }
}

/// Whether the resource can be one of a POSIX system, whose scripts know the properties as variables.
fn can_be_posix(described: &Described) -> bool {
    let of_windows = matches!(described.kind, ResourceKind::Registry | ResourceKind::Power);
    let path = described.path.as_deref().and_then(system_of);
    !of_windows && path != Some(PathSystem::Windows)
}

/// A value that a parameter of a task has or is given.
pub(super) struct Reaching<'v> {
    /// The JSON pointer to it.
    pub(super) pointer: String,
    /// The parameter.
    pub(super) name: &'v str,
    /// The value.
    pub(super) value: &'v ParameterValue,
}

/// The defaults that a document declares at `/spec/parameters`.
pub(super) fn defaults(declared: &BTreeMap<String, ParameterSpec>) -> impl Iterator<Item = Reaching<'_>> {
    declared.iter().filter_map(|(name, spec)| {
        let pointer = format!("/spec/parameters/{}/default", escaped(name));
        Some(Reaching { pointer, name, value: spec.default.as_ref()? })
    })
}

/// The values that a document gives at `parameters` below `base`.
pub(super) fn given<'v>(
    base: &str,
    values: &'v BTreeMap<String, ParameterValue>,
) -> impl Iterator<Item = Reaching<'v>> {
    values.iter().map(move |(name, value)| Reaching {
        pointer: format!("{base}/parameters/{}", escaped(name)),
        name,
        value,
    })
}

impl Checker<'_> {
    /// Values that stand in place can work and are short enough; their kind was looked at when they were read.
    pub(super) fn in_place(&mut self, raw: &RawDocument, base: &str, described: &Described) {
        for given in described.given.iter().filter(|given| given.name != CONTENT) {
            let PropertyValue::Given(value) = &given.value else { continue };
            let place = || raw.place(&format!("{base}/{}", given.name));
            if let Some((message, help)) = impossible(described, given, value) {
                self.push(Finding::new(code::RESOURCE, message, place()).help(help));
            } else if let Some(message) = too_long(described, given.name, value) {
                self.report(code::PROPERTY, message, place());
            }
        }
    }

    /// Values of parameters, where the task's resource takes a property from them.
    pub(super) fn through_parameters<'v>(
        &mut self,
        raw: &RawDocument,
        task: &Document<TaskSpec>,
        values: impl IntoIterator<Item = Reaching<'v>>,
    ) {
        let Some(described) = task.spec.resource.as_ref().and_then(ResourceSpec::described) else {
            return;
        };
        for reaching in values {
            // A value that the parameter does not take has a finding of its own, and so has a parameter that the property
            // does not take.
            let Some(declared) = task.spec.parameters.get(reaching.name) else { continue };
            if !reaching.value.fits(declared.r#type) {
                continue;
            }
            for given in &described.given {
                let is_it = matches!(&given.value, PropertyValue::Parameter(name) if name == reaching.name);
                if !is_it || !given.types.contains(&declared.r#type) {
                    continue;
                }
                let Some((message, help)) = misfit(&described, given, reaching.value) else { continue };
                let at = format!("/spec/resource/{}/{}", described.kind.as_str(), given.name);
                let finding = Finding::new(code::PROPERTY, message, raw.place(&reaching.pointer))
                    .related(task.raw.place(&at), "the property takes the value from its parameter");
                self.push(match help {
                    Some(help) => finding.help(help),
                    None => finding,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is wrong with a value that reaches the property `name` of a resource.
    fn wrong(resource: &str, name: &str, value: &ParameterValue) -> Option<String> {
        let spec: ResourceSpec = serde_json::from_str(resource).unwrap();
        let described = spec.described().unwrap();
        let given = described.given.iter().find(|given| given.name == name).unwrap();
        misfit(&described, given, value).map(|(message, _)| message)
    }

    fn text(text: &str) -> ParameterValue {
        ParameterValue::Text(text.to_owned())
    }

    const CRON: &str = r#"{ "scheduledTask": { "name": "x", "command": { "param": "p" }, "every": "day" } }"#;
    const FILE: &str = r#"{ "file": { "path": { "param": "p" }, "mode": { "param": "m" } } }"#;
    const USER: &str = r#"{ "user": { "name": "x", "groups": { "param": "g" } } }"#;

    #[test]
    fn a_value_through_a_parameter_is_held_to_what_stands_in_place() {
        assert_eq!(wrong(CRON, "command", &text("true")), None);
        let two = wrong(CRON, "command", &text("true\n* * * * * root id")).unwrap();
        assert_eq!(
            two,
            "the property `command` takes a text on one line that is not empty, and this is none"
        );
        for bad in ["", "a\r", "a\0"] {
            assert!(wrong(CRON, "command", &text(bad)).is_some(), "{bad:?}");
        }
        assert!(wrong(FILE, "mode", &text("rw")).is_some());
        assert_eq!(wrong(FILE, "mode", &text("0600")), None);
        assert_eq!(
            wrong(FILE, "path", &text("etc/x")).as_deref(),
            Some("the path \"etc/x\" is not absolute")
        );
        assert_eq!(wrong(FILE, "path", &text("/etc/x")), None);
        assert_eq!(wrong(FILE, "path", &text("C:\\x")), None);
        let groups = |list: &[&str]| ParameterValue::List(list.iter().map(|&text| text.to_owned()).collect());
        assert_eq!(wrong(USER, "groups", &groups(&[])), None);
        assert!(wrong(USER, "groups", &groups(&["adm\nsudo"])).is_some(), "one group is not two");
    }

    #[test]
    fn a_value_is_as_long_as_a_variable_can_be_where_it_becomes_one() {
        let long = "x".repeat(LONGEST_VARIABLE + 1);
        let fits = text(long.get(1..).unwrap());
        assert_eq!(wrong(CRON, "command", &fits), None);
        let message = wrong(CRON, "command", &text(&long)).unwrap();
        assert_eq!(message, "the property `command` takes up to 16384 bytes, and this has 16385");
        let half = "x".repeat(LONGEST_VARIABLE / 2);
        let list = |texts: [&str; 2]| ParameterValue::List(texts.map(str::to_owned).to_vec());
        assert!(wrong(USER, "groups", &list([&half, &half])).is_some(), "with the line end between them");
        assert_eq!(wrong(USER, "groups", &list([&half, half.get(1..).unwrap()])), None);
        let registry = r#"{ "registry": { "key": "HKLM:\\x", "name": "n", "data": { "param": "d" } } }"#;
        assert_eq!(wrong(registry, "data", &text(&long)), None, "scripts for Windows read a file");
        let line = r#"{ "line": { "path": "C:\\x", "line": { "param": "l" } } }"#;
        assert_eq!(wrong(line, "line", &text(&long)), None);
        let content = r#"{ "file": { "path": "/x", "content": { "param": "c" } } }"#;
        assert_eq!(wrong(content, "content", &text(&long)), None, "it travels as a file");
    }

    proptest! {
        /// Whatever the text: it can come through a parameter if and only if it can stand in place.
        #[test]
        fn in_place_and_through_a_parameter_are_the_same(value in "[a/C:\\\\\n\r\0 0-7]{0,5}") {
            let in_place = |key: &str, resource: &str| {
                let json = serde_json::Value::String(value.clone()).to_string();
                let resource = resource.replace(&format!("{{ \"param\": \"{key}\" }}"), &json);
                serde_json::from_str::<ResourceSpec>(&resource).is_ok()
            };
            prop_assert_eq!(in_place("p", CRON), wrong(CRON, "command", &text(&value)).is_none());
            prop_assert_eq!(in_place("m", FILE), wrong(FILE, "mode", &text(&value)).is_none());
            let file: ResourceSpec = serde_json::from_str(FILE).unwrap();
            let described = file.described().unwrap();
            let can_be = impossible(&described, &described.given[0], &text(&value)).is_none();
            let path = in_place("p", FILE) && system_of(&value).is_some() && can_be;
            prop_assert_eq!(path, wrong(FILE, "path", &text(&value)).is_none());
        }
    }
}
