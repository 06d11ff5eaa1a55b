//! Bundles over systems that queue commands as text: what the adapters of such systems share.
//!
//! Not here: what a command looks like (`session::envelope`, which also decides what to do next), and the system itself,
//! which is a [`Queue`].
//!
//! Invariants: what may be posted twice runs once. A bundle with a secret is refused before anything is posted, unless the
//! settings allow it: such systems keep the text of commands where their users read it. "Nothing ran" is said only when
//! that is certain. Every command is counted, since each one stays in the system's database.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::shell;
use super::{CommandCount, RunError};
use crate::id::AgentId;
use crate::session::envelope::{CommandText, Failure, Next, OrderId, Sender, Sizes, Way};
use crate::session::script::{Bundle, BundleResult, Read, Write};
use crate::session::{bundle as text, frame};
use crate::time::Clock;

/// A system that takes commands as text and gives back text.
pub(super) trait Queue: Send + Sync {
    /// Leaves a command for the agent's computer, which has this long to run it. It may be sent again when it is not
    /// certain that it has arrived.
    fn post<'a>(
        &'a self,
        agent: &'a AgentId,
        command: &'a CommandText,
        limit: Duration,
    ) -> BoxFuture<'a, Result<(), NotPosted>>;

    /// What has come back from the computer, and whether it is there.
    fn look<'a>(&'a self, agent: &'a AgentId) -> BoxFuture<'a, Result<Looked, NotPosted>>;
}

/// What a look at a computer brought.
#[derive(Debug, Clone, Default)]
pub(super) struct Looked {
    /// Whether it is online; `None` when the system does not say.
    pub(super) is_online: Option<bool>,
    /// Outputs of any commands, each under a key of its own; old ones may be among them.
    pub(super) outputs: Vec<(String, String)>,
}

/// Why something was not posted, or could not be looked at.
#[derive(Debug, Clone)]
pub(super) struct NotPosted {
    /// What happened.
    pub(super) error: RunError,
    /// Whether it may have been posted all the same.
    pub(super) is_maybe: bool,
}

/// How often what only looks is sent again after something newer overtook it.
const OVERTAKEN: u32 = 5;

/// Why a bundle brought no results.
enum Missed {
    /// Something newer overtook it, and nothing ran.
    Overtaken,
    Failed(RunError),
}

impl From<RunError> for Missed {
    fn from(error: RunError) -> Self {
        Self::Failed(error)
    }
}

/// How bundles go over one link.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// The link's name, for messages.
    pub(super) name: crate::id::Name,
    /// What the system takes.
    pub(super) sizes: Sizes,
    /// How long a computer that is online may take to begin.
    pub(super) pickup: Duration,
    /// The shortest time between two looks.
    pub(super) pace: Duration,
    /// Whether secrets may travel.
    pub(super) secrets: bool,
}

/// What is kept from one bundle to the next.
#[derive(Debug)]
pub(super) struct Desk {
    settings: Settings,
    clock: Arc<dyn Clock>,
    newest: AtomicU64,
    ahead: Mutex<BTreeMap<AgentId, i64>>,
    sent: Mutex<BTreeMap<AgentId, u64>>,
}

impl Desk {
    pub(super) fn new(settings: Settings, clock: Arc<dyn Clock>) -> Self {
        Self { settings, clock, newest: AtomicU64::new(0), ahead: Mutex::default(), sent: Mutex::default() }
    }

    /// How many commands were posted, and to how many computers.
    pub(super) fn count(&self) -> CommandCount {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        CommandCount { commands: sent.values().sum(), computers: sent.len() as u64 }
    }

    /// Runs a bundle that changes something on the agent's computer. One that was overtaken was decided by what was known
    /// before: it is not sent again.
    ///
    /// # Errors
    /// [`RunError`].
    pub(super) async fn change(
        &self,
        queue: &dyn Queue,
        agent: &AgentId,
        bundle: &Bundle<Write>,
    ) -> Result<BundleResult, RunError> {
        self.run(queue, agent, bundle).await.map_err(|missed| self.missed(missed))
    }

    /// Runs a bundle that only looks. It may do so at any time, so it is sent again when it is overtaken: as long as nobody
    /// knows that agents of several links are on one computer, it is asked through all of them at once.
    ///
    /// # Errors
    /// [`RunError`].
    pub(super) async fn detect(
        &self,
        queue: &dyn Queue,
        agent: &AgentId,
        bundle: &Bundle<Read>,
    ) -> Result<BundleResult, RunError> {
        for _ in 0..OVERTAKEN {
            match self.run(queue, agent, bundle).await {
                Err(Missed::Overtaken) => {}
                ended => return ended.map_err(|missed| self.missed(missed)),
            }
        }
        self.run(queue, agent, bundle).await.map_err(|missed| self.missed(missed))
    }

    fn missed(&self, missed: Missed) -> RunError {
        match missed {
            Missed::Overtaken => self.error(Failure::Overtaken),
            Missed::Failed(error) => error,
        }
    }

