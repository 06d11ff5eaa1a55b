//! Companies, sites and custom fields of RMM.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::{Rmm, device_error};
use crate::clock;
use crate::ids;
use crate::wire::{Reply, Request};
use crate::world::{Customer, Place, guard};

const PARTNER: &str = "50016350";

/// Values of custom fields by target.
#[derive(Debug, Default)]
pub(super) struct Fields {
    values: Mutex<BTreeMap<String, BTreeMap<String, String>>>,
}

impl Rmm {
    pub(super) fn customer(&self, id: &str) -> Option<&Customer> {
        self.world.companies.iter().find(|one| one.guid.eq_ignore_ascii_case(id))
    }

    pub(super) fn place(&self, id: &str) -> Option<(&Customer, &Place)> {
        let mut all =
            self.world.companies.iter().flat_map(|one| one.sites.iter().map(move |site| (one, site)));
        all.find(|(_, site)| site.guid.eq_ignore_ascii_case(id))
    }

    pub(super) fn company(&self, customer: &Customer) -> Value {
        let external: Vec<Value> = customer
            .company
            .external_id
            .iter()
            .map(|id| {
                json!({
                    "id": ids::guid("external", &customer.guid), "companyId": customer.guid,
                    "externalId": id.to_string(), "productId": "manage", "productInstanceId": "1",
                })
            })
            .collect();
        json!({
            "id": customer.guid, "name": customer.company.name, "friendlyName": customer.company.name,
            "partnerId": PARTNER, "externalIds": external, "createdDate": clock::whole(self.world.started),
            "activityStatus": { "id": "1", "name": "Active", "activeFlag": true, "defaultFlag": true },
        })
    }

    pub(super) fn site(&self, (customer, place): (&Customer, &Place)) -> Value {
        let first = customer.sites.first().is_some_and(|site| site.guid == place.guid);
        json!({
            "id": place.guid, "name": place.name, "friendlyName": place.name, "activeFlag": true,
            "company": {
                "id": customer.guid, "name": customer.company.name, "friendlyName": customer.company.name,
                "externalIds": [],
            },
            "partnerId": PARTNER, "primaryFlag": first, "timeZone": "UTC",
            "createdDate": clock::whole(self.world.started), "externalIds": [],
            "primaryAddress": { "countryCode": "DE", "timeZone": "UTC" },
        })
    }

    /// A list in one page, or in linked pages where the fleet file says so.
    pub(super) fn paged(&self, request: &Request, list: &[Value]) -> Reply {
        let Some(size) = self.world.fleet.rmm.company_page.filter(|size| *size > 0) else {
            return Reply::json(list);
        };
        let cursor = request.parameter("cursor").and_then(|text| text.parse().ok()).unwrap_or(0_usize);
        let page: Vec<&Value> = list.iter().skip(cursor).take(size).collect();
        let reply = Reply::json(&page);
        if cursor + size < list.len() {
            let next = format!("{}{}?cursor={}", super::base(request), request.path, cursor + size);
            return reply.with("link", format!("<{next}>; rel=\"next\""));
        }
        reply
    }

    pub(super) fn companies(&self, request: &Request) -> Reply {
        let list: Vec<Value> = self.world.companies.iter().map(|customer| self.company(customer)).collect();
        self.paged(request, &list)
    }

    /// The sites of one company, or all.
    pub(super) fn sites(&self, request: &Request, company: Option<&str>) -> Reply {
        if company.is_some_and(|id| self.customer(id).is_none()) {
            return device_error(404, "Resource not found");
        }
        let all = self
            .world
            .companies
            .iter()
            .filter(|one| company.is_none_or(|id| one.guid.eq_ignore_ascii_case(id)));
        let list: Vec<Value> =
            all.flat_map(|one| one.sites.iter().map(|site| self.site((one, site)))).collect();
        self.paged(request, &list)
    }

    /// `GET` and `PUT` of custom field values.
    pub(super) fn fields(&self, request: &Request, target: &str) -> Reply {
        let target = target.to_lowercase();
        if request.method == "PUT" {
            let Ok(Value::Array(list)) = request.json::<Value>() else {
                return device_error(400, "the body is no array");
            };
            for one in &list {
                let text = |name: &str| one.get(name).and_then(Value::as_str).map(str::to_owned);
                let (Some(id), Some(value)) = (text("attributeID"), text("value")) else {
                    return device_error(400, "attributeID and value are texts");
                };
                if !definitions().iter().any(|definition| definition["id"] == id.as_str()) {
                    return device_error(400, "there is no such custom field");
                }
                guard(&self.fields.values).entry(target.clone()).or_default().insert(id, value);
            }
        }
        let values = guard(&self.fields.values);
        let wanted: Vec<&str> =
            request.parameter("attributeIDs").map(|text| text.split(',').collect()).unwrap_or_default();
        let own = values.get(&target).into_iter().flatten();
        let list: Vec<Value> = own
            .filter(|(id, _)| wanted.is_empty() || wanted.contains(&id.as_str()))
            .map(|(id, value)| json!({ "attributeID": id, "value": value }))
            .collect();
        Reply::json(&list)
    }
}

/// The definitions of custom fields.
pub(super) fn definitions() -> Vec<Value> {
    vec![json!({
        "id": ids::guid("definition", "ring"), "name": "Ring", "description": "", "required": false,
        "defaultValue": "", "options": [],
    })]
}
