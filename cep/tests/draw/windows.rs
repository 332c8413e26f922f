//! Random windows and aggregates.

use vitalog_cep::plan::{Anchor, Cover, Expr, Func, Measure, Rational, Window};
use vitalog_elog::{FieldIx, StreamIx};

use super::conditions::{condition, threshold};
use super::dice::Dice;
use super::terms::{Sight, Type, any_stream, measure, references, span};
use crate::world::{Kind, NAP, STREAMS, SUGAR, fields};

/// A function, what it takes of a reading, and what it asks of it.
type Drawn = (Func, Measure, Option<Expr>);

pub fn window(dice: &mut Dice, sight: &Sight, wanted: Type, depth: u8) -> Option<Expr> {
    // In the condition of another, now and then.
    if sight.item.is_some() && dice.chance(60) {
        return None;
    }
    let any = any_stream(dice, &sight.found);
    let stream = if wanted == Type::Slope && dice.chance(70) { SUGAR } else { any };
    let inside = Sight { item: Some(stream), until: false, ..sight.clone() };
    let (func, what, asks) = windowed(dice, &inside, stream, wanted, depth)?;
    // Lines and turns need several readings.
    let needs_many = matches!(func, Func::Slope | Func::Rate | Func::Reversals | Func::Cv | Func::Forecast(_));
    let filter = dice.chance(if needs_many { 15 } else { 35 }).then(|| condition(dice, &inside, depth.saturating_sub(1)));
    let fresh = dice.chance(12).then(|| span(dice, 3));
    let anchor = anchor(dice, sight);
    Some(Expr::Window(Box::new(Window {
        func,
        stream,
        what,
        asks,
        filter,
        over: span(dice, if needs_many { 14 } else { 5 }),
        anchor,
        fresh,
    })))
}

fn anchor(dice: &mut Dice, sight: &Sight) -> Anchor {
    if !sight.steps.is_empty() && dice.chance(50) {
        return Anchor::Before(dice.below(sight.steps.len()) as u8);
    }
    if !sight.steps.is_empty() && dice.chance(35) {
        return Anchor::After(dice.below(sight.steps.len()) as u8);
    }
    match dice.below(20) {
        0 => Anchor::Days(dice.between(1, 3) as u16),
        1 => Anchor::Nights(dice.between(1, 2) as u16),
        _ if sight.until => Anchor::Until,
        _ => Anchor::Decision,
    }
}

/// Aggregates that only a window has, and those that readings of a step have too.
fn windowed(dice: &mut Dice, inside: &Sight, stream: StreamIx, wanted: Type, depth: u8) -> Option<Drawn> {
    let asks = |dice: &mut Dice| {
        let asks = match dice.chance(60) {
            true => threshold(dice, vitalog_cep::plan::Ref::Item, stream),
            false => condition(dice, inside, depth.saturating_sub(1)),
        };
        Some(asks)
    };
    let itself =
        if stream == NAP || (stream.derived().is_some() && dice.chance(50)) { Measure::Duration } else { Measure::Itself };
    match wanted {
        Type::Share => match dice.below(3) {
            0 => Some((Func::Share, Measure::Itself, asks(dice))),
            1 => Some((Func::Coverage(span(dice, 2)), Measure::Itself, None)),
            _ => aggregate(dice, stream, wanted).map(|(func, what)| (func, what, None)),
        },
        Type::Span if dice.chance(30) => Some((Func::TimeIn(span(dice, 3)), itself, asks(dice))),
        Type::Of(Kind::Count) if dice.chance(20) => Some((Func::Days, Measure::Itself, None)),
        Type::Of(Kind::Glucose | Kind::Mass) if dice.chance(20) => {
            let func = if dice.chance(40) { Func::DecayedSum(span(dice, 4)) } else { Func::Forecast(span(dice, 4)) };
            Some((func, measure(dice, stream, wanted)?, None))
        }
        _ => aggregate(dice, stream, wanted).map(|(func, what)| (func, what, None)),
    }
}

