//! Every lint of the configuration, with an input on which it fires and one on which it keeps quiet.

use muster::config::load::load;
use muster::config::worktree::Worktree;
use muster::diagnostic::Code;
use muster::plan::lint::configuration;

use crate::config_corpus::{INSTANCE, write};

/// One lint: what makes it fire, and a change after which it does not. Both stand beside the common documents.
struct Case {
    code: &'static str,
    fires: &'static str,
    /// What the message says.
    says: &'static str,
    quiet: &'static str,
}

/// Software, a task and targets, all of them in use.
const COMMON: &str = "
apiVersion: muster/v1
kind: Software
metadata: { name: archiver }
spec:
  detect: { package: { name: archiver } }
  versions: ['2.0', '1.0']
  install: { posix: { inline: 'true' } }
  uninstall: { posix: { inline: 'true' } }
---
apiVersion: muster/v1
kind: Task
metadata: { name: firewall }
spec:
  test: { posix: { inline: echo true } }
  set: { posix: { inline: 'true' } }
---
apiVersion: muster/v1
kind: Tenant
metadata: { name: contoso }
spec: {}
---
apiVersion: muster/v1
kind: Target
metadata: { name: servers }
spec: { match: { all: [{ role: server }] } }
---
apiVersion: muster/v1
kind: Deployment
metadata: { name: archiver }
spec: { software: archiver, state: installed, target: { ref: servers } }
---
apiVersion: muster/v1
kind: Deployment
metadata: { name: firewall }
spec: { task: firewall, target: { match: { all: [{ tenant: contoso }] } } }
";

macro_rules! deployment {
    ($name:literal, $spec:literal) => {
        concat!(
            "apiVersion: muster/v1\nkind: Deployment\nmetadata: { name: ",
            $name,
            " }\nspec: { ",
            $spec,
            " }\n"
        )
    };
}

