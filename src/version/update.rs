//! `muster update`: asks the sources, chooses what goes into the lock, and finds out the hashes that no source tells.
//!
//! Not here: what answers mean (`source`), how they are fetched (behind the seam `fetch`), writing the file and telling about it
//! (`cli`).
//!
//! Invariants: one source that fails changes nothing of its own entry and nothing of others (L3); no entry is made without a
//! SHA-256 for each file; what did not move keeps its time, so that an update without news changes no byte.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;
use url::Url;

use super::source::choose::{self, Ask, Choice, Chosen, Hold};
use super::source::{self, Offer, OfferedFile, SourceError, apt, github, lines, page, plain, winget};
use crate::config::address::{file_name_of, is_file_name, web_address};
use crate::config::kind::{
    AptSource, GithubContents, GithubSource, PageSource, WingetRepository, WingetSource,
};
use crate::config::lock::{HashOrigin, Locked, LockedPayload, LockedRelease};
use crate::config::model::{Scripts, Software, Source};
use crate::fetch::{Answer, FetchError, Host, Request, Web, shown};
use crate::id::{AgentId, Name};
use crate::provider::Reader;
use crate::secret::{Secret, SecretRef};
use crate::session::script::{Bundle, Ended, Platform, Purpose, RunError, Step, Values};
use crate::session::secrets::{SecretError, Secrets};
use crate::time::Clock;

/// The largest page, manifest or list.
const MAX_PAGE: u64 = 32 * 1024 * 1024;
/// The largest index of an apt repository, packed.
const MAX_PACKED: u64 = 128 * 1024 * 1024;
/// The largest file of a release.
const MAX_FILE: u64 = 64 * 1024 * 1024 * 1024;
/// How much a source script may print.
const MAX_PRINTED: usize = 1024 * 1024;
/// Sources asked at the same time.
const SOURCES: usize = 8;
/// Files of one software fetched at the same time would gain little: its server is one.
const JSON: &str = "application/vnd.github+json";
const RAW: &str = "application/vnd.github.raw+json";

/// Why a software's entry stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// Something was not fetched.
    #[error("{0}")]
    Fetch(#[from] FetchError),
    /// What was fetched is no answer.
    #[error("{0}")]
    Source(#[from] SourceError),
    /// The token of the source cannot be had.
    #[error("the token cannot be had: {0}")]
    Secret(#[from] SecretError),
    /// The source's script has no answer.
    #[error("the source's script {0}")]
    Script(String),
    /// The machine that runs Muster lacks something.
    #[error("{0}")]
    Host(String),
    /// The signature of an apt repository does not hold.
    #[error("the signature of {what} is not good: {why}")]
    Signature {
        /// What is signed.
        what: String,
        /// Why.
        why: String,
    },
    /// A server allows no more requests for now.
    #[error("{at} allows no more requests until {until}; a token is allowed many more")]
    Limited {
        /// The server.
        at: String,
        /// When it does again.
        until: String,
    },
    /// What is offered is nothing that can be taken.
    #[error("{0}")]
    Choice(String),
}

/// One software to look after.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The software.
    pub software: &'a Software,
    /// Its source.
    pub source: &'a Source,
    /// What deployments ask for.
    pub asked: &'a BTreeSet<String>,
    /// What is locked.
    pub locked: Option<&'a Locked>,
}

/// What came of one software.
#[derive(Debug)]
pub struct Updated {
    /// Its name.
    pub name: Name,
    /// The new entry, or why there is none.
    pub result: Result<Found, UpdateError>,
}

/// A new entry, and what is to be said of it.
#[derive(Debug)]
pub struct Found {
    /// The entry.
    pub locked: Locked,
    /// What stays because the source offers nothing as new as what is locked.
    pub held: Vec<Hold>,
    /// What else is worth saying.
    pub notes: Vec<String>,
}

/// How far an update is.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A file is being fetched: bytes so far, and all of them where that is known.
    Bytes(&'a Name, u64, Option<u64>),
    /// A software is done.
    Done(&'a Name),
}

/// Everything that an update uses.
#[derive(Clone, Copy)]
pub struct Updater<'a> {
    /// The web.
    pub web: &'a dyn Web,
    /// The machine that runs Muster.
    pub host: &'a dyn Host,
    /// What runs source scripts on it.
    pub local: &'a Reader,
    /// Its platform.
    pub platform: Platform,
    /// Where tokens are found.
    pub secrets: &'a dyn Secrets,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Whether a newest version older than the locked one is taken.
    pub allow_older: bool,
    /// Is told how far things are.
    pub progress: &'a (dyn Fn(Event<'_>) + Send + Sync),
}

