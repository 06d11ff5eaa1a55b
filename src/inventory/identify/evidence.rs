//! What names one computer, from the evidence of one agent.
//!
//! Not here: whether two agents with one identity are on the same computer (`resolve`), or reading the evidence
//! (`session::collect`).
//!
//! Invariants: a value that many computers share is no identity. A network card's address is never one. The decision
//! depends on the evidence alone.

use serde::{Deserialize, Serialize};

use crate::inventory::facts::IdentityEvidence;

/// UUIDs that many computers have and that no rule below rejects, upper case.
const SHARED_UUIDS: &[&str] =
    &["10000000-0000-8000-0040-000000000000", "6AB5B300-538D-1014-9FB5-B0684D007B53"];

/// Makers whose serial numbers are unique among their computers, and the names they write into the firmware.
const TRUSTED_MAKERS: &[(&str, &[&str])] = &[
    ("dell", &["dell", "dell inc", "dell inc.", "dell computer corporation", "dell emc"]),
    ("hp", &["hp", "hp inc", "hp inc.", "hewlett-packard", "hewlett packard"]),
    ("lenovo", &["lenovo"]),
];

/// Texts that stand where a serial number was never written, lower case.
const PLACEHOLDER_SERIALS: &[&str] = &[
    "",
    "(null string)",
    "0123456789",
    "12345",
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "1234567890",
    "123456789000",
    "12345678901234567",
    "base board serial number",
    "chassis serial number",
    "default string",
    "empty",
    "eval",
    "iatpass",
    "invalid",
    "mb-1234567890",
    "n/a",
    "na",
    "none",
    "not applicable",
    "not available",
    "not specified",
    "o.e.m.",
    "oem",
    "oem_serial",
    "serial number xxxxxx",
    "sn-12345",
    "sn-1234567890",
    "sn-123456fvgv3i0b8o5n6n7k",
    "sys-1234567890",
    "sys-9876543210",
    "system serial number",
    "systemserialnumb",
    "to be filled by o.e.m.",
    "tulip computers",
    "unknow",
    "unknown",
];

/// What names a computer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// The firmware's UUID, upper case.
    Uuid(String),
    /// A trusted maker's serial number.
    Serial {
        /// The maker, in one spelling: `dell`, `hp`, `lenovo`.
        maker: String,
        /// The serial number, upper case.
        serial: String,
    },
    /// An id that Muster gave the computer, lower case.
    Generated(String),
}

impl Identity {
    /// The identity as one text, unique over all kinds: `uuid/…`, `serial/dell/…`, `generated/…`.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Uuid(uuid) => format!("uuid/{uuid}"),
            Self::Serial { maker, serial } => format!("serial/{maker}/{serial}"),
            Self::Generated(id) => format!("generated/{id}"),
        }
    }
}

/// Why a computer has no identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no identity: {uuid}; {serial}; no id was generated for it")]
pub struct Unidentified {
    /// What is wrong with the UUID.
    pub uuid: BadUuid,
    /// What is wrong with the serial number.
    pub serial: BadSerial,
}

/// Why a UUID is no identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadUuid {
    /// There is none.
    #[error("there is no UUID")]
    Missing,
    /// It has not the form of one.
    #[error("the UUID is not one")]
    Malformed,
    /// It is known or shaped like one that many computers have.
    #[error("the UUID is one that many computers have")]
    Shared,
}

/// Why a serial number is no identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSerial {
    /// There is none.
    #[error("there is no serial number")]
    Missing,
    /// It was never filled in.
    #[error("the serial number is a placeholder")]
    Placeholder,
    /// The maker is not one whose serial numbers are unique.
    #[error("the maker is not one whose serial numbers are known to be unique")]
    OtherMaker,
}

/// Decides what names the computer with this evidence: the firmware's UUID, else a trusted maker's serial number, else
/// a generated id.
///
/// # Errors
/// [`Unidentified`] with the reasons when it has none of them.
pub fn identify(evidence: &IdentityEvidence) -> Result<Identity, Unidentified> {
    let uuid = match usable_uuid(evidence.uuid.as_deref()) {
        Ok(uuid) => return Ok(Identity::Uuid(uuid)),
        Err(reason) => reason,
    };
    let serial = match usable_serial(evidence.manufacturer.as_deref(), evidence.serial.as_deref()) {
        Ok((maker, serial)) => return Ok(Identity::Serial { maker: maker.to_owned(), serial }),
        Err(reason) => reason,
    };
    match evidence.generated_id.as_deref().map(str::trim) {
        Some(id) if !id.is_empty() => Ok(Identity::Generated(id.to_ascii_lowercase())),
        _ => Err(Unidentified { uuid, serial }),
    }
}