const CASES: &[Case] = &[
    Case {
        code: "M0602",
        fires: deployment!(
            "again",
            "software: archiver, state: installed, target: { match: { all: [{ role: server }] } }"
        ),
        says: "again and archiver say the same",
        quiet: deployment!(
            "again",
            "software: archiver, state: installed, target: { match: { all: [{ role: portable }] } }"
        ),
    },
    Case {
        code: "M0602",
        fires: deployment!("other", "software: archiver, state: absent, target: { ref: servers }"),
        says: "want different things",
        quiet: deployment!(
            "other",
            "software: archiver, state: absent, target: { match: { all: [{ role: portable }] } }"
        ),
    },
    Case {
        code: "M0603",
        fires: deployment!(
            "low",
            "software: archiver, state: absent, target: { ref: servers }, priority: -1"
        ),
        says: "deployment low never wins: archiver is for archiver",
        quiet: deployment!(
            "first-day",
            "software: archiver, state: absent, target: { ref: servers }, priority: 1, enforcement: onboarding"
        ),
    },
    Case {
        code: "M0605",
        fires: "apiVersion: muster/v1
kind: Task
metadata: { name: settings }
spec: { test: { posix: { inline: echo true } }, set: { posix: { inline: 'true' } } }
---
apiVersion: muster/v1
kind: Software
metadata: { name: editor }
spec: { detect: { package: { name: editor } }, configuration: settings }
",
        says: "the task `settings` configures `editor`, which nobody deploys",
        quiet: "apiVersion: muster/v1
kind: Task
metadata: { name: settings }
spec: { test: { posix: { inline: echo true } }, set: { posix: { inline: 'true' } } }
---
apiVersion: muster/v1
kind: Software
metadata: { name: editor }
spec: { detect: { package: { name: editor } }, configuration: settings }
---
apiVersion: muster/v1
kind: Deployment
metadata: { name: editor }
spec: { software: editor, state: ignored, target: { ref: servers } }
",
    },
    Case {
        code: "M0605",
        fires: "apiVersion: muster/v1
kind: Software
metadata: { name: editor }
spec: { detect: { package: { name: editor } }, configuration: firewall }
",
        says: "`firewall` deploys the task `firewall` alone",
        quiet: "apiVersion: muster/v1
kind: Software
metadata: { name: editor }
spec: { detect: { package: { name: editor } } }
",
    },
    Case {
        code: "M0606",
        fires: "apiVersion: muster/v1
kind: Software
metadata: { name: git }
spec: { detect: { inventory: { name: { contains: Git } } } }
",
        says: "every name that contains \"Git\" fits",
        quiet: "apiVersion: muster/v1
kind: Software
metadata: { name: git }
spec: { detect: { inventory: { name: { regex: '^Git version' } } } }
",
    },
    Case {
        code: "M0607",
        fires: "apiVersion: muster/v1
kind: Target
metadata: { name: laptops }
spec: { match: { all: [{ role: portable }] } }
",
        says: "nothing uses the Target `laptops`",
        quiet: "apiVersion: muster/v1
kind: Target
metadata: { name: laptops }
spec: { match: { all: [{ role: portable }] } }
---
apiVersion: muster/v1
kind: Deployment
metadata: { name: firewall-laptops }
spec: { task: firewall, target: { ref: laptops } }
",
    },
    Case {
        code: "M0607",
        fires: "apiVersion: muster/v1
kind: Task
metadata: { name: idle }
spec: { get: { posix: { inline: 'true' } } }
---
apiVersion: muster/v1
kind: Order
metadata: { name: order }
spec: { first: [{ task: idle }] }
",
        says: "nothing uses the Task `idle`",
        quiet: "apiVersion: muster/v1
kind: Order
metadata: { name: order }
spec: { first: [{ task: firewall }] }
",
    },
    Case {
        code: "M0609",
        fires: deployment!(
            "held",
            "task: firewall, instance: x, target: { ref: servers }, hold: { until: '2026-01-02', reason: r }"
        ),
        says: "the hold of the deployment `held` ended with 2026-01-02",
        quiet: deployment!(
            "held",
            "task: firewall, instance: x, target: { ref: servers }, hold: { until: '2026-01-03', reason: r }"
        ),
    },
    Case {
        code: "M0609",
        fires: "apiVersion: muster/v1
kind: Tenant
metadata: { name: fabrikam }
spec: { hold: { until: '2026-01-01', reason: r } }
",
        says: "the hold of the tenant `fabrikam` ended",
        quiet: "apiVersion: muster/v1
kind: Tenant
metadata: { name: fabrikam }
spec: { hold: { until: '2026-02-01', reason: r } }
",
    },
    Case {
        code: "M0610",
        fires: "apiVersion: muster/v1
kind: Software
metadata: { name: viewer }
spec: { detect: { package: { name: viewer } } }
---
apiVersion: muster/v1
kind: Deployment
metadata: { name: viewer }
spec: { software: viewer, state: installed, version: any, mode: audit, target: { ref: servers } }
",
        says: "deployment viewer wants viewer installed",
        quiet: deployment!(
            "audited",
            "software: archiver, state: installed, mode: audit, target: { match: { all: [{ computer: pc1 }] } }"
        ),
    },
    Case {
        code: "M0611",
        fires: deployment!("alone", "task: firewall, instance: x, target: { ref: servers }, priority: 5"),
        says: "the priority 5 of deployment alone decides nothing",
        quiet: deployment!(
            "prior",
            "task: firewall, target: { match: { all: [{ tenant: contoso }] } }, priority: 5"
        ),
    },
    Case {
        code: "M0775",
        fires: deployment!(
            "rest",
            "task: firewall, instance: rest, target: { match: { any: [{ ring: { name: Pilot, from: 50, to: 100 } }, \
             { all: [{ ring: { name: pilot, percent: 50 } }, { ring: { name: pilot, percent: 10 } }] }] } }"
        ),
        says: "the ring `Pilot` is another one than `pilot`",
        quiet: deployment!(
            "rest",
            "task: firewall, instance: rest, target: { match: { any: [{ ring: { name: pilot, from: 50, to: 100 } }, \
             { ring: { name: others, percent: 50 } }] } }"
        ),
    },
    Case {
        code: "M0612",
        fires: "apiVersion: muster/v1
kind: Tenant
metadata: { name: fabrikam, allow: [M0609] }
spec: {}
",
        says: "M0609 is allowed, and there is no such warning here",
        quiet: "apiVersion: muster/v1
kind: Tenant
metadata: { name: fabrikam, allow: [M0609] } # it is kept as a reminder
spec: { hold: { until: '2026-01-01', reason: r } }
",
    },
];

