//! The types of parts of an expression, and which of them go together.

use super::vocabulary::{Of, Record};

/// What is known of the type of a part.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Type {
    Any,
    Bool,
    Int,
    Double,
    Text,
    Word(&'static [&'static str]),
    List(Box<Type>),
    Map(Box<Type>),
    Record(&'static Record),
    Null,
}

impl From<Of> for Type {
    fn from(of: Of) -> Self {
        match of {
            Of::Bool => Self::Bool,
            Of::Int => Self::Int,
            Of::Text => Self::Text,
            Of::Word(words) => Self::Word(words),
            Of::Texts => Self::List(Box::new(Self::Text)),
            Of::Words(words) => Self::List(Box::new(Self::Word(words))),
            Of::Map => Self::Map(Box::new(Self::Text)),
            Of::Record(record) => Self::Record(record),
        }
    }
}

impl Type {
    pub(super) fn what(&self) -> &'static str {
        match self {
            Self::Any => "something",
            Self::Bool => "true or false",
            Self::Int | Self::Double => "a number",
            Self::Text | Self::Word(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "texts by name",
            Self::Record(record) => record.name,
            Self::Null => "null",
        }
    }

    pub(super) fn is_any(&self) -> bool {
        matches!(self, Self::Any)
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Double | Self::Any)
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(self, Self::Text | Self::Word(_) | Self::Any)
    }

    pub(super) fn is_truth(&self) -> bool {
        matches!(self, Self::Bool | Self::Any)
    }

    /// Whether values of the two can be equal at all.
    pub(super) fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::List(a), Self::List(b)) | (Self::Map(a), Self::Map(b)) => a.meets(b),
            (Self::Record(a), Self::Record(b)) => a.name == b.name,
            _ => {
                (self.is_number() && other.is_number())
                    || (self.is_text() && other.is_text())
                    || self == other
            }
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "used to fold values, of which one is kept")]
    pub(super) fn join(self, other: Self) -> Self {
        if self == other {
            self
        } else if self.is_text() && other.is_text() {
            Self::Text
        } else {
            Self::Any
        }
    }
}
