//! Episodes: when they open, end, lapse, and what starts them again.

use vitalog_cep::plan::{Arith, Compare, Episode, Expr, Func, Measure, Piece, Ref, RuleKind, Show, Wording};
use vitalog_elog::{Severity, Span};

use super::build::*;
use super::table::check;
use crate::world::{F1, NAP, SUGAR};

fn low() -> Expr {
    sugar(Ref::Driver, Compare::Lt, 70)
}

fn high_again() -> Expr {
    sugar(Ref::Driver, Compare::Ge, 80)
}

fn case(e: Episode, input: &str, stands: &str) {
    check(&only(rule(RuleKind::Episode(e))), input, stands);
}

#[test]
fn without_hold_it_opens_and_ends_at_once() {
    let e = || episode(SUGAR, low());
    case(e(), "0 sugar 70", "");
    case(e(), "0 sugar 69", "open info from 0 at 0 of r1");
    case(e(), "0 sugar 69\n 5 sugar 60", "open info from 0 at 0 of r1");
    case(e(), "0 sugar 69\n 5 sugar 70", "resolved info from 0 at 0 to 5 known 5 of r1");
    // The decision that resolves it starts nothing; the next may.
    case(
        e(),
        "0 sugar 69\n 5 sugar 70\n 10 sugar 69",
        "resolved info from 0 at 0 to 5 known 5 of r1\n open info from 10 at 10 of r3",
    );
}

#[test]
fn the_run_must_last_the_span() {
    let e = || Episode { hold: hold(15, 15), ..episode(SUGAR, low()) };
    case(e(), "0 sugar 60\n 10 sugar 60\n 15-1us sugar 60", "");
    case(e(), "0 sugar 60\n 10 sugar 60\n 15 sugar 60", "open info from 0 at 15 of r1 r2 r3");
    case(e(), "0 sugar 60\n 10 sugar 70\n 15 sugar 60\n 29 sugar 60", "");
    case(e(), "0 sugar 60\n 10 sugar 70\n 15 sugar 60\n 30 sugar 60", "open info from 15 at 30 of r3 r4");
    // The clock alone fulfils nothing.
    case(e(), "0 sugar 60\n @30 tick", "");
}

#[test]
fn a_gap_restarts_the_run_where_it_is_wider_than_allowed() {
    let e = || Episode { hold: hold(15, 10), ..episode(SUGAR, low()) };
    case(e(), "0 sugar 60\n 10 sugar 60\n 20 sugar 60", "open info from 0 at 20 of r1 r2 r3");
    case(e(), "0 sugar 60\n 10 sugar 60\n 20+1us sugar 60", "");
    case(e(), "0 sugar 60\n 10 sugar 60\n 21 sugar 60\n 31 sugar 60\n 36 sugar 60", "open info from 21 at 36 of r3 r4 r5");
    // A gap with a span shorter than itself: the second decision is a new start.
    case(Episode { hold: hold(5, 5), ..episode(SUGAR, low()) }, "0 sugar 60\n 10 sugar 60", "");
}

#[test]
fn a_run_that_rests_is_broken_by_a_gap_and_by_its_lapse() {
    let readings = "0 sugar 90\n 5 sugar 60\n 35 sugar 60\n 45 sugar 60\n 55 sugar 60\n 65 sugar 60";
    let whole = Episode { hold: hold(60, 30), ..episode(SUGAR, low()) };
    case(whole, readings, "open info from 5 at 65 of r2 r3 r4 r5 r6");
    case(Episode { hold: hold(60, 29), ..episode(SUGAR, low()) }, readings, "");
    let lapse = |minutes| Episode { hold: hold(60, 60), lapse: Some(Span::minutes(minutes)), ..episode(SUGAR, low()) };
    case(lapse(30), readings, "open info from 5 at 65 of r2 r3 r4 r5 r6");
    case(lapse(29), readings, "");
    // A microsecond more than is allowed.
    let later = "0 sugar 90\n 5 sugar 60\n 35+1us sugar 60\n 45 sugar 60\n 55 sugar 60\n 65 sugar 60";
    case(Episode { hold: hold(60, 30), ..episode(SUGAR, low()) }, later, "");
    case(lapse(30), later, "");
}

