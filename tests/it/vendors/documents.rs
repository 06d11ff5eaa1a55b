//! Everything that the providers ask stands in the vendors' documents, or on a short list of what only clients in use know.

use muster::id::AgentId;
use muster::provider::maintenance::Maintenance;
use muster::provider::{Outcome, Reader};
use muster::session::script::{Bundle, Context, Interpreter, Platform, Purpose, Read, Script, Step, Values};
use serde_json::{Value, json};

use super::recorder::{Asked, Recorder};
use crate::support::lab::{automate_at, rmm_at, small};
use muster_lab::fleet::System;

/// What a document calls parameters that clients in use send under other names.
const NAMES: [(&str, &str); 5] = [
    ("page", "options.page"),
    ("pageSize", "options.pageSize"),
    ("orderBy", "options.orderBy.name"),
    ("includeFields", "options.includedFields"),
    ("ids", "options.ids"),
];

/// Calls of ConnectWise RMM that stand in no document that is public.
const RMM_MORE: [(&str, &str); 7] = [
    ("GET", "/api/platform/v2/policy/clients/{}/sites/{}/endpoints/{}/effective-policy"),
    ("POST", "/api/platform/v2/device/categories/platform/endpoints"),
    ("GET", "/api/platform/v2/device/endpoints/heartbeat"),
    ("POST", "/api/platform/v1/automation/endpoints/schedule-tasks"),
    ("GET", "/api/platform/v1/automation/tasks/{}/instances/summary"),
    ("GET", "/api/platform/v1/automation/tasks/{}/instances/{}/results"),
    ("POST", "/api/platform/v1/device/token"),
];

/// Looks at all that a provider can do: lists, customers, a bundle, an examination.
async fn everything(reader: &Reader) {
    let agents = reader.list().await.unwrap();
    assert_eq!(agents.len(), 4);
    let clients = reader.clients().unwrap().clients().await.unwrap();
    assert_eq!(clients.len(), 2, "{clients:?}");
    let contoso = clients.iter().find(|client| client.client.name == "Contoso").unwrap();
    assert_eq!(contoso.sites.len(), 2);
    for agent in &agents {
        assert!(clients.iter().any(|client| Some(&client.client) == agent.client.as_ref()), "{agent:?}");
    }
    let examined = reader.examination().unwrap().examine().await;
    assert!(examined.iter().all(|one| one.outcome != Outcome::Bad), "{examined:?}");
    let one = agents.iter().find(|agent| agent.name == "one").unwrap();
    let script = Script {
        interpreter: Interpreter::Sh,
        context: Context::System,
        text: "echo 1.0\n".into(),
        limit: None,
        origin: "x.sh".into(),
    };
    let purpose = Purpose::DetectSoftware { software: "x".to_owned() };
    let step: Step<Read> = Step::read("look", purpose, script.into(), Values::new());
    let bundle = Bundle::new(Platform::Posix, vec![step], std::collections::BTreeMap::new());
    let result = reader.detect(&one.id, &bundle).await.unwrap();
    assert_eq!(result.steps["look"].stdout.trim(), "1.0");
    assert!(reader.commands().is_some_and(|count| count.commands >= 1 && count.computers == 1));
}

/// Whether a path fits a template, whose parts in braces are anything.
fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    let part =
        |(template, part): (&&str, &&str)| template.starts_with('{') || template.eq_ignore_ascii_case(part);
    template.len() == path.len() && template.iter().zip(&path).all(part)
}

/// What is wrong with a request by a document: an unknown call, parameter or member, a wrong value.
fn wrong(document: &Value, asked: &Asked, path: &str, more: &[(&str, &str)]) -> Option<String> {
    let at = format!("{} {path}", asked.method);
    if more.iter().any(|(method, template)| *method == asked.method && fits(template, path)) {
        return None;
    }
    let paths = document["paths"].as_object().unwrap();
    let method = asked.method.to_ascii_lowercase();
    let mut operations =
        paths.iter().filter(|(template, _)| fits(template, path)).filter_map(|(_, all)| all.get(&method));
    let Some(operation) = operations.next() else { return Some(format!("{at} is not documented")) };
    let known: Vec<&str> = operation["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one["name"].as_str())
        .collect();
    for name in &asked.query {
        let documented =
            NAMES.iter().find(|(flat, _)| flat == name).map_or(name.as_str(), |(_, documented)| documented);
        if !known.contains(&documented) {
            return Some(format!("{at} has no parameter {name}"));
        }
    }
    let body = operation.get("requestBody").map(|body| resolved(document, body));
    match (body, &asked.body) {
        (None, None) => None,
        (None, Some(_)) => Some(format!("{at} takes no content")),
        (Some(_), None) => Some(format!("{at} wants content")),
        (Some(body), Some(sent)) => {
            let schema = &body["content"]["application/json"]["schema"];
            unknown_member(document, schema, sent)
                .or_else(|| invalid(document, schema, sent))
                .map(|why| format!("{at}: {why}"))
        }
    }
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(at) => resolved(document, document.pointer(at.trim_start_matches('#')).unwrap()),
        None => value,
    }
}

