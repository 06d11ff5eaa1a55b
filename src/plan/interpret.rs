//! What the results of a probe mean.
//!
//! Invariants: anything that is not a clear answer is undetermined, with the reason (L7); what is kept is bounded.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::inventory::{self, Found, Matcher};
use super::probes::OF_VERSION;
use super::procedure::Probe;
use crate::config::Config;
use crate::config::kind::{ParameterValue, VersionScheme};
use crate::config::model::{Detect, Software};
use crate::config::resource;
use crate::id::Name;
use crate::inventory::facts::Facts;
use crate::inventory::item::{ItemKind, Observed};
use crate::session::script::{Ended, Purpose, StepResult};
use crate::version;

/// How many characters of a detail, value or reason are kept.
const KEEP: usize = 2000;

/// Why an answer that was cut tells nothing, whatever stands at the end of what is left of it.
const CUT: &str = "its output was cut, so its last line is not known";

/// Reads results of probes; patterns are made ready once.
#[derive(Debug)]
pub struct Interpreter<'c> {
    config: &'c Config,
    matchers: BTreeMap<&'c Name, Matcher>,
}

impl<'c> Interpreter<'c> {
    /// For all software of a configuration.
    #[must_use]
    pub fn new(config: &'c Config) -> Self {
        let matchers = config.software.iter().map(|(name, software)| (name, Matcher::new(&software.detect)));
        Self { config, matchers: matchers.collect() }
    }

    /// What a probe found: from the results of its steps, by position, and from the computer's facts.
    #[must_use]
    pub fn interpret(
        &self,
        probe: &Probe,
        results: &BTreeMap<usize, StepResult>,
        facts: Option<&Facts>,
    ) -> Observed {
        if !probe.applicable {
            return Observed::NotApplicable;
        }
        if probe.remembered {
            return not_run();
        }
        match probe.item.kind {
            ItemKind::Task => task(probe, results),
            // What the provider says does not come with the scripts' answers.
            ItemKind::OsUpdates => Observed::Undetermined { why: "no provider was asked".to_owned() },
            ItemKind::Software => {
                match (self.config.software.get(&probe.item.name), self.matchers.get(&probe.item.name)) {
                    (Some(found), Some(matcher)) => software(found, matcher, probe, results, facts),
                    _ => Observed::NotApplicable,
                }
            }
        }
    }
}

/// What is so of a task that is set once, before it was.
#[must_use]
pub fn not_run() -> Observed {
    Observed::non_compliant("it has not run yet")
}

/// What one probe found. For many of them an [`Interpreter`] is cheaper.
#[must_use]
pub fn interpret(
    config: &Config,
    probe: &Probe,
    results: &BTreeMap<usize, StepResult>,
    facts: Option<&Facts>,
) -> Observed {
    let known = config.software.get_key_value(&probe.item.name);
    let matchers = known.map(|(name, software)| (name, Matcher::new(&software.detect))).into_iter().collect();
    Interpreter { config, matchers }.interpret(probe, results, facts)
}

fn software(
    software: &Software,
    matcher: &Matcher,
    probe: &Probe,
    results: &BTreeMap<usize, StepResult>,
    facts: Option<&Facts>,
) -> Observed {
    let step = |wanted: fn(&Purpose) -> bool| {
        probe.steps.iter().position(|step| wanted(&step.purpose)).map(|ix| results.get(&ix))
    };
    let found = if matches!(software.detect, Detect::Script(_)) {
        match step(|purpose| matches!(purpose, Purpose::DetectSoftware { .. })).flatten() {
            None => return Observed::Undetermined { why: "its detection script gave no result".to_owned() },
            Some(result) => match script_version(result) {
                Err(why) => return Observed::Undetermined { why },
                Ok(found) => found,
            },
        }
    } else {
        match facts {
            None => Found::Unknown("the computer's inventory is not known"),
            Some(facts) => inventory::find(matcher, software.scheme, facts),
        }
    };
    let version = match found {
        Found::Unknown(why) => return Observed::Undetermined { why: why.to_owned() },
        Found::OtherManager => return Observed::NotApplicable,
        Found::Absent => return Observed::Absent,
        Found::Present(version) => version,
    };
    let release = version.as_deref().and_then(|version| software.release(version));
    let test = |of: Option<&str>| {
        probe.steps.iter().position(|step| {
            matches!(step.purpose, Purpose::TestSoftware { .. })
                && step.environment.get(OF_VERSION).map(String::as_str) == of
        })
    };
    let own = release.and_then(|release| test(Some(&release.version)));
    let healthy = match own.or_else(|| test(None)).map(|ix| results.get(&ix)) {
        Some(Some(result)) if result.ended == Ended::Exit(0) && !result.cut => {
            verdict(&result.stdout).map(|(truth, _)| truth)
        }
        _ => None,
    };
    Observed::Present { version, healthy }
}

