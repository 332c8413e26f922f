//! Random conditions.

use vitalog_cep::plan::{Compare, Expr, Measure, Ref};
use vitalog_elog::{FieldIx, StreamIx};

use super::dice::Dice;
use super::terms::{Sight, Type, constant, references, term, value};
use super::windows::covered;
use crate::world::{Kind, fields};

const ORDERS: [Compare; 6] = [Compare::Lt, Compare::Le, Compare::Gt, Compare::Ge, Compare::Eq, Compare::Ne];

const TYPES: [Type; 11] = [
    Type::Of(Kind::Glucose),
    Type::Of(Kind::Glucose),
    Type::Of(Kind::Mass),
    Type::Of(Kind::Count),
    Type::Of(Kind::Count),
    Type::Of(Kind::Enum),
    Type::Instant,
    Type::Span,
    Type::Share,
    Type::TimeOfDay,
    Type::Slope,
];

/// Any condition, at most `depth` deep.
pub fn condition(dice: &mut Dice, sight: &Sight, depth: u8) -> Expr {
    match dice.below(if depth == 0 { 6 } else { 13 }) {
        0..=2 => comparison(dice, sight, depth),
        3 => equality(dice, sight),
        4 if dice.chance(15) => Expr::Bool(dice.chance(50)),
        4 => term(dice, sight, Type::Of(Kind::Bool), 0),
        5 => covered(dice, sight, depth),
        6 => Expr::Not(Box::new(condition(dice, sight, depth - 1))),
        7 => Expr::And(parts(dice, sight, depth)),
        8 => Expr::Or(parts(dice, sight, depth)),
        9 => between(dice, sight, depth),
        10 => within(dice, sight, depth),
        11 => times(dice, sight, depth),
        _ => {
            let wanted = *dice.pick(&TYPES);
            Expr::IsKnown(Box::new(term(dice, sight, wanted, depth)))
        }
    }
}

/// Rather a threshold of a reading in sight than any condition.
pub fn likely(dice: &mut Dice, sight: &Sight, depth: u8) -> Expr {
    let at_hand = references(sight);
    if at_hand.is_empty() || dice.chance(40) {
        return condition(dice, sight, depth);
    }
    let (of, stream) = *dice.pick(&at_hand);
    threshold(dice, of, stream)
}

/// `stream.field < threshold`: what most rules are made of, and what makes them fire.
pub fn threshold(dice: &mut Dice, of: Ref, stream: StreamIx) -> Expr {
    let numeric: Vec<usize> =
        (0..fields(stream).len()).filter(|i| !matches!(fields(stream)[*i].1, Kind::Text | Kind::Bool)).collect();
    let field = if dice.chance(60) { numeric[0] } else { *dice.pick(&numeric) };
    let kind = fields(stream)[field].1;
    let left = Expr::Get { of, what: Measure::Field(FieldIx(field as u16)) };
    let right = match kind {
        Kind::Enum => Expr::Enum(dice.between(0, 2) as u16),
        Kind::Glucose if dice.chance(25) => Expr::Profile(crate::world::TARGET),
        _ => Expr::number(value(dice, kind) * kind.atoms()),
    };
    Expr::Compare { op: *dice.pick(&ORDERS[..4]), left: Box::new(left), right: Box::new(right) }
}

fn parts(dice: &mut Dice, sight: &Sight, depth: u8) -> Vec<Expr> {
    (0..dice.between(2, 3)).map(|_| condition(dice, sight, depth - 1)).collect()
}

fn comparison(dice: &mut Dice, sight: &Sight, depth: u8) -> Expr {
    let wanted = *dice.pick(&TYPES);
    let left = term(dice, sight, wanted, depth);
    let right = if dice.chance(60) { constant(dice, wanted) } else { term(dice, sight, wanted, depth.saturating_sub(1)) };
    Expr::Compare { op: *dice.pick(&ORDERS), left: Box::new(left), right: Box::new(right) }
}

/// Texts and truths can only be equal or not.
fn equality(dice: &mut Dice, sight: &Sight) -> Expr {
    let wanted = *dice.pick(&[Type::Of(Kind::Text), Type::Of(Kind::Enum), Type::Of(Kind::Bool)]);
    let (left, right) = (term(dice, sight, wanted, 0), term(dice, sight, wanted, 0));
    Expr::Compare { op: *dice.pick(&[Compare::Eq, Compare::Ne]), left: Box::new(left), right: Box::new(right) }
}

fn between(dice: &mut Dice, sight: &Sight, depth: u8) -> Expr {
    let wanted = *dice.pick(&TYPES);
    let value = term(dice, sight, wanted, depth - 1);
    let (low, high) = (term(dice, sight, wanted, 0), term(dice, sight, wanted, 0));
    Expr::Between { value: Box::new(value), low: Box::new(low), high: Box::new(high) }
}

fn times(dice: &mut Dice, sight: &Sight, depth: u8) -> Expr {
    let value = term(dice, sight, Type::TimeOfDay, depth - 1);
    let (low, high) = (constant(dice, Type::TimeOfDay), constant(dice, Type::TimeOfDay));
    Expr::BetweenTimes { value: Box::new(value), low: Box::new(low), high: Box::new(high) }
}

fn within(dice: &mut Dice, sight: &Sight, depth: u8) -> Expr {
    let wanted = *dice.pick(&[Type::Of(Kind::Enum), Type::Of(Kind::Text), Type::Of(Kind::Count), Type::Of(Kind::Glucose)]);
    let value = term(dice, sight, wanted, depth - 1);
    let list = (0..dice.between(1, 3)).map(|_| term(dice, sight, wanted, 0)).collect();
    Expr::In { value: Box::new(value), list }
}
