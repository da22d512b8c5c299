//! The project's own tools, run as `cargo xtask <name>`.
//!
//! * [`tidy`]: the house rules that the compiler does not know, as a test.
//! * [`flame`]: `perf script` output to a flamegraph, without installing anything.
//! * [`figures`]: measured values into the table of `docs/figures.md`.
//! * [`sim`]: builds and runs the simulator.
//!
//! Nothing here depends on another crate of the workspace, so that these tools build in
//! seconds and never wait for RocksDB.

#![forbid(unsafe_code)]

pub mod figures;
pub mod flame;
pub mod sim;
pub mod tidy;
