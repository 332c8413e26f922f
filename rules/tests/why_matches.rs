//! What `why` says of patterns: what each start took, and what stopped it.

use expect_test::expect;

use crate::why::check;

const SPIKE: &str = "rule spike \"Spike\" {
    severity advisory
    match carbs as meal where meal.amount >= 30 g
          then bg as peak where peak.value > 10 mmol/L
          without exercise
          within 2 h
    where peak.value - last(bg.value over 30 min before meal) >= 60 mg/dL
    say   \"{peak.value}\"
}
";

#[test]
fn a_match_fired() {
    let script = "test spike \"t\" { 11:50 bg 100 mg/dL\n 12:00 carbs 45 g\n 12:30 bg 150 mg/dL\n 13:00 bg 200 mg/dL }";
    check(
        &format!("{SPIKE}{script}"),
        "spike",
        "13:00",
        expect![[r#"
            spike "Spike", test at 13:00
            fired: spike from 12:00 until 13:00, decided at 13:00; advisory, open
              it says: 200 mg/dL

            asked at 12:00
              step `carbs as meal where meal.amount >= 30 g` of carbs at 12:00 (line 12)
                meal.amount >= 30 g is true
                  meal.amount = 45 g

            asked at 13:00
              step `bg as peak where peak.value > 10 mmol/L` of bg at 13:00 (line 14)
                peak.value > 10 mmol/L is true
                  peak.value = 200 mg/dL
              where
                peak.value - last(bg.value over 30 min before meal) >= 60 mg/dL is true
                  peak.value - last(bg.value over 30 min before meal) = 100 mg/dL
                    peak.value = 200 mg/dL
                      bg at 13:00 (line 14)
                    last(bg.value over 30 min before meal) = 100 mg/dL
                      1 reading after 11:30 to 12:00
                      bg 100 mg/dL at 11:50 (line 11)

            the start at 12:00, complete at 13:00
              took carbs at 12:00 (line 12) for `carbs as meal where meal.amount >= 30 g`
              took bg at 13:00 (line 14) for `bg as peak where peak.value > 10 mmol/L`
        "#]],
    );
}

#[test]
fn a_match_is_silent() {
    let text = |readings: &str| format!("{SPIKE}test spike \"t\" {{ {readings} }}");
    // No start; a step that does not fit; too late.
    check(
        &text("12:00 carbs 20 g\n 13:00 bg 200 mg/dL"),
        "spike",
        "13:00",
        expect![[r#"
        spike "Spike", test at 13:00
        silent: `carbs as meal where meal.amount >= 30 g` did not take carbs at 12:00 (line 11): `meal.amount >= 30 g` is false (meal.amount = 20 g)

        1 instant at which a match may begin, looked at from the last on

        the start at 12:00
          then: `carbs as meal where meal.amount >= 30 g` did not take carbs at 12:00 (line 11): `meal.amount >= 30 g` is false (meal.amount = 20 g)
    "#]],
    );
    check(
        &text("12:00 carbs 45 g\n 13:00 bg 150 mg/dL"),
        "spike",
        "13:00",
        expect![[r#"
            spike "Spike", test at 13:00
            silent: `bg as peak where peak.value > 10 mmol/L` did not take bg at 13:00 (line 12): `peak.value > 10 mmol/L` is false (peak.value = 150 mg/dL); it may still come before 14:00

            1 instant at which a match may begin, looked at from the last on

            the start at 12:00
              took carbs at 12:00 (line 11) for `carbs as meal where meal.amount >= 30 g`
              then: `bg as peak where peak.value > 10 mmol/L` did not take bg at 13:00 (line 12): `peak.value > 10 mmol/L` is false (peak.value = 150 mg/dL); it may still come before 14:00
        "#]],
    );
    check(
        &text("12:00 carbs 45 g\n 14:10 bg 200 mg/dL"),
        "spike",
        "13:59",
        expect![[r#"
        spike "Spike", test at 13:59
        silent: `bg as peak where peak.value > 10 mmol/L` came too late: bg at 14:10 (line 12), 2 h 10 min after 12:00; less than 2 h is allowed

        1 instant at which a match may begin, looked at from the last on

        the start at 12:00
          took carbs at 12:00 (line 11) for `carbs as meal where meal.amount >= 30 g`
          then: `bg as peak where peak.value > 10 mmol/L` came too late: bg at 14:10 (line 12), 2 h 10 min after 12:00; less than 2 h is allowed
    "#]],
    );
}

#[test]
fn a_match_is_forbidden_not_worth_it_or_not_there_yet() {
    let text = |readings: &str| format!("{SPIKE}test spike \"t\" {{ {readings} }}");
    check(
        &text("12:00 carbs 45 g\n 12:20 to 12:40 exercise intensity moderate\n 13:00 bg 200 mg/dL"),
        "spike",
        "13:00",
        expect![[r#"
            spike "Spike", test at 13:00
            silent: `without exercise`: exercise from 12:20 to 12:40 (line 12) stands in between

            1 instant at which a match may begin, looked at from the last on

            the start at 12:00
              took carbs at 12:00 (line 11) for `carbs as meal where meal.amount >= 30 g`
              then: `without exercise`: exercise from 12:20 to 12:40 (line 12) stands in between
        "#]],
    );
    check(
        &text("11:50 bg 150 mg/dL\n 12:00 carbs 45 g\n 13:00 bg 200 mg/dL"),
        "spike",
        "13:00",
        expect![[r#"
        spike "Spike", test at 13:00
        silent: `peak.value - last(bg.value over 30 min before meal) >= 60 mg/dL` is false (peak.value - last(bg.value over 30 min before meal) = 50 mg/dL), asked at 13:00

        1 instant at which a match may begin, looked at from the last on

        the start at 12:00
          took carbs at 12:00 (line 12) for `carbs as meal where meal.amount >= 30 g`
          took bg at 13:00 (line 13) for `bg as peak where peak.value > 10 mmol/L`
          then: `peak.value - last(bg.value over 30 min before meal) >= 60 mg/dL` is false (peak.value - last(bg.value over 30 min before meal) = 50 mg/dL), asked at 13:00
    "#]],
    );
    check(
        &text("12:00 carbs 45 g\n 12:10 bg 90 mg/dL"),
        "spike",
        "12:30",
        expect![[r#"
        spike "Spike", test at 12:30
        not_reached: the clock is at 12:10, and nothing is decided beyond it
          so far: `bg as peak where peak.value > 10 mmol/L` did not take bg at 12:10 (line 12): `peak.value > 10 mmol/L` is false (peak.value = 90 mg/dL); it may still come before 14:00

        1 instant at which a match may begin, looked at from the last on

        the start at 12:00
          took carbs at 12:00 (line 11) for `carbs as meal where meal.amount >= 30 g`
          then: `bg as peak where peak.value > 10 mmol/L` did not take bg at 12:10 (line 12): `peak.value > 10 mmol/L` is false (peak.value = 90 mg/dL); it may still come before 14:00
    "#]],
    );
}

#[test]
fn a_match_that_waits_for_the_clock() {
    let text = |rest: &str| {
        format!("rule missed {{ severity info match carbs where carbs.amount >= 30 g then no medication where medication.kind = bolus for 1 h }}
    test missed \"t\" {{ 12:00 carbs 45 g\n {rest} }}")
    };
    check(
        &text("12:10 bg 90 mg/dL"),
        "missed",
        "12:10",
        expect![[r#"
        missed "missed", test at 12:10
        silent: all is there, and the clock decides it at 13:00

        1 instant at which a match may begin, looked at from the last on

        the start at 12:00, complete at 13:00
          took carbs at 12:00 (line 3) for `carbs where carbs.amount >= 30 g`
          then: all is there, and the clock decides it at 13:00
    "#]],
    );
    check(
        &text("12:20 medication kind bolus drug rapid amount 4 U\n until 14:00"),
        "missed",
        "12:30",
        expect![[r#"
        missed "missed", test at 12:30
        silent: `then no medication`: medication at 12:20 (line 4) came before 13:00

        1 instant at which a match may begin, looked at from the last on

        the start at 12:00
          took carbs at 12:00 (line 3) for `carbs where carbs.amount >= 30 g`
          then: `then no medication`: medication at 12:20 (line 4) came before 13:00
    "#]],
    );
    check(
        &text("until 14:00"),
        "missed",
        "13:00",
        expect![[r#"
        missed "missed", test at 13:00
        fired: missed from 12:00 until 12:00, decided at 13:00; info, open
          it says: missed

        asked at 12:00
          step `carbs where carbs.amount >= 30 g` of carbs at 12:00 (line 3)
            carbs.amount >= 30 g is true
              carbs.amount = 45 g

        the start at 12:00, complete at 13:00
          took carbs at 12:00 (line 3) for `carbs where carbs.amount >= 30 g`
    "#]],
    );
}
