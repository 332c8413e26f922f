//! Which ends are included, where a rule may start, what is passed over: what readers of other engines get wrong.

use std::collections::BTreeSet;

use vitalog_cep::plan::{Anchor, Episode, Expr, Heard, Hold, Rule, RuleKind, Schedule, Silence};

use super::cost::{Window, windows};
use super::pattern;
use crate::check::World;

/// One sentence after another.
pub fn of(rule: &Rule, world: &World) -> Vec<String> {
    let mut say = Vec::new();
    match &rule.kind {
        RuleKind::Episode(e) => episode(e, rule, world, &mut say),
        RuleKind::Silence(s) => silence(s, rule, world, &mut say),
        RuleKind::Match(p) => pattern::bounds(p, rule, world, &mut say),
        RuleKind::Schedule(s) => schedule(s, rule, &mut say),
    }
    windows(rule).into_iter().for_each(|w| window(w, world, &mut say));
    fresh(rule, &mut say);
    if let Some(span) = rule.once_per {
        say.push(format!("Of two findings less than {span} apart by the instants at which they opened, only the first is told; exactly {span} apart both are."));
    }
    say.push(format!(
        "A finding that is found more than {} after it opened disturbs nobody; exactly {0} after it still does.",
        rule.stale_after
    ));
    if rule.shadow {
        say.push(
            "It is on trial (`shadow`): what it finds stands, is counted, and disturbs nobody; it keeps no other rule quiet."
                .to_owned(),
        );
    }
    say
}

fn window(window: Window, world: &World, say: &mut Vec<String>) {
    let (name, span) = (&world.declared(window.stream).name, window.over);
    let back = |end: &str| {
        format!("A window over `{name}` reaches {span} back: readings exactly {span} before its end are out; it ends at {end}.")
    };
    let end = if window.inner { "the reading that the condition around it is asked of" } else { "the decision" };
    say.push(match window.anchor {
        Anchor::Decision if window.inner => back("the reading that the condition around it is asked of, that included"),
        Anchor::Decision => back("the instant decided, those at it are in"),
        Anchor::Until => format!(
            "A window over `{name}` reaches {span} back: readings exactly {span} before the firing are in, those at it are out."
        ),
        Anchor::Before(_) => back("the step it lies before, whose own readings are out"),
        Anchor::After(step) => format!(
            "A window over `{name}` lies after step {}: readings at the step and exactly {span} after it are out. It is unknown until it is over; a match whose own `where`, severity or text asks for it is decided then.",
            step + 1
        ),
        Anchor::Days(n) => format!(
            "A window over `{name}` is made of whole days by the subject's calendar, the last {n} before the day of {end}; that day itself is out."
        ),
        Anchor::Nights(n) => format!(
            "A window over `{name}` is made of whole nights by the profile's `night`, the last {n} that were over at {end}."
        ),
    });
    if let Some(fresh) = window.fresh {
        say.push(format!(
            "It is unknown unless a reading that counts lies less than {fresh} before its end, or at it; one exactly {fresh} before is too old."
        ));
    }
}

/// Fields that are asked for only while they are young.
fn fresh(rule: &Rule, say: &mut Vec<String>) {
    let mut spans = BTreeSet::new();
    for expr in rule.exprs() {
        expr.walk(&mut |e| {
            if let Expr::Fresh { within, .. } = e {
                spans.insert(*within);
            }
        });
    }
    say.extend(spans.into_iter().map(|span| {
        format!("A field that is `fresh {span}` is unknown unless its reading lies less than {span} before the decision; one exactly {span} before is too old.")
    }));
}

fn lasting(hold: Hold, what: &str, say: &mut Vec<String>) {
    say.push(format!(
        "{what} must hold at every decision over {} or more ({0} exactly is enough), no two of them more than {} apart ({1} exactly is in time); a wider hole or one decision at which it does not hold begins anew.",
        hold.span, hold.gap
    ));
}

fn episode(e: &Episode, rule: &Rule, world: &World, say: &mut Vec<String>) {
    let name = &world.declared(e.driver).name;
    say.push(format!("Decided at each instant with a reading of `{name}`, once: it holds if it holds for one of the readings there. Nothing is decided in between, and nothing interpolated."));
    match e.hold {
        Some(hold) => lasting(hold, "The condition", say),
        None => say.push("It opens at the first decision at which the condition holds; unknown does not.".to_owned()),
    }
    say.push("The onset is the first instant of the run, not the one at which it opens.".to_owned());
    if rule.filter.is_some() {
        say.push(
            "`where` is asked at the decision that would open it, and again at each later one of the run until it holds."
                .to_owned(),
        );
    }
    let end = if e.until.is_some() {
        "what `until` says holds"
    } else {
        "the condition is false, not unknown, for every reading there"
    };
    say.push(format!("It ends at the first decision after its opening at which {end}; that instant itself is not part of it, and begins no new run."));
    if let Some(hold) = e.until_hold {
        lasting(hold, "What ends it", say);
        say.push("The end is then the first instant of that run; `resolved_at` is when it was known.".to_owned());
    }
    match e.lapse {
        Some(span) => say.push(format!("It lapses, ended as unknown at its last decision, when no reading of `{name}` has come for {span}; one exactly {span} later is in time.")),
        None => say.push(format!("It never lapses: `{name}` declares no silence.")),
    }
    say.push("One at a time: while it is open, no other of this rule begins.".to_owned());
}

fn silence(s: &Silence, rule: &Rule, world: &World, say: &mut Vec<String>) {
    let name = |h: &Heard| format!("`{}`{}", world.declared(h.stream).name, if h.filter.is_some() { " that fits" } else { "" });
    let names: Vec<String> = s.streams.iter().map(name).collect();
    let names = names.join(" or ");
    say.push(format!("Counted from each reading of {names}, and before any from the first instant ever seen of the subject."));
    say.push(format!(
        "It opens by the clock {} after that reading if none came in between; one exactly {0} after it is in time.",
        s.span
    ));
    say.push(format!("The onset is the reading it counts from; it ends at the next reading of {names}."));
    if rule.filter.is_some() {
        say.push("`where` is asked once, when it would open; no reading is at hand there.".to_owned());
    }
}

fn schedule(s: &Schedule, rule: &Rule, say: &mut Vec<String>) {
    say.push("Decided by the clock on the subject's wall, whenever it first comes to show one of the times on one of the days, later than the first instant ever seen of the subject.".to_owned());
    say.push("A local time that is skipped fires at the next that exists; one that comes twice, at the first.".to_owned());
    if s.when.is_some() || rule.filter.is_some() {
        say.push(
            "`when` and `where` are asked once, at the firing; no reading is at hand there, and unknown finds nothing."
                .to_owned(),
        );
    }
    say.push("Onset, `at` and end of what is found are the instant of the firing; it rests on no reading.".to_owned());
}
