//! What a session writes down: its own state, an action that begins, ends or is not begun, and the result of an item.
//!
//! Not here: what is done (the module above). An action is on disk before it is sent (L11).

use super::{Session, brings_back};
use crate::id::Digest;
use crate::inventory::item::Observed;
use crate::plan::document::{ActionType, Change};
use crate::plan::past;
use crate::plan::supply;
use crate::session::event::Event;
use crate::session::stage::{ActionResult, SessionStatus};
use crate::store::{ActionRecord, ItemResult, SessionRecord, StoreError};
use crate::time::Timestamp;

impl Session<'_> {
    pub(super) async fn record(
        &self,
        status: SessionStatus,
        started: Timestamp,
        finished: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.tools
            .store
            .put_session(&SessionRecord {
                id: self.id.clone(),
                run: self.run.clone(),
                computer: self.computer.id.clone(),
                name: self.computer.name.clone(),
                tenant: self.computer.tenant.clone(),
                status,
                started,
                finished,
            })
            .await
    }

    pub(super) fn action_record(&self, position: usize, change: &Change, started: Timestamp) -> ActionRecord {
        ActionRecord {
            session: self.id.clone(),
            position: u32::try_from(position).unwrap_or(u32::MAX),
            item: change.item.clone(),
            action: change.action,
            reason: change.reason,
            content: change.content.clone(),
            before: change.before.clone(),
            after: None,
            result: None,
            message: None,
            output: None,
            started,
            finished: None,
        }
    }

    /// Records an action that is not begun, with its result and the reason.
    pub(super) async fn not_begun(
        &self,
        position: usize,
        result: ActionResult,
        message: &str,
    ) -> Result<ActionResult, StoreError> {
        let Some(work) = self.work.get(position) else { return Ok(result) };
        let now = self.tools.clock.now();
        let mut record = self.action_record(position, work.change, now);
        record.result = Some(result);
        record.message = Some(message.to_owned());
        record.finished = Some(now);
        self.tools.store.put_action(&record).await?;
        if result != ActionResult::Cancelled {
            let observed = (result == ActionResult::Skipped).then(|| work.change.after.clone());
            self.keep_result(work.change, result, observed, now).await?;
        }
        self.emit(Event::ActionFinished {
            computer: self.computer.id.clone(),
            item: work.change.item.clone(),
            action: work.change.action,
            result,
            message: Some(message.to_owned()),
            duration_ms: 0,
        });
        Ok(result)
    }

    pub(super) async fn keep_result(
        &self,
        change: &Change,
        result: ActionResult,
        observed: Option<Observed>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        // Having its file says nothing of the item.
        if change.action == ActionType::Download {
            return Ok(());
        }
        // What was lost before is still to be brought back where that has only been put off.
        let waits = brings_back(change) && matches!(result, ActionResult::Blocked | ActionResult::Deferred);
        let observed = match observed {
            Some(Observed::Present { .. }) => observed,
            _ if waits => Some(Observed::Absent),
            other => other,
        };
        let puts_there = result == ActionResult::Success && past::puts_there(change.action);
        self.tools
            .store
            .put_results(&[ItemResult {
                computer: self.computer.id.clone(),
                item: change.item.clone(),
                action: change.action,
                result,
                observed,
                content: Digest::clone(&change.content),
                values: puts_there.then(|| {
                    past::values(&supply::without_license(
                        self.tools.config,
                        &change.item,
                        &change.parameters,
                    ))
                }),
                at,
                session: self.id.clone(),
            }])
            .await
    }
}
