//! Every reading comes back exactly as it was: digits, scale, unit, words, texts, times, names, counters.

use std::sync::Arc;

use object_store::memory::InMemory;
use vitalog_elog::{Reading, Subject, Time};
use vitalog_lakehouse::{Lake, Selection};

use crate::world::{Dice, INCARNATION, RunLoop, any_content, glucose, schema, time};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_readings_come_back_equal() {
    let mut dice = Dice(2026);
    let mut run = RunLoop::new(schema());
    for i in 0..3_000 {
        let content = any_content(&mut dice, &run.schema.clone());
        let given = dice.one_in(3).then(|| Arc::from(format!("id-{i}")));
        let name = run.schema.get(content.stream).name.clone();
        let rev = if dice.one_in(10) { u32::MAX } else { 1 };
        run.read(Reading::present(Subject::new(dice.pick::<&str>(&["a", "b"])), given, rev, &name, content));
    }
    let lake = Lake::open_on(Arc::new(InMemory::new()), run.schema.clone(), INCARNATION).await.unwrap();
    lake.apply(&run.records, run.position()).unwrap();
    crate::model::assert_same(&lake, &run, "hot").await;
    lake.flush().await.unwrap();
    crate::model::assert_same(&lake, &run, "in files").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_selection_is_by_subject_and_instant() {
    let mut run = RunLoop::new(schema());
    for (subject, hour) in [("a", 8), ("a", 9), ("a", 10), ("b", 9)] {
        run.read(glucose(subject, &format!("2026-01-01T{hour:02}:00:00Z"), "6.1"));
    }
    let lake = Lake::open_on(Arc::new(InMemory::new()), run.schema.clone(), INCARNATION).await.unwrap();
    lake.apply(&run.records, run.position()).unwrap();
    for _ in 0..2 {
        let count = async |subject: Option<&str>, from: Option<Time>, to: Option<Time>| {
            lake.readings(&Selection { subject: subject.map(Subject::new), source: None, from, to }).await.unwrap().len()
        };
        let nine = time("2026-01-01T09:00:00Z");
        assert_eq!(count(None, None, None).await, 4);
        assert_eq!(count(Some("a"), None, None).await, 3);
        assert_eq!(count(Some("a"), Some(nine), None).await, 2);
        assert_eq!(count(Some("a"), None, Some(nine)).await, 1);
        assert_eq!(count(None, Some(nine), Some(Time(nine.micros() + 1))).await, 2);
        assert_eq!(count(Some("c"), None, None).await, 0);
        lake.flush().await.unwrap();
    }
}
