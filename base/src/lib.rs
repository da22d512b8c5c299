//! What every other crate stands on: ids, ticks, counter-based randomness, deterministic
//! mathematics, money as integers, the integer law of motion and the vocabulary of commands and
//! of value.
//!
//! **Invariant:** nothing here reads a clock, a socket, a file or a global, and no result
//! depends on the platform: floats use `+ − × ÷ √` or [`math`].

#![forbid(unsafe_code)]

pub mod columns;
pub mod command;
pub mod digest;
pub mod ids;
pub mod math;
pub mod money;
pub mod motion;
pub mod rng;
pub mod tick;
pub mod value;

pub use ids::{
    AccountId, CharacterId, ClientId, EntityId, GridId, ObjectId, ShardIndex, Slot, SystemId,
    TypeId,
};
pub use tick::{BEATS_PER_SECOND, Tick};
