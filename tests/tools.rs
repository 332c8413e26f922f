//! The tools for rule files at the command line: the formatter, explanations, tests that fail, and coverage.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::support::server::{run, vitalog};

const RULES: &str = "use health\nrule low { severity warning, urgent when bg.value < 54 mg/dL when bg.value < 70 mg/dL for 15 min gap 20 min }\ntest low \"opens\" {\n    02:00 bg 68 mg/dL\n    02:15 bg 62 mg/dL\n    expect low from 02:00 at 02:15 severity warning\n}\n";

fn file(dir: &Path, text: &str) -> PathBuf {
    let path = dir.join("mine.rules");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn fmt_writes_the_one_style_and_check_only_tells() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), "rule r{severity info\nwhen no bg for 6 h}\n");
    let (status, out, err) = run(vitalog().args(["fmt", "--check"]).arg(dir.path()));
    assert_eq!((status, out.trim()), (Some(1), path.to_str().unwrap()), "{err}");
    assert!(err.contains("error: 1 file is not formatted"), "{err}");
    let (status, _, err) = run(vitalog().arg("fmt").arg(&path));
    assert_eq!(status, Some(0), "{err}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "rule r {\n    severity info\n    when   no bg for 6 h\n}\n");
    let (status, out, _) = run(vitalog().args(["fmt", "--check"]).arg(&path));
    assert_eq!((status, &*out), (Some(0), ""));
    let (status, _, err) = run(vitalog().arg("fmt").arg(dir.path().join("none.rules")));
    assert_eq!(status, Some(2), "{err}");
}

#[test]
fn explain_knows_codes_and_rules() {
    let (status, out, _) = run(vitalog().args(["explain", "e0301"]));
    assert_eq!(status, Some(0));
    assert!(out.starts_with("E0301: Quantities that do not convert into each other.") && out.contains("Repaired:"), "{out}");
    let (status, _, err) = run(vitalog().args(["explain", "E9999"]));
    assert_eq!(status, Some(1));
    assert!(err.contains("there is no diagnostic E9999"), "{err}");
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), RULES);
    let svg = dir.path().join("low.svg");
    let (status, out, err) = run(vitalog().args(["explain", "low"]).arg(&path).arg("--svg").arg(&svg));
    assert_eq!(status, Some(0), "{err}");
    for part in ["Its bounds", "looks back 35 min", "8 readings of ", "--> open"] {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert!(std::fs::read_to_string(svg).unwrap().starts_with("<svg "));
    let (status, _, err) = run(vitalog().args(["explain", "lwo"]).arg(&path));
    assert_eq!(status, Some(1));
    assert!(err.contains("did you mean `low`?"), "{err}");
}

#[test]
fn coverage_names_what_no_test_notices() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), RULES);
    let (status, out, err) = run(vitalog().args(["test", "--coverage"]).arg(&path));
    assert_eq!(status, Some(0), "{err}");
    assert!(out.contains("clauses 1 of 3 low (1 test)"), "{out}");
    assert!(out.contains("no test notices when this is left out: severity urgent when …"), "{out}");
    assert!(out.contains("no test notices when this is left out: gap 20 min"), "{out}");
    let (_, out, _) = run(vitalog().args(["test", "--coverage", "--format", "json"]).arg(&path));
    let line: Value = serde_json::from_str(out.lines().nth(1).unwrap()).unwrap();
    assert_eq!((&line["clauses"], &line["noticed"]), (&3.into(), &1.into()));
}

#[test]
fn a_failing_test_shows_what_stood_and_why() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), &RULES.replace("severity warning\n}", "severity urgent\n}"));
    let (status, out, _) = run(vitalog().arg("test").arg(&path));
    assert_eq!(status, Some(1));
    for part in [
        "> 02:15        expect low",
        "low from 02:00 at 02:15 severity warning open",
        "its severity is warning, not urgent",
        "it rests on line 5",
        "why, at 02:15",
        "fired: low from 02:00, decided at 02:15",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
}

#[test]
fn a_reader_who_has_enough_ends_a_command_quietly() {
    let packs = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/packs");
    let mut child = vitalog().arg("test").arg(&packs).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    // Nobody reads any of its hundreds of lines.
    drop(child.stdout.take());
    let done = child.wait_with_output().expect("it ends");
    let err = String::from_utf8_lossy(&done.stderr);
    assert_eq!((done.status.code(), &*err), (Some(141), ""), "{err}");
}

#[test]
fn bench_finds_the_same_with_any_number_of_workers() {
    let bench = |more: &[&str]| {
        let mut command = vitalog();
        command.args(["bench", "--subjects", "6", "--days", "2", "--late", "20", "--format", "json"]).args(more);
        let (status, out, err) = run(&mut command);
        assert_eq!(status, Some(0), "{err}");
        serde_json::from_str::<Value>(&out).expect("one object")
    };
    let [one, three] = ["1", "3"].map(|workers| bench(&["--workers", workers]));
    for (report, workers) in [(&one, 1), (&three, 3)] {
        assert_eq!(report["workers"], workers);
        let number = |name: &str| report[name].as_f64().expect("a number");
        assert!(number("readings") > 6.0 * 2.0 * 288.0, "{report}");
        assert!(number("findings") > 10.0 && number("seconds") > 0.0 && number("peak_memory_bytes") > 1e6, "{report}");
        let steps = ["step_p50_us", "step_p99_us", "step_max_us"].map(number);
        assert!(steps[0] > 0.0 && steps.is_sorted(), "{report}");
    }
    assert_eq!((&one["readings"], &one["findings"]), (&three["readings"], &three["findings"]));
    assert_ne!(bench(&["--seed", "7"])["findings"], one["findings"], "another seed is another population");
}

#[test]
fn bench_names_rules_that_the_population_says_nothing_to() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), "stream door { opened wide | shut }\nrule r { severity info when door.opened = wide }\n");
    let (status, _, err) = run(vitalog().args(["bench", "--rules"]).arg(&path));
    assert_eq!(status, Some(2), "{err}");
    assert!(err.contains("no stream that the population has readings of") && err.contains("use health"), "{err}");
}
