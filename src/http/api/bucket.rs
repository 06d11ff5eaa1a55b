//! How fast a link may be asked: a token bucket, as a pure state machine that is handed the time.
//!
//! Not here: waiting (`gate`).
//!
//! Invariants: within any span of time no more requests start than the burst and what the rate gives in that span; a pause
//! holds for every request after it; a rate that was lowered does not rise by itself. Whole nanoseconds, no fractions.

use std::time::Duration;

/// How much may be asked of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests in `per`; 0 counts as 1.
    pub requests: u32,
    /// The span of time that they are spread over.
    pub per: Duration,
    /// How many may start at once after a rest; 0 counts as 1.
    pub burst: u32,
}

impl Rate {
    /// So many requests in a second, and as many at once.
    #[must_use]
    pub const fn per_second(requests: u32) -> Self {
        Self { requests, per: Duration::from_secs(1), burst: requests }
    }

    fn interval(self) -> Duration {
        self.per / self.requests.max(1)
    }
}

/// The state. Times are spans since any fixed instant.
#[derive(Debug, Clone)]
pub struct Bucket {
    interval: Duration,
    burst: u32,
    /// When the bucket is full again.
    full_at: Duration,
    paused_until: Duration,
}

impl Bucket {
    /// A full bucket.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self {
            interval: rate.interval(),
            burst: rate.burst.max(1),
            full_at: Duration::ZERO,
            paused_until: Duration::ZERO,
        }
    }

    /// How long the next request has to wait if it may wait for `patience`; then the place is taken. Else nothing is taken,
    /// and the answer is how long it would have to wait.
    ///
    /// # Errors
    /// The wait that is too long.
    pub fn take(&mut self, now: Duration, patience: Duration) -> Result<Duration, Duration> {
        // The first instant at which there is room for one more.
        let room = self.interval.saturating_mul(self.burst.saturating_sub(1));
        let start = now.max(self.full_at.saturating_sub(room)).max(self.paused_until);
        let wait = start.saturating_sub(now);
        if wait > patience {
            return Err(wait);
        }
        self.full_at = self.full_at.max(start).saturating_add(self.interval);
        Ok(wait)
    }

    /// How long a pause goes on.
    #[must_use]
    pub fn pause_left(&self, now: Duration) -> Duration {
        self.paused_until.saturating_sub(now)
    }

    /// Nothing starts for this long.
    pub fn pause(&mut self, now: Duration, length: Duration) {
        self.paused_until = self.paused_until.max(now.saturating_add(length));
    }

    /// The server says that it allows this much; a link is never asked faster than its own settings say.
    pub fn lower(&mut self, rate: Rate) {
        self.interval = self.interval.max(rate.interval());
        self.burst = self.burst.min(rate.burst.max(1));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FOREVER: Duration = Duration::from_secs(1 << 40);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let mut bucket = Bucket::new(Rate { requests: 10, per: ms(1000), burst: 3 });
        let waits: Vec<u64> =
            (0..6).map(|_| bucket.take(ms(5000), FOREVER).unwrap().as_millis().try_into().unwrap()).collect();
        assert_eq!(waits, [0, 0, 0, 100, 200, 300]);
    }

    #[test]
    fn a_pause_holds_for_all_and_patience_is_not_overdrawn() {
        let mut bucket = Bucket::new(Rate::per_second(5));
        bucket.pause(ms(100), ms(2000));
        bucket.pause(ms(200), ms(10));
        assert_eq!(bucket.take(ms(200), ms(1000)), Err(ms(1900)));
        assert_eq!(bucket.take(ms(200), ms(1900)), Ok(ms(1900)));
        assert_eq!(bucket.pause_left(ms(1100)), ms(1000));
        assert_eq!(bucket.pause_left(ms(9000)), Duration::ZERO);
    }

    #[test]
    fn a_rate_is_lowered_and_never_raised() {
        let mut bucket = Bucket::new(Rate { requests: 10, per: ms(1000), burst: 4 });
        bucket.lower(Rate { requests: 100, per: ms(1000), burst: 100 });
        assert_eq!((bucket.interval, bucket.burst), (ms(100), 4));
        bucket.lower(Rate { requests: 500, per: Duration::from_mins(5), burst: 1 });
        assert_eq!((bucket.interval, bucket.burst), (ms(600), 1));
    }

    proptest! {
        #[test]
        fn no_span_of_time_has_more_starts_than_burst_and_rate_give(
            requests in 1..50_u32, per in 1..5000_u64, burst in 1..20_u32,
            steps in proptest::collection::vec((0..400_u64, proptest::option::weighted(0.1, 0..2000_u64)), 1..120),
        ) {
            let rate = Rate { requests, per: ms(per), burst };
            let mut bucket = Bucket::new(rate);
            let (mut now, mut starts, mut pauses) = (Duration::ZERO, Vec::new(), Vec::new());
            for (later, pause) in steps {
                now += ms(later);
                if let Some(length) = pause {
                    bucket.pause(now, ms(length));
                    pauses.push((starts.len(), now + ms(length)));
                }
                starts.push(now + bucket.take(now, FOREVER).unwrap());
            }
            for (from, start) in starts.iter().enumerate() {
                for (more, end) in starts.iter().enumerate().skip(from) {
                    let count = u128::try_from(more - from + 1).unwrap();
                    let given = u128::from(burst) + (*end).checked_sub(*start).unwrap().as_nanos() / (ms(per) / requests).as_nanos();
                    prop_assert!(count <= given, "{count} starts, {given} given");
                }
            }
            for (first, until) in pauses {
                prop_assert!(starts.iter().skip(first).all(|start| *start >= until));
            }
        }
    }
}
