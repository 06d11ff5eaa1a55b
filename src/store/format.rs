//! How the nouns stand in rows: text, numbers and JSON that every SQL database can hold.
//!
//! Not here: the statements (`sqlite`).
//!
//! Invariants: times are whole microseconds since 1970; closed sets stand as the words of their `serde` form; texts that
//! come from computers are bounded here once more, whatever the caller has bounded already.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    ActionRecord, ItemResult, KeptFailure, KeptSource, MaintenanceRecord, RunRecord, SessionRecord,
    StoreError, StoredComputer,
};
use crate::id::{ComputerId, Name};
use crate::inventory::facts::Facts;
use crate::inventory::identify::MemoryChange;
use crate::inventory::item::{Detection, ItemKey, ItemKind, Observed};
use crate::policy::protection::Protection;
use crate::time::Timestamp;

/// Longer texts from computers (bytes) are cut before they are written.
pub const LONGEST_TEXT: usize = 256 * 1024;

/// What a cut text ends with.
const CUT: &str = "\n[cut]";

/// A row that cannot be read.
pub(super) fn broken(
    what: &'static str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreError {
    StoreError::Broken { what, source: source.into() }
}

/// A row that cannot be written.
fn unwritable(source: serde_json::Error) -> StoreError {
    StoreError::Failed { operation: "put a value into its stored form", source: Box::new(source) }
}

/// Microseconds since 1970.
pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// The instant, if the number is one.
pub(super) fn instant(what: &'static str, micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|error| broken(what, error))
}

/// A value as JSON.
pub(super) fn text<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(unwritable)
}

/// A value from JSON.
pub(super) fn value<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| broken(what, error))
}

/// A member of a closed set as its word.
pub(super) fn word<T: Serialize>(member: T) -> Result<String, StoreError> {
    match serde_json::to_value(member).map_err(unwritable)? {
        Value::String(word) => Ok(word),
        other => Ok(other.to_string()),
    }
}

/// The member of a closed set that has this word.
pub(super) fn member<T: DeserializeOwned>(what: &'static str, word: &str) -> Result<T, StoreError> {
    T::deserialize(serde::de::value::StrDeserializer::<serde_json::Error>::new(word))
        .map_err(|error| broken(what, error))
}

/// A name.
pub(super) fn name(what: &'static str, text: &str) -> Result<Name, StoreError> {
    Name::new(text).map_err(|error| broken(what, error))
}

/// An item from its three columns.
pub(super) fn item(
    what: &'static str,
    kind: &str,
    item_name: &str,
    instance: &str,
) -> Result<ItemKey, StoreError> {
    let kind: ItemKind = member(what, kind)?;
    let instance = if instance.is_empty() { None } else { Some(name(what, instance)?) };
    Ok(ItemKey { kind, name: name(what, item_name)?, instance })
}

/// An item's instance as its column: empty without one.
pub(super) fn instance(item: &ItemKey) -> &str {
    item.instance.as_ref().map_or("", Name::as_str)
}

/// The text, cut at a character's end when it is longer than [`LONGEST_TEXT`].
pub(super) fn bounded(text: &str) -> String {
    if text.len() <= LONGEST_TEXT {
        return text.to_owned();
    }
    let mut end = LONGEST_TEXT.saturating_sub(CUT.len());
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    format!("{}{CUT}", text.get(..end).unwrap_or_default())
}

/// An observation as JSON, its texts bounded.
pub(super) fn observed(observed: &Observed) -> Result<String, StoreError> {
    match observed {
        Observed::NonCompliant { detail, fields } if detail.len() > LONGEST_TEXT => {
            text(&Observed::NonCompliant { detail: bounded(detail), fields: fields.clone() })
        }
        Observed::Value { value } if value.len() > LONGEST_TEXT => {
            text(&Observed::Value { value: bounded(value) })
        }
        Observed::Undetermined { why } if why.len() > LONGEST_TEXT => {
            text(&Observed::Undetermined { why: bounded(why) })
        }
        other => text(other),
    }
}

/// `session, provider, agent, begun, unsettled, body`.
pub(super) fn maintenance_row(record: &MaintenanceRecord) -> Result<Value, StoreError> {
    Ok(json!([
        record.session.as_str(),
        record.agent.provider.as_str(),
        record.agent.agent.as_str(),
        micros(record.begun),
        i64::from(record.is_open()),
        text(record)?,
    ]))
}

/// `id, facts, facts_at, contact, contacted`.
pub(super) fn computer_row(computer: &StoredComputer) -> Result<Value, StoreError> {
    let facts = computer.facts.as_deref().map(|(_, facts)| text(facts)).transpose()?;
    let facts_at = computer.facts.as_deref().map(|(at, _)| micros(*at));
    let contacted = computer.contacted.map(micros);
    Ok(json!([
        computer.id.as_str(),
        facts,
        facts_at,
        text(&computer.contact)?,
        contacted,
        computer.provider.as_str(),
        text(&computer.agent)?,
        i64::from(computer.listed),
    ]))
}

/// `kind, name, key, at, content`.
pub(super) fn source_row(source: &KeptSource) -> Result<Value, StoreError> {
    let KeptSource { kind, name, key, at, content } = source;
    Ok(json!([word(kind)?, name.as_str(), key, micros(*at), content]))
}

