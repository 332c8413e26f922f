"""SQLAlchemy and ADBC beside each other, kept open: answers each line of standard input, `[WHO, SQL]` as JSON, with a line of rows.

asking.py PG_URL FLIGHT_URI       WHO: sqlalchemy or adbc
"""
import json
import sys

import adbc_driver_flightsql.dbapi as adbc
import sqlalchemy

pg, flight = sys.argv[1:]
engine = sqlalchemy.create_engine(pg)
with adbc.connect(flight, autocommit=True) as on, engine.connect() as connection:
    print("ready", flush=True)
    for line in sys.stdin:
        who, sql = json.loads(line)
        if who == "adbc":
            with on.cursor() as cursor:
                cursor.execute(sql)
                rows = cursor.fetchall()
        else:
            rows = connection.exec_driver_sql(sql).fetchall()
        print(json.dumps([list(row) for row in rows], default=str), flush=True)
