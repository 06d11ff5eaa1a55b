//! Gates and ranks against an oracle that loops over computers and deployments, and what each gate does in a plan.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::world::*;
use crate::config::kind::{CrossTenant, Enforcement, Hold, Match, Mode, PrimaryPerson, SoftwareState, Term};
use crate::config::model::{self, Desired, Layer, WantedVersion};
use crate::diagnostic::code;
use crate::plan::document::Options;
use crate::plan::explain::{Fate, explain};
use crate::plan::fleet::Fleet;
use crate::plan::gates::Run;
use crate::plan::past::Past;
use crate::plan::precedence::{candidates, winners};
use crate::time::Day;

/// The world's clock stands at 2027-01-15.
const TOMORROW: &str = "2027-01-16";
const TODAY: &str = "2027-01-15";

pub(super) fn hold(until: &str) -> Hold {
    Hold { until: Day::parse(until).unwrap(), reason: "a fair".to_owned() }
}

pub(super) fn library(listed: bool) -> Layer {
    Layer::Library { folder: Arc::from("vendor/base"), listed }
}

pub(super) fn about(computer: &str) -> model::Computer {
    let metadata = metadata(&computer.to_lowercase());
    model::Computer {
        metadata,
        place: place("computers.yaml"),
        name: computer.to_owned(),
        provider: None,
        tenant: None,
        tags: BTreeSet::new(),
        mode: Mode::Enforce,
        reboot: crate::config::kind::Reboot::IfNecessary,
        excluded: false,
        identity: None,
        replaces: None,
        primary_person: PrimaryPerson::Auto,
        onboarded: None,
    }
}

pub(super) fn tree(tenant: &str) -> Match {
    Match { all: Some(vec![Term::TenantTree(name(tenant))]), ..Match::default() }
}

/// c0, c1 below it, c2 below that; c3 alone.
const PARENTS: [Option<usize>; 4] = [None, Some(0), Some(1), None];

fn depth(tenant: usize) -> usize {
    PARENTS[tenant].map_or(0, |parent| 1 + depth(parent))
}

fn is_below(tenant: usize, root: usize) -> bool {
    tenant == root || PARENTS[tenant].is_some_and(|parent| is_below(parent, root))
}

#[derive(Debug, Clone)]
enum Aim {
    Every,
    Tag(usize),
    NotTag(usize),
    Tenant(usize),
    Tree(usize),
    TenantAndTag(usize, usize),
    TreeOrTag(usize, usize),
    Computer(usize),
    ComputerAndTag(usize, usize),
}

fn aim() -> impl Strategy<Value = Aim> {
    prop_oneof![
        Just(Aim::Every),
        (0..2_usize).prop_map(Aim::Tag),
        (0..2_usize).prop_map(Aim::NotTag),
        (0..4_usize).prop_map(Aim::Tenant),
        (0..4_usize).prop_map(Aim::Tree),
        (0..4_usize, 0..2_usize).prop_map(|(a, b)| Aim::TenantAndTag(a, b)),
        (0..4_usize, 0..2_usize).prop_map(|(a, b)| Aim::TreeOrTag(a, b)),
        (0..4_usize).prop_map(Aim::Computer),
        (0..4_usize, 0..2_usize).prop_map(|(a, b)| Aim::ComputerAndTag(a, b)),
    ]
}

#[derive(Debug, Clone)]
struct Rule {
    aim: Aim,
    item: bool,
    priority: i32,
    version: u8,
    state: u8,
    enabled: bool,
    enforcement: u8,
    layer: u8,
    mode: bool,
    hold: u8,
    named: bool,
}

fn rule() -> impl Strategy<Value = Rule> {
    let what = (aim(), any::<bool>(), 0..2_i32, 0..2_u8, 0..4_u8);
    let when = (prop::bool::weighted(0.85), 0..6_u8, 0..8_u8, any::<bool>(), 0..6_u8, any::<bool>());
    (what, when).prop_map(
        |((aim, item, priority, version, state), (enabled, enforcement, layer, mode, hold, named))| Rule {
            aim,
            item,
            priority,
            version,
            state,
            enabled,
            enforcement,
            layer,
            mode,
            hold,
            named,
        },
    )
}

#[derive(Debug, Clone)]
struct Machine {
    tenant: Option<usize>,
    tags: u8,
    excluded: bool,
    onboarding: bool,
}

