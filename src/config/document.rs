//! Documents as the types of their kinds, with the trees they were read from.
//!
//! Not here: the envelope (`parse`) and everything between documents (`check`).
//!
//! Invariant: a [`Document`] that is sound has a name and a spec without errors of its own. Of the others what could be
//! read is kept, to look for further faults, and their names, so that references to them hold.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::kind::{
    BundleSpec, ComputerSpec, DeploymentSpec, DirectorySpec, ExceptionSpec, GuardrailSpec, GuardrailTestSpec,
    InstanceSpec, Kind, LicenseSpec, Metadata, OrderSpec, PackageSpec, PolicySpec, ProviderSpec, PsaSpec,
    ScheduleSpec, ScriptSpec, SoftwareSpec, TargetSpec, TaskSpec, TenantSpec,
};
use super::parse::RawDocument;
use crate::diagnostic::{Findings, Place};
use crate::id::Name;

/// A document whose spec was read.
#[derive(Debug, Clone)]
pub struct Document<T> {
    /// The tree, for places.
    pub raw: RawDocument,
    /// Who it is.
    pub metadata: Metadata,
    /// What it says.
    pub spec: T,
    /// Whether it has no errors of its own. Otherwise what is wrong with it is passed over in `spec`.
    pub is_sound: bool,
    /// Whether it has a name; otherwise the one in `metadata` is made up.
    pub is_named: bool,
}

impl<T> Document<T> {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.metadata.name
    }

    /// Where it is known by.
    #[must_use]
    pub fn place(&self) -> Place {
        self.raw.origin()
    }

    fn named(&self) -> Option<(&Name, &RawDocument)> {
        self.is_named.then_some((&self.metadata.name, &self.raw))
    }
}

/// A document that has a name and a spec of which nothing can be read.
#[derive(Debug, Clone)]
pub struct Broken {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: Name,
    /// The tree.
    pub raw: RawDocument,
}

/// Defines [`Documents`] and the way from a raw document into it from one list.
macro_rules! documents {
    ($($kind:ident $field:ident $spec:ty;)*) => {
        /// All documents of a revision by kind, in the order of files and of their texts.
        #[derive(Debug, Clone, Default)]
        pub struct Documents {
            $(
                #[doc = concat!("Documents of the kind ", stringify!($kind), ".")]
                pub $field: Vec<Document<$spec>>,
            )*
            /// Those that have a name and no usable spec.
            pub broken: Vec<Broken>,
        }

        impl Documents {
            /// Reads what the kind says and keeps the document.
            pub fn add(&mut self, raw: RawDocument, findings: &mut Findings) {
                match Kind::find(&raw.kind) {
                    $(Some(Kind::$kind) => {
                        if let Some(document) = self.read::<$spec>(Kind::$kind, raw, findings) {
                            self.$field.push(document);
                        }
                    })*
                    None => {}
                }
            }

            /// The metadata of every document that has some, with its tree.
            pub fn metadata(&self) -> impl Iterator<Item = (&Metadata, &RawDocument)> {
                std::iter::empty()
                    $(.chain(
                        self.$field
                            .iter()
                            .filter(|document| document.is_named)
                            .map(|document| (&document.metadata, &document.raw))
                    ))*
            }

            /// Keeps of the documents with a name those for which `keep` holds, and all that have none.
            pub fn retain(&mut self, keep: &mut dyn FnMut(Kind, &Name, &RawDocument) -> bool) {
                $(self.$field.retain(|document| {
                    !document.is_named || keep(Kind::$kind, &document.metadata.name, &document.raw)
                });)*
                self.broken.retain(|broken| keep(broken.kind, &broken.name, &broken.raw));
            }

            /// Adds the documents of another file.
            pub fn append(&mut self, mut other: Self) {
                $(self.$field.append(&mut other.$field);)*
                self.broken.append(&mut other.broken);
            }

            /// Every name with its kind and tree, kind by kind.
            pub fn names(&self) -> impl Iterator<Item = (Kind, &Name, &RawDocument)> {
                std::iter::empty()
                    $(.chain(
                        self.$field
                            .iter()
                            .filter_map(Document::named)
                            .map(|(name, raw)| (Kind::$kind, name, raw))
                    ))*
                    .chain(self.broken.iter().map(|broken| (broken.kind, &broken.name, &broken.raw)))
            }
        }
    };
}

documents! {
    Instance instances InstanceSpec;
    Tenant tenants TenantSpec;
    Provider providers ProviderSpec;
    Directory directories DirectorySpec;
    Psa psas PsaSpec;
    Computer computers ComputerSpec;
    Target targets TargetSpec;
    Software software SoftwareSpec;
    Task tasks TaskSpec;
    Script scripts ScriptSpec;
    License licenses LicenseSpec;
    Deployment deployments DeploymentSpec;
    Bundle bundles BundleSpec;
    Schedule schedules ScheduleSpec;
    Policy policies PolicySpec;
    Package packages PackageSpec;
    Order orders OrderSpec;
    Guardrail guardrails GuardrailSpec;
    GuardrailTest guardrail_tests GuardrailTestSpec;
    Exception exceptions ExceptionSpec;
}

impl Documents {
    fn read<T: DeserializeOwned>(
        &mut self,
        kind: Kind,
        mut raw: RawDocument,
        findings: &mut Findings,
    ) -> Option<Document<T>> {
        let (spec, is_sound) = raw.spec_partly(findings);
        let metadata = raw.metadata.take();
        let is_named = metadata.is_some();
        let metadata = match metadata {
            Some(metadata) => metadata,
            None => Metadata {
                name: Name::new("unnamed").ok()?,
                title: None,
                labels: BTreeMap::new(),
                description: None,
                allow: Vec::new(),
            },
        };
        if let Some(spec) = spec {
            return Some(Document { raw, metadata, spec, is_sound: is_sound && is_named, is_named });
        }
        if is_named {
            self.broken.push(Broken { kind, name: metadata.name, raw });
        }
        None
    }
}
