//! A grid: a region of space that is a pure function of its inputs.
//!
//! A grid is a **desk**, where a beat's inputs come in and its outcome goes out, and one **seat**
//! per part. [`Grid::step`] drives them all on the caller's thread; [`Grid::split_mut`] hands
//! out the pieces, so that each seat can be driven by a thread of its own ([`parallel`] is the
//! plainest way to do that). The same inputs give the same bits either way, on any number of
//! parts.

mod checkpoint;
pub mod parallel;

use std::fmt;
use std::sync::Arc;

use orrery_base::digest::combine;
use orrery_base::{EntityId, GridId, Tick};

use crate::dilation::Dilation;
use crate::effects::part_of;
use crate::exchange::{Exchange, Inbox, Outcome, lock};
use crate::part::Part;
use crate::probe::{NoProbe, Phase, Probe};
use crate::rules::{Envelope, Rules, Sourced, Stamped, Write};
use crate::seat::Seat;
pub use checkpoint::RestoreError;

/// What a grid is made with.
pub struct GridConfig<R: Rules> {
    /// Its id.
    pub grid: GridId,
    /// Into how many parts it is divided, at least 1. No result depends on it.
    pub parts: u16,
    /// The world's seed.
    pub seed: u64,
    /// What never changes.
    pub context: Arc<R::Context>,
}

/// What went into a beat of one grid and the digest that came of it: enough to repeat it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GridRecord<I, M> {
    /// The grid.
    pub grid: GridId,
    /// The pace of its time.
    pub dilation: Dilation,
    /// The digest of its state after the beat.
    pub digest: u64,
    /// Its inputs, by (source, sequence).
    pub inputs: Vec<Stamped<I>>,
    /// The messages to it, by (from, sequence).
    pub arrivals: Vec<Envelope<M>>,
}

/// [`GridRecord`] of a game.
pub type RecordOf<R> = GridRecord<<R as Rules>::Input, <R as Rules>::Message>;

/// What a grid has to show for a beat, but for its messages.
pub struct GridBeat<R: Rules> {
    /// What went in, and the digest.
    pub record: RecordOf<R>,
    /// The frames of all parts, in order of part.
    pub frames: Vec<Arc<R::Frame>>,
    /// What happened: in `gather`, then in `apply`, each by source entity.
    pub events: Vec<R::Event>,
    /// Rows for the beat's batch, in the same order. Of two writes to one key the later counts.
    pub writes: Vec<Write>,
}

/// What a grid has to show for a beat.
pub struct GridOutput<R: Rules> {
    /// All but the messages.
    pub beat: GridBeat<R>,
    /// Messages to other grids, for the next beat, in order of sequence.
    pub messages: Vec<Envelope<R::Message>>,
}

/// Where a grid's inputs come in and its outcome goes out.
pub struct Desk<R: Rules> {
    exchange: Arc<Exchange<R>>,
    tick: Tick,
    digest: u64,
    is_asleep: bool,
    inputs: Vec<Stamped<R::Input>>,
    arrivals: Vec<Envelope<R::Message>>,
}

impl<R: Rules> Desk<R> {
    /// Begins a beat: brings what has come into canonical order and deals it out to the parts.
    /// All stages of all seats follow, then [`Desk::finish`].
    ///
    /// # Panics
    /// If `tick` does not follow the last beat, or a message is for another grid.
    pub fn begin(
        &mut self,
        tick: Tick,
        mut inputs: Vec<Stamped<R::Input>>,
        mut arrivals: Vec<Envelope<R::Message>>,
    ) {
        let grid = self.exchange.grid;
        assert!(
            tick == self.tick.next(),
            "grid {grid}: beat {tick} after {}",
            self.tick
        );
        self.tick = tick;
        inputs.sort_by_key(|input| (input.source, input.sequence));
        arrivals.sort_by_key(|envelope| (envelope.from, envelope.sequence));
        assert!(
            arrivals.iter().all(|envelope| envelope.to == grid),
            "a message for another grid came to grid {grid}"
        );
        let boxes = &self.exchange.boxes;
        if let [only] = boxes.as_slice() {
            // The one part has it all and hands it back with its outcome: nothing is copied.
            *lock(&only.inbox) = Inbox { inputs, arrivals };
            return;
        }
        let owner = |id: Option<EntityId>| {
            let part = part_of(id.unwrap_or(EntityId::NONE), boxes.len() as u16);
            lock(&boxes[usize::from(part)].inbox)
        };
        for input in &inputs {
            let mut inbox = owner(R::route_input(&input.input));
            inbox.inputs.push(input.clone());
        }
        for envelope in &arrivals {
            let mut inbox = owner(R::route_message(&envelope.message));
            inbox.arrivals.push(envelope.clone());
        }
        (self.inputs, self.arrivals) = (inputs, arrivals);
    }

