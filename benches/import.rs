//! How long an import takes, next to a client that only fetches the same pages from the same server and drops them.
//!
//! `cargo bench --bench import [-- --computers 100000]`. The lab serves the computers from a process of its own, and
//! each import is the program itself, in a process of its own, so that its peak memory is its own. Times are the middle
//! of three, in turns. It prints; it fails when an import does not tell of every computer.
//!
//! `-- --muster FILE` measures another build of the program.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::exit,
    missing_docs,
    reason = "a benchmark"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use muster_lab::fleet::{Fleet, Generate};
use muster_lab::{Lab, Options};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

/// How often each is measured.
const ROUNDS: usize = 3;
/// Computers to a company.
const COMPANY: u32 = 500;
const AUTOMATE: &str = "cwa/api/v1";
const EXTENSION: &str = "App_Extensions/2d558935-686a-4bd0-9991-07539f5fe749/Service.ashx";
/// What is asked of a computer; the same as Muster asks.
const FIELDS: &str = "Id,ComputerName,FriendlyName,DomainName,Client,Location,SerialNumber,\
    BiosManufacturer,OperatingSystemName,OperatingSystemVersion,Type,Status,IsVirtualMachine,RemoteAgentVersion,DateAdded";

type Environment = BTreeMap<String, String>;

/// Serves so many computers until the input ends.
fn serve(computers: u32) {
    let generate = Generate { companies: computers.div_ceil(COMPANY), ..Generate::of(computers, 1) };
    let fleet = Fleet { generate: Some(generate), ..Fleet::default() };
    runtime().block_on(async {
        let lab = Lab::start(fleet, Options::default()).await.unwrap();
        println!("{}", json!(lab.environment()));
        for company in &lab.settings().companies {
            println!("{}", company.name);
        }
        println!();
        let wait = || std::io::stdin().read_to_end(&mut Vec::new());
        tokio::task::spawn_blocking(wait).await.unwrap().unwrap();
    });
    // A lab of many computers takes its time to be dropped.
    std::process::exit(0);
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

/// The lab in another process: what is needed to sign in, and its companies.
struct Server {
    child: Child,
    environment: Environment,
    companies: Vec<String>,
}

impl Server {
    fn start(computers: u32) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--serve", &computers.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let environment = serde_json::from_str(&lines.next().unwrap()).unwrap();
        let companies = lines.take_while(|line| !line.is_empty()).collect();
        Self { child, environment, companies }
    }

    fn said(&self, name: &str) -> &str {
        &self.environment[name]
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        _ = self.child.wait();
    }
}

/// Writes a repository with the three providers that maps every company.
fn make(folder: &Path, server: &Server) {
    let mut text = String::new();
    let mut document = |kind: &str, name: &str, spec: &str| {
        _ = write!(
            text,
            "---\napiVersion: muster/v1\nkind: {kind}\nmetadata: {{ name: {name} }}\nspec:\n{spec}"
        );
    };
    document("Instance", "bench", "  state: { sqlite: state.db }\n");
    let link = "link: { requestsPerMinute: 100000 }";
    let url = |system: &str| server.said(&format!("LAB_{system}_URL"));
    let (control, automate, rmm) = (url("CONTROL"), url("AUTOMATE"), url("RMM"));
    let spec =
        format!("  screenconnect: {{ url: '{control}', secret: {{ env: LAB_CONTROL_SECRET }}, {link} }}\n");
    document("Provider", "control", &spec);
    let account = format!(
        "{{ user: {}, password: {{ env: LAB_AUTOMATE_PASSWORD }} }}",
        server.said("LAB_AUTOMATE_USER")
    );
    let client = server.said("LAB_AUTOMATE_CLIENT_ID");
    let spec =
        format!("  automate: {{ url: '{automate}', clientId: '{client}', account: {account}, {link} }}\n");
    document("Provider", "automate", &spec);
    let client = server.said("LAB_RMM_CLIENT_ID");
    let secret = "{ env: LAB_RMM_CLIENT_SECRET }";
    let spec = format!(
        "  connectwise-rmm: {{ url: '{rmm}', clientId: '{client}', clientSecret: {secret}, {link} }}\n"
    );
    document("Provider", "rmm", &spec);
    for (at, name) in server.companies.iter().enumerate() {
        let own = format!("[{{ name: '{name}' }}]");
        let spec = format!("  clients: {{ control: {own}, automate: {own}, rmm: {own} }}\n");
        document("Tenant", &format!("tenant-{at}"), &spec);
    }
    fs::write(folder.join("muster.yaml"), text).unwrap();
}

