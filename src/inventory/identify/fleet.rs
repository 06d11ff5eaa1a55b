//! The same 500 computers in three links, with everything that happens to computers over time, against the truth of who
//! made them up.

use std::collections::{BTreeMap, BTreeSet};

use super::tests::{at, key, pin, rules};
use super::*;
use crate::config::kind::Decision;
use crate::id::Name;
use crate::inventory::facts::IdentityEvidence;
use crate::inventory::known::{AgentKey, Presence};

const LINKS: [&str; 3] = ["automate", "control", "rmm"];

/// What a computer is, and what happens to it on the second day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// A trusted maker's computer with a good UUID; RMM may say maker and serial number only.
    Plain,
    /// A virtual machine.
    Virtual,
    /// A UUID that many have, and a trusted maker's serial number.
    BadUuid,
    /// A UUID that many have, and a placeholder for a serial number.
    Nameless,
    /// Four of them share a UUID that no list knows.
    ModelLine,
    /// The agent in Control is installed again; the old one is taken off the list.
    Reinstalled,
    /// The same, and the old one stays on the list.
    ReinstalledStale,
    /// Wiped and renamed; RMM keeps its agent.
    WipedRenamed,
    /// Wiped a moment ago.
    WipedYoung,
    /// Wiped; the old agents are taken off the lists.
    WipedGone,
    /// Wiped a while ago, with the same name, and RMM's agent is not back.
    WipedQuiet,
    /// Its clone comes up beside it.
    Cloned,
}

const COUNTS: [(Kind, usize); 12] = [
    (Kind::Plain, 240),
    (Kind::Virtual, 100),
    (Kind::BadUuid, 30),
    (Kind::Nameless, 10),
    (Kind::ModelLine, 8),
    (Kind::Reinstalled, 30),
    (Kind::ReinstalledStale, 20),
    (Kind::WipedRenamed, 12),
    (Kind::WipedYoung, 12),
    (Kind::WipedGone, 10),
    (Kind::WipedQuiet, 8),
    (Kind::Cloned, 10),
];

/// A generator of numbers that is the same everywhere (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("small")
    }
}

/// One computer as its maker knows it.
struct Machine {
    kind: Kind,
    /// The agents that it has on the second day.
    agents: BTreeSet<AgentKey>,
    evidence: IdentityEvidence,
    generation: u32,
}

/// Both days of the fleet, and the truth.
struct Fleet {
    machines: Vec<Machine>,
    first: Vec<Seen>,
    second: Vec<Seen>,
}

fn agent(link: &str, text: &str, number: usize, evidence: &IdentityEvidence, day: i64) -> Seen {
    Seen {
        key: key(&format!("{link}/{text}")),
        name: format!("PC-{number:03}"),
        tenant: Name::new(&format!("tenant-{}", number % 7)).ok(),
        listed: true,
        presence: Presence::Online,
        last_seen: Some(at(day)),
        reading: Some(Reading { at: at(day), evidence: evidence.clone() }),
        cause: None,
    }
}

fn evidence(kind: Kind, number: usize, random: &mut Random, line: &str) -> IdentityEvidence {
    let uuid = uuid::Uuid::from_u64_pair(random.next(), random.next()).to_string();
    let maker = ["Dell Inc.", "HP", "LENOVO"][number % 3];
    let (uuid, maker, serial) = match kind {
        Kind::Virtual => (uuid, "VMware, Inc.", format!("VMware-56 4d {number:04x}")),
        Kind::BadUuid => ("03000200-0400-0500-0006-000700080009".to_owned(), maker, format!("SN{number:05}")),
        Kind::Nameless => {
            ("FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF".to_owned(), "ACME", "Default string".to_owned())
        }
        Kind::ModelLine => (line.to_owned(), "ACME", format!("AC{number:05}")),
        _ => (uuid, maker, format!("SN{number:05}")),
    };
    IdentityEvidence {
        uuid: Some(uuid),
        manufacturer: Some(maker.to_owned()),
        serial: Some(serial),
        machine_id: Some(format!("machine-{:016x}", random.next())),
        os_installed: Some(at(i64::try_from(random.below(60)).expect("small"))),
        ..IdentityEvidence::default()
    }
}

