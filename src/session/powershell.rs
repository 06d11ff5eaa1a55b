//! Whether a text is PowerShell, as far as a grammar can tell without running anything.
//!
//! Not here: what a script does, or whether the commands it names exist.
//!
//! Invariants: any text gives an answer; the ranges are within the text, in order, and do not overlap.

use std::ops::Range;

/// The places (byte ranges of `text`) that do not parse as PowerShell. Empty when all of it does.
///
/// The grammar is not Microsoft's own and rejects a little that is right, such as a method called in an argument
/// without brackets (`Write-Host $x.GetType().Name $y`): treat its errors as warnings that name the place.
#[must_use]
pub fn syntax_errors(text: &str) -> Vec<Range<usize>> {
    if holds_nothing(text) {
        return Vec::new();
    }
    let mut parser = tree_sitter::Parser::new();
    if parser.set_language(&tree_sitter_powershell::LANGUAGE.into()).is_err() {
        return Vec::new();
    }
    // The grammar wants a line end after the last statement.
    let whole = format!("{text}\n");
    let Some(tree) = parser.parse(&whole, None) else { return Vec::new() };
    let mut errors: Vec<Range<usize>> = Vec::new();
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        let wrong = node.is_error() || node.is_missing();
        if wrong {
            let range = node.start_byte().min(text.len())..node.end_byte().min(text.len());
            if errors.last().is_none_or(|last| last.end <= range.start) {
                errors.push(range);
            }
        }
        if !wrong && node.has_error() && cursor.goto_first_child() {
            continue;
        }
        loop {
            if cursor.goto_next_sibling() {
                break;
            }
            if !cursor.goto_parent() {
                return errors;
            }
        }
    }
}

/// Whether there are only comments and blanks, which the grammar does not take for a script.
fn holds_nothing(text: &str) -> bool {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    while !rest.is_empty() {
        let after = if let Some(comment) = rest.strip_prefix("<#") {
            comment.split_once("#>").map(|(_, after)| after)
        } else if rest.starts_with('#') {
            Some(rest.split_once('\n').map_or("", |(_, after)| after))
        } else {
            None
        };
        let Some(after) = after else { return false };
        rest = after.trim_start();
    }
    true
}

/// What to say about one of these places.
#[must_use]
pub fn message(text: &str, place: &Range<usize>) -> String {
    let wrong = text.get(place.clone()).unwrap_or_default().trim();
    let first = wrong.lines().next().unwrap_or_default();
    match first.char_indices().nth(40) {
        _ if first.is_empty() => "this is not PowerShell: something is missing here".to_owned(),
        None => format!("this is not PowerShell: {first:?} is not expected here"),
        Some((end, _)) => {
            format!("this is not PowerShell: {:?} … is not expected here", first.get(..end).unwrap_or(first))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_scripts_have_no_errors() {
        for good in [
            "",
            "\n",
            "# only a comment",
            "<# only\na comment #>\n",
            "Get-Process",
            "\u{feff}#Requires -Version 5.1\nGet-Process\r\nexit 0\r\n",
            "param([string]$Name)\nif ($Name -eq 'x') { exit 1 } else { Write-Output \"a $($Name.Length)\" }",
            "$a = @{ b = 1; c = @(1, 2) }\nforeach ($x in $a.Keys) { $x | Out-Null }\n",
            "try { throw 'x' } catch { $_.Exception.Message } finally { }",
            "@'\nhere\n'@ | Write-Output",
        ] {
            assert!(syntax_errors(good).is_empty(), "{good:?}");
        }
    }

    #[test]
    fn bad_scripts_name_the_place() {
        for bad in ["if ($x { }", "function {", "Get-Process |", "'open", "$a = @{ b = ", "}"] {
            let errors = syntax_errors(bad);
            assert!(!errors.is_empty(), "{bad:?}");
            for place in errors {
                assert!(bad.get(place.clone()).is_some(), "{bad:?} {place:?}");
                assert!(message(bad, &place).starts_with("this is not PowerShell"));
            }
        }
    }

    #[test]
    fn any_text_gives_an_answer() {
        for text in ["\0", "ä😀", "((((((((", "\u{feff}Get-Date", "@'\n", "`", &"{".repeat(5000)] {
            for place in syntax_errors(text) {
                assert!(place.end <= text.len());
            }
        }
    }
}