/// `kind, id, body`; the body is missing where something is forgotten.
pub(super) fn identification_rows(
    change: &MemoryChange,
) -> impl Iterator<Item = Result<Value, StoreError>> + Send {
    let agents = change
        .agents
        .iter()
        .map(|(key, body)| Ok(json!(["agent", key.to_string(), body.as_ref().map(text).transpose()?])));
    let computers = change
        .computers
        .iter()
        .map(|(id, body)| Ok(json!(["computer", id.as_str(), body.as_ref().map(text).transpose()?])));
    agents.chain(computers)
}

/// `id, facts, facts_at`.
pub(super) fn facts_row(computer: &ComputerId, at: Timestamp, facts: &Facts) -> Result<Value, StoreError> {
    Ok(json!([computer.as_str(), text(facts)?, micros(at)]))
}

/// `computer, kind, name, instance, probe, at, observed`.
pub(super) fn detection_row(detection: &Detection) -> Result<Value, StoreError> {
    let Detection { computer, item, probe, at, observed: seen } = detection;
    Ok(json!([
        computer.as_str(),
        word(item.kind)?,
        item.name.as_str(),
        instance(item),
        probe.as_str(),
        micros(*at),
        observed(seen)?,
    ]))
}

/// `kind, name, body`.
pub(super) fn protection_row(protection: &Protection) -> Result<Value, StoreError> {
    Ok(json!([protection.key.kind.as_str(), protection.key.name.as_str(), text(protection)?]))
}

/// `id, started, finished, revision, plan, overrides`.
pub(super) fn run_row(run: &RunRecord) -> Result<Value, StoreError> {
    Ok(json!([
        run.id.as_str(),
        micros(run.started),
        run.finished.map(micros),
        run.commit.as_ref().map(crate::id::CommitId::as_str),
        run.plan.as_str(),
        text(&run.overrides)?,
    ]))
}

/// `id, run, computer, name, tenant, status, started, finished`.
pub(super) fn session_row(session: &SessionRecord) -> Result<Value, StoreError> {
    Ok(json!([
        session.id.as_str(),
        session.run.as_str(),
        session.computer.as_str(),
        session.name,
        session.tenant.as_ref().map(Name::as_str),
        word(session.status)?,
        micros(session.started),
        session.finished.map(micros),
    ]))
}

/// `computer, kind, name, instance, action, result, observed, content, at, session`.
pub(super) fn result_row(result: &ItemResult) -> Result<Value, StoreError> {
    Ok(json!([
        result.computer.as_str(),
        word(result.item.kind)?,
        result.item.name.as_str(),
        instance(&result.item),
        word(result.action)?,
        word(result.result)?,
        result.observed.as_ref().map(observed).transpose()?,
        result.content.as_str(),
        micros(result.at),
        result.session.as_str(),
        result.values.as_ref().map(crate::id::Digest::as_str),
    ]))
}

/// A failure as its row.
pub(super) fn failure_row(failure: &KeptFailure) -> Result<Value, StoreError> {
    Ok(json!([
        word(failure.kind)?,
        failure.name.as_str(),
        micros(failure.since),
        failure.message.as_deref().map(bounded),
        text(&failure.doubts)?,
    ]))
}

/// An action in its stored form, ready to bind in the order of its columns.
#[derive(Debug)]
pub(super) struct ActionRow {
    pub(super) session: String,
    pub(super) position: i64,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) instance: String,
    pub(super) action: String,
    pub(super) reason: String,
    pub(super) content: String,
    pub(super) before: String,
    pub(super) after: Option<String>,
    pub(super) result: Option<String>,
    pub(super) message: Option<String>,
    pub(super) output: Option<String>,
    pub(super) started: i64,
    pub(super) finished: Option<i64>,
}

impl ActionRow {
    pub(super) fn of(action: &ActionRecord) -> Result<Self, StoreError> {
        Ok(Self {
            session: action.session.as_str().to_owned(),
            position: action.position.into(),
            kind: word(action.item.kind)?,
            name: action.item.name.as_str().to_owned(),
            instance: instance(&action.item).to_owned(),
            action: word(action.action)?,
            reason: word(action.reason)?,
            content: action.content.as_str().to_owned(),
            before: observed(&action.before)?,
            after: action.after.as_ref().map(observed).transpose()?,
            result: action.result.map(word).transpose()?,
            message: action.message.as_deref().map(bounded),
            output: action.output.as_deref().map(bounded),
            started: micros(action.started),
            finished: action.finished.map(micros),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::stage::SessionStatus;

    #[test]
    fn a_long_text_is_cut_at_a_character_and_says_so() {
        assert_eq!(bounded("short"), "short");
        let long = "ä".repeat(LONGEST_TEXT);
        let cut = bounded(&long);
        assert!(cut.len() <= LONGEST_TEXT && cut.len() > LONGEST_TEXT - 16, "{}", cut.len());
        assert!(cut.ends_with("ä\n[cut]"));
    }

    #[test]
    fn closed_sets_stand_as_words_and_unknown_words_are_broken() {
        assert_eq!(word(SessionStatus::PartlyPassed).expect("a word"), "partly-passed");
        assert_eq!(
            member::<SessionStatus>("session", "partly-passed").ok(),
            Some(SessionStatus::PartlyPassed)
        );
        let error = member::<SessionStatus>("session", "resting").expect_err("no such status");
        assert_eq!(error.to_string(), "the state holds a broken session");
    }
}
