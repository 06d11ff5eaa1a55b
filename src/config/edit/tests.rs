#![expect(clippy::disallowed_methods, reason = "reads the corpus of valid configurations")]

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::config::spanned::NodeKind;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn of(tenant: &str, path: &str, change: Change) -> Edit {
    Edit { kind: Kind::Tenant, name: name(tenant), path: path.to_owned(), change }
}

fn company(id: &str, called: &str) -> Value {
    Value::map([("id", Value::text(id)), ("name", Value::text(called))])
}

/// The new text, which is read with the head of a tenant `a` before what is given.
fn edited(spec: &str, path: &str, change: Change) -> Result<String, EditError> {
    let head = "apiVersion: muster/v1\nkind: Tenant\nmetadata: { name: a, title: \"A b\" }\n";
    let head = if spec.contains('\r') { head.replace('\n', "\r\n") } else { head.to_owned() };
    let new = edit(&format!("{head}{spec}"), &[of("a", path, change)])?;
    Ok(new.strip_prefix(&head).map_or_else(|| new.clone(), str::to_owned))
}

#[test]
fn an_entry_is_put_where_the_list_is_and_in_its_style() {
    let add =
        |spec: &str| edited(spec, "/spec/clients/rmm", Change::Append(company("7", "Contoso"))).unwrap();
    for (before, after) in [
        ("spec: {}\n", "spec:\n  clients:\n    rmm:\n      - { id: '7', name: Contoso }\n"),
        ("spec: {} # none\n", "spec: # none\n  clients:\n    rmm:\n      - { id: '7', name: Contoso }\n"),
        ("spec: {}", "spec:\n  clients:\n    rmm:\n      - { id: '7', name: Contoso }"),
        ("spec: { tags: [b] }\n", "spec: { tags: [b], clients: { rmm: [{ id: '7', name: Contoso }] } }\n"),
        (
            "spec:\n  tags: [b] # of it\n  # the end\n",
            "spec:\n  tags: [b] # of it\n  clients:\n    rmm:\n      - { id: '7', name: Contoso }\n  # the end\n",
        ),
        (
            "spec:\n  clients:\n    rmm: [{ id: '1' }, ]\n",
            "spec:\n  clients:\n    rmm: [{ id: '1' }, { id: '7', name: Contoso }, ]\n",
        ),
        (
            "spec:\n  clients:\n    rmm:\n    - id: '1'\n      name: B # b\n\n  mode: audit\n",
            "spec:\n  clients:\n    rmm:\n    - id: '1'\n      name: B # b\n    - id: '7'\n      name: Contoso\n\n  mode: audit\n",
        ),
        (
            "spec:\n  clients:\n    other:\n      - name: B\n",
            "spec:\n  clients:\n    other:\n      - name: B\n    rmm:\n      - { id: '7', name: Contoso }\n",
        ),
        (
            "spec:\r\n  tags: [b]\r\n",
            "spec:\r\n  tags: [b]\r\n  clients:\r\n    rmm:\r\n      - { id: '7', name: Contoso }\r\n",
        ),
    ] {
        assert_eq!(add(before), after, "{before}");
    }
}

#[test]
fn a_text_is_put_in_place_of_another_with_the_quotes_it_needs() {
    let set = |spec: &str, path: &str, text: &str| edited(spec, path, Change::Set(text.to_owned())).unwrap();
    let spec = "spec:\n  clients: { rmm: [{ id: '7', name: Old }] } # known\n";
    let at = "/spec/clients/rmm/0/name";
    assert_eq!(
        set(spec, at, "O'Neil, Ltd: #1"),
        "spec:\n  clients: { rmm: [{ id: '7', name: 'O''Neil, Ltd: #1' }] } # known\n"
    );
    assert_eq!(
        set(spec, at, "a\tb"),
        "spec:\n  clients: { rmm: [{ id: '7', name: \"a\\U00000009b\" }] } # known\n"
    );
    assert!(set("spec: {}\n", "/metadata/title", "C, d").contains("{ name: a, title: \"C, d\" }\n"));
    let block = "spec:\n  clients:\n    rmm:\n      - id: '7'\n";
    assert_eq!(set(block, at, "no"), "spec:\n  clients:\n    rmm:\n      - id: '7'\n        name: 'no'\n");
}

#[test]
fn what_goes_takes_what_becomes_empty_with_it_and_leaves_comments() {
    let gone = |spec: &str, path: &str| edited(spec, path, Change::Remove).unwrap();
    let at = "/spec/clients/rmm/0";
    for (before, after) in [
        ("spec:\n  clients:\n    rmm: [{ id: '7' }]\n", "spec: {}\n"),
        ("spec: { clients: { rmm: [{ id: '7' }] } }\n", "spec: {}\n"),
        ("spec: { mode: audit, clients: { rmm: [{ id: '7' }] } }\n", "spec: { mode: audit }\n"),
        (
            "spec: { clients: { rmm: [{ id: '7' }], b: [{ id: '1' }] } }\n",
            "spec: { clients: { b: [{ id: '1' }] } }\n",
        ),
        (
            "spec:\n  # first\n  clients:\n    rmm:\n      # of it\n      - id: '7'\n        # inside\n        name: X # after\n  mode: audit\n",
            "spec:\n  # first\n      # of it\n        # inside\n  mode: audit\n",
        ),
        (
            "spec:\n  clients:\n    rmm:\n      - id: '7'\n      - id: '8'\n",
            "spec:\n  clients:\n    rmm:\n      - id: '8'\n",
        ),
    ] {
        assert_eq!(gone(before, at), after, "{before}");
    }
}

