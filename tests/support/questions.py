"""Computes the answers to the ten questions of docs/questions.md with polars, on the same table, and compares.

usage: questions.py LAKE_READINGS ANSWERS.json
ANSWERS holds a list of rows for each question. Figures that SQL rounds are compared unrounded, to half of their last digit.
"""

import json
import statistics
import sys
import warnings
from datetime import timedelta

import polars as pl

warnings.simplefilter("ignore")

readings, answers = sys.argv[1:]
table = pl.scan_delta(readings).collect()
hours = lambda n: timedelta(hours=n)


def stream(name, *columns):
    rows = table.filter(pl.col("stream") == name)
    return rows.select("subject", "at", "start_at", "end_at", "arrival", *[pl.col(f"{name}_{c}").alias(c) for c in columns])


bg = stream("bg", "value").select("subject", "at", "value").sort("at")


def within(events, since, until):
    """Each event with each reading of its subject after `since` and not after `until`, by comparing all of a subject."""
    parts = [events.head(0).join(bg.head(0).select(pl.col("at").alias("then"), "value"), how="cross")]
    for subject in events["subject"].unique().sort():
        mine = events.filter(pl.col("subject") == subject)
        both = mine.join(bg.filter(pl.col("subject") == subject).select(pl.col("at").alias("then"), "value"), how="cross")
        parts.append(both.filter((pl.col("then") > since) & (pl.col("then") <= until)))
    return pl.concat(parts)


def before(events, at, longest):
    """The last reading by then."""
    right = bg.rename({"at": "then", "value": "before"})
    return events.sort(at).join_asof(right, left_on=at, right_on="then", by="subject", strategy="backward", tolerance=longest)


def question_1():
    rows = table.filter(pl.col("stream").is_in(["carbs", "medication"]))
    bolus = pl.when(pl.col("medication_kind") == "bolus").then("medication_amount")
    days = pl.col("at").dt.date().n_unique()
    total = lambda column: pl.when(column.is_not_null().any()).then(column.sum())  # of nothing there is no sum
    return rows.group_by("subject").agg(days.alias("days"), (total(pl.col("carbs_amount")) / days).alias("carbs_g_per_day"), (total(bolus) / days).alias("bolus_u_per_day")).sort("subject")


def question_2():
    value = pl.col("value")
    share = lambda holds, name: (holds.mean() * 100).alias(name)
    return bg.group_by("subject").agg(
        pl.len().alias("readings"), share(value < 70, "below"), share((value >= 70) & (value <= 180), "in_range"), share(value > 180, "above"),
        (3.31 + 0.02392 * value.mean()).alias("gmi"), (100 * value.std() / value.mean()).alias("cv"),
    ).sort("in_range", descending=True)


def question_3():
    # An instant's readings are its reading.
    value = lambda q, name: pl.col("value").quantile(q, "linear").alias(name)
    course = bg.group_by("at").agg(pl.col("value").mean())
    rows = course.group_by(pl.col("at").dt.hour().alias("h")).agg(pl.len().alias("readings"), value(0.05, "p05"), value(0.5, "median"), value(0.95, "p95"))
    rows = rows.sort(pl.col("p05") - pl.col("p95"), "h").head(5)
    return rows.select((pl.col("h").cast(pl.String).str.zfill(2) + ":00:00").alias("hour"), "readings", "p05", "median", "p95")


def lows(points):
    """Below 70 mg/dL for 15 minutes, back for 15, by sets of minutes: what is known of each reading's stretch decides."""
    found, i = [], 0
    while i < len(points):
        if points[i][1] >= 70:
            i += 1
            continue
        start, j = i, i
        while j + 1 < len(points) and points[j + 1][1] < 70 and points[j + 1][0] - points[j][0] <= timedelta(minutes=30):
            j += 1
        broken = j + 1 >= len(points) or points[j + 1][0] - points[j][0] > timedelta(minutes=30)
        proof = points[j][0] if broken else points[j + 1][0]
        if proof - points[start][0] < timedelta(minutes=15):
            i = j + 1
            continue
        # It goes on until it has been back for long enough, or is lost.
        end, lowest, back, k = points[j][0], min(v for _, v in points[start : j + 1]), None, j + 1
        while k < len(points) and points[k][0] - points[k - 1][0] <= timedelta(minutes=30):
            t, v = points[k]
            if v < 70:
                back, end, lowest = None, t, min(lowest, v)
            else:
                back = back or t
                end = back
                if t - back >= timedelta(minutes=15):
                    k += 1
                    break
            k += 1
        found.append((points[start][0], (end - points[start][0]) / timedelta(minutes=1), lowest))
        i = k
    return found


