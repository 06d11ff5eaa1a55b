//! Connections: a request is read whole, answered by its system, and spoilt where a rule says so.
//!
//! Not here: what the systems answer; which rule hits (`crate::faults`).
//!
//! Invariants: only loopback is served. An answer that is not spoilt says how long it is.

use std::convert::Infallible;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::clock;
use crate::faults::{Rule, What};
use crate::fleet::System;
use crate::ids;
use crate::journal::Entry;
use crate::wire::{self, Reply, Request};
use crate::world::World;

/// What a proxy shows that has lost its server, and what a portal shows to somebody who is not signed in.
const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><form action=\"/Login\" method=\"post\"></form></body></html>\n";

/// A system that answers requests.
pub(crate) trait Serve: Send + Sync + 'static {
    /// Which one it is; without one nothing goes wrong on purpose, and nothing is in the journal.
    fn system(&self) -> Option<System>;
    /// Answers a request.
    fn serve(&self, request: Request) -> impl Future<Output = Reply> + Send;
    /// The answer to credentials that are good no longer.
    fn expired(&self) -> Reply;
    /// The answer of a lookup that finds nothing, when the request is a lookup.
    fn nothing(&self, request: &Request) -> Option<Reply>;
}

/// The connection breaks.
#[derive(Debug, thiserror::Error)]
#[error("broken off on purpose")]
struct Broken;

/// Listens on a port of loopback; 0 is any free one.
pub(crate) async fn listen(port: u16) -> std::io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
}

/// Serves a system until the future is dropped.
pub(crate) async fn run<S: Serve>(listener: TcpListener, world: Arc<World>, system: Arc<S>) -> Infallible {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        tokio::spawn(connection(stream, Arc::clone(&world), Arc::clone(&system)));
    }
}

async fn connection<S: Serve>(stream: TcpStream, world: Arc<World>, system: Arc<S>) {
    _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let (world, system) = (Arc::clone(&world), Arc::clone(&system));
        async move { answer(request, &world, system.as_ref()).await }
    });
    let http = hyper::server::conn::http1::Builder::new();
    // A client may go away at any time, and so may we.
    _ = http.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer<S: Serve>(
    request: hyper::Request<Incoming>,
    world: &World,
    system: &S,
) -> Result<hyper::Response<Spoilt>, Broken> {
    let begun = Instant::now();
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
    let request = Request {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: wire::query(parts.uri.query().unwrap_or_default()),
        headers: parts.headers,
        body,
    };
    let (method, path) = (request.method.clone(), request.path.clone());
    let key = format!(
        "{method} {:?} {}",
        request.query,
        ids::number("body", &String::from_utf8_lossy(&request.body))
    );
    let Some(kind) = system.system() else { return response(system.serve(request).await, None, world) };
    let rule = world.dice.request(kind, &path, &key);
    let reply = reply(request, rule.as_ref(), system).await;
    let (status, bytes) = reply.as_ref().map_or((0, 0), |reply| (reply.status, reply.body.len()));
    world.journal.add(Entry::Request {
        system: kind,
        method,
        path,
        status,
        bytes,
        fault: rule.as_ref().map(|rule| rule.what),
        micros: u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
    });
    let reply = reply.ok_or(Broken)?;
    response(reply, rule.as_ref(), world)
}

/// The answer with what a rule makes of it; `None` when the connection breaks without one.
async fn reply<S: Serve>(request: Request, rule: Option<&Rule>, system: &S) -> Option<Reply> {
    let Some(rule) = rule else { return Some(system.serve(request).await) };
    Some(match rule.what {
        What::Throttle => {
            let reply = Reply::text(429, "Too Many Requests");
            match rule.retry_after {
                Some(seconds) => reply.with("retry-after", seconds.to_string()),
                None => reply,
            }
        }
        What::Status => {
            let status = rule.status.unwrap_or(500);
            Reply::html(
                status,
                format!("<html><head><title>{status}</title></head><body>{status}</body></html>\n"),
            )
        }
        What::ResetBefore => return None,
        What::ResetAfter => {
            system.serve(request).await;
            return None;
        }
        What::Html => {
            system.serve(request).await;
            Reply::html(200, PAGE)
        }
        What::LoginRedirect => Reply::html(302, PAGE).with("location", "/Login?Reason=0"),
        What::ExpireToken => system.expired(),
        What::EmptyLookup => match system.nothing(&request) {
            Some(nothing) => nothing,
            None => system.serve(request).await,
        },
        What::Truncated => {
            let mut reply = system.serve(request).await;
            reply.body.truncate(rule.cut(reply.body.len()));
            reply
        }
        What::Reset
        | What::SlowBody
        | What::LoseOutput
        | What::LateOutput
        | What::DuplicateOutput
        | What::CutOutput => system.serve(request).await,
    })
}

fn response(reply: Reply, rule: Option<&Rule>, world: &World) -> Result<hyper::Response<Spoilt>, Broken> {
    let mut response = hyper::Response::builder().status(reply.status);
    if !reply.headers.iter().any(|(name, _)| *name == "date") {
        response = response.header("date", clock::http(world.server_now()));
    }
    for (name, value) in &reply.headers {
        response = response.header(*name, value);
    }
    let length = reply.body.len();
    let all = Bytes::from(reply.body);
    let body = match rule {
        Some(rule) if rule.what == What::Reset => {
            Spoilt { first: all.slice(..rule.cut(length)), then: Then::Break, length }
        }
        Some(rule) if rule.what == What::SlowBody => {
            let cut = rule.cut(length);
            let pause = Box::pin(tokio::time::sleep(rule.delay()));
            Spoilt { first: all.slice(..cut), then: Then::Pause(pause, all.slice(cut..)), length }
        }
        _ => Spoilt { first: all, then: Then::End, length },
    };
    response.body(body).map_err(|_| Broken)
}

/// A body that can pause or break off.
struct Spoilt {
    first: Bytes,
    then: Then,
    length: usize,
}

enum Then {
    End,
    Break,
    Pause(Pin<Box<tokio::time::Sleep>>, Bytes),
}

impl Body for Spoilt {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if !self.first.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.first)))));
        }
        match &mut self.then {
            Then::End => Poll::Ready(None),
            Then::Break => Poll::Ready(Some(Err(Broken))),
            Then::Pause(pause, rest) => match pause.as_mut().poll(context) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(()) => {
                    let rest = std::mem::take(rest);
                    self.then = Then::End;
                    if rest.is_empty() { Poll::Ready(None) } else { Poll::Ready(Some(Ok(Frame::data(rest)))) }
                }
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_empty() && matches!(self.then, Then::End)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length as u64)
    }
}
