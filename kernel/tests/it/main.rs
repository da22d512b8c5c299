//! The kernel under a toy game: the same bits on any number of parts, worlds and threads,
//! through checkpoints and replays.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod checkpoint;
mod containment;
mod determinism;
mod dilation;
mod grids;
mod host;
mod image;
mod journal;
mod script;
mod shards;
mod team;
mod toy;
mod worlds;
