//! The bundle for a POSIX shell: `posix.sh` with its functions, then one paragraph per step.
//!
//! Invariants: everything stands within one pair of braces (after a comment), so that a shell runs all of it or nothing. Data stands in
//! single quotes, which have no meaning inside. Every step has files of its own, so that a process left behind by
//! one cannot write into the answer of another.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{changes, environment, files, is_variable, json, seconds};
use crate::session::script::{Bundle, Context, Interpreter, Step, Value};

const FUNCTIONS: &str = include_str!("posix.sh");

/// Only where a value is a file.
const FILES: &str = include_str!("files.sh");

/// Files of a step that only reads may hold this many blocks of 512 bytes (some shells count 1024): 256 MiB.
const BLOCKS: &str = "524288";

pub(super) fn render<A>(bundle: &Bundle<A>, marker: &str, manifest: &str) -> String {
    let mut text = String::with_capacity(
        manifest.len() + FUNCTIONS.len() + bundle.steps.iter().map(size).sum::<usize>() + 512,
    );
    text.push_str(manifest);
    // Writing into a String cannot fail.
    _ = writeln!(text, "{{\nmu_m={}", quoted(marker).as_str());
    text.push_str(FUNCTIONS);
    for (name, value) in bundle.environment.iter().filter(|(name, _)| is_variable(name)) {
        _ = writeln!(text, "{name}={}\nexport {name}", quoted(value).as_str());
    }
    if bundle.steps.iter().any(|step| changes(&step.purpose)) {
        text.push_str("mu_take\n");
    }
    if bundle
        .steps
        .iter()
        .flat_map(|step| step.values.values())
        .any(|value| matches!(value, Value::File { .. }))
    {
        text.push_str(FILES);
    }
    for (index, step) in bundle.steps.iter().enumerate() {
        paragraph(&mut text, index, step, bundle.stop_on_failure);
    }
    _ = writeln!(text, "printf '%s end\\n' \"$mu_m\"\nexit 0\n}}");
    text
}

fn paragraph<A>(text: &mut String, index: usize, step: &Step<A>, halt: bool) {
    let changing = changes(&step.purpose);
    let (program, ending) = match step.script.interpreter {
        Interpreter::Sh => ("sh", "sh"),
        Interpreter::Bash => ("bash", "bash"),
        Interpreter::Python => ("python3", "py"),
        Interpreter::Powershell => ("pwsh", "ps1"),
        Interpreter::Cmd => ("cmd.exe", "cmd"),
    };
    _ = writeln!(text, "if mu_begin {index} {} {}; then", u8::from(changing), u8::from(halt));
    _ = writeln!(text, "if mu_put {} >{index}.{ending} &&", quoted(&step.script.text).as_str());
    let sent = files(index, &step.values);
    for file in &sent {
        _ = writeln!(text, "mu_put {} | mu_decode >{} &&", STANDARD.encode(file.content), file.file);
    }
    _ = writeln!(text, "mu_put {} >{index}.json; then", quoted(&json(index, &step.values)).as_str());
    if !sent.is_empty() {
        let names: Vec<&str> = sent.iter().map(|file| file.file.as_str()).collect();
        _ = writeln!(text, "mu_files={}", quoted(&names.join(" ")).as_str());
    }
    text.push_str("mu_env() {\n:\n");
    for (name, value) in step.environment.iter().filter(|(name, _)| is_variable(name)) {
        _ = writeln!(text, "{name}={}\nexport {name}", quoted(value).as_str());
    }
    for (name, value) in environment(&step.values) {
        _ = writeln!(text, "{name}={}\nexport {name}", quoted(&value).as_str());
    }
    for file in &sent {
        _ = writeln!(text, "{0}=$mu_d/{1}\nexport {0}", file.variable, file.file);
    }
    let context = match step.script.context {
        Context::System => "system",
        Context::User => "user",
    };
    let blocks = if changing { "''" } else { BLOCKS };
    let (limit, keep) = (seconds(step.limit), step.keep);
    _ = writeln!(text, "}}\nmu_run {index} {limit} {blocks} {program} {context} {keep} {index}.{ending}");
    if !sent.is_empty() {
        _ = writeln!(text, "rm -f $mu_files\nmu_files=");
    }
    _ = writeln!(text, "else\nmu_no {index} not-started 'the temporary folder cannot be written'\nfi\nfi");
}

/// About as many bytes as the step's paragraph has, so that the text with its secrets is not moved about in memory.
fn size<A>(step: &Step<A>) -> usize {
    let values: usize =
        environment(&step.values).iter().map(|(name, value)| 2 * name.len() + value.len() + 32).sum();
    let own: usize = step.environment.iter().map(|(name, value)| 2 * name.len() + value.len() + 32).sum();
    let sent: usize = files(0, &step.values).iter().map(|file| 2 * file.content.len() + 256).sum();
    own + step.script.text.len() + json(0, &step.values).len() + values + sent + 512
}

/// `text` as one word that the shell takes as it is.
fn quoted(text: &str) -> Zeroizing<String> {
    let mut word = Zeroizing::new(String::with_capacity(text.len() + text.len() / 16 + 2));
    word.push('\'');
    for letter in text.chars() {
        match letter {
            '\'' => word.push_str("'\\''"),
            '\0' => {}
            _ => word.push(letter),
        }
    }
    word.push('\'');
    word
}
