//! The routes and their description, made from the same lines: what is routed is described.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::http::header::{CONTENT_TYPE, ETAG};
use axum::response::IntoResponse;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, OpenApi as Document, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi, ToSchema as _};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::desk::Desk;
use super::problem::ProblemBody;
use super::{account, admin, backups, grids, monitor};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Orrery",
        description = "Accounts, characters and the way into the game; monitoring; what the \
            operator does. The game itself speaks QUIC. Bodies are JSON; every error is a \
            problem with a `code` for programs and a `message` for people.",
        license(name = "Apache-2.0 OR MIT"),
    ),
    tags(
        (name = "accounts", description = "Sign-up, log-in and log-out"),
        (name = "characters", description = "Characters and the way into the game"),
        (name = "monitoring", description = "How the server is"),
        (name = "operator", description = "Needs the key of the file `operator.key`"),
    ),
    components(schemas(ProblemBody)),
    modifiers(&Security),
)]
struct Described;

/// The two kinds of bearer tokens.
struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut Document) {
        let scheme = |description: &str| {
            let http = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
            SecurityScheme::Http(http.description(Some(description)).build())
        };
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("session", scheme("The token of a session"));
        components.add_security_scheme("operator", scheme("The operator's key"));
    }
}

fn described() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::with_openapi(Described::openapi())
        .routes(routes!(account::sign_up))
        .routes(routes!(account::log_in))
        .routes(routes!(account::log_out))
        .routes(routes!(account::characters, account::create_character))
        .routes(routes!(account::game_token))
        .routes(routes!(content))
        .routes(routes!(monitor::status))
        .routes(routes!(monitor::healthz))
        .routes(routes!(monitor::readyz))
        .routes(routes!(monitor::scrape))
        .routes(routes!(monitor::trace))
        .routes(routes!(admin::bots))
        .routes(routes!(admin::drain))
        .routes(routes!(backups::begin, backups::show))
        .routes(routes!(grids::list))
        .routes(routes!(grids::move_to))
        .routes(routes!(grids::split))
        .routes(routes!(grids::merge))
        .routes(routes!(grids::pace))
        .routes(routes!(grids::fault))
        .routes(routes!(document))
}

/// The routes of the interface.
pub(super) fn routes() -> Router<Arc<Desk>> {
    described().split_for_parts().0
}

/// The document, with what holds for every route.
static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let mut document = described().split_for_parts().1;
    add_answers_of_every_route(&mut document);
    // A tree of strings and numbers: there is nothing that could not be written.
    document.to_pretty_json().unwrap_or_default()
});

/// Limits and faults can meet every request; said here, once, and not at every route.
fn add_answers_of_every_route(document: &mut Document) {
    for (path, item) in &mut document.paths.paths {
        let is_probe = matches!(path.as_str(), "/healthz" | "/readyz");
        let operations = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.delete,
            &mut item.patch,
        ];
        for operation in operations.into_iter().filter_map(Option::as_mut) {
            let mut add = |status: &str, description: &str| {
                let schema = utoipa::openapi::Ref::from_schema_name(ProblemBody::name());
                let content = Content::new(Some(RefOr::<utoipa::openapi::Schema>::Ref(schema)));
                let response = ResponseBuilder::new()
                    .description(description)
                    .content("application/problem+json", content)
                    .build();
                let responses = &mut operation.responses.responses;
                responses
                    .entry(status.to_owned())
                    .or_insert(RefOr::T(response));
            };
            if is_probe {
                continue;
            }
            add(
                "429",
                "`too_many_requests`; the header `Retry-After` says when to try again",
            );
            add("500", "`internal`: the server's fault");
            add(
                "503",
                "`busy`, `draining` or `store`; the header `Retry-After` says when",
            );
            if operation.request_body.is_some() {
                let add_body = &mut add;
                add_body("400", "`json_syntax`: the body is not JSON");
                add_body("413", "`body_too_large`: more than 16 KiB");
                add_body(
                    "415",
                    "`json_expected`: the content type is not `application/json`",
                );
            }
            let secured = operation
                .security
                .as_ref()
                .is_some_and(|list| !list.is_empty());
            if secured {
                let add_security = &mut add;
                add_security("401", "`unauthenticated` or `operator_key_required`");
            }
        }
    }
}

/// This document.
#[utoipa::path(
    get, path = "/api/v1/openapi.json", tag = "monitoring",
    responses((status = 200, description = "The OpenAPI document", body = serde_json::Value)),
)]
async fn document() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.as_str())
}

/// The content pack: what clients must know of ships, stations and gates.
#[utoipa::path(
    get, path = "/api/v1/content", tag = "characters",
    responses((status = 200, description = "The pack, in its own format", body = Vec<u8>,
        content_type = "application/octet-stream")),
)]
async fn content(axum::extract::State(desk): axum::extract::State<Arc<Desk>>) -> impl IntoResponse {
    let tag = format!("\"{:016x}\"", desk.context.content.hash());
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (ETAG, tag),
    ];
    (headers, desk.pack.clone())
}
