//! Built-in resources for real: what their scripts do to this machine, in every shell of the POSIX family that it has, and what
//! a plan says of it.
//!
//! Scripts run in a mount namespace of their own with a private copy of `/etc`, so that nothing of this machine changes; that
//! needs root. Not here: what is written for Windows, which is only checked for its syntax, beside the code.

use std::path::Path;
use std::process::Command;

use muster::config::kind::ResourceKind;
use muster::config::resource::{report, scripts};
use muster::inventory::item::FieldChange;

use crate::support::muster::{World, document};

/// A place where a resource can change things.
struct Place {
    folder: tempfile::TempDir,
}

/// What a script printed, and whether it ended with 0.
struct Said {
    good: bool,
    out: String,
    err: String,
}

impl Said {
    /// The verdict and the fields that differ, as `name: before -> after`.
    #[track_caller]
    fn verdict(&self) -> (bool, Vec<String>) {
        assert!(self.good, "{}\n{}", self.out, self.err);
        let (rest, last) = self.out.trim_end().rsplit_once('\n').unwrap_or(("", self.out.trim_end()));
        let (detail, fields) = report::read(rest, None);
        assert_eq!(detail, "", "{}", self.out);
        let text = |field: &FieldChange| format!("{}: {}", field.field, field.phrase());
        (last == "true", fields.iter().map(text).collect())
    }
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Runs a method of a resource with these properties, in a shell.
    fn run(&self, shell: &[&str], kind: ResourceKind, method: &str, properties: &[(&str, &str)]) -> Said {
        let script = self.path("script");
        std::fs::write(&script, &*scripts(kind, true, true).posix.unwrap().text).unwrap();
        let etc = self.path("etc");
        let files = [ResourceKind::File, ResourceKind::Directory, ResourceKind::Line].contains(&kind);
        let setup = if files {
            "exec \"$@\"".to_owned()
        } else {
            format!(
                "set -e; [ -d {etc} ] || cp -a /etc {etc}; mount --bind {etc} /etc; mkdir -p {0} {1}; mount --bind {0} \
                 /home; PATH={1}:$PATH; export PATH; exec \"$@\"",
                self.path("home"),
                self.path("bin")
            )
        };
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", &setup, "sh"]).args(shell).arg(script);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("MUSTER_METHOD", method);
        command.envs(properties.iter().map(|(name, value)| (format!("MUSTER_PARAM_{name}"), *value)));
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said { good: output.status.success(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// The resource is not so, is set, and is so: in one shell. What differed before is returned.
    #[track_caller]
    fn brings(&self, shell: &[&str], kind: ResourceKind, properties: &[(&str, &str)]) -> Vec<String> {
        let (good, fields) = self.run(shell, kind, "test", properties).verdict();
        assert!(!good, "{shell:?} {kind:?} is so already");
        assert!(!fields.is_empty());
        let set = self.run(shell, kind, "set", properties);
        assert!(set.good, "{shell:?} {kind:?} {} {}", set.out, set.err);
        self.holds(shell, kind, properties);
        fields
    }

    /// The resource is so, and setting it again changes nothing.
    #[track_caller]
    fn holds(&self, shell: &[&str], kind: ResourceKind, properties: &[(&str, &str)]) {
        assert_eq!(
            self.run(shell, kind, "test", properties).verdict(),
            (true, Vec::new()),
            "{shell:?} {kind:?}"
        );
        assert!(self.run(shell, kind, "set", properties).good);
        assert_eq!(
            self.run(shell, kind, "test", properties).verdict(),
            (true, Vec::new()),
            "{shell:?} {kind:?}"
        );
    }
}

/// The shells to try. Without root there is no namespace of one's own, and nothing is tried.
fn shells() -> Vec<Vec<&'static str>> {
    let works = Command::new("unshare").args(["-m", "true"]).status().is_ok_and(|status| status.success());
    if !works {
        return Vec::new();
    }
    [vec!["sh"], vec!["dash"], vec!["bash"], vec!["busybox", "sh"], vec!["mksh"], vec!["ksh"]]
        .into_iter()
        .filter(|shell| ["/usr/bin", "/bin"].iter().any(|folder| Path::new(folder).join(shell[0]).exists()))
        .collect()
}

#[test]
fn a_file_gets_its_content_its_owner_and_its_mode() {
    for shell in shells() {
        let place = Place::new();
        let (file, wanted) = (place.path("a file"), place.path("wanted"));
        std::fs::write(&wanted, b"one\0\n").unwrap();
        let path = ("PATH", file.as_str());
        let all = [path, ("CONTENT", &wanted), ("OWNER", "daemon"), ("GROUP", "adm"), ("MODE", "640")];
        let fields = place.brings(&shell, ResourceKind::File, &all);
        assert_eq!(fields[0], "state: absent -> present", "{shell:?}");
        assert_eq!(fields[4], "mode: (none) -> 0640");
        assert_eq!(std::fs::read(&file).unwrap(), b"one\0\n");
        // What is not given is left alone.
        let fields = place.brings(&shell, ResourceKind::File, &[path, ("MODE", "0600")]);
        assert_eq!(fields, ["mode: 0640 -> 0600"]);
        place.holds(&shell, ResourceKind::File, &[path, ("OWNER", "daemon"), ("GROUP", "adm")]);
        std::fs::write(&wanted, "two\n").unwrap();
        let fields = place.brings(&shell, ResourceKind::File, &[path, ("CONTENT", &wanted)]);
        assert!(fields[0].starts_with("content: sha256:"), "{fields:?}");
        place.holds(&shell, ResourceKind::File, &[path, ("OWNER", "daemon"), ("MODE", "0600")]);
        let left = std::fs::read_dir(place.folder.path()).unwrap().count();
        assert_eq!(left, 3, "the file, what it is to hold and the script; nothing else stays behind");
        place.brings(&shell, ResourceKind::File, &[path, ("STATE", "absent")]);
        assert!(!Path::new(&file).exists());
    }
}

#[test]
fn a_secret_content_is_compared_and_never_printed() {
    for shell in shells() {
        let place = Place::new();
        let file = place.path("key");
        let all = [("PATH", file.as_str()), ("SECRET_CONTENT", "swordfish\n")];
        assert_eq!(place.brings(&shell, ResourceKind::File, &all)[1], "content: (none) -> [secret]");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "swordfish\n");
        std::fs::write(&file, "other").unwrap();
        let said = place.run(&shell, ResourceKind::File, "test", &all);
        assert_eq!(said.verdict().1, ["content: [secret] -> [secret]"]);
        assert!(!said.out.contains("swordfish") && !said.out.contains("other"));
    }
}

#[test]
fn a_file_that_is_a_link_is_written_through_and_a_folder_is_refused() {
    let Some(shell) = shells().into_iter().next() else { return };
    let place = Place::new();
    let (real, link, wanted) = (place.path("real"), place.path("link"), place.path("wanted"));
    std::fs::write(&real, "old").unwrap();
    std::fs::write(&wanted, "new").unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    place.brings(&shell, ResourceKind::File, &[("PATH", &link), ("CONTENT", &wanted)]);
    assert_eq!(std::fs::read_to_string(&real).unwrap(), "new");
    assert!(Path::new(&link).is_symlink());
    let refused = place.run(&shell, ResourceKind::File, "test", &[("PATH", "/etc")]);
    assert!(!refused.good && refused.err.contains("is a folder"), "{}", refused.err);
}

/// Runs a command as an account that owns nothing here but what it makes itself.
#[track_caller]
fn as_nobody(command: &[&str]) {
    let drop = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    assert!(Command::new("setpriv").args(drop).args(command).status().unwrap().success(), "{command:?}");
}

fn give(path: &str, owner: &str, mode: u32) {
    assert!(Command::new("chown").args([owner, path]).status().unwrap().success());
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

/// What others could have lead elsewhere is neither read nor written, even where what it leads to is root's alone.
#[test]
fn nothing_is_read_or_written_through_what_others_can_put_there() {
    for shell in shells() {
        let place = Place::new();
        let path = |name: &str| place.path(name);
        give(&path(""), "root", 0o755);
        std::fs::write(path("shadow"), "only-for-root\n").unwrap();
        give(&path("shadow"), "root", 0o600);
        std::fs::write(path("wanted"), "user = app\n").unwrap();
        std::fs::create_dir_all(path("kept/cache")).unwrap();
        for (name, owner, mode) in
            [("theirs", "nobody", 0o755), ("sticky", "root", 0o1777), ("open", "root", 0o777)]
        {
            std::fs::create_dir(path(name)).unwrap();
            give(&path(name), owner, mode);
            as_nobody(&["ln", "-s", &path("shadow"), &path(&format!("{name}/conf"))]);
            as_nobody(&["ln", "-s", &path("kept"), &path(&format!("{name}/folder"))]);
            let (conf, below) = (path(&format!("{name}/conf")), path(&format!("{name}/folder/cache")));
            let wanted = path("wanted");
            let attempts: [(ResourceKind, &[(&str, &str)]); 4] = [
                (ResourceKind::File, &[("PATH", &conf), ("CONTENT", &wanted), ("OWNER", "nobody")]),
                (ResourceKind::Line, &[("PATH", &conf), ("LINE", "user = app")]),
                (ResourceKind::Directory, &[("PATH", &below), ("OWNER", "nobody"), ("MODE", "0777")]),
                (ResourceKind::Directory, &[("PATH", &below), ("STATE", "absent"), ("RECURSIVE", "true")]),
            ];
            for (kind, properties) in attempts {
                for method in ["test", "get", "set"] {
                    let said = place.run(&shell, kind, method, properties);
                    assert!(!said.good, "{shell:?} {name} {kind:?} {method} {}", said.out);
                    assert!(said.err.contains("not followed"), "{}", said.err);
                    assert!(!said.out.contains("muster-field"), "{}", said.out);
                }
            }
        }
        assert_eq!(std::fs::read_to_string(path("shadow")).unwrap(), "only-for-root\n");
        let about = |name: &str| {
            use std::os::unix::fs::MetadataExt as _;
            let about = std::fs::metadata(path(name)).unwrap();
            (about.uid(), about.mode() & 0o7777)
        };
        assert_eq!(about("shadow"), (0, 0o600));
        assert_eq!(about("kept/cache"), (0, 0o755));
        // What is not followed can be taken away, and what would be given away there is refused.
        std::fs::remove_file(path("sticky/conf")).unwrap();
        std::os::unix::fs::symlink(path("shadow"), path("sticky/conf")).unwrap();
        let (own, wanted) = (path("sticky/own"), path("wanted"));
        let all = [("PATH", own.as_str()), ("CONTENT", &wanted)];
        place.brings(&shell, ResourceKind::File, &all);
        let given = place.run(&shell, ResourceKind::File, "test", &[all[0], ("OWNER", "nobody")]);
        assert!(!given.good && given.err.contains("others may write"), "{}", given.err);
        place.brings(&shell, ResourceKind::File, &[("PATH", &path("sticky/conf")), ("STATE", "absent")]);
        assert!(Path::new(&path("shadow")).exists());
    }
}

/// Folders as systems have them: their own links, groups in which nobody is who is not root, what the account owns itself.
#[test]
fn what_only_root_and_the_account_can_change_is_followed() {
    for shell in shells() {
        let place = Place::new();
        give(&place.path(""), "root", 0o755);
        let wanted = place.path("wanted");
        std::fs::write(&wanted, "x\n").unwrap();
        // As Debian has /usr/local and /var/local, and as every system has what root alone writes to.
        for (name, owner, mode) in [("local", "root:staff", 0o2775), ("etc of root", "root:root", 0o775)] {
            std::fs::create_dir(place.path(name)).unwrap();
            give(&place.path(name), owner, mode);
            let file = place.path(&format!("{name}/file"));
            place.brings(
                &shell,
                ResourceKind::File,
                &[("PATH", &file), ("CONTENT", &wanted), ("OWNER", "daemon")],
            );
        }
        give(&place.path("local"), "root:users", 0o2775);
        let said = place.run(&shell, ResourceKind::File, "test", &[("PATH", &place.path("local/file"))]);
        assert!(!said.good && said.err.contains("others may write"), "{}", said.err);
        // Links of root lead through links of root, up and down.
        std::fs::create_dir_all(place.path("var/lib")).unwrap();
        std::os::unix::fs::symlink("./var/../var/./lib", place.path("run")).unwrap();
        std::os::unix::fs::symlink("run", place.path("two words")).unwrap();
        let file = place.path("two words//file");
        place.brings(&shell, ResourceKind::File, &[("PATH", &file), ("CONTENT", &wanted)]);
        assert!(Path::new(&place.path("var/lib/file")).is_file());
        std::os::unix::fs::symlink("loop", place.path("loop")).unwrap();
        let said = place.run(&shell, ResourceKind::File, "test", &[("PATH", &place.path("loop"))]);
        assert!(!said.good && said.err.contains("circle"), "{}", said.err);
        // A link with a slash behind it is not what it leads to.
        let gone = [("PATH", &*place.path("run/")), ("STATE", "absent"), ("RECURSIVE", "true")];
        place.brings(&shell, ResourceKind::Directory, &gone);
        assert!(Path::new(&place.path("var/lib/file")).is_file());
        let said = place.run(&shell, ResourceKind::File, "test", &[("PATH", "etc/motd")]);
        assert!(!said.good && said.err.contains("not absolute"), "{}", said.err);
    }
}

#[test]
fn an_account_looks_after_its_own_folders() {
    let Some(shell) = shells().into_iter().next() else { return };
    let place = Place::new();
    give(&place.path(""), "root", 0o755);
    std::fs::create_dir(place.path("home")).unwrap();
    give(&place.path("home"), "nobody:nogroup", 0o755);
    std::fs::write(place.path("script"), &*scripts(ResourceKind::File, true, true).posix.unwrap().text)
        .unwrap();
    as_nobody(&["mkdir", &place.path("home/real")]);
    as_nobody(&["ln", "-s", "real", &place.path("home/link")]);
    let path = format!("MUSTER_PARAM_PATH={}", place.path("home/link/rc"));
    let run = |method: &str| {
        let method = format!("MUSTER_METHOD={method}");
        as_nobody(&["env", &method, &path, "MUSTER_PARAM_MODE=0640", shell[0], &place.path("script")]);
    };
    run("test");
    run("set");
    assert!(Path::new(&place.path("home/real/rc")).is_file());
    run("test");
}

#[test]
fn numbers_of_accounts_and_the_special_bits_of_folders_come_to_rest() {
    for shell in shells() {
        let place = Place::new();
        std::fs::create_dir(place.path("shared")).unwrap();
        give(&place.path("shared"), "root:staff", 0o2775);
        let (folder, file) = (place.path("shared/new"), place.path("shared/file"));
        let folder = ("PATH", folder.as_str());
        place.brings(&shell, ResourceKind::Directory, &[folder, ("MODE", "0755")]);
        place.brings(&shell, ResourceKind::Directory, &[folder, ("MODE", "3711")]);
        place.brings(&shell, ResourceKind::Directory, &[folder, ("MODE", "755")]);
        let numbers = [("PATH", file.as_str()), ("OWNER", "65534"), ("GROUP", "050"), ("MODE", "4711")];
        place.brings(&shell, ResourceKind::File, &numbers);
        place.holds(&shell, ResourceKind::File, &[numbers[0], ("OWNER", "nobody"), ("GROUP", "staff")]);
        let fields =
            place.brings(&shell, ResourceKind::File, &[numbers[0], ("OWNER", "7077"), ("GROUP", "7078")]);
        assert_eq!(fields, ["owner: 65534 -> 7077", "group: 50 -> 7078"]);
        let said = place.run(&shell, ResourceKind::File, "test", &[numbers[0], ("OWNER", "root:root")]);
        assert!(!said.good && said.err.contains("colon"), "{}", said.err);
    }
}

#[test]
fn a_folder_is_made_and_removed() {
    for shell in shells() {
        let place = Place::new();
        let folder = place.path("a/b");
        let path = ("PATH", folder.as_str());
        place.brings(&shell, ResourceKind::Directory, &[path, ("MODE", "2750"), ("GROUP", "adm")]);
        std::fs::write(place.path("a/b/file"), "").unwrap();
        let refused = place.run(&shell, ResourceKind::Directory, "set", &[path, ("STATE", "absent")]);
        assert!(!refused.good && refused.err.contains("not empty"), "{}", refused.err);
        place.brings(&shell, ResourceKind::Directory, &[path, ("STATE", "absent"), ("RECURSIVE", "true")]);
        let root = place.run(
            &shell,
            ResourceKind::Directory,
            "set",
            &[("PATH", "/./"), ("STATE", "absent"), ("RECURSIVE", "true")],
        );
        assert!(!root.good && root.err.contains("never removed"), "{}", root.err);
    }
}

#[test]
fn a_line_is_added_replaced_and_removed_and_the_others_stay() {
    for shell in shells() {
        let place = Place::new();
        let file = place.path("conf");
        std::fs::write(&file, "a=1\n#b=2\nb=3\n1.0\n  \\n *\n").unwrap();
        let path = ("PATH", file.as_str());
        let run = |more: &[(&str, &str)]| {
            place.brings(&shell, ResourceKind::Line, &[&[path], more].concat());
            std::fs::read_to_string(&file).unwrap()
        };
        let text = run(&[("MATCH", "^#?b="), ("LINE", "b=\\t$x 'q' \"")]);
        assert_eq!(text, "a=1\nb=\\t$x 'q' \"\n1.0\n  \\n *\n", "{shell:?}");
        // Texts are compared as texts, even where they look like numbers.
        assert_eq!(run(&[("LINE", "1")]), "a=1\nb=\\t$x 'q' \"\n1.0\n  \\n *\n1\n");
        assert_eq!(run(&[("MATCH", "[1b]"), ("STATE", "absent")]), "  \\n *\n");
        std::fs::write(&file, "x").unwrap();
        place.holds(&shell, ResourceKind::Line, &[path, ("LINE", "x")]);
        let missing = place.path("none");
        let refused = place.run(&shell, ResourceKind::Line, "set", &[("PATH", &missing), ("LINE", "x")]);
        assert!(!refused.good && refused.err.contains("create is not set"), "{}", refused.err);
        place.brings(&shell, ResourceKind::Line, &[("PATH", &missing), ("LINE", "x"), ("CREATE", "true")]);
        place.holds(
            &shell,
            ResourceKind::Line,
            &[("PATH", "/nowhere/x"), ("MATCH", "x"), ("STATE", "absent")],
        );
    }
}

/// Nothing counts as not managed only because its value did not come along.
#[test]
fn a_resource_without_the_values_that_it_needs_does_nothing() {
    let shells = shells();
    if shells.is_empty() {
        return;
    }
    let place = Place::new();
    let (conf, keep) = (place.path("conf"), place.path("keep"));
    std::fs::write(&conf, "one\n").unwrap();
    std::fs::write(&keep, "").unwrap();
    let path = ("PATH", conf.as_str());
    let without: [(ResourceKind, &[(&str, &str)]); 8] = [
        (ResourceKind::File, &[("CONTENT", &keep)]),
        (ResourceKind::Line, &[path, ("MATCH", "one")]),
        (ResourceKind::Environment, &[("NAME", "X")]),
        (ResourceKind::User, &[("SHELL", "/bin/sh")]),
        (ResourceKind::ScheduledTask, &[("NAME", "x"), ("SCHEDULE", "@reboot")]),
        (ResourceKind::Package, &[]),
        (ResourceKind::Service, &[("RUNNING", "true")]),
        (ResourceKind::TimeZone, &[]),
    ];
    for (number, (kind, properties)) in without.into_iter().enumerate() {
        let shell = &shells[number % shells.len()];
        for method in ["test", "get", "set"] {
            let said = place.run(shell, kind, method, properties);
            assert!(!said.good && said.err.contains("needs a value"), "{kind:?} {method} {}", said.err);
            assert_eq!(said.out, "");
        }
    }
    assert_eq!(std::fs::read_to_string(&conf).unwrap(), "one\n");
}

/// Secrets are as long as they are: it shows when they are sent.
#[test]
fn a_secret_that_is_too_long_for_a_variable_changes_nothing() {
    let world = World::local();
    let home = world.path("home").display().to_string();
    let key = format!(
        "resource: {{ file: {{ path: {home}/key, content: {{ secret: {{ file: {home}/secret }} }} }} }}"
    );
    task(&world, "key", &key);
    world.set_home_file("secret", &"k".repeat(16 * 1024 + 1));
    world.set_home_file("key", "before");
    let only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(world.path("home/secret"), only).unwrap();
    let said = world.run(&["apply", "--auto-approve"]);
    said.shows("too long for a variable: MUSTER_PARAM_SECRET_CONTENT");
    assert_eq!(world.home_file("key").as_deref(), Some("before"));
}

/// Names that would stand for several things, and texts that would be more than one entry of a file.
#[test]
fn a_name_stands_for_one_thing_and_a_text_for_one_entry() {
    for shell in shells() {
        let place = Place::new();
        program(&place, "systemctl", "#!/bin/sh\necho LoadState=loaded\n");
        let cron = [("NAME", "x"), ("SCHEDULE", "@reboot"), ("COMMAND", "true")];
        let account = [("NAME", "muster-ada"), ("PASSWORD_HASH", "x\nroot:y")];
        let refused: [(ResourceKind, &[(&str, &str)]); 8] = [
            (ResourceKind::Service, &[("NAME", "ss*"), ("RUNNING", "false")]),
            (ResourceKind::Service, &[("NAME", "-H"), ("RUNNING", "false")]),
            (ResourceKind::Environment, &[("NAME", "A=1 B"), ("VALUE", "x")]),
            (ResourceKind::Environment, &[("NAME", "1A"), ("VALUE", "x")]),
            (ResourceKind::ScheduledTask, &[cron[0], cron[1], ("COMMAND", "true\n* * * * * root id")]),
            (ResourceKind::ScheduledTask, &[cron[0], cron[1], cron[2], ("USER", "nobody id;")]),
            (ResourceKind::User, &account),
            (ResourceKind::User, &[account[0], ("PASSWORD_HASH", "x:0:0")]),
        ];
        for (kind, properties) in refused {
            for method in ["test", "set"] {
                let said = place.run(&shell, kind, method, properties);
                assert!(!said.good && said.out.is_empty(), "{shell:?} {properties:?} {}", said.out);
                assert!(!said.err.is_empty() && !said.err.contains("root:y"), "{}", said.err);
            }
        }
        // A second line in the file runs as well.
        place.brings(&shell, ResourceKind::ScheduledTask, &cron);
        let file = place.path("etc/cron.d/muster-x");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("* * * * * root id\n{text}")).unwrap();
        let fields = place.brings(&shell, ResourceKind::ScheduledTask, &cron);
        assert_eq!(fields, ["command: (2 lines) -> true"]);
        let named = [("NAME", "muster-lovelace"), ("FULL_NAME", "Lovelace, Ada")];
        place.brings(&shell, ResourceKind::User, &named);
    }
}

/// What counts is what `grep -E` says, whatever the system's awk takes for an expression.
#[test]
fn lines_are_matched_by_extended_expressions_with_counts_and_letters_beyond_ascii() {
    for shell in shells() {
        let place = Place::new();
        let file = place.path("conf");
        let path = ("PATH", file.as_str());
        std::fs::write(&file, b"Port 2022\n\xff\0\nName = \xc3\xa41\nPort 7\n").unwrap();
        let port = [path, ("MATCH", "^Port [0-9]{2,5}$"), ("LINE", "Port 22")];
        assert_eq!(place.brings(&shell, ResourceKind::Line, &port), ["line: Port 2022 -> Port 22"]);
        place.brings(&shell, ResourceKind::Line, &[path, ("MATCH", "^Name = .1$"), ("LINE", "Name = b2")]);
        assert_eq!(std::fs::read(&file).unwrap(), b"Port 22\n\xff\0\nName = b2\nPort 7\n", "{shell:?}");
        place.brings(&shell, ResourceKind::Line, &[path, ("MATCH", "[0-9]{2}"), ("STATE", "absent")]);
        assert_eq!(std::fs::read(&file).unwrap(), b"\xff\0\nName = b2\nPort 7\n", "{shell:?}");
        let dashes = [path, ("MATCH", "-v"), ("LINE", "-n -v")];
        place.brings(&shell, ResourceKind::Line, &dashes);
        for method in ["test", "set"] {
            let said = place.run(&shell, ResourceKind::Line, method, &[path, ("MATCH", "a("), ("LINE", "x")]);
            assert!(!said.good && said.err.contains("cannot be used"), "{}", said.err);
        }
    }
}

#[test]
fn a_variable_is_kept_in_the_environment_of_all() {
    for shell in shells() {
        let place = Place::new();
        let file = place.path("etc/environment");
        place.run(&shell, ResourceKind::TimeZone, "get", &[("NAME", "UTC")]);
        std::fs::write(&file, "A=1\nexport FOO=\"x y\"\nB=2").unwrap();
        let all = [("NAME", "FOO"), ("VALUE", "a \"b\" $c")];
        assert_eq!(place.brings(&shell, ResourceKind::Environment, &all), ["value: x y -> a \"b\" $c"]);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "A=1\nB=2\nFOO='a \"b\" $c'\n", "{shell:?}");
        place.brings(&shell, ResourceKind::Environment, &[("NAME", "FOO"), ("STATE", "absent")]);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "A=1\nB=2\n");
        place.holds(&shell, ResourceKind::Environment, &[("NAME", "B"), ("VALUE", "2")]);
        let refused =
            place.run(&shell, ResourceKind::Environment, "set", &[("NAME", "X"), ("VALUE", "a\nb")]);
        assert!(!refused.good && refused.err.contains("line end"), "{}", refused.err);
    }
}

