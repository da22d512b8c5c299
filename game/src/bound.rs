//! Numbers kept in their ranges, so that the formulas are total: whatever content or a fit says,
//! no formula panics, and none hands on a NaN. Written with comparisons, since `f64::max` and
//! `f64::min` leave open which zero they return.

/// Nothing in the rules is larger. Products of five of them are finite, so that no infinity comes
/// about and with it no NaN.
pub(crate) const LARGEST: f64 = 1e60;

/// The number, or zero if it is negative or not a number; at most [`LARGEST`].
pub(crate) fn at_least_zero(x: f64) -> f64 {
    if x > LARGEST {
        LARGEST
    } else if x > 0.0 {
        x
    } else {
        0.0
    }
}

/// The number limited to 0..=1; zero if it is not a number.
pub(crate) fn share(x: f64) -> f64 {
    smaller(at_least_zero(x), 1.0)
}

/// The smaller of two numbers, neither of them NaN.
pub(crate) fn smaller(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// The larger of two numbers, neither of them NaN.
pub(crate) fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// `a / b` for numbers that are not negative, at most [`LARGEST`]: that is what comes of `b` = 0,
/// unless `a` is zero too. An infinite `b` gives zero.
pub(crate) fn ratio(a: f64, b: f64) -> f64 {
    let a = at_least_zero(a);
    if a == 0.0 || b == f64::INFINITY {
        0.0
    } else {
        smaller(a / at_least_zero(b), LARGEST)
    }
}

/// Seconds from one beat to another; zero if `to` is earlier.
pub(crate) fn seconds(from: orrery_base::Tick, to: orrery_base::Tick) -> f64 {
    to.since(from) as f64 / f64::from(orrery_base::BEATS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_becomes_a_number() {
        assert_eq!([f64::NAN, -1.0, 0.5, 7.0].map(share), [0.0, 0.0, 0.5, 1.0]);
        assert_eq!(at_least_zero(f64::NAN).to_bits(), 0);
        assert_eq!(at_least_zero(-0.0).to_bits(), 0);
        assert_eq!(ratio(0.0, 0.0).to_bits(), 0);
        assert_eq!(at_least_zero(f64::INFINITY), LARGEST);
        assert_eq!(ratio(1.0, 0.0), LARGEST);
        assert_eq!(ratio(f64::INFINITY, f64::INFINITY), 0.0);
        assert_eq!(ratio(6.0, 4.0), 1.5);
    }
}
