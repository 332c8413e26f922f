//! A whole published data set through the whole product: every row accounted for, and another engine counts the same.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::need::{need, python, whole_data_sets};
use crate::support::server::{Server, root, run, vitalog};

/// All CSV files below a folder, and how many data rows they hold as a CSV reader of another make counts them.
fn files_below(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("the folder is readable") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files_below(&path, into);
        } else if path.extension().is_some_and(|e| e == "csv") {
            into.push(path);
        }
    }
}

const COUNT_ROWS: &str = "
import csv, sys
csv.field_size_limit(10**9)
total = 0
for path in sys.argv[1:]:
    with open(path, newline='', encoding='utf-8-sig') as f:
        rows = sum(1 for row in csv.reader(f) if any(cell.strip() for cell in row))
        total += max(rows - 1, 0)
print(total)
";

const COUNT_LAKE: &str = "
import sys, json, polars
t = polars.scan_delta(sys.argv[1])
by = t.group_by('stream').agg(polars.len().alias('n')).collect()
print(json.dumps({r['stream']: r['n'] for r in by.to_dicts()}))
";

/// A low is a run of readings below 70 mg/dL, none more than 20 minutes after the one before, over a quarter of an hour or more (Danne et al. 2017). Counted here without the engine; each has
/// to lie in a finding, of which or before which something was told by the time it was one.
const LOWS: &str = "
import sys, json, polars
from collections import defaultdict
from datetime import datetime, timedelta, timezone
WARNINGS = {'low_glucose', 'very_low_glucose', 'very_low_soon', 'predicted_low', 'low_by_meter'}
instant = lambda text: datetime.fromisoformat(text.replace('Z', '+00:00'))
found, told, readings = defaultdict(list), defaultdict(list), defaultdict(list)
for line in open(sys.argv[2]):
    f = json.loads(line)
    if f.get('rule') not in WARNINGS: continue
    # What was told as a warning at night is urgent, and too old to be told again, when the sleep becomes known in the morning.
    if f.get('quiet') is None or (f['quiet'] == 'stale' and f['rule'] == 'low_glucose'): told[f['subject']].append(instant(f['at']))
    if f['rule'] == 'low_glucose': found[f['subject']].append((instant(f['onset']), instant(f['at']), instant(f['end'] or '2999-01-01T00:00:00Z')))
t = polars.read_delta(sys.argv[1]).filter(polars.col('stream') == 'bg').select('subject', 'at', 'bg_value').sort('subject', 'at')
for subject, at, value in t.iter_rows():
    readings[subject].append((at if at.tzinfo else at.replace(tzinfo=timezone.utc), float(value)))
lows, untold = 0, []
for subject, all in readings.items():
    run = []
    for at, value in all + [(datetime.max.replace(tzinfo=timezone.utc), 0)]:
        if run and (value >= 70 or at - run[-1] > timedelta(minutes=20)):
            if run[-1] - run[0] >= timedelta(minutes=15):
                lows += 1
                own = [(onset, at) for onset, at, end in found[subject] if onset <= run[-1] and end >= run[0]]
                if not any(onset - timedelta(minutes=20) <= t <= at for onset, at in own for t in told[subject]):
                    untold.append(f'{subject} from {run[0]} to {run[-1]}')
            run = []
        if value < 70: run.append(at)
print(json.dumps([lows, untold]))
";

/// No low of a quarter of an hour goes untold.
fn every_low_is_told(python: &Path, data: &Path) {
    let mut backtest = vitalog();
    backtest.args(["backtest", "--format", "json", "--input", "lake", "--data"]).arg(data);
    let (status, found, err) = run(&mut backtest);
    assert_eq!(status, Some(0), "{err}");
    let findings = data.join("findings.ndjson");
    std::fs::write(&findings, found).expect("there is room");
    let said = python_says(python, LOWS, &[&data.join("lake/readings"), &findings]);
    let said: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(said, serde_json::json!([766, []]), "how many lows there are, and which nobody was told of");
}

fn python_says(python: &Path, script: &str, arguments: &[&Path]) -> String {
    let (status, out, err) = run(Command::new(python).arg("-c").arg(script).args(arguments));
    assert_eq!(status, Some(0), "{err}");
    out
}

/// What all shipped rules find in a data directory is what the manual says. `UPDATE_EXPECT` writes it anew.
fn the_manual_says_what_is_found(mark: &str, data: &Path) {
    let mut command = vitalog();
    command.args(["backtest", "--summary", "--input", "lake", "--data"]).arg(data);
    let (status, table, err) = run(&mut command);
    assert_eq!(status, Some(0), "{err}");
    let path = root().join("docs/packs.md");
    let page = std::fs::read_to_string(&path).expect("the page");
    let begin = format!("<!-- {mark} -->\n");
    let (before, rest) = page.split_once(&begin).expect("the page has the mark");
    let (_, after) = rest.split_once("<!-- end -->").expect("it ends");
    let should = format!("{before}{begin}\n```text\n{table}```\n\n<!-- end -->{after}");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &should).expect("the page can be written");
    }
    let is = std::fs::read_to_string(&path).expect("the page");
    assert!(is == should, "docs/packs.md does not say what is found in {mark}:\n{table}");
}