#[test]
fn an_open_one_that_rests_ends_at_the_first_reading_out_of_bounds() {
    let ends = |when: Expr, value: i64| {
        let readings = "5 sugar 60\n 10 sugar 60\n 15 sugar 60\n 20 sugar 60";
        case(episode(SUGAR, when.clone()), readings, "open info from 5 at 5 of r1");
        let stands = "resolved info from 5 at 5 to 25 known 25 of r1";
        case(episode(SUGAR, when), &format!("{readings}\n 25 sugar {value}"), stands);
    };
    let above = || sugar(Ref::Driver, Compare::Gt, 50);
    for value in [70, 50] {
        ends(Expr::And(vec![low(), above()]), value);
        ends(Expr::And(vec![above(), low()]), value);
    }
    let mirrored = |n, op| compare(mg_dl(n), op, first(Ref::Driver));
    ends(mirrored(70, Compare::Gt), 70);
    ends(mirrored(50, Compare::Lt), 50);
    for value in [69, 51] {
        let (low, high) = (Box::new(mg_dl(52)), Box::new(mg_dl(68)));
        ends(Expr::Between { value: Box::new(first(Ref::Driver)), low, high }, value);
    }
    // One of two suffices as long as it is true.
    for other in [above(), sugar(Ref::Driver, Compare::Eq, 60)] {
        ends(Expr::And(vec![low(), Expr::Or(vec![sugar(Ref::Driver, Compare::Gt, 80), other])]), 50);
    }
}

#[test]
fn an_unknown_decision_breaks_a_run_and_resolves_nothing() {
    let mood = || compare(field(Ref::Driver, F1), Compare::Eq, Expr::Enum(0));
    let e = || Episode { hold: hold(10, 10), ..episode(SUGAR, mood()) };
    case(e(), "0 sugar 60 low\n 5 sugar 60 -\n 10 sugar 60 low", "");
    case(episode(SUGAR, mood()), "0 sugar 60 low\n 5 sugar 60 -", "open info from 0 at 0 of r1");
    case(episode(SUGAR, mood()), "0 sugar 60 low\n 5 sugar 60 mid", "resolved info from 0 at 0 to 5 known 5 of r1");
}

#[test]
fn readings_of_one_instant_are_one_decision() {
    // It holds if it holds for one of them; only those are evidence.
    case(episode(SUGAR, low()), "0 sugar 60\n 0 sugar 90\n 0 sugar 61", "open info from 0 at 0 of r1 r3");
    // It ends only where it holds for none.
    case(episode(SUGAR, low()), "0 sugar 60\n 5 sugar 90\n 5 sugar 60", "open info from 0 at 0 of r1");
    case(episode(SUGAR, low()), "0 sugar 60\n 5 sugar 90\n 5 sugar 91", "resolved info from 0 at 0 to 5 known 5 of r1");
    // A given end holds if it holds for one.
    let until = Episode { until: Some(high_again()), ..episode(SUGAR, low()) };
    case(until, "0 sugar 60\n 5 sugar 60\n 5 sugar 80", "resolved info from 0 at 0 to 5 known 5 of r1");
}

#[test]
fn an_end_of_its_own() {
    let e = || Episode { until: Some(high_again()), ..episode(SUGAR, low()) };
    case(e(), "0 sugar 60\n 5 sugar 79", "open info from 0 at 0 of r1");
    case(e(), "0 sugar 60\n 5 sugar 79\n 10 sugar 80", "resolved info from 0 at 0 to 10 known 10 of r1");
    // It is not looked at in the decision that opens.
    let at_once = Episode { until: Some(Expr::Bool(true)), ..episode(SUGAR, low()) };
    case(at_once, "0 sugar 60", "open info from 0 at 0 of r1");
}

#[test]
fn an_end_that_must_last() {
    let e = || Episode { until: Some(high_again()), until_hold: hold(15, 10), ..episode(SUGAR, low()) };
    let open = "open info from 0 at 0 of r1";
    case(e(), "0 sugar 60\n 5 sugar 80\n 12 sugar 80\n 20-1us sugar 80", open);
    case(e(), "0 sugar 60\n 5 sugar 80\n 12 sugar 80\n 20 sugar 80", "resolved info from 0 at 0 to 5 known 20 of r1");
    // Broken by a reading for which it does not hold, it begins anew.
    case(e(), "0 sugar 60\n 5 sugar 80\n 12 sugar 79\n 20 sugar 80", open);
    // Broken by a gap, it begins anew after it.
    case(e(), "0 sugar 60\n 5 sugar 80\n 15+1us sugar 80\n 21 sugar 80", open);
    case(
        e(),
        "0 sugar 60\n 5 sugar 80\n 16 sugar 80\n 26 sugar 80\n 31 sugar 80",
        "resolved info from 0 at 0 to 16 known 31 of r1",
    );
    case(e(), "0 sugar 60\n 5 sugar 80\n 15 sugar 80\n 20 sugar 80", "resolved info from 0 at 0 to 5 known 20 of r1");
}

