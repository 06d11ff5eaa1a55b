//! Bundles over a system that loses, delays, cuts, repeats and reorders, to a computer whose clock may be wrong.

use super::*;
use crate::id::Name;
use crate::secret::Secret;
use crate::session::envelope::{Mailbox, Received};
use crate::session::script::{
    Context, Ended, Interpreter, Platform, Purpose, Read, Script, Step, StepResult, Value, Values,
};
use crate::time::Timestamp;

/// 2026-01-01, in milliseconds.
const BASE: i64 = 1_767_225_600_000;

fn elapsed(start: tokio::time::Instant) -> i64 {
    i64::try_from(start.elapsed().as_millis()).expect("a short test")
}

#[derive(Debug)]
struct Paused(tokio::time::Instant);

impl Clock for Paused {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(BASE + elapsed(self.0)).expect("a time")
    }
}

/// What goes wrong, in percent, and by how much.
#[derive(Debug, Clone, Default)]
struct Faults {
    lost: u64,
    twice: u64,
    cut: u64,
    /// The longest delay of a command, and of an output (ms).
    delay: u64,
    /// Posting fails, and nobody knows whether it did.
    doubtful: u64,
    look_fails: u64,
    /// How far the computer's clock is ahead (s).
    ahead: i64,
    offline: bool,
    length: usize,
}

struct State {
    random: u64,
    commands: Vec<(i64, String)>,
    outputs: Vec<(i64, String)>,
    running: Vec<(i64, OrderId, String)>,
    mailbox: Mailbox,
    ran: u32,
}

struct System {
    faults: Faults,
    start: tokio::time::Instant,
    state: Mutex<State>,
}

impl State {
    fn random(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 20) % below.max(1)
    }

    fn hits(&mut self, percent: u64) -> bool {
        self.random(100) < percent
    }

    fn send(&mut self, faults: &Faults, now: i64, text: &str, is_output: bool) {
        for _ in 0..=u32::from(self.hits(faults.twice)) {
            if self.hits(faults.lost) {
                continue;
            }
            let mut text = text.to_owned();
            if self.hits(faults.cut) {
                let end = usize::try_from(self.random(text.len() as u64)).expect("a length");
                text.truncate(end);
                text.push_str("\nTruncated output at 5000 characters.");
            }
            let at = now + i64::try_from(self.random(faults.delay) + 1).expect("a delay");
            if is_output { self.outputs.push((at, text)) } else { self.commands.push((at, text)) }
        }
    }

    /// Everything that happens until now, in order.
    fn pass(&mut self, faults: &Faults, now: i64) {
        loop {
            let command = self.commands.iter().map(|(at, _)| *at).min();
            let end = self.running.iter().map(|(at, _, _)| *at).min();
            let Some(at) = command.into_iter().chain(end).min().filter(|at| *at <= now) else { return };
            let clock = (BASE + at) / 1000 + faults.ahead;
            if Some(at) == end {
                let place = self.running.iter().position(|(end, _, _)| *end == at).expect("it is there");
                let (_, id, text) = self.running.remove(place);
                let said = self.mailbox.finish(&id, clock, answer(&text, faults.length));
                self.send(faults, at, &said, true);
            } else {
                let place = self.commands.iter().position(|(there, _)| *there == at).expect("it is there");
                let (_, text) = self.commands.remove(place);
                match self.mailbox.receive(&text, clock) {
                    Some(Received::Says(said)) => self.send(faults, at, &format!("$ {text}\n{said}"), true),
                    Some(Received::Runs { id, text }) => {
                        self.ran += 1;
                        let length = 1 + i64::try_from(self.random(40_000)).expect("a length");
                        self.running.push((at + length, id, text));
                    }
                    None => {}
                }
            }
        }
    }
}

