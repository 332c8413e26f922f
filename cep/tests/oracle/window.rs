//! Windows and aggregates.

use std::collections::BTreeSet;

use vitalog_cep::plan::{Anchor, Func, Measure, Window};

use super::calendar::Calendar;
use super::clock;
use super::decay::weight;
use super::eval::{eval, holds};
use super::number::Number;
use super::scene::{Known, Scene, measure, together};
use super::statistics;
use super::stretch::{Stretch, stretches};
use super::timeline::{Micros, Seen};

/// A window's value: of the readings in its stretches that pass its condition.
pub fn over(window: &Window, scene: &Scene<'_>) -> Option<Known> {
    let (stretches, left_out) = stretches(window, scene)?;
    let readings = scene.timeline.readings.iter();
    let inside: Vec<(Micros, &Seen)> = readings
        .filter(|r| r.stream == window.stream)
        .filter_map(|r| Some((r.instant?, r)))
        .filter(|(i, _)| stretches.iter().any(|s| s.has(*i)))
        .filter(|(_, r)| !left_out.contains(&r.id))
        .filter(|(_, r)| window.filter.as_ref().is_none_or(|f| holds(f, &scene.with_item(r))))
        .collect();
    if let Some(fresh) = window.fresh {
        let end = stretches.last()?.end;
        inside.iter().find(|(i, r)| has(r, window.what) && *i > end - i128::from(fresh.0))?;
    }
    let asks = |r: &Seen| match eval(window.asks.as_ref()?, &scene.with_item(r)) {
        Some(Known::Bool(b)) => Some(b),
        _ => None,
    };
    match window.func {
        Func::Share => {
            let known: Vec<bool> = inside.iter().filter_map(|(_, r)| asks(r)).collect();
            share(known.iter().filter(|b| **b).count(), known.len() as i128)
        }
        Func::TimeIn(most) => {
            inside.iter().find_map(|(_, r)| asks(r))?;
            let holding: Vec<_> = inside.into_iter().filter(|(_, r)| asks(r) == Some(true)).collect();
            let time = match window.what {
                // A finding that goes on has no duration yet.
                Measure::Duration => holding.iter().filter_map(|(_, r)| Some(r.end? - r.start)).sum(),
                _ => stood(&holding, &stretches, scene, window, i128::from(most.0)),
            };
            Some(Known::Number(Number::whole(time)))
        }
        Func::Coverage(slot) => coverage(&inside, &stretches, window.what, i128::from(slot.0)),
        Func::DecayedSum(half_life) => {
            let end = stretches.last()?.end;
            let parts: Option<Vec<Number>> = points(&inside, window.what)
                .into_iter()
                .map(|(at, value)| value.times(weight(end - at, i128::from(half_life.0))))
                .collect();
            Number::sum(&parts?).map(Known::Number)
        }
        Func::Days => days(&inside, &stretches, window, scene),
        Func::Forecast(ahead) => {
            let instant = stretches.last()?.end + i128::from(ahead.0);
            statistics::line_at(&points(&inside, window.what), instant).map(Known::Number)
        }
        func => aggregate(func, window.what, &inside, scene),
    }
}

/// An aggregate of readings, each with the instant at which it is taken; those without the measure are passed over.
pub fn aggregate(func: Func, what: Measure, readings: &[(Micros, &Seen)], scene: &Scene<'_>) -> Option<Known> {
    if clock::is_clock(what) {
        return clock::aggregate(func, what, readings, scene);
    }
    if func == Func::Count && what == Measure::Itself {
        return whole(readings.len());
    }
    let having: Vec<(Micros, Known)> = readings.iter().filter_map(|(t, r)| Some((*t, measure(r, what)?))).collect();
    match func {
        Func::Count => whole(having.len()),
        Func::Sum => Number::sum(&numbers(&having)?).map(Known::Number),
        Func::Avg => Number::mean(&numbers(&having)?).map(Known::Number),
        Func::Min => numbers(&having)?.into_iter().min().map(Known::Number),
        Func::Max => numbers(&having)?.into_iter().max().map(Known::Number),
        Func::First => at_instant(&having, having.iter().map(|(t, _)| *t).min()?),
        Func::Last => at_instant(&having, having.iter().map(|(t, _)| *t).max()?),
        Func::Delta => {
            let first = aggregate(Func::First, what, readings, scene)?;
            let last = aggregate(Func::Last, what, readings, scene)?;
            if let (Known::Number(first), Known::Number(last)) = (first, last) {
                last.minus(first).map(Known::Number)
            } else {
                None
            }
        }
        func => statistics::of(func, &points(readings, what)),
    }
}

