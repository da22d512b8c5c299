use std::io::ErrorKind;

use super::*;
use crate::rows::KeyRange;
use crate::testing::{Scratch, dump, put, quick};

fn refusal(path: &Path, options: &StoreOptions) -> OpenError {
    Store::open(path, options).expect_err("opening must be refused")
}

fn read_only() -> StoreOptions {
    StoreOptions {
        read_only: true,
        ..quick()
    }
}

fn existing() -> StoreOptions {
    StoreOptions {
        create: false,
        ..quick()
    }
}

#[test]
fn a_fresh_store_describes_itself() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let fresh = Meta {
        schema: meta::SCHEMA,
        last_beat: None,
        applied_frame: 0,
        was_clean: true,
    };
    assert_eq!(store.at_open(), fresh);
    assert_eq!(store.meta().unwrap(), fresh);
    assert_eq!(store.path(), scratch.path());
    drop(store);
    let again = Store::open(scratch.path(), &existing()).unwrap();
    assert_eq!(again.at_open(), fresh);
}

#[test]
fn rows_survive_and_a_batch_is_one_write_over_domains() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let mut batch = Batch::new();
    for domain in Domain::ALL {
        batch.put(domain, b"key", domain.name());
    }
    store.write(&batch).unwrap();
    drop(store);
    let store = scratch.open();
    for domain in Domain::ALL {
        let value = store.get(domain, b"key").unwrap();
        assert_eq!(value.as_deref(), Some(domain.name().as_bytes()));
    }
}

#[test]
fn nothing_is_made_unless_asked_for() {
    let scratch = Scratch::new();
    let path = scratch.path();
    for options in [existing(), read_only()] {
        assert!(matches!(
            refusal(&path, &options),
            OpenError::Missing { .. }
        ));
        assert!(!path.exists());
    }
    fs::create_dir(&path).unwrap();
    for options in [existing(), read_only()] {
        assert!(matches!(
            refusal(&path, &options),
            OpenError::Missing { .. }
        ));
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
    }
}

#[test]
fn folders_of_others_are_left_alone() {
    let scratch = Scratch::new();
    let path = scratch.path();
    fs::create_dir(&path).unwrap();
    fs::write(path.join("letter.txt"), "dear diary").unwrap();
    for options in [quick(), existing(), read_only()] {
        let error = refusal(&path, &options);
        assert!(matches!(error, OpenError::NotAStore { .. }), "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()));
    }
    assert_eq!(fs::read_dir(&path).unwrap().count(), 1);

    let error = refusal(&path.join("letter.txt"), &quick());
    assert!(matches!(error, OpenError::NotAStore { .. }), "{error}");
}

#[test]
fn another_database_is_not_a_store() {
    let scratch = Scratch::new();
    let mut options = rocksdb::Options::default();
    options.create_if_missing(true);
    drop(rocksdb::DB::open(&options, scratch.path()).unwrap());
    let error = refusal(&scratch.path(), &quick());
    assert!(matches!(error, OpenError::NotAStore { .. }), "{error}");
}

#[test]
fn a_fresh_disk_counts_as_empty() {
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.path().join("lost+found")).unwrap();
    assert!(scratch.open().was_clean());
}

#[test]
fn an_unwritable_folder_is_named() {
    // Root may write everywhere: a path through a file, and a file system that takes none.
    let scratch = Scratch::new();
    fs::create_dir(scratch.path()).unwrap();
    let file = scratch.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [file.join("store"), PathBuf::from("/proc/orrery-store")] {
        let error = refusal(&path, &quick());
        assert!(matches!(error, OpenError::Unwritable { .. }), "{error:?}");
        let sentence = format!("cannot write in {}", path.display());
        assert_eq!(error.to_string(), sentence);
    }
}

#[test]
fn a_store_belongs_to_one_writer() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let at_once = StoreOptions {
        lock_patience: Duration::ZERO,
        ..quick()
    };
    let error = refusal(&scratch.path(), &at_once);
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
    assert!(error.to_string().contains(scratch.path().to_str().unwrap()));
    // Clones are the same store; the lock goes with the last of them.
    let clone = store.clone();
    drop(store);
    assert!(matches!(
        refusal(&scratch.path(), &at_once),
        OpenError::Locked { .. }
    ));
    // Patience is rewarded.
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| drop(scratch.open()));
        drop(clone);
        waiting.join().unwrap();
    });
}

