//! The first bytes of an SQLite file: whether it is one, whether it is whole, and how it is written to.
//!
//! Looked at before SQLite opens the file, so that a file of another kind is told apart from a damaged one, and nothing
//! is created beside it. The layout is SQLite's own ("Database File Format", section 1.3).

/// So many bytes are looked at.
pub const LENGTH: usize = 100;

/// What the bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Whether changes go to a write-ahead log beside the file (`-wal`).
    pub logged: bool,
}

/// Why a file is no whole SQLite database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// It holds nothing.
    #[error("it is empty")]
    Empty,
    /// It does not begin as such files do.
    #[error("it is not an SQLite database, or it is encrypted")]
    NotADatabase,
    /// A later form than is known.
    #[error("it has a form of SQLite files that is not known (version {0})")]
    TooNew(u8),
    /// Its end is missing.
    #[error("it is cut off: it has {found} bytes of {expected}")]
    Cut {
        /// Bytes that are there.
        found: u64,
        /// Bytes that the header tells of.
        expected: u64,
    },
    /// It says what cannot be.
    #[error("its first bytes are damaged")]
    Damaged,
}

impl Header {
    /// Reads the first bytes of a file of so many bytes; `log` tells whether there is a write-ahead log that is not empty
    /// beside it, which may hold the rest of a file that looks cut off.
    ///
    /// # Errors
    /// [`HeaderError`], as it says.
    pub fn read(first: &[u8], length: u64, log: bool) -> Result<Self, HeaderError> {
        if length == 0 {
            return Err(HeaderError::Empty);
        }
        if !first.starts_with(b"SQLite format 3\0") {
            return Err(HeaderError::NotADatabase);
        }
        let cut = |expected| HeaderError::Cut { found: length, expected };
        let byte = |at: usize| first.get(at).copied().ok_or_else(|| cut(LENGTH as u64));
        let number = |at: usize| {
            let bytes = first.get(at..at.saturating_add(4)).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
            bytes.map(u32::from_be_bytes).ok_or_else(|| cut(LENGTH as u64))
        };
        let page = match u64::from(byte(16)?) << 8 | u64::from(byte(17)?) {
            1 => 65_536,
            page if page >= 512 && page.is_power_of_two() => page,
            _ => return Err(HeaderError::Damaged),
        };
        let version = byte(19)?.max(byte(18)?);
        if version > 2 {
            return Err(HeaderError::TooNew(version));
        }
        // The number of pages counts only where the last writer of the file wrote it too.
        let pages = if number(24)? == number(92)? { u64::from(number(28)?) } else { 0 };
        let expected = pages.saturating_mul(page);
        if length < expected && !log {
            return Err(cut(expected));
        }
        Ok(Self { logged: version == 2 })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn first(page: u16, version: u8, pages: u32) -> Vec<u8> {
        let mut bytes = vec![0; LENGTH];
        bytes[..16].copy_from_slice(b"SQLite format 3\0");
        bytes[16..18].copy_from_slice(&page.to_be_bytes());
        bytes[18..20].fill(version);
        bytes[24..28].copy_from_slice(&7_u32.to_be_bytes());
        bytes[28..32].copy_from_slice(&pages.to_be_bytes());
        bytes[92..96].copy_from_slice(&7_u32.to_be_bytes());
        bytes
    }

    #[test]
    fn a_whole_file_is_told_from_what_is_none() {
        let read = Header::read;
        assert_eq!(read(&first(4096, 1, 3), 3 * 4096, false), Ok(Header { logged: false }));
        assert_eq!(read(&first(1, 2, 3), 3 * 65_536, false), Ok(Header { logged: true }));
        let cut = HeaderError::Cut { found: 2 * 4096, expected: 3 * 4096 };
        assert_eq!(read(&first(4096, 1, 3), 2 * 4096, false), Err(cut));
        assert_eq!(
            read(&first(4096, 2, 3), 2 * 4096, true),
            Ok(Header { logged: true }),
            "the rest is in the log"
        );
        assert_eq!(read(&[], 0, false), Err(HeaderError::Empty));
        assert_eq!(read(&[7; LENGTH], 8192, false), Err(HeaderError::NotADatabase));
        assert_eq!(read(&first(4096, 3, 1), 4096, false), Err(HeaderError::TooNew(3)));
        assert_eq!(read(&first(1000, 1, 1), 4096, false), Err(HeaderError::Damaged));
        assert!(matches!(read(&first(4096, 1, 1)[..50], 50, false), Err(HeaderError::Cut { .. })));
        let mut older = first(4096, 1, 900);
        older[92] = 1;
        assert!(read(&older, 4096, false).is_ok(), "the number of pages is of an earlier writer");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..120), length in any::<u64>()) {
            _ = Header::read(&bytes, length, false);
            let mut ours = bytes;
            let lead = b"SQLite format 3\0";
            let many = ours.len().min(16);
            ours[..many].copy_from_slice(&lead[..many]);
            _ = Header::read(&ours, length, true);
        }
    }
}
