//! What people, devices and strangers do to a server: the usual, and whatever is wrong, with names, addresses, numbers and secrets that stand nowhere by chance.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use super::provider::ACCESS_TOKEN;
use crate::access::{DOORS, ask, bearer, status};
use crate::bad_input::{READINGS, bodies};
use crate::support::http::Answer;
use crate::support::server::Server;

pub const PERSON: &str = "Annaliese Quittenbaum";
pub const MAIL: &str = "annaliese.quittenbaum@mail.example";
const GLUCOSE: &str = "123.456";
const LOW: &str = "41.789";
const SYSTOLIC: &str = "135.791";
const PULSE: &str = "97.531";
/// In place of a password, or of a token.
const TYPED: &str = "quince-jelly-7-jars";
pub const NEW_PASSWORD: &str = "quince jam and quince bread";
pub const WRONG_TOKEN: &str = "vitalog_5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed";
pub const CLIENT_SECRET: &str = "client-secret-of-quince";
pub const HOOK_TOKEN: &str = "hook-token-of-quince";
const CODE: &str = "code-of-quince";
const REASON: &str = "found on the floor of the quince orchard";

/// What no line of a log may have, in small letters. What tests of bad input send is among it.
pub const UNTOLD: [&str; 25] = [
    "quittenbaum",
    "mail.example",
    GLUCOSE,
    LOW,
    SYSTOLIC,
    PULSE,
    TYPED,
    NEW_PASSWORD,
    "5eed5eed",
    ACCESS_TOKEN,
    CLIENT_SECRET,
    HOOK_TOKEN,
    CODE,
    REASON,
    "quince",
    "4242.17",
    "mool/l",
    "1e400",
    "../etc",
    "yesterday",
    "bgg",
    "vlaue",
    "mg/dl",
    "mmol/l",
    "whsec_",
];

const JSON: &str = "application/json";

