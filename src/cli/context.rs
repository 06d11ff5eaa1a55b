//! Where everything is put together: the only place that builds adapters, reads the clock and knows both the settings and
//! the machine.

#![expect(clippy::disallowed_methods, reason = "the composition root reads the clock")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::arguments::{Form, Global};
use super::environment::{Environment, SystemSecrets};
use super::error::CliError;
use super::exit::Exit;
use super::output::Ui;
use crate::config::Config;
use crate::config::kind::{DirectorySpec, ProviderSpec, PsaSpec};
use crate::config::load::Loaded;
use crate::config::revision::Source;
use crate::config::tree::{Entry, is_configuration};
use crate::config::{git, load, worktree};
use crate::diagnostic::{Findings, Sources};
use crate::directory::simulated::SimulatedDirectory;
use crate::host::{self, ThisHost};
use crate::http::{self, Http};
use crate::id::{CommitId, Name, RunId, SessionId};
use crate::inventory::collect::Sources as CollectSources;
use crate::payload::folder::Folder;
use crate::plan::document::Revision;
use crate::provider::automate::{Automate, AutomateSettings};
use crate::provider::connectwise_rmm::{ConnectwiseRmm, ConnectwiseRmmSettings};
use crate::provider::host::Host;
use crate::provider::local::{Local, LocalSettings};
use crate::provider::screenconnect::{Screenconnect, ScreenconnectSettings};
use crate::provider::simulated::Simulated;
use crate::provider::ssh::{Ssh, SshSettings};
use crate::provider::{Reader, Writer};
use crate::psa::simulated::SimulatedPsa;
use crate::report::json;
use crate::report::model::ChangedLines;
use crate::report::sheet::Sheet;
use crate::report::{View, diagnostic as findings_report};
use crate::session::dispatcher::Link;
use crate::store::sqlite::Sqlite;
use crate::time::{Clock, Limit, Timestamp};
use crate::upkeep::database::{Access, DatabaseError, Holder, SessionDatabase};
use crate::upkeep::session_db::{self, SessionDb};

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// What every command has: the settings, the environment and the terminal.
#[derive(Debug)]
pub struct Shell {
    /// What was typed before the command.
    pub global: Global,
    /// The environment.
    pub environment: Environment,
    /// The terminal.
    pub ui: Arc<Ui>,
    /// Whether anything was warned about.
    pub warned: bool,
}

/// A configuration without errors, with its place.
#[derive(Debug)]
pub struct Opened {
    /// The configuration.
    pub config: Config,
    /// Its revision.
    pub revision: Revision,
    /// The folder of muster.yaml, or the repository's where it has no working tree.
    pub root: PathBuf,
    /// What was found while it was read: warnings, as there are no errors.
    pub findings: Findings,
}

/// A new id for a session; ids sort by time.
#[must_use]
pub fn session_id() -> SessionId {
    SessionId::new(uuid::Uuid::now_v7().to_string())
}

/// A new id for a computer that nothing else names.
#[must_use]
pub fn generated_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// A new id for a run.
#[must_use]
pub fn run_id() -> RunId {
    RunId::new(uuid::Uuid::now_v7().to_string())
}

impl Shell {
    /// The folder from which the repository is looked for.
    #[must_use]
    pub fn start(&self) -> PathBuf {
        match &self.global.repo {
            Some(path) => self.environment.current_dir.join(path),
            None => self.environment.current_dir.clone(),
        }
    }

