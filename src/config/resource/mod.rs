//! Built-in resources as scripts: one text for each kind and platform, which tests, sets and reads (design §6).
//!
//! Not here: the properties that documents give (`kind::resource`), and what they turn into (`check::resource`).
//!
//! Invariant: a text does not depend on any property; those reach it as data, like the parameters of every other script
//! (L9, SCR-12).

pub mod report;

use std::sync::Arc;

use super::kind::ResourceKind;
use super::model::Scripts;
use crate::session::script::{Context, Interpreter, Script};

/// The property that holds what a file is to hold.
pub const CONTENT: &str = "content";
/// The same where it is a secret.
pub const SECRET_CONTENT: &str = "secretContent";

const POSIX: &str = include_str!("posix.sh");
const WINDOWS: &str = include_str!("windows.ps1");

/// What comes after the common part, for POSIX systems and for Windows.
const fn texts(kind: ResourceKind) -> (Option<&'static str>, Option<&'static str>) {
    match kind {
        ResourceKind::File => (Some(include_str!("file.sh")), Some(include_str!("file.ps1"))),
        ResourceKind::Directory => (Some(include_str!("directory.sh")), Some(include_str!("directory.ps1"))),
        ResourceKind::Line => (Some(include_str!("line.sh")), Some(include_str!("line.ps1"))),
        ResourceKind::Registry => (None, Some(include_str!("registry.ps1"))),
        ResourceKind::Service => (Some(include_str!("service.sh")), Some(include_str!("service.ps1"))),
        ResourceKind::Package => (Some(include_str!("package.sh")), Some(include_str!("package.ps1"))),
        ResourceKind::Environment => {
            (Some(include_str!("environment.sh")), Some(include_str!("environment.ps1")))
        }
        ResourceKind::User => (Some(include_str!("user.sh")), Some(include_str!("user.ps1"))),
        ResourceKind::ScheduledTask => {
            (Some(include_str!("scheduled-task.sh")), Some(include_str!("scheduled-task.ps1")))
        }
        ResourceKind::Power => (None, Some(include_str!("power.ps1"))),
        ResourceKind::TimeZone => (Some(include_str!("time-zone.sh")), Some(include_str!("time-zone.ps1"))),
    }
}

/// The scripts, for the platforms on which the resource makes sense; `posix` and `windows` can rule one out.
#[must_use]
pub fn scripts(kind: ResourceKind, posix: bool, windows: bool) -> Scripts {
    let script = |interpreter, common: &str, text: &str, end: &str| {
        Arc::new(Script {
            interpreter,
            context: Context::System,
            text: format!("{common}\n{text}\n{end}\n").into(),
            limit: None,
            origin: format!("resource {}", kind.as_str()).into(),
        })
    };
    let texts = texts(kind);
    Scripts {
        posix: texts.0.filter(|_| posix).map(|text| script(Interpreter::Sh, POSIX, text, "mr_main")),
        windows: texts
            .1
            .filter(|_| windows)
            .map(|text| script(Interpreter::Powershell, WINDOWS, text, "Invoke-Resource")),
    }
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::powershell::syntax_errors;

    #[test]
    fn every_windows_text_is_powershell_in_ascii() {
        for kind in ResourceKind::ALL {
            let Some(script) = scripts(*kind, true, true).windows else { continue };
            let errors: Vec<&str> =
                syntax_errors(&script.text).into_iter().filter_map(|range| script.text.get(range)).collect();
            assert_eq!(errors, [""; 0], "{kind:?}");
            assert!(script.text.is_ascii(), "{kind:?}");
        }
    }

    #[test]
    fn a_platform_that_is_ruled_out_has_no_script() {
        let scripts = scripts(ResourceKind::File, true, false);
        assert!(scripts.posix.is_some() && scripts.windows.is_none());
    }
}
