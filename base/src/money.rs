//! Money as an integer number of cents. Overflow is an error, never a wrap.

use core::fmt;

/// An amount of money, in cents; negative for a debt or a debit.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Debug,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
)]
#[repr(transparent)]
pub struct Money(pub i64);

/// The sum or product does not fit 64 bits of cents.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("amount of money exceeds 64 bits of cents")]
pub struct MoneyOverflow;

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Adds.
    ///
    /// # Errors
    /// [`MoneyOverflow`] if the sum does not fit.
    pub const fn plus(self, other: Self) -> Result<Self, MoneyOverflow> {
        match self.0.checked_add(other.0) {
            Some(cents) => Ok(Self(cents)),
            None => Err(MoneyOverflow),
        }
    }

    /// Subtracts.
    ///
    /// # Errors
    /// [`MoneyOverflow`] if the difference does not fit.
    pub const fn minus(self, other: Self) -> Result<Self, MoneyOverflow> {
        match self.0.checked_sub(other.0) {
            Some(cents) => Ok(Self(cents)),
            None => Err(MoneyOverflow),
        }
    }

    /// Multiplies by a count.
    ///
    /// # Errors
    /// [`MoneyOverflow`] if the product does not fit.
    pub const fn times(self, count: i64) -> Result<Self, MoneyOverflow> {
        match self.0.checked_mul(count) {
            Some(cents) => Ok(Self(cents)),
            None => Err(MoneyOverflow),
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let cents = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", cents / 100, cents % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overflow_is_an_error() {
        assert_eq!(Money(i64::MAX).plus(Money(1)), Err(MoneyOverflow));
        assert_eq!(Money(i64::MIN).minus(Money(1)), Err(MoneyOverflow));
        assert_eq!(Money(i64::MAX / 2 + 1).times(2), Err(MoneyOverflow));
        assert_eq!(Money(150).plus(Money(-151)), Ok(Money(-1)));
    }

    #[test]
    fn shows_cents() {
        assert_eq!(Money(-105).to_string(), "-1.05");
        assert_eq!(Money(i64::MIN).to_string(), "-92233720368547758.08");
    }
}
