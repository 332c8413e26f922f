//! Sessions end: by themselves, by being left, by being too many.

use vitalog_elog::Span;
use vitalog_elog::access::{Principal, Via};
use vitalog_ingest::access::{Lives, Sessions};

use super::super::fixture::now;

#[test]
fn sessions_end() {
    let lives = Lives { whole: Span::hours(2), idle: Span::minutes(30) };
    let sessions = Sessions::lasting(lives);
    let who = Principal::new("nurse-1").via(Via::Token("t".into()));
    let found = |value: &str, at| sessions.who(value, at).map(|(who, generation)| (who.id.to_string(), who.via, generation));
    let expected = Some(("nurse-1".to_owned(), Via::Token("t".into()), 7));
    let value = sessions.begin(who.clone(), 7, now()).expect("begun");
    assert_eq!(found(&value, now()), expected);
    assert_eq!(found(&value[1..], now()), None);
    // Asked for now and then it goes on, up to its end.
    for minutes in [29, 58, 87, 116] {
        assert_eq!(found(&value, now() + Span::minutes(minutes)), expected, "{minutes}");
    }
    assert_eq!(found(&value, now() + lives.whole), None);
    // Left alone it ends, and stays ended.
    let value = sessions.begin(who.clone(), 7, now()).expect("begun");
    assert_eq!(found(&value, now() + lives.idle), None);
    assert_eq!(found(&value, now()), None);
    let value = sessions.begin(who.clone(), 7, now()).expect("begun");
    sessions.end(&value);
    assert_eq!(found(&value, now()), None);
    let first = sessions.begin(who.clone(), 7, now()).expect("begun");
    for _ in 0..10_000 {
        sessions.begin(who.clone(), 7, now() + Span::seconds(1)).expect("begun");
    }
    assert_eq!(found(&first, now()), None, "the oldest made room");
}