#[test]
fn what_cannot_be_edited_is_left_as_it_is_and_told() {
    let at = "/spec/clients/rmm";
    let add = |spec: &str, path: &str| edited(spec, path, Change::Append(company("7", "C")));
    let shared = "spec:\n  clients:\n    b: &list [{ id: '1' }]\n    rmm: *list\n";
    assert!(matches!(add(shared, at), Err(EditError::Shape(_))));
    assert_eq!(
        add(shared, "/spec/clients/b"),
        Err(EditError::Meaning),
        "it would change what `rmm` says too"
    );
    assert!(matches!(add("spec:\n  clients: x\n", at), Err(EditError::Shape(_))));
    assert_eq!(add("spec: [\n", at), Err(EditError::Unreadable));
    let folded = "spec:\n  clients:\n    rmm:\n      - name: >-\n          Old\n          name\n";
    let set = edited(folded, "/spec/clients/rmm/0/name", Change::Set("New".to_owned()));
    assert!(matches!(set, Err(EditError::Shape(_))));
    let other = edit(
        "apiVersion: muster/v1\nkind: Tenant\nmetadata: { name: a }\nspec: {}\n",
        &[of("b", at, Change::Remove)],
    );
    assert_eq!(other, Err(EditError::NoDocument));
    assert!(edited("spec:\n  tags: [a]\n", "/spec/clients/rmm/0", Change::Remove).is_err());
}

#[test]
fn thousands_of_documents_of_one_file_are_edited_at_once() {
    let document = |at: usize| {
        format!("apiVersion: muster/v1\nkind: Tenant\nmetadata: {{ name: t-{at} }}\nspec: {{}} # {at}\n")
    };
    let text = (0..1_000).map(document).collect::<Vec<_>>().join("---\n");
    let edits: Vec<Edit> = (0..1_000)
        .map(|at| of(&format!("t-{at}"), "/spec/clients/rmm", Change::Append(company(&at.to_string(), "C"))))
        .collect();
    let new = edit(&text, &edits).unwrap();
    let first = "spec: # 0\n  clients:\n    rmm:\n      - { id: '0', name: C }\n---\n";
    assert!(new.contains(first), "{}", &new[..200]);
    assert_eq!(new.matches("name: C }").count(), 1_000);
    let twice = format!("{text}---\n{}", document(7));
    assert_eq!(edit(&twice, &edits), Err(EditError::NoDocument), "nobody knows which one is meant");
}

#[test]
fn documents_are_put_at_the_end() {
    let one =
        document(Some("new"), "Tenant", &Value::map([("name", Value::text("a"))]), &Value::Map(Vec::new()));
    assert_eq!(one, "# new\napiVersion: muster/v1\nkind: Tenant\nmetadata: { name: a }\nspec: {}\n");
    assert_eq!(append("", &[one.clone()]).unwrap(), one);
    let crlf = append("a: 1\r\nb: x", &["c: 2\n".to_owned()]);
    assert_eq!(crlf.unwrap(), "a: 1\r\nb: x\r\n---\r\nc: 2\r\n");
    let block = append("b: |\n  x", &["c: 2\n".to_owned()]);
    assert_eq!(block, Err(EditError::Meaning), "the text of the block would get a line end");
    assert_eq!(
        append("a: 1", &["b: 2\n".to_owned(), "c: 3\n".to_owned()]).unwrap(),
        "a: 1\n---\nb: 2\n---\nc: 3\n"
    );
}

#[test]
fn a_key_is_found_on_its_line() {
    let text = "apiVersion: muster/v1\nkind: Tenant\nmetadata: { name: a }\nspec:\n  clients:\n    rmm:\n      - id: '7'\n";
    let tenant = name("a");
    let at = |path| (Kind::Tenant, &tenant, path);
    let found = find(text, &[at("/spec/clients/rmm/0"), at("/spec/clients/rmm/1"), at("/spec/clients")]);
    let found: Vec<_> = found.into_iter().map(|range| range.map(|range| &text[range])).collect();
    assert_eq!(found, [Some("id: '7'"), None, Some("clients")]);
}

static CORPUS: std::sync::LazyLock<Vec<(String, String, Vec<Name>)>> = std::sync::LazyLock::new(corpus);

