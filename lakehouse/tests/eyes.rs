//! Who may not see everything gets what they would get if there were nothing else: random statements under random eyes, against a lake that was fed with what these eyes may see alone; and ways around
//! it that somebody would try.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::StreamExt;
use object_store::memory::InMemory;
use vitalog_elog::{Effect, Entry, FindingState, Input, Reading, Record, Subject};
use vitalog_lakehouse::{Eyes, Format, Lake, Limits, SqlError};

use crate::world::{Dice, INCARNATION, RunLoop, glucose, schema};

const SUBJECTS: [&str; 4] = ["p-001", "p-002", "a-subject-with-a-name-of-some-length", "nobody-at-all"];

/// The records as they would be if nothing was about anybody else.
fn alone(records: &[Record], seen: &BTreeSet<&str>) -> Vec<Record> {
    let is_seen = |subject: &Subject| seen.contains(subject.as_str());
    let kept = records.iter().map(|record| {
        let concerns = match &record.entry.input {
            Input::Reading(reading) => is_seen(&reading.subject),
            // What was refused is for nobody who may not see everything.
            Input::DeadLetter(_) => false,
            _ => true,
        };
        let input = if concerns { record.entry.input.clone() } else { Input::Tick };
        let effects = record.effects.iter().filter(|effect| match effect {
            Effect::Finding(change) => is_seen(&change.finding.subject),
            _ => concerns,
        });
        Record {
            offset: record.offset,
            entry: Arc::new(Entry { arrival: record.entry.arrival, input }),
            effects: effects.cloned().collect(),
        }
    });
    kept.collect()
}

/// What is answered, in no order: rows, or the code of a refusal.
pub async fn answered(lake: &Lake, eyes: Eyes, sql: &str) -> Result<Vec<String>, String> {
    match lake.sql_for(eyes, sql, Limits::default()).await {
        Ok(answer) => {
            let text = String::from_utf8(answer.write(Format::Csv).expect("written")).expect("text");
            let mut rows: Vec<String> = text.lines().map(str::to_owned).collect();
            rows[1..].sort();
            Ok(rows)
        }
        Err(SqlError::Refused(refusal)) => Err(refusal.code),
        Err(other) => panic!("{sql}: {other}"),
    }
}

/// A relation with its columns by type: texts, instants, numbers.
struct Source {
    from: &'static str,
    texts: &'static [&'static str],
    times: &'static [&'static str],
    numbers: &'static [&'static str],
}

const SOURCES: [Source; 8] = [
    Source {
        from: "readings",
        texts: &["subject", "stream", "id", "source"],
        times: &["at", "start_at", "arrival"],
        numbers: &["rev", "bg_value", "bp_systolic"],
    },
    Source {
        from: "readings_history",
        texts: &["subject", "stream", "id", "reason"],
        times: &["at", "arrival", "superseded_at"],
        numbers: &["rev", "bp_diastolic"],
    },
    Source { from: "bg", texts: &["subject", "id"], times: &["at", "arrival"], numbers: &["value", "rev"] },
    Source { from: "bp", texts: &["subject", "source"], times: &["at"], numbers: &["systolic", "diastolic"] },
    Source { from: "exercise", texts: &["subject", "intensity"], times: &["start_at", "end_at"], numbers: &["rev"] },
    Source {
        from: "matches",
        texts: &["subject", "rule", "state"],
        times: &["onset", "decided_at"],
        numbers: &["revision", "\"offset\""],
    },
    Source {
        from: "recommendations",
        texts: &["subject", "severity", "text"],
        times: &["onset", "arrival"],
        numbers: &["revision"],
    },
    Source {
        from: "readings_as_known('2026-03-01T00:02:00Z')",
        texts: &["subject", "stream"],
        times: &["arrival"],
        numbers: &["rev"],
    },
];

/// A condition that fails on some rows. It stands alone: in which order the parts of a condition are asked, and so whether one of them fails, is nobody's promise.
fn failing(dice: &mut Dice, of: &Source, alias: &str) -> String {
    match dice.below(2) {
        0 => format!("100 / (cast(length({alias}.subject) as bigint) - {}) > 1", dice.pick(&[5, 14, 34, 37, 3])),
        _ => format!("cast({alias}.{} as bigint) > 0", dice.pick(of.texts)),
    }
}

