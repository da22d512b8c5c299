//! The same input log gives the same bits on any number of shards, from any checkpoint, and from
//! its own journal.

use std::collections::BTreeMap;
use std::sync::Arc;

use orrery_base::{EntityId, ShardIndex, Tick};
use orrery_kernel::journal::BeatRecord;
use orrery_kernel::lockstep::Lockstep;
use orrery_kernel::world::WorldConfig;
use orrery_server::rules::Space;
use orrery_server::rules::columns::Presence;
use orrery_server::rules::context::SpaceContext;
use orrery_server::rules::input::{Event, EventKind};

use crate::script::{SEED, Script, context, ship};

const BEATS: u64 = 1_800;
const PILOTS: u64 = 60;

fn fresh(context: &Arc<SpaceContext>, worlds: usize) -> Lockstep<Space> {
    let mut lockstep = Lockstep::new(WorldConfig { seed: SEED }, context, worlds, Tick(0));
    for (place, grid) in context.grids().enumerate() {
        lockstep.add_grid(grid, 1, place);
    }
    lockstep
}

/// What a beat has shown: digest, events in order, rows written in order.
type Shown = (u64, Vec<Event>, Vec<(Vec<u8>, Option<Vec<u8>>)>);

fn show(lockstep: &mut Lockstep<Space>, script: &Script) -> Shown {
    let tick = lockstep.tick().next();
    let output = lockstep.beat(script.inputs(tick));
    let events = output.grids.iter().flat_map(|grid| grid.events.iter().cloned()).collect();
    let writes = output.grids.iter().flat_map(|grid| &grid.writes);
    let writes = writes.map(|write| (write.key.clone(), write.value.clone())).collect();
    assert_one_home_each(lockstep, &output.messages.iter().map(|m| m.to).collect::<Vec<_>>());
    (lockstep.digest(), events, writes)
}

/// No ship is on two grids, whatever its pilots try.
fn assert_one_home_each(lockstep: &Lockstep<Space>, on_the_way: &[orrery_base::GridId]) {
    let mut homes: BTreeMap<EntityId, usize> = BTreeMap::new();
    for part in lockstep.worlds().iter().flat_map(|world| world.grids()).flat_map(|grid| grid.parts()) {
        for (row, &id) in part.table.ids().iter().enumerate() {
            let here = part.table.columns().presence(row) != Presence::Trace;
            *homes.entry(id).or_default() += usize::from(here);
        }
    }
    assert!(homes.values().all(|&count| count <= 1), "a ship is on two grids");
    assert!(on_the_way.len() as u64 <= PILOTS);
}

#[test]
fn one_two_three_and_eight_shards_agree() {
    let context = context(6);
    let script = Script::new(&context, PILOTS);
    let mut runs: Vec<_> = [1, 2, 3, 8].map(|worlds| fresh(&context, worlds)).into();
    let mut seen: BTreeMap<&'static str, u64> = BTreeMap::new();
    for beat in 1..=BEATS {
        let shown: Vec<_> = runs.iter_mut().map(|run| show(run, &script)).collect();
        assert!(shown.windows(2).all(|pair| pair[0] == pair[1]), "beat {beat} differs");
        for event in &shown[0].1 {
            *seen.entry(kind(&event.kind)).or_default() += 1;
        }
    }
    // The log is worth something only if all of this has happened in it.
    for kind in ["in space", "docked", "accepted", "refused", "not here"] {
        assert!(seen.contains_key(kind), "nothing was {kind}: {seen:?}");
    }
}

const fn kind(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::InSpace { .. } => "in space",
        EventKind::Docked { .. } => "docked",
        EventKind::Jumped { .. } => "jumped",
        EventKind::Answer { reject: None, .. } => "accepted",
        EventKind::Answer { reject: Some(_), .. } => "refused",
        EventKind::Displaced => "displaced",
        EventKind::NotHere { .. } => "not here",
    }
}

#[test]
fn a_checkpoint_goes_on_like_the_original() {
    let context = context(5);
    let script = Script::new(&context, PILOTS);
    let mut original = fresh(&context, 2);
    for _ in 0..700 {
        show(&mut original, &script);
    }
    let checkpoint = original.checkpoint();
    let config = WorldConfig { seed: SEED };
    let mut restored: Lockstep<Space> =
        Lockstep::restore(config, &context, 3, &checkpoint, |grid| (1, grid.0 as usize)).unwrap();
    assert_eq!(restored.checkpoint(), checkpoint);
    for _ in 0..700 {
        assert_eq!(show(&mut original, &script), show(&mut restored, &script));
    }
}

#[test]
fn the_journal_repeats_the_run() {
    let context = context(4);
    let script = Script::new(&context, PILOTS);
    let mut live = fresh(&context, 2);
    let mut replay = fresh(&context, 1);
    for _ in 0..1_200 {
        let tick = live.tick().next();
        let output = live.beat(script.inputs(tick));
        let grids: Vec<_> = output.grids.iter().map(|grid| grid.record.clone()).collect();
        let record = BeatRecord::<Space> { tick, shard: ShardIndex(0), grids };
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        // `replay` compares the digest of every grid itself.
        replay.replay(vec![BeatRecord::decode(&bytes).unwrap()]).unwrap();
    }
    assert_eq!(live.digest(), replay.digest());
    assert!(live.worlds().iter().flat_map(|w| w.grids()).any(|grid| grid.find(ship(1)).is_some()));
}
