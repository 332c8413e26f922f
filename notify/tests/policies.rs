//! Policies carried out, as tables: what happens on the left, who is told what on the right.
//!
//! A line is `seconds event finding words… -> endpoint:kind[/step[+repeat][~]] …`; `~` says that it is late, `(role)` that there is no endpoint for it.
//! Messages arrive at once, but between `down` and `up`.

use std::collections::BTreeMap;

use vitalog_elog::effect::Delivery;
use vitalog_elog::input::{Action, DeliveryOutcome};
use vitalog_elog::policy::Policy;
use vitalog_elog::{Change, Entry, Finding, FindingChange, FindingKind, FindingState, Severity, Span, Subject, Wording};
use vitalog_notify::{Config, Endpoint, Notifier};

use crate::world::{self, at, change, command, finding, parse_severity, policy, posts, receipt, rules, step, step_with, tick};

const URGENT: &str = "0 patient push,sms; 300! caretaker push,email; 900! on_call webhook; repeat 1800 resolved";

struct Play {
    notifier: Notifier,
    /// By the word that puts them in force.
    texts: Vec<(&'static str, &'static str)>,
    findings: BTreeMap<String, Finding>,
    underway: Vec<Delivery>,
    down: bool,
}

/// Plays a script with the policy `it`, of that text.
fn play(text: &'static str, script: &str) -> Notifier {
    play_with(posts(), &[("it", text)], script)
}

/// The first text is in force from the beginning, others after `rules WORD`; all are of the policy `it`.
fn play_with(endpoints: Vec<Endpoint>, texts: &[(&'static str, &'static str)], script: &str) -> Notifier {
    let config = Config { settle: Span::seconds(30), keep: Span::days(30), endpoints };
    let (notifier, findings) = (Notifier::new(config), BTreeMap::new());
    let mut play = Play { notifier, texts: texts.to_vec(), findings, underway: Vec::new(), down: false };
    step_with(&mut play.notifier, &rules(at(-1)), Some(&[policy("it", texts[0].1)]), vec![]);
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        play.line(line);
    }
    play.notifier
}

impl Play {
    fn line(&mut self, line: &str) {
        let (left, right) = line.split_once("->").expect("every line says who is told what");
        let words: Vec<&str> = left.split_whitespace().collect();
        let now = at(words[0].parse().expect("a line begins with seconds"));
        let (entry, policies, changes) = self.event(now, &words[1..]);
        let told = step_with(&mut self.notifier, &entry, policies.as_deref(), changes);
        let mut said: Vec<String> = told.iter().map(say).collect();
        let mut expected: Vec<&str> = right.split_whitespace().filter(|word| *word != "-").collect();
        said.sort();
        expected.sort_unstable();
        assert_eq!(said, expected, "at: {line}");
        self.underway.extend(told.into_iter().filter(|delivery| !delivery.endpoint.is_empty()));
        if !self.down {
            for delivery in std::mem::take(&mut self.underway) {
                let arrived = receipt(now, delivery.id, 1, DeliveryOutcome::Delivered);
                assert!(step(&mut self.notifier, &arrived, vec![]).is_empty(), "a receipt tells nobody anything");
            }
        }
    }

