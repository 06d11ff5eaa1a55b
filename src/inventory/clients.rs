//! Which tenant a provider's own customer is, as `Tenant.clients` says.
//!
//! Not here: listing customers (`provider`), or proposing tenants for them (`import`).
//!
//! Invariants: a customer is matched by its id where the tenant gives one, else by its whole name, trimmed and without
//! case, and never by likeness.
//! A computer of a provider with customers of its own that belongs to none of the mapped ones belongs to nobody, and is
//! no computer of this repository (IDN-18).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::config::kind::TenantClient;
use crate::id::Name;
use crate::inventory::relations::SourceKind;
use crate::provider::{AgentRecord, ClientRef};
use crate::store::KeptSource;
use crate::time::Timestamp;

/// How many computers belong to customers that no tenant maps, by customer. Computers without a customer are counted
/// under one without id and name.
pub type Unmapped = BTreeMap<ClientRef, usize>;

/// What is remembered of a provider's customers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remembered {
    /// The last list of them that was believed; empty before the first.
    pub companies: Vec<ClientRef>,
    /// How many computers belonged to customers that no tenant mapped.
    pub unmapped: Vec<(ClientRef, usize)>,
}

impl Remembered {
    /// What is remembered of one provider.
    #[must_use]
    pub fn of(provider: &Name, kept: &[KeptSource]) -> Self {
        let own = kept.iter().find(|kept| kept.kind == SourceKind::Provider && kept.name == *provider);
        // What an older release kept and this one cannot read is as good as nothing.
        own.and_then(|kept| serde_json::from_str(&kept.content).ok()).unwrap_or_default()
    }

    /// The same to be kept, if it is something else than what is kept.
    #[must_use]
    pub fn to_keep(&self, provider: &Name, kept: &[KeptSource], at: Timestamp) -> Option<KeptSource> {
        if *self == Self::of(provider, kept) {
            return None;
        }
        let content = serde_json::to_string(self).ok()?;
        Some(KeptSource {
            kind: SourceKind::Provider,
            name: provider.clone(),
            key: String::new(),
            at,
            content,
        })
    }
}

/// What all tenants say of customers.
#[derive(Debug, Default)]
pub struct Mapping<'a> {
    by_provider: BTreeMap<&'a Name, Companies<'a>>,
}

/// The mapped companies of one provider.
#[derive(Debug, Default)]
struct Companies<'a> {
    by_id: BTreeMap<String, &'a Name>,
    by_name: BTreeMap<String, &'a Name>,
}

impl<'a> Companies<'a> {
    fn add(&mut self, client: &TenantClient, tenant: &'a Name) {
        match (&client.id, &client.name) {
            (Some(id), _) => _ = self.by_id.insert(folded(id), tenant),
            (None, Some(name)) => _ = self.by_name.insert(folded(name), tenant),
            (None, None) => {}
        }
    }
}

impl<'a> Mapping<'a> {
    /// What a configuration says. Providers without customers of their own are left out.
    #[must_use]
    pub fn of(config: &'a Config) -> Self {
        let with_clients = config.providers.iter().filter(|(_, provider)| provider.spec.has_clients());
        let mut by_provider: BTreeMap<&Name, Companies<'_>> =
            with_clients.map(|(name, _)| (name, Companies::default())).collect();
        for (tenant, said) in &config.tenants {
            for (provider, clients) in &said.clients {
                let Some(companies) = by_provider.get_mut(provider) else { continue };
                for client in clients {
                    companies.add(client, tenant);
                }
            }
        }
        Self { by_provider }
    }

    /// The tenant that a customer is. Its id counts before its name.
    #[must_use]
    pub fn tenant(&self, provider: &Name, client: &ClientRef) -> Option<&'a Name> {
        let companies = self.by_provider.get(provider)?;
        let by_id = companies.by_id.get(&folded(&client.id));
        by_id.or_else(|| companies.by_name.get(&folded(&client.name))).copied()
    }

    /// Whether a provider has customers of its own.
    #[must_use]
    pub fn has(&self, provider: &Name) -> bool {
        self.by_provider.contains_key(provider)
    }

    /// What was unmapped when providers were asked last, and still is.
    #[must_use]
    pub fn still_unmapped(&self, kept: &[KeptSource]) -> BTreeMap<Name, Unmapped> {
        let of = |provider: &Name| -> Unmapped {
            let all = Remembered::of(provider, kept).unmapped.into_iter();
            all.filter(|(client, _)| self.tenant(provider, client).is_none()).collect()
        };
        let all = self.by_provider.keys().map(|provider| ((*provider).clone(), of(provider)));
        all.filter(|(_, unmapped)| !unmapped.is_empty()).collect()
    }

    /// The agent with the tenant that its customer is. Of a provider without customers it stays as it is.
    #[must_use]
    pub fn place(&self, provider: &Name, mut agent: AgentRecord) -> AgentRecord {
        if self.has(provider) {
            agent.tenant = self.of_agent(provider, &agent).cloned();
        }
        agent
    }

    /// The tenant of an agent: that which its customer is, or, of a provider without customers, that which it says.
    #[must_use]
    pub fn of_agent<'b>(&'b self, provider: &Name, agent: &'b AgentRecord) -> Option<&'b Name> {
        if !self.has(provider) {
            return agent.tenant.as_ref();
        }
        agent.client.as_ref().and_then(|client| self.tenant(provider, client))
    }

    /// Whether an agent that was placed is a computer of this repository.
    #[must_use]
    pub fn takes(&self, provider: &Name, agent: &AgentRecord) -> bool {
        agent.tenant.is_some() || !self.has(provider)
    }

    /// The agents that are computers of this repository, and how many are not, by customer.
    #[must_use]
    pub fn split(&self, provider: &Name, mut agents: Vec<AgentRecord>) -> (Vec<AgentRecord>, Unmapped) {
        let mut unmapped = Unmapped::new();
        for agent in agents.extract_if(.., |agent| !self.takes(provider, agent)) {
            let nobody = || ClientRef { id: String::new(), name: String::new() };
            *unmapped.entry(agent.client.unwrap_or_else(nobody)).or_default() += 1;
        }
        (agents, unmapped)
    }
}

fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::AgentId;
    use crate::report::sample::agent;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn client(id: &str, called: &str) -> ClientRef {
        ClientRef { id: id.to_owned(), name: called.to_owned() }
    }

    /// Companies by id (`#7`) or by name.
    fn mapping<'a>(control: &'a Name, entries: &[(&str, &'a Name)]) -> Mapping<'a> {
        let mut companies = Companies::default();
        for (text, tenant) in entries {
            let client = match text.strip_prefix('#') {
                Some(id) => TenantClient { id: Some(id.to_owned()), name: Some("Contoso".to_owned()) },
                None => TenantClient { id: None, name: Some((*text).to_owned()) },
            };
            companies.add(&client, tenant);
        }
        Mapping { by_provider: BTreeMap::from([(control, companies)]) }
    }

    #[test]
    fn a_customer_is_known_by_its_id_or_its_whole_name() {
        let (control, contoso, fabrikam) = (name("control"), name("contoso"), name("fabrikam"));
        let mapping = mapping(&control, &[("Contoso ", &contoso), ("#7", &fabrikam)]);
        let tenant = |id, called| mapping.tenant(&control, &client(id, called)).map(Name::as_str);
        assert_eq!(tenant("1", " CONTOSO"), Some("contoso"));
        assert_eq!(tenant("contoso", "Other"), None, "what is a name is no id");
        assert_eq!(tenant("7", "Contoso"), Some("fabrikam"), "the id counts first");
        assert_eq!(tenant("8", "Contoso Ltd"), None, "likeness is not enough");
        assert_eq!(tenant("", ""), None);
    }

    #[test]
    fn what_was_unmapped_is_remembered_until_it_is_mapped() {
        let (control, contoso) = (name("control"), name("contoso"));
        let remembered = Remembered {
            companies: vec![client("7", "Contoso")],
            unmapped: vec![(client("7", "Contoso"), 2), (client("8", "Fabrikam"), 3)],
        };
        let kept = remembered.to_keep(&control, &[], Timestamp::MIN).unwrap();
        let kept = [kept];
        assert_eq!(Remembered::of(&control, &kept), remembered);
        assert_eq!(remembered.to_keep(&control, &kept, Timestamp::MAX), None, "that is known");
        assert_eq!(Remembered::of(&contoso, &kept), Remembered::default());
        let mapping = mapping(&control, &[("#7", &contoso)]);
        let left = Unmapped::from([(client("8", "Fabrikam"), 3)]);
        assert_eq!(mapping.still_unmapped(&kept), BTreeMap::from([(control.clone(), left)]));
    }

    #[test]
    fn who_belongs_to_no_mapped_customer_is_counted_and_left_out() {
        let (control, office, contoso) = (name("control"), name("office"), name("contoso"));
        let mapping = mapping(&control, &[("contoso", &contoso)]);
        let of = |id: &str, of: Option<ClientRef>| AgentRecord {
            id: AgentId::new(id),
            client: of,
            tenant: Some(name("guess")),
            ..agent(id)
        };
        let agents = [
            of("a", Some(client("contoso", "Contoso"))),
            of("b", Some(client("fabrikam", "Fabrikam"))),
            of("c", Some(client("fabrikam", "Fabrikam"))),
            of("d", None),
        ];
        let placed = agents.iter().cloned().map(|agent| mapping.place(&control, agent)).collect();
        let (taken, unmapped) = mapping.split(&control, placed);
        assert_eq!(taken.iter().map(|agent| agent.tenant.as_ref()).collect::<Vec<_>>(), [Some(&contoso)]);
        assert_eq!(unmapped, Unmapped::from([(client("fabrikam", "Fabrikam"), 2), (client("", ""), 1)]));
        let other = agents.iter().cloned().map(|agent| mapping.place(&office, agent)).collect::<Vec<_>>();
        assert_eq!(other, agents, "a provider without customers says itself whose its computers are");
        assert_eq!(mapping.split(&office, other).0.len(), 4);
    }
}
