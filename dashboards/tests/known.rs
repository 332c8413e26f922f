//! What was known: at every position of any history the answer is the one that was given when the journal was there, and at an instant the one after its last arrival.

use std::time::Instant;

use proptest::prelude::*;
use reqwest::{Method, StatusCode};
use tempfile::TempDir;
use vitalog_dashboards::ask::{
    AsOf, Order, Reader, Readers, ReadingHistory, ReadingQuery, ReadingView, TimelineQuery, parse_cursor,
};
use vitalog_dashboards::views::Views;
use vitalog_elog::{Input, ReadingId, Span, StreamIx, Subject, Time};

use crate::api::stage;
use crate::support::schema::{self, BG};
use crate::support::world::{INCARNATION, World};
use crate::views::{BASE, Sent, at, reading_apart};

/// So few values that many say the same, over so many days that some have none.
fn sent() -> impl Strategy<Value = Sent> {
    (0..2_u8, 0..12_u8, 1..5_u32, proptest::option::weighted(0.8, (0..3_u8, 0..9_i64, 40..44_i64)))
        .prop_map(|(subject, name, rev, says)| Sent { subject, name, rev, says })
}

fn subject(number: u8) -> Subject {
    Subject::new(&format!("p-{number}"))
}

/// Which readings are asked for.
#[derive(Clone, Debug)]
struct Wanted {
    stream: Option<StreamIx>,
    from: Option<i64>,
    to: Option<i64>,
    order: Order,
    limit: usize,
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let order = prop_oneof![Just(Order::NewestFirst), Just(Order::OldestFirst)];
    let stream = proptest::option::of(Just(BG));
    (stream, proptest::option::of(0..9_i64), proptest::option::of(0..9_i64), order, 1..6_usize)
        .prop_map(|(stream, from, to, order, limit)| Wanted { stream, from, to, order, limit })
}

/// Everything that is asked of one state.
#[derive(Debug, PartialEq)]
struct Said {
    /// Of each subject all pages, one after the other; `None`: it was never heard of.
    pages: Vec<Option<Vec<ReadingView>>>,
    readings: Vec<Option<ReadingHistory>>,
}

fn said(reader: &Reader<'_>, wanted: &Wanted, named: &[(Subject, ReadingId)], as_of: Option<AsOf>) -> Said {
    let pages = (0..2).map(|number| pages(reader, &subject(number), wanted, as_of)).collect();
    let one = |(subject, id): &(Subject, ReadingId)| {
        let found = reader.ask(|ask| match as_of {
            None => ask.reading(subject, *id),
            Some(as_of) => ask.reading_as_of(subject, *id, as_of),
        });
        found.expect("an answer")
    };
    Said { pages, readings: named.iter().map(one).collect() }
}

fn pages(reader: &Reader<'_>, subject: &Subject, wanted: &Wanted, as_of: Option<AsOf>) -> Option<Vec<ReadingView>> {
    let place = |n: i64| BASE + Span::hours(7 * n);
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let Wanted { stream, from, to, order, limit } = wanted.clone();
        let query = ReadingQuery { stream, from: from.map(place), to: to.map(place), order, limit, after, as_of };
        let page = reader.ask(|ask| ask.readings(subject, &query)).expect("an answer")?;
        assert!(page.readings.len() <= limit);
        all.extend(page.readings);
        match page.next {
            Some(next) => after = Some(parse_cursor(&next).expect("what it said itself")),
            None => return Some(all),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]

    #[test]
    fn what_was_known_is_what_was_answered(all in proptest::collection::vec(sent(), 1..40), wanted in wanted(), cut in 1..9_usize) {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("then.sqlite");
        let world = World::new(&path, schema::schema(), None);
        let readers = Readers::open(&path).expect("it opens");
        let all: Vec<_> = all.iter().map(|s| reading_apart(s, Span::hours(7))).collect();
        let mut named: Vec<(Subject, ReadingId)> = all.iter().map(|r| (r.subject.clone(), r.id)).collect();
        named.sort_unstable();
        named.dedup();
        // Two inputs in turn arrive at one instant. Of each position what was answered when the journal was there.
        let arrival = |i: usize| BASE + Span::minutes(100 + (i / 2) as i64);
        let now = |world: &World| (world.records().len() as u64, said(&readers.take().expect("a reader"), &wanted, &named, None));
        let mut then = vec![now(&world)];
        for (i, reading) in all.iter().enumerate() {
            world.give(arrival(i), vec![Input::Reading(reading.clone())]);
            then.push(now(&world));
        }
        // Asked of a file that was fed the same in other pieces.
        let (records, path) = (world.records(), folder.path().join("now.sqlite"));
        let mut views = Views::open(&path, INCARNATION).expect("it opens");
        let mut fed = 0;
        for piece in records.chunks(cut) {
            fed += piece.len();
            views.apply(piece, at(fed as u64), &schema::schema()).expect("it takes it");
        }
        let readers = Readers::open(&path).expect("it opens");
        let reader = readers.take().expect("a reader");
        for (position, then) in &then {
            let known = said(&reader, &wanted, &named, Some(AsOf::Position(*position)));
            prop_assert_eq!(&known, then, "at position {}", position);
        }
        for i in 0..all.len() {
            let last = (0..all.len()).rfind(|j| arrival(*j) == arrival(i)).expect("itself");
            for (instant, position) in [(arrival(i), last + 1), (arrival(i) - Span(1), i / 2 * 2)] {
                let known = said(&reader, &wanted, &named, Some(AsOf::Instant(instant)));
                prop_assert_eq!(&known, &then[position].1, "at {}", instant);
            }
        }
    }
}

