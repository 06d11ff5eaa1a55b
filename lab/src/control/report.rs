//! Surface C: reports over sessions, connections and events, as JSON or CSV.
//!
//! Invariant: whoever is not signed in gets a web page with status 200, as on a real server.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::session::{Event, Session};
use super::{Control, fields};
use crate::condition::{Condition, Dialect, parse};
use crate::wire::{Reply, Request};

impl Control {
    pub(super) fn report(&self, request: &Request, csv: bool) -> Reply {
        if self.signed_in(request).is_err() {
            return self.page(request);
        }
        match self.rows(request) {
            Ok((names, rows)) if csv => {
                let line = |cells: Vec<String>| cells.iter().map(|c| quoted(c)).collect::<Vec<_>>().join(",");
                let mut text = line(names);
                for row in rows {
                    text.push_str("\r\n");
                    text.push_str(&line(row.iter().map(plain).collect()));
                }
                text.push_str("\r\n");
                let mut reply = Reply::text(200, text);
                reply.headers = vec![("content-type", "text/csv; charset=utf-8".to_owned())];
                reply
            }
            Ok((names, rows)) => Reply::json(&json!({ "FieldNames": names, "Items": rows })),
            Err(message) => Reply::text(500, message),
        }
    }

    fn rows(&self, request: &Request) -> Result<(Vec<String>, Vec<Vec<Value>>), String> {
        let kind = request.parameter("ReportType").unwrap_or("Session").to_ascii_lowercase();
        if !["session", "sessionconnection", "sessionevent", "sessionconnectionevent"]
            .contains(&kind.as_str())
        {
            return Err(format!("Unknown report type: {kind}"));
        }
        let filter = request.parameter("Filter").filter(|filter| !filter.trim().is_empty());
        let filter = filter.map(|filter| parse(Dialect::Control, filter)).transpose()?;
        let groups = request.parameters("GroupFields");
        let selected = request.parameters("SelectFields");
        let limit = request.parameter("ItemLimit").and_then(|text| text.parse().ok()).unwrap_or(usize::MAX);
        let mut rows = Vec::new();
        for session in self.sessions() {
            if kind == "session" {
                rows.extend(self.row(filter.as_ref(), &groups, &selected, &|name| {
                    fields::filterable(name).map(|name| fields::session(&self.world, &session, name))
                })?);
            } else if kind == "sessionconnection" {
                if session.presence(&self.world).0.is_some() {
                    rows.extend(self.row(filter.as_ref(), &groups, &selected, &|name| {
                        fields::connection(&self.world, &session, name)
                    })?);
                }
            } else {
                self.event_rows(&kind, &session, filter.as_ref(), &groups, &selected, &mut rows)?;
            }
            if groups.is_empty() && rows.len() >= limit {
                break;
            }
        }
        if !groups.is_empty() {
            let names: Vec<String> =
                groups.iter().map(|name| (*name).to_owned()).chain(["Count".to_owned()]).collect();
            return Ok((names, counted(rows).into_iter().take(limit).collect()));
        }
        rows.truncate(limit);
        let names = if selected.is_empty() { fields::SESSION.to_vec() } else { selected };
        Ok((names.iter().map(|name| (*name).to_owned()).collect(), rows))
    }

    fn event_rows(
        &self,
        kind: &str,
        session: &Session,
        filter: Option<&Condition>,
        groups: &[&str],
        selected: &[&str],
        rows: &mut Vec<Vec<Value>>,
    ) -> Result<(), String> {
        // Events of the guest's connection stand in a table of their own. The output of commands is found under both.
        let wanted = |event: &&Event| kind == "sessionevent" || event.of_guest;
        let events: Vec<Event> = session.data().events.iter().filter(wanted).cloned().collect();
        for event in events {
            rows.extend(
                self.row(filter, groups, selected, &|name| {
                    fields::event(&self.world, session, &event, name)
                })?,
            );
        }
        Ok(())
    }

    /// One row, when the filter holds.
    #[expect(clippy::unused_self, reason = "it belongs to the report")]
    fn row(
        &self,
        filter: Option<&Condition>,
        groups: &[&str],
        selected: &[&str],
        field: &dyn Fn(&str) -> Option<Value>,
    ) -> Result<Option<Vec<Value>>, String> {
        if let Some(filter) = filter {
            if let Some(unknown) = filter.members().into_iter().find(|name| field(name).is_none()) {
                return Err(format!("Unknown field: {unknown}"));
            }
            if !filter.holds(&|name| field(name).unwrap_or_default()) {
                return Ok(None);
            }
        }
        let names = match (groups, selected) {
            ([], []) => fields::SESSION,
            ([], selected) => selected,
            (groups, _) => groups,
        };
        let value = |name: &&str| field(name).ok_or_else(|| format!("Unknown field: {name}"));
        names.iter().map(value).collect::<Result<Vec<_>, _>>().map(Some)
    }
}

/// Groups with their counts.
fn counted(rows: Vec<Vec<Value>>) -> Vec<Vec<Value>> {
    let mut counts: BTreeMap<String, (Vec<Value>, u64)> = BTreeMap::new();
    for row in rows {
        let key = Value::Array(row.clone()).to_string();
        counts.entry(key).or_insert((row, 0)).1 += 1;
    }
    let with_count = |(mut row, count): (Vec<Value>, u64)| {
        row.push(count.into());
        row
    };
    counts.into_values().map(with_count).collect()
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}
