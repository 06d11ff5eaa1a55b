//! From what documents would have to say to what files would hold.
//!
//! Invariants: of one company all is changed or nothing. What cannot be edited is told with what to write and where, and
//! the file is left as it is in that place. Documents of a library are not edited.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::Config;
use crate::config::edit::{self, Change, Edit};
use crate::diagnostic::Place;

/// Changes in one file that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Where the document stands.
    pub place: Place,
    /// What changes.
    pub edits: Vec<Edit>,
    /// The same as a request to somebody.
    pub what: String,
}

/// Documents that are put at the end of a file, or into a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The file.
    pub file: String,
    /// The documents' texts.
    pub documents: Vec<String>,
}

/// A file that would hold something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Its path below the repository's root.
    pub file: String,
    /// What it holds; `None` for a file that is made.
    pub before: Option<Arc<str>>,
    /// What it would hold.
    pub after: String,
}

/// Something that somebody has to write themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByHand {
    /// Where.
    pub place: Place,
    /// What to do.
    pub what: String,
    /// Why it is not written for them.
    pub why: String,
}

/// What files would hold, by their paths, and what has to be written by hand.
#[must_use]
pub fn changes(config: &Config, groups: &[Group], made: &[Made]) -> (Vec<FileChange>, Vec<ByHand>) {
    let mut texts: BTreeMap<String, (Option<Arc<str>>, String)> = BTreeMap::new();
    let mut by_hand = Vec::new();
    let mut of_file: BTreeMap<&str, Vec<&Group>> = BTreeMap::new();
    for group in groups {
        of_file.entry(&group.place.file).or_default().push(group);
    }
    for (file, groups) in of_file {
        let refuse =
            |group: &Group, why: String| ByHand { place: group.place.clone(), what: group.what.clone(), why };
        let library = config.instance.libraries.iter().find(|library| library.holds(file));
        let why = match (library, config.sources.get(file)) {
            (Some(library), _) => format!("the file belongs to the library {}", library.folder),
            (None, None) => "the file is not one of the repository".to_owned(),
            (None, Some(before)) => {
                let (after, left) = edited(before, groups);
                by_hand.extend(left.into_iter().map(|(group, why)| refuse(group, why)));
                if *after != **before {
                    texts.insert(file.to_owned(), (Some(Arc::clone(before)), after));
                }
                continue;
            }
        };
        by_hand.extend(groups.into_iter().map(|group| refuse(group, why.clone())));
    }
    for Made { file, documents } in made {
        let before = config.sources.get(file);
        let (kept, text) = texts
            .remove(file)
            .unwrap_or_else(|| (before.cloned(), before.map(ToString::to_string).unwrap_or_default()));
        match edit::append(&text, documents) {
            Ok(after) => _ = texts.insert(file.clone(), (kept, after)),
            Err(why) => {
                let what = format!("put these documents there:\n{}", documents.join("---\n"));
                let place = Place::file(&Arc::from(file.as_str()));
                by_hand.push(ByHand { place, what, why: why.to_string() });
                if kept.as_deref().is_some_and(|kept| *kept != *text) {
                    texts.insert(file.clone(), (kept, text));
                }
            }
        }
    }
    let change = |(file, (before, after))| FileChange { file, before, after };
    (texts.into_iter().map(change).collect(), by_hand)
}

/// The text with all groups that can be made, and the others.
fn edited<'a>(before: &str, mut groups: Vec<&'a Group>) -> (String, Vec<(&'a Group, String)>) {
    // Texts change where they stand, then entries go, then entries come: so all positions hold.
    groups.sort_by_key(|group| {
        group
            .edits
            .iter()
            .map(|edit| match edit.change {
                Change::Set(_) => 0,
                Change::Remove => 1,
                Change::Append(_) => 2,
            })
            .max()
    });
    let all: Vec<Edit> = groups.iter().flat_map(|group| group.edits.iter().cloned()).collect();
    if let Ok(after) = edit::edit(before, &all) {
        return (after, Vec::new());
    }
    let mut text = before.to_owned();
    let mut left = Vec::new();
    for group in groups {
        match edit::edit(&text, &group.edits) {
            Ok(after) => text = after,
            Err(why) => left.push((group, why.to_string())),
        }
    }
    (text, left)
}
