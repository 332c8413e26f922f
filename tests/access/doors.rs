//! Every door opens to exactly those whom the manual says: its right is in docs/http.md, and who has that right is in docs/security.md. No door that the source has is missing here.

use std::collections::BTreeSet;
use std::path::Path;

use super::{LOW, ask, serve, status, told};
use crate::support::server::{Server, root};

const RULE: &str = "stream x { v count }";
const SQL: &str = r#"{"sql":"select 1 as one"}"#;
const CHECK: &str = r#"{"files":[{"name":"a.rules","text":"stream x { v count }"}]}"#;
// Of somebody nobody knows: whoever may erase is told so, and everybody else is there for the next door.
const ERASURE: &str = r#"{"subjects":["p-nobody-knows"]}"#;
const EMERGENCY: &str = r#"{"subject":"p-2","reason":"a test of every door"}"#;

/// Method, path as the manual has it, body, right. `{id}` is a reading's or a finding's, by the path.
pub const DOORS: &[(&str, &str, &str, &str)] = &[
    ("POST", "/v1/readings", LOW, "write"),
    ("PUT", "/v1/subjects/{s}/readings/{id}", r#"{"stream":"bg","at":"2026-03-10T08:00:00Z","value":42}"#, "write"),
    // To oneself: refused, once it is known that one may.
    ("POST", "/v1/subjects/{s}/moves", r#"{"to":"p-1","ids":["g1"]}"#, "read and write"),
    ("PUT", "/v1/subjects/{s}/profile", r#"{"bg_low":"4.0 mmol/L"}"#, "set_profile"),
    ("POST", "/v1/recommendations/{id}/acknowledge", "", "answer"),
    ("POST", "/v1/recommendations/{id}/dismiss", "", "answer"),
    ("PUT", "/v1/rules/{file}", RULE, "change_rules"),
    ("POST", "/v1/rules/rollback", r#"{"to":999}"#, "change_rules"),
    ("POST", "/v1/emergencies", EMERGENCY, "break_glass"),
    ("POST", "/v1/emergencies/{number}/seen", "", "administer"),
    ("GET", "/v1/subjects", "", "list"),
    ("GET", "/v1/subjects/{s}/summary", "", "read"),
    ("GET", "/v1/subjects/{s}/timeline", "", "read"),
    ("GET", "/v1/subjects/{s}/readings", "", "read"),
    ("GET", "/v1/subjects/{s}/readings/{id}", "", "read"),
    ("GET", "/v1/subjects/{s}/readings/{id}/receipt", "", "read"),
    ("GET", "/v1/subjects/{s}/recommendations", "", "read"),
    ("GET", "/v1/sources", "", "list"),
    ("GET", "/v1/subjects/{s}/why", "", "read"),
    ("GET", "/v1/subjects/{s}/profile", "", "read"),
    ("GET", "/v1/subjects/{s}/emergencies", "", "read"),
    ("GET", "/v1/recommendations", "", "list"),
    ("GET", "/v1/recommendations/{id}", "", "read"),
    ("GET", "/v1/dead-letters", "", "operate"),
    ("GET", "/v1/dead-letters/{offset}", "", "operate"),
    ("POST", "/v1/dead-letters/{offset}/replay", "", "operate"),
    ("POST", "/v1/dead-letters/replay", "{}", "operate"),
    ("POST", "/v1/backups", "", "operate"),
    ("POST", "/v1/erasures", ERASURE, "erase"),
    ("GET", "/v1/erasures/{number}", "", "administer"),
    ("GET", "/v1/metering", "", "meter"),
    ("GET", "/v1/accounting", "", "operate or audit"),
    ("POST", "/v1/sql", SQL, "query"),
    ("POST", "/v1/export", SQL, "query"),
    ("GET", "/v1/subjects/{s}/export", "", "read"),
    ("GET", "/v1/rules", "", "see_rules"),
    ("GET", "/v1/rules/{file}", "", "see_rules"),
    ("GET", "/v1/rules/versions", "", "see_rules"),
    ("GET", "/v1/rules/versions/{number}", "", "see_rules"),
    ("POST", "/v1/rules/check", CHECK, "change_rules"),
    ("GET", "/v1/stream", "", "list"),
    ("GET", "/v1/emergencies", "", "audit"),
    ("GET", "/metrics", "", "operate"),
    // Last: what it takes away the others look at.
    ("DELETE", "/v1/subjects/{s}/readings/{id}", "", "write"),
];

/// Doors that open to everybody, and why.
const OPEN: &[(&str, &str)] = &[
    ("/livez", "who looks after the machine is no account"),
    ("/readyz", "a balancer is no account"),
    ("/openapi.json", "it says which doors there are, and nothing of anybody behind them"),
    ("/login", "nobody is known yet who comes here"),
    ("/assets/{name}", "what the login page is made of, with other files of the program"),
    ("/v1/session", "one becomes known here"),
    ("/v1/session/provider", "likewise"),
    ("/v1/session/provider/callback", "likewise"),
];

/// Doors that open to whoever is known, whatever their rights, and why.
const OF_THE_KNOWN: &[(&str, &str)] = &[
    ("/v1/me", "it tells of oneself"),
    ("/v1/me/password", "one's own"),
    ("/", "a page, the same for all: what it shows it asks for by the doors above"),
    ("/subjects/{subject}", "likewise"),
    ("/recommendations/{id}", "likewise"),
];

/// Where a router is given a path that OpenAPI does not describe: the file, and what the path is called there.
const BESIDE: [(&str, &str); 3] = [
    ("src/server/openapi.rs", "\"/openapi.json\""),
    ("dashboards/src/io/pages.rs", "address"),
    ("dashboards/src/io/pages.rs", "&format!(\"/assets/{name}\")"),
];

fn page(name: &str) -> String {
    std::fs::read_to_string(root().join("docs").join(name)).expect("a page")
}

/// Whether a role has a right, or one of two, or both, standing so to the subject: by the table in docs/security.md.
pub fn has(role: &str, rights: &str, standing: &str) -> bool {
    rights.split(" or ").any(|rights| rights.split(" and ").all(|right| has_one(role, right, standing)))
}

fn has_one(role: &str, right: &str, standing: &str) -> bool {
    let page = page("security.md");
    let table = page.split("<!-- roles -->").nth(1).expect("the table");
    let cells = |line: &str| -> Vec<String> { line.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect() };
    let mut lines = table.lines().filter(|line| line.starts_with('|'));
    let column = cells(lines.next().expect("a head"))
        .iter()
        .position(|cell| cell == right)
        .unwrap_or_else(|| panic!("{right} is no right"));
    let row = lines.map(cells).find(|row| row[1] == role).unwrap_or_else(|| panic!("{role} is no role"));
    row[column].split(',').map(str::trim).any(|word| word == "any" || (!word.is_empty() && word == standing))
}

/// Methods and paths of the doors there are: those that the program describes, and the few beside them.
fn routes() -> BTreeSet<(String, String)> {
    let told = std::process::Command::new(env!("CARGO_BIN_EXE_vitalog")).arg("openapi").output().expect("vitalog");
    let whole: serde_json::Value = serde_json::from_slice(&told.stdout).expect("JSON");
    let paths = whole["paths"].as_object().expect("paths").iter();
    let each = paths.flat_map(|(path, item)| {
        item.as_object().expect("an item").keys().map(move |method| (method.to_uppercase(), path.clone()))
    });
    each.chain(beside().into_iter().map(|path| ("GET".to_owned(), path))).collect()
}

/// The paths that no description has: that of the descriptions, the pages, and what they are made of.
fn beside() -> Vec<String> {
    let pages = std::fs::read_to_string(root().join("dashboards/src/io/pages.rs")).expect("text");
    let table = pages.split("const PAGES").nth(1).and_then(|rest| rest.split("];").next()).expect("the table of pages");
    let pages = table.lines().filter_map(|line| line.trim().strip_prefix("(\"")?.split('"').next());
    let pages: Vec<String> = pages.map(str::to_owned).collect();
    assert_eq!(pages.len(), 4, "the table of pages can't be read: {pages:?}");
    [pages, vec!["/openapi.json".to_owned(), "/assets/{name}".to_owned()]].concat()
}

fn shape(path: &str) -> String {
    let parts = path.split('?').next().unwrap_or_default().split('/');
    parts.map(|part| if part.starts_with('{') { "{}" } else { part }).collect::<Vec<_>>().join("/")
}

/// What sources give to routers that nothing describes, whatever it begins with: the file, and what the path is called there.
fn undescribed() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    let mut folders = ["src", "ingest/src", "lakehouse/src", "dashboards/src"].map(|f| root().join(f)).to_vec();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).expect("text");
                let file = path.strip_prefix(root()).expect("below it").display().to_string();
                for way in [".route(", ".route_service(", ".nest(", ".nest_service("] {
                    let named = text.split(way).skip(1).map(|rest| rest.trim_start().split(", ").next().unwrap_or_default());
                    found.extend(named.map(|named| (file.clone(), named.to_owned())));
                }
            }
        }
    }
    found
}

