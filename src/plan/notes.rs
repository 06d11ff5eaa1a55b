//! Collecting notes: the same thing said of several computers is one note.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::document::{Note, NoteKind, Origin};
use super::precedence::Named;
use crate::config::model::Deployment;
use crate::diagnostic::Place;
use crate::id::Name;
use crate::inventory::item::ItemKey;

/// Notes by what they say.
#[derive(Debug, Clone, Default)]
pub(super) struct Notes(BTreeMap<(NoteKind, Option<ItemKey>, String, Option<Origin>), RoaringBitmap>);

impl Notes {
    /// Says something of computers; nothing when there are none of them.
    pub(super) fn add(
        &mut self,
        kind: NoteKind,
        item: Option<&ItemKey>,
        text: impl Into<String>,
        origin: Option<Origin>,
        computers: &RoaringBitmap,
    ) {
        if !computers.is_empty() {
            *self.0.entry((kind, item.cloned(), text.into(), origin)).or_default() |= computers;
        }
    }

    /// Says something that concerns no computer in particular.
    pub(super) fn general(&mut self, kind: NoteKind, item: Option<&ItemKey>, text: String, origin: Origin) {
        self.0.entry((kind, item.cloned(), text, Some(origin))).or_default();
    }

    /// Adds what was said apart.
    pub(super) fn absorb(&mut self, other: Self) {
        for (what, computers) in other.0 {
            *self.0.entry(what).or_default() |= computers;
        }
    }

    /// The notes in their order.
    pub(super) fn finish(self, names: Named<'_>) -> Vec<Note> {
        let note = |((kind, item, text, origin), computers): (_, RoaringBitmap)| Note {
            kind,
            item,
            text,
            origin,
            computers: names.all(&computers),
        };
        self.0.into_iter().map(note).collect()
    }
}

/// Where a deployment stands.
pub(super) fn origin(deployment: &Deployment) -> Origin {
    document(&deployment.metadata.name, &deployment.place)
}

/// Where a document stands.
pub(super) fn document(name: &Name, place: &Place) -> Origin {
    Origin { name: name.clone(), place: place.clone() }
}
