//! The laws of the decision over random links, and its outcome against an oracle that compares one agent after the other.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::tests::{at, id, key, pin, rules};
use super::*;
use crate::config::kind::{Decision, OnConflict};
use crate::id::Name;
use crate::inventory::facts::IdentityEvidence;
use crate::inventory::known::{AgentKey, Presence};

const UUIDS: [&str; 3] = [
    "4C4C4544-0042-3510-8053-B7C04F4A3732",
    "11111111-2222-3333-4444-55556666777A",
    "00000000-0000-0000-0000-000000000000",
];

prop_compose! {
    fn evidence()(
        uuid in prop::option::of(0..UUIDS.len()), turn in any::<bool>(),
        maker in prop::sample::select(vec!["Dell Inc.", "ACME"]),
        serial in prop::option::of(prop::sample::select(vec!["S1", "S2", "none"])),
        machine in prop::option::of(prop::sample::select(vec!["m1", "m2"])),
        installed in prop::option::of(0_i64..3),
        generated in prop::option::weighted(0.2, prop::sample::select(vec!["g1", "g2"])),
    ) -> IdentityEvidence {
        let uuid = uuid.map(|at| UUIDS[at].to_owned());
        IdentityEvidence {
            uuid: if turn { uuid.and_then(|uuid| turned(&uuid)) } else { uuid },
            manufacturer: Some(maker.to_owned()),
            serial: serial.map(str::to_owned),
            machine_id: machine.map(str::to_owned),
            os_installed: installed.map(|day| at(day * 40)),
            generated_id: generated.map(str::to_owned),
            ..IdentityEvidence::default()
        }
    }
}

prop_compose! {
    fn seen()(
        provider in prop::sample::select(vec!["a", "b", "c"]), number in 0_u8..3,
        name in prop::sample::select(vec!["PC", "PC2", "8d5b7f2e-1c2d-4e3f-9a0b-1c2d3e4f5a6b"]),
        tenant in prop::option::weighted(0.7, prop::sample::select(vec!["x", "x", "x", "y"])),
        listed in prop::bool::weighted(0.85),
        presence in prop::sample::select(vec![Presence::Online, Presence::Offline, Presence::Unknown]),
        last_seen in prop::option::of(60_i64..110),
        reading in prop::option::weighted(0.9, (80_i64..110, evidence())),
    ) -> Seen {
        Seen {
            key: key(&format!("{provider}/{number}")),
            name: name.to_owned(),
            tenant: tenant.and_then(|name| Name::new(name).ok()),
            listed,
            presence: if listed { presence } else { Presence::Offline },
            last_seen: last_seen.map(at),
            reading: reading.map(|(day, evidence)| Reading { at: at(day), evidence }),
            cause: None,
        }
    }
}

fn worlds() -> impl Strategy<Value = Vec<Seen>> {
    prop::collection::vec(seen(), 0..9).prop_map(|all| {
        let unique: BTreeMap<AgentKey, Seen> = all.into_iter().map(|one| (one.key.clone(), one)).collect();
        unique.into_values().collect()
    })
}

fn settings() -> impl Strategy<Value = Rules> {
    let policies = prop::sample::select(vec![OnConflict::Ask, OnConflict::Overwrite, OnConflict::Clone]);
    (policies, any::<bool>()).prop_map(|(on_conflict, new_system_is_wipe)| Rules {
        on_conflict,
        new_system_is_wipe,
        ..rules()
    })
}

fn pins() -> impl Strategy<Value = Vec<Pin>> {
    let decisions = prop::sample::select(vec![
        None,
        Some(Decision::Overwrite),
        Some(Decision::KeepBoth),
        Some(Decision::Wiped),
    ]);
    let agents =
        prop::collection::btree_set(prop::sample::select(vec!["a/0", "a/1", "b/0", "b/1", "c/2"]), 1..3);
    let one = (agents, decisions, 90_i64..120).prop_map(|(agents, decision, day)| {
        let agents: Vec<&str> = agents.into_iter().collect();
        Pin { at: (decision == Some(Decision::Wiped)).then(|| at(day)), ..pin(&agents, decision) }
    });
    prop::option::weighted(0.3, one).prop_map(|pin| pin.into_iter().collect())
}

