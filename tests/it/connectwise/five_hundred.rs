//! The same 500 computers in three providers, with re-installed agents, clones, wiped machines, bad UUIDs and virtual machines among
//! them: imported, identified, changed behind the program's back, asked about and decided, held against what the lab knows.

#![expect(clippy::print_stdout, reason = "the test prints its counts")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use muster_lab::fleet::{Agent, Case, Company, Computer, Fleet, Generate, System};
use muster_lab::journal::Entry;

use super::truth::{self, Alike, Named, Outcome, Told, Truth, agents, found, named, provider};
use crate::support::lab_world::LabWorld;
use crate::support::muster::{World, document};

const LINKS: [&str; 3] = ["automate", "control", "rmm"];

/// 500 computers of four companies.
fn generated() -> Fleet {
    let generate = Generate {
        reinstalled: 5,
        wiped: 4,
        cloned: 6,
        bad_uuid: 5,
        virtual_machines: 20,
        offline: 8,
        missing: 6,
        ..Generate::of(500, 4)
    };
    let mut fleet = Fleet { generate: Some(generate), ..Fleet::default() };
    // The program runs more often than anybody would type.
    fleet.rmm.sign_ins_per_minute = 10_000;
    fleet.made().unwrap()
}

/// Whether nothing is odd about a computer, so that something may happen to it.
fn is_plain(computer: &Computer) -> bool {
    let odd = computer.cases.iter().any(|case| *case != Case::Virtual);
    !odd && computer.online && agents_of(computer) == LINKS.len()
}

fn agents_of(computer: &Computer) -> usize {
    computer.agents.as_ref().map_or(LINKS.len(), Vec::len)
}

/// What happens to a computer after the first run, or was always so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// Control puts it into another company than the others do.
    OtherTenant,
    /// Four of its kind have one UUID that no list knows, and serial numbers of their own.
    ModelLine,
    /// A sandbox: each installation gets a name and agents of its own.
    Sandbox,
    /// Its agent in Control was installed again, and the old one was taken off the list.
    ReinstalledGone,
    /// Its agents in Control and Automate were, and the old ones are still listed.
    ReinstalledStale,
    /// A copy of it comes up beside it.
    Cloned,
    /// It was wiped and got another name; the old agents are still listed.
    WipedRenamed,
    /// It was wiped and kept its name; the old agents are still listed.
    Wiped,
    /// The same, and somebody tells before the rule is let to.
    WipedTold,
    /// It was wiped; the old agents are taken off the lists.
    WipedGone,
    /// It was wiped, and ConnectWise RMM's agent came back under its own id.
    WipedSameRmm,
    /// It was switched off, and comes up for the first time.
    ComesUp,
    /// It is in no list any more.
    Leaves,
}

/// So many computers of each kind: named by the lists, and named by the script.
const EVENTS: [(Event, usize, usize); 12] = [
    (Event::OtherTenant, 3, 0),
    (Event::ModelLine, 0, 4),
    (Event::Sandbox, 0, 3),
    (Event::ReinstalledGone, 6, 4),
    (Event::ReinstalledStale, 5, 3),
    (Event::Cloned, 0, 4),
    (Event::WipedRenamed, 5, 3),
    (Event::Wiped, 4, 3),
    (Event::WipedTold, 3, 2),
    (Event::WipedGone, 4, 2),
    (Event::WipedSameRmm, 3, 0),
    (Event::Leaves, 2, 1),
];

type Events = BTreeMap<String, Event>;

/// Chooses to which computers what happens.
fn events(fleet: &Fleet) -> Events {
    let of = |kind: Named| {
        let fits = move |computer: &&Computer| is_plain(computer) && named(computer) == kind;
        fleet.computers.iter().filter(fits).map(|one| one.name.clone())
    };
    let (mut by_lists, mut by_script) = (of(Named::ByLists), of(Named::ByScript));
    let mut events = Events::new();
    for (event, lists, script) in EVENTS {
        let chosen: Vec<String> =
            by_lists.by_ref().take(lists).chain(by_script.by_ref().take(script)).collect();
        assert_eq!(chosen.len(), lists + script, "{event:?}");
        events.extend(chosen.into_iter().map(|name| (name, event)));
    }
    let sleeping = fleet.computers.iter().filter(|one| !one.online && named(one) == Named::ByScript);
    events.extend(sleeping.take(5).map(|one| (one.name.clone(), Event::ComesUp)));
    events
}

