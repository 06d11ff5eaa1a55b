//! A link against a server that answers as a test says: signing in, lists in every manner that was seen, tasks and their results.

use super::*;
use crate::config::kind::RmmTemplates;
use crate::http::api::server::{Asked, Reply, Server, json, response, status};
use crate::provider::queued::Queue as _;
use crate::provider::{Outcome, Presence};
use crate::secret::{Secret, SecretRef};
use crate::session::envelope::CommandText;
use crate::session::script::Platform;
use crate::session::secrets::SecretError;
use crate::time::Timestamp;

#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }
}

struct Known;

impl Secrets for Known {
    fn resolve(&self, _: &SecretRef) -> Result<Secret, SecretError> {
        Ok(Secret::new("canary-secret".to_owned()))
    }
}

const TOKEN: &str = r#"{"access_token":"canary-token","scope":"a","token_type":"Bearer","expires_in":3599}"#;
const COMPANIES: &str =
    r#"[{"id":"c1","name":"Fabrikam"},{"id":"c2","name":"Gone","deletedDate":"2025-01-01T00:00:00Z"}]"#;
const SITES: &str = r#"[{"id":"s1","name":"Bonn","company":{"id":"c1"}}]"#;
const NOTHING: &str = r#"{"error":"not_found","description":"Resource not found"}"#;

fn link(server: &Server) -> Arc<ConnectwiseRmm> {
    let spec = ConnectwiseRmmSpec {
        region: None,
        url: Some(server.base.clone()),
        client_id: "0e30-test".to_owned(),
        client_secret: SecretRef::Env("SECRET".to_owned()),
        scopes: ["platform.devices.read".to_owned(), "platform.companies.read".to_owned()].into(),
        templates: Some(RmmTemplates { windows: None, posix: Some("sh-template".to_owned()) }),
        link: Some(crate::config::kind::LinkSettings {
            requests_per_minute: Some(60_000),
            ..crate::config::kind::LinkSettings::default()
        }),
    };
    let name = Name::new("rmm").unwrap();
    let settings = ConnectwiseRmmSettings {
        name,
        spec,
        authorities: None,
        secrets: Arc::new(Known),
        clock: Arc::new(Noon),
    };
    Arc::new(ConnectwiseRmm::new(settings).unwrap())
}

fn missing(body: &str) -> Reply {
    Reply::Bytes(response(404, &[("content-type", "application/json")], body))
}

/// Signs everybody in, has one company with a site, and answers everything else as told: the request and its path.
async fn server(answer: impl Fn(&Asked, &str) -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |asked, _| {
        let path = asked.target.split('?').next().unwrap_or_default();
        match path {
            "/v1/token" => return json(TOKEN),
            "/v1/rate_limits" if !asked.headers.contains_key("authorization") => return status(401, &[]),
            "/v1/rate_limits" => {
                return json(r#"{"resources":{"asset":{"x":{"limit":35,"remaining":34,"reset":1}}}}"#);
            }
            "/api/platform/v1/company/companies" => return json(COMPANIES),
            "/api/platform/v1/company/sites" => return json(SITES),
            _ => {}
        }
        assert_eq!(asked.headers["authorization"], "Bearer canary-token");
        assert!(asked.headers.contains_key("x-request-id") && asked.headers.contains_key("origin"));
        answer(asked, path)
    })
    .await
}

