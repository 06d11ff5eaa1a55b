//! Labels and pens: a report says what a text is, the pen decides how that looks.
//!
//! Not here: whether there is colour at all (`cli::output`).
//!
//! Invariants: a [`Line`] holds visible text only, so what it is made from cannot drive a terminal; the text is the same
//! with and without colour; no line that is written is a command to a CI runner.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::words;

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label {
    /// Nothing special.
    Plain,
    /// The title of a section.
    Heading,
    /// Something is wrong.
    Error,
    /// Something is probably not as meant.
    Warning,
    /// Advice.
    Hint,
    /// As wanted.
    Good,
    /// Something comes to be.
    Add,
    /// Something becomes another.
    Change,
    /// Something goes away.
    Remove,
    /// Something waits.
    Held,
    /// Less important.
    Dim,
    /// A name, a command or a text to copy.
    Code,
}

impl Label {
    /// How it looks on a terminal with colours.
    #[must_use]
    pub const fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Heading => Style::new().bold(),
            Self::Error => AnsiColor::Red.on_default().bold(),
            Self::Warning => AnsiColor::Yellow.on_default().bold(),
            Self::Hint | Self::Code => AnsiColor::Cyan.on_default(),
            Self::Good | Self::Add => AnsiColor::Green.on_default(),
            Self::Change | Self::Held => AnsiColor::Yellow.on_default(),
            Self::Remove => AnsiColor::Red.on_default(),
            Self::Dim => Style::new().dimmed(),
        }
    }
}

/// One line of a report: labelled pieces of visible text, without a line end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line(Vec<(Label, String)>);

impl Line {
    /// An empty line.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a text; characters that act are made visible.
    pub fn push(&mut self, label: Label, text: impl AsRef<str>) {
        let text = text.as_ref();
        if !text.is_empty() {
            self.0.push((label, words::visible(text).into_owned()));
        }
    }

    /// Adds a text; for building a line in one expression.
    #[must_use]
    pub fn with(mut self, label: Label, text: impl AsRef<str>) -> Self {
        self.push(label, text);
        self
    }

    /// Adds text without a label.
    #[must_use]
    pub fn text(self, text: impl AsRef<str>) -> Self {
        self.with(Label::Plain, text)
    }

    /// Adds all of another line.
    pub fn append(&mut self, other: &Self) {
        self.0.extend(other.0.iter().cloned());
    }

    /// Adds spaces until the line takes `columns`; a longer line stays as it is.
    pub fn pad_to(&mut self, columns: usize) {
        let missing = columns.saturating_sub(self.width());
        self.push(Label::Plain, " ".repeat(missing));
    }

    /// How many columns it takes.
    #[must_use]
    pub fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| words::width(text)).sum()
    }

    /// Whether it holds no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The line as it may be written where a runner reads along. A line that begins with `::` is a command to it, blanks
    /// aside, and so is `##[error]` anywhere: their first colon or bracket is written as `\x3a` or `\x5b`.
    fn guarded(&self) -> Cow<'_, Self> {
        let whole = self.to_string();
        if !words::is_command(&whole) && !words::has_command(&whole) {
            return Cow::Borrowed(self);
        }
        let first = words::is_command(&whole).then(|| whole.find(':')).flatten();
        let mut at = 0;
        let mut guarded = Self::new();
        for (label, text) in self.spans() {
            let mut safe = String::with_capacity(text.len() + 8);
            for character in text.chars() {
                match character {
                    ':' if first == Some(at) => safe.push_str("\\x3a"),
                    '[' if words::begins_command(whole.get(..at).unwrap_or_default()) => {
                        safe.push_str("\\x5b");
                    }
                    other => safe.push(other),
                }
                at += character.len_utf8();
            }
            guarded.push(label, safe);
        }
        Cow::Owned(guarded)
    }

    /// Its pieces.
    pub fn spans(&self) -> impl Iterator<Item = (Label, &str)> {
        self.0.iter().map(|(label, text)| (*label, text.as_str()))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(_, text)| f.write_str(text))
    }
}

/// Something that reports are written with.
pub trait Pen {
    /// Writes a line and its end.
    ///
    /// # Errors
    /// What the writer behind it says.
    fn line(&mut self, line: &Line) -> io::Result<()>;

