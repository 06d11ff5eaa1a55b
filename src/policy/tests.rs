//! Judging whole plans: budgets against a naive oracle, exceptions, overrides, protections, and how often rules are asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::judge::{Input, Judgement, judge, rules, validate};
use super::protection::{self, Protection};
use super::verdict::{Override, RuleKind, SetAside, Stage, Verdict};
use crate::config::kind::{ItemRef, Metadata, Mode, StageEffects, Subject};
use crate::config::safety::{
    Allowance, Budget, BudgetKind, Budgets, Exception, Guardrail, ProtectedKey, ProtectedKind, Rule,
    budget_name,
};
use crate::diagnostic::code;
use crate::id::{CommitId, Digest, Name};
use crate::inventory::item::Observed;
use crate::inventory::snapshot::Snapshot;
use crate::plan::document::{ActionType, Plan};
use crate::plan::tests::world::{World, absent, every, latest, name, place, present, software};
use crate::policy::language::compile::{Wanted, compile};
use crate::policy::language::template::Template;

/// A fleet of `computers` over two tenants and none, each with the old archiver, which one deployment removes.
fn fleet(computers: usize) -> World {
    let mut world = World::new();
    world.tenant("contoso");
    world.tenant("fabrikam");
    world.software("old-archiver", &["3.1"]);
    world.deploy("no-archiver", software("old-archiver"), absent(), every());
    for number in 0..computers {
        let text = format!("pc-{number:03}");
        let tags: &[&str] = if number == 0 { &["first"] } else { &[] };
        let known = world.computer(&text, tags);
        known.tenant = match number % 3 {
            0 => Some(name("contoso")),
            1 => Some(name("fabrikam")),
            _ => None,
        };
        world.real.insert((text, software("old-archiver")), present("3.1"));
    }
    world
}

/// The plan of a world, and the snapshot that it was made of.
fn planned(world: &World) -> (Plan, Snapshot) {
    let planned = world.plan();
    (planned.plan, world.snapshot())
}

fn judged(world: &World, overrides: &[Override], protections: &[Protection]) -> Judgement {
    let (plan, snapshot) = planned(world);
    judge(&Input {
        config: &world.config,
        snapshot: &snapshot,
        plan: &plan,
        scope: None,
        stage: Stage::Apply,
        now: world.now,
        overrides,
        protections,
    })
}

fn overridden(rule: &str) -> Override {
    Override { rule: rule.to_owned(), reason: "the customer asked for it".to_owned() }
}

fn said(judgement: &Judgement) -> Vec<String> {
    let line = |verdict: &Verdict| {
        let standing = match (&verdict.set_aside, verdict.refuses()) {
            (Some(SetAside::Override { .. }), _) => "overridden",
            (Some(SetAside::Exception { .. }), _) => "excepted",
            (None, true) => "refused",
            (None, false) => "warned",
        };
        format!("{standing}: {}, {}: {}", verdict.name(), verdict.subject, verdict.message)
    };
    judgement.verdicts.iter().map(line).collect()
}

fn lints(judgement: &Judgement) -> Vec<String> {
    judgement.lints.iter().map(|lint| format!("{} {}", lint.code, lint.message)).collect()
}

fn guardrail(world: &mut World, text: &str, subject: Subject, deny: &str, message: &str) {
    let rule = Rule {
        subject,
        when: None,
        condition: compile(deny, subject, Wanted::Truth).expect("it fits"),
        denies_when: true,
        message: Template::new(message, subject).expect("it fits"),
    };
    let made = Guardrail {
        metadata: Metadata {
            name: name(text),
            title: None,
            labels: BTreeMap::new(),
            description: None,
            allow: Vec::new(),
        },
        place: place("policies/rules.yaml"),
        rule,
        help: None,
        stages: StageEffects::default(),
        overridable: true,
    };
    world.config.safety.guardrails.insert(name(text), made);
}

fn exception(world: &mut World, text: &str, guardrail: &str, expires: &str) {
    let made = Exception {
        metadata: Metadata {
            name: name(text),
            title: None,
            labels: BTreeMap::new(),
            description: None,
            allow: Vec::new(),
        },
        place: place("policies/exceptions.yaml"),
        guardrail: name(guardrail),
        deployments: BTreeSet::new(),
        tenants: BTreeSet::new(),
        items: BTreeSet::new(),
        computers: BTreeSet::new(),
        owner: Arc::from("desk"),
        reason: Arc::from("agreed"),
        expires: expires.parse().expect("a date"),
    };
    world.config.safety.exceptions.insert(name(text), made);
}

