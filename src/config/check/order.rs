//! The order: its items exist, and each stands in it once over all Order documents (ORD-1).

use std::collections::BTreeMap;

use super::{Checker, by_name};
use crate::config::document::Document;
use crate::config::kind::{ItemRef, Kind, OrderSpec};
use crate::config::model::Order;
use crate::diagnostic::{Finding, Place, code};

impl<'a> Checker<'a> {
    /// All Order documents one after another, in the order of their names.
    pub(super) fn order(&mut self, documents: &'a [Document<OrderSpec>]) -> Order {
        let mut seen: BTreeMap<&ItemRef, Place> = BTreeMap::new();
        let mut order = Order::default();
        let partial = documents.iter().filter(|document| !document.is_sound);
        for document in by_name(documents).into_values().chain(partial) {
            self.begin(document);
            let lists = [("first", &document.spec.first), ("last", &document.spec.last)];
            for (key, items) in lists {
                for (at, item) in items.iter().enumerate() {
                    let (kind, kind_key, name) = match item {
                        ItemRef::Software(name) => (Kind::Software, "software", name),
                        ItemRef::Task(name) => (Kind::Task, "task", name),
                    };
                    let pointer = format!("/spec/{key}/{at}/{kind_key}");
                    self.reference(&document.raw, &pointer, kind, name);
                    let place = document.raw.place(&pointer);
                    if let Some(first) = seen.get(item) {
                        let message = format!("the {kind} `{name}` stands in the order twice");
                        let finding = Finding::new(code::ORDER_TWICE, message, place);
                        self.push(
                            finding.related(first.clone(), "it stands here first").help("take one out"),
                        );
                    } else {
                        seen.insert(item, place);
                    }
                }
            }
            order.first.extend(document.spec.first.iter().cloned());
            order.last.extend(document.spec.last.iter().cloned());
        }
        order
    }
}
