//! Three-valued logic as tables: `?` is what nobody knows. Each cell is asked of the oracle and of the engine.

use vitalog_cep::plan::{
    Arith, Compare, Episode, Expr, Func, Heard, Library, Measure, Pattern, Ref, RuleKind, Schedule, Show, Silence, Window,
};
use vitalog_elog::{Severity, Span};

use super::build::*;
use super::table::check;
use crate::world::{ACTIVE, F2, LAB, LIMIT, MEAL, SUGAR};

/// What `expr` comes to at a lone reading.
fn is(expr: Expr, show: Show, cell: &str) {
    let mut r = rule(RuleKind::Match(pattern(vec![step(LAB, None)], 1)));
    r.say = vec![hole(expr, show)];
    let text = if cell == "?" { "unknown" } else { cell };
    check(&only(r), "0 lab -", &format!("open info from 0 at 0 to 0 of r1 say {text}"));
}

fn truth(word: &str) -> Expr {
    match word {
        "yes" => Expr::Bool(true),
        "no" => Expr::Bool(false),
        _ => Expr::Profile(ACTIVE),
    }
}

/// A number; of `?` the profile's limit, which nobody set.
fn number(word: &str) -> Expr {
    word.parse().map_or(Expr::Profile(LIMIT), Expr::number)
}

/// The rows of a table below its head, as words.
fn rows(table: &str) -> Vec<Vec<&str>> {
    table.lines().map(|l| l.split_whitespace().collect::<Vec<_>>()).filter(|l| !l.is_empty()).skip(1).collect()
}

#[test]
fn and_or_and_equality_of_truths() {
    let table = "
        a    b    and  or   a=b  a!=b
        yes  yes  yes  yes  yes  no
        yes  no   no   yes  no   yes
        yes  ?    ?    yes  ?    ?
        no   yes  no   yes  no   yes
        no   no   no   no   yes  no
        no   ?    no   ?    ?    ?
        ?    yes  ?    yes  ?    ?
        ?    no   no   ?    ?    ?
        ?    ?    ?    ?    ?    ?";
    for row in rows(table) {
        let (a, b) = (|| truth(row[0]), || truth(row[1]));
        is(Expr::And(vec![a(), b()]), Show::Bool, row[2]);
        is(Expr::Or(vec![a(), b()]), Show::Bool, row[3]);
        is(compare(a(), Compare::Eq, b()), Show::Bool, row[4]);
        is(compare(a(), Compare::Ne, b()), Show::Bool, row[5]);
        // A third that says nothing changes nothing.
        is(Expr::And(vec![a(), Expr::Bool(true), b()]), Show::Bool, row[2]);
        is(Expr::Or(vec![a(), Expr::Bool(false), b()]), Show::Bool, row[3]);
        // One that decides, decides.
        is(Expr::And(vec![a(), b(), Expr::Bool(false)]), Show::Bool, "no");
        is(Expr::Or(vec![a(), b(), Expr::Bool(true)]), Show::Bool, "yes");
    }
}

#[test]
fn not_known_and_choice() {
    let table = "
        a    not  known  1-if-a-otherwise-2  1-if-a-otherwise-?  ?-if-a-otherwise-2
        yes  no   yes    1                   1                   ?
        no   yes  yes    2                   ?                   2
        ?    ?    no     ?                   ?                   ?";
    let choice = |a, then, otherwise| Expr::If {
        condition: Box::new(truth(a)),
        then: Box::new(number(then)),
        otherwise: Box::new(number(otherwise)),
    };
    for row in rows(table) {
        is(Expr::Not(Box::new(truth(row[0]))), Show::Bool, row[1]);
        is(Expr::IsKnown(Box::new(truth(row[0]))), Show::Bool, row[2]);
        is(choice(row[0], "1", "2"), Show::Number, row[3]);
        is(choice(row[0], "1", "?"), Show::Number, row[4]);
        is(choice(row[0], "?", "2"), Show::Number, row[5]);
    }
}

#[test]
fn comparisons_and_sums() {
    use Compare::{Eq, Ge, Gt, Le, Lt, Ne};
    let table = "
        a  b  <    <=   >    >=   =    !=   +  -   *  /
        1  2  yes  yes  no   no   no   yes  3  -1  2  0.5
        2  2  no   yes  no   yes  yes  no   4  0   4  1
        2  1  no   no   yes  yes  no   yes  3  1   2  2
        2  0  no   no   yes  yes  no   yes  2  2   0  ?
        0  0  no   yes  no   yes  yes  no   0  0   0  ?
        1  ?  ?    ?    ?    ?    ?    ?    ?  ?   ?  ?
        ?  1  ?    ?    ?    ?    ?    ?    ?  ?   ?  ?
        ?  0  ?    ?    ?    ?    ?    ?    ?  ?   ?  ?
        ?  ?  ?    ?    ?    ?    ?    ?    ?  ?   ?  ?";
    for row in rows(table) {
        let (a, b) = (|| number(row[0]), || number(row[1]));
        for (op, cell) in [Lt, Le, Gt, Ge, Eq, Ne].into_iter().zip(&row[2..8]) {
            is(compare(a(), op, b()), Show::Bool, cell);
        }
        for (op, cell) in [Arith::Add, Arith::Sub, Arith::Mul, Arith::Div].into_iter().zip(&row[8..]) {
            is(arith(a(), op, b()), Show::Number, cell);
        }
    }
}

