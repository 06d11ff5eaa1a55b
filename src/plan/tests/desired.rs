//! What two configurations want differently, over the same computers.

use super::world::*;
use crate::config::kind::{Consequence, LicenseNeed, Match, Mode, Reboot, SoftwareState, Term};
use crate::config::model::{Desired, License, LicenseForm, WantedVersion};
use crate::config::safety::{Allowance, BudgetKind};
use crate::inventory::facts::OsFamily;
use crate::plan::desired::{DesiredDiff, DiffKind, Side, compare};
use crate::plan::gates::Run;
use crate::secret::SecretRef;

fn diff(base: &World, head: &World) -> DesiredDiff {
    let (before, after) = (base.snapshot(), head.snapshot());
    compare(
        Side { config: &base.config, snapshot: &before, present: before.all(), shown: None },
        Side { config: &head.config, snapshot: &after, present: after.all(), shown: None },
        &Run::at(base.now),
    )
}

fn world() -> World {
    let mut world = World::new();
    for tenant in ["contoso", "fabrikam"] {
        world.tenant(tenant);
        for number in 1..=2 {
            world.computer(&format!("{tenant}-{number}"), &[]).tenant = Some(name(tenant));
        }
    }
    world.software("zip", &["2.0", "1.0"]);
    world.task("firewall");
    world.deploy("zip", software("zip"), latest("2.0"), every());
    world.deploy("firewall", task("firewall"), Desired::Task, every());
    world
}

fn touched(diff: &DesiredDiff) -> Vec<(&str, u32, bool)> {
    let name = |tenant: &crate::plan::desired::TenantDiff| tenant.tenant.clone();
    diff.tenants
        .iter()
        .filter(|tenant| name(tenant).is_some())
        .map(|tenant| {
            (
                tenant.tenant.as_ref().map_or("", |name| name.as_str()),
                tenant.touched,
                tenant.before == tenant.after,
            )
        })
        .collect()
}

#[test]
fn the_same_configuration_wants_the_same() {
    let diff = diff(&world(), &world());
    assert!(diff.changes.is_empty() && diff.deployments.is_empty());
    assert_eq!(touched(&diff), [("contoso", 0, true), ("fabrikam", 0, true)]);
}

#[test]
fn a_change_for_one_tenant_is_proved_not_to_touch_the_other() {
    let mut head = world();
    let exact = state(SoftwareState::Installed, WantedVersion::Exact { version: "1.0".into() });
    head.deploy("zip-contoso", software("zip"), exact, of_tenant("contoso"));
    let diff = diff(&world(), &head);
    assert_eq!(touched(&diff), [("contoso", 2, false), ("fabrikam", 0, true)]);
    let [change] = diff.changes.as_slice() else { panic!("{:?}", diff.changes) };
    assert_eq!(change.computers, ["contoso-1", "contoso-2"]);
    assert_eq!(change.before.as_ref().unwrap().text, "installed 2.0 (latest)");
    assert_eq!(change.after.as_ref().unwrap().text, "installed 1.0");
    assert_eq!(diff.deployments[0].kind, DiffKind::Added);
}

#[test]
fn who_says_the_same_does_not_matter() {
    let mut head = world();
    let old = head.config.deployments.remove(&name("zip")).unwrap();
    head.deploy("zip-again", software("zip"), old.desired, every());
    let diff = diff(&world(), &head);
    assert_eq!(diff.deployments.len(), 2);
    assert!(diff.changes.is_empty(), "{:?}", diff.changes);
    assert_eq!(touched(&diff), [("contoso", 0, true), ("fabrikam", 0, true)]);
}

#[test]
fn one_deployment_that_becomes_two_that_say_the_same_touches_nobody() {
    let mut head = world();
    let old = head.config.deployments.remove(&name("zip")).unwrap();
    head.deploy("b-zip", software("zip"), old.desired.clone(), of_tenant("contoso"));
    head.deploy("a-zip", software("zip"), old.desired.clone(), of_tenant("fabrikam"));
    let split = diff(&world(), &head);
    assert!(split.changes.is_empty(), "{:?}", split.changes);
    assert_eq!(touched(&split), [("contoso", 0, true), ("fabrikam", 0, true)]);

    // Two for the computers of one tenant, and the names the other way round on the other side.
    let parts = |first: &str, second: &str| {
        let mut world = world();
        world.config.deployments.remove(&name("zip"));
        world.deploy(first, software("zip"), old.desired.clone(), one("contoso-1"));
        world.deploy(second, software("zip"), old.desired.clone(), one("contoso-2"));
        world
    };
    let swapped = diff(&parts("a", "b"), &parts("b", "a"));
    assert_eq!(touched(&swapped), [("contoso", 0, true), ("fabrikam", 0, true)]);
    assert_eq!(touched(&diff(&parts("a", "b"), &world())), [("contoso", 0, true), ("fabrikam", 2, false)]);
}

