//! Cells whose entities keep their place from beat to beat, so that what an observer sees of a
//! block is 16 bits that can be compared with those of its last beat.
//!
//! Reads position columns and slots, keeps x, y, z and slot in blocks of 16 lanes. An entity's
//! lane is its *berth*: it keeps it until it leaves the cell or the table. A cell is a cube; its
//! blocks are a chain. The cells are a table that repeats in all directions: strangers may share
//! a chain, and distances tell them apart.
//!
//! **A lane that became free stays empty for [`MEMORY_BEATS`] beats**, with its last occupant's
//! slot. Whoever looked in that time therefore finds every change by comparing bits: a bit that
//! went out is the lane's last occupant, and a bit that came on is somebody new. Whoever did not
//! look for longer compares slots.
//!
//! **Invariant:** berths decide nothing but time. What an observer sees is a function of the
//! positions and slots; which lanes they are in never shows. An empty lane's position is the
//! lowest corner of the world, which no ball that is answered by vectors contains.
//!
//! **Which cell edge?** That of the largest radius in use ([`BerthIndex::for_radius`]): observers
//! then watch 3 × 3 cells on a plane, which change only when they cross into another cell.
//!
//! Cost: 16 bytes per lane, some 1.3 lanes per entity where cells hold dozens; 12 bytes per slot.
//! Measured in `perf/results/difference.json`.

mod look;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Path, Positions};
pub(crate) use look::{BlockList, Sight, look};

/// Lanes of a block.
pub(crate) const LANES: usize = 16;

/// Beats for which a free lane remembers its last occupant.
pub const MEMORY_BEATS: u32 = 16;

/// No block, no lane.
const NONE: u32 = u32::MAX;

/// Where an empty lane is, on every axis.
pub(crate) const NOWHERE: i32 = i32::MIN;

/// The smallest cell's edge.
const EDGE_MIN_CM: u32 = 256;

/// Cells per entity that the table may have.
const CELLS_PER_ROW: usize = 2;
/// Always allowed, however few the entities.
const CELLS_FREE: usize = 4_096;
/// Beats after which the berths may be dealt out anew if too many lanes are empty.
const TIDY_BEATS: u32 = 64;

/// Sixteen numbers of a column, as one line of the cache.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Block<T>(pub(crate) [T; LANES]);

/// Where an entity is.
#[derive(Clone, Copy, Debug)]
struct Berth {
    /// Block · 16 + lane; [`NONE`] if the slot is in no berth.
    at: u32,
    /// The cell's number in the table.
    cell: u32,
    /// The beat that last mentioned the slot.
    seen: u32,
}

const ABSENT: Berth = Berth {
    at: NONE,
    cell: NONE,
    seen: 0,
};

/// The index: see the module. Updated every beat with where everybody is.
#[derive(Debug)]
pub struct BerthIndex {
    path: Path,
    /// Cells along an axis of the world; a cell's edge is 2³² / `scale`.
    scale: u32,
    /// Cells of the table along each axis, less one; the number of cells is a power of two.
    mask: [u32; 3],
    /// Which dealing-out this is: of all indices of the process, no two have the same.
    epoch: u64,
    /// Changes when a cell gets a block.
    layout: u64,
    beat: u32,
    dealt: u32,
    /// Entities and blocks when the berths were last dealt out.
    dealt_rows: usize,
    dealt_blocks: usize,
    rows: usize,
    /// The first block of each cell.
    head: Vec<u32>,
    /// The block after each block.
    next: Vec<u32>,
    /// Lanes of each block that may be given out.
    vacant: Vec<u16>,
    pub(crate) x: Vec<Block<i32>>,
    pub(crate) y: Vec<Block<i32>>,
    pub(crate) z: Vec<Block<i32>>,
    /// The slot of each lane's occupant, or of its last one.
    who: Vec<Block<u32>>,
    /// By slot.
    berths: Vec<Berth>,
    /// Lanes that are free but not vacant yet, and since when.
    resting: VecDeque<(u32, u32)>,
}

