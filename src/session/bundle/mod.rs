//! Bundles: the steps for one computer as one text that its shell reads from standard input.
//!
//! Not here: who runs the text (`provider`), what comes back (`super::frame`), whether a user's script is any good.
//!
//! Invariants: a value never becomes part of a script's text; it travels as quoted data into a file and into the
//! environment (L9, SCR-12). No value stands in any process's arguments. A text that breaks off anywhere runs nothing,
//! because the shell has to read it to its end before it begins. The same bundle and marker give the same text (L13).

mod manifest;
mod posix;
mod windows;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

pub use self::manifest::{Manifest, ManifestError, ManifestStep};
use crate::id::Digest;
use crate::secret::Secret;
use crate::session::script::{Bundle, Platform, Purpose, Value, Values};

/// A single value longer than this (bytes) is in the parameters' file only: systems bound a variable's length.
pub const LONGEST_VARIABLE: usize = 16 * 1024;
/// No more than this (bytes) of a step's values become variables, for the same reason.
pub const LONGEST_ENVIRONMENT: usize = 128 * 1024;
/// The variable that names the variables which are not set because their values are too long.
pub const LONG_VALUES: &str = "MUSTER_PARAMETERS_LONG";

/// A bundle as text for a shell.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The complete text. It goes to the shell's standard input, never into arguments: it may hold secrets.
    /// For [`Platform::Posix`] the shell is any `sh` without arguments, for [`Platform::Windows`] it is
    /// `powershell.exe -NoProfile -NonInteractive -Command -`.
    pub text: Secret,
    /// The platform whose shell reads it.
    pub platform: Platform,
}

/// Renders a bundle for its platform. Its first line is its [`Manifest`].
/// `marker` comes from [`marker`] and begins every header of the answer.
#[must_use]
pub fn render<A>(bundle: &Bundle<A>, marker: &str) -> Rendered {
    let manifest = Manifest::of(bundle, marker).line();
    let text = match bundle.platform {
        Platform::Posix => posix::render(bundle, marker, &manifest),
        Platform::Windows => windows::render(bundle, marker, &manifest),
    };
    Rendered { text: Secret::new(text), platform: bundle.platform }
}

/// A word that begins every header of the answer. It depends on `nonce` and on the bundle's content only, and occurs in
/// no script, value or variable of the bundle. With a nonce that nobody else knows, no script can print it.
#[must_use]
pub fn marker<A>(bundle: &Bundle<A>, nonce: &str) -> String {
    let mut count: u64 = 0;
    loop {
        let digest = Digest::of(format!("{nonce}\0{count}").as_bytes());
        let marker = format!("muster-{}", digest.as_str().get(..32).unwrap_or(digest.as_str()));
        if !occurs(bundle, &marker) {
            return marker;
        }
        count += 1;
    }
}

fn occurs<A>(bundle: &Bundle<A>, marker: &str) -> bool {
    bundle.environment.iter().any(|(name, value)| name.contains(marker) || value.contains(marker))
        || bundle.steps.iter().any(|step| {
            step.key.contains(marker)
                || step.script.text.contains(marker)
                || step
                    .environment
                    .iter()
                    .any(|(name, value)| name.contains(marker) || value.contains(marker))
                || step.values.iter().any(|(name, value)| {
                    name.contains(marker)
                        || match value {
                            // The marker's characters are never escaped in JSON.
                            Value::Plain(value) => value.to_string().contains(marker),
                            Value::Secret(secret) => secret.expose().contains(marker),
                            // The content travels in base64, which has no hyphen.
                            Value::File { name, .. } => name.contains(marker),
                        }
                })
        })
}

/// The environment variable of every value of a step, by the value's name: `MUSTER_PARAM_` and the name in upper
/// snake case (`installDir` is `MUSTER_PARAM_INSTALL_DIR`). Names that would meet are numbered in the order of the
/// values' names, from 2.
#[must_use]
pub fn variables(values: &Values) -> BTreeMap<String, String> {
    let mut taken = BTreeSet::new();
    let mut named = BTreeMap::new();
    let mut rest = Vec::new();
    for name in values.keys() {
        let variable = format!("MUSTER_PARAM_{}", upper_snake(name));
        if taken.insert(variable.clone()) {
            named.insert(name.clone(), variable);
        } else {
            rest.push((name, variable));
        }
    }
    for (name, variable) in rest {
        let mut number: u64 = 2;
        let numbered = loop {
            let candidate = format!("{variable}_{number}");
            if taken.insert(candidate.clone()) {
                break candidate;
            }
            number += 1;
        };
        named.insert(name.clone(), numbered);
    }
    named
}

