//! Games and scripts for proofs and measurements of the layers below; no part of the server.
//!
//! * [`battle`]: thousands of ships of several fleets on one grid, everyone within weapon range
//!   of everyone.
//!
//! **Invariant:** what steps a grid here obeys the law of docs/determinism.md, as a game does.

#![forbid(unsafe_code)]

pub mod battle;