impl std::fmt::Debug for Updater<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Updater").field("allow_older", &self.allow_older).finish_non_exhaustive()
    }
}

/// The answer of a source.
struct Answered {
    offers: Vec<Offer>,
    notes: Vec<String>,
}

impl From<Vec<Offer>> for Answered {
    fn from(offers: Vec<Offer>) -> Self {
        Self { offers, notes: Vec::new() }
    }
}

impl Updater<'_> {
    /// Looks after all of them, several at a time. The results are sorted by name.
    pub async fn run(&self, wanted: &[Wanted<'_>]) -> Vec<Updated> {
        let each = wanted.iter().map(async |wanted| {
            let name = &wanted.software.metadata.name;
            let result = self.one(*wanted).await;
            (self.progress)(Event::Done(name));
            Updated { name: name.clone(), result }
        });
        let mut all: Vec<Updated> =
            futures_util::stream::iter(each).buffer_unordered(SOURCES).collect().await;
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    async fn one(&self, wanted: Wanted<'_>) -> Result<Found, UpdateError> {
        let Wanted { software, source, asked, locked } = wanted;
        let Answered { offers, mut notes } = self.offers(software, source).await?;
        let ask = Ask {
            scheme: software.scheme,
            source: &source.spec,
            asked,
            locked,
            allow_older: self.allow_older,
        };
        let choice = choose::choose(ask, &offers).map_err(UpdateError::Choice)?;
        let Choice { chosen, held, notes: more } = choice;
        notes.extend(more);
        let mut releases = Vec::new();
        for chosen in chosen {
            let release = match chosen {
                Chosen::Locked(at) => locked.and_then(|locked| locked.releases.get(at)).cloned(),
                Chosen::Offer(at) => match offers.get(at) {
                    Some(offer) => Some(self.release(wanted, offer).await?),
                    None => None,
                },
            };
            releases.extend(release);
        }
        let entry = Locked::new(&software.metadata.name, source.digest.clone(), releases);
        // An entry that is held stays as it was, down to the settings that it was found under.
        let stays = held.iter().any(|hold| hold.range.is_none());
        let entry = match locked.filter(|locked| stays && locked.releases == entry.releases) {
            Some(locked) => locked.clone(),
            None => entry,
        };
        Ok(Found { locked: entry, held, notes })
    }

    async fn offers(&self, software: &Software, source: &Source) -> Result<Answered, UpdateError> {
        let spec = &source.spec;
        if let Some(list) = &spec.list {
            let place = source.place.to_string();
            return Ok(match (&list.releases, &source.list) {
                (Some(releases), _) => lines::listed(&place, releases).into(),
                (None, Some(text)) => {
                    lines::offers(list.file.as_deref().unwrap_or("the list"), text.as_bytes())?.into()
                }
                (None, None) => return Err(UpdateError::Host("the list was not read".to_owned())),
            });
        }
        if let Some(winget) = &spec.winget {
            return self.winget(winget).await;
        }
        if let Some(github) = &spec.github {
            return self.github(github).await;
        }
        if let Some(apt) = &spec.apt {
            return self.apt(apt, source.key.as_deref()).await;
        }
        if let Some(page) = &spec.page {
            return self.page(page).await;
        }
        match &source.script {
            Some(script) => self.script(software, script).await,
            None => Err(UpdateError::Host("the source has no kind".to_owned())),
        }
    }

    /// A whole page of a successful answer.
    async fn get(&self, request: &Request) -> Result<Answer, UpdateError> {
        let answer = self.web.get(request).await?;
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        let at = shown(&request.url);
        if let Some(until) = github::limited_until(answer.status, &answer.headers) {
            return Err(UpdateError::Limited { at, until });
        }
        Err(FetchError::Status { at, status: answer.status }.into())
    }

    fn token(&self, reference: Option<&SecretRef>) -> Result<Option<Secret>, UpdateError> {
        Ok(reference.map(|reference| self.secrets.resolve(reference)).transpose()?)
    }

    async fn page(&self, page: &PageSource) -> Result<Answered, UpdateError> {
        let answer = self.get(&plain_request(&page.url, MAX_PAGE)?).await?;
        Ok(page::offers(&page.url, &answer.url, &answer.body, page)?.into())
    }

    async fn github(&self, source: &GithubSource) -> Result<Answered, UpdateError> {
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

    async fn apt(&self, source: &AptSource, key: Option<&[u8]>) -> Result<Answered, UpdateError> {
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
    async fn winget(&self, source: &WingetSource) -> Result<Answered, UpdateError> {
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
    async fn manifest(&self, source: &WingetSource, version: &str) -> Result<(String, Vec<u8>), UpdateError> {
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

    async fn script(&self, software: &Software, scripts: &Scripts) -> Result<Answered, UpdateError> {
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

    /// An offer as it is locked, its files with their hashes.
    async fn release(&self, wanted: Wanted<'_>, offer: &Offer) -> Result<LockedRelease, UpdateError> {
        let full;
        let offer = match &wanted.source.spec.winget {
            Some(winget) if offer.files.is_empty() => {
                let (what, bytes) = self.manifest(winget, &offer.version).await?;
                full = winget::offer(&what, &bytes, winget, &offer.version)?;
                &full
            }
            _ => offer,
        };
        let before = wanted
            .locked
            .and_then(|locked| locked.releases.iter().find(|release| release.version == offer.version));
        let mut payloads = Vec::new();
        for file in &offer.files {
            payloads.push(self.payload(&wanted.software.metadata.name, before, file).await?);
        }
        if let Some(before) =
            before.filter(|before| before.payloads == payloads && before.signed == offer.signed)
        {
            return Ok(before.clone());
        }
        Ok(LockedRelease {
            version: offer.version.clone(),
            at: whole_seconds(self.clock.now()),
            found: offer.found.clone(),
            signed: offer.signed,
            payloads,
        })
    }

    async fn payload(
        &self,
        software: &Name,
        before: Option<&LockedRelease>,
        file: &OfferedFile,
    ) -> Result<LockedPayload, UpdateError> {
        let url = address(&file.url)?;
        let known =
            before.and_then(|release| release.payloads.iter().find(|payload| payload.url == file.url));
        // A file whose hash was found out is not fetched again while nothing says that it is another one.
        let known = known.filter(|known| known.hash == HashOrigin::Download);
        let known = known.filter(|known| file.size.is_none() || known.size == file.size);
        let (sha256, hash, size) = match (&file.sha256, known) {
            (Some(sha256), _) => (sha256.clone(), HashOrigin::Source, file.size),
            (None, Some(known)) => (known.sha256.clone(), HashOrigin::Download, known.size),
            (None, None) => {
                let (sha256, size) = self.hash(software, &url, file.size).await?;
                (sha256, HashOrigin::Download, Some(size))
            }
        };
        let named = file.file_name.clone().filter(|name| is_file_name(name));
        Ok(LockedPayload {
            url: file.url.clone(),
            sha256,
            hash,
            architecture: file.architecture,
            platform: file.platform,
            file_name: named.unwrap_or_else(|| file_name_of(&url)),
            size,
            installer: file.installer.clone(),
            arguments: file.arguments.clone(),
        })
    }

    /// Fetches a file once to find out its hash.
    async fn hash(
        &self,
        software: &Name,
        url: &Url,
        size: Option<u64>,
    ) -> Result<(crate::config::kind::Sha256, u64), UpdateError> {
        let request = Request {
            url: url.clone(),
            accept: None,
            token: None,
            most: size.unwrap_or(MAX_FILE).min(MAX_FILE),
        };
        let progress = |done, total| (self.progress)(Event::Bytes(software, done, total));
        let hashed = self.web.hash(&request, &progress).await?;
        let what = shown(url);
        let is_page =
            [".html", ".htm"].iter().any(|ending| url.path().to_ascii_lowercase().ends_with(ending));
        if source::is_web_page(&hashed.beginning) && !is_page {
            return Err(SourceError::WebPage { what, wanted: "a file to install from" }.into());
        }
        if hashed.size == 0 {
            return Err(SourceError::Unreadable { what, why: "it is empty".to_owned() }.into());
        }
        if let Some(size) = size.filter(|size| *size != hashed.size) {
            let why = format!("it has {} bytes, and its source says {size}", hashed.size);
            return Err(SourceError::Unreadable { what, why }.into());
        }
        Ok((hashed.sha256, hashed.size))
    }
}

fn repository(source: &WingetSource) -> WingetRepository {
    source.repository.clone().unwrap_or_else(|| WingetRepository::Github(GithubContents::default()))
}

fn plain_request(text: &str, most: u64) -> Result<Request, UpdateError> {
    Ok(Request { url: address(text)?, accept: None, token: None, most })
}

fn address(text: &str) -> Result<Url, UpdateError> {
    web_address(text).map_err(|why| UpdateError::Choice(format!("an address {why}")))
}

fn whole_seconds(now: crate::time::Timestamp) -> crate::time::Timestamp {
    crate::time::Timestamp::from_second(now.as_second()).unwrap_or(now)
}
