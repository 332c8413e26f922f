//! Intervals over readings, choices, and silences that wait for some readings only.

use vitalog_cep::plan::{Compare, Cover, Expr, Func, Heard, Measure, Ref, RuleKind, Show, Silence};
use vitalog_elog::{Severity, Span, StreamIx};

use super::build::*;
use super::table::{check, read};
use crate::world::{ACTIVE, F0, LAB, LIMIT, MEAL, NAP, SUGAR, TARGET, drive};

fn covered(how: Cover, from: Expr, to: Expr, filter: Option<Expr>) -> Expr {
    Expr::Covered { how, from: Box::new(from), to: Box::new(to), stream: NAP, filter: filter.map(Box::new) }
}

/// The instants of sugars that are during a nap.
fn during(filter: Option<Expr>, input: &str, stands: &str) {
    let at = || get(Ref::Driver, Measure::At);
    let mut e = episode(SUGAR, covered(Cover::During, at(), at(), filter));
    e.until = Some(Expr::Bool(true));
    check(&only(rule(RuleKind::Episode(e))), input, stands);
}

#[test]
fn an_interval_covers_its_start_and_its_end() {
    during(None, "10..20 nap\n @30 10-1us sugar 90\n @30 20+1us sugar 90", "");
    during(None, "10..20 nap\n @30 10 sugar 90", "open info from 10 at 10 of r2");
    during(None, "10..20 nap\n @30 20 sugar 90", "open info from 20 at 20 of r2");
    during(None, "12 sugar 90", "");
}

#[test]
fn one_that_goes_on_covers_all_that_comes() {
    during(None, "10.. nap\n 500 sugar 90", "open info from 500 at 500 of r2");
    during(None, "10.. nap\n @20 10-1us sugar 90", "");
    // It ended: what was decided while it went on is decided again.
    during(None, "10.. nap as n\n 20 sugar 90\n @30 10..15 nap as n rev 2", "");
}

#[test]
fn one_that_went_on_was_seen_when_it_is_something_else() {
    let at = || get(Ref::Step(1), Measure::At);
    let mut r = rule(RuleKind::Match(pattern(vec![step(SUGAR, None), step(LAB, None)], 30)));
    r.filter = Some(covered(Cover::During, at(), at(), None));
    // A restart in between is to end in the same snapshot.
    check(&only(r), "0.. nap as n\n @35 35 meal 10 as n rev 2", "");
}

#[test]
fn an_interval_that_takes_an_episode_back_leaves_the_next_to_be_found() {
    let at = || get(Ref::Driver, Measure::At);
    let awake = Expr::Not(Box::new(covered(Cover::During, at(), at(), None)));
    let mut e = episode(SUGAR, Expr::And(vec![sugar(Ref::Driver, Compare::Lt, 70), awake.clone()]));
    e.until = Some(sugar(Ref::Driver, Compare::Gt, 100));
    let mut r = rule(RuleKind::Episode(e));
    let rules = only(r.clone());
    check(&rules, "0 sugar 60", "open info from 0 at 0 of r1");
    // While it was open no number up to 100 mattered; after the nap each below 70 does.
    check(&rules, "0 sugar 60\n -5..5 nap\n 10 sugar 60", "open info from 10 at 10 of r3");
    check(&rules, "0 sugar 60\n 1 sugar 65\n -5..5 nap\n 10 sugar 75\n 15 sugar 60", "open info from 15 at 15 of r5");
    // It opened less grave than it had seemed: what is grave now counts.
    r.kind = RuleKind::Episode(episode(SUGAR, sugar(Ref::Driver, Compare::Lt, 70)));
    r.grades.push(grade(Severity::Urgent, Expr::And(vec![sugar(Ref::Driver, Compare::Lt, 68), awake])));
    check(&only(r.clone()), "0 sugar 60\n -5..5 nap\n 10 sugar 69", "open info from 0 at 0 of r1");
    check(&only(r), "0 sugar 60\n -5..5 nap\n 10 sugar 60", "open urgent from 0 at 0 of r1");
}

