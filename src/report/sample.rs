//! Plans for the tests of the view.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use crate::config::kind::{Mode, ParameterValue};
use crate::diagnostic::{Findings, Place, Sources};
use crate::id::{AgentId, CommitId, ComputerId, Digest, Name};
use crate::inventory::item::{ItemKey, Observed};
use crate::plan::document::{
    ActionType, Cause, Change, Checks, Coverage, FORMAT, Impact, ItemCoverage, MembershipChange, Moved, Note,
    NoteKind, Options, Origin, Plan, PlannedAction, PlannedComputer, PlannedSession, Reason, Revision,
    TenantCoverage, ValueOrigin,
};
use crate::policy::verdict::{RuleKind, SetAside, Verdict, Weight};
use crate::provider::{AgentRecord, Presence};
use crate::report::model::{ChangedLines, Run};
use crate::secret::SecretRef;
use crate::session::script::Platform;

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

pub(crate) fn place(file: &str, line: u32) -> Place {
    Place { file: file.into(), line, column: 1, start: 0, end: 0 }
}

pub(crate) fn origin(text: &str, file: &str, line: u32) -> Origin {
    Origin { name: name(text), place: place(file, line) }
}

pub(crate) fn present(version: &str) -> Observed {
    Observed::Present { version: Some(version.to_owned()), healthy: None }
}

pub(crate) fn computer(at: u32) -> PlannedComputer {
    PlannedComputer {
        id: ComputerId::new(format!("fleet/{at:06}")),
        name: format!("PC-{at:04}"),
        tenant: Some(name(["contoso", "fabrikam", "tailspin"][at as usize % 3])),
        provider: name("fleet"),
        agent: AgentId::new(format!("{at:06}")),
        platform: Platform::Windows,
    }
}

/// A plan without changes over so many computers, all as wanted.
pub(crate) fn nothing(computers: u32) -> Plan {
    Plan {
        memberships: Vec::new(),
        impact: Impact::default(),
        verdicts: Vec::new(),
        format: FORMAT.to_owned(),
        digest: Digest::new("7f3ac0d9e1b2c3d4e5f60718"),
        instance: name("acme-msp"),
        revision: Revision {
            commit: Some(CommitId::new("3f2c91e0a1b2c3d4e5f60718293a4b5c6d7e8f90")),
            subject: Some("7-Zip 24.09 everywhere".to_owned()),
            content: None,
            dirty: false,
        },
        options: Options::default(),
        computers: Vec::new(),
        changes: Vec::new(),
        sessions: Vec::new(),
        notes: Vec::new(),
        coverage: Coverage {
            computers,
            known: computers,
            checks: u64::from(computers) * 5,
            detected: u64::from(computers) * 5,
            ..Coverage::default()
        },
    }
}

fn change(item: ItemKey, title: &str, action: ActionType, reason: Reason, at: (&str, u32)) -> Change {
    Change {
        license: None,
        removes: action == ActionType::Uninstall,
        may_restart: false,
        deployment: origin(item.name.as_str(), at.0, at.1),
        item,
        title: title.to_owned(),
        action,
        reason,
        cause: Cause::NewIntent,
        mode: Mode::Enforce,
        before: Observed::Absent,
        after: Observed::Absent,
        version: None,
        parameters: BTreeMap::new(),
        origins: BTreeMap::new(),
        needed_by: None,
        content: Digest::of(title.as_bytes()),
        computers: Vec::new(),
    }
}

