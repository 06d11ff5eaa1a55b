//! Sources that fail, in all the ways that they do (L3): no target loses a member, nothing is removed, exit code 9. And the
//! ways by which people, groups and agreements lead to computers.

use crate::support::muster::{Ran, World, document};

/// How many computers, people and companies there are.
const COUNT: usize = 20;

/// What can fail.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Source {
    Provider,
    Directory,
    Psa,
}

impl Source {
    const ALL: [Self; 3] = [Self::Provider, Self::Directory, Self::Psa];

    /// Selectors that depend on it, in YAML and in one line; all computers at first.
    const fn selects(self) -> (&'static str, &'static str) {
        match self {
            Self::Provider => ("every: true", "every"),
            Self::Directory => ("all: [{ group: { directory: people, name: Staff } }]", "group:people/Staff"),
            Self::Psa => (
                "all: [{ agreement: { psa: agreements, type: Offboarding } }]",
                "agreement:agreements/type/offboarding",
            ),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Provider => "simulated",
            Self::Directory => "people",
            Self::Psa => "agreements",
        }
    }
}

/// A world in which every computer has `tool`, and none is to have it; the target depends on `source`.
fn world(source: Source) -> World {
    let world = World::new();
    world.write("muster.yaml", &document("Instance", "test", "sources: { timeLimit: 1s }\n  budgets: { perRun: { removals: { unlimited: true } }, perTenant: { removals: { unlimited: true } } }"));
    let tenant = format!("directory: people\n  psa: {{ name: agreements, company: 'c{COUNT}' }}");
    world.write("tenants/acme.yaml", &document("Tenant", "acme", &tenant));
    let computer = |n| {
        format!(
            "  - {{ name: pc-{n}, tenant: acme, software: {{ tool: '1.0' }}, site: Berlin, groups: [Desks], tags: [desk], \
             properties: {{ Owner: Lab }}, signIns: [{{ at: 2026-06-01T08:00:00Z, user: p{n}@acme.example }}], facts: {{ role: workstation }} }}\n"
        )
    };
    let fleet: String = (1..=COUNT).map(computer).collect();
    world.write("providers/fleet.yaml", &format!("computers:\n{fleet}"));
    let person = |n| format!("  - {{ upn: P{n}@acme.example, name: Person {n}, tags: [staff] }}\n");
    let people: String = (1..=COUNT).map(person).collect();
    let members: Vec<String> = (1..=COUNT).map(|n| format!("p{n}@acme.example")).collect();
    let groups = format!(
        "  - {{ id: g1, name: Staff, groups: [g2] }}\n  - {{ id: g2, name: Berlin staff, people: [{}], groups: [g1] }}\n",
        members.join(", ")
    );
    world.write("sources/people-data.yaml", &format!("people:\n{people}groups:\n{groups}"));
    let company = |n| {
        format!(
            "  - {{ id: c{n}, name: Company {n}, agreements: [{{ name: Leaving, type: Offboarding, begin: 2026-01-01, \
             additions: [{{ product: Farewell, end: 2099-12-31 }}] }}] }}\n"
        )
    };
    let companies: String = (1..=COUNT).map(company).collect();
    world.write("sources/companies-data.yaml", &format!("companies:\n{companies}"));
    let tool = "detect: { script: { posix: { inline: tool --version } } }\n  versions: ['1.0']\n  install: { posix: \
                { inline: install tool } }\n  uninstall: { posix: { inline: remove tool } }";
    world.write("software/tool.yaml", &document("Software", "tool", tool));
    let absent =
        format!("software: tool\n  state: absent\n  target: {{ match: {{ {} }} }}", source.selects().0);
    world.write("deployments/tool.yaml", &document("Deployment", "tool", &absent));
    fault(&world, source, None);
    world
}