#[test]
fn a_late_interval_decides_what_it_covers() {
    during(None, "10 sugar 90 as a\n 12 sugar 90 as b\n @30 11..13 nap", "open info from 12 at 12 of b");
    during(None, "10 sugar 90 as a\n @30 9..13 nap as n\n @40 remove n", "");
}

#[test]
fn its_condition_is_asked_of_the_interval() {
    let deep = Some(compare(field(Ref::Item, F0), Compare::Ge, Expr::Enum(2)));
    during(deep.clone(), "10..20 nap low\n @30 15 sugar 90", "");
    during(deep.clone(), "10..20 nap -\n @30 15 sugar 90", "");
    during(deep, "10..20 nap low\n 12..20 nap high\n @30 15 sugar 90", "open info from 15 at 15 of r3");
}

#[test]
fn what_its_condition_asks_is_asked_where_it_ends() {
    let meals = value_of(window(Func::Count, MEAL, Measure::Itself, 30));
    let some = Some(compare(meals, Compare::Gt, Expr::number(0)));
    // The nap ends long after the decision, and so does the window.
    during(some.clone(), "10..60 nap\n @70 20 sugar 90\n @80 50 meal 10", "open info from 20 at 20 of r2");
    during(some.clone(), "10..60 nap\n @70 20 sugar 90\n @80 30 meal 10", "");
    // Of one that goes on it is unknown.
    during(some, "10.. nap\n 20 meal 10\n 21 sugar 90", "");
    let lowered = Some(compare(Expr::Profile(TARGET), Compare::Lt, mg_dl(90)));
    let input = "10..60 nap\n @70 20 sugar 90\n @80 profile target 80 from 40";
    during(lowered, input, "open info from 20 at 20 of r2");
}

#[test]
fn a_reading_is_covered_whole_and_overlapped_in_part() {
    // Asked of a stretch from ten minutes before a lab reading to it.
    let from = || arith(Expr::Now, vitalog_cep::plan::Arith::Sub, minutes(10));
    let says = |how, naps: &str, text: &str| {
        let mut r = rule(RuleKind::Match(pattern(vec![step(LAB, None)], 1)));
        r.say = vec![hole(covered(how, from(), Expr::Now, None), Show::Bool)];
        let labs = naps.lines().count() + 1;
        check(&only(r), &format!("{naps}\n @90 30 lab -"), &format!("open info from 30 at 30 to 30 of r{labs} say {text}"));
    };
    for (naps, within, touches) in [
        ("20..30 nap", "yes", "yes"),
        ("19..31 nap", "yes", "yes"),
        ("20+1us..30 nap", "no", "yes"),
        ("20..30-1us nap", "no", "yes"),
        ("10..20 nap", "no", "yes"),
        ("30..40 nap", "no", "yes"),
        ("10..20-1us nap", "no", "no"),
        ("30+1us..40 nap", "no", "no"),
        // Two that together would cover it do not.
        ("15..25 nap\n 25..35 nap", "no", "yes"),
        ("15.. nap", "yes", "yes"),
        ("25.. nap", "no", "yes"),
    ] {
        says(Cover::During, naps, within);
        says(Cover::Overlaps, naps, touches);
    }
}

#[test]
fn an_unknown_end_is_unknown() {
    let mut r = rule(RuleKind::Match(pattern(vec![step(LAB, None)], 1)));
    r.say = vec![hole(covered(Cover::During, Expr::Profile(LIMIT), Expr::Now, None), Show::Bool)];
    check(&only(r), "0..10 nap\n 5 lab -", "open info from 5 at 5 to 5 of r2 say unknown");
}

