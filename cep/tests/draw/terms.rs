//! Random terms of a wanted type.

use vitalog_cep::plan::{Arith, Expr, Measure, Rational, Ref};
use vitalog_elog::{FieldIx, Span, StreamIx};

use super::dice::Dice;
use super::windows::{bound, window};
use crate::world::{BEDTIME, EPOCH, Kind, NAP, PROFILE, STREAMS, fields};

/// What an expression comes out as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Of(Kind),
    Instant,
    Span,
    /// A part of a whole, in hundred millionths.
    Share,
    TimeOfDay,
    /// Glucose by time.
    Slope,
}

/// Which other repeats of a step a condition may name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeats {
    #[default]
    None,
    First,
    Both,
}

/// What an expression may refer to.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    pub driver: Option<StreamIx>,
    pub candidate: Option<StreamIx>,
    /// The repeats before of the candidate's step.
    pub repeats: Repeats,
    pub item: Option<StreamIx>,
    /// Streams of the steps bound.
    pub steps: Vec<StreamIx>,
    pub onset: bool,
    /// Windows end before the instant decided.
    pub until: bool,
    /// Derived streams that may be looked at.
    pub found: Vec<StreamIx>,
    pub lets: Vec<(u16, Type)>,
}

/// The distance of two neighbouring instants of a random timeline, and the measure of every bound.
pub const CELL: i64 = 5 * 60_000_000;

/// Glucose values and thresholds come from here, so that they meet.
pub const SUGARS: [i64; 6] = [60, 70, 80, 100, 120, 180];
pub const PORTIONS: [i64; 4] = [10, 20, 30, 45];
pub const COUNTS: [i64; 5] = [0, 1, 2, 3, 5];

pub fn value(dice: &mut Dice, kind: Kind) -> i64 {
    match kind {
        Kind::Glucose => *dice.pick(&SUGARS),
        Kind::Mass => *dice.pick(&PORTIONS),
        Kind::Count => *dice.pick(&COUNTS),
        Kind::Enum | Kind::Text => dice.between(0, 2),
        Kind::Bool => dice.between(0, 1),
        // Around the hours of the random timelines, before midnight and after.
        Kind::TimeOfDay => (around(dice) + 5 * dice.between(0, 32)) % (24 * 60),
    }
}

/// The minute of the day, some ten before the first of the random timelines: an hour before midnight, or before clocks are turned at night.
fn around(dice: &Dice) -> i64 {
    if dice.epoch == EPOCH { 22 * 60 + 50 } else { 60 }
}

/// Some cells; now and then a microsecond more or less.
pub fn span(dice: &mut Dice, most_cells: i64) -> Span {
    let nudge = if dice.chance(6) { *dice.pick(&[-1, 1]) } else { 0 };
    Span(dice.between(1, most_cells) * CELL + nudge)
}

/// A term of that type, at most `depth` deep.
pub fn term(dice: &mut Dice, sight: &Sight, wanted: Type, depth: u8) -> Expr {
    for _ in 0..4 {
        let drawn = match dice.below(if depth == 0 { 5 } else { 11 }) {
            0 => Some(constant(dice, wanted)),
            1 | 2 => said(dice, sight, wanted),
            3 => profile(dice, wanted),
            4 => named(dice, sight, wanted),
            5 | 6 => window(dice, sight, wanted, depth),
            7 => bound(dice, sight, wanted),
            8 => calendar(dice, sight, wanted, depth),
            9 if dice.chance(50) => Some(choice(dice, sight, wanted, depth)),
            _ => arithmetic(dice, sight, wanted, depth),
        };
        if let Some(expr) = drawn {
            return expr;
        }
    }
    constant(dice, wanted)
}

pub fn constant(dice: &mut Dice, wanted: Type) -> Expr {
    match wanted {
        Type::Of(kind @ (Kind::Glucose | Kind::Mass | Kind::Count)) => {
            let n = value(dice, kind) * kind.atoms();
            if dice.chance(5) { Expr::Number(Rational { n: 2 * n + 1, d: 2 }) } else { Expr::number(n) }
        }
        Type::Of(Kind::Enum) => Expr::Enum(value(dice, Kind::Enum) as u16),
        Type::Of(Kind::Text) => Expr::Text((*dice.pick(&["a", "b", "c"])).into()),
        Type::Of(Kind::Bool) => Expr::Bool(dice.chance(50)),
        Type::Of(Kind::TimeOfDay) => constant(dice, Type::TimeOfDay),
        Type::Instant => Expr::number(dice.epoch.0 + dice.between(0, 12) * CELL),
        Type::Share => Expr::number(*dice.pick(&[0, 25, 50, 60, 100]) * 1_000_000),
        // Around the hours of the random timelines, before midnight and after.
        Type::TimeOfDay => Expr::number((around(dice) / 5 + dice.between(0, 32)) % (24 * 12) * CELL),
        Type::Slope => Expr::Number(Rational { n: *dice.pick(&[-2, -1, 0, 1, 2, 4]) * Kind::Glucose.atoms(), d: 60_000_000 }),
        Type::Span => Expr::number(span(dice, 6).0),
    }
}

/// What a reading at hand says.
fn said(dice: &mut Dice, sight: &Sight, wanted: Type) -> Option<Expr> {
    let at_hand = references(sight);
    if at_hand.is_empty() {
        return None;
    }
    let (of, stream) = *dice.pick(&at_hand);
    let what = measure(dice, stream, wanted)?;
    let value = Expr::Get { of, what };
    if !dice.chance(12) {
        return Some(value);
    }
    let at = Box::new(Expr::Get { of, what: Measure::At });
    Some(Expr::Fresh { value: Box::new(value), at, within: span(dice, 4) })
}

