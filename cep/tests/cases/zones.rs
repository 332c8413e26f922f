//! The two days of a year on which the clock is changed, in several zones, and other days that calendars make special: as tables. Each row was worked out from the
//! zone's rule; the oracle and the engine are both held against it.
//!
//! Europe/London and America/New_York move by an hour; Australia/Lord_Howe by half an hour; Africa/Casablanca goes back for Ramadan and forward after it;
//! Asia/Kathmandu never moves, at UTC+05:45; Pacific/Apia left out 30 December 2011, a Friday.

use super::calendar::{clock, day, night};
use super::schedule::{every, fires};

/// `zone | days | local times | from | to | fires`, times in UTC.
const SCHEDULES: &str = "
    Europe/London       | every  | 01:30       | 2026-03-28T00:00 | 2026-03-30T12:00 | 2026-03-28T01:30 2026-03-29T01:00 2026-03-30T00:30
    Europe/London       | every  | 01:30       | 2026-10-24T00:00 | 2026-10-26T12:00 | 2026-10-24T00:30 2026-10-25T00:30 2026-10-26T01:30
    Europe/London       | every  | 00:59 02:00 | 2026-03-29T00:00 | 2026-03-29T12:00 | 2026-03-29T00:59 2026-03-29T01:00
    Europe/London       | every  | 00:59 02:00 | 2026-10-24T23:30 | 2026-10-25T12:00 | 2026-10-24T23:59 2026-10-25T02:00
    America/New_York    | every  | 02:30       | 2026-03-07T00:00 | 2026-03-09T12:00 | 2026-03-07T07:30 2026-03-08T07:00 2026-03-09T06:30
    America/New_York    | every  | 01:30       | 2026-10-31T00:00 | 2026-11-02T12:00 | 2026-10-31T05:30 2026-11-01T05:30 2026-11-02T06:30
    America/New_York    | sunday | 02:00 03:00 | 2026-03-01T00:00 | 2026-03-09T12:00 | 2026-03-01T07:00 2026-03-01T08:00 2026-03-08T07:00
    Australia/Lord_Howe | every  | 02:15       | 2026-10-02T12:00 | 2026-10-04T18:00 | 2026-10-02T15:45 2026-10-03T15:30 2026-10-04T15:15
    Australia/Lord_Howe | every  | 01:45       | 2026-04-03T12:00 | 2026-04-05T18:00 | 2026-04-03T14:45 2026-04-04T14:45 2026-04-05T15:15
    Africa/Casablanca   | every  | 02:30       | 2026-02-14T00:00 | 2026-02-16T12:00 | 2026-02-14T01:30 2026-02-15T01:30 2026-02-16T02:30
    Africa/Casablanca   | every  | 02:30       | 2026-03-21T00:00 | 2026-03-23T12:00 | 2026-03-21T02:30 2026-03-22T02:00 2026-03-23T01:30
    Asia/Kathmandu      | every  | 09:00       | 2026-03-28T00:00 | 2026-03-30T00:00 | 2026-03-28T03:15 2026-03-29T03:15
    Pacific/Apia        | every  | 09:00       | 2011-12-28T00:00 | 2012-01-01T12:00 | 2011-12-28T19:00 2011-12-29T19:00 2011-12-30T10:00 2011-12-30T19:00 2011-12-31T19:00
    Pacific/Apia        | friday | 09:00 21:00 | 2011-12-28T00:00 | 2012-01-01T12:00 | 2011-12-30T10:00
    UTC                 | every  | 09:00       | 2028-02-28T00:00 | 2028-03-01T12:00 | 2028-02-28T09:00 2028-02-29T09:00 2028-03-01T09:00
    UTC                 | every  | 09:00       | 2027-02-28T00:00 | 2027-03-01T12:00 | 2027-02-28T09:00 2027-03-01T09:00
    UTC                 | every  | 00:00       | 2026-12-31T12:00 | 2027-01-01T12:00 | 2027-01-01T00:00
    Asia/Kathmandu      | every  | 00:00 23:59 | 2026-12-31T12:00 | 2027-01-01T12:00 | 2026-12-31T18:14 2026-12-31T18:15
    America/New_York    | every  | 23:59       | 2028-02-29T00:00 | 2028-03-01T12:00 | 2028-02-29T04:59 2028-03-01T04:59";

/// `zone | decided at | days | first instant | end`.
const DAYS: &str = "
    Europe/London       | 2026-03-30T05:00 | 7 | 2026-03-23T00:00 | 2026-03-29T23:00
    Europe/London       | 2026-10-26T05:00 | 7 | 2026-10-18T23:00 | 2026-10-26T00:00
    America/New_York    | 2026-03-09T12:00 | 7 | 2026-03-02T05:00 | 2026-03-09T04:00
    America/New_York    | 2026-11-02T12:00 | 7 | 2026-10-26T04:00 | 2026-11-02T05:00
    Australia/Lord_Howe | 2026-10-05T12:00 | 7 | 2026-09-27T13:30 | 2026-10-04T13:00
    Australia/Lord_Howe | 2026-04-06T12:00 | 7 | 2026-03-29T13:00 | 2026-04-05T13:30
    Africa/Casablanca   | 2026-02-16T12:00 | 7 | 2026-02-08T23:00 | 2026-02-16T00:00
    Africa/Casablanca   | 2026-03-23T12:00 | 7 | 2026-03-16T00:00 | 2026-03-22T23:00
    Asia/Kathmandu      | 2026-03-09T12:00 | 7 | 2026-03-01T18:15 | 2026-03-08T18:15
    Pacific/Apia        | 2012-01-03T20:00 | 7 | 2011-12-28T10:00 | 2012-01-03T10:00
    Pacific/Apia        | 2011-12-30T09:59 | 1 | 2011-12-28T10:00 | 2011-12-29T10:00
    UTC                 | 2028-03-03T00:00 | 7 | 2028-02-25T00:00 | 2028-03-03T00:00
    UTC                 | 2028-02-29T23:59 | 1 | 2028-02-28T00:00 | 2028-02-29T00:00
    UTC                 | 2027-03-03T12:00 | 7 | 2027-02-24T00:00 | 2027-03-03T00:00
    UTC                 | 2027-01-02T05:00 | 7 | 2026-12-26T00:00 | 2027-01-02T00:00";

