//! What everyone sees of a part: its columns, where each slot's tenant lies, and an index of
//! positions; and how those of all parts are read as one.
//!
//! Cost: a copy of eight columns and a counting sort over the part's own rows.

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
    /// The ships, by row, as are all columns here.
    pub ids: Vec<EntityId>,
    /// Positions, centimetres.
    pub x: Vec<i32>,
    /// As `x`.
    pub y: Vec<i32>,
    /// As `x`.
    pub z: Vec<i32>,
    /// Velocities, 2⁻¹⁴ centimetres per beat.
    pub velocities: Vec<[i32; 3]>,
    /// Hull points.
    pub hulls: Vec<i32>,
    /// Sides.
    pub fleets: Vec<u8>,
    /// Slots.
    pub slots: Vec<Slot>,
    /// By slot of the whole grid: the row here, or `u32::MAX`.
    row_of_slot: Vec<u32>,
    index: CellIndex,
}

impl BattleFrame {
    pub(super) fn new() -> Self {
        Self {
            tick: Tick(0),
            ids: Vec::new(),
            x: Vec::new(),
            y: Vec::new(),
            z: Vec::new(),
            velocities: Vec::new(),
            hulls: Vec::new(),
            fleets: Vec::new(),
            slots: Vec::new(),
            row_of_slot: Vec::new(),
            index: CellIndex::for_radius(BURST_CM),
        }
    }

    /// Becomes the picture of this part.
    pub(super) fn draw(&mut self, tick: Tick, part: &Part<Battle>) {
        let ships = part.table.columns();
        self.tick = tick;
        copy(&mut self.ids, part.table.ids());
        copy(&mut self.slots, part.table.slots());
        copy(&mut self.x, &ships.x);
        copy(&mut self.y, &ships.y);
        copy(&mut self.z, &ships.z);
        copy(&mut self.hulls, &ships.hull);
        copy(&mut self.fleets, &ships.fleet);
        let (x, y, z) = (&ships.vx, &ships.vy, &ships.vz);
        let velocities = x.iter().zip(y).zip(z).map(|((x, y), z)| [*x, *y, *z]);
        self.velocities.clear();
        self.velocities.extend(velocities);
        self.row_of_slot.clear();
        self.row_of_slot.resize(part.slot_bound() as usize, NO_ROW);
        for (row, slot) in (0..).zip(part.table.slots()) {
            self.row_of_slot[slot.0 as usize] = row;
        }
        self.index.rebuild(&self.x, &self.y, &self.z);
    }

    /// The row of a slot's tenant, if it is of this part.
    fn row_of(&self, slot: Slot) -> Option<usize> {
        let row = *self.row_of_slot.get(slot.0 as usize)?;
        (row != NO_ROW).then_some(row as usize)
    }

    /// A row as others see it.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn sight(&self, row: usize) -> Sight {
        Sight {
            lock: Lock {
                id: self.ids[row],
                slot: self.slots[row],
            },
            position: [self.x[row], self.y[row], self.z[row]],
            velocity: self.velocities[row],
            hull: self.hulls[row],
            fleet: self.fleets[row],
        }
    }
}

fn copy<T: Copy>(to: &mut Vec<T>, from: &[T]) {
    to.clear();
    to.extend_from_slice(from);
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
        frames.find_map(|frame| frame.row_of(slot).map(|row| frame.sight(row)))
    }

    /// Who is locked, if still there.
    #[must_use]
    pub fn find(&self, lock: Lock) -> Option<Sight> {
        if !lock.id.is_some() {
            return None;
        }
        let frame = &self.frames[usize::from(part_of(lock.id, self.frames.len() as u16))];
        let row = frame.row_of(lock.slot)?;
        (frame.ids[row] == lock.id).then(|| frame.sight(row))
    }

    /// Calls `visit` with the frame and the row of everyone within a radius, in no order that
    /// counts. `found` is working memory.
    pub fn around(
        &self,
        centre: [i32; 3],
        radius_cm: u32,
        found: &mut Vec<u32>,
        mut visit: impl FnMut(&'a BattleFrame, usize),
    ) {
        for frame in self.frames {
            found.clear();
            frame.index.scan(centre, radius_cm, found);
            for row in &*found {
                visit(frame, *row as usize);
            }
        }
    }
}
