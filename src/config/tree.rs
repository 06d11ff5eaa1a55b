//! The files of one revision as a value: which there are, where links lead, and which of them are configuration.
//!
//! Not here: where they come from (the adapters behind `revision`), and what they mean (`load`).
//!
//! Invariants: paths are relative to the folder that holds `muster.yaml`, with forward slashes and without `.` or `..`;
//! a symbolic link is data, followed by [`Tree::resolve`] alone and never out of the tree, so that the working tree and
//! a commit of the same content answer the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::id::Digest;

/// The file at the root of a repository that holds the Instance document.
pub const ROOT_FILE: &str = "muster.yaml";
/// How many links are followed before they count as a circle.
const MAX_LINKS: usize = 40;

/// One entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A regular file.
    File,
    /// A symbolic link, with the path it holds.
    Link(Box<str>),
    /// Something that cannot be read, and why, to fit after "it".
    Unreadable(Box<str>),
}

/// What is known of a file's content without keeping it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// Its SHA-256.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Its first bytes, up to 512.
    pub beginning: Box<[u8]>,
}

/// Where a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// A regular file, by its own path without links.
    File(Arc<str>),
    /// A folder.
    Folder,
    /// Nothing.
    Missing,
    /// Something that cannot be read, and why, to fit after "it".
    Unreadable(Box<str>),
    /// A place outside the tree.
    Leaves,
    /// A circle of links.
    Loop,
}

/// All files and links of a revision.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    files: BTreeMap<Arc<str>, Entry>,
}

impl Tree {
    /// A tree of these entries, by path.
    #[must_use]
    pub fn new(files: BTreeMap<Arc<str>, Entry>) -> Self {
        Self { files }
    }

    /// Every entry, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Entry)> {
        self.files.iter()
    }

    /// The entry at exactly this path, links not followed.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.files.get(path)
    }

    /// Names of files, links and folders that lie directly in a folder; the empty path is the root.
    #[must_use]
    pub fn names_in(&self, folder: &str) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        for (path, _) in self.below(&prefix) {
            let Some(rest) = path.strip_prefix(prefix.as_str()) else { break };
            let name = rest.split_once('/').map_or(rest, |(name, _)| name);
            if names.last() != Some(&name) {
                names.push(name);
            }
        }
        names.dedup();
        names
    }

    /// Follows `path` from the folder of the file `base`, through links, without leaving the tree.
    #[must_use]
    pub fn resolve(&self, base: &str, path: &str) -> Resolved {
        let mut done: Vec<&str> = base.split('/').collect();
        done.pop();
        // Most paths name a file without a link on the way.
        if !path.starts_with(['/', '.']) && !path.contains("//") {
            let direct = if done.is_empty() { path.to_owned() } else { format!("{}/{path}", done.join("/")) };
            if let Some((path, Entry::File)) = self.files.get_key_value(direct.as_str()) {
                return Resolved::File(Arc::clone(path));
            }
        }
        let mut links = 0;
        let mut todo: Vec<&str> = path.split('/').rev().collect();
        if path.starts_with('/') {
            return Resolved::Leaves;
        }
        while let Some(step) = todo.pop() {
            match step {
                "" | "." => continue,
                ".." => {
                    if done.pop().is_none() {
                        return Resolved::Leaves;
                    }
                    continue;
                }
                _ => done.push(step),
            }
            let here = done.join("/");
            match self.files.get_key_value(here.as_str()) {
                None if self.is_folder(&here) => {}
                None => return missing(&done, &todo),
                Some((_, Entry::Unreadable(why))) => return Resolved::Unreadable(why.clone()),
                Some((path, Entry::File)) => {
                    let is_end = todo.iter().all(|step| step.is_empty() || *step == ".");
                    return if is_end { Resolved::File(Arc::clone(path)) } else { Resolved::Missing };
                }
                Some((_, Entry::Link(target))) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Resolved::Loop;
                    }
                    if target.starts_with('/') {
                        return Resolved::Leaves;
                    }
                    done.pop();
                    todo.extend(target.split('/').rev());
                }
            }
        }
        Resolved::Folder
    }

    fn is_folder(&self, path: &str) -> bool {
        let prefix = format!("{path}/");
        self.below(&prefix).next().is_some_and(|(first, _)| first.starts_with(&prefix))
    }

    fn below<'a>(&'a self, prefix: &str) -> impl Iterator<Item = (&'a Arc<str>, &'a Entry)> {
        self.files.range::<str, _>((std::ops::Bound::Included(prefix), std::ops::Bound::Unbounded))
    }
}

