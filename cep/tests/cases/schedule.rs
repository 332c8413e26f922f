//! Schedules: when they fire by the wall's clock, and what they see.

use vitalog_cep::plan::{Arith, Compare, Expr, Func, Library, Measure, RuleKind, Schedule, Window};
use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{Span, Subject, Time, Value, When};

use super::build::*;
use super::table::check;
use crate::oracle::Standing;
use crate::world::script::{Given, Line, expected, reading};
use crate::world::{BEDTIME, F0, F1, SUGAR, drive, glucose};

pub fn every(days: u8, at: &[i64], when: Option<Expr>) -> [Library; 1] {
    let at = at.iter().map(|m| minutes(*m)).collect();
    only(rule(RuleKind::Schedule(Schedule { days, at, when })))
}

fn time(text: &str) -> Time {
    Time::parse(text).expect("an instant")
}

/// One reading at `from`, then the clock at `to`: the instants at which it fired. `zones` say from when on which holds.
pub fn fires(library: &[Library; 1], from: &str, to: &str, zones: &[(&str, &str)], wanted: &[&str]) {
    let subject = Subject::new("s");
    let library = std::sync::Arc::new(library[0].clone());
    let mut lines = vec![Line { arrival: time(from), input: Given::Library { effective: Time::MIN, library } }];
    for (at, zone) in zones {
        let value = Some(Value::Text((*zone).into()));
        let change = ProfileChange { subject: subject.clone(), field: "time_zone".into(), value, at: time(at) };
        lines.push(Line { arrival: time(from), input: Given::Profile(change) });
    }
    let enrols = reading(&subject, "r1", 1, SUGAR, When::At(time(from)), vec![Some(glucose(100)), None, None]);
    lines.push(Line { arrival: time(from), input: Given::Reading(enrols) });
    lines.push(Line { arrival: time(to), input: Given::Tick });
    let told = |all: Vec<Standing>| all.iter().map(|s| s.at.to_string()).collect::<Vec<_>>();
    assert_eq!(told(expected(&lines)), wanted, "the ORACLE");
    assert_eq!(told(drive::standing(&drive::run(&lines).0)), wanted, "the ENGINE");
}

const ALL: u8 = Schedule::ALL_DAYS;

#[test]
fn after_the_enrolment_until_the_clock() {
    let nine = every(ALL, &[540], None);
    fires(&nine, "2026-05-04T09:00:00Z", "2026-05-06T09:00:00Z", &[], &["2026-05-05T09:00:00Z", "2026-05-06T09:00:00Z"]);
    fires(&nine, "2026-05-04T08:59:59.999999Z", "2026-05-05T08:59:59.999999Z", &[], &["2026-05-04T09:00:00Z"]);
    // Monday and Thursday; around midnight; one instant once.
    let two = every(0b1001, &[1440 + 540, -30, 540], None);
    let wanted = ["2026-05-04T09:00:00Z", "2026-05-04T23:30:00Z", "2026-05-07T09:00:00Z", "2026-05-07T23:30:00Z"];
    fires(&two, "2026-05-03T00:00:00Z", "2026-05-10T00:00:00Z", &[], &wanted);
    fires(&every(0, &[540], None), "2026-05-03T00:00:00Z", "2026-05-10T00:00:00Z", &[], &[]);
}

#[test]
fn a_skipped_time_fires_at_the_next_that_exists_a_doubled_one_at_the_first() {
    let berlin = [("2020-01-01T00:00:00Z", "Europe/Berlin")];
    let wanted = ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"];
    fires(&every(ALL, &[150], None), "2026-03-28T00:00:00Z", "2026-03-30T12:00:00Z", &berlin, &wanted);
    // 02:00, 02:30 and 03:00 are one instant that day.
    let wanted = ["2026-03-29T01:00:00Z"];
    fires(&every(ALL, &[120, 150, 180], None), "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", &berlin, &wanted);
    let wanted = ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"];
    fires(&every(ALL, &[150], None), "2026-10-24T00:00:00Z", "2026-10-26T12:00:00Z", &berlin, &wanted);
    let new_york = [("2020-01-01T00:00:00Z", "America/New_York")];
    let wanted = ["2026-03-07T07:30:00Z", "2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"];
    fires(&every(ALL, &[150], None), "2026-03-07T00:00:00Z", "2026-03-09T12:00:00Z", &new_york, &wanted);
    // Half an hour is skipped, at 02:00.
    let howe = [("2020-01-01T00:00:00Z", "Australia/Lord_Howe")];
    fires(&every(ALL, &[135], None), "2026-10-03T12:00:00Z", "2026-10-04T12:00:00Z", &howe, &["2026-10-03T15:30:00Z"]);
    // Midnight itself is skipped.
    let cairo = [("2020-01-01T00:00:00Z", "Africa/Cairo")];
    fires(&every(ALL, &[0], None), "2026-04-23T12:00:00Z", "2026-04-24T12:00:00Z", &cairo, &["2026-04-23T22:00:00Z"]);
}

#[test]
fn a_leap_day_is_a_day() {
    let wanted = ["2028-02-28T09:00:00Z", "2028-02-29T09:00:00Z", "2028-03-01T09:00:00Z"];
    fires(&every(ALL, &[540], None), "2028-02-28T00:00:00Z", "2028-03-01T12:00:00Z", &[], &wanted);
}

