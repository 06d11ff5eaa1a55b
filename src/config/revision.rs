//! The seam to one revision of the configuration: its tree, and what is in its files.
//!
//! Not here: where revisions come from (`worktree`, `git`), and the tree itself (`tree`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tree::{ReadError, Tree};
use crate::id::Digest;
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

    /// What is known of the revision. `files` are the files that were read, with their bytes.
    fn describe(&self, files: &BTreeMap<Arc<str>, Arc<[u8]>>) -> document::Revision;
}

/// The digest over paths and contents. The same files give the same digest wherever they lie.
#[must_use]
pub fn content_digest(files: &BTreeMap<Arc<str>, Arc<[u8]>>) -> Digest {
    use sha2::Digest as _;
    let mut hash = sha2::Sha256::new();
    for (path, bytes) in files {
        // Lengths first, so that no two sets of files give the same bytes.
        hash.update(u64::try_from(path.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(path.as_bytes());
        hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(bytes);
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
            content_digest(&map)
        };
        assert_eq!(files(&[("a", "1"), ("b", "2")]), files(&[("b", "2"), ("a", "1")]));
        assert_ne!(files(&[("a", "1b2")]), files(&[("a", "1"), ("b", "2")]));
    }
}
