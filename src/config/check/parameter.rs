//! Parameters: declarations that make sense, and values that fit them.

use std::collections::BTreeMap;

use super::Checker;
use super::shape::listed;
use crate::config::kind::{ParameterSpec, ParameterType, ParameterValue};
use crate::config::parse::RawDocument;
use crate::diagnostic::{Finding, code, nearest};

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
            if let Some(default) = &spec.default {
                self.value(raw, &format!("{pointer}/default"), name, spec, default);
            }
        }
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
                ParameterType::Text | ParameterType::Select
                    if matches!(value, ParameterValue::Number(_) | ParameterValue::Boolean(_)) =>
                {
                    finding.help("put it into quotes")
                }
                _ => finding,
            });
            return;
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
    }
}

/// A key as a step of a JSON pointer.
pub(super) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
