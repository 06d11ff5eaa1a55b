//! Text to raw documents: the envelope is checked, what a kind says is still a tree.
//!
//! Not here: the kinds themselves, and anything between documents.
//!
//! Invariants: a [`RawDocument`]'s kind is one of the known ones; one bad document never hides another.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::de;
use super::kind::{API_VERSION, Metadata};
use super::spanned::{self, Entry, LineIndex, MAX_FINDINGS, Node, NodeKind};
use crate::diagnostic::{Finding, Findings, Place, code, nearest};

/// The keys of a document.
const KEYS: [&str; 4] = ["apiVersion", "kind", "metadata", "spec"];

/// What to do about each of them when it is missing.
const MISSING: [(&str, &str); 4] = [
    ("apiVersion", "begin the document with `apiVersion: muster/v1`"),
    ("kind", "add `kind: …`"),
    ("metadata", "add `metadata: { name: … }`"),
    ("spec", "add `spec: …` with what the kind says"),
];

/// A document whose envelope was read. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RawDocument {
    /// Path below the repository's root.
    pub file: Arc<str>,
    /// The whole file's text.
    pub text: Arc<str>,
    /// The document.
    pub node: Arc<Node>,
    /// Its kind, one of those that were given to [`parse`].
    pub kind: String,
    /// Who it is; `None` when its metadata has errors, which are reported.
    pub metadata: Option<Metadata>,
    lines: Arc<LineIndex>,
}

/// Reads all documents of a file. `known_kinds` are the names of the kinds there are.
///
/// A document whose metadata is wrong is given without them, so that its spec can be checked all the same; one of an
/// unknown kind or version is left out.
#[must_use]
pub fn parse(file: &Arc<str>, text: &Arc<str>, known_kinds: &[&str]) -> (Vec<RawDocument>, Findings) {
    let (nodes, mut findings) = spanned::read(file, text);
    if nodes.is_empty() && !findings.has_errors() {
        let finding = Finding::new(code::NO_DOCUMENT, "the file holds no document", Place::file(file));
        findings.push(finding.help("delete the file, or put a document in"));
    }
    let lines = Arc::new(LineIndex::new());
    let mut documents = Vec::with_capacity(nodes.len());
    for node in nodes {
        documents.extend(Envelope { file, text, lines: &lines }.document(node, known_kinds, &mut findings));
        if findings.len() >= MAX_FINDINGS {
            break;
        }
    }
    (documents, findings)
}

struct Envelope<'a> {
    file: &'a Arc<str>,
    text: &'a Arc<str>,
    lines: &'a Arc<LineIndex>,
}

