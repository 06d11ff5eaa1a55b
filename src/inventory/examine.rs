//! Looks whether providers can be used: what each examines of itself, and whether it lists its computers.
//!
//! Not here: what there is to look at in one system (its adapter), or what a run makes of a provider that fails.
//!
//! Guarantees: everything that was asked for is answered within the limit; what hangs is a finding like any other.
//! Nothing is changed, and no computer is contacted.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use crate::id::Name;
use crate::provider::{AgentRecord, Examination, Outcome, Presence, Reader};
use crate::time::Limit;

/// Looks at all of `readers` at the same time.
pub async fn examine(readers: &BTreeMap<Name, Reader>, limit: Limit) -> BTreeMap<Name, Vec<Examination>> {
    let looked = readers.iter().map(async |(name, reader)| (name.clone(), of_one(reader, limit).await));
    join_all(looked).await.into_iter().collect()
}

/// What a provider examines of itself, and then its list: who cannot be reached at all is not asked for a list besides.
async fn of_one(reader: &Reader, limit: Limit) -> Vec<Examination> {
    let mut found = match reader.examination() {
        None => Vec::new(),
        Some(examination) => match tokio::time::timeout(limit.duration(), examination.examine()).await {
            Ok(found) => found,
            Err(_) => vec![too_slow("answers", limit)],
        },
    };
    if !found.iter().any(|one| one.outcome == Outcome::Bad) {
        found.push(match tokio::time::timeout(limit.duration(), reader.list()).await {
            Ok(Ok(agents)) => listed(&agents),
            Ok(Err(error)) => bad("list", error.to_string(), "mend what the message names, and look again"),
            Err(_) => too_slow("list", limit),
        });
    }
    found
}

fn listed(agents: &[AgentRecord]) -> Examination {
    let online = agents.iter().filter(|agent| agent.presence == Presence::Online).count();
    let unknown = agents.iter().filter(|agent| agent.presence == Presence::Unknown).count();
    let computers = if agents.len() == 1 { "computer" } else { "computers" };
    let presence = match (online, unknown) {
        (_, unknown) if unknown == agents.len() => String::new(),
        (online, 0) => format!(", {online} of them online"),
        (online, unknown) => format!(", {online} of them online, {unknown} unknown"),
    };
    let found = format!("it lists {} {computers}{presence}", agents.len());
    if agents.is_empty() {
        let remedy = "if it has computers, look at what the account may see";
        return Examination {
            outcome: Outcome::Notice,
            remedy: Some(remedy.to_owned()),
            ..good("list", found)
        };
    }
    good("list", found)
}

fn good(what: &str, found: String) -> Examination {
    Examination { what: what.to_owned(), outcome: Outcome::Good, found, remedy: None }
}

fn bad(what: &str, found: String, remedy: &str) -> Examination {
    Examination { outcome: Outcome::Bad, remedy: Some(remedy.to_owned()), ..good(what, found) }
}

fn too_slow(what: &str, limit: Limit) -> Examination {
    let found = format!("no answer within {} seconds", limit.as_secs());
    bad(
        what,
        found,
        "look whether the system is overloaded; `sources.timeLimit` of the Instance is the limit",
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::future::BoxFuture;

    use super::*;
    use crate::config::kind::SimulatedSpec;
    use crate::provider::simulated::Simulated;
    use crate::provider::{Examine, ListAgents, ListError};

    /// An examination that says this, and a list of which nothing comes.
    #[derive(Debug)]
    struct Says(Option<Vec<Examination>>);

    impl Examine for Says {
        fn examine(&self) -> BoxFuture<'_, Vec<Examination>> {
            match &self.0 {
                Some(found) => Box::pin(std::future::ready(found.clone())),
                None => Box::pin(std::future::pending()),
            }
        }
    }

    impl ListAgents for Says {
        fn list(&self) -> BoxFuture<'_, Result<Vec<AgentRecord>, ListError>> {
            Box::pin(std::future::pending())
        }
    }

    fn reader(fleet: &str) -> Reader {
        let name = Name::new("lab").unwrap();
        Arc::new(Simulated::new(name, &SimulatedSpec::default(), Some(fleet), None).unwrap()).reader()
    }

    async fn look(reader: Reader) -> Vec<(String, Outcome, String)> {
        let readers = BTreeMap::from([(Name::new("lab").unwrap(), reader)]);
        let found = examine(&readers, Limit::seconds(1)).await;
        let told = |one: Examination| (one.what, one.outcome, one.found);
        found.into_values().flatten().map(told).collect()
    }

    #[tokio::test]
    async fn who_lists_computers_is_good_and_who_lists_none_is_worth_a_look() {
        let two = reader("computers: [{ name: a }, { name: b, offline: true }]");
        let said = "it lists 2 computers, 1 of them online".to_owned();
        assert_eq!(look(two).await, [("list".to_owned(), Outcome::Good, said)]);
        let said = "it lists 0 computers".to_owned();
        assert_eq!(look(reader("computers: []")).await, [("list".to_owned(), Outcome::Notice, said)]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_hangs_is_a_finding_and_after_a_bad_one_no_list_is_asked_for() {
        let hangs = look(reader("computers: [{ name: a }]").with_examination(Arc::new(Says(None)))).await;
        let late = "no answer within 1 seconds".to_owned();
        assert_eq!(hangs, [("answers".to_owned(), Outcome::Bad, late.clone())]);
        let one = Examination { outcome: Outcome::Notice, ..good("clock", "it is behind".to_owned()) };
        let both =
            look(reader("computers: [{ name: a }]").with_examination(Arc::new(Says(Some(vec![one]))))).await;
        assert_eq!(both.iter().map(|(what, ..)| what.as_str()).collect::<Vec<_>>(), ["clock", "list"]);
        let silent = Arc::new(Says(Some(Vec::new())));
        let plain = reader("computers: []");
        let (info, detect) = (Arc::new(plain.info().clone()), Arc::new(NoDetect));
        let list = look(Reader::new(info, silent, detect)).await;
        assert_eq!(list, [("list".to_owned(), Outcome::Bad, late)]);
    }

    #[derive(Debug)]
    struct NoDetect;

    impl crate::provider::Detect for NoDetect {
        fn detect<'a>(
            &'a self,
            _: &'a crate::id::AgentId,
            _: &'a crate::session::script::Bundle<crate::session::script::Read>,
        ) -> BoxFuture<'a, Result<crate::session::script::BundleResult, crate::provider::RunError>> {
            Box::pin(async { unreachable!("nobody is contacted") })
        }
    }
}
