//! The laws of the alarms, on random histories of findings, answers, receipts and policies: replay, cut anywhere, told once, what each endpoint ends up
//! believing, and policies as a naive model carries them out.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use vitalog_elog::effect::Delivery;
use vitalog_elog::input::{Action, DeliveryOutcome};
use vitalog_elog::policy::{Channel, Policy, PolicyStep, Repeat, RepeatUntil};
use vitalog_elog::{Change, Entry, FindingChange, FindingKind, FindingState, MatchId, Quiet, Severity, Span, Subject};
use vitalog_notify::core::Stage;
use vitalog_notify::{Config, Notifier};

use crate::ladder_model::{Model, steps_of};
use crate::world::{self, at, change, command, finding, receipt, rules, step, step_with, tick};

/// One thing that happens, `seconds` after the one before.
#[derive(Clone, Debug)]
struct Happening {
    seconds: u16,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Tick,
    /// The finding with that number moves on: where to depends on where it is.
    Move {
        finding: u8,
        way: u8,
        severity: u8,
        quiet: bool,
    },
    Command {
        finding: u8,
        dismiss: bool,
    },
    /// Of the n-th delivery from the last.
    Receipt {
        back: u8,
        outcome: u8,
    },
    Rules(Vec<Policy>),
}

/// Listeners by filter, and whoever policies reach.
fn config() -> Config {
    let mut config = world::config();
    config.endpoints.extend(world::posts());
    config
}

fn policies() -> impl Strategy<Value = Vec<Policy>> {
    (drawn_policy("a"), drawn_policy("digest")).prop_map(|(a, b)| vec![a, b])
}

fn drawn_policy(name: &'static str) -> impl Strategy<Value = Policy> {
    let roles = prop::sample::select(vec!["patient", "patient", "caretaker", "on_call", "neighbour"]);
    let channels = prop::sample::subsequence(Channel::ALL.to_vec(), 1..4);
    let step = (prop_oneof![Just(0_i64), 1..150_i64], any::<bool>(), roles, channels);
    let repeat = prop::option::of((10..200_i64, any::<bool>()));
    (prop::collection::vec(step, 1..5), repeat).prop_map(move |(mut steps, repeat)| {
        steps.sort_by_key(|(after, ..)| *after);
        let steps = steps.into_iter().map(|(after, unless, role, channels)| PolicyStep {
            after: Span::seconds(after),
            unless_acknowledged: unless,
            recipient: role.into(),
            channels,
        });
        let repeat = repeat.map(|(every, resolved)| Repeat {
            every: Span::seconds(every),
            until: if resolved { RepeatUntil::Resolved } else { RepeatUntil::Acknowledged },
        });
        Policy { name: name.into(), steps: steps.collect(), repeat, doc: None }
    })
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let what = prop_oneof![
        2 => Just(What::Tick),
        6 => (0..6u8, any::<u8>(), 0..5u8, prop::bool::weighted(0.15))
            .prop_map(|(finding, way, severity, quiet)| What::Move { finding, way, severity, quiet }),
        2 => (0..6u8, any::<bool>()).prop_map(|(finding, dismiss)| What::Command { finding, dismiss }),
        6 => (0..12u8, prop_oneof![6 => Just(0_u8), 1 => Just(1), 1 => Just(2)]).prop_map(|(back, outcome)| What::Receipt { back, outcome }),
        1 => policies().prop_map(What::Rules),
    ];
    let rest = prop::collection::vec((0..40u16, what).prop_map(|(seconds, what)| Happening { seconds, what }), 1..80);
    (policies(), rest).prop_map(|(first, mut rest)| {
        rest.insert(0, Happening { seconds: 0, what: What::Rules(first) });
        rest
    })
}

/// An entry, the policies it puts in force, and the engine's changes, as a journal would give them again.
type Step = (Entry, Option<Vec<Policy>>, Vec<FindingChange>);

