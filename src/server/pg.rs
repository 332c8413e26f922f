//! Clients of PostgreSQL.

/// As the access log calls the way by which they come.
pub const WAY: &str = "POSTGRESQL";
