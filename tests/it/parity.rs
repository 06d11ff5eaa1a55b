//! `docs/parity.md` names tests that exist, and its table counts its rows. MUSTER_REWRITE=1 writes the numbers anew.
//!
//! It reads the sources as text. Not here: whether a named test shows what its row says; that takes a reader.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A row: its number, whether it is core, what it says of Muster, and the tests that it names.
struct Row {
    number: u32,
    core: bool,
    says: String,
    tests: Vec<String>,
}

impl Row {
    /// The column of the table at the top.
    fn column(&self) -> usize {
        ["partly: ", "later: ", "not planned: "]
            .iter()
            .position(|word| self.says.starts_with(word))
            .map_or(0, |at| at + 1)
    }
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/parity.md")
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn rows(text: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for line in text.lines() {
        // A bar inside of a cell is escaped.
        let line = line.replace("\\|", " ");
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [number, _, says, shown] = cells.as_slice() else { continue };
        let core = number.starts_with("**");
        let Ok(number) = number.trim_matches('*').parse() else { continue };
        let tests = quoted(shown).map(str::to_owned).collect();
        rows.push(Row { number, core, says: (*says).to_owned(), tests });
    }
    rows
}

/// The functions of each module of the crate and of the integration tests, and whether the module makes tests by macro.
fn functions() -> BTreeMap<String, (Vec<String>, bool)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut modules = BTreeMap::new();
    let mut folders = vec![(root.join("src"), String::new()), (root.join("tests/it"), String::new())];
    while let Some((folder, path)) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let file = entry.unwrap().path();
            let stem = file.file_stem().unwrap().to_str().unwrap().to_owned();
            let join = |name: &str| {
                if path.is_empty() { name.to_owned() } else { format!("{path}::{name}") }
            };
            if file.is_dir() {
                folders.push((file, join(&stem)));
            } else if file.extension().is_some_and(|extension| extension == "rs") {
                let own = if stem == "mod" { path.clone() } else { join(&stem) };
                read(&mut modules, &own, &fs::read_to_string(&file).unwrap());
            }
        }
    }
    modules
}

/// Adds the tests of one file: those of the file, and those of the modules that begin in its first column.
fn read(modules: &mut BTreeMap<String, (Vec<String>, bool)>, file: &str, text: &str) {
    let by_macro = text.contains("macro_rules!");
    let mut module = file.to_owned();
    let mut is_test = false;
    for line in text.lines() {
        let inner = line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(" {"));
        if let Some(inner) = inner {
            module = if file.is_empty() { inner.to_owned() } else { format!("{file}::{inner}") };
        } else if line == "}" {
            file.clone_into(&mut module);
        }
        let code = line.trim_start();
        if code.starts_with("#[") {
            is_test |= code.starts_with("#[test]") || code.contains("::test");
            continue;
        }
        let name = ["fn ", "async fn ", "pub(crate) fn ", "pub(super) fn ", "pub(crate) async fn "]
            .iter()
            .find_map(|start| code.strip_prefix(start))
            .and_then(|rest| rest.split(['(', '<']).next());
        if let Some(name) = name.filter(|_| is_test || by_macro) {
            let (names, made) = modules.entry(module.clone()).or_default();
            names.push(name.to_owned());
            *made |= by_macro;
        }
        is_test &= code.starts_with("//");
    }
}

#[test]
fn every_test_that_a_row_names_exists() {
    let modules = functions();
    let rows = rows(&fs::read_to_string(page()).unwrap());
    assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), (1..=254).collect::<Vec<_>>());
    let mut dead = Vec::new();
    for row in &rows {
        let works = row.column() <= 1;
        if works == row.tests.is_empty() {
            dead.push(format!("row {}: only what works, at least partly, names tests", row.number));
        }
        for test in &row.tests {
            let (module, name) = test.rsplit_once("::").unwrap_or(("", test));
            let has = |path: &str, by_macro: bool| {
                modules.get(path).is_some_and(|(names, made)| {
                    (*made || !by_macro) && names.iter().any(|known| known == name)
                })
            };
            // A macro makes the tests of a contract in a module below its own.
            let above = module.rsplit_once("::").map_or("", |(above, _)| above);
            if !has(module, false) && !has(above, true) {
                dead.push(format!("row {}: there is no test {test}", row.number));
            }
        }
    }
    assert_eq!(dead, [""; 0], "{}", dead.join("\n"));
}

#[test]
fn the_numbers_at_the_top_are_those_of_the_rows() {
    let text = fs::read_to_string(page()).unwrap();
    let rows = rows(&text);
    let line = |title: &str, counts: &dyn Fn(&Row) -> bool| {
        let mut numbers = [0; 4];
        for row in rows.iter().filter(|row| counts(row)) {
            numbers[row.column()] += 1;
        }
        let all: u32 = numbers.iter().sum();
        let [works, partly, later, not] = numbers;
        format!("| {title} | {works} | {partly} | {later} | {not} | {all} |\n")
    };
    let made = [
        line("Core, rows 1 to 156", &|row| row.core && row.number <= 156),
        line("Core, all rows", &|row| row.core),
        line("All, rows 1 to 156", &|row| row.number <= 156),
        line("All", &|_| true),
    ]
    .concat();
    let start = text.find("| Core, rows 1 to 156").unwrap();
    let end = start + text[start..].find("\n\n").unwrap() + 1;
    if std::env::var_os("MUSTER_REWRITE").is_some() {
        fs::write(page(), format!("{}{made}{}", &text[..start], &text[end..])).unwrap();
    }
    let text = fs::read_to_string(page()).unwrap();
    assert!(
        text.contains(&made),
        "docs/parity.md counts otherwise; run this test with MUSTER_REWRITE=1:\n{made}"
    );
}

#[test]
fn tests_are_found_by_their_module_and_only_tests_are() {
    let mut modules = BTreeMap::new();
    let text =
        "#[test]\nfn outer() {}\nfn helper() {}\nmod tests {\n    /// x\n    #[test]\n    fn inner() {}\n}\n";
    read(&mut modules, "a::b", text);
    assert_eq!(modules["a::b"].0, ["outer"]);
    assert_eq!(modules["a::b::tests"].0, ["inner"]);
    read(&mut modules, "c", "macro_rules! x { }\nasync fn made(store: &Store) {}\n");
    assert_eq!(modules["c"], (vec!["made".to_owned()], true));
}
