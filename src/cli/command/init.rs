//! `muster init`: a new repository that validates and plans, with a folder for each kind.

#![expect(clippy::disallowed_methods, reason = "the command writes the files that it was asked for")]

use std::path::Path;

use crate::cli::arguments::Init;
use crate::cli::context::Shell;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::id::Name;
use crate::report::style::Line;

/// Files of a new repository: path and text. `@NAME@` is the instance's name.
const FILES: &[(&str, &str)] = &[
    ("muster.yaml", include_str!("init/muster.yaml")),
    ("providers/here.yaml", include_str!("init/providers/here.yaml")),
    ("tenants/example/tenant.yaml", include_str!("init/tenants/example/tenant.yaml")),
    ("targets/all.yaml", include_str!("init/targets/all.yaml")),
    ("tasks/greeting/task.yaml", include_str!("init/tasks/greeting/task.yaml")),
    ("tasks/greeting/test.sh", include_str!("init/tasks/greeting/test.sh")),
    ("deployments/greeting.yaml", include_str!("init/deployments/greeting.yaml")),
    ("software/.gitkeep", ""),
    ("schedules/.gitkeep", ""),
    ("alerts/.gitkeep", ""),
    ("policies/.gitkeep", ""),
];

pub(in crate::cli) fn run(shell: &mut Shell, command: &Init) -> Result<Exit, CliError> {
    let folder = shell.environment.current_dir.join(&command.path);
    if folder.join("muster.yaml").exists() {
        return Err(CliError::usage(format!("{} is a repository already", command.path.display()))
            .hint("choose another folder, or edit the files that are there"));
    }
    let name = instance_name(command, &folder)?;
    for (path, _) in FILES {
        let file = folder.join(path);
        if file.exists() {
            return Err(CliError::usage(format!("{path} exists already in {}", command.path.display()))
                .hint("choose an empty folder"));
        }
    }
    for (path, text) in FILES {
        write(&folder.join(path), &text.replace("@NAME@", name.as_str()))?;
    }
    let path = command.path.display();
    shell.ui.status(&Line::new().text(format!("Wrote a repository named {name} into {path}")));
    shell.ui.hint(format!("next: cd {path} && git init && muster validate && muster plan"));
    Ok(Exit::Done)
}

fn instance_name(command: &Init, folder: &Path) -> Result<Name, CliError> {
    if let Some(name) = &command.name {
        return Name::new(name).map_err(|error| CliError::usage(error.to_string()));
    }
    let folder_name = folder
        .components()
        .rev()
        .find_map(|part| match part {
            std::path::Component::Normal(name) => Some(name.to_string_lossy().to_lowercase()),
            _ => None,
        })
        .unwrap_or_default();
    let cleaned: String =
        folder_name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(63).collect();
    Ok(Name::new(cleaned.trim_matches('-')).or_else(|_| Name::new("muster"))?)
}

fn write(file: &Path, text: &str) -> Result<(), CliError> {
    let failed = |error: std::io::Error| CliError::io("write", file, error);
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(file, text).map_err(failed)
}
