//! The rings of docs/architecture.md hold: every module of `src` uses only what its row allows.
//!
//! It reads the sources as text, without comments, strings and tests: the paths that begin with `crate`, `self`, `super` or
//! a child module, in `use` and in code. Not here: the fenced calls of the standard library that clippy.toml names.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

/// One row of the table: a row uses itself and the rows above it.
struct Row {
    ring: &'static str,
    /// Paths below `crate`; a module belongs to the row that names the longest part of its path.
    modules: &'static [&'static str],
    must_not: &'static str,
    /// Words that the row's code may not hold.
    words: &'static [&'static str],
    /// Whether the modules of the row may not use each other.
    apart: bool,
}

/// Reaching out of the program, and waiting.
const OUTSIDE: &[&str] = &[
    "tokio",
    "git2",
    "sqlx",
    "russh",
    "reqwest",
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "print!",
    "println!",
    "eprint!",
    "eprintln!",
    "dbg!",
];
/// Printing.
const PRINTING: &[&str] = &["print!", "println!", "eprint!", "eprintln!", "dbg!"];
/// Reaching out of the program other than through a seam or a writer.
const NO_ACCESS: &[&str] = &[
    "git2",
    "sqlx",
    "russh",
    "reqwest",
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "print!",
    "println!",
    "eprint!",
    "eprintln!",
    "dbg!",
];

/// The table, from the inside out. docs/architecture.md shows the same rows; `MUSTER_REWRITE=1` writes them there.
const ROWS: &[Row] = &[
    Row {
        ring: "0 base",
        modules: &["id", "time", "secret", "diagnostic"],
        must_not: "do I/O, be async, print, read the clock or the environment",
        words: OUTSIDE,
        apart: false,
    },
    Row {
        ring: "1 nouns",
        modules: &[
            "config",
            "config::address",
            "config::kind",
            "config::model",
            "config::safety",
            "config::tree",
            "inventory",
            "inventory::facts",
            "inventory::item",
            "inventory::known",
            "inventory::pattern",
            "inventory::relations",
            "inventory::snapshot",
            "version",
            "policy::language",
            "policy::verdict",
            "plan::document",
            "plan::procedure",
            "session",
            "session::script",
            "session::stage",
            "session::maintenance",
            "session::event",
        ],
        must_not: "the same",
        words: OUTSIDE,
        apart: false,
    },
    Row {
        ring: "2 decisions: configuration and scripts",
        modules: &[
            "config::spanned",
            "config::de",
            "config::parse",
            "config::conflict",
            "config::lock",
            "config::document",
            "config::format",
            "config::edit",
            "config::parallel",
            "config::check",
            "config::schema",
            "config::shipped",
            "inventory::believe",
            "import",
            "config::resource",
            "inventory::identify",
            "version::source",
            "session::bundle",
            "session::envelope",
            "session::redact",
            "session::frame",
            "session::collect",
            "session::powershell",
            "remote",
        ],
        must_not: "the same",
        words: OUTSIDE,
        apart: false,
    },
    Row {
        ring: "2 decisions: targets",
        modules: &["targets"],
        must_not: "the same",
        words: OUTSIDE,
        apart: false,
    },
    Row {
        ring: "2 decisions: plans",
        modules: &["plan", "remote::standing", "session::verify", "session::aftermath"],
        must_not: "the same",
        words: OUTSIDE,
        apart: false,
    },
    Row {
        ring: "2 decisions: policies",
        modules: &["policy"],
        must_not: "the same",
        words: OUTSIDE,
        apart: false,
    },
    Row {
        ring: "2 decisions: upkeep",
        modules: &["upkeep"],
        must_not: "the same",
        words: OUTSIDE,
        apart: false,
    },
    Row {
        ring: "3 seams",
        modules: &[
            "fetch",
            "payload",
            "provider",
            "directory",
            "psa",
            "store",
            "config::revision",
            "session::secrets",
            "session::host",
            "upkeep::database",
        ],
        must_not: "the same; name an adapter",
        words: OUTSIDE,
        apart: false,
    },
    Row {
        ring: "4 adapters: what they share",
        modules: &[
            "config::objects",
            "http::api",
            "provider::shell",
            "provider::page",
            "provider::queued",
            "provider::link",
            "provider::totp",
            "store::format",
            "store::row",
            "store::file",
            "store::lock",
            "store::memory",
        ],
        must_not: "decide; print",
        words: PRINTING,
        apart: false,
    },
    Row {
        ring: "4 adapters",
        modules: &[
            "host",
            "http",
            "payload::folder",
            "provider::local",
            "provider::host",
            "provider::ssh",
            "provider::screenconnect",
            "provider::simulated",
            "provider::automate",
            "provider::connectwise_rmm",
            "directory::simulated",
            "psa::simulated",
            "store::sqlite",
            "config::git",
            "config::worktree",
            "upkeep::session_db",
        ],
        must_not: "decide; print; use each other",
        words: PRINTING,
        apart: true,
    },
    Row {
        ring: "5 drivers",
        modules: &[
            "config::load",
            "import::gather",
            "inventory::clients",
            "inventory::collect",
            "inventory::examine",
            "inventory::failures",
            "inventory::policies",
            "version::update",
            "payload::supply",
            "payload::send",
            "inventory::queries",
            "inventory::recognise",
            "session::control",
            "session::prepare",
            "session::detect",
            "session::execute",
            "session::locks",
            "session::route",
            "session::quiet",
            "session::stamp",
            "session::dispatcher",
            "session::recover",
            "session::remember",
            "upkeep::clean",
        ],
        must_not: "name an adapter; print; reach out other than through a seam",
        words: NO_ACCESS,
        apart: false,
    },
    Row {
        ring: "6 view",
        modules: &["report"],
        must_not: "decide; do I/O beyond the writer it is given; name an adapter or a driver",
        words: OUTSIDE,
        apart: false,
    },
    Row {
        ring: "7 shell",
        modules: &["cli", "main"],
        must_not: "hold rules of the domain; name an adapter outside cli::context (cli::error knows their errors)",
        words: &[],
        apart: false,
    },
];

