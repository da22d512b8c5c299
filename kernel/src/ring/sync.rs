//! What a ring is made of: the standard library's atomics, and a cell in the shape of loom's.
//!
//! The model checker compiles `kernel/src/ring.rs` itself against loom's versions of these
//! names, in place of this file (`verify/build.rs`). Cost: none, all of it is inlined.

pub(super) use std::sync::Arc;
pub(super) use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A cell that lends a pointer for the time of one access, so that a checker can see when an
/// access begins and ends, and whether it writes.
pub(super) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(super) const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    /// Lends the value for reading.
    #[inline(always)]
    pub(super) fn with<R>(&self, access: impl FnOnce(*const T) -> R) -> R {
        access(self.0.get())
    }

    /// Lends the value for writing.
    #[inline(always)]
    pub(super) fn with_mut<R>(&self, access: impl FnOnce(*mut T) -> R) -> R {
        access(self.0.get())
    }
}
