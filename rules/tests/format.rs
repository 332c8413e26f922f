//! The formatter: one style, nothing lost, nothing meant otherwise, nothing changed twice.

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

use expect_test::expect;
use proptest::prelude::*;
use vitalog_cep::plan::Library;
use vitalog_rules::format::format;
use vitalog_rules::{Source, compile, packs};

use crate::hostile::{cases, mutated, scraps};
use crate::manual::examples;
use crate::support::with_health;

/// Formats, and checks what must hold for any text at all.
fn formatted(text: &str) -> String {
    let once = format(text);
    let twice = format(&once);
    assert_eq!(once, twice, "formatting twice differs from formatting once, of:\n{text}");
    assert_eq!(words(text), words(&once), "words differ, of:\n{text}");
    once
}

/// What is not white space, character by character.
fn words(text: &str) -> String {
    text.trim_start_matches('\u{feff}').chars().filter(|c| !matches!(c, ' ' | '\t' | '\r' | '\n')).collect()
}

/// The meanings of a file's rules, and what is said of it.
fn meaning(text: &str) -> (BTreeMap<String, u64>, Vec<&'static str>, usize) {
    let compiled = compile(&[Source::new("x.rules", text)], &Library::default());
    let rules = compiled.library.iter().flat_map(|l| l.rules.iter().map(|r| (r.name.to_string(), r.meaning))).collect();
    let mut codes: Vec<&str> = compiled.diagnostics.iter().map(|d| d.code.0).collect();
    codes.sort_unstable();
    (rules, codes, compiled.tests.len())
}

fn keeps_meaning(name: &str, text: &str) {
    let after = formatted(text);
    assert_eq!(meaning(text), meaning(&after), "{name} means something else:\n{after}");
}

/// Found by the hostile inputs: on a line of its own such a field was read as a declaration the second time.
#[test]
fn fields_that_are_called_like_declarations_stay_where_they_are() {
    formatted(
        "profile {\n    units mg_dl | mmol_l stream mg_dl\n\n    /// Low.\n    // Why.\n    bg_low glucose in mg/dL default 70 mg/dL\n}\n",
    );
    for word in ["stream", "use", "rule", "test", "policy", "profile", "interval"] {
        formatted(&format!(
            "stream s {{\n a text {word} text\n\n /// b\n b text {word} text optional c bool {word} x | y\n d text\n}}\n"
        ));
        formatted(&format!(
            "profile {{ a text {word} text b text {word} stream text }}\nprofile {{ {word} text\n {word} text optional }}\n"
        ));
    }
}

#[test]
fn shipped_files_are_formatted() {
    let update = env::var_os("UPDATE_EXPECT").is_some();
    for pack in packs::ALL {
        keeps_meaning(pack.name, pack.text);
        let new = formatted(pack.text);
        if update && new != pack.text {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("packs/{}.rules", pack.name));
            fs::write(path, &new).expect("the pack rewritten");
        }
        assert!(update || new == pack.text, "packs/{}.rules is not as `vitalog fmt` writes it", pack.name);
    }
}

#[test]
fn examples_of_the_manual_keep_their_meaning() {
    for example in examples() {
        keeps_meaning(&format!("docs/language.md:{}", example.line), &example.text);
    }
}

#[test]
fn cases_of_the_compiler_keep_their_diagnostics() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    for entry in fs::read_dir(folder).expect("the cases") {
        let path = entry.expect("an entry").path();
        keeps_meaning(&path.display().to_string(), &fs::read_to_string(&path).expect("a case"));
    }
}

#[test]
fn one_style() {
    let ugly = "use health   // streams\n\n\n\nrule   low \"Low\"{severity warning,urgent when bg.value<54 mg/dL // grave\n when bg.value<profile.bg_low for 15 min\n\n  // how it ends\n  until bg.value>=profile.bg_low   +10 mg/dL for 15min\n where bg.value - -3 mg/dL>(2*3 mg/dL)\n  and age( bg )<5 min or   bg.value/2 > 3 mg/dL/min*20 min\n  at most once per 1 d say \"x  {bg.value}\" }\nstream scale every 1 d{weight mass in kg from 2 kg to 400 kg\n fat ratio in% optional// share\n\n  note text }\nrule r{severity info match bp{ 3 }in a row as h where each.systolic>=140 mmHg within 7 d}\ntest low \"t\"\n{ 02:00 bg 3 mmol/L as x\n day 2   03:00 amend x to-5 mmol/L\n}\n";
    expect![[r#"
        use health  // streams

        rule low "Low" {
            severity warning, urgent when bg.value < 54 mg/dL  // grave
            when   bg.value < profile.bg_low for 15 min

            // how it ends
            until  bg.value >= profile.bg_low + 10 mg/dL for 15 min
            where  bg.value - -3 mg/dL > (2 * 3 mg/dL)
                   and age(bg) < 5 min or bg.value / 2 > 3 mg/dL/min * 20 min
            at most once per 1 d
            say    "x  {bg.value}"
        }

        stream scale every 1 d {
            weight mass in kg from 2 kg to 400 kg
            fat    ratio in % optional  // share

            note text
        }

        rule r { severity info match bp{3} in a row as h where each.systolic >= 140 mmHg within 7 d }

        test low "t" {
            02:00 bg 3 mmol/L as x
            day 2 03:00 amend x to -5 mmol/L
        }
    "#]]
    .assert_eq(&formatted(ugly));
}

#[test]
fn long_clauses_are_broken_where_they_go_on() {
    let text = with_health(
        "    match carbs as meal where meal.amount >= 30 g then bg as peak where peak.value > 10 mmol/L and peak.at - meal.at > 20 min without exercise within 2 h",
    );
    expect![[r#"
        use health

        rule r {
            severity warning
            match  carbs as meal where meal.amount >= 30 g
                   then bg as peak where peak.value > 10 mmol/L and peak.at - meal.at > 20 min
                   without exercise
                   within 2 h
        }
    "#]]
    .assert_eq(&formatted(&text));
}

#[test]
fn policies_and_schedules() {
    let text = "use health\npolicy urgent { // who\n notify patient by push,sms\n   after 5 minutes unless acknowledged notify caretaker by push\n}\nrule w {\n  severity info\n  every monday at 09:00\n  when slope(bg.value over 30 min)>2 mg/dL/min\n  quiet while  v or u   shadow\n}\n";
    expect![[r#"
        use health

        policy urgent {  // who
            notify patient by push, sms
            after 5 minutes unless acknowledged notify caretaker by push
        }

        rule w {
            severity info
            every  monday at 09:00
            when   slope(bg.value over 30 min) > 2 mg/dL/min
            quiet while v or u
            shadow
        }
    "#]]
    .assert_eq(&formatted(text));
}

#[test]
fn what_cannot_be_read_is_left_alone() {
    let broken = "rule  broken   {\n   severity   warning\n  when bg.value <  \n\tsay  \"x\"\n}\n";
    let text = format!("use   health\n{broken}rule fine{{severity info when bg.value<3 mmol/L}}\n");
    let right = format!("use health\n\n{broken}\nrule fine {{ severity info when bg.value < 3 mmol/L }}\n");
    assert_eq!(formatted(&text), right);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in "\\PC{0,300}") {
        formatted(&text);
    }

    #[test]
    fn any_words(text in scraps()) {
        formatted(&text);
        keeps_meaning("scraps", &with_health(&text));
    }

    #[test]
    fn any_mutation(text in mutated()) {
        keeps_meaning("a mutated file", &text);
    }
}
