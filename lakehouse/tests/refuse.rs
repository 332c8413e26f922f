//! Opening what doesn't belong together is refused, and says what is missing.

use std::sync::Arc;

use object_store::memory::InMemory;
use vitalog_elog::{Position, Schema};
use vitalog_lakehouse::{Lake, LakeError};

use crate::model::assert_same;
use crate::world::{Dice, INCARNATION, RunLoop, grown, position, schema};

async fn filled() -> (Arc<InMemory>, RunLoop) {
    let mut dice = Dice(1);
    let store = Arc::new(InMemory::new());
    let mut run = RunLoop::new(schema());
    (0..200).for_each(|_| run.random(&mut dice));
    let lake = Lake::open_on(store.clone(), run.schema.clone(), INCARNATION).await.unwrap();
    lake.apply(&run.records, run.position()).unwrap();
    lake.flush().await.unwrap();
    (store, run)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_journals_lake() {
    let (store, run) = filled().await;
    let error = Lake::open_on(store, run.schema.clone(), 7).await.err().unwrap();
    assert!(matches!(error, LakeError::OtherJournal { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lake_ahead_of_its_journal_or_beside_it() {
    let (store, run) = filled().await;
    let lake = Lake::open_on(store, run.schema.clone(), INCARNATION).await.unwrap();
    let chain_at = |next: u64| Some(position(next).chain);
    lake.verify(run.position(), &chain_at).unwrap();
    lake.verify(position(run.next() + 5), &chain_at).unwrap();
    let error = lake.verify(position(run.next() - 5), &chain_at).unwrap_err();
    assert!(matches!(error, LakeError::AheadOfJournal { .. }), "{error}");
    assert!(error.to_string().contains("5 inputs are missing"), "{error}");
    let error = lake.verify(run.position(), &|_| Some([0; 32])).unwrap_err();
    assert!(matches!(error, LakeError::Forked { .. }), "{error}");
    let error = lake.verify(Position::start(9), &chain_at).unwrap_err();
    assert!(matches!(error, LakeError::OtherJournal { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_with_a_gap_and_readings_of_undeclared_streams() {
    let mut dice = Dice(3);
    let mut run = RunLoop::new(grown());
    (0..40).for_each(|_| run.random(&mut dice));
    let lake = Lake::open_on(Arc::new(InMemory::new()), run.schema.clone(), INCARNATION).await.unwrap();
    let error = lake.apply(&run.records[3..10], position(10)).unwrap_err();
    assert!(matches!(error, LakeError::Records(_)), "{error}");
    let error = lake.apply(&run.records[..10], position(12)).unwrap_err();
    assert!(matches!(error, LakeError::Records(_)), "{error}");
    let small = Lake::open_on(Arc::new(InMemory::new()), schema(), INCARNATION).await.unwrap();
    let error = small.apply(&run.records, run.position()).unwrap_err();
    assert!(error.to_string().contains("isn't declared"), "{error}");
    // What came before is ignored, what follows is taken.
    lake.apply(&run.records[..20], position(20)).unwrap();
    lake.apply(&run.records[10..40], position(40)).unwrap();
    lake.apply(&run.records[..20], position(20)).unwrap();
    assert_same(&lake, &run, "fed twice").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_shrink_or_collide() {
    let (store, run) = filled().await;
    let lake = Lake::open_on(store, run.schema.clone(), INCARNATION).await.unwrap();
    let mut fewer = (*schema()).clone();
    fewer.streams.pop();
    assert!(matches!(lake.set_schema(Arc::new(fewer)), Err(LakeError::Schema(_))));
    let mut doubled = Schema::clone(&grown());
    let mut twin = doubled.streams[0].clone();
    twin.name = "BG".into();
    doubled.streams.push(twin);
    assert!(matches!(lake.set_schema(Arc::new(doubled)), Err(LakeError::Schema(_))));
    lake.set_schema(grown()).unwrap();
}

/// What was written in one unit is not read in another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_that_changed() {
    let (store, _) = filled().await;
    let mut other = (*schema()).clone();
    other.streams[0].fields[0].kind =
        vitalog_elog::FieldKind::Quantity(crate::world::unit(vitalog_elog::Dimension::Glucose, "mg/dL"));
    let error = Lake::open_on(store, Arc::new(other), INCARNATION).await.err().unwrap();
    assert!(error.to_string().contains("bg_value"), "{error}");
}

/// A view of findings that was taken away is rebuilt from the journal; the others take nothing twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_taken_away_is_rebuilt() {
    use futures::TryStreamExt;
    use object_store::{ObjectStore, ObjectStoreExt, path::Path};
    let (store, mut run) = filled().await;
    let remove = async |table: &str| {
        let objects: Vec<_> = store.list(Some(&Path::from(table))).try_collect().await.unwrap();
        for object in objects {
            store.delete(&object.location).await.unwrap();
        }
    };
    remove("matches").await;
    let lake = Lake::open_on(store.clone(), run.schema.clone(), INCARNATION).await.unwrap();
    assert_eq!(lake.position().next, 0);
    let mut dice = Dice(2);
    (0..50).for_each(|_| run.random(&mut dice));
    lake.apply(&run.records, run.position()).unwrap();
    assert_same(&lake, &run, "rebuilding").await;
    lake.flush().await.unwrap();
    assert_same(&lake, &run, "rebuilt").await;
    drop(lake);
    let lake = Lake::open_on(store.clone(), run.schema.clone(), INCARNATION).await.unwrap();
    assert_eq!(lake.position(), run.position());
    assert_same(&lake, &run, "rebuilt and reopened").await;
    drop(lake);
    remove("readings_history").await;
    let error = Lake::open_on(store, run.schema.clone(), INCARNATION).await.err().unwrap();
    assert!(matches!(error, LakeError::TableMissing { .. }), "{error}");
}
