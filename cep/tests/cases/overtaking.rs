//! Streams that overtake each other: a reading that is the newest of its stream, behind what another stream has said or the clock has passed, is late for those alone that have decided
//! since. What a snapshot or the end of a moment settles counts as decided.

use vitalog_cep::Engine;
use vitalog_cep::plan::{Anchor, Arith, Compare, Expr, Func, Library, Measure, Ref, Rule, RuleKind, Show, Window};
use vitalog_elog::Span;

use super::build::*;
use super::table::{read, said_by};
use crate::draw::timelines::nameless;
use crate::world::script::{Line, expected};
use crate::world::{F0, F1, FOUND, Kind, LAB, MEAL, SUGAR, TARGET, drive};

/// What stands must be what the oracle says, whether readings have names or not; a row may also be `snapshot`, `begin` or `settle`. Returns how much stands.
pub fn stands(libraries: &[Library], input: &str) -> usize {
    let named = stands_so(libraries, input, |lines| lines);
    assert_eq!(named, stands_so(libraries, input, nameless), "without names, on\n{input}");
    named
}

fn stands_so(libraries: &[Library], input: &str, said: fn(Vec<Line>) -> Vec<Line>) -> usize {
    let rows: Vec<&str> = input.lines().map(str::trim).filter(|row| !row.is_empty()).collect();
    let is_ours = |row: &&&str| ["snapshot", "begin", "settle"].contains(*row);
    let inputs: Vec<&str> = rows.iter().filter(|row| !is_ours(row)).copied().collect();
    let lines = said(read(libraries, &inputs.join("\n")).0);
    let mut engine = Engine::new();
    drive::step(&mut engine, 0, &lines[0]);
    let mut next = 1;
    for row in rows {
        match row {
            "snapshot" => drop(engine.snapshot()),
            "begin" => engine.begin(),
            "settle" => engine.settle(&mut Vec::new()),
            _ => {
                drive::step(&mut engine, next, &lines[next]);
                next += 1;
            }
        }
    }
    let (has, wants) = (drive::standing(&engine), expected(&lines));
    assert_eq!(has, wants, "on\n{input}");
    has.len()
}

/// A meal and then a high sugar: patient, it gathers meals when a sugar is high.
fn spike() -> [Library; 1] {
    only(rule(RuleKind::Match(pattern(vec![step(MEAL, None), step(SUGAR, Some(sugar(Ref::Candidate, Compare::Gt, 180)))], 120))))
}

/// A large meal and then any sugar.
fn after_a_meal() -> [Library; 1] {
    let large = compare(first(Ref::Candidate), Compare::Ge, Expr::number(30 * Kind::Mass.atoms()));
    only(rule(RuleKind::Match(pattern(vec![step(MEAL, Some(large)), step(SUGAR, None)], 120))))
}

#[test]
fn what_began_behind_another_stream_is_not_missed() {
    assert_eq!(stands(&spike(), "0 sugar 100\n 3 sugar 100\n 5 meal 10\n 60 sugar 100\n 30 meal 40\n 90 sugar 200"), 1);
    assert_eq!(
        stands(&spike(), "0 sugar 100\n 3 sugar 100\n 5 meal 10\n 60 sugar 100\n snapshot\n 30 meal 40\n 90 sugar 200"),
        1
    );
    let settled = "0 sugar 100\n 3 sugar 100\n 5 meal 10\n begin\n 2 meal 10\n 60 sugar 100\n settle\n 30 meal 40\n 90 sugar 200";
    assert_eq!(stands(&spike(), settled), 1);
    // What was complete may be completed earlier.
    assert_eq!(stands(&spike(), "0 sugar 100\n 3 sugar 100\n 5 meal 10\n 60 sugar 200\n 30 meal 40\n 90 sugar 100"), 1);
}

#[test]
fn what_waited_for_the_end_of_its_moment_may_be_completed_by_who_was_at_rest() {
    let settled = "5 sugar 100\n 10 sugar 100\n 28 meal 10\n 30 meal 10\n begin\n 20 meal 40\n settle\n 40 sugar 100";
    assert_eq!(stands(&after_a_meal(), settled), 1);
}

