"""Asks a running server over PostgreSQL's protocol, with psycopg and SQLAlchemy, and holds the answers.

usage: pg_client.py HOST PORT USER (the token in PGPASSWORD)
The server has twelve readings of bg of each of p-1 and p-2, five minutes apart from 2026-03-10T08:00Z, 100 mg/dL and up.
"""

import datetime
import os
import sys

import psycopg
import sqlalchemy as sa

host, port, user = sys.argv[1:]
where = dict(host=host, port=int(port), user=user, password=os.environ["PGPASSWORD"], dbname="vitalog")
first = datetime.datetime(2026, 3, 10, 8, 0, tzinfo=datetime.timezone.utc)

# psycopg: parameters of every type, values as text and in binary form.
with psycopg.connect(**where) as connection:
    for binary in (False, True):
        cursor = connection.cursor(binary=binary)
        row = cursor.execute(
            "select subject, at, value, rev, value > %s, at - at from bg where subject = %s and at >= %s and value >= %s order by at limit %s",
            (105.5, "p-1", first, 100, 2),
        ).fetchone()
        assert row[:5] == ("p-1", first, 100.0, row[3], False), (binary, row)
        assert row[5] == datetime.timedelta(0), (binary, row)
        row = cursor.execute("select cast(1.25 as decimal(10, 4)), true, null, make_array('a', null, 'b c'), date '2026-03-10', x'0aff'").fetchone()
        assert str(row[0]) == "1.2500" and row[1:4] == (True, None, ["a", None, "b c"]), (binary, row)
        assert row[4] == datetime.date(2026, 3, 10) and bytes(row[5]) == b"\x0a\xff", (binary, row)
        for value in (None, "it's; -- $1", "ü✓", True, 2**40, -7, -(2**63)):
            (back,) = cursor.execute("select %s as v", (value,)).fetchone()
            assert back == value or str(back) == str(value), (binary, value, back)
    # A prepared statement, several times.
    for count in range(1, 8):
        rows = connection.execute("select at from bg where subject = %s order by at limit %s", ("p-2", count), prepare=True).fetchall()
        assert len(rows) == count and rows[0][0] == first, rows
    # What fails says so, and the connection goes on.
    connection.rollback()
    for sql, state in (("select nothing from bg", "42703"), ("insert into bg values (1)", "25006"), ("select %s::int", "22P02")):
        try:
            connection.execute(sql, ("x",) if "%s" in sql else None)
            raise SystemExit(f"{sql} was answered")
        except psycopg.Error as error:
            assert error.sqlstate[:2] == state[:2], (sql, error.sqlstate, error)
        connection.rollback()
    # A cursor of the server gives its rows in parts.
    with connection.cursor(name="parts") as cursor:
        cursor.itersize = 5
        cursor.execute("select at from bg order by at")
        assert len(list(cursor)) == 24
    # Many statements at once.
    with connection.pipeline():
        cursors = [connection.execute("select %s::bigint", (n,)) for n in range(20)]
    assert [cursor.fetchone()[0] for cursor in cursors] == list(range(20))

# SQLAlchemy: what there is, as its inspector tells it.
engine = sa.create_engine(sa.URL.create("postgresql+psycopg", user, where["password"], host, int(port), "vitalog"))
inspector = sa.inspect(engine)
assert inspector.default_schema_name == "lake", inspector.default_schema_name
assert set(inspector.get_schema_names()) >= {"lake"}
assert {"readings", "readings_history", "matches"} <= set(inspector.get_table_names())
assert {"bg", "bp", "recommendations"} <= set(inspector.get_view_names())
columns = {column["name"]: column for column in inspector.get_columns("bg")}
assert isinstance(columns["value"]["type"], sa.DOUBLE_PRECISION) and isinstance(columns["subject"]["type"], sa.TEXT), columns
assert isinstance(columns["at"]["type"], sa.TIMESTAMP) and columns["at"]["type"].timezone, columns
evidence = {column["name"]: column["type"] for column in inspector.get_columns("matches")}["evidence"]
assert isinstance(evidence, sa.ARRAY), evidence
assert inspector.get_pk_constraint("readings")["constrained_columns"] == []
assert inspector.get_foreign_keys("readings") == [] and inspector.get_indexes("readings") == []
assert inspector.get_unique_constraints("readings") == [] and inspector.get_check_constraints("readings") == []
assert "reading" in inspector.get_table_comment("readings")["text"].lower()
assert inspector.has_table("bg") and not inspector.has_table("nowhere")

readings = sa.Table("bg", sa.MetaData(), autoload_with=engine)
with engine.connect() as connection:
    day = sa.func.date_trunc("day", readings.c.at).label("day")
    query = sa.select(readings.c.subject, day, sa.func.count(), sa.func.avg(readings.c.value)).where(readings.c.at >= first)
    rows = connection.execute(query.group_by(readings.c.subject, day).order_by(readings.c.subject)).all()
    assert [(row[0], row[2], row[3]) for row in rows] == [("p-1", 12, 127.5), ("p-2", 12, 127.5)], rows
    streamed = connection.execution_options(stream_results=True, max_row_buffer=5).execute(sa.select(readings.c.value))
    assert len(streamed.all()) == 24
print("sound")
