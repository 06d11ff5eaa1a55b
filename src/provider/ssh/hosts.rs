//! Known host keys: OpenSSH's `known_hosts` files, whether a key is in them, and what to say when it is not.
//!
//! Not here: reading the files (`client`). Certificates are not used: `@cert-authority` lines are passed over.
//!
//! Invariants: only an exact key in a line that matches the host is known. A revoked key is never known. A line that
//! is not understood is passed over and cannot make a key known.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PublicKey, parse_public_key_base64};
use sha1::Sha1;

/// The lines of all files of known hosts.
#[derive(Debug, Default)]
pub(super) struct KnownHosts {
    lines: Vec<Line>,
    files: Vec<PathBuf>,
}

#[derive(Debug)]
struct Line {
    file: Arc<Path>,
    number: usize,
    revoked: bool,
    names: String,
    key: String,
}

/// What the files say about a key of a host.
#[derive(Debug)]
pub(super) enum Verdict {
    Known,
    /// No line matches the host.
    Unknown,
    /// Lines match the host, none has this key: file, line number and key of each.
    Changed(Vec<(PathBuf, usize, PublicKey)>),
    /// The key is marked as revoked: file and line number.
    Revoked(PathBuf, usize),
}

/// A refusal in words, and what mends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) message: String,
    pub(super) help: String,
}

impl KnownHosts {
    /// Reads the texts of the files; the first file is the one that gets new keys.
    pub(super) fn parse(files: &[(PathBuf, String)]) -> Self {
        let mut lines = Vec::new();
        for (path, text) in files {
            let file: Arc<Path> = Arc::from(path.as_path());
            for (index, line) in text.lines().enumerate() {
                let mut words = line.split_ascii_whitespace().peekable();
                let revoked = match words.peek() {
                    None => continue,
                    Some(word) if word.starts_with('#') => continue,
                    Some(&"@revoked") => words.next().is_some(),
                    Some(word) if word.starts_with('@') => continue,
                    Some(_) => false,
                };
                if let (Some(names), Some(_), Some(key)) = (words.next(), words.next(), words.next()) {
                    let (names, key) = (names.to_owned(), key.to_owned());
                    lines.push(Line { file: Arc::clone(&file), number: index + 1, revoked, names, key });
                }
            }
        }
        Self { lines, files: files.iter().map(|(path, _)| path.clone()).collect() }
    }

    /// The lines that match the host and hold a key that can be read.
    fn of<'a>(&'a self, host: &str, port: u16) -> impl Iterator<Item = (&'a Line, PublicKey)> {
        let name = name(host, port);
        self.lines.iter().filter_map(move |line| {
            if !matches(&line.names, &name) {
                return None;
            }
            parse_public_key_base64(&line.key).ok().map(|key| (line, key))
        })
    }

    /// What the files say about `key`.
    pub(super) fn check(&self, host: &str, port: u16, key: &PublicKey) -> Verdict {
        let mut others = Vec::new();
        let mut known = false;
        for (line, recorded) in self.of(host, port) {
            let same = recorded.key_data() == key.key_data();
            match (line.revoked, same) {
                (true, true) => return Verdict::Revoked(line.file.to_path_buf(), line.number),
                (true, false) => {}
                (false, true) => known = true,
                (false, false) => others.push((line.file.to_path_buf(), line.number, recorded)),
            }
        }
        if known {
            Verdict::Known
        } else if others.is_empty() {
            Verdict::Unknown
        } else {
            Verdict::Changed(others)
        }
    }

    /// The algorithms to ask a host for: first those of its known keys, because another key of it would be refused.
    pub(super) fn algorithms(&self, host: &str, port: u16) -> Vec<Algorithm> {
        let recorded: Vec<Algorithm> =
            self.of(host, port).filter(|(line, _)| !line.revoked).map(|(_, key)| key.algorithm()).collect();
        let is_rsa = |algorithm: &Algorithm| matches!(algorithm, Algorithm::Rsa { .. });
        let is_recorded = |algorithm: &Algorithm| {
            recorded.iter().any(|known| known == algorithm || (is_rsa(known) && is_rsa(algorithm)))
        };
        let all = [
            Algorithm::Ed25519,
            Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
            Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
            Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
            Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
            Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
        ];
        let (first, then): (Vec<_>, Vec<_>) = all.into_iter().partition(is_recorded);
        first.into_iter().chain(then).collect()
    }

    /// Says why a key is refused; `None` when it is known. `direct` is false for a host behind a jump, which
    /// `ssh-keyscan` does not reach.
    pub(super) fn refusal(&self, host: &str, port: u16, direct: bool, key: &PublicKey) -> Option<Refusal> {
        let place = name(host, port);
        let shown = describe(key);
        let file = self.files.first().map_or_else(|| PathBuf::from("known_hosts"), Clone::clone);
        let add = if direct {
            format!("ssh-keyscan -p {port} {} >> {}", quote(host), quote_path(&file))
        } else {
            let line = format!("{place} {}", key.to_openssh().unwrap_or_default());
            format!("echo {} >> {}", quote(line.trim_end()), quote_path(&file))
        };
        match self.check(host, port, key) {
            Verdict::Known => None,
            Verdict::Unknown => Some(Refusal {
                message: format!("the host key of {place} is not known: {shown}"),
                help: format!("compare the fingerprint with the computer's own, then run: {add}"),
            }),
            Verdict::Changed(recorded) => {
                let mut message = format!("the host key of {place} has changed\n  now:   {shown}");
                let mut files: Vec<PathBuf> = Vec::new();
                for (path, number, key) in recorded {
                    _ = write!(message, "\n  known: {} ({}:{number})", describe(&key), path.display());
                    if !files.contains(&path) {
                        files.push(path);
                    }
                }
                let remove: Vec<String> = files
                    .iter()
                    .map(|path| format!("ssh-keygen -R {} -f {}", quote(&place), quote_path(path)))
                    .collect();
                let help = format!(
                    "someone may stand in between; only if the computer was installed anew and the fingerprint is its \
                     own, run: {} && {add}",
                    remove.join(" && ")
                );
                Some(Refusal { message, help })
            }
            Verdict::Revoked(path, number) => Some(Refusal {
                message: format!("the host key of {place} is revoked: {shown} ({}:{number})", path.display()),
                help: "give the computer a new host key".to_owned(),
            }),
        }
    }
}

