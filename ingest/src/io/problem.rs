//! Errors over HTTP: problem details (RFC 9457), with what is wrong and what to do.

use axum::Router;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use vitalog_elog::Refusal;
use vitalog_elog::port::Unavailable;

use super::Behind;

/// The media type of an error.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// An error as an answer.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Problem(Box<Members>);

#[derive(Clone, Debug, Serialize)]
struct Members {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: String,
    code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    remedy: String,
    /// Where what was refused is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    #[serde(skip)]
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>, remedy: impl Into<String>) -> Problem {
        Problem::of(status, Refusal::whole(code, detail, remedy))
    }

    /// A refusal as an answer of that status.
    pub fn of(status: StatusCode, refusal: Refusal) -> Problem {
        Problem(Box::new(Members {
            kind: kind(&refusal.code),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: refusal.message,
            code: refusal.code,
            field: refusal.field,
            value: refusal.value,
            remedy: refusal.remedy,
            offset: None,
            headers: Vec::new(),
        }))
    }

    pub(super) fn code(&self) -> &str {
        &self.0.code
    }

    #[cfg(test)]
    pub(super) fn detail(&self) -> &str {
        &self.0.detail
    }

    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub(super) fn kept_at(mut self, offset: u64) -> Problem {
        self.0.offset = Some(offset);
        self
    }

    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Problem {
        self.0.headers.push((name, value));
        self
    }

    /// With the connection closed after it: what still comes on it is not read.
    pub(super) fn closing(self) -> Problem {
        self.with(header::CONNECTION, HeaderValue::from_static("close"))
    }

    pub(super) fn forbidden(what: &str) -> Problem {
        Problem::new(
            StatusCode::FORBIDDEN,
            "not_permitted",
            format!("you may not {what}"),
            "ask whoever runs this for a token that may",
        )
    }
}

/// What a problem of a code is called, in the member `type`.
pub fn kind(code: &str) -> String {
    format!("urn:vitalog:problem:{code}")
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        // A struct of strings and numbers can't fail to be written.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
        for (name, value) in self.0.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<Unavailable> for Problem {
    fn from(why: Unavailable) -> Problem {
        let busy = StatusCode::SERVICE_UNAVAILABLE;
        let (status, code, remedy, seconds) = match why {
            Unavailable::Overloaded => (busy, "overloaded", "send it again a little later; nothing of it was kept", "1"),
            Unavailable::Closing => (busy, "closing", "send it again when the server is back; nothing of it was kept", "5"),
            Unavailable::NoRoom => {
                let remedy = "keep it and send it again later; nothing of it was kept here. Whoever runs this has to free space on the disk of the data directory";
                (StatusCode::INSUFFICIENT_STORAGE, "disk_full", remedy, "60")
            }
            Unavailable::JournalAway => {
                let remedy = "keep it and send it again a little later; it is not acknowledged, and what was kept of it all the same is a duplicate then";
                (busy, "journal_away", remedy, "5")
            }
        };
        Problem::new(status, code, why.to_string(), remedy).with(header::RETRY_AFTER, HeaderValue::from_static(seconds))
    }
}

impl From<Behind> for Problem {
    fn from(_: Behind) -> Problem {
        let detail = "the view of the readings has not yet seen the latest writes";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "view_behind", detail, "try again, or say the revision")
            .with(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }
}

/// Answers every path and method that no route knows with a problem. For the whole, merged router.
pub fn with_problems(router: Router) -> Router {
    router.fallback(not_found).method_not_allowed_fallback(method_not_allowed)
}

async fn not_found(uri: Uri) -> Problem {
    let refusal =
        Refusal::of("not_found", "path", uri.path(), "there is nothing here", "see the API's description for what there is");
    Problem::of(StatusCode::NOT_FOUND, refusal)
}

async fn method_not_allowed(method: Method) -> Problem {
    let refusal = Refusal::of(
        "method_not_allowed",
        "method",
        method.as_str(),
        "this can't be done here",
        "see the header allow for what can",
    );
    Problem::of(StatusCode::METHOD_NOT_ALLOWED, refusal)
}
