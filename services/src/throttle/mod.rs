//! Patience after failed log-ins: a delay that grows, and never a lock-out.
//!
//! *State*: failures by name and network, and by name alone. *Query*: [`Throttle::admit`] before
//! the password is looked at. *Commands*: [`Throttle::failed`], [`Throttle::succeeded`].
//!
//! - From one network, attempts on one name queue behind one another, each after a delay that
//!   doubles with every failure up to [`QUEUED_DELAY_MS_MAX`]. Who queues for longer than
//!   [`WAIT_MS_MAX`] is told to come back: an attacker only shuts himself out.
//! - Over all networks, attempts on one name are delayed, up to [`SHARED_DELAY_MS_MAX`], without
//!   a queue: a distributed attack makes the owner wait two seconds, not more.
//! - The delay depends on the name as typed, never on whether there is such an account.
//! - Failures are forgotten [`MEMORY_MS`] after the last.
//!
//! **Bound:** [`ENTRIES_MAX`] entries; when full, the oldest is forgotten. Cost: 150 bytes each.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::names::fold;
use crate::time::WallTime;

/// Most delay of one attempt, by name and network.
pub const QUEUED_DELAY_MS_MAX: u64 = 8_000;
/// Most delay of one attempt, by name alone.
pub const SHARED_DELAY_MS_MAX: u64 = 2_000;
/// Longest queue: who would wait for longer is refused.
pub const WAIT_MS_MAX: u64 = 10_000;
/// How long failures are remembered after the last.
pub const MEMORY_MS: u64 = 15 * 60 * 1_000;
/// Most entries.
pub const ENTRIES_MAX: usize = 1 << 16;

/// Failures without any delay: people mistype.
const FREE_FAILURES: u32 = 3;
/// The first delay.
const FIRST_DELAY_MS: u64 = 250;

/// The part of an address that one person has: an IPv4 address, or an IPv6 /64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Network(u128);

impl Network {
    /// The network of an address. An IPv4 address in IPv6 clothes counts as IPv4.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self(u128::from(v4.to_ipv6_mapped())),
            IpAddr::V6(v6) => Self(u128::from(v6) & !u128::from(u64::MAX)),
        }
    }
}

/// Whether an attempt may go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admission {
    /// After this many milliseconds (mostly zero).
    After(u64),
    /// Not now: the queue of this name and network is full. Try again after so long.
    TryAgainAfter(u64),
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Key {
    name: String,
    /// `None`: from anywhere.
    network: Option<Network>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    failures: u32,
    last: WallTime,
    /// When the queue's next attempt may begin.
    free_at: WallTime,
}

/// Failed log-ins of the last minutes.
#[derive(Debug, Default)]
pub struct Throttle {
    entries: BTreeMap<Key, Entry>,
    by_age: BTreeSet<(WallTime, Key)>,
}

impl Throttle {
    /// Asks for one attempt to log in as `name` from `address`.
    pub fn admit(&mut self, now: WallTime, name: &str, address: IpAddr) -> Admission {
        self.forget_old(now);
        let name = fold(name);
        let shared = Key {
            name: name.clone(),
            network: None,
        };
        let shared_ms = self
            .entries
            .get(&shared)
            .map_or(0, |entry| delay_ms(entry.failures, SHARED_DELAY_MS_MAX));
        let own = Key {
            name,
            network: Some(Network::of(address)),
        };
        let Some(entry) = self.entries.get_mut(&own) else {
            return Admission::After(shared_ms);
        };
        let delay = delay_ms(entry.failures, QUEUED_DELAY_MS_MAX);
        if delay == 0 {
            return Admission::After(shared_ms);
        }
        let start = entry.free_at.max(now).plus_ms(delay);
        let wait = start.since_ms(now);
        if wait > WAIT_MS_MAX {
            return Admission::TryAgainAfter(entry.free_at.since_ms(now).max(1));
        }
        entry.free_at = start;
        Admission::After(wait.max(shared_ms))
    }

    /// The password was wrong, or there is no such account: count it.
    pub fn failed(&mut self, now: WallTime, name: &str, address: IpAddr) {
        let name = fold(name);
        self.count(
            now,
            Key {
                name: name.clone(),
                network: None,
            },
        );
        self.count(
            now,
            Key {
                name,
                network: Some(Network::of(address)),
            },
        );
    }

    /// The password was right: this network's failures are forgiven. Those of others are not,
    /// since they say something about others.
    pub fn succeeded(&mut self, name: &str, address: IpAddr) {
        let key = Key {
            name: fold(name),
            network: Some(Network::of(address)),
        };
        if let Some(entry) = self.entries.remove(&key) {
            self.by_age.remove(&(entry.last, key));
        }
    }

    /// Entries that are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn count(&mut self, now: WallTime, key: Key) {
        let fresh = Entry {
            failures: 0,
            last: now,
            free_at: now,
        };
        let mut entry = self.entries.get(&key).copied().unwrap_or(fresh);
        self.by_age.remove(&(entry.last, key.clone()));
        entry.failures = entry.failures.saturating_add(1);
        entry.last = now;
        self.by_age.insert((now, key.clone()));
        self.entries.insert(key, entry);
        if self.entries.len() > ENTRIES_MAX
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.entries.remove(&oldest);
        }
    }

    fn forget_old(&mut self, now: WallTime) {
        while let Some((last, _)) = self.by_age.first()
            && now.since_ms(*last) > MEMORY_MS
            && let Some((_, key)) = self.by_age.pop_first()
        {
            self.entries.remove(&key);
        }
    }
}

/// Delay of an attempt after so many failures: nothing at first, then doubling up to `max`.
fn delay_ms(failures: u32, max: u64) -> u64 {
    match failures.checked_sub(FREE_FAILURES) {
        None => 0,
        Some(steps) => (FIRST_DELAY_MS << steps.min(16)).min(max),
    }
}

#[cfg(test)]
mod tests;