#[test]
fn every_row_of_t1d_uom_is_accounted_for_and_polars_counts_the_same() {
    let Some(folder) = whole_data_sets() else { return };
    let Some(python) = need("a Python with polars and deltalake (VITALOG_PYTHON)", python()) else { return };
    let mut files = Vec::new();
    files_below(&folder.join("t1d-uom"), &mut files);
    files.sort();
    assert!(files.len() > 70, "the data set is incomplete: {} files", files.len());
    let data = tempfile::tempdir().unwrap();
    let mut command = vitalog();
    command.args(["ingest", "--format", "json", "--to"]).arg(data.path()).args(&files);
    let (status, out, err) = run(&mut command);
    assert!(matches!(status, Some(0 | 1)), "{err}");
    let lines: Vec<Value> = out.lines().map(|l| serde_json::from_str(l).expect("JSON lines")).collect();
    let total = lines.last().expect("a last line with the sums");
    let count = |key: &str| total[key].as_u64().unwrap_or_else(|| panic!("{key} in {total}"));
    assert_eq!(count("rows"), count("accepted") + count("duplicate") + count("refused"), "{total}");
    let paths: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let rows: u64 = python_says(&python, COUNT_ROWS, &paths).trim().parse().unwrap();
    assert_eq!(count("rows"), rows, "rows as Vitalog and as Python count them");
    let refused: Vec<&Value> = lines.iter().filter(|l| l["refused_row"].is_object()).collect();
    assert_eq!(refused.len() as u64, count("refused"), "each refused row is named");
    for row in refused {
        let row = &row["refused_row"];
        assert!(row["line"].is_u64() && row["message"].is_string() && row["file"].is_string(), "{row}");
    }

    let polars = python_says(&python, COUNT_LAKE, &[&data.path().join("lake/readings")]);
    let polars: Value = serde_json::from_str(&polars).unwrap();
    let server = Server::start(data.path(), &[]);
    let ours = server.sql("select stream, count(*) as n from readings group by stream");
    let ours = ours.as_array().expect("rows").clone();
    let mut sum = 0;
    for row in &ours {
        assert_eq!(row["n"], polars[row["stream"].as_str().unwrap()], "{}", row["stream"]);
        sum += row["n"].as_u64().unwrap();
    }
    assert_eq!(sum, count("accepted"), "what was accepted is what the table holds");
    assert_eq!(ours.len(), polars.as_object().unwrap().len());
    let letters = server.sql("select count(*) as n from dead_letters");
    let letters = letters.as_array().expect("rows")[0]["n"].as_u64();
    assert_eq!(letters, Some(count("refused") - count("unsent")), "what the server refused is a dead letter");
    assert_eq!(server.stop(), Some(0));
    every_low_is_told(&python, data.path());
    the_manual_says_what_is_found("t1d-uom", data.path());
}

/// The files of AIM-94 as they are: each row is accepted, an identical row's duplicate, or refused; the lake has what was accepted.
#[test]
fn every_row_of_aim_94_is_accounted_for() {
    let Some(folder) = whole_data_sets() else { return };
    let files: Vec<PathBuf> = (1..=70).map(|n| folder.join(format!("uci-diabetes-aim94/data-{n:02}"))).collect();
    let data = tempfile::tempdir().unwrap();
    let mut command = vitalog();
    command.args(["ingest", "--format", "json", "--to"]).arg(data.path()).args(&files);
    let (status, out, err) = run(&mut command);
    assert_eq!(status, Some(1), "some rows are refused: {err}");
    let total: Value = serde_json::from_str(out.lines().last().expect("a last line with the sums")).expect("JSON lines");
    let counts = ["rows", "accepted", "duplicate", "refused"].map(|key| total[key].as_u64().expect("a count"));
    assert_eq!(counts, [29_330, 29_123, 7, 200], "{total}");
    let refused = out.lines().filter(|line| line.contains("\"refused_row\"")).count();
    assert_eq!(refused, 200, "each refused row is named");
    let mut backtest = vitalog();
    backtest.args(["backtest", "--input", "lake", "--summary", "--format", "json", "--data"]).arg(data.path());
    let (status, out, err) = run(&mut backtest);
    assert_eq!(status, Some(0), "{err}");
    let all: Value = serde_json::from_str(out.lines().last().expect("a last line for all")).expect("JSON lines");
    assert_eq!(all["subjects"], 70, "{all}");
    the_manual_says_what_is_found("aim-94", data.path());
}
