//! The desk of a grid: what comes in is brought into order and dealt out to the parts, what they
//! put out is brought into order and put together.

use std::sync::Arc;

use orrery_base::digest::combine;
use orrery_base::{EntityId, Tick};

use super::{Delivery, GridBeat, GridRecord, Order};
use crate::dilation::Dilation;
use crate::effects::part_of;
use crate::exchange::{Exchange, Outcome, lock};
use crate::rules::{Envelope, Output, Rules, Sourced};

/// Where a grid's inputs come in and its outcome goes out.
pub struct Desk<R: Rules> {
    pub(super) exchange: Arc<Exchange<R>>,
    pub(super) tick: Tick,
    pub(super) wall: Tick,
    pub(super) dilation: Dilation,
    pub(super) digest: u64,
    pub(super) is_asleep: bool,
    pub(super) delivery: Arc<Delivery<R>>,
}

impl<R: Rules> Desk<R> {
    /// Begins a beat: brings what has come into canonical order and deals it out to the parts.
    /// All stages of all seats follow, then [`Desk::finish`].
    ///
    /// # Panics
    /// If the order does not follow the last beat, or a message is for another grid.
    pub fn begin(&mut self, order: Order<R>) {
        let grid = self.exchange.grid;
        let Order {
            tick,
            wall,
            dilation,
            mut delivery,
        } = order;
        assert!(
            tick == self.tick.next(),
            "grid {grid}: beat {tick} after {}",
            self.tick
        );
        assert!(
            delivery.arrivals.iter().all(|envelope| envelope.to == grid),
            "a message for another grid came to grid {grid}"
        );
        (self.tick, self.wall, self.dilation) = (tick, wall, dilation);
        delivery.sort();
        self.delivery = Arc::new(delivery);
        let boxes = &self.exchange.boxes;
        if let [only] = boxes.as_slice() {
            // The one part reads it all: nothing is copied.
            *lock(&only.inbox) = Some(Arc::clone(&self.delivery));
            return;
        }
        if self.delivery.is_empty() {
            return;
        }
        let mut dealt: Vec<Delivery<R>> = boxes.iter().map(|_| Delivery::default()).collect();
        let owner = |id: Option<EntityId>| {
            usize::from(part_of(id.unwrap_or(EntityId::NONE), boxes.len() as u16))
        };
        for input in &self.delivery.inputs {
            dealt[owner(R::route_input(&input.input))]
                .inputs
                .push(input.clone());
        }
        for envelope in &self.delivery.arrivals {
            dealt[owner(R::route_message(&envelope.message))]
                .arrivals
                .push(envelope.clone());
        }
        for (boxes, delivery) in boxes.iter().zip(dealt) {
            *lock(&boxes.inbox) = Some(Arc::new(delivery));
        }
    }

    /// Ends a beat: puts together what the seats have left.
    ///
    /// # Panics
    /// If a seat has not done all stages of this beat.
    pub fn finish(&mut self) -> GridBeat<R> {
        let exchange = Arc::clone(&self.exchange);
        let mut boxes: Vec<_> = exchange.boxes.iter().map(|b| lock(&b.outcome)).collect();
        let mut outcomes: Vec<&mut Outcome<R>> = Vec::with_capacity(boxes.len());
        for outcome in &mut boxes {
            let outcome = outcome.as_mut().filter(|o| o.tick == self.tick);
            outcomes.push(outcome.expect("every seat has done all stages of this beat"));
        }
        self.digest = outcomes.iter().fold(0, |sum, o| combine(sum, o.digest));
        self.is_asleep = outcomes.iter().all(|outcome| outcome.is_quiet);
        let (grid, tick) = (self.exchange.grid, self.tick);
        let messages = merge(&mut outcomes, |output| &mut output.messages);
        let sent = (0..)
            .zip(messages)
            .map(|(sequence, (to, message))| Envelope {
                from: grid,
                to,
                sent: tick,
                sequence,
                message,
            });
        let sent = sent.collect();
        let Delivery { inputs, arrivals } = self.take_delivery();
        GridBeat {
            record: GridRecord {
                grid,
                tick,
                wall: self.wall,
                dilation: self.dilation,
                digest: self.digest,
                inputs,
                arrivals,
                sent,
            },
            frames: self.frames(),
            events: merge(&mut outcomes, |output| &mut output.events),
            writes: merge(&mut outcomes, |output| &mut output.writes),
        }
    }

    /// What the beat at hand was begun with, in canonical order.
    pub(crate) fn take_delivery(&mut self) -> Delivery<R> {
        let delivery = std::mem::take(&mut self.delivery);
        // A seat lets go of it at the end of its beat; after a panic it may still hold it.
        Arc::try_unwrap(delivery).unwrap_or_else(|shared| Delivery::clone(&shared))
    }

    /// The last beat begun.
    #[must_use]
    pub const fn tick(&self) -> Tick {
        self.tick
    }

    /// The digest of the grid's state after the last beat that was finished.
    #[must_use]
    pub const fn digest(&self) -> u64 {
        self.digest
    }

    pub(crate) const fn is_asleep(&self) -> bool {
        self.is_asleep
    }

    /// The host's beat in which the last beat was begun.
    pub(crate) const fn wall(&self) -> Tick {
        self.wall
    }

    /// Leaves beats out, up to and with `tick`.
    pub(crate) fn skip(&mut self, tick: Tick) {
        assert!(self.is_asleep, "grid {} is awake", self.exchange.grid);
        self.tick = self.tick.max(tick);
    }

    /// The frames of the last beat, in order of part; none before the first beat.
    #[must_use]
    pub fn frames(&self) -> Vec<Arc<R::Frame>> {
        let boxes = self.exchange.boxes.iter();
        boxes.filter_map(|b| lock(&b.frame).clone()).collect()
    }
}

/// Puts what all parts have put out into canonical order: by phase, then by source, then by
/// order of putting out. Every part has sorted its own; a source is of one part. The parts' memory
/// is left to them.
fn merge<R: Rules, T>(
    outcomes: &mut [&mut Outcome<R>],
    list: impl Fn(&mut Output<R>) -> &mut Vec<Sourced<T>>,
) -> Vec<T> {
    let mut merged = Vec::new();
    for phase in 0..2 {
        let lists = outcomes
            .iter_mut()
            .map(|outcome| list(&mut outcome.phases[phase]));
        let mut lists: Vec<_> = lists.filter(|list| !list.is_empty()).collect();
        merged.reserve(lists.iter().map(|list| list.len()).sum());
        match lists.as_mut_slice() {
            [] => {}
            [only] => merged.extend(only.drain(..).map(|(_, item)| item)),
            [one, other] => {
                let (mut one, mut other) = (one.drain(..).peekable(), other.drain(..).peekable());
                while let (Some((first, _)), Some((second, _))) = (one.peek(), other.peek()) {
                    let least = if first < second { &mut one } else { &mut other };
                    merged.extend(least.next().map(|(_, item)| item));
                }
                merged.extend(one.chain(other).map(|(_, item)| item));
            }
            lists => {
                let all = lists.iter_mut().flat_map(|list| list.drain(..));
                let mut all: Vec<Sourced<T>> = all.collect();
                // Finds the sorted runs that it is made of.
                all.sort_by_key(|(source, _)| *source);
                merged.extend(all.into_iter().map(|(_, item)| item));
            }
        }
    }
    merged
}
