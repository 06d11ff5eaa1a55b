//! What reaches the terminal: data on standard output, everything else on standard error.
//!
//! Not here: what is written (`report`) and the environment, which comes in as [`Surroundings`].
//!
//! Invariants: a reader of standard output that goes away ends the output quietly and is no error; lines of status do
//! not tear a progress bar; two tasks that write at once do not mix their lines.

use std::fmt;
use std::io::{self, BufWriter, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::ProgressBar;

use crate::report::style::{Coloured, Label, Line, Pen, Plain};

/// When to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColourChoice {
    /// On a terminal, unless the environment says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What the environment says about the terminal. `cli::environment` reads it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// `CLICOLOR_FORCE` is set, not empty and not `0`.
    pub clicolor_force: bool,
    /// `TERM` is `dumb`.
    pub dumb: bool,
    /// `CI` is set: no progress bar, whatever the terminal.
    pub ci: bool,
    /// Standard output is a terminal.
    pub stdout_terminal: bool,
    /// Standard error is a terminal.
    pub stderr_terminal: bool,
}

impl ColourChoice {
    /// Whether to use colour on a stream. A choice on the command line goes before the environment, and `NO_COLOR`
    /// before `CLICOLOR_FORCE`.
    #[must_use]
    pub const fn colours(self, surroundings: &Surroundings, terminal: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                !surroundings.no_color && (surroundings.clicolor_force || (terminal && !surroundings.dumb))
            }
        }
    }
}

/// How much to say on standard error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loudness {
    /// Errors and warnings.
    Quiet,
    /// Status and progress too.
    #[default]
    Usual,
    /// Every step too.
    Verbose,
}

/// The two streams, shared by everything that writes.
pub struct Ui {
    out: Mutex<Box<dyn Write + Send>>,
    err: Mutex<Box<dyn Write + Send>>,
    bar: Mutex<Option<ProgressBar>>,
    closed: AtomicBool,
    out_colours: bool,
    err_colours: bool,
    loudness: Loudness,
    surroundings: Surroundings,
}

impl fmt::Debug for Ui {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ui").field("loudness", &self.loudness).finish_non_exhaustive()
    }
}

