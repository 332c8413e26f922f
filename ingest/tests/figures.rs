//! Figures: how fast the way in is on one core. Run in release: `cargo test --release -p vitalog-ingest -- --ignored --nocapture figures`.

use std::fmt::Write;
use std::time::Instant;

use vitalog_elog::{Entry, Input, Time};
use vitalog_ingest::decode::{Format, decode};
use vitalog_ingest::journal::Journal;

use super::fixture::{admission, bg, health, now};

fn per_second(what: &str, n: usize, run: impl FnOnce()) {
    let start = Instant::now();
    run();
    let seconds = start.elapsed().as_secs_f64();
    println!("{what}: {n} in {seconds:.3} s, {:.0} per second", n as f64 / seconds);
}

#[test]
#[ignore = "measures; run in release"]
fn figures_of_decoding_and_admission() {
    const N: usize = 500_000;
    let admission = admission();
    let (mut ndjson, mut csv) = (String::new(), "subject,stream,at,value,source,seq\n".to_owned());
    for i in 0..N {
        let at = Time(1_767_225_600_000_000 + i as i64 * 1_000_000);
        let value = format!("{}.{}", 4 + i % 9, i % 10);
        let _ = writeln!(
            ndjson,
            "{{\"subject\":\"p-{:03}\",\"stream\":\"bg\",\"at\":\"{at}\",\"value\":\"{value} mmol/L\",\"source\":\"g7/8J2K\",\"seq\":{i}}}",
            i % 200
        );
        let _ = writeln!(csv, "p-{:03},bg,{at},{value} mmol/L,g7/8J2K,{i}", i % 200);
    }
    for (what, format, body) in [("NDJSON", Format::Ndjson, &ndjson), ("CSV", Format::Csv, &csv)] {
        per_second(&format!("{what}, decoded"), N, || {
            assert!(decode(&format, body.as_bytes()).expect("sound").all(|i| i.reading.is_ok()));
        });
        per_second(&format!("{what}, decoded and admitted"), N, || {
            let admitted =
                decode(&format, body.as_bytes()).expect("sound").map(|i| i.reading.and_then(|raw| admission.admit(&raw, now())));
            assert_eq!(admitted.filter(Result::is_ok).count(), N);
        });
    }
}

/// Appends and reads back, in groups of a size.
fn journal_in(what: &str, journal: &mut Journal, (group, groups): (i64, i64)) -> usize {
    let schema = health();
    let entries: Vec<Entry> = (0..group * groups)
        .map(|i| Entry { arrival: Time(i), input: Input::Reading(bg(&schema, &format!("p-{:03}", i % 200), i)) })
        .collect();
    per_second(&format!("{what}, appends in groups of {group}"), entries.len(), || {
        for group in entries.chunks(group as usize) {
            journal.append(&schema, group).expect("kept");
        }
    });
    let mut read = 0;
    per_second(&format!("{what}, read back"), entries.len(), || {
        for group in journal.read_from(0).expect("readable") {
            read += group.expect("sound").entries(&schema).expect("decodable").len();
        }
    });
    assert_eq!(read, entries.len());
    entries.len()
}

#[test]
#[ignore = "measures; run in release"]
fn figures_of_the_journal() {
    for size in [(1, 2_000), (1_000, 500), (20_000, 50)] {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("journal.db");
        let mut journal = Journal::open(&path).expect("made");
        let entries = journal_in("a file", &mut journal, size);
        drop(journal);
        let bytes = std::fs::metadata(&path).expect("there").len();
        println!("bytes per reading: {:.1}", bytes as f64 / entries as f64);
    }
}

/// A file and a topic on one broker, which syncs each record, in turn.
#[cfg(feature = "kafka")]
#[test]
#[ignore = "measures; run in release"]
fn figures_of_both_homes() {
    let Some(broker) = super::kafka::shared() else { return };
    for size in [(1, 1_000), (1_000, 200), (20_000, 20)] {
        let dir = tempfile::tempdir().expect("a directory");
        journal_in("a file", &mut Journal::open(&dir.path().join("journal.db")).expect("made"), size);
        let place = super::kafka::InTopic::on(broker);
        journal_in("a topic", &mut place.journal().expect("made"), size);
    }
}
