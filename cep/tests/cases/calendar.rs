//! The subject's calendar: daylight saving in several zones, days that are missing, leap days, nights.

use vitalog_cep::plan::{Anchor, Compare, Expr, Func, Measure, Rational, Ref, RuleKind, Show, Window};
use vitalog_elog::{Dimension, Span, StreamIx, Time};

use super::build::*;
use super::table::{check, written};
use crate::world::{F0, F1, Kind, LAB, LIMIT, MEAL, NAP, SUGAR, TARGET, unit};

/// What `expr` reads at a lab reading at `at`, for a subject in `zone`.
fn says(zone: &str, at: &str, expr: Expr, show: Show, text: &str) {
    says_after(&format!("profile time_zone {zone} from 1990-01-01T00:00Z"), at, expr, show, text);
}

fn says_after(input: &str, at: &str, expr: Expr, show: Show, text: &str) {
    says_at((LAB, "lab"), input, at, expr, show, text);
}

/// The same at a reading of another stream.
fn says_at((asked, name): (StreamIx, &str), input: &str, at: &str, expr: Expr, show: Show, text: &str) {
    let mut r = rule(RuleKind::Match(pattern(vec![step(asked, None)], 1)));
    r.say = vec![hole(expr, show)];
    let readings = input.lines().filter(|l| !l.trim().is_empty() && !l.contains("profile")).count();
    let t = written(Time::parse(&at.replace('Z', ":00Z")).expect("an instant"));
    let input = format!("{input}\n @2030-01-01T00:00Z {at} {name} -");
    check(&only(r), &input, &format!("open info from {t} at {t} to {t} of r{} say {text}", readings + 1));
}

pub fn clock(zone: &str, at: &str, text: &str) {
    says(zone, at, Expr::TimeOfDay(Box::new(Expr::Now)), Show::TimeOfDay, text);
}

fn weekday(zone: &str, at: &str, place: u16) {
    let is = |day| compare(Expr::DayOfWeek(Box::new(Expr::Now)), Compare::Eq, Expr::Enum(day));
    says(zone, at, is(place), Show::Bool, "yes");
    says(zone, at, is((place + 1) % 7), Show::Bool, "no");
}

#[test]
fn the_clock_jumps_forwards_and_back() {
    for (zone, at, shows) in [
        ("Europe/Berlin", "2026-03-29T00:59Z", "01:59"),
        ("Europe/Berlin", "2026-03-29T01:00Z", "03:00"),
        ("Europe/Berlin", "2026-10-25T00:30Z", "02:30"),
        ("Europe/Berlin", "2026-10-25T01:30Z", "02:30"),
        ("Europe/Berlin", "2026-10-25T02:00Z", "03:00"),
        ("America/New_York", "2026-03-08T06:59Z", "01:59"),
        ("America/New_York", "2026-03-08T07:00Z", "03:00"),
        ("America/New_York", "2026-11-01T05:30Z", "01:30"),
        ("America/New_York", "2026-11-01T06:30Z", "01:30"),
        ("Australia/Lord_Howe", "2026-04-04T14:59Z", "01:59"),
        ("Australia/Lord_Howe", "2026-04-04T15:00Z", "01:30"),
        ("Australia/Lord_Howe", "2026-10-03T15:29Z", "01:59"),
        ("Australia/Lord_Howe", "2026-10-03T15:30Z", "02:30"),
        ("America/Havana", "2026-03-08T04:59Z", "23:59"),
        ("America/Havana", "2026-03-08T05:00Z", "01:00"),
        ("Asia/Kathmandu", "2026-03-08T18:14Z", "23:59"),
        ("Pacific/Apia", "2011-12-30T09:59Z", "23:59"),
        ("Pacific/Apia", "2011-12-30T10:00Z", "00:00"),
        ("nowhere", "2026-03-08T18:14Z", "18:14"),
        ("-", "2026-03-08T18:14Z", "18:14"),
    ] {
        clock(zone, at, shows);
    }
}

