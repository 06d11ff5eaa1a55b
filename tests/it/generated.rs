//! Committed files that are made from the code are the same as the code makes. MUSTER_REWRITE=1 writes them anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let schemas = muster::config::schema::all();
    if std::env::var_os("MUSTER_REWRITE").is_some() {
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in &schemas {
            fs::write(folder.join(name), text).unwrap();
        }
    }
    for (name, text) in &schemas {
        let committed = fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert_eq!(&committed, text, "schemas/{name} is not up to date; run this test with MUSTER_REWRITE=1");
    }
    let there: BTreeSet<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(there, schemas.keys().cloned().collect(), "files in schemas/");
}
