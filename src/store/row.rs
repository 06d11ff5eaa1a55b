//! Reading rows: the nouns from their columns, in the order in which `sqlite` selects them.
//!
//! Not here: the stored forms themselves (`format`).
//!
//! Invariant: a row that does not hold what it should is an error that names what it is, never a default.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::{
    ActionRecord, ItemResult, KeptFailure, KeptSource, KeptValue, MaintenanceRecord, RunRecord,
    SessionRecord, StoreError, StoredComputer, format,
};
use crate::id::{AgentId, CommitId, ComputerId, Digest, RunId, SessionId};
use crate::inventory::identify::Remember;
use crate::inventory::item::{Detection, ItemKey};
use crate::inventory::known::AgentKey;
use crate::plan::document::ActionType;
use crate::policy::protection::Protection;

/// A column of a row.
fn column<'r, T>(what: &'static str, row: &'r AnyRow, index: usize) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, sqlx::Any> + sqlx::Type<sqlx::Any>,
{
    row.try_get(index).map_err(|error| format::broken(what, error))
}

pub(super) fn computer(row: &AnyRow) -> Result<StoredComputer, StoreError> {
    const WHAT: &str = "computer";
    let facts: Option<&str> = column(WHAT, row, 1)?;
    let facts_at: Option<i64> = column(WHAT, row, 2)?;
    let facts = match (facts, facts_at) {
        (Some(facts), Some(at)) => Some(Box::new((format::instant(WHAT, at)?, format::value(WHAT, facts)?))),
        _ => None,
    };
    let contacted: Option<i64> = column(WHAT, row, 4)?;
    Ok(StoredComputer {
        id: ComputerId::new(column::<&str>(WHAT, row, 0)?),
        provider: format::name(WHAT, column(WHAT, row, 5)?)?,
        agent: format::value(WHAT, column(WHAT, row, 6)?)?,
        facts,
        contact: format::value(WHAT, column(WHAT, row, 3)?)?,
        contacted: contacted.map(|at| format::instant(WHAT, at)).transpose()?,
        listed: column::<i64>(WHAT, row, 7)? != 0,
    })
}

pub(super) fn source(row: &AnyRow) -> Result<KeptSource, StoreError> {
    const WHAT: &str = "source";
    Ok(KeptSource {
        kind: format::member(WHAT, column(WHAT, row, 0)?)?,
        name: format::name(WHAT, column(WHAT, row, 1)?)?,
        key: column(WHAT, row, 2)?,
        at: format::instant(WHAT, column(WHAT, row, 3)?)?,
        content: column(WHAT, row, 4)?,
    })
}

pub(super) fn failure(row: &AnyRow) -> Result<KeptFailure, StoreError> {
    const WHAT: &str = "failure of a source";
    Ok(KeptFailure {
        kind: format::member(WHAT, column(WHAT, row, 0)?)?,
        name: format::name(WHAT, column(WHAT, row, 1)?)?,
        since: format::instant(WHAT, column(WHAT, row, 2)?)?,
        message: column(WHAT, row, 3)?,
        doubts: format::value(WHAT, column(WHAT, row, 4)?)?,
    })
}

/// What is remembered of one agent or one computer.
pub(super) fn identified(row: &AnyRow) -> Result<Remember, StoreError> {
    const WHAT: &str = "record of agents and computers";
    let (id, body): (&str, &str) = (column(WHAT, row, 1)?, column(WHAT, row, 2)?);
    match column::<&str>(WHAT, row, 0)? {
        "agent" => {
            let (provider, agent) =
                id.split_once('/').ok_or_else(|| format::broken(WHAT, "an agent without a provider"))?;
            let key = AgentKey { provider: format::name(WHAT, provider)?, agent: AgentId::new(agent) };
            Ok(Remember::Agent(key, format::value(WHAT, body)?))
        }
        "computer" => Ok(Remember::Computer(ComputerId::new(id), format::value(WHAT, body)?)),
        _ => Err(format::broken(WHAT, "neither an agent nor a computer")),
    }
}

pub(super) fn detection(row: &AnyRow) -> Result<Detection, StoreError> {
    const WHAT: &str = "detection";
    Ok(Detection {
        computer: ComputerId::new(column::<&str>(WHAT, row, 0)?),
        item: format::item(WHAT, column(WHAT, row, 1)?, column(WHAT, row, 2)?, column(WHAT, row, 3)?)?,
        probe: Digest::new(column::<&str>(WHAT, row, 4)?),
        at: format::instant(WHAT, column(WHAT, row, 5)?)?,
        observed: format::value(WHAT, column(WHAT, row, 6)?)?,
    })
}

/// A part of what is remembered, and its number.
pub(super) fn remembered(row: &AnyRow) -> Result<(i64, String), StoreError> {
    const WHAT: &str = "record of what was wanted";
    Ok((column(WHAT, row, 0)?, column::<&str>(WHAT, row, 1)?.to_owned()))
}

/// A kind of change and the seconds it took.
pub(super) fn duration(row: &AnyRow) -> Result<((ItemKey, ActionType), f64), StoreError> {
    const WHAT: &str = "duration";
    let item = format::item(WHAT, column(WHAT, row, 0)?, column(WHAT, row, 1)?, column(WHAT, row, 2)?)?;
    let micros: f64 = column(WHAT, row, 4)?;
    Ok(((item, format::member(WHAT, column(WHAT, row, 3)?)?), micros / 1e6))
}

