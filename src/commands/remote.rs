//! A running server, asked from the command line: JSON there and back, and its problems as failures.

use std::time::Duration;

use reqwest::{Method, Url};
use serde_json::Value;

use crate::failure::Failure;

/// Whom to ask.
pub struct Remote<'a> {
    pub url: &'a str,
    pub token: Option<&'a str>,
}

/// What is asked.
#[derive(Default)]
pub struct Question<'a> {
    pub method: Method,
    /// Behind `/v1`.
    pub path: &'a [&'a str],
    pub query: &'a [(&'a str, String)],
    /// With its content type.
    pub body: Option<(&'static str, Vec<u8>)>,
}

impl Remote<'_> {
    /// The server's answer.
    ///
    /// # Errors
    /// Where it can't be reached or refuses.
    pub fn ask(&self, question: Question<'_>) -> Result<Value, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let answer = runtime.block_on(async {
            let mut request = reqwest::Client::new().request(question.method, self.door(question.path, question.query)?);
            if let Some(token) = self.token {
                request = request.bearer_auth(token);
            }
            if let Some((form, body)) = question.body {
                request = request.header(reqwest::header::CONTENT_TYPE, form).body(body);
            }
            let response = request.send().await.map_err(|e| Failure::new(format!("the server can't be reached: {e}")))?;
            let status = response.status();
            let body = response.text().await.map_err(|e| Failure::new(format!("the answer broke off: {e}")))?;
            let answer: Value = serde_json::from_str(&body).unwrap_or_default();
            if status.is_success() { Ok(answer) } else { Err(refusal(&answer)) }
        });
        runtime.shutdown_timeout(Duration::from_secs(5));
        answer
    }

    /// The address of a door behind `/v1`.
    ///
    /// # Errors
    /// Where the URL is none.
    pub fn door(&self, path: &[&str], query: &[(&str, String)]) -> Result<Url, Failure> {
        let mut door = Url::parse(self.url).map_err(|e| Failure::usage(format!("--url {:?} is no URL: {e}", self.url)))?;
        door.path_segments_mut()
            .map_err(|()| {
                Failure::usage(format!("--url {:?} can't be asked", self.url)).hint("write it like http://127.0.0.1:8080")
            })?
            .pop_if_empty()
            .push("v1")
            .extend(path);
        if !query.is_empty() {
            door.query_pairs_mut().extend_pairs(query);
        }
        Ok(door)
    }
}

/// A problem that a server answered with.
pub fn refusal(problem: &Value) -> Failure {
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

/// A table of words: all to the left.
pub fn left<const N: usize>(lines: &[[String; N]]) -> String {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |line: &[String; N]| {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    lines.iter().map(line).collect()
}

/// A text of an answer; empty where it is none.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
