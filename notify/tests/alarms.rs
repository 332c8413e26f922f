//! The alarm's state machine as tables: what happens on the left, who is told what on the right.
//!
//! A line is `seconds event finding words… -> endpoint:kind …`. Severities stay as they were until a word changes them.

use std::collections::BTreeMap;

use vitalog_elog::input::{Action, DeliveryOutcome};
use vitalog_elog::{Change, Effect, Finding, FindingKind, FindingState, MatchId, Subject};
use vitalog_notify::Notifier;

use crate::world::{self, at, change, command, finding, parse_quiet, parse_severity, receipt, step, tick};

/// Plays a script and compares every line's deliveries with what it says.
fn play(script: &str) -> Notifier {
    let mut notifier = Notifier::new(world::config());
    let mut findings: BTreeMap<String, Finding> = BTreeMap::new();
    let mut last: BTreeMap<(String, String), u128> = BTreeMap::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (left, right) = line.split_once("->").expect("every line says who is told what");
        let words: Vec<&str> = left.split_whitespace().collect();
        let now = at(words[0].parse().expect("a line begins with seconds"));
        let name = words.get(2).copied().unwrap_or("");
        let it = findings.entry(name.to_owned()).or_insert_with(|| finding(name));
        let (entry, changes) = match words[1] {
            "tick" => (tick(now), vec![]),
            "ack" => (command(now, it.id, Action::Acknowledge), vec![]),
            "dismiss" => (command(now, it.id, Action::Dismiss), vec![]),
            "arrived" => (receipt(now, last[&(words[3].to_owned(), name.to_owned())], 1, DeliveryOutcome::Delivered), vec![]),
            "failed" => (
                receipt(now, last[&(words[3].to_owned(), name.to_owned())], 1, DeliveryOutcome::Failed("status 500".into())),
                vec![],
            ),
            "given_up" => (
                receipt(now, last[&(words[3].to_owned(), name.to_owned())], 1, DeliveryOutcome::GivenUp("too late".into())),
                vec![],
            ),
            event => {
                describe(it, &words[3..]);
                (tick(now), vec![change(it, parse_change(event), now)])
            }
        };
        let told = step(&mut notifier, &entry, changes);
        for delivery in &told {
            last.insert((delivery.endpoint.to_string(), name_of(&findings, delivery.finding)), delivery.id);
        }
        let told: Vec<String> =
            told.iter().map(|d| format!("{}:{}", d.endpoint, d.kind.strip_prefix("finding.").unwrap_or(&d.kind))).collect();
        let expected: Vec<&str> = right.split_whitespace().filter(|word| *word != "-").collect();
        assert_eq!(told, expected, "at: {line}");
    }
    notifier
}

fn name_of(findings: &BTreeMap<String, Finding>, id: MatchId) -> String {
    findings.iter().find(|(_, f)| f.id == id).map(|(name, _)| name.clone()).expect("a finding of the script")
}

fn parse_change(word: &str) -> Change {
    let all = [Change::Opened, Change::Amended, Change::Resolved, Change::Lapsed, Change::Rescinded];
    all.into_iter().find(|c| c.name() == word).unwrap_or_else(|| panic!("{word} is no event"))
}

fn describe(it: &mut Finding, words: &[&str]) {
    it.quiet = None;
    for word in words {
        if let Some(severity) = parse_severity(word) {
            it.severity = severity;
        } else if let Some(quiet) = parse_quiet(word) {
            it.quiet = Some(quiet);
        } else if *word == "by_clock" {
            it.by_clock = true;
        } else if *word == "match" {
            it.kind = FindingKind::Match;
        } else if let Some(policy) = word.strip_prefix("notify=") {
            it.notify = Some(policy.into());
        } else if let Some(subject) = word.strip_prefix("subject=") {
            it.subject = Subject::new(subject);
        } else {
            assert_eq!(*word, "open", "no such word");
            it.state = FindingState::Open;
        }
    }
}

#[test]
fn whoever_was_told_of_the_opening_is_told_of_the_end() {
    play(
        "
        0    opened    low warning    -> ward:opened
        300  resolved  low            -> ward:resolved
        400  opened    high urgent    -> ward:opened pager:opened
        500  lapsed    high           -> ward:lapsed pager:lapsed
        600  opened    odd critical   -> ward:opened pager:opened
        700  rescinded odd            -> ward:rescinded pager:rescinded
        ",
    );
}

#[test]
fn filters_choose_by_severity_policy_and_subject() {
    play(
        "
        0  opened a info                          -> -
        1  opened b info notify=digest            -> digest:opened
        2  opened c advisory notify=digest        -> ward:opened digest:opened
        3  opened d warning notify=other          -> ward:opened
        4  opened e warning subject=p-2           -> ward:opened kin:opened
        5  opened f critical subject=p-2 notify=digest -> ward:opened pager:opened digest:opened kin:opened
        ",
    );
}

