//! Custody: everything of value is in exactly one account, and moves by transfer only.
//!
//! All value is divided into **partitions** ([`PartitionIndex`]); each has a [`Ledger`], an
//! [`Outbox`] and its [`Requests`], which one shard drives beat by beat:
//!
//! ```text
//! begin(tick) → transfers, mints, burns; parcels received and sent; requests answered → write(batch)
//! ```
//!
//! - [`Account`]: where value can be. [`Ledger`]: the accounts in memory, and how value moves.
//! - [`Entry`]: the history; each entry leads to the ones before it. [`history`] walks it.
//! - [`Outbox`]: what goes to another partition arrives exactly once.
//! - [`Requests`]: what a client sends twice has one effect.
//! - [`audit`]: the proof, from the rows alone.
//!
//! **The law.** For every commodity, what faucets have minted less what sinks have burned is what
//! accounts hold plus what parcels above their receiver's watermark carry. An item id is in one
//! place. [`audit`] checks it; the tests check it after every beat.
//!
//! Nothing here waits for the disk: an account that is not in memory is asked for
//! ([`read_account`] by whoever may wait) and taken in by [`Ledger::activate`].

mod account;
pub mod audit;
mod entry;
pub mod history;
mod ledger;
pub mod log;
mod lookup;
mod outbox;
mod requests;
mod rows;
mod write;

pub use account::{
    ACCOUNT_KEY_BYTES, Account, AccountKind, PARTITIONS_MAX, PartitionIndex, home_of,
};
pub use entry::{
    CHUNK_ENTRIES, Commodity, Entry, EntryRef, entries_in, entry_in, entry_key, memo_key,
};
pub(crate) use entry::{put_account, take_account};
pub use ledger::{COINS_MAX, Cause, Ledger, Lot, Minted, Onto, What};
pub(crate) use outbox::{CLAIM, CLAIM_KEY_BYTES, claim_prefix};
pub use outbox::{Outbox, OutboxRow, PAIR_PARCELS_MAX, Parcel};
pub use requests::{
    Judgement, Outcome, Remembered, RequestLimits, Requests, answers_in, put_answer, take_answer,
};
pub use rows::{
    CustodyRow, Stack, Stored, accounts_of, place_of, read_account, read_head, read_stack,
    stacks_after,
};
pub(crate) use rows::{damaged as damaged_row, kind_prefix};
pub use write::load;

#[cfg(test)]
mod tests;
