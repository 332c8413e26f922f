//! A row of a T1D-UOM file, its cells by the names of their columns.

use std::borrow::Cow;

use vitalog_elog::{Amount, Refusal, Unit};

use super::super::csv::utf8;
use super::super::raw::Scalar;
use super::super::table::Record;

/// Where the named columns stand.
pub(super) struct Header {
    columns: &'static [&'static str],
    places: Vec<usize>,
    width: usize,
}

/// One row, read as text.
pub(super) struct Row<'h, 'a> {
    header: &'h Header,
    cells: Vec<Cow<'a, str>>,
}

impl Header {
    /// Reads the first line of a file. Columns without a name are passed over, wherever they stand.
    pub fn read(record: &Record<'_>, columns: &'static [&'static str]) -> Result<Header, Refusal> {
        let bad =
            |message: String| Refusal::whole("malformed_header", message, format!("expected the columns {}", columns.join(",")));
        let cells = record.cells.as_ref().map_err(|why| bad(format!("the header can't be read: {why}")))?;
        let place = |name: &&str| {
            let found = cells.iter().position(|cell| cell.as_ref() == name.as_bytes());
            found.ok_or_else(|| bad(format!("the header has no column {name:?}")))
        };
        let places = columns.iter().map(place).collect::<Result<_, _>>()?;
        Ok(Header { columns, places, width: cells.len() })
    }
}

impl<'h, 'a> Row<'h, 'a> {
    pub fn read(header: &'h Header, record: Record<'a>) -> Result<Row<'h, 'a>, Refusal> {
        let cells =
            record.cells.map_err(|why| Refusal::whole("malformed_row", why, "see what the row should say, and mend it"))?;
        if cells.len() != header.width {
            let message = format!("the row has {} cells and the header {}", cells.len(), header.width);
            return Err(Refusal::whole("malformed_row", message, "give every row one cell per column"));
        }
        let cells = cells.into_iter().map(|cell| utf8("row", cell)).collect::<Result<_, _>>()?;
        Ok(Row { header, cells })
    }

    /// The cell of a column; every decoder asks only for columns it had looked up in the header.
    pub fn cell(&self, column: &str) -> &Cow<'a, str> {
        let named = self.header.columns.iter().position(|c| *c == column);
        // INVARIANT (known columns): `column` is one of the kind's `columns()`, and `Header::read` found each of them.
        let place = named.map_or(0, |i| self.header.places[i]);
        &self.cells[place]
    }

    /// The cell, where it is not empty.
    pub fn said(&self, column: &str) -> Option<&Cow<'a, str>> {
        Some(self.cell(column)).filter(|cell| !cell.trim().is_empty())
    }

    /// The cell, which must not be empty.
    pub fn needed(&self, column: &'static str) -> Result<&Cow<'a, str>, Refusal> {
        self.said(column)
            .ok_or_else(|| Refusal::of("missing", column, "", "the cell is empty", "fill it in, or leave the row out"))
    }

    /// A cell with a unit behind it, as the native form writes a quantity.
    pub fn quantity(&self, column: &str, unit: &str) -> Option<Scalar<'a>> {
        self.said(column).map(|cell| Scalar::Text(Cow::Owned(format!("{} {unit}", cell.trim()))))
    }

    /// A cell with a plain number.
    pub fn number(&self, column: &str) -> Option<Scalar<'a>> {
        self.said(column).map(|cell| Scalar::Cell(cell.clone()))
    }

    /// A cell with a whole number.
    pub fn whole(&self, column: &'static str) -> Result<i64, Refusal> {
        let cell = self.needed(column)?;
        cell.trim()
            .parse()
            .map_err(|_| Refusal::of("wrong_type", column, cell, "it is not a whole number", "see what the export should say"))
    }

    /// Whether a cell says zero, which some columns write for "nothing measured".
    pub fn is_zero(&self, column: &str) -> bool {
        Unit::any_named("count")
            .next()
            .and_then(|unit| Amount::parse(self.cell(column).trim(), unit).ok())
            .is_some_and(|a| a.digits == 0)
    }

    pub fn text(&self, column: &str) -> Option<Scalar<'a>> {
        self.said(column).map(|cell| Scalar::Text(cell.clone()))
    }

    /// A name for the reading that only this very row of this kind and person has.
    pub fn name(&self, prefix: &str) -> Scalar<'a> {
        let mut hasher = blake3::Hasher::new();
        for cell in &self.cells {
            hasher.update(&(cell.len() as u64).to_le_bytes());
            hasher.update(cell.as_bytes());
        }
        let hash = hasher.finalize().to_hex();
        Scalar::Text(Cow::Owned(format!("{prefix}-{}", &hash[..32])))
    }
}
