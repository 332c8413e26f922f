//! What others find in the folder: protocol, folders, columns, encodings; and that the store keeps its promises.

use std::path::Path;

use datafusion::parquet::basic::{Compression, Encoding};
use datafusion::parquet::file::reader::{FileReader, SerializedFileReader};
use futures::TryStreamExt;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use vitalog_lakehouse::{DurableStore, Lake};

use crate::model::{assert_same, csv};
use crate::world::{Dice, INCARNATION, RunLoop, glucose, grown, schema};

fn log(table: &Path) -> Vec<serde_json::Value> {
    let mut names: Vec<_> = std::fs::read_dir(table.join("_delta_log")).unwrap().map(|e| e.unwrap().path()).collect();
    names.retain(|n| n.extension().is_some_and(|e| e == "json"));
    names.sort();
    let text: String = names.iter().map(|n| std::fs::read_to_string(n).unwrap() + "\n").collect();
    text.lines().filter(|l| !l.is_empty()).map(|l| serde_json::from_str(l).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_are_plain_delta() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("data/lake");
    let mut run = RunLoop::new(schema());
    let lake = Lake::open(&root, run.schema.clone(), INCARNATION).await.unwrap();
    for (subject, at) in [("b", "2026-01-31T23:59:59Z"), ("a", "2026-01-01T00:00:00Z"), ("a", "2026-02-01T00:00:00Z")] {
        run.read(glucose(subject, at, "6.1"));
    }
    lake.apply(&run.records, run.position()).unwrap();
    let flushed = lake.flush().await.unwrap();
    assert_eq!((flushed.rows, flushed.files, flushed.replaced), (3, 2, 0));

    let table = root.join("readings");
    let actions = log(&table);
    let find = |name: &str| actions.iter().filter_map(|a| a.get(name)).collect::<Vec<_>>();
    assert_eq!(find("protocol"), [&serde_json::json!({"minReaderVersion": 1, "minWriterVersion": 2})]);
    let metadata = find("metaData")[0];
    assert_eq!(metadata["partitionColumns"], serde_json::json!(["month"]));
    let columns: serde_json::Value = serde_json::from_str(metadata["schemaString"].as_str().unwrap()).unwrap();
    let value = columns["fields"].as_array().unwrap().iter().find(|f| f["name"] == "bg_value").unwrap();
    assert_eq!((&value["type"], &value["metadata"]["unit"]), (&"double".into(), &"mmol/L".into()));
    let transactions = find("txn");
    assert_eq!(transactions.len(), 5);
    assert_eq!(
        (&transactions[0]["appId"], &transactions[0]["version"]),
        (&format!("vitalog/{INCARNATION:032x}").into(), &3.into())
    );
    let adds = find("add");
    let stats: serde_json::Value = serde_json::from_str(adds[0]["stats"].as_str().unwrap()).unwrap();
    assert_eq!(stats["numRecords"], 2);
    assert_eq!(stats["minValues"]["subject"], "a");
    assert_eq!(stats["maxValues"]["at"], "2026-01-31T23:59:59Z");

    let january = table.join(adds[0]["path"].as_str().unwrap());
    assert!(january.starts_with(table.join("month=2026-01")), "{january:?}");
    let reader = SerializedFileReader::new(std::fs::File::open(january).unwrap()).unwrap();
    let group = reader.metadata().row_group(0);
    assert_eq!(group.sorting_columns().map(Vec::len), Some(4));
    for column in group.columns() {
        assert!(matches!(column.compression(), Compression::ZSTD(_)), "{}", column.column_path());
        if column.column_path().string() == "at" {
            assert!(column.encodings().any(|e| e == Encoding::DELTA_BINARY_PACKED));
        }
        assert_eq!(
            column.bloom_filter_offset().is_some(),
            column.column_path().string() == "subject",
            "{}",
            column.column_path()
        );
    }
    let names: Vec<_> = reader.get_row_iter(None).unwrap().map(|r| r.unwrap().to_string()).collect();
    assert!(names[0].contains("subject: \"a\"") && names[1].contains("subject: \"b\""), "sorted: {names:?}");
    // Nothing is left half written, and a table that had nothing to say has no file.
    assert_eq!(std::fs::read_dir(root.join(".staging")).unwrap().count(), 0);
    assert_eq!(log(&root.join("matches")).iter().filter(|a| a.get("txn").is_some()).count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn columns_grow_with_the_streams() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = RunLoop::new(schema());
    let lake = Lake::open(folder.path(), run.schema.clone(), INCARNATION).await.unwrap();
    let mut dice = Dice(9);
    (0..50).for_each(|_| run.random(&mut dice));
    lake.apply(&run.records, run.position()).unwrap();
    lake.flush().await.unwrap();
    run.schema = grown();
    lake.set_schema(grown()).unwrap();
    let first = run.records.len();
    (0..50).for_each(|_| run.random(&mut dice));
    lake.apply(&run.records[first..], run.position()).unwrap();
    assert_same(&lake, &run, "grown").await;
    lake.flush().await.unwrap();
    assert_same(&lake, &run, "grown and flushed").await;
    drop(lake);
    let lake = Lake::open(folder.path(), grown(), INCARNATION).await.unwrap();
    assert_same(&lake, &run, "grown and reopened").await;
    let carbs = csv(&lake, "SELECT count(*) > 0 AS some FROM carbs WHERE amount IS NOT NULL").await;
    assert_eq!(carbs, "some\ntrue\n");
    let last = log(&folder.path().join("readings")).into_iter().filter_map(|a| a.get("metaData").cloned()).next_back().unwrap();
    assert!(last["schemaString"].as_str().unwrap().contains("carbs_amount"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_creates_once_and_replaces_whole() {
    let folder = tempfile::tempdir().unwrap();
    let store = DurableStore::open(&folder.path().join("a/b/c")).unwrap();
    let path = object_store::path::Path::from("x/y/z.json");
    let create = || PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    store.put_opts(&path, "one".into(), create()).await.unwrap();
    let again = store.put_opts(&path, "two".into(), create()).await.unwrap_err();
    assert!(matches!(again, Error::AlreadyExists { .. }), "{again}");
    let read = async |path| store.get(path).await.unwrap().bytes().await.unwrap();
    assert_eq!(&read(&path).await[..], b"one");
    store.put(&path, "three".into()).await.unwrap();
    assert_eq!(&read(&path).await[..], b"three");
    let large = object_store::path::Path::from("x/large");
    let mut upload = store.put_multipart(&large).await.unwrap();
    upload.put_part("four".into()).await.unwrap();
    upload.complete().await.unwrap();
    assert_eq!(&read(&large).await[..], b"four");
    let missing = store.get(&object_store::path::Path::from("x/none")).await.unwrap_err();
    assert!(matches!(missing, Error::NotFound { .. }), "{missing}");
    store.rename(&large, &object_store::path::Path::from("x/moved")).await.unwrap();
    for name in ["x/3", "x/1", "x/2"] {
        store.put(&name.into(), name.into()).await.unwrap();
    }
    let listed: Vec<_> =
        store.list(Some(&object_store::path::Path::from("x"))).map_ok(|m| m.location.to_string()).try_collect().await.unwrap();
    assert_eq!(listed, ["x/1", "x/2", "x/3", "x/moved", "x/y/z.json"]);
    // Of many who create at once, one wins.
    let store = std::sync::Arc::new(store);
    let racers = (0..16).map(|i| {
        let store = store.clone();
        tokio::spawn(async move { store.put_opts(&"race".into(), format!("{i}").into(), create()).await.is_ok() })
    });
    let won = futures::future::join_all(racers).await.into_iter().filter(|w| *w.as_ref().unwrap()).count();
    assert_eq!(won, 1);
}
