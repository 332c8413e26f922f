//! Every place of a rule where one small thing could be wrong, by kind of wrong.

use vitalog_cep::plan::{Anchor, Arith, Compare, Cover, Expr, Func, Hold, Pattern, Rational, Rule, RuleKind, Window};
use vitalog_elog::{Severity, Span};

use super::exprs::{in_exprs, in_windows};
use super::trees;

/// A kind of wrong, and all rules that one such wrong makes of a rule.
pub type Kind = (&'static str, fn(&Rule) -> Vec<Rule>);

pub const KINDS: [Kind; 51] = [
    ("< and <= swapped", |r| compares(r, &[(Compare::Lt, Compare::Le), (Compare::Le, Compare::Lt)])),
    ("> and >= swapped", |r| compares(r, &[(Compare::Gt, Compare::Ge), (Compare::Ge, Compare::Gt)])),
    ("= and != swapped", |r| compares(r, &[(Compare::Eq, Compare::Ne), (Compare::Ne, Compare::Eq)])),
    ("a number one atom off", |r| in_exprs(r, &off_by_one)),
    ("and, or swapped", |r| in_exprs(r, &and_or)),
    ("not dropped", |r| in_exprs(r, &|e| if let Expr::Not(a) = e { vec![(**a).clone()] } else { vec![] })),
    ("plus, minus swapped", |r| in_exprs(r, &plus_minus)),
    ("hold.span 1 us off", |r| holds(r, false, |h| &mut h.span)),
    ("hold.gap 1 us off", |r| holds(r, false, |h| &mut h.gap)),
    ("until_hold.span 1 us off", |r| holds(r, true, |h| &mut h.span)),
    ("until_hold.gap 1 us off", |r| holds(r, true, |h| &mut h.gap)),
    ("lapse 1 us off", |r| spans(r, |k| if let RuleKind::Episode(e) = k { e.lapse.as_mut() } else { None })),
    ("silence 1 us off", |r| spans(r, |k| if let RuleKind::Silence(s) = k { Some(&mut s.span) } else { None })),
    ("a day of the week dropped", |r| {
        let RuleKind::Schedule(s) = &r.kind else { return vec![] };
        let fewer = |day: u8| vitalog_cep::plan::Schedule { days: s.days & !(1 << day), ..s.clone() };
        (0..7).map(|day| Rule { kind: RuleKind::Schedule(fewer(day)), ..r.clone() }).collect()
    }),
    ("within 1 us off", |r| spans(r, |k| if let RuleKind::Match(p) = k { p.within.as_mut() } else { None })),
    ("window 1 us off", |r| in_windows(r, &|w| nudged(w.over).map(|over| Window { over, ..w.clone() }).to_vec())),
    ("window's condition dropped", |r| {
        in_windows(r, &|w| w.filter.iter().map(|_| Window { filter: None, ..w.clone() }).collect())
    }),
    ("window's anchor moved", |r| {
        in_windows(r, &|w| match w.anchor {
            Anchor::Decision | Anchor::Until => vec![],
            Anchor::Before(_) | Anchor::After(_) => vec![Window { anchor: Anchor::Decision, ..w.clone() }],
            Anchor::Days(n) => vec![Window { anchor: Anchor::Days(n + 1), ..w.clone() }],
            Anchor::Nights(n) => vec![Window { anchor: Anchor::Nights(n + 1), ..w.clone() }],
        })
    }),
    ("freshness 1 us off", |r| {
        let with = |w: &Window, fresh| Window { fresh: Some(fresh), ..w.clone() };
        in_windows(r, &|w| w.fresh.into_iter().flat_map(nudged).map(|fresh| with(w, fresh)).collect())
    }),
    ("freshness dropped", |r| in_windows(r, &|w| w.fresh.iter().map(|_| Window { fresh: None, ..w.clone() }).collect())),
    ("a field's freshness 1 us off", |r| {
        in_exprs(r, &|e| match e {
            Expr::Fresh { value, at, within } => {
                let with = |within| Expr::Fresh { value: value.clone(), at: at.clone(), within };
                nudged(*within).map(with).to_vec()
            }
            _ => vec![],
        })
    }),
    ("a field's freshness dropped", |r| {
        in_exprs(r, &|e| if let Expr::Fresh { value, .. } = e { vec![(**value).clone()] } else { vec![] })
    }),
    ("a choice turned round", |r| in_exprs(r, &choice_turned)),
    ("during, overlaps swapped", |r| in_exprs(r, &cover_swapped)),
    ("an interval's condition dropped", |r| in_exprs(r, &cover_unconditional)),
    ("a time of day as it is", |r| in_exprs(r, &|e| if let Expr::TimeOfDay(a) = e { vec![(**a).clone()] } else { vec![] })),
    ("midnight forgotten", |r| in_exprs(r, &midnight_forgotten)),
    ("what is heard unconditional", heard_unconditional),
    ("another aggregate", |r| in_exprs(r, &another_aggregate)),
    ("count one off", |r| patterns(r, &|p, i| counts(p, i))),
    ("greatest count one off", |r| patterns(r, &|p, i| trees::most(p, i))),
    ("growth dropped", |r| patterns(r, &|p, i| trees::closed(p, i))),
    ("start and end swapped", |r| patterns(r, &|p, i| trees::edges(p, i))),
    ("condition on the repeats dropped", |r| {
        patterns(r, &|p, i| p.steps[i].again.iter().map(|_| edited(p, |p| p.steps[i].again = None)).collect())
    }),
    ("and, or of steps swapped", |r| pattern(r, &|p| trees::nodes(p, &trees::and_or))),
    ("then, next swapped", |r| pattern(r, &|p| trees::nodes(p, &trees::then_next))),
    ("then no 1 us off", |r| pattern(r, &|p| trees::nodes(p, &trees::quiet_off))),
    ("then no dropped", |r| pattern(r, &|p| trees::nodes(p, &trees::quiet_dropped))),
    ("group's within 1 us off", |r| pattern(r, &|p| trees::nodes(p, &trees::within_off))),
    ("group's absence dropped", |r| pattern(r, &|p| trees::nodes(p, &trees::absence_dropped))),
    ("a round less", |r| pattern(r, &|p| trees::nodes(p, &trees::a_round_less))),
    ("with no 1 us off", |r| pattern(r, &trees::around_off)),
    ("each, all, disjoint swapped", |r| pattern(r, &trees::selects)),
    ("in a row flipped", |r| {
        patterns(r, &|p, i| if !p.steps[i].is_single() { vec![edited(p, |p| p.steps[i].in_a_row ^= true)] } else { vec![] })
    }),
    ("step's condition dropped", |r| {
        patterns(r, &|p, i| p.steps[i].filter.iter().map(|_| edited(p, |p| p.steps[i].filter = None)).collect())
    }),
    ("absence dropped", |r| pattern(r, &|p| (0..p.absences.len()).map(|i| edited(p, |p| drop(p.absences.remove(i)))).collect())),
    ("absence's condition dropped", |r| {
        pattern(r, &|p| {
            let having = (0..p.absences.len()).filter(|i| p.absences[*i].filter.is_some());
            having.map(|i| edited(p, |p| p.absences[i].filter = None)).collect()
        })
    }),
    ("rule's condition dropped", |r| r.filter.iter().map(|_| Rule { filter: None, ..r.clone() }).collect()),
    ("end dropped", end_dropped),
    ("a grade's severity one off", severities),
    ("a grade dropped", |r| (1..r.grades.len()).map(|i| edited(r, |r| drop(r.grades.remove(i)))).collect()),
];

pub fn edited<T: Clone>(what: &T, edit: impl FnOnce(&mut T)) -> T {
    let mut copy = what.clone();
    edit(&mut copy);
    copy
}

pub fn nudged(s: Span) -> [Span; 2] {
    [Span(s.0 - 1), Span(s.0 + 1)]
}

fn compares(r: &Rule, swaps: &[(Compare, Compare)]) -> Vec<Rule> {
    in_exprs(r, &|e| match e {
        Expr::Compare { op, left, right } => {
            let others = swaps.iter().filter(|(was, _)| was == op);
            others.map(|(_, op)| Expr::Compare { op: *op, left: left.clone(), right: right.clone() }).collect()
        }
        _ => vec![],
    })
}

fn off_by_one(e: &Expr) -> Vec<Expr> {
    let Expr::Number(q) = e else { return vec![] };
    [-1, 1].into_iter().map(|by| Expr::Number(vitalog_cep::plan::Rational { n: q.n + by, d: q.d })).collect()
}

fn and_or(e: &Expr) -> Vec<Expr> {
    match e {
        Expr::And(all) => vec![Expr::Or(all.clone())],
        Expr::Or(all) => vec![Expr::And(all.clone())],
        _ => vec![],
    }
}

fn plus_minus(e: &Expr) -> Vec<Expr> {
    let Expr::Arith { op, left, right } = e else { return vec![] };
    let other = match op {
        Arith::Add => Arith::Sub,
        Arith::Sub => Arith::Add,
        Arith::Mul | Arith::Div => return vec![],
    };
    vec![Expr::Arith { op: other, left: left.clone(), right: right.clone() }]
}

fn another_aggregate(e: &Expr) -> Vec<Expr> {
    let other = |f: Func| match f {
        Func::First => Func::Last,
        Func::Last => Func::First,
        Func::Min => Func::Max,
        Func::Max => Func::Min,
        Func::Sum => Func::Avg,
        Func::Stddev => Func::Avg,
        Func::Cv => Func::Stddev,
        Func::Median => Func::Percentile(Rational { n: 1, d: 4 }),
        Func::Percentile(_) => Func::Median,
        Func::Slope => Func::Rate,
        Func::Rate => Func::Slope,
        Func::Forecast(ahead) => Func::Forecast(Span(ahead.0 + 60_000_000)),
        Func::DecayedSum(half_life) => Func::DecayedSum(Span(half_life.0 + 60_000_000)),
        Func::Coverage(slot) => Func::Coverage(Span(slot.0 + 60_000_000)),
        Func::TimeIn(most) => Func::TimeIn(Span(most.0 / 2)),
        Func::Days => Func::Count,
        Func::Avg | Func::Delta | Func::Count | Func::Share | Func::Reversals => Func::Sum,
    };
    match e {
        // A count of readings has no sum.
        Expr::Window(w) if w.func != Func::Count => {
            vec![Expr::Window(Box::new(Window { func: other(w.func), ..(**w).clone() }))]
        }
        Expr::Bound { func, step, what } if *func != Func::Count => {
            vec![Expr::Bound { func: other(*func), step: *step, what: *what }]
        }
        _ => vec![],
    }
}

fn choice_turned(e: &Expr) -> Vec<Expr> {
    let Expr::If { condition, then, otherwise } = e else { return vec![] };
    vec![Expr::If { condition: condition.clone(), then: otherwise.clone(), otherwise: then.clone() }]
}

fn cover_swapped(e: &Expr) -> Vec<Expr> {
    let Expr::Covered { how, from, to, stream, filter } = e else { return vec![] };
    // Of one instant both say the same.
    let how = if *how == Cover::During { Cover::Overlaps } else { Cover::During };
    if from == to {
        return vec![];
    }
    vec![Expr::Covered { how, from: from.clone(), to: to.clone(), stream: *stream, filter: filter.clone() }]
}

fn cover_unconditional(e: &Expr) -> Vec<Expr> {
    let Expr::Covered { how, from, to, stream, filter: Some(_) } = e else { return vec![] };
    vec![Expr::Covered { how: *how, from: from.clone(), to: to.clone(), stream: *stream, filter: None }]
}

fn midnight_forgotten(e: &Expr) -> Vec<Expr> {
    let Expr::BetweenTimes { value, low, high } = e else { return vec![] };
    vec![Expr::Between { value: value.clone(), low: low.clone(), high: high.clone() }]
}

fn heard_unconditional(r: &Rule) -> Vec<Rule> {
    let RuleKind::Silence(s) = &r.kind else { return vec![] };
    let conditional = (0..s.streams.len()).filter(|i| s.streams[*i].filter.is_some());
    let dropped = conditional.map(|i| edited(s, |s| s.streams[i].filter = None));
    dropped.map(|s| Rule { kind: RuleKind::Silence(s), ..r.clone() }).collect()
}

fn spans(r: &Rule, place: fn(&mut RuleKind) -> Option<&mut Span>) -> Vec<Rule> {
    let mut copy = r.clone();
    let Some(span) = place(&mut copy.kind).map(|s| *s) else { return vec![] };
    nudged(span).map(|s| edited(r, |r| place(&mut r.kind).into_iter().for_each(|old| *old = s))).to_vec()
}

fn holds(r: &Rule, until: bool, place: fn(&mut Hold) -> &mut Span) -> Vec<Rule> {
    let RuleKind::Episode(e) = &r.kind else { return vec![] };
    let Some(hold) = (if until { e.until_hold } else { e.hold }) else { return vec![] };
    let span = *place(&mut hold.clone());
    nudged(span)
        .map(|s| {
            let hold = Some(edited(&hold, |h| *place(h) = s));
            edited(r, |r| {
                if let RuleKind::Episode(e) = &mut r.kind {
                    *(if until { &mut e.until_hold } else { &mut e.hold }) = hold;
                }
            })
        })
        .to_vec()
}

fn pattern(r: &Rule, change: &dyn Fn(&Pattern) -> Vec<Pattern>) -> Vec<Rule> {
    let RuleKind::Match(p) = &r.kind else { return vec![] };
    change(p).into_iter().map(|p| Rule { kind: RuleKind::Match(p), ..r.clone() }).collect()
}

fn patterns(r: &Rule, change: &dyn Fn(&Pattern, usize) -> Vec<Pattern>) -> Vec<Rule> {
    pattern(r, &|p| (0..p.steps.len()).flat_map(|i| change(p, i)).collect())
}

fn counts(p: &Pattern, step: usize) -> Vec<Pattern> {
    let count = p.steps[step].count;
    let in_all: u16 = p.steps.iter().map(|s| s.count).sum();
    let more = (in_all < 4 && p.within.is_some()).then_some(count + 1);
    let fewer = (count > 1).then_some(count - 1);
    let is_certain = p.steps[step].most == Some(count);
    let counted = |n| {
        edited(p, |p| {
            p.steps[step].count = n;
            p.steps[step].most = if is_certain { Some(n) } else { p.steps[step].most.map(|m| m.max(n)) };
        })
    };
    more.into_iter().chain(fewer).map(counted).collect()
}

fn end_dropped(r: &Rule) -> Vec<Rule> {
    let RuleKind::Episode(e) = &r.kind else { return vec![] };
    let dropped = e.until.iter().map(|_| vitalog_cep::plan::Episode { until: None, ..e.clone() });
    dropped.map(|e| Rule { kind: RuleKind::Episode(e), ..r.clone() }).collect()
}

fn severities(r: &Rule) -> Vec<Rule> {
    let mut all = Vec::new();
    for (i, grade) in r.grades.iter().enumerate() {
        let place = Severity::ALL.iter().position(|s| *s == grade.severity).unwrap_or(0);
        let others = [place.wrapping_sub(1), place + 1].into_iter().filter_map(|p| Severity::ALL.get(p));
        all.extend(others.map(|s| edited(r, |r| r.grades[i].severity = *s)));
    }
    all
}