/// Gives one source a fault, and the others none.
fn fault(world: &World, source: Source, fault: Option<&str>) {
    let of = |one| fault.filter(|_| one == source);
    let answer =
        of(Source::Provider).map(|fault| format!(", faults: {{ answer: {fault} }}")).unwrap_or_default();
    let provider = format!("simulated: {{ fleet: fleet.yaml, memory: ../.muster/fleet.json{answer} }}");
    world.write("providers/simulated.yaml", &document("Provider", "simulated", &provider));
    let simulated = |one, file: &str| {
        let fault = of(one).map(|fault| format!(", fault: {fault}")).unwrap_or_default();
        format!("simulated: {{ file: {file}{fault} }}")
    };
    let directory = simulated(Source::Directory, "people-data.yaml");
    world.write("sources/people.yaml", &document("Directory", "people", &directory));
    let psa = simulated(Source::Psa, "companies-data.yaml");
    world.write("sources/agreements.yaml", &document("Psa", "agreements", &psa));
}

fn removals(ran: &Ran) -> usize {
    ran.json()["sessions"].as_array().unwrap().len()
}

fn held(ran: &Ran) -> usize {
    let plan = ran.json();
    let notes = plan["notes"].as_array().unwrap();
    let held = notes.iter().filter(|note| note["kind"] == "held");
    held.map(|note| note["computers"].as_array().unwrap().len()).sum()
}

fn members(ran: &Ran) -> usize {
    ran.lines().iter().filter(|line| line["certain"] == true).count()
}

/// A good run, then the same fault in each of the sources, then a good run again.
fn nothing_shrinks(with: &str) {
    for source in Source::ALL {
        let world = world(source);
        let plan = |code| world.run(&["plan", "--output", "json"]).exits(code);
        let resolve = |code| world.run(&["resolve", source.selects().1, "--output", "ndjson"]).exits(code);
        assert_eq!((removals(&plan(0)), members(&resolve(0))), (COUNT, COUNT), "{source:?}");
        fault(&world, source, Some(with));
        let bad = plan(9).says(source.name());
        assert_eq!((removals(&bad), held(&bad)), (0, COUNT), "{source:?} {with}");
        assert_eq!(members(&resolve(9)), COUNT, "{source:?} {with}: a target lost members");
        world.run(&["apply", "--auto-approve"]).exits(9);
        let again = plan(9);
        assert_eq!((removals(&again), held(&again)), (0, COUNT), "{source:?} {with}: the second time");
        fault(&world, source, None);
        assert_eq!(removals(&plan(0)), COUNT, "{source:?}: nothing was removed meanwhile");
    }
}

#[test]
fn a_source_that_fails_shrinks_nothing() {
    nothing_shrinks("fail");
}

#[test]
fn a_source_that_never_answers_shrinks_nothing() {
    nothing_shrinks("time-out");
}

#[test]
fn an_error_page_that_calls_itself_a_success_shrinks_nothing() {
    nothing_shrinks("error-page");
}

#[test]
fn an_answer_that_breaks_off_shrinks_nothing() {
    nothing_shrinks("half-page");
}

#[test]
fn a_list_without_sixty_percent_of_what_was_there_shrinks_nothing() {
    nothing_shrinks("shrink");
}

#[test]
fn a_shorter_list_is_believed_once_somebody_says_so() {
    for source in Source::ALL {
        let world = world(source);
        world.run(&["plan"]).exits(0);
        fault(&world, source, Some("shrink"));
        world.run(&["plan", "--accept-shrink", "elsewhere"]).exits(64).says("elsewhere");
        let accepted = format!("--accept-shrink={}", source.name());
        let code = i32::from(source == Source::Directory) * 3;
        let ran = world.run(&["plan", "--output", "json", &accepted]);
        // A directory without the group and a PSA without the company make their names unknown, and that is told.
        assert_eq!(ran.code, code, "{source:?} {}", ran.err);
        match source {
            Source::Provider => assert_eq!(removals(&ran), COUNT * 2 / 5),
            Source::Directory => assert!(ran.err.contains("M0720"), "{}", ran.err),
            Source::Psa => assert!(ran.err.contains("M0722"), "{}", ran.err),
        }
        if source != Source::Directory {
            world.run(&["plan"]).exits(0);
        }
    }
}

