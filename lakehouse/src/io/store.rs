//! An object store on the local file system that syncs.
//!
//! `LocalFileSystem` never does: after a power cut an acknowledged object may be empty or gone. Here a small object is written beside its
//! place, synced, and linked or renamed into place; then the folder is synced. So an object is either absent or whole, and once acknowledged
//! it stays. A large one is synced on completion. Nothing counts as landed before that. Folders that are new are synced where their names are. Listings come in the order of names.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::ops::Range;
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};

/// Where objects are written before they are linked into place.
const STAGING: &str = ".staging";

/// What files and folders are brought to. A disk that a test looks through tells what a power cut would leave.
pub trait Disk: std::fmt::Debug + Send + Sync {
    /// Comes back once what an open file holds, or which names a folder has, is on stable storage. `place` is where it was opened.
    ///
    /// # Errors
    /// Those of the file system: then it is unknown what is there.
    fn sync(&self, what: &File, place: &FsPath) -> std::io::Result<()>;
}

/// The machine's own.
#[derive(Debug)]
struct OwnDisk;

impl Disk for OwnDisk {
    fn sync(&self, what: &File, _: &FsPath) -> std::io::Result<()> {
        what.sync_all()
    }
}

/// See the module.
#[derive(Debug)]
pub struct DurableStore {
    root: Arc<FsPath>,
    inner: LocalFileSystem,
    disk: Arc<dyn Disk>,
    staged: AtomicU64,
}

impl DurableStore {
    /// A store whose root is a folder, which is made if need be. What an interrupted process left half written is removed.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(root: &FsPath) -> std::io::Result<DurableStore> {
        DurableStore::open_on(Arc::new(OwnDisk), root)
    }

    /// The same on a given disk.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open_on(disk: Arc<dyn Disk>, root: &FsPath) -> std::io::Result<DurableStore> {
        make_folder(&*disk, root)?;
        let root = root.canonicalize()?;
        let staging = root.join(STAGING);
        match fs::remove_dir_all(&staging) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
            _ => make_folder(&*disk, &staging)?,
        }
        let inner = LocalFileSystem::new_with_prefix(&root).map_err(std::io::Error::other)?;
        Ok(DurableStore { root: root.into(), inner, disk, staged: AtomicU64::new(0) })
    }

    fn place(&self, location: &Path) -> Result<PathBuf> {
        self.inner.path_to_filesystem(location)
    }
}

impl std::fmt::Display for DurableStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("durable local store")
    }
}

#[async_trait::async_trait]
impl ObjectStore for DurableStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let create = match opts.mode {
            PutMode::Create => true,
            PutMode::Overwrite => false,
            PutMode::Update(_) => {
                return Err(Error::NotImplemented { operation: "put with a version".into(), implementer: self.to_string() });
            }
        };
        let place = self.place(location)?;
        let staged = self.root.join(STAGING).join(self.staged.fetch_add(1, Ordering::Relaxed).to_string());
        let (path, disk) = (location.to_string(), self.disk.clone());
        blocking(move || {
            write_whole(&*disk, &staged, &payload).map_err(|e| failed(&path, e))?;
            let parent = place.parent().unwrap_or(&place);
            make_folder(&*disk, parent).map_err(|e| failed(&path, e))?;
            let moved = if create {
                let linked = fs::hard_link(&staged, &place);
                // The staged name has done its work; one left over is removed at the next start.
                let _ = fs::remove_file(&staged);
                linked
            } else {
                fs::rename(&staged, &place)
            };
            moved.map_err(|e| failed(&path, e))?;
            sync_folder(&*disk, parent).map_err(|e| failed(&path, e))?;
            Ok(PutResult { e_tag: None, version: None })
        })
        .await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.make_room(location).await?;
        let inner = self.inner.put_multipart_opts(location, opts).await?;
        Ok(Box::new(SyncedUpload { inner, disk: self.disk.clone(), place: self.place(location)? }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        in_order(self.inner.list(prefix))
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        in_order(self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.make_room(to).await?;
        self.inner.copy_opts(from, to, options).await?;
        self.sync_landed(to).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.make_room(to).await?;
        self.inner.rename_opts(from, to, options).await?;
        self.sync_landed(to).await
    }
}

impl DurableStore {
    /// The folder that an object is to be in; `LocalFileSystem` would make it too, and not sync its name.
    async fn make_room(&self, location: &Path) -> Result<()> {
        let (place, disk) = (self.place(location)?, self.disk.clone());
        blocking(move || {
            let parent = place.parent().unwrap_or(&place);
            make_folder(&*disk, parent).map_err(|e| failed(&place.display().to_string(), e))
        })
        .await
    }

    async fn sync_landed(&self, location: &Path) -> Result<()> {
        let (place, disk) = (self.place(location)?, self.disk.clone());
        blocking(move || sync_with_folder(&*disk, &place)).await
    }
}

/// Object stores list by name, and readers of a table's log rely on that; a folder lists in any order.
fn in_order(listing: BoxStream<'static, Result<ObjectMeta>>) -> BoxStream<'static, Result<ObjectMeta>> {
    let sorted = async move {
        let mut all: Vec<ObjectMeta> = listing.try_collect().await?;
        all.sort_by(|a, b| a.location.cmp(&b.location));
        Ok::<_, Error>(futures::stream::iter(all.into_iter().map(Ok)))
    };
    futures::stream::once(sorted).try_flatten().boxed()
}

/// An upload in parts that is synced when it is complete.
#[derive(Debug)]
struct SyncedUpload {
    inner: Box<dyn MultipartUpload>,
    disk: Arc<dyn Disk>,
    place: PathBuf,
}

#[async_trait::async_trait]
impl MultipartUpload for SyncedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let result = self.inner.complete().await?;
        let (place, disk) = (self.place.clone(), self.disk.clone());
        blocking(move || sync_with_folder(&*disk, &place)).await?;
        Ok(result)
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Error::Generic { store: "local", source: e.into() })?
}

fn write_whole(disk: &dyn Disk, place: &FsPath, payload: &PutPayload) -> std::io::Result<()> {
    let mut file = File::create(place)?;
    for part in payload {
        file.write_all(part)?;
    }
    disk.sync(&file, place)
}

fn sync_with_folder(disk: &dyn Disk, place: &FsPath) -> Result<()> {
    let name = place.display().to_string();
    File::open(place).and_then(|file| disk.sync(&file, place)).map_err(|e| failed(&name, e))?;
    sync_folder(disk, place.parent().unwrap_or(place)).map_err(|e| failed(&name, e))
}

fn sync_folder(disk: &dyn Disk, folder: &FsPath) -> std::io::Result<()> {
    disk.sync(&File::open(folder)?, folder)
}

/// Makes a folder and those above it; each new name is synced in the folder that holds it.
fn make_folder(disk: &dyn Disk, folder: &FsPath) -> std::io::Result<()> {
    match fs::create_dir(folder) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => return Ok(()),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            let parent = folder.parent().ok_or(e)?;
            make_folder(disk, parent)?;
            match fs::create_dir(folder) {
                Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(e),
                _ => {}
            }
        }
        other => other?,
    }
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_folder(disk, parent),
        _ => Ok(()),
    }
}

fn failed(path: &str, e: std::io::Error) -> Error {
    match e.kind() {
        ErrorKind::AlreadyExists => Error::AlreadyExists { path: path.to_owned(), source: e.into() },
        ErrorKind::NotFound => Error::NotFound { path: path.to_owned(), source: e.into() },
        _ => Error::Generic { store: "local", source: e.into() },
    }
}