/// The cells around an observer, and which dealing-out of berths they belong to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Window {
    pub(crate) epoch: u64,
    from: [u32; 3],
    count: [u32; 3],
}

impl BerthIndex {
    /// An empty index for observers whose largest radius is this; on the fastest path that the
    /// processor has.
    #[must_use]
    pub fn for_radius(radius_cm: u32) -> Self {
        Self::with_path(radius_cm, Path::detect())
    }

    /// As [`for_radius`](Self::for_radius), on a chosen path; the portable one if the processor
    /// lacks it.
    #[must_use]
    pub fn with_path(radius_cm: u32, path: Path) -> Self {
        let edge = u64::from(radius_cm.max(EDGE_MIN_CM));
        Self {
            path: path.or_portable(),
            scale: ((1u64 << 32) / edge) as u32,
            mask: [0; 3],
            epoch: new_epoch(),
            layout: 0,
            beat: 0,
            dealt: 0,
            dealt_rows: 0,
            dealt_blocks: 0,
            rows: 0,
            head: vec![NONE],
            next: Vec::new(),
            vacant: Vec::new(),
            x: Vec::new(),
            y: Vec::new(),
            z: Vec::new(),
            who: Vec::new(),
            berths: Vec::new(),
            resting: VecDeque::new(),
        }
    }

    /// The path that looking around takes.
    #[must_use]
    pub const fn path(&self) -> Path {
        self.path
    }

