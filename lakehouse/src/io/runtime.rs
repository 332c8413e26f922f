//! Where queries run: threads of their own, and an environment that knows one store only.
//!
//! A query that plans for long, or doesn't give way, holds up none of the server's threads. The environment has no spill files and finds no
//! store but the lake's, so there is no path from SQL to a file of the host.

use std::sync::Arc;
use std::time::Duration;

use datafusion::common::DataFusionError;
use datafusion::execution::cache::cache_manager::{CacheManagerConfig, FileMetadataCache};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::object_store::ObjectStoreRegistry;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use object_store::ObjectStore;
use tokio::runtime::{Builder, Handle, Runtime};
use url::Url;

use crate::error::{Doing, LakeError};
use crate::io::footers::MOST_BYTES;
use crate::io::scan::STORE_URL;

/// Threads for queries, ended without waiting.
pub struct QueryThreads {
    runtime: Option<Runtime>,
}

/// Nested queries and chains of operators recurse deeply; the room is only taken where it is used.
const STACK: usize = 64 << 20;
const THREADS: usize = 2;

impl QueryThreads {
    /// # Errors
    /// Where the system gives no threads.
    pub fn start() -> Result<QueryThreads, LakeError> {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(THREADS).thread_stack_size(STACK).thread_name("query").enable_all();
        Ok(QueryThreads { runtime: Some(builder.build().doing("starting the query threads")?) })
    }

    /// `None` only while it ends.
    pub fn handle(&self) -> Option<&Handle> {
        self.runtime.as_ref().map(Runtime::handle)
    }
}

impl Drop for QueryThreads {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waiting isn't allowed where an async task drops the lake.
            runtime.shutdown_timeout(Duration::ZERO);
        }
    }
}

/// An environment that finds the lake's files and nothing else, and has the footers that were read before.
///
/// # Errors
/// Those of DataFusion.
pub fn files_only(
    store: &Arc<dyn ObjectStore>,
    footers: &Arc<FileMetadataCache>,
    memory: Option<usize>,
) -> Result<Arc<RuntimeEnv>, LakeError> {
    let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
    let kept = CacheManagerConfig::default().with_file_metadata_cache(Some(footers.clone()));
    let mut builder = RuntimeEnvBuilder::new()
        .with_disk_manager_builder(disk)
        .with_cache_manager(kept.with_metadata_cache_limit(MOST_BYTES))
        .with_object_store_registry(Arc::new(OnlyTheLake(store.clone())));
    if let Some(bytes) = memory {
        builder = builder.with_memory_pool(Arc::new(GreedyMemoryPool::new(bytes)));
    }
    builder.build_arc().doing("making a query environment")
}

/// Knows the lake's store, by one address.
#[derive(Debug)]
struct OnlyTheLake(Arc<dyn ObjectStore>);

impl ObjectStoreRegistry for OnlyTheLake {
    fn register_store(&self, _: &Url, _: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        None
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>, DataFusionError> {
        if url.as_str().trim_end_matches('/') == STORE_URL {
            Ok(Arc::clone(&self.0))
        } else {
            Err(DataFusionError::Plan("files outside the lake can't be read".to_owned()))
        }
    }
}