/// What breaks a rule today: the module, what it uses, since when, and why. Shrinks only.
const EXCEPTIONS: &[(&str, &str, &str, &str)] = &[];

const ADAPTERS: &str = "4 adapters";
const DRIVERS: &str = "5 drivers";

/// The row of a path below `crate`, and the entry that it belongs to.
fn row(path: &str) -> Option<(usize, &'static str)> {
    let is_below =
        |module: &str| path == module || path.strip_prefix(module).is_some_and(|rest| rest.starts_with("::"));
    let entries =
        ROWS.iter().enumerate().flat_map(|(at, row)| row.modules.iter().map(move |module| (at, *module)));
    entries.filter(|(_, module)| is_below(module)).max_by_key(|(_, module)| module.len())
}

/// What is wrong with one file: `module` is its path below `crate`, `modules` are all.
fn faults(module: &str, source: &str, modules: &BTreeSet<String>) -> BTreeSet<String> {
    let code = code(source);
    let mut faults = BTreeSet::new();
    let Some((from, own)) = row(module) else {
        return BTreeSet::from([format!("{module} stands in no row")]);
    };
    for word in ROWS[from].words {
        if holds(&code, word) {
            faults.insert(format!("{module} ({}) holds {word}", ROWS[from].ring));
        }
    }
    for path in paths(module, &code, modules) {
        let Some((to, other)) = row(&path) else { continue };
        let (ring, its) = (ROWS[from].ring, ROWS[to].ring);
        let may = match (ring, its) {
            _ if to > from => false,
            (ADAPTERS, ADAPTERS) => !ROWS[from].apart || own == other,
            ("7 shell", _) if its.starts_with(ADAPTERS) => match module {
                "cli::context" => true,
                "cli::error" => path.ends_with("Error"),
                _ => false,
            },
            ("6 view", DRIVERS) => false,
            _ => !its.starts_with(ADAPTERS) || ring.starts_with(ADAPTERS),
        };
        if !may {
            faults.insert(format!("{module} ({ring}) uses {path} ({its})"));
        }
    }
    faults
}

/// Whether the code holds a word that is not part of a longer one.
fn holds(code: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    // `a::{b, c}` is told from its paths below; here it is enough to see `a::b` and the name of a crate.
    let spread = word.split_once("::").map(|(first, last)| (format!("{first}::{{"), last));
    let plain = code.match_indices(word).any(|(at, _)| {
        let ends = word.ends_with('!') || !code[at + word.len()..].starts_with(part);
        ends && !code[..at].ends_with(part)
    });
    plain
        || spread.is_some_and(|(open, last)| {
            code.match_indices(&open).any(|(at, _)| {
                let inside = &code[at + open.len()..];
                inside[..inside.find(';').unwrap_or(inside.len())]
                    .split(|c: char| !part(c))
                    .any(|name| name == last)
            })
        })
}

