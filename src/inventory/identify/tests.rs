//! The decision on single situations.

use super::*;
use crate::config::kind::{Decision, OnConflict};
use crate::id::{AgentId, ComputerId, Name};
use crate::inventory::facts::IdentityEvidence;
use crate::inventory::known::{AgentKey, Presence};
use crate::time::Timestamp;

pub(crate) const UUID: &str = "4C4C4544-0042-3510-8053-B7C04F4A3732";
const DAY: i64 = 86_400;

pub(crate) fn at(day: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + day * DAY).expect("a time")
}

pub(crate) fn key(text: &str) -> AgentKey {
    let (provider, agent) = text.split_once('/').expect("provider/agent");
    AgentKey { provider: Name::new(provider).expect("a name"), agent: AgentId::new(agent) }
}

pub(crate) fn id(text: &str) -> ComputerId {
    ComputerId::new(text)
}

pub(crate) fn rules() -> Rules {
    Rules::default()
}

/// An agent that is online, of a computer called PC in tenant acme that was installed on day 0 and was asked on day 100.
pub(crate) fn agent(text: &str) -> Seen {
    Seen {
        key: key(text),
        name: "PC".to_owned(),
        tenant: Name::new("acme").ok(),
        listed: true,
        presence: Presence::Online,
        last_seen: Some(at(100)),
        reading: Some(Reading {
            at: at(100),
            evidence: IdentityEvidence {
                uuid: Some(UUID.to_owned()),
                serial: Some("ABC1234".to_owned()),
                manufacturer: Some("Dell Inc.".to_owned()),
                machine_id: Some("m0".to_owned()),
                os_installed: Some(at(0)),
                ..IdentityEvidence::default()
            },
        }),
        cause: None,
    }
}

fn evidence(seen: &mut Seen) -> &mut IdentityEvidence {
    &mut seen.reading.as_mut().expect("a reading").evidence
}

/// An agent of the same computer after it was installed anew on this day and asked on the next but one.
fn wiped(text: &str, day: i64) -> Seen {
    let mut seen = agent(text);
    evidence(&mut seen).machine_id = Some("m1".to_owned());
    evidence(&mut seen).os_installed = Some(at(day));
    seen.reading.as_mut().expect("a reading").at = at(day + 2);
    seen
}

fn offline(mut seen: Seen) -> Seen {
    seen.presence = Presence::Offline;
    seen
}

fn gone(mut seen: Seen) -> Seen {
    seen.listed = false;
    offline(seen)
}

/// What is decided on day 110 of `now`, after `before` was decided of on day 105.
fn after(before: &[Seen], now: &[Seen], rules: Rules, pins: &[Pin]) -> Resolution {
    let first = resolve(before, &[], rules, &Memory::default(), at(105));
    resolve(now, pins, rules, &first.memory, at(110))
}

pub(crate) fn pin(agents: &[&str], decision: Option<Decision>) -> Pin {
    Pin {
        document: Name::new("pc").expect("a name"),
        agents: agents.iter().map(|text| key(text)).collect(),
        decision,
        computer: None,
        at: None,
        id: None,
    }
}

/// The computers with their agents, generations from 2 on, and who waits, as lines.
pub(crate) fn told(resolution: &Resolution) -> Vec<String> {
    let mut lines = Vec::new();
    for (id, computer) in &resolution.computers {
        let agents: Vec<String> = computer.agents.iter().map(ToString::to_string).collect();
        let mut line = format!("{id}: {}", agents.join(" "));
        if computer.generation > 1 {
            line.push_str(&format!(" generation {}", computer.generation));
        }
        let former: Vec<String> = computer.former.iter().map(ToString::to_string).collect();
        if !former.is_empty() {
            line.push_str(&format!(" once {}", former.join(" ")));
        }
        lines.push(line);
    }
    for (id, tombstone) in &resolution.tombstones {
        lines.push(format!("{id}: gone with {} agents", tombstone.agents.len()));
    }
    for (key, waiting) in &resolution.waiting {
        let why = match &waiting.why {
            Why::NotAsked => "not asked".to_owned(),
            Why::Failed(cause) => cause.code().to_owned(),
            Why::NoIdentity(_) => "no identity".to_owned(),
            Why::Asked { question, .. } => question.code().to_owned(),
        };
        lines.push(format!("{key} waits: {why}"));
    }
    lines
}

