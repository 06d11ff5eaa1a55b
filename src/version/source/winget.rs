//! Manifests of the winget community repository: where a package's versions lie, and what an installer manifest says.

use regex::Regex;
use url::Url;

use super::{Offer, OfferedFile, SourceError, data, plain};
use crate::config::address::web_address;
use crate::config::kind::{Architecture, InstallerScope, Sha256, WingetSource};
use crate::config::spanned::{self, Node, NodeKind};
use crate::diagnostic::Finding;
use crate::session::script::Platform;

/// The community repository on GitHub.
pub const REPOSITORY: &str = "microsoft/winget-pkgs";

/// The folder of a package below the repository's root: `manifests/7/7zip/7zip`.
#[must_use]
pub fn folder(id: &str) -> String {
    let letter: String = id.chars().take(1).flat_map(char::to_lowercase).collect();
    format!("manifests/{letter}/{}", id.replace('.', "/"))
}

/// The installer manifests that a version's folder may hold, the usual one first.
#[must_use]
pub fn manifests(id: &str, version: &str) -> [String; 2] {
    let folder = folder(id);
    [format!("{folder}/{version}/{id}.installer.yaml"), format!("{folder}/{version}/{id}.yaml")]
}

/// Whether a folder's name can be that of a version, and is a single step of a path.
#[must_use]
pub fn is_version_folder(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_digit() || c == 'v')
        && name.contains(|c: char| c.is_ascii_digit())
        && !name.contains(|c: char| "/\\?#%<>\"".contains(c) || c.is_control())
}

/// Folders that a web page lists as links relative to itself.
///
/// # Errors
/// [`SourceError`] when the page names none: it is then no list of a folder.
pub fn links(what: &str, here: &Url, bytes: &[u8]) -> Result<Vec<String>, SourceError> {
    let text = String::from_utf8_lossy(bytes);
    let regex = Regex::new(r#"(?i)\bhref\s*=\s*(?:"([^"]*)"|'([^']*)')"#)
        .map_err(|error| SourceError::unreadable(what, error.to_string()))?;
    let mut names = Vec::new();
    for found in regex.captures_iter(&text) {
        let Some(address) = found.get(1).or_else(|| found.get(2)) else { continue };
        let Ok(target) = here.join(address.as_str()) else { continue };
        let below = target.as_str().strip_prefix(here.as_str()).and_then(|below| below.strip_suffix('/'));
        if let Some(name) = below.filter(|name| !name.is_empty() && !name.contains(['/', '?', '#'])) {
            names.push(name.to_owned());
        }
    }
    names.dedup();
    if names.is_empty() {
        return Err(SourceError::unreadable(what, "it lists no folder"));
    }
    Ok(names)
}

/// What a manifest's installer says; fields that are not given stand above all installers.
struct Installer<'a> {
    top: &'a Node,
    own: &'a Node,
}

impl<'a> Installer<'a> {
    fn text(&self, key: &str) -> Option<&'a str> {
        let at = |node: &'a Node| node.get(key).and_then(|entry| entry.value.source_text());
        at(self.own).or_else(|| at(self.top))
    }

    fn switch(&self, key: &str) -> Option<&'a str> {
        let at = |node: &'a Node| node.at(&format!("/InstallerSwitches/{key}")).and_then(Node::source_text);
        at(self.own).or_else(|| at(self.top))
    }

    fn kind(&self) -> Option<String> {
        let kind = self.text("InstallerType").map(str::to_ascii_lowercase);
        if kind.as_deref() == Some("zip") {
            return self
                .text("NestedInstallerType")
                .map(|nested| format!("zip/{}", nested.to_ascii_lowercase()));
        }
        kind
    }

    /// The arguments for a silent installation: the manifest's own, else those that the kind of installer is known to take.
    fn arguments(&self) -> Option<String> {
        let usual = match self.kind().as_deref() {
            Some("msi" | "wix" | "burn") => Some("/quiet /norestart"),
            Some("nullsoft") => Some("/S"),
            Some("inno") => Some("/SP- /VERYSILENT /SUPPRESSMSGBOXES /NORESTART"),
            _ => None,
        };
        let silent = self.switch("Silent").or_else(|| self.switch("SilentWithProgress")).or(usual);
        let all: Vec<&str> = silent.into_iter().chain(self.switch("Custom")).map(str::trim).collect();
        Some(all.join(" ")).filter(|all| !all.is_empty())
    }
}

