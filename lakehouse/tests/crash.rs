//! A flush that is cut short at any of its operations on the store: killed, failed, or done without knowing it.

use std::sync::Arc;

use object_store::memory::InMemory;
use vitalog_lakehouse::Lake;

use crate::fault::{Fault, FaultStore};
use crate::model::assert_same;
use crate::world::{Dice, INCARNATION, RunLoop, Sample, schema};

/// A lake with files, and inputs that amend what is in them.
async fn before() -> (Arc<InMemory>, RunLoop, usize) {
    let mut dice = Dice(4711);
    let store = Arc::new(InMemory::new());
    let mut run = RunLoop::new(schema());
    (0..80).for_each(|_| run.random(&mut dice));
    let lake = Lake::open_on(store.clone(), run.schema.clone(), INCARNATION).await.unwrap();
    lake.apply(&run.records, run.position()).unwrap();
    lake.flush().await.unwrap();
    let flushed = run.records.len();
    (0..40).for_each(|_| run.random(&mut dice));
    (store, run, flushed)
}

/// Cuts a flush at its n-th operation, and checks that the lake comes back right. Whether there was an n-th.
async fn cut(base: &InMemory, run: &RunLoop, fault: Fault, n: i64) -> bool {
    let disk = Arc::new(base.fork());
    let store = Arc::new(FaultStore::new(disk.clone(), fault, i64::MAX));
    let lake = Lake::open_on(store.clone(), run.schema.clone(), INCARNATION).await.unwrap();
    let from = lake.position().next as usize;
    // In two pieces, so that a flush that is tried again carries what came since.
    let half = (from + run.records.len()) / 2;
    lake.apply(&run.records[from..half], crate::world::position(half as u64)).unwrap();
    store.arm(n);
    let flushed = lake.flush().await;
    if !store.struck() {
        flushed.unwrap();
        return false;
    }
    let when = format!("{fault:?} at operation {n}");
    if matches!(fault, Fault::Fail | Fault::Lie) {
        // The process lives on: it takes in more, and flushes again.
        lake.apply(&run.records[half..], run.position()).unwrap();
        assert_same(&lake, run, &format!("{when}, still up")).await;
        lake.flush().await.unwrap_or_else(|e| panic!("{when}: the second flush failed: {e}"));
        assert_same(&lake, run, &format!("{when}, flushed again")).await;
    }
    drop(lake);
    let lake = Lake::open_on(disk, run.schema.clone(), INCARNATION).await.unwrap_or_else(|e| panic!("{when}: {e}"));
    let from = lake.position().next as usize;
    if from < run.records.len() {
        lake.apply(&run.records[from..], run.position()).unwrap();
    }
    assert_same(&lake, run, &format!("{when}, reopened")).await;
    lake.flush().await.unwrap();
    assert_eq!(lake.position(), run.position(), "{when}");
    assert_same(&lake, run, &format!("{when}, reopened and flushed")).await;
    true
}

/// One of so many operations is cut short; all of them, one after the other, by `tests/run --long erasing`.
async fn cuts(fault: Fault, one_in: u64) {
    let (base, run, _) = before().await;
    let (first, step) = Sample::of_the_run().every(one_in);
    let mut n = first;
    while cut(&base, &run, fault, n).await {
        n += step;
    }
    assert!(n >= 10, "a flush makes more than {n} operations");
    println!("{fault:?}: {} cuts among {n} operations", (n - first) / step);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_write() {
    cuts(Fault::Die, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failing_at_any_operation() {
    cuts(Fault::Fail, 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lied_to_at_any_write() {
    cuts(Fault::Lie, 2).await;
}
