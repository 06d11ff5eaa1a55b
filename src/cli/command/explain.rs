//! `muster explain`: what a code means, why a computer gets what it gets, or what something in the repository is.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::json;

use crate::cli::arguments::Explain;
use crate::cli::context::{Opened, Shell, SystemClock};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::planning;
use crate::config::kind::Enforcement;
use crate::config::model::Deployment;
use crate::diagnostic::code::REGISTRY;
use crate::diagnostic::{Code, nearest};
use crate::id::Name;
use crate::inventory::item::{ItemKey, ItemKind};
use crate::inventory::snapshot::{FindError, Snapshot};
use crate::plan::desired::{self, DesiredDiff, Side};
use crate::plan::document::Options;
use crate::plan::explain;
use crate::plan::gates::Run;
use crate::plan::needs::Refresh;
use crate::plan::subject::{self, AboutDeployment};
use crate::report::style::{Label, Line, Pen};
use crate::report::{self, View};
use crate::session::control::Control;
use crate::session::prepare::Prepared;
use crate::time::Clock;

pub(in crate::cli) async fn run(
    shell: &mut Shell,
    command: &Explain,
    control: &Control,
) -> Result<Exit, CliError> {
    if let Some(info) = Code::find(&command.what) {
        let value = json!({
            "subject": "code", "code": info.code.as_str(), "severity": info.severity, "title": info.title,
            "text": info.text,
        });
        if !shell.document(FORM, &value)? {
            let view = shell.view(false);
            shell.ui.data(|pen| report::explain::code(pen, info, &view))?;
        }
        return Ok(Exit::Done);
    }
    if looks_like_code(&command.what) {
        let known = REGISTRY.iter().map(|info| info.code.as_str());
        return Err(CliError::unknown("code", &command.what.to_uppercase(), known));
    }
    let opened = shell.open(command.revision.rev.as_deref())?;
    let item = command.item.as_deref().map(|text| item(&opened, text)).transpose()?;
    let links = shell.links(&opened)?;
    let store = shell.store(&opened).await?;
    // Only what is known: explaining contacts nobody but the systems that list computers.
    let wish = planning::wish_of(Options::default(), Refresh::Never, false)?;
    let prepared = planning::prepare(shell, &opened, &links, &store, control, &wish).await?;
    let known = Known { opened: &opened, prepared: &prepared, run: Run::at(SystemClock.now()) };
    let (subject, others) = known.subject(&command.what)?;
    if item.is_some() && !matches!(subject, Subject::Computer(_)) {
        return Err(CliError::usage("an item is explained on a computer")
            .hint("write the computer first: muster explain COMPUTER ITEM"));
    }
    for (word, name) in others {
        shell.ui.hint(format!("there is also a {word} of this name: muster explain {word}/{name}"));
    }
    match subject {
        Subject::Computer(ix) => known.computer(shell, ix, item.as_ref())?,
        Subject::Deployment(deployment) => known.deployment(shell, deployment)?,
        Subject::Bundle(name) => {
            let about = subject::bundle(&opened.config, known.snapshot(), &known.run, name);
            show(shell, "bundle", about, report::subject::bundle)?;
        }
        Subject::Target(name) => {
            let about = subject::target(&opened.config, known.snapshot(), &known.run, name);
            show(shell, "target", about, report::subject::target)?;
            shell.ui.hint(format!("muster resolve {name} lists its computers, each with the reason"));
        }
        Subject::Item(kind, name) => {
            let about = subject::item(&opened.config, &known.run, kind, name);
            show(shell, word_of(kind), about, report::subject::item)?;
        }
    }
    Ok(Exit::Done)
}

/// The form of the documents.
const FORM: &str = "explain";

/// What is explained.
enum Subject<'a> {
    Computer(u32),
    Deployment(&'a Deployment),
    Bundle(&'a Name),
    Target(&'a Name),
    Item(ItemKind, &'a Name),
}

/// What somebody means by a name, and what else has the name, with the word for its kind.
type Meant<'a> = (Subject<'a>, Vec<(&'static str, &'a Name)>);

/// A document that names what it is about.
#[derive(Serialize)]
struct Explained<'a, T> {
    subject: &'static str,
    #[serde(flatten)]
    about: &'a T,
}

const fn word_of(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Software => "software",
        ItemKind::Task => "task",
        ItemKind::OsUpdates => "updates of the operating system",
    }
}

