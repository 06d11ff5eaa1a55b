//! Asks Automate for its lists, page by page.
//!
//! Not here: what stands on a page (`wire`) and what it means (`read`).
//!
//! Invariants: a list ends with an empty page, since no answer tells how many there are and a server may give fewer than it was asked
//! for; under load a server may wrongly find nothing, so an empty page is asked for twice; pages come in the order of ids. What is
//! removed while its list is read may hide one other entry until the next time.

use futures_util::FutureExt as _;
use serde::de::DeserializeOwned;

use super::wire::{COMPUTER_FIELDS, Client, Computer, Group, GroupComputer, Location};
use crate::http::api::{self, ApiError, Call, Page, pages};

/// How many entries a page may have; the most that the server gives.
pub(super) const PAGE_SIZE: u32 = 1000;

/// Where the API is below the server's address.
pub(super) const API: &str = "cwa/api/v1";

/// A list: what it is called, where it is, which members are asked for, by which they are ordered.
pub(super) struct List {
    name: &'static str,
    path: &'static str,
    fields: &'static str,
}

pub(super) const COMPUTERS: List =
    List { name: "the list of computers", path: "Computers", fields: COMPUTER_FIELDS };
const CLIENTS: List =
    List { name: "the list of clients", path: "Clients", fields: "Id,Name,Company,ExternalId" };
const LOCATIONS: List = List { name: "the list of locations", path: "Locations", fields: "Id,Name,Client" };
const GROUPS: List = List {
    name: "the list of groups",
    path: "Groups",
    fields: "Id,Name,FullName,ComputersAutoJoinSearch,ComputersLimitToSearch",
};
const GROUP_COMPUTERS: List =
    List { name: "the members of groups", path: "GroupComputers", fields: "Id,GroupId,ComputerId" };

/// The scripts, without their texts.
pub(super) const SCRIPTS: List =
    List { name: "the list of scripts", path: "Scripts", fields: "Id,Name,IsComputerScript,Parameters" };

impl List {
    /// The call for one page, counted from 1.
    pub(super) fn page(&self, page: u32, size: u32) -> Call {
        Call::get(self.name)
            .at(API)
            .at(self.path)
            .query("page", page)
            .query("pageSize", size)
            .query("orderBy", "Id asc")
            .query("includeFields", self.fields)
    }
}

/// Everything on a list, handed over page by page.
pub(super) async fn each<T: DeserializeOwned + Send + 'static>(
    client: &api::Client,
    list: &'static List,
    mut take: impl FnMut(T) + Send,
) -> Result<usize, ApiError> {
    let ask = |page: u32| {
        let client = client.clone();
        async move {
            let mut answer = client.call(&list.page(page, PAGE_SIZE)).await?;
            let mut items: Vec<T> = answer.json()?;
            if items.is_empty() {
                answer = client.call(&list.page(page, PAGE_SIZE)).await?;
                items = answer.json()?;
            }
            let next = (!items.is_empty()).then(|| page.saturating_add(1));
            Ok(Page { items, next, told: None, mark: answer.mark() })
        }
        .boxed()
    };
    let all = |items: Vec<T>| {
        items.into_iter().for_each(&mut take);
        Ok(())
    };
    pages(list.name, 1, ask, all).await
}

async fn all<T: DeserializeOwned + Send + 'static>(
    client: &api::Client,
    list: &'static List,
) -> Result<Vec<T>, ApiError> {
    let mut items = Vec::new();
    each(client, list, |item| items.push(item)).await?;
    Ok(items)
}

/// The computers, one after the other.
pub(super) async fn computers(
    client: &api::Client,
    take: impl FnMut(Computer) + Send,
) -> Result<(), ApiError> {
    each(client, &COMPUTERS, take).await.map(drop)
}

/// The clients and their locations.
pub(super) async fn clients(client: &api::Client) -> Result<(Vec<Client>, Vec<Location>), ApiError> {
    Ok((all(client, &CLIENTS).await?, all(client, &LOCATIONS).await?))
}

/// The groups.
pub(super) async fn groups(client: &api::Client) -> Result<Vec<Group>, ApiError> {
    all(client, &GROUPS).await
}

/// Who is in which group, one after the other.
pub(super) async fn members(
    client: &api::Client,
    take: impl FnMut(GroupComputer) + Send,
) -> Result<(), ApiError> {
    each(client, &GROUP_COMPUTERS, take).await.map(drop)
}
