//! Addresses of files on the web, and names of files on computers.
//!
//! Invariants: an address is http or https and holds no user and no password (L9); a file name is one step of a path that is
//! usable on Windows and POSIX systems alike.

/// Names that Windows keeps for devices, whatever the ending.
const DEVICES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
    "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// A web address without a user or password, or why it is none, to fit after "the address".
///
/// # Errors
/// A phrase that says what is wrong. It never repeats the text, which may hold a password.
pub fn web_address(text: &str) -> Result<url::Url, &'static str> {
    let url = url::Url::parse(text).map_err(|_| "cannot be read")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("is not one of http or https");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user or a password");
    }
    Ok(url)
}

/// The file name in an address, or a neutral one.
#[must_use]
pub fn file_name_of(url: &url::Url) -> String {
    let last = url.path_segments().and_then(|mut all| all.next_back()).unwrap_or_default();
    let name = percent_decoded(last);
    if is_file_name(&name) { name } else { "payload".to_owned() }
}

/// `%20` and so on, resolved; the text itself where that gives no UTF-8.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, further)) = rest.split_first() {
        let code = further.get(..2).and_then(|code| str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = further.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = further;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// Whether a text can be a file's name on Windows and POSIX systems.
#[must_use]
pub fn is_file_name(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    (1..=200).contains(&name.len())
        && !name.starts_with(['.', ' ', '-'])
        && !name.ends_with(['.', ' '])
        && !name.chars().any(|c| c.is_control() || r#"<>:"/\|?*"#.contains(c))
        && !DEVICES.contains(&stem.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_usable_on_every_system() {
        for good in ["7z2409-x64.msi", "a b.exe", "setup", "ü.deb"] {
            assert!(is_file_name(good), "{good:?}");
        }
        for bad in [
            "",
            ".",
            "..",
            "a/b",
            "a\\b",
            "con",
            "NUL.exe",
            "a:b",
            "-rf",
            ".profile",
            "a\n",
            "end.",
            &"x".repeat(201),
        ] {
            assert!(!is_file_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn the_name_of_a_file_comes_from_its_address() {
        let name = |text| file_name_of(&web_address(text).unwrap());
        assert_eq!(name("https://x.test/a/b%20c.msi?token=1#f"), "b c.msi");
        assert_eq!(name("https://x.test/"), "payload");
        assert_eq!(name("https://x.test/a%2Fb"), "payload");
        assert_eq!(name("https://x.test/%ff%ff"), "%ff%ff");
    }

    #[test]
    fn an_address_holds_no_secret() {
        assert!(web_address("https://x.test/a").is_ok());
        for bad in ["", "x.test/a", "file:///etc/passwd", "https://user:pw@x.test/", "https://user@x.test/"] {
            assert!(web_address(bad).is_err(), "{bad:?}");
        }
    }
}