#[test]
fn a_reader_may_look_on_and_not_write() {
    let scratch = Scratch::new();
    let store = scratch.open();
    store.write(&put(Domain::Ship, b"one", b"1")).unwrap();
    let reader = Store::open(scratch.path(), &read_only()).unwrap();
    store.write(&put(Domain::Ship, b"two", b"2")).unwrap();
    assert_eq!(dump(&reader, Domain::Ship).len(), 1);
    assert!(reader.is_read_only());
    let refused = reader.write(&put(Domain::Ship, b"two", b"2"));
    assert_eq!(refused, Err(WriteError::ReadOnly));
    assert!(matches!(
        reader.take_writer().err(),
        Some(WriteError::ReadOnly)
    ));
}

/// Opened again and again while the writer flushes, deletes logs and adds files: always a
/// whole store with both rows of a write or none.
#[test]
fn a_reader_may_open_at_any_moment() {
    let scratch = Scratch::new();
    let store = scratch.open();
    // Each opening is met by some flushes; then the files keep still and it has to succeed.
    let (flush, flushes) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0_u32;
            let mut write_pair = || {
                let mut batch = Batch::new();
                batch.put(Domain::Ship, number.to_be_bytes(), b"here");
                batch.put(Domain::Name, number.to_be_bytes(), b"and here");
                store.write(&batch).unwrap();
                number += 1;
            };
            for count in flushes {
                for _ in 0..count {
                    (0..10).for_each(|_| write_pair());
                    store.engine().flush().unwrap();
                }
                write_pair();
            }
        });
        let mut seen = 0;
        for attempt in 0..20 {
            flush.send(attempt % 5).unwrap();
            let reader = Store::open(scratch.path(), &read_only()).unwrap();
            let [ships, names] = [Domain::Ship, Domain::Name]
                .map(|domain| reader.count(domain, KeyRange::all()).unwrap());
            assert_eq!(ships, names);
            assert!(ships >= seen);
            seen = ships;
        }
        drop(flush);
    });
}

#[test]
fn a_view_stands_still_over_all_domains() {
    let scratch = Scratch::new();
    let store = scratch.open();
    store.write(&put(Domain::Ship, b"id", b"old")).unwrap();
    let view = store.view();
    let mut batch = Batch::new();
    batch.put(Domain::Ship, b"id", b"new");
    batch.put(Domain::Name, b"name", b"id");
    store.write(&batch).unwrap();
    assert_eq!(view.get(Domain::Ship, b"id").unwrap().unwrap(), b"old");
    assert_eq!(dump(&view, Domain::Name), []);
    let both = view.multi_get(Domain::Ship, &["id", "none"]).unwrap();
    assert_eq!(both, [Some(b"old".to_vec()), None]);
    drop(view);
    assert_eq!(store.get(Domain::Ship, b"id").unwrap().unwrap(), b"new");
}

#[test]
fn a_newer_schema_is_refused_with_both_versions() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let newer = meta::SCHEMA + 7;
    let row = put(Domain::Meta, meta::SCHEMA_KEY, &newer.to_be_bytes());
    store.write(&row).unwrap();
    drop(store);
    for options in [quick(), read_only()] {
        let error = refusal(&scratch.path(), &options);
        let expected = format!(
            "the store in {} was written by a newer version: it has schema {newer}, this \
             build supports up to {}",
            scratch.path().display(),
            meta::SCHEMA
        );
        assert_eq!(error.to_string(), expected);
    }
}

/// Adds a column family, as a build with more domains would have.
fn add_family(path: &Path, name: &str) {
    let options = rocksdb::Options::default();
    let families = rocksdb::DB::list_cf(&options, path).unwrap();
    let mut database = rocksdb::DB::open_cf(&options, path, families).unwrap();
    database.create_cf(name, &options).unwrap();
}

/// As the first version of the format left it: a column family for the journal.
#[test]
fn the_older_schema_is_refused_with_what_to_do() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let older = put(Domain::Meta, meta::SCHEMA_KEY, &1_u32.to_be_bytes());
    store.write(&older).unwrap();
    drop(store);
    for with_journal in [false, true] {
        if with_journal {
            add_family(&scratch.path(), "journal");
        }
        for options in [quick(), read_only()] {
            let error = refusal(&scratch.path(), &options);
            assert!(
                matches!(error, OpenError::OlderSchema { found: 1, .. }),
                "{error}"
            );
            let words = error.to_string();
            assert!(words.contains("older version"), "{words}");
            assert!(words.contains("generate a new galaxy"), "{words}");
        }
    }
}

