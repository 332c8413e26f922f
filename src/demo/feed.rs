//! The device of the demonstration: sends what has happened at once, and the rest when it happens.

use std::time::Duration;

use vitalog_elog::Time;

use super::schedule::Event;
use crate::failure::Failure;

/// Lines in one request.
const BATCH: usize = 2_000;

/// Sends to one server.
pub struct Device {
    client: reqwest::Client,
    url: String,
}

/// What became of what was sent.
#[derive(Clone, Copy, Default)]
pub struct Sent {
    pub refused: u64,
    pub position: u64,
}

impl Device {
    pub fn new(url: &str) -> Device {
        Device { client: reqwest::Client::new(), url: url.to_owned() }
    }

    /// Sends lines of NDJSON; how many were refused, and the position after them.
    ///
    /// # Errors
    /// Where the server can't be reached or refuses the whole.
    pub async fn send(&self, events: &[Event]) -> Result<Sent, Failure> {
        let mut sent = Sent::default();
        for part in events.chunks(BATCH) {
            let body: String = part.iter().map(|e| format!("{}\n", e.line)).collect();
            let request = self.client.post(format!("{}/v1/readings?receipts=summary", self.url));
            let response = request.header("content-type", "application/x-ndjson").body(body).send().await;
            let response = response.map_err(|e| Failure::new(format!("the demonstration's device can't send: {e}")))?;
            let status = response.status();
            let text = response.text().await.unwrap_or_default();
            if !status.is_success() && status != reqwest::StatusCode::UNPROCESSABLE_ENTITY {
                return Err(Failure::new(format!("the demonstration's readings were refused ({status}): {text}")));
            }
            let summary: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
            sent.refused += summary["rejected"].as_u64().unwrap_or(0);
            sent.position = summary["position"].as_u64().unwrap_or(sent.position);
        }
        Ok(sent)
    }

    /// Sets a field of a subject's profile.
    ///
    /// # Errors
    /// Where the server can't be reached or refuses it.
    pub async fn set_profile(&self, subject: &str, profile: &serde_json::Value) -> Result<(), Failure> {
        let request = self.client.put(format!("{}/v1/subjects/{subject}/profile", self.url)).json(profile);
        let response = request.send().await.map_err(|e| Failure::new(format!("the profile can't be set: {e}")))?;
        if response.status().is_success() {
            return Ok(());
        }
        Err(Failure::new(format!("the profile was refused: {}", response.text().await.unwrap_or_default())))
    }

    /// Sends each event when it is due by the demonstration's clock; returns when all are sent.
    ///
    /// # Errors
    /// As [`Device::send`].
    pub async fn live(&self, events: &[Event], began: Time, speed: f64) -> Result<(), Failure> {
        let start = tokio::time::Instant::now();
        let mut rest = events;
        while let Some(next) = rest.first() {
            let wait = next.at.since(began).0 as f64 / speed;
            tokio::time::sleep_until(start + Duration::from_micros(wait.max(0.0) as u64)).await;
            let due = rest.partition_point(|e| e.at <= next.at);
            let (now, later) = rest.split_at(due);
            self.send(now).await?;
            rest = later;
        }
        Ok(())
    }
}
