//! Snapshots: 200 ships in sight, moving, some turning, firing and being hit; the newest
//! acknowledged snapshot is three beats old.
//!
//! *Encoding* is what happens once for all clients: the frame enters the history, which compares it
//! with what the law makes of the beat before, and the first client's snapshot encodes the records.
//! *Appending* is what each further client costs: the choice and the copying. Both per visible ship
//! and snapshot, headers included. Copying the ships into the frame's columns is measured apart: it
//! is the simulation's own picture, which the cell index and other shards read too.

use std::hint::black_box;
use std::rc::Rc;
use std::time::{Duration, Instant};

use orrery_proto::workload::{Rates, bytes_per_entity};

use super::Suite;
use crate::measure::{Contender, Group, Measured, Role};
use crate::wire::{Film, Stage};

pub(super) const SUITE: Suite = Suite {
    name: "wire",
    area: "wire",
    about: "Snapshots with 200 ships in sight",
    groups: || {
        let film = Rc::new(Film::new(SHIPS as u32, BEATS));
        vec![
            Group::new("encode once", "ship")
                .with(encode(&film))
                .with(push(&film))
                .with(frame(&film))
                .with(structs(&film)),
            Group::new("append for a further client", "ship")
                .with(append(&film))
                .with(copy(&film)),
        ]
    },
    more: None,
    figures: |measured: &[Measured]| {
        vec![
            (
                "wire.bytes_per_entity",
                bytes_per_entity(SHIPS as u32, Rates::STANDARD, 600),
            ),
            (
                "wire.encode_ns_per_entity",
                measured[0].series(ENCODE).median(),
            ),
            (
                "wire.append_ns_per_entity",
                measured[1].series(APPEND).median(),
            ),
        ]
    },
};

const SHIPS: usize = 200;
/// Beats of a run.
const BEATS: usize = 60;
/// Clients beside the first who get a snapshot of each beat.
const OTHERS: usize = 31;
const ENCODE: &str = "compare, encode, first snapshot";
const APPEND: &str = "snapshot from shared records";

/// Plays the film to a new audience; the time of what is measured of each beat.
fn play(
    film: &Film,
    clients: usize,
    measured: fn(&mut Stage, &Film, usize) -> Duration,
) -> Duration {
    let mut stage = Stage::new(film, clients);
    film.beats()
        .map(|beat| measured(&mut stage, film, beat))
        .sum()
}

fn encode(film: &Rc<Film>) -> Contender {
    let film = Rc::clone(film);
    Contender::timed(ENCODE, Role::Ours, SHIPS * BEATS, move || {
        play(&film, 1, |stage, film, beat| {
            let frame = stage.frame(film, beat);
            let start = Instant::now();
            stage.push(frame);
            black_box(stage.observe(film, beat, 0));
            start.elapsed()
        })
    })
}

/// The part of it that compares the beat with the one before.
fn push(film: &Rc<Film>) -> Contender {
    let film = Rc::clone(film);
    Contender::timed(
        "  of which comparing",
        Role::Ours,
        SHIPS * BEATS,
        move || {
            play(&film, 1, |stage, film, beat| {
                let frame = stage.frame(film, beat);
                let start = Instant::now();
                stage.push(frame);
                let time = start.elapsed();
                stage.observe(film, beat, 0);
                time
            })
        },
    )
}

fn frame(film: &Rc<Film>) -> Contender {
    let film = Rc::clone(film);
    Contender::timed("ships into a frame", Role::Ours, SHIPS * BEATS, move || {
        play(&film, 1, |stage, film, beat| {
            let start = Instant::now();
            let frame = black_box(stage.frame(film, beat));
            let time = start.elapsed();
            stage.push(frame);
            stage.observe(film, beat, 0);
            time
        })
    })
}

fn append(film: &Rc<Film>) -> Contender {
    let film = Rc::clone(film);
    Contender::timed(APPEND, Role::Ours, SHIPS * BEATS * OTHERS, move || {
        play(&film, 1 + OTHERS, |stage, film, beat| {
            stage.publish(film, beat);
            stage.observe(film, beat, 0);
            let start = Instant::now();
            for client in 1..=OTHERS {
                black_box(stage.observe(film, beat, client));
            }
            start.elapsed()
        })
    })
}

/// 40 bytes a ship, as they are.
fn structs(film: &Rc<Film>) -> Contender {
    let film = Rc::clone(film);
    let mut out: Vec<u8> = Vec::new();
    Contender::new(
        "raw structs of 40 bytes",
        Role::Peer,
        SHIPS * BEATS,
        move || {
            for beat in film.beats() {
                out.clear();
                for ship in film.ships(beat) {
                    let motion = &ship.motion;
                    out.extend_from_slice(&ship.id.0.to_le_bytes());
                    let columns = [motion.position_cm, motion.velocity];
                    for value in columns.as_flattened() {
                        out.extend_from_slice(&value.to_le_bytes());
                    }
                    out.extend_from_slice(&ship.vitals);
                    out.push(ship.activity);
                    out.extend_from_slice(&motion.response.to_le_bytes());
                }
                black_box(&out);
            }
        },
    )
}

/// The finished snapshot, copied: what a broadcast would cost.
fn copy(film: &Rc<Film>) -> Contender {
    let mut stage = Stage::new(film, 1);
    let beat = film.beats().start;
    stage.publish(film, beat);
    stage.observe(film, beat, 0);
    let mut out = Vec::with_capacity(stage.bytes().len());
    Contender::new(
        "copy of the same bytes",
        Role::Limit,
        SHIPS * 1_000,
        move || {
            for _ in 0..1_000 {
                out.clear();
                out.extend_from_slice(black_box(stage.bytes()));
                black_box(&out);
            }
        },
    )
}
