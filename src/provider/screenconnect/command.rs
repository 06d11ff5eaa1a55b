//! Commands to guests: what stands around an envelope, and where its answers are found.
//!
//! Not here: what is run (`session::envelope`), and when it is sent again (`provider::queued`).
//!
//! Invariants: every command says how long it may run and how much it may print, as the defaults are ten seconds and 5,000
//! characters. Lines end with a line feed alone.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::calls::{Extension, explained};
use super::read;
use crate::http::api::{ApiError, Sent};
use crate::id::{AgentId, Name};
use crate::provider::link::run_error;
use crate::provider::queued::{Looked, NotPosted, Queue, Settings};
use crate::provider::{Presence, RunError};
use crate::session::envelope::{CommandText, Sizes};
use crate::session::script::Platform;

/// The longest command: a Linux system takes no argument longer than 131,071 bytes, and an agent may hand it over as one.
const LONGEST: usize = 100_000;
/// The longest output of one command.
const OUTPUT: usize = 100_000;
/// The shortest time between two looks.
const PACE: Duration = Duration::from_secs(1);
/// What a command has beyond its bundle's own limit before the guest ends it.
const GRACE: Duration = Duration::from_secs(30);

/// How bundles go through a link.
pub(super) fn desk(name: Name, pickup: Duration, secrets: bool) -> Settings {
    Settings { name, sizes: Sizes { longest: LONGEST - 100, answer: OUTPUT }, pickup, pace: PACE, secrets }
}

/// Guests as a system that queues commands.
#[derive(Debug)]
pub(super) struct Guests {
    pub(super) name: Name,
    pub(super) extension: Extension,
}

impl Guests {
    fn failed(&self, error: ApiError) -> NotPosted {
        let is_maybe = error.sent == Sent::Maybe;
        NotPosted { error: run_error(&self.name, &explained(error)), is_maybe }
    }
}

impl Queue for Guests {
    fn post<'a>(
        &'a self,
        agent: &'a AgentId,
        command: &'a CommandText,
        limit: Duration,
    ) -> BoxFuture<'a, Result<(), NotPosted>> {
        Box::pin(async move {
            let text = directed(command.platform, command.text.expose(), limit);
            self.extension.send(agent, &text).await.map_err(|error| self.failed(error))
        })
    }

    fn look<'a>(&'a self, agent: &'a AgentId) -> BoxFuture<'a, Result<Looked, NotPosted>> {
        Box::pin(async move {
            let details = self.extension.details(agent).await.map_err(|error| self.failed(error))?;
            let session = details.as_ref().and_then(|details| details.session.as_ref());
            let session = session.filter(|session| read::is_agent(session));
            let (Some(details), Some(session)) = (&details, session) else {
                let error = RunError::Unreachable(format!("{} has no access session {agent}", self.name));
                return Err(NotPosted { error, is_maybe: false });
            };
            let is_online = match read::presence(session) {
                Presence::Online => Some(true),
                Presence::Offline => Some(false),
                Presence::Unknown => None,
            };
            Ok(Looked { is_online, outputs: read::outputs(details) })
        })
    }
}

/// A command with the lines that say what runs it, for how long (milliseconds), and how much it may print (characters).
fn directed(platform: Platform, text: &str, limit: Duration) -> String {
    let shell = match platform {
        Platform::Windows => "#!ps\n",
        Platform::Posix => "",
    };
    let time = limit.saturating_add(GRACE).as_millis();
    format!("{shell}#timeout={time}\n#maxlength={OUTPUT}\n{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_says_its_shell_and_its_limits() {
        let limit = Duration::from_mins(4);
        assert_eq!(
            directed(Platform::Windows, "& { }\n", limit),
            "#!ps\n#timeout=270000\n#maxlength=100000\n& { }\n"
        );
        assert_eq!(directed(Platform::Posix, "{\n}\n", limit), "#timeout=270000\n#maxlength=100000\n{\n}\n");
    }
}
