//! The JDBC driver of Arrow Flight SQL, as Java programs and their tools use it (`tests/support/flight/FlightJdbc.java`).

use std::process::Command;

use vitalog_broker::Jars;

use super::{listening, place};
use crate::support::need::need;
use crate::support::server::{root, run};

const DRIVER: Jars<'static> = Jars {
    name: "flight-sql-jdbc-18.3.0",
    pinned: include_str!("../support/flight/jars.sha256"),
    pom: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/flight/pom.xml"),
};

#[test]
fn jdbc_reads_the_catalogue_asks_and_stops() {
    let jars = DRIVER.find().map_err(|why| eprintln!("no JDBC driver: {why}")).ok();
    let Some(jars) = need("the JDBC driver of Arrow Flight SQL", jars) else { return };
    let dir = tempfile::tempdir().unwrap();
    let (server, token) = listening(dir.path(), &[]);
    let (host, port) = place(&server).strip_prefix("grpc://").and_then(|at| at.split_once(':')).expect("an address");
    let mut java = Command::new("java");
    java.args(["-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "--add-opens=java.base/java.nio=ALL-UNNAMED", "-cp"]);
    java.arg(format!("{}/*", jars.display())).arg(root().join("tests/support/flight/FlightJdbc.java"));
    let (status, out, err) = run(java.args([host, port, "root", &token]));
    assert!(status == Some(0) && out.trim_end().ends_with("sound"), "{out}{err}");
    assert_eq!(server.stop(), Some(0));
}
