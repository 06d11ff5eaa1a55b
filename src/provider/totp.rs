//! One-time passwords from a key and the time: RFC 6238 with SHA-1, 30 seconds and 6 digits, as authenticator apps make them.
//!
//! Not here: who asks for them. Invariants: the key is never shown; the time is an argument.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// How long a password holds, in seconds.
const STEP: u64 = 30;

/// The text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the key for one-time passwords is none: it has letters from A to Z and digits from 2 to 7, as shown for manual entry"
)]
pub(in crate::provider) struct InvalidKey;

/// The password of a second of Unix time. Times before 1970 count as 1970.
///
/// # Errors
/// [`InvalidKey`] when the key is no base32 (RFC 4648); spaces, hyphens, small letters and padding do not matter.
pub(in crate::provider) fn code(key: &Secret, second: i64) -> Result<Secret, InvalidKey> {
    let key = decoded(key.expose()).ok_or(InvalidKey)?;
    let mut mac = Hmac::<Sha1>::new_from_slice(&key).map_err(|_| InvalidKey)?;
    mac.update(&(u64::try_from(second).unwrap_or(0) / STEP).to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let start = usize::from(hash.last().copied().unwrap_or(0) & 0x0f);
    let four = hash.iter().skip(start).take(4).fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    Ok(Secret::new(format!("{:06}", (four & 0x7fff_ffff) % 1_000_000)))
}

fn decoded(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let (mut bits, mut count) = (0_u32, 0);
    for letter in text.trim().trim_end_matches('=').chars().filter(|letter| !matches!(letter, ' ' | '-')) {
        let value = match letter.to_ascii_uppercase() {
            letter @ 'A'..='Z' => u32::from(letter) - u32::from('A'),
            digit @ '2'..='7' => u32::from(digit) - u32::from('2') + 26,
            _ => return None,
        };
        bits = (bits << 5) | value;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).ok()?);
        }
    }
    (!bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(key: &str, second: i64) -> Result<String, InvalidKey> {
        code(&Secret::new(key.to_owned()), second).map(|code| code.expose().to_owned())
    }

    #[test]
    fn the_examples_of_the_rfc_come_out() {
        // "12345678901234567890" in base32; the last six of the eight digits of RFC 6238, appendix B.
        let key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        for (second, digits) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(at(key, second).as_deref(), Ok(digits), "{second}");
        }
        assert_eq!(at("gezd gnbv-gy3t qojq gezd gnbv gy3t qojq ==", 59).as_deref(), Ok("287082"));
    }

    #[test]
    fn what_is_no_key_is_told_without_it() {
        for bad in ["", " ", "A", "canary1", "8888", "äöü"] {
            assert_eq!(at(bad, 59), Err(InvalidKey), "{bad}");
        }
        assert!(!InvalidKey.to_string().contains("canary"));
    }
}
