//! Asks guardrails about their subjects, and finds what exempts a subject.
//!
//! Invariants: a rule that cannot be judged denies; the number of verdicts of one rule is bounded.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use roaring::RoaringBitmap;

use super::facts::{PlanFacts, Subject};
use super::language::machine::Machine;
use super::verdict::{RuleKind, SetAside, Verdict, Weight};
use crate::config::safety::{Exception, Guardrail};
use crate::id::{ComputerId, Name};

/// The most verdicts of one rule.
pub const MOST: usize = 20;

/// What is asked with.
#[derive(Debug)]
pub struct Court<'a> {
    /// Evaluates.
    pub machine: &'a Machine,
    /// All exceptions.
    pub exceptions: &'a BTreeMap<Name, Exception>,
    /// The present day in the instance's time zone.
    pub today: Date,
    /// The plan, where there is one.
    pub plan: Option<&'a PlanFacts<'a>>,
    /// The computers that exceptions name.
    pub named: &'a Named<'a>,
}

/// The computers that exceptions name.
#[derive(Debug, Default)]
pub struct Named<'a> {
    /// The computer of the plan behind a word that fits one computer only.
    one: BTreeMap<&'a str, u32>,
    /// Words by all computers that they fit.
    pub all: BTreeMap<&'a str, BTreeSet<&'a ComputerId>>,
}

impl<'a> Named<'a> {
    /// Looks up what all exceptions name.
    #[must_use]
    pub fn new(exceptions: &'a BTreeMap<Name, Exception>, plan: &PlanFacts<'a>) -> Self {
        let words = exceptions.values().flat_map(|exception| &exception.computers).map(String::as_str);
        let all = plan.called(&words.collect());
        let single = all.iter().filter(|(_, ids)| ids.len() == 1);
        let one = single.filter_map(|(word, ids)| Some((*word, plan.planned(ids.first()?)?))).collect();
        Self { one, all }
    }
}

/// What a rule says of all its subjects, and the exceptions that it came across.
#[derive(Debug, Default)]
pub struct Said {
    /// What it says.
    pub verdicts: Vec<Verdict>,
    /// Exceptions, expired or not, for something that it denies.
    pub used: BTreeSet<Name>,
}

