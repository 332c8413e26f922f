//! What is told for accounting is what was journaled up to the position that is told with it: at every moment, of files alone and of files with hot rows. And what is made again is as it was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use object_store::memory::InMemory;
use vitalog_elog::accounting::{Held, Scope, Standing, Tally, Window, weight};
use vitalog_elog::{Input, Outcome, Reading, ReadingId, Record, Schema, Subject, Time};
use vitalog_lakehouse::{Lake, Part};

use crate::model::{answered, assert_same};
use crate::world::{Dice, INCARNATION, RunLoop, grown, schema};

type Tallies = BTreeMap<(Window, Standing), Tally>;

fn add(tallies: &mut Tallies, reading: &Reading, standing: Standing, schema: &Schema) {
    let tally = tallies.entry((Window::of(reading, schema), standing)).or_default();
    *tally = tally.plus(Tally::of(weight(reading, schema)));
}

/// From the records alone: each revision once, the greatest of an id that is no removal as the current one.
fn expected(run: &RunLoop, records: &[Record], scope: &Scope) -> Tallies {
    let mut revisions: BTreeMap<(Subject, ReadingId), BTreeMap<(u32, u128), Reading>> = BTreeMap::new();
    for reading in records.iter().filter_map(|r| r.reading()).map(|(reading, _)| reading) {
        let of = revisions.entry((reading.subject.clone(), reading.id)).or_default();
        of.entry(reading.revision()).or_insert_with(|| reading.clone());
    }
    let mut tallies = Tallies::new();
    for of in revisions.into_values() {
        let last = of.keys().last().copied();
        for (revision, reading) in of {
            let holds = Some(revision) == last && reading.content.is_some();
            if scope.has(&reading, &run.schema) {
                add(&mut tallies, &reading, if holds { Standing::Current } else { Standing::Former }, &run.schema);
            }
        }
    }
    tallies
}

async fn check(lake: &Lake, run: &RunLoop, scope: &Scope, when: &str) {
    for part in [Part::Landed, Part::Queryable] {
        let mut told = Tallies::new();
        let mut each = |held: Held<'_>, schema: &Schema| match held {
            Held::Revision(reading, standing) => add(&mut told, reading, standing, schema),
            Held::Unreadable { subject, name, .. } => panic!("{subject} {name} {when}"),
        };
        let reached = lake.account(part, scope, &lake.cuts(), &mut each).await.unwrap().reached;
        for (standing, offset) in [(Standing::Current, reached.current), (Standing::Former, reached.former)] {
            let of = |tallies: &Tallies| -> Tallies {
                tallies.iter().filter(|((_, s), _)| *s == standing).map(|(key, tally)| (key.clone(), *tally)).collect()
            };
            let expected = expected(run, &run.records[..offset as usize], scope);
            assert_eq!(of(&told), of(&expected), "{part:?} {standing:?} at {offset} {when}");
        }
        if part == Part::Queryable {
            assert_eq!(reached.current, run.next(), "{when}");
        }
    }
}

