//! Asks systems which of their own policies hold for computers.
//!
//! Not here: who can tell (`provider::policy`), and how it is shown (`report`).
//!
//! Invariant: an agent whose policies cannot be had is among the answers, with the reason.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;

use super::known::AgentKey;
use crate::id::Name;
use crate::provider::Reader;
use crate::provider::policy::Told;

/// How many are asked at once.
const AT_ONCE: usize = 8;

/// The policies of those of the agents whose systems tell of any, in the agents' order.
pub async fn policies(readers: &BTreeMap<Name, Reader>, agents: Vec<AgentKey>) -> Vec<Told> {
    let ask = |key: AgentKey| {
        let source = readers.get(&key.provider).and_then(Reader::policies);
        async move {
            let told = source?.policies(&key.agent).await.map_err(|error| error.to_string());
            Some((key, told))
        }
    };
    let told = futures_util::stream::iter(agents).map(ask).buffered(AT_ONCE);
    told.filter_map(async |told| told).collect().await
}
