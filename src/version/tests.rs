//! Tests of versions: tables of the schemes' own rules, laws, and Debian against the real `dpkg`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::*;

const SCHEMES: [VersionScheme; 4] =
    [VersionScheme::Dotted, VersionScheme::Semver, VersionScheme::Debian, VersionScheme::Date];

/// Checks that each version is less than all after it.
fn ascending(scheme: VersionScheme, versions: &[&str]) {
    for (at, a) in versions.iter().enumerate() {
        for b in &versions[at + 1..] {
            assert_eq!(compare(scheme, a, b), Ok(Ordering::Less), "{a} < {b}");
            assert_eq!(compare(scheme, b, a), Ok(Ordering::Greater), "{b} > {a}");
        }
    }
}

fn equal(scheme: VersionScheme, pairs: &[(&str, &str)]) {
    for (a, b) in pairs {
        assert_eq!(compare(scheme, a, b), Ok(Ordering::Equal), "{a} = {b}");
    }
}

#[test]
fn dotted_versions_compare_by_number_and_not_by_text() {
    ascending(
        VersionScheme::Dotted,
        &[
            "0",
            "0.0.1",
            "1.0-alpha",
            "1.0-beta",
            "1.0-beta2",
            "1.0-beta10",
            "1.0rc1",
            "1.0",
            "1.0-1",
            "1.0w",
            "1.0 (x64)",
            "1.1.1",
            "1.1.1a",
            "1.1.1w",
            "1.9",
            "1.10",
            "24.09-beta",
            "24.09",
            "24.10",
            "99999999999999999999999999.1",
            "99999999999999999999999999.2",
            "199999999999999999999999999",
        ],
    );
    equal(
        VersionScheme::Dotted,
        &[
            ("1", "1.0.0"),
            ("1.02", "1.2"),
            ("v1.2", "1.2"),
            (" 1.2 ", "V1.2.0"),
            ("1.2-RC1", "1.2rc01"),
            ("1.2.", "1.2"),
        ],
    );
    for bad in ["", "v", "latest", ".1", "-1", "n/a", "é1"] {
        assert!(check(VersionScheme::Dotted, bad).is_err(), "{bad:?}");
    }
}

#[test]
fn semantic_versions_have_the_precedence_of_their_specification() {
    ascending(
        VersionScheme::Semver,
        &[
            "0.9.9",
            "1.0.0-1",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.9.0",
            "1.10.0",
            "2.0.0",
            "2.1.0",
            "2.1.1",
            "100000000000000000000000.0.0",
        ],
    );
    equal(
        VersionScheme::Semver,
        &[("1.0.0+a", "1.0.0+b"), ("v1.0.0", "1.0.0"), ("1.0.0-a-b+x.1", "1.0.0-a-b")],
    );
    for bad in [
        "",
        "1",
        "1.2",
        "1.2.3.4",
        "01.2.3",
        "1.2.3-",
        "1.2.3-01",
        "1.2.3+",
        "1.2.3-a..b",
        "1.2.3-ä",
        "a.b.c",
    ] {
        assert!(check(VersionScheme::Semver, bad).is_err(), "{bad:?}");
    }
}

#[test]
fn debian_versions_have_the_order_of_the_policy() {
    ascending(
        VersionScheme::Debian,
        &[
            "1.0~~",
            "1.0~~a",
            "1.0~",
            "1.0~rc1-1",
            "1.0-0~1",
            "1.0",
            "1.0-1",
            "1.0-1+b1",
            "1.0-1.1",
            "1.0a",
            "1.0+dfsg-1",
            "1.2",
            "1.10",
            "1:0.1",
            "1:0.2",
            "2:0",
        ],
    );
    equal(VersionScheme::Debian, &[("0:1.0", "1.0"), ("1.0-0", "1.0"), ("1.00", "1.0"), ("1.0-00", "1.0-0")]);
    for bad in ["", "a1", "1_2", "x:1", ":1", "1:", "1-", "1.0-1_2", "1 2", "2147483648:1", "-1"] {
        assert!(check(VersionScheme::Debian, bad).is_err(), "{bad:?}");
    }
}

