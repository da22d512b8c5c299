//! The rules of the market as data: which price a trade has, fees, taxes and limits.
//!
//! All in integers: rates in basis points (1/100 of a per cent), money in cents, 128 bits in
//! between. A fee or tax that comes out as a fraction of a cent is rounded up, against the
//! player, so that splitting a trade never pays. What does not fit is an error, never a wrap.
//!
//! The formulas are those of EVE Online as players know them; `docs/market.md` has them in words.

use orrery_base::command::RejectCode;
use orrery_base::money::{Money, MoneyOverflow};
use orrery_base::value::{OrderRange, QUANTITY_MAX};

use super::order::{DAYS, Order, Side, Terms};
use crate::WallTime;

/// Basis points in a whole.
const WHOLE_BP: i128 = 10_000;
/// Cents in one unit of money.
const CENTS: i64 = 100;

/// Which of two prices a trade has when the buyer would pay more than the seller asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PriceRule {
    /// That of the order that comes in: whoever waited has the better of it.
    #[default]
    Incoming,
    /// That of the order that was there first, as on a stock exchange.
    Resting,
}

/// Fees, taxes and limits. [`Default`] is what a character without any skill in trade has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MarketRules {
    /// Which price a trade has.
    pub price_rule: PriceRule,
    /// The broker's share of an order's value, basis points.
    pub broker_bp: u32,
    /// The least that the broker takes for an order.
    pub broker_min: Money,
    /// The seller's tax on what was sold, basis points.
    pub tax_bp: u32,
    /// The part of the broker's share that another price of an order costs on its whole new
    /// value, basis points of `broker_bp`.
    pub relist_bp: u32,
    /// Digits of a price (in cents) that may be other than zero, counted from the first.
    pub price_digits: u32,
    /// The highest price of a unit.
    pub price_max: Money,
    /// Resting orders that a character may have.
    pub orders_max: u32,
    /// Time after which an order's price may be changed (again), in milliseconds.
    pub cooldown_ms: u64,
}

impl Default for MarketRules {
    fn default() -> Self {
        Self {
            price_rule: PriceRule::Incoming,
            broker_bp: 300,
            broker_min: Money(100 * CENTS),
            tax_bp: 800,
            relist_bp: 5_000,
            price_digits: 4,
            price_max: Money(9_999_000_000_000 * CENTS),
            orders_max: 5,
            cooldown_ms: 5 * 60 * 1000,
        }
    }
}

impl MarketRules {
    /// What a character has who has trained every skill in trade.
    #[must_use]
    pub fn trained() -> Self {
        Self {
            broker_bp: 150,
            tax_bp: 360,
            relist_bp: 2_500,
            orders_max: 305,
            ..Self::default()
        }
    }

    /// Whether an order may have these terms.
    ///
    /// # Errors
    /// The player's mistake: `PriceInvalid`, `QuantityInvalid`, `MinimumInvalid`,
    /// `OrderRangeInvalid`, `DurationInvalid`, or `AmountTooLarge` if price times quantity and
    /// the fees on it do not fit.
    pub fn check(&self, terms: &Terms) -> Result<(), RejectCode> {
        if !self.price_is_valid(terms.price) {
            return Err(RejectCode::PriceInvalid);
        }
        if terms.quantity == 0 || terms.quantity > QUANTITY_MAX {
            return Err(RejectCode::QuantityInvalid);
        }
        if terms.side == Side::Buy {
            if terms.minimum == 0 || terms.minimum > terms.quantity {
                return Err(RejectCode::MinimumInvalid);
            }
            if matches!(terms.range, OrderRange::Jumps(jumps) if !OrderRange::JUMPS.contains(&jumps))
            {
                return Err(RejectCode::OrderRangeInvalid);
            }
        }
        if !DAYS.contains(&terms.days) {
            return Err(RejectCode::DurationInvalid);
        }
        value_of(terms.price, terms.quantity)
            .and_then(|value| value.plus(self.broker_fee(value)?))
            .map_err(|_| RejectCode::AmountTooLarge)?;
        Ok(())
    }

