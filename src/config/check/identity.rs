//! What `Computer` documents decide of agents (IDN-8).
//!
//! Invariant: an agent stands in one document only, and its provider is one whose computers are recognised.

use std::collections::BTreeMap;

use super::Checker;
use crate::config::document::Document;
use crate::config::kind::{ComputerIdentity, ComputerSpec, Decision, InstanceSpec, Kind, ProviderSpec};
use crate::config::model::Identification;
use crate::config::parse::RawDocument;
use crate::diagnostic::{Finding, Place, code};
use crate::inventory::known::AgentKey;

/// Where each agent stands.
pub(super) type Decided = BTreeMap<AgentKey, Place>;

/// How agents are recognised, as the Instance says.
pub(super) fn identification(spec: &InstanceSpec) -> Identification {
    let usual = Identification::default();
    let Some(said) = &spec.identification else { return usual };
    Identification {
        on_conflict: said.on_conflict.unwrap_or(usual.on_conflict),
        new_system_is_wipe: said.new_system_is_wipe.unwrap_or(usual.new_system_is_wipe),
        stale_after: said.stale_after.unwrap_or(usual.stale_after),
    }
}

impl<'a> Checker<'a> {
    /// The decision of one document.
    pub(super) fn identity(
        &mut self,
        document: &'a Document<ComputerSpec>,
        providers: &'a [Document<ProviderSpec>],
        decided: &mut Decided,
    ) {
        let raw = &document.raw;
        if let Some(replaces) = &document.spec.replaces {
            self.not_empty(raw, "/spec/replaces", replaces);
        }
        let Some(identity) = &document.spec.identity else { return };
        self.not_empty_list(raw, "/spec/identity/agents", &identity.agents);
        for (index, key) in identity.agents.iter().enumerate() {
            self.agent(raw, &format!("/spec/identity/agents/{index}"), key, providers, decided);
        }
        if let Some(id) = &identity.id {
            self.not_empty(raw, "/spec/identity/id", id.trim());
        }
        if let Some(computer) = &identity.computer
            && !computer.as_str().contains('/')
        {
            let place = raw.place("/spec/identity/computer");
            let finding = Finding::new(code::INVALID_VALUE, "this is no id of a computer", place);
            self.push(finding.help("write it as `muster computers` shows it: provider/agent"));
        }
        self.instant(raw, identity);
    }

    fn agent(
        &mut self,
        raw: &RawDocument,
        at: &str,
        key: &AgentKey,
        providers: &'a [Document<ProviderSpec>],
        decided: &mut Decided,
    ) {
        self.not_empty(raw, &format!("{at}/agent"), key.agent.as_str());
        if !self.reference(raw, &format!("{at}/provider"), Kind::Provider, &key.provider) {
            return;
        }
        let declared = providers.iter().find(|other| *other.name() == key.provider);
        if let Some(other) = declared.filter(|other| !other.spec.identifies()) {
            let message = format!("the computers of {} are its own, and none is recognised", key.provider);
            let finding = Finding::new(code::SETTING, message, raw.place(&format!("{at}/provider")));
            self.push(
                finding
                    .related(other.place(), format!("it is of the type {}", other.spec.type_name()))
                    .help("say `identify: true` there if its computers may be those of another provider too"),
            );
        }
        let place = raw.place(at);
        match decided.get(key) {
            Some(first) => {
                let finding =
                    Finding::new(code::SETTING, format!("the agent {key} is decided of twice"), place);
                let finding = finding.related(first.clone(), "it stands here already");
                self.push(finding.help("an agent is on one computer: take it out of one of them"));
            }
            None => _ = decided.insert(key.clone(), place),
        }
    }

    /// A wipe is of an instant, and nothing else is.
    fn instant(&mut self, raw: &RawDocument, identity: &ComputerIdentity) {
        let wiped = identity.decision == Some(Decision::Wiped);
        match identity.at {
            None if wiped => {
                let place = raw.place("/spec/identity/decision");
                let finding =
                    Finding::new(code::SETTING, "it is not said when the computer was wiped", place);
                self.push(finding.help("write `at`, such as at: '2026-11-22T14:00:00Z'"));
            }
            Some(_) if !wiped => {
                let place = raw.place("/spec/identity/at");
                let finding = Finding::new(code::SETTING, "only `decision: wiped` has an instant", place);
                self.push(finding.help("leave out `at`"));
            }
            _ => {}
        }
    }
}
