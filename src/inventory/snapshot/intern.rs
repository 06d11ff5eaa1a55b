//! Equal values kept once.
//!
//! Not here: anything that reaches output; the order of a table is the order in which values came.
//!
//! Invariant: two values have the same number exactly if they are equal.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::Arc;

/// Distinct values, numbered from 0 in the order in which they came.
#[derive(Debug)]
pub(super) struct Table<T> {
    numbers: HashMap<Arc<T>, u32, Seed>,
    values: Vec<Arc<T>>,
}

impl<T: Hash + Eq> Default for Table<T> {
    fn default() -> Self {
        Self { numbers: HashMap::with_hasher(Seed::new()), values: Vec::new() }
    }
}

impl<T: Hash + Eq> Table<T> {
    /// The number of a value, which is kept if it is new.
    pub(super) fn number(&mut self, value: T) -> u32 {
        if let Some(number) = self.numbers.get(&value) {
            return *number;
        }
        let number = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        let value = Arc::new(value);
        self.values.push(Arc::clone(&value));
        self.numbers.insert(value, number);
        number
    }

    /// The one that is kept of all values that equal this one.
    pub(super) fn shared(&mut self, value: T) -> Arc<T> {
        if let Some((kept, _)) = self.numbers.get_key_value(&value) {
            return Arc::clone(kept);
        }
        let value = Arc::new(value);
        let number = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.values.push(Arc::clone(&value));
        self.numbers.insert(Arc::clone(&value), number);
        value
    }

    /// The values, by number.
    pub(super) fn into_values(self) -> Vec<Arc<T>> {
        self.values
    }
}

/// A seed of its own for each table, so that nobody can choose values that all collide.
#[derive(Debug, Clone)]
pub(super) struct Seed(u64);

impl Seed {
    pub(super) fn new() -> Self {
        Self(RandomState::new().hash_one(0_u8))
    }
}

impl BuildHasher for Seed {
    type Hasher = Quick;

    fn build_hasher(&self) -> Quick {
        Quick(self.0)
    }
}

/// A hash of texts and numbers that takes eight bytes at a time: a snapshot of a million computers hashes tens of
/// millions of short texts.
#[derive(Debug)]
pub(super) struct Quick(u64);

impl Quick {
    fn mix(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * u128::from(0x9e37_79b9_7f4a_7c15_u64 | 1);
        // Both halves of the product count.
        #[expect(clippy::cast_possible_truncation, reason = "the two halves are what is wanted")]
        let folded = (product >> 64) as u64 ^ product as u64;
        self.0 = folded.rotate_left(23) ^ word;
    }
}

impl Hasher for Quick {
    fn finish(&self) -> u64 {
        (self.0 ^ (self.0 >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93)
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            let mut word = [0; 8];
            word.copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word));
        }
        let rest = chunks.remainder();
        if !rest.is_empty() {
            let mut word = [0; 8];
            for (slot, byte) in word.iter_mut().zip(rest) {
                *slot = *byte;
            }
            self.mix(u64::from_le_bytes(word));
        }
        self.mix(bytes.len() as u64);
    }

    fn write_u8(&mut self, value: u8) {
        self.mix(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.mix(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.mix(value);
    }

    fn write_usize(&mut self, value: usize) {
        self.mix(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.mix(u64::from_le_bytes(value.to_le_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn equal_values_have_one_number_and_are_one_value() {
        let mut table = Table::default();
        let first = table.shared("a".to_owned());
        assert!(Arc::ptr_eq(&first, &table.shared("a".to_owned())));
        assert_eq!((table.number("a".to_owned()), table.number("b".to_owned())), (0, 1));
        assert_eq!(table.into_values().iter().map(|v| v.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn hashes_of_many_similar_texts_differ() {
        let seed = Seed::new();
        let texts = (0..200_000).map(|n| format!("package-{n}"));
        let hashes: HashSet<u64> = texts.map(|text| seed.hash_one(text)).collect();
        assert_eq!(hashes.len(), 200_000);
        let low: HashSet<u64> = hashes.iter().map(|hash| hash % 65_536).collect();
        assert!(low.len() > 60_000, "{}", low.len());
    }
}
