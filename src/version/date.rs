//! The scheme `date`: versions that are days.
//!
//! A version is a year of four digits, with a month and a day if it has them: `2024`, `2024.9`, `2024-09-15`, `202409`,
//! `20240915`. Between them stands one of `-`, `.`, `/` and `_`. A day has to be in the calendar. Then further numbers may
//! follow, each after one of `-`, `.`, `/`, `_`, `:`, `+`, `T`, `r`, `b` or a space, and a `Z` at the end: builds of one day, or
//! a time, which may also be glued to a day of eight digits (`20240915T1030`, `202409151030`).
//!
//! Order: the year, the month, the day, then the further numbers one by one. What is missing comes before what is given:
//! `2024 < 2024.1 < 2024-01-01`. In the further numbers zeros at the end do not count.

use jiff::civil::Date;

use super::{Number, Version, split_while};

const SEPARATORS: [char; 4] = ['-', '.', '/', '_'];

pub(super) fn date(text: &str) -> Result<Version<'_>, &'static str> {
    let (digits, rest) = split_while(text, u8::is_ascii_digit);
    let (year, month, day, time, rest) = match digits.len() {
        4 => {
            let (month, after) = part(rest);
            let (day, after) = if month.is_empty() { ("", after) } else { part(after) };
            (digits, month, day, "", after)
        }
        6 | 8 | 12 | 14 => {
            let (year, further) = digits.split_at_checked(4).unwrap_or((digits, ""));
            let (month, further) = further.split_at_checked(2).unwrap_or((further, ""));
            let (day, time) = further.split_at_checked(2).unwrap_or((further, ""));
            (year, month, day, time, rest)
        }
        _ => return Err("it does not begin with a year of four digits, or a day of eight"),
    };
    let number = |digits: &str| digits.parse::<i8>().unwrap_or(0);
    let year = year.parse::<i16>().unwrap_or(0);
    if year == 0 {
        return Err("there is no year 0");
    }
    // A month that is written is one, and so is a day; zero stands for those that are not.
    let first_of = if month.is_empty() { 1 } else { number(month) };
    let Ok(first_of) = Date::new(year, first_of, 1) else { return Err("its month is not one from 1 to 12") };
    if !day.is_empty() && !(1..=first_of.days_in_month()).contains(&number(day)) {
        return Err("that month has no such day");
    }
    let day = [year, i16::from(number(month)), i16::from(number(day))];
    let mut numbers = Vec::new();
    if !time.is_empty() {
        numbers.push(Number::new(time));
    }
    further(rest, &mut numbers)?;
    while numbers.last().is_some_and(|number| number.0.is_empty()) {
        numbers.pop();
    }
    Ok(Version::Date { day, numbers })
}

/// One or two digits after a separator, and what follows; nothing and all of it when there are none.
fn part(text: &str) -> (&str, &str) {
    let Some(after) = text.strip_prefix(SEPARATORS) else { return ("", text) };
    let (digits, further) = split_while(after, u8::is_ascii_digit);
    if matches!(digits.len(), 1 | 2) { (digits, further) } else { ("", text) }
}

fn further<'a>(mut rest: &'a str, numbers: &mut Vec<Number<'a>>) -> Result<(), &'static str> {
    loop {
        rest = rest.strip_suffix(['Z', 'z']).unwrap_or(rest);
        if rest.is_empty() {
            return Ok(());
        }
        let after = rest
            .strip_prefix(['-', '.', '/', '_', ':', '+', 'T', 't', 'r', 'R', 'b', 'B', ' '])
            .ok_or("after the day only numbers can follow")?;
        let (digits, more) = split_while(after, u8::is_ascii_digit);
        if digits.is_empty() {
            return Err("after the day only numbers can follow");
        }
        numbers.push(Number::new(digits));
        rest = more;
    }
}
