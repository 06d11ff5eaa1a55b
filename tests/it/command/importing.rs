//! `muster import`: what a provider's companies and computers propose, and what is written once that is confirmed.

use crate::support::muster::{World, document};
use crate::support::pty::Terminal;

const FLEET: &str = "clients:\n  - { id: '3', name: Contoso, sites: [Main] }\n  - { id: '4', name: Fabrikam Ltd }\n  - { id: \
                     '5', name: Nobody Inc }\ncomputers:\n  - { name: c-1, client: '3' }\n  - { name: c-2, client: '3' }\n  - { name: \
                     f-1, client: '4' }\n  - { name: n-1, client: '5' }\n  - { name: lost }\n";

/// A provider `rmm` with three companies, and two tenants of which one maps a company under its old name.
fn world() -> World {
    let world = World::new();
    world.write("muster.yaml", &document("Instance", "test", "timeZone: UTC"));
    faults(&world, "");
    world.write("providers/fleet.yaml", FLEET);
    world.write("tenants/contoso.yaml", CONTOSO);
    world.write("tenants/fabrikam.yaml", FABRIKAM);
    world
}

const CONTOSO: &str = "# Ours since 2020.\napiVersion: muster/v1\nkind: Tenant\nmetadata: { name: contoso, title: Contoso Old }\nspec:\n  \
                       clients:\n    rmm:\n      - id: '3' # in the RMM\n        name: Contoso Old\n";
const FABRIKAM: &str = "apiVersion: muster/v1\nkind: Tenant\nmetadata: { name: fabrikam, title: Fabrikam Ltd }\nspec: {} # new\n";

fn faults(world: &World, faults: &str) {
    let spec = format!("simulated: {{ clients: true, fleet: fleet.yaml, faults: {{ {faults} }} }}");
    world.write("providers/rmm.yaml", &document("Provider", "rmm", &spec));
}

fn tenants<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["import", "tenants", "--from", "rmm"], more].concat()
}

fn computers<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["import", "computers", "--from", "rmm"], more].concat()
}

#[test]
fn tenants_are_proposed_as_a_diff_and_written_once_that_is_confirmed() {
    let world = world();
    world
        .run(&tenants(&[]))
        .exits(0)
        .shows("-        name: Contoso Old\n+        name: Contoso\n")
        .shows("+      - { id: '4', name: Fabrikam Ltd }\n")
        .shows("Nobody Inc")
        .says("nothing is written")
        .says("Companies: 0 mapped with nothing to change, 1 renamed, 1 to be mapped, 1 not mapped");
    assert_eq!(world.repo_file("tenants/contoso.yaml"), CONTOSO);
    world.run(&tenants(&["--check"])).exits(2);
    world.run(&tenants(&["--yes"])).exits(0).says("muster import computers --from rmm");
    assert_eq!(world.repo_file("tenants/contoso.yaml"), CONTOSO.replace("Contoso Old", "Contoso"));
    assert_eq!(
        world.repo_file("tenants/fabrikam.yaml"),
        FABRIKAM.replace(
            " {} # new\n",
            " # new\n  clients:\n    rmm:\n      - { id: '4', name: Fabrikam Ltd }\n"
        )
    );
    world.run(&tenants(&["--check"])).exits(0).says("2 mapped with nothing to change, 1 not mapped");
    world.run(&tenants(&["--create", "all", "--yes"])).exits(0).shows("tenants/nobody-inc/tenant.yaml (new)");
    world.run(&["validate"]).exits(0);
    world.run(&["fmt", "--check"]).exits(0);
    world.run(&tenants(&["--check", "--create", "all"])).exits(0);
}

#[test]
fn programs_read_proposals_as_data() {
    let world = world();
    let said = world.run(&tenants(&["--output", "json", "--create", "Nobody Inc"])).exits(0).json();
    assert_eq!(said["format"], "muster.import/v1");
    assert_eq!((&said["written"], &said["settled"]), (&false.into(), &0.into()));
    let statuses: Vec<_> = said["companies"].as_array().unwrap().iter().map(|row| &row["status"]).collect();
    assert_eq!(statuses, ["renamed", "mapped", "created"]);
    assert_eq!(said["companies"][0]["computers"], 2);
    assert_eq!(said["files"][1]["file"], "tenants/fabrikam.yaml");
    let said = world.run(&tenants(&["--output", "json", "--yes"])).exits(0).json();
    assert_eq!(said["written"], true);
    let lines = world.run(&tenants(&["--output", "ndjson"])).exits(0).lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    world.run(&tenants(&["--output", "csv"])).exits(0).shows("status,id,company");
    world.run(&tenants(&["--output", "markdown"])).exits(0).shows("Nobody Inc");
}

