//! After a killed run: what was under way, and the record set straight.
//!
//! Invariant: an action without a result is never taken for done or for not done; it is undetermined until it has been
//! detected again (L11).

use std::collections::BTreeSet;

use super::event::UnderWay;
use super::stage::{ActionResult, SessionStatus};
use crate::id::ComputerId;
use crate::store::{Store, StoreError};
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

/// Ends the sessions that a killed run left on these computers, and their actions. These are computers that have been
/// detected again; what was detected before the kill must not count for the others.
///
/// # Errors
/// [`StoreError`] when the journal cannot be read or written.
pub async fn settle(
    store: &dyn Store,
    detected: &BTreeSet<ComputerId>,
    clock: &dyn Clock,
) -> Result<(), StoreError> {
    for mut session in store.unfinished().await? {
        if !detected.contains(&session.computer) {
            continue;
        }
        let now = clock.now();
        for mut action in store.actions(&session.id).await? {
            if action.result.is_none() {
                action.result = Some(ActionResult::Undetermined);
                action.message =
                    Some("the run was killed while this was under way; it was detected again".to_owned());
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