/// The engine knows every revision that it was given; the naive one of these tests only the current one.
fn random(run: &mut RunLoop, dice: &mut Dice) {
    run.random(dice);
    let Some((last, Outcome::Outdated)) = run.records.last().and_then(|r| r.reading()) else { return };
    let (subject, id, revision) = (last.subject.clone(), last.id, last.revision());
    let is_known = run
        .records
        .iter()
        .rev()
        .skip(1)
        .filter_map(|r| r.reading())
        .any(|(r, _)| r.subject == subject && r.id == id && r.revision() == revision);
    if is_known && let Some(effect) = run.records.last_mut().and_then(|r| r.effects.first_mut()) {
        *effect = vitalog_elog::Effect::Reading(Outcome::Duplicate);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_is_what_was_journaled_at_every_moment() {
    for seed in 1..=4 {
        let mut dice = Dice(seed * 7_919);
        let store = Arc::new(InMemory::new());
        let mut run = RunLoop::new(schema());
        let mut lake = Lake::open_on(store.clone(), run.schema.clone(), INCARNATION).await.unwrap();
        for step in 0..12 {
            let first = run.records.len();
            (0..1 + dice.below(60)).for_each(|_| random(&mut run, &mut dice));
            lake.apply(&run.records[first..], run.position()).unwrap();
            let scope = match dice.below(5) {
                0 => Scope { subject: Some(Subject::new("p-001")), ..Scope::default() },
                1 => Scope { source: Some("omron".into()), ..Scope::default() },
                2 => Scope {
                    from: Time::parse("2025-12-20T00:00:00Z").ok(),
                    to: Time::parse("2026-01-20T00:00:00Z").ok(),
                    ..Scope::default()
                },
                3 => Scope { stream: Some("bp".into()), source: Some("omron".into()), ..Scope::default() },
                _ => Scope::default(),
            };
            let when = |what: &str| format!("seed {seed} step {step} {what}");
            check(&lake, &run, &scope, &when("applied")).await;
            match dice.below(3) {
                0 => {}
                1 => {
                    lake = Lake::open_on(store.clone(), run.schema.clone(), INCARNATION).await.unwrap();
                    let from = lake.position().next as usize;
                    if from < run.records.len() {
                        lake.apply(&run.records[from..], run.position()).unwrap();
                    }
                    check(&lake, &run, &scope, &when("opened again")).await;
                }
                _ => {
                    // It is asked while rows are on their way into files.
                    let flushing = tokio::spawn({
                        let lake = lake.clone();
                        async move { lake.flush().await.map(|_| ()) }
                    });
                    check(&lake, &run, &scope, &when("landing")).await;
                    flushing.await.unwrap().unwrap();
                    check(&lake, &run, &scope, &when("landed")).await;
                }
            }
            if step == 6 {
                run.schema = grown();
                lake.set_schema(run.schema.clone()).unwrap();
            }
        }
    }
}

/// Rows that are right are made again as they were, and those beside them stay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_made_again_is_as_it_was() {
    let mut dice = Dice(4_711);
    let store = Arc::new(InMemory::new());
    let mut run = RunLoop::new(schema());
    (0..400).for_each(|_| random(&mut run, &mut dice));
    let lake = Lake::open_on(store.clone(), run.schema.clone(), INCARNATION).await.unwrap();
    lake.apply(&run.records, run.position()).unwrap();
    let all: BTreeSet<(Subject, ReadingId)> =
        run.records.iter().filter_map(|r| r.reading()).map(|(r, _)| (r.subject.clone(), r.id)).collect();
    let wrong: BTreeSet<(Subject, ReadingId)> = all.into_iter().filter(|_| dice.one_in(3)).collect();
    let of_wrong =
        |record: &&Record| matches!(&record.entry.input, Input::Reading(r) if wrong.contains(&(r.subject.clone(), r.id)));
    let records: Vec<Record> = run.records.iter().filter(of_wrong).cloned().collect();
    assert!(wrong.len() > 30 && records.len() > wrong.len());
    assert!(lake.repair(&wrong, &records).await.is_err(), "what is hot would be overlooked");
    lake.flush().await.unwrap();
    let before = answered(&lake).await;
    let opened = Lake::open_on(store.clone(), run.schema.clone(), INCARNATION).await.unwrap();
    let done = opened.repair(&wrong, &records).await.unwrap();
    assert!(done.replaced > 0 && done.rows >= records.len() as u64 / 2, "{done:?}");
    let opened = Lake::open_on(store, run.schema.clone(), INCARNATION).await.unwrap();
    assert_eq!(opened.position(), run.position());
    assert_eq!(answered(&opened).await, before);
    assert_same(&opened, &run, "made again").await;
    check(&opened, &run, &Scope::default(), "made again").await;
}
