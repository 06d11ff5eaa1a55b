//! Policies of RMM: what holds for an endpoint, and which policy it comes from.
//!
//! Invariant: a policy is assigned to sites and inherited by every endpoint there; where two set the same, the later in
//! the fleet file counts.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Rmm;
use crate::clock;
use crate::fleet::{RmmPolicy, System};
use crate::ids;
use crate::wire::Reply;

fn refused(status: u16, message: &str) -> Reply {
    Reply::status_json(status, &json!({ "message": message, "payload": {}, "type": "error" }))
}

impl Rmm {
    pub(super) fn policy_service(&self, method: &str, rest: &[&str]) -> Reply {
        let policies = &self.world.fleet.rmm.policies;
        match (method, rest) {
            ("GET", ["categories"]) => self.categories(),
            ("GET", ["clients", company, "sites", site, "endpoints", endpoint, "effective-policy"]) => {
                self.effective(company, site, endpoint)
            }
            ("GET", ["clients", _, "sites", _, "endpoints", endpoint, "effective-policy", "override"]) => {
                match self.world.agent(System::Rmm, endpoint) {
                    Some(_) => Reply::json(&json!({ "settings": {} })),
                    None => refused(404, "endpoint not found"),
                }
            }
            ("GET", ["policies"]) => {
                Reply::json(&policies.iter().map(|one| self.policy(one)).collect::<Vec<_>>())
            }
            ("GET", ["policies", id]) => match policies.iter().find(|one| policy_id(one) == *id) {
                Some(policy) => Reply::json(&self.policy(policy)),
                None => refused(404, "policy not found"),
            },
            _ => refused(404, "not found"),
        }
    }

    fn categories(&self) -> Reply {
        let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::from([("Devices", vec!["RemoteAccess"])]);
        for policy in &self.world.fleet.rmm.policies {
            let known = kinds.entry(&policy.category).or_default();
            if !known.contains(&policy.kind.as_str()) {
                known.push(&policy.kind);
            }
        }
        let label = |id: &str| json!({ "id": id, "label": id });
        let category = |(id, kinds): (&str, Vec<&str>)| {
            let inner: Vec<Value> = kinds.into_iter().map(label).collect();
            json!({ "id": id, "label": id, "icon": "", "subcategories": inner })
        };
        Reply::json(&json!({ "categories": kinds.into_iter().map(category).collect::<Vec<_>>() }))
    }

    fn policy(&self, policy: &RmmPolicy) -> Value {
        let settings: BTreeMap<&String, Value> =
            policy.settings.iter().map(|(name, value)| (name, json!({ "value": value }))).collect();
        let at = clock::whole(self.world.started);
        json!({
            "id": policy_id(policy), "name": policy.name, "categoryID": policy.category,
            "subcategoryID": policy.kind, "type": policy.kind, "settings": { &policy.kind: settings },
            "createdAt": at, "updatedAt": at,
        })
    }

    fn effective(&self, company: &str, site: &str, endpoint: &str) -> Reply {
        let place = self.world.agent(System::Rmm, endpoint).and_then(|agent| self.world.place(agent));
        let right = place.filter(|(customer, place)| {
            customer.guid.eq_ignore_ascii_case(company) && place.guid.eq_ignore_ascii_case(site)
        });
        let Some((customer, place)) = right else { return refused(404, "endpoint not found") };
        let (mut settings, mut mapping) = (Map::new(), Map::new());
        for policy in &self.world.fleet.rmm.policies {
            let fits = policy.sites.iter().any(|one| {
                one.company == customer.company.name
                    && one.site.as_ref().is_none_or(|site| *site == place.name)
            });
            if !fits {
                continue;
            }
            let of = settings.entry(policy.kind.clone()).or_insert_with(|| json!({}));
            let from = mapping.entry(policy.kind.clone()).or_insert_with(|| json!({}));
            for (name, value) in &policy.settings {
                if let (Some(of), Some(from)) = (of.as_object_mut(), from.as_object_mut()) {
                    of.insert(name.clone(), json!({ "value": value }));
                    let mut origin = json!({ "policy": { "id": policy_id(policy), "name": policy.name } });
                    if let (Some(package), Some(origin)) = (&policy.package, origin.as_object_mut()) {
                        let id = ids::guid("package", package);
                        origin.insert("package".to_owned(), json!({ "id": id, "name": package }));
                    }
                    from.insert(name.clone(), origin);
                }
            }
        }
        let at = clock::whole(self.world.started);
        Reply::json(&json!({ "createdAt": at, "updatedAt": at, "settings": settings, "mapping": mapping }))
    }
}

fn policy_id(policy: &RmmPolicy) -> String {
    ids::guid("policy", &policy.name)
}
