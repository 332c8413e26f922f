//! Readings that are sent in rounds, numbered from 0 in each, and what must be there of them whatever was killed meanwhile: each as it was sent, and once.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::server::Server;
use super::story::{at, ndjson};

/// Whom the readings are about, by turns.
const SUBJECTS: u64 = 17;

fn minute(round: u64, n: u64) -> u64 {
    round * 60 + n % 55
}

fn value(round: u64, n: u64) -> u64 {
    50 + (n * 7 + round) % 300
}

/// The body of a request: `size` readings of a round, behind those of the batches before.
pub fn batch(round: u64, batch: u64, size: u64) -> String {
    let lines: Vec<Value> = (batch * size..(batch + 1) * size)
        .map(|n| {
            json!({"id": format!("r{round}-{n}"), "subject": format!("s-{}", n % SUBJECTS), "stream": "bg",
                "at": at(minute(round, n)), "value": value(round, n)})
        })
        .collect();
    ndjson(&lines)
}

/// What a stage shows of a reading: its stream, its instant in microseconds, and its value in mg/dL.
type Said = (String, i64, f64);

/// Which readings of the rounds a stage holds, by round and number.
#[derive(PartialEq, Eq)]
pub struct Held(BTreeSet<(u64, u64)>);

impl Held {
    /// Takes in what a stage shows under a subject's name.
    fn take(&mut self, stage: &str, subject: u64, id: &str, said: &Said) {
        let numbers = id.strip_prefix('r').and_then(|numbers| numbers.split_once('-'));
        let numbers = numbers.and_then(|(round, n)| Some((round.parse::<u64>().ok()?, n.parse::<u64>().ok()?)));
        let (round, n) = numbers.unwrap_or_else(|| panic!("{stage}: nobody sent {id}"));
        assert_eq!(subject, n % SUBJECTS, "{stage}: {id} is another's");
        let sent = ("bg".to_owned(), micros(&at(minute(round, n))), value(round, n) as f64);
        assert_eq!(*said, sent, "{stage}: {id} says something else (left) than was sent (right)");
        assert!(self.0.insert((round, n)), "{stage}: {id} is there more than once");
    }

    pub fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// Each round's readings are those from 0 on: at least as many as were acknowledged, and at most a batch more.
    fn check(&self, stage: &str, acknowledged: &[u64], size: u64) {
        for (round, kept) in (0..).zip(acknowledged) {
            let mut of_round = self.0.range((round, 0)..(round + 1, 0));
            let (n, last) = (of_round.clone().count() as u64, of_round.next_back());
            // As many different numbers as that, the greatest being one less: exactly those from 0 on.
            assert_eq!(n, last.map_or(0, |(_, last)| last + 1), "{stage}: a reading of round {round} is missing");
            assert!(n >= *kept, "{stage}: of round {round} {kept} were acknowledged, and {n} are there");
            assert!(n <= kept + size, "{stage}: of round {round} {kept} were acknowledged, and {n} are there");
        }
        let later = self.0.range((acknowledged.len() as u64, 0)..).next();
        assert_eq!(later, None, "{stage}: there was no such round");
    }
}

/// What SQL shows of the rounds' readings.
fn held_in_lake(server: &Server) -> Held {
    let mut held = Held(BTreeSet::new());
    for subject in 0..SUBJECTS {
        let rows = server.sql(&format!(
            "select id, stream, at::bigint as at, bg_value from readings where subject = 's-{subject}' and stream != 'contact'"
        ));
        for row in rows.as_array().expect("rows") {
            let said =
                (text(row, "stream"), row["at"].as_i64().unwrap_or(i64::MIN), row["bg_value"].as_f64().unwrap_or(f64::NAN));
            held.take("lake", subject, &text(row, "id"), &said);
        }
    }
    held
}

/// What the views show of them, page by page.
pub fn held_in_views(server: &Server) -> Held {
    let mut held = Held(BTreeSet::new());
    for subject in 0..SUBJECTS {
        let mut after = String::new();
        loop {
            let page = server.get(&format!("/v1/subjects/s-{subject}/readings?stream=bg&limit=5000{after}")).ok().json();
            for row in page["readings"].as_array().expect("readings") {
                assert_eq!(row["subject"], format!("s-{subject}"), "{row}");
                let value = row["value"].as_str().and_then(|value| value.strip_suffix(" mg/dL")).and_then(|v| v.parse().ok());
                let said = (text(row, "stream"), micros(&text(row, "at")), value.unwrap_or(f64::NAN));
                held.take("views", subject, &text(row, "given"), &said);
            }
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
    }
    held
}

/// In the lake each round's readings are those from 0 on, at least as many as were acknowledged and at most a batch more, each as it was sent; and of their subjects there is nothing else but what the
/// server wrote down of its own.
pub fn in_lake(server: &Server, acknowledged: &[u64], size: u64) -> Held {
    let held = held_in_lake(server);
    held.check("lake", acknowledged, size);
    let rows = server.sql("select count(*) as n from readings where stream != 'contact' and subject like 's-%'");
    assert_eq!(number(&rows[0], "n"), held.count(), "there are readings of nobody that sent any");
    held
}

/// What the server wrote down of its own, besides what was sent.
pub fn contacts(server: &Server) -> u64 {
    number(&server.sql("select count(*) as n from readings where stream = 'contact'")[0], "n")
}

pub fn in_views(server: &Server) -> u64 {
    let subjects = server.get("/v1/subjects?limit=200").ok().json();
    subjects["subjects"].as_array().expect("subjects").iter().map(|s| number(s, "readings")).sum()
}

pub fn number(row: &Value, name: &str) -> u64 {
    row[name].as_u64().unwrap_or_else(|| panic!("{name} is no number: {row}"))
}

fn text(row: &Value, name: &str) -> String {
    row[name].as_str().unwrap_or_else(|| panic!("{name} is no text: {row}")).to_owned()
}

fn micros(instant: &str) -> i64 {
    instant.parse::<jiff::Timestamp>().unwrap_or_else(|e| panic!("{instant}: {e}")).as_microsecond()
}