fn unlimited(world: &mut World) {
    let all = || BudgetKind::ALL.map(|kind| (kind, Budget { allowance: Allowance::Unlimited, place: None }));
    world.config.safety.budgets = Budgets { per_run: all().into(), per_tenant: all().into() };
}

#[test]
fn an_allowance_is_a_share_rounded_down_and_at_least_the_minimum() {
    let percent = |percent, minimum| Allowance::Percent { percent, minimum };
    for (allowance, set, allowed) in [
        (percent(10, 5), 0, Some(5)),
        (percent(10, 5), 4, Some(5)),
        (percent(10, 5), 50, Some(5)),
        (percent(10, 5), 59, Some(5)),
        (percent(10, 5), 60, Some(6)),
        (percent(10, 0), 9, Some(0)),
        (percent(0, 0), 1_000, Some(0)),
        (percent(100, 1), 7, Some(7)),
        (percent(33, 1), 1_000_000, Some(330_000)),
        (percent(100, 0), u64::MAX, Some(u64::MAX)),
        (Allowance::Count(0), 10, Some(0)),
        (Allowance::Count(7), 1_000, Some(7)),
        (Allowance::Unlimited, 1, None),
    ] {
        assert_eq!(allowance.of(set), allowed, "{allowance:?} of {set}");
    }
}

#[test]
fn removals_beyond_the_default_are_refused_with_the_numbers_and_set_aside_with_a_reason() {
    let small = judged(&fleet(5), &[], &[]);
    assert_eq!(said(&small), Vec::<String>::new());
    let world = fleet(30);
    let judgement = judged(&world, &[], &[]);
    assert!(judgement.is_refused());
    assert_eq!(
        said(&judgement),
        [
            "refused: budget removals, the run: 30 removals, and 5 allowed (10 % of 30 in scope, at least 5), by default",
            "refused: budget tenant-removals, computers without a tenant: 10 removals, and 5 allowed (25 % of 10 without a tenant, at least 5), by default",
            "refused: budget tenant-removals, tenant contoso: 10 removals, and 5 allowed (25 % of 10 of contoso in scope, at least 5), by default",
            "refused: budget tenant-removals, tenant fabrikam: 10 removals, and 5 allowed (25 % of 10 of fabrikam in scope, at least 5), by default",
        ]
    );
    let one = judged(&world, &[overridden("removals")], &[]);
    assert!(one.is_refused(), "the tenants' budgets are others");
    let both = judged(&world, &[overridden("removals"), overridden("tenant-removals")], &[]);
    assert!(!both.is_refused());
    assert_eq!(both.verdicts.len(), 4, "what is set aside is still said");
    assert!(both.findings().is_empty());
    let needless = judged(&fleet(2), &[overridden("removals")], &[]);
    assert_eq!(lints(&needless), ["M0808 --override removals was not needed: nothing had to be set aside"]);
}

#[test]
fn what_only_tells_uses_no_budget() {
    let mut world = fleet(30);
    world.config.deployments.get_mut(&name("no-archiver")).expect("it is there").mode = Mode::Audit;
    assert_eq!(said(&judged(&world, &[], &[])), Vec::<String>::new());
}

#[test]
fn what_an_exception_covers_is_set_aside_until_its_last_day() {
    // The world's present is 2027-01-15.
    for (expires, standing) in
        [("2027-01-15", "excepted"), ("2027-01-14", "refused"), ("2028-01-01", "excepted")]
    {
        let mut world = fleet(6);
        unlimited(&mut world);
        guardrail(&mut world, "no-removals", Subject::Change, "change.removes", "removes {change.item}");
        exception(&mut world, "agreed", "no-removals", expires);
        let exception = world.config.safety.exceptions.get_mut(&name("agreed")).expect("it is there");
        exception.items.insert(ItemRef::Software(name("old-archiver")));
        let judgement = judged(&world, &[], &[]);
        let expected = if standing == "refused" {
            format!(
                "refused: guardrail no-removals, uninstall of old-archiver: removes old-archiver (exception agreed expired on {expires})"
            )
        } else {
            "excepted: guardrail no-removals, uninstall of old-archiver: removes old-archiver".to_owned()
        };
        assert_eq!(said(&judgement), [expected]);
        assert_eq!(
            judgement.findings().iter().any(|f| f.code == code::EXCEPTION_EXPIRED && f.is_error()),
            standing == "refused"
        );
    }
}

