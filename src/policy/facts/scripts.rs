//! The facts of scripts: every text of the configuration that runs somewhere, on computers or beside Muster.
//!
//! Invariant: what can run is here; a script that no rule sees could pass all of them.

use serde_json::{Value, json};

use super::{Subject, word};
use crate::config::Config;
use crate::config::kind::{ItemRef, Kind};
use crate::config::model::{Detect, Release, Scripts, Software, Strategy, Task};
use crate::diagnostic::Place;
use crate::id::Name;
use crate::inventory::item::ItemKind;
use crate::policy::language::machine::Fact;
use crate::session::script::{Platform, Script};

/// All scripts of software and tasks, each for each platform, and the Script documents that select computers.
#[must_use]
pub fn scripts(config: &Config) -> Vec<Subject> {
    let mut subjects = Vec::new();
    for software in config.software.values() {
        let item = ItemRef::Software(software.metadata.name.clone());
        for (purpose, scripts) in software_scripts(software) {
            script_subjects(&mut subjects, &item, &software.place, purpose, scripts);
        }
    }
    for task in config.tasks.values() {
        let item = ItemRef::Task(task.metadata.name.clone());
        for (purpose, scripts) in task_scripts(task) {
            script_subjects(&mut subjects, &item, &task.place, purpose, scripts);
        }
    }
    subjects.extend(
        config
            .scripts
            .iter()
            .filter(|(name, _)| selects(config, name))
            .map(|(name, script)| selection(config, name, script)),
    );
    subjects
}

/// The scripts of a software, of its releases and of its version source, by what they are for. A field that is new has to
/// be named here, so that no script is forgotten.
pub(super) fn software_scripts(software: &Software) -> Vec<(&'static str, &Scripts)> {
    let Software {
        detect,
        releases,
        source,
        install,
        upgrade,
        pre_install,
        post_install,
        uninstall,
        post_uninstall,
        download,
        repair,
        test,
        metadata: _,
        place: _,
        scheme: _,
        license: _,
        needs_reboot: _,
        prerequisites: _,
        configuration: _,
        lock: _,
        parameters_changed: _,
        parameters: _,
        enabled: _,
    } = software;
    let detect = match detect {
        Detect::Script(scripts) => Some(scripts),
        _ => None,
    };
    let mut all = vec![
        ("source", source.as_ref().and_then(|source| source.script.as_ref())),
        ("download", download.as_ref()),
        ("pre-install", pre_install.as_ref()),
        ("install", install.as_ref()),
        ("post-install", post_install.as_ref()),
        ("upgrade", own(Some(upgrade))),
        ("uninstall", uninstall.as_ref()),
        ("post-uninstall", post_uninstall.as_ref()),
        ("repair", own(Some(repair))),
        ("detect", detect),
        ("test", test.as_ref()),
    ];
    for release in releases {
        let Release {
            install,
            upgrade,
            uninstall,
            repair,
            test,
            version: _,
            place: _,
            payloads: _,
            requires: _,
        } = release;
        all.extend([
            ("install", install.as_ref()),
            ("upgrade", own(upgrade.as_ref())),
            ("uninstall", uninstall.as_ref()),
            ("repair", own(repair.as_ref())),
            ("test", test.as_ref()),
        ]);
    }
    all.into_iter().filter_map(|(purpose, scripts)| Some((purpose, scripts?))).collect()
}

/// The script of a strategy that has one.
fn own(strategy: Option<&Strategy>) -> Option<&Scripts> {
    match strategy {
        Some(Strategy::Script(scripts)) => Some(scripts),
        _ => None,
    }
}

fn task_scripts(task: &Task) -> Vec<(&'static str, &Scripts)> {
    let all = [("test", task.test.as_ref()), ("set", task.set.as_ref()), ("get", task.get.as_ref())];
    all.into_iter().filter_map(|(purpose, scripts)| Some((purpose, scripts?))).collect()
}

/// Whether a Script document selects computers, or may do so for a run that is limited by it. One that only software and
/// tasks use is seen as theirs.
fn selects(config: &Config, name: &Name) -> bool {
    let used = config.uses.used.get(&(Kind::Script, name.clone()));
    used.is_none_or(|by| by.iter().any(|kind| !matches!(kind, Kind::Software | Kind::Task)))
}

fn selection(config: &Config, name: &Name, script: &Script) -> Subject {
    let facts = script_facts(("script", name), "target", "", script);
    Subject {
        about: config.uses.declared.get(&(Kind::Script, name.clone())).cloned(),
        ..Subject::new(format!("the script {name}, which selects computers"), vec![("script", facts)])
    }
}

fn script_subjects(
    subjects: &mut Vec<Subject>,
    item: &ItemRef,
    place: &Place,
    purpose: &'static str,
    scripts: &Scripts,
) {
    for platform in [Platform::Posix, Platform::Windows] {
        let Some(script) = scripts.on(platform) else { continue };
        let (kind, name) = named(item);
        let facts = script_facts((&word(kind), name), purpose, &word(platform), script);
        subjects.push(Subject {
            about: Some(place.clone()),
            item: Some(item.clone()),
            ..Subject::new(format!("the {purpose} script of {name}"), vec![("script", facts)])
        });
    }
}

fn script_facts((kind, name): (&str, &Name), purpose: &str, platform: &str, script: &Script) -> Fact {
    let facts: Value = json!({
        "file": &*script.origin,
        "item": name.as_str(),
        "kind": kind,
        "purpose": purpose,
        "interpreter": word(script.interpreter),
        "context": word(script.context),
        "platform": platform,
        "limitSeconds": script.limit.map_or(0, crate::time::Limit::as_secs),
        "text": &*script.text,
    });
    Fact::new(&facts)
}

fn named(item: &ItemRef) -> (ItemKind, &Name) {
    match item {
        ItemRef::Software(name) => (ItemKind::Software, name),
        ItemRef::Task(name) => (ItemKind::Task, name),
    }
}
