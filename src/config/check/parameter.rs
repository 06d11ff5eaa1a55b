//! Parameters: declarations that make sense, values that fit them, and files that values name.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Checker;
use super::shape::listed;
use crate::config::document::{Document, Documents};
use crate::config::kind::{FileValue, ParameterSpec, ParameterType, ParameterValue};
use crate::config::parse::RawDocument;
use crate::config::tree::ReadError;
use crate::diagnostic::{Finding, Place, code, nearest};
use crate::id::Digest;

/// The largest file that a computer is sent, in bytes.
pub const MAX_FILE_BYTES: u64 = 1024 * 1024;

impl Checker<'_> {
    /// The declarations at `/spec/parameters`.
    pub(super) fn declarations(&mut self, raw: &RawDocument, parameters: &BTreeMap<String, ParameterSpec>) {
        for (name, spec) in parameters {
            let pointer = format!("/spec/parameters/{}", escaped(name));
            match (&spec.options, spec.r#type) {
                (Some(options), ParameterType::Select) => {
                    self.not_empty_list(raw, &format!("{pointer}/options"), options);
                }
                (None, ParameterType::Select) => {
                    let message = format!("the parameter `{name}` is a select without options");
                    let finding = Finding::new(code::SETTING, message, raw.place(&format!("{pointer}/type")));
                    self.push(finding.help("add `options: [...]` with the values that it allows"));
                }
                (Some(_), _) => {
                    let message = format!("the parameter `{name}` has options, and only a select has some");
                    let finding =
                        Finding::new(code::SETTING, message, raw.key_place(&format!("{pointer}/options")));
                    self.push(finding.help("write `type: select`, or take the options out"));
                }
                (None, _) => {}
            }
            self.bounds(raw, &pointer, name, spec);
            if let Some(default) = &spec.default {
                self.value(raw, &format!("{pointer}/default"), name, spec, default);
            }
        }
    }

    /// The keys that only some types take, and that they can hold.
    fn bounds(&mut self, raw: &RawDocument, pointer: &str, name: &str, spec: &ParameterSpec) {
        let number = spec.r#type == ParameterType::Number;
        let text = spec.r#type == ParameterType::Text;
        let keys = [
            ("min", number, spec.min.is_some(), "number"),
            ("max", number, spec.max.is_some(), "number"),
            ("integer", number, spec.integer, "number"),
            ("pattern", text, spec.pattern.is_some(), "text"),
            ("minLength", text, spec.min_length.is_some(), "text"),
            ("maxLength", text, spec.max_length.is_some(), "text"),
            ("schemes", spec.r#type == ParameterType::Uri, spec.schemes.is_some(), "uri"),
        ];
        for (key, _, _, kind) in keys.iter().filter(|(_, takes, given, _)| *given && !takes) {
            let message = format!("the parameter `{name}` has `{key}`, which only the type {kind} takes");
            let place = raw.key_place(&format!("{pointer}/{key}"));
            self.push(
                Finding::new(code::SETTING, message, place)
                    .help(format!("take `{key}` out, or write `type: {kind}`")),
            );
        }
        let float =
            |number: &Option<serde_json::Number>| number.as_ref().and_then(serde_json::Number::as_f64);
        let empty = match (float(&spec.min), float(&spec.max), spec.min_length, spec.max_length) {
            (Some(min), Some(max), _, _) if min > max => Some("max"),
            (_, _, Some(min), Some(max)) if min > max => Some("maxLength"),
            _ => None,
        };
        if let Some(key) = empty {
            let message = format!(
                "no value can be allowed for the parameter `{name}`: its least is above its greatest"
            );
            self.report(code::PARAMETER_BOUND, message, raw.place(&format!("{pointer}/{key}")));
        }
        if let Some(Err(error)) = spec.pattern.as_deref().map(whole) {
            let message = format!("the pattern of the parameter `{name}` cannot be used: {error}");
            self.report(code::REGEX, message, raw.place(&format!("{pointer}/pattern")));
        }
        if let Some(schemes) = &spec.schemes {
            self.not_empty_list(raw, &format!("{pointer}/schemes"), schemes);
        }
    }

    /// Declarations with the files that their defaults name.
    pub(super) fn with_files_of_defaults(
        &mut self,
        raw: &RawDocument,
        declared: &BTreeMap<String, ParameterSpec>,
    ) -> BTreeMap<String, ParameterSpec> {
        let mut declared = declared.clone();
        for (name, spec) in &mut declared {
            if let Some(ParameterValue::File(file)) = &mut spec.default {
                self.file_value(raw, &format!("/spec/parameters/{}/default", escaped(name)), file);
            }
        }
        declared
    }

    /// The values at `parameters` below `base` with the files that they name.
    pub(super) fn with_files(
        &mut self,
        raw: &RawDocument,
        base: &str,
        given: &BTreeMap<String, ParameterValue>,
    ) -> BTreeMap<String, ParameterValue> {
        let mut given = given.clone();
        for (name, value) in &mut given {
            if let ParameterValue::File(file) = value {
                self.file_value(raw, &format!("{base}/parameters/{}", escaped(name)), file);
            }
        }
        given
    }

    /// Fills in what a file holds; otherwise says why it cannot be had.
    pub(super) fn file_value(&mut self, raw: &RawDocument, pointer: &str, value: &mut FileValue) {
        let place = raw.place(&format!("{pointer}/file"));
        let Some((path, content)) = self.file_content(raw, &format!("{pointer}/file"), &value.path) else {
            return;
        };
        let hash = Digest::of(&content);
        if value.sha256.as_ref().is_some_and(|wanted| *wanted != hash) {
            let message = format!("the file `{path}` does not have this SHA-256");
            let finding =
                Finding::new(code::PARAMETER_VALUE, message, raw.place(&format!("{pointer}/sha256")));
            self.push(
                finding
                    .related(place, "the file is named here")
                    .help(format!("its SHA-256 is {}", hash.as_str())),
            );
        }
        *value = FileValue { path: (*path).to_owned(), sha256: Some(hash), content: Some(content) };
    }

    /// The path and the bytes of a file that is sent to computers.
    pub(super) fn file_content(
        &mut self,
        raw: &RawDocument,
        pointer: &str,
        path: &str,
    ) -> Option<(Arc<str>, Arc<[u8]>)> {
        let place: Place = raw.place(pointer);
        let path = self.file(raw, pointer, path)?;
        match self.around.files.get(&path) {
            Some(Ok(bytes)) if u64::try_from(bytes.len()).is_ok_and(|size| size <= MAX_FILE_BYTES) => {
                return Some((path, Arc::clone(bytes)));
            }
            Some(Ok(bytes)) => self.too_large(&path, bytes.len(), place),
            Some(Err(ReadError::TooLarge(size))) => self.too_large(&path, size, place),
            Some(Err(error)) => {
                self.report(code::FILE_UNREADABLE, format!("`{path}` cannot be read: {error}"), place);
            }
            None => self.report(code::FILE_UNREADABLE, format!("`{path}` was not read"), place),
        }
        None
    }

    fn too_large(&mut self, path: &str, size: impl std::fmt::Display, place: Place) {
        let message = format!("the file `{path}` has {size} bytes; up to {MAX_FILE_BYTES} can be sent");
        self.report(code::FILE_TOO_LARGE, message, place);
    }

    /// The values given at `parameters` below `base` for what `declared_by` declares.
    pub(super) fn values(
        &mut self,
        raw: &RawDocument,
        base: &str,
        declared_by: &str,
        declared: &BTreeMap<String, ParameterSpec>,
        given: &BTreeMap<String, ParameterValue>,
        are_required: bool,
    ) {
        for (name, value) in given {
            let pointer = format!("{base}/parameters/{}", escaped(name));
            let Some(spec) = declared.get(name) else {
                let message = format!("{declared_by} has no parameter `{name}`");
                let finding = Finding::new(code::PARAMETER, message, raw.key_place(&pointer));
                let near = nearest(name, declared.keys().map(String::as_str));
                self.push(match near {
                    Some(near) => finding.help(format!("did you mean `{near}`?")),
                    None if declared.is_empty() => finding.help("it declares no parameters"),
                    None => {
                        let all = listed(declared.keys().map(String::as_str), "and");
                        finding.help(format!("it declares {all}"))
                    }
                });
                continue;
            };
            self.value(raw, &pointer, name, spec, value);
        }
        if !are_required {
            return;
        }
        for (name, spec) in declared {
            if spec.required && spec.default.is_none() && !given.contains_key(name) {
                let message = format!("{declared_by} requires the parameter `{name}`");
                let finding =
                    Finding::new(code::PARAMETER, message, raw.key_place(&format!("{base}/parameters")));
                self.push(finding.help(format!("give it below `parameters`: `{name}: …`")));
            }
        }
    }

    fn value(
        &mut self,
        raw: &RawDocument,
        pointer: &str,
        name: &str,
        spec: &ParameterSpec,
        value: &ParameterValue,
    ) {
        if !value.fits(spec.r#type) {
            let message =
                format!("the parameter `{name}` takes {}, and this is {}", what(spec.r#type), value.what());
            let finding = Finding::new(code::PARAMETER, message, raw.place(pointer));
            self.push(match spec.r#type {
                ParameterType::Secret => {
                    finding.help("write `{ secret: { env: NAME } }` or `{ secret: { file: PATH } }`")
                }
                ParameterType::File if matches!(value, ParameterValue::Text(_)) => {
                    finding.help("write `{ file: PATH }`; the path is relative to this file")
                }
                ParameterType::Text | ParameterType::Select
                    if matches!(value, ParameterValue::Number(_) | ParameterValue::Boolean(_)) =>
                {
                    finding.help("put it into quotes")
                }
                _ => finding,
            });
            return;
        }
        if let Some((message, help)) = misfit(name, spec, value) {
            let finding = Finding::new(code::PARAMETER_VALUE, message, raw.place(pointer));
            self.push(match help {
                Some(help) => finding.help(help),
                None => finding,
            });
        }
        if let (ParameterType::Select, ParameterValue::Text(text), Some(options)) =
            (spec.r#type, value, &spec.options)
            && !options.contains(text)
        {
            let message = format!("{text:?} is not one of the options of the parameter `{name}`");
            let finding = Finding::new(code::PARAMETER, message, raw.place(pointer));
            self.push(finding.help(match nearest(text, options.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the options are {}", listed(options.iter().map(String::as_str), "and")),
            }));
        }
    }
}

const fn what(kind: ParameterType) -> &'static str {
    match kind {
        ParameterType::Text => "a text",
        ParameterType::Number => "a number",
        ParameterType::Boolean => "true or false",
        ParameterType::Select => "one of its options",
        ParameterType::List => "a list of texts",
        ParameterType::KeyValue => "texts by name",
        ParameterType::Secret => "a reference to a secret",
        ParameterType::File => "a file of the repository",
        ParameterType::Uri => "a URI",
    }
}

/// A regular expression that matches whole texts.
fn whole(pattern: &str) -> Result<regex::Regex, String> {
    // By itself first, so that `)(` does not become something that it is not.
    regex::Regex::new(pattern).map_err(|error| last_line(&error))?;
    regex::Regex::new(&format!(r"\A(?:{pattern})\z")).map_err(|error| last_line(&error))
}

fn last_line(error: &regex::Error) -> String {
    error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

/// Why a value of the right type is not one that is allowed, and what could be written. Pure, and the same for a value
/// that is given and for a default.
fn misfit(name: &str, spec: &ParameterSpec, value: &ParameterValue) -> Option<(String, Option<String>)> {
    match value {
        ParameterValue::Number(number) => {
            let value = number.as_f64()?;
            let float =
                |bound: &Option<serde_json::Number>| bound.as_ref().and_then(serde_json::Number::as_f64);
            if spec.integer && value.fract() != 0.0 {
                return Some((
                    format!("the parameter `{name}` takes whole numbers, and this is {number}"),
                    None,
                ));
            }
            let (min, max) = (float(&spec.min), float(&spec.max));
            if min.is_some_and(|min| value < min) || max.is_some_and(|max| value > max) {
                let range = match (&spec.min, &spec.max) {
                    (Some(min), Some(max)) => format!("from {min} to {max}"),
                    (Some(min), None) => format!("from {min}"),
                    (None, Some(max)) => format!("up to {max}"),
                    (None, None) => return None,
                };
                return Some((
                    format!("the parameter `{name}` takes numbers {range}, and this is {number}"),
                    None,
                ));
            }
            None
        }
        ParameterValue::Text(text) if spec.r#type == ParameterType::Text => {
            let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
            if let Some(least) = spec.min_length.filter(|least| length < *least) {
                return Some((
                    format!(
                        "the parameter `{name}` takes at least {least} characters, and this has {length}"
                    ),
                    None,
                ));
            }
            if let Some(most) = spec.max_length.filter(|most| length > *most) {
                return Some((
                    format!("the parameter `{name}` takes at most {most} characters, and this has {length}"),
                    None,
                ));
            }
            let pattern = spec.pattern.as_deref()?;
            // A pattern that cannot be used has a finding of its own.
            let fits = whole(pattern).ok()?.is_match(text);
            (!fits).then(|| {
                (
                    format!("{text:?} does not match the pattern of the parameter `{name}`"),
                    Some(format!("the whole text has to match {pattern}")),
                )
            })
        }
        ParameterValue::Text(text) if spec.r#type == ParameterType::Uri => match url::Url::parse(text) {
            Err(error) => Some((
                format!("the parameter `{name}` takes a URI, and {text:?} is none: {error}"),
                Some("write it with its scheme, such as https://example.com/path".to_owned()),
            )),
            Ok(uri) => {
                let schemes = spec.schemes.as_ref()?;
                (!schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case(uri.scheme()))).then(|| {
                    let all = listed(schemes.iter().map(String::as_str), "and");
                    (
                        format!("the parameter `{name}` takes no URI of the scheme `{}`", uri.scheme()),
                        Some(format!("the schemes are {all}")),
                    )
                })
            }
        },
        _ => None,
    }
}