    fn event(&mut self, now: vitalog_elog::Time, words: &[&str]) -> (Entry, Option<Vec<Policy>>, Vec<FindingChange>) {
        let name = words.get(1).copied().unwrap_or("");
        let it = self.findings.entry(name.to_owned()).or_insert_with(|| Finding {
            notify: Some("it".into()),
            severity: Severity::Warning,
            ..finding(name)
        });
        match words[0] {
            "tick" => {}
            "ack" => return (command(now, it.id, Action::Acknowledge), None, vec![]),
            "dismiss" => return (command(now, it.id, Action::Dismiss), None, vec![]),
            "down" => self.down = true,
            "up" => self.down = false,
            "given_up" => {
                let last = self.underway.iter().rposition(|d| *d.endpoint == *words[2]).expect("something is under way");
                let delivery = self.underway.remove(last);
                return (receipt(now, delivery.id, 1, DeliveryOutcome::GivenUp("too late".into())), None, vec![]);
            }
            "rules" => {
                let text = self.texts.iter().find(|(word, _)| *word == name).expect("a text of that name").1;
                return (rules(now), Some(vec![policy("it", text)]), vec![]);
            }
            event => {
                it.quiet = None;
                for word in &words[2..] {
                    describe(it, word);
                }
                let all = [Change::Opened, Change::Amended, Change::Resolved, Change::Lapsed, Change::Rescinded];
                let kind = all.into_iter().find(|c| c.name() == event).unwrap_or_else(|| panic!("{event} is no event"));
                return (tick(now), None, vec![change(it, kind, now)]);
            }
        }
        (tick(now), None, vec![])
    }
}

fn describe(it: &mut Finding, word: &str) {
    if let Some(severity) = parse_severity(word) {
        it.severity = severity;
    } else if let Some(quiet) = world::parse_quiet(word) {
        it.quiet = Some(quiet);
    } else if let Some(subject) = word.strip_prefix("subject=") {
        it.subject = Subject::new(subject);
    } else {
        match word {
            "by_clock" => it.by_clock = true,
            "match" => it.kind = FindingKind::Match,
            "no_policy" => it.notify = None,
            "open" => it.state = FindingState::Open,
            _ => panic!("no such word: {word}"),
        }
    }
}

fn say(delivery: &Delivery) -> String {
    let role = delivery.to.as_ref().map_or("", |to| &to.role);
    let whom = if delivery.endpoint.is_empty() { format!("({role})") } else { delivery.endpoint.to_string() };
    let mut said = format!("{whom}:{}", delivery.kind.strip_prefix("finding.").unwrap_or(&delivery.kind));
    if let Some(step) = delivery.to.as_ref().and_then(|to| to.step) {
        said += &format!("/{}", step.number);
        if step.repeat > 0 {
            said += &format!("+{}", step.repeat);
        }
        if step.late {
            said += "~";
        }
    }
    said
}

#[test]
fn steps_and_repeats_fall_due_counted_from_when_it_was_told() {
    let notifier = play(
        URGENT,
        "
        0    opened low  -> anna:opened/1 sms:opened/1
        299  tick        -> -
        300  tick        -> carl:opened/2 dora:opened/2
        301  tick        -> -
        900  tick        -> duty:opened/3
        1800 tick        -> anna:repeated/1+1 sms:repeated/1+1
        2100 tick        -> carl:repeated/2+1 dora:repeated/2+1
        2700 tick        -> duty:repeated/3+1
        ",
    );
    assert_eq!(notifier.next_due(), Some(at(3600)));
}

#[test]
fn whoever_was_told_hears_of_the_end_and_pending_steps_fall_away() {
    for end in ["resolved", "lapsed", "rescinded"] {
        let script = format!(
            "
            0    opened low -> anna:opened/1 sms:opened/1
            300  tick       -> carl:opened/2 dora:opened/2
            400  {end} low  -> anna:{end} sms:{end} carl:{end} dora:{end}
            9000 tick       -> -
            "
        );
        assert_eq!(play(URGENT, &script).next_due(), None);
    }
}

#[test]
fn overturned_before_the_next_step_only_those_who_were_told_hear() {
    play(
        URGENT,
        "
        0    opened low       -> anna:opened/1 sms:opened/1
        299  rescinded low    -> anna:rescinded sms:rescinded
        300  tick             -> -
        400  opened low       -> anna:opened/1 sms:opened/1
        600  tick             -> -
        700  tick             -> carl:opened/2 dora:opened/2
        ",
    );
}

