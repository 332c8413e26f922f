//! What Arrow Flight SQL says and means here: what answers look like to its clients, what they are told of the server, tickets, values and refusals. Nothing here waits; [`crate::io::flight`] listens.
//! <https://arrow.apache.org/docs/format/FlightSql.html>

pub(crate) mod catalogue;
pub(crate) mod info;
pub(crate) mod kinds;
pub(crate) mod shape;
pub(crate) mod status;
pub(crate) mod ticket;
pub(crate) mod values;
pub(crate) mod whole;
