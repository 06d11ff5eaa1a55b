//! Software that package managers look after: apt for real, in a root folder and from a repository of its own; the
//! scripts for the others against small programs in their place, which write down how they were called.

#![expect(clippy::disallowed_methods, reason = "the tests build packages and look at what was installed")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use muster::config::load::load;
use muster::config::model::Scripts;
use muster::config::worktree::Worktree;
use muster::id::Name;
use muster::session::script::Platform;

use crate::support::muster::{PATH, Ran, World, document};
use crate::support::sshd::run;

/// A Debian root folder, a repository with packages for it, and the settings that lead apt and dpkg there.
struct Debian {
    world: World,
}

impl Debian {
    fn new() -> Self {
        let debian = Self { world: World::local() };
        let root = debian.world.path("root");
        for folder in [
            "var/lib/dpkg/info",
            "var/lib/dpkg/updates",
            "var/lib/apt/lists/partial",
            "var/cache/apt/archives/partial",
            "var/log/apt",
            "etc/apt/apt.conf.d",
            "etc/apt/preferences.d",
            "etc/apt/sources.list.d",
            "etc/apt/trusted.gpg.d",
        ] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::write(root.join("var/lib/dpkg/status"), "").unwrap();
        fs::create_dir_all(debian.world.path("packages")).unwrap();
        let packages = debian.world.path("packages");
        let source = format!("deb [trusted=yes] file:{} ./\n", packages.display());
        fs::write(root.join("etc/apt/sources.list"), source).unwrap();
        let shown = root.display();
        let settings = format!(
            "Dir \"{shown}\";\nDir::State::status \"{shown}/var/lib/dpkg/status\";\nAPT::Sandbox::User \"\";\n\
             DPkg::Options {{ \"--root={shown}\"; \"--force-not-root\"; \"--force-script-chrootless\"; \
             \"--log=/dev/null\"; }};\nDPkg::Pre-Install-Pkgs \"\";\nDPkg::Post-Invoke \"\";\n"
        );
        fs::write(debian.world.path("apt.conf"), settings).unwrap();
        // Scripts do not see Muster's variables; so what they call sets those that lead here.
        let (settings, admin) = (debian.world.path("apt.conf"), root.join("var/lib/dpkg"));
        fs::create_dir_all(debian.world.path("bin")).unwrap();
        for name in ["apt-get", "apt-cache", "apt-mark", "dpkg", "dpkg-query"] {
            let program = format!(
                "#!/bin/sh\nAPT_CONFIG='{}' DPKG_ADMINDIR='{}' exec /usr/bin/{name} \"$@\"\n",
                settings.display(),
                admin.display()
            );
            let path = debian.world.path("bin").join(name);
            fs::write(&path, program).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        debian
    }

    /// Builds a package and lists it in the repository.
    fn build(&self, name: &str, version: &str, more: &str) {
        let tree = self.world.path(&format!("build-{name}-{version}"));
        fs::create_dir_all(tree.join("DEBIAN")).unwrap();
        let share = tree.join("usr/share").join(name);
        fs::create_dir_all(&share).unwrap();
        let control = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: Test <test@example.org>\n{more}\
             Description: Greets\n"
        );
        fs::write(tree.join("DEBIAN/control"), control).unwrap();
        fs::write(share.join("words"), format!("hello from {version}\n")).unwrap();
        let packages = self.world.path("packages");
        let deb = packages.join(format!("{name}_{version}.deb"));
        let (tree, deb) = (tree.display().to_string(), deb.display().to_string());
        run("dpkg-deb", &["--build", "--root-owner-group", &tree, &deb]);
        let list = Command::new("dpkg-scanpackages")
            .args(["--multiversion", "."])
            .current_dir(&packages)
            .output()
            .unwrap();
        assert!(list.status.success(), "{}", String::from_utf8_lossy(&list.stderr));
        fs::write(packages.join("Packages"), list.stdout).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.world.command(arguments);
        command.env("PATH", format!("{}:{PATH}", self.world.path("bin").display()));
        command.env("HOMEBREW_PREFIX", self.world.path("prefix"));
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    fn deploy(&self, name: &str, wish: &str) {
        let spec = format!("software: {name}\n  {wish}\n  target: {{ match: {{ every: true }} }}");
        self.world.write(&format!("deployments/{name}.yaml"), &document("Deployment", name, &spec));
    }

    fn words(&self, name: &str) -> String {
        fs::read_to_string(self.world.path(&format!("root/usr/share/{name}/words"))).unwrap_or_default()
    }
}

fn actions(ran: &Ran) -> Vec<String> {
    let plan = ran.json();
    let changes = plan["changes"].as_array().unwrap().iter();
    changes.filter_map(|change| change["action"].as_str().map(str::to_owned)).collect()
}

#[test]
fn apt_looks_after_software_that_has_no_script_of_its_own() {
    let debian = Debian::new();
    for version in ["1.0-9", "1.0-10"] {
        debian.build("greeter", version, "");
    }
    let spec =
        "versionScheme: debian\n  versions: ['1.0-9', '1.0-10']\n  packages: { apt: greeter, dnf: greeter }";
    debian.world.write("software/greeter.yaml", &document("Software", "greeter", spec));
    for (wish, action, words) in [
        ("state: absent", None, ""),
        ("state: installed\n  version: '1.0-9'", Some("install"), "hello from 1.0-9\n"),
        ("state: installed\n  version: latest", Some("update"), "hello from 1.0-10\n"),
        (
            "state: installed\n  version: '1.0-9'\n  allowDowngrade: true",
            Some("downgrade"),
            "hello from 1.0-9\n",
        ),
        ("state: absent", Some("uninstall"), ""),
        ("state: installed\n  version: any", Some("install"), "hello from 1.0-10\n"),
    ] {
        debian.deploy("greeter", wish);
        let plan = debian.run(&["plan", "--output", "json"]).exits(0);
        assert_eq!(actions(&plan), action.into_iter().collect::<Vec<_>>(), "{wish}");
        debian.run(&["apply", "--auto-approve"]).exits(0);
        assert_eq!(debian.words("greeter"), words, "{wish}");
        debian.run(&["plan", "--refresh", "always", "--detailed-exitcode"]).exits(0);
    }
    // A version that appears later is found, although the index that apt has is older.
    debian.build("greeter", "1.0-11", "");
    let spec = spec.replace("'1.0-10'", "'1.0-10', '1.0-11'");
    debian.world.write("software/greeter.yaml", &document("Software", "greeter", &spec));
    debian.deploy("greeter", "state: installed\n  version: latest");
    debian.run(&["apply", "--auto-approve"]).exits(0);
    assert_eq!(debian.words("greeter"), "hello from 1.0-11\n");
}

/// The built-in resource, which has apt-get and dpkg-query do everything.
#[test]
fn a_package_resource_is_installed_changed_and_removed_by_apt() {
    let debian = Debian::new();
    for version in ["1.0-9", "1.0-10"] {
        debian.build("greeter", version, "");
    }
    debian.world.write(
        "deployments/greeter.yaml",
        &document("Deployment", "greeter", "task: greeter\n  target: { match: { every: true } }"),
    );
    for (properties, words) in [
        ("name: greeter, version: '1.0-9'", "hello from 1.0-9\n"),
        ("name: greeter", "hello from 1.0-9\n"),
        ("name: greeter, version: '1.0-10'", "hello from 1.0-10\n"),
        ("name: greeter, version: '1.0-9'", "hello from 1.0-9\n"),
        ("name: greeter, state: absent", ""),
        ("name: greeter, state: present", "hello from 1.0-10\n"),
    ] {
        let spec = format!("resource: {{ package: {{ {properties} }} }}");
        debian.world.write("tasks/greeter.yaml", &document("Task", "greeter", &spec));
        debian.run(&["apply", "--auto-approve"]).exits(0);
        assert_eq!(debian.words("greeter"), words, "{properties}");
        debian.run(&["plan", "--refresh", "always", "--detailed-exitcode"]).exits(0);
    }
    // A package that appears later is found, although the index that apt has is older.
    debian.build("choir", "1", "Depends: greeter\n");
    let spec = "resource: { package: { name: choir, version: '1' } }";
    debian.world.write("tasks/greeter.yaml", &document("Task", "greeter", spec));
    debian.run(&["apply", "--auto-approve"]).exits(0);
    assert_eq!(debian.words("choir"), "hello from 1\n");
    // One that nobody has leaves all as it is, and is told.
    let spec = "resource: { package: { name: silence } }";
    debian.world.write("tasks/greeter.yaml", &document("Task", "greeter", spec));
    debian.run(&["apply", "--auto-approve"]).exits(4);
    assert_eq!(debian.words("silence"), "");
    // A name is no expression, even where some package fits it.
    for properties in ["name: 'gre.t'", "name: 'silenc.'"] {
        debian.build("silencer", "1", "");
        let spec = format!("resource: {{ package: {{ {properties} }} }}");
        debian.world.write("tasks/greeter.yaml", &document("Task", "greeter", &spec));
        debian.run(&["apply", "--auto-approve"]).exits(4);
        assert_eq!(debian.words("silencer"), "", "{properties}");
    }
    // What another package needs stays, and nothing is pushed out or taken for an order to remove.
    debian.build("silence", "1", "Conflicts: choir\n");
    for properties in ["name: greeter, state: absent", "name: silence"] {
        let spec = format!("resource: {{ package: {{ {properties} }} }}");
        debian.world.write("tasks/greeter.yaml", &document("Task", "greeter", &spec));
        let ran = debian.run(&["apply", "--auto-approve"]);
        assert!([4, 5].contains(&ran.code), "{properties}: {}\n{}", ran.out, ran.err);
        assert_eq!(debian.words("choir"), "hello from 1\n", "{properties}");
        assert_eq!(debian.words("greeter"), "hello from 1.0-10\n", "{properties}");
    }
    let spec = "resource: { package: { name: 'choir-' } }";
    debian.world.write("tasks/greeter.yaml", &document("Task", "greeter", spec));
    debian.run(&["apply", "--auto-approve"]).exits(3).says("cannot be the name of a package");
    assert_eq!(debian.words("choir"), "hello from 1\n");
}

/// apt for real, and a program in the place of Homebrew that offers a version.
#[test]
fn the_manager_that_offers_the_newest_is_chosen_where_it_is_asked_for() {
    for (choose, brew, by_apt) in [
        ("first", "1.10", true),
        ("newest", "1.10", false),
        ("newest", "1.9", true),
        ("newest", "1.8.7", true),
        ("newest", "", true),
    ] {
        let debian = Debian::new();
        debian.build("greeter", "1:1.9-3", "");
        let spec = format!("packages: {{ apt: greeter, brew: greeter, choose: {choose} }}");
        debian.world.write("software/greeter.yaml", &document("Software", "greeter", &spec));
        debian.deploy("greeter", "state: installed\n  version: any");
        let prefix = debian.world.path("prefix");
        fs::create_dir_all(prefix.join("bin")).unwrap();
        let program = format!(
            "#!/bin/sh\ncase $1 in\ninfo) echo ' \"stable\": \"{brew}\",' ;;\ninstall) mkdir -p '{0}/Cellar/greeter/{brew}' ;;\n\
             esac\n",
            prefix.display()
        );
        fs::write(prefix.join("bin/brew"), program).unwrap();
        fs::set_permissions(prefix.join("bin/brew"), fs::Permissions::from_mode(0o755)).unwrap();
        debian.run(&["apply", "--auto-approve"]).exits(0);
        let words = if by_apt { "hello from 1:1.9-3\n" } else { "" };
        assert_eq!(debian.words("greeter"), words, "{choose} {brew}");
        assert_eq!(prefix.join("Cellar/greeter").exists(), !by_apt, "{choose} {brew}");
        debian.run(&["plan", "--refresh", "always", "--detailed-exitcode"]).exits(0);
    }
}

#[test]
fn nothing_that_was_not_mentioned_goes_with_a_package() {
    let debian = Debian::new();
    debian.build("greeter", "1", "");
    debian.build("choir", "1", "Depends: greeter\n");
    debian.build("silence", "1", "Conflicts: choir\n");
    for name in ["greeter", "choir", "silence"] {
        let spec = format!("versions: ['1']\n  packages: {{ apt: {name} }}");
        debian.world.write(&format!("software/{name}.yaml"), &document("Software", name, &spec));
    }
    debian.deploy("choir", "state: installed");
    debian.run(&["apply", "--auto-approve"]).exits(0);
    assert_eq!(debian.words("greeter"), "hello from 1\n");
    // Removing what another package needs, and installing what would push one out, both fail without touching it.
    debian.deploy("greeter", "state: absent");
    debian.run(&["apply", "--auto-approve"]).exits(4).says("these would go with it: choir");
    fs::remove_file(debian.world.repo().join("deployments/greeter.yaml")).unwrap();
    debian.deploy("silence", "state: installed");
    debian.run(&["apply", "--auto-approve"]).exits(4);
    for (name, words) in [("greeter", "hello from 1\n"), ("choir", "hello from 1\n"), ("silence", "")] {
        assert_eq!(debian.words(name), words, "{name}");
    }
}

#[test]
fn a_record_that_cannot_be_read_is_not_taken_for_absence() {
    let debian = Debian::new();
    debian.build("greeter", "1", "");
    let spec = "versions: ['1']\n  packages: { apt: greeter }";
    debian.world.write("software/greeter.yaml", &document("Software", "greeter", spec));
    debian.deploy("greeter", "state: installed");
    fs::write(debian.world.path("root/var/lib/dpkg/status"), "This is not a record.\n").unwrap();
    let plan = debian.run(&["plan", "--output", "json"]).exits(5);
    assert_eq!(actions(&plan), [""; 0]);
    assert_eq!(plan.json()["coverage"]["undetermined"], 1, "{}", plan.out);
}

/// The scripts that are made for a software with these packages.
fn scripts(packages: &str) -> (Scripts, Scripts) {
    let world = World::local();
    let spec = format!("packages: {{ {packages} }}");
    world.write("software/tool.yaml", &document("Software", "tool", &spec));
    let loaded = load(&Worktree::open(&world.repo()).unwrap());
    let config = loaded.config.unwrap_or_else(|| panic!("{:?}", loaded.findings));
    let software = &config.software[&Name::new("tool").unwrap()];
    (software.install.clone().unwrap(), software.uninstall.clone().unwrap())
}

/// Runs a script where only these programs are, beside the plain tools; gives its code, its errors and the calls.
fn with_programs(
    script: &Scripts,
    programs: &[(&str, &str)],
    variables: &[(&str, &str)],
) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    for tool in ["sh", "sed", "grep", "tr", "head", "id", "stat", "cat"] {
        let from = ["/bin", "/usr/bin"]
            .map(|path| Path::new(path).join(tool))
            .into_iter()
            .find(|path| path.exists());
        std::os::unix::fs::symlink(from.unwrap(), folder.path().join(tool)).unwrap();
    }
    let calls = folder.path().join("calls");
    for (name, body) in programs {
        // Homebrew is looked for in its own folder.
        let file =
            if *name == "brew" { folder.path().join("prefix/bin/brew") } else { folder.path().join(name) };
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let text = format!("#!/bin/sh\nprintf '%s\\n' \"{name} $*\" >>'{}'\n{body}\n", calls.display());
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let text = &script.on(Platform::Posix).unwrap().text;
    let file = folder.path().join("script");
    fs::write(&file, text.as_bytes()).unwrap();
    let checked = Command::new("/bin/sh").arg("-n").arg(&file).status().unwrap();
    assert!(checked.success(), "{text}");
    let output = Command::new("/bin/sh")
        .arg(&file)
        .env_clear()
        .env("PATH", folder.path())
        .env("HOMEBREW_PREFIX", folder.path().join("prefix"))
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let calls = fs::read_to_string(calls).unwrap_or_default();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap(), calls)
}

