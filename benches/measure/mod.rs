//! What the benchmarks measure with: wall time, processor time and peak memory of this process.
//!
//! Processor time is that of all threads, in steps of a hundredth of a second, so it is taken over several runs. It tells
//! what a run takes when other programs use the machine, too.

use std::fmt;
use std::fs;
use std::time::{Duration, Instant};

/// How long several runs of the same took.
pub(crate) struct Runs {
    sorted: Vec<Duration>,
    /// The processor time of all threads for one run (mean): in the program, and in the system for it.
    own: Duration,
    system: Duration,
}

impl fmt::Display for Runs {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.sorted.len();
        let (least, middle, most) = (self.sorted[0], self.sorted[count / 2], self.sorted[count - 1]);
        write!(out, "{middle:.1?} (middle of {count}; {least:.1?} to {most:.1?}; ")?;
        write!(out, "processor {:.1?} and {:.1?} of the system)", self.own, self.system)
    }
}

/// Runs something several times, and gives the times and what came out last. What comes out is dropped outside the
/// measured time.
pub(crate) fn runs<T>(count: u32, mut work: impl FnMut(u32) -> T) -> (Runs, T) {
    let mut sorted = Vec::new();
    let (mut own, mut system) = (Duration::ZERO, Duration::ZERO);
    let mut last = None;
    for number in 0..count {
        drop(last.take());
        let ((own_before, system_before), start) = (processor_time(), Instant::now());
        let result = work(number);
        sorted.push(start.elapsed());
        let (own_after, system_after) = processor_time();
        own += own_after.saturating_sub(own_before);
        system += system_after.saturating_sub(system_before);
        last = Some(result);
    }
    sorted.sort();
    (Runs { sorted, own: own / count, system: system / count }, last.unwrap())
}

/// The time that all threads of this process have used so far, those that have ended included: their own and the system's
/// for them.
fn processor_time() -> (Duration, Duration) {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program stands in brackets and may contain spaces.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let mut times =
        fields.skip(11).map(|field| Duration::from_millis(field.parse::<u64>().unwrap_or(0) * 10));
    (times.next().unwrap_or_default(), times.next().unwrap_or_default())
}

/// The most memory that this process has had so far, in MiB.
pub(crate) fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    line.and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// A number among the program's arguments.
pub(crate) fn option(name: &str) -> Option<u32> {
    std::env::args().skip_while(|argument| argument != name).nth(1)?.parse().ok()
}