#[test]
fn where_the_answer_of_a_script_is_not_known_another_text_or_other_computers_are_a_difference() {
    let with = |text: &str| {
        let mut world = world();
        world.known.iter_mut().for_each(|known| known.facts = None);
        let script = scripts(text).on(crate::session::script::Platform::Posix).unwrap().clone();
        world.config.scripts.insert(name("chosen"), script);
        let chosen = Match { all: Some(vec![Term::Script(name("chosen"))]), ..Match::default() };
        world.deploy("by-script", software("zip"), absent(), chosen);
        world
    };
    let (none, all) =
        ([("contoso", 0, true), ("fabrikam", 0, true)], [("contoso", 2, false), ("fabrikam", 2, false)]);
    let same = diff(&with("one"), &with("one"));
    assert_eq!((touched(&same).as_slice(), same.unclear), (&none[..], 4));
    assert_eq!(touched(&diff(&with("one"), &with("another"))), all);
    // The same text, and it is shown other computers.
    let (base, head) = (with("one"), with("one"));
    let (before, after) = (base.snapshot(), head.snapshot());
    let shown = |text: &str| Some(crate::id::Digest::of(text.as_bytes()));
    let compared = |was: &str, is: &str| {
        let (was, is) = (shown(was), shown(is));
        compare(
            Side { config: &base.config, snapshot: &before, present: before.all(), shown: was.as_ref() },
            Side { config: &head.config, snapshot: &after, present: after.all(), shown: is.as_ref() },
            &Run::at(base.now),
        )
    };
    assert_eq!(touched(&compared("these", "these")), none);
    assert_eq!(touched(&compared("these", "others")), all);
}

#[test]
fn scripts_modes_and_removals_are_differences() {
    let mut head = world();
    head.config.tasks.get_mut(&name("firewall")).unwrap().set = Some(scripts("another"));
    let scripts = diff(&world(), &head);
    assert_eq!(
        scripts.changes[0].before.as_ref().unwrap().text,
        scripts.changes[0].after.as_ref().unwrap().text
    );

    let mut head = world();
    head.tenant("fabrikam").mode = Mode::Audit;
    head.config.tenants.get_mut(&name("fabrikam")).unwrap().mode = Mode::Audit;
    let modes = diff(&world(), &head);
    assert_eq!(touched(&modes), [("contoso", 0, true), ("fabrikam", 2, false)]);

    let mut head = world();
    head.config.deployments.remove(&name("firewall"));
    let removed = diff(&world(), &head);
    assert_eq!((removed.changes.len(), &removed.changes[0].after), (1, &None));
}

fn license(world: &mut World, tenant: &str) {
    let called = format!("zip-{tenant}");
    let license = License {
        metadata: metadata(&called),
        place: place("licenses.yaml"),
        software: name("zip"),
        tenant: Some(name(tenant)),
        versions: None,
        form: LicenseForm::Key,
        secret: SecretRef::Env(called.to_uppercase()),
    };
    world.config.licenses.insert(name(&called), license);
}

/// Both tenants are touched where everything of one kind is told, and only one where a change concerns one.
fn is_told(change: impl FnOnce(&mut World)) -> Vec<(String, bool)> {
    let mut base = world();
    base.software("dep", &["3.0", "2.0"]);
    base.task("settings");
    base.config.software.get_mut(&name("zip")).unwrap().configuration = Some(name("settings"));
    base.config.software.get_mut(&name("zip")).unwrap().license = LicenseNeed::Required;
    base.rule("zip", not_installed(&["dep"]), Consequence::Install(names(&["dep"])));
    for tenant in ["contoso", "fabrikam"] {
        license(&mut base, tenant);
    }
    let mut head = base.clone();
    change(&mut head);
    let diff = diff(&base, &head);
    let told = touched(&diff);
    assert!(told.iter().all(|(_, touched, same)| (*touched == 0) == *same), "{told:?}");
    told.into_iter().map(|(tenant, touched, _)| (tenant.to_owned(), touched > 0)).collect()
}