/// The UUID in its one spelling, if it names a single computer.
pub(super) fn usable_uuid(text: Option<&str>) -> Result<String, BadUuid> {
    let text = text.map(str::trim).filter(|text| !text.is_empty()).ok_or(BadUuid::Missing)?;
    let uuid = uuid::Uuid::try_parse(text).map_err(|_| BadUuid::Malformed)?;
    let normal = uuid.hyphenated().to_string().to_ascii_uppercase();
    if is_shared(uuid, &normal) { Err(BadUuid::Shared) } else { Ok(normal) }
}

fn is_shared(uuid: uuid::Uuid, normal: &str) -> bool {
    let bytes = *uuid.as_bytes();
    let ascends =
        |bytes: [u8; 16]| bytes.iter().zip(bytes.iter().skip(1)).all(|(a, b)| a.checked_add(1) == Some(*b));
    let digits: std::collections::BTreeSet<char> = normal.chars().filter(|c| *c != '-').collect();
    // A family of defaults of one maker of firmware, in which only some digits vary.
    let counted = matches!(bytes, [3, _, 2, _, 4, _, 5, _, _, 6, _, 7, 0, 8, 0, 9]);
    SHARED_UUIDS.contains(&normal)
        || bytes.iter().all(|byte| Some(byte) == bytes.first())
        || ascends(bytes)
        || ascends(uuid.to_bytes_le())
        || digits.len() < 4
        || counted
        || bytes.starts_with(&[0xde, 0xad, 0xbe, 0xef])
}

/// The same UUID with its first three groups turned round. Systems differ in how they read them: compare both forms
/// when two records come from different systems. `None` when `uuid` is not one.
#[must_use]
pub fn turned(uuid: &str) -> Option<String> {
    let uuid = uuid::Uuid::try_parse(uuid.trim()).ok()?;
    Some(uuid::Uuid::from_bytes(uuid.to_bytes_le()).hyphenated().to_string().to_ascii_uppercase())
}

pub(super) fn usable_serial(
    maker: Option<&str>,
    serial: Option<&str>,
) -> Result<(&'static str, String), BadSerial> {
    let serial = serial.map(str::trim).filter(|serial| !serial.is_empty()).ok_or(BadSerial::Missing)?;
    if is_placeholder(serial) {
        return Err(BadSerial::Placeholder);
    }
    let maker = maker.unwrap_or_default().trim().to_ascii_lowercase();
    TRUSTED_MAKERS
        .iter()
        .find(|(_, names)| names.contains(&maker.as_str()))
        .map(|(name, _)| (*name, serial.to_ascii_uppercase()))
        .ok_or(BadSerial::OtherMaker)
}

