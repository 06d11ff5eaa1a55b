//! Tests of `status`.

use std::collections::BTreeMap;

use super::View;
use super::sample::{name, present};
use super::status::{Remembered, Status, computer, write};
use super::style::{Pen, Recording};
use crate::id::{ComputerId, Digest, RunId, SessionId};
use crate::inventory::facts::Facts;
use crate::inventory::item::{Detection, ItemKey, Observed};
use crate::inventory::known::Contact;
use crate::plan::document::ActionType;
use crate::session::stage::ActionResult;
use crate::store::{ItemResult, RunRecord, StoredComputer};
use crate::time::{Limit, Timestamp};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_269_729 + second).expect("valid")
}

struct Store {
    names: BTreeMap<ComputerId, String>,
    computers: Vec<StoredComputer>,
    detections: Vec<Detection>,
    results: Vec<ItemResult>,
    runs: Vec<RunRecord>,
}

impl Store {
    fn with(computers: u32) -> Self {
        let id = |n: u32| ComputerId::new(format!("fleet/{n:06}"));
        let zip = ItemKey::software(name("seven-zip"));
        let disk = ItemKey::task(name("disk-encryption"), None);
        let detection = |n, item: &ItemKey, at, observed| Detection {
            computer: id(n),
            item: item.clone(),
            probe: Digest::of(b"probe"),
            at,
            observed,
        };
        let mut detections = Vec::new();
        for n in 0..computers {
            let version = if n % 10 == 0 { "24.08" } else { "24.09" };
            detections.push(detection(n, &zip, at(-7200), present(version)));
            let observed = match n % 5 {
                0 => Observed::non_compliant("off\x1b[2J"),
                1 => Observed::Undetermined { why: "exit code 3".to_owned() },
                2 => Observed::NotApplicable,
                _ => Observed::Compliant,
            };
            detections.push(detection(n, &disk, at(if n % 5 == 3 { -900_000 } else { -60 }), observed));
        }
        // An older answer of another probe does not count.
        detections
            .push(Detection { probe: Digest::of(b"old"), ..detection(0, &zip, at(-9000), Observed::Absent) });
        Self {
            names: (0..computers).map(|n| (id(n), format!("PC-{n:04}"))).collect(),
            computers: (0..computers)
                .map(|n| StoredComputer {
                    id: id(n),
                    provider: crate::report::sample::name("fleet"),
                    agent: crate::report::sample::agent(&format!("PC-{n:04}")),
                    facts: (n % 4 != 3).then(|| Box::new((at(-60), Facts::default()))),
                    contact: match n % 4 {
                        2 => Contact::Unreachable { why: "timed out".to_owned() },
                        3 => Contact::Never,
                        _ => Contact::Reached,
                    },
                    contacted: (n % 4 != 3).then(|| at(-60)),
                    listed: true,
                })
                .collect(),
            detections,
            results: (0..computers)
                .step_by(5)
                .map(|n| ItemResult {
                    computer: id(n),
                    item: disk.clone(),
                    action: ActionType::Set,
                    result: ActionResult::Failed,
                    observed: None,
                    content: Digest::of(b""),
                    values: None,
                    at: at(-30),
                    session: SessionId::new("s"),
                })
                .collect(),
            runs: vec![RunRecord {
                id: RunId::new("0193fd2e-0000-7000-8000-00000000aaaa"),
                started: at(-60),
                finished: None,
                commit: None,
                plan: Digest::new("7f3ac0d9e1b2c3"),
                overrides: Vec::new(),
            }],
        }
    }

    fn remembered(&self) -> Remembered<'_> {
        Remembered {
            now: at(0),
            max_age: Limit::seconds(7 * 86_400),
            names: &self.names,
            computers: &self.computers,
            detections: &self.detections,
            results: &self.results,
            runs: &self.runs,
            unfinished: &[],
        }
    }
}

fn text(store: &Store) -> String {
    let mut pen = Recording::default();
    write(&mut pen, &store.remembered(), &View::default()).expect("memory");
    pen.to_string()
}

#[test]
fn items_are_counted_and_the_numbers_add_up() {
    let store = Store::with(1000);
    let status = Status::of(&store.remembered());
    for (name, item) in &status.items {
        let sum = item.compliant
            + item.non_compliant
            + item.present
            + item.absent
            + item.values
            + item.undetermined
            + item.stale
            + item.not_applicable;
        assert_eq!((item.computers, sum), (1000, 1000), "{name}");
    }
    assert_eq!(status.computers, status.reached + status.not_reached + status.never_tried);
    let text = text(&store);
    assert_eq!(text.lines().count(), self::text(&Store::with(20)).lines().count());
    insta::assert_snapshot!(text, @r#"
Computers  1,000: 500 reached, 250 not reached, 250 never tried

Items
  disk-encryption   1,000 computers   200 compliant, 200 non-compliant, 200 undetermined, 200 stale, 200 not applicable, 200 failing
  seven-zip         1,000 computers   1,000 present (24.09: 900, 24.08: 100)

Needs attention
  failed   disk-encryption   PC-0000, PC-0005, PC-0010 and 197 more

Last runs
  2026-11-21 14:01:09 UTC   not ended   no commit   plan 7f3ac0d9e1b2   run 0193fd2e-0000-7000-8000-00000000aaaa
"#);
}

#[test]
fn one_computer_shows_what_is_known_of_it_and_how_old_that_is() {
    let store = Store::with(10);
    let mut pen = Recording::default();
    for id in ["fleet/000000", "fleet/000003", "fleet/nobody"] {
        computer(&mut pen, &store.remembered(), &ComputerId::new(id), &View::default()).expect("memory");
        pen.gap().expect("memory");
    }
    insta::assert_snapshot!(pen, @r#"
PC-0000  fleet/000000
reached, 1 min ago; facts 1 min ago

  seven-zip         present, 24.08, 2 h ago
  disk-encryption   non-compliant: off\x1b[2J, 1 min ago   last set: failed, 30 s ago

PC-0003  fleet/000003
never tried; no facts

  seven-zip         present, 24.09, 2 h ago
  disk-encryption   compliant, 10 d ago, stale

fleet/nobody  fleet/nobody
nothing is remembered of it
"#);
}

#[test]
fn an_empty_store_says_so() {
    let mut store = Store::with(0);
    store.detections.clear();
    store.runs.clear();
    assert_eq!(text(&store), "Nothing is remembered yet: no plan or apply has run with this state.\n");
}
