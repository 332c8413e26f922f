//! What the server's clock says, which runs faster than life: read once, and gone on with as the server does.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::client::Client;

#[derive(Clone, Copy)]
pub struct Pace {
    /// What the server's clock said, when the machine's said `wall`; both in microseconds since 1970.
    said: i64,
    wall: i64,
    speed: f64,
}

impl Pace {
    /// Sends a reading, and asks when it was accepted.
    pub fn of(client: &mut Client, speed: f64) -> Pace {
        let body = format!(r#"{{"subject":"clock","stream":"bg","at":"{}","value":120}}"#, vitalog_elog::Time(wall()));
        let (status, answer) = client.post("/v1/readings", "application/json", body.as_bytes());
        assert_eq!(status, 200, "{answer}");
        // Rather behind than ahead: what lies ten minutes ahead is refused, and that is a third of a second.
        let wall = wall();
        let sql = br#"{"sql":"select arrival_us from (select cast(arrival as bigint) as arrival_us from readings where subject = 'clock' and stream = 'bg')"}"#;
        for _ in 0..1_000 {
            let (status, answer) = client.post("/v1/sql", "application/json", sql);
            assert_eq!(status, 200, "{answer}");
            let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
            if let Some(said) = answer[0]["arrival_us"].as_i64() {
                return Pace { said, wall, speed };
            }
        }
        panic!("the reading does not come to be seen");
    }

    pub fn now(&self) -> i64 {
        self.said + ((wall() - self.wall) as f64 * self.speed) as i64
    }
}

fn wall() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_micros() as i64
}
