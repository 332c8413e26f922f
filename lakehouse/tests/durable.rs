//! What a power cut leaves of the local store: a disk that keeps what was synced and nothing else. Each sync that is left out, or comes too late, is missed here.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path as FsPath;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use vitalog_lakehouse::{Disk, DurableStore};

/// What was synced last, by inode: what a file holds, and which names a folder has.
#[derive(Debug, Default)]
struct Platter {
    contents: Mutex<HashMap<u64, Vec<u8>>>,
    folders: Mutex<HashMap<u64, BTreeMap<String, u64>>>,
    /// Names that could have been on the disk before what is in their files.
    early: Mutex<Vec<String>>,
}

impl Disk for Platter {
    fn sync(&self, what: &File, place: &FsPath) -> io::Result<()> {
        let about = what.metadata()?;
        let mut contents = self.contents.lock().unwrap();
        if !about.is_dir() {
            contents.insert(about.ino(), fs::read(place)?);
            self.folders.lock().unwrap().remove(&about.ino());
            return Ok(());
        }
        let mut names = BTreeMap::new();
        for entry in fs::read_dir(place)? {
            let entry = entry?;
            let (path, inode) = (entry.path(), entry.metadata()?.ino());
            if path.is_file() && contents.get(&inode) != Some(&fs::read(&path)?) {
                self.early.lock().unwrap().push(path.display().to_string());
            }
            // The number of a file that has gone is given to another.
            if path.is_dir() {
                contents.remove(&inode);
            }
            names.insert(entry.file_name().into_string().expect("a name of ours"), inode);
        }
        self.folders.lock().unwrap().insert(about.ino(), names);
        Ok(())
    }
}

impl Platter {
    /// Files below a folder, as a power cut would leave them: by names that were synced in folders whose own were. What was not synced of a file is not there.
    fn left(&self, top: &FsPath) -> BTreeMap<String, String> {
        let (contents, folders) = (self.contents.lock().unwrap(), self.folders.lock().unwrap());
        let mut found = BTreeMap::new();
        let mut open = vec![(String::new(), fs::metadata(top).unwrap().ino())];
        while let Some((path, inode)) = open.pop() {
            for (name, inode) in folders.get(&inode).into_iter().flatten() {
                let path = format!("{path}/{name}");
                match contents.get(inode) {
                    Some(bytes) => drop(found.insert(path, String::from_utf8(bytes.clone()).expect("text"))),
                    None if folders.contains_key(inode) => open.push((path, *inode)),
                    None => drop(found.insert(path, String::new())),
                }
            }
        }
        // Nobody reads it, and each start empties it; a folder with nothing synced in it looks like a file.
        found.retain(|path, _| !path.contains("/.staging"));
        found
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_acknowledged_is_there_after_a_power_cut() {
    let top = tempfile::tempdir().unwrap();
    let disk = Arc::new(Platter::default());
    let root = top.path().join("a/b");
    let store = DurableStore::open_on(disk.clone(), &root).unwrap();
    let mut expected: BTreeMap<String, String> = BTreeMap::new();
    let check = |expected: &BTreeMap<String, String>, step: &str| {
        assert_eq!(disk.left(top.path()), *expected, "after {step}: a power cut (left), and what was acknowledged (right)");
        assert!(disk.early.lock().unwrap().is_empty(), "after {step}: a name before its content: {:?}", disk.early);
    };
    let is = |expected: &mut BTreeMap<String, String>, path: &str, text: &str| {
        expected.insert(format!("/a/b/{path}"), text.to_owned());
    };
    let create = || PutOptions { mode: PutMode::Create, ..PutOptions::default() };

    store.put_opts(&Path::from("x/y/1"), "one".into(), create()).await.unwrap();
    is(&mut expected, "x/y/1", "one");
    check(&expected, "an object in a new folder");
    store.put_opts(&Path::from("x/y/2"), "two".into(), create()).await.unwrap();
    is(&mut expected, "x/y/2", "two");
    check(&expected, "another in the same");
    store.put_opts(&Path::from("x/y/2"), "three".into(), create()).await.unwrap_err();
    check(&expected, "one that is there already");
    store.put(&Path::from("x/y/1"), "four".into()).await.unwrap();
    is(&mut expected, "x/y/1", "four");
    check(&expected, "one in the place of another");

    let mut upload = store.put_multipart(&Path::from("large/new/3")).await.unwrap();
    upload.put_part("five and ".into()).await.unwrap();
    upload.put_part("six".into()).await.unwrap();
    upload.complete().await.unwrap();
    is(&mut expected, "large/new/3", "five and six");
    check(&expected, "one in parts, in a new folder");
    store.copy(&Path::from("large/new/3"), &Path::from("copied/new/4")).await.unwrap();
    is(&mut expected, "copied/new/4", "five and six");
    check(&expected, "a copy in a new folder");
    store.rename(&Path::from("copied/new/4"), &Path::from("copied/new/5")).await.unwrap();
    expected.remove("/a/b/copied/new/4");
    is(&mut expected, "copied/new/5", "five and six");
    check(&expected, "a new name");
    // To another folder: the former name may come back, the new one is there.
    store.rename(&Path::from("copied/new/5"), &Path::from("moved/new/6")).await.unwrap();
    is(&mut expected, "moved/new/6", "five and six");
    check(&expected, "a new name in a new folder");
}

/// Fails once, and notes how often it is asked.
#[derive(Debug)]
struct Failing {
    left: AtomicI64,
}

impl Disk for Failing {
    fn sync(&self, _: &File, _: &FsPath) -> io::Result<()> {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 0 { Err(io::Error::other("the disk is gone")) } else { Ok(()) }
    }
}

/// Whatever sync fails, nothing is acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_that_fails_acknowledges_nothing() {
    // Of a put in two new folders: its content, each folder's name, its own. Of a large one, a copy and a new name the same, but in another order.
    for (way, syncs) in [("put", 4), ("parts", 4), ("copy", 4), ("rename", 4)] {
        for after in 0..=syncs {
            let top = tempfile::tempdir().unwrap();
            let disk = Arc::new(Failing { left: AtomicI64::new(i64::MAX) });
            let store = DurableStore::open_on(disk.clone(), top.path()).unwrap();
            store.put(&Path::from("from"), "one".into()).await.unwrap();
            disk.left.store(after, Ordering::Release);
            let to = Path::from("x/y/to");
            let done = match way {
                "put" => store.put(&to, "two".into()).await.map(drop),
                "parts" => match store.put_multipart(&to).await {
                    Ok(mut upload) => {
                        upload.put_part("two".into()).await.unwrap();
                        upload.complete().await.map(drop)
                    }
                    Err(error) => Err(error),
                },
                "copy" => store.copy(&Path::from("from"), &to).await,
                _ => store.rename(&Path::from("from"), &to).await,
            };
            assert_eq!(done.is_err(), after < syncs, "{way}, where sync {after} fails: {done:?}");
        }
    }
    // Nor is a store opened whose folders may not be there.
    let top = tempfile::tempdir().unwrap();
    for after in 0..=3 {
        let disk = Arc::new(Failing { left: AtomicI64::new(after) });
        let root = top.path().join(format!("{after}/lake"));
        assert_eq!(DurableStore::open_on(disk, &root).is_err(), after < 3, "sync {after} fails");
    }
}
