//! The command line from end to end: the real program, real git, real OpenSSH, a real terminal.

mod answers;
mod examples;
mod exits;
mod managers;
mod packages;
mod reports;
mod revisions;
mod safety;
mod saved;
mod terminal;