/// The code of a source: no comments, no texts, nothing that stands below `#[cfg(test)]`.
fn code(source: &str) -> String {
    without_tests(&without_texts(source))
}

fn without_texts(source: &str) -> String {
    let mut code = String::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let taken = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(hashes) = raw_text(rest, &code) {
            let close = format!("\"{}", "#".repeat(hashes));
            let start = rest.find('"').unwrap_or_default() + 1;
            rest[start..].find(&close).map_or(rest.len(), |end| start + end + close.len())
        } else if first == '"' {
            let mut escaped = false;
            let end = rest[1..].find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            end.map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = character(rest) {
            length
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        code.push(' ');
        rest = &rest[taken..];
    }
    code
}

/// How many hashes a raw text that begins here has.
fn raw_text(rest: &str, before: &str) -> Option<usize> {
    if before.ends_with(|c: char| c.is_alphanumeric() || c == '_') && !before.ends_with('b') {
        return None;
    }
    let hashes = rest.strip_prefix('r')?;
    let text = hashes.trim_start_matches('#');
    text.starts_with('"').then(|| hashes.len() - text.len())
}

/// How long a character literal that begins here is; a lifetime is none.
fn character(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('\'')?;
    if inside.starts_with('\\') {
        return inside[2..].find('\'').map(|end| end + 4);
    }
    let first = inside.chars().next()?;
    inside[first.len_utf8()..].starts_with('\'').then(|| first.len_utf8() + 2)
}

fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut kept = String::new();
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        kept.push_str(&rest[..at]);
        rest = &rest[at + MARK.len()..];
        // What follows ends with its block, or with a semicolon before one.
        let end = match (rest.find(';'), rest.find('{')) {
            (Some(semicolon), Some(open)) if semicolon < open => semicolon + 1,
            (_, Some(open)) => {
                let mut depth = 0_usize;
                let end = rest[open..].find(|c| {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        _ => {}
                    }
                    depth == 0
                });
                end.map_or(rest.len(), |end| open + end + 1)
            }
            (Some(semicolon), None) => semicolon + 1,
            (None, None) => rest.len(),
        };
        rest = &rest[end..];
    }
    kept.push_str(rest);
    kept
}

/// The paths below `crate` that the code of a module names.
fn paths(module: &str, code: &str, modules: &BTreeSet<String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let mut at = 0;
    while let Some(next) = code[at..].find(|c: char| c.is_alphabetic() || c == '_') {
        let start = at + next;
        let length = code[start..].find(|c| !part(c)).unwrap_or(code.len() - start);
        let word = &code[start..start + length];
        at = start + length;
        let before = code[..start].trim_end();
        let declares = before.ends_with("mod") || before.ends_with("::") || before.ends_with('.');
        let begins = match word {
            "crate" => Some(String::new()),
            "self" => Some(module.to_owned()),
            "super" => Some(parent(module).to_owned()),
            _ => {
                let child = join(module, word);
                modules.contains(&child).then_some(child)
            }
        };
        let declares = declares || before.ends_with("(in");
        if let Some(begins) = begins
            && !declares
            && code[at..].trim_start().starts_with("::")
        {
            let tree = code[at..].trim_start();
            tree_of(&begins, &tree[2..], &mut found);
        }
    }
    found.remove("");
    found.retain(|path| path != module);
    found
}

/// Adds the paths of what follows `base::`: a name and what follows it, a group, or a star. Gives what is left.
fn tree_of<'a>(base: &str, text: &'a str, found: &mut BTreeSet<String>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut group) = text.strip_prefix('{') {
        loop {
            group = group.trim_start();
            if let Some(rest) = group.strip_prefix('}') {
                return rest;
            }
            if let Some(rest) = group.strip_prefix(',') {
                group = rest;
                continue;
            }
            let left = tree_of(base, group, found);
            if left.len() == group.len() {
                return left;
            }
            group = left;
        }
    }
    let length = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (word, rest) = text.split_at(length);
    let path = match word {
        "" => {
            found.insert(base.to_owned());
            return text.strip_prefix('*').unwrap_or(text);
        }
        "self" => base.to_owned(),
        "super" => parent(base).to_owned(),
        _ => join(base, word),
    };
    if let Some(deeper) = rest.trim_start().strip_prefix("::") {
        let deeper = deeper.trim_start();
        if deeper.starts_with('<') {
            found.insert(path);
            return deeper;
        }
        return tree_of(&path, deeper, found);
    }
    found.insert(path);
    match rest.trim_start().strip_prefix("as ") {
        Some(renamed) => renamed.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'),
        None => rest,
    }
}

