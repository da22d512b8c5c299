use super::*;
use crate::Store;
use crate::testing::Scratch;

/// Checkpoints of two grids at these beats.
fn world(scratch: &Scratch, first: &[u64], second: &[u64]) -> Store {
    let store = scratch.open();
    let mut batch = Batch::new();
    for (grid, beats) in [(1, first), (2, second)] {
        for beat in beats {
            checkpoint::put(&mut batch, GridId(grid), Tick(*beat), b"state");
        }
    }
    store.write(&batch).unwrap();
    store
}

fn damage(store: &Store, grid: u32, beat: u64) {
    let key = CheckpointKey {
        grid: GridId(grid),
        beat: Tick(beat),
    };
    let mut batch = Batch::new();
    batch.put(
        Domain::Checkpoint,
        key.encode(),
        b"\x01\x00\x00\x00\x00\x05what is this",
    );
    store.write(&batch).unwrap();
}

fn left(store: &Store, grid: u32) -> Vec<u64> {
    checkpoint::beats_down(store, GridId(grid), Tick(u64::MAX))
        .map(|beat| beat.unwrap().0)
        .collect()
}

/// Prunes, and again: nothing is left for the second time.
fn pruned(store: &Store, horizon: u64) -> Pruned {
    let mut batch = Batch::new();
    let first = prune(store, Tick(horizon), &mut batch).unwrap();
    store.write(&batch).unwrap();
    let mut nothing = Batch::new();
    let second = prune(store, Tick(horizon), &mut nothing).unwrap();
    assert!(
        nothing.is_empty(),
        "{first:?} left something for {second:?}"
    );
    assert_eq!((second.removed, &second.grids), (0, &first.grids));
    first
}

fn all(_: GridId) -> bool {
    true
}

#[test]
fn the_newest_at_the_horizon_and_all_newer_ones_stay() {
    let scratch = Scratch::new();
    let store = world(&scratch, &[20, 40, 60, 80], &[10, 50, 55, 90]);
    let pruned = pruned(&store, 60);
    assert_eq!(left(&store, 1), [80, 60]);
    assert_eq!(left(&store, 2), [90, 55]);
    assert_eq!(pruned.removed, 4);
    let kept = |newest, at_horizon| Kept {
        newest: Some(Tick(newest)),
        at_horizon: Some(Tick(at_horizon)),
    };
    let expected = [(GridId(1), kept(80, 60)), (GridId(2), kept(90, 55))];
    assert_eq!(pruned.grids, expected.into());
    // The journal is wanted from the older of the two on, unless that grid sleeps.
    assert_eq!(pruned.wanted_from(all), Tick(56));
    assert_eq!(pruned.wanted_from(|grid| grid == GridId(1)), Tick(61));
    assert_eq!(pruned.recovery_from(all), Tick(81));
    assert_eq!(pruned.recovery_from(|grid| grid == GridId(2)), Tick(91));
}

#[test]
fn a_grid_that_is_younger_than_the_horizon_holds_the_journal() {
    let scratch = Scratch::new();
    let store = world(&scratch, &[20, 40], &[70, 80]);
    let pruned = pruned(&store, 60);
    assert_eq!((left(&store, 1), left(&store, 2)), (vec![40], vec![80, 70]));
    assert_eq!(pruned.wanted_from(all), Tick(0));
    assert_eq!(pruned.recovery_from(all), Tick(41));
}

#[test]
fn nothing_is_known_of_a_store_without_checkpoints() {
    let scratch = Scratch::new();
    let store = world(&scratch, &[], &[]);
    let pruned = pruned(&store, 60);
    assert_eq!(pruned, Pruned::default());
    assert_eq!(pruned.wanted_from(all), Tick(0));
    assert_eq!(pruned.recovery_from(all), Tick(0));
}

#[test]
fn damaged_ones_do_not_count() {
    let scratch = Scratch::new();
    let store = world(&scratch, &[20, 40, 60, 80], &[30]);
    for (grid, beat) in [(1, 60), (1, 80), (1, 20), (2, 30)] {
        damage(&store, grid, beat);
    }
    let pruned = pruned(&store, 60);
    assert_eq!(left(&store, 1), [80, 60, 40]);
    assert_eq!(left(&store, 2), [30]);
    let kept = Kept {
        newest: Some(Tick(40)),
        at_horizon: Some(Tick(40)),
    };
    let expected = [(GridId(1), kept), (GridId(2), Kept::default())];
    assert_eq!(pruned.grids, expected.into());
    assert_eq!(pruned.recovery_from(all), Tick(0));
}

#[test]
fn what_comes_after_the_pruning_was_made_survives_it() {
    let scratch = Scratch::new();
    let store = world(&scratch, &[50, 80], &[80]);
    let mut batch = Batch::new();
    let pruned = prune(&store, Tick(90), &mut batch).unwrap();
    assert_eq!(pruned.removed, 1);
    let mut later = Batch::new();
    checkpoint::put(&mut later, GridId(1), Tick(101), b"later");
    store.write(&later).unwrap();
    store.write(&batch).unwrap();
    assert_eq!(left(&store, 1), [101, 80]);
}
