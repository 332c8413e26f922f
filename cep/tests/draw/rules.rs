//! Random rules and libraries.

use std::sync::Arc;

use vitalog_cep::plan::{
    Absence, Anchor, Arith, Compare, Cover, Episode, Expr, Func, Grade, Heard, Hold, Library, Measure, Output, Pattern, Phrasing,
    Piece, Rational, Ref, Rule, RuleKind, Schedule, Show, Silence, Window, Wording,
};
use vitalog_elog::{Dimension, Severity, Span, StreamIx, Unit};

use super::conditions::{condition, likely, threshold};
use super::dice::Dice;
use super::patterns::pattern;
use super::terms::{CELL, SUGARS, Sight, Type, constant, span, term};
use crate::cases::build;
use crate::world::{
    BEDTIME, EPOCH, F0, F1, F2, FOUND, Kind, LAB, MEAL, NAP, PORTION, SUGAR, TARGET, derived, profile, schema, unit, words,
};

/// One to three rules.
pub fn library(dice: &mut Dice) -> Library {
    let count = *dice.pick(&[1, 2, 2, 3]);
    let rules = (0..count).map(|i| Arc::new(rule(dice, &format!("r{i}")))).collect();
    of_rules(rules)
}

pub fn of_rules(rules: Vec<Arc<Rule>>) -> Library {
    Library { schema: schema(), profile: profile(), derived: derived(), rules, ..Library::default() }
}

/// Rules that wait for readings, by what those said that came: a silence, and an episode that ends when it hears no more.
pub fn waiting(dice: &mut Dice) -> Library {
    let mut bound = || build::mg_dl(*dice.pick(&SUGARS));
    let last = build::value_of(build::window(Func::Last, SUGAR, Measure::Field(F0), 2_000));
    let heard = build::compare(last, Compare::Lt, bound());
    let low = build::compare(build::first(Ref::Driver), Compare::Lt, bound());
    let silent = Rule { filter: Some(heard), ..build::rule(build::silence(&[SUGAR], dice.between(1, 5) * 5)) };
    let lapse = Some(Span(dice.between(1, 5) * CELL));
    let going = build::rule(RuleKind::Episode(Episode { lapse, ..build::episode(SUGAR, low) }));
    let rules = [Rule { name: Arc::from("r0"), ..silent }, Rule { name: Arc::from("r1"), ..going }];
    of_rules(rules.into_iter().take(1 + dice.below(2)).map(Arc::new).collect())
}

/// A sequence that is asked what lay before its first step: of readings, or of what a first rule finds.
pub fn begun(dice: &mut Dice) -> Library {
    let other = rule(dice, "r0");
    let (stream, what) = *dice.pick(&[
        (SUGAR, Measure::Field(F0)),
        (SUGAR, Measure::Field(F0)),
        (LAB, Measure::Field(F0)),
        (SUGAR, Measure::Itself),
        (FOUND[0], Measure::Itself),
        (FOUND[0], Measure::Itself),
    ]);
    let func = match what {
        Measure::Field(_) if stream == SUGAR => *dice.pick(&[Func::Last, Func::Last, Func::Max, Func::Min]),
        _ => Func::Count,
    };
    let window = build::window(func, stream, Measure::Itself, dice.between(1, 6) * 5);
    let before = build::value_of(Window {
        what: if func == Func::Count { Measure::Itself } else { what },
        anchor: Anchor::Before(0),
        ..window
    });
    let steps = match dice.below(3) {
        0 => vec![build::step(SUGAR, None), build::step(SUGAR, None)],
        1 => vec![build::step(MEAL, None), build::step(SUGAR, None)],
        _ => vec![build::step(MEAL, None), build::step(SUGAR, Some(threshold(dice, Ref::Candidate, SUGAR)))],
    };
    let op = *dice.pick(&[Compare::Lt, Compare::Ge]);
    let asked = match func {
        Func::Count => build::compare(before, op, Expr::number(dice.between(1, 3))),
        _ if dice.chance(50) => build::compare(before, op, build::mg_dl(*dice.pick(&SUGARS))),
        _ => build::compare(
            build::arith(build::first(Ref::Step(1)), Arith::Sub, before),
            op,
            build::mg_dl(*dice.pick(&[0, 20, 40])),
        ),
    };
    let pattern = build::pattern(steps, dice.between(1, 8) * 5);
    let rise = Rule { name: Arc::from("r1"), filter: Some(asked), ..build::rule(RuleKind::Match(pattern)) };
    of_rules(vec![Arc::new(other), Arc::new(rise)])
}

