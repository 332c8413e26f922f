//! Several readings at one instant, for every operator: a table of what they lead to, and of what is left when one of them is taken away or moved.
//!
//! Readings of one instant are simultaneous: a step binds all that fit, `then` and `next` do not hold between them, `and` and `or` do.

use vitalog_cep::plan::{Compare, Episode, Func, Library, Measure, Node, Part, Pattern, Ref, RuleKind, Select, Show};

use super::build::*;
use super::table::check;
use crate::world::{F0, LAB, MEAL, SUGAR};

fn found_by(p: Pattern) -> [Library; 1] {
    only(rule(RuleKind::Match(p)))
}

/// Rules by the words they would be written with.
fn rules() -> Vec<(&'static str, [Library; 1])> {
    let low = |of| sugar(of, Compare::Lt, 70);
    let two = || vec![step(SUGAR, None), step(MEAL, None)];
    let held = Episode { hold: hold(10, 10), ..episode(SUGAR, low(Ref::Driver)) };
    let ended = Episode { until: Some(sugar(Ref::Driver, Compare::Ge, 80)), ..episode(SUGAR, low(Ref::Driver)) };
    let mut means = rule(RuleKind::Match(pattern(vec![step(LAB, None)], 1)));
    for (i, func) in [Func::First, Func::Last, Func::Delta, Func::Count].into_iter().enumerate() {
        if i > 0 {
            means.say.push(vitalog_cep::plan::Piece::Text(" ".into()));
        }
        let read = value_of(window(func, SUGAR, Measure::Field(F0), 60));
        let plain = if func == Func::Count { read } else { arith(read, vitalog_cep::plan::Arith::Div, mg_dl(1)) };
        means.say.push(hole(plain, Show::Number));
    }
    vec![
        ("when low", only(rule(RuleKind::Episode(episode(SUGAR, low(Ref::Driver)))))),
        ("when low for 10", only(rule(RuleKind::Episode(held)))),
        ("when low until high", only(rule(RuleKind::Episode(ended)))),
        ("when no sugar for 30", only(rule(silence(&[SUGAR], 30)))),
        ("sugar then meal", found_by(pattern(two(), 60))),
        ("sugar next meal", found_by(tree(two(), seq(leaf(0), vec![Part::Next(leaf(1))]), 60))),
        ("sugar and meal", found_by(tree(two(), Node::And(vec![leaf(0), leaf(1)]), 60))),
        ("sugar or meal", found_by(tree(two(), Node::Or(vec![leaf(0), leaf(1)]), 0))),
        ("sugar{2}", found_by(pattern(vec![repeated(SUGAR, None, 2, false)], 60))),
        ("low{2} in a row", found_by(pattern(vec![repeated(SUGAR, Some(low(Ref::Candidate)), 2, true)], 60))),
        ("sugar then meal without lab", found_by(Pattern { absences: vec![absence(LAB, None)], ..pattern(two(), 60) })),
        ("sugar then no meal for 10", found_by(tree(vec![step(SUGAR, None)], seq(leaf(0), vec![then_no(&[MEAL], 10)]), 0))),
        ("all sugar then meal", found_by(Pattern { select: Select::All, ..pattern(two(), 60) })),
        (
            "disjoint sugar{2}",
            found_by(Pattern { select: Select::Disjoint, ..pattern(vec![repeated(SUGAR, None, 2, false)], 60) }),
        ),
        ("first last delta count", only(means)),
    ]
}

