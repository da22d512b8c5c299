//! The battle: the same bits and events on any number of parts, and nobody lost or doubled.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use orrery_base::{EntityId, GridId, Tick};
use orrery_kernel::codec::{DecodeError, Reader};
use orrery_kernel::grid::{Delivery, Grid, GridBeat, GridConfig, parallel};
use orrery_kernel::lockstep::Lockstep;
use orrery_kernel::rules::{Envelope, Rules, Stamped};
use orrery_kernel::world::WorldConfig;
use orrery_sim::battle::script::Script;
use orrery_sim::battle::{
    Battle, BattleContext, BattleEvent, BattleFrame, Crossing, Lock, Order, lineage_of,
};

const BEATS: u64 = 300;
const SHIPS: u32 = 1_000;
const HOME: GridId = GridId(1);
const CONFIG: WorldConfig = WorldConfig { seed: 0x00ba_771e };

fn context(ships: u32) -> Arc<BattleContext> {
    Arc::new(BattleContext { ships, fleets: 4 })
}

/// Orders of a battle on one grid, where a jump leads back to where it began.
fn script() -> Script {
    Script {
        seed: 5,
        orders: 12,
        grids: vec![HOME],
    }
}

fn grid(parts: u16) -> Grid<Battle> {
    let config = GridConfig {
        grid: HOME,
        parts,
        seed: CONFIG.seed,
        context: context(SHIPS),
    };
    Grid::new(config, Tick(0))
}

/// What a beat has to show that must not depend on the parts.
#[derive(Debug, PartialEq)]
struct Shown {
    digest: u64,
    events: Vec<BattleEvent>,
    messages: Vec<Envelope<Crossing>>,
}

/// What the next beat is made of.
#[derive(Default)]
struct Carried {
    frames: Vec<Arc<BattleFrame>>,
    arrivals: Vec<Envelope<Crossing>>,
}

impl Carried {
    fn feed(&mut self, tick: Tick) -> Delivery<Battle> {
        Delivery {
            inputs: script().inputs(tick, HOME, &self.frames),
            arrivals: std::mem::take(&mut self.arrivals),
        }
    }

    fn take(&mut self, beat: GridBeat<Battle>) -> Shown {
        self.frames = beat.frames;
        self.arrivals.clone_from(&beat.record.sent);
        Shown {
            digest: beat.record.digest,
            events: beat.events,
            messages: beat.record.sent,
        }
    }
}

fn play(grid: &mut Grid<Battle>) -> Vec<Shown> {
    let mut carried = Carried::default();
    let ticks = (1..=BEATS).map(Tick);
    ticks
        .map(|tick| {
            let Delivery { inputs, arrivals } = carried.feed(tick);
            carried.take(grid.step(tick, inputs, arrivals))
        })
        .collect()
}

fn play_on_threads(grid: Grid<Battle>) -> Vec<Shown> {
    let carried = RefCell::new(Carried::default());
    let mut shown = Vec::new();
    parallel::run(
        grid,
        |tick| (tick.0 <= BEATS).then(|| carried.borrow_mut().feed(tick)),
        |beat| shown.push(carried.borrow_mut().take(beat)),
    );
    shown
}

/// Says in which beat two runs part, without printing thousands of events.
fn assert_same(found: &[Shown], expected: &[Shown], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (beat, (found, expected)) in (1..).zip(found.iter().zip(expected)) {
        assert_eq!(
            found.digest, expected.digest,
            "{what}: digest of beat {beat}"
        );
        assert!(found == expected, "{what}: events of beat {beat}");
    }
}

#[test]
fn any_number_of_parts_and_threads_gives_the_same() {
    let expected = play(&mut grid(1));
    for parts in [1, 2, 3, 8] {
        assert_same(
            &play(&mut grid(parts)),
            &expected,
            &format!("{parts} parts"),
        );
        let found = play_on_threads(grid(parts));
        assert_same(&found, &expected, &format!("{parts} threads"));
    }
}

#[test]
fn the_digests_are_the_golden_ones() {
    // They change when the kernel's order of things or the battle's rules change, and then the
    // change states why; they must not change with the machine, the compiler or the parts.
    let mut found = String::from("beat,digest\n");
    for (beat, shown) in (1..).zip(play(&mut grid(3))) {
        if beat % 20 == 0 {
            writeln!(found, "{beat},{:#018x}", shown.digest).unwrap();
        }
    }
    assert_eq!(found, include_str!("../golden/battle_digests.csv"));
}

#[test]
fn a_battle_has_all_that_makes_one() {
    let mut grid = grid(2);
    let shown = play(&mut grid);
    let mut counts = [0_usize; 5];
    for event in shown.iter().flat_map(|beat| &beat.events) {
        counts[match event {
            BattleEvent::Shot(..) => 0,
            BattleEvent::Repaired(..) => 1,
            BattleEvent::Killed(..) => 2,
            BattleEvent::Jumped(..) => 3,
            BattleEvent::Arrived(..) => 4,
        }] += 1;
    }
    assert!(counts.iter().all(|count| *count > 100), "{counts:?}");
    // The dead of the last beat are counted in the next one.
    let kills = grid.local().kills as usize;
    assert!(
        kills <= counts[2] && kills + 50 > counts[2],
        "{kills} of {}",
        counts[2]
    );
    // It has not burnt out: as much in its last second as in its second one.
    let shots = |beats: std::ops::Range<usize>| {
        let events = shown[beats].iter().flat_map(|beat| &beat.events);
        events
            .filter(|event| matches!(event, BattleEvent::Shot(..)))
            .count()
    };
    assert!(shots(270..300) * 2 > shots(30..60));
}

