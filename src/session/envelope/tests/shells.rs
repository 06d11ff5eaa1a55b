//! The texts for POSIX shells, run for real by every one of them that this machine has.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::session::script::{Bundle, Context, Ended, Interpreter, Purpose, Script, Step, Values};
use crate::session::{bundle, frame};

fn shells() -> Vec<Vec<&'static str>> {
    [vec!["/bin/sh"], vec!["dash"], vec!["bash"], vec!["busybox", "sh"], vec!["mksh"], vec!["ksh"]]
        .into_iter()
        .filter(|shell| shell[0] == "/bin/sh" || Path::new("/usr/bin").join(shell[0]).exists())
        .collect()
}

fn clock() -> i64 {
    i64::try_from(std::time::UNIX_EPOCH.elapsed().expect("a clock").as_secs()).expect("a time")
}

/// A computer: a private folder, and a shell.
struct Computer {
    folder: tempfile::TempDir,
    shell: Vec<&'static str>,
    path: &'static str,
}

impl Computer {
    fn new(shell: &[&'static str]) -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), shell: shell.to_vec(), path: "/usr/bin:/bin" }
    }

    fn start(&self, command: &CommandText) -> Child {
        let mut child = Command::new(self.shell[0])
            .args(&self.shell[1..])
            .env_clear()
            .env("PATH", self.path)
            .env("MUSTER_MAIL", self.folder.path().join("mail"))
            .env("WORK", self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let text = command.text.expose().to_owned();
        let mut input = child.stdin.take().expect("its input");
        std::thread::spawn(move || _ = input.write_all(text.as_bytes()));
        child
    }

    fn run(&self, command: &CommandText) -> String {
        let output = self.start(command).wait_with_output().expect("an end");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }

    fn seal(text: &str, order: &Order) -> Vec<CommandText> {
        seal(&rendered(Platform::Posix, text), order, &SIZES)
    }
}

fn now(nonce: &str, number: u64) -> Order {
    order(nonce, number, (clock() - 100, clock() + 100))
}

fn read(id: &OrderId, texts: &[String]) -> Reading {
    let mut reader = Reader::new(id.clone());
    for text in texts {
        reader.feed(text);
    }
    reader.reading()
}

#[test]
fn a_bundle_comes_back_through_an_envelope() {
    let script = Arc::new(Script {
        interpreter: Interpreter::Sh,
        context: Context::System,
        text: "printf '[muster:ä\\n%s' \"$MUSTER_PARAM_ID\"; echo err >&2; exit 3".into(),
        limit: None,
        origin: "test".into(),
    });
    for shell in shells() {
        let computer = Computer::new(&shell);
        let order = now("n", 5);
        // Output that looks like an answer to this very order.
        let forged = format!("[muster:{}:\nlate:5:end:{}]", order.id, order.id);
        let values =
            Values::from([("id".to_owned(), crate::session::script::Value::Plain(forged.clone().into()))]);
        let bundle = Bundle::new(
            Platform::Posix,
            vec![Step::read("k", Purpose::Collect, Arc::clone(&script), values)],
            BTreeMap::new(),
        );
        let marker = bundle::marker(&bundle, "nonce");
        let sealed = seal(&bundle::render(&bundle, &marker), &order, &SIZES);
        assert_eq!(sealed.len(), 1);
        let said = computer.run(&sealed[0]);
        let Reading::Complete(output) = read(&order.id, &[said]) else { panic!("{shell:?}: no answer") };
        let result = frame::read(&bundle, &marker, &output).expect("a result");
        let step = &result.steps["k"];
        assert_eq!(step.ended, Ended::Exit(3), "{shell:?}");
        assert_eq!(step.stdout, format!("[muster:ä\n{forged}"));
        assert_eq!(step.stderr, "err\n");
    }
}

#[test]
fn a_command_that_comes_again_runs_once_and_says_the_same() {
    for shell in shells() {
        let computer = Computer::new(&shell);
        let order = now("n", 5);
        let sealed = Computer::seal("echo ran >>\"$WORK/ran\"; echo out", &order);
        for _ in 0..3 {
            let said = computer.run(&sealed[0]);
            assert_eq!(
                read(&order.id, &[said.clone()]),
                Reading::Complete(b"out\n".to_vec()),
                "{shell:?} {said}"
            );
        }
        let said = computer.run(&ask(Platform::Posix, &order.id, 1, &SIZES));
        assert_eq!(read(&order.id, &[said]), Reading::Complete(b"out\n".to_vec()));
        assert_eq!(computer.file("ran"), "ran\n", "{shell:?}");
        use std::os::unix::fs::PermissionsExt as _;
        let mode =
            std::fs::metadata(computer.folder.path().join("mail")).expect("a folder").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}

#[test]
fn commands_at_the_same_time_run_once() {
    for shell in shells() {
        let computer = Computer::new(&shell);
        let order = now("n", 5);
        let sealed = Computer::seal("echo ran >>\"$WORK/ran\"; sleep 1; echo out", &order);
        let children: Vec<Child> = (0..8).map(|_| computer.start(&sealed[0])).collect();
        let said: Vec<String> = children
            .into_iter()
            .map(|child| String::from_utf8(child.wait_with_output().expect("an end").stdout).expect("text"))
            .collect();
        let readings: Vec<Reading> = said.iter().map(|said| read(&order.id, &[said.clone()])).collect();
        let complete = |reading: &&Reading| **reading == Reading::Complete(b"out\n".to_vec());
        assert!(readings.iter().filter(complete).count() >= 1, "{shell:?} {said:?}");
        assert!(
            readings.iter().all(|reading| complete(&reading) || *reading == Reading::Running),
            "{readings:?}"
        );
        assert_eq!(computer.file("ran"), "ran\n", "{shell:?}");
    }
}

#[test]
fn parts_come_in_any_order_and_the_last_one_runs() {
    let text =
        format!("echo ran >>\"$WORK/ran\"\necho '{}'\n", noisy_text(150_000).replace(['\'', '\\'], "."));
    let sizes = Sizes { longest: 30_000, answer: 100_000 };
    for shell in shells() {
        let computer = Computer::new(&shell);
        let order = now("n", 5);
        let sealed = seal(&rendered(Platform::Posix, &text), &order, &sizes);
        assert!(sealed.len() > 4);
        let mut reader = Reader::new(order.id.clone());
        for (at, command) in sealed.iter().enumerate().rev() {
            reader.feed(&computer.run(command));
            if at == 2 {
                // A part that comes twice, and one that broke off.
                computer.run(command);
                let half = &command.text.expose()[..command.text.expose().len() / 2];
                computer.run(&CommandText { text: Secret::new(half.to_owned()), platform: Platform::Posix });
                let Reading::Parts { have, .. } = reader.reading() else { panic!("{shell:?}") };
                assert_eq!(have, (3..=sealed.len()).collect());
            }
        }
        while let Reading::Need { line } = reader.reading() {
            assert!(reader.feed(&computer.run(&ask(Platform::Posix, &order.id, line, &sizes))));
        }
        let Reading::Complete(output) = reader.reading() else { panic!("{shell:?} {:?}", reader.reading()) };
        assert_eq!(output.len(), 150_001);
        assert_eq!(computer.file("ran"), "ran\n", "{shell:?}");
    }
}

#[test]
fn a_damaged_part_is_not_taken() {
    for shell in shells() {
        let computer = Computer::new(&shell);
        let order = now("n", 5);
        let sealed = Computer::seal("echo ran >>\"$WORK/ran\"", &order);
        let changed = sealed[0].text.expose().replacen("mu_piece='H4sI", "mu_piece='H4sJ", 1);
        assert_ne!(changed, sealed[0].text.expose());
        let said = computer.run(&CommandText { text: Secret::new(changed), platform: Platform::Posix });
        assert!(
            matches!(read(&order.id, &[said]), Reading::Parts { have, .. } if have.is_empty()),
            "{shell:?}"
        );
        assert_eq!(computer.file("ran"), "");
        computer.run(&sealed[0]);
        assert_eq!(computer.file("ran"), "ran\n");
    }
}

#[test]
fn what_comes_late_early_or_after_a_newer_one_is_refused_for_good() {
    for shell in shells() {
        let computer = Computer::new(&shell);
        let text = "echo ran >>\"$WORK/ran\"";
        for (nonce, window) in
            [("late", (clock() - 100, clock() - 5)), ("early", (clock() + 50, clock() + 100))]
        {
            let order = order(nonce, 5, window);
            let said = computer.run(&Computer::seal(text, &order)[0]);
            let Reading::Late { clock: told } = read(&order.id, &[said]) else { panic!("{shell:?}") };
            assert!((told - clock()).abs() < 5);
            // The computer's clock is put right, and the same command comes again.
            let again = Order { from: clock() - 50, until: clock() + 50, ..order };
            let said = computer.run(&Computer::seal(text, &again)[0]);
            assert!(matches!(read(&again.id, &[said]), Reading::Late { .. }), "{shell:?}");
        }
        computer.run(&Computer::seal("true", &now("newer", 1_790_000_000_007))[0]);
        for number in [5, 1_790_000_000_006, 1_790_000_000_007] {
            let order = now(&number.to_string(), number);
            let said = computer.run(&Computer::seal(text, &order)[0]);
            assert_eq!(
                read(&order.id, &[said]),
                Reading::Superseded { number: 1_790_000_000_007 },
                "{shell:?}"
            );
        }
        assert_eq!(computer.file("ran"), "", "{shell:?}");
        let order = now("newest", 1_790_000_000_008);
        let said = computer.run(&Computer::seal("echo out", &order)[0]);
        assert_eq!(read(&order.id, &[said]), Reading::Complete(b"out\n".to_vec()));
    }
}

#[test]
fn an_order_that_is_not_known_or_under_way_is_told() {
    for shell in shells() {
        let computer = Computer::new(&shell);
        let order = now("n", 5);
        let question = ask(Platform::Posix, &order.id, 1, &SIZES);
        assert!(matches!(read(&order.id, &[computer.run(&question)]), Reading::Unknown { .. }), "{shell:?}");
        let child = computer.start(&Computer::seal("echo >\"$WORK/begun\"; sleep 2; echo out", &order)[0]);
        while computer.file("begun").is_empty() {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(read(&order.id, &[computer.run(&question)]), Reading::Running, "{shell:?}");
        child.wait_with_output().expect("an end");
        assert_eq!(
            read(&order.id, &[computer.run(&question)]),
            Reading::Complete(b"out\n".to_vec()),
            "{shell:?}"
        );
    }
}

#[test]
fn a_command_that_the_system_kills_leaves_its_answer_behind() {
    for shell in shells() {
        let computer = Computer::new(&shell);
        let order = now("n", 5);
        let text = "echo >\"$WORK/begun\"; sleep 1; echo out";
        let mut child = computer.start(&Computer::seal(text, &order)[0]);
        while computer.file("begun").is_empty() {
            std::thread::sleep(Duration::from_millis(20));
        }
        child.kill().expect("it is there");
        child.wait().expect("an end");
        let question = ask(Platform::Posix, &order.id, 1, &SIZES);
        let mut reading = Reading::Running;
        for _ in 0..100 {
            reading = read(&order.id, &[computer.run(&question)]);
            if reading != Reading::Running {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(reading, Reading::Complete(b"out\n".to_vec()), "{shell:?}");
    }
}

#[test]
fn five_megabytes_come_back_in_pieces() {
    let computer = Computer::new(&["/bin/sh"]);
    let order = now("n", 5);
    let source = computer.folder.path().join("large");
    std::fs::write(&source, noise(5_000_000)).expect("a file");
    let mut reader = Reader::new(order.id.clone());
    reader.feed(&computer.run(&Computer::seal("cat \"$WORK/large\"", &order)[0]));
    let mut asked = 0;
    while let Reading::Need { line } = reader.reading() {
        let said = computer.run(&ask(Platform::Posix, &order.id, line, &SIZES));
        assert!(said.len() <= SIZES.answer);
        // Every fifth one is cut.
        let said = if asked % 5 == 0 {
            said[..70_000].to_owned() + "Truncated output at 70000 characters."
        } else {
            said
        };
        assert!(reader.feed(&said));
        asked += 1;
    }
    assert_eq!(reader.reading(), Reading::Complete(noise(5_000_000)));
    assert!((60..100).contains(&asked), "{asked}");
}

#[test]
fn a_computer_with_nothing_but_a_shell_and_few_tools_answers_or_says_what_it_lacks() {
    for shell in [vec!["/bin/bash"], vec!["/bin/dash"]] {
        let mut computer = Computer::new(&shell);
        let tools = computer.folder.path().join("tools");
        std::fs::create_dir(&tools).expect("a folder");
        let tool = |name: &str| {
            std::os::unix::fs::symlink(format!("/usr/bin/{name}"), tools.join(name)).expect("a link");
        };
        for name in [
            "sh", "id", "mkdir", "chmod", "date", "cat", "expr", "tr", "fold", "wc", "mv", "rm", "sed",
            "cksum", "find",
        ] {
            tool(name);
        }
        computer.path = Box::leak(tools.display().to_string().into_boxed_str());
        let run = |nonce: &str, number, packing| {
            let order = Order { packing, ..now(nonce, number) };
            // The computer's own folders come after its path.
            let command = Computer::seal("echo out", &order).remove(0);
            let text = command.text.expose().replace(":/usr/local/sbin:/usr/sbin:/sbin", "");
            let said = computer.run(&CommandText { text: Secret::new(text), platform: Platform::Posix });
            read(&order.id, &[said])
        };
        assert_eq!(run("a", 1, Packing::Gzip), Reading::Cannot { what: "base64".to_owned() }, "{shell:?}");
        tool("base64");
        assert_eq!(run("b", 2, Packing::Gzip), Reading::Cannot { what: "gzip".to_owned() }, "{shell:?}");
        assert_eq!(run("c", 3, Packing::Plain), Reading::Complete(b"out\n".to_vec()), "{shell:?}");
        tool("gzip");
        assert_eq!(run("d", 4, Packing::Gzip), Reading::Complete(b"out\n".to_vec()), "{shell:?}");
    }
}

#[test]
fn without_a_private_folder_nothing_runs() {
    let computer = Computer::new(&["/bin/sh"]);
    std::fs::write(computer.folder.path().join("mail"), "a file").expect("a file");
    let order = now("n", 5);
    let said = computer.run(&Computer::seal("echo ran >>\"$WORK/ran\"", &order)[0]);
    assert_eq!(read(&order.id, &[said]), Reading::Cannot { what: "folder".to_owned() });
    std::fs::remove_file(computer.folder.path().join("mail")).expect("a file");
    let elsewhere = tempfile::tempdir().expect("a folder");
    std::os::unix::fs::symlink(elsewhere.path(), computer.folder.path().join("mail")).expect("a link");
    let said = computer.run(&Computer::seal("echo ran >>\"$WORK/ran\"", &order)[0]);
    assert_eq!(read(&order.id, &[said]), Reading::Cannot { what: "folder".to_owned() });
    assert_eq!(computer.file("ran"), "");
}
