"""Holds the metrics that SQL answered against other implementations, on the same table read by another engine.

usage: metrics.py LAKE_READINGS ANSWERS.json
Says each difference, and exits with 1 if there is one. Where iglu_python defines what Vitalog does, it is the peer (a program of its own, run as one);
elsewhere the published formula is evaluated here, in another way than Vitalog does.
"""

import json
import math
import statistics
import sys
import warnings

import polars as pl

warnings.simplefilter("ignore")
import iglu_python as iglu
import pandas as pd

MINUTE = 60_000_000
DAY = 86_400_000_000
wrong = []
held = 0


def same(what, ours, theirs, relative=1e-9):
    global held
    held += 1
    near = ours is not None and theirs is not None and math.isclose(ours, theirs, rel_tol=relative, abs_tol=1e-9)
    if not near and not (ours is None and theirs is None):
        wrong.append(f"{what}: {ours} in SQL, {theirs} here")


def by_iglu(function, frame, column=None, **settings):
    answer = function(frame, **settings)
    return float(answer[column or answer.columns[-1]].iloc[0]) if isinstance(answer, pd.DataFrame) else float(answer)


def mage(values):
    """By cancelling the smallest swings until each left is larger than a deviation: no walk along the course."""
    if len(values) < 2:
        return None
    least = statistics.stdev(values)
    turns = [values[0]]
    for value in values[1:]:
        if value == turns[-1]:
            continue
        if len(turns) > 1 and (turns[-1] - turns[-2]) * (value - turns[-1]) > 0:
            turns[-1] = value
        else:
            turns.append(value)
    while len(turns) > 1:
        swings = [abs(b - a) for a, b in zip(turns, turns[1:])]
        smallest = min(range(len(swings)), key=swings.__getitem__)
        if swings[smallest] > least:
            break
        if smallest == 0:
            del turns[0]
        elif smallest == len(swings) - 1:
            del turns[-1]
        else:
            del turns[smallest : smallest + 2]
    if len(turns) < 2:
        return None
    swings = [b - a for a, b in zip(turns, turns[1:])]
    alike = [abs(s) for s in swings if (s > 0) == (swings[0] > 0)]
    return sum(alike) / len(alike)


def lagged(course, lag, tolerance):
    """Differences to the nearest reading a lag before, by a join of polars."""
    right = course.select(pl.col("t").alias("there"), pl.col("v").alias("former")).sort("there")
    wanted = course.with_columns((pl.col("t") - lag).alias("wanted")).sort("wanted")
    back = wanted.join_asof(right, left_on="wanted", right_on="there", strategy="backward")
    on = wanted.join_asof(right, left_on="wanted", right_on="there", strategy="forward")
    pairs = back.hstack(on.select(pl.col("there").alias("there2"), pl.col("former").alias("former2")))
    before = pl.col("wanted") - pl.col("there")
    after = pl.when(pl.col("there2") < pl.col("t")).then(pl.col("there2") - pl.col("wanted"))
    first = before.is_not_null() & (after.is_null() | (before <= after))
    pairs = pairs.with_columns(
        pl.when(first).then(before).otherwise(after).alias("away"), pl.when(first).then("former").otherwise("former2").alias("partner")
    )
    pairs = pairs.filter(pl.col("away").is_not_null() & (pl.col("away") <= tolerance))
    return (pairs["v"] - pairs["partner"]).to_list()


def episodes(course, beyond, lasting, recovery, hole):
    """By runs: cut at holes, run-length encode, and join runs; readings (t, v) in order."""
    found, parts = [], []
    for point in course:
        if parts and point[0] - parts[-1][-1][0] <= hole:
            parts[-1].append(point)
        else:
            parts.append([point])
    for part in parts:
        runs = []
        for t, v in part:
            if runs and runs[-1][0] == beyond(v):
                runs[-1][1].append((t, v))
            else:
                runs.append((beyond(v), [(t, v)]))
        i = 0
        while i < len(runs):
            out, points = runs[i]
            until = runs[i + 1][1][0][0] if i + 1 < len(runs) else points[-1][0]
            if not out or until - points[0][0] < lasting:
                i += 1
                continue
            start, members, end, recovered = points[0][0], list(points), points[-1][0], False
            i += 1
            while i < len(runs):
                out, points = runs[i]
                if out:
                    members += points
                    end = points[-1][0]
                else:
                    end = points[0][0]
                    if points[-1][0] - points[0][0] >= recovery:
                        recovered = True
                        break
                i += 1
            found.append((start, end, len(members), recovered))
    return found


