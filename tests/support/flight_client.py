"""Clients of Arrow Flight SQL against a server: ADBC as people use it, and pyarrow's client for what ADBC does not say. Says `sound` at its end.

flight_client.py questions URI                  asks, binds, reads the catalogue, is refused; the token is in TOKEN
flight_client.py tickets URI SECONDS            with the tokens of two people in TOKEN and OTHER; tickets last so long
flight_client.py stops URI
flight_client.py flows URI PID                  a large answer, taken slowly, by the server with this id
flight_client.py seen URI SQL                   prints the rows as JSON, each in a line
"""
import datetime
import json
import os
import sys
import threading
import time

import adbc_driver_flightsql.dbapi as adbc
import adbc_driver_manager
import pyarrow as pa
import pyarrow.flight as flight

TOKEN, OTHER = os.environ.get("TOKEN", ""), os.environ.get("OTHER", "")
HEADER = "adbc.flight.sql.authorization_header"
# Takes far longer than anybody waits, and no memory.
LONG = "with recursive t(n) as (select 1 union all select n + 1 from t where n < 1000000000) select count(*) from t"


def connected(uri, token=TOKEN):
    return adbc.connect(uri, db_kwargs={HEADER: f"Bearer {token}"}, autocommit=True)


def asked(on, sql, values=None):
    with on.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def refused(what, *words):
    try:
        got = what()
    except (adbc_driver_manager.Error, pa.ArrowException, pa.flight.FlightError, KeyError, NotImplementedError) as error:
        said = str(error)
        assert all(word in said for word in words), (words, said)
        return said
    raise AssertionError(f"not refused: {got}")


# --- what ADBC does not say: messages of the protocol by hand -----------------------------------------------------------------------

def field(number, value):
    value = value.encode() if isinstance(value, str) else value
    length, varint = len(value), b""
    while length > 127:
        varint, length = varint + bytes([length & 127 | 128]), length >> 7
    return bytes([number << 3 | 2]) + varint + bytes([length]) + value


def packed(name, value=b""):
    return field(1, f"type.googleapis.com/arrow.flight.protocol.sql.{name}") + field(2, value)


class Raw:
    def __init__(self, uri, token=TOKEN):
        self.client = flight.FlightClient(uri)
        self.options = flight.FlightCallOptions(headers=[(b"authorization", f"Bearer {token}".encode())], timeout=60)

    def info(self, name, value=b""):
        return self.client.get_flight_info(flight.FlightDescriptor.for_command(packed(name, value)), self.options)

    def ask(self, sql):
        return self.info("CommandStatementQuery", field(1, sql))

    def take(self, info):
        return self.client.do_get(info.endpoints[0].ticket, self.options)

    def rows(self, name, value=b""):
        info = self.info(name, value)
        table = self.take(info).read_all()
        assert table.schema.equals(info.schema), (name, table.schema, info.schema)
        return table.to_pylist()

    def act(self, name, body=b""):
        return [result.body.to_pybytes() for result in self.client.do_action(flight.Action(name, body), self.options)]

    def put(self, name, value, batch):
        writer, reader = self.client.do_put(flight.FlightDescriptor.for_command(packed(name, value)), batch.schema, self.options)
        writer.write_batch(batch)
        writer.done_writing()
        told = reader.read()
        writer.close()
        return told


# --- ------------------------------------------------------------------------------------------------------------------------------

def questions(uri):
    with connected(uri) as on:
        assert asked(on, "select subject, count(*) as n, sum(value), max(at) from bg group by 1 order by 1") == [
            (subject, 12, 1530.0, datetime.datetime(2026, 3, 10, 8, 55, tzinfo=datetime.timezone.utc)) for subject in ("p-1", "p-2")]
        with on.cursor() as cursor:
            cursor.execute("select * from bg")
            table = cursor.fetch_arrow_table()
        assert table.num_rows == 24 and table.schema.field("value").metadata == {b"unit": b"mg/dL"}, table.schema
        assert table.schema.field("subject").type == pa.string() and table.schema.field("at").type == pa.timestamp("us", "UTC"), table.schema
        values(on)
        catalogue(on)
        errors(on)
        assert asked(on, "show tables") and asked(on, "explain select 1") and asked(on, "values (1), (2)") == [(1,), (2,)]
    # A handshake, and a word for what comes after it.
    with adbc.connect(uri, db_kwargs={"username": "root", "password": TOKEN}, autocommit=True) as on:
        assert asked(on, "select 1") == [(1,)]
    refused(lambda: adbc.connect(uri, db_kwargs={"username": "toor", "password": TOKEN}, autocommit=True), "no account has this name")
    for token in ("vitalog_0000", "", "x y"):
        refused(lambda: asked(connected(uri, token), "select 1"), "Unauthenticated")
    refused(lambda: asked(adbc.connect(uri, autocommit=True), "select 1"), "Bearer TOKEN")
    protocol(Raw(uri))


