//! Asks ConnectWise RMM for its lists: companies, sites, endpoints, and who is online.
//!
//! Not here: what stands in them (`wire`) and what it means (`read`).
//!
//! Invariants: every list goes on to where no next page is named. A 404 is an empty list of endpoints only where the service itself says
//! so in its own document, never where a page or a proxy does. Where servers were seen to differ (the method of the list of
//! endpoints, the word for companies), what works is found out once and remembered.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt as _;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::wire::{Company, Device, Devices, DevicesOfSite, Heartbeats, RateLimits, Site, Wrapped};
use crate::http::api::{Answer, ApiError, Call, Client, Fault, Method, Page, pages};

/// How many companies' endpoints are asked for at once.
const COMPANIES: usize = 50;
/// How many entries a page may have.
const PAGE_SIZE: u32 = 500;
/// The most ids whose heartbeat may be asked for at once.
pub(super) const HEARTBEATS: usize = 4;
/// What of an endpoint is asked for.
const FIELDS: &str = "system,bios,baseBoard,os";

/// How a server wants to be asked. What documents and clients say differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Manner {
    method: Method,
    /// The word for companies in the list of endpoints.
    word: &'static str,
    has_fields: bool,
}

/// In the order in which they are tried.
const MANNERS: [Manner; 5] = [
    Manner { method: Method::Post, word: "company", has_fields: true },
    Manner { method: Method::Get, word: "company", has_fields: true },
    Manner { method: Method::Post, word: "companies", has_fields: true },
    Manner { method: Method::Post, word: "company", has_fields: false },
    Manner { method: Method::Get, word: "companies", has_fields: false },
];

/// The words for companies in a question for heartbeats, in the order in which they are tried.
const WORDS: [&str; 2] = ["companies", "clients"];

/// What was found out about a server.
#[derive(Debug, Default)]
pub(super) struct Found {
    manner: Mutex<Option<Manner>>,
    word: Mutex<Option<&'static str>>,
}

fn get<T: Copy>(found: &Mutex<Option<T>>) -> Option<T> {
    *found.lock().unwrap_or_else(PoisonError::into_inner)
}

fn set<T>(found: &Mutex<Option<T>>, value: T) {
    *found.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
}

/// The companies, those that are gone included.
pub(super) async fn companies(client: &Client) -> Result<Vec<Company>, ApiError> {
    bare(client, "the list of companies", "api/platform/v1/company/companies").await
}

/// The sites of all companies.
pub(super) async fn sites(client: &Client) -> Result<Vec<Site>, ApiError> {
    bare(client, "the list of sites", "api/platform/v1/company/sites").await
}

async fn bare<T: DeserializeOwned + Send + 'static>(
    client: &Client,
    name: &'static str,
    path: &'static str,
) -> Result<Vec<T>, ApiError> {
    let ask = |next: Option<String>| {
        let client = client.clone();
        async move {
            let call = Call::get(name).at(path);
            let answer = client.call(&next.map_or(call.clone(), |next| call.follow(&next))).await?;
            let items = answer.json::<Wrapped<T>>()?.into_list().ok_or_else(|| {
                let why = "it is no list".to_owned();
                ApiError::answered(name, Fault::Unexpected { path: "$".to_owned(), why })
            })?;
            Ok(Page { items, next: answer.next().map(Some), told: None, mark: answer.mark() })
        }
        .boxed()
    };
    let mut all = Vec::new();
    pages(name, None, ask, |items| {
        all.extend(items);
        Ok(())
    })
    .await?;
    Ok(all)
}

/// The endpoints of companies, site by site.
pub(super) async fn devices(
    client: &Client,
    found: &Found,
    companies: &[String],
    mut take: impl FnMut(DevicesOfSite) + Send,
) -> Result<(), ApiError> {
    for some in companies.chunks(COMPANIES) {
        devices_of(client, found, some, &mut take).await?;
    }
    Ok(())
}

const DEVICES: &str = "the list of endpoints";

