//! From a revision to a checked configuration: lists, reads, parses and checks, and collects what each of them finds.
//!
//! Not here: what is right and wrong (`spanned`, `parse`, `check`), and where files come from (the [`Source`]).
//!
//! Invariants: the result depends on the revision's content alone, not on threads or the order of reading; a file that
//! cannot be read hides nothing in others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::check::{self, Files, LockUse, MAX_FILE_BYTES, MAX_SCRIPT_BYTES, Surroundings};
use super::document::Documents;
use super::kind::Kind;
use super::lock::{self, LOCK_FILE, Lock};
use super::revision::Source;
use super::tree::{Entry, ROOT_FILE, ReadError, Resolved, Tree, is_configuration, is_hidden};
use super::{Config, conflict, parallel, parse, shipped, spanned};
use crate::diagnostic::{Finding, Findings, Place, Sources, code};
use crate::id::Name;
use crate::plan::document::Revision;
use crate::targets;

/// The largest host list or fleet, in bytes.
const MAX_DATA_BYTES: u64 = 256 * 1024 * 1024;

/// What loading a revision gave.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration; `None` exactly when a finding is an error.
    pub config: Option<Config>,
    /// Everything that was found, in reading order.
    pub findings: Findings,
    /// The texts that findings point into.
    pub sources: Sources,
    /// What was loaded.
    pub revision: Revision,
    /// The lock file, if there is one that can be used.
    pub lock: Option<Lock>,
    /// The versions that deployments ask for of software with a source, as written.
    pub asked: BTreeMap<Name, BTreeSet<String>>,
}

/// One configuration file, read on its own.
struct Read {
    path: Arc<str>,
    /// What was read, unless it could not be.
    bytes: Option<Arc<[u8]>>,
    text: Option<Arc<str>>,
    documents: Documents,
    findings: Findings,
}

/// Loads a revision.
#[must_use]
pub fn load(source: &dyn Source) -> Loaded {
    load_with(source, LockUse::Decides)
}

/// Loads a revision for `muster update`, which makes the lock file: what that file does not hold yet is no error.
#[must_use]
pub fn load_for_update(source: &dyn Source) -> Loaded {
    load_with(source, LockUse::IsMade)
}

fn load_with(source: &dyn Source, lock_use: LockUse) -> Loaded {
    let tree = source.tree();
    let (paths, mut findings) = list(tree);
    let read = parallel::map(&paths, |(path, real)| read(source, path, real));

    let own = others_own(tree, &read);
    let mut sources = Sources::new();
    let mut contents = BTreeMap::new();
    let mut documents = Documents::default();
    let mut broken = BTreeSet::new();
    let mut incomplete = false;
    for file in read.into_iter().filter(|file| !own.contains(&file.path)) {
        if file.findings.has_errors() {
            broken.insert(Arc::clone(&file.path));
        }
        incomplete |= file.findings.iter().any(hides_names);
        if let Some(text) = file.text {
            sources.insert(Arc::clone(&file.path), text);
        }
        if let Some(bytes) = file.bytes {
            contents.insert(file.path, bytes);
        }
        documents.append(file.documents);
        findings.extend(file.findings);
    }

    shipped::add(&mut documents, &mut sources, &mut findings);
    check::lay_over(&mut documents, &mut findings);
    let lock = lock_file(source, &mut contents, &mut sources, &mut findings);
    let files = referred(source, &documents);
    let around = Surroundings {
        tree,
        files: &files,
        incomplete,
        root_is_broken: broken.contains(ROOT_FILE),
        lock: lock.as_ref().ok(),
        lock_use: if lock.is_err() { LockUse::IsMade } else { lock_use },
    };
    let outcome = check::check(&documents, around);
    for (path, bytes) in &files {
        if let Ok(bytes) = bytes {
            contents.insert(Arc::clone(path), Arc::clone(bytes));
        }
    }
    findings.extend(outcome.findings);
    sources.extend(outcome.sources);
    let mut config = outcome.config.filter(|_| !findings.has_errors());
    if let Some(found) = &config {
        findings.extend(nesting(found));
        if findings.has_errors() {
            config = None;
        }
    }
    findings.sort();
    if let Some(config) = &mut config {
        let (kept, used) = check::silence(&config.uses.allows, std::mem::take(&mut findings));
        findings = kept;
        for at in used {
            if let Some(allow) = config.uses.allows.get_mut(at) {
                allow.used = true;
            }
        }
        config.sources = sources.clone();
    }
    let revision = source.describe(&contents);
    Loaded { config, findings, sources, revision, lock: lock.ok(), asked: outcome.asked }
}

