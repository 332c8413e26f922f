//! A diagnostic for people: the words of the file with the places marked.
//!
//! Widths are those of a terminal (wide and combining characters, tabs); what could change the terminal is shown as `�`; of a very long
//! line only the part around the marks is shown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

use super::{Diagnostic, Label, Level};
use crate::source::{FileId, SourceFile, Sources};

/// The widest excerpt of a line, in columns, before it is cut.
const WIDEST: usize = 160;

const RESET: &str = "\x1b[0m";
const BOLD: &str = "\x1b[1m";
const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[1;33m";
const BLUE: &str = "\x1b[1;34m";

/// A mark under one line of a file, in columns from 0.
struct Mark<'d> {
    from: usize,
    to: usize,
    primary: bool,
    message: &'d str,
}

impl Diagnostic {
    /// Several lines, ending with a line break.
    pub fn render(&self, sources: &Sources, colour: bool) -> String {
        let paint = Paint { colour, level: self.level() };
        let mut out = String::new();
        let head = format!("{}[{}]", self.level().name(), self.code.0);
        let _ = writeln!(out, "{}{}", paint.level(&head), paint.bold(&format!(": {}", printable(&self.message))));
        let last_line = self.labels.iter().map(|l| sources.start(l.loc).line).max().unwrap_or(1);
        let gutter = last_line.to_string().len();
        let mut files: Vec<FileId> = Vec::new();
        for label in &self.labels {
            if !files.contains(&label.loc.file) {
                files.push(label.loc.file);
            }
        }
        for (i, file) in files.iter().enumerate() {
            let labels: Vec<(usize, &Label)> = self.labels.iter().enumerate().filter(|(_, l)| l.loc.file == *file).collect();
            let at = sources.start(labels[0].1.loc);
            let arrow = if i == 0 { "-->" } else { ":::" };
            let place = format!("{}:{}:{}", printable(&sources.get(*file).name), at.line, at.column);
            let _ = writeln!(out, "{:gutter$}{} {place}", "", paint.blue(arrow));
            excerpt(&mut out, sources.get(*file), &labels, gutter, &paint);
        }
        let bar = format!("{:gutter$} {}", "", paint.blue("="));
        for note in &self.notes {
            let _ = writeln!(out, "{bar} note: {}", printable(note));
        }
        for help in &self.helps {
            let _ = writeln!(out, "{bar} help: {}", printable(&help.message));
        }
        out
    }
}

fn excerpt(out: &mut String, file: &SourceFile, labels: &[(usize, &Label)], gutter: usize, paint: &Paint) {
    let mut lines: BTreeMap<u32, Vec<(usize, &Label)>> = BTreeMap::new();
    for (i, label) in labels {
        lines.entry(file.place(label.loc.start).line).or_default().push((*i, label));
    }
    let empty = format!("{:gutter$} {}", "", paint.blue("|"));
    let _ = writeln!(out, "{empty}");
    let mut previous = None;
    for (number, labels) in lines {
        if previous.is_some_and(|p| number > p + 1) {
            let _ = writeln!(out, "{}", paint.blue("..."));
        }
        previous = Some(number);
        let (text, start) = file.line(number);
        let (shown, marks) = lay_out(text, start, &labels);
        let _ = writeln!(out, "{} {} {shown}", paint.blue(&format!("{number:gutter$}")), paint.blue("|"));
        for row in under(marks, paint) {
            let _ = writeln!(out, "{empty} {row}");
        }
    }
}

/// Of a line longer than this, in bytes, only the neighbourhood of its marks is looked at.
const LONG: usize = 4096;

/// The line as shown, and its marks in columns of it.
fn lay_out<'d>(text: &str, start: u32, labels: &[(usize, &'d Label)]) -> (String, Vec<Mark<'d>>) {
    let first = labels.iter().map(|(_, label)| (label.loc.start - start) as usize).min().unwrap_or(0);
    let part = neighbourhood(text, first);
    let (cut, more) = (part.start > 0, part.end < text.len());
    // The column at which each byte is shown; bytes inside a character share that of its first.
    let mut cells: Vec<(usize, char, usize)> = Vec::new();
    let mut column = 0;
    for (at, c) in text[part.clone()].char_indices() {
        cells.push((part.start + at, c, column));
        column += width(c);
    }
    let column_of = |byte: usize| match cells.binary_search_by_key(&byte, |(at, ..)| *at) {
        Ok(i) => cells[i].2,
        Err(i) => cells.get(i).map_or(column, |c| c.2),
    };
    let mut marks: Vec<Mark> = labels
        .iter()
        .map(|(i, label)| {
            let from = column_of((label.loc.start - start) as usize);
            let end = (label.loc.end.max(label.loc.start) - start) as usize;
            let to = if end >= part.end { column } else { column_of(end) };
            Mark { from, to: to.max(from + 1), primary: *i == 0, message: &label.message }
        })
        .collect();
    marks.sort_by_key(|m| (m.from, m.to));
    let first = marks.first().map_or(0, |m| m.from);
    let skip = if column <= WIDEST && !cut && !more { 0 } else { first.saturating_sub(WIDEST / 4) };
    let leads = skip > 0 || cut;
    let mut shown = String::from(if leads { "… " } else { "" });
    for (_, c, _) in cells.iter().filter(|(_, _, at)| *at >= skip && *at < skip + WIDEST) {
        show(&mut shown, *c);
    }
    if column > skip + WIDEST || more {
        shown.push_str(" …");
    }
    let shift = if leads { 2 } else { 0 };
    for mark in &mut marks {
        mark.from = mark.from.clamp(skip, skip + WIDEST) - skip + shift;
        mark.to = (mark.to.clamp(skip, skip + WIDEST) - skip + shift).max(mark.from + 1);
    }
    (shown, marks)
}

