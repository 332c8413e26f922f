//! A small world to test in: endpoints, findings that change, and the entries and effects that tell of it.

use std::sync::Arc;

use vitalog_elog::input::{Action, Command, DeliveryOutcome, DeliveryReceipt, RuleChange};
use vitalog_elog::policy::{Channel, Policy, PolicyStep, Repeat, RepeatUntil};
use vitalog_elog::{
    Cause, Change, Effect, Effects, Entry, Finding, FindingChange, FindingKind, FindingState, Input, MatchId, Position, Quiet,
    Record, Severity, Span, Subject, Time,
};
use vitalog_notify::config::{Filter, Reach};
use vitalog_notify::webhook::Secret;
use vitalog_notify::{Config, Endpoint, Notifier};

pub const INCARNATION: u128 = 7;

/// 2026-11-20T08:00:00Z, from which the tests count seconds.
pub const START: Time = Time(1_795_161_600_000_000);

pub fn at(seconds: i64) -> Time {
    START + Span::seconds(seconds)
}

pub fn endpoint(name: &str, url: &str, filter: Filter) -> Endpoint {
    let secrets = vec![Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("the specification's own example")];
    let url = url.parse().expect("a url");
    Endpoint { name: name.into(), url, secrets, filter, reach: None, emergencies: true, allow_loopback: true }
}

/// Four receivers: of all that disturbs, of what is grave, of one policy with all its information, of one subject.
pub fn endpoints() -> Vec<Endpoint> {
    let to = |name, filter| endpoint(name, "http://127.0.0.1:9/", filter);
    vec![
        to("ward", Filter::default()),
        to("pager", Filter { min_severity: Severity::Urgent, ..Filter::default() }),
        to("digest", Filter { min_severity: Severity::Info, policies: vec!["digest".into()], ..Filter::default() }),
        to("kin", Filter { subjects: vec![Subject::new("p-2")], ..Filter::default() }),
    ]
}

/// Receivers that policies reach: a patient twice over, two caretakers who are not there for everybody, and whoever is on call.
pub fn posts() -> Vec<Endpoint> {
    let post = |name: &str, role: &str, channel, subjects: &[&str]| {
        let subjects = subjects.iter().map(|text| Subject::new(text)).collect();
        let to = endpoint(name, "http://127.0.0.1:9/", Filter { subjects, ..Filter::default() });
        Endpoint { reach: Some(Reach { role: role.into(), channel }), ..to }
    };
    vec![
        post("anna", "patient", Channel::Push, &[]),
        post("sms", "patient", Channel::Sms, &[]),
        post("carl", "caretaker", Channel::Push, &["p-1"]),
        post("dora", "caretaker", Channel::Email, &["p-1", "p-2"]),
        post("duty", "on_call", Channel::Webhook, &[]),
    ]
}

/// `0 patient push,sms; 300! caretaker push; repeat 1800 resolved`: seconds, with `!` for `unless acknowledged`.
pub fn policy(name: &str, text: &str) -> Policy {
    let mut policy = Policy { name: name.into(), steps: Vec::new(), repeat: None, doc: None };
    for line in text.split(';') {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words[0] == "repeat" {
            let until = if words[2] == "resolved" { RepeatUntil::Resolved } else { RepeatUntil::Acknowledged };
            policy.repeat = Some(Repeat { every: Span::seconds(words[1].parse().expect("seconds")), until });
            continue;
        }
        let channel = |word: &str| Channel::ALL.into_iter().find(|channel| channel.name() == word).expect("a channel");
        policy.steps.push(PolicyStep {
            after: Span::seconds(words[0].trim_end_matches('!').parse().expect("seconds")),
            unless_acknowledged: words[0].ends_with('!'),
            recipient: words[1].into(),
            channels: words[2].split(',').map(channel).collect(),
        });
    }
    policy
}

pub fn config() -> Config {
    Config { settle: Span::seconds(30), keep: Span::days(1), endpoints: endpoints() }
}

