//! The client's side: the snapshots that were applied, and the entities they show.

use std::collections::VecDeque;

use orrery_base::motion::Motion;
use orrery_base::{CharacterId, EntityId, GridId, Slot, Tick, TypeId};
use thiserror::Error;

use super::frame::Entry;
use crate::bits::EndOfBits;
use crate::input::SnapshotAck;

/// An entity that was not told of for longer than this is not shown any more.
pub(super) const LOST_BEATS: u64 = 31;
/// Its identity is kept longer, because a snapshot may refer to any of the last 31 beats.
pub(super) const FORGET_BEATS: u64 = 2 * LOST_BEATS + 2;
/// Snapshots of the last beats are kept beyond what the codec needs, to interpolate between.
const SHOWN_BEATS: u64 = 8;

/// Why a snapshot was not applied. The replica is unchanged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum SnapshotError {
    /// Not newer than the newest applied one, or of an epoch before: reordered or duplicated.
    /// Harmless.
    #[error("the snapshot is not newer than the newest one")]
    Stale,
    /// Refers to a snapshot that this client does not have. Harmless as well: the next ones
    /// will not, once the server knows what the client has.
    #[error("the snapshot refers to one of {0} that is not here")]
    UnknownBaseline(Tick),
    /// Of a grid on which the client is not: late from the one before, or ahead of the message
    /// that says that it is there now. Harmless.
    #[error("the snapshot is of grid {0}")]
    Elsewhere(GridId),
    /// Another layout.
    #[error("datagram version {0}")]
    Version(u8),
    /// Not a snapshot.
    #[error("datagram kind {0} is not a snapshot")]
    Kind(u8),
    /// The bits end before the snapshot does.
    #[error("the snapshot is cut off")]
    Truncated,
    /// The bits say something that cannot be.
    #[error("malformed snapshot: {0}")]
    Malformed(&'static str),
}

impl From<EndOfBits> for SnapshotError {
    fn from(_: EndOfBits) -> Self {
        Self::Truncated
    }
}

impl SnapshotError {
    /// Whether loss, reordering or duplication explain it; otherwise it is a fault of the peer.
    #[must_use]
    pub const fn is_harmless(&self) -> bool {
        matches!(
            self,
            Self::Stale | Self::UnknownBaseline(_) | Self::Elsewhere(_)
        )
    }
}

/// What a snapshot did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Applied {
    /// Its beat, now the newest.
    pub tick: Tick,
    /// Its grid.
    pub grid: GridId,
    /// Whether it began a new epoch: everything of before is gone.
    pub new_epoch: bool,
    /// The newest flight input of this client that the beat took.
    pub last_input_sequence: u32,
    /// Entities that are exact.
    pub exact: usize,
}

/// An entity as the newest snapshot leaves it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReplicaEntity {
    /// Its slot.
    pub slot: Slot,
    /// Which entity.
    pub id: EntityId,
    /// Its type in the content pack.
    pub type_id: TypeId,
    /// Whose it is.
    pub owner: CharacterId,
    /// The beat of the first snapshot that told of this stay.
    pub since: Tick,
    /// The newest beat at which it was exact. If that is not the replica's beat, the motion is
    /// extrapolated from there by the law.
    pub exact_at: Tick,
    /// Whether it is still shown; one that is not is only remembered for a while.
    pub(super) is_shown: bool,
    pub(super) entry: Entry,
}

impl ReplicaEntity {
    /// The motion at the replica's beat.
    #[must_use]
    pub const fn motion(&self) -> &Motion {
        &self.entry.motion
    }

    /// Shield, armour and hull, each in 255ths.
    #[must_use]
    pub const fn vitals(&self) -> [u8; 3] {
        self.entry.status.vitals()
    }

    /// What it is doing.
    #[must_use]
    pub const fn activity(&self) -> u8 {
        self.entry.status.activity()
    }
}

/// An applied snapshot: the entities that it made exact.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held {
    pub(crate) tick: Tick,
    /// In ascending order.
    pub(crate) slots: Vec<u32>,
    pub(crate) entries: Vec<Entry>,
}

impl Held {
    pub(crate) fn entry(&self, slot: u32) -> Option<&Entry> {
        let found = self.slots.binary_search(&slot).ok()?;
        self.entries.get(found)
    }