/// A condition over one relation, that fails on none.
fn condition(dice: &mut Dice, of: &Source, alias: &str, depth: u32) -> String {
    let text = |dice: &mut Dice| format!("{alias}.{}", dice.pick(of.texts));
    let number = |dice: &mut Dice| format!("{alias}.{}", dice.pick(of.numbers));
    let time = |dice: &mut Dice| format!("{alias}.{}", dice.pick(of.times));
    match dice.below(if depth == 0 { 10 } else { 14 }) {
        0 => format!("{} = '{}'", text(dice), dice.pick(&SUBJECTS)),
        1 => format!("{} <> '{}'", text(dice), dice.pick(&SUBJECTS)),
        2 => format!("{} > {}", number(dice), dice.below(200)),
        3 => format!("{} between {} and {}", number(dice), dice.below(20), 20 + dice.below(200)),
        4 => format!("{} is null", time(dice)),
        5 => format!("{} < timestamp '2026-0{}-01T00:00:00Z'", time(dice), 1 + dice.below(4)),
        6 => format!("{} like '%{}%'", text(dice), dice.pick(&["p", "0", "me", "low"])),
        7 | 8 => format!("{} is distinct from {}", number(dice), dice.below(10)),
        9 => format!("{} in ('p-001', 'p-002', 'low', 'bg')", text(dice)),
        10 => format!("({} and {})", condition(dice, of, alias, depth - 1), condition(dice, of, alias, depth - 1)),
        11 => format!("({} or {})", condition(dice, of, alias, depth - 1), condition(dice, of, alias, depth - 1)),
        12 => format!("not ({})", condition(dice, of, alias, depth - 1)),
        _ => {
            let inner = dice.pick(&SOURCES);
            let link = if dice.one_in(2) { format!("i.subject = {alias}.subject and ") } else { String::new() };
            format!(
                "{}exists (select 1 from {} i where {link}{})",
                if dice.one_in(3) { "not " } else { "" },
                inner.from,
                condition(dice, inner, "i", 0)
            )
        }
    }
}

pub fn statement(dice: &mut Dice) -> String {
    let of = dice.pick(&SOURCES);
    if dice.one_in(8) {
        return format!("select count(*) as n from {} t where {}", of.from, failing(dice, of, "t"));
    }
    let keep = if dice.one_in(4) { String::new() } else { format!(" where {}", condition(dice, of, "t", 2)) };
    let (text, number, time) = (*dice.pick(of.texts), *dice.pick(of.numbers), *dice.pick(of.times));
    let from = of.from;
    match dice.below(10) {
        0 => format!("select count(*) as n from {from} t{keep}"),
        1 => format!(
            "select t.{text}, count(*) as n, min(t.{number}) as low, max(t.{time}) as last from {from} t{keep} group by t.{text}"
        ),
        2 => format!("select t.{text}, t.{number}, t.{time} from {from} t{keep}"),
        3 => format!(
            "select * from (select t.{text} as a, t.{number} as b, t.{time} as c from {from} t{keep} order by a, b, c limit {}) order by a, b, c",
            1 + dice.below(9)
        ),
        4 => {
            let other = dice.pick(&SOURCES);
            let link =
                dice.pick(&["a.subject = b.subject", "a.subject < b.subject", "a.subject = b.subject and a.subject <> 'p-001'"]);
            let more = condition(dice, other, "b", 1);
            let how = dice.pick(&["join", "left join", "full join"]);
            format!(
                "select a.subject as x, b.subject as y, count(*) as n from {from} a {how} {} b on {link} and {more} group by a.subject, b.subject",
                other.from
            )
        }
        5 => format!(
            "with w as (select t.subject as s, t.{number} as v from {from} t{keep}) select s, max(v) as most from w group by s union all select s, min(v) from w group by s"
        ),
        6 => format!(
            "select distinct t.subject as s, rank() over (partition by t.{text} order by t.{number}) as place from {from} t{keep}"
        ),
        7 => {
            let other = dice.pick(&SOURCES);
            format!(
                "select t.subject as s, (select count(*) from {} u where u.subject = t.subject) as n from {from} t{keep}",
                other.from
            )
        }
        8 => {
            let other = dice.pick(&SOURCES);
            format!(
                "select t.{text} as a from {from} t where t.subject in (select u.subject from {} u where {}) and {}",
                other.from,
                condition(dice, other, "u", 1),
                condition(dice, of, "t", 1)
            )
        }
        _ => {
            let other = dice.pick(&SOURCES);
            let set = dice.pick(&["intersect", "except", "union"]);
            format!(
                "select t.subject as s from {from} t{keep} {set} select u.subject from {} u where {}",
                other.from,
                condition(dice, other, "u", 1)
            )
        }
    }
}

