//! The server as a library, for the binary and for tests: configuration, the schedule of systems,
//! shards, the control thread.
//!
//! | module | what |
//! | --- | --- |
//! | [`cli`] | the command line |
//! | [`config`] | what an operator can set |
//! | [`host`] | start, recovery, stop |
//! | [`rules`], [`schedule`] | the rules of space, joined with the kernel |
//! | [`shard`] | one pinned core: grids, clients, rings |
//! | [`control`] | accounts, REST, pages, admin; off the shards |
//! | [`metrics`] | what is measured |

#![forbid(unsafe_code)]

pub mod cli;
pub mod config;
pub mod control;
pub mod host;
pub mod metrics;
pub mod rules;
pub mod schedule;
pub mod shard;