#[test]
fn the_end_overtakes_a_step_that_is_due_with_it() {
    play(URGENT, "0 opened low -> anna:opened/1 sms:opened/1 \n 300 resolved low -> anna:resolved sms:resolved");
    play(URGENT, "0 opened low -> anna:opened/1 sms:opened/1 \n 300 ack low -> anna:acknowledged sms:acknowledged");
}

#[test]
fn what_stands_again_begins_anew() {
    play(
        URGENT,
        "
        0    opened low       -> anna:opened/1 sms:opened/1
        300  tick             -> carl:opened/2 dora:opened/2
        310  resolved low     -> anna:resolved sms:resolved carl:resolved dora:resolved
        500  amended low open -> anna:amended sms:amended carl:amended dora:amended
        799  tick             -> -
        800  tick             -> carl:repeated/2 dora:repeated/2
        ",
    );
}

#[test]
fn acknowledging_stops_what_says_so_and_tells_whoever_was_told() {
    play(
        URGENT,
        "
        0    opened low   -> anna:opened/1 sms:opened/1
        10   ack low      -> anna:acknowledged sms:acknowledged
        300  tick         -> -
        1800 tick         -> anna:repeated/1+1 sms:repeated/1+1
        2100 tick         -> -
        2200 resolved low -> anna:resolved sms:resolved
        ",
    );
    let notifier = play(
        "0 patient push; 300 caretaker email; 600! on_call webhook; repeat 1800 acknowledged",
        "
        0    opened low   -> anna:opened/1
        10   ack low      -> anna:acknowledged
        300  tick         -> dora:opened/2
        9000 tick         -> -
        9001 resolved low -> anna:resolved dora:resolved
        ",
    );
    assert_eq!(notifier.next_due(), None);
}

#[test]
fn dismissing_stops_everything() {
    let notifier = play(
        "0 patient push; 300 caretaker email; repeat 1800 resolved",
        "
        0    opened low  -> anna:opened/1
        10   dismiss low -> anna:dismissed
        9000 tick        -> -
        ",
    );
    assert_eq!(notifier.next_due(), None);
}

#[test]
fn becoming_worse_makes_nobody_hear_later() {
    play(
        URGENT,
        "
        0    opened low warning  -> anna:opened/1 sms:opened/1
        290  amended low urgent  -> anna:amended sms:amended
        300  tick                -> carl:opened/2 dora:opened/2
        310  amended low critical -> anna:amended sms:amended carl:amended dora:amended
        900  tick                -> duty:opened/3
        ",
    );
}

#[test]
fn worse_than_acknowledged_breaks_through_and_begins_anew() {
    for answer in ["ack", "dismiss"] {
        let done = if answer == "ack" { "acknowledged" } else { "dismissed" };
        let script = format!(
            "
            0    opened low warning  -> anna:opened/1 sms:opened/1
            300  tick                -> carl:opened/2 dora:opened/2
            310  {answer} low        -> anna:{done} sms:{done} carl:{done} dora:{done}
            400  amended low urgent  -> anna:amended sms:amended carl:amended dora:amended
            699  tick                -> -
            700  tick                -> carl:repeated/2 dora:repeated/2
            1300 tick                -> duty:opened/3
            2200 tick                -> anna:repeated/1+1 sms:repeated/1+1
            "
        );
        play(URGENT, &script);
    }
}

#[test]
fn after_a_standstill_everybody_is_told_once_and_that_it_is_late() {
    play(
        URGENT,
        "
        0     opened low  -> anna:opened/1 sms:opened/1
        20000 tick        -> anna:repeated/1+1~ sms:repeated/1+1~ carl:opened/2~ dora:opened/2~ duty:opened/3~
        20001 tick        -> -
        20100 tick        -> carl:repeated/2+11 dora:repeated/2+11
        20700 tick        -> duty:repeated/3+11
        21611 tick        -> anna:repeated/1+12~ sms:repeated/1+12~
        21910 tick        -> carl:repeated/2+12 dora:repeated/2+12
        ",
    );
}