def question_4():
    out = []
    for subject in bg["subject"].unique():
        course = bg.filter(pl.col("subject") == subject).group_by("at").agg(pl.col("value").mean()).sort("at")
        found = lows(list(course.iter_rows()))
        if found:
            night = sum(start.hour < 6 for start, _, _ in found)
            out.append({"subject": subject, "lows": len(found), "at_night": night, "mean_minutes": statistics.fmean(m for _, m, _ in found), "lowest": min(low for *_, low in found)})
    return pl.DataFrame(out).sort("lows", "subject", descending=[True, False])


def question_5():
    meals = before(stream("carbs", "meal").drop("start_at", "end_at"), "at", "30m").filter(pl.col("before").is_not_null()).drop("then")
    peaks = within(meals, pl.col("at"), pl.col("at") + hours(2))
    peaks = peaks.group_by("subject", "at", "meal", "before").agg(pl.col("value").max().alias("peak"))
    return peaks.group_by("meal").agg(
        pl.len().alias("meals"),
        pl.col("before").mean(),
        (pl.col("peak") - pl.col("before")).mean().alias("rise"),
        ((pl.col("peak") > 180).mean() * 100).alias("percent_above_180"),
    ).sort("meals", "meal", descending=[True, False], nulls_last=True)


def question_6():
    nights = stream("sleep").filter(pl.col("end_at").is_not_null()).select("subject", pl.col("start_at").alias("slept"), pl.col("end_at").alias("woke"), pl.col("arrival").alias("told"))
    meals = stream("carbs", "meal", "amount").filter((pl.col("meal") == "Breakfast") & (pl.col("amount") > 60)).select("subject", "at").with_row_index("n")
    both = meals.join(nights, on="subject").filter((pl.col("woke") <= pl.col("at")) & (pl.col("woke") >= pl.col("at") - hours(12)))
    last = both.sort("woke", "told").group_by("n").last()
    short = ((pl.col("woke") - pl.col("slept")) < hours(7)).alias("short_night")
    mornings = within(last.select("subject", "at", short).unique(), pl.col("at"), pl.col("at") + hours(3))
    mornings = mornings.group_by("subject", "at", "short_night").agg(pl.col("value").max().alias("peak"), ((pl.col("value") > 180).mean() * 100).alias("above"))
    return mornings.group_by("short_night").agg(pl.len().alias("breakfasts"), pl.col("peak").mean().alias("mean_peak"), pl.col("above").mean().alias("percent_above_180")).sort("short_night")


def question_7():
    nights = stream("sleep").filter(pl.col("end_at").is_not_null()).select("subject", "start_at", "end_at")
    both = nights.join(bg, on="subject").filter((pl.col("at") >= pl.col("end_at")) & (pl.col("at").dt.date() == pl.col("end_at").dt.date()))
    value = pl.col("value")
    days = both.group_by("subject", "start_at", "end_at").agg(
        pl.len().alias("readings"), (((value >= 70) & (value <= 180)).mean() * 100).alias("in_range"), (100 * value.std() / value.mean()).alias("cv")
    ).filter(pl.col("readings") >= 36)
    short = ((pl.col("end_at") - pl.col("start_at")) < hours(7)).alias("short_night")
    return days.group_by(short).agg(pl.len().alias("days"), pl.col("in_range").mean(), pl.col("cv").mean()).sort("short_night")


