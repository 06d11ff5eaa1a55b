//! Names of documents from names of companies and computers.

use crate::id::Name;

/// The longest name of a document, in characters.
const LONGEST: usize = 63;

/// A name that reads like a text and that nobody has: lower-case letters, digits and hyphens. Where somebody has it, a
/// number is put at its end. `or` stands in place of a text of which nothing is left.
#[must_use]
pub fn slug(text: &str, or: &str, is_taken: &dyn Fn(&Name) -> bool) -> Option<Name> {
    let mut label = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => label.push(c),
            // What stands inside of a word is no border of it.
            '\'' | '’' => {}
            c => match latin(c) {
                Some(letters) => label.push_str(letters),
                None if label.ends_with('-') => {}
                None => label.push('-'),
            },
        }
    }
    let cut = |label: &str, length: usize| {
        label.trim_matches('-').chars().take(length).collect::<String>().trim_end_matches('-').to_owned()
    };
    let label = cut(&label, LONGEST);
    let label = if label.is_empty() { or.to_owned() } else { label };
    let free = |label: &str| Name::new(label).ok().filter(|name| !is_taken(name));
    free(&label).or_else(|| {
        (2..=1_000_000_u32).find_map(|number| {
            let end = format!("-{number}");
            free(&format!("{}{end}", cut(&label, LONGEST - end.len())))
        })
    })
}

/// Letters of Latin scripts as people write them without marks.
const fn latin(c: char) -> Option<&'static str> {
    Some(match c {
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'ä' | 'æ' => "ae",
        'ç' | 'ć' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ė' | 'ę' | 'ě' => "e",
        'ğ' => "g",
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'ı' => "i",
        'ł' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ō' => "o",
        'ö' | 'ø' | 'ő' | 'œ' => "oe",
        'ř' => "r",
        'ś' | 'š' | 'ş' => "s",
        'ß' => "ss",
        'ť' | 'ţ' => "t",
        'þ' => "th",
        'ù' | 'ú' | 'û' | 'ū' | 'ů' => "u",
        'ü' | 'ű' => "ue",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str, taken: &[&str]) -> String {
        slug(text, "tenant", &|name| taken.contains(&name.as_str())).unwrap().to_string()
    }

    #[test]
    fn a_name_reads_like_the_text_it_is_made_from() {
        for (text, name) in [
            ("Contoso", "contoso"),
            ("  Müller & Söhne GmbH ", "mueller-soehne-gmbh"),
            ("O'Neil's Café", "oneils-cafe"),
            ("--A.B.C.--", "a-b-c"),
            ("東京", "tenant"),
            ("", "tenant"),
            (&"long ".repeat(20), "long-long-long-long-long-long-long-long-long-long-long-long-lon"),
        ] {
            assert_eq!(of(text, &[]), name, "{text:?}");
        }
        assert_eq!(of("Contoso", &["contoso", "contoso-2"]), "contoso-3");
    }

    proptest! {
        #[test]
        fn every_text_has_a_name_that_is_free(text in any::<String>(), count in 0_usize..4) {
            let mut taken: Vec<Name> = Vec::new();
            for _ in 0..=count {
                let name = slug(&text, "tenant", &|name| taken.contains(name)).unwrap();
                prop_assert!(!taken.contains(&name));
                taken.push(name);
            }
        }
    }
}
