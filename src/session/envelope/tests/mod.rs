//! Orders through a system that loses, delays, cuts, repeats, echoes and reorders, with the model of a computer.

#![expect(clippy::disallowed_methods, reason = "the tests look at the files of their own processes")]

mod shells;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const SIZES: Sizes = Sizes { longest: 100_000, answer: 100_000 };

fn rendered(platform: Platform, text: &str) -> Rendered {
    Rendered { text: Secret::new(text.to_owned()), platform }
}

fn order(nonce: &str, number: u64, window: (i64, i64)) -> Order {
    Order { id: OrderId::new(nonce), number, from: window.0, until: window.1, packing: Packing::Gzip }
}

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

fn noisy_text(length: usize) -> String {
    noise(length).into_iter().map(|byte| char::from(b' ' + byte % 90)).collect()
}

/// What the system between sender and computer does next.
#[derive(Debug, Clone)]
enum Event {
    /// One of the commands arrives, the last `cut` hundredths of it missing.
    Command { which: prop::sample::Index, cut: u8 },
    /// A question for an order arrives.
    Ask { which: prop::sample::Index },
    /// What was taken up longest ago ends.
    Finish,
    /// Time passes.
    Wait(u8),
    /// One of the outputs so far arrives at the sender: part of it, after an echo of a command.
    Output { which: prop::sample::Index, keep: u8, echo: bool, ends: u8 },
}

fn event() -> impl Strategy<Value = Event> {
    let index = any::<prop::sample::Index>;
    let cut = prop_oneof![5 => Just(0_u8), 1 => 1..100_u8];
    prop_oneof![
        6 => (index(), cut).prop_map(|(which, cut)| Event::Command { which, cut }),
        2 => index().prop_map(|which| Event::Ask { which }),
        2 => Just(Event::Finish),
        1 => (0..40_u8).prop_map(Event::Wait),
        6 => (index(), prop_oneof![3 => Just(100_u8), 1 => 0..100_u8], any::<bool>(), 0..4_u8)
            .prop_map(|(which, keep, echo, ends)| Event::Output { which, keep, echo, ends }),
    ]
}

fn text_for(platform: Platform, number: usize) -> String {
    let text = format!("echo {number}; {}", noisy_text(3000 * number));
    if platform == Platform::Posix { text } else { windows::bundle(text.as_bytes()) }
}

