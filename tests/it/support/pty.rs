//! Runs the real program on a real pseudo-terminal.

#![expect(clippy::unwrap_used, reason = "a failure is a failed test")]

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::muster::{World, copy_to, text, wait_for};

/// The program and its terminal.
pub(crate) struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    // The terminal lives for as long as this.
    _master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    screen: Arc<Mutex<Vec<u8>>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Terminal {
    /// Starts the program in a world's repository, on a terminal of 100 columns.
    pub(crate) fn start(world: &World, arguments: &[&str]) -> Self {
        Self::start_with(world, arguments, &[])
    }

    /// The same with more variables.
    pub(crate) fn start_with(world: &World, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let size = PtySize { rows: 40, cols: 100, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_muster"));
        command.args(arguments);
        command.env_clear();
        for (name, value) in world.environment() {
            command.env(name, value);
        }
        command.env("TERM", "xterm");
        for (name, value) in variables {
            command.env(name, value);
        }
        command.cwd(world.repo());
        let child = pair.slave.spawn_command(command).unwrap();
        // With the slave open here the end of the program would not be seen.
        drop(pair.slave);
        let screen = Arc::default();
        let reader = copy_to(pair.master.try_clone_reader().unwrap(), Arc::clone(&screen));
        let keyboard = pair.master.take_writer().unwrap();
        Self { child, _master: pair.master, keyboard, screen, reader: Some(reader) }
    }

    /// Types.
    pub(crate) fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Waits until the screen has shown a text.
    #[track_caller]
    pub(crate) fn wait_for(&self, wanted: &str) {
        wait_for(&self.screen, wanted);
    }

    /// Waits for the end, and gives the exit code and everything that was shown.
    pub(crate) fn end(mut self) -> (u32, String) {
        let end = Instant::now() + Duration::from_secs(30);
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < end, "it does not end: {}", text(&self.screen));
            std::thread::sleep(Duration::from_millis(5));
        };
        self.reader.take().unwrap().join().unwrap();
        (status.exit_code(), text(&self.screen))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        _ = self.child.kill();
    }
}
