//! How it is run: the unit for systemd, what the service manager is told, and that the manual's table of options is what the program has.

use std::collections::BTreeMap;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::support::need::{need, program};
use crate::support::server::{Server, root, run, vitalog};

/// The options that `serve --help` names, with their defaults.
fn options() -> BTreeMap<String, Option<String>> {
    let (status, help, err) = run(vitalog().args(["serve", "--help"]));
    assert_eq!(status, Some(0), "{err}");
    let mut options = BTreeMap::new();
    let mut last = String::new();
    for line in help.lines().map(str::trim) {
        if let Some(option) = line.split_whitespace().find(|word| word.starts_with("--")).filter(|_| line.starts_with('-')) {
            last = option.trim_end_matches(',').to_owned();
            options.insert(last.clone(), None);
        }
        if let Some((_, default)) = line.split_once("[default: ") {
            options.insert(last.clone(), Some(default.trim_end_matches(']').to_owned()));
        }
    }
    options.remove("--help");
    options
}

#[test]
fn the_manuals_table_of_options_is_what_the_program_has() {
    let page = std::fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `--"));
    let documented: BTreeMap<String, String> = rows
        .map(|row| {
            let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
            let option = cells[0].trim_matches('`').split(' ').next().unwrap();
            (option.to_owned(), cells[1].trim_matches('`').to_owned())
        })
        .collect();
    let options = options();
    assert!(options.len() > 10, "{options:?}");
    for (option, default) in &options {
        let said = documented.get(option).unwrap_or_else(|| panic!("{option} is not in docs/operations.md"));
        if let Some(default) = default {
            assert_eq!(said, default, "{option}: the manual says another default than the program has");
        }
    }
    for option in documented.keys() {
        assert!(options.contains_key(option), "docs/operations.md has {option}, which there is not");
    }
}

fn unit() -> String {
    std::fs::read_to_string(root().join("docs/systemd/vitalog.service")).unwrap()
}

#[test]
fn the_units_command_is_one_that_the_program_takes() {
    let unit = unit();
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("a command");
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words[1], "serve");
    let options = options();
    for word in words.iter().filter(|word| word.starts_with("--")) {
        assert!(options.contains_key(*word), "the unit has {word}, which there is not");
    }
    for hard in
        ["NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=\n", "UMask=0077", "Type=notify", "Restart=always"]
    {
        assert!(unit.contains(hard), "{hard}");
    }
}

#[test]
fn systemd_takes_the_unit() {
    let Some(analyze) = need("systemd-analyze", program("systemd-analyze")) else { return };
    let dir = tempfile::tempdir().unwrap();
    // It looks whether the program is there: the one under test is.
    let unit = unit().replace("/usr/local/bin/vitalog", env!("CARGO_BIN_EXE_vitalog"));
    let path = dir.path().join("vitalog.service");
    std::fs::write(&path, unit).unwrap();
    let (status, out, err) = run(std::process::Command::new(analyze).arg("verify").arg(&path));
    let about_it: Vec<&str> = err.lines().filter(|line| line.contains("vitalog.service")).collect();
    assert!(about_it.is_empty() && status == Some(0), "{status:?} {out}{err}");
}

#[test]
fn the_service_manager_is_told_when_it_is_ready_and_when_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut command = vitalog();
    command
        .env("NOTIFY_SOCKET", &path)
        .args(["serve", "--open", "--listen", "127.0.0.1:0", "--data"])
        .arg(dir.path().join("data"));
    let server = Server::spawn(command);
    let told = || {
        let mut bytes = [0; 64];
        let length = socket.recv(&mut bytes).expect("it is told");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    assert_eq!(told(), "READY=1");
    server.get("/readyz").ok();
    assert_eq!(server.stop(), Some(0));
    assert_eq!(told(), "STOPPING=1");
}
