//! Findings: everything Muster has to say about what the user wrote, with a stable code, a place and help.
//!
//! Not here: printing (`report::diagnostic`) and the decision to fail (`cli`).
//!
//! Invariants: a finding's code is registered in [`code`]; findings are collected, never thrown, so that one run
//! reports all of them (L8).

pub mod code;
mod place;
mod similar;

pub use code::{Code, CodeInfo};
pub use place::{Place, Sources};
pub use similar::nearest;

use serde::Serialize;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can be used, and is probably not what was meant.
    Warning,
}

/// One thing to say about what the user wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of finding this is; `muster explain CODE` describes it.
    pub code: Code,
    /// Its weight.
    pub severity: Severity,
    /// One sentence without a full stop, in lower case unless it begins with a name.
    pub message: String,
    /// Where it is. `None` only when it concerns no file.
    pub place: Option<Place>,
    /// What to print under the marked place, if the message is not enough.
    pub label: Option<String>,
    /// Other places that matter, each with what it is ("first defined here").
    pub related: Vec<(Place, String)>,
    /// What the user can do about it.
    pub help: Option<String>,
}

impl Finding {
    /// A finding at `place`, with the severity its code is registered with.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>, place: Place) -> Self {
        Self { place: Some(place), ..Self::without_place(code, message) }
    }

    /// A finding that concerns no file.
    #[must_use]
    pub fn without_place(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.info().severity,
            message: message.into(),
            place: None,
            label: None,
            related: Vec::new(),
            help: None,
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a text under the marked place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds another place that matters.
    #[must_use]
    pub fn related(mut self, place: Place, what: impl Into<String>) -> Self {
        self.related.push((place, what.into()));
        self
    }

    /// Whether it makes the configuration unusable.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Findings in the order in which they are to be read: by file, position, code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// No findings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Adds many.
    pub fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.0.extend(findings);
    }

    /// Whether any of them is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(Finding::is_error)
    }

    /// Whether there are none at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Looks at each.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.0.iter()
    }

    /// Puts them into reading order and drops exact repetitions.
    pub fn sort(&mut self) {
        self.0.sort_by(|a, b| {
            let key = |f: &Finding| f.place.as_ref().map(|p| (p.file.clone(), p.start, p.end));
            key(a).cmp(&key(b)).then_with(|| a.code.cmp(&b.code)).then_with(|| a.message.cmp(&b.message))
        });
        self.0.dedup();
    }
}

impl FromIterator<Finding> for Findings {
    fn from_iter<I: IntoIterator<Item = Finding>>(findings: I) -> Self {
        Self(findings.into_iter().collect())
    }
}

impl IntoIterator for Findings {
    type Item = Finding;
    type IntoIter = std::vec::IntoIter<Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Findings {
    type Item = &'a Finding;
    type IntoIter = std::slice::Iter<'a, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