fn describe(key: &PublicKey) -> String {
    format!("{} {}", key.algorithm().as_str(), key.fingerprint(HashAlg::Sha256))
}

/// A host as it stands in a file of known hosts.
fn name(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if port == 22 { host } else { format!("[{host}]:{port}") }
}

/// Whether a comma-separated list of patterns matches; a negated pattern that matches decides against it.
fn matches(patterns: &str, name: &str) -> bool {
    let mut matched = false;
    for pattern in patterns.split(',') {
        if let Some(hashed) = pattern.strip_prefix("|1|") {
            matched |= hash_matches(hashed, name);
        } else if let Some(negated) = pattern.strip_prefix('!') {
            if glob(negated.to_ascii_lowercase().as_bytes(), name.as_bytes()) {
                return false;
            }
        } else if pattern.eq_ignore_ascii_case(name) {
            matched = true;
        } else if pattern.contains(['*', '?']) {
            matched |= glob(pattern.to_ascii_lowercase().as_bytes(), name.as_bytes());
        }
    }
    matched
}

/// `salt|hash`, both in base64: HMAC-SHA1 of the name.
fn hash_matches(hashed: &str, name: &str) -> bool {
    let decode = |text: &str| base64::engine::general_purpose::STANDARD.decode(text).ok();
    let Some((salt, hash)) = hashed.split_once('|') else { return false };
    let (Some(salt), Some(hash)) = (decode(salt), decode(hash)) else { return false };
    let Ok(hmac) = Hmac::<Sha1>::new_from_slice(&salt) else { return false };
    hmac.chain_update(name.as_bytes()).verify_slice(&hash).is_ok()
}

/// `*` stands for any characters, `?` for one. Takes time linear in the product of the lengths at worst.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(c) if *c == b'?' || text.get(t) == Some(c) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((after, from)) => {
                    p = after;
                    t = from + 1;
                    star = Some((after, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|c| *c == b'*')
}

/// A text as one word for a POSIX shell.
pub(super) fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

