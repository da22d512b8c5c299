//! Errors as clients see them: JSON with a code for programs and a sentence for people.

use axum::Json;
use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use orrery_services::accounts::{HandleError, Reject};
use orrery_services::passwords::PasswordError;
use orrery_services::tokens::{Reject as TokenReject, SealError};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::desk::ChangeError;
use super::super::pool::PoolError;

/// An error: what every answer with a status of 400 or above holds.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({"code": "name_taken", "message": "This name is taken."}))]
pub(super) struct ProblemBody {
    /// What is wrong, for programs. Codes never change their meaning.
    code: &'static str,
    /// The same for people: one or two sentences.
    message: String,
}

/// An error on its way to a client.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
    retry_after_s: Option<u64>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            retry_after_s: None,
        }
    }

    fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds.max(1));
        self
    }

    /// No session, or none that is valid.
    pub(super) fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "Log in first.")
    }

    /// No operator's key, or a wrong one.
    pub(super) fn not_the_operator() -> Self {
        let message = "This needs the operator's key as a bearer token.";
        Self::new(StatusCode::UNAUTHORIZED, "operator_key_required", message)
    }

    /// Name and password do not belong together; which of them is wrong is not said.
    pub(super) fn log_in_failed() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "login_failed",
            "The name or the password is wrong.",
        )
    }

    /// Requests come too fast.
    pub(super) fn too_many(seconds: u64) -> Self {
        let message = format!("Too many requests: try again in {} s.", seconds.max(1));
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", message).retry_after(seconds)
    }

    pub(super) fn busy() -> Self {
        let message = "The server is busy: try again in a few seconds.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message).retry_after(2)
    }

    pub(super) fn draining() -> Self {
        let message = "The server is going down: try again in a minute.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "draining", message).retry_after(60)
    }

    pub(super) fn timed_out() -> Self {
        let message = "The request took too long.";
        Self::new(StatusCode::REQUEST_TIMEOUT, "timed_out", message)
    }

    pub(super) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "There is nothing at this address.",
        )
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message)
    }

    /// The server's fault; what it was is for the log.
    fn internal(reason: &dyn std::fmt::Display) -> Self {
        tracing::error!(%reason, "an HTTP request failed");
        let message = "The server had a fault. Nothing was lost; try again.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Json(ProblemBody {
            code: self.code,
            message: self.message,
        });
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// For methods that an address does not take.
pub(super) async fn method_not_allowed() -> Problem {
    let message = "This address does not take this method.";
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        message,
    )
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let status = rejection.status();
        let code = match &rejection {
            JsonRejection::JsonDataError(_) => "json_data",
            JsonRejection::JsonSyntaxError(_) => "json_syntax",
            JsonRejection::MissingJsonContentType(_) => "json_expected",
            // The guard has read the body before.
            _ => "body_unreadable",
        };
        Self::new(status, code, rejection.body_text())
    }
}

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Self {
        let status = rejection.status();
        let code = if status == StatusCode::PAYLOAD_TOO_LARGE {
            "body_too_large"
        } else {
            "body_unreadable"
        };
        Self::new(status, code, rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), "query", rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::new(rejection.status(), "path", rejection.body_text())
    }
}

impl From<Reject> for Problem {
    fn from(reject: Reject) -> Self {
        let (status, code) = match reject {
            Reject::Name(_) => (StatusCode::UNPROCESSABLE_ENTITY, "name_invalid"),
            Reject::NameTaken => (StatusCode::CONFLICT, "name_taken"),
            Reject::TooManyCharacters(_) => (StatusCode::CONFLICT, "too_many_characters"),
            // The session is genuine but its account is gone: log in again.
            Reject::AccountUnknown => (StatusCode::UNAUTHORIZED, "unauthenticated"),
            Reject::CharacterUnknown => (StatusCode::NOT_FOUND, "character_unknown"),
            Reject::NotABot => (StatusCode::CONFLICT, "not_a_bot"),
        };
        Self::new(status, code, reject.to_string())
    }
}

impl From<TokenReject> for Problem {
    fn from(reject: TokenReject) -> Self {
        match reject {
            TokenReject::Expired | TokenReject::Spent => Self::unauthenticated(),
            TokenReject::Busy => Self::busy(),
        }
    }
}

impl From<HandleError> for Problem {
    fn from(error: HandleError) -> Self {
        match error {
            HandleError::Reject(reject) => reject.into(),
            HandleError::Rows(error) => Self::internal(&error),
        }
    }
}

impl From<SealError> for Problem {
    fn from(error: SealError) -> Self {
        Self::internal(&error)
    }
}

impl<E: Into<Self>> From<ChangeError<E>> for Problem {
    fn from(error: ChangeError<E>) -> Self {
        match error {
            ChangeError::Refused(refusal) => refusal.into(),
            ChangeError::Store(reason) => {
                tracing::warn!(reason, "an HTTP request could not be stored");
                let message = "The server cannot store anything at the moment. Try again later.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "store", message).retry_after(30)
            }
        }
    }
}

impl From<PoolError> for Problem {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Busy | PoolError::Ended => Self::busy(),
            PoolError::Weak(weak) => {
                let code = match weak {
                    PasswordError::TooShort | PasswordError::TooLong => "password_invalid",
                    PasswordError::Weak { .. } => "password_weak",
                };
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, weak.to_string())
            }
            PoolError::Failed(error) => Self::internal(&error),
        }
    }
}

impl From<orrery_services::rows::RowError> for Problem {
    fn from(error: orrery_services::rows::RowError) -> Self {
        Self::internal(&error)
    }
}