#[test]
fn days_of_the_week_follow_the_local_day() {
    weekday("UTC", "2026-03-29T23:59Z", 6);
    weekday("Europe/Berlin", "2026-03-29T22:00Z", 0);
    weekday("America/New_York", "2026-03-09T03:59Z", 6);
    weekday("Pacific/Apia", "2011-12-30T09:59Z", 3);
    weekday("Pacific/Apia", "2011-12-30T10:00Z", 5);
    weekday("UTC", "2028-02-29T12:00Z", 1);
}

fn counted(anchor: Anchor, func: Func) -> Expr {
    value_of(Window { anchor, ..window(func, SUGAR, Measure::Itself, 1) })
}

/// Readings just outside and just inside a stretch: two of four count.
fn two_inside(settings: &str, at: &str, anchor: Anchor, from: &str, to: &str) {
    let input = format!("{settings}\n {from}-1us sugar 90\n {from} sugar 90\n {to}-1us sugar 90\n {to} sugar 90");
    says_after(&input, at, counted(anchor, Func::Count), Show::Number, "2");
}

pub fn day(zone: &str, at: &str, days: u16, from: &str, to: &str) {
    two_inside(&format!("profile time_zone {zone} from 1990-01-01T00:00Z"), at, Anchor::Days(days), from, to);
}

#[test]
fn a_day_has_the_hours_that_its_calendar_gives_it() {
    day("UTC", "2026-11-20T00:00Z", 1, "2026-11-19T00:00Z", "2026-11-20T00:00Z");
    day("UTC", "2026-11-20T23:59Z", 3, "2026-11-17T00:00Z", "2026-11-20T00:00Z");
    // 23 hours and 25, in Berlin and in New York.
    day("Europe/Berlin", "2026-03-30T05:00Z", 1, "2026-03-28T23:00Z", "2026-03-29T22:00Z");
    day("Europe/Berlin", "2026-10-26T05:00Z", 1, "2026-10-24T22:00Z", "2026-10-25T23:00Z");
    day("America/New_York", "2026-03-09T12:00Z", 1, "2026-03-08T05:00Z", "2026-03-09T04:00Z");
    day("America/New_York", "2026-11-02T12:00Z", 1, "2026-11-01T04:00Z", "2026-11-02T05:00Z");
    // Half an hour.
    day("Australia/Lord_Howe", "2026-04-06T12:00Z", 2, "2026-04-03T13:00Z", "2026-04-05T13:30Z");
    // A day that begins at one o'clock, for there was no midnight.
    day("America/Havana", "2026-03-09T12:00Z", 1, "2026-03-08T05:00Z", "2026-03-09T04:00Z");
    // The day before was left out of the calendar, the one before that was not.
    day("Pacific/Apia", "2011-12-30T20:00Z", 2, "2011-12-29T10:00Z", "2011-12-30T10:00Z");
    // Leap days.
    day("UTC", "2028-03-01T12:00Z", 1, "2028-02-29T00:00Z", "2028-03-01T00:00Z");
    day("UTC", "2028-03-01T12:00Z", 2, "2028-02-28T00:00Z", "2028-03-01T00:00Z");
    day("UTC", "2027-03-01T12:00Z", 1, "2027-02-28T00:00Z", "2027-03-01T00:00Z");
}

#[test]
fn days_are_counted_by_the_calendar() {
    // Two instants of one hour in UTC lie on two days in Kathmandu.
    let input = "profile time_zone ZONE from 1990-01-01T00:00Z\n 2026-11-18T18:00Z sugar 90\n 2026-11-18T18:30Z sugar 90";
    for (zone, days) in [("UTC", "1"), ("Asia/Kathmandu", "2")] {
        let count = value_of(window(Func::Days, SUGAR, Measure::Itself, 3 * 24 * 60));
        says_after(&input.replace("ZONE", zone), "2026-11-19T12:00Z", count, Show::Number, days);
    }
    says_after("", "2026-11-19T12:00Z", counted(Anchor::Days(7), Func::Days), Show::Number, "0");
}

pub fn night(zone: &str, night: &str, at: &str, nights: u16, from: &str, to: &str) {
    let settings = format!("profile time_zone {zone} from 1990-01-01T00:00Z\n profile night {night} from 1990-01-01T00:00Z");
    two_inside(&settings, at, Anchor::Nights(nights), from, to);
}

