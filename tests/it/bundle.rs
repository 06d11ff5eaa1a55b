//! Bundles run for real, by every shell of the POSIX family that this machine has.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use muster::provider::RunError;
use muster::secret::Secret;
use muster::session::script::{
    Bundle, BundleResult, Context, Ended, Interpreter, Platform, Purpose, Read, Script, Step, StepResult,
    Value, Values, Write,
};
use muster::session::{bundle, frame};

/// The shells to try: each as program and arguments.
fn shells() -> Vec<Vec<&'static str>> {
    [vec!["/bin/sh"], vec!["dash"], vec!["bash"], vec!["busybox", "sh"], vec!["mksh"], vec!["ksh"]]
        .into_iter()
        .filter(|shell| {
            shell[0] == "/bin/sh"
                || std::env::split_paths(&std::env::var_os("PATH").unwrap())
                    .any(|f| f.join(shell[0]).exists())
        })
        .collect()
}

fn script(interpreter: Interpreter, text: &str) -> Arc<Script> {
    Arc::new(Script {
        interpreter,
        context: Context::System,
        text: text.into(),
        limit: None,
        origin: "test".into(),
    })
}

fn step(key: &str, interpreter: Interpreter, text: &str) -> Step<Read> {
    Step::read(key, Purpose::Collect, script(interpreter, text), Values::new())
}

fn sh(key: &str, text: &str) -> Step<Read> {
    step(key, Interpreter::Sh, text)
}

fn of<A>(steps: Vec<Step<A>>) -> Bundle<A> {
    Bundle::new(Platform::Posix, steps, BTreeMap::new())
}

