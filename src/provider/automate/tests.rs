//! A link against a server that answers as a test says: signing in, lists, commands, and what goes wrong with each.

use std::sync::Arc;

use super::*;
use crate::config::kind::Account;
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
    fn resolve(&self, reference: &SecretRef) -> Result<Secret, SecretError> {
        match reference {
            SecretRef::Env(name) if name == "MISSING" => Err(SecretError::NotSet(name.clone())),
            SecretRef::Env(name) if name == "TOTP" => {
                Ok(Secret::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".to_owned()))
            }
            _ => Ok(Secret::new("canary-password".to_owned())),
        }
    }
}

const TOKEN: &str =
    r#"{"AccessToken":"canary-token","TokenType":"Bearer","ExpirationDate":"2026-11-22T13:00:00Z"}"#;

fn link(server: &Server, password: &str, key: Option<&str>) -> Arc<Automate> {
    let reference = |name: &str| SecretRef::Env(name.to_owned());
    let spec = AutomateSpec {
        url: server.base.clone(),
        client_id: Some("0c6b0000-0000-0000-0000-000000000000".to_owned()),
        account: Account {
            user: "muster".to_owned(),
            password: reference(password),
            one_time_password_key: key.map(reference),
        },
        groups: None,
        maintenance_mode: None,
        link: None,
    };
    let name = Name::new("automate").unwrap();
    let settings =
        AutomateSettings { name, spec, authorities: None, secrets: Arc::new(Known), clock: Arc::new(Noon) };
    Arc::new(Automate::new(settings).unwrap())
}

/// Signs everybody in, and answers everything else as told: the path below the API, and the value of `page`.
async fn server(answer: impl Fn(&Asked, &str, u32) -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |asked, _| {
        let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
        let path = path.strip_prefix("/cwa/api/v1/").unwrap_or(path);
        if path == "apitoken" {
            return json(TOKEN);
        }
        assert_eq!(asked.headers["authorization"], "Bearer canary-token");
        assert!(asked.headers.contains_key("clientid"));
        let page = query.split('&').find_map(|pair| pair.strip_prefix("page="));
        answer(asked, path, page.and_then(|page| page.parse().ok()).unwrap_or(0))
    })
    .await
}

