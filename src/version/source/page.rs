//! A page that names its versions: an expression is looked for everywhere in it.

use url::Url;

use super::{MAX_OFFERS, Offer, OfferedFile, SourceError, plain};
use crate::config::address::web_address;
use crate::config::check::expression;
use crate::config::kind::PageSource;

/// Reads the offers of a page that was found at `here`, after redirects.
///
/// # Errors
/// [`SourceError`] when the expression fits nowhere, which is what an error page with a good status looks like, or names an
/// address that cannot be used.
pub fn offers(what: &str, here: &Url, bytes: &[u8], source: &PageSource) -> Result<Vec<Offer>, SourceError> {
    let text = String::from_utf8_lossy(bytes);
    let regex = expression(&source.regex).map_err(|why| SourceError::unreadable("the expression", why))?;
    let mut offers: Vec<Offer> = Vec::new();
    for found in regex.captures_iter(&text) {
        let Some(version) =
            found.name("version").map(|group| group.as_str().trim()).filter(|text| !text.is_empty())
        else {
            continue;
        };
        let address = match (&source.download, found.name("url")) {
            (Some(template), _) => template.replace("{version}", version),
            (None, Some(address)) => address.as_str().replace("&amp;", "&"),
            (None, None) => continue,
        };
        let url = here
            .join(&address)
            .map_err(|_| SourceError::unreadable(what, "an address in it cannot be read"))?;
        web_address(url.as_str())
            .map_err(|why| SourceError::unreadable(what, format!("an address in it {why}")))?;
        let file = OfferedFile {
            url: url.to_string(),
            architecture: source.architecture,
            platform: source.platform,
            ..OfferedFile::default()
        };
        match offers.iter().find(|offer| offer.version == version) {
            Some(offer) if offer.files.first() == Some(&file) => {}
            Some(_) => {
                let message = format!("it names several files of version {}", plain(version));
                return Err(SourceError::unreadable(what, message));
            }
            None if offers.len() == MAX_OFFERS => {
                return Err(SourceError::unreadable(
                    what,
                    format!("it names more than {MAX_OFFERS} versions"),
                ));
            }
            None => offers.push(Offer {
                version: version.to_owned(),
                prerelease: false,
                found: plain(what),
                signed: None,
                files: vec![file],
            }),
        }
    }
    if offers.is_empty() {
        return Err(SourceError::Nothing(format!("the expression fits nowhere in {what}")));
    }
    Ok(offers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(regex: &str, download: Option<&str>) -> PageSource {
        PageSource {
            url: "https://x.test/downloads/".to_owned(),
            regex: regex.to_owned(),
            download: download.map(str::to_owned),
            architecture: None,
            platform: None,
        }
    }

    fn read(page: &str, source: &PageSource) -> Result<Vec<(String, String)>, SourceError> {
        let here = Url::parse("https://x.test/downloads/").unwrap();
        let offers = offers("the page", &here, page.as_bytes(), source)?;
        Ok(offers.into_iter().map(|mut offer| (offer.version, offer.files.remove(0).url)).collect())
    }

    const PAGE: &str = r#"<a href="tool-1.9.msi?a=1&amp;b=2">1.9</a> <a href="/old/tool-1.10.msi">x</a> <a href="tool-1.9.msi?a=1&amp;b=2">again</a>"#;

    #[test]
    fn versions_and_addresses_come_from_the_groups() {
        let source = source(r#"href="(?<url>[^"]*tool-(?<version>[0-9.]+)\.msi[^"]*)""#, None);
        let own = |version: &str, url: &str| (version.to_owned(), url.to_owned());
        assert_eq!(
            read(PAGE, &source).unwrap(),
            [
                own("1.9", "https://x.test/downloads/tool-1.9.msi?a=1&b=2"),
                own("1.10", "https://x.test/old/tool-1.10.msi")
            ]
        );
    }

    #[test]
    fn a_template_makes_the_address() {
        let source =
            source("tool-(?<version>[0-9.]+)[.]msi", Some("https://d.test/{version}/tool-{version}.msi"));
        assert_eq!(read(PAGE, &source).unwrap()[1].1, "https://d.test/1.10/tool-1.10.msi");
    }

    #[test]
    fn a_page_without_versions_is_an_error_and_no_empty_list() {
        let source = source("tool-(?<version>[0-9.]+)[.]msi", Some("https://d.test/{version}"));
        assert!(matches!(read("<html>Please sign in</html>", &source), Err(SourceError::Nothing(_))));
    }

    #[test]
    fn two_files_of_one_version_are_not_guessed_between() {
        let source = source(r#"href="(?<url>[^"]*-(?<version>[0-9.]+)\.msi)""#, None);
        let page = r#"<a href="a-1.msi"> <a href="b-1.msi">"#;
        assert!(read(page, &source).unwrap_err().to_string().contains("several files"));
        assert!(read(r#"<a href="ftp://x.test/a-1.msi">"#, &source).is_err());
    }
}