#[test]
fn dnf_is_asked_for_the_exact_version_and_removes_nothing_else() {
    let (install, uninstall) = scripts("apt: tool, dnf: tool");
    let run = |rpm: &'static str, variables: &[(&str, &str)]| {
        with_programs(&install, &[("dnf", ""), ("rpm", rpm)], variables)
    };
    let (code, _, calls) = run("exit 1", &[("MUSTER_VERSION", "1.2-3.fc40"), ("MUSTER_ACTION", "install")]);
    assert_eq!((code, calls.as_str()), (0, "rpm -q tool\ndnf -y -q install tool-1.2-3.fc40\n"));
    let (_, _, calls) = run("", &[("MUSTER_VERSION", "1.1-1"), ("MUSTER_ACTION", "downgrade")]);
    assert!(calls.ends_with("dnf -y -q downgrade tool-1.1-1\n"), "{calls}");
    let again = [("MUSTER_VERSION", "1"), ("MUSTER_VERSION_BEFORE", "1"), ("MUSTER_ACTION", "repair")];
    let (_, _, calls) = run("", &again);
    assert!(calls.ends_with("dnf -y -q reinstall tool-1\n"), "{calls}");
    let (_, _, calls) = run("exit 1", &[]);
    assert!(calls.ends_with("dnf -y -q install tool\n"), "{calls}");

    let (code, _, calls) = with_programs(&uninstall, &[("dnf", ""), ("rpm", "")], &[]);
    assert_eq!(code, 0);
    assert!(
        calls.ends_with("dnf -y -q --setopt=clean_requirements_on_remove=False remove tool\n"),
        "{calls}"
    );
    let needed = "case $1 in -e) echo 'tool is needed by other' >&2; exit 1 ;; esac";
    let (code, errors, calls) = with_programs(&uninstall, &[("dnf", ""), ("rpm", needed)], &[]);
    assert_eq!(code, 1);
    assert!(errors.contains("needed by other") && !calls.contains("remove"), "{errors}{calls}");
    let (code, errors, _) = with_programs(&install, &[], &[]);
    assert_eq!((code, errors.as_str()), (1, "none of these package managers is here: apt dnf\n"));
}

