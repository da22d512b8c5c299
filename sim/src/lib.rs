//! Games and scripts for proofs and measurements of the layers below; no part of the server.
//!
//! * [`battle`]: thousands of ships of several fleets on one grid, everyone within weapon range
//!   of everyone.
//! * [`host`]: a whole host with virtual time, a failing disk, a failing network and crashes
//!   (docs/simulator.md).
//!
//! **Invariant:** what steps a grid here obeys the law of docs/determinism.md, as a game does.

#![forbid(unsafe_code)]

pub mod battle;
pub mod host;
