//! Writing proposed changes into the files of a repository.
//!
//! Invariants: all files are looked at before the first is written; nothing is written outside of the repository, over a
//! file that is not the one that was read, or over one that was not there when the change was worked out.

use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use super::error::CliError;
use super::files;
use super::reports::replace_with;
use crate::import::files::FileChange;

/// Writes all of them. Where one cannot be written, those before it are, and the error says so.
///
/// # Errors
/// When a file changed since it was read (exit 7), leads out of the repository (exit 3) or cannot be written (exit 1).
pub(super) fn write(root: &Path, changes: &[FileChange]) -> Result<(), CliError> {
    let _alone = files::alone(root);
    let real = std::fs::canonicalize(root).map_err(|error| CliError::io("read", root, error))?;
    let paths = changes.iter().map(|change| look(&real, change)).collect::<Result<Vec<PathBuf>, _>>()?;
    for (written, (path, change)) in paths.iter().zip(changes).enumerate() {
        let bytes = change.after.as_bytes();
        let result = match &change.before {
            Some(_) => replace_with(path, bytes),
            None => make(path, bytes),
        };
        result.map_err(|error| {
            let error = CliError::io("write", path, error);
            if written == 0 { error } else { error.hint(format!("{written} files before it are written")) }
        })?;
    }
    Ok(())
}

/// Where a file is written, if it may be.
fn look(root: &Path, change: &FileChange) -> Result<PathBuf, CliError> {
    let name = &change.file;
    let leaves = || CliError::invalid(format!("{name} does not lie in the repository: nothing is written"));
    let changed = |what: &str| {
        CliError::stale(format!("{name} {what} since it was read: nothing is written"))
            .hint("run the import again")
    };
    if !Path::new(name).components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(leaves());
    }
    let path = root.join(name);
    let Some(before) = &change.before else {
        if std::fs::symlink_metadata(&path).is_ok() {
            return Err(changed("was made"));
        }
        let above = path.ancestors().skip(1).find_map(|above| std::fs::canonicalize(above).ok());
        return if above.is_some_and(|above| above.starts_with(root)) { Ok(path) } else { Err(leaves()) };
    };
    let real = std::fs::canonicalize(&path).map_err(|_| changed("was taken away"))?;
    if !real.starts_with(root) {
        return Err(leaves());
    }
    let now = files::content(&real).map_err(|error| CliError::io("read", &real, error))?;
    if now.as_deref() == Some(before.as_bytes()) { Ok(real) } else { Err(changed("was changed")) }
}

/// Writes a file that is not there.
fn make(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        // The error says what went wrong; half a file is of no use.
        _ = std::fs::remove_file(path);
    }
    written
}

#[cfg(all(test, unix))]
#[expect(clippy::disallowed_methods, reason = "the test lays a repository out")]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;

    fn change(file: &str, before: Option<&str>) -> FileChange {
        FileChange { file: file.to_owned(), before: before.map(Into::into), after: "new\n".to_owned() }
    }

    #[test]
    fn only_what_was_read_is_written_over_and_only_in_the_repository() {
        let folder = tempfile::tempdir().expect("a folder");
        let (root, outside) = (folder.path().join("repo"), folder.path().join("outside"));
        for path in [&root, &outside] {
            std::fs::create_dir(path).expect("made");
        }
        let put = |name: &str, text: &str| std::fs::write(root.join(name), text).expect("written");
        let get = |name: &str| std::fs::read_to_string(root.join(name)).ok();
        put("a.yaml", "old\n");
        put("b.yaml", "other\n");
        std::fs::write(outside.join("c.yaml"), "old\n").expect("written");
        std::os::unix::fs::symlink(&outside, root.join("link")).expect("linked");
        std::os::unix::fs::symlink(outside.join("c.yaml"), root.join("c.yaml")).expect("linked");
        let good = || change("a.yaml", Some("old\n"));
        for (bad, exit) in [
            (change("b.yaml", Some("old\n")), Exit::Stale),
            (change("gone.yaml", Some("old\n")), Exit::Stale),
            (change("b.yaml", None), Exit::Stale),
            (change("../outside/new.yaml", None), Exit::Configuration),
            (change("/tmp/new.yaml", None), Exit::Configuration),
            (change("link/new.yaml", None), Exit::Configuration),
            (change("link/deep/new.yaml", None), Exit::Configuration),
            (change("c.yaml", Some("old\n")), Exit::Configuration),
        ] {
            let error = write(&root, &[good(), bad.clone()]).expect_err(&bad.file);
            assert_eq!(error.exit, exit, "{}: {error}", bad.file);
            assert_eq!(get("a.yaml").as_deref(), Some("old\n"), "{}: nothing else is written", bad.file);
        }
        assert_eq!(std::fs::read_dir(&outside).expect("listed").count(), 1);
        write(&root, &[good(), change("x/y/new.yaml", None)]).expect("written");
        assert_eq!(
            (get("a.yaml"), get("x/y/new.yaml")),
            (Some("new\n".to_owned()), Some("new\n".to_owned()))
        );
    }
}
