//! The threads that compute password hashes: few, of low priority, with a short queue.
//!
//! A hash takes tens of milliseconds of processor time and of megabytes on purpose. The pool
//! bounds both: a flood of log-ins costs these threads and nothing else, and beats, which have
//! the normal priority, come first wherever they share a core.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use crossbeam::channel::{Receiver, Sender, TrySendError, bounded};
use orrery_services::passwords::{self, Hash, HashError, Hasher, PasswordError, SALT_BYTES};
use tokio::sync::oneshot;

use crate::metrics::Registry;

/// Most jobs that wait for a thread: two seconds of work for one.
pub(super) const JOBS_MAX: usize = 64;
/// How much less the threads' priority is.
const NICENESS: i32 = 10;

/// Why a job was not done.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum PoolError {
    #[error("too many passwords are waiting")]
    Busy,
    #[error(transparent)]
    Weak(#[from] PasswordError),
    #[error(transparent)]
    Failed(#[from] HashError),
    #[error("the password threads have ended")]
    Ended,
}

type Job = Box<dyn FnOnce(&Hasher) + Send>;

/// The pool. Dropping it ends the threads after their job at hand.
#[derive(Debug)]
pub(super) struct PasswordPool {
    jobs: Sender<Job>,
    metrics: Arc<Registry>,
}

impl PasswordPool {
    pub(super) fn start(hasher: Hasher, threads: u16, metrics: Arc<Registry>) -> io::Result<Self> {
        let (jobs, waiting) = bounded::<Job>(JOBS_MAX);
        let hasher = Arc::new(hasher);
        for thread in 0..threads.max(1) {
            let (hasher, waiting) = (Arc::clone(&hasher), waiting.clone());
            let metrics = Arc::clone(&metrics);
            std::thread::Builder::new()
                .name(format!("orrery-password-{thread}"))
                .spawn(move || work(&hasher, &waiting, &metrics))?;
        }
        Ok(Self { jobs, metrics })
    }

    /// Checks a new password's quality and computes its hash.
    pub(super) async fn hash_new(&self, name: String, password: String) -> Result<Hash, PoolError> {
        self.run(move |hasher| {
            passwords::check(&password, &[&name])?;
            Ok(hasher.hash(&password, &salt()?)?)
        })
        .await?
    }

    /// Verifies a password; without a hash the work is the same and the answer no. With the
    /// answer comes a new hash, if the old one was made at another cost.
    pub(super) async fn verify(
        &self,
        password: String,
        hash: Option<Hash>,
    ) -> Result<(bool, Option<Hash>), PoolError> {
        self.run(move |hasher| {
            let Some(hash) = hash else {
                // The work is the point, and must not be optimised away.
                std::hint::black_box(hasher.verify(&password, hasher.decoy()));
                return Ok((false, None));
            };
            if !hasher.verify(&password, &hash) {
                return Ok((false, None));
            }
            let renewed = if hasher.is_outdated(&hash) {
                Some(hasher.hash(&password, &salt()?)?)
            } else {
                None
            };
            Ok((true, renewed))
        })
        .await?
    }

    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Hasher) -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        let (done, outcome) = oneshot::channel();
        let metrics = Arc::clone(&self.metrics);
        let job: Job = Box::new(move |hasher| {
            let started = Instant::now();
            let result = job(hasher);
            metrics.control().password_hash.record(started.elapsed());
            // Whoever asked may have gone away meanwhile.
            let _ = done.send(result);
        });
        let control = self.metrics.control();
        control.password_queue.raise();
        if let Err(error) = self.jobs.try_send(job) {
            control.password_queue.lower();
            return Err(match error {
                TrySendError::Full(_) => {
                    control.password_queue_full.increment();
                    PoolError::Busy
                }
                TrySendError::Disconnected(_) => PoolError::Ended,
            });
        }
        outcome.await.map_err(|_| PoolError::Ended)
    }
}

fn salt() -> Result<[u8; SALT_BYTES], PoolError> {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(|_| PoolError::Ended)?;
    Ok(salt)
}

fn work(hasher: &Hasher, waiting: &Receiver<Job>, metrics: &Registry) {
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::warn!(%error, "password threads keep the normal priority");
    }
    for job in waiting {
        metrics.control().password_queue.lower();
        // A password that makes a library panic must cost its own log-in and not the thread.
        if catch_unwind(AssertUnwindSafe(|| job(hasher))).is_err() {
            tracing::error!("a password could not be worked on");
        }
    }
}
