//! Placeholder until the real bundle arrives: one text for a POSIX shell that runs the steps and frames their results.

use std::fmt::Write as _;

use super::script::{Bundle, Platform, Value};
use crate::secret::Secret;

/// A bundle as one text for one shell.
#[derive(Debug)]
pub struct Rendered {
    /// The complete script; it is fed to the shell's standard input, never to its arguments.
    pub text: Secret,
    /// The platform it is for.
    pub platform: Platform,
}

/// The marker that frames the results of this bundle.
#[must_use]
pub fn marker<A>(bundle: &Bundle<A>, nonce: &str) -> String {
    format!("muster-{}-{nonce}", bundle.steps.len())
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Renders the bundle.
#[must_use]
pub fn render<A>(bundle: &Bundle<A>, marker: &str) -> Rendered {
    let mut text = String::from("t=$(mktemp -d) || exit 90\n");
    for (name, value) in &bundle.environment {
        _ = writeln!(text, "export {name}={}", quote(value));
    }
    for (index, step) in bundle.steps.iter().enumerate() {
        _ = writeln!(text, "cat > $t/s <<'{marker}'\n{}\n{marker}", step.script.text);
        _ = write!(text, "(");
        for (name, value) in &step.values {
            let value = match value {
                Value::Plain(value) => value.to_string(),
                Value::Secret(secret) => secret.expose().to_owned(),
            };
            _ = write!(text, "export {name}={}; ", quote(&value));
        }
        _ = writeln!(text, "exec sh $t/s) >$t/o 2>$t/e </dev/null; c=$?");
        let keep = step.keep;
        _ = writeln!(text, "printf '%s %s %s ' {marker} {index} $c");
        for file in ["o", "e"] {
            _ = writeln!(text, "printf =; head -c {keep} $t/{file} | base64 | tr -d '\\n'; printf ' '");
        }
        _ = writeln!(text, "[ $(($(wc -c <$t/o))) -gt {keep} ] && echo cut || echo all");
    }
    text.push_str("rm -rf $t\n");
    Rendered { text: Secret::new(text), platform: bundle.platform }
}
