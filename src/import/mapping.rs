//! A file that says which company is which tenant: lines `COMPANY = TENANT`, or CSV with two columns.
//!
//! Not here: whether there is such a company or tenant (`wishes`).
//!
//! Invariant: every line that is wrong is told, with its number.

/// What one line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The line's number, from 1.
    pub number: usize,
    /// The company, by id or name.
    pub company: String,
    /// The tenant's name, as it is written.
    pub tenant: String,
}

/// Something that is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line's number, from 1.
    pub number: usize,
    /// What it is.
    pub what: String,
}

/// What a file says, and everything that is wrong with it. `csv` is whether it is one with columns: separated by commas, or
/// by semicolons where its first line has no comma, quoted as RFC 4180 has it; a first line `company,tenant` is its head.
/// Else empty lines and those that begin with `#` say nothing.
#[must_use]
pub fn read(text: &str, csv: bool) -> (Vec<Line>, Vec<Fault>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut lines, mut faults) = (Vec::new(), Vec::new());
    for read in if csv { columns(text) } else { pairs(text) } {
        match read {
            Ok(line) => lines.push(line),
            Err(fault) => faults.push(fault),
        }
    }
    (lines, faults)
}

/// One line of `COMPANY = TENANT`, as it is typed too. Names of companies may hold the sign; those of tenants do not.
///
/// # Errors
/// What is wrong.
pub fn pair(text: &str) -> Result<(String, String), String> {
    let (company, tenant) =
        text.rsplit_once('=').ok_or_else(|| format!("{text:?} has no `=`: write it as COMPANY = TENANT"))?;
    filled(company, tenant)
}

fn filled(company: &str, tenant: &str) -> Result<(String, String), String> {
    let (company, tenant) = (company.trim(), tenant.trim());
    match (company.is_empty(), tenant.is_empty()) {
        (true, _) => Err("the company is missing".to_owned()),
        (_, true) => Err(format!("the tenant of {company:?} is missing")),
        _ => Ok((company.to_owned(), tenant.to_owned())),
    }
}

fn line(number: usize, read: Result<(String, String), String>) -> Result<Line, Fault> {
    match read {
        Ok((company, tenant)) => Ok(Line { number, company, tenant }),
        Err(what) => Err(Fault { number, what }),
    }
}

fn pairs(text: &str) -> Vec<Result<Line, Fault>> {
    let lines = text.lines().enumerate().map(|(at, text)| (at + 1, text.trim()));
    let said = lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#'));
    said.map(|(number, text)| line(number, pair(text))).collect()
}

fn columns(text: &str) -> Vec<Result<Line, Fault>> {
    let first = text.lines().next().unwrap_or_default();
    let comma = if first.contains(';') && !first.contains(',') { ';' } else { ',' };
    let mut lines = Vec::new();
    for row in rows(text, comma) {
        let (number, cells) = match row {
            Ok(row) => row,
            Err(fault) => {
                lines.push(Err(fault));
                continue;
            }
        };
        let is_head = |cells: &[String]| {
            let heads: Vec<String> = cells.iter().map(|cell| super::folded(cell)).collect();
            heads == ["company", "tenant"]
        };
        match cells.as_slice() {
            [only] if only.trim().is_empty() => {}
            cells if number == 1 && is_head(cells) => {}
            [company, tenant] => lines.push(line(number, filled(company, tenant))),
            cells => {
                let what = format!("there are {} columns; two are read: company and tenant", cells.len());
                lines.push(Err(Fault { number, what }));
            }
        }
    }
    lines
}

/// The rows of a text, each with the number of the line it begins on.
fn rows(text: &str, comma: char) -> Vec<Result<(usize, Vec<String>), Fault>> {
    let mut rows = Vec::new();
    let mut rest = text;
    let mut number = 1;
    while !rest.is_empty() {
        let begins = number;
        let mut cells = Vec::new();
        loop {
            let (cell, after) = match cell(rest, comma) {
                Ok(read) => read,
                Err(what) => {
                    rows.push(Err(Fault { number: begins, what }));
                    return rows;
                }
            };
            number += rest.get(..rest.len() - after.len()).unwrap_or_default().matches('\n').count();
            cells.push(cell);
            if let Some(next) = after.strip_prefix(comma) {
                rest = next;
                continue;
            }
            rest = after.strip_prefix("\r\n").or_else(|| after.strip_prefix('\n')).unwrap_or(after);
            number += usize::from(rest.len() < after.len());
            break;
        }
        rows.push(Ok((begins, cells)));
    }
    rows
}

