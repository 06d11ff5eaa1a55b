//! What goes wrong: rules over requests and over the output of commands, decided by a seed.
//!
//! Not here: doing it (`crate::server` for requests, the three systems for output).
//!
//! Invariant: the same rules, seed and requests in the same order give the same faults.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::fleet::System;
use crate::ids;

/// All that goes wrong.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Faults {
    /// Decides which requests are hit, together with the share of a rule.
    pub seed: u64,
    /// How far the servers' clocks are ahead, in seconds; negative is behind.
    pub server_skew: i64,
    /// How far the computers' clocks are ahead, in seconds.
    pub computer_skew: i64,
    /// The rules; the first that hits counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// What happens.
    pub what: What,
    /// In which system. Default: in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<System>,
    /// To which requests: their path with `*` for anything, in any case. For output: the agent's id or name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The share of those that is hit, from 0 to 1. Default: all of them.
    #[serde(default = "all")]
    pub share: f64,
    /// How many are spared at first.
    #[serde(default)]
    pub after: u64,
    /// How many are hit at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// The status of `status`. Default: 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// `Retry-After` of `throttle` in seconds; without it there is no such header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// How long `slow-body` and `late-output` take, in milliseconds. Default: 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// After how many bytes `reset`, `slow-body` and `truncated` break off or pause, and after how many characters
    /// `cut-output` does. Default: half of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<usize>,
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// 429, and nothing is done.
    Throttle,
    /// Another status, and nothing is done.
    Status,
    /// The connection breaks before anything is done.
    ResetBefore,
    /// The request is done, and the connection breaks before the answer.
    ResetAfter,
    /// The request is done, and the connection breaks within the body of the answer.
    Reset,
    /// The body pauses.
    SlowBody,
    /// The body ends early, and the answer says that it is complete.
    Truncated,
    /// A web page with status 200 in place of the answer; the request is done.
    Html,
    /// A redirect to a page for signing in, and nothing is done.
    LoginRedirect,
    /// 401: the token or cookie of the request is good no longer.
    ExpireToken,
    /// A lookup finds nothing, as under load.
    EmptyLookup,
    /// A command runs, and its output is lost.
    LoseOutput,
    /// Its output comes late.
    LateOutput,
    /// Its output comes twice.
    DuplicateOutput,
    /// Its output is cut.
    CutOutput,
}

impl What {
    /// Whether it concerns the output of commands, not requests.
    #[must_use]
    pub const fn is_output(self) -> bool {
        matches!(self, Self::LoseOutput | Self::LateOutput | Self::DuplicateOutput | Self::CutOutput)
    }
}

impl Rule {
    /// A rule that always hits.
    #[must_use]
    pub const fn of(what: What) -> Self {
        Self {
            what,
            system: None,
            path: None,
            share: 1.0,
            after: 0,
            times: None,
            status: None,
            retry_after: None,
            delay_ms: None,
            bytes: None,
        }
    }

    /// How long it delays.
    pub(crate) fn delay(&self) -> std::time::Duration {
        std::time::Duration::from_millis(self.delay_ms.unwrap_or(1000))
    }

    /// Where it cuts something so long.
    pub(crate) fn cut(&self, length: usize) -> usize {
        self.bytes.unwrap_or(length / 2).min(length)
    }
}

const fn all() -> f64 {
    1.0
}

impl Faults {
    /// What is wrong with the rules, one sentence each.
    pub(crate) fn check(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (at, rule) in self.rules.iter().enumerate() {
            if !(0.0..=1.0).contains(&rule.share) {
                wrong.push(format!("faults.rules[{at}]: a share is from 0 to 1"));
            }
            if rule.status.is_some_and(|status| !(200..=599).contains(&status)) {
                wrong.push(format!("faults.rules[{at}]: a status is from 200 to 599"));
            }
        }
        wrong
    }
}

/// The rules at work.
#[derive(Debug, Default)]
pub(crate) struct Dice {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    faults: Faults,
    /// By rule: how many were seen, and how many were hit.
    counts: Vec<(u64, u64)>,
    /// How often each request was seen, by its text.
    seen: HashMap<String, u64>,
}

