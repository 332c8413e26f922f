//! Native CSV: a header with the native names, one reading per row, an empty cell for what is not said.

use std::borrow::Cow;

use vitalog_elog::Refusal;

use super::json::empty;
use super::raw::{Item, MAX_NAMES, RawReading, Scalar};
use super::table::{Record, Records};

/// The rows of a table as readings.
///
/// # Errors
/// Where the header can't be read, names something twice, or has no column `subject`.
pub fn rows(body: &[u8]) -> Result<impl Iterator<Item = Item<'_>>, Refusal> {
    let mut records = Records::new(body);
    let header = records.next().ok_or_else(empty)?;
    let names = names(&header)?;
    Ok(records.enumerate().map(move |(index, record)| Item {
        index,
        line: record.line,
        bytes: record.bytes,
        reading: reading(&names, record),
    }))
}

/// The header of a table, as it stands: a row means nothing without it.
pub(super) fn header(body: &[u8]) -> &[u8] {
    Records::new(body).next().map_or(b"", |record| record.bytes)
}

const REMEDY: &str = "begin with a line such as subject,stream,at,value";

fn names(header: &Record<'_>) -> Result<Vec<String>, Refusal> {
    let bad = |message: String| Refusal::whole("malformed_header", message, REMEDY);
    let cells = header.cells.as_ref().map_err(|why| bad(format!("the header can't be read: {why}")))?;
    let names = cells.iter().map(|cell| std::str::from_utf8(cell).map(str::to_owned)).collect::<Result<Vec<_>, _>>();
    let names = names.map_err(|_| bad("the header is not valid UTF-8".to_owned()))?;
    check(&names, REMEDY)?;
    Ok(names)
}

/// That columns are called as columns may be.
pub(super) fn check(names: &[String], remedy: &str) -> Result<(), Refusal> {
    let bad = |message: String| Err(Refusal::whole("malformed_header", message, remedy));
    if names.len() > MAX_NAMES {
        return bad(format!("the header has {} columns, and at most {MAX_NAMES} are read", names.len()));
    }
    for (i, name) in names.iter().enumerate() {
        if name.is_empty() {
            return bad("a column of the header has no name".to_owned());
        }
        if names[..i].contains(name) {
            return bad(format!("the header names {name:?} twice"));
        }
    }
    if !names.iter().any(|name| name == "subject") {
        let hint = if names.len() == 1 && names[0].contains(';') { "; is it separated by semicolons?" } else { "" };
        return bad(format!("the header has no column \"subject\"{hint}"));
    }
    Ok(())
}

fn reading<'a>(names: &[String], record: Record<'a>) -> Result<RawReading<'a>, Refusal> {
    let cells = record.cells.map_err(|why| {
        Refusal::whole(
            "malformed_row",
            why,
            "enclose cells with commas, quotes or line breaks in quotes, and double quotes inside",
        )
    })?;
    if cells.len() != names.len() {
        let message = format!("the row has {} cells and the header {}", cells.len(), names.len());
        return Err(Refusal::whole("malformed_row", message, "give every row one cell per column, empty where nothing is said"));
    }
    let mut reading = RawReading::default();
    for (name, cell) in names.iter().zip(cells) {
        if !cell.is_empty() {
            let value = Scalar::Cell(utf8(name, cell)?);
            reading.set(Cow::Owned(name.clone()), value);
        }
    }
    Ok(reading)
}

/// The text of a cell.
pub(super) fn utf8<'a>(name: &str, cell: Cow<'a, [u8]>) -> Result<Cow<'a, str>, Refusal> {
    let bad = |bytes: &[u8]| {
        let shown = String::from_utf8_lossy(bytes);
        Refusal::of("not_utf8", name, &shown, "the text is not valid UTF-8", "encode the text as UTF-8")
    };
    match cell {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| bad(bytes)),
        Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).map_err(|e| bad(e.as_bytes())),
    }
}
