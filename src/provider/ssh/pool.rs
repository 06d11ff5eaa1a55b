//! Connections that are kept for a while, so that the next bundle for the same host needs no new one.
//!
//! Invariants: of several that want the same new connection one makes it and the others wait for it. An idle
//! connection is closed after [`IDLE`]; there are never more idle ones than the pool's limit for long.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::client::{Connection, Lease};
use super::settings::Endpoint;

/// How long a connection that is not in use stays open.
pub(super) const IDLE: Duration = Duration::from_secs(30);

/// The place of one connection; whoever holds the lock may make it.
pub(super) type Slot = tokio::sync::Mutex<Option<Arc<Connection>>>;

/// The connections by endpoint.
pub(super) struct Pool {
    slots: Mutex<BTreeMap<Endpoint, Arc<Slot>>>,
    limit: usize,
}

impl Pool {
    /// A pool that keeps so many idle connections at most.
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { slots: Mutex::default(), limit })
    }

    fn slots(&self) -> MutexGuard<'_, BTreeMap<Endpoint, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The slot of an endpoint.
    pub(super) fn slot(&self, endpoint: &Endpoint) -> Arc<Slot> {
        Arc::clone(self.slots().entry(endpoint.clone()).or_default())
    }

    /// The connection in a slot that can be used again.
    pub(super) fn reuse(place: &mut Option<Arc<Connection>>) -> Option<Lease> {
        if place.as_ref().is_some_and(|connection| !connection.usable()) {
            *place = None;
        }
        place.as_ref().map(|connection| Lease::new(Arc::clone(connection)))
    }

    /// Puts a new connection into its place, and sees to it that it is closed when it has been idle.
    pub(super) fn keep(
        self: &Arc<Self>,
        endpoint: &Endpoint,
        place: &mut Option<Arc<Connection>>,
        connection: Connection,
    ) -> Lease {
        let connection = Arc::new(connection);
        let lease = Lease::new(Arc::clone(&connection));
        tokio::spawn(expire(Arc::downgrade(self), endpoint.clone(), Arc::downgrade(&connection)));
        *place = Some(connection);
        self.trim();
        lease
    }

    /// Closes the connections that have been idle longest while there are too many.
    fn trim(&self) {
        let mut slots = self.slots();
        if slots.len() <= self.limit {
            return;
        }
        let mut idle: Vec<(Instant, Endpoint)> = Vec::new();
        slots.retain(|endpoint, slot| match slot.try_lock().as_deref() {
            Ok(Some(connection)) if connection.usable() => {
                idle.extend(connection.idle_since().map(|since| (since, endpoint.clone())));
                true
            }
            // Somebody is making a connection.
            Err(_) => true,
            Ok(_) => Arc::strong_count(slot) > 1,
        });
        idle.sort_by_key(|(since, _)| *since);
        for (_, endpoint) in idle.iter().take(idle.len().saturating_sub(self.limit)) {
            slots.remove(endpoint);
        }
    }

    /// Forgets a connection.
    fn remove(&self, endpoint: &Endpoint, connection: &Arc<Connection>) {
        let mut slots = self.slots();
        let same = slots.get(endpoint).is_some_and(|slot| match slot.try_lock().as_deref() {
            Ok(Some(kept)) => Arc::ptr_eq(kept, connection),
            _ => false,
        });
        if same {
            slots.remove(endpoint);
        }
    }
}

/// Waits until a connection has been idle for long enough, and drops it from the pool.
async fn expire(pool: Weak<Pool>, endpoint: Endpoint, connection: Weak<Connection>) {
    let mut next = Instant::now() + IDLE;
    loop {
        tokio::time::sleep_until(next).await;
        let (Some(pool), Some(connection)) = (pool.upgrade(), connection.upgrade()) else { return };
        let now = Instant::now();
        match connection.idle_since() {
            Some(since) if now.duration_since(since) >= IDLE => {
                pool.remove(&endpoint, &connection);
                return;
            }
            Some(since) => next = since + IDLE,
            None => next = now + IDLE,
        }
    }
}
