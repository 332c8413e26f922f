//! A question to a running server, and its answer.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use crate::failure::Failure;

/// Asks at a path, and gives the JSON of an answer that is none of refusal.
///
/// # Errors
/// Where the server can't be reached; what it says where it refuses.
pub fn asked(url: &str, token: Option<&str>, method: Method, path: &[&str], body: Option<Value>) -> Result<Value, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer = runtime.block_on(async {
        let mut door = reqwest::Url::parse(url).map_err(|e| Failure::usage(format!("--url {url:?} is no URL: {e}")))?;
        door.path_segments_mut()
            .map_err(|()| Failure::usage(format!("--url {url:?} can't be asked")).hint("write it like http://127.0.0.1:8080"))?
            .pop_if_empty()
            .extend(path);
        let mut request = reqwest::Client::new().request(method, door);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.map_err(|e| Failure::new(format!("the server can't be reached: {e}")))?;
        let status = response.status();
        let body = response.text().await.map_err(|e| Failure::new(format!("the answer broke off: {e}")))?;
        let answer: Value = serde_json::from_str(&body).unwrap_or_default();
        if status.is_success() {
            return Ok(answer);
        }
        Err(refusal(&answer))
    });
    runtime.shutdown_timeout(Duration::from_secs(5));
    answer
}

fn refusal(problem: &Value) -> Failure {
    let mut detail = problem["detail"].as_str().unwrap_or("the server refused").to_owned();
    // Rules of a former time may not fit what is declared by now: which line is at odds is said by the diagnostics.
    for diagnostic in problem["diagnostics"].as_array().into_iter().flatten().filter(|d| d["severity"] == "error") {
        detail += &format!("\n  {}", diagnostic["message"].as_str().unwrap_or_default());
    }
    let failure = Failure::new(detail);
    match problem["remedy"].as_str() {
        Some(remedy) => failure.hint(remedy),
        None => failure,
    }
}
