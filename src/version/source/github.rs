//! GitHub's API: releases with their assets, folders of a repository, the next page, and the limit on requests.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Deserialize;
use url::Url;

use super::{Offer, OfferedFile, SourceError, data, plain};
use crate::config::kind::{GithubSource, Sha256};
use crate::time::Timestamp;

/// The API of github.com.
pub const API: &str = "https://api.github.com";
/// The most pages of releases that are read.
pub const MAX_PAGES: usize = 20;

/// A release, of which only these keys are read.
#[derive(Debug, Clone, Deserialize)]
struct Release {
    tag_name: String,
    draft: bool,
    prerelease: bool,
    #[serde(default)]
    html_url: Option<String>,
    assets: Vec<Asset>,
}

#[derive(Debug, Clone, Deserialize)]
struct Asset {
    name: String,
    browser_download_url: String,
    size: Option<u64>,
    digest: Option<String>,
    /// `uploaded`, once it is complete.
    state: Option<String>,
}

/// What a source looks for in releases, made ready.
#[derive(Debug)]
pub struct Rules {
    tag: Option<Regex>,
    assets: Vec<(Regex, crate::config::kind::AssetRule)>,
}

/// What one page of releases says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Releases {
    /// Those that can be installed.
    pub offers: Vec<Offer>,
    /// Those that were passed over, with the reason.
    pub passed_over: Vec<String>,
}

impl Rules {
    /// Makes the expressions of a source ready.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub fn new(source: &GithubSource) -> Result<Self, String> {
        let whole =
            |text: &str| Regex::new(&format!(r"\A(?:{text})\z")).map_err(|error| plain(&error.to_string()));
        let tag = source.tag.as_deref().map(whole).transpose()?;
        let assets = source.assets.iter().map(|rule| Ok((whole(&rule.regex)?, rule.clone())));
        Ok(Self { tag, assets: assets.collect::<Result<_, String>>()? })
    }

    /// The version in a tag; `None` when the tag is another thing's.
    fn version(&self, tag: &str) -> Option<String> {
        let version = match &self.tag {
            Some(regex) => regex.captures(tag)?.name("version")?.as_str(),
            None => tag
                .strip_prefix(['v', 'V'])
                .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
                .unwrap_or(tag),
        };
        Some(version.to_owned()).filter(|version| !version.is_empty())
    }
}

/// Reads one page of the list of releases. A release that lacks one of the files that are looked for is passed over: it may
/// still be being uploaded.
///
/// # Errors
/// [`SourceError`] when it is no such page.
pub fn releases(what: &str, bytes: &[u8], rules: &Rules) -> Result<Releases, SourceError> {
    let text = data(what, bytes, "a list of releases")?;
    let releases: Vec<Release> = serde_json::from_str(text).map_err(|error| {
        SourceError::unreadable(what, format!("it is no list of releases ({})", plain(&error.to_string())))
    })?;
    let mut found = Releases::default();
    for release in releases.into_iter().filter(|release| !release.draft) {
        let Some(version) = rules.version(&release.tag_name) else { continue };
        match files(&release, rules) {
            Ok(files) => found.offers.push(Offer {
                version,
                prerelease: release.prerelease,
                found: release.html_url.as_deref().map_or_else(|| plain(&release.tag_name), plain),
                signed: None,
                files,
            }),
            Err(why) => found.passed_over.push(format!("{}: {why}", plain(&release.tag_name))),
        }
    }
    Ok(found)
}

