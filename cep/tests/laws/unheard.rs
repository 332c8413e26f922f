//! Rules that hang on how many readings other streams have and what these show, and on how often their own turns, say what they say where all are asked of each reading: an engine that was
//! just restored knows of nobody that they rest.

use std::cell::RefCell;

use vitalog_cep::plan::{Compare, Episode, Expr, Func, Heard, Library, Measure, Ref, Rule, RuleKind, Silence, Window};
use vitalog_elog::Subject;

use super::oracle::compare;
use super::{check, quiet, seeds};
use crate::cases::build::{
    compare as compared_with, episode, first, hold, library, mg_dl, pattern, rule, step, value_of, window,
};
use crate::draw::conditions::threshold;
use crate::draw::dice::Dice;
use crate::draw::timelines;
use crate::world::{F0, LAB, MEAL, NAP, SUGAR, TARGET};

const ORDERS: [Compare; 6] = [Compare::Lt, Compare::Le, Compare::Gt, Compare::Ge, Compare::Eq, Compare::Ne];

/// So many minutes at most are looked back, in cells of five and a little more or less.
fn minutes(dice: &mut Dice) -> i64 {
    5 * dice.between(1, 12) + dice.between(-1, 1)
}

/// How many readings another stream has, mostly few.
fn counted(dice: &mut Dice) -> Expr {
    let stream = *dice.pick(&[MEAL, LAB, NAP]);
    let filter = dice.chance(40).then(|| threshold(dice, Ref::Item, stream));
    let counts = Window { filter, ..window(Func::Count, stream, Measure::Itself, minutes(dice)) };
    compared(dice, value_of(counts), 2)
}

/// What a window of another stream shows: its newest, its mean, how it moves; beside a number, what the profile says, or what the reading says itself.
fn shown(dice: &mut Dice, of: Ref) -> Expr {
    let funcs = [Func::Avg, Func::Min, Func::Max, Func::First, Func::Last, Func::Delta, Func::Slope, Func::Median];
    let func = *dice.pick(&funcs);
    let stream = *dice.pick(&[LAB, LAB, SUGAR]);
    let filter = dice.chance(30).then(|| threshold(dice, Ref::Item, stream));
    let left = value_of(Window { filter, ..window(func, stream, Measure::Field(F0), 2 * minutes(dice)) });
    let right = match (func, dice.below(10)) {
        (Func::Delta | Func::Slope, _) => mg_dl(10 * dice.between(-3, 3)),
        (_, 0..2) => Expr::Profile(TARGET),
        (_, 2..5) => first(of),
        _ => mg_dl(10 * dice.between(6, 18)),
    };
    compared_with(left, *dice.pick(&ORDERS), right)
}

/// How often the own stream turns, or how many readings it has.
fn turned(dice: &mut Dice) -> Expr {
    let (func, what) = *dice.pick(&[(Func::Reversals, Measure::Field(F0)), (Func::Count, Measure::Itself)]);
    let over = 2 * minutes(dice);
    compared(dice, value_of(window(func, SUGAR, what, over)), 5)
}

fn compared(dice: &mut Dice, left: Expr, most: i64) -> Expr {
    let (left, right) = (Box::new(left), Box::new(Expr::number(dice.between(0, most))));
    let op = *dice.pick(&ORDERS);
    if dice.chance(80) { Expr::Compare { op, left, right } } else { Expr::Compare { op, left: right, right: left } }
}

fn condition(dice: &mut Dice, of: Ref) -> Expr {
    let mut parts = vec![match dice.below(10) {
        0..5 => counted(dice),
        5..7 => turned(dice),
        _ => shown(dice, of),
    }];
    if dice.chance(60) {
        parts.push(threshold(dice, of, SUGAR));
    }
    if dice.chance(30) {
        parts.push(counted(dice));
    }
    if dice.chance(70) { Expr::And(parts) } else { Expr::Or(parts) }
}

fn kind(dice: &mut Dice) -> RuleKind {
    match dice.below(10) {
        0 => RuleKind::Match(pattern(vec![step(SUGAR, Some(condition(dice, Ref::Candidate)))], 60)),
        1 => {
            let one = step(SUGAR, Some(condition(dice, Ref::Candidate)));
            RuleKind::Match(pattern(vec![one, step(SUGAR, Some(threshold(dice, Ref::Candidate, SUGAR)))], 90))
        }
        2 => {
            let filter = dice.chance(40).then(|| threshold(dice, Ref::Candidate, SUGAR));
            let other = dice.chance(30).then_some(Heard { stream: MEAL, filter: None });
            let streams = [Heard { stream: SUGAR, filter }].into_iter().chain(other).collect();
            RuleKind::Silence(Silence { streams, span: vitalog_elog::Span::minutes(minutes(dice)) })
        }
        _ => {
            let when = condition(dice, Ref::Driver);
            let gap = minutes(dice);
            let lapse = dice.chance(30).then(|| vitalog_elog::Span::minutes(minutes(dice)));
            let until = dice.chance(30).then(|| condition(dice, Ref::Driver));
            let held = if dice.chance(40) { hold(15 * dice.between(0, 3), gap) } else { None };
            RuleKind::Episode(Episode { hold: held, until, lapse, ..episode(SUGAR, when) })
        }
    }
}

fn drawn(dice: &mut Dice) -> Library {
    let one = |(i, dice): (u64, &mut Dice)| {
        let filter = dice.chance(40).then(|| counted(dice));
        Rule { name: format!("r{i}").into(), meaning: i, filter, ..rule(kind(dice)) }
    };
    library((0..4).map(|i| one((i, dice))).collect())
}

#[test]
fn who_rests_by_other_streams_or_by_few_readings_says_what_it_says_where_it_is_asked() {
    let quietly = RefCell::new(0_u64);
    for seed in seeds(1_000) {
        let mut dice = Dice::either(seed ^ 0x0E_A4D);
        let library = drawn(&mut dice);
        let many = 40 + dice.below(60);
        let lines = timelines::steady(&mut dice, library, vec![Subject::new("s")], many);
        check("unheard", seed, lines, &|seed, lines| {
            let engine = quiet::says_it_after_a_restart(lines)?;
            *quietly.borrow_mut() += engine.taken_quietly();
            if seed % 10 == 0 { compare(&engine, lines) } else { Ok(()) }
        });
    }
    let quietly = quietly.into_inner();
    println!("{quietly} readings went the quick way");
    if seeds(1_000).count() >= 1_000 {
        assert!(quietly > 2_000, "only {quietly} went the quick way");
    }
}
