//! Frames: how the results of a bundle's steps stand in the one stream that comes back.
//!
//! Not here: what produces them on the computer (`bundle`).
//!
//! The stream: a line `MARKER begin EPOCH`, then for every step a line
//! `MARKER step INDEX HOW CODE MILLISECONDS ENCODING NOTE OUT ERR CUT`, where `NOTE`, `OUT` and `ERR` are counts of the
//! bytes that follow it, and a line feed; at last `MARKER end`. `ENCODING` is `raw` or `base64` (counts are of the text).
//!
//! Invariants: counts decide, so no byte of output can end a frame. Only complete frames count. Where a whole stream does
//! not go on as it should, reading goes on at the next header; where a stream broke off, reading ends at the frame that
//! is not complete. Nothing is guessed. Any input gives an answer.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;

use crate::session::script::{Bundle, BundleResult, Ended, RunError, StepResult};
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
    let ends = output.trim_ascii_end().ends_with(format!("{head}end").as_bytes());
    let mut found: BTreeMap<usize, StepResult> = BTreeMap::new();
    while let Some(start) = next_header(&head, output, at) {
        let rest = output.get(start..).unwrap_or_default();
        at = match frame(&head, rest) {
            Frame::Whole { index, result, length } => {
                // The first one counts: a later one of the same step is an echo.
                found.entry(index).or_insert(result);
                start.saturating_add(length)
            }
            // What follows is this step's output, whatever it looks like.
            Frame::Short if !ends => break,
            Frame::Short | Frame::Broken => start.saturating_add(head.len()),
        };
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
    let results = bundle.steps.iter().map(|step| result.steps.get(&step.key));
    write_results(marker, result.clock, results)
}

