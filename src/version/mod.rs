//! Versions: how they compare in each scheme, and constraints on them.
//!
//! Not here: where versions come from (`inventory`, `config`) and which one is wanted (`plan`).
//!
//! Invariants: each scheme is a total preorder over the texts that it accepts, so that sorting and `max` always mean
//! something; numbers may have any length; the answer never depends on the order of the two texts.

mod constraint;
mod date;
pub mod source;
pub mod update;

use std::cmp::Ordering;

pub use constraint::Constraint;

use crate::config::kind::VersionScheme;

/// Why a text is not a version, or not a constraint, in its scheme.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidVersion {
    /// The text is not a version.
    #[error("{text:?} is not a version in the scheme {scheme}: {why}")]
    Version {
        /// The text.
        text: String,
        /// The scheme, as it is written in the configuration.
        scheme: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The text is not a constraint, apart from its versions.
    #[error("{text:?} is not a version constraint: {why}")]
    Constraint {
        /// The text.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// The scheme's name as it is written in the configuration.
const fn scheme_name(scheme: VersionScheme) -> &'static str {
    match scheme {
        VersionScheme::Dotted => "dotted",
        VersionScheme::Semver => "semver",
        VersionScheme::Debian => "debian",
        VersionScheme::Date => "date",
    }
}

/// Compares two versions. White space around them and one leading `v` (not in the Debian scheme) do not count.
///
/// - Dotted: numbers between dots, a missing one counting as zero. What follows the numbers is cut into words and
///   numbers. If the first word is that of a pre-release (alpha, beta, pre, preview, rc, dev, snapshot, nightly,
///   canary, ea), the version comes before the bare numbers, otherwise after them: `24.09-beta < 24.09 < 24.09-1`
///   and `1.1.1 < 1.1.1w`. Words compare without case, numbers as numbers, and a number comes before a word.
/// - Semver: precedence of Semantic Versioning 2.0; build metadata does not count.
/// - Debian: the policy's order of epoch, upstream version and revision.
/// - Date: days of the calendar, a year or month alone coming before all its days, then further numbers:
///   `2024 < 2024.9 < 2024-09-15 < 20240915.1`.
///
/// # Errors
/// [`InvalidVersion`] when one of the texts is not a version in the scheme.
pub fn compare(scheme: VersionScheme, a: &str, b: &str) -> Result<Ordering, InvalidVersion> {
    Ok(Version::parse(scheme, a)?.cmp(&Version::parse(scheme, b)?))
}

/// Whether a text is a version in the scheme.
///
/// # Errors
/// [`InvalidVersion`] when it is not, saying why.
pub fn check(scheme: VersionScheme, text: &str) -> Result<(), InvalidVersion> {
    Version::parse(scheme, text).map(drop)
}

/// The longest version that is taken from a source, in characters.
pub const LONGEST: usize = 200;

/// Whether a text from outside may be kept and shown as a version: not longer than [`LONGEST`], and without characters that
/// end the line, steer a terminal, or are seen as nothing or in another order.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    let misleads = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().count() <= LONGEST && !text.chars().any(misleads)
}

/// Whether a version is a pre-release by its scheme: in `dotted` and `semver` one that comes before its bare numbers. The other
/// schemes have none; nor is a text one that is no version.
#[must_use]
pub fn is_prerelease(scheme: VersionScheme, text: &str) -> bool {
    matches!(
        Version::parse(scheme, text),
        Ok(Version::Dotted { stage: Stage::Before, .. } | Version::Semver { stage: Stage::Before, .. })
    )
}

/// A digit sequence without leading zeros; shorter ones are smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Number<'a>(&'a str);

impl<'a> Number<'a> {
    fn new(digits: &'a str) -> Self {
        Self(digits.trim_start_matches('0'))
    }
}

impl Ord for Number<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(other.0))
    }
}

