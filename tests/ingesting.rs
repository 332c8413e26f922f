//! `vitalog ingest`: files of every form, and every row is accounted for by line and reason.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::server::{Server, run, vitalog};

/// What the command said in JSON: the refused rows, and the sums of all files.
fn ingest(to: &str, files: &[&Path]) -> (Option<i32>, Vec<Value>, Value) {
    let (status, out, err) = run(vitalog().args(["ingest", "--format", "json", "--to", to]).args(files));
    let lines: Vec<Value> = out.lines().map(|l| serde_json::from_str(l).expect("JSON lines")).collect();
    let total = lines.last().cloned().unwrap_or_else(|| panic!("no sums: {err}"));
    let refused = lines.into_iter().filter_map(|mut l| l.get_mut("refused_row").map(Value::take)).collect();
    (status, refused, total)
}

fn sums(total: &Value) -> [u64; 4] {
    ["rows", "accepted", "duplicate", "refused"].map(|name| total[name].as_u64().unwrap_or_else(|| panic!("{name}: {total}")))
}

/// More rows than one request carries, with a bad one here and there; gives the text and the lines that are bad.
fn csv() -> (String, Vec<u64>) {
    let mut text = "subject,stream,at,value\n".to_owned();
    let mut bad = Vec::new();
    for row in 0..4_500_u64 {
        let value = match row % 1_000 {
            7 => "-",
            13 => "5.4 mg/dL",
            _ => "6.1 mmol/L",
        };
        if row % 1_000 == 7 || row % 1_000 == 13 {
            bad.push(row + 2);
        }
        let at = format!("2026-03-{:02}T{:02}:{:02}:{:02}Z", 1 + row / 3_600, row / 60 % 24, row % 60, row / 1_440);
        text.push_str(&format!("p-{},bg,{at},{value}\n", row % 3));
    }
    (text, bad)
}

#[test]
fn rows_of_a_csv_are_named_by_their_line_and_sending_again_doubles_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (text, bad) = csv();
    let file = dir.path().join("export.csv");
    std::fs::write(&file, &text).unwrap();
    let server = Server::start(&dir.path().join("data"), &[]);
    let (status, refused, total) = ingest(&server.url, &[&file]);
    assert_eq!(status, Some(1), "{total}");
    assert_eq!(sums(&total), [4_500, 4_500 - bad.len() as u64, 0, bad.len() as u64]);
    let named: Vec<u64> = refused.iter().map(|r| r["line"].as_u64().expect("a line")).collect();
    assert_eq!(named, bad);
    for row in &refused {
        assert_eq!(row["field"], "value", "{row}");
        assert!(row["message"].is_string() && row["remedy"].is_string(), "{row}");
    }
    let (_, _, again) = ingest(&server.url, &[&file]);
    assert_eq!(sums(&again), [4_500, 0, 4_500 - bad.len() as u64, bad.len() as u64]);
    assert_eq!(server.sql("select count(*) as n from readings where stream != 'contact'")[0]["n"], 4_500 - bad.len());
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_file_of_which_nothing_is_accepted_is_accounted_for_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("wrong.ndjson");
    let rows: String = (0..5)
        .map(|i| format!("{}\n", json!({"subject": "p-1", "stream": "bg", "at": format!("2026-03-10T08:0{i}:00"), "value": 110})))
        .collect();
    std::fs::write(&file, rows).unwrap();
    let data = dir.path().join("data");
    let (status, refused, total) = ingest(data.to_str().unwrap(), &[&file]);
    assert_eq!(status, Some(1));
    assert_eq!(sums(&total), [5, 0, 0, 5]);
    assert!(refused.iter().all(|r| r["code"] == "no_zone" && r["value"].is_string()), "{refused:?}");
}

#[test]
fn ndjson_and_gzip_go_straight_into_a_data_directory() {
    let dir = tempfile::tempdir().unwrap();
    let line = |i: u64| {
        format!("{}\n", json!({"subject": "p-1", "stream": "bg", "at": format!("2026-03-10T08:{i:02}:00Z"), "value": 110}))
    };
    let plain = dir.path().join("a.ndjson");
    std::fs::write(&plain, (0..30).map(line).collect::<String>()).unwrap();
    let packed = dir.path().join("b.ndjson.gz");
    let mut encoder = flate2::write::GzEncoder::new(std::fs::File::create(&packed).unwrap(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, (20..40).map(line).collect::<String>().as_bytes()).unwrap();
    encoder.finish().unwrap();
    let data = dir.path().join("data");
    let (status, refused, total) = ingest(data.to_str().unwrap(), &[&plain, &packed]);
    assert_eq!((status, refused.len()), (Some(0), 0), "{total}");
    assert_eq!(sums(&total), [50, 40, 10, 0]);
    let (status, out, err) =
        run(vitalog().args(["sql", "--format", "csv", "--data"]).arg(&data).arg("select count(*) as n from bg"));
    assert_eq!((status, out.trim()), (Some(0), "n\n40"), "{err}");
}

#[test]
fn a_server_that_is_not_there_is_said_to_be_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.ndjson");
    std::fs::write(&file, "{\"subject\":\"p-1\",\"stream\":\"bg\",\"at\":\"2026-03-10T08:00:00Z\",\"value\":110}\n").unwrap();
    // Port 9 of this machine: nobody discards here.
    let (status, _, err) = run(vitalog().args(["ingest", "--to", "http://127.0.0.1:9"]).arg(&file));
    assert_eq!(status, Some(1));
    assert!(err.contains("can't be reached") && err.contains("send the files again"), "{err}");
}

/// A sensor's history in one request is one moment: of the silence that has been open since each of its readings, only where it comes to lie is told.
#[test]
fn a_backfill_does_not_tell_every_place_where_the_silence_lay() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let reading = |i: u32| json!({"subject": "p-1", "stream": "bg", "at": format!("2026-03-10T{:02}:{:02}:00Z", 8 + i / 12, i % 12 * 5), "value": 110});
    let body: String = (0..96).map(|i| format!("{}\n", reading(i))).collect();
    let position = server.readings(&body).ok().headers["vitalog-position"].to_str().unwrap().to_owned();
    let waits = &[("content-type", "application/json"), ("vitalog-position", &*position)];
    let query = json!({"sql": "select change, onset from matches where rule = 'sensor_silent' order by revision"});
    let told = server.try_send("POST", "/v1/sql", waits, query.to_string()).expect("the server answers").ok().json();
    let told = told.as_array().expect("rows");
    assert!((1..=2).contains(&told.len()), "{told:?}");
    assert!(told.last().unwrap()["onset"].as_str().unwrap().starts_with("2026-03-10T15:55:00"), "{told:?}");
    assert_eq!(server.stop(), Some(0));
}
