//! Any header of a request: whoever is let in by a token or by a session's cookie shows it letter for letter, and a refusal repeats nothing of what was shown.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use proptest::collection::vec;
use proptest::prelude::*;
use vitalog_elog::Time;
use vitalog_elog::access::{Principal, Via};

use super::{Credentials, Doorman, session};
use crate::access::{Accounts, NewToken, Policies, Store};
use crate::changes::{changed, changes};
use crate::effort::{apart, tried};
use crate::io::Clock;

/// Cases of each kind in a run of all tests.
const USUAL: u32 = 2_000;
const IDS: [&str; 2] = ["meter", "kiosk"];

/// A door to a store in memory, with two tokens, and a session of the first.
struct World {
    doorman: Doorman,
    tokens: [String; 2],
    session: String,
}

impl World {
    fn new() -> World {
        let clock: Clock = Arc::new(|| Time(1_795_160_100_000_000));
        let mut store = Store::in_memory().expect("made");
        let tokens = IDS.map(|id| store.add_token(&NewToken::new(id, &[]), clock()).expect("made").token);
        let accounts = Accounts::new(store, Policies::shipped().expect("they are right"), clock.clone()).expect("read");
        let doorman = Doorman::new(Credentials::Accounts(Arc::new(accounts)), clock.clone(), false, None);
        let who = Principal::new(IDS[0]).via(Via::Token(IDS[0].into()));
        let session = doorman.sessions.begin(who, 0, clock()).expect("begun");
        World { doorman, tokens, session }
    }

    /// Who is let in by these headers, where somebody has to be known.
    fn let_in(&self, headers: &HeaderMap) -> Option<String> {
        match self.doorman.admit(&Method::GET, "/v1/me", headers) {
            Ok(who) => Some(who.id.to_string()),
            Err(problem) => {
                let said = format!("{problem:?}");
                assert_eq!(problem.status(), StatusCode::UNAUTHORIZED, "{said}");
                let mut shown = headers.values().filter_map(|value| value.to_str().ok()).filter(|value| value.len() > 12);
                assert!(shown.all(|value| !said.contains(value)), "{said}");
                None
            }
        }
    }
}

/// Headers with one of this name, where it can be one.
fn with(name: HeaderName, value: &[u8]) -> Option<HeaderMap> {
    Some(HeaderMap::from_iter([(name, HeaderValue::from_bytes(value).ok()?)]))
}

#[test]
fn a_token_opens_as_it_was_minted_and_not_otherwise() {
    let world = World::new();
    tried("bearer tokens", USUAL, (0..IDS.len(), changes()), |(which, changes)| {
        let token = &world.tokens[which];
        let shown = changed(format!("Bearer {token}").as_bytes(), &changes);
        let Some(id) = with(header::AUTHORIZATION, &shown).and_then(|headers| world.let_in(&headers)) else { return };
        let text = String::from_utf8_lossy(&shown);
        let is_whole = text.split_once(' ').is_some_and(|(way, rest)| way.eq_ignore_ascii_case("bearer") && rest.trim() == token);
        assert!(is_whole && id == IDS[which], "{text:?} opens to {id}");
    });
}

#[test]
fn a_cookie_opens_as_it_was_given_and_not_otherwise() {
    let world = World::new();
    let cookie = format!("{}={}", session::COOKIE, world.session);
    tried("session cookies", USUAL, changes(), |changes| {
        let shown = changed(format!("theme=dark; {cookie}; lang=en").as_bytes(), &changes);
        let Some(id) = with(header::COOKIE, &shown).and_then(|headers| world.let_in(&headers)) else { return };
        let text = String::from_utf8_lossy(&shown);
        assert!(text.split(';').any(|pair| pair.trim() == cookie) && id == IDS[0], "{text:?} opens to {id}");
    });
}

#[test]
fn any_bytes_open_to_nobody() {
    let world = World::new();
    let begins = ["", "Bearer ", "bearer vitalog_", "Basic ", "vitalog_session=", "a=b; vitalog_session="];
    let inputs = (0..begins.len(), vec(any::<u8>(), 0..200));
    tried("tokens and cookies, any bytes", USUAL, inputs, |(begin, rest)| {
        let shown = [begins[begin].as_bytes(), &rest].concat();
        for name in [header::AUTHORIZATION, header::COOKIE] {
            let opened = with(name, &shown).and_then(|headers| world.let_in(&headers));
            assert!(opened.is_none(), "{shown:?} opens to {opened:?}");
        }
    });
}

#[test]
fn what_was_given_opens() {
    let world = World::new();
    let by = |name, value: String| world.let_in(&with(name, value.as_bytes()).expect("a header"));
    for (id, token) in IDS.iter().zip(&world.tokens) {
        assert_eq!(by(header::AUTHORIZATION, format!("Bearer {token}")).as_deref(), Some(*id));
    }
    assert_eq!(by(header::COOKIE, format!("{}={}", session::COOKIE, world.session)).as_deref(), Some(IDS[0]));
}

#[test]
fn all_of_it_stays_small() {
    apart("io::doorman::fuzz::");
}
