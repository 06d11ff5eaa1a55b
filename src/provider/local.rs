//! The local provider: this computer, with bundles run by a child process.
//!
//! Not here: what a bundle's text is (`session::bundle`).
//!
//! Invariants: a bundle's text reaches the shell through its standard input, never through its arguments (L9). At the
//! bundle's limit the whole process group is ended, not only the shell. Nothing runs before the child is started. Of
//! Muster's own environment a script sees what the settings say and nothing else (L9).

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout_at};

use super::shell;
use super::{
    AgentRecord, Capability, Change, Detect, Latency, Limits, ListAgents, ListError, Presence, ProviderInfo,
    RunError,
};
use crate::id::{AgentId, Name};
use crate::inventory::relations::Belongings;
use crate::session::script::{Bundle, BundleResult, Platform, Read, Write};
use crate::session::{bundle as text, frame};
use crate::time::Limit;

/// How long a process group has between the request to end and the end by force.
const MERCY: Duration = Duration::from_secs(2);

/// What the local provider is built from.
#[derive(Debug, Clone)]
pub struct LocalSettings {
    /// The name of the provider's document.
    pub name: Name,
    /// The computer's name; the host name when there is none.
    pub computer: Option<String>,
    /// The tenant it belongs to.
    pub tenant: Option<Name>,
    /// Its tags.
    pub tags: BTreeSet<String>,
    /// The variables that scripts see, by name, beside those of their bundle.
    pub environment: Vec<(String, OsString)>,
}

/// This computer.
#[derive(Debug)]
pub struct Local {
    info: Arc<ProviderInfo>,
    record: AgentRecord,
    environment: Vec<(String, OsString)>,
}

impl Local {
    /// Takes over the settings. The one agent's id is `local`.
    #[must_use]
    pub fn new(settings: LocalSettings) -> Self {
        let LocalSettings { name, computer, tenant, tags, environment } = settings;
        let info = ProviderInfo {
            name,
            kind: "local",
            capabilities: BTreeSet::from([
                Capability::ListComputers,
                Capability::Presence,
                Capability::RunScript,
            ]),
            limits: Limits { concurrency: 1, latency: Latency::Interactive, connect: Limit::seconds(5) },
        };
        let record = AgentRecord {
            id: AgentId::new("local"),
            name: computer.unwrap_or_else(host_name),
            tenant,
            client: None,
            platform: Some(if cfg!(windows) { Platform::Windows } else { Platform::Posix }),
            presence: Presence::Online,
            tags,
            attributes: BTreeMap::new(),
            belongings: Belongings::default(),
        };
        Self { info: Arc::new(info), record, environment }
    }

    /// What is known of it without asking it.
    #[must_use]
    pub fn info(&self) -> Arc<ProviderInfo> {
        Arc::clone(&self.info)
    }

    async fn run<A: Sync>(&self, agent: &AgentId, bundle: &Bundle<A>) -> Result<BundleResult, RunError> {
        if *agent != self.record.id {
            return Err(RunError::Unreachable(format!("the local provider has no agent {agent}")));
        }
        let marker = text::marker(bundle, &shell::nonce());
        let rendered = text::render(bundle, &marker);
        let output = execute(
            shell::program(bundle.platform),
            &self.environment,
            rendered.text.expose().as_bytes(),
            shell::bound(bundle),
            bundle.limit(),
        )
        .await?;
        frame::read(bundle, &marker, &output)
    }
}

impl ListAgents for Local {
    fn list(&self) -> BoxFuture<'_, Result<Vec<AgentRecord>, ListError>> {
        Box::pin(async { Ok(vec![self.record.clone()]) })
    }
}

impl Detect for Local {
    fn detect<'a>(
        &'a self,
        agent: &'a AgentId,
        bundle: &'a Bundle<Read>,
    ) -> BoxFuture<'a, Result<BundleResult, RunError>> {
        Box::pin(self.run(agent, bundle))
    }
}

impl Change for Local {
    fn change<'a>(
        &'a self,
        agent: &'a AgentId,
        bundle: &'a Bundle<Write>,
    ) -> BoxFuture<'a, Result<BundleResult, RunError>> {
        Box::pin(self.run(agent, bundle))
    }
}

#[cfg(unix)]
fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host_name() -> String {
    "localhost".to_owned()
}

/// Runs a program with `input` on its standard input and these variables alone, and gives back its standard output up to `bound`.
async fn execute(
    program: &[&str],
    environment: &[(String, OsString)],
    input: &[u8],
    bound: usize,
    limit: Duration,
) -> Result<Vec<u8>, RunError> {
    let [name, arguments @ ..] = program else {
        return Err(RunError::Unreachable("no program to run".to_owned()));
    };
    let mut command = Command::new(name);
    command.args(arguments).env_clear();
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().map_err(|error| {
        RunError::Unreachable(format!("{name} cannot be started on this computer: {error}"))
    })?;
    let group = child.id();
    let deadline = Instant::now() + limit;
    if let Ok(output) = timeout_at(deadline, converse(&mut child, input, bound)).await {
        output.map_err(|error| RunError::Lost(error.to_string()))
    } else {
        end(&mut child, group).await;
        Err(RunError::TimedOut(limit.as_secs()))
    }
}

/// Feeds the child, reads its answer and waits for its end.
async fn converse(child: &mut Child, input: &[u8], bound: usize) -> std::io::Result<Vec<u8>> {
    let (mut stdin, mut stdout) = (child.stdin.take(), child.stdout.take());
    let feed = async {
        if let Some(mut stdin) = stdin.take() {
            // A shell that ends early closes its input; its answer says why.
            _ = stdin.write_all(input).await;
            _ = stdin.shutdown().await;
        }
    };
    let mut kept = Vec::new();
    let listen = async {
        match stdout.as_mut() {
            Some(stdout) => drain(stdout, &mut kept, bound, child).await,
            None => Ok(()),
        }
    };
    let ((), heard) = tokio::join!(feed, listen);
    heard.map(|()| kept)
}

