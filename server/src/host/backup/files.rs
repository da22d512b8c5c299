//! The files of a backup: their checksums, their comparison, their copies.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

use super::manifest::{Entry, Manifest, NAME};
use super::{Step, Watch};

/// Bytes that are read or written at a time, and between two looks of the watcher.
const PIECE: usize = 1 << 20;
/// Bytes after which a copy waits for the disk, so that a commit beside it never waits long.
const SYNC_EVERY: u64 = 8 << 20;
/// What RocksDB writes for itself beside the data; no part of a backup.
const CHATTER: [&str; 2] = ["LOG", "LOCK"];

/// All files below a folder, by their paths with `/`, in order.
fn list(root: &Path) -> anyhow::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let place = root.join(&folder);
        let entries = std::fs::read_dir(&place).with_context(|| place.display().to_string())?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_str().context("a name that is no text")?;
            let path = if folder.is_empty() {
                name.to_owned()
            } else {
                format!("{folder}/{name}")
            };
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if !is_chatter(name) && path != NAME {
                found.insert(path);
            }
        }
    }
    Ok(found)
}

fn is_chatter(name: &str) -> bool {
    CHATTER.contains(&name) || name.starts_with("LOG.old.")
}

/// Counts what was read or written, and tells it.
struct Meter<'a, 'b> {
    step: Step,
    done: u64,
    total: u64,
    watch: &'a mut Watch<'b>,
}

impl Meter<'_, '_> {
    fn add(&mut self, bytes: usize) -> anyhow::Result<()> {
        self.done += bytes as u64;
        Ok((self.watch)(self.step, self.done, self.total)?)
    }
}

/// Reads a file to its end, piece by piece; its size and CRC-32C.
fn read(
    path: &Path,
    meter: &mut Meter<'_, '_>,
    mut take: impl FnMut(&[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<(u64, u32)> {
    let mut file = File::open(path).with_context(|| format!("open {}", path.display()))?;
    let mut piece = vec![0; PIECE];
    let (mut bytes, mut crc) = (0, 0);
    loop {
        let count = file
            .read(&mut piece)
            .with_context(|| format!("read {}", path.display()))?;
        if count == 0 {
            return Ok((bytes, crc));
        }
        crc = crc32c::crc32c_append(crc, &piece[..count]);
        bytes += count as u64;
        take(&piece[..count])?;
        meter.add(count)?;
    }
}

/// The files of a backup in the making.
pub(super) fn sums(root: &Path, watch: &mut Watch<'_>) -> anyhow::Result<Vec<Entry>> {
    let paths = list(root)?;
    let mut total = 0;
    for path in &paths {
        total += std::fs::metadata(root.join(path))?.len();
    }
    let mut meter = Meter {
        step: Step::Checksums,
        done: 0,
        total,
        watch,
    };
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        let (bytes, crc32c) = read(&root.join(&path), &mut meter, |_| Ok(()))?;
        files.push(Entry {
            path,
            bytes,
            crc32c,
        });
    }
    Ok(files)
}

/// Whether the files are those of the manifest, to the byte.
pub(super) fn compare(
    root: &Path,
    manifest: &Manifest,
    watch: &mut Watch<'_>,
) -> anyhow::Result<()> {
    refuse_others(root, manifest)?;
    let mut meter = Meter {
        step: Step::Checksums,
        done: 0,
        total: manifest.bytes(),
        watch,
    };
    for entry in &manifest.files {
        let path = root.join(&entry.path);
        let found = read(&path, &mut meter, |_| Ok(()))?;
        refuse_damage(&path, entry, found)?;
    }
    Ok(())
}

/// A file that does not belong to it could be taken for a part of the store.
fn refuse_others(root: &Path, manifest: &Manifest) -> anyhow::Result<()> {
    let known: BTreeSet<&str> = manifest
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    let others: Vec<String> = list(root)?
        .into_iter()
        .filter(|path| !known.contains(path.as_str()))
        .collect();
    ensure!(
        others.is_empty(),
        "{} has files that do not belong to the backup: {}",
        root.display(),
        others.join(", ")
    );
    Ok(())
}

fn refuse_damage(path: &Path, entry: &Entry, found: (u64, u32)) -> anyhow::Result<()> {
    ensure!(
        found == (entry.bytes, entry.crc32c),
        "{} is damaged: it has {} bytes with CRC-32C {:08x} instead of {} bytes with {:08x}",
        path.display(),
        found.0,
        found.1,
        entry.bytes,
        entry.crc32c
    );
    Ok(())
}

/// Copies all files into the new folder `to`, comparing each on the way; durable when this
/// returns.
pub(super) fn copy(
    from: &Path,
    to: &Path,
    manifest: &Manifest,
    watch: &mut Watch<'_>,
) -> anyhow::Result<()> {
    refuse_others(from, manifest)?;
    let mut meter = Meter {
        step: Step::Files,
        done: 0,
        total: manifest.bytes(),
        watch,
    };
    for entry in &manifest.files {
        let (source, target) = (from.join(&entry.path), to.join(&entry.path));
        let folder = target.parent().context("a file is in a folder")?;
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let file = File::create_new(&target);
        let mut file = file.with_context(|| format!("create {}", target.display()))?;
        let mut unsynced = 0;
        let found = read(&source, &mut meter, |piece| {
            file.write_all(piece)
                .with_context(|| format!("write {}", target.display()))?;
            unsynced += piece.len() as u64;
            if unsynced >= SYNC_EVERY {
                file.sync_data()?;
                unsynced = 0;
            }
            Ok(())
        })?;
        refuse_damage(&source, entry, found)?;
        file.sync_all()
            .with_context(|| format!("write {}", target.display()))?;
    }
    sync_folders(to)
}

/// Makes the names of everything below a folder durable, and the folder's own.
pub(super) fn sync_folders(root: &Path) -> anyhow::Result<()> {
    let mut folders: Vec<PathBuf> = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        File::open(&folder)?.sync_all()?;
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    if let Some(parent) = root.parent().filter(|parent| parent.is_dir()) {
        File::open(parent)?.sync_all()?;
    }
    Ok(())
}
