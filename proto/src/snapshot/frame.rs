//! A grid's entities after one beat, by slot.

use orrery_base::motion::Motion;
use orrery_base::{CharacterId, EntityId, Slot, Tick, TypeId};

use super::MAX_SLOTS;

/// What a snapshot says of one entity.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SlotState {
    /// Which entity; not [`EntityId::NONE`].
    pub id: EntityId,
    /// Its type in the content pack.
    pub type_id: TypeId,
    /// Whose it is.
    pub owner: CharacterId,
    /// Where it is and what it tends to; valid in the sense of [`Motion::is_valid`].
    pub motion: Motion,
    /// Shield, armour and hull, each in 255ths of its capacity.
    pub vitals: [u8; 3],
    /// What can be seen of its doings, one bit each; the rules say which.
    pub activity: u8,
}

/// The part of a [`SlotState`] that changes within a stay: what baselines hold. 44 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) motion: Motion,
    pub(crate) status: Status,
}

/// Vitals in the low three bytes, activity in the high one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Status(pub(crate) u32);

impl Status {
    pub(crate) const fn new(vitals: [u8; 3], activity: u8) -> Self {
        Self(u32::from_le_bytes([
            vitals[0], vitals[1], vitals[2], activity,
        ]))
    }

    pub(crate) const fn vitals(self) -> [u8; 3] {
        let [shield, armour, hull, _] = self.0.to_le_bytes();
        [shield, armour, hull]
    }

    pub(crate) const fn activity(self) -> u8 {
        (self.0 >> 24) as u8
    }
}

/// The columns that every one of the last 32 beats is kept of: 44 bytes a slot.
#[derive(Clone, Debug, Default)]
pub(super) struct Picture {
    pub(super) tick: Tick,
    pub(super) occupied: Vec<u64>,
    pub(super) position: [Vec<i32>; 3],
    pub(super) velocity: [Vec<i32>; 3],
    pub(super) target: [Vec<i32>; 3],
    pub(super) response: Vec<u32>,
    pub(super) status: Vec<u32>,
    /// Slots whose tenant was not there, in this slot, one beat before.
    pub(super) born: Vec<u64>,
    /// Slots whose motion is not what the law makes of the beat before.
    pub(super) law_broken: Vec<u64>,
    /// Slots whose motion left the law or whose vitals or activity changed.
    pub(super) changed: Vec<u64>,
}

/// The columns of which only the newest beat is kept: 20 bytes a slot.
#[derive(Clone, Debug, Default)]
pub(super) struct Identities {
    pub(super) id: Vec<EntityId>,
    pub(super) type_id: Vec<TypeId>,
    pub(super) owner: Vec<CharacterId>,
}

impl Picture {
    /// How many slots the columns have room for; a multiple of 64.
    pub(super) fn slots(&self) -> usize {
        self.status.len()
    }

    pub(super) fn is_occupied(&self, slot: usize) -> bool {
        bit(&self.occupied, slot)
    }

    pub(super) fn position(&self, slot: usize) -> [i32; 3] {
        self.position.each_ref().map(|column| column[slot])
    }

    pub(super) fn entry(&self, slot: usize) -> Entry {
        Entry {
            motion: Motion {
                position_cm: self.position(slot),
                velocity: self.velocity.each_ref().map(|column| column[slot]),
                target_velocity: self.target.each_ref().map(|column| column[slot]),
                response: self.response[slot],
            },
            status: Status(self.status[slot]),
        }
    }

    fn columns_mut(&mut self) -> impl Iterator<Item = &mut Vec<i32>> {
        self.position
            .iter_mut()
            .chain(&mut self.velocity)
            .chain(&mut self.target)
    }

    /// Room for at least `slots`, the new ones unoccupied.
    pub(super) fn grow(&mut self, slots: usize) {
        let slots = slots.next_multiple_of(64);
        if slots > self.slots() {
            self.columns_mut()
                .for_each(|column| column.resize(slots, 0));
            self.response.resize(slots, 0);
            self.status.resize(slots, 0);
        }
        self.occupied.resize(self.slots() / 64, 0);
    }

