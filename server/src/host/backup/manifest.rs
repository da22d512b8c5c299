//! `BACKUP.json`: what belongs to a backup, and how it was.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

/// Name of the file.
pub(super) const NAME: &str = "BACKUP.json";
/// Version of its form that this build writes and reads.
pub(super) const FORMAT: u32 = 1;
/// Longest that is read, bytes: some hundred thousand files.
const BYTES_MAX: u64 = 64 << 20;

/// What a backup holds.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
pub struct Manifest {
    /// Version of this form.
    pub format: u32,
    /// The version of the server that made it.
    pub version: String,
    /// When it was made: seconds since 1970.
    pub created_unix_s: u64,
    /// The last beat in the store; none of a galaxy that has not begun.
    pub last_beat: Option<u64>,
    /// The last frame of the beat log.
    pub last_frame: u64,
    /// Every file but this one.
    pub files: Vec<Entry>,
}

/// A file of a backup.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
pub struct Entry {
    /// Below the backup's folder, with `/` between folders.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// CRC-32C of its bytes.
    pub crc32c: u32,
}

impl Manifest {
    /// Bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Writes it, whole or not at all, durable when this returns.
    pub(super) fn write(&self, backup: &Path) -> anyhow::Result<()> {
        let path = backup.join(NAME);
        let fresh = path.with_extension("new");
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        let mut file = File::create(&fresh).with_context(|| fresh.display().to_string())?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&fresh, &path).with_context(|| path.display().to_string())
    }

    /// Reads it.
    pub(super) fn read(backup: &Path) -> anyhow::Result<Self> {
        let path = backup.join(NAME);
        let found = std::fs::metadata(&path).with_context(|| {
            format!(
                "{} is no backup, or one that was not completed: it has no {NAME}",
                backup.display()
            )
        })?;
        ensure!(found.len() <= BYTES_MAX, "{} is too long", path.display());
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let manifest: Self = serde_json::from_str(&text)
            .with_context(|| format!("understand {}", path.display()))?;
        ensure!(
            manifest.format == FORMAT,
            "{} has format {}, and this build reads {FORMAT}",
            path.display(),
            manifest.format
        );
        for file in &manifest.files {
            let is_inside = !file.path.is_empty()
                && file
                    .path
                    .split('/')
                    .all(|part| !matches!(part, "" | "." | ".."));
            ensure!(
                is_inside,
                "{}: the file {:?} would not be inside of the backup",
                path.display(),
                file.path
            );
        }
        Ok(manifest)
    }
}
