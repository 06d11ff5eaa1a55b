//! Surface B: the methods of the RESTful API Manager extension.
//!
//! Not here: how a session is written (`record`), how commands run (`command`).
//!
//! Invariants: a body is an array of arguments in their order, or, for methods that read and where the server is new
//! enough, an object by parameter name. A write answers with nothing at all. Errors are text.

use std::sync::Arc;

use serde_json::Value;

use super::Control;
use super::record::{Record, details};
use super::session::{Data, Session, kind};
use super::{command, fields};
use crate::condition::{Dialect, parse};
use crate::wire::{Reply, Request};

/// A method: its name, the names of its parameters, and whether it only reads.
struct Method {
    name: &'static str,
    parameters: &'static [&'static str],
    reads: bool,
}

const METHODS: &[Method] = &[
    Method { name: "GetSessionsByFilter", parameters: &["sessionFilter"], reads: true },
    Method { name: "GetSessionsByName", parameters: &["sessionName"], reads: true },
    Method { name: "GetSessionBySessionID", parameters: &["sessionID"], reads: true },
    Method { name: "GetSessionDetailsBySessionID", parameters: &["sessionID"], reads: true },
    Method {
        name: "CreateSession",
        parameters: &["sessionType", "name", "isPublic", "code", "customPropertyValues"],
        reads: false,
    },
    Method {
        name: "UpdateSessionCustomProperties",
        parameters: &["sessionID", "customPropertyValues"],
        reads: false,
    },
    Method { name: "UpdateSessionName", parameters: &["sessionID", "name"], reads: false },
    Method { name: "SendCommandToSession", parameters: &["sessionID", "command"], reads: false },
    Method { name: "SendMessageToSession", parameters: &["sessionID", "message"], reads: false },
    Method { name: "AddNoteToSession", parameters: &["sessionID", "note"], reads: false },
    Method { name: "SendToolboxItemToSession", parameters: &["sessionID", "itemPath"], reads: false },
];

fn failed(text: impl Into<String>) -> Reply {
    Reply::text(500, text)
}

impl Control {
    /// Answers a call of the extension.
    pub(super) fn extension(&self, request: &Request, name: &str) -> Reply {
        let settings = &self.world.fleet.control;
        if !settings.extension {
            return Reply::html(404, "<html><body>The resource cannot be found.</body></html>");
        }
        if request.header("CTRLAuthHeader") != Some(settings.secret.as_str()) {
            return Reply::text(401, "");
        }
        if settings.origin.as_deref().is_some_and(|origin| request.header("origin") != Some(origin)) {
            return Reply::text(403, "");
        }
        let Some(method) = METHODS.iter().find(|method| method.name.eq_ignore_ascii_case(name)) else {
            return failed("Web method does not exist");
        };
        if !(request.method == "POST" || (method.reads && request.method == "GET")) {
            return failed("Web method does not exist");
        }
        if !request.is_json() {
            return failed("Content-Type must be application/json");
        }
        match self.arguments(request, method) {
            Ok(arguments) => self.call(method.name, &arguments).unwrap_or_else(failed),
            Err(message) => failed(message),
        }
    }

    fn arguments(&self, request: &Request, method: &Method) -> Result<Vec<Value>, String> {
        let body: Value = request.json().map_err(|_| "Invalid JSON primitive".to_owned())?;
        match body {
            Value::Array(arguments) => {
                let most = method.parameters.len() + usize::from(method.name == "SendMessageToSession");
                if arguments.len() < method.parameters.len() || arguments.len() > most {
                    return Err("Parameter count mismatch.".to_owned());
                }
                Ok(arguments)
            }
            Value::Object(mut named) if method.reads && self.world.fleet.control.object_bodies => {
                let known = |name: &String| method.parameters.iter().any(|p| p.eq_ignore_ascii_case(name));
                if let Some(unknown) = named.keys().find(|name| !known(name)) {
                    return Err(format!("Unknown parameter: {unknown}"));
                }
                let take = |parameter: &&str| {
                    let key = named.keys().find(|key| key.eq_ignore_ascii_case(parameter)).cloned();
                    key.and_then(|key| named.swap_remove(&key)).unwrap_or_default()
                };
                Ok(method.parameters.iter().map(take).collect())
            }
            _ => Err("Parameters must be an array".to_owned()),
        }
    }

