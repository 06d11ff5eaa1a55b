//! Offers with one on a line: the form of list files and of what source scripts print.
//!
//! A line is `version address`, `version address sha256`, or a JSON object with the keys `version`, `url` and, where they are
//! known, `sha256`, `architecture`, `platform`, `fileName`, `size`, `installer`, `arguments`, `prerelease`. Empty lines and lines
//! that begin with `#` do not count. Lines of the same version are the files of one offer.

use serde::Deserialize;

use super::{MAX_OFFERS, Offer, OfferedFile, SourceError, data, plain};
use crate::config::address::{is_file_name, web_address};
use crate::config::kind::{Architecture, ListedRelease, Sha256};
use crate::session::script::Platform;

/// The longest line, in bytes.
const MAX_LINE: usize = 8 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Line {
    version: String,
    url: String,
    sha256: Option<Sha256>,
    architecture: Option<Architecture>,
    platform: Option<Platform>,
    file_name: Option<String>,
    size: Option<u64>,
    installer: Option<String>,
    arguments: Option<String>,
    #[serde(default)]
    prerelease: bool,
}

/// Reads offers from lines. `what` is what they come from.
///
/// # Errors
/// [`SourceError`] for the first line that is none, saying which. A list is read completely or not at all.
pub fn offers(what: &str, bytes: &[u8]) -> Result<Vec<Offer>, SourceError> {
    let text = data(what, bytes, "a list of versions")?;
    let mut offers: Vec<Offer> = Vec::new();
    for (number, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line.trim())) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |why: String| SourceError::unreadable(what, format!("line {number}: {why}"));
        if line.len() > MAX_LINE {
            return Err(wrong(format!("it has more than {MAX_LINE} bytes")));
        }
        let line = read(line).map_err(wrong)?;
        let file = OfferedFile {
            url: line.url,
            sha256: line.sha256,
            size: line.size,
            architecture: line.architecture,
            platform: line.platform,
            file_name: line.file_name,
            installer: line.installer,
            arguments: line.arguments,
        };
        add(&mut offers, what, line.version, line.prerelease, file);
        if offers.len() > MAX_OFFERS {
            return Err(wrong(format!("there are more than {MAX_OFFERS} versions")));
        }
    }
    Ok(offers)
}

/// Offers of a list that stands in the configuration.
#[must_use]
pub fn listed(found: &str, releases: &[ListedRelease]) -> Vec<Offer> {
    let mut offers = Vec::new();
    for release in releases {
        let file = OfferedFile {
            url: release.url.clone(),
            sha256: release.sha256.clone(),
            architecture: release.architecture,
            platform: release.platform,
            ..OfferedFile::default()
        };
        add(&mut offers, found, release.version.clone(), false, file);
    }
    offers
}

fn add(offers: &mut Vec<Offer>, found: &str, version: String, prerelease: bool, file: OfferedFile) {
    if let Some(offer) = offers.iter_mut().find(|offer| offer.version == version) {
        offer.files.push(file);
        offer.prerelease |= prerelease;
        return;
    }
    offers.push(Offer { version, prerelease, found: found.to_owned(), signed: None, files: vec![file] });
}

fn read(line: &str) -> Result<Line, String> {
    let line = if line.starts_with('{') {
        serde_json::from_str(line).map_err(|error| plain(&error.to_string()))?
    } else {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (version, url, sha256) = match words.as_slice() {
            [version, url] => (version, url, None),
            [version, url, sha256] => (version, url, Some(Sha256::parse(sha256).map_err(|e| e.to_string())?)),
            _ => return Err("expected `version address [sha256]`, or a JSON object".to_owned()),
        };
        Line {
            version: (*version).to_owned(),
            url: (*url).to_owned(),
            sha256,
            architecture: None,
            platform: None,
            file_name: None,
            size: None,
            installer: None,
            arguments: None,
            prerelease: false,
        }
    };
    if line.version.trim().is_empty() {
        return Err("the version is empty".to_owned());
    }
    web_address(&line.url).map_err(|why| format!("the address {why}"))?;
    match &line.file_name {
        Some(name) if !is_file_name(name) => {
            Err(format!("{name:?} is not the name of a file on every system"))
        }
        _ => Ok(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn words_and_objects_mix_and_files_of_a_version_meet() {
        let text = format!(
            "# tools\n1.0 https://x.test/a\r\n\n2.0 https://x.test/b {SHA}\n{}\n",
            r#"{"version": "2.0", "url": "https://x.test/c", "architecture": "aarch64", "size": 3, "prerelease": true}"#
        );
        let offers = offers("list.txt", text.as_bytes()).unwrap();
        let shape: Vec<_> =
            offers.iter().map(|o| (o.version.as_str(), o.files.len(), o.prerelease)).collect();
        assert_eq!(shape, [("1.0", 1, false), ("2.0", 2, true)]);
        assert_eq!(offers[1].files[0].sha256.as_ref().unwrap().digest().as_str(), SHA);
        assert_eq!(offers[1].files[1].architecture, Some(Architecture::Aarch64));
    }

    #[test]
    fn a_line_that_is_no_offer_refuses_the_whole_list_by_its_number() {
        for (line, why) in [
            ("1.0", "expected"),
            ("1.0 https://x.test/a abc", "not a SHA-256"),
            ("1.0 https://x.test/a x y", "expected"),
            ("1.0 ftp://x.test/a", "http"),
            ("1.0 https://u:canary@x.test/a", "password"),
            ("{\"version\": \"1\"}", "url"),
            ("{\"version\": \"1\", \"url\": \"https://x.test\", \"more\": 1}", "more"),
            ("{\"version\": \" \", \"url\": \"https://x.test\"}", "empty"),
            ("{\"version\": \"1\", \"url\": \"https://x.test\", \"fileName\": \"../a\"}", "name"),
        ] {
            let error =
                offers("list", format!("1 https://x.test/a\n{line}\n").as_bytes()).unwrap_err().to_string();
            assert!(error.contains("line 2") && error.contains(why), "{line}: {error}");
            assert!(!error.contains("canary"));
        }
        assert!(matches!(offers("list", b"<html>"), Err(SourceError::WebPage { .. })));
        assert!(offers("list", b"\xff").is_err());
        assert!(offers("list", format!("1 https://x.test/{}", "a".repeat(MAX_LINE)).as_bytes()).is_err());
    }
}