#[test]
fn amendments_are_told_only_when_graver() {
    play(
        "
        0  opened   low warning  -> ward:opened
        1  amended  low warning  -> -
        2  amended  low urgent   -> ward:amended pager:opened
        3  amended  low warning  -> -
        4  amended  low urgent   -> -
        5  amended  low critical -> ward:amended pager:amended
        6  resolved low          -> ward:resolved pager:resolved
        ",
    );
}

#[test]
fn the_end_is_told_even_where_the_filter_no_longer_matches() {
    play(
        "
        0  opened   low urgent   -> ward:opened pager:opened
        1  amended  low info     -> -
        2  resolved low          -> ward:resolved pager:resolved
        ",
    );
}

#[test]
fn quiet_findings_are_told_to_nobody_until_they_are_graver() {
    play(
        "
        0  opened   low warning quiet -> -
        1  resolved low         quiet -> -
        2  opened   old warning quiet -> -
        3  amended  old warning quiet -> -
        4  amended  old urgent  quiet -> -
        5  amended  old critical      -> ward:opened pager:opened
        6  rescinded old              -> ward:rescinded pager:rescinded
        ",
    );
}

#[test]
fn what_the_clock_opened_is_told_after_it_settled() {
    play(
        "
        0   opened   gap warning by_clock -> -
        29  tick                          -> -
        30  tick                          -> ward:opened
        31  tick                          -> -
        99  resolved gap                  -> ward:resolved
        ",
    );
}

#[test]
fn what_ends_before_it_settled_is_never_told() {
    play(
        "
        0   opened    gap warning by_clock -> -
        30  resolved  gap                  -> -
        60  tick                           -> -
        70  opened    hum warning by_clock -> -
        71  rescinded hum                  -> -
        200 tick                           -> -
        300 opened    gap warning          -> -
        329 tick                           -> -
        330 tick                           -> ward:opened
        ",
    );
}

#[test]
fn settling_neither_restarts_nor_hurries_when_it_is_amended() {
    play(
        "
        0   opened   gap warning by_clock -> -
        20  amended  gap urgent           -> -
        30  tick                          -> ward:opened pager:opened
        ",
    );
}

#[test]
fn how_grave_it_was_while_it_settled_counts_for_nothing() {
    play(
        "
        0   opened   gap urgent by_clock -> -
        20  amended  gap info            -> -
        30  tick                         -> -
        40  amended  gap advisory        -> ward:opened
        ",
    );
}

#[test]
fn next_due_is_when_the_first_has_settled() {
    let notifier = play(
        "
        0   opened  gap warning by_clock -> -
        10  opened  hum warning by_clock -> -
        ",
    );
    assert_eq!(notifier.next_due(), Some(at(30)));
    let notifier = play(
        "
        0   opened   gap warning by_clock -> -
        10  opened   hum warning by_clock -> -
        11  resolved gap                  -> -
        ",
    );
    assert_eq!(notifier.next_due(), Some(at(40)));
    assert_eq!(play("0 opened low warning -> ward:opened").next_due(), None);
}

#[test]
fn acknowledging_is_told_and_silences_until_graver() {
    play(
        "
        0  opened   low warning  -> ward:opened
        1  ack      low          -> ward:acknowledged
        2  ack      low          -> -
        3  amended  low warning  -> -
        4  amended  low urgent   -> ward:amended pager:opened
        5  ack      low          -> ward:acknowledged pager:acknowledged
        6  amended  low warning  -> -
        7  amended  low urgent   -> -
        8  ack      low          -> -
        9  resolved low          -> ward:resolved pager:resolved
        10 ack      low          -> -
        ",
    );
}

#[test]
fn graver_is_meant_against_what_was_acknowledged_or_dismissed() {
    play(
        "
        0  opened   low urgent    -> ward:opened pager:opened
        1  amended  low advisory  -> -
        2  ack      low           -> ward:acknowledged pager:acknowledged
        3  amended  low warning   -> ward:amended pager:amended
        4  amended  low info      -> -
        5  dismiss  low           -> ward:dismissed pager:dismissed
        6  amended  low advisory  -> ward:amended pager:amended
        ",
    );
}

#[test]
fn acknowledged_before_it_was_told_it_is_not_told() {
    play(
        "
        0   opened   gap warning by_clock -> -
        10  ack      gap                  -> -
        30  tick                          -> -
        40  resolved gap                  -> -
        ",
    );
}

#[test]
fn dismissing_silences_all_but_what_is_graver() {
    play(
        "
        0  opened   low warning  -> ward:opened
        1  dismiss  low          -> ward:dismissed
        2  ack      low          -> -
        3  dismiss  low          -> -
        4  resolved low          -> -
        5  opened   odd warning  -> ward:opened
        6  dismiss  odd          -> ward:dismissed
        7  amended  odd urgent   -> ward:amended pager:opened
        8  resolved odd          -> ward:resolved pager:resolved
        9  amended  low open     -> ward:opened
        ",
    );
}

