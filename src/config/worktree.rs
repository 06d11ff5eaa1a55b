//! The configuration as it lies in a folder, committed or not.
//!
//! Not here: commits (`git`), apart from the question which one the folder stands on.
//!
//! Invariants: nothing outside the folder is read, links are not followed while listing; what git ignores, other
//! repositories inside, and git's own folder are left out, as no commit has them.
#![expect(clippy::disallowed_methods, reason = "this adapter reads the working tree")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::lock::LOCK_FILE;
use super::objects::Head;
use super::revision::{Source, content_digest};
use super::tree::{Entry, ROOT_FILE, ReadError, Tree, is_configuration};
use crate::id::Digest;
use crate::plan::document;

/// Why a folder could not be listed.
#[derive(Debug, thiserror::Error)]
pub enum WorktreeError {
    /// It is not there.
    #[error("the folder {} does not exist", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// It is something else.
    #[error("{} is not a folder", path.display())]
    NotAFolder {
        /// What was given.
        path: PathBuf,
    },
    /// It could not be read.
    #[error("cannot list the folder {}", path.display())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// The files below a folder.
pub struct Worktree {
    root: PathBuf,
    tree: Tree,
    head: Option<Mutex<Head>>,
}

impl std::fmt::Debug for Worktree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worktree").field("root", &self.root).finish_non_exhaustive()
    }
}

/// The nearest folder that holds `muster.yaml`, from `start` upwards.
#[must_use]
pub fn find_root(start: &Path) -> Option<PathBuf> {
    let start = start.canonicalize().ok()?;
    start.ancestors().find(|folder| folder.join(ROOT_FILE).exists()).map(Path::to_path_buf)
}

impl Worktree {
    /// Lists the folder `root`, which is the one that holds `muster.yaml`.
    ///
    /// # Errors
    /// When it is not a folder or cannot be listed. Folders below it that cannot be listed are entries of the tree that
    /// cannot be read.
    pub fn open(root: &Path) -> Result<Self, WorktreeError> {
        let missing = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::NotFound => WorktreeError::Missing { path: root.to_owned() },
            _ => WorktreeError::Unreadable { path: root.to_owned(), source },
        };
        if !fs::metadata(root).map_err(missing)?.is_dir() {
            return Err(WorktreeError::NotAFolder { path: root.to_owned() });
        }
        let head = Head::of(root);
        let mut files = BTreeMap::new();
        let top = fs::read_dir(root)
            .map_err(|source| WorktreeError::Unreadable { path: root.to_owned(), source })?;
        let mut open = vec![(String::new(), top)];
        while let Some((folder, entries)) = open.pop() {
            for entry in entries {
                let Ok(entry) = entry else {
                    files.insert(Arc::from(&*folder), Entry::Unreadable("cannot be listed".into()));
                    continue;
                };
                let name = entry.file_name();
                let Some(name) = name.to_str() else {
                    let path = format!("{folder}{}", name.to_string_lossy());
                    if !is_configuration(&path) && !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                        continue;
                    }
                    files.insert(Arc::from(path), Entry::Unreadable("has a name that is not UTF-8".into()));
                    continue;
                };
                if name == ".git" {
                    continue;
                }
                let path = format!("{folder}{name}");
                let kind = entry.file_type();
                let is_folder = kind.as_ref().is_ok_and(fs::FileType::is_dir);
                if head.as_ref().is_some_and(|head| head.ignores(&path, is_folder)) {
                    continue;
                }
                let found = match kind {
                    Ok(kind) if kind.is_dir() => {
                        let below = entry.path();
                        // Another repository: a submodule, or one that happens to lie here.
                        if below.join(".git").exists() {
                            continue;
                        }
                        match fs::read_dir(&below) {
                            Ok(entries) => {
                                open.push((format!("{path}/"), entries));
                                continue;
                            }
                            Err(error) => Entry::Unreadable(format!("cannot be listed: {error}").into()),
                        }
                    }
                    Ok(kind) if kind.is_symlink() => link(&entry.path()),
                    Ok(kind) if kind.is_file() => Entry::File,
                    Ok(_) if !is_configuration(&path) => continue,
                    Ok(_) => Entry::Unreadable("is not a regular file".into()),
                    Err(error) => Entry::Unreadable(format!("cannot be looked at: {error}").into()),
                };
                files.insert(Arc::from(path), found);
            }
        }
        Ok(Self { root: root.to_owned(), tree: Tree::new(files), head: head.map(Mutex::new) })
    }

    /// The folder that holds `muster.yaml`.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }
}

fn link(path: &Path) -> Entry {
    match fs::read_link(path) {
        Ok(target) => match target.to_str() {
            Some(target) => Entry::Link(target.replace(std::path::MAIN_SEPARATOR, "/").into()),
            None => Entry::Unreadable("is a link to a path that is not UTF-8".into()),
        },
        Err(error) => Entry::Unreadable(format!("is a link that cannot be read: {error}").into()),
    }
}

impl Source for Worktree {
    fn tree(&self) -> &Tree {
        &self.tree
    }

    fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>, ReadError> {
        let failed = |error: std::io::Error| ReadError::Failed(error.to_string());
        let file = fs::File::open(self.root.join(path)).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        if size > limit {
            return Err(ReadError::TooLarge(size));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        // It may have grown meanwhile.
        (&file).take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
        match u64::try_from(bytes.len()) {
            Ok(read) if read <= limit => Ok(bytes),
            _ => Err(ReadError::TooLarge(file.metadata().map_err(failed)?.len())),
        }
    }

    fn copy(&self, path: &str, limit: u64, to: &mut (dyn Write + Send)) -> Result<u64, ReadError> {
        let failed = |error: std::io::Error| ReadError::Failed(error.to_string());
        let file = fs::File::open(self.root.join(path)).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        if size > limit {
            return Err(ReadError::TooLarge(size));
        }
        // It may have grown meanwhile.
        let read = std::io::copy(&mut (&file).take(limit.saturating_add(1)), to).map_err(failed)?;
        if read > limit {
            return Err(ReadError::TooLarge(file.metadata().map_err(failed)?.len()));
        }
        Ok(read)
    }

    fn describe(
        &self,
        files: &BTreeMap<Arc<str>, Arc<[u8]>>,
        hashed: &BTreeMap<Arc<str>, Digest>,
    ) -> document::Revision {
        let content = Some(content_digest(files, hashed));
        let Some(head) = &self.head else {
            return document::Revision { content, ..document::Revision::default() };
        };
        let head = head.lock().unwrap_or_else(PoisonError::into_inner);
        let (commit, subject, dirty) =
            head.compare(files, &|path| is_configuration(path) || path == LOCK_FILE);
        let changed = |path: &Arc<str>| !head.has_same(path, &self.root.join(&**path));
        document::Revision { commit, subject, content, dirty: dirty || hashed.keys().any(changed) }
    }
}
