//! How values spread and move, from their definitions.

use std::collections::BTreeMap;

use vitalog_cep::plan::Func;

use super::number::Number;
use super::scene::Known;
use super::timeline::Micros;

/// `points`: instants and values, each reading's.
pub fn of(func: Func, points: &[(Micros, Number)]) -> Option<Known> {
    let values: Vec<Number> = points.iter().map(|(_, v)| *v).collect();
    match func {
        Func::Stddev => Some(Known::Root { square: variance(&values)? }),
        Func::Cv => {
            let mean = Number::mean(&values)?;
            let whole = Number::whole(100_000_000);
            let square = variance(&values)?.over(mean.times(mean)?)?.times(whole.times(whole)?)?;
            (mean > Number::whole(0)).then_some(Known::Root { square })
        }
        Func::Median => percentile(values, Number::quotient(1, 2)?).map(Known::Number),
        Func::Percentile(share) => {
            percentile(values, Number::quotient(i128::from(share.n), i128::from(share.d))?).map(Known::Number)
        }
        Func::Slope => slope(points).map(Known::Number),
        Func::Rate => {
            let instants = instants(points)?;
            let (first, last) = (instants.first()?, instants.last()?);
            last.1.minus(first.1)?.over(Number::whole(last.0 - first.0)).map(Known::Number)
        }
        Func::Reversals => {
            let instants = instants(points)?;
            instants.first()?;
            let steps = instants.windows(2).map(|pair| pair[1].1.cmp(&pair[0].1));
            let moves: Vec<_> = steps.filter(|step| step.is_ne()).collect();
            let turns = moves.windows(2).filter(|pair| pair[0] != pair[1]).count();
            Some(Known::Number(Number::whole(turns as i128)))
        }
        _ => None,
    }
}

/// Of a sample: the sum of the squared distances from the mean, by n - 1.
fn variance(values: &[Number]) -> Option<Number> {
    let mean = Number::mean(values)?;
    let squares: Option<Vec<Number>> = values.iter().map(|v| v.minus(mean).and_then(|d| d.times(d))).collect();
    Number::sum(&squares?)?.over(Number::whole(values.len() as i128 - 1))
}

/// Of n values in order, at p of the way from the first to the last, which is n - 1 steps long.
fn percentile(mut values: Vec<Number>, p: Number) -> Option<Number> {
    values.sort();
    let way = p.times(Number::whole(values.len() as i128 - 1))?;
    let place = usize::try_from(way.floor()?).ok()?;
    let low = *values.get(place)?;
    let rest = way.minus(Number::whole(way.floor()?))?;
    match values.get(place + 1) {
        Some(high) => low.plus(high.minus(low)?.times(rest)?),
        None => (rest == Number::whole(0)).then_some(low),
    }
}

/// The slope of the line for which the squared distances of the values have the least sum.
pub fn slope(points: &[(Micros, Number)]) -> Option<Number> {
    if points.len() < 3 {
        return None;
    }
    let (t, v) = middle(points)?;
    let (mut above, mut below) = (Number::whole(0), Number::whole(0));
    for (at, value) in points {
        let (dt, dv) = (Number::whole(*at).minus(t)?, value.minus(v)?);
        above = above.plus(dt.times(dv)?)?;
        below = below.plus(dt.times(dt)?)?;
    }
    above.over(below)
}

/// The mean instant and the mean value.
fn middle(points: &[(Micros, Number)]) -> Option<(Number, Number)> {
    let instants: Vec<Number> = points.iter().map(|(at, _)| Number::whole(*at)).collect();
    let values: Vec<Number> = points.iter().map(|(_, v)| *v).collect();
    Some((Number::mean(&instants)?, Number::mean(&values)?))
}

/// Where the line is at an instant.
pub fn line_at(points: &[(Micros, Number)], instant: Micros) -> Option<Number> {
    let (t, v) = middle(points)?;
    v.plus(slope(points)?.times(Number::whole(instant).minus(t)?)?)
}

/// Each instant with the mean of its values, in order.
fn instants(points: &[(Micros, Number)]) -> Option<Vec<(Micros, Number)>> {
    let mut by_instant: BTreeMap<Micros, Vec<Number>> = BTreeMap::new();
    for (at, value) in points {
        by_instant.entry(*at).or_default().push(*value);
    }
    by_instant.into_iter().map(|(at, values)| Some((at, Number::mean(&values)?))).collect()
}
