//! Calls of the RESTful API Manager extension.
//!
//! Not here: what the answers mean (`read`).
//!
//! Invariants: arguments are a list in their order, sent by `POST`. A lookup that finds nothing is made twice before that is
//! believed, as under load a server may wrongly find nothing. A session's id is a GUID before it is sent.

use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::wire::{Details, Session};
use crate::http::api::{ApiError, Auth, Call, Client, Expects, Fault, Plain, Token};
use crate::id::AgentId;
use crate::provider::link::Keys;
use crate::secret::{Secret, SecretRef};
use crate::time::Timestamp;

/// The extension's id, the same on every server.
const EXTENSION: &str = "2d558935-686a-4bd0-9991-07539f5fe749";
/// All access sessions, in the language of session filters.
const ACCESS: &str = "SessionType = 'Access'";
/// How long before a lookup that found nothing is made again.
const AGAIN: Duration = Duration::from_secs(2);
/// A list comes in one piece, however long it is: a session has about two kilobytes.
const LIST: Duration = Duration::from_mins(10);

/// Signs calls with the extension's secret.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) keys: Keys,
    pub(super) secret: SecretRef,
    pub(super) origin: String,
}

impl Auth for Key {
    fn headers(&self, token: Option<&Token>, _: Timestamp) -> Vec<(&'static str, Secret)> {
        let key = token.map(|token| ("ctrlauthheader", token.secret.clone()));
        key.into_iter().chain([("origin", Secret::new(self.origin.clone()))]).collect()
    }

    fn obtain<'a>(
        &'a self,
        _: Plain<'a>,
        _: Option<&'a Token>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Token>, ApiError>> {
        Box::pin(async move {
            let secret = self.keys.find("the secret of the extension", &self.secret)?;
            Ok(Some(Token { secret, since: now, ends: None }))
        })
    }
}

/// The extension of one server.
#[derive(Debug, Clone)]
pub(super) struct Extension {
    client: Client,
}

impl Extension {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// What `make` makes of all access sessions, one by one as they come.
    pub(super) async fn sessions<T: Send>(
        &self,
        mut make: impl FnMut(Session) -> Option<T> + Send,
    ) -> Result<Vec<T>, ApiError> {
        let call = self.call("GetSessionsByFilter", json!([ACCESS])).within(LIST);
        let mut take = |(all, count): &mut (Vec<T>, usize), session: Session| {
            all.extend(make(session));
            *count += 1;
        };
        let (all, count) = self.client.fold(&call, Default::default, &mut take).await?;
        if count > 0 {
            return Ok(all);
        }
        tokio::time::sleep(AGAIN).await;
        self.client.fold(&call, Default::default, &mut take).await.map(|(all, _)| all)
    }

    /// One session; `None` when there is none.
    pub(super) async fn session(&self, agent: &AgentId) -> Result<Option<Session>, ApiError> {
        const NAME: &str = "GetSessionBySessionID";
        let Some(id) = guid(agent) else { return Ok(None) };
        for is_again in [false, true] {
            if is_again {
                tokio::time::sleep(AGAIN).await;
            }
            let found: Option<Vec<Session>> = self.read(NAME, json!([id])).await?;
            if let Some(session) =
                found.unwrap_or_default().into_iter().find(|one| one.id.eq_ignore_ascii_case(&id))
            {
                return Ok(Some(session));
            }
        }
        Ok(None)
    }

    /// One session with its events; `None` when there is none.
    pub(super) async fn details(&self, agent: &AgentId) -> Result<Option<Details>, ApiError> {
        const NAME: &str = "GetSessionDetailsBySessionID";
        let Some(id) = guid(agent) else { return Ok(None) };
        for is_again in [false, true] {
            if is_again {
                tokio::time::sleep(AGAIN).await;
            }
            let found: Option<Details> = self.read(NAME, json!([id])).await?;
            if let Some(details) = found.filter(|details| details.session.is_some()) {
                return Ok(Some(details));
            }
        }
        Ok(None)
    }

    /// A call that nothing comes of: whether the extension is there and takes the secret.
    pub(super) async fn nothing(&self) -> Result<(), ApiError> {
        let id = "00000000-0000-0000-0000-000000000000";
        let _: Option<Vec<Value>> = self.read("GetSessionBySessionID", json!([id])).await?;
        Ok(())
    }

    /// Leaves a command for the guest. To be sent twice only when it does no harm.
    pub(super) async fn send(&self, agent: &AgentId, command: &str) -> Result<(), ApiError> {
        let call =
            self.call("SendCommandToSession", json!([agent.as_str(), command])).expects(Expects::Nothing);
        self.client.call(&call.private()).await.map(|_| ())
    }

    /// Replaces all eight custom properties.
    pub(super) async fn set_properties(&self, agent: &AgentId, values: &[String]) -> Result<(), ApiError> {
        let call = self.call("UpdateSessionCustomProperties", json!([agent.as_str(), values]));
        self.client.call(&call.expects(Expects::Nothing)).await.map(|_| ())
    }

    async fn read<T: DeserializeOwned>(&self, method: &str, arguments: Value) -> Result<T, ApiError> {
        self.client.json(&self.call(method, arguments)).await
    }

    /// All that is called here may be called twice: it reads, replaces, or leaves an envelope, which runs once.
    fn call(&self, method: &str, arguments: Value) -> Call {
        let path = format!("App_Extensions/{EXTENSION}/Service.ashx");
        let name = format!("{method} of {}", self.client.name());
        Call::post(name).at(&path).part(method).json(arguments).idempotent()
    }
}

/// What the errors of the extension mean, where a status alone does not tell it.
pub(super) fn explained(error: ApiError) -> ApiError {
    let why = match &error.fault {
        Fault::NotFound(_) => "the extension RESTful API Manager is not installed, or it is switched off",
        Fault::Forbidden(_) => {
            "the extension allows another origin (RESTfulAllowedOrigin): give it as `origin`"
        }
        Fault::Unauthorized(_) => "the extension has another secret (RESTfulAuthenticationSecret)",
        _ => return error,
    };
    ApiError { call: format!("{} ({why})", error.call), ..error }
}

/// The id as the server writes it; `None` when it is no GUID, which no session has.
fn guid(agent: &AgentId) -> Option<String> {
    uuid::Uuid::try_parse(agent.as_str()).ok().map(|id| id.hyphenated().to_string())
}