impl Queue for System {
    fn post<'a>(
        &'a self,
        _: &'a AgentId,
        command: &'a CommandText,
        _: Duration,
    ) -> BoxFuture<'a, Result<(), NotPosted>> {
        let mut state = self.state.lock().expect("no panic");
        let now = elapsed(self.start);
        let is_doubtful = state.hits(self.faults.doubtful);
        if !is_doubtful || state.hits(50) {
            state.send(&self.faults, now, command.text.expose(), false);
        }
        let error = RunError::Lost("reset".to_owned());
        Box::pin(async move { if is_doubtful { Err(NotPosted { error, is_maybe: true }) } else { Ok(()) } })
    }

    fn look<'a>(&'a self, _: &'a AgentId) -> BoxFuture<'a, Result<Looked, NotPosted>> {
        let mut state = self.state.lock().expect("no panic");
        let now = elapsed(self.start);
        state.pass(&self.faults, now);
        let fails = now > 0 && state.hits(self.faults.look_fails);
        let outputs = state.outputs.iter().enumerate().filter(|(_, (at, _))| *at <= now);
        let outputs = outputs.map(|(at, (_, text))| (at.to_string(), text.clone())).collect();
        let looked = Looked { is_online: Some(!self.faults.offline), outputs };
        let error = RunError::Lost("no answer".to_owned());
        Box::pin(async move { if fails { Err(NotPosted { error, is_maybe: true }) } else { Ok(looked) } })
    }
}

/// What the computer prints for a bundle's text.
fn answer(text: &str, length: usize) -> Vec<u8> {
    let at = text.find("mu_m='muster-").expect("a marker") + 6;
    frame::write(&bundle(false), &text[at..at + 39], &expected(length))
}

fn expected(length: usize) -> BundleResult {
    let mut state: u64 = 77;
    let letter = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b' ' + u8::try_from((state >> 40) % 90).expect("a letter"))
    };
    let result = StepResult {
        ended: Ended::Exit(3),
        stdout: (0..length).map(letter).collect(),
        stderr: String::new(),
        cut: false,
        duration: Duration::from_millis(5),
    };
    BundleResult {
        steps: BTreeMap::from([("one".to_owned(), result)]),
        clock: Timestamp::from_second(5).ok(),
    }
}

fn bundle(has_secret: bool) -> Bundle<Read> {
    let script = Script {
        interpreter: Interpreter::Sh,
        context: Context::System,
        text: "echo".into(),
        limit: None,
        origin: "test".into(),
    };
    let secret = Value::Secret(Secret::new("canary".to_owned()));
    let values = if has_secret { Values::from([("token".to_owned(), secret)]) } else { Values::new() };
    let step = Step::read("one", Purpose::Collect, Arc::new(script), values);
    Bundle::new(Platform::Posix, vec![step], BTreeMap::new())
}

fn desk(start: tokio::time::Instant, secrets: bool) -> Desk {
    let settings = Settings {
        name: Name::new("control").expect("a name"),
        // Some bundles need parts, and most answers pieces.
        sizes: Sizes { longest: 12_000, answer: 5_000 },
        pickup: Duration::from_mins(2),
        pace: Duration::from_secs(1),
        secrets,
    };
    Desk::new(settings, Arc::new(Paused(start)))
}

fn system(seed: u64, faults: Faults) -> System {
    let state = State {
        random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        commands: Vec::new(),
        outputs: Vec::new(),
        running: Vec::new(),
        mailbox: Mailbox::default(),
        ran: 0,
    };
    System { faults, start: tokio::time::Instant::now(), state: Mutex::new(state) }
}

async fn run(
    seed: u64,
    faults: Faults,
    has_secret: bool,
) -> (Result<BundleResult, RunError>, u32, CommandCount) {
    let system = system(seed, faults);
    let desk = desk(system.start, false);
    let result = desk.detect(&system, &AgentId::new("a"), &bundle(has_secret)).await;
    let mut state = system.state.lock().expect("no panic");
    // Whatever is still on its way arrives in the end.
    state.pass(&system.faults, i64::MAX / 2000);
    (result, state.ran, desk.count())
}

