//! Whether a directory's answer is believed: as a whole, and group by group where targets name groups.
//!
//! A group counts with all that are in it and in the groups within it. One that is not listed any more counts as one that
//! became empty. A group that no target names may become whatever it likes.
//!
//! Invariant: where a group is doubted, it and the groups within it are as they were before; everything else is as the
//! answer says.

use std::collections::{BTreeMap, BTreeSet};

use super::{Verdict, shrunk, shrunk_part};
use crate::config::model::Shrink;
use crate::inventory::relations::{Directory, Doubt, Group, folded};

/// What is believed of an answer, given the last one that was and the groups that targets name, by id or name.
#[must_use]
pub fn directory(
    before: &Directory,
    now: Directory,
    named: &BTreeSet<String>,
    shrink: Shrink,
) -> Verdict<Directory> {
    if let Some(what) = whole(before, &now, shrink) {
        return Verdict::Nothing(what);
    }
    let mut doubts = Vec::new();
    let mut restored: BTreeMap<&str, &Group> = BTreeMap::new();
    {
        let (old, new) = (View::of(before), View::of(&now));
        for name in named {
            let [group] = old.find(name)[..] else { continue };
            let was = old.members(group);
            let found = new.find(name);
            let is = match found[..] {
                [] => BTreeSet::new(),
                [one] => new.members(one),
                // Which one is meant is not known, and that is told elsewhere.
                _ => continue,
            };
            let what = format!("members of group {}", group.name.trim());
            let Some(mut why) = shrunk_part(&what, &was, &is, shrink) else { continue };
            if found.is_empty() {
                why = format!("group {} with {} members is gone", group.name.trim(), was.len());
            }
            restored.extend(old.within(group).into_iter().map(|one| (one.id.as_str(), one)));
            let mut doubt = Doubt { why, ..Doubt::default() };
            for member in was.into_iter().chain(is) {
                match member {
                    Member::Person(upn) => _ = doubt.people.insert(upn),
                    Member::Device(name) => _ = doubt.devices.insert(name),
                }
            }
            doubts.push(doubt);
        }
    }
    if doubts.is_empty() {
        return Verdict::Whole(now);
    }
    let believed = restore(before, now, &restored, &doubts);
    Verdict::Parts(believed, doubts)
}

/// What is suspicious of all that a directory knows: people and their tags, groups, and who is in which group.
fn whole(before: &Directory, now: &Directory, shrink: Shrink) -> Option<String> {
    let people = |known: &Directory| known.people.iter().map(|one| folded(&one.upn)).collect::<BTreeSet<_>>();
    let groups = |known: &Directory| known.groups.iter().map(|one| one.id.clone()).collect();
    let members = |known: &Directory| -> BTreeSet<(String, String)> {
        let of = |group: &Group| {
            let all = group.people.iter().chain(&group.devices).chain(&group.groups);
            all.map(|member| (group.id.clone(), member.to_lowercase())).collect::<Vec<_>>()
        };
        known.groups.iter().flat_map(of).collect()
    };
    let (known, there) = (people(before), people(now));
    let tags = |directory: &Directory| -> BTreeSet<(String, String)> {
        let all = directory.people.iter().map(|one| (folded(&one.upn), &one.tags));
        let both = all.filter(|(upn, _)| known.contains(upn) && there.contains(upn));
        both.flat_map(|(upn, tags)| tags.iter().map(move |tag| (upn.clone(), tag.clone()))).collect()
    };
    shrunk("people", &known, &there, shrink)
        .or_else(|| shrunk("groups", &groups(before), &groups(now), shrink))
        .or_else(|| shrunk_part("members of groups", &members(before), &members(now), shrink))
        .or_else(|| shrunk_part("tags of people", &tags(before), &tags(now), shrink))
}

