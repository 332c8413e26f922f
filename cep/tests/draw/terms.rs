//! Random terms of a wanted type.

use vitalog_cep::plan::{Anchor, Arith, Expr, Func, Measure, Rational, Ref, Window};
use vitalog_elog::{FieldIx, Span, StreamIx};

use super::conditions::condition;
use super::dice::Dice;
use crate::world::{EPOCH, Kind, NAP, PROFILE, STREAMS, fields};

/// What an expression comes out as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Of(Kind),
    Instant,
    Span,
}

/// What an expression may refer to.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    pub driver: Option<StreamIx>,
    pub candidate: Option<StreamIx>,
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
    }
}

/// Some cells; now and then a microsecond more or less.
pub fn span(dice: &mut Dice, most_cells: i64) -> Span {
    let nudge = if dice.chance(6) { *dice.pick(&[-1, 1]) } else { 0 };
    Span(dice.between(1, most_cells) * CELL + nudge)
}

/// A term of that type, at most `depth` deep.
pub fn term(dice: &mut Dice, sight: &Sight, wanted: Type, depth: u8) -> Expr {
    for _ in 0..4 {
        let drawn = match dice.below(if depth == 0 { 5 } else { 9 }) {
            0 => Some(constant(dice, wanted)),
            1 | 2 => said(dice, sight, wanted),
            3 => profile(dice, wanted),
            4 => named(dice, sight, wanted),
            5 | 6 => window(dice, sight, wanted, depth),
            7 => bound(dice, sight, wanted),
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
        Type::Instant => Expr::number(EPOCH.0 + dice.between(0, 12) * CELL),
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
    Some(Expr::Get { of, what })
}

pub fn references(sight: &Sight) -> Vec<(Ref, StreamIx)> {
    let mut all = Vec::new();
    all.extend(sight.driver.map(|s| (Ref::Driver, s)));
    all.extend(sight.candidate.map(|s| (Ref::Candidate, s)));
    all.extend(sight.item.map(|s| (Ref::Item, s)));
    all.extend(sight.steps.iter().enumerate().map(|(i, s)| (Ref::Step(i as u8), *s)));
    all
}

/// A measure of the stream that is of the wanted type.
fn measure(dice: &mut Dice, stream: StreamIx, wanted: Type) -> Option<Measure> {
    match wanted {
        Type::Instant if stream.derived().is_some() => Some(*dice.pick(&[Measure::At, Measure::Start, Measure::End])),
        Type::Instant => Some(*dice.pick(&[Measure::At, Measure::Start])),
        Type::Span => (stream == NAP || stream.derived().is_some()).then_some(Measure::Duration),
        Type::Of(kind) => {
            let places: Vec<usize> = (0..fields(stream).len()).filter(|i| fields(stream)[*i].1 == kind).collect();
            if places.is_empty() { None } else { Some(Measure::Field(FieldIx(*dice.pick(&places) as u16))) }
        }
    }
}

fn profile(dice: &mut Dice, wanted: Type) -> Option<Expr> {
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

fn window(dice: &mut Dice, sight: &Sight, wanted: Type, depth: u8) -> Option<Expr> {
    let stream = any_stream(dice, &sight.found);
    let (func, what) = aggregate(dice, stream, wanted)?;
    // Windows inside windows' conditions are left out: no sentence of the language makes one.
    let in_item = sight.item.is_some();
    if in_item {
        return None;
    }
    let filter = dice.chance(35).then(|| {
        let inside = Sight { item: Some(stream), ..sight.clone() };
        condition(dice, &inside, depth.saturating_sub(1))
    });
    let anchor = if !sight.steps.is_empty() && dice.chance(60) {
        Anchor::Before(dice.below(sight.steps.len()) as u8)
    } else if sight.until {
        Anchor::Until
    } else {
        Anchor::Decision
    };
    Some(Expr::Window(Box::new(Window { func, stream, what, filter, over: span(dice, 5), anchor })))
}

/// Any declared stream, or a rule's.
pub fn any_stream(dice: &mut Dice, found: &[StreamIx]) -> StreamIx {
    if !found.is_empty() && dice.chance(40) { *dice.pick(found) } else { STREAMS[dice.below(STREAMS.len())].0 }
}

fn bound(dice: &mut Dice, sight: &Sight, wanted: Type) -> Option<Expr> {
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
    match wanted {
        Type::Of(Kind::Count) if dice.chance(70) => {
            let field = FieldIx(dice.below(fields(stream).len()) as u16);
            Some((Func::Count, if dice.chance(60) { Measure::Itself } else { Measure::Field(field) }))
        }
        Type::Of(Kind::Text | Kind::Bool) => None,
        Type::Of(Kind::Enum) => Some((*dice.pick(&[Func::First, Func::Last]), measure(dice, stream, wanted)?)),
        Type::Instant => {
            Some((*dice.pick(&[Func::Min, Func::Max, Func::First, Func::Last, Func::Avg]), measure(dice, stream, wanted)?))
        }
        Type::Span if dice.chance(40) => Some((Func::Delta, Measure::At)),
        Type::Of(_) | Type::Span => Some((*dice.pick(&OF_NUMBERS), measure(dice, stream, wanted)?)),
    }
}

fn arithmetic(dice: &mut Dice, sight: &Sight, wanted: Type, depth: u8) -> Option<Expr> {
    let part = |dice: &mut Dice, t: Type| Box::new(term(dice, sight, t, depth - 1));
    let (op, left, right) = match wanted {
        Type::Of(Kind::Enum | Kind::Text | Kind::Bool) => return None,
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