/// Five kinds of change over so many computers, at least 10: update most, install on a tenth, remove from three or a
/// tenth, set on a fifth, read everywhere.
pub(crate) fn five_kinds(computers: u32) -> Plan {
    let mut plan = nothing(computers);
    plan.computers = (0..computers).map(computer).collect();
    let every = |step: usize| (0..computers).step_by(step).collect::<Vec<u32>>();
    let zip = ItemKey::software(name("seven-zip"));
    let old = ItemKey::software(name("old-archiver"));
    let agent = ItemKey::software(name("audit-agent"));
    let disk = ItemKey::task(name("disk-encryption"), None);
    let serial = ItemKey::task(name("serial-number"), Some(name("bios")));
    plan.changes = vec![
        Change {
            before: present("3.1"),
            needed_by: Some(zip.clone()),
            computers: every(10).into_iter().take(if computers > 10 { 500 } else { 1 }).collect(),
            ..change(
                old,
                "Old Archiver",
                ActionType::Uninstall,
                Reason::Prerequisite,
                ("software/seven-zip/software.yaml", 9),
            )
        },
        Change {
            before: present("24.08"),
            after: present("24.09"),
            version: Some("24.09".to_owned()),
            computers: every(1),
            ..change(
                zip,
                "7-Zip",
                ActionType::Update,
                Reason::UpdateAvailable,
                ("deployments/archive.yaml", 12),
            )
        },
        Change {
            after: present("2.0"),
            version: Some("2.0".to_owned()),
            parameters: BTreeMap::from([
                ("key".to_owned(), ParameterValue::Secret(SecretRef::Env("AUDIT_KEY".to_owned()))),
                ("site".to_owned(), ParameterValue::Text("north".to_owned())),
            ]),
            origins: BTreeMap::from([
                ("key".to_owned(), ValueOrigin::Deployment(name("audit-agent"))),
                ("site".to_owned(), ValueOrigin::Default(name("audit-agent"))),
            ]),
            license: Some(name("audit-2026")),
            computers: every(7),
            ..change(
                agent,
                "Audit Agent",
                ActionType::Install,
                Reason::Missing,
                ("deployments/security.yaml", 20),
            )
        },
        Change {
            cause: Cause::Drift,
            before: Observed::non_compliant("volume C: is off\nvolume D: is off"),
            after: Observed::Compliant,
            computers: every(5),
            ..change(
                disk,
                "disk-encryption",
                ActionType::Set,
                Reason::TaskNonCompliant,
                ("deployments/security.yaml", 4),
            )
        },
        Change {
            mode: Mode::Monitor,
            before: Observed::Value { value: "SN-1".to_owned() },
            computers: every(2),
            ..change(
                serial,
                "serial-number",
                ActionType::Get,
                Reason::TaskMonitor,
                ("deployments/inventory.yaml", 30),
            )
        },
    ];
    plan.sessions = (0..computers)
        .map(|computer| PlannedSession {
            computer,
            actions: (0u32..)
                .zip(&plan.changes)
                .filter(|(_, change)| change.computers.binary_search(&computer).is_ok())
                .map(|(change, _)| PlannedAction { change, after: Vec::new() })
                .collect(),
        })
        .collect();
    cover(&mut plan);
    plan
}

/// Says by tenant and by item how the checks stand: each computer has one of every item that is changed or noted, and
/// what is noted is on computers without a tenant.
pub(crate) fn cover(plan: &mut Plan) {
    let mut tenants: BTreeMap<Option<Name>, TenantCoverage> = BTreeMap::new();
    let mut items: BTreeMap<ItemKey, ItemCoverage> = BTreeMap::new();
    let keys = ["audit-agent", "seven-zip"].map(|text| ItemKey::software(name(text)));
    let tasks = [("disk-encryption", None), ("firewall", None), ("serial-number", Some(name("bios")))];
    let tasks = tasks.map(|(text, instance)| ItemKey::task(name(text), instance));
    let mut add = |tenant: Option<&Name>, item: &ItemKey, say: &dyn Fn(&mut Checks, u64), number: u64| {
        let of_tenant = tenants.entry(tenant.cloned()).or_insert_with(|| TenantCoverage {
            tenant: tenant.cloned(),
            computers: 0,
            known: 0,
            checks: Checks::default(),
        });
        let title = plan.changes.iter().find(|change| change.item == *item).map(|change| &change.title);
        let of_item = items.entry(item.clone()).or_insert_with(|| ItemCoverage {
            title: title.map_or_else(|| item.to_string(), Clone::clone),
            item: item.clone(),
            checks: Checks::default(),
        });
        say(&mut of_tenant.checks, number);
        say(&mut of_item.checks, number);
        if item.name.as_str() == "seven-zip" {
            of_tenant.computers += u32::try_from(number).expect("few");
            of_tenant.known += if tenant.is_some() { u32::try_from(number).expect("few") } else { 0 };
        }
    };
    for item in keys.iter().chain(&tasks) {
        let changes = plan.changes.iter().filter(|change| change.item == *item && change.action.changes());
        let differing: BTreeSet<u32> = changes.flat_map(|change| &change.computers).copied().collect();
        let mut counts: BTreeMap<Option<&Name>, (u64, u64)> = BTreeMap::new();
        for (at, computer) in (0u32..).zip(&plan.computers) {
            let count = counts.entry(computer.tenant.as_ref()).or_default();
            *(if differing.contains(&at) { &mut count.1 } else { &mut count.0 }) += 1;
        }
        for (tenant, (wanted, differs)) in counts {
            add(tenant, item, &|checks, number| checks.wanted += number, wanted);
            add(tenant, item, &|checks, number| checks.differs += number, differs);
        }
    }
    let noted = u64::from(plan.coverage.incomplete / 3);
    if noted > 0 {
        for item in keys.iter().chain(&tasks) {
            add(None, item, &|checks, number| checks.unknown += number, noted);
            match item.name.as_str() {
                "seven-zip" => {
                    add(None, item, &|checks, number| checks.stale += number, noted);
                    add(None, item, &|checks, number| checks.undetermined += number, noted);
                }
                "firewall" => {
                    add(None, item, &|checks, number| checks.differs += number, noted);
                    add(None, item, &|checks, number| checks.wanted += number, noted);
                }
                _ => add(None, item, &|checks, number| checks.wanted += number, noted * 2),
            }
        }
    }
    // Without a tenant comes last.
    let without = tenants.remove(&None);
    plan.coverage.tenants = tenants.into_values().chain(without).collect();
    plan.coverage.items = items.into_values().collect();
    plan.coverage.differs = plan.coverage.items.iter().map(|of_item| of_item.checks.differs).sum();
}

