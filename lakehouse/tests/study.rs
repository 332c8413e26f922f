//! Who studies everybody sees no name, and nothing that rests on too few.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use object_store::memory::InMemory;
use vitalog_elog::{FindingState, Subject};
use vitalog_lakehouse::{Eyes, Format, Lake, Limits, Pseudonyms, SqlError, Study};

use crate::world::{Dice, INCARNATION, RunLoop, glucose, schema};

pub const KEY: [u8; 32] = [9; 32];
const SMOKE: &[&str] = &[
    "select count(*) as n from bg",
    "select stream, count(*) as n from readings group by stream",
    "select rule, count(*) as n from recommendations group by rule",
    "with p as (select subject, avg(value) as m from bg group by subject) select count(*) as n, avg(m) as m from p",
    "select date_trunc('day', at) as day, avg(value) as v from bg group by 1 order by 1",
    "select avg(to_unit(value, 'mmol/L', 'mg/dL')) as v from bg where subject in (select subject from bp)",
    "select count(*) as n from bg a join bp b on a.subject = b.subject and b.at > a.at",
    "select percentile_cont(0.5) within group (order by value) as v from bg",
    "select median(value) as v from bg",
    "select time_in_range(value, 3.9, 10.0) as tir from bg",
    "select count(*) as n from readings_as_known('2027-01-01T00:00:00Z')",
    "select avg(d) as d from (select value - lag(value) over (partition by subject order by at) as d from bg)",
    "select avg(extract(epoch from end_at - start_at)) as d from exercise",
    "select count(*) as n from bg where value > (select avg(value) from bg)",
    "select count(*) filter (where value > 5) as n, sum(value) as s from bg having count(*) > 3",
    "select distinct stream from readings",
    "select stream, n, rank() over (order by n) from (select stream, count(*) as n from readings group by stream) limit 2",
    "select 1 as one",
    "select table_name from information_schema.tables order by 1",
    "describe bg",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn smoke() {
    let mut run = RunLoop::new(schema());
    let lake = Lake::open_on(Arc::new(InMemory::new()), run.schema.clone(), INCARNATION).await.unwrap();
    let mut dice = Dice(1);
    for i in 0..40 {
        for _ in 0..4 {
            let content = crate::world::any_content(&mut dice, &run.schema.clone());
            let name = run.schema.get(content.stream).name.clone();
            run.read(vitalog_elog::Reading::present(Subject::new(&format!("p-{i}")), None, 1, &name, content));
        }
        run.find(&format!("p-{i}"), "2026-01-01T00:00:00Z", 1, FindingState::Open);
    }
    lake.apply(&run.records, run.position()).unwrap();
    lake.flush().await.unwrap();
    for floor in [1, 11] {
        for sql in SMOKE {
            let eyes = Eyes::Study(Study { pseudonyms: Arc::new(Pseudonyms::new(KEY)), floor: NonZeroU32::new(floor).unwrap() });
            match lake.sql_for(eyes, sql, Limits::default()).await {
                Ok(a) => println!(
                    "{floor} OK  {sql}: {}",
                    String::from_utf8(a.write(Format::Csv).unwrap()).unwrap().replace('\n', " / ")
                ),
                Err(e) => println!("{floor} ERR {sql}: {e}"),
            }
        }
    }
    let _ = (BTreeMap::<u8, u8>::new(), BTreeSet::<u8>::new(), glucose("a", "2026-01-01T00:00:00Z", "5"));
    let _: Option<SqlError> = None;
}
