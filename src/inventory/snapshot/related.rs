//! The relations of a snapshot's computers: people, groups, agreements, sites (`inventory::relations`).

use super::Snapshot;
use crate::config::Config;
use crate::inventory::relations::{Related, Relations};

impl Snapshot {
    /// The same snapshot with these relations. Computers of tenants whose directory or PSA failed are held too (L3).
    #[must_use]
    pub fn with_relations(mut self, config: &Config, relations: &Relations) -> Self {
        let related = Related::new(config, relations, self.iter());
        self.held |= related.held();
        self.related = std::sync::Arc::new(related);
        self
    }

    /// What computers have to do with people, groups, agreements and sites.
    #[must_use]
    pub fn related(&self) -> &Related {
        &self.related
    }
}