    /// The commit that a revision names; `None` where the repository does not have it.
    ///
    /// # Errors
    /// When there is no repository, or git cannot read it.
    pub fn commit(&self, rev: &str) -> Result<Option<CommitId>, CliError> {
        match git::commit(&self.start(), rev) {
            Ok(commit) => Ok(Some(commit)),
            Err(git::GitError::UnknownRevision { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The commit that a revision names which was typed.
    ///
    /// # Errors
    /// When the repository does not have it (exit 64), there is no repository, or git cannot read it.
    pub fn named_commit(&self, rev: &str) -> Result<CommitId, CliError> {
        Ok(git::commit(&self.start(), rev)?)
    }

    /// Reads the configuration at a revision and reports what is wrong with it.
    ///
    /// # Errors
    /// When it cannot be found or read, or has errors (exit 3).
    pub fn open(&mut self, rev: Option<&str>) -> Result<Opened, CliError> {
        let (root, loaded) = self.load(rev)?;
        self.opened(root, loaded)
    }

    /// Reports what is wrong with a configuration that was read.
    ///
    /// # Errors
    /// When it has errors (exit 3).
    pub fn opened(&mut self, root: PathBuf, loaded: Loaded) -> Result<Opened, CliError> {
        let Loaded { config, findings, sources, revision, .. } = loaded;
        self.report(&findings, &sources);
        match config {
            Some(config) if !findings.has_errors() => Ok(Opened { config, revision, root, findings }),
            _ => Err(CliError::reported(Exit::Configuration)),
        }
    }

    /// Reads the configuration at a revision, errors and all.
    ///
    /// # Errors
    /// When it cannot be found or read.
    pub fn load(&self, rev: Option<&str>) -> Result<(PathBuf, Loaded), CliError> {
        let start = self.start();
        if let Some(rev) = rev {
            let source = git::GitRevision::open(&start, rev, None)?;
            let root = worktree::find_root(&start).unwrap_or(start);
            return Ok((root, load::load(&source)));
        }
        let root = root_above(&start)?;
        let source = worktree::Worktree::open(&root)?;
        Ok((root, load::load(&source)))
    }

    /// Reads the working tree for `muster update`, errors and all; see [`load::load_for_update`].
    ///
    /// # Errors
    /// When it cannot be found or read.
    pub fn load_for_update(&self) -> Result<(PathBuf, Loaded), CliError> {
        let start = self.start();
        let root = root_above(&start)?;
        let source = worktree::Worktree::open(&root)?;
        Ok((root, load::load_for_update(&source)))
    }

    /// The web, with this patience where it is not the usual one.
    ///
    /// # Errors
    /// When the system's certificates cannot be used.
    pub fn http(&self, silence: Option<Limit>) -> Result<Http, CliError> {
        let mut settings = http::Settings::default();
        if let Some(silence) = silence {
            settings.silence = silence.duration();
        }
        Http::new(settings).map_err(|why| CliError::invalid(format!("the web cannot be used: {why}")))
    }

    /// The machine that Muster runs on, for what version sources need of it.
    #[must_use]
    pub fn this_host(&self, root: &Path) -> ThisHost {
        ThisHost { root: root.to_owned(), temporary: self.environment.temporary.clone() }
    }

    /// The configuration files of the repository, or those below a folder.
    ///
    /// # Errors
    /// When there is no repository, or its folder cannot be listed.
    pub fn configuration_files(&self, folder: Option<&Path>) -> Result<Vec<PathBuf>, CliError> {
        let start = match (folder, &self.global.repo) {
            (Some(folder), _) => folder.to_owned(),
            (None, Some(path)) => self.environment.current_dir.join(path),
            (None, None) => self.environment.current_dir.clone(),
        };
        let root = match folder {
            Some(folder) => folder.to_owned(),
            None => root_above(&start)?,
        };
        let source = worktree::Worktree::open(&root)?;
        let files = source.tree().iter().filter(|(path, entry)| {
            **entry == Entry::File
                && is_configuration(path)
                && !path.split('/').any(|part| part.starts_with('.'))
        });
        Ok(files.map(|(path, _)| root.join(&**path)).collect())
    }

    /// The lines that differ from a base, and the folder of the configuration below its git repository.
    ///
    /// # Errors
    /// When there is a base and it cannot be compared with.
    pub fn changes(&self, base: Option<&str>, rev: Option<&str>) -> Result<(ChangedLines, String), CliError> {
        let start = self.start();
        let root = worktree::find_root(&start).unwrap_or(start);
        let mut changed = ChangedLines::none();
        if let Some(base) = base {
            for hunk in git::changed_lines(&root, base, rev)? {
                changed.add(hunk.file, hunk.line, hunk.lines);
            }
        }
        Ok((changed, git::folder(&root)))
    }

    /// How reports are to look.
    #[must_use]
    pub fn view(&self, details: bool) -> View {
        View { width: self.environment.width(), details, zone: TimeZone::UTC }
    }

    /// Prints findings to standard output: where they are what was asked for.
    ///
    /// # Errors
    /// What the stream says.
    pub fn answer(&mut self, findings: &Findings, sources: &Sources) -> std::io::Result<()> {
        self.warned |= findings.iter().any(|finding| !finding.is_error());
        let style = findings_report::Style { colour: self.ui.colours().0, width: self.environment.width() };
        let text = findings_report::render(findings, sources, style);
        self.ui.bytes(|out| out.write_all(text.as_bytes()))
    }

    /// Prints findings to standard error.
    pub fn report(&mut self, findings: &Findings, sources: &Sources) {
        if findings.is_empty() {
            return;
        }
        self.warned |= findings.iter().any(|finding| !finding.is_error());
        let style = findings_report::Style { colour: self.ui.colours().1, width: self.environment.width() };
        self.ui.rendered(&findings_report::render(findings, sources, style));
    }

    /// Prints a table in the form that was asked for. `none` stands in place of no rows; as JSON it is a document of this
    /// form, which `whole` makes of the rows.
    ///
    /// # Errors
    /// What the stream says.
    pub fn sheet(
        &self,
        sheet: &Sheet,
        none: &str,
        form: &str,
        whole: impl FnOnce(serde_json::Value) -> serde_json::Value,
    ) -> std::io::Result<()> {
        match self.global.output {
            Form::Json => {
                let document = whole(sheet.json());
                self.ui.bytes(|out| json::document(out, form, &document))
            }
            Form::Ndjson => self.ui.bytes(|out| sheet.ndjson(out)),
            Form::Csv => self.ui.bytes(|out| sheet.csv(out)),
            Form::Markdown => self.ui.bytes(|out| sheet.markdown(out, none)),
            Form::Human | Form::Html => {
                let view = self.view(true);
                self.ui.data(|pen| sheet.human(pen, none, &view))
            }
        }
    }

    /// Prints a document that is no list: as JSON, or as one line of NDJSON. Whether it did: other forms are the
    /// command's own.
    ///
    /// # Errors
    /// What the stream says.
    pub fn document<T: serde::Serialize>(&self, form: &str, value: &T) -> std::io::Result<bool> {
        match self.global.output {
            Form::Json => self.ui.bytes(|out| json::document(out, form, value))?,
            Form::Ndjson => self.ui.bytes(|out| json::document_line(out, form, value))?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Opens the state of a repository.
    ///
    /// # Errors
    /// When it cannot be opened or made.
    pub async fn store(&self, opened: &Opened) -> Result<Sqlite, CliError> {
        Ok(Sqlite::open(&self.state_path(opened)?).await?)
    }

    /// Where the state of a repository lies.
    ///
    /// # Errors
    /// When neither the Instance nor the environment says where.
    pub fn state_path(&self, opened: &Opened) -> Result<PathBuf, CliError> {
        if let Some(path) = &opened.config.instance.sqlite {
            return Ok(opened.root.join(path));
        }
        let base = self
            .environment
            .state_home
            .clone()
            .or_else(|| self.environment.home.as_ref().map(|home| home.join(".local/state")))
            .ok_or_else(|| {
                CliError::usage("there is no home folder to keep the state in".to_owned())
                    .hint("set state.sqlite in muster.yaml, or XDG_STATE_HOME")
            })?;
        Ok(base.join("muster").join(opened.config.instance.metadata.name.as_str()).join("state.db"))
    }

    /// The payload cache of a repository, beside its state.
    ///
    /// # Errors
    /// When neither the Instance nor the environment says where the state is.
    pub fn payloads(&self, opened: &Opened) -> Result<Folder, CliError> {
        let mut path = self.state_path(opened)?.into_os_string();
        path.push(".payloads");
        Ok(Folder::new(path.into()))
    }

    /// The revision that was opened, for files that were not kept in memory.
    ///
    /// # Errors
    /// When it cannot be read any more.
    pub fn source(&self, opened: &Opened, rev: Option<&str>) -> Result<Box<dyn Source>, CliError> {
        let Some(rev) = rev else { return Ok(Box::new(worktree::Worktree::open(&opened.root)?)) };
        // A branch may have moved since.
        let commit = opened.revision.commit.as_ref().map_or(rev, |commit| commit.as_str());
        let start = match &self.global.repo {
            Some(path) => self.environment.current_dir.join(path),
            None => self.environment.current_dir.clone(),
        };
        Ok(Box::new(git::GitRevision::open(&start, commit, None)?))
    }

    /// Builds the providers of a configuration; where `through` names some, no script runs through the others.
    ///
    /// # Errors
    /// When a provider's own files cannot be used, or there is none with such a name (exit 64).
    pub fn links_through(&self, opened: &Opened, through: &[Name]) -> Result<BTreeMap<Name, Link>, CliError> {
        let links = self.links(opened)?;
        if let Some(unknown) = through.iter().find(|name| !links.contains_key(*name)) {
            let known = links.keys().map(Name::as_str);
            return Err(CliError::unknown("provider called", unknown.as_str(), known));
        }
        let kept = |name: &Name| through.is_empty() || through.contains(name);
        let link = |(name, link): (Name, Link)| {
            let link = if kept(&name) { link } else { link.without_scripts() };
            (name, link)
        };
        Ok(links.into_iter().map(link).collect())
    }

    /// Builds the providers of a configuration.
    ///
    /// # Errors
    /// When a provider's own files cannot be used.
    pub fn links(&self, opened: &Opened) -> Result<BTreeMap<Name, Link>, CliError> {
        opened
            .config
            .providers
            .iter()
            .map(|(name, provider)| {
                let folder = folder_of(&opened.root, &provider.place.file);
                let link = match &provider.spec {
                    ProviderSpec::Local(spec) => {
                        let local = Arc::new(Local::new(LocalSettings {
                            name: name.clone(),
                            computer: spec.computer.clone(),
                            tenant: spec.tenant.clone(),
                            tags: spec.tags.clone(),
                            environment: self.environment.passed_on.clone(),
                        }));
                        Link {
                            reader: Reader::new(
                                local.info(),
                                Arc::clone(&local) as _,
                                Arc::clone(&local) as _,
                            ),
                            writer: Writer::new(local.info(), local),
                        }
                    }
                    ProviderSpec::Ssh(spec) => {
                        let inventory = spec.inventory.as_ref().and_then(|path| provider.files.get(path));
                        let ssh = Arc::new(Ssh::new(SshSettings {
                            name: name.clone(),
                            spec: spec.clone(),
                            inventory: inventory.cloned(),
                            folder,
                            home: self.environment.home.clone(),
                            user: self.environment.user.clone(),
                            agent_socket: self.environment.ssh_agent.clone(),
                            known_hosts: self.known_hosts(),
                        }));
                        Link {
                            reader: Reader::new(ssh.info(), Arc::clone(&ssh) as _, Arc::clone(&ssh) as _),
                            writer: Writer::new(ssh.info(), ssh),
                        }
                    }
                    ProviderSpec::Simulated(spec) => {
                        let fleet = spec.fleet.as_ref().and_then(|path| provider.files.get(path));
                        let memory = spec.memory.as_ref().map(|path| folder.join(path));
                        let simulated = Simulated::new(name.clone(), spec, fleet.map(AsRef::as_ref), memory)
                            .map_err(|error| CliError::provider(name, &error))?;
                        let simulated = Arc::new(simulated);
                        Link { reader: simulated.reader(), writer: simulated.writer() }
                    }
                    ProviderSpec::Automate(spec) => {
                        let automate = Automate::new(AutomateSettings {
                            name: name.clone(),
                            spec: spec.clone(),
                            authorities: authorities(&provider.spec, &provider.files),
                            secrets: Arc::new(self.secrets(opened)),
                            clock: Arc::new(SystemClock),
                        });
                        let automate = Arc::new(automate.map_err(|error| CliError::provider(name, &error))?);
                        Link { reader: automate.reader(), writer: automate.writer() }
                    }
                    ProviderSpec::Screenconnect(spec) => {
                        let control = Screenconnect::new(ScreenconnectSettings {
                            name: name.clone(),
                            spec: spec.clone(),
                            authorities: authorities(&provider.spec, &provider.files),
                            secrets: Arc::new(self.secrets(opened)),
                            clock: Arc::new(SystemClock),
                        });
                        let control = Arc::new(control.map_err(|error| CliError::provider(name, &error))?);
                        Link { reader: control.reader(), writer: control.writer() }
                    }
                    ProviderSpec::ConnectwiseRmm(spec) => {
                        let rmm = ConnectwiseRmm::new(ConnectwiseRmmSettings {
                            name: name.clone(),
                            spec: spec.clone(),
                            authorities: authorities(&provider.spec, &provider.files),
                            secrets: Arc::new(self.secrets(opened)),
                            clock: Arc::new(SystemClock),
                        });
                        let rmm = Arc::new(rmm.map_err(|error| CliError::provider(name, &error))?);
                        Link { reader: rmm.reader(), writer: rmm.writer() }
                    }
                };
                Ok((name.clone(), link))
            })
            .collect()
    }

    /// Runs scripts on this machine.
    #[must_use]
    pub fn host(&self) -> Host {
        Host { environment: self.environment.passed_on.clone() }
    }

    /// Builds the directories and PSAs of a configuration.
    ///
    /// # Errors
    /// When the file of a simulated one cannot be used.
    pub fn sources(&self, opened: &Opened) -> Result<CollectSources, CliError> {
        let mut sources = CollectSources::default();
        for (name, link) in &opened.config.directories {
            let DirectorySpec::Simulated(spec) = &link.spec;
            let text = link.files.get(&spec.file).map(AsRef::as_ref).unwrap_or_default();
            let directory = SimulatedDirectory::new(name.clone(), text, spec.fault)
                .map_err(|error| CliError::source("directory", name, &spec.file, &error))?;
            sources.directories.insert(name.clone(), Arc::new(directory));
        }
        for (name, link) in &opened.config.psas {
            let PsaSpec::Simulated(spec) = &link.spec;
            let text = link.files.get(&spec.file).map(AsRef::as_ref).unwrap_or_default();
            let psa = SimulatedPsa::new(name.clone(), text, spec.fault)
                .map_err(|error| CliError::source("psa", name, &spec.file, &error))?;
            sources.psas.insert(name.clone(), Arc::new(psa));
        }
        Ok(sources)
    }

    /// Opens a link as the system does it. Only what a browser opens is opened.
    ///
    /// # Errors
    /// When it is no address of the web, or nothing can be started that opens it.
    pub fn open_link(&self, link: &str) -> Result<(), CliError> {
        let is_web = url::Url::parse(link).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !is_web {
            return Err(CliError::usage("this link is no address of the web, so it is not opened"));
        }
        host::open(link)
            .map_err(|error| CliError::io("open", Path::new(link), error).hint("copy it into a browser"))
    }

    /// Opens the session database of a ConnectWise Control server.
    ///
    /// # Errors
    /// When there is none, it cannot be used, or it is in use where it is wanted alone.
    pub async fn session_db(
        &self,
        path: &Path,
        access: Access,
    ) -> Result<Box<dyn SessionDatabase>, DatabaseError> {
        Ok(Box::new(SessionDb::open(path, access).await?))
    }

    /// Who has a session database, as far as the system tells.
    #[must_use]
    pub fn session_db_holders(&self, path: &Path) -> Vec<Holder> {
        session_db::holders(path)
    }

    /// Finds the values behind secret references.
    #[must_use]
    pub fn secrets(&self, opened: &Opened) -> SystemSecrets {
        SystemSecrets { root: opened.root.clone() }
    }

    fn known_hosts(&self) -> Vec<PathBuf> {
        let own = self.environment.home.as_ref().map(|home| home.join(".ssh/known_hosts"));
        own.into_iter().chain([PathBuf::from("/etc/ssh/ssh_known_hosts")]).collect()
    }
}

/// The certificates that a link's settings name, as text.
fn authorities(spec: &ProviderSpec, files: &BTreeMap<String, Arc<str>>) -> Option<String> {
    let path = spec.link()?.ca.as_ref()?;
    files.get(path).map(ToString::to_string)
}

/// What runs scripts where Muster runs. Its one agent is `local`.
#[must_use]
pub fn this_computer(environment: &Environment) -> Option<Reader> {
    let name = Name::new("local").ok()?;
    let settings = LocalSettings {
        name,
        computer: None,
        tenant: None,
        tags: std::collections::BTreeSet::new(),
        environment: environment.passed_on.clone(),
    };
    let local = Arc::new(Local::new(settings));
    Some(Reader::new(local.info(), Arc::clone(&local) as _, local))
}

/// The reading halves, which is all that planning gets.
#[must_use]
pub fn readers(links: &BTreeMap<Name, Link>) -> BTreeMap<Name, Reader> {
    links.iter().map(|(name, link)| (name.clone(), link.reader.clone())).collect()
}

/// The folder of muster.yaml at or above a folder.
fn root_above(start: &Path) -> Result<PathBuf, CliError> {
    worktree::find_root(start).ok_or_else(|| {
        if git::is_bare(start) { CliError::bare(start) } else { CliError::no_repository(start) }
    })
}

fn folder_of(root: &Path, file: &str) -> PathBuf {
    root.join(file).parent().map_or_else(|| root.to_owned(), Path::to_owned)
}
