//! A deployment as one English sentence (DEP-24): what it does, for whom, and when it counts.
//!
//! Not here: what follows on a computer. The sentence tells what is declared, never what is so; a hold that has ended is
//! left out, as it says nothing any more.
//!
//! Invariant: the same deployment gives the same sentence at the same instant; names stand as people know them (titles), else as written.

use super::gates;
use crate::config::Config;
use crate::config::kind::{Enforcement, Mode, SoftwareState};
use crate::config::model::{Deployment, Desired, Layer, WantedVersion};
use crate::id::Name;
use crate::inventory::facts::{OsFamily, Role};
use crate::inventory::item::ItemKind;
use crate::targets::{self, Expr, Resolved, Selector};
use crate::time::Timestamp;

/// Longer expressions are told by the name of their target, where they have one.
const LONG: usize = 120;

/// The sentence of a deployment: "Installs 7-Zip, latest, on all workstations of Contoso except those with tag kiosk."
#[must_use]
pub fn deployment(config: &Config, deployment: &Deployment, now: Timestamp) -> String {
    format!("{} {}{}.", does(config, deployment), whom(config, deployment), when(config, deployment, now))
}

/// Whom a deployment is for, as a part of a sentence: "on all servers of Contoso".
#[must_use]
pub fn whom(config: &Config, deployment: &Deployment) -> String {
    match targets::resolve(&deployment.expression, config, Some(&deployment.place)) {
        Ok(resolved) => on(config, deployment.target.as_ref(), &resolved),
        // A checked configuration has none of these.
        Err(_) => "on its target".to_owned(),
    }
}

/// The computers of a target as a part of a sentence: "on all servers of Contoso".
#[must_use]
pub fn on(config: &Config, named: Option<&Name>, resolved: &Resolved) -> String {
    let whole = computers(config, targets::simplify(resolved).expr());
    match named {
        Some(name) if whole.len() > LONG => format!("on the computers of {}", target(config, name)),
        _ => format!("on {whole}"),
    }
}

fn does(config: &Config, deployment: &Deployment) -> String {
    let item = &deployment.item;
    let metadata = match item.kind {
        ItemKind::Software => config.software.get(&item.name).map(|software| &software.metadata),
        ItemKind::Task => config.tasks.get(&item.name).map(|task| &task.metadata),
        ItemKind::OsUpdates => None,
    };
    let mut title =
        metadata.and_then(|metadata| metadata.title.clone()).unwrap_or_else(|| item.name.to_string());
    if let Some(instance) = &item.instance {
        title = format!("{title} ({instance})");
    }
    let acts = deployment.mode == Mode::Enforce;
    match &deployment.desired {
        _ if deployment.mode == Mode::Ignored => format!("Leaves {title} alone"),
        Desired::OsUpdates if acts => {
            "Starts the approved updates of the operating system, in runs of its schedule,".to_owned()
        }
        Desired::OsUpdates => {
            "Tells where approved updates of the operating system wait, in runs of its schedule,".to_owned()
        }
        Desired::Task => match deployment.mode {
            Mode::Enforce => format!("Sets {title}"),
            Mode::Audit => format!("Tests {title}, and changes nothing,"),
            Mode::Monitor | Mode::Ignored => format!("Reads {title}"),
        },
        Desired::Software { state, version, .. } => match state {
            SoftwareState::Ignored => format!("Leaves {title} alone"),
            SoftwareState::Absent if acts => format!("Removes {title}"),
            SoftwareState::Absent => format!("Tells where {title} is present"),
            SoftwareState::Installed if acts => format!("Installs {title}, {},", wanted(version)),
            SoftwareState::Installed => format!("Tells where {title}, {}, is not installed", wanted(version)),
            SoftwareState::UpdateIfFound if acts => {
                format!("Updates {title} to {} where it is found,", to_version(version))
            }
            SoftwareState::UpdateIfFound => {
                format!("Tells where {title} is found and not {}", wanted(version))
            }
        },
    }
}

fn wanted(version: &WantedVersion) -> String {
    match version {
        WantedVersion::Any { .. } => "any version".to_owned(),
        WantedVersion::Latest { .. } => "latest".to_owned(),
        WantedVersion::Exact { version } => version.clone(),
        WantedVersion::Range { constraint, .. } => constraint.clone(),
    }
}