/// Targets whose members have changed: into the first so many have come, at least 3, for two reasons.
pub(crate) fn with_memberships(mut plan: Plan, joined: u32) -> Plan {
    let names = |prefix: &str, range: std::ops::Range<u32>| {
        range.map(|at| format!("{prefix}-{at:02}")).collect::<Vec<String>>()
    };
    let moved = |why: &str, computers| Moved { why: why.to_owned(), computers };
    plan.memberships = vec![
        MembershipChange {
            target: origin("kiosks", "targets/kiosks.yaml", 2),
            before: 40,
            after: 38 + joined,
            joined: vec![
                moved("tag:kiosk", names("NEW", 0..joined - 2)),
                moved("tenant:contoso", names("NEW", joined - 2..joined)),
            ],
            left: vec![moved("", names("GONE", 0..2))],
        },
        MembershipChange {
            target: origin("servers", "targets/servers.yaml", 2),
            before: 3,
            after: 2,
            joined: Vec::new(),
            left: vec![moved("<os:server>", vec!["SRV-9".to_owned()])],
        },
    ];
    plan
}

/// Verdicts: one that refuses, one that warns, one that is overridden.
pub(crate) fn with_verdicts(mut plan: Plan) -> Plan {
    let verdict = |kind, rule: &str, weight, set_aside| Verdict {
        kind,
        rule: rule.to_owned(),
        weight,
        subject: "tenant contoso".to_owned(),
        message: "42 removals, and 10 are allowed".to_owned(),
        help: Some("look at them".to_owned()),
        place: Some(place("muster.yaml", 9)),
        about: None,
        set_aside,
        expired: None,
    };
    let reason = "agreed with <contoso>".to_owned();
    plan.verdicts = vec![
        verdict(RuleKind::Budget, "removals", Weight::Deny, Some(SetAside::Override { reason })),
        verdict(RuleKind::Guardrail, "no-fridays", Weight::Deny, None),
        verdict(RuleKind::Guardrail, "owners", Weight::Warn, None),
    ];
    plan
}

