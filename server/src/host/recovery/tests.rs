use std::path::Path;

use orrery_base::ShardIndex;
use orrery_game::content::{Content, compile};
use orrery_game::galaxy::{Params, generate};
use orrery_kernel::journal;
use orrery_storage::checkpoint::CheckpointKey;
use orrery_storage::{Batch, Domain, Store, StoreOptions};
use tempfile::TempDir;

use super::*;

const SEED: u64 = 3;

fn galaxy() -> Galaxy {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../content");
    let content = Content::new(compile(&folder).unwrap()).unwrap();
    let params = Params {
        seed: SEED,
        systems: 2,
        ..Params::default()
    };
    let map = generate(&params, &content).unwrap();
    Galaxy {
        context: Arc::new(SpaceContext::new(content, map)),
        seed: SEED,
    }
}

/// A store with checkpoints of all grids after `beats` beats without anybody.
fn saved(galaxy: &Galaxy, beats: u64) -> (TempDir, Store, Deal) {
    let deal = Deal::new(&galaxy.context, 1);
    let config = WorldConfig { seed: SEED };
    let mut world = World::<Space>::new(config, Arc::clone(&galaxy.context), Tick(0));
    for &grid in deal.grids() {
        world.add_grid(grid, 1);
    }
    for beat in 1..=beats {
        world.beat(Tick(beat));
    }
    let mut batch = Batch::new();
    for &grid in deal.grids() {
        let image = world.image(grid).unwrap();
        checkpoint::put(&mut batch, grid, Tick(beats), &image.encode());
    }
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        sync: false,
        ..StoreOptions::default()
    };
    let store = Store::open(folder.path(), &options).unwrap();
    store.write(&batch).unwrap();
    (folder, store, deal)
}

/// The record of a beat in which no grid did anything.
fn nothing(beat: u64) -> Recorded {
    let mut bytes = Vec::new();
    journal::encode::<Space>(Tick(beat), ShardIndex(0), [].iter(), &mut bytes);
    let beat = Tick(beat);
    Recorded { beat, bytes }
}

fn begin(store: &Store, galaxy: &Galaxy, deal: &Deal) -> Replay {
    Replay::begin(store, galaxy, deal.grids(), Start::Newest, Tick(1_000), 1).unwrap()
}

fn take(replay: &mut Replay, beat: u64) -> Result<(), String> {
    let taken = replay.take(&nothing(beat), |_, _, _| Ok(()));
    taken.map_err(|error| format!("{error:#}"))
}

#[test]
fn the_journal_may_begin_after_the_checkpoints_of_sleeping_grids() {
    let galaxy = galaxy();
    let (_folder, store, deal) = saved(&galaxy, 8);
    let mut replay = begin(&store, &galaxy, &deal);
    assert_eq!(replay.from(), Tick(8));
    take(&mut replay, 900).unwrap();
    take(&mut replay, 901).unwrap();
    assert_eq!(replay.tick(), Tick(901));
    let error = take(&mut replay, 903).unwrap_err();
    assert!(
        error.contains("no beat 902: it goes on with 903"),
        "{error}"
    );
}

#[test]
fn a_grid_that_was_awake_wants_every_beat() {
    let galaxy = galaxy();
    // Nothing sleeps before its first beat.
    let (_folder, store, deal) = saved(&galaxy, 0);
    let mut replay = begin(&store, &galaxy, &deal);
    assert!(replay.grids().any(|grid| !grid.is_asleep()));
    let error = take(&mut replay, 900).unwrap_err();
    assert!(error.contains("is known as of beat 0 only"), "{error}");
}

#[test]
fn a_checkpoint_before_a_damaged_one_wants_every_beat() {
    let galaxy = galaxy();
    let (_folder, store, deal) = saved(&galaxy, 8);
    let key = CheckpointKey {
        grid: deal.grids()[0],
        beat: Tick(500),
    };
    let mut batch = Batch::new();
    batch.put(Domain::Checkpoint, key.encode(), b"rot");
    store.write(&batch).unwrap();
    let mut replay = begin(&store, &galaxy, &deal);
    assert_eq!(replay.skipped, 1);
    let error = take(&mut replay, 900).unwrap_err();
    let expected = format!("grid {} is known as of beat 8 only", key.grid);
    assert!(error.contains(&expected), "{error}");
    // From the next beat on it may go on.
    take(&mut begin(&store, &galaxy, &deal), 9).unwrap();
}
