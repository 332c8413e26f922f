//! Rules that rest for what their windows go on showing: readings come in order and close together, and what stands is what the oracle finds.

use std::sync::Arc;

use vitalog_cep::Engine;
use vitalog_cep::plan::{Anchor, Arith, Compare, Episode, Expr, Func, Library, Measure, Ref, Rule, RuleKind, Window};
use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{Severity, Span, Subject, Time, When};

use super::seeds;
use crate::cases::build::{arith, compare, episode, first, grade, hold, mg_dl, minutes, pattern, rule, step, value_of, window};
use crate::draw::dice::Dice;
use crate::world::script::{Given, Line, expected, reading};
use crate::world::show::difference;
use crate::world::{EPOCH, F0, LAB, MEAL, SUGAR, TARGET, drive, glucose, profile, schema};

pub const OPS: [Compare; 6] = [Compare::Lt, Compare::Le, Compare::Gt, Compare::Ge, Compare::Eq, Compare::Ne];

#[test]
fn what_windows_go_on_showing_is_what_they_show() {
    as_the_oracle_says(300, 0x51_6877, 20, lines);
}

/// Draws so many scripts, and compares what stands with the oracle after every so many inputs; in a third of the cases something has to.
pub fn as_the_oracle_says(usual: u64, salt: u64, every: usize, draw: fn(&mut Dice) -> Vec<Line>) {
    let (mut many, mut found) = (0, 0);
    for seed in seeds(usual) {
        let lines = draw(&mut Dice::either(seed ^ salt));
        let mut engine = Engine::new();
        for (i, line) in lines.iter().enumerate() {
            drive::step(&mut engine, i, line);
            if i % every == 0 || i + 1 == lines.len() {
                let (has, wants) = (drive::standing(&engine), expected(&lines[..=i]));
                assert!(has == wants, "seed {seed}, after input {i}:\n{}", difference(&has, &wants));
                found += usize::from(!has.is_empty());
                many += 1;
            }
        }
    }
    assert!(3 * found > many, "most find nothing: {found} of {many}");
}

/// What more readings can change in one direction only, or looks like it; compared with something that it may well be.
fn shown(dice: &mut Dice, anchor: Anchor) -> Expr {
    let over = dice.between(2, 40);
    let over_other = if dice.chance(80) { over } else { (over + dice.between(-8, 3)).max(1) };
    let of = |func, what, over| value_of(Window { anchor, ..window(func, SUGAR, what, over) });
    let number = |func, over| of(func, Measure::Field(F0), over);
    let target = |dice: &mut Dice| match dice.below(3) {
        0 => Expr::Profile(TARGET),
        1 => arith(Expr::Profile(TARGET), Arith::Add, mg_dl(3)),
        _ => mg_dl(dice.between(94, 106)),
    };
    let (left, right) = match dice.below(8) {
        7 => (number(Func::Max, over), number(Func::Min, over_other)),
        0 => {
            let stream = if dice.chance(75) { SUGAR } else { MEAL };
            let count = Window { anchor, ..window(Func::Count, stream, Measure::Itself, over) };
            (value_of(count), Expr::number(dice.between(1, if stream == SUGAR { 9 } else { 2 })))
        }
        1 | 2 => (number(Func::Reversals, over), Expr::number(dice.between(0, 6))),
        3 => (number(Func::Max, over), target(dice)),
        4 => (number(Func::Min, over), target(dice)),
        _ => {
            let spread = arith(number(Func::Max, over), Arith::Sub, number(Func::Min, over_other));
            (spread, mg_dl(dice.between(0, 9)))
        }
    };
    let op = *dice.pick(&OPS);
    if dice.chance(80) { compare(left, op, right) } else { compare(right, op, left) }
}

fn condition(dice: &mut Dice, anchor: Anchor) -> Expr {
    let two = vec![shown(dice, anchor), shown(dice, anchor)];
    match dice.below(5) {
        0 => Expr::And(two),
        1 => Expr::Or(two),
        _ => shown(dice, anchor),
    }
}

