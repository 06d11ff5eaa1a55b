//! What rules are told of scripts, secrets, items and removals: nothing that runs or is taken away goes unseen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;

use super::{Subject, deployments, scripts};
use crate::config::kind::{
    Kind, LicenseNeed, ParameterSpec, ParameterType, ParameterValue, ResourceKind, Sha256, Subject as About,
    VersionSource,
};
use crate::config::model::{
    Desired, Detect, License, LicenseForm, Resource, ResourceProperty, Source, Strategy,
};
use crate::config::safety::{Allowance, Budget, BudgetKind};
use crate::inventory::item::{ItemKey, Observed};
use crate::plan::document::ActionType;
use crate::plan::tests::world::{
    World, every, latest, metadata, name, of_tenant, place, scripts as texts, software, task,
};
use crate::policy::judge::{Input, judge};
use crate::policy::language::compile::{Wanted, compile};
use crate::policy::language::machine::Machine;
use crate::policy::language::template::Template;
use crate::policy::language::vocabulary::ACTIONS;
use crate::policy::verdict::Stage;
use crate::secret::SecretRef;
use crate::session::script::Platform;

/// What a template says of each subject.
fn said(subjects: &[Subject], about: About, text: &str) -> Vec<String> {
    let template = Template::new(text, about).expect("it fits");
    subjects.iter().map(|subject| template.fill(&Machine::new(&[]), &subject.facts)).collect()
}

fn true_of(subjects: &[Subject], about: About, text: &str) -> usize {
    let condition = compile(text, about, Wanted::Truth).expect("it fits");
    let machine = Machine::new(&[]);
    subjects.iter().filter(|subject| machine.truth(&condition, &subject.facts) == Ok(true)).count()
}

#[test]
fn rules_about_scripts_see_every_text_that_can_run() {
    let mut world = World::new();
    let tool = world.software("tool", &["1.0"]);
    tool.upgrade = Strategy::Script(texts("upgrade"));
    tool.repair = Strategy::Script(texts("repair"));
    tool.pre_install = Some(texts("pre-install"));
    tool.post_install = Some(texts("post-install"));
    tool.post_uninstall = Some(texts("post-uninstall"));
    tool.download = Some(texts("download"));
    tool.test = Some(texts("test"));
    tool.detect = Detect::Script(texts("detect"));
    tool.source = Some(Arc::new(Source {
        spec: VersionSource::default(),
        place: place("tool.yaml"),
        digest: Sha256::parse(&"0".repeat(64)).expect("a hash"),
        list: None,
        key: None,
        script: Some(texts("source")),
    }));
    world.task("settings");
    for text in ["pick", "shared", "unused"] {
        let script = texts(text).on(Platform::Posix).cloned().expect("it is there");
        world.config.scripts.insert(name(text), script);
    }
    let used = &mut world.config.uses.used;
    used.insert((Kind::Script, name("pick")), BTreeSet::from([Kind::Target]));
    used.insert((Kind::Script, name("shared")), BTreeSet::from([Kind::Software, Kind::Task]));
    let all = scripts(&world.config);
    let lines = said(&all, About::Script, "{script.kind} {script.item} {script.purpose}: {script.text}");
    let found: BTreeSet<&str> = lines.iter().map(String::as_str).collect();
    let of_tool = [
        "detect",
        "download",
        "install",
        "post-install",
        "post-uninstall",
        "pre-install",
        "repair",
        "source",
        "test",
        "uninstall",
        "upgrade",
    ];
    let of_tool = of_tool.map(|purpose| format!("software tool {purpose}: {purpose}"));
    let others = [
        "task settings test: test",
        "task settings set: set",
        "task settings get: get",
        // It may select computers for a run, as it is nobody's otherwise.
        "script unused target: unused",
        "script pick target: pick",
    ];
    assert_eq!(found, of_tool.iter().map(String::as_str).chain(others).collect());
    assert_eq!(true_of(&all, About::Script, "script.purpose in ['post-install', 'download', 'target']"), 4);
}

#[test]
fn the_words_for_actions_are_those_of_plans() {
    let schema = schemars::schema_for!(ActionType);
    let text = schema.as_value().to_string();
    for action in ActionType::ALL {
        let written = serde_json::to_value(action).expect("a word");
        assert_eq!(written, json!(action.as_str()));
        assert!(ACTIONS.contains(&action.as_str()));
    }
    // The schema has one description for each member, so none is missing from the list.
    assert_eq!(text.matches("\"const\":").count(), ActionType::ALL.len(), "{text}");
    assert!(compile("change.action in ['reinstall', 'download']", About::Change, Wanted::Truth).is_ok());
}

