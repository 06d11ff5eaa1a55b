//! One JSON list that comes in pieces, read entry by entry: of a list of any length no more than one entry is held.
//!
//! Not here: taking the pieces (`client`), and what becomes of the entries.
//!
//! Invariants: for any text, however it is cut into pieces, the entries are those that reading it as a whole gives, or there
//! is an error; a text that ends before its list does is an error (L3), whatever was handed over of it. Who takes the entries
//! keeps them only once the end was reached.

use serde::de::DeserializeOwned;

use super::error::Fault;
use super::read;

/// Where in the text the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the document; so many bytes of a byte order mark were there.
    Before(usize),
    /// In the word `null`, which stands for a list of nothing; so many bytes of it were there.
    Null(usize),
    /// After the first bracket.
    Open,
    /// In an entry, or before it.
    Entry,
    /// After the list.
    After,
}

const MARK: &[u8] = b"\xef\xbb\xbf";
const NULL: &[u8] = b"null";

/// The state between two pieces.
#[derive(Debug)]
pub(super) struct Entries {
    place: Place,
    /// The beginning of an entry that goes on in the next piece.
    begun: Vec<u8>,
    /// How many lists and objects are open in the entry.
    depth: u32,
    /// Whether this is inside of a text, and whether the byte before is a backslash there.
    in_text: bool,
    is_escaped: bool,
    /// How many entries were handed over.
    count: usize,
}

impl Default for Entries {
    fn default() -> Self {
        Self {
            place: Place::Before(0),
            begun: Vec::new(),
            depth: 0,
            in_text: false,
            is_escaped: false,
            count: 0,
        }
    }
}

impl Entries {
    /// Takes a piece and hands over the entries that end in it.
    ///
    /// # Errors
    /// What is wrong with the text or an entry. Nothing may be fed after that.
    pub(super) fn feed<T: DeserializeOwned>(
        &mut self,
        piece: &[u8],
        take: &mut dyn FnMut(T),
    ) -> Result<(), Fault> {
        let mut rest = piece;
        while !rest.is_empty() {
            if matches!(self.place, Place::Open | Place::Entry) {
                rest = self.inside(rest, take)?;
            } else if let [byte, after @ ..] = rest {
                self.outside(*byte)?;
                rest = after;
            }
        }
        Ok(())
    }

    /// The text has ended.
    ///
    /// # Errors
    /// When its list has not.
    pub(super) fn end(&self) -> Result<(), Fault> {
        match self.place {
            Place::After => Ok(()),
            Place::Null(at) if at == NULL.len() => Ok(()),
            Place::Before(_) => Err(Fault::Broken("it is empty".to_owned())),
            Place::Null(_) | Place::Open | Place::Entry => {
                Err(Fault::Broken("it ends in the middle of the document".to_owned()))
            }
        }
    }

    /// A byte outside of the list.
    fn outside(&mut self, byte: u8) -> Result<(), Fault> {
        let is_blank = matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.place = match (self.place, byte) {
            (Place::Before(at), byte) if at < MARK.len() && MARK.get(at) == Some(&byte) => {
                Place::Before(at + 1)
            }
            // Half a mark is none.
            (Place::Before(1 | 2), _) => return Err(no_json()),
            (Place::Before(_), b'[') => Place::Open,
            (Place::Before(_), b'n') => Place::Null(1),
            (Place::Before(_), b'<') => return Err(Fault::NotJson("an HTML or XML page".to_owned())),
            (Place::Before(_), b'{') => return Err(no_list("map")),
            (Place::Before(_), b'"') => return Err(no_list("string")),
            (Place::Before(_), b't' | b'f') => return Err(no_list("boolean")),
            (Place::Before(_), b'-' | b'0'..=b'9') => return Err(no_list("number")),
            // After a blank there can be no mark any more.
            (Place::Before(_), _) if is_blank => Place::Before(MARK.len()),
            (Place::Null(at), byte) if NULL.get(at) == Some(&byte) => Place::Null(at + 1),
            (Place::Null(at), _) if at == NULL.len() && is_blank => Place::After,
            (Place::After, _) if is_blank => Place::After,
            _ => return Err(no_json()),
        };
        Ok(())
    }