/// What a shell prints when it is fed `text`, in an environment of its own if one is given.
fn feed(shell: &[&str], text: &[u8], path: Option<&str>) -> Vec<u8> {
    let mut command = Command::new(shell[0]);
    command.args(&shell[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    if let Some(path) = path {
        command.env_clear().env("PATH", path);
    }
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let text = text.to_vec();
    let writer = std::thread::spawn(move || _ = input.write_all(&text));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output.stdout
}

fn run_in<A>(shell: &[&str], bundle: &Bundle<A>, path: Option<&str>) -> Result<BundleResult, RunError> {
    let marker = bundle::marker(bundle, "a nonce");
    let rendered = bundle::render(bundle, &marker);
    let output = feed(shell, rendered.text.expose().as_bytes(), path);
    frame::read(bundle, &marker, &output)
}

fn run<A>(shell: &[&str], bundle: &Bundle<A>) -> BundleResult {
    run_in(shell, bundle, None).unwrap()
}

/// The step has run to its end and printed this.
#[track_caller]
fn printed(result: &BundleResult, key: &str, stdout: &str) {
    let step = &result.steps[key];
    assert_eq!((&step.ended, step.stdout.as_str()), (&Ended::Exit(0), stdout), "{key}: {step:?}");
}

#[test]
fn steps_run_in_order_with_results_of_their_own() {
    for shell in shells() {
        let before = jiff_now();
        let result = run(
            &shell,
            &of(vec![
                sh("one", "echo out; echo err >&2"),
                sh("two", "printf 'no line feed'; exit 255"),
                step("three", Interpreter::Bash, "[[ a == a ]] && echo $'b\\x61sh'; cat"),
                step("four", Interpreter::Python, "import sys; print('py'); sys.exit(3)"),
                step("five", Interpreter::Powershell, "1"),
                step("six", Interpreter::Cmd, "ver"),
                sh("seven", "sleep 0.3"),
            ]),
        );
        let ended: Vec<_> =
            ["one", "two", "three", "four"].map(|key| result.steps[key].ended.clone()).into_iter().collect();
        assert_eq!(ended, [0, 255, 0, 3].map(Ended::Exit), "{shell:?}");
        assert_eq!(result.steps["one"].stdout, "out\n", "{shell:?}");
        assert_eq!(result.steps["one"].stderr, "err\n");
        assert_eq!(result.steps["two"].stdout, "no line feed");
        assert_eq!(result.steps["three"].stdout, "bash\n");
        assert_eq!(result.steps["four"].stdout, "py\n");
        assert_eq!(result.steps["six"].ended, Ended::NotStarted("cmd.exe is not installed".to_owned()));
        let duration = result.steps["seven"].duration;
        assert!((250..5000).contains(&duration.as_millis()), "{shell:?} {duration:?}");
        let skew = result.clock.unwrap().as_second() - before;
        assert!((-1..60).contains(&skew), "{shell:?} {skew}");
    }
}

fn jiff_now() -> i64 {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap();
    i64::try_from(now.as_secs()).unwrap()
}

#[test]
fn a_missing_interpreter_is_not_a_failure_of_the_script() {
    let folder = tools_without(&["bash", "python3", "python"]);
    let path = folder.path().to_str().unwrap();
    let result = run_in(
        &["/bin/sh"],
        &of(vec![
            step("bash", Interpreter::Bash, "echo"),
            step("python", Interpreter::Python, "print()"),
            sh("sh", "echo here"),
        ]),
        Some(path),
    )
    .unwrap();
    assert_eq!(result.steps["bash"].ended, Ended::NotStarted("bash is not installed".to_owned()));
    assert_eq!(result.steps["python"].ended, Ended::NotStarted("python3 is not installed".to_owned()));
    printed(&result, "sh", "here\n");
}

/// A folder with links to the tools of this machine, except some.
fn tools_without(missing: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for source in ["/bin", "/usr/bin"] {
        for entry in std::fs::read_dir(source).unwrap() {
            let entry = entry.unwrap();
            if !missing.contains(&entry.file_name().to_str().unwrap_or_default()) {
                _ = std::os::unix::fs::symlink(entry.path(), folder.path().join(entry.file_name()));
            }
        }
    }
    folder
}

#[test]
fn hostile_steps_harm_no_other_step() {
    for missing in [&[][..], &["timeout"], &["timeout", "setsid"], &["timeout", "setsid", "perl"]] {
        let folder = tools_without(missing);
        let path = folder.path().to_str().unwrap();
        std::thread::scope(|scope| {
            for shell in shells() {
                scope.spawn(move || hostile(&shell, missing, path));
            }
        });
    }
}

fn hostile(shell: &[&str], missing: &[&str], path: &str) {
    let steps = vec![
        sh("before", "echo before"),
        sh("group", "kill 0; sleep 5"),
        sh("group, hard", "kill -9 0; sleep 5"),
        sh("parent", "kill -9 $PPID; exit 4"),
        sh("reads", "cat; read -r line; echo \"[$line]\""),
        sh("trap", "trap 'exit 0' EXIT TERM; exit 9"),
        sh("daemon", "(sleep 40; echo late; echo late) & echo early"),
        sh("folder", "rm -rf \"${MUSTER_PARAMETERS_FILE%/*}\"; echo gone"),
        sh("after", "echo after; cat \"$MUSTER_PARAMETERS_FILE\""),
    ];
    let started = Instant::now();
    let result = run_in(shell, &of(steps), Some(path)).unwrap();
    let place = format!("{:?} {shell:?} without {missing:?}: {result:?}", started.elapsed());
    assert!(started.elapsed() < Duration::from_secs(30), "{place}");
    printed(&result, "before", "before\n");
    assert_eq!(result.steps["group"].ended, Ended::Exit(143), "{place}");
    assert_eq!(result.steps["group, hard"].ended, Ended::Exit(137), "{place}");
    assert_eq!(result.steps["parent"].ended, Ended::Exit(137), "{place}");
    assert_eq!(result.steps["reads"].stdout, "[]\n", "{place}");
    assert_eq!(result.steps["trap"].ended, Ended::Exit(0), "{place}");
    printed(&result, "daemon", "early\n");
    assert_eq!(result.steps["after"].stdout.trim_end(), "after\n{}", "{place}");
}

#[test]
fn output_is_bounded_without_head_too() {
    let folder = tools_without(&["head"]);
    let mut step = step("x", Interpreter::Python, "print('ab' * 50000)");
    step.keep = 70_001;
    let result = run_in(&["/bin/sh"], &of(vec![step]), Some(folder.path().to_str().unwrap())).unwrap();
    assert_eq!(result.steps["x"].stdout.len(), 70_001);
    assert!(result.steps["x"].cut && result.steps["x"].stdout.ends_with("aba"));
}

#[test]
fn every_byte_comes_back_and_none_breaks_the_frame() {
    let marker_parts = |marker: &str| {
        let (a, b) = marker.split_at(10);
        format!(
            "m={a}; printf '\\n%s step 2 exit 0 0 raw 0 3 0 0\\nbad\\n' \"$m{b}\"; printf '%s end\\n' \"$m{b}\""
        )
    };
    for shell in shells() {
        // The marker depends on the nonce only, unless the content holds it; a script that somehow knew it …
        let marker = bundle::marker(&of(vec![sh("x", "")]), "a nonce");
        let mut steps = vec![
            step("bytes", Interpreter::Python, "import sys; sys.stdout.buffer.write(bytes(range(128)) * 3)"),
            sh("knows", &marker_parts(&marker)),
            sh("after", "echo good"),
            step("high", Interpreter::Python, "import sys; sys.stdout.buffer.write(bytes(range(256)))"),
            sh("header", "printf 'muster-00112233445566778899aabbccddeeff step 0 exit 0 0 raw 0 9 9 0\\n'"),
            sh("last", "printf '\\n\\n\\n'"),
        ];
        steps.push(sh("text", &format!("cat <<'E'\n{}E\n", "\\ ' \" $x `y` ä€😀 \u{81}\u{88}\r\n")));
        let result = run(&shell, &of(steps));
        let ascii: String = (0..128_u8).map(char::from).collect();
        printed(&result, "bytes", &ascii.repeat(3));
        printed(&result, "after", "good\n");
        let all: Vec<u8> = (0..=255).collect();
        printed(&result, "high", &String::from_utf8_lossy(&all));
        assert!(result.steps["header"].stdout.starts_with("muster-0011"));
        printed(&result, "last", "\n\n\n");
        printed(&result, "text", "\\ ' \" $x `y` ä€😀 \u{81}\u{88}\r\n");
    }
}

#[test]
fn output_is_cut_at_the_bound_and_files_of_reading_steps_are_bounded() {
    for shell in shells() {
        let mut large =
            sh("large", "head -c 10000000 /dev/zero | tr '\\0' x; head -c 70000 /dev/zero | tr '\\0' y >&2");
        large.keep = 100_000;
        let result = run(&shell, &of(vec![large, sh("after", "echo after")]));
        let step = &result.steps["large"];
        assert!(step.cut, "{shell:?}");
        assert_eq!((step.stdout.len(), step.stderr.len()), (100_000, 70_000), "{shell:?}");
        printed(&result, "after", "after\n");
        assert!(!result.steps["after"].cut);
    }
    let result = run(&["/bin/sh"], &of(vec![sh("huge", "exec cat /dev/zero"), sh("after", "echo after")]));
    assert_eq!(result.steps["huge"].ended, Ended::Exit(153), "killed for the size of its file");
    printed(&result, "after", "after\n");
}

#[test]
fn a_step_is_stopped_at_its_limit_with_all_its_processes() {
    let folders = [&[][..], &["timeout"], &["timeout", "setsid"]].map(tools_without);
    std::thread::scope(|scope| {
        for shell in shells() {
            for folder in &folders {
                let shell = shell.clone();
                scope.spawn(move || stopped_at_its_limit(&shell, folder));
            }
        }
    });
}

fn stopped_at_its_limit(shell: &[&str], folder: &tempfile::TempDir) {
    let alive = tempfile::tempdir().unwrap();
    let seen = alive.path().join("alive");
    let away = alive.path().join("away");
    // One that leaves the process group and does not want to end, and one of its own in another group again.
    let leaves = format!(
        "if command -v setsid >/dev/null; then setsid sh -c 'trap \"\" TERM; setsid sleep 40 & sleep 10; : >\"$0\"' '{}' & fi",
        away.display()
    );
    let stubborn =
        format!("{leaves}\ntrap '' TERM; (sleep 6; : >'{}') & sleep 30 & wait; wait; wait", seen.display());
    let mut steps = vec![
        sh("stubborn", &stubborn),
        sh("slow", "echo begun; sleep 30; echo never"),
        sh("after", "echo after"),
        sh("own 124", "exit 124"),
        sh("own 137", "exit 137"),
    ];
    steps[0].limit = Duration::from_secs(1);
    steps[1].limit = Duration::from_millis(900);
    let started = Instant::now();
    let result = run_in(shell, &of(steps), Some(folder.path().to_str().unwrap())).unwrap();
    let place = format!("{:?} {shell:?} in {folder:?}: {result:?}", started.elapsed());
    assert_eq!(result.steps["slow"].ended, Ended::TimedOut, "{place}");
    assert_eq!(result.steps["slow"].stdout, "begun\n", "{place}");
    assert_eq!(result.steps["stubborn"].ended, Ended::TimedOut, "{place}");
    assert!(result.steps["stubborn"].duration < Duration::from_secs(5), "{place}");
    printed(&result, "after", "after\n");
    assert_eq!(result.steps["own 124"].ended, Ended::Exit(124), "{place}");
    assert_eq!(result.steps["own 137"].ended, Ended::Exit(137), "{place}");
    std::thread::sleep(Duration::from_secs(7).saturating_sub(started.elapsed()));
    assert!(!seen.exists(), "a process outlived the limit: {place}");
    std::thread::sleep(Duration::from_secs(12).saturating_sub(started.elapsed()));
    assert!(!away.exists(), "a process that left the group outlived the limit: {place}");
}

const NASTY: &[&str] = &[
    "$(reboot)\"; rm -rf /",
    "`reboot`",
    "'; echo injected; '",
    "'\\''",
    "a\nb\n\nMU_END\nE\n",
    "\r\n\t\u{1b}[31m",
    "ä€😀 \u{81}\u{88}\u{7f}",
    "",
    " leading and trailing ",
    "%s%n\\n\\0",
    "-n",
    "${IFS}!history!",
];

#[test]
fn values_arrive_as_they_are_as_json_and_as_variables() {
    let program = "import json, os, sys
data = json.load(open(os.environ['MUSTER_PARAMETERS_FILE'], encoding='utf-8'))
mode = oct(os.stat(os.environ['MUSTER_PARAMETERS_FILE']).st_mode & 0o777)
env = {k: v for k, v in os.environ.items() if k.startswith('MUSTER_') and not k.endswith('_FILE')}
json.dump([data, env, mode], sys.stdout)";
    for shell in shells() {
        let mut values = Values::new();
        for (index, text) in NASTY.iter().enumerate() {
            values.insert(format!("nasty{index}"), Value::Plain((*text).into()));
            values.insert(format!("secret {index}"), Value::Secret(Secret::new((*text).to_owned())));
        }
        values.insert("installDir".into(), Value::Plain("/opt".into()));
        values.insert("install-dir".into(), Value::Plain(true.into()));
        values.insert("list".into(), Value::Plain(serde_json::json!([1, "a'b", null])));
        values.insert("long".into(), Value::Plain("x".repeat(300_000).into()));
        let step = Step::read("all", Purpose::Collect, script(Interpreter::Python, program), values.clone());
        let mut bundle =
            of(vec![step, sh("none", "env | grep MUSTER_PARAM_; cat \"$MUSTER_PARAMETERS_FILE\"")]);
        bundle.steps[0].keep = 1_000_000;
        bundle.environment.insert("MUSTER_TENANT".into(), "it's `here`".into());
        let result = run(&shell, &bundle);
        let step = &result.steps["all"];
        assert_eq!(step.ended, Ended::Exit(0), "{shell:?}: {}", step.stderr);
        let (data, env, mode): (BTreeMap<String, serde_json::Value>, BTreeMap<String, String>, String) =
            serde_json::from_str(&step.stdout).unwrap();
        assert_eq!(mode, "0o600");
        for (index, text) in NASTY.iter().enumerate() {
            assert_eq!(data[&format!("nasty{index}")], *text, "{shell:?}");
            assert_eq!(data[&format!("secret {index}")], *text);
            assert_eq!(env[&format!("MUSTER_PARAM_NASTY{index}")], *text);
            assert_eq!(env[&format!("MUSTER_PARAM_SECRET_{index}")], *text);
        }
        assert_eq!(env["MUSTER_PARAM_INSTALL_DIR"], "true");
        assert_eq!(env["MUSTER_PARAM_INSTALL_DIR_2"], "/opt");
        assert_eq!(env["MUSTER_PARAM_LIST"], "[1,\"a'b\",null]");
        assert_eq!(env["MUSTER_TENANT"], "it's `here`");
        assert!(!env.contains_key("MUSTER_PARAM_LONG"));
        assert_eq!(data["long"].as_str().unwrap().len(), 300_000);
        assert_eq!(result.steps["none"].stdout.trim_end(), "{}", "values of one step do not reach the next");
    }
}

#[test]
fn a_secret_is_in_no_process_arguments_and_no_file_stays_behind() {
    let look = "for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$f; echo; done 2>/dev/null
        printf '%s' \"$MUSTER_PARAM_TOKEN\" | wc -c
        echo \"${MUSTER_PARAMETERS_FILE%/*}\"";
    for shell in shells() {
        let secret = "canary".to_owned() + "-of-this-test";
        let values = Values::from([("token".to_owned(), Value::Secret(Secret::new(secret.clone())))]);
        let mut step = Step::read("look", Purpose::Collect, script(Interpreter::Sh, look), values);
        step.keep = 4_000_000;
        let result = run(&shell, &of(vec![step]));
        let stdout = &result.steps["look"].stdout;
        assert!(
            stdout.contains("MUSTER_PARAM") || stdout.lines().count() > 3,
            "{shell:?}: looked at processes"
        );
        assert!(!stdout.contains(&secret), "{shell:?}: visible in a process's arguments");
        let mut last = stdout.lines().rev();
        let folder = last.next().unwrap();
        assert_eq!(last.next().unwrap().trim(), secret.len().to_string());
        assert!(folder.contains("muster"), "{folder}");
        assert!(!std::path::Path::new(folder).exists(), "{shell:?}: {folder} is still there");
    }
}

#[test]
fn a_transfer_that_breaks_off_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("ran");
    let bundle = of(vec![
        sh("a", &format!(": >'{}'", seen.display())),
        Step::read(
            "b",
            Purpose::Collect,
            script(Interpreter::Sh, "echo '}'\n}\nexit"),
            Values::from([("x".to_owned(), Value::Plain("'}\n".into()))]),
        ),
    ]);
    let marker = bundle::marker(&bundle, "n");
    let text = bundle::render(&bundle, &marker).text.expose().as_bytes().to_vec();
    for shell in shells() {
        for end in (0..text.len() - 3).step_by(131).chain(text.len() - 40..text.len() - 2) {
            let mut command = Command::new(shell[0]);
            command.args(&shell[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
            let mut child = command.spawn().unwrap();
            _ = child.stdin.take().unwrap().write_all(&text[..end]);
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.stdout, b"", "{shell:?} at {end}");
            assert!(!seen.exists(), "{shell:?} at {end} of {}", text.len());
        }
        feed(&shell, &text, None);
        assert!(seen.exists(), "{shell:?}: the whole text runs");
        std::fs::remove_file(&seen).unwrap();
    }
}

#[test]
fn after_a_failure_only_steps_that_look_go_on_when_asked() {
    for shell in shells() {
        let set = |key: &str, text: &str| -> Step<Write> {
            let purpose = Purpose::SetTask { task: key.to_owned(), instance: String::new() };
            Step::change(key, purpose, script(Interpreter::Sh, text), Values::new())
        };
        let mut bundle = of(vec![
            set("a", "echo a"),
            set("b", "exit 7"),
            sh("look", "echo look").in_change(),
            set("c", "echo c"),
        ]);
        let result = run(&shell, &bundle);
        printed(&result, "c", "c\n");
        bundle.stop_on_failure = true;
        let result = run(&shell, &bundle);
        printed(&result, "a", "a\n");
        assert_eq!(result.steps["b"].ended, Ended::Exit(7));
        printed(&result, "look", "look\n");
        assert_eq!(result.steps["c"].ended, Ended::Skipped, "{shell:?}");
    }
}

#[test]
fn a_step_of_the_signed_in_user_runs_as_that_user_or_is_deferred() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tools_without(&["who", "loginctl"]);
    let path = folder.path().to_str().unwrap().to_owned();
    let who = folder.path().join("who");
    let say = |text: &str| {
        std::fs::write(&who, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&who, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    let mut user = Script::clone(&script(
        Interpreter::Sh,
        "id -un; echo \"$MUSTER_PARAM_X $HOME\"; cat \"$MUSTER_PARAMETERS_FILE\"",
    ));
    user.context = Context::User;
    let values = Values::from([("x".to_owned(), Value::Plain("a b".into()))]);
    let bundle =
        of(vec![Step::read("user", Purpose::Collect, Arc::new(user), values), sh("system", "echo here")]);
    for shell in shells() {
        say("");
        let result = run_in(&shell, &bundle, Some(&path)).unwrap();
        assert_eq!(result.steps["user"].ended, Ended::NoUser, "{shell:?}");
        printed(&result, "system", "here\n");

        say("echo 'x;reboot tty1'");
        let result = run_in(&shell, &bundle, Some(&path)).unwrap();
        assert!(matches!(result.steps["user"].ended, Ended::NotStarted(_)), "{shell:?}");

        say("echo 'nobody   tty1   2026-01-01 10:00'");
        let result = run_in(&shell, &bundle, Some(&path)).unwrap();
        let step = &result.steps["user"];
        if nix_is_root() {
            assert_eq!(step.ended, Ended::Exit(0), "{shell:?}: {step:?}");
            assert_eq!(step.stdout.lines().next(), Some("nobody"));
            assert!(step.stdout.contains("\na b /"), "{}", step.stdout);
            assert!(step.stdout.trim_end().ends_with("{\"x\":\"a b\"}"), "{}", step.stdout);
        } else {
            assert!(matches!(step.ended, Ended::NotStarted(_)), "{step:?}");
        }
    }
}

fn nix_is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout == b"0\n"
}

#[test]
fn a_bundle_that_is_ended_from_outside_ends_its_step_and_leaves_no_files() {
    use std::io::{BufRead as _, BufReader};
    let folder = tempfile::tempdir().unwrap();
    for (index, shell) in shells().into_iter().enumerate() {
        let told = folder.path().join(index.to_string());
        let bundle = of(vec![sh(
            "long",
            &format!(
                "printf '%s %s ' $$ \"${{MUSTER_PARAMETERS_FILE%/*}}\" >'{}'; sleep 60; :",
                told.display()
            ),
        )]);
        let text = bundle::render(&bundle, &bundle::marker(&bundle, "n")).text;
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.expose().as_bytes()).unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        while !line.contains("begin") {
            assert!(output.read_line(&mut line).unwrap() > 0, "{shell:?}");
        }
        let wait = |ready: &dyn Fn() -> bool| {
            let started = Instant::now();
            while !ready() && started.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_millis(20));
            }
            ready()
        };
        let read = || std::fs::read_to_string(&told).unwrap_or_default();
        assert!(wait(&|| read().ends_with(' ')), "{shell:?}");
        let text = read();
        let mut words = text.split(' ');
        let (process, files) = (words.next().unwrap(), std::path::Path::new(words.next().unwrap()));
        assert!(files.exists());
        Command::new("kill").arg(child.id().to_string()).status().unwrap();
        child.wait().unwrap();
        assert!(wait(&|| !files.exists()), "{shell:?}");
        let gone = || {
            let state = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
            state.is_empty() || state.contains(") Z ")
        };
        assert!(wait(&gone), "{shell:?}: the step is still there");
    }
}

