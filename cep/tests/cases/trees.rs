//! Trees of steps: `and`, `or`, `next`, groups, repeats of groups, starts and ends, which choices are matches.

use vitalog_cep::plan::{Compare, Edge, Expr, Node, Part, Pattern, Ref, RuleKind, Select, Step};

use super::build::*;
use super::table::check;
use crate::world::{LAB, MEAL, NAP, SUGAR};

fn case(p: Pattern, input: &str, stands: &str) {
    check(&only(rule(RuleKind::Match(p))), input, stands);
}

fn above(n: i64) -> Option<Expr> {
    Some(sugar(Ref::Candidate, Compare::Gt, n))
}

#[test]
fn and_is_any_order_and_one_instant_too() {
    let p = || tree(vec![step(MEAL, None), step(SUGAR, None)], Node::And(vec![leaf(0), leaf(1)]), 30);
    case(p(), "0 meal 10\n 5 sugar 90", "open info from 0 at 5 to 5 of r1 r2");
    case(p(), "0 sugar 90\n 5 meal 10", "open info from 0 at 5 to 5 of r1 r2");
    case(p(), "0 sugar 90\n 0 meal 10", "open info from 0 at 0 to 0 of r1 r2");
    // Within is strict here, too.
    case(p(), "0 sugar 90\n 30 meal 10", "");
    case(p(), "0 sugar 90\n 30-1us meal 10", "open info from 0 at 30-1us to 30-1us of r1 r2");
}

#[test]
fn what_follows_an_and_is_later_than_all_of_it() {
    let both = group(Node::And(vec![leaf(0), leaf(1)]), vec![], 0);
    let p = || tree(vec![step(MEAL, None), step(LAB, None), step(SUGAR, None)], seq(both.clone(), vec![Part::Then(leaf(2))]), 60);
    case(p(), "0 lab 1\n 5 sugar 90\n 10 meal 10\n 15 sugar 90", "open info from 0 at 15 to 15 of r1 r3 r4");
    case(p(), "0 lab 1\n 10 meal 10\n 10 sugar 90", "");
}

#[test]
fn no_reading_serves_two_steps() {
    let high = || tree(vec![step(SUGAR, above(100)), step(SUGAR, above(90))], Node::And(vec![leaf(0), leaf(1)]), 30);
    case(high(), "0 sugar 120", "");
    // The first step takes what fits it; the second is left with the other.
    case(high(), "0 sugar 120\n 0 sugar 95", "open info from 0 at 0 to 0 of r1 r2");
    case(high(), "0 sugar 120\n 0 sugar 130", "");
    // An interval that starts and ends is one reading.
    let starts = Step { edge: Edge::Start, ..step(NAP, None) };
    let p = || tree(vec![starts.clone(), step(NAP, None)], in_turn(&[0, 1]), 60);
    case(p(), "0..10 nap", "");
    case(p(), "0..10 nap\n 5..20 nap", "open info from 0 at 10 to 20 of r1 r2");
}

#[test]
fn of_an_or_what_fits_at_the_instant_binds_in_one_match() {
    let p = || tree(vec![step(MEAL, None), step(LAB, None)], Node::Or(vec![leaf(0), leaf(1)]), 0);
    case(p(), "0 meal 10", "open info from 0 at 0 to 0 of r1");
    case(p(), "0 lab 1", "open info from 0 at 0 to 0 of r1");
    case(p(), "0 lab 1\n 0 meal 10", "open info from 0 at 0 to 0 of r1 r2");
    case(p(), "0 lab 1\n 5 meal 10", "open info from 0 at 0 to 0 of r1\n open info from 5 at 5 to 5 of r2");
    // Two that ask for the same reading: the first has it.
    let p = tree(vec![step(SUGAR, above(100)), step(SUGAR, above(90))], Node::Or(vec![leaf(0), leaf(1)]), 0);
    let mut r = rule(RuleKind::Match(p));
    r.filter = Some(Expr::IsKnown(Box::new(first(Ref::Step(1)))));
    check(&only(r.clone()), "0 sugar 120", "");
    check(&only(r.clone()), "0 sugar 95", "open info from 0 at 0 to 0 of r1");
    check(&only(r), "0 sugar 120\n 0 sugar 95", "open info from 0 at 0 to 0 of r1 r2");
}

