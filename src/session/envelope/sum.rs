//! The sum that the POSIX utility `cksum` prints: the one check that every such system has.
//!
//! It finds accidents, not attacks: what it guards travels under an id that nobody else knows.

/// What one byte does to the sum.
const BYTES: [u32; 256] = {
    let mut bytes = [0; 256];
    let mut byte: u32 = 0;
    while byte < 256 {
        let mut sum = byte << 24;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 0x8000_0000 == 0 { sum << 1 } else { (sum << 1) ^ 0x04c1_1db7 };
            bit += 1;
        }
        bytes[byte as usize] = sum;
        byte += 1;
    }
    bytes
};

/// The sum of `bytes`, as IEEE Std 1003.1 defines it for `cksum`.
pub(super) fn cksum(bytes: &[u8]) -> u32 {
    let mut sum: u32 = 0;
    let mut length = bytes.len();
    let mut feed = |byte: u8| {
        let [first, ..] = sum.to_be_bytes();
        sum = (sum << 8) ^ BYTES[usize::from(first ^ byte)];
    };
    for byte in bytes {
        feed(*byte);
    }
    while length > 0 {
        feed(length.to_le_bytes()[0]);
        length >>= 8;
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_the_one_of_the_utility() {
        // As printed by `cksum` itself.
        assert_eq!(cksum(b""), 4_294_967_295);
        assert_eq!(cksum(b"123456789"), 930_766_865);
        assert_eq!(cksum(b"hello\n"), 3_015_617_425);
    }
}
