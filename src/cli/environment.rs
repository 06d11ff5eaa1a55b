//! The environment: every variable that Muster reads, in one place.
//!
//! Invariant: nothing else in the program calls `std::env`.

#![expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;

use super::arguments::Global;
use super::output::{Loudness, Surroundings, Ui};
use crate::report::DEFAULT_WIDTH;
use crate::secret::{Secret, SecretRef};
use crate::session::secrets::{SecretError, Secrets};

/// The variables of Muster's own environment that scripts on the machine that runs it see; all others are kept from them,
/// as tokens and passwords often stand in variables. A `*` at the end stands for any text.
pub const PASSED_ON: &[&str] = &[
    "HOME",
    "HOMEBREW_PREFIX",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "LOGNAME",
    "PATH",
    "SHELL",
    "TMPDIR",
    "TZ",
    "USER",
    "XDG_RUNTIME_DIR",
];

/// The same on Windows, where programs do not start without some of them; names compare without case.
pub const PASSED_ON_WINDOWS: &[&str] = &[
    "ALLUSERSPROFILE",
    "APPDATA",
    "CommonProgramFiles",
    "CommonProgramFiles(x86)",
    "CommonProgramW6432",
    "COMPUTERNAME",
    "ComSpec",
    "HOMEDRIVE",
    "HOMEPATH",
    "LOCALAPPDATA",
    "NUMBER_OF_PROCESSORS",
    "OS",
    "PATH",
    "PATHEXT",
    "PROCESSOR_*",
    "ProgramData",
    "ProgramFiles",
    "ProgramFiles(x86)",
    "ProgramW6432",
    "PSModulePath",
    "PUBLIC",
    "SystemDrive",
    "SystemRoot",
    "TEMP",
    "TMP",
    "TZ",
    "USERDOMAIN",
    "USERNAME",
    "USERPROFILE",
    "windir",
];

/// Those of the variables that scripts see, sorted by name.
fn passed_on(variables: impl Iterator<Item = (OsString, OsString)>) -> Vec<(String, OsString)> {
    let list = if cfg!(windows) { PASSED_ON_WINDOWS } else { PASSED_ON };
    let same = |a: &str, b: &str| if cfg!(windows) { a.eq_ignore_ascii_case(b) } else { a == b };
    let fits = |name: &str, entry: &str| match entry.strip_suffix('*') {
        Some(start) => name.get(..start.len()).is_some_and(|begins| same(begins, start)),
        None => same(name, entry),
    };
    let named = variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    let mut passed: Vec<_> = named.filter(|(name, _)| list.iter().any(|entry| fits(name, entry))).collect();
    passed.sort();
    passed
}

/// What the environment says.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `HOME`, or `USERPROFILE` on Windows.
    pub home: Option<PathBuf>,
    /// What scripts on this machine see of it; see [`PASSED_ON`].
    pub passed_on: Vec<(String, OsString)>,
    /// `XDG_STATE_HOME`: where the state lies when the Instance does not say.
    pub state_home: Option<PathBuf>,
    /// `MUSTER_LOG`: a filter for logs on standard error, such as `debug` or `muster=trace`.
    pub log: Option<String>,
    /// `NO_COLOR`: set and not empty means no colour.
    pub no_color: bool,
    /// `CLICOLOR_FORCE`: set, not empty and not 0 means colour.
    pub force_color: bool,
    /// `CI`: set and not empty means no progress bars and no prompts.
    pub ci: bool,
    /// `TERM`: `dumb` means no colour and no progress bars.
    pub dumb: bool,
    /// `COLUMNS`: the width of the terminal, over what the terminal says.
    pub columns: Option<usize>,
    /// `SSH_AUTH_SOCK`: the SSH agent.
    pub ssh_agent: Option<PathBuf>,
    /// `USER` or `LOGNAME`: who applies, for the lock and the record.
    pub user: Option<String>,
    /// `MUSTER_ROLE`: the role for remote sessions, over the one of the Instance.
    pub role: Option<String>,
    /// `TMPDIR`: the folder for passing files, where it is not the system's.
    pub temporary: PathBuf,
    /// The current folder.
    pub current_dir: PathBuf,
}

