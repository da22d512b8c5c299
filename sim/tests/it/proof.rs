//! The proof: 10,000 ships that fight on one grid for a minute of simulated time come out the
//! same, to the bit, on 1, 2, 3 and 8 shards, while grids are split, merged, moved and
//! repartitioned between two beats.
//!
//! Every shard is a thread with a world of its own. They share nothing but mailboxes, and meet
//! twice a beat: when all have posted what they have sent, and when all have rearranged what they
//! hold. Two small neighbours exchange ships with the crowded grid all the time.
//!
//! The reference is one world without threads, whose grids are never divided.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::thread;

use orrery_base::digest::Digest;
use orrery_base::rng::Rng;
use orrery_base::{EntityId, GridId, Tick};
use orrery_kernel::barrier::Barrier;
use orrery_kernel::grid::{Grid, GridBeat, GridConfig};
use orrery_kernel::rules::{Envelope, Rules, Write};
use orrery_kernel::team::Team;
use orrery_kernel::world::{BeatOutput, Parcel, World, WorldConfig};
use orrery_sim::battle::script::Script;
use orrery_sim::battle::{Battle, BattleContext, BattleEvent, BattleFrame, Crossing, lineage_of};

/// 60 seconds.
const BEATS: u64 = 60 * 30;
/// Grids are rearranged every so many beats.
const REARRANGED: u64 = 50;
const CROWD: GridId = GridId(1);
/// The grids with their ships.
const GRIDS: [(GridId, u32); 3] = [(CROWD, 10_000), (GridId(2), 400), (GridId(3), 400)];
const SHIPS: usize = 10_800;
const SEED: u64 = 0x0ba7_71e0;

fn script() -> Script {
    Script {
        seed: 77,
        orders: 60,
        grids: GRIDS.map(|(grid, _)| grid).to_vec(),
    }
}

fn context(ships: u32) -> Arc<BattleContext> {
    Arc::new(BattleContext { ships, fleets: 4 })
}

fn empty_world() -> World<Battle> {
    World::new(WorldConfig { seed: SEED }, context(0), Tick(0))
}

fn fresh_grid(grid: GridId, ships: u32) -> Grid<Battle> {
    let config = GridConfig {
        grid,
        parts: 1,
        seed: SEED,
        context: context(ships),
    };
    Grid::new(config, Tick(0))
}

/// What a grid has to show for a beat, as digests: of its state, of its events in order, of the
/// messages that it has sent and of the rows that it has written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Shown {
    state: u64,
    events: u64,
    messages: u64,
    writes: u64,
}

/// What has happened, so that a proof about nothing is noticed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Tally {
    shots: u64,
    kills: u64,
    crossings: u64,
    writes: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.shots += other.shots;
        self.kills += other.kills;
        self.crossings += other.crossings;
        self.writes += other.writes;
    }
}

fn add_event(digest: Digest, event: &BattleEvent) -> Digest {
    let (kind, id, other, amount) = match *event {
        BattleEvent::Shot(target, source, damage) => (1, target, source.0, damage),
        BattleEvent::Repaired(target, source, given) => (2, target, source.0, given),
        BattleEvent::Killed(victim, killer) => (3, victim, killer.0, 0),
        BattleEvent::Jumped(id, to) => (4, id, u64::from(to.0), 0),
        BattleEvent::Arrived(id, from) => (5, id, u64::from(from.0), 0),
    };
    let word = u64::from(amount as u32) << 32 | kind;
    digest.word(word).word(id.0).word(other)
}

fn add_message(digest: Digest, envelope: &Envelope<Crossing>) -> Digest {
    let mut bytes = Vec::new();
    Battle::encode_message(&envelope.message, &mut bytes);
    let grids = u64::from(envelope.from.0) << 32 | u64::from(envelope.to.0);
    let digest = digest.word(grids).word(envelope.sent.0);
    digest.word(envelope.sequence.into()).bytes(&bytes)
}

fn add_write(digest: Digest, write: &Write) -> Digest {
    let value = write.value.as_ref().expect("a battle deletes nothing");
    digest
        .word(write.domain.into())
        .bytes(&write.key)
        .bytes(value)
}

