//! `muster-lab`: serves the lab, and makes fleets for it.

#![allow(clippy::disallowed_methods, reason = "a program that serves: it reads and writes files")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the terminal")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use muster_lab::fleet::{Fleet, Generate, System};
use muster_lab::{Lab, Options};
use tokio::io::AsyncReadExt as _;

/// `ConnectWise` Control, Automate and RMM on loopback, from one fleet file, with faults on request.
#[derive(Debug, Parser)]
#[command(name = "muster-lab", version, about, long_about = None)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a fleet until Ctrl-C.
    Serve(Serve),
    /// Print a fleet file.
    Generate(Make),
}

#[derive(Debug, Args)]
struct Serve {
    /// The fleet file.
    fleet: PathBuf,
    /// The port of Control; 0 is any free one.
    #[arg(long, default_value_t = 0)]
    control_port: u16,
    /// The port of Automate; 0 is any free one.
    #[arg(long, default_value_t = 0)]
    automate_port: u16,
    /// The port of RMM; 0 is any free one.
    #[arg(long, default_value_t = 0)]
    rmm_port: u16,
    /// The port for changing the lab while it serves (faults, computers on and off, the journal); none without this.
    #[arg(long)]
    admin_port: Option<u16>,
    /// Write addresses and credentials to this file, as lines NAME='value' that a shell can read.
    #[arg(long)]
    env_file: Option<PathBuf>,
    /// Add the journal to this file, one JSON object on each line.
    #[arg(long)]
    journal: Option<PathBuf>,
    /// Where real computers have their folders. Default: a temporary folder that is removed at the end.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Stop when standard input ends.
    #[arg(long)]
    until_stdin_closes: bool,
    /// Stop after so long, such as 60s or 5m.
    #[arg(long = "for", value_parser = duration)]
    limit: Option<Duration>,
}

#[derive(Debug, Args)]
struct Make {
    /// How many computers.
    #[arg(long, default_value_t = 100)]
    computers: u32,
    /// The seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many companies.
    #[arg(long, default_value_t = 4)]
    companies: u32,
    /// How many sites each company has.
    #[arg(long, default_value_t = 2)]
    sites: u32,
    /// Percentage whose agents were installed again.
    #[arg(long, default_value_t = 0)]
    reinstalled: u8,
    /// Percentage that was wiped.
    #[arg(long, default_value_t = 0)]
    wiped: u8,
    /// Percentage that is a copy of another.
    #[arg(long, default_value_t = 0)]
    cloned: u8,
    /// Percentage with a UUID that many have.
    #[arg(long, default_value_t = 0)]
    bad_uuid: u8,
    /// Percentage of virtual machines.
    #[arg(long, default_value_t = 0)]
    virtual_machines: u8,
    /// Percentage that is switched off.
    #[arg(long, default_value_t = 0)]
    offline: u8,
    /// Percentage without the agent of a system, for each system.
    #[arg(long, default_value_t = 0)]
    missing: u8,
    /// Print these settings as they are, in place of the computers they make.
    #[arg(long)]
    section: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len());
    let number: u64 = number.parse().map_err(|_| format!("{text:?} is no duration, such as 60s or 5m"))?;
    match unit {
        "ms" => Ok(Duration::from_millis(number)),
        "" | "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number.saturating_mul(60))),
        "h" => Ok(Duration::from_secs(number.saturating_mul(3600))),
        _ => Err(format!("{unit:?} is no unit: ms, s, m and h are")),
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Generate(make) => generate(&make),
        Command::Serve(serve) => match tokio::runtime::Runtime::new() {
            Ok(runtime) => {
                let result = runtime.block_on(run(serve));
                // A read of standard input that is still at work must not hold the program.
                runtime.shutdown_background();
                result
            }
            Err(error) => Err(error.to_string()),
        },
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("muster-lab: {message}");
            ExitCode::from(2)
        }
    }
}

fn generate(make: &Make) -> Result<(), String> {
    let generate = Generate {
        companies: make.companies,
        sites: make.sites,
        reinstalled: make.reinstalled,
        wiped: make.wiped,
        cloned: make.cloned,
        bad_uuid: make.bad_uuid,
        virtual_machines: make.virtual_machines,
        offline: make.offline,
        missing: make.missing,
        ..Generate::of(make.computers, make.seed)
    };
    let fleet = Fleet { generate: Some(generate), ..Fleet::default() };
    let fleet = if make.section { fleet } else { fleet.made().map_err(|error| error.to_string())? };
    print!("{}", fleet.write().map_err(|error| error.to_string())?);
    Ok(())
}

/// An error with all that caused it.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}

async fn run(serve: Serve) -> Result<(), String> {
    let text = std::fs::read_to_string(&serve.fleet)
        .map_err(|error| format!("cannot read {}: {error}", serve.fleet.display()))?;
    let fleet = Fleet::read(&text).map_err(|error| told(&error))?;
    let ports = BTreeMap::from([
        (System::Control, serve.control_port),
        (System::Automate, serve.automate_port),
        (System::Rmm, serve.rmm_port),
    ]);
    let options = Options {
        ports,
        admin: serve.admin_port,
        folder: serve.folder,
        journal: serve.journal,
        ..Options::default()
    };
    let lab = Lab::start(fleet, options).await.map_err(|error| told(&error))?;
    if let Some(file) = &serve.env_file {
        let mut lines = String::new();
        for (name, value) in lab.environment() {
            // Writing into a String cannot fail.
            _ = writeln!(lines, "{name}='{}'", value.replace('\'', "'\\''"));
        }
        private(file, &lines).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    }
    for system in System::ALL {
        println!("{} {}", system.word(), lab.url(system));
    }
    if let Some(url) = lab.admin_url() {
        println!("admin {url}");
    }
    println!("ready");
    let limit = async {
        match serve.limit {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    let input = async {
        if serve.until_stdin_closes {
            let mut buffer = [0; 256];
            let mut input = tokio::io::stdin();
            while matches!(input.read(&mut buffer).await, Ok(1..)) {}
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = limit => {}
        () = input => {}
        () = stop() => {}
    }
    drop(lab);
    Ok(())
}

/// Writes a file that only its owner can read.
fn private(path: &std::path::Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.create(true).write(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

/// Ctrl-C, or the signal that asks a program to end.
async fn stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    _ = tokio::signal::ctrl_c().await;
}