#[test]
fn a_night_is_over_when_the_clock_says_so() {
    night("UTC", "22:00_to_06:00", "2026-11-20T12:00Z", 1, "2026-11-19T22:00Z", "2026-11-20T06:00Z");
    night("UTC", "22:00_to_06:00", "2026-11-20T06:00Z", 1, "2026-11-19T22:00Z", "2026-11-20T06:00Z");
    night("UTC", "22:00_to_06:00", "2026-11-20T05:59Z", 1, "2026-11-18T22:00Z", "2026-11-19T06:00Z");
    night("UTC", "00:00_to_06:00", "2026-11-20T23:00Z", 1, "2026-11-20T00:00Z", "2026-11-20T06:00Z");
    // What nobody can read is the usual night.
    night("UTC", "late", "2026-11-20T12:00Z", 1, "2026-11-19T22:00Z", "2026-11-20T06:00Z");
    // Seven hours and nine.
    night("Europe/Berlin", "22:00_to_06:00", "2026-03-29T12:00Z", 1, "2026-03-28T21:00Z", "2026-03-29T04:00Z");
    night("Europe/Berlin", "22:00_to_06:00", "2026-10-25T12:00Z", 1, "2026-10-24T20:00Z", "2026-10-25T05:00Z");
    // An end that is skipped, and one that comes twice.
    night("Europe/Berlin", "22:00_to_02:30", "2026-03-29T12:00Z", 1, "2026-03-28T21:00Z", "2026-03-29T01:00Z");
    night("Europe/Berlin", "22:00_to_02:30", "2026-10-25T12:00Z", 1, "2026-10-24T20:00Z", "2026-10-25T00:30Z");
    night("America/New_York", "02:15_to_06:00", "2026-03-08T12:00Z", 1, "2026-03-08T07:00Z", "2026-03-08T10:00Z");
    night("America/New_York", "01:15_to_06:00", "2026-11-01T12:00Z", 1, "2026-11-01T05:15Z", "2026-11-01T11:00Z");
}

#[test]
fn of_several_nights_the_days_between_are_left_out() {
    let input = "profile night 22:00_to_06:00 from 1990-01-01T00:00Z\n 2026-11-17T23:00Z sugar 90\n 2026-11-18T12:00Z sugar 90
        2026-11-18T22:00Z sugar 90\n 2026-11-19T05:59Z sugar 90\n 2026-11-19T23:00Z sugar 90";
    let at = "2026-11-20T07:00Z";
    for (nights, count, with_one) in [(1, "1", "1"), (2, "3", "2"), (3, "4", "3"), (4, "4", "3")] {
        says_after(input, at, counted(Anchor::Nights(nights), Func::Count), Show::Number, count);
        says_after(input, at, counted(Anchor::Nights(nights), Func::Days), Show::Number, with_one);
    }
}

#[test]
fn times_of_day_are_averaged_on_the_circle() {
    let at_clock = |func| value_of(window(func, SUGAR, Measure::AtClock, 7 * 24 * 60));
    let at = "2026-11-20T12:00Z";
    let avg = |input: &str, text: &str| says_after(input, at, at_clock(Func::Avg), Show::TimeOfDay, text);
    avg("2026-11-18T23:00Z sugar 90\n 2026-11-19T01:00Z sugar 90", "00:00");
    avg("2026-11-18T21:00Z sugar 90\n 2026-11-18T23:00Z sugar 90\n 2026-11-20T01:00Z sugar 90", "23:00");
    avg("2026-11-18T06:00Z sugar 90\n 2026-11-18T18:00Z sugar 90", "unknown");
    avg("2026-11-18T06:00Z sugar 90\n 2026-11-18T06:01Z sugar 90", "06:00");
    avg("", "unknown");
    let spread = |input: &str, text: &str| says_after(input, at, at_clock(Func::Stddev), Show::Span, text);
    spread("2026-11-18T23:59Z sugar 90\n 2026-11-19T00:01Z sugar 90", "1 min 24.852814 s");
    spread("2026-11-18T23:59Z sugar 90", "unknown");
    spread("2026-11-17T23:00Z sugar 90\n 2026-11-19T00:00Z sugar 90\n 2026-11-19T01:00Z sugar 90", "1 h");
    // As the clock showed them where the subject was: 07:00 in Berlin, then 07:00 in New York.
    let moved = "profile time_zone Europe/Berlin from 1990-01-01T00:00Z\n 2026-11-18T06:00Z sugar 90
        profile time_zone America/New_York from 2026-11-18T12:00Z\n 2026-11-19T12:00Z sugar 90";
    avg(moved, "07:00");
    // Starts of intervals.
    let starts = value_of(Window { stream: NAP, ..window(Func::Avg, NAP, Measure::StartClock, 7 * 24 * 60) });
    let naps = "2026-11-18T23:30Z..2026-11-19T06:00Z nap\n 2026-11-20T00:30Z..2026-11-20T06:00Z nap";
    says_after(naps, at, starts, Show::TimeOfDay, "00:00");
}