fn guid(number: usize) -> String {
    uuid::Uuid::from_u128(0x5ab0_0000_0000_4000_8000_0000_0000_0000 + number as u128).to_string()
}

/// What is odd from the beginning.
fn odd_from_the_beginning(fleet: &mut Fleet, events: &Events) {
    let companies: Vec<Company> = fleet.companies.clone();
    for (at, computer) in fleet.computers.iter_mut().enumerate() {
        match events.get(&computer.name) {
            Some(Event::OtherTenant) => {
                let other =
                    companies.iter().find(|one| Some(&one.name) != computer.company.as_ref()).unwrap();
                computer.properties.insert(1, other.name.clone());
            }
            Some(Event::ModelLine) => {
                let mut identity = computer.identity();
                identity.uuid = Some("7b1f6a52-4c3d-4e0f-8a9b-5c6d7e8f9a0b".to_owned());
                identity.manufacturer = Some("ACME".to_owned());
                identity.serial = Some(format!("AC{at:05}"));
                computer.identity = Some(identity);
                computer.company = Some(companies[0].name.clone());
                computer.site = None;
            }
            Some(Event::Sandbox) => computer.hostname = Some(guid(at)),
            _ => {}
        }
    }
}

/// What the first run should find.
fn first_truth(fleet: &Fleet, events: &Events) -> Truth {
    let mut truth = truth::of(fleet);
    let mut line = Vec::new();
    for computer in &fleet.computers {
        match events.get(&computer.name) {
            Some(Event::OtherTenant) => {
                let outcome = truth.alone.get_mut(&computer.name).unwrap();
                let other =
                    outcome.together.iter().find(|agent| provider(agent) == "control").unwrap().clone();
                outcome.together.remove(&other);
                outcome.waits.insert(other, "other-tenant");
            }
            Some(Event::ModelLine) => {
                line.push(truth.alone.remove(&computer.name).unwrap().together);
            }
            _ => {}
        }
    }
    let waits = BTreeMap::from([("contradiction", LINKS.len() * (line.len() - 1))]);
    truth.alike.insert("the model line".to_owned(), Alike { computers: line, together: LINKS.len(), waits });
    truth
}

/// Gives agents new ids.
struct Installer {
    automate: u32,
    guids: usize,
}

impl Installer {
    fn of(fleet: &Fleet) -> Self {
        let all = fleet.computers.iter().flat_map(|one| one.agents.iter().flatten());
        let numbers = all.filter(|one| one.system == System::Automate);
        let automate = numbers.filter_map(|one| one.id.as_ref()?.parse().ok()).max().unwrap();
        Self { automate, guids: 1_000_000 }
    }

    /// A new agent of this system.
    fn agent(&mut self, system: System) -> Agent {
        let id = if system == System::Automate {
            self.automate += 1;
            self.automate.to_string()
        } else {
            self.guids += 1;
            guid(self.guids)
        };
        Agent { id: Some(id), ..Agent::of(system) }
    }

    /// Installs agents again in these systems; the old ones stay on the lists, or not.
    fn again(&mut self, computer: &mut Computer, systems: &[System], stay: bool) {
        let (name, installed) = (computer.hostname().to_owned(), computer.identity().os_installed);
        let mut kept = Vec::new();
        for agent in computer.agents.take().unwrap() {
            if systems.contains(&agent.system) {
                kept.push(self.agent(agent.system));
                kept.extend(stay.then(|| Agent {
                    previous: true,
                    name: Some(name.clone()),
                    os_installed: installed,
                    seen: Some(jiff::Timestamp::now()),
                    ..agent
                }));
            } else {
                kept.push(agent);
            }
        }
        computer.agents = Some(kept);
    }
}

/// A computer whose disk was wiped a moment ago.
fn wipe(computer: &mut Computer) {
    let mut identity = computer.identity();
    identity.machine_id = identity.machine_id.map(|id| id.chars().rev().collect());
    identity.os_installed = Some(jiff::Timestamp::now());
    computer.identity = Some(identity);
}

