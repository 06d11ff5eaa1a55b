//! Committed files that are made from the code are the same as the code makes. MUSTER_REWRITE=1 writes them anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use clap::{Arg, Command, CommandFactory};
use muster::cli::arguments::Arguments;
use muster::cli::environment::{PASSED_ON, PASSED_ON_WINDOWS};
use muster::cli::exit::Exit;
use muster::config::kind::{SimulatedSpec, SshSpec};
use muster::diagnostic::code::REGISTRY;
use muster::id::Name;
use muster::provider::local::{Local, LocalSettings};
use muster::provider::simulated::Simulated;
use muster::provider::ssh::{Ssh, SshSettings};
use muster::provider::{Capability, Latency, ProviderInfo};

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let schemas = muster::config::schema::all();
    if std::env::var_os("MUSTER_REWRITE").is_some() {
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in &schemas {
            fs::write(folder.join(name), text).unwrap();
        }
    }
    for (name, text) in &schemas {
        let committed = fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert_eq!(&committed, text, "schemas/{name} is not up to date; run this test with MUSTER_REWRITE=1");
    }
    let there: BTreeSet<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(there, schemas.keys().cloned().collect(), "files in schemas/");
}

/// A page of docs/reference, made from the code.
fn page(name: &str, made: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference").join(name);
    if std::env::var_os("MUSTER_REWRITE").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, made).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        committed, made,
        "docs/reference/{name} is not up to date; run this test with MUSTER_REWRITE=1"
    );
}

/// What every page begins with.
fn head(title: &str, text: &str) -> String {
    format!(
        "# {title}\n\n<!-- Made by tests/it/generated.rs; MUSTER_REWRITE=1 writes it anew. -->\n\n{text}\n\n"
    )
}

/// Text as it may stand in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|").replace('<', "&lt;")
}

#[test]
fn the_reference_of_the_command_line_is_that_of_the_program() {
    let mut command = Arguments::command();
    command.build();
    let mut page_text = head(
        "Command line",
        "`muster [OPTIONS] COMMAND`. Every command has `--help`. What the program \
        ends with stands in [exit codes](exit-codes.md).",
    );
    page_text += "## Options of every command\n\n";
    page_text += &arguments(&command, Arg::is_global_set);
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        page_text += &section(sub, "muster");
    }
    page("cli.md", &format!("{}\n", page_text.trim_end()));
}

/// What there is to say of a command and of those below it.
fn section(command: &Command, above: &str) -> String {
    let mut command = command.clone();
    let name = format!("{above} {}", command.get_name());
    let usage = command.render_usage().to_string().replace("Usage: ", "");
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut text = format!("## {name}\n\n{about}.\n\n```text\n{usage}\n```\n\n");
    text += &arguments(&command, |argument| !argument.is_global_set());
    let below = command.get_subcommands().filter(|below| below.get_name() != "help");
    below.for_each(|below| text += &section(below, &name));
    text
}

/// A table of the arguments of a command that are wanted.
fn arguments(command: &Command, wanted: fn(&Arg) -> bool) -> String {
    let mut rows = String::new();
    for argument in command.get_arguments().filter(|argument| wanted(argument) && !argument.is_hide_set()) {
        if ["help", "version"].contains(&argument.get_id().as_str()) {
            continue;
        }
        let values: Vec<String> = argument
            .get_value_names()
            .unwrap_or_default()
            .iter()
            .map(|name| name.to_string().to_uppercase())
            .collect();
        let takes = argument.get_action().takes_values();
        let mut names = Vec::new();
        names.extend(argument.get_short().map(|short| format!("-{short}")));
        names.extend(argument.get_long().map(|long| format!("--{long}")));
        let name = match (argument.is_positional(), takes) {
            (true, _) => values.join(" "),
            (false, true) => format!("{} {}", names.join(", "), values.join(" ")),
            (false, false) => names.join(", "),
        };
        let mut help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let choices = argument.get_possible_values();
        if takes && !choices.is_empty() {
            let choices: Vec<String> = choices
                .iter()
                .map(|choice| match choice.get_help() {
                    Some(help) => format!("`{}` ({help})", choice.get_name()),
                    None => format!("`{}`", choice.get_name()),
                })
                .collect();
            _ = write!(help, ". One of {}", choices.join(", "));
        }
        let defaults: Vec<String> =
            argument.get_default_values().iter().map(|value| format!("`{}`", value.display())).collect();
        if takes && !defaults.is_empty() {
            _ = write!(help, ". Default: {}", defaults.join(", "));
        }
        _ = writeln!(rows, "| `{name}` | {} |", cell(&help));
    }
    if rows.is_empty() {
        return String::new();
    }
    format!("| Option | Meaning |\n|---|---|\n{rows}\n")
}

#[test]
fn the_reference_of_exit_codes_is_that_of_the_program() {
    let mut text = head("Exit codes", "The numbers are part of the interface and do not change.");
    text += "| Code | Meaning |\n|---|---|\n";
    for exit in Exit::ALL {
        _ = writeln!(text, "| {} | {} |", exit.code(), cell(exit.meaning()));
    }
    page("exit-codes.md", &text);
}

