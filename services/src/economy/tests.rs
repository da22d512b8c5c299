//! What players do with value, beat by beat, on any number of shards.

mod desk;
pub(crate) mod town;