#[test]
fn what_begins_behind_what_came_late_completes_at_once_within_the_moment() {
    // The late lab is seen by a meal after it alone; whoever was restored asks that meal anew.
    let seen = value_of(Window { anchor: Anchor::Before(0), ..window(Func::Count, LAB, Measure::Itself, 20) });
    let mut meal = rule(RuleKind::Match(pattern(vec![step(MEAL, None), step(SUGAR, None)], 35)));
    meal.filter = Some(compare(seen, Compare::Ge, Expr::number(1)));
    let (lines, _) = read(&only(meal), "35 lab 1\n 50 sugar 100\n 70 sugar 100\n 70 lab 1\n 85 meal 10\n 95 sugar 100");
    let (before, moment) = lines.split_at(4);
    let mut rested = Engine::new();
    before.iter().enumerate().for_each(|(i, line)| drop(drive::step(&mut rested, i, line)));
    let mut restored = Engine::restore(&rested.snapshot()).expect("it was taken here");
    for engine in [&mut rested, &mut restored] {
        engine.begin();
        let said: Vec<usize> = (4..).zip(moment).map(|(i, line)| drive::changes(&drive::step(engine, i, line)).len()).collect();
        assert_eq!(said, [0, 0, 1]);
    }
}

#[test]
fn a_window_of_a_decision_sees_what_came_behind_it() {
    let fed = || compare(value_of(window(Func::Count, MEAL, Measure::Itself, 60)), Compare::Ge, Expr::number(2));
    let low = || sugar(Ref::Driver, Compare::Lt, 70);
    let both = Expr::And(vec![low(), fed()]);
    let episodes = only(rule(RuleKind::Episode(episode(SUGAR, both))));
    assert_eq!(stands(&episodes, "0 meal 10\n 5 sugar 100\n 40 sugar 60\n 30 meal 10"), 1);
    assert_eq!(stands(&episodes, "0 meal 10\n 5 sugar 100\n 40 sugar 60\n 40 meal 10"), 1, "at the same instant");
    assert_eq!(stands(&episodes, "0 meal 10\n 5 sugar 100\n 40 sugar 60\n 41 meal 10"), 0);
    let mut silent = rule(silence(&[SUGAR], 30));
    silent.filter = Some(fed());
    let silences = only(silent);
    assert_eq!(stands(&silences, "0 meal 10\n 1 sugar 100\n @40 tick\n @40 20 meal 10"), 1);
    assert_eq!(stands(&silences, "0 meal 10\n 1 sugar 100\n @40 tick\n @40 32 meal 10"), 0);
}

#[test]
fn what_is_said_hangs_on_nothing_that_came_meanwhile() {
    // Contact in between, from another stream: one opening and no other change.
    let low = only(rule(RuleKind::Episode(episode(SUGAR, sugar(Ref::Driver, Compare::Lt, 70)))));
    let (said, _) =
        said_by(&low, "0 sugar 100\n @100 99 meal 1\n @100 10 sugar 60\n @100 100 meal 1\n @100 20 sugar 60\n @100 30 sugar 100");
    assert_eq!(said, ["r opened 10 told", "r resolved 10 told"]);
}

#[test]
fn a_silence_that_goes_on_behind_a_history_stays_the_same_finding() {
    let libraries = only(rule(silence(&[SUGAR], 30)));
    let (lines, _) = read(
        &libraries,
        "0 sugar 100\n @300 tick\n @300 20 sugar 100\n @300 25 sugar 100\n @301 40 sugar 100\n @302 50 sugar 100",
    );
    let mut engine = Engine::new();
    let said = |effects: Vec<vitalog_elog::Effect>| -> Vec<String> {
        drive::changes(&effects).into_iter().map(|c| format!("{} {}", c.change.name(), c.finding.revision)).collect()
    };
    let before: Vec<String> = (0..3).flat_map(|i| said(drive::step(&mut engine, i, &lines[i]))).collect();
    assert_eq!(before, ["opened 1"]);
    for (moment, revisions) in [(3..5, vec!["amended 2", "amended 3"]), (5..7, vec!["amended 4", "amended 5"])] {
        engine.begin();
        let mut effects: Vec<_> = moment.flat_map(|i| drive::step(&mut engine, i, &lines[i])).collect();
        engine.settle(&mut effects);
        assert_eq!(said(effects), revisions, "nobody is told anew");
    }
}

#[test]
fn who_rests_by_what_a_window_sees_is_asked_again_when_it_sees_what_came_late() {
    let within = |func| value_of(window(func, SUGAR, Measure::Field(F0), 10));
    let wide = compare(arith(within(Func::Max), Arith::Sub, within(Func::Min)), Compare::Ge, mg_dl(30));
    let rules = only(rule(RuleKind::Episode(episode(SUGAR, wide))));
    let calm = "0 sugar 100\n 5 sugar 100\n 10 sugar 100\n 15 sugar 100";
    assert_eq!(stands(&rules, &format!("{calm}\n 12 sugar 71\n 16 sugar 101")), 1);
    assert_eq!(stands(&rules, &format!("{calm}\n 4 sugar 71\n 16 sugar 101")), 0);
    assert_eq!(stands(&rules, &format!("{calm}\n 16 sugar 101")), 0);
}