fn machine() -> impl Strategy<Value = Machine> {
    (prop::option::weighted(0.9, 0..4_usize), 0..4_u8, prop::bool::weighted(0.1), prop::bool::weighted(0.3))
        .prop_map(|(tenant, tags, excluded, onboarding)| Machine { tenant, tags, excluded, onboarding })
}

/// How the run and the world at large are.
#[derive(Debug, Clone)]
struct Around {
    opted_out: u8,
    disabled_item: bool,
    names: bool,
    force: bool,
}

fn around() -> impl Strategy<Value = Around> {
    (0..16_u8, prop::bool::weighted(0.2), any::<bool>(), any::<bool>()).prop_map(
        |(opted_out, disabled_item, names, force)| Around { opted_out, disabled_item, names, force },
    )
}

fn states() -> [SoftwareState; 4] {
    [SoftwareState::Installed, SoftwareState::Installed, SoftwareState::Absent, SoftwareState::Ignored]
}

fn expression(aim: &Aim) -> Match {
    let all = |terms: Vec<Term>| Match { all: Some(terms), ..Match::default() };
    let tagged = |number: &usize| Term::Tag(format!("t{number}"));
    let tenant = |number: &usize| name(&format!("c{number}"));
    match aim {
        Aim::Every => every(),
        Aim::Tag(tag) => all(vec![tagged(tag)]),
        Aim::NotTag(tag) => Match { not: Some(vec![tagged(tag)]), ..Match::default() },
        Aim::Tenant(c) => all(vec![Term::Tenant(tenant(c))]),
        Aim::Tree(c) => all(vec![Term::TenantTree(tenant(c))]),
        Aim::TenantAndTag(c, tag) => all(vec![Term::Tenant(tenant(c)), tagged(tag)]),
        Aim::TreeOrTag(c, tag) => {
            Match { any: Some(vec![Term::TenantTree(tenant(c)), tagged(tag)]), ..Match::default() }
        }
        Aim::Computer(pc) => all(vec![Term::Computer(format!("pc{pc}"))]),
        Aim::ComputerAndTag(pc, tag) => all(vec![Term::Computer(format!("pc{pc}")), tagged(tag)]),
    }
}

fn build(rules: &[Rule], machines: &[Machine], around: &Around) -> World {
    let mut world = World::new();
    for (number, parent) in PARENTS.iter().enumerate() {
        let tenant = world.tenant(&format!("c{number}"));
        tenant.parent = parent.map(|parent| name(&format!("c{parent}")));
        if around.opted_out & (1 << number) != 0 {
            tenant.cross_tenant = CrossTenant::Exclude;
        }
    }
    world.software("x", &["2.0", "1.0"]);
    world.software("y", &["2.0", "1.0"]).enabled = !around.disabled_item;
    for (number, machine) in machines.iter().enumerate() {
        let tags: Vec<&str> = [("t0", 1), ("t1", 2)]
            .iter()
            .filter(|(_, bit)| machine.tags & bit != 0)
            .map(|(tag, _)| *tag)
            .collect();
        let text = format!("pc{number}");
        world.computer(&text, &tags).tenant = machine.tenant.map(|tenant| name(&format!("c{tenant}")));
        let document = model::Computer {
            excluded: machine.excluded,
            onboarded: machine.onboarding.then_some(false),
            ..about(&text)
        };
        world.config.computers.insert(name(&text), document);
    }
    for (number, rule) in rules.iter().enumerate() {
        let desired = Desired::Software {
            state: states()[usize::from(rule.state)],
            version: WantedVersion::Exact { version: format!("{}.0", rule.version + 1) },
            allow_downgrade: false,
        };
        let item = software(if rule.item { "y" } else { "x" });
        let made = world.deploy(&format!("d{number:02}"), item, desired, expression(&rule.aim));
        made.priority = rule.priority;
        made.enabled = rule.enabled;
        made.mode = if rule.mode { Mode::Enforce } else { Mode::Audit };
        made.enforcement = match rule.enforcement {
            0 => Enforcement::Onboarding,
            1 => Enforcement::AdHoc,
            _ => Enforcement::Required,
        };
        made.layer = match rule.layer {
            0 => library(false),
            1 | 2 => library(true),
            _ => Layer::Local,
        };
        made.hold = match rule.hold {
            0 => Some(hold(TOMORROW)),
            1 => Some(hold(TODAY)),
            _ => None,
        };
    }
    world
}

/// What the rules of the documentation say of one computer, deployment by deployment.
struct Oracle<'a> {
    rules: &'a [Rule],
    machines: &'a [Machine],
    around: &'a Around,
}