/// What came of the statements over some worlds.
#[derive(Default)]
struct Tally {
    refused: u64,
    rows: u64,
    compared: u64,
    differing: u64,
}

/// A lake of everybody and one of those who are seen alone, and who they are.
async fn world(dice: &mut Dice) -> (Lake, Lake, BTreeSet<&'static str>) {
    let mut run = RunLoop::new(schema());
    let all = Lake::open_on(Arc::new(InMemory::new()), run.schema.clone(), INCARNATION).await.unwrap();
    let seen: BTreeSet<&str> = SUBJECTS.into_iter().filter(|_| dice.one_in(2)).collect();
    let own = Lake::open_on(Arc::new(InMemory::new()), run.schema.clone(), INCARNATION).await.unwrap();
    for _ in 0..4 {
        let from = run.records.len();
        for _ in 0..20 + dice.below(60) {
            run.random(dice);
            if dice.one_in(8) {
                let subject = *dice.pick(&SUBJECTS);
                run.find(subject, "2026-01-02T00:00:00Z", 1 + run.next() as u32, FindingState::Open);
            }
        }
        all.apply(&run.records[from..], run.position()).unwrap();
        own.apply(&alone(&run.records[from..], &seen), run.position()).unwrap();
        // What has landed of the one has not of the other: what is answered does not hang on it.
        for lake in [&all, &own] {
            if dice.one_in(2) {
                lake.flush().await.unwrap();
            }
        }
    }
    (all, own, seen)
}

/// Asks a world so many statements.
async fn compared(seed: u64, statements: u64) -> Tally {
    let mut dice = Dice(seed);
    let (all, own, seen) = world(&mut dice).await;
    let eyes = Eyes::only(seen.iter().map(|s| Subject::new(s)));
    let mut tally = Tally::default();
    for _ in 0..statements {
        let sql = statement(&mut dice);
        let (filtered, expected) = (answered(&all, eyes.clone(), &sql).await, answered(&own, Eyes::All, &sql).await);
        // Whether the library has a plan for some joins hangs on what it is told of tables, and under eyes it is told nothing: then the same eyes look at a lake in which nobody else is.
        let no_plan = Err("sql_unsupported".to_owned());
        let expected = match filtered == no_plan || expected == no_plan {
            true => answered(&own, eyes.clone(), &sql).await,
            false => expected,
        };
        assert_eq!(filtered, expected, "seed {seed}, seen {seen:?}: {sql}");
        tally.refused += u64::from(filtered.is_err());
        tally.rows += filtered.as_ref().map_or(0, |rows| rows.len() as u64 - 1);
        // Whether there was anything to hide is asked of some only: it takes a query more.
        if dice.one_in(4) {
            tally.compared += 1;
            tally.differing += u64::from(answered(&all, Eyes::All, &sql).await != filtered);
        }
    }
    tally
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filtered_lake_is_a_lake_of_what_is_seen() {
    let read = |name: &str, default: u64| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default);
    let (first, cases) = (read("VITALOG_SEED", 1), read("VITALOG_CASES", 200));
    println!("seed {first}, {cases} statements");
    let per_world = 100;
    let worlds = (0..cases.div_ceil(per_world)).map(|world| {
        let statements = per_world.min(cases - world * per_world);
        async move { tokio::spawn(compared(first + world, statements)).await.expect("no difference") }
    });
    let mut tallies = futures::stream::iter(worlds).buffer_unordered(2);
    let (mut all, mut done) = (Tally::default(), 0_u64);
    while let Some(Tally { refused, rows, compared, differing }) = tallies.next().await {
        all.refused += refused;
        all.rows += rows;
        all.compared += compared;
        all.differing += differing;
        done += 1;
        if done.is_multiple_of(1_000) {
            println!("{} statements", done * per_world);
        }
    }
    let Tally { refused, rows, compared, differing } = all;
    println!("{refused} refused, {rows} rows; of {compared} that were asked under all eyes, too, {differing} tell more there");
    assert!(refused < cases / 2 && rows > cases, "{refused} refused, {rows} rows");
    assert!(differing > compared / 4, "most statements see nothing that is hidden: {differing} of {compared}");
}

