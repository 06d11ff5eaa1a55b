//! Package managers as a strategy: the scripts that install and remove a package, made from its names.
//!
//! Not here: how it is found (`plan::inventory`, from the managers' records in the facts), which version is wanted.
//!
//! Invariants: a name stands in a script only after it was checked to be one that means nothing to a shell; the version
//! reaches the script as data. Nothing is asked, and nothing that was not named is removed. The same names give the same
//! scripts (L13).

use std::fmt::Write as _;
use std::sync::Arc;

use super::Checker;
use crate::config::kind::{Choice, Installer, Packages};
use crate::config::model::{PACKAGE_MANAGERS, Scripts};
use crate::config::parse::RawDocument;
use crate::diagnostic::{Finding, code};
use crate::session::script::{Context, Interpreter, Script};

/// What a script is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Install, update, downgrade and repair; which of them `MUSTER_ACTION` says.
    Install,
    /// Remove.
    Uninstall,
}

impl Checker<'_> {
    /// The names are names, and `prefer` names managers that have one.
    pub(super) fn packages(&mut self, raw: &RawDocument, packages: &Packages) -> bool {
        let keys: Vec<(&str, bool)> =
            Installer::ALL.iter().map(|one| (one.as_str(), packages.name(*one).is_some())).collect();
        let mut fine = self.at_least_one(raw, "/spec/packages", &keys);
        for installer in Installer::ALL {
            let Some(name) = packages.name(installer).filter(|name| !is_name(name)) else { continue };
            let message = format!("{name:?} is not a name of a package");
            let place = raw.place(&format!("/spec/packages/{}", installer.as_str()));
            self.push(
                Finding::new(code::PACKAGES, message, place).help("write the name as the manager lists it"),
            );
            fine = false;
        }
        for (at, installer) in packages.prefer.iter().enumerate() {
            let message = if packages.name(*installer).is_none() {
                format!("`{}` is preferred, and has no name here", installer.as_str())
            } else if packages.prefer.iter().take(at).any(|before| before == installer) {
                format!("`{}` is preferred twice", installer.as_str())
            } else {
                continue;
            };
            let place = raw.place(&format!("/spec/packages/prefer/{at}"));
            self.push(Finding::new(code::PACKAGES, message, place));
            fine = false;
        }
        fine
    }
}

/// Whether a text names a package, and stands as one word in every shell.
fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+_@/-".contains(&byte))
}

/// The scripts that are given, and those of the package managers for platforms without one.
pub(super) fn filled(given: Option<Scripts>, packages: &Packages, purpose: Use) -> Option<Scripts> {
    let Scripts { posix, windows } = given.unwrap_or_default();
    let scripts = Scripts {
        posix: posix.or_else(|| script(packages, purpose, false)),
        windows: windows.or_else(|| script(packages, purpose, true)),
    };
    (scripts.posix.is_some() || scripts.windows.is_some()).then_some(scripts)
}

fn script(packages: &Packages, purpose: Use, windows: bool) -> Option<Arc<Script>> {
    let mut managers = packages.by_preference();
    managers.retain(|(installer, _)| installer.is_windows() == windows);
    if managers.is_empty() {
        return None;
    }
    let choose = match packages.choose {
        Choice::First => "first",
        Choice::Newest => "newest",
    };
    let text = if windows { powershell(&managers, choose, purpose) } else { sh(&managers, choose, purpose) };
    Some(Arc::new(Script {
        interpreter: if windows { Interpreter::Powershell } else { Interpreter::Sh },
        context: Context::System,
        text: text.into(),
        limit: None,
        origin: PACKAGE_MANAGERS.into(),
    }))
}

fn sh(managers: &[(Installer, &str)], choose: &str, purpose: Use) -> String {
    let words: Vec<&str> = managers.iter().map(|(installer, _)| installer.as_str()).collect();
    let mut text = format!("managers='{}'\n", words.join(" "));
    for (installer, name) in managers {
        // Writing into a String cannot fail.
        _ = writeln!(text, "{}='{name}'", installer.as_str());
    }
    _ = writeln!(text, "choose='{choose}'");
    text.push_str(include_str!("common.sh"));
    text.push_str(match purpose {
        Use::Install => include_str!("install.sh"),
        Use::Uninstall => include_str!("uninstall.sh"),
    });
    text
}

fn powershell(managers: &[(Installer, &str)], choose: &str, purpose: Use) -> String {
    let words: Vec<String> =
        managers.iter().map(|(installer, _)| format!("'{}'", installer.as_str())).collect();
    let mut text = format!("$managers = @({})\n$names = @{{", words.join(", "));
    for (installer, name) in managers {
        _ = write!(text, " '{}' = '{name}';", installer.as_str());
    }
    text.push_str(" }\n");
    _ = writeln!(text, "$choose = '{choose}'");
    text.push_str(include_str!("common.ps1"));
    text.push_str(match purpose {
        Use::Install => include_str!("install.ps1"),
        Use::Uninstall => include_str!("uninstall.ps1"),
    });
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::powershell::{message, syntax_errors};
    use crate::session::script::Platform;

    fn all() -> Packages {
        let name = |text: &str| Some(text.to_owned());
        Packages {
            winget: name("7zip.7zip"),
            choco: name("7zip"),
            apt: name("7zip"),
            dnf: name("p7zip"),
            brew: name("sevenzip"),
            prefer: vec![Installer::Choco, Installer::Dnf],
            choose: Choice::Newest,
        }
    }

    #[test]
    fn preferred_managers_come_first_and_the_others_in_their_order() {
        let order: Vec<&str> =
            all().by_preference().into_iter().map(|(installer, _)| installer.as_str()).collect();
        assert_eq!(order, ["choco", "dnf", "winget", "apt", "brew"]);
    }

    #[test]
    fn names_of_packages_mean_nothing_to_a_shell() {
        for good in ["7zip", "7zip.7zip", "g++", "libfoo-2.0", "homebrew/cask/foo", "python@3.12"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-y", "a b", "a'b", "a;b", "$(x)", "a\nb", "ä", "a`b", "a=1", ".hidden"] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn own_scripts_stay_and_platforms_without_a_manager_have_none() {
        let only = Packages { apt: Some("x".to_owned()), ..Packages::default() };
        let scripts = filled(None, &only, Use::Install).unwrap();
        assert!(scripts.posix.is_some() && scripts.windows.is_none());
        let own = scripts.posix.map(|script| Arc::new(Script { text: "own".into(), ..(*script).clone() }));
        let scripts = filled(Some(Scripts { posix: own, windows: None }), &all(), Use::Install).unwrap();
        assert_eq!(&*scripts.on(Platform::Posix).unwrap().text, "own");
        let windows = &scripts.on(Platform::Windows).unwrap().text;
        assert!(windows.starts_with("$managers = @('choco', 'winget')\n$names = @{ 'choco' = '7zip';"));
    }

    #[test]
    fn the_scripts_for_windows_are_powershell() {
        for purpose in [Use::Install, Use::Uninstall] {
            let script = script(&all(), purpose, true).unwrap();
            let errors: Vec<_> =
                syntax_errors(&script.text).into_iter().map(|at| message(&script.text, &at)).collect();
            assert_eq!(errors, [""; 0]);
        }
    }
}