/// Years that were sent later are not read: a page costs a small part of what reading them does.
#[test]
fn what_came_later_is_passed_over() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("views.sqlite");
    let world = World::new(&path, schema::schema(), None);
    let give = |arrival: Time, first: i64, count: i64| {
        let glucose = |n: i64| crate::api::glucose_of("p-1", BASE + Span::minutes(5 * n), "100");
        world.give(arrival, (first..first + count).map(glucose).collect());
    };
    let day = 288;
    give(BASE, 0, day);
    // Half a year before it, and half a year after.
    give(BASE + Span::days(1), -180 * day, 180 * day);
    give(BASE + Span::days(200), day, 180 * day);
    let readers = Readers::open(&path).expect("it opens");
    let reader = readers.take().expect("a reader");
    let subject = Subject::new("p-1");
    let shortest = |rounds: u32, question: &dyn Fn()| {
        let time = |_| {
            let began = Instant::now();
            question();
            began.elapsed()
        };
        (0..rounds).map(time).min().expect("a round")
    };
    let whole = TimelineQuery { from: BASE - Span::days(180), to: BASE + Span::days(200), points: 10 };
    let to_read_all = shortest(3, &|| {
        let timeline = reader.ask(|ask| ask.timeline(&subject, &whole, &[], BASE)).expect("an answer").expect("a subject");
        assert_eq!(timeline.series.iter().map(|series| series.count as i64).sum::<i64>(), 361 * day);
    });
    for (order, first) in [(Order::NewestFirst, day - 1), (Order::OldestFirst, 0)] {
        let as_of = Some(AsOf::Instant(BASE));
        let query = ReadingQuery { stream: None, from: None, to: None, order, limit: 10, after: None, as_of };
        let for_a_page = shortest(20, &|| {
            let page = reader.ask(|ask| ask.readings(&subject, &query)).expect("an answer").expect("a subject");
            assert_eq!(page.readings.len(), 10);
            assert_eq!(page.readings[0].at, Some((BASE + Span::minutes(5 * first)).to_string()));
        });
        assert!(for_a_page * 10 < to_read_all, "{order:?}: {for_a_page:?} for a page, {to_read_all:?} to read all");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doors_answer_as_of_a_position_and_as_of_an_instant() {
    let stage = stage().await;
    let path = |as_of: &str| format!("/v1/subjects/p-1/readings?stream=bg&limit=1&as_of={as_of}");
    // Two readings are given every five minutes, from position 0 on.
    for (as_of, minutes) in [("2", 0), ("4", 5), ("10", 20)] {
        let page = stage.get(&path(as_of)).await;
        assert_eq!(page["readings"][0]["at"], (BASE + Span::minutes(minutes)).to_string(), "{as_of}: {page}");
        let instant = (BASE + Span::minutes(minutes)).to_string();
        assert_eq!(stage.get(&path(&instant)).await, page, "{instant}");
    }
    let id = stage.get(&path("2")).await["readings"][0]["id"].as_str().expect("an id").to_owned();
    let one = |as_of: &str| format!("/v1/subjects/p-1/readings/{id}?as_of={as_of}");
    assert_eq!(stage.get(&one("1")).await["current"]["id"], id.as_str());

    let later = (BASE + Span::days(1)).to_string();
    for (path, status, code) in [
        (one("0"), StatusCode::NOT_FOUND, "unknown_reading"),
        (path("0"), StatusCode::NOT_FOUND, "unknown_subject"),
        (path(&later), StatusCode::BAD_REQUEST, "not_over"),
        (path("yesterday"), StatusCode::BAD_REQUEST, "malformed"),
        (path("2026-01-01T00:00:00"), StatusCode::BAD_REQUEST, "malformed"),
        (path("99999999999999999999"), StatusCode::BAD_REQUEST, "malformed"),
        (path("1000000"), StatusCode::BAD_REQUEST, "not_over"),
        (one("-1"), StatusCode::BAD_REQUEST, "malformed"),
    ] {
        let answer = stage.ask(Some("root"), Method::GET, &path, &[]).await;
        assert_eq!((answer.status, answer.body["code"].as_str()), (status, Some(code)), "{path}: {}", answer.body);
    }
    let other = stage.ask(Some("see-p-1"), Method::GET, "/v1/subjects/p-2/readings?as_of=2", &[]).await;
    assert_eq!(other.status, StatusCode::FORBIDDEN);
}
