//! What an answer says when it is no: a status, what is wrong, and what to do about it.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::rejection::PathRejection;
use axum::extract::rejection::QueryRejection;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::Uri;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Serialize;
use tracing::error;

use crate::api::page;
use crate::api::unreadable;
use crate::api::unreadable::Unreadable;
use crate::server::ControlError;
use crate::store::StoreError;

/// An answer that is no.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    /// Not before.
    retry_after: Option<Duration>,
    body: Body,
}

#[derive(Debug, Serialize)]
struct Body {
    error: String,
    hint: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, error: impl Into<String>, hint: impl Into<String>) -> Problem {
        Problem { status, retry_after: None, body: Body { error: error.into(), hint: hint.into() } }
    }

    /// The same, with a time before which there is no use in asking again.
    pub(super) fn retry_after(self, wait: Duration) -> Problem {
        Problem { retry_after: Some(wait), ..self }
    }

    /// 404.
    pub(super) fn not_found(error: impl Into<String>, hint: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, error, hint)
    }

    /// 503, to be tried again soon.
    pub(super) fn busy(error: impl Into<String>) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, error, "try again in a second")
            .retry_after(Duration::from_secs(1))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 9110 section 15.5.2.
            let challenge = HeaderValue::from_static(r#"Bearer realm="warmline""#);
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(wait) = self.retry_after {
            let seconds = HeaderValue::from(wait.as_secs().max(1));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        error!(%error, "the history cannot be read");
        let hint = "the server's log says why; `warmline doctor` checks the data folder";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the history cannot be read", hint)
    }
}

impl From<ControlError> for Problem {
    fn from(error: ControlError) -> Problem {
        // The two statuses that a ControlError names are statuses.
        let status = StatusCode::from_u16(error.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let hint = match &error {
            ControlError::Refused(refusal) => refusal.hint(),
            ControlError::UnknownAgent(_) => "GET /api/v1/agents lists them",
            ControlError::UnknownSkill(_) => "skills: in center.yaml names them",
            ControlError::UnknownCall(_) => "GET /api/v1/calls lists them",
            ControlError::Overloaded => "try again in a second",
            ControlError::Stopping => "try again when it has started anew",
        };
        let problem = Problem::new(status, error.to_string(), hint);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            return problem.retry_after(Duration::from_secs(1));
        }
        problem
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Problem {
        let Unreadable { error, hint } = unreadable::of_body(&rejection);
        Problem::new(rejection.status(), error, hint)
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Problem {
        let Unreadable { error, hint } = unreadable::of_query(&rejection);
        Problem::new(rejection.status(), error, hint)
    }
}

impl From<Unreadable> for Problem {
    fn from(Unreadable { error, hint }: Unreadable) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error, hint)
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Problem {
        let hint = "a call's id is a number: GET /api/v1/calls lists them";
        Problem::new(rejection.status(), rejection.body_text(), hint)
    }
}

/// Answers for a path that is none: a browser that shows pages gets one.
pub(super) async fn no_such_page(uri: Uri, asked: HeaderMap) -> Result<Response, Problem> {
    if shows_pages(&asked) && !uri.path().starts_with("/api/") {
        return page::lost();
    }
    let hint = "GET / shows what there is, GET /api/v1/openapi.json the API";
    Err(Problem::not_found(format!("there is nothing at {}", uri.path()), hint))
}

fn shows_pages(asked: &HeaderMap) -> bool {
    let kinds = asked.get(header::ACCEPT).and_then(|kinds| kinds.to_str().ok()).unwrap_or_default();
    kinds.split(',').any(|kind| kind.split(';').next().is_some_and(|kind| kind.trim() == "text/html"))
}

/// Answers for a method that the path does not take; axum adds `Allow`.
pub(super) async fn no_such_method(method: Method, uri: Uri) -> Problem {
    let error = format!("{} does not take {method}", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, error, "the Allow header lists what it takes")
}
