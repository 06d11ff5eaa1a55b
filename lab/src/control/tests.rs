//! Control without sockets: requests in, answers out.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::clock::Clock;
use crate::fleet::Fleet;
use crate::journal::Journal;

const FLEET: &str = "
companies: [{ name: \"O'Brien & Co\", sites: [Main, Depot] }, { name: Fabrikam }]
computers:
  - { name: pc-1, company: \"O'Brien & Co\", site: Depot, agents: [{ system: control, id: 11111111-1111-4111-8111-111111111111 }] }
  - { name: pc-2, company: Fabrikam, platform: windows, agents: [{ system: control, id: 22222222-2222-4222-8222-222222222222 }, { system: control, previous: true }] }
  - { name: pc-3, online: false, agents: [{ system: control, id: 33333333-3333-4333-8333-333333333333 }] }
";
const ONE: &str = "11111111-1111-4111-8111-111111111111";
const TWO: &str = "22222222-2222-4222-8222-222222222222";
const THREE: &str = "33333333-3333-4333-8333-333333333333";

fn control(fleet: &str) -> Control {
    let fleet = Fleet::read(fleet).expect("a fleet");
    Control::new(&Arc::new(World::new(fleet, Clock::default(), Journal::default(), PathBuf::new())))
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Request {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: crate::wire::query(query),
        headers: hyper::HeaderMap::new(),
        body: body.to_owned().into(),
    };
    for (name, value) in headers {
        let name = hyper::header::HeaderName::from_bytes(name.as_bytes()).expect("a name");
        request.headers.insert(name, value.parse().expect("a value"));
    }
    request
}

const KEY: &[(&str, &str)] =
    &[("ctrlauthheader", "lab-control-secret"), ("content-type", "application/json")];

async fn raw(control: &Control, method: &str, headers: &[(&str, &str)], call: &str, body: &str) -> Reply {
    let path = format!("/App_Extensions/{EXTENSION}/Service.ashx/{call}");
    control.serve(request(method, &path, headers, body)).await
}

async fn call(control: &Control, name: &str, arguments: Value) -> Value {
    let reply = raw(control, "POST", KEY, name, &arguments.to_string()).await;
    assert_eq!(reply.status, 200, "{name}: {}", String::from_utf8_lossy(&reply.body));
    if reply.body.is_empty() { Value::Null } else { serde_json::from_slice(&reply.body).expect("JSON") }
}

/// The events of one kind of a session, oldest first, once there are so many.
async fn events(control: &Control, session: &str, kind: u16, count: usize) -> Vec<String> {
    for _ in 0..500 {
        let details = call(control, "GetSessionDetailsBySessionID", json!([session])).await;
        let events = details["Events"].as_array().expect("events");
        let texts: Vec<String> = events
            .iter()
            .rev()
            .filter(|event| event["EventType"] == kind)
            .map(|event| event["Data"].as_str().expect("text").to_owned())
            .collect();
        if texts.len() >= count {
            return texts;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no {count} events {kind} of {session}");
}

#[tokio::test]
async fn the_extension_refuses_as_its_reference_says() {
    let control = control(&format!("{FLEET}\ncontrol: {{ origin: 'https://allowed' }}"));
    let key = |more: &[(&'static str, &'static str)]| [KEY, more].concat();
    let name = "GetSessionsByName";
    for (headers, call, body, status, text) in [
        (vec![], name, "[\"\"]", 401, ""),
        (vec![("ctrlauthheader", "Basic lab-control-secret")], name, "[\"\"]", 401, ""),
        (key(&[]), name, "[\"\"]", 403, ""),
        (key(&[("origin", "https://allowed")]), "GetSessions", "[]", 500, "Web method does not exist"),
        (key(&[("origin", "https://allowed")]), name, "{\"x\":\"\"}", 500, "Unknown parameter: x"),
        (key(&[("origin", "https://allowed")]), name, "[]", 500, "Parameter count mismatch."),
        (key(&[("origin", "https://allowed")]), name, "{\"SessionName\":\"\"}", 200, "[{"),
        (key(&[("origin", "https://allowed")]), "AddNoteToSession", "{\"sessionID\":\"\"}", 500, "array"),
    ] {
        let reply = raw(&control, "POST", &headers, call, body).await;
        assert_eq!(reply.status, status, "{call} {body}");
        assert!(String::from_utf8_lossy(&reply.body).contains(text), "{call} {body}");
        let server = reply.headers.iter().find(|(name, _)| *name == "server").map(|(_, v)| v.clone());
        assert!(server.is_some_and(|server| server.starts_with("ScreenConnect/24.2")));
    }
    let absent = super::tests::control("control: { extension: false }");
    assert_eq!(raw(&absent, "POST", KEY, name, "[\"\"]").await.status, 404);
    assert_eq!(raw(&absent, "PUT", KEY, name, "[\"\"]").await.status, 404);
}

#[tokio::test]
async fn sessions_are_found_and_written_as_the_reference_shows() {
    let control = control(FLEET);
    let filter = "SessionType = 'Access' AND CustomProperty1 = 'O''Brien & Co'";
    let found = call(&control, "GetSessionsByFilter", json!([filter])).await;
    let session = &found.as_array().expect("a list")[0];
    assert_eq!(session["SessionID"], ONE);
    assert_eq!(session["CustomPropertyValues"], json!(["O'Brien & Co", "Depot", "", "", "", "", "", ""]));
    assert_eq!(session["CustomProperties"]["CustomProperty2"], "Depot");
    assert_eq!(session["ActiveConnections"][0]["ProcessType"], 2);
    assert_eq!(session["LastGuestDisconnectedEventTime"], "0001-01-01T00:00:00");
    assert_eq!(session["LastGuestConnectedEventTime"].as_str().map(str::len), Some(28));
    assert_eq!(session["GuestInfo"]["MachineName"], "pc-1");
    let get = raw(&control, "GET", KEY, "GetSessionBySessionID", &json!([TWO]).to_string()).await;
    assert_eq!(get.status, 200, "a body on a GET");
    let all = call(&control, "GetSessionsByFilter", json!(["NOT GuestConnectedCount = 0"])).await;
    assert_eq!(all.as_array().map(Vec::len), Some(2));
    let serial = session["GuestInfo"]["MachineSerialNumber"].as_str().expect("text");
    let by_serial = format!("GuestMachineSerialNumber = '{serial}'");
    assert_eq!(
        call(&control, "GetSessionsByFilter", json!([by_serial])).await.as_array().map(Vec::len),
        Some(1)
    );
    let twins = call(&control, "GetSessionsByFilter", json!(["GuestMachineName = 'pc-2'"])).await;
    assert_eq!(twins.as_array().map(Vec::len), Some(2), "the old agent is still listed");
    let nobody = "44444444-4444-4444-8444-444444444444";
    assert_eq!(call(&control, "GetSessionBySessionID", json!([nobody])).await, json!([]));
    assert_eq!(call(&control, "GetSessionDetailsBySessionID", json!([nobody])).await, Value::Null);
    for bad in [json!([""]), json!([null]), json!(["Nothing = 'x'"]), json!(["Name <> 'x'"])] {
        let reply = raw(&control, "POST", KEY, "GetSessionsByFilter", &bad.to_string()).await;
        assert_eq!(reply.status, 500, "{bad}");
    }
}

#[tokio::test]
async fn writes_answer_nothing_and_leave_events() {
    let control = control(FLEET);
    let values = json!(["Fabrikam", "", "kiosk", "", "", "", "", ""]);
    let reply =
        raw(&control, "POST", KEY, "UpdateSessionCustomProperties", &json!([ONE, values]).to_string()).await;
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    call(&control, "AddNoteToSession", json!([ONE, "a note"])).await;
    call(&control, "UpdateSessionName", json!([ONE, "reception"])).await;
    let found = call(&control, "GetSessionsByName", json!(["reception"])).await;
    assert_eq!(found[0]["CustomPropertyValues"], values);
    assert_eq!(events(&control, ONE, session::kind::MODIFIED_PROPERTY, 3).await.len(), 3);
    assert_eq!(events(&control, ONE, session::kind::NOTE, 1).await, ["a note"]);
    let made = call(&control, "CreateSession", json!(["Support", "help", true, "X1", ["Contoso"]])).await;
    assert_eq!((&made["SessionType"], &made["Code"]), (&json!(0), &json!("X1")));
}

#[tokio::test]
async fn commands_run_one_after_the_other_and_only_when_the_guest_is_there() {
    let control = control(FLEET);
    for text in ["echo one", "echo two", "frobnicate"] {
        call(&control, "SendCommandToSession", json!([ONE, text])).await;
    }
    let output = events(&control, ONE, 70, 3).await;
    assert_eq!(output, ["one\n", "two\n", "sh: 1: frobnicate: not found\n"]);
    assert_eq!(events(&control, ONE, 44, 3).await.len(), 3);

    call(&control, "SendCommandToSession", json!([TWO, "#maxlength=12\nhostname"])).await;
    let echo = events(&control, TWO, 70, 1).await;
    assert_eq!(echo, ["\r\nC:\\WINDOWS\r\nTruncated output at 12 characters."]);

    call(&control, "SendCommandToSession", json!([THREE, "hostname"])).await;
    let details = call(&control, "GetSessionDetailsBySessionID", json!([THREE])).await;
    assert_eq!(details["QueuedEvents"].as_array().map(Vec::len), Some(1));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(events(&control, THREE, 70, 0).await.is_empty());
    control.world.machine_named("pc-3").expect("a machine").set_online(true);
    assert_eq!(events(&control, THREE, 70, 1).await, ["pc-3\n"]);
}

#[tokio::test]
async fn output_goes_wrong_where_a_rule_says_so() {
    use crate::faults::{Faults, Rule, What};
    let control = control(FLEET);
    let rule = |what| Rule { times: Some(1), delay_ms: Some(50), bytes: Some(2), ..Rule::of(what) };
    let rules = vec![
        rule(What::LoseOutput),
        rule(What::DuplicateOutput),
        rule(What::CutOutput),
        rule(What::LateOutput),
    ];
    control.world.set_faults(Faults { rules, ..Faults::default() });
    for number in 1..=5 {
        call(&control, "SendCommandToSession", json!([ONE, format!("echo n{number}x")])).await;
    }
    let output = events(&control, ONE, 70, 5).await;
    assert_eq!(output, ["n2x\n", "n2x\n", "n3", "n5x\n", "n4x\n"]);
}

#[tokio::test]
async fn page_services_ask_who_calls_and_count_time_backwards() {
    let control = control(&format!("{FLEET}\ncontrol: {{ antiForgery: true }}"));
    let basic = ("authorization", "Basic bGFiOmxhYi1jb250cm9sLXBhc3N3b3Jk");
    let page = control.serve(request("GET", "/", &[], "")).await;
    let page = String::from_utf8(page.body).expect("text");
    let (_, token) = page.split_once("\"antiForgeryToken\":\"").expect("a token");
    let token = token.split('"').next().expect("a token").to_owned();
    let token = ("x-anti-forgery-token", token.as_str());
    let ask = async |headers: &[(&str, &str)], method: &str, body: Value| {
        let path = format!("/Services/PageService.ashx/{method}");
        control.serve(request("POST", &path, headers, &body.to_string())).await
    };
    let refused = ask(&[("authorization", "Basic bGFiOng=")], "GetHostSessionInfo", json!([])).await;
    assert_eq!(refused.status, 403);
    assert!(refused.headers.contains(&("x-login-result", "PasswordInvalid".to_owned())));
    assert_eq!(ask(&[basic], "GetHostSessionInfo", json!([2])).await.status, 403, "no token");
    let list =
        ask(&[basic, token], "GetHostSessionInfo", json!([2, ["All Machines"], "", null, null, null])).await;
    let list: Value = serde_json::from_slice(&list.body).expect("JSON");
    assert_eq!(list["Sessions"].as_array().map(Vec::len), Some(4));
    assert_eq!(ask(&[basic, token], "GetHostSessionInfo", json!([2, ["No Group"]])).await.status, 500);
    let live = json!([{"HostSessionInfo": {"sessionType": 2, "sessionGroupPathParts": [], "filter": "GuestMachineName = 'pc-1'", "findSessionID": null, "sessionLimit": null}, "ActionCenterInfo": {}}, 0]);
    let live = ask(&[basic, token], "GetLiveData", live).await;
    let live: Value = serde_json::from_slice(&live.body).expect("JSON");
    assert_eq!(live["ResponseInfoMap"]["HostSessionInfo"]["Sessions"][0]["SessionID"], ONE);

    let event = json!([[["All Machines"]], [{"SessionID": ONE, "EventType": 44, "Data": "echo hi"}]]);
    let event = json!([event[0][0], event[1]]);
    let added = ask(&[basic, token], "AddSessionEvents", event).await;
    assert_eq!((added.status, added.body.len()), (200, 0));
    assert_eq!(events(&control, ONE, 70, 1).await, ["hi\n"]);
    let details = ask(&[basic, token], "GetSessionDetails", json!([["All Machines"], ONE])).await;
    let details: Value = serde_json::from_slice(&details.body).expect("JSON");
    let output = &details["Events"][1];
    assert_eq!(output["Data"], "hi\n");
    assert!(output["Time"].as_i64().is_some_and(|ago| (0..60_000).contains(&ago)));
    assert!(details["BaseTime"].as_i64().is_some_and(|at| at > 1_700_000_000_000));
}

#[tokio::test]
async fn reports_are_tables_and_strangers_get_a_page() {
    let control = control(FLEET);
    let basic = ("authorization", "Basic bGFiOmxhYi1jb250cm9sLXBhc3N3b3Jk");
    let path = "/Report.json?ReportType=Session&SelectFields=Name&SelectFields=SessionID&Filter=CustomProperty1%20%3D%20%27Fabrikam%27%20AND%20GuestConnectedCount%20%3E%200";
    let stranger = control.serve(request("GET", path, &[], "")).await;
    assert_eq!(stranger.status, 200);
    assert!(stranger.body.starts_with(b"<!DOCTYPE html>"));
    let report = control.serve(request("GET", path, &[basic], "")).await;
    let report: Value = serde_json::from_slice(&report.body).expect("JSON");
    assert_eq!(report, json!({"FieldNames": ["Name", "SessionID"], "Items": [["", TWO]]}));
    let path = "/Report.json?ReportType=Session&GroupFields=CustomProperty1";
    let report = control.serve(request("GET", path, &[basic], "")).await;
    let report: Value = serde_json::from_slice(&report.body).expect("JSON");
    assert_eq!(report["Items"], json!([["", 1], ["Fabrikam", 2], ["O'Brien & Co", 1]]));
    call(&control, "SendCommandToSession", json!([ONE, "echo hi"])).await;
    events(&control, ONE, 70, 1).await;
    let path = format!(
        "/Report.csv?ReportType=SessionEvent&SelectFields=Data&Filter=SessionID%3D'{ONE}'%20AND%20EventType%3D'RanCommand'"
    );
    let report = control.serve(request("GET", &path, &[basic], "")).await;
    assert_eq!(String::from_utf8_lossy(&report.body), "\"Data\"\r\n\"hi\n\"\r\n");
}