#[test]
fn unknown_domains_are_refused_by_schema_or_by_name() {
    let scratch = Scratch::new();
    let store = scratch.open();
    drop(store);
    add_family(&scratch.path(), "weather");
    let error = refusal(&scratch.path(), &quick());
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("weather"));

    let scratch = Scratch::new();
    let store = scratch.open();
    let newer = meta::SCHEMA + 1;
    let row = put(Domain::Meta, meta::SCHEMA_KEY, &newer.to_be_bytes());
    store.write(&row).unwrap();
    drop(store);
    add_family(&scratch.path(), "weather");
    let error = refusal(&scratch.path(), &quick());
    assert!(
        matches!(error, OpenError::NewerSchema { found, .. } if found == newer),
        "{error}"
    );
}

#[test]
fn a_creation_that_was_cut_short_is_completed() {
    // Only the marker.
    let scratch = Scratch::new();
    fs::create_dir(scratch.path()).unwrap();
    fs::write(scratch.path().join(folder::MARKER), "").unwrap();
    assert!(matches!(
        refusal(&scratch.path(), &read_only()),
        OpenError::Missing { .. }
    ));
    drop(scratch.open());

    // The database, but not all domains and no schema.
    let scratch = Scratch::new();
    let mut options = rocksdb::Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    drop(rocksdb::DB::open_cf(&options, scratch.path(), ["meta", "ship"]).unwrap());
    fs::write(scratch.path().join(folder::MARKER), "").unwrap();
    let store = scratch.open();
    assert_eq!(store.meta().unwrap().schema, meta::SCHEMA);
    assert!(store.was_clean());
}

#[test]
fn a_store_without_its_description_is_damaged() {
    let damages = [
        ("missing", {
            let mut batch = put(Domain::Ship, b"id", b"row");
            batch.delete(Domain::Meta, meta::SCHEMA_KEY);
            batch
        }),
        ("schema", put(Domain::Meta, meta::SCHEMA_KEY, b"one")),
        ("schema 0", put(Domain::Meta, meta::SCHEMA_KEY, &[0; 4])),
        ("last_beat", put(Domain::Meta, meta::LAST_BEAT_KEY, b"1")),
    ];
    for (word, damage) in damages {
        let scratch = Scratch::new();
        let store = scratch.open();
        store.write(&damage).unwrap();
        drop(store);
        let error = refusal(&scratch.path(), &quick());
        assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn damaged_files_are_an_error_and_no_panic() {
    let scratch = Scratch::new();
    let store = scratch.open();
    store.write(&put(Domain::Ship, b"id", &[7; 5000])).unwrap();
    store.engine().flush().unwrap();
    drop(store);
    for entry in fs::read_dir(scratch.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "sst") {
            let mut bytes = fs::read(&path).unwrap();
            for byte in bytes.iter_mut().take(64) {
                *byte ^= 0x55;
            }
            fs::write(&path, bytes).unwrap();
        }
    }
    // The file is only opened or only read: both must say so.
    match Store::open(scratch.path(), &quick()) {
        Err(error) => assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}"),
        Ok(store) => {
            let error = store.get(Domain::Ship, b"id").unwrap_err();
            assert_eq!(error.domain, Domain::Ship);
        }
    }
}

/// The segments that are not compressed, oldest first.
fn segments(path: &Path) -> Vec<PathBuf> {
    let mut segments: Vec<PathBuf> = fs::read_dir(path.join(LOG_FOLDER))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "seg"))
        .collect();
    segments.sort();
    segments
}

/// The folder as a killed process would have left it, beside the scratch.
fn copy_of(scratch: &Scratch, name: &str) -> PathBuf {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let to = to.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                copy(&entry.path(), &to);
            } else {
                fs::copy(entry.path(), to).unwrap();
            }
        }
    }
    let to = scratch.path().with_file_name(name);
    copy(&scratch.path(), &to);
    to
}