#[test]
fn the_reference_of_finding_codes_is_the_registry() {
    let mut text = head(
        "Codes of findings",
        "`muster explain CODE` says the same. A code is never given a new meaning.",
    );
    text += "| Code | Weight | Title | Meaning |\n|---|---|---|---|\n";
    for info in REGISTRY {
        let weight = format!("{:?}", info.severity).to_lowercase();
        _ = writeln!(text, "| {} | {weight} | {} | {} |", info.code, cell(info.title), cell(info.text));
    }
    page("codes.md", &text);
}

#[test]
fn the_reference_of_providers_is_what_they_declare() {
    let name = Name::new("example").unwrap();
    let local = Local::new(LocalSettings {
        name: name.clone(),
        computer: None,
        tenant: None,
        tags: BTreeSet::new(),
        environment: Vec::new(),
    });
    let ssh = Ssh::new(SshSettings {
        name: name.clone(),
        spec: SshSpec::default(),
        inventory: None,
        folder: ".".into(),
        home: None,
        user: None,
        agent_socket: None,
        known_hosts: Vec::new(),
    });
    let simulated = Simulated::new(name, &SimulatedSpec::default(), None, None).unwrap();
    let infos: [Arc<ProviderInfo>; 3] = [local.info(), ssh.info(), Arc::clone(simulated.info())];
    let mut text = head(
        "Providers",
        "What each type of provider declares. What is not declared cannot be done. The numbers are those without \
         settings; every setting stands in `schemas/provider.json`.",
    );
    text += "| Type | Capabilities | Computers at once | A round trip takes | Reaching a computer takes at most |\n";
    text += "|---|---|---|---|---|\n";
    for info in &infos {
        let capabilities: Vec<String> =
            info.capabilities.iter().map(|one| format!("`{}`", word(one))).collect();
        let limits = &info.limits;
        let (kind, all, latency) = (info.kind, capabilities.join(", "), word(&limits.latency));
        _ = writeln!(
            text,
            "| `{kind}` | {all} | {} | `{latency}` | {} |",
            limits.concurrency, limits.connect
        );
    }
    for (title, schema) in
        [("Capabilities", schemars::schema_for!(Capability)), ("Round trips", schemars::schema_for!(Latency))]
    {
        _ = write!(text, "\n## {title}\n\n| Word | Meaning |\n|---|---|\n");
        for choice in schema.to_value()["oneOf"].as_array().unwrap() {
            let (name, meaning) =
                (choice["const"].as_str().unwrap(), choice["description"].as_str().unwrap());
            _ = writeln!(text, "| `{name}` | {} |", cell(meaning));
        }
    }
    page("providers.md", &text);
}

/// A value of a closed set as it is written.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

/// What scripts receive: the variable, which scripts, and what it holds.
const GIVEN_TO_SCRIPTS: &[(&str, &str, &str)] = &[
    (
        "MUSTER_PARAM_*",
        "all",
        "One for each parameter: `installDir` is `MUSTER_PARAM_INSTALL_DIR`. Texts as they are, other values as JSON. A value of more than 16 KiB, and what is more than 128 KiB in all, stands in the file alone",
    ),
    (
        "MUSTER_PARAMETERS_FILE",
        "all",
        "The path of a JSON file with all parameters; it is gone when the step has ended",
    ),
    (
        "MUSTER_PARAMETERS_LONG",
        "all",
        "The names of the variables that are missing as their values are too long, with blanks between them; not set when there are none",
    ),
    ("MUSTER_COMPUTER", "all", "The computer's name"),
    ("MUSTER_COMPUTER_ID", "all", "The computer's id, as plans show it"),
    ("MUSTER_TENANT", "all", "The computer's tenant; not set when it has none"),
    ("MUSTER_ITEM", "all", "The name of the software or task"),
    ("MUSTER_INSTANCE", "all", "The instance key of a task, empty without one"),
    ("MUSTER_METHOD", "tasks", "Which of its scripts a task's script is to be: `test`, `set` or `get`"),
    (
        "MUSTER_ACTION",
        "all",
        "What is done: `detect`, `test`, `get`, or the planned action: `install`, `update`, `downgrade`, `uninstall`, `repair`, `set`",
    ),
    (
        "MUSTER_VERSION",
        "that change",
        "The version to bring about, empty where the plan leaves it to the script",
    ),
    ("MUSTER_VERSION_BEFORE", "that change", "The version that was detected, empty if there was none"),
    (
        "MUSTER_LICENSE",
        "that change",
        "`key` or `file` where a licence is given, whose text is `MUSTER_PARAM_LICENSE`",
    ),
    ("MUSTER_PAYLOAD", "that change", "The path of the release's file, verified"),
    ("MUSTER_PAYLOAD_NAME", "that change", "The file's name"),
    ("MUSTER_PAYLOAD_URL", "that change", "The file's address"),
    ("MUSTER_PAYLOAD_SHA256", "that change", "The file's SHA-256"),
    ("MUSTER_PAYLOAD_SIZE", "that change", "The file's size in bytes, empty where it is not known"),
    (
        "MUSTER_PAYLOAD_INSTALLER",
        "that change",
        "The kind of installer, such as `msi`, empty where it is not known",
    ),
    (
        "MUSTER_PAYLOAD_ARGUMENTS",
        "that change",
        "The arguments for a silent installation, empty where they are not known",
    ),
    (
        "MUSTER_PAYLOAD_FETCHED",
        "download",
        "`script` where the `download` script of the software has run, `muster` where Muster has sent the file; it is only verified then",
    ),
];

