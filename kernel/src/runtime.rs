//! Shards on cores: the only place that pins threads, runs glommio and reads a clock.
//!
//! [`start`] gives every shard a thread of its own with one executor, pinned to one of the CPUs
//! that this process may use, and its end of the mesh of rings. What a shard does is the
//! caller's future; it never leaves its thread, so nothing in it need be `Send`.
//!
//! There is deliberately nothing here to wait with: glommio's timers and its "yield now" were
//! seen to lose their wake-ups under load (docs/architecture.md, "The shard loop"), so a shard
//! waits in the system, on its sockets.
//!
//! A shard that returns an error or panics takes the host down in an orderly way: the stop flag
//! is raised, the other shards see it at their next look, and [`Shards::join`] says who failed
//! first. Nothing here waits for shards that ignore the flag, except `join`.

#[cfg(test)]
mod tests;

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use glommio::{LocalExecutorBuilder, Placement, PoolPlacement};
use orrery_base::ShardIndex;

use crate::ring::{MeshEnd, mesh};
use crate::team::panic_message;

/// Memory that each executor registers with io_uring. Files are not read or written on shards,
/// and the default of 10 MiB each would exceed the usual limit on locked memory.
const IO_MEMORY_BYTES: usize = 64 * 1024;
/// After how long an executor interrupts its tasks to look at its sockets and timers: never, as
/// far as shards are concerned, which look themselves. This must be long: glommio 0.9 takes an
/// interval that ends before the first task has run for "nothing to do" and parks, with nothing
/// that would wake it. A thread that the system took off its core at that moment slept for ever.
const PREEMPT_INTERVAL: Duration = Duration::from_secs(24 * 3_600);
/// The largest CPU number believed: what Linux can be built for.
const MAX_CPU: usize = 8191;

/// How shards are run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RuntimeConfig {
    /// How many shards, at least 1. Those beyond the CPUs that this process may use are not
    /// pinned.
    pub shards: u16,
    /// How many messages each ring of the mesh holds; see [`mesh`] for the memory.
    pub mesh_capacity: usize,
    /// How long an executor with nothing to do polls before its thread sleeps: it answers sooner
    /// and takes the core from others. Zero on machines that are shared.
    pub spin_before_park: Duration,
}

/// What a shard starts with.
pub struct ShardSeat<M> {
    /// Which shard this is.
    pub shard: ShardIndex,
    /// How many there are.
    pub shards: u16,
    /// The rings to and from all shards.
    pub mesh: MeshEnd<M>,
    /// The clock that all shards of the host share.
    pub clock: Clock,
    stop: Arc<AtomicBool>,
}

impl<M> ShardSeat<M> {
    /// Whether the host is to stop. To be looked at every beat.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Asks all shards to stop.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }
}

impl<M> fmt::Debug for ShardSeat<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shard {} of {}", self.shard, self.shards)
    }
}

/// Why the shards did not all end well.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// There is to be no shard at all.
    #[error("a host needs at least one shard")]
    NoShards,
    /// The CPUs that this process may use are unknown.
    #[error("read the CPU affinity of this process")]
    Affinity(#[source] std::io::Error),
    /// A thread could not be started.
    #[error("start the thread of shard {shard}")]
    Thread {
        /// Which shard.
        shard: ShardIndex,
        /// Why.
        source: std::io::Error,
    },
    /// An executor could not be made: most often io_uring is forbidden or out of locked memory.
    #[error("make the executor of shard {shard}: {reason}")]
    Executor {
        /// Which shard.
        shard: ShardIndex,
        /// Why, in glommio's words; its error cannot leave its thread.
        reason: String,
    },
    /// A shard returned an error.
    #[error("run shard {shard}")]
    Failed {
        /// Which shard.
        shard: ShardIndex,
        /// The error.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A shard panicked.
    #[error("shard {shard} panicked: {message}")]
    Panicked {
        /// Which shard.
        shard: ShardIndex,
        /// What the panic said.
        message: String,
    },
}

/// Running shards.
pub struct Shards<T> {
    threads: Vec<thread::JoinHandle<Result<T, RuntimeError>>>,
    stop: Arc<AtomicBool>,
}

/// Starts the shards: `main` is called once on each shard's thread, and the future that it gives
/// is run there until it ends. `stop` may be raised by anyone, at any time, to ask them to end.
///
/// # Errors
/// If a thread cannot be started. Shards that had been started by then are told to stop and
/// waited for. What happens later is told by [`Shards::join`].
pub fn start<M, T, F, S>(
    config: RuntimeConfig,
    stop: Arc<AtomicBool>,
    main: F,
) -> Result<Shards<T>, RuntimeError>
where
    M: Send + 'static,
    T: Send + 'static,
    F: Fn(ShardSeat<M>) -> S + Send + Sync + 'static,
    S: Future<Output = Result<T, Box<dyn Error + Send + Sync>>> + 'static,
{
    if config.shards == 0 {
        return Err(RuntimeError::NoShards);
    }
    let cpus = allowed_cpus().map_err(RuntimeError::Affinity)?;
    let main = Arc::new(main);
    let clock = Clock::start();
    let mut shards = Shards {
        threads: Vec::with_capacity(usize::from(config.shards)),
        stop,
    };
    for mesh in mesh(config.shards, config.mesh_capacity) {
        let shard = mesh.shard();
        let seat = ShardSeat {
            shard,
            shards: config.shards,
            mesh,
            clock,
            stop: Arc::clone(&shards.stop),
        };
        let cpu = cpus.get(usize::from(shard.0)).copied();
        let main = Arc::clone(&main);
        let stop = Arc::clone(&shards.stop);
        let thread = thread::Builder::new().name(format!("orrery-shard-{shard}"));
        let thread = thread.spawn(move || {
            let result = run_shard(config, cpu, seat, &*main);
            if result.is_err() {
                // The others must not go on without it.
                stop.store(true, Ordering::Release);
            }
            result
        });
        match thread {
            Ok(thread) => shards.threads.push(thread),
            Err(source) => {
                shards.stop();
                // Their own results do not matter any more: this is the first failure.
                let _ = shards.join();
                return Err(RuntimeError::Thread { shard, source });
            }
        }
    }
    Ok(shards)
}

impl<T> Shards<T> {
    /// Asks all shards to stop.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// Whether all shards have ended: [`Shards::join`] will not wait.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.threads.iter().all(thread::JoinHandle::is_finished)
    }

    /// Waits for all shards to end; what they returned, in order of shard.
    ///
    /// # Errors
    /// The failure of the first shard, in order of shard, that did not end well.
    pub fn join(self) -> Result<Vec<T>, RuntimeError> {
        let threads = (0..).map(ShardIndex).zip(self.threads);
        let results: Vec<Result<T, RuntimeError>> = threads
            .map(|(shard, thread)| {
                let joined = thread.join();
                joined.unwrap_or_else(|panic| Err(panicked(shard, &*panic)))
            })
            .collect();
        results.into_iter().collect()
    }
}

