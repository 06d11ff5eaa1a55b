//! Brings the files that a plan needs into the payload cache: from the web, going on where an earlier run stopped, and from
//! the revision that the plan is of.
//!
//! Not here: which files those are (`plan::sending`), and their way to the computers (`send`).
//!
//! Invariants: a file with another SHA-256 never enters the cache; that one cannot be had stops no other; what was asked to
//! stop leaves what it has for the next run.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;

use super::{Cache, Part, Supplied};
use crate::config::check::MAX_PAYLOAD_BYTES;
use crate::config::model::{Origin, Payload};
use crate::config::revision::Source;
use crate::fetch::{FetchError, Request, Web};
use crate::id::Digest;
use crate::session::control::Control;
use crate::session::event::Event;
use crate::time::Clock;

/// The largest file that is fetched (bytes), where its size is not known.
pub const LARGEST: u64 = 8 * 1024 * 1024 * 1024;
/// How many files are fetched at once.
const AT_ONCE: usize = 4;
/// How long to wait before asking again for what another run holds.
const WAIT: Duration = Duration::from_millis(200);

/// What bringing files uses.
#[derive(Clone, Copy)]
pub struct Supply<'a> {
    /// The cache.
    pub cache: &'a dyn Cache,
    /// The web.
    pub web: &'a dyn Web,
    /// The revision that the plan is of.
    pub source: &'a dyn Source,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Where events go.
    pub events: &'a (dyn Fn(Event) + Sync),
    /// How the run is told to stop.
    pub control: &'a Control,
}

impl std::fmt::Debug for Supply<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Supply").field("cache", &self.cache).finish_non_exhaustive()
    }
}

/// Why a file is not in the cache.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Missing {
    /// It could not be fetched.
    #[error("{0}")]
    Fetch(#[from] FetchError),
    /// The cache cannot be used, or the revision cannot be read.
    #[error("{0}")]
    Local(String),
    /// It is another file.
    #[error("the file at {from} has the SHA-256 {found}, and {wanted} is wanted; it was deleted")]
    Wrong {
        /// Where it was fetched from, for people.
        from: String,
        /// The SHA-256 that it has.
        found: String,
        /// The one that it should have.
        wanted: String,
    },
    /// The run was asked to stop.
    #[error("the run was asked to stop; the next one goes on from there")]
    Stopped,
}

impl Supply<'_> {
    /// Sees to it that these files are in the cache, and says of each whether it is.
    pub async fn run(&self, wanted: &BTreeMap<Digest, Payload>) -> Supplied {
        if wanted.is_empty() {
            return Supplied::new();
        }
        let all = |why: &str| wanted.keys().map(|sha256| (sha256.clone(), Err(why.to_owned()))).collect();
        let _held = loop {
            match self.cache.lock() {
                Err(why) => return all(&why),
                Ok(Some(held)) => break held,
                Ok(None) => {
                    let mut control = self.control.clone();
                    tokio::select! {
                        biased;
                        () = control.asked() => return all(&Missing::Stopped.to_string()),
                        () = tokio::time::sleep(WAIT) => {}
                    }
                }
            }
        };
        let each = futures_util::stream::iter(wanted.values()).map(|payload| async move {
            let result = self.told(payload).await;
            (payload.sha256.clone(), result.map_err(|error| error.to_string()))
        });
        each.buffer_unordered(AT_ONCE).collect().await
    }

    /// One file, with its events.
    async fn told(&self, payload: &Payload) -> Result<u64, Missing> {
        let started = self.clock.now();
        let (sha256, from) = (payload.sha256.clone(), payload.origin.shown());
        let found = self.cache.find(&sha256, started).await.map_err(Missing::Local);
        let (result, cached) = match found {
            Ok(Some(size)) => (Ok(size), true),
            Ok(None) => {
                (self.events)(Event::PayloadFetching {
                    sha256: sha256.clone(),
                    from: from.clone(),
                    size: payload.size,
                });
                (self.bring(payload).await, false)
            }
            Err(error) => (Err(error), false),
        };
        (self.events)(match &result {
            Ok(size) => {
                let took = Duration::try_from(self.clock.now().duration_since(started)).unwrap_or_default();
                let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                Event::PayloadFetched { sha256, from, size: *size, cached, duration_ms }
            }
            Err(error) => Event::PayloadMissing { sha256, from, why: error.to_string() },
        });
        result
    }

    async fn bring(&self, payload: &Payload) -> Result<u64, Missing> {
        let mut again = true;
        loop {
            let mut part = self.cache.part(&payload.sha256).await.map_err(Missing::Local)?;
            let has_all = part.got() > 0 && part.digest() == payload.sha256;
            if !has_all {
                match &payload.origin {
                    Origin::File(path) => self.copy(path, &mut *part)?,
                    Origin::Address { url, .. } => self.fetch(payload, url, &mut *part).await?,
                }
            }
            let patched = part.is_patched();
            match part.keep().map_err(Missing::Local)? {
                Ok(size) => return Ok(size),
                // The beginning may have been of another file than the rest.
                Err(_) if patched && again => again = false,
                Err(found) => {
                    return Err(Missing::Wrong {
                        from: payload.origin.shown(),
                        found: found.as_str().to_owned(),
                        wanted: payload.sha256.as_str().to_owned(),
                    });
                }
            }
        }
    }

    /// From the revision.
    fn copy(&self, path: &str, part: &mut dyn Part) -> Result<(), Missing> {
        part.begin(None).map_err(Missing::Local)?;
        self.source
            .copy(path, MAX_PAYLOAD_BYTES, &mut Writing(part))
            .map(|_| ())
            .map_err(|error| Missing::Local(format!("`{path}` cannot be read: {error}")))
    }

    /// From the web.
    async fn fetch(&self, payload: &Payload, url: &str, part: &mut dyn Part) -> Result<(), Missing> {
        let url = url::Url::parse(url).map_err(|error| Missing::Local(error.to_string()))?;
        if payload.size.is_some_and(|size| part.got() >= size) {
            part.begin(None).map_err(Missing::Local)?;
        }
        let most = payload.size.unwrap_or(LARGEST);
        let request = Request { url, accept: None, token: None, most };
        let told = AtomicU64::new(u64::MAX);
        let progress = |done: u64, total: Option<u64>| {
            let total = total.or(payload.size);
            // Each full percent, or each MiB, once.
            let step = match total {
                Some(total) => done.saturating_mul(100).checked_div(total).unwrap_or(100),
                None => done >> 20,
            };
            if told.swap(step, Ordering::Relaxed) != step {
                (self.events)(Event::PayloadProgress { sha256: payload.sha256.clone(), done, total });
            }
        };
        let mut control = self.control.clone();
        let fetched = {
            let sink: &mut dyn crate::fetch::Sink = part;
            tokio::select! {
                biased;
                () = control.asked() => return Err(Missing::Stopped),
                fetched = self.web.file(&request, sink, &progress) => fetched,
            }
        };
        if matches!(fetched, Err(FetchError::TooLarge { .. })) {
            // It is not the beginning of the one that is wanted.
            part.begin(None).map_err(Missing::Local)?;
        }
        Ok(fetched?)
    }
}

/// Writes into a file in the making.
struct Writing<'p>(&'p mut dyn Part);

impl Write for Writing<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.take(bytes).map_err(std::io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
