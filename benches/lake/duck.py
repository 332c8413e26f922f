"""DuckDB's times for what benches/lake asks: one argument, JSON with the files, the statements, and how often each is asked."""
import json
import sys
import time

import duckdb

wanted = json.loads(sys.argv[1])
on = duckdb.connect()
on.execute("set threads = 2")
on.execute("set timezone = 'UTC'")
# The files as such: what the Delta extension would add for each statement, reading the log, is not what is compared.
readings = f"read_parquet({wanted['files']!r}, hive_partitioning = false)"


def asked(sql):
    began = time.perf_counter()
    rows = on.execute(sql.replace("{readings}", readings)).to_arrow_table().num_rows
    return (time.perf_counter() - began) * 1000, rows


asked("select count(*) from {readings}")
each = [asked(sql) for sql in wanted["fortnights"]]
times = sorted(ms for ms, _ in each)
print(
    f"duckdb, one subject's fortnight: p50 {times[len(times) // 2]:.1f} ms, p95 {times[len(times) * 95 // 100]:.1f} ms, worst {times[-1]:.1f} ms"
    f" ({sum(rows for _, rows in each)} rows of {len(each)} subjects)"
)
for what, sql in wanted["questions"]:
    each = [asked(sql) for _ in range(wanted["times"])]
    times = sorted(ms for ms, _ in each)
    print(f"duckdb, {what}: the middle of {len(times)} {times[len(times) // 2]:.0f} ms, worst {times[-1]:.0f} ms ({each[0][1]} rows)")