    /// The number of entities.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// A beat: where everybody is now. The tables' rows are those of all parts, one after the
    /// other; `slots[row]` says who it is. Whoever is not mentioned is gone.
    ///
    /// # Panics
    /// If the columns of a part differ in length, the slots are not as many as the rows, or a
    /// slot occurs twice.
    pub fn update(&mut self, parts: &[Positions<'_>], slots: &[u32]) {
        let mut rows = 0;
        for part in parts {
            assert!(
                part.x.len() == part.y.len() && part.x.len() == part.z.len(),
                "columns of one table have one length"
            );
            rows += part.x.len();
        }
        assert!(rows == slots.len(), "every row has a slot");
        self.beat += 1;
        self.reuse_rested();
        if self.wants_dealing(rows) {
            self.deal(parts, rows);
        }
        let most = slots.iter().max().map_or(0, |&slot| slot as usize + 1);
        if self.berths.len() < most {
            self.berths.resize(most, ABSENT);
        }
        let mut slots = slots.iter();
        for part in parts {
            let places = part.x.iter().zip(part.y).zip(part.z);
            for (((&x, &y), &z), &slot) in places.zip(&mut slots) {
                self.place(slot, [x, y, z]);
            }
        }
        if self.rows != rows {
            self.sweep();
        }
    }

    /// Puts an entity where it is now.
    #[inline]
    fn place(&mut self, slot: u32, place: [i32; 3]) {
        let cell = self.cell_at(place.map(|p| self.cell_of(p)));
        let berth = self.berths[slot as usize];
        assert!(berth.seen != self.beat, "slot {slot} occurs twice");
        let mut at = berth.at;
        if berth.cell != cell {
            if at == NONE {
                self.rows += 1;
            } else {
                self.leave(at);
            }
            at = self.enter(cell, slot);
        }
        self.berths[slot as usize] = Berth {
            at,
            cell,
            seen: self.beat,
        };
        self.put(at, place);
    }

    #[inline]
    fn put(&mut self, at: u32, [x, y, z]: [i32; 3]) {
        let (block, lane) = (at as usize / LANES, at as usize % LANES);
        self.x[block].0[lane] = x;
        self.y[block].0[lane] = y;
        self.z[block].0[lane] = z;
    }

    /// Empties a lane, which then rests.
    fn leave(&mut self, at: u32) {
        self.put(at, [NOWHERE; 3]);
        self.resting.push_back((self.beat, at));
    }

    /// A vacant lane of the cell.
    fn enter(&mut self, cell: u32, slot: u32) -> u32 {
        let mut block = self.head[cell as usize];
        while block != NONE && self.vacant[block as usize] == 0 {
            block = self.next[block as usize];
        }
        if block == NONE {
            block = self.next.len() as u32;
            self.next.push(self.head[cell as usize]);
            self.head[cell as usize] = block;
            self.vacant.push(u16::MAX);
            self.x.push(Block([NOWHERE; LANES]));
            self.y.push(Block([NOWHERE; LANES]));
            self.z.push(Block([NOWHERE; LANES]));
            self.who.push(Block([NONE; LANES]));
            self.layout += 1;
        }
        let vacant = &mut self.vacant[block as usize];
        let lane = vacant.trailing_zeros();
        *vacant &= *vacant - 1;
        self.who[block as usize].0[lane as usize] = slot;
        block * LANES as u32 + lane
    }

    /// Whoever this beat did not mention is gone.
    #[cold]
    fn sweep(&mut self) {
        for slot in 0..self.berths.len() {
            let Berth { at, seen, .. } = self.berths[slot];
            if at != NONE && seen != self.beat {
                self.leave(at);
                self.berths[slot] = ABSENT;
                self.rows -= 1;
            }
        }
    }

    /// Lanes that have rested long enough may be given out again.
    fn reuse_rested(&mut self) {
        while let Some(&(since, at)) = self.resting.front() {
            if self.beat - since <= MEMORY_BEATS {
                break;
            }
            self.vacant[at as usize / LANES] |= 1 << (at as usize % LANES);
            self.resting.pop_front();
        }
    }

    /// Whether the table is too small by now, or too empty.
    fn wants_dealing(&self, rows: usize) -> bool {
        rows > 2 * self.dealt_rows
            || self.beat == u32::MAX
            || (self.beat - self.dealt >= TIDY_BEATS
                && self.next.len() > 2 * self.dealt_blocks.max(CELLS_FREE / LANES))
    }

    /// Empties everything and chooses a table for these positions. Observers who come back compare
    /// slots.
    #[cold]
    fn deal(&mut self, parts: &[Positions<'_>], rows: usize) {
        let mut cells = [0u32; 3];
        for (axis, cells) in cells.iter_mut().enumerate() {
            let columns = parts.iter().flat_map(|part| [part.x, part.y, part.z][axis]);
            let (low, high) = columns.fold((i32::MAX, i32::MIN), |(low, high), &p| {
                (low.min(p), high.max(p))
            });
            if low <= high {
                *cells = (self.cell_of(high) - self.cell_of(low) + 1).next_power_of_two();
            }
        }
        let mut cells = cells.map(|cells| cells.max(1));
        let allowed = (rows * CELLS_PER_ROW).max(CELLS_FREE) as u64;
        while cells.iter().map(|&cells| u64::from(cells)).product::<u64>() > allowed {
            let widest = cells.iter_mut().max().expect("there are three axes");
            *widest /= 2;
        }
        self.mask = cells.map(|cells| cells - 1);
        self.head.clear();
        self.head
            .resize(cells.iter().product::<u32>() as usize, NONE);
        for column in [&mut self.x, &mut self.y, &mut self.z] {
            column.clear();
        }
        self.who.clear();
        self.next.clear();
        self.vacant.clear();
        self.resting.clear();
        self.berths.fill(ABSENT);
        self.rows = 0;
        (self.beat, self.dealt) = (1, 1);
        self.epoch = new_epoch();
        self.dealt_rows = rows.max(1);
        // Expected; a wrong guess deals again no sooner than it may.
        self.dealt_blocks = rows / LANES + self.head.len();
    }

    /// The cell that a coordinate is in, along its axis of the world: 0..scale.
    #[inline]
    fn cell_of(&self, position: i32) -> u32 {
        let above_lowest = (position as u32) ^ (1 << 31);
        ((u64::from(above_lowest) * u64::from(self.scale)) >> 32) as u32
    }

    /// A cell's number in the table.
    #[inline]
    fn cell_at(&self, cell: [u32; 3]) -> u32 {
        let [x, y, z] = [0, 1, 2].map(|axis| cell[axis] & self.mask[axis]);
        (z * (self.mask[1] + 1) + y) * (self.mask[0] + 1) + x
    }

    /// The cells that an observer watches: those around its own that the radius can reach from
    /// anywhere in it.
    pub(crate) fn window(&self, centre: [i32; 3], radius_cm: u32) -> Window {
        let reach = (u64::from(radius_cm) * u64::from(self.scale)).div_ceil(1 << 32) as u32;
        let mut window = Window {
            epoch: self.epoch,
            ..Window::default()
        };
        for (axis, &centre) in centre.iter().enumerate() {
            let all = self.mask[axis] + 1;
            if 2 * reach + 1 >= all {
                window.count[axis] = all;
            } else {
                window.from[axis] = self.cell_of(centre).wrapping_sub(reach);
                window.count[axis] = 2 * reach + 1;
            }
        }
        window
    }

    /// Lists the window's blocks.
    pub(crate) fn list(&self, window: &Window, blocks: &mut BlockList) {
        blocks.clear();
        for z in 0..window.count[2] {
            for y in 0..window.count[1] {
                for x in 0..window.count[0] {
                    let offset = [x, y, z];
                    let cell = [0, 1, 2].map(|axis| window.from[axis].wrapping_add(offset[axis]));
                    let mut block = self.head[self.cell_at(cell) as usize];
                    while block != NONE {
                        blocks.push(block);
                        block = self.next[block as usize];
                    }
                }
            }
        }
    }

    /// Changes when a list of blocks may have.
    pub(crate) const fn layout(&self) -> u64 {
        self.layout
    }

    /// The beat since the berths were dealt out.
    pub(crate) const fn beat(&self) -> u32 {
        self.beat
    }

    /// The slot of a lane's occupant, or of its last one.
    pub(crate) fn who(&self, block: u32, lane: u32) -> u32 {
        self.who[block as usize].0[lane as usize]
    }

    /// An entity's block and lane.
    pub(crate) fn berth(&self, slot: u32) -> Option<(u32, u32)> {
        let at = self.berths.get(slot as usize)?.at;
        (at != NONE).then_some((at / LANES as u32, at % LANES as u32))
    }

    /// Where a lane's occupant is; none if it is empty.
    pub(crate) fn occupant(&self, block: u32, lane: u32) -> Option<[i32; 3]> {
        let slot = self.who(block, lane);
        let berth = (slot != NONE).then(|| self.berth(slot)).flatten()?;
        let (block, lane) = (block as usize, lane as usize);
        let place = [&self.x, &self.y, &self.z].map(|column| column[block].0[lane]);
        (berth == (block as u32, lane as u32)).then_some(place)
    }
}

/// Clones share what they remember: update only one of them. [`Clone::clone_from`] keeps the
/// room that there is.
impl Clone for BerthIndex {
    fn clone(&self) -> Self {
        let mut clone = Self::with_path(EDGE_MIN_CM, self.path);
        clone.clone_from(self);
        clone
    }

    fn clone_from(&mut self, of: &Self) {
        self.path = of.path;
        self.scale = of.scale;
        self.mask = of.mask;
        self.epoch = of.epoch;
        self.layout = of.layout;
        (self.beat, self.dealt) = (of.beat, of.dealt);
        self.dealt_rows = of.dealt_rows;
        self.dealt_blocks = of.dealt_blocks;
        self.rows = of.rows;
        self.head.clone_from(&of.head);
        self.next.clone_from(&of.next);
        self.vacant.clone_from(&of.vacant);
        self.x.clone_from(&of.x);
        self.y.clone_from(&of.y);
        self.z.clone_from(&of.z);
        self.who.clone_from(&of.who);
        self.berths.clone_from(&of.berths);
        self.resting.clone_from(&of.resting);
    }
}

/// A number that no other index has. Only ever compared for equality: results do not depend on it.
fn new_epoch() -> u64 {
    static EPOCHS: AtomicU64 = AtomicU64::new(1);
    EPOCHS.fetch_add(1, Ordering::Relaxed)
}
