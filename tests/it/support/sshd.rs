//! A farm of real OpenSSH servers on loopback addresses, for one test.
//!
//! Each server has its own address, port, host key, log and `HOME`; all let the user in who runs the tests. Everything
//! ends with the farm, also when the test panics (drop) or is killed (`setpriv --pdeathsig`).

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test farm writes and reads its own files; a failure is a failed test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use muster::config::kind::{SshHost, SshSpec};
use muster::id::Name;
use muster::provider::ssh::SshSettings;
use rustix::process::{Pid, Signal, kill_process};

/// The farm.
pub(crate) struct Farm {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) hosts: Vec<Server>,
    pub(crate) user: String,
}

/// One server.
pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) port: u16,
    pub(crate) home: PathBuf,
    folder: PathBuf,
    child: Option<Child>,
}

/// Runs a program to its end and gives back its standard output.
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Makes a key pair without a passphrase.
pub(crate) fn new_key(path: &Path, kind: &str, passphrase: &str) {
    for old in [path.to_path_buf(), path.with_extension("pub")] {
        _ = fs::remove_file(old);
    }
    run("ssh-keygen", &["-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", &path.display().to_string()]);
}

/// An address of this test's own: tests run as processes of their own, so the process id tells them apart.
pub(crate) fn address(index: usize) -> String {
    let id = std::process::id();
    format!("127.{}.{}.{}", 64 + (id >> 8) % 64, id % 256, 1 + index)
}

fn free_port(address: &str) -> u16 {
    TcpListener::bind((address, 0)).unwrap().local_addr().unwrap().port()
}

impl Farm {
    /// Starts so many servers and waits until all of them answer.
    pub(crate) fn start(count: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        new_key(&folder.path().join("id"), "ed25519", "");
        fs::copy(folder.path().join("id.pub"), folder.path().join("authorized_keys")).unwrap();
        if rustix::process::geteuid().is_root() {
            // What the service file of sshd does before it starts it.
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let user = run("id", &["-un"]).trim().to_owned();
        let mut farm = Self { folder, hosts: Vec::new(), user };
        for index in 0..count {
            farm.hosts.push(Server::start(farm.folder.path(), index));
        }
        farm.hosts.iter().for_each(Server::wait);
        let known: String = farm.hosts.iter().map(|host| host.known_line("ed25519")).collect();
        fs::write(farm.known_hosts(), known).unwrap();
        farm
    }

    /// The private key that all servers accept.
    pub(crate) fn key(&self) -> PathBuf {
        self.folder.path().join("id")
    }

    /// The file of known hosts; it holds all servers.
    pub(crate) fn known_hosts(&self) -> PathBuf {
        self.folder.path().join("known_hosts")
    }

    /// Lets the servers accept one more key.
    pub(crate) fn accept(&self, key: &Path) {
        let path = self.folder.path().join("authorized_keys");
        let more = fs::read_to_string(key.with_extension("pub")).unwrap();
        fs::write(&path, fs::read_to_string(&path).unwrap() + &more).unwrap();
    }

    /// A spec with all servers, the farm's key and its known hosts.
    pub(crate) fn spec(&self) -> SshSpec {
        SshSpec {
            hosts: self.hosts.iter().map(Server::host).collect(),
            identity_files: vec![self.key().display().to_string()],
            known_hosts: vec![self.known_hosts().display().to_string()],
            ..SshSpec::default()
        }
    }

    /// The settings around a spec; there is no agent and no home folder.
    pub(crate) fn settings(&self, spec: SshSpec) -> SshSettings {
        SshSettings {
            name: Name::new("farm").unwrap(),
            inventory: spec
                .inventory
                .as_ref()
                .and_then(|path| std::fs::read_to_string(path).ok())
                .map(Into::into),
            spec,
            folder: self.folder.path().to_path_buf(),
            home: None,
            user: Some(self.user.clone()),
            agent_socket: None,
            known_hosts: Vec::new(),
        }
    }
}

impl Server {
    fn start(farm: &Path, index: usize) -> Self {
        let name = format!("host{index}");
        let folder = farm.join(&name);
        let home = folder.join("home");
        fs::create_dir_all(home.join("bin")).unwrap();
        for kind in ["ed25519", "ecdsa"] {
            new_key(&folder.join(kind), kind, "");
        }
        let address = address(index);
        let port = free_port(&address);
        let mut server = Self { name, address, port, home, folder, child: None };
        server.spawn();
        server
    }