    /// Goes to the end of the entry or of the piece; gives what is left of the piece.
    fn inside<'p, T: DeserializeOwned>(
        &mut self,
        piece: &'p [u8],
        take: &mut dyn FnMut(T),
    ) -> Result<&'p [u8], Fault> {
        let Some(end) = self.entry_end(piece) else {
            self.begun.extend_from_slice(piece);
            return Ok(&[]);
        };
        let (entry, after) = piece.split_at(end);
        let (closer, after) = after.split_first().ok_or_else(no_json)?;
        let begun = std::mem::take(&mut self.begun);
        let whole = if begun.is_empty() {
            self.hand_over(entry, *closer, take)
        } else {
            let mut begun = begun;
            begun.extend_from_slice(entry);
            let whole = self.hand_over(&begun, *closer, take);
            begun.clear();
            // One that is long is not kept for those that are short.
            begun.shrink_to(1 << 16);
            self.begun = begun;
            whole
        };
        whole?;
        self.place = if *closer == b']' { Place::After } else { Place::Entry };
        Ok(after)
    }

    /// Where the comma or bracket stands that ends the entry; `None` when the entry goes on after the piece.
    fn entry_end(&mut self, piece: &[u8]) -> Option<usize> {
        let mut at = 0;
        loop {
            if self.in_text {
                if std::mem::take(&mut self.is_escaped) {
                    at += 1;
                }
                let found = piece.get(at..)?.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
                at += found + 1;
                if piece.get(at - 1) == Some(&b'"') {
                    self.in_text = false;
                } else {
                    self.is_escaped = true;
                    // What is escaped may stand in the next piece.
                    if at >= piece.len() {
                        return None;
                    }
                }
                continue;
            }
            let found = piece
                .get(at..)?
                .iter()
                .position(|byte| matches!(byte, b'"' | b'[' | b']' | b'{' | b'}' | b','))?;
            at += found;
            match (piece.get(at)?, self.depth) {
                (b'"', _) => self.in_text = true,
                (b'[' | b'{', depth) => self.depth = depth.saturating_add(1),
                (b',' | b']', 0) => return Some(at),
                // A brace too many: reading what stands there fails.
                (b'}', 0) | (b',', _) => {}
                (_, depth) => self.depth = depth - 1,
            }
            at += 1;
        }
    }

    fn hand_over<T: DeserializeOwned>(
        &mut self,
        entry: &[u8],
        closer: u8,
        take: &mut dyn FnMut(T),
    ) -> Result<(), Fault> {
        let is_blank = entry.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        if is_blank {
            // Only a list of nothing has an empty place.
            return if self.place == Place::Open && closer == b']' { Ok(()) } else { Err(no_json()) };
        }
        // A mark in the middle is not passed over, as one at the beginning is.
        if entry.starts_with(MARK) {
            return Err(no_json());
        }
        match read::entry(entry) {
            Ok(Ok(value)) => {
                take(value);
                self.count += 1;
                Ok(())
            }
            Ok(Err(error)) => {
                let inner = error.path.strip_prefix('$').unwrap_or_default();
                let path = format!("$[{}]{inner}", self.count);
                Err(Fault::Unexpected { path, why: error.why })
            }
            Err(_) => Err(no_json()),
        }
    }
}

fn no_json() -> Fault {
    Fault::NotJson("it cannot be read as JSON".to_owned())
}

