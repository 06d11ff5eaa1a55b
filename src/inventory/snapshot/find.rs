//! Finding a computer by what a person calls it.

use super::{Computer, Snapshot};
use crate::diagnostic::nearest;
use crate::id::ComputerId;
use crate::inventory::known::Route;

/// The computers that a text stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// None.
    None,
    /// This one.
    One(u32),
    /// These, in ascending order; at least two.
    Several(Vec<u32>),
}

impl From<Vec<u32>> for Lookup {
    fn from(found: Vec<u32>) -> Self {
        match found.as_slice() {
            [] => Self::None,
            [one] => Self::One(*one),
            _ => Self::Several(found),
        }
    }
}

/// Why a text does not stand for one computer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// No computer is called that.
    #[error("no computer is called {text:?}")]
    Unknown {
        /// The text.
        text: String,
        /// The name that was probably meant.
        nearest: Option<String>,
    },
    /// Several are.
    #[error("{text:?} is the name of several computers: {}", candidates.join(", "))]
    Ambiguous {
        /// The text.
        text: String,
        /// Their ids, in order. At most ten.
        candidates: Vec<String>,
    },
}

/// A name as it is compared.
pub(super) fn folded(name: &str) -> Box<str> {
    name.to_lowercase().into()
}

impl Snapshot {
    /// The computers that `text` stands for: the id `provider/agent`, else `provider/name`, else a name. Names compare
    /// without case; ids do as well, where no id is the very text.
    #[must_use]
    pub fn lookup(&self, text: &str) -> Lookup {
        let text = text.trim();
        let exact = ComputerId::new(text);
        if let Ok(at) = self.computers.binary_search_by(|computer| computer.id.cmp(&exact))
            && let Ok(ix) = u32::try_from(at)
        {
            return Lookup::One(ix);
        }
        if let Some(ix) = self.with_agent(text) {
            return Lookup::One(ix);
        }
        let wanted = folded(text);
        if let Some((provider, name)) = wanted.split_once('/') {
            let by_id = self.by_id.get_or_init(|| self.sorted(|computer| computer.id.as_str()));
            let found = self.equal(by_id, |computer| computer.id.as_str(), &wanted);
            if !found.is_empty() {
                return found.into();
            }
            let mut found = self.named(name);
            found.retain(|ix| self.get(*ix).is_some_and(|computer| computer.provider.as_str() == provider));
            if !found.is_empty() {
                return found.into();
            }
        }
        self.named(&wanted).into()
    }

    /// The computer that has this agent, written as provider/agent, where it was recognised over providers.
    fn with_agent(&self, text: &str) -> Option<u32> {
        let (provider, agent) = text.split_once('/')?;
        let is_it =
            |route: &Route| route.key.provider.as_str() == provider && route.key.agent.as_str() == agent;
        self.iter().find(|(_, computer)| computer.routes().iter().any(is_it)).map(|(ix, _)| ix)
    }

    /// The computers of this name, in ascending order; names compare without case.
    #[must_use]
    pub fn called(&self, name: &str) -> Vec<u32> {
        self.named(&folded(name))
    }

    /// The computers of this folded name.
    fn named(&self, wanted: &str) -> Vec<u32> {
        let by_name = self.by_name.get_or_init(|| self.sorted(|computer| computer.name.as_str()));
        self.equal(by_name, |computer| computer.name.as_str(), wanted)
    }

    /// All positions, sorted by a folded text.
    fn sorted(&self, text: impl Fn(&Computer) -> &str) -> Box<[u32]> {
        let mut positions: Vec<u32> = self.all.iter().collect();
        positions.sort_by_cached_key(|ix| self.get(*ix).map(|computer| folded(text(computer))));
        positions.into()
    }

    /// The positions, in ascending order, of the computers whose folded text is `wanted`.
    fn equal(&self, sorted: &[u32], text: impl Fn(&Computer) -> &str, wanted: &str) -> Vec<u32> {
        let of = |ix: &u32| self.get(*ix).map(|computer| folded(text(computer)));
        let start = sorted.partition_point(|ix| of(ix).as_deref() < Some(wanted));
        let rest = sorted.iter().skip(start);
        rest.take_while(|ix| of(ix).as_deref() == Some(wanted)).copied().collect()
    }

    /// The one computer that `text` stands for; see [`Snapshot::lookup`].
    ///
    /// # Errors
    /// [`FindError`] when it stands for none or for several.
    pub fn find(&self, text: &str) -> Result<u32, FindError> {
        match self.lookup(text) {
            Lookup::One(ix) => Ok(ix),
            Lookup::Several(found) => {
                let ids = found.iter().filter_map(|ix| self.get(*ix));
                Err(FindError::Ambiguous {
                    text: text.to_owned(),
                    candidates: ids.take(10).map(|computer| computer.id.to_string()).collect(),
                })
            }
            Lookup::None => Err(FindError::Unknown {
                text: text.to_owned(),
                nearest: self.nearest_name(text).map(str::to_owned),
            }),
        }
    }

    /// The computer's name that `text` was most likely meant to be.
    #[must_use]
    pub fn nearest_name(&self, text: &str) -> Option<&str> {
        let name = text.rsplit_once('/').map_or(text, |(_, name)| name);
        nearest(name.trim(), self.computers.iter().map(|computer| computer.name.as_str()))
    }
}
