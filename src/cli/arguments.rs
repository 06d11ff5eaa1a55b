//! The command line as it is typed. What it means is worked out by each command.
//!
//! The comments here are the help text.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;

use super::exit::Exit;
use super::output::ColourChoice;
use crate::config::kind::Mode;
use crate::id::Name;
use crate::plan::needs::Refresh;
use crate::report::formats::Format;
use crate::time::Limit;

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

/// Options of `inventory`.
#[derive(Debug, Args)]
pub struct Inventory {
    /// The revision.
    #[command(flatten)]
    pub revision: RevisionArgs,
    /// Only computers that match, such as tenant:contoso,role:server,not:tag:kiosk (repeated: those that match all of them)
    #[arg(long, value_name = "SELECTORS")]
    pub only: Vec<String>,
    /// Whose facts to collect: where they are not known or too old (auto), everybody's (always)
    #[arg(long, value_name = "WHAT", value_parser = ["auto", "always"], default_value = "auto")]
    pub refresh: String,
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

/// Options of `doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// The provider to look at (default: all)
    #[arg(value_parser = parse_name)]
    pub provider: Option<Name>,
}

/// Options of `import`.
#[derive(Debug, Args)]
pub struct Import {
    /// What to import.
    #[command(subcommand)]
    pub what: Imported,
}

/// What can be imported.
#[derive(Debug, Subcommand)]
pub enum Imported {
    /// Compare a provider's companies with the tenants, and propose what tenants would have to say
    Tenants(ImportTenants),
    /// Compare a provider's computers with what is remembered, and remember them
    Computers(ImportComputers),
}

/// What both imports understand.
#[derive(Debug, Clone, Args)]
pub struct Importing {
    /// The provider
    #[arg(long, value_name = "PROVIDER", value_parser = parse_name)]
    pub from: Name,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Write nothing, and exit with 2 when something would be written
    #[arg(long, conflicts_with = "yes")]
    pub check: bool,
    /// Believe that the provider lost as much as it says
    #[arg(long, value_name = "PROVIDER", value_parser = parse_name)]
    pub accept_shrink: Option<Name>,
    /// Show all lines of new files, all computers and all tenants
    #[arg(long)]
    pub details: bool,
}

/// Options of `import tenants`.
#[derive(Debug, Args)]
pub struct ImportTenants {
    /// What both imports understand.
    #[command(flatten)]
    pub import: Importing,
    /// Only these companies, by id or whole name
    #[arg(long, value_name = "COMPANY", num_args = 1..)]
    pub only: Vec<String>,
    /// This company, by id or whole name, is this tenant (can be repeated)
    #[arg(long = "map", value_name = "COMPANY=TENANT")]
    pub maps: Vec<String>,
    /// A file with one company and its tenant on each line: COMPANY = TENANT, or two columns if its name ends with .csv
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// Make a tenant for these companies, by id or whole name, or for `all` that no tenant has the name of
    #[arg(long, value_name = "COMPANY", num_args = 1..)]
    pub create: Vec<String>,
    /// Take entries of companies that the provider does not have any more out of tenants
    #[arg(long)]
    pub drop_vanished: bool,
}