/// By beat and grid.
type Trace = BTreeMap<(u64, GridId), Shown>;

fn show(beat: &GridBeat<Battle>, trace: &mut Trace, tally: &mut Tally) {
    let (record, empty) = (&beat.record, Digest::new(0));
    for event in &beat.events {
        match event {
            BattleEvent::Shot(..) => tally.shots += 1,
            BattleEvent::Killed(..) => tally.kills += 1,
            _ => {}
        }
    }
    tally.crossings += record.sent.iter().filter(|e| e.to != e.from).count() as u64;
    tally.writes += beat.writes.len() as u64;
    let shown = Shown {
        state: record.digest,
        events: beat.events.iter().fold(empty, add_event).finish(),
        messages: record.sent.iter().fold(empty, add_message).finish(),
        writes: beat.writes.iter().fold(empty, add_write).finish(),
    };
    let former = trace.insert((record.tick.0, record.grid), shown);
    assert_eq!(former, None, "grid {} did a beat twice", record.grid);
}

/// The frames of the last beat of each grid, from which the pilots' orders are made up.
type Frames = BTreeMap<GridId, Vec<Arc<BattleFrame>>>;

fn give_orders(world: &mut World<Battle>, frames: &Frames, tick: Tick) {
    for (grid, frames) in frames {
        let orders = script().inputs(tick, *grid, frames);
        let strays = world.deliver(orders.into_iter().map(|order| (*grid, order)), []);
        assert!(strays.inputs.is_empty(), "frames are where their grid is");
    }
}

/// One world without threads, whose grids are never divided.
fn reference() -> (Trace, Tally) {
    let (mut trace, mut tally, mut frames) = (Trace::new(), Tally::default(), Frames::new());
    let mut world = empty_world();
    for (grid, ships) in GRIDS {
        world.insert_grid(fresh_grid(grid, ships));
    }
    for tick in (1..=BEATS).map(Tick) {
        give_orders(&mut world, &frames, tick);
        let output = world.beat(tick);
        assert!(output.failures.is_empty(), "{:?}", output.failures);
        for beat in output.grids {
            show(&beat, &mut trace, &mut tally);
            frames.insert(beat.record.grid, beat.frames);
        }
        let strays = world.deliver([], output.messages);
        assert!(strays.messages.is_empty());
    }
    (trace, tally)
}

/// What one shard leaves for another.
enum Mail {
    Message(Envelope<Crossing>),
    /// A grid with the frames of its last beat.
    Grid(Box<Parcel<Battle>>, Vec<Arc<BattleFrame>>),
    /// A place in a team.
    Seat(Arc<Team<Battle>>, u16),
}

/// What is done to grids between two beats, each counted for the crowded one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Rearranged {
    splits: u32,
    merges: u32,
    moves: u32,
    repartitions: u32,
}

/// Where everything is. Every shard has its own copy and changes it in the same way: what is done
/// is drawn from the beat.
#[derive(Clone)]
struct Directory {
    shards: usize,
    /// The shard of each grid, or of its leader.
    homes: BTreeMap<GridId, usize>,
    /// The other members of grids that are spread, in order.
    guests: BTreeMap<GridId, Vec<usize>>,
    done: Rearranged,
}

/// What shards have in common.
struct Office {
    /// By shard, for meetings with even and with odd numbers: who has met may post for the next
    /// meeting while another has yet to take what was posted for this one.
    mailboxes: Vec<[Mutex<Vec<Mail>>; 2]>,
    meeting: Barrier,
}

struct Shard<'a> {
    index: usize,
    office: &'a Office,
    /// The next one.
    meeting: usize,
    world: World<Battle>,
    directory: Directory,
    frames: Frames,
    trace: Trace,
    tally: Tally,
}

/// A shard that panics is not waited for.
impl Drop for Shard<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.world.break_up();
            self.office.meeting.give_up();
        }
    }
}