#[test]
fn one_computer_in_three_links_is_one_computer_whichever_way_its_uuid_is_read() {
    let mut other = agent("automate/7");
    evidence(&mut other).uuid = turned(UUID);
    // The list alone says maker and serial number (IDN-4).
    let mut listed = agent("rmm/e-1");
    listed.reading.as_mut().expect("a reading").evidence = IdentityEvidence {
        serial: Some(" abc1234".to_owned()),
        manufacturer: Some("DELL".to_owned()),
        ..IdentityEvidence::default()
    };
    let decided = resolve(&[agent("control/s-1"), other, listed], &[], rules(), &Memory::default(), at(105));
    assert_eq!(told(&decided), ["automate/7: automate/7 control/s-1 rmm/e-1"]);
}

#[test]
fn an_agent_without_evidence_is_no_computer_and_says_why() {
    let mut quiet = agent("control/a");
    quiet.reading = None;
    let mut broken = quiet.clone();
    broken.key = key("control/b");
    broken.cause = Some(Cause::WmiBroken);
    let mut bad = agent("control/c");
    *evidence(&mut bad) = IdentityEvidence {
        uuid: Some("03000200-0400-0500-0006-000700080009".to_owned()),
        serial: Some("Default string".to_owned()),
        manufacturer: Some("ACME".to_owned()),
        ..IdentityEvidence::default()
    };
    let mut stamped = bad.clone();
    stamped.key = key("control/d");
    evidence(&mut stamped).generated_id = Some("0190-AB".to_owned());
    let decided = resolve(&[quiet, broken, bad, stamped], &[], rules(), &Memory::default(), at(105));
    assert_eq!(
        told(&decided),
        [
            "control/d: control/d",
            "control/a waits: not asked",
            "control/b waits: wmi-broken",
            "control/c waits: no identity",
        ]
    );
}

#[test]
fn another_agent_of_the_same_link_is_told_apart_by_what_is_known() {
    let renamed = |day| Seen { name: "PC-NEW".to_owned(), ..wiped("control/2", day) };
    let young = |day| {
        let mut seen = wiped("control/2", day);
        seen.reading.as_mut().expect("a reading").at = at(day);
        seen
    };
    let was = || agent("control/1");
    let is = || agent("control/2");
    let overwrite = Rules { on_conflict: OnConflict::Overwrite, ..rules() };
    let clone = Rules { on_conflict: OnConflict::Clone, ..rules() };
    let old = Rules { new_system_is_wipe: false, ..rules() };
    let stays = "control/1: control/1";
    let waits = |why: &str| vec![stays.to_owned(), format!("control/2 waits: {why}")];
    let one = |line: &str| vec![line.to_owned()];
    let replaced = "control/1: control/2 once control/1";
    let anew = "control/1: control/2 generation 2 once control/1";
    let two = || vec![stays.to_owned(), "control/2: control/2".to_owned()];
    for (now, rules, expected) in [
        // Both are online: always a question, but where the policy says that it is a clone.
        ([was(), is()], rules(), waits("both-online")),
        ([was(), is()], overwrite, waits("both-online")),
        ([was(), is()], clone, two()),
        // The earlier one is offline, and nothing else has changed.
        ([offline(was()), is()], rules(), waits("perhaps-reinstalled")),
        ([offline(was()), is()], overwrite, one(replaced)),
        ([offline(was()), is()], clone, two()),
        // It is not listed any more.
        ([gone(was()), is()], rules(), one(replaced)),
        // The system is newer.
        ([offline(was()), wiped("control/2", 106)], rules(), waits("perhaps-wiped")),
        ([offline(was()), wiped("control/2", 106)], overwrite, one(anew)),
        ([gone(was()), wiped("control/2", 106)], rules(), one(anew)),
        // And the name is another (IDN-9), or the system was installed a moment before (IDN-10).
        ([offline(was()), renamed(106)], rules(), one(anew)),
        ([offline(was()), young(106)], rules(), one(anew)),
        ([offline(was()), young(106)], old, waits("perhaps-wiped")),
        // The system is another and not newer.
        ([offline(was()), wiped("control/2", -9)], rules(), waits("other-system")),
        ([gone(was()), wiped("control/2", -9)], rules(), waits_gone()),
        // The new one is the quiet one.
        ([was(), offline(is())], rules(), waits("earlier-online")),
        ([was(), offline(is())], overwrite, one("control/1: control/1 once control/2")),
    ] {
        assert_eq!(told(&after(&[was()], &now, rules, &[])), expected, "{rules:?} {now:#?}");
    }
}

