//! The forms of a report that `--report` writes: their names, and which renderer each has.

use std::io::{self, Write};

use serde_json::json;

use super::model::Model;
use super::{diagnostic, github, gitlab, html, json, junit, markdown, sarif};

/// A form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// The plan as JSON; without a plan, the findings.
    Json,
    /// A comment on a pull request.
    Markdown,
    /// A page that needs nothing else.
    Html,
    /// SARIF 2.1.0.
    Sarif,
    /// JUnit XML.
    Junit,
    /// GitHub's workflow commands.
    Github,
    /// GitLab's code quality report.
    GitlabCodequality,
    /// The numbers of GitLab's Terraform widget.
    GitlabTerraform,
}

impl Format {
    /// All of them, in the order of the help.
    pub const ALL: [Self; 8] = [
        Self::Json,
        Self::Markdown,
        Self::Html,
        Self::Sarif,
        Self::Junit,
        Self::Github,
        Self::GitlabCodequality,
        Self::GitlabTerraform,
    ];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::Github => "github",
            Self::GitlabCodequality => "gitlab-codequality",
            Self::GitlabTerraform => "gitlab-terraform",
        }
    }

    /// The form of that name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// All names, for messages.
    #[must_use]
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// Writes a run in this form.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write(self, out: &mut dyn Write, model: &Model<'_>) -> io::Result<()> {
        match (self, model.run.plan) {
            (Self::Json, Some(plan)) => json::plan(out, plan),
            (Self::Json, None) => {
                let found = diagnostic::json(model.run.findings, model.run.sources);
                let value = json!({
                    "valid": !model.run.findings.has_errors(),
                    "errors": found.errors,
                    "warnings": found.warnings,
                    "findings": found.findings,
                });
                json::document(out, "findings", &value)
            }
            (Self::Markdown, _) => markdown::write(out, model),
            (Self::Html, _) => html::write(out, model),
            (Self::Sarif, _) => sarif::write(out, model),
            (Self::Junit, _) => junit::write(out, model),
            (Self::Github, _) => github::write(out, model),
            (Self::GitlabCodequality, _) => gitlab::code_quality(out, model),
            (Self::GitlabTerraform, _) => gitlab::terraform(out, model),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{five_kinds, run, with_notes};

    #[test]
    fn every_form_has_a_name_of_its_own_and_writes_the_same_bytes_twice() {
        let plan = with_notes(five_kinds(50), 3);
        for format in Format::ALL {
            assert_eq!(Format::find(format.name()), Some(format));
            for plan in [Some(&plan), None] {
                let text = || {
                    let mut out = Vec::new();
                    format.write(&mut out, &Model::of(run(plan))).expect("memory");
                    String::from_utf8(out).expect("UTF-8")
                };
                assert_eq!(text(), text(), "{format:?}");
                // Without anything to remark there is nothing to annotate.
                assert!(format == Format::Github || text().ends_with('\n'), "{format:?}");
            }
        }
        assert_eq!(Format::find("pdf"), None);
    }
}
