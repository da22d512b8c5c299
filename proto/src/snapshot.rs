//! Snapshots: what a client sees of its grid, as a delta that is exact to the bit.
//!
//! **Exactness is a law.** The simulation's quantum is the wire's quantum: an entity that a
//! snapshot makes *exact* has, on the client, the very integers of the server. Between
//! snapshots the client runs the law of motion ([`orrery_base::motion`]) from a baseline, so an
//! entity that keeps its law costs a fraction of a bit, one that changed its target velocity
//! once is told *when* and *to what*, and only what cannot be explained so is sent as a residual
//! against the prediction.
//!
//! **Slots.** On its grid an entity has a slot, a small number that is its own for its stay and
//! reused after it. Sets of entities are bitsets by slot.
//!
//! **Baselines.** A snapshot of beat T names a beat B = T − age, 1 ≤ age ≤ 31, whose snapshot
//! the client has acknowledged. For each entity that was exact in B it says: lawful, changed
//! (with a record), gone, or not exact this time. Entities that were not exact in B follow one
//! by one, either as a record against an older acknowledged snapshot or in full, as far as the
//! byte budget goes. What is not mentioned goes on after its law on the client, marked as
//! extrapolated, and is told later: waiting raises its priority, so nothing starves.
//!
//! **Encode once, fan out by append.** A record depends only on the grid, the beat and the age
//! of the baseline. [`GridHistory`] encodes each at most once and [`ClientView`] copies it; what
//! is made for each client is the choice and the distances between the chosen.
//!
//! | type | side | what |
//! | --- | --- | --- |
//! | [`SlotFrame`] | server | a grid's entities after one beat, by slot |
//! | [`GridHistory`] | server | the last 32 frames and the records between them |
//! | [`ClientView`] | server | what one client holds, and the choice of what it gets |
//! | [`Replica`] | client | the snapshots that were applied, and the entities they show |
//!
//! The bits are described in `docs/protocol.md`.

mod apply;
mod choose;
mod delta;
mod fields;
mod frame;
mod header;
mod history;
mod record;
mod replica;
mod view;

pub use frame::{SlotFrame, SlotState};
pub use history::GridHistory;
pub use replica::{Applied, Replica, ReplicaEntity, SnapshotError};
pub use view::{ClientView, EncodeReport, EncodeScratch, SnapshotRequest};

/// The most slots a grid may have: a slot's number fits 16 bits.
pub const MAX_SLOTS: u32 = 1 << 16;
/// A snapshot's usual size: fits one QUIC datagram on any path.
pub const DEFAULT_BUDGET_BYTES: usize = 1_150;
/// The smallest budget: a header, the client's own ship and one other entity fit, whatever they
/// are. Smaller budgets count as this one.
pub const MIN_BUDGET_BYTES: usize = 192;

#[cfg(test)]
mod tests;
