//! One part at work: the stages of a beat, to be driven by one thread per seat.
//!
//! The five stages are called in order, once a beat, with a barrier of all the grid's seats
//! between any two; whether one thread walks over all seats stage by stage or every seat has a
//! core of its own makes no difference to any bit.
//!
//! | stage | reads of the others | does | leaves for the others |
//! | --- | --- | --- | --- |
//! | [`Seat::gather`] | inbox | `Rules::gather` | requests |
//! | [`Seat::motion`] | requests | carries them out, `Rules::motion`, `Rules::frame` | frame |
//! | [`Seat::interact`] | frames | `Rules::interact` | effects |
//! | [`Seat::apply`] | effects | sorts them, `Rules::apply` | requests |
//! | [`Seat::settle`] | requests | carries them out, digest | outcome |

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use orrery_base::digest::{Digest, combine, of_words};
use orrery_base::{EntityId, Tick};

use crate::effects::{EffectBuffer, TargetedEffect, part_of, sort_effects};
use crate::exchange::{Delivery, Exchange, Outcome, PartBoxes, lock};
use crate::part::Part;
use crate::probe::Phase;
use crate::rules::{Departure, Output, RowOf, Rules};
use crate::slots::Handle;

/// Frames kept so that a frame's memory can be used again when its last reader is gone: edges
/// read for two beats at most, and one more may be in flight.
const FRAMES_KEPT: usize = 4;
const DIGEST_OF_ROW: u64 = 1;
const DIGEST_OF_LOCAL: u64 = 2;

/// A part with everything that its thread needs.
pub struct Seat<R: Rules> {
    exchange: Arc<Exchange<R>>,
    part: Part<R>,
    tick: Tick,
    /// The host's beat in which this one was begun.
    wall: Tick,
    /// Left since the last frame.
    departures: Vec<Departure>,
    /// Whether someone has come since the last frame.
    has_newcomers: bool,
    delivery: Option<Arc<Delivery<R>>>,
    /// Of `gather` and of `apply`.
    outputs: [Output<R>; 2],
    emitted: EffectBuffer<R::Effect>,
    received: Vec<TargetedEffect<R::Effect>>,
    frames: Vec<Arc<R::Frame>>,
    own_frames: VecDeque<Arc<R::Frame>>,
    leaving: Vec<(EntityId, Handle, u8)>,
    coming: Vec<(EntityId, Option<RowOf<R>>)>,
}

impl<R: Rules> Seat<R> {
    pub(crate) fn new(exchange: Arc<Exchange<R>>, index: u16, tick: Tick) -> Self {
        let parts = exchange.boxes.len() as u16;
        Self {
            exchange,
            part: Part::new(index, parts),
            tick,
            wall: tick,
            departures: Vec::new(),
            has_newcomers: false,
            delivery: None,
            outputs: [Output::new(index, parts), Output::new(index, parts)],
            emitted: EffectBuffer::new(index, parts),
            received: Vec::new(),
            frames: Vec::new(),
            own_frames: VecDeque::with_capacity(FRAMES_KEPT + 1),
            leaving: Vec::new(),
            coming: Vec::new(),
        }
    }

    /// The part.
    #[must_use]
    pub const fn part(&self) -> &Part<R> {
        &self.part
    }

    pub(crate) const fn part_mut(&mut self) -> &mut Part<R> {
        &mut self.part
    }

    /// The part, what has left it since its last frame, and whether someone has come since.
    pub(crate) fn into_part(self) -> (Part<R>, Vec<Departure>, bool) {
        (self.part, self.departures, self.has_newcomers)
    }

    pub(crate) const fn set_newcomers(&mut self) {
        self.has_newcomers = true;
    }

    pub(crate) const fn departures_mut(&mut self) -> &mut Vec<Departure> {
        &mut self.departures
    }

    pub(crate) fn departures(&self) -> &[Departure] {
        &self.departures
    }

    /// The last beat whose first stage this seat has begun.
    #[must_use]
    pub const fn tick(&self) -> Tick {
        self.tick
    }

    /// Does one stage of a beat; see the module's table. `tick` and `wall` count for the first.
    pub(crate) fn stage(&mut self, phase: Phase, tick: Tick, wall: Tick) {
        match phase {
            Phase::Gather => self.gather(tick, wall),
            Phase::Motion => self.motion(),
            Phase::Interact => self.interact(),
            Phase::Apply => self.apply(),
            Phase::Settle => self.settle(),
            Phase::Done => {}
        }
    }

