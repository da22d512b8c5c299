//! The last 32 frames of a grid and the records between them.
//!
//! A pushed frame is compared with the beat before, once for the whole grid: which tenants are
//! new, whose motion is not what the law makes of the beat before, whose vitals or activity
//! changed. That is one bit each per slot, so "changed since T − age" is an or of `age` words
//! for 64 slots. A record against a baseline of some age is encoded when the first client needs
//! it, 64 slots at a time, and shared by all others, on whichever thread they are served.
//!
//! Cost: pushing about 3 ns per slot; a record 30–80 ns, once; memory 44 bytes per slot and
//! beat, 20 per slot more.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use orrery_base::motion::step_axis;
use orrery_base::{EntityId, GridId, Slot, Tick};

use super::frame::{Identities, Picture, SlotFrame, SlotState, bit, ones, state, word};
use super::record::{put_change, put_full};
use crate::MAX_BASELINE_AGE;
use crate::bits::BitWriter;

/// Frames that are kept: the newest and those that may be baselines.
const FRAMES: usize = MAX_BASELINE_AGE as usize + 1;

/// A grid's recent past, from which snapshots of it are made.
///
/// A clone is cheap (32 reference counts) and shares the records: the shard that simulates the
/// grid pushes and hands a clone of every beat to the threads that serve its clients.
#[derive(Debug)]
pub struct GridHistory {
    grid: GridId,
    /// Newest first: the index is the age.
    pictures: VecDeque<Arc<Picture>>,
    identities: Arc<Identities>,
    records: Arc<Records>,
    /// Frames whose memory can be used again.
    spare: Vec<SlotFrame>,
}

impl Clone for GridHistory {
    fn clone(&self) -> Self {
        Self {
            grid: self.grid,
            pictures: self.pictures.clone(),
            identities: Arc::clone(&self.identities),
            records: Arc::clone(&self.records),
            spare: Vec::new(),
        }
    }
}

/// The records of one beat, each made when it is first needed.
#[derive(Debug, Default)]
struct Records {
    /// By age less one.
    changes: [OnceLock<Changes>; MAX_BASELINE_AGE as usize],
    /// By block of 64 slots, then by slot.
    full: OnceLock<Box<[OnceLock<FullBlock>]>>,
}

/// Full records of 64 slots: the count of bits, then the bits.
type FullBlock = Box<[OnceLock<Box<[u64]>>; 64]>;

/// What changed since one baseline age.
#[derive(Debug)]
pub(super) struct Changes {
    /// Slots with the same tenant as at the baseline that need a record.
    pub(super) changed: Vec<u64>,
    /// Slots whose tenant came after the baseline.
    pub(super) born: Vec<u64>,
    /// Slots in either of the two.
    pub(super) touched: Vec<u64>,
    /// The Rice parameter that suits the distances between changed slots.
    pub(super) rice: u32,
    blocks: Box<[OnceLock<Block>]>,
}

/// The records of the changed ones among 64 slots: first one word for each in order, with the
/// index of its first word in the high half and the count of its bits in the low one, then the
/// records, each from a new word on.
type Block = Vec<u64>;

/// A record: its bits, 64 to a word, and their count.
pub(super) type Record<'a> = (&'a [u64], u32);

impl GridHistory {
    /// A clone that shares no records: for benchmarks, which encode the same ones again.
    #[doc(hidden)]
    #[must_use]
    pub fn detached(&self) -> Self {
        Self {
            records: Arc::default(),
            ..self.clone()
        }
    }

    /// The history of a grid that has no beat yet.
    #[must_use]
    pub fn new(grid: GridId) -> Self {
        Self {
            grid,
            pictures: VecDeque::with_capacity(FRAMES + 1),
            identities: Arc::default(),
            records: Arc::default(),
            spare: Vec::new(),
        }
    }

    /// Which grid.
    #[must_use]
    pub const fn grid(&self) -> GridId {
        self.grid
    }

