//! The table of bad input in CONTRIBUTING.md: every test that it names is there.

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

#[test]
fn what_the_table_of_bad_input_names_is_there() {
    let text = read("CONTRIBUTING.md");
    let table = text.split("<!-- bad input: begin -->").nth(1).and_then(|rest| rest.split("<!-- bad input: end -->").next());
    let rows: Vec<&str> = table.expect("the table is there").lines().filter(|l| l.starts_with("| ")).skip(1).collect();
    assert!(rows.len() > 10, "the table can't be read");
    let mut wrong = Vec::new();
    for row in rows {
        let place = row.split(" | ").nth(1).unwrap_or_default();
        let tests = named(place);
        if tests.is_empty() {
            wrong.push(format!("no test: {row}"));
        }
        for (file, name) in tests {
            if !super::root().join(&file).is_file() || !read(&file).contains(&format!("#[test]\nfn {name}()")) {
                wrong.push(format!("{file} has no test {name}"));
            }
        }
    }
    none("CONTRIBUTING.md, bad input", wrong);
}
