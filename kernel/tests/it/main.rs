//! The kernel under a toy game: the same bits on any number of parts, worlds and threads,
//! through checkpoints and replays.

mod checkpoint;
mod determinism;
mod grids;
mod journal;
mod script;
mod toy;
mod worlds;
