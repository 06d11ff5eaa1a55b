//! Revisions of real repositories, and working trees in all states that git leaves them in.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use git2::{Oid, Repository, RepositoryInitOptions, Signature, build::CheckoutBuilder};
use muster::config::git::{GitError, GitRevision, changed_lines};
use muster::config::load::{Loaded, load};
use muster::config::worktree::{Worktree, WorktreeError, find_root};

use crate::config_corpus::{INSTANCE, findings};

struct Folder {
    folder: tempfile::TempDir,
    repository: Repository,
}

fn tenant(name: &str) -> String {
    format!("apiVersion: muster/v1\nkind: Tenant\nmetadata: {{ name: {name} }}\nspec: {{}}\n")
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = RepositoryInitOptions::new();
        let repository = Repository::init_opts(folder.path(), options.initial_head("main")).unwrap();
        Self { folder, repository }
    }

    fn with_configuration() -> Self {
        let new = Self::new();
        new.put("muster.yaml", INSTANCE);
        new.put("tenants/a.yaml", &tenant("a"));
        new.commit("first commit\n\nwith a body");
        new
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn commit(&self, message: &str) -> Oid {
        let mut index = self.repository.index().unwrap();
        index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).unwrap();
        index.update_all(["*"], None).unwrap();
        index.write().unwrap();
        self.commit_index(message)
    }

    fn commit_index(&self, message: &str) -> Oid {
        let mut index = self.repository.index().unwrap();
        let tree = self.repository.find_tree(index.write_tree().unwrap()).unwrap();
        let who = Signature::now("Test", "test@example.com").unwrap();
        let parent = self.repository.head().ok().map(|head| head.peel_to_commit().unwrap());
        let parents: Vec<_> = parent.iter().collect();
        self.repository.commit(Some("HEAD"), &who, &who, message, &tree, &parents).unwrap()
    }

    fn at(&self, revision: &str) -> Loaded {
        load(&GitRevision::open(self.path(), revision, None).unwrap())
    }

    fn working_tree(&self) -> Loaded {
        load(&Worktree::open(self.path()).unwrap())
    }
}

fn tenants(loaded: &Loaded) -> Vec<String> {
    let config = loaded.config.as_ref().unwrap_or_else(|| panic!("{}", findings(loaded)));
    config.tenants.keys().map(ToString::to_string).collect()
}

#[test]
fn a_commit_and_its_clean_working_tree_are_the_same_revision() {
    let folder = Folder::with_configuration();
    let (commit, tree) = (folder.at("HEAD"), folder.working_tree());
    assert_eq!(commit.revision, tree.revision);
    assert_eq!(commit.revision.subject.as_deref(), Some("first commit"));
    assert_eq!(commit.revision.commit.unwrap().as_str().len(), 40);
    assert!(!tree.revision.dirty);
    assert_eq!(tenants(&tree), ["a"]);
}

#[test]
fn a_working_tree_is_dirty_when_what_is_read_differs() {
    let folder = Folder::with_configuration();
    let clean = folder.working_tree().revision;
    folder.put("README.md", "no configuration");
    assert!(!folder.working_tree().revision.dirty, "a file that is not read");
    let added = folder.put("tenants/b.yaml", &tenant("b"));
    let dirty = folder.working_tree();
    assert!(dirty.revision.dirty, "a new file");
    assert_eq!(dirty.revision.commit, clean.commit);
    assert_ne!(dirty.revision.content, clean.content);
    assert_eq!(tenants(&dirty), ["a", "b"]);
    fs::remove_file(added).unwrap();
    assert_eq!(folder.working_tree().revision, clean);
    folder.put("tenants/a.yaml", &tenant("c"));
    assert!(folder.working_tree().revision.dirty, "a changed file");
    fs::remove_file(folder.path().join("tenants/a.yaml")).unwrap();
    assert!(folder.working_tree().revision.dirty, "a deleted file");
    assert_eq!(tenants(&folder.at("HEAD")), ["a"], "the commit is what it was");
}

#[test]
fn line_ends_that_git_changed_do_not_make_a_tree_dirty() {
    let folder = Folder::with_configuration();
    folder.put("tenants/a.yaml", &tenant("a").replace('\n', "\r\n"));
    assert!(!folder.working_tree().revision.dirty);
}