#[test]
fn the_help_about_an_expired_exception_claims_no_more_than_is_known() {
    let help = |judgement: &Judgement| {
        let findings = judgement.findings();
        let expired = findings.iter().find(|finding| finding.code == code::EXCEPTION_EXPIRED);
        expired.and_then(|finding| finding.help.clone()).unwrap_or_default()
    };
    // What a plan would have to do is not known when documents are validated.
    let mut world = fleet(6);
    unlimited(&mut world);
    guardrail(&mut world, "no-removals", Subject::Change, "change.removes", "no");
    exception(&mut world, "agreed", "no-removals", "2027-01-14");
    let said = help(&validate(&world.config, world.now));
    assert!(said.contains("only a plan tells") && said.contains("renew it"), "{said}");
    // A plan that does not need it says nothing of other plans.
    let exception_of = |world: &mut World| {
        let exception = world.config.safety.exceptions.get_mut(&name("agreed")).expect("it is there");
        exception.items.insert(ItemRef::Software(name("another")));
    };
    exception_of(&mut world);
    let said = help(&judged(&world, &[], &[]));
    assert!(said.contains("this plan does not need it, and another one may"), "{said}");
    // Of documents everything is known.
    let mut world = fleet(6);
    guardrail(&mut world, "names", Subject::Software, "false", "no");
    exception(&mut world, "agreed", "names", "2027-01-14");
    assert_eq!(
        help(&validate(&world.config, world.now)),
        "nothing that it is for is denied any more: delete it"
    );
}

#[test]
fn a_change_is_exempt_only_when_all_of_its_tenants_are() {
    let mut world = fleet(6);
    unlimited(&mut world);
    world.known.retain(|known| known.tenant.is_some());
    guardrail(&mut world, "no-removals", Subject::Change, "change.removes", "no");
    exception(&mut world, "agreed", "no-removals", "2028-01-01");
    let tenants = |world: &mut World, names: &[&str]| {
        let exception = world.config.safety.exceptions.get_mut(&name("agreed")).expect("it is there");
        exception.tenants = names.iter().map(|text| name(text)).collect();
    };
    tenants(&mut world, &["contoso"]);
    assert!(judged(&world, &[], &[]).is_refused());
    tenants(&mut world, &["contoso", "fabrikam"]);
    assert!(!judged(&world, &[], &[]).is_refused());
}

#[test]
fn computers_are_told_together_and_exempt_one_by_one() {
    let mut world = fleet(6);
    unlimited(&mut world);
    guardrail(
        &mut world,
        "hands-off",
        Subject::Computer,
        "size(computer.removes) > 0",
        "removes {computer.removes}",
    );
    exception(&mut world, "agreed", "hands-off", "2028-01-01");
    let exception = world.config.safety.exceptions.get_mut(&name("agreed")).expect("it is there");
    exception.computers = ["pc-000", "pc-004", "pc-999"].map(str::to_owned).into();
    let judgement = judged(&world, &[], &[]);
    assert_eq!(
        said(&judgement),
        [
            "refused: guardrail hands-off, computers pc-001, pc-002, pc-003 and 1 more: removes old-archiver",
            "excepted: guardrail hands-off, computers pc-000, pc-004: removes old-archiver",
        ]
    );
    assert_eq!(lints(&judgement), ["M0807 the exception agreed names pc-999, which nobody lists"]);
    assert!(rules(&world.config).contains(&"hands-off".to_owned()));
}

