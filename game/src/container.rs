//! Cans: how often one may be jettisoned, and when an idle one decays.
//!
//! jettison at most every ⚙ 3 min; holds ⚙ 27,500 m³; lasts ⚙ 2 h, vanishes when empty
//! secure cans decay ⚙ 30 days after the last use                     docs/mechanics.md#wrecks

use orrery_base::Tick;

/// Whether another can may be jettisoned. `last` is `None` if this pilot never did.
#[must_use]
pub const fn may_jettison(last: Option<Tick>, tick: Tick, interval_beats: u64) -> bool {
    match last {
        Some(last) => tick.since(last) >= interval_beats,
        None => true,
    }
}

/// Whether what is jettisoned fits one can; litres. Nothing does not make a can.
#[must_use]
pub const fn fits(volume_l: u64, can_l: u64) -> bool {
    volume_l > 0 && volume_l <= can_l
}

/// Whether an anchored can has decayed: nobody used it for too long.
#[must_use]
pub const fn is_decayed(last_use: Tick, tick: Tick, idle_beats: u64) -> bool {
    tick.since(last_use) >= idle_beats
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_kept() {
        assert!(may_jettison(None, Tick(0), 5_400));
        assert!(!may_jettison(Some(Tick(10)), Tick(5_409), 5_400));
        assert!(may_jettison(Some(Tick(10)), Tick(5_410), 5_400));
        assert!(!is_decayed(Tick(10), Tick(109), 100) && is_decayed(Tick(10), Tick(110), 100));
    }

    #[test]
    fn a_can_holds_what_it_holds() {
        assert!(fits(27_500_000, 27_500_000) && !fits(27_500_001, 27_500_000) && !fits(0, 1));
    }
}