impl Dice {
    pub(crate) fn set(&self, faults: Faults) {
        let counts = vec![(0, 0); faults.rules.len()];
        *self.lock() = Inner { faults, counts, seen: HashMap::new() };
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn server_skew(&self) -> i64 {
        self.lock().faults.server_skew
    }

    pub(crate) fn computer_skew(&self) -> i64 {
        self.lock().faults.computer_skew
    }

    /// The rule that hits a request. `key` tells requests from one another that have the same path.
    pub(crate) fn request(&self, system: System, path: &str, key: &str) -> Option<Rule> {
        self.throw(system, &[path], &format!("{}\0{path}\0{key}", system.word()), false)
    }

    /// The rule that hits the output of a command.
    pub(crate) fn output(&self, system: System, agent: &str, name: &str) -> Option<Rule> {
        self.throw(system, &[agent, name], &format!("{}\0{agent}", system.word()), true)
    }

    fn throw(&self, system: System, texts: &[&str], key: &str, output: bool) -> Option<Rule> {
        let mut inner = self.lock();
        let Inner { faults, counts, seen } = &mut *inner;
        if !faults.rules.iter().any(|rule| rule.what.is_output() == output) {
            return None;
        }
        let occurrence = seen.entry(format!("{output}{key}")).or_default();
        *occurrence += 1;
        for (at, (rule, (seen, hit))) in faults.rules.iter().zip(counts.iter_mut()).enumerate() {
            let fits = |path: &String| texts.iter().any(|text| glob(path, text));
            if rule.what.is_output() != output
                || rule.system.is_some_and(|one| one != system)
                || rule.path.as_ref().is_some_and(|path| !fits(path))
            {
                continue;
            }
            *seen += 1;
            if *seen <= rule.after || rule.times.is_some_and(|times| *hit >= times) {
                continue;
            }
            let drawn = ids::number(&format!("fault {} {at} {occurrence}", faults.seed), key);
            #[expect(clippy::cast_precision_loss, reason = "a share of many")]
            let drawn = (drawn >> 11) as f64 / (1_u64 << 53) as f64;
            if drawn < rule.share {
                *hit += 1;
                return Some(rule.clone());
            }
        }
        None
    }
}

/// Whether a pattern with `*` fits the whole text, in any case.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_hits_the_same_requests() {
        let hits = |seed| {
            let dice = Dice::default();
            let rule = Rule { share: 0.3, path: Some("/a*".to_owned()), ..Rule::of(What::Throttle) };
            dice.set(Faults { seed, rules: vec![rule], ..Faults::default() });
            (0..200)
                .map(|at| dice.request(System::Rmm, "/abc", &(at / 2).to_string()).is_some())
                .collect::<Vec<_>>()
        };
        let one = hits(1);
        assert_eq!(one, hits(1));
        assert_ne!(one, hits(2));
        let count = one.iter().filter(|hit| **hit).count();
        assert!((35..=85).contains(&count), "{count}");
    }

    #[test]
    fn a_rule_spares_the_first_and_ends_after_so_many() {
        let dice = Dice::default();
        let rule = Rule { after: 2, times: Some(1), system: Some(System::Control), ..Rule::of(What::Html) };
        dice.set(Faults { rules: vec![rule], ..Faults::default() });
        let ask = |system| dice.request(system, "/x", "").is_some();
        assert_eq!([ask(System::Rmm), ask(System::Control), ask(System::Control)], [false; 3]);
        assert_eq!([ask(System::Control), ask(System::Control)], [true, false]);
        assert!(dice.output(System::Control, "id", "name").is_none(), "it is not about output");
    }

    #[test]
    fn patterns_fit_whole_paths() {
        for (pattern, text, fits) in [
            ("*", "/a", true),
            ("/A/*", "/a/b", true),
            ("*list*", "/x/ListAll/1", true),
            ("/a", "/a/b", false),
            ("*b", "/a/bb", true),
            ("/a*a", "/a", false),
        ] {
            assert_eq!(glob(pattern, text), fits, "{pattern} {text}");
        }
    }
}
