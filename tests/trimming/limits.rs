//! What is not let go, is not answered, or is not made again: each is named.

use std::process::Command;

use serde_json::{Value, json};
use vitalog_elog::ReadingId;

use super::{House, RULES, accounts, audit, is_sound, snapshots, trim, trimming};
use crate::support::server::{Server, refused, run, vitalog};
use crate::support::story::at;

/// What keeps the journal is named, and goes when it is gone.
#[test]
fn what_is_in_the_way_is_named() {
    let house = House::new(RULES);
    let data = house.path("data");
    house.lived(&data, 6);
    let (status, _, err) = trimming(&data, &[]);
    assert!(status == Some(2) && err.contains("nothing says for how long") && err.contains("--retain-journal TIME"), "{err}");
    for (text, named) in [("0months", "0months"), ("90days", "90days"), ("bg=3months", "names a stream")] {
        let (status, _, err) = trimming(&data, &["--retain-journal", text]);
        assert!(status == Some(2) && err.contains("--retain-journal") && err.contains(named), "{text}: {err}");
    }
    let keep = ["--retain-journal", "5months"];
    let (_, dry, err) = trimming(&data, &[&keep[..], &["--dry-run"]].concat());
    assert!(dry["begins"].as_u64() > Some(100) && dry["dry_run"] == true, "{dry}{err}");
    assert_eq!((is_sound(&data), &dry["kept_by"]), (Value::Null, &json!([])), "nothing went");
    // Who is held keeps what came since they came, which is nearly all.
    let hold = |what: &str| {
        let (status, _, err) = run(vitalog().args(["hold", "--data"]).arg(&data).args([what, "p-1", "--reason", "order 12/26"]));
        assert_eq!(status, Some(0), "{err}");
    };
    hold("add");
    let held = trim(&data, 5);
    assert!(held["begins"].as_u64() < Some(10) && held["kept_by"][0]["what"] == "hold", "{held}");
    hold("release");
    // A stage that differs could be made again until now.
    let views = rusqlite::Connection::open(data.join("views.db")).unwrap();
    views
        .execute_batch(
            "create temp table aside as select * from readings limit 1; delete from readings where (subject, id) = (select subject, id from aside)",
        )
        .unwrap();
    let differs = trim(&data, 5);
    assert_eq!((&differs["begins"], &differs["kept_by"][0]["what"]), (&held["begins"], &json!("accounts")), "{differs}");
    views.execute_batch("insert into readings select * from aside").unwrap();
    drop(views);
    let gone = trim(&data, 5);
    assert_eq!(gone["begins"], dry["begins"], "{gone}");
}

#[test]
fn questions_to_the_beginning_say_that_it_is_gone() {
    let house = House::new(RULES);
    let data = house.path("data");
    house.lived(&data, 6);
    let begins = trim(&data, 5)["begins"].as_u64().unwrap();
    // What goes to the beginning says so.
    let named = |command: &mut Command, remedy: &str| {
        let (status, _, err) = run(command);
        let offset = format!("the journal begins at offset {begins}");
        assert!(status == Some(1) && err.contains(&offset) && err.contains(remedy), "{status:?} {err}");
    };
    named(vitalog().args(["why", "--rule", "low", "--subject", "p-0", "--at", &at(780), "--data"]).arg(&data), "--url");
    let rules = house.rules.to_str().unwrap();
    named(
        vitalog().args(["backtest", "--rules", rules, "--input", "lake", "--as-known", "--data"]).arg(&data),
        "leave --as-known out",
    );
    let (status, _, err) = run(vitalog().args(["backtest", "--rules", rules, "--input", "lake", "--data"]).arg(&data));
    assert_eq!(status, Some(0), "{err}");
    // A reading from before: views and lake have it, the journal not any more.
    let server = house.start(&data);
    let receipt = |minute: u64| {
        let answer = server.get(&format!("/v1/subjects/p-0/readings/g{minute}/receipt"));
        (answer.status == 200).then(|| answer.json()["revisions"][0].clone())
    };
    let all: Vec<Value> = (0..80).filter_map(|n| receipt(n * 5)).collect();
    let trimmed = all.iter().filter(|found| found["trimmed"] == true).count();
    assert!(trimmed > 5 && trimmed < all.len() - 5, "{trimmed} of {}", all.len());
    for found in all {
        assert_eq!(found["trimmed"] == true, found["journal"].is_null(), "{found}");
        assert!(!found["lake"].as_array().unwrap().is_empty() && found["views"]["table"].is_string(), "{found}");
    }
    assert_eq!(server.stop(), Some(0));
    // Rows that went from the lake can't be fed to it again.
    let serve = |keep: &str| {
        let mut command = vitalog();
        command.args(["serve", "--open", "--listen", "127.0.0.1:0", "--rules", rules, "--retain", keep, "--data"]).arg(&data);
        command
    };
    let server = Server::spawn(serve("2months"));
    assert_eq!(server.stop(), Some(0));
    named(&mut serve("4months"), "say it as it was");
    house.settle(&data);
}

