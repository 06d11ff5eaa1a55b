//! The seam to one revision of the configuration: its tree, and what is in its files.
//!
//! Not here: where revisions come from (`worktree`, `git`), and the tree itself (`tree`).

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use super::tree::{Fingerprint, ReadError, Tree};
use crate::id::{Digest, Hash};
use crate::plan::document;

/// One revision: its tree and the content of its files. Adapters implement it and decide nothing.
pub trait Source: Send + Sync + std::fmt::Debug {
    /// All files and links.
    fn tree(&self) -> &Tree;

    /// The bytes of a regular file of the tree, by its own path.
    ///
    /// # Errors
    /// [`ReadError`] when it has more than `limit` bytes, which is found out without reading it, or cannot be read.
    fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>, ReadError>;

    /// Writes the bytes of a regular file of the tree, and says how many there are.
    ///
    /// # Errors
    /// [`ReadError`] when it has more than `limit` bytes, which is found out without reading it, or cannot be read, or the
    /// bytes cannot be written.
    fn copy(&self, path: &str, limit: u64, to: &mut (dyn Write + Send)) -> Result<u64, ReadError>;

    /// What is known of the revision. `files` are the files that were read, with their bytes, and `hashed` those of which
    /// only the SHA-256 was worked out.
    fn describe(
        &self,
        files: &BTreeMap<Arc<str>, Arc<[u8]>>,
        hashed: &BTreeMap<Arc<str>, Digest>,
    ) -> document::Revision;
}

/// What is known of the content of a regular file of the tree, which is not kept.
///
/// # Errors
/// As [`Source::copy`].
pub fn fingerprint(source: &dyn Source, path: &str, limit: u64) -> Result<Fingerprint, ReadError> {
    let mut hashing = Hashing::default();
    let size = source.copy(path, limit, &mut hashing)?;
    Ok(Fingerprint { digest: hashing.hash.finish(), size, beginning: hashing.beginning.into() })
}

/// Works out a digest, and keeps the beginning.
#[derive(Default)]
struct Hashing {
    hash: Hash,
    beginning: Vec<u8>,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.hash.add(bytes);
        let room = 512_usize.saturating_sub(self.beginning.len());
        self.beginning.extend(bytes.iter().take(room));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The digest over paths and contents. The same files give the same digest wherever they lie.
#[must_use]
pub fn content_digest(files: &BTreeMap<Arc<str>, Arc<[u8]>>, hashed: &BTreeMap<Arc<str>, Digest>) -> Digest {
    use sha2::Digest as _;
    let mut hash = sha2::Sha256::new();
    for (path, bytes) in files {
        // Lengths first, so that no two sets of files give the same bytes.
        hash.update(u64::try_from(path.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(path.as_bytes());
        hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(bytes);
    }
    for (path, digest) in hashed {
        hash.update(u64::try_from(path.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(path.as_bytes());
        hash.update(digest.as_str());
    }
    Digest::of(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_digest_tells_where_one_file_ends() {
        let files = |list: &[(&str, &str)]| {
            let map =
                list.iter().map(|(path, text)| (Arc::from(*path), Arc::from(text.as_bytes()))).collect();
            content_digest(&map, &BTreeMap::new())
        };
        assert_eq!(files(&[("a", "1"), ("b", "2")]), files(&[("b", "2"), ("a", "1")]));
        assert_ne!(files(&[("a", "1b2")]), files(&[("a", "1"), ("b", "2")]));
    }
}
