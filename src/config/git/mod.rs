//! Revisions of a git repository, bare or not, read from its objects.
//!
//! Not here: the files as they lie in a folder (`worktree`).
//!
//! Invariants: nothing is written; no hook, filter or other program runs, because only objects are read; submodules are
//! left out.

mod changes;

pub use changes::{Hunk, changed_lines, folder};

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use git2::{ErrorCode, Oid, Repository};

use super::objects::{list, slashed};
use super::revision::{Source, content_digest};
use super::tree::{Entry, ROOT_FILE, ReadError, Tree};
use crate::diagnostic::nearest;
use crate::id::{CommitId, Digest};
use crate::plan::document;

/// Why a revision could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no repository.
    #[error("{} is not in a git repository", path.display())]
    NotARepository {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The repository has no commit yet.
    #[error("the repository {} has no commit yet", path.display())]
    NoCommit {
        /// The repository.
        path: PathBuf,
    },
    /// Nothing has that name.
    #[error("the repository has no revision {revision:?}{}", hint(near))]
    UnknownRevision {
        /// What was asked for.
        revision: String,
        /// Names of branches and tags that are near.
        near: Vec<String>,
        /// Whether the clone is shallow, so that older commits are not there.
        shallow: bool,
    },
    /// The revision names something that has no files.
    #[error("{revision:?} is not a commit")]
    NotACommit {
        /// What was asked for.
        revision: String,
    },
    /// The commit has no configuration where it was looked for.
    #[error("there is no {ROOT_FILE} in {} of commit {commit}{}", folder_name(folder), hint(near))]
    NoInstance {
        /// The commit.
        commit: String,
        /// The folder; empty for the root.
        folder: String,
        /// Folders that have one.
        near: Vec<String>,
    },
    /// git could not read the repository.
    #[error("the repository could not {operation}")]
    Failed {
        /// What was tried, to fit after "could not".
        operation: &'static str,
        /// Why.
        #[source]
        source: git2::Error,
    },
}

fn hint(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!("; there is {}", near.join(", ")) }
}

fn folder_name(folder: &str) -> String {
    if folder.is_empty() { "the root".to_owned() } else { format!("the folder {folder}") }
}

const fn failed(operation: &'static str) -> impl FnOnce(git2::Error) -> GitError {
    move |source| GitError::Failed { operation, source }
}

/// The configuration at one commit.
pub struct GitRevision {
    /// Where the repository's own files are.
    path: PathBuf,
    /// Handles that nobody uses now. Each reading thread has one of its own.
    idle: Mutex<Vec<Repository>>,
    commit: CommitId,
    subject: Option<String>,
    tree: Tree,
    blobs: BTreeMap<Arc<str>, Oid>,
}

impl std::fmt::Debug for GitRevision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GitRevision").field("commit", &self.commit).finish_non_exhaustive()
    }
}

impl GitRevision {
    /// Opens what `revision` names (a branch, tag, commit, `HEAD~2` …) in the repository that holds `path`.
    ///
    /// `folder` holds `muster.yaml`, relative to the repository's root. Without it that is `path` itself if it lies in a
    /// working tree, or the nearest folder above it that has the file, or the root.
    ///
    /// # Errors
    /// See [`GitError`].
    pub fn open(path: &Path, revision: &str, folder: Option<&str>) -> Result<Self, GitError> {
        let repository = discover(path)?;
        let (commit, subject, root) = {
            let commit = find(&repository, path, revision)?;
            let subject = commit.summary_bytes().map(|text| String::from_utf8_lossy(text).into_owned());
            (commit.id(), subject, commit.tree_id())
        };
        let folder = match folder {
            Some(folder) => tidy(folder),
            None => folder_of(&repository, path, root),
        };
        let all = list(&repository, root).map_err(failed("list the files of the commit"))?;
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let has_root = all.contains_key(format!("{prefix}{ROOT_FILE}").as_str());
        if !has_root {
            let ending = format!("/{ROOT_FILE}");
            let near = all.keys().filter_map(|path| path.strip_suffix(ending.as_str())).take(3);
            let near = near.map(|folder| format!("one in the folder {folder}")).collect();
            return Err(GitError::NoInstance { commit: commit.to_string(), folder, near });
        }
        let mut files = BTreeMap::new();
        let mut blobs = BTreeMap::new();
        for (path, (entry, oid)) in all {
            let Some(inner) = path.strip_prefix(prefix.as_str()) else { continue };
            let inner: Arc<str> = if prefix.is_empty() { Arc::clone(&path) } else { Arc::from(inner) };
            if entry == Entry::File {
                blobs.insert(Arc::clone(&inner), oid);
            }
            files.insert(inner, entry);
        }
        Ok(Self {
            path: repository.path().to_owned(),
            idle: Mutex::new(vec![repository]),
            commit: CommitId::new(commit.to_string()),
            subject,
            tree: Tree::new(files),
            blobs,
        })
    }

    /// The commit.
    #[must_use]
    pub fn commit(&self) -> &CommitId {
        &self.commit
    }
}

impl Source for GitRevision {
    fn tree(&self) -> &Tree {
        &self.tree
    }

    fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>, ReadError> {
        let mut bytes = Vec::new();
        self.copy(path, limit, &mut bytes)?;
        Ok(bytes)
    }

