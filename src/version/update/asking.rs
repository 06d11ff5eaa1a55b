//! How each kind of source is asked for its versions.
//!
//! Not here: what an answer means (`version::source`), and what becomes of it (the module above).

use std::collections::BTreeMap;

use super::{Answered, UpdateError, Updater, address, plain_request, repository};
use crate::config::kind::{
    AptSource, GithubContents, GithubSource, PageSource, WingetRepository, WingetSource,
};
use crate::config::model::{Scripts, Software};
use crate::fetch::{FetchError, Request, shown};
use crate::id::AgentId;
use crate::session::script::{Bundle, Ended, Platform, Purpose, RunError, Step, Values};
use crate::version::source::{Offer, SourceError, apt, github, lines, page, plain, winget};

/// The largest page, manifest or list.
const MAX_PAGE: u64 = 32 * 1024 * 1024;
/// The largest index of an apt repository, packed.
const MAX_PACKED: u64 = 128 * 1024 * 1024;
/// What GitHub is asked for: descriptions, and the content of a file as it is.
const JSON: &str = "application/vnd.github+json";
const RAW: &str = "application/vnd.github.raw+json";
/// How much a source script may print.
const MAX_PRINTED: usize = 1024 * 1024;

impl Updater<'_> {
    pub(super) async fn page(&self, page: &PageSource) -> Result<Answered, UpdateError> {
        let answer = self.get(&plain_request(&page.url, MAX_PAGE)?).await?;
        Ok(page::offers(&page.url, &answer.url, &answer.body, page)?.into())
    }

    pub(super) async fn github(&self, source: &GithubSource) -> Result<Answered, UpdateError> {
        let rules = github::Rules::new(source).map_err(UpdateError::Choice)?;
        let token = self.token(source.token.as_ref())?;
        let api = source.api.as_deref().unwrap_or(github::API).trim_end_matches('/');
        let mut next = Some(address(&format!("{api}/repos/{}/releases?per_page=100", source.repository))?);
        let mut answered = Answered::from(Vec::new());
        let mut pages = 0;
        while let Some(url) = next.take() {
            if pages == github::MAX_PAGES {
                answered
                    .notes
                    .push(format!("only the newest {} pages of releases were read", github::MAX_PAGES));
                break;
            }
            pages += 1;
            let what = shown(&url);
            let request =
                Request { url: url.clone(), accept: Some(JSON), token: token.clone(), most: MAX_PAGE };
            let answer = self.get(&request).await?;
            let found = github::releases(&what, &answer.body, &rules)?;
            answered.offers.extend(found.offers);
            if let Some(first) = found.passed_over.first() {
                let more = found.passed_over.len().saturating_sub(1);
                let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
                answered.notes.push(format!("passed over {first}{more}"));
            }
            next = github::next_page(&what, &url, answer.headers.get("link").map(String::as_str))?;
        }
        Ok(answered)
    }

    pub(super) async fn apt(&self, source: &AptSource, key: Option<&[u8]>) -> Result<Answered, UpdateError> {
        let base = format!("{}/", source.url.trim_end_matches('/'));
        let folder = format!("{base}{}", apt::suite_folder(source));
        let (what, text) = self.release_file(&folder, key).await?;
        let release = apt::release(&what, &text, source, self.clock.now())?;
        let mut notes = Vec::new();
        if key.is_none() {
            notes.push("the signature of the repository was not checked: the source names no key".to_owned());
        }
        let usual = ["amd64".to_owned()];
        let architectures = if source.architectures.is_empty() { &usual[..] } else { &source.architectures };
        let mut all = Vec::new();
        for architecture in architectures {
            let indexes = apt::indexes(source, architecture);
            let Some(path) = indexes.iter().find(|path| release.files.contains_key(*path)) else {
                let message = format!("{what} lists no index {} and no {}", indexes[0], indexes[1]);
                return Err(SourceError::Nothing(message).into());
            };
            let url = format!("{folder}{path}");
            let answer = self.get(&plain_request(&url, MAX_PACKED)?).await?;
            let index = apt::index(&url, path, &answer.body, &release)?;
            all.push(apt::offers(&url, &index, source, &base, key.is_some())?);
        }
        let offers = apt::together(all);
        if offers.is_empty() {
            let message = format!("the repository has no package {}", source.package);
            return Err(SourceError::Nothing(message).into());
        }
        Ok(Answered { offers, notes })
    }

    /// The Release file of a suite, vouched for by one of the keys where there are some.
    async fn release_file(&self, folder: &str, key: Option<&[u8]>) -> Result<(String, Vec<u8>), UpdateError> {
        let keyring = key
            .map(|key| {
                apt::keyring(key)
                    .map_err(|why| UpdateError::Host(format!("the key file cannot be used: {why}")))
            })
            .transpose()?;
        let inline = format!("{folder}InRelease");
        let bad = |what: &str| {
            let what = what.to_owned();
            move |why| UpdateError::Signature { what, why }
        };
        match self.get(&plain_request(&inline, MAX_PAGE)?).await {
            Ok(answer) => {
                let text = match &keyring {
                    Some(keyring) => {
                        self.host.verify(&answer.body, None, keyring).await.map_err(bad(&inline))?
                    }
                    None => answer.body,
                };
                return Ok((inline, text));
            }
            Err(UpdateError::Fetch(FetchError::Status { status: 404, .. })) => {}
            Err(error) => return Err(error),
        }
        let detached = format!("{folder}Release");
        let text = self.get(&plain_request(&detached, MAX_PAGE)?).await?.body;
        let Some(keyring) = &keyring else { return Ok((detached, text)) };
        let signature = self.get(&plain_request(&format!("{detached}.gpg"), MAX_PAGE)?).await?.body;
        let signature = apt::signature(&signature).map_err(|why| bad(&detached)(why.to_owned()))?;
        let text = self.host.verify(&text, Some(&signature), keyring).await.map_err(bad(&detached))?;
        Ok((detached, text))
    }

    /// The versions of a package. What their manifests say is read for those that are chosen.
    pub(super) async fn winget(&self, source: &WingetSource) -> Result<Answered, UpdateError> {
        let folder = winget::folder(&source.id);
        let (what, names) = match repository(source) {
            WingetRepository::Path(path) => {
                let path = format!("{path}/{folder}");
                let names = self.host.folders(&path).map_err(UpdateError::Host)?;
                (path, names)
            }
            WingetRepository::Url(base) => {
                let url = format!("{}/{folder}/", base.trim_end_matches('/'));
                let answer = self.get(&plain_request(&url, MAX_PAGE)?).await?;
                let names = winget::links(&url, &answer.url, &answer.body)?;
                (url, names)
            }
            WingetRepository::Github(contents) => {
                let request = self.contents(&contents, &folder, JSON)?;
                let answer = self.get(&request).await?;
                (shown(&request.url), github::folders(&shown(&request.url), &answer.body)?)
            }
        };
        let offer = |version: String| Offer {
            version,
            prerelease: false,
            found: plain(&what),
            signed: None,
            files: Vec::new(),
        };
        let offers: Vec<Offer> =
            names.into_iter().filter(|name| winget::is_version_folder(name)).map(offer).collect();
        Ok(offers.into())
    }

    fn contents(
        &self,
        contents: &GithubContents,
        path: &str,
        accept: &'static str,
    ) -> Result<Request, UpdateError> {
        let api = contents.api.as_deref().unwrap_or(github::API).trim_end_matches('/');
        let repository = contents.repository.as_deref().unwrap_or(winget::REPOSITORY);
        let url = address(&format!("{api}/repos/{repository}/contents/{path}"))?;
        Ok(Request { url, accept: Some(accept), token: self.token(contents.token.as_ref())?, most: MAX_PAGE })
    }

    /// A version's manifest: its name and its content.
    pub(super) async fn manifest(
        &self,
        source: &WingetSource,
        version: &str,
    ) -> Result<(String, Vec<u8>), UpdateError> {
        let [usual, single] = winget::manifests(&source.id, version);
        let mut missing = None;
        for path in [usual, single] {
            let (what, found) = match repository(source) {
                WingetRepository::Path(base) => {
                    let path = format!("{base}/{path}");
                    let found = self.host.read(&path, MAX_PAGE).map_err(UpdateError::Host)?;
                    let missing = || UpdateError::Host(format!("there is no file {path}"));
                    (path.clone(), found.ok_or_else(missing))
                }
                WingetRepository::Url(base) => {
                    let url = format!("{}/{path}", base.trim_end_matches('/'));
                    let answer = self.get(&plain_request(&url, MAX_PAGE)?).await;
                    (url, answer.map(|answer| answer.body))
                }
                WingetRepository::Github(contents) => {
                    let request = self.contents(&contents, &path, RAW)?;
                    (shown(&request.url), self.get(&request).await.map(|answer| answer.body))
                }
            };
            match found {
                Ok(bytes) => return Ok((what, bytes)),
                Err(
                    error @ (UpdateError::Host(_)
                    | UpdateError::Fetch(FetchError::Status { status: 404, .. })),
                ) => missing = missing.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        Err(missing.unwrap_or_else(|| UpdateError::Host("there is no manifest".to_owned())))
    }

    pub(super) async fn script(
        &self,
        software: &Software,
        scripts: &Scripts,
    ) -> Result<Answered, UpdateError> {
        let failed = |why: String| UpdateError::Script(why);
        let script = scripts.on(self.platform).ok_or_else(|| {
            let on = if self.platform == Platform::Windows { "windows" } else { "posix" };
            failed(format!("is not written for {on}, on which Muster runs"))
        })?;
        let mut step = Step::read("source", Purpose::Collect, std::sync::Arc::clone(script), Values::new());
        step.keep = MAX_PRINTED;
        let name = software.metadata.name.as_str().to_owned();
        let environment = BTreeMap::from([("MUSTER_SOFTWARE".to_owned(), name)]);
        let bundle = Bundle::new(self.platform, vec![step], environment);
        let ran = self.local.detect(&AgentId::new("local"), &bundle).await;
        let mut ran = ran.map_err(|error: RunError| failed(error.to_string()))?;
        let Some(result) = ran.steps.remove("source") else { return Err(failed("has no result".to_owned())) };
        let said = || plain(result.stderr.trim().lines().last().unwrap_or_default());
        match &result.ended {
            Ended::Exit(0) if result.cut => Err(failed(format!("printed more than {MAX_PRINTED} bytes"))),
            Ended::Exit(0) => Ok(lines::offers(&script.origin, result.stdout.as_bytes())?.into()),
            Ended::Exit(code) if said().is_empty() => Err(failed(format!("ended with {code}"))),
            Ended::Exit(code) => Err(failed(format!("ended with {code}: {}", said()))),
            Ended::TimedOut => Err(failed("did not end within its time limit".to_owned())),
            Ended::NotStarted(why) => Err(failed(format!("did not start: {}", plain(why)))),
            Ended::Busy | Ended::NoUser | Ended::Skipped | Ended::Lost => {
                Err(failed("has no result".to_owned()))
            }
        }
    }
}
