//! Every kind of source, each from a server or folder to the lock file.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

use super::{locked, sha, tool, whole_sha, world};
use crate::support::muster::World;
use crate::support::web::{Reply, Web};

fn files(list: &[(&str, &[u8])]) -> BTreeMap<String, Vec<u8>> {
    list.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec())).collect()
}

#[test]
fn a_list_in_the_repository_gets_its_hashes_by_fetching_once() {
    let web = Web::files(files(&[("/a", b"one"), ("/b", b"two")]));
    let url = &web.url;
    let world = world(&format!(
        "{{ list: {{ releases: [{{ version: '1.9', url: '{url}/a' }}, {{ version: '1.10', url: '{url}/b' }}] }} }}"
    ));
    world.run(&["update"]).exits(0).shows("new: 1.10");
    assert_eq!(locked(&world), [format!("1.10 b {} download", sha("two"))]);
    world.run(&["validate"]).exits(0);
    let asked = web.asked().len();
    let before = super::lock(&world);
    world.run(&["update"]).exits(0).shows("0 moved");
    assert_eq!(
        (web.asked().len(), super::lock(&world)),
        (asked, before),
        "a known file is not fetched again"
    );
}

#[test]
fn a_list_file_and_a_script_give_lines() {
    let web = Web::files(files(&[("/b", b"two")]));
    let world = world("{ list: { file: tool.txt } }");
    world.write("software/tool.txt", &format!("# made by us\n1.0 {}/a {}\n", web.url, whole_sha("one")));
    let line = format!("{{\"version\": \"2.0\", \"url\": \"{}/b\", \"platform\": \"posix\"}}", web.url);
    tool(
        &world,
        "other",
        &format!("{{ script: {{ posix: {{ inline: \"echo '{}'\" }} }} }}", line.replace('"', "\\\"")),
    );
    world.run(&["update"]).exits(0);
    assert_eq!(
        locked(&world),
        [format!("2.0 b {} download", sha("two")), format!("1.0 a {} source", sha("one"))]
    );
    assert!(super::lock(&world).contains("platform: posix"));
}

#[test]
fn a_script_that_fails_says_what_it_said() {
    let world = world("{ script: { posix: { inline: 'echo no luck >&2; exit 3' } } }");
    world.run(&["update"]).exits(9).shows("no luck");
}

#[test]
fn a_page_is_searched_by_its_expression() {
    let page = r#"<a href="files/tool-1.2.zip">1.2</a><a href="files/tool-1.10.zip">1.10</a>"#;
    let web = Web::files(files(&[("/p/", page.as_bytes()), ("/p/files/tool-1.10.zip", b"zip")]));
    let regex = r#"href="(?<url>[^"]*tool-(?<version>[0-9.]+)\.zip)""#;
    let world = world(&format!("{{ page: {{ url: '{}/p/', regex: '{regex}' }} }}", web.url));
    world.run(&["update"]).exits(0);
    assert_eq!(locked(&world), [format!("1.10 p/files/tool-1.10.zip {} download", sha("zip"))]);
}

#[test]
fn github_releases_are_read_over_pages_with_a_token_that_is_seen_nowhere() {
    let release = |tag: &str, pre: bool, draft: bool, url: &str, digest: &str| {
        format!(
            r#"{{"tag_name": "{tag}", "draft": {draft}, "prerelease": {pre}, "html_url": "https://g.test/{tag}", "assets": [
                {{"name": "tool-x64.zip", "browser_download_url": "{url}/d/{tag}", "size": 3{digest}}},
                {{"name": "tool-x64.zip.sig", "browser_download_url": "{url}/d/sig"}}]}}"#
        )
    };
    let web = Web::start(move |asked| {
        let url = format!("http://{}", asked.headers["host"]);
        let release = |tag, pre, draft, digest: &str| release(tag, pre, draft, &url, digest);
        match asked.path.as_str() {
            "/api/repos/acme/tool/releases?per_page=100" => {
                let page =
                    format!("[{}, {}]", release("v3.0", false, true, ""), release("v2.1", true, false, ""));
                Reply::ok(page).header("Link", format!("<{url}/api/more?page=2>; rel=\"next\""))
            }
            "/api/more?page=2" => {
                let digest = format!(", \"digest\": \"sha256:{}\"", whole_sha("two"));
                Reply::ok(format!(
                    "[{}, {}]",
                    release("v2.0", false, false, &digest),
                    release("v1.0", false, false, "")
                ))
            }
            "/d/v1.0" => Reply::ok("one"),
            _ => Reply::status(404),
        }
    });
    let world = world(&format!(
        "{{ github: {{ repository: acme/tool, api: '{}/api', assets: [{{ regex: 'tool-x64\\.zip', architecture: x86_64 }}], \
         token: {{ env: GITHUB_TOKEN }} }} }}",
        web.url
    ));
    super::deploy(&world, "tool", "<2");
    let ran = world.run_with(&["update", "-vvv"], "GITHUB_TOKEN", "canary-token-1").exits(0);
    assert_eq!(
        locked(&world),
        [format!("2.0 d/v2.0 {} source", sha("two")), format!("1.0 d/v1.0 {} download", sha("one"))]
    );
    let asked = web.asked();
    for asked in &asked {
        let expected = asked.path.starts_with("/api").then(|| "Bearer canary-token-1".to_owned());
        assert_eq!(asked.headers.get("authorization").cloned(), expected, "{}", asked.path);
    }
    for text in [&ran.out, &ran.err, &super::lock(&world)] {
        assert!(!text.contains("canary"), "{text}");
    }
    // Without the token nothing is asked, and the entry stays.
    let before = super::lock(&world);
    world.run(&["update"]).exits(9).shows("GITHUB_TOKEN");
    assert_eq!(super::lock(&world), before);
    assert_eq!(web.asked().len(), asked.len());
}

