//! Policies of ConnectWise RMM are shown with the origin of each setting.

use muster_lab::fleet::{PolicySite, RmmPolicy};

use crate::support::lab_world::{LabWorld, fleet};
use crate::support::muster::World;

fn policy(name: &str, package: Option<&str>, site: Option<&str>, consent: bool) -> RmmPolicy {
    RmmPolicy {
        name: name.to_owned(),
        category: "Devices".to_owned(),
        kind: "RemoteAccess".to_owned(),
        package: package.map(str::to_owned),
        settings: [("consent".to_owned(), consent.into())].into(),
        sites: vec![PolicySite { company: "Contoso".to_owned(), site: site.map(str::to_owned) }],
    }
}

#[test]
fn each_setting_of_a_policy_is_told_with_where_it_comes_from() {
    let mut fleet = fleet("connectwise");
    fleet.rmm.policies =
        vec![policy("Standard", Some("Gold"), None, true), policy("Kiel", None, Some("Kiel"), false)];
    let world = LabWorld::new(World::example("connectwise"), fleet);
    let told = |computer: &str| {
        let only = format!("computer:{computer}");
        let ran = world.run(&["computers", "--policies", "--only", &only, "--output", "json"]).exits(0);
        let row = ran.json()["policies"][0].clone();
        ["provider", "setting", "value", "origin"].map(|key| row[key].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(told("contoso-pc-1"), ["rmm", "RemoteAccess.consent", "true", "Standard (package Gold)"]);
    assert_eq!(told("contoso-pc-2"), ["rmm", "RemoteAccess.consent", "false", "Kiel"]);
    let all = world.run(&["computers", "--policies"]).exits(0);
    all.shows("Standard (package Gold)").shows("RemoteAccess.consent");
    let none = world.run(&["computers", "--policies", "--only", "computer:fabrikam-srv-1"]).exits(0);
    none.shows("No system tells of a policy.");
}