#[test]
fn companies_are_mapped_by_hand_and_in_bulk_and_every_mistake_is_told() {
    let world = world();
    world.write("list.txt", "# customers\nContoso = fabrikam\nNobody = fabrikam\nno sign\n5 = nowhere\n");
    let list = world.repo().join("list.txt").display().to_string();
    world
        .run(&tenants(&["--mapping", &list, "--map", "x"]))
        .exits(64)
        .says("--map: \"x\" has no `=`")
        .says("list.txt:2: \"Contoso\" is the tenant contoso already")
        .says("list.txt:3: the provider has no company \"Nobody\"")
        .says("list.txt:4: \"no sign\"")
        .says("list.txt:5: there is no tenant nowhere");
    world.write("list.csv", "company,tenant\n\"Nobody Inc\",fabrikam\n");
    let list = world.repo().join("list.csv").display().to_string();
    world.run(&tenants(&["--mapping", &list, "--only", "5", "--yes"])).exits(0);
    assert!(world.repo_file("tenants/fabrikam.yaml").contains("- { id: '5', name: Nobody Inc }"));
    assert_eq!(world.repo_file("tenants/contoso.yaml"), CONTOSO, "only one was chosen");
    world.run(&tenants(&["--mapping", "gone.csv"])).exits(64).says("there is no such file");
    world.run(&["import", "tenants", "--from", "rmn"]).exits(64).says("did you mean rmm?");
}

#[test]
fn a_list_that_failed_or_shrank_proposes_nothing() {
    let world = world();
    world.run(&tenants(&["--yes", "--create", "all"])).exits(0);
    faults(&world, "list: true");
    world.run(&tenants(&["--drop-vanished", "--yes"])).exits(9).says("nothing is proposed");
    world.run(&computers(&["--yes"])).exits(9);
    faults(&world, "");
    world.write("providers/fleet.yaml", "computers: []\n");
    let files = || {
        ["contoso.yaml", "fabrikam.yaml", "nobody-inc/tenant.yaml"]
            .map(|file| world.repo_file(&format!("tenants/{file}")))
    };
    let before = files();
    world
        .run(&tenants(&["--drop-vanished", "--yes"]))
        .exits(9)
        .says("3 of 3 companies are gone")
        .says("--accept-shrink rmm");
    assert_eq!(files(), before);
    world.run(&tenants(&[])).exits(9);
    world.run(&tenants(&["--accept-shrink", "rmm"])).exits(0).shows("Vanished");
    world.run(&tenants(&["--accept-shrink", "rmm", "--drop-vanished", "--yes"])).exits(0);
    assert!(
        world.repo_file("tenants/contoso.yaml").ends_with("spec: {}\n"),
        "{}",
        world.repo_file("tenants/contoso.yaml")
    );
}

#[test]
fn only_the_word_yes_on_a_terminal_writes() {
    let world = world();
    let mut terminal = Terminal::start(&world, &tenants(&[]));
    terminal.wait_for("2 files changed. Type yes to go on:");
    terminal.types("y\n");
    assert_eq!(terminal.end().0, 6);
    assert_eq!(world.repo_file("tenants/contoso.yaml"), CONTOSO);
    let mut terminal = Terminal::start(&world, &tenants(&[]));
    terminal.wait_for("Type yes to go on:");
    // Somebody edits a file while the question stands.
    world.write("tenants/fabrikam.yaml", &format!("{FABRIKAM}# later\n"));
    terminal.types("yes\n");
    assert_eq!(terminal.end().0, 7);
    assert_eq!(world.repo_file("tenants/contoso.yaml"), CONTOSO, "nothing is written when one file changed");
    let mut terminal = Terminal::start(&world, &tenants(&[]));
    terminal.wait_for("Type yes to go on:");
    terminal.types("yes\n");
    assert_eq!(terminal.end().0, 0);
    assert!(world.repo_file("tenants/fabrikam.yaml").ends_with("# later\n"));
}

