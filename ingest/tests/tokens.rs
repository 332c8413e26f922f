//! Tokens and scopes.

use vitalog_elog::Subject;
use vitalog_elog::access::{Access, Decision, Principal, Wish};
use vitalog_ingest::access::{Open, SESSION_LIFE, Scope, Sessions, Tokens, mint};

use super::fixture::now;

fn scopes(words: &str) -> Vec<Scope> {
    words.split(',').map(|w| Scope::parse(w).expect(w)).collect()
}

#[test]
fn a_token_is_known_by_its_hash() {
    let (a, b) = (mint("nurse-1", &scopes("read,list")).expect("minted"), mint("pump", &scopes("write@p-1")).expect("minted"));
    assert_ne!(a.token, b.token);
    assert!(!a.line.contains(&a.token["vitalog_".len()..]), "the file does not hold the token");
    let tokens = Tokens::parse(&format!("# who may what\n\n{}\n  {}  \n", a.line, b.line)).expect("a file");
    assert_eq!(tokens.holder_of(&a.token).map(|p| p.id), Some("nurse-1".into()));
    assert_eq!(tokens.holder_of(&b.token).map(|p| p.id), Some("pump".into()));
    for wrong in ["", "vitalog_", &a.token[1..], &a.token[..a.token.len() - 1], &format!("{}0", a.token), &a.line] {
        assert_eq!(tokens.holder_of(wrong), None, "{wrong}");
    }
    assert_eq!(format!("{tokens:?}"), "2 tokens");
}

#[test]
fn scopes_grant_what_they_say() {
    let (one, two) = (Subject::new("p:1@x"), Subject::new("p-2"));
    let wishes = [
        Wish::Read(&one),
        Wish::Read(&two),
        Wish::Write(&one),
        Wish::Write(&two),
        Wish::List,
        Wish::Query,
        Wish::Rule,
        Wish::Operate,
    ];
    for (words, granted) in [
        ("admin", "11111111"),
        ("read", "11000000"),
        ("write", "00110000"),
        ("read@p:1@x", "10000000"),
        ("write@p:1@x", "00100000"),
        ("read@p-2,write@p-2", "01010000"),
        ("list,query,rule,operate", "00001111"),
    ] {
        let minted = mint("a", &scopes(words)).expect("minted");
        let tokens = Tokens::parse(&minted.line).expect("a file");
        let who = tokens.holder_of(&minted.token).expect("known");
        let told: String = wishes.iter().map(|w| if tokens.decide(&who, *w) == Decision::Allow { '1' } else { '0' }).collect();
        assert_eq!(told, granted, "{words}");
        let stranger = Principal { id: "stranger".into() };
        assert!(wishes.iter().all(|w| tokens.decide(&stranger, *w) == Decision::Deny));
        assert!(wishes.iter().all(|w| Open.decide(&stranger, *w) == Decision::Allow));
    }
}

#[test]
fn wrong_files_say_the_line() {
    let good = mint("a", &scopes("read")).expect("minted").line;
    for (text, line) in [
        (format!("{good}\nnonsense"), "line 2"),
        (format!("{good}\n{good}"), "line 2"),
        ("a:abcd:read".to_owned(), "line 1"),
        (good.replace(":read", ":reed"), "line 1"),
        (good.replace(":read", ":write@../x"), "line 1"),
        (good.replacen('a', "a b", 1), "line 1"),
        (good.replacen("a:", "nobody:", 1), "line 1"),
    ] {
        let error = Tokens::parse(&text).expect_err(&text).to_string();
        assert!(error.contains(line), "{text}: {error}");
    }
    assert!(mint("a:b", &[]).is_err());
    assert!(mint("local", &[]).is_err());
}

#[test]
fn sessions_end() {
    let sessions = Sessions::default();
    let who = Principal { id: "nurse-1".into() };
    let value = sessions.begin(who.clone(), now()).expect("begun");
    assert_eq!(sessions.who(&value, now()), Some(who.clone()));
    assert_eq!(sessions.who(&value[1..], now()), None);
    assert_eq!(sessions.who(&value, now() + SESSION_LIFE), None);
    sessions.end(&value);
    assert_eq!(sessions.who(&value, now()), None);
    let first = sessions.begin(who.clone(), now()).expect("begun");
    for _ in 0..10_000 {
        sessions.begin(who.clone(), now() + vitalog_elog::Span::seconds(1)).expect("begun");
    }
    assert_eq!(sessions.who(&first, now()), None, "the oldest made room");
}