/// What waits, what is odd and what is not known, on so many computers of each kind.
pub(crate) fn with_notes(mut plan: Plan, computers: u32) -> Plan {
    let names = |prefix: &str| (0..computers).map(|at| format!("{prefix}-{at}")).collect::<Vec<_>>();
    let note = |kind, item, text: &str, origin, computers| Note {
        kind,
        item,
        text: text.to_owned(),
        origin,
        computers,
    };
    plan.notes = vec![
        note(
            NoteKind::Held,
            None,
            "source contoso-entra failed at 13:58, last good membership of 12:58 kept",
            None,
            names("HELD"),
        ),
        note(
            NoteKind::Blocked,
            Some(ItemKey::software(name("browser"))),
            "126.0 is there and 125.0 is wanted; a downgrade is not allowed",
            Some(origin("browser-pinned", "deployments/browser.yaml", 3)),
            names("DOWN"),
        ),
        note(NoteKind::Unreachable, None, "connection timed out", None, names("OFF")),
        note(NoteKind::Stale, None, "last detection 9 d ago", None, names("OLD")),
        note(
            NoteKind::Undetermined,
            Some(ItemKey::software(name("seven-zip"))),
            "detection ended with exit code 3",
            None,
            names("ODD"),
        ),
        note(
            NoteKind::NonCompliant,
            Some(ItemKey::task(name("firewall"), None)),
            "the mode is audit",
            Some(origin("firewall-audit", "deployments/security.yaml", 40)),
            names("FW"),
        ),
    ];
    plan.coverage.computers += computers * 3;
    plan.coverage.incomplete = computers * 3;
    plan.coverage.unreachable = computers;
    plan.coverage.checks += u64::from(computers) * 15;
    plan.coverage.detected += u64::from(computers) * 8;
    plan.coverage.stale = computers.into();
    plan.coverage.unknown = u64::from(computers) * 5;
    plan.coverage.undetermined = computers.into();
    cover(&mut plan);
    plan
}

/// An agent as a provider lists it.
pub(crate) fn agent(name: &str) -> AgentRecord {
    AgentRecord {
        id: AgentId::new(name),
        name: name.to_owned(),
        tenant: None,
        client: None,
        platform: None,
        presence: Presence::Unknown,
        tags: BTreeSet::new(),
        attributes: BTreeMap::new(),
        belongings: crate::inventory::relations::Belongings::default(),
    }
}

/// A run of `plan` without findings.
pub(crate) fn run(plan: Option<&Plan>) -> Run<'_> {
    static NOTHING: LazyLock<(Findings, Sources, ChangedLines)> = LazyLock::new(Default::default);
    let (findings, sources, changed) = &*NOTHING;
    Run { command: "plan", plan, findings, sources, changed, folder: "" }
}

/// All kinds of notes: the compiler asks for each new one.
pub(crate) fn kinds_of_notes() -> Vec<NoteKind> {
    use NoteKind as K;
    let next = |kind: Option<K>| match kind {
        None => Some(K::Ambiguous),
        Some(K::Ambiguous) => Some(K::Blocked),
        Some(K::Blocked) => Some(K::Held),
        Some(K::Held) => Some(K::Unreachable),
        Some(K::Unreachable) => Some(K::Refused),
        Some(K::Refused) => Some(K::Stale),
        Some(K::Stale) => Some(K::Undetermined),
        Some(K::Undetermined) => Some(K::NonCompliant),
        Some(K::NonCompliant) => Some(K::OnHold),
        Some(K::OnHold) => Some(K::Overruled),
        Some(K::Overruled) => Some(K::Lifted),
        Some(K::Lifted) => Some(K::EmptyTarget),
        Some(K::EmptyTarget) => Some(K::UnknownComputer),
        Some(K::UnknownComputer) => Some(K::Hint),
        Some(K::Hint) => None,
    };
    std::iter::successors(next(None), |kind| next(Some(*kind))).collect()
}

/// A program of that name, if one is installed.
#[expect(clippy::disallowed_methods, reason = "tests look for programs")]
pub(crate) fn find(name: &str) -> Option<std::path::PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// A program that a test needs. Where it is not installed the test is left out, unless MUSTER_TOOLS says that all are there.
#[expect(clippy::disallowed_methods, reason = "tests look at the environment")]
pub(crate) fn program(name: &str) -> Option<std::path::PathBuf> {
    let found = find(name);
    let needed = std::env::var_os("MUSTER_TOOLS").is_some_and(|tools| tools == "all");
    assert!(found.is_some() || !needed, "{name} is not installed, and ./check installs it");
    if found.is_none() {
        eprintln!("left out: there is no {name}");
    }
    found
}