pub fn references(sight: &Sight) -> Vec<(Ref, StreamIx)> {
    let mut all = Vec::new();
    all.extend(sight.driver.map(|s| (Ref::Driver, s)));
    all.extend(sight.candidate.map(|s| (Ref::Candidate, s)));
    match (sight.candidate, sight.repeats) {
        (Some(s), Repeats::First) => all.push((Ref::First, s)),
        (Some(s), Repeats::Both) => all.extend([(Ref::First, s), (Ref::Previous, s), (Ref::Previous, s)]),
        _ => {}
    }
    all.extend(sight.item.map(|s| (Ref::Item, s)));
    all.extend(sight.steps.iter().enumerate().map(|(i, s)| (Ref::Step(i as u8), *s)));
    all
}

/// A measure of the stream that is of the wanted type.
pub fn measure(dice: &mut Dice, stream: StreamIx, wanted: Type) -> Option<Measure> {
    match wanted {
        Type::Instant if stream.derived().is_some() => Some(*dice.pick(&[Measure::At, Measure::Start, Measure::End])),
        Type::Instant => Some(*dice.pick(&[Measure::At, Measure::Start])),
        Type::Span => (stream == NAP || stream.derived().is_some()).then_some(Measure::Duration),
        Type::Share | Type::TimeOfDay | Type::Slope => None,
        Type::Of(kind) => {
            let places: Vec<usize> = (0..fields(stream).len()).filter(|i| fields(stream)[*i].1 == kind).collect();
            if places.is_empty() { None } else { Some(Measure::Field(FieldIx(*dice.pick(&places) as u16))) }
        }
    }
}

fn profile(dice: &mut Dice, wanted: Type) -> Option<Expr> {
    if wanted == Type::TimeOfDay {
        return Some(Expr::Profile(BEDTIME));
    }
    let Type::Of(kind) = wanted else { return None };
    let places: Vec<u16> = (0..PROFILE.len() as u16).filter(|i| PROFILE[usize::from(*i)].1 == kind).collect();
    if places.is_empty() { None } else { Some(Expr::Profile(*dice.pick(&places))) }
}

/// `let`s, `onset` and `now`.
fn named(dice: &mut Dice, sight: &Sight, wanted: Type) -> Option<Expr> {
    let mut all: Vec<Expr> = sight.lets.iter().filter(|(_, t)| *t == wanted).map(|(i, _)| Expr::Let(*i)).collect();
    if wanted == Type::Instant {
        all.push(Expr::Now);
        if sight.onset {
            all.push(Expr::Onset);
        }
    }
    if all.is_empty() { None } else { Some(dice.pick(&all).clone()) }
}

/// Any declared stream, or a rule's.
pub fn any_stream(dice: &mut Dice, found: &[StreamIx]) -> StreamIx {
    if !found.is_empty() && dice.chance(40) { *dice.pick(found) } else { STREAMS[dice.below(STREAMS.len())].0 }
}

/// What the clock on the wall shows, and which day it is.
fn calendar(dice: &mut Dice, sight: &Sight, wanted: Type, depth: u8) -> Option<Expr> {
    let instant = |dice: &mut Dice| Box::new(term(dice, sight, Type::Instant, depth - 1));
    match wanted {
        Type::TimeOfDay => Some(Expr::TimeOfDay(instant(dice))),
        Type::Of(Kind::Enum) => Some(Expr::DayOfWeek(instant(dice))),
        _ => None,
    }
}

fn choice(dice: &mut Dice, sight: &Sight, wanted: Type, depth: u8) -> Expr {
    let condition = super::conditions::likely(dice, sight, depth - 1);
    let (then, otherwise) = (term(dice, sight, wanted, depth - 1), term(dice, sight, wanted, depth - 1));
    Expr::If { condition: Box::new(condition), then: Box::new(then), otherwise: Box::new(otherwise) }
}

fn arithmetic(dice: &mut Dice, sight: &Sight, wanted: Type, depth: u8) -> Option<Expr> {
    let part = |dice: &mut Dice, t: Type| Box::new(term(dice, sight, t, depth - 1));
    let (op, left, right) = match wanted {
        Type::Of(Kind::Enum | Kind::Text | Kind::Bool | Kind::TimeOfDay) | Type::Share | Type::Slope => return None,
        Type::TimeOfDay => {
            let later = Expr::Arith { op: Arith::Add, left: part(dice, wanted), right: part(dice, Type::Span) };
            return Some(Expr::Wrap { value: Box::new(later), signed: false });
        }
        Type::Span if dice.chance(15) => {
            let way = Expr::Arith { op: Arith::Sub, left: part(dice, Type::TimeOfDay), right: part(dice, Type::TimeOfDay) };
            return Some(Expr::Wrap { value: Box::new(way), signed: true });
        }
        Type::Instant => (*dice.pick(&[Arith::Add, Arith::Sub]), part(dice, Type::Instant), part(dice, Type::Span)),
        Type::Span if dice.chance(60) => (Arith::Sub, part(dice, Type::Instant), part(dice, Type::Instant)),
        Type::Of(Kind::Glucose | Kind::Mass | Kind::Count) | Type::Span => match dice.below(8) {
            0..=2 => (Arith::Add, part(dice, wanted), part(dice, wanted)),
            3..=4 => (Arith::Sub, part(dice, wanted), part(dice, wanted)),
            5 => (Arith::Mul, part(dice, wanted), Box::new(Expr::number(dice.between(0, 3)))),
            6 => (Arith::Div, part(dice, wanted), part(dice, Type::Of(Kind::Count))),
            _ => return Some(Expr::Neg(part(dice, wanted))),
        },
    };
    Some(Expr::Arith { op, left, right })
}
