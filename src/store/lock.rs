//! The lock that one apply at a time holds: a lock of the operating system on a file beside the database.
//!
//! Not here: when it is taken (`cli`, the executor).
//!
//! Invariant: the system releases it when the process ends, however it ends, so a stale lock cannot exist. The file
//! itself stays; what is written in it only says who holds the lock while it is held.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{RunLock, StoreError};

/// A holder's text is read up to this length (bytes).
const LONGEST_HOLDER: u64 = 4096;

/// Holds the lock until it is dropped.
#[derive(Debug)]
pub(super) struct FileLock {
    file: File,
}

impl RunLock for FileLock {}

impl Drop for FileLock {
    fn drop(&mut self) {
        // The text is a courtesy: if it stays behind, the lock is free all the same.
        _ = self.file.set_len(0);
        _ = self.file.unlock();
    }
}

/// The lock file of a database.
pub(super) fn path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

/// Takes the lock and writes who holds it.
///
/// # Errors
/// [`StoreError::Locked`] with the other holder's text when somebody holds it, [`StoreError::Failed`] when the file
/// cannot be opened or locked.
pub(super) fn take(path: &Path, holder: &str) -> Result<FileLock, StoreError> {
    let failed = |source: std::io::Error| StoreError::Failed {
        operation: "take the lock of the run",
        source: Box::new(source),
    };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(StoreError::Locked { holder: who(&mut file) }),
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    let mut lock = FileLock { file };
    lock.file.set_len(0).map_err(failed)?;
    lock.file.seek(SeekFrom::Start(0)).map_err(failed)?;
    lock.file.write_all(holder.as_bytes()).map_err(failed)?;
    Ok(lock)
}

/// What the holder has written; some systems do not let others read it.
fn who(file: &mut File) -> String {
    let mut bytes = Vec::new();
    let read = file.take(LONGEST_HOLDER).read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).trim().to_owned();
    if read.is_err() || text.is_empty() { "a process that has not said who it is".to_owned() } else { text }
}
