//! The primary person of a computer: whoever signed in most often lately (design §9, AFF-1).

use std::collections::BTreeMap;

use super::SignIn;

/// How many sign-ins are kept of a computer.
pub const KEPT: usize = 10;

/// The last ten of all sign-ins, oldest first, each once.
#[must_use]
pub fn kept(sign_ins: impl IntoIterator<Item = SignIn>) -> Vec<SignIn> {
    let mut all: Vec<SignIn> = sign_ins.into_iter().filter(|one| !one.user.trim().is_empty()).collect();
    all.sort();
    all.dedup();
    all.drain(..all.len().saturating_sub(KEPT));
    all
}

/// Who signed in most often among the last ten; of several the one who did so last. Case does not tell people apart;
/// the last spelling counts.
#[must_use]
pub fn primary(sign_ins: &[SignIn]) -> Option<&str> {
    let mut last: Vec<&SignIn> = sign_ins.iter().filter(|one| !one.user.trim().is_empty()).collect();
    last.sort();
    let mut counts: BTreeMap<String, (usize, &SignIn)> = BTreeMap::new();
    for one in last.iter().skip(last.len().saturating_sub(KEPT)) {
        let entry = counts.entry(one.user.trim().to_lowercase()).or_insert((0, one));
        entry.0 += 1;
        entry.1 = one;
    }
    let most = counts.into_values().max_by(|(a, one), (b, other)| a.cmp(b).then_with(|| one.cmp(other)));
    most.map(|(_, one)| one.user.trim())
}