    /// First stage: takes in inputs and arrivals. The desk has begun this beat, in the host's
    /// beat `wall`.
    pub fn gather(&mut self, tick: Tick, wall: Tick) {
        (self.tick, self.wall) = (tick, wall);
        let exchange = Arc::clone(&self.exchange);
        let boxes = &exchange.boxes[usize::from(self.part.index())];
        self.delivery = lock(&boxes.inbox).take();
        let (inputs, arrivals) = match &self.delivery {
            Some(delivery) => (delivery.inputs.as_slice(), delivery.arrivals.as_slice()),
            None => Default::default(),
        };
        R::gather(
            &exchange.beat(tick, wall),
            &mut self.part,
            inputs,
            arrivals,
            &mut self.outputs[0],
        );
        self.post_requests();
    }

    /// Second stage: those who were asked for in `gather` come and go; phase A; the frame.
    pub fn motion(&mut self) {
        let exchange = Arc::clone(&self.exchange);
        let beat = exchange.beat(self.tick, self.wall);
        self.carry_out_requests(self.tick);
        R::motion(&beat, &mut self.part);
        self.part.check();
        // The oldest, as soon as it is free: the fewer there are, the more of them is in the cache.
        let is_free = self
            .own_frames
            .front_mut()
            .is_some_and(|frame| Arc::get_mut(frame).is_some());
        let recycled = if is_free || self.own_frames.len() >= FRAMES_KEPT {
            self.own_frames.pop_front().and_then(Arc::into_inner)
        } else {
            None
        };
        let frame = Arc::new(R::frame(&beat, &self.part, &self.departures, recycled));
        self.departures.clear();
        self.has_newcomers = false;
        *lock(&self.boxes().frame) = Some(Arc::clone(&frame));
        self.own_frames.push_back(frame);
    }

    /// Third stage: phase B.
    pub fn interact(&mut self) {
        let exchange = Arc::clone(&self.exchange);
        let frames = exchange.boxes.iter().map(|boxes| {
            let frame = lock(&boxes.frame);
            Arc::clone(
                frame
                    .as_ref()
                    .expect("every seat has done its second stage"),
            )
        });
        self.frames.extend(frames);
        R::interact(
            &exchange.beat(self.tick, self.wall),
            &mut self.part,
            &self.frames,
            &mut self.emitted,
        );
        self.part.check();
        self.frames.clear();
        let from = usize::from(self.part.index());
        for (boxes, outgoing) in exchange.boxes.iter().zip(self.emitted.outgoing_mut()) {
            // The box was emptied by its reader: its memory comes back in the swap.
            std::mem::swap(&mut *lock(&boxes.effects[from]), outgoing);
        }
    }

    /// Fourth stage: phase C.
    pub fn apply(&mut self) {
        let exchange = Arc::clone(&self.exchange);
        for effects in &exchange.boxes[usize::from(self.part.index())].effects {
            let mut effects = lock(effects);
            if self.received.is_empty() {
                std::mem::swap(&mut self.received, &mut *effects);
            } else {
                self.received.append(&mut effects);
            }
        }
        sort_effects(&mut self.received);
        R::apply(
            &exchange.beat(self.tick, self.wall),
            &mut self.part,
            &self.received,
            &mut self.outputs[1],
        );
        self.part.check();
        self.received.clear();
        self.post_requests();
    }

    /// Last stage: those who were asked for in `apply` come and go; the digest; the outcome is
    /// left for the desk.
    ///
    /// # Panics
    /// If the rules find the state to be impossible ([`Rules::verify`]).
    pub fn settle(&mut self) {
        self.carry_out_requests(self.tick.next());
        if let Err(wrong) = R::verify(&self.part) {
            panic!("{wrong}");
        }
        for output in &mut self.outputs {
            output.sort();
        }
        self.delivery = None;
        let (digest, is_quiet) = (self.digest(), self.is_quiet());
        let (index, parts) = (self.part.index(), self.part.parts());
        let exchange = Arc::clone(&self.exchange);
        let mut outcome = lock(&exchange.boxes[usize::from(index)].outcome);
        let outcome = outcome.get_or_insert_with(|| Outcome {
            tick: self.tick,
            digest,
            is_quiet,
            phases: [Output::new(index, parts), Output::new(index, parts)],
        });
        (outcome.tick, outcome.digest, outcome.is_quiet) = (self.tick, digest, is_quiet);
        // The desk has emptied the lists of the beat before: their memory comes back.
        std::mem::swap(&mut outcome.phases, &mut self.outputs);
    }

