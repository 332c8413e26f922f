//! `test` blocks: the times and readings that a script means.

use expect_test::{Expect, expect};
use vitalog_elog::{Change, Finding, FindingKind, FindingState, MatchId, Severity, Span, Subject, Time};
use vitalog_rules::script::{DAY_ONE, script_time, with_rule, without};
use vitalog_rules::{Action, TestCase};

use crate::support::compiled;

fn script(lines: &str) -> TestCase {
    let text = format!("use health\nrule r {{ severity info when bg.value < 54 mg/dL }}\ntest r \"t\" {{\n{lines}\n}}\n");
    let mut compiled = compiled(&text);
    assert!(!compiled.has_errors(), "{}", compiled.render(false));
    compiled.tests.remove(0)
}

fn told(lines: &str) -> String {
    let mut out = String::new();
    for step in script(lines).script {
        let what = match step.action {
            Action::Reading(r) => {
                let given = r.given.as_deref().unwrap_or("-");
                match r.content {
                    Some(c) => format!("{given} rev {} {:?} {:?}", r.rev, c.when, c.values.iter().flatten().collect::<Vec<_>>()),
                    None => format!("{given} rev {} removed", r.rev),
                }
            }
            Action::Profile(p) => format!("{} = {:?} from {}", p.field, p.value, p.at),
            Action::Advance => "advance".to_owned(),
            Action::Expect(e) => {
                let times = [("onset", e.onset), ("at", e.at), ("until", e.until)];
                let times: String = times.iter().filter_map(|(n, t)| t.map(|t| format!(" {n} {t}"))).collect();
                let no = if e.absent { "no " } else { "" };
                format!("expect {no}{}{times} {:?} {:?}", e.rule, e.severity, e.state)
            }
        };
        out.push_str(&format!("{} | {what}\n", step.at));
    }
    out
}

fn check(lines: &str, expected: Expect) {
    expected.assert_eq(&told(lines));
}

