//! The AIM-94 files: single rows as they should be read, each kind of dirt, and the whole data set with every row accounted for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use vitalog_elog::{Reading, Refusal};
use vitalog_ingest::decode::{Format, aim94, decode};

use super::fixture::{admission, health, now, said};

/// A file of these rows, held against the declarations.
fn file(rows: &str) -> Vec<Result<Reading, Refusal>> {
    let format = Format::Aim94(aim94::File { person: "07".to_owned() });
    let items = decode(&format, rows.as_bytes()).expect("rows need no header");
    items.map(|item| admission().admit(&item.reading?, now())).collect()
}

fn row(row: &str) -> Result<Reading, Refusal> {
    file(row).pop().expect("a row")
}

#[test]
fn rows_become_readings() {
    for (text, expected) in [
        ("04-21-1991\t9:09\t58\t100", "bg 1991-04-21T09:09:00Z value=100 mg/dL context=#0"),
        ("07-01-1990\t12:30\t61\t75.0\r", "bg 1990-07-01T12:30:00Z value=75.0 mg/dL context=#3"),
        ("04-21-1991\t00:10\t48\t063", "bg 1991-04-21T00:10:00Z value=63 mg/dL"),
        ("08-20-1990\t11:0\t57\t194", "bg 1990-08-20T11:00:00Z value=194 mg/dL"),
        ("04-21-1991\t9:09\t33\t009", "medication 1991-04-21T09:09:00Z kind=#0 drug=regular amount=9 U"),
        ("04-21-1991\t9:09\t33\t2.5", "medication 1991-04-21T09:09:00Z kind=#0 drug=regular amount=2.5 U"),
        ("04-21-1991\t21:30\t34\t013", "medication 1991-04-21T21:30:00Z kind=#2 drug=NPH amount=13 U"),
        ("04-21-1991\t21:30\t35\t5", "medication 1991-04-21T21:30:00Z kind=#2 drug=UltraLente amount=5 U"),
        ("04-21-1991\t2:30\t65\t000", "symptom 1991-04-21T02:30:00Z what=#0"),
        ("04-21-1991\t7:30\t66\t000", "diary 1991-04-21T07:30:00Z what=#0 amount=#1"),
        ("04-21-1991\t7:30\t68\t0", "diary 1991-04-21T07:30:00Z what=#0 amount=#0"),
        ("04-21-1991\t7:30\t70\t0", "diary 1991-04-21T07:30:00Z what=#1 amount=#2"),
        ("04-21-1991\t7:30\t72\t0", "diary 1991-04-21T07:30:00Z what=#2"),
    ] {
        let reading = row(text).unwrap_or_else(|r| panic!("{text}: {r}"));
        assert_eq!(said(&reading).trim_end(), format!("aim94-07 {expected}"));
        assert_eq!(reading.content.expect("content").source.as_deref(), Some("aim-94"));
    }
}

#[test]
fn each_kind_of_dirt_is_refused_with_its_reason() {
    for (text, code, field) in [
        ("04-21-1991\t9:09\t0\t", "unknown_code", Some("code")),
        ("04-21-1991\t9:09\t56\t112", "unknown_code", Some("code")),
        ("04-21-1991\t9:09\t036\t5", "unknown_code", Some("code")),
        ("\t138\t33\t3A", "missing", Some("date")),
        ("\t006\t33\t21", "missing", Some("date")),
        ("04-21-1991\t006\t33\t21", "malformed_time", Some("time")),
        ("04-21-1991\t24:00\t33\t21", "malformed_time", Some("date")),
        ("04-21-1991\t9:60\t33\t21", "malformed_time", Some("date")),
        ("06-31-1991\t9:09\t33\t21", "malformed_time", Some("date")),
        ("21-04-1991\t9:09\t33\t21", "malformed_time", Some("date")),
        ("04-21-91\t9:09\t33\t21", "malformed_time", Some("date")),
        ("10-31-1989\t12:00\t60\t0Hi", "not_a_number", Some("value")),
        ("11-08-1989\t18:00\t62\t0Lo", "not_a_number", Some("value")),
        ("11-06-1989\t11:00\t57\t0''", "not_a_number", Some("value")),
        ("11-06-1989\t11:00\t33\t3A", "not_a_number", Some("value")),
        ("11-06-1989\t11:00\t33\t", "missing", Some("value")),
        ("05-01-1990\t00:10\t64\t0", "out_of_range", Some("value")),
        ("08-09-1990\t07:17\t57\t19", "unit_mistake", Some("value")),
        ("03-18-1989\t12:00\t33\t344", "unit_mistake", Some("amount")),
        ("11-06-1989\t11:00\t65\t3", "out_of_range", Some("value")),
        ("11-06-1989\t11:00\t66\t", "out_of_range", Some("value")),
        ("11-06-1989\t11:00\t33", "malformed_row", None),
        ("11-06-1989\t11:00\t33\t4\t", "malformed_row", None),
    ] {
        let refusal = row(text).expect_err(text);
        assert_eq!((refusal.code.as_str(), refusal.field.as_deref()), (code, field), "{text}: {refusal}");
    }
    let seen = row("10-31-1989\t12:00\t60\t0Hi").expect_err("no number").to_string();
    assert!(seen.contains("more than it can measure"), "{seen}");
}

