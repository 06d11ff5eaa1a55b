//! Ctrl-C and SIGTERM: the first asks for a checkpoint, the second stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use super::error::CliError;
use super::exit::Exit;
use super::output::Ui;
use crate::session::control::{Control, Demand, control};

const NONE: u8 = 0;
const INTERRUPT: u8 = 1;
const TERMINATE: u8 = 2;

/// The handlers, for as long as it lives.
#[derive(Debug)]
pub(super) struct Signals {
    control: Control,
    seen: Arc<AtomicU8>,
}

impl Signals {
    /// What the run is to look at.
    pub(super) fn control(&self) -> Control {
        self.control.clone()
    }

    /// The exit code of the signal that came, if one came.
    pub(super) fn exit(&self) -> Option<Exit> {
        match self.seen.load(Ordering::SeqCst) {
            INTERRUPT => Some(Exit::Interrupted),
            TERMINATE => Some(Exit::Terminated),
            _ => None,
        }
    }
}

/// Begins to listen.
///
/// # Errors
/// When the handlers cannot be set up.
pub(super) fn listen(ui: Arc<Ui>) -> Result<Signals, CliError> {
    let (controller, control) = control();
    let seen = Arc::new(AtomicU8::new(NONE));
    let noted = Arc::clone(&seen);
    let mut next = signals()?;
    tokio::spawn(async move {
        while let Some(signal) = next.recv().await {
            noted.store(signal, Ordering::SeqCst);
            match controller.harder() {
                Demand::Checkpoint => {
                    ui.warning(
                        "stopping: what runs is finished and recorded, nothing new begins; once more stops at once",
                    );
                }
                _ => ui.warning("stopped: the next run tells what was under way and detects it again"),
            }
        }
    });
    Ok(Signals { control, seen })
}

/// The signals, as they come.
fn signals() -> Result<tokio::sync::mpsc::UnboundedReceiver<u8>, CliError> {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        for (kind, number) in [(SignalKind::interrupt(), INTERRUPT), (SignalKind::terminate(), TERMINATE)] {
            let mut stream = signal(kind)?;
            let sender = sender.clone();
            tokio::spawn(async move {
                while stream.recv().await.is_some() {
                    if sender.send(number).is_err() {
                        return;
                    }
                }
            });
        }
    }
    #[cfg(not(unix))]
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if sender.send(INTERRUPT).is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}