#[tokio::test]
async fn computers_come_page_by_page_until_an_empty_one_with_their_groups() {
    let server = server(|asked, path, page| match (path, page) {
        ("Computers", 1) => {
            assert!(asked.target.contains("pageSize=1000") && asked.target.contains("includeFields=Id%2CComputerName"));
            json(r#"[{"Id":"9","ComputerName":"nine","Status":"Online"},{"Id":"10","ComputerName":"ten","Status":"Offline"}]"#)
        }
        ("Computers", 2) => json(r#"[{"Id":"10","ComputerName":"ten","Status":"Offline"},{"Id":11,"ComputerName":"eleven"}]"#),
        ("Groups", 1) => json(r#"[{"Id":"1","Name":"Servers"}]"#),
        ("GroupComputers", 1) => json(r#"[{"Id":"1","GroupId":"1","ComputerId":"10"}]"#),
        _ => json("[]"),
    })
    .await;
    let agents = link(&server, "PASSWORD", None).reader().list().await.unwrap();
    let told: Vec<_> = agents
        .iter()
        .map(|agent| (agent.id.as_str(), agent.name.as_str(), agent.presence, agent.belongings.groups.len()))
        .collect();
    assert_eq!(
        told,
        [
            ("9", "nine", Presence::Online, 0),
            ("10", "ten", Presence::Offline, 1),
            ("11", "eleven", Presence::Unknown, 0)
        ]
    );
    let sign_in = server.asked().remove(0);
    assert_eq!(sign_in.body, r#"{"UserName":"muster","Password":"canary-password"}"#);
}

#[tokio::test]
async fn a_list_that_breaks_off_is_no_shorter_list() {
    for (what, broken) in [
        ("half", (|| json(r#"[{"Id":"2","#)) as fn() -> Reply),
        ("HTML", || Reply::Bytes(response(200, &[("content-type", "text/html")], "<html>canary</html>"))),
        ("redirect", || status(302, &[("location", "/login")])),
        ("forbidden", || status(403, &[])),
        ("no list", || json(r#"{"Message":"An error has occurred."}"#)),
        ("the same page", || json(r#"[{"Id":"1"}]"#)),
        ("no id", || json(r#"[{"ComputerName":"canary"}]"#)),
    ] {
        let server = server(move |_, path, page| match (path, page) {
            ("Computers", 1) => json(r#"[{"Id":"1"}]"#),
            ("Computers", _) => broken(),
            _ => json("[]"),
        })
        .await;
        let error = link(&server, "PASSWORD", None).reader().list().await.unwrap_err().to_string();
        assert!(error.contains("the list of computers"), "{what}: {error}");
        assert!(!error.contains("canary"), "{what}: {error}");
    }
}

#[tokio::test]
async fn a_second_factor_is_sent_where_there_is_a_key_and_its_lack_is_told() {
    let server = Server::start(|asked, _| match asked.target.as_str() {
        "/cwa/api/v1/apitoken" if asked.body.contains(r#""TwoFactorPasscode":""#) => json(TOKEN),
        "/cwa/api/v1/apitoken" => json(r#"{"AccessToken":"","IsTwoFactorRequired":true}"#),
        _ => json("[]"),
    })
    .await;
    assert!(link(&server, "PASSWORD", Some("TOTP")).reader().list().await.is_ok());
    let error = link(&server, "PASSWORD", None).reader().list().await.unwrap_err();
    assert!(error.to_string().contains("oneTimePasswordKey"), "{error}");
    let error = link(&server, "MISSING", None).reader().list().await.unwrap_err();
    assert!(matches!(error, ListError::Settings { .. }), "{error}");
    assert!(error.to_string().contains("the environment variable MISSING is not set"), "{error}");
}

fn text(text: &str) -> CommandText {
    CommandText { text: Secret::new(text.to_owned()), platform: Platform::Windows }
}

#[tokio::test]
async fn a_command_is_left_once_and_its_output_is_found_by_its_number() {
    let server = server(|asked, path, _| match (asked.method.as_str(), path) {
        ("GET", "Computers") => json(r#"[{"Id":"7","Status":"Online","IsFasTalk":false}]"#),
        ("POST", "Computers/7/CommandExecute") => {
            let id = if asked.body.contains(r#""Id":"35""#) { 5 } else { 88123 };
            json(&format!(r#"{{"Id":{id},"Status":"Pending","Output":""}}"#))
        }
        ("GET", "Computers/7/CommandExecute") => {
            assert!(asked.target.contains("ids=88123"));
            json(r#"[{"Id":88123,"Status":"Success","Output":"done"}]"#)
        }
        _ => status(404, &[]),
    })
    .await;
    let link = link(&server, "PASSWORD", None);
    let agent = AgentId::new("7");
    let limit = std::time::Duration::from_mins(1);
    assert_eq!(link.commands.look(&agent).await.unwrap().is_online, Some(true));
    link.commands.post(&agent, &text("& { 'x' }"), limit).await.unwrap();
    let looked = link.commands.look(&agent).await.unwrap();
    assert_eq!(looked.outputs, [("command 88123".to_owned(), "done".to_owned())]);
    let posts: Vec<String> = server
        .asked()
        .into_iter()
        .filter(|asked| asked.method == "POST")
        .map(|asked| asked.body)
        .skip(1)
        .collect();
    assert_eq!(posts[0], r#"{"ComputerId":7,"Command":{"Id":"35"},"Parameters":["1"]}"#);
    assert!(posts[1].contains(r#"-Command \"& { 'x' }\""#) && posts.len() == 2, "{posts:?}");
}

#[tokio::test]
async fn after_a_lost_answer_the_history_is_read_and_the_text_is_not_shown() {
    let server = server(|asked, path, _| match (asked.method.as_str(), path) {
        ("GET", "Computers") => json(r#"[{"Id":"7","Status":"Online","IsFasTalk":true}]"#),
        ("POST", _) => {
            Reply::Bytes(response(500, &[("content-type", "text/plain")], &format!("echo {}", asked.body)))
        }
        ("GET", "Computers/7/CommandHistory") => {
            json(r#"[{"Id":3,"Status":"Success","Output":"late"},{"Id":4,"Status":"Executing","Output":""}]"#)
        }
        _ => status(404, &[]),
    })
    .await;
    let link = link(&server, "PASSWORD", None);
    let agent = AgentId::new("7");
    link.commands.look(&agent).await.unwrap();
    let failed =
        link.commands.post(&agent, &text("canary"), std::time::Duration::from_mins(1)).await.unwrap_err();
    assert!(failed.is_maybe && !failed.error.nothing_ran());
    assert!(!format!("{:?}", failed.error).contains("canary"), "{failed:?}");
    let looked = link.commands.look(&agent).await.unwrap();
    assert_eq!(looked.outputs, [("history 3".to_owned(), "late".to_owned())]);
    assert_eq!(
        server.asked().iter().filter(|asked| asked.method == "POST").count(),
        2,
        "sign-in and one command"
    );
}

#[tokio::test]
async fn a_link_to_a_remote_session_is_handed_on() {
    let server = server(|asked, path, _| {
        assert_eq!((asked.method.as_str(), path), ("GET", "extensionactions/control/7"));
        json("\"https://control.test/Host#Access///x/Join\"")
    })
    .await;
    let link = link(&server, "PASSWORD", None);
    let found = link.reader().join_links().unwrap().join_link(&AgentId::new("7")).await.unwrap();
    assert_eq!(found, "https://control.test/Host#Access///x/Join");
}

#[tokio::test]
async fn a_computer_that_is_not_there_is_an_error_before_anything_is_left() {
    let server = server(|_, _, _| json("[]")).await;
    let error = link(&server, "PASSWORD", None).commands.look(&AgentId::new("8")).await.unwrap_err();
    assert!(error.error.nothing_ran(), "{error:?}");
}

#[tokio::test]
async fn an_examination_tells_what_is_wrong_and_what_to_do() {
    let outcomes = |all: &[Examination]| -> Vec<(String, Outcome)> {
        all.iter().map(|one| (one.what.clone(), one.outcome)).collect()
    };
    let server = server(|_, path, page| match (path, page) {
        ("PatchInformation", _) => {
            json(r#"{"WebServerPatchVersion":"2025.0.5","RemoteAgentPatchVersion":"250.123"}"#)
        }
        ("Permissions/Users", _) => json(r#"["Clients.Read"]"#),
        ("Computers", 1 | 2) => json(&format!(r#"[{{"Id":{page}}}]"#)),
        _ => json("[]"),
    })
    .await;
    let all = link(&server, "PASSWORD", None).examine().await;
    let expected = [
        ("reachable", Outcome::Good),
        ("clock", Outcome::Unknown),
        ("credentials", Outcome::Good),
        ("version", Outcome::Good),
        ("permissions", Outcome::Good),
        ("computers", Outcome::Good),
        ("pages", Outcome::Notice),
        ("maintenance-mode", Outcome::Notice),
    ];
    assert_eq!(outcomes(&all), expected.map(|(what, outcome)| (what.to_owned(), outcome)));
    assert!(all.iter().all(|one| one.outcome == Outcome::Good || one.remedy.is_some()));
    let blind = self::server(|_, path, _| match path {
        "PatchInformation" => json("{}"),
        "Permissions/Users" => status(403, &[]),
        _ => json("[]"),
    })
    .await;
    let all = link(&blind, "PASSWORD", None).examine().await;
    assert_eq!(
        outcomes(&all)[4..6],
        [("permissions".to_owned(), Outcome::Bad), ("computers".to_owned(), Outcome::Bad)]
    );
    let closed = Server::start(|_, _| status(401, &[])).await;
    let all = link(&closed, "PASSWORD", None).examine().await;
    assert_eq!(outcomes(&all).last().unwrap(), &("credentials".to_owned(), Outcome::Bad));
}