def values(on):
    sql = "select count(*) from bg where subject = ? and value > ?"
    assert asked(on, sql, ("p-1", 110)) == [(9,)] and asked(on, sql, ("p-1", 110.5)) == [(9,)] and asked(on, sql, ("it's ? $1", 0)) == [(0,)]
    assert asked(on, "select count(*) from bg where subject = $2 and value > $1", (110, "p-2")) == [(9,)]
    at = datetime.datetime(2026, 3, 10, 8, 30, tzinfo=datetime.timezone.utc)
    assert asked(on, "select count(*) from bg where at >= ?", (at,)) == [(12,)]
    assert asked(on, "select ? as a, ? as b, ? as c, ? as d, ? as e", (True, None, "ü'\"\\", b"\0\xff", -(2**63))) == [(True, None, "ü'\"\\", b"\0\xff", -(2**63))]
    assert asked(on, "select '?' as \"a?\", ? -- ?", (7,)) == [("?", 7)]
    with on.cursor() as cursor:
        cursor.adbc_prepare(sql)
        for least, count in ((100, 11), (110, 9), (1000, 0)):
            cursor.execute(sql, ("p-1", least))
            assert cursor.fetchall() == [(count,)]
    refused(lambda: asked(on, sql, ("p-1",)), "2 parameters, and 1 values came")
    refused(lambda: asked(on, sql), "no value for the parameter")
    refused(lambda: asked(on, "select ?", ({"a": 1},)), "can't be read")
    with on.cursor() as cursor:
        refused(lambda: cursor.executemany("select ?", [(1,), (2,)]), "only reads")
        cursor.adbc_prepare("select ? as a")
        cursor.adbc_statement.bind(pa.record_batch({"a": [1, 2]}))
        refused(cursor.adbc_statement.execute_query, "one row")


def catalogue(on):
    assert on.adbc_get_info()["vendor_name"] == "Vitalog"
    [whole] = on.adbc_get_objects(depth="all").read_all().to_pylist()
    [schema] = whole["catalog_db_schemas"]
    tables = {table["table_name"]: table for table in schema["db_schema_tables"]}
    assert (whole["catalog_name"], schema["db_schema_name"]) == ("vitalog", "lake")
    assert tables["bg"]["table_type"] == "VIEW" and tables["readings"]["table_type"] == "TABLE" and "dead_letters" in tables, tables
    assert [column["column_name"] for column in tables["bg"]["table_columns"]][:3] == ["subject", "at", "value"]
    assert not tables["readings"]["table_constraints"]
    [narrow] = on.adbc_get_objects(depth="tables", table_name_filter="read%", table_types_filter=["TABLE"]).read_all().to_pylist()
    assert {table["table_name"] for table in narrow["catalog_db_schemas"][0]["db_schema_tables"]} == {"readings", "readings_history"}
    told = on.adbc_get_table_schema("readings", db_schema_filter="lake")
    assert told.field("bg_value").metadata[b"unit"] == b"mg/dL" and b"whom it is about" in told.field("subject").metadata[b"ARROW:FLIGHT:SQL:REMARKS"], told
    refused(lambda: on.adbc_get_table_schema("nothing"))
    assert on.adbc_get_table_types() == ["TABLE", "VIEW"]


def errors(on):
    said = refused(lambda: asked(on, "select subject,\n  vlaue from bg"), "InvalidArgument", "(line 2, column 3)", "bg.value", "SHOW TABLES")
    assert "p-1" not in said
    refused(lambda: asked(on, "selec 1"), "(line 1, column 1)", "mend the statement")
    refused(lambda: asked(on, "select ?, vlaue, ? from bg", (1, 2)), "(line 1, column 11)")
    refused(lambda: asked(on, "select 1; select 2"), "one by one")
    refused(lambda: asked(on, "select 'x'::int from bg"), "InvalidArgument")
    for sql in ("delete from readings", "insert into bg values (1)", "create table t (a int)", "copy readings to '/tmp/x'", "drop table bg", "set a = 1"):
        refused(lambda: asked(on, sql), "only reads", "PermissionDenied")
    with on.cursor() as cursor:
        refused(lambda: cursor.adbc_ingest("t", pa.table({"a": [1]})), "only reads", "/v1/readings")
        refused(lambda: cursor.adbc_statement.execute_update(), "")
    refused(lambda: asked(on, "select * from bg where value > " + " + ".join(["1"] * 600)), "500 operators")
    assert asked(on, "select 1") == [(1,)]


