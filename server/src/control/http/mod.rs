//! HTTP: connections, routes, and what holds for every request.
//!
//! HTTP/1.1 only: browsers on a local network and proxies speak it, and every connection costs
//! the same. Each request passes `guard`: who asks, rate limits, time limit, security headers,
//! measurement.
//!
//! Bounds: so many connections, in all and of one network, so long for a request's head (which
//! also ends idle connections) and for the whole, so many bytes of its body: the constants below.

mod account;
mod admin;
mod auth;
mod backups;
mod grids;
mod guard;
mod limits;
mod monitor;
mod openapi;
mod pages;
mod problem;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use orrery_services::throttle::Network;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use super::desk::Desk;
use super::{GRACE, GRACE_AFTER_FAILURE};

pub(super) use limits::RateLimits;

/// Most connections.
const CONNECTIONS_MAX: usize = 1_024;
/// Most connections of one network; a browser opens six. Connections through a proxy on this
/// machine are not told apart here.
pub(super) const NETWORK_CONNECTIONS_MAX: usize = 64;
/// Longest time until a request's head is there.
const HEAD_TIME_MAX: Duration = Duration::from_secs(15);
/// Longest time for a request, its delays after failed log-ins included.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(30);
/// Largest body.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// Most header lines.
const HEADERS_MAX: usize = 64;
/// Largest head, and what a connection buffers.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Between whom a request's connection is.
#[derive(Clone, Copy, Debug)]
struct Peers {
    remote: SocketAddr,
    local: SocketAddr,
}

fn router(desk: &Arc<Desk>) -> Router {
    openapi::routes()
        .merge(pages::routes())
        .fallback(pages::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(desk), guard::guard))
        // Outside of the guard, which reads the bodies.
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(Arc::clone(desk))
}

/// Serves HTTP until `ended` is true.
pub(super) async fn serve(
    desk: Arc<Desk>,
    listener: TcpListener,
    mut ended: watch::Receiver<bool>,
) {
    let router = router(&desk);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let networks = Arc::new(Networks::default());
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            _ = ended.wait_for(|ended| *ended) => break,
        };
        let (stream, remote) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Mostly "too many open files": accepting at once again would only spin.
                tracing::warn!(%error, "accept an HTTP connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue;
        };
        let Some(visit) = networks.enter(Network::of(remote.ip())) else {
            continue;
        };
        let connection = connection(
            Arc::clone(&desk),
            router.clone(),
            stream,
            remote,
            ended.clone(),
        );
        connections.spawn(async move {
            let _held: (OwnedSemaphorePermit, Visit) = (place, visit);
            connection.await;
        });
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    let has_failed = desk.port.durable().failed().is_some();
    let grace = if has_failed {
        GRACE_AFTER_FAILURE
    } else {
        GRACE
    };
    if tokio::time::timeout(grace, all).await.is_err() {
        tracing::warn!("HTTP connections were cut off");
    }
}

async fn connection(
    desk: Arc<Desk>,
    router: Router,
    stream: TcpStream,
    remote: SocketAddr,
    mut ended: watch::Receiver<bool>,
) {
    let Ok(local) = stream.local_addr() else {
        return;
    };
    // Answers are small and people wait for them.
    let _ = stream.set_nodelay(true);
    let peers = Peers { remote, local };
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(peers);
        router.clone().oneshot(request.map(Body::new))
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let metrics = Arc::clone(&desk.metrics);
    metrics.control().connections.raise();
    let result = tokio::select! {
        result = connection.as_mut() => result,
        // The guard that the wait returns must not live across the next await.
        () = async { drop(ended.wait_for(|ended| *ended).await) } => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    metrics.control().connections.lower();
    if let Err(error) = result {
        tracing::trace!(%error, %remote, "HTTP connection ended");
    }
}

/// How many connections each network has.
#[derive(Debug, Default)]
struct Networks(Mutex<BTreeMap<Network, usize>>);

/// A connection that is counted.
struct Visit {
    networks: Arc<Networks>,
    network: Network,
}

impl Networks {
    fn enter(self: &Arc<Self>, network: Network) -> Option<Visit> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(network).or_default();
        if *count >= NETWORK_CONNECTIONS_MAX {
            return None;
        }
        *count += 1;
        Some(Visit {
            networks: Arc::clone(self),
            network,
        })
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let mut counts = self
            .networks
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.network);
            }
        }
    }
}
