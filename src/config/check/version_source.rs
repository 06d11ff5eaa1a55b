//! Version sources: their settings can be used, their files are there, and the lock file is about them.
//!
//! Invariant: no source is contacted here; whether it answers is found out by `muster update`.

use std::collections::BTreeMap;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};

use super::software::CheckedSoftware;
use super::{Checker, LockUse};
use crate::config::document::Documents;
use crate::config::kind::{
    AptSource, GithubSource, ListSource, PageSource, VersionScheme, VersionSource, WingetRepository,
    WingetSource,
};
use crate::config::lock::{LOCK_FILE, digest_of};
use crate::config::model::Source;
use crate::config::parse::RawDocument;
use crate::config::tree::ReadError;
use crate::diagnostic::{Finding, code};
use crate::id::Name;
use crate::version::Constraint;

/// The largest list or key file of a source, in bytes.
pub const MAX_SOURCE_BYTES: u64 = 4 * 1024 * 1024;
/// The most that one compiled expression may take, in bytes.
const MAX_REGEX: usize = 1 << 20;

impl Checker<'_> {
    /// A source that can be asked; `None` when it cannot.
    pub(super) fn version_source(
        &mut self,
        raw: &RawDocument,
        scheme: VersionScheme,
        spec: &VersionSource,
    ) -> Option<Source> {
        let before = self.findings.len();
        let at = "/spec/source";
        let keys = [
            ("list", spec.list.is_some()),
            ("winget", spec.winget.is_some()),
            ("github", spec.github.is_some()),
            ("apt", spec.apt.is_some()),
            ("page", spec.page.is_some()),
            ("script", spec.script.is_some()),
        ];
        self.exactly_one(raw, at, &keys);
        if let Some(constraint) = &spec.constraint
            && let Err(error) = Constraint::parse(scheme, constraint)
        {
            self.report(code::VERSION, error.to_string(), raw.place("/spec/source/constraint"));
        }
        self.within(raw, "/spec/source/keep", spec.keep, 1, 100);
        let list = spec.list.as_ref().and_then(|list| self.list(raw, list));
        let key = spec.apt.as_ref().and_then(|apt| self.apt_repository(raw, apt));
        if let Some(winget) = &spec.winget {
            self.winget(raw, winget);
        }
        if let Some(github) = &spec.github {
            self.github(raw, github);
        }
        if let Some(page) = &spec.page {
            self.page(raw, page);
        }
        let script = spec.script.as_ref().map(|scripts| self.scripts(raw, "/spec/source/script", scripts));
        let mut said = serde_json::to_vec(spec).unwrap_or_default();
        for part in [list.as_ref().map(|text| text.as_bytes()), key.as_deref()].into_iter().flatten() {
            said.push(0);
            said.extend_from_slice(part);
        }
        for script in script.iter().flat_map(|scripts| [&scripts.posix, &scripts.windows]).flatten() {
            said.push(0);
            said.extend_from_slice(script.text.as_bytes());
        }
        let digest = digest_of(&said)?;
        let place = raw.key_place(at);
        let source = Source { spec: spec.clone(), place, digest, list, key, script };
        Some(source).filter(|_| self.findings.len() == before)
    }

    fn list(&mut self, raw: &RawDocument, list: &ListSource) -> Option<Arc<str>> {
        let keys = [("releases", list.releases.is_some()), ("file", list.file.is_some())];
        self.exactly_one(raw, "/spec/source/list", &keys);
        if let Some(releases) = &list.releases {
            self.not_empty_list(raw, "/spec/source/list/releases", releases);
            for (at, release) in releases.iter().enumerate() {
                self.address(raw, &format!("/spec/source/list/releases/{at}/url"), &release.url);
            }
        }
        let path = list.file.as_ref()?;
        self.data_file(raw, "/spec/source/list/file", path)
    }

    fn winget(&mut self, raw: &RawDocument, winget: &WingetSource) {
        let parts: Vec<&str> = winget.id.split('.').collect();
        let is_part = |part: &&str| {
            !part.is_empty()
                && !part.contains(|c: char| c.is_whitespace() || c.is_control() || "/\\".contains(c))
        };
        if parts.len() < 2 || !parts.iter().all(is_part) {
            let message = format!("{:?} is not a package's identifier", winget.id);
            let finding = Finding::new(code::SOURCE, message, raw.place("/spec/source/winget/id"));
            self.push(finding.help("write publisher and package, such as 7zip.7zip"));
        }
        let at = "/spec/source/winget/repository";
        match &winget.repository {
            Some(WingetRepository::Path(path)) => _ = self.not_empty(raw, &format!("{at}/path"), path),
            Some(WingetRepository::Url(url)) => _ = self.address(raw, &format!("{at}/url"), url),
            Some(WingetRepository::Github(github)) => {
                let at = format!("{at}/github");
                if let Some(repository) = &github.repository {
                    self.owner_and_name(raw, &format!("{at}/repository"), repository);
                }
                if let Some(api) = &github.api {
                    self.address(raw, &format!("{at}/api"), api);
                }
            }
            None => {}
        }
    }

    fn github(&mut self, raw: &RawDocument, github: &GithubSource) {
        let at = "/spec/source/github";
        self.owner_and_name(raw, &format!("{at}/repository"), &github.repository);
        self.not_empty_list(raw, &format!("{at}/assets"), &github.assets);
        for (n, asset) in github.assets.iter().enumerate() {
            self.expression_text(raw, &format!("{at}/assets/{n}/regex"), &asset.regex, false);
        }
        if let Some(tag) = &github.tag {
            self.expression_text(raw, &format!("{at}/tag"), tag, true);
        }
        if let Some(api) = &github.api {
            self.address(raw, &format!("{at}/api"), api);
        }
    }

    fn apt_repository(&mut self, raw: &RawDocument, apt: &AptSource) -> Option<Arc<[u8]>> {
        let at = "/spec/source/apt";
        self.address(raw, &format!("{at}/url"), &apt.url);
        self.not_empty(raw, &format!("{at}/suite"), &apt.suite);
        self.not_empty(raw, &format!("{at}/package"), &apt.package);
        let path = apt.key.as_ref()?;
        let pointer = format!("{at}/key");
        let file = self.file(raw, &pointer, path)?;
        let message = match self.around.files.get(&file) {
            Some(Ok(bytes)) => return Some(Arc::clone(bytes)),
            Some(Err(ReadError::TooLarge(size))) => {
                format!("`{file}` has {size} bytes, which is more than is read")
            }
            Some(Err(error)) => format!("`{file}` cannot be read: {error}"),
            None => format!("`{file}` was not read"),
        };
        self.report(code::FILE_UNREADABLE, message, raw.place(&pointer));
        None
    }

    fn page(&mut self, raw: &RawDocument, page: &PageSource) {
        let at = "/spec/source/page";
        self.address(raw, &format!("{at}/url"), &page.url);
        let regex = self.expression_text(raw, &format!("{at}/regex"), &page.regex, true);
        let has_url = regex.is_some_and(|regex| has_group(&regex, "url"));
        match &page.download {
            Some(template) => {
                let pointer = format!("{at}/download");
                if has_url {
                    let message = "the expression names the file with its group `url`";
                    let finding = Finding::new(code::SETTING, message, raw.key_place(&pointer));
                    self.push(finding.help("take `download` out, or the group"));
                }
                if template.contains("{version}") {
                    self.address(raw, &pointer, &template.replace("{version}", "1.0"));
                } else {
                    let message = "the address is the same for all versions";
                    let finding = Finding::new(code::SOURCE, message, raw.place(&pointer));
                    self.push(finding.help("write {version} where the version stands in it"));
                }
            }
            None if !has_url => {
                let message = "nothing says where the files are";
                let finding = Finding::new(code::SOURCE, message, raw.place(at));
                self.push(
                    finding.help(
                        "add `download: https://…/{version}/…`, or a group (?<url>...) to the expression",
                    ),
                );
            }
            None => {}
        }
    }

    fn owner_and_name(&mut self, raw: &RawDocument, pointer: &str, text: &str) {
        let is_word = |word: &str| {
            !word.is_empty()
                && !word.starts_with('.')
                && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
        };
        if !text.split_once('/').is_some_and(|(owner, name)| is_word(owner) && is_word(name)) {
            let message = format!("{text:?} is not a repository");
            let finding = Finding::new(code::SOURCE, message, raw.place(pointer));
            self.push(finding.help("write owner/name"));
        }
    }

    fn expression_text(
        &mut self,
        raw: &RawDocument,
        pointer: &str,
        text: &str,
        names_version: bool,
    ) -> Option<Regex> {
        if !self.not_empty(raw, pointer, text) {
            return None;
        }
        let regex = match expression(text) {
            Ok(regex) => regex,
            Err(why) => {
                self.report(code::REGEX, format!("the pattern cannot be used: {why}"), raw.place(pointer));
                return None;
            }
        };
        if names_version && !has_group(&regex, "version") {
            let message = "the expression does not say which part of what it fits is the version";
            let finding = Finding::new(code::REGEX, message, raw.place(pointer));
            self.push(finding.help("put that part into a group: (?<version>...)"));
        }
        Some(regex)
    }

    /// Entries of the lock file whose software is gone or has another source now.
    pub(super) fn stale_locks(&mut self, all: &BTreeMap<Name, CheckedSoftware<'_>>) {
        let Some(lock) = self.around.lock.filter(|_| self.around.lock_use == LockUse::Decides) else {
            return;
        };
        for (name, locked) in &lock.software {
            let declared = self.names.get(&crate::config::kind::Kind::Software);
            let is_declared = declared.is_some_and(|names| names.contains_key(name));
            let place = lock.places.get(name).cloned();
            let finding = |code, message: String| match place.clone() {
                Some(place) => Finding::new(code, message, place),
                None => Finding::without_place(code, message),
            };
            match all.get(name) {
                Some(checked) if checked.spec.source.is_none() => {
                    let message = format!("`{name}` has no source any more, and versions of it are locked");
                    self.push(
                        finding(code::LOCK_GONE, message).help("run `muster update`, which takes them out"),
                    );
                }
                Some(checked) => {
                    let source = checked.model.as_ref().and_then(|model| model.source.as_ref());
                    let Some(source) = source.filter(|source| source.digest != locked.source) else {
                        continue;
                    };
                    let message = format!("the source of `{name}` was changed after it was asked");
                    let finding = Finding::new(code::LOCK_STALE, message, source.place.clone());
                    let finding = match place {
                        Some(place) => finding.related(place, "these versions were found before"),
                        None => finding,
                    };
                    self.push(finding.help(format!("run `muster update {name}`, and commit {LOCK_FILE}")));
                }
                // One that has errors of its own may have a source.
                None if is_declared || self.around.incomplete => {}
                None => {
                    let message = format!("there is no Software `{name}`, and versions of it are locked");
                    self.push(
                        finding(code::LOCK_GONE, message).help("run `muster update`, which takes them out"),
                    );
                }
            }
        }
    }

    /// Software that nobody asked the source of yet; where a deployment needs a version, that is an error already.
    pub(super) fn never_updated(&mut self, all: &BTreeMap<Name, CheckedSoftware<'_>>) {
        if self.around.lock_use == LockUse::IsMade {
            return;
        }
        for (name, checked) in all.iter().filter(|(_, checked)| checked.is_not_locked) {
            let source = checked.model.as_ref().and_then(|model| model.source.as_ref());
            if let Some(source) = source.filter(|_| !self.asked.contains_key(name)) {
                let message = format!("{LOCK_FILE} holds no version of `{name}`");
                let finding = Finding::new(code::NEVER_UPDATED, message, source.place.clone());
                self.push(finding.help(format!("run `muster update {name}`, and commit {LOCK_FILE}")));
            }
        }
    }
}

/// Compiles an expression of a source.
///
/// # Errors
/// The first line of what is wrong with it.
pub(crate) fn expression(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text).size_limit(MAX_REGEX).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
        error => {
            error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
    })
}

fn has_group(regex: &Regex, name: &str) -> bool {
    regex.capture_names().flatten().any(|group| group == name)
}

/// The files that sources name: the file that names each, and the path as written. They are no configuration.
pub fn source_files(documents: &Documents) -> impl Iterator<Item = (&Arc<str>, &str)> {
    documents.software.iter().flat_map(|document| {
        let source = document.spec.source.as_ref();
        let list = source.and_then(|source| source.list.as_ref()).and_then(|list| list.file.as_deref());
        let key = source.and_then(|source| source.apt.as_ref()).and_then(|apt| apt.key.as_deref());
        [list, key].into_iter().flatten().map(|path| (&document.raw.file, path))
    })
}