#[test]
fn an_account_is_made_changed_and_removed() {
    for shell in shells() {
        let place = Place::new();
        let name = ("NAME", "muster-ada");
        let all = [
            name,
            ("FULL_NAME", "Ada L"),
            ("GROUPS", "cdrom\nadm"),
            ("SHELL", "/bin/sh"),
            ("PASSWORD_HASH", "$6$salt$hash"),
            ("DISABLED", "true"),
        ];
        let fields = place.brings(&shell, ResourceKind::User, &all);
        assert!(fields.contains(&"groups: (none) -> adm cdrom".to_owned()), "{fields:?}");
        assert!(fields.contains(&"passwordHash: (none) -> [secret]".to_owned()), "{fields:?}");
        let shadow = std::fs::read_to_string(place.path("etc/shadow")).unwrap();
        assert!(shadow.contains("muster-ada:$6$salt$hash:"), "{shell:?}");
        let changed = [name, ("GROUPS", ""), ("DISABLED", "false"), ("HOME", "/home/lady"), ("UID", "7077")];
        let fields = place.brings(&shell, ResourceKind::User, &changed);
        assert!(fields.contains(&"groups: adm cdrom -> ".to_owned()), "{fields:?}");
        let got = place.run(&shell, ResourceKind::User, "get", &[name, ("PASSWORD_HASH", "x"), ("UID", "1")]);
        assert!(got.good && !got.out.contains("$6$") && report::values(&got.out).contains("uid: 7077"));
        place.brings(&shell, ResourceKind::User, &[name, ("STATE", "absent")]);
        let hostile = place.run(&shell, ResourceKind::User, "test", &[("NAME", "-x;y")]);
        assert!(!hostile.good && hostile.err.contains("not a name"), "{}", hostile.err);
    }
}

