//! Where the parts of a grid leave things for each other.
//!
//! Each box is written in one stage of a beat and read in the next, with a barrier between the
//! two (`crate::seat`), so no lock is ever waited for: the mutexes are what makes that
//! arrangement safe to express, and cost an uncontended lock each.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam::utils::CachePadded;
use orrery_base::{EntityId, GridId, Tick};

use crate::effects::TargetedEffect;
use crate::rules::{BeatContext, Envelope, Output, RowOf, Rules, Stamped};
use crate::slots::Handle;

/// Locks a box. A part that panicked leaves its boxes as they were, and its grid is given up as
/// a whole, so poison says nothing that matters here.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything that the parts of one grid share.
pub(crate) struct Exchange<R: Rules> {
    pub(crate) grid: GridId,
    pub(crate) seed: u64,
    pub(crate) context: Arc<R::Context>,
    /// By part.
    pub(crate) boxes: Vec<CachePadded<PartBoxes<R>>>,
}

/// Effects on their way from one part to another, in cache lines of their own.
type EffectBox<R> = CachePadded<Mutex<Vec<TargetedEffect<<R as Rules>::Effect>>>>;

/// What one part finds and leaves.
pub(crate) struct PartBoxes<R: Rules> {
    /// For this part, from the desk.
    pub(crate) inbox: Mutex<Option<Arc<Delivery<R>>>>,
    /// From this part, for all.
    pub(crate) requests: Mutex<Posted<RowOf<R>>>,
    /// From this part, for all.
    pub(crate) frame: Mutex<Option<Arc<R::Frame>>>,
    /// For this part, by the part that emitted them.
    pub(crate) effects: Vec<EffectBox<R>>,
    /// From this part, for the desk, which empties it and leaves the memory.
    pub(crate) outcome: Mutex<Option<Outcome<R>>>,
}

/// What has come for a grid, or a part of it: inputs and arrivals.
pub struct Delivery<R: Rules> {
    /// Inputs.
    pub inputs: Vec<Stamped<R::Input>>,
    /// Messages from grids.
    pub arrivals: Vec<Envelope<R::Message>>,
}

/// The requests of one part: who leaves (with the handle that becomes free), who comes. A row is
/// taken by the part that will own it; all parts read the rest.
pub(crate) struct Posted<Row> {
    pub(crate) despawns: Vec<(EntityId, Handle, u8)>,
    pub(crate) spawns: Vec<(EntityId, Option<Row>)>,
}

/// What one part has to show for a beat.
pub(crate) struct Outcome<R: Rules> {
    pub(crate) tick: Tick,
    pub(crate) digest: u64,
    pub(crate) is_quiet: bool,
    /// Of `gather` and of `apply`, each list sorted by source.
    pub(crate) phases: [Output<R>; 2],
}

impl<R: Rules> Delivery<R> {
    /// Whether nothing has come.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.inputs.is_empty() && self.arrivals.is_empty()
    }

    /// Brings everything into canonical order.
    pub(crate) fn sort(&mut self) {
        self.inputs
            .sort_by_key(|input| (input.source, input.sequence));
        self.arrivals.sort_by_key(Envelope::order);
    }
}

impl<R: Rules> Default for Delivery<R> {
    fn default() -> Self {
        Self {
            inputs: Vec::new(),
            arrivals: Vec::new(),
        }
    }
}

impl<R: Rules> Clone for Delivery<R> {
    fn clone(&self) -> Self {
        Self {
            inputs: self.inputs.clone(),
            arrivals: self.arrivals.clone(),
        }
    }
}

impl<R: Rules> fmt::Debug for Delivery<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (inputs, arrivals) = (self.inputs.len(), self.arrivals.len());
        write!(f, "{inputs} inputs, {arrivals} arrivals")
    }
}

impl<R: Rules> Exchange<R> {
    pub(crate) fn new(grid: GridId, seed: u64, context: Arc<R::Context>, parts: u16) -> Self {
        let boxes = (0..parts).map(|_| {
            CachePadded::new(PartBoxes {
                inbox: Mutex::new(None),
                requests: Mutex::new(Posted {
                    despawns: Vec::new(),
                    spawns: Vec::new(),
                }),
                frame: Mutex::new(None),
                effects: (0..parts)
                    .map(|_| CachePadded::new(Mutex::new(Vec::new())))
                    .collect(),
                outcome: Mutex::new(None),
            })
        });
        Self {
            grid,
            seed,
            context,
            boxes: boxes.collect(),
        }
    }

    pub(crate) fn beat(&self, tick: Tick, wall: Tick) -> BeatContext<'_, R> {
        BeatContext {
            tick,
            wall,
            grid: self.grid,
            seed: self.seed,
            context: &self.context,
        }
    }
}
