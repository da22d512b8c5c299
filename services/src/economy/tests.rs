//! What players do with value, beat by beat, on any number of shards.

mod desk;
mod model;
mod tally;
pub(crate) mod town;
