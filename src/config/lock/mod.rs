//! `muster.lock`: which versions of software with a source there are to install, as `muster update` found them out.
//!
//! Plans take what `latest` and ranges mean from here and contact no source (design §6, SW-17, SW-19). The file stands beside
//! muster.yaml, is written by `muster update` alone and reviewed like any other change. Not here: how sources are asked
//! (`version::update`) and which versions are kept (`version::source::choose`).
//!
//! Invariants: the same lock gives the same text, byte for byte; software and releases stand in a fixed order, one fact to a
//! line, so that changes of different software never meet; each software's entry holds the digest of its name and of
//! what it says, so that an edit by hand and an entry under another name are found; every payload has a SHA-256.

mod merge;
mod read;
mod write;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::kind::{Architecture, Fetcher, Sha256};
use super::model::{Origin, Payload, Release};
use crate::diagnostic::Place;
use crate::id::{Digest, Name};
use crate::session::script::Platform;
use crate::time::Timestamp;

pub use merge::{Merged, merge};
pub use read::read;

/// The lock file, at the root of a repository.
pub const LOCK_FILE: &str = "muster.lock";
/// The form of the file that this release reads and writes. In the form 1, an entry's digest did not hold its name.
pub const FORMAT: u32 = 2;

/// A lock file's content.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lock {
    /// By software.
    pub software: BTreeMap<Name, Locked>,
    /// Where each of them stands; empty for a lock that was not read from a file.
    pub places: BTreeMap<Name, Place>,
}

/// The file, as it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LockFile {
    /// The form of the file: 2.
    #[schemars(range(min = 2, max = 2))]
    pub format: u32,
    /// What is locked, by software.
    pub software: BTreeMap<Name, Locked>,
}

/// What is locked of one software.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Locked {
    /// The digest of the source's settings at the time.
    pub source: Sha256,
    /// The versions, highest first.
    pub releases: Vec<LockedRelease>,
    /// The digest of this entry and its name; an entry that was edited, or put under another name, has another one.
    pub check: Sha256,
}

/// One version, with its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LockedRelease {
    /// The version, as its source writes it.
    #[schemars(length(min = 1))]
    pub version: String,
    /// When it was found.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Where it was found: the address, file or script that named it.
    #[schemars(length(min = 1))]
    pub found: String,
    /// Whether a signature vouches for it. Absent where the kind of source has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<bool>,
    /// Its files, the preferred ones first.
    #[schemars(length(min = 1))]
    pub payloads: Vec<LockedPayload>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LockedPayload {
    /// Where it is fetched from.
    #[schemars(regex(pattern = r"^https?://."))]
    pub url: String,
    /// Its SHA-256.
    pub sha256: Sha256,
    /// Who said so.
    pub hash: HashOrigin,
    /// The processors that it is for; all, when it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    /// The platform that it is for; both, when it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// The name that it gets on the computer.
    #[schemars(length(min = 1, max = 200))]
    pub file_name: String,
    /// Its size in bytes, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// What kind of installer it is, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installer: Option<String>,
    /// The arguments for a silent installation, where they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
}

/// Who said what a file's SHA-256 is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HashOrigin {
    /// The source.
    Source,
    /// The file, which was fetched once.
    Download,
}

impl Locked {
    /// The entry of a software, with its digest.
    #[must_use]
    pub fn new(name: &Name, source: Sha256, releases: Vec<LockedRelease>) -> Self {
        let check = write::check(name, &source, &releases);
        Self { source, releases, check }
    }

    /// Whether it says of this software what it said when it was written.
    #[must_use]
    pub fn is_intact(&self, name: &Name) -> bool {
        self.check == write::check(name, &self.source, &self.releases)
    }
}

impl LockedRelease {
    /// The release that can be installed. `place` is where the software's entry stands in the lock file.
    #[must_use]
    pub fn release(&self, place: &Place) -> Release {
        let mut release = Release::plain(self.version.clone(), place.clone());
        release.payloads = self.payloads.iter().map(LockedPayload::payload).collect();
        release
    }
}

impl LockedPayload {
    fn payload(&self) -> Payload {
        Payload {
            origin: Origin::Address { url: self.url.clone(), by: Fetcher::default() },
            sha256: self.sha256.digest().clone(),
            architecture: self.architecture,
            platform: self.platform,
            file_name: self.file_name.clone(),
            size: self.size,
            installer: self.installer.clone(),
            arguments: self.arguments.clone(),
        }
    }
}

impl Lock {
    /// The file's text.
    #[must_use]
    pub fn text(&self) -> String {
        write::text(&self.software)
    }
}

/// The digest of something that can be written down, for [`Locked::source`].
#[must_use]
pub fn digest_of(bytes: &[u8]) -> Option<Sha256> {
    Sha256::parse(Digest::of(bytes).as_str()).ok()
}

#[cfg(test)]
mod tests;