fn has(reading: &Seen, what: Measure) -> bool {
    matches!(what, Measure::Itself | Measure::AtClock | Measure::StartClock) || measure(reading, what).is_some()
}

/// Instants and numbers.
fn points(readings: &[(Micros, &Seen)], what: Measure) -> Vec<(Micros, Number)> {
    let point = |(t, r): &(Micros, &Seen)| match measure(r, what) {
        Some(Known::Number(n)) => Some((*t, n)),
        _ => None,
    };
    readings.iter().filter_map(point).collect()
}

fn whole(n: usize) -> Option<Known> {
    Some(Known::Number(Number::whole(n as i128)))
}

/// A part of a whole, in hundred millionths.
fn share(part: usize, whole: i128) -> Option<Known> {
    Number::quotient(part as i128 * 100_000_000, whole).map(Known::Number)
}

/// How long the instants of the readings stand: until the next reading of the stream or the stretch's end, and not longer than `most`.
fn stood(holding: &[(Micros, &Seen)], stretches: &[Stretch], scene: &Scene<'_>, window: &Window, most: Micros) -> Micros {
    let instants: BTreeSet<Micros> = holding.iter().map(|(t, _)| *t).collect();
    let all = scene.timeline.instants(window.stream);
    let stands = |at: &Micros| {
        let end = stretches.iter().find(|s| s.has(*at)).map_or(*at, |s| s.end);
        let next = all.iter().copied().find(|i| i > at).unwrap_or(end).min(end);
        (next - at).min(most)
    };
    instants.iter().map(stands).sum()
}

/// Slots are counted back from the end of each stretch; what is left at its beginning is none.
fn coverage(readings: &[(Micros, &Seen)], stretches: &[Stretch], what: Measure, slot: Micros) -> Option<Known> {
    let (mut slots, mut filled) = (0, 0);
    for stretch in stretches {
        for back in 0..stretch.length / slot {
            let (from, to) = (stretch.to - (back + 1) * slot, stretch.to - back * slot);
            slots += 1;
            let is_in = |i: Micros| from <= i && i < to && stretch.has(i);
            filled += usize::from(readings.iter().any(|(i, r)| is_in(*i) && has(r, what)));
        }
    }
    share(filled, slots)
}

fn days(readings: &[(Micros, &Seen)], stretches: &[Stretch], window: &Window, scene: &Scene<'_>) -> Option<Known> {
    let instants = || readings.iter().filter(|(_, r)| has(r, window.what)).map(|(i, _)| *i);
    if let Anchor::Nights(_) = window.anchor {
        return whole(stretches.iter().filter(|s| instants().any(|i| s.has(i))).count());
    }
    let dates: Option<BTreeSet<_>> = instants().map(|i| Calendar::of(scene).date(i)).collect();
    whole(dates?.len())
}

fn numbers(having: &[(Micros, Known)]) -> Option<Vec<Number>> {
    having.iter().map(|(_, k)| if let Known::Number(n) = k { Some(*n) } else { None }).collect()
}

/// The mean over those of one instant; of what is no number, what they share.
fn at_instant(having: &[(Micros, Known)], instant: Micros) -> Option<Known> {
    let there: Vec<Known> = having.iter().filter(|(t, _)| *t == instant).map(|(_, k)| k.clone()).collect();
    // A start is a number like any other here: the mean, not the least.
    together(&there, Measure::At)
}