async fn devices_of(
    client: &Client,
    found: &Found,
    companies: &[String],
    take: &mut (dyn FnMut(DevicesOfSite) + Send),
) -> Result<(), ApiError> {
    let Some((manner, first)) = first_page(client, found, companies).await? else { return Ok(()) };
    let mut first = Some(first);
    let ask = |next: Option<String>| {
        let (client, ready) = (client.clone(), first.take());
        let call = devices_call(manner, companies);
        async move {
            let answer = match (ready, next) {
                (Some(answer), _) => answer,
                (None, next) => {
                    let call = next.map_or(call.clone(), |next| call.follow(&next));
                    match client.call(&call).await {
                        Ok(answer) => answer,
                        // Past the end there is nothing.
                        Err(error) if is_nothing(&error) => {
                            return Ok(Page { items: Vec::new(), next: None, told: None, mark: Vec::new() });
                        }
                        Err(error) => return Err(error),
                    }
                }
            };
            let devices: Devices = answer.json()?;
            let items = devices.categories.into_values().flatten().flatten().collect();
            Ok(Page { items, next: answer.next().map(Some), told: None, mark: answer.mark() })
        }
        .boxed()
    };
    let each = |items: Vec<DevicesOfSite>| {
        items.into_iter().for_each(&mut *take);
        Ok(())
    };
    pages(DEVICES, None, ask, each).await.map(drop)
}

/// The first page, in the manner that works; nothing when these companies have no endpoints.
async fn first_page(
    client: &Client,
    found: &Found,
    companies: &[String],
) -> Result<Option<(Manner, Answer)>, ApiError> {
    let known = get(&found.manner);
    let mut last = None;
    let mut nothing = false;
    for manner in known.map_or(MANNERS.to_vec(), |manner| vec![manner]) {
        match client.call(&devices_call(manner, companies)).await {
            Ok(answer) => {
                set(&found.manner, manner);
                return Ok(Some((manner, answer)));
            }
            // Until one of them has worked, it may as well mean that there is no such call.
            Err(error) if is_nothing(&error) => nothing = true,
            Err(error) if matches!(error.status(), Some(400 | 404 | 405)) => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    match last {
        Some(error) if !nothing => Err(error),
        _ => Ok(None),
    }
}

fn devices_call(manner: Manner, companies: &[String]) -> Call {
    let call = Call::new(DEVICES, manner.method).at("api/platform/v2/device/categories/platform/endpoints");
    let call = call.query("limit", PAGE_SIZE);
    let call = if manner.has_fields { call.query("field", FIELDS) } else { call };
    call.json(json!({ "resourceType": manner.word, "resources": companies })).idempotent()
}

/// Whether a service says in its own words that there is nothing.
fn is_nothing(error: &ApiError) -> bool {
    match &error.fault {
        Fault::NotFound(said) => {
            said.text.as_deref().is_some_and(|text| text.to_ascii_lowercase().contains("resource not found"))
        }
        _ => false,
    }
}

/// Who of companies' endpoints is online. Who is online is not known where this fails; nothing else depends on it.
pub(super) async fn heartbeats(
    client: &Client,
    found: &Found,
    companies: &[String],
) -> Result<BTreeMap<String, bool>, ApiError> {
    let mut online = BTreeMap::new();
    for some in companies.chunks(HEARTBEATS) {
        online.extend(heartbeats_of(client, found, some).await?);
    }
    Ok(online)
}

async fn heartbeats_of(
    client: &Client,
    found: &Found,
    companies: &[String],
) -> Result<BTreeMap<String, bool>, ApiError> {
    let known = get(&found.word);
    let mut last = None;
    for word in known.map_or(WORDS.to_vec(), |word| vec![word]) {
        let call = Call::get("who is online").at("api/platform/v2/device/endpoints/heartbeat");
        let call = call.query("resourceType", word).query("resources", companies.join(","));
        match client.json::<Heartbeats>(&call).await {
            Ok(beats) => {
                set(&found.word, word);
                let all = beats.successful_records.into_iter().flat_map(|of| of.endpoints);
                return Ok(all.filter_map(|beat| Some((beat.endpoint, beat.is_online?))).collect());
            }
            Err(error) if is_nothing(&error) => return Ok(BTreeMap::new()),
            Err(error) if matches!(error.status(), Some(400 | 403)) => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    let nobody =
        || ApiError::answered("who is online", Fault::Unaskable("there is no word for it".to_owned()));
    Err(last.unwrap_or_else(nobody))
}

/// The full record of one endpoint; nothing when there is none.
pub(super) async fn device(client: &Client, endpoint: &str) -> Result<Option<Device>, ApiError> {
    let call = Call::get("the details of an endpoint").at("api/platform/v1/device/endpoints").part(endpoint);
    match client.json(&call).await {
        Ok(device) => Ok(Some(device)),
        Err(error) if matches!(error.fault, Fault::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is left of the limits.
pub(super) async fn rate_limits(client: &Client) -> Result<RateLimits, ApiError> {
    client.json(&Call::get("the rate limits").at("v1/rate_limits")).await
}
