//! The words of guardrails: what an expression may name, and of which type each word is.
//!
//! `docs/reference/policies.md` shows the same tables; a test compares the two.
//!
//! Invariant: every field always has a value. A text that is not known is empty, a number that is not known is 0.

use serde_json::{Map, Value};

use crate::config::kind::Subject;
use crate::plan::document::ActionType;

/// The type of a word.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Of {
    /// true or false.
    Bool,
    /// A whole number.
    Int,
    /// A text.
    Text,
    /// One of these texts.
    Word(&'static [&'static str]),
    /// A list of texts.
    Texts,
    /// A list of some of these texts.
    Words(&'static [&'static str]),
    /// Texts by name.
    Map,
    /// Several words together.
    Record(&'static Record),
}

/// Words that belong together.
#[derive(Debug, PartialEq)]
pub struct Record {
    /// What it is called in messages, with its article.
    pub name: &'static str,
    /// Its words.
    pub fields: &'static [Field],
}

/// A word of a record.
#[derive(Debug, PartialEq)]
pub struct Field {
    /// The word.
    pub name: &'static str,
    /// Its type.
    pub of: Of,
}

impl Record {
    /// The word of that name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

const fn field(name: &'static str, of: Of) -> Field {
    Field { name, of }
}

/// What is done.
pub const ACTIONS: &[&str] = &ActionType::WORDS;
const CAUSES: &[&str] = &["new-intent", "drift", "membership", "source-data", "policy", "retry"];
const MODES: &[&str] = &["ignored", "monitor", "audit", "enforce"];
const ROLES: &[&str] =
    &["workstation", "portable", "server", "domain-controller", "primary-domain-controller"];
const ITEM_KINDS: &[&str] = &["software", "task", "os-updates"];
const STATES: &[&str] = &["installed", "absent", "update-if-found", "ignored", ""];
const DAYS: &[&str] = &["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const STAGES: &[&str] = &["validate", "plan", "apply", "watch"];
const PLATFORMS: &[&str] = &["posix", "windows", ""];
const SYSTEMS: &[&str] = &["linux", "windows", "macos", "other", ""];
const DETECTIONS: &[&str] = &["inventory", "package", "upgrade-code", "product-code", "script", "other"];
const LEVELS: &[&str] = &["computer", "person", "tenant", "cross-tenant"];
const INTERPRETERS: &[&str] = &["powershell", "cmd", "sh", "bash", "python", "other"];
const CONTEXTS: &[&str] = &["system", "user", "other"];
/// What a script belongs to.
const SCRIPT_KINDS: &[&str] = &["software", "task", "script"];
const PURPOSES: &[&str] = &[
    "install",
    "upgrade",
    "uninstall",
    "repair",
    "pre-install",
    "post-install",
    "post-uninstall",
    "download",
    "detect",
    "test",
    "set",
    "get",
    "target",
    "source",
    "other",
];

static INSTANCE: Record = Record {
    name: "the instance",
    fields: &[field("name", Of::Text), field("labels", Of::Map), field("mode", Of::Word(MODES))],
};

static NOW: Record = Record {
    name: "the time",
    fields: &[
        field("date", Of::Text),
        field("time", Of::Text),
        field("hour", Of::Int),
        field("minute", Of::Int),
        field("weekday", Of::Word(DAYS)),
        field("zone", Of::Text),
    ],
};

static PLAN: Record = Record {
    name: "a plan",
    fields: &[
        field("scope", Of::Int),
        field("computers", Of::Int),
        field("percent", Of::Int),
        field("tenants", Of::Texts),
        field("actions", Of::Int),
        field("changes", Of::Int),
        field("removals", Of::Int),
        field("interruptions", Of::Int),
        field("reboots", Of::Int),
        field("unreachable", Of::Int),
        field("incomplete", Of::Int),
        field("commit", Of::Text),
        field("dirty", Of::Bool),
        field("limited", Of::Bool),
    ],
};

static DEPLOYMENT: Record = Record {
    name: "a deployment",
    fields: &[
        field("name", Of::Text),
        field("title", Of::Text),
        field("labels", Of::Map),
        field("file", Of::Text),
        field("item", Of::Text),
        field("instance", Of::Text),
        field("kind", Of::Word(ITEM_KINDS)),
        field("state", Of::Word(STATES)),
        field("version", Of::Text),
        field("pinned", Of::Bool),
        field("mode", Of::Word(MODES)),
        field("enabled", Of::Bool),
        field("priority", Of::Int),
        field("target", Of::Text),
        field("level", Of::Word(LEVELS)),
        field("narrowed", Of::Bool),
        field("every", Of::Bool),
        field("tenants", Of::Texts),
        field("ring", Of::Bool),
        field("parameters", Of::Texts),
        field("secrets", Of::Texts),
        field("secretTenants", Of::Texts),
        field("protected", Of::Bool),
    ],
};

static CHANGE: Record = Record {
    name: "a change",
    fields: &[
        field("item", Of::Text),
        field("instance", Of::Text),
        field("kind", Of::Word(ITEM_KINDS)),
        field("title", Of::Text),
        field("action", Of::Word(ACTIONS)),
        field("reasons", Of::Texts),
        field("causes", Of::Words(CAUSES)),
        field("versions", Of::Texts),
        field("before", Of::Texts),
        field("after", Of::Texts),
        field("computers", Of::Int),
        field("percent", Of::Int),
        field("tenants", Of::Texts),
        field("roles", Of::Words(ROLES)),
        field("servers", Of::Int),
        field("domainControllers", Of::Int),
        field("removes", Of::Bool),
        field("interrupts", Of::Bool),
        field("restarts", Of::Bool),
        field("prerequisiteOf", Of::Text),
        field("deployment", Of::Record(&DEPLOYMENT)),
    ],
};

static TENANT: Record = Record {
    name: "a tenant",
    fields: &[
        field("name", Of::Text),
        field("title", Of::Text),
        field("labels", Of::Map),
        field("tags", Of::Texts),
        field("parent", Of::Text),
        field("mode", Of::Word(MODES)),
        field("businessHours", Of::Bool),
        field("protected", Of::Bool),
        field("scope", Of::Int),
        field("computers", Of::Int),
        field("percent", Of::Int),
        field("removals", Of::Int),
        field("interruptions", Of::Int),
        field("reboots", Of::Int),
    ],
};

static COMPUTER: Record = Record {
    name: "a computer",
    fields: &[
        field("name", Of::Text),
        field("roles", Of::Words(ROLES)),
        field("os", Of::Word(SYSTEMS)),
        field("platform", Of::Word(PLATFORMS)),
        field("provider", Of::Text),
        field("tags", Of::Texts),
        field("protected", Of::Bool),
        field("actions", Of::Words(ACTIONS)),
        field("items", Of::Texts),
        field("removes", Of::Texts),
        field("interrupts", Of::Bool),
        field("restarts", Of::Bool),
    ],
};

static SOFTWARE: Record = Record {
    name: "a software",
    fields: &[
        field("name", Of::Text),
        field("title", Of::Text),
        field("labels", Of::Map),
        field("file", Of::Text),
        field("detection", Of::Word(DETECTIONS)),
        field("versions", Of::Texts),
        field("installs", Of::Bool),
        field("uninstalls", Of::Bool),
        field("tests", Of::Bool),
        field("payloads", Of::Int),
        field("addresses", Of::Texts),
    ],
};

static SCRIPT: Record = Record {
    name: "a script",
    fields: &[
        field("file", Of::Text),
        field("item", Of::Text),
        field("kind", Of::Word(SCRIPT_KINDS)),
        field("purpose", Of::Word(PURPOSES)),
        field("interpreter", Of::Word(INTERPRETERS)),
        field("context", Of::Word(CONTEXTS)),
        field("platform", Of::Word(PLATFORMS)),
        field("limitSeconds", Of::Int),
        field("text", Of::Text),
    ],
};

/// What holds in every rule.
const ALWAYS: [Field; 3] = [
    field("instance", Of::Record(&INSTANCE)),
    field("now", Of::Record(&NOW)),
    field("stage", Of::Word(STAGES)),
];

/// The words that a rule about this subject may begin with.
#[must_use]
pub fn roots(subject: Subject) -> Vec<Field> {
    let plan = ("plan", &PLAN);
    let own: Vec<(&'static str, &'static Record)> = match subject {
        Subject::Plan => vec![plan],
        Subject::Change => vec![plan, ("change", &CHANGE), ("deployment", &DEPLOYMENT)],
        Subject::Tenant => vec![plan, ("tenant", &TENANT)],
        Subject::Computer => vec![plan, ("tenant", &TENANT), ("computer", &COMPUTER)],
        Subject::Deployment => vec![("deployment", &DEPLOYMENT)],
        Subject::Software => vec![("software", &SOFTWARE)],
        Subject::Script => vec![("script", &SCRIPT)],
    };
    own.into_iter().map(|(name, record)| field(name, Of::Record(record))).chain(ALWAYS).collect()
}

/// The subject that has this word, for messages about a word of another subject.
#[must_use]
pub fn subjects_with(root: &str) -> Vec<Subject> {
    Subject::ALL
        .into_iter()
        .filter(|subject| roots(*subject).iter().any(|field| field.name == root))
        .collect()
}

/// A value of this type that says nothing: false, 0, an empty text or list.
#[must_use]
pub fn neutral(of: Of) -> Value {
    match of {
        Of::Bool => Value::Bool(false),
        Of::Int => Value::from(0),
        Of::Text => Value::from(""),
        Of::Word(words) => {
            Value::from(if words.contains(&"") { "" } else { words.first().copied().unwrap_or_default() })
        }
        Of::Texts | Of::Words(_) => Value::Array(Vec::new()),
        Of::Map => Value::Object(Map::new()),
        Of::Record(record) => Value::Object(
            record.fields.iter().map(|field| (field.name.to_owned(), neutral(field.of))).collect(),
        ),
    }
}

/// The neutral value of what this root stands for; null for an unknown one.
#[must_use]
pub fn neutral_root(root: &str) -> Value {
    let record = records().into_iter().find(|(name, _)| *name == root);
    record.map_or(Value::Null, |(_, record)| neutral(Of::Record(record)))
}

/// All records by the name of their first use, for the documentation's test.
#[must_use]
pub fn records() -> Vec<(&'static str, &'static Record)> {
    vec![
        ("plan", &PLAN),
        ("change", &CHANGE),
        ("deployment", &DEPLOYMENT),
        ("tenant", &TENANT),
        ("computer", &COMPUTER),
        ("software", &SOFTWARE),
        ("script", &SCRIPT),
        ("instance", &INSTANCE),
        ("now", &NOW),
    ]
}
