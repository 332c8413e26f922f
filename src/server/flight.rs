//! Clients of Arrow Flight SQL.

use std::time::Duration;

use vitalog_lakehouse::Limits;

/// As the access log calls the way by which they come.
pub const WAY: &str = "FLIGHT";

/// What a statement may use. An answer flows and is never held, so it may have far more rows than elsewhere.
pub const LIMITS: Limits = Limits { memory: 512 << 20, time: Duration::from_secs(30), rows: 10_000_000 };
