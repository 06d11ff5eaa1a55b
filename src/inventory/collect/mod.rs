//! Asks providers, directories and PSAs, and joins what they say with what is remembered.
//!
//! Not here: facts and detections, which come with the detection stage; who is the same computer; when a shorter list is
//! believed (`believe`).
//!
//! Guarantees: a source that fails, does not answer in time or shrank suspiciously takes nothing away. What it said last
//! is used, and its failure is told, so that the plan can hold what it must not touch (L3). Where only a part of an answer
//! is suspicious, the same goes for that part. Only what is believed is to be kept for the next time.

mod declared;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use declared::{OfRevision, declared, of_revision};
use futures_util::future::{join, join_all};
use jiff::civil::Date;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::believe::{self, DoubtedPart, Listed, Verdict};
use super::clients::{Mapping, Remembered, Unmapped};
use super::identify::Memory;
use super::known::Known;
use super::relations::{Belongings, Doubt, Relations, SignIn, SourceKind, kept as last_kept};
use crate::config::Config;
use crate::config::kind::ProviderSpec;
use crate::id::{ComputerId, Name};
use crate::provider::{AgentRecord, Presence, Reader};
use crate::store::{KeptSource, StoredComputer};
use crate::targets::Named;
use crate::time::{Limit, Timestamp};
use crate::{directory, psa};

/// The sources beside providers.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Directories.
    pub directories: BTreeMap<Name, Arc<dyn directory::Reader>>,
    /// PSAs.
    pub psas: BTreeMap<Name, Arc<dyn psa::Reader>>,
}

/// What collecting uses.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The reading half of each provider.
    pub readers: &'a BTreeMap<Name, Reader>,
    /// The other sources.
    pub sources: &'a Sources,
    /// What is remembered of computers.
    pub stored: &'a [StoredComputer],
    /// Which agents were on which computers.
    pub memory: &'a Memory,
    /// What is remembered of the other sources.
    pub kept: &'a [KeptSource],
    /// Sources whose shorter list is believed this time.
    pub accepted: &'a BTreeSet<Name>,
    /// What targets name of directories and PSAs: these parts are looked at one by one.
    pub named: &'a Named,
    /// The day for which dates of agreements count.
    pub day: Date,
    /// The present instant.
    pub now: Timestamp,
}

/// What all sources say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Collected {
    /// The computers, sorted by id.
    pub known: Vec<Known>,
    /// The providers without a list that is believed, with what happened.
    pub failed: BTreeMap<Name, String>,
    /// How many computers belong to customers of a provider that no tenant maps, by provider.
    pub unmapped: BTreeMap<Name, Unmapped>,
    /// People, groups, agreements and what computers belong to; without the day.
    pub relations: Relations,
    /// Computers to remember: listed anew, listed otherwise, or not listed any more.
    pub listed: Vec<StoredComputer>,
    /// Answers to remember.
    pub answers: Vec<KeptSource>,
}

/// Asks all sources at the same time.
pub async fn collect(asking: &Asking<'_>) -> Collected {
    let believing = &asking.config.instance.sources;
    let lists = join_all(
        asking
            .readers
            .iter()
            .map(async |(name, reader)| (name, in_time(believing.limit, reader.list()).await)),
    );
    let directories = join_all(
        asking
            .sources
            .directories
            .iter()
            .map(async |(name, reader)| (name, in_time(believing.limit, reader.read()).await)),
    );
    let psas = join_all(
        asking
            .sources
            .psas
            .iter()
            .map(async |(name, reader)| (name, in_time(believing.limit, reader.read()).await)),
    );
    let (lists, (directories, psas)) = join(lists, join(directories, psas)).await;
    let mut collected = computers(asking, lists);
    for (name, answer) in directories {
        let of = Source { asking, kind: SourceKind::Directory, name };
        let named = asking.named.groups.get(name).cloned().unwrap_or_default();
        let shrink = believing.of(name);
        let judge = |last: &_, now| believe::directory(last, now, &named, shrink);
        let believed = of.believe(answer, judge, &mut collected);
        collected.relations.directories.extend(believed.map(|believed| (name.clone(), believed)));
    }
    for (name, answer) in psas {
        let of = Source { asking, kind: SourceKind::Psa, name };
        let asked = asked_of(asking, name);
        let shrink = believing.of(name);
        let judge = |last: &_, now| believe::psa(last, now, &asked, asking.day, shrink);
        let believed = of.believe(answer, judge, &mut collected);
        collected.relations.psas.extend(believed.map(|believed| (name.clone(), believed)));
    }
    collected
}

