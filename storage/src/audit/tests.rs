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

#[test]
fn every_damage_is_found_and_nothing_else() {
    let journal_of = |beat| {
        let mut batch = Batch::new();
        journal::put(&mut batch, Tick(beat), ShardIndex(0), b"");
        batch
    };
    let deleted = |domain, from: &[u8], to: &[u8]| {
        let mut batch = Batch::new();
        batch.delete_range(domain, from, to);
        batch
    };
    let mut future = Batch::new();
    checkpoint_of(&mut future, 21);
    let header = |beat| {
        CheckpointKey {
            beat: Tick(beat),
            grid: checkpoint::HEADER_GRID,
        }
        .encode()
    };
    let last_beat = Some(Tick(20));
    let cases = [
        (
            put(Domain::Meta, meta::LAST_BEAT_KEY, b"?"),
            vec![
                Finding::Meta("the last_beat row has 1 bytes instead of 8".into()),
                Finding::CheckpointBeyond {
                    beat: Tick(15),
                    last_beat: None,
                },
                Finding::CheckpointBeyond {
                    beat: Tick(10),
                    last_beat: None,
                },
                Finding::JournalEnd {
                    journal: Tick(20),
                    last_beat: None,
                },
            ],
        ),
        (
            put(Domain::Journal, b"what", b""),
            vec![Finding::BadKey {
                domain: Domain::Journal,
                key: b"what".into(),
            }],
        ),
        (
            put(Domain::Checkpoint, b"what", b""),
            vec![Finding::BadKey {
                domain: Domain::Checkpoint,
                key: b"what".into(),
            }],
        ),
        (
            deleted(Domain::Journal, &journal_key(13, 0), &journal_key(16, 0)),
            vec![Finding::JournalGap {
                after: Tick(12),
                before: Tick(16),
            }],
        ),
        (
            deleted(Domain::Journal, &journal_key(13, 0), &journal_key(13, 1)),
            vec![Finding::JournalShard {
                beat: Tick(13),
                shard: ShardIndex(0),
            }],
        ),
        (
            put(Domain::Journal, &journal_key(13, 3), b""),
            vec![Finding::JournalShard {
                beat: Tick(13),
                shard: ShardIndex(2),
            }],
        ),
        (
            journal_of(21),
            vec![Finding::JournalEnd {
                journal: Tick(21),
                last_beat,
            }],
        ),
        (
            deleted(Domain::Journal, &journal_key(20, 0), &journal_key(21, 0)),
            vec![Finding::JournalEnd {
                journal: Tick(19),
                last_beat,
            }],
        ),
        (
            deleted(Domain::Journal, b"", &journal_key(17, 0)),
            vec![Finding::ReplayGap {
                checkpoint: Tick(15),
                journal: Tick(17),
            }],
        ),
        (
            future,
            vec![Finding::CheckpointBeyond {
                beat: Tick(21),
                last_beat,
            }],
        ),
        (
            deleted(
                Domain::Checkpoint,
                &header(10),
                &[header(10), [0; 12]].concat(),
            ),
            vec![Finding::Checkpoint {
                beat: Tick(10),
                fault: CheckpointFault::NoHeader,
                is_under_way: false,
            }],
        ),
        (
            put(Domain::Checkpoint, &header(15), b"short"),
            vec![Finding::Checkpoint {
                beat: Tick(15),
                fault: CheckpointFault::BadHeader,
                is_under_way: false,
            }],
        ),
    ];
    for (damage, expected) in cases {
        let scratch = Scratch::new();
        let store = world(&scratch);
        store.write(&damage).unwrap();
        let report = structure(&store);
        let mut found = report.findings.clone();
        found.sort_by_key(|finding| expected.iter().position(|e| e == finding));
        assert_eq!(found, expected);
        assert!(!report.is_sound());
        assert!(report.to_string().contains("DAMAGE: "));
    }
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