/// A lock that outlives a panic elsewhere: what was written stays written.
fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ui {
    /// The process's own streams.
    #[must_use]
    pub fn new(choice: ColourChoice, loudness: Loudness, surroundings: Surroundings) -> Self {
        let stream =
            |colours| if colours { anstream::ColorChoice::Always } else { anstream::ColorChoice::Never };
        let out = choice.colours(&surroundings, surroundings.stdout_terminal);
        let err = choice.colours(&surroundings, surroundings.stderr_terminal);
        // Standard output goes as it is unless there is colour, so that JSON and scripts' bytes pass untouched.
        let stdout: Box<dyn Write + Send> = if out {
            Box::new(anstream::AutoStream::new(io::stdout(), stream(out)))
        } else {
            Box::new(io::stdout())
        };
        let stderr = Box::new(anstream::AutoStream::new(io::stderr(), stream(err)));
        Self::with_streams(stdout, stderr, (out, err), loudness, surroundings)
    }

    /// Any two streams, with colours or not.
    #[must_use]
    pub fn with_streams(
        out: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
        (out_colours, err_colours): (bool, bool),
        loudness: Loudness,
        surroundings: Surroundings,
    ) -> Self {
        Self {
            out: Mutex::new(out),
            err: Mutex::new(err),
            bar: Mutex::new(None),
            closed: AtomicBool::new(false),
            out_colours,
            err_colours,
            loudness,
            surroundings,
        }
    }

    /// What the environment says about the terminal.
    #[must_use]
    pub const fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    /// How much to say on standard error.
    #[must_use]
    pub const fn loudness(&self) -> Loudness {
        self.loudness
    }

    /// Whether standard output, and standard error, have colours: for what renders its own.
    #[must_use]
    pub const fn colours(&self) -> (bool, bool) {
        (self.out_colours, self.err_colours)
    }

    /// Whether the reader of standard output has gone away. Whoever would write for long may stop.
    #[must_use]
    pub fn closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Writes data as lines for people to standard output.
    ///
    /// # Errors
    /// What the stream says, other than that its reader has gone.
    pub fn data(&self, write: impl FnOnce(&mut dyn Pen) -> io::Result<()>) -> io::Result<()> {
        let colours = self.out_colours;
        self.bytes(|out| if colours { write(&mut Coloured(out)) } else { write(&mut Plain(out)) })
    }

    /// Writes data as it is to standard output: JSON, Markdown and the like.
    ///
    /// # Errors
    /// What the stream says, other than that its reader has gone.
    pub fn bytes(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        if self.closed() {
            return Ok(());
        }
        let written = self.beside_bar(|| {
            let mut out = locked(&self.out);
            let mut buffer = BufWriter::new(&mut *out);
            let written = write(&mut buffer).and_then(|()| buffer.flush());
            if written.is_err() {
                // What could not be written must not be tried again when the buffer goes.
                drop(buffer.into_parts());
            }
            written
        });
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed.store(true, Ordering::Relaxed);
                Ok(())
            }
            other => other,
        }
    }

    /// Says an error. `error: ` is written before it.
    pub fn error(&self, text: impl AsRef<str>) {
        self.message(Loudness::Quiet, "error: ", Label::Error, text.as_ref());
    }

    /// Says a warning. `warning: ` is written before it.
    pub fn warning(&self, text: impl AsRef<str>) {
        self.message(Loudness::Quiet, "warning: ", Label::Warning, text.as_ref());
    }

    /// Gives advice. `hint: ` is written before it.
    pub fn hint(&self, text: impl AsRef<str>) {
        self.message(Loudness::Usual, "hint: ", Label::Hint, text.as_ref());
    }

    /// Says what goes on.
    pub fn status(&self, line: &Line) {
        self.say(Loudness::Usual, line);
    }

    /// Says a step, with `--verbose` only.
    pub fn step(&self, line: &Line) {
        self.say(Loudness::Verbose, line);
    }

    /// Says something that also `--quiet` does not silence.
    pub fn always(&self, line: &Line) {
        self.say(Loudness::Quiet, line);
    }

    /// Writes lines to standard error whatever the loudness: findings, the plan before a prompt.
    pub fn report(&self, write: impl FnOnce(&mut dyn Pen) -> io::Result<()>) {
        self.beside_bar(|| {
            let mut err = locked(&self.err);
            let mut buffer = BufWriter::new(&mut *err);
            // Nobody is left to tell when standard error fails.
            _ = if self.err_colours {
                write(&mut Coloured(&mut buffer))
            } else {
                write(&mut Plain(&mut buffer))
            }
            .and_then(|()| buffer.flush());
        });
    }

    /// Writes text that is rendered already, such as findings, to standard error as it is, whatever the loudness.
    pub fn rendered(&self, text: &str) {
        self.beside_bar(|| {
            let mut err = locked(&self.err);
            // Nobody is left to tell when standard error fails.
            _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
        });
    }

    /// Writes a question without a line end to standard error.
    pub fn ask(&self, question: &str) {
        self.beside_bar(|| {
            let mut err = locked(&self.err);
            // As above.
            _ = write!(err, "{} ", crate::report::words::visible(question)).and_then(|()| err.flush());
        });
    }

    fn message(&self, least: Loudness, title: &str, label: Label, text: &str) {
        for (at, part) in text.lines().enumerate() {
            let line = if at == 0 { Line::new().with(label, title) } else { Line::new().text("  ") };
            self.say(least, &line.text(part));
        }
    }

    fn say(&self, least: Loudness, line: &Line) {
        if self.loudness >= least {
            self.report(|pen| pen.line(line));
        }
    }

    /// Shows a bar below everything that is written from now on, or takes it away.
    pub(super) fn set_bar(&self, bar: Option<ProgressBar>) {
        *locked(&self.bar) = bar;
    }

    /// Writes while no bar is on the screen.
    fn beside_bar<T>(&self, write: impl FnOnce() -> T) -> T {
        let bar = locked(&self.bar).clone();
        match bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use super::*;

    /// A stream that keeps what is written, or says that its reader has gone.
    #[derive(Debug, Clone, Default)]
    pub(crate) struct Kept {
        pub(crate) bytes: Arc<Mutex<Vec<u8>>>,
        pub(crate) gone: bool,
    }

    impl Kept {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(locked(&self.bytes).clone()).expect("UTF-8")
        }
    }

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.gone {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            locked(&self.bytes).extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            if self.gone { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
        }
    }

    pub(crate) fn ui(loudness: Loudness) -> (Ui, Kept, Kept) {
        let (out, err) = (Kept::default(), Kept::default());
        let streams = (Box::new(out.clone()), Box::new(err.clone()));
        let ui = Ui::with_streams(streams.0, streams.1, (false, false), loudness, Surroundings::default());
        (ui, out, err)
    }

    #[test]
    fn data_goes_to_one_stream_and_the_rest_to_the_other() {
        let (ui, out, err) = ui(Loudness::Usual);
        ui.data(|pen| pen.line(&Line::new().with(Label::Add, "plan"))).expect("memory");
        ui.bytes(|out| out.write_all(b"{}\n")).expect("memory");
        ui.error("no such file\nbecause");
        ui.warning("odd\x1b[2J");
        ui.hint("look");
        ui.status(&Line::new().text("working"));
        ui.step(&Line::new().text("unseen"));
        ui.rendered("findings\n");
        assert_eq!(out.text(), "plan\n{}\n");
        assert_eq!(
            err.text(),
            "error: no such file\n  because\nwarning: odd\\x1b[2J\nhint: look\nworking\nfindings\n"
        );
    }

    #[test]
    fn quiet_keeps_errors_and_warnings_and_verbose_adds_steps() {
        for (loudness, text) in [
            (Loudness::Quiet, "error: e\nwarning: w\n"),
            (Loudness::Usual, "error: e\nwarning: w\nhint: h\ns\n"),
            (Loudness::Verbose, "error: e\nwarning: w\nhint: h\ns\nstep\n"),
        ] {
            let (ui, _, err) = ui(loudness);
            ui.error("e");
            ui.warning("w");
            ui.hint("h");
            ui.status(&Line::new().text("s"));
            ui.step(&Line::new().text("step"));
            assert_eq!(err.text(), text);
        }
    }

    #[test]
    fn a_reader_that_goes_away_is_no_error() {
        let gone = Kept { gone: true, ..Kept::default() };
        let streams = (Box::new(gone.clone()), Box::new(gone));
        let ui =
            Ui::with_streams(streams.0, streams.1, (false, false), Loudness::Usual, Surroundings::default());
        assert!(!ui.closed());
        ui.bytes(|out| out.write_all(&vec![b'x'; 100_000])).expect("quiet");
        assert!(ui.closed());
        ui.data(|_| panic!("nothing is rendered for nobody")).expect("quiet");
        ui.error("nobody reads this");
    }

    #[test]
    fn other_failures_of_the_stream_are_errors() {
        let (ui, ..) = ui(Loudness::Usual);
        let full = ui.bytes(|_| Err(io::ErrorKind::StorageFull.into()));
        assert_eq!(full.map_err(|error| error.kind()), Err(io::ErrorKind::StorageFull));
    }

    #[test]
    fn colour_follows_the_flag_then_the_environment_then_the_terminal() {
        let plain = Surroundings::default();
        let no_color = Surroundings { no_color: true, ..plain };
        let force = Surroundings { clicolor_force: true, ..plain };
        let both = Surroundings { no_color: true, ..force };
        let dumb = Surroundings { dumb: true, ..plain };
        for (choice, surroundings, terminal, colours) in [
            (ColourChoice::Auto, plain, true, true),
            (ColourChoice::Auto, plain, false, false),
            (ColourChoice::Auto, no_color, true, false),
            (ColourChoice::Auto, force, false, true),
            (ColourChoice::Auto, both, true, false),
            (ColourChoice::Auto, dumb, true, false),
            (ColourChoice::Always, no_color, false, true),
            (ColourChoice::Never, force, true, false),
        ] {
            assert_eq!(
                choice.colours(&surroundings, terminal),
                colours,
                "{choice:?} {surroundings:?} {terminal}"
            );
        }
    }
}
