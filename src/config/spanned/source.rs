//! From bytes to text, and from offsets to lines.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::MAX_BYTES;
use crate::diagnostic::{Finding, Place, code};

/// The text of a file's bytes.
///
/// # Errors
/// A finding when the file is larger than [`MAX_BYTES`] or not UTF-8; the latter with the line of the first bad byte.
pub fn text_of(file: &Arc<str>, bytes: &[u8]) -> Result<Arc<str>, Box<Finding>> {
    if bytes.len() > MAX_BYTES {
        return Err(Box::new(too_large(file, bytes.len())));
    }
    str::from_utf8(bytes).map(Arc::from).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        // What is before the first bad byte is valid by definition.
        let text = str::from_utf8(good).unwrap_or_default();
        let place = Place::in_text(file, text, text.len(), text.len());
        let utf16 = bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]);
        let finding = Finding::new(code::NOT_UTF8, format!("line {} is not UTF-8 text", place.line), place);
        Box::new(finding.help(if utf16 {
            "the file is UTF-16; save it as UTF-8"
        } else {
            "save the file as UTF-8"
        }))
    })
}

/// The finding for a file of `size` bytes.
pub(super) fn too_large(file: &Arc<str>, size: usize) -> Finding {
    let message = format!("the file has {size} bytes; up to {MAX_BYTES} are read");
    Finding::new(code::TOO_LARGE, message, Place::file(file)).help("split the file")
}

/// Where the lines of a text begin; made at the first question. Cheap to make when nothing is asked.
#[derive(Debug, Default)]
pub struct LineIndex(OnceLock<Box<[u32]>>);

impl LineIndex {
    /// An index that knows nothing yet. It must be asked about one text only.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The place of `range` in `text`, with both ends moved to the nearest character boundary inside `text`.
    #[must_use]
    pub fn place(&self, file: &Arc<str>, text: &str, range: Range<usize>) -> Place {
        let starts = self.0.get_or_init(|| {
            let lines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
            std::iter::once(0).chain(lines).map(|at| u32::try_from(at).unwrap_or(u32::MAX)).collect()
        });
        let start = text.floor_char_boundary(range.start);
        let end = text.floor_char_boundary(range.end.max(start));
        let line = starts.partition_point(|line| *line as usize <= start);
        let line_start = line.checked_sub(1).and_then(|at| starts.get(at)).map_or(0, |at| *at as usize);
        // A byte-order mark is no character of the first line.
        let has_mark = line_start == 0 && text.starts_with('\u{feff}');
        let line_start = if has_mark { '\u{feff}'.len_utf8().min(start) } else { line_start };
        let column = text.get(line_start..start).map_or(0, |before| before.chars().count());
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Place { file: Arc::clone(file), line: number(line), column: number(column + 1), start, end }
    }
}
