//! Parameters that are written `?`, as drivers of JDBC and ADBC do, as the numbered ones that the parser reads.
//!
//! Only the marks change, no value comes into the text; and a place that is complained of is told as it is in what was written.

use crate::sql::statements::marks;
use crate::sql::{Place, place_of};

/// A statement whose parameters are numbered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Marked {
    /// As it was written.
    written: String,
    /// With `$1`, `$2`, … for each mark.
    numbered: String,
    /// Where the marks were, in bytes.
    marks: Vec<usize>,
}

impl Marked {
    pub fn new(sql: &str) -> Marked {
        let marks = marks(sql);
        let (mut numbered, mut from) = (String::with_capacity(sql.len()), 0);
        for (place, number) in marks.iter().zip(1..) {
            numbered.push_str(&sql[from..*place]);
            numbered.push_str(&format!("${number}"));
            from = place + 1;
        }
        numbered.push_str(&sql[from..]);
        Marked { written: sql.to_owned(), numbered, marks }
    }

    /// What is read.
    pub fn numbered(&self) -> &str {
        &self.numbered
    }

    /// The place at fault in what was written, if it can be told.
    pub fn place_of(&self, message: &str) -> Option<Place> {
        let place = place_of(&self.numbered, message)?;
        // What the marks before it on its line have grown by.
        let mut grown = 0;
        for (mark, number) in self.marks.iter().zip(1_usize..) {
            let before = &self.written[..*mark];
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or(before).chars().count() + 1;
            if line == place.line && column + grown < place.column {
                grown += number.to_string().len();
            }
        }
        Some(Place { column: place.column - grown, ..place })
    }
}

#[cfg(test)]
mod tests {
    use super::Marked;

    #[test]
    fn marks_are_numbered_where_they_stand_alone() {
        for (written, numbered) in [
            ("select ?", "select $1"),
            (
                "select ? + ?, '?', \"?\" -- ?\n/* ? */ from t where a = ?",
                "select $1 + $2, '?', \"?\" -- ?\n/* ? */ from t where a = $3",
            ),
            ("select $1", "select $1"),
            ("select 'it''s ?', $$?$$, ?", "select 'it''s ?', $$?$$, $1"),
            ("", ""),
        ] {
            assert_eq!(Marked::new(written).numbered(), numbered, "{written}");
        }
    }

    #[test]
    fn a_place_is_told_as_it_is_written() {
        let marked = Marked::new("select ?, ?,\n? + vlaue, ? from bg");
        assert_eq!(marked.numbered(), "select $1, $2,\n$3 + vlaue, $4 from bg");
        let place = marked.place_of("Schema error: No field named vlaue.").unwrap();
        assert_eq!((place.line, place.column, place.width), (2, 5, 5));
        let many = format!("select {} x y", ["?"; 11].join(","));
        let marked = Marked::new(&many);
        let at = marked.numbered().find('y').unwrap() + 1;
        let place = marked.place_of(&format!("Expected: end, found: y at Line: 1, Column: {at}")).unwrap();
        assert_eq!((place.line, place.column), (1, many.find('y').unwrap() + 1));
    }
}