fn page(ids: &[&str]) -> String {
    let endpoints: Vec<String> = ids
        .iter()
        .map(|id| format!(r#"{{"endpointID":"{id}","deviceName":"{id}","os":{{"product":"Windows 11"}}}}"#))
        .collect();
    format!(r#"{{"platform":[{{"companyID":"c1","siteID":"s1","endpoints":[{}]}}]}}"#, endpoints.join(","))
}

fn linked(body: &str, next: &str) -> Reply {
    let link = format!("<{next}>; rel=\"next\"");
    Reply::Bytes(response(200, &[("content-type", "application/json"), ("link", &link)], body))
}

fn heartbeats(asked: &Asked) -> Reply {
    if asked.target.contains("resourceType=companies") {
        json(
            r#"{"status":"success","successfulRecords":[{"companyID":"c1","endpoints":[{"EndpointID":"e1","Availability":true},{"EndpointID":"e2","Availability":false}]}],"failedRecords":[]}"#,
        )
    } else {
        status(400, &[])
    }
}

const LIST: &str = "/api/platform/v2/device/categories/platform/endpoints";
const BEAT: &str = "/api/platform/v2/device/endpoints/heartbeat";

#[tokio::test]
async fn endpoints_come_page_by_page_with_who_is_online() {
    let server = server(|asked, path| match path {
        LIST if asked.target.contains("cursor=2") => json(&page(&["e2", "e3"])),
        LIST => {
            assert_eq!(asked.body, r#"{"resourceType":"company","resources":["c1"]}"#);
            linked(&page(&["e1"]), "/api/platform/v2/device/categories/platform/endpoints?cursor=2&limit=500")
        }
        BEAT => heartbeats(asked),
        _ => status(500, &[]),
    })
    .await;
    let agents = link(&server).reader().list().await.unwrap();
    let told: Vec<_> = agents.iter().map(|agent| (agent.id.as_str(), agent.presence)).collect();
    assert_eq!(told, [("e1", Presence::Online), ("e2", Presence::Offline), ("e3", Presence::Unknown)]);
    assert_eq!(agents[0].client.as_ref().unwrap().name, "Fabrikam");
    assert_eq!(agents[0].belongings.site.as_deref(), Some("Bonn"));
    let sign_in = server.asked().into_iter().find(|asked| asked.target == "/v1/token").unwrap();
    assert!(sign_in.body.contains(r#""grant_type":"client_credentials""#), "{}", sign_in.body);
    assert!(sign_in.body.contains(r#""scope":"platform.companies.read platform.devices.read""#));
}

#[tokio::test]
async fn a_server_that_wants_get_with_content_is_asked_so_and_remembered() {
    for refusal in [404, 405] {
        let server = server(move |asked, path| match (path, asked.method.as_str()) {
            (LIST, "POST") => status(refusal, &[]),
            (LIST, _) => json(&page(&["e1"])),
            _ => status(403, &[]),
        })
        .await;
        let link = link(&server);
        for _ in 0..2 {
            let agents = link.reader().list().await.unwrap();
            assert_eq!((agents.len(), agents[0].presence), (1, Presence::Unknown));
        }
        let posts =
            server.asked().iter().filter(|a| a.method == "POST" && a.target.starts_with(LIST)).count();
        assert_eq!(posts, 1, "{refusal}");
    }
}

#[tokio::test]
async fn nothing_is_an_empty_list_only_where_the_service_says_so_itself() {
    let empty = server(|_, path| if path == LIST { missing(NOTHING) } else { status(500, &[]) }).await;
    assert_eq!(link(&empty).reader().list().await.unwrap().len(), 0);
    for (what, broken) in [
        ("a bare 404", (|| status(404, &[])) as fn() -> Reply),
        ("a page", || {
            Reply::Bytes(response(404, &[("content-type", "text/html")], "<html>not found</html>"))
        }),
        ("HTML", || Reply::Bytes(response(200, &[("content-type", "text/html")], "<html>"))),
        ("half", || json(r#"{"platform":[{"companyID":"c1","#)),
        ("forbidden", || {
            Reply::Bytes(response(403, &[("content-type", "text/plain")], "access is forbidden"))
        }),
        ("no list", || json(r#"{"message":"hello"}"#)),
        ("no id", || json(r#"{"platform":[{"companyID":"c1","endpoints":[{"deviceName":"canary"}]}]}"#)),
    ] {
        let server = server(move |_, path| if path == LIST { broken() } else { status(403, &[]) }).await;
        let error = link(&server).reader().list().await.unwrap_err().to_string();
        assert!(error.contains("the list of endpoints") && !error.contains("canary"), "{what}: {error}");
    }
}

#[tokio::test]
async fn a_later_page_that_fails_is_the_lists_error_and_one_past_the_end_is_the_end() {
    let make = |later: fn() -> Reply| {
        server(move |asked, path| match path {
            LIST if asked.target.contains("cursor") => later(),
            LIST => linked(&page(&["e1"]), "/api/platform/v2/device/categories/platform/endpoints?cursor=2"),
            _ => status(403, &[]),
        })
    };
    let past = make(|| missing(NOTHING)).await;
    assert_eq!(link(&past).reader().list().await.unwrap().len(), 1);
    for later in [(|| status(404, &[])) as fn() -> Reply, || json("{\"platform\""), || status(500, &[])] {
        let server = make(later).await;
        assert!(link(&server).reader().list().await.is_err());
    }
    let elsewhere = server(|_, path| match path {
        LIST => linked(&page(&["e1"]), "https://elsewhere.test/next"),
        _ => status(403, &[]),
    })
    .await;
    assert!(link(&elsewhere).reader().list().await.is_err(), "a token goes to no other server");
}

#[tokio::test]
async fn whoever_is_locked_out_asks_no_more() {
    let server = Server::start(|_, _| status(423, &[])).await;
    let link = link(&server);
    for _ in 0..3 {
        assert!(link.reader().clients().unwrap().clients().await.is_err());
    }
    assert_eq!(server.count(), 1);
}

fn text(platform: Platform) -> CommandText {
    CommandText { text: Secret::new("canary-text".to_owned()), platform }
}

#[tokio::test]
async fn a_script_is_scheduled_and_its_output_found_when_it_has_ended() {
    let server = server(|asked, path| match path {
        "/api/platform/v1/device/endpoints/e1" => json(r#"{"endpointID":"e1","clientID":"c1"}"#),
        BEAT => heartbeats(asked),
        "/api/platform/v1/automation/endpoints/schedule-tasks" => status(404, &[]),
        "/api/platform/v2/automation/endpoints/schedule-tasks" => {
            assert!(asked.body.contains(r#""templateID":"sh-template""#) && asked.body.contains(r#"\"body\":\"canary-text\""#));
            Reply::Bytes(response(201, &[("content-type", "application/json")], r#"{"taskId":"t1"}"#))
        }
        "/api/platform/v1/automation/tasks/t1/instances/summary" => {
            json(r#"{"Results":[{"taskInstanceId":"i0","OverallStatus":"PENDING"},{"taskInstanceId":"i1","OverallStatus":"SUCCESS"}]}"#)
        }
        "/api/platform/v1/automation/tasks/t1/instances/i1/results" => json(
            r#"{"Result":[{"endpointId":"other","resultDetails":"Script Succeeded: no","completionStatus":"SUCCESS"},
                {"endpointId":"E1","resultDetails":"Script Succeeded: yes","errorDetails":"","completionStatus":"SUCCESS"}],"Count":2}"#,
        ),
        _ => status(500, &[]),
    })
    .await;
    let link = link(&server);
    let agent = AgentId::new("e1");
    assert_eq!(link.commands.look(&agent).await.unwrap().is_online, Some(true));
    link.commands.post(&agent, &text(Platform::Posix), Duration::from_mins(1)).await.unwrap();
    let looked = link.commands.look(&agent).await.unwrap();
    assert_eq!(looked.outputs, [("task t1".to_owned(), "yes".to_owned())]);
    assert!(link.commands.tasks.template(Platform::Windows).is_some_and(|id| id == command::POWERSHELL));
}

#[tokio::test]
async fn a_script_whose_task_is_not_known_may_have_been_scheduled() {
    let server = server(|asked, _| {
        let echo = response(500, &[("content-type", "text/plain")], &asked.body);
        Reply::Bytes(echo)
    })
    .await;
    let link = link(&server);
    let agent = AgentId::new("e1");
    let failed =
        link.commands.post(&agent, &text(Platform::Windows), Duration::from_mins(1)).await.unwrap_err();
    assert!(failed.is_maybe && !format!("{failed:?}").contains("canary"), "{failed:?}");
    let unknown = self::server(|_, _| missing(NOTHING)).await;
    let failed = self::link(&unknown).commands.look(&agent).await.unwrap_err();
    assert!(failed.error.nothing_ran(), "{failed:?}");
}

#[tokio::test]
async fn an_examination_tells_what_is_wrong_and_what_to_do() {
    let server = server(|asked, path| match path {
        LIST => json(&page(&["e1", "e2"])),
        BEAT => heartbeats(asked),
        "/api/platform/v1/automation/shellScripts" => {
            json(r#"{"Templates":[{"templateId":"51A74346-e19b-11e7-9809-0800279505d9"}],"count":1}"#)
        }
        _ => status(500, &[]),
    })
    .await;
    let all = link(&server).examine().await;
    let told: Vec<(&str, Outcome)> = all.iter().map(|one| (one.what.as_str(), one.outcome)).collect();
    let expected = [
        ("reachable", Outcome::Good),
        ("clock", Outcome::Unknown),
        ("credentials", Outcome::Good),
        ("rate limits", Outcome::Good),
        ("companies", Outcome::Good),
        ("endpoints", Outcome::Good),
        ("presence", Outcome::Good),
        ("scripts", Outcome::Notice),
    ];
    assert_eq!(told, expected);
    assert!(all.iter().all(|one| one.outcome == Outcome::Good || one.remedy.is_some()));
}

#[tokio::test]
async fn policies_are_read_in_either_version_by_the_site_of_an_endpoint() {
    let server = server(|_, path| match path {
        LIST => json(&page(&["e1"])),
        "/api/platform/v1/policy/clients/c1/sites/s1/endpoints/e1/effective-policy" => {
            json(r#"{"settings":{"consent":true},"mapping":{"consent":"Standard"}}"#)
        }
        _ => status(404, &[]),
    })
    .await;
    let reader = link(&server).reader();
    let policies = reader.policies().unwrap();
    for _ in 0..2 {
        let policy = policies.policies(&AgentId::new("e1")).await.unwrap();
        assert_eq!(policy["consent"].origin.as_deref(), Some("Standard"));
    }
    let lists = server.asked().iter().filter(|asked| asked.target.starts_with(LIST)).count();
    assert_eq!(lists, 1, "where endpoints are is asked once");
    let error = policies.policies(&AgentId::new("e9")).await.unwrap_err();
    assert!(error.to_string().contains("no site of e9"), "{error}");
}
