//! The AIM-94 diabetes data set (UCI "Diabetes"; M. Kahn, Washington University, St. Louis): one file per person, `data-01` to `data-70`, without a
//! header. A row is a date, a time, a code and a value, with tabs between them.
//!
//! Each row becomes one reading of the subject `aim94-<number>`, or is refused with its line: a code that the data set's own list does not have, a date
//! that is not there, and what a meter showed instead of a number are never guessed. A row without an amount (a meal, a bout, a special event) becomes
//! a line of the `diary`, not a reading of nothing.
//!
//! INVARIANT (identical rows): two rows become the same reading only if they are equal in every byte. A reading is named by a hash of its row, so two
//! codes that both mean "glucose" stay two readings.

mod clock;
mod code;

use std::borrow::Cow;

use vitalog_elog::Refusal;

use super::csv::utf8;
use super::raw::{Item, RawReading, Scalar};
use code::Code;

/// What stands as a reading's source.
pub const SOURCE: &str = "aim-94";

/// One file of the data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The number that stands for the person, as in the file's name.
    pub person: String,
}

impl File {
    /// By the file's name, such as `data-01`, and its first row: the name alone is anybody's.
    pub fn named(name: &str, head: &[u8]) -> Option<File> {
        let person = name.strip_prefix("data-")?;
        let is_number = (1..=12).contains(&person.len()) && person.bytes().all(|b| b.is_ascii_digit());
        let first = lines(head).map(|(_, bytes)| bytes).next()?;
        let cells: Vec<&[u8]> = first.split(|b| *b == b'\t').collect();
        let is_row = cells.len() == 4 && !cells[2].is_empty() && cells[2].iter().all(u8::is_ascii_digit);
        (is_number && is_row).then(|| File { person: person.to_owned() })
    }

    /// The subject that its readings are about.
    pub fn subject(&self) -> String {
        format!("aim94-{}", self.person)
    }
}

/// The rows of a file as readings.
pub fn rows<'a>(file: &File, body: &'a [u8]) -> impl Iterator<Item = Item<'a>> + use<'a> {
    let subject = file.subject();
    lines(body).enumerate().map(move |(index, (line, bytes))| Item { index, line, bytes, reading: reading(&subject, bytes) })
}

/// The lines that are not empty, each with its number from 1.
fn lines(body: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let bodies = body.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    (1..).zip(bodies).filter(|(_, line)| !line.trim_ascii().is_empty())
}

fn reading<'a>(subject: &str, row: &'a [u8]) -> Result<RawReading<'a>, Refusal> {
    let text = utf8("row", Cow::Borrowed(row))?;
    let cells: Vec<&str> = text.split('\t').map(str::trim).collect();
    let [date, time, code, value] = cells[..] else {
        let message = format!("the row has {} cells", cells.len());
        return Err(Refusal::whole(
            "malformed_row",
            message,
            "a row is a date, a time, a code and a value, with tabs between them",
        ));
    };
    let code = Code::read(code)?;
    let at = clock::instant(date, time)?;
    let fields = code.fields(value)?.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect();
    Ok(RawReading {
        subject: Some(Scalar::Text(Cow::Owned(subject.to_owned()))),
        stream: Some(Scalar::Text(Cow::Borrowed(code.stream()))),
        at: Some(Scalar::Instant(at)),
        id: Some(Scalar::Text(Cow::Owned(format!("row-{}", &blake3::hash(row).to_hex()[..32])))),
        source: Some(Scalar::Text(Cow::Borrowed(SOURCE))),
        fields,
        ..RawReading::default()
    })
}
