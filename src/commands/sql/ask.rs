//! One statement to a server, and its answer.

use serde_json::Value;
use vitalog_lakehouse::place_of;

use crate::cli::SqlFormat;
use crate::commands::remote::refusal;
use crate::failure::Failure;

/// Whom to ask.
pub struct Server {
    url: String,
    token: Option<String>,
    client: reqwest::Client,
}

/// An answer.
pub struct Answered {
    pub bytes: Vec<u8>,
    /// It has more rows than an answer may have.
    pub is_cut: bool,
}

impl Server {
    pub fn new(url: &str, token: Option<&str>) -> Server {
        Server { url: url.trim_end_matches('/').to_owned(), token: token.map(str::to_owned), client: reqwest::Client::new() }
    }

    /// # Errors
    /// Where the server can't be reached, or refuses; a place at fault is shown.
    pub async fn ask(&self, statement: &str, format: SqlFormat) -> Result<Answered, Failure> {
        let format = match format {
            SqlFormat::Table | SqlFormat::Csv => "csv",
            SqlFormat::Json => "ndjson",
            SqlFormat::Arrow => "arrow",
        };
        let mut request = self.client.post(format!("{}/v1/sql?format={format}", self.url));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = request.json(&serde_json::json!({ "sql": statement })).send().await;
        let response = response.map_err(|e| Failure::new(format!("the server can't be reached: {e}")))?;
        let status = response.status();
        let is_cut = response.headers().contains_key("vitalog-truncated");
        let body = response.bytes().await.map_err(|e| Failure::new(format!("the answer broke off: {e}")))?;
        if status.is_success() {
            return Ok(Answered { bytes: body.to_vec(), is_cut });
        }
        Err(refusal(&with_place(statement, serde_json::from_slice(&body).unwrap_or_default())))
    }
}

fn with_place(statement: &str, mut problem: Value) -> Value {
    let detail = problem["detail"].as_str().unwrap_or_default();
    if let Some(pointed) = pointed(statement, detail) {
        problem["detail"] = format!("{detail}\n{pointed}").into();
    }
    problem
}

/// The line at fault, and a mark under the place.
fn pointed(statement: &str, detail: &str) -> Option<String> {
    let place = place_of(statement, detail)?;
    let line = statement.lines().nth(place.line - 1)?;
    let before: String = line.chars().take(place.column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    Some(format!("  | {line}\n  | {before}{}", "^".repeat(place.width.max(1))))
}

#[cfg(test)]
mod tests {
    use super::pointed;

    #[test]
    fn the_place_at_fault_is_shown() {
        let shown = pointed("select *\nform bg", "ParserError(\"Expected: end of statement, found: bg at Line: 2, Column: 6\")");
        assert_eq!(shown.as_deref(), Some("  | form bg\n  |      ^"));
        let shown = pointed("select mean from bg", "Schema error: No field named mean.\nValid fields are bg.at.");
        assert_eq!(shown.as_deref(), Some("  | select mean from bg\n  |        ^^^^"));
        assert_eq!(pointed("select 1", "out of memory"), None);
    }
}