/// A member that the schema does not have. The server reads names without regard to case.
fn unknown_member(document: &Value, schema: &Value, sent: &Value) -> Option<String> {
    let (Some(known), Some(sent)) = (resolved(document, schema)["properties"].as_object(), sent.as_object())
    else {
        return None;
    };
    let has = |name: &String| known.keys().any(|known| known.eq_ignore_ascii_case(name));
    sent.keys().find(|name| !has(name)).map(|name| format!("the content has no member {name}"))
}

fn invalid(document: &Value, schema: &Value, sent: &Value) -> Option<String> {
    let mut root = schema.clone();
    root.as_object_mut().unwrap().insert("components".to_owned(), document["components"].clone());
    let validator = jsonschema::validator_for(&root).unwrap();
    validator.iter_errors(sent).next().map(|error| error.to_string())
}

fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_automate_is_asked_stands_in_its_document() {
    let lab = small("real").await;
    let recorder = Recorder::before(&lab.url(System::Automate)).await;
    let link = automate_at(&lab, &recorder.url);
    everything(&link.reader()).await;
    let (reader, writer) = (link.reader(), link.writer());
    let agents = reader.list().await.unwrap();
    let one = &agents.first().unwrap().id;
    let updates = reader.updates().unwrap().updates(one).await.unwrap();
    assert_eq!((updates.missing, updates.running), (Some(0), Some(false)));
    writer.updates().unwrap().start_updates(one).await.unwrap();
    let (mode, one) = (writer.maintenance().unwrap(), AgentId::new("1"));
    assert_eq!(mode.found(&one).await, Ok(Maintenance::Off));
    assert!(matches!(mode.switch(&one, true).await, Ok(Maintenance::On { mark: Some(_) })));
    assert_eq!(mode.switch(&one, false).await, Ok(Maintenance::Off));
    let document = document(include_str!("../../../lab/tests/vendor/automate.json"));
    let asked = recorder.asked();
    assert!(asked.len() > 15, "{} requests", asked.len());
    let faults: Vec<String> = asked
        .iter()
        .filter_map(|asked| wrong(&document, asked, asked.path.strip_prefix("/cwa").unwrap(), &[]))
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_rmm_is_asked_stands_in_its_document() {
    let lab = small("real").await;
    let recorder = Recorder::before(&lab.url(System::Rmm)).await;
    let link = rmm_at(&lab, &recorder.url);
    let reader = link.reader();
    everything(&reader).await;
    let one = reader.list().await.unwrap().into_iter().find(|agent| agent.name == "one").unwrap();
    let policy = reader.policies().unwrap().policies(&one.id).await.unwrap();
    assert_eq!(policy["RemoteAccess.consent"].origin.as_deref(), Some("Standard (package Gold)"));
    let document = document(include_str!("../../../lab/tests/vendor/asio.json"));
    let asked = recorder.asked();
    assert!(asked.len() > 15, "{} requests", asked.len());
    let faults: Vec<String> =
        asked.iter().filter_map(|asked| wrong(&document, asked, &asked.path, &RMM_MORE)).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_request_that_stands_in_no_document_is_found() {
    let document = document(include_str!("../../../lab/tests/vendor/automate.json"));
    let asked = |method: &str, query: &str, body: Value| Asked {
        method: method.to_owned(),
        path: String::new(),
        query: query.split('&').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        body: Some(body).filter(|body| !body.is_null()),
    };
    let wrong = |asked: Asked, path: &str| wrong(&document, &asked, path, &[]);
    assert_eq!(wrong(asked("GET", "page&ids", Value::Null), "/api/v1/computers"), None);
    assert!(wrong(asked("GET", "$filter", Value::Null), "/api/v1/Computers").is_some());
    assert!(wrong(asked("GET", "", Value::Null), "/api/v1/Patches").is_some());
    let command = |body| wrong(asked("POST", "", body), "/api/v1/Computers/7/CommandExecute");
    assert_eq!(command(json!({ "ComputerId": 7, "Command": { "Id": "2" }, "Parameters": ["x"] })), None);
    assert!(command(json!({ "ComputerId": "seven" })).is_some());
    assert!(command(json!({ "Computer": 7 })).is_some());
}
