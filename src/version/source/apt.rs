//! An apt repository: its Release file, the index that the file vouches for, and the package's stanzas in it.
//!
//! Invariants: an index is used only with the size and the SHA-256 that the Release file gives it, and a Release file only for
//! the suite that it names. Whether somebody may vouch for the Release file is checked by its signature, outside.

use std::collections::BTreeMap;
use std::io::Read as _;

use base64::Engine as _;

use super::{MAX_OFFERS, Offer, OfferedFile, SourceError, data, plain};
use crate::config::address::is_file_name;
use crate::config::kind::{AptSource, Architecture, Sha256};
use crate::id::Digest;
use crate::session::script::Platform;
use crate::time::Timestamp;

/// The largest index, unpacked, in bytes.
pub const MAX_INDEX: u64 = 512 * 1024 * 1024;

/// What a Release file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Release {
    /// Files by their path below the suite, with size and SHA-256.
    pub files: BTreeMap<String, (u64, Sha256)>,
}

/// The folder of a suite below the repository's address. A suite that ends in a slash is a path of its own, without
/// components.
#[must_use]
pub fn suite_folder(source: &AptSource) -> String {
    match source.suite.strip_suffix('/') {
        Some(path) if path.is_empty() || path == "." => String::new(),
        Some(path) => format!("{path}/"),
        None => format!("dists/{}/", source.suite),
    }
}

/// The indexes of an architecture below the suite's folder, the smaller one first.
#[must_use]
pub fn indexes(source: &AptSource, architecture: &str) -> [String; 2] {
    let folder = if source.suite.ends_with('/') {
        String::new()
    } else {
        format!("{}/binary-{architecture}/", source.component.as_deref().unwrap_or("main"))
    };
    [format!("{folder}Packages.gz"), format!("{folder}Packages")]
}

/// Reads the Release file of a source's suite, which may be inside a clear-text signature.
///
/// A server, or whoever stands in for it, may serve another file that the same key has signed, such as that of a suite with
/// other versions. So one of its `Suite` and `Codename` has to be the suite that was asked for; a suite that is a path has no
/// such name.
///
/// # Errors
/// [`SourceError`] when it is none, has no SHA-256 list, is that of another suite, or was valid only until before `now`.
pub fn release(what: &str, bytes: &[u8], source: &AptSource, now: Timestamp) -> Result<Release, SourceError> {
    let text = data(what, bytes, "a Release file")?;
    let text = clear_text(text);
    let mut release = Release::default();
    let mut in_list = false;
    let mut names = Vec::new();
    for line in text.lines() {
        if line.starts_with([' ', '\t']) {
            if in_list {
                let words: Vec<&str> = line.split_whitespace().collect();
                let [sha256, size, path] = words.as_slice() else {
                    return Err(SourceError::unreadable(what, "a line of its list has not three words"));
                };
                let sha256 = Sha256::parse(sha256)
                    .map_err(|error| SourceError::unreadable(what, error.to_string()))?;
                let size = size
                    .parse()
                    .map_err(|_| SourceError::unreadable(what, "a size in its list is no number"))?;
                release.files.insert((*path).to_owned(), (size, sha256));
            }
            continue;
        }
        let Some((key, value)) = line.split_once(':') else { continue };
        in_list = key.eq_ignore_ascii_case("SHA256");
        if key.eq_ignore_ascii_case("Suite") || key.eq_ignore_ascii_case("Codename") {
            names.push(value.trim());
        }
        if key.eq_ignore_ascii_case("Valid-Until") {
            let until = value.trim().replace("UTC", "+0000");
            let instant = jiff::fmt::rfc2822::parse(&until)
                .map_err(|_| SourceError::unreadable(what, "its Valid-Until is no date"))?
                .timestamp();
            if instant < now {
                return Err(SourceError::Expired { what: what.to_owned(), until: instant.to_string() });
            }
        }
    }
    if release.files.is_empty() {
        return Err(SourceError::unreadable(what, "it has no list of SHA-256"));
    }
    let suite = source.suite.as_str();
    if !suite.ends_with('/') && !names.contains(&suite) {
        let found = if names.is_empty() { "without a name".to_owned() } else { plain(&names.join(", ")) };
        return Err(SourceError::OtherSuite { what: what.to_owned(), suite: suite.to_owned(), found });
    }
    Ok(release)
}

