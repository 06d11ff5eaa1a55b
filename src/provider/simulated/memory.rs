//! What was changed on a simulated fleet, and the log of what was done to it.
//!
//! Not here: what the computers were like before (`fleet`, `generate`), what a step changes (`answer`).
//!
//! The memory is a JSON file with the changes of each computer. It is replaced as a whole (temporary file, sync, rename),
//! so that it is never half written, and changes that come together are written together. A lock file beside it
//! (`.lock`) lets several processes share it.
//!
//! The log is a file beside it (`.log`) with one JSON object on each line, in the order in which things happened:
//!
//! - `{"process": 1, "computer": "pc-1", "event": "detected", "purpose": …}` for each step that looked,
//! - `"event": "begins"` before the effect of a step that changes, and
//! - `"event": "changed"` after the effect is in the memory, or `"event": "failed"` or `"event": "lied"` when a fault made
//!   it have none.
//!
//! A process that is killed in between leaves a `begins` without an end.

#![expect(clippy::disallowed_methods, reason = "an adapter: it owns these files")]

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::fleet::TaskState;
use crate::id::Name;
use crate::session::script::Purpose;

const FORMAT: &str = "muster.simulated/v1";

/// What was changed on one computer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Changes {
    /// Versions; `None` is removed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) software: BTreeMap<Name, Option<String>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) healthy: BTreeMap<Name, bool>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) tasks: BTreeMap<String, TaskState>,
}

/// One change on one computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    Install { software: Name, version: String },
    Remove { software: Name },
    Repair { software: Name },
    Task { key: String, state: TaskState },
}

impl Changes {
    pub(super) fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Install { software, version } => {
                self.healthy.insert(software.clone(), true);
                self.software.insert(software, Some(version));
            }
            Effect::Remove { software } => {
                self.healthy.remove(&software);
                self.software.insert(software, None);
            }
            Effect::Repair { software } => {
                self.healthy.insert(software, true);
            }
            Effect::Task { key, state } => {
                self.tasks.insert(key, state);
            }
        }
    }
}

/// The file's content.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Content {
    format: String,
    computers: BTreeMap<String, Changes>,
}

/// Tells one state of the file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    inode: u64,
}

#[derive(Debug, Default)]
struct Known {
    computers: BTreeMap<String, Changes>,
    /// Effects that are not in the file yet.
    waiting: Vec<(String, Effect)>,
    stamp: Option<Stamp>,
}

/// The memory of a fleet, in a file or only as long as this value lives.
#[derive(Debug)]
pub(super) struct Memory {
    file: Option<PathBuf>,
    known: Mutex<Known>,
    /// Held while the file is written, so that one write at a time takes all that waits.
    writing: Mutex<()>,
}

/// What is written to the log.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    pub(super) process: u32,
    pub(super) computer: &'a str,
    pub(super) event: &'static str,
    pub(super) purpose: &'a Purpose,
}

impl Memory {
    /// Opens the memory; a file that is missing is an empty one.
    pub(super) fn open(file: Option<PathBuf>) -> io::Result<Self> {
        let memory = Self { file, known: Mutex::default(), writing: Mutex::default() };
        if let Some(file) = &memory.file {
            memory.refresh(file, &mut guard(&memory.known))?;
        }
        Ok(memory)
    }

    /// Whether writing takes the time of a disk.
    pub(super) const fn is_kept(&self) -> bool {
        self.file.is_some()
    }

    /// What was changed on a computer, by this process or another.
    pub(super) fn changes(&self, computer: &str) -> io::Result<Changes> {
        let mut known = guard(&self.known);
        if let Some(file) = &self.file {
            self.refresh(file, &mut known)?;
        }
        Ok(known.computers.get(computer).cloned().unwrap_or_default())
    }

    /// Makes a change; it is on disk when this returns, if there is a file.
    pub(super) fn apply(&self, computer: &str, effect: Effect) -> io::Result<()> {
        guard(&self.known).waiting.push((computer.to_owned(), effect));
        let writing = guard(&self.writing);
        let result = self.write();
        drop(writing);
        result
    }

    /// Adds lines to the log, if there is one.
    pub(super) fn log(&self, lines: &[Line<'_>]) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut text = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut text, line)?;
            text.push(b'\n');
        }
        // One write each, at the end of the file: lines of several processes do not mix. A process that was killed while
        // it wrote may have left a part of a line; it gets an end of its own.
        let mut log = append(&beside(file, "log"))?;
        if log.seek(SeekFrom::End(0))? > 0 {
            let mut last = [b'\n'];
            log.seek(SeekFrom::End(-1))?;
            log.read_exact(&mut last)?;
            if last != [b'\n'] {
                text.insert(0, b'\n');
            }
        }
        log.write_all(&text)
    }