#[test]
fn a_script_that_is_referred_to_counts_for_the_content() {
    let folder = Folder::with_configuration();
    let script = "apiVersion: muster/v1\nkind: Script\nmetadata: { name: s }\nspec: { file: s.sh }\n";
    folder.put("s.yaml", script);
    folder.put("s.sh", "echo 1\n");
    folder.put("other.sh", "echo 1\n");
    folder.commit("script");
    let clean = folder.working_tree().revision;
    assert!(!clean.dirty);
    folder.put("other.sh", "echo 2\n");
    assert_eq!(folder.working_tree().revision, clean);
    folder.put("s.sh", "echo 2\n");
    let changed = folder.working_tree().revision;
    assert!(changed.dirty);
    assert_ne!(changed.content, clean.content);
}

#[test]
fn branches_tags_and_ancestors_are_revisions() {
    let folder = Folder::with_configuration();
    let first = folder.repository.head().unwrap().peel_to_commit().unwrap();
    folder.repository.branch("feature/x", &first, false).unwrap();
    let who = Signature::now("Test", "test@example.com").unwrap();
    folder.repository.tag("v1.0", first.as_object(), &who, "annotated", false).unwrap();
    folder.put("tenants/b.yaml", &tenant("b"));
    folder.commit("second");
    assert_eq!(tenants(&folder.at("main")), ["a", "b"]);
    for revision in ["feature/x", "v1.0", "HEAD~1", &first.id().to_string(), &first.id().to_string()[..10]] {
        let loaded = folder.at(revision);
        assert_eq!(tenants(&loaded), ["a"], "{revision}");
        assert_eq!(loaded.revision.commit.unwrap().as_str(), first.id().to_string());
    }
}

#[test]
fn a_bare_repository_is_read_without_a_working_tree() {
    let folder = Folder::with_configuration();
    let target = tempfile::tempdir().unwrap();
    let url = folder.path().to_str().unwrap();
    git2::build::RepoBuilder::new().bare(true).clone(url, target.path()).unwrap();
    let before = listing(target.path());
    let revision = GitRevision::open(target.path(), "main", None).unwrap();
    assert_eq!(tenants(&load(&revision)), ["a"]);
    assert_eq!(listing(target.path()), before, "nothing was written");
}

fn listing(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path.clone());
            }
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn a_subfolder_can_hold_the_configuration() {
    let folder = Folder::new();
    folder.put("infra/muster/muster.yaml", INSTANCE);
    folder.put("infra/muster/a.yaml", &tenant("a"));
    folder.put("infra/other.yaml", "not: ours\n");
    folder.commit("first");
    let named = GitRevision::open(folder.path(), "HEAD", Some("./infra/muster/")).unwrap();
    let inside = folder.path().join("infra/muster");
    let found = GitRevision::open(&inside, "HEAD", None).unwrap();
    let tree = Worktree::open(&inside).unwrap();
    let expected = load(&tree).revision;
    assert!(!expected.dirty);
    assert_eq!(load(&named).revision, expected);
    assert_eq!(load(&found).revision, expected);
    assert_eq!(find_root(&inside).unwrap(), inside.canonicalize().unwrap());
    let error = GitRevision::open(folder.path(), "HEAD", None).unwrap_err();
    assert!(matches!(&error, GitError::NoInstance { .. }), "{error:?}");
    assert!(error.to_string().contains("infra/muster"), "{error}");
}

#[test]
fn what_cannot_be_opened_says_why() {
    let nothing = tempfile::tempdir().unwrap();
    let error = GitRevision::open(nothing.path(), "HEAD", None).unwrap_err();
    assert!(matches!(error, GitError::NotARepository { .. }), "{error:?}");
    let error = Folder::new();
    let error = GitRevision::open(error.path(), "HEAD", None).unwrap_err();
    assert!(matches!(error, GitError::NoCommit { .. }), "{error:?}");
    let folder = Folder::with_configuration();
    let error = GitRevision::open(folder.path(), "mian", None).unwrap_err();
    assert!(matches!(error, GitError::UnknownRevision { .. }), "{error:?}");
    assert_eq!(error.to_string(), "the repository has no revision \"mian\"; there is main");
    let blob = folder.repository.revparse_single("HEAD:muster.yaml").unwrap().id().to_string();
    let error = GitRevision::open(folder.path(), &blob, None).unwrap_err();
    assert!(matches!(error, GitError::NotACommit { .. }), "{error:?}");
    let error = Worktree::open(&nothing.path().join("x")).unwrap_err();
    assert!(matches!(error, WorktreeError::Missing { .. }), "{error:?}");
    let file = folder.put("file", "");
    assert!(matches!(Worktree::open(&file).unwrap_err(), WorktreeError::NotAFolder { .. }));
}

