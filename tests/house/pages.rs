//! Pages for people: their links lead somewhere, and the change log has a place for what is not released yet.

use std::path::Path;

use super::{files_with, none, read, root};

/// The targets of `[…](…)` and `![…](…)` outside fences.
fn links(page: &str) -> Vec<String> {
    let mut fence = false;
    let mut found = Vec::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            fence = !fence;
        }
        if fence {
            continue;
        }
        for (i, _) in line.match_indices("](") {
            if let Some(end) = line[i + 2..].find(')') {
                found.push(line[i + 2..i + 2 + end].to_owned());
            }
        }
    }
    found
}

/// What a heading is called in a link, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

#[test]
fn links_lead_somewhere() {
    let mut wrong = Vec::new();
    for page in files_with("md") {
        let folder = Path::new(&page).parent().unwrap_or(Path::new("")).to_owned();
        for link in links(&read(&page)) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { Path::new(&page).to_owned() } else { folder.join(file) };
            if !root().join(&target).exists() {
                wrong.push(format!("{page}: {link} is not there"));
            } else if !heading.is_empty() {
                let there = read(&target.to_string_lossy());
                if !there.lines().any(|line| line.starts_with('#') && anchor(line) == heading) {
                    wrong.push(format!("{page}: {link} has no such heading"));
                }
            }
        }
    }
    none("links", wrong);
}

#[test]
fn the_change_log_has_a_place_for_what_comes() {
    let log = read("CHANGELOG.md");
    let first = log.lines().find(|line| line.starts_with("## "));
    assert!(
        first.is_some_and(|line| line.contains("Unreleased")),
        "CHANGELOG.md begins with an Unreleased section, not with {first:?}"
    );
    let section = log.split("## ").nth(1).unwrap_or("");
    assert!(section.lines().any(|line| line.starts_with("- ")), "and says what changed");
}

#[test]
fn the_licence_is_the_one_the_manifest_names() {
    assert!(read("Cargo.toml").contains("license = \"Apache-2.0\""));
    let licence = read("LICENSE");
    assert!(
        licence.contains("Apache License")
            && licence.contains("Version 2.0, January 2004")
            && licence.contains("END OF TERMS AND CONDITIONS")
    );
}

#[test]
fn links_and_anchors_are_read() {
    let page = "a [b](c.md#d-e) ![f](g.png)\n```\n[no](no.md)\n```\n";
    assert_eq!(links(page), ["c.md#d-e", "g.png"]);
    assert_eq!(anchor("## D, e: the `f_g`"), "d-e-the-f_g");
}