/// `rule | what comes in | what stands`, lines parted by `;`.
const TABLE: &str = "
    when low                    | 0 sugar 60; 0 sugar 90                                     | open info from 0 at 0 of r1
    when low                    | 0 sugar 60; 0 sugar 61                                     | open info from 0 at 0 of r1 r2
    when low                    | 0 sugar 60; 0 sugar 90; remove r1                          |
    when low                    | 0 sugar 60; 0 sugar 61; remove r1                          | open info from 0 at 0 of r2
    when low                    | 0 sugar 60; 5 sugar 90; 5 sugar 61                         | open info from 0 at 0 of r1
    when low                    | 0 sugar 60; 5 sugar 90; 5 sugar 61; remove r3              | resolved info from 0 at 0 to 5 known 5 of r1
    when low for 10             | 0 sugar 60; 0 sugar 90; 10 sugar 90; 10 sugar 61           | open info from 0 at 10 of r1 r4
    when low for 10             | 0 sugar 60; 0 sugar 90; 10 sugar 90; 10 sugar 61; remove r1 |
    when low for 10             | 0 sugar 60; 0 sugar 61; 10 sugar 60; remove r1             | open info from 0 at 10 of r2 r3
    when low until high         | 0 sugar 60; 0 sugar 90                                     | open info from 0 at 0 of r1
    when low until high         | 0 sugar 60; 5 sugar 60; 5 sugar 80                         | resolved info from 0 at 0 to 5 known 5 of r1
    when low until high         | 0 sugar 60; 5 sugar 60; 5 sugar 80; remove r3              | open info from 0 at 0 of r1
    when no sugar for 30        | 0 sugar 60; 0 sugar 61; @30 tick                           | open info from 0 at 30 of r1 r2
    when no sugar for 30        | 0 sugar 60; 0 sugar 61; @30 tick; remove r1                | open info from 0 at 30 of r2
    when no sugar for 30        | 0 sugar 60; @50 40 sugar 61; 40 sugar 62; remove r2        | resolved info from 0 at 30 to 40 known 40 of r1
    sugar then meal             | 0 sugar 60; 0 meal 30                                      |
    sugar then meal             | 0 sugar 60; 0 sugar 61; 5 meal 30; 5 meal 10               | open info from 0 at 5 to 5 of r1 r2 r3 r4
    sugar then meal             | 0 sugar 60; 0 sugar 61; 5 meal 30; remove r1               | open info from 0 at 5 to 5 of r2 r3
    sugar then meal             | 0 sugar 60; 5 meal 30; 5 meal 10; remove r2                | open info from 0 at 5 to 5 of r1 r3
    sugar then meal             | 0 sugar 60; 0 meal 30 as m; @9 5 meal 30 as m rev 2        | open info from 0 at 5 to 5 of m r1
    sugar then meal             | 0 sugar 60 as a; 5 meal 30 as m; @9 5 sugar 60 as a rev 2  |
    sugar next meal             | 0 sugar 60; 5 sugar 61; 5 meal 30                          | open info from 0 at 5 to 5 of r1 r3
    sugar next meal             | 0 sugar 60; 0 meal 30; 5 meal 10                           | open info from 0 at 5 to 5 of r1 r3
    sugar next meal             | 0 sugar 60; 3 sugar 61; 5 meal 30                          | open info from 3 at 5 to 5 of r2 r3
    sugar next meal             | 0 sugar 60; 3 sugar 61; 5 meal 30; remove r2               | open info from 0 at 5 to 5 of r1 r3
    sugar and meal              | 0 sugar 60; 0 sugar 61; 0 meal 30                          | open info from 0 at 0 to 0 of r1 r2 r3
    sugar and meal              | 0 sugar 60; 0 sugar 61; 0 meal 30; remove r3               |
    sugar and meal              | 0 sugar 60; 0 sugar 61; 0 meal 30; remove r2               | open info from 0 at 0 to 0 of r1 r3
    sugar or meal               | 0 sugar 60; 0 meal 30                                      | open info from 0 at 0 to 0 of r1 r2
    sugar or meal               | 0 sugar 60; 0 meal 30; remove r1                           | open info from 0 at 0 to 0 of r2
    sugar{2}                    | 0 sugar 60; 0 sugar 61                                     |
    sugar{2}                    | 0 sugar 60; 0 sugar 61; 5 sugar 62                         | open info from 0 at 5 to 5 of r1 r2 r3
    sugar{2}                    | 0 sugar 60; 0 sugar 61; 5 sugar 62; remove r1              | open info from 0 at 5 to 5 of r2 r3
    low{2} in a row             | 0 sugar 60; 0 sugar 90; 5 sugar 61                         | open info from 0 at 5 to 5 of r1 r3
    low{2} in a row             | 0 sugar 60; 3 sugar 90; 5 sugar 61                         |
    low{2} in a row             | 0 sugar 60; 3 sugar 90; 3 sugar 62; 5 sugar 61             | open info from 0 at 3 to 5 of r1 r3 r4
    low{2} in a row             | 0 sugar 60; 3 sugar 90; 3 sugar 62; 5 sugar 61; remove r3  |
    sugar then meal without lab | 0 sugar 60; 0 lab -; 5 meal 30; 5 lab -                    | open info from 0 at 5 to 5 of r1 r3
    sugar then meal without lab | 0 sugar 60; 3 lab -; 3 lab -; 5 meal 30                    |
    sugar then meal without lab | 0 sugar 60; 3 lab -; 3 lab -; 5 meal 30; remove r2         |
    sugar then meal without lab | 0 sugar 60; 3 lab -; 3 lab -; 5 meal 30; remove r2; remove r3 | open info from 0 at 5 to 5 of r1 r4
    sugar then no meal for 10   | 0 sugar 60; 0 sugar 61; 0 meal 30; @10 tick                | open info from 0 at 10 to 0 of r1 r2
    sugar then no meal for 10   | 0 sugar 60; 10 meal 30; 10 meal 10                         | open info from 0 at 10 to 0 of r1
    sugar then no meal for 10   | 0 sugar 60; 5 meal 30; 5 meal 10; @10 tick; remove r2      |
    all sugar then meal         | 0 sugar 60; 0 sugar 61; 5 meal 30; 5 meal 10               | open info from 0 at 5 to 5 of r1 r2 r3 r4
    disjoint sugar{2}           | 0 sugar 60; 0 sugar 61; 5 sugar 62; 5 sugar 63; 10 sugar 64 | open info from 0 at 5 to 5 of r1 r2 r3 r4
    first last delta count      | 0 sugar 100; 0 sugar 120; 9 sugar 80; 9 sugar 90; 20 lab - | open info from 20 at 20 to 20 of r5 say 110 85 -25 4
    first last delta count      | 0 sugar 100; 0 sugar 120; 20 lab -                         | open info from 20 at 20 to 20 of r3 say 110 110 0 2
    first last delta count      | 0 sugar 100; 0 sugar 120; 9 sugar 80; 20 lab -; remove r2  | open info from 20 at 20 to 20 of r4 say 100 80 -20 2";

#[test]
fn several_readings_of_one_instant() {
    let rules = rules();
    let mut seen = vec![false; rules.len()];
    for row in TABLE.lines().filter(|l| !l.trim().is_empty()) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let place = rules.iter().position(|(name, _)| *name == cells[0]).expect("a rule");
        seen[place] = true;
        let lines = |cell: &str| cell.replace(';', "\n");
        check(&rules[place].1, &lines(cells[1]), &lines(cells[2]));
    }
    assert!(seen.iter().all(|s| *s), "a rule has no row");
}