fn to_version(version: &WantedVersion) -> String {
    match version {
        WantedVersion::Latest { .. } => "the latest version".to_owned(),
        other => wanted(other),
    }
}

fn when(config: &Config, deployment: &Deployment, now: Timestamp) -> String {
    let mut text = String::new();
    if !deployment.configured {
        text.push_str(", without its configuration task");
    }
    match deployment.enforcement {
        Enforcement::Required => {}
        Enforcement::Onboarding => text.push_str(", while they are being onboarded"),
        Enforcement::AdHoc => text.push_str(", in a run that names it"),
    }
    if let Some(hold) = deployment.hold.as_ref().filter(|hold| gates::holds(config, hold, now)) {
        text.push_str("; on hold until ");
        text.push_str(&hold.until.to_string());
    }
    if !deployment.enabled {
        text.push_str("; disabled");
    } else if matches!(deployment.layer, Layer::Library { listed: false, .. }) {
        text.push_str("; from a library and not listed");
    }
    text
}

fn tenant(config: &Config, name: &Name) -> String {
    let title = config.tenants.get(name).and_then(|tenant| tenant.metadata.title.clone());
    title.unwrap_or_else(|| name.to_string())
}

fn target(config: &Config, name: &Name) -> String {
    let title = config.targets.get(name).and_then(|target| target.metadata.title.clone());
    format!("target {}", title.unwrap_or_else(|| name.to_string()))
}

/// The parts of a group of computers, each in its place in the sentence.
#[derive(Default)]
struct Group {
    single: Vec<String>,
    system: Vec<&'static str>,
    noun: Vec<&'static str>,
    of: Vec<String>,
    with: Vec<String>,
    further: Vec<String>,
    except: Vec<String>,
}

/// Computers as a noun phrase: "all workstations of Contoso". Expressions are bounded in depth, so the recursion is.
fn computers(config: &Config, expression: &Expr) -> String {
    match expression {
        Expr::Any(members) if members.is_empty() => "no computer".to_owned(),
        Expr::Any(members) => {
            let parts: Vec<String> =
                members.iter().map(|member| closed(member, computers(config, member))).collect();
            listed(&parts, "and")
        }
        Expr::All(members) => {
            let mut group = Group::default();
            for member in members {
                group.add(config, member);
            }
            group.phrase()
        }
        other => {
            let mut group = Group::default();
            group.add(config, other);
            group.phrase()
        }
    }
}

impl Group {
    fn add(&mut self, config: &Config, part: &Expr) {
        match part {
            Expr::Select(selector) => self.select(config, selector),
            Expr::All(members) => {
                for member in members {
                    self.add(config, member);
                }
            }
            Expr::Any(_) => {
                self.further.push(format!("that are among {}", closed(part, computers(config, part))));
            }
            Expr::Target(name, _) => self.of.push(target(config, name)),
            Expr::Not(inner) => match &**inner {
                Expr::Any(members) => {
                    self.except.extend(members.iter().map(|one| closed(one, exception(config, one))));
                }
                inner => self.except.push(closed(inner, exception(config, inner))),
            },
        }
    }

    fn select(&mut self, config: &Config, selector: &Selector) {
        match selector {
            Selector::Tenant { name, .. } => self.of.push(tenant(config, name)),
            Selector::TenantTree { name, .. } => {
                self.of.push(format!("{} and those below", tenant(config, name)));
            }
            Selector::TenantTag(tag) => self.of.push(format!("tenants with tag {tag}")),
            Selector::Computer(name) => self.single.push(name.clone()),
            Selector::Tag(tag) => self.with.push(tag.clone()),
            Selector::Role(role) => self.noun.push(match role {
                Role::Workstation => "workstations",
                Role::Portable => "portable computers",
                Role::Server => "servers",
                Role::DomainController => "domain controllers",
                Role::PrimaryDomainController => "primary domain controllers",
            }),
            Selector::Os(family) => match family {
                OsFamily::Linux => self.system.push("Linux"),
                OsFamily::Windows => self.system.push("Windows"),
                OsFamily::Macos => self.system.push("macOS"),
                OsFamily::Other => self.further.push("with another system".to_owned()),
            },
            Selector::Person(name) => self.of.push(name.clone()),
            Selector::Onboarding(true) => self.further.push("that are being onboarded".to_owned()),
            Selector::Onboarding(false) => self.further.push("that are onboarded".to_owned()),
            other => self.further.push(format!("with {other}")),
        }
    }

