//! Worlds on real shards: a thread and an executor each, messages through the mesh of rings.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use orrery_base::{GridId, ShardIndex, Tick};
use orrery_kernel::lockstep::Lockstep;
use orrery_kernel::rules::Envelope;
use orrery_kernel::runtime::{self, RuntimeConfig, ShardSeat};
use orrery_kernel::world::World;

use crate::script::{CONFIG, GRIDS, Shown, context, game, inputs, play, shown};
use crate::toy::{Toy, ToyMessage};

const BEATS: u64 = 50;

/// What goes from shard to shard.
enum Parcel {
    Message(Envelope<ToyMessage>),
    EndOfBeat(Tick),
}

fn home(grid: GridId, shards: u16) -> ShardIndex {
    ShardIndex((grid.0 % u32::from(shards)) as u16)
}

/// Takes in what has come. A shard may be a beat ahead of this one, but not two: so what comes
/// behind a marker is for the beat after it.
struct Inbox {
    now: Vec<Envelope<ToyMessage>>,
    later: Vec<Envelope<ToyMessage>>,
    /// By shard: the last beat whose end it has announced.
    ended: Vec<Tick>,
}

impl Inbox {
    fn drain(&mut self, seat: &mut ShardSeat<Parcel>, beat: Tick) {
        for (shard, ring) in seat.mesh.from_all() {
            let ended = &mut self.ended[usize::from(shard.0)];
            ring.pop_each(usize::MAX, |parcel| match parcel {
                Parcel::Message(envelope) if *ended < beat => self.now.push(envelope),
                Parcel::Message(envelope) => self.later.push(envelope),
                Parcel::EndOfBeat(tick) => *ended = tick,
            });
        }
    }
}

async fn send(
    seat: &mut ShardSeat<Parcel>,
    inbox: &mut Inbox,
    to: ShardIndex,
    mut parcel: Parcel,
    beat: Tick,
) {
    // A full ring: take in while waiting, or two shards might wait for each other.
    while let Err(back) = seat.mesh.to(to).push(parcel) {
        parcel = back;
        inbox.drain(seat, beat);
        std::thread::yield_now();
    }
}

async fn shard(
    mut seat: ShardSeat<Parcel>,
) -> Result<Vec<(Tick, Shown)>, Box<dyn Error + Send + Sync>> {
    let mut world = World::<Toy>::new(CONFIG, context(), Tick(0));
    let is_here = |grid: GridId| home(grid, seat.shards) == seat.shard;
    for grid in GRIDS.into_iter().filter(|grid| is_here(*grid)) {
        world.add_grid(grid, 2);
    }
    let (own, shards) = (seat.shard, seat.shards);
    let mut inbox = Inbox {
        now: Vec::new(),
        later: Vec::new(),
        ended: vec![Tick(0); usize::from(shards)],
    };
    let mut seen = Vec::new();
    for tick in (1..=BEATS).map(Tick) {
        let mut inputs = inputs(tick);
        inputs.retain(|(grid, _)| home(*grid, shards) == own);
        let arrivals = std::mem::take(&mut inbox.now);
        inbox.now = std::mem::take(&mut inbox.later);
        let strays = world.deliver(inputs.drain(..), arrivals);
        assert!(strays.inputs.is_empty() && strays.messages.is_empty());
        let output = world.beat(tick);
        seen.extend(output.grids.into_iter().map(|beat| (tick, shown(beat))));
        for envelope in output.messages {
            let to = home(envelope.to, shards);
            send(&mut seat, &mut inbox, to, Parcel::Message(envelope), tick).await;
        }
        for to in (0..shards).map(ShardIndex) {
            send(&mut seat, &mut inbox, to, Parcel::EndOfBeat(tick), tick).await;
        }
        while inbox.ended.iter().any(|ended| *ended < tick) {
            inbox.drain(&mut seat, tick);
            std::thread::yield_now();
        }
    }
    Ok(seen)
}

#[test]
fn shards_give_the_same_as_lockstep() {
    let reference = play(&mut game(1, 1), BEATS);
    let reference = reference.into_iter().flat_map(|trace| {
        let tick = trace.tick;
        trace.grids.into_iter().map(move |grid| (tick, grid))
    });
    let reference: Vec<(Tick, Shown)> = reference.collect();
    for shards in [1, 2, 3, 8] {
        let config = RuntimeConfig {
            shards,
            // Small, so that rings fill up.
            mesh_capacity: 4,
            spin_before_park: Duration::ZERO,
        };
        let found = runtime::run(config, Arc::new(AtomicBool::new(false)), shard);
        let mut found: Vec<(Tick, Shown)> = found.unwrap().into_iter().flatten().collect();
        found.sort_by_key(|(tick, shown)| (*tick, shown.grid));
        assert!(found == reference, "{shards} shards differ from lockstep");
    }
}

#[test]
fn what_shards_hand_over_may_be_handed_over() {
    fn is_send<T: Send>() {}
    is_send::<World<Toy>>();
    is_send::<Lockstep<Toy>>();
    is_send::<orrery_kernel::grid::Grid<Toy>>();
    is_send::<orrery_kernel::grid::Desk<Toy>>();
    is_send::<orrery_kernel::seat::Seat<Toy>>();
    is_send::<orrery_kernel::world::BeatOutput<Toy>>();
    is_send::<orrery_kernel::journal::BeatRecord<Toy>>();
}
