//! Releases: the versions of a software that can be installed, each with its files and, where it differs, its scripts.
//!
//! What a software says of all its versions is in `software`; where versions are found out is in `version_source`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use super::{PlatformScripts, Strategy};
use crate::id::Digest;
use crate::session::script::Platform;

/// One version that can be installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReleaseSpec {
    /// The version, in the software's scheme.
    #[schemars(length(min = 1))]
    pub version: String,
    /// The files that its scripts need. Of those that fit a computer the first is taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payloads: Vec<PayloadSpec>,
    /// Another version of the same software that has to be there before this one is installed (SW-16).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub requires: Option<String>,
    /// Installs this version, over the software's (SW-15).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub install: Option<PlatformScripts>,
    /// How an older version becomes this one, over the software's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<Strategy>,
    /// Removes this version, over the software's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uninstall: Option<PlatformScripts>,
    /// How this version is repaired, over the software's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repair: Option<Strategy>,
    /// Tests this version, over the software's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<PlatformScripts>,
}

/// A file that a version is installed from: by its address, with its SHA-256, or a file of the repository. What is not
/// said fits every computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["url", "sha256"] },
    { "required": ["file"], "properties": { "fetch": { "const": "reconciler" } } }
]))]
pub struct PayloadSpec {
    /// Where it is fetched from: http or https, without a user or password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^https?://."))]
    pub url: Option<String>,
    /// A file of the repository, relative to this one; Muster sends it to the computers. Up to 100 MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub file: Option<String>,
    /// Its SHA-256 in hexadecimal. A file with another one is never used (SW-24). Of a file of the repository it is worked
    /// out; where it is given it has to be the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256>,
    /// Who fetches it from its address. Default: what the software says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch: Option<Fetcher>,
    /// The processors that it is for. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    /// The platform that it is for. Default: both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// The name that it gets on the computer. Default: the last part of the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub file_name: Option<String>,
    /// Its size in bytes, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// What kind of installer it is, such as msi or exe; for the scripts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installer: Option<String>,
    /// The arguments for a silent installation; for the scripts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
}

/// Who fetches a file from its address.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Fetcher {
    /// Each computer for itself.
    #[default]
    Computer,
    /// Muster, once for all of them; it sends the file to each.
    Reconciler,
}

/// A processor's architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Architecture {
    /// 64 bits of Intel and AMD.
    #[serde(rename = "x86_64")]
    X86_64,
    /// 32 bits of Intel and AMD.
    #[serde(rename = "x86")]
    X86,
    /// 64 bits of ARM.
    #[serde(rename = "aarch64")]
    Aarch64,
    /// 32 bits of ARM.
    #[serde(rename = "arm")]
    Arm,
}

impl Architecture {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::X86_64, Self::X86, Self::Aarch64, Self::Arm];

    /// The name, as it stands in the configuration and in the collected facts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::X86 => "x86",
            Self::Aarch64 => "aarch64",
            Self::Arm => "arm",
        }
    }

    /// The architecture that systems, package managers and sources call by this name, in any case.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "x86_64" | "amd64" | "x64" => Self::X86_64,
            "x86" | "i386" | "i486" | "i586" | "i686" => Self::X86,
            "aarch64" | "arm64" => Self::Aarch64,
            "arm" | "armhf" | "armel" | "armv6l" | "armv7l" => Self::Arm,
            _ => return None,
        })
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The SHA-256 of a file as somebody wrote it: 64 hexadecimal digits in any case. Kept in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Sha256(Digest);

/// Why a text is not a [`Sha256`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a SHA-256: it has 64 hexadecimal digits")]
pub struct InvalidSha256(pub String);

impl Sha256 {
    /// Reads 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`InvalidSha256`] for anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidSha256> {
        if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self(Digest::new(text.to_ascii_lowercase())));
        }
        let shown: String = text.chars().take(80).collect();
        Err(InvalidSha256(shown))
    }

    /// It as a digest.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Sha256 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Sha256 {
    fn schema_name() -> Cow<'static, str> {
        "Sha256".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A SHA-256 in hexadecimal.",
            "pattern": "^[0-9A-Fa-f]{64}$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sha256_has_64_hexadecimal_digits_and_is_kept_in_lower_case() {
        let upper = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";
        assert_eq!(Sha256::parse(upper).map(|sha| sha.digest().clone()), Ok(Digest::of(b"")));
        for bad in ["", "e3b0", &upper[1..], &format!("{upper}0"), &upper.replace('E', "g")] {
            assert!(Sha256::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn architectures_are_found_by_all_their_usual_names() {
        for architecture in Architecture::ALL {
            assert_eq!(Architecture::find(architecture.as_str()), Some(architecture));
        }
        assert_eq!(Architecture::find("AMD64"), Some(Architecture::X86_64));
        assert_eq!(Architecture::find("neutral"), None);
    }
}