#[test]
fn in_the_middle_the_earliest_of_the_alternatives_is_taken() {
    let or = Node::Or(vec![leaf(1), leaf(2)]);
    let steps = || vec![step(MEAL, None), step(LAB, None), step(NAP, None), step(SUGAR, None)];
    let p = tree(steps(), seq(leaf(0), vec![Part::Then(group(or, vec![], 0)), Part::Then(leaf(3))]), 60);
    case(p, "0 meal 10\n 3..5 nap\n 10 lab 1\n 20 sugar 90", "open info from 0 at 20 to 20 of r1 r2 r4");
    // Longer alternatives: the first written that completes then.
    let long = Node::Or(vec![group(in_turn(&[1, 2]), vec![], 0), leaf(3)]);
    let steps = vec![step(MEAL, None), step(LAB, None), step(LAB, None), step(LAB, None)];
    let p = || tree(steps.clone(), seq(leaf(0), vec![Part::Then(long.clone())]), 60);
    case(p(), "0 meal 10\n 5 lab 1", "open info from 0 at 5 to 5 of r1 r2");
    let after = Node::Or(vec![group(in_turn(&[1, 2]), vec![], 0), leaf(3)]);
    let steps = vec![step(MEAL, None), step(LAB, None), step(LAB, None), step(LAB, None), step(SUGAR, None)];
    let p = tree(steps, seq(leaf(0), vec![Part::Then(after), Part::Then(leaf(4))]), 60);
    case(p, "0 meal 10\n 5 lab 1\n 7 lab 2\n 9 sugar 90", "open info from 0 at 9 to 9 of r1 r2 r3 r4");
}

#[test]
fn next_is_the_next_reading_of_any_named_stream() {
    let p = || tree(vec![step(MEAL, None), step(SUGAR, above(100))], seq(leaf(0), vec![Part::Next(leaf(1))]), 60);
    case(p(), "0 meal 10\n 5 sugar 120", "open info from 0 at 5 to 5 of r1 r2");
    // One that does not fit is the next all the same; another meal is, too; a stream that is not named is not.
    case(p(), "0 meal 10\n 5 sugar 90\n 10 sugar 120", "");
    case(p(), "0 meal 10\n 3 meal 10\n 5 sugar 120", "open info from 3 at 5 to 5 of r2 r3");
    case(p(), "0 meal 10\n 3 lab 1\n 5 sugar 120", "open info from 0 at 5 to 5 of r1 r3");
    // One instant: the one that fits stands beside one that does not.
    case(p(), "0 meal 10\n 5 sugar 90\n 5 sugar 120", "open info from 0 at 5 to 5 of r1 r3");
    // A late reading comes between.
    case(p(), "0 meal 10\n 5 sugar 120\n 2 sugar 90", "");
    case(p(), "0 meal 10\n 0 sugar 120", "");
}

#[test]
fn a_group_has_bounds_of_its_own() {
    let inner = |absences, within| group(in_turn(&[0, 1]), absences, within);
    let p = |absences, within| {
        let steps = vec![step(MEAL, None), step(SUGAR, above(100)), step(SUGAR, None)];
        tree(steps, seq(inner(absences, within), vec![Part::Then(leaf(2))]), 120)
    };
    let stands = "open info from 0 at 30 to 30 of r1 r2 r3";
    case(p(vec![], 10), "0 meal 10\n 10-1us sugar 120\n 30 sugar 90", stands);
    case(p(vec![], 10), "0 meal 10\n 10 sugar 120\n 30 sugar 90", "");
    // Its absence looks between its own first and last.
    case(p(vec![absence(LAB, None)], 0), "0 meal 10\n 9 sugar 120\n 30 sugar 90\n 20 lab 1", stands);
    case(p(vec![absence(LAB, None)], 0), "0 meal 10\n 9 sugar 120\n 30 sugar 90\n 5 lab 1", "");
    // Alone it needs no other bound.
    let p = tree(vec![step(MEAL, None), step(SUGAR, None)], inner(vec![], 10), 0);
    case(p, "0 meal 10\n 9 sugar 120", "open info from 0 at 9 to 9 of r1 r2");
}