impl<'a> Shard<'a> {
    fn new(index: usize, office: &'a Office) -> Self {
        let shards = office.mailboxes.len();
        let mut shard = Self {
            index,
            office,
            meeting: 0,
            world: empty_world(),
            directory: Directory {
                shards,
                homes: BTreeMap::new(),
                guests: BTreeMap::new(),
                done: Rearranged::default(),
            },
            frames: Frames::new(),
            trace: Trace::new(),
            tally: Tally::default(),
        };
        for (home, (grid, ships)) in GRIDS.into_iter().enumerate() {
            let home = home % shards;
            shard.directory.homes.insert(grid, home);
            if home == index {
                shard.world.insert_grid(fresh_grid(grid, ships));
            }
        }
        shard
    }

    fn run(&mut self) {
        for tick in (1..=BEATS).map(Tick) {
            give_orders(&mut self.world, &self.frames, tick);
            let output = self.world.beat(tick);
            self.publish(output);
            self.meet();
            if tick.0.is_multiple_of(REARRANGED) {
                for (grid, _) in GRIDS {
                    self.rearrange(grid, tick);
                }
                self.meet();
            }
        }
    }

    fn publish(&mut self, output: BeatOutput<Battle>) {
        assert!(output.failures.is_empty(), "{:?}", output.failures);
        for beat in output.grids {
            show(&beat, &mut self.trace, &mut self.tally);
            self.frames.insert(beat.record.grid, beat.frames);
        }
        for envelope in output.messages {
            let home = self.directory.homes[&envelope.to];
            self.post(home, Mail::Message(envelope));
        }
    }

    fn post(&self, shard: usize, mail: Mail) {
        let mailboxes = &self.office.mailboxes[shard];
        mailboxes[self.meeting & 1].lock().unwrap().push(mail);
    }

    /// Waits until all have posted what they have to post, and takes in what is for this shard.
    ///
    /// # Panics
    /// If another shard has panicked.
    fn meet(&mut self) {
        let met = self.office.meeting.wait(|| true);
        met.expect("another shard has panicked, and says why");
        let mailbox = &self.office.mailboxes[self.index][self.meeting & 1];
        let mail = std::mem::take(&mut *mailbox.lock().unwrap());
        self.meeting += 1;
        for mail in mail {
            match mail {
                Mail::Message(envelope) => {
                    let strays = self.world.deliver([], [envelope]);
                    assert!(strays.messages.is_empty(), "a message went astray");
                }
                Mail::Grid(parcel, frames) => {
                    self.frames.insert(parcel.grid.id(), frames);
                    self.world.insert(*parcel);
                }
                Mail::Seat(team, member) => self.world.join(team, member),
            }
        }
    }

    fn is_home(&self, grid: GridId) -> bool {
        self.directory.homes[&grid] == self.index
    }

    /// Does something to a grid, as all shards do, each its share.
    fn rearrange(&mut self, grid: GridId, tick: Tick) {
        let shards = self.directory.shards as u32;
        let mut rng = Rng::new(3, tick, EntityId::NONE, shards * 16 + grid.0);
        let mut done = Rearranged::default();
        // Of a grid that is spread nothing else can be done.
        if self.directory.guests.contains_key(&grid) {
            done.merges += 1;
            self.merge(grid);
        }
        match rng.below(8) {
            0..5 => {
                done.splits += 1;
                // On one shard the slices still divide it.
                let members = shards.min(2) + rng.below(shards.max(2) - 1);
                self.split(grid, members as u16, 1 + rng.below(3) as u16);
            }
            5 | 6 => {
                done.moves += 1;
                self.move_to(grid, rng.below(shards) as usize);
            }
            _ => {
                done.repartitions += 1;
                if self.is_home(grid) {
                    let parts = 1 + rng.below(5) as u16;
                    self.world.repartition(grid, parts).unwrap();
                }
            }
        }
        if grid == CROWD {
            let all = &mut self.directory.done;
            all.splits += done.splits;
            all.merges += done.merges;
            all.moves += done.moves;
            all.repartitions += done.repartitions;
        }
    }

