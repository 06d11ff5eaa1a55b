//! The page escapes, stays small, loads nothing, and stands in a real browser where one is installed.

use super::super::model::{ChangedLines, Model, Run};
use super::super::sample::{
    cover, find, five_kinds, name, nothing, place, program, run, with_memberships, with_notes, with_verdicts,
};
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
        computer.tenant = Some(name(&format!("tenant-{:02}", at * at % 37)));
    }
    cover(&mut plan);
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

/// Many kinds of change, each on a few hundred computers, with long titles.
fn many_kinds(kinds: u32) -> Plan {
    let mut plan = five_kinds(1232);
    let change = plan.changes[2].clone();
    plan.changes = (0..kinds)
        .map(|at| crate::plan::document::Change {
            title: format!("Software {at:05} of a maker whose name is long, for computers that draw"),
            ..change.clone()
        })
        .collect();
    plan
}

#[test]
fn a_page_of_100_000_computers_of_300_tenants_stays_small() {
    let mut plan = with_notes(five_kinds(100_000), 20_000);
    for (at, computer) in plan.computers.iter_mut().enumerate() {
        computer.tenant = Some(name(&format!("tenant-{:03}", at % 300)));
    }
    cover(&mut plan);
    let page = text(run(Some(&plan)));
    assert!(page.len() < 150_000, "{}", page.len());
    assert!(page.contains("and 99,800 more"));
    assert!(page.contains("and 289 more tenants, none of them worse"), "the chart says what it leaves out");
    assert!(page.contains("and 201 more tenants; the JSON report has all"), "and the table too");
    let many = text(run(Some(&many_kinds(10_000))));
    assert!(many.len() < 700_000, "{}", many.len());
    assert!(
        many.contains("and 9,600 more kinds of change") && many.contains("and 151 more"),
        "{}",
        many.len()
    );
}

#[test]
fn charts_and_tables_tell_how_tenants_and_items_stand() {
    let page = text(run(Some(&with_notes(five_kinds(1232), 31))));
    for part in [
        "How 6,625 checks stand: 71.2 % as wanted",
        "As wanted by tenant, least first",
        "aria-label=\"(no tenant): 46.6 % as wanted; 217 as wanted, 31 differs, 31 too old, 31 undetermined, 155 not known\"",
        "aria-label=\"7-Zip: 0.0 % as wanted; 1,232 differs, 31 too old, 31 undetermined, 31 not known\"",
        "<td><span class=\"what\">contoso</span></td><td class=\"r\" data-label=\"Computers\">411</td><td class=\"r\" data-label=\"As wanted\">73.0 %</td>",
    ] {
        assert!(page.contains(part), "{part}");
    }
    // One tenant stands as all do, and without checks nothing stands.
    let mut one = five_kinds(10);
    one.computers.iter_mut().for_each(|computer| computer.tenant = Some(name("contoso")));
    cover(&mut one);
    let one = text(run(Some(&one)));
    assert!(!one.contains("As wanted by tenant") && one.contains("As wanted by item"));
    assert!(!text(run(Some(&nothing(0)))).contains("At a glance"));
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
const BROWSERS: [&str; 4] = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"];

/// Added to the page: it writes down how much wider the content is than the window, whether searching works, and how well
/// the least readable text stands out from what is behind it (as WCAG 2 counts contrast). The page's policy does not
/// allow it, so the test takes the policy away after it has checked it.
const PROBE: &str = r##"<script>addEventListener("load",function(){
var root=document.documentElement,box=document.getElementById("search"),rows="-";
var wide=root.scrollWidth-root.clientWidth;
if(box&&!document.getElementById("tools").hidden){
box.value="old archiver";box.dispatchEvent(new Event("input"));
rows=[].filter.call(document.querySelectorAll("#changes tbody tr"),function(row){return !row.hidden}).length;
}
function light(color){
var parts=color.match(/[0-9.]+/g).map(Number);
if(parts.length>3&&parts[3]===0)return null;
var one=function(part){part/=255;return part<=0.03928?part/12.92:Math.pow((part+0.055)/1.055,2.4)};
return 0.2126*one(parts[0])+0.7152*one(parts[1])+0.0722*one(parts[2]);
}
var least=99,who="";
[].forEach.call(document.body.querySelectorAll("*"),function(element){
var own=[].some.call(element.childNodes,function(node){return node.nodeType===3&&node.data.trim()});
var at=element.getBoundingClientRect();
if(!own||!at.width||at.right<0||/SCRIPT|STYLE|title/.test(element.tagName))return;
var text=light(getComputedStyle(element).color),behind=null,up=element;
while(up&&behind===null){behind=light(getComputedStyle(up).backgroundColor);up=up.parentElement}
if(behind===null)behind=1;
var ratio=(Math.max(text,behind)+0.05)/(Math.min(text,behind)+0.05);
if(ratio<least){least=ratio;who=element.tagName+"."+element.className}
});
var dark=light(getComputedStyle(document.body).backgroundColor)<0.2;
document.body.setAttribute("data-probe","wide "+wide+" rows "+rows+" dark "+dark+" readable "+(least>=4.5)+" "+who+" "+least.toFixed(2)+";");
});</script></body>"##;