#[test]
fn a_groups_absence_does_not_see_what_another_part_bound() {
    let inner = group(in_turn(&[0, 1]), vec![absence(LAB, None)], 0);
    let p = |n| tree(vec![step(MEAL, None), step(SUGAR, None), step(LAB, None)], Node::And(vec![inner.clone(), leaf(2)]), n);
    case(p(60), "0 meal 10\n 5 lab 1\n 10 sugar 120", "open info from 0 at 10 to 10 of r1 r2 r3");
    case(p(60), "0 meal 10\n 5 lab 1\n 6 lab 1\n 10 sugar 120", "");
}

#[test]
fn a_group_repeated_is_one_after_the_other() {
    let twice = Node::Repeat { node: Box::new(group(in_turn(&[0, 1]), vec![], 10)), count: 2 };
    let p = || tree(vec![step(MEAL, None), step(SUGAR, above(100))], twice.clone(), 120);
    case(p(), "0 meal 10\n 5 sugar 120\n 20 meal 10\n 25 sugar 130", "open info from 0 at 25 to 25 of r1 r2 r3 r4");
    case(p(), "0 meal 10\n 5 sugar 120\n 5 meal 10\n 9 sugar 130", "");
    case(p(), "0 meal 10\n 5 sugar 120\n 5+1us meal 10\n 9 sugar 130", "open info from 0 at 9 to 9 of r1 r2 r3 r4");
    // Outside it a name is the last round, an aggregate all.
    let mut r = rule(RuleKind::Match(p()));
    let count = Expr::Bound { func: vitalog_cep::plan::Func::Count, step: 1, what: vitalog_cep::plan::Measure::Itself };
    r.filter = Some(Expr::And(vec![
        compare(count, Compare::Eq, Expr::number(2)),
        compare(first(Ref::Step(1)), Compare::Eq, mg_dl(130)),
    ]));
    check(&only(r), "0 meal 10\n 5 sugar 120\n 20 meal 10\n 25 sugar 130", "open info from 0 at 25 to 25 of r1 r2 r3 r4");
}

#[test]
fn an_interval_starts_and_ends() {
    let starts = |filter| Step { edge: Edge::Start, ..step(NAP, filter) };
    let p = || tree(vec![starts(None), step(SUGAR, None)], in_turn(&[0, 1]), 30);
    // Also one that goes on.
    case(p(), "0.. nap\n 5 sugar 90", "open info from 0 at 5 to 5 of r1 r2");
    case(p(), "0..20 nap\n 5 sugar 90", "open info from 0 at 5 to 5 of r1 r2");
    case(p(), "0..20 nap\n 25 sugar 90", "open info from 0 at 25 to 25 of r1 r2");
    // Its end is not its start.
    let ends = tree(vec![step(NAP, None), step(SUGAR, None)], in_turn(&[0, 1]), 30);
    case(ends.clone(), "0..20 nap\n 5 sugar 90", "");
    case(ends, "0..20 nap\n 25 sugar 90", "open info from 20 at 25 to 25 of r1 r2");
    // It ends at last: the start stays, an amendment may move it.
    case(p(), "0.. nap as n\n 5 sugar 90\n 0..50 nap as n rev 2", "open info from 0 at 5 to 5 of n r2");
    case(p(), "0.. nap as n\n 5 sugar 90\n 6..50 nap as n rev 2", "");
    // Where it goes on, it has a start and no end.
    let known = |what| Some(Expr::IsKnown(Box::new(get(Ref::Candidate, what))));
    use vitalog_cep::plan::Measure;
    for (what, fits) in [(Measure::Start, true), (Measure::At, false), (Measure::Duration, false)] {
        let p = tree(vec![starts(known(what)), step(SUGAR, None)], in_turn(&[0, 1]), 30);
        case(p.clone(), "0.. nap\n 5 sugar 90", if fits { "open info from 0 at 5 to 5 of r1 r2" } else { "" });
        case(p, "0..50 nap\n 5 sugar 90", "open info from 0 at 5 to 5 of r1 r2");
    }
}

