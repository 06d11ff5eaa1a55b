//! The answers of simulated sources, and how they go wrong: as lists in JSON that say how long they are.
//!
//! Invariant: a list is read whole or not at all. An answer that is no list, breaks off, or holds fewer entries than it
//! says is an error (L3).

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::config::kind::AnswerFault;

/// A list as it goes over the wire.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct List<T> {
    total: usize,
    entries: Vec<T>,
}

/// What a server says that is in trouble and does not know it.
const ERROR_PAGE: &str =
    "<html><head><title>503 Service Unavailable</title></head><body>Try later.</body></html>";

/// The answer of a source that knows these entries, with this fault.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub(crate) async fn answer<T: Serialize + DeserializeOwned + Clone>(
    entries: &[T],
    fault: Option<AnswerFault>,
) -> Result<Vec<T>, String> {
    let Some(fault) = fault else { return Ok(entries.to_vec()) };
    let mut text = write(entries)?;
    match fault {
        AnswerFault::Fail => return Err("it broke off, as its settings ask for".to_owned()),
        AnswerFault::TimeOut => std::future::pending().await,
        AnswerFault::ErrorPage => ERROR_PAGE.clone_into(&mut text),
        AnswerFault::HalfPage => {
            let mut half = text.len() / 2;
            while !text.is_char_boundary(half) {
                half -= 1;
            }
            text.truncate(half);
        }
        AnswerFault::Shrink => text = write(entries.get(..entries.len() * 2 / 5).unwrap_or_default())?,
    }
    read(&text)
}

fn write<T: Serialize>(entries: &[T]) -> Result<String, String> {
    let list = List { total: entries.len(), entries: entries.iter().collect() };
    serde_json::to_string(&list).map_err(|error| error.to_string())
}

/// Reads a list.
fn read<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, String> {
    let list: List<T> = serde_json::from_str(text).map_err(|error| {
        let begins: String = text.chars().take(40).collect();
        format!("its answer is no list: {error}; it begins with {begins:?}")
    })?;
    if list.entries.len() != list.total {
        return Err(format!("its list has {} of {} entries", list.entries.len(), list.total));
    }
    Ok(list.entries)
}

/// Reads the YAML file of a simulated source; an empty one knows nothing.
///
/// # Errors
/// What is wrong with it, with the line where it can be told.
pub(crate) fn file<T: DeserializeOwned + Default>(text: &str) -> Result<T, String> {
    if text.trim().is_empty() {
        return Ok(T::default());
    }
    serde_saphyr::from_str(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_fault_but_shrinking_is_an_error_and_no_shorter_list() {
        let known: Vec<String> = (0..10).map(|at| format!("entry-{at}-ä")).collect();
        assert_eq!(answer(&known, None).await.as_deref(), Ok(known.as_slice()));
        for fault in [AnswerFault::Fail, AnswerFault::ErrorPage, AnswerFault::HalfPage] {
            assert!(answer(&known, Some(fault)).await.is_err(), "{fault:?}");
        }
        assert_eq!(answer(&known, Some(AnswerFault::Shrink)).await.map(|list| list.len()), Ok(4));
        let never = answer(&known, Some(AnswerFault::TimeOut));
        assert!(tokio::time::timeout(std::time::Duration::from_millis(20), never).await.is_err());
    }

    #[test]
    fn a_list_that_holds_less_than_it_says_is_an_error() {
        assert_eq!(read::<u8>(r#"{"total":2,"entries":[1,2]}"#), Ok(vec![1, 2]));
        for bad in [r#"{"total":3,"entries":[1,2]}"#, "[1,2]", "", r#"{"entries":[1]}"#, ERROR_PAGE] {
            assert!(read::<u8>(bad).is_err(), "{bad}");
        }
    }
}
