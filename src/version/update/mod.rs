//! `muster update`: asks the sources, chooses what goes into the lock, and finds out the hashes that no source tells.
//!
//! Not here: what answers mean (`source`), how they are fetched (behind the seam `fetch`), writing the file and telling about it
//! (`cli`).
//!
//! Invariants: one source that fails changes nothing of its own entry and nothing of others (L3); no entry is made without a
//! SHA-256 for each file; what did not move keeps its time, so that an update without news changes no byte.

mod asking;

use std::collections::BTreeSet;

use futures_util::StreamExt as _;
use url::Url;

use super::source::choose::{self, Ask, Choice, Chosen, Hold};
use super::source::{self, Offer, OfferedFile, SourceError, github, lines, winget};
use crate::config::address::{file_name_of, is_file_name, web_address};
use crate::config::kind::{GithubContents, WingetRepository, WingetSource};
use crate::config::lock::{HashOrigin, Locked, LockedPayload, LockedRelease};
use crate::config::model::{Software, Source};
use crate::fetch::{Answer, FetchError, Host, Request, Web, shown};
use crate::id::Name;
use crate::provider::Reader;
use crate::secret::{Secret, SecretRef};
use crate::session::script::Platform;
use crate::session::secrets::{SecretError, Secrets};
use crate::time::Clock;

/// The largest file of a release.
const MAX_FILE: u64 = 64 * 1024 * 1024 * 1024;
/// Sources asked at the same time.
const SOURCES: usize = 8;

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