/// Reads an installer manifest, or one that holds everything. Of several installers for one architecture the preferred one
/// is taken: by the order of the source's `installers`, then those that name the wanted scope, then the manifest's order.
///
/// # Errors
/// [`SourceError`] when it is no manifest of this package and version, or has no installer that is wanted.
pub fn offer(what: &str, bytes: &[u8], source: &WingetSource, version: &str) -> Result<Offer, SourceError> {
    let text = data(what, bytes, "a manifest")?;
    let (nodes, findings) = spanned::read(&what.into(), text);
    let broken = findings.into_iter().find(Finding::is_error);
    if let Some(finding) = broken {
        return Err(SourceError::unreadable(what, plain(&finding.message)));
    }
    let [top] = nodes.as_slice() else {
        return Err(SourceError::unreadable(what, "it is not one document"));
    };
    let says = |key: &str| top.get(key).and_then(|entry| entry.value.source_text());
    if says("PackageIdentifier") != Some(&source.id) {
        return Err(SourceError::unreadable(what, format!("it is no manifest of {}", source.id)));
    }
    if says("PackageVersion") != Some(version) {
        return Err(SourceError::unreadable(what, format!("it is no manifest of version {version}")));
    }
    let Some(NodeKind::Sequence(installers)) = top.get("Installers").map(|entry| &entry.value.kind) else {
        return Err(SourceError::unreadable(what, "it names no installers"));
    };
    let scope = match source.scope.unwrap_or(InstallerScope::Machine) {
        InstallerScope::Machine => "machine",
        InstallerScope::User => "user",
    };
    let mut wanted = Vec::new();
    for (at, own) in installers.iter().enumerate() {
        let installer = Installer { top, own };
        let its_scope = installer.text("Scope").map(str::to_ascii_lowercase);
        if its_scope.as_deref().is_some_and(|its| its != scope) {
            continue;
        }
        let kind = installer.kind();
        let liked = source
            .installers
            .iter()
            .position(|liked| kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case(liked)));
        if liked.is_none() && !source.installers.is_empty() {
            continue;
        }
        wanted.push(((liked, its_scope.is_none(), at), file(what, &installer)?));
    }
    wanted.sort_by_key(|(rank, _)| *rank);
    let mut files: Vec<OfferedFile> = Vec::new();
    for (_, file) in wanted {
        // Processors that no computer of ours has are passed over.
        let Some(file) = file else { continue };
        if !files.iter().any(|other| other.architecture == file.architecture) {
            files.push(file);
        }
    }
    // What is made for one architecture is better there than what runs on all.
    files.sort_by_key(|file| file.architecture.map_or(u8::MAX, |architecture| architecture as u8));
    if files.is_empty() {
        let message = format!("{what} has no installer of the scope {scope} and the kinds that are wanted");
        return Err(SourceError::Nothing(message));
    }
    Ok(Offer { version: version.to_owned(), prerelease: false, found: plain(what), signed: None, files })
}