/// The files that values and defaults name: the document's own file, and the path as written.
pub fn parameter_files(documents: &Documents) -> impl Iterator<Item = (&Arc<str>, &str)> {
    let values = documents
        .deployments
        .iter()
        .flat_map(|document| document.spec.parameters.values().filter_map(|value| named(document, value)));
    let entries = documents.bundles.iter().flat_map(|document| {
        let values = document.spec.deployments.iter().flat_map(|entry| entry.parameters.values());
        values.filter_map(|value| named(document, value))
    });
    let tasks = documents
        .tasks
        .iter()
        .flat_map(|document| defaults(&document.spec.parameters).filter_map(|value| named(document, value)));
    let software = documents
        .software
        .iter()
        .flat_map(|document| defaults(&document.spec.parameters).filter_map(|value| named(document, value)));
    let sources = documents.tasks.iter().filter_map(|document| {
        let file = document.spec.resource.as_ref()?.file.as_ref()?;
        Some((&document.raw.file, file.source.as_deref()?))
    });
    values.chain(entries).chain(tasks).chain(software).chain(sources)
}

fn defaults(declared: &BTreeMap<String, ParameterSpec>) -> impl Iterator<Item = &ParameterValue> {
    declared.values().filter_map(|spec| spec.default.as_ref())
}

fn named<'a, T>(document: &'a Document<T>, value: &'a ParameterValue) -> Option<(&'a Arc<str>, &'a str)> {
    match value {
        ParameterValue::File(file) => Some((&document.raw.file, &file.path)),
        _ => None,
    }
}

/// A key as a step of a JSON pointer.
pub(super) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