fn files(release: &Release, rules: &Rules) -> Result<Vec<OfferedFile>, String> {
    let mut files = Vec::new();
    for (regex, rule) in &rules.assets {
        let ready = |asset: &&Asset| asset.state.as_deref().is_none_or(|state| state == "uploaded");
        let mut fitting = release.assets.iter().filter(ready).filter(|asset| regex.is_match(&asset.name));
        let Some(asset) = fitting.next() else { return Err(format!("no file fits {:?}", rule.regex)) };
        if let Some(other) = fitting.next() {
            return Err(format!(
                "{:?} fits both {} and {}",
                rule.regex,
                plain(&asset.name),
                plain(&other.name)
            ));
        }
        let sha256 = asset.digest.as_deref().and_then(|digest| digest.strip_prefix("sha256:"));
        let sha256 = sha256.map(Sha256::parse).transpose().map_err(|error| error.to_string())?;
        files.push(OfferedFile {
            url: asset.browser_download_url.clone(),
            sha256,
            size: asset.size,
            architecture: rule.architecture,
            platform: rule.platform,
            ..OfferedFile::default()
        });
    }
    Ok(files)
}

/// The address of the next page, from the `Link` header. It has to be on the same server, because a token goes along.
///
/// # Errors
/// [`SourceError`] when it leads elsewhere.
pub fn next_page(what: &str, here: &Url, link: Option<&str>) -> Result<Option<Url>, SourceError> {
    let Some(link) = link else { return Ok(None) };
    for part in link.split(',') {
        let mut pieces = part.split(';').map(str::trim);
        let Some(address) = pieces.next().and_then(|piece| piece.strip_prefix('<')?.strip_suffix('>')) else {
            continue;
        };
        if !pieces.any(|piece| piece.replace('"', "").eq_ignore_ascii_case("rel=next")) {
            continue;
        }
        let next =
            here.join(address).map_err(|_| SourceError::unreadable(what, "its next page has no address"))?;
        if next.origin() != here.origin() {
            return Err(SourceError::unreadable(what, "its next page is on another server"));
        }
        return Ok(Some(next));
    }
    Ok(None)
}

/// Until when no request is allowed, if an answer says that the limit is used up.
#[must_use]
pub fn limited_until(status: u16, headers: &BTreeMap<String, String>) -> Option<String> {
    let number = |name: &str| headers.get(name).and_then(|value| value.trim().parse::<i64>().ok());
    if !matches!(status, 403 | 429) || number("x-ratelimit-remaining")? != 0 {
        return None;
    }
    let reset = number("x-ratelimit-reset").and_then(|reset| Timestamp::from_second(reset).ok());
    Some(reset.map_or_else(|| "later".to_owned(), |reset| reset.to_string()))
}