fn waits_gone() -> Vec<String> {
    vec!["control/1: gone with 1 agents".to_owned(), "control/2 waits: other-system".to_owned()]
}

#[test]
fn a_sandbox_always_takes_the_place_of_the_one_before() {
    let name = "8d5b7f2e-1c2d-4e3f-9a0b-1c2d3e4f5a6b";
    let sandbox = Seen { name: name.to_owned(), ..agent("control/2") };
    let earlier = Seen { name: name.replace('8', "9"), ..agent("control/1") };
    let decided = after(std::slice::from_ref(&earlier), &[earlier.clone(), sandbox.clone()], rules(), &[]);
    assert_eq!(told(&decided)[0], "control/1: control/2 once control/1");
    let decided = after(&[agent("control/1")], &[agent("control/1"), sandbox], rules(), &[]);
    assert_eq!(told(&decided)[1], "control/2 waits: both-online", "the earlier one is no sandbox");
    assert!(is_ephemeral(name) && !is_ephemeral("PC") && !is_ephemeral("8d5b7f2e1c2d4e3f9a0b1c2d3e4f5a6b"));
}

#[test]
fn what_speaks_against_one_computer_is_asked_also_over_links() {
    let was = agent("control/1");
    let mut serial = agent("rmm/1");
    evidence(&mut serial).serial = Some("OTHER99".to_owned());
    let mut uuid = agent("rmm/1");
    evidence(&mut uuid).uuid = Some("11111111-2222-3333-4444-55556666777A".to_owned());
    let moved = Seen { tenant: Name::new("other").ok(), ..agent("rmm/1") };
    let mut system = agent("rmm/1");
    evidence(&mut system).machine_id = Some("m9".to_owned());
    for (now, why) in [
        (serial, "contradiction"),
        (uuid, "contradiction"),
        (moved.clone(), "other-tenant"),
        (system, "other-system"),
    ] {
        let decided = after(std::slice::from_ref(&was), &[was.clone(), now], rules(), &[]);
        assert_eq!(told(&decided), ["control/1: control/1".to_owned(), format!("rmm/1 waits: {why}")]);
    }
    // Without a tenant nothing speaks against it; and a customer's computer may be sold.
    let unmapped = Seen { tenant: None, ..agent("rmm/1") };
    let decided = after(std::slice::from_ref(&was), &[was.clone(), unmapped], rules(), &[]);
    assert_eq!(told(&decided), ["control/1: control/1 rmm/1"]);
    let decided = after(std::slice::from_ref(&was), &[gone(was.clone()), moved], rules(), &[]);
    assert_eq!(told(&decided), ["control/1: rmm/1"]);
}

