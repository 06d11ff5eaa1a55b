//! Licences: each is for a software that takes one, and no two are for the same.

use std::collections::BTreeMap;

use super::Checker;
use super::software::CheckedSoftware;
use crate::config::document::{Document, Documents};
use crate::config::kind::{Kind, LicenseNeed, LicenseSpec};
use crate::config::model::{License, LicenseForm};
use crate::diagnostic::{Finding, Place, code};
use crate::id::Name;
use crate::version::Constraint;

impl<'a> Checker<'a> {
    pub(super) fn licenses(
        &mut self,
        documents: &'a Documents,
        software: &BTreeMap<Name, CheckedSoftware<'a>>,
    ) -> BTreeMap<Name, License> {
        let mut licenses = BTreeMap::new();
        let mut seen: BTreeMap<(Name, Option<Name>, Option<String>), Place> = BTreeMap::new();
        for document in &documents.licenses {
            self.begin(document);
            self.licensed.entry(document.name()).or_insert(&document.spec.software);
            let Some(license) = self.license(document, software) else { continue };
            let key = (license.software.clone(), license.tenant.clone(), license.versions.clone());
            if let Some(first) = seen.get(&key) {
                let message = "this licence is for the same software, tenant and versions as another one";
                let finding = Finding::new(code::LICENSE, message, document.place());
                self.push(finding.related(first.clone(), "the other one").help("take one of them out"));
                continue;
            }
            seen.insert(key, document.place());
            licenses.entry(document.name().clone()).or_insert(license);
        }
        licenses
    }

    fn license(
        &mut self,
        document: &'a Document<LicenseSpec>,
        software: &BTreeMap<Name, CheckedSoftware<'a>>,
    ) -> Option<License> {
        let Document { raw, metadata, spec, .. } = document;
        let known = self.reference(raw, "/spec/software", Kind::Software, &spec.software);
        let tenant = spec.tenant.as_ref();
        let tenant_known = tenant.is_none_or(|name| self.reference(raw, "/spec/tenant", Kind::Tenant, name));
        let one =
            self.exactly_one(raw, "/spec", &[("key", spec.key.is_some()), ("file", spec.file.is_some())]);
        // Without one the Software document has findings of its own.
        let checked = software.get(&spec.software).filter(|_| known);
        if let Some(checked) = checked {
            if checked.spec.license == LicenseNeed::None {
                let message = format!("the software `{}` takes no licence", spec.software);
                let mut finding = Finding::new(code::LICENSE, message, raw.place("/spec/software"));
                if let Some(model) = &checked.model {
                    finding = finding.related(model.place.clone(), "the software is declared here");
                }
                self.push(finding.help("write `license: optional` or `license: required` there"));
            }
            if let Some(text) = &spec.versions {
                let scheme = checked.spec.version_scheme.unwrap_or_default();
                if let Err(error) = Constraint::parse(scheme, text) {
                    self.report(code::VERSION, error.to_string(), raw.place("/spec/versions"));
                    return None;
                }
            }
        }
        let (form, secret) = match (&spec.key, &spec.file) {
            (Some(secret), _) => (LicenseForm::Key, secret),
            (None, Some(secret)) => (LicenseForm::File, secret),
            (None, None) => return None,
        };
        (one && tenant_known && checked.is_some()).then(|| License {
            metadata: metadata.clone(),
            place: document.place(),
            software: spec.software.clone(),
            tenant: spec.tenant.clone(),
            versions: spec.versions.clone(),
            form,
            secret: secret.clone(),
        })
    }
}
