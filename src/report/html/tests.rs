//! The page escapes, stays small, loads nothing, and stands in a real browser where one is installed.

use super::super::model::{ChangedLines, Model, Run};
use super::super::sample::{five_kinds, nothing, place, run, with_memberships, with_notes, with_verdicts};
use super::write;
use crate::diagnostic::{Finding, Findings, Sources, code};
use crate::plan::document::Plan;

fn text(run: Run<'_>) -> String {
    let mut out = Vec::new();
    write(&mut out, &Model::of(run)).expect("memory");
    String::from_utf8(out).expect("UTF-8")
}

/// A plan with everything: many tenants, removals, what is held, texts that would be markup.
pub(crate) fn rich() -> Plan {
    let mut plan = with_memberships(with_notes(five_kinds(1232), 31), 300);
    for (at, computer) in plan.computers.iter_mut().enumerate() {
        computer.tenant = Some(crate::report::sample::name(&format!("tenant-{:02}", at * at % 37)));
    }
    plan.computers[3].name = "<script>alert(1)</script>".to_owned();
    let mut told = plan.changes[3].clone();
    told.title = "a-task-with-a-very-long-name-that-does-not-break-anywhere-of-its-own".to_owned();
    told.mode = crate::config::kind::Mode::Audit;
    plan.changes.push(told);
    plan
}

#[test]
fn names_cannot_become_markup() {
    let plan = rich();
    let page = text(run(Some(&plan)));
    assert!(!page.contains("<script>alert"), "a computer's name is markup");
    assert!(page.contains("&lt;script&gt;alert(1)&lt;"), "{}", &page[page.len() - 4000..]);
    let findings: Findings =
        [Finding::new(code::UNKNOWN_KEY, "<img src=x onerror=alert(1)>", place("\"><b>.yaml", 1))
            .help("<i>")]
        .into_iter()
        .collect();
    let (sources, changed) = (Sources::new(), ChangedLines::none());
    let (command, folder) = ("validate", "");
    let page =
        text(Run { command, plan: None, findings: &findings, sources: &sources, changed: &changed, folder });
    for markup in ["<img", "<b>.yaml", "<i>"] {
        assert!(!page.contains(markup), "{markup}");
    }
}

#[test]
fn the_page_loads_nothing_and_allows_nothing_but_its_own_style_and_script() {
    let plan = rich();
    let page = text(run(Some(&plan)));
    for outside in ["http:", "https:", "src=", "@import", "url(", " style=", " onclick="] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("default-src &#x27;none&#x27;"), "{}", &page[..600]);
    assert!(!page.contains("unsafe"), "the policy allows what it should not");
}

#[test]
fn a_page_of_100_000_computers_stays_small() {
    let plan = with_notes(five_kinds(100_000), 20_000);
    let page = text(run(Some(&plan)));
    assert!(page.len() < 120_000, "{}", page.len());
    assert!(page.contains("and 99,800 more"));
}

#[test]
fn members_rules_licences_and_impact_are_there_and_cut() {
    let mut plan = with_verdicts(with_memberships(five_kinds(100), 5_000));
    plan.impact.restarts = 12;
    plan.impact.seconds = Some(2400);
    let page = text(run(Some(&plan)));
    for part in [
        "<h2 id=\"h-members\">Membership</h2>",
        "<summary>4,998 joined (tag:kiosk)</summary>",
        "<li>NEW-199</li><li class=\"soft\">and 4,798 more</li>",
        "<summary>1 left (&lt;os:server&gt;)</summary>",
        "<div class=\"soft\">licence audit-2026</div>",
        "; up to 12 restarts, about 40 min</p>",
        "budget removals, tenant contoso: 42 removals, and 10 are allowed; overridden: agreed with &lt;contoso&gt;",
        "guardrail no-fridays: 42 removals",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("NEW-200<"), "names are cut");
}

