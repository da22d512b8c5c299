//! The disks of a real host.

use std::io;
use std::path::Path;

use super::*;

fn exercise_disk<D: Disk>(disk: &D) -> io::Result<()> {
    let mut file = disk.create("a", 4 * BLOCK as u64)?;
    assert_eq!(disk.read_all("a")?, vec![0; 4 * BLOCK]);
    let mut blocks = Blocks::new();
    blocks.extend(b"hello");
    blocks.pad();
    file.write_durable(2 * BLOCK as u64, &blocks)?;
    let mut read = [0; 7];
    file.read_at(2 * BLOCK as u64 - 1, &mut read)?;
    assert_eq!(&read, b"\0hello\0");
    for offset in [1, 4 * BLOCK as u64, u64::MAX] {
        let error = file.write_durable(offset, &blocks).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
    disk.rename("a", "b")?;
    file.write_durable(0, &blocks)?;
    assert_eq!(disk.read_all("b")?[..5], *b"hello");
    assert_eq!(disk.open("b")?.bytes(), disk.size("b")?);
    disk.write_all("c", b"whole")?;
    let mut names = disk.list()?;
    names.sort();
    assert_eq!(names, ["b", "c"]);
    disk.remove("b")?;
    disk.remove("c")?;
    let gone = disk.read_all("b").map_err(|error| error.kind());
    assert_eq!(gone, Err(io::ErrorKind::NotFound));
    assert!(disk.open("b").is_err() && disk.size("b").is_err() && disk.remove("b").is_err());
    Ok(())
}

fn exercise_log<D: Disk>(disk: &D, folder: &Path) {
    exercise_disk(disk).unwrap();
    let (mut log, _) = open(disk);
    let mut frames = Vec::new();
    for round in 0..3 {
        log.prepare_spare().unwrap();
        frames.extend(fill(
            &mut log,
            &[10, 20_000, 0, 45_000, 70_000 * round, 9000],
        ));
    }
    while log.seal_oldest().unwrap().is_some() {}
    let segments = log.segments();
    drop(log);
    let (mut log, end) = open(disk);
    assert_eq!((end.next, end.torn), (19, None));
    assert_eq!(log.segments(), segments);
    frames.extend(fill(&mut log, &[33]));
    assert_eq!(read_back(disk, ReadFrom::Start), frames);
    let mut from_files = Vec::new();
    for segment in log.segments() {
        from_files.extend(read_segment(&folder.join(segment.name)).unwrap());
    }
    assert_eq!(from_files, frames);
}

#[test]
fn the_simulated_disk_does_what_a_disk_does() {
    exercise_disk(&SimulatedDisk::new(1)).unwrap();
}

#[test]
fn a_log_on_a_plain_disk() {
    let folder = tempfile::tempdir().unwrap();
    let disk = PlainDisk::open(folder.path()).unwrap();
    exercise_log(&disk, folder.path());
}

#[test]
fn a_log_on_the_best_disk_of_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let disk = HostDisk::open(&folder.path().join("new")).unwrap();
    exercise_log(&disk, &folder.path().join("new"));
}

#[test]
fn a_plain_disk_and_a_direct_one_write_the_same() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let best = HostDisk::open(one.path()).unwrap();
    let plain = PlainDisk::open(two.path()).unwrap();
    fill(&mut open(&best).0, &[10, 20_000]);
    fill(&mut open(&plain).0, &[10, 20_000]);
    let name = "0000000000000001.seg";
    assert_eq!(best.read_all(name).unwrap(), plain.read_all(name).unwrap());
}

#[test]
fn what_is_no_segment_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    assert!(matches!(read_segment(&path), Err(ReadLogError::Io { .. })));
    std::fs::write(&path, [7; 5000]).unwrap();
    assert!(matches!(
        read_segment(&path),
        Err(ReadLogError::Rot { offset: 0, .. })
    ));
}