fn script_version(result: &StepResult) -> Result<Found, String> {
    if result.ended != Ended::Exit(0) {
        return Err(why(result));
    }
    if result.cut {
        return Err(CUT.to_owned());
    }
    if result.stdout.trim().is_empty() {
        return Ok(Found::Absent);
    }
    match result.stdout.lines().rev().map(str::trim).find(|line| looks_like_version(line)) {
        Some(version) => Ok(Found::Present(Some(bounded(version)))),
        None => Err("its detection script printed something that is not a version".to_owned()),
    }
}

/// Whether a line is a version and nothing else: digits first (a `v` may stand before them), no spaces.
fn looks_like_version(line: &str) -> bool {
    let digits = line.strip_prefix(['v', 'V']).unwrap_or(line);
    line.len() <= 100
        && digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_alphanumeric() || ".-+~:_".contains(c))
}

fn task(probe: &Probe, results: &BTreeMap<usize, StepResult>) -> Observed {
    let Some((ix, step)) = probe.steps.iter().enumerate().next_back() else {
        return Observed::NotApplicable;
    };
    let Some(result) = results.get(&ix) else {
        return Observed::Undetermined { why: "its script gave no result".to_owned() };
    };
    if result.ended != Ended::Exit(0) {
        return Observed::Undetermined { why: why(result) };
    }
    if result.cut {
        return Observed::Undetermined { why: CUT.to_owned() };
    }
    if matches!(step.purpose, Purpose::GetTask { .. }) {
        let value = resource::report::values(&result.stdout);
        return Observed::Value { value: bounded(value.trim_end()) };
    }
    match verdict(&result.stdout) {
        Some((true, _)) => Observed::Compliant,
        Some((false, before)) => {
            let content = match step.parameters.get(resource::CONTENT) {
                Some(ParameterValue::File(file)) => file.content.as_deref(),
                _ => None,
            };
            let (detail, fields) = resource::report::read(before, content);
            Observed::NonCompliant { detail: bounded(detail.trim()), fields }
        }
        None => {
            Observed::Undetermined { why: "the last line of its output is neither true nor false".to_owned() }
        }
    }
}

/// The last line that is not empty, if it is `true` or `false` (in any case, as PowerShell prints `True`), and what
/// stands before it.
fn verdict(output: &str) -> Option<(bool, &str)> {
    let output = output.trim_end();
    let (before, last) = output.rsplit_once('\n').unwrap_or(("", output));
    let last = last.trim();
    if last.eq_ignore_ascii_case("true") {
        Some((true, before))
    } else if last.eq_ignore_ascii_case("false") {
        Some((false, before))
    } else {
        None
    }
}

/// Why a step that did not exit with 0 tells nothing.
fn why(result: &StepResult) -> String {
    let first = result.stderr.lines().map(str::trim).find(|line| !line.is_empty());
    let said = first.map_or_else(String::new, |line| format!(": {line}"));
    bounded(&match &result.ended {
        Ended::Exit(code) => format!("its script ended with exit code {code}{said}"),
        Ended::TimedOut => format!("its script passed its time limit{said}"),
        Ended::NotStarted(why) => format!("its script did not start: {why}"),
        Ended::Busy => "another change is under way on the computer".to_owned(),
        Ended::NoUser => "its script runs as the signed-in user, and nobody is signed in".to_owned(),
        Ended::Skipped => "its script was left out, as an earlier one failed".to_owned(),
        Ended::Lost => "the answer broke off before its result".to_owned(),
    })
}

fn bounded(text: &str) -> String {
    match text.char_indices().nth(KEEP) {
        Some((at, _)) => format!("{} …", &text[..at]),
        None => text.to_owned(),
    }
}

/// Which of two versions is newer; one that the scheme cannot read comes first.
pub(super) fn newer(scheme: VersionScheme, a: &str, b: &str) -> Ordering {
    version::compare(scheme, a, b).unwrap_or_else(|_| {
        let reads = |text: &str| version::check(scheme, text).is_ok();
        reads(a).cmp(&reads(b)).then_with(|| a.cmp(b))
    })
}
