//! Long windows: what is kept so that they need not look at each reading follows every late, amended and removed one, and the profile.

use std::sync::Arc;

use vitalog_cep::Engine;
use vitalog_cep::plan::{
    Compare, Expr, Func, Grade, Library, Measure, Phrasing, Piece, Rational, Ref, Rule, RuleKind, Show, Window,
};
use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{Reading, Severity, Span, Subject, Time, When};

use super::seeds;
use crate::draw::dice::Dice;
use crate::world::script::{Given, Line, expected, reading};
use crate::world::show::difference;
use crate::world::{EPOCH, F0, Kind, LAB, SUGAR, TARGET, drive, glucose, profile, schema};

const FUNCS: [Func; 11] = [
    Func::Count,
    Func::Share,
    Func::Sum,
    Func::Avg,
    Func::Min,
    Func::Max,
    Func::Stddev,
    Func::Cv,
    Func::Median,
    Func::Percentile(Rational { n: 9, d: 10 }),
    Func::Slope,
];

#[test]
fn long_windows_follow_what_changes() {
    for seed in seeds(40).take(40) {
        let mut dice = Dice::either(seed ^ 0x10_46);
        let lines = lines(&mut dice);
        let mut engine = Engine::new();
        for (i, line) in lines.iter().enumerate() {
            drive::step(&mut engine, i, line);
            if i % 40 == 0 || i + 1 == lines.len() {
                let (has, wants) = (drive::standing(&engine), expected(&lines[..=i]));
                assert!(has == wants, "seed {seed}, after input {i}:\n{}", difference(&has, &wants));
            }
        }
    }
}

/// At each lab reading every figure is said, over the sugars of hours.
fn rule(dice: &mut Dice) -> Rule {
    let mut say = Vec::new();
    for func in FUNCS {
        let window = Expr::Window(Box::new(window(dice, func)));
        // The nearest atom, so that what is a little off is seen.
        say.push(Piece::Hole { expr: window, show: Show::Number });
        say.push(Piece::Text(Arc::from(" ")));
    }
    let step = vitalog_cep::plan::Step::once(LAB, None);
    let pattern = vitalog_cep::plan::Pattern::sequence(vec![step], None);
    Rule {
        name: Arc::from("r"),
        title: Arc::from("r"),
        meaning: dice.bits(),
        kind: RuleKind::Match(pattern),
        lets: vec![],
        filter: None,
        grades: vec![Grade { severity: Severity::Info, when: None }],
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

fn window(dice: &mut Dice, func: Func) -> Window {
    let below = |by| {
        let value = Expr::Get { of: Ref::Item, what: Measure::Field(F0) };
        Expr::Compare { op: Compare::Lt, left: Box::new(value), right: Box::new(by) }
    };
    let target = below(Expr::Profile(TARGET));
    let fixed = below(Expr::number(dice.between(70, 130) * Kind::Glucose.atoms()));
    let counts = matches!(func, Func::Count | Func::Share);
    let filter = (func == Func::Count || dice.chance(30)).then(|| if dice.chance(50) { target.clone() } else { fixed.clone() });
    Window {
        func,
        stream: SUGAR,
        what: if counts { Measure::Itself } else { Measure::Field(F0) },
        asks: (func == Func::Share).then_some(if dice.chance(50) { target } else { fixed }),
        filter,
        over: Span::minutes(dice.between(80, 300)),
        anchor: vitalog_cep::plan::Anchor::Decision,
        fresh: None,
    }
}

/// Sugars minute by minute, then late ones, amendments, removals and other targets between more of them.
fn lines(dice: &mut Dice) -> Vec<Line> {
    let library =
        Arc::new(Library { schema: schema(), profile: profile(), rules: vec![Arc::new(rule(dice))], ..Library::default() });
    let mut lines = vec![Line { arrival: EPOCH, input: Given::Library { effective: Time::MIN, library } }];
    let subject = Subject::new("s");
    let mut clock = EPOCH;
    let mut names = 0;
    for i in 0..360 {
        let late = i > 150 && dice.chance(50);
        if !late {
            clock = clock + Span::minutes(1);
        }
        let past = clock - Span::minutes(dice.between(0, 200));
        // Some say nothing.
        let number = glucose(dice.between(50, 150));
        let value = vec![Some(number).filter(|_| !dice.chance(10))];
        let name = |n: i64| format!("n{n}");
        let input = match dice.below(8) {
            0 if late && names > 0 => {
                let n = dice.between(1, names);
                Given::Reading(reading(&subject, &name(n), 2 + i as u32, SUGAR, When::At(past), value))
            }
            1 if late && names > 0 => {
                Given::Reading(Reading::removal(subject.clone(), name(dice.between(1, names)).into(), 2 + i as u32))
            }
            2 if late => {
                let value = Some(glucose(dice.between(70, 130)));
                Given::Profile(ProfileChange { subject: subject.clone(), field: Arc::from("target"), value, at: past })
            }
            3 if i % 3 == 0 => {
                names += 1;
                let steps = vec![None, Some(Kind::Count.value(1))];
                Given::Reading(reading(&subject, &name(names), 1, LAB, When::At(if late { past } else { clock }), steps))
            }
            _ => {
                names += 1;
                Given::Reading(reading(&subject, &name(names), 1, SUGAR, When::At(if late { past } else { clock }), value))
            }
        };
        lines.push(Line { arrival: clock, input });
    }
    lines
}
