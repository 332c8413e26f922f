//! An Apache Kafka broker as a process of its own, for tests: made anew in a folder of its own, started on free ports of loopback, ended in order, killed, stopped in its tracks, started again,
//! and reached through a proxy that cuts and stalls.
//!
//! It is the real one: its jars are fetched once by Maven, pinned by their hashes, and kept in the cache. Where Java or the jars can't be had, [`installed`] says so and nothing is started.
//! Nothing outlives the tests: a broker ends when the process that started it does, however that ends.

mod broker;
mod jars;
mod ports;
mod proxy;
mod tls;

pub use broker::{Broker, PASSWORD, USER};
pub use jars::{Jars, installed};
pub use ports::free_ports;
pub use proxy::{Mode, Proxy};
