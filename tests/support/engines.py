"""What another engine finds in the lake's tables, by itself: a line of JSON for each row of the figures that tests/engines.rs asks our SQL for.

engines.py answer                 answers questions on standard input, a line of JSON each: `{"engine", "lake", "versions"}`, engine: duckdb, polars, deltalake, or versions for the version
                                  of each table; with versions, as that tells them, the tables as they were then (not by duckdb). Behind each answer stands an empty line
engines.py spark JARS             the same by Spark; JARS: the folder of its jars for Delta
engines.py follow LAKE SECONDS    reads `readings` by duckdb and polars again and again, and tells each engine's counts
"""
import glob
import json
import os
import sys
import time

FIGURES = """
select stream, count(*) as n, count(distinct subject) as subjects, count(distinct id) as ids, sum(rev) as revs,
  sum(cast(round(coalesce(bg_value, 0) * 1000) as bigint)) as glucose, sum(cast(round(coalesce(carbs_amount, 0) * 1000) as bigint)) as carbs,
  min({since}) as first, max({since}) as last
from {table} group by stream order by stream"""
TABLES = ["readings", "readings_history"]


def duckdb_on():
    import duckdb
    import duckdb_extension_delta
    on = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    [extension] = glob.glob(os.path.join(os.path.dirname(duckdb_extension_delta.__file__), "extensions/*/delta.duckdb_extension"))
    on.execute(f"load '{extension}'")
    return on


def by_duckdb(lake, _):
    on = duckdb_on()
    for table in TABLES:
        asked = on.execute(FIGURES.format(table=f"delta_scan('{lake}/{table}')", since='cast(floor(epoch(coalesce("at", start_at))) as bigint)'))
        names = [column[0] for column in asked.description]
        yield from ([table, dict(zip(names, row))] for row in asked.fetchall())


def figures_of(frame):
    """The figures of one table as polars has them; by its own expressions, for it need not know our SQL."""
    import polars as pl
    since = pl.coalesce("at", "start_at").dt.epoch("us") // 1_000_000
    thousandths = lambda column: (pl.col(column).fill_null(0) * 1000).round().cast(pl.Int64).sum()
    return frame.group_by("stream").agg(
        n=pl.len(), subjects=pl.col("subject").n_unique(), ids=pl.col("id").drop_nulls().n_unique(), revs=pl.col("rev").sum(),
        glucose=thousandths("bg_value"), carbs=thousandths("carbs_amount"), first=since.min(), last=since.max(),
    ).sort("stream")


def by_polars(lake, versions):
    import polars as pl
    for table in TABLES:
        yield from ([table, row] for row in figures_of(pl.scan_delta(f"{lake}/{table}", version=versions.get(table))).collect().to_dicts())


def by_deltalake(lake, versions):
    import polars as pl
    from deltalake import DeltaTable
    for table in TABLES:
        rows = pl.from_arrow(DeltaTable(f"{lake}/{table}", version=versions.get(table)).to_pyarrow_table())
        yield from ([table, row] for row in figures_of(rows).to_dicts())


def spark_on(jars):
    from pyspark.sql import SparkSession
    # It ends before a second compiler would pay.
    os.environ["JDK_JAVA_OPTIONS"] = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
    said = {
        "spark.jars": ",".join(glob.glob(f"{jars}/*.jar")),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.session.timeZone": "UTC",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "1g",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "1",
        "spark.databricks.delta.snapshotPartitions": "1",
    }
    builder = SparkSession.builder.master("local[1]")
    for name, value in said.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def by_spark(jars, asked):
    """Answers questions until there are no more: starting it takes longer than they do."""
    spark = spark_on(jars)
    for line in asked:
        question = json.loads(line)
        # What it knows of a table's log is of another moment: it is to find it out as if it had just started.
        spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
        for table in TABLES:
            reader = spark.read.format("delta")
            if table in question["versions"]:
                reader = reader.option("versionAsOf", question["versions"][table])
            reader.load(f"{question['lake']}/{table}").createOrReplaceTempView(table)
            rows = spark.sql(FIGURES.format(table=table, since="unix_timestamp(coalesce(at, start_at))")).collect()
            yield from ([table, row.asDict()] for row in rows)
        yield None
    spark.stop()


def versions(lake, _):
    from deltalake import DeltaTable
    yield {table: DeltaTable(f"{lake}/{table}").version() for table in TABLES}


def by_any(asked):
    """The same of engines that are libraries here. Each opens its tables anew for each question."""
    engines = {"duckdb": by_duckdb, "polars": by_polars, "deltalake": by_deltalake, "versions": versions}
    for line in asked:
        question = json.loads(line)
        try:
            yield from engines[question["engine"]](question["lake"], question["versions"])
        except Exception as error:
            yield {"failed": str(error)}
        yield None


def follow(lake, seconds):
    import polars as pl
    on, end = duckdb_on(), time.monotonic() + float(seconds)
    while time.monotonic() < end:
        counted = on.execute(f"select count(id), count(distinct id) from delta_scan('{lake}/readings')").fetchone()
        yield ["duckdb", list(counted)]
        frame = pl.scan_delta(f"{lake}/readings").select(n=pl.col("id").count(), ids=pl.col("id").drop_nulls().n_unique()).collect()
        yield ["polars", list(frame.row(0))]


if __name__ == "__main__":
    how = {"answer": lambda: by_any(sys.stdin), "spark": lambda jars: by_spark(jars, sys.stdin), "follow": follow}
    for line in how[sys.argv[1]](*sys.argv[2:]):
        print("" if line is None else json.dumps(line), flush=True)