#[test]
fn computers_are_listed_by_tenant_and_remembered_on_confirmation() {
    let world = world();
    world.run(&tenants(&["--yes"])).exits(0);
    let first = world.run(&computers(&["--output", "json"])).exits(0).json();
    assert_eq!(first["tenants"][0]["counts"]["new"], 2);
    assert_eq!(first["unmapped"].as_array().unwrap().len(), 2, "{first}");
    assert_eq!(first["unmapped"][1]["company"], "Nobody Inc");
    world.run(&["status", "--output", "json"]).exits(0);
    world.run(&computers(&["--yes", "--documents"])).exits(0).says("3 computers: 3 new");
    let documents = world.repo_file("tenants/contoso/computers.yaml");
    assert!(
        documents.contains("metadata: { name: c-2 }\nspec:\n  name: c-2\n  provider: rmm\n"),
        "{documents}"
    );
    world.run(&["validate"]).exits(0);
    world.run(&["fmt", "--check"]).exits(0);
    world.run(&computers(&["--check", "--documents"])).exits(0).says("3 computers: 0 new");

    // One is gone, one went to another company, and one is called otherwise by way of the other.
    let fleet =
        FLEET.replace("  - { name: c-1, client: '3' }\n", "").replace("f-1, client: '4'", "f-1, client: '3'");
    world.write("providers/fleet.yaml", &fleet);
    let said = world
        .run(&computers(&["--documents"]))
        .exits(0)
        .says("2 computers: 0 new, 0 renamed, 1 moved, 1 gone");
    said.says("tenants/contoso/computers.yaml:4: the document c-1 is about c-1: its computer is gone");
    let ndjson = world.run(&computers(&["--output", "ndjson"])).exits(0).lines();
    assert_eq!(ndjson.len(), 2);
    world.run(&computers(&["--check"])).exits(2);
    world.run(&computers(&["--yes"])).exits(0);
    world.run(&computers(&["--check"])).exits(0);
    world.run(&["import", "tenants", "--from", "rmm", "--only", "x"]).exits(64);
}

#[test]
fn a_plan_says_how_many_computers_belong_to_no_tenant() {
    let world = world();
    let line = "rmm: of no tenant, and left out: 3 computers of 2 companies and of none (muster import tenants --from rmm lists them)";
    world.run(&["plan"]).exits(0).says(line);
    world.run(&["status"]).exits(0).says(line);
    world.run(&["resolve", "every", "--offline"]).exits(0).says(line);
    world.run(&tenants(&["--yes", "--create", "all"])).exits(0);
    world.run(&["status"]).exits(0).says("rmm: of no tenant, and left out: 1 computer of no company");
}

#[test]
fn a_provider_without_companies_has_no_tenants_to_import() {
    let world = World::fleet(2, "");
    world.run(&["import", "tenants", "--from", "simulated"]).exits(64).says("lists no companies of its own");
    world
        .run(&["import", "computers", "--from", "simulated", "--yes"])
        .exits(0)
        .shows("acme")
        .says("2 computers: 2 new");
}

#[test]
fn a_company_that_becomes_another_tenant_is_no_loss_of_the_list() {
    let world = world();
    let computers: String = (0..20).map(|at| format!("  - {{ name: c-{at}, client: '3' }}\n")).collect();
    world.write(
        "providers/fleet.yaml",
        &format!("clients: [{{ id: '3', name: Contoso }}]\ncomputers:\n{computers}"),
    );
    world.run(&["plan"]).exits(0);
    world.write("tenants/contoso.yaml", &CONTOSO.replace("name: contoso,", "name: contoso-ag,"));
    world
        .run(&self::computers(&["--output", "csv"]))
        .exits(0)
        .shows("moved,c-0,c-0,contoso-ag,Contoso,,contoso");
    world.run(&["plan"]).exits(0);
    world.run(&["resolve", "tenant:contoso-ag"]).exits(0).says("20 computers, of 20 computers");
}
