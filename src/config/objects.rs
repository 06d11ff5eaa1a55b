//! Git objects, for both adapters that read a repository: the files of a commit, and how a working tree differs from them.
//!
//! Invariant: nothing is written, and no hook, filter or other program runs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use git2::{ObjectType, Oid, Repository};

use super::tree::{Entry, is_configuration};
use crate::id::CommitId;

/// The mode of a symbolic link in a tree.
const LINK: i32 = 0o120_000;
/// The most files that a commit may have. Trees can name each other so that few objects make very many files.
const MAX_FILES: usize = 2_000_000;

/// A path with forward slashes; lossy, as it is only compared with names that are text.
pub(super) fn slashed(path: &Path) -> String {
    let parts: Vec<_> =
        path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    parts.join("/")
}

/// Files and links by path, each with its object.
pub(super) type Objects = BTreeMap<Arc<str>, (Entry, Oid)>;

/// Every file and link below a tree, with its object. Submodules are left out.
pub(super) fn list(repository: &Repository, root: Oid) -> Result<Objects, git2::Error> {
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

    /// Whether the commit has a file of the working tree as it is. Its content is not kept.
    pub(super) fn has_same(&self, path: &str, file: &Path) -> bool {
        let Some((_, _, committed)) = &self.commit else { return false };
        let Some((Entry::File, oid)) = committed.get(self.in_repository(path).as_str()) else { return false };
        Oid::hash_file(ObjectType::Blob, file).is_ok_and(|found| found == *oid)
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
