//! Documents as the types of their kinds, with the trees they were read from.
//!
//! Not here: the envelope (`parse`) and everything between documents (`check`).
//!
//! Invariant: a [`Document`] has a name and a spec without errors of its own; documents that have some are kept by name
//! only, so that references to them hold.

use serde::de::DeserializeOwned;

use super::kind::{
    ComputerSpec, DeploymentSpec, InstanceSpec, Kind, Metadata, OrderSpec, ProviderSpec, ScriptSpec,
    SoftwareSpec, TargetSpec, TaskSpec, TenantSpec,
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
}

/// A document that has a name and no usable spec.
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

            /// Adds the documents of another file.
            pub fn append(&mut self, mut other: Self) {
                $(self.$field.append(&mut other.$field);)*
                self.broken.append(&mut other.broken);
            }

            /// Every name with its kind and tree, kind by kind.
            pub fn names(&self) -> impl Iterator<Item = (Kind, &Name, &RawDocument)> {
                std::iter::empty()
                    $(.chain(self.$field.iter().map(|document| (Kind::$kind, document.name(), &document.raw))))*
                    .chain(self.broken.iter().map(|broken| (broken.kind, &broken.name, &broken.raw)))
            }
        }
    };
}

documents! {
    Instance instances InstanceSpec;
    Tenant tenants TenantSpec;
    Provider providers ProviderSpec;
    Computer computers ComputerSpec;
    Target targets TargetSpec;
    Software software SoftwareSpec;
    Task tasks TaskSpec;
    Script scripts ScriptSpec;
    Deployment deployments DeploymentSpec;
    Order orders OrderSpec;
}

impl Documents {
    fn read<T: DeserializeOwned>(
        &mut self,
        kind: Kind,
        mut raw: RawDocument,
        findings: &mut Findings,
    ) -> Option<Document<T>> {
        let spec = raw.spec(findings);
        let metadata = raw.metadata.take()?;
        if let Some(spec) = spec {
            return Some(Document { raw, metadata, spec });
        }
        self.broken.push(Broken { kind, name: metadata.name, raw });
        None
    }
}
