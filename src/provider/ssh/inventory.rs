//! The inventory file: computers, one per line. A pure function over its text.
//!
//! ```text
//! # name, then key=value in any order
//! [web]
//! www1 address=192.0.2.11 user=admin tenant=contoso tags=kiosk,lobby
//! www2 port=2222
//! ```
//!
//! A `[group]` line gives its name as a tag to the computers below it.
//!
//! Invariant: either all lines are understood, or every line that is not is reported.

use std::collections::BTreeMap;

use crate::config::kind::{SshHost, SshJump};
use crate::diagnostic::nearest;
use crate::id::Name;
use crate::session::script::Platform;

/// A line that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct InventoryError {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

const KEYS: [&str; 8] = ["address", "port", "user", "identityFiles", "jump", "tenant", "tags", "platform"];

/// Reads an inventory file's text.
///
/// # Errors
/// Every line that is not understood, with its number.
pub fn parse_inventory(text: &str) -> Result<Vec<SshHost>, Vec<InventoryError>> {
    let mut hosts: Vec<SshHost> = Vec::new();
    let mut errors = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut group: Option<String> = None;
    for (index, line) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
        let number = index + 1;
        let mut report = |message: String| errors.push(InventoryError { line: number, message });
        let words: Vec<&str> = line.split_whitespace().take_while(|word| !word.starts_with('#')).collect();
        let Some((first, rest)) = words.split_first() else { continue };
        if first.starts_with('[') {
            match header(&words.join(" ")) {
                Some(name) => group = Some(name),
                None => report("a group is written [name], with no spaces, and alone on its line".to_owned()),
            }
            continue;
        }
        let mut host = SshHost { name: (*first).to_owned(), ..SshHost::default() };
        if first.contains(['=', ',', ']', '"', '\'']) {
            report(format!("a line begins with the computer's name, not {first:?}"));
            continue;
        }
        let faults = fields(&mut host, rest);
        let good = faults.is_empty();
        faults.into_iter().for_each(&mut report);
        if let Some(earlier) = seen.get(*first) {
            report(format!("{first} is already on line {earlier}"));
            continue;
        }
        seen.insert((*first).to_owned(), number);
        host.tags.extend(group.clone().filter(|group| !host.tags.contains(group)));
        if good {
            hosts.push(host);
        }
    }
    if errors.is_empty() { Ok(hosts) } else { Err(errors) }
}

fn header(line: &str) -> Option<String> {
    let name = line.strip_prefix('[')?.strip_suffix(']')?;
    let plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    (!name.is_empty() && name.chars().all(plain)).then(|| name.to_owned())
}

/// Reads `key=value` words into `host`, and gives back what is wrong with them.
fn fields(host: &mut SshHost, words: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut given: Vec<&str> = Vec::new();
    for word in words {
        let Some((key, value)) = word.split_once('=') else {
            faults.push(format!("{word:?} is not key=value"));
            continue;
        };
        if given.contains(&key) {
            faults.push(format!("{key} is given twice"));
            continue;
        }
        given.push(key);
        if value.is_empty() {
            faults.push(format!("{key} has no value"));
            continue;
        }
        if let Err(fault) = field(host, key, value) {
            faults.push(fault);
        }
    }
    faults
}

fn field(host: &mut SshHost, key: &str, value: &str) -> Result<(), String> {
    match key {
        "address" => host.address = Some(value.to_owned()),
        "port" => host.port = Some(port(value)?),
        "user" => host.user = Some(value.to_owned()),
        "identityFiles" => host.identity_files = list(key, value)?,
        "jump" => host.jump = Some(jump(value)?),
        "tenant" => host.tenant = Some(Name::new(value).map_err(|error| error.to_string())?),
        "tags" => host.tags = list(key, value)?.into_iter().collect(),
        "platform" => {
            host.platform = Some(match value {
                "posix" => Platform::Posix,
                "windows" => Platform::Windows,
                _ => return Err(format!("{value:?} is not a platform: use posix or windows")),
            });
        }
        _ => {
            let hint = nearest(key, KEYS).map(|near| format!("; did you mean {near}?"));
            return Err(format!("unknown key {key:?}{}", hint.unwrap_or_default()));
        }
    }
    Ok(())
}

fn port(value: &str) -> Result<u16, String> {
    value
        .parse()
        .ok()
        .filter(|port| *port != 0)
        .ok_or_else(|| format!("{value:?} is not a port: use a number from 1 to 65535"))
}

fn list(key: &str, value: &str) -> Result<Vec<String>, String> {
    let parts: Vec<String> = value.split(',').map(str::to_owned).collect();
    if parts.iter().any(String::is_empty) { Err(format!("{key} has an empty part")) } else { Ok(parts) }
}

/// `[user@]address[:port]`, with an IPv6 address in brackets.
fn jump(value: &str) -> Result<SshJump, String> {
    let (user, place) = match value.rsplit_once('@') {
        Some((user, place)) => (Some(user.to_owned()), place),
        None => (None, value),
    };
    let (address, digits) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, "")) => (address, None),
        Some((address, rest)) => (address, Some(rest.strip_prefix(':').unwrap_or(rest))),
        None => match place.split_once(':') {
            Some((address, digits)) => (address, Some(digits)),
            None => (place, None),
        },
    };
    if address.is_empty() || user.as_deref() == Some("") {
        return Err(format!("{value:?} is not a jump: write user@address:port"));
    }
    Ok(SshJump { address: address.to_owned(), port: digits.map(port).transpose()?, user })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inventory_lists_computers_with_their_groups_as_tags() {
        let text = "# all\n\nalpha\n[web]\nwww1 address=192.0.2.1 port=2222 user=ops tenant=contoso tags=a,b # x\n\
                    www2 jump=hop@[2001:db8::1]:22 platform=windows identityFiles=k1,k2\n";
        let hosts = parse_inventory(text).unwrap();
        assert_eq!(hosts.iter().map(|h| h.name.as_str()).collect::<Vec<_>>(), ["alpha", "www1", "www2"]);
        assert!(hosts[0].tags.is_empty());
        assert_eq!(hosts[1].address.as_deref(), Some("192.0.2.1"));
        assert_eq!((hosts[1].port, hosts[1].user.as_deref()), (Some(2222), Some("ops")));
        assert_eq!(hosts[1].tenant, Name::new("contoso").ok());
        assert!(hosts[1].tags.iter().eq(["a", "b", "web"]));
        let jump = SshJump { address: "2001:db8::1".into(), port: Some(22), user: Some("hop".into()) };
        assert_eq!(hosts[2].jump, Some(jump));
        assert_eq!(hosts[2].platform, Some(Platform::Windows));
        assert_eq!(hosts[2].identity_files, ["k1", "k2"]);
    }

    #[test]
    fn every_line_that_is_not_understood_is_reported() {
        let text = "a prot=22\nb port=0\nc port=70000\n[x y]\nd tags=\ne what\nf user=a user=b\na\n=x\ng tenant=A_B\n\
                    h tags=a,,b\ni jump=@x\n";
        let errors = parse_inventory(text).unwrap_err();
        let lines: Vec<usize> = errors.iter().map(|error| error.line).collect();
        assert_eq!(lines, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        assert_eq!(errors[0].to_string(), "line 1: unknown key \"prot\"; did you mean port?");
        assert_eq!(errors[7].to_string(), "line 8: a is already on line 1");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\\PC|[\\[\\]=,:@# \n\t])*") {
            if let Ok(hosts) = parse_inventory(&text) {
                proptest::prop_assert!(hosts.iter().all(|host| !host.name.is_empty()));
            }
        }
    }
}
