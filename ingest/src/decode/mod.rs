//! Decoders: bytes of a known form into raw readings, each with its place in the body.
//!
//! Pure functions over the whole body. They know forms, not meanings: whether a stream exists or a value is plausible is for [`crate::admit`]
//! to say. Only the importers of exports ([`aim94`], [`t1d_uom`]) know what the columns of their files mean.

pub mod aim94;
mod arrow;
mod csv;
pub mod json;
mod packing;
mod raw;
pub mod t1d_uom;
mod table;

use vitalog_elog::Refusal;

pub use csv::rows as csv_rows;
pub use packing::Packing;
pub use raw::{Item, RawReading, Scalar};

/// The forms that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON document: an array of readings, or one.
    Json,
    /// One JSON reading per line.
    Ndjson,
    /// A header with the native names, one reading per row.
    Csv,
    /// An Arrow IPC stream with the native names, one reading per row.
    Arrow,
    /// A file of the T1D-UOM data set.
    T1dUom(t1d_uom::File),
    /// A file of the AIM-94 data set.
    Aim94(aim94::File),
}

/// The readings of a body, in order.
pub type Items<'a> = Box<dyn Iterator<Item = Item<'a>> + 'a>;

/// Reads a body.
///
/// # Errors
/// Where the body as a whole can't be read. What is wrong with one reading stands in its [`Item`].
pub fn decode<'a>(format: &Format, body: &'a [u8]) -> Result<Items<'a>, Refusal> {
    match format {
        Format::Json => Ok(Box::new(json::document(body)?.into_iter())),
        Format::Ndjson => {
            if body.trim_ascii().is_empty() {
                return Err(json::empty());
            }
            Ok(Box::new(json::lines(body)))
        }
        Format::Csv => Ok(Box::new(csv::rows(body)?)),
        Format::Arrow => Ok(Box::new(arrow::rows(body)?)),
        Format::T1dUom(file) => Ok(Box::new(t1d_uom::rows(file, body)?)),
        Format::Aim94(file) => Ok(Box::new(aim94::rows(file, body))),
    }
}

/// What has to stand before a row of the body for it to be read alone: the header of a table.
pub fn header_of<'a>(format: &Format, body: &'a [u8]) -> &'a [u8] {
    if *format == Format::Csv { csv::header(body) } else { b"" }
}

impl Format {
    /// By a file's name and its first bytes (unpacked). `None` where it is none of them.
    pub fn of_file(name: &str, head: &[u8]) -> Option<Format> {
        let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
        let name = Packing::of_file(name).map_or(name, |(_, inner)| inner);
        if let Some(file) = t1d_uom::File::named(name) {
            return Some(Format::T1dUom(file));
        }
        if let Some(file) = aim94::File::named(name, head) {
            return Some(Format::Aim94(file));
        }
        let extension = name.rsplit_once('.').map_or("", |(_, e)| e).to_ascii_lowercase();
        match extension.as_str() {
            "ndjson" | "jsonl" => Some(Format::Ndjson),
            "csv" => Some(Format::Csv),
            "json" => Some(Format::Json),
            "arrows" => Some(Format::Arrow),
            _ if head.starts_with(&arrow::BEGINNING) => Some(Format::Arrow),
            _ => match head.trim_ascii_start().first() {
                Some(b'[') => Some(Format::Json),
                Some(b'{') => Some(Format::Ndjson),
                _ => None,
            },
        }
    }
}
