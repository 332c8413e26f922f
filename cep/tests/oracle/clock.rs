//! Aggregates of times of day, on the circle.
//!
//! The mean of times is the point from which the squares of the shorter ways to them have the least sum; every point that can be it is tried.

use vitalog_cep::plan::{Func, Measure};

use super::calendar::{Calendar, MINUTE};
use super::number::Number;
use super::scene::{Known, Scene};
use super::timeline::{Micros, Seen};

const DAY: i128 = 24 * 60 * MINUTE;

pub fn is_clock(what: Measure) -> bool {
    matches!(what, Measure::AtClock | Measure::StartClock)
}

/// `readings`: each with the instant at which it is taken.
pub fn aggregate(func: Func, what: Measure, readings: &[(Micros, &Seen)], scene: &Scene<'_>) -> Option<Known> {
    let instants = || readings.iter().map(|(t, _)| *t);
    let of = |instant: Micros| readings.iter().copied().filter(|(t, _)| *t == instant).collect::<Vec<_>>();
    match func {
        Func::Count => Some(Known::Number(Number::whole(readings.len() as i128))),
        Func::Avg => mean(&times(what, readings, scene)?).map(Known::Number),
        Func::First => aggregate(Func::Avg, what, &of(instants().min()?), scene),
        Func::Last => aggregate(Func::Avg, what, &of(instants().max()?), scene),
        Func::Stddev => {
            let times = times(what, readings, scene)?;
            let least = points(&times)?.into_iter().filter_map(|p| squares(&times, p)).min()?;
            let square = least.over(Number::whole(times.len() as i128 - 1))?;
            Some(Known::Root { square })
        }
        _ => None,
    }
}

/// As the wall showed them at each reading.
fn times(what: Measure, readings: &[(Micros, &Seen)], scene: &Scene<'_>) -> Option<Vec<i128>> {
    let time = |(t, r): &(Micros, &Seen)| {
        let of = if what == Measure::StartClock { r.start } else { r.instant? };
        Some(Calendar::at(scene, *t).minute_of_day(of)? * MINUTE)
    };
    readings.iter().map(time).collect()
}

fn mean(times: &[i128]) -> Option<Number> {
    let points = points(times)?;
    let least = points.iter().filter_map(|p| squares(times, *p)).min()?;
    let best: Vec<Number> = points.into_iter().filter(|p| squares(times, *p) == Some(least)).collect();
    let all_one = best.iter().all(|p| *p == best[0]);
    if all_one { Some(Number::whole(best[0].floor()? / MINUTE * MINUTE)) } else { None }
}

/// The means that come of taking some of the times a day later.
fn points(times: &[i128]) -> Option<Vec<Number>> {
    let (sum, n) = (times.iter().sum::<i128>(), times.len() as i128);
    (0..n).map(|later| on_day(Number::quotient(sum + later * DAY, n)?)).collect()
}

fn on_day(n: Number) -> Option<Number> {
    let day = Number::whole(DAY);
    if n >= day { on_day(n.minus(day)?) } else { Some(n) }
}

fn squares(times: &[i128], from: Number) -> Option<Number> {
    let square = |t: &i128| {
        let way = Number::whole(*t).minus(from)?;
        let way = if way < Number::whole(0) { way.negative() } else { way };
        let shorter = way.min(Number::whole(DAY).minus(way)?);
        shorter.times(shorter)
    };
    Number::sum(&times.iter().map(square).collect::<Option<Vec<_>>>()?)
}
