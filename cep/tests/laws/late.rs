//! Half of the readings come late: what is passed over without being asked comes to what it came to, says the oracle.

use std::sync::Arc;

use vitalog_cep::plan::{Anchor, Arith, Expr, Func, Grade, Library, Measure, Piece, Ref, Rule, RuleKind, Schedule, Show, Window};
use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{Severity, Span, StreamIx, Subject, Time, When};

use super::sights::{self, OPS};
use crate::cases::build::{
    absence, arith, compare, episode, field, first, hold, mg_dl, pattern, repeated, rule, silence, step, value_of, window,
};
use crate::draw::dice::Dice;
use crate::world::script::{Given, Line, reading};
use crate::world::{EPOCH, F0, F1, Kind, LAB, MEAL, SUGAR, TARGET, glucose, profile, schema};

#[test]
fn what_is_passed_over_comes_to_what_it_came_to() {
    sights::as_the_oracle_says(150, 0x1A_7E77, 10, |dice| lines(dice, 0, drawn));
}

#[test]
fn who_asks_for_a_number_is_asked_where_the_profile_says_another() {
    sights::as_the_oracle_says(800, 0xC_1A1, 10, |dice| lines(dice, 15, claiming));
}

/// An episode that asks for a number, of the reading itself or of a window that holds it, or of the other stream.
fn claiming(dice: &mut Dice) -> Rule {
    let driver = if dice.chance(80) { SUGAR } else { LAB };
    let mut claims: Vec<Expr> = (0..dice.between(1, 3)).map(|_| claimed(dice, driver)).collect();
    let when = if claims.len() == 1 { claims.remove(0) } else { Expr::And(claims) };
    let mut found = episode(driver, when);
    found.hold = if dice.chance(30) { hold(dice.between(1, 9), dice.between(1, 4)) } else { None };
    found.lapse = dice.chance(30).then(|| Span::minutes(dice.between(1, 9)));
    rule(RuleKind::Episode(found))
}

fn claimed(dice: &mut Dice, driver: StreamIx) -> Expr {
    let op = *dice.pick(&OPS);
    if driver == LAB && dice.chance(40) {
        return compare(field(Ref::Driver, F1), op, Expr::number(dice.between(0, 3) * Kind::Count.atoms()));
    }
    let left = match dice.below(6) {
        0..3 => first(Ref::Driver),
        n => {
            let func = [Func::Min, Func::Max, Func::Last][n - 3];
            let stream = if dice.chance(75) { SUGAR } else { LAB };
            value_of(window(func, stream, Measure::Field(F0), dice.between(1, 20)))
        }
    };
    let right = match dice.below(10) {
        0..6 => Expr::Profile(TARGET),
        6 | 7 => arith(Expr::Profile(TARGET), Arith::Add, mg_dl(dice.between(-3, 3))),
        _ => mg_dl(dice.between(96, 104)),
    };
    compare(left, op, right)
}

/// A window whose readings a late one may be, or only seem to be.
fn seen(dice: &mut Dice, anchor: Anchor) -> Expr {
    let funcs =
        [Func::Last, Func::Last, Func::First, Func::Delta, Func::Max, Func::Min, Func::Count, Func::Reversals, Func::Slope];
    if dice.chance(10) {
        return value_of(Window { anchor, ..window(Func::Count, MEAL, Measure::Itself, dice.between(1, 25)) });
    }
    let func = *dice.pick(&funcs);
    let what = if func == Func::Count { Measure::Itself } else { Measure::Field(F0) };
    let own = compare(first(Ref::Item), *dice.pick(&OPS), mg_dl(dice.between(97, 103)));
    let filter = dice.chance(25).then_some(own);
    value_of(Window { anchor, filter, ..window(func, SUGAR, what, dice.between(1, 25)) })
}

