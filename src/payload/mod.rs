//! The seam to the payload cache: files that releases are installed from, by their SHA-256, on the machine that runs
//! Muster.
//!
//! Not here: where they lie (`folder`), what brings them there (`supply`) and to computers (`send`), and the cache on each
//! computer, which the computer's own scripts look after (`plan::payloads`).
//!
//! Invariants: a file in the cache has the SHA-256 that is its name; what is under way is kept apart until it is complete
//! and verified. One run at a time writes.

pub mod folder;
pub mod send;
pub mod supply;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::BoxFuture;

use crate::fetch::Sink;
use crate::id::Digest;
use crate::time::{Limit, Timestamp};

/// What every file of a run came to: its size, or why it is not in the cache.
pub type Supplied = BTreeMap<Digest, Result<u64, String>>;

/// Files by their SHA-256. Errors are phrases for people; they name the cache's own paths and no address.
pub trait Cache: Send + Sync + std::fmt::Debug {
    /// The right to write, until it is dropped; `None` while another run has it.
    ///
    /// # Errors
    /// Why the cache cannot be used.
    fn lock(&self) -> Result<Option<Box<dyn Held>>, String>;

    /// The size of a file that is there, after its content was compared with its name; one with another content is deleted.
    /// Notes that it was used at that instant.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn find<'a>(&'a self, sha256: &'a Digest, now: Timestamp) -> BoxFuture<'a, Result<Option<u64>, String>>;

    /// The file in the making, with what an earlier attempt has left of it.
    ///
    /// # Errors
    /// Why it cannot be written.
    fn part<'a>(&'a self, sha256: &'a Digest) -> BoxFuture<'a, Result<Box<dyn Part>, String>>;

    /// At most so many bytes of a file, from a place on; fewer only at its end.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn read<'a>(&'a self, sha256: &'a Digest, from: u64, most: u64)
    -> BoxFuture<'a, Result<Vec<u8>, String>>;

    /// The SHA-256 of a file's first so many bytes; `None` where it has fewer.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn beginning<'a>(
        &'a self,
        sha256: &'a Digest,
        bytes: u64,
    ) -> BoxFuture<'a, Result<Option<Digest>, String>>;

    /// What is in it.
    ///
    /// # Errors
    /// Why it cannot be listed.
    fn list(&self) -> Result<Vec<Kept>, String>;

    /// Deletes what is there of a file, complete or not.
    ///
    /// # Errors
    /// Why it cannot.
    fn remove(&self, sha256: &Digest) -> Result<(), String>;
}

/// The right to write.
pub trait Held: Send {}

/// A file in the making.
pub trait Part: Sink {
    /// The SHA-256 of what is there of it.
    fn digest(&self) -> Digest;

    /// Whether it is made of the answers to several requests, so that it may be a mixture of two files.
    fn is_patched(&self) -> bool;

    /// Makes it the file, if its content has the right SHA-256; else it is deleted, and the one that it has is given.
    ///
    /// # Errors
    /// Why it cannot be written.
    fn keep(self: Box<Self>) -> Result<Result<u64, Digest>, String>;
}

/// Something in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The SHA-256 that is its name.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// When it was used last.
    pub used: Timestamp,
    /// Whether all of it is there.
    pub complete: bool,
}

/// Which files go: those that were not used for so long, and then those that were used longest ago until no more than so
/// many bytes are left. In the order in which they go.
#[must_use]
pub fn outdated(kept: &[Kept], now: Timestamp, unused_for: Option<Limit>, most: Option<u64>) -> Vec<Kept> {
    let mut all: Vec<&Kept> = kept.iter().collect();
    all.sort_by_key(|one| (one.used, &one.sha256));
    let since = unused_for.and_then(|limit| now.checked_sub(limit.duration()).ok());
    let mut left: u64 = all.iter().map(|one| one.size).fold(0, u64::saturating_add);
    let mut gone = BTreeSet::new();
    let mut list = Vec::new();
    for one in all {
        let is_old = since.is_some_and(|since| one.used < since);
        if (is_old || most.is_some_and(|most| left > most)) && gone.insert((&one.sha256, one.complete)) {
            left = left.saturating_sub(one.size);
            list.push(one.clone());
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_first_until_the_rest_is_small_enough() {
        let kept = |name: &str, size, day: i64| Kept {
            sha256: Digest::of(name.as_bytes()),
            size,
            used: Timestamp::from_second(day * 86_400).unwrap(),
            complete: true,
        };
        let all = [kept("new", 10, 9), kept("old", 20, 1), kept("middle", 30, 5)];
        let now = Timestamp::from_second(10 * 86_400).unwrap();
        let gone = |age: Option<&str>, most| {
            let age = age.map(|text| Limit::parse(text).unwrap());
            outdated(&all, now, age, most).iter().map(|one| one.size).collect::<Vec<_>>()
        };
        assert_eq!(gone(None, None), [0; 0]);
        assert_eq!(gone(Some("6d"), None), [20]);
        assert_eq!(gone(None, Some(60)), [0; 0]);
        assert_eq!(gone(None, Some(40)), [20]);
        assert_eq!(gone(None, Some(39)), [20, 30]);
        assert_eq!(gone(Some("6d"), Some(5)), [20, 30, 10]);
    }
}
