//! Text to a lock, with everything that is wrong with it.
//!
//! Invariant: a lock is given only when nothing in the file is wrong, so that no plan rests on half of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{FORMAT, Lock, LockFile, LockedPayload};
use crate::config::address::{is_file_name, web_address};
use crate::config::spanned::{self, LineIndex, Node};
use crate::config::{conflict, de};
use crate::diagnostic::{Finding, Findings, Place, code};
use crate::id::Name;
use crate::version;

/// What to do about a file that cannot be used.
const HELP: &str = "take the committed version of the file (git checkout HEAD -- muster.lock), or delete the file where none \
                    was committed; then run `muster update`, which asks the sources again";

/// An error with how to get the file back.
fn with_help(finding: Finding) -> Finding {
    if finding.is_error() { finding.help(HELP) } else { finding }
}

/// Reads a lock file.
#[must_use]
pub fn read(file: &Arc<str>, text: &str) -> (Option<Lock>, Findings) {
    let mut findings = Findings::new();
    let broken = |message: &str, place: Place| Finding::new(code::LOCK_BROKEN, message, place).help(HELP);
    if let Some(place) = conflict::place(file, text) {
        let finding = Finding::new(code::LOCK_BROKEN, "a merge conflict is not resolved", place);
        findings.push(
            finding.help(
                "take one side of the whole file (git checkout --ours muster.lock, or --theirs), then run `muster update`",
            ),
        );
        return (None, findings);
    }
    let (nodes, read) = spanned::read(file, text);
    // Nobody writes this file by hand, so what is wrong with it is not mended by hand either.
    findings.extend(read.into_iter().map(with_help));
    let [node] = nodes.as_slice() else {
        if !findings.has_errors() {
            findings.push(broken("the lock file is not one document", Place::file(file)));
        }
        return (None, findings);
    };
    let lines = LineIndex::new();
    let place = |node: &Node| lines.place(file, text, node.range());
    if let Some(format) = node.at("/format")
        && let Some(written) = format.source_text()
        && written.parse::<u32>().is_ok_and(|format| format != FORMAT)
    {
        let message = format!("the lock file is of the form {written}, and this release reads {FORMAT}");
        let finding = Finding::new(code::LOCK_BROKEN, message, place(format));
        findings.push(
            finding.help(
                "delete the file and run `muster update`, which asks the sources again and writes it anew; look at what moved \
                 (git diff muster.lock) before you commit it. A file of a newer form is read by the release of Muster that \
                 wrote it",
            ),
        );
        return (None, findings);
    }
    let mut strange = Findings::new();
    let content = de::from_node_with::<LockFile>(file, text, &lines, node, &mut strange);
    findings.extend(strange.into_iter().map(with_help));
    let Some(content) = content else {
        return (None, findings);
    };
    let mut lock = Lock::default();
    let entries = node.at("/software").and_then(Node::entries).unwrap_or_default();
    for entry in entries {
        let Ok(name) = Name::new(&entry.key) else { continue };
        lock.places.insert(name, lines.place(file, text, entry.key_range()));
    }
    for (name, locked) in &content.software {
        let place = || lock.places.get(name).cloned().unwrap_or_else(|| Place::file(file));
        if !locked.is_intact(name) {
            let message = format!(
                "the entry of `{name}` was edited, is a mixture of two, or is that of another software"
            );
            let finding = Finding::new(code::LOCK_EDITED, message, place());
            findings.push(finding.help(HELP));
        }
        let mut versions = BTreeSet::new();
        for release in &locked.releases {
            if !versions.insert(&release.version) {
                findings.push(broken(
                    &format!("the version {:?} of `{name}` is there twice", release.version),
                    place(),
                ));
            }
            if !version::is_plain(&release.version) {
                findings.push(broken(
                    &format!(
                        "a version of `{name}` holds control characters or is longer than {} characters",
                        version::LONGEST
                    ),
                    place(),
                ));
            }
            if release.payloads.is_empty() {
                findings.push(broken(
                    &format!("the version {:?} of `{name}` has no file", release.version),
                    place(),
                ));
            }
            for LockedPayload { url, file_name, .. } in &release.payloads {
                if let Err(why) = web_address(url) {
                    findings.push(broken(&format!("an address of `{name}` {why}"), place()));
                }
                if !is_file_name(file_name) {
                    findings.push(broken(
                        &format!("{file_name:?} is not the name of a file on every system"),
                        place(),
                    ));
                }
            }
        }
    }
    lock.software = content.software;
    if findings.has_errors() { (None, findings) } else { (Some(lock), findings) }
}
