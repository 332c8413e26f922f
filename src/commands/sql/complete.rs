//! Completing a word: by where it stands. Behind `from` and `join` there are tables; behind a table's name, or what it is called in the statement, and a dot its columns; else the columns of the tables that the
//! statement names, functions, and words of the language.

use std::collections::BTreeMap;

use super::catalogue::Catalogue;

/// Words of the language that are worth a Tab.
const WORDS: [&str; 48] = [
    "and",
    "as",
    "asc",
    "between",
    "by",
    "case",
    "cast",
    "cross join",
    "date_bin",
    "desc",
    "describe",
    "distinct",
    "else",
    "end",
    "except",
    "exists",
    "explain",
    "false",
    "filter",
    "from",
    "full join",
    "group by",
    "having",
    "in",
    "inner join",
    "intersect",
    "interval",
    "is not null",
    "is null",
    "join",
    "lateral",
    "left join",
    "like",
    "limit",
    "not",
    "offset",
    "on",
    "or",
    "order by",
    "over",
    "partition by",
    "select",
    "show tables",
    "then",
    "true",
    "union all",
    "when",
    "where",
];
const COMMANDS: [&str; 7] = ["\\d", "\\df", "\\f", "\\x", "\\p", "\\?", "\\q"];

/// Where the word before the cursor begins, and what it may become.
pub fn complete(text: &str, cursor: usize, known: &Catalogue) -> (usize, Vec<String>) {
    let before = &text[..cursor];
    if before.trim_start().starts_with('\\') {
        return command(before, known);
    }
    let start = before.rfind(|c: char| !is_part(c)).map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let word = &before[start..];
    if is_in_text(before) {
        return (start, Vec::new());
    }
    if before[..start].ends_with('.') {
        let owner = before[..start - 1].rsplit(|c: char| !is_part(c)).next().unwrap_or_default();
        let of = named(text, known).get(&owner.to_lowercase()).cloned().unwrap_or_else(|| owner.to_lowercase());
        let columns = known.tables.get(&of).into_iter().flatten();
        return (start, fitting(word, columns.map(String::as_str)));
    }
    let former = before[..start].split_whitespace().next_back().unwrap_or_default().to_lowercase();
    if ["from", "join", "describe", "lateral"].contains(&&*former) {
        return (start, fitting(word, known.tables.keys().map(String::as_str)));
    }
    let mut tables: Vec<String> = named(text, known).into_values().collect();
    tables.sort();
    tables.dedup();
    let columns = tables.iter().filter_map(|table| known.tables.get(table)).flatten().map(String::as_str);
    let mut found = fitting(word, columns);
    // Of functions there are hundreds: some letters first.
    if word.len() > 1 {
        found.extend(fitting(word, known.functions.iter().map(String::as_str)));
    }
    if !word.is_empty() {
        found.extend(fitting(word, WORDS.iter().copied()));
    }
    found.dedup();
    (start, found)
}

fn command(before: &str, known: &Catalogue) -> (usize, Vec<String>) {
    let start = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let word = &before[start..];
    match before.split_whitespace().next() {
        Some("\\d") if start > 0 => (start, fitting(word, known.tables.keys().map(String::as_str))),
        Some("\\df") if start > 0 => (start, fitting(word, known.functions.iter().map(String::as_str))),
        Some("\\f") if start > 0 => (start, fitting(word, ["csv", "json", "table"])),
        _ if before.trim_start() == word => (start, fitting(word, COMMANDS)),
        _ => (start, Vec::new()),
    }
}

fn fitting<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let word = word.to_lowercase();
    let mut found: Vec<String> =
        names.into_iter().filter(|name| name.to_lowercase().starts_with(&word)).map(str::to_owned).collect();
    found.sort();
    found.dedup();
    found
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// An odd number of quotes is before it: nothing in a text is a name.
fn is_in_text(before: &str) -> bool {
    before.matches('\'').count() % 2 == 1
}

/// The tables that a text names, by what they are called in it.
fn named(text: &str, known: &Catalogue) -> BTreeMap<String, String> {
    let words: Vec<String> = text.split(|c: char| !is_part(c)).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    let mut named = BTreeMap::new();
    for (at, word) in words.iter().enumerate() {
        if !known.tables.contains_key(word)
            || !at.checked_sub(1).is_some_and(|former| ["from", "join"].contains(&&*words[former]))
        {
            continue;
        }
        named.insert(word.clone(), word.clone());
        let mut next = words[at + 1..].iter();
        let alias = next.next().and_then(|next_word| if next_word == "as" { next.next() } else { Some(next_word) });
        if let Some(alias) = alias.filter(|alias| !WORDS.iter().any(|word| word.split(' ').next() == Some(alias))) {
            named.insert(alias.clone(), word.clone());
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::Catalogue;
    use super::complete;

    fn known() -> Catalogue {
        let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Catalogue {
            tables: [("bg", columns(&["subject", "at", "value"])), ("bp", columns(&["subject", "at", "systolic", "diastolic"]))]
                .map(|(name, columns)| (name.to_owned(), columns))
                .into(),
            functions: ["sum", "substr", "time_in_range", "time_below"].map(str::to_owned).into(),
        }
    }

    #[test]
    fn a_word_is_completed_by_where_it_stands() {
        for (text, found) in [
            // The cursor is at the bar.
            ("sel|", &["select"][..]),
            ("select * from b|", &["bg", "bp"]),
            ("select * from |", &["bg", "bp"]),
            ("select * from bg join b|", &["bg", "bp"]),
            ("select v| from bg", &["value"]),
            ("select s| from bg", &["subject", "select", "show tables"]),
            ("select su| from bg", &["subject", "substr", "sum"]),
            ("select time| from bg", &["time_below", "time_in_range"]),
            ("select p.| from bp as p", &["at", "diastolic", "subject", "systolic"]),
            ("select p.s| from bp p, bg g", &["subject", "systolic"]),
            ("select bp.D| from bp", &["diastolic"]),
            ("select 'from b|", &[]),
            ("select x.| from bp", &[]),
            ("select 1 where é|", &[]),
            ("\\|", &["\\?", "\\d", "\\df", "\\f", "\\p", "\\q", "\\x"]),
            ("\\d b|", &["bg", "bp"]),
            ("\\df time_b|", &["time_below"]),
            ("\\f c|", &["csv"]),
            ("\\q b|", &[]),
        ] {
            let cursor = text.find('|').expect("a bar");
            let text = text.replace('|', "");
            let (start, got) = complete(&text, cursor, &known());
            assert_eq!(got, found, "{text:?}");
            assert!(got.iter().all(|name| name.to_lowercase().starts_with(&text[start..cursor].to_lowercase())), "{text:?}");
        }
    }
}
