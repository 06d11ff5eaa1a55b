//! Scripts beside Muster: on the machine that runs it, with data on standard input.
//!
//! Not here: what the data are and what the answer means (`targets::query`).
//!
//! Invariants: a script sees of Muster's environment what it is given and nothing else; at its limit its whole process group is
//! ended; what it prints is bounded.

use std::process::Stdio;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use super::shell;
use crate::session::host::{HostError, ScriptHost};
use crate::session::script::{Interpreter, Script};

/// The longest text that every system takes as one argument (bytes).
const LONGEST: usize = 100 * 1024;
/// How much of the answer is read (bytes).
const ANSWER: u64 = 64 * 1024 * 1024;

/// This machine.
#[derive(Debug, Clone, Default)]
pub struct Host {
    /// Variables that scripts see, by name.
    pub environment: Vec<(String, std::ffi::OsString)>,
}

impl Host {
    async fn execute(&self, script: &Script, input: &str, limit: Duration) -> Result<String, HostError> {
        if script.text.len() > LONGEST {
            return Err(HostError(format!("the script has more than {} KiB", LONGEST / 1024)));
        }
        let (program, arguments): (&str, &[&str]) = match script.interpreter {
            Interpreter::Sh => ("sh", &["-c"]),
            Interpreter::Bash => ("bash", &["-c"]),
            Interpreter::Python => ("python3", &["-c"]),
            Interpreter::Powershell if cfg!(windows) => {
                ("powershell", &["-NoProfile", "-NonInteractive", "-Command"])
            }
            Interpreter::Powershell => ("pwsh", &["-NoProfile", "-NonInteractive", "-Command"]),
            Interpreter::Cmd => return Err(HostError("cmd cannot read data from standard input".to_owned())),
        };
        let mut command = Command::new(program);
        command.args(arguments).arg(&*script.text).env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let mut child =
            command.spawn().map_err(|error| HostError(format!("{program} cannot be started: {error}")))?;
        let outcome = tokio::time::timeout(limit, talk(&mut child, input)).await;
        if outcome.is_err() {
            end(&child);
        }
        match outcome {
            Ok(result) => result,
            Err(_) => Err(HostError(format!("it took longer than {} seconds", limit.as_secs()))),
        }
    }
}

/// Gives the input, takes the output, and waits for the end.
async fn talk(child: &mut Child, input: &str) -> Result<String, HostError> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let give = async {
        if let Some(mut stdin) = stdin {
            // A script that does not read its input to the end has decided without it.
            _ = stdin.write_all(input.as_bytes()).await;
        }
    };
    let take = async {
        let mut text = Vec::new();
        if let Some(stdout) = stdout {
            stdout.take(ANSWER + 1).read_to_end(&mut text).await?;
        }
        Ok::<_, std::io::Error>(text)
    };
    let complaints = async {
        let mut text = Vec::new();
        if let Some(stderr) = stderr {
            _ = stderr.take(16 * 1024).read_to_end(&mut text).await;
        }
        text
    };
    let ((), text, complaints) = tokio::join!(give, take, complaints);
    let text = text.map_err(|error| HostError(format!("its output cannot be read: {error}")))?;
    let status = child.wait().await.map_err(|error| HostError(error.to_string()))?;
    if !status.success() {
        let said = shell::plain(String::from_utf8_lossy(&complaints).trim());
        let code =
            status.code().map_or_else(|| "by a signal".to_owned(), |code| format!("with exit code {code}"));
        return Err(HostError(format!("it ended {code}: {said}")));
    }
    if text.len() as u64 > ANSWER {
        return Err(HostError("it printed more than 64 MiB".to_owned()));
    }
    String::from_utf8(text).map_err(|_| HostError("its output is not UTF-8".to_owned()))
}

#[cfg(unix)]
fn end(child: &Child) {
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(group) = id {
        // It may have ended by itself.
        _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

#[cfg(not(unix))]
fn end(_child: &Child) {}

impl ScriptHost for Host {
    fn run<'a>(
        &'a self,
        script: &'a Script,
        input: &'a str,
        limit: Duration,
    ) -> BoxFuture<'a, Result<String, HostError>> {
        Box::pin(self.execute(script, input, limit))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::session::script::Context;

    async fn run(text: &str, input: &str, seconds: u64) -> Result<String, String> {
        let script = Script {
            interpreter: Interpreter::Sh,
            context: Context::System,
            text: text.into(),
            limit: None,
            origin: "test".into(),
        };
        let path = ("PATH".to_owned(), "/usr/bin:/bin".into());
        let host = Host { environment: vec![path] };
        host.run(&script, input, Duration::from_secs(seconds)).await.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_script_reads_its_input_and_its_output_is_the_answer() {
        assert_eq!(run("cat", "a\nb", 20).await.as_deref(), Ok("a\nb"));
        let large = "x".repeat(3_000_000);
        assert_eq!(run("cat", &large, 20).await.map(|text| text.len()), Ok(3_000_000));
        assert_eq!(
            run("exec 0<&-; echo done", &large, 20).await.as_deref(),
            Ok("done\n"),
            "it need not read"
        );
    }

    #[tokio::test]
    async fn a_script_that_fails_or_hangs_has_no_answer() {
        assert_eq!(
            run("echo a; echo broken >&2; exit 3", "", 20).await,
            Err("it ended with exit code 3: broken".to_owned())
        );
        assert!(run("sleep 30 & sleep 30", "", 1).await.is_err_and(|error| error.contains("longer than 1")));
        assert!(run("printf '\\377'", "", 20).await.is_err_and(|error| error.contains("UTF-8")));
        assert!(run(&" ".repeat(LONGEST + 1), "", 20).await.is_err());
    }
}
