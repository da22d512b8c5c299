//! The data folder: what is where, and clear words when it cannot be used.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use orrery_game::content::Content;

/// The store's folder.
#[must_use]
pub fn store_path(data: &Path) -> PathBuf {
    data.join("store")
}

/// The compiled content pack.
#[must_use]
pub fn pack_path(data: &Path) -> PathBuf {
    data.join("content.pack")
}

/// The operator's key, for the admin interface and for bots.
#[must_use]
pub fn operator_key_path(data: &Path) -> PathBuf {
    data.join("operator.key")
}

/// Makes the folder if it is missing and proves that it can be written to.
///
/// # Errors
/// If it cannot be made, is no folder, or a file cannot be written in it.
pub fn prepare(data: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(data)
        .with_context(|| format!("create data folder {}", data.display()))?;
    ensure!(
        data.is_dir(),
        "data folder {} is not a folder",
        data.display()
    );
    let probe = data.join(".write-probe");
    std::fs::write(&probe, b"orrery")
        .and_then(|()| std::fs::remove_file(&probe))
        .with_context(|| format!("write to data folder {}", data.display()))
}

/// Opens the data folder's content pack.
///
/// # Errors
/// If there is none, or it is damaged or of another version; the error says how to make one.
pub fn open_content(data: &Path) -> anyhow::Result<Content> {
    let path = pack_path(data);
    Content::open(&path).with_context(|| {
        format!(
            "open content pack {} (make one with `orrery content compile`)",
            path.display()
        )
    })
}