    /// Ends a beat: puts together what the seats have left.
    ///
    /// # Panics
    /// If a seat has not done all stages of this beat.
    pub fn finish(&mut self) -> GridOutput<R> {
        let mut outcomes: Vec<Outcome<R>> = Vec::with_capacity(self.exchange.boxes.len());
        for boxes in &self.exchange.boxes {
            let outcome = lock(&boxes.outcome).take();
            let outcome = outcome.filter(|outcome| outcome.tick == self.tick);
            outcomes.push(outcome.expect("every seat has done all stages of this beat"));
        }
        self.digest = outcomes.iter().fold(0, |sum, o| combine(sum, o.digest));
        self.is_asleep = outcomes.iter().all(|outcome| outcome.is_quiet);
        if let [only] = outcomes.as_mut_slice() {
            self.inputs = std::mem::take(&mut only.inbox.inputs);
            self.arrivals = std::mem::take(&mut only.inbox.arrivals);
        }
        let grid = self.exchange.grid;
        let messages = merge(&mut outcomes, |outcome| {
            [
                std::mem::take(&mut outcome.gathered.messages),
                std::mem::take(&mut outcome.applied.messages),
            ]
        });
        let messages = (0..)
            .zip(messages)
            .map(|(sequence, (to, message))| Envelope {
                from: grid,
                to,
                sequence,
                message,
            });
        let messages = messages.collect();
        let beat = GridBeat {
            record: GridRecord {
                grid,
                dilation: Dilation::NONE,
                digest: self.digest,
                inputs: std::mem::take(&mut self.inputs),
                arrivals: std::mem::take(&mut self.arrivals),
            },
            frames: self.frames(),
            events: merge(&mut outcomes, |outcome| {
                [
                    std::mem::take(&mut outcome.gathered.events),
                    std::mem::take(&mut outcome.applied.events),
                ]
            }),
            writes: merge(&mut outcomes, |outcome| {
                [
                    std::mem::take(&mut outcome.gathered.writes),
                    std::mem::take(&mut outcome.applied.writes),
                ]
            }),
        };
        GridOutput { beat, messages }
    }

    /// The last beat begun.
    #[must_use]
    pub const fn tick(&self) -> Tick {
        self.tick
    }

    /// The frames of the last beat, in order of part; none before the first beat.
    #[must_use]
    pub fn frames(&self) -> Vec<Arc<R::Frame>> {
        let boxes = self.exchange.boxes.iter();
        boxes.filter_map(|b| lock(&b.frame).clone()).collect()
    }
}

/// Puts what all parts have put out into canonical order: by phase, then by source, then by
/// order of putting out, which a stable sort keeps because one source is of one part.
fn merge<R: Rules, T>(
    outcomes: &mut [Outcome<R>],
    mut phases: impl FnMut(&mut Outcome<R>) -> [Vec<Sourced<T>>; 2],
) -> Vec<T> {
    let mut merged: [Vec<Sourced<T>>; 2] = [Vec::new(), Vec::new()];
    for outcome in outcomes {
        for (all, mut one) in merged.iter_mut().zip(phases(outcome)) {
            if all.is_empty() {
                *all = one;
            } else {
                all.append(&mut one);
            }
        }
    }
    for phase in &mut merged {
        phase.sort_by_key(|(source, _)| *source);
    }
    merged.into_iter().flatten().map(|(_, item)| item).collect()
}

/// A region of space that is a pure function of its inputs.
pub struct Grid<R: Rules> {
    desk: Desk<R>,
    seats: Vec<Seat<R>>,
}

impl<R: Rules> Grid<R> {
    /// A fresh grid, populated by [`Rules::init`], whose first beat will be the one after
    /// `tick`.
    ///
    /// # Panics
    /// If it has no part.
    #[must_use]
    pub fn new(config: GridConfig<R>, tick: Tick) -> Self {
        let mut grid = Self::empty(config, tick);
        let exchange = Arc::clone(&grid.desk.exchange);
        R::init(&exchange.beat(tick), grid.seats[0].part_mut());
        grid.carry_out_requests(tick.next());
        grid.refresh_digest();
        grid
    }

    /// A grid without entities.
    fn empty(config: GridConfig<R>, tick: Tick) -> Self {
        let GridConfig {
            grid,
            parts,
            seed,
            context,
        } = config;
        assert!(parts > 0, "grid {grid} needs a part");
        let exchange = Arc::new(Exchange::new(grid, seed, context, parts));
        let seats = (0..parts).map(|index| Seat::new(Arc::clone(&exchange), index, tick));
        let seats = seats.collect();
        let desk = Desk {
            exchange,
            tick,
            digest: 0,
            is_asleep: false,
            inputs: Vec::new(),
            arrivals: Vec::new(),
        };
        Self { desk, seats }
    }

