//! The server as a whole: rules under lockstep, the real binary over real sockets.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod backup;
mod bad_input;
mod battle;
mod custody;
mod determinism;
mod disk;
mod end_to_end;
mod fight;
mod galaxy;
mod placement;
mod players;
mod process;
mod replay;
mod script;
mod value;
