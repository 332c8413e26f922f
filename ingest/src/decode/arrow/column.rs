//! Columns: what kind of cells they have, and their pieces of the body. What is longer than its piece is refused here, so that cells need not look.

use std::sync::Arc;

use arrow_ipc::{Field, Int, Precision, RecordBatch, TimeUnit, Type};
use vitalog_elog::Refusal;

use super::malformed;

/// What the cells of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool,
    Whole {
        width: usize,
        signed: bool,
    },
    Float {
        width: usize,
    },
    Decimal {
        width: usize,
        scale: i32,
    },
    Text {
        wide: bool,
    },
    View,
    /// `zoned`: counted from 1970 in UTC; else what some clock showed.
    Instant {
        unit: TimeUnit,
        zoned: bool,
    },
}

/// A column of one batch.
pub(super) struct Column<'a> {
    pub rows: usize,
    pub kind: Kind,
    /// A bit for each row that says something; `None`: all do.
    pub valid: Option<&'a [u8]>,
    /// Cells of one width (or bits), or where texts begin and end, or views.
    pub cells: &'a [u8],
    /// The bytes of texts.
    pub texts: Vec<&'a [u8]>,
    /// What its numbers are places in.
    pub words: Option<Arc<Column<'a>>>,
}

impl Kind {
    pub fn of(field: &Field<'_>, name: &str) -> Result<Kind, Refusal> {
        let no = || unread(name, &format!("{:?}", field.type_type()));
        Ok(match field.type_type() {
            Type::Null => Kind::Null,
            Type::Bool => Kind::Bool,
            Type::Int => Kind::whole(&field.type_as_int().ok_or_else(no)?, name)?,
            Type::FloatingPoint => match field.type_as_floating_point().ok_or_else(no)?.precision() {
                Precision::SINGLE => Kind::Float { width: 4 },
                Precision::DOUBLE => Kind::Float { width: 8 },
                _ => return Err(unread(name, "a float of two bytes")),
            },
            Type::Decimal => {
                let decimal = field.type_as_decimal().ok_or_else(no)?;
                let width = match decimal.bitWidth() {
                    32 => 4,
                    64 => 8,
                    128 => 16,
                    _ => return Err(unread(name, "a decimal of more than 128 bits")),
                };
                Kind::Decimal { width, scale: decimal.scale() }
            }
            Type::Utf8 => Kind::Text { wide: false },
            Type::LargeUtf8 => Kind::Text { wide: true },
            Type::Utf8View => Kind::View,
            Type::Timestamp => {
                let timestamp = field.type_as_timestamp().ok_or_else(no)?;
                Kind::Instant { unit: timestamp.unit(), zoned: timestamp.timezone().is_some_and(|zone| !zone.is_empty()) }
            }
            _ => return Err(no()),
        })
    }

    pub fn whole(int: &Int<'_>, name: &str) -> Result<Kind, Refusal> {
        match int.bitWidth() {
            bits @ (8 | 16 | 32 | 64) => Ok(Kind::Whole { width: bits as usize / 8, signed: int.is_signed() }),
            _ => Err(unread(name, "an integer of an odd width")),
        }
    }

    pub fn is_text(self) -> bool {
        matches!(self, Kind::Text { .. } | Kind::View)
    }
}

fn unread(name: &str, found: &str) -> Refusal {
    let remedy = "send texts, booleans, integers, floats, decimals or timestamps with a zone, also coded by a dictionary";
    Refusal::of("unsupported_column", name, found, "a column of this kind is not read", remedy)
}

/// The pieces of a batch's body, taken in the order of its columns.
pub(super) struct Pieces<'m, 'a> {
    data: &'m RecordBatch<'m>,
    body: &'a [u8],
    nodes: usize,
    buffers: usize,
    views: usize,
}

