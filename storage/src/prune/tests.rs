use orrery_base::GridId;

use super::*;
use crate::journal;
use crate::testing::Scratch;
use crate::{Store, checkpoint::GridSum};

fn complete(batch: &mut Batch, beat: u64) {
    let sums: Vec<GridSum> = (0..3)
        .map(|grid| checkpoint::put_grid(batch, Tick(beat), GridId(grid), b"state"))
        .collect();
    checkpoint::put_header(batch, Tick(beat), &sums);
}

fn incomplete(batch: &mut Batch, beat: u64) {
    let _ = checkpoint::put_grid(batch, Tick(beat), GridId(0), b"state");
}

/// Journal of beats 1 to 100 on two shards, checkpoints as given.
fn world(scratch: &Scratch, completes: &[u64], incompletes: &[u64]) -> Store {
    let store = scratch.open();
    let mut batch = Batch::new();
    for beat in 1..=100 {
        for shard in 0..2 {
            journal::put(&mut batch, Tick(beat), ShardIndex(shard), b"inputs");
        }
    }
    completes
        .iter()
        .for_each(|beat| complete(&mut batch, *beat));
    incompletes
        .iter()
        .for_each(|beat| incomplete(&mut batch, *beat));
    store.write(&batch).unwrap();
    store
}

/// Checkpoints and first beat of the journal after a pruning.
fn pruned(store: &Store, checkpoints: usize, journal_beats: u64) -> (Vec<u64>, u64) {
    let keep = Keep {
        checkpoints,
        journal_beats,
    };
    let mut batch = Batch::new();
    let first = prune(store, Tick(100), keep, &mut batch).unwrap();
    store.write(&batch).unwrap();
    let mut nothing = Batch::new();
    let second = prune(store, Tick(100), keep, &mut nothing).unwrap();
    assert!(
        nothing.is_empty(),
        "{first:?} left something for {second:?}"
    );
    let left = checkpoint::beats_down(store, Tick(u64::MAX))
        .map(|beat| beat.unwrap().0)
        .collect();
    let (first, last) = journal::span(store).unwrap().unwrap();
    assert_eq!(first.shard, ShardIndex(0));
    assert_eq!((last.beat, last.shard), (Tick(100), ShardIndex(1)));
    (left, first.beat.0)
}

#[test]
fn as_many_as_asked_for_are_kept() {
    let scratch = Scratch::new();
    let store = world(&scratch, &[20, 40, 60, 80], &[]);
    // Beats 61 to 100 are needed by the older of the two.
    assert_eq!(pruned(&store, 2, 10), (vec![80, 60], 61));
}

#[test]
fn more_journal_is_kept_if_asked_for() {
    let scratch = Scratch::new();
    let store = world(&scratch, &[20, 80], &[]);
    assert_eq!(pruned(&store, 1, 50), (vec![80], 51));
    assert_eq!(pruned(&store, 1, 1000), (vec![80], 51));
}

#[test]
fn at_least_one_checkpoint_is_kept() {
    let scratch = Scratch::new();
    let store = world(&scratch, &[20, 80], &[]);
    assert_eq!(pruned(&store, 0, 0), (vec![80], 81));
}

#[test]
fn nothing_goes_without_a_complete_checkpoint() {
    let scratch = Scratch::new();
    let store = world(&scratch, &[], &[30, 60]);
    assert_eq!(pruned(&store, 1, 0), (vec![60, 30], 1));
}

#[test]
fn incomplete_ones_do_not_count_and_go_once_a_newer_is_complete() {
    let scratch = Scratch::new();
    let store = world(&scratch, &[20, 50, 80], &[10, 60, 70, 90]);
    assert_eq!(pruned(&store, 2, 0), (vec![90, 80, 50], 51));
}

#[test]
fn what_comes_after_the_pruning_was_made_survives_it() {
    let scratch = Scratch::new();
    let store = world(&scratch, &[50, 80], &[]);
    let keep = Keep {
        checkpoints: 1,
        journal_beats: 0,
    };
    let mut batch = Batch::new();
    let pruned = prune(&store, Tick(100), keep, &mut batch).unwrap();
    let expected = Pruned {
        checkpoints_before: Some(Tick(80)),
        incomplete: 0,
        journal_before: Some(Tick(81)),
    };
    assert_eq!(pruned, expected);
    let mut later = Batch::new();
    complete(&mut later, 101);
    journal::put(&mut later, Tick(101), ShardIndex(0), b"");
    store.write(&later).unwrap();
    store.write(&batch).unwrap();
    assert_eq!(checkpoint::load(&store, Tick(101)).unwrap().beat, Tick(101));
    assert_eq!(journal::range(&store, Tick(101)..=Tick(101)).count(), 1);
}
