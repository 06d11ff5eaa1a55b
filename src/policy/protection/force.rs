//! What protections say of a plan: the removals that they refuse, and those whose declaration is gone.
//!
//! Invariant: a computer that was protected and is not listed under its id is looked for by its name. While the
//! declaration is gone too and one of its computers cannot be found, any computer may be that one, and nothing is removed.

use std::collections::BTreeSet;

use roaring::RoaringBitmap;

use super::{Program, Protection, covered, program, software};
use crate::config::Config;
use crate::config::safety::{PROTECTION, ProtectedKey};
use crate::diagnostic::{Finding, Findings, Place, code};
use crate::id::{CommitId, ComputerId, Name};
use crate::inventory::item::ItemKind;
use crate::inventory::snapshot::Snapshot;
use crate::plan::document::{ActionType, Change, Plan};
use crate::plan::effects;
use crate::policy::verdict::{RuleKind, Verdict, Weight};

/// What is known of a declaration that is not there any more.
#[derive(Debug, Clone, Copy)]
struct Gone<'a> {
    commit: Option<&'a CommitId>,
}

/// A protection that is in force, and its computers.
#[derive(Debug)]
struct InForce<'a> {
    key: &'a ProtectedKey,
    place: &'a Place,
    /// Where it is not declared any more: what declared it.
    gone: Option<Gone<'a>>,
    software: Option<&'a Name>,
    /// What that software claims, now and when something was applied before.
    programs: BTreeSet<Program>,
    computers: RoaringBitmap,
    /// Where it is not declared any more: its computers that nobody lists, as they are called for people.
    lost: Vec<&'a str>,
}

/// The removals of a plan that are protected, and protections whose declaration is gone.
#[must_use]
pub fn judge(
    config: &Config,
    snapshot: &Snapshot,
    plan: &Plan,
    stored: &[Protection],
) -> (Vec<Verdict>, Findings) {
    let mut verdicts = Vec::new();
    let mut lints = Findings::new();
    let in_force = in_force(config, snapshot, stored);
    if in_force.is_empty() {
        return (verdicts, lints);
    }
    let removals = removals(snapshot, plan);
    for protection in &in_force {
        let mut hit = false;
        for (change, computers) in &removals {
            let computers = &protection.taken_from(config, snapshot, change, computers);
            let affected = computers & &protection.computers;
            let other = protection.other(change);
            let message = if !affected.is_empty() {
                let names = names(snapshot, &affected);
                format!("{} {}, and {} {names}{other}", protection.key, protection.was(), takes(change))
            } else if !protection.lost.is_empty() && !computers.is_empty() {
                let (key, was, lost) = (protection.key, protection.was(), listed(&protection.lost));
                let names = names(snapshot, computers);
                format!(
                    "{key} {was}, and nobody lists {lost} any more; {} {names}, which may be it{other}",
                    takes(change)
                )
            } else {
                continue;
            };
            hit = true;
            verdicts.push(protection.verdict(change, message));
        }
        if !hit && protection.gone.is_some() {
            lints.push(protection.lint());
        }
    }
    (verdicts, lints)
}

/// What a plan removes, and the computers that it removes it from.
fn removals<'p>(snapshot: &Snapshot, plan: &'p Plan) -> Vec<(&'p Change, RoaringBitmap)> {
    let positions: Vec<Option<u32>> =
        plan.computers.iter().map(|computer| snapshot.position(&computer.id)).collect();
    let removing = plan.changes.iter().filter(|change| effects::acts(change) && effects::removes(change));
    removing
        .map(|change| {
            let of_plan = effects::computers(change).filter_map(|at| usize::try_from(at).ok());
            (change, of_plan.filter_map(|at| positions.get(at).copied().flatten()).collect())
        })
        .collect()
}

