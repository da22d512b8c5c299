//! The kernel's rings under a model checker.
//!
//! [loom] runs a small program of two threads again and again, until it has run every order in
//! which their accesses can meet and every value that C11's memory model lets a load return (but
//! for the effects that need a store to be seen before it is made). What it checks:
//! each access to a slot is ordered with each other one, nothing panics, nothing leaks.
//!
//! The ring that is checked is `kernel/src/ring.rs` itself: `build.rs` includes its text here,
//! where `crate::sync` is loom's in place of the standard library's, and once more for each of
//! [`FAULTS`], with that fault planted.
//!
//! **Invariants:** the models (`src/models.rs`) find nothing in [`faithful`] and something in each
//! faulty ring. Cost: see `docs/verification.md`.

mod ledger;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// loom's in place of `kernel/src/ring/sync.rs`.
mod sync {
    pub(crate) use loom::cell::UnsafeCell;
    pub(crate) use loom::sync::Arc;
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
}

/// A model: its name, and what runs all of its executions and says how many there were.
pub type Model = (&'static str, fn() -> u64);

/// Runs every execution of a model and says how many there were.
fn check(model: impl Fn() + Send + Sync + 'static) -> u64 {
    let executions = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&executions);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = None;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        model();
    });
    executions.load(Ordering::Relaxed)
}

include!(concat!(env!("OUT_DIR"), "/rings.rs"));
