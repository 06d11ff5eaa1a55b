//! The machine that runs Muster: folders beside the repository, signatures by its `gpgv`, and what opens a link.
//!
//! Invariants: folders are only read; nothing but a key and what it may have signed is written, to a folder for passing files, for
//! as long as the check takes.
#![expect(clippy::disallowed_methods, reason = "this adapter reads folders and files")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use futures_util::future::BoxFuture;

use crate::fetch::Host;

/// Opens an address of the web with what the system opens it with. The address is one argument and never a command.
///
/// # Errors
/// When that cannot be started, or says that it could not.
pub fn open(link: &str) -> std::io::Result<()> {
    let (program, before): (&str, &[&str]) = if cfg!(windows) {
        ("rundll32", &["url.dll,FileProtocolHandler"])
    } else if cfg!(target_os = "macos") {
        ("open", &[])
    } else {
        ("xdg-open", &[])
    };
    let mut command = std::process::Command::new(program);
    command.args(before).arg(link).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let ended = command.status()?;
    if ended.success() { Ok(()) } else { Err(std::io::Error::other(format!("{program} ended with {ended}"))) }
}

/// This machine.
#[derive(Debug, Clone)]
pub struct ThisHost {
    /// The folder that relative paths are below.
    pub root: PathBuf,
    /// A folder for passing files.
    pub temporary: PathBuf,
}

/// A file that is gone when this is.
struct Passing(PathBuf);

impl Passing {
    fn new(folder: &Path, bytes: &[u8]) -> std::io::Result<Self> {
        let path = folder.join(format!("muster-{}", uuid::Uuid::now_v7().simple()));
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path)?;
        let passing = Self(path);
        file.write_all(bytes)?;
        Ok(passing)
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        // What is left in a folder for passing files harms nobody.
        _ = fs::remove_file(&self.0);
    }
}

impl Host for ThisHost {
    fn folders(&self, path: &str) -> Result<Vec<String>, String> {
        let failed = |error: std::io::Error| format!("the folder {path} cannot be listed: {error}");
        let mut names = Vec::new();
        for entry in fs::read_dir(self.root.join(path)).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_type().map_err(failed)?.is_dir()
                && let Ok(name) = entry.file_name().into_string()
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn read(&self, path: &str, most: u64) -> Result<Option<Vec<u8>>, String> {
        let failed = |error: std::io::Error| format!("the file {path} cannot be read: {error}");
        let file = match fs::File::open(self.root.join(path)) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let mut bytes = Vec::new();
        file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > most {
            return Err(format!("the file {path} has more than {most} bytes"));
        }
        Ok(Some(bytes))
    }

    fn verify<'a>(
        &'a self,
        signed: &'a [u8],
        signature: Option<&'a [u8]>,
        keyring: &'a [u8],
    ) -> BoxFuture<'a, Result<Vec<u8>, String>> {
        Box::pin(async move {
            let passing = |bytes: &[u8]| {
                Passing::new(&self.temporary, bytes)
                    .map_err(|error| format!("no file can be made in {}: {error}", self.temporary.display()))
            };
            let (keys, data) = (passing(keyring)?, passing(signed)?);
            let signature = signature.map(passing).transpose()?;
            let mut command = tokio::process::Command::new("gpgv");
            command.arg("--keyring").arg(&keys.0);
            match &signature {
                Some(signature) => command.arg(&signature.0).arg(&data.0),
                None => command.args(["--output", "-"]).arg(&data.0),
            };
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
            let output = command
                .output()
                .await
                .map_err(|error| format!("gpgv, which checks signatures, cannot be started: {error}"))?;
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr);
                let said =
                    said.lines().last().unwrap_or("gpgv says no").trim_start_matches("gpgv: ").to_owned();
                return Err(said);
            }
            Ok(if signature.is_some() { signed.to_vec() } else { output.stdout })
        })
    }
}
