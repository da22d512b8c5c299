//! Who somebody is: a session's token or the operator's key, as a bearer token.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use orrery_services::tokens::{Claims, Purpose};
use serde::de::DeserializeOwned;

use super::super::desk::{Desk, now};
use super::guard::Caller;
use super::problem::Problem;

/// The bearer token of a request.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A valid session.
pub(super) struct Session(pub(super) Claims);

impl FromRequestParts<Arc<Desk>> for Session {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Problem> {
        let claims = bearer(&parts.headers)
            .and_then(|token| desk.open_token(Purpose::Session, token))
            .ok_or_else(Problem::unauthenticated)?;
        desk.services().tokens.check(now(), &claims)?;
        Ok(Self(claims))
    }
}

/// Somebody who has shown the operator's key.
pub(super) struct Operator;

impl FromRequestParts<Arc<Desk>> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Problem> {
        if bearer(&parts.headers).is_some_and(|shown| desk.operator.is(shown)) {
            return Ok(Self);
        }
        let caller = Caller::from_request_parts(parts, desk).await?;
        desk.limits
            .login(caller.network())
            .map_err(Problem::too_many)?;
        Err(Problem::not_the_operator())
    }
}

/// Somebody on this machine, or an operator from elsewhere: who may look at how the server is.
pub(super) struct Onlooker;

impl FromRequestParts<Arc<Desk>> for Onlooker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, desk).await?;
        if !caller.is_local() {
            Operator::from_request_parts(parts, desk).await?;
        }
        Ok(Self)
    }
}

impl FromRequestParts<Arc<Desk>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Desk>) -> Result<Self, Problem> {
        // The guard, which every request passes, has put it there.
        parts
            .extensions
            .get::<Self>()
            .copied()
            .ok_or_else(Problem::not_found)
    }
}

/// A JSON body, with errors as problems.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<Desk>> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, desk: &Arc<Desk>) -> Result<Self, Problem> {
        let axum::Json(body) = axum::Json::<T>::from_request(request, desk).await?;
        Ok(Self(body))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn bearer_tokens_are_found_and_others_are_not() {
        let mut headers = HeaderMap::new();
        assert_eq!(bearer(&headers), None);
        for (value, expected) in [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("Basic abc", None),
            ("Bearer", None),
            ("", None),
        ] {
            headers.insert(AUTHORIZATION, HeaderValue::from_static(value));
            assert_eq!(bearer(&headers), expected, "{value}");
        }
    }
}
