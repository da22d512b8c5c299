//! The server as a whole: rules under lockstep, the real binary over real sockets.

mod determinism;
mod end_to_end;
mod galaxy;
mod process;
mod replay;
mod script;
