//! `vitalog audit journal`, from outside: sound is said of what is sound, and of nothing else; keys can be exchanged meanwhile.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::server::{Server, run, vitalog};
use crate::support::story::{ndjson, readings};

fn audit(data: &Path) -> (Option<i32>, Value, String) {
    let (status, out, err) = run(vitalog().args(["audit", "journal", "--format", "json", "--data"]).arg(data));
    (status, serde_json::from_str(&out).unwrap_or_default(), err)
}

fn written(data: &Path) {
    let server = Server::start(data, &[]);
    for subject in ["p-1", "p-2"] {
        server.readings(&ndjson(&readings(subject, 3).0)).ok();
    }
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn sound_is_said_of_what_is_sound() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    assert_eq!(audit(&data).0, Some(2), "no data directory");
    written(&data);
    let (status, told, err) = audit(&data);
    assert_eq!(status, Some(0), "{told} {err}");
    assert_eq!(
        (&told["sound"], &told["damage"], &told["erased"], &told["in_clear"]),
        (&json!(true), &json!([]), &json!(0), &json!(0))
    );
    let count = |kind: &str| told["kinds"][kind].as_u64().expect("a count");
    assert!(count("reading") > 1_000 && count("rules") == 1, "{told}");
    let all: u64 = told["kinds"].as_object().expect("kinds").values().filter_map(Value::as_u64).sum();
    assert_eq!(Some(all), told["inputs"].as_u64());
    assert_eq!(told["keys"], json!({"held": 2, "unused": 0, "destroyed": 0, "erasure_unfinished": false}));
    let (status, out, _) = run(vitalog().args(["audit", "journal", "--data"]).arg(&data));
    assert_eq!(status, Some(0));
    assert!(out.ends_with("sound\n") && out.contains(" inputs in "), "{out}");

    for arguments in [&["rotate", "p-1"][..], &["rotate-kek"]] {
        let (status, _, err) = run(vitalog().args(["keys", "--data"]).arg(&data).args(arguments));
        assert_eq!(status, Some(0), "{err}");
    }
    let (status, told, err) = audit(&data);
    assert_eq!((status, &told["keys"]["held"], &told["keys"]["unused"]), (Some(0), &json!(3), &json!(1)), "{err}");

    let elsewhere = dir.path().join("elsewhere");
    let (status, _, err) = run(vitalog().args(["keys", "--data"]).arg(&data).arg("move-kek").arg(&elsewhere));
    assert_eq!(status, Some(0), "{err}");
    let (status, told, _) = audit(&data);
    assert_eq!((status, &told["keys"], &told["damage"][0]["code"]), (Some(1), &Value::Null, &json!("keys")), "{told}");
    assert_eq!(told["kinds"]["rules"], 1, "what takes no key is verified all the same");
    let (status, out, err) = run(vitalog().env("VITALOG_KEK_FILE", &elsewhere).args(["audit", "journal", "--data"]).arg(&data));
    assert_eq!(status, Some(0), "{out}{err}");
    let given = std::fs::read_to_string(&elsewhere).expect("there");
    let (status, out, err) = run(vitalog().env("VITALOG_KEK", given.trim()).args(["audit", "journal", "--data"]).arg(&data));
    assert_eq!(status, Some(0), "{out}{err}");
    let (status, _, err) = run(vitalog().env("VITALOG_KEK", "short").args(["audit", "journal", "--data"]).arg(&data));
    assert_eq!(status, Some(2), "{err}");
}

#[test]
fn damage_is_named_with_its_offset() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    written(&data);
    let db = rusqlite::Connection::open(data.join("journal.db")).expect("opened");
    let first: i64 = db.query_row("SELECT max(first) FROM groups WHERE count > 100", [], |r| r.get(0)).expect("a group");
    db.execute("UPDATE groups SET payload = zeroblob(length(payload)) WHERE first = ?1", [first]).expect("bent");
    drop(db);
    let (status, told, err) = audit(&data);
    assert_eq!((status, &told["sound"]), (Some(1), &json!(false)), "{err}");
    assert_eq!((&told["damage"][0]["offset"], &told["damage"][0]["code"]), (&json!(first), &json!("bad_checksum")), "{told}");
    assert!(err.contains("the journal is damaged in 1 place"), "{err}");
    let (_, out, _) = run(vitalog().args(["audit", "journal", "--data"]).arg(&data));
    assert!(out.contains(&format!("damage: the group at offset {first} is damaged")), "{out}");
}
