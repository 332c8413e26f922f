//! The search for patterns does not blow up: readings come one by one, all of them fit, hardly anything completes, and it stays quick, by the
//! processor's time.

use std::time::Duration;

use cpu_time::ThreadTime;
use vitalog_cep::Engine;
use vitalog_cep::plan::{
    Compare, Expr, Func, Grade, Library, Measure, Node, Part, Pattern, Phrasing, Ref, Rule, RuleKind, Select, Step,
};
use vitalog_elog::{Severity, Span, Subject, Time, When};

use crate::world::script::{Given, Line, reading};
use crate::world::{F0, F1, Kind, MEAL, SUGAR, drive, minute, profile, schema};

fn sugar(op: Compare, n: i64) -> Option<Expr> {
    let left = Box::new(Expr::Get { of: Ref::Candidate, what: Measure::Field(F0) });
    Some(Expr::Compare { op, left, right: Box::new(Expr::number(n * Kind::Glucose.atoms())) })
}

fn many(filter: Option<Expr>, most: Option<u16>) -> Step {
    Step { most, ..Step::once(SUGAR, filter) }
}

fn chain(nodes: Vec<Node>) -> Node {
    let mut nodes = nodes.into_iter();
    let first = Box::new(nodes.next().unwrap_or(Node::Step(0)));
    Node::Sequence { first, rest: nodes.map(Part::Then).collect() }
}

fn rule(steps: Vec<Step>, tree: Node, select: Select, filter: Option<Expr>, hours: i64) -> Rule {
    let within = Some(Span::hours(hours));
    Rule {
        name: "r".into(),
        title: "R".into(),
        meaning: 1,
        kind: RuleKind::Match(Pattern { tree, select, ..Pattern::sequence(steps, within) }),
        lets: vec![],
        filter,
        grades: vec![Grade { severity: Severity::Info, when: None }],
        say: vec![],
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

/// How long so many readings five minutes apart take, and how many findings stand.
fn run(what: &str, rule: Rule, readings: i64) -> (Duration, usize) {
    let library =
        std::sync::Arc::new(Library { schema: schema(), profile: profile(), rules: vec![rule.into()], ..Library::default() });
    let mut engine = Engine::new();
    let first = Line { arrival: minute(-1), input: Given::Library { effective: Time::MIN, library } };
    drive::step(&mut engine, 0, &first);
    let begun = ThreadTime::now();
    for i in 0..readings {
        let at = minute(5 * i);
        let value = Kind::Glucose.value([60, 90, 120, 150][(i % 4) as usize]);
        let said = reading(&Subject::new("s"), &format!("n{i}"), 1, SUGAR, When::At(at), vec![Some(value)]);
        drive::step(&mut engine, 1 + i as usize, &Line { arrival: at, input: Given::Reading(said) });
    }
    let (took, found) = (begun.elapsed(), engine.findings().len());
    println!("{what}: {readings} readings in {took:?}, {found} findings");
    (took, found)
}

#[test]
fn no_pattern_blows_up() {
    let any = || many(None, None);
    let never = || Step::once(MEAL, None);
    let in_turn = |n: u8| chain((0..n).map(Node::Step).collect());
    let sum = |step| Expr::Bound { func: Func::Sum, step, what: Measure::Field(F1) };
    let is_known = |step| Some(Expr::IsKnown(Box::new(Expr::Get { of: Ref::Step(step), what: Measure::Field(F0) })));
    let rising = |n| {
        let previous = Expr::Get { of: Ref::Previous, what: Measure::Field(F0) };
        let each = Expr::Get { of: Ref::Candidate, what: Measure::Field(F0) };
        let again = Some(Expr::Compare { op: Compare::Ge, left: Box::new(each), right: Box::new(previous) });
        Step { again, count: n, ..any() }
    };
    let cases = [
        ("A+ B+ C+, then what never comes", rule(vec![any(), any(), any(), never()], in_turn(4), Select::Each, None, 24), 600),
        ("A+ B+ C+", rule(vec![any(), any(), any()], in_turn(3), Select::Each, None, 6), 600),
        (
            "A+ B+ C+ under a condition on each",
            rule(vec![any(), any(), many(sugar(Compare::Gt, 100), None), never()], in_turn(4), Select::Each, is_known(1), 12),
            300,
        ),
        ("rising A{5..}, then what never comes", rule(vec![rising(5), never()], in_turn(2), Select::Each, None, 12), 300),
        (
            "A+ and B+ and what never comes",
            {
                let all = Node::And(vec![Node::Step(0), Node::Step(1), Node::Step(2)]);
                rule(vec![any(), many(sugar(Compare::Gt, 100), Some(3)), never()], all, Select::Each, None, 4)
            },
            200,
        ),
        (
            "all pairs",
            {
                let pair = vec![Step::once(SUGAR, None), Step::once(SUGAR, None)];
                rule(pair, in_turn(2), Select::All, None, 4)
            },
            300,
        ),
        (
            "a sum that never comes out",
            {
                let odd = Expr::Compare { op: Compare::Eq, left: Box::new(sum(0)), right: Box::new(Expr::number(-1)) };
                rule(
                    vec![Step { count: 3, most: Some(3), ..any() }, Step::once(SUGAR, None)],
                    in_turn(2),
                    Select::Disjoint,
                    Some(odd),
                    2,
                )
            },
            100,
        ),
    ];
    for (what, rule, readings) in cases {
        let (took, _) = run(what, rule, readings);
        assert!(took < Duration::from_secs(20), "{what} took {took:?}");
    }
}
