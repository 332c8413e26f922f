//! A small world around the views: streams, readings, and a stand-in for the run loop.

pub mod findings;
pub mod judge;
pub mod schema;
pub mod server;
pub mod world;