/// Whether a serial number was never filled in.
#[must_use]
pub fn is_placeholder(serial: &str) -> bool {
    let serial = serial.trim().to_ascii_lowercase();
    let one_character = serial.chars().next().is_none_or(|first| serial.chars().all(|c| c == first));
    let zeros_and_ones = serial.bytes().all(|b| matches!(b, b'0' | b'1'));
    // One digit between dots, two or three times: a version.
    let version = matches!(serial.as_bytes(), [a, b'.', b] | [a, b'.', b, b'.', _] if a.is_ascii_digit() && b.is_ascii_digit())
        && serial.bytes().all(|b| b == b'.' || b.is_ascii_digit());
    PLACEHOLDER_SERIALS.contains(&serial.as_str()) || one_character || zeros_and_ones || version
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "4C4C4544-0042-3510-8053-B7C04F4A3732";

    fn evidence(uuid: &str, maker: &str, serial: &str, generated: &str) -> IdentityEvidence {
        let some = |text: &str| if text.is_empty() { None } else { Some(text.to_owned()) };
        IdentityEvidence {
            uuid: some(uuid),
            manufacturer: some(maker),
            serial: some(serial),
            generated_id: some(generated),
            machine_id: some("3d1219c7c4c5404aaa1f6d2a48adfda4"),
            board_serial: some("BOARD123"),
            ..IdentityEvidence::default()
        }
    }

    #[test]
    fn the_first_kind_that_is_good_names_the_computer() {
        for (uuid, maker, serial, generated, key) in [
            (GOOD, "Dell Inc.", "ABC1234", "g", "uuid/4C4C4544-0042-3510-8053-B7C04F4A3732"),
            (
                "{4c4c4544-0042-3510-8053-b7c04f4a3732} ",
                "",
                "",
                "",
                "uuid/4C4C4544-0042-3510-8053-B7C04F4A3732",
            ),
            ("", "Dell Inc.", " abc1234 ", "g", "serial/dell/ABC1234"),
            ("2", "LENOVO", "PF0ABCDE", "", "serial/lenovo/PF0ABCDE"),
            ("00000000-0000-0000-0000-000000000000", "Hewlett-Packard", "CZC1", "", "serial/hp/CZC1"),
            ("", "VMware, Inc.", "VMware-56 4d", "0190-AB", "generated/0190-ab"),
            ("", "HP", "To be filled by O.E.M.", "x", "generated/x"),
        ] {
            let identity = identify(&evidence(uuid, maker, serial, generated));
            assert_eq!(identity.map(|i| i.key()), Ok(key.to_owned()), "{uuid} {maker} {serial}");
        }
    }

    #[test]
    fn without_a_good_one_there_is_none_and_the_reasons_are_said() {
        for (uuid, maker, serial, bad_uuid, bad_serial) in [
            ("", "", "", BadUuid::Missing, BadSerial::Missing),
            ("2", "Dell Inc.", "none", BadUuid::Malformed, BadSerial::Placeholder),
            ("FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "ACME", "A1", BadUuid::Shared, BadSerial::OtherMaker),
            (" ", "", "A1", BadUuid::Missing, BadSerial::OtherMaker),
            ("x", "HPE", "A1", BadUuid::Malformed, BadSerial::OtherMaker),
        ] {
            let reasons = identify(&evidence(uuid, maker, serial, "")).expect_err(uuid);
            assert_eq!(
                reasons,
                Unidentified { uuid: bad_uuid, serial: bad_serial },
                "{uuid} {maker} {serial}"
            );
        }
        let text = identify(&evidence("", "", "", "")).expect_err("nothing").to_string();
        assert_eq!(
            text,
            "no identity: there is no UUID; there is no serial number; no id was generated for it"
        );
    }

    #[test]
    fn shared_uuids_are_no_identity() {
        for shared in [
            "00000000-0000-0000-0000-000000000000",
            "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
            "03000200-0400-0500-0006-000700080009",
            "03020100-0504-0706-0809-0A0B0C0D0E0F",
            "00010203-0405-0607-0809-0A0B0C0D0E0F",
            "10000000-0000-8000-0040-000000000000",
            "6AB5B300-538D-1014-9FB5-B0684D007B53",
            "6ab5b300-538d-1014-9fb5-b0684d007b53",
            "01010101-0101-0101-0101-010101010101",
            "03D40274-0435-05DC-8506-010700080009",
            "DEADBEEF-DEAD-BEEF-DEAD-BEEFDEADBEEF",
            "FEFEFEFE-FEFE-FEFE-FEFE-FEFEFEFEFEFE",
            "58585858-5858-5858-5858-585858585858",
            "12121212-2222-1111-1111-222222222223",
        ] {
            assert_eq!(usable_uuid(Some(shared)), Err(BadUuid::Shared), "{shared}");
        }
        for good in [GOOD, "D0DF4C54-4ECB-4A4B-9954-5BDF3ED5C3B8", "564DA6D2-1706-6343-DC2D-99595B3 3A7B3"] {
            let good = good.replace(' ', "");
            assert_eq!(usable_uuid(Some(&good)).as_deref(), Ok(good.as_str()));
        }
    }

    #[test]
    fn placeholders_are_known_by_list_and_by_rule() {
        for placeholder in [
            "",
            " ",
            "N/A",
            "0",
            "0000",
            "111",
            "0101",
            "1.0",
            "1.2.3",
            "........",
            "xxxxxxxxxxx",
            "NNNNNNN",
            "To Be Filled By O.E.M.",
            "default string",
            "System Serial Number",
            "INVALID",
            "123456789",
        ] {
            assert!(is_placeholder(placeholder), "{placeholder:?}");
        }
        for serial in [
            "ABC1234",
            "5CG1234XYZ",
            "0001-1234-5678-9012-3456-7890-12",
            "VMware-56 4d a6 d2 17 06 63 43-dc 2d 99 59 b5 33 a7 b3",
            "10.24",
            "1.a",
        ] {
            assert!(!is_placeholder(serial), "{serial:?}");
        }
        assert!(PLACEHOLDER_SERIALS.is_sorted());
    }

    #[test]
    fn both_readings_of_one_uuid_can_be_compared() {
        let (platform, guest) =
            ("D0DF4C54-4ECB-4A4B-9954-5BDF3ED5C3B8", "544cdfd0-cb4e-4b4a-9954-5bdf3ed5c3b8");
        assert_eq!(turned(guest).as_deref(), Some(platform));
        assert_eq!(turned("2"), None);
    }
}
