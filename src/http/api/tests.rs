//! The client against a server that fails in every way there is.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use serde_json::json as value;

use super::health::State;
use super::server::{Asked, Reply, Server, json, response, status};
use super::*;
use crate::secret::Secret;
use crate::time::{Clock, Timestamp};

/// A clock that stands still.
#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }
}

/// No sign-in.
#[derive(Debug)]
struct Open;

impl Auth for Open {
    fn headers(&self, _: Option<&Token>, _: Timestamp) -> Vec<(&'static str, Secret)> {
        Vec::new()
    }
}

/// Signs in by `POST /token`, whose answer is `{"token": …, "seconds": …}`.
#[derive(Debug, Default)]
struct Signs(AtomicUsize);

#[derive(serde::Deserialize)]
struct Given {
    token: String,
    seconds: i64,
}

impl Auth for Signs {
    fn headers(&self, token: Option<&Token>, _: Timestamp) -> Vec<(&'static str, Secret)> {
        let bearer = |token: &Token| Secret::new(format!("Bearer {}", token.secret.expose()));
        token.map(|token| ("authorization", bearer(token))).into_iter().collect()
    }

    fn obtain<'a>(
        &'a self,
        plain: Plain<'a>,
        _: Option<&'a Token>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Token>, ApiError>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            let password = Secret::new("canary-password".to_owned());
            let call = Call::post("sign-in").at("token").json(value!({"password": password.expose()}));
            let given: Given = plain.call(&call.hides(&password)).await?.json()?;
            let ends = now.checked_add(jiff::SignedDuration::from_secs(given.seconds)).ok();
            Ok(Some(Token { secret: Secret::new(given.token), since: now, ends }))
        })
    }
}

fn settings(server: &str) -> Settings {
    let mut settings = Settings::new("link", base(server).unwrap());
    settings.proxy = Proxy::None;
    settings.patience.first_wait = Duration::from_millis(2);
    settings.rate = Rate::per_second(1000);
    settings.times.connect = Duration::from_secs(5);
    settings
}

fn client(server: &Server) -> Client {
    built(settings(&server.base), Open)
}

fn built(settings: Settings, auth: impl Auth + 'static) -> Client {
    Client::new(settings, Arc::new(auth), Arc::new(Noon)).unwrap()
}

fn look() -> Call {
    Call::get("things of link").at("things")
}

fn act() -> Call {
    Call::post("order of link").at("orders").json(value!({"what": 1}))
}

/// Answers the first requests with these, one after the other, and all later ones with `[]`.
async fn first(replies: Vec<fn() -> Reply>) -> Server {
    Server::start(move |_, before| replies.get(before).map_or_else(|| json("[]"), |reply| reply())).await
}

/// Looks and acts, each against a fresh server that always answers so: the errors, and how often each was sent.
async fn always(reply: fn() -> Reply) -> [(ApiError, usize); 2] {
    let mut results = Vec::new();
    for call in [look(), act()] {
        let server = Server::start(move |_, _| reply()).await;
        let mut settings = settings(&server.base);
        settings.times.attempt = Duration::from_millis(300);
        let error = built(settings, Open).call(&call).await.unwrap_err();
        results.push((error, server.count()));
    }
    results.try_into().unwrap()
}

