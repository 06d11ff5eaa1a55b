//! Files that commands write for people and programs.

#![expect(clippy::disallowed_methods, reason = "reads and writes the files that commands are about")]

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

/// Keeps others out of a folder's files while it lives, as far as they ask for it too.
#[derive(Debug)]
pub(super) struct Alone {
    /// Closed, and with that unlocked by the system, at the end.
    _folder: Option<fs::File>,
}

/// Waits until no other run of Muster is in the same short piece of work on a folder's files. Where the system or the file
/// system has no locks of folders (Windows, some network file systems), nobody is kept out.
#[must_use]
pub(super) fn alone(folder: &Path) -> Alone {
    Alone { _folder: fs::File::open(folder).and_then(|folder| folder.lock().map(|()| folder)).ok() }
}

/// A file's content; `None` when there is none.
///
/// # Errors
/// What happened.
pub(super) fn content(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces a file's content as a whole: whoever reads it sees the old or the new one, never a part.
///
/// # Errors
/// What happened; the file is then as it was.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    swap(path, bytes, false)
}

/// The same for a file that only the account may read, whoever might read the one before. What is no regular file, such as
/// a pipe, is written to.
///
/// # Errors
/// What happened; the file is then as it was.
pub(super) fn replace_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return fs::OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    swap(path, bytes, true)
}

fn swap(path: &Path, bytes: &[u8], private: bool) -> io::Result<()> {
    // A link stays one: what lies behind it is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("file");
    let beside = path.with_file_name(format!(".{name}.{}", uuid::Uuid::now_v7().simple()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let written = options.open(&beside).and_then(|mut file| {
        if let Some(old) = fs::metadata(&path).ok().filter(|_| !private) {
            file.set_permissions(old.permissions())?;
        }
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&beside, &path)).inspect_err(|_| {
        // What happened before is what is told.
        _ = fs::remove_file(&beside);
    })
}

/// Makes a folder where there is none.
///
/// # Errors
/// What happened.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Takes a file away.
///
/// # Errors
/// What happened.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}
