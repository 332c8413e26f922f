//! Breaking the glass: whoever is to hear of it hears once, also over kills; the subject's page shows it as it happens; and nobody else learns of it.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{LOW, ask, serve, status, told};
use crate::support::browser::Browser;
use crate::support::server::Server;
use crate::telling::Receiver;

const REASON: &str = "unconscious <b>in the ward</b>";

/// A data directory, and around it room for what is not of it.
fn place() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("data");
    std::fs::create_dir(&data).expect("made");
    (dir, data)
}

/// A caretaker who is assigned nobody, and may open anybody; their token.
fn lee(data: &Path) -> String {
    told(data, "user", &["add", "lee", "--roles", "caretaker", "--no-password"]);
    told(data, "token", &["add", "lees", "--account", "lee"])
}

fn open(server: &Server, token: &str, subject: &str) {
    let body = json!({ "subject": subject, "reason": REASON }).to_string();
    assert_eq!(ask(server, token, "POST", "/v1/emergencies", &body).status, 201);
}

/// A server that tells two endpoints, of which the second has a role and is told by policies alone.
fn telling(data: &Path, url: &str) -> Server {
    let endpoint = json!({ "name": "office", "url": format!("{url}/office"), "allow_loopback": true,
        "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] });
    let mut with_role = endpoint.clone();
    with_role["name"] = json!("anna");
    with_role["role"] = json!("patient");
    with_role["channel"] = json!("push");
    let file = data.with_file_name("webhooks.json");
    std::fs::write(&file, json!({ "endpoints": [endpoint, with_role] }).to_string()).expect("a file");
    serve(data, &["--webhooks", &file.display().to_string()])
}

/// The messages that came, once there are so many.
fn noticed(receiver: &Receiver, many: usize) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(30);
    while receiver.count() < many {
        assert!(Instant::now() < deadline, "{many} notices within 30 s; there are {:?}", receiver.messages());
        std::thread::sleep(Duration::from_millis(20));
    }
    receiver.messages()
}

fn database(data: &Path, name: &str, sql: &str) {
    rusqlite::Connection::open(data.join(name)).and_then(|db| db.execute_batch(sql)).unwrap_or_else(|e| panic!("{sql}: {e}"));
}

/// Killed right after whoever opened it was answered, wherever the notice was by then; nobody answers at the endpoint until the end.
#[test]
fn each_emergency_is_told_once_wherever_the_server_is_killed() {
    const MANY: usize = 4;
    let (_dir, data) = place();
    let lee = lee(&data);
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port that is free again");
    for round in 0..MANY {
        let server = telling(&data, &format!("http://{nobody}"));
        open(&server, &lee, &format!("p-{round}"));
        std::thread::sleep(Duration::from_millis([0, 2, 10, 300][round]));
        server.kill_now();
    }
    let (receiver, url) = Receiver::start();
    let server = telling(&data, &url);
    let came = noticed(&receiver, MANY);
    // Another would come with these, or never.
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(receiver.count(), MANY, "{:?}", receiver.messages());
    let mut subjects: Vec<&str> = came.iter().filter_map(|message| message["data"]["subject"].as_str()).collect();
    subjects.sort_unstable();
    assert_eq!(subjects, ["p-0", "p-1", "p-2", "p-3"]);
    for message in &came {
        let about = &message["data"];
        assert_eq!((&message["type"], &about["account"]), (&json!("emergency.opened"), &json!("lee")));
        assert!(about["until"].as_str() > about["at"].as_str() && !message.to_string().contains("unconscious"), "{message}");
    }
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_notice_of_which_nobody_knows_whether_it_was_handed_over_has_the_same_id() {
    let (_dir, data) = place();
    let lee = lee(&data);
    let (receiver, url) = Receiver::start();
    let server = telling(&data, &url);
    open(&server, &lee, "p-1");
    let first = noticed(&receiver, 1);
    assert_eq!(server.stop(), Some(0));
    // As if it had been killed when the outbox had it and the store did not know.
    database(&data, "access.db", "UPDATE emergencies SET told_at = NULL");
    let server = telling(&data, &url);
    open(&server, &lee, "p-2");
    let both = noticed(&receiver, 2);
    assert_eq!((&both[0], &both[1]["data"]["subject"]), (&first[0], &json!("p-2")), "the first is not told again");
    assert_eq!(server.stop(), Some(0));
    // And when the outbox did not have it yet.
    database(&data, "access.db", "UPDATE emergencies SET told_at = NULL WHERE subject = 'p-1'");
    database(&data, "outbox.db", "DELETE FROM receipt; DELETE FROM delivery");
    let server = telling(&data, &url);
    assert_eq!(noticed(&receiver, 3)[2], first[0], "byte for byte, so whoever has had it can drop it");
    assert_eq!(server.stop(), Some(0));
    let server = telling(&data, &url);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(receiver.count(), 3, "{:?}", receiver.messages());
    assert_eq!(server.stop(), Some(0));
}

/// The first event of that name on a live stream about p-1.
fn heard(server: &Server, token: &str, name: &str) -> Value {
    let address = server.url.strip_prefix("http://").expect("in the clear");
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
    write!(stream, "GET /v1/stream?subject=p-1 HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\r\n")
        .expect("sent");
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    assert!(lines.by_ref().any(|line| line.contains(&format!("event: {name}"))), "there is no {name}");
    let data = lines.find_map(|line| line.strip_prefix("data: ").map(str::to_owned)).expect("what it says");
    serde_json::from_str(&data).expect("JSON")
}

#[test]
fn who_opened_a_subject_is_said_to_those_who_may_see_it_and_to_nobody_else() {
    let (_dir, data) = place();
    let (lee, root) = (lee(&data), told(&data, "token", &["add", "root"]));
    let account = |id: &str, args: &[&str]| {
        told(&data, "user", &[&["add", id, "--no-password", "--roles"][..], args].concat());
        told(&data, "token", &["add", &format!("{id}-t"), "--account", id])
    };
    let patient = account("pat", &["patient", "--subject", "p-1"]);
    let others = [
        account("other", &["patient", "--subject", "p-2"]),
        account("kim", &["caretaker"]),
        account("meter", &["device", "--subject", "p-1"]),
        account("ana", &["analyst"]),
        account("ops", &["operator"]),
    ];
    let admin = account("boss", &["administrator"]);
    let server = serve(&data, &[]);
    ask(&server, &root, "POST", "/v1/readings", LOW).ok();
    open(&server, &lee, "p-1");
    for token in [&patient, &lee, &root] {
        let said = heard(&server, token, "emergencies");
        let one = &said["emergencies"][0];
        assert_eq!((&said["subject"], &one["account"], &one["reason"]), (&json!("p-1"), &json!("lee"), &json!(REASON)));
    }
    for token in &others {
        for path in ["/v1/stream?subject=p-1", "/v1/subjects/p-1/emergencies", "/v1/emergencies"] {
            assert_eq!(status(&server, token, "GET", path, ""), 403, "{path}");
        }
    }
    // Whoever administers looks into it, and sees no patient by that.
    let listed = ask(&server, &admin, "GET", "/v1/emergencies", "").ok().json();
    assert_eq!(listed["emergencies"][0]["reason"], REASON);
    assert_eq!(status(&server, &admin, "GET", "/v1/stream?subject=p-1", ""), 403);
    assert_eq!(server.stop(), Some(0));
}

const LOG_IN: &str = "document.querySelector('#account').value = 'ACCOUNT'; document.querySelector('#password').value = 'SECRET'; document.querySelector('#form button[type=submit]').click();";
const NOTE: &str = "return document.querySelector('#emergencies').textContent";

/// Logs in, and goes to the page of p-1.
fn look(browser: &Browser, server: &Server, account: &str, password: &str) {
    browser.go(&format!("{}/login?next=%2Fsubjects%2Fp-1", server.url));
    browser.wait("the login page", 30, "return document.activeElement.id === 'account'");
    browser.script(&LOG_IN.replace("ACCOUNT", account).replace("SECRET", password));
    browser.wait("the page", 30, "return location.pathname === '/subjects/p-1' && !!document.querySelector('.account button')");
}

/// Waits for the stream, by which the page hears of it.
fn listening(browser: &Browser) {
    browser.wait("the stream", 30, "return document.querySelector('#pulse').dataset.state === 'live'");
}

#[test]
fn the_page_of_a_subject_says_who_opened_it_as_it_happens() {
    let Some(browser) = Browser::open(390, 844) else { return };
    let (_dir, data) = place();
    let (lee, root) = (lee(&data), told(&data, "token", &["add", "root"]));
    let patient = told(&data, "user", &["add", "pat", "--roles", "patient", "--subject", "p-1"]);
    let server = serve(&data, &[]);
    ask(&server, &root, "POST", "/v1/readings", LOW).ok();
    look(&browser, &server, "pat", &patient);
    listening(&browser);
    assert_eq!(browser.script(NOTE), "", "nobody opened it");
    open(&server, &lee, "p-1");
    let shown = format!("{NOTE}.startsWith('Opened in an emergency by lee until ') && {}", &NOTE["return ".len()..]);
    let said = browser.wait("who opened it", 20, &shown);
    assert!(said.as_str().is_some_and(|said| said.ends_with(&format!(": {REASON}"))), "a reason is text: {said}");
    let has_room = browser.script("return document.querySelector('#emergencies').getBoundingClientRect().height > 20");
    assert_eq!(has_room, true, "it can be seen");
    assert_eq!(browser.script("return document.documentElement.scrollWidth > innerWidth"), false, "it is wider than the window");
    let number = ask(&server, &root, "GET", "/v1/emergencies", "").ok().json()["emergencies"][0]["number"].to_string();
    assert_eq!(ask(&server, &root, "POST", &format!("/v1/emergencies/{number}/seen"), "").status, 204);
    browser.wait("who looked into it", 20, &format!("{NOTE}.endsWith('(looked into by root)')"));
    // Over, and not forgotten for a week.
    let ago = |hours: i64| {
        let micros = hours * 3_600_000_000;
        database(&data, "access.db", &format!("UPDATE emergencies SET at = at - {micros}, until = until - {micros}"));
        browser.go(&format!("{}/subjects/p-1", server.url));
    };
    ago(2);
    browser.wait("that it is over", 30, &format!("{NOTE}.startsWith('Was open in an emergency to lee until ')"));
    ago(8 * 24);
    listening(&browser);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(browser.script(NOTE), "", "it was over for more than a week");
}

#[test]
fn who_administers_is_shown_what_to_look_into_and_no_patient() {
    let Some(browser) = Browser::open(1280, 900) else { return };
    let (_dir, data) = place();
    let (lee, root) = (lee(&data), told(&data, "token", &["add", "root"]));
    let admin = told(&data, "user", &["add", "boss", "--roles", "administrator"]);
    let other = told(&data, "user", &["add", "kim", "--roles", "caretaker"]);
    let server = serve(&data, &[]);
    ask(&server, &root, "POST", "/v1/readings", LOW).ok();
    open(&server, &lee, "p-1");
    look(&browser, &server, "boss", &admin);
    browser.wait("what to look into", 20, &format!("{NOTE}.startsWith('Opened in an emergency by lee until ')"));
    assert_eq!(browser.script("return document.querySelector('#current').textContent"), "", "a value");
    browser.script("document.querySelector('.account button').click()");
    browser.wait("the login page again", 20, "return location.pathname === '/login'");
    look(&browser, &server, "kim", &other);
    browser.wait("a refusal", 20, "return !!document.querySelector('#chart .note.bad')");
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(browser.script(NOTE), "", "it is nothing to whoever may not see the subject");
}
