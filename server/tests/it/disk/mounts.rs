//! File systems of a test's own: the test runs itself again in a mount namespace, which ends with
//! it, so that nothing is left mounted whatever happens.
//!
//! A full disk is a tmpfs, which needs no rights where user namespaces are allowed. A disk that
//! fails or stands still is an XFS in a file, which needs root and loop devices. Where the system
//! lets nobody mount, the test says so and is passed over; with `ORRERY_TEST_MOUNTS=1` it fails.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// In the environment of the child inside of the namespace.
const INSIDE: &str = "ORRERY_TEST_INSIDE";
/// Where mounts have to be possible.
const REQUIRED: &str = "ORRERY_TEST_MOUNTS";
/// Exit code of a child that could not mount.
const NOT_MOUNTED: i32 = 77;

/// Which file system, and of what size.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// In memory.
    Tmpfs { mib: u32 },
    /// In a file, over a loop device: at least 300 MiB, which are only used as far as they are
    /// written.
    Xfs { mib: u32 },
}

/// A mounted file system. It goes with the process.
pub(super) struct Mount {
    kind: Kind,
    folder: TempDir,
}

/// Runs a program; what it has to say if it fails.
fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program} {}: {words}", arguments.join(" ")))
}

/// Runs the test `name` in a mount namespace with such a file system. In there, returns it; outside,
/// returns none when the test in there has passed, or cannot be.
#[track_caller]
pub(super) fn enter(name: &str, kind: Kind) -> Option<Mount> {
    if std::env::var_os(INSIDE).is_some() {
        return match Mount::new(kind) {
            Ok(mount) => Some(mount),
            Err(words) => {
                eprintln!("{words}");
                std::process::exit(NOT_MOUNTED);
            }
        };
    }
    let mut command = Command::new("unshare");
    command.arg("--mount");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1");
    let ended = command.status();
    let code = ended.as_ref().ok().and_then(std::process::ExitStatus::code);
    match code {
        Some(0) => {}
        // The program `unshare` is missing or may not, or the child could not mount.
        None | Some(1 | NOT_MOUNTED) if std::env::var_os(REQUIRED).is_none() => {
            eprintln!("PASSED OVER: {name} needs a mount of its own, which this system refuses");
        }
        _ => panic!("{name} inside of its own namespace: {ended:?}"),
    }
    None
}

impl Mount {
    fn new(kind: Kind) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mount = Self { kind, folder };
        std::fs::create_dir(mount.path()).map_err(|error| error.to_string())?;
        match kind {
            Kind::Tmpfs { mib } => {
                let size = format!("size={mib}m");
                let place = mount.place();
                run("mount", &["-t", "tmpfs", "-o", &size, "tmpfs", &place])?;
            }
            Kind::Xfs { mib } => {
                let image = mount.image();
                let made = File::create(&image).and_then(|file| file.set_len(u64::from(mib) << 20));
                made.map_err(|error| format!("{image}: {error}"))?;
                run("mkfs.xfs", &["-q", &image])?;
                run("mount", &["-o", "loop", &image, &mount.place()])?;
            }
        }
        Ok(mount)
    }

    /// Where it is.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("mounted")
    }

    fn place(&self) -> String {
        self.path().to_str().unwrap().to_owned()
    }

    fn image(&self) -> String {
        let image = self.folder.path().join("image");
        image.to_str().unwrap().to_owned()
    }

    /// Everything that was written so far is on the disk.
    pub(super) fn sync(&self) {
        run("sync", &["-f", &self.place()]).unwrap();
    }

    /// Takes all room that is left. Removing the file gives it back.
    pub(super) fn fill(&self) -> PathBuf {
        let path = self.path().join("ballast");
        let mut file = File::create(&path).unwrap();
        for size in [1 << 20, 4096, 1] {
            let piece = vec![1; size];
            let mut written = 0_u64;
            while file.write_all(&piece).is_ok() {
                written += size as u64;
                assert!(written < 1 << 32, "it does not get full");
            }
        }
        path
    }

    /// From now on every access fails with EIO, and what was not on the disk is lost.
    pub(super) fn shut_down(&self) {
        run("xfs_io", &["-x", "-c", "shutdown", &self.place()]).unwrap();
    }

    /// Mounts it again, as after a restart of the machine.
    pub(super) fn come_back(&self) {
        assert!(matches!(self.kind, Kind::Xfs { .. }));
        run("umount", &[&self.place()]).unwrap();
        run("mount", &["-o", "loop", &self.image(), &self.place()]).unwrap();
    }

    /// Every write waits until what is returned is dropped.
    pub(super) fn freeze(&self) -> Frozen {
        run("fsfreeze", &["-f", &self.place()]).unwrap();
        Frozen(self.path())
    }
}

/// A file system that stands still.
pub(super) struct Frozen(PathBuf);

impl Drop for Frozen {
    fn drop(&mut self) {
        let place: &Path = &self.0;
        if let Err(words) = run("fsfreeze", &["-u", &place.to_string_lossy()]) {
            eprintln!("{words}");
        }
    }
}
