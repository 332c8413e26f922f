//! Ten rules of the usual kinds, as plans: what the language's front end would compile them to.

use std::sync::Arc;

use vitalog_cep::plan::{
    Absence, Anchor, Arith, Compare, Episode, Expr, Func, Grade, Heard, Hold, Library, Measure, Pattern, Phrasing, Piece, Ref,
    Rule, RuleKind, Show, Silence, Step, Window,
};
use vitalog_elog::profile::ProfileField;
use vitalog_elog::{Dimension, Field, FieldIx, FieldKind, Schema, Severity, Shape, Span, Stream, StreamIx, Unit, Value};

pub const BG: StreamIx = StreamIx(0);
pub const CARBS: StreamIx = StreamIx(1);
pub const INSULIN: StreamIx = StreamIx(2);
pub const BP: StreamIx = StreamIx(3);
pub const EXERCISE: StreamIx = StreamIx(4);
pub const SLEEP: StreamIx = StreamIx(5);
pub const BATTERY: StreamIx = StreamIx(6);

/// Atoms in one.
pub const MG_DL: i64 = 100_000;
const GRAM: i64 = 1_000_000;
const MMHG: i64 = 1_000_000;
const PERCENT: i64 = 1_000_000;

const FIRST: FieldIx = FieldIx(0);
const SECOND: FieldIx = FieldIx(1);
const BG_LOW: u16 = 0;

pub fn library() -> Library {
    let bg = || get(Ref::Driver, FIRST);
    let bp = || get(Ref::Candidate, FIRST);
    let low = vec![grade(Severity::Warning), graded(Severity::Urgent, below(bg(), 54 * MG_DL))];
    let any = |when| vec![grade(when)];
    let hold = |minutes| Some(Hold { span: Span::minutes(minutes), gap: Span::minutes(minutes) });
    let episode =
        |driver, when, held| Episode { driver, when, hold: held, until: None, until_hold: None, lapse: Some(Span::minutes(30)) };
    let calm = Expr::Arith { op: Arith::Add, left: Box::new(Expr::Profile(BG_LOW)), right: Box::new(Expr::number(10 * MG_DL)) };
    let low_glucose = Episode {
        until: Some(compare(Compare::Ge, bg(), calm)),
        until_hold: hold(15),
        ..episode(BG, compare(Compare::Lt, bg(), Expr::Profile(BG_LOW)), hold(15))
    };
    let high_long = episode(BG, above(bg(), 250 * MG_DL), hold(120));
    let falling = episode(BG, below(over(Func::Delta, BG, Span::minutes(16)), -30 * MG_DL), None);
    let day_mean = episode(BG, above(over(Func::Avg, BG, Span::days(1)), 154 * MG_DL), hold(60));
    let battery =
        Episode { lapse: Some(Span::hours(12)), ..episode(BATTERY, below(get(Ref::Driver, FIRST), 20 * PERCENT), None) };
    let silence = |stream, span| RuleKind::Silence(Silence { streams: vec![Heard { stream, filter: None }], span });
    let high_bp = Expr::Or(vec![at_least(bp(), 140 * MMHG), at_least(get(Ref::Candidate, SECOND), 90 * MMHG)]);
    let three_bp = pattern(vec![Step::repeated(BP, Some(high_bp), 3, true)], vec![], Span::days(7));
    let stacking = pattern(vec![Step::repeated(INSULIN, None, 3, false)], vec![], Span::hours(3));
    let rules = vec![
        rule("low_glucose", RuleKind::Episode(low_glucose), low, "Glucose below target: ", Some((bg(), quantity("mg/dL")))),
        rule("high_long", RuleKind::Episode(high_long), any(Severity::Advisory), "Glucose above 250 mg/dL for two hours.", None),
        rule("falling_fast", RuleKind::Episode(falling), any(Severity::Advisory), "Glucose falls fast.", None),
        rule("day_mean_high", RuleKind::Episode(day_mean), any(Severity::Info), "The mean of a day is high.", None),
        rule("battery_low", RuleKind::Episode(battery), any(Severity::Info), "Charge the device.", None),
        meal_spike(),
        rule("stage_2", RuleKind::Match(three_bp), any(Severity::Warning), "Three high readings running.", None),
        rule("stacking", RuleKind::Match(stacking), any(Severity::Warning), "Three doses in three hours.", None),
        rule("silent_sensor", silence(BG, Span::hours(6)), any(Severity::Warning), "No glucose for 6 h.", None),
        rule("no_pressure", silence(BP, Span::days(3)), any(Severity::Info), "No blood pressure for 3 days.", None),
    ];
    Library {
        schema: Arc::new(schema()),
        profile: profile(),
        rules: rules.into_iter().map(Arc::new).collect(),
        ..Library::default()
    }
}

