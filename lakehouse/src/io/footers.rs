//! What files say of themselves (Parquet's footers and page indexes), kept from one statement to the next: a file never changes, so what was read once holds as long as it is there.

use std::sync::Arc;

use datafusion::catalog::Session;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::error::Result;
use datafusion::execution::object_store::ObjectStoreUrl;

use crate::io::scan::STORE_URL;

/// Bytes that they may take up; those that were not asked for the longest go.
pub const MOST_BYTES: usize = 64 << 20;

/// How the scans of a session come to them.
///
/// # Errors
/// Where it knows of no store.
pub fn kept(session: &dyn Session) -> Result<Arc<dyn ParquetFileReaderFactory>> {
    let runtime = session.runtime_env();
    let store = runtime.object_store(ObjectStoreUrl::parse(STORE_URL)?)?;
    Ok(Arc::new(CachedParquetFileReaderFactory::new(store, runtime.cache_manager.get_file_metadata_cache())))
}