/// The text inside a clear-text signature; the whole text where there is none.
fn clear_text(text: &str) -> String {
    let Some((_, signed)) = text.split_once("-----BEGIN PGP SIGNED MESSAGE-----") else {
        return text.to_owned();
    };
    let mut lines = signed.lines();
    // The head ends with an empty line.
    for line in lines.by_ref().skip(1) {
        if line.trim().is_empty() {
            break;
        }
    }
    let mut inner = String::new();
    for line in lines {
        if line.starts_with("-----BEGIN PGP SIGNATURE-----") {
            break;
        }
        inner.push_str(line.strip_prefix("- ").unwrap_or(line));
        inner.push('\n');
    }
    inner
}

/// An index as text, once its size and hash are found to be those of the Release file.
///
/// # Errors
/// [`SourceError`] when they are not, or it cannot be unpacked.
pub fn index(what: &str, path: &str, bytes: &[u8], release: &Release) -> Result<String, SourceError> {
    let by = "the Release file";
    let Some((size, sha256)) = release.files.get(path) else {
        return Err(SourceError::unreadable(what, format!("{by} does not list it")));
    };
    if u64::try_from(bytes.len()).ok() != Some(*size) || Digest::of(bytes) != *sha256.digest() {
        return Err(SourceError::WrongHash { what: what.to_owned(), by: by.to_owned() });
    }
    let mut text = String::new();
    let read = if path.rsplit('.').next() == Some("gz") {
        flate2::read::MultiGzDecoder::new(bytes).take(MAX_INDEX + 1).read_to_string(&mut text)
    } else {
        bytes.take(MAX_INDEX + 1).read_to_string(&mut text)
    };
    read.map_err(|error| SourceError::unreadable(what, plain(&error.to_string())))?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > MAX_INDEX {
        return Err(SourceError::unreadable(what, format!("it has more than {MAX_INDEX} bytes")));
    }
    Ok(text)
}

/// The offers of an index for one architecture. `base` is the repository's address, ending in a slash.
///
/// # Errors
/// [`SourceError`] when a stanza of the package lacks what is needed.
pub fn offers(
    what: &str,
    index: &str,
    source: &AptSource,
    base: &str,
    signed: bool,
) -> Result<Vec<Offer>, SourceError> {
    let mut offers: Vec<Offer> = Vec::new();
    for stanza in index.split("\n\n") {
        let field = |wanted: &str| {
            stanza.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.eq_ignore_ascii_case(wanted).then(|| value.trim())
            })
        };
        if field("Package") != Some(&source.package) {
            continue;
        }
        let needed = |key: &str| {
            field(key)
                .ok_or_else(|| SourceError::unreadable(what, format!("{} has no {key}", source.package)))
        };
        let version = needed("Version")?;
        let path = needed("Filename")?.trim_start_matches("./");
        let is_below = !path.starts_with('/') && path.split('/').all(|step| !matches!(step, "" | "." | ".."));
        if !is_below || path.contains(':') {
            return Err(SourceError::unreadable(what, "a file in it does not lie below the repository"));
        }
        let sha256 =
            Sha256::parse(needed("SHA256")?).map_err(|e| SourceError::unreadable(what, e.to_string()))?;
        let name = path.rsplit('/').next().filter(|name| is_file_name(name)).map(str::to_owned);
        let architecture = match needed("Architecture")? {
            "all" => None,
            name => Some(Architecture::find(name).ok_or_else(|| {
                SourceError::unreadable(what, format!("the architecture {name:?} is not known"))
            })?),
        };
        let file = OfferedFile {
            url: format!(
                "{base}{}",
                path.replace('%', "%25").replace('#', "%23").replace('?', "%3F").replace(' ', "%20")
            ),
            sha256: Some(sha256),
            size: field("Size").and_then(|size| size.parse().ok()),
            architecture,
            platform: Some(Platform::Posix),
            file_name: name,
            installer: Some("deb".to_owned()),
            arguments: None,
        };
        offers.push(Offer {
            version: version.to_owned(),
            prerelease: false,
            found: plain(what),
            signed: Some(signed),
            files: vec![file],
        });
        if offers.len() > MAX_OFFERS {
            return Err(SourceError::unreadable(what, format!("it has more than {MAX_OFFERS} versions")));
        }
    }
    Ok(offers)
}