#[test]
fn a_command_is_given_to_cron_and_taken_away() {
    for shell in shells() {
        let place = Place::new();
        let name = ("NAME", "clean-up");
        let all = [name, ("SCHEDULE", "5 * * * 1-5"), ("COMMAND", "date +%F  >/tmp/x")];
        place.brings(&shell, ResourceKind::ScheduledTask, &all);
        let text = std::fs::read_to_string(place.path("etc/cron.d/muster-clean-up")).unwrap();
        assert_eq!(text.lines().nth(1), Some("5 * * * 1-5 root date +\\%F  >/tmp/x"), "{shell:?}");
        let other = [name, ("SCHEDULE", "@reboot"), ("COMMAND", "date +%F  >/tmp/x"), ("USER", "daemon")];
        let fields = place.brings(&shell, ResourceKind::ScheduledTask, &other);
        assert_eq!(fields, ["schedule: 5 * * * 1-5 -> @reboot", "user: root -> daemon"]);
        place.brings(&shell, ResourceKind::ScheduledTask, &[name, ("STATE", "absent")]);
    }
}

#[test]
fn the_time_zone_is_set() {
    if !Path::new("/usr/share/zoneinfo/Europe/Berlin").exists() {
        return;
    }
    for shell in shells() {
        let place = Place::new();
        let fields = place.brings(&shell, ResourceKind::TimeZone, &[("NAME", "Europe/Berlin")]);
        assert!(fields[0].ends_with("-> Europe/Berlin"), "{fields:?}");
        let unknown = place.run(&shell, ResourceKind::TimeZone, "set", &[("NAME", "Europe/Nowhere")]);
        assert!(!unknown.good && unknown.err.contains("not known"), "{}", unknown.err);
    }
}

