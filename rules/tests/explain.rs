//! Rules explained.

use expect_test::expect;
use vitalog_rules::explain::explain;
use vitalog_rules::{Source, packs};

fn explained(clauses: &str) -> String {
    explain(&[Source::new("x.rules", &crate::support::with_health(clauses))], "r").expect("explained").text
}

#[test]
fn an_episode() {
    expect![[r#"
        r: r, an episode, decided at each reading of `bg`

            rule r {
                severity warning
                when   bg.value < 70 mg/dL for 15 min gap 20 min
                until  bg.value > 80 mg/dL for 10 min
                where  avg(bg.value over 1 h) < 90 mg/dL
            }

        Its bounds
          - Decided at each instant with a reading of `bg`, once: it holds if it holds for one of the readings there. Nothing is decided in between, and nothing interpolated.
          - The condition must hold at every decision over 15 min or more (15 min exactly is enough), no two of them more than 20 min apart (20 min exactly is in time); a wider hole or one decision at which it does not hold begins anew.
          - The onset is the first instant of the run, not the one at which it opens.
          - `where` is asked at the decision that would open it, and again at each later one of the run until it holds.
          - It ends at the first decision after its opening at which what `until` says holds; that instant itself is not part of it, and begins no new run.
          - What ends it must hold at every decision over 10 min or more (10 min exactly is enough), no two of them more than 10 min apart (10 min exactly is in time); a wider hole or one decision at which it does not hold begins anew.
          - The end is then the first instant of that run; `resolved_at` is when it was known.
          - It lapses, ended as unknown at its last decision, when no reading of `bg` has come for 30 min; one exactly 30 min later is in time.
          - One at a time: while it is open, no other of this rule begins.
          - A window over `bg` reaches 1 h back: readings exactly 1 h before its end are out; it ends at the instant decided, those at it are in.
          - A finding that is found more than 1 d after it opened disturbs nobody; exactly 1 d after it still does.

        What it costs, per subject
          looks back 1 h 35 min
          bg: 20 readings of 81 bytes (1 h 35 min at one every 5 min)
          in all 1620 bytes

        Its automaton
            ( ) idle  it begins here
                  --> running   when holds
            ( ) running
                  --> idle      when fails, or a hole over 20 min
                  --> open      for 15 min, where holds
            (*) open
                  --> ending    until holds
                  --> lapsed    no bg for 30 min
            (*) ending
                  --> open      it fails, or a hole over 10 min
                  --> resolved  for 10 min
            (*) resolved
                  --> idle      the next decision
            (*) lapsed
                  --> idle      at once
            (*) a finding stands
    "#]].assert_eq(&explained("when bg.value < 70 mg/dL for 15 min gap 20 min until bg.value > 80 mg/dL for 10 min where avg(bg.value over 1 h) < 90 mg/dL"));
}

#[test]
fn a_silence() {
    expect![[r#"
        r: r, a silence, decided by the clock

            rule r {
                severity warning
                when   no bg or bp for 6 h
                at most once per 1 d
            }

        Its bounds
          - Counted from each reading of `bg` or `bp`, and before any from the first instant ever seen of the subject.
          - It opens by the clock 6 h after that reading if none came in between; one exactly 6 h after it is in time.
          - The onset is the reading it counts from; it ends at the next reading of `bg` or `bp`.
          - Of two findings less than 1 d apart by the instants at which they opened, only the first is told; exactly 1 d apart both are.
          - A finding that is found more than 1 d after it opened disturbs nobody; exactly 1 d after it still does.

        What it costs, per subject
          looks back 6 h
          bg: 73 readings of 81 bytes (6 h at one every 5 min)
          bp: 1 reading of 89 bytes (6 h at one every 12 h)
          in all 6002 bytes

        Its automaton
            ( ) waiting  it begins here
                  --> waiting   bg or bp: from anew
                  --> open      6 h over
            (*) open
                  --> resolved  bg or bp
            (*) resolved
                  --> waiting   at once
            (*) a finding stands
    "#]].assert_eq(&explained("when no bg or bp for 6 h at most once per 1 d"));
}

#[test]
fn a_pattern() {
    expect![[r#"
        r: r, a pattern

            rule r {
                severity warning
                match  carbs as meal then bg{2} in a row as peak where each.value > 10 mmol/L without exercise within 2 h
                where  peak.value - last(bg.value over 30 min before meal) > 3 mmol/L
            }

        Its bounds
          - Any instant may be a start, and every start has its own match: the choice that completes earliest from it; of those completing at one instant, the earliest readings step by step, for counts the most.
          - Readings that fit no step, and readings that fit but are not chosen, are passed over; they end nothing. No reading serves two steps.
          - `then` is strictly later: readings of one instant are simultaneous, and are bound together.
          - `in a row`: no other reading of `bg`, fitting or not, strictly between the first and the last of the step; at their instants others may stand.
          - `without exercise`: none strictly between the first and the last instant of the match; one at either instant does not count, an interval counts if any part of it lies between.
          - `within`: from the first to the last instant of the match it takes less than 2 h; exactly 2 h is too long.
          - `where` is part of the pattern: a choice for which it does not hold is no match, and a later one is looked for.
          - After a match others go on: matches whose spans share an instant stand together as one finding, which grows.
          - A window over `bg` reaches 30 min back: readings exactly 30 min before its end are out; it ends at the step it lies before, whose own readings are out.
          - A finding that is found more than 1 d after it opened disturbs nobody; exactly 1 d after it still does.

        What it costs, per subject
          looks back 2 h 30 min
          bg: 31 readings of 81 bytes (2 h 30 min at one every 5 min)
          carbs: 133 bytes for each reading of 2 h; how often they come is not declared
          exercise: 141 bytes for each reading of 2 h; how often they come is not declared
          in all 2511 bytes, and the readings of carbs, exercise

        Its automaton
            ( ) looking  it begins here
                  --> step 1      carbs
            ( ) step 1
                  --> step 2 1/2  bg that fits
                  --> step 1      anything else
                  --> looking     2 h over, or exercise
            ( ) step 2 1/2
                  --> step 2 2/2  bg that fits, where holds
                  --> step 1      another bg
                  --> step 2 1/2  anything else
                  --> looking     2 h over, or exercise
            (*) step 2 2/2
            (*) a finding stands
    "#]].assert_eq(&explained(
        "match carbs as meal then bg{2} in a row as peak where each.value > 10 mmol/L without exercise within 2 h where peak.value - last(bg.value over 30 min before meal) > 3 mmol/L",
    ));
}

#[test]
fn what_is_not_there_is_said() {
    let health = crate::support::with_health("when bg.value < 54 mg/dL");
    let wrong = |text: &str, name: &str| explain(&[Source::new("x.rules", text)], name).expect_err("nothing to explain");
    assert_eq!(wrong(&health.replace("rule r ", "rule low "), "lwo"), "there is no rule `lwo`; did you mean `low`?");
    assert!(wrong("rule r {", "r").starts_with("the rules do not compile"));
}

/// Every shipped rule has a picture that is well formed, and in which nothing lies outside.
#[test]
fn every_shipped_rule_has_a_picture() {
    let mut drawn = 0;
    for pack in packs::ALL {
        let source = Source::new(&format!("{}.rules", pack.name), pack.text);
        let library = vitalog_rules::compile(std::slice::from_ref(&source), &Default::default()).library.expect("compiles");
        for rule in &library.rules {
            let found = explain(std::slice::from_ref(&source), &rule.name).expect("explained");
            assert!(found.text.contains("looks back"), "{}", found.text);
            well_formed(&found.svg);
            within(&found.svg);
            drawn += 1;
        }
    }
    assert!(drawn >= 10, "only {drawn} rules");
}

/// Tags open and close in order, and nothing but entities begins with `&`.
fn well_formed(xml: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = xml;
    while let Some(start) = rest.find('<') {
        let text = &rest[..start];
        assert!(
            !text.contains('>')
                && text.split('&').skip(1).all(|e| e.split(';').next().is_some_and(|n| ["amp", "lt", "gt", "quot"].contains(&n))),
            "{text}"
        );
        let end = rest[start..].find('>').expect("a tag ends") + start;
        let tag = &rest[start + 1..end];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{xml}");
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().expect("a name"));
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?}");
}

/// All coordinates of texts and boxes lie in the picture.
fn within(svg: &str) {
    let number =
        |line: &str, key: &str| line.split(&format!(" {key}=\"")).nth(1).and_then(|v| v.split('"').next()?.parse::<i64>().ok());
    let head = svg.lines().next().expect("a line");
    let (width, height) = (number(head, "width").expect("a width"), number(head, "height").expect("a height"));
    for line in svg.lines().filter(|l| l.starts_with("<text") || l.starts_with("<rect x")) {
        let (x, y) = (number(line, "x").expect("x"), number(line, "y").expect("y"));
        assert!((0..width).contains(&x) && (0..height).contains(&y), "{line} outside of {width} by {height}");
    }
}

/// Each form of a pattern is spelled out, and drawn.
#[test]
fn every_form_of_a_pattern() {
    for (clauses, said) in [
        ("match disjoint bg{3..} where each.value < 70 mg/dL within 1 d", "A late reading may re-phase all that follows."),
        ("match all carbs{2} then bg within 3 h", "every choice of readings that fits is a match of its own"),
        ("match (carbs or (medication where medication.amount > 20 U)) then no bg for 2 h", "one exactly 2 h later is in time"),
        (
            "match sleep starts as night next (bg as low where low.value < 70 mg/dL) within 2 h where low.at > night.at",
            "`next` is at the first later instant",
        ),
        (
            "match (carbs then bg as top where top.value > 12 mmol/L within 2 h){3} within 1 d where top.value > 12 mmol/L",
            "The group is found 3 times",
        ),
        (
            "match carbs as meal with no medication from 20 min before meal to 30 min after meal",
            "the match completes no earlier than that is over",
        ),
        ("match (exercise and medication) then bg within 4 h", "all of them, in any order"),
    ] {
        let found = explain(&[Source::new("x.rules", &crate::support::with_health(clauses))], "r").expect("explained");
        assert!(found.text.contains(said), "{said}\n{}", found.text);
        assert!(found.text.contains("(*) "), "{}", found.text);
        well_formed(&found.svg);
        within(&found.svg);
    }
}

/// Each place of a window is spelled out, and what it keeps; silences of readings that fit; what intervals cover.
#[test]
fn every_place_of_a_window() {
    for (clauses, said) in [
        (
            "match carbs as meal then bg within 3 h where max(bg.value over 2 h after meal) > 12 mmol/L",
            &[
                "lies after step 1: readings at the step and exactly 2 h after it are out",
                "--> step 2   bg, where holds, its windows over",
                "looks back 5 h\n",
            ][..],
        ),
        (
            "at each bg when count(bg over last 7 days) > 3",
            &["whole days by the subject's calendar, the last 7 before the day", "looks back 11 d\n"],
        ),
        ("at each bg when avg(bg.value over last 3 nights) > 12 mmol/L", &["whole nights by the profile's `night`, the last 3"]),
        (
            "at each bg when last(device.battery over 1 d fresh 1 h) > 10 %",
            &["less than 1 h before its end, or at it; one exactly 1 h before is too old"],
        ),
        ("when bg.value < 70 mg/dL and during sleep", &["  sleep: "]),
        (
            "when no bg where bg.value > 4 mmol/L for 6 h",
            &["reading of `bg` that fits", "it ends at the next reading of `bg` that fits", "--> resolved  bg that fits"],
        ),
    ] {
        let found = explain(&[Source::new("x.rules", &crate::support::with_health(clauses))], "r").expect("explained");
        for said in said {
            assert!(found.text.contains(said), "{said}\n{}", found.text);
        }
        well_formed(&found.svg);
        within(&found.svg);
    }
}

#[test]
fn a_schedule() {
    expect![[r#"
        r: r, a schedule, decided by the subject's clock

            rule r {
                severity warning
                every  monday at 09:00
                when   avg(bg.value over 7 d) > 8 mmol/L
            }

        Its bounds
          - Decided by the clock on the subject's wall, whenever it first comes to show one of the times on one of the days, later than the first instant ever seen of the subject.
          - A local time that is skipped fires at the next that exists; one that comes twice, at the first.
          - `when` and `where` are asked once, at the firing; no reading is at hand there, and unknown finds nothing.
          - Onset, `at` and end of what is found are the instant of the firing; it rests on no reading.
          - A window over `bg` reaches 7 d back: readings exactly 7 d before the firing are in, those at it are out.
          - A finding that is found more than 1 d after it opened disturbs nobody; exactly 1 d after it still does.

        What it costs, per subject
          looks back 7 d
          bg: 2017 readings of 81 bytes (7 d at one every 5 min)
          in all 163377 bytes

        Its automaton
            ( ) waiting  it begins here
                  --> found    the time comes, when holds
            (*) found
                  --> waiting  at once
            (*) a finding stands
    "#]].assert_eq(&explained("every monday at 09:00 when avg(bg.value over 7 d) > 8 mmol/L"));
}

#[test]
fn a_rule_above_another() {
    expect![[r#"
        r: r, a pattern

            rule r {
                severity warning
                match  low then bg where bg.value > 10 mmol/L without low where low.severity > info within 2 h
                where  count(low over 7 d) > 2
            }

        Its bounds
          - Any instant may be a start, and every start has its own match: the choice that completes earliest from it; of those completing at one instant, the earliest readings step by step, for counts the most.
          - Readings that fit no step, and readings that fit but are not chosen, are passed over; they end nothing. No reading serves two steps.
          - `then` is strictly later: readings of one instant are simultaneous, and are bound together.
          - `without low`: none strictly between the first and the last instant of the match; one at either instant does not count, an interval counts if any part of it lies between.
          - `within`: from the first to the last instant of the match it takes less than 2 h; exactly 2 h is too long.
          - `where` is part of the pattern: a choice for which it does not hold is no match, and a later one is looked for.
          - After a match others go on: matches whose spans share an instant stand together as one finding, which grows.
          - A window over `low` reaches 7 d back: readings exactly 7 d before its end are out; it ends at the instant decided, those at it are in.
          - A finding that is found more than 1 d after it opened disturbs nobody; exactly 1 d after it still does.

        What it costs, per subject
          looks back 7 d 2 h
          bg: 25 readings of 81 bytes (2 h at one every 5 min)
          low: 73 bytes for each reading of 7 d 2 h; how often they come is not declared
          in all 2025 bytes, and the readings of low

        Its automaton
            ( ) looking  it begins here
                  --> step 1   low
            ( ) step 1
                  --> step 2   bg that fits, where holds
                  --> step 1   anything else
                  --> looking  2 h over, or low that fits
            (*) step 2
            (*) a finding stands
    "#]].assert_eq(&explained(
        "match low then bg where bg.value > 10 mmol/L without low where low.severity > info within 2 h where count(low over 7 d) > 2 }\nrule low { severity info when bg.value < 4 mmol/L",
    ));
}
