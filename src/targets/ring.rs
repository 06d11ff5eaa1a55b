//! Rings: a stable order of all computers, of which a ring is a part.
//!
//! Invariants: a computer's place depends on its id and the ring's name alone, so a larger share holds the smaller one
//! and nobody moves when computers come and go. The numbers never change: rings of the past would be other rings.

use crate::id::ComputerId;

/// A part of the order, in percent: from the first on, up to the second, without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ring {
    /// Rings of the same name are parts of the same order.
    pub name: String,
    /// From so many percent on.
    pub from: u8,
    /// Up to so many percent.
    pub to: u8,
}

impl Ring {
    /// Whether a computer is in it.
    #[must_use]
    pub fn holds(&self, computer: &ComputerId) -> bool {
        let place = u128::from(place(&self.name, computer)) * 100;
        let bound = |percent: u8| u128::from(percent) << 64;
        bound(self.from) <= place && place < bound(self.to)
    }
}

impl std::fmt::Display for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ring {} {}-{}%", self.name, self.from, self.to)
    }
}

/// Where a computer stands in the order of this name: from 0, evenly spread over all numbers. FNV-1a over the name, a
/// byte that is in no text, and the id, then the finish of splitmix64.
fn place(name: &str, computer: &ComputerId) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let bytes = name.bytes().chain([0xff]).chain(computer.as_str().bytes());
    for byte in bytes {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    let mut z = hash.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ring(name: &str, from: u8, to: u8) -> Ring {
        Ring { name: name.to_owned(), from, to }
    }

    #[test]
    fn places_are_what_they_always_were() {
        let places =
            ["office/a1", "office/a2", "branch/pc-1042"].map(|id| place("pilot", &ComputerId::new(id)));
        assert_eq!(places, [0xcbff_1c82_1734_e669, 0xa96c_ecf3_e6c1_8187, 0x1cb9_c687_1643_225d]);
    }

    #[test]
    fn a_share_is_about_as_large_as_it_says_and_another_name_shuffles_anew() {
        let ids: Vec<ComputerId> = (0..20_000).map(|at| ComputerId::new(format!("office/{at}"))).collect();
        let count = |one: &Ring| ids.iter().filter(|id| one.holds(id)).count();
        for percent in [1, 10, 50, 90] {
            let wanted = 200 * usize::from(percent);
            let found = count(&ring("pilot", 0, percent));
            assert!(found.abs_diff(wanted) < 60 + wanted / 10, "{percent}: {found}");
        }
        let both = ids.iter().filter(|id| ring("pilot", 0, 10).holds(id) && ring("other", 0, 10).holds(id));
        assert!((100..300).contains(&both.count()), "a tenth of a tenth");
        assert_eq!((count(&ring("pilot", 0, 0)), count(&ring("pilot", 0, 100))), (0, 20_000));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn growing_the_share_only_adds_computers_and_neighbours_share_none(
            name in "[a-z]{1,8}", id in "[a-z]{1,8}/[a-z0-9]{1,12}", mut cuts in prop::array::uniform3(0_u8..=100)
        ) {
            cuts.sort_unstable();
            let [a, b, c] = cuts;
            let id = ComputerId::new(id);
            let holds = |from, to| ring(&name, from, to).holds(&id);
            prop_assert!(!holds(0, a) || holds(0, b));
            prop_assert!(!holds(a, b) || holds(a, c));
            prop_assert!(!(holds(a, b) && holds(b, c)));
            prop_assert_eq!(holds(a, c), holds(a, b) || holds(b, c));
            prop_assert!(holds(0, 100));
        }
    }
}
