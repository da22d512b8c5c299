//! Insurance of hulls: what a policy costs and what it pays.
//!
//! premium and payout are shares of the hull's base value, by level ⚙: none 0/40 %, then 5/50 up to
//! 30/100 %; it ends after ⚙ 12 weeks, and nothing at all is paid for what the police destroy
//!                                                                    docs/mechanics.md#insurance
//! Golden vectors: tests/golden/insurance.csv
//!
//! Shares are thousandths, money is cents, and fractions of a cent are the insurer's: premiums are
//! rounded up, payouts down.

use orrery_base::Tick;
use orrery_base::money::Money;

/// One level of insurance, data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Level {
    /// What it costs, thousandths of the base value.
    pub premium_permille: u32,
    /// What it pays, thousandths of the base value.
    pub payout_permille: u32,
}

/// What a policy costs; nothing for a base value that is not positive.
#[must_use]
pub fn premium(base: Money, level: Level) -> Money {
    Money(part(base, level.premium_permille, 999))
}

/// What a policy pays for a hull lost in `tick`: that of `level` until `ends`, that of `lapsed` (the
/// level of who bought none) after it, nothing if the police destroyed it.
#[must_use]
pub fn payout(
    base: Money,
    level: Level,
    lapsed: Level,
    ends: Tick,
    tick: Tick,
    by_police: bool,
) -> Money {
    if by_police {
        return Money::ZERO;
    }
    let paying = if tick.0 < ends.0 { level } else { lapsed };
    Money(part(base, paying.payout_permille, 0))
}

/// Thousandths of an amount, plus what rounds up; limited to what money can be.
fn part(base: Money, permille: u32, round: i128) -> i64 {
    let cents = (i128::from(base.0.max(0)) * i128::from(permille) + round) / 1_000;
    i64::try_from(cents).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{golden, number};
    use proptest::prelude::*;

    const NONE: Level = Level {
        premium_permille: 0,
        payout_permille: 400,
    };

    #[test]
    fn policies_are_the_golden_ones() {
        for cells in golden::<5>(include_str!("../tests/golden/insurance.csv")) {
            let [base, cost, pays] = [0, 3, 4].map(|cell| Money(number(cells[cell])));
            let level = Level {
                premium_permille: number(cells[1]),
                payout_permille: number(cells[2]),
            };
            assert_eq!(premium(base, level), cost, "{cells:?}");
            let pay = |tick, police| payout(base, level, NONE, Tick(100), Tick(tick), police);
            assert_eq!(pay(99, false), pays, "{cells:?}");
            assert_eq!(
                pay(100, false),
                payout(base, NONE, NONE, Tick(0), Tick(0), false)
            );
            assert_eq!(pay(99, true), Money::ZERO);
        }
    }

    proptest! {
        #[test]
        fn no_amount_overflows(base in any::<i64>(), a in any::<u32>(), b in any::<u32>()) {
            let level = Level { premium_permille: a, payout_permille: b };
            prop_assert!(premium(Money(base), level).0 >= 0);
            prop_assert!(payout(Money(base), level, level, Tick(0), Tick(1), false).0 >= 0);
        }
    }
}
