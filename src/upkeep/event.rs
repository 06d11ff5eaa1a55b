//! Events of a session: the tables that hold them, the names of their types, and the two classes that may be cleaned up.
//!
//! The numbers are those that public clients of the product agree on; there is no document of the vendor about them.

use serde::Serialize;

/// A table of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Table {
    /// Events of a session, commands among them.
    SessionEvent,
    /// Events of a connection of a session, responses among them.
    SessionConnectionEvent,
}

impl Table {
    /// Both.
    pub const ALL: [Self; 2] = [Self::SessionEvent, Self::SessionConnectionEvent];

    /// Its name in the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SessionEvent => "SessionEvent",
            Self::SessionConnectionEvent => "SessionConnectionEvent",
        }
    }
}

/// Rows that may be cleaned up. There are no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Commands that were given: type 44 of `SessionEvent`.
    Commands,
    /// What computers answered to them: type 70 of `SessionConnectionEvent`.
    Responses,
}

impl Class {
    /// Both, in the order in which they are worked on.
    pub const ALL: [Self; 2] = [Self::Commands, Self::Responses];

    /// The table that holds them.
    #[must_use]
    pub const fn table(self) -> Table {
        match self {
            Self::Commands => Table::SessionEvent,
            Self::Responses => Table::SessionConnectionEvent,
        }
    }

    /// Their event type.
    #[must_use]
    pub const fn event_type(self) -> i64 {
        match self {
            Self::Commands => 44,
            Self::Responses => 70,
        }
    }

    /// The class of a row, if it has one.
    #[must_use]
    pub fn of(table: Table, event_type: Option<i64>) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.table() == table && event_type == Some(class.event_type()))
    }
}

/// The name of an event type, where it is known.
#[must_use]
pub const fn name(event_type: i64) -> Option<&'static str> {
    Some(match event_type {
        0 => "None",
        10 => "Connected",
        11 => "Disconnected",
        20 => "CreatedSession",
        21 => "EndedSession",
        30 => "InitiatedJoin",
        31 => "InvitedGuest",
        32 => "AddedNote",
        40 => "QueuedReinstall",
        41 => "QueuedUninstall",
        42 => "QueuedInvalidateLicense",
        43 => "QueuedWake",
        44 => "QueuedCommand",
        45 => "QueuedMessage",
        46 => "QueuedGuestInfoUpdate",
        47 => "QueuedTool",
        48 => "QueuedForceDisconnect",
        50 => "ProcessedReinstall",
        51 => "ProcessedUninstall",
        52 => "ProcessedInvalidateLicense",
        53 => "ProcessedWake",
        54 => "ProcessedCommand",
        55 => "ProcessedMessage",
        56 => "ProcessedGuestInfoUpdate",
        57 => "ProcessedTool",
        58 => "ProcessedForceDisconnect",
        60 => "ModifiedName",
        61 => "ModifiedIsPublic",
        62 => "ModifiedCode",
        63 => "ModifiedHost",
        64 => "ModifiedCustomProperty",
        70 => "RanCommand",
        71 => "SentMessage",
        80 => "SentPrintJob",
        81 => "ReceivedPrintJob",
        82 => "CopiedText",
        83 => "CopiedFiles",
        84 => "DraggedFiles",
        85 => "RanFiles",
        86 => "SentFiles",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_commands_and_responses_in_their_own_tables_have_a_class() {
        let all = Table::ALL.iter().flat_map(|table| (-1..=200).map(move |number| (*table, number)));
        let classed: Vec<_> =
            all.filter(|(table, number)| Class::of(*table, Some(*number)).is_some()).collect();
        assert_eq!(classed, [(Table::SessionEvent, 44), (Table::SessionConnectionEvent, 70)]);
        assert_eq!(Class::of(Table::SessionEvent, None), None);
        for (class, expected) in [(Class::Commands, "QueuedCommand"), (Class::Responses, "RanCommand")] {
            assert_eq!(name(class.event_type()), Some(expected));
        }
        assert_eq!((name(32), name(100)), (Some("AddedNote"), None));
    }
}