#[test]
fn no_door_is_missing_and_each_has_its_right_in_the_manual() {
    let beside: BTreeSet<(String, String)> = BESIDE.iter().map(|(file, path)| ((*file).to_owned(), (*path).to_owned())).collect();
    assert_eq!(undescribed(), beside, "routers with doors that OpenAPI does not know");
    let known: BTreeSet<(String, String)> = DOORS.iter().map(|door| (door.0.to_owned(), shape(door.1))).collect();
    let open: BTreeSet<String> = OPEN.iter().chain(OF_THE_KNOWN).map(|(path, _)| shape(path)).collect();
    let all: BTreeSet<(String, String)> = routes().into_iter().map(|(method, path)| (method, shape(&path))).collect();
    let missing: Vec<_> = all.iter().filter(|door| !known.contains(door) && !open.contains(&door.1)).collect();
    assert!(all.len() > 50, "{all:?}");
    assert!(missing.is_empty(), "doors that nobody tries: {missing:?}");
    let gone: Vec<_> = known.difference(&all).collect();
    assert!(gone.is_empty(), "doors that there are not: {gone:?}");
    let gone: Vec<_> = open.iter().filter(|path| !all.iter().any(|door| door.1 == **path)).collect();
    assert!(gone.is_empty(), "open doors that there are not: {gone:?}");
    let page = page("http.md");
    for (method, path, _, right) in DOORS {
        let name = format!("`{method} {path}`");
        let line = page
            .lines()
            .find(|line| line.starts_with("| ") && line.contains(&name))
            .unwrap_or_else(|| panic!("{name} is not in docs/http.md"));
        let last = line.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
        assert!(
            last.trim().starts_with(&format!("`{}`", right.replace(" or ", "` or `").replace(" and ", "` and `"))),
            "{name}: {last}"
        );
    }
}

