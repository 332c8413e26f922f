//! The worlds in `rules/examples/` that are not about health: their rules keep their word. And the pages that walk through streams of readings, theirs and those of
//! people, show what is printed.

use std::path::PathBuf;
use std::process::Command;

use crate::support::server::{root, run, vitalog};

const WORLDS: [&str; 2] = ["property", "fleet"];

#[test]
fn their_rules_compile_without_a_word_and_pass_their_tests() {
    for world in WORLDS {
        let folder = root().join("rules/examples").join(world);
        let (status, out, err) = run(vitalog().arg("check").arg(&folder));
        assert_eq!((status, err.as_str()), (Some(0), ""), "{world}:\n{out}");
        let (status, out, err) = run(vitalog().args(["fmt", "--check"]).arg(&folder));
        assert_eq!(status, Some(0), "{world}:\n{out}{err}");
        let (status, out, err) = run(vitalog().arg("test").arg(&folder));
        assert_eq!(status, Some(0), "{world}:\n{out}{err}");
    }
}

#[test]
fn each_rule_of_theirs_has_tests_in_which_it_fires_is_silent_and_is_taken_back() {
    for world in WORLDS {
        let name = format!("{world}.rules");
        let text = std::fs::read_to_string(root().join("rules/examples").join(world).join(&name)).expect("readable");
        let rules: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("rule ")?.split_whitespace().next()).collect();
        assert!(rules.len() > 10, "{rules:?}");
        for rule in rules {
            let fires = text.lines().any(|line| line.contains(&format!("expect {rule} ")) && !line.contains("rescinded"));
            let silent = text.contains(&format!("expect no {rule}\n"));
            let taken_back = text.contains(&format!("expect {rule} rescinded\n"));
            assert!(fires && silent && taken_back, "{name}: {rule}: {fires} {silent} {taken_back}");
        }
        assert!(!text.lines().any(|line| line.starts_with("use ")), "{name} needs no stream of ours");
    }
}

/// A command of a page, and what the page says that it prints.
struct Shown {
    place: String,
    command: String,
    output: String,
}

/// The commands in a page's `console` fences: lines that begin with `$`, and what follows each.
fn shown(page: &str) -> Vec<Shown> {
    let text = std::fs::read_to_string(root().join("docs").join(page)).expect("the page");
    let (mut all, mut open): (Vec<Shown>, bool) = (Vec::new(), false);
    for (line, number) in text.lines().zip(1..) {
        match (line.strip_prefix("```"), open) {
            (Some(fence), _) => open = fence == "console",
            (None, false) => {}
            (None, true) => match (line.strip_prefix("$ "), all.last_mut()) {
                (Some(command), _) => {
                    let place = format!("docs/{page}:{number}");
                    all.push(Shown { place, command: command.to_owned(), output: String::new() });
                }
                (None, Some(shown)) => {
                    shown.output.push_str(line);
                    shown.output.push('\n');
                }
                (None, None) => panic!("docs/{page}:{number}: output without a command"),
            },
        }
    }
    all
}

#[test]
fn the_pages_show_what_the_commands_print() {
    let binary = PathBuf::from(vitalog().get_program());
    let folder = binary.parent().expect("the binary lies in a folder").to_owned();
    let others = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([folder].into_iter().chain(std::env::split_paths(&others))).expect("a path");
    for (page, least) in [("property.md", 8), ("fleet.md", 8), ("packs.md", 2)] {
        let all = shown(page);
        assert!(all.len() >= least, "{page} shows only {} commands", all.len());
        for shown in all {
            let script = format!("set -o pipefail\n{}", shown.command);
            let mut shell = Command::new("bash");
            shell.arg("-c").arg(&script).env("PATH", &path).current_dir(root());
            let (_, out, err) = run(&mut shell);
            assert_eq!(out + &err, shown.output, "{}: {}", shown.place, shown.command);
        }
    }
}

/// Readings that are seen under several subjects are found whole, into however many shares a history is cut.
#[test]
fn threads_change_nothing_where_subjects_are_joined() {
    let world = root().join("rules/examples/property");
    let findings = |threads: &str| {
        let mut command = vitalog();
        command.args(["backtest", "--format", "json", "--threads", threads, "--rules"]).arg(&world);
        command.arg("--input").arg(world.join("week.ndjson.gz"));
        let (status, out, err) = run(&mut command);
        assert_eq!(status, Some(0), "{err}");
        out
    };
    let one = findings("1");
    assert!(one.contains("used_stolen_card"), "{one}");
    for threads in ["2", "3", "8"] {
        assert_eq!(findings(threads), one, "{threads} threads");
    }
}
