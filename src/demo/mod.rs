//! The demonstration: days of real people, moved so that their most telling moment is now, and going on live.
//!
//! The bundled days are real (T1D-UOM, CC BY 4.0); blood pressure and the phone's health are generated and say so in their source. They are sent as
//! a device would send them: over HTTP to the gateway.

mod bundle;
pub mod feed;
pub mod generate;
pub mod population;
pub mod post;
mod schedule;

pub use bundle::ATTRIBUTION;
pub use schedule::{Schedule, days};
