//! On which commit a saved plan is applied, and whether what the repository is on wants the same.
//!
//! Not here: whether the computers are still as they were (`plan::compare`, by `apply`).
//!
//! Invariants: the same commit, or another one with the same files, is applied without a question. A commit that the
//! repository is not on any more is applied where its head wants the same of all that the plan does (else exit 7), on the
//! computers that the head itself lists, and where nothing that guards the head refuses it (else exit 6), or where
//! `--rev` names it; never otherwise.

use super::context::{Opened, Shell, SystemClock};
use super::error::CliError;
use super::{planning, safety};
use crate::config::Config;
use crate::config::load::Loaded;
use crate::diagnostic::Findings;
use crate::id::CommitId;
use crate::plan::compare::{Comparison, compare, within};
use crate::plan::document::Plan;
use crate::plan::needs::Refresh;
use crate::policy::judge;
use crate::policy::verdict::{Stage, Verdict};
use crate::report;
use crate::report::style::Line;
use crate::session::prepare::Prepared;
use crate::store::Store;
use crate::time::Clock;

/// What a saved plan is applied on.
#[derive(Debug)]
pub(super) struct Basis {
    /// The revision to read; `None` is the working tree.
    pub rev: Option<String>,
    /// The head that the repository is on, where that is another commit with other files.
    moved: Option<Moved>,
}

#[derive(Debug)]
struct Moved {
    head: CommitId,
    root: std::path::PathBuf,
    loaded: Loaded,
}

/// Finds what a plan is to be applied on. `typed` is what `--rev` names.
///
/// # Errors
/// When `--rev` names another commit (exit 64), or the repository does not have the plan's commit and is on something else
/// (exit 7).
pub(super) fn of(shell: &Shell, plan: &Plan, typed: Option<&str>) -> Result<Basis, CliError> {
    let commit = plan.revision.commit.as_ref().filter(|_| !plan.revision.dirty);
    let Some(commit) = commit else {
        return match typed {
            None => Ok(Basis { rev: None, moved: None }),
            Some(_) => Err(CliError::usage(
                "the plan was made from files that were not committed; --rev names a commit",
            )),
        };
    };
    let exactly = || Ok(Basis { rev: Some(commit.as_str().to_owned()), moved: None });
    if let Some(typed) = typed {
        let named = shell.named_commit(typed)?;
        if named != *commit {
            let message = format!(
                "--rev {typed} is commit {}, and the plan was made of {}",
                short(&named),
                short(commit)
            );
            return Err(CliError::usage(message));
        }
        return exactly();
    }
    let Ok(Some(head)) = shell.commit("HEAD") else { return exactly() };
    if head == *commit {
        return exactly();
    }
    let (root, loaded) = shell.load(Some(head.as_str()))?;
    if plan.revision.content.is_some() && loaded.revision.content == plan.revision.content {
        let said = format!(
            "The plan was made of commit {}; the head {} has the same configuration, and is applied",
            short(commit),
            short(&head)
        );
        shell.ui.status(&Line::new().text(said));
        return Ok(Basis { rev: Some(head.as_str().to_owned()), moved: None });
    }
    if shell.commit(commit.as_str())?.is_some() {
        let moved = Moved { head, root, loaded };
        return Ok(Basis { rev: Some(commit.as_str().to_owned()), moved: Some(moved) });
    }
    let message = format!(
        "the plan was made of commit {}, which this repository does not have; its head {} has another configuration",
        short(commit),
        short(&head)
    );
    Err(CliError::stale(message).hint("make a new plan, or fetch that commit and say --rev"))
}

impl Basis {
    /// That of a run without a saved plan: what `--rev` names, or the working tree.
    pub(super) fn typed(rev: Option<&str>) -> Self {
        Self { rev: rev.map(str::to_owned), moved: None }
    }

    /// The configuration of the head, where that judges the run besides.
    pub(super) fn head(&self) -> Option<&Config> {
        self.moved.as_ref()?.loaded.config.as_ref()
    }

