//! Windows and aggregates.

use vitalog_cep::plan::{Anchor, Func, Measure, Window};
use vitalog_elog::ReadingId;

use super::eval::holds;
use super::number::Number;
use super::scene::{Known, Scene, measure, together};
use super::timeline::Seen;

/// A window's value: of the readings in `(t - D, t]` that pass its condition.
pub fn over(window: &Window, scene: &Scene<'_>) -> Option<Known> {
    let (t, left_out): (i128, Vec<ReadingId>) = match window.anchor {
        Anchor::Decision => (scene.now, vec![]),
        // Instants are whole microseconds: from t - D on, and before t.
        Anchor::Until => (scene.now - 1, vec![]),
        Anchor::Before(step) => {
            let bound = scene.steps.get(usize::from(step))?;
            let ids = bound.iter().flat_map(|(_, readings)| readings.iter().map(|r| r.id)).collect();
            (bound.last()?.0, ids)
        }
    };
    let from = t - i128::from(window.over.0);
    let inside: Vec<&Seen> = scene
        .timeline
        .readings
        .iter()
        .filter(|r| r.stream == window.stream)
        .filter(|r| r.instant.is_some_and(|i| from < i && i <= t))
        .filter(|r| !left_out.contains(&r.id))
        .filter(|r| window.filter.as_ref().is_none_or(|f| holds(f, &scene.with_item(r))))
        .collect();
    aggregate(window.func, window.what, &inside)
}

/// An aggregate of readings; those without the measure are passed over.
pub fn aggregate(func: Func, what: Measure, readings: &[&Seen]) -> Option<Known> {
    if func == Func::Count && what == Measure::Itself {
        return whole(readings.len());
    }
    let having: Vec<(&Seen, Known)> = readings.iter().filter_map(|r| Some((*r, measure(r, what)?))).collect();
    match func {
        Func::Count => whole(having.len()),
        Func::Sum => Number::sum(&numbers(&having)?).map(Known::Number),
        Func::Avg => Number::mean(&numbers(&having)?).map(Known::Number),
        Func::Min => numbers(&having)?.into_iter().min().map(Known::Number),
        Func::Max => numbers(&having)?.into_iter().max().map(Known::Number),
        Func::First => at_instant(&having, having.iter().filter_map(|(r, _)| r.instant).min()?),
        Func::Last => at_instant(&having, having.iter().filter_map(|(r, _)| r.instant).max()?),
        Func::Delta => {
            let first = aggregate(Func::First, what, readings)?;
            let last = aggregate(Func::Last, what, readings)?;
            if let (Known::Number(first), Known::Number(last)) = (first, last) {
                last.minus(first).map(Known::Number)
            } else {
                None
            }
        }
    }
}

fn whole(n: usize) -> Option<Known> {
    Some(Known::Number(Number::whole(n as i128)))
}

fn numbers(having: &[(&Seen, Known)]) -> Option<Vec<Number>> {
    having.iter().map(|(_, k)| if let Known::Number(n) = k { Some(*n) } else { None }).collect()
}

/// The mean over those of one instant; of what is no number, what they share.
fn at_instant(having: &[(&Seen, Known)], instant: i128) -> Option<Known> {
    let there: Vec<Known> = having.iter().filter(|(r, _)| r.instant == Some(instant)).map(|(_, k)| k.clone()).collect();
    // A start is a number like any other here: the mean, not the least.
    together(&there, Measure::At)
}
