//! What a backtest measures, what two versions of a rule find otherwise, and what was known when.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::server::{Server, run, vitalog};
use crate::support::story::{Numbers, ndjson, readings};

const LOW: &str = "rule low \"Low\" { severity warning, urgent when bg.value < 54 mg/dL when bg.value < 70 mg/dL for 15 min gap 20 min notify urgent }\n";
const FALLING: &str = "rule falling \"Falling\" { severity info when bg.value < 90 mg/dL notify routine }\n";

fn write(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn rules(dir: &Path, name: &str, rules: &[&str]) -> PathBuf {
    write(dir, name, &format!("use health\n{}", rules.concat()))
}

/// A low that is treated five minutes after it became worse, of `p`; one that nothing is done about and that ends by itself, of `q`; and one whose time is
/// not over when the history ends, of `r`.
fn history(dir: &Path) -> PathBuf {
    let mut lines = String::new();
    let mut bg = |subject: &str, of: &[(&str, u32)]| {
        for (at, value) in of {
            let at = format!("2026-01-05T{at}:00Z");
            lines += &format!("{{\"subject\":\"{subject}\",\"stream\":\"bg\",\"at\":\"{at}\",\"value\":\"{value} mg/dL\"}}\n");
        }
    };
    bg("p", &[("01:30", 85), ("01:45", 75), ("02:00", 68), ("02:15", 62), ("02:25", 50), ("02:55", 105)]);
    bg("q", &[("02:00", 68), ("02:15", 66), ("02:30", 95)]);
    bg("r", &[("03:00", 85), ("03:10", 84)]);
    lines += "{\"subject\":\"p\",\"stream\":\"carbs\",\"at\":\"2026-01-05T02:30:00Z\",\"amount\":\"15 g\"}\n";
    write(dir, "history.ndjson", &lines)
}

fn backtest(arguments: &[&str], paths: &[(&str, &Path)]) -> (Option<i32>, String, String) {
    let mut command = vitalog();
    command.arg("backtest").args(arguments);
    for (name, path) in paths {
        command.arg(name).arg(path);
    }
    run(&mut command)
}

fn lines(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_became_of_alarms_is_measured() {
    let dir = tempfile::tempdir().unwrap();
    let (rules, input) = (rules(dir.path(), "a.rules", &[LOW, FALLING]), history(dir.path()));
    let paths = [("--rules", &*rules), ("--input", &*input)];
    let (status, out, err) = backtest(&["--summary", "--format", "json"], &paths);
    assert_eq!(status, Some(0), "{err}");
    let rows = lines(&out);
    let low = &rows[1];
    assert_eq!(low["rule"], "low");
    assert_eq!(low["followed"].to_string(), r#"{"of":2,"by_action":1,"by_recovery":1,"by_either":2}"#, "{low}");
    assert_eq!(low["lead"].to_string(), r#"{"median_seconds":600,"worse":1,"of":2}"#, "{low}");
    assert_eq!(low["told_per_subject_day"].to_string(), "0.6666666666666666");
    // Of `r` nothing is known yet, of `p` nothing was done in half an hour.
    assert_eq!(rows[0]["followed"].to_string(), r#"{"of":2,"by_action":0,"by_recovery":1,"by_either":1}"#, "{}", rows[0]);
    assert_eq!(rows[0]["lead"], Value::Null, "it can't become worse");
    let (_, out, _) = backtest(&["--summary", "--format", "json", "--lead-to", "low"], &paths);
    // It warned `p` 45 minutes before, `q` 15, and `r` may yet become low.
    assert_eq!(lines(&out)[0]["lead"].to_string(), r#"{"median_seconds":1800,"worse":2,"of":2}"#);
    let (_, out, _) = backtest(&["--summary", "--format", "json", "--lead-to", "low", "--lead-within", "30"], &paths);
    assert_eq!(lines(&out)[0]["lead"].to_string(), r#"{"median_seconds":900,"worse":1,"of":2}"#);
    let (_, out, _) = backtest(&["--summary", "--action", "bp"], &paths);
    assert!(out.lines().nth(2).unwrap().contains("50 % of 2  10 min (1 of 2)  1 urgent, 1 warning"), "{out}");
    for (wrong, says) in [
        (["--action", "meals"], "--action meals: the rules declare no such stream"),
        (["--lead-to", "lows"], "--lead-to lows: there is no such rule"),
    ] {
        let (status, _, err) = backtest(&[&["--summary"][..], &wrong].concat(), &paths);
        assert_eq!(status, Some(2), "{err}");
        assert!(err.contains(says) && err.contains("help: "), "{err}");
    }
}

#[test]
fn two_versions_of_rules_are_told_apart_over_the_same_readings() {
    let dir = tempfile::tempdir().unwrap();
    let stricter = LOW.replace("< 70 mg/dL for 15 min", "< 64 mg/dL for 10 min");
    let (old, new) = (rules(dir.path(), "old.rules", &[LOW, FALLING]), rules(dir.path(), "new.rules", &[&stricter, FALLING]));
    let input = history(dir.path());
    let paths = [("--rules", &*new), ("--against", &*old), ("--input", &*input)];
    let (status, out, err) = backtest(&[], &paths);
    assert_eq!(status, Some(0), "{err}");
    let text: Vec<&str> = out.lines().collect();
    assert_eq!(text[0], "rule     only old  only new  both the same  both, changed");
    assert_eq!(text[1], "falling         0         0              3              0");
    assert_eq!(text[2], "low             1         0              0              1");
    assert_eq!(
        text[5],
        "p  low  2026-01-05T02:00:00Z  changed: onset 2026-01-05T02:00:00Z is now 2026-01-05T02:15:00Z; at 2026-01-05T02:15:00Z is now \
         2026-01-05T02:25:00Z"
    );
    assert!(text[6].starts_with("q  low  2026-01-05T02:00:00Z  only old: resolved warning"), "{}", text[6]);
    let (_, out, _) = backtest(&["--format", "json", "--threads", "3"], &paths);
    let json = lines(&out);
    assert_eq!(json[2].to_string(), r#"{"only_old":1,"only_new":0,"same":3,"changed":1}"#);
    assert_eq!((&json[3]["difference"], &json[3]["subject"]), (&"changed".into(), &"p".into()));
    assert_eq!(json[3]["what"]["onset"]["new"], "2026-01-05T02:15:00Z");
    assert_eq!((&json[4]["difference"], &json[4]["new"]), (&"only_old".into(), &Value::Null));
    // A stream that only the new rules declare.
    let more = "stream scale { value mass in kg }\nrule heavy { severity info when scale.value > 100 kg }\n";
    let new = rules(dir.path(), "more.rules", &[LOW, FALLING, more]);
    let weight = "{\"subject\":\"p\",\"stream\":\"scale\",\"at\":\"2026-01-05T04:00:00Z\",\"value\":\"120 kg\"}\n";
    let weight = write(dir.path(), "weight.ndjson", weight);
    let (status, out, err) =
        backtest(&["--input", input.to_str().unwrap()], &[("--input", &weight), ("--rules", &new), ("--against", &old)]);
    assert_eq!(status, Some(0), "{err}");
    assert!(out.contains("heavy           0         1              0              0"), "{out}");
    assert!(out.contains("all             0         1              5              0"), "{out}");
}

/// Rule, onset and content of what stands when all that was said is told.
fn standing(findings: impl IntoIterator<Item = Value>) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for mut finding in findings {
        let key = format!("{} {} {}", finding["subject"], finding["rule"], finding["onset"]);
        // By what name it is known, and whether it was told, is history.
        for history in ["id", "quiet"] {
            finding.as_object_mut().unwrap().remove(history);
        }
        all.insert(key, finding.to_string());
    }
    all
}

#[test]
fn what_was_known_when_comes_to_what_stands() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = Server::start(&data, &[]);
    let mut all: Vec<Value> = ["p-001", "p-002"]
        .iter()
        .zip([42, 11])
        .flat_map(|(s, seed)| {
            let (originals, corrections) = readings(s, seed);
            originals.into_iter().chain(corrections)
        })
        .collect();
    Numbers(5).shuffle(&mut all);
    all.chunks(97).for_each(|part| drop(server.readings(&ndjson(part)).ok()));
    assert_eq!(server.stop(), Some(0));
    let now = jiff::Timestamp::now().to_string();
    let over = |more: &[&str]| {
        let (status, out, err) =
            backtest(&[&["--format", "json", "--input", "lake", "--now", &now], more].concat(), &[("--data", &data)]);
        assert_eq!((status, &*err), (Some(0), ""), "without a terminal nothing is said of progress");
        out
    };
    let said = over(&["--as-known"]);
    assert_eq!(over(&["--as-known", "--threads", "1"]), said, "threads");
    let mut last: BTreeMap<String, Value> = BTreeMap::new();
    let mut instant = String::new();
    for change in lines(&said) {
        let decided = change["decided_at"].as_str().unwrap().to_owned();
        assert!(instant <= decided, "in the order in which it was said");
        instant = decided;
        let finding = change["finding"].clone();
        last.insert(finding["id"].as_str().unwrap().to_owned(), finding);
    }
    let taken_back = last.values().filter(|f| f["state"] == "rescinded").count();
    assert!(taken_back > 3, "a story in which nothing is taken back proves little: {taken_back}");
    let known = standing(last.into_values().filter(|f| f["state"] != "rescinded"));
    assert!(known.len() > 15, "{}", known.len());
    assert_eq!(known, standing(lines(&over(&[]))));
    assert_eq!(
        over(&["--as-known", "--subject", "p-001"]),
        said.lines().filter(|l| l.contains("p-001")).map(|l| l.to_owned() + "\n").collect::<String>()
    );
    let early = backtest(&["--as-known", "--input", "lake", "--now", "2026-04-01T00:00:00Z"], &[("--data", &data)]);
    assert_eq!(early, (Some(0), String::new(), String::new()), "nothing had come by then");
}

#[test]
fn files_do_not_say_what_was_known_when() {
    let dir = tempfile::tempdir().unwrap();
    let (status, _, err) = backtest(&["--as-known"], &[("--input", &history(dir.path()))]);
    assert_eq!(status, Some(2), "{err}");
    assert!(err.contains("files do not say when their readings were accepted"), "{err}");
    assert!(err.contains("help: ask a data directory, whose readings have it (received_at): `--input lake --data DIR`"), "{err}");
}

/// Whether a finding is told hangs on when it was found, and that on no reading of somebody else.
#[test]
fn threads_change_nothing_of_what_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let rules =
        rules(dir.path(), "a.rules", &["rule silent { severity info when no bg for 6 h stale after 1 h notify routine }\n"]);
    let line = |subject: &str, day: u32, hour: u32| {
        format!(
            "{{\"subject\":\"{subject}\",\"stream\":\"bg\",\"at\":\"2026-01-{day:02}T{hour:02}:00:00Z\",\"value\":\"90 mg/dL\"}}\n"
        )
    };
    let mut all = line("p", 5, 0) + &line("p", 7, 0);
    (5..7).for_each(|day| (0..24).for_each(|hour| all += &line("q", day, hour)));
    let input = write(dir.path(), "a.ndjson", &all);
    let told = |threads: &str| {
        let (status, out, err) =
            backtest(&["--format", "json", "--threads", threads], &[("--rules", &rules), ("--input", &input)]);
        assert_eq!(status, Some(0), "{err}");
        out
    };
    let one = told("1");
    assert!(
        one.contains(r#""onset":"2026-01-05T00:00:00Z","at":"2026-01-05T06:00:00Z""#) && one.contains(r#""quiet":null"#),
        "{one}"
    );
    assert_eq!(told("2"), one);
}
