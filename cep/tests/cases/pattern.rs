//! Matches: which choice is taken, what breaks it.

use vitalog_cep::plan::{Anchor, Arith, Compare, Expr, Func, Measure, Pattern, Ref, RuleKind, Window};

use super::build::*;
use super::table::check;
use crate::world::{LAB, MEAL, NAP, SUGAR, TARGET};

fn case(p: Pattern, input: &str, stands: &str) {
    check(&only(rule(RuleKind::Match(p))), input, stands);
}

fn high() -> Option<Expr> {
    Some(sugar(Ref::Candidate, Compare::Gt, 100))
}

/// A meal and then a high sugar.
fn spike(within: i64) -> Pattern {
    pattern(vec![step(MEAL, None), step(SUGAR, high())], within)
}

#[test]
fn a_single_step_needs_no_bound() {
    let p = Pattern { within: None, ..pattern(vec![step(SUGAR, high())], 0) };
    case(p.clone(), "0 sugar 100", "");
    case(p.clone(), "0 sugar 101\n 5 sugar 102", "open info from 0 at 0 to 0 of r1\n open info from 5 at 5 to 5 of r2");
    // All that fits at the instant is bound, and nothing else.
    case(p, "0 sugar 101\n 0 sugar 99\n 0 sugar 102", "open info from 0 at 0 to 0 of r1 r3");
}

#[test]
fn then_is_strictly_later() {
    case(spike(60), "0 meal 10\n 0 sugar 120", "");
    case(spike(60), "0 meal 10\n 0+1us sugar 120", "open info from 0 at 0+1us to 0+1us of r1 r2");
    case(spike(60), "0 sugar 120\n 5 meal 10", "");
}

#[test]
fn within_is_strict() {
    case(spike(60), "0 meal 10\n 60-1us sugar 120", "open info from 0 at 60-1us to 60-1us of r1 r2");
    case(spike(60), "0 meal 10\n 60 sugar 120", "");
}

#[test]
fn what_was_complete_before_a_late_reading_stays_and_what_was_not_may_be_completed_by_it() {
    let both = "open info from 0 at 10 to 10 of r1 r2\n open info from 20 at 30 to 30 of r3 r5";
    case(spike(60), "0 meal 10\n 10 sugar 120\n 20 meal 10\n 40 sugar 50\n 30 sugar 130", both);
    // At the instant of the completion it is bound as well, before it it completes.
    case(spike(60), "0 meal 10\n 10 sugar 120\n 40 sugar 50\n 10 sugar 130", "open info from 0 at 10 to 10 of r1 r2 r4");
    case(spike(60), "0 meal 10\n 10 sugar 120\n 40 sugar 50\n 10-1us sugar 130", "open info from 0 at 10-1us to 10-1us of r1 r4");
    // The one that completed it goes, and a later one is left.
    let gone = "0 meal 10\n 10 sugar 120\n 40 sugar 130\n remove r2";
    case(spike(60), gone, "open info from 0 at 40 to 40 of r1 r3");
}

#[test]
fn a_match_that_begins_where_the_last_one_ends_stands_with_it() {
    let input = "0 meal 10\n 10 sugar 120\n 10 meal 10\n 20 sugar 120";
    case(spike(60), input, "open info from 0 at 10 to 20 of r1 r2 r3 r4");
    let apart = "0 meal 10\n 10 sugar 120\n 10+1us meal 10\n 20 sugar 120";
    case(spike(60), apart, "open info from 0 at 10 to 10 of r1 r2\n open info from 10+1us at 20 to 20 of r3 r4");
}

/// Meals are not looked at while sugar is low; what began meanwhile is not forgotten when the profile of another day is set.
#[test]
fn what_began_unseen_completes_whatever_is_said_of_a_later_time() {
    let above = compare(first(Ref::Candidate), Compare::Gt, Expr::Profile(TARGET));
    let p = || pattern(vec![step(MEAL, None), step(SUGAR, Some(above.clone()))], 60);
    let stands = "open info from 0 at 40 to 40 of r1 r2 r3 r4";
    case(p(), "0 meal 10\n 10 meal 10\n 20 meal 10\n 40 sugar 300", stands);
    case(p(), "0 meal 10\n 10 meal 10\n 20 meal 10\n profile target 90 from 600\n 40 sugar 300", stands);
    case(p(), "0 meal 10\n 10 meal 10\n 20 meal 10\n rules 0 from 600\n 40 sugar 300", stands);
}