fn answer_for(number: usize) -> Vec<u8> {
    noise(1000 * (number + 1) * (number + 1))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]
    #[test]
    fn whatever_happens_between_an_order_runs_once_in_time_and_its_answer_is_right(
        events in prop::collection::vec(event(), 0..120),
        platform in prop_oneof![Just(Platform::Posix), Just(Platform::Windows)],
    ) {
        let sizes = Sizes { longest: 12_000, answer: 2_000 };
        let orders: Vec<Order> = (0..3_u32)
            .map(|n| order(&n.to_string(), 1000 + u64::from(n), (900 + i64::from(n) * 30, 1000 + i64::from(n) * 30)))
            .collect();
        let commands: Vec<String> = orders.iter().enumerate().flat_map(|(n, order)| {
            seal(&rendered(platform, &text_for(platform, n)), order, &sizes)
        }).map(|command| command.text.expose().to_owned()).collect();
        prop_assert!(commands.len() >= 4, "{}", commands.len());

        let mut mailbox = Mailbox::default();
        let mut clock = 950;
        let mut running: Vec<OrderId> = Vec::new();
        let mut ran: BTreeMap<OrderId, u64> = BTreeMap::new();
        let mut outputs: Vec<String> = Vec::new();
        let mut readers: Vec<Reader> = orders.iter().map(|order| Reader::new(order.id.clone())).collect();
        let of = |id: &OrderId| orders.iter().position(|order| order.id == *id).unwrap_or_default();
        for event in events {
            match event {
                Event::Command { which, cut } => {
                    let text = which.get(&commands);
                    let text = &text[..text.len() - text.len() * usize::from(cut) / 100];
                    match mailbox.receive(text, clock) {
                        Some(Received::Says(said)) => outputs.push(said),
                        Some(Received::Runs { id, text }) => {
                            let order = &orders[of(&id)];
                            prop_assert_eq!(text, text_for(platform, of(&id)));
                            prop_assert!((order.from..=order.until).contains(&clock));
                            prop_assert!(ran.values().all(|number| *number < order.number));
                            prop_assert_eq!(ran.insert(id.clone(), order.number), None, "it ran twice");
                            running.push(id);
                        }
                        None => prop_assert!(cut > 0),
                    }
                }
                Event::Ask { which } => {
                    let n = which.index(orders.len());
                    let line = match readers[n].reading() {
                        Reading::Need { line } => line,
                        _ => 1,
                    };
                    let text = ask(platform, &orders[n].id, line, &sizes);
                    if let Some(Received::Says(said)) = mailbox.receive(text.text.expose(), clock) {
                        outputs.push(said);
                    }
                }
                Event::Finish => if !running.is_empty() {
                    let id = running.remove(0);
                    outputs.push(mailbox.finish(&id, clock, answer_for(of(&id))));
                },
                Event::Wait(seconds) => clock += i64::from(seconds),
                Event::Output { which, keep, echo, ends } => if !outputs.is_empty() {
                    let said = which.get(&outputs);
                    let said = &said[..said.len() * usize::from(keep) / 100];
                    let before = if echo { which.get(&commands).as_str() } else { "C:\\> " };
                    let after = ["", "\nTruncated output at 5000 characters.", "Killed after 10000 milliseconds.", "\n[C:\\]> "];
                    let text = format!("{before}{said}{}", after[usize::from(ends)]).replace('\n', "\r\n");
                    for reader in &mut readers {
                        reader.feed(&text);
                    }
                },
            }
            for (n, reader) in readers.iter().enumerate() {
                let id = &orders[n].id;
                match reader.reading() {
                    Reading::Complete(answer) => prop_assert_eq!(answer, answer_for(n)),
                    Reading::Late { .. } | Reading::Superseded { .. } | Reading::Cannot { .. } => {
                        prop_assert!(!ran.contains_key(id), "said not to run, and ran");
                    }
                    Reading::Need { .. } | Reading::Running => prop_assert!(ran.contains_key(id)),
                    _ => {}
                }
            }
        }
        // However it went: who goes on asking gets an answer or is told that there is none.
        clock += 10_000;
        while let Some(id) = running.pop() {
            mailbox.finish(&id, clock, answer_for(of(&id)));
        }
        for (n, order) in orders.iter().enumerate() {
            let mut asked = 0;
            let last = loop {
                let line = match readers[n].reading() {
                    Reading::Need { line } => line,
                    Reading::Complete(_) | Reading::Late { .. } | Reading::Superseded { .. } => break readers[n].reading(),
                    Reading::Parts { clock, .. } | Reading::Unknown { clock } if clock > order.until => break readers[n].reading(),
                    _ => 1,
                };
                let text = ask(platform, &order.id, line, &sizes);
                if let Some(Received::Says(said)) = mailbox.receive(text.text.expose(), clock) {
                    readers[n].feed(&said);
                }
                asked += 1;
                prop_assert!(asked < 100, "{:?}", readers[n].reading());
            };
            prop_assert_eq!(matches!(last, Reading::Complete(_)), ran.contains_key(&order.id));
        }
    }

    #[test]
    fn any_text_is_read_and_opened(noise in any::<String>(), tail in "[\\[:a-z0-9\n= ]{0,80}") {
        let id = OrderId::new("x");
        let mut reader = Reader::new(id.clone());
        for text in [noise.clone(), format!("[muster:{id}:{tail}"), format!("[muster:{id}:done:5:gzip:{tail}{noise}")] {
            reader.feed(&text);
            prop_assert!(!matches!(reader.reading(), Reading::Complete(_)));
            _ = open(&text);
            _ = open(&format!("{{\n{}{tail}\n}}", posix::WORDS));
        }
    }

    #[test]
    fn lines_that_a_console_has_wrapped_are_read(width in 7..200_usize, length in 0..3000_usize) {
        let id = OrderId::new("x");
        let mut mailbox = Mailbox::default();
        let sealed = seal(&rendered(Platform::Posix, "true"), &order("x", 1, (0, 9)), &SIZES);
        let Some(Received::Runs { id: taken, .. }) = mailbox.receive(sealed[0].text.expose(), 5) else {
            return Err(TestCaseError::fail("not taken"));
        };
        prop_assert_eq!(&taken, &id);
        let said = mailbox.finish(&id, 6, noise(length));
        let wrapped: String = said.lines().flat_map(|line| {
            line.as_bytes().chunks(width).map(|part| format!("{}\r\n", String::from_utf8_lossy(part))).collect::<Vec<_>>()
        }).collect();
        let mut reader = Reader::new(id);
        prop_assert!(reader.feed(&wrapped));
        prop_assert_eq!(reader.reading(), Reading::Complete(noise(length)));
        prop_assert_eq!(reader.clock(), Some(6));
    }
}