/// Nothing is there; but a path that leads out says so rather than that it is missing.
fn missing(done: &[&str], todo: &[&str]) -> Resolved {
    let mut depth = done.len();
    for step in todo.iter().rev() {
        match *step {
            "" | "." => {}
            ".." => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return Resolved::Leaves,
            },
            _ => depth += 1,
        }
    }
    Resolved::Missing
}

/// Whether a file of this path is read as configuration: it ends in .yaml or .yml in any case, and neither it nor a folder above it
/// begins with a dot, as those belong to other programs.
#[must_use]
pub fn is_configuration(path: &str) -> bool {
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    ["yaml", "yml"].iter().any(|known| ending.eq_ignore_ascii_case(known)) && !is_hidden(path)
}

/// Whether a name in the path begins with a dot.
#[must_use]
pub fn is_hidden(path: &str) -> bool {
    path.split('/').any(|name| name.starts_with('.'))
}

/// Why a file could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is larger than what was asked for; nothing was read.
    #[error("the file has {0} bytes")]
    TooLarge(u64),
    /// It could not be read.
    #[error("{0}")]
    Failed(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(entries: &[(&str, &str)]) -> Tree {
        Tree::new(
            entries
                .iter()
                .map(|(path, link)| {
                    let entry = if link.is_empty() { Entry::File } else { Entry::Link((*link).into()) };
                    (Arc::from(*path), entry)
                })
                .collect(),
        )
    }

    fn file(path: &str) -> Resolved {
        Resolved::File(path.into())
    }

    #[test]
    fn paths_are_relative_to_the_file_that_names_them() {
        let tree =
            tree(&[("muster.yaml", ""), ("software/zip/software.yaml", ""), ("software/zip/install.sh", "")]);
        let base = "software/zip/software.yaml";
        assert_eq!(tree.resolve(base, "install.sh"), file("software/zip/install.sh"));
        assert_eq!(tree.resolve(base, "./../zip//install.sh"), file("software/zip/install.sh"));
        assert_eq!(tree.resolve(base, "../../muster.yaml"), file("muster.yaml"));
        assert_eq!(tree.resolve("muster.yaml", "software/zip/install.sh"), file("software/zip/install.sh"));
        assert_eq!(tree.resolve(base, ".."), Resolved::Folder);
        assert_eq!(tree.resolve(base, "nothing"), Resolved::Missing);
        assert_eq!(tree.resolve(base, "install.sh/x"), Resolved::Missing);
    }

    #[test]
    fn no_path_leads_out_of_the_tree() {
        let tree =
            tree(&[("muster.yaml", ""), ("a/b.yaml", ""), ("a/out", "../../etc"), ("a/abs", "/etc/passwd")]);
        for path in ["../../x", "/etc/passwd", "out/passwd", "abs", "nothing/../../../x"] {
            assert_eq!(tree.resolve("a/b.yaml", path), Resolved::Leaves, "{path}");
        }
    }

    #[test]
    fn links_are_followed_and_circles_are_found() {
        let tree = tree(&[
            ("a/real.sh", ""),
            ("a/link.sh", "real.sh"),
            ("folder", "a"),
            ("one", "two"),
            ("two", "one"),
            ("self", "self/x"),
        ]);
        assert_eq!(tree.resolve("x.yaml", "a/link.sh"), file("a/real.sh"));
        assert_eq!(tree.resolve("x.yaml", "folder/link.sh"), file("a/real.sh"));
        assert_eq!(tree.resolve("x.yaml", "one"), Resolved::Loop);
        assert_eq!(tree.resolve("x.yaml", "self"), Resolved::Loop);
    }

    #[test]
    fn names_in_a_folder_are_its_own_children_only() {
        let tree = tree(&[("a/b/c", ""), ("a/b/d", ""), ("a/e", ""), ("ab", "")]);
        assert_eq!(tree.names_in("a"), ["b", "e"]);
        assert_eq!(tree.names_in(""), ["a", "ab"]);
        assert_eq!(tree.names_in("zzz"), [""; 0]);
    }

    #[test]
    fn hidden_files_are_not_configuration() {
        assert!(is_configuration("a/b.yml") && is_configuration("muster.yaml"));
        assert!(!is_configuration(".github/workflows/x.yaml") && !is_configuration("a/.b.yaml"));
        assert!(!is_configuration("a/b.sh"));
    }
}
