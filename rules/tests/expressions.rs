//! What times of day, choices, intervals and statistics become: the plan of each, on one line. The streams are those of `lowering`.

use expect_test::expect;

use crate::lowering::when;

#[test]
fn times_of_day_and_days_of_the_week() {
    when("time_of_day(a.at) >= 09:00", expect!["(clock(Driver.At) Ge 32400000000)"]);
    when("a.at between 22:00 and 06:30", expect!["(clock(Driver.At) between times 79200000000 and 23400000000)"]);
    when("a.at in (09:00, 10:00)", expect!["(clock(Driver.At) in [32400000000, 36000000000])"]);
    when("day_of_week(now) in (saturday, sunday)", expect!["(weekday(now) in [word 5, word 6])"]);
    when(
        "time_of_day(a.at) + 30 min < 09:00 and 09:00 - time_of_day(now) > 2 h",
        expect![
            "((wrap (clock(Driver.At) Add 1800000000) Lt 32400000000) and (wrap signed (32400000000 Sub clock(now)) Gt 7200000000))"
        ],
    );
    when(
        "avg(time_of_day(i.start) over 14 d) > 23:00 and stddev(time_of_day(i.end) over 14 d) > 1 h",
        expect![
            "((Avg(stream 2 StartClock over 14 d Decision) Gt 82800000000) and (Stddev(stream 2 AtClock over 14 d Decision) Gt 3600000000))"
        ],
    );
}

#[test]
fn choices_and_intervals() {
    when(
        "a.x > (10 mmol/L if a.t, otherwise 200 mg/dL)",
        expect!["(Driver.Field((0)) Gt (18016000 if Driver.Field((5)) else 20000000))"],
    );
    when(
        "a.s > 50 % if a.t, otherwise a.t",
        expect!["((Driver.Field((3)) Gt 50000000) if Driver.Field((5)) else Driver.Field((5)))"],
    );
    when("during i", expect!["([Driver.Start, Driver.At] During stream 2)"]);
    when(
        "a.x > 10 mmol/L during i",
        expect!["((Driver.Field((0)) Gt 18016000) and ([Driver.Start, Driver.At] During stream 2))"],
    );
    when(
        "a.at during (i where i.level > low)",
        expect!["([Driver.At, Driver.At] During stream 2 where (Item.Field((0)) Gt word 0))"],
    );
    when("now overlaps i", expect!["([now, now] Overlaps stream 2)"]);
    when(
        "count(b over 1 d where b.at during i) > 1",
        expect!["(Count(stream 1 Itself over 1 d Decision where ([Item.At, Item.At] During stream 2)) Gt 1)"],
    );
}

#[test]
fn windows_of_every_kind() {
    when(
        "sum(b.z over last 7 days) > 3 g and avg(a.x over last 3 nights) > 10 mmol/L",
        expect![
            "((Sum(stream 1 Field((0)) over 7 d Days(7)) Gt 3000000) and (Avg(stream 0 Field((0)) over 3 d Nights(3)) Gt 18016000))"
        ],
    );
    when(
        "last(b.z over 1 d fresh 1 h) > 3 g and count(b over 1 d during i) > 1",
        expect![
            "((Last(stream 1 Field((0)) over 1 d Decision fresh 1 h) Gt 3000000) and (Count(stream 1 Itself over 1 d Decision where ([Item.Start, Item.At] During stream 2)) Gt 1))"
        ],
    );
    when(
        "percentile(a.x at 90 % over 14 d) > 10 mmol/L and median(a.x over 1 d) > 10 mmol/L",
        expect![
            "((Percentile(Rational { n: 9, d: 10 })(stream 0 Field((0)) over 14 d Decision) Gt 18016000) and (Median(stream 0 Field((0)) over 1 d Decision) Gt 18016000))"
        ],
    );
    when(
        "cv(a.x over 14 d) > 36 % and stddev(a.x over 14 d) > 50 mg/dL",
        expect![
            "((Cv(stream 0 Field((0)) over 14 d Decision) Gt 36000000) and (Stddev(stream 0 Field((0)) over 14 d Decision) Gt 5000000))"
        ],
    );
    when(
        "slope(a.x over 1 h) > 2 mg/dL/min and rate(a.s over 1 h) * 1 h > 0.1",
        expect![
            "((Slope(stream 0 Field((0)) over 1 h Decision) Gt 1/300) and (((Rate(stream 0 Field((3)) over 1 h Decision) Div 100000000) Mul 3600000000) Gt 1/10))"
        ],
    );
    when(
        "share(a.x > 10 mmol/L over 14 d) > 25 % and time_in(a.x > 10 mmol/L over 1 d where a.t) > 6 h",
        expect![
            "((Share(stream 0 Itself asks (Item.Field((0)) Gt 18016000) over 14 d Decision) Gt 25000000) and (TimeIn(5 min)(stream 0 Itself asks (Item.Field((0)) Gt 18016000) over 1 d Decision where Item.Field((5))) Gt 21600000000))"
        ],
    );
    when(
        "coverage(a over 14 d) >= 70 % and days(b over last 7 days) < 3",
        expect![
            "((Coverage(5 min)(stream 0 Itself over 14 d Decision) Ge 70000000) and (Days(stream 1 Itself over 7 d Days(7)) Lt 3))"
        ],
    );
    when(
        "decayed_sum(b.z over 6 h half_life 75 min) > 3 g and forecast(a.x in 20 min over 15 min) < 55 mg/dL",
        expect![
            "((DecayedSum(1 h 15 min)(stream 1 Field((0)) over 6 h Decision) Gt 3000000) and (Forecast(20 min)(stream 0 Field((0)) over 15 min Decision) Lt 5500000))"
        ],
    );
    when(
        "reversals(a.x over 1 h) > 6 and time_in(i.level > low over 1 d) > 1 h",
        expect![
            "((Reversals(stream 0 Field((0)) over 1 h Decision) Gt 6) and (TimeIn(0 s)(stream 2 Duration asks (Item.Field((0)) Gt word 0) over 1 d Decision) Gt 3600000000))"
        ],
    );
}
