//! Gives computers an id of their own whose firmware has nothing that would name them (IDN-3).
//!
//! Not here: which computers these are, and looking at what came of it: they are asked again like every other agent.
//!
//! Invariant: an id that is there stays, so that doing it twice, or through two agents at once, does it once.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt;

use super::detect::lanes;
use super::dispatcher::Link;
use super::script::{Bundle, Context, Ended, Interpreter, Platform, Purpose, Script, Step, Values};
use crate::id::Name;
use crate::inventory::known::AgentKey;

/// Gives the computers of these agents the ids beside them, so many at once. What went wrong, by agent.
pub async fn give(
    links: &BTreeMap<Name, Link>,
    agents: &[(AgentKey, Platform, String)],
    concurrency: usize,
) -> BTreeMap<AgentKey, String> {
    let lanes = lanes(links.values().map(|link| link.reader.info()));
    let one = async |(key, platform, id): &(AgentKey, Platform, String)| {
        let Some(link) = links.get(&key.provider) else {
            return Some((key.clone(), format!("provider {} is not available", key.provider)));
        };
        let _permit = match lanes.get(&key.provider) {
            Some(lane) => lane.acquire().await.ok(),
            None => None,
        };
        let bundle = Bundle::new(*platform, vec![step(*platform, id)], BTreeMap::new());
        let answer = link.writer.change(&key.agent, &bundle).await;
        let trouble = match answer {
            Err(error) => error.to_string(),
            Ok(result) => match result.steps.get(KEY).map(|step| &step.ended) {
                Some(Ended::Exit(0)) => return None,
                Some(Ended::Exit(code)) => format!("the script ended with exit code {code}"),
                _ => "the script did not come to its end".to_owned(),
            },
        };
        Some((key.clone(), trouble))
    };
    let given = futures_util::stream::iter(agents).map(one).buffer_unordered(concurrency.max(1));
    given.filter_map(std::future::ready).collect().await
}

const KEY: &str = "give-id";

/// The step that gives an id.
fn step(platform: Platform, id: &str) -> Step<super::script::Write> {
    let purpose = Purpose::SetTask { task: "identity".to_owned(), instance: String::new() };
    let mut step = Step::change(KEY, purpose, Arc::new(script(platform)), Values::new());
    step.environment.insert("MUSTER_NEW_ID".to_owned(), id.to_owned());
    step
}

/// The script of a platform.
fn script(platform: Platform) -> Script {
    let (interpreter, text, origin) = match platform {
        Platform::Posix => (Interpreter::Sh, include_str!("collect/give-id.sh"), "give-id.sh"),
        Platform::Windows => (Interpreter::Powershell, include_str!("collect/give-id.ps1"), "give-id.ps1"),
    };
    Script { interpreter, context: Context::System, text: text.into(), limit: None, origin: origin.into() }
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    clippy::decimal_bitwise_operands,
    reason = "tests make and look at files"
)]
mod tests {
    use super::*;

    /// Runs the script with the id in a file of its own, and says what is there afterwards.
    #[expect(clippy::disallowed_methods, reason = "runs the script as a computer would")]
    fn given(file: &std::path::Path, id: &str) -> String {
        let status = std::process::Command::new("sh")
            .args(["-c", &script(Platform::Posix).text])
            .env("MUSTER_GENERATED_ID", file)
            .env("MUSTER_NEW_ID", id)
            .status()
            .expect("a shell");
        assert!(status.success());
        std::fs::read_to_string(file).expect("an id")
    }

    #[test]
    fn an_id_is_given_once_and_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("below").join("id");
        assert_eq!(given(&file, "first"), "first\n");
        assert_eq!(given(&file, "second"), "first\n");
        let left = std::fs::read_dir(folder.path().join("below")).expect("a folder").count();
        assert_eq!(left, 1, "nothing else is left there");
        std::fs::write(&file, "").expect("written");
        assert_eq!(given(&file, "third"), "third\n", "an empty file is no id");
    }
}