#[test]
fn whoever_believes_it_is_over_is_told_that_it_stands() {
    play(
        "
        0  opened    low warning  -> ward:opened
        1  resolved  low          -> ward:resolved
        2  amended   low open     -> ward:amended
        3  resolved  low          -> ward:resolved
        4  rescinded low          -> ward:rescinded
        5  opened    low          -> ward:opened
        6  resolved  low          -> ward:resolved
        ",
    );
}

#[test]
fn found_when_it_was_over_already_it_is_not_told() {
    let mut notifier = Notifier::new(world::config());
    let mut low = finding("low");
    let mut found = change(&mut low, Change::Opened, at(0));
    found.finding.state = FindingState::Resolved;
    assert!(step(&mut notifier, &tick(at(0)), vec![found]).is_empty());
    low.state = FindingState::Open;
    let told = step(&mut notifier, &tick(at(1)), vec![change(&mut low, Change::Amended, at(1))]);
    assert_eq!(told.len(), 1, "late data says that it goes on: that is news");
    assert_eq!(&*told[0].kind, "finding.opened");
}

#[test]
fn an_endpoint_that_was_never_reached_is_not_told_of_the_end() {
    play(
        "
        0  opened   low urgent       -> ward:opened pager:opened
        1  failed   low ward         -> -
        2  given_up low ward         -> -
        3  arrived  low pager        -> -
        4  resolved low              -> pager:resolved
        5  opened   odd warning      -> ward:opened
        6  given_up odd ward         -> -
        7  amended  odd urgent       -> ward:opened pager:opened
        8  arrived  odd ward         -> -
        9  amended  odd critical     -> ward:amended pager:amended
        10 given_up odd ward         -> -
        11 resolved odd              -> ward:resolved pager:resolved
        ",
    );
}

#[test]
fn what_ended_long_ago_is_forgotten_and_what_stands_is_not() {
    let notifier = play(
        "
        0       opened    low warning       -> ward:opened
        1       resolved  low               -> ward:resolved
        2       opened    pat warning match -> ward:opened
        3       opened    long warning      -> ward:opened
        86401   rescinded pat               -> ward:rescinded
        90000   tick                        -> -
        90001   rescinded low               -> -
        180000  tick                        -> -
        180001  resolved  long              -> ward:resolved
        180002  opened    low               -> ward:opened
        ",
    );
    assert_eq!(notifier.alarms().count(), 2, "long and low, which opened again");
}

#[test]
fn an_entry_stepped_over_before_changes_nothing() {
    let mut notifier = Notifier::new(world::config());
    let opened = change(&mut finding("low"), Change::Opened, at(0));
    let first = step(&mut notifier, &tick(at(0)), vec![opened.clone()]);
    assert_eq!(first.len(), 1);
    let before = notifier.snapshot();
    let mut effects = [Effect::Finding(Box::new(opened))].into();
    notifier.step(0, at(0), &tick(at(0)), None, &mut effects);
    assert_eq!(effects.len(), 1);
    assert_eq!(notifier.snapshot(), before);
}

#[test]
fn the_message_names_everything_and_who_took_it_on() {
    let mut notifier = Notifier::new(world::config());
    let mut low = finding("low_glucose");
    low.notify = Some("urgent".into());
    low.cite = Some("ADA 2026, 6.11".into());
    low.text = "glucose is \"low\"\nand falling".into();
    let opened = change(&mut low, Change::Opened, at(0));
    let told = step(&mut notifier, &tick(at(2)), vec![opened]);
    let expected = format!(
        concat!(
            r#"{{"id":"{id:032x}","type":"finding.opened","timestamp":"2026-11-20T08:00:02Z","data":{{"finding":"{finding}","revision":1,"#,
            r#""rule":"low_glucose","rule_version":"000000000000feed","title":"low_glucose title","subject":"p-1","kind":"episode","#,
            r#""state":"open","severity":"warning","onset":"2026-11-20T08:00:00Z","at":"2026-11-20T08:00:00Z","end":null,"resolved_at":null,"#,
            r#""text":"glucose is \"low\"\nand falling","wordings":[],"policy":"urgent","cite":"ADA 2026, 6.11","to":null,"by":null}}}}"#
        ),
        id = told[0].id,
        finding = low.id
    );
    assert_eq!(&*told[0].body, expected);
    let told = step(&mut notifier, &command(at(3), low.id, Action::Acknowledge), vec![]);
    let body: serde_json::Value = serde_json::from_str(&told[0].body).expect("JSON");
    assert_eq!((&body["type"], &body["data"]["by"]), (&"finding.acknowledged".into(), &"nurse-7".into()));
}
