//! The release binary as a process of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub struct Server {
    process: Child,
    /// `127.0.0.1:port`.
    pub host: String,
}

impl Server {
    pub fn start(data: &Path, more: &[&str]) -> Server {
        let mut command = Server::program();
        command.args(["serve", "--open", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(more);
        Server::of(&mut command)
    }

    /// One whose clock runs so many times as fast as life, with people of its own.
    pub fn demo(data: &Path, speed: f64) -> Server {
        let mut command = Server::program();
        command.args(["demo", "--listen", "127.0.0.1:0", "--speed", &speed.to_string(), "--data"]).arg(data);
        Server::of(&mut command)
    }

    pub fn program() -> Command {
        Command::new(env!("CARGO_BIN_EXE_vitalog"))
    }

    fn of(command: &mut Command) -> Server {
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the binary starts");
        let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let host = lines
            .find_map(|line| Some(line.ok()?.split("http://").nth(1)?.trim().to_owned()))
            .expect("the server says where it listens");
        // It may say more, and would fail where nobody listens.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Server { process, host }
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// CPU seconds that the process has used.
    pub fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).expect("it runs");
        let fields: Vec<&str> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
        let ticks: f64 = fields[11].parse::<f64>().expect("user time") + fields[12].parse::<f64>().expect("system time");
        ticks / 100.0
    }

    /// The most memory it has held, in megabytes.
    pub fn peak_mb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("it runs");
        let line = status.lines().find(|l| l.starts_with("VmHWM")).expect("a peak");
        line.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok()).expect("a number") / 1_000
    }

    pub fn stop(mut self) {
        Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status().expect("kill runs");
        assert!(self.process.wait().expect("it ends").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