/// Above 180 mg/dL within two hours of 30 g or more, without exercise, and 60 mg/dL above what it was before the meal.
fn meal_spike() -> Rule {
    let meal = Step::once(CARBS, Some(at_least(get(Ref::Candidate, FIRST), 30 * GRAM)));
    let peak = Step::once(BG, Some(above(get(Ref::Candidate, FIRST), 180 * MG_DL)));
    let without = Absence { stream: EXERCISE, filter: None };
    let baseline = window(Func::Last, BG, Span::minutes(30), Anchor::Before(0));
    let rise = Expr::Arith { op: Arith::Sub, left: Box::new(get(Ref::Step(1), FIRST)), right: Box::new(Expr::Let(0)) };
    let kind = RuleKind::Match(pattern(vec![meal, peak], vec![without], Span::hours(2)));
    let shown = Some((get(Ref::Step(1), FIRST), quantity("mg/dL")));
    let mut rule = rule("meal_spike", kind, vec![grade(Severity::Advisory)], "High after a meal: ", shown);
    rule.lets = vec![baseline];
    rule.filter = Some(at_least(rise, 60 * MG_DL));
    rule
}

fn rule(name: &str, kind: RuleKind, grades: Vec<Grade>, text: &str, shown: Option<(Expr, Show)>) -> Rule {
    let mut say = vec![Piece::Text(Arc::from(text))];
    say.extend(shown.map(|(expr, show)| Piece::Hole { expr, show }));
    Rule {
        name: Arc::from(name),
        title: Arc::from(name),
        meaning: 1,
        kind,
        lets: Vec::new(),
        filter: None,
        grades,
        say,
        wordings: vec![],
        notify: None,
        cite: None,
        once_per: None,
        stale_after: Span::days(1),
        quiet_while: vec![],
        shadow: false,
        outputs: vec![],
        phrasing: Phrasing::default(),
    }
}

fn schema() -> Schema {
    let stream = |name: &str, shape, fields: &[(&str, Dimension, &str)]| Stream {
        name: Arc::from(name),
        shape,
        fields: fields.iter().map(|(name, dimension, unit)| field(name, *dimension, unit)).collect(),
        checks: Vec::new(),
        every: None,
        silent_after: None,
        by: None,
        also_by: vec![],
        doc: None,
    };
    let pressure = [
        ("systolic", Dimension::Pressure, "mmHg"),
        ("diastolic", Dimension::Pressure, "mmHg"),
        ("pulse", Dimension::Rate, "/min"),
    ];
    Schema {
        streams: vec![
            stream("bg", Shape::Instant, &[("value", Dimension::Glucose, "mg/dL")]),
            stream("carbs", Shape::Instant, &[("amount", Dimension::Mass, "g")]),
            stream("insulin", Shape::Instant, &[("dose", Dimension::Insulin, "U")]),
            stream("bp", Shape::Instant, &pressure),
            stream("exercise", Shape::Interval, &[("energy", Dimension::Energy, "kcal")]),
            stream("sleep", Shape::Interval, &[("efficiency", Dimension::Ratio, "%")]),
            stream("battery", Shape::Instant, &[("level", Dimension::Ratio, "%")]),
        ],
    }
}

fn field(name: &str, dimension: Dimension, unit: &str) -> Field {
    let unit = Unit::named(dimension, unit).unwrap_or(dimension.usual_unit());
    Field { name: Arc::from(name), kind: FieldKind::Quantity(unit), optional: false, range: None, doc: None }
}

fn profile() -> Vec<ProfileField> {
    let unit = Dimension::Glucose.usual_unit();
    let default = Some(Value::Quantity(vitalog_elog::Amount { digits: 70, scale: 0, unit }));
    vec![ProfileField { name: Arc::from("bg_low"), kind: FieldKind::Quantity(unit), default, range: None, doc: None }]
}

fn quantity(unit: &str) -> Show {
    Show::Quantity(Unit::named(Dimension::Glucose, unit).unwrap_or(Dimension::Glucose.usual_unit()))
}

fn pattern(steps: Vec<Step>, absences: Vec<Absence>, within: Span) -> Pattern {
    Pattern { absences, ..Pattern::sequence(steps, Some(within)) }
}

fn grade(severity: Severity) -> Grade {
    Grade { severity, when: None }
}

fn graded(severity: Severity, when: Expr) -> Grade {
    Grade { severity, when: Some(when) }
}

fn get(of: Ref, field: FieldIx) -> Expr {
    Expr::Get { of, what: Measure::Field(field) }
}

fn over(func: Func, stream: StreamIx, over: Span) -> Expr {
    window(func, stream, over, Anchor::Decision)
}

fn window(func: Func, stream: StreamIx, over: Span, anchor: Anchor) -> Expr {
    Expr::Window(Box::new(Window {
        func,
        stream,
        what: Measure::Field(FIRST),
        asks: None,
        filter: None,
        over,
        anchor,
        fresh: None,
    }))
}

fn compare(op: Compare, left: Expr, right: Expr) -> Expr {
    Expr::Compare { op, left: Box::new(left), right: Box::new(right) }
}

fn below(left: Expr, atoms: i64) -> Expr {
    compare(Compare::Lt, left, Expr::number(atoms))
}

fn above(left: Expr, atoms: i64) -> Expr {
    compare(Compare::Gt, left, Expr::number(atoms))
}

fn at_least(left: Expr, atoms: i64) -> Expr {
    compare(Compare::Ge, left, Expr::number(atoms))
}