#[test]
fn whatever_can_lead_to_another_plan_is_a_difference() {
    let both = [("contoso".to_owned(), true), ("fabrikam".to_owned(), true)];
    let one = [("contoso".to_owned(), true), ("fabrikam".to_owned(), false)];
    let none = [("contoso".to_owned(), false), ("fabrikam".to_owned(), false)];
    let software = |world: &mut World, called: &str, edit: fn(&mut crate::config::model::Software)| {
        edit(world.config.software.get_mut(&name(called)).unwrap());
    };
    assert_eq!(is_told(|_| ()), none);
    assert_eq!(is_told(|w| software(w, "zip", |s| s.metadata.title = Some("Zip".into()))), none);
    assert_eq!(is_told(|w| software(w, "zip", |s| s.needs_reboot = true)), both);
    let calm = |w: &mut World| w.config.tenants.get_mut(&name("contoso")).unwrap().reboot = Reboot::Suppress;
    assert_eq!(is_told(calm), none, "nothing restarts");
    let driver = |w: &mut World| software(w, "zip", |s| s.needs_reboot = true);
    let mut base = world();
    driver(&mut base);
    let mut head = base.clone();
    calm(&mut head);
    assert_eq!(touched(&diff(&base, &head)).iter().filter(|(_, n, _)| *n > 0).count(), 1);
    assert_eq!(is_told(|w| software(w, "zip", |s| s.releases[1].uninstall = Some(scripts("gone")))), both);
    assert_eq!(is_told(|w| software(w, "dep", |s| s.install = Some(scripts("another")))), both);
    assert_eq!(is_told(|w| software(w, "dep", |s| s.releases.truncate(0))), both);
    assert_eq!(is_told(|w| software(w, "dep", |s| s.enabled = false)), both);
    let settings = |w: &mut World, edit: fn(&mut crate::config::model::Task)| {
        edit(w.config.tasks.get_mut(&name("settings")).unwrap());
    };
    assert_eq!(is_told(|w| settings(w, |task| task.enabled = false)), both);
    assert_eq!(is_told(|w| settings(w, |task| task.test = Some(scripts("another")))), both);
    assert_eq!(
        is_told(|w| {
            w.config.licenses.get_mut(&name("zip-contoso")).unwrap().versions = Some("<1".into());
        }),
        one
    );
    assert_eq!(is_told(|w| _ = w.config.licenses.remove(&name("zip-contoso"))), one);
}

#[test]
fn where_it_is_open_who_wins_another_wish_is_a_difference() {
    let with = |desired: Desired| {
        let mut world = world();
        world.known.iter_mut().for_each(|known| known.facts = None);
        let linux = Match { all: Some(vec![Term::Os(OsFamily::Linux)]), ..Match::default() };
        world.deploy("by-fact", software("zip"), desired, linux);
        world
    };
    let same = diff(&with(absent()), &with(absent()));
    assert_eq!(touched(&same), [("contoso", 0, true), ("fabrikam", 0, true)]);
    assert_eq!(same.unclear, 4);
    let other = diff(&with(absent()), &with(latest("2.0")));
    assert_eq!(touched(&other), [("contoso", 2, false), ("fabrikam", 2, false)]);
}

#[test]
fn a_computer_that_comes_or_goes_is_a_difference_for_its_tenant() {
    let (base, head) = (world(), world());
    let (before, after) = (base.snapshot(), head.snapshot());
    let gone = before.iter().find(|(_, computer)| computer.name == "contoso-1").unwrap().0;
    let mut rest = after.all().clone();
    rest.remove(gone);
    let diff = compare(
        Side { config: &base.config, snapshot: &before, present: before.all(), shown: None },
        Side { config: &head.config, snapshot: &after, present: &rest, shown: None },
        &Run::at(base.now),
    );
    assert_eq!(touched(&diff), [("contoso", 1, false), ("fabrikam", 0, true)]);
    assert!(diff.changes.iter().all(|change| change.computers == ["contoso-1"] && change.after.is_none()));
}

#[test]
fn safeguards_that_fall_away_are_told() {
    let base = world();
    let mut head = world();
    let budgets = &mut head.config.safety.budgets;
    budgets.per_run.get_mut(&BudgetKind::Removals).unwrap().allowance = Allowance::Unlimited;
    let diff = diff(&base, &head);
    let [only] = diff.safeguards.as_slice() else { panic!("{:?}", diff.safeguards) };
    assert_eq!((only.what.as_str(), only.kind), ("budget removals per run", DiffKind::Changed));
    assert_eq!(
        (only.before.as_deref(), only.after.as_deref()),
        (Some("10 %, at least 5"), Some("unlimited"))
    );
    assert!(diff.changes.is_empty());
}