#[test]
fn homebrew_installs_no_other_version_than_the_wanted_one() {
    let (install, uninstall) = scripts("brew: homebrew/core/tool");
    let brew = "case $1 in info) printf '%s\\n' '{' '  \"versions\": {' '    \"stable\": \"2.1\",' ;; list) exit 1 ;; esac";
    let wanted = |version: &'static str, brew: &'static str| {
        with_programs(
            &install,
            &[("brew", brew)],
            &[("MUSTER_VERSION", version), ("MUSTER_ACTION", "install")],
        )
    };
    let (code, _, calls) = wanted("2.1", brew);
    assert_eq!(code, 0);
    assert!(calls.ends_with("brew install homebrew/core/tool\n"), "{calls}");
    let (code, errors, calls) = wanted("2.0", brew);
    assert_eq!(code, 1);
    assert!(
        errors.contains("Homebrew offers 2.1, and 2.0 is wanted") && !calls.contains("install"),
        "{errors}"
    );
    let there = "case $1 in info) echo ' \"stable\": \"2.1\",' ;; list) echo 'tool 2.0' ;; esac";
    let (_, _, calls) = wanted("2.1", there);
    assert!(calls.ends_with("brew upgrade homebrew/core/tool\n"), "{calls}");
    let (code, _, calls) = with_programs(&uninstall, &[("brew", there)], &[]);
    assert_eq!(code, 0);
    assert!(calls.ends_with("brew uninstall homebrew/core/tool\n"), "{calls}");
}

#[test]
fn the_manager_that_has_the_package_is_used_whichever_is_preferred() {
    let (install, _) = scripts("brew: tool, dnf: tool, prefer: [brew]");
    let run = |brew, rpm| with_programs(&install, &[("brew", brew), ("dnf", ""), ("rpm", rpm)], &[]).2;
    assert!(run("[ $1 = list ] && exit 1", "exit 1").ends_with("brew install tool\n"), "neither has it");
    assert!(run("[ $1 = list ] && exit 1", "").ends_with("dnf -y -q install tool\n"), "dnf has it");
    assert!(run("[ $1 = list ] && echo 1", "").ends_with("brew upgrade tool\n"), "both have it");
}
