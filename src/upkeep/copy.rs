//! Whether a backup holds everything, and whether there is room for what is to be done.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The number of rows of each table, by name.
pub type Counts = BTreeMap<String, u64>;

/// Why a backup is not to be relied on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CopyError {
    /// SQLite finds it damaged.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
    /// A table holds another number of rows than the file did at any time while it was made.
    #[error("the backup holds {found} rows of {table}, and the file held {expected}")]
    Rows {
        /// The table.
        table: String,
        /// Rows in the backup.
        found: u64,
        /// Rows in the file before.
        expected: u64,
    },
}

/// Checks a backup: what SQLite said of it (`ok` alone is good), and its rows against those of the file before and after
/// it was made. They differ only where a server writes meanwhile.
///
/// # Errors
/// [`CopyError`], the first of what is wrong.
pub fn check(integrity: &[String], before: &Counts, copy: &Counts, after: &Counts) -> Result<(), CopyError> {
    if !matches!(integrity, [only] if only == "ok") {
        return Err(CopyError::Damaged(
            integrity.first().cloned().unwrap_or_else(|| "nothing is said of it".to_owned()),
        ));
    }
    for (table, expected) in before {
        let found = copy.get(table).copied().unwrap_or_default();
        let last = after.get(table).copied().unwrap_or(*expected);
        if found < *expected.min(&last) || found > *expected.max(&last) {
            return Err(CopyError::Rows { table: table.clone(), found, expected: *expected });
        }
    }
    Ok(())
}

/// How many bytes may be needed where, for a file of so many used bytes: a backup is as large as what is used, and compacting
/// the file writes that twice, beside it and to its log. Both count together where they lie in one folder.
#[must_use]
pub fn needed(used: u64, file: &Path, backup: Option<&Path>, compact: bool) -> Vec<(PathBuf, u64)> {
    let mut needed: Vec<(PathBuf, u64)> = backup.map(|to| (to.to_owned(), used)).into_iter().collect();
    if compact {
        let together = backup.is_some_and(|to| to.parent() == file.parent());
        needed.push((file.to_owned(), used.saturating_mul(if together { 3 } else { 2 })));
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(rows: u64) -> Counts {
        [("SessionEvent".to_owned(), rows), ("Session".to_owned(), 3)].into()
    }

    #[test]
    fn a_backup_holds_what_the_file_held() {
        let ok = ["ok".to_owned()];
        assert_eq!(check(&ok, &counts(5), &counts(5), &counts(5)), Ok(()));
        assert_eq!(check(&ok, &counts(5), &counts(6), &counts(7)), Ok(()), "a server wrote meanwhile");
        assert_eq!(check(&ok, &counts(5), &counts(4), &counts(3)), Ok(()), "a server tidied up meanwhile");
        for (copy, after) in [(4, 5), (6, 5), (8, 7), (2, 3)] {
            let error = check(&ok, &counts(5), &counts(copy), &counts(after));
            assert!(matches!(error, Err(CopyError::Rows { .. })), "{copy} {after}");
        }
        assert!(check(&ok, &counts(5), &Counts::new(), &counts(5)).is_err());
        for said in [&[][..], &["row 1 missing".to_owned()], &["ok".to_owned(), "no".to_owned()]] {
            let error = check(said, &counts(5), &counts(5), &counts(5));
            assert!(matches!(error, Err(CopyError::Damaged(_))), "{said:?}");
        }
    }

    #[test]
    fn room_is_reckoned_from_what_is_used() {
        let (file, beside, far) = (Path::new("/a/Session.db"), Path::new("/a/b"), Path::new("/b/b"));
        assert_eq!(needed(10, file, None, false), []);
        assert_eq!(needed(10, file, Some(beside), false), [(beside.to_owned(), 10)]);
        assert_eq!(needed(10, file, Some(beside), true), [(beside.to_owned(), 10), (file.to_owned(), 30)]);
        assert_eq!(needed(10, file, Some(far), true), [(far.to_owned(), 10), (file.to_owned(), 20)]);
        assert_eq!(needed(u64::MAX, file, None, true), [(file.to_owned(), u64::MAX)]);
    }
}