    fn spawn(&mut self) {
        let Self { address, port, folder, home, .. } = self;
        let (folder, home) = (folder.display(), home.display());
        let config = format!(
            "Port {port}\nListenAddress {address}\nHostKey {folder}/ed25519\nHostKey {folder}/ecdsa\nPidFile none\n\
             AuthorizedKeysFile {folder}/../authorized_keys\nUsePAM no\nStrictModes no\nPermitRootLogin yes\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nMaxStartups 1000:30:2000\nMaxSessions 100\n\
             PrintMotd no\nPrintLastLog no\nUseDNS no\nLogLevel VERBOSE\n\
             SetEnv HOME={home} MUSTER_TEST_ROOT={home} PATH={home}/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
        );
        let file = self.folder.join("sshd_config");
        fs::write(&file, config).unwrap();
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "/usr/sbin/sshd", "-D", "-E"])
            .arg(self.folder.join("log"))
            .arg("-f")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    fn wait(&self) {
        let place: SocketAddr = format!("{}:{}", self.address, self.port).parse().unwrap();
        let end = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect_timeout(&place, Duration::from_millis(200)).is_err() {
            assert!(Instant::now() < end, "{} does not start: {}", self.name, self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The server as it stands in a spec.
    pub(crate) fn host(&self) -> SshHost {
        SshHost {
            name: self.name.clone(),
            address: Some(self.address.clone()),
            port: Some(self.port),
            ..SshHost::default()
        }
    }

    /// Its line in a file of known hosts, for its key of this kind.
    pub(crate) fn known_line(&self, kind: &str) -> String {
        self.known_line_as(&self.address, self.port, kind)
    }

    /// Its line under another address.
    pub(crate) fn known_line_as(&self, address: &str, port: u16, kind: &str) -> String {
        let key = fs::read_to_string(self.folder.join(kind).with_extension("pub")).unwrap();
        format!("[{address}]:{port} {key}")
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// How often somebody has signed in.
    pub(crate) fn sign_ins(&self) -> usize {
        self.log().matches("Accepted publickey").count()
    }

    /// Puts a program into its users' path.
    pub(crate) fn install(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.home.join("bin").join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Cuts all its connections at once, and ends what ran in them.
    pub(crate) fn cut(&self) {
        let Some(child) = &self.child else { return };
        let below = descendants(child.id());
        // The servers of the connections come before what runs in them.
        for id in below {
            kill(id);
        }
    }

    /// Ends it and all its connections.
    pub(crate) fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let below = descendants(child.id());
        _ = child.kill();
        _ = child.wait();
        below.into_iter().chain(self.orphans()).for_each(kill);
    }

    /// What was started in its sessions and has outlived them.
    fn orphans(&self) -> Vec<u32> {
        let mark = format!("MUSTER_TEST_ROOT={}\0", self.home.display()).into_bytes();
        let ours = |id: &u32| {
            let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
            environment.windows(mark.len()).any(|part| part == mark)
        };
        processes().filter(ours).collect()
    }

    /// Gives it new host keys, as when a computer is installed anew.
    pub(crate) fn reinstall(&mut self) {
        self.stop();
        for kind in ["ed25519", "ecdsa"] {
            new_key(&self.folder.join(kind), kind, "");
        }
        self.spawn();
        self.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn kill(id: u32) {
    if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        _ = kill_process(pid, Signal::KILL);
    }
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse().ok()))
}

/// All processes below one, parents before children.
fn descendants(root: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for id in processes() {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        // The name in parentheses may hold anything; the parent is the second field after it.
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        if let Some(parent) = parent {
            children.entry(parent).or_default().push(id);
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(id) = found.get(next) {
        let below = children.get(id).cloned().unwrap_or_default();
        found.extend(below);
        next += 1;
    }
    found.remove(0);
    found
}

/// A real SSH agent.
pub(crate) struct Agent {
    pub(crate) socket: PathBuf,
    child: Child,
}

impl Agent {
    /// Starts it in a folder.
    pub(crate) fn start(folder: &Path) -> Self {
        let socket = folder.join("agent");
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "ssh-agent", "-D", "-a"])
            .arg(&socket)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let end = Instant::now() + Duration::from_secs(10);
        while !socket.exists() {
            assert!(Instant::now() < end, "ssh-agent does not start");
            std::thread::sleep(Duration::from_millis(5));
        }
        Self { socket, child }
    }

    /// Runs a command line with this agent; a passphrase that is asked for is this one.
    pub(crate) fn shell(&self, line: &str, passphrase: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let ask = self.socket.with_extension("ask");
        fs::write(&ask, format!("#!/bin/sh\necho '{passphrase}'\n")).unwrap();
        fs::set_permissions(&ask, fs::Permissions::from_mode(0o700)).unwrap();
        let output = Command::new("sh")
            .args(["-c", line])
            .env("SSH_AUTH_SOCK", &self.socket)
            .env("SSH_ASKPASS", &ask)
            .env("SSH_ASKPASS_REQUIRE", "force")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Loads a key file.
    pub(crate) fn add(&self, key: &Path) {
        self.shell(&format!("ssh-add '{}'", key.display()), "");
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A port on which connections are never answered, as behind a firewall that drops them: its queue is full.
pub(crate) struct Blackhole {
    pub(crate) place: SocketAddr,
    _listener: tokio::net::TcpListener,
    _queue: Vec<tokio::net::TcpStream>,
}

impl Blackhole {
    /// Opens it.
    pub(crate) async fn open() -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(format!("{}:0", address(200)).parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let place = listener.local_addr().unwrap();
        let mut queue = Vec::new();
        let wait = Duration::from_millis(300);
        while let Ok(stream) = tokio::time::timeout(wait, tokio::net::TcpStream::connect(place)).await {
            queue.push(stream.unwrap());
            assert!(queue.len() < 100, "the queue does not fill");
        }
        Self { place, _listener: listener, _queue: queue }
    }
}

/// A line that takes its time: passes everything on in both directions, each piece after a delay.
pub(crate) struct SlowLine {
    pub(crate) place: SocketAddr,
    dead: std::sync::Arc<std::sync::atomic::AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl SlowLine {
    /// Opens it before a server.
    pub(crate) async fn open(server: &Server, delay: Duration) -> Self {
        let listener = tokio::net::TcpListener::bind((address(201), 0)).await.unwrap();
        let place = listener.local_addr().unwrap();
        let target = (server.address.clone(), server.port);
        let dead = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let line = Dead { below: std::sync::Arc::clone(&dead), number: 0 };
        let task = tokio::spawn(async move {
            let mut line = line;
            while let Ok((near, _)) = listener.accept().await {
                line.number += 1;
                let far = tokio::net::TcpStream::connect((target.0.as_str(), target.1)).await.unwrap();
                _ = near.set_nodelay(true);
                _ = far.set_nodelay(true);
                let (near_read, near_write) = near.into_split();
                let (far_read, far_write) = far.into_split();
                tokio::spawn(carry(near_read, far_write, delay, line.clone()));
                tokio::spawn(carry(far_read, near_write, delay, line.clone()));
            }
        });
        Self { place, dead, task }
    }

    /// From now on its first so many connections pass nothing on, and close nothing.
    pub(crate) fn die(&self, connections: usize) {
        self.dead.store(connections, std::sync::atomic::Ordering::SeqCst);
    }
}

impl Drop for SlowLine {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whether a connection of a line is dead.
#[derive(Clone)]
struct Dead {
    below: std::sync::Arc<std::sync::atomic::AtomicUsize>,
    number: usize,
}

async fn carry(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    delay: Duration,
    line: Dead,
) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel::<(tokio::time::Instant, Vec<u8>)>();
    tokio::spawn(async move {
        while let Some((due, bytes)) = receiver.recv().await {
            tokio::time::sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                break;
            }
        }
    });
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if line.below.load(std::sync::atomic::Ordering::SeqCst) >= line.number {
            continue;
        }
        if sender.send((tokio::time::Instant::now() + delay, buffer[..count].to_vec())).is_err() {
            break;
        }
    }
}