/// The messages that are due in the next beat.
fn under_way<'a>(
    game: &'a Lockstep<Battle>,
    grids: &[GridId],
) -> impl Iterator<Item = &'a Envelope<Crossing>> {
    let waiting = grids.iter().flat_map(|grid| {
        game.worlds()
            .iter()
            .filter_map(|world| world.waiting(*grid))
    });
    waiting.flat_map(|delivery| &delivery.arrivals)
}

/// The ids of everyone on all grids and under way, each asserted to be there once.
fn everyone(game: &Lockstep<Battle>, grids: &[GridId]) -> BTreeSet<EntityId> {
    let mut ids = BTreeSet::new();
    for grid in grids {
        for part in game.grid(*grid).unwrap().parts() {
            for id in part.table.ids() {
                assert!(ids.insert(*id), "{id} is on two grids");
            }
        }
    }
    for envelope in under_way(game, grids) {
        let Crossing::Arrive(id, _) = envelope.message;
        assert!(ids.insert(id), "{id} is on a grid and under way");
    }
    ids
}

#[test]
fn nobody_is_lost_or_doubled_between_grids() {
    let grids = [GridId(1), GridId(2), GridId(3)];
    let script = Script {
        seed: 9,
        orders: 20,
        grids: grids.to_vec(),
    };
    let mut game = Lockstep::new(CONFIG, &context(200), 2, Tick(0));
    for grid in grids {
        game.add_grid(grid, 2, grid.0 as usize);
    }
    let lineages = |game: &Lockstep<Battle>| -> BTreeSet<u64> {
        let ids = everyone(game, &grids);
        let lineages: BTreeSet<u64> = ids.iter().map(|id| lineage_of(*id)).collect();
        assert_eq!(
            lineages.len(),
            ids.len(),
            "a lineage has one life at a time"
        );
        lineages
    };
    let expected = lineages(&game);
    assert_eq!(expected.len(), 600);
    let mut crossings = 0;
    for _ in 0..BEATS {
        let tick = game.tick().next();
        let mut inputs = Vec::new();
        for id in grids {
            let frames = game.grid(id).unwrap().frames();
            let orders = script.inputs(tick, id, &frames);
            inputs.extend(orders.into_iter().map(|order| (id, order)));
        }
        game.beat(inputs);
        crossings += under_way(&game, &grids).count();
        assert_eq!(lineages(&game), expected, "beat {tick}");
    }
    assert!(crossings > 300, "{crossings}");
}

#[test]
fn a_restored_battle_goes_on_as_the_original() {
    let mut original = grid(2);
    let last = play(&mut original).pop().unwrap();
    let checkpoint = original.checkpoint(&last.messages);
    let (mut restored, inbox) = Grid::<Battle>::restore(context(SHIPS), 3, &checkpoint).unwrap();
    assert_eq!(inbox, last.messages);
    let mut arrivals = [last.messages, inbox];
    assert_eq!(restored.digest(), original.digest());
    for tick in (BEATS + 1..BEATS + 40).map(Tick) {
        let order = Order::Lock(EntityId::NONE, Lock::NONE);
        let input = Stamped {
            source: 1,
            sequence: tick.0,
            input: order,
        };
        let [expected, found] = &mut arrivals;
        let expected = original.step(tick, vec![input], std::mem::take(expected));
        let found = restored.step(tick, vec![input], std::mem::take(found));
        assert_eq!(found.record, expected.record, "beat {tick}");
        assert_eq!(found.events, expected.events);
        arrivals = [expected.record.sent, found.record.sent];
    }
}

#[test]
fn orders_and_crossings_survive_their_bytes() {
    let mut grid = grid(1);
    let mut carried = Carried::default();
    let mut orders = 0;
    let mut crossings = 0;
    for tick in (1..=40).map(Tick) {
        let Delivery { inputs, arrivals } = carried.feed(tick);
        for stamped in &inputs {
            let mut bytes = Vec::new();
            Battle::encode_input(&stamped.input, &mut bytes);
            let mut reader = Reader::new(&bytes);
            assert_eq!(Battle::decode_input(&mut reader), Ok(stamped.input));
            assert_eq!(reader.finish(), Ok(()));
            let cut = Battle::decode_input(&mut Reader::new(&bytes[..bytes.len() - 1]));
            assert!(matches!(cut, Err(DecodeError::Truncated { .. })));
            orders += 1;
        }
        for envelope in &arrivals {
            let mut bytes = Vec::new();
            Battle::encode_message(&envelope.message, &mut bytes);
            let mut reader = Reader::new(&bytes);
            assert_eq!(Battle::decode_message(&mut reader), Ok(envelope.message));
            assert_eq!(reader.finish(), Ok(()));
            crossings += 1;
        }
        carried.take(grid.step(tick, inputs, arrivals));
    }
    assert!(orders > 50 && crossings > 5, "{orders} {crossings}");
}