#[test]
fn an_unresolved_merge_is_named_and_the_commit_still_loads() {
    let folder = Folder::with_configuration();
    let first = folder.repository.head().unwrap().peel_to_commit().unwrap();
    folder.repository.branch("other", &first, false).unwrap();
    folder.put("tenants/a.yaml", &tenant("ours"));
    folder.commit("ours");
    folder.repository.set_head("refs/heads/other").unwrap();
    folder.repository.checkout_head(Some(CheckoutBuilder::new().force())).unwrap();
    folder.put("tenants/a.yaml", &tenant("theirs"));
    folder.commit("theirs");
    let main = folder.repository.find_branch("main", git2::BranchType::Local).unwrap();
    let main = folder.repository.reference_to_annotated_commit(main.get()).unwrap();
    folder.repository.merge(&[&main], None, None).unwrap();
    let loaded = folder.working_tree();
    assert_eq!(
        findings(&loaded),
        "tenants/a.yaml:3:1 M0101 a merge conflict is not resolved\n  help: edit the file, and take out the lines with <<<<<<<, ======= and >>>>>>>\n"
    );
    assert!(loaded.config.is_none() && loaded.revision.dirty);
    assert_eq!(tenants(&folder.at("HEAD")), ["theirs"]);
}

#[test]
fn submodules_ignored_files_and_git_itself_are_left_out() {
    let folder = Folder::with_configuration();
    folder.put(".gitignore", "/scratch/\n*.local.yaml\n");
    folder.commit("ignore");
    let module = Repository::init(folder.path().join("module")).unwrap();
    fs::write(folder.path().join("module/muster.yaml"), INSTANCE).unwrap();
    let mut index = module.index().unwrap();
    index.add_path(Path::new("muster.yaml")).unwrap();
    let tree = module.find_tree(index.write_tree().unwrap()).unwrap();
    let who = Signature::now("Test", "test@example.com").unwrap();
    module.commit(Some("HEAD"), &who, &who, "module", &tree, &[]).unwrap();
    let mut index = folder.repository.index().unwrap();
    index.add_path(Path::new("module")).unwrap();
    index.write().unwrap();
    folder.commit_index("with a submodule");
    let entry = folder.repository.head().unwrap().peel_to_tree().unwrap().get_name("module").unwrap().kind();
    assert_eq!(entry, Some(git2::ObjectType::Commit), "it is a submodule");
    folder.put("scratch/x.yaml", "broken: [");
    folder.put("x.local.yaml", "broken: [");
    folder.put(".git/x.yaml", "broken: [");
    let loaded = folder.working_tree();
    assert_eq!(findings(&loaded), "");
    assert_eq!(loaded.revision, folder.at("HEAD").revision);
}

#[test]
fn links_mean_the_same_in_a_commit_and_in_a_working_tree() {
    let folder = Folder::with_configuration();
    let script = |name: &str, file: &str| {
        format!(
            "apiVersion: muster/v1\nkind: Script\nmetadata: {{ name: {name} }}\nspec: {{ file: {file} }}\n"
        )
    };
    folder.put("shared/real.sh", "echo shared\n");
    folder.put("shared/text.txt", &tenant("linked"));
    folder.put("a/one.yaml", &script("one", "link.sh"));
    folder.put("a/two.yaml", &script("two", "folder/real.sh"));
    symlink("../shared/real.sh", folder.path().join("a/link.sh")).unwrap();
    symlink("../shared", folder.path().join("a/folder")).unwrap();
    symlink("shared/text.txt", folder.path().join("linked.yaml")).unwrap();
    symlink("tenants/a.yaml", folder.path().join("again.yaml")).unwrap();
    folder.commit("links");
    let (commit, tree) = (folder.at("HEAD"), folder.working_tree());
    assert_eq!(tenants(&tree), ["a", "linked"], "a link to configuration is not read twice");
    assert_eq!(tenants(&commit), ["a", "linked"]);
    assert_eq!(commit.revision.content, tree.revision.content);
}

