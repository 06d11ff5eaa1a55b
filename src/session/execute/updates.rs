//! Updates of the operating system: started once, and watched until the system that manages them has done its part.
//!
//! Not here: what there is to update (`plan`), and the journal (the module above).
//!
//! Invariants: nothing is started where something is being installed already, nor a second time when it is not known what
//! became of the first; the result is what is missing afterwards (L6), and what cannot be told is undetermined.

use std::time::Duration;

use super::Session;
use crate::inventory::item::Observed;
use crate::inventory::updates::Updates;
use crate::plan::document::ActionType;
use crate::provider::RunError;
use crate::session::aftermath::Aftermath;
use crate::session::stage::ActionResult;
use crate::store::StoreError;

/// The time before the first look; it doubles with each, up to [`SLOWEST`].
const FIRST: Duration = Duration::from_secs(1);
/// The longest time between two looks.
const SLOWEST: Duration = Duration::from_mins(1);
/// How long the installation may take to begin once it was accepted.
const BEGINS: Duration = Duration::from_mins(10);
/// How many of a computer's last sessions are looked through.
const LOOKED_BACK: u32 = 5;
/// How long it is watched.
const WATCHED: Duration = Duration::from_hours(2);

/// What was seen since the updates were asked for.
#[derive(Debug)]
struct Watch {
    /// How many were missing before.
    before: Option<u64>,
    /// Whether an installation was seen.
    ran: bool,
}

/// What a look means.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    /// It is under way, or about to be.
    Open,
    /// It is over.
    Over,
    /// It should have begun by now.
    NotBegun,
}

impl Watch {
    /// Whether fewer are missing than before. More only means that more were approved or found.
    fn fewer(&self, now: &Updates) -> bool {
        matches!((now.missing, self.before), (Some(now), Some(before)) if now < before)
    }

    fn see(&mut self, now: &Updates, waited: Duration) -> Seen {
        match now.running {
            Some(true) => {
                self.ran = true;
                Seen::Open
            }
            _ if now.missing == Some(0) => Seen::Over,
            // A short one is through before anybody looks.
            Some(false) if self.ran || self.fewer(now) => Seen::Over,
            _ if !self.ran && waited >= BEGINS => Seen::NotBegun,
            _ => Seen::Open,
        }
    }
}

fn aftermath(observed: Option<Observed>, trouble: Option<String>) -> Aftermath {
    Aftermath {
        observed,
        output: None,
        trouble,
        nothing_ran: false,
        put_off: false,
        all_ran: true,
        unfinished: false,
        not_sent: false,
    }
}

