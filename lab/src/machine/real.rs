//! A computer that is a shell of this host, in a folder of its own.
//!
//! Where the system permits, the shell has a private view of the file system in which the hardware's identity, the id
//! and the age of the installation are those of the fleet file, and a host name of its own: several real computers on one
//! host are different computers. Where it does not, the journal says so, and the computer shows the host's hardware.
//!
//! Invariants: home, temporary files and the generated id of a computer are in its folder. A command that takes too long is
//! killed with all the processes of its group. Nothing of the host's environment reaches it but `PATH`.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::sync::OnceCell;

use super::{Ended, Order, Outcome, Shell};
use crate::fleet::Computer;
use crate::ids;
use crate::journal::Entry;
use crate::world::{World, guard};

/// Run within the private view: folder, host name, script.
const ENTER: &str = r#"
hostname "$2"
if [ -d /sys/class/dmi/id ]; then mount --bind "$1/class/dmi/id" /sys/class/dmi/id
else mount --bind "$1/class" /sys/class; fi
if [ -e /etc/machine-id ] && [ -e "$1/machine-id" ]; then mount --bind "$1/machine-id" /etc/machine-id; fi
if [ -d "$1/log" ]; then mount --bind "$1/log" /var/log; fi
"#;

/// How long output may still come after the command has ended: a process that it left behind may hold it open.
const LINGER: Duration = Duration::from_millis(300);

/// Whether this host permits a private view.
static PRIVATE: OnceCell<bool> = OnceCell::const_new();

/// Runs a command in the computer's shell.
pub(super) async fn run(computer: &Computer, world: &World, order: &Order) -> Outcome {
    if order.shell == Shell::Cmd {
        return Outcome::exit(127, "", "cmd.exe: not found\n");
    }
    let folder = world.folder.join(folder_name(&computer.name));
    let prepared = prepare(computer, &folder).and_then(|()| {
        let script = folder.join(format!("command-{}.sh", order.id.replace(['/', '\\'], "-")));
        std::fs::write(&script, &order.text).map(|()| script)
    });
    let script = match prepared {
        Ok(script) => script,
        Err(error) => return Outcome::not_started(format!("{}: {error}", folder.display())),
    };
    let private = *PRIVATE.get_or_init(|| permits(world, &folder)).await;
    let interpreter = if order.shell == Shell::Powershell { "pwsh" } else { "sh" };
    let outcome =
        spawn(&command(computer, &folder, &script, private, order, interpreter), &folder, order).await;
    _ = std::fs::remove_file(&script);
    outcome.unwrap_or_else(|error| Outcome::not_started(format!("{interpreter}: {error}")))
}

/// Program and arguments.
fn command(
    computer: &Computer,
    folder: &Path,
    script: &Path,
    private: bool,
    order: &Order,
    interpreter: &str,
) -> Vec<OsString> {
    let end = match (interpreter, order.merged) {
        ("sh", false) => r#"exec sh "$3""#,
        ("sh", true) => r#"exec sh "$3" 2>&1"#,
        (_, false) => r#"exec pwsh -NoProfile -NonInteractive -File "$3""#,
        (_, true) => r#"exec pwsh -NoProfile -NonInteractive -File "$3" 2>&1"#,
    };
    let mut arguments: Vec<OsString> = Vec::new();
    if private {
        arguments.extend(["unshare", "--mount", "--uts", "--propagation", "private"].map(Into::into));
        arguments.extend(["sh".into(), "-c".into(), format!("{{{ENTER}}} >/dev/null 2>&1\n{end}").into()]);
    } else {
        arguments.extend(["sh", "-c", end].map(Into::into));
    }
    arguments.extend(["sh".into(), folder.into(), computer.hostname().into(), script.into()]);
    arguments
}

