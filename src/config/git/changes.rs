//! Which lines differ from a base: what a reviewer sees in the difference of a pull request.

use std::path::Path;

use git2::{Commit, DiffFindOptions, DiffOptions, Repository};

use super::super::objects::slashed;
use super::{GitError, discover, failed, has_references, unknown};

/// Lines of a file that were added or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// Path below the git repository's root.
    pub file: String,
    /// The first of them.
    pub line: u32,
    /// How many; none where lines were only taken away.
    pub lines: u32,
}

/// The folder of `root` below the top of its git repository, empty when it is the top or lies in none.
#[must_use]
pub fn folder(root: &Path) -> String {
    let below = || {
        let top = Repository::discover(root).ok()?.workdir()?.canonicalize().ok()?;
        Some(slashed(root.canonicalize().ok()?.strip_prefix(top).ok()?))
    };
    below().unwrap_or_default()
}

/// Files that are looked at for renames, as many as a pull request can show.
const RENAMES: usize = 3000;

/// The lines that `revision`, or the working tree when there is none, has and the point where it left `base` has not. Of a
/// file that was renamed those that were changed besides, as a pull request shows it.
///
/// # Errors
/// When there is no repository, or nothing has one of the names.
pub fn changed_lines(path: &Path, base: &str, revision: Option<&str>) -> Result<Vec<Hunk>, GitError> {
    let repository = discover(path)?;
    let from = commit(&repository, base)?;
    let head = commit(&repository, revision.unwrap_or("HEAD"))?;
    // Without a common ancestor all lines differ.
    let fork = repository.merge_base(from.id(), head.id()).unwrap_or(from.id());
    let tree = |id| repository.find_commit(id).and_then(|commit| commit.tree());
    let before = tree(fork).map_err(failed("read the base"))?;
    let mut options = DiffOptions::new();
    options
        .context_lines(0)
        .include_untracked(true)
        .recurse_untracked_dirs(true)
        .show_untracked_content(true);
    let mut diff = if revision.is_some() {
        let after = head.tree().map_err(failed("read the revision"))?;
        repository.diff_tree_to_tree(Some(&before), Some(&after), Some(&mut options))
    } else {
        repository.diff_tree_to_workdir_with_index(Some(&before), Some(&mut options))
    }
    .map_err(failed("be compared with the base"))?;
    let mut similar = DiffFindOptions::new();
    similar.renames(true).for_untracked(true).rename_limit(RENAMES);
    diff.find_similar(Some(&mut similar)).map_err(failed("be compared with the base"))?;
    let mut hunks = Vec::new();
    diff.foreach(
        &mut |_, _| true,
        None,
        Some(&mut |delta, hunk| {
            if let Some(file) = delta.new_file().path().and_then(Path::to_str) {
                hunks.push(Hunk { file: file.to_owned(), line: hunk.new_start(), lines: hunk.new_lines() });
            }
            true
        }),
        None,
    )
    .map_err(failed("be compared with the base"))?;
    Ok(hunks)
}

fn commit<'r>(repository: &'r Repository, name: &str) -> Result<Commit<'r>, GitError> {
    if !has_references(repository) {
        return Err(GitError::NoCommit { path: repository.path().to_owned() });
    }
    let object = repository.revparse_single(name).map_err(|_| unknown(repository, name))?;
    object.into_commit().or_else(|object| {
        object.peel_to_commit().map_err(|_| GitError::NotACommit { revision: name.to_owned() })
    })
}