def question_8():
    bouts = stream("exercise", "intensity").filter(pl.col("end_at") >= pl.col("start_at") + timedelta(minutes=10)).drop("at", "arrival")
    bouts = before(bouts, "start_at", "15m").filter(pl.col("before").is_not_null()).drop("then")
    after = within(bouts, pl.col("start_at"), pl.col("start_at") + hours(3))
    after = after.group_by("subject", "start_at", "intensity", "before").agg(pl.col("value").min().alias("lowest"))
    return after.group_by("intensity").agg(
        pl.len().alias("bouts"),
        pl.col("before").mean(),
        (pl.col("before") - pl.col("lowest")).mean().alias("fall"),
        ((pl.col("lowest") < 70).mean() * 100).alias("percent_with_a_low"),
    ).sort("intensity")


def question_9():
    drugs = stream("medication", "kind", "amount", "rate")
    rates = drugs.filter((pl.col("kind") == "basal") & pl.col("rate").is_not_null()).sort("subject", "at", "rate")
    lasted = (pl.col("at").shift(-1) - pl.col("at")).over("subject")
    flowed = rates.with_columns(pl.when(lasted.is_not_null()).then(pl.min_horizontal(lasted, pl.lit(hours(24)))).alias("lasted"))
    flowed = flowed.group_by("subject").agg((pl.col("rate") * pl.col("lasted").dt.total_microseconds() / 3.6e9).sum().alias("pumped"))
    given = lambda kind: pl.col("amount").filter(pl.col("kind") == kind).sum().alias(kind)
    rows = drugs.group_by("subject").agg(given("basal"), given("bolus")).join(flowed, on="subject", how="left")
    basal = pl.col("basal") + pl.col("pumped").fill_null(0)
    return rows.select("subject", basal.alias("basal_u"), pl.col("bolus").alias("bolus_u"), (100 * basal / (basal + pl.col("bolus"))).alias("percent_basal")).sort("subject")


def question_10():
    gap = (pl.col("at").diff().dt.total_microseconds() / 3.6e9).over("subject")
    steps = bg.sort("subject", "at").with_columns(gap.alias("gap"))
    hole = pl.col("gap").filter(pl.col("gap") > 0.5)
    return steps.group_by("subject").agg(
        hole.len().alias("holes"), hole.sum().alias("hours_in_holes"), pl.col("gap").max().alias("longest_hours"), (100 - 100 * hole.sum() / pl.col("gap").sum()).alias("percent_known")
    ).sort("subject")


def digits(rows, column):
    """To how many digits SQL rounded a column."""
    texts = [str(row[column]).removesuffix(".0") for row in rows]
    return max((len(text.split(".")[1]) if "." in text else 0) for text in texts)


wrong = []
questions = [question_1, question_2, question_3, question_4, question_5, question_6, question_7, question_8, question_9, question_10]
answers = json.load(open(answers))
if len(answers) != len(questions):
    wrong.append(f"{len(answers)} queries for {len(questions)} questions")
figures = 0
for question, ours in zip(questions, answers):
    theirs = question().to_dicts()
    name = question.__name__
    if len(theirs) != len(ours):
        wrong.append(f"{name}: {len(ours)} rows in SQL, {len(theirs)} here")
        continue
    if ours and set(ours[0]) != set(theirs[0]):
        wrong.append(f"{name}: {sorted(ours[0])} in SQL, {sorted(theirs[0])} here")
        continue
    for column in ours[0] if ours else []:
        half = 0.5 * 10 ** -digits(ours, column) + 1e-9
        for row, (a, b) in enumerate(zip([r[column] for r in ours], [r[column] for r in theirs])):
            figures += 1
            number = isinstance(a, (int, float)) and isinstance(b, (int, float)) and not isinstance(a, bool)
            if not (abs(a - b) <= half if number else a == b):
                wrong.append(f"{name} row {row + 1}: {column} is {a} in SQL, {b} here")
print("\n".join(wrong[:60]))
print(f"{figures} figures, {len(wrong)} differ")
sys.exit(1 if wrong else 0)
