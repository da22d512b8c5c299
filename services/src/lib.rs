//! The services: accounts, tokens, characters, the stored galaxy, and the audit of what is
//! stored.
//!
//! Each service is a pure state machine: `handle(&mut self, now, command, out)` changes the
//! state, adds the rows to commit to [`Outbox::writes`], and never awaits. Time and randomness
//! are arguments. The shell (in the server) commits the rows and releases the reply when they
//! are durable.
//!
//! - [`accounts`]: sign-up, log-in, characters. [`names`]: which names there are. [`passwords`]:
//!   their quality and hashes. [`throttle`]: patience after failed log-ins.
//! - [`tokens`]: web sessions and single-use game tokens.
//! - [`character`]: the stored character, which is also what a grid receives when it enters.
//! - [`galaxy`]: the generated galaxy as rows.
//! - [`custody`]: where everything of value is. [`economy`]: what players do with it.
//! - [`market`]: the order books of the regions, fees and the history of prices.
//! - [`whois`]: names by id. [`audit`]: proof that all of this fits together.
//! - [`rows`], [`record`]: reading rows, and their bytes.
//!
//! **Invariant:** nothing in this crate reads a clock, a socket or a file. The only exception is
//! [`tokens::Sealer::seal`], whose cipher takes a nonce from the operating system.

#![forbid(unsafe_code)]

pub mod accounts;
pub mod audit;
pub mod character;
pub mod custody;
pub mod economy;
pub mod galaxy;
pub mod market;
pub mod names;
pub mod passwords;
pub mod record;
pub mod rows;
pub mod throttle;
pub mod time;
pub mod tokens;
pub mod whois;

pub use time::WallTime;

/// What a command leaves behind.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Outbox {
    /// Rows to commit, before anything is answered.
    pub writes: orrery_storage::Batch,
}