/// A client that fetches and drops.
struct Plain<'a> {
    http: reqwest::Client,
    server: &'a Server,
    bytes: u64,
    calls: u32,
}

/// One answer: where the next page is, and, of a short one, the content.
type Got = (Option<String>, String);

impl Plain<'_> {
    /// Fetches as it comes, and drops it.
    async fn drop(&mut self, request: RequestBuilder) -> Got {
        let mut response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{}", response.url());
        let link = response.headers().get("link").and_then(|link| link.to_str().ok());
        let next = link.and_then(|link| Some(link.split_once('<')?.1.split_once('>')?.0.to_owned()));
        let mut begin = Vec::new();
        while let Some(chunk) = response.chunk().await.unwrap() {
            self.bytes += chunk.len() as u64;
            if begin.len() < 4096 {
                begin.extend_from_slice(&chunk);
            }
        }
        self.calls += 1;
        (next, String::from_utf8_lossy(&begin).into_owned())
    }

    async fn json(&mut self, request: RequestBuilder) -> Value {
        let value: Value = request.send().await.unwrap().json().await.unwrap();
        self.calls += 1;
        value
    }

    async fn control(&mut self) {
        let url = format!("{}/{EXTENSION}/GetSessionsByFilter", self.server.said("LAB_CONTROL_URL"));
        let request = self.http.post(url).header("ctrlauthheader", self.server.said("LAB_CONTROL_SECRET"));
        self.drop(request.json(&json!(["SessionType = 'Access'"]))).await;
    }

    async fn automate(&mut self) {
        let base = format!("{}/{AUTOMATE}", self.server.said("LAB_AUTOMATE_URL"));
        let client = self.server.said("LAB_AUTOMATE_CLIENT_ID");
        let account = json!({
            "UserName": self.server.said("LAB_AUTOMATE_USER"), "Password": self.server.said("LAB_AUTOMATE_PASSWORD"),
        });
        let request = self.http.post(format!("{base}/apitoken")).header("clientid", client).json(&account);
        let token = self.json(request).await["AccessToken"].as_str().unwrap().to_owned();
        for (path, fields) in [
            ("Groups", "Id,Name,FullName,ComputersAutoJoinSearch,ComputersLimitToSearch"),
            ("GroupComputers", "Id,GroupId,ComputerId"),
            ("Computers", FIELDS),
        ] {
            let mut empty = 0;
            for page in 1.. {
                let query = [("page", page.to_string().as_str()), ("pageSize", "1000")]
                    .map(|(k, v)| (k, v.to_owned()));
                let request = self.http.get(format!("{base}/{path}")).query(&query);
                let request = request.query(&[("orderBy", "Id asc"), ("includeFields", fields)]);
                let request = request.header("clientid", client).bearer_auth(&token);
                let (_, text) = self.drop(request.try_clone().unwrap()).await;
                if text.trim() == "[]" {
                    // Muster asks for the end of a list twice.
                    self.drop(request).await;
                    empty += 1;
                }
                if empty > 0 {
                    break;
                }
            }
        }
    }

    async fn rmm(&mut self) {
        let base = self.server.said("LAB_RMM_URL");
        let body = json!({
            "grant_type": "client_credentials", "client_id": self.server.said("LAB_RMM_CLIENT_ID"),
            "client_secret": self.server.said("LAB_RMM_CLIENT_SECRET"),
        });
        let token = self.json(self.http.post(format!("{base}/v1/token")).json(&body)).await;
        let token = token["access_token"].as_str().unwrap().to_owned();
        let http = self.http.clone();
        let get = |path: &str| http.get(format!("{base}/{path}")).bearer_auth(&token);
        self.drop(get("v1/rate_limits")).await;
        let companies = self.json(get("api/platform/v1/company/companies")).await;
        let companies = companies
            .as_array()
            .cloned()
            .unwrap_or_else(|| companies["companies"].as_array().unwrap().clone());
        let companies: Vec<&str> = companies.iter().map(|company| company["id"].as_str().unwrap()).collect();
        self.drop(get("api/platform/v1/company/sites")).await;
        for some in companies.chunks(50) {
            let path = "api/platform/v2/device/categories/platform/endpoints";
            let mut next = Some(format!("{base}/{path}?limit=500&field=system%2Cbios%2CbaseBoard%2Cos"));
            while let Some(url) = next {
                let request = http.post(url).bearer_auth(&token);
                let body = json!({ "resourceType": "company", "resources": some });
                let (after, _) = self.drop(request.json(&body)).await;
                next = after.map(|url| if url.starts_with('/') { format!("{base}{url}") } else { url });
            }
        }
    }
}

