//! The only transcendental functions that deterministic code may call.
//!
//! They come from the `libm` crate, which is the same Rust code on every platform, instead of
//! the platform's mathematics library, whose last bits differ between versions.

/// e^x.
#[must_use]
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// e^x − 1, exact for small x.
#[must_use]
pub fn exp_m1(x: f64) -> f64 {
    libm::expm1(x)
}

/// Natural logarithm, for x > 0.
#[must_use]
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// Inverse hyperbolic sine.
#[must_use]
pub fn asinh(x: f64) -> f64 {
    libm::asinh(x)
}

/// x^y.
#[must_use]
pub fn pow(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}

/// Sine of radians.
#[must_use]
pub fn sin(x: f64) -> f64 {
    libm::sin(x)
}

/// Cosine of radians.
#[must_use]
pub fn cos(x: f64) -> f64 {
    libm::cos(x)
}

/// Square root, correctly rounded by IEEE 754 on every platform.
#[must_use]
pub fn sqrt(x: f64) -> f64 {
    libm::sqrt(x)
}

/// ⌊√x⌋ in integers.
#[must_use]
pub const fn isqrt_u64(x: u64) -> u64 {
    x.isqrt()
}

/// ⌊√x⌋ in integers.
#[must_use]
pub const fn isqrt_u128(x: u128) -> u128 {
    x.isqrt()
}

/// Length of an integer vector, rounded down. Exact for all of `i64`'s range that positions
/// and velocities use, since the squares are summed in 128 bits.
#[must_use]
pub const fn length(v: [i64; 3]) -> i64 {
    let x = v[0].unsigned_abs() as u128;
    let y = v[1].unsigned_abs() as u128;
    let z = v[2].unsigned_abs() as u128;
    (x * x + y * y + z * z).isqrt() as i64
}

/// Difference of two positions in centimetres, without overflow.
#[must_use]
pub const fn difference(to: [i32; 3], from: [i32; 3]) -> [i64; 3] {
    [
        to[0] as i64 - from[0] as i64,
        to[1] as i64 - from[1] as i64,
        to[2] as i64 - from[2] as i64,
    ]
}

/// Distance of two positions, in the unit of the positions, rounded down.
#[must_use]
pub const fn distance(a: [i32; 3], b: [i32; 3]) -> i64 {
    length(difference(a, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_extremes() {
        assert_eq!(distance([i32::MIN; 3], [i32::MAX; 3]), 7_439_101_571);
        assert_eq!(length([3, 4, 0]), 5);
    }

    #[test]
    fn known_bits() {
        // The bits of the libm crate: a change of its version that moves one shows here.
        assert_eq!(exp(1.0).to_bits(), 0x4005_bf0a_8b14_576a);
        assert_eq!(ln(10.0).to_bits(), 0x4002_6bb1_bbb5_5516);
        assert!((asinh(35.0) - 4.248_699).abs() < 1e-6);
    }
}
