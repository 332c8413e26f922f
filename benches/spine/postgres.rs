//! PostgreSQL beside it, in the same run: the same readings kept in one table with a primary key, and nothing else: no rules, no pages, no lake. `COPY` in transactions of a thousand from four
//! connections, and one `INSERT` a transaction from sixty-four, each synced before it is answered (`synchronous_commit=on`).
//!
//! Its programs are those of `VITALOG_POSTGRES`, or of the newest release below `/usr/lib/postgresql`. It does not run as root, so where we do, it is the user `postgres`'s.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::population::{Tempo, batch};

const COLUMNS: [&str; 13] =
    ["subject", "stream", "at", "value", "amount", "systolic", "diastolic", "kind", "battery", "cpu", "source", "seq", "rev"];
const TABLE: &str = "create table readings (subject text not null, stream text not null, at timestamptz not null, value double precision, amount text,
    systolic double precision, diastolic double precision, kind text, battery double precision, cpu double precision, source text, seq bigint, rev bigint,
    primary key (subject, stream, at))";
const INSERT: &str = "insert into readings (subject, stream, at, value) values ('single-' || :client_id || '-' || floor(random() * 50), 'bg', clock_timestamp(), 100 + random() * 60);\n";

/// A server of its own, with memory and log to its liking.
pub struct Postgres {
    bin: PathBuf,
    home: tempfile::TempDir,
    process: Child,
}

/// Starts it; `None` where there is none, which is said.
pub fn start() -> Option<Postgres> {
    let Some(bin) = programs() else {
        println!(
            "postgres: left out, since there is none below /usr/lib/postgresql, and VITALOG_POSTGRES names no folder of its programs"
        );
        return None;
    };
    let home = tempfile::Builder::new().prefix("pg").tempdir().expect("a folder");
    let data = home.path().join("data");
    if is_root() {
        run(Command::new("chown").arg("postgres").arg(home.path()));
    }
    run(as_owner(&bin.join("initdb")).args(["--auth=trust", "--no-locale", "--encoding=UTF8", "-D"]).arg(&data));
    let mut server = as_owner(&bin.join("postgres"));
    server.arg("-D").arg(&data).arg("-k").arg(home.path()).args(["-c", "listen_addresses="]);
    for setting in ["synchronous_commit=on", "fsync=on", "shared_buffers=1GB", "max_wal_size=8GB", "checkpoint_timeout=30min"] {
        server.args(["-c", setting]);
    }
    let process = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let postgres = Postgres { bin, home, process };
    let began = Instant::now();
    while !postgres.client("pg_isready").status().expect("it runs").success() {
        assert!(began.elapsed() < Duration::from_secs(30), "postgres does not answer");
        std::thread::sleep(Duration::from_millis(100));
    }
    postgres.tell(TABLE);
    Some(postgres)
}

impl Postgres {
    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command.arg("-h").arg(self.home.path()).args(["-U", "postgres"]).stdout(Stdio::null());
        if program == "psql" {
            command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "postgres"]);
        }
        command
    }

    fn tell(&self, sql: &str) {
        run(self.client("psql").args(["-c", sql]));
    }

    /// The readings of the ingest bench.
    pub fn copies(&self, tempo: Tempo, connections: u64, batches: u64, lines: u64) {
        let scripts: Vec<PathBuf> = (0..connections)
            .map(|part| {
                let path = self.home.path().join(format!("copy-{part}.sql"));
                let mut script = String::new();
                for number in 0..batches {
                    script.push_str("copy readings from stdin csv;\n");
                    rows(&batch(tempo, part, number, lines), &mut script);
                    script.push_str("\\.\n");
                }
                std::fs::write(&path, script).expect("written");
                path
            })
            .collect();
        let began = Instant::now();
        let mut sending: Vec<Child> =
            scripts.iter().map(|script| self.client("psql").arg("-f").arg(script).spawn().expect("psql runs")).collect();
        assert!(sending.iter_mut().all(|psql| psql.wait().expect("it ends").success()), "COPY failed");
        let took = began.elapsed().as_secs_f64();
        let readings = connections * batches * lines;
        println!(
            "postgres, COPY in transactions of {lines} from {connections} connections: {:.0} rows/s",
            readings as f64 / took
        );
    }

    /// One row a transaction.
    pub fn singles(&self, connections: i64, requests: i64) {
        let (script, log) = (self.home.path().join("insert.sql"), self.home.path().join("waits"));
        std::fs::write(&script, INSERT).expect("written");
        let mut bench = self.client("pgbench");
        bench.args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--log", "--log-prefix"]).arg(&log);
        bench.arg(format!("--client={connections}")).arg(format!("--transactions={requests}")).arg("-f").arg(&script);
        let began = Instant::now();
        run(bench.arg("postgres"));
        let took = began.elapsed().as_secs_f64();
        let mut waits: Vec<u64> = Vec::new();
        for file in std::fs::read_dir(self.home.path()).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("waits")) {
                let text = std::fs::read_to_string(&file).expect("read");
                waits.extend(text.lines().filter_map(|line| line.split(' ').nth(2)?.parse::<u64>().ok()));
            }
        }
        waits.sort_unstable();
        assert_eq!(waits.len() as i64, connections * requests, "transactions failed");
        let at = |share: usize| waits[waits.len() * share / 1_000] as f64 / 1e3;
        println!(
            "postgres, one INSERT a transaction, {connections} connections: {:.0} transactions/s; p50 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms",
            waits.len() as f64 / took,
            at(500),
            at(990),
            at(999)
        );
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // A fast shutdown: it waits for nobody, and leaves its folder whole.
        let _ = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status();
        let _ = self.process.wait();
    }
}

/// A batch of NDJSON as rows of CSV.
fn rows(ndjson: &[u8], into: &mut String) {
    for line in ndjson.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let reading: Value = serde_json::from_slice(line).expect("JSON");
        for (i, column) in COLUMNS.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            // Neither texts nor numbers of the population have a comma or a quote in them.
            let _ = match &reading[*column] {
                Value::Null => write!(into, "{comma}"),
                Value::String(text) => write!(into, "{comma}{text}"),
                other => write!(into, "{comma}{other}"),
            };
        }
        into.push('\n');
    }
}

fn programs() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("VITALOG_POSTGRES") {
        return Some(PathBuf::from(named));
    }
    let mut found: Vec<PathBuf> =
        std::fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(|e| Some(e.ok()?.path().join("bin"))).collect();
    found.retain(|bin| bin.join("initdb").is_file() && bin.join("pgbench").is_file());
    found.sort();
    found.pop()
}

fn is_root() -> bool {
    let own = Command::new("id").arg("-u").output().expect("id runs");
    own.stdout.trim_ascii() == b"0"
}

fn as_owner(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    // In its place, so that stopping the one stops the other.
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
    command
}

fn run(command: &mut Command) {
    let out = command.stdout(Stdio::null()).stderr(Stdio::piped()).output().expect("it runs");
    assert!(out.status.success(), "{command:?}: {}", String::from_utf8_lossy(&out.stderr));
}
