//! What a plan is of and what it is limited to, in words: the head of every report that people read.
//!
//! Not here: how it looks.

use crate::id::{CommitId, Name};
use crate::plan::document::Plan;
use crate::report::terms;

/// What a plan was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About<'a> {
    /// The instance.
    pub instance: &'a str,
    /// The first digits of the commit; nothing where there is no git.
    pub commit: Option<&'a str>,
    /// The first line of what the commit says.
    pub subject: Option<&'a str>,
    /// Whether the working tree differs from the commit.
    pub dirty: bool,
    /// What the run is limited to, a phrase each.
    pub limits: Vec<String>,
    /// That the plan is not to be executed, as it shows what another mode would do.
    pub hypothetical: Option<String>,
}

/// Works it out.
#[must_use]
pub fn about(plan: &Plan) -> About<'_> {
    let options = &plan.options;
    let mut limits = Vec::new();
    limits.extend(options.schedule.as_ref().map(|name| format!("the run of schedule {name}")));
    if !options.only.is_empty() {
        limits.push(format!("limited to {}", options.only.join(" ")));
    }
    if !options.deployments.is_empty() {
        let named: Vec<&str> = options.deployments.iter().map(Name::as_str).collect();
        let forced = if options.force_deployments { ", also where others win" } else { "" };
        limits.push(format!("only what these deployments say: {}{forced}", named.join(", ")));
    }
    if !options.repairs.is_empty() {
        let named: Vec<&str> = options.repairs.iter().map(Name::as_str).collect();
        limits.push(format!("repairs what is there of: {}", named.join(", ")));
    }
    if options.no_reboot {
        limits.push("nothing that may restart a computer".to_owned());
    }
    limits.extend(options.mode.map(|mode| format!("at most {mode}")));
    About {
        instance: plan.instance.as_str(),
        commit: plan
            .revision
            .commit
            .as_ref()
            .map(CommitId::as_str)
            .map(|commit| commit.get(..7).unwrap_or(commit)),
        subject: plan.revision.subject.as_deref().map(terms::first_line),
        dirty: plan.revision.dirty,
        limits,
        hypothetical: options.hypothetical.map(|mode| {
            format!("as if {mode} stood in place of more cautious modes; this plan is not applied")
        }),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::kind::Mode;
    use crate::report::View;
    use crate::report::formats::Format;
    use crate::report::model::Model;
    use crate::report::sample::{five_kinds, name, run};
    use crate::report::style::Plain;

    #[test]
    fn every_form_for_people_says_what_a_plan_is_limited_to() {
        let mut plan = five_kinds(10);
        plan.revision.dirty = true;
        plan.options.only = vec!["tenant:contoso".to_owned()];
        plan.options.deployments = vec![name("seven-zip")];
        plan.options.force_deployments = true;
        plan.options.mode = Some(Mode::Audit);
        plan.options.hypothetical = Some(Mode::Enforce);
        let mut texts = Vec::new();
        for format in [Format::Markdown, Format::Html] {
            let mut out = Vec::new();
            format.write(&mut out, &Model::of(run(Some(&plan)))).expect("memory");
            texts.push(String::from_utf8(out).expect("UTF-8"));
        }
        let mut out = Vec::new();
        let view = View { width: usize::MAX, ..View::default() };
        crate::report::plan::write(&mut Plain(&mut out), &plan, &view).expect("memory");
        texts.push(String::from_utf8(out).expect("UTF-8"));
        for text in texts {
            for part in [
                "with uncommitted changes",
                "limited to tenant:contoso",
                "only what these deployments say: seven-zip, also where others win",
                "at most audit",
                "as if enforce stood in place of more cautious modes; this plan is not applied",
            ] {
                assert!(text.contains(part), "{part}: {}", text.chars().take(3000).collect::<String>());
            }
        }
    }
}