impl InForce<'_> {
    /// Those of the computers of a removal on which it takes what is protected: the software itself, or another one that
    /// is the same program there.
    fn taken_from(
        &self,
        config: &Config,
        snapshot: &Snapshot,
        change: &Change,
        computers: &RoaringBitmap,
    ) -> RoaringBitmap {
        let Some(software) = self.software else { return computers.clone() };
        if change.item.kind != ItemKind::Software {
            return RoaringBitmap::new();
        }
        if change.item.name == *software {
            return computers.clone();
        }
        let Some(other) = program(config, &change.item.name) else { return RoaringBitmap::new() };
        let shared = self.programs.iter().map(|program| program.shared(&other, snapshot));
        shared.fold(RoaringBitmap::new(), |sum, one| sum | one) & computers
    }

    /// What is to be said where a removal is of another software than the protected one.
    fn other(&self, change: &Change) -> String {
        match self.software {
            Some(software) if change.item.name != *software => {
                format!("; {} is the same program there as {software}", change.item.name)
            }
            _ => String::new(),
        }
    }

    fn was(&self) -> String {
        match self.gone {
            None => "is protected".to_owned(),
            Some(Gone { commit }) => {
                let at = commit.map_or_else(String::new, |commit| format!(" at commit {}", short(commit)));
                format!("was protected by {}{at}, is not declared so any more", self.place)
            }
        }
    }

    fn verdict(&self, change: &Change, message: String) -> Verdict {
        Verdict {
            kind: RuleKind::Protection,
            rule: PROTECTION.to_owned(),
            weight: Weight::Deny,
            subject: self.key.to_string(),
            message,
            help: Some(match self.gone {
                None => "take `protect` out and apply that first with --override protection --reason TEXT, or leave the item"
                    .to_owned(),
                Some(_) => "put it back, or release it with --override protection --reason TEXT".to_owned(),
            }),
            place: Some(self.place.clone()),
            about: Some(change.deployment.place.clone()),
            set_aside: None,
            expired: None,
        }
    }

    /// A declaration that is gone, in a plan that it does not refuse.
    fn lint(&self) -> Finding {
        let what = if self.lost.is_empty() {
            String::new()
        } else {
            let what = self.software.map_or("nothing is removed", |_| "its software is not removed");
            format!("; nobody lists {} any more, so that {what} anywhere", listed(&self.lost))
        };
        let message = format!("{} {} and stays protected{what}", self.key, self.was());
        let mut help =
            "put `protect: true` back, or release it: muster apply --override protection --reason TEXT"
                .to_owned();
        if let Some(software) = self.software {
            help = format!(
                "{help}. It is about {software} and what its detection claims; where another Software document with a \
                 detection script of its own must not remove the program either, protect the computers or their tenant"
            );
        }
        Finding::without_place(code::PROTECTION_GONE, message).help(help)
    }
}

/// What a removal does, to stand before the computers.
fn takes(change: &Change) -> String {
    match change.action {
        ActionType::Uninstall => format!("{} would be uninstalled from", change.item),
        _ => format!("the {} of {} would take something away from", change.action.as_str(), change.item),
    }
}

fn short(commit: &CommitId) -> &str {
    commit.as_str().get(..7).unwrap_or(commit.as_str())
}

/// How many names are shown.
const SHOWN: usize = 3;

fn names(snapshot: &Snapshot, computers: &RoaringBitmap) -> String {
    let all: Vec<&str> =
        computers.iter().filter_map(|ix| snapshot.get(ix)).map(|computer| computer.name.as_str()).collect();
    listed(&all)
}

fn listed(names: &[&str]) -> String {
    let shown = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(SHOWN);
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

fn in_force<'a>(config: &'a Config, snapshot: &Snapshot, stored: &'a [Protection]) -> Vec<InForce<'a>> {
    let declared = config.safety.protected.iter().map(|(key, place)| InForce {
        key,
        place,
        gone: None,
        software: software(config, key),
        programs: software(config, key).into_iter().filter_map(|name| program(config, name)).collect(),
        computers: covered(config, snapshot, key),
        lost: Vec::new(),
    });
    // What was protected stays so, also where its document now says something else.
    let stored = stored.iter().map(|protection| {
        let is_gone = !config.safety.protected.contains_key(&protection.key);
        let (mut computers, lost) = found(config, snapshot, protection, is_gone);
        for tenant in &protection.tenants {
            computers |= snapshot.tenants().with(tenant);
        }
        if protection.without_tenant {
            let with = snapshot.tenants().iter().fold(RoaringBitmap::new(), |sum, (_, of_it)| sum | of_it);
            computers |= snapshot.all() - with;
        }
        InForce {
            key: &protection.key,
            place: &protection.place,
            gone: is_gone.then_some(Gone { commit: protection.commit.as_ref() }),
            software: protection.software.as_ref(),
            programs: {
                let now = protection.software.iter().filter_map(|name| program(config, name));
                now.chain(protection.programs.iter().cloned()).collect()
            },
            computers,
            lost: if is_gone { lost } else { Vec::new() },
        }
    });
    declared.chain(stored).collect()
}

/// The computers of a protection that was kept, and what those are called that nobody lists. Where an id is gone, its
/// computer is whoever has its name and was not there beside it; while the protection is declared, only where its
/// provider is gone: from a provider that is still there computers leave every day, and others are called the same.
fn found<'a>(
    config: &Config,
    snapshot: &Snapshot,
    protection: &'a Protection,
    is_gone: bool,
) -> (RoaringBitmap, Vec<&'a str>) {
    let mut computers = RoaringBitmap::new();
    let mut lost = Vec::new();
    for id in &protection.computers {
        if let Some(ix) = snapshot.position(id) {
            computers.insert(ix);
            continue;
        }
        if !is_gone && has_provider(config, id) {
            continue;
        }
        let name = protection.names.get(id);
        let called = name.map(|name| snapshot.called(name)).unwrap_or_default();
        let is_new =
            |ix: &u32| snapshot.get(*ix).is_some_and(|computer| !protection.computers.contains(&computer.id));
        let others: Vec<u32> = called.into_iter().filter(is_new).collect();
        if others.is_empty() {
            lost.push(name.map_or(id.as_str(), String::as_str));
        }
        computers.extend(others);
    }
    (computers, lost)
}

