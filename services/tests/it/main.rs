//! The services as others use them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod differential;