#[test]
fn readings_with_values_by_name_or_place() {
    check(
        "    02:00 bg 68 mg/dL\n    02:05 bp systolic 150 diastolic 95\n    02:10 medication kind bolus amount 4 U drug rapid\n    2026-01-05T03:00:00+01:00 bg 4.1 mmol/L",
        expect![[r#"
        2026-01-05T02:00:00Z | - rev 1 At(2026-01-05T02:00:00Z) [Quantity(68 mg/dL)]
        2026-01-05T02:05:00Z | - rev 1 At(2026-01-05T02:05:00Z) [Quantity(150 mmHg), Quantity(95 mmHg)]
        2026-01-05T02:10:00Z | - rev 1 At(2026-01-05T02:10:00Z) [Enum(0), Text("rapid"), Quantity(4 U)]
        2026-01-05T02:10:00Z | - rev 1 At(2026-01-05T02:00:00Z) [Quantity(4.1 mmol/L)]
    "#]],
    );
}

#[test]
fn intervals_go_past_midnight_and_lines_follow_them() {
    check(
        "    22:30 to 06:10 sleep deep 1 h 30 min\n    07:00 bg 100\n    day 3 10:00 to 10:40 exercise intensity moderate\n    day 3 11:00 to now sleep",
        expect![[r#"
            2026-01-06T06:10:00Z | - rev 1 During { start: 2026-01-05T22:30:00Z, end: Some(2026-01-06T06:10:00Z) } [Quantity(5400000 ms)]
            2026-01-06T07:00:00Z | - rev 1 At(2026-01-06T07:00:00Z) [Quantity(100 mg/dL)]
            2026-01-07T10:40:00Z | - rev 1 During { start: 2026-01-07T10:00:00Z, end: Some(2026-01-07T10:40:00Z) } [Enum(1)]
            2026-01-07T11:00:00Z | - rev 1 During { start: 2026-01-07T11:00:00Z, end: None } []
        "#]],
    );
}

#[test]
fn revisions_have_numbers_and_late_lines_arrive_now() {
    check(
        "    02:00 bg 68 as a\n    02:10 bg 60\n    02:05 bg 61\n    02:20 amend a to 70\n    02:30 amend a to 02:01\n    02:40 remove a\n    until 03:00",
        expect![[r#"
            2026-01-05T02:00:00Z | a rev 1 At(2026-01-05T02:00:00Z) [Quantity(68 mg/dL)]
            2026-01-05T02:10:00Z | - rev 1 At(2026-01-05T02:10:00Z) [Quantity(60 mg/dL)]
            2026-01-05T02:10:00Z | - rev 1 At(2026-01-05T02:05:00Z) [Quantity(61 mg/dL)]
            2026-01-05T02:20:00Z | a rev 2 At(2026-01-05T02:00:00Z) [Quantity(70 mg/dL)]
            2026-01-05T02:30:00Z | a rev 3 At(2026-01-05T02:01:00Z) [Quantity(70 mg/dL)]
            2026-01-05T02:40:00Z | a rev 4 removed
            2026-01-05T03:00:00Z | advance
        "#]],
    );
}

#[test]
fn the_profile_is_set_from_the_beginning_or_from_now() {
    check(
        "    set profile.bg_low = 80 mg/dL\n    02:00 bg 68\n    set profile.bg_low = default\n    02:10 set profile.time_zone = \"Europe/London\"",
        expect![[r#"
        2026-01-05T02:00:00Z | bg_low = Some(Quantity(80 mg/dL)) from 1970-01-01T00:00:00Z
        2026-01-05T02:00:00Z | - rev 1 At(2026-01-05T02:00:00Z) [Quantity(68 mg/dL)]
        2026-01-05T02:00:00Z | bg_low = None from 2026-01-05T02:00:00Z
        2026-01-05T02:10:00Z | time_zone = Some(Text("Europe/London")) from 2026-01-05T02:10:00Z
    "#]],
    );
}

#[test]
fn expectations_are_about_the_past() {
    check(
        "    23:50 bg 50\n    day 2 00:10 bg 50\n    expect r from 23:50 at 00:10 until 00:05 severity urgent resolved\n    expect no r from day 1 23:50",
        expect![[r#"
            2026-01-05T23:50:00Z | - rev 1 At(2026-01-05T23:50:00Z) [Quantity(50 mg/dL)]
            2026-01-06T00:10:00Z | - rev 1 At(2026-01-06T00:10:00Z) [Quantity(50 mg/dL)]
            2026-01-06T00:10:00Z | expect r onset 2026-01-05T23:50:00Z at 2026-01-06T00:10:00Z until 2026-01-06T00:05:00Z Some(Urgent) Some(Resolved)
            2026-01-06T00:10:00Z | expect no r onset 2026-01-05T23:50:00Z None None
        "#]],
    );
}

fn finding() -> Finding {
    Finding {
        id: MatchId::new("r", &Subject::new("test"), Time(5)),
        revision: 1,
        rule: "r".into(),
        version: 1,
        title: "R".into(),
        subject: Subject::new("test"),
        kind: FindingKind::Episode,
        state: FindingState::Open,
        severity: Severity::Info,
        onset: Time::parse("2026-01-05T02:00:00Z").expect("a time"),
        at: Time::parse("2026-01-05T02:15:00Z").expect("a time"),
        end: None,
        resolved_at: None,
        evidence: [].into(),
        text: "".into(),
        wordings: Vec::new(),
        notify: None,
        cite: None,
        quiet: None,
        by_clock: false,
    }
}

#[test]
fn expectations_judge() {
    let judge = |line: &str, findings: &[Finding]| {
        let case = script(&format!("    03:00 bg 50\n    {line}"));
        let Some(Action::Expect(e)) = case.script.last().map(|s| s.action.clone()) else { panic!("an expectation") };
        e.judge(findings)
    };
    let open = finding();
    let gone = Finding { state: FindingState::Rescinded, ..finding() };
    let other = Finding { rule: "q".into(), ..finding() };
    assert_eq!(Change::Opened.name(), "opened");
    for (line, findings, fine) in [
        ("expect r", vec![open.clone()], true),
        ("expect r", vec![], false),
        ("expect r", vec![other.clone()], false),
        ("expect r", vec![gone.clone()], false),
        ("expect r rescinded", vec![gone.clone()], true),
        ("expect r rescinded", vec![open.clone()], false),
        ("expect r open", vec![open.clone()], true),
        ("expect r resolved", vec![open.clone()], false),
        ("expect r from 02:00 at 02:15 severity info", vec![gone.clone(), open.clone()], true),
        ("expect r from 02:01", vec![open.clone()], false),
        ("expect r at 02:14", vec![open.clone()], false),
        ("expect r until 02:30", vec![open.clone()], false),
        ("expect r severity urgent", vec![open.clone()], false),
        ("expect no r", vec![open.clone()], false),
        ("expect no r", vec![gone.clone(), other], true),
        ("expect no r from 02:01", vec![open.clone()], true),
    ] {
        assert_eq!(judge(line, &findings).is_ok(), fine, "{line}");
    }
    let why = judge("expect r from 02:01", &[open]).expect_err("not so");
    expect![[r#"
        `expect r from 02:01` does not hold
          found: r from 02:00 at 02:15 severity info open"#]]
    .assert_eq(&why);
}

#[test]
fn a_case_knows_where_it_stands() {
    let case = script("    02:00 bg 68");
    assert_eq!((&*case.rule, &*case.name, &*case.file, case.line, case.script[0].line), ("r", "t", "test.rules", 3, 4));
}

#[test]
fn a_failing_expectation_tells_its_story() {
    let text = "use health\nrule r { severity info when bg.value < 54 mg/dL }\ntest r \"t\" {\n    02:00 bg 50\n    02:15 bg 52 as last\n    02:05 bg 51\n    expect r from 02:05 until 03:00 severity urgent\n    day 2 01:00 amend last to 53\n    expect r\n}\n";
    let compiled = compiled(text);
    let case = &compiled.tests[0];
    let Action::Reading(first) = &case.script[0].action else { panic!("a reading") };
    let Action::Reading(later) = &case.script[4].action else { panic!("a reading") };
    let found = Finding { evidence: [first.id, later.id].into(), text: "It is 50 mg/dL.".into(), ..finding() };
    expect![[r#"
        the timeline, by the script's clock
          02:00        02:00 bg 50
          02:15        02:15 bg 52 as last
          02:15        02:05 bg 51  (late)
        > 02:15        expect r from 02:05 until 03:00 severity urgent
        what stood
          r from 02:00 at 02:15 severity info open
            its onset is 02:00, not 02:05; its end is not known, not 2026-01-04T03:00:00Z; its severity is info, not urgent
            it says: It is 50 mg/dL.
            it rests on line 4: 02:00 bg 50
            it rests on line 5: 02:15 bg 52 as last
    "#]]
    .assert_eq(&case.story(text, 7, &[found], None));
    let empty = case.story(text, 9, &[], None);
    assert!(empty.ends_with("> day 2 01:00  expect r\nwhat stood\n  nothing: `r` has found nothing up to here\n"), "{empty}");
}

#[test]
fn times_are_written_as_a_script_writes_them() {
    for (time, written) in [
        (DAY_ONE, "00:00"),
        (DAY_ONE + Span::hours(26), "day 2 02:00"),
        (DAY_ONE + Span::seconds(61), "00:01:01"),
        (Time(DAY_ONE.0 + 1), "2026-01-05T00:00:00.000001Z"),
        (Time(DAY_ONE.0 - 1_000_000), "2026-01-04T23:59:59Z"),
    ] {
        assert_eq!(script_time(time), written);
    }
}

fn clauses(clauses: &str) -> Vec<String> {
    let library = crate::support::library(&crate::support::with_health(clauses));
    let rule = library.rule("r").expect("the rule").clone();
    let all = without(&rule, &library);
    for it in &all {
        assert_ne!(it.rule, *rule, "{} leaves the rule as it is", it.clause);
        assert_eq!(with_rule(&library, &it.rule).rule("r").map(|r| &**r), Some(&it.rule));
    }
    all.into_iter().map(|w| w.clause).collect()
}

#[test]
fn each_clause_can_be_left_out() {
    expect![[r#"
        where …
        part 1 of 3 of `when … and …`
        part 2 of 3 of `when … and …`
        part 3 of 3 of `when … and …`
        for 15 min
        gap 20 min
        until …
        part 1 of 2 of `until … or …`
        part 2 of 2 of `until … or …`
        until … for 10 min
        or no bg for 2 h"#]]
    .assert_eq(&clauses("when bg.value < 70 mg/dL and bg.value > 30 mg/dL and age(bg) < 1 h for 15 min gap 20 min until bg.value > 90 mg/dL or bg.value < 20 mg/dL for 10 min or no bg for 2 h where now - onset > 1 h").join("\n"));
    expect![[r#"
        the `where` of step 1 (carbs)
        `in a row` of step 2 (bg)
        {3} of step 2 (bg)
        without exercise
        the `where` of without exercise
        within 2 h"#]]
    .assert_eq(&clauses("match carbs where carbs.amount > 30 g then bg{3} in a row without exercise where exercise.intensity > light within 2 h").join("\n"));
    expect![[r#"
        no bg
        no bp"#]]
    .assert_eq(&clauses("when no bg or bp for 2 h").join("\n"));
}

#[test]
fn clauses_of_schedules_and_of_rules_above_others() {
    expect![[r#"
        the days of `every`
        time 1 of 2 of `every`
        time 2 of 2 of `every`
        when …
        part 1 of 2 of `when … and …`
        part 2 of 2 of `when … and …`"#]]
    .assert_eq(
        &clauses("every monday, friday at 09:00, 21:00 when count(bg over 1 d) > 3 and avg(bg.value over 1 d) > 8 mmol/L")
            .join("\n"),
    );
    expect![[r#"
        the `where` of step 1 (low)
        without low"#]].assert_eq(
        &clauses("match low where low.severity > info then no carbs for 1 h without low } rule low { severity info when bg.value < 4 mmol/L").join("\n"),
    );
    expect!["or no low for 1 d"].assert_eq(
        &clauses("at each low when low.duration > 1 h or no low for 1 d } rule low { severity info when bg.value < 4 mmol/L")
            .join("\n"),
    );
}