/// Offers of several architectures as one list: files of a version meet.
#[must_use]
pub fn together(all: Vec<Vec<Offer>>) -> Vec<Offer> {
    let mut offers: Vec<Offer> = Vec::new();
    for offer in all.into_iter().flatten() {
        match offers.iter_mut().find(|other| other.version == offer.version) {
            Some(other) => {
                for file in offer.files {
                    if !other.files.contains(&file) {
                        other.files.push(file);
                    }
                }
            }
            None => offers.push(offer),
        }
    }
    offers
}

/// Public keys as the signature check wants them: armour is taken off.
///
/// # Errors
/// What is wrong with them.
pub fn keyring(bytes: &[u8]) -> Result<Vec<u8>, &'static str> {
    bare(bytes, "PUBLIC KEY BLOCK").map_err(|why| match why {
        Armour::None => "it holds no public key",
        Armour::NoEnd => "a key in it does not end",
        Armour::NotBase64 => "a key in it is not base64",
    })
}

/// A detached signature, its armour taken off.
///
/// # Errors
/// What is wrong with it.
pub fn signature(bytes: &[u8]) -> Result<Vec<u8>, &'static str> {
    bare(bytes, "SIGNATURE").map_err(|why| match why {
        Armour::None => "there is no signature in it",
        Armour::NoEnd | Armour::NotBase64 => "it is broken",
    })
}

/// What is wrong with armour.
enum Armour {
    None,
    NoEnd,
    NotBase64,
}

