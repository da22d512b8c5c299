//! What a number is kept in: written by one thread, read by the scrape, never locked.
//!
//! Everything is relaxed: a scrape may see one number of a beat and not yet another, which no
//! graph can show. A counter costs one locked addition (5 ns), a histogram two.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn increment(&self) {
        self.add(1);
    }

    /// `count` more.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// Takes over a total that somebody else counts. Only for counters that nobody adds to.
    pub fn copy(&self, total: u64) {
        self.0.store(total, Ordering::Relaxed);
    }

    /// The number.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// A gauge that stands at `value`.
    #[must_use]
    pub const fn at(value: u64) -> Self {
        Self(AtomicU64::new(value))
    }

    /// Sets it.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// One more.
    pub fn raise(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// One less; stays at zero.
    pub fn lower(&self) {
        let lowered = |value: u64| value.checked_sub(1);
        // `Err` means that it stands at zero already, where it stays.
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, lowered);
    }

    /// The number.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Buckets of a doubling: the width of a bucket is an eighth of where it begins.
const STEPS: usize = 8;
const STEP_BITS: u32 = STEPS.trailing_zeros();
/// Doublings that are told apart: durations up to 2³⁶ ns, 69 s.
const DOUBLINGS: usize = 33;
const BUCKETS: usize = STEPS * (DOUBLINGS + 1);
/// The coarser buckets of a scrape end at these powers of two of nanoseconds: from 33 µs to
/// 1.07 s. They are edges of the fine buckets too, so nothing is estimated.
const COARSE: core::ops::RangeInclusive<u32> = 15..=30;
/// Behind these, from 4.2 to 33.6 ms, there are three more in between: here it is decided whether
/// beats are good, and a bucket twice as wide as its beginning would not tell.
const QUARTERED: core::ops::Range<u32> = 22..25;

/// Durations by their size, exact to an eighth.
#[derive(Debug)]
pub struct Histogram {
    buckets: Box<[AtomicU64; BUCKETS]>,
    sum_ns: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: Box::new([const { AtomicU64::new(0) }; BUCKETS]),
            sum_ns: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    /// Counts a duration; those beyond 69 s count as 69 s.
    pub fn record(&self, duration: Duration) {
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket_of(ns)].fetch_add(1, Ordering::Relaxed);
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// What was counted so far.
    #[must_use]
    pub fn snapshot(&self) -> Distribution {
        Distribution {
            counts: self
                .buckets
                .iter()
                .map(|count| count.load(Ordering::Relaxed))
                .collect(),
            sum_ns: self.sum_ns.load(Ordering::Relaxed),
        }
    }
}

/// The counts of a [`Histogram`] at one moment, or of several together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Distribution {
    counts: Vec<u64>,
    sum_ns: u64,
}

impl Default for Distribution {
    fn default() -> Self {
        Self {
            counts: vec![0; BUCKETS],
            sum_ns: 0,
        }
    }
}

impl Distribution {
    /// How many durations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Their sum, seconds.
    #[must_use]
    pub fn sum_s(&self) -> f64 {
        self.sum_ns as f64 / 1e9
    }

    /// Adds what another shard has counted.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.sum_ns += other.sum_ns;
    }

    /// What was counted since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let counts = self.counts.iter().zip(&earlier.counts);
        Self {
            counts: counts
                .map(|(now, then)| now.saturating_sub(*then))
                .collect(),
            sum_ns: self.sum_ns.saturating_sub(earlier.sum_ns),
        }
    }

    /// The duration that `quantile` (0..=1) of them do not exceed, as the end of its bucket;
    /// nothing if nothing was counted.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        let count = self.count();
        let rank = ((count as f64 * quantile).ceil() as u64).clamp(1, count.max(1));
        let mut seen = 0;
        for (bucket, in_bucket) in self.counts.iter().enumerate() {
            seen += in_bucket;
            if seen >= rank {
                return Some(Duration::from_nanos(end_of(bucket)));
            }
        }
        None
    }

    /// Buckets for a scrape: upper bound in seconds and how many are in it alone; the last is
    /// unbounded.
    pub(super) fn coarse(&self) -> Vec<(f64, u64)> {
        let mut from = 0;
        let mut buckets = Vec::new();
        for power in COARSE {
            let quarters = if QUARTERED.contains(&power) { 4 } else { 1 };
            for quarter in 0..quarters {
                let bound_ns = (1_u64 << power) + (quarter << power) / 4;
                // A duration of exactly the bound is in the bucket above: nobody can tell.
                let to = bucket_of(bound_ns);
                buckets.push((bound_ns as f64 / 1e9, self.counts[from..to].iter().sum()));
                from = to;
            }
        }
        buckets.push((f64::INFINITY, self.counts[from..].iter().sum()));
        buckets
    }
}