#[test]
fn the_reference_of_variables_names_those_in_the_code() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut text =
        head("Environment variables", "Scripts receive the first, Muster itself reads the second.");
    text += "## Given to scripts\n\n| Variable | Scripts | Holds |\n|---|---|---|\n";
    for (name, scripts, holds) in GIVEN_TO_SCRIPTS {
        _ = writeln!(text, "| `{name}` | {scripts} | {} |", cell(holds));
    }
    let mut found = BTreeSet::new();
    for file in [
        "plan/probes.rs",
        "plan/procedures.rs",
        "plan/payloads.rs",
        "session/detect.rs",
        "session/bundle/mod.rs",
        "session/bundle/posix.sh",
    ] {
        let code = fs::read_to_string(source.join(file)).unwrap();
        for (at, _) in code.match_indices("MUSTER_") {
            let name: String = code[at..]
                .chars()
                .take_while(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || *c == '_')
                .collect();
            let is_parameter = name.starts_with("MUSTER_PARAM_");
            found.insert(if is_parameter { "MUSTER_PARAM_*".to_owned() } else { name });
        }
    }
    let documented: BTreeSet<String> = GIVEN_TO_SCRIPTS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(found, documented, "variables in the code, and in GIVEN_TO_SCRIPTS");

    text += "\n## Passed on to scripts\n\nScripts on the machine that runs Muster (of the provider `local`, those that select \
             computers, and those that tell versions) see these of Muster's own variables, where they are set, and no \
             others. A script that needs another one gets it as a parameter; a secret as one of the type `secret`.\n\n";
    for (system, list) in [("Windows", PASSED_ON_WINDOWS), ("other systems", PASSED_ON)] {
        let names: Vec<String> = list.iter().map(|name| format!("`{name}`")).collect();
        _ = writeln!(text, "- on {system}: {}", names.join(", "));
    }

    text += "\n## Read by Muster\n\n| Variable | Meaning |\n|---|---|\n";
    let code = fs::read_to_string(source.join("cli/environment.rs")).unwrap();
    let mut names = BTreeSet::new();
    for line in code.lines().filter_map(|line| line.trim().strip_prefix("/// `")) {
        let line = format!("`{line}");
        let (variables, meaning) =
            line.split_once(": ").unwrap_or((line.trim_end_matches('.'), "The home folder."));
        names.extend(
            variables
                .split('`')
                .filter(|part| part.starts_with(char::is_uppercase))
                .filter(|part| part.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
                .map(str::to_owned),
        );
        _ = writeln!(text, "| {variables} | {} |", cell(meaning.trim_end_matches('.')));
    }
    text +=
        "\nSecrets that a configuration refers to as `env:NAME` are read from the variable of that name.\n";
    let read: BTreeSet<String> = ["path(\"", "text(\"", "set(\"", "var_os(\""]
        .iter()
        .flat_map(|call| code.split(call).skip(1).filter_map(|rest| rest.split('"').next()))
        .map(str::to_owned)
        .collect();
    assert_eq!(read, names, "variables that cli::environment reads, and its comments");
    page("environment.md", &text);
}

#[test]
fn the_schemas_that_examples_name_exist() {
    const MARK: &str = "# yaml-language-server: $schema=";
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")];
    let mut files = 0;
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let text = if path.extension().is_some_and(|e| e == "yaml") {
                fs::read_to_string(&path).unwrap()
            } else {
                continue;
            };
            if !text.contains("apiVersion: muster/v1") {
                continue;
            }
            files += 1;
            let schema = text.lines().find_map(|line| line.strip_prefix(MARK));
            let schema = schema.unwrap_or_else(|| panic!("{} names no schema", path.display()));
            assert!(folder.join(schema).is_file(), "{} names {schema}", path.display());
            let kinds: BTreeSet<String> = text
                .lines()
                .filter_map(|line| line.strip_prefix("kind: "))
                .map(|kind| format!("{}.json", kind.to_lowercase()))
                .collect();
            let name = schema.rsplit('/').next().unwrap();
            let fits = name == muster::config::schema::ANY_KIND || kinds == BTreeSet::from([name.to_owned()]);
            assert!(fits, "{} has {kinds:?} and names {schema}", path.display());
        }
    }
    assert!(files > 20, "{files} files");
}