fn upper_snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut text = String::with_capacity(name.len() + 4);
    for (index, letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|i| letters.get(i));
        let after = letters.get(index + 1);
        let begins_word = letter.is_ascii_uppercase()
            && before.is_some_and(|b| {
                b.is_ascii_lowercase()
                    || b.is_ascii_digit()
                    || (b.is_ascii_uppercase() && after.is_some_and(char::is_ascii_lowercase))
            });
        if begins_word {
            text.push('_');
        }
        text.push(if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' });
    }
    text
}

/// A value that is a file, for the step at a position of the bundle.
struct Sent<'v> {
    /// The variable that holds its path.
    variable: String,
    /// Its name in the bundle's folder, unique there.
    file: String,
    content: &'v [u8],
}

/// The files among a step's values.
fn files(step: usize, values: &Values) -> Vec<Sent<'_>> {
    let names = variables(values);
    let mut sent = Vec::new();
    for (parameter, value) in values {
        if let (Value::File { name, content }, Some(variable)) = (value, names.get(parameter)) {
            let file = file_name(step, sent.len(), name);
            sent.push(Sent { variable: variable.clone(), file, content });
        }
    }
    sent
}

/// A name that every system takes, and that ends like the file's own.
fn file_name(step: usize, number: usize, name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name: Vec<char> = name.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    let end: String = name.iter().skip(name.len().saturating_sub(60)).collect();
    format!("{step}-{number}-{end}")
}

/// All values as one JSON object; of a file its name beside the parameters' file. It holds secrets: wipe it.
fn json(step: usize, values: &Values) -> zeroize::Zeroizing<String> {
    let mut files = 0;
    let object = values
        .iter()
        .map(|(name, value)| {
            let value = match value {
                Value::Plain(value) => value.clone(),
                Value::Secret(secret) => serde_json::Value::String(secret.expose().to_owned()),
                Value::File { name, .. } => {
                    files += 1;
                    serde_json::Value::String(file_name(step, files - 1, name))
                }
            };
            (name.clone(), value)
        })
        .collect();
    zeroize::Zeroizing::new(serde_json::Value::Object(object).to_string())
}

/// Variable and content for every value that is short enough: strings as they are, everything else as JSON.
/// NUL cannot stand in a variable and is left out. Where a value is too long, [`LONG_VALUES`] names its variable.
fn environment(values: &Values) -> Vec<(String, zeroize::Zeroizing<String>)> {
    let mut left = LONGEST_ENVIRONMENT;
    let names = variables(values);
    let mut list = Vec::new();
    let mut long: Vec<&str> = Vec::new();
    for (name, value) in values {
        let Some(variable) = names.get(name) else { continue };
        let text = match value {
            Value::Plain(serde_json::Value::String(text)) => text.clone(),
            Value::Plain(value) => value.to_string(),
            Value::Secret(secret) => secret.expose().to_owned(),
            Value::File { .. } => continue,
        };
        let text = zeroize::Zeroizing::new(text.replace('\0', ""));
        if text.len() > LONGEST_VARIABLE || text.len() > left {
            long.push(variable);
            continue;
        }
        left -= text.len();
        list.push((variable.clone(), text));
    }
    if !long.is_empty() {
        list.push((LONG_VALUES.to_owned(), zeroize::Zeroizing::new(long.join(" "))));
    }
    list
}

