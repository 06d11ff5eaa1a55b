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
/// When there is no such file (exit 64), it cannot be read, is not a plan of this release, or its digest does not fit
/// (exit 3).
pub(super) fn read(path: &Path) -> Result<Plan, CliError> {
    let size = std::fs::metadata(path).map_err(|error| CliError::named(path, error))?.len();
    if size > LIMIT {
        return Err(CliError::invalid(format!("{} is too large to be a plan", path.display())));
    }
    let text = std::fs::read_to_string(path).map_err(|error| CliError::named(path, error))?;
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
    use serde_json::Value;

    use super::parse;
    use crate::config::kind::{Mode, ParameterValue};
    use crate::inventory::item::{FieldChange, Observed};
    use crate::plan::digest;
    use crate::plan::document::Plan;
    use crate::policy::verdict::{Override, SetAside};
    use crate::report::sample::{
        five_kinds, name, place, present, with_memberships, with_notes, with_verdicts,
    };

    /// A plan in which every object that a plan can have is there.
    fn full() -> Plan {
        let mut plan = with_notes(with_verdicts(with_memberships(five_kinds(30), 4)), 2);
        let field = FieldChange { field: "mode".to_owned(), ..FieldChange::default() };
        let befores = [
            present("1.0"),
            Observed::NonCompliant { detail: String::new(), fields: vec![field] },
            Observed::Value { value: "x".to_owned() },
            Observed::Undetermined { why: "x".to_owned() },
        ];
        for (change, before) in plan.changes.iter_mut().zip(befores) {
            change.before = before;
        }
        let texts = ParameterValue::KeyValue([("a".to_owned(), "b".to_owned())].into());
        plan.changes[0].parameters.insert("texts".to_owned(), texts);
        plan.verdicts[1].about = Some(place("x.yaml", 1));
        plan.verdicts[2].set_aside = Some(SetAside::Exception {
            name: name("x"),
            owner: "x".to_owned(),
            reason: "x".to_owned(),
            expires: "2030-01-01".to_owned(),
        });
        plan.options.mode = Some(Mode::Audit);
        plan.options.overrides = vec![Override { rule: "removals".to_owned(), reason: "x".to_owned() }];
        plan.digest = digest::of_plan(&plan);
        plan
    }

    /// The pointers of all objects within a value.
    fn objects(value: &Value, path: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                found.push(path.to_owned());
                for (key, member) in members {
                    objects(member, &format!("{path}/{key}"), found);
                }
            }
            Value::Array(list) => {
                for (at, member) in list.iter().enumerate() {
                    objects(member, &format!("{path}/{at}"), found);
                }
            }
            _ => {}
        }
    }

    #[test]
    fn a_key_that_plans_do_not_have_is_refused_at_every_object() {
        let plan = serde_json::to_value(full()).expect("JSON");
        parse(&plan.to_string()).expect("as it is, it can be used");
        let mut found = Vec::new();
        objects(&plan, "", &mut found);
        let kinds = [
            "before/present",
            "after/present",
            "nonCompliant/fields/0",
            "place",
            "about",
            "setAside/exception",
        ];
        for kind in kinds.map(|kind| kind.replace("nonCompliant", "non-compliant")) {
            assert!(found.iter().any(|path| path.ends_with(&kind)), "{kind} is in {found:?}");
        }
        assert!(found.len() > 150, "{}", found.len());
        for path in found {
            let mut more = plan.clone();
            let object = more.pointer_mut(&path).and_then(Value::as_object_mut).expect("an object");
            object.insert("zzz".to_owned(), Value::from("zzz"));
            // The digest is over what is read: where the key is not read, it fits, and only the reader can refuse it.
            let read = serde_json::from_value::<Plan>(more.clone());
            let are_names = ["/parameters", "/parameters/texts"].iter().any(|end| path.ends_with(end));
            assert_eq!(read.is_ok(), are_names, "{path}");
            assert!(parse(&more.to_string()).is_err(), "{path}");
        }
    }

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