/// What tenants and targets name of a PSA.
fn asked_of(asking: &Asking<'_>, psa: &Name) -> believe::Asked {
    let links = asking.config.tenants.values().filter_map(|tenant| tenant.psa.as_ref());
    believe::Asked {
        companies: links.filter(|link| link.name == *psa).map(|link| link.company.clone()).collect(),
        agreements: asking.named.agreements.get(psa).cloned().unwrap_or_default(),
    }
}

/// What came back within the limit, or what went wrong.
pub(crate) async fn in_time<T, E: std::fmt::Display>(
    limit: Limit,
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, String> {
    match tokio::time::timeout(limit.duration(), answer).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} seconds", limit.as_secs())),
    }
}

/// What providers say, or do not.
type Lists<'a> = Vec<(&'a Name, Result<Vec<AgentRecord>, String>)>;

/// What is to be remembered of the providers' lists, and who is on them by name alone: nothing else is held of a computer, so
/// that many take little memory. Otherwise it is as [`collect`] has it; the other sources are not asked.
pub async fn names(asking: &Asking<'_>) -> (Collected, Vec<OnList>) {
    let limit = asking.config.instance.sources.limit;
    let readers = asking.readers.iter();
    let lists =
        join_all(readers.map(async |(name, reader)| (name, in_time(limit, reader.list_briefly()).await)));
    let mut names = Vec::new();
    let collected = judged(asking, lists.await, &mut |collected, one| {
        names.push((one.agent.name.as_str().into(), one.agent.tenant.clone()));
        if one.is_listed {
            collected.listed.extend(changed(one.id, one.provider, one.agent, one.stored));
        }
    });
    (collected, names)
}

/// A computer's name and tenant.
pub type OnList = (Box<str>, Option<Name>);

/// The computers of all providers.
fn computers(asking: &Asking<'_>, lists: Lists<'_>) -> Collected {
    let mut known = BTreeMap::new();
    let mut collected = judged(asking, lists, &mut |collected, one| {
        let Judged { id, provider, agent, stored, is_listed } = one;
        if is_listed && !stored.is_some_and(|stored| is_remembered(stored, provider, &agent)) {
            collected.listed.extend(changed(id.clone(), provider, agent.clone(), stored));
        }
        collected.belong(&id, &agent.belongings);
        known.insert(id, as_listed(provider, agent, stored));
    });
    collected.known = known.into_values().collect();
    collected
}

/// A computer of a list that is believed, or of the last one that was.
struct Judged<'a> {
    id: ComputerId,
    provider: &'a Name,
    agent: AgentRecord,
    stored: Option<&'a StoredComputer>,
    /// Whether it is in the list that was given now.
    is_listed: bool,
}

