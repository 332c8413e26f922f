//! What the SQL functions of the field say of real data is what other implementations say of it: iglu_python where it defines the same, and the
//! published formulas evaluated in Python on the table as polars reads it (`tests/support/metrics.py`).

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::need::{need, python_with, sampled, whole_data_sets};
use crate::support::server::{Server, root, run, vitalog};

/// All metrics of a subject as one row. The clock is UTC here: what another zone does to it is a matter of `local_time` alone.
const METRICS: &str = "
select subject, time_in_range(value, 70, 180) as tir, time_below(value, 70) as below, time_above(value, 180) as above,
       gmi(value) as gmi, cv(value) as cv, j_index(value) as j, lbgi(value) as lbgi, hbgi(value) as hbgi, gri(value) as gri,
       adrr(at, value) as adrr, mage(at, value) as mage, modd(at, value) as modd, conga(at, value, interval '1 hour') as conga,
       agp(at, value) as agp
from bg group by subject";

const EPISODES: &str = "
select subject, e['start_at']::bigint as start, e['end_at']::bigint as end, e['readings'] as readings, e['recovered'] as recovered
from (select subject, unnest(EPISODES) as e from bg group by subject) order by subject, start";

const GRID: &str = "
select subject, count(*) as steps, count(*) filter (where g['filled']) as filled, sum(g['value']) as sum
from (select subject, unnest(grid(at, value, interval '5 minutes')) as g from bg group by subject) group by subject";

fn held_against_others(python: &Path, data: &Path) {
    let server = Server::start(data, &[]);
    let mut subjects = server.sql(METRICS);
    let rows = subjects.as_array_mut().expect("rows");
    for (name, call) in [
        ("low", "episodes_below(at, value, 70)"),
        ("high", "episodes_above(at, value, 250)"),
        ("long_low", "episodes_below(at, value, 70, interval '120 minutes')"),
    ] {
        let found = server.sql(&EPISODES.replace("EPISODES", call));
        let found = found.as_array().expect("rows");
        for row in rows.iter_mut() {
            row[name] = found.iter().filter(|e| e["subject"] == row["subject"]).cloned().collect();
        }
    }
    let grids = server.sql(GRID);
    for row in rows.iter_mut() {
        row["grid"] = grids.as_array().expect("rows").iter().find(|g| g["subject"] == row["subject"]).expect("a grid").clone();
    }
    assert_eq!(server.stop(), Some(0));
    let answers = data.join("answers.json");
    std::fs::write(&answers, subjects.to_string()).expect("it is written");
    let script = root().join("tests/support/metrics.py");
    let (status, out, err) =
        run(Command::new(python).arg(script).arg(data.join("lake/readings")).arg(&answers).env("MPLBACKEND", "agg"));
    assert_eq!(status, Some(0), "{out}{err}");
    eprintln!("{}", out.trim());
}

fn ingested(files: impl IntoIterator<Item = PathBuf>) -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    let (status, out, err) = run(vitalog().args(["ingest", "--to"]).arg(data.path()).args(files));
    assert!(matches!(status, Some(0 | 1)), "{out}{err}");
    data
}

fn peer() -> Option<PathBuf> {
    need("a Python with polars, deltalake and iglu_python (VITALOG_PYTHON)", python_with("iglu_python"))
}

fn in_folder(folder: PathBuf, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    files.retain(|path| path.to_string_lossy().ends_with(ending) && path.to_string_lossy().contains("Glucose"));
    files.sort();
    files
}

#[test]
fn metrics_of_the_shipped_selection_are_what_others_say() {
    let Some(python) = peer() else { return };
    let files = in_folder(root().join("tests/data/t1d-uom"), ".csv.gz");
    assert_eq!(files.len(), 6, "{files:?}");
    held_against_others(&python, ingested(files).path());
}

/// By itself a fifth of both; `tests/run --long data` has all of them.
#[test]
fn metrics_of_whole_data_sets_are_what_others_say() {
    let (Some(python), Some(folder)) = (peer(), whole_data_sets()) else { return };
    let sensors = in_folder(folder.join("t1d-uom/Glucose Data"), ".csv");
    held_against_others(&python, ingested(sampled(sensors, 5)).path());
    let meters = (1..=70).map(|n| folder.join(format!("uci-diabetes-aim94/data-{n:02}")));
    held_against_others(&python, ingested(sampled(meters, 5)).path());
}