/// What happens between the first run and the second, and what the second should find.
fn second_day(fleet: &mut Fleet, events: &Events, truth: &mut Truth) {
    const ALL: [System; 3] = System::ALL;
    let mut installer = Installer::of(fleet);
    let mut copies = Vec::new();
    for computer in &mut fleet.computers {
        let Some(event) = events.get(&computer.name).copied() else { continue };
        let before = agents(computer, false);
        match event {
            Event::OtherTenant | Event::ModelLine => continue,
            Event::Sandbox => {
                installer.again(computer, &ALL, true);
                computer.hostname = Some(installer.agent(System::Rmm).id.unwrap());
            }
            Event::ReinstalledGone => installer.again(computer, &[System::Control], false),
            Event::ReinstalledStale => installer.again(computer, &[System::Control, System::Automate], true),
            Event::Cloned => {
                let mut copy = computer.clone();
                copy.name = format!("{}-clone", computer.name);
                copy.cases = BTreeSet::from([Case::Clone]);
                installer.again(&mut copy, &ALL, false);
                truth.alone.insert(
                    copy.name.clone(),
                    Outcome { waits: all(&copy, "both-online"), ..Outcome::default() },
                );
                copies.push(copy);
            }
            Event::WipedRenamed => {
                installer.again(computer, &ALL, true);
                computer.hostname = Some(format!("new-{}", computer.name));
                wipe(computer);
            }
            Event::Wiped | Event::WipedTold => {
                installer.again(computer, &ALL, true);
                wipe(computer);
            }
            Event::WipedGone => {
                installer.again(computer, &ALL, false);
                wipe(computer);
            }
            Event::WipedSameRmm => {
                installer.again(computer, &[System::Control, System::Automate], false);
                wipe(computer);
            }
            Event::ComesUp => computer.online = true,
            Event::Leaves => computer.agents = Some(Vec::new()),
        }
        let (present, left) = (agents(computer, false), agents(computer, true));
        let outcome = truth.alone.get_mut(&computer.name).unwrap();
        *outcome = match event {
            Event::OtherTenant | Event::ModelLine => continue,
            Event::Cloned => found(before),
            Event::ReinstalledGone => {
                Outcome { former: before.difference(&present).cloned().collect(), ..found(present) }
            }
            Event::ReinstalledStale => {
                let new: BTreeSet<String> = present.difference(&before).cloned().collect();
                let waits = new.iter().map(|agent| (agent.clone(), "perhaps-reinstalled")).collect();
                Outcome { waits, ..found(present.difference(&new).chain(&left).cloned().collect()) }
            }
            Event::Sandbox => Outcome { former: left, ..found(present) },
            Event::WipedRenamed => Outcome { former: left, generation: 2, ..found(present) },
            Event::Wiped | Event::WipedTold => {
                Outcome { waits: all(computer, "perhaps-wiped"), ..found(left) }
            }
            Event::WipedGone | Event::WipedSameRmm => Outcome {
                former: before.difference(&present).cloned().collect(),
                generation: 2,
                ..found(present)
            },
            Event::ComesUp => truth::first_look(computer),
            Event::Leaves => Outcome::default(),
        };
    }
    fleet.computers.extend(copies);
}

