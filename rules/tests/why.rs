//! What `why` says: real rules, real readings, the engine's answer in words. One case for each way in which things stand.

use std::sync::Arc;

use expect_test::{Expect, expect};
use vitalog_cep::plan::Library;
use vitalog_cep::{Engine, EngineInput, Unknown};
use vitalog_elog::{Subject, Time};
use vitalog_rules::script::script_time;
use vitalog_rules::why::{Names, answer};
use vitalog_rules::{Action, Source, TestCase, compile};

/// Plays the first test of a file and asks for a rule at a time of its first day.
pub fn ask(text: &str, rule: &str, at: &str) -> Result<String, Unknown> {
    let text = format!("use health\n{text}");
    let compiled = compile(&[Source::new("x.rules", &text)], &Library::default());
    let library = Arc::new(compiled.library.clone().unwrap_or_else(|| panic!("{}", compiled.render(false))));
    let case = compiled.tests.first().expect("a test");
    let mut engine = Engine::new();
    let mut offset = 0;
    let mut step = |at: Time, input: EngineInput<'_>| {
        engine.step(offset, at, input, &mut Vec::new());
        offset += 1;
    };
    step(case.script[0].at, EngineInput::Library { effective: Time::MIN, library });
    for line in &case.script {
        match &line.action {
            Action::Reading(reading) => step(line.at, EngineInput::Reading(reading)),
            Action::Profile(change) => step(line.at, EngineInput::Profile(change)),
            Action::Advance | Action::Expect(_) => step(line.at, EngineInput::Tick),
        }
    }
    let at = Time::parse(&format!("2026-01-05T{at}:00Z")).expect("a time");
    let why = engine.why(rule, &Subject::new(TestCase::SUBJECT), at)?;
    let named = |id| {
        let sends = |s: &&vitalog_rules::Step| matches!(&s.action, Action::Reading(r) if r.id == id);
        case.script.iter().find(sends).map_or_else(|| "?".to_owned(), |s| format!("line {}", s.line))
    };
    Ok(answer(&why, &Names { time: &script_time, reading: &named }))
}

pub fn check(text: &str, rule: &str, at: &str, expect: Expect) {
    let said = ask(text, rule, at).expect("an answer");
    let said: Vec<&str> = said.lines().filter(|l| !l.starts_with("version ")).collect();
    expect.assert_eq(&(said.join("\n") + "\n"));
}

const LOW: &str = "rule low \"Low\" {
    severity warning, urgent when bg.value < 54 mg/dL
    when  bg.value < profile.bg_low for 15 min gap 10 min
    until bg.value >= 80 mg/dL for 10 min
    say   \"{bg.value}\"
}
";

