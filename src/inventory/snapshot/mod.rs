//! The snapshot: everything known of all computers at one moment, in columns (design §13).
//!
//! Computers are dense indexes `0..n` in the order of their ids. A column holds, for each distinct value, the set of
//! computers that have it, so questions about all computers are set operations.
//!
//! Not here: how computers are listed and facts collected (`inventory::collect`), and what targets mean (`targets`).
//!
//! What many computers have in common is kept once: names of tenants and providers, sets of tags, packages and most facts.
//!
//! Invariants: the same configuration and the same computers give the same snapshot, in whatever order they are given
//! (L13). What is not known is in no value of a column, and [`Column::known`] tells it from what is known and otherwise.

mod build;
mod columns;
mod find;
mod intern;
mod kept;
mod related;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use roaring::RoaringBitmap;

pub use find::{FindError, Lookup};

use self::build::Said;
use self::kept::Kept;
use super::facts::{FactValue, Facts, OsFamily, Package, Role};
use super::known::{Contact, Route};
use super::relations::Related;
use crate::config::Config;
use crate::config::kind::Mode;
use crate::id::{AgentId, ComputerId, Name};
use crate::session::script::Platform;
use crate::time::Timestamp;

/// One computer in a snapshot: what its provider says, what git says of it, and what is remembered.
#[derive(Debug, Clone, PartialEq)]
pub struct Computer {
    /// Its id.
    pub id: ComputerId,
    /// Its name for people.
    pub name: String,
    /// The provider that lists it.
    pub provider: Name,
    /// The provider's own id of it.
    pub agent: AgentId,
    /// The tenant: what a `Computer` document says, else its provider. Always one that is declared.
    pub tenant: Option<Name>,
    /// The platform: as its provider says, else as its facts say.
    pub platform: Option<Platform>,
    /// Tags of the computer itself: from its provider and from its `Computer` document.
    pub tags: Arc<BTreeSet<String>>,
    /// The last facts; see [`Snapshot::facts`].
    facts: Option<Box<Kept>>,
    /// How the last attempt to reach it went.
    pub contact: Arc<Contact>,
    /// The most that Muster may do: the most cautious of instance, tenant, the tenants above it and the `Computer`
    /// document (L5). Targets, deployments and the run can only lower it further.
    pub mode: Mode,
    /// Left out of all deployments.
    pub excluded: bool,
    /// The `Computer` document that applies to it.
    pub document: Option<Name>,
    /// Whether it was wiped and is being onboarded again (IDN-23).
    pub onboarding: bool,
    /// See [`Computer::routes`].
    routes: Option<Box<[Route]>>,
}

impl Computer {
    /// The agents on it, its own first, where it was recognised over providers; nothing where it has its own alone.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        self.routes.as_deref().unwrap_or_default()
    }

    /// Its agents, its own first.
    pub fn agents(&self) -> impl Iterator<Item = (&Name, &AgentId)> {
        let own = self.routes.is_none().then_some((&self.provider, &self.agent));
        let all = self.routes().iter().map(|route| (&route.key.provider, &route.key.agent));
        own.into_iter().chain(all)
    }

    /// The ids under which its agents are remembered, with their providers, its own first. One by itself is remembered
    /// under its own.
    pub fn records(&self) -> impl Iterator<Item = (ComputerId, &Name)> {
        let own = self.routes.is_none().then(|| (self.id.clone(), &self.provider));
        let all = self.routes().iter().map(|route| (route.key.computer(), &route.key.provider));
        own.into_iter().chain(all)
    }

    /// When its last facts were collected; `None` when they never were.
    #[must_use]
    pub fn surveyed(&self) -> Option<Timestamp> {
        self.facts.as_ref().map(|kept| kept.at)
    }

    /// The users with a session of their own when its last facts were collected; none when that is not known.
    pub fn signed_in_users(&self) -> impl Iterator<Item = &str> {
        let users = self.facts.iter().filter_map(|kept| kept.signed_in_users.as_deref());
        users.flatten().map(String::as_str)
    }
}

/// Sets of computers by value.
#[derive(Debug, Clone)]
pub struct Column<V> {
    values: BTreeMap<V, RoaringBitmap>,
    known: RoaringBitmap,
}

impl<V> Default for Column<V> {
    fn default() -> Self {
        Self { values: BTreeMap::new(), known: RoaringBitmap::new() }
    }
}

impl<V: Ord> Column<V> {
    /// The computers that have this value.
    #[must_use]
    pub fn with<Q: Ord + ?Sized>(&self, value: &Q) -> RoaringBitmap
    where
        V: std::borrow::Borrow<Q>,
    {
        self.values.get(value).cloned().unwrap_or_default()
    }

    /// The computers of which it is known which values they have, be it none.
    #[must_use]
    pub const fn known(&self) -> &RoaringBitmap {
        &self.known
    }

    /// All values with their computers, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&V, &RoaringBitmap)> {
        self.values.iter()
    }
}

/// The versions of one name in the inventories: `None` is an entry without a version.
pub type Versions = BTreeMap<Option<Box<str>>, RoaringBitmap>;

