//! A directory that exists only as a file, with faults on request.
//!
//! Invariants: the file is read strictly; a faulty answer goes through the reading that real ones go through.

use std::collections::BTreeSet;

use futures_util::future::BoxFuture;

use super::{DirectoryError, Reader};
use crate::config::kind::AnswerFault;
use crate::id::Name;
use crate::inventory::relations::Directory;
use crate::provider::page;

/// A simulated directory.
#[derive(Debug)]
pub struct SimulatedDirectory {
    name: Name,
    directory: Directory,
    fault: Option<AnswerFault>,
}

impl SimulatedDirectory {
    /// Reads the file's text: `people` and `groups`.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn new(name: Name, text: &str, fault: Option<AnswerFault>) -> Result<Self, String> {
        let directory: Directory = page::file(text)?;
        let mut ids = BTreeSet::new();
        for group in &directory.groups {
            if !ids.insert(group.id.as_str()) {
                return Err(format!("the group with id {:?} is there twice", group.id));
            }
        }
        for group in &directory.groups {
            if let Some(unknown) = group.groups.iter().find(|id| !ids.contains(id.as_str())) {
                return Err(format!("group {:?} holds the group {unknown:?}, which is not there", group.id));
            }
        }
        if let Some(person) = directory.people.iter().find(|person| person.upn.trim().is_empty()) {
            return Err(format!("a person has no upn: {:?}", person.name.as_deref().unwrap_or_default()));
        }
        Ok(Self { name, directory, fault })
    }
}

impl Reader for SimulatedDirectory {
    fn read(&self) -> BoxFuture<'_, Result<Directory, DirectoryError>> {
        Box::pin(async {
            let failed = |message| DirectoryError { directory: self.name.clone(), message };
            Ok(Directory {
                people: page::answer(&self.directory.people, self.fault).await.map_err(failed)?,
                groups: page::answer(&self.directory.groups, self.fault).await.map_err(failed)?,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_strictly() {
        let new = |text: &str| SimulatedDirectory::new(Name::new("d").expect("a name"), text, None);
        assert!(new("people: [{ upn: a@x, name: A, tags: [t], tenant: contoso }]\ngroups: []").is_ok());
        assert!(new("").is_ok());
        for (bad, what) in [
            ("people: [{ name: A }]", "upn"),
            ("people: [{ upn: '' , name: A }]", "no upn"),
            ("people: [{ upn: a, colour: red }]", "colour"),
            ("groups: [{ id: a, name: A }, { id: a, name: B }]", "twice"),
            ("groups: [{ id: a, name: A, groups: [b] }]", "not there"),
            ("people: [", "line"),
            ("[]", ""),
        ] {
            let error = new(bad).expect_err(bad);
            assert!(error.contains(what), "{bad}: {error}");
        }
    }
}
