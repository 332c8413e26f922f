//! Arrow streams as the libraries that people have write them: the same table by pyarrow and by polars comes to the same readings.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::need::{need, python};
use crate::support::server::{Server, run, vitalog};

const WRITE: &str = r#"
import sys, datetime, decimal
import pyarrow as pa, polars as pl

how, path = sys.argv[1], sys.argv[2]
utc = datetime.timezone.utc
at = [datetime.datetime(2026, 3, 10, 8, minute, 0, 250000, utc) for minute in (0, 5, 10)]
columns = {"subject": ["p-1"] * 3, "stream": ["bg"] * 3, "at": at, "value": [110.1, None, 5.4], "source": [how, None, how]}
if how == "polars":
    table = pl.DataFrame(columns).with_columns(pl.col("stream").cast(pl.Categorical))
    table.write_ipc_stream(path)
elif how == "packed":
    lines = "".join('{"subject":"p-1","stream":"bg","at":"2026-03-10T09:0%d:00Z","value":111}\n' % minute for minute in range(3))
    with pa.CompressedOutputStream(path, "zstd") as out:
        out.write(lines.encode())
else:
    table = pa.table({**columns, "stream": pa.array(columns["stream"]).dictionary_encode()})
    options = pa.ipc.IpcWriteOptions(compression="zstd" if how == "compressed" else None)
    with pa.ipc.new_stream(path, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=2)
"#;

#[test]
fn pyarrow_and_polars_write_what_is_read() {
    let Some(python) = need("a Python with pyarrow and polars (VITALOG_PYTHON)", python()) else { return };
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let file = |how: &str| data.path().join(format!("{how}.{}", if how == "packed" { "ndjson.zst" } else { "arrows" }));
    let written = |how: &str| {
        let path = file(how);
        let done = Command::new(&python).args(["-c", WRITE, how]).arg(&path).output().expect("Python runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        std::fs::read(path).expect("it was written")
    };
    let post = |how: &str| {
        let headers = [("content-type", "application/vnd.apache.arrow.stream")];
        server.try_send("POST", "/v1/readings", &headers, written(how)).expect("an answer")
    };
    for how in ["pyarrow", "polars"] {
        let answer = post(how).ok().json();
        assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(1), &json!(2)), "{how}: {answer}");
        let codes = [1, 2].map(|i| answer["receipts"][i]["code"].clone());
        assert_eq!(codes, ["missing", "unit_mistake"], "{how}: {answer}");
    }
    let compressed = post("compressed");
    assert_eq!((compressed.status, compressed.json()["code"].as_str()), (400, Some("compressed_buffers")), "{}", compressed.body);
    // Files go the same way.
    written("packed");
    for (how, status, sums) in [("pyarrow", 1, [3, 0, 1, 2]), ("packed", 0, [3, 3, 0, 0])] {
        let (code, out, err) = run(vitalog().args(["ingest", "--format", "json", "--to", &server.url]).arg(file(how)));
        let total: Value = out.lines().last().and_then(|line| serde_json::from_str(line).ok()).expect("JSON");
        let counted = ["rows", "accepted", "duplicate", "refused"].map(|name| total[name].as_u64());
        assert_eq!((code, counted), (Some(status), sums.map(Some)), "{how}: {out}{err}");
    }
    // Nothing was acknowledged to the helper that asks: the last is waited for by its position.
    server.readings("{}").json();
    let held = server.sql("select source, value, cast(at as varchar) as at from bg where source is not null order by source");
    let row = |source: &str| json!({"source": source, "value": 110.1, "at": held[0]["at"]});
    assert_eq!(held, json!([row("polars"), row("pyarrow")]));
    assert!(held[0]["at"].as_str().is_some_and(|at| at.contains("08:00:00.25")), "{held}");
    assert_eq!(server.stop(), Some(0));
}
