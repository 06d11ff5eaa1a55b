//! Lists of Automate: conditions, ids, order, pages and the choice of members.
//!
//! Not here: what is in the lists.
//!
//! Invariants: an answer is a bare array, without a total; past the end it is empty. Parameters may have their flat names or
//! those with `options.`, in any case.

use std::cmp::Ordering;

use serde_json::Value;

use super::error;
use crate::condition::{Dialect, parse};
use crate::fleet::AutomateSettings;
use crate::wire::{Reply, Request};

/// Records that can be listed.
pub(super) trait Rows {
    /// How many there are.
    fn count(&self) -> usize;
    /// The names of their members.
    fn members(&self) -> Vec<&str>;
    /// A member; null when the record does not have it.
    fn member(&self, at: usize, name: &str) -> Value;
    /// Writes members of a record, chosen by their places among [`Rows::members`]. Those that are null are left out.
    fn write(&self, at: usize, chosen: &[usize], to: &mut Vec<u8>);
    /// The name of the member that `ids` means.
    fn id(&self) -> &'static str {
        "Id"
    }
}

/// Records that are few.
pub(super) struct Few {
    names: Vec<String>,
    rows: Vec<Value>,
    id: &'static str,
}

impl Few {
    pub(super) fn new(rows: Vec<Value>) -> Self {
        let mut names: Vec<String> = Vec::new();
        for name in rows.iter().filter_map(Value::as_object).flat_map(|row| row.keys()) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        Self { names, rows, id: "Id" }
    }

    pub(super) const fn with_id(mut self, id: &'static str) -> Self {
        self.id = id;
        self
    }
}

impl Rows for Few {
    fn count(&self) -> usize {
        self.rows.len()
    }

    fn members(&self) -> Vec<&str> {
        self.names.iter().map(String::as_str).collect()
    }

    fn member(&self, at: usize, name: &str) -> Value {
        let row = self.rows.get(at).and_then(Value::as_object);
        row.and_then(|row| row.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)))
            .map(|(_, value)| value.clone())
            .unwrap_or_default()
    }

    fn write(&self, at: usize, chosen: &[usize], to: &mut Vec<u8>) {
        let members = chosen.iter().filter_map(|at| self.names.get(*at));
        write_members(members.map(|name| (name.as_str(), self.member(at, name))), to);
    }

    fn id(&self) -> &'static str {
        self.id
    }
}

/// Writes an object with the members that are not null.
pub(super) fn write_members<'a>(members: impl Iterator<Item = (&'a str, Value)>, to: &mut Vec<u8>) {
    to.push(b'{');
    let mut first = true;
    for (name, value) in members.filter(|(_, value)| !value.is_null()) {
        if !first {
            to.push(b',');
        }
        first = false;
        to.push(b'"');
        to.extend_from_slice(name.as_bytes());
        to.extend_from_slice(b"\":");
        // Writing into memory cannot fail.
        _ = serde_json::to_writer(&mut *to, &value);
    }
    to.push(b'}');
}

/// A parameter under its flat name or with `options.` before one of the names.
fn option<'a>(request: &'a Request, names: &[&str]) -> Option<&'a str> {
    names
        .iter()
        .flat_map(|name| [(*name).to_owned(), format!("options.{name}")])
        .find_map(|name| request.parameter(&name))
        .filter(|text| !text.is_empty())
}

/// All values of a parameter that may be repeated or hold commas.
fn split(request: &Request, names: &[&str]) -> Vec<String> {
    let known = names.iter().flat_map(|name| [(*name).to_owned(), format!("options.{name}")]);
    let all =
        known.flat_map(|name| request.parameters(&name).into_iter().map(str::to_owned).collect::<Vec<_>>());
    all.flat_map(|text| text.split(',').map(|one| one.trim().to_owned()).collect::<Vec<_>>())
        .filter(|part| !part.is_empty())
        .collect()
}

/// A member by its path, such as `Client.Name`.
fn at_path(rows: &dyn Rows, at: usize, path: &str) -> Value {
    let mut parts = path.split('.');
    let mut value = rows.member(at, parts.next().unwrap_or_default());
    for part in parts {
        value = inner(&value, part);
    }
    value
}

fn inner(value: &Value, name: &str) -> Value {
    match value {
        Value::Array(list) => Value::Array(list.iter().map(|value| inner(value, name)).collect()),
        Value::Object(object) => object
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.clone())
            .unwrap_or_default(),
        _ => Value::Null,
    }
}