/// A power cut in the middle of a write leaves any part of it on the disk.
#[test]
fn a_torn_write_is_as_if_it_had_never_been() {
    let scratch = Scratch::new();
    let store = scratch.open();
    store.write(&put(Domain::Ship, b"id", b"old")).unwrap();
    // As it was when the process was killed: the rows are only in the log.
    let mut torn = put(Domain::Ship, b"id", b"new");
    let state: Vec<u8> = (0..12_000_u32)
        .flat_map(|n| (n * n).to_le_bytes())
        .collect();
    torn.put(Domain::Checkpoint, b"state", &state);
    let before = fs::read(&segments(&scratch.path())[0]).unwrap();
    store.write(&torn).unwrap();
    let after = fs::read(&segments(&scratch.path())[0]).unwrap();
    let blocks: Vec<usize> = (0..before.len() / 4096)
        .filter(|block| {
            let range = block * 4096..(block + 1) * 4096;
            before[range.clone()] != after[range]
        })
        .collect();
    assert!(blocks.len() > 10, "the write has many blocks: {blocks:?}");
    // Any one of them missing, or all from one on.
    let mut damages: Vec<Vec<u8>> = Vec::new();
    for block in &blocks {
        let mut one = after.clone();
        one[block * 4096..][..4096].fill(0);
        damages.push(one);
        let mut rest = after.clone();
        rest[block * 4096..].fill(0);
        damages.push(rest);
    }
    for (number, damage) in damages.into_iter().enumerate() {
        let copy = copy_of(&scratch, &format!("copy {number}"));
        let segment = segments(&copy).remove(0);
        fs::write(segment, damage).unwrap();
        for options in [read_only(), existing()] {
            let store = Store::open(&copy, &options).unwrap();
            let old = [(b"id".to_vec(), b"old".to_vec())];
            assert_eq!(dump(&store, Domain::Ship), old, "{number}");
            assert_eq!(dump(&store, Domain::Checkpoint), [], "{number}");
        }
        // And life goes on.
        let store = Store::open(&copy, &existing()).unwrap();
        store.write(&torn).unwrap();
        drop(store);
        let store = Store::open(&copy, &existing()).unwrap();
        assert_eq!(dump(&store, Domain::Checkpoint).len(), 1, "{number}");
    }
}

/// Rows that RocksDB has not written to its files yet come from the log; a reader that may change
/// nothing sees them too.
#[test]
fn the_tail_of_the_log_is_part_of_the_store() {
    let scratch = Scratch::new();
    let store = scratch.open();
    store.write(&put(Domain::Ship, b"flushed", b"1")).unwrap();
    store.engine().flush().unwrap();
    let mut tail = put(Domain::Ship, b"tail", b"2");
    tail.delete(Domain::Ship, b"flushed");
    tail.put(Domain::Name, b"name", b"tail");
    store.write(&tail).unwrap();
    store.write(&put(Domain::Ship, b"end", b"3")).unwrap();
    let copy = copy_of(&scratch, "copy");
    let ships = [
        (b"end".to_vec(), b"3".to_vec()),
        (b"tail".to_vec(), b"2".to_vec()),
    ];
    let before = folder::fingerprint(&copy).unwrap();
    let reader = Store::open(&copy, &read_only()).unwrap();
    assert_eq!(folder::fingerprint(&copy).unwrap(), before);
    assert_eq!(reader.at_open().applied_frame, 3);
    assert_eq!(dump(&reader, Domain::Ship), ships);
    assert_eq!(dump(&reader.view(), Domain::Ship), ships);
    assert_eq!(reader.get(Domain::Ship, b"flushed").unwrap(), None);
    let both = reader.view().multi_get(Domain::Ship, &["end", "flushed"]);
    assert_eq!(both.unwrap(), [Some(b"3".to_vec()), None]);
    let writer = Store::open(&copy, &existing()).unwrap();
    assert_eq!(writer.at_open().applied_frame, 3);
    assert_eq!(dump(&writer, Domain::Ship), ships);
    assert_eq!(dump(&writer, Domain::Name).len(), 1);
}