    fn copy(&self, path: &str, limit: u64, to: &mut (dyn Write + Send)) -> Result<u64, ReadError> {
        let oid =
            self.blobs.get(path).ok_or_else(|| ReadError::Failed("it is not in the commit".to_owned()))?;
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = idle().pop();
        let repository = match waiting {
            Some(repository) => repository,
            None => Repository::open(&self.path).map_err(broken)?,
        };
        let written = blob(&repository, *oid, limit, to);
        idle().push(repository);
        written
    }

    fn describe(
        &self,
        files: &BTreeMap<Arc<str>, Arc<[u8]>>,
        hashed: &BTreeMap<Arc<str>, Digest>,
    ) -> document::Revision {
        document::Revision {
            commit: Some(self.commit.clone()),
            subject: self.subject.clone(),
            content: Some(content_digest(files, hashed)),
            dirty: false,
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn broken(error: git2::Error) -> ReadError {
    ReadError::Failed(format!("its object cannot be read: {}", error.message()))
}

/// Writes the bytes of a blob, unless there are more than `limit`. The library holds all of them at once.
fn blob(
    repository: &Repository,
    oid: Oid,
    limit: u64,
    to: &mut (dyn Write + Send),
) -> Result<u64, ReadError> {
    let odb = repository.odb().map_err(broken)?;
    let (size, _) = odb.read_header(oid).map_err(broken)?;
    let size = u64::try_from(size).unwrap_or(u64::MAX);
    if size > limit {
        return Err(ReadError::TooLarge(size));
    }
    let object = odb.read(oid).map_err(broken)?;
    to.write_all(object.data()).map_err(|error| ReadError::Failed(error.to_string()))?;
    Ok(size)
}

/// Whether there is a branch or a tag. Without any there is no commit that has a name.
fn has_references(repository: &Repository) -> bool {
    repository.references().is_ok_and(|mut references| references.next().is_some())
}

/// The commit that `revision` names in the repository that holds `path`.
///
/// # Errors
/// See [`GitError`].
pub fn commit(path: &Path, revision: &str) -> Result<CommitId, GitError> {
    let repository = discover(path)?;
    let commit = find(&repository, path, revision)?;
    Ok(CommitId::new(commit.id().to_string()))
}

fn find<'r>(repository: &'r Repository, path: &Path, revision: &str) -> Result<git2::Commit<'r>, GitError> {
    let object = repository.revparse_single(revision).map_err(|error| match error.code() {
        ErrorCode::UnbornBranch => GitError::NoCommit { path: path.to_owned() },
        ErrorCode::NotFound | ErrorCode::InvalidSpec | ErrorCode::Ambiguous | ErrorCode::GenericError => {
            if !has_references(repository) {
                return GitError::NoCommit { path: path.to_owned() };
            }
            unknown(repository, revision)
        }
        _ => GitError::Failed { operation: "look up the revision", source: error },
    })?;
    object.peel_to_commit().map_err(|_| GitError::NotACommit { revision: revision.to_owned() })
}

fn unknown(repository: &Repository, revision: &str) -> GitError {
    GitError::UnknownRevision {
        revision: revision.to_owned(),
        near: near(repository, revision),
        shallow: repository.is_shallow(),
    }
}

/// Whether `path` lies in a bare repository, which has no files.
#[must_use]
pub fn is_bare(path: &Path) -> bool {
    Repository::discover(path).is_ok_and(|repository| repository.is_bare())
}

/// The repository that holds `path`, which may be a bare one itself.
fn discover(path: &Path) -> Result<Repository, GitError> {
    Repository::discover(path).map_err(|error| match error.code() {
        ErrorCode::NotFound => GitError::NotARepository { path: path.to_owned() },
        _ => GitError::Failed { operation: "be opened", source: error },
    })
}

/// The folder of a path in the working tree that has, or above which is, the root file in this tree.
fn folder_of(repository: &Repository, path: &Path, root: Oid) -> String {
    let inside = || {
        let workdir = repository.workdir()?.canonicalize().ok()?;
        let path = path.canonicalize().ok()?;
        Some(path.strip_prefix(workdir).ok()?.to_path_buf())
    };
    let Some(inside) = inside() else { return String::new() };
    let Ok(tree) = repository.find_tree(root) else { return String::new() };
    let found = inside.ancestors().find(|folder| tree.get_path(&folder.join(ROOT_FILE)).is_ok());
    slashed(found.unwrap_or(&inside))
}

fn tidy(folder: &str) -> String {
    let parts: Vec<_> = folder.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    parts.join("/")
}

/// Branches and tags with a name near to what was asked for, at most three.
fn near(repository: &Repository, wanted: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    if let Ok(references) = repository.references() {
        for reference in references.flatten() {
            let Ok(name) = reference.name() else { continue };
            let short =
                ["refs/heads/", "refs/tags/", "refs/remotes/"].iter().find_map(|p| name.strip_prefix(p));
            names.extend(short.map(str::to_owned));
        }
    }
    names.sort();
    names.dedup();
    let mut found = Vec::new();
    while found.len() < 3 {
        let Some(name) = nearest(wanted, names.iter().map(String::as_str)).map(str::to_owned) else { break };
        names.retain(|other| *other != name);
        found.push(name);
    }
    found
}