#[test]
fn an_instance_key_makes_no_other_item() {
    let mut world = World::new();
    world.computer("pc-1", &[]);
    world.task("firewall");
    world.deploy("guests", ItemKey::task(name("firewall"), Some(name("guests"))), Desired::Task, every());
    let text = "{deployment.item} {deployment.instance}";
    assert_eq!(said(&deployments(&world.config), About::Deployment, text), ["firewall guests"]);
    let (plan, snapshot) = (world.plan().plan, world.snapshot());
    let tally = crate::policy::tally::tally(&plan, &snapshot, None);
    let facts = super::PlanFacts::new(&world.config, &snapshot, &plan, &tally, world.now);
    assert_eq!(said(&facts.changes(), About::Change, "{change.item} {change.instance}"), ["firewall guests"]);
    assert_eq!(true_of(&facts.computers(false), About::Computer, "computer.items == ['firewall']"), 1);
}

#[test]
fn a_deployment_has_the_secrets_of_defaults_resources_and_licences_too() {
    let mut world = World::new();
    for text in ["contoso", "fabrikam", "lab"] {
        world.tenant(text);
    }
    world.tenant("lab").parent = Some(name("contoso"));
    let secret = |text: &str| ParameterValue::Secret(SecretRef::Env(text.to_owned()));
    let by_default = ParameterSpec {
        default: Some(secret("FABRIKAM_DEFAULT")),
        ..ParameterSpec::new(ParameterType::Secret)
    };
    world.task("by-default").parameters = BTreeMap::from([("key".to_owned(), by_default)]);
    world.task("by-resource").resource = Some(Resource {
        kind: ResourceKind::File,
        properties: BTreeMap::from([(
            "content".to_owned(),
            ResourceProperty::Value(secret("FABRIKAM_FILE")),
        )]),
    });
    world.software("cad", &["1.0"]).license = LicenseNeed::Required;
    for (text, tenant) in
        [("fabrikam_for_all", None), ("of_contoso", Some("contoso")), ("of_fabrikam", Some("fabrikam"))]
    {
        let license = License {
            metadata: metadata(&text.replace('_', "-")),
            place: place("licenses.yaml"),
            software: name("cad"),
            tenant: tenant.map(name),
            versions: None,
            form: LicenseForm::Key,
            secret: SecretRef::Env(text.to_uppercase()),
        };
        world.config.licenses.insert(license.metadata.name.clone(), license);
    }
    world.software("editor", &["1.0"]).configuration = Some(name("by-default"));
    for item in [task("by-default"), task("by-resource")] {
        let text = item.to_string();
        world.deploy(&text, item, Desired::Task, of_tenant("contoso"));
    }
    world.deploy("cad", software("cad"), latest("1.0"), of_tenant("lab"));
    world.deploy("editor", software("editor"), latest("1.0"), of_tenant("contoso"));
    let given = world.deploy("given", task("by-default"), Desired::Task, of_tenant("contoso"));
    given.parameters.insert("key".to_owned(), secret("CONTOSO_KEY"));
    let named = world.deploy("named", software("cad"), latest("1.0"), of_tenant("contoso"));
    named.license = Some(name("of-fabrikam"));
    let text = "{deployment.name}: {deployment.secrets} of {deployment.secretTenants}";
    assert_eq!(
        said(&deployments(&world.config), About::Deployment, text),
        [
            "by-default: FABRIKAM_DEFAULT of fabrikam",
            "by-resource: FABRIKAM_FILE of fabrikam",
            // That of the tenant above, and that of all.
            "cad: FABRIKAM_FOR_ALL, OF_CONTOSO of fabrikam",
            "editor: FABRIKAM_DEFAULT of fabrikam",
            "given: CONTOSO_KEY of contoso",
            "named: OF_FABRIKAM of ",
        ]
    );
}

#[test]
fn whatever_is_to_be_absent_is_a_removal() {
    for kind in ResourceKind::ALL {
        let mut world = World::new();
        world.computer("pc-1", &[]);
        let property = |text: &str| ResourceProperty::Value(ParameterValue::Text(text.to_owned()));
        let resource = |state: &str| Resource {
            kind: *kind,
            properties: BTreeMap::from([("state".to_owned(), property(state))]),
        };
        assert!(!resource("present").removes(), "{kind:?}");
        world.task("gone").resource = Some(resource("absent"));
        world.is("pc-1", task("gone"), Observed::non_compliant(""));
        world.deploy("gone", task("gone"), Desired::Task, every());
        let budget = Budget { allowance: Allowance::Count(0), place: None };
        world.config.safety.budgets.per_run.insert(BudgetKind::Removals, budget);
        let (plan, snapshot) = (world.plan().plan, world.snapshot());
        let judgement = judge(&Input {
            config: &world.config,
            snapshot: &snapshot,
            plan: &plan,
            scope: None,
            stage: Stage::Plan,
            now: world.now,
            overrides: &[],
            protections: &[],
        });
        let rules: Vec<&str> = judgement.verdicts.iter().map(|verdict| verdict.rule.as_str()).collect();
        assert_eq!(rules, ["removals"], "{kind:?}: {:?}", plan.changes);
    }
}
