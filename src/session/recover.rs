//! After a killed run: what was under way, the record set straight, and alerts let through again.
//!
//! Invariant: an action without a result is never taken for done or for not done; it is undetermined until it has been
//! detected again (L11).

use std::collections::BTreeMap;

use super::control::Control;
use super::dispatcher::Link;
use super::event::{Event, UnderWay};
use super::quiet::Desk;
use super::stage::{ActionResult, ItemResult, SessionStatus};
use crate::id::{ComputerId, Name};
use crate::inventory::known::AgentKey;
use crate::plan::document::ActionType;
use crate::store::{ActionRecord, SessionRecord, Store, StoreError};
use crate::time::Clock;

/// What a killed run left under way: its sessions that never ended, and the action that each was in.
///
/// # Errors
/// [`StoreError`] when the journal cannot be read.
pub async fn interrupted(store: &dyn Store) -> Result<Vec<UnderWay>, StoreError> {
    let mut under_way = Vec::new();
    for session in store.unfinished().await? {
        let actions = store.actions(&session.id).await?;
        let item = actions.into_iter().find(|action| action.result.is_none()).map(|action| action.item);
        under_way.push(UnderWay { computer: session.computer, name: session.name, item });
    }
    Ok(under_way)
}

/// The results of the actions that a killed run left under way, as far as there are any: what they did is not known.
///
/// # Errors
/// [`StoreError`] when the journal cannot be read.
pub async fn left(store: &dyn Store) -> Result<Vec<ItemResult>, StoreError> {
    let mut results = Vec::new();
    for session in store.unfinished().await? {
        results
            .extend(store.actions(&session.id).await?.iter().filter_map(|action| result(&session, action)));
    }
    Ok(results)
}

fn result(session: &SessionRecord, action: &ActionRecord) -> Option<ItemResult> {
    // Having its file says nothing of the item.
    if action.result.is_some() || action.action == ActionType::Download {
        return None;
    }
    Some(ItemResult {
        computer: session.computer.clone(),
        item: action.item.clone(),
        action: action.action,
        result: ActionResult::Undetermined,
        observed: None,
        content: action.content.clone(),
        values: None,
        at: action.started,
        session: session.id.clone(),
    })
}

/// Puts back the maintenance modes that earlier runs have left switched on, as far as that can be done now (SES-19).
///
/// # Errors
/// [`StoreError`] when the journal cannot be read or written.
pub async fn let_alerts_through(
    store: &dyn Store,
    links: &BTreeMap<Name, Link>,
    clock: &dyn Clock,
    events: &(dyn Fn(Event) + Sync),
    control: &Control,
) -> Result<(), StoreError> {
    let mode = |key: &AgentKey| links.get(&key.provider)?.writer.maintenance();
    Desk { store, clock, events }.recover(mode, control).await
}

/// Ends the sessions that a killed run left, and their actions, where `settled` says of the computer that it has been
/// detected again, or is listed no more. What was detected before the kill must not count for the others.
///
/// # Errors
/// [`StoreError`] when the journal cannot be read or written.
pub async fn settle(
    store: &dyn Store,
    settled: &(dyn Fn(&ComputerId) -> bool + Sync),
    clock: &dyn Clock,
) -> Result<(), StoreError> {
    for mut session in store.unfinished().await? {
        if !settled(&session.computer) {
            continue;
        }
        let now = clock.now();
        for mut action in store.actions(&session.id).await? {
            if action.result.is_none() {
                // Before the action's own end, so that a run that is killed here leaves it to the next.
                store.put_results(result(&session, &action).as_slice()).await?;
                action.result = Some(ActionResult::Undetermined);
                action.message = Some(
                    "the run was killed while this was under way; what it did is not known from it"
                        .to_owned(),
                );
                action.finished = Some(now);
                store.put_action(&action).await?;
            }
        }
        session.status = SessionStatus::Interrupted;
        session.finished = Some(now);
        store.put_session(&session).await?;
    }
    Ok(())
}