pub fn finding(name: &str) -> Finding {
    let subject = Subject::new("p-1");
    Finding {
        id: MatchId::new(name, &subject, START),
        revision: 0,
        rule: name.into(),
        version: 0xfeed,
        title: format!("{name} title").into(),
        subject,
        kind: FindingKind::Episode,
        state: FindingState::Rescinded,
        severity: Severity::Warning,
        onset: START,
        at: START,
        end: None,
        resolved_at: None,
        evidence: [].into(),
        text: format!("{name} is so").into(),
        wordings: Vec::new(),
        notify: None,
        cite: None,
        quiet: None,
        by_clock: false,
    }
}

/// The finding after a change, as the engine reports it.
pub fn change(finding: &mut Finding, change: Change, now: Time) -> FindingChange {
    finding.revision += 1;
    finding.state = match change {
        Change::Opened => FindingState::Open,
        Change::Amended => finding.state,
        Change::Resolved => FindingState::Resolved,
        Change::Lapsed => FindingState::Lapsed,
        Change::Rescinded => FindingState::Rescinded,
    };
    FindingChange { change, finding: finding.clone(), cause: Cause::Clock, decided_at: now }
}

pub fn tick(arrival: Time) -> Entry {
    Entry { arrival, input: Input::Tick }
}

pub fn command(arrival: Time, finding: MatchId, action: Action) -> Entry {
    Entry { arrival, input: Input::Command(Command { finding, action, by: "nurse-7".into() }) }
}

pub fn receipt(arrival: Time, delivery: u128, attempt: u32, outcome: DeliveryOutcome) -> Entry {
    Entry { arrival, input: Input::Receipt(DeliveryReceipt { delivery, attempt, outcome }) }
}

/// Rules whose text is of no account here: the notifier is given what was compiled from it.
pub fn rules(arrival: Time) -> Entry {
    Entry { arrival, input: Input::Rules(RuleChange { effective: arrival, files: Vec::new(), by: None }) }
}

/// Steps over an entry; the deliveries that it led to.
pub fn step(notifier: &mut Notifier, entry: &Entry, changes: Vec<FindingChange>) -> Vec<vitalog_elog::effect::Delivery> {
    step_with(notifier, entry, None, changes)
}

/// The same where the entry puts policies in force.
pub fn step_with(
    notifier: &mut Notifier,
    entry: &Entry,
    policies: Option<&[Policy]>,
    changes: Vec<FindingChange>,
) -> Vec<vitalog_elog::effect::Delivery> {
    let mut effects: Effects = changes.into_iter().map(|change| Effect::Finding(Box::new(change))).collect();
    let before = effects.len();
    notifier.step(notifier.next(), entry.arrival, entry, policies, &mut effects);
    effects
        .drain(before..)
        .map(|effect| match effect {
            Effect::Delivery(delivery) => *delivery,
            other => panic!("only deliveries are appended, not {other:?}"),
        })
        .collect()
}

/// A record of one delivery to `endpoint`, about the finding with that number.
pub fn delivery_record(offset: u64, id: u128, finding: u128, endpoint: &str, seconds: i64) -> Record {
    let delivery = vitalog_elog::effect::Delivery {
        id,
        finding: MatchId(finding),
        endpoint: endpoint.into(),
        to: None,
        kind: "finding.opened".into(),
        body: format!("{{\"n\":{id}}}").into(),
        not_before: at(seconds),
    };
    Record { offset, entry: Arc::new(tick(at(seconds))), effects: [Effect::Delivery(Box::new(delivery))].into() }
}

pub fn position(next: u64) -> Position {
    Position { incarnation: INCARNATION, next, chain: [next as u8; 32] }
}

pub fn parse_severity(word: &str) -> Option<Severity> {
    Severity::ALL.into_iter().find(|severity| severity.name() == word)
}

pub fn parse_quiet(word: &str) -> Option<Quiet> {
    (word == "quiet").then_some(Quiet::Stale)
}