/// With MUSTER_SHOTS=FOLDER it also takes pictures there, for people to look at.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the test hands the browser a file and reads where to put pictures"
)]
fn in_a_browser_nothing_runs_over_the_edge_all_is_readable_and_the_console_stays_empty() {
    let Some(browser) = BROWSERS.into_iter().find_map(find) else {
        // Says so, or fails where everything has to be there.
        _ = program(BROWSERS[0]);
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("page.html");
    let look = |width: u32, dark: bool, page: &str, what: &str| {
        std::fs::write(&file, page).expect("written");
        let output = std::process::Command::new(&browser)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"])
            .arg(format!("--blink-settings=preferredColorScheme={}", u8::from(!dark)))
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .arg(format!("--window-size={width},2400"))
            .args([what, "--hide-scrollbars"])
            .arg(format!("file://{}", file.display()))
            .output()
            .expect("the browser starts");
        (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let pages = [
        ("rich", page_to_look_at(), "1"),
        ("many", text(run(Some(&many_kinds(10_000)))), "0"),
        ("nothing", text(run(Some(&nothing(5)))), "-"),
        ("valid", text(run(None)), "-"),
    ];
    // As it is: the policy lets the page's own style and script pass, and nothing complains.
    let (dom, console) = look(390, false, &pages[0].1, "--dump-dom");
    assert!(!console.contains("CONSOLE"), "{console}");
    assert!(dom.contains(r#"id="tools" class="tools" role="search">"#), "the script did not run");
    for (name, page, rows) in &pages {
        let head = page.find("<meta http-equiv").expect("there");
        let after = page.find("<meta name=\"viewport").expect("there");
        let probed = format!("{}{}", &page[..head], &page[after..]).replace("</body>", PROBE);
        for (width, dark) in [(360, true), (390, false), (1280, false), (1280, true)] {
            if let Some(shots) = std::env::var_os("MUSTER_SHOTS") {
                let mode = if dark { "dark" } else { "light" };
                let shot = std::path::Path::new(&shots).join(format!("{name}-{width}-{mode}.png"));
                look(width, dark, page, &format!("--screenshot={}", shot.display()));
            }
            // The scheme and the width are looked at in each page, and a page without changes in one of each only.
            if *rows == "-" && (width == 390 || (width, dark) == (1280, true)) {
                continue;
            }
            let (dom, console) = look(width, dark, &probed, "--dump-dom");
            assert!(!console.contains("CONSOLE"), "{console}");
            let probe = format!("data-probe=\"wide 0 rows {rows} dark {dark} readable true");
            let said =
                dom.split("data-probe=\"").nth(1).map(|rest| rest.chars().take(120).collect::<String>());
            assert!(dom.contains(&probe), "{name} at {width}, dark {dark}: {said:?}");
        }
    }
}

/// A page with everything on it.
fn page_to_look_at() -> String {
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
    text(Run { command, plan, findings: &findings, sources: &sources, changed: &changed, folder })
}
