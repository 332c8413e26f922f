//! Ids and revisions: the same content is the same reading, other content another, and the order of arrival does not matter.

use std::sync::Arc;

use proptest::prelude::*;
use vitalog_elog::id::digest;
use vitalog_elog::{
    Amount, Content, Dimension, MatchId, Reading, ReadingId, Refusal, StreamIx, Subject, Time, Unit, Value, When,
};

fn mg(text: &str) -> Option<Value> {
    let unit = Unit::named(Dimension::Glucose, "mg/dL").unwrap();
    Some(Value::Quantity(Amount::parse(text, unit).unwrap()))
}

fn content(at: i64, values: Vec<Option<Value>>, source: Option<&str>) -> Content {
    Content { stream: StreamIx(0), when: When::At(Time(at)), values: values.into(), source: source.map(Arc::from), seq: None }
}

fn reading(content: Content) -> Reading {
    Reading::present(Subject::new("p-001"), None, 1, "bg", content)
}

#[test]
fn the_id_says_subject_stream_time_source_and_content() {
    let one = reading(content(1, vec![mg("110")], Some("g7")));
    assert_eq!(one.id, reading(content(1, vec![mg("110.0")], Some("g7"))).id, "zeros are no content");
    let mut sent_again = content(1, vec![mg("110")], Some("g7"));
    sent_again.seq = Some(9);
    assert_eq!(one.id, reading(sent_again).id, "nor is the count at the source");
    assert_eq!(one.id, reading(content(1, vec![mg("110"), None], Some("g7"))).id, "nor a field that was declared later");
    let others = [
        reading(content(2, vec![mg("110")], Some("g7"))),
        reading(content(1, vec![mg("111")], Some("g7"))),
        reading(content(1, vec![mg("110")], Some("g6"))),
        reading(content(1, vec![mg("110")], None)),
        Reading::present(Subject::new("p-001"), None, 1, "ketones", content(1, vec![mg("110")], Some("g7"))),
        Reading::present(Subject::new("p-002"), None, 1, "bg", content(1, vec![mg("110")], Some("g7"))),
    ];
    for other in others {
        assert_ne!(one.id, other.id);
    }
}

#[test]
fn a_printed_id_names_the_reading_itself() {
    let id = reading(content(1, vec![mg("110")], None)).id;
    assert_eq!(ReadingId::given(&id.to_string()), id);
    assert_ne!(ReadingId::given("a1"), ReadingId::given("a2"));
    assert_eq!(ReadingId::from_printed("~xyz"), None);
    assert_eq!(ReadingId::from_printed("~+123456789012345678901234567890a"), None);
    let found = MatchId::new("low", &Subject::new("p"), Time(5));
    assert_eq!(MatchId::parse(&found.to_string()), Some(found));
    assert_eq!(MatchId::parse("short"), None);
}

#[test]
fn a_findings_id_is_the_digest_of_its_rule_subject_and_onset() {
    for (rule, subject) in (0..200).map(|n| ("r".repeat(n), "s".repeat(n * 7 % 65))) {
        let (onset, subject) = (Time(rule.len() as i64 * -9_000_000_001), Subject::new(&subject));
        let parts = [rule.as_bytes(), subject.as_str().as_bytes(), &onset.0.to_le_bytes()];
        assert_eq!(MatchId::new(&rule, &subject, onset), MatchId(digest(b"match", &parts)));
    }
    // Others keep them.
    let known = MatchId::new("low_glucose", &Subject::new("p-1"), Time(1_790_000_000_000_000));
    assert_eq!(known.to_string(), "057f3cc8fe2434406c660db37385fdf1");
}

#[test]
fn names_are_safe_anywhere() {
    for good in ["p-001", "a", "urn:x:1", "a@b.c", &"x".repeat(64), "~00"] {
        assert!(Subject::is_valid(good), "{good}");
    }
    for bad in ["", "a/b", "..", ".hidden", "a b", "a\0", "a\r\nb", "é", "a%2f", &"x".repeat(65), "<script>"] {
        assert!(!Subject::is_valid(bad), "{bad:?}");
    }
}

#[test]
fn a_refusal_shows_no_control_characters_and_not_everything() {
    let refusal = Refusal::of("bad", "value", &format!("a\r\nb\u{1b}[31m{}", "x".repeat(500)), "is no number", "send a number");
    let shown = refusal.to_string();
    assert!(!shown.chars().any(char::is_control));
    assert!(shown.len() < 200, "{shown}");
    assert!(shown.ends_with("; send a number"));
}

proptest! {
    /// INVARIANT (revisions commute), for revisions of one reading, equal revision numbers and removals among them.
    #[test]
    fn the_current_revision_does_not_depend_on_order(parts in prop::collection::vec((1u32..4, prop::option::of(0i64..4)), 1..8), seed: u64) {
        let revisions: Vec<Reading> = parts
            .iter()
            .map(|&(rev, at)| match at {
                Some(at) => Reading::present(Subject::new("p"), Some("a1".into()), rev, "bg", content(at, vec![mg("99")], None)),
                None => Reading::removal(Subject::new("p"), "a1".into(), rev),
            })
            .collect();
        let mut shuffled = revisions.clone();
        let mut state = seed | 1;
        for i in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            shuffled.swap(i, (state >> 33) as usize % (i + 1));
        }
        let current = |list: &[Reading]| {
            let mut current: Option<Reading> = None;
            for r in list {
                if current.as_ref().is_none_or(|c| r.revision() > c.revision()) {
                    current = Some(r.clone());
                }
            }
            current
        };
        prop_assert_eq!(current(&revisions), current(&shuffled));
        prop_assert!(revisions.iter().all(|r| r.id == revisions[0].id));
    }
}
