//! The device of the demonstration: sends what has happened at once, and the rest when it happens.

use std::time::Duration;

use vitalog_elog::Time;

use super::schedule::Event;
use crate::failure::Failure;

/// Lines and bytes in one request, within what the gateway takes. The whole history fits: what comes in one request is decided as one moment, so nothing
/// is concluded from half of it.
const LINES: usize = 100_000;
const BYTES: usize = 15 << 20;

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
        let mut rest = events;
        while !rest.is_empty() {
            let (body, later) = parcel(rest);
            rest = later;
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

/// The next request's body, and what is left.
fn parcel(events: &[Event]) -> (String, &[Event]) {
    let mut body = String::new();
    let mut taken = 0;
    for event in events.iter().take(LINES) {
        if taken > 0 && body.len() + event.line.len() >= BYTES {
            break;
        }
        body.push_str(&event.line);
        body.push('\n');
        taken += 1;
    }
    (body, &events[taken..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parcels_are_within_bounds_and_leave_nothing_out() {
        let line = |n: usize| Event { at: Time(n as i64), line: format!("{n:0200}") };
        let events: Vec<Event> = (0..250_000).map(line).collect();
        let (mut rest, mut lines) = (&events[..], Vec::new());
        while !rest.is_empty() {
            let (body, later) = parcel(rest);
            assert!(body.len() <= BYTES && body.lines().count() <= LINES);
            lines.extend(body.lines().map(str::to_owned));
            rest = later;
        }
        assert!(lines.iter().eq(events.iter().map(|e| &e.line)));
        assert_eq!(parcel(&[]), (String::new(), &[][..]));
    }
}