/// A lake of two: one that is seen, and one whose glucose would make a division fail.
async fn two() -> (Lake, Eyes) {
    let mut run = RunLoop::new(schema());
    let lake = Lake::open_on(Arc::new(InMemory::new()), run.schema.clone(), INCARNATION).await.unwrap();
    for (subject, minute, value) in [("own", 1, "5"), ("other", 2, "7"), ("other", 3, "9")] {
        run.read(glucose(subject, &format!("2026-01-01T00:0{minute}:00Z"), value));
    }
    run.read(Reading::removal(Subject::new("other"), "gone".into(), 2));
    run.find("other", "2026-01-01T00:00:00Z", 1, FindingState::Open);
    lake.apply(&run.records, run.position()).unwrap();
    lake.flush().await.unwrap();
    let from = run.records.len();
    run.read(glucose("other", "2026-01-01T00:09:00Z", "11"));
    lake.apply(&run.records[from..], run.position()).unwrap();
    (lake, Eyes::only([Subject::new("own")]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_way_around_the_filter() {
    let (lake, eyes) = two().await;
    // Each would tell of the other if it could; what it tells where it can't.
    for (sql, told) in [
        ("select count(*) as n from readings", "1"),
        ("select count(*) as n from bg where subject = 'other'", "0"),
        ("select subject from bg as own_name", "own"),
        ("with subject as (select * from bg) select max(value) as v from subject", "5.0"),
        ("select subject from bg union select subject from matches order by 1", "own"),
        ("select b.subject from bg a, lateral (select * from bg c where c.value > a.value) b", ""),
        ("select 1 as one where exists (select 1 from bg where value > 6)", ""),
        ("select max(value) over () as v from bg", "5.0"),
        ("select count(*) as n from bg a cross join bg b", "1"),
        ("select count(*) as n from matches", "0"),
        ("select count(*) as n from recommendations", "0"),
        ("select count(*) as n from readings_history", "0"),
        ("select count(*) as n from readings_as_known('2027-01-01T00:00:00Z')", "1"),
        ("select min(value) as v from (select value from bg order by value desc limit 1)", "5.0"),
        ("select (select max(value) from bg) as v", "5.0"),
        ("select subject from bg where subject like '%' order by subject limit 5", "own"),
        ("select count(distinct subject) as n from readings", "1"),
        ("select approx_distinct(subject) as n from readings", "1"),
        ("select max(subject) as s, min(subject) as t from readings", "own,own"),
        // What fails on a row that is hidden does not fail: nobody learns that there is one.
        ("select count(*) as n from bg where 1 / (cast(value as bigint) - 7) < 100", "1"),
        ("select count(*) as n from bg where case when subject = 'other' then 1 / 0 else 1 end = 1", "1"),
        ("select count(*) as n from bg where cast(case when value > 6 then 'x' else '1' end as bigint) = 1", "1"),
    ] {
        let rows = answered(&lake, eyes.clone(), sql).await.unwrap_or_else(|code| panic!("{sql}: {code}"));
        assert_eq!(rows[1..].join(" "), told, "{sql}");
        let all = answered(&lake, Eyes::All, sql).await;
        assert_ne!(all.map(|rows| rows[1..].join(" ")), Ok(told.to_owned()), "{sql}: it tells nobody anything");
    }
    for sql in ["explain select * from bg", "explain analyze select * from bg", "explain verbose select 1"] {
        assert_eq!(answered(&lake, eyes.clone(), sql).await, Err("sql_not_allowed".to_owned()), "{sql}");
    }
    assert!(answered(&lake, eyes.clone(), "select * from dead_letters").await.is_err());
    let tables = answered(&lake, eyes.clone(), "select table_name from information_schema.tables").await.expect("a list");
    assert!(tables.iter().any(|t| t == "bg") && !tables.iter().any(|t| t == "dead_letters"), "{tables:?}");
    // Whoever may see nobody sees nothing.
    let nobody = Eyes::only([]);
    assert_eq!(answered(&lake, nobody, "select count(*) as n from readings").await, Ok(vec!["n".to_owned(), "0".to_owned()]));
}