/// A pattern without something that mostly lasts, under a condition that looks at other readings.
pub fn between(dice: &mut Dice) -> Library {
    let other = if dice.chance(50) {
        let low = build::compare(build::first(Ref::Driver), Compare::Lt, build::mg_dl(*dice.pick(&SUGARS)));
        Rule { name: Arc::from("r0"), ..build::rule(RuleKind::Episode(build::episode(SUGAR, low))) }
    } else {
        rule(dice, "r0")
    };
    let found = &FOUND[..1];
    let (kind, steps) = if dice.chance(60) {
        let steps: Vec<StreamIx> = (0..2).map(|_| *dice.pick(&[SUGAR, LAB, MEAL])).collect();
        let growing = dice.chance(30);
        let pair = match growing {
            true => vec![build::counted(steps[0], None, 1, None)],
            false => steps.iter().map(|stream| build::step(*stream, None)).collect(),
        };
        (RuleKind::Match(build::pattern(pair, dice.between(1, 8) * 5)), steps[..if growing { 1 } else { 2 }].to_vec())
    } else {
        let (kind, sight) = pattern(dice, found);
        (kind, sight.steps)
    };
    let RuleKind::Match(pattern) = kind else { unreachable!("a pattern was drawn") };
    let absences = (0..*dice.pick(&[1, 1, 1, 2])).map(|_| looking(dice, &steps, found)).collect();
    let kind = RuleKind::Match(Pattern { absences, ..pattern });
    let without = Rule { name: Arc::from("r1"), meaning: dice.bits(), ..build::rule(kind) };
    of_rules(vec![Arc::new(other), Arc::new(without)])
}

fn looking(dice: &mut Dice, steps: &[StreamIx], found: &[StreamIx]) -> Absence {
    let stream = *dice.pick(&[NAP, NAP, NAP, found[0], found[0], found[0], MEAL]);
    let seen = *dice.pick(&[SUGAR, LAB, MEAL]);
    let simple = match dice.below(8) {
        0..3 => {
            let window = build::window(Func::Count, seen, Measure::Itself, dice.between(1, 4) * 5);
            build::compare(build::value_of(window), *dice.pick(&[Compare::Ge, Compare::Lt]), Expr::number(1))
        }
        3..6 => {
            let now = || Box::new(Expr::Now);
            Expr::Covered {
                how: *dice.pick(&[Cover::During, Cover::Overlaps]),
                from: now(),
                to: now(),
                stream: seen,
                filter: None,
            }
        }
        _ => {
            let (steps, found) = (steps.to_vec(), found.to_vec());
            let sight = Sight { candidate: Some(stream), steps, onset: true, found, ..Sight::default() };
            let drawn = std::iter::repeat_with(|| condition(dice, &sight, 1)).take(40);
            let looks = drawn.into_iter().find(Expr::looks_elsewhere);
            return Absence { stream, filter: looks };
        }
    };
    Absence { stream, filter: Some(simple) }
}

/// The derived streams that a rule of that name may look at: those of lesser numbers.
fn found(name: &str) -> &'static [StreamIx] {
    let number = name.strip_prefix('r').and_then(|n| n.parse().ok()).unwrap_or(0_usize);
    &FOUND[..number.min(FOUND.len())]
}

/// One of those, or of the rules' now and then.
pub fn stream_of(dice: &mut Dice, all: &[StreamIx], found: &[StreamIx]) -> StreamIx {
    if !found.is_empty() && dice.chance(35) { *dice.pick(found) } else { *dice.pick(all) }
}

/// The next library: a rule changed, dropped, added, or nothing but the order.
pub fn changed(dice: &mut Dice, was: &Library) -> Library {
    let mut next = was.clone();
    if !next.rules.is_empty() {
        let place = dice.below(next.rules.len());
        match dice.below(6) {
            0 => next.rules.reverse(),
            1 => drop(next.rules.remove(place)),
            2 => next.rules[place] = Arc::new(retold(dice, &was.rules[place])),
            _ => next.rules[place] = Arc::new(rule(dice, &was.rules[place].name)),
        }
    }
    if dice.chance(20) {
        // Another default is another meaning of whatever may ask for it.
        next.profile[usize::from(TARGET)].default = Some(Kind::Glucose.value(*dice.pick(&[60, 100, 120])));
        for rule in &mut next.rules {
            *rule = Arc::new(Rule { meaning: dice.bits(), ..Rule::clone(rule) });
        }
    }
    let fresh = (0..4).map(|i| format!("r{i}")).find(|name| next.rule(name).is_none());
    if let (true, Some(name)) = (dice.chance(35), fresh) {
        next.rules.push(Arc::new(rule(dice, &name)));
    }
    next
}