#[test]
fn a_name_that_several_computers_have_exempts_none_of_them() {
    let mut world = fleet(3);
    unlimited(&mut world);
    // Those of contoso and fabrikam are called the same.
    for known in &mut world.known {
        if known.tenant.is_some() {
            known.name = "Server".to_owned();
        }
    }
    world.known[1].provider = name("branch");
    world.real.insert(("Server".to_owned(), software("old-archiver")), present("3.1"));
    guardrail(&mut world, "hands-off", Subject::Computer, "size(computer.removes) > 0", "no");
    let mut exempt = |word: &str| {
        world.config.safety.exceptions.clear();
        exception(&mut world, "agreed", "hands-off", "2028-01-01");
        let exception = world.config.safety.exceptions.get_mut(&name("agreed")).expect("it is there");
        exception.computers = [word.to_owned()].into();
        let judgement = judged(&world, &[], &[]);
        (said(&judgement), lints(&judgement))
    };
    let (verdicts, findings) = exempt("server");
    assert_eq!(verdicts, ["refused: guardrail hands-off, computers Server, Server, pc-002: no"]);
    assert_eq!(
        findings,
        [
            "M0811 the exception agreed names server, which 2 computers are called, and exempts none of them: office/pc-000, office/pc-001"
        ]
    );
    for (word, excepted, refused) in [
        ("office/server", "Server", "Server, pc-002"),
        ("branch/server", "Server", "Server, pc-002"),
        ("office/pc-001", "Server", "Server, pc-002"),
        ("pc-002", "pc-002", "Server, Server"),
    ] {
        let (mut verdicts, findings) = exempt(word);
        verdicts.sort();
        let expected = [
            format!("excepted: guardrail hands-off, computer {excepted}: no"),
            format!("refused: guardrail hands-off, computers {refused}: no"),
        ];
        assert_eq!((verdicts, findings), (expected.into(), Vec::new()), "{word}");
    }
}

#[test]
fn a_rule_about_computers_is_asked_once_for_each_kind_of_computer() {
    use super::facts::PlanFacts;
    use super::tally::tally;
    let world = fleet(60);
    let (plan, snapshot) = planned(&world);
    let tally = tally(&plan, &snapshot, None);
    let facts = PlanFacts::new(&world.config, &snapshot, &plan, &tally, world.now);
    // Three tenants, of which the first has one computer with a tag.
    assert_eq!(facts.computers(false).len(), 4);
    assert_eq!(facts.computers(true).len(), 60);
    assert_eq!(facts.changes().len(), 1);
    let all: u64 = facts.computers(false).iter().map(|subject| subject.computers.len()).sum();
    assert_eq!(all, 60);
}

#[test]
fn a_limit_is_not_passed_by_in_pieces() {
    let mut world = fleet(12);
    unlimited(&mut world);
    for number in 0..6 {
        world.real.insert((format!("pc-{number:03}"), software("old-archiver")), present("2.0"));
    }
    guardrail(
        &mut world,
        "ten",
        Subject::Change,
        "change.computers > 10",
        "{change.before} on {change.computers}",
    );
    let (plan, _) = planned(&world);
    assert!(plan.changes.len() > 1, "two versions are two changes");
    assert_eq!(
        said(&judged(&world, &[], &[])),
        ["refused: guardrail ten, uninstall of old-archiver: 2.0, 3.1 on 12"]
    );
}

#[test]
fn a_rule_that_cannot_be_judged_denies() {
    let mut world = fleet(1);
    guardrail(&mut world, "broken", Subject::Plan, "1 / (plan.scope - 1) > 0", "never");
    assert_eq!(
        said(&judged(&world, &[], &[])),
        ["refused: guardrail broken, the plan: it could not be judged: it divides by zero"]
    );
}

#[test]
fn the_verdicts_of_one_rule_are_bounded_and_still_refuse() {
    let mut world = World::new();
    for number in 0..50 {
        let text = format!("tool-{number:02}");
        world.software(&text, &["1.0"]);
        world.deploy(&text, software(&text), latest("1.0"), every());
    }
    guardrail(&mut world, "names", Subject::Software, "software.name != 'x'", "{software.name}");
    let judgement = validate(&world.config, world.now);
    assert_eq!(judgement.verdicts.len(), super::guardrail::MOST);
    let last = judgement.verdicts.last().expect("there is one");
    assert_eq!((last.subject.as_str(), last.message.as_str()), ("31 more", "31 more are denied"));
    assert!(judgement.is_refused());
}

fn key(kind: ProtectedKind, text: &str) -> ProtectedKey {
    ProtectedKey { kind, name: name(text) }
}

