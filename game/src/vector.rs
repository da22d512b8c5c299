//! Vectors of three f64, with the operations that IEEE 754 fixes on every platform: + − × ÷ √.
//!
//! No fused multiply-add and no reassociation: each function spells out its order of operations,
//! so that the server and every client get the same bits.

use orrery_base::math;

pub(crate) type V3 = [f64; 3];

pub(crate) const ZERO: V3 = [0.0; 3];

pub(crate) fn of_i32(v: [i32; 3]) -> V3 {
    v.map(f64::from)
}

/// Where `to` is as seen from `from`; exact, since differences of i32 fit an f64.
pub(crate) fn between(from: [i32; 3], to: [i32; 3]) -> V3 {
    [
        f64::from(to[0]) - f64::from(from[0]),
        f64::from(to[1]) - f64::from(from[1]),
        f64::from(to[2]) - f64::from(from[2]),
    ]
}

pub(crate) fn add(a: V3, b: V3) -> V3 {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

pub(crate) fn sub(a: V3, b: V3) -> V3 {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

pub(crate) fn scale(a: V3, factor: f64) -> V3 {
    [a[0] * factor, a[1] * factor, a[2] * factor]
}

pub(crate) fn dot(a: V3, b: V3) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(crate) fn cross(a: V3, b: V3) -> V3 {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

pub(crate) fn length(a: V3) -> f64 {
    math::sqrt(dot(a, a))
}

/// The unit vector of `a`, or `None` if `a` is shorter than `least` (> 0).
pub(crate) fn unit(a: V3, least: f64) -> Option<V3> {
    let length = length(a);
    if length >= least {
        Some(scale(a, 1.0 / length))
    } else {
        None
    }
}
