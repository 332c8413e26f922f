//! Rules for cases, written short.

use std::sync::Arc;

use vitalog_cep::plan::{
    Absence, Anchor, Arith, Compare, Episode, Expr, Func, Grade, Group, Heard, Hold, Library, Measure, Node, Part, Pattern,
    Phrasing, Piece, Quiet, Ref, Rule, RuleKind, Show, Silence, Step, Window,
};
use vitalog_elog::{FieldIx, Severity, Span, StreamIx};

use crate::world::{F0, Kind, derived, profile, schema};

/// A library of one rule.
pub fn only(rule: Rule) -> [Library; 1] {
    [library(vec![rule])]
}

pub fn library(rules: Vec<Rule>) -> Library {
    Library {
        schema: schema(),
        profile: profile(),
        derived: derived(),
        rules: rules.into_iter().map(Arc::new).collect(),
        ..Library::default()
    }
}

/// A rule of severity info that says nothing.
pub fn rule(kind: RuleKind) -> Rule {
    Rule {
        name: Arc::from("r"),
        title: Arc::from("R"),
        meaning: 1,
        kind,
        lets: vec![],
        filter: None,
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

pub fn grade(severity: Severity, when: Expr) -> Grade {
    Grade { severity, when: Some(when) }
}

pub fn hole(expr: Expr, show: Show) -> Piece {
    Piece::Hole { expr, show }
}

/// `when` of the driver, without anything else.
pub fn episode(driver: StreamIx, when: Expr) -> Episode {
    Episode { driver, when, hold: None, until: None, until_hold: None, lapse: None }
}

pub fn hold(span: i64, gap: i64) -> Option<Hold> {
    Some(Hold { span: Span::minutes(span), gap: Span::minutes(gap) })
}

pub fn silence(streams: &[StreamIx], minutes: i64) -> RuleKind {
    let streams = streams.iter().map(|stream| Heard { stream: *stream, filter: None }).collect();
    RuleKind::Silence(Silence { streams, span: Span::minutes(minutes) })
}

pub fn pattern(steps: Vec<Step>, within: i64) -> Pattern {
    Pattern::sequence(steps, Some(Span::minutes(within)))
}

pub fn step(stream: StreamIx, filter: Option<Expr>) -> Step {
    Step::once(stream, filter)
}

pub fn repeated(stream: StreamIx, filter: Option<Expr>, count: u16, in_a_row: bool) -> Step {
    Step::repeated(stream, filter, count, in_a_row)
}

pub fn absence(stream: StreamIx, filter: Option<Expr>) -> Absence {
    Absence { stream, filter }
}

/// The first field of a reading.
pub fn first(of: Ref) -> Expr {
    field(of, F0)
}

pub fn field(of: Ref, field: FieldIx) -> Expr {
    Expr::Get { of, what: Measure::Field(field) }
}

pub fn get(of: Ref, what: Measure) -> Expr {
    Expr::Get { of, what }
}

pub fn compare(left: Expr, op: Compare, right: Expr) -> Expr {
    Expr::Compare { op, left: Box::new(left), right: Box::new(right) }
}

/// The reading's first field, a glucose, compared with `n` mg/dL.
pub fn sugar(of: Ref, op: Compare, n: i64) -> Expr {
    compare(first(of), op, mg_dl(n))
}

pub fn mg_dl(n: i64) -> Expr {
    Expr::number(n * Kind::Glucose.atoms())
}

pub fn minutes(n: i64) -> Expr {
    Expr::number(Span::minutes(n).0)
}

pub fn arith(left: Expr, op: Arith, right: Expr) -> Expr {
    Expr::Arith { op, left: Box::new(left), right: Box::new(right) }
}

/// A window of so many minutes up to the decision.
pub fn window(func: Func, stream: StreamIx, what: Measure, over: i64) -> Window {
    Window { func, stream, what, asks: None, filter: None, over: Span::minutes(over), anchor: Anchor::Decision, fresh: None }
}

pub fn value_of(window: Window) -> Expr {
    Expr::Window(Box::new(window))
}

/// A tree over these steps, bounded by so many minutes if more than none.
pub fn tree(steps: Vec<Step>, tree: Node, within: i64) -> Pattern {
    Pattern { tree, ..Pattern::sequence(steps, (within > 0).then(|| Span::minutes(within))) }
}

pub fn leaf(i: u8) -> Node {
    Node::Step(i)
}

pub fn seq(first: Node, rest: Vec<Part>) -> Node {
    Node::Sequence { first: Box::new(first), rest }
}

/// Steps one after the other.
pub fn in_turn(steps: &[u8]) -> Node {
    seq(leaf(steps[0]), steps[1..].iter().map(|i| Part::Then(leaf(*i))).collect())
}

pub fn then_no(streams: &[StreamIx], minutes: i64) -> Part {
    let absences = streams.iter().map(|s| absence(*s, None)).collect();
    Part::ThenNo(Quiet { absences, span: Span::minutes(minutes) })
}

pub fn group(node: Node, absences: Vec<Absence>, within: i64) -> Node {
    let within = (within > 0).then(|| Span::minutes(within));
    Node::Group(Box::new(Group { node, absences, around: vec![], within }))
}

/// `S{least..most}`.
pub fn counted(stream: StreamIx, filter: Option<Expr>, count: u16, most: Option<u16>) -> Step {
    Step { count, most, ..Step::once(stream, filter) }
}
