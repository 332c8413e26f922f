"""Reads exports as others would: what each says of a subject's readings, as one line of JSON.

    python export.py tables FILE.parquet FILE.arrow FILE.csv     rows and sums of each
    python export.py fhir FILE                                   the Bundle, held against FHIR R4 (fhir.resources, R4B)
"""

import csv
import json
import sys

import polars
import pyarrow.ipc
import pyarrow.parquet


def figures(rows):
    """By stream: how many readings, and the sum of glucose and carbohydrate, in thousandths."""
    out = {}
    for stream, glucose, grams in rows:
        said = out.setdefault(stream, [0, 0, 0])
        said[0] += 1
        said[1] += round((glucose or 0) * 1000)
        said[2] += round((grams or 0) * 1000)
    return dict(sorted(out.items()))


COLUMNS = ["stream", "bg_value", "carbs_amount"]


def tables(parquet, arrow, text):
    frame = polars.read_parquet(parquet).select(COLUMNS)
    table = pyarrow.parquet.read_table(parquet).select(COLUMNS).to_pydict()
    with open(arrow, "rb") as file:
        stream = pyarrow.ipc.open_stream(file).read_all()
    units = {field.name: (field.metadata or {}).get(b"unit", b"").decode() for field in stream.schema}
    streamed = stream.select(COLUMNS).to_pydict()
    with open(text, newline="") as file:
        lines = [(row["stream"], float(row["bg_value"] or 0), float(row["carbs_amount"] or 0)) for row in csv.DictReader(file)]
    return {
        "polars": figures(frame.iter_rows()),
        "pyarrow": figures(zip(*(table[name] for name in COLUMNS))),
        "arrow": figures(zip(*(streamed[name] for name in COLUMNS))),
        "csv": figures(lines),
        "unit": units["bg_value"],
    }


def fhir(path):
    from fhir.resources.R4B.bundle import Bundle

    with open(path, "rb") as file:
        raw = file.read()
    bundle = Bundle.model_validate_json(raw)
    whole = json.loads(raw, parse_float=str, parse_int=str)
    addresses = [entry["fullUrl"] for entry in whole["entry"]]
    if len(set(addresses)) != len(addresses):
        raise SystemExit("two entries share an address")

    def references(part):
        if isinstance(part, dict):
            for name, value in part.items():
                if name == "reference":
                    yield value
                yield from references(value)
        elif isinstance(part, list):
            for value in part:
                yield from references(value)

    asked = list(references(whole))
    loose = [reference for reference in asked if reference not in addresses]
    if loose or not asked:
        raise SystemExit(f"references that lead nowhere: {loose[:3]}")
    for entry in whole["entry"]:
        if entry["fullUrl"] != "urn:uuid:" + entry["resource"]["id"]:
            raise SystemExit(f"an address and an id differ: {entry['fullUrl']}")
    return {"type": bundle.type, "entries": len(bundle.entry), "resources": [entry["resource"] for entry in whole["entry"]]}


if __name__ == "__main__":
    kind, *files = sys.argv[1:]
    print(json.dumps(tables(*files) if kind == "tables" else fhir(*files)))
