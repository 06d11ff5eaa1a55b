//! Tests of relations: primary people, dates, nested groups, and what stays unknown. Every selector over them is compared
//! with an oracle in `targets`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;

use super::groups::{Groups, Links};
use super::*;

fn at(hour: i64, user: &str) -> SignIn {
    SignIn { at: Timestamp::from_second(hour * 3600).expect("a time"), user: user.to_owned() }
}

fn day(text: &str) -> Date {
    text.parse().expect("a day")
}

#[test]
fn the_primary_person_is_the_most_frequent_one_and_then_the_most_recent() {
    assert_eq!(primary(&[]), None);
    assert_eq!(primary(&[at(1, " ")]), None);
    assert_eq!(primary(&[at(1, "a"), at(3, "b"), at(2, "a")]), Some("a"));
    assert_eq!(primary(&[at(1, "a"), at(4, "b"), at(2, "a"), at(3, "b")]), Some("b"), "as often, and later");
    assert_eq!(
        primary(&[at(1, "Anna@X"), at(2, "b"), at(3, "anna@x")]),
        Some("anna@x"),
        "case tells nobody apart"
    );
}

#[test]
fn of_all_sign_ins_the_last_ten_count() {
    let old = (0..20).map(|hour| at(hour, "before"));
    let new = (20..26).map(|hour| at(hour, "now"));
    let all: Vec<SignIn> = new.chain(old).collect();
    assert_eq!(primary(&all), Some("now"), "six of the last ten");
    let kept = kept(all);
    assert_eq!(kept.len(), KEPT);
    assert_eq!((kept.first(), kept.last()), (Some(&at(16, "before")), Some(&at(25, "now"))));
    let again = super::kept(kept.iter().chain(&kept).cloned());
    assert_eq!(again, kept, "the same sign-in told twice is one");
}

#[test]
fn an_agreement_holds_on_its_first_and_its_last_day() {
    let (begin, end) = (Some(day("2026-06-01")), Some(day("2026-06-30")));
    let on = |text: &str| holds_on(day(text), true, begin, end);
    assert_eq!(["2026-05-31", "2026-06-01", "2026-06-30", "2026-07-01"].map(on), [false, true, true, false]);
    assert!(!holds_on(day("2026-06-15"), false, begin, end), "inactive");
    assert!(holds_on(day("2026-06-15"), true, None, None));
}

fn group(id: &str, people: &[&str], groups: &[&str]) -> Group {
    let own = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    Group {
        id: id.to_owned(),
        name: format!("Group {id}"),
        people: own(people),
        devices: Vec::new(),
        groups: own(groups),
    }
}

#[test]
fn groups_in_groups_are_followed_in_circles_too_and_the_way_is_told() {
    let directory = Directory {
        people: Vec::new(),
        groups: vec![
            group("a", &[], &["b", "gone"]),
            group("b", &[], &["c", "a"]),
            group("c", &["Eva@x"], &["b"]),
        ],
    };
    let links = Links {
        people: BTreeMap::from([("eva@x".to_owned(), [7].into_iter().collect())]),
        devices: BTreeMap::new(),
    };
    let groups = Groups::new(&directory, links);
    for one in ["a", "b", "c"] {
        let [at] = groups.find(one)[..] else { panic!("{one}") };
        assert!(groups.members(at).certain.contains(7), "{one}");
    }
    let [at] = groups.find("group A")[..] else { panic!("by name") };
    assert_eq!(
        groups.road(at, 7).as_deref(),
        Some("through group Group b > group Group c > primary person Eva@x")
    );
    assert_eq!(groups.road(at, 8), None);
}

#[test]
fn belongings_that_say_nothing_are_empty() {
    assert!(Belongings::default().is_empty());
    assert!(
        !Belongings { groups: Arc::new(BTreeSet::from(["x".to_owned()])), ..Belongings::default() }
            .is_empty()
    );
}