    /// Writes an empty line.
    ///
    /// # Errors
    /// What the writer behind it says.
    fn gap(&mut self) -> io::Result<()> {
        self.line(&Line::new())
    }

    /// Writes the title of a section.
    ///
    /// # Errors
    /// What the writer behind it says.
    fn heading(&mut self, title: &str) -> io::Result<()> {
        self.line(&Line::new().with(Label::Heading, title))
    }
}

/// Writes without colour.
#[derive(Debug)]
pub struct Plain<W>(pub W);

impl<W: Write> Pen for Plain<W> {
    fn line(&mut self, line: &Line) -> io::Result<()> {
        for (_, text) in line.guarded().spans() {
            self.0.write_all(text.as_bytes())?;
        }
        self.0.write_all(b"\n")
    }
}

/// Writes with the colours of [`Label::style`].
#[derive(Debug)]
pub struct Coloured<W>(pub W);

impl<W: Write> Pen for Coloured<W> {
    fn line(&mut self, line: &Line) -> io::Result<()> {
        for (label, text) in line.guarded().spans() {
            let style = label.style();
            write!(self.0, "{style}{text}{style:#}")?;
        }
        self.0.write_all(b"\n")
    }
}

/// Keeps the lines, for tests and for whoever wants to look at them first.
#[derive(Debug, Default)]
pub struct Recording {
    /// What was written.
    pub lines: Vec<Line>,
}

impl Pen for Recording {
    fn line(&mut self, line: &Line) -> io::Result<()> {
        self.lines.push(line.clone());
        Ok(())
    }
}

impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Line {
        Line::new().with(Label::Add, "+").text(" 7-Zip ").with(Label::Dim, "x\x1b[2J")
    }

    #[test]
    fn the_text_is_the_same_with_and_without_colour() {
        let (mut plain, mut coloured) = (Vec::new(), Vec::new());
        Plain(&mut plain).line(&sample()).expect("memory");
        Coloured(&mut coloured).line(&sample()).expect("memory");
        assert_eq!(String::from_utf8_lossy(&plain), "+ 7-Zip x\\x1b[2J\n");
        let coloured = String::from_utf8_lossy(&coloured).into_owned();
        assert_ne!(coloured.as_bytes(), plain);
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string().as_bytes(), plain);
    }

    #[test]
    fn a_recording_keeps_labels() {
        let mut pen = Recording::default();
        pen.line(&sample()).expect("memory");
        let labels: Vec<Label> = pen.lines[0].spans().map(|(label, _)| label).collect();
        assert_eq!(labels, [Label::Add, Label::Plain, Label::Dim]);
        assert_eq!(pen.to_string(), "+ 7-Zip x\\x1b[2J\n");
    }

    #[test]
    fn no_line_is_a_command_to_a_runner_whatever_its_pieces() {
        for (pieces, written) in [
            (["::error::", "x"], "\\x3a:error::x\n"),
            ([" \u{a0}", "::stop-commands::x"], " \u{a0}\\x3a:stop-commands::x\n"),
            ([":", ":debug::"], "\\x3a:debug::\n"),
            (["x ##", "[bios]"], "x ##\\x5bbios]\n"),
            (["::##v", "so[x]"], "\\x3a:##vso\\x5bx]\n"),
            (["std::fmt", ":: # [x]"], "std::fmt:: # [x]\n"),
        ] {
            let line = pieces.iter().fold(Line::new(), Line::text);
            let (mut plain, mut coloured) = (Vec::new(), Vec::new());
            Plain(&mut plain).line(&line).expect("memory");
            Coloured(&mut coloured).line(&line).expect("memory");
            assert_eq!(String::from_utf8_lossy(&plain), written);
            assert_eq!(
                anstream::adapter::strip_str(&String::from_utf8_lossy(&coloured)).to_string(),
                written
            );
        }
    }

    #[test]
    fn padding_counts_columns() {
        let mut line = Line::new().text("日");
        line.pad_to(4);
        assert_eq!((line.to_string().as_str(), line.width()), ("日  ", 4));
        line.pad_to(2);
        assert_eq!(line.width(), 4);
    }
}
