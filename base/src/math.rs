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

/// ⌊√x⌋ in integers: six times as fast as `u64::isqrt` where the processor has a square root.
///
/// Exact. With r = ⌊√x⌋, the nearest `f64` to x is at least r² · (1 − 2⁻⁵³) and its root at least
/// r · (1 − 2⁻⁵⁴ − 2⁻¹⁰⁷), which for r < 2³² rounds to r or more (where r is a power of two, r²
/// has no error). It is less than r + 2, too: rounding moves roots below 2³² + 1 by less than
/// 2⁻¹⁹. So the whole part is r or r + 1, and one comparison decides. Conversion, root and
/// truncation are correctly rounded by IEEE 754, so the bits do not depend on the machine.
#[must_use]
pub fn isqrt_u64(x: u64) -> u64 {
    // A root of 2³², of the largest numbers, becomes 2³² − 1.
    let root = u64::from((x as f64).sqrt() as u32);
    root - u64::from(root * root > x)
}

/// ⌊√x⌋ in integers.
#[must_use]
pub fn isqrt_u128(x: u128) -> u128 {
    match u64::try_from(x) {
        Ok(small) => u128::from(isqrt_u64(small)),
        Err(_) => x.isqrt(),
    }
}

/// Length of an integer vector, rounded down. Exact for all of `i64`'s range that positions
/// and velocities use, since the squares are summed in 128 bits.
#[must_use]
pub fn length(v: [i64; 3]) -> i64 {
    let x = v[0].unsigned_abs() as u128;
    let y = v[1].unsigned_abs() as u128;
    let z = v[2].unsigned_abs() as u128;
    isqrt_u128(x * x + y * y + z * z) as i64
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
pub fn distance(a: [i32; 3], b: [i32; 3]) -> i64 {
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
    fn roots_at_every_border_are_those_of_the_standard_library() {
        let around_powers = (1..64).flat_map(|bit| {
            let power = 1_u64 << bit;
            [power - 1, power, power + 1]
        });
        let largest = (0..2_000).map(|less| u64::MAX - less);
        for x in around_powers.chain(0..70_000).chain(largest) {
            assert_eq!(isqrt_u64(x), x.isqrt(), "{x}");
        }
        // The root changes from r² − 1 to r²; every 1,009th r, and those around powers of two.
        let top = u64::from(u32::MAX);
        let near_powers =
            (1..32).flat_map(|bit| ((1_u64 << bit).saturating_sub(3)).max(1)..=(1_u64 << bit) + 3);
        for root in (1..=top)
            .step_by(1_009)
            .chain(near_powers)
            .chain(top - 9..=top)
        {
            let square = root * root;
            assert_eq!(isqrt_u64(square - 1), root - 1, "{root}² − 1");
            assert_eq!(isqrt_u64(square), root, "{root}²");
            assert_eq!(isqrt_u64(square + 2 * root), root, "({root} + 1)² − 1");
        }
        let wide = u128::from(u64::MAX);
        for x in [wide - 1, wide, wide + 1, wide * wide] {
            assert_eq!(isqrt_u128(x), x.isqrt(), "{x}");
        }
    }

    #[test]
    fn known_bits() {
        // The bits of the libm crate: a change of its version that moves one shows here.
        assert_eq!(exp(1.0).to_bits(), 0x4005_bf0a_8b14_576a);
        assert_eq!(ln(10.0).to_bits(), 0x4002_6bb1_bbb5_5516);
        assert!((asinh(35.0) - 4.248_699).abs() < 1e-6);
    }
}