    pub(super) fn push(&mut self, slot: u32, entry: Entry) {
        self.slots.push(slot);
        self.entries.push(entry);
    }
}

/// What a client knows of its grid, from the snapshots that arrived.
///
/// Memory: 48 bytes for each entity and snapshot in flight, 96 for each entity.
#[derive(Clone, Debug, Default)]
pub struct Replica {
    pub(super) epoch: Option<u8>,
    pub(super) grid: GridId,
    /// Oldest first.
    pub(super) held: VecDeque<Held>,
    /// By slot; also those that are only remembered.
    pub(super) entities: Vec<ReplicaEntity>,
    pub(super) last_input_sequence: u32,
    /// Memory to use again.
    pub(super) spare: Vec<Held>,
    pub(super) spare_entities: Vec<ReplicaEntity>,
}

impl Replica {
    /// Before the first snapshot.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The newest applied beat.
    #[must_use]
    pub fn tick(&self) -> Option<Tick> {
        self.held.back().map(|held| held.tick)
    }

    /// The grid of the newest snapshot.
    #[must_use]
    pub const fn grid(&self) -> GridId {
        self.grid
    }

    /// The newest flight input that the newest beat took.
    #[must_use]
    pub const fn last_input_sequence(&self) -> u32 {
        self.last_input_sequence
    }

    /// What to tell the server: the snapshots that were applied.
    #[must_use]
    pub fn acknowledgement(&self) -> Option<SnapshotAck> {
        let (epoch, tick) = (self.epoch?, self.tick()?);
        let mask = self
            .held
            .iter()
            .fold(0, |mask, held| match tick.since(held.tick) {
                age @ 1..=32 => mask | 1 << (age - 1),
                _ => mask,
            });
        Some(SnapshotAck { epoch, tick, mask })
    }

    /// The shown entities, by slot.
    pub fn entities(&self) -> impl Iterator<Item = &ReplicaEntity> {
        self.entities.iter().filter(|entity| entity.is_shown)
    }

    /// What is shown in a slot.
    #[must_use]
    pub fn in_slot(&self, slot: Slot) -> Option<&ReplicaEntity> {
        self.remembered(slot.0).filter(|entity| entity.is_shown)
    }

    /// A shown entity, by its id.
    #[must_use]
    pub fn entity(&self, id: EntityId) -> Option<&ReplicaEntity> {
        self.entities().find(|entity| entity.id == id)
    }

    /// An entity is known to be gone, by other means than a snapshot: it is not shown unless a
    /// later one tells of it.
    pub fn hide(&mut self, id: EntityId) {
        let shown = self.entities.iter_mut().filter(|entity| entity.id == id);
        shown.for_each(|entity| entity.is_shown = false);
    }

    /// The client is on another grid: what was known of the former one is neither shown nor
    /// acknowledged any more.
    pub fn forget_entities(&mut self) {
        self.entities.clear();
        self.held.clear();
    }

    /// Whether an entity has the server's very bits at the replica's beat.
    #[must_use]
    pub fn is_exact(&self, entity: &ReplicaEntity) -> bool {
        Some(entity.exact_at) == self.tick()
    }

    pub(super) fn remembered(&self, slot: u32) -> Option<&ReplicaEntity> {
        let found = self
            .entities
            .binary_search_by_key(&slot, |entity| entity.slot.0)
            .ok()?;
        self.entities.get(found)
    }

    /// The snapshot of a beat, if it was applied and is still kept.
    pub(crate) fn held_at(&self, tick: Tick) -> Option<&Held> {
        let found = self
            .held
            .binary_search_by_key(&tick, |held| held.tick)
            .ok()?;
        self.held.get(found)
    }

    /// The kept snapshots, newest first.
    pub(crate) fn held(&self) -> impl Iterator<Item = &Held> {
        self.held.iter().rev()
    }

    /// Forgets the snapshots to which none will refer.
    pub(super) fn prune(&mut self, now: Tick, keep_age: u64) {
        let oldest = now.minus(keep_age.max(SHOWN_BEATS));
        while let Some(front) = self.held.front()
            && front.tick < oldest
        {
            self.spare.extend(self.held.pop_front());
        }
        // One to decode into, one for the next: more would only be a memory of a burst.
        self.spare.truncate(2);
    }
}
