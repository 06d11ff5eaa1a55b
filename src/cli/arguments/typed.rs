//! How values that are typed become values.

use std::path::PathBuf;

use super::repository::Wanted;
use crate::config::kind::Mode;
use crate::id::Name;
use crate::plan::needs::Refresh;
use crate::report::formats::Format;

pub(super) fn parse_mode(text: &str) -> Result<Mode, String> {
    match text {
        "ignored" => Ok(Mode::Ignored),
        "monitor" => Ok(Mode::Monitor),
        "audit" => Ok(Mode::Audit),
        "enforce" => Ok(Mode::Enforce),
        _ => Err("use enforce, audit, monitor or ignored".to_owned()),
    }
}

pub(super) fn parse_switch(text: &str) -> Result<Mode, String> {
    match parse_mode(text) {
        Ok(mode) if mode > Mode::Ignored => Ok(mode),
        _ => Err("use enforce, audit or monitor".to_owned()),
    }
}

pub(super) fn parse_name(text: &str) -> Result<Name, String> {
    Name::new(text).map_err(|error| error.to_string())
}

pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40), ("", 0)];
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let shift = units.iter().find(|(name, _)| *name == unit.trim()).map(|(_, shift)| *shift);
    let size = number.parse::<u64>().ok().zip(shift);
    size.and_then(|(number, shift)| number.checked_mul(1 << shift))
        .ok_or_else(|| format!("{text:?} is not a size: write it as 500MiB or 20GiB"))
}

pub(super) fn parse_report(text: &str) -> Result<Wanted, String> {
    let formats = || format!("the formats are {}", Format::names());
    let (name, path) =
        text.split_once('=').ok_or_else(|| format!("write it as FORMAT=PATH; {}", formats()))?;
    let format = Format::find(name).ok_or_else(|| format!("there is no format {name:?}; {}", formats()))?;
    match path {
        "" => Err("the path is empty; - is standard output".to_owned()),
        "-" => Ok(Wanted { format, path: None }),
        path => Ok(Wanted { format, path: Some(PathBuf::from(path)) }),
    }
}

pub(super) fn parse_refresh(text: &str) -> Result<Refresh, String> {
    match text {
        "auto" => Ok(Refresh::Auto),
        "always" => Ok(Refresh::Always),
        "never" => Ok(Refresh::Never),
        _ => Err("use auto, always or never".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        for (text, expected) in
            [("0", Some(0)), ("17", Some(17)), ("2KiB", Some(2048)), ("1 GiB", Some(1 << 30))]
        {
            assert_eq!(super::parse_size(text).ok(), expected, "{text}");
        }
        for bad in ["", "GiB", "-1", "1GB", "1.5GiB", "99999999999TiB"] {
            assert!(super::parse_size(bad).is_err(), "{bad}");
        }
    }
}