def protocol(raw):
    """What no client of the usual says."""
    assert raw.client.get_schema(flight.FlightDescriptor.for_command(packed("CommandStatementQuery", field(1, "select value from bg"))), raw.options).schema.names == ["value"]
    assert len(raw.rows("CommandGetXdbcTypeInfo")) == 12 and len(raw.rows("CommandGetSqlInfo")) > 70
    assert [row["catalog_name"] for row in raw.rows("CommandGetCatalogs")] == ["vitalog"] and len(raw.rows("CommandGetDbSchemas")) == 1
    table = field(3, "bg")
    for keys in ("CommandGetPrimaryKeys", "CommandGetExportedKeys", "CommandGetImportedKeys", "CommandGetCrossReference"):
        assert raw.rows(keys, table if keys != "CommandGetCrossReference" else field(3, "bg") + field(6, "bp")) == []
    actions = {action.type for action in raw.client.list_actions(raw.options)}
    assert actions == {"CreatePreparedStatement", "ClosePreparedStatement", "CancelFlightInfo", "CancelQuery", "CloseSession"}, actions
    for name in ("BeginTransaction", "EndTransaction", "BeginSavepoint", "EndSavepoint"):
        refused(lambda: raw.act(name), "transactions")
    refused(lambda: raw.act("CloseSession"), "no sessions without a handshake")
    for name, word in (("SetSessionOptions", "options"), ("RenewFlightEndpoint", "renewals"), ("Nothing", "ListActions")):
        refused(lambda: raw.act(name), word)
    one = pa.record_batch({"a": [1]})
    for name in ("CommandStatementUpdate", "CommandStatementIngest", "CommandPreparedStatementUpdate"):
        refused(lambda: raw.put(name, b"", one), "only reads")
    refused(lambda: raw.put("CommandPreparedStatementQuery", field(1, b"\1" * 16), one), "no such prepared statement")
    refused(lambda: raw.put("CommandGetTables", b"", one), "only values of a prepared statement")
    refused(lambda: raw.info("CommandStatementQuery", field(1, "select 1") + field(2, b"x")), "transactions")
    refused(lambda: raw.info("CommandStatementSubstraitPlan"), "Substrait")
    refused(lambda: raw.info("CommandNothing"), "is not asked here")
    refused(lambda: raw.client.get_flight_info(flight.FlightDescriptor.for_command(b"\xff\xff"), raw.options), "can't be read")
    refused(lambda: raw.client.get_flight_info(flight.FlightDescriptor.for_path("bg"), raw.options))
    refused(lambda: list(raw.client.list_flights(options=raw.options)), "GetFlightInfo")
    # Whoever has just written sees it, or is told that it is not there yet.
    late = flight.FlightCallOptions(headers=[(b"authorization", f"Bearer {TOKEN}".encode()), (b"vitalog-position", b"999999")], timeout=60)
    refused(lambda: raw.client.do_get(raw.ask("select 1").endpoints[0].ticket, late).read_all(), "999999", "in a moment")