#[test]
fn a_log_that_is_lost_is_refused() {
    let scratch = Scratch::new();
    let store = scratch.open();
    for number in 0..3_u8 {
        store.write(&put(Domain::Ship, &[number], b"row")).unwrap();
    }
    store.engine().flush().unwrap();
    drop(store);
    let folder = scratch.path().join(LOG_FOLDER);
    let kept = scratch.path().with_file_name("kept");
    fs::rename(&folder, &kept).unwrap();
    let error = refusal(&scratch.path(), &quick());
    assert!(matches!(error, OpenError::Log { .. }), "{error:?}");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("a part of the log is missing"), "{source}");
    // What the refused opening has made is no obstacle to putting it back.
    fs::remove_dir_all(&folder).unwrap();
    fs::rename(&kept, &folder).unwrap();
    assert_eq!(dump(&scratch.open(), Domain::Ship).len(), 3);
}

#[test]
fn rot_in_the_log_is_refused_with_the_place() {
    let scratch = Scratch::new();
    let store = scratch.open();
    for number in 0..3_u8 {
        store.write(&put(Domain::Ship, &[number], b"row")).unwrap();
    }
    drop(store);
    let segment = segments(&scratch.path()).remove(0);
    let mut bytes = fs::read(&segment).unwrap();
    bytes[4096 * 2 + 60] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let error = refusal(&scratch.path(), &quick());
    let OpenError::Log { source, .. } = error else {
        panic!("{error:?}");
    };
    let words = source.to_string();
    assert!(words.contains("is damaged at byte 8192"), "{words}");
    assert!(words.contains("restore the data folder"), "{words}");
}

#[test]
fn a_copy_opens_with_the_rows_of_its_moment() {
    let scratch = Scratch::new();
    let store = scratch.open();
    store.write(&put(Domain::Ship, b"before", b"1")).unwrap();
    let target = scratch.path().with_file_name("copy");
    store.copy_to(&target).unwrap();
    store.write(&put(Domain::Ship, b"after", b"1")).unwrap();
    assert!(matches!(
        store.copy_to(&target),
        Err(BackupError::TargetExists { .. })
    ));
    let copy = Store::open(&target, &existing()).unwrap();
    let rows = dump(&copy, Domain::Ship);
    assert_eq!(rows, [(b"before".to_vec(), b"1".to_vec())]);

    let nowhere = scratch.path().join("missing").join("copy");
    assert!(matches!(
        store.copy_to(&nowhere),
        Err(BackupError::Failed { .. })
    ));
}

/// While beats are committed: each copy opens at a whole beat.
#[test]
fn a_running_store_can_be_copied() {
    use crate::{CommitOptions, Committer};
    use orrery_base::Tick;

    let scratch = Scratch::new();
    let store = scratch.open();
    let (committer, mut ports, _) = Committer::start(&store, 1, CommitOptions::default()).unwrap();
    // As many beats as are asked for, so that a failing test ends too.
    let (more, beats) = std::sync::mpsc::channel::<u64>();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in beats.into_iter().flat_map(|count| 0..count) {
                let beat = ports[0].next_beat();
                let mut batch = put(Domain::Ship, &beat.0.to_be_bytes(), &[7; 3000]);
                batch.put(Domain::Name, b"newest", beat.0.to_be_bytes());
                while ports[0].submit(beat, batch.clone().into()).is_err() {
                    std::thread::yield_now();
                }
            }
        });
        let durable = committer.durable();
        for number in 0..5 {
            let before = number * 40;
            more.send(40).unwrap();
            let waited = durable.wait(Tick(before + 20), Duration::from_secs(60));
            assert_eq!(waited, Ok(true));
            let target = scratch.path().with_file_name(format!("copy {number}"));
            store.copy_to(&target).unwrap();
            let copy = Store::open(&target, &existing()).unwrap();
            let last = copy.at_open().last_beat.unwrap().0;
            assert!(last >= before + 20);
            let ships = copy.count(Domain::Ship, KeyRange::all()).unwrap();
            assert_eq!(ships, last);
            let newest = copy.get(Domain::Name, b"newest").unwrap();
            assert_eq!(newest, Some(last.to_be_bytes().to_vec()));
        }
        drop(more);
    });
}

#[test]
fn errors_keep_the_reason_of_the_system() {
    let error = refusal(Path::new("/proc/orrery-store"), &quick());
    let source = std::error::Error::source(&error).expect("the system said why");
    let source: &io::Error = source.downcast_ref().unwrap();
    assert_eq!(source.kind(), ErrorKind::NotFound);
}
