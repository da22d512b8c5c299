//! An XFS in a file, mounted over a loop device, that can lose its power.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};

/// Tries to unmount: a process that has just died may still hold a file.
const TRIES: u32 = 50;

/// See the module. It is unmounted when dropped, and with the namespace in any case.
pub(crate) struct Volume {
    image: PathBuf,
    mount: PathBuf,
}

fn run(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let output = Command::new(program).args(arguments).output();
    let output = output.with_context(|| format!("start {program}"))?;
    ensure!(
        output.status.success(),
        "{program} {} failed ({}): {}",
        arguments.join(" "),
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a folder's name is no text")
}

impl Volume {
    /// A fresh one of so many MiB, its file in `folder`, mounted.
    ///
    /// # Errors
    /// If the system has no XFS, no loop device, or we may not.
    pub(crate) fn create(folder: &Path, mib: u32) -> anyhow::Result<Self> {
        let volume = Self {
            image: folder.join("image"),
            mount: folder.join("mounted"),
        };
        std::fs::create_dir_all(&volume.mount).context("make a folder to mount on")?;
        if volume.image.exists() {
            // The one before may still have its loop device.
            std::fs::remove_file(&volume.image).context("remove the file before")?;
        }
        let image = File::create(&volume.image).context("make the file")?;
        image
            .set_len(u64::from(mib) << 20)
            .context("size the file")?;
        run("mkfs.xfs", &["-q", "-f", text(&volume.image)?])?;
        volume.mount()?;
        Ok(volume)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.mount
    }

    fn mount(&self) -> anyhow::Result<()> {
        let (image, mount) = (text(&self.image)?, text(&self.mount)?);
        run("mount", &["-t", "xfs", "-o", "loop", image, mount])
    }

    /// The power fails: what is not on the disk is lost, and every access fails.
    pub(crate) fn lose_power(&self) -> anyhow::Result<()> {
        run("xfs_io", &["-x", "-c", "shutdown", text(&self.mount)?])
    }

    /// The power is back: mounted again, its log replayed.
    pub(crate) fn power_on(&self) -> anyhow::Result<()> {
        self.unmount()?;
        self.mount()
    }

    fn unmount(&self) -> anyhow::Result<()> {
        let mut tries = 0;
        loop {
            match run("umount", &[text(&self.mount)?]) {
                Err(_) if tries < TRIES => tries += 1,
                done => return done,
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        if let Err(error) = self.unmount() {
            eprintln!("powerloss: {error:#}");
        }
    }
}