    fn phrase(&self) -> String {
        let mut text = if self.single.is_empty() {
            let mut nouns = self.noun.iter();
            let noun = nouns.next().unwrap_or(&"computers");
            let mut systems = self.system.iter();
            let mut text = "all ".to_owned();
            if let Some(system) = systems.next() {
                text.push_str(system);
                text.push(' ');
            }
            text.push_str(noun);
            for further in nouns {
                text.push_str(" that are ");
                text.push_str(further);
            }
            for further in systems {
                text.push_str(" that are also ");
                text.push_str(further);
                text.push_str(" computers");
            }
            text
        } else if self.single.len() > 1 {
            // Mostly there is none: whoever meant one or the other is to see that.
            format!("a computer that is {} at once", listed(&self.single, "and"))
        } else {
            listed(&self.single, "and")
        };
        for (at, of) in self.of.iter().enumerate() {
            text.push_str(if at == 0 { " of " } else { " that are also of " });
            text.push_str(of);
        }
        if !self.with.is_empty() {
            let word = if self.with.len() == 1 { "tag" } else { "tags" };
            text = format!("{text} with {word} {}", listed(&self.with, "and"));
        }
        for further in &self.further {
            text.push(' ');
            text.push_str(further);
        }
        if !self.except.is_empty() {
            text = format!("{text} except {}", listed(&self.except, "and"));
        }
        text
    }
}

/// A phrase as a part of a list: one that holds a list or an exception of its own stands in brackets, so that nobody takes
/// what follows for a part of it.
fn closed(expression: &Expr, phrase: String) -> String {
    if is_compound(expression) { format!("({phrase})") } else { phrase }
}

/// Whether the phrase of an expression holds a list or an exception. Expressions are bounded in depth, so the recursion is.
fn is_compound(expression: &Expr) -> bool {
    match expression {
        Expr::Select(_) | Expr::Target(..) => false,
        Expr::Not(_) => true,
        Expr::Any(members) => members.len() > 1,
        Expr::All(members) => members.iter().any(is_compound),
    }
}

/// What is taken away, shorter than what is selected: "those with tag kiosk", "servers", "PC-1042".
fn exception(config: &Config, expression: &Expr) -> String {
    let phrase = computers(config, expression);
    match phrase.strip_prefix("all computers ") {
        Some(rest) => format!("those {rest}"),
        None => phrase.strip_prefix("all ").map_or_else(|| phrase.clone(), str::to_owned),
    }
}