/// How long the pages take that are only fetched, with their bytes and how many calls there were.
fn plain(server: &Server, provider: &str) -> (Duration, u64, u32) {
    runtime().block_on(async {
        let start = Instant::now();
        let mut plain = Plain { http: reqwest::Client::new(), server, bytes: 0, calls: 0 };
        match provider {
            "control" => plain.control().await,
            "automate" => plain.automate().await,
            _ => plain.rmm().await,
        }
        (start.elapsed(), plain.bytes, plain.calls)
    })
}

/// What one run took.
#[derive(Clone, Copy)]
struct Run {
    wall: Duration,
    /// In MiB.
    peak: u64,
}

/// Imports, watched while it runs. What it says of the whole has to name so many.
fn import(folder: &Path, server: &Server, provider: &str, options: &[&str], says: &str) -> Run {
    let own = || env!("CARGO_BIN_EXE_muster").to_owned();
    let said = fs::File::create(folder.join("../said.txt")).unwrap();
    let start = Instant::now();
    let mut child = Command::new(option("--muster").unwrap_or_else(own))
        .arg("--repo")
        .arg(folder)
        .args(["import", "computers", "--from", provider])
        .args(options)
        .envs(&server.environment)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(said)
        .spawn()
        .unwrap();
    let path = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        let status = fs::read_to_string(&path).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak = peak.max(line.and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(2));
    };
    let wall = start.elapsed();
    let said = fs::read_to_string(folder.join("../said.txt")).unwrap();
    assert!(status.success() && said.contains(says), "{provider} {options:?} says no {says:?}: {said}");
    Run { wall, peak: peak / 1024 }
}

/// The one with the middle time; the most memory of all.
fn middle(mut runs: Vec<Run>) -> Run {
    runs.sort_by_key(|run| run.wall);
    let peak = runs.iter().map(|run| run.peak).max().unwrap();
    Run { peak, ..runs[runs.len() / 2] }
}

fn measured(computers: u32) {
    let server = Server::start(computers);
    println!("{computers} computers of {} companies", server.companies.len());
    println!(
        "| Provider | Lab alone | Import | Ratio | Peak | With documents | Peak | Remembered | Peak | Again | Peak |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    let number = thousands(computers);
    for provider in ["automate", "rmm", "control"] {
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("repository");
        fs::create_dir(&folder).unwrap();
        make(&folder, &server);
        let (mut alone, mut runs) = (Vec::new(), Vec::new());
        let new = format!("{number} computers: {computers} new");
        let mut about = (0, 0);
        for _ in 0..ROUNDS {
            let (wall, bytes, calls) = plain(&server, provider);
            about = (bytes >> 20, calls);
            alone.push(Run { wall, peak: 0 });
            runs.push(import(&folder, &server, provider, &[], &new));
        }
        let (alone, run) = (middle(alone), middle(runs));
        let documents = import(&folder, &server, provider, &["--documents"], &new);
        let written = import(&folder, &server, provider, &["--yes"], &new);
        let quiet = format!("{number} computers: 0 new");
        let again = import(&folder, &server, provider, &[], &quiet);
        let shown = |run: Run| format!("{:.2?} | {} MiB", run.wall, run.peak);
        println!(
            "| {provider} ({} calls, {} MiB) | {:.2?} | {:.2?} | {:.2} | {} MiB | {} | {} | {} |",
            about.1,
            about.0,
            alone.wall,
            run.wall,
            run.wall.as_secs_f64() / alone.wall.as_secs_f64(),
            run.peak,
            shown(documents),
            shown(written),
            shown(again),
        );
    }
}

fn thousands(number: u32) -> String {
    let text = number.to_string();
    let (head, tail) = text.split_at(text.len() - 3);
    format!("{head},{tail}")
}

fn option(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}

fn main() {
    _ = rustls::crypto::ring::default_provider().install_default();
    let number = |name| option(name).map(|text| text.parse().unwrap());
    if let Some(computers) = number("--serve") {
        return serve(computers);
    }
    for computers in number("--computers").map_or(vec![10_000, 100_000], |computers| vec![computers]) {
        measured(computers);
    }
}