/// All computers at one moment. See the module's invariants.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    computers: Vec<Computer>,
    all: RoaringBitmap,
    /// Positions, sorted by folded name.
    by_name: OnceLock<Box<[u32]>>,
    /// Positions, sorted by folded id.
    by_id: OnceLock<Box<[u32]>>,
    said: Said,
    tenants: Column<Name>,
    /// Each tenant with all those below it, itself included.
    trees: BTreeMap<Name, BTreeSet<Name>>,
    tenant_tags: Column<String>,
    providers: Column<Name>,
    tags: Column<String>,
    roles: Column<Role>,
    families: Column<OsFamily>,
    platforms: Column<Platform>,
    modes: Column<Mode>,
    excluded: RoaringBitmap,
    surveyed: RoaringBitmap,
    unreached: RoaringBitmap,
    inventory: Vec<Arc<Package>>,
    packages: OnceLock<BTreeMap<Box<str>, Versions>>,
    inventory_known: RoaringBitmap,
    facts: BTreeMap<&'static str, OnceLock<Column<FactValue>>>,
    failed: BTreeMap<Name, String>,
    held: RoaringBitmap,
    related: std::sync::Arc<Related>,
}

impl Snapshot {
    /// How many computers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.computers.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.computers.is_empty()
    }

    /// The computer with this index, if there is one. Indexes from this snapshot's own sets always have one.
    #[must_use]
    pub fn get(&self, ix: u32) -> Option<&Computer> {
        self.computers.get(usize::try_from(ix).ok()?)
    }

    /// The computer with this index.
    ///
    /// # Panics
    /// When the index does not come from this snapshot; use [`Snapshot::get`] for one from elsewhere.
    #[must_use]
    pub fn computer(&self, ix: u32) -> &Computer {
        &self.computers[ix as usize]
    }

    /// The index of the computer with this id.
    #[must_use]
    pub fn position(&self, id: &ComputerId) -> Option<u32> {
        let at = self.computers.binary_search_by(|computer| computer.id.cmp(id)).ok()?;
        u32::try_from(at).ok()
    }

    /// All computers with their indexes, in order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Computer)> {
        (0..).zip(&self.computers)
    }

    /// The set of all computers.
    #[must_use]
    pub const fn all(&self) -> &RoaringBitmap {
        &self.all
    }

    /// Computers by tenant. Computers without one are known to have none (TGT-3).
    #[must_use]
    pub const fn tenants(&self) -> &Column<Name> {
        &self.tenants
    }

    /// The computers of a tenant and of all tenants below it.
    #[must_use]
    pub fn tenant_tree(&self, root: &Name) -> RoaringBitmap {
        let below = self.trees.get(root).into_iter().flatten();
        below.fold(RoaringBitmap::new(), |set, tenant| set | self.tenants.with(tenant))
    }

    /// Computers by the tags of their tenants.
    #[must_use]
    pub const fn tenant_tags(&self) -> &Column<String> {
        &self.tenant_tags
    }

    /// Computers by the provider that lists them.
    #[must_use]
    pub const fn providers(&self) -> &Column<Name> {
        &self.providers
    }

    /// Computers by their own tags.
    #[must_use]
    pub const fn tags(&self) -> &Column<String> {
        &self.tags
    }

    /// Computers by role. A computer may have several; one of unknown role is in none (RES-15).
    #[must_use]
    pub const fn roles(&self) -> &Column<Role> {
        &self.roles
    }

    /// Computers by kind of operating system.
    #[must_use]
    pub const fn families(&self) -> &Column<OsFamily> {
        &self.families
    }

    /// Computers by platform.
    #[must_use]
    pub const fn platforms(&self) -> &Column<Platform> {
        &self.platforms
    }

    /// Computers by the most that may be done on them; every computer has one mode.
    #[must_use]
    pub const fn modes(&self) -> &Column<Mode> {
        &self.modes
    }

    /// The computers that are left out of all deployments.
    #[must_use]
    pub const fn excluded(&self) -> &RoaringBitmap {
        &self.excluded
    }

    /// The computers whose facts were collected, at whatever time.
    #[must_use]
    pub const fn surveyed(&self) -> &RoaringBitmap {
        &self.surveyed
    }

    /// The computers of which the last attempt to reach them failed, in whatever way.
    #[must_use]
    pub const fn unreached(&self) -> &RoaringBitmap {
        &self.unreached
    }

    /// The last facts of a computer and when they were collected; `None` when they never were. They are put together
    /// at each call.
    #[must_use]
    pub fn facts(&self, ix: u32) -> Option<(Timestamp, Facts)> {
        let kept = self.get(ix)?.facts.as_ref()?;
        Some((kept.at, kept.facts(&self.inventory)))
    }

    /// The names in all inventories with their versions and computers, hidden entries included. Made at the first use
    /// and kept.
    pub fn packages(&self) -> impl Iterator<Item = (&str, &Versions)> {
        let packages = self.packages.get_or_init(|| self.package_columns());
        packages.iter().map(|(name, versions)| (&**name, versions))
    }

    /// Whether this is what [`Snapshot::build`] would make of the same computers with another configuration: whether
    /// that says the same of tenants and computers.
    #[must_use]
    pub fn fits(&self, config: &Config) -> bool {
        self.said == Said::of(config)
    }

    /// The computers whose inventory is known.
    #[must_use]
    pub const fn inventory_known(&self) -> &RoaringBitmap {
        &self.inventory_known
    }

    /// Computers by the value of a fact; `None` when there is no fact of that path. Made at the first use and kept.
    #[must_use]
    pub fn fact(&self, path: &str) -> Option<&Column<FactValue>> {
        let (path, column) = self.facts.get_key_value(path)?;
        Some(column.get_or_init(|| self.fact_column(path)))
    }

    /// The providers whose list failed, and why. Their computers are those of the last good list (L3).
    #[must_use]
    pub const fn failed(&self) -> &BTreeMap<Name, String> {
        &self.failed
    }

    /// The computers of providers whose list failed, and of tenants whose directory or PSA did: nothing destructive is
    /// done to them (L3).
    #[must_use]
    pub const fn held(&self) -> &RoaringBitmap {
        &self.held
    }
}
