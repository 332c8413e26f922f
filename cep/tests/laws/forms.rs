//! The random scripts try every form, and each comes out in every way it can: known and unknown, true and false.
//!
//! Every expression of every drawn rule that needs no reading at hand is asked, by the oracle, at every instant of the script's timeline.

use std::collections::BTreeMap;

use vitalog_cep::plan::{Anchor, Expr, Func, Rule, Window};
use vitalog_elog::Time;

use crate::draw;
use crate::oracle::eval::eval;
use crate::oracle::profile::Profile;
use crate::oracle::scene::{Known, Scene};
use crate::oracle::timeline::{Timeline, micros};
use crate::world::script::{Given, Line};

#[derive(Clone, Copy, Debug, Default)]
struct Outcomes {
    yes: usize,
    no: usize,
    other: usize,
    unknown: usize,
}

#[test]
fn every_form_comes_out_in_every_way() {
    let mut tally: BTreeMap<String, Outcomes> = BTreeMap::new();
    for seed in 0..3_000 {
        look(&draw::script(seed), &mut tally);
    }
    for (form, outcomes) in &tally {
        println!("{form:<14} {outcomes:?}");
    }
    let seen = |form: &str| tally.get(form).copied().unwrap_or_default();
    for form in ["Covered", "Overlaps", "BetweenTimes", "Compare", "Between", "In"] {
        let Outcomes { yes, no, unknown, .. } = seen(form);
        assert!(yes > 20 && no > 20, "{form} is true {yes} times and false {no} times");
        assert!(unknown > 0 || ["Covered", "Overlaps"].contains(&form), "{form} is never unknown");
    }
    const NUMBERS: [&str; 25] = [
        "Count",
        "Sum",
        "Avg",
        "Min",
        "Max",
        "First",
        "Last",
        "Delta",
        "Stddev",
        "Cv",
        "Median",
        "Percentile",
        "Slope",
        "Rate",
        "Share",
        "TimeIn",
        "Coverage",
        "DecayedSum",
        "Days",
        "Reversals",
        "Forecast",
        "last days",
        "last nights",
        "fresh",
        "within",
    ];
    for form in NUMBERS.into_iter().chain(["If", "TimeOfDay", "DayOfWeek", "Wrap", "AtClock"]) {
        let Outcomes { other, unknown, .. } = seen(form);
        // Of nothing these are 0; an instant at hand has a time of day.
        let always = ["Count", "Sum", "DecayedSum", "Days", "Coverage", "TimeOfDay", "DayOfWeek"].contains(&form);
        assert!(other > 20, "{form} is known {other} times");
        assert!(unknown > 10 || always, "{form} is unknown {unknown} times");
    }
}

/// Asks what the rules of the last library come to.
fn look(lines: &[Line], tally: &mut BTreeMap<String, Outcomes>) {
    let clock = lines.iter().map(|l| l.arrival).max().unwrap_or(Time::MIN);
    let (mut revisions, mut changes, mut library) = (Vec::new(), Vec::new(), None);
    for line in lines {
        match &line.input {
            Given::Reading(r) => revisions.push(r.clone()),
            Given::Profile(c) => changes.push(c.clone()),
            Given::Library { library: l, .. } => library = Some(l.clone()),
            Given::Tick => {}
        }
    }
    let (Some(library), Some(subject)) = (library, revisions.first().map(|r| r.subject.clone())) else { return };
    let timeline = Timeline::of(&subject, &revisions, &library.schema, clock);
    let profile = Profile::of(&subject, &library.profile, &changes, clock);
    let mut instants: Vec<i128> = timeline.readings.iter().filter_map(|r| r.instant).collect();
    instants.push(micros(clock));
    for rule in &library.rules {
        let decided = |now| Scene { onset: Some(now), ..Scene::new(&timeline, &profile, rule, now) };
        for_nodes(rule, &mut |e| {
            for now in &instants {
                let known = eval(e, &decided(*now));
                forms(e).into_iter().for_each(|form| tally.entry(form).or_default().note(known.as_ref()));
            }
        });
    }
}

/// All nodes but those inside the conditions of windows and intervals.
fn for_nodes(rule: &Rule, f: &mut dyn FnMut(&Expr)) {
    for expr in rule.exprs() {
        expr.walk(&mut |e| {
            let mut at_hand = false;
            let mut inside = e.clone();
            if let Expr::Window(w) = &mut inside {
                (w.filter, w.asks) = (None, None);
            }
            inside.walk(&mut |e| at_hand |= matches!(e, Expr::Get { .. } | Expr::Bound { .. }));
            if !at_hand {
                f(e);
            }
        });
    }
}

fn forms(e: &Expr) -> Vec<String> {
    let name = format!("{e:?}");
    let kind = name.split(|c: char| !c.is_alphanumeric()).next().unwrap_or("").to_owned();
    match e {
        Expr::Window(w) => of_window(w),
        Expr::Covered { how, .. } if format!("{how:?}") == "Overlaps" => vec!["Overlaps".to_owned()],
        _ => vec![kind],
    }
}

fn of_window(w: &Window) -> Vec<String> {
    let place = match w.anchor {
        Anchor::Days(_) => Some("last days"),
        Anchor::Nights(_) => Some("last nights"),
        Anchor::Before(_) | Anchor::After(_) => return vec![],
        Anchor::Decision | Anchor::Until => None,
    };
    let func = format!("{:?}", w.func).split(|c: char| !c.is_alphanumeric()).next().unwrap_or("").to_owned();
    let clock = format!("{:?}", w.what);
    let mut all = vec![func];
    all.extend(place.map(str::to_owned));
    all.extend(w.fresh.filter(|_| w.func != Func::Days).map(|_| "fresh".to_owned()));
    let mut within = false;
    w.asks.iter().chain(&w.filter).for_each(|e| e.walk(&mut |e| within |= matches!(e, Expr::Window(_))));
    all.extend(within.then(|| "within".to_owned()));
    all.extend(clock.ends_with("Clock").then(|| "AtClock".to_owned()));
    all
}

impl Outcomes {
    fn note(&mut self, known: Option<&Known>) {
        match known {
            Some(Known::Bool(true)) => self.yes += 1,
            Some(Known::Bool(false)) => self.no += 1,
            Some(_) => self.other += 1,
            None => self.unknown += 1,
        }
    }
}
