//! A store that fails: the n-th operation, or everything from the n-th on; before it is done, or after.
//!
//! Reads change nothing. So a death is only tried at writes (at a read it leaves what the next write's leaves), and so is a write that is done but
//! reports a failure (of a read that is a plain failure). A death after a write leaves what a death before the next one leaves.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result,
};

/// What happens at the n-th operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A write isn't done, and nothing after it either: the process was killed.
    Die,
    /// A read or write isn't done; what follows is.
    Fail,
    /// A write is done, but reports a failure.
    Lie,
}

#[derive(Debug)]
pub struct FaultStore {
    inner: Arc<InMemory>,
    fault: Fault,
    /// Operations that still succeed, of those that are counted.
    left: AtomicI64,
}

enum Verdict {
    Do,
    DoAndFail,
    Fail,
}

impl FaultStore {
    pub fn new(inner: Arc<InMemory>, fault: Fault, after: i64) -> FaultStore {
        FaultStore { inner, fault, left: AtomicI64::new(after) }
    }

    /// From now on, that many succeed.
    pub fn arm(&self, after: i64) {
        self.left.store(after, Ordering::SeqCst);
    }

    /// Whether the fault has happened.
    pub fn struck(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }

    fn verdict(&self, writes: bool) -> Verdict {
        if !writes && self.fault != Fault::Fail {
            return if self.fault == Fault::Die && self.struck() { Verdict::Fail } else { Verdict::Do };
        }
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        match self.fault {
            _ if left > 0 => Verdict::Do,
            Fault::Lie if left == 0 => Verdict::DoAndFail,
            Fault::Fail if left == 0 => Verdict::Fail,
            Fault::Fail | Fault::Lie => Verdict::Do,
            Fault::Die => Verdict::Fail,
        }
    }

    async fn write<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.run(true, work).await
    }

    async fn read<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.run(false, work).await
    }

    async fn run<T>(&self, writes: bool, work: impl Future<Output = Result<T>>) -> Result<T> {
        match self.verdict(writes) {
            Verdict::Do => work.await,
            Verdict::Fail => Err(broken()),
            Verdict::DoAndFail => {
                work.await?;
                Err(broken())
            }
        }
    }
}

fn broken() -> Error {
    Error::Generic { store: "fault", source: "the disk is on fire".into() }
}

impl fmt::Display for FaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failing store")
    }
}

#[async_trait::async_trait]
impl ObjectStore for FaultStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.write(self.inner.put_opts(location, payload, opts)).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.write(self.inner.put_multipart_opts(location, opts)).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.read(self.inner.get_opts(location, options)).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.read(self.inner.get_ranges(location, ranges)).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        match self.verdict(true) {
            Verdict::Do => self.inner.delete_stream(locations),
            _ => futures::stream::once(async { Err(broken()) }).boxed(),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.verdict(false) {
            Verdict::Do => self.inner.list(prefix),
            _ => futures::stream::once(async { Err(broken()) }).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.read(self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.write(self.inner.copy_opts(from, to, options)).await
    }
}
