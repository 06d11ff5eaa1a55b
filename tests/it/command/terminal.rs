//! On a real terminal: the question, the bar, and Ctrl-C.

use crate::support::muster::World;
use crate::support::pty::Terminal;

#[test]
fn only_the_typed_word_yes_applies() {
    let world = World::fleet(2, "");
    for answer in ["y\r", "YES\r", "no\r", "\r", "\x04"] {
        let mut terminal = Terminal::start(&world, &["apply"]);
        terminal.wait_for("Type yes to go on:");
        terminal.types(answer);
        let (code, screen) = terminal.end();
        assert_eq!(code, 6, "{answer:?}: {screen}");
        assert!(screen.contains("the word yes was not given"), "{screen}");
        assert!(!screen.contains("passed"), "{screen}");
    }
    let mut terminal = Terminal::start(&world, &["apply"]);
    terminal.wait_for("Type yes to go on:");
    terminal.types("yes\r");
    let (code, screen) = terminal.end();
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("2 passed"), "{screen}");
    world.run(&["plan", "--detailed-exitcode", "--refresh", "always"]).exits(0);
}

/// A runner may give its programs a terminal, at which nobody sits.
#[test]
fn nobody_is_asked_in_ci_whatever_the_terminal() {
    let world = World::fleet(2, "");
    let mut terminal = Terminal::start_with(&world, &["apply"], &[("CI", "1")]);
    terminal.types("yes\r");
    let (code, screen) = terminal.end();
    assert_eq!(code, 6, "{screen}");
    assert!(screen.contains("there is nobody to ask") && !screen.contains("Type yes"), "{screen}");
    assert!(!screen.contains("passed"), "{screen}");
    world.run(&["plan", "--detailed-exitcode", "--refresh", "always"]).exits(2);
}

#[test]
fn an_interrupt_at_the_question_applies_nothing() {
    let world = World::fleet(2, "");
    let mut terminal = Terminal::start(&world, &["apply"]);
    terminal.wait_for("Type yes to go on:");
    terminal.types("\x03");
    let (code, screen) = terminal.end();
    assert_eq!(code, 130, "{screen}");
    assert!(!screen.contains("passed"), "{screen}");
    world.run(&["plan", "--detailed-exitcode", "--refresh", "always"]).exits(2);
}

#[test]
fn a_bar_shows_how_far_it_is() {
    let world = World::fleet(3, "slow: ['*'], delay: 1s");
    let terminal = Terminal::start(&world, &["apply", "--auto-approve", "--concurrency", "1"]);
    let (code, screen) = terminal.end();
    assert_eq!(code, 0, "{screen}");
    let (_, applying) = screen.split_once("3 actions on 3 computers").unwrap();
    assert!(applying.contains("1/3 computers") && applying.contains("2/3 computers"), "{screen}");
    assert!(screen.contains("\x1b[1m") || screen.contains("\x1b[3"), "a terminal gets colour: {screen}");
    assert!(applying.contains("3 succeeded, 0 failed, 0 open"), "{screen}");
}

#[test]
fn files_that_are_fetched_have_a_bar_of_bytes() {
    let world = World::fleet(1, "");
    let body = vec![7; 3_000_000];
    let sha256 = muster::id::Digest::of(&body);
    let web = crate::support::web::Web::start(move |asked| {
        // The second half comes after a pause, in which the bar stands in the middle.
        if asked.before == 0 {
            return crate::support::web::Reply::ranged(&body, asked).cut(1_500_000);
        }
        std::thread::sleep(std::time::Duration::from_secs(1));
        crate::support::web::Reply::ranged(&body, asked)
    });
    let tool = format!(
        "detect: {{ script: {{ posix: {{ inline: tool --version }} }} }}\n  install: {{ posix: {{ inline: install tool }} }}\n  \
         fetch: reconciler\n  releases: [{{ version: '1.0', payloads: [{{ url: '{}/tool.bin', sha256: {sha256} }}] }}]",
        web.url
    );
    world.write("software/tool.yaml", &crate::support::muster::document("Software", "tool", &tool));
    let terminal = Terminal::start(&world, &["apply", "--auto-approve", "--download-only"]);
    let (code, screen) = terminal.end();
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("1.43 MiB/2.86 MiB"), "{screen}");
    assert!(screen.contains("/tool.bin was fetched"), "{screen}");
}

#[test]
fn the_first_ctrl_c_finishes_what_runs_and_begins_nothing_new() {
    let world = World::fleet(6, "slow: ['*'], delay: 1s");
    let mut terminal =
        Terminal::start(&world, &["apply", "--auto-approve", "--concurrency", "2", "-v", "--color", "never"]);
    terminal.wait_for("pc-1  install tool ...");
    terminal.wait_for("pc-2  install tool ...");
    terminal.types("\x03");
    terminal.wait_for("stopping: what runs is finished and recorded");
    let (code, screen) = terminal.end();
    assert_eq!(code, 130, "{screen}");
    assert!(screen.contains("2 passed, 4 not finished"), "{screen}");
    world.faults("");
    let sessions = world.run(&["sessions", "--output", "ndjson"]).exits(0).lines();
    let status: Vec<&str> = sessions.iter().filter_map(|session| session["status"].as_str()).collect();
    assert_eq!(status, ["passed", "passed"], "{screen}");
    let next = world.run(&["apply", "--auto-approve"]).exits(0).shows("4 passed");
    assert!(!next.err.contains("under way"), "{}", next.err);
}

#[test]
fn the_second_ctrl_c_stops_at_once_and_the_next_run_tells_what_was_under_way() {
    let world = World::fleet(3, "");
    world.run(&["plan"]).exits(0);
    world.faults("slow: ['*'], delay: 6s");
    let mut terminal =
        Terminal::start(&world, &["apply", "--auto-approve", "--refresh", "never", "-v", "--color", "never"]);
    for name in ["pc-1", "pc-2", "pc-3"] {
        terminal.wait_for(&format!("{name}  install tool ..."));
    }
    let asked = std::time::Instant::now();
    terminal.types("\x03");
    terminal.wait_for("stopping");
    terminal.types("\x03");
    let (code, screen) = terminal.end();
    assert_eq!(code, 130, "{screen}");
    assert!(asked.elapsed().as_secs() < 5, "at once: {screen}");
    let said = "3 computers: 3 under way when it was stopped; actions: 0 succeeded, 0 failed, 3 open";
    assert!(screen.contains(said), "{screen}");
    world.faults("");
    let next = world.run(&["apply", "--auto-approve"]).exits(0).shows("3 passed");
    assert!(next.err.contains("under way: ") && next.err.contains("tool on pc-"), "{}", next.err);
    let after = world.run(&["apply", "--auto-approve"]).exits(0);
    assert!(!after.err.contains("under way"), "it is told once: {}", after.err);
    let sessions = world.run(&["sessions", "--output", "ndjson"]).exits(0).lines();
    let count = |wanted: &str| sessions.iter().filter(|session| session["status"] == wanted).count();
    assert_eq!((count("interrupted"), count("passed")), (3, 3));
}
