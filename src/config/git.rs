//! Revisions of a git repository, bare or not, read from its objects.
//!
//! Not here: the files as they lie in a folder (`worktree`).
//!
//! Invariants: nothing is written; no hook, filter or other program runs, because only objects are read; submodules are
//! left out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use git2::{ErrorCode, ObjectType, Oid, Repository};

use super::revision::{Entry, ROOT_FILE, ReadError, Source, Tree, content_digest, is_configuration};
use crate::diagnostic::nearest;
use crate::id::CommitId;
use crate::plan::document;

/// The mode of a symbolic link in a tree.
const LINK: i32 = 0o120_000;
/// The most files that a commit may have. Trees can name each other so that few objects make very many files.
const MAX_FILES: usize = 2_000_000;

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
    repository: Mutex<Repository>,
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
            let object = repository.revparse_single(revision).map_err(|error| match error.code() {
                ErrorCode::UnbornBranch => GitError::NoCommit { path: path.to_owned() },
                ErrorCode::NotFound
                | ErrorCode::InvalidSpec
                | ErrorCode::Ambiguous
                | ErrorCode::GenericError => {
                    if !has_references(&repository) {
                        return GitError::NoCommit { path: path.to_owned() };
                    }
                    GitError::UnknownRevision {
                        revision: revision.to_owned(),
                        near: near(&repository, revision),
                    }
                }
                _ => GitError::Failed { operation: "look up the revision", source: error },
            })?;
            let commit = object
                .peel_to_commit()
                .map_err(|_| GitError::NotACommit { revision: revision.to_owned() })?;
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
            repository: Mutex::new(repository),
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
        let oid =
            self.blobs.get(path).ok_or_else(|| ReadError::Failed("it is not in the commit".to_owned()))?;
        let broken =
            |error: git2::Error| ReadError::Failed(format!("its object cannot be read: {}", error.message()));
        let repository = self.repository.lock().unwrap_or_else(PoisonError::into_inner);
        let odb = repository.odb().map_err(broken)?;
        let (size, _) = odb.read_header(*oid).map_err(broken)?;
        let size = u64::try_from(size).unwrap_or(u64::MAX);
        if size > limit {
            return Err(ReadError::TooLarge(size));
        }
        Ok(odb.read(*oid).map_err(broken)?.data().to_vec())
    }

    fn describe(&self, files: &BTreeMap<Arc<str>, Arc<[u8]>>) -> document::Revision {
        document::Revision {
            commit: Some(self.commit.clone()),
            subject: self.subject.clone(),
            content: Some(content_digest(files)),
            dirty: false,
        }
    }
}