/// JSON with every character beyond ASCII escaped, for readers that guess encodings.
fn ascii(json: &str) -> zeroize::Zeroizing<String> {
    let mut text = zeroize::Zeroizing::new(String::with_capacity(json.len()));
    for letter in json.chars() {
        if letter.is_ascii() {
            text.push(letter);
        } else {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                // Writing into a String cannot fail.
                _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

/// Whether a text can name an environment variable everywhere.
fn is_variable(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Whether a step may change the computer.
fn changes(purpose: &Purpose) -> bool {
    match purpose {
        Purpose::Collect
        | Purpose::DetectSoftware { .. }
        | Purpose::TestSoftware { .. }
        | Purpose::TestTask { .. }
        | Purpose::GetTask { .. } => false,
        Purpose::InstallSoftware { .. }
        | Purpose::UninstallSoftware { .. }
        | Purpose::RepairSoftware { .. }
        | Purpose::PreInstall { .. }
        | Purpose::PostInstall { .. }
        | Purpose::PostUninstall { .. }
        | Purpose::DownloadPayload { .. }
        | Purpose::ReceivePayload { .. }
        | Purpose::FetchPayload { .. }
        | Purpose::SetTask { .. } => true,
    }
}

/// A step's limit in whole seconds, at least one.
fn seconds(limit: std::time::Duration) -> u64 {
    limit.as_secs().saturating_add(u64::from(limit.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::session::script::{Context, Interpreter, Read, Script, Step};

    fn bundle(text: &str, value: Value) -> Bundle<Read> {
        let script = Arc::new(Script {
            interpreter: Interpreter::Sh,
            context: Context::System,
            text: text.into(),
            limit: None,
            origin: "test".into(),
        });
        let values = Values::from([("v".to_owned(), value)]);
        Bundle::new(Platform::Posix, vec![Step::read("k", Purpose::Collect, script, values)], BTreeMap::new())
    }

    #[test]
    fn a_marker_depends_on_the_nonce_and_avoids_the_content() {
        let plain = bundle("echo", Value::Plain(1.into()));
        let first = marker(&plain, "nonce");
        assert_eq!(marker(&plain, "nonce"), first);
        assert_ne!(marker(&plain, "another"), first);
        let nested = serde_json::json!({ "a": [format!("x{first}x")] });
        for content in [
            bundle(&format!("echo {first}"), Value::Plain(1.into())),
            bundle("", Value::Plain(nested)),
            bundle("", Value::Secret(Secret::new(first.clone()))),
        ] {
            let other = marker(&content, "nonce");
            assert_ne!(other, first);
            assert!(!occurs(&content, &other));
        }
    }

    #[test]
    fn variables_are_upper_snake_case_and_never_meet() {
        let names = |names: &[&str]| {
            let values = names.iter().map(|name| ((*name).to_owned(), Value::Plain(1.into()))).collect();
            variables(&values).into_values().map(|name| name.replace("MUSTER_PARAM_", "")).collect::<Vec<_>>()
        };
        assert_eq!(names(&["installDir"]), ["INSTALL_DIR"]);
        assert_eq!(names(&["HTTPPort"]), ["HTTP_PORT"]);
        assert_eq!(names(&["2fa-code.\u{e4}"]), ["2FA_CODE__"]);
        assert_eq!(names(&["a", "A", "a_2"]), ["A", "A_3", "A_2"]);
    }

    #[test]
    fn values_that_are_too_long_for_variables_are_named() {
        let text = |length: usize| Value::Plain("x".repeat(length).into());
        let of = |values: Vec<(&str, Value)>| {
            environment(&values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        };
        let long = Value::Secret(Secret::new("s".repeat(LONGEST_VARIABLE + 1)));
        let list =
            of(vec![("apiKey", long), ("fits", text(LONGEST_VARIABLE)), ("z", text(LONGEST_VARIABLE + 1))]);
        let names: Vec<&str> = list.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["MUSTER_PARAM_FITS", LONG_VALUES]);
        assert_eq!(list.last().map(|(_, text)| text.as_str()), Some("MUSTER_PARAM_API_KEY MUSTER_PARAM_Z"));
        assert!(of(vec![("fits", text(1))]).iter().all(|(name, _)| name != LONG_VALUES));
        let many: Vec<String> = (0..9).map(|number| format!("v{number}")).collect();
        let list = of(many.iter().map(|name| (name.as_str(), text(LONGEST_VARIABLE))).collect());
        assert_eq!(list.last().map(|(_, text)| text.as_str()), Some("MUSTER_PARAM_V8"), "128 KiB in all");
    }

    #[test]
    fn rendering_is_deterministic_and_does_not_print_its_text() {
        let bundle = bundle("echo", Value::Secret(Secret::new("canary".to_owned())));
        let (first, second) = (render(&bundle, "m"), render(&bundle, "m"));
        assert_eq!(first.text.expose(), second.text.expose());
        assert!(!format!("{first:?}").contains("canary"));
    }

    #[test]
    fn limits_are_whole_seconds_and_never_none() {
        assert_eq!(seconds(Duration::ZERO), 1);
        assert_eq!(seconds(Duration::from_millis(1500)), 2);
        assert_eq!(seconds(Duration::from_mins(4)), 240);
    }
}
