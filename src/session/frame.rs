//! Frames: how the results of a bundle's steps stand in the one stream that comes back.
//!
//! Not here: what produces them on the computer (`bundle`).
//!
//! The stream: a line `MARKER begin EPOCH`, then for every step a line
//! `MARKER step INDEX HOW CODE MILLISECONDS ENCODING NOTE OUT ERR CUT`, where `NOTE`, `OUT` and `ERR` are counts of the
//! bytes that follow it, and a line feed; at last `MARKER end`. `ENCODING` is `raw` or `base64` (counts are of the text).
//!
//! Invariants: counts decide, so no byte of output can end a frame. Only complete frames count. Where the stream does
//! not go on as it should, reading goes on at the next header; nothing is guessed. Any input gives an answer.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;

use crate::provider::RunError;
use crate::session::script::{Bundle, BundleResult, Ended, StepResult};
use crate::time::Timestamp;

/// Reads the answer to `bundle`. Steps without a complete frame are [`Ended::Lost`].
///
/// # Errors
/// [`RunError::Lost`] when there is no output at all, [`RunError::Nonsense`] when there is no beginning of this bundle's
/// answer in it. The message holds nothing of the output, which may hold secrets.
pub fn read<A>(bundle: &Bundle<A>, marker: &str, output: &[u8]) -> Result<BundleResult, RunError> {
    let head = format!("{marker} ");
    let Some((clock, mut at)) = beginning(&head, output) else {
        return Err(if output.iter().all(u8::is_ascii_whitespace) {
            RunError::Lost("nothing came back".to_owned())
        } else {
            RunError::Nonsense(format!("{} bytes without the beginning of an answer", output.len()))
        });
    };
    let mut found: BTreeMap<usize, StepResult> = BTreeMap::new();
    while let Some(start) = next_header(&head, output, at) {
        let rest = output.get(start..).unwrap_or_default();
        if let Some((index, result, length)) = frame(&head, rest) {
            // The first one counts: a later one of the same step is an echo.
            found.entry(index).or_insert(result);
            at = start.saturating_add(length);
        } else {
            at = start.saturating_add(head.len());
        }
    }
    let steps = bundle
        .steps
        .iter()
        .enumerate()
        .map(|(index, step)| (step.key.clone(), found.remove(&index).unwrap_or_else(lost)))
        .collect();
    Ok(BundleResult { steps, clock })
}

/// Writes results in the form that [`read`] reads. Steps without a result, and lost ones, are left out.
#[must_use]
pub fn write<A>(bundle: &Bundle<A>, marker: &str, result: &BundleResult) -> Vec<u8> {
    let mut output =
        format!("\n{marker} begin {}\n", result.clock.map_or(0, Timestamp::as_second)).into_bytes();
    for (index, step) in bundle.steps.iter().enumerate() {
        let Some(result) = result.steps.get(&step.key) else { continue };
        let (how, code, note) = match &result.ended {
            Ended::Exit(code) => ("exit", *code, ""),
            Ended::TimedOut => ("timed-out", 0, ""),
            Ended::NotStarted(note) => ("not-started", 0, note.as_str()),
            Ended::NoUser => ("no-user", 0, ""),
            Ended::Skipped => ("skipped", 0, ""),
            Ended::Lost => continue,
        };
        let head = format!(
            "{marker} step {index} {how} {code} {} raw {} {} {} {}\n",
            result.duration.as_millis(),
            note.len(),
            result.stdout.len(),
            result.stderr.len(),
            u8::from(result.cut),
        );
        for part in [head.as_str(), note, &result.stdout, &result.stderr, "\n"] {
            output.extend_from_slice(part.as_bytes());
        }
    }
    output.extend_from_slice(format!("{marker} end\n").as_bytes());
    output
}

fn lost() -> StepResult {
    StepResult {
        ended: Ended::Lost,
        stdout: String::new(),
        stderr: String::new(),
        cut: false,
        duration: Duration::ZERO,
    }
}

/// The clock, if it makes sense, and where the stream goes on after its first line.
fn beginning(head: &str, output: &[u8]) -> Option<(Option<Timestamp>, usize)> {
    let head = format!("{head}begin ");
    let start = find(output, head.as_bytes(), 0)?.checked_add(head.len())?;
    let line = line(output.get(start..)?)?;
    let text = std::str::from_utf8(line).ok()?.trim();
    let clock = text.parse::<i64>().ok().filter(|s| *s > 0).and_then(|s| Timestamp::from_second(s).ok());
    Some((clock, start.checked_add(line.len())?.checked_add(1)?))
}

/// Where the next line begins that starts with `head`, at `at` or later.
fn next_header(head: &str, output: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let start = find(output, head.as_bytes(), at)?;
        if start == at || start.checked_sub(1).and_then(|i| output.get(i)) == Some(&b'\n') {
            return Some(start);
        }
        at = start.checked_add(1)?;
    }
}

/// One frame at the beginning of `bytes`: the step's index, its result and the frame's length.
fn frame(head: &str, bytes: &[u8]) -> Option<(usize, StepResult, usize)> {
    let header = line(bytes)?;
    let fields: Vec<&str> =
        std::str::from_utf8(header).ok()?.strip_prefix(head)?.trim_end_matches('\r').split(' ').collect();
    let ["step", index, how, code, milliseconds, encoding, note, out, err, cut] = fields.as_slice() else {
        return None;
    };
    let cut = match *cut {
        "0" => false,
        "1" => true,
        _ => return None,
    };
    let mut at = header.len().checked_add(1)?;
    let mut part = |count: &str| -> Option<String> {
        let end = at.checked_add(number(count)?)?;
        let bytes = bytes.get(at..end)?;
        at = end;
        match *encoding {
            "raw" => Some(String::from_utf8_lossy(bytes).into_owned()),
            "base64" => {
                let bytes = base64::engine::general_purpose::STANDARD.decode(bytes).ok()?;
                // Windows PowerShell puts a byte order mark before its output.
                Some(
                    String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes))
                        .into_owned(),
                )
            }
            _ => None,
        }
    };
    let (note, stdout, stderr) = (part(note)?, part(out)?, part(err)?);
    match bytes.get(at..)? {
        [b'\n', ..] => at = at.checked_add(1)?,
        [b'\r', b'\n', ..] => at = at.checked_add(2)?,
        _ => return None,
    }
    let ended = match *how {
        "exit" => Ended::Exit(code.parse().ok()?),
        "timed-out" => Ended::TimedOut,
        "not-started" => Ended::NotStarted(note),
        "no-user" => Ended::NoUser,
        "skipped" => Ended::Skipped,
        _ => return None,
    };
    let duration = Duration::from_millis(u64::try_from(number(milliseconds)?).ok()?);
    Some((number(index)?, StepResult { ended, stdout, stderr, cut, duration }, at))
}

/// A number of digits only: `usize::from_str` would take a sign.
fn number(text: &str) -> Option<usize> {
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// The bytes before the first line feed, if there is one.
fn line(bytes: &[u8]) -> Option<&[u8]> {
    bytes.iter().position(|b| *b == b'\n').and_then(|end| bytes.get(..end))
}

/// Where `wanted` occurs in `bytes`, at `from` or later.
fn find(bytes: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.windows(wanted.len()).position(|window| window == wanted).and_then(|at| at.checked_add(from))
}
