//! The link with which a technician joins a session in the browser.

use url::Url;

use super::wire::Group;

/// The link for a session, in a group or in none; whoever opens it has to be signed in to the server.
pub(super) fn link(base: &Url, group: Option<&str>, session: &str) -> String {
    let mut coded = Url::parse("path://x").ok();
    if let Some(mut segments) = coded.as_mut().and_then(|url| url.path_segments_mut().ok()) {
        segments.extend(group);
    }
    let coded = coded.as_ref().map_or("", |url| url.path().trim_start_matches('/'));
    let base = base.as_str().trim_end_matches('/');
    format!("{base}/Host#Access/{coded}//{session}/Join")
}

/// A group that holds every access session, if there is one.
pub(super) fn whole(groups: &[Group]) -> Option<&str> {
    groups
        .iter()
        .find(|group| group.session_filter.trim().is_empty() && !group.name.is_empty())
        .map(|group| group.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_has_the_servers_path_and_the_group() {
        let base = |text| Url::parse(text).expect("an address");
        let plain = base("https://control.example.test/");
        assert_eq!(link(&plain, None, "guid"), "https://control.example.test/Host#Access///guid/Join");
        assert_eq!(
            link(&base("https://example.test:8040/route"), Some("All Machines"), "guid"),
            "https://example.test:8040/route/Host#Access/All%20Machines//guid/Join"
        );
        assert_eq!(
            link(&plain, Some("a/b #1"), "guid"),
            "https://control.example.test/Host#Access/a%2Fb%20%231//guid/Join"
        );
    }

    #[test]
    fn a_group_with_a_filter_may_not_hold_the_session() {
        let groups: Vec<Group> = serde_json::from_str(
            r#"[{"Name":"Servers","SessionType":2,"SessionFilter":"Name LIKE 's%'"},{"Name":"All Machines","SessionType":"Access","SessionFilter":""}]"#,
        )
        .expect("groups");
        assert_eq!(whole(&groups), Some("All Machines"));
        assert_eq!(whole(&groups[..1]), None);
    }
}
