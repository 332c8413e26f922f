//! Where in a statement the mistake is, as far as what is said of it lets one know: by line and column, or by the name that is complained of.

/// A place in a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// Of what is at fault, in characters.
    pub width: usize,
}

impl Place {
    /// The same as a count of characters from the statement's beginning, from 1.
    pub fn character(self, sql: &str) -> usize {
        let before: usize = sql.split_inclusive('\n').take(self.line - 1).map(|line| line.chars().count()).sum();
        before + self.column
    }
}

/// The place at fault, if it can be told.
pub fn place_of(sql: &str, message: &str) -> Option<Place> {
    by_place(message).or_else(|| by_name(sql, message)).filter(|place| place.line <= sql.lines().count())
}

/// `… at Line: 1, Column: 8`, as the parser says it.
fn by_place(message: &str) -> Option<Place> {
    let number = |after: &str| {
        let digits = message.rsplit_once(after)?.1.trim_start();
        digits[..digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len())].parse::<usize>().ok()
    };
    let place = Place { line: number("Line:")?, column: number("Column:")?, width: 1 };
    Some(place).filter(|place| place.line > 0 && place.column > 0)
}

/// The first place of the name that is not known.
fn by_name(sql: &str, message: &str) -> Option<Place> {
    let after =
        ["No field named ", "table '", "table function '", "Invalid function '", "knows no table ", "There is no function "];
    let rest = after.iter().find_map(|words| message.split_once(words)).map(|(_, rest)| rest)?;
    let end = |c: char| !(c.is_alphanumeric() || "_.\"".contains(c));
    let name = &rest[..rest.find(end).unwrap_or(rest.len())];
    let name = name.trim_end_matches('.').rsplit('.').next().unwrap_or(name).trim_matches('"').to_lowercase();
    if name.is_empty() {
        return None;
    }
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    sql.lines().zip(1..).find_map(|(line, number)| {
        // Lower case may be longer than what it comes from; then there is no telling where.
        let lower = line.to_lowercase();
        let at = lower.match_indices(&name).map(|(at, _)| at).find(|at| {
            let (before, after) = (&lower[..*at], &lower[at + name.len()..]);
            !before.chars().next_back().is_some_and(is_word) && !after.chars().next().is_some_and(is_word)
        })?;
        Some(Place { line: number, column: lower[..at].chars().count() + 1, width: name.chars().count() })
    })
}

#[cfg(test)]
mod tests {
    use super::place_of;

    #[test]
    fn a_mistake_is_placed_by_what_is_said_of_it() {
        for (sql, message, place, character) in [
            ("SELEC 1", "Expected: an SQL statement, found: SELEC at Line: 1, Column: 1", (1, 1, 1), 1),
            ("select *\nfrom bg wher 1", "Expected: end, found: 1 at Line: 2, Column: 14", (2, 14, 1), 23),
            ("select vlaue\nfrom bg", "Schema error: No field named vlaue. Valid fields are bg.value.", (1, 8, 5), 8),
            ("select bg.vlaue from bg", "No field named bg.vlaue. Did you mean 'bg.value'?", (1, 11, 5), 11),
            ("select xbgs, 'ü', bgs\nfrom bgs", "table 'vitalog.lake.bgs' not found", (1, 19, 3), 19),
            ("select gmj(value) from bg", "Invalid function 'gmj'.\nDid you mean 'gmi'?", (1, 8, 3), 8),
        ] {
            let found = place_of(sql, message).unwrap_or_else(|| panic!("{sql}: {message}"));
            assert_eq!((found.line, found.column, found.width), place, "{sql}: {message}");
            assert_eq!(found.character(sql), character, "{sql}");
        }
        for (sql, message) in [("select 1", "the query was stopped after 30s"), ("select 1", "at Line: 9, Column: 1")] {
            assert_eq!(place_of(sql, message), None, "{message}");
        }
    }
}