impl Envelope<'_> {
    fn document(&self, node: Node, known_kinds: &[&str], findings: &mut Findings) -> Option<RawDocument> {
        let Some(entries) = node.entries() else {
            let place = self.first_line(&node);
            let message = "a document is a mapping with the keys apiVersion, kind, metadata and spec";
            let finding = Finding::new(code::NOT_A_MAPPING, message, place);
            findings.push(finding.help(format!("begin it with `apiVersion: {API_VERSION}`")));
            return None;
        };
        let mut meant = Vec::new();
        let absent: Vec<&str> = KEYS.into_iter().filter(|known| node.get(known).is_none()).collect();
        for entry in entries.iter().filter(|entry| !KEYS.contains(&&*entry.key)).take(MAX_FINDINGS) {
            let near = nearest(&entry.key, absent.iter().copied());
            meant.extend(near);
            findings.push(self.unknown_key(entry, near));
        }
        let version = self.version(&node, findings);
        let kind = self.kind(&node, known_kinds, findings);
        let metadata = match node.get("metadata") {
            Some(entry) => self.read(&entry.value, findings),
            None => None,
        };
        for (key, help) in MISSING {
            // A key that is there under a mistyped name is not missing as well.
            if node.get(key).is_none() && !meant.contains(&key) {
                findings.push(self.missing(&node, key, help));
            }
        }
        let kind = kind.filter(|_| version)?;
        Some(RawDocument {
            file: Arc::clone(self.file),
            text: Arc::clone(self.text),
            node: Arc::new(node),
            kind,
            metadata,
            lines: Arc::clone(self.lines),
        })
    }

    fn read<T: DeserializeOwned>(&self, node: &Node, findings: &mut Findings) -> Option<T> {
        de::from_node_with(self.file, self.text, self.lines, node, findings)
    }

    fn place(&self, range: std::ops::Range<usize>) -> Place {
        self.lines.place(self.file, self.text, range)
    }

    fn first_line(&self, node: &Node) -> Place {
        let range = node.range();
        let line = self.text.get(range.clone()).and_then(|text| text.lines().next()).unwrap_or_default();
        self.place(range.start..range.start.saturating_add(line.trim_end().len()))
    }

    fn missing(&self, node: &Node, key: &str, help: &str) -> Finding {
        let message = format!("the key `{key}` is missing");
        Finding::new(code::MISSING_KEY, message, self.first_line(node)).label("in this document").help(help)
    }

    fn unknown_key(&self, entry: &Entry, near: Option<&str>) -> Finding {
        let key = &*entry.key;
        let finding =
            Finding::new(code::UNKNOWN_KEY, format!("unknown key `{key}`"), self.place(entry.key_range()));
        finding.help(match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if matches!(key, "name" | "title" | "labels" | "description") => {
                format!("put `{key}` below `metadata`")
            }
            None => {
                "a document has apiVersion, kind, metadata and spec; what the kind says goes below `spec`"
                    .to_owned()
            }
        })
    }

    /// Whether the document is of this version, or says nothing of it.
    fn version(&self, node: &Node, findings: &mut Findings) -> bool {
        let Some(entry) = node.get("apiVersion") else {
            return true;
        };
        let Some(version) = self.read::<String>(&entry.value, findings) else { return true };
        if version == API_VERSION {
            return true;
        }
        let place = self.place(entry.value.range());
        let finding =
            Finding::new(code::UNKNOWN_API_VERSION, format!("unknown apiVersion {version:?}"), place);
        findings.push(finding.help(format!("write `apiVersion: {API_VERSION}`")));
        false
    }

    fn kind(&self, node: &Node, known: &[&str], findings: &mut Findings) -> Option<String> {
        let entry = node.get("kind")?;
        let kind = self.read::<String>(&entry.value, findings)?;
        if known.contains(&kind.as_str()) {
            return Some(kind);
        }
        let place = self.place(entry.value.range());
        let finding = Finding::new(code::UNKNOWN_KIND, format!("unknown kind {kind:?}"), place);
        findings.push(finding.help(match nearest(&kind, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known kinds are {}", known.join(", ")),
        }));
        None
    }
}

impl RawDocument {
    /// What the kind says, as the kind's type. All errors are added to `findings`.
    ///
    /// `None` when there was an error, or no spec (which [`parse`] has reported).
    pub fn spec<T: DeserializeOwned>(&self, findings: &mut Findings) -> Option<T> {
        let spec = self.node.get("spec")?;
        de::from_node_with(&self.file, &self.text, &self.lines, &spec.value, findings)
    }

    /// As [`Self::spec`], with what could be read of a spec that has errors, and whether it has none; see
    /// [`de::from_node_partly`].
    pub fn spec_partly<T: DeserializeOwned>(&self, findings: &mut Findings) -> (Option<T>, bool) {
        let Some(spec) = self.node.get("spec") else { return (None, false) };
        de::from_node_partly(&self.file, &self.text, &self.lines, &spec.value, findings)
    }

    /// The place of the value at a JSON pointer into the document, such as `/spec/target/ref`; of its nearest ancestor
    /// when there is no such value. Lists and mappings are shown by their first line.
    #[must_use]
    pub fn place(&self, pointer: &str) -> Place {
        let (_, node) = self.node.nearest(pointer);
        let range = node.range();
        if matches!(node.kind, NodeKind::Sequence(_) | NodeKind::Mapping(_)) {
            return Envelope { file: &self.file, text: &self.text, lines: &self.lines }.first_line(node);
        }
        self.lines.place(&self.file, &self.text, range)
    }

    /// The place of the key at a JSON pointer; of the value, where it is an item of a list or the document itself.
    #[must_use]
    pub fn key_place(&self, pointer: &str) -> Place {
        match self.node.nearest(pointer) {
            (Some(entry), _) => self.lines.place(&self.file, &self.text, entry.key_range()),
            (None, _) => self.place(pointer),
        }
    }

    /// All of the document, from its first to its last byte.
    #[must_use]
    pub fn extent(&self) -> Place {
        self.lines.place(&self.file, &self.text, self.node.range())
    }

    /// Where the document is known by: its name, or its beginning.
    #[must_use]
    pub fn origin(&self) -> Place {
        match self.node.at("/metadata/name") {
            Some(_) => self.place("/metadata/name"),
            None => self.place(""),
        }
    }
}

#[cfg(test)]
mod tests;
