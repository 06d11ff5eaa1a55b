//! The payload cache as a folder: each file under its SHA-256, one in the making under the same name with `.part`, and what
//! a server called its state beside it.
//!
//! Not here: what is fetched, and what goes.
//!
//! Invariants: only the account itself can read the folder; names are SHA-256s and nothing else, so no address leads
//! anywhere; a file gets its name after its content was compared with it and lies on the disk.
#![expect(clippy::disallowed_methods, reason = "this adapter keeps files")]

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;

use super::{Cache, Held, Kept, Part};
use crate::fetch::Sink;
use crate::id::{Digest, Hash};
use crate::time::Timestamp;

/// The ending of a file in the making.
const PART: &str = ".part";
/// The ending of what a server called its state.
const STATE: &str = ".state";
/// The file that whoever writes locks.
const LOCK: &str = ".lock";
/// The longest text that is taken for a state.
const LONGEST_STATE: u64 = 1024;

/// A folder of payloads. It is made when something is to be kept.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The cache in this folder.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    fn make(&self) -> Result<(), String> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.path).map_err(|error| self.failed("made", &error))?;
        #[cfg(unix)]
        {
            let own = std::os::unix::fs::PermissionsExt::from_mode(0o700);
            fs::set_permissions(&self.path, own).map_err(|error| self.failed("closed to others", &error))?;
        }
        Ok(())
    }

    fn failed(&self, what: &str, error: &std::io::Error) -> String {
        format!("the payload cache {} cannot be {what}: {error}", self.path.display())
    }

    /// The path of a file, if its name is a SHA-256.
    fn named(&self, sha256: &Digest, ending: &str) -> Result<PathBuf, String> {
        if !is_name(sha256.as_str()) {
            return Err(format!("{:?} is not the name of a payload", sha256.as_str()));
        }
        Ok(self.path.join(format!("{}{ending}", sha256.as_str())))
    }

    fn open(&self, sha256: &Digest) -> Result<Option<File>, String> {
        match File::open(self.named(sha256, "")?) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed("read", &error)),
        }
    }

    fn find_here(&self, sha256: &Digest, now: Timestamp) -> Result<Option<u64>, String> {
        let Some(mut file) = self.open(sha256)? else { return Ok(None) };
        let (digest, size) = hash(&mut file, u64::MAX).map_err(|error| self.failed("read", &error))?;
        if digest.finish() != *sha256 {
            drop(file);
            fs::remove_file(self.named(sha256, "")?).map_err(|error| self.failed("tidied up", &error))?;
            return Ok(None);
        }
        let since = Duration::try_from(now.duration_since(Timestamp::UNIX_EPOCH)).unwrap_or_default();
        // Only how long it is kept depends on it.
        if let Some(used) = SystemTime::UNIX_EPOCH.checked_add(since) {
            _ = file.set_modified(used);
        }
        Ok(Some(size))
    }

    fn part_here(&self, sha256: &Digest) -> Result<Making, String> {
        self.make()?;
        let path = self.named(sha256, PART)?;
        let mut file = private().open(&path).map_err(|error| self.failed("written", &error))?;
        let (hash, got) = hash(&mut file, u64::MAX).map_err(|error| self.failed("read", &error))?;
        let mut state = String::new();
        if got > 0
            && let Ok(file) = File::open(self.named(sha256, STATE)?)
            && file.take(LONGEST_STATE).read_to_string(&mut state).is_err()
        {
            state.clear();
        }
        Ok(Making {
            folder: self.clone(),
            sha256: sha256.clone(),
            file,
            path,
            hash,
            got,
            patched: false,
            state: (!state.is_empty()).then_some(state),
        })
    }

    fn read_here(&self, sha256: &Digest, from: u64, most: u64) -> Result<Vec<u8>, String> {
        let failed = |error: std::io::Error| self.failed("read", &error);
        let mut file = self.open(sha256)?.ok_or("the file is not in the payload cache any more")?;
        file.seek(SeekFrom::Start(from)).map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }

    fn beginning_here(&self, sha256: &Digest, bytes: u64) -> Result<Option<Digest>, String> {
        let mut file = self.open(sha256)?.ok_or("the file is not in the payload cache any more")?;
        let (hash, read) = hash(&mut file, bytes).map_err(|error| self.failed("read", &error))?;
        Ok((read == bytes).then(|| hash.finish()))
    }
}