#[test]
fn an_episode_fired() {
    let script =
        "test low \"t\" { 02:00 bg 68 mg/dL\n 02:10 bg 66 mg/dL\n 02:15 bg 62 mg/dL\n 02:20 bg 52 mg/dL\n 02:25 bg 85 mg/dL }";
    check(
        &format!("{LOW}{script}"),
        "low",
        "02:15",
        expect![[r#"
        low "Low", test at 02:15
        fired: low from 02:00, decided at 02:15; urgent, open
          it says: 52 mg/dL

        asked at 02:15
          when of bg at 02:15 (line 10)
            bg.value < profile.bg_low is true
              bg.value = 62 mg/dL
              profile.bg_low = 70 mg/dL
          severity urgent when
            bg.value < 54 mg/dL is false
              bg.value = 62 mg/dL

        the condition has held since 02:00, for 15 min at 3 decisions; it must for 15 min, no two decisions more than 10 min apart
        it lapses at 02:45 if nothing comes before
    "#]],
    );
    check(
        &format!("{LOW}{script}"),
        "low",
        "02:25",
        expect![[r#"
        low "Low", test at 02:25
        fired: low from 02:00, decided at 02:15; urgent, open
          it says: 52 mg/dL

        asked at 02:15
          when of bg at 02:15 (line 10)
            bg.value < profile.bg_low is true
              bg.value = 62 mg/dL
              profile.bg_low = 70 mg/dL
          severity urgent when
            bg.value < 54 mg/dL is false
              bg.value = 62 mg/dL

        asked at 02:25
          when of bg at 02:25 (line 12)
            bg.value < profile.bg_low is false
              bg.value = 85 mg/dL
              profile.bg_low = 70 mg/dL
          until of bg at 02:25 (line 12)
            bg.value >= 80 mg/dL is true
              bg.value = 85 mg/dL
          severity urgent when
            bg.value < 54 mg/dL is false
              bg.value = 85 mg/dL

        the condition has held since 02:00, for 15 min at 3 decisions; it must for 15 min, no two decisions more than 10 min apart
        the condition of its end has held since 02:25, for 0 s; it must for 10 min
        it lapses at 02:55 if nothing comes before
    "#]],
    );
}

#[test]
fn an_episode_is_silent() {
    let text = |readings: &str| format!("{LOW}test low \"t\" {{ {readings} }}");
    // False; not long enough; a hole in between; nothing yet.
    check(
        &text("02:00 bg 68 mg/dL\n 02:05 bg 90 mg/dL"),
        "low",
        "02:05",
        expect![[r#"
            low "Low", test at 02:05
            silent: `bg.value < profile.bg_low` is false (bg.value = 90 mg/dL, profile.bg_low = 70 mg/dL), asked of bg at 02:05 (line 9)

            asked at 02:05
              when of bg at 02:05 (line 9)
                bg.value < profile.bg_low is false
                  bg.value = 90 mg/dL
                  profile.bg_low = 70 mg/dL
        "#]],
    );
    check(
        &text("02:00 bg 68 mg/dL\n 02:08 bg 66 mg/dL"),
        "low",
        "02:08",
        expect![[r#"
            low "Low", test at 02:08
            silent: the condition has held since 02:00, for 8 min; it must for 15 min, 7 min are lacking

            asked at 02:08
              when of bg at 02:08 (line 9)
                bg.value < profile.bg_low is true
                  bg.value = 66 mg/dL
                  profile.bg_low = 70 mg/dL

            the condition has held since 02:00, for 8 min at 2 decisions; it must for 15 min, no two decisions more than 10 min apart
        "#]],
    );
    check(
        &text("02:00 bg 68 mg/dL\n 02:12 bg 66 mg/dL\n 02:16 bg 66 mg/dL"),
        "low",
        "02:16",
        expect![[r#"
        low "Low", test at 02:16
        silent: the run was broken by a hole: bg at 02:00 (line 8); bg at 02:12 (line 9) lie too far apart; it began anew at 02:12 and must hold for 15 min

        asked at 02:16
          when of bg at 02:16 (line 10)
            bg.value < profile.bg_low is true
              bg.value = 66 mg/dL
              profile.bg_low = 70 mg/dL

        the condition has held since 02:12, for 4 min at 2 decisions; it must for 15 min, no two decisions more than 10 min apart
        before that a hole: from 02:00 to 02:12 are 12 min, more than 10 min; what held before it does not count
    "#]],
    );
    check(
        &text("02:00 bg 68 mg/dL"),
        "low",
        "01:00",
        expect![[r#"
        low "Low", test at 01:00
        silent: no reading of bg had come by then, so nothing was decided
    "#]],
    );
}

#[test]
fn an_episode_is_pending_or_resolved() {
    let all =
        "02:00 bg 68 mg/dL\n 02:10 bg 66 mg/dL\n 02:15 bg 62 mg/dL\n 02:25 bg 85 mg/dL\n 02:35 bg 90 mg/dL\n 03:00 bg 90 mg/dL";
    let text = format!("{LOW}test low \"t\" {{ {all} }}");
    check(
        &text,
        "low",
        "02:10",
        expect![[r#"
        low "Low", test at 02:10
        pending: not decided yet at that instant; low from 02:00 until 02:25, decided at 02:15, known at 02:35; warning, resolved
          then: the condition has held since 02:00, for 10 min; it must for 15 min, 5 min are lacking
          it says: 62 mg/dL

        asked at 02:10
          when of bg at 02:10 (line 9)
            bg.value < profile.bg_low is true
              bg.value = 66 mg/dL
              profile.bg_low = 70 mg/dL

        the condition has held since 02:00, for 10 min at 2 decisions; it must for 15 min, no two decisions more than 10 min apart
    "#]],
    );
    check(
        &text,
        "low",
        "02:36",
        expect![[r#"
        low "Low", test at 02:36
        resolved: low from 02:00 until 02:25, decided at 02:15, known at 02:35; warning, resolved
          it says: 62 mg/dL

        asked at 02:35
          when of bg at 02:35 (line 12)
            bg.value < profile.bg_low is false
              bg.value = 90 mg/dL
              profile.bg_low = 70 mg/dL
          until of bg at 02:35 (line 12)
            bg.value >= 80 mg/dL is true
              bg.value = 90 mg/dL
          severity urgent when
            bg.value < 54 mg/dL is false
              bg.value = 90 mg/dL
    "#]],
    );
    check(
        &text,
        "low",
        "03:00",
        expect![[r#"
        low "Low", test at 03:00
        silent: `bg.value < profile.bg_low` is false (bg.value = 90 mg/dL, profile.bg_low = 70 mg/dL), asked of bg at 03:00 (line 13)
        before: low from 02:00 until 02:25, decided at 02:15, known at 02:35; warning, resolved

        asked at 03:00
          when of bg at 03:00 (line 13)
            bg.value < profile.bg_low is false
              bg.value = 90 mg/dL
              profile.bg_low = 70 mg/dL
    "#]],
    );
}

#[test]
fn an_episode_lapsed() {
    let lapses = "02:00 bg 68 mg/dL\n 02:10 bg 66 mg/dL\n 02:15 bg 62 mg/dL\n until 06:00";
    let text = "rule low { severity info when bg.value < 70 mg/dL for 15 min or no bg for 2 h }";
    check(
        &format!("{text}test low \"t\" {{ {lapses} }}"),
        "low",
        "05:00",
        expect![[r#"
        low "low", test at 05:00
        lapsed: low from 02:00 until 02:15, decided at 02:15, known at 04:15; info, lapsed
          it says: low

        asked at 02:15
          when of bg at 02:15 (line 4)
            bg.value < 70 mg/dL is true
              bg.value = 62 mg/dL

        the condition has held since 02:00, for 15 min at 3 decisions; it must for 15 min, no two decisions more than 15 min apart
    "#]],
    );
}

#[test]
fn what_is_not_known_is_said_to_be() {
    let text = "rule r {
        severity info
        when bg.value > 10 mmol/L and (last(medication.amount over 4 h where medication.kind = bolus) < 2 U or not during sleep)
    }
    test r \"t\" { 22:00 to 23:30 sleep\n 23:00 bg 12 mmol/L }";
    check(
        text,
        "r",
        "23:00",
        expect![[r#"
            r "r", test at 23:00
            silent: `last(medication.amount over 4 h where medication.kind = bolus) < 2 U or not during sleep` is unknown (last(medication.amount over 4 h where medication.kind = bolus) = unknown), asked of bg at 23:00 (line 7)

            asked at 23:00
              when of bg at 23:00 (line 7)
                bg.value > 10 mmol/L and (last(medication.amount over 4 h where medication.kind = bolus) < 2 U or not during sleep) is unknown
                  bg.value > 10 mmol/L is true
                    bg.value = 216 mg/dL
                  last(medication.amount over 4 h where medication.kind = bolus) < 2 U or not during sleep is unknown
                    last(medication.amount over 4 h where medication.kind = bolus) < 2 U is unknown
                      last(medication.amount over 4 h where medication.kind = bolus) = unknown
                        0 readings after 19:00 to 23:00
                    not during sleep is false
                      during sleep is true
                        sleep from 22:00 to 23:30 (line 6)
        "#]],
    );
}

#[test]
fn windows_name_what_they_counted() {
    let text = "rule r {
        severity info
        let   swing = max(bg.value over 1 h) - min(bg.value over 1 h)
        when  bg.value > 100 mg/dL
        where swing > 80 mg/dL and slope(bg.value over 30 min) > 1 mg/dL/min
        say   \"{swing}\"
    }
    test r \"t\" { 02:00 bg 120 mg/dL\n 02:20 bg 140 mg/dL\n 02:40 bg 150 mg/dL }";
    check(
        text,
        "r",
        "02:40",
        expect![[r#"
            r "r", test at 02:40
            silent: `swing > 80 mg/dL` is false (swing = 30 mg/dL), asked of bg at 02:40 (line 11)

            asked at 02:40
              when of bg at 02:40 (line 11)
                bg.value > 100 mg/dL is true
                  bg.value = 150 mg/dL
              where of bg at 02:40 (line 11)
                swing > 80 mg/dL and slope(bg.value over 30 min) > 1 mg/dL/min is false
                  swing > 80 mg/dL is false
                    swing = 30 mg/dL
                  slope(bg.value over 30 min) > 1 mg/dL/min is unknown
                    slope(bg.value over 30 min) = unknown
                      2 readings after 02:10 to 02:40
                      bg 140 mg/dL at 02:20 (line 10)
                      bg 150 mg/dL at 02:40 (line 11)

            the condition has held since 02:00, for 40 min at 3 decisions
        "#]],
    );
}

#[test]
fn a_finding_is_quiet() {
    let text = "rule low { severity warning when bg.value < 70 mg/dL at most once per 2 h }
    test low \"t\" { 02:00 bg 68 mg/dL\n 02:10 bg 90 mg/dL\n 02:20 bg 66 mg/dL }";
    check(
        text,
        "low",
        "02:20",
        expect![[r#"
        low "low", test at 02:20
        quiet: low from 02:20, decided at 02:20; warning, open
          it says: low
          nobody was disturbed: at most once per 2 h, and the rule had spoken: low from 02:00 until 02:10, decided at 02:00; warning, resolved
        before: low from 02:00 until 02:10, decided at 02:00; warning, resolved

        asked at 02:20
          when of bg at 02:20 (line 5)
            bg.value < 70 mg/dL is true
              bg.value = 66 mg/dL

        the condition has held since 02:20, for 0 s at 1 decision
        it lapses at 02:50 if nothing comes before
    "#]],
    );
    let text = "rule very { severity urgent when bg.value < 54 mg/dL }
    rule low { severity warning when bg.value < 70 mg/dL quiet while very }
    test low \"t\" { 02:00 bg 50 mg/dL }";
    check(
        text,
        "low",
        "02:00",
        expect![[r#"
        low "low", test at 02:00
        quiet: low from 02:00, decided at 02:00; warning, open
          it says: low
          nobody was disturbed: a rule that keeps it quiet had found something: very from 02:00, decided at 02:00; urgent, open

        asked at 02:00
          when of bg at 02:00 (line 4)
            bg.value < 70 mg/dL is true
              bg.value = 50 mg/dL

        the condition has held since 02:00, for 0 s at 1 decision
        it lapses at 02:30 if nothing comes before
    "#]],
    );
}

#[test]
fn a_silence() {
    let text = "rule gone { severity warning when no bg for 3 h where profile.bg_low > 60 mg/dL }
    test gone \"t\" { 02:00 bg 90 mg/dL\n 04:00 bg 90 mg/dL\n 08:00 bg 90 mg/dL\n 08:10 bg 80 mg/dL }";
    check(
        text,
        "gone",
        "03:00",
        expect![[r#"
        gone "gone", test at 03:00
        silent: it was heard: bg at 02:00 (line 3); the silence opens at 05:00, 3 h after that, if nothing comes

        asked at 05:00
          where
            profile.bg_low > 60 mg/dL is true
              profile.bg_low = 70 mg/dL

        heard of bg, last: bg at 02:00 (line 3); next: bg at 04:00 (line 4)
        it counts from 02:00
        it opens at 05:00 if nothing comes before
    "#]],
    );
    check(
        text,
        "gone",
        "07:30",
        expect![[r#"
        gone "gone", test at 07:30
        fired: gone from 04:00 until 08:00, decided at 07:00; warning, resolved
          it says: gone

        asked at 07:00
          where
            profile.bg_low > 60 mg/dL is true
              profile.bg_low = 70 mg/dL

        heard of bg, last: bg at 04:00 (line 4); next: bg at 08:00 (line 5)
        it counts from 04:00
        it opens at 07:00 if nothing comes before
    "#]],
    );
    check(
        text,
        "gone",
        "08:00",
        expect![[r#"
        gone "gone", test at 08:00
        resolved: gone from 04:00 until 08:00, decided at 07:00; warning, resolved
          it says: gone

        heard of bg, last: bg at 08:00 (line 5); next: bg at 08:10 (line 6)
        it counts from 08:00
        it opens at 11:00 if nothing comes before
    "#]],
    );
}

#[test]
fn a_schedule() {
    let text = "rule weekly { severity info every monday at 09:00 when sum(exercise.duration over 24 h) < 30 min }
    test weekly \"t\" { 02:00 to 02:50 exercise intensity moderate\n until 12:00 }";
    check(
        text,
        "weekly",
        "10:00",
        expect![[r#"
        weekly "weekly", test at 10:00
        silent: `sum(exercise.duration over 24 h) < 30 min` is false (sum(exercise.duration over 24 h) = 50 min), asked at 09:00

        asked at 09:00
          when
            sum(exercise.duration over 24 h) < 30 min is false
              sum(exercise.duration over 24 h) = 50 min
                1 reading from 2026-01-04T09:00:00Z and before 09:00
                exercise 50 min from 02:00 to 02:50 (line 3)

        it fired last at 09:00, and fires next at day 8 09:00
    "#]],
    );
    let text = "rule weekly { severity info every monday at 09:00 when sum(exercise.duration over 24 h) < 30 min }
    test weekly \"t\" { 02:00 to 02:20 exercise intensity moderate\n until 12:00 }";
    check(
        text,
        "weekly",
        "09:00",
        expect![[r#"
        weekly "weekly", test at 09:00
        fired: weekly from 09:00 until 09:00, decided at 09:00; info, open
          it says: weekly

        asked at 09:00
          when
            sum(exercise.duration over 24 h) < 30 min is true
              sum(exercise.duration over 24 h) = 20 min
                1 reading from 2026-01-04T09:00:00Z and before 09:00
                exercise 20 min from 02:00 to 02:20 (line 3)

        it fired last at 09:00, and fires next at day 8 09:00
    "#]],
    );
    check(
        text,
        "weekly",
        "10:00",
        expect![[r#"
        weekly "weekly", test at 10:00
        silent: it is between two firings: the last was at 09:00, next at day 8 09:00
        before: weekly from 09:00 until 09:00, decided at 09:00; info, open

        asked at 09:00
          when
            sum(exercise.duration over 24 h) < 30 min is true
              sum(exercise.duration over 24 h) = 20 min
                1 reading from 2026-01-04T09:00:00Z and before 09:00
                exercise 20 min from 02:00 to 02:20 (line 3)

        it fired last at 09:00, and fires next at day 8 09:00
    "#]],
    );
}

#[test]
fn what_nobody_knows_and_what_is_not_decided() {
    let text = format!("{LOW}test low \"t\" {{ 02:00 bg 90 mg/dL }}");
    assert_eq!(ask(&text, "lwo", "02:00"), Err(Unknown::Rule));
    check(
        &text,
        "low",
        "09:00",
        expect![[r#"
        low "Low", test at 09:00
        not_reached: the clock is at 02:00, and nothing is decided beyond it
          so far: `bg.value < profile.bg_low` is false (bg.value = 90 mg/dL, profile.bg_low = 70 mg/dL), asked of bg at 02:00 (line 8)

        asked at 02:00
          when of bg at 02:00 (line 8)
            bg.value < profile.bg_low is false
              bg.value = 90 mg/dL
              profile.bg_low = 70 mg/dL
    "#]],
    );
    let nobody = format!("{LOW}test low \"t\" {{ until 02:00 }}");
    assert_eq!(ask(&nobody, "low", "02:00"), Err(Unknown::Subject));
}