    /// Whether the head wants the same of all that the plan is about to do, and would be allowed to do it, from what is
    /// known now; nothing is contacted.
    ///
    /// # Errors
    /// When it does not, or cannot be read (exit 7, with the difference); when its protections, budgets or guardrails
    /// refuse it (exit 6); when the state fails.
    pub(super) async fn holds(
        self,
        shell: &mut Shell,
        store: &dyn Store,
        control: &crate::session::control::Control,
        fresh: &Plan,
    ) -> Result<(), CliError> {
        let Some(Moved { head, root, loaded }) = self.moved else { return Ok(()) };
        if fresh.sessions.is_empty() {
            return Ok(());
        }
        let commit =
            fresh.revision.commit.as_ref().map_or_else(String::new, |commit| short(commit).to_owned());
        let hint = format!("if that older commit is meant, say --rev {commit}; else make a new plan");
        let Loaded { config, findings, sources, revision, .. } = loaded;
        let Some(config) = config.filter(|_| !findings.has_errors()) else {
            shell.report(&findings, &sources);
            let message = format!(
                "the plan was made of commit {commit}, and the head {} has errors; nothing was done",
                short(&head)
            );
            return Err(CliError::stale(message).hint(hint));
        };
        let opened = Opened { config, revision, root, findings };
        let mut wish = planning::wish_of(fresh.options.clone(), Refresh::Never, true)?;
        // Lists that stand in the repository are the head's own, not those of the plan's commit.
        wish.own_lists = true;
        let links = shell.links(&opened)?;
        let wanted = planning::gather(shell, &opened, &links, store, control, &wish).await?;
        if wanted.findings.has_errors() || wanted.planned.findings.has_errors() {
            shell.report(&wanted.findings, &sources);
            shell.report(&wanted.planned.findings, &sources);
            let message = format!(
                "the plan was made of commit {commit}, and the head {} has errors; nothing was done",
                short(&head)
            );
            return Err(CliError::stale(message).hint(hint));
        }
        let all = compare(fresh, &wanted.planned.plan);
        // What the head wants besides is not this plan's to do.
        let difference = Comparison { added: Vec::new(), ..all };
        if difference.is_same() {
            let (judged, verdicts) = judged(&opened.config, &wanted, fresh);
            let what = format!(
                "the plan was made of commit {commit}, and the head {} would not do the same; nothing was done",
                short(&head)
            );
            if let Some(refusal) = safety::refusal(&opened.config, &judged, &what) {
                shell.report(&verdicts, &sources);
                return Err(refusal.hint(hint));
            }
            let said = format!(
                "The plan was made of commit {commit}; the head {} wants the same of all that it does",
                short(&head)
            );
            shell.ui.status(&Line::new().text(said));
            return Ok(());
        }
        let view = shell.view(false);
        shell.ui.report(|pen| report::compare::write(pen, &difference, &view));
        let message = format!(
            "the plan was made of commit {commit}, and the head {} wants something else; nothing was done",
            short(&head)
        );
        Err(CliError::stale(message).hint(hint))
    }
}

/// What the head wants of that which the plan does, with what its own rules say of it; those that refuse as findings.
fn judged(config: &Config, wanted: &Prepared, fresh: &Plan) -> (Plan, Findings) {
    let mut plan = within(&wanted.planned.plan, fresh);
    plan.verdicts = judge::judge(&judge::Input {
        config,
        snapshot: &wanted.snapshot,
        plan: &plan,
        scope: wanted.limit.as_ref(),
        stage: Stage::Apply,
        now: SystemClock.now(),
        overrides: &fresh.options.overrides,
        protections: &wanted.protections,
    })
    .verdicts;
    let refusing = plan.verdicts.iter().filter(|verdict| verdict.refuses());
    let findings = refusing.filter_map(Verdict::finding).collect();
    (plan, findings)
}

fn short(commit: &CommitId) -> &str {
    commit.as_str().get(..7).unwrap_or(commit.as_str())
}