    /// The digest of this part's state: the same for the grid however it is divided, because
    /// the parts' digests are combined by a sum.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let table = &self.part.table;
        let mut sum = 0;
        for (row, (id, slot)) in table.ids().iter().zip(table.slots()).enumerate() {
            let place = u64::from(slot.0) | u64::from(table.generations()[row]) << 32;
            let (born, columns) = (table.born()[row].0, R::digest_row(&self.part, row));
            let digest = of_words(DIGEST_OF_ROW, [id.0, place, born, columns]);
            sum = combine(sum, digest);
        }
        if let Some(local) = &self.part.local {
            let digest = Digest::new(DIGEST_OF_LOCAL).word(R::digest_local(local));
            sum = combine(sum, digest.finish());
        }
        sum
    }

    /// Whether the next beat may be left out if nothing comes for it: nobody came or left
    /// without having been in, or out of, a frame, and the rules agree.
    pub(crate) fn is_quiet(&self) -> bool {
        self.departures.is_empty() && !self.has_newcomers && R::idle(&self.part)
    }

    fn boxes(&self) -> &PartBoxes<R> {
        &self.exchange.boxes[usize::from(self.part.index())]
    }

    /// Leaves this part's requests where all parts find them.
    pub(crate) fn post_requests(&mut self) {
        let index = usize::from(self.part.index());
        let mut posted = lock(&self.exchange.boxes[index].requests);
        posted.despawns.clear();
        posted.spawns.clear();
        let parts = self.part.parts();
        let requests = &mut self.part.requests;
        for (id, reason) in requests.despawns.drain(..) {
            assert!(
                usize::from(part_of(id, parts)) == index,
                "only the part that owns {id} may despawn it"
            );
            if let Some(row) = self.part.table.row_of(id) {
                let handle = self.part.table.handle(row);
                posted.despawns.push((id, handle, reason));
            }
        }
        let spawns = requests.spawns.drain(..);
        posted
            .spawns
            .extend(spawns.map(|(id, row)| (id, Some(row))));
    }

    /// Carries out the requests of all parts, as every other part does: first those who leave,
    /// then those who come, each by ascending id. `born` is the tick of the newcomers' first
    /// frame.
    pub(crate) fn carry_out_requests(&mut self, born: Tick) {
        let exchange = Arc::clone(&self.exchange);
        for boxes in &exchange.boxes {
            let mut posted = lock(&boxes.requests);
            self.leaving.extend_from_slice(&posted.despawns);
            for (id, row) in &mut posted.spawns {
                let row = if self.part.owns(*id) {
                    row.take()
                } else {
                    None
                };
                self.coming.push((*id, row));
            }
        }
        // Both sorts are stable, and all requests to leave for one id come from one part: the
        // first of them is the same on any number of parts.
        self.leaving.sort_by_key(|(id, ..)| *id);
        self.leaving.dedup_by_key(|(id, ..)| *id);
        for (id, handle, reason) in self.leaving.drain(..) {
            self.part.slots.release(handle);
            if self.part.table.remove(id).is_some() {
                let slot = handle.slot;
                self.departures.push(Departure { id, slot, reason });
            }
        }
        self.coming.sort_by_key(|(id, _)| *id);
        let mut former = EntityId::NONE;
        for (id, row) in self.coming.drain(..) {
            assert!(id > former, "entity {id} is asked for twice, or is none");
            former = id;
            let handle = self.part.slots.allocate();
            if let Some(row) = row {
                self.part.table.insert(id, handle, born, row);
                self.has_newcomers = true;
            }
        }
    }
}

impl<R: Rules> fmt::Debug for Seat<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (grid, tick) = (self.exchange.grid, self.tick);
        write!(f, "grid {grid}, tick {tick}, {:?}", self.part)
    }
}