#[test]
fn who_rests_by_a_profile_is_asked_again_where_that_is_another() {
    let below = compare(first(Ref::Driver), Compare::Lt, Expr::Profile(TARGET));
    let rules = only(rule(RuleKind::Episode(episode(SUGAR, below))));
    let calm = "0 sugar 95\n 5 sugar 95\n 10 sugar 95\n 15 sugar 95";
    assert_eq!(stands(&rules, &format!("profile target 70 from 0\n {calm}\n 22 sugar 80")), 0);
    // Known before, or said meanwhile.
    assert_eq!(stands(&rules, &format!("profile target 70 from 0\n profile target 90 from 20\n {calm}\n 22 sugar 80")), 1);
    assert_eq!(stands(&rules, &format!("profile target 70 from 0\n {calm}\n profile target 90 from 16\n 22 sugar 80")), 1);
}

/// A meal of thirty, then a sugar above 180 that is fifty above the last before the meal.
fn rise() -> [Library; 1] {
    let large = compare(first(Ref::Candidate), Compare::Ge, Expr::number(30 * Kind::Mass.atoms()));
    let steps = vec![step(MEAL, Some(large)), step(SUGAR, Some(sugar(Ref::Candidate, Compare::Gt, 180)))];
    let mut rise = rule(RuleKind::Match(pattern(steps, 120)));
    let last = window(Func::Last, SUGAR, Measure::Field(F0), 30);
    rise.lets = vec![value_of(Window { anchor: Anchor::Before(0), ..last })];
    rise.filter = Some(compare(arith(first(Ref::Step(1)), Arith::Sub, Expr::Let(0)), Compare::Ge, mg_dl(50)));
    only(rise)
}

#[test]
fn a_window_before_a_step_sees_what_comes_late_at_its_instant() {
    let meal = "-2 sugar 117\n 0 meal 66\n 39 sugar 184";
    assert_eq!(stands(&rise(), meal), 1);
    assert_eq!(stands(&rise(), &format!("{meal}\n 249 sugar 181\n 0 sugar 181")), 0);
    assert_eq!(stands(&rise(), &format!("{meal}\n 249 sugar 181 as x\n 0 sugar 181 as x rev 4")), 0);
    assert_eq!(stands(&rise(), &format!("{meal}\n 249 sugar 181 as x\n 1 sugar 181 as x rev 4")), 1);
    assert_eq!(stands(&rise(), &format!("{meal}\n -1 sugar 181")), 0);
}

#[test]
fn what_began_for_what_came_late_from_another_stream_is_completed_by_who_rested() {
    let fed = compare(value_of(window(Func::Count, LAB, Measure::Itself, 11)), Compare::Eq, Expr::number(1));
    let begins = Expr::And(vec![fed, sugar(Ref::Candidate, Compare::Lt, 90)]);
    let steps = vec![step(SUGAR, Some(begins)), step(SUGAR, Some(sugar(Ref::Candidate, Compare::Lt, 130)))];
    let rules = only(rule(RuleKind::Match(pattern(steps, 90))));
    let calm = "0 lab 1\n 200 sugar 95\n 205 sugar 95\n 210 sugar 95\n 215 sugar 95\n 285 sugar 70\n 290 sugar 140";
    assert_eq!(stands(&rules, &format!("{calm}\n 310 sugar 120")), 0);
    assert_eq!(stands(&rules, &format!("{calm}\n @305 275 lab 1\n 310 sugar 120")), 1);
    assert_eq!(stands(&rules, &format!("{calm}\n @305 274 lab 1\n 310 sugar 120")), 0);
}

#[test]
fn of_two_readings_of_one_instant_neither_shows_a_turn_of_its_own() {
    let turns = value_of(window(Func::Reversals, SUGAR, Measure::Field(F0), 108));
    let steady = compare(turns, Compare::Lt, Expr::number(4));
    let rules = only(rule(RuleKind::Episode(episode(SUGAR, steady))));
    let swinging =
        "305 sugar 70\n 310 sugar 120\n 320 sugar 80\n 320 sugar 60\n 345 sugar 70\n 370 sugar 60\n 380 sugar 70\n 390 sugar 60";
    // The mean of those at 320 is what the one at 345 is: by themselves they would turn once more, and 305 leaves.
    assert_eq!(stands(&rules, &format!("{swinging}\n 410 sugar 120\n 415 sugar 180")), 2);
}