#[test]
fn dates_compare_as_days_however_they_are_written() {
    ascending(
        VersionScheme::Date,
        &[
            "1999-12-31",
            "2024",
            "2024.9",
            "2024-09-01",
            "2024-09-01.1",
            "2024-09-01.1.1",
            "2024-09-02",
            "2024-09-10",
            "2024-10",
            "2024-10-01",
            "2024-12-31",
            "2025.1",
        ],
    );
    equal(
        VersionScheme::Date,
        &[
            ("2024-09-15", "2024.9.15"),
            ("20240915", "2024/09/15"),
            ("202409", "2024_9"),
            ("2024-09-15.0", "2024-09-15"),
            ("v2024.09.15", "2024-09-15"),
            ("2024-09-15T10:30:00Z", "2024-09-15.10.30"),
            ("202409151030", "2024-09-15-1030"),
        ],
    );
    for bad in [
        "",
        "24.09",
        "2024-13",
        "2024-00",
        "2024-02-30",
        "2023-02-29",
        "0000",
        "2024-",
        "2024-09-15-rc1",
        "latest",
        "2024-9-15x",
        "202400",
        "20240230",
        "2024091",
        "2024-09-15 beta",
    ] {
        assert!(check(VersionScheme::Date, bad).is_err(), "{bad:?}");
    }
    assert!(check(VersionScheme::Date, "2024-02-29").is_ok());
}

#[test]
fn pre_releases_are_known_by_their_scheme() {
    for (scheme, text, is) in [
        (VersionScheme::Dotted, "1.0-beta", true),
        (VersionScheme::Dotted, "1.0-1", false),
        (VersionScheme::Semver, "1.0.0-1", true),
        (VersionScheme::Semver, "1.0.0+rc", false),
        (VersionScheme::Debian, "1.0~rc1", false),
        (VersionScheme::Date, "2024-01-01", false),
        (VersionScheme::Semver, "beta", false),
    ] {
        assert_eq!(is_prerelease(scheme, text), is, "{text}");
    }
}

#[test]
fn constraints_allow_what_they_say() {
    let dotted = |text| Constraint::parse(VersionScheme::Dotted, text).expect("valid");
    for (constraint, version, allowed) in [
        ("1.2.3", "1.2.3.0", true),
        ("1.2.3", "1.2.4", false),
        ("= 1.2", "1.2", true),
        ("==1.2", "1.3", false),
        (">=1.2, <2", "1.2", true),
        (">=1.2, <2", "1.10", true),
        (">=1.2, <2", "2.0", false),
        (">=1.2,<2,!=1.5", "1.5.0", false),
        (">1", "1.0.0", false),
        ("<=1", "1.0", true),
        ("*", "0", true),
        ("*, <2", "2", false),
    ] {
        assert_eq!(dotted(constraint).allows(version), Ok(allowed), "{version} in {constraint}");
    }
    assert!(dotted(">=1").allows("unknown").is_err());
    assert_eq!(dotted("*").allows("unknown"), Ok(true));
    assert_eq!(dotted("24.09").is_exact(), Some("24.09"));
    assert_eq!(dotted("= 24.09").is_exact(), Some("24.09"));
    for several in ["*", ">=1", "!=1", "=1,=1"] {
        assert_eq!(dotted(several).is_exact(), None);
    }
    for bad in ["", " ", ",", "1,", ">=", ">=1,,<2", "latest", "=>1", "^1.2", "~1"] {
        assert!(Constraint::parse(VersionScheme::Dotted, bad).is_err(), "{bad:?}");
    }
}

