//! Takes secrets out of what comes back from computers, before anything of it is interpreted, told or kept (L9).
//!
//! Not here: secrets in forms that a script has made of them (base64, hashes, upper case). Only the value itself is known
//! here, its lines, and its form in JSON, in which the parameters' file holds it.
//!
//! Invariants: no answer leaves `detect` or `execute` without having been here, and nothing that was made of one (texts in it
//! may be encoded). Parts shorter than [`SHORTEST`] bytes and
//! the words true and false are left alone: to take them out would change what an answer says and hide nothing.

use std::sync::Arc;

use super::script::{BundleResult, Ended, StepResult, Value, Values};
use crate::config::Config;
use crate::inventory::item::{FieldChange, Observed};
use crate::secret::{Secret, SecretRef};
use crate::session::script::RunError;

/// Shorter secrets, and shorter lines of secrets (bytes), are not looked for.
const SHORTEST: usize = 4;

/// What stands at the end of a text that was too long to be kept.
const LEFT_OUT: &str = " …";

/// What stands in place of a secret.
const MARK: &str = "[secret]";

/// Knows the secrets of a run, and those that a session has beside them.
#[derive(Debug, Clone, Default)]
pub(super) struct Redactor {
    /// Shared by all clones.
    run: Arc<Vec<Secret>>,
    parts: Vec<Secret>,
}

impl Redactor {
    /// Knows all secrets of a configuration: what one item's script leaves behind, another's may print. Those that cannot
    /// be had are passed over: nothing can have been given them in this run, and who uses them is told.
    pub(super) fn of(config: &Config, resolve: impl Fn(&SecretRef) -> Option<Secret>) -> Self {
        let mut all = Self::default();
        for secret in config.secrets().into_iter().filter_map(resolve) {
            all.learn_one(&secret);
        }
        Self { run: Arc::new(all.parts), parts: Vec::new() }
    }

    fn known(&self) -> impl Iterator<Item = &str> {
        self.run.iter().chain(&self.parts).map(Secret::expose)
    }