#[test]
fn a_choice_follows_its_condition() {
    let choice =
        |c: Expr| Expr::If { condition: Box::new(c), then: Box::new(Expr::number(1)), otherwise: Box::new(Expr::number(2)) };
    let of_truths = |c: Expr| Expr::If {
        condition: Box::new(c),
        then: Box::new(Expr::Bool(true)),
        otherwise: Box::new(Expr::Profile(ACTIVE)),
    };
    let says = |expr: Expr, show: Show, text: &str| {
        let mut r = rule(RuleKind::Match(pattern(vec![step(LAB, None)], 1)));
        r.say = vec![hole(expr, show)];
        check(&only(r), "0 lab -", &format!("open info from 0 at 0 to 0 of r1 say {text}"));
    };
    says(choice(Expr::Bool(true)), Show::Number, "1");
    says(choice(Expr::Bool(false)), Show::Number, "2");
    says(choice(Expr::Profile(ACTIVE)), Show::Number, "unknown");
    says(of_truths(Expr::Bool(true)), Show::Bool, "yes");
    says(of_truths(Expr::Bool(false)), Show::Bool, "unknown");
    says(of_truths(Expr::Profile(ACTIVE)), Show::Bool, "unknown");
    says(Expr::Not(Box::new(of_truths(Expr::Bool(true)))), Show::Bool, "no");
    // The other way need not be known.
    says(Expr::Or(vec![of_truths(Expr::Profile(ACTIVE)), Expr::Bool(true)]), Show::Bool, "yes");
}

/// A silence of ten minutes of what fits.
fn waits(heard: Vec<(StreamIx, Option<Expr>)>, input: &str, stands: &str) {
    let streams = heard.into_iter().map(|(stream, filter)| Heard { stream, filter }).collect();
    check(&only(rule(RuleKind::Silence(Silence { streams, span: Span::minutes(10) }))), input, stands);
}

fn high() -> Option<Expr> {
    Some(sugar(Ref::Candidate, Compare::Gt, 100))
}

#[test]
fn only_what_fits_is_heard() {
    // Counted from enrolment, for the first does not fit.
    waits(vec![(SUGAR, high())], "0 sugar 90\n 5 sugar 90\n @10 tick", "open info from 0 at 10");
    waits(
        vec![(SUGAR, high())],
        "0 sugar 110\n 5 sugar 90\n 12 sugar 120\n @13 tick",
        "resolved info from 0 at 10 to 12 known 12 of r1",
    );
    waits(vec![(SUGAR, high())], "0 sugar 110\n 10 sugar 120\n 15 sugar 90\n @19 tick", "");
    // One that does not say it is not heard.
    let mood = Some(compare(field(Ref::Candidate, crate::world::F1), Compare::Ge, Expr::Enum(1)));
    waits(vec![(SUGAR, mood)], "0 sugar 90 high\n 5 sugar 90 -\n 10 sugar 90 low\n @11 tick", "open info from 0 at 10 of r1");
}

#[test]
fn of_several_any_that_fits_is_heard() {
    let both = || vec![(SUGAR, high()), (MEAL, None)];
    waits(both(), "0 sugar 110\n 5 sugar 90\n 8 meal 10\n @18 tick", "open info from 8 at 18 of r3");
    waits(both(), "0 sugar 110\n 5 sugar 90\n @10 tick", "open info from 0 at 10 of r1");
    // Of one instant those that fit are what it counts from.
    waits(both(), "0 sugar 110\n 0 sugar 90\n @10 tick", "open info from 0 at 10 of r1");
}

#[test]
fn late_news_may_make_it_fit_or_not() {
    waits(
        vec![(SUGAR, high())],
        "0 sugar 110 as a\n 12 sugar 120 as b\n @20 0 sugar 90 as a rev 2\n @30 tick",
        "resolved info from 0 at 10 to 12 known 12\n open info from 12 at 22 of b",
    );
    // The condition asks the profile of the reading.
    let above = Some(compare(first(Ref::Candidate), Compare::Gt, Expr::Profile(crate::world::TARGET)));
    waits(vec![(SUGAR, above)], "0 sugar 95\n 5 sugar 95\n profile target 90 from 4\n @15 tick", "open info from 5 at 15 of r2");
}

