//! Comma-separated values (RFC 4180), record by record, each with its line and its bytes.
//!
//! A quoted cell may hold line breaks, so one stray quote could swallow the rest of a file. It does not: a record that is not closed within
//! [`MAX_RECORD`] bytes and [`MAX_LINES`] lines is refused as the one line on which it begins, and reading goes on with the next.

use std::borrow::Cow;

/// The most bytes and lines of one record.
const MAX_RECORD: usize = 64 * 1024;
const MAX_LINES: u64 = 20;

/// One record, or why it is none.
pub(super) struct Record<'a> {
    pub line: u64,
    pub bytes: &'a [u8],
    pub cells: Result<Vec<Cow<'a, [u8]>>, &'static str>,
}

/// The records of a body. Empty lines are passed over.
pub(super) struct Records<'a> {
    rest: &'a [u8],
    line: u64,
}

impl<'a> Records<'a> {
    pub fn new(body: &'a [u8]) -> Records<'a> {
        Records { rest: body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body), line: 1 }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let physical = line_end(self.rest, 0);
            let record = match split(self.rest) {
                Ok((cells, end, lines)) => {
                    let bytes = without_line_end(&self.rest[..end]);
                    let record = Record { line: self.line, bytes, cells: Ok(cells) };
                    self.rest = &self.rest[end..];
                    self.line += lines;
                    record
                }
                Err(why) => {
                    let bytes = without_line_end(&self.rest[..physical]);
                    let record = Record { line: self.line, bytes, cells: Err(why) };
                    self.rest = &self.rest[physical..];
                    self.line += 1;
                    record
                }
            };
            if !record.bytes.trim_ascii().is_empty() {
                return Some(record);
            }
        }
    }
}

type Split<'a> = (Vec<Cow<'a, [u8]>>, usize, u64);

/// The cells of the first record, where it ends, and how many lines it takes.
fn split(b: &[u8]) -> Result<Split<'_>, &'static str> {
    let mut cells = Vec::with_capacity(8);
    let (mut i, mut lines) = (0, 1);
    loop {
        if b.get(i) == Some(&b'"') {
            let (cell, after) = quoted(b, i + 1, &mut lines)?;
            cells.push(cell);
            i = after;
        } else {
            let end = i + b[i..].iter().position(|c| matches!(c, b',' | b'\n')).unwrap_or(b.len() - i);
            let cell = without_line_end(&b[i..end]).trim_ascii();
            if cell.contains(&b'"') {
                return Err("a quote stands inside a cell that does not begin with one");
            }
            cells.push(Cow::Borrowed(cell));
            i = end;
        }
        match b.get(i) {
            Some(b',') => i += 1,
            Some(b'\n') => return Ok((cells, i + 1, lines)),
            Some(b'\r') if b.get(i + 1) == Some(&b'\n') => return Ok((cells, i + 2, lines)),
            Some(b'\r') if i + 1 == b.len() => return Ok((cells, i + 1, lines)),
            None => return Ok((cells, i, lines)),
            Some(_) => return Err("something follows the closing quote of a cell"),
        }
    }
}

/// The cell whose opening quote is before `start`, and where what follows its closing quote begins.
fn quoted<'a>(b: &'a [u8], start: usize, lines: &mut u64) -> Result<(Cow<'a, [u8]>, usize), &'static str> {
    const OPEN: &str = "a quote is not closed";
    let mut owned: Option<Vec<u8>> = None;
    let (mut from, mut i) = (start, start);
    loop {
        match b.get(i) {
            None => return Err(OPEN),
            Some(b'"') if b.get(i + 1) == Some(&b'"') => {
                owned.get_or_insert_default().extend_from_slice(&b[from..=i]);
                i += 2;
                from = i;
            }
            Some(b'"') => {
                let cell = match owned {
                    None => Cow::Borrowed(&b[start..i]),
                    Some(mut cell) => {
                        cell.extend_from_slice(&b[from..i]);
                        Cow::Owned(cell)
                    }
                };
                return Ok((cell, i + 1));
            }
            Some(c) => {
                *lines += u64::from(*c == b'\n');
                i += 1;
            }
        }
        if i > MAX_RECORD || *lines > MAX_LINES {
            return Err(OPEN);
        }
    }
}

/// Where the line that holds `from` ends, its line break included.
fn line_end(b: &[u8], from: usize) -> usize {
    b[from..].iter().position(|c| *c == b'\n').map_or(b.len(), |n| from + n + 1)
}

fn without_line_end(b: &[u8]) -> &[u8] {
    let b = b.strip_suffix(b"\n").unwrap_or(b);
    b.strip_suffix(b"\r").unwrap_or(b)
}
