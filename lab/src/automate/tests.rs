//! Automate without sockets: requests in, answers out, held against the vendor's document.

use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::clock::Clock;
use crate::fleet::Fleet;
use crate::journal::Journal;

const FLEET: &str = "
companies: [{ name: Fabrikam, externalId: 250 }, { name: Contoso, sites: [Main, Depot] }]
computers:
  - { name: pc-1, company: Contoso, site: Depot, groups: [Kiosks], missingPatches: 3, signIns: [{ at: 2026-06-01T08:00:00Z, user: anna@contoso.example }] }
  - { name: pc-2, company: Fabrikam, platform: windows, agents: [{ system: automate }, { system: automate, previous: true }] }
  - { name: pc-3, online: false }
automate:
  checkInMs: 5
  fastTalkMs: 1
  patchJobMs: 30
  scriptDelayMs: 30
  scripts:
    - { id: 11, name: Quiet, parameters: [Minutes], does: begin-maintenance }
    - { id: 12, name: Loud, does: end-maintenance }
    - { id: 13, name: Broken, does: fail }
";

fn automate(fleet: &str) -> Arc<Automate> {
    let fleet = Fleet::read(fleet).expect("a fleet");
    Automate::new(&Arc::new(World::new(fleet, Clock::default(), Journal::default(), PathBuf::new())))
}

fn request(method: &str, path: &str, token: Option<&str>, body: &str) -> Request {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut request = Request {
        method: method.to_owned(),
        path: format!("/cwa/api/v1{path}"),
        query: crate::wire::query(query),
        headers: hyper::HeaderMap::new(),
        body: body.to_owned().into(),
    };
    let client = "2c1e2a3b-5d4c-4f6e-8a90-1b2c3d4e5f60".parse().expect("a value");
    request.headers.insert("clientid", client);
    if let Some(token) = token {
        request.headers.insert("authorization", format!("bearer {token}").parse().expect("a value"));
    }
    request
}

fn body(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).expect("JSON")
}

async fn sign_in(automate: &Automate) -> String {
    let credentials = r#"{"username":"lab","Password":"lab-automate-password"}"#;
    let reply = automate.serve(request("POST", "/ApiToken", None, credentials)).await;
    assert_eq!(reply.status, 200);
    body(&reply)["AccessToken"].as_str().expect("a token").to_owned()
}

async fn call(automate: &Automate, method: &str, path: &str, payload: Value) -> (u16, Value) {
    let token = sign_in(automate).await;
    let payload = if payload.is_null() { String::new() } else { payload.to_string() };
    let reply = automate.serve(request(method, path, Some(&token), &payload)).await;
    (reply.status, if reply.body.is_empty() { Value::Null } else { body(&reply) })
}

async fn get(automate: &Automate, path: &str) -> Value {
    let (status, value) = call(automate, "GET", path, Value::Null).await;
    assert_eq!(status, 200, "{path}: {value}");
    value
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|one| one["ComputerName"].as_str().expect("a name")).collect()
}

#[tokio::test(start_paused = true)]
async fn tokens_are_asked_for_refreshed_and_expire() {
    let automate = self::automate(FLEET);
    let wrong = r#"{"UserName":"lab","Password":"x"}"#;
    assert_eq!(automate.serve(request("POST", "/apitoken", None, wrong)).await.status, 401);
    assert_eq!(automate.serve(request("GET", "/Computers", None, "")).await.status, 401);
    let token = sign_in(&automate).await;
    let mut no_client = request("GET", "/Computers", Some(&token), "");
    no_client.headers.remove("clientid");
    assert_eq!(automate.serve(no_client).await.status, 401);
    let refreshed =
        automate.serve(request("POST", "/apitoken/refresh", None, &json!(token).to_string())).await;
    let fresh = body(&refreshed)["AccessToken"].as_str().expect("a token").to_owned();
    assert_eq!(automate.serve(request("GET", "/Computers", Some(&token), "")).await.status, 401);
    assert_eq!(automate.serve(request("GET", "/Computers", Some(&fresh), "")).await.status, 200);

    let brief = self::automate("automate: { tokenSeconds: 0 }");
    let token = sign_in(&brief).await;
    assert_eq!(brief.serve(request("GET", "/Computers", Some(&token), "")).await.status, 401);
}

#[tokio::test(start_paused = true)]
async fn a_second_factor_that_is_missing_is_no_error() {
    let automate = self::automate("automate: { totpSecret: GEZDGNBVGY3TQOJQ }");
    let credentials = r#"{"UserName":"lab","Password":"lab-automate-password"}"#;
    let reply = automate.serve(request("POST", "/apitoken", None, credentials)).await;
    assert_eq!((reply.status, body(&reply)["AccessToken"].as_str()), (200, Some("")));
    assert_eq!(body(&reply)["IsTwoFactorRequired"], true);
}