    /// The newest beat; `None` before the first push.
    #[must_use]
    pub fn tick(&self) -> Option<Tick> {
        self.pictures.front().map(|picture| picture.tick)
    }

    /// The occupied slots of the newest beat, as bits.
    #[must_use]
    pub fn occupied(&self) -> &[u64] {
        self.pictures
            .front()
            .map_or(&[], |picture| &picture.occupied)
    }

    /// How many slots the newest beat has room for.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.pictures.front().map_or(0, |picture| picture.slots())
    }

    /// What is in a slot in the newest beat.
    #[must_use]
    pub fn state(&self, slot: Slot) -> Option<SlotState> {
        state(self.pictures.front()?, &self.identities, slot)
    }

    /// How old a baseline may be now.
    #[must_use]
    pub fn oldest_age(&self) -> u64 {
        self.pictures.len().saturating_sub(1) as u64
    }

    /// An empty frame of beat `tick`, in memory that was used before.
    #[must_use]
    pub fn begin(&mut self, tick: Tick) -> SlotFrame {
        let mut frame = self.spare.pop().unwrap_or_default();
        frame.reset(tick, self.slots());
        frame
    }

    /// Takes the frame of the next beat. A frame that is not of the beat after the newest one
    /// starts the history anew: no baseline of before can be used then.
    pub fn push(&mut self, frame: SlotFrame) {
        let SlotFrame {
            mut picture,
            identities,
        } = frame;
        if self.tick().is_some_and(|tick| tick.next() != picture.tick) {
            self.pictures.clear();
        }
        match self.pictures.front().map(Arc::clone) {
            Some(before) => {
                picture.grow(before.slots());
                self.compare(&before, &mut picture, &identities);
            }
            None => {
                picture.born = picture.occupied.clone();
                picture.law_broken = vec![0; picture.occupied.len()];
                picture.changed = vec![0; picture.occupied.len()];
            }
        }
        self.pictures.push_front(Arc::new(picture));
        let identities = std::mem::replace(&mut self.identities, Arc::new(identities));
        if self.pictures.len() > FRAMES
            && let Some(oldest) = self.pictures.pop_back()
            && let Ok(picture) = Arc::try_unwrap(oldest)
            && self.spare.is_empty()
        {
            let identities = Arc::try_unwrap(identities).unwrap_or_default();
            self.spare.push(SlotFrame {
                picture,
                identities,
            });
        }
        self.records = Arc::default();
    }

    /// Finds out how `now` differs from what the law makes of the beat `before`.
    fn compare(&self, before: &Picture, now: &mut Picture, identities: &Identities) {
        for index in 0..now.occupied.len() {
            let occupied = now.occupied[index];
            let both = occupied & word(&before.occupied, index);
            let (mut same, mut broken, mut restated) = (0, 0, 0);
            if both != 0 {
                let rows = index * 64..index * 64 + 64;
                same = both & !different_tenants(&self.identities, identities, rows.clone());
                broken = same & broken_laws(before, now, rows.clone());
                restated = same & different(&before.status[rows.clone()], &now.status[rows]);
            }
            now.born.push(occupied & !same);
            now.law_broken.push(broken);
            now.changed.push(broken | restated);
        }
    }

    /// What changed since `age` beats ago: 1 to [`GridHistory::oldest_age`].
    pub(super) fn changes(&self, age: u64) -> &Changes {
        self.records.changes[age as usize - 1].get_or_init(|| {
            let words = self.occupied().len();
            let (mut changed, mut born) = (vec![0; words], vec![0; words]);
            for picture in self.pictures.iter().take(age as usize) {
                or_into(&mut changed, &picture.changed);
                or_into(&mut born, &picture.born);
            }
            let mut counts = (0, 0);
            for index in 0..words {
                let occupied = self.occupied()[index];
                changed[index] &= occupied & !born[index];
                counts.0 += changed[index].count_ones();
                counts.1 += occupied.count_ones();
            }
            let touched = changed.iter().zip(&born).map(|(a, b)| a | b).collect();
            Changes {
                changed,
                born,
                touched,
                rice: rice_parameter(counts.0, counts.1),
                blocks: std::iter::repeat_with(OnceLock::new).take(words).collect(),
            }
        })
    }

    /// The record of a slot that is marked in `changes.changed`.
    #[inline]
    pub(super) fn change<'a>(&self, changes: &'a Changes, age: u64, slot: u32) -> Record<'a> {
        let (index, bit) = (slot as usize / 64, slot % 64);
        let block = changes.blocks[index].get_or_init(|| self.encode_block(changes, age, index));
        let rank = (changes.changed[index] & ((1 << bit) - 1)).count_ones();
        let entry = block[rank as usize];
        (&block[(entry >> 32) as usize..], entry as u32)
    }

    /// Encodes all records against the baselines of this age now, rather than when they are
    /// first needed.
    pub fn prepare(&self, age: u64) {
        if (1..=self.oldest_age()).contains(&age) {
            let changes = self.changes(age);
            for (index, block) in changes.blocks.iter().enumerate() {
                if changes.changed[index] != 0 {
                    block.get_or_init(|| self.encode_block(changes, age, index));
                }
            }
        }
    }

    #[cold]
    fn encode_block(&self, changes: &Changes, age: u64, index: usize) -> Block {
        let (now, then) = (&self.pictures[0], &self.pictures[age as usize]);
        let changed = changes.changed[index];
        let count = changed.count_ones() as usize;
        let mut writer = BitWriter::with_capacity(count * 24 + 64);
        (0..count).for_each(|_| writer.write(0, 64));
        let mut places = [0; 64];
        for (bit, place) in ones(changed).zip(&mut places) {
            let slot = index * 64 + bit as usize;
            let start = writer.bits();
            put_change(
                &mut writer,
                (then.tick, &then.entry(slot)),
                (now.tick, &now.entry(slot)),
                self.broken_at(slot, age),
            );
            *place = ((start / 64) << 32) | (writer.bits() - start);
            writer.pad_to_word();
        }
        let mut block = writer.into_words();
        block[..count].copy_from_slice(&places[..count]);
        block
    }

    /// The newest beat, at most `age` beats back, at which a slot's motion left its law.
    fn broken_at(&self, slot: usize, age: u64) -> Option<Tick> {
        self.pictures
            .iter()
            .take(age as usize)
            .find(|picture| bit(&picture.law_broken, slot))
            .map(|picture| picture.tick)
    }

    /// The full record of an occupied slot.
    pub(super) fn full(&self, slot: u32) -> Record<'_> {
        let blocks = self.records.full.get_or_init(|| {
            std::iter::repeat_with(OnceLock::new)
                .take(self.occupied().len())
                .collect()
        });
        let block = blocks[slot as usize / 64]
            .get_or_init(|| Box::new(std::array::from_fn(|_| OnceLock::new())));
        let record = block[slot as usize % 64].get_or_init(|| {
            let mut writer = BitWriter::with_capacity(64);
            writer.write(0, 64);
            put_full(&mut writer, &self.state(Slot(slot)).unwrap_or_default());
            let bits = writer.bits() - 64;
            let mut words = writer.into_words();
            words[0] = bits;
            words.into_boxed_slice()
        });
        (&record[1..], record[0] as u32)
    }

    /// Where a slot's tenant is now.
    pub(super) fn position(&self, slot: u32) -> Option<[i32; 3]> {
        let picture = self.pictures.front()?;
        picture
            .is_occupied(slot as usize)
            .then(|| picture.position(slot as usize))
    }

    /// Who is in a slot now.
    pub(super) fn id(&self, slot: u32) -> EntityId {
        self.identities
            .id
            .get(slot as usize)
            .copied()
            .unwrap_or(EntityId::NONE)
    }
}

