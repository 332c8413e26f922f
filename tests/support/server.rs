//! `vitalog` as a process of its own, stopped by its id.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::http::{Answer, send};

/// A running server.
pub struct Server {
    process: Child,
    pub url: String,
    /// Where clients of PostgreSQL are taken, if anywhere: `127.0.0.1:PORT`.
    pub pg: Option<String>,
    /// Where clients of Arrow Flight SQL are taken, if anywhere: `grpc://127.0.0.1:PORT`.
    pub flight: Option<String>,
    /// What it has said on standard output.
    out: Arc<Mutex<String>>,
    /// Of the last acknowledgement: what is asked next waits for it.
    position: Mutex<String>,
}

/// The binary under test.
pub fn vitalog() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vitalog"));
    command.env_remove("VITALOG_TOKEN").env_remove("VITALOG_LOG_FORMAT");
    command
}

impl Server {
    /// `vitalog serve --open` on a free port, with the shipped rules.
    pub fn start(data: &Path, more: &[&str]) -> Server {
        let mut command = vitalog();
        command.args(["serve", "--open", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(more);
        Server::spawn(command)
    }

    /// Any command that prints `listening on http://…`, or `https://…`.
    pub fn spawn(command: Command) -> Server {
        Server::telling(command, Stdio::inherit())
    }

    /// The same, with what it logs in a file.
    pub fn logged(command: Command, log: &Path) -> Server {
        Server::telling(command, std::fs::File::create(log).expect("made").into())
    }

    /// The same, where it may end before it listens.
    pub fn try_spawn(command: Command) -> Option<Server> {
        Server::listening(command, Stdio::inherit()).ok()
    }

    fn telling(command: Command, log: Stdio) -> Server {
        Server::listening(command, log).unwrap_or_else(|status| panic!("the server did not say where it listens: {status:?}"))
    }

    fn listening(mut command: Command, log: Stdio) -> Result<Server, ExitStatus> {
        let mut process = command.stdout(Stdio::piped()).stderr(log).spawn().expect("the binary starts");
        let (found, lines) = channel();
        let stdout = process.stdout.take().expect("it is piped");
        let out = Arc::new(Mutex::new(String::new()));
        let heard = out.clone();
        std::thread::spawn(move || {
            let (mut pg, mut flight) = (None, None);
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                heard.lock().expect("nobody panicked").extend([line.as_str(), "\n"]);
                if let Some((_, rest)) = line.split_once("postgresql://") {
                    pg = rest.split('/').next().map(str::to_owned);
                } else if let Some(at) = line.find("grpc") {
                    flight = line[at..].split_whitespace().next().map(str::to_owned);
                } else if let Some(at) = line.find("http") {
                    let url = line[at..].split_whitespace().next().unwrap_or_default();
                    let _ = found.send((url.trim_end_matches('/').to_owned(), pg.clone(), flight.clone()));
                }
            }
        });
        let Ok((url, pg, flight)) = lines.recv_timeout(Duration::from_secs(120)) else {
            let _ = process.kill();
            return Err(process.wait().expect("it ended"));
        };
        Ok(Server { process, url, pg, flight, out, position: Mutex::default() })
    }

    pub fn try_send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Option<Answer> {
        send(method, &format!("{}{path}", self.url), headers, body.into()).ok()
    }

    pub fn get(&self, path: &str) -> Answer {
        self.try_send("GET", path, &[], "").expect("the server answers")
    }

    /// Sends NDJSON readings and gives the answer.
    pub fn readings(&self, ndjson: &str) -> Answer {
        self.try_readings(ndjson).expect("the server answers")
    }

    /// The same, where there may be no answer.
    pub fn try_readings(&self, ndjson: &str) -> Option<Answer> {
        self.try_sent("application/x-ndjson", ndjson)
    }

    /// Readings in any form.
    pub fn try_sent(&self, form: &str, body: impl Into<Vec<u8>>) -> Option<Answer> {
        let answer = self.try_send("POST", "/v1/readings", &[("content-type", form)], body)?;
        if let Some(position) = answer.headers.get("vitalog-position").and_then(|p| p.to_str().ok()) {
            position.clone_into(&mut self.position.lock().expect("nobody panicked"));
        }
        Some(answer)
    }

    /// Runs SQL once all that was acknowledged to [`Server::readings`] is visible.
    pub fn sql(&self, query: &str) -> Value {
        let body = serde_json::json!({ "sql": query }).to_string();
        let position = self.position.lock().expect("nobody panicked").clone();
        let mut headers = vec![("content-type", "application/json")];
        if !position.is_empty() {
            headers.push(("vitalog-position", &position));
        }
        let sent = self.try_send("POST", "/v1/sql", &headers, body);
        let answer = sent.expect("the server answers").ok();
        assert!(answer.headers.get("vitalog-truncated").is_none(), "the answer to {query:?} was cut off");
        answer.json()
    }

    /// From now on questions wait for all that is in the journal by now: also what the server decided by its clock, which nobody was told the position of.
    pub fn catch_up(&self) {
        *self.position.lock().expect("nobody panicked") = self.journal_end().to_string();
    }

    /// How many inputs the journal has.
    pub fn journal_end(&self) -> i64 {
        let metrics = self.get("/metrics").ok().body;
        let said = metrics.lines().find_map(|line| line.strip_prefix("vitalog_journal_offset ")).expect("it is told");
        said.trim().parse::<f64>().expect("a number") as i64
    }

    /// All recommendations of a subject, page by page, once all that was acknowledged to [`Server::readings`] is seen.
    pub fn recommendations(&self, subject: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let position = self.position.lock().expect("nobody panicked").clone();
            let headers: Vec<(&str, &str)> = if position.is_empty() { vec![] } else { vec![("vitalog-position", &position)] };
            let path = format!("/v1/subjects/{subject}/recommendations?limit=1000{after}");
            let mut page = self.try_send("GET", &path, &headers, "").expect("the server answers").ok().json();
            all.append(page["recommendations"].as_array_mut().expect("a list"));
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return all,
            }
        }
    }

    /// SIGKILL: nothing of it has a chance to tidy up.
    pub fn kill_now(&self) {
        Command::new("kill").args(["-KILL", &self.process.id().to_string()]).status().expect("kill runs");
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// SIGTERM, and all that it had said on standard output when it had ended.
    pub fn stop_and_tell(self) -> String {
        let out = self.out.clone();
        assert_eq!(self.stop(), Some(0));
        // Whoever reads along has their own until there is nothing left to read.
        while Arc::strong_count(&out) > 1 {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::mem::take(&mut *out.lock().expect("nobody panicked"))
    }

    /// Its exit status, once it has ended by itself.
    pub fn wait(mut self) -> Option<i32> {
        self.process.wait().expect("it ended").code()
    }

    /// SIGTERM, and its exit status.
    pub fn stop(mut self) -> Option<i32> {
        let id = self.process.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().expect("kill runs");
        self.process.wait().expect("it ended").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs a command to its end: exit status, standard output, standard error.
pub fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let output = command.output().expect("it runs");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// What a server says that does not start on a data directory.
pub fn refused(data: &Path) -> String {
    let mut command = vitalog();
    command.args(["serve", "--open", "--listen", "127.0.0.1:0", "--data"]).arg(data);
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    for _ in 0..1_200 {
        if let Some(status) = process.try_wait().expect("its state") {
            let mut said = String::new();
            process.stderr.take().expect("it is piped").read_to_string(&mut said).expect("text");
            assert_eq!(status.code(), Some(1), "{said}");
            return said;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ = process.kill();
    let _ = process.wait();
    panic!("a server started on {}", data.display());
}

/// The repository's root.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