#[test]
fn only_identical_rows_are_one_reading() {
    let ids = |rows: &str| -> BTreeSet<String> {
        file(rows).into_iter().map(|r| format!("{:?}", r.expect("a sound row").id)).collect()
    };
    assert_eq!(ids("04-21-1991\t9:09\t33\t4\n04-21-1991\t9:09\t33\t4\r\n\n").len(), 1);
    let alike = "04-21-1991\t9:09\t33\t4\n04-21-1991\t9:09\t33\t5\n04-21-1991\t09:09\t33\t4\n04-21-1991\t9:09\t34\t4\n";
    assert_eq!(ids(alike).len(), 4);
    let same_meaning =
        "04-21-1991\t9:09\t48\t100\n04-21-1991\t9:09\t57\t100\n04-21-1991\t9:09\t65\t0\n04-21-1991\t9:09\t65\t000\n";
    assert_eq!(ids(same_meaning).len(), 4, "two codes of one meaning are two rows");
}

/// Every row of the data set is accepted, a duplicate of an identical row, or refused with its line and why; and the sums agree.
#[test]
fn the_whole_data_set_is_accounted_for() {
    let Ok(data) = std::env::var("VITALOG_DATA") else {
        // No fault of the machine: only continuous integration has whole data sets.
        println!("skipped: set VITALOG_DATA to the directory that holds uci-diabetes-aim94");
        return;
    };
    let (schema, admission) = (health(), admission());
    let (mut rows, mut duplicates) = (0, 0);
    let mut accepted: BTreeMap<String, usize> = BTreeMap::new();
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    for person in 1..=70 {
        let name = format!("data-{person:02}");
        let body = std::fs::read(Path::new(&data).join("uci-diabetes-aim94").join(&name)).expect("readable");
        let format = Format::of_file(&name, &body[..100]).expect("a file of the data set");
        let mut seen = BTreeMap::new();
        for item in decode(&format, &body).expect("rows need no header") {
            rows += 1;
            match item.reading.and_then(|raw| admission.admit(&raw, now())) {
                Err(refusal) => {
                    assert!(!refusal.message.is_empty() && !refusal.remedy.is_empty());
                    *refused.entry(refusal.code).or_default() += 1;
                }
                Ok(reading) => match seen.insert(reading.id, item.bytes) {
                    None => {
                        let stream = reading.content.expect("content").stream;
                        *accepted.entry(schema.get(stream).name.to_string()).or_default() += 1;
                    }
                    Some(former) => {
                        duplicates += 1;
                        assert_eq!(former, item.bytes, "{name}:{}: only an identical row is a duplicate", item.line);
                    }
                },
            }
        }
        let distinct: BTreeSet<&[u8]> = seen.values().copied().collect();
        assert_eq!(seen.len(), distinct.len(), "{name}: as many readings as different rows");
    }
    // Counted apart from this code, in Python.
    assert_eq!((rows, duplicates), (29_330, 7));
    let counts = |of: &BTreeMap<String, usize>| of.iter().map(|(name, n)| format!("{name} {n}")).collect::<Vec<_>>().join(", ");
    assert_eq!(counts(&accepted), "bg 13520, diary 913, medication 14362, symptom 328");
    assert_eq!(counts(&refused), "missing 33, not_a_number 8, out_of_range 1, unit_mistake 4, unknown_code 154");
}