#[test]
fn the_choice_that_completes_earliest_is_taken() {
    case(spike(60), "0 meal 10\n 10 sugar 90\n 20 sugar 120\n 30 sugar 130", "open info from 0 at 20 to 20 of r1 r3");
    // And of those the earliest instants: r2 before r3.
    let p = pattern(vec![step(MEAL, None), step(LAB, None), step(SUGAR, high())], 60);
    case(p, "0 meal 10\n 5 lab 1\n 10 lab 1\n 20 sugar 120", "open info from 0 at 20 to 20 of r1 r2 r4");
}

#[test]
fn an_early_choice_that_fails_leaves_the_later_one() {
    // The lab reading at 5 is higher than the sugar, that at 10 is not: the sequence of instants is only second to the conditions.
    let above = compare(first(Ref::Candidate), Compare::Gt, first(Ref::Step(1)));
    let p = pattern(vec![step(MEAL, None), step(LAB, None), step(SUGAR, Some(above))], 60);
    case(p, "0 meal 10\n 5 lab 130\n 10 lab 110\n 20 sugar 120", "open info from 0 at 20 to 20 of r1 r3 r4");
    // The rule's filter is a condition of the choice, too: a later completion can satisfy it.
    let mut r = rule(RuleKind::Match(spike(60)));
    r.filter = Some(sugar(Ref::Step(1), Compare::Ge, 130));
    check(&only(r), "0 meal 10\n 20 sugar 120\n 30 sugar 130", "open info from 0 at 30 to 30 of r1 r3");
}

#[test]
fn every_start_has_its_own_match() {
    // Two starts, one sugar: they share its instant and stand together.
    case(spike(60), "0 meal 10\n 5 meal 10\n 20 sugar 120", "open info from 0 at 20 to 20 of r1 r2 r3");
    case(
        spike(60),
        "0 meal 10\n 10 sugar 120\n 20 meal 10\n 30 sugar 120",
        "open info from 0 at 10 to 10 of r1 r2\n open info from 20 at 30 to 30 of r3 r4",
    );
}

#[test]
fn repeats_are_instants() {
    let three = |in_a_row| pattern(vec![repeated(SUGAR, high(), 3, in_a_row)], 60);
    case(three(false), "0 sugar 120\n 5 sugar 120", "");
    case(three(false), "0 sugar 120\n 5 sugar 120\n 5 sugar 121", "");
    case(three(false), "0 sugar 120\n 5 sugar 120\n 5 sugar 121\n 10 sugar 120", "open info from 0 at 10 to 10 of r1 r2 r3 r4");
    case(three(false), "0 sugar 120\n 5 sugar 90\n 10 sugar 120\n 15 sugar 120", "open info from 0 at 15 to 15 of r1 r3 r4");
    // From 0 to 10 and from 5 to 15: one finding.
    case(three(false), "0 sugar 120\n 5 sugar 120\n 10 sugar 120\n 15 sugar 120", "open info from 0 at 10 to 15 of r1 r2 r3 r4");
}

