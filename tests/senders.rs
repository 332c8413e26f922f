//! The stage before all others: a sender's own book, held against what arrived. What was lost, counted twice or bent on the way is in no stage of ours, and is named by the sums alone.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::accounting::program;
use crate::support::need::{need, python};
use crate::support::server::{Server, run};
use crate::support::story::{at, ndjson};

/// Behind the program of docs/accounting.md: what each revision weighs, by the same text.
const EACH: &str = "
for line in open(sys.argv[1], encoding='utf-8'):
    reading = json.loads(line, parse_float=Decimal)
    weight = hashlib.sha256(text(reading).encode()).hexdigest()[:32]
    print(f\"= {reading['id']}/{reading.get('rev', 1)} {weight}\")
";

/// How many, and what they come to.
type Tally = (u64, u128);

fn add(to: &mut Tally, (count, sum): Tally) {
    *to = (to.0 + count, to.1.wrapping_add(sum));
}

fn number(hex: &str) -> u128 {
    u128::from_str_radix(hex, 16).expect("hexadecimal digits")
}

/// What a sender counts.
struct Book {
    /// By stream, source and day.
    windows: BTreeMap<String, Tally>,
    /// What each revision is called, and what it weighs.
    each: Vec<(String, String)>,
}

fn book(python: &Path, file: &Path, held: &[Value]) -> Book {
    std::fs::write(file, ndjson(held)).expect("written");
    let (status, out, err) = run(Command::new(python).args(["-c", &(program() + EACH)]).arg(file));
    assert_eq!(status, Some(0), "{err}");
    let mut book = Book { windows: BTreeMap::new(), each: Vec::new() };
    for line in out.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["=", name, weight] => book.each.push((name.to_owned(), weight.to_owned())),
            [stream, source, day, count, sum] => {
                let tally = (count.parse().expect("a count"), number(sum));
                book.windows.insert(format!("{stream} {source} {day}"), tally);
            }
            _ => panic!("the program printed {line:?}"),
        }
    }
    book
}

/// Current and former together.
fn tally(of: &Value) -> Tally {
    let mut all = Tally::default();
    for standing in ["current", "former"] {
        let sum = of[standing]["sum"].as_str().expect("a sum");
        add(&mut all, (of[standing]["count"].as_u64().expect("a count"), number(sum)));
    }
    all
}

/// The server's account of what came of a subject, but for what it wrote itself.
fn windows(server: &Server, subject: &str) -> BTreeMap<String, Tally> {
    let answer = server.get(&format!("/v1/accounting?subject={subject}")).ok().json();
    assert_eq!(answer["equal"], true, "its own stages agree, whatever did not come: {answer}");
    let word = |of: &Value, member: &str| of[member].as_str().unwrap_or("-").to_owned();
    let all = answer["windows"].as_array().expect("windows").iter().filter(|w| w["stream"] != "contact");
    all.map(|w| (format!("{} {} {}", word(w, "stream"), word(w, "source"), word(w, "day")), tally(w))).collect()
}

fn split(server: &Server, subject: &str, prefix: &str) -> Value {
    server.get(&format!("/v1/accounting?subject={subject}&stream=bg&source=g7&split={prefix}")).ok().json()
}

/// Follows a difference down to revisions: by the first digit of their weights, and of those that do not agree by name. What it finds, and how many digits it looked into.
fn differences(server: &Server, subject: &str, book: &Book) -> (Vec<String>, usize) {
    let theirs = split(server, subject, "");
    let (mut ours, mut known, mut asked): (BTreeMap<String, Vec<String>>, BTreeMap<String, String>, usize) = Default::default();
    for digit in (0..16).map(|n| format!("{n:x}")) {
        let mine: Vec<_> = book.each.iter().filter(|(_, weight)| weight.starts_with(&digit)).collect();
        let mut sum = Tally::default();
        mine.iter().for_each(|(_, weight)| add(&mut sum, (1, number(weight))));
        let part = theirs["parts"].as_array().expect("parts").iter().find(|part| part["prefix"] == digit.as_str());
        if part.map(tally).unwrap_or_default() == sum {
            continue;
        }
        asked += 1;
        for (name, weight) in mine {
            ours.entry(name.clone()).or_default().push(weight.clone());
        }
        for revision in split(server, subject, &digit)["revisions"].as_array().expect("few enough to be listed") {
            let name = format!("{}/{}", revision["id"].as_str().expect("a name"), revision["rev"]);
            known.insert(name, revision["weight"].as_str().expect("a weight").to_owned());
        }
    }
    let mut found: Vec<String> = Vec::new();
    for (name, weights) in &ours {
        match known.get(name) {
            None => found.push(format!("lost {name}")),
            Some(weight) if weights.iter().any(|w| w != weight) => found.push(format!("bent {name}")),
            Some(_) if weights.len() > 1 => found.push(format!("doubled {name}")),
            Some(_) => {}
        }
    }
    found.extend(known.keys().filter(|name| !ours.contains_key(*name)).map(|name| format!("foreign {name}")));
    (found, asked)
}

/// The word is that of the sender's book: what it has and nobody got, has counted twice, has otherwise, and does not know.
#[test]
fn what_did_not_come_as_it_was_sent_is_named_by_a_senders_sums() {
    let Some(python) = need("a Python (VITALOG_PYTHON)", python()) else { return };
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"), &[]);
    let reading = |subject: &str, id: &str, n: u64, value: u64| json!({"id": id, "subject": subject, "stream": "bg", "at": at(n * 5), "value": value, "source": "g7", "seq": n});
    for (case, named, more) in [
        ("sound", None, 0),
        ("lost", Some("lost r3/1"), 1),
        ("counted-twice", Some("doubled r3/1"), 1),
        ("bent", Some("bent r3/1"), 0),
        ("arrived-twice", Some("foreign r3-again/1"), -1),
    ] {
        let mut held: Vec<Value> = (0..60).map(|n| reading(case, &format!("r{n}"), n, 100 + n)).collect();
        let mut arrived = held.clone();
        match case {
            "lost" => drop(arrived.remove(3)),
            "counted-twice" => held.push(arrived[3].clone()),
            "bent" => arrived[3]["value"] = json!(301),
            "arrived-twice" => arrived.push(reading(case, "r3-again", 3, 103)),
            _ => {}
        }
        server.readings(&ndjson(&arrived)).ok();
        let book = book(python.as_ref(), &dir.path().join("sent.ndjson"), &held);
        let theirs = windows(&server, case);
        // By window: how many are missing there, and whether the sums agree.
        let (mine, came) = (book.windows["bg g7 2026-03-10"], theirs["bg g7 2026-03-10"]);
        assert_eq!((book.windows.len(), theirs.len()), (1, 1), "{case}");
        assert_eq!(mine.0 as i64 - came.0 as i64, more, "{case}");
        assert_eq!(mine.1 == came.1, named.is_none(), "{case}");
        if more == 1 {
            let (_, weight) = book.each.iter().find(|(name, _)| name == "r3/1").expect("it was sent");
            assert_eq!(mine.1.wrapping_sub(came.1), number(weight), "{case}: the sums differ by that very revision");
        }
        let (found, asked) = differences(&server, case, &book);
        assert_eq!(found, named.into_iter().collect::<Vec<_>>(), "{case}");
        assert!(asked <= 2, "{case}: of sixteen parts {asked} were looked into");
        if case == "lost" {
            server.readings(&ndjson(&held)).ok();
            assert_eq!(
                (windows(&server, case), differences(&server, case, &book).0),
                (book.windows, vec![]),
                "it was sent again"
            );
        }
    }
    assert_eq!(server.stop(), Some(0));
}
