//! What becomes of each column where somebody studies everybody: what names or could name a person stands as a pseudonym, or not at all.
//!
//! Source of what identifies: 45 CFR 164.514(b)(2)(i) (HIPAA Safe Harbor), among them names, device identifiers and serial numbers (M) and any other unique number, characteristic or code (R).
//! A column that is not known here is not shown: one that is added is looked at first.

use vitalog_elog::FieldKind;

use crate::layout::Layout;
use crate::pseudonyms::Named;
use crate::table::Table;

/// What becomes of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mask {
    /// It is as it is.
    Open,
    /// A pseudonym of the subject.
    Subject,
    /// A pseudonym within the subject.
    Within(Named),
    /// Null.
    Closed,
}

/// What says nothing of who it is: instants as they are, amounts, words of a list that was declared, what rules say of themselves.
const OPEN: [&str; 24] = [
    "stream",
    "at",
    "start_at",
    "end_at",
    "arrival",
    "rev",
    "superseded_at",
    "reason",
    "decided_at",
    "revision",
    "change",
    "cause",
    "rule",
    "version",
    "title",
    "kind",
    "state",
    "severity",
    "onset",
    "resolved_at",
    "notify",
    "cite",
    "quiet",
    "by_clock",
];

/// Of a column of a table.
pub fn mask(table: Table, layout: &Layout, column: &str) -> Mask {
    let is_finding = matches!(table, Table::Matches | Table::Recommendations);
    match column {
        "subject" => Mask::Subject,
        "id" if is_finding => Mask::Within(Named::Finding),
        "id" => Mask::Within(Named::Reading),
        "source" => Mask::Within(Named::Source),
        known if OPEN.contains(&known) => Mask::Open,
        field => of_field(layout, field),
    }
}

/// Amounts, declared words and times of day are open; a text may hold anything.
fn of_field(layout: &Layout, column: &str) -> Mask {
    for (ix, stream) in layout.streams.iter() {
        for (field, own) in stream.fields.iter().zip(layout.fields(ix)) {
            if *own.name == *column {
                return if matches!(field.kind, FieldKind::Text) { Mask::Closed } else { Mask::Open };
            }
        }
    }
    // `seq` and `offset` count one by one, `as_sent` has the digits that only the sender knows, `text` may quote what somebody wrote, `evidence` and `cause_reading` are made of names.
    Mask::Closed
}
