//! Which clauses of a rule its tests notice: the rule without each of them in turn. A clause without which every test still passes is tested by none.

use std::sync::Arc;

use vitalog_cep::plan::{Episode, Expr, Hold, Library, Pattern, Rule, RuleKind, Schedule, Silence};
use vitalog_elog::{Span, StreamIx};

/// Times of a schedule that are each left out in turn.
const MOST_TIMES: usize = 6;

/// A rule without one of its clauses.
#[derive(Clone, Debug, PartialEq)]
pub struct Without {
    /// The clause, as it may be written.
    pub clause: String,
    pub rule: Rule,
}

/// As good as no bound: the longest duration that can be written.
const LONGEST: Span = Span::days(3660);

/// The rule without each of its clauses. What only decides who is told, and when, is no clause here: it changes nothing that stands.
pub fn without(rule: &Rule, library: &Library) -> Vec<Without> {
    let mut all = Vec::new();
    let mut add = |clause: String, change: &dyn Fn(&mut Rule)| {
        let mut rule = rule.clone();
        change(&mut rule);
        all.push(Without { clause, rule });
    };
    if rule.filter.is_some() {
        add("where …".to_owned(), &|r| r.filter = None);
    }
    for (i, grade) in rule.grades.iter().enumerate().skip(1) {
        add(format!("severity {} when …", grade.severity), &|r| drop(r.grades.remove(i)));
    }
    match &rule.kind {
        RuleKind::Episode(e) => episode(e, library, &mut add),
        RuleKind::Silence(s) => silence(s, library, &mut add),
        RuleKind::Match(p) => pattern(p, library, &mut add),
        RuleKind::Schedule(s) => schedule(s, &mut add),
    }
    all
}

/// The library with another version of one of its rules.
pub fn with_rule(library: &Library, rule: &Rule) -> Library {
    let mut library = library.clone();
    for place in &mut library.rules {
        if place.name == rule.name {
            *place = Arc::new(rule.clone());
        }
    }
    library
}

/// What a stream is called: one of findings like its rule.
fn name_of(library: &Library, ix: StreamIx) -> &Arc<str> {
    match ix.derived().and_then(|place| library.derived.get(place)) {
        Some(derived) => &derived.rule,
        None => &library.schema.get(ix).name,
    }
}

fn silent_after(library: &Library, ix: StreamIx) -> Option<Span> {
    if ix.derived().is_some() { None } else { library.schema.get(ix).silent_after }
}

type Add<'a> = dyn FnMut(String, &dyn Fn(&mut Rule)) + 'a;

fn on_episode(rule: &mut Rule, change: impl Fn(&mut Episode)) {
    if let RuleKind::Episode(episode) = &mut rule.kind {
        change(episode);
    }
}

fn episode(e: &Episode, library: &Library, add: &mut Add<'_>) {
    parts("when", &e.when, add, &|rule, when| on_episode(rule, |e| e.when = when.clone()));
    if let Some(hold) = e.hold {
        add(format!("for {}", hold.span), &|r| on_episode(r, |e| e.hold = None));
        if hold.gap != hold.span {
            add(format!("gap {}", hold.gap), &|r| on_episode(r, |e| e.hold = Some(Hold { gap: LONGEST, ..hold })));
        }
    }
    if let Some(until) = &e.until {
        add("until …".to_owned(), &|r| {
            on_episode(r, |e| {
                e.until = None;
                e.until_hold = None;
            });
        });
        parts("until", until, add, &|rule, until| on_episode(rule, |e| e.until = Some(until.clone())));
    }
    if let Some(hold) = e.until_hold {
        add(format!("until … for {}", hold.span), &|r| on_episode(r, |e| e.until_hold = None));
        if hold.gap != hold.span {
            let wide = Hold { gap: LONGEST, ..hold };
            add(format!("until … gap {}", hold.gap), &|r| on_episode(r, |e| e.until_hold = Some(wide)));
        }
    }
    // What the stream declares is no clause of the rule.
    if let Some(lapse) = e.lapse.filter(|_| e.lapse != silent_after(library, e.driver)) {
        add(format!("or no {} for {lapse}", name_of(library, e.driver)), &|r| on_episode(r, |e| e.lapse = None));
    }
}

