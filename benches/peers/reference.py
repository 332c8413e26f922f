#!/usr/bin/env python3
"""Counts the five workloads naively, as the words of the manual say it, and makes random files.

    reference.py count FILE            one line `workload matches` each
    reference.py random SEED SUBJECTS DAYS [ties]    a file on standard output
"""
import random
import sys
from fractions import Fraction

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR


def disjoint(matches):
    """Of (start, end): the earliest completed, of equals the earliest start; then those that start strictly later than its end."""
    taken, after = 0, None
    for end, start in sorted((end, start) for start, end in matches):
        if after is None or start > after:
            taken, after = taken + 1, end
    return taken


def threshold(s, last):
    return sum(v < 70 for _, v in s["bg"])


def sequence(s, last):
    matches = []
    for c, grams in s["carbs"]:
        if grams >= 30:
            for b, v in s["bg"]:
                if v > 180 and c < b and b - c < 2 * HOUR and not any(c < e < b for e, _ in s["exercise"]):
                    matches.append((c, b))
                    break
    return disjoint(matches)


def iteration(s, last):
    bp = s["bp"]
    rows = [bp[i : i + 3] for i in range(len(bp) - 2)]
    return disjoint([(r[0][0], r[2][0]) for r in rows if all(v >= 140 for _, v in r) and r[2][0] - r[0][0] < 7 * DAY])


def absence(s, last):
    bg = s["bg"]
    ends = [b for b, _ in bg[1:]]
    return sum(n - t > HOUR for (t, _), n in zip(bg, ends)) + sum(t + HOUR <= last for t, _ in bg[-1:])


def window(s, last):
    bg, before, openings, start = s["bg"], False, 0, 0
    for i, (t, _) in enumerate(bg):
        while bg[start][0] <= t - 3 * HOUR:
            start += 1
        held = [v for _, v in bg[start : i + 1]]
        now = len(held) >= 12 and sum(held) > 180 * len(held)
        openings += now and not before
        before = now
    return openings


WORKLOADS = {f.__name__: f for f in (threshold, sequence, iteration, absence, window)}


def read(path):
    subjects, last = {}, None
    for line in open(path):
        subject, stream, at, value = line.strip().split(",")
        s = subjects.setdefault(int(subject), {"bg": [], "carbs": [], "exercise": [], "bp": []})
        last = int(at)
        s[stream].append((last, Fraction(value or "0")))
    return subjects, last


def make(seed, subjects, days, ties):
    """Readings like life's; with `ties`, all on a grid of five minutes, so that bounds and equal instants are hit."""
    r = random.Random(seed)
    step = 300 * SECOND if ties else 1
    rows = {}

    def put(subject, stream, at, value):
        rows.setdefault((at // step * step, subject, stream), value)

    for s in range(subjects):
        start = 1_767_225_600 * SECOND + r.randrange(HOUR)
        end, t, v = start + days * DAY, start, 140.0
        while t < end:
            v = min(400, max(40, v + r.gauss(0, 14) + (150 - v) * 0.03))
            put(s, "bg", t, round(v))
            gap = r.random()
            t += 300 * SECOND + (0 if ties else r.randrange(-5 * SECOND, 5 * SECOND)) + (r.randrange(3 * HOUR) if gap < 0.02 else HOUR - 300 * SECOND if gap < 0.03 and ties else 0)
        for _ in range(5 * days):
            put(s, "carbs", r.randrange(start, end), r.randrange(5, 90))
        for _ in range(2 * days):
            put(s, "exercise", r.randrange(start, end), 0)
        t = start
        while t < end:
            put(s, "bp", t, r.randrange(128, 185))
            t += DAY * r.choice([1, 2, 6, 7, 7]) // 2 if r.random() < 0.3 else r.randrange(HOUR, DAY // 2)
    for (at, subject, stream), value in sorted(rows.items(), key=lambda row: (row[0][0], r.random())):
        print(f"{subject},{stream},{at},{value}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["count"] and len(sys.argv) == 3:
        subjects, last = read(sys.argv[2])
        for name, count in WORKLOADS.items():
            print(name, sum(count(s, last) for s in subjects.values()))
    elif sys.argv[1:2] == ["random"] and len(sys.argv) in (5, 6):
        make(int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:] == ["ties"])
    else:
        sys.exit(__doc__)