impl Environment {
    /// Reads it.
    #[must_use]
    pub fn read() -> Self {
        let path = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let text = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        let set = |name: &str| std::env::var_os(name).is_some_and(|v: OsString| !v.is_empty());
        Self {
            home: path("HOME").or_else(|| path("USERPROFILE")),
            passed_on: passed_on(std::env::vars_os()),
            state_home: path("XDG_STATE_HOME").filter(|path| path.is_absolute()),
            log: text("MUSTER_LOG"),
            no_color: set("NO_COLOR"),
            force_color: text("CLICOLOR_FORCE").is_some_and(|v| v != "0"),
            ci: set("CI"),
            dumb: text("TERM").is_some_and(|v| v == "dumb"),
            columns: text("COLUMNS").and_then(|v| v.parse().ok()),
            ssh_agent: path("SSH_AUTH_SOCK"),
            user: text("USER").or_else(|| text("LOGNAME")),
            role: text("MUSTER_ROLE"),
            temporary: path("TMPDIR").unwrap_or_else(std::env::temp_dir),
            current_dir: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
        }
    }
}

impl Environment {
    /// The terminal, as the environment and what was typed want it.
    #[must_use]
    pub fn ui(&self, global: &Global) -> Ui {
        let loudness = match (global.quiet, global.verbose) {
            (true, _) => Loudness::Quiet,
            (false, 0) => Loudness::Usual,
            (false, _) => Loudness::Verbose,
        };
        let surroundings = Surroundings {
            no_color: self.no_color,
            clicolor_force: self.force_color,
            dumb: self.dumb,
            ci: self.ci,
            stdout_terminal: std::io::stdout().is_terminal(),
            stderr_terminal: std::io::stderr().is_terminal(),
        };
        Ui::new(global.color, loudness, surroundings)
    }

    /// How wide reports may be.
    #[must_use]
    pub fn width(&self) -> usize {
        let terminal = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        self.columns.or_else(terminal).unwrap_or(DEFAULT_WIDTH).clamp(40, 500)
    }
}

/// Finds secrets in environment variables and in files that only their owner can read.
#[derive(Debug, Clone)]
pub struct SystemSecrets {
    /// Folder that relative paths of secret files are below.
    pub root: PathBuf,
}

impl Secrets for SystemSecrets {
    fn resolve(&self, reference: &SecretRef) -> Result<Secret, SecretError> {
        let secret = self.find(reference)?;
        // Nobody means an empty password: a variable or file was not filled.
        if secret.expose().is_empty() { Err(SecretError::Empty(reference.to_string())) } else { Ok(secret) }
    }
}

impl SystemSecrets {
    fn find(&self, reference: &SecretRef) -> Result<Secret, SecretError> {
        match reference {
            SecretRef::Env(name) => {
                std::env::var(name).map(Secret::new).map_err(|_| SecretError::NotSet(name.clone()))
            }
            SecretRef::File(path) => {
                let failed =
                    |why: std::io::Error| SecretError::File { path: path.clone(), why: why.to_string() };
                let full = self.root.join(path);
                let metadata = std::fs::metadata(&full).map_err(failed)?;
                #[cfg(unix)]
                {
                    use std::os::unix::fs::PermissionsExt;
                    if metadata.permissions().mode() & 0o077 != 0 {
                        return Err(SecretError::TooOpen(path.clone()));
                    }
                }
                _ = metadata;
                let text = std::fs::read_to_string(&full).map_err(failed)?;
                let value = text.strip_suffix('\n').unwrap_or(&text);
                Ok(Secret::new(value.strip_suffix('\r').unwrap_or(value).to_owned()))
            }
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn scripts_see_the_listed_variables_and_no_others() {
        let all =
            ["PATH", "LC_ALL", "LC_", "HOME", "TOKEN", "PATHS", "home", "LD_PRELOAD", "VAULT_LC_ALL", ""];
        let variables = all.iter().map(|name| (OsString::from(name), OsString::from("x")));
        let passed: Vec<String> = passed_on(variables).into_iter().map(|(name, _)| name).collect();
        assert_eq!(passed, ["HOME", "LC_", "LC_ALL", "PATH"]);
    }
}
