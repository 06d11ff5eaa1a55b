//! Commands about computers, the systems that reach them, and what is imported from those.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};

use super::repository::RevisionArgs;
use super::typed::{parse_name, parse_size};
use crate::id::Name;
use crate::inventory::properties::Wanted;
use crate::time::Limit;

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
    /// Write a custom property of their agents at a provider, such as 3=VIP; {computer} and {tenant} in it are those of each
    #[arg(long, value_name = "NUMBER=VALUE", value_parser = Wanted::parse, requires = "provider",
        conflicts_with_all = ["stale", "gone", "forget", "offline", "policies"])]
    pub set_property: Option<Wanted>,
    /// The provider whose agents have the property
    #[arg(long, value_name = "PROVIDER", value_parser = parse_name, requires = "set_property")]
    pub provider: Option<Name>,
    /// Do not ask before properties are written
    #[arg(long, requires = "set_property")]
    pub yes: bool,
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
