//! Questions in SQL: what may be asked, and how the answer is written.

mod answer;
mod asof;
mod known;
mod limits;
mod list_rows;
mod statement;

pub use answer::{Answer, Format};
pub(crate) use asof::AsOf;
pub(crate) use known::ReadingsAsKnown;
pub(crate) use limits::refused;
pub use limits::{Limits, SqlError};
pub(crate) use list_rows::{OverRelations, OverUnnests, Undetermined};
pub(crate) use statement::{check_size, explains, parse};