#[test]
fn clones_in_one_link_leave_it_open_on_which_the_agents_of_another_are() {
    let all = [agent("control/1"), agent("control/2"), agent("rmm/1"), agent("rmm/2")];
    let decided = resolve(&all, &[], rules(), &Memory::default(), at(105));
    assert_eq!(
        told(&decided),
        [
            "control/1: control/1",
            "control/2 waits: both-online",
            "rmm/1 waits: ambiguous",
            "rmm/2 waits: ambiguous",
        ]
    );
    // Git says which belong together; the rest follows.
    let keep = pin(&["control/2", "rmm/2"], Some(Decision::KeepBoth));
    let decided = resolve(&all, std::slice::from_ref(&keep), rules(), &decided.memory, at(106));
    assert_eq!(told(&decided), ["control/1: control/1 rmm/1", "control/2: control/2 rmm/2"]);
    // A third link has one agent on one of them: nothing says on which, but git may.
    let more = [all.as_slice(), &[agent("automate/1")]].concat();
    let open = resolve(&more, std::slice::from_ref(&keep), rules(), &decided.memory, at(107));
    assert_eq!(told(&open).last().map(String::as_str), Some("automate/1 waits: several-computers"));
    let rest =
        Pin { document: Name::new("rest").expect("a name"), ..pin(&["control/1", "automate/1"], None) };
    let settled = resolve(&more, &[keep, rest], rules(), &open.memory, at(108));
    assert_eq!(told(&settled), ["control/1: control/1 automate/1 rmm/1", "control/2: control/2 rmm/2"]);
}

#[test]
fn clones_with_systems_of_their_own_are_matched_by_these() {
    let clone = |text: &str, machine: &str| {
        let mut seen = agent(text);
        evidence(&mut seen).machine_id = Some(machine.to_owned());
        seen
    };
    let all =
        [clone("control/1", "m1"), clone("control/2", "m2"), clone("rmm/1", "m1"), clone("rmm/2", "m2")];
    let decided =
        resolve(&all, &[pin(&["control/2"], Some(Decision::KeepBoth))], rules(), &Memory::default(), at(105));
    assert_eq!(told(&decided), ["control/1: control/1 rmm/1", "control/2: control/2 rmm/2"]);
}

#[test]
fn a_decision_in_git_is_carried_out_once() {
    let was = offline(agent("control/1"));
    let is = wiped("control/2", 106);
    let all = [was.clone(), is];
    let overwrite = pin(&["control/2"], Some(Decision::Overwrite));
    let decided = after(std::slice::from_ref(&was), &all, rules(), &[overwrite]);
    // The system is newer whatever the decision says: what was known of it does not count.
    assert_eq!(told(&decided), ["control/1: control/2 generation 2 once control/1"]);
    let same = [was.clone(), agent("control/2")];
    let wipe = Pin { at: Some(at(107)), ..pin(&["control/2"], Some(Decision::Wiped)) };
    let mut decided = after(std::slice::from_ref(&was), &same, rules(), std::slice::from_ref(&wipe));
    for day in 111..114 {
        assert_eq!(told(&decided), ["control/1: control/2 generation 2 once control/1"]);
        assert_eq!(decided.computers[&id("control/1")].began, Some(at(107)));
        decided = resolve(&same, std::slice::from_ref(&wipe), rules(), &decided.memory, at(day));
    }
    let again = Pin { at: Some(at(120)), ..wipe };
    let decided = resolve(&same, &[again], rules(), &decided.memory, at(121));
    assert_eq!(decided.computers[&id("control/1")].generation, 3);
}

#[test]
fn a_wiped_computer_under_the_same_agent_is_a_new_generation_and_a_feature_update_is_not() {
    let was = agent("rmm/1");
    let decided = after(std::slice::from_ref(&was), &[wiped("rmm/1", 106)], rules(), &[]);
    assert_eq!(told(&decided), ["rmm/1: rmm/1 generation 2"]);
    assert_eq!(decided.computers[&id("rmm/1")].began, Some(at(108)));
    let mut updated = wiped("rmm/1", 106);
    evidence(&mut updated).machine_id = Some("m0".to_owned());
    let decided = after(std::slice::from_ref(&was), &[updated], rules(), &[]);
    assert_eq!(told(&decided), ["rmm/1: rmm/1"]);
}