async fn spawn(words: &[OsString], folder: &Path, order: &Order) -> io::Result<Outcome> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(io::Error::other("there is no program"));
    };
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", path)
        .env("LANG", "C.UTF-8")
        .env("HOME", folder.join("home"))
        .env("TMPDIR", folder.join("tmp"))
        .env("MUSTER_MAIL", folder.join("mail"))
        .env("MUSTER_GENERATED_ID", folder.join("generated-id"))
        .current_dir(folder.join("home"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let group = child.id();
    let (stdout, stderr) = (Arc::default(), Arc::default());
    let readers =
        [reader(child.stdout.take(), Arc::clone(&stdout)), reader(child.stderr.take(), Arc::clone(&stderr))];
    let ended = match tokio::time::timeout(order.limit, child.wait()).await {
        Ok(status) => Ended::Exit(status?.code().unwrap_or(137)),
        Err(_) => {
            kill(group);
            child.wait().await?;
            Ended::Killed
        }
    };
    for reader in readers {
        _ = tokio::time::timeout(LINGER, reader).await;
    }
    let text = |bytes: &Mutex<Vec<u8>>| String::from_utf8_lossy(&guard(bytes)).into_owned();
    Ok(Outcome { ended, stdout: text(&stdout), stderr: text(&stderr) })
}

/// Collects all that comes.
fn reader<R: AsyncRead + Unpin + Send + 'static>(
    from: Option<R>,
    to: Arc<Mutex<Vec<u8>>>,
) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        let Some(mut from) = from else { return };
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            guard(&to).extend_from_slice(buffer.get(..count).unwrap_or_default());
        }
    })
}

fn kill(group: Option<u32>) {
    let group = group.and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        // It may have ended in this moment.
        _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

/// Whether a shell may have a view of its own; says so once when it may not.
async fn permits(world: &World, folder: &Path) -> bool {
    let script = format!("set -e\n{ENTER}");
    let tried = Command::new("unshare")
        .args(["--mount", "--uts", "--propagation", "private", "sh", "-c", &script, "sh"])
        .args([folder.as_os_str(), "muster-lab".as_ref()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await;
    let permitted = tried.is_ok_and(|status| status.success());
    if !permitted {
        let text =
            "this host permits no private view of its files: real computers show the host's own hardware";
        world.journal.add(Entry::Note { text: text.to_owned() });
    }
    permitted
}

/// The computer's folder, complete.
fn prepare(computer: &Computer, folder: &Path) -> io::Result<()> {
    if folder.join("ready").exists() {
        return Ok(());
    }
    let hardware = folder.join("class/dmi/id");
    for path in [folder.join("home"), folder.join("tmp"), hardware.clone(), folder.join("class/power_supply")]
    {
        std::fs::create_dir_all(path)?;
    }
    let identity = computer.identity();
    let write = |path: PathBuf, text: Option<&String>| match text {
        Some(text) => std::fs::write(path, format!("{text}\n")),
        None => Ok(()),
    };
    let chassis = if computer.is_virtual { "1" } else { "3" }.to_owned();
    write(hardware.join("product_uuid"), identity.uuid.as_ref())?;
    write(hardware.join("product_serial"), identity.serial.as_ref())?;
    write(hardware.join("sys_vendor"), identity.manufacturer.as_ref())?;
    write(hardware.join("product_name"), identity.model.as_ref())?;
    write(hardware.join("board_serial"), identity.board_serial.as_ref())?;
    write(hardware.join("chassis_type"), Some(&chassis))?;
    write(folder.join("machine-id"), identity.machine_id.as_ref())?;
    write(folder.join("generated-id"), identity.generated_id.as_ref())?;
    if let Some(installed) = identity.os_installed {
        let log = folder.join("log/installer");
        std::fs::create_dir_all(&log)?;
        let at = SystemTime::UNIX_EPOCH
            + Duration::from_secs(u64::try_from(installed.as_second()).unwrap_or_default());
        std::fs::File::open(&log)?.set_modified(at)?;
    }
    std::fs::write(folder.join("ready"), "")
}

/// A name that every file system takes, and that no other computer has.
fn folder_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
    let short: String = name.chars().map(plain).take(40).collect();
    format!("{short}-{:08x}", ids::number("folder", name) >> 32)
}