#[test]
fn a_silence_may_ask_what_comes_after_it() {
    let later = || arith(Expr::Now, vitalog_cep::plan::Arith::Add, minutes(30));
    let naps = Heard { stream: NAP, filter: None };
    let mut r = rule(RuleKind::Silence(Silence { streams: vec![naps], span: Span::minutes(10) }));
    r.filter = Some(covered(Cover::During, later(), later(), None));
    let input = "0..0 nap\n @10 tick\n 11..11 nap\n 20..20 nap\n 30..30 nap";
    check(&only(r.clone()), input, "");
    check(&only(r), &format!("{input}\n 40..40 nap"), "resolved info from 0 at 10 to 11 known 11 of r1");
}

/// No gateway takes one.
#[test]
fn an_interval_that_ends_before_it_begins_is_survived_by_silences() {
    let sugars = Heard { stream: SUGAR, filter: None };
    let mut r = rule(RuleKind::Silence(Silence { streams: vec![sugars], span: Span::minutes(10) }));
    r.filter = Some(Expr::Not(Box::new(covered(Cover::During, Expr::Now, Expr::Now, None))));
    let (lines, _) = read(&only(r), "0 sugar 60\n 12 sugar 60\n 40 sugar 60\n @41 30..20 nap");
    assert_eq!(drive::standing(&drive::run(&lines).0).len(), 2);
}

/// A profile that changes between a decision and the end of the interval that it sees: the interval is asked by what holds at its end.
#[test]
fn the_profile_at_an_intervals_end_decides_what_was_before() {
    let active = || Some(Expr::Profile(ACTIVE));
    let found = "open info from 5 at 5 of r2";
    during(active(), "0..20 nap\n @30 5 sugar 90\n profile active yes from 10", found);
    during(active(), "0..20 nap\n @30 5 sugar 90\n profile active yes from 20", found);
    during(active(), "0..20 nap\n @30 5 sugar 90\n profile active yes from 20+1us", "");
    during(active(), "0..20 nap\n @30 5 sugar 90\n profile active yes from 10\n profile active no from 15", "");
    // So are those that must not come between.
    let pair = vitalog_cep::plan::Pattern {
        absences: vec![absence(NAP, active())],
        ..pattern(vec![step(SUGAR, None), step(LAB, None)], 10)
    };
    let rules = only(rule(RuleKind::Match(pair)));
    let input = "0..60 nap\n @90 5 sugar 90\n 9 lab -";
    let found = "open info from 5 at 9 to 9 of r2 r3";
    check(&rules, input, found);
    check(&rules, &format!("{input}\n profile active yes from 40"), "");
    check(&rules, &format!("{input}\n profile active yes from 40\n profile active no from 50"), found);
    // And a step that stands at its start.
    let begun = vitalog_cep::plan::Step { edge: vitalog_cep::plan::Edge::Start, ..step(NAP, active()) };
    let rules = only(rule(RuleKind::Match(pattern(vec![begun], 1))));
    check(&rules, "0..60 nap\n @90 tick\n profile active yes from 0", "open info from 0 at 0 to 0 of r1");
    check(&rules, "0..60 nap\n @90 tick\n profile active yes from 40", "");
}

/// A step that binds an interval at its start is decided there, and reaches to the interval's end.
#[test]
fn what_comes_after_a_start_may_lie_within_the_interval() {
    let begun = vitalog_cep::plan::Step { edge: vitalog_cep::plan::Edge::Start, ..step(NAP, None) };
    let mut r = rule(RuleKind::Match(pattern(vec![begun], 1)));
    let over = Expr::Covered {
        how: Cover::Overlaps,
        from: Box::new(get(Ref::Step(0), Measure::Start)),
        to: Box::new(get(Ref::Step(0), Measure::At)),
        stream: SUGAR,
        filter: None,
    };
    r.grades.push(grade(vitalog_elog::Severity::Urgent, over));
    let rules = only(r);
    check(&rules, "10..20 nap", "open info from 10 at 10 to 10 of r1");
    check(&rules, "10..20 nap\n 20 sugar 90", "open urgent from 10 at 10 to 10 of r1");
    check(&rules, "10..20 nap\n 15 sugar 90 as s\n remove s", "open info from 10 at 10 to 10 of r1");
    check(&rules, "10..20 nap\n 20+1us sugar 90", "open info from 10 at 10 to 10 of r1");
}

