//! The bundle for Windows PowerShell 5.1 or newer: `windows.ps1` with its functions, then one line per step.
//!
//! Invariants: the text is a comment and a single statement in ASCII on a single line, so that a text that breaks off runs nothing and
//! no console encoding can change it. Scripts and values stand in it as base64; the parameters' file is ASCII.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{ascii, changes, environment, files, is_variable, json, seconds};
use crate::session::script::{Bundle, Context, Interpreter, Step};

const FUNCTIONS: &str = include_str!("windows.ps1");

pub(super) fn render<A>(bundle: &Bundle<A>, marker: &str, manifest: &str) -> String {
    let body = Zeroizing::new(body(bundle, marker));
    // The empty line ends the statement for a PowerShell that reads commands from its standard input.
    format!(
        "{manifest}& ([ScriptBlock]::Create([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('{}'))))\n\n",
        STANDARD.encode(body.as_bytes()),
    )
}

/// What the one statement runs.
fn body<A>(bundle: &Bundle<A>, marker: &str) -> String {
    // Writing into a String cannot fail.
    let mut text = format!("$script:marker = '{}'\n$script:environment = @{{", marker.replace('\'', "''"));
    for (name, value) in bundle.environment.iter().filter(|(name, _)| is_variable(name)) {
        _ = write!(text, " '{name}' = '{}';", encoded(value).as_str());
    }
    text.push_str(" }\n");
    text.push_str(FUNCTIONS);
    text.push_str("try {\n");
    if bundle.steps.iter().any(|step| changes(&step.purpose)) {
        text.push_str("Enter-Change\n");
    }
    for (index, step) in bundle.steps.iter().enumerate() {
        call(&mut text, index, step, bundle.stop_on_failure);
    }
    text.push_str("} finally {\nRemove-Folder\n}\nWrite-Raw (\"{0} end`n\" -f $script:marker)\n");
    text
}

fn call<A>(text: &mut String, index: usize, step: &Step<A>, halt: bool) {
    let flag = |flag: bool| if flag { "$true" } else { "$false" };
    let (interpreter, ending) = match step.script.interpreter {
        Interpreter::Powershell => ("powershell", ".ps1"),
        Interpreter::Cmd => ("cmd", ".cmd"),
        Interpreter::Python => ("python", ".py"),
        Interpreter::Sh => ("sh", ".sh"),
        Interpreter::Bash => ("bash", ".bash"),
    };
    let context = match step.script.context {
        Context::System => "system",
        Context::User => "user",
    };
    _ = write!(
        text,
        "Invoke-Step {index} {} {} '{interpreter}' '{ending}' '{context}' {} {} '{}' '{}' @{{",
        flag(changes(&step.purpose)),
        flag(halt),
        seconds(step.limit).min(i32::MAX.unsigned_abs().into()),
        step.keep.min(i32::MAX.unsigned_abs() as usize),
        encoded(&step.script.text).as_str(),
        encoded(&ascii(&json(index, &step.values))).as_str(),
    );
    for (name, value) in step.environment.iter().filter(|(name, _)| is_variable(name)) {
        _ = write!(text, " '{name}' = '{}';", encoded(value).as_str());
    }
    for (name, value) in environment(&step.values) {
        _ = write!(text, " '{name}' = '{}';", encoded(&value).as_str());
    }
    text.push_str(" }");
    let sent = files(index, &step.values);
    if !sent.is_empty() {
        text.push_str(" @{");
        for file in sent {
            _ = write!(text, " '{}' = '{}', '{}';", file.variable, file.file, STANDARD.encode(file.content));
        }
        text.push_str(" }");
    }
    text.push('\n');
}

fn encoded(text: &str) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::secret::Secret;
    use crate::session::powershell::syntax_errors;
    use crate::session::script::{Platform, Purpose, Script, Value, Values};

    fn bundle() -> Bundle<crate::session::script::Read> {
        let script = |interpreter, context, text: &str| {
            std::sync::Arc::new(Script {
                interpreter,
                context,
                text: text.into(),
                limit: None,
                origin: "test".into(),
            })
        };
        let values = Values::from([
            ("installDir".to_owned(), Value::Plain("C:\\it's \"$(x)\" ä😀".into())),
            ("token".to_owned(), Value::Secret(Secret::new("canary".to_owned()))),
        ]);
        let powershell = script(Interpreter::Powershell, Context::System, "Write-Output 'one'\n");
        let cmd = script(Interpreter::Cmd, Context::User, "ver\n");
        Bundle::new(
            Platform::Windows,
            vec![
                Step::read("one", Purpose::Collect, powershell, values),
                Step::read("two", Purpose::Collect, cmd, Values::new()),
            ],
            BTreeMap::from([("MUSTER_TENANT".to_owned(), "acme".to_owned())]),
        )
    }

    #[test]
    fn the_steps_of_a_bundle_are_calls_with_encoded_data() {
        let body = body(&bundle(), "muster-0");
        assert!(body.contains(FUNCTIONS));
        insta::assert_snapshot!(body.replace(FUNCTIONS, "(functions)\n"));
    }

    #[test]
    fn both_layers_of_the_text_are_powershell() {
        let text = render(&bundle(), "muster-0", "# a comment\n");
        assert!(text.is_ascii());
        assert_eq!(text.trim_end().lines().count(), 2);
        assert!(syntax_errors(&text).is_empty());
        let body = body(&bundle(), "muster-0");
        let errors: Vec<&str> =
            syntax_errors(&body).into_iter().filter_map(|range| body.get(range)).collect();
        assert_eq!(errors, [""; 0]);
    }

    #[test]
    fn parameters_are_ascii_and_mean_the_same() {
        let text = ascii("{\"a\":\"ä😀\\n\"}");
        assert!(text.is_ascii());
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).expect("JSON"),
            serde_json::json!({"a": "ä😀\n"})
        );
    }
}
