//! Where the rows of a reading are, in a file of several row groups: the very row of the Parquet file that is named says the reading, and groups that can't hold it are not read.
//!
//! A row group of ours has a million rows. So the file is written anew, as another program may that compacts a table: smaller groups, and in an order in which bounds admit
//! everybody everywhere, so that only Bloom filters tell where somebody is not.

use std::fs::File;
use std::path::{Path, PathBuf};

use datafusion::arrow::array::{AsArray, RecordBatch, UInt64Array};
use datafusion::arrow::compute::{cast, concat_batches, take_record_batch};
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use datafusion::parquet::arrow::arrow_writer::ArrowWriterOptions;
use datafusion::parquet::file::properties::WriterProperties;
use datafusion::parquet::schema::types::ColumnPath;
use vitalog_elog::accounting::Standing;
use vitalog_elog::{Reading, ReadingId, Subject, Time};
use vitalog_lakehouse::{Lake, Traced, TracedPlace};

use crate::world::{INCARNATION, RunLoop, glucose, schema, time};

/// Whose rows there are, in the file's order: four groups. In each, bounds admit everybody from `a` to `e`.
const GROUPS: [&str; 4] = ["abbdde", "aacdee", "abdbde", "accbee"];
const ROWS: usize = 6;

fn subjects() -> Vec<String> {
    GROUPS.concat().chars().map(String::from).collect()
}

/// What a row says: subject, id, instant in microseconds, value.
type Said = (String, String, i64, f64);

/// The n-th reading, as it is sent.
fn sent(n: usize) -> (Reading, Said) {
    let (subject, id) = (subjects()[n].clone(), format!("r{n}"));
    let (at, value) = (format!("2026-01-05T08:{n:02}:00Z"), format!("{}.{}", 4 + n / 10, n % 10));
    let unnamed = glucose(&subject, &at, &value);
    let content = unnamed.content.expect("it is no removal");
    let reading = Reading::present(unnamed.subject, Some(id.as_str().into()), 1, "bg", content);
    (reading, (subject, id, time(&at).micros(), value.parse().expect("a number")))
}

fn part(table: &Path) -> PathBuf {
    let files = std::fs::read_dir(table.join("month=2026-01")).expect("a folder").map(|f| f.expect("an entry").path());
    let files: Vec<PathBuf> = files.collect();
    let [one] = &files[..] else { panic!("one file, not {files:?}") };
    one.clone()
}

/// All rows of a file, or of one of its groups.
fn rows(file: &Path, group: Option<usize>) -> RecordBatch {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(file).expect("a file")).expect("Parquet");
    let schema = builder.schema().clone();
    let builder = match group {
        Some(group) => builder.with_row_groups(vec![group]),
        None => builder,
    };
    let batches: Vec<RecordBatch> = builder.build().expect("a reader").map(|batch| batch.expect("rows")).collect();
    concat_batches(&schema, &batches).expect("of one schema")
}

fn said(rows: &RecordBatch) -> Vec<Said> {
    let column = |name: &str, kind: &DataType| cast(rows.column_by_name(name).expect(name), kind).expect("it can be cast");
    let text = |name: &str| -> Vec<String> {
        column(name, &DataType::Utf8).as_string::<i32>().iter().map(|v| v.unwrap_or_default().to_owned()).collect()
    };
    let (at, value) = (column("at", &DataType::Int64), column("bg_value", &DataType::Float64));
    let (at, value) = (at.as_primitive::<Int64Type>(), value.as_primitive::<Float64Type>());
    let named = text("subject").into_iter().zip(text("id"));
    named.enumerate().map(|(n, (subject, id))| (subject, id, at.value(n), value.value(n))).collect()
}

/// Writes the table's file anew and says in the log how large it is now.
fn compact(table: &Path, with_filters: bool) -> PathBuf {
    let file = part(table);
    let (before, former) = (std::fs::metadata(&file).expect("a file").len(), rows(&file, None));
    let landed = said(&former);
    let place = |n: usize| landed.iter().position(|row| *row == sent(n).1).expect("it landed") as u64;
    let order: UInt64Array = (0..landed.len()).map(place).collect::<Vec<u64>>().into();
    let rows = take_record_batch(&former, &order).expect("taken");

    let (subject, properties) = (ColumnPath::from("subject"), WriterProperties::builder());
    let properties = properties.set_max_row_group_row_count(Some(ROWS));
    let properties = properties.set_column_bloom_filter_enabled(subject, with_filters).build();
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let out = File::create(&file).expect("made");
    let mut writer = ArrowWriter::try_new_with_options(out, rows.schema(), options).expect("a writer");
    writer.write(&rows).expect("written");
    let metadata = writer.close().expect("closed");
    assert_eq!(metadata.num_row_groups(), GROUPS.len());

    let after = std::fs::metadata(&file).expect("a file").len();
    let (was, is) = (format!("\"size\":{before},"), format!("\"size\":{after},"));
    let name = file.file_name().and_then(|n| n.to_str()).expect("a name");
    let mut told = 0;
    let log = std::fs::read_dir(table.join("_delta_log")).expect("a log").map(|f| f.expect("an entry").path());
    for commit in log.filter(|path| path.extension().is_some_and(|e| e == "json")) {
        let text = std::fs::read_to_string(&commit).expect("a commit");
        if text.contains(name) {
            told += text.matches(&was).count();
            std::fs::write(commit, text.replace(&was, &is)).expect("written");
        }
    }
    assert_eq!(told, 1, "the log says once how large the file is");
    file
}

