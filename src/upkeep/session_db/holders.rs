//! Who has a session database open, as far as the system tells without locking anything.
//!
//! On Linux: processes with an open file of that name, among those that this account may look at. On Windows: the server's
//! own program, where the file lies in its folder. Elsewhere nothing. What this does not find, the lock for sole use does.

#![expect(clippy::disallowed_methods, reason = "an adapter: it looks at the system's processes")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::super::database::Holder;
use super::open;

/// The server's program: it runs the part that keeps sessions, and it alone writes the file.
const SERVER: &str = "ScreenConnect.Service.exe";
/// The folder in which a server keeps its files.
const FOLDER: &str = "App_Data";

/// Who has a file, in order.
#[must_use]
pub fn holders(path: &Path) -> Vec<Holder> {
    if cfg!(windows) { server(path) } else { processes(path) }
}

/// Processes that have the file or its log open; this one does not count.
fn processes(path: &Path) -> Vec<Holder> {
    let real = |path: &Path| fs::canonicalize(path).ok();
    let files: BTreeSet<_> = [real(path), real(&open::log(path))].into_iter().flatten().collect();
    let Ok(all) = fs::read_dir("/proc") else { return Vec::new() };
    let mut found = BTreeSet::new();
    for process in all.flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // Processes of others say nothing, and may end at any time.
        let Ok(open) = fs::read_dir(process.path().join("fd")) else { continue };
        let has = open.flatten().any(|entry| fs::read_link(entry.path()).is_ok_and(|to| files.contains(&to)));
        if has && pid != std::process::id() {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            found.insert(Holder::Program { name: name.trim().to_owned(), pid });
        }
    }
    found.into_iter().collect()
}

/// The server's program on this machine, where the file is a server's own.
fn server(path: &Path) -> Vec<Holder> {
    let own = path.parent().and_then(Path::file_name).is_some_and(|name| name.eq_ignore_ascii_case(FOLDER));
    if !own {
        return Vec::new();
    }
    let filter = format!("IMAGENAME eq {SERVER}");
    let said = Command::new("tasklist").args(["/NH", "/FO", "CSV", "/FI", &filter]).output();
    said.map(|said| servers(&String::from_utf8_lossy(&said.stdout))).unwrap_or_default()
}

/// Reads lines such as `"ScreenConnect.Service.exe","2740","Services","0","81,004 K"`.
fn servers(lines: &str) -> Vec<Holder> {
    let read = |line: &str| {
        let mut fields = line.trim().trim_matches('"').split("\",\"");
        let name = fields.next().filter(|name| name.eq_ignore_ascii_case(SERVER))?;
        let pid = fields.next()?.parse().ok()?;
        Some(Holder::Server { name: name.to_owned(), pid })
    };
    lines.lines().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_program_is_found_among_tasks() {
        let lines = "\"ScreenConnect.Service.exe\",\"2740\",\"Services\",\"0\",\"81,004 K\"\r\n\
                     \"ScreenConnect.ClientService.exe\",\"99\",\"Services\",\"0\",\"9,004 K\"\r\n";
        assert_eq!(servers(lines), [Holder::Server { name: SERVER.to_owned(), pid: 2740 }]);
        for none in [
            "",
            "INFO: No tasks are running which match the specified criteria.",
            "\"ScreenConnect.Service.exe\"",
        ] {
            assert_eq!(servers(none), [], "{none}");
        }
        assert_eq!(server(Path::new("/copies/Session.db")), []);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_has_the_file_open_is_found_with_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("Session.db");
        fs::write(&path, "x").expect("a file");
        assert_eq!(processes(&path), [], "this process does not count, and has it closed");
        let file = fs::File::open(&path).expect("the file");
        let mut other = Command::new("sleep").arg("60").stdin(file).spawn().expect("sleep");
        let found = processes(&path);
        other.kill().expect("ends");
        other.wait().expect("ended");
        assert_eq!(found, [Holder::Program { name: "sleep".to_owned(), pid: other.id() }]);
    }
}