/// Answers a list.
pub(super) fn answer(request: &Request, settings: &AutomateSettings, rows: &dyn Rows) -> Reply {
    match selected(request, settings, rows) {
        Ok(body) => {
            let kind = ("content-type", "application/json; charset=utf-8".to_owned());
            Reply { status: 200, headers: vec![kind], body }
        }
        Err(message) => error(400, &message),
    }
}

fn selected(request: &Request, settings: &AutomateSettings, rows: &dyn Rows) -> Result<Vec<u8>, String> {
    let members = rows.members();
    let known = |name: &str| {
        let first = name.split('.').next().unwrap_or_default();
        members.iter().any(|member| member.eq_ignore_ascii_case(first)) || members.is_empty()
    };
    let condition = option(request, &["condition"]).map(|text| parse(Dialect::Automate, text)).transpose();
    let condition = condition.map_err(|what| format!("The condition is invalid: {what}"))?;
    if let Some(unknown) = condition.iter().flat_map(|c| c.members()).find(|name| !known(name)) {
        return Err(format!("The condition is invalid: there is no member {unknown}"));
    }
    let ids = split(request, &["ids"]);
    let id = rows.id();
    let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut found: Vec<usize> = (0..rows.count())
        .filter(|at| ids.is_empty() || ids.contains(&text(rows.member(*at, id))))
        .filter(|at| condition.as_ref().is_none_or(|c| c.holds(&|name| at_path(rows, *at, name))))
        .collect();
    if let Some(order) = option(request, &["orderBy", "orderBy.name"]) {
        let (name, direction) = order.trim().split_once(' ').unwrap_or((order.trim(), ""));
        let direction = option(request, &["orderBy.type"]).unwrap_or(direction).trim().to_lowercase();
        if !known(name) {
            return Err(format!("There is no member {name} to order by"));
        }
        let descending = direction.starts_with("desc");
        found.sort_by(|a, b| {
            let order = compare(&at_path(rows, *a, name), &at_path(rows, *b, name));
            if descending { order.reverse() } else { order }
        });
    }
    let page = page(request, settings, found)?;
    let chosen = chosen(request, &members)?;
    let mut body = Vec::with_capacity(page.len() * 512);
    body.push(b'[');
    for (number, at) in page.iter().enumerate() {
        if number > 0 {
            body.push(b',');
        }
        rows.write(*at, &chosen, &mut body);
    }
    body.push(b']');
    Ok(body)
}

fn compare(a: &Value, b: &Value) -> Ordering {
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => a.to_string().to_lowercase().cmp(&b.to_string().to_lowercase()),
    }
}

fn page(request: &Request, settings: &AutomateSettings, found: Vec<usize>) -> Result<Vec<usize>, String> {
    let number = |names: &[&str]| -> Result<Option<i64>, String> {
        option(request, names)
            .map(|text| text.parse().map_err(|_| format!("{} is no number: {text}", names.concat())))
            .transpose()
    };
    let page = number(&["page"])?.unwrap_or(1);
    let size = number(&["pageSize"])?;
    if page < 1 || size.is_some_and(|size| size == 0 || size < -1) {
        return Err("page begins at 1, and pageSize is at least 1".to_owned());
    }
    let size = match size {
        Some(-1) => return Ok(if page == 1 { found } else { Vec::new() }),
        Some(size) => usize::try_from(size).unwrap_or(1).min(settings.largest_page),
        None => settings.page_size,
    };
    let skip = usize::try_from(page - 1).unwrap_or(usize::MAX).saturating_mul(size);
    Ok(found.into_iter().skip(skip).take(size).collect())
}

/// The places of the members that are asked for.
fn chosen(request: &Request, members: &[&str]) -> Result<Vec<usize>, String> {
    let include = split(request, &["includeFields", "includedFields"]);
    let exclude = split(request, &["excludeFields", "excludedFields"]);
    let has = |list: &[String], member: &str| list.iter().any(|name| name.eq_ignore_ascii_case(member));
    let unknown = include.iter().find(|name| !members.iter().any(|member| member.eq_ignore_ascii_case(name)));
    if let Some(unknown) = unknown.filter(|_| !members.is_empty()) {
        return Err(format!("There is no member {unknown}"));
    }
    let wanted = |member: &str| (include.is_empty() || has(&include, member)) && !has(&exclude, member);
    Ok((0..members.len()).filter(|at| members.get(*at).is_some_and(|member| wanted(member))).collect())
}