#[test]
fn between_may_go_over_midnight() {
    let minute = |h: i64, m: i64| Expr::number((h * 60 + m) * 60_000_000);
    let between = |low, high| Expr::BetweenTimes {
        value: Box::new(Expr::TimeOfDay(Box::new(Expr::Now))),
        low: Box::new(low),
        high: Box::new(high),
    };
    for (at, over, within) in [
        ("2026-11-20T21:59Z", "no", "yes"),
        ("2026-11-20T22:00Z", "yes", "yes"),
        ("2026-11-20T23:00Z", "yes", "no"),
        ("2026-11-21T06:00Z", "yes", "yes"),
        ("2026-11-21T06:01Z", "no", "yes"),
        ("2026-11-21T05:59Z", "yes", "no"),
    ] {
        says("UTC", at, between(minute(22, 0), minute(6, 0)), Show::Bool, over);
        says("UTC", at, between(minute(6, 0), minute(22, 0)), Show::Bool, within);
    }
    let unknown = || Expr::Profile(crate::world::LIMIT);
    says("UTC", "2026-11-20T21:59Z", between(unknown(), minute(6, 0)), Show::Bool, "unknown");
}

/// What `func` of the labs of the day before is on the next, as a share; each of them eight times, for of few a condition is walked and not made ready.
fn yesterday(labs: &str, func: Func, what: Measure, asks: Option<Expr>, text: &str) {
    yesterday_of("", labs, func, what, asks, text);
}

/// The same of somebody with a profile.
fn yesterday_of(profile: &str, labs: &str, func: Func, what: Measure, asks: Option<Expr>, text: &str) {
    let day = Window { anchor: Anchor::Days(1), asks, ..window(func, LAB, what, 1) };
    let labs = labs.split(", ").flat_map(|lab| vec![format!("2026-11-19T{lab}"); 8]);
    let input: Vec<String> = profile.split(", ").filter(|line| !line.is_empty()).map(str::to_owned).chain(labs).collect();
    let share = Show::Quantity(unit(Dimension::Ratio));
    says_at((MEAL, "meal"), &input.join("\n"), "2026-11-20T12:00Z", value_of(day), share, text);
}

#[test]
fn of_a_whole_day_a_share_is_of_what_is_asked() {
    let labs = "01:00Z lab 100 1, 02:00Z lab 100 5, 03:00Z lab 200 1, 04:00Z lab 200 5, 05:00Z lab 200 5";
    let value = |op, n| compare(field(Ref::Item, F0), op, mg_dl(n));
    let steps = |op, n| compare(field(Ref::Item, F1), op, Expr::number(n * Kind::Count.atoms()));
    let share = |labs, asks, text| yesterday(labs, Func::Share, Measure::Itself, Some(asks), text);
    share(labs, value(Compare::Ge, 200), "60 %");
    share(labs, value(Compare::Ne, 200), "40 %");
    share(labs, Expr::And(vec![value(Compare::Gt, 100), steps(Compare::Lt, 5)]), "20 %");
    share(labs, Expr::And(vec![steps(Compare::Ge, 1), value(Compare::Lt, 200), steps(Compare::Gt, 1)]), "20 %");
    share(labs, Expr::And(vec![value(Compare::Ge, 100), value(Compare::Lt, 200)]), "40 %");
    share(labs, Expr::And(vec![value(Compare::Lt, 100), value(Compare::Gt, 200)]), "0 %");
    // Those of which it is not known are not among them.
    share("01:00Z lab - 1, 02:00Z lab 200 5", value(Compare::Ge, 200), "100 %");
}