#[test]
fn in_a_row_suffers_no_other_between() {
    let p = || pattern(vec![repeated(SUGAR, high(), 3, true)], 60);
    case(p(), "0 sugar 120\n 5 sugar 90\n 10 sugar 120\n 15 sugar 120", "");
    case(p(), "0 sugar 120\n 5 sugar 120\n 10 sugar 120", "open info from 0 at 10 to 10 of r1 r2 r3");
    // One that does not fit, at a middle instant that is bound, breaks it; at the first or the last it does not.
    case(p(), "0 sugar 120\n 5 sugar 120\n 5 sugar 90\n 10 sugar 120", "");
    case(p(), "0 sugar 120\n 0 sugar 90\n 5 sugar 120\n 10 sugar 120\n 10 sugar 90", "open info from 0 at 10 to 10 of r1 r3 r4");
    // Another stream does not.
    case(p(), "0 sugar 120\n 3 meal 10\n 5 sugar 120\n 10 sugar 120", "open info from 0 at 10 to 10 of r1 r3 r4");
    // It is about the step's own first and last, not the match's.
    let p = pattern(vec![step(SUGAR, None), repeated(SUGAR, high(), 2, true)], 60);
    case(p, "0 sugar 120\n 5 sugar 90\n 10 sugar 120\n 15 sugar 120", "open info from 0 at 15 to 15 of r1 r2 r3 r4");
}

#[test]
fn what_must_not_come_between() {
    let p = |filter| Pattern { absences: vec![absence(LAB, filter)], ..spike(60) };
    let stands = "open info from 0 at 20 to 20 of r1 r3";
    case(p(None), "0 meal 10\n 10 lab 100\n 20 sugar 120", "");
    // Strictly between: not at the first, not at the last instant.
    case(p(None), "0 meal 10\n 0 lab 100\n 20 sugar 120", stands);
    case(p(None), "0 meal 10\n 20 lab 100\n 20 sugar 120", stands);
    case(p(None), "0 meal 10\n 0+1us lab 100\n 20 sugar 120", "");
    case(p(None), "0 meal 10\n 20-1us lab 100\n 20 sugar 120", "");
    // Only one that its condition is true of.
    let above = Some(sugar(Ref::Candidate, Compare::Gt, 100));
    case(p(above.clone()), "0 meal 10\n 10 lab 100\n 20 sugar 120", stands);
    case(p(above.clone()), "0 meal 10\n 10 lab -\n 20 sugar 120", stands);
    case(p(above), "0 meal 10\n 10 lab 101\n 20 sugar 120", "");
    // The condition may refer to the steps, later ones too.
    let as_the_last = Some(compare(first(Ref::Candidate), Compare::Eq, first(Ref::Step(1))));
    case(p(as_the_last.clone()), "0 meal 10\n 10 lab 119\n 20 sugar 120", stands);
    case(p(as_the_last), "0 meal 10\n 10 lab 120\n 20 sugar 120", "");
}

#[test]
fn its_own_readings_do_not_break_it() {
    let p = Pattern { absences: vec![absence(SUGAR, None)], ..pattern(vec![repeated(SUGAR, high(), 3, false)], 60) };
    case(p.clone(), "0 sugar 120\n 5 sugar 120\n 10 sugar 120", "open info from 0 at 10 to 10 of r1 r2 r3");
    case(p.clone(), "0 sugar 120\n 5 sugar 120\n 7 sugar 90\n 10 sugar 120", "");
    // One that did not fit at a bound instant is none of its own.
    case(p, "0 sugar 120\n 5 sugar 120\n 5 sugar 90\n 10 sugar 120", "");
}

#[test]
fn an_absence_sees_an_interval_wherever_it_overlaps() {
    let p = || Pattern { absences: vec![absence(NAP, None)], ..spike(60) };
    let stands = "open info from 10 at 20 to 20 of r1 r2";
    let meal_and_sugar = "10 meal 10\n 20 sugar 120\n";
    for (nap, is_broken) in [
        ("0..5 nap", false),
        ("0..10 nap", false),
        ("0..10+1us nap", true),
        ("12..14 nap", true),
        ("15..15 nap", true),
        ("10..20 nap", true),
        ("0..30 nap", true),
        ("19..40 nap", true),
        ("20-1us..40 nap", true),
        ("20..40 nap", false),
        ("0.. nap", true),
        ("19.. nap", true),
        ("20.. nap", false),
    ] {
        // An interval that ended later arrives later; what stood is then taken back.
        case(p(), &format!("{meal_and_sugar} @40 {nap}"), if is_broken { "" } else { stands });
        // Nor does it matter that another, of long before, lasted longer.
        case(p(), &format!("{meal_and_sugar} @40 {nap}\n -200..-100 nap"), if is_broken { "" } else { stands });
    }
}