/// All agents that a computer has, waiting for the same reason.
fn all(computer: &Computer, why: &'static str) -> BTreeMap<String, &'static str> {
    agents(computer, false).into_iter().map(|agent| (agent, why)).collect()
}

/// The repository, and what is said of it.
struct Town {
    world: LabWorld,
    started: Instant,
}

impl Town {
    fn new(fleet: Fleet) -> Self {
        let world = World::new();
        world.write("muster.yaml", &instance(false));
        let examples =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/connectwise/providers");
        for link in LINKS {
            let text = std::fs::read_to_string(examples.join(format!("{link}.yaml"))).unwrap();
            world.write(
                &format!("providers/{link}.yaml"),
                &text.replace("requestsPerMinute: 6000", "requestsPerMinute: 60000, concurrency: 200"),
            );
        }
        let task = "test: { posix: { inline: echo true }, windows: { inline: 'true' } }\n  set: { posix: { inline: ':' }, windows: { inline: '' } }";
        world.write("tasks/kept.yaml", &document("Task", "kept", task));
        world.write(
            "deployments/kept.yaml",
            &document("Deployment", "kept", "task: kept\n  target: { match: { every: true } }"),
        );
        Self { world: LabWorld::new(world, fleet), started: Instant::now() }
    }

    fn run(&self, arguments: &[&str]) -> crate::support::muster::Ran {
        let began = Instant::now();
        let ran = self.world.run(arguments);
        println!(
            "  {:>5.1} s  {:>5.1} s  muster {}",
            self.started.elapsed().as_secs_f64(),
            began.elapsed().as_secs_f64(),
            arguments.join(" ")
        );
        ran
    }

    /// Plans, and says who is on which computer and who waits.
    fn plan(&self) -> Told {
        let before = self.commands();
        // Those that are switched off are not reached, and the plan says so.
        let plan = self.run(&["plan", "--output", "json"]).exits(5).json();
        let told = self.told();
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for why in told.waits.values() {
            *counts.entry(why.clone()).or_default() += 1;
        }
        assert_eq!(plan["coverage"]["unidentified"], serde_json::json!(counts));
        assert_eq!(plan["coverage"]["computers"], told.computers.len());
        println!("  {} commands; {} computers; {counts:?}", self.commands() - before, told.computers.len());
        told
    }

    fn commands(&self) -> usize {
        self.world.lab.journal().iter().filter(|line| matches!(line.entry, Entry::Command { .. })).count()
    }

    fn told(&self) -> Told {
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let list = |value: &serde_json::Value| -> BTreeSet<String> {
            value.as_array().into_iter().flatten().map(text).collect()
        };
        let computers = self.run(&["computers", "--output", "json"]).exits(0).json();
        let waiting = self.run(&["identify", "--output", "json"]).exits(0).json();
        Told {
            computers: computers["computers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| {
                    let generation = row["generation"].as_u64().unwrap_or(1);
                    (text(&row["id"]), (list(&row["agents"]), list(&row["former"]), generation))
                })
                .collect(),
            waits: waiting["waiting"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| (text(&row["agent"]), text(&row["reason"])))
                .collect(),
        }
    }
}

/// What somebody decides who knows what is true.
#[derive(Debug)]
struct Decision {
    computer: String,
    agents: Vec<String>,
    choice: &'static str,
    /// The computer that is meant, where it has to be named.
    on: Option<String>,
    /// The id that names it, where nothing else does.
    id: Option<String>,
}

/// The decisions that are needed, and what is true with them. `Event::Wiped` is left to the rule.
fn decide(fleet: &Fleet, events: &Events, truth: &mut Truth, told: &Told) -> Vec<Decision> {
    let mut decisions = Vec::new();
    truth.alike.clear();
    for computer in &fleet.computers {
        let (present, left) = (agents(computer, false), agents(computer, true));
        let event = events.get(&computer.name).copied();
        let is_copy = computer.cases.contains(&Case::Clone);
        let wiped =
            computer.cases.contains(&Case::Wiped) || matches!(event, Some(Event::Wiped | Event::WipedTold));
        let on_one = |(agents, ..): &&(BTreeSet<String>, BTreeSet<String>, u64)| {
            agents.intersection(&present).count() == LINKS.len()
        };
        let is_found = told.computers.values().any(|one| on_one(&one));
        let outcome = truth.alone.entry(computer.name.clone()).or_insert_with(|| found(present.clone()));
        let asked: Vec<String> = outcome
            .waits
            .iter()
            .filter(|(_, why)| **why != "not-asked")
            .map(|(agent, _)| agent.clone())
            .collect();
        let decision = |agents: Vec<String>, choice| Decision {
            computer: computer.name.clone(),
            agents,
            choice,
            on: None,
            id: None,
        };
        let after = Outcome {
            waits: outcome
                .waits
                .iter()
                .filter(|(_, why)| **why == "not-asked")
                .map(|(a, w)| (a.clone(), *w))
                .collect(),
            ..found(present.clone())
        };
        let is_apart = is_copy || (event == Some(Event::ModelLine) && !is_found);
        if asked.is_empty() && !is_apart {
            continue;
        }
        if is_apart {
            decisions.push(decision(present.iter().cloned().collect(), "keep-both"));
            *outcome = after;
        } else if event == Some(Event::OtherTenant) {
            let on = told
                .computers
                .iter()
                .find(|(_, (agents, ..))| agents.intersection(&present).next().is_some());
            decisions.push(Decision { on: on.map(|(id, _)| id.clone()), ..decision(asked, "same") });
            *outcome = after;
        } else if named(computer) == Named::Nothing {
            let id = Some(format!("till-{}", decisions.len()));
            decisions.push(Decision { id, ..decision(asked, "same") });
            *outcome = after;
        } else if event == Some(Event::Wiped) {
            *outcome = Outcome { former: left, generation: 2, ..after };
        } else {
            decisions.push(decision(asked, if wiped { "wiped" } else { "overwrite" }));
            *outcome = Outcome { former: left, generation: if wiped { 2 } else { 1 }, ..after };
        }
    }
    decisions
}