/// Whether a text is a SHA-256, in the one form that is used for names.
fn is_name(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// A file that only the account itself can read; made where there is none.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The hash over a file's first bytes, and how many there are. Leaves the file at their end.
fn hash(file: &mut File, most: u64) -> std::io::Result<(Hash, u64)> {
    let mut hash = Hash::default();
    let mut buffer = vec![0; 256 * 1024];
    let mut read: u64 = 0;
    while read < most {
        let count = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let left = usize::try_from(most - read).unwrap_or(usize::MAX);
        let bytes = buffer.get(..count.min(left)).unwrap_or_default();
        hash.add(bytes);
        read = read.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    }
    Ok((hash, read))
}

/// A file in the making.
struct Making {
    folder: Folder,
    sha256: Digest,
    file: File,
    path: PathBuf,
    hash: Hash,
    got: u64,
    patched: bool,
    state: Option<String>,
}

impl Making {
    fn forget_state(&self) -> Result<(), String> {
        match fs::remove_file(self.folder.named(&self.sha256, STATE)?) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(self.folder.failed("written", &error))
            }
            _ => Ok(()),
        }
    }

    fn empty(&mut self) -> std::io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        Ok(())
    }
}

impl Sink for Making {
    fn got(&self) -> u64 {
        self.got
    }

    fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    fn is_verified(&self) -> bool {
        true
    }

    fn goes_on(&mut self) {
        self.patched = true;
    }

    fn begin(&mut self, state: Option<&str>) -> Result<(), String> {
        // What is there must not be taken for a part of a file in another state, so the state goes first.
        self.forget_state()?;
        self.empty().map_err(|error| self.folder.failed("written", &error))?;
        self.hash = Hash::default();
        self.got = 0;
        self.patched = false;
        self.state = state.filter(|state| state.len() as u64 <= LONGEST_STATE).map(str::to_owned);
        if let Some(state) = &self.state {
            let path = self.folder.named(&self.sha256, STATE)?;
            let write = |path: &Path| private().open(path)?.write_all(state.as_bytes());
            write(&path).map_err(|error| self.folder.failed("written", &error))?;
        }
        Ok(())
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.file.write_all(bytes).map_err(|error| self.folder.failed("written", &error))?;
        self.hash.add(bytes);
        self.got = self.got.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(())
    }
}

impl Part for Making {
    fn digest(&self) -> Digest {
        self.hash.clone().finish()
    }

    fn is_patched(&self) -> bool {
        self.patched
    }

    fn keep(mut self: Box<Self>) -> Result<Result<u64, Digest>, String> {
        let found = self.digest();
        if found != self.sha256 {
            self.begin(None)?;
            _ = fs::remove_file(&self.path);
            return Ok(Err(found));
        }
        let failed = |error: std::io::Error| self.folder.failed("written", &error);
        self.file.sync_all().map_err(failed)?;
        fs::rename(&self.path, self.folder.named(&self.sha256, "")?).map_err(failed)?;
        self.forget_state()?;
        // The name lies on the disk as well.
        #[cfg(unix)]
        File::open(&self.folder.path).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(Ok(self.got))
    }
}

/// The lock of the operating system, which goes with the process.
struct Lock(File);

impl Held for Lock {}

impl Drop for Lock {
    fn drop(&mut self) {
        _ = self.0.unlock();
    }
}

/// Does it where it holds nobody up.
fn aside<'a, T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> BoxFuture<'a, Result<T, String>> {
    Box::pin(async move {
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|error| Err(format!("the payload cache could not be used: {error}")))
    })
}

impl Cache for Folder {
    fn lock(&self) -> Result<Option<Box<dyn Held>>, String> {
        self.make()?;
        let file = private().open(self.path.join(LOCK)).map_err(|error| self.failed("locked", &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(Lock(file)))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(self.failed("locked", &error)),
        }
    }

    fn find<'a>(&'a self, sha256: &'a Digest, now: Timestamp) -> BoxFuture<'a, Result<Option<u64>, String>> {
        let (own, sha256) = (self.clone(), sha256.clone());
        aside(move || own.find_here(&sha256, now))
    }

    fn part<'a>(&'a self, sha256: &'a Digest) -> BoxFuture<'a, Result<Box<dyn Part>, String>> {
        let (own, sha256) = (self.clone(), sha256.clone());
        aside(move || Ok(Box::new(own.part_here(&sha256)?) as Box<dyn Part>))
    }

