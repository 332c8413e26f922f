//! psql, as people use it.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use super::{READINGS, ask, listening, place};
use crate::support::need::{need, program};
use crate::support::server::{Server, run};

pub struct Psql {
    program: PathBuf,
    host: String,
    port: String,
    pub user: String,
    pub token: String,
    pub tls: &'static str,
}

impl Psql {
    pub fn of(server: &Server, user: &str, token: &str) -> Option<Psql> {
        let (host, port) = place(server);
        let program = need("psql", program("psql"))?;
        let [host, port, user, token] = [host, port, user, token].map(str::to_owned);
        Some(Psql { program, host, port, user, token, tls: "prefer" })
    }

    /// Status, output, errors.
    pub fn run(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let to = format!("host={} port={} user={} dbname=vitalog sslmode={}", self.host, self.port, self.user, self.tls);
        let mut command = Command::new(&self.program);
        command.env("PGPASSWORD", &self.token).env("PGCONNECT_TIMEOUT", "20").env("PAGER", "cat").env("LC_ALL", "C.UTF-8");
        run(command.args(["-X", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose", "-d", &to]).args(args))
    }

    pub fn told(&self, args: &[&str]) -> String {
        let (status, out, err) = self.run(args);
        assert_eq!((status, &*err), (Some(0), ""), "{args:?}: {out}");
        out.trim_end().to_owned()
    }

    pub fn asked(&self, sql: &str) -> String {
        self.told(&["-A", "-t", "-c", sql])
    }

    /// What it says of a statement that is refused.
    pub fn refused(&self, sql: &str) -> String {
        let (status, out, err) = self.run(&["-A", "-t", "-c", sql]);
        assert_ne!(status, Some(0), "{sql}: {out}");
        err
    }
}

#[test]
fn psql_asks_and_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    let (server, token) = listening(dir.path(), &[]);
    let Some(psql) = Psql::of(&server, "root", &token) else { return };
    assert_eq!(
        psql.asked("select subject, count(*), min(value), max(at) from bg group by 1 order by 1"),
        "p-1|12|100|2026-03-10 08:55:00+00\np-2|12|100|2026-03-10 08:55:00+00"
    );
    // Several statements, in a transaction or not, and what is about the session.
    assert_eq!(psql.asked("begin; select 1 as a; select 'b' as b; commit"), "BEGIN\n1\nb\nCOMMIT");
    assert_eq!(psql.asked("set application_name to 'a test'; show application_name"), "SET\na test");
    assert_eq!(psql.asked("show transaction_read_only"), "on");
    assert_eq!(
        psql.asked("select true, null, 1.5::double, '{}' as t, array['a','b,c'], date '2026-03-10', interval '1 day 2 hours'"),
        "t||1.5|{}|{a,\"b,c\"}|2026-03-10|1 day 02:00:00"
    );
    // A row that is a second old is seen.
    let sent = Instant::now();
    ask(
        &server,
        &token,
        "POST",
        "/v1/readings",
        r#"{"subject":"p-9","stream":"bg","at":"2026-03-10T09:00:00Z","value":77,"id":"new"}"#,
    )
    .ok();
    while psql.asked("select value from bg where subject = 'p-9'") != "77" {
        assert!(sent.elapsed() < Duration::from_secs(10), "it is not seen");
    }
    eprintln!("seen after {:?}, the start of psql included", sent.elapsed());
    // Columns are described without being asked, and rows come in parts.
    let script = dir.path().join("describe.sql");
    std::fs::write(&script, r"select subject, value, at from bg where value > 100 \gdesc").expect("written");
    assert!(psql.told(&["-f", &script.display().to_string()]).contains("timestamp with time zone"));
    assert_eq!(
        psql.told(&["-A", "-t", "-v", "FETCH_COUNT=5", "-c", "select value from bg order by at"])
            .lines()
            .filter(|line| line.parse::<f64>().is_ok())
            .count(),
        2 * READINGS + 1
    );
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn what_is_wrong_is_said_with_its_state_and_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let (server, token) = listening(dir.path(), &[]);
    let Some(psql) = Psql::of(&server, "root", &token) else { return };
    let said = psql.refused("select subject,\n       vlaue from bg");
    assert!(said.contains("42703") && said.contains("LINE 2:") && said.contains("        ^"), "{said}");
    for (sql, state) in [
        ("selec 1", "42601"),
        ("select * from nowhere", "42P01"),
        ("select gmj(value) from bg", "42883"),
        ("delete from readings", "25006"),
        ("create table t (a int)", "25006"),
        ("copy readings to '/tmp/x'", "25006"),
        ("select 'x'::int from bg", "22000"),
        ("set timezone to 'Europe/London'", "22023"),
        ("select * from pg_catalog.pg_nothing", "42P01"),
    ] {
        let said = psql.refused(sql);
        assert!(said.contains(state), "{sql}: {said}");
    }
    // A failed transaction takes nothing but its end.
    let (_, out, err) = psql.run(&[
        "-A",
        "-t",
        "-v",
        "ON_ERROR_STOP=0",
        "-c",
        "begin",
        "-c",
        "select x from bg",
        "-c",
        "select 1",
        "-c",
        "commit",
    ]);
    assert!(err.contains("25P02") && out.trim() == "BEGIN\nROLLBACK", "{out}{err}");
    let mut other = Psql::of(&server, "root", "vitalog_0000").expect("psql");
    assert!(other.refused("select 1").contains("no account has this name"), "a wrong token");
    other.token.clone_from(&token);
    other.user = "toor".to_owned();
    assert!(other.refused("select 1").contains("no account has this name"), "another's token");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn psql_describes_what_there_is() {
    let dir = tempfile::tempdir().unwrap();
    let (server, token) = listening(dir.path(), &[]);
    let Some(psql) = Psql::of(&server, "root", &token) else { return };
    let tables = psql.told(&["-A", "-t", "-c", "\\dt"]);
    assert!(tables.contains("lake|readings|table|vitalog") && tables.contains("lake|dead_letters|table"), "{tables}");
    let views = psql.told(&["-A", "-t", "-c", "\\dv"]);
    assert!(views.contains("lake|bg|view|vitalog") && views.contains("lake|recommendations|view"), "{views}");
    assert!(psql.told(&["-A", "-t", "-c", "\\d"]).contains("lake|matches|table"));
    let described = psql.told(&["-A", "-t", "-c", "\\d bg"]);
    assert!(
        described.contains("subject|text")
            && described.contains("at|timestamp with time zone")
            && described.contains("value|double precision"),
        "{described}"
    );
    let described = psql.told(&["-A", "-t", "-c", "\\d+ readings"]);
    assert!(described.contains("whom it is about") && described.contains("bg_value|double precision"), "{described}");
    for (command, has) in [
        ("\\l", "vitalog|vitalog|UTF8"),
        ("\\dn", "lake|vitalog"),
        ("\\du", "root"),
        ("\\dt lake.r*", "readings_history"),
        ("\\d+ recommendations", "evidence|text[]"),
    ] {
        let said = psql.told(&["-A", "-t", "-c", command]);
        assert!(said.contains(has), "{command}: {said}");
    }
    // What there is nothing of is told so, and is no error.
    for command in
        ["\\di", "\\df", "\\dx", "\\ds", "\\dm", "\\dp", "\\dT", "\\dd", "\\dF", "\\dO", "\\z", "\\sv bg", "\\conninfo"]
    {
        let (status, out, err) = psql.run(&["-c", command]);
        assert_eq!(status, Some(0), "{command}: {out}{err}");
    }
    assert!(psql.refused("\\d nowhere").contains("Did not find any relation named"));
}
