use orrery_base::GridId;

use super::*;
use crate::testing::{Scratch, put};
use crate::{Batch, journal, meta};

fn checkpoint_of(batch: &mut Batch, beat: u64) {
    let sum = checkpoint::put_grid(batch, Tick(beat), GridId(4), b"state");
    checkpoint::put_header(batch, Tick(beat), &[sum]);
}

/// Beats 11 to 20 on two shards, checkpoints of 10 and 15.
fn world(scratch: &Scratch) -> Store {
    let store = scratch.open();
    let mut batch = Batch::new();
    for beat in 11..=20 {
        for shard in 0..2 {
            journal::put(&mut batch, Tick(beat), ShardIndex(shard), b"record");
        }
    }
    checkpoint_of(&mut batch, 10);
    checkpoint_of(&mut batch, 15);
    batch.put(Domain::Ship, b"id", b"ship");
    meta::put_last_beat(&mut batch, Tick(20));
    meta::delete_clean(&mut batch);
    store.write(&batch).unwrap();
    store
}

fn journal_key(beat: u64, shard: u16) -> [u8; 10] {
    JournalKey {
        beat: Tick(beat),
        shard: ShardIndex(shard),
    }
    .encode()
}

#[test]
fn a_sound_store_is_measured() {
    let scratch = Scratch::new();
    let store = world(&scratch);
    let report = structure(&store);
    assert!(report.is_sound(), "{report}");
    assert_eq!(report.findings, []);
    assert_eq!(report.last_beat(), Some(Tick(20)));
    assert_eq!(report.journal, Some((Tick(11), Tick(20))));
    assert_eq!(report.checkpoints, [Tick(15), Tick(10)]);
    assert_eq!(report.volumes.len(), Domain::ALL.len());
    let ships = Volume { rows: 1, bytes: 6 };
    assert_eq!(report.volumes[&Domain::Ship], ships);
    assert_eq!(report.volumes[&Domain::Journal].rows, 20);
    let text = report.to_string();
    assert!(text.contains("last beat 20, not clean"), "{text}");
    assert!(text.contains("journal: 20 rows, 320 bytes"), "{text}");
}

#[test]
fn a_fresh_store_is_sound() {
    let scratch = Scratch::new();
    let report = structure(&scratch.open());
    assert!(report.is_sound(), "{report}");
    assert_eq!((report.journal, report.checkpoints), (None, vec![]));
}

/// Does the damage to a sound store and expects exactly these findings, in any order.
fn expect(damage: &Batch, expected: &[Finding]) {
    let scratch = Scratch::new();
    let store = world(&scratch);
    store.write(damage).unwrap();
    let report = structure(&store);
    let mut found = report.findings.clone();
    found.sort_by_key(|finding| expected.iter().position(|e| e == finding));
    assert_eq!(found, expected);
    assert!(!report.is_sound());
    assert!(report.to_string().contains("DAMAGE: "));
}

fn deleted(domain: Domain, from: &[u8], to: &[u8]) -> Batch {
    let mut batch = Batch::new();
    batch.delete_range(domain, from, to);
    batch
}

const LAST: Option<Tick> = Some(Tick(20));

#[test]
fn a_wrong_description_is_found() {
    let beyond = |beat| Finding::CheckpointBeyond {
        beat: Tick(beat),
        last_beat: None,
    };
    let end = Finding::JournalEnd {
        journal: Tick(20),
        last_beat: None,
    };
    let undecodable = Finding::Meta("the last_beat row has 1 bytes instead of 8".into());
    expect(
        &put(Domain::Meta, meta::LAST_BEAT_KEY, b"?"),
        &[undecodable, beyond(15), beyond(10), end],
    );
}

#[test]
fn undecodable_keys_are_found() {
    for domain in [Domain::Journal, Domain::Checkpoint] {
        let key = b"what".to_vec();
        expect(&put(domain, &key, b""), &[Finding::BadKey { domain, key }]);
    }
}

#[test]
fn a_journal_with_holes_is_found() {
    let without = |from: (u64, u16), to: (u64, u16)| {
        let (from, to) = (journal_key(from.0, from.1), journal_key(to.0, to.1));
        deleted(Domain::Journal, &from, &to)
    };
    let gap = Finding::JournalGap {
        after: Tick(12),
        before: Tick(16),
    };
    expect(&without((13, 0), (16, 0)), &[gap]);
    let shard = |shard| Finding::JournalShard {
        beat: Tick(13),
        shard: ShardIndex(shard),
    };
    expect(&without((13, 0), (13, 1)), &[shard(0)]);
    expect(&put(Domain::Journal, &journal_key(13, 3), b""), &[shard(2)]);
    let end = |journal| Finding::JournalEnd {
        journal: Tick(journal),
        last_beat: LAST,
    };
    expect(&put(Domain::Journal, &journal_key(21, 0), b""), &[end(21)]);
    expect(&without((20, 0), (21, 0)), &[end(19)]);
    let late = Finding::ReplayGap {
        checkpoint: Tick(15),
        journal: Tick(17),
    };
    expect(&without((0, 0), (17, 0)), &[late]);
}

#[test]
fn a_checkpoint_that_is_not_whole_is_found() {
    let header = |beat| {
        CheckpointKey {
            beat: Tick(beat),
            grid: checkpoint::HEADER_GRID,
        }
        .encode()
    };
    let broken = |beat, fault| Finding::Checkpoint {
        beat: Tick(beat),
        fault,
        is_under_way: false,
    };
    let mut headless = Batch::new();
    headless.delete(Domain::Checkpoint, header(10));
    expect(&headless, &[broken(10, CheckpointFault::NoHeader)]);
    let short = put(Domain::Checkpoint, &header(15), b"short");
    expect(&short, &[broken(15, CheckpointFault::BadHeader)]);
    let mut future = Batch::new();
    checkpoint_of(&mut future, 21);
    let beyond = Finding::CheckpointBeyond {
        beat: Tick(21),
        last_beat: LAST,
    };
    expect(&future, &[beyond]);
}

#[test]
fn a_checkpoint_under_way_is_only_a_note() {
    let scratch = Scratch::new();
    let store = world(&scratch);
    let mut batch = Batch::new();
    let _ = checkpoint::put_grid(&mut batch, Tick(18), GridId(1), b"state");
    store.write(&batch).unwrap();
    let report = structure(&store);
    assert_eq!(report.findings.len(), 1);
    assert!(report.is_sound(), "{report}");
    assert!(
        report
            .to_string()
            .contains("note: the checkpoint of beat 18")
    );
}

#[test]
fn findings_are_bounded() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let mut batch = Batch::new();
    for number in 0_u16..1100 {
        batch.put(Domain::Journal, number.to_be_bytes(), b"");
    }
    store.write(&batch).unwrap();
    let report = structure(&store);
    assert_eq!(report.findings.len(), FINDINGS_MAX);
    assert_eq!(report.findings_omitted, 100);
    assert!(!report.is_sound());
}