fn file(what: &str, installer: &Installer<'_>) -> Result<Option<OfferedFile>, SourceError> {
    let lacks = |key: &str| SourceError::unreadable(what, format!("an installer lacks {key}"));
    let architecture = match installer.text("Architecture").ok_or_else(|| lacks("Architecture"))? {
        "neutral" => None,
        name => match Architecture::find(name) {
            Some(architecture) => Some(architecture),
            None => return Ok(None),
        },
    };
    let url = installer.text("InstallerUrl").ok_or_else(|| lacks("InstallerUrl"))?;
    web_address(url).map_err(|why| SourceError::unreadable(what, format!("an installer's address {why}")))?;
    let sha256 = installer.text("InstallerSha256").ok_or_else(|| lacks("InstallerSha256"))?;
    let sha256 = Sha256::parse(sha256).map_err(|error| SourceError::unreadable(what, error.to_string()))?;
    Ok(Some(OfferedFile {
        url: url.to_owned(),
        sha256: Some(sha256),
        size: None,
        architecture,
        platform: Some(Platform::Windows),
        file_name: None,
        installer: installer.kind(),
        arguments: installer.arguments(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";

    fn source(scope: Option<InstallerScope>, installers: &[&str]) -> WingetSource {
        WingetSource {
            id: "Example.Tool".to_owned(),
            repository: None,
            scope,
            installers: installers.iter().map(|kind| (*kind).to_owned()).collect(),
        }
    }

    fn manifest() -> String {
        format!(
            "# yaml-language-server: $schema=x\nPackageIdentifier: Example.Tool\nPackageVersion: '24.09'\nInstallerType: exe\n\
             InstallerSwitches:\n  Silent: /S\nScope: machine\nInstallers:\n\
             - Architecture: x64\n  InstallerUrl: https://x.test/t-x64.exe\n  InstallerSha256: {SHA}\n\
             - Architecture: x64\n  InstallerType: wix\n  InstallerUrl: https://x.test/t-x64.msi\n  InstallerSha256: {SHA}\n  \
             InstallerSwitches:\n    Silent: /qn\n    Custom: X=1\n\
             - Architecture: arm64\n  Scope: user\n  InstallerUrl: https://x.test/t-arm64.exe\n  InstallerSha256: {SHA}\n\
             - Architecture: sparc\n  InstallerUrl: https://x.test/t-sparc.exe\n  InstallerSha256: {SHA}\n\
             ManifestType: installer\nManifestVersion: 1.6.0\n"
        )
    }

    fn files(source: &WingetSource) -> Vec<(String, Option<String>, Option<String>)> {
        let offer = offer("m.yaml", manifest().as_bytes(), source, "24.09").unwrap();
        offer.files.into_iter().map(|file| (file.url, file.installer, file.arguments)).collect()
    }

    #[test]
    fn packages_lie_in_folders_by_their_parts() {
        assert_eq!(folder("7zip.7zip"), "manifests/7/7zip/7zip");
        assert_eq!(folder("Microsoft.Edge.Beta"), "manifests/m/Microsoft/Edge/Beta");
        assert_eq!(manifests("A.B", "1")[0], "manifests/a/A/B/1/A.B.installer.yaml");
        for good in ["24.09", "v2", "2024-01-01"] {
            assert!(is_version_folder(good), "{good}");
        }
        for bad in ["Beta", "", "..", ".1", "1/2", "1?x"] {
            assert!(!is_version_folder(bad), "{bad}");
        }
    }

    #[test]
    fn installers_are_chosen_by_scope_kind_and_order() {
        let own = |name: &str| Some(name.to_owned());
        assert_eq!(
            files(&source(None, &[])),
            [("https://x.test/t-x64.exe".to_owned(), own("exe"), own("/S"))]
        );
        assert_eq!(
            files(&source(None, &["wix", "exe"])),
            [("https://x.test/t-x64.msi".to_owned(), own("wix"), own("/qn X=1"))]
        );
        assert_eq!(files(&source(Some(InstallerScope::User), &[]))[0].0, "https://x.test/t-arm64.exe");
        let none = offer("m.yaml", manifest().as_bytes(), &source(None, &["msix"]), "24.09");
        assert!(matches!(none, Err(SourceError::Nothing(_))), "{none:?}");
    }

    #[test]
    fn kinds_of_installers_have_their_usual_arguments() {
        let text = manifest()
            .replace("InstallerSwitches:\n  Silent: /S\n", "")
            .replace("InstallerType: exe", "InstallerType: inno");
        let offer = offer("m.yaml", text.as_bytes(), &source(None, &[]), "24.09").unwrap();
        assert_eq!(
            offer.files[0].arguments.as_deref(),
            Some("/SP- /VERYSILENT /SUPPRESSMSGBOXES /NORESTART")
        );
    }

    #[test]
    fn what_is_no_manifest_of_the_version_is_refused() {
        let source = source(None, &[]);
        let bad = |text: &str| offer("m.yaml", text.as_bytes(), &source, "24.09").is_err();
        assert!(bad("<!DOCTYPE html>"));
        assert!(bad(""));
        assert!(bad("a: [\n"));
        assert!(bad(&manifest().replace("Example.Tool", "Other.Tool")));
        assert!(bad(&manifest().replace("24.09", "24.08")));
        assert!(bad(&manifest().replace(SHA, "abc")));
        assert!(bad(&manifest().replace("https://x.test/t-x64.exe", "file:///x")));
        assert!(bad(&manifest().replace("Installers:", "Nothing:")));
    }

    #[test]
    fn a_page_of_links_lists_folders() {
        let here = Url::parse("http://x.test/manifests/e/Example/Tool/").unwrap();
        let page = r#"<html><a href="../">up</a><a href="24.08/">24.08/</a> <A HREF='/manifests/e/Example/Tool/24.09/'>x</A>
            <a href="readme.txt">r</a><a href="https://else.test/1/">e</a><a href="a/b/">ab</a>"#;
        assert_eq!(links("p", &here, page.as_bytes()).unwrap(), ["24.08", "24.09"]);
        assert!(links("p", &here, b"<html>404").is_err());
    }
}