/// What the engine could have reported: changes follow each other as they may.
fn play(happenings: &[Happening]) -> (Vec<Step>, Vec<Vec<Delivery>>, Notifier) {
    let mut findings: Vec<_> = (0..6u8).map(drawn).collect();
    let mut notifier = Notifier::new(config());
    let (mut steps, mut told): (Vec<Step>, Vec<Vec<Delivery>>) = (Vec::new(), Vec::new());
    let mut clock = 0;
    for happening in happenings {
        clock += i64::from(happening.seconds);
        let now = at(clock);
        let (mut changes, mut policies) = (Vec::new(), None);
        let entry = match happening.what.clone() {
            What::Tick => tick(now),
            What::Rules(drawn) => {
                policies = Some(drawn);
                rules(now)
            }
            What::Command { finding, dismiss } => {
                command(now, findings[usize::from(finding)].id, if dismiss { Action::Dismiss } else { Action::Acknowledge })
            }
            What::Receipt { back, outcome } => {
                let delivery = told.iter().flatten().rev().nth(usize::from(back)).map_or(1, |d| d.id);
                let outcome = match outcome {
                    0 => DeliveryOutcome::Delivered,
                    1 => DeliveryOutcome::Failed("status 500".into()),
                    _ => DeliveryOutcome::GivenUp("status 500".into()),
                };
                receipt(now, delivery, 1, outcome)
            }
            What::Move { finding, way, severity, quiet } => {
                let it = &mut findings[usize::from(finding)];
                let graver = Severity::ALL[usize::from(severity)] > it.severity;
                let kind = match (it.state, way % 6) {
                    (FindingState::Rescinded, _) => Change::Opened,
                    (FindingState::Open, 0 | 1) if it.kind != FindingKind::Match => Change::Resolved,
                    (FindingState::Open, 2) if it.kind != FindingKind::Match => Change::Lapsed,
                    (_, 3) => Change::Rescinded,
                    (FindingState::Resolved | FindingState::Lapsed, 4) => {
                        it.state = FindingState::Open;
                        Change::Amended
                    }
                    _ => Change::Amended,
                };
                if kind == Change::Opened || (kind == Change::Amended && it.state == FindingState::Open) {
                    it.severity = Severity::ALL[usize::from(severity)];
                }
                // Quiet is decided when it is found, and again when it becomes graver.
                if kind == Change::Opened || graver {
                    it.quiet = quiet.then_some(Quiet::Stale);
                }
                changes.push(change(it, kind, now));
                tick(now)
            }
        };
        told.push(step_with(&mut notifier, &entry, policies.as_deref(), changes.clone()));
        steps.push((entry, policies, changes));
    }
    (steps, told, notifier)
}

fn drawn(i: u8) -> vitalog_elog::Finding {
    let mut it = finding(&format!("rule{i}"));
    it.by_clock = i.is_multiple_of(3);
    it.kind = if i == 5 { FindingKind::Match } else { FindingKind::Episode };
    it.notify = [Some("a"), Some("a"), Some("digest"), None, Some("a"), Some("digest")][usize::from(i)].map(Into::into);
    it.subject = Subject::new(if i == 4 { "p-2" } else { "p-1" });
    it
}

