//! Around the changes of a session the alerts of its computer are held back.
//!
//! Not here: how that is done (`quiet`).
//!
//! Invariant: a session that changes nothing touches no maintenance mode.

use jiff::SignedDuration;

use super::Session;
use crate::plan::document::{ActionType, Change};
use crate::session::quiet::Desk;
use crate::store::StoreError;

/// So long what was seen is believed to be still so.
const FRESH: SignedDuration = SignedDuration::from_secs(30);

impl Session<'_> {
    /// Before the first change: switches on what is off, and says whether that took so long that what was seen may have changed.
    pub(super) async fn hold_alerts_back(&mut self, change: &Change) -> Result<bool, StoreError> {
        // Fetching a file disturbs nobody.
        if self.held.is_some() || change.action == ActionType::Download {
            return Ok(false);
        }
        let began = self.tools.clock.now();
        let desk = self.desk();
        let (session, computer) = (&self.id, (&self.computer.id, self.computer.name.as_str()));
        let switching = self.ways.alerts().iter().map(|alerts| {
            let mut control = self.control.clone();
            async move {
                let record = desk.hold_back(alerts, session, computer, &mut control).await?;
                Ok::<_, StoreError>(record.map(|record| (alerts.clone(), record)))
            }
        });
        let held = futures_util::future::try_join_all(switching).await?;
        self.held = Some(held.into_iter().flatten().collect());
        Ok(self.tools.clock.now().duration_since(began) >= FRESH)
    }

    /// After the last change: puts back what was switched on.
    pub(super) async fn let_alerts_through(&mut self) -> Result<(), StoreError> {
        let Some(held) = self.held.take() else { return Ok(()) };
        self.desk().let_through(held, &self.control).await
    }

    fn desk(&self) -> Desk<'_> {
        Desk { store: self.tools.store, clock: self.tools.clock, events: self.tools.events }
    }
}
