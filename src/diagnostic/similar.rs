//! The nearest known name, for "did you mean".

/// The candidate that `wanted` was most likely meant to be, or `None` when none is near.
///
/// Near means a Damerau-Levenshtein distance of at most a third of the longer text, and never more than three.
/// The first of equally near candidates wins, so the answer is stable for an ordered input.
#[must_use]
pub fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut best: Option<(usize, &str)> = None;
    let folded = wanted.to_lowercase();
    for candidate in candidates {
        let longer = wanted.chars().count().max(candidate.chars().count());
        let allowed = (longer / 3).clamp(1, 3);
        let distance = strsim::damerau_levenshtein(&folded, &candidate.to_lowercase());
        if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_typo_finds_its_name_and_a_stranger_finds_none() {
        let known = ["target", "task", "software", "parameters"];
        assert_eq!(nearest("tagret", known), Some("target"));
        assert_eq!(nearest("Parameter", known), Some("parameters"));
        assert_eq!(nearest("zzz", known), None);
        assert_eq!(nearest("", known), None);
    }
}