#[test]
fn a_uuid_that_changes_follows_its_agent_unless_it_is_that_of_another_computer() {
    const NEW: &str = "11111111-2222-3333-4444-55556666777A";
    let changed = |text: &str, uuid: &str| {
        let mut seen = agent(text);
        evidence(&mut seen).uuid = Some(uuid.to_owned());
        seen
    };
    let was = agent("rmm/1");
    let decided = after(std::slice::from_ref(&was), &[changed("rmm/1", NEW)], rules(), &[]);
    assert_eq!(told(&decided), ["rmm/1: rmm/1"]);
    assert_eq!(decided.memory.computers[&id("rmm/1")].keys.uuid.as_deref(), Some(NEW));
    // And back: two machines share the agent's id.
    let back = resolve(&[was.clone()], &[], rules(), &decided.memory, at(112));
    assert_eq!(told(&back), ["rmm/1 waits: two-machines"]);
    let again = resolve(&[was.clone()], &[], rules(), &back.memory, at(113));
    assert_eq!(told(&again), ["rmm/1 waits: two-machines"]);
    let mut other = changed("rmm/2", NEW);
    evidence(&mut other).serial = Some("ZZZ9999".to_owned());
    let mut thief = other.clone();
    thief.key = key("rmm/1");
    let decided = after(&[was, other.clone()], &[thief, other], rules(), &[]);
    assert_eq!(told(&decided), ["rmm/2: rmm/2", "rmm/1 waits: moved"]);
}

#[test]
fn a_replaced_agent_that_comes_online_beside_the_new_one_is_a_question() {
    let (was, is) = (agent("control/1"), agent("control/2"));
    let decided = after(std::slice::from_ref(&was), &[gone(was.clone()), is.clone()], rules(), &[]);
    assert_eq!(told(&decided), ["control/1: control/2 once control/1"]);
    let quiet = resolve(&[offline(was.clone()), is.clone()], &[], rules(), &decided.memory, at(111));
    assert_eq!(told(&quiet), ["control/1: control/2 once control/1"]);
    let both = resolve(&[was.clone(), is.clone()], &[], rules(), &quiet.memory, at(112));
    assert_eq!(told(&both), ["control/1: control/2 once control/1", "control/1 waits: both-online"]);
    let swapped = resolve(&[was, gone(is)], &[], rules(), &both.memory, at(113));
    assert_eq!(told(&swapped), ["control/1: control/1 once control/2"]);
}

#[test]
fn a_computer_that_nobody_lists_is_remembered_and_comes_back() {
    let was = agent("control/1");
    let decided = after(std::slice::from_ref(&was), &[gone(was.clone())], rules(), &[]);
    assert_eq!(told(&decided), ["control/1: gone with 1 agents"]);
    let back = resolve(&[was], &[], rules(), &decided.memory, at(111));
    assert_eq!(told(&back), ["control/1: control/1"]);
    let other = resolve(&[gone(agent("control/1")), agent("rmm/1")], &[], rules(), &decided.memory, at(111));
    assert_eq!(told(&other), ["control/1: rmm/1"], "the same computer in another link");
}

#[test]
fn a_computer_without_a_sign_for_thirty_days_is_stale() {
    let quiet = offline(agent("control/1"));
    let on = |day| {
        let decided = resolve(std::slice::from_ref(&quiet), &[], rules(), &Memory::default(), at(day));
        decided.computers[&id("control/1")].stale
    };
    assert_eq!((on(130), on(131)), (None, Some(at(100))));
    let decided = resolve(&[agent("control/1")], &[], rules(), &Memory::default(), at(200));
    assert_eq!(decided.computers[&id("control/1")].stale, None, "it is online");
}