/// Rice's parameter for the distances between events of this density: ⌊log₂(0.69 · mean)⌋.
const fn rice_parameter(events: u32, of: u32) -> u32 {
    let mean = of / (events + 1);
    let scaled = mean * 11 / 16;
    let parameter = if scaled == 0 { 0 } else { scaled.ilog2() };
    if parameter > 7 { 7 } else { parameter }
}

fn or_into(into: &mut [u64], from: &[u64]) {
    for (into, from) in into.iter_mut().zip(from) {
        *into |= from;
    }
}

/// Which of 64 slots have a motion that is not what the law makes of the beat before.
fn broken_laws(before: &Picture, now: &Picture, rows: Range<usize>) -> u64 {
    // Columns of 64, so that the compiler can use wide registers and nothing leaves the cache.
    let mut differs = [0_u32; 64];
    let response = &before.response[rows.clone()];
    for axis in 0..3 {
        let target = &before.target[axis][rows.clone()];
        let (mut position, mut velocity) = ([0_i32; 64], [0_i32; 64]);
        position.copy_from_slice(&before.position[axis][rows.clone()]);
        velocity.copy_from_slice(&before.velocity[axis][rows.clone()]);
        step_axis(now.tick, &mut position, &mut velocity, target, response);
        mark(&mut differs, &position, &now.position[axis][rows.clone()]);
        mark(&mut differs, &velocity, &now.velocity[axis][rows.clone()]);
        mark(&mut differs, target, &now.target[axis][rows.clone()]);
    }
    for ((differs, old), new) in differs.iter_mut().zip(response).zip(&now.response[rows]) {
        *differs |= old ^ new;
    }
    nonzero(&differs)
}