/// The answer with these groups as they were, and with those of their people that it leaves out.
fn restore(
    before: &Directory,
    mut now: Directory,
    restored: &BTreeMap<&str, &Group>,
    doubts: &[Doubt],
) -> Directory {
    let mut missing = restored.clone();
    for group in &mut now.groups {
        if let Some(old) = missing.remove(group.id.as_str()) {
            group.clone_from(old);
        }
    }
    now.groups.extend(missing.into_values().cloned());
    let there: BTreeSet<String> = now.people.iter().map(|person| folded(&person.upn)).collect();
    let wanted: BTreeSet<&String> = doubts.iter().flat_map(|doubt| &doubt.people).collect();
    let gone = before.people.iter().filter(|person| {
        let upn = folded(&person.upn);
        wanted.contains(&upn) && !there.contains(&upn)
    });
    now.people.extend(gone.cloned());
    now
}

/// Who is in a group, folded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Member {
    Person(String),
    Device(String),
}

/// A directory by what its groups are called.
struct View<'a> {
    by_id: BTreeMap<&'a str, &'a Group>,
    by_name: BTreeMap<String, Vec<&'a Group>>,
    people: BTreeSet<String>,
}

impl<'a> View<'a> {
    fn of(directory: &'a Directory) -> Self {
        let mut by_name: BTreeMap<String, Vec<&Group>> = BTreeMap::new();
        for group in &directory.groups {
            by_name.entry(folded(&group.name)).or_default().push(group);
        }
        Self {
            by_id: directory.groups.iter().map(|group| (group.id.as_str(), group)).collect(),
            by_name,
            people: directory.people.iter().map(|person| folded(&person.upn)).collect(),
        }
    }