#[test]
fn what_is_still_on_its_way_is_not_said_again() {
    play(
        URGENT,
        "
        0    opened low        -> anna:opened/1 sms:opened/1
        1    down              -> -
        300  tick              -> carl:opened/2 dora:opened/2
        1800 tick              -> anna:repeated/1+1 sms:repeated/1+1 duty:opened/3~
        2100 tick              -> -
        3600 tick              -> -
        3700 amended low urgent -> anna:amended sms:amended carl:amended dora:amended duty:amended
        3800 up                -> -
        5400 tick              -> anna:repeated/1+3 sms:repeated/1+3 carl:repeated/2+2~ dora:repeated/2+2~ duty:repeated/3+2~
        ",
    );
}

#[test]
fn whoever_was_never_reached_is_told_as_for_the_first_time() {
    play(
        URGENT,
        "
        0    down              -> -
        1    opened low        -> anna:opened/1 sms:opened/1
        2    given_up low anna -> -
        3    up                -> -
        301  tick              -> carl:opened/2 dora:opened/2
        901  tick              -> duty:opened/3
        1801 tick              -> anna:opened/1+1 sms:repeated/1+1
        ",
    );
}

#[test]
fn quiet_findings_begin_nothing_and_end_nothing() {
    play(
        URGENT,
        "
        0    opened low warning quiet  -> -
        300  tick                      -> -
        400  amended low urgent        -> anna:opened/1 sms:opened/1
        500  amended low critical quiet -> -
        700  tick                      -> carl:opened/2 dora:opened/2
        ",
    );
}

#[test]
fn what_the_clock_opened_counts_from_when_it_had_settled() {
    play(
        URGENT,
        "
        0    opened gap by_clock -> -
        30   tick                -> anna:opened/1 sms:opened/1
        300  tick                -> -
        330  tick                -> carl:opened/2 dora:opened/2
        ",
    );
}

#[test]
fn what_nobody_carries_is_said_once_and_does_not_hold_up_the_next_step() {
    play(
        "0 neighbour phone; 300! caretaker push,email; 600! on_call webhook; repeat 1800 resolved",
        "
        0    opened low               -> (neighbour):opened/1 carl:opened/2 dora:opened/2
        300  tick                     -> -
        600  tick                     -> duty:opened/3
        1800 tick                     -> carl:repeated/2+1 dora:repeated/2+1
        1900 opened far subject=p-3   -> (neighbour):opened/1 (caretaker):opened/2 duty:opened/3
        ",
    );
    play(
        "0 patient push; 300! neighbour phone; repeat 1000 resolved",
        "
        0    opened low -> anna:opened/1
        300  tick       -> (neighbour):opened/2
        1000 tick       -> anna:repeated/1+1
        1300 tick       -> -
        ",
    );
}

#[test]
fn a_step_goes_to_those_of_the_subject() {
    play(
        "0 caretaker push,email",
        "
        0 opened a subject=p-1 -> carl:opened/1 dora:opened/1
        1 opened b subject=p-2 -> dora:opened/1
        2 opened c subject=p-3 -> (caretaker):opened/1
        ",
    );
}

#[test]
fn an_alarm_keeps_the_policy_that_it_was_told_by() {
    let texts =
        [("old", "0 patient push; 300! caretaker push; repeat 600 acknowledged"), ("new", "0 patient sms; 100! on_call webhook")];
    play_with(
        posts(),
        &texts,
        "
        0    opened low         -> anna:opened/1
        50   rules new          -> -
        100  opened next        -> sms:opened/1
        200  tick               -> duty:opened/2
        300  tick               -> carl:opened/2
        600  tick               -> anna:repeated/1+1
        700  ack low            -> anna:acknowledged carl:acknowledged
        800  amended low urgent -> anna:amended carl:amended sms:opened/1
        900  tick               -> duty:opened/2
        9000 tick               -> -
        ",
    );
}

