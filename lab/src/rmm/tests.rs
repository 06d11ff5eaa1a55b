//! RMM without sockets: requests in, answers out, held against the vendor's document.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::*;
use crate::clock::Clock;
use crate::fleet::Fleet;
use crate::journal::Journal;

const FLEET: &str = "
companies: [{ name: Contoso, sites: [Main, Depot], externalId: 250 }, { name: Empty }]
computers:
  - { name: pc-1, company: Contoso, site: Depot, agents: [{ system: rmm, id: 11111111-1111-4111-8111-111111111111 }], signIns: [{ at: 2026-06-01T08:00:00Z, user: anna@contoso.example }] }
  - { name: pc-2, company: Contoso, platform: windows, agents: [{ system: rmm, id: 22222222-2222-4222-8222-222222222222 }] }
  - { name: pc-3, company: Contoso, online: false, agents: [{ system: rmm, id: 33333333-3333-4333-8333-333333333333 }] }
rmm:
  taskDelayMs: 1
  policies:
    - { name: all, category: Devices, kind: RemoteAccess, package: base, settings: { consent: true, balloon: false }, sites: [{ company: Contoso }] }
    - { name: depot, category: Devices, kind: RemoteAccess, settings: { consent: false }, sites: [{ company: Contoso, site: Depot }] }
";
const ONE: &str = "11111111-1111-4111-8111-111111111111";
const TWO: &str = "22222222-2222-4222-8222-222222222222";
const THREE: &str = "33333333-3333-4333-8333-333333333333";

fn rmm(more: &str) -> Arc<Rmm> {
    let fleet = Fleet::read(&format!("{FLEET}{more}")).expect("a fleet");
    Rmm::new(&Arc::new(World::new(fleet, Clock::default(), Journal::default(), PathBuf::new())))
}

fn request(method: &str, path: &str, token: Option<&str>, body: &Value) -> Request {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: crate::wire::query(query),
        headers: hyper::HeaderMap::new(),
        body: if body.is_null() { String::new() } else { body.to_string() }.into(),
    };
    request.headers.insert("content-type", "application/json".parse().expect("a value"));
    request.headers.insert("host", "lab.example:1".parse().expect("a value"));
    if let Some(token) = token {
        request.headers.insert("authorization", format!("Bearer {token}").parse().expect("a value"));
    }
    request
}

fn key(scope: &str) -> Value {
    json!({"grant_type": "client_credentials", "client_id": "0e30lab-client", "client_secret": "lab-rmm-secret", "scope": scope})
}

async fn sign_in(rmm: &Rmm, scope: &str) -> String {
    let reply = rmm.serve(request("POST", "/v1/token", None, &key(scope))).await;
    assert_eq!(reply.status, 200);
    let body: Value = serde_json::from_slice(&reply.body).expect("JSON");
    assert_eq!((&body["expires_in"], &body["token_type"]), (&json!(3599), &json!("Bearer")));
    body["access_token"].as_str().expect("a token").to_owned()
}

async fn raw(rmm: &Rmm, token: &str, method: &str, path: &str, body: Value) -> Reply {
    rmm.serve(request(method, path, Some(token), &body)).await
}

async fn call(rmm: &Rmm, token: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
    let reply = raw(rmm, token, method, path, body).await;
    (reply.status, serde_json::from_slice(&reply.body).unwrap_or_default())
}

const COMPANIES: &str = "/api/platform/v1/company/companies";
const DEVICES: &str = "/api/platform/v1/device/endpoints";
const LIST: &str = "/api/platform/v2/device/categories/platform/endpoints";