impl<T> fmt::Debug for Shards<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} shards", self.threads.len())
    }
}

/// [`start`] and [`Shards::join`] in one.
///
/// # Errors
/// As those two.
pub fn run<M, T, F, S>(
    config: RuntimeConfig,
    stop: Arc<AtomicBool>,
    main: F,
) -> Result<Vec<T>, RuntimeError>
where
    M: Send + 'static,
    T: Send + 'static,
    F: Fn(ShardSeat<M>) -> S + Send + Sync + 'static,
    S: Future<Output = Result<T, Box<dyn Error + Send + Sync>>> + 'static,
{
    start(config, stop, main)?.join()
}

/// The life of one shard's thread.
fn run_shard<M, T, F, S>(
    config: RuntimeConfig,
    cpu: Option<usize>,
    seat: ShardSeat<M>,
    main: &F,
) -> Result<T, RuntimeError>
where
    F: Fn(ShardSeat<M>) -> S,
    S: Future<Output = Result<T, Box<dyn Error + Send + Sync>>>,
{
    let shard = seat.shard;
    let placement = cpu.map_or(Placement::Unbound, Placement::Fixed);
    let executor = LocalExecutorBuilder::new(placement)
        .spin_before_park(config.spin_before_park)
        .io_memory(IO_MEMORY_BYTES)
        .preempt_timer(PREEMPT_INTERVAL)
        // A pinned core belongs to its shard: calls that block go elsewhere.
        .blocking_thread_pool_placement(PoolPlacement::Unbound(1))
        .make()
        .map_err(|error| RuntimeError::Executor {
            shard,
            reason: error.to_string(),
        })?;
    // A panic of the main future is caught where it is polled, so that the executor ends as
    // after any future; one of a future that it spawned comes out of `run`.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        executor.run(CatchPanic(Box::pin(async { main(seat).await })))
    }));
    match outcome {
        Ok(Ok(result)) => result.map_err(|source| RuntimeError::Failed { shard, source }),
        Ok(Err(panic)) => Err(panicked(shard, &*panic)),
        Err(panic) => {
            // The executor was left in the middle of a task, and its destructor expects one at
            // rest: what it holds stays, as the host is about to end.
            let _ = ManuallyDrop::new(executor);
            Err(panicked(shard, &*panic))
        }
    }
}

fn panicked(shard: ShardIndex, panic: &(dyn Any + Send)) -> RuntimeError {
    let message = panic_message(panic);
    RuntimeError::Panicked { shard, message }
}

/// A future whose panic is a result.
struct CatchPanic<S>(Pin<Box<S>>);

impl<S: Future> Future for CatchPanic<S> {
    type Output = thread::Result<S::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let future = self.0.as_mut();
        match catch_unwind(AssertUnwindSafe(|| future.poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}

/// A monotonic clock in nanoseconds since the start of the host, the same on all shards: what
/// the metronome counts on.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that shows zero now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// Nanoseconds since the start; for 584 years.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    /// When the clock will show `ns`.
    #[must_use]
    pub fn instant(&self, ns: u64) -> Instant {
        self.start + Duration::from_nanos(ns)
    }
}

/// The CPUs that this thread, and so the threads that it starts, may run on, ascending.
///
/// # Errors
/// If the kernel does not say.
pub fn allowed_cpus() -> std::io::Result<Vec<usize>> {
    let status = std::fs::read_to_string("/proc/thread-self/status")?;
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    list.and_then(parse_cpu_list).ok_or_else(|| {
        let message = "no list of CPUs in /proc/thread-self/status";
        std::io::Error::new(std::io::ErrorKind::InvalidData, message)
    })
}

/// Parses the kernel's notation for a set of CPUs, such as `0-3,8,10-11`.
fn parse_cpu_list(list: &str) -> Option<Vec<usize>> {
    let mut cpus = Vec::new();
    for range in list.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        if first > last || last > MAX_CPU {
            return None;
        }
        cpus.extend(first..=last);
    }
    Some(cpus)
}