/// Each side of an `and` or `or`.
fn parts(clause: &str, expr: &Expr, add: &mut Add<'_>, set: &dyn Fn(&mut Rule, &Expr)) {
    let (Expr::And(all) | Expr::Or(all)) = expr else { return };
    let word = if matches!(expr, Expr::And(_)) { "and" } else { "or" };
    for i in 0..all.len() {
        let mut rest = all.clone();
        rest.remove(i);
        let less = match (rest.len(), expr) {
            (1, _) => rest.remove(0),
            (_, Expr::And(_)) => Expr::And(rest),
            _ => Expr::Or(rest),
        };
        add(format!("part {} of {} of `{clause} … {word} …`", i + 1, all.len()), &|r| set(r, &less));
    }
}

fn silence(s: &Silence, library: &Library, add: &mut Add<'_>) {
    for (i, heard) in s.streams.iter().enumerate() {
        let name = name_of(library, heard.stream);
        if s.streams.len() > 1 {
            add(format!("no {name}"), &|r| on_silence(r, |s| drop(s.streams.remove(i))));
        }
        if heard.filter.is_some() {
            add(format!("the `where` of no {name}"), &|r| on_silence(r, |s| s.streams[i].filter = None));
        }
    }
}

fn on_silence(rule: &mut Rule, change: impl Fn(&mut Silence)) {
    if let RuleKind::Silence(silence) = &mut rule.kind {
        change(silence);
    }
}

fn on_pattern(rule: &mut Rule, change: impl Fn(&mut Pattern)) {
    if let RuleKind::Match(pattern) = &mut rule.kind {
        change(pattern);
    }
}

fn pattern(p: &Pattern, library: &Library, add: &mut Add<'_>) {
    for (i, step) in p.steps.iter().enumerate() {
        let name = name_of(library, step.stream);
        if step.filter.is_some() {
            add(format!("the `where` of step {} ({name})", i + 1), &|r| on_pattern(r, |p| p.steps[i].filter = None));
        }
        if step.in_a_row {
            add(format!("`in a row` of step {} ({name})", i + 1), &|r| on_pattern(r, |p| p.steps[i].in_a_row = false));
        }
        if step.count > 1 {
            let less = step.count - 1;
            add(format!("{{{}}} of step {} ({name})", step.count, i + 1), &|r| {
                on_pattern(r, |p| {
                    p.steps[i].count = less;
                    // A fixed count stays one.
                    p.steps[i].most = p.steps[i].most.map(|most| if most == less + 1 { less } else { most });
                });
            });
        }
        if step.again.is_some() {
            add(format!("`previous` of step {} ({name})", i + 1), &|r| on_pattern(r, |p| p.steps[i].again = None));
        }
    }
    for (i, absence) in p.absences.iter().enumerate() {
        let name = name_of(library, absence.stream);
        add(format!("without {name}"), &|r| on_pattern(r, |p| drop(p.absences.remove(i))));
        if absence.filter.is_some() {
            add(format!("the `where` of without {name}"), &|r| on_pattern(r, |p| p.absences[i].filter = None));
        }
    }
    for (i, around) in p.around.iter().enumerate() {
        let name = name_of(library, around.absence.stream);
        add(format!("with no {name}"), &|r| on_pattern(r, |p| drop(p.around.remove(i))));
    }
    if let Some(within) = p.within {
        add(format!("within {within}"), &|r| on_pattern(r, |p| p.within = Some(LONGEST)));
    }
}

fn on_schedule(rule: &mut Rule, change: impl Fn(&mut Schedule)) {
    if let RuleKind::Schedule(schedule) = &mut rule.kind {
        change(schedule);
    }
}

fn schedule(s: &Schedule, add: &mut Add<'_>) {
    if s.days != Schedule::ALL_DAYS {
        add("the days of `every`".to_owned(), &|r| on_schedule(r, |s| s.days = Schedule::ALL_DAYS));
    }
    // The parts of a day are no clauses of their own, nor are very many times.
    if (2..=MOST_TIMES).contains(&s.at.len()) {
        for i in 0..s.at.len() {
            add(format!("time {} of {} of `every`", i + 1, s.at.len()), &|r| on_schedule(r, |s| drop(s.at.remove(i))));
        }
    }
    if let Some(when) = &s.when {
        add("when …".to_owned(), &|r| on_schedule(r, |s| s.when = None));
        parts("when", when, add, &|rule, when| on_schedule(rule, |s| s.when = Some(when.clone())));
    }
}
