//! A cell as it was meant: digits stay digits, texts stay where they are.

use std::borrow::Cow;
use std::fmt::{Display, LowerExp};
use std::sync::Arc;

use arrow_ipc::TimeUnit;
use vitalog_elog::{Refusal, Time};

use super::super::json::MAX_LINE;
use super::super::raw::Scalar;
use super::column::{Column, Kind};

/// A row that is no reading, and the bytes of the cell at fault.
pub(super) struct Bad<'a> {
    pub refusal: Box<Refusal>,
    pub bytes: &'a [u8],
}

impl<'a> Column<'a> {
    /// From now on its numbers are places among words.
    pub fn stands_for(&mut self, words: Arc<Column<'a>>) {
        self.words = Some(words);
    }

    /// How long its texts are, written out for every row.
    pub fn text_len(&self) -> usize {
        let texts = |column: &Column<'a>, row: usize| column.text(row).map_or(0, <[u8]>::len);
        match &self.words {
            Some(words) if words.kind.is_text() => {
                (0..self.rows).filter_map(|row| self.place(row)).map(|place| texts(words, place)).sum()
            }
            None if self.kind.is_text() => (0..self.rows).map(|row| texts(self, row)).sum(),
            _ => 0,
        }
    }

    /// What the row says; `None` for null.
    pub fn cell(&self, name: &str, row: usize) -> Result<Option<Scalar<'a>>, Bad<'a>> {
        if !self.is_valid(row) {
            return Ok(None);
        }
        if let Some(words) = &self.words {
            let place = self.place(row).filter(|place| *place < words.rows);
            let place = place.ok_or_else(|| bad(name, "a place that its dictionary does not have", b""))?;
            return words.cell(name, place);
        }
        Ok(Some(match self.kind {
            Kind::Null => return Ok(None),
            Kind::Bool => Scalar::Bool(bit(self.cells, row)),
            Kind::Whole { width, signed } => Scalar::Number(Cow::Owned(whole(self.at(row, width), signed).to_string())),
            Kind::Float { width: 4 } => float(f32::from_le_bytes(chunk(self.at(row, 4)))),
            Kind::Float { .. } => float(f64::from_le_bytes(chunk(self.at(row, 8)))),
            Kind::Decimal { width, scale } => Scalar::Number(Cow::Owned(decimal(whole(self.at(row, width), true), scale))),
            Kind::Instant { unit, zoned } => {
                let count = i64::from_le_bytes(chunk(self.at(row, 8)));
                instant(count, unit, zoned).ok_or_else(|| bad(name, "an instant beyond all years", b""))?
            }
            Kind::Text { .. } | Kind::View => {
                let bytes = self.text(row).ok_or_else(|| bad(name, "a text that lies outside of its column", b""))?;
                if bytes.len() > MAX_LINE {
                    let message = format!("a text of {} bytes", bytes.len());
                    let refusal = Refusal::whole("line_too_long", message, format!("send texts of at most {MAX_LINE} bytes"));
                    return Err(Bad { refusal: Box::new(refusal), bytes });
                }
                Scalar::Text(Cow::Borrowed(std::str::from_utf8(bytes).map_err(|_| not_utf8(name, bytes))?))
            }
        }))
    }

    fn is_valid(&self, row: usize) -> bool {
        self.valid.is_none_or(|bits| bit(bits, row))
    }