/// The status for whoever shows nothing.
fn for_nobody(server: &Server, method: &str, path: &str) -> u16 {
    let address = path
        .replace("{subject}", "p-1")
        .replace("{id}", "g1")
        .replace("{file}", "x.rules")
        .replace("{name}", "base.css")
        .replace("{number}", "1")
        .replace("{offset}", "1");
    server.try_send(method, &address, &[("content-type", "application/json")], "").expect("the server answers").status
}

#[test]
fn whoever_is_not_known_gets_no_further_than_the_doors_that_are_open_to_all() {
    let dir = tempfile::tempdir().unwrap();
    told(dir.path(), "token", &["add", "root"]);
    let server = serve(dir.path(), &[]);
    let open: BTreeSet<String> = OPEN.iter().map(|(path, _)| shape(path)).collect();
    let mut wrong = Vec::new();
    let mut tried = 0;
    for (method, path) in routes() {
        let got = for_nobody(&server, &method, &path);
        // Of those that are open, one may find nothing to do for who shows nothing: then it says what is missing.
        let is_shut = got == 401;
        if is_shut == open.contains(&shape(&path)) || got >= 500 {
            wrong.push(format!("{method} {path}: {got}"));
        }
        tried += 1;
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(tried > 50, "{tried}");
    assert_eq!(server.stop(), Some(0));
}

/// Account, role, how it stands to p-1. The one without a name is a program.
pub const ALL: [(&str, &str, &str); 9] = [
    ("dev", "device", "own"),
    ("pat", "patient", "own"),
    ("other-pat", "patient", ""),
    ("care", "caretaker", "assigned"),
    ("other-care", "caretaker", ""),
    ("ana", "analyst", ""),
    ("ops", "operator", ""),
    ("adm", "administrator", ""),
    ("", "service", ""),
];

/// Makes all of them, and a token of each.
pub fn everybody(data: &Path) -> [String; ALL.len()] {
    for args in [
        &["add", "dev", "--roles", "device", "--subject", "p-1", "--no-password"][..],
        &["add", "pat", "--roles", "patient", "--subject", "p-1", "--no-password"],
        &["add", "other-pat", "--roles", "patient", "--subject", "p-3", "--no-password"],
        &["add", "care", "--roles", "caretaker", "--no-password"],
        &["add", "other-care", "--roles", "caretaker", "--no-password"],
        &["add", "ana", "--roles", "analyst", "--no-password"],
        &["add", "ops", "--roles", "operator", "--no-password"],
        &["add", "adm", "--roles", "administrator", "--no-password"],
        &["assign", "care", "p-1"],
    ] {
        told(data, "user", args);
    }
    ALL.map(|(account, ..)| match account {
        "" => told(data, "token", &["add", "root"]),
        account => told(data, "token", &["add", account, "--account", account]),
    })
}

#[test]
fn each_door_opens_to_whom_the_manual_says() {
    let dir = tempfile::tempdir().unwrap();
    let tokens = everybody(dir.path());
    let server = serve(dir.path(), &[]);
    let root = tokens.last().expect("a token");
    ask(&server, root, "POST", "/v1/readings", LOW).ok();
    ask(&server, root, "POST", "/v1/readings", &LOW.replace("08:00", "08:20").replace("g1", "g2")).ok();
    // Once the views have seen it.
    let found = (0..400).find_map(|_| {
        let found = ask(&server, root, "GET", "/v1/subjects/p-1/recommendations", "").json();
        std::thread::sleep(std::time::Duration::from_millis(25));
        found["recommendations"][0]["id"].as_str().map(str::to_owned)
    });
    let finding = found.expect("something was found");
    let mut wrong = Vec::new();
    let (mut opened, mut shut) = (0, 0);
    for (method, path, body, right) in DOORS {
        let id = if path.contains("/readings/") { "g1" } else { &finding };
        let address = path
            .replace("{s}", "p-1")
            .replace("{id}", id)
            .replace("{file}", "x.rules")
            .replace("{number}", "999")
            .replace("{offset}", "999999");
        let address = if address.ends_with("/why") { format!("{address}?rule=glucose_low") } else { address };
        for ((account, role, standing), token) in ALL.iter().zip(&tokens) {
            let got = status(&server, token, method, &address, body);
            // Whether there is such a finding is nobody's business who may not read it.
            let is_shut = got == 403 || (got == 404 && path.starts_with("/v1/recommendations/"));
            let expected = has(role, right, standing);
            if got == 401 || got >= 500 || is_shut == expected {
                wrong.push(format!("{method} {path} to {account} ({role} {standing}): {got}"));
            }
            *(if is_shut { &mut shut } else { &mut opened }) += 1;
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(opened > 50 && shut > 100, "{opened} {shut}");
    // Without credentials, and with those of nobody, none opens.
    for (method, path, body, _) in DOORS {
        let address = path
            .replace("{s}", "p-1")
            .replace("{id}", "g1")
            .replace("{file}", "x.rules")
            .replace("{number}", "1")
            .replace("{offset}", "1");
        for token in ["", "vitalog_0000"] {
            assert_eq!(status(&server, token, method, &address, body), 401, "{method} {path}");
        }
    }
    // Lists show what one may read: nothing of p-1 to others, all of it to its own.
    for (account, sees) in [("pat", 1), ("care", 1), ("other-pat", 0), ("other-care", 0)] {
        let place = ALL.iter().position(|(a, ..)| *a == account).expect("an account");
        for (path, member) in [("/v1/subjects", "subjects"), ("/v1/recommendations", "recommendations")] {
            let list = ask(&server, &tokens[place], "GET", path, "").ok().json();
            let rows = list[member].as_array().unwrap_or_else(|| panic!("{list}")).len();
            assert!(if sees == 0 { rows == 0 } else { rows > 0 }, "{path} to {account}: {list}");
        }
    }
}