/// Every file of the valid corpus that holds tenants, with their names.
fn corpus() -> Vec<(String, String, Vec<Name>)> {
    fn walk(folder: &Path, all: &mut Vec<(String, String, Vec<Name>)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, all);
            } else if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
                let Ok(text) = std::fs::read_to_string(&path) else { continue };
                let Ok(nodes) = read(&text) else { continue };
                let tenants =
                    nodes.iter().filter(|node| node.at("/kind").and_then(Node::as_str) == Some("Tenant"));
                let names = tenants.filter_map(|node| node.at("/metadata/name")?.source_text());
                let names: Vec<Name> = names.filter_map(|text| Name::new(text).ok()).collect();
                if !names.is_empty() {
                    all.push((path.display().to_string(), text, names));
                }
            }
        }
    }
    let mut all = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    walk(&root.join("tests/config/valid"), &mut all);
    walk(&root.join("examples"), &mut all);
    all
}

/// The text in other clothes: other line ends, a byte-order mark, no line end at the end, another document before.
fn dressed(text: &str, crlf: bool, mark: bool, open: bool, further: bool) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let text = if further { format!("# first\nfirst: [1, {{ a: b }}] # of all\n---\n{text}") } else { text };
    let text = if open { text.trim_end().to_owned() } else { text };
    let text = if crlf { text.replace('\n', "\r\n") } else { text };
    if mark { format!("\u{feff}{text}") } else { text }
}

fn comment_lines(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).filter(|line| line.starts_with('#'));
    let mut lines: Vec<String> = lines.map(str::to_owned).collect();
    lines.sort();
    lines
}

/// What all documents say, without what stands at one path of one of them.
fn but(text: &str, tenant: &Name, path: &[&str]) -> Vec<Tree> {
    fn without(tree: &mut Tree, path: &[&str]) {
        let Tree::Map(entries) = tree else { return };
        let Some((step, rest)) = path.split_first() else { return };
        if rest.is_empty() {
            entries.retain(|(key, _)| key != step);
        }
        for (_, value) in entries.iter_mut().filter(|(key, _)| key == step) {
            without(value, rest);
        }
        entries.retain(|(key, value)| key != step || *value != Tree::Map(Vec::new()) || path.len() < 2);
    }
    let nodes = read(text).unwrap();
    let at = positions(&nodes)[&("Tenant", tenant.as_str())].unwrap();
    let mut trees: Vec<Tree> = nodes.iter().map(Tree::of).collect();
    without(&mut trees[at], path);
    trees
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn everything_but_what_is_meant_stays(
        pick in any::<prop::sample::Index>(),
        who in any::<prop::sample::Index>(),
        called in "[ -~äß\t\u{2028}]{1,20}",
        (crlf, mark, open, further) in (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()),
    ) {
        let corpus = &*CORPUS;
        prop_assert!(corpus.len() > 10, "{}", corpus.len());
        let (file, text, tenants) = &corpus[pick.index(corpus.len())];
        let tenant = &tenants[who.index(tenants.len())];
        let text = dressed(text, crlf, mark, open, further);
        prop_assume!(read(&text).is_ok());
        let at = "/spec/clients/control";
        let add = of(tenant.as_str(), at, Change::Append(company("7", &called)));
        let new = match edit(&text, &[add]) {
            Ok(new) => new,
            // What is shared by an anchor is told, and not edited.
            Err(error) => {
                prop_assert!(text.contains('&'), "{file}: {error}");
                return Ok(());
            }
        };
        prop_assert_eq!(comment_lines(&new), comment_lines(&text));
        prop_assert_eq!(new.starts_with('\u{feff}'), text.starts_with('\u{feff}'));
        let path = ["spec", "clients", "control"];
        prop_assert_eq!(but(&new, tenant, &path), but(&text, tenant, &path), "{}", file);
        if crlf {
            prop_assert!(!new.replace("\r\n", "").contains('\n'), "all line ends are as they were");
        }
        // Every line that was there is there, but for the one that the entry stands on.
        let lost = text.lines().filter(|line| !new.lines().any(|other| other == *line)).count();
        prop_assert!(lost <= 1, "{file}: {lost} lines became others");

        let nodes = read(&new).unwrap();
        let node = &nodes[positions(&nodes)[&("Tenant", tenant.as_str())].unwrap()];
        let list = node.at(at).unwrap();
        let NodeKind::Sequence(items) = &list.kind else { panic!("no list") };
        let last = items.len() - 1;
        prop_assert_eq!(items[last].at("/name").and_then(Node::as_str), Some(called.as_str()));

        let renamed = edit(&new, &[of(tenant.as_str(), &format!("{at}/{last}/name"), Change::Set("Other".to_owned()))]).unwrap();
        prop_assert_eq!(comment_lines(&renamed), comment_lines(&text));
        prop_assert_eq!(but(&renamed, tenant, &path), but(&text, tenant, &path));
        let back = edit(&renamed, &[of(tenant.as_str(), &format!("{at}/{last}"), Change::Remove)]).unwrap();
        prop_assert_eq!(comment_lines(&back), comment_lines(&text));
        let trees = |text: &str| read(text).unwrap().iter().map(Tree::of).collect::<Vec<_>>();
        prop_assert_eq!(trees(&back), trees(&text), "taken out again, it says what it said");
    }
}