impl PartialOrd for Number<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A part that is a number or a text; numbers come first, in dotted suffixes and in semver's pre-releases alike.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Word<'a> {
    Number(Number<'a>),
    Text(std::borrow::Cow<'a, str>),
}

/// A version as its scheme reads it. The derived order is the scheme's; values of different schemes are never compared.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Version<'a> {
    Dotted { numbers: Vec<Number<'a>>, stage: Stage, words: Vec<Word<'a>> },
    Semver { numbers: [Number<'a>; 3], stage: Stage, words: Vec<Word<'a>> },
    Debian { epoch: Number<'a>, upstream: Debian<'a>, revision: Debian<'a> },
    Date { day: [i16; 3], numbers: Vec<Number<'a>> },
}

/// Where a version stands to its bare numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Before,
    Release,
    After,
}

impl<'a> Version<'a> {
    fn parse(scheme: VersionScheme, text: &'a str) -> Result<Self, InvalidVersion> {
        let trimmed = text.trim();
        match scheme {
            VersionScheme::Dotted => dotted(without_v(trimmed)),
            VersionScheme::Semver => semver(without_v(trimmed)),
            VersionScheme::Debian => debian(trimmed),
            VersionScheme::Date => date::date(without_v(trimmed)),
        }
        .map_err(|why| InvalidVersion::Version {
            text: text.to_owned(),
            scheme: scheme_name(scheme),
            why,
        })
    }
}

fn without_v(text: &str) -> &str {
    text.strip_prefix(['v', 'V']).unwrap_or(text)
}

/// Splits after the leading bytes that `keep` accepts. The bytes must be ASCII, so the cut is on a boundary.
fn split_while(text: &str, keep: impl Fn(&u8) -> bool) -> (&str, &str) {
    let length = text.bytes().take_while(|byte| byte.is_ascii() && keep(byte)).count();
    text.split_at_checked(length).unwrap_or((text, ""))
}

/// Words of a pre-release.
const PRE_RELEASE: [&str; 10] =
    ["alpha", "beta", "canary", "dev", "ea", "nightly", "pre", "preview", "rc", "snapshot"];

fn dotted(text: &str) -> Result<Version<'_>, &'static str> {
    let (first, mut rest) = split_while(text, u8::is_ascii_digit);
    if first.is_empty() {
        return Err("it does not begin with a number");
    }
    let mut numbers = vec![Number::new(first)];
    while let Some(after_dot) = rest.strip_prefix('.') {
        let (digits, further) = split_while(after_dot, u8::is_ascii_digit);
        if digits.is_empty() {
            break;
        }
        numbers.push(Number::new(digits));
        rest = further;
    }
    while numbers.last().is_some_and(|number| number.0.is_empty()) {
        numbers.pop();
    }
    let mut words = Vec::new();
    for word in rest.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let mut left = word;
        while !left.is_empty() {
            let (digits, further) = split_while(left, u8::is_ascii_digit);
            if digits.is_empty() {
                let letters = left.find(|c: char| c.is_ascii_digit()).unwrap_or(left.len());
                let (letters, further) = left.split_at_checked(letters).unwrap_or((left, ""));
                words.push(Word::Text(letters.to_lowercase().into()));
                left = further;
            } else {
                words.push(Word::Number(Number::new(digits)));
                left = further;
            }
        }
    }
    let stage = match words.first() {
        None => Stage::Release,
        Some(Word::Text(word)) if PRE_RELEASE.contains(&word.as_ref()) => Stage::Before,
        Some(_) => Stage::After,
    };
    Ok(Version::Dotted { numbers, stage, words })
}

fn semver(text: &str) -> Result<Version<'_>, &'static str> {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let number = |digits: &str| {
        !digits.is_empty()
            && digits.bytes().all(|b| b.is_ascii_digit())
            && (digits == "0" || !digits.starts_with('0'))
    };
    let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
    if build.is_some_and(|build| !build.split('.').all(word)) {
        return Err("its build metadata is not made of letters, digits and hyphens between dots");
    }
    let (core, pre) = text.split_once('-').map_or((text, None), |(core, pre)| (core, Some(pre)));
    let mut parts = core.split('.').map(|part| number(part).then(|| Number::new(part)));
    let (Some(Some(major)), Some(Some(minor)), Some(Some(patch)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("it needs three numbers between dots, without leading zeros");
    };
    let mut words = Vec::new();
    for part in pre.into_iter().flat_map(|pre| pre.split('.')) {
        if !word(part) {
            return Err("its pre-release is not made of letters, digits and hyphens between dots");
        }
        words.push(if !part.bytes().all(|b| b.is_ascii_digit()) {
            Word::Text(part.into())
        } else if number(part) {
            Word::Number(Number::new(part))
        } else {
            return Err("a number in its pre-release has leading zeros");
        });
    }
    let stage = if words.is_empty() { Stage::Release } else { Stage::Before };
    Ok(Version::Semver { numbers: [major, minor, patch], stage, words })
}

fn debian(text: &str) -> Result<Version<'_>, &'static str> {
    let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
    if epoch.is_empty() || !epoch.bytes().all(|b| b.is_ascii_digit()) {
        return Err("its epoch is not a number");
    }
    let epoch = Number::new(epoch);
    if epoch > Number("2147483647") {
        return Err("its epoch is too large");
    }
    let (upstream, revision) = match rest.rsplit_once('-') {
        Some((_, "")) => return Err("its revision is empty"),
        Some(parts) => parts,
        None => (rest, ""),
    };
    if !upstream.starts_with(|c: char| c.is_ascii_digit()) {
        return Err("its upstream version does not begin with a digit");
    }
    if !upstream.bytes().all(|b| b.is_ascii_alphanumeric() || b".+~-:".contains(&b)) {
        return Err("its upstream version has a character other than letters, digits and . + ~ - :");
    }
    if !revision.bytes().all(|b| b.is_ascii_alphanumeric() || b".+~".contains(&b)) {
        return Err("its revision has a character other than letters, digits and . + ~");
    }
    Ok(Version::Debian { epoch, upstream: Debian(upstream), revision: Debian(revision) })
}

/// A Debian upstream version or revision; an empty one equals `0`.
#[derive(Debug)]
struct Debian<'a>(&'a str);

impl Ord for Debian<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        /// The weight of a character outside numbers: tilde, then the end, then letters, then the rest.
        fn weight(byte: Option<u8>) -> u16 {
            match byte {
                Some(b'~') => 0,
                None => 1,
                Some(b) if b.is_ascii_alphabetic() => 2 + u16::from(b),
                Some(b) => 1000 + u16::from(b),
            }
        }
        let (mut a, mut b) = (self.0, other.0);
        while !a.is_empty() || !b.is_empty() {
            let (text_a, rest_a) = split_while(a, |byte| !byte.is_ascii_digit());
            let (text_b, rest_b) = split_while(b, |byte| !byte.is_ascii_digit());
            let (mut bytes_a, mut bytes_b) = (text_a.bytes(), text_b.bytes());
            loop {
                let (next_a, next_b) = (bytes_a.next(), bytes_b.next());
                match weight(next_a).cmp(&weight(next_b)) {
                    Ordering::Equal if next_a.is_none() && next_b.is_none() => break,
                    Ordering::Equal => {}
                    decided => return decided,
                }
            }
            let (digits_a, further_a) = split_while(rest_a, u8::is_ascii_digit);
            let (digits_b, further_b) = split_while(rest_b, u8::is_ascii_digit);
            match Number::new(digits_a).cmp(&Number::new(digits_b)) {
                Ordering::Equal => (a, b) = (further_a, further_b),
                decided => return decided,
            }
        }
        Ordering::Equal
    }
}

impl PartialOrd for Debian<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Debian<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Debian<'_> {}

#[cfg(test)]
mod tests;