/// Whether there is a branch or a tag. Without any there is no commit that has a name.
fn has_references(repository: &Repository) -> bool {
    repository.references().is_ok_and(|mut references| references.next().is_some())
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

/// A path with forward slashes; lossy, as it is only compared with names that are text.
fn slashed(path: &Path) -> String {
    let parts: Vec<_> =
        path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    parts.join("/")
}

fn tidy(folder: &str) -> String {
    let parts: Vec<_> = folder.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    parts.join("/")
}

/// Files and links by path, each with its object.
type Objects = BTreeMap<Arc<str>, (Entry, Oid)>;

/// Every file and link below a tree, with its object. Submodules are left out.
fn list(repository: &Repository, root: Oid) -> Result<Objects, git2::Error> {
    let mut found = BTreeMap::new();
    let mut open = vec![(String::new(), root)];
    while let Some((folder, oid)) = open.pop() {
        for entry in &repository.find_tree(oid)? {
            let name = String::from_utf8_lossy(entry.name_bytes());
            let path = format!("{folder}{name}");
            let kind = match entry.kind() {
                Some(ObjectType::Tree) if entry.name().is_ok() => {
                    open.push((format!("{path}/"), entry.id()));
                    continue;
                }
                Some(ObjectType::Tree) => Entry::Unreadable("has a name that is not UTF-8".into()),
                Some(ObjectType::Blob) if entry.name().is_err() => {
                    if !is_configuration(&path) {
                        continue;
                    }
                    Entry::Unreadable("has a name that is not UTF-8".into())
                }
                Some(ObjectType::Blob) if entry.filemode() == LINK => {
                    match str::from_utf8(repository.find_blob(entry.id())?.content()) {
                        Ok(target) => Entry::Link(target.into()),
                        Err(_) => Entry::Unreadable("is a link to a path that is not UTF-8".into()),
                    }
                }
                Some(ObjectType::Blob) => Entry::File,
                _ => continue,
            };
            found.insert(Arc::from(path), (kind, entry.id()));
            if found.len() > MAX_FILES {
                return Err(git2::Error::from_str(
                    "the commit has more files than a repository can hold here",
                ));
            }
        }
    }
    Ok(found)
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

/// A commit's id, subject and files.
type HeadCommit = (CommitId, Option<String>, Objects);

/// The commit that a working tree stands on, and the objects of its files.
pub(super) struct Head {
    repository: Repository,
    /// The folder of the configuration, relative to the repository's root.
    folder: String,
    commit: Option<HeadCommit>,
}

impl Head {
    /// The repository around a folder, if there is one that can be read.
    pub(super) fn of(root: &Path) -> Option<Self> {
        let repository = Repository::discover(root).ok()?;
        let workdir = repository.workdir()?.canonicalize().ok()?;
        let folder = slashed(root.canonicalize().ok()?.strip_prefix(workdir).ok()?);
        let read = || {
            let commit = repository.head().ok()?.peel_to_commit().ok()?;
            let subject = commit.summary_bytes().map(|text| String::from_utf8_lossy(text).into_owned());
            let files = list(&repository, commit.tree_id()).ok()?;
            Some((CommitId::new(commit.id().to_string()), subject, files))
        };
        let commit = read();
        Some(Self { repository, folder, commit })
    }

    fn in_repository(&self, path: &str) -> String {
        if self.folder.is_empty() { path.to_owned() } else { format!("{}/{path}", self.folder) }
    }

    /// Whether git is told to ignore a path below the folder, and does not track it all the same.
    pub(super) fn ignores(&self, path: &str, is_folder: bool) -> bool {
        let path = self.in_repository(path);
        // Asked first, as it is much cheaper.
        if self.tracks(&path) {
            return false;
        }
        let asked = if is_folder { format!("{path}/") } else { path };
        self.repository.is_path_ignored(Path::new(&asked)).unwrap_or(false)
    }

    fn tracks(&self, path: &str) -> bool {
        let Some((_, _, files)) = &self.commit else { return false };
        let below = format!("{path}/");
        files.contains_key(path)
            || files
                .range::<str, _>((std::ops::Bound::Included(below.as_str()), std::ops::Bound::Unbounded))
                .next()
                .is_some_and(|(first, _)| first.starts_with(&below))
    }

    /// The commit, its subject, and whether the files that were read differ from it. Line ends do not count, as git may
    /// have changed them on checking out.
    pub(super) fn compare(
        &self,
        files: &BTreeMap<Arc<str>, Arc<[u8]>>,
        is_read: &dyn Fn(&str) -> bool,
    ) -> (Option<CommitId>, Option<String>, bool) {
        let Some((commit, subject, committed)) = &self.commit else { return (None, None, true) };
        let same = |path: &str, bytes: &[u8]| {
            let Some((Entry::File, oid)) = committed.get(self.in_repository(path).as_str()) else {
                return false;
            };
            let is =
                |bytes: &[u8]| Oid::hash_object(ObjectType::Blob, bytes).is_ok_and(|found| found == *oid);
            is(bytes) || (bytes.contains(&b'\r') && is(&without_carriage_returns(bytes)))
        };
        let changed = files.iter().any(|(path, bytes)| !same(path, bytes));
        let prefix = self.in_repository("");
        let gone = committed.iter().any(|(path, (entry, _))| {
            *entry == Entry::File
                && path
                    .strip_prefix(prefix.as_str())
                    .is_some_and(|path| is_read(path) && !files.contains_key(path))
        });
        (Some(commit.clone()), subject.clone(), changed || gone)
    }
}

fn without_carriage_returns(bytes: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(bytes.len());
    for (at, byte) in bytes.iter().enumerate() {
        if *byte != b'\r' || bytes.get(at + 1) != Some(&b'\n') {
            result.push(*byte);
        }
    }
    result
}
