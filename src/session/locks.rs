//! Named locks of a run: of all actions that share one, only one is under way (TSK-15).
//!
//! Not here: other runs, which the state's own lock keeps out, and the lock on each computer.
//!
//! Invariants: a session holds at most one lock, and only while one action runs, so nobody waits for somebody who waits; who comes
//! first is served first.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Config;
use crate::config::kind::{LockScope, LockSpec};
use crate::id::Name;
use crate::inventory::item::{ItemKey, ItemKind};

/// A site: the provider that tells of it, and its name there.
pub(super) type Site = (Name, String);

/// A lock where its scope has a value: its name, and the tenant and site if it is one for each of those.
type Key = (Name, Option<Name>, Option<Site>);

/// The locks of a run.
#[derive(Debug, Default)]
pub(super) struct Locks(Mutex<BTreeMap<Key, Arc<Semaphore>>>);

/// Held while an action runs.
pub(super) type Held = OwnedSemaphorePermit;

impl Locks {
    /// The lock that an action on a computer of this tenant at this site needs.
    pub(super) fn of(&self, lock: &LockSpec, tenant: Option<&Name>, site: Option<&Site>) -> Arc<Semaphore> {
        let (tenant, site) = match lock.scope {
            LockScope::Instance => (None, None),
            LockScope::Tenant => (tenant, None),
            LockScope::Site => (tenant, site),
        };
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (lock.name.clone(), tenant.cloned(), site.cloned());
        Arc::clone(locks.entry(key).or_insert_with(|| Arc::new(Semaphore::new(1))))
    }
}

/// The lock that the changes of an item share with others.
pub(super) fn lock_of<'c>(config: &'c Config, item: &ItemKey) -> Option<&'c LockSpec> {
    match item.kind {
        ItemKind::Software => config.software.get(&item.name)?.lock.as_ref(),
        ItemKind::Task => config.tasks.get(&item.name)?.lock.as_ref(),
        ItemKind::OsUpdates => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    #[test]
    fn a_lock_is_one_for_all_or_one_for_each_tenant_or_site() {
        let locks = Locks::default();
        let lock = |name_: &str, scope| LockSpec { name: name(name_), scope };
        let (a, b) = (name("a"), name("b"));
        let same = |x: &Arc<Semaphore>, y: &Arc<Semaphore>| Arc::ptr_eq(x, y);
        let wide = lock("x", LockScope::Instance);
        assert!(same(&locks.of(&wide, Some(&a), None), &locks.of(&wide, Some(&b), None)));
        let each = lock("y", LockScope::Tenant);
        assert!(same(&locks.of(&each, Some(&a), None), &locks.of(&each, Some(&a), None)));
        assert!(!same(&locks.of(&each, Some(&a), None), &locks.of(&each, Some(&b), None)));
        let near = lock("n", LockScope::Site);
        let at = |place: &str| (name("rmm"), place.to_owned());
        let (here, there) = (at("Bonn"), at("Ulm"));
        let of = |tenant: Option<&Name>, site: Option<&Site>| locks.of(&near, tenant, site);
        assert!(same(&of(Some(&a), Some(&here)), &of(Some(&a), Some(&here))));
        assert!(!same(&of(Some(&a), Some(&here)), &of(Some(&a), Some(&there))));
        // Two tenants may call a place the same.
        assert!(!same(&of(Some(&a), Some(&here)), &of(Some(&b), Some(&here))));
        assert!(same(&of(Some(&a), None), &of(Some(&a), None)));
        assert!(!same(&locks.of(&lock("z", LockScope::Instance), None, None), &locks.of(&wide, None, None)));
    }
}