    /// Takes over all that waits and replaces the file.
    fn write(&self) -> io::Result<()> {
        let Some(file) = &self.file else {
            let mut known = guard(&self.known);
            let waiting = std::mem::take(&mut known.waiting);
            take_over(&mut known.computers, waiting);
            return Ok(());
        };
        if guard(&self.known).waiting.is_empty() {
            // Somebody else's write took it along.
            return Ok(());
        }
        let lock = append(&beside(file, "lock"))?;
        lock.lock()?;
        let text = {
            let mut known = guard(&self.known);
            self.refresh(file, &mut known)?;
            let waiting = known.waiting.clone();
            let mut computers = std::mem::take(&mut known.computers);
            take_over(&mut computers, waiting);
            let content = Content { format: FORMAT.to_owned(), computers };
            let text = serde_json::to_vec_pretty(&content);
            known.computers = content.computers;
            let text = text?;
            known.waiting.clear();
            text
        };
        let stamp = replace(file, &text)?;
        guard(&self.known).stamp = stamp;
        lock.unlock()
    }

    /// Reads the file again if another process has changed it.
    #[expect(clippy::unused_self, reason = "it belongs to the memory")]
    fn refresh(&self, file: &Path, known: &mut Known) -> io::Result<()> {
        let stamp = stamp(file)?;
        if stamp == known.stamp {
            return Ok(());
        }
        if stamp.is_some() {
            let text = std::fs::read_to_string(file)?;
            let content: Content = serde_json::from_str(&text)?;
            if content.format != FORMAT {
                let message = format!("it has the form {:?}, not {FORMAT:?}", content.format);
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
            known.computers = content.computers;
        } else {
            known.computers.clear();
        }
        known.stamp = stamp;
        Ok(())
    }
}

fn take_over(computers: &mut BTreeMap<String, Changes>, effects: Vec<(String, Effect)>) {
    for (computer, effect) in effects {
        computers.entry(computer).or_default().apply(effect);
    }
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The file's name with an ending more.
fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// Opens a file for adding to it, creating it and its folder where they are missing.
fn append(path: &Path) -> io::Result<File> {
    let open = || OpenOptions::new().create(true).read(true).append(true).open(path);
    match (open(), path.parent()) {
        (Err(error), Some(folder)) if error.kind() == io::ErrorKind::NotFound => {
            std::fs::create_dir_all(folder)?;
            open()
        }
        (result, _) => result,
    }
}

fn stamp(file: &Path) -> io::Result<Option<Stamp>> {
    let data = match std::fs::metadata(file) {
        Ok(data) => data,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&data);
    #[cfg(not(unix))]
    let inode = 0;
    Ok(Some(Stamp { length: data.len(), modified: data.modified().ok(), inode }))
}

/// Replaces the file as a whole, on disk when this returns.
fn replace(file: &Path, text: &[u8]) -> io::Result<Option<Stamp>> {
    // The lock is held, so no other process uses this name.
    let temporary = beside(file, "new");
    let mut new = File::create(&temporary)?;
    new.write_all(text)?;
    new.sync_all()?;
    drop(new);
    std::fs::rename(&temporary, file)?;
    #[cfg(unix)]
    {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    stamp(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).expect("a name")
    }

    fn install(version: &str) -> Effect {
        Effect::Install { software: name("seven-zip"), version: version.to_owned() }
    }

    #[test]
    fn what_one_process_changes_another_one_sees() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("new/memory.json");
        let one = Memory::open(Some(file.clone())).expect("a memory");
        let two = Memory::open(Some(file.clone())).expect("a memory");
        one.apply("pc-1", install("1")).expect("a change");
        two.apply("pc-2", install("2")).expect("a change");
        one.apply("pc-1", Effect::Remove { software: name("seven-zip") }).expect("a change");
        for memory in [&one, &two, &Memory::open(Some(file)).expect("a memory")] {
            let version = |pc| memory.changes(pc).expect("changes").software.get("seven-zip").cloned();
            assert_eq!(version("pc-1"), Some(None));
            assert_eq!(version("pc-2"), Some(Some("2".to_owned())));
            assert_eq!(version("pc-3"), None);
        }
    }

    #[test]
    fn changes_from_many_threads_are_all_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("memory.json");
        let memories = [0, 1].map(|_| Memory::open(Some(file.clone())).expect("a memory"));
        std::thread::scope(|scope| {
            for (index, memory) in memories.iter().cycle().take(16).enumerate() {
                scope.spawn(move || {
                    for turn in 0..10 {
                        memory.apply(&format!("pc-{index}-{turn}"), install("1")).expect("a change");
                    }
                });
            }
        });
        let memory = Memory::open(Some(file)).expect("a memory");
        assert_eq!(guard(&memory.known).computers.len(), 160);
    }

    #[test]
    fn a_file_that_is_no_memory_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("memory.json");
        for text in ["", "{}", "nonsense", r#"{"format":"other/v1","computers":{}}"#] {
            std::fs::write(&file, text).expect("a file");
            assert!(Memory::open(Some(file.clone())).is_err(), "{text}");
            assert_eq!(std::fs::read_to_string(&file).expect("the file"), text);
        }
    }
}
