//! What rests on too few subjects does not leave: what is answered is what everybody's answer has of groups of enough, as an independent count says; a lake of too few answers as an empty one; and ways around
//! it that somebody would try.

use vitalog_elog::{FindingState, Reading, Subject};
use vitalog_lakehouse::{Eyes, Lake};

use crate::eyes::{answered, statement};
use crate::study::{empty, studying};
use crate::world::{Dice, RunLoop, any_content, glucose, schema};

/// A lake of so many subjects, each with a few readings and a finding.
async fn of(subjects: u64, dice: &mut Dice) -> Lake {
    let mut run = RunLoop::new(schema());
    let lake = empty().await;
    for n in 0..subjects {
        let from = run.records.len();
        for _ in 0..2 + dice.below(6) {
            let content = any_content(dice, &schema());
            let stream = schema().get(content.stream).name.clone();
            run.read(Reading::present(Subject::new(&format!("p-{n}")), None, 1, &stream, content));
        }
        if dice.one_in(2) {
            run.find(&format!("p-{n}"), "2026-01-01T00:00:00Z", 1, FindingState::Open);
        }
        lake.apply(&run.records[from..], run.position()).expect("taken");
        if dice.one_in(10) {
            lake.flush().await.expect("landed");
        }
    }
    lake
}

const CONDITIONS: [&str; 6] = [
    "t.at < timestamp '2026-01-01T00:00:00Z'",
    "t.value > 20",
    "t.value between 5 and 100",
    "t.rev = 1",
    "t.source is null",
    "not t.value < 3",
];
const GROUPS: [&str; 5] = [
    "date_trunc('day', t.at)",
    "date_trunc('month', t.at)",
    "extract(hour from t.at)",
    "case when t.value > 50 then 'high' else 'low' end",
    "1",
];
const VALUES: [&str; 6] =
    ["count(*)", "avg(t.value)", "sum(t.value * 2)", "stddev(t.value)", "count(distinct t.at)", "count(distinct t.subject)"];

/// A question about groups, and the same with what it rests on beside it: all of the group, and what passes the filter.
fn grouped(dice: &mut Dice) -> (String, String) {
    let keep = if dice.one_in(3) { String::new() } else { format!(" where {}", dice.pick(&CONDITIONS)) };
    let (group, value, part) = (*dice.pick(&GROUPS), *dice.pick(&VALUES), *dice.pick(&CONDITIONS));
    let asked = format!("select {group} as g, {value} as v, {value} filter (where {part}) as w");
    let from = match dice.below(4) {
        0 => format!("from bg t join bp u on t.subject = u.subject{keep} group by 1"),
        1 => format!(
            "from bg t{} t.subject in (select subject from recommendations) group by 1",
            if keep.is_empty() { " where".to_owned() } else { format!("{keep} and") }
        ),
        _ => format!("from bg t{keep} group by 1"),
    };
    let whole = format!("{asked}, count(distinct t.subject) as n, count(distinct t.subject) filter (where {part}) as m {from}");
    (format!("{asked} {from}"), whole)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_leaves_is_what_rests_on_enough() {
    let read = |name: &str, default: u64| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default);
    let (first, cases) = (read("VITALOG_SEED", 1), read("VITALOG_CASES", 80));
    let (mut shown, mut hidden, mut nulled) = (0, 0, 0);
    for world in 0..cases.div_ceil(40) {
        let mut dice = Dice(first + world);
        let lake = of(40, &mut dice).await;
        for _ in 0..40.min(cases - world * 40) {
            let floor = *dice.pick(&[2, 5, 11]);
            let (sql, whole) = grouped(&mut dice);
            let all = answered(&lake, Eyes::All, &whole).await.unwrap_or_else(|e| panic!("{whole}: {e}"));
            let mut expected = Vec::new();
            for row in &all[1..] {
                let cells: Vec<&str> = row.split(',').collect();
                let [g, v, w, n, m] = cells[..] else { panic!("{row}") };
                let number = |text: &str| text.parse::<u32>().expect("a count");
                if number(n) < floor {
                    hidden += 1;
                    continue;
                }
                shown += 1;
                nulled += u32::from(number(m) < floor);
                expected.push(format!("{g},{v},{}", if number(m) < floor { "" } else { w }));
            }
            expected.sort();
            let got = answered(&lake, studying(floor), &sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
            assert!(is_same(&got[1..], &expected), "seed {}, floor {floor}: {sql}: {got:?}, and not {expected:?}", first + world);
        }
    }
    assert!(shown > 50 && hidden > 50 && nulled > 10, "{shown} shown, {hidden} hidden, {nulled} nulled");
}

/// Whether two answers are the same; sums of doubles hang on the order in which they are made, by their last digits.
fn is_same(a: &[String], b: &[String]) -> bool {
    let cells =
        |rows: &[String]| rows.iter().flat_map(|row| row.split(',').map(str::to_owned).collect::<Vec<_>>()).collect::<Vec<_>>();
    let (a, b) = (cells(a), cells(b));
    let is_near = |a: &str, b: &str| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()),
        _ => a == b,
    };
    a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| is_near(a, b))
}

