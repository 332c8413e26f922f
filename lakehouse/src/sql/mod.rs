//! Questions in SQL: what may be asked, and how the answer is written.

mod answer;
mod asof;
mod known;
mod limits;
mod list_rows;
mod literal;
mod marks;
mod place;
mod statement;
mod statements;
mod study;

pub use answer::{Answer, Format};
pub(crate) use answer::{flat, texts};
pub(crate) use asof::AsOf;
pub(crate) use known::ReadingsAsKnown;
pub(crate) use limits::refused;
pub use limits::{Limits, SqlError};
pub(crate) use list_rows::{OverRelations, OverUnnests, Undetermined};
pub(crate) use literal::{Literal, fill, parameters};
pub(crate) use marks::Marked;
pub use place::{Place, place_of};
pub(crate) use statement::{LONGEST, check_size, explains, parse};
pub use statements::{is_complete, split};
pub(crate) use study::{Class, Floored, floored};
