//! Conditions of which a part is told from numbers at hand, without asking the whole: what is told is what the whole comes to.

use vitalog_cep::plan::{Arith, Compare, Episode, Expr, Func, Measure, Ref, RuleKind, Window};
use vitalog_elog::Span;

use super::build::*;
use super::table::check;
use crate::world::{F0, F1, LAB, MEAL, SUGAR};

fn when(condition: Expr, input: &str, stands: &str) {
    check(&only(rule(RuleKind::Episode(episode(SUGAR, condition)))), input, stands);
}

fn mood() -> Expr {
    field(Ref::Driver, F1)
}

#[test]
fn a_word_may_stand_on_either_side_of_an_order() {
    let open = "open info from 0 at 0 of r1";
    for (graver, milder) in [
        (compare(Expr::Enum(1), Compare::Lt, mood()), compare(mood(), Compare::Lt, Expr::Enum(1))),
        (compare(mood(), Compare::Gt, Expr::Enum(1)), compare(Expr::Enum(1), Compare::Gt, mood())),
    ] {
        when(graver.clone(), "0 sugar 90 high", open);
        when(graver.clone(), "0 sugar 90 mid", "");
        when(graver, "0 sugar 90 low", "");
        when(milder.clone(), "0 sugar 90 low", open);
        when(milder.clone(), "0 sugar 90 mid", "");
        when(milder, "0 sugar 90 high", "");
    }
}

#[test]
fn a_bound_is_chosen_by_the_reading() {
    let bound = Expr::If {
        condition: Box::new(compare(mood(), Compare::Eq, Expr::Enum(0))),
        then: Box::new(mg_dl(80)),
        otherwise: Box::new(mg_dl(60)),
    };
    let under = || compare(first(Ref::Driver), Compare::Lt, bound.clone());
    when(under(), "0 sugar 79 low", "open info from 0 at 0 of r1");
    when(under(), "0 sugar 80 low", "");
    when(under(), "0 sugar 79 high", "");
    when(under(), "0 sugar 59 high", "open info from 0 at 0 of r1");
    // Where it is not known which, nothing is.
    when(under(), "0 sugar 59 -", "");
}

#[test]
fn one_bound_of_two_tells_only_what_it_refuses() {
    // Its readings have to be gathered, and of something fresh no guard knows anything.
    let known = compare(field(Ref::Item, F0), Compare::Gt, mg_dl(0));
    let most = value_of(Window { filter: Some(known), ..window(Func::Max, LAB, Measure::Field(F0), 30) });
    let (value, at) = (Box::new(mg_dl(80)), Box::new(Expr::Now));
    let fresh = Expr::Fresh { value, at, within: Span::minutes(5) };
    let within = |high: &Expr| {
        let (value, low, high) = (Box::new(first(Ref::Driver)), Box::new(mg_dl(60)), Box::new(high.clone()));
        Expr::Between { value, low, high }
    };
    for high in [&most, &fresh] {
        when(within(high), "0 lab 80 1\n 5 sugar 81", "");
        when(within(high), "0 lab 80 1\n 5 sugar 80", "open info from 5 at 5 of r2");
        when(within(high), "0 lab 80 1\n 5 sugar 60", "open info from 5 at 5 of r2");
        when(within(high), "0 lab 80 1\n 5 sugar 59", "");
    }
    when(within(&most), "5 sugar 70", "");
}

#[test]
fn an_end_may_ask_how_long_it_has_gone_on() {
    let lasted = arith(Expr::Now, Arith::Sub, Expr::Onset);
    let until = Some(compare(lasted, Compare::Ge, minutes(15)));
    let rules = only(rule(RuleKind::Episode(Episode { until, ..episode(SUGAR, sugar(Ref::Driver, Compare::Lt, 70)) })));
    check(&rules, "0 sugar 60\n 15-1us sugar 60", "open info from 0 at 0 of r1");
    check(&rules, "0 sugar 60\n 10 sugar 90\n 15 sugar 60", "resolved info from 0 at 0 to 15 known 15 of r1");
}

#[test]
fn a_step_may_ask_how_long_ago_the_match_began() {
    let later = compare(arith(Expr::Now, Arith::Sub, Expr::Onset), Compare::Ge, minutes(15));
    let rules = only(rule(RuleKind::Match(pattern(vec![step(MEAL, None), step(SUGAR, Some(later))], 60))));
    check(&rules, "0 meal 10\n 20 sugar 90", "open info from 0 at 20 to 20 of r1 r2");
    // The same where it comes late: by itself it began just then.
    check(&rules, "0 meal 10\n 50 meal 10\n 20 sugar 90", "open info from 0 at 20 to 20 of r1 r3");
    check(&rules, "0 meal 10\n 50 meal 10\n 10 sugar 90", "");
}