#[test]
fn a_silent_driver_lets_it_lapse() {
    let e = || Episode { lapse: Some(Span::minutes(10)), ..episode(SUGAR, low()) };
    let lapsed = "lapsed info from 0 at 0 to 0 known 10 of r1";
    case(e(), "0 sugar 60\n @10-1us tick", "open info from 0 at 0 of r1");
    case(e(), "0 sugar 60\n @10 tick", lapsed);
    // A reading at exactly the end of the wait keeps it going, even if it is late.
    case(e(), "0 sugar 60\n 10 sugar 60", "open info from 0 at 0 of r1");
    case(e(), "0 sugar 60\n @10 tick\n 10 sugar 60", "open info from 0 at 0 of r1");
    case(
        e(),
        "0 sugar 60\n 10+1us sugar 60",
        "lapsed info from 0 at 0 to 0 known 10 of r1\n open info from 10+1us at 10+1us of r2",
    );
    // It is the driver that must speak, no other stream.
    case(e(), "0 sugar 60\n 5 meal 30\n @10 tick", lapsed);
    // The last decision counts, not the first.
    case(e(), "0 sugar 60\n 8 sugar 60\n @18 tick", "lapsed info from 0 at 0 to 8 known 18 of r1");
    // What had ended has nothing to lapse.
    case(e(), "0 sugar 60\n 5 sugar 90\n @30 tick", "resolved info from 0 at 0 to 5 known 5 of r1");
}

#[test]
fn a_lapse_forgets_runs() {
    // A run that has not opened is forgotten, though its gap would allow the wait.
    let e = || Episode { hold: hold(15, 20), lapse: Some(Span::minutes(10)), ..episode(SUGAR, low()) };
    case(e(), "0 sugar 60\n 10 sugar 60\n 15 sugar 60", "open info from 0 at 15 of r1 r2 r3");
    case(e(), "0 sugar 60\n 11 sugar 60\n 15 sugar 60", "");
    // And so is a run towards the end.
    let e =
        Episode { until: Some(high_again()), until_hold: hold(10, 30), lapse: Some(Span::minutes(10)), ..episode(SUGAR, low()) };
    case(e, "0 sugar 60\n 5 sugar 80\n 16 sugar 80", "lapsed info from 0 at 0 to 5 known 15 of r1");
}

#[test]
fn a_filter_is_asked_until_it_holds() {
    let mut r = rule(RuleKind::Episode(Episode { hold: hold(5, 5), ..episode(SUGAR, low()) }));
    r.filter = Some(sugar(Ref::Driver, Compare::Lt, 65));
    let rules = only(r);
    check(&rules, "0 sugar 60\n 5 sugar 66\n 10 sugar 67", "");
    check(&rules, "0 sugar 60\n 5 sugar 66\n 10 sugar 64\n 15 sugar 69", "open info from 0 at 10 of r1 r2 r3");
    check(&rules, "0 sugar 60\n 5 sugar 66\n 10 sugar 71\n 15 sugar 60", "");
}

#[test]
fn the_gravest_of_its_decisions_counts() {
    let mut r = rule(RuleKind::Episode(Episode { hold: hold(5, 5), until: Some(high_again()), ..episode(SUGAR, low()) }));
    r.grades.push(grade(Severity::Urgent, sugar(Ref::Driver, Compare::Lt, 54)));
    r.grades.push(grade(Severity::Warning, sugar(Ref::Driver, Compare::Lt, 60)));
    r.say = vec![hole(first(Ref::Driver), Show::Quantity(crate::world::unit(vitalog_elog::Dimension::Glucose)))];
    let rules = only(r);
    // Before the opening nothing counts.
    check(&rules, "0 sugar 50\n 5 sugar 61", "open info from 0 at 5 of r1 r2 say 61 mg/dL");
    check(&rules, "0 sugar 65\n 5 sugar 55\n 10 sugar 58", "open warning from 0 at 5 of r1 r2 say 55 mg/dL");
    // A rise is told with the text of its decision; a fall changes nothing.
    check(&rules, "0 sugar 65\n 5 sugar 65\n 10 sugar 50\n 15 sugar 59", "open urgent from 0 at 5 of r1 r2 say 50 mg/dL");
    // The decision that resolves it counts as well.
    let ending = "0 sugar 65\n 5 sugar 65\n 10 sugar 50\n 10 sugar 80";
    check(&rules, ending, "resolved urgent from 0 at 5 to 10 known 10 of r1 r2 say 65 mg/dL");
}

