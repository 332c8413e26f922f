//! Exact quantities: dimensions, their units, and amounts as they were sent.
//!
//! Each [`Dimension`] has one *atom*, chosen so small that every usual unit of it is a whole number of atoms. A quantity in the engine
//! is an `i64` of atoms: comparing 6.1 mmol/L with 110 mg/dL is comparing two integers, and a sum does not depend on its order.

mod amount;
mod unit;

pub use amount::{Amount, AmountError, format_atoms, push_atoms};
pub use unit::{Dimension, Unit};
