//! `muster fmt`: one form for the repository's YAML.

use std::fs;

use crate::support::muster::World;

const UNTIDY: &str =
    "kind: Tenant\napiVersion: muster/v1\nspec:\n    # why\n    tags: [ \"a\" ]\nmetadata: { name: acme }\n";
const TIDY: &str =
    "apiVersion: muster/v1\nkind: Tenant\nmetadata: { name: acme }\nspec:\n  # why\n  tags: [ a ]\n";

#[test]
fn the_repository_is_put_into_one_form_once() {
    let world = World::fleet(1, "");
    world.run(&["fmt"]).exits(0);
    world.write("tenants/acme.yaml", UNTIDY);
    world.run(&["fmt", "--check"]).exits(2).shows("tenants/acme.yaml").says("1 of ");
    world.run(&["fmt", "--diff"]).exits(0).shows("-    tags: [ \"a\" ]").shows("+  tags: [ a ]");
    let read = || fs::read_to_string(world.repo().join("tenants/acme.yaml")).unwrap();
    assert_eq!(read(), UNTIDY, "looking changes nothing");
    world.run(&["fmt"]).exits(0).shows("tenants/acme.yaml");
    assert_eq!(read(), TIDY);
    world.run(&["fmt", "--check"]).exits(0).says("nothing to format");
    world.run(&["validate"]).exits(0);
}

#[test]
fn a_file_that_cannot_be_read_is_left_alone_and_reported_and_others_are_formatted() {
    let world = World::fleet(1, "");
    world.write("tenants/acme.yaml", UNTIDY);
    world.write("tenants/bad.yaml", "a: [\n");
    world.run(&["fmt", "tenants"]).exits(3).says("M0101").shows("tenants/acme.yaml");
    assert_eq!(fs::read_to_string(world.repo().join("tenants/bad.yaml")).unwrap(), "a: [\n");
    assert_eq!(fs::read_to_string(world.repo().join("tenants/acme.yaml")).unwrap(), TIDY);
    world.run(&["fmt", "nowhere.yaml"]).exits(64).says("nowhere.yaml");
}