/// A configuration file's path, and that of the file behind it, which is another for a link.
type Listed = (Arc<str>, Arc<str>);

/// The configuration files: the path of each and the file behind it, where that is a link; and what is wrong with
/// entries of the tree.
fn list(tree: &Tree) -> (Vec<Listed>, Findings) {
    let mut paths = Vec::new();
    let mut findings = Findings::new();
    for (path, entry) in tree.iter().filter(|(path, _)| !is_hidden(path)) {
        let place = || Place::file(path);
        match entry {
            Entry::File if is_configuration(path) => paths.push((Arc::clone(path), Arc::clone(path))),
            Entry::File => {}
            Entry::Unreadable(why) => {
                findings.push(Finding::new(code::FILE_UNREADABLE, format!("`{path}` {why}"), place()));
            }
            Entry::Link(target) => match tree.resolve("", path) {
                // What lies behind is read under its own path, if it is configuration.
                Resolved::File(real) if is_configuration(path) && !is_configuration(&real) => {
                    paths.push((Arc::clone(path), real));
                }
                Resolved::File(_) | Resolved::Folder => {}
                Resolved::Missing if !is_configuration(path) => {}
                Resolved::Missing => {
                    let message =
                        format!("the symbolic link `{path}` leads to {target:?}, which is not there");
                    findings.push(Finding::new(code::FILE_MISSING, message, place()));
                }
                Resolved::Unreadable(why) => {
                    let message = format!("the file behind the symbolic link `{path}` {why}");
                    findings.push(Finding::new(code::FILE_UNREADABLE, message, place()));
                }
                Resolved::Leaves => {
                    let message = format!("the symbolic link `{path}` leads out of the repository");
                    let finding = Finding::new(code::LEAVES_REPOSITORY, message, place());
                    findings.push(finding.help("put the files themselves into the repository"));
                }
                Resolved::Loop => {
                    let message = format!("the symbolic link `{path}` leads in a circle");
                    findings.push(Finding::new(code::SYMLINK_LOOP, message, place()));
                }
            },
        }
    }
    (paths, findings)
}

/// Whether documents that are meant to be there may not have been read because of this.
fn hides_names(finding: &Finding) -> bool {
    let code = finding.code;
    finding.is_error()
        && (code.as_str().starts_with("M01")
            || [code::FILE_UNREADABLE, code::UNKNOWN_KIND, code::UNKNOWN_API_VERSION].contains(&code))
}

fn read(source: &dyn Source, path: &Arc<str>, real: &str) -> Read {
    let mut file = Read {
        path: Arc::clone(path),
        bytes: None,
        text: None,
        documents: Documents::default(),
        findings: Findings::new(),
    };
    let limit = u64::try_from(spanned::MAX_BYTES).unwrap_or(u64::MAX);
    let bytes = match source.read(real, limit) {
        Ok(bytes) => bytes,
        Err(ReadError::TooLarge(size)) => {
            let message = format!("the file has {size} bytes; up to {limit} are read");
            file.findings
                .push(Finding::new(code::TOO_LARGE, message, Place::file(path)).help("split the file"));
            return file;
        }
        Err(error) => {
            let message = format!("the file cannot be read: {error}");
            file.findings.push(Finding::new(code::FILE_UNREADABLE, message, Place::file(path)));
            return file;
        }
    };
    let text = match spanned::text_of(path, &bytes) {
        Ok(text) => text,
        Err(finding) => {
            file.findings.push(*finding);
            file.bytes = Some(bytes.into());
            return file;
        }
    };
    file.bytes = Some(Arc::clone(&text).into());
    file.text = Some(Arc::clone(&text));
    if let Some(finding) = unresolved_merge(path, &text) {
        file.findings.push(finding);
        return file;
    }
    let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    let (documents, findings) = parse::parse(path, &text, &kinds);
    file.findings = findings;
    for raw in documents {
        file.documents.add(raw, &mut file.findings);
    }
    file
}