/// An episode, or a pattern that hangs on what lies before it.
pub fn drawn(dice: &mut Dice) -> Rule {
    if dice.chance(35) {
        let fits = |dice: &mut Dice| {
            let bounded = compare(first(Ref::Candidate), *dice.pick(&OPS), mg_dl(dice.between(96, 104)));
            dice.chance(60).then(|| if dice.chance(50) { bounded } else { condition(dice, Anchor::Decision) })
        };
        let begins = step(SUGAR, fits(dice));
        let ends = if dice.chance(70) { step(SUGAR, fits(dice)) } else { step(MEAL, None) };
        let settled = condition(dice, Anchor::Before(0));
        let own = compare(first(Ref::Step(0)), *dice.pick(&OPS), mg_dl(dice.between(97, 103)));
        let filter = if dice.chance(40) { Expr::And(vec![own, settled]) } else { settled };
        return Rule { filter: Some(filter), ..rule(RuleKind::Match(pattern(vec![begins, ends], dice.between(2, 15)))) };
    }
    let bounded = |dice: &mut Dice| compare(first(Ref::Driver), *dice.pick(&OPS), mg_dl(dice.between(97, 103)));
    let when = if dice.chance(60) { condition(dice, Anchor::Decision) } else { bounded(dice) };
    let until = dice.chance(60).then(|| if dice.chance(50) { condition(dice, Anchor::Decision) } else { bounded(dice) });
    let until_hold = if until.is_some() && dice.chance(60) { hold(dice.between(1, 9), dice.between(1, 4)) } else { None };
    let found = Episode {
        hold: if dice.chance(40) { hold(dice.between(1, 9), dice.between(1, 4)) } else { None },
        until,
        until_hold,
        lapse: dice.chance(40).then(|| Span::minutes(dice.between(1, 9))),
        ..episode(SUGAR, when)
    };
    let mut drawn = rule(RuleKind::Episode(found));
    if dice.chance(50) {
        let age = arith(Expr::Now, Arith::Sub, Expr::Onset);
        let old = compare(age, *dice.pick(&[Compare::Ge, Compare::Gt]), minutes(dice.between(1, 20)));
        let also = bounded(dice);
        drawn.grades.push(grade(Severity::Urgent, if dice.chance(50) { old } else { Expr::And(vec![also, old]) }));
    }
    drawn
}

/// Sugars that move little, seconds to minutes apart; a meal, a lab and another target now and then, and a late one at the end of some.
fn lines(dice: &mut Dice) -> Vec<Line> {
    let rules = (0..dice.between(1, 3)).map(|i| {
        let name = Arc::from(format!("r{i}"));
        Arc::new(Rule { name, ..drawn(dice) })
    });
    let rules = rules.collect();
    let library = Arc::new(Library { schema: schema(), profile: profile(), rules, ..Library::default() });
    let mut lines = vec![Line { arrival: EPOCH, input: Given::Library { effective: Time::MIN, library } }];
    let subject = Subject::new("s");
    let (mut clock, mut value) = (EPOCH, 100);
    let target = |at: Time, value: i64| {
        Given::Profile(ProfileChange { subject: subject.clone(), field: Arc::from("target"), value: Some(glucose(value)), at })
    };
    lines.push(Line { arrival: EPOCH, input: target(Time::MIN, 100) });
    let (calm, swing) = (dice.chance(50), dice.between(1, 5));
    // Seconds that all instants are so many of, so that spans are met exactly.
    let beat = if dice.chance(50) { 1 } else { 30 };
    for i in 0..140_u32 {
        clock = clock
            + if dice.chance(90) {
                Span(dice.between(1, 90 / beat) * beat * 1_000_000)
            } else {
                Span::minutes(dice.between(1, 12))
            };
        let step = if calm && dice.chance(70) { 0 } else { dice.between(-swing, swing) };
        value = (value + step).clamp(92, 108);
        let name = format!("n{i}");
        let late = i > 100 && dice.chance(4);
        let at = When::At(if late { clock - Span::minutes(dice.between(1, 30)) } else { clock });
        let input = match dice.below(25) {
            0 => Given::Reading(reading(&subject, &name, 1, MEAL, at, vec![])),
            1 => Given::Reading(reading(&subject, &name, 1, LAB, at, vec![])),
            2 if i > 60 => target(clock, dice.between(96, 104)),
            3 => Given::Tick,
            4 => Given::Reading(reading(&subject, &name, 1, SUGAR, at, vec![None])),
            _ => Given::Reading(reading(&subject, &name, 1, SUGAR, at, vec![Some(glucose(value))])),
        };
        lines.push(Line { arrival: clock, input });
    }
    lines
}
