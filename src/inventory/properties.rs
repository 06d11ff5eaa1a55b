//! Custom properties of agents that are to have a value: which have another one. Pure.
//!
//! Not here: reading and writing them (`provider`). Some systems have no fields of their own for what others want to see there,
//! and leave a few to whoever uses them, by number.
//!
//! Invariant: an agent whose value is the wanted one is not written.

use crate::id::AgentId;
use crate::inventory::snapshot::Computer;

/// Stands for the computer's name in a value.
const COMPUTER: &str = "{computer}";
/// Stands for its tenant.
const TENANT: &str = "{tenant}";

/// A property by its number, and the value that it is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// From 1.
    pub number: u8,
    /// The text, in which `{computer}` and `{tenant}` stand for those of each computer.
    pub value: String,
}

impl Wanted {
    /// Reads `3=VIP`.
    ///
    /// # Errors
    /// A sentence when it is not written so, or a place for something that there is not.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (number, value) = text.split_once('=').ok_or("write it as NUMBER=VALUE, such as 3=VIP")?;
        let number: u8 = number.trim().parse().map_err(|_| format!("{number:?} is not a number from 1"))?;
        if number == 0 {
            return Err("custom properties are counted from 1".to_owned());
        }
        let rest = value.replace(COMPUTER, "").replace(TENANT, "");
        if rest.contains(['{', '}']) {
            return Err(format!("of what stands in braces only {COMPUTER} and {TENANT} are known"));
        }
        if rest.chars().any(char::is_control) {
            return Err("a property is one line without control characters".to_owned());
        }
        Ok(Self { number, value: value.to_owned() })
    }

    /// The name under which lists tell the property.
    #[must_use]
    pub fn name(&self) -> String {
        format!("CustomProperty{}", self.number)
    }

    /// The value for one computer; `None` where it has no tenant and one is to stand in it.
    fn of(&self, computer: &Computer) -> Option<String> {
        let tenant = computer.tenant.as_ref();
        if tenant.is_none() && self.value.contains(TENANT) {
            return None;
        }
        let tenant = tenant.map_or("", |tenant| tenant.as_str());
        // Piece by piece, so that a name with such a word in it stays as it is.
        let pieces = self.value.split(COMPUTER).map(|piece| piece.replace(TENANT, tenant));
        Some(pieces.collect::<Vec<_>>().join(&computer.name))
    }
}

/// A property that has another value than it is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The agent.
    pub agent: AgentId,
    /// Its computer's name.
    pub computer: String,
    /// What is there.
    pub before: String,
    /// What is to be there.
    pub after: String,
}

/// What is to be written, in the order of `agents`: those of the provider with what the property is now, and their computers.
/// Computers that are excluded, and those without the tenant that the value names, are left out.
pub fn due<'a>(
    wanted: &Wanted,
    agents: impl IntoIterator<Item = (&'a AgentId, Option<&'a String>, &'a Computer)>,
) -> Vec<Due> {
    let one = |(agent, now, computer): (&AgentId, Option<&String>, &Computer)| {
        let after = wanted.of(computer).filter(|_| !computer.excluded)?;
        let before = now.cloned().unwrap_or_default();
        let due = Due { agent: agent.clone(), computer: computer.name.clone(), before, after };
        (due.before != due.after).then_some(due)
    };
    agents.into_iter().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_is_written_as_its_number_and_its_value() {
        let wanted = |number, value: &str| Ok(Wanted { number, value: value.to_owned() });
        assert_eq!(Wanted::parse("3=VIP"), wanted(3, "VIP"));
        assert_eq!(Wanted::parse("8={tenant}: {computer}=x"), wanted(8, "{tenant}: {computer}=x"));
        assert_eq!(Wanted::parse("1="), wanted(1, ""), "emptied");
        for bad in ["3", "=x", "0=x", "x=y", "256=x", "-1=x", "3={site}", "3=}", "3=a\nb"] {
            assert!(Wanted::parse(bad).is_err(), "{bad}");
        }
    }
}
