//! `muster init`: a new repository that validates and plans, with a folder for each kind.
//!
//! Invariant: no file that is there is written over, and nothing is written into a folder that holds other things unless
//! that was asked for.

#![expect(clippy::disallowed_methods, reason = "the command writes the files that it was asked for")]

use std::path::Path;

use crate::cli::arguments::Init;
use crate::cli::context::Shell;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::id::Name;
use crate::report::style::Line;
use crate::report::words::{list, shell_path};

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
    ("policies/.gitkeep", ""),
];

pub(in crate::cli) fn run(shell: &mut Shell, command: &Init) -> Result<Exit, CliError> {
    let folder = shell.environment.current_dir.join(&command.path);
    in_the_way(command, &folder)?;
    let name = instance_name(command, &folder)?;
    for (path, text) in FILES {
        write(&folder.join(path), &text.replace("@NAME@", name.as_str()))?;
    }
    let path = command.path.display();
    shell.ui.status(&Line::new().text(format!("Wrote a repository named {name} into {path}")));
    let mut next = Vec::new();
    if folder != shell.environment.current_dir && command.path.as_os_str() != "." {
        next.push(format!("cd {}", shell_path(&command.path)));
    }
    if !folder.join(".git").exists() {
        next.push("git init".to_owned());
    }
    next.extend(["muster validate".to_owned(), "muster plan".to_owned()]);
    shell.ui.hint(format!("next: {}", next.join(" && ")));
    Ok(Exit::Done)
}

/// What belongs to git itself; a folder with nothing else is as good as empty.
const OF_GIT: &[&str] = &[".git", ".gitignore", ".gitattributes"];
/// So many of the things that are in the way are named.
const NAMED: usize = 5;

/// Refuses a folder in which something stands that the new repository would replace or take in.
fn in_the_way(command: &Init, folder: &Path) -> Result<(), CliError> {
    let shown = command.path.display();
    if folder.join("muster.yaml").exists() {
        return Err(CliError::usage(format!("{shown} is a repository already"))
            .hint("choose another folder, or edit the files that are there"));
    }
    // A path may go up again, so what is there of it is looked at, and not its words.
    let there = folder.ancestors().find_map(|above| std::fs::canonicalize(above).ok());
    let above = there.iter().flat_map(|there| there.ancestors());
    if let Some(above) = above.into_iter().find(|above| above.join("muster.yaml").exists()) {
        let error =
            format!("{shown} lies in the repository {}, which can have one Instance", above.display());
        return Err(CliError::usage(error).hint("choose a folder that is in no other repository of Muster"));
    }
    let found = match std::fs::read_dir(folder) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
            return Err(CliError::usage(format!("{shown} is no folder")).hint("choose another name"));
        }
        Err(error) => return Err(CliError::io("read", folder, error)),
    };
    let taken: Vec<&str> =
        FILES.iter().map(|(path, _)| *path).filter(|path| folder.join(path).exists()).collect();
    if !taken.is_empty() {
        let error = format!("{shown} has files of the same names: {}", list(&taken, NAMED));
        return Err(CliError::usage(error).hint("choose an empty folder"));
    }
    if command.into_existing {
        return Ok(());
    }
    let names = found.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()));
    let mut others: Vec<String> = names.filter(|name| !OF_GIT.contains(&name.as_str())).collect();
    others.sort();
    if others.is_empty() {
        return Ok(());
    }
    let error = format!("{shown} is not empty: {}", list(&others, NAMED));
    Err(CliError::usage(error)
        .hint("choose an empty folder, or write beside what is there with --into-existing"))
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
