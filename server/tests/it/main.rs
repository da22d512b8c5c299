//! The server as a whole: rules under lockstep, the real binary over real sockets.

mod bad_input;
mod determinism;
mod end_to_end;
mod galaxy;
mod players;
mod process;
mod replay;
mod script;