pub fn bound(dice: &mut Dice, sight: &Sight, wanted: Type) -> Option<Expr> {
    if sight.steps.is_empty() {
        return None;
    }
    let step = dice.below(sight.steps.len());
    let (func, what) = aggregate(dice, sight.steps[step], wanted)?;
    Some(Expr::Bound { func, step: step as u8, what })
}

/// A function and a measure of the stream that come out as the wanted type.
fn aggregate(dice: &mut Dice, stream: StreamIx, wanted: Type) -> Option<(Func, Measure)> {
    const OF_NUMBERS: [Func; 7] = [Func::Sum, Func::Avg, Func::Min, Func::Max, Func::First, Func::Last, Func::Delta];
    let numeric = |dice: &mut Dice| measure(dice, stream, Type::Of(Kind::Glucose));
    match wanted {
        Type::Of(Kind::Count) if dice.chance(70) => {
            let field = FieldIx(dice.below(fields(stream).len()) as u16);
            if dice.chance(25) {
                return Some((Func::Reversals, numeric(dice)?));
            }
            Some((Func::Count, if dice.chance(60) { Measure::Itself } else { Measure::Field(field) }))
        }
        Type::Of(Kind::Text | Kind::Bool | Kind::TimeOfDay) => None,
        Type::Of(Kind::Enum) => Some((*dice.pick(&[Func::First, Func::Last]), measure(dice, stream, wanted)?)),
        Type::Share => Some((Func::Cv, numeric(dice)?)),
        Type::Slope => Some((*dice.pick(&[Func::Slope, Func::Rate]), numeric(dice)?)),
        Type::TimeOfDay => Some((*dice.pick(&[Func::Avg, Func::First, Func::Last]), clock(dice))),
        Type::Instant => {
            Some((*dice.pick(&[Func::Min, Func::Max, Func::First, Func::Last, Func::Avg]), measure(dice, stream, wanted)?))
        }
        Type::Span if dice.chance(20) => Some((Func::Stddev, clock(dice))),
        Type::Span if dice.chance(40) => Some((Func::Delta, Measure::At)),
        Type::Of(_) | Type::Span => {
            let spread = [Func::Stddev, Func::Median, Func::Percentile(Rational { n: dice.between(0, 20), d: 20 })];
            let func = if dice.chance(25) { *dice.pick(&spread) } else { *dice.pick(&OF_NUMBERS) };
            Some((func, measure(dice, stream, wanted)?))
        }
    }
}

fn clock(dice: &mut Dice) -> Measure {
    *dice.pick(&[Measure::AtClock, Measure::StartClock])
}

/// Whether an interval lies over the decision, a reading or the onset.
pub fn covered(dice: &mut Dice, sight: &Sight, depth: u8) -> Expr {
    let stream = match dice.below(10) {
        0 | 1 => STREAMS[dice.below(STREAMS.len())].0,
        2..=6 if !sight.found.is_empty() => *dice.pick(&sight.found),
        _ => NAP,
    };
    let at_hand = references(sight);
    let get = |of, what| Expr::Get { of, what };
    let (from, to) = match dice.below(4) {
        0 | 1 if !at_hand.is_empty() => {
            let (of, stream) = *dice.pick(&at_hand);
            (get(of, Measure::Start), get(of, if stream.derived().is_some() { Measure::End } else { Measure::At }))
        }
        2 if !at_hand.is_empty() => {
            let of = dice.pick(&at_hand).0;
            (get(of, Measure::At), get(of, Measure::At))
        }
        _ if sight.onset && dice.chance(50) => (Expr::Onset, if dice.chance(50) { Expr::Onset } else { Expr::Now }),
        _ => (Expr::Now, Expr::Now),
    };
    let filter = dice.chance(if sight.item.is_none() { 35 } else { 10 }).then(|| {
        let inside = Sight { item: Some(stream), until: false, ..sight.clone() };
        Box::new(condition(dice, &inside, depth.saturating_sub(1)))
    });
    let how = *dice.pick(&[Cover::During, Cover::Overlaps]);
    Expr::Covered { how, from: Box::new(from), to: Box::new(to), stream, filter }
}