#[tokio::test(start_paused = true)]
async fn lists_are_bare_arrays_with_conditions_and_pages() {
    let automate = self::automate(FLEET);
    let all = get(&automate, "/computers").await;
    assert_eq!(names(&all), ["pc-1", "pc-2", "pc-2", "pc-3"]);
    assert_eq!(all[0]["Client"]["Id"], "2");
    assert_eq!(all[0]["Location"]["Id"], 3);
    assert_eq!(all[0]["LastUserName"], "CONTOSO\\anna");
    for (query, expected) in [
        ("condition=Status%20%3D%20'Online'", vec!["pc-1", "pc-2"]),
        ("condition=Client.Name%20like%20'%25ABRI%25'", vec!["pc-2", "pc-2"]),
        ("options.condition=LoggedInUsers.LoggedInUserName%20like%20'%25anna%25'", vec!["pc-1"]),
        ("ids=1,4", vec!["pc-1", "pc-3"]),
        ("pagesize=2&page=2", vec!["pc-2", "pc-3"]),
        ("pageSize=2&page=3", vec![]),
        ("pageSize=-1", vec!["pc-1", "pc-2", "pc-2", "pc-3"]),
        ("orderBy=ComputerName%20desc&pageSize=2", vec!["pc-3", "pc-2"]),
    ] {
        assert_eq!(names(&get(&automate, &format!("/Computers?{query}")).await), expected, "{query}");
    }
    let few = get(&automate, "/Computers?includeFields=Id,ComputerName&pageSize=1").await;
    assert_eq!(few, json!([{"Id": "1", "ComputerName": "pc-1"}]));
    for bad in ["condition=x", "condition=Nothing%20%3D%201", "pageSize=0", "page=0", "includeFields=Nothing"]
    {
        let (status, value) = call(&automate, "GET", &format!("/Computers?{bad}"), Value::Null).await;
        assert_eq!(status, 400, "{bad}");
        assert!(value["Message"].is_string());
    }
    let denied = self::automate("computers: [{ name: a }]\nautomate: { permissions: [] }");
    assert_eq!(get(&denied, "/Computers").await, json!([]));
    assert_eq!(
        call(&denied, "POST", "/Computers/1/CommandExecute", json!({"Command": {"Id": 2}})).await.0,
        403
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_listed_fits_the_vendors_document() {
    // A script that is started last still runs when it is listed first.
    let automate = self::automate(&FLEET.replace("scriptDelayMs: 30", "scriptDelayMs: 1000"));
    call(
        &automate,
        "POST",
        "/Computers/1/CommandExecute",
        json!({"Command": {"Id": "2"}, "Parameters": ["sh!!! -c true"]}),
    )
    .await;
    call(&automate, "POST", "/Batch/ScriptSchedule", start(11, &[1])).await;
    tokio::time::sleep(Duration::from_millis(1300)).await;
    call(&automate, "POST", "/Batch/ScriptSchedule", start(11, &[1])).await;
    call(&automate, "DELETE", "/Computers/4", Value::Null).await;
    let document: Value =
        serde_json::from_str(include_str!("../../tests/vendor/automate.json")).expect("JSON");
    let mut checked = 0;
    for (path, spec) in [
        ("/Computers/1/RunningScripts", "/Computers/{computerId}/RunningScripts"),
        ("/Computers", "/Computers"),
        ("/Clients", "/Clients"),
        ("/Clients/1", "/Clients/{clientId}"),
        ("/Locations", "/Locations"),
        ("/Locations/1", "/Locations/{locationId}"),
        ("/Groups", "/Groups"),
        ("/GroupComputers", "/GroupComputers"),
        ("/Searches", "/Searches"),
        ("/Commands", "/Commands"),
        ("/Computers/1/CommandExecute", "/Computers/{computerId}/CommandExecute"),
        ("/Computers/1/CommandHistory", "/Computers/{computerId}/CommandHistory"),
        ("/Computers/1/PatchingStats", "/Computers/{computerId}/PatchingStats"),
        ("/Computers/1/OperatingSystem", "/Computers/{computerId}/OperatingSystem"),
        ("/Computers/MaintenanceModes", "/Computers/MaintenanceModes"),
        ("/Scripts", "/Scripts"),
        ("/Computers/1/ScriptHistory", "/Computers/{computerId}/ScriptHistory"),
        ("/Locations/1/ExtraFields", "/Locations/{locationId}/ExtraFields"),
        ("/RetiredAssets", "/RetiredAssets"),
        ("/PatchInformation", "/PatchInformation"),
        ("/Permissions/Users", "/Permissions/Users"),
        ("/Users/42/UserAccess", "/Users/{userId}/UserAccess"),
        ("/APIToken", "/APIToken"),
        ("/DatabaseServerTime", "/DatabaseServerTime"),
    ] {
        let value = get(&automate, path).await;
        let key = format!(
            "/paths/{}/get/responses/200/content/application~1json/schema",
            format!("/api/v1{spec}").replace('/', "~1")
        );
        let schema = document.pointer(&key).unwrap_or_else(|| panic!("{spec} is not in the document"));
        // Models refer to one another in a cycle: the document is the root, references are followed when met. That a
        // model allows unknown members is no reason to write any.
        let root = json!({ "components": closed(document["components"].clone()), "allOf": [schema] });
        let validator = jsonschema::validator_for(&root).expect("a schema");
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert_eq!(errors, [""; 0], "{path}");
        assert!(value.as_array().is_none_or(|list| !list.is_empty()), "{path} shows nothing");
        checked += 1;
    }
    assert_eq!(checked, 24);
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

async fn finished(automate: &Automate, computer: u32, id: &Value) -> Value {
    for _ in 0..500 {
        let command = get(automate, &format!("/Computers/{computer}/CommandExecute/{id}")).await;
        if command["Status"] == "Success" || command["Status"] == "Failed" {
            return command;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("command {id} does not end");
}

#[tokio::test(start_paused = true)]
async fn a_command_waits_for_its_computer_and_ends_with_its_output() {
    let automate = self::automate(FLEET);
    let run = async |computer: u32, text: &str| {
        let order = json!({"ComputerId": computer, "Command": {"Id": 2}, "Parameters": [text]});
        let (status, command) =
            call(&automate, "POST", &format!("/computers/{computer}/commandexecute"), order).await;
        assert_eq!((status, command["Status"].as_str()), (200, Some("Pending")));
        command["Id"].clone()
    };
    let id = run(1, "sh!!! -c 'echo hello; hostname'").await;
    assert_eq!(finished(&automate, 1, &id).await["Output"], "hello; hostname\n");
    let list = get(&automate, &format!("/Computers/1/CommandExecute?ids={id}")).await;
    assert_eq!(list[0]["Status"], "Success");
    let broken = run(1, "sh!!! -c 'echo !!!!'").await;
    let broken = finished(&automate, 1, &broken).await;
    assert_eq!((&broken["Status"], &broken["Output"]), (&json!("Failed"), &json!("ERR")));
    let windows = run(2, "powershell.exe!!! -NonInteractive -Command \"Write-Output \\\"hi\\\"\"").await;
    assert_eq!(finished(&automate, 2, &windows).await["Output"], "hi\r\n");

    let offline = run(4, "hostname!!! ").await;
    tokio::time::sleep(Duration::from_millis(60)).await;
    let waiting = get(&automate, &format!("/Computers/4/CommandExecute/{offline}")).await;
    assert_eq!(waiting["Status"], "Pending");
    automate.world.machine_named("pc-3").expect("a machine").set_online(true);
    assert_eq!(finished(&automate, 4, &offline).await["Output"], "pc-3\n");

    let prompt =
        json!({"RunAsAdmin": true, "UsePowerShell": false, "CommandText": "hostname", "Directory": "/"});
    let (_, id) = call(&automate, "POST", "/Computers/1/CommandPrompt", prompt).await;
    assert!(id.is_u64(), "the bare number");
    assert_eq!(finished(&automate, 1, &id).await["Output"], "pc-1\n");
    for (path, order, status) in [
        ("/Computers/99/CommandExecute", json!({"Command": {"Id": 2}}), 404),
        ("/Computers/1/CommandExecute", json!({"Command": {"Id": 999}}), 400),
        ("/Computers/1/CommandExecute", json!({"ComputerId": 2, "Command": {"Id": 2}}), 400),
        ("/Computers/1/CommandExecute", json!([]), 400),
    ] {
        assert_eq!(call(&automate, "POST", path, order).await.0, status, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn fast_talk_groups_fields_and_patches_change() {
    let automate = self::automate(FLEET);
    let order = json!({"ComputerId": 1, "Command": {"Id": "35"}, "Parameters": [1]});
    let (_, command) = call(&automate, "POST", "/Computers/1/CommandExecute", order).await;
    finished(&automate, 1, &command["Id"]).await;
    assert_eq!(get(&automate, "/Computers/1").await["IsFasTalk"], true);

    let (_, row) =
        call(&automate, "POST", "/GroupComputers", json!({"GroupId": "2", "ComputerId": "2"})).await;
    let members = get(&automate, "/GroupComputers?condition=GroupId%20%3D%202").await;
    assert_eq!(members.as_array().map(Vec::len), Some(2));
    let id = row["Id"].as_str().expect("an id");
    assert_eq!(call(&automate, "DELETE", &format!("/GroupComputers/{id}"), Value::Null).await.0, 204);
    assert_eq!(get(&automate, "/Computers/1").await["Groups"][1]["Name"], "Kiosks");

    let change =
        |value: Value| json!([{"op": "replace", "path": "/DropdownSettings/SelectedValue", "value": value}]);
    let path = "/Computers/1/ExtraFields/2";
    assert_eq!(call(&automate, "PATCH", path, change("Pilot".into())).await.0, 200);
    assert_eq!(call(&automate, "PATCH", path, change("Other".into())).await.0, 400);
    assert_eq!(get(&automate, path).await["DropdownSettings"]["SelectedValue"], "Pilot");

    let all = json!({"EntityType": 1, "EntityId": 1});
    assert_eq!(call(&automate, "POST", "/PatchActions/DeployAllApproved", all).await, (204, Value::Null));
    assert_eq!(get(&automate, "/Computers/1/PatchingStats").await["PatchJobRunning"], true);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let stats = get(&automate, "/Computers/1/PatchingStats").await;
    assert_eq!((&stats["MissingPatchCount"], &stats["InstalledPatchCount"]), (&json!(0), &json!(103)));
    assert_eq!(stats["PatchJobRunning"], false);
}

/// The start of a script on computers, once and at once.
fn start(script: u32, computers: &[u32]) -> Value {
    json!({
        "EntityType": "Computer", "EntityIds": computers, "ScriptId": script,
        "Schedule": { "ScriptScheduleFrequency": { "ScriptScheduleFrequencyId": 1 } },
        "OfflineActionFlags": { "SkipsOfflineAgents": true },
    })
}

#[tokio::test(start_paused = true)]
async fn maintenance_mode_is_switched_by_scripts_alone() {
    let automate = self::automate(FLEET);
    let ran = async |body: Value| {
        let answer = call(&automate, "POST", "/Batch/ScriptExecute", body).await;
        tokio::time::sleep(Duration::from_millis(150)).await;
        answer
    };
    let is_on = async || get(&automate, "/Computers/1").await["IsMaintenanceModeEnabled"].clone();
    let mut quiet = start(11, &[1]);
    quiet["Parameters"] = json!([{ "Key": "Minutes", "Value": "90" }]);
    let (status, answer) = ran(quiet.clone()).await;
    assert_eq!((status, &answer["ContainsUnsuccessfulResults"]), (200, &json!(false)));
    assert_eq!(get(&automate, "/Computers/MaintenanceModes").await[0]["Duration"], 90);
    assert_eq!(is_on().await, true);
    ran(start(12, &[1])).await;
    assert_eq!(is_on().await, false);
    ran(start(13, &[1])).await;
    assert_eq!(get(&automate, "/Computers/1/ScriptHistory").await[2]["State"], "Failure");

    let (status, answer) = ran(start(11, &[4, 99])).await;
    assert_eq!(
        (status, &answer["ContainsUnsuccessfulResults"]),
        (200, &json!(true)),
        "it is off, or not there"
    );
    assert_eq!(get(&automate, "/Computers/MaintenanceModes").await, json!([]));
    let with = |name: &str, value: Value| {
        let mut body = start(11, &[1]);
        body[name] = value;
        body
    };
    for (body, expected) in [
        (with("EntityType", "Group".into()), 400),
        (with("EntityIds", json!([])), 400),
        (with("Schedule", Value::Null), 400),
        (with("Entities", json!([1])), 400),
        (with("ScriptId", 99.into()), 404),
        (with("Parameters", json!([{ "Key": "Reason", "Value": "x" }])), 400),
    ] {
        assert_eq!(ran(body).await.0, expected);
    }
    for method in ["POST", "DELETE"] {
        let path = "/Computers/MaintenanceModes";
        assert_eq!(call(&automate, method, path, quiet.clone()).await.0, 404, "the vendor has no such call");
    }
    let denied = self::automate(
        "computers: [{ name: a }]\nautomate: { permissions: [], scripts: [{ id: 11, name: Q, does: nothing }] }",
    );
    assert_eq!(call(&denied, "POST", "/Batch/ScriptSchedule", start(11, &[1])).await.0, 403);
    assert_eq!(get(&denied, "/Scripts").await, json!([]));
}
