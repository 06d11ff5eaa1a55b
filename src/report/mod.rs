//! The view: values become text in a writer that somebody else holds.
//!
//! Not here: the terminal, files and the choice of a format (`cli`), and every decision (`plan`, `session`, `targets`).
//!
//! Invariants: text of users and computers is made visible before it is written, so it cannot drive a terminal
//! ([`words::visible`]); no meaning lies in colour alone; output grows with kinds of change, not with computers (L12).

#[cfg(test)]
mod accepted;
pub mod compare;
pub mod desired;
pub mod diagnostic;
pub mod difference;
pub mod doctor;
pub mod events;
pub mod explain;
mod fields;
pub mod formats;
pub mod github;
pub mod gitlab;
pub mod graph;
#[cfg(test)]
mod hostile;
pub mod html;
pub mod identify;
pub mod import;
pub mod inventory;
pub mod json;
pub mod junit;
pub mod layout;
pub mod listing;
pub mod markdown;
pub mod membership;
pub mod model;
mod notes;
pub mod plan;
#[cfg(test)]
mod plan_tests;
pub mod policies;
pub mod policy;
pub mod properties;
pub mod remote;
#[cfg(test)]
pub(crate) mod sample;
pub mod sarif;
pub mod session;
pub mod session_db;
pub mod sheet;
pub mod status;
#[cfg(test)]
mod status_tests;
pub mod style;
pub mod subject;
pub mod summary;
pub mod terms;
pub mod update;
pub mod words;

use jiff::tz::TimeZone;

/// How wide a report is where there is no terminal to ask.
pub const DEFAULT_WIDTH: usize = 140;

/// What the reader's side asks of a report.
#[derive(Debug, Clone)]
pub struct View {
    /// Columns that a line should not exceed. Longer words are kept whole: nothing is lost.
    pub width: usize,
    /// Whether to list what is otherwise only counted.
    pub details: bool,
    /// The time zone for people.
    pub zone: TimeZone,
}

impl Default for View {
    fn default() -> Self {
        Self { width: DEFAULT_WIDTH, details: false, zone: TimeZone::UTC }
    }
}