/// Texts that are near each other, so that equal ones and small differences are frequent.
fn versions(scheme: VersionScheme) -> BoxedStrategy<String> {
    match scheme {
        VersionScheme::Dotted => {
            "v?[0-2]{1,2}(\\.[0-2]{1,2}){0,3}([-+ ]?(rc|beta|a|b)?[0-2]{0,2}){0,2}".boxed()
        }
        VersionScheme::Semver => {
            "[0-2]\\.(0|10|2)\\.[0-2](-(a|b|0|1|2|10|a-b)(\\.(a|b|0|1|10)){0,2})?(\\+[a0-1]{1,2})?".boxed()
        }
        VersionScheme::Date => prop_oneof![
            "v?202[3-4]([-./_](0?[1-9]|1[0-2]))?",
            "202[3-4](0[1-3])?",
            "202[3-4][-./_]0?[1-2][-./_](0?[1-9]|1[0-9]|2[0-8])([-.Tr+][0-2]{1,2}){0,2}Z?",
            "202[3-4]0[1-2](0[1-9]|1[0-9]|2[0-8])([-.Tr+][0-2]{1,2}){0,2}Z?",
        ]
        .boxed(),
        VersionScheme::Debian => "([01]:)?[0-2]{1,2}([.+~][ab0-2~]{0,3}){0,3}(-[ab0-2~+.]{1,3}){0,2}".boxed(),
    }
}

const LAW_CASES: u32 = 2000;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(LAW_CASES))]

    #[test]
    fn each_scheme_is_a_total_preorder_in_2000_cases(
        (scheme, a, b, c) in prop::sample::select(&SCHEMES[..]).prop_flat_map(|scheme| {
            (Just(scheme), versions(scheme), versions(scheme), versions(scheme))
        })
    ) {
        let order = |a: &str, b: &str| compare(scheme, a, b).expect("generated versions are valid");
        prop_assert_eq!(order(&a, &a), Ordering::Equal);
        prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
        if order(&a, &b).is_le() && order(&b, &c).is_le() {
            prop_assert!(order(&a, &c).is_le(), "{} <= {} <= {}", a, b, c);
        }
        if order(&a, &b).is_eq() {
            prop_assert_eq!(order(&a, &c), order(&b, &c));
        }
    }

    #[test]
    fn no_text_is_a_panic_and_what_is_a_version_equals_itself(text in "\\PC{0,20}") {
        for scheme in SCHEMES {
            if check(scheme, &text).is_ok() {
                prop_assert_eq!(compare(scheme, &text, &text), Ok(Ordering::Equal));
            }
            if let Ok(constraint) = Constraint::parse(scheme, &text) {
                _ = constraint.allows(&text);
            }
        }
    }
}

/// Pairs that are compared with the real thing, in so many shells at a time.
const DPKG_CASES: usize = 1200;
const DPKG_SHELLS: usize = 4;

#[test]
fn debian_versions_compare_as_dpkg_compares_them_in_1200_cases() {
    let mut runner = TestRunner::deterministic();
    let mut pairs = Vec::with_capacity(DPKG_CASES);
    while pairs.len() < DPKG_CASES {
        let [a, b] = [(); 2]
            .map(|()| versions(VersionScheme::Debian).new_tree(&mut runner).expect("a version").current());
        // One in five is the same version, written with more zeros.
        let b = if pairs.len() % 5 == 0 { a.replace('1', "01") } else { b };
        pairs.push((a, b));
    }
    let shells: Vec<_> =
        pairs.chunks(DPKG_CASES / DPKG_SHELLS).map(|pairs| (pairs, ask_dpkg(pairs))).collect();
    let mut by_answer = std::collections::BTreeMap::new();
    for (pairs, shell) in shells {
        let output = shell.join().expect("no panic");
        if output.status.code() == Some(99) {
            println!("not run: there is no dpkg on this computer");
            return;
        }
        let answers = String::from_utf8(output.stdout).expect("text");
        let answers: Vec<&str> = answers.lines().collect();
        assert_eq!(answers.len(), pairs.len());
        for ((a, b), answer) in pairs.iter().zip(answers) {
            let expected = match answer {
                "lt" => Ordering::Less,
                "eq" => Ordering::Equal,
                _ => Ordering::Greater,
            };
            assert_eq!(compare(VersionScheme::Debian, a, b), Ok(expected), "{a} {answer} {b}");
            *by_answer.entry(answer.to_owned()).or_insert(0) += 1;
        }
    }
    assert_eq!(by_answer.len(), 3, "all three answers occur: {by_answer:?}");
    assert_eq!(by_answer.values().sum::<i32>(), 1200, "{by_answer:?}");
}

