//! Commands about plans, runs and what they do.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::civil::Date;

use super::repository::{Reports, RevisionArgs};
use super::typed::{parse_mode, parse_name, parse_refresh, parse_switch};
use crate::config::kind::Mode;
use crate::id::Name;
use crate::plan::needs::Refresh;

/// What a plan is limited to and how fresh it has to be.
#[derive(Debug, Clone, Args)]
pub struct Scope {
    /// The revision.
    #[command(flatten)]
    pub revision: RevisionArgs,
    /// Only computers that match, such as tenant:contoso,role:server,not:tag:kiosk (repeated: those that match all of them)
    #[arg(long, value_name = "SELECTORS")]
    pub only: Vec<String>,
    /// Only computers of this schedule; and the updates of the operating system that it starts
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    pub schedule: Option<Name>,
    /// The most that this run may do
    #[arg(long, value_name = "MODE", value_parser = parse_mode)]
    pub mode: Option<Mode>,
    /// Do only what this deployment says; ad-hoc ones count in no other run (can be repeated)
    #[arg(long = "deployment", value_name = "NAME", value_parser = parse_name)]
    pub deployments: Vec<Name>,
    /// Take the named deployments also where others win
    #[arg(long = "force-deployment", requires = "deployments")]
    pub force_deployments: bool,
    /// Repair this software where a named deployment wants it and it is there, whatever its test says (can be repeated)
    #[arg(long = "repair", value_name = "SOFTWARE", value_parser = parse_name, requires_all = ["only", "deployments"])]
    pub repairs: Vec<Name>,
    /// Do nothing that may restart a computer: software with needsReboot is left as it is
    #[arg(long)]
    pub no_reboot: bool,
    /// What to detect: what is not known or too old (auto), everything (always), nothing (never)
    #[arg(long, value_name = "WHAT", value_parser = parse_refresh)]
    pub refresh: Option<Refresh>,
    /// Believe that a provider, directory, PSA or selecting script lost as much as it says (can be repeated)
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    pub accept_shrink: Vec<Name>,
    /// Contact computers through this provider alone; the lists of all others are still asked for (can be repeated)
    #[arg(long, value_name = "PROVIDER", value_parser = parse_name)]
    pub through: Vec<Name>,
    /// How many of the computers may be out of reach, in percent, without exit code 5
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub allow_missing: u8,
}

/// What a run sets aside.
#[derive(Debug, Clone, Args)]
pub struct Overrides {
    /// Set a budget or guardrail, or `protection`, aside for this run (can be repeated; needs --reason)
    #[arg(long = "override", value_name = "RULE", requires = "reason")]
    pub overrides: Vec<String>,
    /// Why; it is recorded in the plan and with the run. One for all overrides, or one for each
    #[arg(long, value_name = "TEXT", requires = "overrides")]
    pub reason: Vec<String>,
}

/// Options of `plan`.
#[derive(Debug, Args)]
pub struct Plan {
    /// What it covers.
    #[command(flatten)]
    pub scope: Scope,
    /// What it sets aside.
    #[command(flatten)]
    pub set_aside: Overrides,
    /// Show what would be done if MODE stood in place of every more cautious one; such a plan cannot be applied
    #[arg(long = "as", value_name = "MODE", value_parser = parse_switch)]
    pub hypothetical: Option<Mode>,
    /// Contact nothing: use what is remembered
    #[arg(long)]
    pub offline: bool,
    /// Save the plan for `muster apply FILE`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Exit with 2 when there are changes
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Draw the order and the dependencies of the actions in place of the plan
    #[arg(long, value_name = "FORM", value_enum)]
    pub graph: Option<GraphForm>,
    /// List the computers and values of each change
    #[arg(long)]
    pub details: bool,
    /// The reports.
    #[command(flatten)]
    pub reports: Reports,
}

/// The languages that a graph can be drawn in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphForm {
    /// For Graphviz
    Dot,
    /// For Mermaid, which pull requests and wikis show
    Mermaid,
}

/// Options of `show`.
#[derive(Debug, Args)]
pub struct Show {
    /// The saved plan
    pub file: PathBuf,
    /// Draw the order and the dependencies of the actions in place of the plan
    #[arg(long, value_name = "FORM", value_enum)]
    pub graph: Option<GraphForm>,
    /// List the computers and values of each change
    #[arg(long)]
    pub details: bool,
    /// The reports.
    #[command(flatten)]
    pub reports: Reports,
}

/// Options of `apply`.
#[derive(Debug, Args)]
pub struct Apply {
    /// A saved plan: exactly this is done, or nothing. With --rev REV it is done also where the repository is not on its
    /// commit any more; REV has to be that commit
    #[arg(conflicts_with_all = ["only", "schedule", "mode", "refresh", "deployments", "force_deployments", "repairs", "no_reboot"])]
    pub file: Option<PathBuf>,
    /// What it covers.
    #[command(flatten)]
    pub scope: Scope,
    /// What it sets aside.
    #[command(flatten)]
    pub set_aside: Overrides,
    /// Do not ask
    #[arg(long)]
    pub auto_approve: bool,
    /// Only bring the files that installs need to the computers, so that a later apply needs no network there
    #[arg(long, conflicts_with = "file")]
    pub download_only: bool,
    /// List the computers and values of each change
    #[arg(long)]
    pub details: bool,
    /// How many computers are worked on at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub concurrency: Option<u32>,
    /// The reports.
    #[command(flatten)]
    pub reports: Reports,
}

/// Options of `diff`.
#[derive(Debug, Args)]
pub struct Diff {
    /// The commit, branch or tag to compare with
    #[arg(long, value_name = "REV")]
    pub base: String,
    /// The revision.
    #[command(flatten)]
    pub revision: RevisionArgs,
    /// Exit with 2 when something is wanted otherwise
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Show the digests over what is wanted of each tenant
    #[arg(long)]
    pub details: bool,
}

/// Options of `resolve`.
#[derive(Debug, Args)]
pub struct Resolve {
    /// The name of a target, or selectors such as tenant:contoso,role:server
    pub target: String,
    /// The day for which dates of agreements count, such as 2026-12-01 (default: today)
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<Date>,
    /// The revision.
    #[command(flatten)]
    pub revision: RevisionArgs,
    /// Contact nothing: use what is remembered
    #[arg(long)]
    pub offline: bool,
}

/// Options of `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// A computer, deployment, bundle, target, software or task by its name, or KIND/NAME such as software/7-zip where
    /// several have the name; or a code such as M0201
    pub what: String,
    /// A software or task; with an instance key as name[key]
    pub item: Option<String>,
    /// The revision.
    #[command(flatten)]
    pub revision: RevisionArgs,
}

/// Options of `status`.
#[derive(Debug, Args)]
pub struct Status {
    /// Only this computer
    pub computer: Option<String>,
}

/// Options of `sessions`.
#[derive(Debug, Args)]
pub struct Sessions {
    /// Show this session with its actions and their output
    pub id: Option<String>,
    /// Only sessions of this computer
    #[arg(long)]
    pub computer: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 20)]
    pub limit: u32,
}