#[test]
fn ten_small_steps_are_quick() {
    let steps = (0..10).map(|i| sh(&i.to_string(), "echo x")).collect();
    let bundle = of(steps);
    run(&["/bin/sh"], &bundle);
    let started = Instant::now();
    run(&["/bin/sh"], &bundle);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

#[test]
fn unused_results_are_lost_not_invented() {
    let bundle = of(vec![sh("a", "echo")]);
    let marker = bundle::marker(&bundle, "n");
    let result = frame::read(&bundle, &marker, format!("{marker} begin 5\n").as_bytes()).unwrap();
    assert_eq!(
        result.steps["a"],
        StepResult {
            ended: Ended::Lost,
            stdout: String::new(),
            stderr: String::new(),
            cut: false,
            duration: Duration::ZERO
        }
    );
}

#[test]
fn a_file_is_written_beside_the_script_whatever_it_holds_and_gone_afterwards() {
    for shell in shells() {
        let everything: Vec<u8> = (0..=255).chain(*b"\n'\0").collect();
        let long = vec![b'x'; 300_000];
        let file =
            |name: &str, content: &[u8]| Value::File { name: name.to_owned(), content: content.into() };
        let values = Values::from([
            ("all".to_owned(), file("it's a name.bin", &everything)),
            ("empty".to_owned(), file("empty", b"")),
            ("long".to_owned(), file("long.txt", &long)),
        ]);
        let text = r#"
            od -An -v -tx1 "$MUSTER_PARAM_ALL" | tr -d ' \n'; echo
            wc -c <"$MUSTER_PARAM_EMPTY" | tr -d ' '; wc -c <"$MUSTER_PARAM_LONG" | tr -d ' '
            echo "${MUSTER_PARAM_ALL##*/}"; tr -d "\n" <"$MUSTER_PARAMETERS_FILE"
            ls -l "$MUSTER_PARAM_ALL" | cut -c 1-10"#;
        let mut steps = vec![Step::read("files", Purpose::Collect, script(Interpreter::Sh, text), values)];
        steps.push(sh("after", r#"cd "${MUSTER_PARAMETERS_FILE%/*}" && ls | grep -c -- -0-"#));
        let result = run(&shell, &of(steps));
        let hex = everything.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        let json = r#"{"all":"0-0-it_s_a_name.bin","empty":"0-1-empty","long":"0-2-long.txt"}"#;
        let wanted = format!("{hex}\n0\n300000\n0-0-it_s_a_name.bin\n{json}-rw-------\n");
        printed(&result, "files", &wanted);
        assert_eq!(result.steps["after"].stdout, "0\n", "{shell:?}: left behind");
    }
}
