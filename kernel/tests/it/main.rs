//! The kernel under a toy game: the same bits on any number of parts, worlds and threads,
//! through checkpoints and replays.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod checkpoint;
mod determinism;
mod grids;
mod journal;
mod script;
mod shards;
mod toy;
mod worlds;
