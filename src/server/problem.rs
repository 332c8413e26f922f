//! RFC 9457 problem details, as the shell's own handlers answer.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

pub fn problem(status: StatusCode, code: &str, detail: &str, remedy: &str) -> Response {
    let title = status.canonical_reason().unwrap_or("Error");
    let body = json!({"type": "about:blank", "title": title, "status": status.as_u16(), "code": code, "detail": detail, "remedy": remedy});
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}
