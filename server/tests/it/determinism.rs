//! The same input log gives the same bits on any number of shards, with grids in any number of
//! parts, from any checkpoint, and from its own journal.

use std::collections::BTreeMap;
use std::sync::Arc;

use orrery_base::{EntityId, GridId, ShardIndex, Tick};
use orrery_kernel::journal::BeatRecord;
use orrery_kernel::lockstep::Lockstep;
use orrery_kernel::rules::{Envelope, Write};
use orrery_kernel::world::{BeatOutput, WorldConfig};
use orrery_server::rules::Space;
use orrery_server::rules::columns::{Presence, SpaceColumns};
use orrery_server::rules::context::SpaceContext;
use orrery_server::rules::input::{Event, EventKind, Message};

use crate::script::{Inputs, SEED, Script, context};

const BEATS: u64 = 1_800;
const PILOTS: u64 = 60;
const CONFIG: WorldConfig = WorldConfig { seed: SEED };

fn fresh(context: &Arc<SpaceContext>, worlds: usize, parts: u16) -> Lockstep<Space> {
    let mut lockstep = Lockstep::new(CONFIG, context, worlds, Tick(0));
    for (place, grid) in context.grids().enumerate() {
        lockstep.add_grid(grid, parts, place);
    }
    lockstep
}

/// What a beat has shown to anybody: the digests, and in their order the events, the rows written
/// and the messages sent.
#[derive(PartialEq, Debug)]
struct Shown {
    digest: u64,
    grids: Vec<(GridId, u64)>,
    events: Vec<Event>,
    writes: Vec<Write>,
    messages: Vec<Envelope<Message>>,
}

fn show(lockstep: &mut Lockstep<Space>, inputs: &Inputs) -> Shown {
    let output = lockstep.beat(inputs.clone());
    assert_one_home_each(lockstep, &output.messages);
    shown(lockstep, output)
}

fn shown(lockstep: &Lockstep<Space>, output: BeatOutput<Space>) -> Shown {
    let mut shown = Shown {
        digest: lockstep.digest(),
        grids: output
            .grids
            .iter()
            .map(|beat| (beat.record.grid, beat.record.digest))
            .collect(),
        events: Vec::new(),
        writes: Vec::new(),
        messages: output.messages,
    };
    for grid in output.grids {
        shown.events.extend(grid.events);
        shown.writes.extend(grid.writes);
    }
    shown
}

/// No ship is in two places, whatever its pilots try.
fn assert_one_home_each(lockstep: &Lockstep<Space>, on_the_way: &[Envelope<Message>]) {
    let mut homes: BTreeMap<EntityId, usize> = BTreeMap::new();
    for (columns, ids) in tables(lockstep) {
        for (row, &id) in ids.iter().enumerate() {
            let here = columns.presence(row) != Presence::Trace;
            *homes.entry(id).or_default() += usize::from(here);
        }
    }
    for envelope in on_the_way {
        let Message::Arrive { ship, .. } = &envelope.message;
        *homes.entry(*ship).or_default() += 1;
    }
    let twice: Vec<_> = homes.iter().filter(|(_, count)| **count > 1).collect();
    assert!(
        twice.is_empty(),
        "beat {}: in two places: {twice:?}",
        lockstep.tick()
    );
}

fn tables(lockstep: &Lockstep<Space>) -> impl Iterator<Item = (&SpaceColumns, &[EntityId])> {
    let worlds = lockstep.worlds().iter();
    let grids = worlds.flat_map(|world| world.grids().filter_map(|grid| world.grid(grid)));
    let parts = grids.flat_map(|grid| grid.parts());
    parts.map(|part| (part.table.columns(), part.table.ids()))
}

