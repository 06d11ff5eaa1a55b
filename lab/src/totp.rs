//! One-time passwords by time (RFC 6238: SHA-1, six digits, thirty seconds), to check those that a client sends.

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha1::Sha1;

const STEP: i64 = 30;

/// Whether a code is right now, or was one step ago or will be in one step.
pub(crate) fn fits(secret: &str, code: &str, now: Timestamp) -> bool {
    let Some(key) = base32(secret) else { return false };
    (-1..=1).any(|step| code_at(&key, now.as_second() / STEP + step).as_deref() == Some(code))
}

fn code_at(key: &[u8], step: i64) -> Option<String> {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).ok()?;
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let at = usize::from(digest.last()? & 15);
    let bytes: [u8; 4] = digest.get(at..at + 4)?.try_into().ok()?;
    Some(format!("{:06}", (u32::from_be_bytes(bytes) & 0x7fff_ffff) % 1_000_000))
}

fn base32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut value, mut bits) = (0_u32, 0);
    for letter in text.chars().filter(|c| !matches!(c, ' ' | '-' | '=')) {
        let digit = match letter.to_ascii_uppercase() {
            letter @ 'A'..='Z' => u32::from(letter) - u32::from('A'),
            letter @ '2'..='7' => u32::from(letter) - u32::from('2') + 26,
            _ => return None,
        };
        value = (value << 5) | digit;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((value >> bits) & 255).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_the_rfc() {
        // RFC 6238, appendix B: the secret is "12345678901234567890", the codes' last six digits.
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            let now = Timestamp::from_second(seconds).expect("a time");
            assert!(fits(secret, code, now), "{seconds}");
            assert!(!fits(secret, "000000", now));
            let late = Timestamp::from_second(seconds + 90).expect("a time");
            assert!(!fits(secret, code, late));
        }
        assert!(!fits("not base32!", "287082", Timestamp::UNIX_EPOCH));
    }
}
