//! All that waits: the object store, Delta commits, the files, queries, HTTP.

pub(crate) mod accounting;
mod apart;
mod delta;
pub(crate) mod describe;
mod export;
pub mod flight;
pub(crate) mod flow;
pub(crate) mod flush;
mod footers;
mod forget;
mod give_way;
mod http;
pub(crate) mod lake;
mod locate;
mod only_kept;
mod only_seen;
pub mod pg;
mod plan;
pub mod port;
mod pseudonymised;
mod query;
pub(crate) mod readback;
mod relation;
pub(crate) mod repair;
pub(crate) mod retain;
mod runtime;
mod scan;
mod scan_end;
pub(crate) mod session;
pub(crate) mod store;
mod taking;
pub(crate) mod trace;
mod turns;
mod write;

pub use export::{Export, ExportLimits, Exported};
pub use http::{SqlDoor, api};