/// Readings in every form, amended, moved and mended, and all that tests of bad input know.
pub fn readings(server: &Server, token: &str) {
    let auth = bearer(token);
    let send = |form: &str, body: Vec<u8>| {
        let headers = [("authorization", auth.as_str()), ("content-type", form)];
        server.try_send("POST", "/v1/readings", &headers, body).expect("the server answers")
    };
    let meal = json!({
        "subject": "p-1", "stream": "carbs", "at": "2026-03-10T08:00:00Z", "amount": "30 g", "note": format!("{PERSON}, {MAIL}"),
        "source": PERSON, "id": "m1",
    });
    send(JSON, meal.to_string().into()).ok();
    send(JSON, bg("p-1", "g0", GLUCOSE).into()).ok();
    send(JSON, bg("p-2", "g9", GLUCOSE).into()).ok();
    let now = jiff::Timestamp::now();
    send(JSON, format!(r#"{{"subject":"p-1","stream":"bg","at":"{now}","value":{LOW},"id":"low"}}"#).into()).ok();
    let table = format!("subject,stream,at,amount,note\np-1,carbs,2026-03-10T09:00:00Z,20,\"{PERSON}\"\n");
    send("text/csv", table.into()).ok();
    let pressure = format!(
        r#"{{"subject":"p-1","stream":"bp","at":"2026-03-10T08:00:00Z","systolic":{SYSTOLIC},"diastolic":81,"pulse":{PULSE}}}"#
    );
    send("application/x-ndjson", pressure.into()).ok();
    for (fields, ..) in READINGS {
        send("application/x-ndjson", format!("{{\"subject\":\"p-1\",\"note\":\"{PERSON}\",{fields}}}\n").into());
    }
    for (form, body, ..) in bodies() {
        send(form, body);
    }
    for form in [JSON, "text/csv", "application/vnd.apache.arrow.stream", "application/x-ndjson"] {
        send(form, format!("{PERSON}\0{MAIL},{GLUCOSE}\n\"").into());
    }
    send(JSON, bg(MAIL, "g1", "4242.17").into());
    send(JSON, bg(PERSON, "g1", GLUCOSE).into());
    amended(server, token);
}

fn bg(subject: &str, id: &str, value: &str) -> String {
    format!(r#"{{"subject":"{subject}","stream":"bg","at":"2026-03-10T08:00:00Z","value":{value},"id":"{id}"}}"#)
}

fn amended(server: &Server, token: &str) {
    let now = format!(r#"{{"stream":"bg","at":"2026-03-10T08:00:00Z","value":{GLUCOSE}}}"#);
    let long = "Q".repeat(4_000);
    for (method, path, body) in [
        ("PUT", "/v1/subjects/p-1/readings/g0", now.as_str()),
        ("PUT", "/v1/subjects/p-1/readings/g0", r#"{"stream":"bg","value":"4242.17 mmol/L"}"#),
        ("PUT", "/v1/subjects/Annaliese%20Quittenbaum/readings/g0", now.as_str()),
        ("PUT", "/v1/subjects/p-1/profile", r#"{"bg_low":"4.0 mmol/L","time_zone":"Annaliese Quittenbaum"}"#),
        ("PUT", "/v1/subjects/p-1/profile", r#"{"bg_low":"4242.17 mg/dL"}"#),
        ("POST", "/v1/subjects/p-1/moves", r#"{"to":"Annaliese Quittenbaum","ids":["g0"]}"#),
        ("POST", "/v1/subjects/p-1/moves", r#"{"to":"p-3","source":"Annaliese Quittenbaum"}"#),
        ("POST", "/v1/dead-letters/replay", "{}"),
        ("POST", "/v1/dead-letters/replay", r#"{"subject":"Annaliese Quittenbaum"}"#),
        ("POST", "/v1/recommendations/Annaliese%20Quittenbaum/acknowledge", ""),
        ("PUT", "/v1/rules/quittenbaum.rules", "rule quittenbaum when bg < 123.456 mg/dL { say \"x\" }"),
        ("POST", "/v1/erasures", r#"{"subjects":["Annaliese Quittenbaum"]}"#),
        ("POST", "/v1/emergencies", &format!(r#"{{"subject":"p-1","reason":"{long}"}}"#)),
        ("POST", "/v1/emergencies", &format!(r#"{{"subject":"Annaliese Quittenbaum","reason":"{REASON}"}}"#)),
    ] {
        ask(server, token, method, path, body);
    }
}

/// Every door, by everybody.
pub fn doors(server: &Server, tokens: &[String]) {
    for (method, path, body, _) in DOORS {
        let path = path.replace("{s}", "p-1").replace("{id}", "g0").replace("{file}", "x.rules");
        let path = path.replace("{number}", "1").replace("{offset}", "1");
        let path = if path.ends_with("/why") { format!("{path}?rule=low&at=2026-03-10T08:00:00Z") } else { path };
        for token in tokens {
            assert_ne!(status(server, token, method, &path, body), 401, "{method} {path}");
        }
    }
}

/// Statements that name somebody, and fail in every part of what answers them.
pub fn questions(server: &Server, token: &str) {
    for sql in [
        "select note, amount from carbs where note like '%Quittenbaum%'",
        "select value from bg where value > 123.455",
        "select cast(note as double) from carbs",
        "select cast('Annaliese Quittenbaum' as timestamp)",
        "select * from bg where at > 'Annaliese Quittenbaum'",
        "selekt 'Annaliese Quittenbaum'",
        "select quittenbaum from bg",
        "select * from quittenbaum",
        "select 1 / (value - value) from bg where value = 123.456",
        "select regexp_like(note, 'Quittenbaum(') from carbs",
        "insert into carbs (note) values ('Annaliese Quittenbaum')",
    ] {
        let body = json!({ "sql": sql }).to_string();
        for path in ["/v1/sql", "/v1/sql?format=csv", "/v1/export"] {
            ask(server, token, "POST", path, &body);
        }
        postgres(server, "root", token, sql);
    }
    ask(server, token, "POST", "/v1/sql", &format!(r#"{{"sql":"{PERSON}"#));
}

/// A session of PostgreSQL with one statement; whatever is answered is nobody's concern here.
fn postgres(server: &Server, user: &str, secret: &str, sql: &str) {
    let message = |kind: &[u8], body: &[u8]| [kind, &u32::try_from(body.len() + 4).expect("short").to_be_bytes(), body].concat();
    let begin = [&196_608_u32.to_be_bytes()[..], format!("user\0{user}\0database\0vitalog\0\0").as_bytes()].concat();
    let mut all = message(b"", &begin);
    all.extend(message(b"p", format!("{secret}\0").as_bytes()));
    all.extend(message(b"Q", format!("{sql}\0").as_bytes()));
    // And then what is no message.
    all.extend(PERSON.as_bytes());
    told(server.pg.as_deref().expect("it takes clients of PostgreSQL"), &all);
}

/// Sends bytes as they are, and gives what comes back until the other side has had enough.
fn told(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    // Whoever says nonsense may be hung up on before it is said to its end.
    let _ = stream.write_all(bytes);
    let mut come = Vec::new();
    let _ = stream.read_to_end(&mut come);
    String::from_utf8_lossy(&come).into_owned()
}

fn host(server: &Server) -> &str {
    server.url.strip_prefix("http://").expect("in the clear")
}

/// Somebody logs in, looks, sets another password, and leaves. Gives the cookie.
pub fn session(server: &Server, account: &str, password: &str) -> String {
    let login =
        |body: String| server.try_send("POST", "/v1/session", &[("content-type", JSON)], body).expect("the server answers");
    login(json!({"account": account, "password": TYPED}).to_string());
    login(json!({"account": TYPED, "password": account}).to_string());
    login(json!({"account": MAIL, "password": TYPED}).to_string());
    login(json!({ "token": WRONG_TOKEN }).to_string());
    login(format!(r#"{{"account":"{PERSON}","password":"{TYPED}"#));
    let came = login(json!({"account": account, "password": password}).to_string()).ok();
    let cookie = cookie(&came);
    let origin = server.url.clone();
    let headers = [("cookie", cookie.as_str()), ("content-type", JSON), ("origin", origin.as_str())];
    let send = |method: &str, path: &str, body: &str| server.try_send(method, path, &headers, body).expect("the server answers");
    send("GET", "/v1/me", "").ok();
    send("GET", "/v1/subjects/p-1/summary", "");
    send("POST", "/v1/me/password", &json!({ "former": TYPED, "password": NEW_PASSWORD }).to_string());
    send("POST", "/v1/me/password", &json!({ "former": password, "password": "q" }).to_string());
    send("POST", "/v1/me/password", &json!({ "former": password, "password": NEW_PASSWORD }).to_string()).ok();
    send("DELETE", "/v1/session", "");
    cookie.split_once('=').expect("a value").1.to_owned()
}

fn cookie(answer: &Answer) -> String {
    let set = answer.headers.get("set-cookie").and_then(|value| value.to_str().ok()).expect("a cookie");
    set.split(';').next().expect("its value").to_owned()
}

/// Nobody who is known, in every way.
pub fn strangers(server: &Server) {
    let host = host(server);
    let get = |path: &str, more: &str| {
        told(host, format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{more}\r\n").as_bytes())
    };
    for more in [
        format!("authorization: Bearer {WRONG_TOKEN}\r\n"),
        format!("authorization: Basic {PERSON}\r\n"),
        format!("cookie: vitalog_session={TYPED}; name={PERSON}\r\n"),
        format!("origin: https://{MAIL}\r\nx-person: {PERSON}\r\n"),
        format!("traceparent: {PERSON}\r\nvitalog-position: {PERSON}\r\n"),
        format!("{PERSON}\r\n"),
    ] {
        for path in
            ["/v1/me", "/v1/subjects/annaliese.quittenbaum@mail.example/summary", "/subjects/Quittenbaum?name=Quittenbaum"]
        {
            get(path, &more);
        }
    }
    told(host, format!("{PERSON} {MAIL}\r\n\r\n").as_bytes());
    told(host, format!("POST /v1/readings HTTP/1.1\r\nhost: x\r\ncontent-length: {PERSON}\r\n\r\n{GLUCOSE}").as_bytes());
    for (user, secret) in [(PERSON, TYPED), ("root", WRONG_TOKEN), (MAIL, WRONG_TOKEN)] {
        postgres(server, user, secret, "select 1");
    }
    told(server.pg.as_deref().expect("it takes clients of PostgreSQL"), PERSON.as_bytes());
    let flight = server.flight.as_deref().and_then(|at| at.strip_prefix("grpc://")).expect("in the clear");
    for bytes in [format!("{PERSON}\r\n\r\n"), format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{PERSON}{MAIL}{WRONG_TOKEN}")] {
        told(flight, bytes.as_bytes());
    }
}

/// Sign-ins by a provider that says more than it should, and answers that are none of its.
pub fn sign_ins(server: &Server) {
    let host = host(server);
    let get = |path: &str, cookie: &str| {
        told(host, format!("GET {path} HTTP/1.1\r\nhost: {host}\r\ncookie: {cookie}\r\nconnection: close\r\n\r\n").as_bytes())
    };
    let parameters = [
        format!("code={CODE}"),
        format!("code={CODE}&x={PERSON}").replace(' ', "+"),
        format!("code={CODE}&iss="),
        format!("code={CODE}&session_state={MAIL}"),
        format!("code={CODE}&scope=openid"),
        format!("code={CODE}&id_token={ACCESS_TOKEN}"),
        format!("error={PERSON}&error_description={MAIL}").replace(' ', "+"),
        format!("error=access_denied&error_description={MAIL}"),
        format!("code={CODE}&iss=https://{MAIL}"),
    ];
    for more in parameters {
        let begun = get("/v1/session/provider?next=/subjects/Quittenbaum", "");
        let part =
            |from: &str, to: char| begun.split_once(from).map(|(_, rest)| rest.split(to).next().unwrap_or_default().to_owned());
        let state = part("&state=", '&').unwrap_or_else(|| panic!("no way to the provider: {begun}"));
        let cookie = part("vitalog_sign_in=", ';').expect("a cookie");
        get(&format!("/v1/session/provider/callback?state={state}&{more}"), &format!("vitalog_sign_in={cookie}"));
    }
    get(&format!("/v1/session/provider/callback?state={CODE}&error={TYPED}"), "");
    get(&format!("/v1/session/provider/callback?code={CODE}"), "");
}
