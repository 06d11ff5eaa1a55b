//! Documents to a checked [`Config`]: every reference is looked up, every default filled in, every finding collected.
//!
//! Not here: reading files (`load`), the meaning of expressions (`targets`) and of plans (`plan`).
//!
//! Invariants: pure; a configuration is given only when no finding is an error; what follows only from another finding
//! is not reported again. The work grows with the number of documents, not with its square.

mod cycle;
mod deployment;
mod expression;
mod identity;
mod instance;
mod library;
mod license;
mod link;
mod order;
mod packages;
mod parameter;
mod payload;
mod possible;
mod prerequisite;
mod property;
mod provider;
mod reference;
mod release;
mod remote;
mod resource;
mod safety;
mod schedule;
mod script;
mod shape;
mod software;
mod source;
mod task;
mod uses;
mod version_source;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::document::{Document, Documents};
use super::kind::{Fetcher, Kind};
use super::lock::Lock;
use super::model::{Config, Library, Target};
use super::parse::RawDocument;
use super::tree::{Fingerprint, ReadError, Tree};
use crate::diagnostic::{Code, Finding, Findings, Place, Sources, code};
use crate::id::Name;
use script::{Checked, Shared};

pub use library::{lay_over, libraries};
pub use parameter::{MAX_FILE_BYTES, parameter_files};
pub use payload::{MAX_PAYLOAD_BYTES, payload_files};
pub use provider::{data_files, memory_files};
pub use script::{MAX_SCRIPT_BYTES, script_files};
pub use uses::silence;
pub(crate) use version_source::expression;
pub use version_source::{MAX_SOURCE_BYTES, source_files};

/// Files that documents refer to, by their own path: the bytes, or why there are none.
pub type Files = BTreeMap<Arc<str>, Result<Arc<[u8]>, ReadError>>;

/// Files that are payloads, by their own path: what is known of each, or why nothing is.
pub type Fingerprints = BTreeMap<Arc<str>, Result<Fingerprint, ReadError>>;

/// What is checked, beside the documents.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// All files of the revision.
    pub tree: &'a Tree,
    /// Those that were read because a document refers to them.
    pub files: &'a Files,
    /// What is known of those that are payloads.
    pub payloads: &'a Fingerprints,
    /// Whether some file could not be read, so that names may be declared in it.
    pub incomplete: bool,
    /// Whether the root file was among those.
    pub root_is_broken: bool,
    /// The lock file; empty when there is none. `None` when it cannot be used.
    pub lock: Option<&'a Lock>,
    /// What the lock file is to this check.
    pub lock_use: LockUse,
}

/// What the lock file is to a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockUse {
    /// What it does not hold is not there.
    Decides,
    /// It is about to be made, or cannot be used: what it does not hold is not asked for.
    IsMade,
}

/// What a check found out.
#[derive(Debug)]
pub struct Outcome {
    /// The configuration, when nothing that was found here is an error. Its sources are not filled in.
    pub config: Option<Config>,
    /// What was found.
    pub findings: Findings,
    /// Texts of referred files that findings point into.
    pub sources: Sources,
    /// The versions that deployments ask for of software with a source, as written.
    pub asked: BTreeMap<Name, BTreeSet<String>>,
}

/// Checks all documents of a revision.
#[must_use]
pub fn check(documents: &Documents, around: Surroundings<'_>) -> Outcome {
    let mut checker = Checker::new(documents, around);
    let config = checker.config(documents);
    checker.check_powershell();
    let Checker { findings, sources, asked, .. } = checker;
    Outcome { config: config.filter(|_| !findings.has_errors()), findings, sources, asked }
}

/// Codes of faults that do not follow from other faults of a document.
const IN_PARTIAL: [Code; 6] = [
    code::UNKNOWN_REFERENCE,
    code::WRONG_KIND_HERE,
    code::FILE_MISSING,
    code::LEAVES_REPOSITORY,
    code::FILE_UNREADABLE,
    code::SYMLINK_LOOP,
];

/// What is known while checking.
struct Checker<'a> {
    around: Surroundings<'a>,
    /// Where each name of each kind is declared first.
    names: BTreeMap<Kind, BTreeMap<&'a Name, Declared<'a>>>,
    /// Nearest names that were looked for.
    nearest: HashMap<(Kind, Name), Option<&'a str>>,
    /// Script documents.
    shared: BTreeMap<&'a Name, Option<Shared<'a>>>,
    /// Texts of script files that were looked at, and what is wrong with them.
    texts: BTreeMap<Arc<str>, Checked>,
    /// The software of each licence.
    licensed: BTreeMap<&'a Name, &'a Name>,
    /// PowerShell texts, each with the place of its first use.
    powershell: BTreeMap<Arc<str>, script::Written>,
    findings: Findings,
    sources: Sources,
    /// The versions that deployments ask for of software with a source.
    asked: BTreeMap<Name, BTreeSet<String>>,
    /// Which document of which kind is used by documents of which kind.
    used: BTreeSet<(Kind, &'a Name, Kind)>,
    /// Lints that were met on the way.
    noticed: Vec<Finding>,
    /// The folders whose documents are libraries.
    libraries: Vec<Library>,
    /// Who fetches payloads unless it is said.
    fetcher: Fetcher,
    /// Whether the document that is looked at has errors of its own; see [`Checker::begin`].
    is_partial: bool,
}