impl Court<'_> {
    /// Asks one guardrail about its subjects.
    #[must_use]
    pub fn ask(&self, guardrail: &Guardrail, weight: Weight, subjects: &[Subject]) -> Said {
        let mut said = Said::default();
        // Computers that are told the same are told together.
        let mut together: BTreeMap<(String, Option<Name>, bool), RoaringBitmap> = BTreeMap::new();
        for subject in subjects {
            let message = match guardrail.rule.denies(self.machine, &subject.facts) {
                Ok(None) => continue,
                Ok(Some(message)) => message,
                Err(error) => format!("it could not be judged: {error}"),
            };
            if guardrail.rule.subject == crate::config::kind::Subject::Computer {
                for (by, expired, computers) in self.parts(&guardrail.metadata.name, subject) {
                    said.used.extend(by.cloned());
                    *together.entry((message.clone(), by.cloned(), expired)).or_default() |= computers;
                }
                continue;
            }
            let exception = self.exempt(&guardrail.metadata.name, subject);
            let mut verdict = Self::verdict(guardrail, weight, subject.label.clone(), message);
            verdict.about.clone_from(&subject.about);
            self.apply(&mut verdict, exception, &mut said);
            said.verdicts.push(verdict);
        }
        for ((message, by, _), computers) in together {
            let exception = by.as_ref().and_then(|name| self.exceptions.get(name));
            let mut verdict = Self::verdict(guardrail, weight, self.label(&computers), message);
            self.apply(&mut verdict, exception, &mut said);
            said.verdicts.push(verdict);
        }
        bound(&mut said.verdicts);
        said
    }

    fn verdict(guardrail: &Guardrail, weight: Weight, subject: String, message: String) -> Verdict {
        Verdict {
            kind: RuleKind::Guardrail,
            rule: guardrail.metadata.name.to_string(),
            weight,
            subject,
            message,
            help: guardrail.help.clone(),
            place: Some(guardrail.place.clone()),
            about: None,
            set_aside: None,
            expired: None,
        }
    }

    fn apply(&self, verdict: &mut Verdict, exception: Option<&Exception>, said: &mut Said) {
        let Some(exception) = exception else { return };
        let name = exception.metadata.name.clone();
        said.used.insert(name.clone());
        if self.is_expired(exception) {
            verdict.message =
                format!("{} (exception {name} expired on {})", verdict.message, exception.expires);
            verdict.expired = Some(name);
        } else {
            verdict.set_aside = Some(SetAside::Exception {
                name,
                owner: exception.owner.to_string(),
                reason: exception.reason.to_string(),
                expires: exception.expires.to_string(),
            });
        }
    }

    /// Whether an exception does not hold any more.
    #[must_use]
    pub fn is_expired(&self, exception: &Exception) -> bool {
        exception.expires < self.today
    }

    /// The exception for a whole subject; one that still holds before one that has expired.
    fn exempt(&self, guardrail: &Name, subject: &Subject) -> Option<&Exception> {
        let fitting: Vec<&Exception> = self
            .of(guardrail)
            .filter(|exception| Self::fits(exception, subject))
            .filter(|exception| {
                exception.computers.is_empty() || {
                    let some = !subject.computers.is_empty();
                    some && self.covered(exception, &subject.computers).len() == subject.computers.len()
                }
            })
            .collect();
        let valid = fitting.iter().find(|exception| !self.is_expired(exception));
        valid.or(fitting.first()).copied()
    }

    /// The computers of a subject by the exception that is for them, and whether that has expired.
    fn parts(&self, guardrail: &Name, subject: &Subject) -> Vec<(Option<&Name>, bool, RoaringBitmap)> {
        let mut rest = subject.computers.clone();
        let mut parts = Vec::new();
        for expired in [false, true] {
            for exception in self.of(guardrail).filter(|exception| self.is_expired(exception) == expired) {
                if !Self::fits(exception, subject) {
                    continue;
                }
                let covered = self.covered(exception, &rest);
                if !covered.is_empty() {
                    rest -= &covered;
                    parts.push((Some(&exception.metadata.name), expired, covered));
                }
            }
        }
        if !rest.is_empty() {
            parts.push((None, false, rest));
        }
        parts
    }

    fn of(&self, guardrail: &Name) -> impl Iterator<Item = &Exception> {
        self.exceptions.values().filter(move |exception| exception.guardrail == *guardrail)
    }

    /// Whether all lists but that of computers hold the subject.
    fn fits(exception: &Exception, subject: &Subject) -> bool {
        let deployments = exception.deployments.is_empty()
            || subject.deployment.as_ref().is_some_and(|name| exception.deployments.contains(name));
        let items = exception.items.is_empty()
            || subject.item.as_ref().is_some_and(|item| exception.items.contains(item));
        let tenants = exception.tenants.is_empty()
            || (!subject.tenants.is_empty()
                && subject.tenants.iter().all(|t| t.as_ref().is_some_and(|t| exception.tenants.contains(t))));
        deployments && items && tenants
    }

    /// Those of the computers that an exception names; all where it names none. What fits several computers names none.
    fn covered(&self, exception: &Exception, computers: &RoaringBitmap) -> RoaringBitmap {
        if exception.computers.is_empty() {
            return computers.clone();
        }
        let named = exception.computers.iter().filter_map(|word| self.named.one.get(word.as_str()));
        named.copied().filter(|at| computers.contains(*at)).collect()
    }

    fn label(&self, computers: &RoaringBitmap) -> String {
        const SHOWN: usize = 3;
        let Some(plan) = self.plan else { return String::new() };
        let some: RoaringBitmap = computers.iter().take(SHOWN).collect();
        let names = plan.names(&some);
        let more = computers.len() - some.len();
        match (names.as_slice(), more) {
            ([one], 0) => format!("computer {one}"),
            (names, 0) => format!("computers {}", names.join(", ")),
            (names, more) => format!("computers {} and {more} more", names.join(", ")),
        }
    }
}

/// Keeps the first verdicts, those that refuse before the others, and counts the rest.
fn bound(verdicts: &mut Vec<Verdict>) {
    if verdicts.len() <= MOST {
        return;
    }
    verdicts.sort_by_key(|verdict| (!verdict.refuses(), verdict.set_aside.is_some()));
    let rest = verdicts.split_off(MOST - 1);
    let Some(first) = rest.first() else { return };
    let all = rest.len();
    let refusing = rest.iter().filter(|verdict| verdict.refuses()).count();
    let open = rest.iter().filter(|verdict| verdict.set_aside.is_none()).count();
    let mut summary = first.clone();
    summary.subject = format!("{all} more");
    summary.message = match (refusing, open) {
        (0, 0) => format!("{all} more are set aside"),
        (0, open) => format!("{open} more are warned of"),
        (refusing, _) => format!("{refusing} more are denied"),
    };
    summary.about = None;
    verdicts.push(summary);
}
