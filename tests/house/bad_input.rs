//! The tables that name tests, of bad input in CONTRIBUTING.md, and of what is promised and what others ask for in docs/security.md: every test that they name is there.

use super::{none, read};

/// The file and the tests of each line, as it names them: a path, then names, each in backquotes.
fn named(line: &str) -> Vec<(String, String)> {
    let mut file = String::new();
    let mut all = Vec::new();
    for word in line.split('`').skip(1).step_by(2) {
        if std::path::Path::new(word).extension().is_some_and(|e| e == "rs") {
            file = word.to_owned();
        } else {
            all.push((file.clone(), word.to_owned()));
        }
    }
    all
}

/// What is wrong with a table, between two marks of its name, whose column names tests.
fn amiss(page: &str, name: &str, column: usize, least: usize) -> Vec<String> {
    let text = read(page);
    let table = text.split(&format!("<!-- {name}: begin -->")).nth(1).and_then(|rest| rest.split("<!--").next());
    let rows: Vec<&str> = table.expect("the table is there").lines().filter(|l| l.starts_with("| ")).skip(1).collect();
    assert!(rows.len() >= least, "the table {name} can't be read: {} rows", rows.len());
    let mut wrong = Vec::new();
    for row in rows {
        let tests = named(row.split(" | ").nth(column).unwrap_or_default());
        if tests.is_empty() {
            wrong.push(format!("no test: {row}"));
        }
        for (file, name) in tests {
            let there = super::root().join(&file).is_file();
            let text = if there { read(&file) } else { String::new() };
            let is_test = text.split(&format!("fn {name}(")).next().filter(|before| before.len() < text.len());
            let marked = is_test.and_then(|before| {
                before.rsplit('\n').skip(1).map(str::trim).find(|line| line.starts_with('#') || line.is_empty())
            });
            if !marked.is_some_and(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test")) {
                wrong.push(format!("{file} has no test {name}"));
            }
        }
    }
    wrong
}

#[test]
fn what_the_table_of_bad_input_names_is_there() {
    none("CONTRIBUTING.md, bad input", amiss("CONTRIBUTING.md", "bad input", 1, 20));
}

#[test]
fn what_the_tables_of_safeguards_name_is_there() {
    for (name, column, least) in [("promises", 1, 35), ("hipaa", 2, 10), ("owasp", 2, 10)] {
        none(&format!("docs/security.md, {name}"), amiss("docs/security.md", name, column, least));
    }
}
