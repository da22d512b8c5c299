//! Backups of the running server, one at a time, on a thread of low priority: what the operator
//! asked for, and how far it is.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use orrery_storage::Store;
use serde::Serialize;
use utoipa::ToSchema;

use crate::host::backup::{self, Step};

/// How much less the thread's priority is: beats come first wherever they share a core.
const NICENESS: i32 = 10;
/// How long the end of the server waits for a backup to notice it.
const END_PATIENCE: Duration = Duration::from_millis(300);

/// How a backup is getting on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum BackupState {
    /// None was asked for since the server started.
    #[default]
    None,
    /// It is being made.
    Running,
    /// It is complete.
    Done,
    /// There is none.
    Failed,
}

/// The newest backup that was asked for.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub(super) struct Backup {
    /// How it is getting on.
    state: BackupState,
    /// Its folder, on the server's machine.
    to: String,
    /// What is being done.
    step: Step,
    /// Bytes of this step that are done.
    done_bytes: u64,
    /// Bytes of this step; 0 if that is not known.
    total_bytes: u64,
    /// When it is complete: the last beat in it.
    beat: Option<u64>,
    /// When it is complete: its bytes.
    bytes: u64,
    /// When it has failed: why.
    error: Option<String>,
}

/// Another backup is being made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Busy;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Backups {
    newest: Mutex<Backup>,
    thread: Mutex<Option<JoinHandle<()>>>,
    ending: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is in there is whole after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Backups {
    /// The newest one.
    pub(super) fn newest(&self) -> Backup {
        lock(&self.newest).clone()
    }

    /// Begins to copy a store and the content of its data folder to a new folder.
    pub(super) fn begin(
        self: &Arc<Self>,
        store: Store,
        data: PathBuf,
        to: PathBuf,
    ) -> Result<(), Busy> {
        let mut newest = lock(&self.newest);
        if newest.state == BackupState::Running {
            return Err(Busy);
        }
        *newest = Backup {
            state: BackupState::Running,
            to: to.display().to_string(),
            ..Backup::default()
        };
        drop(newest);
        let backups = Arc::clone(self);
        let spawned = std::thread::Builder::new()
            .name("orrery-backup".into())
            .spawn(move || backups.make(&store, &data, &to));
        match spawned {
            Ok(thread) => *lock(&self.thread) = Some(thread),
            Err(error) => self.fail(format!("start a thread: {error}")),
        }
        Ok(())
    }

    fn make(&self, store: &Store, data: &Path, to: &Path) {
        if let Err(error) = rustix::process::nice(NICENESS) {
            tracing::warn!(%error, "the backup keeps the normal priority");
        }
        let since = Instant::now();
        let made = backup::create(store, data, to, &mut |step, done, total| {
            let mut newest = lock(&self.newest);
            (newest.step, newest.done_bytes, newest.total_bytes) = (step, done, total);
            if self.ending.load(Ordering::Acquire) {
                return Err(io::Error::other("the server is ending"));
            }
            Ok(())
        });
        match made {
            Ok(manifest) => {
                let (beat, bytes) = (manifest.last_beat, manifest.bytes());
                tracing::info!(
                    to = %to.display(),
                    beat,
                    bytes,
                    took_ms = since.elapsed().as_millis() as u64,
                    "backup made"
                );
                let mut newest = lock(&self.newest);
                (newest.beat, newest.bytes) = (beat, bytes);
                newest.state = BackupState::Done;
            }
            Err(error) => self.fail(format!("{error:#}")),
        }
    }

    fn fail(&self, error: String) {
        tracing::error!(error, "no backup was made");
        let mut newest = lock(&self.newest);
        newest.error = Some(error);
        newest.state = BackupState::Failed;
    }

    /// Ends what is under way; waits a moment for it, because it uses the store.
    pub(super) fn end(&self) {
        self.ending.store(true, Ordering::Release);
        let Some(thread) = lock(&self.thread).take() else {
            return;
        };
        let until = Instant::now() + END_PATIENCE;
        while !thread.is_finished() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
