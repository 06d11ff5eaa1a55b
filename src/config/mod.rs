//! The configuration repository: from text in git to a checked [`Config`], in passes with a type for each.
//!
//! 1. `revision`: the `tree` of one revision and its files, from the working tree or any commit
//! 2. `spanned`: text to trees of values with their places
//! 3. `parse`: trees to documents with an envelope, and by `de` to the types of [`kind`]
//! 4. `check`: documents to a [`Config`], every reference looked up
//!
//! `load` goes through all of them. The adapters `worktree` and `git` give the revisions.
//!
//! All findings of all passes are reported in one run (L8).

pub mod address;
pub mod check;
mod conflict;
pub mod de;
pub mod document;
pub mod edit;
pub mod format;
pub mod git;
pub mod kind;
pub mod load;
pub mod lock;
pub mod model;
mod objects;
pub(crate) mod parallel;
pub mod parse;
pub mod resource;
pub mod revision;
pub mod safety;
pub mod schema;
pub mod shipped;
pub mod spanned;
pub mod tree;
pub mod worktree;

pub use model::Config;