impl Session<'_> {
    /// Starts what was approved, unless it is under way, and says how it ended; `before` is what was seen last.
    ///
    /// # Errors
    /// [`StoreError`] when the journal cannot be read.
    pub(super) async fn update(&self, before: &Observed) -> Result<Aftermath, StoreError> {
        let asked = self.asked_lately().await?;
        Ok(self.updated(before, asked).await)
    }

    /// Whether an earlier session has asked for them so lately that they may still begin, and nobody knows what became of it.
    async fn asked_lately(&self) -> Result<bool, StoreError> {
        let now = self.tools.clock.now();
        let sessions = self.tools.store.sessions(Some(&self.computer.id), LOOKED_BACK).await?;
        for session in sessions.into_iter().filter(|session| session.id != self.id) {
            for action in self.tools.store.actions(&session.id).await? {
                let is_open = matches!(action.result, None | Some(ActionResult::Undetermined));
                let since = Duration::try_from(now.duration_since(action.started)).unwrap_or_default();
                if action.action == ActionType::OsUpdate && is_open && since < BEGINS {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    async fn updated(&self, before: &Observed, asked: bool) -> Aftermath {
        let untouched = |error: &RunError| {
            Aftermath::not_sent(
                &error.to_string(),
                !matches!(error, RunError::Refused { .. }),
                before.clone(),
            )
        };
        let Some((reader, Some(writer), agent)) = self.ways.updates() else {
            return untouched(&RunError::Unreachable(
                "no provider that starts updates is available".to_owned(),
            ));
        };
        let now = match reader.updates(agent).await {
            Ok(now) => now,
            Err(error) => return untouched(&error),
        };
        let mut watch = Watch { before: now.missing, ran: now.running == Some(true) };
        let mut trouble = None;
        if !watch.ran {
            let observed = now.observed();
            if !matches!(observed, Observed::NonCompliant { .. }) {
                return aftermath(Some(observed), None);
            }
            if asked {
                trouble =
                    Some("an earlier run has asked for them, and they were not asked for again".to_owned());
            } else {
                match writer.start_updates(agent).await {
                    Ok(()) => {}
                    Err(error) if error.nothing_ran() => return untouched(&error),
                    // It may have been accepted: what the computer's updates do tells.
                    Err(error) => trouble = Some(error.to_string()),
                }
            }
        }
        let began = self.tools.clock.now();
        let waited = || Duration::try_from(self.tools.clock.now().duration_since(began)).unwrap_or_default();
        let (mut pause, mut control) = (FIRST, self.control.clone());
        let mut last = None;
        while waited() < WATCHED {
            tokio::select! {
                biased;
                () = control.asked() => {
                    let goes_on = "what was started goes on by itself; the next run sees what became of it";
                    let said = trouble.map_or_else(|| goes_on.to_owned(), |trouble| format!("{trouble}; {goes_on}"));
                    return aftermath(None, Some(said));
                }
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(SLOWEST),
            }
            match reader.updates(agent).await {
                Ok(now) => match watch.see(&now, waited()) {
                    Seen::Open => last = None,
                    Seen::Over => {
                        let observed = now.observed();
                        let over =
                            (observed != Observed::Compliant).then(|| "the updates are over".to_owned());
                        return aftermath(Some(observed), trouble.or(over));
                    }
                    Seen::NotBegun => {
                        let why = trouble.map_or_else(
                            || {
                                format!(
                                    "they were accepted and had not begun after {} minutes",
                                    BEGINS.as_secs() / 60
                                )
                            },
                            |trouble| format!("it is not known whether they were started: {trouble}"),
                        );
                        return aftermath(None, Some(why));
                    }
                },
                Err(error @ RunError::Refused { .. }) => return aftermath(None, Some(error.to_string())),
                Err(error) => last = Some(error.to_string()),
            }
        }
        let why = last.map(|error| format!("; the last look failed: {error}")).unwrap_or_default();
        aftermath(None, Some(format!("they were not over after {} hours{why}", WATCHED.as_secs() / 3600)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(missing: u64, running: bool) -> Updates {
        Updates { missing: Some(missing), failed: Some(0), running: Some(running), unlisted: false }
    }

    #[test]
    fn updates_are_over_when_nothing_is_missing_or_their_installation_has_ended() {
        let soon = Duration::from_secs(5);
        let watch = || Watch { before: Some(3), ran: false };
        assert_eq!(watch().see(&known(0, false), soon), Seen::Over);
        assert_eq!(watch().see(&known(2, false), soon), Seen::Over, "a short one that brought one of them");
        assert_eq!(watch().see(&known(5, false), soon), Seen::Open, "more were approved meanwhile");
        assert_eq!(watch().see(&known(0, true), soon), Seen::Open, "a restart may follow");
        let mut one = watch();
        assert_eq!(one.see(&known(3, false), soon), Seen::Open, "it is about to begin");
        assert_eq!(one.see(&known(3, true), soon), Seen::Open);
        assert_eq!(one.see(&Updates::default(), BEGINS * 2), Seen::Open, "nothing was said");
        assert_eq!(one.see(&known(3, false), soon), Seen::Over, "it brought nothing");
    }

    #[test]
    fn updates_that_never_begin_are_not_waited_for_to_the_end() {
        let mut watch = Watch { before: Some(3), ran: false };
        assert_eq!(watch.see(&known(3, false), BEGINS), Seen::NotBegun);
        assert_eq!(watch.see(&Updates::default(), BEGINS), Seen::NotBegun);
        assert_eq!(watch.see(&Updates { missing: None, ..known(3, false) }, Duration::ZERO), Seen::Open);
    }
}