/// Which computers count, one by one to `take`, and what else is to be said of the lists.
fn judged(
    asking: &Asking<'_>,
    lists: Lists<'_>,
    take: &mut dyn FnMut(&mut Collected, Judged<'_>),
) -> Collected {
    let remembered: BTreeMap<&ComputerId, &StoredComputer> =
        asking.stored.iter().map(|computer| (&computer.id, computer)).collect();
    let mut collected = Collected::default();
    let mapping = Mapping::of(asking.config);
    for (provider, list) in lists {
        let before =
            || asking.stored.iter().filter(|computer| computer.listed && computer.provider == *provider);
        let placed = |agent| mapping.place(provider, tidy(agent));
        let list = list.map(|agents| agents.into_iter().map(placed).collect());
        match list.and_then(|agents| believable(asking, &mapping, provider, before(), agents)) {
            Ok((agents, doubts)) => {
                let (agents, unmapped) = mapping.split(provider, agents);
                if mapping.has(provider) {
                    let unmapped = unmapped.clone().into_iter().collect();
                    let now = Remembered { unmapped, ..Remembered::of(provider, asking.kept) };
                    collected.answers.extend(now.to_keep(provider, asking.kept, asking.now));
                }
                if !unmapped.is_empty() {
                    collected.unmapped.insert(provider.clone(), unmapped);
                }
                if !doubts.is_empty() {
                    let source = (SourceKind::Provider, provider.clone());
                    collected.relations.doubts.insert(source, doubts);
                }
                let mut gone: BTreeMap<&ComputerId, &StoredComputer> =
                    before().map(|computer| (&computer.id, computer)).collect();
                for mut agent in agents {
                    let id = computer_id(provider, &agent);
                    gone.remove(&id);
                    let stored = remembered.get(&id).copied();
                    if let Some(stored) = stored {
                        let old = &stored.agent.belongings.sign_ins;
                        let signed = std::mem::take(&mut agent.belongings.sign_ins);
                        agent.belongings.sign_ins = last_kept(signed.into_iter().chain(old.iter().cloned()));
                    }
                    take(&mut collected, Judged { id, provider, agent, stored, is_listed: true });
                }
                let gone = gone.into_values();
                collected.listed.extend(gone.map(|computer| StoredComputer {
                    listed: false,
                    facts: None,
                    ..computer.clone()
                }));
            }
            Err(message) => {
                let message = if message.contains(provider.as_str()) {
                    message
                } else {
                    format!("provider {provider}: {message}")
                };
                collected.failed.insert(provider.clone(), message);
                let unmapped = mapping.still_unmapped(asking.kept).remove(provider);
                collected.unmapped.extend(unmapped.map(|unmapped| (provider.clone(), unmapped)));
                for computer in before() {
                    let agent = mapping.place(provider, computer.agent.clone());
                    if !mapping.takes(provider, &agent) {
                        continue;
                    }
                    let (id, stored) = (computer.id.clone(), Some(computer));
                    take(&mut collected, Judged { id, provider, agent, stored, is_listed: false });
                }
            }
        }
    }
    collected
}

/// An entry as it counts: selectors have no blanks around their tags, so a tag with some could never be selected.
fn tidy(mut agent: AgentRecord) -> AgentRecord {
    if agent.tags.iter().any(|tag| tag.is_empty() || tag.trim().len() != tag.len()) {
        let tags = agent.tags.iter().map(|tag| tag.trim().to_owned());
        agent.tags = tags.filter(|tag| !tag.is_empty()).collect();
    }
    agent
}

/// The list, unless it or what it says of its computers became less than is believed; single groups, sites and properties
/// that did so alone are as they were before, and doubted. Lists that stand in the configuration itself are believed.
fn believable<'a>(
    asking: &Asking<'_>,
    mapping: &'a Mapping<'a>,
    provider: &Name,
    before: impl Iterator<Item = &'a StoredComputer>,
    mut agents: Vec<AgentRecord>,
) -> Result<(Vec<AgentRecord>, Vec<Doubt>), String> {
    let spec = asking.config.providers.get(provider).map(|provider| &provider.spec);
    let declared = matches!(spec, Some(ProviderSpec::Local(_) | ProviderSpec::Ssh(_)));
    if declared || asking.accepted.contains(provider) {
        return Ok((agents, Vec::new()));
    }
    let shrink = asking.config.instance.sources.of(provider);
    // That tenants map a company otherwise than before is no loss of the list.
    let before: Vec<Listed<'_>> = before
        .map(|computer| Listed {
            tenant: mapping.of_agent(provider, &computer.agent),
            ..of_list(&computer.agent)
        })
        .collect();
    let now: Vec<Listed<'_>> = agents.iter().map(of_list).collect();
    if let Some(what) = believe::agents(&before, &now, shrink) {
        return Err(not_believed(provider, &what));
    }
    let doubted = believe::parts(&before, &now, &asking.named.parts_of(provider), shrink);
    if doubted.is_empty() {
        return Ok((agents, Vec::new()));
    }
    let before: BTreeMap<&str, &Belongings> = before.iter().map(|one| (one.id, one.belongings)).collect();
    for agent in &mut agents {
        let Some(was) = before.get(agent.id.as_str()) else { continue };
        for one in doubted.iter().filter(|one| one.was.contains(agent.id.as_str())) {
            one.part.restore(was, &mut agent.belongings);
        }
    }
    let doubt = |one: DoubtedPart| Doubt {
        why: format!("provider {}", not_believed(provider, &one.why)),
        computers: one.was.iter().chain(&one.is).map(|id| computer_id_of(provider, id)).collect(),
        ..Doubt::default()
    };
    Ok((agents, doubted.into_iter().map(doubt).collect()))
}

fn of_list(agent: &AgentRecord) -> Listed<'_> {
    Listed {
        id: agent.id.as_str(),
        tenant: agent.tenant.as_ref(),
        tags: &agent.tags,
        belongings: &agent.belongings,
    }
}