pub(super) fn quote_path(path: &Path) -> String {
    quote(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const TWO: &str = "AAAAC3NzaC1lZDI1NTE5AAAAILIG2T/B0l0gaqj3puu510tu9N1OkQ4znY3LYuEm5zCF";

    fn key(text: &str) -> PublicKey {
        parse_public_key_base64(text).unwrap()
    }

    fn known(text: &str) -> KnownHosts {
        KnownHosts::parse(&[(PathBuf::from("/k/known hosts"), text.to_owned())])
    }

    #[test]
    fn plain_bracketed_listed_and_wildcard_names_match() {
        for (line, host, port, expected) in [
            ("a.example", "a.example", 22, true),
            ("A.example", "a.EXAMPLE", 22, true),
            ("a.example", "a.example", 2222, false),
            ("[a.example]:2222", "a.example", 2222, true),
            ("[a.example]:2222", "a.example", 22, false),
            ("x,a.example,10.0.0.1", "10.0.0.1", 22, true),
            ("*.example", "a.example", 22, true),
            ("?.example", "ab.example", 22, false),
            ("*.example,!a.example", "a.example", 22, false),
            ("*.example,!a.example", "b.example", 22, true),
            ("[*.example]:2222", "b.example", 2222, true),
        ] {
            let known = known(&format!("{line} ssh-ed25519 {ONE} comment\n"));
            let verdict = known.check(host, port, &key(ONE));
            assert_eq!(matches!(verdict, Verdict::Known), expected, "{line} {host}:{port} {verdict:?}");
        }
    }

    #[test]
    fn a_hashed_name_matches_its_host_only() {
        let line = "|1|O33ESRMWPVkMYIwJ1Uw+n877jTo=|nuuC5vEqXlEZ/8BXQR7m619W6Ak=";
        let known = known(&format!("{line} ssh-ed25519 {TWO}\n"));
        assert!(matches!(known.check("example.com", 22, &key(TWO)), Verdict::Known));
        assert!(matches!(known.check("example.org", 22, &key(TWO)), Verdict::Unknown));
    }

    #[test]
    fn nonsense_and_authorities_neither_match_nor_panic() {
        let text = format!(
            "@cert-authority * ssh-ed25519 {ONE}\n@what h ssh-ed25519 {ONE}\n\n# h\nh\nh ssh-ed25519\n\
             h ssh-ed25519 !!!\n|1| ssh-ed25519 {ONE}\n|1||  ssh-ed25519 {ONE}\n|1|x|y ssh-ed25519 {ONE}\n"
        );
        assert!(matches!(known(&text).check("h", 22, &key(ONE)), Verdict::Unknown));
    }

    #[test]
    fn a_revoked_key_is_refused_even_when_it_is_known() {
        let known = known(&format!("h ssh-ed25519 {ONE}\n@revoked * ssh-ed25519 {ONE}\n"));
        assert!(matches!(known.check("h", 22, &key(ONE)), Verdict::Revoked(_, 2)));
        assert!(known.refusal("h", 22, true, &key(ONE)).unwrap().message.contains("revoked"));
        assert!(matches!(known.check("h", 22, &key(TWO)), Verdict::Changed(_)));
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_command_that_adds_it() {
        let refusal = known("").refusal("h", 2222, true, &key(ONE)).unwrap();
        assert!(refusal.message.contains("[h]:2222") && refusal.message.contains("SHA256:"), "{refusal:?}");
        assert!(refusal.help.ends_with("run: ssh-keyscan -p 2222 h >> '/k/known hosts'"), "{refusal:?}");
        let behind = known("").refusal("h", 2222, false, &key(ONE)).unwrap();
        assert!(behind.help.contains(&format!("echo '[h]:2222 ssh-ed25519 {ONE}' >>")), "{behind:?}");
    }

    #[test]
    fn a_changed_key_is_refused_with_both_keys_and_the_command_that_replaces_it() {
        let known = known(&format!("# first\n[h]:2222 ssh-ed25519 {ONE}\n"));
        let refusal = known.refusal("h", 2222, true, &key(TWO)).unwrap();
        assert!(refusal.message.contains(&describe(&key(ONE))), "{refusal:?}");
        assert!(refusal.message.contains(&describe(&key(TWO))), "{refusal:?}");
        assert!(refusal.message.contains("/k/known hosts:2"), "{refusal:?}");
        let command =
            "ssh-keygen -R '[h]:2222' -f '/k/known hosts' && ssh-keyscan -p 2222 h >> '/k/known hosts'";
        assert!(refusal.help.ends_with(command), "{refusal:?}");
        assert!(known.refusal("h", 2222, true, &key(ONE)).is_none());
    }

    #[test]
    fn algorithms_of_known_keys_come_first() {
        let rsa = "AAAAB3NzaC1yc2EAAAADAQABAAAAAwEAAQ==";
        let known = known(&format!("h ssh-ed25519 {ONE}\nr ssh-rsa {rsa}\n@revoked * ssh-rsa {rsa}\n"));
        let first = |host: &str| known.algorithms(host, 22).first().cloned();
        assert_eq!(first("h"), Some(Algorithm::Ed25519));
        assert_eq!(first("r"), Some(Algorithm::Rsa { hash: Some(HashAlg::Sha512) }));
        assert_eq!(known.algorithms("nobody", 22).len(), 6);
    }

    proptest::proptest! {
        #[test]
        fn glob_agrees_with_a_regular_expression(pattern in "[ab*?.]{0,8}", text in "[ab.]{0,8}") {
            let regex = regex::escape(&pattern).replace(r"\*", ".*").replace(r"\?", ".");
            let expected = regex::Regex::new(&format!("^{regex}$")).unwrap().is_match(&text);
            proptest::prop_assert_eq!(glob(pattern.as_bytes(), text.as_bytes()), expected);
        }

        #[test]
        fn no_file_makes_it_panic(text in "(\\PC|[|@!*, \n\t])*") {
            _ = known(&text).check("h", 22, &key(ONE));
        }
    }
}
