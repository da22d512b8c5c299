//! What everyone sees of a part: its ships, where each slot's tenant lies, and an index of
//! positions; and how the frames of all parts are read as one.
//!
//! Cost: 80 bytes written per row of the part, four per slot of the grid, and a counting sort over
//! the part's own rows.

use std::sync::Arc;

use orrery_base::{EntityId, Slot, Tick};
use orrery_kernel::effects::part_of;
use orrery_kernel::part::Part;
use orrery_spatial::CellIndex;

use super::{BURST_CM, Battle, Lock};

const NO_ROW: u32 = u32::MAX;

/// The picture of one part after motion.
#[derive(Clone, Debug)]
pub struct BattleFrame {
    /// The beat.
    pub tick: Tick,
    /// The ships, by row.
    pub ships: Vec<Sight>,
    /// The part of [`BattleFrame::ships`] that is read every beat, by row.
    tracks: Vec<Track>,
    /// By slot of the whole grid: the row here, or `u32::MAX`.
    row_of_slot: Vec<u32>,
    index: CellIndex,
}

impl BattleFrame {
    pub(super) fn new() -> Self {
        Self {
            tick: Tick(0),
            ships: Vec::new(),
            tracks: Vec::new(),
            row_of_slot: Vec::new(),
            index: CellIndex::for_radius(BURST_CM),
        }
    }

    /// Becomes the picture of this part.
    pub(super) fn draw(&mut self, tick: Tick, part: &Part<Battle>) {
        let ships = part.table.columns();
        self.tick = tick;
        self.ships.clear();
        let places = part.table.ids().iter().zip(part.table.slots());
        let sights = places.enumerate().map(|(row, (id, slot))| Sight {
            lock: Lock {
                id: *id,
                slot: *slot,
            },
            position: ships.position(row),
            velocity: ships.velocity(row),
            hull: ships.hull[row],
            fleet: ships.fleet[row],
        });
        self.ships.extend(sights);
        self.tracks.clear();
        self.tracks.extend(self.ships.iter().map(Sight::track));
        self.row_of_slot.clear();
        self.row_of_slot.resize(part.slot_bound() as usize, NO_ROW);
        for (row, slot) in (0..).zip(part.table.slots()) {
            self.row_of_slot[slot.0 as usize] = row;
        }
        self.index.rebuild(&ships.x, &ships.y, &ships.z);
    }

    /// The row of a slot's tenant, if it is of this part.
    fn row_of(&self, slot: Slot) -> Option<usize> {
        let row = *self.row_of_slot.get(slot.0 as usize)?;
        (row != NO_ROW).then_some(row as usize)
    }
}

/// A ship as others see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sight {
    /// Who, and in which slot.
    pub lock: Lock,
    /// Where, centimetres.
    pub position: [i32; 3],
    /// 2⁻¹⁴ centimetres per beat.
    pub velocity: [i32; 3],
    /// Hull points.
    pub hull: i32,
    /// Its side.
    pub fleet: u8,
}

impl Sight {
    /// How it moves.
    pub(super) const fn track(&self) -> Track {
        Track {
            id: self.lock.id,
            position: self.position,
            velocity: self.velocity,
        }
    }
}

/// How a ship moves: all that most of those who have locked it need, in half a cache line, because
/// every line that another core has written costs as much as a ship's other decisions.
#[repr(align(32))]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Track {
    /// Who.
    pub id: EntityId,
    /// Where, centimetres.
    pub position: [i32; 3],
    /// 2⁻¹⁴ centimetres per beat.
    pub velocity: [i32; 3],
}

impl Track {
    /// Nobody.
    pub(super) const NONE: Self = Self {
        id: EntityId::NONE,
        position: [0; 3],
        velocity: [0; 3],
    };
}

/// The frames of all parts of a grid, in order.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    frames: &'a [Arc<BattleFrame>],
}

impl<'a> Field<'a> {
    /// All frames of one beat of one grid, in order of part; none before its first beat.
    #[must_use]
    pub const fn new(frames: &'a [Arc<BattleFrame>]) -> Self {
        Self { frames }
    }

    /// A number above every slot; 0 if there is no frame.
    #[must_use]
    pub fn slot_bound(&self) -> u32 {
        let frame = self.frames.first();
        frame.map_or(0, |frame| frame.row_of_slot.len() as u32)
    }

    /// A slot's tenant.
    #[must_use]
    pub fn at(&self, slot: Slot) -> Option<Sight> {
        let mut frames = self.frames.iter();
        frames.find_map(|frame| frame.row_of(slot).map(|row| frame.ships[row]))
    }

    /// Brings what [`Field::track`] reads of the other parts than `own` into this core's cache:
    /// they are other cores' work, and lines that are fetched in order come sooner than those that
    /// are asked for here and there. Changes nothing.
    pub(super) fn warm(&self, own: u16) {
        let mut words = 0;
        for (part, frame) in self.frames.iter().enumerate() {
            if part == usize::from(own) {
                continue;
            }
            // A word of each line of 64 bytes.
            for row in frame.row_of_slot.iter().step_by(16) {
                words ^= u64::from(*row);
            }
            for track in frame.tracks.iter().step_by(2) {
                words ^= track.id.0;
            }
        }
        // So that the reads are not left out.
        std::hint::black_box(words);
    }

    /// How the ship moves that is locked, if it is still there.
    #[must_use]
    pub fn track(&self, lock: Lock) -> Option<Track> {
        if !lock.id.is_some() {
            return None;
        }
        let frame = &self.frames[usize::from(part_of(lock.id, self.frames.len() as u16))];
        let row = frame.row_of(lock.slot)?;
        Some(frame.tracks[row]).filter(|track| track.id == lock.id)
    }

    /// Calls `visit` for everyone within a radius, in no order that
    /// counts. `found` is working memory.
    pub fn around(
        &self,
        centre: [i32; 3],
        radius_cm: u32,
        found: &mut Vec<u32>,
        mut visit: impl FnMut(&'a Sight),
    ) {
        for frame in self.frames {
            found.clear();
            frame.index.scan(centre, radius_cm, found);
            for row in &*found {
                visit(&frame.ships[*row as usize]);
            }
        }
    }
}