/// A program of this name in the place's own folder of programs.
fn program(place: &Place, name: &str, text: &str) {
    std::fs::create_dir_all(place.path("bin")).unwrap();
    let path = place.path(&format!("bin/{name}"));
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

/// systemd does not run where the tests do: a program of its name keeps what it is told in a file.
#[test]
fn a_service_is_started_and_enabled_through_what_stands_in_for_systemctl() {
    for shell in shells() {
        let place = Place::new();
        let state = place.path("service");
        std::fs::write(&state, "inactive disabled").unwrap();
        let text = format!(
            "#!/bin/sh\nread -r active enabled <{state}\ncase $1 in\nshow) case $5 in demo) echo LoadState=loaded ;; \
             *) echo LoadState=not-found ;; esac ;;\nis-active) echo $active ;;\nis-enabled) echo $enabled ;;\nstart) \
             active=active ;;\nstop) active=inactive ;;\nenable) enabled=enabled ;;\ndisable|unmask) \
             enabled=disabled ;;\nmask) enabled=masked ;;\nesac\necho $active $enabled >{state}\n"
        );
        program(&place, "systemctl", &text);
        let name = ("NAME", "demo");
        let on = [name, ("RUNNING", "true"), ("STARTUP", "automatic")];
        let fields = place.brings(&shell, ResourceKind::Service, &on);
        assert_eq!(fields, ["running: false -> true", "startup: manual -> automatic"], "{shell:?}");
        let off = [name, ("RUNNING", "false"), ("STARTUP", "disabled")];
        place.brings(&shell, ResourceKind::Service, &off);
        assert_eq!(std::fs::read_to_string(&state).unwrap(), "inactive masked\n");
        place.brings(&shell, ResourceKind::Service, &[name, ("STARTUP", "manual")]);
        let gone = [("NAME", "other"), ("RUNNING", "false"), ("STARTUP", "disabled")];
        assert_eq!(place.run(&shell, ResourceKind::Service, "test", &gone).verdict(), (true, vec![]));
        let missing =
            place.run(&shell, ResourceKind::Service, "set", &[("NAME", "other"), ("RUNNING", "true")]);
        assert!(!missing.good && missing.err.contains("no service"), "{}", missing.err);
    }
}

/// Looks at the real records of dpkg. What apt-get does with a package is in `command::managers`.
#[test]
fn a_package_is_looked_up_in_the_records_of_dpkg() {
    if !Path::new("/usr/bin/dpkg-query").exists() {
        return;
    }
    for shell in shells() {
        let place = Place::new();
        let test = |properties: &[(&str, &str)]| {
            place.run(&shell, ResourceKind::Package, "test", properties).verdict()
        };
        assert_eq!(test(&[("NAME", "dpkg")]), (true, vec![]));
        let (good, fields) = test(&[("NAME", "dpkg"), ("VERSION", "0")]);
        assert!(!good && fields[0].ends_with(" -> 0"), "{fields:?}");
        assert_eq!(test(&[("NAME", "no-such-package"), ("STATE", "absent")]), (true, vec![]));
        assert_eq!(test(&[("NAME", "no-such-package")]).1, ["state: absent -> present"]);
        let hostile = place.run(&shell, ResourceKind::Package, "set", &[("NAME", "-o")]);
        assert!(!hostile.good && hostile.err.contains("not the name"), "{}", hostile.err);
    }
}

fn task(world: &World, name: &str, spec: &str) {
    world.write(&format!("tasks/{name}.yaml"), &document("Task", name, spec));
    let deployment = format!("task: {name}\n  target: {{ match: {{ every: true }} }}");
    world.write(&format!("deployments/{name}.yaml"), &document("Deployment", name, &deployment));
}

#[test]
fn a_plan_shows_every_field_before_and_after_and_an_apply_leaves_nothing_to_do() {
    let world = World::local();
    let home = world.path("home").display().to_string();
    let motd = format!("resource: {{ file: {{ path: {home}/motd, source: motd.txt, mode: '0600' }} }}");
    world.write("tasks/motd.txt", "one\ntwo\nthree\n");
    task(&world, "motd", &motd);
    task(&world, "folder", &format!("resource: {{ directory: {{ path: {home}/notes, mode: '0750' }} }}"));
    let key = format!(
        "resource: {{ file: {{ path: {home}/key, content: {{ secret: {{ file: {home}/secret }} }} }} }}"
    );
    task(&world, "key", &key);
    world.set_home_file("secret", "swordfish");
    let only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(world.path("home/secret"), only).unwrap();
    world.set_home_file("motd", "one\nTWO\nthree\n");
    let only = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(world.path("home/motd"), only).unwrap();

    let plan = world.run(&["plan", "--detailed-exitcode"]).exits(2);
    let plan = plan.shows("mode: 0644 -> 0600").shows("-TWO").shows("+two").shows("state: absent -> present");
    let plan = plan.shows("content: (none) -> [secret]");
    assert!(!plan.out.contains("swordfish"), "{}", plan.out);
    world.run(&["apply", "--auto-approve"]).exits(0);
    assert_eq!(world.home_file("motd").as_deref(), Some("one\ntwo\nthree\n"));
    assert_eq!(world.home_file("key").as_deref(), Some("swordfish"));
    world.run(&["plan", "--detailed-exitcode", "--refresh", "always"]).exits(0).shows("No changes");

    // Another content is another wish, although no document says anything else.
    world.write("tasks/motd.txt", "one\n");
    world.run(&["plan", "--detailed-exitcode"]).exits(2).shows("new-intent").shows("content: sha256:");
}

#[test]
fn monitor_reads_what_is_there() {
    let world = World::local();
    let home = world.path("home").display().to_string();
    let spec = format!("resource: {{ directory: {{ path: {home}, mode: '0700' }} }}");
    world.write("tasks/home.yaml", &document("Task", "home", &spec));
    let spec = "task: home\n  mode: monitor\n  target: { match: { every: true } }";
    world.write("deployments/home.yaml", &document("Deployment", "home", spec));
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(world.path("home"), mode).unwrap();
    world.run(&["plan"]).exits(0);
    let status = world.run(&["status", "here", "--output", "json"]);
    assert!(status.out.contains("mode: 0755"), "{}\n{}", status.out, status.err);
}

#[test]
fn audit_says_what_is_wanted_in_one_sentence() {
    let world = World::local();
    let home = world.path("home").display().to_string();
    let spec = format!("resource: {{ directory: {{ path: {home}, mode: '0711' }} }}");
    world.write("tasks/home.yaml", &document("Task", "home", &spec));
    let spec = "task: home\n  mode: audit\n  target: { match: { every: true } }";
    world.write("deployments/home.yaml", &document("Deployment", "home", spec));
    world.run(&["plan"]).exits(0).shows("mode is not 0711");
}
