//! The documents of Automate's web API, as far as they are read. Source: the vendor's OpenAPI document 2025.0.5 and clients in use.
//!
//! Not here: what they mean (`read`).
//!
//! Invariants: only ids and the members that tell success are required; everything else may be missing or null. Ids are numbers or
//! texts of digits.

use serde::Deserialize;

use crate::http::api::read::{id, list, maybe_id, number, text};

/// `TokenResult`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
pub(super) struct TokenResult {
    /// Empty where a second factor is missing.
    #[serde(deserialize_with = "text")]
    pub(super) access_token: String,
    /// An instant; whether it has a zone is not certain.
    #[serde(deserialize_with = "text")]
    pub(super) expiration_date: String,
    pub(super) is_two_factor_required: Option<bool>,
    pub(super) is_internal_two_factor_required: Option<bool>,
}

/// `LabTech.Models.Client`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Client {
    #[serde(deserialize_with = "id")]
    pub(super) id: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) name: String,
    /// May be blank.
    #[serde(default, deserialize_with = "text")]
    pub(super) company: String,
    /// The linked company of the PSA; 0 or nothing where there is none.
    #[serde(default, deserialize_with = "maybe_id")]
    pub(super) external_id: Option<String>,
}

/// A client, location or group inside another document.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Named {
    #[serde(deserialize_with = "maybe_id")]
    pub(super) id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) name: String,
}

/// `Location`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
pub(super) struct Location {
    #[serde(deserialize_with = "text")]
    pub(super) name: String,
    pub(super) client: Option<Named>,
}

/// `LabTech.Models.Computer`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Computer {
    #[serde(deserialize_with = "id")]
    pub(super) id: String,
    #[serde(default, rename = "ComputerName", deserialize_with = "text")]
    pub(super) named: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) friendly_name: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) domain_name: String,
    #[serde(default)]
    pub(super) client: Option<Named>,
    #[serde(default)]
    pub(super) location: Option<Named>,
    #[serde(default, deserialize_with = "text")]
    pub(super) serial_number: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) bios_manufacturer: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) operating_system_name: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) operating_system_version: String,
    #[serde(default, rename = "Type", deserialize_with = "text")]
    pub(super) kind: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) status: String,
    #[serde(default)]
    pub(super) is_virtual_machine: Option<bool>,
    #[serde(default, deserialize_with = "text")]
    pub(super) remote_agent_version: String,
    /// An instant; whether it has a zone is not certain.
    #[serde(default, deserialize_with = "text")]
    pub(super) remote_agent_last_contact: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) date_added: String,
}

/// The members of a computer that are asked for.
pub(super) const COMPUTER_FIELDS: &str = "Id,ComputerName,FriendlyName,DomainName,Client,Location,SerialNumber,\
     BiosManufacturer,OperatingSystemName,OperatingSystemVersion,Type,Status,IsVirtualMachine,RemoteAgentVersion,\
     RemoteAgentLastContact,DateAdded";

/// `LabTech.Models.Group`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Group {
    #[serde(deserialize_with = "id")]
    pub(super) id: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) name: String,
    /// The names of the groups above it and its own.
    #[serde(default, deserialize_with = "text")]
    pub(super) full_name: String,
    /// Who is found by this search joins it …
    #[serde(default)]
    pub(super) computers_auto_join_search: Option<Named>,
    /// … and, where this is so, nobody else is in it.
    #[serde(default)]
    pub(super) computers_limit_to_search: Option<bool>,
}

/// `LabTech.Models.GroupComputer`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GroupComputer {
    #[serde(deserialize_with = "id")]
    pub(super) group_id: String,
    #[serde(deserialize_with = "id")]
    pub(super) computer_id: String,
}

/// `LabTech.Models.PatchInformation`: the versions of the server's parts.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Versions {
    #[serde(deserialize_with = "text")]
    pub(super) web_server_patch_version: String,
    #[serde(deserialize_with = "text")]
    pub(super) remote_agent_patch_version: String,
}

/// What an account may do.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Permissions {
    #[serde(deserialize_with = "list")]
    pub(super) names: Vec<String>,
}

/// `CommandExecute`, and what the history tells of the same.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Executed {
    #[serde(deserialize_with = "number")]
    pub(super) id: u64,
    #[serde(default, deserialize_with = "text")]
    pub(super) status: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) output: String,
}

impl Executed {
    /// Whether the command has ended: it is said, or it has an output and no word that is known to mean that it goes on.
    pub(super) fn has_ended(&self) -> bool {
        match self.status.trim().to_ascii_lowercase().as_str() {
            "success" | "failed" => true,
            "pending" | "executing" | "queued" | "running" => false,
            _ => !self.output.trim().is_empty(),
        }
    }
}

/// Whether a computer is there.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Seen {
    #[serde(deserialize_with = "id")]
    pub(super) id: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) status: String,
    #[serde(default)]
    pub(super) is_fas_talk: Option<bool>,
}

/// Whether a computer is in maintenance, as its own record says.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Quietness {
    #[serde(deserialize_with = "id")]
    pub(super) id: String,
    #[serde(default)]
    pub(super) is_maintenance_mode_enabled: Option<bool>,
}

/// `LabTech.Models.MaintenanceMode`: a mode that is on.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Mode {
    #[serde(rename = "ComputerID", alias = "ComputerId", deserialize_with = "id")]
    pub(super) computer_id: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) time_start: String,
    #[serde(default)]
    pub(super) duration: serde_json::Value,
}

/// `LabTech.Models.Script`, without what it does.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ServerScript {
    #[serde(deserialize_with = "number")]
    pub(super) id: u64,
    #[serde(default, deserialize_with = "text")]
    pub(super) name: String,
    #[serde(default)]
    pub(super) is_computer_script: Option<bool>,
    /// The names of its parameters.
    #[serde(default, deserialize_with = "list")]
    pub(super) parameters: Vec<String>,
}

/// `ScheduleScriptBatchResponse`: whether a script was started.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ScriptStart {
    #[serde(default, deserialize_with = "list")]
    script_results: Vec<ScriptResult>,
    #[serde(default)]
    contains_unsuccessful_results: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ScriptResult {
    result_details: Option<ResultDetails>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ResultDetails {
    #[serde(deserialize_with = "text")]
    message: String,
}

impl ScriptStart {
    /// Why it was not started, as far as that is told. What the numbers of a result mean is not documented.
    pub(super) fn refusal(&self) -> Option<String> {
        if self.contains_unsuccessful_results != Some(true) {
            return None;
        }
        let details = self.script_results.iter().filter_map(|result| result.result_details.as_ref());
        let told = details.map(|details| details.message.trim()).find(|message| !message.is_empty());
        Some(told.unwrap_or("the server does not say why").to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_ended_when_it_is_said_or_shown() {
        let ended = |status: &str, output: &str| {
            let text = serde_json::json!({ "Id": "7", "Status": status, "Output": output }).to_string();
            serde_json::from_str::<Executed>(&text).unwrap().has_ended()
        };
        assert!(ended("Success", "") && ended("FAILED", "ERR") && ended("Unheard of", "out"));
        assert!(
            !ended("Pending", "")
                && !ended("Executing", "half")
                && !ended("", " ")
                && !ended("Unheard of", "")
        );
    }
}