#[test]
fn a_saved_plan_of_a_shorter_list_is_applied_where_the_list_is_accepted_again_or_was_before() {
    let again = ["apply", "../plan.json", "--auto-approve", "--accept-shrink", "simulated"];
    for accepted in [true, false] {
        let world = world(Source::Provider);
        world.run(&["plan"]).exits(0);
        let fleet = world.repo_file("providers/fleet.yaml");
        let few: Vec<&str> = fleet.lines().take(1 + 4).collect();
        world.write("providers/fleet.yaml", &(few.join("\n") + "\n"));
        let copy = |from: &str, to: &str| {
            let done =
                std::process::Command::new("cp").arg("-a").arg(world.path(from)).arg(world.path(to)).status();
            assert!(done.is_ok_and(|status| status.success()));
        };
        copy("state", "before");
        let plan =
            world.run(&["plan", "--out", "../plan.json", "--output", "json", "--accept-shrink", "simulated"]);
        assert_eq!(removals(&plan.exits(0)), 4);
        if accepted {
            // The state knows that the list is right.
            world.run(&["apply", "../plan.json", "--auto-approve"]).exits(0).shows("4 succeeded");
            continue;
        }
        // Elsewhere, with a state that does not.
        std::fs::rename(world.path("state"), world.path("other")).unwrap();
        std::fs::rename(world.path("before"), world.path("state")).unwrap();
        let refused = world.run(&["apply", "../plan.json", "--auto-approve"]).exits(9);
        assert!(
            refused.err.contains("--accept-shrink simulated") && !refused.out.contains("succeeded"),
            "{}",
            refused.err
        );
        world.run(&again).exits(0).shows("4 succeeded");
    }
}

#[test]
fn a_plan_that_asks_nobody_remembers_which_source_failed_and_since_when() {
    for source in Source::ALL {
        let world = world(source);
        let plan = |arguments: &[&str], code| {
            world.run(&[&["plan", "--output", "json"], arguments].concat()).exits(code)
        };
        assert_eq!(removals(&plan(&[], 0)), COUNT, "{source:?}");
        for with in ["fail", "shrink"] {
            fault(&world, source, Some(with));
            plan(&[], 9);
            // Whatever it would say now: nobody asks it.
            fault(&world, source, None);
            let offline =
                plan(&["--offline"], 9).says(source.name()).says("(since 20").says("nobody is asked now");
            assert_eq!((removals(&offline), held(&offline)), (0, COUNT), "{source:?} {with}");
            let resolved = world.run(&["resolve", source.selects().1, "--offline", "--output", "ndjson"]);
            assert_eq!(members(&resolved.exits(9)), COUNT, "{source:?} {with}");
            assert_eq!(removals(&plan(&[], 0)), COUNT, "{source:?} {with}: it answers again");
            assert_eq!(
                removals(&plan(&["--offline"], 0)),
                COUNT,
                "{source:?} {with}: and that is remembered"
            );
        }
    }
}

/// Declares that nobody whom these selectors name has the software.
fn absent(world: &World, selectors: &str) {
    let absent = format!("software: tool\n  state: absent\n  target: {{ match: {{ all: [{selectors}] }} }}");
    world.write("deployments/tool.yaml", &document("Deployment", "tool", &absent));
}

#[test]
fn a_list_with_all_computers_that_says_less_of_them_shrinks_nothing() {
    for (lost, selectors, line) in [
        ("tenant: acme, ", "tenant: acme", "tenant:acme"),
        ("tags: [desk], ", "tag: desk", "tag:desk"),
        ("site: Berlin, ", "site: { name: Berlin }", "site:Berlin"),
        (
            "groups: [Desks], ",
            "providerGroup: { provider: simulated, name: Desks }",
            "providerGroup:simulated/Desks",
        ),
        (
            "properties: { Owner: Lab }, ",
            "providerGroup: { provider: simulated, property: Owner, value: Lab }",
            "providerGroup:simulated/Owner/Lab",
        ),
    ] {
        let world = world(Source::Provider);
        absent(&world, &format!("{{ {selectors} }}"));
        let plan = |code| world.run(&["plan", "--output", "json"]).exits(code);
        let resolve = |code| world.run(&["resolve", line, "--output", "ndjson"]).exits(code);
        assert_eq!((removals(&plan(0)), members(&resolve(0))), (COUNT, COUNT), "{line}");
        let whole = world.repo_file("providers/fleet.yaml");
        let less = whole.replace(lost, "");
        assert_ne!(less, whole);
        world.write("providers/fleet.yaml", &less);
        let bad = plan(9).says("of computers are gone").says("--accept-shrink simulated");
        assert_eq!((removals(&bad), held(&bad)), (0, COUNT), "{line}");
        assert_eq!(members(&resolve(9)), COUNT, "{line}: a target lost members");
        assert_eq!(removals(&plan(9)), 0, "{line}: the second time");
        world.write("providers/fleet.yaml", &whole);
        assert_eq!(removals(&plan(0)), COUNT, "{line}: as it was");
        world.write("providers/fleet.yaml", &less);
        let accepted = world.run(&["plan", "--output", "json", "--accept-shrink", "simulated"]).exits(0);
        assert_eq!(removals(&accepted), 0, "{line}: then it is so");
        assert_eq!(members(&resolve(0)), 0, "{line}: and stays so");
    }
}

