//! Files that commands write for people and programs.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

/// Replaces a file's content as a whole: whoever reads it sees the old or the new one, never a part.
///
/// # Errors
/// What happened; the file is then as it was.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A link stays one: what lies behind it is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("file");
    let beside = path.with_file_name(format!(".{name}.{}", uuid::Uuid::now_v7().simple()));
    let written = fs::File::create_new(&beside).and_then(|mut file| {
        if let Ok(old) = fs::metadata(&path) {
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
