//! The guardrails that are shipped with Muster: ordinary documents of `policies/`, one copy for the repository and the
//! program. An Instance turns them on by name.

use std::sync::Arc;

use super::document::Documents;
use super::kind::Kind;
use super::parse;
use crate::diagnostic::{Findings, Sources};

macro_rules! shipped {
    ($($name:literal)*) => {
        /// Name and text of each, in order of their names.
        const SHIPPED: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../policies/", $name, "/policy.yaml"))),)*];
    };
}

shipped! {
    "blast-radius"
    "clean-commit"
    "cross-tenant-removal"
    "domain-controller-restart"
    "domain-controllers-one-by-one"
    "everywhere-at-once"
    "fleet-mostly-reached"
    "mass-removal"
    "payload-over-http"
    "removable-software"
    "secrets-of-other-tenants"
    "servers-in-business-hours"
    "unpinned-version"
    "unsigned-script"
    "unverified-download"
    "unverified-software"
}

/// The names of all shipped guardrails, in order.
pub fn names() -> impl Iterator<Item = &'static str> + Clone {
    SHIPPED.iter().map(|(name, _)| *name)
}

/// The text of a shipped guardrail.
#[must_use]
pub fn text(name: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// Adds the shipped guardrails that the Instance names to the documents, under paths that no repository has.
pub fn add(documents: &mut Documents, sources: &mut Sources, findings: &mut Findings) {
    let mut wanted: Vec<&str> = documents
        .instances
        .iter()
        .flat_map(|instance| &instance.spec.guardrails)
        .filter_map(|name| SHIPPED.iter().find(|(known, _)| *known == name.as_str()).map(|(known, _)| *known))
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    for name in wanted {
        let Some(text) = text(name) else { continue };
        let (file, text): (Arc<str>, Arc<str>) =
            (format!("muster:policies/{name}/policy.yaml").into(), text.into());
        let (raws, found) = parse::parse(&file, &text, &[Kind::Guardrail.as_str()]);
        findings.extend(found);
        sources.insert(Arc::clone(&file), Arc::clone(&text));
        for raw in raws {
            documents.add(raw, findings);
        }
    }
}
