//! Values that are counted: what became of each, in one execution of a model.
//!
//! All threads of a model take turns on one thread of the system, so a thread-local ledger
//! belongs to one execution at a time, and adds no steps to it.

use std::cell::RefCell;

thread_local! {
    /// By number of the value: how often it was dropped.
    static DROPS: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

/// A value with a number. Neither copied nor cloned; its drop is counted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Counted(pub(crate) usize);

impl Drop for Counted {
    fn drop(&mut self) {
        DROPS.with_borrow_mut(|drops| {
            if drops.len() <= self.0 {
                drops.resize(self.0 + 1, 0);
            }
            drops[self.0] += 1;
        });
    }
}

/// Begins an execution.
pub(crate) fn open() {
    DROPS.with_borrow_mut(Vec::clear);
}

/// Ends an execution: each of the values from 0 up to `count`, and no other, was dropped once.
pub(crate) fn close(count: usize) {
    DROPS.with_borrow(|drops| assert_eq!(*drops, vec![1; count], "drops by value"));
}
