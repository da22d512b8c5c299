//! What is fast, and how fast: the same workloads for the paired measurements (`orrery-bench`),
//! for criterion (`cargo bench`) and for the instruction gate (`orrery-gate`, `perf/gate.sh`).
//!
//! **A figure counts if a committed command prints it.** `cargo run --release -p orrery-benches --
//! kernel` runs the suites of an area. Contenders of a group (ours, peers, and the limit: what the
//! hardware allows for the same work) alternate in rounds within one process, so that other work
//! on the machine hits them alike; medians, quartiles and the ratios of the rounds are written to
//! `perf/results/<suite>.json` with commit, command, machine and load, a plot goes beside it, and
//! the suite's figures into `perf/results/summary.json`.
//!
//! **To add a suite:** a file in `suites/` with a `const SUITE: Suite` whose `groups` makes the
//! contenders and whose `figures` names what goes into the summary, and a line in
//! [`suites::ALL`]. To run it under criterion too: a file in `benches/` of five lines.
//!
//! Nothing here decides a test: timings are compared, never asserted.

#![deny(unsafe_op_in_unsafe_fn)]

pub mod field;
pub mod fleet;
pub mod limits;
pub mod machine;
pub mod measure;
pub mod peers;
pub mod plot;
pub mod report;
pub mod suites;
pub mod wire;