#[test]
fn of_a_whole_day_coverage_is_by_what_has_a_value() {
    let coverage = |what, text| {
        let half = Func::Coverage(Span::minutes(12 * 60));
        yesterday("01:00Z lab - 1, 13:00Z lab 100 1, 13:05Z lab 100 1", half, what, None, text);
    };
    coverage(Measure::Itself, "100 %");
    coverage(Measure::Field(F0), "50 %");
    coverage(Measure::Field(F1), "100 %");
}

#[test]
fn the_clock_of_what_is_asked_is_compared_with_parts_of_a_moment() {
    let clock = || Box::new(Expr::TimeOfDay(Box::new(get(Ref::Item, Measure::At))));
    // A half is added to two microseconds of a day.
    let half = |whole: i64| Box::new(Expr::Number(Rational { n: 2 * whole + 1, d: 2 }));
    let (two, three) = (2 * 3_600_000_000, 3 * 3_600_000_000);
    let share = |low, high, text| {
        let asks = Expr::BetweenTimes { value: clock(), low, high };
        let labs = "01:00Z lab 100 1, 02:00Z lab 100 5, 03:00Z lab 200 1, 04:00Z lab 200 5";
        yesterday(labs, Func::Share, Measure::Itself, Some(asks), text);
    };
    share(half(two - 1), half(three), "50 %");
    share(half(two), half(three), "25 %");
    share(half(two - 1), half(three - 1), "25 %");
    share(half(two), half(two), "0 %");
    // Over midnight.
    share(half(three), half(two), "75 %");
    share(half(three - 1), half(two - 1), "75 %");
    share(half(two), half(two - 1), "75 %");
}

#[test]
fn where_the_profile_changes_each_reading_is_asked_by_what_it_said_then() {
    let labs = "01:00Z lab 100 1, 02:00Z lab 100 5, 03:00Z lab 200 1, 04:00Z lab 200 5";
    let target = "profile target 150 from 1990-01-01T00:00Z, profile target 90 from 2026-11-19T02:00Z";
    let share = |profile: &str, asks, text| yesterday_of(profile, labs, Func::Share, Measure::Itself, Some(asks), text);
    let value = |op, right| compare(field(Ref::Item, F0), op, right);
    share(target, value(Compare::Ge, Expr::Profile(TARGET)), "75 %");
    share(target, value(Compare::Ge, mg_dl(150)), "50 %");
    let known = |expr| Expr::IsKnown(Box::new(expr));
    share("profile limit 90 from 2026-11-19T02:00Z", known(Expr::Profile(LIMIT)), "75 %");
    share(target, known(Expr::Profile(TARGET)), "100 %");
    share("", known(Expr::Profile(LIMIT)), "0 %");
    yesterday(
        "01:00Z lab - 1, 02:00Z lab 100 5, 03:00Z lab 200 1",
        Func::Share,
        Measure::Itself,
        Some(known(field(Ref::Item, F0))),
        "66.7 %",
    );
    // The clock on the wall shows 02:00 twice: at one in Berlin, and at two at home.
    let clock = Box::new(Expr::TimeOfDay(Box::new(get(Ref::Item, Measure::At))));
    let two = || Box::new(Expr::number(2 * 3_600_000_000));
    let asks = Expr::BetweenTimes { value: clock, low: two(), high: two() };
    let moves = "profile time_zone Europe/Berlin from 1990-01-01T00:00Z, profile time_zone UTC from 2026-11-19T01:30Z";
    share(moves, asks.clone(), "50 %");
    share("profile time_zone Europe/Berlin from 1990-01-01T00:00Z", asks, "25 %");
}