/// Shows what was found out about a document, in the form that was asked for.
fn show<T: Serialize>(
    shell: &Shell,
    word: &'static str,
    about: Option<T>,
    write: fn(&mut dyn Pen, &T, &View) -> std::io::Result<()>,
) -> Result<(), CliError> {
    let Some(about) = about else { return Err(CliError::usage(format!("there is no such {word}"))) };
    if !shell.document(FORM, &Explained { subject: word, about: &about })? {
        let view = shell.view(false);
        shell.ui.data(|pen| write(pen, &about, &view))?;
    }
    Ok(())
}

/// What is known, to explain things by.
struct Known<'a> {
    opened: &'a Opened,
    prepared: &'a Prepared,
    run: Run,
}

impl<'a> Known<'a> {
    fn snapshot(&self) -> &'a Snapshot {
        &self.prepared.snapshot
    }

    /// What somebody means by `KIND/NAME`, a computer's name, or the name of a document. Gives the other things that have the
    /// name too, by their words.
    fn subject(&self, what: &str) -> Result<Meant<'a>, CliError> {
        let named = |name: &str| {
            self.documents().into_iter().filter(|(_, found, _)| found.as_str() == name).collect()
        };
        if let Some((word, name)) = what.split_once('/') {
            let found: Vec<(&'static str, &'a Name, Subject<'a>)> = named(name);
            if let Some((_, _, subject)) = found.into_iter().find(|(of, ..)| *of == word) {
                return Ok((subject, Vec::new()));
            }
            if word == "computer" {
                let found = self.snapshot().find(name).map(|ix| (Subject::Computer(ix), Vec::new()));
                return found.map_err(|error| self.not_found(name, &error));
            }
            if WORDS.contains(&word) {
                let all = self.documents();
                let known = all.iter().filter(|(of, ..)| *of == word).map(|(_, name, _)| name.as_str());
                return Err(CliError::unknown(&format!("{word} called"), name, known));
            }
        }
        let found: Vec<(&'static str, &'a Name, Subject<'a>)> = named(what);
        let others = |found: &[(&'static str, &'a Name, Subject<'a>)]| {
            found.iter().map(|(word, name, _)| (*word, *name)).collect::<Vec<_>>()
        };
        match self.snapshot().find(what) {
            Ok(ix) => Ok((Subject::Computer(ix), others(&found))),
            Err(error) => {
                let rest = others(found.get(1..).unwrap_or_default());
                let first = found.into_iter().next();
                match (first, &error) {
                    (Some((_, _, subject)), FindError::Unknown { .. }) => Ok((subject, rest)),
                    _ => Err(self.not_found(what, &error)),
                }
            }
        }
    }

    /// Everything that has a name and can be explained; of one name the first is meant.
    fn documents(&self) -> Vec<(&'static str, &'a Name, Subject<'a>)> {
        let config = &self.opened.config;
        let mut all: Vec<(&'static str, &'a Name, Subject<'a>)> = Vec::new();
        all.extend(config.deployments.iter().map(|(name, d)| ("deployment", name, Subject::Deployment(d))));
        let bundles: BTreeSet<&Name> =
            config.deployments.values().filter_map(|d| d.bundle.as_ref()).map(|(name, _)| name).collect();
        all.extend(bundles.into_iter().map(|name| ("bundle", name, Subject::Bundle(name))));
        all.extend(config.targets.keys().map(|name| ("target", name, Subject::Target(name))));
        let items = config.software.keys().map(|name| (ItemKind::Software, name));
        let items = items.chain(config.tasks.keys().map(|name| (ItemKind::Task, name)));
        all.extend(items.map(|(kind, name)| (word_of(kind), name, Subject::Item(kind, name))));
        all
    }

    /// Who was probably meant.
    fn not_found(&self, what: &str, error: &FindError) -> CliError {
        let told = CliError::usage(error.to_string());
        match error {
            FindError::Unknown { nearest: Some(near), .. } => told.hint(format!("did you mean {near}?")),
            FindError::Unknown { .. } => {
                let all = self.documents();
                match nearest(what, all.iter().map(|(_, name, _)| name.as_str())) {
                    Some(near) => told.hint(format!("did you mean {near}?")),
                    None => told.hint(
                        "`muster status` lists what is known, `muster list` what the repository holds; a code looks like M0201",
                    ),
                }
            }
            FindError::Ambiguous { .. } => {
                told.hint("`muster status` lists what is known; a code looks like M0201")
            }
        }
    }

    /// Why a computer gets what it gets.
    fn computer(&self, shell: &Shell, ix: u32, item: Option<&ItemKey>) -> Result<(), CliError> {
        let snapshot = self.snapshot();
        let explained = explain::explain(
            &self.opened.config,
            snapshot,
            &self.prepared.detections,
            &self.prepared.past,
            ix,
            item,
            &self.run,
        );
        let Some(explained) = explained else { return Err(CliError::usage("there is no such computer")) };
        if shell.document(FORM, &Explained { subject: "computer", about: &explained })? {
            return Ok(());
        }
        let computer = snapshot.computer(ix);
        let view = shell.view(true);
        shell.ui.data(|pen| {
            let mut line = Line::new().with(Label::Heading, &explained.computer);
            if let Some(tenant) = &computer.tenant {
                line.push(Label::Plain, format!(" ({tenant})"));
            }
            line.push(Label::Dim, format!("  {}, at most {}", computer.id, explained.mode));
            pen.line(&line)?;
            if explained.excluded {
                pen.line(&Line::new().with(Label::Warning, "It is excluded: no deployment reaches it."))?;
            }
            if let Some(held) = &explained.on_hold {
                let said = format!("Nothing is done on it: {held}.");
                pen.line(&Line::new().with(Label::Warning, said))?;
            }
            for item in &explained.items {
                pen.gap()?;
                report::explain::item(pen, item, self.run.now, &view)?;
            }
            if explained.items.is_empty() {
                pen.line(&Line::new().text("No deployment reaches it."))?;
            }
            Ok(())
        })?;
        Ok(())
    }

    /// What a deployment does, and what would be wanted if it were not there.
    fn deployment(&self, shell: &Shell, deployment: &Deployment) -> Result<(), CliError> {
        let (config, snapshot) = (&self.opened.config, self.snapshot());
        let name = &deployment.metadata.name;
        let about = subject::deployment(config, snapshot, &self.run, deployment);
        let mut rest = config.clone();
        rest.deployments.remove(name);
        let present = snapshot.all();
        let diff = desired::compare(
            Side { config, snapshot, present, shown: None },
            Side { config: &rest, snapshot, present, shown: None },
            &self.run,
        );
        let whole = WithoutIt { about: &about, without: &diff };
        if shell.document(FORM, &Explained { subject: "deployment", about: &whole })? {
            return Ok(());
        }
        let view = shell.view(false);
        shell.ui.data(|pen| {
            report::subject::deployment(pen, &about, &view)?;
            if diff.changes.is_empty() {
                return Ok(());
            }
            pen.gap()?;
            pen.line(&Line::new().text("If it were removed:"))?;
            pen.gap()?;
            report::desired::write(pen, &diff, &view)
        })?;
        if deployment.enforcement == Enforcement::AdHoc && deployment.enabled {
            shell.ui.hint(format!("see what it would do with: muster plan --deployment {name}"));
        }
        Ok(())
    }
}

/// A deployment with what would be wanted without it.
#[derive(Serialize)]
struct WithoutIt<'a> {
    #[serde(flatten)]
    about: &'a AboutDeployment,
    without: &'a DesiredDiff,
}

/// The words that stand before a name.
const WORDS: &[&str] = &["deployment", "bundle", "target", "software", "task"];

/// Whether a text is a code in form: an M and four digits.
fn looks_like_code(text: &str) -> bool {
    let digits = text.strip_prefix(['M', 'm']);
    digits.is_some_and(|digits| digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_digit()))
}

