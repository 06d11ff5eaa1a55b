//! The configuration repository: from text in git to a checked [`Config`], in passes with a type for each.
//!
//! 1. `revision`: files of one revision, from the working tree or any commit
//! 2. `spanned`: text to trees of values with their places
//! 3. `parse`: trees to documents with an envelope, and by `de` to the types of [`kind`]
//! 4. `check`: documents to a [`Config`], every reference looked up
//!
//! All findings of all passes are reported in one run (L8).

pub mod de;
pub mod git;
pub mod kind;
pub mod model;
pub mod parse;
pub mod revision;
pub mod spanned;
pub mod worktree;

pub use model::Config;
