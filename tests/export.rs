//! `vitalog export` and its doors: what goes out is what SQL says, read by others; sent again it is nothing new; and what can't be had is told with a remedy.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::access::{ask, audit, bearer, everybody, serve, told};
use crate::support::need::{need, python_with};
use crate::support::server::{Server, root, run, vitalog};
use crate::support::story::{ndjson, readings};

/// What a command wrote to a file; and what it said.
fn export(to: &Path, args: &[&str]) -> Vec<u8> {
    let (status, out, err) = run(vitalog().arg("export").args(args).arg("--output").arg(to));
    assert_eq!(status, Some(0), "{args:?}: {out}{err}");
    assert!(out.is_empty() && err.contains("bytes"), "{out}{err}");
    std::fs::read(to).expect("the file is there")
}

/// What the script says of files.
fn read_by_others(python: &Path, args: &[&Path]) -> Value {
    let mut command = Command::new(python);
    let (status, out, err) = run(command.arg(root().join("tests/support/export.py")).args(args));
    assert_eq!(status, Some(0), "{args:?}: {out}{err}");
    serde_json::from_str(&out).expect("JSON")
}

/// Readings of every kind that a Bundle has a form for, some with what CSV has to escape.
fn odd() -> Vec<Value> {
    vec![
        json!({"id": "mmol", "subject": "p-001", "stream": "bg", "at": "2026-03-20T08:00:00Z", "value": "6.10 mmol/L", "source": "g7/8J 2K", "seq": 7}),
        json!({"id": "posed", "subject": "p-001", "stream": "bp", "at": "2026-03-20T08:01:00Z", "systolic": 128, "diastolic": 82, "pulse": 64, "posture": "sitting", "alarm_signs": false}),
        json!({"subject": "p-001", "stream": "carbs", "at": "2026-03-20T08:02:00Z", "amount": 30, "note": "two, \"slices\"\nand =1+1", "meal": " Lunch "}),
        json!({"subject": "p-001", "stream": "medication", "at": "2026-03-20T08:03:00Z", "kind": "basal", "rate": "0.85 U/h"}),
        json!({"subject": "p-001", "stream": "medication", "at": "2026-03-20T08:04:00Z", "kind": "oral", "drug": "metformin", "mass": "500 mg"}),
        json!({"subject": "p-001", "stream": "sleep", "start": "2026-03-20T23:00:00Z", "id": "open"}),
        json!({"subject": "p-001", "stream": "sleep", "start": "2026-03-19T23:00:00Z", "end": "2026-03-20T06:30:30Z", "deep": 90, "id": "night"}),
        json!({"subject": "p-001", "stream": "exercise", "start": "2026-03-20T17:00:00Z", "end": "2026-03-20T17:45:00Z", "intensity": "vigorous", "energy": "500 kJ", "id": "run"}),
        json!({"subject": "p-001", "stream": "spo2", "at": "2026-03-20T08:05:00Z", "saturation": 97}),
        json!({"subject": "p-001", "stream": "bg_limit", "at": "2026-03-20T08:07:00Z", "shown": "low", "bg_limit.source": "meter", "source": "m1", "id": "lo"}),
        json!({"subject": "p-001", "stream": "ketones", "at": "2026-03-20T08:06:00Z", "value": 0.4}),
    ]
}

/// A story with corrections and removals, of which a part has landed in files and a part has not; and somebody else.
fn story(data: &Path) -> Server {
    let server = Server::start(data, &["--land-every", "1"]);
    let (originals, corrections) = readings("p-001", 42);
    let (first, second) = originals.split_at(originals.len() / 2);
    server.readings(&ndjson(first)).ok();
    server.readings(&ndjson(&readings("p-002", 7).0)).ok();
    std::thread::sleep(std::time::Duration::from_millis(2_500));
    server.readings(&ndjson(second)).ok();
    server.readings(&ndjson(&corrections)).ok();
    let answer = server.readings(&ndjson(&odd())).ok().json();
    assert_eq!(answer["rejected"], 0, "{answer}");
    server
}