/// The bucket of a duration: by its highest bit and the three below.
fn bucket_of(ns: u64) -> usize {
    if ns < STEPS as u64 {
        return ns as usize;
    }
    let doubling = ns.ilog2() - STEP_BITS;
    let step = (ns >> doubling) as usize - STEPS;
    (STEPS * (doubling as usize + 1) + step).min(BUCKETS - 1)
}

/// The first duration, in nanoseconds, that is beyond a bucket.
fn end_of(bucket: usize) -> u64 {
    let next = bucket + 1;
    if next < STEPS {
        return next as u64;
    }
    let (doubling, step) = (next / STEPS - 1, next % STEPS);
    ((STEPS + step) as u64) << doubling
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn buckets_meet_without_gaps() {
        for bucket in 0..BUCKETS - 1 {
            assert_eq!(bucket_of(end_of(bucket)), bucket + 1);
            assert_eq!(bucket_of(end_of(bucket) - 1), bucket);
        }
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_of_nothing_are_nothing() {
        assert_eq!(Histogram::default().snapshot().quantile(0.5), None);
    }

    #[test]
    fn a_gauge_does_not_fall_below_zero() {
        let gauge = Gauge::at(1);
        gauge.lower();
        gauge.lower();
        assert_eq!(gauge.value(), 0);
        gauge.raise();
        assert_eq!(gauge.value(), 1);
    }

    proptest! {
        #[test]
        fn quantiles_are_exact_to_an_eighth(
            mut durations in proptest::collection::vec(0_u64..60_000_000_000, 1..200),
            quantile in 0.0_f64..=1.0,
        ) {
            let histogram = Histogram::default();
            for &ns in &durations {
                histogram.record(Duration::from_nanos(ns));
            }
            let snapshot = histogram.snapshot();
            prop_assert_eq!(snapshot.count(), durations.len() as u64);
            durations.sort_unstable();
            let rank = ((durations.len() as f64 * quantile).ceil() as usize).max(1);
            let exact = durations[rank - 1];
            let found = snapshot.quantile(quantile).expect("not empty").as_nanos() as u64;
            prop_assert!(found > exact && found <= exact + exact / 8 + 1, "{} for {}", found, exact);
        }

        #[test]
        fn coarse_buckets_lose_nothing(
            durations in proptest::collection::vec(0_u64..100_000_000_000, 0..100),
        ) {
            let histogram = Histogram::default();
            for &ns in &durations {
                histogram.record(Duration::from_nanos(ns));
            }
            let coarse = histogram.snapshot().coarse();
            let mut low = 0.0;
            for (bound, count) in coarse {
                let inside = durations.iter().filter(|&&ns| {
                    let s = ns as f64 / 1e9;
                    s >= low && s < bound
                });
                prop_assert_eq!(inside.count() as u64, count);
                low = bound;
            }
        }

        #[test]
        fn a_window_is_the_difference(
            before in proptest::collection::vec(0_u64..1_000_000, 0..50),
            after in proptest::collection::vec(0_u64..1_000_000, 0..50),
        ) {
            let (whole, alone) = (Histogram::default(), Histogram::default());
            before.iter().for_each(|&ns| whole.record(Duration::from_nanos(ns)));
            let then = whole.snapshot();
            for &ns in &after {
                whole.record(Duration::from_nanos(ns));
                alone.record(Duration::from_nanos(ns));
            }
            prop_assert_eq!(whole.snapshot().since(&then), alone.snapshot());
            let mut merged = then;
            merged.merge(&alone.snapshot());
            prop_assert_eq!(merged, whole.snapshot());
        }
    }
}