impl Fleet {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let mut kinds: Vec<Kind> =
            COUNTS.iter().flat_map(|(kind, count)| std::iter::repeat_n(*kind, *count)).collect();
        for last in (1..kinds.len()).rev() {
            kinds.swap(last, random.below(last + 1));
        }
        let lines: Vec<String> =
            (0..2).map(|_| uuid::Uuid::from_u64_pair(random.next(), random.next()).to_string()).collect();
        let mut fleet = Self { machines: Vec::new(), first: Vec::new(), second: Vec::new() };
        let mut of_line = 0;
        for (number, kind) in kinds.into_iter().enumerate() {
            let line = &lines[(of_line / 4) % lines.len()];
            of_line += usize::from(kind == Kind::ModelLine);
            let evidence = evidence(kind, number, &mut random, line);
            fleet.machine(kind, number, evidence, &mut random);
        }
        fleet
    }

    fn machine(&mut self, kind: Kind, number: usize, evidence: IdentityEvidence, random: &mut Random) {
        let mut first: Vec<Seen> =
            LINKS.iter().map(|link| agent(link, &format!("{number:03}"), number, &evidence, 100)).collect();
        if kind == Kind::Plain {
            vary(&mut first, random);
        }
        let mut machine =
            Machine { kind, agents: BTreeSet::new(), evidence: evidence.clone(), generation: 1 };
        let mut second = first.clone();
        let mut fresh = evidence.clone();
        fresh.machine_id = Some(format!("machine-{:016x}", random.next()));
        fresh.os_installed = Some(at(103));
        let again = |link: &str, evidence: &IdentityEvidence, day| {
            agent(link, &format!("{number:03}-again"), number, evidence, day)
        };
        let quiet = |seen: &mut Seen, listed: bool| {
            seen.presence = Presence::Offline;
            seen.listed = listed;
        };
        let mut copies = Vec::new();
        match kind {
            Kind::Plain | Kind::Virtual | Kind::BadUuid | Kind::Nameless | Kind::ModelLine => {}
            Kind::Reinstalled | Kind::ReinstalledStale => {
                quiet(&mut second[1], kind == Kind::ReinstalledStale);
                second.push(again("control", &evidence, 105));
            }
            Kind::WipedRenamed => {
                machine.generation = 2;
                quiet(&mut second[0], true);
                quiet(&mut second[1], true);
                second[2] = agent("rmm", &format!("{number:03}"), number, &fresh, 105);
                second.extend(["automate", "control"].map(|link| again(link, &fresh, 105)));
                for seen in &mut second[2..] {
                    seen.name = format!("NEW-{number:03}");
                }
            }
            Kind::WipedYoung | Kind::WipedGone | Kind::WipedQuiet => {
                machine.generation = 2;
                for seen in &mut second {
                    quiet(seen, kind != Kind::WipedGone);
                }
                let day = if kind == Kind::WipedYoung { 103 } else { 105 };
                let links = if kind == Kind::WipedQuiet { &LINKS[..2] } else { &LINKS[..] };
                second.extend(links.iter().map(|link| again(link, &fresh, day)));
            }
            Kind::Cloned => {
                copies = LINKS.map(|link| again(link, &evidence, 105)).to_vec();
            }
        }
        let current =
            |seen: &&Seen| seen.listed && (seen.presence == Presence::Online || kind == Kind::WipedQuiet);
        machine.agents = second.iter().filter(current).map(|seen| seen.key.clone()).collect();
        if kind == Kind::WipedQuiet {
            machine.agents.remove(&key(&format!("automate/{number:03}")));
            machine.agents.remove(&key(&format!("control/{number:03}")));
        }
        self.machines.push(machine);
        if !copies.is_empty() {
            let agents = copies.iter().map(|seen| seen.key.clone()).collect();
            self.machines.push(Machine { kind, agents, evidence, generation: 1 });
        }
        self.first.append(&mut first);
        self.second.append(&mut second);
        self.second.append(&mut copies);
    }

    /// The machine of each agent that a machine has on the second day.
    fn owners(&self) -> BTreeMap<&AgentKey, usize> {
        let all = self.machines.iter().enumerate();
        all.flat_map(|(at, machine)| machine.agents.iter().map(move |key| (key, at))).collect()
    }
}

/// Links read the same firmware in their own ways.
fn vary(agents: &mut [Seen], random: &mut Random) {
    let read = |seen: &mut Seen| {
        seen.reading.as_mut().map(|reading| &mut reading.evidence).expect("a reading").clone()
    };
    if random.below(2) == 0 {
        let mut other = read(&mut agents[0]);
        other.uuid = other.uuid.as_deref().and_then(turned);
        agents[0].reading.as_mut().expect("a reading").evidence = other;
    }
    if random.below(3) == 0 {
        let full = read(&mut agents[2]);
        agents[2].reading.as_mut().expect("a reading").evidence = IdentityEvidence {
            manufacturer: full.manufacturer,
            serial: full.serial.map(|serial| format!(" {} ", serial.to_ascii_lowercase())),
            ..IdentityEvidence::default()
        };
    }
}