#[test]
fn a_group_or_site_of_a_provider_that_empties_alone_stays_as_it_was_and_holds_only_its_own() {
    for (lost, other, line) in [
        ("groups: [Desks]", "groups: [Tables]", "providerGroup:simulated/Desks"),
        ("site: Berlin", "site: Bonn", "site:Berlin"),
        ("properties: { Owner: Lab }", "properties: { Owner: Hall }", "providerGroup:simulated/Owner/Lab"),
    ] {
        let world = world(Source::Provider);
        let selectors = match line.split_once('/') {
            None => "site: { name: berlin }".to_owned(),
            Some((_, "Desks")) => "providerGroup: { provider: simulated, name: desks }".to_owned(),
            Some(_) => "providerGroup: { provider: simulated, property: owner, value: lab }".to_owned(),
        };
        world.write(
            "targets/part.yaml",
            &document("Target", "part", &format!("match: {{ all: [{{ {selectors} }}] }}")),
        );
        let fleet = world.repo_file("providers/fleet.yaml");
        // Four of twenty are in the part: far from half of the list when they leave it.
        let some = |count: usize| {
            let lines = fleet.lines().enumerate().map(|(at, line)| {
                if (1..=count).contains(&at) { line.to_owned() } else { line.replace(lost, other) }
            });
            lines.collect::<Vec<_>>().join("\n") + "\n"
        };
        let set = |count| world.write("providers/fleet.yaml", &some(count));
        let plan = |code| world.run(&["plan", "--output", "json"]).exits(code);
        let part = |code| members(&world.run(&["resolve", "part", "--output", "ndjson"]).exits(code));
        set(4);
        assert_eq!((removals(&plan(0)), part(0)), (COUNT, 4), "{line}");
        set(0);
        for _ in 0..2 {
            let bad = plan(9).says("4 of 4 computers of").says("--accept-shrink simulated");
            assert_eq!((removals(&bad), held(&bad)), (COUNT - 4, 4), "{line}: others go on");
            assert_eq!(part(9), 4, "{line}: the target lost members");
        }
        let offline =
            world.run(&["plan", "--offline", "--output", "json"]).exits(9).says("nobody is asked now");
        assert_eq!((removals(&offline), held(&offline)), (COUNT - 4, 4), "{line}: and that is remembered");
        set(4);
        assert_eq!((removals(&plan(0)), part(0)), (COUNT, 4), "{line}: it is back");
        set(0);
        world.run(&["plan", "--accept-shrink", "simulated"]).exits(0);
        assert_eq!(removals(&plan(0)), COUNT, "{line}: it is right that they left");
        assert_eq!(part(0), 0, "{line}");
    }
}

/// The people of the directory, with the group Staff of so many of them through another group, the group All of all, and
/// the group Trio of so many.
fn people(world: &World, staff: usize, trio: usize) {
    let person = |n| format!("  - {{ upn: P{n}@acme.example, name: Person {n}, tags: [staff] }}\n");
    let people: String = (1..=COUNT).map(person).collect();
    let some = |count| (1..=count).map(|n| format!("p{n}@acme.example")).collect::<Vec<_>>().join(", ");
    let groups = format!(
        "  - {{ id: g1, name: Staff, groups: [g2] }}\n  - {{ id: g2, name: Berlin, people: [{}] }}\n  - {{ id: g3, name: \
         All, people: [{}] }}\n  - {{ id: g4, name: Trio, people: [{}] }}\n",
        some(staff),
        some(COUNT),
        some(trio)
    );
    world.write("sources/people-data.yaml", &format!("people:\n{people}groups:\n{groups}"));
}