#[test]
fn an_order_that_fits_is_one_command_and_a_longer_one_is_as_many_as_it_needs() {
    for platform in [Platform::Posix, Platform::Windows] {
        let order = order("x", 1, (0, 9));
        let short = seal(&rendered(platform, "echo"), &order, &SIZES);
        assert_eq!(short.len(), 1);
        let text = noisy_text(400_000);
        for longest in [20_000, 100_000, 500_000] {
            let sealed = seal(&rendered(platform, &text), &order, &Sizes { longest, answer: 5000 });
            assert!(sealed.iter().all(|command| command.text.expose().len() <= longest));
            // Six and a half bits of each letter, in letters of six bits, and what stands around it.
            assert!(
                sealed.len() <= 1 + 450_000 / (longest - 9_000),
                "{platform:?} {longest}: {}",
                sealed.len()
            );
            let opened: BTreeSet<usize> = sealed
                .iter()
                .filter_map(|command| match open(command.text.expose()) {
                    Some(Opened::Order { part, parts, piece: Some(_), .. }) if parts == sealed.len() => {
                        Some(part)
                    }
                    _ => None,
                })
                .collect();
            assert_eq!(opened, (1..=sealed.len()).collect());
        }
    }
}

#[test]
fn a_command_that_is_far_too_short_for_its_text_is_made_all_the_same() {
    let sealed = seal(
        &rendered(Platform::Posix, &noisy_text(1000)),
        &order("x", 1, (0, 9)),
        &Sizes { longest: 10, answer: 1 },
    );
    assert!(sealed.len() > 10);
}

#[test]
fn no_command_looks_like_an_answer() {
    let id = OrderId::new("x");
    for platform in [Platform::Posix, Platform::Windows] {
        let texts = [
            seal(&rendered(platform, "echo"), &order("x", 1, (0, 9)), &SIZES).remove(0),
            ask(platform, &id, 1, &SIZES),
        ];
        for text in texts {
            assert!(!Reader::new(id.clone()).feed(text.text.expose()));
            assert!(!format!("{text:?}").contains("muster"));
        }
    }
}

#[test]
fn an_answer_that_was_changed_on_its_way_is_asked_for_again() {
    let order = order("x", 1, (0, 9));
    let mut mailbox = Mailbox::default();
    mailbox.receive(seal(&rendered(Platform::Posix, "true"), &order, &SIZES)[0].text.expose(), 5);
    let said = mailbox.finish(&order.id, 5, noise(5000));
    let middle = said.len() / 2;
    let other = if said.as_bytes()[middle] == b'A' { "B" } else { "A" };
    let mut changed = said.clone();
    changed.replace_range(middle..=middle, other);
    let mut reader = Reader::new(order.id);
    assert!(reader.feed(&changed));
    assert_eq!(reader.reading(), Reading::Need { line: 1 });
    reader.feed(&said);
    assert_eq!(reader.reading(), Reading::Complete(noise(5000)));
}

#[test]
fn an_answer_of_nothing_is_an_answer() {
    let id = OrderId::new("x");
    let none = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let mut reader = Reader::new(id.clone());
    reader.feed(&format!("[muster:{id}:\r\ndone:5:plain:\r\n{none}:\r\n1:1:1:\r\n\r\n:end:{id}]"));
    assert_eq!(reader.reading(), Reading::Complete(Vec::new()));
}

#[test]
fn ids_are_read_strictly() {
    let id = OrderId::new("nonce");
    assert_eq!(OrderId::read(id.as_str()), Some(id));
    for bad in ["", "0", &"g".repeat(32), &"A".repeat(32), &"0".repeat(33)] {
        assert_eq!(OrderId::read(bad), None);
    }
}