fn manifest(version: &str, url: &str, content: &str) -> String {
    format!(
        "PackageIdentifier: Acme.Tool\nPackageVersion: {version}\nInstallerType: wix\nInstallers:\n- Architecture: x64\n  \
         InstallerUrl: {url}/tool-{version}.msi\n  InstallerSha256: {}\nManifestType: installer\nManifestVersion: 1.6.0\n",
        whole_sha(content).to_uppercase()
    )
}

#[test]
fn winget_manifests_are_read_from_a_folder_a_server_and_the_contents_api() {
    const FOLDER: &str = "manifests/a/Acme/Tool";
    let names = ["1.9", "1.10", "Beta"];
    let in_folder = world("{ winget: { id: Acme.Tool, repository: { path: ../packages } } }");
    let mut served = files(&[]);
    let mut index = String::from("<a href=\"../\">..</a>");
    let mut contents = String::from("[{\"name\": \"x.yaml\", \"type\": \"file\"}");
    for name in names {
        let path = format!("{FOLDER}/{name}/Acme.Tool.installer.yaml");
        let text = manifest(name, "https://x.test", name);
        let file = in_folder.path("packages").join(&path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, &text).unwrap();
        served.insert(format!("/w/{path}"), text.clone().into_bytes());
        served.insert(format!("/api/repos/acme/pkgs/contents/{path}"), text.into_bytes());
        write!(index, "<a href=\"{name}/\">{name}</a>").unwrap();
        write!(contents, ", {{\"name\": \"{name}\", \"type\": \"dir\", \"size\": 0}}").unwrap();
    }
    served.insert(format!("/w/{FOLDER}/"), index.into_bytes());
    served.insert(format!("/api/repos/acme/pkgs/contents/{FOLDER}"), (contents + "]").into_bytes());
    let web = Web::files(served);
    let url = &web.url;
    let on_server = world(&format!("{{ winget: {{ id: Acme.Tool, repository: {{ url: '{url}/w' }} }} }}"));
    let on_api = world(&format!(
        "{{ winget: {{ id: Acme.Tool, repository: {{ github: {{ repository: acme/pkgs, api: '{url}/api' }} }} }} }}"
    ));
    for world in [&in_folder, &on_server, &on_api] {
        world.run(&["update"]).exits(0);
        assert_eq!(locked(world), [format!("1.10 tool-1.10.msi {} source", sha("1.10"))]);
        let lock = super::lock(world);
        for part in [
            "architecture: x86_64",
            "platform: windows",
            "installer: \"wix\"",
            "arguments: \"/quiet /norestart\"",
        ] {
            assert!(lock.contains(part), "{part} in {lock}");
        }
    }
}

/// A repository for apt with one package, and what vouches for it.
struct Apt {
    home: tempfile::TempDir,
    files: BTreeMap<String, Vec<u8>>,
}

impl Apt {
    #[expect(clippy::print_stderr, reason = "a test that cannot run says so")]
    fn new() -> Option<Self> {
        let home = tempfile::tempdir().unwrap();
        let apt = Self { home, files: files(&[]) };
        let made = apt.gpg(&["--quick-gen-key", "packages@example.com", "default", "sign", "never"], None);
        if made.is_none() {
            eprintln!("not run: gpg makes no key on this computer");
        }
        made.map(|_| apt)
    }

