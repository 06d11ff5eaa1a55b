//! A table that is the same in every form: aligned lines, Markdown, CSV for a spreadsheet, JSON and NDJSON.
//!
//! Not here: where rows come from.
//!
//! Invariants: every form holds the same rows in the same order; programs get every column, people those that say something; JSON has the keys of the columns, CSV has them as its
//! first line, and each row of it is one line. Text of users and computers drives neither a terminal, nor Markdown, nor a
//! spreadsheet: a cell of CSV that a spreadsheet would take for a formula begins with an apostrophe.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde_json::{Map, Value};

use super::layout::table;
use super::style::{Label, Line, Pen};
use super::words::{count, is_command, list, plural, thousands, visible};
use super::{View, markdown};

/// Bytes that a table in Markdown leaves for what stands around it, and for saying what was left out.
const AROUND_A_TABLE: usize = 5_000;
/// So many entries of a list are shown to people; programs get all.
const SHOWN: usize = 3;

/// One column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// The key in JSON and CSV, such as `allowDowngrade`.
    pub key: &'static str,
    /// The title for people, who are not shown columns in which nothing stands; an empty one keeps the column from them.
    pub title: &'static str,
}

/// Makes a column that people see under this title.
#[must_use]
pub const fn shown(key: &'static str, title: &'static str) -> Column {
    Column { key, title }
}

/// Makes a column for programs and spreadsheets only.
#[must_use]
pub const fn further(key: &'static str) -> Column {
    Column { key, title: "" }
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// Nothing is known or said.
    Nothing,
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
    /// true or false.
    Flag(bool),
    /// Several texts.
    List(Vec<String>),
}

impl Cell {
    /// A text.
    #[expect(clippy::needless_pass_by_value, reason = "as an argument of map, with values and references")]
    pub fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }

    /// A text, or nothing.
    pub fn maybe(text: Option<impl ToString>) -> Self {
        text.map_or(Self::Nothing, Self::text)
    }

    /// A number of things.
    #[must_use]
    pub fn count(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }

    /// Several texts.
    pub fn list<T: ToString>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::List(texts.into_iter().map(|text| text.to_string()).collect())
    }

    fn json(&self) -> Value {
        match self {
            Self::Nothing => Value::Null,
            Self::Text(text) => Value::from(text.as_str()),
            Self::Number(number) => Value::from(*number),
            Self::Flag(flag) => Value::from(*flag),
            Self::List(texts) => Value::from(texts.clone()),
        }
    }

    /// For people.
    fn words(&self) -> String {
        match self {
            Self::Nothing => "-".to_owned(),
            Self::Text(text) => text.clone(),
            Self::Number(number) => match u64::try_from(*number) {
                Ok(number) => thousands(number),
                Err(_) => number.to_string(),
            },
            Self::Flag(true) => "yes".to_owned(),
            Self::Flag(false) => "no".to_owned(),
            Self::List(texts) if texts.is_empty() => "-".to_owned(),
            Self::List(texts) => list(texts, SHOWN),
        }
    }

    /// For a spreadsheet.
    fn csv(&self) -> String {
        let text = match self {
            Self::Nothing => return String::new(),
            Self::Number(number) => return number.to_string(),
            Self::Flag(flag) => return flag.to_string(),
            Self::Text(text) => text.clone(),
            Self::List(texts) => texts.join("; "),
        };
        let text = visible(&text).into_owned();
        // What begins so is run as a formula when the file is opened.
        let text = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text };
        let special = text.contains(['"', ',', ';']) || text.starts_with(' ') || text.ends_with(' ');
        // A row that begins with `::` would be a command to a CI runner.
        if special || is_command(&text) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
    }
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// What a row is, in one word: the event's name in NDJSON.
    pub row: &'static str,
    /// The columns.
    pub columns: &'static [Column],
    /// A cell for each column.
    pub rows: Vec<Vec<Cell>>,
}

impl Sheet {
    /// A row as JSON: the keys of the columns.
    fn object(&self, row: &[Cell]) -> Map<String, Value> {
        self.columns.iter().zip(row).map(|(column, cell)| (column.key.to_owned(), cell.json())).collect()
    }