/// The names of the folders in a folder of a repository, from the contents API.
///
/// # Errors
/// [`SourceError`] when it is no such list.
pub fn folders(what: &str, bytes: &[u8]) -> Result<Vec<String>, SourceError> {
    #[derive(Deserialize)]
    struct Entry {
        name: String,
        r#type: String,
    }
    let text = data(what, bytes, "the list of a folder")?;
    let entries: Vec<Entry> = serde_json::from_str(text).map_err(|error| {
        SourceError::unreadable(what, format!("it is no list of a folder ({})", plain(&error.to_string())))
    })?;
    // The API gives no more than 1,000 entries, and no way to the others.
    if entries.len() >= 1000 {
        return Err(SourceError::unreadable(
            what,
            "the folder has more entries than the API lists; use a local clone",
        ));
    }
    Ok(entries.into_iter().filter(|entry| entry.r#type == "dir").map(|entry| entry.name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::kind::{Architecture, AssetRule};

    fn rules(tag: Option<&str>, assets: &[&str]) -> Rules {
        let asset = |regex: &&str| AssetRule {
            regex: (*regex).to_owned(),
            architecture: Some(Architecture::X86_64),
            platform: None,
        };
        Rules::new(&GithubSource {
            repository: "a/b".to_owned(),
            assets: assets.iter().map(asset).collect(),
            tag: tag.map(str::to_owned),
            api: None,
            token: None,
        })
        .unwrap()
    }

    const PAGE: &str = r#"[
        {"tag_name": "v2.0", "draft": true, "prerelease": false, "assets": []},
        {"tag_name": "v1.2-rc", "draft": false, "prerelease": true, "html_url": "https://g.test/r/2", "unknown": 1, "assets": [
            {"name": "tool-x64.zip", "browser_download_url": "https://g.test/d/2", "size": 9, "state": "uploaded"}]},
        {"tag_name": "v1.1", "draft": false, "prerelease": false, "assets": [
            {"name": "tool-x64.zip", "browser_download_url": "https://g.test/d/1", "size": 5,
             "digest": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
            {"name": "tool-x64.zip.sig", "browser_download_url": "https://g.test/d/1s"}]},
        {"tag_name": "v1.0", "draft": false, "prerelease": false, "assets": [
            {"name": "tool-x64.zip", "browser_download_url": "https://g.test/d/0", "state": "new"}]},
        {"tag_name": "other-9", "draft": false, "prerelease": false, "assets": []}
    ]"#;

    #[test]
    fn releases_are_read_without_drafts_and_half_uploads() {
        let found =
            releases("page", PAGE.as_bytes(), &rules(Some(r"v(?<version>[0-9].*)"), &[r"tool-x64\.zip"]))
                .unwrap();
        let offers: Vec<_> = found
            .offers
            .iter()
            .map(|o| (o.version.as_str(), o.prerelease, o.files[0].sha256.is_some()))
            .collect();
        assert_eq!(offers, [("1.2-rc", true, false), ("1.1", false, true)]);
        assert_eq!(found.passed_over, ["v1.0: no file fits \"tool-x64\\\\.zip\""]);
        assert_eq!(found.offers[0].found, "https://g.test/r/2");
    }

    #[test]
    fn an_expression_that_fits_two_files_chooses_none() {
        let found = releases("page", PAGE.as_bytes(), &rules(None, &[r"tool-x64\.zip.*"])).unwrap();
        assert!(found.passed_over.iter().any(|why| why.contains("fits both")), "{:?}", found.passed_over);
        assert_eq!(rules(None, &["x"]).version("v1.2"), Some("1.2".to_owned()));
        assert_eq!(rules(None, &["x"]).version("very"), Some("very".to_owned()));
    }

    #[test]
    fn what_is_no_list_of_releases_is_refused() {
        let rules = rules(None, &["x"]);
        assert!(matches!(releases("p", b"<!doctype html>", &rules), Err(SourceError::WebPage { .. })));
        for bad in ["", "{}", "[{}]", &PAGE[..PAGE.len() - 20], "{\"message\": \"Not Found\"}"] {
            assert!(
                matches!(releases("p", bad.as_bytes(), &rules), Err(SourceError::Unreadable { .. })),
                "{bad}"
            );
        }
    }

    #[test]
    fn the_next_page_is_on_the_same_server() {
        let here = Url::parse("https://api.test/repos/a/b/releases?page=1").unwrap();
        let next = |link| next_page("p", &here, link);
        let link = r#"<https://api.test/r?page=2>; rel="next", <https://api.test/r?page=9>; rel="last""#;
        assert_eq!(next(Some(link)).unwrap().unwrap().as_str(), "https://api.test/r?page=2");
        assert_eq!(next(Some(r#"<https://api.test/r?page=9>; rel="last""#)), Ok(None));
        assert_eq!(next(None), Ok(None));
        assert!(next(Some("<https://evil.test/>; rel=next")).is_err());
    }

    #[test]
    fn a_used_up_limit_says_when_it_ends() {
        let headers = |remaining: &str| {
            BTreeMap::from([
                ("x-ratelimit-remaining".to_owned(), remaining.to_owned()),
                ("x-ratelimit-reset".to_owned(), "1800000000".to_owned()),
            ])
        };
        assert_eq!(limited_until(403, &headers("0")).as_deref(), Some("2027-01-15T08:00:00Z"));
        assert_eq!(limited_until(403, &headers("5")), None);
        assert_eq!(limited_until(200, &headers("0")), None);
        assert_eq!(limited_until(429, &BTreeMap::new()), None);
    }
}
