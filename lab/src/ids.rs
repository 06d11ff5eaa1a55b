//! Ids, serials and numbers that depend on a word and a name only.
//!
//! Invariant: the same word and name give the same id, whatever else is in the fleet.

/// Thirty-two bytes: FNV-1a over both, then four numbers of splitmix64. Fleets are large, so this has to be cheap.
fn bytes(word: &str, name: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    let mut state = hash(word, name);
    for part in bytes.chunks_exact_mut(8) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        part.copy_from_slice(&mixed(state).to_be_bytes());
    }
    bytes
}

fn hash(word: &str, name: &str) -> u64 {
    let letters = word.bytes().chain([0]).chain(name.bytes());
    letters.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

const fn mixed(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A GUID in the form of a random one, lower case.
pub(crate) fn guid(word: &str, name: &str) -> String {
    let digest = bytes(word, name);
    let mut id = [0; 16];
    for (to, from) in id.iter_mut().zip(digest) {
        *to = from;
    }
    uuid::Builder::from_random_bytes(id).into_uuid().to_string()
}

/// A number.
pub(crate) fn number(word: &str, name: &str) -> u64 {
    mixed(hash(word, name).wrapping_add(0x9e37_79b9_7f4a_7c15))
}

/// A serial number of so many letters and digits.
pub(crate) fn serial(name: &str, length: usize) -> String {
    const LETTERS: &[u8] = b"0123456789BCDFGHJKLMNPQRSTVWXYZ";
    let letter = |byte: &u8| LETTERS.get(usize::from(*byte) % LETTERS.len()).copied().unwrap_or(b'0');
    bytes("serial", name).iter().take(length).map(|byte| char::from(letter(byte))).collect()
}

/// The address of a network card, with hyphens.
pub(crate) fn mac(name: &str) -> String {
    let digest = bytes("mac", name);
    let pairs: Vec<String> = digest.iter().take(3).map(|byte| format!("{byte:02X}")).collect();
    format!("00-15-5D-{}", pairs.join("-"))
}

/// A private address.
pub(crate) fn address(name: &str) -> String {
    let number = number("address", name);
    format!("10.{}.{}.{}", (number >> 16) & 255, (number >> 8) & 255, 1 + (number & 255) % 254)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_form_of_their_kind_and_stay() {
        assert_eq!(uuid::Uuid::parse_str(&guid("a", "b")).map(|id| id.get_version_num()), Ok(4));
        assert_eq!(guid("a", "b"), guid("a", "b"));
        assert_ne!(guid("a", "b"), guid("ab", ""));
        assert_eq!(serial("x", 7).len(), 7);
        assert_eq!(mac("x").len(), 17);
        assert!(address("x").parse::<std::net::Ipv4Addr>().is_ok());
    }
}
