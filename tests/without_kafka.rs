//! In the place of the tests of a journal in Kafka, where the client is not built: `cargo test` says that it leaves them out, and `tests/run` would fail.

use crate::support::need::need;

#[test]
fn the_journal_in_kafka_wants_the_feature() {
    need("a build with `--features kafka`", None::<()>);
}