#[test]
fn a_match_of_one_instant_has_no_between() {
    let p = Pattern {
        absences: vec![absence(NAP, None), absence(SUGAR, None)],
        within: None,
        ..pattern(vec![step(SUGAR, high())], 0)
    };
    case(p, "0 sugar 90\n 10 sugar 120\n 10 sugar 90\n 0..20 nap", "open info from 10 at 10 to 10 of r2");
}

#[test]
fn an_interval_is_a_step_at_its_end() {
    let p = pattern(vec![step(NAP, None), step(SUGAR, None)], 60);
    case(p.clone(), "0..10 nap\n 10 sugar 100", "");
    case(p.clone(), "0..10 nap\n 11 sugar 100", "open info from 10 at 11 to 11 of r1 r2");
    case(p, "0.. nap\n 11 sugar 100", "");
    // Bound, it is the match's own for an absence, though it overlaps.
    let p = Pattern { absences: vec![absence(NAP, None)], ..pattern(vec![step(SUGAR, None), step(NAP, None)], 60) };
    case(p.clone(), "0 sugar 100\n 5..10 nap", "open info from 0 at 10 to 10 of r1 r2");
    case(p, "0 sugar 100\n 5..10 nap\n 6..11 nap", "");
}

#[test]
fn the_own_reading_of_a_later_choice_may_be_forbidden_to_an_earlier_one() {
    // From the first sugar the earliest completion is 10; nothing lies between.
    let p = Pattern { absences: vec![absence(MEAL, None)], ..pattern(vec![step(SUGAR, None), step(SUGAR, high())], 60) };
    case(p, "0 sugar 90\n 5 meal 10\n 10 sugar 120\n 15 sugar 130", "open info from 10 at 15 to 15 of r3 r4");
}

#[test]
fn conditions_of_steps_look_back_from_the_candidate() {
    // No more than one sugar in the ten minutes up to the candidate, itself included.
    let count = value_of(window(Func::Count, SUGAR, Measure::Itself, 10));
    let alone = compare(count, Compare::Le, Expr::number(1));
    let p = pattern(vec![step(MEAL, None), step(SUGAR, Some(alone))], 60);
    case(p.clone(), "0 meal 10\n 5 sugar 90\n 14 sugar 90\n 25 sugar 90", "open info from 0 at 5 to 5 of r1 r2");
    // At 5 it is the second in (-5, 5]; just before 15 that at 5 is still inside (5 - 1 us, 15 - 1 us], at 15 not any more.
    case(p.clone(), "0 sugar 90\n 0 meal 10\n 5 sugar 90\n 15-1us sugar 90\n", "");
    case(p, "0 sugar 90\n 0 meal 10\n 5 sugar 90\n 15 sugar 90\n", "open info from 0 at 15 to 15 of r2 r4");
}

/// A meal and then a high sugar, of which the whole is asked something.
fn spike_where(filter: Expr) -> [vitalog_cep::plan::Library; 1] {
    let mut r = rule(RuleKind::Match(spike(60)));
    r.filter = Some(filter);
    only(r)
}

fn some_lab(anchor: Anchor) -> Expr {
    let count = window(Func::Count, LAB, Measure::Itself, 30);
    compare(value_of(Window { anchor, ..count }), Compare::Gt, Expr::number(0))
}