#[test]
fn a_group_that_empties_alone_stays_as_it_was_and_holds_only_its_own() {
    let world = world(Source::Directory);
    let group =
        |name: &str| format!("match: {{ all: [{{ group: {{ directory: people, name: {name} }} }}] }}");
    world.write("targets/staff.yaml", &document("Target", "staff", &group("Staff")));
    world.write("targets/trio.yaml", &document("Target", "trio", &group("Trio")));
    absent(&world, "{ group: { directory: people, name: All } }");
    people(&world, 12, 3);
    let plan = |code| world.run(&["plan", "--output", "json"]).exits(code);
    let resolve = |target, code| world.run(&["resolve", target, "--output", "ndjson"]).exits(code);
    assert_eq!((removals(&plan(0)), members(&resolve("staff", 0))), (COUNT, 12));
    people(&world, 12, 2);
    assert_eq!((removals(&plan(0)), members(&resolve("trio", 0))), (COUNT, 2), "two of three are no outage");
    people(&world, 0, 2);
    for _ in 0..2 {
        let bad = plan(9).says("directory people shrank: 12 of 12 members of group Staff are gone");
        assert_eq!((removals(&bad), held(&bad)), (COUNT - 12, 12), "others go on");
        assert_eq!(members(&resolve("staff", 9)), 12, "the group lost members");
    }
    let offline =
        world.run(&["plan", "--offline", "--output", "json"]).exits(9).says("members of group Staff");
    assert_eq!(
        (removals(&offline), held(&offline)),
        (COUNT - 12, 12),
        "and whoever asks nobody remembers that"
    );
    assert_eq!(members(&resolve("trio", 9)), 2);
    people(&world, 12, 2);
    assert_eq!(removals(&plan(0)), COUNT, "it is back");
    people(&world, 0, 2);
    world.run(&["plan", "--accept-shrink", "people"]).exits(0);
    assert_eq!(
        (removals(&plan(0)), members(&resolve("staff", 0))),
        (COUNT, 0),
        "it is right that they are gone"
    );
}

#[test]
fn a_company_that_loses_all_agreements_alone_keeps_them_until_somebody_says_so() {
    let world = world(Source::Psa);
    let file = "sources/companies-data.yaml";
    let one = world.repo_file(file);
    let three = one.replace("additions: [", "additions: [{ product: Boxes }, ");
    assert_ne!(three, one);
    world.write(file, &three);
    let plan = |code| world.run(&["plan", "--output", "json"]).exits(code);
    let resolve = |code| world.run(&["resolve", Source::Psa.selects().1, "--output", "ndjson"]).exits(code);
    assert_eq!((removals(&plan(0)), members(&resolve(0))), (COUNT, COUNT));
    let start = three.find(&format!("  - {{ id: c{COUNT},")).unwrap();
    let ended = format!("{}  - {{ id: c{COUNT}, name: Company {COUNT} }}\n", &three[..start]);
    world.write(file, &ended);
    for _ in 0..2 {
        let bad = plan(9).says("3 of 3 agreements and additions of company Company 20 are gone");
        assert_eq!((removals(&bad), held(&bad)), (0, COUNT));
        assert_eq!(members(&resolve(9)), COUNT);
    }
    world.run(&["plan", "--accept-shrink", "agreements"]).exits(0);
    assert_eq!((removals(&plan(0)), members(&resolve(0))), (0, 0));
}

#[test]
fn a_source_that_was_never_read_is_neither_nobody_nor_everybody() {
    for source in [Source::Directory, Source::Psa] {
        let world = world(source);
        let absent = format!(
            "software: tool\n  state: absent\n  target: {{ match: {{ not: [{{ any: [{}] }}] }} }}",
            {
                let all = source.selects().0;
                all.trim_start_matches("all: [").trim_end_matches(']')
            }
        );
        world.write("deployments/tool.yaml", &document("Deployment", "tool", &absent));
        fault(&world, source, Some("fail"));
        let plan = world.run(&["plan", "--output", "json"]).exits(9);
        assert_eq!(removals(&plan), 0, "{source:?}: all but an unknown group is unknown too");
        let resolved = world.run(&["resolve", source.selects().1, "--output", "ndjson"]).exits(9);
        assert_eq!((members(&resolved), resolved.lines().len()), (0, COUNT), "{source:?}: all are possible");
    }
}