    /// All rows as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        self.rows.iter().map(|row| Value::Object(self.object(row))).collect()
    }

    /// Writes a line of NDJSON for each row.
    ///
    /// # Errors
    /// What the writer says.
    pub fn ndjson(&self, out: &mut dyn Write) -> io::Result<()> {
        self.rows.iter().try_for_each(|row| super::json::event(out, self.row, &self.object(row)))
    }

    /// Writes CSV (RFC 4180): a line of keys, then the rows; lists are joined by `; `.
    ///
    /// # Errors
    /// What the writer says.
    pub fn csv(&self, out: &mut dyn Write) -> io::Result<()> {
        let keys: Vec<&str> = self.columns.iter().map(|column| column.key).collect();
        write!(out, "{}\r\n", keys.join(","))?;
        self.rows.iter().try_for_each(|row| {
            let cells: Vec<String> = row.iter().map(Cell::csv).collect();
            write!(out, "{}\r\n", cells.join(","))
        })
    }

    /// The columns for people, by position: those with a title in which anything stands.
    fn titled(&self) -> Vec<(usize, &'static str)> {
        let says = |at: usize| {
            let empty = |cell: &Cell| *cell == Cell::Nothing || *cell == Cell::List(Vec::new());
            self.rows.iter().filter_map(|row| row.get(at)).any(|cell| !empty(cell))
        };
        let all = self.columns.iter().map(|column| column.title).enumerate();
        all.filter(|(at, title)| !title.is_empty() && says(*at)).collect()
    }

    /// Writes a Markdown table; `none` stands in its place when there are no rows. It has fewer than [`markdown::LIMIT`]
    /// bytes, as it goes where comments go: what does not fit is left out row by row, and a line says how much.
    ///
    /// # Errors
    /// What the writer says.
    pub fn markdown(&self, out: &mut dyn Write, none: &str) -> io::Result<()> {
        if self.rows.is_empty() {
            return writeln!(out, "{none}");
        }
        let titled = self.titled();
        let heads: Vec<&str> = titled.iter().map(|(_, title)| *title).collect();
        let mut text = format!("| {} |\n|{}\n", heads.join(" | "), "---|".repeat(titled.len()));
        for (at, row) in self.rows.iter().enumerate() {
            let words = titled.iter().filter_map(|(at, _)| row.get(*at)).map(Cell::words);
            let cells: Vec<String> = words.map(|text| markdown::cell(&text)).collect();
            let line = format!("| {} |\n", cells.join(" | "));
            if text.len() + line.len() + AROUND_A_TABLE > markdown::LIMIT {
                let more = plural(count(self.rows.len() - at), "more row");
                // Writing into a String cannot fail.
                _ = writeln!(text, "\n_Left out here: {more}. The JSON has everything._");
                break;
            }
            text.push_str(&line);
        }
        out.write_all(text.as_bytes())
    }

    /// Writes aligned lines under their titles; `none` stands in their place when there are no rows.
    ///
    /// # Errors
    /// What the pen says.
    pub fn human(&self, pen: &mut dyn Pen, none: &str, view: &View) -> io::Result<()> {
        if self.rows.is_empty() {
            return pen.line(&Line::new().text(none));
        }
        let titled = self.titled();
        let mut lines: Vec<Vec<Line>> =
            vec![titled.iter().map(|(_, title)| Line::new().with(Label::Dim, *title)).collect()];
        for row in &self.rows {
            let cells = titled.iter().enumerate().filter_map(|(shown, (at, _))| {
                let label = if shown == 0 { Label::Heading } else { Label::Plain };
                Some(Line::new().with(label, row.get(*at)?.words()))
            });
            lines.push(cells.collect());
        }
        table(0, view.width, &lines).iter().try_for_each(|line| pen.line(line))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::report::style::Recording;

    const COLUMNS: &[Column] =
        &[shown("name", "Name"), shown("count", "Count"), further("hidden"), shown("tags", "Tags")];

    fn sheet() -> Sheet {
        Sheet {
            row: "thing",
            columns: COLUMNS,
            rows: vec![
                vec![Cell::text("a|b"), Cell::Number(1200), Cell::Flag(true), Cell::list(["x", "y"])],
                vec![Cell::text("=1+1"), Cell::Number(-3), Cell::Nothing, Cell::list([""; 0])],
                vec![Cell::text("q\"u, o\nte"), Cell::Nothing, Cell::Flag(false), Cell::list(1..6)],
            ],
        }
    }

    fn written(write: impl Fn(&mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).expect("memory");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn every_form_has_the_same_rows() {
        let sheet = sheet();
        let mut pen = Recording::default();
        sheet.human(&mut pen, "Nothing.", &View::default()).expect("memory");
        let all = [
            pen.to_string(),
            written(|out| sheet.markdown(out, "Nothing.")),
            written(|out| sheet.csv(out)).replace("\r\n", "~\n"),
            written(|out| sheet.ndjson(out)),
        ];
        insta::assert_snapshot!(all.join("\n"), @r#"
        Name         Count   Tags
        a|b          1,200   x, y
        =1+1         -3      -
        q"u, o\nte   -       1, 2, 3 and 2 more

        | Name | Count | Tags |
        |---|---|---|
        | a\|b | 1,200 | x, y |
        | =1+1 | -3 | - |
        | q"u, o\\nte | - | 1, 2, 3 and 2 more |

        name,count,hidden,tags~
        a|b,1200,true,"x; y"~
        '=1+1,-3,,~
        "q""u, o\nte",,false,"1; 2; 3; 4; 5"~

        {"event":"thing","name":"a|b","count":1200,"hidden":true,"tags":["x","y"]}
        {"event":"thing","name":"=1+1","count":-3,"hidden":null,"tags":[]}
        {"event":"thing","name":"q\"u, o\nte","count":null,"hidden":false,"tags":["1","2","3","4","5"]}
        "#);
        assert_eq!(sheet.json()[1]["count"], -3);
        let empty = Sheet { rows: Vec::new(), ..sheet };
        assert_eq!(written(|out| empty.markdown(out, "Nothing.")), "Nothing.\n");
        assert_eq!(written(|out| empty.csv(out)), "name,count,hidden,tags\r\n");
        assert_eq!(written(|out| empty.ndjson(out)), "");
    }

    #[test]
    fn a_table_in_markdown_fits_into_a_comment_and_says_what_is_missing() {
        let row = |at: usize| {
            vec![Cell::text(format!("computer {at}")), Cell::Nothing, Cell::Nothing, Cell::list(["<x>"])]
        };
        let few = Sheet { rows: (0..300).map(row).collect(), ..sheet() };
        assert_eq!(written(|out| few.markdown(out, "")).lines().count(), 302);
        let many = Sheet { rows: (0..30_000).map(row).collect(), ..sheet() };
        let text = written(|out| many.markdown(out, ""));
        let rows = text.lines().filter(|line| line.starts_with("| computer")).count();
        assert!(text.len() < markdown::LIMIT && text.len() > markdown::LIMIT - 6_000, "{}", text.len());
        assert!(text.lines().filter(|line| line.starts_with('|')).all(|line| line.ends_with('|')));
        let more = thousands(count(30_000 - rows));
        assert!(
            text.ends_with(&format!("\n_Left out here: {more} more rows. The JSON has everything._\n")),
            "{rows}"
        );
    }

    /// What a reader of CSV makes of a text: rows of fields, quotes undone.
    fn read_csv(text: &str) -> Vec<Vec<String>> {
        let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            match (quoted, letter) {
                (true, '"') if letters.peek() == Some(&'"') => field.extend(letters.next()),
                (_, '"') => quoted = !quoted,
                (false, ',') => row.push(std::mem::take(&mut field)),
                (false, '\r') if letters.peek() == Some(&'\n') => {
                    letters.next();
                    row.push(std::mem::take(&mut field));
                    rows.push(std::mem::take(&mut row));
                }
                _ => field.push(letter),
            }
        }
        rows
    }

    proptest! {
        #[test]
        fn any_text_comes_back_from_csv_and_none_is_a_formula(texts in prop::collection::vec("[a-c=+@,;:\"\\- \\n]{0,6}", 3)) {
            let rows = texts.iter().map(|text| vec![Cell::text(text), Cell::Nothing, Cell::Nothing, Cell::list([text])]);
            let sheet = Sheet { rows: rows.collect(), ..sheet() };
            let csv = written(|out| sheet.csv(out));
            prop_assert!(csv.lines().all(|line| !is_command(line)), "{csv}");
            prop_assert_eq!(csv.lines().count(), 4);
            let read = read_csv(&csv);
            prop_assert_eq!(read.len(), 4);
            for (text, row) in texts.iter().zip(&read[1..]) {
                prop_assert_eq!(row.len(), 4);
                for field in [&row[0], &row[3]] {
                    let text = text.replace('\n', "\\n");
                    prop_assert_eq!(field.strip_prefix('\'').unwrap_or(field), text.as_str());
                    prop_assert!(!field.starts_with(['=', '+', '-', '@']), "{field}");
                }
            }
        }
    }
}