#[tokio::test(start_paused = true)]
async fn over_a_system_without_faults_a_bundle_is_one_command() {
    let (result, ran, count) = run(1, Faults { length: 100, ..Faults::default() }, false).await;
    assert_eq!(result, Ok(expected(100)));
    assert_eq!((ran, count.computers), (1, 1));
    // Its text is longer than one command of this system may be.
    let alone = desk(tokio::time::Instant::now(), false);
    let marker = text::marker(&bundle(false), "n");
    let sender = Sender::new(
        text::render(&bundle(false), &marker),
        alone.way(&AgentId::new("a"), Duration::ZERO),
        fresh(),
        1,
        BASE,
    );
    let Next::Post(commands) = { sender }.next(BASE, &fresh()) else { panic!("nothing to post") };
    assert_eq!(count.commands, commands.len() as u64);
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_a_bundle_runs_once_and_its_result_is_right_or_missing() {
    let mut counts = BTreeMap::<&str, u32>::new();
    for seed in 1..=400_u64 {
        let random = |of: u64, below: u64| seed.wrapping_mul(of).wrapping_mul(0x9e37_79b9) / 7 % below;
        let worst = [0, 10, 30][usize::try_from(seed % 3).expect("small")];
        let faults = Faults {
            lost: random(3, worst + 1),
            twice: random(5, worst + 1),
            cut: random(7, worst + 1),
            delay: [500, 20_000, 150_000][usize::try_from(random(11, 3)).expect("small")],
            doubtful: random(13, worst + 1),
            look_fails: random(17, worst + 1),
            ahead: [0, 0, 86_400, -86_400, 400][usize::try_from(random(19, 5)).expect("small")],
            offline: false,
            length: [0, 3_000, 40_000][usize::try_from(random(23, 3)).expect("small")],
        };
        let length = faults.length;
        let (result, ran, _) = run(seed, faults.clone(), false).await;
        assert!(ran <= 1, "{seed} {faults:?}: ran {ran} times");
        let what = match result {
            Ok(result) => {
                assert_eq!(result, expected(length), "{seed} {faults:?}");
                assert_eq!(ran, 1);
                "answered"
            }
            Err(error) if error.nothing_ran() => {
                assert_eq!(ran, 0, "{seed} {faults:?}: {error}");
                "nothing ran"
            }
            Err(RunError::TimedOut(_)) => "timed out",
            Err(RunError::Lost(_)) => "lost",
            Err(error) => panic!("{seed} {faults:?}: {error}"),
        };
        *counts.entry(what).or_default() += 1;
    }
    println!("{counts:?}");
    assert!(counts["answered"] > 250, "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_costs_one_more_command_and_only_once() {
    let system = system(1, Faults { ahead: 86_400, length: 100, ..Faults::default() });
    let desk = desk(system.start, false);
    let agent = AgentId::new("a");
    let mut before = 0;
    for more in [true, false, false] {
        assert_eq!(desk.detect(&system, &agent, &bundle(false)).await, Ok(expected(100)));
        let count = desk.count().commands;
        let own = count - before;
        before = count;
        let usual = 2;
        assert_eq!(own > usual, more, "{own}");
    }
    assert_eq!(system.state.lock().expect("no panic").ran, 3);
}

#[tokio::test(start_paused = true)]
async fn a_computer_that_is_asked_through_all_of_its_agents_at_once_answers_through_each() {
    for seed in 1..=60 {
        // What is sent first often comes last, and is refused.
        let system = system(seed, Faults { delay: 20_000, length: 100, ..Faults::default() });
        let desks = [(); 3].map(|()| desk(system.start, false));
        let system = &system;
        let asks = desks.each_ref().map(|desk| async move {
            let (agent, bundle) = (AgentId::new("a"), bundle(false));
            desk.detect(system, &agent, &bundle).await
        });
        for answer in futures_util::future::join_all(asks).await {
            assert_eq!(answer, Ok(expected(100)), "{seed}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_computer_that_is_offline_is_sent_nothing() {
    let (result, ran, count) = run(1, Faults { offline: true, ..Faults::default() }, false).await;
    assert_eq!(result, Err(RunError::Unreachable("it is offline".to_owned())));
    assert_eq!((ran, count), (0, CommandCount::default()));
}

#[tokio::test(start_paused = true)]
async fn a_secret_does_not_travel_unless_the_settings_allow_it() {
    let (result, _, count) = run(1, Faults::default(), true).await;
    let Err(RunError::Refused { message, help: Some(help) }) = result else { panic!("{result:?}") };
    insta::assert_snapshot!(message, @r#"the step "one" is given a secret, and control keeps the text of commands where its users can read it"#);
    assert!(help.contains("secrets: allow"));
    assert_eq!(count.commands, 0);
    let system = system(1, Faults::default());
    let result = desk(system.start, true).detect(&system, &AgentId::new("a"), &bundle(true)).await;
    assert_eq!(result, Ok(expected(0)));
}
