//! A host in little: several worlds, each stepped on a thread of its own, with grids that are
//! moved, spread and gathered in between two beats.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::thread;

use orrery_base::{GridId, Tick};
use orrery_kernel::dilation::Dilation;
use orrery_kernel::probe::{Conductor, Probe};
use orrery_kernel::rules::{Envelope, Stamped};
use orrery_kernel::world::{BeatOutput, World};

use crate::script::{CONFIG, GRIDS, context};
use crate::toy::{Toy, ToyInput, ToyMessage};

/// Allows so many slices per beat, and gives up waiting after so many looks.
#[derive(Clone, Copy)]
pub(crate) struct Pacer {
    pub slices: u32,
    pub patience: u32,
}

/// Lets everything be done.
pub(crate) const PATIENT: Pacer = Pacer {
    slices: u32::MAX,
    patience: u32::MAX,
};

impl Probe for Pacer {}

impl Conductor for Pacer {
    fn go_on(&mut self, _: GridId) -> bool {
        self.slices = self.slices.saturating_sub(1);
        self.slices > 0
    }

    fn keep_waiting(&mut self) -> bool {
        self.patience = self.patience.saturating_sub(1);
        self.patience > 0
    }
}

pub(crate) struct Host {
    pub worlds: Vec<World<Toy>>,
    /// The world of each grid, or of its leader.
    pub homes: BTreeMap<GridId, usize>,
    /// The other members of grids that are spread.
    pub guests: BTreeMap<GridId, Vec<usize>>,
    pub pacer: Pacer,
    /// A world whose shard is stuck, and takes no turn.
    pub stuck: Option<usize>,
    pub tick: Tick,
}

impl Host {
    /// The game of [`crate::script::game`].
    pub(crate) fn new(worlds: usize, parts: u16) -> Self {
        let mut host = Self {
            worlds: (0..worlds)
                .map(|_| World::new(CONFIG, context(), Tick(0)))
                .collect(),
            homes: BTreeMap::new(),
            guests: BTreeMap::new(),
            pacer: PATIENT,
            stuck: None,
            tick: Tick(0),
        };
        for grid in GRIDS {
            let home = grid.0 as usize % worlds;
            host.worlds[home].add_grid(grid, parts);
            host.homes.insert(grid, home);
        }
        host
    }

    pub(crate) fn home(&mut self, grid: GridId) -> &mut World<Toy> {
        &mut self.worlds[self.homes[&grid]]
    }

    pub(crate) fn set_pace(&mut self, grid: GridId, per_mille: u16) {
        let pace = Dilation::new(per_mille).unwrap();
        assert!(self.home(grid).set_pace(grid, pace));
    }

    /// Spreads a grid over so many worlds, from its home on; whether it could be done.
    pub(crate) fn spread(&mut self, grid: GridId, members: u16, slices: u16) -> bool {
        let Some(team) = self.home(grid).spread(grid, members, slices) else {
            return false;
        };
        let (home, worlds) = (self.homes[&grid], self.worlds.len());
        let guests: Vec<usize> = (1..members)
            .map(|m| (home + usize::from(m)) % worlds)
            .collect();
        for (member, world) in (1..).zip(&guests) {
            self.worlds[*world].join(team.clone(), member);
        }
        self.guests.insert(grid, guests);
        true
    }

    /// Makes a grid whole; whether it could be done.
    pub(crate) fn gather_in(&mut self, grid: GridId) -> bool {
        if self.home(grid).gather_in(grid).is_none() {
            return false;
        }
        for world in self.guests.remove(&grid).unwrap_or_default() {
            self.worlds[world].leave(grid);
        }
        true
    }

    /// Moves a whole grid; whether it could be done.
    pub(crate) fn move_grid(&mut self, grid: GridId, to: usize) -> bool {
        let Some(parcel) = self.home(grid).take(grid) else {
            return false;
        };
        let to = to % self.worlds.len();
        self.worlds[to].insert(parcel);
        self.homes.insert(grid, to);
        true
    }

    pub(crate) fn deliver(
        &mut self,
        inputs: Vec<(GridId, Stamped<ToyInput>)>,
        messages: &[Envelope<ToyMessage>],
    ) {
        let mut strays = 0;
        for (grid, input) in inputs {
            let left = self.home(grid).deliver([(grid, input)], []);
            strays += left.inputs.len();
        }
        for envelope in messages {
            let left = self.home(envelope.to).deliver([], [*envelope]);
            strays += left.messages.len();
        }
        assert_eq!(strays, 0);
    }

    /// A beat of all worlds, whose messages are left for the caller to deliver.
    pub(crate) fn step(&mut self) -> BeatOutput<Toy> {
        self.tick = self.tick.next();
        let (tick, pacer, stuck) = (self.tick, self.pacer, self.stuck);
        let all = Mutex::new(BeatOutput::<Toy> {
            tick,
            grids: Vec::new(),
            messages: Vec::new(),
            failures: Vec::new(),
        });
        thread::scope(|scope| {
            for (index, world) in self.worlds.iter_mut().enumerate() {
                let all = &all;
                if stuck == Some(index) {
                    continue;
                }
                scope.spawn(move || {
                    let output = world.beat_with(tick, &mut pacer.clone());
                    let mut all = all.lock().unwrap();
                    all.grids.extend(output.grids);
                    all.messages.extend(output.messages);
                    all.failures.extend(output.failures);
                });
            }
        });
        let mut all = all.into_inner().unwrap();
        all.grids.sort_by_key(|beat| beat.record.grid);
        all.messages
            .sort_by_key(|e| (e.to, e.from, e.sent, e.sequence));
        all
    }

    /// A beat of all worlds, whose messages are delivered for the next.
    pub(crate) fn beat(&mut self, inputs: Vec<(GridId, Stamped<ToyInput>)>) -> BeatOutput<Toy> {
        self.deliver(inputs, &[]);
        let output = self.step();
        self.deliver(Vec::new(), &output.messages);
        output
    }
}