/// Options of `import computers`.
#[derive(Debug, Args)]
pub struct ImportComputers {
    /// What both imports understand.
    #[command(flatten)]
    pub import: Importing,
    /// Propose Computer documents too: new ones, and new names in those that are there
    #[arg(long)]
    pub documents: bool,
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

/// Options of `remote`.
#[derive(Debug, Args)]
pub struct Remote {
    /// The computer, by its name or id (default: list all computers with their status)
    pub computer: Option<String>,
    /// The role of whoever asks, such as Manager (default: MUSTER_ROLE, else that of the Instance)
    #[arg(long, value_name = "ROLE", requires = "computer")]
    pub as_role: Option<String>,
    /// The person at the computer has agreed to the session
    #[arg(long, requires = "computer")]
    pub agreed: bool,
    /// Open the link too
    #[arg(long, requires = "computer")]
    pub open: bool,
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

/// Options of `computers`.
#[derive(Debug, Args)]
pub struct Computers {
    /// The revision.
    #[command(flatten)]
    pub revision: RevisionArgs,
    /// Only computers that match, such as tenant:contoso,role:server,not:tag:kiosk (repeated: those that match all of them)
    #[arg(long, value_name = "SELECTORS")]
    pub only: Vec<String>,
    /// Only those without a sign of them for as long as the Instance says
    #[arg(long, conflicts_with = "gone")]
    pub stale: bool,
    /// Those that no provider lists any more, in place of those that are listed
    #[arg(long)]
    pub gone: bool,
    /// In place of the computers the policies that their own systems say hold for them, with the origin of each setting
    #[arg(long, conflicts_with_all = ["stale", "gone", "forget", "offline"])]
    pub policies: bool,
    /// Forget a computer for good that no provider lists any more; by its id
    #[arg(long, value_name = "ID", conflicts_with_all = ["only", "stale", "gone", "offline"])]
    pub forget: Option<String>,
    /// Contact nothing: use what is remembered
    #[arg(long)]
    pub offline: bool,
}

/// Options of `identify`.
#[derive(Debug, Args)]
pub struct Identify {
    /// One agent, as provider/agent or by the name of its computer (with --retry and --give-id also: all)
    pub agent: Option<String>,
    /// Ask agents once more: one, or all that wait
    #[arg(long, conflicts_with_all = ["decide", "offline"])]
    pub retry: bool,
    /// Decide of the agent, and write that into a Computer document
    #[arg(long, value_name = "WHAT", value_enum, requires = "agent")]
    pub decide: Option<Choice>,
    /// Write an id onto the computers of agents that answered and whose firmware names nothing: of one, or of all
    #[arg(long, requires = "agent", conflicts_with_all = ["decide", "offline"])]
    pub give_id: bool,
    /// A further agent that is on the same computer, as provider/agent (can be repeated)
    #[arg(long, value_name = "AGENT", requires = "decide")]
    pub with: Vec<String>,
    /// The computer that it is on, by its id, where it fits several or none
    #[arg(long, value_name = "ID", requires = "decide")]
    pub computer: Option<String>,
    /// A text that names its computer where the firmware has nothing that would
    #[arg(long, value_name = "TEXT", requires = "decide")]
    pub id: Option<String>,
    /// Show what would be written, and write nothing
    #[arg(long, requires = "decide")]
    pub check: bool,
    /// Exit with 2 when agents wait
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Contact nothing: use what is remembered
    #[arg(long)]
    pub offline: bool,
}

/// What is decided of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Choice {
    /// It was re-installed, and takes the place of the earlier one
    Overwrite,
    /// It is on a computer of its own with the same identity: one of the two is a clone
    KeepBoth,
    /// Its computer was wiped: it takes the place of the earlier one, and all is found out anew
    Wiped,
    /// It is on one computer with those that --with and --computer name
    Same,
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

/// Options of `maintain`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Maintain {
    /// Something else to tidy up.
    #[command(subcommand)]
    pub what: Option<Maintained>,
    /// Delete what no run has used for so long, such as 90d
    #[arg(long, value_name = "LIMIT", value_parser = Limit::parse)]
    pub unused_for: Option<Limit>,
    /// Keep at most so much, such as 20GiB; what was used longest ago goes first
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub most: Option<u64>,
    /// Delete nothing; show what would go
    #[arg(long)]
    pub check: bool,
}

/// What else `maintain` tidies up.
#[derive(Debug, Subcommand)]
pub enum Maintained {
    /// Show what fills the session database of a ConnectWise Control server, and take old commands and responses out of it
    ScreenconnectDb(ScreenconnectDb),
}

/// Options of `maintain screenconnect-db`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("action").args(["soft_delete", "delete"])))]
pub struct ScreenconnectDb {
    /// The database: the server's App_Data/Session.db, or a copy of it
    pub file: PathBuf,
    /// Mark old commands and responses as deleted, so that the server's pages do not fetch them any more
    #[arg(long)]
    pub soft_delete: bool,
    /// Delete old commands and responses
    #[arg(long)]
    pub delete: bool,
    /// How old they have to be, in days
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    pub older_than: u32,
    /// Do not ask
    #[arg(long, requires = "action")]
    pub yes: bool,
    /// Where the backup goes (default: beside the file, with the time in its name)
    #[arg(long, value_name = "FILE", requires = "action", conflicts_with = "no_backup")]
    pub backup: Option<PathBuf>,
    /// Make no backup
    #[arg(long, requires = "action")]
    pub no_backup: bool,
    /// How many rows are looked at in one transaction
    #[arg(long, value_name = "ROWS", default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub batch: u32,
    /// Give the freed space back at the end; the file is written anew for it
    #[arg(long, requires = "action", conflicts_with = "while_in_use")]
    pub vacuum: bool,
    /// Work on the file while a server has it
    #[arg(long, requires = "action")]
    pub while_in_use: bool,
}

/// Options of `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

fn parse_mode(text: &str) -> Result<Mode, String> {
    match text {
        "ignored" => Ok(Mode::Ignored),
        "monitor" => Ok(Mode::Monitor),
        "audit" => Ok(Mode::Audit),
        "enforce" => Ok(Mode::Enforce),
        _ => Err("use enforce, audit, monitor or ignored".to_owned()),
    }
}

fn parse_switch(text: &str) -> Result<Mode, String> {
    match parse_mode(text) {
        Ok(mode) if mode > Mode::Ignored => Ok(mode),
        _ => Err("use enforce, audit or monitor".to_owned()),
    }
}

fn parse_name(text: &str) -> Result<Name, String> {
    Name::new(text).map_err(|error| error.to_string())
}

fn parse_size(text: &str) -> Result<u64, String> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40), ("", 0)];
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let shift = units.iter().find(|(name, _)| *name == unit.trim()).map(|(_, shift)| *shift);
    let size = number.parse::<u64>().ok().zip(shift);
    size.and_then(|(number, shift)| number.checked_mul(1 << shift))
        .ok_or_else(|| format!("{text:?} is not a size: write it as 500MiB or 20GiB"))
}

fn parse_report(text: &str) -> Result<Wanted, String> {
    let formats = || format!("the formats are {}", Format::names());
    let (name, path) =
        text.split_once('=').ok_or_else(|| format!("write it as FORMAT=PATH; {}", formats()))?;
    let format = Format::find(name).ok_or_else(|| format!("there is no format {name:?}; {}", formats()))?;
    match path {
        "" => Err("the path is empty; - is standard output".to_owned()),
        "-" => Ok(Wanted { format, path: None }),
        path => Ok(Wanted { format, path: Some(PathBuf::from(path)) }),
    }
}

fn parse_refresh(text: &str) -> Result<Refresh, String> {
    match text {
        "auto" => Ok(Refresh::Auto),
        "always" => Ok(Refresh::Always),
        "never" => Ok(Refresh::Never),
        _ => Err("use auto, always or never".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        for (text, expected) in
            [("0", Some(0)), ("17", Some(17)), ("2KiB", Some(2048)), ("1 GiB", Some(1 << 30))]
        {
            assert_eq!(super::parse_size(text).ok(), expected, "{text}");
        }
        for bad in ["", "GiB", "-1", "1GB", "1.5GiB", "99999999999TiB"] {
            assert!(super::parse_size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