fn quiet_while(dice: &mut Dice, name: &str) -> Vec<Arc<str>> {
    let other = format!("r{}", dice.below(3));
    if dice.chance(40) && other != name { vec![Arc::from(other)] } else { vec![] }
}

/// The same meaning; its fields are said otherwise.
fn retold(dice: &mut Dice, was: &Rule) -> Rule {
    let mut rule = was.clone();
    rule.outputs.reverse();
    rule.outputs.truncate(1);
    rule.shadow ^= dice.chance(50);
    for output in &mut rule.outputs {
        output.expr = constant(dice, Type::Of(if output.field == F1 { Kind::Glucose } else { Kind::Count }));
    }
    rule
}

pub fn rule(dice: &mut Dice, name: &str) -> Rule {
    let found = found(name);
    let (kind, sight) = match dice.below(22) {
        20.. => schedule(dice, found),
        0..=8 => episode(dice, found),
        9..=11 => (silence(dice, found), Sight { onset: true, found: found.to_vec(), ..Sight::default() }),
        _ => pattern(dice, found),
    };
    let mut rule = Rule {
        name: Arc::from(name),
        title: Arc::from(name),
        meaning: dice.bits(),
        kind,
        lets: vec![],
        filter: None,
        grades: vec![],
        say: vec![],
        wordings: vec![],
        notify: None,
        cite: None,
        once_per: dice.chance(20).then(|| span(dice, 4)),
        stale_after: if dice.chance(20) { span(dice, 4) } else { Span::days(1) },
        quiet_while: quiet_while(dice, name),
        shadow: dice.chance(15),
        outputs: vec![],
        phrasing: Phrasing::default(),
    };
    let sight = lets(dice, &mut rule, sight);
    rule.filter = dice.chance(18).then(|| likely(dice, &sight, 2));
    rule.grades.push(Grade { severity: *dice.pick(&Severity::ALL), when: None });
    for _ in 0..*dice.pick(&[0, 1, 1, 2]) {
        rule.grades.push(Grade { severity: *dice.pick(&Severity::ALL), when: Some(likely(dice, &sight, 1)) });
    }
    rule.say = say(dice, &sight);
    for role in ["caretaker", "on_call"] {
        if dice.chance(15) {
            rule.wordings.push(Wording { to: Arc::from(role), say: say(dice, &sight) });
        }
    }
    for (field, kind) in [(F1, Kind::Glucose), (F2, Kind::Count)] {
        if dice.chance(80) {
            rule.outputs.push(Output { field, expr: term(dice, &sight, Type::Of(kind), 2) });
        }
    }
    rule
}

/// Values named, each drawn with those before it in sight; in an episode's case `when` may use the first.
fn lets(dice: &mut Dice, rule: &mut Rule, mut sight: Sight) -> Sight {
    for i in 0..*dice.pick(&[0, 0, 1, 2]) {
        let wanted =
            *dice.pick(&[Type::Of(Kind::Glucose), Type::Of(Kind::Count), Type::Instant, Type::Span, Type::Of(Kind::Enum)]);
        let blind = Sight { onset: false, ..sight.clone() };
        let before_when = i == 0;
        rule.lets.push(term(dice, if before_when { &blind } else { &sight }, wanted, 2));
        sight.lets.push((i as u16, wanted));
    }
    if let (RuleKind::Episode(e), true, true) = (&mut rule.kind, !rule.lets.is_empty(), dice.chance(30)) {
        let first_only = Sight { onset: false, lets: sight.lets[..1].to_vec(), ..sight.clone() };
        e.when = Expr::And(vec![e.when.clone(), condition(dice, &first_only, 1)]);
    }
    sight
}

fn episode(dice: &mut Dice, found: &[StreamIx]) -> (RuleKind, Sight) {
    let driver = stream_of(dice, &[SUGAR, SUGAR, SUGAR, LAB, NAP], found);
    let plain = Sight { driver: Some(driver), found: found.to_vec(), ..Sight::default() };
    let when = if dice.chance(75) { threshold(dice, Ref::Driver, driver) } else { condition(dice, &plain, 2) };
    let sight = Sight { onset: true, ..plain };
    let until =
        dice.chance(40).then(|| if dice.chance(60) { threshold(dice, Ref::Driver, driver) } else { condition(dice, &sight, 2) });
    let episode = Episode {
        driver,
        when,
        hold: dice.chance(45).then(|| hold(dice)),
        until,
        until_hold: dice.chance(35).then(|| hold(dice)),
        lapse: dice.chance(40).then(|| span(dice, 6)),
    };
    (RuleKind::Episode(episode), sight)
}