impl<'m, 'a> Pieces<'m, 'a> {
    pub fn of(data: &'m RecordBatch<'m>, body: &'a [u8]) -> Result<Pieces<'m, 'a>, Refusal> {
        if data.compression().is_some() {
            let message = "the stream's buffers are compressed by themselves";
            let remedy = "write them without compression, and pack the whole body with the content-encoding zstd or gzip";
            return Err(Refusal::whole("compressed_buffers", message, remedy));
        }
        Ok(Pieces { data, body, nodes: 0, buffers: 0, views: 0 })
    }

    /// The next column.
    pub fn column(&mut self, kind: Kind, rows: usize) -> Result<Column<'a>, Refusal> {
        let missing = || malformed("a column is missing in a batch");
        let nodes = self.data.nodes().ok_or_else(missing)?;
        let node = (self.nodes < nodes.len()).then(|| nodes.get(self.nodes)).ok_or_else(missing)?;
        self.nodes += 1;
        if usize::try_from(node.length()) != Ok(rows) {
            return Err(malformed("a column is not as long as its batch"));
        }
        let mut column = Column { rows, kind, valid: None, cells: b"", texts: Vec::new(), words: None };
        if kind == Kind::Null {
            return Ok(column);
        }
        let valid = self.piece()?;
        if node.null_count() != 0 {
            column.valid = Some(long_enough(valid, rows.div_ceil(8))?);
        }
        column.cells = match kind {
            Kind::Null => b"",
            Kind::Bool => long_enough(self.piece()?, rows.div_ceil(8))?,
            Kind::Whole { width, .. } | Kind::Float { width } | Kind::Decimal { width, .. } => self.cells(rows, width)?,
            Kind::Instant { .. } => self.cells(rows, 8)?,
            Kind::View => self.cells(rows, 16)?,
            // No row, and there need not be an offset either.
            Kind::Text { wide } if rows > 0 => self.cells(rows.saturating_add(1), if wide { 8 } else { 4 })?,
            Kind::Text { .. } => self.piece()?,
        };
        match kind {
            Kind::Text { .. } => column.texts.push(self.piece()?),
            Kind::View => {
                for _ in 0..self.views()? {
                    column.texts.push(self.piece()?);
                }
            }
            _ => {}
        }
        Ok(column)
    }

    /// Nothing may be left over.
    pub fn end(self) -> Result<(), Refusal> {
        let is_over = self.data.nodes().is_none_or(|n| n.len() == self.nodes)
            && self.data.buffers().is_none_or(|b| b.len() == self.buffers);
        if is_over { Ok(()) } else { Err(malformed("a batch has more columns than the schema")) }
    }

    fn cells(&mut self, rows: usize, width: usize) -> Result<&'a [u8], Refusal> {
        long_enough(self.piece()?, rows.saturating_mul(width))
    }

    fn piece(&mut self) -> Result<&'a [u8], Refusal> {
        let missing = || malformed("a column is missing in a batch");
        let buffers = self.data.buffers().ok_or_else(missing)?;
        let buffer = (self.buffers < buffers.len()).then(|| buffers.get(self.buffers)).ok_or_else(missing)?;
        self.buffers += 1;
        let place = usize::try_from(buffer.offset()).ok().zip(usize::try_from(buffer.length()).ok());
        let piece = place.and_then(|(from, length)| self.body.get(from..from.checked_add(length)?));
        piece.ok_or_else(|| malformed("a column lies outside of its message"))
    }

    /// How many pieces the texts of the next column of views lie in.
    fn views(&mut self) -> Result<usize, Refusal> {
        let counts = self.data.variadicBufferCounts().filter(|counts| self.views < counts.len());
        let count = counts.map(|counts| counts.get(self.views)).and_then(|n| usize::try_from(n).ok());
        self.views += 1;
        count.ok_or_else(|| malformed("a column of texts does not say where they lie"))
    }
}

fn long_enough(bytes: &[u8], least: usize) -> Result<&[u8], Refusal> {
    if bytes.len() < least { Err(malformed("a column is shorter than its batch")) } else { Ok(bytes) }
}