#[tokio::test]
async fn a_token_is_good_for_its_scopes_and_for_its_time() {
    let rmm = self::rmm("  signInsPerMinute: 4\n");
    let wrong = json!({"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"});
    assert_eq!(rmm.serve(request("POST", "/v1/token", None, &wrong)).await.status, 401);
    let beyond = key("platform.companies.read platform.unknown");
    assert_eq!(rmm.serve(request("POST", "/v1/token", None, &beyond)).await.status, 400);
    let token = sign_in(&rmm, "platform.companies.read").await;
    assert_eq!(raw(&rmm, &token, "GET", COMPANIES, Value::Null).await.status, 200);
    let forbidden = raw(&rmm, &token, "GET", DEVICES, Value::Null).await;
    assert_eq!((forbidden.status, forbidden.body.as_slice()), (403, b"access is forbidden".as_slice()));
    let unknown = raw(&rmm, "x", "GET", COMPANIES, Value::Null).await;
    assert_eq!(unknown.status, 401);
    assert!(unknown.headers[0].1.starts_with("text/plain"));
    sign_in(&rmm, "").await;
    assert_eq!(rmm.serve(request("POST", "/v1/token", None, &key(""))).await.status, 423, "too many");

    let brief = self::rmm("  tokenSeconds: 0\n");
    let reply = brief.serve(request("POST", "/v1/token", None, &key(""))).await;
    let body: Value = serde_json::from_slice(&reply.body).expect("JSON");
    let token = body["access_token"].as_str().expect("a token");
    assert_eq!(raw(&brief, token, "GET", COMPANIES, Value::Null).await.status, 401);
}

#[tokio::test]
async fn the_limits_that_are_told_are_those_that_count() {
    let rmm = self::rmm("  rateLimits: { company: { limit: 2, seconds: 60 } }\n");
    let token = sign_in(&rmm, "").await;
    for left in [1, 0] {
        assert_eq!(raw(&rmm, &token, "GET", COMPANIES, Value::Null).await.status, 200);
        let (_, limits) = call(&rmm, &token, "GET", "/v1/rate_limits", Value::Null).await;
        assert_eq!(limits["resources"]["company"]["partner"]["remaining"], left);
    }
    let refused = raw(&rmm, &token, "GET", COMPANIES, Value::Null).await;
    assert_eq!(refused.status, 429);
    let wait = refused.headers.iter().find(|(name, _)| *name == "retry-after").map(|(_, v)| v.parse::<u64>());
    assert!(matches!(wait, Some(Ok(1..=60))), "{wait:?}");
}

#[tokio::test]
async fn devices_are_listed_page_by_page_and_nothing_is_404() {
    let rmm = self::rmm("");
    let token = sign_in(&rmm, "").await;
    let (_, companies) = call(&rmm, &token, "GET", COMPANIES, Value::Null).await;
    let ids: Vec<&str> =
        companies.as_array().expect("a list").iter().map(|one| one["id"].as_str().expect("an id")).collect();
    let (_, v1) = call(&rmm, &token, "GET", DEVICES, Value::Null).await;
    assert_eq!(v1["endpoints"].as_array().map(Vec::len), Some(3));
    let empty = format!("/api/platform/v1/device/clients/{}/endpoints", ids[1]);
    let (status, error) = call(&rmm, &token, "GET", &empty, Value::Null).await;
    assert_eq!((status, &error["description"]), (404, &json!("Resource not found")));

    let all = json!({"resourceType": "company", "resources": ids});
    let mut path = format!("{LIST}?limit=2&field=system");
    let mut found = Vec::new();
    let mut pages = 0;
    loop {
        let reply = raw(&rmm, &token, "POST", &path, all.clone()).await;
        assert_eq!(reply.status, 200);
        pages += 1;
        let body: Value = serde_json::from_slice(&reply.body).expect("JSON");
        for group in body["platform"].as_array().expect("groups") {
            for endpoint in group["endpoints"].as_array().expect("endpoints") {
                assert!(endpoint["system"]["serialNumber"].is_string() && endpoint["os"].is_null());
                found.push(endpoint["endpointID"].as_str().expect("an id").to_owned());
            }
        }
        let link = reply.headers.iter().find(|(name, _)| *name == "link").map(|(_, value)| value.clone());
        let Some(link) = link else { break };
        let url =
            link.strip_prefix('<').and_then(|rest| rest.strip_suffix(">; rel=\"next\"")).expect("a link");
        path = url.strip_prefix("http://lab.example:1").expect("the caller's address").to_owned();
    }
    found.sort();
    assert_eq!((pages, found), (2, vec![ONE.to_owned(), TWO.to_owned(), THREE.to_owned()]));
    let none = json!({"resourceType": "company", "resources": [ids[1]]});
    assert_eq!(raw(&rmm, &token, "POST", LIST, none).await.status, 404);
    for bad in ["?limit=501", "?cursor=!", "?field=nothing"] {
        assert_eq!(
            raw(&rmm, &token, "POST", &format!("{LIST}{bad}"), all.clone()).await.status,
            400,
            "{bad}"
        );
    }
    assert_eq!(raw(&rmm, &token, "GET", LIST, all.clone()).await.status, 405);
    let get = self::rmm("  listMethod: get\n");
    let token = sign_in(&get, "").await;
    assert_eq!(raw(&get, &token, "POST", LIST, all.clone()).await.status, 405);
    assert_eq!(raw(&get, &token, "GET", LIST, all).await.status, 200);
}