/// Questions that rest on everybody. `{}` is where a condition goes.
const WHOLE: [&str; 20] = [
    "with p as (select subject, avg(value) as m from bg group by subject) select count(*) as n, avg(m) as m from p",
    "with p as (select subject, count(*) as c from bg group by subject) select avg(c) as c from p",
    "select stream, count(*) as n from readings group by stream order by n desc limit 2",
    "select stream, n from (select stream, count(*) as n from readings group by stream) where n > 5 and 100 / n >= 0",
    "select count(*) as n from bg a join bp b on a.subject = b.subject and b.at > a.at",
    "select count(*) as n from bg a left join recommendations r on a.subject = r.subject",
    "select count(*) as n, percentile_cont(0.5) within group (order by value) as v, median(value) as w from bg",
    "select count(*) as n from readings_as_known('2027-01-01T00:00:00Z')",
    "select avg(d) as d from (select value - lag(value) over (partition by subject order by at) as d from bg)",
    "select avg(extract(epoch from end_at - start_at)) as d from exercise",
    "select count(*) as n from bg where value > (select avg(value) from bg)",
    "select distinct stream from readings",
    "select count(*) as n from (select distinct subject, stream from readings)",
    "select rule, severity, count(*) as n from recommendations group by rule, severity having count(*) > 1",
    "select avg(to_unit(value, 'mmol/L', 'mg/dL', 'glucose')) as v, time_in_range(value, 3.9, 10.0) as tir from bg",
    "select g.value as x, count(*) as n from bg cross join generate_series(1, 2) g group by 1",
    "select count(*) as n from (select subject, at from bg union all select subject, at from bp)",
    "select date_trunc('month', at + interval '1 day') as m, count(*) as n from bg group by 1 having count(distinct subject) >= 5",
    "select a.stream, a.n, b.n as m from (select stream, count(*) as n from readings group by 1) a join (select stream, count(distinct subject) as n from readings group by 1) b on a.stream = b.stream",
    "select count(*) as n from bg t where exists (select 1 from generate_series(1, 2)) and t.subject not in (select subject from exercise)",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_everything_is_large_enough_nothing_is_missing() {
    let mut dice = Dice(5);
    let lake = of(60, &mut dice).await;
    for sql in WHOLE {
        let all = answered(&lake, Eyes::All, sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
        let got = answered(&lake, studying(3), sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
        assert!(is_same(&got, &all), "{sql}: {got:?}, and not {all:?}");
        assert!(got.len() > 1 && !got[1].is_empty(), "{sql} tells nothing");
    }
}

/// Whatever is asked of fewer than the floor is answered as if there were nobody, refusals and failures included.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lake_of_too_few_is_as_an_empty_one() {
    let read = |name: &str, default: u64| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default);
    let (first, cases) = (read("VITALOG_SEED", 1), read("VITALOG_CASES", 100));
    let nobody = of(0, &mut Dice(1)).await;
    let (mut answers, mut told) = (0, 0);
    for world in 0..cases.div_ceil(100) {
        let mut dice = Dice(first + world);
        let few = of(10, &mut dice).await;
        for n in 0..100 {
            let sql = match n % 3 {
                0 => statement(&mut dice),
                1 => grouped(&mut dice).0,
                _ => (*dice.pick(&WHOLE)).to_owned(),
            };
            let (got, expected) = (answered(&few, studying(11), &sql).await, answered(&nobody, studying(11), &sql).await);
            assert_eq!(got, expected, "seed {}: {sql}", first + world);
            answers += u32::from(got.is_ok());
            told += u32::from(answered(&few, Eyes::All, &sql).await != got);
        }
    }
    assert!(answers > 50 && told > 50, "{answers} answers, {told} that would tell");
}

/// Twelve, of whom one has what nobody else has.
async fn one_of_twelve() -> Lake {
    let mut run = RunLoop::new(schema());
    let lake = empty().await;
    for n in 0..12 {
        for minute in 0..2 {
            let value = if n == 7 { "42".to_owned() } else { format!("5.{n}") };
            run.read(glucose(&format!("p-{n}"), &format!("2026-01-01T00:0{minute}:00Z"), &value));
        }
    }
    run.find("p-7", "2026-01-01T00:00:00Z", 1, FindingState::Open);
    lake.apply(&run.records, run.position()).expect("taken");
    lake.flush().await.expect("landed");
    lake
}

/// Ways to the one of twelve that are shut: what is asked is refused.
const SHUT: [&str; 56] = [
    "select * from bg",
    "select value from bg where value > 40",
    "select subject, avg(value) from bg group by subject",
    "select max(value) from bg",
    "select min(value) from bg",
    "select array_agg(value) from bg",
    "select string_agg(subject, ',') from bg",
    "select first_value(value order by value desc) from bg",
    "select last_value(value order by value) from bg",
    "select nth_value(value, 1 order by value desc) from bg",
    "select max(subject) from bg",
    "select count(*) from bg where subject > 's-8'",
    "select count(*) from bg where subject = (select min(subject) from bg)",
    "select sum(case when subject > 's-8' then value end) from bg",
    "select sum(case when value > 40 then 1 else 0 end) from bg",
    "select sum(cast(value > 40 as int)) from bg",
    "select avg(floor(value / 40)) from bg",
    "select sum(greatest(value - 20, 0)) from bg",
    "select bool_or(value > 40) from bg",
    "select sum(n) from (select subject, count(*) filter (where value > 40) as n from bg group by subject)",
    "select sum(coalesce(n, 0)) from (select subject, sum(value) as n from bg group by subject)",
    "select time_above(value, 41) from bg",
    "select approx_percentile_cont(value, 1.0) from bg",
    "select percentile_cont(1) within group (order by value) from bg",
    "select agp(at, value) from bg",
    "select avg(value) from (select value from bg order by value desc limit 11)",
    "select avg(value) from (select * from bg limit 5)",
    "select avg(value) from (select * from bg offset 5)",
    "select distinct on (stream) stream, bg_value from readings order by stream, bg_value desc",
    "select avg(v) from (select value, rank() over (order by value desc) as v from bg)",
    "select avg(value) over (partition by value) from bg",
    "select count(*) from bg a join bg b on a.at = b.at",
    "select count(*) from bg a cross join bg b",
    "select count(*) from bg a full join bp b on a.subject = b.subject",
    "select count(*) from bg a where exists (select 1 from bg b where b.subject = a.subject and b.value > 40)",
    "select (select value from bg order by value desc limit 1) as v",
    "select b.value from generate_series(1, 2) g, lateral (select value from bg limit 1) b",
    "with recursive r as (select value from bg union all select value from r where false) select value from r",
    "select unnest(array[value]) from bg",
    "select value from bg union select 1.0",
    "select value from bg intersect select value from bg",
    "select count(*) from bg where 1 / (cast(value as bigint) - 42) < 9",
    "select count(*) from bg where at + interval '290000 years' > at",
    "select count(*) from bg where random() < 0.5",
    "select avg(x) from (select value * 0 as x, subject from bg union all select value, subject from bg where value > 40)",
    "select stream, count(*) from readings group by rollup (stream, subject)",
    "select avg(bp_systolic) from asof('bg', 'bp')",
    "select sum(distinct value) from bg",
    "select count(*) from bg where value > 40 and local_time(at, 'Nowhere/Land') is null",
    "select count(*) from bg where value > 40 and date_trunc('fortnight', at) is null",
    "select count(*) from bg where value > 40 and local_time(at, case when value > 40 then 'x' else 'UTC' end) is null",
    "select count(*) from bg where value > 40 and cast('x' as bigint) = 1",
    "select count(*) from (select * from bg where value > 40) b where 1 = (select 1 / (value - 1) from generate_series(1, 1))",
    "select count(*) from (select * from bg where value > 40) b cross join (select 1 / (value - 1) as x from generate_series(1, 1)) g",
    "select avg(s) from (select sum(value) over (partition by subject order by at range between interval '290000 years' preceding and current row) as s from bg)",
    "select count(*) from bg where value in (select 1 / (value - 1) from generate_series(1, 1))",
];

/// Ways that are open and tell nothing: what of the one is nowhere in the answer.
const TELLS_NOTHING: [(&str, &str); 19] = [
    ("select count(*) as n from bg where value > 40", ""),
    ("select value, count(*) as n from bg group by value", ""),
    ("select count(*) as n from bg having max(1) > 0", "refused"),
    ("select count(*) as n from bg where cast(cast(value as text) || 'x' as bigint) is null", "24"),
    ("select count(*) as n from bg where try_cast('x' as bigint) is null", "24"),
    ("select count(*) filter (where value > 40) as n from bg", "\"\""),
    ("select value from bg except select 5.1", ""),
    ("select sum(value) filter (where value > 40) as n, count(*) as m from bg", ",24"),
    ("select count(case when value > 40 then 1 end) as n, count(*) as m from bg", ",24"),
    ("select sum(case when value > 40 then value end) as n from bg", "refused"),
    (
        "select v from (select value > 40 as v, count(*) as n from bg group by 1) where 1 / (case when v then 0 else 1 end) > 0",
        "false",
    ),
    ("select n from (select value, count(*) as n from bg group by value) where 1 / (cast(value as bigint) - 42) < 9", ""),
    ("select distinct value from bg", ""),
    ("select rule from recommendations group by rule", ""),
    ("select count(*) as n from bg where subject in (select subject from recommendations)", ""),
    ("select median(value) as v from bg", "\"\""),
    (
        "select s is null as x, n from (select b.subject as s, count(*) as n from bg a left join bp b on a.subject = b.subject group by b.subject)",
        "true,24",
    ),
    ("select count(*) as n from information_schema.tables where table_name = 'bg'", "1"),
    ("select 1 as one from generate_series(1, 1) where (select count(*) from bg where value > 40) is null", "1"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_way_around_the_floor() {
    let (lake, nobody) = (one_of_twelve().await, empty().await);
    let mut wrong = Vec::new();
    for sql in SHUT {
        match answered(&lake, studying(11), sql).await {
            Err(code) if code == "sql_study" => {}
            // What is wrong in itself is wrong whoever there is.
            Err(code) if answered(&nobody, studying(11), sql).await == Err(code.clone()) => {}
            other => wrong.push(format!("{sql}: {other:?}")),
        }
    }
    for (sql, told) in TELLS_NOTHING {
        let got = match answered(&lake, studying(11), sql).await {
            Ok(rows) => rows[1..].join(" "),
            Err(code) if code == "sql_study" => "refused".to_owned(),
            Err(code) => code,
        };
        if got != told {
            wrong.push(format!("{sql}: {got:?}, and not {told:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A refusal says what, and what to do; and names no value.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_has_a_remedy() {
    let lake = one_of_twelve().await;
    for (sql, what, remedy) in [
        ("select * from bg", "rows of single subjects", "what rests on 11 or more is shown"),
        ("select count(*) from bg where subject = 'p-7'", "bg.subject is a pseudonym", "group by it"),
        ("select max(value) from bg", "max gives what is of single subjects", "percentile"),
        ("select sum(case when value > 40 then 1 else 0 end) from bg", "sums up Case", "FILTER"),
        ("select count(*) from bg a join bp b on a.at = b.at", "rows of different subjects", "a.subject = b.subject"),
        ("select avg(value) from (select * from bg limit 5)", "LIMIT over rows", "aggregate"),
        ("select row_number() over (order by at) from bg", "rows of several subjects", "PARTITION BY subject"),
    ] {
        let said = lake.sql_for(studying(11), sql, vitalog_lakehouse::Limits::default()).await.expect_err(sql).to_string();
        assert!(said.contains(what) && said.contains(remedy) && !said.contains("p-7"), "{sql}: {said}");
    }
}
