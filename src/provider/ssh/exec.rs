//! One bundle over one channel: the command, its input, its answer.
//!
//! Invariant: once the command was sent, no failure is reported as "nothing ran", except the host's own answer that
//! it did not start it.

use std::time::Duration;

use russh::client::Msg;
use russh::{Channel, ChannelMsg, Sig};
use tokio::time::{Instant, timeout_at};

use crate::provider::{RunError, shell};
use crate::secret::Secret;

/// What a command answered.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// Standard output, up to the bound.
    pub(super) stdout: Vec<u8>,
    /// The beginning of standard error. It may quote the input, so it is not for messages as it is.
    pub(super) stderr: Vec<u8>,
    /// The exit status, if the command ended by itself.
    pub(super) status: Option<u32>,
}

/// Runs `command` with `input` on its standard input.
///
/// # Errors
/// [`RunError::Refused`] when the host does not start the command, [`RunError::Lost`] when the connection breaks,
/// [`RunError::TimedOut`] at the limit.
pub(super) async fn exec(
    channel: Channel<Msg>,
    command: &str,
    input: &Secret,
    bound: usize,
    limit: Duration,
) -> Result<Answer, RunError> {
    let (mut reader, writer) = channel.split();
    let lost = |error: russh::Error| RunError::Lost(shell::plain(&error.to_string()));
    let deadline = Instant::now() + limit;
    let mut answer = Answer::default();
    let feed = async {
        writer.exec(true, command).await?;
        writer.data_bytes(input.expose().as_bytes().to_vec()).await?;
        writer.eof().await
    };
    let mut feed = std::pin::pin!(feed);
    let mut written = false;
    let mut closed = false;
    loop {
        // Something that the bundle left behind may hold its output open.
        let until =
            if answer.status.is_some() { deadline.min(Instant::now() + shell::SILENCE) } else { deadline };
        let message = tokio::select! {
            result = &mut feed, if !written => {
                written = true;
                // A shell that ends early closes its input; then its answer says why.
                if let Err(error) = result && !matches!(error, russh::Error::SendError) {
                    return Err(lost(error));
                }
                continue;
            }
            message = timeout_at(until, reader.wait()) => message,
        };
        match message {
            Ok(Some(ChannelMsg::Data { data })) => shell::keep(&mut answer.stdout, &data, bound),
            Ok(Some(ChannelMsg::ExtendedData { data, ext: 1 })) => {
                shell::keep(&mut answer.stderr, &data, shell::KEEP_ERROR);
            }
            Ok(Some(ChannelMsg::ExitStatus { exit_status })) => answer.status = Some(exit_status),
            Ok(Some(ChannelMsg::Failure)) => {
                let message = "the computer does not let this user run commands".to_owned();
                return Err(RunError::Refused { message, help: None });
            }
            Ok(Some(ChannelMsg::ExitSignal { .. } | ChannelMsg::Close)) => closed = true,
            Ok(Some(_)) => {}
            Ok(None) if closed || answer.status.is_some() => break,
            Ok(None) => return Err(RunError::Lost("it broke before the answer was complete".to_owned())),
            Err(_) if answer.status.is_some() => break,
            Err(_) => {
                // The bundle's own watchdogs should have ended it; ask the host to, and do not wait.
                let stop = async {
                    _ = writer.signal(Sig::TERM).await;
                    _ = writer.close().await;
                };
                _ = tokio::time::timeout(Duration::from_secs(1), stop).await;
                return Err(RunError::TimedOut(limit.as_secs()));
            }
        }
        if closed {
            break;
        }
    }
    if answer.status.is_none() && !closed {
        return Err(RunError::Lost("it broke before the answer was complete".to_owned()));
    }
    _ = tokio::time::timeout(Duration::from_secs(1), writer.close()).await;
    Ok(answer)
}