    /// Empties all slots and keeps the memory. What stands in the columns of unoccupied slots
    /// does not matter: it is only ever looked at through `occupied`.
    fn reset(&mut self, tick: Tick, slots: usize) {
        self.tick = tick;
        self.occupied.clear();
        self.born.clear();
        self.law_broken.clear();
        self.changed.clear();
        self.grow(slots.max(self.slots()));
    }
}

/// A grid's entities after one beat: filled slot by slot, in any order, then given to
/// [`super::GridHistory::push`].
#[derive(Clone, Debug, Default)]
pub struct SlotFrame {
    pub(super) picture: Picture,
    pub(super) identities: Identities,
}

impl SlotFrame {
    /// An empty frame of beat `tick` with room for `slots`; it grows where that is too little.
    #[must_use]
    pub fn new(tick: Tick, slots: usize) -> Self {
        let mut frame = Self::default();
        frame.reset(tick, slots);
        frame
    }

    pub(super) fn reset(&mut self, tick: Tick, slots: usize) {
        self.picture.reset(tick, slots);
        self.identities.grow(self.picture.slots());
    }

    /// The beat.
    #[must_use]
    pub const fn tick(&self) -> Tick {
        self.picture.tick
    }

    /// How many slots there is room for.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.picture.slots()
    }

    /// The occupied slots, as bits.
    #[must_use]
    pub fn occupied(&self) -> &[u64] {
        &self.picture.occupied
    }

    /// Puts an entity into its slot.
    ///
    /// # Panics
    /// If the slot is not below [`MAX_SLOTS`]; if, in a debug build, the motion is not valid.
    #[inline]
    pub fn insert(&mut self, slot: Slot, state: &SlotState) {
        let index = slot.0 as usize;
        if index >= self.picture.slots() {
            assert!(slot.0 < MAX_SLOTS, "a slot's number fits 16 bits");
            // Doubling, so that filling an empty frame slot by slot stays linear.
            self.picture.grow((index + 1).next_power_of_two());
            self.identities.grow(self.picture.slots());
        }
        debug_assert!(state.motion.is_valid(), "the law needs its ranges");
        let picture = &mut self.picture;
        picture.occupied[index / 64] |= 1 << (index % 64);
        for axis in 0..3 {
            picture.position[axis][index] = state.motion.position_cm[axis];
            picture.velocity[axis][index] = state.motion.velocity[axis];
            picture.target[axis][index] = state.motion.target_velocity[axis];
        }
        picture.response[index] = state.motion.response;
        picture.status[index] = Status::new(state.vitals, state.activity).0;
        self.identities.id[index] = state.id;
        self.identities.type_id[index] = state.type_id;
        self.identities.owner[index] = state.owner;
    }

    /// What is in a slot.
    #[must_use]
    pub fn state(&self, slot: Slot) -> Option<SlotState> {
        state(&self.picture, &self.identities, slot)
    }
}

impl Identities {
    fn grow(&mut self, slots: usize) {
        if slots > self.id.len() {
            self.id.resize(slots, EntityId::NONE);
            self.type_id.resize(slots, TypeId(0));
            self.owner.resize(slots, CharacterId::NONE);
        }
    }
}

pub(super) fn state(picture: &Picture, identities: &Identities, slot: Slot) -> Option<SlotState> {
    let index = slot.0 as usize;
    picture.is_occupied(index).then(|| {
        let entry = picture.entry(index);
        SlotState {
            id: identities.id[index],
            type_id: identities.type_id[index],
            owner: identities.owner[index],
            motion: entry.motion,
            vitals: entry.status.vitals(),
            activity: entry.status.activity(),
        }
    })
}

/// A bit of a bitset; false beyond its end.
#[inline]
pub(super) fn bit(words: &[u64], index: usize) -> bool {
    words
        .get(index / 64)
        .is_some_and(|word| word >> (index % 64) & 1 != 0)
}

/// A word of a bitset; zero beyond its end.
#[inline(always)]
pub(super) fn word(words: &[u64], index: usize) -> u64 {
    words.get(index).copied().unwrap_or(0)
}

/// The set bits of a word, from the lowest.
#[inline(always)]
pub(super) fn ones(mut word: u64) -> impl Iterator<Item = u32> {
    core::iter::from_fn(move || {
        if word == 0 {
            return None;
        }
        let bit = word.trailing_zeros();
        word &= word - 1;
        Some(bit)
    })
}