    fn call(&self, method: &str, arguments: &[Value]) -> Result<Reply, String> {
        let text = |at: usize| {
            arguments.get(at).and_then(Value::as_str).ok_or_else(|| "Invalid parameter type".to_owned())
        };
        let session = || {
            let id = text(0)?;
            uuid::Uuid::parse_str(id)
                .map_err(|_| "Guid should contain 32 digits with 4 dashes".to_owned())?;
            Ok::<_, String>(self.session(id))
        };
        let found = || -> Result<Arc<Session>, String> {
            session()?.ok_or_else(|| "Session does not exist".to_owned())
        };
        match method {
            "GetSessionsByFilter" => self.by_filter(text(0).unwrap_or_default()),
            "GetSessionsByName" => {
                let name = text(0)?;
                Ok(self.list(|session| session.data().name == name))
            }
            "GetSessionBySessionID" => {
                let records: Vec<Record> =
                    session()?.iter().map(|session| Record::of(&self.world, session)).collect();
                Ok(Reply::json(&records))
            }
            "GetSessionDetailsBySessionID" => Ok(match session()? {
                Some(session) => Reply::json(&details(&self.world, &session)),
                None => Reply::json(&Value::Null),
            }),
            "CreateSession" => self.create(arguments),
            "UpdateSessionCustomProperties" => {
                let properties = properties(arguments.get(1))?;
                let session = found()?;
                self.set_properties(&session, &properties);
                Ok(Reply::empty(200))
            }
            "UpdateSessionName" => {
                let session = found()?;
                text(1)?.clone_into(&mut session.data().name);
                session.add(&self.world, kind::MODIFIED_NAME, text(1)?);
                Ok(Reply::empty(200))
            }
            "SendCommandToSession" => {
                command::send(&self.world, &found()?, text(1)?, self.delay());
                Ok(Reply::empty(200))
            }
            "SendMessageToSession" => {
                let message = text(arguments.len().saturating_sub(1))?;
                found()?.add(&self.world, kind::QUEUED_MESSAGE, message);
                Ok(Reply::empty(200))
            }
            "AddNoteToSession" => {
                found()?.add(&self.world, kind::NOTE, text(1)?);
                Ok(Reply::empty(200))
            }
            _ => {
                found()?.add(&self.world, kind::QUEUED_TOOL, text(1)?);
                Ok(Reply::empty(200))
            }
        }
    }

    fn by_filter(&self, filter: &str) -> Result<Reply, String> {
        if filter.trim().is_empty() {
            return Err("Value cannot be null. Parameter name: sessionFilter".to_owned());
        }
        let condition = parse(Dialect::Control, filter)?;
        if let Some(unknown) = condition.members().into_iter().find(|m| fields::filterable(m).is_none()) {
            return Err(format!("Unknown field: {unknown}"));
        }
        Ok(self.list(|session| condition.holds(&|name| fields::session(&self.world, session, name))))
    }

    fn list(&self, wanted: impl Fn(&Session) -> bool) -> Reply {
        let sessions = self.sessions();
        let records: Vec<Record> = sessions
            .iter()
            .filter(|session| !session.data().ended && wanted(session))
            .map(|session| Record::of(&self.world, session))
            .collect();
        Reply::json(&records)
    }

    /// Makes a session by hand; its type may be a number or a name.
    fn create(&self, arguments: &[Value]) -> Result<Reply, String> {
        let [kind, name, public, code, properties_] = arguments else {
            return Err("Parameter count mismatch.".to_owned());
        };
        let kind = match kind {
            Value::Number(number) => number.as_u64().and_then(|n| u8::try_from(n).ok()).filter(|n| *n <= 2),
            Value::String(text) => (0..=2).find(|kind| fields::type_name(*kind).eq_ignore_ascii_case(text)),
            _ => None,
        };
        let data = Data {
            name: name.as_str().unwrap_or_default().to_owned(),
            is_public: public.as_bool().unwrap_or_default(),
            code: code.as_str().unwrap_or_default().to_owned(),
            properties: properties(Some(properties_))?,
            ..Data::default()
        };
        let session = Arc::new(Session::new(kind.ok_or("Invalid session type")?, data));
        session.add(&self.world, kind::CREATED, "");
        self.add(Arc::clone(&session));
        Ok(Reply::json(&Record::of(&self.world, &session)))
    }

    /// Replaces all eight custom properties.
    pub(super) fn set_properties(&self, session: &Session, properties: &[String; 8]) {
        let before = std::mem::replace(&mut session.data().properties, properties.clone());
        for (number, (before, now)) in before.iter().zip(properties).enumerate() {
            if before != now {
                session.add(
                    &self.world,
                    kind::MODIFIED_PROPERTY,
                    &format!("CustomProperty{}: {now}", number + 1),
                );
            }
        }
    }
}

/// Up to eight texts; those that are left out become empty.
fn properties(value: Option<&Value>) -> Result<[String; 8], String> {
    let list = match value {
        Some(Value::Array(list)) if list.len() <= 8 => list.as_slice(),
        Some(Value::Null) | None => &[],
        Some(_) => return Err("Invalid parameter type".to_owned()),
    };
    let mut properties: [String; 8] = Default::default();
    for (property, value) in properties.iter_mut().zip(list) {
        match value {
            Value::String(text) => property.clone_from(text),
            Value::Null => {}
            _ => return Err("Invalid parameter type".to_owned()),
        }
    }
    Ok(properties)
}
