//! Commands about the text of a repository.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::typed::parse_report;
use crate::report::formats::Format;
use crate::time::Limit;

/// Options of `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// The folder; it is made if it does not exist
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// The instance's name (default: the folder's)
    #[arg(long)]
    pub name: Option<String>,
    /// Write into a folder that holds other files too; none of them is touched
    #[arg(long)]
    pub into_existing: bool,
}

/// Which revision is read.
#[derive(Debug, Clone, Args)]
pub struct RevisionArgs {
    /// Read this commit, branch or tag in place of the working tree
    #[arg(long, value_name = "REV")]
    pub rev: Option<String>,
}

/// Which reports are written besides.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Reports")]
pub struct Reports {
    /// Write a report in this form to a file, or to standard output as - (can be repeated): json, markdown, html,
    /// sarif, junit, github, gitlab-codequality, gitlab-terraform
    #[arg(long, value_name = "FORMAT=PATH", value_parser = parse_report)]
    pub report: Vec<Wanted>,
    /// The revision that this one is to be merged into: annotations on lines that differ from it come first
    #[arg(long, value_name = "REV")]
    pub base: Option<String>,
}

/// One report that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its form.
    pub format: Format,
    /// The file; `None` is standard output.
    pub path: Option<PathBuf>,
}

/// Options of `validate`.
#[derive(Debug, Args)]
pub struct Validate {
    /// The revision.
    #[command(flatten)]
    pub revision: RevisionArgs,
    /// The reports.
    #[command(flatten)]
    pub reports: Reports,
}

/// Options of `fmt`.
#[derive(Debug, Args)]
pub struct Fmt {
    /// Files and folders (default: the whole repository)
    pub paths: Vec<PathBuf>,
    /// Change nothing; exit with 2 when something is written otherwise
    #[arg(long)]
    pub check: bool,
    /// Change nothing; show what would change
    #[arg(long)]
    pub diff: bool,
}

/// Options of `schema`.
#[derive(Debug, Args)]
pub struct Schema {
    /// Print the schema of this kind in place of writing all
    pub kind: Option<String>,
    /// The folder to write to
    #[arg(long, default_value = "schemas", conflicts_with = "kind")]
    pub dir: PathBuf,
}

/// Options of `update`.
#[derive(Debug, Args)]
pub struct Update {
    /// Only these software (default: all that have a source)
    pub names: Vec<String>,
    /// Write nothing, and exit with 2 when something would move
    #[arg(long)]
    pub check: bool,
    /// The result as JSON, as with --output json
    #[arg(long)]
    pub json: bool,
    /// Take what a source offers now even when it offered something newer before
    #[arg(long)]
    pub allow_older: bool,
    /// How long a server may be silent (default: 30s)
    #[arg(long, value_name = "LIMIT", value_parser = Limit::parse)]
    pub timeout: Option<Limit>,
}

/// Options of `list`.
#[derive(Debug, Args)]
pub struct List {
    /// What to list
    #[arg(value_enum)]
    pub what: Listed,
    /// Only those with this text in their name (parameters: in their item's name), in any case
    pub text: Option<String>,
    /// The revision.
    #[command(flatten)]
    pub revision: RevisionArgs,
}

/// What can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Listed {
    /// Deployments, those of bundles and libraries too
    Deployments,
    /// Bundles
    Bundles,
    /// Software of the repository
    Software,
    /// Tasks
    Tasks,
    /// Parameters of software and tasks, in their order
    Parameters,
    /// Targets
    Targets,
    /// Schedules
    Schedules,
    /// Tenants
    Tenants,
    /// Programs that are installed on computers, by the last look at their lists
    Programs,
}

/// Options of `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}
