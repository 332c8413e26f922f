//! Readings, their history, findings and dead letters as open Delta tables, and SQL over them.
//!
//! What the run loop steps over comes in as [`vitalog_elog::Record`]s and is visible to SQL at once (hot rows); a flush brings it into Parquet
//! files and commits them with the position, so that each input's effects are in each table exactly once, whatever crashes when. Every reading
//! can be given back exactly as it was.
//!
//! It never interprets a reading: what is current, superseded or outdated is told by the record. `async` is in [`io`] only.

mod choose;
mod cold;
mod decode;
mod encode;
mod error;
mod exact;
mod export;
mod eyes;
mod fit;
mod flight;
mod functions;
mod hot;
pub mod io;
mod layout;
mod masks;
mod month;
mod pack;
mod pg;
mod prune;
mod pseudonyms;
mod ranks;
mod retention;
mod shared;
mod sorted;
mod sql;
mod table;

pub use error::LakeError;
pub use export::Form;
pub use eyes::{Eyes, FLOOR, Study};
pub use io::accounting::{Part, Told};
pub use io::flush::Flushed;
pub use io::lake::{Hot, Lake};
pub use io::readback::{Accepted, Selection};
pub use io::repair::Wrong;
pub use io::retain::Dropped;
pub use io::store::{Disk, DurableStore};
pub use io::trace::{Trace, Traced, TracedPlace};
pub use pseudonyms::{Named, Pseudonyms};
pub use retention::{Cuts, Limit, Policy, Wrong as WrongPolicy};
pub use sql::{Answer, Format, Limits, Place, SqlError, is_complete, place_of, split};
pub use table::Table;
