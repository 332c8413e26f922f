//! How a refusal is answered: RFC 9457 problem details, with a code for programs and a remedy for people.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use vitalog_elog::port::Unavailable;

use crate::views::ViewsError;

/// A refusal. It says nothing of a person beyond what the request itself named.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Problem(Box<Members>);

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Members {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: String,
    /// A stable name.
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    remedy: String,
}

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Problem {
        Problem(Box::new(Members {
            kind: format!("urn:vitalog:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Refused"),
            status: status.as_u16(),
            detail: detail.into(),
            code,
            field: None,
            value: None,
            remedy: remedy.into(),
        }))
    }

    /// A parameter that cannot be understood.
    pub fn of_field(
        code: &'static str,
        field: &str,
        value: &str,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, code, detail, remedy).about(field, value)
    }

    /// Which part of the request is at fault.
    pub fn about(mut self, field: &str, value: &str) -> Problem {
        self.0.field = Some(field.to_owned());
        self.0.value = Some(value.chars().take(80).flat_map(char::escape_default).collect());
        self
    }

    pub fn unauthenticated() -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", "it is not known who asks", "send a token, or log in")
    }

    pub fn forbidden() -> Problem {
        Problem::new(StatusCode::FORBIDDEN, "forbidden", "this is not yours to see or to do", "ask an administrator for access")
    }

    pub fn not_found(code: &'static str, detail: &str) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, code, detail, "check the address")
    }

    pub fn busy() -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "too many questions are being answered", "ask again in a moment")
    }
}

impl From<ViewsError> for Problem {
    fn from(e: ViewsError) -> Problem {
        if matches!(e, ViewsError::TooSlow) {
            return Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "too_much",
                "the question took too long",
                "ask for a shorter time or for fewer rows",
            );
        }
        tracing::error!(error = %e, "a question to the views failed");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the views could not be read", "look at the server's log")
    }
}

impl From<Unavailable> for Problem {
    fn from(e: Unavailable) -> Problem {
        let busy = StatusCode::SERVICE_UNAVAILABLE;
        let (status, code, remedy) = match e {
            Unavailable::Overloaded => (busy, "overloaded", "try again in a moment"),
            Unavailable::Closing => (busy, "closing", "try again in a moment"),
            Unavailable::NoRoom => {
                (StatusCode::INSUFFICIENT_STORAGE, "disk_full", "free space on the disk of the data directory, then try again")
            }
            Unavailable::JournalAway => (busy, "journal_away", "try again in a moment; it is not acknowledged"),
        };
        Problem::new(status, code, e.to_string(), remedy)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