/// The item of `name` or `name[key]`.
fn item(opened: &Opened, text: &str) -> Result<ItemKey, CliError> {
    let (name, instance) = match text.split_once('[') {
        Some((name, rest)) => (name, rest.strip_suffix(']').map(Name::new).transpose()?),
        None => (text, None),
    };
    let name = Name::new(name)?;
    let config = &opened.config;
    if config.software.contains_key(&name) {
        Ok(ItemKey::software(name))
    } else if config.tasks.contains_key(&name) {
        let deployed = config.deployments.values().map(|deployment| &deployment.item);
        let deployed: Vec<&ItemKey> =
            deployed.filter(|item| item.kind == ItemKind::Task && item.name == name).collect();
        if instance.is_none() && !deployed.is_empty() && deployed.iter().all(|item| item.instance.is_some()) {
            let keys: Vec<String> = deployed.iter().map(ToString::to_string).collect();
            let error = CliError::usage(format!("every deployment of {name} has an instance key"));
            return Err(error.hint(format!("name one: {}", keys.join(", "))));
        }
        Ok(ItemKey::task(name, instance))
    } else {
        let known = config.software.keys().chain(config.tasks.keys()).map(Name::as_str);
        Err(CliError::unknown("software or task called", name.as_str(), known))
    }
}