/// A cell and what comes after it.
fn cell(text: &str, comma: char) -> Result<(String, &str), String> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let ends = |c: char| c == comma || c == '\n';
        let end = text.find(ends).unwrap_or(text.len());
        let (cell, after) = text.split_at(end);
        // A carriage return belongs to the line end.
        let kept = if after.starts_with('\n') { cell.strip_suffix('\r').unwrap_or(cell) } else { cell };
        let after = text.get(kept.len()..).unwrap_or(after);
        return Ok((kept.trim_end_matches('\r').to_owned(), after));
    };
    let mut cell = String::new();
    loop {
        let end = rest.find('"').ok_or("a quote is open to the end of the file")?;
        let (part, after) = rest.split_at(end);
        cell.push_str(part);
        rest = after.get(1..).unwrap_or_default();
        match rest.strip_prefix('"') {
            Some(next) => {
                cell.push('"');
                rest = next;
            }
            None if rest.is_empty() || rest.starts_with([comma, '\n', '\r']) => return Ok((cell, rest)),
            None => return Err("there is text after a closing quote".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(text: &str, csv: bool) -> Vec<(usize, String, String)> {
        let (lines, faults) = read(text, csv);
        assert_eq!(faults, []);
        lines.into_iter().map(|line| (line.number, line.company, line.tenant)).collect()
    }

    fn told(text: &str, csv: bool) -> Vec<(usize, String)> {
        read(text, csv).1.into_iter().map(|fault| (fault.number, fault.what)).collect()
    }

    fn one(number: usize, company: &str, tenant: &str) -> (usize, String, String) {
        (number, company.to_owned(), tenant.to_owned())
    }

    #[test]
    fn lines_name_a_company_and_a_tenant() {
        let text = "\u{feff}# by hand\r\n\r\nContoso = contoso\r\n a = b =c\r\n7=x";
        assert_eq!(said(text, false), [one(3, "Contoso", "contoso"), one(4, "a = b", "c"), one(5, "7", "x")]);
        assert_eq!(
            told("a\n= b\nc =\nd = e", false),
            [
                (1, "\"a\" has no `=`: write it as COMPANY = TENANT".to_owned()),
                (2, "the company is missing".to_owned()),
                (3, "the tenant of \"c\" is missing".to_owned()),
            ]
        );
        assert_eq!(said("", false), []);
    }

    #[test]
    fn csv_has_two_columns_and_quotes() {
        let text = "Company,Tenant\r\n\"Smith, \"\"Sons\"\"\",smith\r\n\r\n\"two\nlines\",x\nplain , y ";
        assert_eq!(
            said(text, true),
            [one(2, "Smith, \"Sons\"", "smith"), one(4, "two\nlines", "x"), one(6, "plain", "y")]
        );
        assert_eq!(
            said("Smith, Sons;smith\n", true),
            [one(1, "Smith", "Sons;smith")],
            "a comma counts first"
        );
    }

    #[test]
    fn semicolons_part_where_there_is_no_comma_in_the_first_line() {
        assert_eq!(said("company;tenant\nSmith, Sons;smith\n", true), [one(2, "Smith, Sons", "smith")]);
    }

    #[test]
    fn everything_wrong_in_csv_is_told_with_its_line() {
        assert_eq!(
            told("a\nb,c,d\n,x\n\"open\n", true),
            [
                (1, "there are 1 columns; two are read: company and tenant".to_owned()),
                (2, "there are 3 columns; two are read: company and tenant".to_owned()),
                (3, "the company is missing".to_owned()),
                (4, "a quote is open to the end of the file".to_owned()),
            ]
        );
        assert_eq!(told("\"a\"b,c\n", true), [(1, "there is text after a closing quote".to_owned())]);
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in "[a,;\"\\r\\n= #]{0,40}", csv in any::<bool>()) {
            _ = read(&text, csv);
        }

        #[test]
        fn what_was_written_as_csv_is_read_again(cells in prop::collection::vec(("[a-z,\"\n;]{1,6}x", "[a-z]{1,5}"), 1..5)) {
            let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
            let rows: Vec<String> = cells.iter().map(|(a, b)| format!("{},{b}", quoted(a))).collect();
            let (read, _) = read(&format!("company,tenant\n{}\n", rows.join("\n")), true);
            let read: Vec<(String, String)> = read.into_iter().map(|line| (line.company, line.tenant)).collect();
            let meant: Vec<(String, String)> = cells.iter().map(|(a, b)| (a.trim().to_owned(), b.clone())).collect();
            prop_assert_eq!(read, meant);
        }
    }
}
