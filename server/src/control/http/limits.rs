//! How often one network, and all together, may ask.
//!
//! **Bound:** an entry per network that asked within the last minute; [`RateLimits::forget_old`]
//! removes the others. The limit on all together bounds how many there can be.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, NotUntil, Quota};
use orrery_services::throttle::Network;

use crate::config::AccountsConfig;

/// Requests of all networks together, a minute: a few percent of the control thread.
const REQUESTS_PER_MINUTE_TOTAL: u32 = 60_000;
/// Sign-ups and log-ins of all networks together, a minute: what two password threads can do.
const LOGINS_PER_MINUTE_TOTAL: u32 = 4_000;

/// The limits.
#[derive(Debug)]
pub(in super::super) struct RateLimits {
    requests: DefaultKeyedRateLimiter<Network>,
    logins: DefaultKeyedRateLimiter<Network>,
    requests_total: DefaultDirectRateLimiter,
    logins_total: DefaultDirectRateLimiter,
    clock: DefaultClock,
}

impl RateLimits {
    pub(in super::super) fn new(config: &AccountsConfig) -> Self {
        Self {
            requests: DefaultKeyedRateLimiter::keyed(quota(config.requests_per_minute)),
            logins: DefaultKeyedRateLimiter::keyed(quota(config.logins_per_minute)),
            requests_total: DefaultDirectRateLimiter::direct(quota(REQUESTS_PER_MINUTE_TOTAL)),
            logins_total: DefaultDirectRateLimiter::direct(quota(LOGINS_PER_MINUTE_TOTAL)),
            clock: DefaultClock::default(),
        }
    }

    /// Counts a request; if it is one too many, how many seconds to wait.
    pub(super) fn request(&self, network: Network) -> Result<(), u64> {
        self.requests_total
            .check()
            .map_err(|until| self.wait_s(&until))?;
        self.requests
            .check_key(&network)
            .map_err(|until| self.wait_s(&until))
    }

    /// Counts a sign-up, a log-in or a wrong key; if it is one too many, how many seconds to wait.
    pub(super) fn login(&self, network: Network) -> Result<(), u64> {
        self.logins_total
            .check()
            .map_err(|until| self.wait_s(&until))?;
        self.logins
            .check_key(&network)
            .map_err(|until| self.wait_s(&until))
    }

    /// Forgets networks that have their full allowance again.
    pub(in super::super) fn forget_old(&self) {
        for limiter in [&self.requests, &self.logins] {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }

    fn wait_s(&self, until: &NotUntil<<DefaultClock as governor::clock::Clock>::Instant>) -> u64 {
        until.wait_time_from(self.clock.now()).as_secs() + 1
    }
}

/// A minute's worth, half of which may come at once.
fn quota(per_minute: u32) -> Quota {
    let per_minute = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
    let burst = NonZeroU32::new(per_minute.get() / 2).unwrap_or(NonZeroU32::MIN);
    let interval = Duration::from_secs(60) / per_minute.get();
    // The configuration has at most a million a minute, so the interval is not zero.
    Quota::with_period(interval)
        .unwrap_or_else(|| Quota::per_minute(per_minute))
        .allow_burst(burst)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_minutes_worth_may_come_at_once_and_networks_do_not_share() {
        let config = AccountsConfig {
            requests_per_minute: 10,
            logins_per_minute: 1,
            ..Default::default()
        };
        let limits = RateLimits::new(&config);
        let one = Network::of([192, 0, 2, 1].into());
        let other = Network::of([192, 0, 2, 2].into());
        for _ in 0..5 {
            assert_eq!(limits.request(one), Ok(()));
        }
        let wait = limits.request(one).unwrap_err();
        assert!((1..=7).contains(&wait), "{wait}");
        assert_eq!(limits.request(other), Ok(()));
        assert_eq!(limits.login(one), Ok(()));
        assert!(limits.login(one).is_err());
        limits.forget_old();
        assert!(limits.login(one).is_err(), "what is recent is remembered");
    }
}