/// `a, b and c`.
fn listed<T: AsRef<str>>(words: &[T], last: &str) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [rest @ .., end] => format!("{} {last} {end}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::deployment;
    use crate::config::kind::{Enforcement, Match, Mode, SoftwareState, Term};
    use crate::config::model::{Desired, WantedVersion};
    use crate::inventory::facts::{OsFamily, Role};
    use crate::plan::tests::world::*;

    fn world() -> World {
        let mut world = World::new();
        world.tenant("contoso").metadata.title = Some("Contoso".to_owned());
        world.tenant("fabrikam");
        world.software("seven-zip", &["24.09"]).metadata.title = Some("7-Zip".to_owned());
        world.task("firewall");
        world
    }

    fn of(all: Vec<Term>, not: Vec<Term>) -> Match {
        let list = |terms: Vec<Term>| Some(terms).filter(|terms| !terms.is_empty());
        Match { all: list(all), not: list(not), ..Match::default() }
    }

    #[test]
    fn a_deployment_reads_as_a_sentence() {
        let mut world = world();
        let contoso = || Term::Tenant(name("contoso"));
        let kiosk = || Term::Tag("kiosk".to_owned());
        let narrow = of(vec![contoso(), Term::Role(Role::Workstation)], vec![kiosk()]);
        world.deploy("a", software("seven-zip"), latest("24.09"), narrow);
        world.deploy("b", software("seven-zip"), absent(), every());
        let found = state(SoftwareState::UpdateIfFound, WantedVersion::Exact { version: "24.08".to_owned() });
        let windows = of(
            vec![Term::Os(OsFamily::Windows), Term::Role(Role::Server), Term::TenantTree(name("fabrikam"))],
            vec![Term::Computer("SRV-1".to_owned()), Term::Role(Role::DomainController)],
        );
        world.deploy("c", software("seven-zip"), found, windows).enforcement = Enforcement::Onboarding;
        let ignored = state(SoftwareState::Ignored, WantedVersion::Any { install: None });
        world.deploy("d", software("seven-zip"), ignored, one("PC-1"));
        world.deploy("e", task("firewall"), Desired::Task, tag("kiosk")).mode = Mode::Audit;
        let either = Match {
            any: Some(vec![contoso(), Term::All(vec![kiosk(), Term::Role(Role::Portable)])]),
            ..Match::default()
        };
        let made = world.deploy("f", task("firewall"), Desired::Task, either);
        made.enforcement = Enforcement::AdHoc;
        made.enabled = false;
        let sentences: Vec<String> = world
            .config
            .deployments
            .values()
            .map(|made| deployment(&world.config, made, world.now))
            .collect();
        insta::assert_snapshot!(sentences.join("\n"), @r"
        Installs 7-Zip, latest, on all workstations of Contoso except those with tag kiosk.
        Removes 7-Zip on all computers.
        Updates 7-Zip to 24.08 where it is found, on all Windows servers of fabrikam and those below except SRV-1 and domain controllers, while they are being onboarded.
        Leaves 7-Zip alone on PC-1.
        Tests firewall, and changes nothing, on all computers with tag kiosk.
        Sets firewall on all computers of Contoso and all portable computers with tag kiosk, in a run that names it; disabled.
        ");
    }

    #[test]
    fn a_sentence_says_no_more_and_no_less_than_its_target_selects() {
        let mut world = world();
        world.tenant("acme");
        let of_tenant = |text: &str| Term::Tenant(name(text));
        let computer = |text: &str| Term::Computer(text.to_owned());
        let kiosk = || Term::Tag("kiosk".to_owned());
        let any = |terms: Vec<Term>| Match { any: Some(terms), ..Match::default() };
        let acme_without_kiosks = || Term::All(vec![of_tenant("acme"), Term::Not(vec![kiosk()])]);
        let expressions = [
            of(vec![computer("pc-1"), computer("pc-2")], vec![]),
            any(vec![computer("pc-1"), computer("pc-2")]),
            of(vec![Term::Os(OsFamily::Windows), Term::Os(OsFamily::Linux)], vec![]),
            of(vec![of_tenant("acme"), of_tenant("fabrikam"), Term::Role(Role::Server)], vec![]),
            any(vec![acme_without_kiosks(), of_tenant("fabrikam")]),
            any(vec![of_tenant("fabrikam"), acme_without_kiosks()]),
            of(vec![of_tenant("acme")], vec![kiosk(), of_tenant("fabrikam")]),
            of(vec![Term::Any(vec![of_tenant("acme"), of_tenant("fabrikam")])], vec![kiosk()]),
            of(vec![], vec![acme_without_kiosks(), Term::Role(Role::Server)]),
        ];
        let said: Vec<String> = expressions
            .into_iter()
            .map(|expression| {
                let resolved = crate::targets::resolve(&expression, &world.config, None).unwrap();
                super::on(&world.config, None, &resolved)
            })
            .collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        on a computer that is pc-1 and pc-2 at once
        on pc-1 and pc-2
        on all Windows computers that are also Linux computers
        on all servers of acme that are also of fabrikam
        on (all computers of acme except those with tag kiosk) and all computers of fabrikam
        on all computers of fabrikam and (all computers of acme except those with tag kiosk)
        on all computers of acme except those with tag kiosk and those of fabrikam
        on all computers that are among (all computers of acme and all computers of fabrikam) except those with tag kiosk
        on all computers except (those of acme except those with tag kiosk) and servers
        ");
    }

    #[test]
    fn a_long_expression_is_told_by_its_target() {
        let mut world = world();
        let tags: Vec<Term> = (0..40).map(|number| Term::Tag(format!("group-{number}"))).collect();
        let expression = Match { any: Some(tags), ..Match::default() };
        let made = world.deploy("a", task("firewall"), Desired::Task, expression);
        made.target = Some(name("many"));
        let sentence = deployment(&world.config, &world.config.deployments["a"], world.now);
        assert_eq!(sentence, "Sets firewall on the computers of target many.");
    }
}