#[test]
fn git_gives_an_identity_where_the_firmware_has_none_and_names_the_computer_where_several_fit() {
    let mut bad = agent("control/1");
    *evidence(&mut bad) = IdentityEvidence::default();
    let named = Pin { id: Some("Till-3".to_owned()), ..pin(&["control/1"], None) };
    let decided = resolve(&[bad], &[named], rules(), &Memory::default(), at(105));
    assert_eq!(told(&decided), ["control/1: control/1"]);
    let identity = decided.computers[&id("control/1")].identity.clone();
    assert_eq!(identity.map(|identity| identity.key()).as_deref(), Some("generated/till-3"));

    let was = [agent("control/1"), agent("control/2")];
    let decided = after(&was, &was, Rules { on_conflict: OnConflict::Clone, ..rules() }, &[]);
    let all = [offline(agent("control/1")), offline(agent("control/2")), agent("control/3")];
    let several = resolve(&all, &[], rules(), &decided.memory, at(111));
    assert!(
        told(&several).contains(&"control/3 waits: several-computers".to_owned()),
        "{:?}",
        told(&several)
    );
    let named = Pin { computer: Some(id("control/2")), ..pin(&["control/3"], Some(Decision::Overwrite)) };
    let named = resolve(&all, &[named], rules(), &several.memory, at(112));
    assert_eq!(told(&named), ["control/1: control/1", "control/2: control/3 once control/2"]);
}

/// The same computer's agent as a list tells of it: maker and serial number, and perhaps when its system was installed.
fn said(text: &str, installed: Option<i64>) -> Seen {
    let mut seen = agent(text);
    seen.last_seen = None;
    *evidence(&mut seen) = IdentityEvidence {
        serial: Some("ABC1234".to_owned()),
        manufacturer: Some("Dell Inc.".to_owned()),
        os_installed: installed.map(at),
        ..IdentityEvidence::default()
    };
    seen
}

fn named(name: &str, seen: Seen) -> Seen {
    Seen { name: name.to_owned(), ..seen }
}

#[test]
fn what_one_list_tells_of_the_system_counts_whichever_agent_came_first() {
    let old = ["automate/1", "control/1"].map(|text| offline(said(text, None)));
    let new = ["automate/2", "control/2"].map(|text| said(text, None));
    let all = |later: Seen| {
        let rmm = [offline(said("rmm/1", Some(0))), later];
        [old.clone().as_slice(), new.clone().as_slice(), rmm.as_slice()].concat()
    };
    let first = |seen: &[Seen]| resolve(seen, &[], rules(), &Memory::default(), at(105));
    let anew = "automate/1: automate/2 control/2 rmm/2 generation 2 once automate/1 control/1 rmm/1";
    assert_eq!(told(&first(&all(named("NEW", said("rmm/2", Some(60)))))), [anew]);
    // Without another name that is a question in this link, and in the others nothing is known of it.
    assert_eq!(
        told(&first(&all(said("rmm/2", Some(60))))),
        [
            "automate/1: automate/1 control/1 rmm/1",
            "automate/2 waits: perhaps-reinstalled",
            "control/2 waits: perhaps-reinstalled",
            "rmm/2 waits: perhaps-wiped",
        ]
    );
    // Where all are offline, the older system is that of the one before.
    let quiet: Vec<Seen> = all(named("NEW", said("rmm/0", Some(60)))).into_iter().map(offline).collect();
    let decided = first(&quiet);
    let computer = &decided.computers[&id("automate/1")];
    assert_eq!((computer.generation, computer.former.contains(&key("rmm/1"))), (2, true));
}