    /// The groups of this id or, if there is none, of this name.
    fn find(&self, text: &str) -> Vec<&'a Group> {
        match self.by_id.get(text.trim()) {
            Some(group) => vec![group],
            None => self.by_name.get(&folded(text)).cloned().unwrap_or_default(),
        }
    }

    /// A group and all within it, each once. Circles end.
    fn within(&self, group: &'a Group) -> Vec<&'a Group> {
        let mut seen = BTreeSet::from([group.id.as_str()]);
        let mut all = vec![group];
        let mut at = 0;
        while let Some(one) = all.get(at) {
            let inner = one.groups.iter().filter_map(|id| self.by_id.get(id.as_str()));
            let fresh: Vec<&Group> = inner.filter(|one| seen.insert(one.id.as_str())).copied().collect();
            all.extend(fresh);
            at += 1;
        }
        all
    }

    /// The people whom the directory knows and the devices in a group and in all within it.
    fn members(&self, group: &'a Group) -> BTreeSet<Member> {
        let mut members = BTreeSet::new();
        for one in self.within(group) {
            let people = one.people.iter().map(|upn| folded(upn)).filter(|upn| self.people.contains(upn));
            members.extend(people.map(Member::Person));
            members.extend(one.devices.iter().map(|name| Member::Device(folded(name))));
        }
        members
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::relations::Person;

    fn group(id: &str, name: &str, people: std::ops::Range<usize>, groups: &[&str]) -> Group {
        Group {
            id: id.to_owned(),
            name: name.to_owned(),
            people: people.map(|at| format!("P{at}")).collect(),
            devices: Vec::new(),
            groups: groups.iter().map(|id| (*id).to_owned()).collect(),
        }
    }

    fn known(people: usize, groups: Vec<Group>) -> Directory {
        let person = |at| Person { upn: format!("p{at}"), name: None, tags: BTreeSet::new(), tenant: None };
        Directory { people: (0..people).map(person).collect(), groups }
    }

    fn judge(before: &Directory, now: &Directory, named: &[&str]) -> Verdict<Directory> {
        let named = named.iter().map(|name| (*name).to_owned()).collect();
        directory(before, now.clone(), &named, Shrink::default())
    }

    fn why(verdict: &Verdict<Directory>) -> Vec<&str> {
        match verdict {
            Verdict::Whole(_) => Vec::new(),
            Verdict::Parts(_, doubts) => doubts.iter().map(|doubt| doubt.why.as_str()).collect(),
            Verdict::Nothing(what) => vec![what],
        }
    }

    #[test]
    fn a_directory_that_lost_members_or_tags_is_suspicious_though_everybody_is_there() {
        let of = |members| known(20, vec![group("g", "G", 0..members, &[])]);
        assert_eq!(why(&judge(&of(20), &of(8), &[])), ["12 of 20 members of groups are gone"]);
        assert_eq!(why(&judge(&of(20), &of(15), &[])), [""; 0]);
        let mut tagged = of(20);
        for person in &mut tagged.people {
            person.tags.insert("staff".to_owned());
        }
        assert_eq!(why(&judge(&tagged, &of(20), &[])), ["20 of 20 tags of people are gone"]);
    }

    #[test]
    fn one_group_that_empties_is_as_it_was_and_the_rest_is_believed() {
        let rest = || group("all", "All", 0..40, &[]);
        let before = known(40, vec![group("g", "Finance", 0..12, &[]), rest()]);
        let now = known(41, vec![group("g", "Finance", 12..13, &[]), group("all", "All", 0..41, &[])]);
        assert_eq!(judge(&before, &now, &[]), Verdict::Whole(now.clone()), "no target names it");
        let verdict = judge(&before, &now, &["finance", "All"]);
        assert_eq!(why(&verdict), ["12 of 12 members of group Finance are gone"]);
        let Verdict::Parts(believed, doubts) = verdict else { panic!("the group alone is doubted") };
        assert_eq!(believed, known(41, vec![before.groups[0].clone(), now.groups[1].clone()]));
        let people = doubts[0].people.iter().map(String::as_str);
        assert_eq!(people.collect::<BTreeSet<_>>().len(), 13, "those who were in it and those who came");
        assert!(
            matches!(judge(&believed, &now, &["finance"]), Verdict::Parts(..)),
            "the second time as well"
        );
    }

    #[test]
    fn small_groups_may_lose_members_and_one_with_three_may_not_empty() {
        let rest = || group("all", "All", 0..40, &[]);
        let of = |members| known(40, vec![group("g", "G", 0..members, &[]), rest()]);
        for (was, is, suspicious) in
            [(3, 2, false), (3, 1, false), (2, 0, false), (3, 0, true), (12, 5, true)]
        {
            let doubted = matches!(judge(&of(was), &of(is), &["g"]), Verdict::Parts(..));
            assert_eq!(doubted, suspicious, "{was} to {is}");
        }
    }

    #[test]
    fn a_group_within_that_is_gone_empties_the_one_around_it() {
        let rest = || group("all", "All", 0..40, &[]);
        let inner = group("in", "Inner", 0..5, &["out"]);
        let before = known(40, vec![group("out", "Outer", 0..0, &["in"]), inner.clone(), rest()]);
        let now = known(40, vec![group("out", "Outer", 0..0, &[]), rest()]);
        let verdict = judge(&before, &now, &["Outer"]);
        assert_eq!(why(&verdict), ["5 of 5 members of group Outer are gone"]);
        let Verdict::Parts(believed, _) = verdict else { panic!("the group alone is doubted") };
        assert_eq!(believed.groups.iter().filter(|one| one.id == "in").collect::<Vec<_>>(), [&inner]);
        let gone = judge(&before, &now, &["Inner"]);
        assert_eq!(why(&gone), ["group Inner with 5 members is gone"], "and by its own name");
    }

    #[test]
    fn members_whom_the_directory_does_not_know_any_more_come_back_with_the_group() {
        let rest = || group("all", "All", 0..40, &[]);
        let before = known(40, vec![group("g", "G", 36..40, &[]), rest()]);
        let mut now = before.clone();
        now.people.truncate(36);
        let Verdict::Parts(believed, doubts) = judge(&before, &now, &["G"]) else { panic!("doubted") };
        assert_eq!(doubts[0].why, "4 of 4 members of group G are gone");
        assert_eq!(believed.people.len(), 40);
    }
}