fn hold(dice: &mut Dice) -> Hold {
    let length = span(dice, 3);
    Hold { span: length, gap: if dice.chance(50) { length } else { span(dice, 3) } }
}

fn silence(dice: &mut Dice, found: &[StreamIx]) -> RuleKind {
    let mut streams = vec![stream_of(dice, &[SUGAR, MEAL, LAB, NAP], found)];
    if dice.chance(40) {
        streams.push(*dice.pick(&[MEAL, LAB, NAP]));
        streams.dedup();
    }
    let heard = |dice: &mut Dice, stream| {
        let sight = Sight { candidate: Some(stream), found: found.to_vec(), ..Sight::default() };
        let filter = match dice.below(6) {
            0 => Some(threshold(dice, Ref::Candidate, stream)),
            1 => Some(condition(dice, &sight, 2)),
            _ => None,
        };
        Heard { stream, filter }
    };
    let streams = streams.into_iter().map(|stream| heard(dice, stream)).collect();
    RuleKind::Silence(Silence { streams, span: span(dice, 5) })
}

/// Times that come up in the first hours of the tests' time, somewhere on earth; some wait for the profile.
fn schedule(dice: &mut Dice, found: &[StreamIx]) -> (RuleKind, Sight) {
    let sight = Sight { onset: true, until: true, found: found.to_vec(), ..Sight::default() };
    let mut at = Vec::new();
    for _ in 0..*dice.pick(&[1, 1, 2, 4]) {
        let hour = if dice.epoch == EPOCH { 23 + *dice.pick(&[0, 0, 0, 1, -5]) } else { *dice.pick(&[1, 2, 2, 3]) };
        let nudge = if dice.chance(10) { *dice.pick(&[-1, 1]) } else { 0 };
        let time = Expr::number(Span::hours(hour).0 + dice.between(0, 14) * CELL + nudge);
        at.push(match dice.below(8) {
            0 | 1 => later(time),
            2 => Expr::Profile(BEDTIME),
            _ => time,
        });
    }
    let days = if dice.chance(70) { Schedule::ALL_DAYS } else { dice.bits() as u8 };
    let when = dice.chance(70).then(|| condition(dice, &sight, 2));
    (RuleKind::Schedule(Schedule { days, at, when }), sight)
}

/// By so many cells as the profile says portions of 10 g.
fn later(time: Expr) -> Expr {
    let cells = Expr::Number(Rational { n: CELL, d: 10 * Kind::Mass.atoms() });
    let by = Expr::Arith { op: Arith::Mul, left: Box::new(Expr::Profile(PORTION)), right: Box::new(cells) };
    Expr::Arith { op: Arith::Add, left: Box::new(time), right: Box::new(by) }
}

fn say(dice: &mut Dice, sight: &Sight) -> Vec<Piece> {
    const ALL: [Type; 10] = [
        Type::Of(Kind::Glucose),
        Type::Of(Kind::Mass),
        Type::Of(Kind::Count),
        Type::Of(Kind::Enum),
        Type::Of(Kind::Text),
        Type::Of(Kind::Bool),
        Type::Instant,
        Type::Span,
        Type::Share,
        Type::TimeOfDay,
    ];
    let mut pieces = vec![Piece::Text(Arc::from("see "))];
    for _ in 0..dice.between(1, 3) {
        let wanted = *dice.pick(&ALL);
        pieces.push(Piece::Hole { expr: term(dice, sight, wanted, 1), show: show(dice, wanted) });
        pieces.push(Piece::Text(Arc::from(" / ")));
    }
    pieces
}

fn show(dice: &mut Dice, wanted: Type) -> Show {
    let of = |dice: &mut Dice, dimension: Dimension| {
        let units: Vec<Unit> = dimension.units().collect();
        if dice.chance(50) { Show::Quantity(unit(dimension)) } else { Show::Quantity(*dice.pick(&units)) }
    };
    match wanted {
        Type::Of(Kind::Glucose) => of(dice, Dimension::Glucose),
        Type::Of(Kind::Mass) => of(dice, Dimension::Mass),
        Type::Of(Kind::Count) => Show::Number,
        Type::Of(Kind::Enum) => Show::Enum(words()),
        Type::Of(Kind::Text) => Show::Text,
        Type::Of(Kind::Bool) => Show::Bool,
        Type::Of(Kind::TimeOfDay) => Show::TimeOfDay,
        Type::Instant => Show::Instant,
        Type::Span => Show::Span,
        Type::Share => Show::Quantity(unit(Dimension::Ratio)),
        Type::TimeOfDay => Show::TimeOfDay,
        Type::Slope => Show::Number,
    }
}