impl Oracle<'_> {
    fn selects(&self, rule: &Rule, pc: usize) -> bool {
        let machine = &self.machines[pc];
        let tagged = |tag: usize| machine.tags & (1 << tag) != 0;
        let of = |tenant: usize| machine.tenant == Some(tenant);
        let below = |root: usize| machine.tenant.is_some_and(|tenant| is_below(tenant, root));
        match rule.aim {
            Aim::Every => true,
            Aim::Tag(tag) => tagged(tag),
            Aim::NotTag(tag) => !tagged(tag),
            Aim::Tenant(tenant) => of(tenant),
            Aim::Tree(root) => below(root),
            Aim::TenantAndTag(tenant, tag) => of(tenant) && tagged(tag),
            Aim::TreeOrTag(root, tag) => below(root) || tagged(tag),
            Aim::Computer(number) => number == pc,
            Aim::ComputerAndTag(number, tag) => number == pc && tagged(tag),
        }
    }

    /// Greater is narrower: what it is for, the depth of the tenant, whether it is narrowed.
    fn scope(rule: &Rule) -> (u8, usize, bool) {
        match rule.aim {
            Aim::Every => (0, 0, false),
            Aim::Tag(_) | Aim::NotTag(_) | Aim::TreeOrTag(..) => (0, 0, true),
            Aim::Tenant(tenant) | Aim::Tree(tenant) => (1, depth(tenant), false),
            Aim::TenantAndTag(tenant, _) => (1, depth(tenant), true),
            Aim::Computer(_) => (3, 0, false),
            Aim::ComputerAndTag(..) => (3, 0, true),
        }
    }

    fn counts(&self, rule: &Rule, pc: usize) -> bool {
        let machine = &self.machines[pc];
        let cross = Self::scope(rule).0 == 0;
        let opted_out = machine.tenant.is_some_and(|tenant| self.around.opted_out & (1 << tenant) != 0);
        let named = self.around.names && rule.named;
        rule.enabled
            && rule.layer != 0
            && !(rule.item && self.around.disabled_item)
            && (rule.enforcement != 1 || named)
            && (rule.enforcement != 0 || machine.onboarding)
            && !machine.excluded
            && !(cross && opted_out)
            && self.selects(rule, pc)
    }

    fn effect(rule: &Rule) -> (SoftwareState, u8, bool, bool) {
        let state = states()[usize::from(rule.state)];
        if state == SoftwareState::Ignored {
            (state, 0, false, false)
        } else {
            // On hold it does nothing, whatever its mode.
            (state, rule.version, rule.mode && rule.hold != 0, rule.hold == 0)
        }
    }

    /// Who wins for an item on a computer: its number, nobody, or several that differ.
    fn winner(&self, item: bool, pc: usize) -> Result<Option<usize>, ()> {
        let rank = |rule: &Rule| {
            let forced = self.around.names && self.around.force && rule.named;
            let local = rule.layer > 2;
            let ignored = states()[usize::from(rule.state)] == SoftwareState::Ignored;
            Reverse((forced, local, Self::scope(rule), rule.priority, ignored))
        };
        let mut best: Vec<usize> = Vec::new();
        for (number, rule) in self.rules.iter().enumerate().filter(|(_, rule)| rule.item == item) {
            if !self.counts(rule, pc) {
                continue;
            }
            match best.first().map(|first| rank(rule).cmp(&rank(&self.rules[*first]))) {
                None | Some(std::cmp::Ordering::Less) => best = vec![number],
                Some(std::cmp::Ordering::Equal) => best.push(number),
                Some(std::cmp::Ordering::Greater) => {}
            }
        }
        let Some(first) = best.first() else { return Ok(None) };
        let same =
            best.iter().all(|other| Self::effect(&self.rules[*other]) == Self::effect(&self.rules[*first]));
        if same { Ok(Some(*first)) } else { Err(()) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_gate_and_rank_is_as_a_loop_over_computers_and_deployments_says(
        rules in prop::collection::vec(rule(), 0..14),
        machines in prop::collection::vec(machine(), 1..5),
        around in around(),
    ) {
        let world = build(&rules, &machines, &around);
        let named = rules.iter().enumerate().filter(|(_, rule)| around.names && rule.named);
        let run = Run {
            named: named.map(|(number, _)| name(&format!("d{number:02}"))).collect(),
            force: around.force,
            ..Run::at(world.now)
        };
        // A run that names nothing is a run of everything.
        let around = Around { names: around.names && !run.named.is_empty(), ..around };
        let snapshot = world.snapshot();
        let fleet = Fleet::in_run(&world.config, &snapshot, &run);
        let (by_item, findings) = candidates(&world.config, &snapshot, &fleet, &run);
        prop_assert!(findings.iter().all(|finding| !finding.is_error()));
        let oracle = Oracle { rules: &rules, machines: &machines, around: &around };
        for item in [false, true] {
            let of_item = by_item.get(&software(if item { "y" } else { "x" })).map_or(&[][..], Vec::as_slice);
            let found = winners(of_item, &fleet.all);
            for (ix, computer) in snapshot.iter() {
                let pc: usize = computer.name[2..].parse().unwrap();
                let won: Vec<&str> = of_item
                    .iter()
                    .zip(&found.won)
                    .filter(|(_, won)| won.contains(ix))
                    .map(|(candidate, _)| candidate.deployment.metadata.name.as_str())
                    .collect();
                let expected = oracle.winner(item, pc);
                prop_assert_eq!(found.ambiguous.contains(ix), expected.is_err());
                let expected: Vec<String> =
                    expected.ok().flatten().map(|number| format!("d{number:02}")).into_iter().collect();
                prop_assert_eq!(won, expected);
            }
            for candidate in of_item {
                let number: usize = candidate.deployment.metadata.name.as_str()[1..].parse().unwrap();
                let rule = &rules[number];
                let mode = match (rule.hold, rule.mode) {
                    (0, _) => Mode::Ignored,
                    (_, true) => Mode::Enforce,
                    (_, false) => Mode::Audit,
                };
                prop_assert_eq!(candidate.mode, mode);
                prop_assert_eq!(candidate.acts, !around.names || rule.named);
            }
        }
    }
}

/// Two computers, one of a tenant deep in a tree.
fn tenants() -> World {
    let mut world = World::new();
    world.tenant("top");
    world.tenant("middle").parent = Some(name("top"));
    world.tenant("low").parent = Some(name("middle"));
    world.software("zip", &["3.0", "2.0", "1.0"]);
    world.computer("pc1", &[]).tenant = Some(name("low"));
    world.computer("pc2", &[]).tenant = Some(name("top"));
    world
}

fn winner(world: &World, computer: u32) -> Option<String> {
    let snapshot = world.snapshot();
    let run = Run::at(world.now);
    let fleet = Fleet::in_run(&world.config, &snapshot, &run);
    let (by_item, _) = candidates(&world.config, &snapshot, &fleet, &run);
    let of_item = by_item.get(&software("zip"))?;
    let found = winners(of_item, &fleet.all);
    let at = found.won.iter().position(|won| won.contains(computer))?;
    Some(of_item[at].deployment.metadata.name.to_string())
}

#[test]
fn the_nearest_tenant_in_the_tree_wins() {
    let mut world = tenants();
    world.deploy("of-all", software("zip"), latest("1.0"), every());
    assert_eq!(winner(&world, 0).as_deref(), Some("of-all"));
    world.deploy("of-top", software("zip"), latest("1.0"), tree("top"));
    assert_eq!(winner(&world, 0).as_deref(), Some("of-top"));
    world.deploy("of-middle", software("zip"), latest("2.0"), tree("middle"));
    assert_eq!(winner(&world, 0).as_deref(), Some("of-middle"));
    assert_eq!(winner(&world, 1).as_deref(), Some("of-top"));
    // Without its tree a tenant above says nothing of those below.
    world.deploy("only-middle", software("zip"), latest("3.0"), of_tenant("middle")).priority = 9;
    assert_eq!(winner(&world, 0).as_deref(), Some("of-middle"));
    world.deploy("of-low", software("zip"), latest("3.0"), of_tenant("low"));
    assert_eq!(winner(&world, 0).as_deref(), Some("of-low"));
    world.deploy("of-one", software("zip"), latest("3.0"), one("pc1"));
    assert_eq!(winner(&world, 0).as_deref(), Some("of-one"));
    assert_eq!(winner(&world, 1).as_deref(), Some("of-top"));
}

#[test]
fn a_library_loses_to_every_local_deployment_and_is_off_unless_it_is_listed() {
    let mut world = tenants();
    world.deploy("from-library", software("zip"), latest("2.0"), one("pc1")).layer = library(false);
    assert_eq!(winner(&world, 0), None);
    world.config.deployments.get_mut("from-library").unwrap().layer = library(true);
    assert_eq!(winner(&world, 0).as_deref(), Some("from-library"));
    world.deploy("own", software("zip"), latest("1.0"), every());
    assert_eq!(winner(&world, 0).as_deref(), Some("own"));
}

#[test]
fn onboarding_deployments_count_while_a_computer_is_being_onboarded() {
    let mut world = tenants();
    world.deploy("first-day", software("zip"), latest("2.0"), every()).enforcement = Enforcement::Onboarding;
    assert!(world.plan().plan.changes.is_empty());
    let document = model::Computer { onboarded: Some(false), ..about("pc1") };
    world.config.computers.insert(name("pc1"), document);
    let plan = world.plan().plan;
    assert_eq!(actions(&plan, "pc1"), ["zip install"]);
    assert_eq!(actions(&plan, "pc2"), [""; 0]);
}

#[test]
fn a_run_that_names_a_deployment_does_that_alone_and_says_where_it_does_not_win() {
    let mut world = tenants();
    world.software("other", &["1.0"]);
    world.deploy("now", software("zip"), latest("2.0"), every()).enforcement = Enforcement::AdHoc;
    world.deploy("usual", software("zip"), latest("3.0"), one("pc1"));
    world.deploy("aside", software("other"), latest("1.0"), every());
    let plan = world.plan().plan;
    assert_eq!(actions(&plan, "pc1"), ["other install", "zip install"]);
    assert_eq!(actions(&plan, "pc2"), ["other install"]);

    let options = Options { deployments: vec![name("now")], ..Options::default() };
    let plan = world.plan_of(options.clone()).plan;
    assert_eq!(actions(&plan, "pc1"), [""; 0]);
    assert_eq!(actions(&plan, "pc2"), ["zip install"]);
    assert_eq!(notes(&plan), ["Overruled zip: deployment now does not win here: usual does [pc1]"]);
    assert_eq!(plan.coverage.checks, 1);

    let plan = world.plan_of(Options { force_deployments: true, ..options }).plan;
    assert_eq!(actions(&plan, "pc1"), ["zip install"]);
    assert!(plan.changes.iter().all(|change| change.version.as_deref() == Some("2.0")));
    assert!(plan.notes.is_empty());
}

#[test]
fn what_is_on_hold_wins_does_nothing_says_so_and_goes_on_by_itself() {
    let mut world = tenants();
    world.deploy("wide", software("zip"), latest("1.0"), every());
    world.deploy("narrow", software("zip"), latest("2.0"), one("pc1")).hold = Some(hold(TOMORROW));
    let plan = world.plan().plan;
    assert_eq!(actions(&plan, "pc1"), [""; 0]);
    assert_eq!(actions(&plan, "pc2"), ["zip install"]);
    assert_eq!(notes(&plan), ["OnHold zip: deployment narrow is on hold until 2027-01-16: a fair [pc1]"]);
    world.config.deployments.get_mut("narrow").unwrap().hold = Some(hold(TODAY));
    let plan = world.plan().plan;
    assert_eq!(actions(&plan, "pc1"), ["zip install"]);
    assert!(plan.notes.is_empty());

    // A tenant's hold holds below it too.
    world.tenant("top").hold = Some(hold("2027-02-01"));
    world.tenant("middle");
    let plan = world.plan().plan;
    assert!(plan.sessions.is_empty());
    assert_eq!(notes(&plan), ["OnHold: tenant top is on hold until 2027-02-01: a fair [pc1 pc2]"]);
    world.config.tenants.get_mut("top").unwrap().hold = Some(hold(TODAY));
    world.config.tenants.get_mut("middle").unwrap().hold = Some(hold(TOMORROW));
    let plan = world.plan().plan;
    assert_eq!(actions(&plan, "pc1"), [""; 0]);
    assert_eq!(actions(&plan, "pc2"), ["zip install"]);
}

#[test]
fn a_hold_ends_with_the_day_of_the_instance() {
    let mut world = tenants();
    world.deploy("zip", software("zip"), latest("1.0"), every()).hold = Some(hold(TOMORROW));
    // It is 08:00 UTC on the 15th: already the 16th nowhere but near the date line, 16 hours on.
    assert!(world.plan().plan.sessions.is_empty());
    world.now = "2027-01-15T10:30:00Z".parse().unwrap();
    assert!(world.plan().plan.sessions.is_empty());
    world.config.instance.time_zone = "Pacific/Kiritimati".to_owned();
    assert_eq!(world.plan().plan.sessions.len(), 2);
}

#[test]
fn a_disabled_item_is_deployed_nowhere() {
    let mut world = tenants();
    world.task("wallpaper").enabled = false;
    world.software("zip", &["1.0"]);
    world.config.software.get_mut("zip").unwrap().enabled = false;
    world.deploy("zip", software("zip"), latest("1.0"), every());
    world.deploy("wallpaper", task("wallpaper"), Desired::Task, every());
    let planned = world.plan();
    assert!(planned.plan.sessions.is_empty() && planned.plan.notes.is_empty());
    assert_eq!(planned.plan.coverage.unmanaged, 2);
}

#[test]
fn explain_says_which_gate_dropped_a_deployment_and_what_it_would_have_done() {
    let mut world = tenants();
    world.tenant("low");
    world.config.tenants.get_mut("low").unwrap().cross_tenant = CrossTenant::Exclude;
    world.deploy("won", software("zip"), latest("1.0"), of_tenant("low"));
    world.deploy("off", software("zip"), latest("2.0"), one("pc1")).enabled = false;
    world.deploy("ask", software("zip"), latest("2.0"), of_tenant("low")).enforcement = Enforcement::AdHoc;
    world.deploy("new", software("zip"), latest("2.0"), tree("top")).enforcement = Enforcement::Onboarding;
    world.deploy("book", software("zip"), latest("2.0"), one("pc1")).layer = library(false);
    world.deploy("wide", software("zip"), latest("2.0"), every());
    let snapshot = world.snapshot();
    let detections = world.detect(&snapshot);
    let run = Run::at(world.now);
    let told = explain(&world.config, &snapshot, &detections, &Past::default(), 0, None, &run).unwrap();
    let said: Vec<String> = told.items[0]
        .candidates
        .iter()
        .filter(|candidate| candidate.fate == Fate::Dropped)
        .map(|candidate| format!("{}: {}", candidate.deployment.name, candidate.why))
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    ask: it counts only in a run that names it (--deployment); otherwise it would have the same rank as won
    book: it comes from the library vendor/base, and the Instance does not list it; otherwise it would lose to won
    new: it is for onboarding, and the computer is not being onboarded; otherwise it would lose to won
    off: it is disabled; otherwise it would win in place of won
    wide: the tenant opted out of cross-tenant deployments; otherwise it would lose to won
    ");
}

fn codes(world: &World) -> Vec<String> {
    let planned = world.plan();
    planned.findings.iter().map(|finding| format!("{} {}", finding.code, finding.message)).collect()
}

#[test]
fn a_deployment_that_wins_on_none_of_its_computers_is_told_with_the_winners() {
    let mut world = tenants();
    world.deploy("wide", software("zip"), latest("1.0"), every());
    world.deploy("of-top", software("zip"), latest("2.0"), tree("top"));
    let said = "M0604 deployment wide wins for zip on none of the 2 computers that it reaches: of-top did";
    assert_eq!(codes(&world), [said]);
    let planned = world.plan();
    let finding = planned.findings.iter().next().unwrap();
    assert_eq!(finding.related[0].0.file.as_ref(), "deployments/of-top.yaml");
    assert!(!finding.is_error());

    // In a run of less than everything nobody knows.
    let named = Options { deployments: vec![name("wide")], ..Options::default() };
    assert!(world.plan_of(named).findings.is_empty());
    // It wins somewhere.
    world.computer("pc3", &[]);
    assert_eq!(codes(&world), [""; 0]);
}

#[test]
fn a_lint_of_a_plan_is_silenced_by_its_document_and_an_idle_allowance_is_told() {
    let mut world = tenants();
    world.deploy("wide", software("zip"), latest("1.0"), every());
    world.deploy("of-top", software("zip"), latest("2.0"), tree("top"));
    let allow =
        |code, file: &str| model::Allow { code, place: place(file), document: place(file), used: false };
    world.config.uses.allows = vec![allow(code::NEVER_WINS_HERE, "deployments/wide.yaml")];
    assert_eq!(codes(&world), [""; 0]);
    world.config.uses.allows.push(allow(code::TARGET_MATCHES_NOTHING, "deployments/of-top.yaml"));
    assert_eq!(codes(&world), ["M0612 M0701 is allowed, and there is no such warning here"]);
    // What only shows without computers is no business of a plan.
    world.config.uses.allows.push(allow(code::UNUSED, "deployments/of-top.yaml"));
    assert_eq!(codes(&world).len(), 1);
}
