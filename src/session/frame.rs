//! Placeholder until the real frames arrive: reads what `bundle`'s placeholder prints.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;

use super::script::{Bundle, BundleResult, Ended, StepResult};
use crate::provider::RunError;

/// Reads the output of a bundle's shell.
///
/// # Errors
/// [`RunError::Nonsense`] when the output holds no frame at all.
pub fn read<A>(bundle: &Bundle<A>, marker: &str, output: &[u8]) -> Result<BundleResult, RunError> {
    let output = String::from_utf8_lossy(output);
    let decode = |text: &str| {
        let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim_start_matches('=')).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    let mut found = BTreeMap::new();
    for line in output.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [mark, index, code, stdout, stderr, cut] = words.as_slice() else { continue };
        if *mark != marker {
            continue;
        }
        let (Ok(index), Ok(code)) = (index.parse::<usize>(), code.parse::<i32>()) else { continue };
        if let (Some(stdout), Some(stderr)) = (decode(stdout), decode(stderr)) {
            found.insert(index, (code, stdout, stderr, *cut == "cut"));
        }
    }
    if found.is_empty() && !bundle.steps.is_empty() {
        return Err(RunError::Nonsense("the answer holds no result".to_owned()));
    }
    let steps = bundle.steps.iter().enumerate().map(|(index, step)| {
        let result = match found.remove(&index) {
            Some((code, stdout, stderr, cut)) => {
                StepResult { ended: Ended::Exit(code), stdout, stderr, cut, duration: Duration::ZERO }
            }
            None => StepResult {
                ended: Ended::Lost,
                stdout: String::new(),
                stderr: String::new(),
                cut: false,
                duration: Duration::ZERO,
            },
        };
        (step.key.clone(), result)
    });
    Ok(BundleResult { steps: steps.collect(), clock: None })
}