/// One shell that compares many pairs.
fn ask_dpkg(pairs: &[(String, String)]) -> std::thread::JoinHandle<std::process::Output> {
    let script = r#"command -v dpkg >/dev/null || exit 99
        while read -r a b; do
            if dpkg --compare-versions "$a" lt "$b"; then echo lt
            elif dpkg --compare-versions "$a" eq "$b"; then echo eq
            else echo gt; fi
        done"#;
    let input = pairs.iter().flat_map(|(a, b)| [a.as_str(), " ", b.as_str(), "\n"]).collect::<String>();
    std::thread::spawn(move || {
        let mut shell = Command::new("sh")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let mut stdin = shell.stdin.take().expect("piped");
        // A shell that ends at once takes nothing.
        let writer = std::thread::spawn(move || _ = stdin.write_all(input.as_bytes()));
        let output = shell.wait_with_output().expect("the shell ends");
        writer.join().expect("no panic");
        output
    })
}

/// A day, and one of the ways to write it.
fn written_day() -> BoxedStrategy<(jiff::civil::Date, String)> {
    let day = (1..=9999_i16, 1..=12_i8, 1..=31_i8)
        .prop_filter_map("in the calendar", |(y, m, d)| jiff::civil::Date::new(y, m, d).ok());
    let near = (2023..=2024_i16, 1..=3_i8, 27..=31_i8)
        .prop_filter_map("in the calendar", |(y, m, d)| jiff::civil::Date::new(y, m, d).ok());
    (prop_oneof![day, near], 0..5)
        .prop_map(|(day, form)| {
            let (y, m, d) = (day.year(), day.month(), day.day());
            let text = match form {
                0 => format!("{y:04}-{m:02}-{d:02}"),
                1 => format!("{y:04}.{m}.{d}"),
                2 => format!("{y:04}{m:02}{d:02}"),
                3 => format!("v{y:04}/{m}/{d:02}"),
                _ => format!("{y:04}_{m:02}_{d}.0"),
            };
            (day, text)
        })
        .boxed()
}

/// What a constraint means, written down once more without the parser of the real one.
fn naive(parts: &[(&str, String)], version: &str) -> bool {
    parts.iter().all(|(sign, bound)| {
        let order = compare(VersionScheme::Dotted, version, bound).expect("valid");
        match *sign {
            "" | "=" | "==" => order.is_eq(),
            "!=" => order.is_ne(),
            "<" => order.is_lt(),
            "<=" => order.is_le(),
            ">" => order.is_gt(),
            ">=" => order.is_ge(),
            other => panic!("{other}"),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn days_compare_as_in_the_calendar_in_1000_cases(a in written_day(), b in written_day()) {
        prop_assert_eq!(compare(VersionScheme::Date, &a.1, &b.1), Ok(a.0.cmp(&b.0)), "{} {}", a.1, b.1);
    }

    #[test]
    fn only_days_of_the_calendar_are_versions_in_1000_cases(y in 1..=9999_i16, m in 0..=14_i8, d in 0..=33_i8) {
        let text = format!("{y:04}-{m:02}-{d:02}");
        prop_assert_eq!(check(VersionScheme::Date, &text).is_ok(), jiff::civil::Date::new(y, m, d).is_ok(), "{}", text);
    }

    #[test]
    fn constraints_allow_what_a_naive_reading_allows_in_1000_cases(
        parts in prop::collection::vec(
            (prop::sample::select(&["", "=", "==", "!=", "<", "<=", ">", ">="][..]), versions(VersionScheme::Dotted)),
            1..4,
        ),
        version in versions(VersionScheme::Dotted),
        spaces in "[ ]{0,2}",
    ) {
        // A sign of one letter and a version that begins with another sign would be read as one.
        let text: Vec<String> = parts.iter().map(|(sign, bound)| format!("{spaces}{sign}{spaces}{bound}")).collect();
        let constraint = Constraint::parse(VersionScheme::Dotted, &text.join(",")).expect("valid");
        prop_assert_eq!(constraint.allows(&version), Ok(naive(&parts, &version)), "{} in {:?}", version, text);
    }
}