#[test]
fn the_zone_is_that_of_the_instant() {
    // At noon one flies from Berlin to New York: the morning was Berlin's, the evening is New York's.
    let zones = [("2026-05-01T00:00:00Z", "Europe/Berlin"), ("2026-05-04T10:00:00Z", "America/New_York")];
    let wanted = ["2026-05-04T07:00:00Z", "2026-05-04T13:00:00Z", "2026-05-04T22:00:00Z"];
    fires(&every(ALL, &[540, 1080], None), "2026-05-04T00:00:00Z", "2026-05-04T23:00:00Z", &zones, &wanted);
    // The other way half a day is lost.
    let zones = [("2026-05-01T00:00:00Z", "America/New_York"), ("2026-05-04T10:00:00Z", "Asia/Tokyo")];
    fires(&every(ALL, &[540], None), "2026-05-04T00:00:00Z", "2026-05-04T23:59:00Z", &zones, &[]);
}

#[test]
fn it_looks_at_what_lies_before() {
    // Minute 60 of the tests' time is midnight.
    let seen = value_of(Window { anchor: vitalog_cep::plan::Anchor::Until, ..window(Func::Count, SUGAR, Measure::Itself, 10) });
    let rules = every(ALL, &[0], Some(compare(seen, Compare::Ge, Expr::number(1))));
    let found = "open info from 60 at 60 to 60";
    check(&rules, "0 sugar 80\n 50 sugar 80\n @60 tick", found);
    check(&rules, "0 sugar 80\n 50-1us sugar 80\n @60 tick", "");
    check(&rules, "0 sugar 80\n 60-1us sugar 80\n @60 tick", found);
    check(&rules, "0 sugar 80\n 60 sugar 80", "");
    // Late, and taken back.
    check(&rules, "0 sugar 80\n @90 tick\n 55 sugar 80", found);
    check(&rules, "0 sugar 80\n @90 tick\n 55 sugar 80\n remove r2", "");
}

#[test]
fn a_line_is_drawn_on_from_the_firing() {
    // From 80 at minute 40, one a minute: at minute 65, five after midnight, it is 105 and no less.
    let ahead = |field, fresh| {
        let func = Func::Forecast(Span::minutes(5));
        let anchor = vitalog_cep::plan::Anchor::Until;
        value_of(Window { anchor, fresh, ..window(func, SUGAR, Measure::Field(field), 30) })
    };
    let rising = "40 sugar 80\n 45 sugar 85\n 50 sugar 90\n 55 sugar 95\n @60 tick";
    let found = "open info from 60 at 60 to 60";
    let fires = |when: Expr| every(ALL, &[0], Some(when));
    check(&fires(compare(ahead(F0, None), Compare::Ge, mg_dl(105))), rising, found);
    check(&fires(compare(ahead(F0, None), Compare::Gt, mg_dl(105))), rising, "");
    // Of what no reading says nothing is known.
    for fresh in [None, Some(Span::minutes(30))] {
        let known = Expr::IsKnown(Box::new(ahead(F1, fresh)));
        check(&fires(known.clone()), rising, "");
        check(&fires(Expr::Not(Box::new(known))), rising, found);
    }
}

#[test]
fn a_changed_profile_moves_what_is_past() {
    let at = before_midnight(crate::world::LIMIT);
    let rules = only(rule(RuleKind::Schedule(Schedule { days: ALL, at: vec![at], when: None })));
    // Unknown until it is set; `limit` mg/dL is as many minutes before midnight.
    check(&rules, "0 sugar 80\n @90 tick", "");
    check(&rules, "0 sugar 80\n profile limit 20 from 0\n @90 tick", "open info from 40 at 40 to 40");
    check(&rules, "0 sugar 80\n profile limit 20 from 0\n @90 tick\n profile limit 30 from 0", "open info from 30 at 30 to 30");
    check(&rules, "0 sugar 80\n profile limit 20 from 0\n @90 tick\n profile limit 30 from 31", "");
}

/// Minus a profile field, one minute for each mg/dL.
fn before_midnight(field: u16) -> Expr {
    use vitalog_cep::plan::{Arith, Rational};
    let minute = Expr::Number(Rational { n: 60_000_000, d: crate::world::Kind::Glucose.atoms() });
    Expr::Neg(Box::new(arith(Expr::Profile(field), Arith::Mul, minute)))
}

#[test]
fn a_time_of_day_of_the_profile_says_when() {
    let at = |e| only(rule(RuleKind::Schedule(Schedule { days: ALL, at: vec![e], when: None })));
    // Until somebody sets it, it is unknown. Minute 60 is midnight.
    check(&at(Expr::Profile(BEDTIME)), "0 sugar 80\n @90 tick", "");
    let set = "0 sugar 80\n profile bedtime 23:30 from 0\n @90 tick";
    check(&at(Expr::Profile(BEDTIME)), set, "open info from 30 at 30 to 30");
    let later = arith(Expr::Profile(BEDTIME), Arith::Add, minutes(40));
    check(&at(Expr::Wrap { value: Box::new(later), signed: false }), set, "open info from 70 at 70 to 70");
}