#[tokio::test]
async fn a_call_is_sent_as_it_is_written_below_a_base_with_a_path() {
    let server = Server::start(|_, _| json(r#"{"id":"7"}"#)).await;
    let client = built(settings(&format!("{}/specific/", server.base)), Open);
    let call =
        act().part("a b").query("q", "x&y").header("x-request-id", "1").header("origin", "https://x.test");
    let answer = client.call(&call).await.unwrap();
    assert_eq!(answer.json::<serde_json::Value>().unwrap(), value!({"id": "7"}));
    let asked: Asked = server.asked().remove(0);
    assert_eq!((asked.method.as_str(), asked.target.as_str()), ("POST", "/specific/orders/a%20b?q=x%26y"));
    assert_eq!(asked.body, r#"{"what":1}"#);
    assert_eq!(asked.headers["accept"], "application/json");
    assert_eq!(asked.headers["content-type"], "application/json");
    assert_eq!(asked.headers["x-request-id"], "1");
}

#[tokio::test]
async fn a_get_may_have_content() {
    let server = Server::start(|_, _| json("[]")).await;
    client(&server).call(&look().json(value!({"resources": ["a"]}))).await.unwrap();
    assert_eq!(server.asked()[0].body, r#"{"resources":["a"]}"#);
}

#[tokio::test]
async fn html_with_status_200_is_an_error_that_names_the_call_and_is_sent_once() {
    let html = || Reply::Bytes(response(200, &[("content-type", "text/html")], "<html>canary</html>"));
    for (error, count) in always(html).await {
        assert!(matches!(error.fault, Fault::NotJson(_)), "{error}");
        assert!(error.to_string().contains("of link: the answer is not JSON: an HTML page"), "{error}");
        assert!(!error.to_string().contains("canary"));
        assert_eq!((count, error.sent), (1, Sent::Maybe));
    }
}

#[tokio::test]
async fn a_wrong_content_type_is_an_error() {
    let text = || Reply::Bytes(response(200, &[("content-type", "text/plain")], "[]"));
    for (error, count) in always(text).await {
        assert!(matches!(error.fault, Fault::NotJson(_)) && count == 1, "{error}");
    }
}

#[tokio::test]
async fn half_a_document_is_an_error_and_is_asked_for_again_only_where_that_is_harmless() {
    let [(look, looks), (act, acts)] = always(|| json(r#"[{"id":1},{"id":"#)).await;
    assert!(matches!(look.fault, Fault::Broken(_)) && matches!(act.fault, Fault::Broken(_)));
    assert_eq!((looks, acts), (4, 1));
    assert_eq!((act.sent, act.attempts), (Sent::Maybe, 1));
    let server = first(vec![|| json("[1,"), || json("")]).await;
    assert!(client(&server).call(&super::tests::look()).await.is_ok());
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    let cut = || {
        let mut bytes = response(200, &[("content-type", "application/json")], "[1,2,3,4]");
        bytes.truncate(bytes.len() - 3);
        Reply::Bytes(bytes)
    };
    let [(look, looks), (act, acts)] = always(cut).await;
    assert!(matches!(look.fault, Fault::Broken(_)) && matches!(act.fault, Fault::Broken(_)), "{look} {act}");
    assert_eq!((looks, acts, act.sent), (4, 1, Sent::Maybe));
}

#[tokio::test]
async fn a_connection_that_ends_without_an_answer_leaves_it_open_whether_the_call_was_carried_out() {
    let [(look, looks), (act, acts)] = always(|| Reply::Bytes(Vec::new())).await;
    assert!(matches!(look.fault, Fault::Broken(_)) && matches!(act.fault, Fault::Broken(_)), "{look} {act}");
    assert_eq!((looks, acts, act.sent), (4, 1, Sent::Maybe));
}

#[tokio::test]
async fn where_nobody_listens_nothing_was_carried_out() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for call in [look(), act()] {
        let error = built(settings(&address), Open).call(&call).await.unwrap_err();
        assert!(matches!(error.fault, Fault::Unreachable(_)), "{error}");
        assert_eq!((error.sent, error.attempts), (Sent::Never, 4));
    }
}

#[tokio::test]
async fn silence_and_slow_content_end_with_the_limit() {
    for silent in [(|| Reply::Silence(Vec::new())) as fn() -> Reply, || {
        Reply::Silence(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n[1,".to_vec())
    }] {
        let [(look, looks), (act, acts)] = always(silent).await;
        assert!(
            matches!(look.fault, Fault::TimedOut(_)) && matches!(act.fault, Fault::TimedOut(_)),
            "{look}"
        );
        assert_eq!((looks, acts, act.sent), (4, 1, Sent::Maybe));
    }
}

#[tokio::test]
async fn a_call_never_takes_longer_than_it_may() {
    let server = Server::start(|_, _| Reply::Silence(Vec::new())).await;
    let started = std::time::Instant::now();
    let error = client(&server).call(&look().within(Duration::from_millis(200))).await.unwrap_err();
    assert!(matches!(error.fault, Fault::TimedOut(_)), "{error}");
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn what_is_too_long_is_not_taken() {
    let server = Server::start(|_, _| json(&format!("[\"{}\"]", "x".repeat(5000)))).await;
    let mut settings = settings(&server.base);
    settings.longest = 1000;
    let error = built(settings, Open).call(&look()).await.unwrap_err();
    assert_eq!(error.fault, Fault::TooLarge(1000));
}

/// Takes a list entry by entry.
async fn folded(server: &Server) -> Result<Vec<u32>, ApiError> {
    #[derive(serde::Deserialize)]
    struct Thing {
        id: u32,
    }
    let mut settings = settings(&server.base);
    (settings.longest, settings.times.attempt) = (100_000, Duration::from_secs(2));
    let take = |ids: &mut Vec<u32>, thing: Thing| ids.push(thing.id);
    built(settings, Open).fold(&look(), Vec::new, take).await
}

#[tokio::test]
async fn a_list_is_read_as_it_comes_and_anew_when_it_broke_off() {
    let all = |many: u32| (1..=many).map(|id| format!("{{\"id\":{id}}}")).collect::<Vec<_>>().join(",\n");
    let server = Server::start(move |_, before| match before {
        // A list that looks whole up to where it ends.
        0 => json(&format!("[{},", all(4_000))),
        1 => {
            let mut bytes =
                response(200, &[("content-type", "application/json")], &format!("[{}]", all(4_000)));
            bytes.truncate(50_000);
            Reply::Bytes(bytes)
        }
        2 => Reply::Silence(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n[{\"id\":7},".to_vec()),
        _ => json(&format!("\u{feff}[{}]\n", all(5_000))),
    })
    .await;
    let ids = folded(&server).await.unwrap();
    assert_eq!((ids.len(), ids.last(), server.count()), (5_000, Some(&5_000), 4));
    assert!(ids.iter().is_sorted(), "nothing of the lists that broke off is left");
    for nothing in ["[]", "null"] {
        let server = Server::start(move |_, _| json(nothing)).await;
        assert_eq!(folded(&server).await, Ok(Vec::new()));
    }
}

#[tokio::test]
async fn what_is_no_list_is_an_error_when_it_is_read_as_it_comes() {
    type Answer = (fn() -> Reply, &'static str, usize);
    let answers: [Answer; 8] = [
        (
            || json("[{\"id\":1},{\"id\":2}"),
            "the answer is not whole: it ends in the middle of the document",
            4,
        ),
        (|| json(" "), "the answer is not whole: it is empty", 4),
        (
            || json("[{\"id\":1},{\"id\":\"canary\"}]"),
            "the answer is not as documented at $[1].id: invalid type: string, expected u32",
            1,
        ),
        (
            || json("{\"message\":\"canary\"}"),
            "the answer is not as documented at $: invalid type: map, expected a sequence",
            1,
        ),
        (|| json("[{\"id\":1}] <html>canary"), "the answer is not JSON: it cannot be read as JSON", 1),
        (|| json(" <html>canary</html>"), "the answer is not JSON: an HTML or XML page", 1),
        (
            || Reply::Bytes(response(200, &[("content-type", "text/html")], "[]")),
            "the answer is not JSON: an HTML page",
            1,
        ),
        (
            || Reply::Bytes(response(200, &[("content-type", "text/plain")], "[]")),
            "the answer is not JSON: its content type is text/plain",
            1,
        ),
    ];
    for (reply, why, times) in answers {
        let server = Server::start(move |_, _| reply()).await;
        let error = folded(&server).await.unwrap_err();
        assert_eq!((error.to_string(), server.count()), (format!("things of link: {why}"), times));
    }
    let server = Server::start(|_, _| json(&format!("[{}]", "{\"id\":1},".repeat(12_000)))).await;
    assert_eq!(folded(&server).await.unwrap_err().fault, Fault::TooLarge(100_000));
}

#[tokio::test]
async fn a_redirect_to_a_login_page_is_not_followed() {
    let redirect = || status(302, &[("location", "/Login?token=canary")]);
    for (error, count) in always(redirect).await {
        assert_eq!(error.fault, Fault::Redirected("/Login".to_owned()));
        assert_eq!(count, 1);
    }
    let elsewhere = || status(307, &[("location", "https://login.test/a?b=canary")]);
    assert_eq!(always(elsewhere).await[0].0.fault, Fault::Redirected("https://login.test/a".to_owned()));
}

#[tokio::test]
async fn a_fault_of_the_server_passes_for_looking_and_not_for_doing() {
    let server = first(vec![|| status(500, &[]), || status(502, &[]), || status(503, &[])]).await;
    assert!(client(&server).call(&look()).await.is_ok());
    assert_eq!(server.count(), 4);
    let server = first(vec![|| status(500, &[])]).await;
    let error = client(&server).call(&act()).await.unwrap_err();
    assert!(matches!(error.fault, Fault::Failing(_)), "{error}");
    assert_eq!((server.count(), error.sent), (1, Sent::Maybe));
    let server = first(vec![|| status(500, &[])]).await;
    assert!(client(&server).call(&act().idempotent()).await.is_ok(), "a repeat is harmless");
}

#[tokio::test]
async fn a_server_that_is_closed_and_says_until_when_has_done_nothing() {
    let server = first(vec![|| status(503, &[("retry-after", "0")])]).await;
    assert!(client(&server).call(&act()).await.is_ok());
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn too_many_requests_pause_the_whole_link() {
    let server = first(vec![|| status(429, &[("retry-after", "1")])]).await;
    let client = client(&server);
    let started = std::time::Instant::now();
    let (one, other) = tokio::join!(async { client.call(&act()).await }, async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        client.call(&look()).await
    });
    assert!(one.is_ok() && other.is_ok());
    assert!(started.elapsed() >= Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(server.count(), 3);
    assert_eq!(client.condition().borrow().state, State::Degraded);
}

#[tokio::test]
async fn a_wait_longer_than_the_call_may_take_is_not_waited() {
    let server = first(vec![|| status(429, &[("retry-after", "3600")])]).await;
    let client = client(&server);
    for sent in [1, 0] {
        let error = client.call(&act()).await.unwrap_err();
        assert!(matches!(error.fault, Fault::Limited { after: Some(3000..=3600), .. }), "{error}");
        assert_eq!((error.sent, error.attempts), (Sent::Never, sent));
    }
    assert_eq!(server.count(), 1, "nobody asks again before the time");
}

#[tokio::test]
async fn refusals_keep_what_the_server_says_of_them() {
    let reply = |code: u16, kind: &'static str, body: &'static str| {
        move |_: &Asked, _: usize| Reply::Bytes(response(code, &[("content-type", kind)], body))
    };
    let said = |error: ApiError| error.to_string();
    let server = Server::start(reply(403, "text/plain", "access is forbidden\n")).await;
    let error = client(&server).call(&look()).await.unwrap_err();
    assert!(error.is_denied());
    insta::assert_snapshot!(said(error), @"things of link: the account may not do this (status 403: access is forbidden)");
    let server =
        Server::start(reply(404, "application/json", r#"{"description":"Resource not found"}"#)).await;
    insta::assert_snapshot!(said(client(&server).call(&look()).await.unwrap_err()), @"things of link: it is not there (status 404: Resource not found)");
    let server = Server::start(reply(400, "application/json", r#"{"Message":"bad condition"}"#)).await;
    let error = client(&server).call(&act()).await.unwrap_err();
    assert_eq!((error.sent, server.count()), (Sent::Never, 1));
    insta::assert_snapshot!(said(error), @"order of link: the server refuses this (status 400: bad condition)");
    let server = Server::start(reply(502, "text/html", "<html><title>Bad gateway</title>")).await;
    insta::assert_snapshot!(said(client(&server).call(&look()).await.unwrap_err()), @"things of link: the server fails (status 502: an HTML page)");
}

#[tokio::test]
async fn an_answer_of_another_shape_names_the_member() {
    let server = Server::start(|_, _| json(r#"[{"id":1},{"id":[2]}]"#)).await;
    #[derive(Debug, serde::Deserialize)]
    struct Thing {
        #[serde(deserialize_with = "read::number", rename = "id")]
        _id: u64,
    }
    let error = client(&server).json::<Vec<Thing>>(&look()).await.unwrap_err();
    insta::assert_snapshot!(error, @"things of link: the answer is not as documented at $[1].id: invalid type: sequence, expected an id: a whole number or a text");
}

/// So many times the same call at once.
async fn crowd(client: &Client, count: usize, call: &Call) -> Vec<Result<Answer, ApiError>> {
    join_all((0..count).map(|_| client.call(call))).await
}

/// A server with sign-in: the tokens it gave out that hold, and how it answers.
async fn guarded(seconds: i64, is_valid: fn(&str) -> bool) -> Server {
    let given = AtomicUsize::new(0);
    Server::start(move |asked, _| {
        if asked.target == "/token" {
            let number = given.fetch_add(1, Ordering::SeqCst) + 1;
            let body = format!(r#"{{"token":"canary-{number}","seconds":{seconds}}}"#);
            return Reply::Later(
                Duration::from_millis(50),
                response(200, &[("content-type", "application/json")], &body),
            );
        }
        let token = asked.headers.get("authorization").map(String::as_str).unwrap_or_default();
        if is_valid(token) { json("[]") } else { status(401, &[]) }
    })
    .await
}

fn sign_ins(server: &Server) -> usize {
    server.asked().iter().filter(|asked| asked.target == "/token").count()
}

#[tokio::test]
async fn many_who_wait_for_a_token_get_the_same_one() {
    let server = guarded(3600, |token| token == "Bearer canary-1").await;
    let client = built(settings(&server.base), Signs::default());
    let results = crowd(&client, 30, &act()).await.into_iter().filter(Result::is_ok).count();
    assert_eq!((results, sign_ins(&server)), (30, 1));
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_for_all_and_the_calls_are_repeated() {
    let server = guarded(3600, |token| token == "Bearer canary-2").await;
    let client = built(settings(&server.base), Signs::default());
    let results = crowd(&client, 30, &act()).await.into_iter().filter(Result::is_ok).count();
    assert_eq!((results, sign_ins(&server)), (30, 2));
}

#[tokio::test]
async fn a_new_token_that_is_refused_too_is_an_error() {
    let server = guarded(3600, |_| false).await;
    let error = built(settings(&server.base), Signs::default()).call(&act()).await.unwrap_err();
    assert!(matches!(error.fault, Fault::Unauthorized(_)), "{error}");
    assert_eq!((sign_ins(&server), server.count(), error.sent), (2, 4, Sent::Never));
}

#[tokio::test]
async fn a_token_that_is_about_to_end_is_renewed_first() {
    let server = guarded(0, |_| true).await;
    let client = built(settings(&server.base), Signs::default());
    client.call(&look()).await.unwrap();
    client.call(&look()).await.unwrap();
    assert_eq!(sign_ins(&server), 2);
}

#[tokio::test]
async fn refused_credentials_are_not_tried_again_and_again() {
    let server = Server::start(|_, _| {
        Reply::Bytes(response(401, &[("content-type", "text/plain")], "wrong password canary-password"))
    })
    .await;
    let client = built(settings(&server.base), Signs::default());
    let errors = crowd(&client, 20, &act()).await;
    for error in errors {
        let error = error.unwrap_err();
        assert_eq!(error.to_string(), "sign-in: the credentials are not accepted (status 401)");
        assert_eq!(error.sent, Sent::Never);
    }
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn without_tokens_a_401_is_final() {
    let [(look, looks), (act, acts)] = always(|| status(401, &[])).await;
    assert!(look.is_denied() && act.is_denied());
    assert_eq!((looks, acts), (1, 1));
}

#[tokio::test]
async fn the_servers_clock_counts_and_its_difference_is_known() {
    let server = Server::start(|_, _| {
        let late = ("date", "Sun, 22 Nov 2026 12:10:00 GMT");
        Reply::Bytes(response(200, &[("content-type", "application/json"), late], "[]"))
    })
    .await;
    let client = client(&server);
    assert_eq!(client.ahead(), None);
    client.call(&look()).await.unwrap();
    assert_eq!(client.ahead(), Some(600));
}

#[tokio::test]
async fn a_link_that_keeps_failing_is_left_alone_and_tells_so() {
    let server = Server::start(|_, _| status(500, &[])).await;
    let client = client(&server);
    let mut condition = client.condition();
    let mut told = Vec::new();
    for _ in 0..4 {
        let error = client.call(&look()).await.unwrap_err();
        told.push(matches!(error.fault, Fault::Open { .. }));
        if condition.has_changed().unwrap() {
            assert!(condition.borrow_and_update().state > State::Healthy);
        }
    }
    // Three calls of four attempts; the tenth failure was the last that was sent.
    assert_eq!((told, server.count()), (vec![false, false, false, true], 10));
    let condition = condition.borrow();
    assert_eq!(condition.state, State::Unhealthy);
    insta::assert_snapshot!(condition.notice(), @"link does not answer and is left alone for a while: the server fails (status 500)");
}

#[tokio::test]
async fn no_more_requests_are_under_way_than_allowed() {
    let server = Server::start(|_, _| {
        Reply::Later(Duration::from_millis(20), response(200, &[("content-type", "application/json")], "[]"))
    })
    .await;
    let mut settings = settings(&server.base);
    settings.concurrency = 3;
    let client = built(settings, Open);
    crowd(&client, 20, &look()).await;
    let most = server.asked().iter().map(|asked| asked.at_once).max();
    assert!(matches!(most, Some(2..=4)), "{most:?}");
}

#[tokio::test]
async fn a_vendors_own_limit_slows_the_link_down() {
    let server = Server::start(|_, _| json("[]")).await;
    let client = client(&server);
    client.lower(Rate { requests: 20, per: Duration::from_secs(1), burst: 1 });
    let started = std::time::Instant::now();
    for _ in 0..6 {
        client.call(&look()).await.unwrap();
    }
    assert!(started.elapsed() >= Duration::from_millis(250), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_proxy_that_is_named_is_used() {
    let server = Server::start(|_, _| json("[]")).await;
    let mut settings = settings("http://nowhere.test/api");
    settings.proxy = Proxy::At(Secret::new(server.base.clone()));
    built(settings, Open).call(&look()).await.unwrap();
    assert_eq!(server.asked()[0].target, "http://nowhere.test/api/things");
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_no_secure_connection() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        use std::io::Write as _;
        for stream in listener.incoming() {
            _ = stream.unwrap().write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let error = built(settings(&address), Open).call(&act()).await.unwrap_err();
    assert!(matches!(error.fault, Fault::Tls(_)), "{error}");
    assert_eq!(error.sent, Sent::Never);
}

/// A server that answers one request after another over TLS, with a certificate of an authority that only tests know.
fn secure() -> String {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use std::io::{Read as _, Write as _};

    const PEM: &[u8] = include_bytes!("testdata/server.pem");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(PEM).unwrap()],
            PrivateKeyDer::from_pem_slice(PEM).unwrap(),
        )
        .unwrap();
    let config = Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream.unwrap());
            let mut buffer = [0; 4096];
            if stream.read(&mut buffer).is_ok() {
                _ = stream.write_all(&response(200, &[("content-type", "application/json")], "[]"));
                stream.conn.send_close_notify();
                _ = stream.flush();
            }
        }
    });
    address
}

#[tokio::test]
async fn a_certificate_is_accepted_only_from_an_authority_that_is_trusted() {
    let server = secure();
    let error = built(settings(&server), Open).call(&act()).await.unwrap_err();
    assert!(matches!(error.fault, Fault::Tls(_)), "{error}");
    assert_eq!((error.sent, error.attempts), (Sent::Never, 1));
    let mut settings = settings(&server);
    settings.authorities = Some(include_bytes!("testdata/authority.pem").to_vec());
    built(settings, Open).call(&act()).await.unwrap();
}

#[test]
fn settings_that_cannot_be_used_are_told() {
    let client = |change: fn(&mut Settings)| {
        let mut settings = settings("x.test");
        change(&mut settings);
        Client::new(settings, Arc::new(Open), Arc::new(Noon)).unwrap_err()
    };
    let no_authorities = client(|settings| settings.authorities = Some(b"nonsense".to_vec()));
    assert!(matches!(no_authorities, SetupError::Authorities(_)), "{no_authorities}");
    let no_proxy = client(|settings| settings.proxy = Proxy::At(Secret::new("http://[canary".to_owned())));
    assert_eq!(no_proxy, SetupError::Proxy);
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_stands_in_logs_or_errors() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    // While there is only one, what other tests' threads ask first is decided by their own, which want nothing.
    let _other = tracing::Dispatch::new(tracing_subscriber::registry());
    let guard = tracing::subscriber::set_default(subscriber);
    let server = guarded(3600, |token| token == "Bearer canary-2").await;
    let client = built(settings(&server.base), Signs::default());
    let secret = Secret::new("canary-basic".to_owned());
    let call = act().query("password", "canary-query").secret_header("x-secret", secret);
    client.call(&call).await.unwrap();
    let server = Server::start(|asked, _| {
        let echo = format!("{:?} {}", asked.headers, asked.body);
        Reply::Bytes(response(400, &[("content-type", "text/plain")], &echo))
    })
    .await;
    let error = built(settings(&server.base), Signs::default()).call(&call).await.unwrap_err();
    drop(guard);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("order of link") && log.contains("path=\"/orders\"") && log.contains("status=401"),
        "{log}"
    );
    for text in [log, format!("{error} {error:?} {client:?} {call:?}")] {
        assert!(!text.contains("canary"), "{text}");
    }
}