/// Runs the script on all of these, which must agree in everything. Says what has happened.
fn agree(context: &Arc<SpaceContext>, runs: &mut [Lockstep<Space>]) -> BTreeMap<&'static str, u64> {
    let mut script = Script::new(context, PILOTS);
    let mut seen = BTreeMap::new();
    for beat in (1..=BEATS).map(Tick) {
        let inputs = script.inputs(beat);
        let shown: Vec<_> = runs.iter_mut().map(|run| show(run, &inputs)).collect();
        for other in &shown[1..] {
            assert_eq!(&shown[0], other, "beat {beat} differs");
        }
        script.observe(beat, &shown[0].events, &shown[0].writes);
        for event in &shown[0].events {
            *seen.entry(kind(&event.kind)).or_default() += 1;
        }
    }
    // The log is worth something only if all of this has happened in it.
    for kind in [
        "in space",
        "docked",
        "jumped",
        "accepted",
        "refused",
        "displaced",
        "not here",
    ] {
        assert!(seen.contains_key(kind), "nothing was {kind}: {seen:?}");
    }
    seen
}

const fn kind(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::InSpace { .. } => "in space",
        EventKind::Docked { .. } => "docked",
        EventKind::Jumped { .. } => "jumped",
        EventKind::Answer { reject: None, .. } => "accepted",
        EventKind::Answer {
            reject: Some(_), ..
        } => "refused",
        EventKind::Seated { .. } => "seated",
        EventKind::Tell(_) => "told",
        EventKind::Displaced => "displaced",
        EventKind::NotHere { .. } => "not here",
    }
}

#[test]
fn one_two_three_and_eight_shards_agree() {
    let context = context(6);
    let mut runs = [1, 2, 3, 8].map(|worlds| fresh(&context, worlds, 1));
    println!("{:?}", agree(&context, &mut runs));
}

#[test]
fn one_two_and_three_parts_agree() {
    // Few grids, so that their parts are full.
    let context = context(3);
    let mut runs = [(1, 1), (2, 2), (1, 3)].map(|(worlds, parts)| fresh(&context, worlds, parts));
    println!("{:?}", agree(&context, &mut runs));
}

#[test]
fn a_checkpoint_goes_on_like_the_original() {
    let context = context(5);
    let mut script = Script::new(&context, PILOTS);
    let mut original = fresh(&context, 2, 1);
    let mut beat = |runs: &mut [&mut Lockstep<Space>]| {
        let tick = runs[0].tick().next();
        let inputs = script.inputs(tick);
        let shown: Vec<_> = runs.iter_mut().map(|run| show(run, &inputs)).collect();
        script.observe(tick, &shown[0].events, &shown[0].writes);
        for other in &shown[1..] {
            assert_eq!(&shown[0], other, "beat {tick} differs");
        }
    };
    for _ in 0..700 {
        beat(&mut [&mut original]);
    }
    let checkpoint = original.checkpoint();
    let restore = |worlds, parts| -> Lockstep<Space> {
        let place = |grid: GridId| (parts, grid.0 as usize);
        Lockstep::restore(CONFIG, &context, worlds, &checkpoint, place).unwrap()
    };
    let (mut restored, mut in_parts) = (restore(3, 1), restore(1, 2));
    assert_eq!(restored.checkpoint(), checkpoint);
    assert_eq!(in_parts.checkpoint(), checkpoint);
    for _ in 0..700 {
        beat(&mut [&mut original, &mut restored, &mut in_parts]);
    }
}

#[test]
fn the_journal_repeats_the_run() {
    let context = context(4);
    let mut script = Script::new(&context, PILOTS);
    let mut live = fresh(&context, 2, 1);
    let mut replay = fresh(&context, 1, 1);
    let mut ships = 0;
    for _ in 0..1_200 {
        let tick = live.tick().next();
        let output = live.beat(script.inputs(tick));
        let grids: Vec<_> = output
            .grids
            .iter()
            .map(|grid| grid.record.clone())
            .collect();
        let record = BeatRecord::<Space> {
            tick,
            shard: ShardIndex(0),
            grids,
        };
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        // `replay` compares the digest of every grid itself.
        let repeated = replay
            .replay(vec![BeatRecord::decode(&bytes).unwrap()])
            .unwrap();
        let (lived, repeated) = (shown(&live, output), shown(&replay, repeated));
        assert_eq!(lived, repeated, "beat {tick} differs");
        script.observe(tick, &lived.events, &lived.writes);
        ships = tables(&live)
            .flat_map(|(_, ids)| ids)
            .filter(|id| id.object().is_none())
            .count();
    }
    assert!(ships > 0, "the run ends with ships");
}
