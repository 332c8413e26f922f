//! Notices of emergencies: who hears of one, what it says and what it never says, and that it comes in once.

use std::path::Path;

use serde_json::{Value, json};
use vitalog_elog::access::Emergency;
use vitalog_elog::effect::Delivery;
use vitalog_elog::input::DeliveryOutcome;
use vitalog_elog::{Effects, Record, Span, Subject};
use vitalog_notify::emergency::notices;
use vitalog_notify::outbox::Answer;
use vitalog_notify::{Config, Outbox};

use crate::world::{INCARNATION, at, delivery_record, endpoints, position, receipt};

const REASON: &str = "found unconscious, sugar of 30";

fn emergency(number: i64, subject: &str) -> Emergency {
    Emergency {
        number,
        account: "lee".into(),
        subject: Subject::new(subject),
        reason: REASON.to_owned(),
        at: at(0),
        until: at(0) + Span::hours(1),
        seen_by: None,
    }
}

fn told(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(|delivery| &*delivery.endpoint).collect()
}

fn open(dir: &Path) -> Outbox {
    let outbox = Outbox::open(&dir.join("outbox.db"), INCARNATION).expect("opens");
    outbox.register(&endpoints(), at(0)).expect("registers");
    outbox
}

fn claimed(outbox: &Outbox) -> Vec<u128> {
    outbox.claim(at(10)).expect("claims").into_iter().map(|due| due.id).collect()
}

#[test]
fn who_has_no_role_hears_of_those_it_is_there_for_and_others_where_it_is_said() {
    assert_eq!(
        told(&notices(&endpoints(), &emergency(1, "p-1"), at(1))),
        ["ward", "pager", "digest"],
        "not whoever is there for p-2"
    );
    assert_eq!(told(&notices(&endpoints(), &emergency(1, "p-2"), at(1))), ["ward", "pager", "digest", "kin"]);
    let config = |more: &str| {
        let file = format!(
            r#"{{"endpoints":[{{"name":"x","url":"https://example.org/","secrets":["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]{more}}}]}}"#
        );
        Config::parse(&file).expect("a good configuration").endpoints
    };
    let role = r#","role":"on_call","channel":"sms""#;
    for (more, hears) in [
        (String::new(), true),
        (r#","emergencies":false"#.to_owned(), false),
        (role.to_owned(), false),
        (format!(r#"{role},"emergencies":true"#), true),
        (format!(r#"{role},"emergencies":true,"subjects":["p-2"]"#), false),
    ] {
        assert_eq!(config(&more)[0].hears_of(&emergency(1, "p-1")), hears, "{more}");
    }
}

#[test]
fn it_names_who_and_whom_by_their_ids_and_never_why() {
    let deliveries = notices(&endpoints()[..1], &emergency(7, "p-1"), at(60));
    let [delivery] = &deliveries[..] else { panic!("{deliveries:?}") };
    let message: Value = serde_json::from_str(&delivery.body).expect("JSON");
    let expected = json!({
        "id": format!("{:032x}", delivery.id),
        "type": "emergency.opened",
        "timestamp": at(0).to_string(),
        "data": { "emergency": 7, "subject": "p-1", "account": "lee", "at": at(0).to_string(), "until": (at(0) + Span::hours(1)).to_string() },
    });
    assert_eq!(message, expected);
    assert!(!format!("{delivery:?}").contains("unconscious"));
    assert_eq!((&*delivery.kind, delivery.not_before), ("emergency.opened", at(60)));
}

#[test]
fn an_id_follows_from_the_emergency_and_the_endpoint() {
    let ids = |emergency: &Emergency, now| {
        notices(&endpoints(), emergency, now).iter().map(|d| (d.id, d.body.clone())).collect::<Vec<_>>()
    };
    let first = ids(&emergency(1, "p-1"), at(1));
    assert_eq!(first, ids(&emergency(1, "p-1"), at(500)), "whenever it is made");
    let others = [
        emergency(2, "p-1"),
        emergency(1, "p-3"),
        Emergency { account: "kim".into(), ..emergency(1, "p-1") },
        Emergency { at: at(1), ..emergency(1, "p-1") },
    ];
    let mut all: Vec<u128> = first.iter().map(|(id, _)| *id).collect();
    all.extend(others.iter().flat_map(|other| ids(other, at(1))).map(|(id, _)| id));
    let many = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!((many, all.len()), (15, 15), "a number that comes again is another emergency");
}

#[test]
fn handed_in_again_it_is_sent_once_and_the_journal_goes_on_beside_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let outbox = open(dir.path());
    let deliveries = notices(&endpoints(), &emergency(1, "p-1"), at(1));
    outbox.apply(&[delivery_record(0, 1, 1, "ward", 0)], position(1)).expect("applies");
    assert_eq!(outbox.take_in(&[]).expect("nothing"), 0);
    assert_eq!(outbox.take_in(&deliveries).expect("taken in"), 3);
    assert_eq!(outbox.take_in(&deliveries).expect("again"), 0);
    assert_eq!(outbox.position().expect("reads"), position(1), "it stays where it is in the journal");
    let mut sent = claimed(&outbox);
    assert_eq!(sent.len(), 4);
    assert!(sent.contains(&1) && deliveries.iter().all(|delivery| sent.contains(&delivery.id)));
    for id in &sent {
        outbox.record(*id, Answer::Delivered, at(11), 0).expect("records");
    }
    drop(outbox);
    // Killed before anybody noted that it was handed in.
    let outbox = open(dir.path());
    assert_eq!(outbox.take_in(&notices(&endpoints(), &emergency(1, "p-1"), at(900))).expect("again"), 0);
    assert!(claimed(&outbox).is_empty());
    // What became of it is journaled, and comes back.
    let mut receipts: Vec<u128> = outbox.receipts(9).expect("reads").iter().map(|receipt| receipt.delivery).collect();
    receipts.sort_unstable();
    sent.sort_unstable();
    assert_eq!(receipts, sent);
}

#[test]
fn a_receipt_of_one_that_a_rebuilt_outbox_lacks_says_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let outbox = open(dir.path());
    let id = notices(&endpoints(), &emergency(1, "p-1"), at(1))[0].id;
    let entry = receipt(at(5), id, 1, DeliveryOutcome::Delivered);
    let record = Record { offset: 0, entry: entry.into(), effects: Effects::new() };
    outbox.apply(&[record], position(1)).expect("applies");
    assert!(claimed(&outbox).is_empty());
    assert!(outbox.receipts(9).expect("reads").is_empty());
}

#[test]
fn it_is_forgotten_with_its_subject() {
    let dir = tempfile::tempdir().expect("a folder");
    let outbox = open(dir.path());
    for (number, subject) in [(1, "p-1"), (2, "p-2")] {
        outbox.take_in(&notices(&endpoints(), &emergency(number, subject), at(1))).expect("taken in");
    }
    let about = outbox.findings_of(&Subject::new("p-1")).expect("reads");
    assert_eq!(about.len(), 1);
    assert_eq!(outbox.forget(&about).expect("forgets"), 3);
    let left = claimed(&outbox);
    let expected: Vec<u128> = notices(&endpoints(), &emergency(2, "p-2"), at(1)).iter().map(|delivery| delivery.id).collect();
    assert_eq!(left.len(), expected.len());
    assert!(expected.iter().all(|id| left.contains(id)));
}
