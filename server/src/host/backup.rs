//! Backups: a copy of the store at a whole beat with all that a restart needs, and its proof.
//!
//! ```text
//! DIR/store/         RocksDB's files and the beat log, as of one beat
//! DIR/content.pack   the content that the beats were done with
//! DIR/BACKUP.json    every file with its size and CRC-32C, the beat; written last
//! ```
//!
//! A backup is laid out like a data folder: `orrery audit` and `orrery replay` work on it.
//! Certificates and keys of the server are not in it: they are made anew, and whoever steals a
//! backup does not get them. Accounts' password hashes are in the store, so keep it safe.
//!
//! **Invariant:** a folder without `BACKUP.json` is no backup, and the file is written when all
//! else is on the disk. What is restored comes into its place by one rename, after its audit.
//!
//! Cost: of a store on the same disk only the last segments of the log are copied, the rest is
//! hard-linked, and everything is read once for its checksum.

mod files;
mod manifest;
mod proof;

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail, ensure};
use orrery_storage::{Store, StoreOptions};

pub use manifest::Manifest;
pub use proof::Proof;

use super::folder;
use crate::config::Config;

/// What a backup is busy with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Copying or linking RocksDB's files.
    #[default]
    Rows,
    /// Copying the beat log.
    Log,
    /// Reading files for their checksums.
    Checksums,
    /// Copying files to where they are restored.
    Files,
    /// Reading every row.
    Audit,
}

impl Step {
    /// For people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Rows => "copy rows",
            Self::Log => "copy log",
            Self::Checksums => "checksums",
            Self::Files => "copy files",
            Self::Audit => "audit",
        }
    }
}

/// Is told the step, and bytes that are done of all; an error of it ends the work.
pub type Watch<'a> = dyn FnMut(Step, u64, u64) -> io::Result<()> + 'a;

/// Copies a store, which may be running, and the content pack of its data folder into the new
/// folder `target`.
///
/// # Errors
/// If `target` exists, its parent does not, or something cannot be read or written. What was
/// made is removed again.
pub fn create(
    store: &Store,
    data: &Path,
    target: &Path,
    watch: &mut Watch<'_>,
) -> anyhow::Result<Manifest> {
    ensure!(
        !target.exists(),
        "{} exists already: a backup is never written over something",
        target.display()
    );
    std::fs::create_dir(target).with_context(|| format!("create {}", target.display()))?;
    let made = fill(store, data, target, watch);
    if made.is_err() {
        // It is no backup; whatever stays is named by the error's own words.
        let _ = std::fs::remove_dir_all(target);
    }
    made.with_context(|| format!("back up to {}", target.display()))
}

fn fill(
    store: &Store,
    data: &Path,
    target: &Path,
    watch: &mut Watch<'_>,
) -> anyhow::Result<Manifest> {
    watch(Step::Rows, 0, 0)?;
    let copy = folder::store_path(target);
    store.copy_with(&copy, &mut |progress| {
        watch(Step::Log, progress.done, progress.total)
    })?;
    let pack = folder::pack_path(data);
    let pack_copy = folder::pack_path(target);
    std::fs::copy(&pack, &pack_copy).with_context(|| format!("copy {}", pack.display()))?;
    File::open(&pack_copy)?.sync_all()?;
    let files = files::sums(target, watch)?;
    let at = open(&copy)?.at_open();
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let manifest = Manifest {
        format: manifest::FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        created_unix_s: since.unwrap_or_default().as_secs(),
        last_beat: at.last_beat.map(|beat| beat.0),
        last_frame: at.applied_frame,
        files,
    };
    manifest.write(target)?;
    files::sync_folders(target)?;
    Ok(manifest)
}

/// Opens the store of a backup, which changes nothing in it.
fn open(store: &Path) -> anyhow::Result<Store> {
    let options = StoreOptions {
        create: false,
        read_only: true,
        ..StoreOptions::default()
    };
    Ok(Store::open(store, &options)?)
}

/// Compares every file with its checksum, opens the store and audits it.
///
/// # Errors
/// If it is no backup, a file is missing or differs, or the store cannot be opened. What the
/// audit finds is in the proof.
pub fn verify(backup: &Path, watch: &mut Watch<'_>) -> anyhow::Result<(Manifest, Proof)> {
    let manifest = Manifest::read(backup)?;
    files::compare(backup, &manifest, watch)?;
    let store = open(&folder::store_path(backup))?;
    check_beat(&store, &manifest)?;
    watch(Step::Audit, 0, 0)?;
    let proof = Proof::of(&store)?;
    Ok((manifest, proof))
}

/// The store is at the beat that the backup says.
fn check_beat(store: &Store, manifest: &Manifest) -> anyhow::Result<()> {
    let at = store.at_open();
    let found = (at.last_beat.map(|beat| beat.0), at.applied_frame);
    ensure!(
        found == (manifest.last_beat, manifest.last_frame),
        "the store is at beat {:?}, frame {}, but the backup was made at beat {:?}, frame {}",
        found.0,
        found.1,
        manifest.last_beat,
        manifest.last_frame
    );
    Ok(())
}

/// Makes a data folder of a backup: copies it, comparing every checksum, brings the rows to the
/// last beat, audits, and only then gives the store its name.
///
/// # Errors
/// If `data` has anything in it, the backup is damaged, or the audit finds something. `data` then
/// holds at most the folder `restoring`, which can be removed.
pub fn restore(
    config: &Config,
    backup: &Path,
    data: &Path,
    watch: &mut Watch<'_>,
) -> anyhow::Result<(Manifest, Proof)> {
    let manifest = Manifest::read(backup)?;
    refuse_contents(data)?;
    std::fs::create_dir_all(data)
        .with_context(|| format!("create data folder {}", data.display()))?;
    let place = data.join("restoring");
    files::copy(backup, &place, &manifest, watch)?;
    let options = config.durability.store_options();
    let store = Store::open(folder::store_path(&place), &options)?;
    check_beat(&store, &manifest)?;
    watch(Step::Audit, 0, 0)?;
    let proof = Proof::of(&store)?;
    drop(store);
    ensure!(
        proof.is_sound(),
        "the audit of what was restored to {} finds:\n{proof}",
        place.display()
    );
    let moves = [
        (folder::pack_path(&place), folder::pack_path(data)),
        // Last: with it the data folder is whole.
        (folder::store_path(&place), folder::store_path(data)),
    ];
    for (from, to) in moves {
        std::fs::rename(&from, &to).with_context(|| format!("rename {}", from.display()))?;
    }
    std::fs::remove_dir(&place).with_context(|| format!("remove {}", place.display()))?;
    File::open(data)?.sync_all()?;
    Ok((manifest, proof))
}

/// A restored store never comes beside or over something else.
fn refuse_contents(data: &Path) -> anyhow::Result<()> {
    let entries = match std::fs::read_dir(data) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.with_context(|| format!("read {}", data.display()))?,
    };
    for entry in entries {
        let name = entry?.file_name();
        // Every fresh ext file system has one.
        if name != "lost+found" {
            bail!(
                "{} is not empty ({}): restore into a new or empty folder, and move it into \
                 place yourself",
                data.display(),
                name.to_string_lossy()
            );
        }
    }
    Ok(())
}