#[test]
fn a_plan_without_changes_and_a_run_without_a_plan_have_pages() {
    let plan = nothing(5);
    assert!(text(run(Some(&plan))).contains("No changes: all 25 checks"));
    assert!(text(run(None)).contains("The configuration is valid"));
}

/// Browsers that run without a screen.
const BROWSERS: [&str; 4] = [
    "/usr/bin/chromium-headless-shell",
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
];

/// Added to the page: it writes down how wide the content is compared with the window, and whether searching works. The
/// page's policy does not allow it, so the test takes the policy away after it has checked it.
const PROBE: &str = r##"<script>addEventListener("load",function(){
var root=document.documentElement,box=document.getElementById("search");
var wide=root.scrollWidth-root.clientWidth;
box.value="old archiver";box.dispatchEvent(new Event("input"));
var rows=[].filter.call(document.querySelectorAll("#changes tbody tr"),function(row){return !row.hidden}).length;
document.body.setAttribute("data-probe","wide "+wide+" rows "+rows+" tools "+!document.getElementById("tools").hidden);
});</script></body>"##;

#[test]
#[expect(clippy::disallowed_methods, reason = "the test hands the browser a file")]
fn in_a_browser_nothing_runs_over_the_edge_and_the_console_stays_empty() {
    let Some(browser) = BROWSERS.into_iter().find(|path| std::path::Path::new(path).exists()) else {
        eprintln!("skipped: no Chromium is installed");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let plan = rich();
    let page = text(run(Some(&plan)));
    let file = folder.path().join("page.html");
    let look = |width: u32, page: &str, what: &[&str]| {
        std::fs::write(&file, page).expect("written");
        let output = std::process::Command::new(browser)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"])
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .arg(format!("--window-size={width},900"))
            .args(what)
            .arg(format!("file://{}", file.display()))
            .output()
            .expect("the browser starts");
        (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    // As it is: the policy lets the page's own style and script pass, and nothing complains.
    let (dom, console) = look(390, &page, &["--dump-dom"]);
    assert!(!console.contains("CONSOLE"), "{console}");
    assert!(dom.contains(r#"id="tools" class="tools" role="search">"#), "the script did not run");
    let (start, end) =
        (page.find("<meta http-equiv").expect("there"), page.find("<meta name=\"viewport").expect("there"));
    let probed = format!("{}{}", &page[..start], &page[end..]).replace("</body>", PROBE);
    for width in [390, 1280] {
        let (dom, console) = look(width, &probed, &["--dump-dom"]);
        assert!(!console.contains("CONSOLE"), "{console}");
        assert!(
            dom.contains(r#"data-probe="wide 0 rows 1 tools true""#),
            "{width}: {}",
            &dom[dom.len() - 300..]
        );
    }
}

/// Writes the page for whoever wants to look at it: `MUSTER_PAGE=/tmp/page.html cargo test page_to_look_at -- --ignored`.
#[test]
#[ignore = "writes a file for people to look at"]
#[expect(clippy::disallowed_methods, reason = "the test reads where to write to")]
fn page_to_look_at() {
    let Ok(path) = std::env::var("MUSTER_PAGE") else { return };
    let plan = rich();
    let findings: Findings = [
        Finding::new(
            code::TARGET_MATCHES_NOTHING,
            "the target kiosks matches no computer",
            place("targets/kiosks.yaml", 4),
        )
        .help("check its selectors with: muster resolve kiosks"),
        Finding::new(
            code::AMBIGUOUS,
            "two deployments of equal rank want different versions of browser on 12 computers",
            place("deployments/browser.yaml", 3),
        )
        .help("give one of them a higher priority"),
    ]
    .into_iter()
    .collect();
    let (sources, changed) = (Sources::new(), ChangedLines::none());
    let (command, folder, plan) = ("plan", "", Some(&plan));
    let page = text(Run { command, plan, findings: &findings, sources: &sources, changed: &changed, folder });
    std::fs::write(path, page).expect("written");
}
