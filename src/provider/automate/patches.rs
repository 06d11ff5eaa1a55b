//! Updates of operating systems that Automate manages: how many patches a computer misses, and their deployment.
//!
//! Invariants: a count that is not a number is not known; the deployment is asked for once, as it is not idempotent and its
//! answer names no job.

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Automate;
use super::lists::API;
use crate::http::api::{Call, Expects};
use crate::id::AgentId;
use crate::inventory::updates::Updates;
use crate::provider::RunError;
use crate::provider::link::run_error;
use crate::provider::updates::{ReadUpdates, StartUpdates};

/// The entity type of a computer.
const COMPUTER: u8 = 1;

/// `PatchingStats` of a computer, as far as it is used. What has another form is not known.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct PatchingStats {
    missing_patch_count: Value,
    failed_patch_count: Value,
    patch_job_running: Value,
    no_patch_inventory: Value,
}

impl PatchingStats {
    fn read(&self) -> Updates {
        Updates {
            missing: self.missing_patch_count.as_u64(),
            failed: self.failed_patch_count.as_u64(),
            running: self.patch_job_running.as_bool(),
            unlisted: self.no_patch_inventory.as_bool() == Some(true),
        }
    }
}

impl ReadUpdates for Automate {
    fn updates<'a>(&'a self, agent: &'a AgentId) -> BoxFuture<'a, Result<Updates, RunError>> {
        Box::pin(async move {
            let call = Call::get("the patches of a computer").at(API).at("Computers").part(agent.as_str());
            let stats: Result<PatchingStats, _> = self.client.json(&call.at("PatchingStats")).await;
            stats.map(|stats| stats.read()).map_err(|error| run_error(&self.info.name, &error))
        })
    }
}

impl StartUpdates for Automate {
    fn start_updates<'a>(&'a self, agent: &'a AgentId) -> BoxFuture<'a, Result<(), RunError>> {
        Box::pin(async move {
            let Ok(number) = agent.as_str().parse::<u64>() else {
                let message = format!("{} has no computer {agent}", self.info.name);
                return Err(RunError::Refused { message, help: None });
            };
            let call =
                Call::post("the deployment of approved patches").at(API).at("PatchActions/DeployAllApproved");
            let call =
                call.json(json!({ "EntityType": COMPUTER, "EntityId": number })).expects(Expects::Nothing);
            let answer = self.client.call(&call).await;
            answer.map(|_| ()).map_err(|error| run_error(&self.info.name, &error))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_another_form_are_not_known() {
        let read = |text: &str| serde_json::from_str::<PatchingStats>(text).unwrap().read();
        let whole =
            r#"{"ComputerId":7,"MissingPatchCount":3,"FailedPatchCount":0,"PatchJobRunning":false,"More":1}"#;
        let known = Updates { missing: Some(3), failed: Some(0), running: Some(false), unlisted: false };
        assert_eq!(read(whole), known);
        assert_eq!(read("{}"), Updates::default());
        assert_eq!(read(r#"{"MissingPatchCount":"many","PatchJobRunning":null}"#), Updates::default());
        assert_eq!(read(r#"{"MissingPatchCount":-1}"#), Updates::default());
        assert!(read(r#"{"MissingPatchCount":0,"NoPatchInventory":true}"#).unlisted);
    }
}
