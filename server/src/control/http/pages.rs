//! The pages: plain HTML, CSS and JavaScript from `web/`, part of the binary.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use orrery_base::digest;

use super::super::desk::Desk;
use super::problem::Problem;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! web {
    ($file:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../web/", $file))
    };
}

/// Address, type, text.
const FILES: &[(&str, &str, &str)] = &[
    ("/", HTML, web!("index.html")),
    ("/status", HTML, web!("status.html")),
    ("/style.css", CSS, web!("style.css")),
    ("/account.js", SCRIPT, web!("account.js")),
    ("/status.js", SCRIPT, web!("status.js")),
    ("/icon.svg", SVG, web!("icon.svg")),
];

const NOT_FOUND_PAGE: &str = web!("404.html");

/// The routes of the pages.
pub(super) fn routes() -> Router<Arc<Desk>> {
    let mut router = Router::new();
    for &(address, kind, text) in FILES {
        let tag = format!("\"{:016x}\"", digest::of_bytes(text.as_bytes()));
        let file = move |headers: HeaderMap| {
            let tag = tag.clone();
            async move { answer(&headers, kind, text, tag) }
        };
        router = router.route(address, get(file));
    }
    router
}

/// Browsers ask again each time, and are told if nothing has changed: a new binary is seen at
/// once.
fn answer(headers: &HeaderMap, kind: &'static str, text: &'static str, tag: String) -> Response {
    let known = headers
        .get(IF_NONE_MATCH)
        .and_then(|tags| tags.to_str().ok());
    if known.is_some_and(|tags| tags.split(',').any(|known| known.trim() == tag)) {
        return (StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response();
    }
    let headers = [
        (CONTENT_TYPE, kind.to_owned()),
        (ETAG, tag),
        (CACHE_CONTROL, "no-cache".to_owned()),
    ];
    (headers, text).into_response()
}

/// For addresses at which there is nothing: a page for people, a problem for programs.
pub(super) async fn not_found(request: Request) -> Response {
    let accept = request
        .headers()
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    let path = request.uri().path();
    let is_interface = path.starts_with("/api/") || path.starts_with("/admin/");
    if is_interface || !accept.is_some_and(|accept| accept.contains("text/html")) {
        return Problem::not_found().into_response();
    }
    (
        StatusCode::NOT_FOUND,
        [(CONTENT_TYPE, HTML)],
        NOT_FOUND_PAGE,
    )
        .into_response()
}