#[test]
fn the_road_of_each_member_is_told() {
    let world = world(Source::Directory);
    let road = |selectors: &str| {
        let ran = world.run(&["resolve", selectors, "--output", "ndjson"]).exits(0);
        let line = ran.lines().into_iter().find(|line| line["name"] == "pc-7");
        line.map(|line| line["reason"].as_str().unwrap().to_owned()).unwrap_or_default()
    };
    assert_eq!(
        road("group:people/Staff"),
        "group Staff of people (through group Berlin staff > primary person p7@acme.example)"
    );
    assert_eq!(road("tag:staff"), "tag staff (of its primary person p7@acme.example)");
    assert_eq!(road("person:person%207"), "person person 7 (p7@acme.example)");
    assert_eq!(
        road("agreement:agreements/product/farewell"),
        "agreement of agreements with farewell (Leaving of type Offboarding, from 2026-01-01, addition Farewell, \
         until 2099-12-31)"
    );
    assert_eq!(
        road("site:berlin,provider-group:simulated/desks"),
        "site berlin, group desks of provider simulated"
    );
    assert_eq!(road("not:onboarding"), "not onboarding");
    let later =
        world.run(&["resolve", "agreement:agreements", "--as-of", "2025-12-31", "--output", "ndjson"]);
    assert_eq!(members(&later.exits(0)), 0, "before it began");
}

/// A Script document that selects.
fn query(world: &World, text: &str) {
    let inline: String = text.lines().flat_map(|line| ["    ", line, "\n"]).collect();
    world.write("targets/query.yaml", &document("Script", "query", &format!("inline: |\n{inline}")));
}

#[test]
fn a_script_selects_by_what_it_reads_and_is_run_again_only_when_that_changed() {
    let world = world(Source::Provider);
    world.write("targets/chosen.yaml", &document("Target", "chosen", "match: { all: [{ script: query }] }"));
    let selecting = "echo ran >> \"$HOME/ran\"\ngrep -o '\"id\":\"simulated/pc-1[0-9]\"' | cut -d'\"' -f4";
    query(&world, selecting);
    let resolve = |code| world.run(&["resolve", "chosen", "--output", "ndjson"]).exits(code);
    let runs = || world.home_file("ran").map_or(0, |text| text.lines().count());
    assert_eq!(members(&resolve(0)), 10, "pc-10 to pc-19");
    let first = runs();
    assert!(first > 0);
    assert_eq!((members(&resolve(0)), runs()), (10, first), "the same facts: it is not run again");
    assert_eq!(members(&world.run(&["resolve", "chosen", "--offline", "--output", "ndjson"]).exits(0)), 10);
    query(&world, &selecting.replace("pc-1", "pc-2"));
    assert_eq!(members(&resolve(0)), 1, "pc-20");
    assert!(runs() > first);
}

#[test]
fn a_script_with_an_age_is_run_again_when_its_answer_is_older() {
    let world = world(Source::Provider);
    world.write("targets/chosen.yaml", &document("Target", "chosen", "match: { all: [{ script: query }] }"));
    let script = |age: &str| {
        let spec = format!(
            "inline: 'cat > /dev/null; echo ran >> \"$HOME/ran\"; cat \"$HOME/chosen\"'\n  maxAge: {age}"
        );
        world.write("targets/query.yaml", &document("Script", "query", &spec));
    };
    let resolve = |code| world.run(&["resolve", "chosen", "--output", "ndjson"]).exits(code);
    let runs = || world.home_file("ran").map_or(0, |text| text.lines().count());
    script("1h");
    world.set_home_file("chosen", "pc-1\n");
    assert_eq!(members(&resolve(0)), 1);
    let first = runs();
    world.set_home_file("chosen", "pc-1\npc-2\n");
    assert_eq!((members(&resolve(0)), runs()), (1, first), "it is not an hour old");
    script("1s");
    let wait = || std::thread::sleep(std::time::Duration::from_millis(1100));
    wait();
    assert_eq!((members(&resolve(0)), runs()), (2, first + 1), "live: once in each run");
    world.set_home_file("chosen", "pc-3\n");
    wait();
    assert_eq!((members(&resolve(0)), runs()), (1, first + 2));
    wait();
    let offline = world.run(&["resolve", "chosen", "--offline", "--output", "ndjson"]).exits(9);
    assert_eq!(members(&offline.says("too old")), 0, "and nothing is known of it when it may not be run");
}

