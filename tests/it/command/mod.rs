//! The command line from end to end: the real program, real git, real OpenSSH, a real terminal.

mod answers;
mod deployments;
mod diffs;
mod examples;
mod exits;
mod formatting;
mod forms;
mod heads;
mod inventory;
mod listings;
mod locks;
mod managers;
mod meanwhile;
mod once;
mod packages;
mod payloads;
mod remote;
mod reports;
mod revisions;
mod safety;
mod saved;
mod sending;
mod session_db;
mod sources;
mod terminal;
mod values;