#[test]
fn protection_outlives_its_declaration_until_it_is_released() {
    let mut world = fleet(3);
    unlimited(&mut world);
    world
        .config
        .safety
        .protected
        .insert(key(ProtectedKind::Tenant, "contoso"), place("tenants/contoso.yaml"));
    assert_eq!(
        said(&judged(&world, &[], &[])),
        [
            "refused: protection, tenant contoso: tenant contoso is protected, and old-archiver would be uninstalled from pc-000"
        ]
    );
    let commit = CommitId::new("3f2c91e0aa");
    let stored = protection::declared(&world.config, &world.snapshot(), Some(&commit));
    assert_eq!(stored.len(), 1);
    // The line is deleted.
    world.config.safety.protected.clear();
    let gone = judged(&world, &[], &stored);
    assert!(gone.is_refused());
    assert_eq!(
        said(&gone),
        [
            "refused: protection, tenant contoso: tenant contoso was protected by tenants/contoso.yaml:1 at commit 3f2c91e, is not declared so any more, and old-archiver would be uninstalled from pc-000"
        ]
    );
    assert_eq!(
        protection::next(&stored, Vec::new(), false),
        stored,
        "an apply without an override releases nothing"
    );
    // Even the whole tenant's document may be gone.
    let released = judged(&world, &[overridden("protection")], &stored);
    assert!(!released.is_refused());
    assert_eq!(protection::next(&stored, Vec::new(), true), []);
    // Where nothing is removed it is said, and nothing is refused.
    world.config.deployments.clear();
    let quiet = judged(&world, &[], &stored);
    assert!(!quiet.is_refused());
    assert_eq!(quiet.lints.iter().map(|lint| lint.code).collect::<Vec<_>>(), [code::PROTECTION_GONE]);
}

#[test]
fn a_protected_deployment_keeps_its_software_where_it_was_for() {
    let mut world = fleet(6);
    unlimited(&mut world);
    let only_contoso = crate::plan::tests::world::of_tenant("contoso");
    world.software("antivirus", &["1.0"]).detect =
        crate::config::model::Detect::Script(crate::plan::tests::world::scripts("detect antivirus"));
    world.deploy("antivirus", software("antivirus"), latest("1.0"), only_contoso);
    for number in 0..6 {
        world.real.insert((format!("pc-{number:03}"), software("antivirus")), present("1.0"));
    }
    world
        .config
        .safety
        .protected
        .insert(key(ProtectedKind::Deployment, "antivirus"), place("antivirus.yaml"));
    let stored = protection::declared(&world.config, &world.snapshot(), None);
    assert_eq!(
        said(&judged(&world, &[], &stored)),
        Vec::<String>::new(),
        "another software is not protected"
    );
    // The deployment goes, and another one removes the software everywhere.
    world.config.safety.protected.clear();
    world.config.deployments.clear();
    world.deploy("no-antivirus", software("antivirus"), absent(), every());
    let gone = judged(&world, &[], &stored);
    assert_eq!(
        said(&gone),
        [
            "refused: protection, deployment antivirus: deployment antivirus was protected by antivirus.yaml:1, is not declared so any more, and antivirus would be uninstalled from pc-000, pc-003"
        ]
    );
}

const INTERRUPTING: [ActionType; 5] = [
    ActionType::Update,
    ActionType::Downgrade,
    ActionType::Repair,
    ActionType::Uninstall,
    ActionType::OsUpdate,
];

/// What a budget allows and uses, counted in the most naive way: over all computers and all changes.
fn naive(plan: &Plan, snapshot: &Snapshot, budgets: &Budgets) -> BTreeSet<(String, String)> {
    let mut breached = BTreeSet::new();
    let mut sets: Vec<(Option<Option<Name>>, Vec<&crate::inventory::snapshot::Computer>)> =
        vec![(None, Vec::new())];
    for (_, computer) in snapshot.iter() {
        sets[0].1.push(computer);
        match sets.iter_mut().find(|(tenant, _)| *tenant == Some(computer.tenant.clone())) {
            Some((_, set)) => set.push(computer),
            None => sets.push((Some(computer.tenant.clone()), vec![computer])),
        }
    }
    for (tenant, set) in &sets {
        let (mut changed, mut removals, mut interrupted, mut restarted) = (0, 0, 0, 0);
        for computer in set {
            let mine: Vec<_> = plan
                .changes
                .iter()
                .filter(|change| change.mode == Mode::Enforce)
                .filter(|change| {
                    change.computers.iter().any(|at| plan.computers[*at as usize].id == computer.id)
                })
                .collect();
            let is = |kinds: &[ActionType]| mine.iter().any(|change| kinds.contains(&change.action));
            changed +=
                u64::from(mine.iter().any(|c| !matches!(c.action, ActionType::None | ActionType::Get)));
            removals += mine.iter().filter(|c| c.action == ActionType::Uninstall).count() as u64;
            let restarts = mine.iter().any(|c| c.may_restart || c.action == ActionType::Reboot);
            restarted += u64::from(restarts);
            interrupted += u64::from(restarts || is(&INTERRUPTING));
        }
        let of = if tenant.is_some() { &budgets.per_tenant } else { &budgets.per_run };
        for (kind, used) in [
            (BudgetKind::Computers, changed),
            (BudgetKind::Removals, removals),
            (BudgetKind::Interruptions, interrupted),
            (BudgetKind::Reboots, restarted),
        ] {
            let allowed = match of[&kind].allowance {
                Allowance::Unlimited => u64::MAX,
                Allowance::Count(count) => count.into(),
                Allowance::Percent { percent, minimum } => {
                    let mut share = 0;
                    // So many that share × 100 is still no more than percent × set.
                    while (share + 1) * 100 <= u64::from(percent) * set.len() as u64 {
                        share += 1;
                    }
                    share.max(minimum.into())
                }
            };
            if used > allowed {
                let subject = match tenant {
                    None => "the run".to_owned(),
                    Some(None) => "computers without a tenant".to_owned(),
                    Some(Some(name)) => format!("tenant {name}"),
                };
                breached.insert((budget_name(kind, tenant.is_some()), subject));
            }
        }
    }
    breached
}

