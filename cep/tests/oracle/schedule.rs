//! Schedules: `every monday at 09:00 when C`.

use std::cell::RefCell;
use std::collections::BTreeMap;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use vitalog_cep::plan::{Rule, Schedule};
use vitalog_elog::{FindingKind, FindingState, Time, Value};

use super::derived::said;
use super::eval::{eval, holds_if_any};
use super::findings::Found;
use super::grade::gravest;
use super::profile::Profile;
use super::scene::{Known, Scene};
use super::text::render;
use super::timeline::{Micros, Timeline, micros};

const DAY: Micros = 86_400_000_000;

pub fn firings(timeline: &Timeline, profile: &Profile<'_>, rule: &Rule, schedule: &Schedule, clock: Time) -> Vec<Found> {
    let Some(enrolment) = timeline.enrolment() else { return vec![] };
    // Whatever the profile says anywhere may name the instant; the instant itself must then say the same.
    let mut says: Vec<Micros> = profile.instants();
    says.push(enrolment);
    let mut instants: Vec<Micros> = says
        .iter()
        .flat_map(|t| {
            let scene = Scene::new(timeline, profile, rule, *t);
            times(schedule, &scene).into_iter().flat_map(move |of_day| named(&scene, of_day, schedule, enrolment, micros(clock)))
        })
        .filter(|t| enrolment < *t && *t <= micros(clock) && *t >= 0)
        .filter(|t| {
            let scene = Scene::new(timeline, profile, rule, *t);
            times(schedule, &scene).into_iter().any(|of_day| named(&scene, of_day, schedule, *t, *t).contains(t))
        })
        .collect();
    instants.sort_unstable();
    instants.dedup();
    instants.into_iter().filter_map(|t| found(timeline, profile, rule, schedule, t)).collect()
}

fn found(timeline: &Timeline, profile: &Profile<'_>, rule: &Rule, schedule: &Schedule, t: Micros) -> Option<Found> {
    let scene = Scene { onset: Some(t), ..Scene::new(timeline, profile, rule, t) };
    if !holds_if_any(schedule.when.as_ref(), &scene) || !holds_if_any(rule.filter.as_ref(), &scene) {
        return None;
    }
    Some(Found {
        kind: FindingKind::Schedule,
        state: FindingState::Open,
        severity: gravest(rule, std::slice::from_ref(&scene)),
        onset: t,
        at: t,
        end: Some(t),
        resolved_at: None,
        evidence: vec![],
        text: render(rule, &scene),
        said: said(rule, &scene),
    })
}

/// The times of day, around midnight.
fn times(schedule: &Schedule, scene: &Scene<'_>) -> Vec<Micros> {
    let number = |known| if let Known::Number(n) = known { n.floor().map(|t| t.rem_euclid(DAY)) } else { None };
    schedule.at.iter().filter_map(|e| eval(e, scene).and_then(number)).collect()
}

/// The instants around [from, to] that a time of day names, by the zone of the scene.
fn named(scene: &Scene<'_>, of_day: Micros, schedule: &Schedule, from: Micros, to: Micros) -> Vec<Micros> {
    let zone = match scene.profile.named("time_zone", scene.now) {
        Some(Value::Text(name)) => TimeZone::get(&name).unwrap_or(TimeZone::UTC),
        _ => TimeZone::UTC,
    };
    let date = |t: Micros| timestamp(t).to_zoned(zone.clone()).date();
    let (mut day, last) = (date(from - 2 * DAY), date(to + 2 * DAY));
    let mut all = Vec::new();
    while day <= last {
        if schedule.days & (1 << day.weekday().to_monday_zero_offset()) != 0 {
            let midnight = day.to_datetime(jiff::civil::Time::midnight());
            all.push(known(midnight + (of_day as i64).microseconds(), &zone));
        }
        day = day.tomorrow().expect("a day after");
    }
    all
}

/// [`first`], which is asked again and again for the same.
fn known(local: DateTime, zone: &TimeZone) -> Micros {
    thread_local! { static KNOWN: RefCell<BTreeMap<(String, DateTime), Micros>> = RefCell::default(); }
    let key = (zone.iana_name().unwrap_or_default().to_owned(), local);
    KNOWN.with_borrow_mut(|known| *known.entry(key).or_insert_with(|| first(local, zone)))
}

/// The first instant at which the wall shows it; if it never does, the first at which it shows the next whole minute that it does show.
fn first(local: DateTime, zone: &TimeZone) -> Micros {
    let mut sought = local;
    loop {
        // No zone is further from UTC than that, and none by less than a quarter of an hour.
        let at_utc = Micros::from(sought.to_zoned(TimeZone::UTC).expect("a time").timestamp().as_microsecond());
        let shows = |t: &Micros| timestamp(*t).to_zoned(zone.clone()).datetime() == sought;
        let mut quarters = (-64..=64).map(|n| at_utc + n * 15 * 60_000_000);
        if let Some(t) = quarters.find(shows) {
            return t;
        }
        let whole = sought - (i64::from(sought.second()) * 1_000_000_000 + i64::from(sought.subsec_nanosecond())).nanoseconds();
        sought = whole + 1.minute();
    }
}

fn timestamp(t: Micros) -> Timestamp {
    Timestamp::from_microsecond(i64::try_from(t).expect("an instant of a test")).expect("in range")
}
