//! Saved plans: read strictly, so that a plan that was cut off, edited or made by another release is not executed.

#![expect(clippy::disallowed_methods, reason = "reads the plan file that the user named")]

use std::path::Path;

use super::error::CliError;
use crate::plan::digest;
use crate::plan::document::{FORMAT, Plan};

/// No plan file is larger than this; a plan of a million changes has about 300 MB.
const LIMIT: u64 = 1 << 30;

/// Reads a saved plan.
///
/// # Errors
/// When it cannot be read, is not a plan of this release, or its digest does not fit (exit 3).
pub(super) fn read(path: &Path) -> Result<Plan, CliError> {
    let size = std::fs::metadata(path).map_err(|error| CliError::io("read", path, error))?.len();
    if size > LIMIT {
        return Err(CliError::invalid(format!("{} is too large to be a plan", path.display())));
    }
    let text = std::fs::read_to_string(path).map_err(|error| CliError::io("read", path, error))?;
    parse(&text).map_err(|why| {
        CliError::invalid(format!("{} cannot be used: {why}", path.display()))
            .hint("make a new one with: muster plan --out FILE")
    })
}

fn parse(text: &str) -> Result<Plan, String> {
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|error| format!("it is not whole JSON ({error})"))?;
    match value.get("format").and_then(serde_json::Value::as_str) {
        Some(FORMAT) => {}
        Some(other) => return Err(format!("it has the form {other}, and this release reads {FORMAT}")),
        None => return Err("it is not a plan".to_owned()),
    }
    let plan: Plan = serde_json::from_value(value).map_err(|error| format!("it is not a plan ({error})"))?;
    if !digest::is_intact(&plan) {
        return Err("its content does not fit its digest; it was changed after it was made".to_owned());
    }
    consistent(&plan)?;
    Ok(plan)
}

/// Every position points at something.
fn consistent(plan: &Plan) -> Result<(), String> {
    let within = |position: u32, length: usize| usize::try_from(position).is_ok_and(|at| at < length);
    let computers = plan.computers.len();
    let good = plan.changes.iter().all(|change| change.computers.iter().all(|at| within(*at, computers)))
        && plan.sessions.iter().all(|session| {
            within(session.computer, computers)
                && session.actions.iter().enumerate().all(|(number, action)| {
                    within(action.change, plan.changes.len())
                        && action.after.iter().all(|at| within(*at, number))
                })
        });
    if good { Ok(()) } else { Err("it points at computers or changes that it does not have".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn what_is_not_a_plan_says_why() {
        for (text, why) in [
            ("", "not whole JSON"),
            ("{", "not whole JSON"),
            ("[]", "it is not a plan"),
            (r#"{"format":"muster.plan/v9"}"#, "muster.plan/v9"),
            (r#"{"format":"muster.plan/v1"}"#, "it is not a plan"),
        ] {
            let message = parse(text).expect_err(text);
            assert!(message.contains(why), "{text:?}: {message}");
        }
    }
}