/// Why an answer, or a part of it, is not believed, and what to do when it is right.
pub(crate) fn not_believed(source: &Name, what: &str) -> String {
    format!("{source} shrank: {what}; if that is right, say --accept-shrink {source}")
}

/// Whether nothing has to be written of a computer that is listed now.
fn is_remembered(stored: &StoredComputer, provider: &Name, agent: &AgentRecord) -> bool {
    // Whether it answers and what else is told of it is not remembered.
    let AgentRecord { id, name, tenant, client, platform, presence: _, tags, attributes: _, belongings } =
        agent;
    let was = &stored.agent;
    let same = (id, name, tenant, client) == (&was.id, &was.name, &was.tenant, &was.client)
        && (platform, tags, belongings) == (&was.platform, &was.tags, &was.belongings);
    same && stored.listed && stored.provider == *provider
}

/// What is to be written of a computer that is listed now; nothing if that is known.
fn changed(
    id: ComputerId,
    provider: &Name,
    agent: AgentRecord,
    stored: Option<&StoredComputer>,
) -> Option<StoredComputer> {
    if stored.is_some_and(|stored| is_remembered(stored, provider, &agent)) {
        return None;
    }
    let agent = AgentRecord { presence: Presence::Unknown, attributes: BTreeMap::new(), ..agent };
    Some(StoredComputer {
        id,
        provider: provider.clone(),
        agent,
        facts: None,
        contact: stored.map(|stored| stored.contact.clone()).unwrap_or_default(),
        contacted: stored.and_then(|stored| stored.contacted),
        listed: true,
    })
}

/// One directory or PSA.
struct Source<'a> {
    asking: &'a Asking<'a>,
    kind: SourceKind,
    name: &'a Name,
}

impl Source<'_> {
    /// What counts as said: the answer as far as it is believed, else the last one that was, if there is one. Only what is
    /// believed is to be kept.
    fn believe<T: Serialize + DeserializeOwned + PartialEq>(
        &self,
        answer: Result<T, String>,
        judge: impl FnOnce(&T, T) -> Verdict<T>,
        collected: &mut Collected,
    ) -> Option<T> {
        let kept = self.asking.kept.iter().find(|kept| kept.kind == self.kind && kept.name == *self.name);
        // What an older release kept and this one cannot read is as good as nothing.
        let last: Option<T> = kept.and_then(|kept| serde_json::from_str(&kept.content).ok());
        let accepted = self.asking.accepted.contains(self.name);
        let verdict = match (answer, &last) {
            (Ok(now), Some(last)) if !accepted => match judge(last, now) {
                Verdict::Nothing(what) => {
                    Verdict::Nothing(format!("{} {}", self.kind, not_believed(self.name, &what)))
                }
                verdict => verdict,
            },
            (Ok(now), _) => Verdict::Whole(now),
            (Err(message), _) if message.contains(self.name.as_str()) => Verdict::Nothing(message),
            (Err(message), _) => Verdict::Nothing(format!("{} {}: {message}", self.kind, self.name)),
        };
        let source = (self.kind, self.name.clone());
        let (believed, doubts) = match verdict {
            Verdict::Whole(now) => (now, Vec::new()),
            Verdict::Parts(now, doubts) => (now, doubts),
            Verdict::Nothing(message) => {
                collected.relations.failed.insert(source, message);
                return last;
            }
        };
        if !doubts.is_empty() {
            let said = |doubt: Doubt| Doubt {
                why: format!("{} {}", self.kind, not_believed(self.name, &doubt.why)),
                ..doubt
            };
            collected.relations.doubts.insert(source, doubts.into_iter().map(said).collect());
        }
        if last.as_ref() != Some(&believed)
            && let Ok(content) = serde_json::to_string(&believed)
        {
            collected.answers.push(KeptSource {
                kind: self.kind,
                name: self.name.clone(),
                key: String::new(),
                at: self.asking.now,
                content,
            });
        }
        Some(believed)
    }
}

impl Collected {
    fn belong(&mut self, id: &ComputerId, belongings: &Belongings) {
        if !belongings.is_empty() {
            self.relations.belongings.insert(id.clone(), belongings.clone());
        }
    }
}

