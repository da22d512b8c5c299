//! A part of a grid: the rows that one core steps.
//!
//! An entity's part is a hash of its id, so that a crowd is spread evenly and nobody has to be
//! asked. Rules change rows in place; entities come and go by request, which the grid carries
//! out at the end of `gather` and of `apply`, in the same order on every part.

use std::fmt;

use orrery_base::EntityId;

use crate::effects::part_of;
use crate::rules::{RowOf, Rules};
use crate::slots::Slots;
use crate::table::Table;

/// The rows that one core steps, and what goes with them.
pub struct Part<R: Rules> {
    /// The entities.
    pub table: Table<R::Columns>,
    /// The grid's local state: `Some` on part 0, `None` on all others.
    pub local: Option<R::Local>,
    /// Working memory; not state.
    pub scratch: R::Scratch,
    /// Who is to come and to go at the end of this phase.
    pub requests: Requests<RowOf<R>>,
    pub(crate) slots: Slots,
    index: u16,
    parts: u16,
}

impl<R: Rules> Part<R> {
    pub(crate) fn new(index: u16, parts: u16) -> Self {
        assert!(index < parts, "part {index} of {parts}");
        Self {
            table: Table::default(),
            local: (index == 0).then(R::Local::default),
            scratch: R::Scratch::default(),
            requests: Requests::default(),
            slots: Slots::default(),
            index,
            parts,
        }
    }

    /// The part's state, without its working memory.
    pub(crate) fn copy(&self) -> Self {
        Self {
            table: self.table.clone(),
            local: self.local.clone(),
            scratch: R::Scratch::default(),
            requests: Requests::default(),
            slots: self.slots.clone(),
            index: self.index,
            parts: self.parts,
        }
    }

    /// Which part of the grid this is, from 0.
    #[must_use]
    pub const fn index(&self) -> u16 {
        self.index
    }

    /// How many parts the grid has, at least 1.
    #[must_use]
    pub const fn parts(&self) -> u16 {
        self.parts
    }

    /// Whether an entity, on the grid or not, belongs to this part. What belongs to no entity
    /// belongs to part 0.
    #[must_use]
    pub const fn owns(&self, id: EntityId) -> bool {
        part_of(id, self.parts) == self.index
    }

    /// A number above every slot of the grid, all parts together: the size of a bitset over
    /// slots.
    #[must_use]
    pub const fn slot_bound(&self) -> u32 {
        self.slots.bound()
    }

    /// The grid's local state.
    ///
    /// # Panics
    /// If this is not part 0, to which everything that is addressed to no entity goes.
    pub const fn local_mut(&mut self) -> &mut R::Local {
        let local = self.local.as_mut();
        local.expect("part 0 holds the local state")
    }

    /// Asks for an entity, of any part, at the end of this phase; see [`Requests::spawn`].
    pub fn spawn(&mut self, id: EntityId, row: RowOf<R>) {
        self.requests.spawn(id, row);
    }

    /// Asks for an entity of this part to be gone at the end of this phase; see
    /// [`Requests::despawn`].
    pub fn despawn(&mut self, id: EntityId, reason: u8) {
        self.requests.despawn(id, reason);
    }

    /// # Panics
    /// If the rules broke the part: added or removed rows, or moved the local state.
    pub(crate) fn check(&self) {
        assert!(
            self.table.is_consistent(),
            "rows are added and removed by request only"
        );
        assert!(
            self.local.is_some() == (self.index == 0),
            "part 0 holds the local state"
        );
    }
}

impl<R: Rules> fmt::Debug for Part<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (index, parts, rows) = (self.index, self.parts, self.table.len());
        write!(f, "part {index} of {parts}, {rows} rows")
    }
}

/// Who is to come and to go at the end of a phase.
#[derive(Clone, Debug)]
pub struct Requests<Row> {
    pub(crate) spawns: Vec<(EntityId, Row)>,
    pub(crate) despawns: Vec<(EntityId, u8)>,
}

impl<Row> Requests<Row> {
    /// Asks for an entity, of any part: it exists from the end of this phase on.
    ///
    /// The grid panics at the end of the phase if the id is [`EntityId::NONE`], is on the grid
    /// (and not leaving in this phase), or is asked for twice: an entity exists once.
    pub fn spawn(&mut self, id: EntityId, row: Row) {
        self.spawns.push((id, row));
    }

    /// Asks for an entity **of this part** to be gone at the end of this phase, for a reason
    /// that is the rules' own number. Asking twice counts once, with the first reason; an entity
    /// that is not here is nobody's business.
    pub fn despawn(&mut self, id: EntityId, reason: u8) {
        self.despawns.push((id, reason));
    }

    /// Whether nothing was asked for.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.spawns.is_empty() && self.despawns.is_empty()
    }
}

impl<Row> Default for Requests<Row> {
    fn default() -> Self {
        Self {
            spawns: Vec::new(),
            despawns: Vec::new(),
        }
    }
}