const FIGURES: &str = "select stream, count(*) as n, sum(cast(round(coalesce(bg_value, 0) * 1000) as bigint)) as glucose,
    sum(cast(round(coalesce(carbs_amount, 0) * 1000) as bigint)) as carbs from readings where subject = 'p-001' group by stream order by stream";

/// As the script says them.
fn figures(server: &Server) -> Value {
    let rows = server.sql(FIGURES);
    let rows = rows.as_array().expect("rows").iter();
    rows.map(|row| (row["stream"].as_str().expect("a stream").to_owned(), json!([row["n"], row["glucose"], row["carbs"]])))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[test]
fn tables_have_what_sql_says_and_rows_a_second_old() {
    let Some(python) = need("polars", python_with("polars, pyarrow")) else { return };
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = story(&data);
    let expected = figures(&server);
    let file = |name: &str| dir.path().join(name);
    let (parquet, arrow, csv) = (file("a.parquet"), file("a.arrow"), file("a.csv"));
    let sql = "select * from readings where subject = 'p-001' order by at";
    let of = |format: &str| ["--subject", "p-001", "--url", &server.url, "--format", format].map(str::to_owned);
    let subject = |path: &Path, format: &str| export(path, &of(format).each_ref().map(|arg| &**arg));
    subject(&parquet, "parquet");
    subject(&arrow, "arrow");
    export(&csv, &[sql, "--url", &server.url]);
    let said = read_by_others(&python, &[Path::new("tables"), &parquet, &arrow, &csv]);
    for by in ["polars", "pyarrow", "arrow", "csv"] {
        assert_eq!(said[by], expected, "{by}");
    }
    assert_eq!(said["unit"], "mg/dL");
    // The other way round: a statement as Parquet and Arrow, and the same from a directory that no server holds.
    assert_eq!(server.stop(), Some(0));
    let at = data.to_str().unwrap();
    export(&parquet, &[sql, "--data", at, "--format", "parquet"]);
    export(&arrow, &[sql, "--data", at, "--format", "arrow"]);
    let again = read_by_others(&python, &[Path::new("tables"), &parquet, &arrow, &csv]);
    assert_eq!((&again["polars"], &again["arrow"]), (&expected, &expected));
}

#[test]
fn a_subject_as_csv_sent_again_is_nothing_new() {
    let dir = tempfile::tempdir().unwrap();
    let server = story(&dir.path().join("data"));
    let file = dir.path().join("p-001.csv");
    let bytes = export(&file, &["--subject", "p-001", "--url", &server.url]);
    let n = server.sql("select count(*) as n from readings where subject = 'p-001'")[0]["n"].as_u64().expect("a number");
    let text = String::from_utf8(bytes).expect("UTF-8");
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let names = rows.headers().expect("names").clone();
    let place = |name: &str| names.iter().position(|n| n == name).unwrap_or_else(|| panic!("{name}: {names:?}"));
    let records: Vec<csv::StringRecord> = rows.records().map(|row| row.expect("a row")).collect();
    assert_eq!(records.len() as u64, n);
    let named = |id: &str| records.iter().find(|r| &r[place("id")] == id).unwrap_or_else(|| panic!("{id}"));
    assert_eq!(&named("mmol")[place("value")], "6.10 mmol/L");
    assert_eq!((&named("mmol")[place("source")], &named("mmol")[place("seq")]), ("g7/8J 2K", "7"));
    assert_eq!(&named("run")[place("energy")], "500 kJ");
    assert!(records.iter().any(|r| &r[place("note")] == "two, \"slices\"\nand =1+1" && &r[place("meal")] == " Lunch "));
    assert_eq!(&named("lo")[place("bg_limit.source")], "meter");
    let again = server.try_send("POST", "/v1/readings", &[("content-type", "text/csv")], text.clone()).expect("an answer");
    let again = again.ok().json();
    assert_eq!((&again["accepted"], &again["rejected"], &again["duplicate"]), (&json!(0), &json!(0), &json!(n)));
    // And elsewhere it is the same timeline.
    let other = Server::start(&dir.path().join("other"), &[]);
    other.try_sent("text/csv", text).expect("an answer").ok();
    let what = "select id, stream, at, start_at, end_at, rev, source, seq, as_sent, bg_value, carbs_amount, carbs_note, bp_systolic from readings
        where subject = 'p-001' and stream <> 'contact' order by stream, coalesce(at, start_at), id, as_sent";
    assert_eq!(other.sql(what), server.sql(what));
    assert_eq!((server.stop(), other.stop()), (Some(0), Some(0)));
}

#[test]
fn a_bundle_is_fhir_and_leaves_nothing_out() {
    let Some(python) = need("fhir.resources", python_with("fhir.resources.R4B.bundle")) else { return };
    let dir = tempfile::tempdir().unwrap();
    let server = story(&dir.path().join("data"));
    let file = dir.path().join("p-001.fhir.json");
    export(&file, &["--subject", "p-001", "--url", &server.url, "--format", "fhir"]);
    let said = read_by_others(&python, &[Path::new("fhir"), &file]);
    let n = server.sql("select count(*) as n from readings where subject = 'p-001'")[0]["n"].as_u64().expect("a number");
    assert_eq!((&said["type"], said["entries"].as_u64()), (&json!("collection"), Some(n + 1)));
    let resources = said["resources"].as_array().expect("resources");
    assert_eq!(resources[0]["resourceType"], "Patient");
    assert_eq!(resources[0]["identifier"][0], json!({"system": "urn:vitalog:subject", "value": "p-001"}));
    let amended = resources.iter().filter(|r| r["status"] == "amended").count() as u64;
    let corrected = server.sql("select count(*) as n from readings where subject = 'p-001' and rev > 1")[0]["n"].as_u64();
    assert!(amended > 5 && Some(amended) == corrected, "{amended} {corrected:?}");
    let removed = server.sql("select id from readings_history where subject = 'p-001' and reason = 'removed'");
    let removed: Vec<&str> = removed.as_array().expect("rows").iter().filter_map(|row| row["id"].as_str()).collect();
    assert!(!removed.is_empty());
    assert!(resources.iter().all(|r| !removed.contains(&r["identifier"][0]["value"].as_str().unwrap_or_default())));
    each_kind(resources);
    assert_eq!(server.stop(), Some(0));
}

/// What single resources say. The script reads numbers as the texts they are.
fn each_kind(resources: &[Value]) {
    let named = |id: &str| resources.iter().find(|r| r["identifier"][0]["value"] == id).unwrap_or_else(|| panic!("{id}"));
    let loinc = |concept: &Value| -> Vec<String> {
        let codings = concept["coding"].as_array().expect("codings").iter().filter(|c| c["system"] == "http://loinc.org");
        codings.map(|c| c["code"].as_str().expect("a code").to_owned()).collect()
    };
    let glucose = named("mmol");
    let quantity = json!({"value": "6.10", "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"});
    assert_eq!((&glucose["valueQuantity"], loinc(&glucose["code"])), (&quantity, vec!["15074-8".to_owned()]));
    assert_eq!(glucose["meta"]["source"], "urn:vitalog:source:g7%2F8J%202K");
    assert_eq!((&glucose["status"], &glucose["effectiveDateTime"]), (&json!("final"), &json!("2026-03-20T08:00:00Z")));
    let mass = resources.iter().find(|r| r["valueQuantity"]["code"] == "mg/dL").expect("glucose in mg/dL");
    assert_eq!(loinc(&mass["code"]), ["2339-0"]);
    let pressure = named("posed");
    assert_eq!(loinc(&pressure["code"]), ["85354-9"]);
    let parts = pressure["component"].as_array().expect("components");
    let of = |code: &str| parts.iter().find(|p| loinc(&p["code"]) == [code]).map(|p| p["valueQuantity"].clone());
    let mmhg =
        |value: &str| Some(json!({"value": value, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}));
    assert_eq!((of("8480-6"), of("8462-4")), (mmhg("128"), mmhg("82")));
    assert_eq!(of("8867-4").expect("the pulse")["value"], "64");
    assert!(parts.iter().any(|p| p["valueCodeableConcept"]["coding"][0]["code"] == "sitting"));
    assert!(parts.iter().any(|p| p["valueBoolean"] == false));
    assert_eq!((&named("open")["status"], &named("open")["effectivePeriod"]["end"]), (&json!("preliminary"), &Value::Null));
    assert_eq!(
        (&named("night")["valueQuantity"]["value"], &named("night")["valueQuantity"]["code"]),
        (&json!("27030"), &json!("s"))
    );
    assert_eq!((&named("run")["valueQuantity"]["value"], &named("run")["valueQuantity"]["code"]), (&json!("45"), &json!("min")));
    let given = |code: &str, part: &str| {
        resources
            .iter()
            .find(|r| r["resourceType"] == "MedicationAdministration" && r["dosage"][part]["code"] == code)
            .expect("a dose")
    };
    assert_eq!(given("[iU]", "dose")["medicationCodeableConcept"]["coding"][0]["code"], "A10AB");
    let rate = given("[iU]/h", "rateQuantity");
    assert_eq!((&rate["status"], &rate["dosage"]["rateQuantity"]["value"]), (&json!("unknown"), &json!("0.85")));
    assert_eq!(given("mg", "dose")["medicationCodeableConcept"]["text"], "metformin");
    let device = resources.iter().find(|r| r["code"]["coding"][0]["code"] == "device").expect("a device");
    assert_eq!(device["component"][0]["code"]["coding"][0]["system"], "urn:vitalog:field");
}

#[test]
fn who_may_not_gets_nothing_and_who_asks_wrongly_is_told_what_is_right() {
    let dir = tempfile::tempdir().unwrap();
    let tokens = everybody(dir.path());
    let server = serve(dir.path(), &[]);
    let service = tokens.last().expect("a token").clone();
    let readings = r#"[{"subject":"p-1","stream":"bg","at":"2026-03-10T08:00:00Z","value":100,"id":"a"},
        {"subject":"p-3","stream":"bg","at":"2026-03-10T08:00:00Z","value":200,"id":"b"},
        {"subject":"p-4","stream":"bg","at":"2026-03-10T08:00:00Z","value":210,"id":"c"},{"subject":"p-4","id":"c","rev":2,"removed":true}]"#;
    let position = ask(&server, &service, "POST", "/v1/readings", readings).ok();
    let position = position.headers["vitalog-position"].to_str().unwrap().to_owned();
    let send = |token: &str, method: &str, path: &str, more: (&str, &str), body: &str| {
        let auth = bearer(token);
        let headers = [("authorization", &*auth), ("vitalog-position", &*position), more];
        server.try_send(method, path, &headers, body.to_owned()).expect("an answer")
    };
    const TEXT: (&str, &str) = ("content-type", "text/plain");
    let (patient, other) = (&tokens[1], &tokens[2]);
    // The row filter: a patient's `readings` are the patient's own, whatever the statement.
    let all = "select subject, value from bg order by subject";
    assert_eq!(send(patient, "POST", "/v1/export", TEXT, all).ok().body, "subject,value\np-1,100.0\n");
    assert_eq!(send(other, "POST", "/v1/export", TEXT, all).ok().body, "subject,value\np-3,200.0\n");
    let own = send(patient, "GET", "/v1/subjects/p-1/export?to=2026-03-10T09:00:00Z", ("accept", "text/csv"), "").ok();
    assert_eq!(own.headers["content-disposition"], "attachment; filename=\"p-1.csv\"");
    assert!(own.body.starts_with("subject,stream,at,start,end,id,rev,source,seq,value,"), "{}", own.body);
    assert!(own.body.contains("\np-1,bg,2026-03-10T08:00:00Z,,,a,1,,,100,"), "{}", own.body);
    assert_eq!(send(&service, "GET", "/v1/subjects/p-1/export?from=2027-01-01T00:00:00Z", TEXT, "").ok().body.lines().count(), 1);
    // Whose readings were all removed is no stranger.
    assert!(send(&service, "GET", "/v1/subjects/p-4/export?format=fhir", TEXT, "").ok().json()["entry"].is_array());
    for (token, method, path, more, body, status, code) in [
        (other, "GET", "/v1/subjects/p-1/export", TEXT, "", 403, "forbidden"),
        (&service, "GET", "/v1/subjects/nobody/export?format=fhir", TEXT, "", 404, "unknown_subject"),
        (&service, "GET", "/v1/subjects/.x/export", TEXT, "", 400, "invalid_subject"),
        (&service, "GET", "/v1/subjects/p-1/export?format=xlsx", TEXT, "", 400, "unknown_format"),
        (&service, "GET", "/v1/subjects/p-1/export", ("accept", "image/png"), "", 406, "unknown_format"),
        (&service, "GET", "/v1/subjects/p-1/export?from=yesterday", TEXT, "", 400, "malformed"),
        (&service, "GET", "/v1/subjects/p-1/export?form=csv", TEXT, "", 400, "bad_query"),
        (&service, "POST", "/v1/export?format=fhir", TEXT, "select 1", 400, "unknown_format"),
        (&service, "POST", "/v1/export", TEXT, "delete from readings", 403, "sql_not_allowed"),
        (&service, "POST", "/v1/export", TEXT, "copy readings to '/tmp/x'", 403, "sql_not_allowed"),
        (&service, "POST", "/v1/export", TEXT, "select nothing from bg", 400, "sql_invalid"),
        (&service, "POST", "/v1/export", TEXT, "", 400, "sql_empty"),
        (&service, "POST", "/v1/export", ("content-type", "image/png"), "x", 415, "wrong_content_type"),
        (patient, "POST", "/v1/export", TEXT, "explain select 1", 403, "sql_not_allowed"),
        (patient, "POST", "/v1/export", TEXT, "select * from dead_letters", 400, "sql_invalid"),
        (&tokens[0], "POST", "/v1/export", TEXT, "select 1", 403, "not_permitted"),
    ] {
        let answer = send(token, method, path, more, body);
        assert_eq!((answer.status, &answer.json()["code"]), (status, &json!(code)), "{method} {path} {body}: {}", answer.body);
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{path}");
        assert!(answer.json()["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()), "{}", answer.body);
    }
    assert_eq!(server.stop(), Some(0));
    let (_, log, _) = audit(dir.path(), &["--subject", "p-1"]);
    for (door, status) in [
        ("GET /v1/subjects/{subject}/export", 200),
        ("GET /v1/subjects/{subject}/export", 403),
        ("POST /v1/export", 200),
        ("POST /v1/export", 403),
    ] {
        assert!(
            log.iter().any(|line| line["entry"]["door"] == door && line["entry"]["status"] == status),
            "{door} {status}: {log:?}"
        );
    }
}

#[test]
fn a_command_used_wrongly_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let token = told(&data, "token", &["add", "root"]);
    let server = serve(&data, &[]);
    let file = dir.path().join("out.csv");
    for (args, status, said) in [
        (&["select 1 as one", "--format", "fhir", "--url", &server.url][..], 2, "give --subject"),
        (&["--subject", "a b", "--url", &server.url], 2, "be the name of a subject"),
        (&["--subject", "p-1", "--from", "yesterday", "--url", &server.url], 2, "is no instant"),
        (&["--subject", "p-1"], 2, "whom to ask?"),
        (&["--url", &server.url], 2, "required"),
        (&["--subject", "p-1", "select 1", "--url", &server.url], 2, "cannot be used with"),
        (&["--subject", "p-1", "--data", "/nowhere"], 2, "is no data directory"),
        (&["--subject", "p-1", "--url", &server.url, "--token", &token], 1, "there are no readings of this subject"),
        (&["drop table bg", "--url", &server.url, "--token", &token], 1, "DROP is not allowed"),
        (&["select 1 as one", "--url", &server.url, "--token", "vitalog_0000"], 1, "token"),
    ] {
        let (got, out, err) = run(vitalog().arg("export").args(args).arg("--output").arg(&file));
        assert_eq!(got, Some(status), "{args:?}: {out}{err}");
        assert!(err.contains(said), "{args:?}: {err}");
    }
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["data"]);
    let (status, out, err) = run(vitalog().args(["export", "select 1 as one", "--url", &server.url, "--token", &token]));
    assert_eq!((status, &*out), (Some(0), "one\n1\n"), "{err}");
    assert_eq!(server.stop(), Some(0));
}