/// Where subjects share readings nobody could be erased any more, so nothing goes; and where they came to share them since, an erasure is refused before a key is gone.
#[test]
fn nothing_goes_that_an_erasure_would_need() {
    let shared = "use health\nstream booking by guest, also by card { card text price count }\nrule dear { severity warning when booking.price > 700 count }\n";
    let house = House::new(shared);
    let data = house.path("data");
    house.lived(&data, 7);
    let kept = trim(&data, 5);
    assert_eq!((&kept["begins"], &kept["kept_by"][0]["what"]), (&json!(0), &json!("shared_readings")), "{kept}");

    let house = House::new(RULES);
    let data = house.path("data");
    house.lived(&data, 8);
    trim(&data, 5);
    std::fs::write(
        house.rules.join("own.rules"),
        format!("{RULES}\nstream booking by guest, also by card {{ card text price count }}\n"),
    )
    .unwrap();
    house.settle(&data);
    let (status, _, err) = run(vitalog().args(["erase", "--subject", "p-1", "--data"]).arg(&data));
    assert!(status == Some(1) && err.contains("subjects share readings") && err.contains("begins at offset"), "{err}");
    assert_eq!(audit(&data, &["journal"]).1["keys"]["destroyed"], 0);
    house.settle(&data);
}

/// What differs is made again where all of it came since, and else left as it is: nobody can say any more who is right.
#[test]
fn what_came_since_is_repaired_and_what_came_before_is_not() {
    let house = House::new(RULES);
    let data = house.path("data");
    house.lived(&data, 10);
    trim(&data, 5);
    let server = house.start(&data);
    let receipt = |minute: u64| {
        let answer = server.get(&format!("/v1/subjects/p-0/readings/g{minute}/receipt"));
        let revisions = (answer.status == 200).then(|| answer.json()["revisions"].as_array().unwrap().clone())?;
        (revisions.len() == 1).then(|| (format!("g{minute}"), revisions[0]["trimmed"] == true))
    };
    let all: Vec<(String, bool)> = (0..200).filter_map(|n| receipt(n * 5)).collect();
    assert_eq!(server.stop(), Some(0));
    let one_of = |is_trimmed: bool| all.iter().find(|(_, trimmed)| *trimmed == is_trimmed).expect("there are both").0.clone();
    for (id, is_trimmed) in [(one_of(false), false), (one_of(true), true)] {
        let views = rusqlite::Connection::open(data.join("views.db")).unwrap();
        let key = ReadingId::given(&id).0.to_be_bytes();
        views.execute_batch("create temp table aside as select * from readings limit 0").unwrap();
        let of_it = "from readings where id = ?1 and subject = (select subject from subjects where name = 'p-0')";
        assert_eq!(views.execute(&format!("insert into aside select * {of_it}"), [key]).unwrap(), 1);
        assert_eq!(views.execute(&format!("delete {of_it}"), [key]).unwrap(), 1);
        let (status, found, _) = audit(&data, &[]);
        let kind = if is_trimmed { "foreign" } else { "lost" };
        assert_eq!(
            (status, &found["differences"][0]["id"], &found["differences"][0]["kind"]),
            (Some(1), &json!(id), &json!(kind))
        );
        let (status, found, err) = audit(&data, &["--repair"]);
        if is_trimmed {
            assert!(
                status == Some(1) && err.contains("nobody can say whether it ever had") && err.contains("restore a backup"),
                "{err}"
            );
            views.execute_batch("insert into readings select * from aside").unwrap();
        } else {
            assert_eq!((status, &found["equal"]), (Some(0), &json!(true)), "{found}{err}");
        }
        drop(views);
        accounts(&data);
    }
    // A whole stage is not made again either.
    std::fs::remove_dir_all(data.join("lake/readings_history")).unwrap();
    let err = refused(&data);
    assert!(err.contains("lake: ") && err.contains("it can't be made again: the journal begins at offset"), "{err}");
}

/// An erasure that can't be cut out stays unfinished, and nobody sees what is left until it is.
#[test]
fn an_erasure_that_can_not_be_cut_out_is_finished_when_it_can() {
    let house = House::new(RULES);
    let data = house.path("data");
    house.lived(&data, 11);
    trim(&data, 5);
    let month = std::fs::read_dir(data.join("lake/readings")).unwrap().map(|entry| entry.unwrap().path());
    let month = month.filter(|path| path.is_dir() && !path.ends_with("_delta_log")).min().unwrap();
    // All of them: some may be of former versions.
    let files = std::fs::read_dir(month).unwrap().map(|entry| entry.unwrap().path());
    let whole: Vec<(std::path::PathBuf, Vec<u8>)> = files.map(|file| (file.clone(), std::fs::read(&file).unwrap())).collect();
    whole.iter().for_each(|(file, bytes)| std::fs::write(file, &bytes[..bytes.len() / 2]).unwrap());
    let (status, _, err) = run(vitalog().args(["erase", "--subject", "p-1", "--data"]).arg(&data));
    assert!(status == Some(1) && err.contains("cut out of the lake") && err.contains("begins at offset"), "{err}");
    let err = refused(&data);
    assert!(err.contains("cut out of the lake") && err.contains("restore a backup"), "{err}");
    assert!(data.join("views.db").is_file() && !snapshots(&data, "snapshot").is_empty(), "nothing was removed");
    whole.iter().for_each(|(file, bytes)| std::fs::write(file, bytes).unwrap());
    let server = house.start(&data);
    assert_eq!(server.get("/v1/subjects/p-1/recommendations").status, 404);
    assert_eq!(server.sql("select count(*) as n from readings where subject = 'p-1'"), json!([{"n": 0}]));
    assert_eq!(server.stop(), Some(0));
    accounts(&data);
}