impl Town {
    /// Decides the first of each kind by the program, and writes the other documents by hand.
    fn decide(&self, decisions: &[Decision]) {
        let mut kinds = BTreeSet::new();
        let mut by_hand = 0;
        for (number, decision) in decisions.iter().enumerate() {
            let Decision { computer, agents, choice, on, id } = decision;
            if kinds.insert((choice, agents.len(), on.is_some(), id.is_some())) {
                let mut arguments = vec!["identify", agents[0].as_str(), "--decide", choice];
                arguments.extend(agents[1..].iter().flat_map(|agent| ["--with", agent.as_str()]));
                arguments.extend(on.iter().flat_map(|on| ["--computer", on.as_str()]));
                arguments.extend(id.iter().flat_map(|id| ["--id", id.as_str()]));
                self.run(&arguments).exits(0).says("is written");
                continue;
            }
            by_hand += 1;
            let agent = |agent: &String| {
                let (provider, id) = agent.split_once('/').unwrap();
                format!("{{ provider: {provider}, agent: '{id}' }}")
            };
            let mut said =
                vec![format!("agents: [{}]", agents.iter().map(agent).collect::<Vec<_>>().join(", "))];
            said.extend((*choice != "same").then(|| format!("decision: {choice}")));
            said.extend((*choice == "wiped").then(|| format!("at: '{}'", jiff::Timestamp::now())));
            said.extend(on.iter().map(|on| format!("computer: {on}")));
            said.extend(id.iter().map(|id| format!("id: {id}")));
            let spec = format!("name: {computer}\n  identity: {{ {} }}", said.join(", "));
            let name = format!("decided-{number}");
            self.world.world.write(&format!("computers/{name}.yaml"), &document("Computer", &name, &spec));
        }
        println!("  {} decisions by the program, {by_hand} by hand", kinds.len());
    }
}

fn instance(new_system_is_wipe: bool) -> String {
    let spec = format!("timeZone: UTC\n  identification: {{ newSystemIsWipe: {new_system_is_wipe} }}");
    document("Instance", "five-hundred", &spec)
}

/// What is told otherwise than it is.
fn wrong(truth: &Truth, told: &Told, when: &str) -> Vec<String> {
    println!("{when}: {} computers, waiting {:?}", truth.computers(), truth.waits());
    let wrong: Vec<String> = truth.against(told).into_iter().map(|what| format!("{when}: {what}")).collect();
    for what in &wrong {
        println!("  {what}");
    }
    wrong
}

#[test]
fn the_same_500_computers_in_three_providers_are_the_right_computers_with_the_right_questions() {
    let mut fleet = generated();
    let events = events(&fleet);
    odd_from_the_beginning(&mut fleet, &events);
    let mut town = Town::new(fleet);
    for link in LINKS {
        town.run(&["import", "tenants", "--from", link, "--create", "all", "--yes"]).exits(0);
    }
    let mut fleet = town.world.lab.fleet();
    let mut truth = first_truth(&fleet, &events);
    let first = town.plan();
    let mut all_wrong = wrong(&truth, &first, "first run");

    second_day(&mut fleet, &events, &mut truth);
    town.world.becomes(fleet);
    let second = town.plan();
    all_wrong.extend(wrong(&truth, &second, "second run"));

    let decisions = decide(&town.world.lab.fleet(), &events, &mut truth, &second);
    town.decide(&decisions);
    // What nobody decided the rule may now tell.
    town.world.world.write("muster.yaml", &instance(true));
    let third = town.plan();
    all_wrong.extend(wrong(&truth, &third, "third run"));

    let before = town.commands();
    assert_eq!(town.plan(), third);
    assert_eq!(town.commands(), before, "nobody is asked again");
    assert!(all_wrong.is_empty(), "{} are wrong\n{}", all_wrong.len(), all_wrong.join("\n"));
}