    /// The bytes of a cell of that width.
    fn at(&self, row: usize, width: usize) -> &'a [u8] {
        self.cells.get(row.saturating_mul(width)..).and_then(|rest| rest.get(..width)).unwrap_or_default()
    }

    /// The place among its words that a row says.
    fn place(&self, row: usize) -> Option<usize> {
        let Kind::Whole { width, signed } = self.kind else { return None };
        self.is_valid(row).then(|| usize::try_from(whole(self.at(row, width), signed)).ok()).flatten()
    }

    /// The bytes of a row's text, where it has one.
    fn text(&self, row: usize) -> Option<&'a [u8]> {
        if row >= self.rows || !self.is_valid(row) {
            return None;
        }
        let size = |bytes: &[u8]| usize::try_from(i64::from_le_bytes(chunk(bytes))).ok();
        match self.kind {
            Kind::Text { wide } => {
                let width = if wide { 8 } else { 4 };
                let (from, to) = (size(self.at(row, width))?, size(self.at(row.checked_add(1)?, width))?);
                self.texts.first()?.get(from..to)
            }
            Kind::View => {
                let view = self.at(row, 16);
                let length = size(view.get(..4)?)?;
                if length <= 12 {
                    return view.get(4..4 + length);
                }
                let (piece, from) = (size(view.get(8..12)?)?, size(view.get(12..16)?)?);
                self.texts.get(piece)?.get(from..from.checked_add(length)?)
            }
            _ => None,
        }
    }
}

fn bit(bits: &[u8], row: usize) -> bool {
    bits.get(row / 8).is_some_and(|byte| byte & (1 << (row % 8)) != 0)
}

/// As many bytes as are wanted, the missing ones zero.
fn chunk<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    out
}

/// The number that bytes of any width stand for.
fn whole(bytes: &[u8], signed: bool) -> i128 {
    let value = i128::from_le_bytes(chunk(bytes));
    let above = 128 - 8 * bytes.len().clamp(1, 16) as u32;
    if signed { (value << above) >> above } else { value }
}

/// The shortest decimal that reads back as the same float; what is no number stays a word, to be refused as one.
fn float<F: Display + LowerExp + Into<f64> + Copy>(number: F) -> Scalar<'static> {
    let size = number.into().abs();
    if !size.is_finite() {
        return Scalar::Text(Cow::Owned(number.to_string()));
    }
    let is_plain = size == 0.0 || (1e-7..1e17).contains(&size);
    Scalar::Number(Cow::Owned(if is_plain { number.to_string() } else { format!("{number:e}") }))
}

fn decimal(digits: i128, scale: i32) -> String {
    let Ok(behind) = usize::try_from(scale) else { return format!("{digits}e{}", scale.unsigned_abs()) };
    if behind == 0 || behind > 64 {
        return if behind == 0 { digits.to_string() } else { format!("{digits}e-{behind}") };
    }
    let (sign, size) = (if digits < 0 { "-" } else { "" }, digits.unsigned_abs().to_string());
    let padded = format!("{size:0>width$}", width = behind + 1);
    let (before, after) = padded.split_at(padded.len() - behind);
    format!("{sign}{before}.{after}")
}

/// Digits finer than a microsecond are cut off, as they are in texts.
fn instant(count: i64, unit: TimeUnit, zoned: bool) -> Option<Scalar<'static>> {
    let micros = match unit {
        TimeUnit::SECOND => count.checked_mul(1_000_000)?,
        TimeUnit::MILLISECOND => count.checked_mul(1_000)?,
        TimeUnit::MICROSECOND => count,
        TimeUnit::NANOSECOND => count.div_euclid(1_000),
        _ => return None,
    };
    // Years that have four digits; what lies outside is no time of any device.
    if !(-62_135_596_800_000_000..253_402_300_800_000_000).contains(&micros) {
        return None;
    }
    let time = Time(micros);
    Some(if zoned { Scalar::Instant(time) } else { Scalar::Text(Cow::Owned(time.to_string().trim_end_matches('Z').to_owned())) })
}

fn bad<'a>(name: &str, found: &str, bytes: &'a [u8]) -> Bad<'a> {
    let refusal = Refusal::of("malformed_row", name, found, "the cell can't be read", "see how the stream was written");
    Bad { refusal: Box::new(refusal), bytes }
}

fn not_utf8<'a>(name: &str, bytes: &'a [u8]) -> Bad<'a> {
    let shown = String::from_utf8_lossy(bytes);
    let refusal = Refusal::of("not_utf8", name, &shown, "the text is not valid UTF-8", "encode the text as UTF-8");
    Bad { refusal: Box::new(refusal), bytes }
}