def held_by_iglu(subject, ours, frame):
    same(f"{subject} time_in_range", ours["tir"], by_iglu(iglu.in_range_percent, frame, target_ranges=[[70, 180]]))
    same(f"{subject} time_below", ours["below"], by_iglu(iglu.below_percent, frame, targets_below=[70]))
    same(f"{subject} time_above", ours["above"], by_iglu(iglu.above_percent, frame, targets_above=[180]))
    same(f"{subject} gmi", ours["gmi"], by_iglu(iglu.gmi, frame))
    same(f"{subject} cv", ours["cv"], by_iglu(iglu.cv_glu, frame))
    same(f"{subject} j_index", ours["j"], by_iglu(iglu.j_index, frame))
    # iglu rounds 10 × 1.509² = 22.77081 to 22.77.
    same(f"{subject} lbgi", ours["lbgi"], by_iglu(iglu.lbgi, frame), 5e-5)
    same(f"{subject} hbgi", ours["hbgi"], by_iglu(iglu.hbgi, frame), 5e-5)
    same(f"{subject} gri", ours["gri"], by_iglu(iglu.gri, frame), 1e-3)
    # iglu counts days with one or two readings, too, and each of several readings of an instant; it is given days with three, and their means.
    instants = frame.groupby(["id", "time"], as_index=False)["gl"].mean()
    days = instants["time"].dt.floor("D")
    full = instants[instants.groupby(days)["gl"].transform("size") >= 3]
    same(f"{subject} adrr", ours["adrr"], by_iglu(iglu.adrr, full) if len(full) else None, 5e-5)


def held_by_formula(subject, ours, course):
    points = list(zip(course["t"].to_list(), course["v"].to_list()))
    same(f"{subject} mage", ours["mage"], mage([v for _, v in points]))
    daily = lagged(course, DAY, 15 * MINUTE // 2)
    same(f"{subject} modd", ours["modd"], sum(map(abs, daily)) / len(daily) if daily else None)
    hourly = lagged(course, 60 * MINUTE, 15 * MINUTE // 2)
    same(f"{subject} conga", ours["conga"], statistics.stdev(hourly) if len(hourly) > 1 else None)
    for name, beyond, lasting in (("low", lambda v: v < 70, 15), ("high", lambda v: v > 250, 15), ("long_low", lambda v: v < 70, 120)):
        theirs = episodes(points, beyond, lasting * MINUTE, 15 * MINUTE, 30 * MINUTE)
        said = [(e["start"], e["end"], e["readings"], e["recovered"]) for e in ours[name]]
        same(f"{subject} episodes {name}", float(len(said)), float(len(theirs)))
        wrong.extend(f"{subject} {name}: {a} in SQL, {b} here" for a, b in zip(said, theirs) if a != b)
    part = ((pl.col("t") % DAY) // (15 * MINUTE)).alias("part")
    percents = [("p05", 0.05), ("p25", 0.25), ("p50", 0.5), ("p75", 0.75), ("p95", 0.95)]
    bins = course.group_by(part).agg(
        pl.len().alias("readings"), *[pl.col("v").quantile(q, "linear").alias(name) for name, q in percents]
    )
    bins = {row["part"]: row for row in bins.to_dicts()}
    same(f"{subject} parts of the day", float(len(ours["agp"])), 96.0)
    for i, row in enumerate(ours["agp"]):
        theirs = bins.get(i, {"readings": 0})
        same(f"{subject} agp {i} readings", float(row["readings"]), float(theirs["readings"]))
        for name, _ in percents:
            same(f"{subject} agp {i} {name}", row[name], theirs.get(name))
    grid = ours["grid"]
    theirs = course.group_by((pl.col("t") // (5 * MINUTE)).alias("step")).agg(pl.col("v").mean()).sort("step")
    full = pl.DataFrame({"step": range(theirs["step"].min(), theirs["step"].max() + 1)}).join(theirs, on="step", how="left")
    known = full.with_columns(
        pl.col("step").filter(pl.col("v").is_not_null()).len().alias("n"),
        pl.when(pl.col("v").is_not_null()).then("step").forward_fill().alias("last"),
        pl.when(pl.col("v").is_not_null()).then("step").backward_fill().alias("next"),
        pl.col("v").interpolate().alias("line"),
    )
    short = (pl.col("next") - pl.col("last")) * 5 <= 45
    filled = known.select(pl.when(short).then("line").alias("v"))["v"].to_list()
    same(f"{subject} steps", float(grid["steps"]), float(len(filled)))
    same(f"{subject} filled", float(grid["filled"]), float(sum(v is not None for v in filled) - len(theirs)))
    same(f"{subject} sum of the grid", grid["sum"], sum(v for v in filled if v is not None))


readings, answers = sys.argv[1:]
table = pl.scan_delta(readings).filter(pl.col("stream") == "bg").select("subject", "at", "bg_value").collect()
ours = {row["subject"]: row for row in json.load(open(answers))}
subjects = table["subject"].unique().sort().to_list()
if subjects != sorted(ours):
    wrong.append(f"subjects: {sorted(ours)} in SQL, {subjects} here")
for subject in subjects:
    rows = table.filter(pl.col("subject") == subject).sort("at", "bg_value")
    frame = pd.DataFrame({"id": subject, "time": pd.to_datetime(rows["at"].dt.epoch("us").to_list(), unit="us"), "gl": rows["bg_value"].to_list()})
    course = rows.select(pl.col("at").dt.epoch("us").alias("t"), pl.col("bg_value").alias("v"))
    course = course.group_by("t").agg(pl.col("v").mean()).sort("t")
    held_by_iglu(subject, ours[subject], frame)
    held_by_formula(subject, ours[subject], course)
print("\n".join(wrong[:60]))
print(f"{held} figures of {len(subjects)} subjects, {len(wrong)} differ")
sys.exit(1 if wrong else 0)