/// What must not come between is asked where it stands: an interval that has ended at its end, which may lie long after the match, and so may what its condition sees there.
#[test]
fn what_must_not_come_between_is_asked_where_it_ends() {
    for seen in [meals_now(), meals_before()] {
        let pair = vitalog_cep::plan::Pattern {
            absences: vec![absence(NAP, Some(seen))],
            ..pattern(vec![step(SUGAR, None), step(LAB, None)], 10)
        };
        let rules = only(rule(RuleKind::Match(pair)));
        let (input, found) = ("0..100 nap\n @110 5 sugar 90\n 9 lab -\n 110 meal 10", "open info from 5 at 9 to 9 of r2 r3");
        check(&rules, input, found);
        check(&rules, &format!("{input}\n @120 100 meal 10"), "");
        check(&rules, &format!("{input}\n @120 100 meal 10 as m\n remove m"), found);
    }
}

/// A finding is asked where it opened, which may lie long before.
#[test]
fn a_finding_that_must_not_come_between_is_asked_where_it_opened() {
    for seen in [meals_now(), meals_before()] {
        let between = || vec![absence(super::derived::LOW, Some(seen.clone()))];
        let pair = pattern(vec![step(LAB, None), step(LAB, None)], 10);
        let growing = pattern(vec![counted(LAB, None, 1, None)], 10);
        for (p, found) in [(pair, "open info from 50 at 54 to 54 of r2 r3"), (growing, "open info from 50 at 50 to 54 of r2 r3")]
        {
            let grows = p.steps.len() == 1;
            let above = super::derived::above(RuleKind::Match(vitalog_cep::plan::Pattern { absences: between(), ..p }));
            let rules = super::derived::with_low(above);
            for (end, low) in
                [("", "open info from 0 at 0 of r1"), ("\n 90 sugar 90", "resolved info from 0 at 0 to 90 known 90 of r1")]
            {
                let input = format!("0 sugar 65\n 50 lab -\n 54 lab -{end}\n 100 meal 10");
                check(&rules, &input, &format!("{low}\n {found}"));
                let parted =
                    if grows { "\n open info from 50 at 50 to 50 of r2\n open info from 54 at 54 to 54 of r3" } else { "" };
                check(&rules, &format!("{input}\n @101 0 meal 10"), &format!("{low}{parted}"));
            }
        }
    }
}

/// An interval that came late covers a step, and what completes after its end hangs on that.
#[test]
fn a_late_interval_decides_what_completes_after_it() {
    let now = || Expr::Now;
    let pair = pattern(vec![step(SUGAR, Some(covered(Cover::During, now(), now(), None))), step(LAB, None)], 100);
    let rules = only(rule(RuleKind::Match(pair)));
    check(&rules, "5 sugar 90\n 50 lab -\n @200 0..10 nap", "open info from 5 at 50 to 50 of r1 r2");
    check(&rules, "5 sugar 90\n 50 lab -\n 150 sugar 90\n @200 0..10 nap as n\n remove n", "");
}

/// A meal stands where it is asked.
fn meals_now() -> Expr {
    let now = || Box::new(Expr::Now);
    Expr::Covered { how: Cover::Overlaps, from: now(), to: now(), stream: MEAL, filter: None }
}

/// One stood in the ten minutes before.
fn meals_before() -> Expr {
    compare(value_of(window(Func::Count, MEAL, Measure::Itself, 10)), Compare::Gt, Expr::number(0))
}