/// The bytes of a line that may be shown where its first mark stands at that one.
fn neighbourhood(text: &str, first: usize) -> std::ops::Range<usize> {
    if text.len() <= LONG {
        return 0..text.len();
    }
    let near = |at: usize| (0..=at.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    near(first.saturating_sub(LONG / 2))..near(first + LONG)
}

/// How many columns a character takes as it is shown.
fn width(c: char) -> usize {
    match c {
        '\t' => 4,
        c if c.is_control() || is_steering(c) => 1,
        c => c.width().unwrap_or(0),
    }
}

fn show(out: &mut String, c: char) {
    match c {
        '\t' => out.push_str("    "),
        c if c.is_control() || is_steering(c) => out.push('\u{fffd}'),
        c => out.push(c),
    }
}

/// Marks that reorder or hide text (bidirectional controls, zero-width characters): a reader must see that they are there.
fn is_steering(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if (c.is_control() && c != '\n') || is_steering(c) { '\u{fffd}' } else { c }).collect()
}

/// The rows under a line: the marks themselves with the message of the last one, then the other messages from right to left.
fn under(marks: Vec<Mark>, paint: &Paint) -> Vec<String> {
    let mut rows = Vec::new();
    let Some((last, others)) = marks.split_last() else { return rows };
    // The last message may stand beside its mark only if no other mark reaches beyond it.
    let beside = others.iter().all(|m| m.to <= last.from) || others.iter().all(|m| m.message.is_empty());
    let width = marks.iter().map(|m| m.to).max().unwrap_or(0);
    let mut cells: Vec<(char, bool)> = vec![(' ', false); width];
    for mark in marks.iter().filter(|m| !m.primary).chain(marks.iter().filter(|m| m.primary)) {
        for cell in &mut cells[mark.from..mark.to] {
            *cell = (if mark.primary { '^' } else { '-' }, mark.primary);
        }
    }
    let mut row = paint.cells(&cells);
    let hanging: Vec<&Mark> = if beside {
        if !last.message.is_empty() {
            let _ = write!(row, " {}", paint.mark(last.primary, &printable(last.message)));
        }
        others.iter().collect()
    } else {
        marks.iter().collect()
    };
    rows.push(row);
    let hanging: Vec<&Mark> = hanging.into_iter().filter(|m| !m.message.is_empty()).collect();
    for (i, mark) in hanging.iter().enumerate().rev() {
        let bars = |count: usize| {
            let mut cells: Vec<(char, bool)> = Vec::new();
            for m in &hanging[..count] {
                cells.resize(cells.len().max(m.from + 1), (' ', false));
                cells[m.from] = ('|', m.primary);
            }
            cells
        };
        if i + 1 == hanging.len() {
            rows.push(paint.cells(&bars(i + 1)));
        }
        let mut cells = bars(i);
        cells.truncate(mark.from);
        cells.resize(mark.from, (' ', false));
        rows.push(format!("{}{}", paint.cells(&cells), paint.mark(mark.primary, &printable(mark.message))));
    }
    rows
}

struct Paint {
    colour: bool,
    level: Level,
}

impl Paint {
    fn with(&self, code: &str, text: &str) -> String {
        if self.colour { format!("{code}{text}{RESET}") } else { text.to_owned() }
    }

    fn level(&self, text: &str) -> String {
        let code = match self.level {
            Level::Error => RED,
            Level::Warning => YELLOW,
        };
        self.with(code, text)
    }

    fn blue(&self, text: &str) -> String {
        self.with(BLUE, text)
    }

    fn bold(&self, text: &str) -> String {
        self.with(BOLD, text)
    }

    fn mark(&self, primary: bool, text: &str) -> String {
        if primary { self.level(text) } else { self.blue(text) }
    }

    fn cells(&self, cells: &[(char, bool)]) -> String {
        if !self.colour {
            return cells.iter().map(|(c, _)| *c).collect();
        }
        cells
            .chunk_by(|a, b| a.1 == b.1)
            .map(|run| self.mark(run[0].1, &run.iter().map(|(c, _)| *c).collect::<String>()))
            .collect()
    }
}
