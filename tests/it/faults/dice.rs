//! What goes wrong in a run, by its seed.

use muster_lab::faults::{Faults, Rule, What};

/// All that can go wrong.
const ALL: [What; 15] = [
    What::Throttle,
    What::Status,
    What::ResetBefore,
    What::ResetAfter,
    What::Reset,
    What::SlowBody,
    What::Truncated,
    What::Html,
    What::LoginRedirect,
    What::ExpireToken,
    What::EmptyLookup,
    What::LoseOutput,
    What::LateOutput,
    What::DuplicateOutput,
    What::CutOutput,
];

/// Numbers that look random and are the same for a seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[usize::try_from(self.next() % list.len() as u64).unwrap()]
    }
}

/// One to four kinds of fault at once, rare or frequent, for good or a few times; clocks that are apart in every fourth run.
pub(super) fn faults(seed: u64) -> Faults {
    let mut dice = Dice(seed);
    let many = 1 + dice.next() % 4;
    let rules = (0..many).map(|_| rule(&mut dice)).collect();
    let apart = dice.next().is_multiple_of(4);
    let server_skew = if apart { dice.of(&[-3600, -120, 0, 45, 600]) } else { 0 };
    let computer_skew = if apart { dice.of(&[-86_400, -400, 90, 1800]) } else { 0 };
    Faults { seed, server_skew, computer_skew, rules }
}

fn rule(dice: &mut Dice) -> Rule {
    let what = dice.of(&ALL);
    Rule {
        share: dice.of(&[0.02, 0.1, 0.3, 0.6]),
        after: dice.of(&[0, 0, 3]),
        times: dice.of(&[None, None, Some(1), Some(4)]),
        status: Some(dice.of(&[500, 502, 503, 504])),
        retry_after: dice.of(&[None, Some(1), Some(7), Some(90)]),
        delay_ms: Some(dice.of(&[200, 3000, 40_000, 400_000])),
        bytes: dice.of(&[None, Some(0), Some(40), Some(300)]),
        ..Rule::of(what)
    }
}
