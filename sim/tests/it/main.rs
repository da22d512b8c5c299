//! The games of this crate under the law of the kernel.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod battle;
mod host;
mod proof;