fn replay(steps: &[Step], mut notifier: Notifier) -> (Vec<Vec<Delivery>>, Notifier) {
    let told = steps
        .iter()
        .map(|(entry, policies, changes)| step_with(&mut notifier, entry, policies.as_deref(), changes.clone()))
        .collect();
    (told, notifier)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_replay_tells_the_same_byte_for_byte(happenings in happenings()) {
        let (steps, told, notifier) = play(&happenings);
        let (again, after) = replay(&steps, Notifier::new(config()));
        prop_assert_eq!(again, told);
        prop_assert_eq!(after.snapshot(), notifier.snapshot());
    }

    #[test]
    fn cut_anywhere_and_restored_nothing_differs(happenings in happenings(), cut in any::<prop::sample::Index>()) {
        let (steps, told, notifier) = play(&happenings);
        let k = cut.index(steps.len() + 1);
        let (_, first) = replay(&steps[..k], Notifier::new(config()));
        let restored = Notifier::restore(&first.snapshot(), config()).expect("its own snapshot");
        prop_assert_eq!(restored.next_due(), first.next_due());
        let (rest, after) = replay(&steps[k..], restored);
        prop_assert_eq!(&rest[..], &told[k..]);
        prop_assert_eq!(after.snapshot(), notifier.snapshot());
        prop_assert_eq!(after.next_due(), notifier.next_due());
    }

    #[test]
    fn of_one_transition_an_endpoint_is_told_once(happenings in happenings()) {
        let (_, told, _) = play(&happenings);
        let mut seen = BTreeSet::new();
        for delivery in told.iter().flatten() {
            prop_assert!(seen.insert(delivery.id), "twice: {} to {}", delivery.kind, delivery.endpoint);
        }
    }

    #[test]
    fn messages_follow_each_other_as_they_may(happenings in happenings()) {
        let (steps, told, _) = play(&happenings);
        let mut unreached: BTreeMap<u128, (std::sync::Arc<str>, MatchId)> = BTreeMap::new();
        let mut before: BTreeMap<(std::sync::Arc<str>, MatchId), String> = BTreeMap::new();
        let mut given_up = BTreeSet::new();
        for ((entry, ..), told) in steps.iter().zip(&told) {
            if let vitalog_elog::Input::Receipt(r) = &entry.input && matches!(r.outcome, DeliveryOutcome::GivenUp(_))
                && let Some(key) = unreached.get(&r.delivery) {
                given_up.insert(key.clone());
            }
            // What nobody carries is told to nobody, so nothing follows it.
            for delivery in told.iter().filter(|delivery| !delivery.endpoint.is_empty()) {
                let key = (delivery.endpoint.clone(), delivery.finding);
                let kind = delivery.kind.strip_prefix("finding.").expect("every kind is of a finding");
                let former = before.get(&key).map_or("", String::as_str);
                let fits = match kind {
                    "opened" => matches!(former, "" | "rescinded" | "dismissed") || given_up.contains(&key),
                    "amended" | "repeated" => !matches!(former, "" | "rescinded"),
                    "resolved" | "lapsed" | "acknowledged" | "dismissed" => matches!(former, "opened" | "amended" | "acknowledged" | "repeated"),
                    "rescinded" => matches!(former, "opened" | "amended" | "acknowledged" | "repeated" | "resolved" | "lapsed"),
                    _ => false,
                };
                prop_assert!(fits, "{kind} after {former:?} to {}", delivery.endpoint);
                unreached.insert(delivery.id, key.clone());
                before.insert(key, kind.to_owned());
            }
        }
    }

    #[test]
    fn whoever_wants_to_hear_believes_the_truth(happenings in happenings()) {
        // Without receipts: every message is taken to arrive.
        let silent: Vec<_> = happenings.into_iter().filter(|h| !matches!(h.what, What::Receipt { .. })).collect();
        let (_, told, notifier) = play(&silent);
        let config: Config = config();
        let mut last: BTreeMap<(MatchId, &str), &Delivery> = BTreeMap::new();
        for delivery in told.iter().flatten() {
            last.insert((delivery.finding, &*delivery.endpoint), delivery);
        }
        for (id, alarm) in notifier.alarms() {
            for endpoint in &config.endpoints {
                let believes = last.get(&(id, &*endpoint.name)).map(|d| d.kind.strip_prefix("finding.").unwrap_or(""));
                let believes_it_stands = matches!(believes, Some("opened" | "amended" | "acknowledged" | "repeated"));
                match alarm.stage {
                    Stage::Told if endpoint.reach.is_none() && endpoint.filter.wants(&alarm.finding) && alarm.finding.quiet.is_none() => {
                        prop_assert!(believes_it_stands, "{} believes {believes:?} of what stands", endpoint.name);
                    }
                    Stage::Over | Stage::Rescinded => {
                        prop_assert!(!believes_it_stands, "{} believes {believes:?} of what is over", endpoint.name);
                    }
                    _ => {}
                }
                if alarm.stage == Stage::Rescinded {
                    prop_assert!(matches!(believes, None | Some("rescinded" | "dismissed")), "{believes:?}");
                }
            }
        }
    }

    #[test]
    fn nothing_is_told_before_it_is_due(happenings in happenings()) {
        let (_, _, mut notifier) = play(&happenings);
        // Policies may repeat for ever.
        for _ in 0..20 {
            let Some(due) = notifier.next_due() else { break };
            let early = tick(vitalog_elog::Time(due.0 - 1));
            prop_assert!(step(&mut notifier, &early, vec![]).is_empty());
            step(&mut notifier, &tick(due), vec![]);
            prop_assert!(notifier.next_due().is_none_or(|next| next > due));
        }
    }

    #[test]
    fn policies_are_carried_out_as_the_model_says(happenings in happenings()) {
        let (steps, told, _) = play(&happenings);
        let mut model = Model::new(config());
        for (i, ((entry, policies, changes), told)) in steps.iter().zip(&told).enumerate() {
            let expected = model.step(entry, policies.as_deref(), changes, told);
            prop_assert_eq!(steps_of(told), expected, "at entry {} of {:?}", i, entry);
        }
    }

    #[test]
    fn nobody_hears_of_one_finding_twice_at_once(happenings in happenings()) {
        let (_, told, _) = play(&happenings);
        for told in told {
            let mut seen = BTreeSet::new();
            for delivery in told.iter().filter(|delivery| !delivery.endpoint.is_empty()) {
                prop_assert!(seen.insert((delivery.finding, delivery.endpoint.clone())), "{} to {}", delivery.kind, delivery.endpoint);
            }
        }
    }
}
