//! Who is near whom: the location hash grid, the bit sets that hold what an observer sees, and
//! the interest sets that turn two beats' visibility into "entered" and "left".
//!
//! * [`CellIndex`]: positions sorted by cell, rebuilt every beat by a counting sort; answers
//!   [`scan`](CellIndex::scan), [`within`](CellIndex::within),
//!   [`nearest`](CellIndex::nearest) and box queries.
//! * [`BitSet`]: bits in 64-bit words, with iteration and difference.
//! * [`InterestSet`]: what one observer sees, by slot, with hysteresis.
//! * [`BerthIndex`]: cells whose entities keep their lane from beat to beat, updated by moves; and
//!   [`Watch`], an interest set that compares lanes instead of slots.
//! * [`Path`]: which instructions the scans use. Every path gives the same rows in the same
//!   order; only the time differs.
//!
//! **Invariant:** the answers are functions of the positions and the question alone: not of the
//! processor, not of an earlier rebuild, not of how the cells were laid out. Distances are
//! compared as exact integers wherever an approximation could decide otherwise.

#![deny(unsafe_op_in_unsafe_fn)]

mod berths;
mod bits;
mod index;
mod interest;
mod path;
mod scan;
mod select;
mod watch;

pub use berths::{BerthIndex, MEMORY_BEATS};
pub use bits::{BitSet, Ones};
pub use index::{CellIndex, Positions, RADIUS_MAX_CM};
pub use interest::{Change, InterestScratch, InterestSet, Radii, Ranks};
pub use path::Path;
pub use select::Nearness;
pub use watch::{Changes, Watch, WatchScratch};
