//! Built-in resources: exactly one, properties that go together, parameters of the right type, contents that can be had.

use std::collections::BTreeMap;

use super::Checker;
use super::possible::escapes;
use super::property::{ABSOLUTE, PathSystem, system_of};
use super::shape::listed;
use crate::config::kind::property::PropertyValue;
use crate::config::kind::resource::{Described, Given, Presence};
use crate::config::kind::system_resource::{Every, ScheduledTaskResource};
use crate::config::kind::{FileValue, ParameterSpec, ParameterType, ParameterValue, ResourceSpec};
use crate::config::model::{Resource, ResourceProperty, Scripts};
use crate::config::parse::RawDocument;
use crate::config::resource::{self, CONTENT, SECRET_CONTENT};
use crate::diagnostic::{Finding, code, nearest};

impl Checker<'_> {
    /// The resource at `/spec/resource` and its scripts.
    pub(super) fn resource(
        &mut self,
        raw: &RawDocument,
        spec: &ResourceSpec,
        parameters: &BTreeMap<String, ParameterSpec>,
    ) -> Option<(Resource, Scripts)> {
        if !self.exactly_one(raw, "/spec/resource", &spec.keys()) {
            return None;
        }
        let described = spec.described()?;
        let base = format!("/spec/resource/{}", described.kind.as_str());
        let (posix, windows) = self.platforms(raw, &base, &described);
        self.together(raw, &base, spec);
        self.in_place(raw, &base, &described);
        let mut properties = BTreeMap::new();
        for given in &described.given {
            let (name, property) = self.property(raw, &base, given, parameters);
            properties.insert(name.to_owned(), property);
        }
        if let Some(source) = spec.file.as_ref().and_then(|file| file.source.as_deref()) {
            let mut value = FileValue { path: source.to_owned(), sha256: None, content: None };
            if let Some((path, content)) = self.file_content(raw, &format!("{base}/source"), source) {
                let sha256 = Some(crate::id::Digest::of(&content));
                value = FileValue { path: (*path).to_owned(), sha256, content: Some(content) };
            }
            properties.insert(CONTENT.to_owned(), ResourceProperty::Value(ParameterValue::File(value)));
        }
        let scripts = resource::scripts(described.kind, posix, windows);
        Some((Resource { kind: described.kind, properties }, scripts))
    }

    /// Where the resource can be, by its path.
    fn platforms(&mut self, raw: &RawDocument, base: &str, described: &Described) -> (bool, bool) {
        let Some(path) = &described.path else { return (true, described.windows) };
        if system_of(path) == Some(PathSystem::Posix) {
            return (true, false);
        }
        if system_of(path) == Some(PathSystem::Windows) {
            for name in &described.posix_only {
                let message =
                    format!("`{name}` is of POSIX systems, and the path {path:?} is one of Windows");
                let finding = Finding::new(code::RESOURCE, message, raw.key_place(&format!("{base}/{name}")));
                self.push(finding.help(format!("take `{name}` out")));
            }
            return (false, true);
        }
        let message = format!("the path {path:?} is not absolute");
        let finding = Finding::new(code::RESOURCE, message, raw.place(&format!("{base}/path")));
        self.push(finding.help(escapes(path).unwrap_or(ABSOLUTE)));
        (true, true)
    }

    /// Properties that cannot stand beside each other, and one that lacks another.
    fn together(&mut self, raw: &RawDocument, base: &str, spec: &ResourceSpec) {
        let states = [
            spec.file.as_ref().and_then(|file| file.state),
            spec.directory.as_ref().and_then(|folder| folder.state),
        ];
        let absent = states.contains(&Some(Presence::Absent));
        if let Some(file) = &spec.file {
            if file.content.is_some() && file.source.is_some() {
                let message = "a file has either `content` or `source`";
                let finding = Finding::new(code::SETTING, message, raw.key_place(&format!("{base}/source")));
                self.push(finding.help("take one of them out"));
            }
            if file.source.as_deref() == Some("") {
                self.not_empty(raw, &format!("{base}/source"), "");
            }
        }
        if absent {
            let of_file = spec.file.as_ref().map(|file| {
                [
                    ("content", file.content.is_some()),
                    ("source", file.source.is_some()),
                    ("owner", file.owner.is_some()),
                    ("group", file.group.is_some()),
                    ("mode", file.mode.is_some()),
                ]
            });
            let of_folder = spec.directory.as_ref().map(|folder| {
                [
                    ("owner", folder.owner.is_some()),
                    ("group", folder.group.is_some()),
                    ("mode", folder.mode.is_some()),
                ]
            });
            let keys = of_file.into_iter().flatten().chain(of_folder.into_iter().flatten());
            for (key, _) in keys.filter(|(_, given)| *given) {
                let message = format!("what is to be absent has no `{key}`");
                let finding = Finding::new(code::RESOURCE, message, raw.key_place(&format!("{base}/{key}")));
                self.push(finding.help(format!("take `{key}` out, or take out `state: absent`")));
            }
        }
        self.of_the_system(raw, base, spec);
        if let Some(line) = &spec.line {
            let gone = line.state == Some(Presence::Absent);
            if line.line.is_none() && !(gone && line.r#match.is_some()) {
                let place = raw.place(base);
                let finding = Finding::new(code::MISSING_KEY, "the key `line` is missing", place);
                self.push(finding.help("add `line: …`, or `state: absent` with `match`"));
            }
        }
    }

    /// The same for services, variables and the like.
    fn of_the_system(&mut self, raw: &RawDocument, base: &str, spec: &ResourceSpec) {
        if let Some(service) = &spec.service {
            let keys = [("running", service.running.is_some()), ("startup", service.startup.is_some())];
            self.at_least_one(raw, base, &keys);
        }
        if let Some(variable) = &spec.environment
            && variable.value.is_none()
            && variable.state != Some(Presence::Absent)
        {
            self.lacks(raw, base, "value", "add `value: …`, or `state: absent`");
        }
        if let Some(power) = &spec.power {
            let none = crate::config::kind::system_resource::PowerResource::default();
            if *power == none {
                let message = "there is nothing to look after here";
                let finding = Finding::new(code::MISSING_KEY, message, raw.place(base));
                self.push(finding.help("name at least one setting, such as `sleepMains: 30`"));
            }
        }
        if let Some(registry) = &spec.registry
            && registry.name.is_none()
            && (registry.r#type.is_some() || registry.data.is_some())
        {
            self.lacks(raw, base, "name", "only a value has a type and data: add `name: …`");
        }
        if let Some(task) = &spec.scheduled_task {
            self.scheduled(raw, base, task);
        }
    }

    fn scheduled(&mut self, raw: &RawDocument, base: &str, task: &ScheduledTaskResource) {
        let times = |text: &str| {
            let digits = |text: &str, most: u8| {
                text.len() == 2
                    && text.bytes().all(|b| b.is_ascii_digit())
                    && text.parse::<u8>().is_ok_and(|n| n <= most)
            };
            text.split_once(':').is_some_and(|(hour, minute)| digits(hour, 23) && digits(minute, 59))
        };
        if task.at.as_deref().is_some_and(|at| !times(at)) {
            let finding = Finding::new(
                code::INVALID_VALUE,
                "this is not a time of the day",
                raw.place(&format!("{base}/at")),
            );
            self.push(finding.help("write hours and minutes in quotes, such as '02:30'"));
        }
        if task.cron.as_deref().is_some_and(|cron| !is_cron(cron)) {
            let finding = Finding::new(
                code::INVALID_VALUE,
                "these are not the five fields of cron",
                raw.place(&format!("{base}/cron")),
            );
            self.push(
                finding
                    .help("write minute, hour, day, month and day of the week, such as '30 2 * * mon-fri'"),
            );
        }
        let week = task.every == Some(Every::Week);
        if week && task.days.is_none() {
            self.lacks(raw, base, "days", "add `days: [mon, …]`");
        }
        if let Some(days) = &task.days {
            self.not_empty_list(raw, &format!("{base}/days"), days);
        }
        if task.state == Some(Presence::Absent) {
            return;
        }
        if task.command.is_none() {
            self.lacks(raw, base, "command", "add `command: …`, or `state: absent`");
        }
        match (task.every.is_some(), task.cron.is_some()) {
            (false, false) => self.lacks(raw, base, "every", "add `every: day` and the like, or `cron`"),
            (_, true) => {
                let others = [
                    ("every", task.every.is_some()),
                    ("at", task.at.is_some()),
                    ("days", task.days.is_some()),
                ];
                for (key, _) in others.iter().filter(|(_, given)| *given) {
                    let message = format!("`cron` says when, and `{key}` cannot be beside it");
                    let finding =
                        Finding::new(code::SETTING, message, raw.key_place(&format!("{base}/{key}")));
                    self.push(finding.help("take one of them out"));
                }
            }
            (true, false) => {}
        }
    }

    fn lacks(&mut self, raw: &RawDocument, base: &str, key: &str, help: &str) {
        let finding = Finding::new(code::MISSING_KEY, format!("the key `{key}` is missing"), raw.place(base));
        self.push(finding.help(help));
    }

    /// A property as its script knows it.
    fn property(
        &mut self,
        raw: &RawDocument,
        base: &str,
        given: &Given,
        parameters: &BTreeMap<String, ParameterSpec>,
    ) -> (&'static str, ResourceProperty) {
        let is_content = given.name == CONTENT;
        match &given.value {
            PropertyValue::Given(value @ ParameterValue::Secret(_)) if is_content => {
                (SECRET_CONTENT, ResourceProperty::Value(value.clone()))
            }
            PropertyValue::Given(ParameterValue::Text(text)) if is_content => {
                let file = ParameterValue::File(FileValue::of_text(CONTENT, text));
                (CONTENT, ResourceProperty::Value(file))
            }
            PropertyValue::Given(value) => (given.name, ResourceProperty::Value(value.clone())),
            PropertyValue::Parameter(name) => {
                let place = raw.place(&format!("{base}/{}/param", given.name));
                let kind = parameters.get(name).map(|spec| spec.r#type);
                match kind {
                    None => {
                        let message = format!("this task has no parameter `{name}`");
                        let finding = Finding::new(code::PARAMETER, message, place);
                        let near = nearest(name, parameters.keys().map(String::as_str));
                        self.push(match near {
                            Some(near) => finding.help(format!("did you mean `{near}`?")),
                            None => finding.help("declare it below `parameters`"),
                        });
                    }
                    Some(kind) if !given.types.contains(&kind) => {
                        let message = format!(
                            "the parameter `{name}` is of a type that `{}` does not take",
                            given.name
                        );
                        let types: Vec<String> = given.types.iter().copied().map(type_name).collect();
                        let types = listed(types.iter().map(String::as_str), "or");
                        self.push(
                            Finding::new(code::PARAMETER, message, place).help(format!("it takes {types}")),
                        );
                    }
                    Some(_) => {}
                }
                match kind {
                    Some(ParameterType::Secret) if is_content => {
                        (SECRET_CONTENT, ResourceProperty::Parameter(name.clone()))
                    }
                    _ if is_content => (CONTENT, ResourceProperty::ContentOf(name.clone())),
                    _ => (given.name, ResourceProperty::Parameter(name.clone())),
                }
            }
        }
    }
}

/// Whether these are five fields that cron can take: the first of digits and signs, the others of letters too.
fn is_cron(text: &str) -> bool {
    let fields: Vec<&str> = text.split(' ').collect();
    let sign = |b: u8| b.is_ascii_digit() || b"*/,-".contains(&b);
    let first = fields.first().is_some_and(|field| field.bytes().all(sign));
    let rest = fields
        .iter()
        .all(|field| !field.is_empty() && field.bytes().all(|b| sign(b) || b.is_ascii_alphabetic()));
    fields.len() == 5 && first && rest
}

/// A type as it stands in YAML.
fn type_name(kind: ParameterType) -> String {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::kind::ResourceKind;

    #[test]
    fn every_kind_has_a_key_of_its_own_name() {
        let keys: Vec<&str> = ResourceSpec::default().keys().into_iter().map(|(key, _)| key).collect();
        let kinds: Vec<&str> = ResourceKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(keys, kinds);
    }
}