fn allowances() -> impl Strategy<Value = Allowance> {
    prop_oneof![
        Just(Allowance::Unlimited),
        (0_u32..6).prop_map(Allowance::Count),
        (0_u32..=100, 0_u32..4).prop_map(|(percent, minimum)| Allowance::Percent { percent, minimum }),
    ]
}

fn budgets() -> impl Strategy<Value = Budgets> {
    prop::collection::vec(allowances(), 8).prop_map(|all| {
        let made = |all: &[Allowance]| {
            let budget =
                |allowance: &Allowance| Budget { allowance: *allowance, place: Some(place("muster.yaml")) };
            BudgetKind::ALL.into_iter().zip(all.iter().map(budget)).collect()
        };
        Budgets { per_run: made(&all[..4]), per_tenant: made(&all[4..]) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn budgets_are_breached_exactly_where_naive_counting_says_so(
        budgets in budgets(),
        computers in prop::collection::vec((0_u8..4, prop::collection::vec((0_u8..8, any::<bool>(), any::<bool>()), 0..4)), 0..14),
    ) {
        let mut world = World::new();
        for tenant in ["a", "b", "c"] {
            world.tenant(tenant);
        }
        for (number, (tenant, _)) in computers.iter().enumerate() {
            let tenant = ["a", "b", "c"].get(usize::from(*tenant)).map(|text| name(text));
            world.computer(&format!("pc-{number:02}"), &[]).tenant = tenant;
        }
        // A real change as a pattern; the property makes others of it.
        let mut pattern = fleet(1);
        unlimited(&mut pattern);
        let change = planned(&pattern).0.changes[0].clone();
        let (mut plan, snapshot) = planned(&world);
        plan.computers = snapshot
            .iter()
            .map(|(_, computer)| crate::plan::document::PlannedComputer {
                id: computer.id.clone(),
                name: computer.name.clone(),
                tenant: computer.tenant.clone(),
                provider: computer.provider.clone(),
                agent: computer.agent.clone(),
                platform: crate::session::script::Platform::Posix,
            })
            .collect();
        for (number, (_, actions)) in computers.iter().enumerate() {
            for (action, enforce, restart) in actions {
                use ActionType::{Get, Install, OsUpdate, Reboot, Repair, Set, Uninstall, Update};
                let mut made = change.clone();
                made.action = [Install, Update, Uninstall, Repair, Set, Get, OsUpdate, Reboot][usize::from(*action)];
                made.removes = made.action == Uninstall;
                made.mode = if *enforce { Mode::Enforce } else { Mode::Audit };
                made.may_restart = *restart && made.action != Get;
                made.before = Observed::Absent;
                made.content = Digest::of(b"");
                made.computers = vec![u32::try_from(number).unwrap()];
                plan.changes.push(made);
            }
        }
        world.config.safety.budgets = budgets;
        let judgement = judge(&Input {
            config: &world.config,
            snapshot: &snapshot,
            plan: &plan,
            scope: None,
            stage: Stage::Plan,
            now: world.now,
            overrides: &[],
            protections: &[],
        });
        let found: BTreeSet<(String, String)> = judgement
            .verdicts
            .iter()
            .filter(|verdict| verdict.kind == RuleKind::Budget)
            .map(|verdict| (verdict.rule.clone(), verdict.subject.clone()))
            .collect();
        prop_assert_eq!(found, naive(&plan, &snapshot, &world.config.safety.budgets));
    }
}
