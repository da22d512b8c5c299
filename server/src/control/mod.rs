//! The control thread: everything of the server that is not a beat. HTTP for players, operators
//! and monitoring; accounts; log-ins of game clients; the balance of grids over shards.
//!
//! ```text
//!  browsers, clients ──HTTP──▶ http/ ──┐                       ┌─▶ Store (reads)
//!                                      ├─▶ desk: the services ─┼─▶ ControlPort (writes, receipts)
//!  shards ──ControlHandle (queues)─────┘                       └─▶ password threads
//! ```
//!
//! One thread with a single-threaded tokio runtime, off the simulation: it may wait for the disk.
//! Password hashes are computed on a small pool of threads of low priority (`pool`).
//!
//! **Invariants**
//! - Nothing that promises value or a place (an account, a character, a redeemed token) is
//!   answered before it is durable.
//! - Shards never wait for this thread: [`ControlHandle`] pushes to bounded queues and polls.
//! - The services' state and the rows on their way to the disk change together, under one lock
//!   that is never held while waiting (`desk`).
//!
//! Bounds: 4,096 requests of shards and 8,192 replies for each, 256 commits under way, 64 waiting
//! passwords, 1,024 HTTP connections: constants of the modules. What does not fit is refused at
//! once.

mod admission;
mod backups;
mod balancer;
mod desk;
mod handle;
mod history;
mod http;
mod operator;
mod pool;
mod setup;
mod world;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use orrery_services::accounts;
use orrery_services::passwords::ParameterError;
use orrery_services::rows::RowError;
use tokio::net::TcpListener;
use tokio::sync::watch;

pub use handle::{Admitted, ControlHandle, LoginReply, LoginRequest, Names, QueueFull};
pub use operator::KeyError;
pub use setup::Setup;

use desk::Desk;

/// Why the control thread was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody listens there already.
    #[error(
        "listen on {address}: the address is in use; stop the other program or set server.http"
    )]
    AddressInUse {
        /// The address.
        address: SocketAddr,
    },
    /// The system refuses the address.
    #[error("listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// The operator's key is not usable.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The accounts cannot be read.
    #[error("load the accounts")]
    Accounts(#[from] accounts::StartError),
    /// The tokens cannot be read.
    #[error("load the tokens")]
    Tokens(#[from] RowError),
    /// The store takes no writes.
    #[error("store the key that seals tokens")]
    Store(#[from] orrery_storage::ReceiptError),
    /// Argon2 does not take the configured cost.
    #[error("accounts.argon2_memory_kib, accounts.argon2_passes")]
    Password(#[from] ParameterError),
    /// The content pack cannot be read.
    #[error("read the content pack {}", path.display())]
    Content {
        /// The file.
        path: std::path::PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The system gives no threads or no randomness.
    #[error("start the control thread")]
    System(#[source] io::Error),
}

/// The running control thread.
#[derive(Debug)]
pub struct Control {
    handle: ControlHandle,
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    end: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// How long requests that are under way may take after the end was asked for.
const GRACE: Duration = Duration::from_secs(5);
/// The same after the store has failed: nothing can be promised any more, and the server is to be
/// gone within a second.
const GRACE_AFTER_FAILURE: Duration = Duration::from_millis(250);

/// Starts the control thread. When this returns, HTTP is being served.
///
/// # Errors
/// [`StartError`]; each says what to do about it.
pub fn start(setup: Setup) -> Result<Control, StartError> {
    let address = setup.config.server.http;
    let listener = listen(address)?;
    let address = listener.local_addr().map_err(StartError::System)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(StartError::System)?;
    let listener = {
        let _entered = runtime.enter();
        TcpListener::from_std(listener).map_err(StartError::System)?
    };
    let (handle, requests) = ControlHandle::new(setup.shards);
    let stop = Arc::clone(&setup.stop);
    let desk = Arc::new(Desk::open(setup, handle.clone())?);
    let (end, ended) = watch::channel(false);
    let thread = std::thread::Builder::new()
        .name("orrery-control".into())
        .spawn(move || {
            runtime.block_on(async {
                tokio::join!(
                    http::serve(Arc::clone(&desk), listener, ended.clone()),
                    admission::serve(Arc::clone(&desk), requests, ended.clone()),
                    balancer::serve(Arc::clone(&desk), ended.clone()),
                    desk::keep_house(Arc::clone(&desk), ended),
                )
            });
            desk.backups.end();
            runtime.shutdown_timeout(Duration::from_millis(100));
        })
        .map_err(StartError::System)?;
    tracing::info!(%address, "HTTP is served");
    Ok(Control {
        handle,
        address,
        stop,
        end,
        thread: Some(thread),
    })
}

fn listen(address: SocketAddr) -> Result<std::net::TcpListener, StartError> {
    let listener = std::net::TcpListener::bind(address).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::AddressInUse { address },
        _ => StartError::Listen { address, source },
    })?;
    listener.set_nonblocking(true).map_err(StartError::System)?;
    Ok(listener)
}

impl Control {
    /// A shard's line to the control thread.
    #[must_use]
    pub fn handle(&self) -> ControlHandle {
        self.handle.clone()
    }

    /// Where HTTP is served.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Set by an operator's request to drain, and by whoever else wants the server to stop. Once
    /// it is set, `/readyz` says no and no client is admitted any more.
    #[must_use]
    pub fn stop_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// Serves what is under way, for at most five seconds, and ends. Whatever is on its way to
    /// the disk is the committer's to finish.
    pub fn finish(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // Without a receiver the thread has ended already.
        let _ = self.end.send(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the control thread panicked");
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests;