fn no_list(what: &str) -> Fault {
    Fault::Unexpected { path: "$".to_owned(), why: format!("invalid type: {what}, expected a sequence") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::Value;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Session {
        id: u32,
        #[serde(default)]
        name: String,
    }

    /// What is read of a text that comes in pieces of these lengths, the last one again and again.
    fn read<T: DeserializeOwned>(text: &[u8], lengths: &[usize]) -> Result<Vec<T>, Fault> {
        let (mut entries, mut all, mut rest) = (Entries::default(), Vec::new(), text);
        let last = lengths.last().copied().unwrap_or(text.len()).max(1);
        let mut lengths = lengths.iter().copied().chain(std::iter::repeat(last));
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(lengths.next().unwrap().min(rest.len()));
            entries.feed(piece, &mut |entry| all.push(entry))?;
            rest = after;
        }
        entries.end().map(|()| all)
    }

    fn why(text: &str) -> String {
        let told: Vec<String> = [1, 2, 3, 1000]
            .map(|length| read::<Session>(text.as_bytes(), &[length]).unwrap_err().to_string())
            .to_vec();
        assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
        told[0].clone()
    }

    #[test]
    fn entries_are_handed_over_however_the_text_is_cut() {
        let text = "\u{feff} [ {\"id\":1,\"name\":\"a\\\\\\\"]},[\"} ,\n{\"id\":2,\"more\":[[{}],\"x\"]}\t,{\"id\":3}] \r\n";
        for length in 1..text.len() {
            let all: Vec<Session> = read(text.as_bytes(), &[length]).unwrap();
            assert_eq!(all.iter().map(|one| one.id).collect::<Vec<_>>(), [1, 2, 3], "{length}");
            assert_eq!(all[0].name, "a\\\"]},[");
        }
        for nothing in ["[]", " [ ] ", "null", "\u{feff}null\n"] {
            for length in 1..4 {
                assert_eq!(read::<Session>(nothing.as_bytes(), &[length]), Ok(Vec::new()), "{nothing}");
            }
        }
    }

    #[test]
    fn a_text_that_ends_before_its_list_is_no_shorter_list() {
        let text = r#"[{"id":1,"name":"\"é"},{"id":2}]"#.as_bytes();
        for cut in 0..text.len() {
            for length in [1, 7, 100] {
                let fault = read::<Session>(&text[..cut], &[length]).unwrap_err();
                assert!(matches!(fault, Fault::Broken(_)), "{cut}: {fault}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_without_the_value() {
        insta::assert_snapshot!(why(r#"[{"id":1},{"id":"canary"}]"#), @"the answer is not as documented at $[1].id: invalid type: string, expected u32");
        insta::assert_snapshot!(why(r#"[{"id":1},{"name":"canary"}]"#), @"the answer is not as documented at $[1]: missing field `id`");
        insta::assert_snapshot!(why("[7]"), @"the answer is not as documented at $[0]: invalid type: integer, expected struct Session");
        insta::assert_snapshot!(why(r#"{"error":"canary"}"#), @"the answer is not as documented at $: invalid type: map, expected a sequence");
        insta::assert_snapshot!(why(r#""canary""#), @"the answer is not as documented at $: invalid type: string, expected a sequence");
        insta::assert_snapshot!(why("<html>"), @"the answer is not JSON: an HTML or XML page");
        insta::assert_snapshot!(why("  "), @"the answer is not whole: it is empty");
        for bad in [
            r#"[{"id":1}] x"#,
            r#"[{"id":1}]]"#,
            r#"[{"id":1}],"#,
            r#"[{"id":1},]"#,
            r#"[,{"id":1}]"#,
            "[,]",
            "[ , ]",
            r#"[{"id":1} {"id":2}]"#,
            r#"[{"id":1}}]"#,
            r#"[{"id":1]]"#,
            "nothing",
            "null null",
            "nul l",
            "[{\"id\":1}]\0",
            "[\u{feff}{\"id\":1}]",
            "\u{feff}\u{feff}[]",
            "[tru]",
            "[{\"id\":01}]",
            "]",
            "[\"\n\"]",
        ] {
            assert_eq!(why(bad), "the answer is not JSON: it cannot be read as JSON", "{bad:?}");
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[\\[\\]{},\"\\\\ aé]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[\\[\\]{},\"a]{0,3}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_comes_in_pieces_is_what_stands_in_the_whole(
            list in prop::collection::vec(value(), 0..5), pretty in any::<bool>(), lengths in prop::collection::vec(1..9_usize, 1..6),
        ) {
            let text = if pretty { serde_json::to_string_pretty(&list) } else { serde_json::to_string(&list) };
            prop_assert_eq!(read::<Value>(text.unwrap().as_bytes(), &lengths), Ok(list));
        }

        #[test]
        fn a_text_is_a_list_in_pieces_exactly_when_it_is_one_as_a_whole(
            text in "[\\[\\]{},:\"\\\\1an ]{0,12}|\\[[\\[\\]{},:\"\\\\1 ]{0,10}\\]", lengths in prop::collection::vec(1..5_usize, 1..4),
        ) {
            let whole = serde_json::from_slice::<Option<Vec<Value>>>(text.as_bytes()).ok().map(Option::unwrap_or_default);
            prop_assert_eq!(read::<Value>(text.as_bytes(), &lengths).ok(), whole);
        }

        #[test]
        fn nothing_that_comes_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..60), lengths in prop::collection::vec(1..9_usize, 1..4)) {
            _ = read::<Session>(&bytes, &lengths);
        }
    }
}