    fn read<'a>(
        &'a self,
        sha256: &'a Digest,
        from: u64,
        most: u64,
    ) -> BoxFuture<'a, Result<Vec<u8>, String>> {
        let (own, sha256) = (self.clone(), sha256.clone());
        aside(move || own.read_here(&sha256, from, most))
    }

    fn beginning<'a>(
        &'a self,
        sha256: &'a Digest,
        bytes: u64,
    ) -> BoxFuture<'a, Result<Option<Digest>, String>> {
        let (own, sha256) = (self.clone(), sha256.clone());
        aside(move || own.beginning_here(&sha256, bytes))
    }

    fn list(&self) -> Result<Vec<Kept>, String> {
        let failed = |error: std::io::Error| self.failed("listed", &error);
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut kept = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let (name, complete) = match name.strip_suffix(PART) {
                Some(name) => (name.to_owned(), false),
                None => (name, true),
            };
            // What is not ours stays.
            if !is_name(&name) {
                continue;
            }
            let data = entry.metadata().map_err(failed)?;
            let since = data.modified().ok().and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
            let seconds = since.and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or(0);
            let used = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
            kept.push(Kept { sha256: Digest::new(name), size: data.len(), used, complete });
        }
        kept.sort_by(|a, b| (&a.sha256, a.complete).cmp(&(&b.sha256, b.complete)));
        Ok(kept)
    }

    fn remove(&self, sha256: &Digest) -> Result<(), String> {
        for ending in ["", PART, STATE] {
            match fs::remove_file(self.named(sha256, ending)?) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(self.failed("tidied up", &error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .map(|name| name.replace(Digest::of(b"whole").as_str(), "WHOLE"))
            .collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_file_gets_its_name_only_with_the_right_content() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Folder::new(folder.path().join("payloads"));
        let digest = Digest::of(b"whole");
        let now = Timestamp::from_second(1000).unwrap();
        assert_eq!(cache.find(&digest, now).await, Ok(None));
        let mut part = cache.part(&digest).await.unwrap();
        part.begin(Some("\"one\"")).unwrap();
        part.take(b"wh").unwrap();
        drop(part);
        assert_eq!(names(&cache.path), ["WHOLE.part", "WHOLE.state"]);

        // What was there is there again, with its hash and its state.
        let mut part = cache.part(&digest).await.unwrap();
        assert_eq!((part.got(), part.state(), part.digest()), (2, Some("\"one\""), Digest::of(b"wh")));
        part.take(b"at").unwrap();
        assert_eq!(part.keep().unwrap(), Err(Digest::of(b"what")));
        assert_eq!(names(&cache.path), [""; 0]);
        assert_eq!(cache.find(&digest, now).await, Ok(None));

        let mut part = cache.part(&digest).await.unwrap();
        part.take(b"whole").unwrap();
        assert_eq!(part.keep().unwrap(), Ok(5));
        assert_eq!(names(&cache.path), ["WHOLE"]);
        assert_eq!(cache.find(&digest, now).await, Ok(Some(5)));
        assert_eq!(cache.read(&digest, 1, 3).await.as_deref(), Ok(&b"hol"[..]));
        assert_eq!(cache.read(&digest, 4, 3).await.as_deref(), Ok(&b"e"[..]));
        assert_eq!(cache.beginning(&digest, 2).await, Ok(Some(Digest::of(b"wh"))));
        assert_eq!(cache.beginning(&digest, 6).await, Ok(None));
        assert_eq!(cache.list().unwrap()[0].used, now);

        // Somebody has changed it.
        fs::write(cache.path.join(digest.as_str()), "spoilt").unwrap();
        assert_eq!(cache.find(&digest, now).await, Ok(None));
        assert_eq!(names(&cache.path), [""; 0]);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn only_the_account_itself_can_read_it_and_names_are_hashes() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("payloads");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let cache = Folder::new(path.clone());
        let digest = Digest::of(b"whole");
        let mut part = cache.part(&digest).await.unwrap();
        part.begin(Some("x")).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700);
        for name in names(&path) {
            let name = name.replace("WHOLE", digest.as_str());
            assert_eq!(mode(&path.join(name)), 0o600);
        }
        for bad in ["../x", "", "ABC"] {
            assert!(cache.part(&Digest::new(bad)).await.is_err(), "{bad:?}");
            assert!(cache.remove(&Digest::new(bad)).is_err(), "{bad:?}");
        }
    }

    #[tokio::test]
    async fn one_writes_at_a_time_and_what_is_not_ours_stays() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Folder::new(folder.path().to_owned());
        let held = cache.lock().unwrap();
        assert!(held.is_some() && cache.lock().unwrap().is_none());
        drop(held);
        assert!(cache.lock().unwrap().is_some());
        fs::write(folder.path().join("notes.txt"), "mine").unwrap();
        assert_eq!(cache.list(), Ok(Vec::new()));
    }
}