    async fn run<A: Sync>(
        &self,
        queue: &dyn Queue,
        agent: &AgentId,
        bundle: &Bundle<A>,
    ) -> Result<BundleResult, Missed> {
        if let Some(step) = bundle.with_secret().filter(|_| !self.settings.secrets) {
            let name = &self.settings.name;
            return Err(Missed::Failed(RunError::Refused {
                message: format!(
                    "the step {:?} is given a secret, and {name} keeps the text of commands where its users can read it",
                    step.key
                ),
                help: Some(format!(
                    "set `link.secrets: allow` on the provider {name}, or reach the computer through another one"
                )),
            }));
        }
        let looked = queue.look(agent).await.map_err(|failed| nothing_ran(failed.error))?;
        if looked.is_online == Some(false) {
            return Err(RunError::Unreachable("it is offline".to_owned()).into());
        }
        let marker = text::marker(bundle, &shell::nonce());
        let sender = Sender::new(
            text::render(bundle, &marker),
            self.way(agent, bundle.limit()),
            fresh(),
            self.number(),
            self.now(),
        );
        let old = looked.outputs.into_iter().map(|(key, _)| key).collect();
        let limit = bundle.limit();
        let answer = self.converse(queue, agent, sender, old, limit).await?;
        Ok(frame::read(bundle, &marker, &answer)?)
    }

    async fn converse(
        &self,
        queue: &dyn Queue,
        agent: &AgentId,
        mut sender: Sender,
        mut seen: BTreeSet<String>,
        limit: Duration,
    ) -> Result<Vec<u8>, Missed> {
        let mut is_posted = false;
        loop {
            match sender.next(self.now(), &fresh()) {
                Next::Post(commands) => {
                    for command in commands {
                        self.note(agent);
                        match queue.post(agent, &command, limit).await {
                            // Until the first command is out, nothing can run.
                            Err(failed) if !failed.is_maybe && !is_posted => {
                                return Err(nothing_ran(failed.error).into());
                            }
                            // The sender asks, and posts again what did not arrive.
                            Ok(()) | Err(_) => is_posted = true,
                        }
                    }
                }
                Next::Wait(pause) => {
                    tokio::time::sleep(Duration::from_millis(u64::try_from(pause).unwrap_or(1000))).await;
                    // A look that fails is made good by the next one, until the time is over.
                    for (key, text) in
                        queue.look(agent).await.map(|looked| looked.outputs).unwrap_or_default()
                    {
                        if seen.insert(key) {
                            sender.feed(&text);
                        }
                    }
                }
                Next::Done(result) => {
                    self.learn(agent, sender.ahead());
                    return result.map_err(|failure| match failure {
                        Failure::Overtaken => Missed::Overtaken,
                        other => Missed::Failed(self.error(other)),
                    });
                }
            }
        }
    }

    fn error(&self, failure: Failure) -> RunError {
        match failure {
            Failure::NothingRan(why) => RunError::Unreachable(why),
            Failure::Overtaken => RunError::Overtaken,
            Failure::Cannot(what) => {
                let name = &self.settings.name;
                let (message, help) = match what.as_str() {
                    "folder" => (
                        "the computer has no private folder to keep what is sent to it",
                        "look at the owner and the rights of /var/lib/muster/mail, on Windows %ProgramData%\\Muster\\Mail",
                    ),
                    "start" => ("the computer cannot start a shell", "look at its own logs"),
                    _ => (
                        "the computer has nothing that decodes base64",
                        "install coreutils, OpenSSL, Perl or Python 3 on it",
                    ),
                };
                RunError::Refused { message: format!("{message} ({name})"), help: Some(help.to_owned()) }
            }
            Failure::Lost(why) => RunError::Lost(why),
            Failure::TimedOut(seconds) => RunError::TimedOut(seconds),
        }
    }

    fn way(&self, agent: &AgentId, limit: Duration) -> Way {
        let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 4);
        let ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        Way {
            sizes: self.settings.sizes,
            pickup: millis(self.settings.pickup),
            limit: millis(limit),
            ahead: ahead.get(agent).copied().unwrap_or_default(),
            pace: millis(self.settings.pace),
        }
    }

    fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    /// The time, or one more than before: two orders never have the same.
    fn number(&self) -> u64 {
        let now = u64::try_from(self.now()).unwrap_or_default();
        let next = |newest: u64| Some(now.max(newest.saturating_add(1)));
        let before = self.newest.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).unwrap_or_default();
        now.max(before.saturating_add(1))
    }

    fn note(&self, agent: &AgentId) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        *sent.entry(agent.clone()).or_default() += 1;
    }

    fn learn(&self, agent: &AgentId, ahead: i64) {
        let mut known = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        if ahead == 0 {
            known.remove(agent)
        } else {
            known.insert(agent.clone(), ahead)
        };
    }
}

/// An error from before anything was posted, as one that says so.
fn nothing_ran(error: RunError) -> RunError {
    if error.nothing_ran() { error } else { RunError::Unreachable(error.to_string()) }
}

/// An id that nobody can guess: twice as many random bits as one text of this kind has.
fn fresh() -> OrderId {
    OrderId::new(&format!("{} {}", shell::nonce(), shell::nonce()))
}