/// `zone | night | decided at | nights | first instant | end`.
const NIGHTS: &str = "
    Europe/London       | 22:00_to_06:00 | 2026-03-29T12:00 | 7 | 2026-03-22T22:00 | 2026-03-29T05:00
    Europe/London       | 22:00_to_06:00 | 2026-10-25T12:00 | 7 | 2026-10-18T21:00 | 2026-10-25T06:00
    Europe/London       | 23:30_to_01:30 | 2026-03-29T12:00 | 1 | 2026-03-28T23:30 | 2026-03-29T01:00
    Europe/London       | 23:30_to_01:30 | 2026-10-25T12:00 | 1 | 2026-10-24T22:30 | 2026-10-25T00:30
    America/New_York    | 22:00_to_06:00 | 2026-03-08T16:00 | 7 | 2026-03-02T03:00 | 2026-03-08T10:00
    America/New_York    | 22:00_to_06:00 | 2026-11-01T16:00 | 7 | 2026-10-26T02:00 | 2026-11-01T11:00
    Australia/Lord_Howe | 22:00_to_06:00 | 2026-10-03T22:00 | 7 | 2026-09-27T11:30 | 2026-10-03T19:00
    Australia/Lord_Howe | 22:00_to_06:00 | 2026-04-05T02:00 | 7 | 2026-03-29T11:00 | 2026-04-04T19:30
    Africa/Casablanca   | 22:00_to_06:00 | 2026-03-22T12:00 | 1 | 2026-03-21T22:00 | 2026-03-22T05:00
    Asia/Kathmandu      | 22:00_to_06:00 | 2026-03-09T12:00 | 1 | 2026-03-08T16:15 | 2026-03-09T00:15
    UTC                 | 22:00_to_06:00 | 2028-03-01T12:00 | 2 | 2028-02-28T22:00 | 2028-03-01T06:00
    UTC                 | 22:00_to_06:00 | 2027-01-01T12:00 | 1 | 2026-12-31T22:00 | 2027-01-01T06:00";

/// `zone | at | the clock shows`: just before a change, at it, and on both sides of what comes twice.
const CLOCKS: &str = "
    Europe/London       | 2026-03-29T00:59 | 00:59
    Europe/London       | 2026-03-29T01:00 | 02:00
    Europe/London       | 2026-10-25T00:30 | 01:30
    Europe/London       | 2026-10-25T01:30 | 01:30
    Europe/London       | 2026-10-25T02:00 | 02:00
    Africa/Casablanca   | 2026-02-15T01:59 | 02:59
    Africa/Casablanca   | 2026-02-15T02:00 | 02:00
    Africa/Casablanca   | 2026-03-22T01:59 | 01:59
    Africa/Casablanca   | 2026-03-22T02:00 | 03:00
    Pacific/Apia        | 2011-12-31T09:59 | 23:59
    Pacific/Apia        | 2011-12-31T10:00 | 00:00
    UTC                 | 2028-02-29T23:59 | 23:59";

fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table.lines().filter(|l| !l.trim().is_empty()).map(|l| l.split('|').map(str::trim).collect())
}

fn minutes_of(time: &str) -> i64 {
    let (h, m) = time.split_once(':').expect("a time of day");
    h.parse::<i64>().expect("hours") * 60 + m.parse::<i64>().expect("minutes")
}

#[test]
fn schedules_over_changes_of_the_clock() {
    for row in rows(SCHEDULES) {
        let days = match row[1] {
            "every" => vitalog_cep::plan::Schedule::ALL_DAYS,
            "friday" => 1 << 4,
            _ => 1 << 6,
        };
        let times: Vec<i64> = row[2].split_whitespace().map(minutes_of).collect();
        let full = |t: &str| format!("{t}:00Z");
        let wanted: Vec<String> = row[5].split_whitespace().map(full).collect();
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        fires(&every(days, &times, None), &full(row[3]), &full(row[4]), &[("1990-01-01T00:00:00Z", row[0])], &wanted);
    }
}

#[test]
fn calendar_windows_over_changes_of_the_clock() {
    let z = |t: &str| format!("{t}Z");
    let many = |n: &str| n.parse().expect("a number");
    for row in rows(DAYS) {
        day(row[0], &z(row[1]), many(row[2]), &z(row[3]), &z(row[4]));
    }
    for row in rows(NIGHTS) {
        night(row[0], row[1], &z(row[2]), many(row[3]), &z(row[4]), &z(row[5]));
    }
}

#[test]
fn clocks_at_their_changes() {
    for row in rows(CLOCKS) {
        clock(row[0], &format!("{}Z", row[1]), row[2]);
    }
}