fn condition(dice: &mut Dice, anchor: Anchor, own: Option<Ref>) -> Expr {
    let left = seen(dice, anchor);
    let Expr::Window(w) = &left else { return left };
    let (left, right) = match (w.func, own) {
        (Func::Count | Func::Reversals, _) => (left, Expr::number(dice.between(0, 8))),
        (Func::Delta | Func::Slope, _) => (left, mg_dl(dice.between(-3, 3))),
        (Func::Max, Some(of)) if dice.chance(50) => (arith(left, Arith::Sub, first(of)), mg_dl(dice.between(0, 5))),
        _ => (left, mg_dl(dice.between(96, 104))),
    };
    let one = match own {
        Some(of) if dice.chance(25) => {
            let bound = if dice.chance(50) { Expr::Profile(TARGET) } else { mg_dl(dice.between(96, 104)) };
            compare(first(of), *dice.pick(&OPS), bound)
        }
        _ => compare(left, *dice.pick(&OPS), right),
    };
    match dice.below(6) {
        0 => Expr::And(vec![one, condition(dice, anchor, own)]),
        1 => Expr::Or(vec![one, condition(dice, anchor, own)]),
        _ => one,
    }
}

fn drawn(dice: &mut Dice) -> Rule {
    let bounded = |dice: &mut Dice| compare(first(Ref::Candidate), *dice.pick(&OPS), mg_dl(dice.between(96, 104)));
    match dice.below(12) {
        0..3 => sights::drawn(dice),
        3..6 => {
            let mut found = episode(SUGAR, condition(dice, Anchor::Decision, Some(Ref::Driver)));
            found.hold = if dice.chance(40) { hold(dice.between(1, 9), dice.between(1, 4)) } else { None };
            found.lapse = dice.chance(40).then(|| Span::minutes(dice.between(1, 9)));
            rule(RuleKind::Episode(found))
        }
        6 => {
            let counted = value_of(window(Func::Count, SUGAR, Measure::Itself, dice.between(1, 40)));
            let filter = compare(counted, *dice.pick(&OPS), Expr::number(dice.between(0, 8)));
            let streams = if dice.chance(70) { vec![SUGAR] } else { vec![SUGAR, MEAL] };
            let mut kind = silence(&streams, dice.between(1, 8));
            if let RuleKind::Silence(found) = &mut kind
                && dice.chance(30)
            {
                found.streams[0].filter = Some(bounded(dice));
            }
            Rule { filter: dice.chance(70).then_some(filter), ..rule(kind) }
        }
        7 => {
            let (func, what) = (Func::Forecast(Span::minutes(dice.between(0, 9))), Measure::Field(F0));
            let drawn_on = value_of(Window { anchor: Anchor::Until, ..window(func, SUGAR, what, dice.between(5, 25)) });
            let when = compare(drawn_on, *dice.pick(&OPS), mg_dl(dice.between(96, 104)));
            let at = (0..96).map(|quarter| Expr::number(quarter * 900_000_000)).collect();
            rule(RuleKind::Schedule(Schedule { days: Schedule::ALL_DAYS, at, when: Some(when) }))
        }
        _ => {
            let begins = match dice.below(3) {
                0 => step(MEAL, None),
                1 => step(SUGAR, Some(bounded(dice))),
                _ => step(SUGAR, Some(condition(dice, Anchor::Decision, Some(Ref::Candidate)))),
            };
            let begins = if dice.chance(15) { repeated(begins.stream, begins.filter, 2, dice.chance(30)) } else { begins };
            let mut steps = vec![begins];
            if dice.chance(75) {
                let filter = match dice.below(10) {
                    0..6 => bounded(dice),
                    6..8 => compare(first(Ref::Candidate), *dice.pick(&OPS), first(Ref::Step(0))),
                    _ => condition(dice, Anchor::Decision, Some(Ref::Candidate)),
                };
                steps.push(step(SUGAR, Some(filter)));
            }
            let before = Anchor::Before(dice.below(steps.len()) as u8);
            let anchor = if dice.chance(80) { before } else { Anchor::Decision };
            let filter = condition(dice, anchor, None);
            let mut found = pattern(steps, dice.between(2, 20));
            if dice.chance(30) {
                found.absences.push(absence(if dice.chance(50) { MEAL } else { SUGAR }, Some(bounded(dice))));
            }
            Rule { filter: dice.chance(80).then_some(filter), ..rule(RuleKind::Match(found)) }
        }
    }
}

