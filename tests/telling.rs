//! Policies from outside: the real binary, readings over HTTP, and a receiver of webhooks that hears who is told what, and when it stops.

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::hooks::Hooks;
use crate::support::server::{Server, run, vitalog};

const RULES: &str = "
use health
policy quick {
    notify patient by push
    after 1 s unless acknowledged notify caretaker by push, sms
    after 2 s unless acknowledged notify neighbour by phone
    repeat every 2 s until acknowledged
}
policy slow {
    notify patient by push
    after 6 s unless acknowledged notify caretaker by sms
    repeat every 1 s until acknowledged
}
rule low { severity urgent when bg.value < 54 mg/dL say \"low\" notify quick }
rule high { severity urgent when bg.value > 300 mg/dL say \"high\" notify slow }
";

/// What came, read.
pub struct Receiver(Hooks);

impl Receiver {
    /// Takes everything, until the test's process ends.
    pub fn start() -> (Receiver, String) {
        let (hooks, url) = Hooks::start();
        (Receiver(hooks), url)
    }

    /// Who was told what about a rule, as `role:kind` or `role:kind/step+repeat`.
    pub fn told(&self, rule: &str) -> Vec<String> {
        self.messages().iter().filter(|message| message["data"]["rule"] == rule).map(say).collect()
    }

    /// All messages that came, in their order.
    pub fn messages(&self) -> Vec<Value> {
        self.0.messages().iter().map(|(_, body)| serde_json::from_str(body).expect("messages are JSON")).collect()
    }

    /// How many messages came, about whatever.
    pub fn count(&self) -> usize {
        self.0.count()
    }

    pub fn wait_for(&self, rule: &str, what: &str) -> Vec<String> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let told = self.told(rule);
            if told.iter().any(|said| said == what) {
                return told;
            }
            assert!(Instant::now() < deadline, "{what} within 30 s; there are {told:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn say(message: &Value) -> String {
    let kind = message["type"].as_str().and_then(|kind| kind.strip_prefix("finding.")).expect("every kind is of a finding");
    let to = &message["data"]["to"];
    let step = match (to["step"].as_u64(), to["repeat"].as_u64()) {
        (Some(step), Some(0)) => format!("/{step}"),
        (Some(step), Some(repeat)) => format!("/{step}+{repeat}"),
        _ => String::new(),
    };
    let late = if to["late"] == true { "~" } else { "" };
    format!("{}:{kind}{step}{late}", to["role"].as_str().expect("every endpoint here has a role"))
}

fn start(dir: &Path, url: &str) -> Server {
    let rules = dir.join("rules");
    std::fs::create_dir_all(&rules).expect("a directory");
    std::fs::write(rules.join("own.rules"), RULES).expect("a file");
    let endpoint = |name: &str, role: &str, channel: &str| {
        json!({ "name": name, "url": format!("{url}/{name}"), "role": role, "channel": channel, "allow_loopback": true,
                "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] })
    };
    let config = json!({ "endpoints": [endpoint("anna", "patient", "push"), endpoint("carl", "caretaker", "sms")] });
    let file = dir.join("webhooks.json");
    std::fs::write(&file, config.to_string()).expect("a file");
    let (rules, file) = (rules.display().to_string(), file.display().to_string());
    Server::start(&dir.join("data"), &["--rules", &rules, "--webhooks", &file])
}

/// A reading of now; the finding it leads to.
fn measure(server: &Server, subject: &str, value: &str) {
    let at = jiff::Timestamp::now();
    server.readings(&json!({ "subject": subject, "stream": "bg", "at": at.to_string(), "value": value }).to_string()).ok();
}

fn finding(server: &Server, subject: &str) -> String {
    let all = server.recommendations(subject);
    all.iter().find(|r| r["state"] == "open").and_then(|r| r["id"].as_str()).expect("something stands").to_owned()
}

fn acknowledge(server: &Server, id: &str) {
    server.try_send("POST", &format!("/v1/recommendations/{id}/acknowledge"), &[], "").expect("the server answers").ok();
}

#[test]
fn nobody_answers_so_others_are_told_until_somebody_does() {
    let dir = tempfile::tempdir().unwrap();
    let (receiver, url) = Receiver::start();
    let server = start(dir.path(), &url);
    measure(&server, "p-1", "50 mg/dL");
    receiver.wait_for("low", "caretaker:repeated/2+1");
    let id = finding(&server, "p-1");
    acknowledge(&server, &id);
    let told = receiver.wait_for("low", "caretaker:acknowledged");
    assert_eq!(told[0], "patient:opened/1");
    assert!(told.contains(&"caretaker:opened/2".to_owned()) && told.contains(&"patient:repeated/1+1".to_owned()), "{told:?}");
    receiver.wait_for("low", "patient:acknowledged");
    let until_answered = receiver.told("low").len();
    // Two repetitions would fall due meanwhile.
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(receiver.told("low").len(), until_answered, "{:?}", receiver.told("low"));
    measure(&server, "p-1", "110 mg/dL");
    receiver.wait_for("low", "patient:resolved");
    receiver.wait_for("low", "caretaker:resolved");

    let detail = server.get(&format!("/v1/recommendations/{id}")).ok().json();
    let deliveries = detail["deliveries"].as_array().expect("a list");
    let neighbour = deliveries.iter().find(|d| d["role"] == "neighbour").expect("it is not dropped in silence");
    assert_eq!(
        (&neighbour["state"], &neighbour["channel"], &neighbour["step"]),
        (&json!("given_up"), &json!("phone"), &json!(3))
    );
    assert_eq!(neighbour["endpoint"], "");
    assert!(neighbour["said"].as_str().is_some_and(|said| said.contains("no endpoint is configured")), "{neighbour}");
    let carl = deliveries.iter().find(|d| d["endpoint"] == "carl" && d["step"] == 2).expect("he was told");
    assert_eq!((&carl["role"], &carl["channel"], &carl["repeat"]), (&json!("caretaker"), &json!("sms"), &json!(0)));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn who_answers_in_time_spares_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let (receiver, url) = Receiver::start();
    let server = start(dir.path(), &url);
    measure(&server, "p-2", "320 mg/dL");
    receiver.wait_for("high", "patient:opened/1");
    acknowledge(&server, &finding(&server, "p-2"));
    receiver.wait_for("high", "patient:acknowledged");
    std::thread::sleep(Duration::from_secs(7));
    let told = receiver.told("high");
    assert!(told.iter().all(|said| said.starts_with("patient:")), "{told:?}");
    assert_eq!(told.last().map(String::as_str), Some("patient:acknowledged"), "{told:?}");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn what_fell_due_while_the_server_was_down_is_told_once_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let (receiver, url) = Receiver::start();
    let server = start(dir.path(), &url);
    measure(&server, "p-3", "320 mg/dL");
    receiver.wait_for("high", "patient:opened/1");
    server.kill_now();
    drop(server);
    let before = receiver.told("high");
    assert!(before.iter().all(|said| said.starts_with("patient:")), "{before:?}");
    std::thread::sleep(Duration::from_secs(18));
    let server = start(dir.path(), &url);
    let told = receiver.wait_for("high", "caretaker:opened/2~");
    acknowledge(&server, &finding(&server, "p-3"));
    receiver.wait_for("high", "caretaker:acknowledged");
    let late = |told: &[String], role: &str| told.iter().filter(|said| said.starts_with(role) && said.ends_with('~')).count();
    // The patient's may be left out: a message whose receipt was lost with the kill is still on its way.
    assert!(late(&told, "patient") <= 1 && late(&told, "caretaker") == 1, "some fifteen repetitions fell due: {told:?}");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn who_only_looks_leaves_owed_messages_to_who_tells() {
    let dir = tempfile::tempdir().unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port that is free again");
    let server = start(dir.path(), &format!("http://{nobody}"));
    measure(&server, "p-4", "320 mg/dL");
    finding(&server, "p-4");
    assert_eq!(server.stop(), Some(0));
    // As if it had ended before it made any message.
    let data = dir.path().join("data");
    for file in std::fs::read_dir(&data).expect("the data directory").flatten() {
        if file.file_name().to_string_lossy().starts_with("outbox.db") {
            std::fs::remove_file(file.path()).expect("the outbox");
        }
    }
    let (status, _, said) = run(vitalog().args(["sql", "--data"]).arg(&data).arg("select count(*) from readings"));
    assert_eq!(status, Some(0), "{said}");
    let (receiver, url) = Receiver::start();
    let server = start(dir.path(), &url);
    receiver.wait_for("high", "patient:opened/1");
    assert_eq!(server.stop(), Some(0));
}
