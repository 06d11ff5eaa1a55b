//! What a plan looks like. The snapshots are what users see: read a change of one as they would.

use super::plan::{height, write};
use super::sample::{five_kinds, nothing, with_notes, with_verdicts};
use super::style::{Coloured, Plain, Recording};
use super::summary::Summary;
use super::{View, words};
use crate::config::kind::Mode;
use crate::plan::document::{Coverage, Note, NoteKind, Plan};

fn view(width: usize) -> View {
    View { width, ..View::default() }
}

fn text(plan: &Plan, view: &View) -> String {
    let mut pen = Recording::default();
    write(&mut pen, plan, view).expect("memory");
    pen.to_string()
}

#[test]
fn a_plan_reads_at_a_glance() {
    insta::assert_snapshot!(text(&with_notes(five_kinds(1232), 3), &view(140)), @r#"
    acme-msp @ 3f2c91e  "7-Zip 24.09 everywhere"

    Changes
      - Old Archiver 3.1             124 computers, 3 tenants     needed by 7-Zip, new-intent    software/seven-zip/software.yaml:9
          PC-0000, PC-0010, PC-0020, PC-0030, PC-0040, PC-0050, PC-0060, PC-0070, PC-0080, PC-0090, PC-0100, PC-0110 and 112 more
      ~ 7-Zip 24.08 -> 24.09         1,232 computers, 3 tenants   update-available, new-intent   deployments/archive.yaml:12
      + Audit Agent 2.0              176 computers, 3 tenants     missing, new-intent            deployments/security.yaml:20
      + disk-encryption: set         247 computers, 3 tenants     task-non-compliant, drift      deployments/security.yaml:4
      ? serial-number: read [bios]   616 computers, 3 tenants     task-monitor, new-intent       deployments/inventory.yaml:30

    Notes
      ! blocked: browser: 126.0 is there and 125.0 is wanted; a downgrade is not allowed (DOWN-0, DOWN-1, DOWN-2) deployments/browser.yaml:3
      ! held: source contoso-entra failed at 13:58, last good membership of 12:58 kept (HELD-0, HELD-1, HELD-2)
      ! unreachable: connection timed out (OFF-0, OFF-1, OFF-2)
      ! stale: last detection 9 d ago (OLD-0, OLD-1, OLD-2)
      ! undetermined: seven-zip: detection ended with exit code 3 (ODD-0, ODD-1, ODD-2)
      ! non-compliant: firewall: the mode is audit (FW-0, FW-1, FW-2) deployments/security.yaml:40

    Touches      1,232 computers, 3 tenants
    Not known    3 unreachable (OFF-0, OFF-1, OFF-2), 3 undetermined (ODD-0, ODD-1, ODD-2), 3 stale (OLD-0, OLD-1, OLD-2)
    Coverage     1,232 of 1,241 computers, 6,184 of 6,205 checks
    Plan 7f3ac0d9e1b2  1,779 changes: 176 to install, 1,232 to update, 124 to remove, 247 to set; 616 values to read
    "#);
}

#[test]
fn a_narrow_terminal_loses_nothing() {
    let plan = with_notes(five_kinds(1232), 31);
    let narrow = text(&plan, &view(60));
    insta::assert_snapshot!(narrow, @r#"
    acme-msp @ 3f2c91e  "7-Zip 24.09 everywhere"

    Changes
      - Old Archiver 3.1
          124 computers, 3 tenants
          needed by 7-Zip, new-intent
          software/seven-zip/software.yaml:9
          PC-0000, PC-0010, PC-0020, PC-0030 and 120 more
      ~ 7-Zip 24.08 -> 24.09
          1,232 computers, 3 tenants
          update-available, new-intent
          deployments/archive.yaml:12
      + Audit Agent 2.0
          176 computers, 3 tenants
          missing, new-intent
          deployments/security.yaml:20
      + disk-encryption: set
          247 computers, 3 tenants
          task-non-compliant, drift
          deployments/security.yaml:4
      ? serial-number: read [bios]
          616 computers, 3 tenants
          task-monitor, new-intent
          deployments/inventory.yaml:30

    Notes
      ! blocked: browser: 126.0 is there and 125.0 is wanted; a
        downgrade is not allowed (31 computers)
        deployments/browser.yaml:3
      ! held: source contoso-entra failed at 13:58, last good
        membership of 12:58 kept (31 computers)
      ! unreachable: connection timed out (31 computers)
      ! stale: last detection 9 d ago (31 computers)
      ! undetermined: seven-zip: detection ended with exit code
        3 (31 computers)
      ! non-compliant: firewall: the mode is audit (31
        computers) deployments/security.yaml:40

    Touches      1,232 computers, 3 tenants
    Not known    31 unreachable, 31 undetermined, 31 stale
    Coverage     1,232 of 1,325 computers, 6,408 of 6,625 checks
    Plan 7f3ac0d9e1b2  1,779 changes: 176 to install,
                       1,232 to update, 124 to remove,
                       247 to set; 616 values to read
    "#);
    let words = |text: &str| {
        let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        words.sort();
        words
    };
    // The list of removals is as long as the line allows, so it is left out of the comparison.
    let without_names = |text: &str| {
        text.lines().filter(|line| !line.trim_start().starts_with("PC-")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(words(&without_names(&narrow)), words(&without_names(&text(&plan, &view(140)))));
}

#[test]
fn lines_stay_within_the_width() {
    let plan = with_notes(five_kinds(10_000), 1000);
    for width in [60, 80, 100, 120, 140] {
        for line in text(&plan, &view(width)).lines() {
            assert!(words::width(line) <= width, "{width}: {line}");
        }
    }
}

#[test]
fn details_tell_everything() {
    insta::assert_snapshot!(text(&with_notes(five_kinds(10), 2), &View { details: true, ..view(100) }), @r#"
    acme-msp @ 3f2c91e  "7-Zip 24.09 everywhere"

    Changes
      - Old Archiver 3.1             1 computer, contoso       needed by 7-Zip, new-intent
          software/seven-zip/software.yaml:9
          deployment  old-archiver
          item        software old-archiver
          mode        enforce
          before      present, 3.1
          after       absent
          content     52042850ce6e
          computers   PC-0000
      ~ 7-Zip 24.08 -> 24.09         10 computers, 3 tenants   update-available, new-intent
          deployments/archive.yaml:12
          deployment  seven-zip
          item        software seven-zip
          mode        enforce
          before      present, 24.08
          after       present, 24.09
          content     dfb448d49a70
          computers   PC-0000, PC-0001, PC-0002, PC-0003, PC-0004, PC-0005, PC-0006, PC-0007, PC-0008,
                      PC-0009
      + Audit Agent 2.0              PC-0000, PC-0007          missing, new-intent
          deployments/security.yaml:20
          deployment  audit-agent
          item        software audit-agent
          mode        enforce
          before      absent
          after       present, 2.0
          parameter   key = {"secret":{"env":"AUDIT_KEY"}}, from deployment audit-agent
          parameter   site = "north", default of audit-agent
          license     audit-2026
          content     b2444c370adc
          computers   PC-0000, PC-0007
      + disk-encryption: set         PC-0000, PC-0005          task-non-compliant, drift
          deployments/security.yaml:4
          deployment  disk-encryption
          item        task disk-encryption
          mode        enforce
          before      non-compliant: volume C: is off ...
                      volume D: is off
          after       compliant
          content     f6cc4129d954
          computers   PC-0000, PC-0005
      ? serial-number: read [bios]   5 computers, 3 tenants    task-monitor, new-intent
          deployments/inventory.yaml:30
          deployment  serial-number
          item        task serial-number[bios]
          mode        monitor
          before      value: SN-1
          after       absent
          content     87278cd685b7
          computers   PC-0000, PC-0002, PC-0004, PC-0006, PC-0008

    Notes
      ! blocked: browser: 126.0 is there and 125.0 is wanted; a downgrade is not allowed (DOWN-0,
        DOWN-1) deployments/browser.yaml:3
      ! held: source contoso-entra failed at 13:58, last good membership of 12:58 kept (HELD-0, HELD-1)
      ! unreachable: connection timed out (OFF-0, OFF-1)
      ! stale: last detection 9 d ago (OLD-0, OLD-1)
      ! undetermined: seven-zip: detection ended with exit code 3 (ODD-0, ODD-1)
      ! non-compliant: firewall: the mode is audit (FW-0, FW-1) deployments/security.yaml:40

    Touches      10 computers, 3 tenants
    Not known    2 unreachable (OFF-0, OFF-1), 2 undetermined (ODD-0, ODD-1), 2 stale (OLD-0, OLD-1)
    Coverage     10 of 16 computers, 66 of 80 checks
    Plan 7f3ac0d9e1b2  15 changes: 2 to install, 10 to update, 1 to remove,
                       2 to set; 5 values to read
    "#);
}

#[test]
fn the_number_of_lines_hangs_on_kinds_and_not_on_computers() {
    for width in [60, 80, 100, 120, 140, usize::MAX] {
        let lines = |computers, noted| height(&with_notes(five_kinds(computers), noted), &view(width));
        let few = lines(10, 4);
        // On a narrow terminal a longer number may move a word to another line, here and there.
        let slack = if width <= 120 { 3 } else { 0 };
        assert!(lines(1_000, 40).abs_diff(few) <= slack, "{width}");
        assert!(lines(100_000, 4_000).abs_diff(few) <= slack, "{width}");
    }
}

/// One screen, whatever the fleet: at most 40 lines of 100 columns, and the same number over 10, 1,000 and 100,000.
#[test]
fn five_kinds_of_change_over_100_000_computers_fit_one_screen() {
    let shown = |computers| text(&five_kinds(computers), &view(100));
    let lines = |computers| shown(computers).lines().count();
    let large = shown(100_000);
    assert!(large.lines().count() <= 40, "{large}");
    assert!(large.lines().all(|line| words::width(line) <= 100), "{large}");
    assert_eq!((lines(10), lines(1_000)), (lines(100_000), lines(100_000)), "{large}");
    let noted = text(&with_notes(five_kinds(100_000), 4_000), &view(100));
    assert!(noted.lines().count() <= 40, "{noted}");
}

#[test]
fn a_budget_that_many_tenants_break_does_not_fill_the_screen() {
    let mut plan = with_verdicts(five_kinds(100_000));
    let verdict = plan.verdicts[1].clone();
    plan.verdicts = (0..300)
        .map(|at| crate::policy::verdict::Verdict { subject: format!("tenant {at}"), ..verdict.clone() })
        .collect();
    let shown = text(&plan, &view(100));
    assert!(shown.lines().count() <= 40, "{shown}");
    assert!(shown.contains("no-fridays: 297 more; --details lists them"), "{shown}");
    let all = text(&plan, &View { details: true, ..view(100) });
    assert_eq!(all.matches("10 are allowed").count(), 300);
    assert!(!all.contains("--details"));
}

#[test]
fn one_thousand_different_notes_do_not_fill_the_screen() {
    let mut plan = nothing(1000);
    plan.notes = (0..1000)
        .map(|at| Note {
            kind: NoteKind::Unreachable,
            item: None,
            text: format!("10.0.0.{at} did not answer"),
            origin: None,
            computers: vec![format!("PC-{at}")],
        })
        .collect();
    let text = text(&plan, &view(140));
    assert!(text.lines().count() < 20, "{text}");
    assert!(text.contains("992 notes of other texts, 992 computers"), "{text}");
}

#[test]
fn changes_that_differ_only_in_what_a_test_printed_are_one_line() {
    let mut plan = five_kinds(1000);
    let set = plan.changes[3].clone();
    plan.changes = (0..1000)
        .map(|at| crate::plan::document::Change {
            before: crate::inventory::item::Observed::non_compliant(format!("{at} MB free")),
            computers: vec![at],
            ..set.clone()
        })
        .collect();
    let short = text(&plan, &view(140));
    assert!(short.contains("1,000 computers, 3 tenants"), "{short}");
    assert!(short.lines().count() < 12, "{short}");
    let long = text(&plan, &View { details: true, ..view(140) });
    assert!(long.contains("999 MB free"));
}

#[test]
fn every_removal_is_named_with_details() {
    let plan = five_kinds(1000);
    let long = text(&plan, &View { details: true, ..view(100) });
    let removals = &plan.changes[0].computers;
    assert_eq!(removals.len(), 100);
    for at in removals {
        assert!(long.contains(&plan.computers[*at as usize].name));
    }
    assert!(text(&plan, &view(100)).contains("PC-0000, PC-0010"));
}

#[test]
fn names_cannot_drive_the_terminal() {
    let mut plan = five_kinds(10);
    plan.computers[0].name = "\x1b[2J\u{9b}3J".to_owned();
    plan.changes[1].title = "7-Zip\r\nPlan ok".to_owned();
    plan.revision.subject = Some("\x07bell\nsecond line".to_owned());
    plan.notes = vec![Note {
        kind: NoteKind::Hint,
        item: None,
        text: "look\x1b]0;title\x07".to_owned(),
        origin: None,
        computers: vec!["\x1b[31mred".to_owned()],
    }];
    for details in [false, true] {
        for width in [60, 140] {
            let mut out = Vec::new();
            write(&mut Plain(&mut out), &plan, &View { details, ..view(width) }).expect("memory");
            let text = String::from_utf8(out).expect("UTF-8");
            assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
            assert!(text.contains("\\x1b[2J\\x9b3J"), "{text}");
            assert!(!text.lines().any(|line| line.starts_with("Plan ok")), "{text}");
        }
    }
}

#[test]
fn colour_adds_nothing_but_colour() {
    let value = with_notes(five_kinds(100), 3);
    let (mut plain, mut coloured) = (Vec::new(), Vec::new());
    write(&mut Plain(&mut plain), &value, &view(100)).expect("memory");
    write(&mut Coloured(&mut coloured), &value, &view(100)).expect("memory");
    let coloured = String::from_utf8(coloured).expect("UTF-8");
    assert!(coloured.contains('\x1b'));
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), String::from_utf8(plain).expect("UTF-8"));
}

#[test]
fn nothing_to_do_says_why() {
    insta::assert_snapshot!(text(&nothing(1232), &view(100)), @r#"
    acme-msp @ 3f2c91e  "7-Zip 24.09 everywhere"

    No changes: all 6,160 checks on 1,232 computers found as wanted.

    Coverage     1,232 of 1,232 computers, 6,160 of 6,160 checks
    Plan 7f3ac0d9e1b2  no changes
    "#);
    let sentence = |coverage: Coverage| {
        let plan = Plan { coverage, ..nothing(0) };
        text(&plan, &view(100)).lines().nth(2).unwrap_or_default().to_owned()
    };
    let none = Coverage::default();
    assert_eq!(sentence(none.clone()), "No changes can be told: no computer is known.");
    assert_eq!(
        sentence(Coverage { computers: 1, unmanaged: 1, ..none.clone() }),
        "No changes: no deployment counts for this computer."
    );
    assert_eq!(
        sentence(Coverage { computers: 5, known: 4, incomplete: 1, ..none.clone() }),
        "No changes on 4 computers; 1 is not completely known."
    );
    let read = |checks, read| sentence(Coverage { computers: 3, known: 3, checks, read, ..none.clone() });
    assert_eq!(read(3, 3), "No changes: 3 values read on 3 computers, and compared with nothing.");
    assert_eq!(read(7, 3), "No changes: 4 checks on 3 computers found as wanted; 3 values only read.");
    let mut held =
        Plan { coverage: Coverage { computers: 40, unmanaged: 40, ..Coverage::default() }, ..nothing(0) };
    held.notes.push(Note {
        kind: NoteKind::OnHold,
        item: None,
        text: "tenant contoso is on hold".to_owned(),
        origin: None,
        computers: vec!["PC-1".to_owned()],
    });
    let said = |plan: &Plan| text(plan, &view(100)).lines().nth(2).unwrap_or_default().to_owned();
    assert_eq!(said(&held), "No changes: what is wanted of these 40 computers is on hold, as said below.");
    assert!(text(&held, &view(100)).contains("nothing wanted, or on hold, of 40 computers"));
    held.notes[0].kind = NoteKind::Overruled;
    assert_eq!(
        said(&held),
        "No changes: what the run names wins on none of these 40 computers, as said below."
    );
    let mut limited = nothing(0);
    limited.options.only = vec!["tenant:nobody".to_owned()];
    limited.options.mode = Some(Mode::Audit);
    let limited = text(&limited, &view(100));
    assert!(limited.contains("No changes: no computer matches what the run is limited to."), "{limited}");
    assert!(limited.contains("limited to tenant:nobody\nat most audit\n"), "{limited}");
}

#[test]
fn everything_unknown_is_not_compliant() {
    let mut plan = nothing(0);
    plan.revision.dirty = true;
    plan.coverage = Coverage {
        computers: 40,
        incomplete: 40,
        unreachable: 38,
        checks: 200,
        unknown: 200,
        ..plan.coverage
    };
    plan.notes = vec![Note {
        kind: NoteKind::Unreachable,
        item: None,
        text: "connection refused".to_owned(),
        origin: None,
        computers: (0..38).map(|at| format!("PC-{at}")).collect(),
    }];
    insta::assert_snapshot!(text(&plan, &view(100)), @r#"
    acme-msp @ 3f2c91e  "7-Zip 24.09 everywhere"  with uncommitted changes

    No changes can be told: nothing complete is known of these 40 computers.

    Notes
      ! unreachable: connection refused (38 computers)

    Not known    38 unreachable, 2 not detected
    Coverage     0 of 40 computers, 0 of 200 checks
    Plan 7f3ac0d9e1b2  no changes
    "#);
}

#[test]
fn computers_that_refuse_or_answer_nonsense_are_counted_once() {
    let mut plan = nothing(0);
    plan.coverage = Coverage {
        computers: 6,
        known: 1,
        incomplete: 5,
        unreachable: 3,
        checks: 6,
        detected: 1,
        unknown: 5,
        ..plan.coverage
    };
    let told = |kind, text: &str, computers: &[&str]| Note {
        kind,
        item: None,
        text: text.to_owned(),
        origin: None,
        computers: computers.iter().map(|name| (*name).to_owned()).collect(),
    };
    plan.notes = vec![
        told(NoteKind::Ambiguous, "deployments a and b both win and want different things", &["PC-5"]),
        told(NoteKind::Unreachable, "no route", &["PC-1", "PC-1"]),
        told(NoteKind::Refused, "no password", &["PC-2"]),
        told(NoteKind::Undetermined, "the answer is no JSON", &["PC-3"]),
    ];
    let text = text(&plan, &view(100));
    let line = "Not known    2 unreachable, 1 refused (PC-2), 1 ambiguous (PC-5), 1 undetermined (PC-3)\n";
    assert!(text.contains(line), "{text}");
}

#[test]
fn audit_only_tells_and_is_not_counted() {
    let mut plan = five_kinds(10);
    plan.changes[1].mode = Mode::Audit;
    let text = text(&plan, &view(140));
    assert!(text.contains("! 7-Zip 24.08 -> 24.09"), "{text}");
    assert!(text.contains("update-available, new-intent, audit only"), "{text}");
    assert!(!text.contains("to update"), "{text}");
}

#[test]
fn the_summary_counts_computers_once_and_actions_each() {
    let summary = Summary::of(&five_kinds(1000));
    assert_eq!((summary.changes, summary.computers, summary.tenants), (1000 + 100 + 143 + 200, 1000, 3));
    assert_eq!(summary.removals, 100);
    assert_eq!(
        summary.sentence(),
        "1,443 changes: 143 to install, 1,000 to update, 100 to remove, 200 to set; 500 values to read"
    );
    assert_eq!(Summary::of(&nothing(3)).sentence(), "no changes");
}
