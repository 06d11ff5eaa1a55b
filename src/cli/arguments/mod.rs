//! The command line as it is typed. What it means is worked out by each command.
//!
//! The comments here are the help text.

mod fleet;
mod repository;
mod runs;
mod typed;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::fleet::*;
pub use self::repository::*;
pub use self::runs::*;
use super::exit::Exit;
use super::output::ColourChoice;

/// Keeps the computers of managed service providers in the state that is declared in git
#[derive(Debug, Parser)]
#[command(name = "muster", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_long_help = format!("Exit codes:\n{}", Exit::table()))]
pub struct Arguments {
    /// What every command understands.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command understands.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The configuration repository: a folder with muster.yaml, or one below it; with --rev also a bare git repository
    #[arg(short = 'C', long = "repo", value_name = "PATH", global = true)]
    pub repo: Option<PathBuf>,
    /// The form of the result on standard output
    #[arg(long, value_name = "FORM", value_enum, default_value_t = Form::Human, global = true)]
    pub output: Form,
    /// When to use colour
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = ColourChoice::Auto, global = true)]
    pub color: ColourChoice,
    /// Say only what is asked for and what went wrong
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more on standard error: -v what is done, -vv how, -vvv everything
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
    /// Exit with 10 when there are warnings, notes of that weight included
    #[arg(long, global = true)]
    pub fail_on_warn: bool,
}

/// The form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Text for people
    Human,
    /// One JSON document
    Json,
    /// A JSON document on each line, as things happen
    Ndjson,
    /// Markdown, for a comment on a pull request
    Markdown,
    /// A page that needs nothing else
    Html,
    /// A table for a spreadsheet
    Csv,
}

impl Form {
    /// As it is typed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Csv => "csv",
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a new configuration repository into an empty folder
    Init(Init),
    /// Check the configuration and report every mistake
    Validate(Validate),
    /// Write the repository's YAML in one form, comments kept
    Fmt(Fmt),
    /// Write the JSON Schemas of all kinds of documents
    Schema(Schema),
    /// Show what apply would do, and change nothing
    Plan(Plan),
    /// Show a saved plan, without contacting anything
    Show(Show),
    /// Bring computers into their declared state
    Apply(Apply),
    /// Show what two revisions want differently, without contacting anything
    Diff(Diff),
    /// List what the repository holds, and the programs that computers have
    List(List),
    /// List the computers that a target selects, and why
    Resolve(Resolve),
    /// Show what holds for remote sessions on a computer, and the link that opens one; without one, how far all are
    Remote(Remote),
    /// Explain why a computer gets what it gets, what something in the repository is, or what a code means
    Explain(Explain),
    /// Collect facts, and nothing else: of excluded computers too, and of those that no deployment reaches
    Inventory(Inventory),
    /// Bring the customers and computers of a provider into the repository, as changes that are shown first
    Import(Import),
    /// Show what is known of computers and items
    Status(Status),
    /// List computers with the agents on them, what names them and whether they are there
    Computers(Computers),
    /// List agents of which it is not known on which computers they are, and decide of them
    Identify(Identify),
    /// Ask version sources, and move muster.lock to what they offer now
    Update(Update),
    /// List sessions, or show one
    Sessions(Sessions),
    /// Look whether providers can be used, and say what to do where they cannot
    Doctor(Doctor),
    /// Tidy up the files that Muster keeps to send them to computers
    Maintain(Maintain),
    /// Print a completion script for a shell
    Completions(Completions),
    /// Print the version
    Version,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
