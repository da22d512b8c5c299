//! What players do with value, beat by beat, on any number of shards.
#![allow(
    clippy::inconsistent_digit_grouping,
    reason = "money: whole units, then cents"
)]

mod claims;
mod desk;
mod model;
mod newcomers;
mod tally;
pub(crate) mod town;
mod trades;
