//! RFC 9457 problem details, as the shell's own handlers answer: the same as the gateway's.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use vitalog_ingest::io::Problem;
pub use vitalog_ingest::io::problem::kind;

pub fn problem(status: StatusCode, code: &str, detail: &str, remedy: &str) -> Response {
    Problem::new(status, code, detail, remedy).into_response()
}