/// The decisions of somebody who knows the truth.
fn decisions(fleet: &Fleet, decided: &Resolution) -> Vec<Pin> {
    let mut pins = Vec::new();
    for (number, machine) in fleet.machines.iter().enumerate() {
        let waits: Vec<String> = machine
            .agents
            .iter()
            .filter(|key| decided.waiting.contains_key(key))
            .map(ToString::to_string)
            .collect();
        if waits.is_empty() {
            continue;
        }
        let waits: Vec<&str> = waits.iter().map(String::as_str).collect();
        let document = Name::new(&format!("pc-{number:03}")).expect("a name");
        let decision = match machine.kind {
            Kind::ReinstalledStale => Some(Decision::Overwrite),
            Kind::WipedQuiet => Some(Decision::Wiped),
            Kind::Nameless => None,
            _ => Some(Decision::KeepBoth),
        };
        let at = (decision == Some(Decision::Wiped)).then(|| at(106));
        let id = (machine.kind == Kind::Nameless).then(|| format!("till-{number}"));
        pins.push(Pin { document, at, id, ..pin(&waits, decision) });
    }
    pins
}

#[test]
fn of_500_computers_in_three_links_the_right_ones_are_recognised_and_the_right_ones_asked_about() {
    for seed in 0..4 {
        let fleet = Fleet::new(seed);
        assert_eq!(fleet.machines.len(), 500);
        let first = resolve(&fleet.first, &[], rules(), &Memory::default(), at(101));
        let decided = resolve(&fleet.second, &[], rules(), &first.memory, at(106));
        let owners = fleet.owners();
        let mut questions: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        let (mut asked, mut nameless) = (0, 0);
        for (key, waiting) in &decided.waiting {
            match &waiting.why {
                Why::Asked { question, .. } => {
                    asked += 1;
                    questions.entry(question.code()).or_default().insert(owners[key]);
                }
                Why::NoIdentity(_) => nameless += 1,
                other => panic!("{key}: {other:?}"),
            }
        }
        if seed == 0 {
            println!(
                "500 computers as {} agents in 3 links: {} computers, {asked} agents with a question, {nameless} without an identity",
                fleet.second.iter().filter(|seen| seen.listed).count(),
                decided.computers.len(),
            );
            for (code, machines) in &questions {
                println!("  {code}: {} computers", machines.len());
            }
        }
        // No computer has agents of two machines, and none is on two computers.
        let mut found: BTreeMap<usize, (usize, u32)> = BTreeMap::new();
        for (id, computer) in &decided.computers {
            let of: BTreeSet<usize> =
                computer.agents.iter().filter_map(|key| owners.get(key).copied()).collect();
            assert!(of.len() <= 1, "{seed}: {id} has agents of {of:?}");
            for machine in of {
                let twice = found.insert(machine, (computer.agents.len(), computer.generation));
                assert_eq!(twice, None, "{seed}: {id} is a second computer for one machine");
            }
        }
        // Who is asked about, and nobody else.
        let of = |kinds: &[Kind]| -> BTreeSet<usize> {
            let all = fleet.machines.iter().enumerate();
            all.filter(|(_, machine)| kinds.contains(&machine.kind)).map(|(at, _)| at).collect()
        };
        assert_eq!(questions["perhaps-reinstalled"], of(&[Kind::ReinstalledStale]));
        assert_eq!(questions["perhaps-wiped"], of(&[Kind::WipedQuiet]));
        assert_eq!(questions["both-online"].len(), 10);
        assert!(questions["both-online"].is_subset(&of(&[Kind::Cloned])));
        assert_eq!(questions["contradiction"].len(), 6);
        assert!(questions["contradiction"].is_subset(&of(&[Kind::ModelLine])));
        assert_eq!((questions.len(), asked, nameless), (4, 20 + 2 * 8 + 3 * 10 + 3 * 6, 3 * 10));
        let waiting: BTreeSet<usize> = questions.values().flatten().copied().collect();
        for (at, machine) in fleet.machines.iter().enumerate() {
            if machine.kind != Kind::Nameless && !waiting.contains(&at) {
                assert_eq!(
                    found[&at],
                    (machine.agents.len(), machine.generation),
                    "{seed}: {:?}",
                    machine.kind
                );
            }
        }
        // With the decisions of somebody who knows, nothing is left to be asked and every machine is one computer.
        let pins = decisions(&fleet, &decided);
        let settled = resolve(&fleet.second, &pins, rules(), &decided.memory, at(107));
        assert_eq!(settled.waiting.keys().collect::<Vec<_>>(), Vec::<&AgentKey>::new(), "{seed}");
        assert_eq!(settled.computers.len(), 500);
        let mut sets: BTreeMap<BTreeSet<&AgentKey>, u32> = BTreeMap::new();
        for computer in settled.computers.values() {
            sets.insert(computer.agents.iter().collect(), computer.generation);
        }
        for machine in &fleet.machines {
            let agents: BTreeSet<&AgentKey> = machine.agents.iter().collect();
            assert_eq!(
                sets.get(&agents),
                Some(&machine.generation),
                "{seed}: {:?} {:?}",
                machine.kind,
                machine.evidence
            );
        }
        let again = resolve(&fleet.second, &pins, rules(), &settled.memory, at(107));
        assert_eq!(again, settled);
    }
}