    fn merge(&mut self, grid: GridId) {
        if self.is_home(grid) {
            self.world.gather_in(grid).unwrap();
        }
        let guests = self.directory.guests.remove(&grid).unwrap();
        if guests.contains(&self.index) {
            self.world.leave(grid);
        }
    }

    fn split(&mut self, grid: GridId, members: u16, slices: u16) {
        let (home, shards) = (self.directory.homes[&grid], self.directory.shards);
        let guests = (1..members).map(|member| (home + usize::from(member)) % shards);
        let guests: Vec<usize> = guests.collect();
        if self.is_home(grid) {
            let team = self.world.spread(grid, members, slices).unwrap();
            for (member, guest) in (1..).zip(&guests) {
                self.post(*guest, Mail::Seat(team.clone(), member));
            }
        }
        self.directory.guests.insert(grid, guests);
    }

    fn move_to(&mut self, grid: GridId, to: usize) {
        if self.is_home(grid) {
            let parcel = Box::new(self.world.take(grid).unwrap());
            let frames = self.frames.remove(&grid).unwrap_or_default();
            self.post(to, Mail::Grid(parcel, frames));
        }
        self.directory.homes.insert(grid, to);
    }

    /// The ids of everyone on its grids and on their way there.
    fn everyone(&self) -> Vec<EntityId> {
        let mut ids = Vec::new();
        for grid in self.world.grids() {
            self.world.each_part(grid, |part| {
                ids.extend_from_slice(part.table.ids());
            });
            let waiting = self.world.waiting(grid).unwrap();
            for envelope in &waiting.arrivals {
                let Crossing::Arrive(id, _) = envelope.message;
                ids.push(id);
            }
        }
        ids
    }
}

/// A run on so many shards.
fn run_on(shards: usize) -> (Trace, Tally, Rearranged) {
    let office = Office {
        mailboxes: (0..shards).map(|_| Default::default()).collect(),
        meeting: Barrier::new(shards as u32),
    };
    let (mut trace, mut tally) = (Trace::new(), Tally::default());
    let mut lineages = BTreeSet::new();
    let mut done = Rearranged::default();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..shards)
            .map(|index| {
                let office = &office;
                scope.spawn(move || {
                    let mut shard = Shard::new(index, office);
                    shard.run();
                    let (everyone, done) = (shard.everyone(), shard.directory.done);
                    (
                        std::mem::take(&mut shard.trace),
                        shard.tally,
                        everyone,
                        done,
                    )
                })
            })
            .collect();
        for thread in threads {
            let (shown, counted, everyone, rearranged) = thread.join().unwrap();
            trace.extend(shown);
            tally.add(counted);
            for id in everyone {
                assert!(lineages.insert(lineage_of(id)), "{id} is there twice");
            }
            done = rearranged;
        }
    });
    assert_eq!(lineages.len(), SHIPS, "{shards} shards: nobody is lost");
    (trace, tally, done)
}

#[test]
fn a_battle_is_the_same_on_any_number_of_shards() {
    let (expected, expected_tally) = reference();
    let Tally {
        shots,
        kills,
        crossings,
        writes,
    } = expected_tally;
    assert!(shots > 200_000 && kills > 10_000, "{expected_tally:?}");
    assert!(crossings > 2_000 && writes == kills, "{expected_tally:?}");
    assert_eq!(expected.len(), BEATS as usize * GRIDS.len());
    for shards in [1, 2, 3, 8] {
        let (found, tally, done) = run_on(shards);
        // The first that differs, without printing thousands that follow from it.
        for (key, expected) in &expected {
            let (beat, grid) = key;
            assert_eq!(
                found.get(key),
                Some(expected),
                "{shards} shards: beat {beat} of grid {grid}"
            );
        }
        assert_eq!(found.len(), expected.len());
        assert_eq!(tally, expected_tally);
        let Rearranged {
            splits,
            merges,
            moves,
            repartitions,
        } = done;
        assert!(splits >= 10 && merges >= 9, "{shards} shards: {done:?}");
        assert!(moves >= 3 && repartitions >= 1, "{shards} shards: {done:?}");
    }
}