    fn gpg(&self, arguments: &[&str], input: Option<&[u8]>) -> Option<Vec<u8>> {
        let file = self.home.path().join("input");
        std::fs::write(&file, input.unwrap_or_default()).unwrap();
        let mut gpg = Command::new("gpg");
        gpg.args(["--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", "--homedir"]);
        gpg.arg(self.home.path()).args(arguments).stdin(std::fs::File::open(&file).unwrap());
        let output = gpg.output().ok()?;
        output.status.success().then_some(output.stdout)
    }

    fn publish(&mut self, version: &str, signed: bool) {
        let index = format!(
            "Package: tool\nVersion: {version}\nArchitecture: amd64\nFilename: pool/tool_{version}.deb\nSize: 5\nSHA256: {}\n",
            whole_sha(version)
        );
        let release = format!(
            "Suite: stable\nSHA256:\n {} {} main/binary-amd64/Packages\n",
            whole_sha(&index),
            index.len()
        );
        self.files.insert("/apt/dists/stable/main/binary-amd64/Packages".to_owned(), index.into_bytes());
        self.files.retain(|path, _| !path.contains("Release"));
        if signed {
            let text = self.gpg(&["--clearsign", "--output", "-"], Some(release.as_bytes())).unwrap();
            self.files.insert("/apt/dists/stable/InRelease".to_owned(), text);
        } else {
            let signature =
                self.gpg(&["--detach-sign", "--armor", "--output", "-"], Some(release.as_bytes())).unwrap();
            self.files.insert("/apt/dists/stable/Release".to_owned(), release.into_bytes());
            self.files.insert("/apt/dists/stable/Release.gpg".to_owned(), signature);
        }
    }

    fn world(&self, web: &Web, key: bool) -> World {
        let key_line = if key { ", key: vendor.asc" } else { "" };
        let world = world(&format!(
            "{{ apt: {{ url: '{}/apt', suite: stable, package: tool{key_line} }} }}",
            web.url
        ));
        if key {
            let armoured = self.gpg(&["--armor", "--export"], None).unwrap();
            world.write("software/vendor.asc", &String::from_utf8(armoured).unwrap());
        }
        world
    }
}

#[test]
fn an_apt_repository_is_checked_down_to_the_package() {
    let Some(mut apt) = Apt::new() else { return };
    for clear in [true, false] {
        apt.publish("1.10-1", clear);
        let web = Web::files(apt.files.clone());
        let checked = apt.world(&web, true);
        checked.run(&["update"]).exits(0);
        assert_eq!(locked(&checked), [format!("1.10-1 apt/pool/tool_1.10-1.deb {} source", sha("1.10-1"))]);
        assert!(super::lock(&checked).contains("signed: true"));
        let unchecked = apt.world(&web, false);
        unchecked.run(&["update"]).exits(0).shows("signature of the repository was not checked");
        assert!(super::lock(&unchecked).contains("signed: false"));
    }
}

#[test]
fn an_apt_repository_that_was_tampered_with_gives_nothing() {
    let (Some(mut apt), Some(mut other)) = (Apt::new(), Apt::new()) else { return };
    apt.publish("1.0", true);
    other.publish("6.6", true);
    // Somebody else's signature.
    let web = Web::files(other.files.clone());
    let world = apt.world(&web, true);
    world.run(&["update"]).exits(9).shows("signature");
    assert_eq!(super::lock(&world), "");
    // A good signature over an index that was changed afterwards.
    let mut changed = apt.files.clone();
    let index = changed.get_mut("/apt/dists/stable/main/binary-amd64/Packages").unwrap();
    *index = String::from_utf8(index.clone()).unwrap().replace("1.0", "9.0").into_bytes();
    let web = Web::files(changed);
    apt.world(&web, true).run(&["update"]).exits(9).shows("does not have the hash");
    // A good signature over the file of another suite.
    let mut other_suite = BTreeMap::new();
    for (path, file) in &apt.files {
        other_suite.insert(path.replace("dists/stable", "dists/old"), file.clone());
    }
    let web = Web::files(other_suite);
    let world = apt.world(&web, true);
    world.write(
        "software/tool.yaml",
        &world.repo_file("software/tool.yaml").replace("suite: stable", "suite: old"),
    );
    world.run(&["update"]).exits(9).shows("is that of another suite");
    assert_eq!(super::lock(&world), "");
    // A text that was changed under its signature.
    let mut changed = apt.files.clone();
    let release = changed.get_mut("/apt/dists/stable/InRelease").unwrap();
    *release =
        String::from_utf8(release.clone()).unwrap().replace("Suite: stable", "Suite: unstable").into_bytes();
    let web = Web::files(changed);
    apt.world(&web, true).run(&["update"]).exits(9).shows("signature");
}