#[test]
fn what_hangs_on_the_first_step_is_asked_where_it_begins_and_the_rest_where_it_ends() {
    let stands = "open info from 0 at 20 to 20 of r1 r3";
    // What comes in between is seen by the end alone.
    check(&spike_where(some_lab(Anchor::Decision)), "0 meal 10\n 10 lab 1\n 20 sugar 120", stands);
    check(&spike_where(some_lab(Anchor::Before(0))), "0 meal 10\n 10 lab 1\n 20 sugar 120", "");
    check(&spike_where(some_lab(Anchor::Before(1))), "0 meal 10\n 10 lab 1\n 20 sugar 120", stands);
    let behind = "open info from 0 at 20 to 20 of r1 r2";
    // What lay before is, however late it is known, and for as long as it is there.
    let before = || spike_where(some_lab(Anchor::Before(0)));
    check(&before(), "-10 lab 1\n 0 meal 10\n 20 sugar 120", "open info from 0 at 20 to 20 of r2 r3");
    check(&before(), "0 meal 10\n -10 lab 1\n 20 sugar 120", stands);
    check(&before(), "0 meal 10\n 20 sugar 120\n -10 lab 1", behind);
    check(&before(), "0 meal 10\n 20 sugar 120\n -10 lab 1\n remove r3", "");
    check(&before(), "0 meal 10\n -10 lab 1\n remove r2\n 20 sugar 120", "");
    // With other parts beside it, and through a `let`.
    let both = Expr::And(vec![some_lab(Anchor::Before(0)), some_lab(Anchor::Decision)]);
    check(&spike_where(both.clone()), "-10 lab 1\n 0 meal 10\n 15 lab 1\n 20 sugar 120", "open info from 0 at 20 to 20 of r2 r4");
    check(&spike_where(both), "-10 lab 1\n 0 meal 10\n 25 sugar 120", "");
    for (anchor, found) in [(Anchor::Decision, true), (Anchor::Before(0), false)] {
        let mut r = rule(RuleKind::Match(spike(60)));
        r.lets = vec![value_of(Window { anchor, ..window(Func::Count, LAB, Measure::Itself, 30) }), Expr::Let(0)];
        r.filter = Some(compare(Expr::Let(1), Compare::Gt, Expr::number(0)));
        check(&only(r), "0 meal 10\n 10 lab 1\n 20 sugar 120", if found { stands } else { "" });
    }
}

#[test]
fn the_profile_and_the_instant_are_those_of_the_end() {
    // Asked of the whole, a profile field is that of the decision.
    let target = |op| compare(Expr::Profile(TARGET), op, Expr::number(80 * crate::world::Kind::Glucose.atoms()));
    let input = "profile target 70 from 0\n 0 meal 10\n profile target 90 from 10\n 20 sugar 120";
    check(&spike_where(target(Compare::Gt)), input, "open info from 0 at 20 to 20 of r1 r2");
    check(&spike_where(target(Compare::Lt)), input, "");
    let later = Expr::Arith { op: Arith::Sub, left: Box::new(Expr::Now), right: Box::new(Expr::Onset) };
    let later = || compare(later.clone(), Compare::Ge, Expr::number(600_000_000));
    check(&spike_where(later()), "0 meal 10\n 5 sugar 120", "");
    check(&spike_where(later()), "0 meal 10\n 15 sugar 120", "open info from 0 at 15 to 15 of r1 r2");
}

#[test]
fn what_another_stream_begins_is_seen_whatever_came_while_nothing_had_begun() {
    // High all along: it is not asked again until a meal comes.
    let mut input: Vec<String> = (0..40).map(|i| format!("{i} sugar 150")).collect();
    input.push("40 meal 10\n 41 sugar 150\n 42 sugar 150".to_owned());
    check(&only(rule(RuleKind::Match(spike(60)))), &input.join("\n"), "open info from 40 at 41 to 41 of r41 r42");
    // A meal behind the newest sugar is late for what came after it.
    let mut input: Vec<String> = (0..40).map(|i| format!("{i} sugar 150")).collect();
    input.push("30+1us meal 10\n 41 sugar 150".to_owned());
    check(&only(rule(RuleKind::Match(spike(60)))), &input.join("\n"), "open info from 30+1us at 31 to 31 of r32 r41");
    // One whose hour is over completes nothing, and the next one does.
    let lines = "0 meal 10\n 70 sugar 150\n 80 sugar 150\n 90 meal 10\n 95 sugar 90\n 100 sugar 150";
    check(&only(rule(RuleKind::Match(spike(60)))), lines, "open info from 90 at 100 to 100 of r4 r6");
}