    /// Whether a unit may have this price: more than nothing, at most [`Self::price_max`], and
    /// no more digits than [`Self::price_digits`] before the zeros at its end.
    #[must_use]
    pub const fn price_is_valid(&self, price: Money) -> bool {
        price.0 > 0 && price.0 <= self.price_max.0 && price.0 % self.price_step(price).0 == 0
    }

    /// The difference between this price and the next higher valid one: one cent, or a power of
    /// ten. A price that is not positive counts as a cent.
    #[must_use]
    pub const fn price_step(&self, price: Money) -> Money {
        let cents = if price.0 > 0 { price.0 as u64 } else { 1 };
        let spare = (cents.ilog10() + 1).saturating_sub(self.price_digits);
        // At most 10^18, because 64 bits of cents have at most 19 digits and one is kept.
        let spare = if spare > 18 { 18 } else { spare };
        Money(10_i64.pow(spare))
    }

    /// The greatest valid price that is not above this one; `None` below one cent.
    #[must_use]
    pub fn price_at_most(&self, price: Money) -> Option<Money> {
        let price = price.min(self.price_max);
        (price.0 > 0).then(|| Money(price.0 - price.0 % self.price_step(price).0))
    }

    /// What the broker takes for an order of this value that rests: the share, at least
    /// [`Self::broker_min`]. Nothing for an order of no value, because it does not rest.
    ///
    /// # Errors
    /// [`MoneyOverflow`] if that does not fit.
    pub fn broker_fee(&self, value: Money) -> Result<Money, MoneyOverflow> {
        if value.0 <= 0 {
            return Ok(Money::ZERO);
        }
        let fee = share(i128::from(value.0) * i128::from(self.broker_bp), WHOLE_BP)?;
        Ok(fee.max(self.broker_min))
    }

    /// What the seller pays of what was sold.
    ///
    /// # Errors
    /// [`MoneyOverflow`] if that does not fit.
    pub fn sales_tax(&self, value: Money) -> Result<Money, MoneyOverflow> {
        share(
            i128::from(value.0.max(0)) * i128::from(self.tax_bp),
            WHOLE_BP,
        )
    }

    /// What the broker takes for another price: a part of the usual share of the new value, and
    /// the usual share of what the value grows by; at least [`Self::broker_min`].
    ///
    /// # Errors
    /// [`MoneyOverflow`] if that does not fit.
    pub fn relist_fee(&self, old: Money, new: Money) -> Result<Money, MoneyOverflow> {
        let broker = i128::from(self.broker_bp);
        let value = i128::from(new.0.max(0));
        let growth = (value - i128::from(old.0.max(0))).max(0);
        // The greatest: 2^63 · 2^32 · 2^32 < 2^127.
        let sum = value * broker * i128::from(self.relist_bp);
        let fee = sum
            .checked_add(growth * broker * WHOLE_BP)
            .ok_or(MoneyOverflow)?;
        Ok(share(fee, WHOLE_BP * WHOLE_BP)?.max(self.broker_min))
    }

    /// Whether the order's price may be changed by now.
    #[must_use]
    pub const fn may_change(&self, order: &Order, now: WallTime) -> bool {
        now.since_ms(order.changed) >= self.cooldown_ms
    }
}

/// Price times quantity.
///
/// # Errors
/// [`MoneyOverflow`] if that does not fit.
pub fn value_of(price: Money, quantity: u64) -> Result<Money, MoneyOverflow> {
    let cents = i128::from(price.0) * i128::from(quantity);
    i64::try_from(cents).map(Money).map_err(|_| MoneyOverflow)
}

/// `amount / whole`, rounded up; `amount` is not negative.
fn share(amount: i128, whole: i128) -> Result<Money, MoneyOverflow> {
    let cents = amount / whole + i128::from(amount % whole != 0);
    i64::try_from(cents).map(Money).map_err(|_| MoneyOverflow)
}

#[cfg(test)]
mod tests;
