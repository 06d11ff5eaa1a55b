//! Budgets, business hours, protections, guardrails with their tests, and exceptions.
//!
//! Invariant: what is wrong inside an expression is shown at its own place inside the text that stands in the file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use super::{Checker, by_name};
use crate::config::document::{Document, Documents};
use crate::config::kind::{
    AllowanceSpec, BudgetKinds, BusinessHours, ExceptionSpec, GuardrailSpec, GuardrailTestSpec, InstanceSpec,
    ItemRef, Kind, StageEffect, Subject, Weekday,
};
use crate::config::parse::RawDocument;
use crate::config::safety::{
    Allowance, Budget, BudgetKind, Budgets, Exception, Guardrail, Hours, PROTECTION, ProtectedKey,
    ProtectedKind, Rule, Safety, Zone, budget_names,
};
use crate::config::{shipped, spanned};
use crate::diagnostic::{Finding, Place, code, nearest};
use crate::id::Name;
use crate::policy::language::cases;
use crate::policy::language::compile::{Expression, Problem, Wanted, compile};
use crate::policy::language::template::Template;

/// The working week, unless hours say otherwise.
const WORKING_DAYS: [Weekday; 5] =
    [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];

impl<'a> Checker<'a> {
    pub(super) fn safety(&mut self, documents: &'a Documents) -> Safety {
        let mut safety = Safety::default();
        if let Some(instance) = documents.instances.first() {
            self.begin(instance);
            self.of_instance(instance, &mut safety);
        }
        for tenant in &documents.tenants {
            self.begin(tenant);
            if let Some(hours) = &tenant.spec.business_hours
                && let Some(hours) = self.hours(&tenant.raw, hours, &safety.zone.0)
            {
                safety.tenant_hours.entry(tenant.name().clone()).or_insert(hours);
            }
        }
        let mut protect = |kind, name: &Name, raw: &RawDocument| {
            let key = ProtectedKey { kind, name: name.clone() };
            safety.protected.entry(key).or_insert_with(|| raw.key_place("/spec/protect"));
        };
        for document in documents.tenants.iter().filter(|document| document.spec.protect) {
            protect(ProtectedKind::Tenant, document.name(), &document.raw);
        }
        for document in documents.computers.iter().filter(|document| document.spec.protect) {
            protect(ProtectedKind::Computer, document.name(), &document.raw);
        }
        for document in documents.deployments.iter().filter(|document| document.spec.protect) {
            protect(ProtectedKind::Deployment, document.name(), &document.raw);
        }
        for document in documents.deployments.iter().filter(|document| document.spec.protect) {
            self.begin(document);
            if document.spec.software.is_none() {
                let message = "only the deployment of a software can be protected";
                let place = document.raw.key_place("/spec/protect");
                let finding = Finding::new(code::SETTING, message, place);
                self.push(finding.help("nothing is uninstalled for a task; take `protect` out"));
            }
        }
        for document in &documents.guardrails {
            self.begin(document);
            if let Some(guardrail) = self.guardrail(document) {
                safety.guardrails.entry(document.name().clone()).or_insert(guardrail);
            }
        }
        for document in &documents.guardrail_tests {
            self.begin(document);
            self.guardrail_test(document, &safety.guardrails);
        }
        let subjects: BTreeMap<&Name, Subject> = by_name(&documents.guardrails)
            .into_iter()
            .map(|(name, found)| (name, found.spec.r#for))
            .collect();
        for document in &documents.exceptions {
            self.begin(document);
            if let Some(exception) = self.exception(document, &subjects) {
                safety.exceptions.entry(document.name().clone()).or_insert(exception);
            }
        }
        safety
    }

    fn of_instance(&mut self, document: &Document<InstanceSpec>, safety: &mut Safety) {
        let Document { raw, spec, .. } = document;
        let zones = jiff::tz::TimeZoneDatabase::bundled();
        if let Some(zone) = spec.time_zone.as_ref().and_then(|zone| zones.get(zone).ok()) {
            safety.zone = Zone(zone);
        }
        if let Some(hours) = &spec.business_hours {
            safety.hours = self.hours(raw, hours, &safety.zone.0);
        }
        if let Some(budgets) = &spec.budgets {
            let Budgets { per_run, per_tenant } = &mut safety.budgets;
            self.budgets(raw, "/spec/budgets/perRun", budgets.per_run.as_ref(), per_run);
            self.budgets(raw, "/spec/budgets/perTenant", budgets.per_tenant.as_ref(), per_tenant);
        }
        for (at, name) in spec.guardrails.iter().enumerate() {
            if shipped::text(name.as_str()).is_some() {
                continue;
            }
            let message = format!("no guardrail `{name}` is shipped with Muster");
            let finding =
                Finding::new(code::UNKNOWN_REFERENCE, message, raw.place(&format!("/spec/guardrails/{at}")));
            let own = self.is_declared(Kind::Guardrail, name);
            self.push(match nearest(name.as_str(), shipped::names()) {
                _ if own => {
                    finding.help("the repository's own guardrails hold without being listed; take it out")
                }
                Some(near) => finding.help(format!("did you mean `{near}`?")),
                None => {
                    finding.help(format!("there are {}", shipped::names().collect::<Vec<_>>().join(", ")))
                }
            });
        }
    }

    fn budgets(
        &mut self,
        raw: &RawDocument,
        pointer: &str,
        given: Option<&BudgetKinds>,
        budgets: &mut BTreeMap<BudgetKind, Budget>,
    ) {
        let Some(given) = given else { return };
        let kinds = [
            (BudgetKind::Computers, &given.computers),
            (BudgetKind::Removals, &given.removals),
            (BudgetKind::Reboots, &given.reboots),
            (BudgetKind::Interruptions, &given.interruptions),
        ];
        for (kind, spec) in kinds {
            let Some(spec) = spec else { continue };
            let pointer = format!("{pointer}/{}", kind.as_str());
            if let Some(allowance) = self.allowance(raw, &pointer, spec) {
                budgets.insert(kind, Budget { allowance, place: Some(raw.key_place(&pointer)) });
            }
        }
    }

    fn allowance(&mut self, raw: &RawDocument, pointer: &str, spec: &AllowanceSpec) -> Option<Allowance> {
        let keys = [
            ("count", spec.count.is_some()),
            ("percent", spec.percent.is_some()),
            ("unlimited", spec.unlimited.is_some()),
        ];
        if !self.exactly_one(raw, pointer, &keys) {
            return None;
        }
        self.within(raw, &format!("{pointer}/percent"), spec.percent, 0, 100);
        if spec.minimum.is_some() && spec.percent.is_none() {
            let place = raw.key_place(&format!("{pointer}/minimum"));
            self.report(code::SETTING, "`minimum` belongs to `percent`", place);
        }
        if spec.percent == Some(0) && spec.minimum.is_none() {
            let place = raw.place(&format!("{pointer}/percent"));
            let message = "0 percent without a `minimum` allows 1, which is the default minimum";
            let finding = Finding::new(code::BUDGET_MINIMUM, message, place);
            self.push(finding.help("write `count: 0` to allow none, or `minimum: 1`"));
        }
        if spec.unlimited == Some(false) {
            let place = raw.place(&format!("{pointer}/unlimited"));
            let finding = Finding::new(code::INVALID_VALUE, "`unlimited` can only be true", place);
            self.push(finding.help("write `count: 0` to allow none"));
        }
        Some(match (spec.count, spec.percent) {
            (Some(count), _) => Allowance::Count(count),
            (None, Some(percent)) => Allowance::Percent { percent, minimum: spec.minimum.unwrap_or(1) },
            (None, None) => Allowance::Unlimited,
        })
    }

    fn hours(&mut self, raw: &RawDocument, hours: &BusinessHours, zone: &TimeZone) -> Option<Hours> {
        let pointer = "/spec/businessHours";
        let mut time = |key: &str, text: &str| {
            let time = clock(text);
            if time.is_none() {
                let message = format!("{text:?} is not a time of the day");
                let finding =
                    Finding::new(code::INVALID_VALUE, message, raw.place(&format!("{pointer}/{key}")));
                self.push(finding.help("write hours and minutes: '08:00'"));
            }
            time
        };
        let (from, to) = (time("from", &hours.from), time("to", &hours.to));
        let zone = match &hours.time_zone {
            Some(name) => {
                self.time_zone(raw, &format!("{pointer}/timeZone"), name);
                jiff::tz::TimeZoneDatabase::bundled().get(name).ok()?
            }
            None => zone.clone(),
        };
        if let Some(days) = &hours.days {
            self.not_empty_list(raw, &format!("{pointer}/days"), days);
        }
        let days = hours.days.clone().unwrap_or_else(|| WORKING_DAYS.to_vec());
        let (from, to) = (from?, to?);
        if from == to {
            let message = "business hours that end when they begin";
            let finding = Finding::new(code::SETTING, message, raw.place(&format!("{pointer}/to")));
            self.push(finding.help("leave them out, or write different times"));
        }
        Some(Hours { days: days.into_iter().collect(), from, to, zone })
    }

    fn guardrail(&mut self, document: &Document<GuardrailSpec>) -> Option<Guardrail> {
        let Document { raw, metadata, spec, .. } = document;
        self.rule_name(document);
        let one = self.exactly_one(
            raw,
            "/spec",
            &[("deny", spec.deny.is_some()), ("require", spec.require.is_some())],
        );
        let subject = spec.r#for;
        let mut condition = |key: &str, text: &Option<String>| {
            let text = text.as_ref()?;
            self.expression_at(raw, &format!("/spec/{key}"), text, subject)
        };
        let when = condition("when", &spec.when);
        let deny = condition("deny", &spec.deny);
        let require = condition("require", &spec.require);
        let message = match Template::new(&spec.message, subject) {
            Ok(message) => Some(message),
            Err(problems) => {
                self.problems(raw, "/spec/message", &spec.message, problems);
                None
            }
        };
        self.not_empty(raw, "/spec/message", &spec.message);
        let stages = spec.stages.unwrap_or_default();
        if !subject.is_document() && stages.validate.is_some_and(|effect| effect != StageEffect::Off) {
            let message =
                format!("a rule about `{}` cannot be judged before there is a plan", subject.as_str());
            let finding = Finding::new(code::SETTING, message, raw.key_place("/spec/stages/validate"));
            self.push(
                finding
                    .help("take `validate` out; rules about deployments, software and scripts can have it"),
            );
        }
        if spec.when.is_some() && when.is_none() {
            return None;
        }
        let denies_when = spec.deny.is_some();
        let rule = Rule {
            subject,
            when,
            condition: deny.or(require).filter(|_| one)?,
            denies_when,
            message: message?,
        };
        Some(Guardrail {
            metadata: metadata.clone(),
            place: document.place(),
            rule,
            help: spec.help.clone(),
            stages,
            overridable: spec.overridable,
        })
    }

    /// Rules are set aside by name, so no guardrail is called like one of the others.
    fn rule_name(&mut self, document: &Document<GuardrailSpec>) {
        let name = document.name().as_str();
        let what = if name == PROTECTION {
            "the name of what keeps protected items"
        } else if budget_names().any(|budget| budget == name) {
            "the name of a budget"
        } else {
            return;
        };
        let message = format!("`{name}` is {what}: --override would set both aside");
        let finding = Finding::new(code::GUARDRAIL_NAME, message, document.place());
        self.push(finding.help("give the guardrail another name"));
    }

    fn expression_at(
        &mut self,
        raw: &RawDocument,
        pointer: &str,
        text: &str,
        subject: Subject,
    ) -> Option<Expression> {
        match compile(text, subject, Wanted::Truth) {
            Ok(expression) => Some(expression),
            Err(problems) => {
                self.problems(raw, pointer, text, problems);
                None
            }
        }
    }

    fn problems(&mut self, raw: &RawDocument, pointer: &str, text: &str, problems: Vec<Problem>) {
        let whole = raw.place(pointer);
        for problem in problems {
            let written = raw.text.get(whole.start..whole.end).unwrap_or_default();
            let range = spanned::within(written, text, problem.range);
            let place =
                Place::in_text(&raw.file, &raw.text, whole.start + range.start, whole.start + range.end);
            let mut finding = Finding::new(code::EXPRESSION, problem.message, place);
            finding.help = problem.help;
            self.push(finding);
        }
    }

    fn guardrail_test(
        &mut self,
        document: &Document<GuardrailTestSpec>,
        guardrails: &BTreeMap<Name, Guardrail>,
    ) {
        let Document { raw, spec, .. } = document;
        self.reference(raw, "/spec/guardrail", Kind::Guardrail, &spec.guardrail);
        self.not_empty_list(raw, "/spec/cases", &spec.cases);
        let Some(guardrail) = guardrails.get(&spec.guardrail) else { return };
        for (at, case) in spec.cases.iter().enumerate() {
            let pointer = format!("/spec/cases/{at}");
            let facts = match cases::facts(guardrail.rule.subject, &case.given) {
                Ok(facts) => facts,
                Err(misfits) => {
                    for misfit in misfits {
                        let place = raw.place(&format!("{pointer}/given{}", misfit.pointer));
                        let mut finding = Finding::new(code::INVALID_VALUE, misfit.message, place);
                        finding.help = misfit.help;
                        self.push(finding);
                    }
                    continue;
                }
            };
            let answer = cases::answer(&guardrail.rule, &facts);
            let wrong = if answer.result == case.expect {
                case.message
                    .as_ref()
                    .filter(|message| **message != answer.message)
                    .map(|_| ("message", format!("{} says: {}", guardrail.metadata.name, answer.message)))
            } else {
                let said =
                    if answer.message.is_empty() { String::new() } else { format!(": {}", answer.message) };
                Some(("expect", format!("{} {}{said}", guardrail.metadata.name, answer.result.verb())))
            };
            if let Some((key, message)) = wrong {
                let message = format!("the case {:?} fails: {message}", case.name);
                let finding =
                    Finding::new(code::GUARDRAIL_CASE, message, raw.place(&format!("{pointer}/{key}")));
                self.push(finding.related(guardrail.place.clone(), "the guardrail"));
            }
        }
    }

    fn exception(
        &mut self,
        document: &Document<ExceptionSpec>,
        guardrails: &BTreeMap<&Name, Subject>,
    ) -> Option<Exception> {
        let Document { raw, metadata, spec, .. } = document;
        if let Some(folder) = self.in_library(raw).map(|library| Arc::clone(&library.folder)) {
            let message = format!("the Exception `{}` stands in the library `{folder}`", metadata.name);
            let finding = Finding::new(code::LIBRARY_EXCEPTION, message, document.place());
            self.push(
                finding
                    .help("what is exempt here is said by the repository itself: move it out of the library"),
            );
        }
        self.reference(raw, "/spec/guardrail", Kind::Guardrail, &spec.guardrail);
        self.not_empty(raw, "/spec/owner", &spec.owner);
        self.not_empty(raw, "/spec/reason", &spec.reason);
        let subjects = &spec.subjects;
        for (at, name) in subjects.deployments.iter().enumerate() {
            self.reference(raw, &format!("/spec/subjects/deployments/{at}"), Kind::Deployment, name);
        }
        for (at, name) in subjects.tenants.iter().enumerate() {
            self.reference(raw, &format!("/spec/subjects/tenants/{at}"), Kind::Tenant, name);
        }
        for (at, item) in subjects.items.iter().enumerate() {
            let (kind, key, name) = match item {
                ItemRef::Software(name) => (Kind::Software, "software", name),
                ItemRef::Task(name) => (Kind::Task, "task", name),
            };
            self.reference(raw, &format!("/spec/subjects/items/{at}/{key}"), kind, name);
        }
        for (at, name) in subjects.computers.iter().enumerate() {
            self.not_empty(raw, &format!("/spec/subjects/computers/{at}"), name);
        }
        let keys = [
            ("deployments", !subjects.deployments.is_empty()),
            ("tenants", !subjects.tenants.is_empty()),
            ("items", !subjects.items.is_empty()),
            ("computers", !subjects.computers.is_empty()),
        ];
        self.at_least_one(raw, "/spec/subjects", &keys);
        if let Some(subject) = guardrails.get(&spec.guardrail) {
            let has = has(*subject);
            for (key, _) in keys.iter().filter(|(key, given)| *given && !has.contains(key)) {
                let message = format!("a rule about `{}` has no {key} to exempt", subject.as_str());
                let finding = Finding::new(
                    code::EXCEPTION_CANNOT_MATCH,
                    message,
                    raw.key_place(&format!("/spec/subjects/{key}")),
                );
                self.push(finding.help(if has.is_empty() {
                    "a rule about the whole plan is set aside with --override and a reason".to_owned()
                } else {
                    format!("it has {}", has.join(" and "))
                }));
            }
        }
        let Ok(expires) = spec.expires.parse::<Date>() else {
            let message = format!("{:?} is not a date", spec.expires);
            let finding = Finding::new(code::INVALID_VALUE, message, raw.place("/spec/expires"));
            self.push(finding.help("write the last day on which it holds: '2027-03-31'"));
            return None;
        };
        Some(Exception {
            metadata: metadata.clone(),
            place: document.place(),
            guardrail: spec.guardrail.clone(),
            deployments: subjects.deployments.iter().cloned().collect(),
            tenants: subjects.tenants.iter().cloned().collect(),
            items: subjects.items.iter().cloned().collect(),
            computers: subjects.computers.iter().map(|name| name.to_lowercase()).collect::<BTreeSet<_>>(),
            owner: spec.owner.as_str().into(),
            reason: spec.reason.as_str().into(),
            expires,
        })
    }
}

/// What of an exception's lists a rule's subject has.
fn has(subject: Subject) -> &'static [&'static str] {
    match subject {
        Subject::Plan => &[],
        Subject::Change => &["deployments", "tenants", "items", "computers"],
        Subject::Tenant => &["tenants"],
        Subject::Computer => &["tenants", "computers"],
        Subject::Deployment => &["deployments", "items"],
        Subject::Software | Subject::Script => &["items"],
    }
}

/// `08:30`.
fn clock(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| {
        let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<i8>().ok()).flatten()
    };
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}