    /// Learns the secrets among the values of steps.
    pub(super) fn learn<'v>(&mut self, values: impl IntoIterator<Item = &'v Values>) {
        for value in values.into_iter().flat_map(Values::values) {
            if let Value::Secret(secret) = value {
                self.learn_one(secret);
            }
        }
    }

    fn learn_one(&mut self, secret: &Secret) {
        let value = secret.expose();
        self.add(value);
        for line in value.split(['\n', '\r']) {
            self.add(line.trim());
        }
        let json = zeroize::Zeroizing::new(serde_json::Value::from(value).to_string());
        self.add(json.trim_matches('"'));
    }

    fn add(&mut self, part: &str) {
        let word = part.eq_ignore_ascii_case("true") || part.eq_ignore_ascii_case("false");
        if part.len() >= SHORTEST && !word && !self.known().any(|known| known == part) {
            self.parts.push(Secret::new(part.to_owned()));
        }
    }

    /// An answer without secrets.
    pub(super) fn answer(&self, answer: Result<BundleResult, RunError>) -> Result<BundleResult, RunError> {
        if self.known().next().is_none() {
            return answer;
        }
        match answer {
            Ok(mut result) => {
                // The collector gets no values, and what it prints is not looked at by people alone.
                let steps = result.steps.iter_mut().filter(|(key, _)| *key != super::collect::KEY);
                steps.for_each(|(_, step)| self.step(step));
                Ok(result)
            }
            Err(error) => Err(match error {
                RunError::Unreachable(text) => RunError::Unreachable(self.text(text, false)),
                RunError::Refused { message, help } => RunError::Refused {
                    message: self.text(message, false),
                    help: help.map(|help| self.text(help, false)),
                },
                RunError::Lost(text) => RunError::Lost(self.text(text, false)),
                RunError::Nonsense(text) => RunError::Nonsense(self.text(text, false)),
                error @ (RunError::TimedOut(_) | RunError::Overtaken) => error,
            }),
        }
    }

    /// What an answer comes to, without secrets: built-in resources hand over texts in base64 or with escapes, and these
    /// can only be looked at when they have been read.
    pub(super) fn observed(&self, observed: Observed) -> Observed {
        if self.known().next().is_none() {
            return observed;
        }
        match observed {
            Observed::NonCompliant { detail, fields } => Observed::NonCompliant {
                detail: self.kept(detail),
                fields: fields.into_iter().map(|field| self.field(field)).collect(),
            },
            Observed::Value { value } => Observed::Value { value: self.kept(value) },
            Observed::Undetermined { why } => Observed::Undetermined { why: self.kept(why) },
            other @ (Observed::Present { .. }
            | Observed::Absent
            | Observed::Compliant
            | Observed::NotApplicable) => other,
        }
    }

    fn field(&self, field: FieldChange) -> FieldChange {
        let FieldChange { field, before, after, diff, different } = field;
        let clean = |text: Option<String>| text.map(|text| self.kept(text));
        FieldChange { field, before: clean(before), after: clean(after), diff: clean(diff), different }
    }

    /// A text of which the end may have been left out already.
    fn kept(&self, text: String) -> String {
        match text.strip_suffix(LEFT_OUT) {
            Some(kept) => format!("{}{LEFT_OUT}", self.text(kept.to_owned(), true)),
            None => self.text(text, false),
        }
    }

    fn step(&self, step: &mut StepResult) {
        step.stdout = self.text(std::mem::take(&mut step.stdout), step.cut);
        step.stderr = self.text(std::mem::take(&mut step.stderr), step.cut);
        if let Ended::NotStarted(why) = &mut step.ended {
            *why = self.text(std::mem::take(why), false);
        }
    }

    /// A text without secrets. Where it was cut, the beginning of a secret may stand at its end; that goes too.
    fn text(&self, text: String, cut: bool) -> String {
        let mut ranges: Vec<(usize, usize)> = Vec::new();
        for part in self.known() {
            let mut from = 0;
            while let Some(at) = text.get(from..).and_then(|rest| rest.find(part)) {
                let begin = from.saturating_add(at);
                ranges.push((begin, begin.saturating_add(part.len())));
                // One character on, so that no overlapping one is missed.
                let step = text.get(begin..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
                from = begin.saturating_add(step);
            }
            if cut {
                // A character that was cut in two is read as this one.
                let whole = text.trim_end_matches('\u{fffd}');
                let lengths = part.char_indices().map(|(at, _)| at).filter(|at| *at >= SHORTEST);
                let begun =
                    lengths.rev().find(|at| part.get(..*at).is_some_and(|begun| whole.ends_with(begun)));
                ranges.extend(begun.map(|length| (whole.len().saturating_sub(length), whole.len())));
            }
        }
        if ranges.is_empty() {
            return text;
        }
        ranges.sort_unstable();
        let mut clean = String::with_capacity(text.len());
        let mut done = 0;
        let mut covered = None;
        for (begin, end) in ranges {
            if covered.is_none_or(|covered| begin >= covered) {
                clean.push_str(text.get(done..begin).unwrap_or_default());
                clean.push_str(MARK);
            }
            done = done.max(end);
            covered = Some(done);
        }
        clean.push_str(text.get(done..).unwrap_or_default());
        drop(zeroize::Zeroizing::new(text));
        clean
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn knows(secrets: &[&str]) -> Redactor {
        let mut redactor = Redactor::default();
        for secret in secrets {
            redactor.learn_one(&Secret::new((*secret).to_owned()));
        }
        redactor
    }

    fn clean(secrets: &[&str], text: &str) -> String {
        knows(secrets).text(text.to_owned(), false)
    }

    #[test]
    fn a_secret_is_taken_out_wherever_it_stands() {
        assert_eq!(clean(&["swordfish"], "key=swordfish;xswordfishy"), "key=[secret];x[secret]y");
        assert_eq!(clean(&["swordfish"], "sword fish"), "sword fish");
        assert_eq!(clean(&["abcdef", "defghi"], "-abcdefghi-"), "-[secret]-");
        assert_eq!(clean(&["aaaa"], "-aaaaaa-"), "-[secret]-");
        assert_eq!(clean(&["päss", "pass"], "päss pass"), "[secret] [secret]");
    }

    #[test]
    fn every_line_of_a_secret_is_taken_out_by_itself() {
        let key = "-----BEGIN-----\r\nline-one\nab\nline-two\n";
        assert_eq!(clean(&[key], "got line-two, then line-one"), "got [secret], then [secret]");
        assert_eq!(clean(&[key], key), "[secret]");
        assert_eq!(clean(&[key], "ab"), "ab");
    }

    #[test]
    fn the_form_in_the_parameters_file_is_taken_out() {
        assert_eq!(clean(&["a\"b\\c\td"], r#"{"key":"a\"b\\c\td"}"#), r#"{"key":"[secret]"}"#);
    }

    #[test]
    fn what_is_short_or_a_verdict_stays() {
        assert_eq!(clean(&["abc", "true", "False", ""], "abc true\nFALSE"), "abc true\nFALSE");
    }

    #[test]
    fn the_beginning_of_a_secret_at_the_end_of_a_cut_text_goes_too() {
        let redactor = knows(&["swordfish"]);
        assert_eq!(redactor.text("key=swordf".to_owned(), true), "key=[secret]");
        assert_eq!(redactor.text("key=swo".to_owned(), true), "key=swo");
        assert_eq!(redactor.text("key=swordf".to_owned(), false), "key=swordf");
    }

    #[test]
    fn what_was_decoded_is_cleaned_as_well() {
        use base64::Engine as _;
        let held = base64::engine::general_purpose::STANDARD.encode("user = app\ntoken = sword\tfish\n");
        let output = format!(
            "muster-field\tcontent\tdiffers\t=sha256:12\t=sha256:34\t{held}\n\
             muster-field\tline\tdiffers\t=none\t=token sword\\tfish\n\
             muster-field\tlong\tdiffers\t-\t={}sword\\tfish\n",
            "x".repeat(193)
        );
        let redactor = knows(&["sword\tfish"]);
        let clean = redactor.text(output, false);
        let (detail, fields) =
            crate::config::resource::report::read(&clean, Some(b"user = app\ntoken = none\n"));
        let told = format!("{:?}", redactor.observed(Observed::NonCompliant { detail, fields }));
        assert!(!told.contains("sword"), "{told}");
        assert!(told.contains("-token = [secret]") && told.contains("token [secret]"), "{told}");
        let value = Observed::Value { value: "line: sword\tfish".to_owned() };
        assert_eq!(redactor.observed(value), Observed::Value { value: "line: [secret]".to_owned() });
    }

    #[test]
    fn errors_are_cleaned_too() {
        let redactor = knows(&["swordfish"]);
        let error = redactor.answer(Err(RunError::Nonsense("no swordfish".to_owned())));
        assert_eq!(error, Err(RunError::Nonsense("no [secret]".to_owned())));
    }

    proptest! {
        #[test]
        fn nothing_of_a_secret_is_left_and_the_rest_is(
            before in "[a-c \n]{0,12}", secret in "[A-Dé]{4,9}", other in "[A-Dé]{4,9}", after in "[a-c \n]{0,12}",
        ) {
            let text = format!("{before}{secret}{other}{after}{other}");
            let clean = clean(&[&secret, &other], &text);
            prop_assert!(!clean.contains(&secret) && !clean.contains(&other));
            prop_assert!(clean.starts_with(&before) && clean.contains(&after) && clean.ends_with(MARK));
        }
    }
}