/// The lints of a repository on 2 January 2026, as `code message`.
fn lints(files: &[(&str, &str)]) -> Vec<String> {
    let mut all = std::collections::BTreeMap::from([
        ("muster.yaml".to_owned(), INSTANCE.as_bytes().to_vec()),
        ("common.yaml".to_owned(), COMMON.as_bytes().to_vec()),
    ]);
    all.extend(files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())));
    let folder = write(&all);
    let loaded = load(&Worktree::open(folder.path()).unwrap());
    assert!(loaded.findings.is_empty(), "{:?}", loaded.findings);
    let now = "2026-01-02T12:00:00Z".parse().unwrap();
    let found = configuration(&loaded.config.unwrap(), now);
    assert!(!found.has_errors());
    found.iter().map(|finding| format!("{} {}", finding.code, finding.message)).collect()
}

#[test]
fn the_common_documents_are_clean() {
    assert_eq!(lints(&[]), [""; 0]);
}

#[test]
fn every_lint_fires_on_its_input_and_not_after_the_change() {
    for case in CASES {
        assert!(Code::find(case.code).is_some(), "{}", case.code);
        let fired = lints(&[("case.yaml", case.fires)]);
        let own: Vec<&String> = fired.iter().filter(|text| text.starts_with(case.code)).collect();
        assert_eq!(own.len(), 1, "{}: {fired:?}", case.code);
        assert!(own[0].contains(case.says), "{}: {own:?}", case.code);
        let quiet = lints(&[("case.yaml", case.quiet)]);
        assert!(quiet.iter().all(|text| !text.starts_with(case.code)), "{}: {quiet:?}", case.code);
    }
}

#[test]
fn script_files_that_nobody_names_are_told_where_documents_have_scripts() {
    let task = "apiVersion: muster/v1
kind: Task
metadata: { name: banner }
spec: { get: { posix: { file: get.sh } } }
---
apiVersion: muster/v1
kind: Deployment
metadata: { name: banner }
spec: { task: banner, mode: monitor, target: { ref: servers } }
";
    let files = [
        ("tasks/banner/task.yaml", task),
        ("tasks/banner/get.sh", "echo x\n"),
        ("tasks/banner/old.sh", "echo x\n"),
        ("tasks/banner/notes.txt", "x\n"),
        ("tools/build.sh", "echo x\n"),
    ];
    assert_eq!(lints(&files), ["M0608 no document names the script file `tasks/banner/old.sh`"]);
}

#[test]
fn a_document_silences_a_lint_about_itself_and_no_other() {
    let unused = |name: &str, allow: &str| {
        format!(
            "apiVersion: muster/v1\nkind: Target\nmetadata: {{ name: {name}{allow} }}\nspec: {{ match: {{ every: true }} }}\n"
        )
    };
    let text = format!("{}---\n{}", unused("a", ", allow: [M0607]"), unused("b", ""));
    assert_eq!(lints(&[("case.yaml", &text)]), ["M0607 nothing uses the Target `b`"]);
}

#[test]
fn what_a_library_brings_is_not_told_to_be_unused() {
    let instance = "apiVersion: muster/v1
kind: Instance
metadata: { name: test }
spec: { libraries: [{ folder: vendor }] }
";
    let target = "apiVersion: muster/v1
kind: Target
metadata: { name: theirs }
spec: { match: { every: true } }
";
    assert_eq!(lints(&[("muster.yaml", instance), ("vendor/target.yaml", target)]), [""; 0]);
}