#[tokio::test]
async fn presence_is_told_for_four_companies_at_a_time() {
    let rmm = self::rmm("");
    let token = sign_in(&rmm, "").await;
    let company = rmm.world.companies[0].guid.clone();
    let path = |kind: &str, ids: &str| {
        format!("/api/platform/v2/device/endpoints/heartbeat?resourceType={kind}&resources={ids}")
    };
    let ask = async |kind: &str, ids: &str| call(&rmm, &token, "GET", &path(kind, ids), Value::Null).await;
    let (status, body) = ask("companies", &format!("{company},x")).await;
    assert_eq!(status, 200);
    assert_eq!(
        body["successfulRecords"][0]["endpoints"][2],
        json!({"EndpointID": THREE, "Availability": false})
    );
    assert_eq!(body["failedRecords"].as_array().map(Vec::len), Some(1));
    assert_eq!(ask("endpoints", ONE).await.0, 403);
    let (status, body) = ask("clients", &company).await;
    assert_eq!((status, &body["description"]), (400, &json!("Invalid Resource Type")));
    assert_eq!(ask("companies", "a,b,c,d,e").await.0, 400);
}

async fn task(rmm: &Rmm, token: &str, template: &str, body: &str, targets: Value) -> String {
    let order = json!({
        "name": "test", "targets": targets, "targetType": "MANAGED_ENDPOINT", "resourcesType": "Both",
        "templateID": template, "templateType": "script", "parameters": json!({"body": body}).to_string(),
        "schedule": {"regularity": "Immediate", "category": "STZ", "scheduleType": "TIME"},
    });
    let path = "/api/platform/v2/automation/endpoints/schedule-tasks";
    let (status, made) = call(rmm, token, "POST", path, order).await;
    assert_eq!((status, &made["stateToBeSubmitted"]), (201, &json!("PENDING")), "{made}");
    made["taskId"].as_str().expect("an id").to_owned()
}

