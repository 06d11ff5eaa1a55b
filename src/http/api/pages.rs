//! Goes through the pages of a list, to its end or to an error: a list that broke off is no shorter list (L3).
//!
//! Not here: how a vendor's pages are asked for.
//!
//! Invariants: one page in memory at a time; a page that comes twice, a place that comes twice, more pages than can be, and a page
//! that is shorter than the server says are errors.

use std::collections::BTreeSet;

use futures_util::future::BoxFuture;

use super::error::{ApiError, Fault};

/// The most pages of one list.
pub(super) const MOST: usize = 100_000;

/// One page.
#[derive(Debug)]
pub struct Page<T, P> {
    /// What stands on it.
    pub items: Vec<T>,
    /// Where the next one is; `None` at the end.
    pub next: Option<P>,
    /// How many stand on it, where the server says so.
    pub told: Option<usize>,
    /// What tells it from other pages; see [`super::Answer::mark`].
    pub mark: Vec<u8>,
}

/// Asks for all pages from `first` on and hands over what stands on each; gives how many things there were.
///
/// # Errors
/// Those of a page and of whoever takes it; [`Fault::Pages`] when pages do not fit together.
pub async fn pages<'a, T, P: Ord + Clone>(
    call: &str,
    first: P,
    mut ask: impl FnMut(P) -> BoxFuture<'a, Result<Page<T, P>, ApiError>>,
    mut take: impl FnMut(Vec<T>) -> Result<(), ApiError>,
) -> Result<usize, ApiError> {
    let wrong = |why: String| ApiError::answered(call, Fault::Pages(why));
    let mut places = BTreeSet::from([first.clone()]);
    let mut marks = BTreeSet::new();
    let mut count = 0;
    let mut place = first;
    loop {
        let page = ask(place).await?;
        if let Some(told) = page.told
            && told != page.items.len()
        {
            return Err(wrong(format!("page {} has {} of {told} entries", places.len(), page.items.len())));
        }
        if !page.items.is_empty() && !marks.insert(page.mark) {
            return Err(wrong(format!("page {} came before", places.len())));
        }
        count += page.items.len();
        take(page.items)?;
        let Some(next) = page.next else { return Ok(count) };
        if !places.insert(next.clone()) {
            return Err(wrong(format!("after page {} it starts again", places.len())));
        }
        if places.len() > MOST {
            return Err(wrong(format!("there are more than {MOST} pages")));
        }
        place = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Made = Result<Page<u32, u32>, ApiError>;

    /// Goes through pages as a function makes them.
    fn through(make: impl Fn(u32) -> Made + Send + Sync) -> (Result<usize, ApiError>, Vec<u32>) {
        let mut got = Vec::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let result = runtime.block_on(pages(
            "things of x",
            1,
            |place| {
                let page = make(place);
                Box::pin(async move { page })
            },
            |items| {
                got.extend(items);
                Ok(())
            },
        ));
        (result, got)
    }

    fn page(items: &[u32], next: Option<u32>) -> Page<u32, u32> {
        let mark = items.iter().flat_map(|item| item.to_le_bytes()).collect();
        Page { items: items.to_vec(), next, told: None, mark }
    }

    #[test]
    fn all_pages_come_in_order() {
        let (result, got) = through(|place| Ok(page(&[place, place + 10], (place < 4).then_some(place + 1))));
        assert_eq!(result, Ok(8));
        assert_eq!(got, [1, 11, 2, 12, 3, 13, 4, 14]);
        let (result, _) = through(|place| Ok(page(&[], (place < 3).then_some(place + 1))));
        assert_eq!(result, Ok(0), "empty pages may repeat");
    }

    #[test]
    fn an_error_on_any_page_is_the_lists_error() {
        for bad in 1..4 {
            let broken = || ApiError::answered("things of x", Fault::Broken("cut".to_owned()));
            let (result, _) =
                through(
                    |place| if place == bad { Err(broken()) } else { Ok(page(&[place], Some(place + 1))) },
                );
            assert_eq!(result, Err(broken()));
        }
    }

    #[test]
    fn pages_that_do_not_fit_together_are_an_error() {
        let why = |result: Result<usize, ApiError>| result.unwrap_err().fault.to_string();
        let (same, _) = through(|place| Ok(page(&[7], Some(place + 1))));
        insta::assert_snapshot!(why(same), @"the pages of the list do not fit together: page 2 came before");
        let (circle, _) = through(|place| Ok(page(&[place], Some(place % 3 + 1))));
        insta::assert_snapshot!(why(circle), @"the pages of the list do not fit together: after page 3 it starts again");
        let (short, _) = through(|place| Ok(Page { told: Some(3), ..page(&[place], None) }));
        insta::assert_snapshot!(why(short), @"the pages of the list do not fit together: page 1 has 1 of 3 entries");
    }
}