/// Half of the rules tell what a window shows, or what the reading says that opens an episode; half of these by a `let`.
fn telling(dice: &mut Dice, rule: Rule) -> Rule {
    if dice.chance(50) {
        return rule;
    }
    let grades = if dice.chance(40) {
        let when = condition(dice, Anchor::Decision, None);
        vec![Grade { severity: Severity::Info, when: None }, Grade { severity: Severity::Urgent, when: Some(when) }]
    } else {
        rule.grades
    };
    let window = match &rule.kind {
        RuleKind::Episode(_) if dice.chance(50) => first(Ref::Driver),
        _ => seen(dice, Anchor::Decision),
    };
    let mut lets = rule.lets;
    let expr = if dice.chance(50) {
        lets.push(window);
        Expr::Let(lets.len() as u16 - 1)
    } else {
        window
    };
    let say = vec![Piece::Text(Arc::from("It shows ")), Piece::Hole { expr, show: Show::Number }];
    Rule { grades, lets, say, ..rule }
}

/// Sugars that move little, half of them late, amended or removed now and then; meals, another target, and that also in so many of a hundred inputs.
fn lines(dice: &mut Dice, changes: usize, drawn: fn(&mut Dice) -> Rule) -> Vec<Line> {
    let most = if changes > 0 { 9 } else { 4 };
    let rules = (0..dice.between(1, most)).map(|i| {
        let name = Arc::from(format!("r{i}"));
        let drawn = drawn(dice);
        Arc::new(telling(dice, Rule { name, ..drawn }))
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
    let (swing, share) = (dice.between(1, 5), dice.between(10, 70) as usize);
    // Seconds that all instants are so many of, so that spans are met exactly, and instants now and then.
    let beat = if dice.chance(50) { 1 } else { 30 };
    let mut instants = Vec::new();
    for i in 0..120_u32 {
        clock = clock + Span(dice.between(1, 120 / beat) * beat * 1_000_000);
        value = (value + dice.between(-swing, swing)).clamp(92, 108);
        let late = i > 10 && dice.chance(share);
        let back = Span(dice.between(1, 2400 / beat) * beat * 1_000_000);
        let at = match late {
            true if dice.chance(20) => *dice.pick(&instants),
            true => clock - back,
            false => clock,
        };
        instants.push(at);
        let at = When::At(at);
        let (name, rev) =
            if i > 20 && dice.chance(6) { (format!("n{}", dice.below(i as usize)), i) } else { (format!("n{i}"), 1) };
        let given = |stream, values| Given::Reading(reading(&subject, &name, rev, stream, at, values));
        let input = match dice.below(25) {
            _ if i > 20 && dice.chance(changes) => {
                target(if dice.chance(50) { clock } else { clock - back }, dice.between(96, 104))
            }
            0 | 1 => given(MEAL, vec![]),
            6..9 if changes > 0 => given(LAB, vec![Some(glucose(value)), Some(Kind::Count.value(dice.between(0, 3)))]),
            2 if i > 60 => target(if dice.chance(50) { clock } else { clock - back }, dice.between(96, 104)),
            3 => Given::Tick,
            // Where one says nothing bands are not looked at.
            4 | 5 if changes == 0 => given(SUGAR, vec![None]),
            _ => given(SUGAR, vec![Some(glucose(value))]),
        };
        lines.push(Line { arrival: clock, input });
    }
    lines
}
