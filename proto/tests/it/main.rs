//! What binds any client: the golden vectors. And the corpus of the fuzz targets, which every
//! machine can run.

#![allow(
    clippy::unwrap_used,
    reason = "a test that fails is a test that panics"
)]

mod corpus;
mod golden;
mod own_time;
mod scenario;
