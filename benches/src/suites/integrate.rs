//! One beat of motion.
//!
//! "i32 columns" is position += velocity, the work that the peers do; "law of motion" is what our
//! simulation runs: velocities tend to their targets, and the position advances by the mean of
//! two velocities with sub-centimetre remainders (`orrery_base::motion`).

use super::Suite;
use crate::fleet::{Columns, Law};
use crate::limits::triad;
use crate::measure::{Contender, Group, Measured, Role};
use crate::peers::{Bevy, Hecs, integrate_ships, ships};

pub(super) const SUITE: Suite = Suite {
    name: "integrate",
    area: "kernel",
    about: "One beat of motion",
    groups: || {
        vec![
            group("10 k ships, in cache", 10_000),
            group("1 M ships, in memory", 1_000_000),
        ]
    },
    more: None,
    figures,
};

const OURS: &str = "i32 columns";
const BEVY: &str = "bevy_ecs, iter_mut";

fn figures(measured: &[Measured]) -> Vec<(&'static str, f64)> {
    let in_cache = &measured[0];
    vec![
        ("kernel.integrate_ns_10k", in_cache.series(OURS).median()),
        (
            "kernel.integrate_speedup_vs_bevy",
            in_cache.ratio(BEVY, OURS),
        ),
    ]
}

fn group(name: &str, count: usize) -> Group {
    let dt = 1.0 / 30.0;
    let mut columns = Columns::new(count);
    let mut law = Law::new(count);
    let (mut bevy, mut contiguous, mut hecs) =
        (Bevy::new(count), Bevy::new(count), Hecs::new(count));
    let mut array = ships(count);
    let (mut a, b) = (vec![0.0; 3 * count], vec![1.0; 3 * count]);
    Group::new(name, "ship")
        .with(Contender::new(OURS, Role::Ours, count, move || {
            columns.integrate();
        }))
        .with(Contender::new(
            "law of motion",
            Role::Ours,
            count,
            move || law.step(),
        ))
        .with(Contender::new(BEVY, Role::Peer, count, move || {
            bevy.integrate(dt);
        }))
        .with(Contender::new(
            "bevy_ecs, contiguous",
            Role::Peer,
            count,
            move || {
                contiguous.integrate_contiguous(dt);
            },
        ))
        .with(Contender::new("hecs", Role::Peer, count, move || {
            hecs.integrate(dt);
        }))
        .with(Contender::new(
            "array of structs",
            Role::Peer,
            count,
            move || {
                integrate_ships(&mut array, dt);
            },
        ))
        .with(Contender::new(
            "triad over as many bytes",
            Role::Limit,
            count,
            move || {
                triad(&mut a, &b, dt);
                a[0]
            },
        ))
}