/// Ors the differences of two columns into `differs`.
fn mark(differs: &mut [u32; 64], old: &[i32], new: &[i32]) {
    for ((differs, old), new) in differs.iter_mut().zip(old).zip(new) {
        *differs |= (old ^ new) as u32;
    }
}

/// The bits of the nonzero ones among 64 values.
fn nonzero(values: &[u32; 64]) -> u64 {
    if values.iter().fold(0, |any, value| any | value) == 0 {
        return 0;
    }
    let mut bits = 0;
    for (index, eight) in values.chunks_exact(8).enumerate() {
        // Eight bytes of 0 or 1; the product moves bit 0 of byte i to bit 56 + i.
        let mut flags = [0_u8; 8];
        for (flag, &value) in flags.iter_mut().zip(eight) {
            *flag = u8::from(value != 0);
        }
        let packed = u64::from_le_bytes(flags).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        bits |= packed << (8 * index);
    }
    bits
}

/// The bits of those among 64 values that differ.
fn different(old: &[u32], new: &[u32]) -> u64 {
    let mut differs = [0_u32; 64];
    for ((differs, old), new) in differs.iter_mut().zip(old).zip(new) {
        *differs = old ^ new;
    }
    nonzero(&differs)
}

/// The bits of those among 64 slots that have another tenant than before. An entity that changes
/// its type or owner counts as another tenant, so that clients are told.
fn different_tenants(old: &Identities, new: &Identities, rows: Range<usize>) -> u64 {
    let mut differs = [0_u32; 64];
    let columns = old.id[rows.clone()].iter().zip(&new.id[rows.clone()]);
    for (differs, (old, new)) in differs.iter_mut().zip(columns) {
        *differs |= fold(old.0 ^ new.0);
    }
    let columns = old.owner[rows.clone()].iter().zip(&new.owner[rows.clone()]);
    for (differs, (old, new)) in differs.iter_mut().zip(columns) {
        *differs |= fold(old.0 ^ new.0);
    }
    let columns = old.type_id[rows.clone()].iter().zip(&new.type_id[rows]);
    for (differs, (old, new)) in differs.iter_mut().zip(columns) {
        *differs |= old.0 ^ new.0;
    }
    nonzero(&differs)
}

/// Zero only for zero.
const fn fold(word: u64) -> u32 {
    word as u32 | (word >> 32) as u32
}
