//! A run as a page that needs nothing else: one file, no network, no fonts, readable on a phone and on paper.
//!
//! Not here: the numbers (`model`) and what the page shows of them (`page`, `charts`).
//!
//! Invariants: everything that users and computers named is escaped by the template engine, which escapes whatever is not
//! marked; only this crate's own style and script are not. The page's policy allows exactly those two, by their digests,
//! so that even an unescaped text could load and run nothing. Lists are cut, so the size does not grow with the fleet.

mod charts;
mod page;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use sha2::{Digest as _, Sha256};

use super::model::Model;

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Writes the page of a run.
///
/// # Errors
/// What the writer says.
pub fn write(out: &mut dyn Write, model: &Model<'_>) -> io::Result<()> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let page = page::Page::of(model, page::Frame { style: STYLE, script: SCRIPT, csp: policy() });
    let text = environment.render_named_str("page.html", TEMPLATE, Serde(&page)).map_err(io::Error::other)?;
    out.write_all(text.as_bytes())?;
    if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") }
}

/// What the page may load and run: its own style and its own script.
fn policy() -> String {
    let digest = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        digest(STYLE),
        digest(SCRIPT)
    )
}
