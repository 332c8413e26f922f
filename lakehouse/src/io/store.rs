//! An object store on the local file system that syncs.
//!
//! `LocalFileSystem` never does: after a power cut an acknowledged object may be empty or gone. Here a small object is written beside its
//! place, synced, and linked or renamed into place; then the folder is synced. So an object is either absent or whole, and once acknowledged
//! it stays. A large one is synced on completion. Nothing counts as landed before that. Listings come in the order of names.

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

/// See the module.
#[derive(Debug)]
pub struct DurableStore {
    root: Arc<FsPath>,
    inner: LocalFileSystem,
    staged: AtomicU64,
}

impl DurableStore {
    /// A store whose root is a folder, which is made if need be. What an interrupted process left half written is removed.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(root: &FsPath) -> std::io::Result<DurableStore> {
        make_folder(root)?;
        let root = root.canonicalize()?;
        let staging = root.join(STAGING);
        match fs::remove_dir_all(&staging) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
            _ => make_folder(&staging)?,
        }
        let inner = LocalFileSystem::new_with_prefix(&root).map_err(std::io::Error::other)?;
        Ok(DurableStore { root: root.into(), inner, staged: AtomicU64::new(0) })
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
        let path = location.to_string();
        blocking(move || {
            write_whole(&staged, &payload).map_err(|e| failed(&path, e))?;
            let parent = place.parent().unwrap_or(&place);
            make_folder(parent).map_err(|e| failed(&path, e))?;
            let moved = if create {
                let linked = fs::hard_link(&staged, &place);
                // The staged name has done its work; one left over is removed at the next start.
                let _ = fs::remove_file(&staged);
                linked
            } else {
                fs::rename(&staged, &place)
            };
            moved.map_err(|e| failed(&path, e))?;
            sync_folder(parent).map_err(|e| failed(&path, e))?;
            Ok(PutResult { e_tag: None, version: None })
        })
        .await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let inner = self.inner.put_multipart_opts(location, opts).await?;
        Ok(Box::new(SyncedUpload { inner, place: self.place(location)? }))
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
        self.inner.copy_opts(from, to, options).await?;
        self.sync_landed(to).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await?;
        self.sync_landed(to).await
    }
}

impl DurableStore {
    async fn sync_landed(&self, location: &Path) -> Result<()> {
        let place = self.place(location)?;
        blocking(move || sync_with_folder(&place)).await
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
    place: PathBuf,
}

#[async_trait::async_trait]
impl MultipartUpload for SyncedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let result = self.inner.complete().await?;
        let place = self.place.clone();
        blocking(move || sync_with_folder(&place)).await?;
        Ok(result)
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Error::Generic { store: "local", source: e.into() })?
}

fn write_whole(place: &FsPath, payload: &PutPayload) -> std::io::Result<()> {
    let mut file = File::create(place)?;
    for part in payload {
        file.write_all(part)?;
    }
    file.sync_all()
}

fn sync_with_folder(place: &FsPath) -> Result<()> {
    let name = place.display().to_string();
    File::open(place).and_then(|f| f.sync_all()).map_err(|e| failed(&name, e))?;
    sync_folder(place.parent().unwrap_or(place)).map_err(|e| failed(&name, e))
}

fn sync_folder(folder: &FsPath) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes a folder and those above it; each new name is synced in the folder that holds it.
fn make_folder(folder: &FsPath) -> std::io::Result<()> {
    match fs::create_dir(folder) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => return Ok(()),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            let parent = folder.parent().ok_or(e)?;
            make_folder(parent)?;
            match fs::create_dir(folder) {
                Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(e),
                _ => {}
            }
        }
        other => other?,
    }
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent),
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