#[test]
fn a_script_that_suddenly_names_nobody_is_not_believed_unless_it_was_edited() {
    let world = world(Source::Provider);
    absent(&world, "{ script: query }");
    query(&world, "cat > /dev/null; cat \"$HOME/chosen\"");
    let id = |n| format!("simulated/pc-{n}\n");
    let ids = |count| (1..=count).map(id).collect::<String>();
    let plan = |code| world.run(&["plan", "--output", "json"]).exits(code);
    let resolve = |code| world.run(&["resolve", "script:query", "--output", "ndjson"]).exits(code);
    // What it reads is something else each time, so it is run again.
    let chooses = |count: usize, tag: &str| {
        world.set_home_file("chosen", &ids(count));
        let fleet = world.repo_file("providers/fleet.yaml");
        let at = fleet.find("tags: [").unwrap();
        let end = at + fleet[at..].find(']').unwrap();
        world.write("providers/fleet.yaml", &format!("{}tags: [{tag}{}", &fleet[..at], &fleet[end..]));
    };
    chooses(12, "first");
    assert_eq!((removals(&plan(0)), members(&resolve(0))), (12, 12));
    chooses(7, "second");
    assert_eq!((removals(&plan(0)), members(&resolve(0))), (7, 7), "not more than half are gone");
    chooses(0, "third");
    for _ in 0..2 {
        let bad = plan(9).says("script query shrank: 7 of 7 computers that it selected are gone");
        assert_eq!((removals(&bad), held(&bad), members(&resolve(9))), (0, 7, 7));
    }
    let offline = world.run(&["plan", "--offline", "--output", "json"]).exits(9).says("nobody is asked now");
    assert_eq!((removals(&offline), held(&offline)), (0, 7));
    world.run(&["plan", "--accept-shrink", "query"]).exits(0);
    assert_eq!((removals(&plan(0)), members(&resolve(0))), (0, 0));
    chooses(12, "fourth");
    assert_eq!(removals(&plan(0)), 12);
    query(&world, "cat > /dev/null; echo simulated/pc-1");
    assert_eq!(removals(&plan(0)), 1, "a script that was edited is another one");
}

#[test]
fn a_script_that_fails_or_names_nobody_selects_neither_all_nor_none() {
    for (text, what) in [
        ("exit 3", "exit code 3"),
        ("echo pc-1; echo nobody", "nobody"),
        ("sleep 60", "longer than 1 seconds"),
    ] {
        let world = world(Source::Provider);
        let absent = "software: tool\n  state: absent\n  target: { match: { not: [{ script: query }] } }";
        world.write("deployments/tool.yaml", &document("Deployment", "tool", absent));
        query(&world, text);
        let script = format!("inline: '{text}'\n  timeLimit: 1s");
        world.write("targets/query.yaml", &document("Script", "query", &script));
        let plan = world.run(&["plan", "--output", "json"]).exits(9).says("script query").says(what);
        assert_eq!(removals(&plan), 0, "{text}");
        let resolved = world.run(&["resolve", "script:query", "--output", "ndjson"]).exits(9);
        assert_eq!((members(&resolved), resolved.lines().len()), (0, COUNT), "{text}");
    }
}

#[test]
fn one_line_selectors_need_no_quotes_in_bash() {
    for line in [
        "tenant:contoso,role:server,not:tag:kiosk",
        "group:contoso-entra/Finance%20Team%2C%20Berlin,ring:pilot/10-50",
        "person:anna.o%27neil@contoso.example,site:office/Branch%2FBerlin",
        "agreement:cw/type/Managed/product/Seat,providerGroup:office/Owner/R%26D%20%24",
        "fact:hostname:pc-1,installed:Notepad++,onboarding:false,script:query",
    ] {
        let printed =
            std::process::Command::new("bash").args(["-c", &format!("printf %s {line}")]).output().unwrap();
        assert_eq!(String::from_utf8(printed.stdout).unwrap(), line);
        muster::targets::parse_line(line).unwrap();
    }
}