fn parent(module: &str) -> &str {
    module.rsplit_once("::").map_or("", |(parent, _)| parent)
}

fn join(base: &str, name: &str) -> String {
    if base.is_empty() { name.to_owned() } else { format!("{base}::{name}") }
}

/// Every file of `src` by its module, without files that only tests have.
fn sources() -> BTreeMap<String, String> {
    let mut sources = BTreeMap::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut sources);
    let of_tests: Vec<String> = sources
        .iter()
        .flat_map(|(module, source)| {
            let text = without_texts(source);
            let marked: Vec<&str> = text.split("#[cfg(test)]").skip(1).collect();
            marked
                .into_iter()
                .filter_map(|after| after.split_once(';').map(|(item, _)| item.to_owned()))
                .filter_map(|item| item.rsplit_once("mod ").map(|(_, name)| join(module, name.trim())))
                .collect::<Vec<_>>()
        })
        .collect();
    sources.retain(|module, _| {
        !of_tests.iter().any(|test| module == test || module.starts_with(&format!("{test}::")))
    });
    sources.remove("");
    sources
}

fn collect(folder: &Path, module: &str, sources: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            collect(&path, &join(module, &stem), sources);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let name = if stem == "mod" || stem == "lib" { module.to_owned() } else { join(module, &stem) };
            sources.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_module_uses_only_what_its_ring_allows() {
    let sources = sources();
    let modules: BTreeSet<String> = sources.keys().cloned().collect();
    assert!(modules.len() > 150, "{} modules", modules.len());
    let mut found: BTreeSet<String> = BTreeSet::new();
    for (module, source) in &sources {
        found.extend(faults(module, source, &modules));
    }
    let is_excepted = |fault: &String, (module, used, _, _): &(&str, &str, &str, &str)| {
        fault.starts_with(&format!("{module} (")) && fault.contains(used)
    };
    for exception in EXCEPTIONS {
        assert!(
            found.iter().any(|fault| is_excepted(fault, exception)),
            "not needed any more: {exception:?}"
        );
    }
    found.retain(|fault| !EXCEPTIONS.iter().any(|exception| is_excepted(fault, exception)));
    assert!(found.is_empty(), "{}", found.into_iter().collect::<Vec<_>>().join("\n"));
}

#[test]
fn every_module_of_the_table_exists() {
    let sources = sources();
    for module in ROWS.iter().flat_map(|row| row.modules) {
        assert!(sources.contains_key(*module), "there is no module {module}");
    }
}

/// The table as docs/architecture.md shows it.
fn table() -> String {
    let mut table = "| Ring | Modules | Must not |\n|---|---|---|\n".to_owned();
    for row in ROWS {
        let modules: Vec<String> = row.modules.iter().map(|module| format!("`{module}`")).collect();
        _ = writeln!(table, "| {} | {} | {} |", row.ring, modules.join(", "), row.must_not);
    }
    table
}

#[test]
fn the_architecture_shows_the_same_table() {
    const START: &str = "| Ring | Modules |";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md");
    let text = fs::read_to_string(&file).unwrap();
    let start = text.find(START).unwrap();
    let end = text[start..].find("\n\n").map_or(text.len(), |end| start + end + 1);
    if std::env::var_os("MUSTER_REWRITE").is_some() {
        fs::write(&file, format!("{}{}{}", &text[..start], table(), &text[end..])).unwrap();
    } else {
        assert_eq!(&text[start..end], table(), "run this test with MUSTER_REWRITE=1");
    }
}

/// What is wrong with a made-up file.
fn wrong(module: &str, source: &str) -> Vec<String> {
    static MODULES: LazyLock<BTreeSet<String>> = LazyLock::new(|| sources().into_keys().collect());
    faults(module, source, &MODULES).into_iter().collect()
}

#[test]
fn a_lower_ring_that_uses_a_higher_one_is_found() {
    assert_eq!(wrong("id", "use crate::time::Limit;"), [""; 0]);
    assert_eq!(wrong("id", "use crate::plan::document::Plan;").len(), 1);
    assert_eq!(wrong("version", "use crate::targets;").len(), 1);
    assert_eq!(wrong("targets::scope", "use crate::plan::planner::plan;").len(), 1);
    assert_eq!(wrong("config::check::order", "use crate::targets::Scope;").len(), 1);
    assert_eq!(wrong("plan::diff", "use crate::targets::Scope;"), [""; 0]);
    assert_eq!(wrong("plan::diff", "use crate::store::Store;").len(), 1);
    assert_eq!(wrong("plan::diff", "fn f() { crate::report::words::plural(1, \"x\") }").len(), 1);
    assert_eq!(wrong("session::verify", "use crate::session::execute::Executor;").len(), 1);
    assert_eq!(wrong("report::plan", "use crate::cli::exit::Exit;").len(), 1);
    assert_eq!(wrong("report::plan", "use crate::session::dispatcher::Link;").len(), 1);
}

#[test]
fn adapters_are_named_by_nobody_but_the_composition_root() {
    for adapter in
        ["provider::ssh::Ssh", "provider::local::Local", "store::sqlite::Sqlite", "config::git::GitRevision"]
    {
        let line = format!("use crate::{adapter};");
        assert_eq!(wrong("cli::context", &line), [""; 0]);
        for module in [
            "cli::command::apply",
            "session::execute",
            "config::load",
            "inventory::collect",
            "inventory::examine",
            "report",
            "cli::error",
        ] {
            assert_eq!(wrong(module, &line).len(), 1, "{module}: {line}");
        }
    }
    assert_eq!(wrong("cli::error", "use crate::config::git::GitError;"), [""; 0]);
    assert_eq!(wrong("cli::command::plan", "use crate::config::git::GitError;").len(), 1);
    assert_eq!(wrong("provider::local", "use super::ssh::Ssh;").len(), 1);
    assert_eq!(wrong("provider::ssh::auth", "use super::client::HostKeys;"), [""; 0]);
    assert_eq!(wrong("provider::ssh", "use super::shell;\nuse super::{Reader, Writer};"), [""; 0]);
}

#[test]
fn words_that_reach_out_are_found() {
    for word in [
        "tokio::spawn(x)",
        "std::fs::read(x)",
        "std::env::var(x)",
        "SystemTime::now()",
        "eprintln!(x)",
        "git2::Oid",
    ] {
        let source = format!("fn f() {{ {word} }}");
        assert_eq!(wrong("plan::diff", &source).len(), 1, "{word}");
        assert_eq!(wrong("cli::output", &source), [""; 0], "{word}");
    }
    assert_eq!(wrong("plan::diff", "use std::{collections::BTreeMap, fs};").len(), 1);
    assert_eq!(wrong("session::execute", "use tokio::sync::Semaphore;"), [""; 0]);
    assert_eq!(wrong("session::execute", "fn f() { println!() }").len(), 1);
    assert_eq!(wrong("plan::diff", "fn f() { my_tokio(x); tokio_like(y) }"), [""; 0]);
}

#[test]
fn a_module_without_a_row_is_found() {
    assert_eq!(wrong("surprise", ""), ["surprise stands in no row"]);
}

#[test]
fn comments_texts_and_tests_do_not_count() {
    let source = r##"
        //! crate::cli
        /* crate::cli::exit */
        const A: &str = "crate::cli \" crate::cli::exit";
        const B: &str = r#"crate::cli::exit"#;
        const C: [char; 3] = ['"', '\'', '{'];
        fn f<'a>(x: &'a str) {}
        #[cfg(test)]
        use crate::cli::exit::Exit;
        #[cfg(test)]
        mod tests { fn g() { if true { crate::cli::main() } } }
    "##;
    assert_eq!(wrong("id", source), [""; 0]);
    assert_eq!(wrong("id", &format!("{source} use crate::cli::exit::Exit;")).len(), 1);
}

#[test]
fn every_way_to_write_a_path_is_read() {
    let modules: BTreeSet<String> = ["a", "a::b", "a::c"].map(str::to_owned).into();
    let found = |text: &str| paths("a::b", text, &modules).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(found("use crate::x::{y, z::{self, w as v}, *};"), "x x::y x::z x::z::w");
    assert_eq!(found("use super::c::T; use super::super::q;"), "a::c::T q");
    assert_eq!(found("fn f(x: crate::x::Y<crate::z::W>) {}"), "x::Y z::W");
    assert_eq!(found("pub(in crate::cli) fn f() {}"), "");
    assert_eq!(found("self.x; x.crate_::y"), "");
    let of_a = paths("a", "pub mod b; use b::T; fn f() { c::g() }", &modules);
    assert_eq!(of_a.into_iter().collect::<Vec<_>>(), ["a::b::T", "a::c::g"]);
}