/// Where each agent ended: on a computer, as one whose place another took, waiting, or with what is gone.
fn places(decided: &Resolution) -> BTreeMap<AgentKey, Vec<String>> {
    let mut places: BTreeMap<AgentKey, Vec<String>> = BTreeMap::new();
    for (id, computer) in &decided.computers {
        for agent in &computer.agents {
            places.entry(agent.clone()).or_default().push(format!("on {id}"));
        }
    }
    for agent in decided.waiting.keys() {
        places.entry(agent.clone()).or_default().push("waits".to_owned());
    }
    places
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 4000, ..ProptestConfig::with_cases(600) })]

    #[test]
    fn over_five_days_of_600_worlds_the_laws_hold(
        days in prop::collection::vec(worlds(), 5), rules in settings(), pins in pins()
    ) {
        let mut memory = Memory::default();
        for (day, seen) in (110..).zip(days) {
            let before: BTreeSet<_> = memory.computers.keys().cloned().collect();
            let decided = resolve(&seen, &pins, rules, &memory, at(day));

            let mut other_way = seen.clone();
            other_way.reverse();
            prop_assert_eq!(&resolve(&other_way, &pins, rules, &memory, at(day)), &decided, "order");

            let again = resolve(&seen, &pins, rules, &decided.memory, at(day));
            prop_assert_eq!(&again, &decided, "deciding again");

            let places = places(&decided);
            for agent in &seen {
                let place = places.get(&agent.key).map(Vec::as_slice).unwrap_or_default();
                prop_assert!(place.len() <= 1, "{} is {:?}", agent.key, place);
                let former = decided.computers.values().any(|one| one.former.contains(&agent.key))
                    || decided.tombstones.values().any(|one| one.agents.contains(&agent.key));
                prop_assert!(!agent.listed || place.len() == 1 || former, "{} is nowhere", agent.key);
                prop_assert!(agent.listed || place.is_empty() || memory.agents.contains_key(&agent.key));
            }
            let pinned: BTreeSet<&AgentKey> = pins.iter().flat_map(|pin| &pin.agents).collect();
            for (id, computer) in &decided.computers {
                let free: Vec<_> =
                    computer.agents.iter().filter(|key| !pinned.contains(key)).map(|key| &key.provider).collect();
                let links: BTreeSet<_> = free.iter().collect();
                prop_assert_eq!(links.len(), free.len(), "two agents of one link on {}", id);
                // A new computer is called by the agent that made it.
                let mut all = computer.agents.iter().chain(&computer.former);
                let own = all.any(|key| id.as_str().starts_with(&key.to_string()));
                prop_assert!(before.contains(id) || own, "{} is new", id);
                prop_assert!(computer.generation >= memory.computers.get(id).map_or(1, |one| one.generation));
            }
            memory = decided.memory;
        }
    }

    #[test]
    fn the_first_look_at_agents_that_are_all_online_agrees_with_an_oracle_in_600_worlds(
        agents in prop::collection::btree_map(
            (prop::sample::select(vec!["a", "b", "c"]), 0_u8..4), (0..2_usize, any::<bool>(), 0..5_u8), 0..10)
    ) {
        let seen: Vec<Seen> = agents.iter().map(|((link, number), (uuid, turn, tenant))| {
            let uuid = UUIDS[*uuid].to_owned();
            let mut one = super::tests::agent(&format!("{link}/{number}"));
            one.tenant = Name::new(if *tenant == 0 { "y" } else { "x" }).ok();
            one.reading.as_mut().expect("a reading").evidence = IdentityEvidence {
                uuid: if *turn { turned(&uuid) } else { Some(uuid) },
                ..IdentityEvidence::default()
            };
            one
        }).collect();
        let decided = resolve(&seen, &[], rules(), &Memory::default(), at(110));
        let mut expected: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut waits: BTreeSet<AgentKey> = BTreeSet::new();
        let uuid = |one: &Seen| {
            let text = one.reading.as_ref().and_then(|reading| reading.evidence.uuid.clone()).expect("a UUID");
            text.clone().min(turned(&text).expect("a UUID"))
        };
        for (position, one) in seen.iter().enumerate() {
            let like = || seen.iter().filter(|other| uuid(other) == uuid(one));
            let earlier: Vec<&Seen> =
                seen.iter().take(position).filter(|other| uuid(other) == uuid(one)).collect();
            let Some(first) = earlier.first() else {
                expected.entry(one.key.to_string()).or_default().insert(one.key.to_string());
                continue;
            };
            // In one link there is the same at the same time: on which of them the others are cannot be told.
            let clones = ["a", "b", "c"].iter().any(|link| {
                like().filter(|other| other.key.provider.as_str() == *link).count() > 1
            });
            if clones || one.tenant != first.tenant {
                waits.insert(one.key.clone());
            } else {
                expected.entry(first.key.to_string()).or_default().insert(one.key.to_string());
            }
        }
        let found: BTreeMap<String, BTreeSet<String>> = decided.computers.iter()
            .map(|(id, one)| (id.to_string(), one.agents.iter().map(ToString::to_string).collect()))
            .collect();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(decided.waiting.keys().cloned().collect::<BTreeSet<_>>(), waits);
        prop_assert!(!decided.computers.contains_key(&id("nobody")));
    }
}
