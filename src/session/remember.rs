//! Keeping what a run wanted, when it has ended: the next plan tells causes and memberships from it.
//!
//! Not here: what is kept (`plan::remembered`). A run that was refused or stopped keeps nothing.

use crate::id::ComputerId;
use crate::inventory::snapshot::Snapshot;
use crate::plan::planner::Wants;
use crate::store::{Store, StoreError};

/// Keeps it. Of computers that the run did not cover, what was remembered before stays.
///
/// # Errors
/// [`StoreError`] when the state cannot be read or written.
pub async fn remember(store: &dyn Store, snapshot: &Snapshot, wants: &Wants) -> Result<(), StoreError> {
    let computers: Vec<ComputerId> = snapshot.iter().map(|(_, computer)| computer.id.clone()).collect();
    let before = store.remembered().await?.aligned(&computers);
    let after = before.updated(wants.now.clone(), &wants.scope, &wants.unknown);
    store.put_remembered(&after).await
}