/// A lake whose readings lie in one file of four groups.
async fn compacted(root: &Path, with_filters: bool) -> (Lake, PathBuf) {
    let mut run = RunLoop::new(schema());
    let lake = Lake::open(root, run.schema.clone(), INCARNATION).await.unwrap();
    (0..subjects().len()).for_each(|n| run.read(sent(n).0));
    lake.apply(&run.records, run.position()).unwrap();
    assert_eq!(lake.flush().await.unwrap().files, 1);
    drop(lake);
    let file = compact(&root.join("readings"), with_filters);
    (Lake::open(root, run.schema.clone(), INCARNATION).await.unwrap(), file)
}

async fn trace(lake: &Lake, subject: &str, id: &str, times: &[Time]) -> Vec<Traced> {
    lake.trace(&Subject::new(subject), ReadingId::given(id), times).await.unwrap().0
}

/// In how many groups somebody is.
fn groups_of(subject: &str) -> usize {
    GROUPS.iter().filter(|group| group.contains(subject)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_row_that_is_named_says_the_reading() {
    for with_filters in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let (lake, file) = compacted(folder.path(), with_filters).await;
        let all = said(&rows(&file, None));
        assert_eq!(all.len(), subjects().len());
        for (n, row_of_file) in all.iter().enumerate() {
            let (reading, expected) = sent(n);
            let (subject, id, at, _) = &expected;
            for times in [&[][..], &[Time(*at)]] {
                let found = trace(&lake, subject, id, times).await;
                let [one] = &found[..] else { panic!("{id} of {subject} once, not {found:?}") };
                assert_eq!((&one.reading, one.standing), (&reading, Standing::Current));
                let TracedPlace::File { path, row_group, row, groups_read, groups } = &one.place else { panic!("{one:?}") };
                assert_eq!(folder.path().join(path), file);
                // Rows are counted through the file, groups are of six.
                assert_eq!((*row, *row_group), (n as u64, n / ROWS), "{id}");
                assert_eq!(row_of_file, &expected, "row {row} of the file");
                assert_eq!(said(&rows(&file, Some(*row_group)))[n - row_group * ROWS], expected, "in group {row_group}");
                // Bounds admit everybody everywhere: without filters each group is read.
                let read = if with_filters { groups_of(subject) } else { GROUPS.len() };
                assert_eq!((*groups_read, *groups), (read, GROUPS.len()), "{id} of {subject}, filters: {with_filters}");
            }
        }
    }
    assert!((groups_of("c"), groups_of("a")) == (2, GROUPS.len()), "some are left out, and some are not");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_no_file_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, file) = compacted(folder.path(), true).await;
    let (_, (subject, id, at, _)) = sent(8);
    assert_eq!((subject.as_str(), trace(&lake, "c", &id, &[]).await.len()), ("c", 1));
    // Another's reading, one that nobody sent, somebody whom the bounds admit and nobody knows, and somebody beyond them.
    for (subject, id) in [("b", id.as_str()), ("c", "r99"), ("bb", id.as_str()), ("z", id.as_str())] {
        assert!(trace(&lake, subject, id, &[]).await.is_empty(), "{id} of {subject}");
    }
    // Where no revision of it is known to stand but at another time, which no file has.
    assert!(trace(&lake, "c", &id, &[time("2026-03-01T00:00:00Z")]).await.is_empty());
    assert_eq!(trace(&lake, "c", &id, &[time("2026-03-01T00:00:00Z"), Time(at)]).await.len(), 1);
    // Whoever no group can hold has none of them read: they are spoilt here, and only who is in one of them meets that.
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(&file).unwrap()).unwrap();
    let filters = builder.metadata().row_groups().iter().flat_map(|g| g.columns()).filter_map(|c| c.bloom_filter_offset());
    assert_eq!(filters.count(), GROUPS.len(), "each group has a filter on the subject");
    let mut spoilt = std::fs::read(&file).unwrap();
    for group in builder.metadata().row_groups() {
        for column in group.columns() {
            let (start, length) = column.byte_range();
            spoilt[start as usize..(start + length) as usize].fill(0xff);
        }
    }
    std::fs::write(&file, spoilt).unwrap();
    assert!(trace(&lake, "bb", &id, &[]).await.is_empty(), "a filter leaves it out");
    assert!(lake.trace(&Subject::new("c"), ReadingId::given(&id), &[]).await.is_err(), "it has to be read");
}
