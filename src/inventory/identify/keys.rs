//! What an agent's evidence is compared by.
//!
//! Invariant: two agents that fit by one key and differ in another are a contradiction, which is for a person to clear.

use serde::{Deserialize, Serialize};

use super::evidence::{Identity, is_placeholder, turned, usable_serial, usable_uuid};
use crate::inventory::facts::IdentityEvidence;

/// The usable parts of an agent's evidence, each in its one spelling.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Keys {
    /// The UUID: of its two readings the one that sorts first, since systems differ in how they read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// A trusted maker and its serial number (IDN-4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maker: Option<(String, String)>,
    /// The serial number of whatever maker, unless it is a placeholder. It names nothing; two that differ contradict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// The id that Muster gave the computer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<String>,
}

impl Keys {
    /// The keys of this evidence.
    #[must_use]
    pub fn of(evidence: &IdentityEvidence) -> Self {
        let uuid = usable_uuid(evidence.uuid.as_deref()).ok();
        let uuid = uuid.map(|uuid| turned(&uuid).map_or(uuid.clone(), |other| other.min(uuid)));
        let maker = usable_serial(evidence.manufacturer.as_deref(), evidence.serial.as_deref());
        let text = |text: &Option<String>| {
            text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        Self {
            uuid,
            maker: maker.ok().map(|(maker, serial)| (maker.to_owned(), serial)),
            serial: text(&evidence.serial)
                .filter(|serial| !is_placeholder(serial))
                .map(|serial| serial.to_ascii_uppercase()),
            generated: text(&evidence.generated_id).map(|id| id.to_ascii_lowercase()),
        }
    }

    /// The keys of an id that git gives.
    #[must_use]
    pub fn given(id: &str) -> Self {
        Self { generated: Some(id.trim().to_ascii_lowercase()), ..Self::default() }
    }

    /// What names the computer; `None` when nothing does.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        let uuid = self.uuid.clone().map(Identity::Uuid);
        let serial = || self.maker.clone().map(|(maker, serial)| Identity::Serial { maker, serial });
        uuid.or_else(serial).or_else(|| self.generated.clone().map(Identity::Generated))
    }

    /// These keys, and where one is missing that of `other`.
    #[must_use]
    pub fn or(mut self, other: &Self) -> Self {
        self.uuid = self.uuid.or_else(|| other.uuid.clone());
        self.maker = self.maker.or_else(|| other.maker.clone());
        self.serial = self.serial.or_else(|| other.serial.clone());
        self.generated = self.generated.or_else(|| other.generated.clone());
        self
    }

    /// The keys as texts to look computers up by, best first. An id that was given counts only where no better key is
    /// there: it is on the disk, and a copy of the disk has it too.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        let uuid = self.uuid.iter().map(|uuid| format!("uuid/{uuid}"));
        let maker = self.maker.iter().map(|(maker, serial)| format!("serial/{maker}/{serial}"));
        let mut texts: Vec<String> = uuid.chain(maker).collect();
        if texts.is_empty() {
            texts.extend(self.generated.iter().map(|id| format!("generated/{id}")));
        }
        texts
    }

    /// Whether both may be of one computer by one of their keys.
    #[must_use]
    pub fn fit(&self, other: &Self) -> bool {
        let own = self.texts();
        other.texts().iter().any(|text| own.contains(text))
    }

    /// In what both differ that cannot differ on one computer: `UUID` or `serial number`.
    #[must_use]
    pub fn contradict(&self, other: &Self) -> Option<&'static str> {
        let differ = |a: &Option<String>, b: &Option<String>| matches!((a, b), (Some(a), Some(b)) if a != b);
        if differ(&self.uuid, &other.uuid) {
            Some("UUID")
        } else if differ(&self.serial, &other.serial) {
            Some("serial number")
        } else {
            None
        }
    }
}