/// The lock file's content, empty without a file; an error when there is one that cannot be used, which is a finding.
fn lock_file(
    source: &dyn Source,
    contents: &mut BTreeMap<Arc<str>, Arc<[u8]>>,
    sources: &mut Sources,
    findings: &mut Findings,
) -> Result<Lock, ()> {
    let path: Arc<str> = Arc::from(LOCK_FILE);
    let unreadable = |why: String| Finding::new(code::FILE_UNREADABLE, why, Place::file(&path));
    let real = match source.tree().resolve("", LOCK_FILE) {
        Resolved::Missing => return Ok(Lock::default()),
        Resolved::File(real) => real,
        _ => {
            findings.push(unreadable("the lock file is not a file of this repository".to_owned()));
            return Err(());
        }
    };
    let limit = u64::try_from(spanned::MAX_BYTES).unwrap_or(u64::MAX);
    let text = match source.read(&real, limit) {
        Ok(bytes) => spanned::text_of(&path, &bytes).map_err(|finding| *finding),
        Err(error) => Err(unreadable(format!("the lock file cannot be read: {error}"))),
    };
    let text = match text {
        Ok(text) => text,
        Err(finding) => {
            findings.push(finding);
            return Err(());
        }
    };
    contents.insert(Arc::clone(&path), Arc::clone(&text).into());
    let (lock, found) = lock::read(&path, &text);
    sources.insert(path, text);
    findings.extend(found);
    lock.ok_or(())
}

/// A merge that was left half done reads as broken YAML; this says what it is.
fn unresolved_merge(path: &Arc<str>, text: &str) -> Option<Finding> {
    let finding =
        Finding::new(code::SYNTAX, "a merge conflict is not resolved", conflict::place(path, text)?);
    Some(finding.help("edit the file, and take out the lines with <<<<<<<, ======= and >>>>>>>"))
}

/// Configuration files by their ending that a provider reads or writes for itself. A document of a library has a say
/// about files of that library only: it cannot take documents of the repository away.
fn others_own(tree: &Tree, read: &[Read]) -> BTreeSet<Arc<str>> {
    let mut own = BTreeSet::new();
    let libraries = check::libraries(read.iter().flat_map(|file| &file.documents.instances));
    for file in read {
        let library = libraries.iter().find(|library| library.holds(&file.path));
        let named = check::data_files(&file.documents)
            .chain(check::memory_files(&file.documents))
            .chain(check::source_files(&file.documents));
        for (base, path) in named {
            if let Resolved::File(real) = tree.resolve(base, path)
                && library.is_none_or(|library| library.holds(&real))
            {
                own.insert(real);
            }
        }
    }
    own
}

/// The files that documents refer to.
fn referred(source: &dyn Source, documents: &Documents) -> Files {
    let tree = source.tree();
    let scripts = check::script_files(documents).map(|named| (named, MAX_SCRIPT_BYTES));
    let sent = check::parameter_files(documents).map(|named| (named, MAX_FILE_BYTES));
    let data = check::data_files(documents).map(|named| (named, MAX_DATA_BYTES));
    let mut wanted: BTreeMap<Arc<str>, u64> = BTreeMap::new();
    let of_sources = check::source_files(documents).map(|named| (named, check::MAX_SOURCE_BYTES));
    for ((base, path), limit) in scripts.chain(sent).chain(data).chain(of_sources) {
        if let Resolved::File(real) = tree.resolve(base, path) {
            let known = wanted.entry(real).or_insert(limit);
            *known = limit.max(*known);
        }
    }
    let wanted: Vec<_> = wanted.into_iter().collect();
    let read = parallel::map(&wanted, |(path, limit)| source.read(path, *limit).map(Arc::from));
    wanted.into_iter().map(|(path, _)| path).zip(read).collect()
}

/// Expressions that are too deep or too large only once other targets are in place.
fn nesting(config: &Config) -> Findings {
    let mut findings = Findings::new();
    let named = config.targets.values().map(|target| (&target.expression, &target.place));
    let own = config.deployments.values().filter(|deployment| deployment.target.is_none());
    let own = own.map(|deployment| (&deployment.expression, &deployment.place));
    for (expression, place) in named.chain(own) {
        if check::refers_to_targets(expression)
            && let Err(found) = targets::resolve(expression, config, Some(place))
        {
            findings.extend(found);
        }
    }
    findings
}