/// Whether the provider that an id begins with is declared.
fn has_provider(config: &Config, id: &ComputerId) -> bool {
    id.as_str().split_once('/').is_some_and(|(provider, _)| config.providers.contains_key(provider))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::kind::{InventoryMatch, TextMatch};
    use crate::config::model::Detect;
    use crate::config::safety::ProtectedKind;
    use crate::plan::tests::world::{
        World, absent, every, latest, name, of_tenant, one, place, present, scripts, software as item,
    };
    use crate::policy::protection::{declared, next};

    /// `pc-1` and `pc-2` of contoso and `pc-3` of fabrikam, each with an archiver.
    fn world() -> World {
        let mut world = World::new();
        world.software("archiver", &["1.0"]);
        for (computer, tenant) in [("pc-1", "contoso"), ("pc-2", "contoso"), ("pc-3", "fabrikam")] {
            world.tenant(tenant);
            world.computer(computer, &[]).tenant = Some(name(tenant));
            world.is(computer, item("archiver"), present("1.0"));
        }
        world
    }

    fn protect(world: &mut World, kind: ProtectedKind, text: &str) -> Vec<Protection> {
        let key = ProtectedKey { kind, name: name(text) };
        world.config.safety.protected.insert(key, place("protected.yaml"));
        declared(&world.config, &world.snapshot(), None)
    }

    /// Every computer gets the id that it has with a provider of another name.
    fn rename_provider(world: &mut World) {
        for known in &mut world.known {
            known.provider = name("branch");
            known.id = ComputerId::new(format!("branch/{}", known.agent));
        }
    }

    fn said(world: &World, stored: &[Protection]) -> Vec<String> {
        let (verdicts, lints) = judge(&world.config, &world.snapshot(), &world.plan().plan, stored);
        let lints = lints.iter().map(|lint| lint.message.clone());
        verdicts.into_iter().map(|verdict| verdict.message).chain(lints).collect()
    }

    #[test]
    fn a_provider_with_another_name_frees_no_computer() {
        let mut world = world();
        let stored = protect(&mut world, ProtectedKind::Tenant, "contoso");
        world.config.safety.protected.clear();
        rename_provider(&mut world);
        // The tenant goes too, so that only the names are left.
        world.config.tenants.remove(&name("contoso"));
        world.deploy("no-archiver", item("archiver"), absent(), one("pc-1"));
        let was = "tenant contoso was protected by protected.yaml:1, is not declared so any more";
        assert_eq!(said(&world, &stored), [format!("{was}, and archiver would be uninstalled from pc-1")]);
        world.config.deployments.clear();
        world.deploy("no-archiver", item("archiver"), absent(), one("pc-3"));
        assert_eq!(said(&world, &stored), [format!("{was} and stays protected")]);
    }

    #[test]
    fn while_a_computer_of_a_protection_that_is_gone_cannot_be_found_nothing_is_removed() {
        let mut world = world();
        let stored = protect(&mut world, ProtectedKind::Tenant, "contoso");
        world.config.safety.protected.clear();
        rename_provider(&mut world);
        world.config.tenants.remove(&name("contoso"));
        world.known[0].name = "new-name".to_owned();
        assert_eq!(
            said(&world, &stored),
            [
                "tenant contoso was protected by protected.yaml:1, is not declared so any more and stays protected; \
                 nobody lists pc-1 any more, so that nothing is removed anywhere"
            ]
        );
        world.deploy("no-archiver", item("archiver"), absent(), one("pc-3"));
        assert_eq!(
            said(&world, &stored),
            [
                "tenant contoso was protected by protected.yaml:1, is not declared so any more, and nobody lists pc-1 any \
                 more; archiver would be uninstalled from pc-3, which may be it"
            ]
        );
        // It is released as any other.
        assert_eq!(next(&stored, Vec::new(), true), []);
    }

    #[test]
    fn while_it_is_declared_a_computer_that_left_stands_in_nobodys_way() {
        let mut world = world();
        let stored = protect(&mut world, ProtectedKind::Tenant, "contoso");
        world.config.providers.insert(name("office"), provider());
        // `pc-1` was scrapped, and fabrikam now has a computer of that name.
        world.known.remove(0);
        world.known[1].name = "pc-1".to_owned();
        world.known[1].id = ComputerId::new("office/another");
        world.is("pc-1", item("archiver"), present("1.0"));
        world.deploy("no-archiver", item("archiver"), absent(), one("pc-1"));
        assert_eq!(said(&world, &stored), Vec::<String>::new());
        // Where its provider has gone with it, it may well be the same computer.
        world.config.providers.clear();
        assert_eq!(
            said(&world, &stored),
            ["tenant contoso is protected, and archiver would be uninstalled from pc-1"]
        );
    }

    fn provider() -> crate::config::model::Provider {
        crate::config::model::Provider {
            metadata: crate::plan::tests::world::metadata("office"),
            place: place("office.yaml"),
            spec: crate::config::kind::ProviderSpec::Local(crate::config::kind::LocalSpec::default()),
            files: std::collections::BTreeMap::new(),
        }
    }

    fn in_inventory(text: &str) -> Detect {
        Detect::Inventory(InventoryMatch { name: TextMatch::Regex(text.to_owned()), include_hidden: false })
    }

    #[test]
    fn another_document_for_the_same_program_removes_nothing_that_is_protected() {
        let mut world = world();
        for known in &mut world.known {
            let packages = [("Archiver 1.0", "1.0"), ("Other", "2.0")];
            let listed = crate::inventory::snapshot::tests::facts(None, None, Some(&packages), None).1;
            let facts = &mut known.facts.as_mut().expect("facts").1;
            (facts.packages, facts.package_sources) = (listed.packages, listed.package_sources);
        }
        world.config.software.get_mut("archiver").unwrap().detect = in_inventory("^Archiver");
        world.software("second", &["1.0"]).detect = in_inventory("(?<version>[0-9.]+)$");
        world.software("other", &["2.0"]).detect = in_inventory("^Other");
        for computer in ["pc-1", "pc-2", "pc-3"] {
            world.is(computer, item("second"), present("1.0"));
            world.is(computer, item("other"), present("2.0"));
        }
        world.deploy("keep", item("archiver"), latest("1.0"), of_tenant("contoso"));
        let stored = protect(&mut world, ProtectedKind::Deployment, "keep");
        world.deploy("no-second", item("second"), absent(), every());
        world.deploy("no-other", item("other"), absent(), every());
        let second =
            "and second would be uninstalled from pc-1, pc-2; second is the same program there as archiver";
        assert_eq!(said(&world, &[]), [format!("deployment keep is protected, {second}")]);
        // The deployment goes, and with it the document of its software.
        world.config.safety.protected.clear();
        world.config.deployments.remove("keep");
        world.config.software.remove("archiver");
        let was = "deployment keep was protected by protected.yaml:1, is not declared so any more";
        assert_eq!(said(&world, &stored), [format!("{was}, {second}")]);
        // Its document says something else by now: what it claimed before is protected still.
        world.software("archiver", &["1.0"]).detect = in_inventory("^Nothing");
        assert_eq!(said(&world, &stored), [format!("{was}, {second}")]);
        // The same script is the same program; another one is not known to be.
        world.config.software.get_mut("archiver").unwrap().detect = Detect::Script(scripts("look"));
        world.config.software.get_mut("second").unwrap().detect = Detect::Script(scripts("look"));
        assert_eq!(said(&world, &stored), [format!("{was}, {second}")]);
        world.config.software.get_mut("second").unwrap().detect = Detect::Script(scripts("another look"));
        assert_eq!(said(&world, &stored), [format!("{was} and stays protected")]);
        // Nor is one that may look at something else for each document.
        for name in ["archiver", "second"] {
            let detect = Detect::Script(scripts("look for $MUSTER_ITEM"));
            world.config.software.get_mut(name).unwrap().detect = detect;
        }
        assert_eq!(said(&world, &stored), [format!("{was} and stays protected")]);
    }

    #[test]
    fn what_was_kept_without_names_is_lost_with_its_ids() {
        let mut world = world();
        let mut stored = protect(&mut world, ProtectedKind::Computer, "pc-1");
        stored[0].computers.insert(ComputerId::new("office/pc-1"));
        let text = serde_json::to_string(&stored[0]).expect("it can be written");
        assert_eq!(serde_json::from_str::<Protection>(&text).expect("it is read"), stored[0], "{text}");
        world.config.safety.protected.clear();
        world.deploy("no-archiver", item("archiver"), absent(), every());
        assert!(said(&world, &stored)[0].ends_with("uninstalled from pc-1"));
        rename_provider(&mut world);
        assert!(said(&world, &stored)[0].contains("nobody lists office/pc-1 any more"));
    }
}
