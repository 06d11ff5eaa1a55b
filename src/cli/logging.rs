//! Logs to standard error, for whoever looks for a fault. Users' text goes through `output`, not through here.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

use super::arguments::Global;
use super::environment::Environment;

/// Starts logging, as `MUSTER_LOG` or the number of `-v` says.
pub(super) fn start(global: &Global, environment: &Environment) {
    let level = match global.verbose {
        0 => "muster=warn",
        1 => "muster=info",
        2 => "muster=debug",
        _ => "muster=trace,russh=debug",
    };
    let filter = environment.log.as_deref().unwrap_or(level);
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("muster=warn"));
    let layer = fmt::layer().with_writer(std::io::stderr).with_ansi(false).with_target(true);
    // A second start, as in tests, keeps the first.
    _ = tracing_subscriber::registry().with(filter).with(layer).try_init();
}
