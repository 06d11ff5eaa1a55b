//! Named locks of a run: of all actions that share one, only one is under way (TSK-15).
//!
//! Not here: other runs, which the state's own lock keeps out, and the lock on each computer.
//!
//! Invariants: a session holds at most one lock, and only while one action runs, so nobody waits for somebody who waits; who comes
//! first is served first.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::kind::{LockScope, LockSpec};
use crate::id::Name;

/// A lock where its scope has a value: its name, and the tenant if it is one for each tenant.
type Key = (Name, Option<Name>);

/// The locks of a run.
#[derive(Debug, Default)]
pub(super) struct Locks(Mutex<BTreeMap<Key, Arc<Semaphore>>>);

/// Held while an action runs.
pub(super) type Held = OwnedSemaphorePermit;

impl Locks {
    /// The lock that an action on a computer of this tenant needs.
    pub(super) fn of(&self, lock: &LockSpec, tenant: Option<&Name>) -> Arc<Semaphore> {
        let scope = match lock.scope {
            LockScope::Instance => None,
            LockScope::Tenant => tenant.cloned(),
        };
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(locks.entry((lock.name.clone(), scope)).or_insert_with(|| Arc::new(Semaphore::new(1))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    #[test]
    fn a_lock_is_one_for_all_or_one_for_each_tenant() {
        let locks = Locks::default();
        let lock = |name_: &str, scope| LockSpec { name: name(name_), scope };
        let (a, b) = (name("a"), name("b"));
        let same = |x: &Arc<Semaphore>, y: &Arc<Semaphore>| Arc::ptr_eq(x, y);
        let wide = lock("x", LockScope::Instance);
        assert!(same(&locks.of(&wide, Some(&a)), &locks.of(&wide, Some(&b))));
        let each = lock("y", LockScope::Tenant);
        assert!(same(&locks.of(&each, Some(&a)), &locks.of(&each, Some(&a))));
        assert!(!same(&locks.of(&each, Some(&a)), &locks.of(&each, Some(&b))));
        assert!(!same(&locks.of(&lock("z", LockScope::Instance), None), &locks.of(&wide, None)));
    }
}
