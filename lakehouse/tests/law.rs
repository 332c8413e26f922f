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

/// The table `readings` as Delta's own library sees it, at a version or the newest.
async fn seen_by_delta(store: &Arc<InMemory>, version: Option<u64>) -> deltalake::DeltaTable {
    let store: Arc<dyn object_store::ObjectStore> = store.clone();
    let own = Arc::new(object_store::prefix::PrefixStore::new(store.clone(), "readings"));
    let url = url::Url::parse("memory:///readings/").unwrap();
    let mut table = deltalake::DeltaTable::new(deltalake::logstore::default_logstore(own, store, &url, &Default::default()));
    match version {
        Some(version) => table.load_version(version).await.unwrap(),
        None => table.load().await.unwrap(),
    }
    table
}

fn now() -> vitalog_elog::Time {
    vitalog_elog::Time(std::time::UNIX_EPOCH.elapsed().unwrap().as_micros() as i64)
}

/// What was the newest version at an instant stays whole, however old its files are; what was replaced before that goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_since_an_instant_stay_readable() {
    let mut dice = Dice(11);
    let store = Arc::new(InMemory::new());
    let mut run = RunLoop::new(schema());
    let lake = Lake::open_on(store.clone(), run.schema.clone(), INCARNATION).await.unwrap();
    let mut go_on = async |flushes: usize| {
        let mut replaced = 0;
        for _ in 0..flushes {
            let first = run.records.len();
            (0..20).for_each(|_| run.random(&mut dice));
            lake.apply(&run.records[first..], run.position()).unwrap();
            replaced += lake.flush().await.unwrap().replaced;
        }
        replaced
    };
    let before = go_on(20).await;
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let since = now();
    let version = seen_by_delta(&store, None).await.version().unwrap();
    let after = go_on(20).await;
    assert!(before > 20 && after > 20, "{before} and {after} files replaced");
    let there = async |version: u64| {
        let table = seen_by_delta(&store, Some(version)).await;
        let files: Vec<String> = table.get_file_uris().unwrap().collect();
        let mut missing = 0;
        for file in &files {
            let path = object_store::path::Path::from(file.trim_start_matches("memory:///"));
            missing += usize::from(object_store::ObjectStoreExt::head(&*store, &path).await.is_err());
        }
        (files.len(), missing)
    };
    let removed = lake.tidy(since).await.unwrap();
    assert!(removed >= before / 2, "{removed} removed of {before} that were replaced before");
    let newest = seen_by_delta(&store, None).await.version().unwrap();
    for version in [version, version + 1, (version + newest) / 2, newest] {
        let (files, missing) = there(version).await;
        assert!(files > 0 && missing == 0, "version {version}: {missing} of {files} files are gone");
    }
    let (_, missing) = there(version - 10).await;
    assert!(missing > 0, "what no version since has needed is there still");
    assert_eq!(lake.tidy(since).await.unwrap(), 0);
    assert!(lake.tidy(vitalog_elog::Time::MAX).await.unwrap() >= after / 2);
    assert!(there(version).await.1 > 0 && there(newest).await.1 == 0);
}