def tickets(uri, seconds):
    own, other = Raw(uri), Raw(uri, OTHER)
    info = own.ask("select distinct subject from bg")
    assert own.take(info).read_all().to_pylist() == [{"subject": "p-1"}]
    for _ in range(2):
        assert own.take(info).read_all().num_rows == 1
    refused(lambda: other.take(info).read_all(), "was not given to you")
    assert other.take(other.ask("select distinct subject from bg")).read_all().to_pylist() == [{"subject": "p-2"}]
    bare = flight.Ticket(packed("CommandStatementQuery", field(1, "select 1")))
    refused(lambda: own.client.do_get(bare, own.options).read_all(), "was not given to you")
    ticket = bytearray(info.endpoints[0].ticket.ticket)
    ticket[-3] ^= 1
    refused(lambda: own.client.do_get(flight.Ticket(bytes(ticket)), own.options).read_all())
    # Nobody stops what is another's.
    refused(lambda: other.act("CancelFlightInfo", field(1, info.serialize())), "was not given to you")
    # A prepared statement is its owner's, and a ticket asks with the values that it was given with.
    [made] = own.act("CreatePreparedStatement", packed("ActionCreatePreparedStatementRequest", field(1, "select count(*) from bg where value > ?")))
    at = made.index(b"ActionCreatePreparedStatementResult")
    handle = made[made.index(b"\x0a\x10", at) + 2:][:16]
    refused(lambda: other.info("CommandPreparedStatementQuery", field(1, handle)), "no such prepared statement")
    bind = lambda raw, value: raw.put("CommandPreparedStatementQuery", field(1, handle), pa.record_batch({"a": [value]}))
    refused(lambda: bind(other, 1), "no such prepared statement")
    bind(own, 110)
    first = own.info("CommandPreparedStatementQuery", field(1, handle))
    assert own.take(first).read_all().to_pylist()[0] == {"count(*)": 9}
    bind(own, 1000)
    refused(lambda: own.take(first).read_all(), "other values were bound")
    own.act("ClosePreparedStatement", packed("ActionClosePreparedStatementRequest", field(1, handle)))
    refused(lambda: own.info("CommandPreparedStatementQuery", field(1, handle)), "no such prepared statement")
    # By ADBC the same, as partitions that go from one process to another.
    with connected(uri) as on, connected(uri, OTHER) as elsewhere:
        with on.cursor() as cursor, elsewhere.cursor() as others:
            parts, _ = cursor.adbc_execute_partitions("select subject from bg limit 1")
            refused(lambda: (others.adbc_read_partition(parts[0]), others.fetchall()), "was not given to you")
            cursor.adbc_read_partition(parts[0])
            assert cursor.fetchall() == [("p-1",)]
    time.sleep(float(seconds) + 1)
    refused(lambda: own.take(info).read_all(), "expired", "ask for the flight again")
    refused(lambda: own.act("CancelFlightInfo", field(1, info.serialize())), "expired")


def stops(uri):
    raw = Raw(uri)
    with connected(uri) as on:
        for _ in range(4):
            with on.cursor() as cursor:
                timer = threading.Timer(0.5, cursor.adbc_cancel)
                timer.start()
                began = time.monotonic()
                refused(lambda: (cursor.execute(LONG), cursor.fetchall()), "ancel")
                assert time.monotonic() - began < 10, "it was stopped late"
        for cancel in ("CancelFlightInfo", "CancelQuery"):
            for _ in range(3):
                info, said = raw.ask(LONG), []
                asking = threading.Thread(target=lambda: said.append(refused(lambda: raw.take(info).read_all(), "as was asked")))
                asking.start()
                time.sleep(0.4)
                body = field(1, info.serialize())
                began = time.monotonic()
                [result] = raw.act(cancel, body if cancel == "CancelFlightInfo" else packed("ActionCancelQueryRequest", body))
                assert result.endswith(b"\x08\x01"), result
                asking.join(20)
                assert said and time.monotonic() - began < 5, said
                refused(lambda: raw.take(info).read_all(), "as was asked")
        # Whoever hangs up has it stopped.
        for _ in range(6):
            info = raw.ask(LONG)
            short = flight.FlightCallOptions(headers=[(b"authorization", f"Bearer {TOKEN}".encode())], timeout=0.3)
            refused(lambda: raw.client.do_get(info.endpoints[0].ticket, short).read_all())
        began = time.monotonic()
        assert asked(on, "select count(*) from bg") == [(24,)]
        assert time.monotonic() - began < 10, "what was stopped is computed on"


def flows(uri, pid):
    def resident():
        with open(f"/proc/{pid}/statm") as told:
            return int(told.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20

    raw = Raw(uri)
    rows = sum(chunk.data.num_rows for chunk in raw.take(raw.ask("select s.value as n, a.subject, a.at from generate_series(1, 20000) s, bg a")))
    assert rows == 480_000, rows
    # Five million rows of a hundred bytes and more are not held: who takes the first gets them at once, and the rest waits.
    before, began = resident(), time.monotonic()
    wide = raw.take(raw.ask("select s.value as n, a.*, 'a text of some length that is in each of the rows' as more from generate_series(1, 200000) s, bg a"))
    taken = sum(wide.read_chunk().data.num_rows for _ in range(3))
    first = time.monotonic() - began
    assert 0 < taken < 4_800_000 and first < 15, (taken, first)
    time.sleep(3)
    grown = resident() - before
    assert grown < 120, f"{grown} MiB are held"
    wide.cancel()
    with connected(uri) as on:
        began = time.monotonic()
        assert asked(on, "select count(*) from bg") == [(24,)]
        assert time.monotonic() - began < 10
    print(f"the first of it after {first:.2f} s, {grown} MiB held", file=sys.stderr)


def seen(uri, *statements):
    with connected(uri) as on:
        for sql in statements:
            for row in asked(on, sql):
                print(json.dumps(row, default=str))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
    print("sound")