#[test]
fn a_match_has_no_end_so_the_answer_ends_its_repeats() {
    let notifier = play(
        "0 patient push; repeat 600 resolved",
        "
        0    opened pat match -> anna:opened/1
        600  tick             -> anna:repeated/1+1
        700  ack pat          -> anna:acknowledged
        1200 tick             -> -
        ",
    );
    assert_eq!(notifier.next_due(), None);
}

#[test]
fn a_step_longer_than_the_repetition_comes_in_each() {
    play(
        "0 patient push; 100 caretaker push; repeat 60 resolved",
        "
        0   opened low -> anna:opened/1
        60  tick       -> anna:repeated/1+1
        100 tick       -> carl:opened/2
        120 tick       -> anna:repeated/1+2
        160 tick       -> carl:repeated/2+1
        ",
    );
}

#[test]
fn two_steps_at_once_tell_an_endpoint_once() {
    play("0 patient push; 0 patient push,sms", "0 opened low -> anna:opened/1 sms:opened/2");
}

#[test]
fn endpoints_without_a_role_hear_what_they_want_at_once_and_no_steps() {
    let mut endpoints = posts();
    endpoints.extend(world::endpoints().into_iter().filter(|endpoint| *endpoint.name == *"ward"));
    play_with(
        endpoints,
        &[("it", URGENT)],
        "
        0    opened low         -> anna:opened/1 sms:opened/1 ward:opened
        300  tick               -> carl:opened/2 dora:opened/2
        1800 tick               -> anna:repeated/1+1 sms:repeated/1+1 duty:opened/3~
        1900 opened b no_policy -> ward:opened
        1901 resolved b         -> ward:resolved
        ",
    );
}

#[test]
fn without_roles_nothing_is_waited_for() {
    let notifier = play_with(world::endpoints(), &[("it", URGENT)], "0 opened low -> ward:opened \n 300 tick -> -");
    assert_eq!(notifier.next_due(), None);
}

#[test]
fn a_step_says_what_is_so_by_then_and_whom_it_tells() {
    let config = Config { settle: Span::seconds(30), keep: Span::days(1), endpoints: posts() };
    let mut notifier = Notifier::new(config);
    step_with(&mut notifier, &rules(at(0)), Some(&[policy("it", "0 patient push; 300! caretaker email")]), vec![]);
    let mut low = Finding { notify: Some("it".into()), ..finding("low") };
    let opened = change(&mut low, Change::Opened, at(0));
    step(&mut notifier, &tick(at(0)), vec![opened]);
    low.text = "it is lower".into();
    low.wordings = vec![Wording { to: "caretaker".into(), text: "theirs is lower".into() }];
    let amended = change(&mut low, Change::Amended, at(100));
    assert!(step(&mut notifier, &tick(at(100)), vec![amended]).is_empty(), "no graver, so nobody is told");
    let told = step(&mut notifier, &tick(at(302)), vec![]);
    let body: serde_json::Value = serde_json::from_str(&told[0].body).expect("JSON");
    assert_eq!((&body["data"]["text"], &body["data"]["wordings"]), (&"theirs is lower".into(), &serde_json::json!([])));
    let to = serde_json::json!({
        "role": "caretaker", "channel": "email", "step": 2, "repeat": 0, "due": "2026-11-20T08:05:00Z", "late": false
    });
    assert_eq!(body["data"]["to"], to);
    let ended = change(&mut low, Change::Resolved, at(400));
    let told = step(&mut notifier, &tick(at(400)), vec![ended]);
    let patients: serde_json::Value = serde_json::from_str(&told[0].body).expect("JSON");
    assert_eq!(patients["data"]["text"], "it is lower", "the patient has no wording of his own");
    let body: serde_json::Value = serde_json::from_str(&told[1].body).expect("JSON");
    let to = serde_json::json!({
        "role": "caretaker", "channel": "email", "step": null, "repeat": null, "due": null, "late": false
    });
    assert_eq!(body["data"]["to"], to);
}