    fn carry_out_requests(&mut self, born: Tick) {
        for seat in &mut self.seats {
            seat.post_requests();
        }
        for seat in &mut self.seats {
            seat.carry_out_requests(born);
            seat.part().check();
        }
    }

    fn refresh_digest(&mut self) {
        let digests = self.seats.iter().map(Seat::digest);
        self.desk.digest = digests.fold(0, combine);
    }

    /// One beat on the caller's thread. See [`Desk::begin`] for the panics.
    pub fn step(
        &mut self,
        tick: Tick,
        inputs: Vec<Stamped<R::Input>>,
        arrivals: Vec<Envelope<R::Message>>,
    ) -> GridOutput<R> {
        self.step_probed(tick, inputs, arrivals, &mut NoProbe)
    }

    /// As [`Grid::step`], telling a probe when each phase begins.
    pub fn step_probed(
        &mut self,
        tick: Tick,
        inputs: Vec<Stamped<R::Input>>,
        arrivals: Vec<Envelope<R::Message>>,
        probe: &mut impl Probe,
    ) -> GridOutput<R> {
        let grid = self.id();
        probe.phase(grid, Phase::Gather);
        self.desk.begin(tick, inputs, arrivals);
        for seat in &mut self.seats {
            seat.gather(tick);
        }
        probe.phase(grid, Phase::Motion);
        for seat in &mut self.seats {
            seat.motion();
        }
        probe.phase(grid, Phase::Interact);
        for seat in &mut self.seats {
            seat.interact();
        }
        probe.phase(grid, Phase::Apply);
        for seat in &mut self.seats {
            seat.apply();
        }
        probe.phase(grid, Phase::Settle);
        for seat in &mut self.seats {
            seat.settle();
        }
        let output = self.desk.finish();
        probe.phase(grid, Phase::Done);
        output
    }

    /// The desk and the seats, to be driven by the caller: [`Desk::begin`]; every stage of
    /// [`Seat`] on every seat, with a barrier between any two stages; [`Desk::finish`].
    pub fn split_mut(&mut self) -> (&mut Desk<R>, &mut [Seat<R>]) {
        (&mut self.desk, &mut self.seats)
    }

    /// The grid's id.
    #[must_use]
    pub fn id(&self) -> GridId {
        self.desk.exchange.grid
    }

    /// The seed of its world.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.desk.exchange.seed
    }

    /// The last beat that it has done.
    #[must_use]
    pub const fn tick(&self) -> Tick {
        self.desk.tick
    }

    /// The digest of its state after that beat.
    #[must_use]
    pub const fn digest(&self) -> u64 {
        self.desk.digest
    }

    /// Whether beats may be left out, with [`Grid::skip`], until an input or a message comes:
    /// they would change nothing.
    #[must_use]
    pub const fn is_asleep(&self) -> bool {
        self.desk.is_asleep
    }

    /// Leaves out all beats up to and with `tick`, if later than the last one.
    ///
    /// # Panics
    /// If the grid is not asleep.
    pub fn skip(&mut self, tick: Tick) {
        assert!(self.is_asleep(), "grid {} is awake", self.id());
        self.desk.tick = self.desk.tick.max(tick);
    }

    /// The frames of the last beat, in order of part; none before the first.
    #[must_use]
    pub fn frames(&self) -> Vec<Arc<R::Frame>> {
        self.desk.frames()
    }

    /// The parts, in order.
    pub fn parts(&self) -> impl ExactSizeIterator<Item = &Part<R>> {
        self.seats.iter().map(Seat::part)
    }

    /// Number of entities on it.
    #[must_use]
    pub fn entity_count(&self) -> usize {
        self.parts().map(|part| part.table.len()).sum()
    }

    /// The part and the row of an entity, if it is on the grid.
    #[must_use]
    pub fn find(&self, id: EntityId) -> Option<(&Part<R>, usize)> {
        let owner = part_of(id, self.seats.len() as u16);
        let part = self.seats[usize::from(owner)].part();
        part.table.row_of(id).map(|row| (part, row))
    }

    /// The local state.
    #[must_use]
    pub fn local(&self) -> &R::Local {
        let local = self.seats[0].part().local.as_ref();
        local.expect("Part::check: part 0 holds the local state")
    }
}

impl<R: Rules> fmt::Debug for Grid<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grid")
            .field("id", &self.id())
            .field("tick", &self.tick())
            .field("parts", &self.seats.len())
            .field("entities", &self.entity_count())
            .finish_non_exhaustive()
    }
}
