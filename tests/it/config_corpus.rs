//! The corpora of valid and invalid configurations: each is loaded as it would be from a folder, and what is found is
//! compared with what stands beside it.
//!
//! `tests/config/invalid` and `tests/config/valid` hold folders, each a repository with its `expected.txt`, and single
//! files, each with its `NAME.expected.txt`, which are put beside a plain muster.yaml. With MUSTER_REWRITE=1 the
//! expected texts are written anew; review them then.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use muster::config::load::{Loaded, load};
use muster::config::worktree::Worktree;

pub(crate) const INSTANCE: &str =
    "apiVersion: muster/v1\nkind: Instance\nmetadata: { name: test }\nspec: {}\n";

/// One input of a corpus.
pub(crate) struct Case {
    pub(crate) name: String,
    /// Files by their path in the repository.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    expected: PathBuf,
}

pub(crate) fn corpus(kind: &str) -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(kind);
    let mut cases = Vec::new();
    for entry in fs::read_dir(&root).unwrap() {
        let path = entry.unwrap().path();
        let file_name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            let mut files = BTreeMap::new();
            collect(&path, "", &mut files);
            files.remove("expected.txt");
            cases.push(Case { name: file_name, files, expected: path.join("expected.txt") });
        } else if let Some(name) = file_name.strip_suffix(".yaml") {
            let mut files = BTreeMap::from([("muster.yaml".to_owned(), INSTANCE.as_bytes().to_vec())]);
            files.insert(file_name.clone(), fs::read(&path).unwrap());
            let expected = root.join(format!("{name}.expected.txt"));
            cases.push(Case { name: name.to_owned(), files, expected });
        }
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            collect(&path, &format!("{name}/"), files);
        } else {
            files.insert(name, fs::read(&path).unwrap());
        }
    }
}

pub(crate) fn write(files: &BTreeMap<String, Vec<u8>>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

pub(crate) fn load_folder(folder: &Path) -> Loaded {
    load(&Worktree::open(folder).unwrap())
}

/// `file:line:column CODE message`, and below it what else a reader is told.
pub(crate) fn findings(loaded: &Loaded) -> String {
    let mut text = String::new();
    for finding in &loaded.findings {
        match &finding.place {
            Some(place) => _ = write!(text, "{}:{}:{} ", place.file, place.line, place.column),
            None => text.push_str("- "),
        }
        _ = writeln!(text, "{} {}", finding.code, finding.message);
        for (place, what) in &finding.related {
            _ = writeln!(text, "  {}:{}:{} {what}", place.file, place.line, place.column);
        }
        if let Some(help) = &finding.help {
            _ = writeln!(text, "  help: {help}");
        }
    }
    text
}

fn compare(case: &Case, found: &str, wrong: &mut Vec<String>) {
    if std::env::var_os("MUSTER_REWRITE").is_some() {
        if found.is_empty() {
            _ = fs::remove_file(&case.expected);
        } else {
            fs::write(&case.expected, found).unwrap();
        }
        return;
    }
    let expected = fs::read_to_string(&case.expected).unwrap_or_default();
    if expected != found {
        wrong.push(format!("== {}\nexpected:\n{expected}found:\n{found}", case.name));
    }
}

#[test]
fn every_invalid_configuration_gives_the_findings_beside_it() {
    let cases = corpus("invalid");
    assert!(cases.len() >= 90, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let folder = write(&case.files);
        let loaded = load_folder(folder.path());
        let found = findings(&loaded);
        let refused = loaded.config.is_none() && loaded.findings.has_errors();
        let warned = !loaded.findings.is_empty() && case.name.starts_with("warning-");
        if !refused && !warned {
            wrong.push(format!("== {}: it is not refused\n{found}", case.name));
        }
        compare(case, &found, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_valid_configuration_is_loaded_without_a_finding() {
    let cases = corpus("valid");
    assert!(cases.len() >= 10, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let folder = write(&case.files);
        let loaded = load_folder(folder.path());
        if loaded.config.is_none() || !loaded.findings.is_empty() {
            wrong.push(format!("== {}\n{}", case.name, findings(&loaded)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_expected_text_stands_without_its_input() {
    for kind in ["invalid", "valid"] {
        let names: BTreeSet<String> = corpus(kind).into_iter().map(|case| case.name).collect();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(kind);
        for entry in fs::read_dir(root).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if let Some(name) = name.strip_suffix(".expected.txt") {
                assert!(names.contains(name), "{name}.expected.txt has no input");
            }
        }
    }
}
