//! Every Rust file and folder in `tests/it` is a module of `main.rs`.

use std::fs;
use std::path::Path;

#[test]
fn every_test_file_is_listed_in_main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let main = fs::read_to_string(folder.join("main.rs")).unwrap();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let is_module = path.extension().is_some_and(|e| e == "rs") || path.join("mod.rs").exists();
        if is_module && stem != "main" {
            assert!(main.contains(&format!("mod {stem};")), "tests/it/main.rs does not list {stem}");
        }
    }
}