#[test]
fn what_was_offline_on_a_wiped_computer_was_wiped_with_it_and_comes_back_when_it_is_online() {
    let was = [agent("automate/1"), said("control/1", None), said("rmm/1", None)];
    let young = |text: &str| {
        let mut seen = wiped(text, 106);
        seen.reading.as_mut().expect("a reading").at = at(106);
        seen
    };
    let now = [
        offline(was[0].clone()),
        offline(was[1].clone()),
        offline(was[2].clone()),
        young("automate/2"),
        young("control/2"),
    ];
    let decided = after(&was, &now, rules(), &[]);
    let two = "automate/1: automate/2 control/2 generation 2 once automate/1 control/1 rmm/1";
    assert_eq!(told(&decided), [two]);
    // ConnectWise RMM's agent keeps its id over a wipe, and may be the last to come back.
    let mut back = now.to_vec();
    back[2] = young("rmm/1");
    let three = "automate/1: automate/2 control/2 rmm/1 generation 2 once automate/1 control/1";
    assert_eq!(told(&resolve(&back, &[], rules(), &decided.memory, at(111))), [three]);
}

#[test]
fn a_system_that_was_still_seen_after_the_other_was_installed_was_not_wiped_for_it() {
    let was = agent("control/1");
    let new = named("NEW", wiped("control/2", 101));
    let seen = |day| Seen { last_seen: Some(at(day)), ..offline(was.clone()) };
    let decided = |day| {
        let now = [seen(day), new.clone()];
        resolve(&now, &[], rules(), &Memory::default(), at(110))
    };
    assert_eq!(told(&decided(100)), ["control/1: control/2 generation 2 once control/1"]);
    assert_eq!(told(&decided(104)), ["control/1: control/1", "control/2 waits: other-system"]);
}

#[test]
fn a_date_in_a_list_alone_makes_no_new_system_and_hides_none() {
    let was = agent("rmm/1");
    let mut listed = said("rmm/1", Some(106));
    listed.reading.as_mut().expect("a reading").at = at(108);
    let decided = after(std::slice::from_ref(&was), &[listed], rules(), &[]);
    assert_eq!(told(&decided), ["rmm/1: rmm/1"]);
    // Nor does another name in that list, which may be one that somebody gave it there.
    let mut renamed = named("Reception", said("rmm/1", Some(106)));
    renamed.reading.as_mut().expect("a reading").at = at(108);
    let under = after(std::slice::from_ref(&was), &[renamed.clone()], rules(), &[]);
    assert_eq!(told(&under), ["rmm/1: rmm/1"]);
    let other = named("Reception", said("automate/1", Some(106)));
    let newcomer = after(std::slice::from_ref(&was), &[offline(was.clone()), offline(other)], rules(), &[]);
    assert_eq!(told(&newcomer), ["rmm/1: rmm/1", "automate/1 waits: perhaps-wiped"]);
    let asked = resolve(&[wiped("rmm/1", 106)], &[], rules(), &decided.memory, at(111));
    assert_eq!(told(&asked), ["rmm/1: rmm/1 generation 2"]);
}

#[test]
fn two_spellings_of_one_installation_are_not_a_wipe() {
    // A list tells the day and a short name; the computer itself tells the second, its id and its full name.
    let listed = said("rmm/1", Some(0));
    let mut own = named("PC.contoso.local", agent("rmm/1"));
    evidence(&mut own).os_installed = Timestamp::from_second(at(0).as_second() + DAY - 1).ok();
    own.reading.as_mut().expect("a reading").at = at(108);
    let renamed = named("Reception", own.clone());
    let decided = after(std::slice::from_ref(&listed), std::slice::from_ref(&own), rules(), &[]);
    assert_eq!(told(&decided), ["rmm/1: rmm/1"]);
    let decided = after(std::slice::from_ref(&listed), &[renamed], rules(), &[]);
    assert_eq!(told(&decided), ["rmm/1: rmm/1"]);
    // Three days later it is another one.
    evidence(&mut own).os_installed = Some(at(3));
    let decided = after(&[listed], &[named("Reception", own)], rules(), &[]);
    assert_eq!(told(&decided), ["rmm/1: rmm/1 generation 2"]);
}