#[test]
fn what_makes_it_graver_with_its_age_does_so_to_the_microsecond() {
    let graver = |op, value: i64| {
        let mut r = rule(RuleKind::Episode(Episode { until: Some(high_again()), ..episode(SUGAR, low()) }));
        let old = compare(arith(Expr::Now, Arith::Sub, Expr::Onset), op, minutes(30));
        r.grades.push(grade(Severity::Urgent, Expr::And(vec![sugar(Ref::Driver, Compare::Lt, value), old])));
        only(r)
    };
    // Enough of them that it rests.
    let readings = "0 sugar 60\n 4 sugar 60\n 8 sugar 60\n 12 sugar 60\n 16 sugar 60\n 20 sugar 60\n 24 sugar 60";
    let (info, urgent) = ("open info from 0 at 0 of r1", "open urgent from 0 at 0 of r1");
    for (op, last, stands) in
        [(Compare::Ge, "30-1us", info), (Compare::Ge, "30", urgent), (Compare::Gt, "30", info), (Compare::Gt, "30+1us", urgent)]
    {
        check(&graver(op, 70), &format!("{readings}\n {last} sugar 60"), stands);
        check(&graver(op, 60), &format!("{readings}\n {last} sugar 60"), info);
    }
}

#[test]
fn an_interval_decides_at_its_end() {
    let deep = compare(first(Ref::Driver), Compare::Eq, Expr::Enum(2));
    case(episode(NAP, deep.clone()), "0..10 nap high", "open info from 10 at 10 of r1");
    case(episode(NAP, deep), "0.. nap high", "");
}

#[test]
fn other_streams_come_in_through_windows() {
    let meals = value_of(window(Func::Count, crate::world::MEAL, Measure::Itself, 10));
    let e = || episode(SUGAR, compare(meals.clone(), Compare::Ge, Expr::number(1)));
    case(e(), "0 meal 30\n 10-1us sugar 60", "open info from 10-1us at 10-1us of r2");
    case(e(), "0 meal 30\n 10 sugar 60", "");
    // A meal is no decision of a sugar episode.
    case(e(), "0 sugar 60\n 5 meal 30", "");
}

#[test]
fn what_others_are_told_is_made_when_the_text_is() {
    let below = |n: i64| hole(sugar(Ref::Driver, Compare::Lt, n), Show::Bool);
    let mut r = rule(RuleKind::Episode(episode(SUGAR, low())));
    r.grades.push(grade(Severity::Urgent, sugar(Ref::Driver, Compare::Lt, 54)));
    r.say = vec![below(54)];
    r.wordings = vec![Wording { to: "kin".into(), say: vec![Piece::Text("below 61: ".into()), below(61)] }];
    let told = |input: &str, told: &str| check(&only(r.clone()), input, told);
    told("0 sugar 65", "open info from 0 at 0 of r1 say no [to kin: below 61: no]");
    told("0 sugar 65\n 5 sugar 60", "open info from 0 at 0 of r1 say no [to kin: below 61: no]");
    told("0 sugar 65\n 5 sugar 50", "open urgent from 0 at 0 of r1 say yes [to kin: below 61: yes]");
    // What changes only for them is told anew, too.
    told("0 sugar 65 as a\n @5 0 sugar 60 as a rev 2", "open info from 0 at 0 of a say no [to kin: below 61: yes]");
}

#[test]
fn a_reading_at_the_instant_of_a_lapse_takes_it_back() {
    let mut e = episode(SUGAR, sugar(Ref::Driver, Compare::Gt, 100));
    (e.until_hold, e.lapse) = (hold(15, 15), Some(Span::minutes(10)));
    let rules = only(rule(RuleKind::Episode(e)));
    // The reading of 5 comes when the lapse it leads to is just due.
    check(&rules, "0 sugar 120\n @15 5 sugar 70", "lapsed info from 0 at 0 to 5 known 15 of r1");
    check(&rules, "0 sugar 120\n @15 5 sugar 70\n 15 sugar 90", "open info from 0 at 0 of r1");
    check(&rules, "0 sugar 120\n @15 5 sugar 70\n 15+1us sugar 90", "lapsed info from 0 at 0 to 5 known 15 of r1");
}

/// A reading in order that comes long after its instant: the clock has passed where it lapses, and no deadline was noted for it.
#[test]
fn what_opens_when_the_clock_has_passed_its_lapse_has_lapsed() {
    let e = || Episode { lapse: Some(Span::minutes(10)), ..episode(SUGAR, low()) };
    case(e(), "0 sugar 90\n @15 5 sugar 60", "lapsed info from 5 at 5 to 5 known 15 of r2");
    case(e(), "0 sugar 90\n @15-1us 5 sugar 60", "open info from 5 at 5 of r2");
    let stays = Episode { until: Some(high_again()), until_hold: hold(10, 30), ..e() };
    case(stays, "0 sugar 60\n @15 5 sugar 90", "lapsed info from 0 at 0 to 5 known 15 of r1");
}
