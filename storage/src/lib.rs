//! The store: everything that has value, on disk, one atomic write per beat.
//!
//! ```text
//!  shard 0 ─ BeatPort ─┐                                   ┌─▶ Durable: the last beat on disk
//!  shard 1 ─ BeatPort ─┼─▶ orrery-commit ─▶ beat log ──────┼─▶ CommitStats
//!  control ─ ControlPort ┘                  │ (segments)   └─▶ orrery-apply ─▶ RocksDB
//!                                           └─▶ journal                │
//!                                                                      └─▶ Receipts
//! ```
//!
//! - [`Store`] opens the folder; [`Rows`] reads it, either as it is or as a fixed [`View`].
//! - [`Batch`] collects rows; [`commit`] merges the batches of all shards of a beat into one
//!   frame of the beat log and says when it is durable. A crash lands exactly on a beat.
//! - [`log`] is that log: what is durable, and the journal of it. RocksDB holds the rows for
//!   reading, a little behind; what it lacks after a crash, it takes from the log.
//! - [`journal`] and [`checkpoint`] give motion its durability: newest checkpoint + journal
//!   = the last durable beat. [`prune`] bounds both.
//! - [`audit::structure`] proves the store's own invariants; what rows mean is audited by
//!   the crates that wrote them.
//!
//! **Invariant:** no type of RocksDB appears in the public interface.
//!
//! **Invariant:** nothing here runs on a shard, except [`commit::BeatPort::submit`] and
//! [`commit::Durable::beat`], which never wait, and [`checkpoint::put`], which compresses. Reads
//! may wait for the disk: they belong to start-up, to the control thread and to tools.
//!
//! **Invariant:** after a failed write nothing is acknowledged any more; the process has to
//! open the store again.

#![deny(unsafe_code)]

pub mod audit;
pub mod batch;
pub mod checkpoint;
pub mod commit;
pub mod domain;
mod engine;
pub mod journal;
pub mod log;
pub mod meta;
pub mod prune;
pub mod rows;
pub mod store;

pub use batch::{Batch, Operation};
pub use commit::{
    BeatPort, CommitFailure, CommitOptions, CommitStats, Committer, ControlPort, Durable,
    FinishReport, Receipt, ReceiptError, StartError, Submission, SubmitError,
};
pub use domain::Domain;
pub use rows::{KeyRange, Order, ReadError, Row, Rows, Scan};
pub use store::{OpenError, Store, StoreDisk, StoreOptions, View, WriteError};

#[cfg(test)]
mod testing;