/// The summary of a task once no more than so many targets are open.
async fn settled(rmm: &Rmm, token: &str, task: &str, open: u64) -> Value {
    for _ in 0..500 {
        let path = format!("/api/platform/v1/automation/tasks/{task}/instances/summary");
        let (_, summary) = call(rmm, token, "GET", &path, Value::Null).await;
        let count = |name: &str| summary[name].as_u64().expect("a count");
        if count("waitingCount") + count("runningCount") <= open {
            return summary;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the task does not end");
}

async fn results(rmm: &Rmm, token: &str, task: &str, summary: &Value) -> Vec<Value> {
    let instance = summary["Results"][0]["taskInstanceId"].as_str().expect("an id");
    let path = format!("/api/platform/v1/automation/tasks/{task}/instances/{instance}/results");
    let (_, results) = call(rmm, token, "GET", &path, Value::Null).await;
    assert_eq!(results["Count"].as_u64(), results["Result"].as_array().map(|list| list.len() as u64));
    results["Result"].as_array().cloned().expect("a list")
}

#[tokio::test]
async fn a_task_runs_on_all_its_targets_and_waits_for_those_that_are_off() {
    let rmm = self::rmm("");
    let token = sign_in(&rmm, "").await;
    let shell = rmm.world.fleet.rmm.scripts[0].id.clone();
    let id = task(&rmm, &token, &shell, "echo hello", json!([ONE, THREE])).await;
    let summary = settled(&rmm, &token, &id, 1).await;
    assert_eq!(summary["Results"][0]["OverallStatus"], "RUNNING");
    let done = results(&rmm, &token, &id, &summary).await;
    assert_eq!(done.len(), 1);
    assert_eq!(
        (&done[0]["endpointId"], &done[0]["resultDetails"]),
        (&json!(ONE), &json!("Script Succeeded: hello\n"))
    );
    rmm.world.machine_named("pc-3").expect("a machine").set_online(true);
    let summary = settled(&rmm, &token, &id, 0).await;
    assert_eq!(summary["Results"][0]["OverallStatus"], "SUCCESS");
    assert_eq!(results(&rmm, &token, &id, &summary).await.len(), 2);

    let custom = "51a74346-e19b-11e7-9809-0800279505d9";
    let id = task(&rmm, &token, custom, "exit 3", json!([TWO])).await;
    let summary = settled(&rmm, &token, &id, 0).await;
    let done = results(&rmm, &token, &id, &summary).await;
    assert_eq!(
        (&done[0]["completionStatus"], &summary["Results"][0]["OverallStatus"]),
        (&json!("FAILED"), &json!("FAILED"))
    );
    let path = "/api/platform/v1/automation/endpoints/schedule-tasks";
    let good = json!({"name": "x", "targets": [ONE], "targetType": "MANAGED_ENDPOINT", "templateType": "script",
        "templateID": custom, "userParameters": {"body": "x"}, "schedule": {"regularity": "Immediate"}});
    for (pointer, wrong) in [
        ("/targets/0", json!("44444444-4444-4444-8444-444444444444")),
        ("/targets", json!([])),
        ("/templateID", json!("x")),
        ("/userParameters", json!({"body": "x", "more": 1})),
        ("/userParameters", json!({})),
        ("/schedule/regularity", json!("RunNow")),
        ("/name", json!("")),
    ] {
        let mut order = good.clone();
        *order.pointer_mut(pointer).expect("a place") = wrong;
        assert_eq!(call(&rmm, &token, "POST", path, order).await.0, 400, "{pointer}");
    }
    assert_eq!(call(&rmm, &token, "POST", path, good).await.0, 201);
}

#[tokio::test]
async fn agent_tokens_are_the_same_for_the_same_site() {
    let rmm = self::rmm("");
    let token = sign_in(&rmm, "").await;
    let company = &rmm.world.companies[0];
    let ask = async |body: Value| call(&rmm, &token, "POST", "/api/platform/v1/device/token", body).await;
    let pair = json!({"companyID": company.guid, "siteID": company.sites[0].guid});
    let (status, first) = ask(pair.clone()).await;
    assert_eq!(status, 200);
    assert!(first.as_str().is_some_and(|text| uuid::Uuid::parse_str(text).is_ok()));
    assert_eq!(ask(pair).await.1, first);
    assert_eq!(ask(json!({"clientID": "x"})).await.1["message"], "ErrClientIDNotAllowed");
    assert_eq!(ask(json!({"siteID": "x"})).await.1["message"], "ErrCompanyIDNotProvided");
}

#[tokio::test]
async fn a_policy_is_inherited_and_says_where_it_comes_from() {
    let rmm = self::rmm("");
    let token = sign_in(&rmm, "").await;
    let company = &rmm.world.companies[0];
    let ask = async |site: usize, endpoint: &str| {
        let path = format!(
            "/api/platform/v1/policy/clients/{}/sites/{}/endpoints/{endpoint}/effective-policy",
            company.guid, company.sites[site].guid
        );
        call(&rmm, &token, "GET", &path, Value::Null).await
    };
    let (_, depot) = ask(1, ONE).await;
    assert_eq!(depot["settings"]["RemoteAccess"]["consent"]["value"], false);
    assert_eq!(depot["mapping"]["RemoteAccess"]["consent"]["policy"]["name"], "depot");
    assert_eq!(depot["mapping"]["RemoteAccess"]["balloon"]["package"]["name"], "base");
    let (_, main) = ask(0, TWO).await;
    assert_eq!(main["settings"]["RemoteAccess"]["consent"]["value"], true);
    assert_eq!(ask(0, ONE).await.0, 404, "it is at another site");
}

#[tokio::test]
async fn what_is_listed_fits_the_vendors_document() {
    let rmm = self::rmm("");
    let token = sign_in(&rmm, "").await;
    let document: Value = serde_json::from_str(include_str!("../../tests/vendor/asio.json")).expect("JSON");
    let company = rmm.world.companies[0].guid.clone();
    let site = rmm.world.companies[0].sites[1].guid.clone();
    let mut checked = 0;
    for path in [
        "/api/platform/v1/company/companies",
        "/api/platform/v1/company/companies/{companyId}",
        "/api/platform/v1/company/companies/{companyId}/sites",
        "/api/platform/v1/company/companies/{companyId}/sites/{siteId}",
        "/api/platform/v1/company/sites",
        "/api/platform/v1/company/sites/{siteId}",
        "/api/platform/v1/device/endpoints",
        "/api/platform/v1/device/clients/{clientID}/endpoints",
        "/api/platform/v1/device/clients/{clientID}/sites/{siteID}/endpoints",
        "/api/platform/v1/device/endpoints/{endpointID}",
        "/api/platform/v1/device/endpoints/{endpointId}/system-state-info",
        "/api/platform/v1/device-groups",
        "/api/platform/v1/custom-field/definitions",
        "/api/platform/v1/automation/shellScripts",
        "/api/platform/v1/automation/scripts",
        "/api/platform/v1/policy/categories",
        "/api/platform/v1/policy/clients/{clientID}/sites/{siteID}/endpoints/{endpointID}/effective-policy",
        "/api/platform/v1/policy/clients/{clientID}/sites/{siteID}/endpoints/{endpointID}/effective-policy/override",
    ] {
        let mut real = path.to_owned();
        for (name, value) in
            [("companyId", &company), ("clientID", &company), ("siteId", &site), ("siteID", &site)]
        {
            real = real.replace(&format!("{{{name}}}"), value);
        }
        real = real.replace("{endpointID}", ONE).replace("{endpointId}", ONE);
        let (status, value) = call(&rmm, &token, "GET", &real, Value::Null).await;
        assert_eq!(status, 200, "{real}: {value}");
        let content =
            format!("/paths/{}/get/responses/200/content/application~1json", path.replace('/', "~1"));
        let content = document.pointer(&content).unwrap_or_else(|| panic!("{path} is not in the document"));
        let Some(schema) = content.get("schema").filter(|schema| **schema != json!({})) else {
            // Where there is an example only, every member that we write is in it, with its type.
            alike(&value, &content["example"], &real);
            checked += 1;
            continue;
        };
        let root = json!({ "components": closed(document["components"].clone()), "allOf": [schema] });
        let validator = jsonschema::validator_for(&root).expect("a schema");
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert_eq!(errors, [""; 0], "{path}");
        checked += 1;
    }
    assert_eq!(checked, 18);
}

fn alike(value: &Value, example: &Value, at: &str) {
    match (value, example) {
        (Value::Object(value), Value::Object(example)) => {
            for (name, value) in value {
                let example =
                    example.get(name).unwrap_or_else(|| panic!("{at}/{name} is not in the example"));
                alike(value, example, &format!("{at}/{name}"));
            }
        }
        (Value::Array(value), Value::Array(example)) => {
            for (value, example) in value.iter().zip(example.iter().cycle()) {
                alike(value, example, at);
            }
        }
        (value, example) => {
            assert_eq!(std::mem::discriminant(value), std::mem::discriminant(example), "{at}");
        }
    }
}

/// The schemas without room for unknown members.
fn closed(mut components: Value) -> Value {
    for schema in components["schemas"].as_object_mut().expect("schemas").values_mut() {
        if let Some(schema) = schema.as_object_mut().filter(|schema| schema.contains_key("properties")) {
            schema.insert("additionalProperties".to_owned(), false.into());
        }
    }
    components
}