/// Writes the results of steps in the order of the steps; those without one are left out.
pub fn write_results<'a>(
    marker: &str,
    clock: Option<Timestamp>,
    results: impl Iterator<Item = Option<&'a StepResult>>,
) -> Vec<u8> {
    let mut output = format!("\n{marker} begin {}\n", clock.map_or(0, Timestamp::as_second)).into_bytes();
    for (index, result) in results.enumerate() {
        let Some(result) = result else { continue };
        let (how, code, note) = match &result.ended {
            Ended::Exit(code) => ("exit", *code, ""),
            Ended::TimedOut => ("timed-out", 0, ""),
            Ended::NotStarted(note) => ("not-started", 0, note.as_str()),
            Ended::Busy => ("busy", 0, ""),
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

/// What stands at a header.
enum Frame {
    /// A complete frame of a step.
    Whole { index: usize, result: StepResult, length: usize },
    /// A good header, and less output than it promises.
    Short,
    /// Anything else.
    Broken,
}

/// Reads the frame at the beginning of `bytes`.
fn frame(head: &str, bytes: &[u8]) -> Frame {
    let Some(header) = line(bytes).and_then(|line| Header::read(head, line)) else { return Frame::Broken };
    let end = header.note.checked_add(header.out).and_then(|n| n.checked_add(header.err)).and_then(|n| {
        // And the line feed.
        n.checked_add(header.length)?.checked_add(1)
    });
    match end {
        Some(end) if end <= bytes.len() => header
            .result(bytes)
            .map_or(Frame::Broken, |(result, length)| Frame::Whole { index: header.index, result, length }),
        _ => Frame::Short,
    }
}

/// The first line of a step's frame.
struct Header<'a> {
    index: usize,
    how: &'a str,
    code: i32,
    duration: Duration,
    base64: bool,
    note: usize,
    out: usize,
    err: usize,
    cut: bool,
    /// Its own length with the line feed.
    length: usize,
}

impl<'a> Header<'a> {
    fn read(head: &str, line: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(line).ok()?.strip_prefix(head)?.trim_end_matches('\r');
        let fields: Vec<&str> = text.split(' ').collect();
        let ["step", index, how, code, milliseconds, encoding, note, out, err, cut] = *fields.as_slice()
        else {
            return None;
        };
        Some(Self {
            index: number(index)?,
            how,
            code: code.parse().ok()?,
            duration: Duration::from_millis(u64::try_from(number(milliseconds)?).ok()?),
            base64: one_of(encoding, "raw", "base64")?,
            note: number(note)?,
            out: number(out)?,
            err: number(err)?,
            cut: one_of(cut, "0", "1")?,
            length: line.len().checked_add(1)?,
        })
    }

    /// The result and the length of the whole frame, from the bytes that begin with this header.
    fn result(&self, bytes: &[u8]) -> Option<(StepResult, usize)> {
        let mut at = self.length;
        let mut part = |length: usize| -> Option<String> {
            let end = at.checked_add(length)?;
            let bytes = bytes.get(at..end)?;
            at = end;
            if self.base64 {
                let bytes = base64::engine::general_purpose::STANDARD.decode(bytes).ok()?;
                // Windows PowerShell puts a byte order mark before its output.
                let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
                Some(String::from_utf8_lossy(bytes).into_owned())
            } else {
                Some(String::from_utf8_lossy(bytes).into_owned())
            }
        };
        let (note, stdout, stderr) = (part(self.note)?, part(self.out)?, part(self.err)?);
        let feed = match bytes.get(at..)? {
            [b'\n', ..] => 1,
            [b'\r', b'\n', ..] => 2,
            _ => return None,
        };
        let ended = match self.how {
            "exit" => Ended::Exit(self.code),
            "timed-out" => Ended::TimedOut,
            "not-started" => Ended::NotStarted(note),
            "busy" => Ended::Busy,
            "no-user" => Ended::NoUser,
            "skipped" => Ended::Skipped,
            _ => return None,
        };
        let result = StepResult { ended, stdout, stderr, cut: self.cut, duration: self.duration };
        Some((result, at.checked_add(feed)?))
    }
}

/// Whether `text` is the second of two words; `None` when it is neither.
fn one_of(text: &str, first: &str, second: &str) -> Option<bool> {
    if text == first { Some(false) } else { (text == second).then_some(true) }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::session::script::{Context, Interpreter, Platform, Purpose, Read, Script, Step, Values};

    const MARKER: &str = "muster-0123456789abcdef";

    fn bundle(count: usize) -> Bundle<Read> {
        let script = Arc::new(Script {
            interpreter: Interpreter::Sh,
            context: Context::System,
            text: "".into(),
            limit: None,
            origin: "test".into(),
        });
        let steps = (0..count)
            .map(|index| Step::read(index.to_string(), Purpose::Collect, Arc::clone(&script), Values::new()))
            .collect();
        Bundle::new(Platform::Posix, steps, BTreeMap::new())
    }

    /// Texts that like to look like frames.
    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            Just(format!("\n{MARKER} step 0 exit 0 0 raw 0 1 0 0\nx\n")),
            Just(format!("{MARKER} end\n")),
            Just(format!("{MARKER} step 1 exit 0 0 raw 0 9")),
            "[\n\r 0-9]{0,12}",
        ]
    }

    fn step_result() -> impl Strategy<Value = StepResult> {
        let ended = prop_oneof![
            any::<i32>().prop_map(Ended::Exit),
            Just(Ended::TimedOut),
            text().prop_map(Ended::NotStarted),
            Just(Ended::Busy),
            Just(Ended::NoUser),
            Just(Ended::Skipped),
        ];
        (ended, text(), text(), any::<bool>(), any::<u32>()).prop_map(|(ended, stdout, stderr, cut, ms)| {
            StepResult { ended, stdout, stderr, cut, duration: Duration::from_millis(ms.into()) }
        })
    }

    fn bundle_result() -> impl Strategy<Value = BundleResult> {
        (prop::collection::vec(step_result(), 1..5), proptest::option::of(1..4_000_000_000_i64)).prop_map(
            |(steps, clock)| BundleResult {
                steps: steps.into_iter().enumerate().map(|(index, step)| (index.to_string(), step)).collect(),
                clock: clock.and_then(|seconds| Timestamp::from_second(seconds).ok()),
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(result in bundle_result()) {
            let bundle = bundle(result.steps.len());
            prop_assert_eq!(read(&bundle, MARKER, &write(&bundle, MARKER, &result)), Ok(result));
        }

        #[test]
        fn noise_around_an_answer_changes_nothing(result in bundle_result(), before in "[a-z \n]{0,40}", after in "[a-z \n]{0,40}") {
            let bundle = bundle(result.steps.len());
            let noisy = [before.as_bytes(), &write(&bundle, MARKER, &result), after.as_bytes()].concat();
            prop_assert_eq!(read(&bundle, MARKER, &noisy), Ok(result));
        }

        #[test]
        fn the_first_of_two_answers_counts(first in bundle_result(), second in bundle_result()) {
            let bundle = bundle(first.steps.len());
            let both = [write(&bundle, MARKER, &first), write(&bundle, MARKER, &second)].concat();
            prop_assert_eq!(read(&bundle, MARKER, &both), Ok(first));
        }

        #[test]
        fn any_bytes_give_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200), tail in "[ a-z0-9\n]{0,80}") {
            _ = read(&bundle(2), MARKER, &bytes);
            let headed = [format!("{MARKER} begin 5\n{MARKER} step ").as_bytes(), tail.as_bytes(), &bytes].concat();
            prop_assert!(read(&bundle(2), MARKER, &headed).is_ok());
        }
    }

    #[test]
    fn an_answer_cut_at_any_byte_keeps_its_complete_steps_and_loses_the_others() {
        let step = |ended, stdout: &str, stderr: &str| StepResult {
            ended,
            stdout: stdout.to_owned(),
            stderr: stderr.to_owned(),
            cut: false,
            duration: Duration::from_millis(7),
        };
        let forged = format!("\n{MARKER} step 2 exit 0 7 raw 0 3 0 0\nbad\n");
        let steps = [
            step(Ended::Exit(0), "one\n", ""),
            step(Ended::Exit(1), &forged, "e\n"),
            step(Ended::NotStarted("no ä".to_owned()), "", ""),
            step(Ended::TimedOut, "", "late"),
        ];
        let bundle = bundle(steps.len());
        let result = BundleResult {
            steps: steps.iter().enumerate().map(|(index, step)| (index.to_string(), step.clone())).collect(),
            clock: Timestamp::from_second(5).ok(),
        };
        let whole = write(&bundle, MARKER, &result);
        let mut best = 0;
        for end in 0..=whole.len() {
            let Ok(read) = read(&bundle, MARKER, &whole[..end]) else {
                assert!(end < MARKER.len() + 10, "{end}");
                continue;
            };
            let complete = read.steps.values().take_while(|step| step.ended != Ended::Lost).count();
            for (index, step) in steps.iter().enumerate() {
                let found = &read.steps[&index.to_string()];
                assert!(found == step || found.ended == Ended::Lost, "{end} {index}: {found:?}");
                assert_eq!(found == step, index < complete, "{end} {index}");
            }
            assert!(complete >= best, "{end}");
            best = complete;
        }
        assert_eq!(best, steps.len());
    }

    #[test]
    fn a_frame_with_less_than_it_promises_costs_no_other_step() {
        for promised in [2, 3, 4, 40, 400, usize::MAX] {
            let output = format!(
                "{MARKER} begin 5\n{MARKER} step 0 exit 0 1 raw 0 {promised} 0 0\na\n\
                 {MARKER} step 1 exit 0 1 raw 0 2 0 0\nb\n\n{MARKER} end\n"
            );
            let result = read(&bundle(2), MARKER, output.as_bytes()).expect("an answer");
            assert_eq!(result.steps["0"].ended, Ended::Lost, "{promised}");
            assert_eq!(result.steps["1"].stdout, "b\n", "{promised}");
        }
    }

    #[test]
    fn no_answer_is_told_from_a_foreign_one_and_neither_is_quoted() {
        let bundle = bundle(1);
        assert_eq!(read(&bundle, MARKER, b""), Err(RunError::Lost("nothing came back".to_owned())));
        let error = read(&bundle, MARKER, b"sh: secret: not found\n").expect_err("foreign");
        assert_eq!(error, RunError::Nonsense("22 bytes without the beginning of an answer".to_owned()));
    }

    #[test]
    fn answers_in_base64_with_windows_line_ends_are_read() {
        let bundle = bundle(2);
        let output = format!(
            "#< CLIXML\r\n{MARKER} begin 5\r\n{MARKER} step 0 exit -1073741510 9 base64 0 12 4 1\r\n77u/w6QNCg==eQ==\r\n\
             {MARKER} step 1 not-started 0 0 base64 4 0 0 0\neA==\n{MARKER} end\r\n"
        );
        let result = read(&bundle, MARKER, output.as_bytes()).expect("an answer");
        let first = &result.steps["0"];
        assert_eq!((first.stdout.as_str(), first.stderr.as_str(), first.cut), ("ä\r\n", "y", true));
        assert_eq!(first.ended, Ended::Exit(-1_073_741_510));
        assert_eq!(result.steps["1"].ended, Ended::NotStarted("x".to_owned()));
    }
}