fn bare(bytes: &[u8], what: &str) -> Result<Vec<u8>, Armour> {
    let (begin, end) = (format!("-----BEGIN PGP {what}-----"), format!("-----END PGP {what}-----"));
    let Some(text) = str::from_utf8(bytes).ok().filter(|text| text.contains("-----BEGIN PGP ")) else {
        // The first byte of a packet has its highest bit set.
        return match bytes.first() {
            Some(first) if first & 0x80 != 0 => Ok(bytes.to_vec()),
            _ => Err(Armour::None),
        };
    };
    let mut keyring = Vec::new();
    for block in text.split(begin.as_str()).skip(1) {
        let (block, _) = block.split_once(end.as_str()).ok_or(Armour::NoEnd)?;
        let lines = block.lines().skip(1).map(str::trim).skip_while(|line| line.contains(':'));
        let body: String =
            lines.filter(|line| !line.is_empty()).take_while(|line| !line.starts_with('=')).collect();
        let bytes = base64::engine::general_purpose::STANDARD.decode(body).map_err(|_| Armour::NotBase64)?;
        keyring.extend(bytes);
    }
    if keyring.is_empty() { Err(Armour::None) } else { Ok(keyring) }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn source(suite: &str) -> AptSource {
        AptSource {
            url: "https://x.test/apt".to_owned(),
            suite: suite.to_owned(),
            component: None,
            package: "tool".to_owned(),
            architectures: Vec::new(),
            key: None,
        }
    }

    fn now() -> Timestamp {
        "2026-11-22T10:00:00Z".parse().unwrap()
    }

    const INDEX: &str = "Package: tool\nVersion: 1.10-1\nArchitecture: amd64\nFilename: pool/t/tool_1.10-1_amd64.deb\nSize: 10\n\
        SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\nDescription: a tool\n that does: things\n\n\
        Package: tool-doc\nVersion: 9\n\n\
        Package: tool\nVersion: 1.9-1\nArchitecture: all\nFilename: ./pool/t/tool 1.9-1_all.deb\n\
        SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n";

    fn release_text(path: &str, bytes: &[u8]) -> String {
        format!(
            "Origin: Example\nSuite: stable\nCodename: trixie\nValid-Until: Sat, 28 Nov 2026 10:00:00 UTC\nMD5Sum:\n 00 1 {path}\nSHA256:\n {} {} {path}\n",
            Digest::of(bytes),
            bytes.len()
        )
    }

    fn zipped(text: &str) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn the_package_is_found_in_the_index_that_the_release_vouches_for() {
        let path = &indexes(&source("stable"), "amd64")[0];
        assert_eq!(path, "main/binary-amd64/Packages.gz");
        let bytes = zipped(INDEX);
        let release =
            release("Release", release_text(path, &bytes).as_bytes(), &source("stable"), now()).unwrap();
        let text = index("Packages.gz", path, &bytes, &release).unwrap();
        assert_eq!(text, INDEX);
        let offers = offers("Packages.gz", &text, &source("stable"), "https://x.test/apt/", true).unwrap();
        let shape: Vec<_> = offers
            .iter()
            .map(|o| (o.version.as_str(), o.files[0].url.as_str(), o.files[0].architecture))
            .collect();
        assert_eq!(
            shape,
            [
                ("1.10-1", "https://x.test/apt/pool/t/tool_1.10-1_amd64.deb", Some(Architecture::X86_64)),
                ("1.9-1", "https://x.test/apt/pool/t/tool%201.9-1_all.deb", None),
            ]
        );
    }

    #[test]
    fn an_index_with_another_hash_or_size_is_refused() {
        let path = &indexes(&source("stable"), "amd64")[1];
        let release =
            release("Release", release_text(path, INDEX.as_bytes()).as_bytes(), &source("stable"), now())
                .unwrap();
        let changed = INDEX.replace("1.10", "1.11");
        assert!(matches!(index("i", path, changed.as_bytes(), &release), Err(SourceError::WrongHash { .. })));
        assert!(matches!(
            index("i", path, &INDEX.as_bytes()[..20], &release),
            Err(SourceError::WrongHash { .. })
        ));
        assert!(index("i", "other", INDEX.as_bytes(), &release).is_err());
    }

    #[test]
    fn a_release_file_that_ran_out_or_is_none_is_refused() {
        let text = release_text("p", b"");
        let later = "2026-11-29T10:00:00Z".parse().unwrap();
        assert!(matches!(
            release("r", text.as_bytes(), &source("stable"), later),
            Err(SourceError::Expired { .. })
        ));
        for bad in
            ["", "SHA256:\n abc 1 p\n", "SHA256:\n 1\n", "Origin: x\n", "<html>", "Valid-Until: soon\n"]
        {
            assert!(release("r", bad.as_bytes(), &source("stable"), now()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_release_file_of_another_suite_is_refused() {
        let text = release_text("p", b"");
        let read = |text: &str, suite: &str| release("r", text.as_bytes(), &source(suite), now());
        for suite in ["stable", "trixie", "./", "sub/"] {
            assert!(read(&text, suite).is_ok(), "{suite}");
        }
        for suite in ["unstable", "Stable", "stab", "main", "Example", ""] {
            let error = read(&text, suite).unwrap_err();
            assert!(matches!(error, SourceError::OtherSuite { .. }), "{suite}: {error}");
            assert!(error.to_string().contains("stable, trixie"), "{error}");
        }
        let nameless = text.replace("Suite: stable\nCodename: trixie\n", "");
        assert!(read(&nameless, "stable").unwrap_err().to_string().contains("without a name"));
        assert!(read(&nameless, "./").is_ok());
        // A name in the list or behind the signature is none.
        assert!(read(&format!("{nameless} 00 1 Suite: stable\n"), "stable").is_err());
        let signed = format!(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{nameless}-----BEGIN PGP SIGNATURE-----\nSuite: stable\n"
        );
        assert!(read(&signed, "stable").is_err());
    }

    #[test]
    fn a_clear_text_signature_is_looked_through() {
        let inner = release_text("p", b"");
        let text = format!(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n- -dashed: x\n{inner}-----BEGIN PGP SIGNATURE-----\n\nSHA256:\n abc\n"
        );
        assert_eq!(release("r", text.as_bytes(), &source("stable"), now()).unwrap().files.len(), 1);
    }

    #[test]
    fn files_outside_the_repository_are_refused() {
        for path in ["../../etc/passwd", "/etc/passwd", "https://evil.test/x", "pool//x"] {
            let index = INDEX.replace("pool/t/tool_1.10-1_amd64.deb", path);
            assert!(offers("i", &index, &source("stable"), "https://x.test/", false).is_err(), "{path}");
        }
    }

    #[test]
    fn a_flat_repository_has_no_components() {
        assert_eq!(suite_folder(&source("stable")), "dists/stable/");
        assert_eq!(suite_folder(&source("./")), "");
        assert_eq!(suite_folder(&source("sub/")), "sub/");
        assert_eq!(indexes(&source("./"), "amd64")[1], "Packages");
    }

    #[test]
    fn keys_are_taken_out_of_their_armour() {
        let armoured = "-----BEGIN PGP PUBLIC KEY BLOCK-----\nComment: x\n\nmQEN\nBF8=\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n";
        assert_eq!(keyring(armoured.as_bytes()).unwrap(), [0x99, 0x01, 0x0d, 0x04, 0x5f]);
        assert_eq!(keyring(&[0x99, 1]).unwrap(), [0x99, 1]);
        assert!(keyring(b"hello").is_err() && keyring(b"").is_err());
    }
}