/// Reads until the end of the output, or until the child has ended and its output has been silent for a while.
async fn drain(
    stdout: &mut (impl AsyncRead + Unpin),
    kept: &mut Vec<u8>,
    bound: usize,
    child: &mut Child,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    let mut ended = false;
    loop {
        let far = Instant::now() + if ended { shell::SILENCE } else { Duration::from_hours(24 * 365) };
        tokio::select! {
            biased;
            read = timeout_at(far, stdout.read(&mut buffer)) => match read {
                Ok(Ok(0)) | Err(_) => break,
                Ok(Ok(count)) => shell::keep(kept, buffer.get(..count).unwrap_or_default(), bound),
                Ok(Err(error)) => return Err(error),
            },
            status = child.wait(), if !ended => {
                status?;
                ended = true;
            }
        }
    }
    if !ended {
        child.wait().await?;
    }
    Ok(())
}

/// Ends a whole process group: a request first, force after a while.
#[cfg(unix)]
async fn end(child: &mut Child, group: Option<u32>) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let group = group.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(group) = group {
        _ = kill_process_group(group, Signal::TERM);
        _ = tokio::time::timeout(MERCY, child.wait()).await;
        // Also when the shell itself has ended: what it started may have not.
        _ = kill_process_group(group, Signal::KILL);
    }
    _ = child.start_kill();
    _ = child.wait().await;
}

#[cfg(not(unix))]
async fn end(child: &mut Child, _: Option<u32>) {
    _ = child.start_kill();
    _ = tokio::time::timeout(MERCY, child.wait()).await;
}

#[cfg(unix)]
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests look at the files of their own processes")]
mod tests {
    use super::*;
    use crate::session::script::{Context, Ended, Interpreter, Purpose, Script, Step, Values};

    fn local() -> Local {
        Local::new(LocalSettings {
            name: Name::new("here").unwrap(),
            computer: None,
            tenant: None,
            tags: BTreeSet::new(),
            environment: path(),
        })
    }

    fn path() -> Vec<(String, OsString)> {
        vec![("PATH".to_owned(), "/usr/bin:/bin".into())]
    }

    fn bundle(text: &str) -> Bundle<Read> {
        let script = Script {
            interpreter: Interpreter::Sh,
            context: Context::System,
            text: text.into(),
            limit: None,
            origin: "test".into(),
        };
        let step = Step::read("one", Purpose::Collect, Arc::new(script), Values::new());
        Bundle::new(Platform::Posix, vec![step], BTreeMap::new())
    }

    #[tokio::test]
    async fn it_lists_this_computer_under_its_host_name() {
        let agents = local().list().await.unwrap();
        let name = std::process::Command::new("uname").arg("-n").output().unwrap().stdout;
        assert_eq!(agents.len(), 1);
        assert_eq!(agents[0].name, String::from_utf8(name).unwrap().trim());
    }

    #[tokio::test]
    async fn a_bundle_runs_and_its_result_comes_back() {
        let local = local();
        let result =
            local.detect(&AgentId::new("local"), &bundle("echo out; echo err >&2; exit 3")).await.unwrap();
        let step = &result.steps["one"];
        assert_eq!(
            (step.ended.clone(), step.stdout.trim(), step.stderr.trim()),
            (Ended::Exit(3), "out", "err")
        );
    }

    #[tokio::test]
    async fn a_script_sees_the_variables_that_it_is_given_and_no_others() {
        // The test program's own environment has at least this one.
        assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
        let result = local().detect(&AgentId::new("local"), &bundle("env")).await.unwrap();
        let seen = &result.steps["one"].stdout;
        assert!(seen.contains("PATH=/usr/bin:/bin") && !seen.contains("CARGO"), "{seen}");
    }

    #[tokio::test]
    async fn another_agent_is_not_this_computer() {
        let error = local().detect(&AgentId::new("other"), &bundle("true")).await.unwrap_err();
        assert!(error.nothing_ran(), "{error}");
    }

    #[tokio::test]
    async fn the_limit_ends_the_whole_process_group() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        // A grandchild that ignores the request to end.
        let script =
            format!("sh -c 'trap \"\" TERM; echo $$ > {}; while :; do sleep 1; done' & wait", file.display());
        let begun = Instant::now();
        let error =
            execute(&["sh"], &path(), script.as_bytes(), 100, Duration::from_secs(1)).await.unwrap_err();
        assert_eq!(error, RunError::TimedOut(1));
        assert!(begun.elapsed() < Duration::from_secs(10));
        let pid = std::fs::read_to_string(&file).unwrap();
        for _ in 0..50 {
            let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
            if state.is_empty() || state.contains(") Z ") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("process {pid} outlived its group");
    }

    #[tokio::test]
    async fn output_beyond_the_bound_is_read_and_thrown_away() {
        let script = b"head -c 5000000 /dev/zero; echo done >&2; exit 0";
        let output = execute(&["sh"], &path(), script, 1000, Duration::from_secs(20)).await.unwrap();
        assert_eq!(output.len(), 1000);
    }

    #[tokio::test]
    async fn a_process_left_behind_does_not_hold_up_the_answer() {
        let begun = Instant::now();
        let output =
            execute(&["sh"], &path(), b"sleep 30 & echo here", 100, Duration::from_secs(20)).await.unwrap();
        assert_eq!(output, b"here\n");
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}
