//! How files that are fetched show their progress: a bar of bytes on a terminal, a line for each file elsewhere.
//!
//! Not here: the events (`session::event`) and their words (`report::events`).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::output::Ui;
use super::progress::bar_of;
use crate::config::model::Payload;
use crate::id::Digest;
use crate::report::events::{self, Weight};
use crate::report::words::{count, plural};
use crate::session::event::Event;

/// How often the bar is drawn.
const TICK: Duration = Duration::from_millis(100);

/// Shows the events of files that are fetched.
#[derive(Debug)]
pub(super) struct Fetching<'a> {
    ui: &'a Ui,
    bar: Option<ProgressBar>,
    files: Mutex<BTreeMap<Digest, File>>,
}

/// What is known of a file that is wanted.
#[derive(Debug)]
struct File {
    name: String,
    done: u64,
    total: Option<u64>,
    here: bool,
}

impl<'a> Fetching<'a> {
    /// Progress over these files, with a bar if there can be one.
    pub(super) fn new<'p>(ui: &'a Ui, payloads: impl Iterator<Item = &'p Payload>) -> Self {
        let file = |payload: &Payload| File {
            name: payload.file_name.clone(),
            done: 0,
            total: payload.size,
            here: false,
        };
        let files: BTreeMap<Digest, File> =
            payloads.map(|payload| (payload.sha256.clone(), file(payload))).collect();
        let bar = bar_of(ui, count(files.len()), "files");
        // A template that cannot be read leaves the usual one, which shows the same numbers.
        if let Some(bar) = &bar
            && let Ok(style) =
                ProgressStyle::with_template("[{bar:24}] {bytes}/{total_bytes} {bytes_per_sec} {wide_msg}")
        {
            bar.set_style(style.progress_chars("=> "));
            // A server that pauses leaves it as it is, and what came last is shown all the same.
            bar.enable_steady_tick(TICK);
        }
        Self { ui, bar, files: Mutex::new(files) }
    }

    /// Shows an event.
    pub(super) fn event(&self, event: &Event) {
        {
            let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
            match event {
                Event::PayloadProgress { sha256, done, total } => {
                    if let Some(file) = files.get_mut(sha256) {
                        file.done = *done;
                        file.total = total.or(file.total);
                    }
                }
                Event::PayloadFetched { sha256, size, .. } => {
                    if let Some(file) = files.get_mut(sha256) {
                        (file.done, file.total, file.here) = (*size, Some(*size), true);
                    }
                }
                Event::PayloadMissing { sha256, .. } => {
                    // What does not come any more is no part of the whole.
                    if let Some(file) = files.get_mut(sha256) {
                        (file.total, file.here) = (Some(file.done), true);
                    }
                }
                _ => {}
            }
        }
        let line = events::line(event, &|_| None);
        match (events::weight(event), &self.bar) {
            (Weight::Problem, _) => self.ui.always(&line),
            // The bar says so.
            (_, Some(_)) if matches!(event, Event::PayloadFetching { .. }) => self.ui.step(&line),
            (_, _) if matches!(event, Event::PayloadProgress { .. }) => {}
            (Weight::Usual, _) => self.ui.status(&line),
            (Weight::Fine, _) => self.ui.step(&line),
        }
        self.draw();
    }

    fn draw(&self) {
        let Some(bar) = &self.bar else { return };
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let done = files.values().map(|file| file.done).fold(0, u64::saturating_add);
        // What is not known yet counts with what is there of it.
        let total = files.values().map(|file| file.total.unwrap_or(file.done)).fold(0, u64::saturating_add);
        if total.max(done) == 0 {
            return;
        }
        bar.set_length(total.max(done));
        bar.set_position(done);
        let mut open = files.values().filter(|file| !file.here);
        let message = match (open.next(), open.count()) {
            (None, _) => String::new(),
            (Some(file), 0) => file.name.clone(),
            (Some(file), more) => format!("{} and {}", file.name, plural(count(more), "other file")),
        };
        bar.set_message(message);
    }
}

impl Drop for Fetching<'_> {
    fn drop(&mut self) {
        self.ui.set_bar(None);
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
