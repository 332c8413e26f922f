//! Readings that are sent in rounds, numbered from 0 in each, and what must be there of them whatever was killed meanwhile.

use serde_json::{Value, json};

use super::server::Server;
use super::story::{at, ndjson};

/// The body of a request: `size` readings of a round, behind those of the batches before.
pub fn batch(round: u64, batch: u64, size: u64) -> String {
    let lines: Vec<Value> = (batch * size..(batch + 1) * size)
        .map(|n| {
            json!({"id": format!("r{round}-{n}"), "subject": format!("s-{}", n % 17), "stream": "bg",
                "at": at(round * 60 + n % 55), "value": 50 + (n * 7 + round) % 300})
        })
        .collect();
    ndjson(&lines)
}

/// In the lake each round's readings are those from 0 on, none twice: at least as many as were acknowledged, and at most a batch more. Gives how many there are in all.
pub fn in_lake(server: &Server, acknowledged: &[u64], size: u64) -> u64 {
    let held = server.sql(
        "select split_part(id, '-', 1) as round, count(*) as n, count(distinct id) as ids,
                max(cast(split_part(id, '-', 2) as bigint)) as last
         from readings where stream != 'contact' group by 1",
    );
    let mut all = 0;
    for (round, kept) in acknowledged.iter().enumerate() {
        let row = held.as_array().expect("rows").iter().find(|row| row["round"] == format!("r{round}"));
        let (n, ids, last) = row.map_or((0, 0, None), |r| (number(r, "n"), number(r, "ids"), Some(number(r, "last"))));
        assert_eq!(n, ids, "round {round}: a reading is in the lake more than once");
        // As many different numbers as that, the greatest being one less: exactly those from 0 on.
        assert_eq!(n, last.map_or(0, |l| l + 1), "round {round}: a reading is missing in the lake");
        assert!(n >= *kept, "round {round}: {kept} were acknowledged, {n} are in the lake");
        assert!(n <= kept + size, "round {round}: {kept} were acknowledged, and {n} are in the lake");
        all += n;
    }
    all
}

/// What the server wrote down of its own, besides what was sent.
pub fn contacts(server: &Server) -> u64 {
    number(&server.sql("select count(*) as n from readings where stream = 'contact'")[0], "n")
}

pub fn in_views(server: &Server) -> u64 {
    let subjects = server.get("/v1/subjects?limit=200").ok().json();
    subjects["subjects"].as_array().expect("subjects").iter().map(|s| number(s, "readings")).sum()
}

fn number(row: &Value, name: &str) -> u64 {
    row[name].as_u64().unwrap_or_else(|| panic!("{name} is no number: {row}"))
}