/// `between A and B` is two comparisons joined by `and`; `in` a chain of `or`.
#[test]
fn between_and_in() {
    let table = "
        x  a  b  between  in-a-b
        1  2  4  no       no
        2  2  4  yes      yes
        3  2  4  yes      no
        4  2  4  yes      yes
        5  2  4  no       no
        3  4  2  no       no
        1  2  ?  no       ?
        3  2  ?  ?        ?
        2  2  ?  ?        yes
        5  ?  4  no       ?
        3  ?  4  ?        ?
        4  ?  4  ?        yes
        3  ?  ?  ?        ?
        ?  2  4  ?        ?
        ?  ?  ?  ?        ?";
    for row in rows(table) {
        let between =
            Expr::Between { value: Box::new(number(row[0])), low: Box::new(number(row[1])), high: Box::new(number(row[2])) };
        is(between, Show::Bool, row[3]);
        let list = vec![number(row[1]), number(row[2])];
        is(Expr::In { value: Box::new(number(row[0])), list }, Show::Bool, row[4]);
    }
}

/// What a condition on a reading's flag does, wherever one may stand: what is unknown neither holds nor, of an end left unsaid, ends anything.
#[test]
fn a_condition_that_is_unknown_does_not_hold_wherever_it_stands() {
    let flag = |of: Ref| field(of, F2);
    let meal_then = |p: Pattern| only(rule(RuleKind::Match(p)));
    let opening = only(rule(RuleKind::Episode(episode(SUGAR, flag(Ref::Driver)))));
    let ending = Episode { until: Some(flag(Ref::Driver)), ..episode(SUGAR, sugar(Ref::Driver, Compare::Lt, 70)) };
    let ending = only(rule(RuleKind::Episode(ending)));
    let unsaid = only(rule(RuleKind::Episode(episode(SUGAR, Expr::Not(Box::new(flag(Ref::Driver)))))));
    let stepping = meal_then(pattern(vec![step(SUGAR, Some(flag(Ref::Candidate)))], 1));
    let between = meal_then(Pattern {
        absences: vec![absence(SUGAR, Some(flag(Ref::Candidate)))],
        ..pattern(vec![step(MEAL, None), step(LAB, None)], 60)
    });
    let heard = Heard { stream: SUGAR, filter: Some(flag(Ref::Candidate)) };
    let silent = only(rule(RuleKind::Silence(Silence { streams: vec![heard], span: Span::minutes(10) })));
    let seen = |func| Window { filter: Some(flag(Ref::Item)), ..window(func, SUGAR, Measure::Itself, 60) };
    let mut counting = rule(RuleKind::Match(pattern(vec![step(LAB, None)], 1)));
    counting.say = vec![hole(value_of(seen(Func::Count)), Show::Number)];
    let counting = only(counting);
    let mut filtering = rule(RuleKind::Episode(episode(SUGAR, Expr::Bool(true))));
    filtering.filter = Some(flag(Ref::Driver));
    let filtering = only(filtering);
    let mut grading = rule(RuleKind::Episode(episode(SUGAR, Expr::Bool(true))));
    grading.grades.push(grade(Severity::Urgent, flag(Ref::Driver)));
    let grading = only(grading);

    for (word, holds) in [("yes", true), ("no", false), ("-", false)] {
        let reading = |at: &str, mg: i64, flag: &str| format!("{at} sugar {mg} - {flag}");
        let one = reading("0", 60, word);
        let when = |stands: bool, text: &str| if stands { text.to_owned() } else { String::new() };
        check(&opening, &one, &when(holds, "open info from 0 at 0 of r1"));
        check(&filtering, &one, &when(holds, "open info from 0 at 0 of r1"));
        check(&stepping, &one, &when(holds, "open info from 0 at 0 to 0 of r1"));
        let ended = format!("0 sugar 60 - no\n {}", reading("5", 60, word));
        check(
            &ending,
            &ended,
            if holds { "resolved info from 0 at 0 to 5 known 5 of r1" } else { "open info from 0 at 0 of r1" },
        );
        // Left unsaid, an episode ends where its condition is false, not where it is unknown.
        let ended = format!("0 sugar 60 - no\n {}", reading("5", 60, word));
        check(
            &unsaid,
            &ended,
            if word == "yes" { "resolved info from 0 at 0 to 5 known 5 of r1" } else { "open info from 0 at 0 of r1" },
        );
        check(
            &between,
            &format!("0 meal 30\n {}\n 9 lab -", reading("5", 60, word)),
            &when(!holds, "open info from 0 at 9 to 9 of r1 r3"),
        );
        let count = if holds { "1" } else { "0" };
        check(&counting, &format!("{one}\n 5 lab -"), &format!("open info from 5 at 5 to 5 of r2 say {count}"));
        check(&grading, &one, &format!("open {} from 0 at 0 of r1", if holds { "urgent" } else { "info" }));
        // It waits from enrolment where nothing was heard.
        let heard_at = if holds { "open info from 5 at 15 of r2" } else { "open info from 0 at 10" };
        check(&silent, &format!("0 meal 30\n {}\n @15 tick", reading("5", 60, word)), heard_at);
    }
}

#[test]
fn a_schedule_whose_condition_is_unknown_finds_nothing() {
    // Minute 60 of the tests' time is midnight.
    let at = |when: Expr| -> [Library; 1] {
        only(rule(RuleKind::Schedule(Schedule { days: Schedule::ALL_DAYS, at: vec![minutes(0)], when: Some(when) })))
    };
    for (word, stands) in [("yes", "open info from 60 at 60 to 60"), ("no", ""), ("?", "")] {
        check(&at(truth(word)), "0 sugar 80\n @70 tick", stands);
    }
    let unknown_time = Schedule { days: Schedule::ALL_DAYS, at: vec![Expr::Profile(LIMIT)], when: None };
    check(&only(rule(RuleKind::Schedule(unknown_time))), "0 sugar 80\n @1500 tick", "");
}