#[test]
fn first_and_previous_are_the_other_repeats() {
    let rising = |named| Some(compare(first(Ref::Candidate), Compare::Gt, first(named)));
    let p = |named, in_a_row| {
        let step = Step { again: rising(named), in_a_row, ..repeated(SUGAR, None, 3, false) };
        Pattern { select: Select::Disjoint, ..tree(vec![step], seq(leaf(0), vec![]), 60) }
    };
    case(
        p(Ref::Previous, false),
        "0 sugar 90\n 5 sugar 80\n 10 sugar 95\n 15 sugar 96",
        "open info from 0 at 15 to 15 of r1 r3 r4",
    );
    // From 5 on, too: 80, 95, 96.
    case(
        p(Ref::Previous, true),
        "0 sugar 90\n 5 sugar 80\n 10 sugar 95\n 15 sugar 96",
        "open info from 5 at 15 to 15 of r2 r3 r4",
    );
    // Above the first, not each above the one before.
    case(p(Ref::First, false), "0 sugar 90\n 5 sugar 99\n 10 sugar 95", "open info from 0 at 10 to 10 of r1 r2 r3");
    // `first` is asked of the first repeat, too: of the reading itself.
    let same = Some(compare(first(Ref::Candidate), Compare::Eq, first(Ref::First)));
    let p = tree(vec![repeated(SUGAR, same, 2, false)], seq(leaf(0), vec![]), 60);
    case(p, "0 sugar 90\n 5 sugar 99\n 10 sugar 90", "open info from 0 at 10 to 10 of r1 r3");
}

#[test]
fn all_gives_every_choice_and_disjoint_takes_turns() {
    let spike = |select| Pattern { select, ..pattern(vec![step(MEAL, None), step(SUGAR, above(100))], 60) };
    let input = "0 meal 10\n 10 sugar 120\n 20 sugar 130";
    case(spike(Select::Each), input, "open info from 0 at 10 to 10 of r1 r2");
    case(spike(Select::All), input, "open info from 0 at 10 to 20 of r1 r2 r3");
    let input = "0 meal 10\n 5 meal 10\n 10 sugar 120\n 15 meal 10\n 20 sugar 130";
    case(spike(Select::Each), input, "open info from 0 at 10 to 10 of r1 r2 r3\n open info from 15 at 20 to 20 of r4 r5");
    case(spike(Select::Disjoint), input, "open info from 0 at 10 to 10 of r1 r3\n open info from 15 at 20 to 20 of r4 r5");
    // What starts at its end does not start after it.
    let two = |select| Pattern { select, ..pattern(vec![repeated(SUGAR, None, 2, false)], 60) };
    case(two(Select::Disjoint), "0 sugar 90\n 5 sugar 90\n 10 sugar 90", "open info from 0 at 5 to 5 of r1 r2");
    let four = "0 sugar 90\n 5 sugar 90\n 10 sugar 90\n 15 sugar 90";
    case(two(Select::Disjoint), four, "open info from 0 at 5 to 5 of r1 r2\n open info from 10 at 15 to 15 of r3 r4");
    // A late reading re-phases all that follows.
    let late = "0 sugar 90\n 5 sugar 90\n 10 sugar 90\n 15 sugar 90\n -5 sugar 90";
    case(two(Select::Disjoint), late, "open info from -5 at 0 to 0 of r1 r5\n open info from 5 at 10 to 10 of r2 r3");
}
