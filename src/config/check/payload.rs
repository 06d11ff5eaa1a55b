//! Files of releases: each from an address that can be fetched and with its SHA-256, or a file of the repository whose
//! SHA-256 is worked out; with a name that every system takes, and somebody who brings it to the computers.
//!
//! Invariants: every payload has a SHA-256 (SW-24); no message holds an address; a pointer of Git LFS is not taken for the
//! file that it stands for.

use std::sync::Arc;

use super::Checker;
use crate::config::address::{file_name_of, is_file_name};
use crate::config::document::Documents;
use crate::config::kind::{Fetcher, PayloadSpec};
use crate::config::model::{Origin, Payload};
use crate::config::parse::RawDocument;
use crate::config::tree::{Fingerprint, ReadError};
use crate::diagnostic::{Finding, code};

/// The largest file of the repository that can be a payload (bytes): what git hosts usually take.
pub const MAX_PAYLOAD_BYTES: u64 = 100 * 1024 * 1024;

/// How the files begin that Git LFS leaves in a commit.
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

impl Checker<'_> {
    /// One file of a release; `of_software` is what the software says of who fetches it.
    pub(super) fn payload(
        &mut self,
        raw: &RawDocument,
        pointer: &str,
        of_software: Option<Fetcher>,
        payload: &PayloadSpec,
    ) -> Option<Payload> {
        let given = [("url", payload.url.is_some()), ("file", payload.file.is_some())];
        if !self.exactly_one(raw, pointer, &given) {
            return None;
        }
        let (origin, sha256, size, default_name) = match (&payload.url, &payload.file) {
            (Some(text), _) => {
                let url = self.address(raw, &format!("{pointer}/url"), text)?;
                let Some(sha256) = &payload.sha256 else {
                    let finding =
                        Finding::new(code::MISSING_KEY, "the key `sha256` is missing", raw.place(pointer));
                    self.push(finding.help("add `sha256: …` to this mapping"));
                    return None;
                };
                let by = payload.fetch.or(of_software).unwrap_or(self.fetcher);
                let origin = Origin::Address { url: text.clone(), by };
                (origin, sha256.digest().clone(), payload.size, file_name_of(&url))
            }
            (None, file) => self.file_payload(raw, pointer, payload, file.as_deref()?)?,
        };
        let file_name = match &payload.file_name {
            Some(name) if is_file_name(name) => name.clone(),
            Some(name) => {
                let message = format!("{name:?} is not the name of a file on every system");
                let place = raw.place(&format!("{pointer}/fileName"));
                let finding = Finding::new(code::INVALID_VALUE, message, place);
                self.push(finding.help("write a name such as setup.msi, without folders"));
                return None;
            }
            None => default_name,
        };
        Some(Payload {
            origin,
            sha256,
            architecture: payload.architecture,
            platform: payload.platform,
            file_name,
            size,
            installer: payload.installer.clone(),
            arguments: payload.arguments.clone(),
        })
    }

    /// A file of the repository: where it lies, its SHA-256 and size, and its own name.
    fn file_payload(
        &mut self,
        raw: &RawDocument,
        pointer: &str,
        payload: &PayloadSpec,
        path: &str,
    ) -> Option<(Origin, crate::id::Digest, Option<u64>, String)> {
        let at = |key: &str| raw.place(&format!("{pointer}/{key}"));
        if payload.fetch == Some(Fetcher::Computer) {
            let message = "a computer cannot fetch a file of the repository by itself";
            let finding = Finding::new(code::PAYLOAD_FILE, message, at("fetch"));
            self.push(finding.help("take `fetch` out, or give an address in place of the file"));
            return None;
        }
        let path = self.file(raw, &format!("{pointer}/file"), path)?;
        let known = match self.around.payloads.get(&path) {
            Some(Ok(known)) => known.clone(),
            Some(Err(ReadError::TooLarge(size))) => {
                let message =
                    format!("the file `{path}` has {size} bytes; up to {MAX_PAYLOAD_BYTES} can be sent");
                let finding = Finding::new(code::PAYLOAD_FILE, message, at("file"));
                self.push(finding.help("put it on a server, and give its address and SHA-256 here"));
                return None;
            }
            Some(Err(error)) => {
                self.report(code::FILE_UNREADABLE, format!("`{path}` cannot be read: {error}"), at("file"));
                return None;
            }
            None => {
                self.report(code::FILE_UNREADABLE, format!("`{path}` was not read"), at("file"));
                return None;
            }
        };
        let Fingerprint { digest, size, beginning } = known;
        if beginning.starts_with(POINTER) {
            let message =
                format!("`{path}` is a pointer of Git LFS: the file itself is not in the repository");
            let finding = Finding::new(code::PAYLOAD_FILE, message, at("file"));
            self.push(finding.help("put it on a server, and give its address and SHA-256 here"));
            return None;
        }
        if let Some(wanted) = &payload.sha256
            && *wanted.digest() != digest
        {
            let message = format!("`{path}` has the SHA-256 {}", digest.as_str());
            let finding = Finding::new(code::PAYLOAD_FILE, message, at("sha256"));
            self.push(finding.help("write that one if the file is the right one, or take `sha256` out"));
            return None;
        }
        if let Some(wanted) = payload.size
            && wanted != size
        {
            let message = format!("`{path}` has {size} bytes");
            let finding = Finding::new(code::PAYLOAD_FILE, message, at("size"));
            self.push(finding.help("take `size` out: it is worked out"));
            return None;
        }
        let name = path.rsplit('/').next().unwrap_or_default();
        let name = if is_file_name(name) { name.to_owned() } else { "payload".to_owned() };
        Some((Origin::File(path), digest, Some(size), name))
    }

    /// Says of the files of a locked release who fetches them.
    pub(super) fn locked_payloads(&self, of_software: Option<Fetcher>, payloads: &mut [Payload]) {
        for payload in payloads {
            if let Origin::Address { by, .. } = &mut payload.origin {
                *by = of_software.unwrap_or(self.fetcher);
            }
        }
    }
}

/// The files of the repository that are payloads: the file that names each, and the path as written.
pub fn payload_files(documents: &Documents) -> impl Iterator<Item = (&Arc<str>, &str)> {
    documents.software.iter().flat_map(|document| {
        let payloads = document.spec.releases.iter().flat_map(|release| &release.payloads);
        payloads.filter_map(|payload| Some((&document.raw.file, payload.file.as_deref()?)))
    })
}
