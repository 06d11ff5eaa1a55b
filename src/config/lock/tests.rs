use std::sync::Arc;

use proptest::prelude::*;

use super::*;

fn sha(text: &str) -> Sha256 {
    digest_of(text.as_bytes()).unwrap()
}

fn payload(url: &str) -> LockedPayload {
    LockedPayload {
        url: url.to_owned(),
        sha256: sha(url),
        hash: HashOrigin::Source,
        architecture: Some(Architecture::X86_64),
        platform: Some(Platform::Windows),
        file_name: "setup.msi".to_owned(),
        size: Some(12),
        installer: Some("msi".to_owned()),
        arguments: Some("/qn \"TARGET=C:\\a b\"".to_owned()),
    }
}

fn release(version: &str) -> LockedRelease {
    let mut second = payload("https://x.test/second");
    second.architecture = None;
    second.platform = None;
    second.size = None;
    second.installer = None;
    second.arguments = None;
    second.hash = HashOrigin::Download;
    LockedRelease {
        version: version.to_owned(),
        at: "2026-11-20T10:00:00Z".parse().unwrap(),
        found: "https://x.test/releases".to_owned(),
        signed: None,
        payloads: vec![payload("https://x.test/first"), second],
    }
}

fn lock() -> Lock {
    let mut lock = Lock::default();
    lock.software
        .insert(Name::new("zip").unwrap(), Locked::new(sha("s"), vec![release("2.0"), release("1.10")]));
    lock.software.insert(Name::new("1").unwrap(), Locked::new(sha("t"), Vec::new()));
    lock
}

fn findings(text: &str) -> Vec<String> {
    let (lock, findings) = read(&Arc::from(LOCK_FILE), text);
    assert_eq!(lock.is_none(), findings.has_errors());
    findings
        .iter()
        .map(|f| format!("{} {} {}", f.place.as_ref().map_or(0, |p| p.line), f.code, f.message))
        .collect()
}

#[test]
fn a_lock_reads_as_it_was_written_with_places() {
    let lock = lock();
    let (read, findings) = read(&Arc::from(LOCK_FILE), &lock.text());
    assert!(findings.is_empty(), "{findings:?}");
    let read = read.unwrap();
    assert_eq!(read.software, lock.software);
    assert_eq!(read.text(), lock.text());
    assert_eq!(read.places[&Name::new("zip").unwrap()].line, 9);
    assert_eq!(super::read(&Arc::from(LOCK_FILE), &Lock::default().text()).0, Some(Lock::default()));
}

#[test]
fn the_text_has_one_fact_to_a_line() {
    let mut lock = Lock::default();
    let mut one = release("1.10");
    one.payloads.pop();
    lock.software.insert(Name::new("zip").unwrap(), Locked::new(sha("s"), vec![one]));
    insta::assert_snapshot!(lock.text(), @"");
}

#[test]
fn an_edited_entry_is_an_error_at_its_software() {
    let text = lock().text().replace("version: \"2.0\"", "version: \"2.1\"");
    assert_eq!(findings(&text), ["9 M0321 the entry of `zip` was edited, or is a mixture of two"]);
    // Layout and comments are nobody's data.
    assert_eq!(findings(&lock().text().replace("format: 1", "# a note\nformat:   1")), [""; 0]);
}

#[test]
fn a_merge_conflict_is_told_by_its_name() {
    let text = lock()
        .text()
        .replace("  \"zip\":\n", "<<<<<<< ours\n  \"zip\":\n=======\n  \"zap\":\n>>>>>>> theirs\n");
    assert_eq!(findings(&text), ["9 M0320 a merge conflict is not resolved"]);
}

#[test]
fn everything_that_is_no_lock_is_refused_with_a_place() {
    assert_eq!(findings(""), ["1 M0320 the lock file is not one document"]);
    assert_eq!(
        findings("format: 2\nsoftware: {}\n"),
        ["1 M0320 the lock file is of the form 2, and this release reads 1"]
    );
    assert_eq!(findings("format: 1\nsoftware: {}\nmore: 1\n"), ["3 M0201 unknown key `more`"]);
    assert_eq!(findings("format: 1\n"), ["1 M0203 the key `software` is missing"]);
    assert!(findings("format: [\n")[0].contains("M0101"));
    let bad = |change: &dyn Fn(&mut LockedRelease)| {
        let mut one = release("1");
        change(&mut one);
        let mut lock = Lock::default();
        lock.software.insert(Name::new("a").unwrap(), Locked::new(sha("s"), vec![one]));
        findings(&lock.text())
    };
    assert_eq!(
        bad(&|one| one.payloads[0].url = "ftp://x".to_owned()),
        ["5 M0320 an address of `a` is not one of http or https"]
    );
    assert_eq!(
        bad(&|one| one.payloads[0].file_name = "../x".to_owned()),
        ["5 M0320 \"../x\" is not the name of a file on every system"]
    );
    assert_eq!(bad(&|one| one.payloads.clear()), ["10 M0205 the key `payloads` has no value"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_text_survives_being_written_and_read_in_300_cases(version in "\\PC{1,12}", found in "[\\PC\\n\\t\"\\\\#:]{1,20}") {
        let mut one = release(&version);
        one.found = found;
        let mut lock = Lock::default();
        lock.software.insert(Name::new("a").unwrap(), Locked::new(sha("s"), vec![one]));
        let (read, findings) = read(&Arc::from(LOCK_FILE), &lock.text());
        prop_assert!(findings.is_empty(), "{:?}", findings);
        prop_assert_eq!(read.unwrap().software, lock.software);
    }

    #[test]
    fn no_text_is_a_panic(text in "(format: 1\\nsoftware:\\n)?[\\PC\\n :\\-\"]{0,60}") {
        _ = read(&Arc::from(LOCK_FILE), &text);
    }
}
