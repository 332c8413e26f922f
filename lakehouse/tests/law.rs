//! Law 10: files and hot rows together are what was journaled, at every moment.

use std::sync::Arc;

use object_store::memory::InMemory;
use vitalog_lakehouse::Lake;

use crate::model::assert_same;
use crate::world::{Dice, INCARNATION, RunLoop, grown, schema};

/// Random inputs in random pieces, with flushes and restarts between them; asked after each.
async fn history_of_a_lake(seed: u64) {
    let mut dice = Dice(seed);
    let store = Arc::new(InMemory::new());
    let mut run = RunLoop::new(schema());
    let mut lake = Lake::open_on(store.clone(), run.schema.clone(), INCARNATION).await.unwrap();
    for step in 0..14 {
        let first = run.records.len();
        for _ in 0..1 + dice.below(60) {
            run.random(&mut dice);
        }
        lake.apply(&run.records[first..], run.position()).unwrap();
        let when = |what: &str| format!("seed {seed} step {step} after {what}");
        if dice.one_in(2) {
            assert_same(&lake, &run, &when("applying")).await;
        }
        match dice.below(4) {
            0 => {}
            1 => {
                // A restart loses what is hot; the journal has it.
                lake = Lake::open_on(store.clone(), run.schema.clone(), INCARNATION).await.unwrap();
                let from = lake.position().next as usize;
                if from < run.records.len() {
                    lake.apply(&run.records[from..], run.position()).unwrap();
                }
                assert_same(&lake, &run, &when("restarting")).await;
            }
            _ => {
                lake.flush().await.unwrap();
                assert_eq!(lake.position(), run.position());
                assert_same(&lake, &run, &when("flushing")).await;
            }
        }
        if step == 7 {
            run.schema = grown();
            lake.set_schema(run.schema.clone()).unwrap();
            assert_same(&lake, &run, &when("growing")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relations_are_what_was_journaled() {
    for seed in 1..=6 {
        history_of_a_lake(seed).await;
    }
}

/// Applying goes on while a flush is under way, and supersedes what is being flushed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_holds_up_nothing_and_loses_nothing() {
    let mut dice = Dice(77);
    let mut run = RunLoop::new(schema());
    let lake = Lake::open_on(Arc::new(InMemory::new()), run.schema.clone(), INCARNATION).await.unwrap();
    for round in 0..12 {
        let first = run.records.len();
        (0..40).for_each(|_| run.random(&mut dice));
        lake.apply(&run.records[first..], run.position()).unwrap();
        let flushing = tokio::spawn({
            let lake = lake.clone();
            async move { lake.flush().await.map(|_| ()) }
        });
        for _ in 0..8 {
            let first = run.records.len();
            (0..5).for_each(|_| run.random(&mut dice));
            lake.apply(&run.records[first..], run.position()).unwrap();
            assert_same(&lake, &run, &format!("during flush {round}")).await;
        }
        flushing.await.unwrap().unwrap();
        assert_same(&lake, &run, &format!("after flush {round}")).await;
    }
}

/// Many small commits: files are merged, the log gets checkpoints, and a restart reads it all back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_flushes_leave_few_files() {
    let mut dice = Dice(5);
    let store = Arc::new(InMemory::new());
    let mut run = RunLoop::new(schema());
    let lake = Lake::open_on(store.clone(), run.schema.clone(), INCARNATION).await.unwrap();
    let mut replaced = 0;
    for _ in 0..110 {
        let first = run.records.len();
        (0..4).for_each(|_| run.random(&mut dice));
        lake.apply(&run.records[first..], run.position()).unwrap();
        replaced += lake.flush().await.unwrap().replaced;
    }
    assert!(replaced > 50, "{replaced} files replaced");
    assert_same(&lake, &run, "after many flushes").await;
    let lake = Lake::open_on(store.clone(), run.schema.clone(), INCARNATION).await.unwrap();
    assert_eq!(lake.position(), run.position());
    assert_same(&lake, &run, "after reopening").await;
    // Files that were replaced go, those in use stay, and so do young ones.
    let parquet = async || {
        let all: Vec<_> = futures::TryStreamExt::try_collect(object_store::ObjectStore::list(&*store, None)).await.unwrap();
        let all: Vec<object_store::ObjectMeta> = all;
        all.iter().filter(|o| o.location.as_ref().contains("part-")).count()
    };
    let files = parquet().await;
    assert_eq!(lake.tidy(vitalog_elog::Time::MIN).await.unwrap(), 0);
    let removed = lake.tidy(vitalog_elog::Time::MAX).await.unwrap();
    assert!(removed > 100 && parquet().await == files - removed, "{removed} of {files} files removed");
    assert_same(&lake, &run, "after tidying").await;
    let checkpoint = object_store::path::Path::from("readings/_delta_log/_last_checkpoint");
    object_store::ObjectStoreExt::head(&*store, &checkpoint).await.unwrap();
}