#[test]
fn how_long_something_lasts_ends_with_a_late_reading_that_does_not_count() {
    let lasted = {
        let asks = Some(sugar(Ref::Item, Compare::Gt, 105));
        let filter = Some(compare(field(Ref::Item, F1), Compare::Eq, Expr::Enum(1)));
        let time = Window { asks, filter, ..window(Func::TimeIn(Span::minutes(60)), SUGAR, Measure::Itself, 30) };
        let long = compare(value_of(time), Compare::Ge, minutes(5));
        only(Rule { filter: Some(long), ..rule(RuleKind::Match(pattern(vec![step(LAB, None)], 1))) })
    };
    let high = "8 sugar 110 mid\n 20 lab 100";
    assert_eq!(stands(&lasted, high), 1);
    assert_eq!(stands(&lasted, &format!("{high}\n @21 13 sugar 90 low")), 1);
    assert_eq!(stands(&lasted, &format!("{high}\n @21 12 sugar 90 low")), 0);
    assert_eq!(stands(&lasted, &format!("{high}\n @21 12 sugar 110 low")), 0);
}

#[test]
fn what_the_clock_decides_with_a_reading_is_told_where_it_is_told_after_a_restart() {
    let silent = Rule { name: "r0".into(), meaning: 10, ..rule(silence(&[SUGAR], 20)) };
    let many = value_of(window(Func::Count, SUGAR, Measure::Itself, 20));
    let of_it = RuleKind::Match(pattern(vec![step(FOUND[0], None)], 30));
    let of_it = Rule { name: "r1".into(), meaning: 11, say: vec![hole(many, Show::Number)], ..rule(of_it) };
    let before = "60 sugar 100\n 140 sugar 100\n 145 sugar 100\n 150 sugar 120";
    assert_eq!(told_in_a_moment(&[library(vec![silent, of_it])], before, "@175 155 sugar 70"), 2);
}

/// What the inputs of a moment make an engine say, after others, is what they make one say that was restored before them, each of them and the end. Returns how many findings change.
fn told_in_a_moment(libraries: &[Library], before: &str, moment: &str) -> usize {
    let lines = read(libraries, &format!("{before}\n{moment}")).0;
    let (before, moment) = lines.split_at(lines.len() - moment.lines().count());
    let run = || drive::run(before).0;
    let restored = Engine::restore(&run().snapshot()).expect("its own snapshot");
    let told = [run(), restored].map(|mut engine| {
        engine.begin();
        let mut told: Vec<_> =
            moment.iter().enumerate().map(|(i, line)| drive::step(&mut engine, before.len() + i, line)).collect();
        let mut settled = Vec::new();
        engine.settle(&mut settled);
        told.push(settled);
        told
    });
    assert_eq!(told[0], told[1]);
    told[0].iter().map(|effects| drive::changes(effects).len()).sum()
}

#[test]
fn what_is_in_doubt_is_told_at_the_end_of_the_moment_whoever_was_pending() {
    let high = sugar(Ref::Candidate, Compare::Gt, 70);
    let three = || vec![repeated(SUGAR, Some(high.clone()), 3, true)];
    // Without the one of minute 195 there are three in a row.
    let before = "190 sugar 180\n 195 sugar 70 as x\n 200 sugar 120";
    for p in [pattern(three(), 35), tree(three(), group(leaf(0), vec![], 0), 35)] {
        let rules = only(rule(RuleKind::Match(p)));
        assert_eq!(told_in_a_moment(&rules, before, "@210 205 lab - as x rev 2\n 210 sugar 100"), 1);
    }
    // What completes before what is in doubt does not wait: a least number before the meal stood in doubt half an hour later.
    let mut r =
        rule(RuleKind::Match(pattern(vec![step(MEAL, None), step(SUGAR, Some(sugar(Ref::Candidate, Compare::Le, 70)))], 35)));
    let least = Window { anchor: Anchor::Before(0), ..window(Func::Min, SUGAR, Measure::Field(F0), 30) };
    r.filter = Some(compare(value_of(least), Compare::Lt, mg_dl(100)));
    assert_eq!(stands(&only(r), "185 sugar 80\n 190 meal 10\n begin\n 190 sugar 180\n 195 sugar 70\n settle"), 1);
}