/// What all sources said last, without asking them.
#[must_use]
pub fn remembered(asking: &Asking<'_>) -> Collected {
    let listed = asking.stored.iter().filter(|computer| computer.listed);
    let mapping = Mapping::of(asking.config);
    let known =
        listed.filter(|computer| asking.readers.contains_key(&computer.provider)).filter_map(|computer| {
            let agent = mapping.place(&computer.provider, computer.agent.clone());
            let takes = mapping.takes(&computer.provider, &agent);
            takes.then(|| as_listed(&computer.provider, agent, Some(computer)))
        });
    let relations = relations(asking.stored, asking.kept);
    let unmapped = mapping.still_unmapped(asking.kept);
    Collected { known: known.collect(), unmapped, relations, ..Collected::default() }
}

/// What computers belonged to and what directories, PSAs and selecting scripts said last, without the day. Whether the
/// answer of a script is one to what it would be asked now is not looked at (`queries`).
fn relations(stored: &[StoredComputer], kept: &[KeptSource]) -> Relations {
    let mut collected = Collected::default();
    for computer in stored.iter().filter(|computer| computer.listed) {
        collected.belong(&computer.id, &computer.agent.belongings);
    }
    let mut relations = collected.relations;
    for kept in kept {
        let (name, content) = (kept.name.clone(), &kept.content);
        match kept.kind {
            // What computers belong to is remembered with them.
            SourceKind::Provider => {}
            SourceKind::Directory => {
                relations.directories.extend(serde_json::from_str(content).ok().map(|read| (name, read)));
            }
            SourceKind::Psa => {
                relations.psas.extend(serde_json::from_str(content).ok().map(|read| (name, read)));
            }
            SourceKind::Script => {
                relations.scripts.extend(serde_json::from_str(content).ok().map(|read| (name, read)));
            }
        }
    }
    relations
}

/// The id of the computer that an agent makes. Who is on the same computer is decided later (`inventory::identify`); what is
/// remembered of each agent stands under this id whatever computer it is on.
#[must_use]
pub fn computer_id(provider: &Name, agent: &AgentRecord) -> ComputerId {
    computer_id_of(provider, agent.id.as_str())
}

fn computer_id_of(provider: &Name, agent: &str) -> ComputerId {
    ComputerId::new(format!("{provider}/{agent}"))
}

/// A computer as its provider lists it, with what is remembered of it.
#[must_use]
pub fn as_listed(provider: &Name, agent: AgentRecord, stored: Option<&StoredComputer>) -> Known {
    // Where the list tells that the system was installed since, what was collected is of the earlier one.
    let installed = agent.evidence().and_then(|said| said.os_installed);
    let counts = |at: Timestamp| installed.is_none_or(|installed| installed <= at);
    let facts = stored.and_then(|stored| stored.facts.as_deref()).filter(|(at, _)| counts(*at)).cloned();
    Known {
        id: computer_id(provider, &agent),
        presence: agent.presence,
        said: agent.evidence().map(Box::new),
        seen: agent.last_seen(),
        unsupported: agent.attributes.get("unsupported").cloned(),
        onboarding: false,
        agents: None,
        name: agent.name,
        provider: provider.clone(),
        agent: agent.id,
        tenant: agent.tenant,
        client: agent.client,
        platform: agent.platform,
        tags: agent.tags,
        facts,
        contact: stored.map(|stored| stored.contact.clone()).unwrap_or_default(),
    }
}

/// What to remember of a computer: as it was listed, and who was signed in when its facts were collected.
#[must_use]
pub fn remember(
    known: &Known,
    belongings: Option<&Belongings>,
    contacted: Option<Timestamp>,
) -> StoredComputer {
    let mut belongings = belongings.cloned().unwrap_or_default();
    if let Some((at, facts)) = &known.facts {
        let users = facts.signed_in_users.iter().flatten();
        let users = users.map(|user| SignIn { at: *at, user: user.clone() });
        belongings.sign_ins = last_kept(belongings.sign_ins.into_iter().chain(users));
    }
    StoredComputer {
        id: known.id.clone(),
        provider: known.provider.clone(),
        agent: AgentRecord {
            id: known.agent.clone(),
            name: known.name.clone(),
            tenant: known.tenant.clone(),
            client: known.client.clone(),
            platform: known.platform,
            presence: Presence::Unknown,
            tags: known.tags.clone(),
            attributes: BTreeMap::new(),
            belongings,
        },
        facts: known.facts.clone().map(Box::new),
        contact: known.contact.clone(),
        contacted,
        listed: true,
    }
}
