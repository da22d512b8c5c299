//! Who may begin a handshake: token buckets on the edge's own time.
//!
//! A handshake costs a quarter of a millisecond of the core that also runs grids, and some ten
//! kilobytes until it is through. An Initial's source address proves nothing until a Retry token
//! or a completed handshake has come back from it, so unproved and proved addresses have
//! separate buckets: whoever forges a player's address can empty only the first one, whose
//! consequence is a Retry, never a refusal.

use core::net::IpAddr;
use core::num::NonZeroU32;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Arc;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::config::Limits;

#[cfg(test)]
mod tests;

/// Addresses that a limiter remembers, about a megabyte. Beyond this, every unknown unproved
/// address is asked for a Retry, and every unknown proved one is let through to the limits on
/// handshakes as a whole.
const ADDRESSES_MAX: usize = 16_384;
/// How often addresses are forgotten that have been quiet.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// What to do with an Initial that could open a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Begin the handshake.
    Admit,
    /// Ask for a proof of the address, and keep nothing.
    Retry,
    /// Say nothing; the client's retransmission asks again, after a second at the earliest.
    Defer,
    /// The address has begun enough handshakes.
    RefuseAddress,
    /// Too many handshakes are pending.
    RefusePending,
}

/// The edge's clock: time is what it was last told.
#[derive(Clone, Debug, Default)]
struct EdgeTime(Arc<AtomicU64>);

impl Clock for EdgeTime {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(self.0.load(Ordering::Relaxed))
    }
}

type Bucket = RateLimiter<NotKeyed, InMemoryState, EdgeTime, NoOpMiddleware<Nanos>>;
type Buckets = RateLimiter<u64, HashMapStateStore<u64>, EdgeTime, NoOpMiddleware<Nanos>>;

pub(crate) struct Admission {
    time: EdgeTime,
    swept_ns: u64,
    all: Bucket,
    unproved: Buckets,
    proved: Buckets,
    handshakes: usize,
    retry_from: usize,
    loopback_is_free: bool,
}

fn quota(per_second: u32, burst: u32) -> Quota {
    let at_least_one = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
    Quota::per_second(at_least_one(per_second)).allow_burst(at_least_one(burst))
}

/// An IPv4 address, or the network part of an IPv6 address: one household has 2⁶⁴ of these.
fn address_key(address: IpAddr) -> u64 {
    match address.to_canonical() {
        // No /64 starts with 32 zero bits, other than reserved ones.
        IpAddr::V4(v4) => u64::from(v4.to_bits()),
        IpAddr::V6(v6) => (v6.to_bits() >> 64) as u64,
    }
}

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Self {
        let time = EdgeTime::default();
        let per_address = quota(
            limits.address_handshakes_per_second,
            limits.address_handshakes_burst,
        );
        Self {
            swept_ns: 0,
            all: RateLimiter::direct_with_clock(
                quota(limits.handshakes_per_second, limits.handshakes_burst),
                time.clone(),
            ),
            unproved: RateLimiter::hashmap_with_clock(per_address, time.clone()),
            proved: RateLimiter::hashmap_with_clock(per_address, time.clone()),
            time,
            handshakes: limits.handshakes,
            retry_from: limits.retry_from,
            loopback_is_free: limits.loopback_is_free,
        }
    }

    /// Tells the time since the edge was made; forgets quiet addresses now and then.
    pub(crate) fn set_time(&mut self, since_start: Duration) {
        let now_ns = since_start.as_nanos() as u64;
        self.time.0.store(now_ns, Ordering::Relaxed);
        if now_ns.saturating_sub(self.swept_ns) >= SWEEP_EVERY.as_nanos() as u64 {
            self.swept_ns = now_ns;
            self.unproved.retain_recent();
            self.proved.retain_recent();
        }
    }

    /// Judges one Initial. `pending` is the number of handshakes under way.
    pub(crate) fn judge(&self, address: IpAddr, proved: bool, pending: usize) -> Verdict {
        if !proved {
            if pending >= self.retry_from.min(self.handshakes)
                || !self.has_room(&self.unproved, address)
                || self.all.check().is_err()
            {
                return Verdict::Retry;
            }
            return Verdict::Admit;
        }
        if pending >= self.handshakes {
            return Verdict::RefusePending;
        }
        if !self.has_room(&self.proved, address) {
            return Verdict::RefuseAddress;
        }
        if self.all.check().is_err() {
            return Verdict::Defer;
        }
        Verdict::Admit
    }

    fn has_room(&self, buckets: &Buckets, address: IpAddr) -> bool {
        if self.loopback_is_free && address.to_canonical().is_loopback() {
            return true;
        }
        if buckets.len() >= ADDRESSES_MAX {
            return core::ptr::eq(buckets, &self.proved);
        }
        buckets.check_key(&address_key(address)).is_ok()
    }
}
