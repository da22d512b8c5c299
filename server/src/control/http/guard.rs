//! What holds for every request: who asks, how often, for how long, and the headers of answers.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::{FromRequest as _, MatchedPath, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use orrery_services::throttle::Network;

use super::super::desk::Desk;
use super::problem::Problem;
use super::{Peers, REQUEST_TIME_MAX, auth};

/// Only what this server serves, no script or style in the page itself, in no frame.
const CONTENT_SECURITY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'";

/// On every answer.
const HEADERS: [(HeaderName, &str); 7] = [
    (CONTENT_SECURITY_POLICY, CONTENT_SECURITY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=()",
    ),
];

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller {
    /// The address of the client, not of a proxy on this machine.
    pub(super) address: IpAddr,
    /// The address of this machine that the connection came to.
    pub(super) local: IpAddr,
    /// Whether the request was passed on by a proxy on this machine.
    pub(super) is_proxied: bool,
}

impl Caller {
    fn of(peers: Peers, headers: &HeaderMap) -> Self {
        let remote = peers.remote.ip().to_canonical();
        let local = peers.local.ip().to_canonical();
        let forwarded = headers.get("x-forwarded-for");
        // Only a proxy on this machine is believed, and only the last name on its list, which it
        // wrote itself: what stands before came from outside.
        if remote.is_loopback()
            && let Some(list) = forwarded
        {
            let last = list.to_str().ok().and_then(|list| list.rsplit(',').next());
            let address = last
                .and_then(|last| last.trim().parse().ok())
                .unwrap_or(remote);
            return Self {
                address,
                local,
                is_proxied: true,
            };
        }
        Self {
            address: remote,
            local,
            is_proxied: false,
        }
    }

    /// Whether the request comes from this machine itself.
    pub(super) const fn is_local(&self) -> bool {
        self.address.is_loopback() && !self.is_proxied
    }

    pub(super) fn network(&self) -> Network {
        Network::of(self.address)
    }
}

pub(super) async fn guard(
    State(desk): State<Arc<Desk>>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let Some(peers) = request.extensions().get::<Peers>().copied() else {
        return Problem::not_found().into_response();
    };
    let caller = Caller::of(peers, request.headers());
    request.extensions_mut().insert(caller);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = match admit(&desk, &caller, &request) {
        Err(problem) => last_response(problem),
        Ok(()) => match tokio::time::timeout(REQUEST_TIME_MAX, answer(request, next)).await {
            Ok(response) => response,
            Err(_) => last_response(Problem::timed_out()),
        },
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    let took = started.elapsed();
    let control = desk.metrics.control();
    control.answered(response.status().as_u16());
    control.request.record(took);
    // Whoever refused it: the limit on all requests, or the one on log-ins.
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        control.rate_limited.increment();
    }
    // The route and not the address: addresses are the caller's to choose.
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let (status, us) = (response.status().as_u16(), took.as_micros() as u64);
    tracing::debug!(%method, route, status, us, caller = %caller.address, "request");
    response
}

/// The answer to a request whose body is read to its end first.
///
/// Whoever refuses a request early does not look at its body, and a connection with half a body in
/// it has to be closed: a client that had put its next request into it already would lose that.
async fn answer(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await {
        Ok(body) => next.run(Request::from_parts(parts, body.into())).await,
        Err(rejection) => last_response(rejection.into()),
    }
}

/// The problem as the last response of its connection, for requests whose body was not read.
fn last_response(problem: Problem) -> Response {
    let mut response = problem.into_response();
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
    response
}

/// Whether the request is within its limits. Probes and the operator are never limited: the one
/// must not fail because the server is busy, the other is how one finds out why.
fn admit(desk: &Desk, caller: &Caller, request: &Request) -> Result<(), Problem> {
    if matches!(request.uri().path(), "/healthz" | "/readyz") {
        return Ok(());
    }
    if let Some(shown) = auth::bearer(request.headers())
        && desk.operator.is(shown)
    {
        return Ok(());
    }
    desk.limits
        .request(caller.network())
        .map_err(Problem::too_many)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(remote: &str, forwarded: Option<&'static str>) -> Caller {
        let mut headers = HeaderMap::new();
        if let Some(list) = forwarded {
            headers.insert("x-forwarded-for", HeaderValue::from_static(list));
        }
        let remote = std::net::SocketAddr::new(remote.parse().unwrap(), 1);
        Caller::of(
            Peers {
                remote,
                local: remote,
            },
            &headers,
        )
    }

    #[test]
    fn only_a_proxy_on_this_machine_is_believed() {
        let expected: IpAddr = "192.0.2.9".parse().unwrap();
        assert_eq!(caller("192.0.2.9", None).address, expected);
        assert_eq!(caller("192.0.2.9", Some("203.0.113.5")).address, expected);
        assert_eq!(caller("::ffff:192.0.2.9", None).address, expected);
        let proxied = caller("127.0.0.1", Some("203.0.113.5, 192.0.2.9"));
        assert_eq!(proxied.address, expected);
        assert!(!proxied.is_local());
        assert!(caller("127.0.0.1", None).is_local() && caller("::1", None).is_local());
        assert!(!caller("127.0.0.1", Some("rubbish")).is_local());
        assert!(!caller("127.0.0.1", Some("127.0.0.1")).is_local());
    }
}