/// Where a name is declared.
#[derive(Clone, Copy)]
struct Declared<'a> {
    raw: &'a RawDocument,
}

impl<'a> Checker<'a> {
    fn new(documents: &'a Documents, around: Surroundings<'a>) -> Self {
        let mut checker = Self {
            around,
            names: BTreeMap::new(),
            nearest: HashMap::new(),
            shared: BTreeMap::new(),
            texts: BTreeMap::new(),
            licensed: BTreeMap::new(),
            powershell: BTreeMap::new(),
            findings: Findings::new(),
            sources: Sources::new(),
            asked: BTreeMap::new(),
            used: BTreeSet::new(),
            noticed: Vec::new(),
            libraries: Vec::new(),
            fetcher: Fetcher::default(),
            is_partial: false,
        };
        for (kind, name, raw) in documents.names() {
            checker.declare(kind, name, raw);
        }
        checker
    }

    fn declare(&mut self, kind: Kind, name: &'a Name, raw: &'a RawDocument) {
        let of_kind = self.names.entry(kind).or_default();
        if let Some(first) = of_kind.get(name) {
            // More than one Instance is an error of its own.
            if kind != Kind::Instance {
                let first = first.raw.origin();
                let finding = Finding::new(
                    code::DUPLICATE_NAME,
                    format!("the {kind} `{name}` is declared twice"),
                    raw.origin(),
                );
                self.findings.push(
                    finding
                        .label("declared again here")
                        .related(first, "first declared here")
                        .help("rename one of them, or delete it"),
                );
            }
        } else {
            of_kind.insert(name, Declared { raw });
        }
    }

    fn config(&mut self, documents: &'a Documents) -> Option<Config> {
        let instance = self.instance(documents);
        self.shared_scripts(&documents.scripts);
        let tenants = self.tenants(&documents.tenants, &documents.providers);
        let providers = self.providers(&documents.providers);
        let (directories, psas) = self.sources(documents);
        let computers = self.computers(&documents.computers, &documents.providers);
        let targets = self.targets(&documents.targets);
        let tasks = self.tasks(&documents.tasks);
        let software = self.all_software(documents);
        let licenses = self.licenses(documents, &software);
        let (mut deployments, remote) = self.deployments(documents, &software);
        let schedules = self.schedules(documents, &mut deployments);
        self.begin_all();
        self.never_updated(&software);
        let order = self.order(&documents.orders);
        let safety = self.safety(documents);
        self.listed_in_libraries(documents);
        let uses = self.all_uses(documents);
        Some(Config {
            instance: instance?,
            tenants,
            providers,
            directories,
            psas,
            scripts: self.host_scripts(),
            answer_ages: self.answer_ages(),
            computers,
            targets,
            software: software.into_iter().filter_map(|(name, s)| Some((name, s.model?))).collect(),
            tasks,
            licenses,
            deployments,
            schedules,
            remote,
            order,
            safety,
            uses,
            sources: Sources::new(),
        })
    }

    fn targets(&mut self, documents: &'a [Document<super::kind::TargetSpec>]) -> BTreeMap<Name, Target> {
        let mut targets = BTreeMap::new();
        let mut edges = Vec::new();
        for document in documents {
            self.begin(document);
            self.expression(&document.raw, "/spec/match", &document.spec.r#match);
            edges.push((
                document.name(),
                document.raw.origin(),
                expression::targets_in(&document.spec.r#match),
            ));
            targets.entry(document.name().clone()).or_insert_with(|| Target {
                metadata: document.metadata.clone(),
                place: document.place(),
                expression: document.spec.r#match.clone(),
                mode: document.spec.mode.unwrap_or(super::kind::Mode::Enforce),
            });
        }
        self.begin_all();
        self.no_cycles("Target", "refers to", edges);
        targets
    }

    fn report(&mut self, code: Code, message: impl Into<String>, place: Place) {
        self.push(Finding::new(code, message, place));
    }

    fn push(&mut self, finding: Finding) {
        if !self.is_partial || IN_PARTIAL.contains(&finding.code) {
            self.findings.push(finding);
        }
    }

    /// Turns to a document. Of one that has errors of its own only those faults are told that do not follow from them.
    fn begin<T>(&mut self, document: &Document<T>) {
        self.is_partial = !document.is_sound;
    }

    /// Turns to what concerns several documents.
    fn begin_all(&mut self) {
        self.is_partial = false;
    }

    /// Whether a reference of the present document is one that its author wrote, where `written` is meant to stand.
    fn is_written(&self, raw: &RawDocument, place: &Place, written: &str) -> bool {
        !self.is_partial || raw.text.get(place.start..place.end).is_some_and(|text| text.contains(written))
    }
}

/// Whether an expression names other targets.
#[must_use]
pub fn refers_to_targets(expression: &super::kind::Match) -> bool {
    !expression::targets_in(expression).is_empty()
}

/// The documents of one kind by name; the first of each name, and only those without errors of their own.
fn by_name<T>(documents: &[Document<T>]) -> BTreeMap<&Name, &Document<T>> {
    let mut map = BTreeMap::new();
    for document in documents.iter().filter(|document| document.is_sound) {
        map.entry(document.name()).or_insert(document);
    }
    map
}
