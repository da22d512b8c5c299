//! The simulation kernel: grids of entities in columns, stepped beat by beat, with the same bits
//! on any number of cores.
//!
//! It knows no game: a game implements [`rules::Rules`]. A **grid** ([`grid::Grid`]) is a region
//! of space and a pure function of its inputs. It is divided into **parts** ([`part::Part`]),
//! each of which owns rows ([`table::Table`]), reads everyone's **frames** and changes the rows
//! of others by **effects** only ([`effects`]). A **world** ([`world::World`]) is what one shard
//! steps; a **team** ([`team::Team`]) is several shards at one grid; [`lockstep::Lockstep`] is several worlds on one thread, the reference for replay and
//! recovery.
//!
//! **Invariants:** nothing here but [`runtime`] and [`grid::parallel`] starts a thread, and
//! nothing but `runtime` reads a clock; nothing iterates a hash map; no result depends on the
//! number of parts or worlds; unsafe code is in [`ring`] only.

#![deny(unsafe_code)]

pub mod balance;
pub mod barrier;
pub mod codec;
pub mod dilation;
pub mod effects;
mod exchange;
pub mod grid;
pub mod journal;
pub mod lockstep;
pub mod metronome;
pub mod part;
pub mod probe;
pub mod replay;
pub mod ring;
pub mod rules;
pub mod runtime;
pub mod seat;
pub mod slots;
pub mod table;
pub mod team;
pub mod world;