#[test]
fn bad_links_are_found_in_a_commit_and_in_a_working_tree() {
    let folder = Folder::with_configuration();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret.yaml"), "password: hunter2\n").unwrap();
    symlink("loop-b.yaml", folder.path().join("loop-a.yaml")).unwrap();
    symlink("loop-a.yaml", folder.path().join("loop-b.yaml")).unwrap();
    symlink(".", folder.path().join("tenants/here")).unwrap();
    symlink("self", folder.path().join("self")).unwrap();
    symlink(outside.path().join("secret.yaml"), folder.path().join("absolute.yaml")).unwrap();
    symlink("../../etc", folder.path().join("outside")).unwrap();
    symlink("nothing.yaml", folder.path().join("dangling.yaml")).unwrap();
    let script = "apiVersion: muster/v1\nkind: Script\nmetadata: { name: s }\nspec: { file: self }\n";
    folder.put("script.yaml", script);
    folder.commit("links");
    let expected = "\
absolute.yaml:1:1 M0304 the symbolic link `absolute.yaml` leads out of the repository
  help: put the files themselves into the repository
dangling.yaml:1:1 M0303 the symbolic link `dangling.yaml` leads to \"nothing.yaml\", which is not there
loop-a.yaml:1:1 M0309 the symbolic link `loop-a.yaml` leads in a circle
loop-b.yaml:1:1 M0309 the symbolic link `loop-b.yaml` leads in a circle
outside:1:1 M0304 the symbolic link `outside` leads out of the repository
  help: put the files themselves into the repository
script.yaml:4:15 M0309 \"self\" is a symbolic link that leads in a circle
self:1:1 M0309 the symbolic link `self` leads in a circle
";
    assert_eq!(findings(&folder.working_tree()), expected);
    assert_eq!(findings(&folder.at("HEAD")), expected);
}

#[test]
fn a_huge_file_is_refused_without_reading_it() {
    let folder = Folder::with_configuration();
    // Sparse, and larger than memory: reading it would be noticed.
    let file = fs::File::create(folder.path().join("huge.yaml")).unwrap();
    file.set_len(1 << 42).unwrap();
    let loaded = folder.working_tree();
    assert_eq!(
        findings(&loaded),
        "huge.yaml:1:1 M0103 the file has 4398046511104 bytes; up to 4194304 are read\n  help: split the file\n"
    );
    fs::write(folder.path().join("huge.yaml"), vec![b'#'; 50_000_000]).unwrap();
    folder.commit("huge");
    assert!(findings(&folder.working_tree()).contains("M0103 the file has 50000000 bytes"));
    assert!(findings(&folder.at("HEAD")).contains("M0103 the file has 50000000 bytes"));
}

#[test]
fn what_is_no_regular_file_is_not_opened() {
    let folder = Folder::with_configuration();
    // Opening a socket fails and opening a pipe would wait for a writer.
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket.yaml")).unwrap();
    let _other = std::os::unix::net::UnixListener::bind(folder.path().join("agent.sock")).unwrap();
    let loaded = folder.working_tree();
    assert_eq!(findings(&loaded), "socket.yaml:1:1 M0308 `socket.yaml` is not a regular file\n");
}

#[test]
fn a_folder_outside_git_has_no_commit() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("muster.yaml"), INSTANCE).unwrap();
    let loaded = load(&Worktree::open(folder.path()).unwrap());
    assert!(loaded.config.is_some());
    assert_eq!((loaded.revision.commit, loaded.revision.dirty), (None, false));
    assert!(loaded.revision.content.is_some());
}

#[test]
fn a_repository_without_a_commit_is_dirty() {
    let folder = Folder::new();
    folder.put("muster.yaml", INSTANCE);
    let loaded = folder.working_tree();
    assert!(loaded.config.is_some() && loaded.revision.dirty && loaded.revision.commit.is_none());
}

#[test]
fn of_a_renamed_file_only_the_lines_that_were_edited_differ_from_the_base() {
    let folder = Folder::with_configuration();
    let text = (1..=40).fold(String::new(), |text, line| format!("{text}# line {line}\n"));
    folder.put("notes/old.yaml", &text);
    folder.put("notes/gone.yaml", "# one\n# two\n# three\n");
    let base = folder.commit("before").to_string();
    fs::remove_file(folder.path().join("notes/old.yaml")).unwrap();
    fs::remove_file(folder.path().join("notes/gone.yaml")).unwrap();
    folder.put("notes/zz.yaml", &text.replace("line 7\n", "another line\n"));
    folder.put("notes/new.yaml", "# something else\n# altogether\n");
    let lines = |revision: Option<&str>| -> Vec<(String, u32, u32)> {
        let hunks = changed_lines(folder.path(), &base, revision).unwrap();
        hunks
            .into_iter()
            .filter(|hunk| hunk.lines > 0)
            .map(|hunk| (hunk.file, hunk.line, hunk.lines))
            .collect()
    };
    let expected = [("notes/new.yaml".to_owned(), 1, 2), ("notes/zz.yaml".to_owned(), 7, 1)];
    assert_eq!(lines(None), expected, "not committed");
    folder.commit("renamed");
    assert_eq!(lines(None), expected);
    assert_eq!(lines(Some("HEAD")), expected);
}
