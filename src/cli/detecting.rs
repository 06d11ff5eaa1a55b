//! How detection shows its progress: a bar on a terminal, two plain lines elsewhere.
//!
//! Who was not reached is told by the plan; here it is only counted.

use std::sync::{Mutex, PoisonError};

use indicatif::ProgressBar;

use super::output::Ui;
use super::progress::bar;
use crate::inventory::known::Contact;
use crate::report::style::Line;
use crate::report::words::{count, plural};
use crate::session::prepare::Progress;

/// Shows the steps of one detection.
#[derive(Debug)]
pub(super) struct Detecting<'a> {
    ui: &'a Ui,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    bar: Option<ProgressBar>,
    wanted: usize,
    reached: usize,
    tried: usize,
}

impl<'a> Detecting<'a> {
    /// Nothing is shown until a step says that somebody is contacted.
    pub(super) fn new(ui: &'a Ui) -> Self {
        Self { ui, state: Mutex::default() }
    }

    /// Shows a step.
    pub(super) fn step(&self, step: &Progress) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match step {
            Progress::Begin { computers } => {
                *state = State { wanted: *computers, ..State::default() };
                if *computers > 0 {
                    state.bar = bar(self.ui, count(*computers));
                    let said = format!("Detecting on {}", plural(count(*computers), "computer"));
                    self.ui.status(&Line::new().text(said));
                }
            }
            Progress::Contacted { name, contact } => {
                state.tried += 1;
                state.reached += usize::from(*contact == Contact::Reached);
                if let Some(bar) = &state.bar {
                    bar.set_position(count(state.tried));
                    bar.set_message(name.clone());
                }
            }
            Progress::Done => {
                self.ui.set_bar(None);
                if let Some(bar) = state.bar.take() {
                    bar.finish_and_clear();
                }
                if state.reached < state.wanted {
                    let wanted = plural(count(state.wanted), "computer");
                    let said = format!("Reached {} of {wanted}", state.reached);
                    self.ui.status(&Line::new().text(said));
                }
            }
        }
    }
}
