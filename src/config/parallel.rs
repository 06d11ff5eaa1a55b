//! The same work on many values by a few threads, with results in the order of the values.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How many values a thread takes at once.
const CHUNK: usize = 32;
/// The most threads.
const THREADS: usize = 8;

/// `work` for each value. Threads are used where there are enough values; a panic in one of them goes on in the caller.
pub(crate) fn map<T: Sync, R: Send>(values: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = cores.min(THREADS).min(values.len().div_ceil(CHUNK));
    if threads < 2 {
        return values.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let run = || {
        let mut done = Vec::new();
        loop {
            let start = next.fetch_add(CHUNK, Ordering::Relaxed);
            let Some(rest) = values.get(start..).filter(|rest| !rest.is_empty()) else { return done };
            let results: Vec<R> = rest.iter().take(CHUNK).map(&work).collect();
            done.push((start, results));
        }
    };
    let mut all: Vec<(usize, Vec<R>)> = std::thread::scope(|scope| {
        let handles: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let mut all = run();
        for handle in handles {
            match handle.join() {
                Ok(results) => all.extend(results),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_by_key(|(start, _)| *start);
    all.into_iter().flat_map(|(_, results)| results).collect()
}

#[cfg(test)]
mod tests {
    use super::map;

    #[test]
    fn results_are_in_the_order_of_the_values() {
        for count in [0, 1, 31, 32, 33, 1000] {
            let values: Vec<usize> = (0..count).collect();
            let expected: Vec<usize> = values.iter().map(|n| n * 2).collect();
            assert_eq!(map(&values, |n| n * 2), expected);
        }
    }
}
