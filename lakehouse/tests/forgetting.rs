//! Forgetting subjects: what is left is what a lake has that was fed the journal without them; wherever it is cut short.

use std::sync::Arc;

use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use vitalog_elog::Subject;
use vitalog_lakehouse::{Lake, LakeError};

use crate::fault::{Fault, FaultStore};
use crate::model::{assert_same, csv};
use crate::world::{Dice, INCARNATION, RunLoop, Sample, grown, schema};

const GONE: &str = "p-001";

/// A lake of many small files and versions, where what was amended lies in files and in history; grown by columns half way.
async fn lived(seed: u64) -> (Arc<InMemory>, RunLoop) {
    let mut dice = Dice(seed);
    let store = Arc::new(InMemory::new());
    let mut run = RunLoop::new(schema());
    let lake = Lake::open_on(store.clone(), run.schema.clone(), INCARNATION).await.unwrap();
    for step in 0..8 {
        let first = run.records.len();
        (0..10 + dice.below(30)).for_each(|_| run.random(&mut dice));
        lake.apply(&run.records[first..], run.position()).unwrap();
        lake.flush().await.unwrap();
        if step == 4 {
            run.schema = grown();
            lake.set_schema(run.schema.clone()).unwrap();
        }
    }
    (store, run)
}

async fn open(store: Arc<dyn ObjectStore>, run: &RunLoop) -> Result<Lake, LakeError> {
    Lake::open_on(store, run.schema.clone(), INCARNATION).await
}

/// Objects of the store in which there is a text, as far as their bytes say it.
pub async fn naming(store: &InMemory, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for object in store.list(None).try_collect::<Vec<_>>().await.unwrap() {
        let bytes = store.get(&object.location).await.unwrap().bytes().await.unwrap();
        if bytes.windows(text.len()).any(|w| w == text.as_bytes()) {
            found.push(object.location.to_string());
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_is_what_there_would_be_without_them() {
    for seed in [3, 14, 159, 2_653] {
        let (store, mut run) = lived(seed).await;
        assert!(naming(&store, GONE).await.len() > 5, "too little to forget");
        let position = run.position();
        let done = open(store.clone(), &run).await.unwrap().forget(&[Subject::new(GONE)]).await.unwrap();
        assert!(done.replaced > 0);
        run.forget(&Subject::new(GONE));
        let lake = open(store.clone(), &run).await.unwrap();
        assert_eq!(lake.position(), position, "nothing new was taken in");
        assert_same(&lake, &run, &format!("seed {seed}, forgotten")).await;
        for table in ["readings", "readings_history", "matches", "recommendations", "dead_letters"] {
            let sql = format!("select count(*) as n from {table} where subject = '{GONE}'");
            assert_eq!(csv(&lake, &sql).await, "n\n0\n", "{table}");
        }
        assert_eq!(naming(&store, GONE).await, Vec::<String>::new(), "seed {seed}");
        // Nobody is left to be forgotten: nothing is written.
        let again = open(store.clone(), &run).await.unwrap().forget(&[Subject::new(GONE), Subject::new("nobody")]).await.unwrap();
        assert_eq!((again.rows, again.files, again.replaced), (0, 0, 0));
        // It goes on, and who comes back is new.
        let mut dice = Dice(seed + 1);
        let lake = open(store.clone(), &run).await.unwrap();
        for round in 0..3 {
            let first = run.records.len();
            (0..40).for_each(|_| run.random(&mut dice));
            lake.apply(&run.records[first..], run.position()).unwrap();
            assert_same(&lake, &run, &format!("seed {seed}, {round} rounds on")).await;
            lake.flush().await.unwrap();
            assert_same(&lake, &run, &format!("seed {seed}, {round} rounds on, landed")).await;
        }
    }
}

/// How many rows each table has about all others.
async fn others(lake: &Lake) -> Vec<String> {
    let mut counts = Vec::new();
    for table in ["readings", "readings_history", "matches", "dead_letters"] {
        counts.push(csv(lake, &format!("select count(*) as n from {table} where subject is distinct from '{GONE}'")).await);
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_short_anywhere_it_is_finished_by_the_next() {
    let (base, run) = lived(7).await;
    let mut forgotten = RunLoop::new(run.schema.clone());
    forgotten.records = run.records.clone();
    forgotten.forget(&Subject::new(GONE));
    let expected = others(&open(Arc::new(base.fork()), &run).await.unwrap()).await;
    let sample = Sample::of_the_run();
    for (fault, step) in [(Fault::Die, 37), (Fault::Fail, 197), (Fault::Lie, 37)] {
        let (mut n, step) = sample.every(step);
        let mut cuts = 0;
        loop {
            let disk = Arc::new(base.fork());
            let store = Arc::new(FaultStore::new(disk.clone(), fault, i64::MAX));
            let lake = open(store.clone(), &run).await.unwrap();
            store.arm(n);
            let told = lake.forget(&[Subject::new(GONE)]).await;
            if !store.struck() {
                told.unwrap();
                break;
            }
            let when = format!("{fault:?} at operation {n}");
            // Each table has them or has not: both can be read, and are complete.
            let lake = open(disk.clone(), &run).await.unwrap_or_else(|e| panic!("{when}: {e}"));
            assert_eq!(others(&lake).await, expected, "{when}");
            lake.forget(&[Subject::new(GONE)]).await.unwrap_or_else(|e| panic!("{when}, again: {e}"));
            let lake = open(disk.clone(), &run).await.unwrap();
            assert_same(&lake, &forgotten, &when).await;
            assert_eq!(naming(&disk, GONE).await, Vec::<String>::new(), "{when}");
            n += step;
            cuts += 1;
        }
        println!("{fault:?}: {cuts} cuts among {n} operations, seed {}", sample.seed);
        assert!(n >= 100, "forgetting makes more than {n} operations");
    }
}

#[tokio::test]
async fn it_is_refused_where_it_would_lose_something() {
    let (store, mut run) = lived(8).await;
    // Fewer columns than there are.
    let lake = Lake::open_on(store.clone(), schema(), INCARNATION).await.unwrap();
    let told = lake.forget(&[Subject::new(GONE)]).await.unwrap_err().to_string();
    assert!(told.contains("is not declared"), "{told}");
    // What is hot.
    let lake = open(store.clone(), &run).await.unwrap();
    let first = run.records.len();
    (0..20).for_each(|_| run.random(&mut Dice(9)));
    lake.apply(&run.records[first..], run.position()).unwrap();
    let told = lake.forget(&[Subject::new(GONE)]).await.unwrap_err().to_string();
    assert!(told.contains("fed before"), "{told}");
    assert_same(&lake, &run, "refused").await;
}