pub(super) fn kept_value(row: &AnyRow) -> Result<KeptValue, StoreError> {
    const WHAT: &str = "value";
    Ok(KeptValue {
        item: format::item(WHAT, column(WHAT, row, 0)?, column(WHAT, row, 1)?, column(WHAT, row, 2)?)?,
        at: format::instant(WHAT, column(WHAT, row, 3)?)?,
        observed: format::value(WHAT, column(WHAT, row, 4)?)?,
    })
}

pub(super) fn run(row: &AnyRow) -> Result<RunRecord, StoreError> {
    const WHAT: &str = "run";
    let finished: Option<i64> = column(WHAT, row, 2)?;
    let commit: Option<&str> = column(WHAT, row, 3)?;
    Ok(RunRecord {
        id: RunId::new(column::<&str>(WHAT, row, 0)?),
        started: format::instant(WHAT, column(WHAT, row, 1)?)?,
        finished: finished.map(|at| format::instant(WHAT, at)).transpose()?,
        commit: commit.map(CommitId::new),
        plan: Digest::new(column::<&str>(WHAT, row, 4)?),
        overrides: format::value(WHAT, column(WHAT, row, 5)?)?,
    })
}

pub(super) fn protection(row: &AnyRow) -> Result<Protection, StoreError> {
    const WHAT: &str = "protection";
    format::value(WHAT, column(WHAT, row, 0)?)
}

pub(super) fn maintenance(row: &AnyRow) -> Result<MaintenanceRecord, StoreError> {
    const WHAT: &str = "maintenance mode";
    format::value(WHAT, column(WHAT, row, 0)?)
}

pub(super) fn session(row: &AnyRow) -> Result<SessionRecord, StoreError> {
    const WHAT: &str = "session";
    let tenant: Option<&str> = column(WHAT, row, 4)?;
    let finished: Option<i64> = column(WHAT, row, 7)?;
    Ok(SessionRecord {
        id: SessionId::new(column::<&str>(WHAT, row, 0)?),
        run: RunId::new(column::<&str>(WHAT, row, 1)?),
        computer: ComputerId::new(column::<&str>(WHAT, row, 2)?),
        name: column(WHAT, row, 3)?,
        tenant: tenant.map(|tenant| format::name(WHAT, tenant)).transpose()?,
        status: format::member(WHAT, column(WHAT, row, 5)?)?,
        started: format::instant(WHAT, column(WHAT, row, 6)?)?,
        finished: finished.map(|at| format::instant(WHAT, at)).transpose()?,
    })
}

pub(super) fn action(row: &AnyRow) -> Result<ActionRecord, StoreError> {
    const WHAT: &str = "action";
    let after: Option<&str> = column(WHAT, row, 9)?;
    let result: Option<&str> = column(WHAT, row, 10)?;
    let finished: Option<i64> = column(WHAT, row, 14)?;
    Ok(ActionRecord {
        session: SessionId::new(column::<&str>(WHAT, row, 0)?),
        position: u32::try_from(column::<i64>(WHAT, row, 1)?).map_err(|error| format::broken(WHAT, error))?,
        item: format::item(WHAT, column(WHAT, row, 2)?, column(WHAT, row, 3)?, column(WHAT, row, 4)?)?,
        action: format::member(WHAT, column(WHAT, row, 5)?)?,
        reason: format::member(WHAT, column(WHAT, row, 6)?)?,
        content: Digest::new(column::<&str>(WHAT, row, 7)?),
        before: format::value(WHAT, column(WHAT, row, 8)?)?,
        after: after.map(|after| format::value(WHAT, after)).transpose()?,
        result: result.map(|result| format::member(WHAT, result)).transpose()?,
        message: column(WHAT, row, 11)?,
        output: column(WHAT, row, 12)?,
        started: format::instant(WHAT, column(WHAT, row, 13)?)?,
        finished: finished.map(|at| format::instant(WHAT, at)).transpose()?,
    })
}

pub(super) fn result(row: &AnyRow) -> Result<ItemResult, StoreError> {
    const WHAT: &str = "result";
    let observed: Option<&str> = column(WHAT, row, 6)?;
    let values: Option<&str> = column(WHAT, row, 10)?;
    Ok(ItemResult {
        computer: ComputerId::new(column::<&str>(WHAT, row, 0)?),
        item: format::item(WHAT, column(WHAT, row, 1)?, column(WHAT, row, 2)?, column(WHAT, row, 3)?)?,
        action: format::member(WHAT, column(WHAT, row, 4)?)?,
        result: format::member(WHAT, column(WHAT, row, 5)?)?,
        observed: observed.map(|observed| format::value(WHAT, observed)).transpose()?,
        content: Digest::new(column::<&str>(WHAT, row, 7)?),
        at: format::instant(WHAT, column(WHAT, row, 8)?)?,
        session: SessionId::new(column::<&str>(WHAT, row, 9)?),
        values: values.map(Digest::new),
    })
}
