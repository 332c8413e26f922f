//! Rule files, and places in them.
//!
//! A place is a range of bytes ([`Loc`]); lines and columns are computed only when a diagnostic is shown.

use std::sync::Arc;

use vitalog_elog::input::RuleFile;

use crate::columns::Columns;

/// A rule file to be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// As it is shown to people; the part before `.rules` is what `use` calls it.
    pub name: Arc<str>,
    pub text: Arc<str>,
}

/// The place of a file in [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u16);

/// A range of bytes in a file: `start` included, `end` not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Loc {
    pub file: FileId,
    pub start: u32,
    pub end: u32,
}

/// Line and column of a byte, both from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub line: u32,
    pub column: u32,
}

/// All files that took part in a compilation.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct SourceFile {
    pub name: Arc<str>,
    pub text: Arc<str>,
    /// It came by `use` of a shipped pack.
    pub shipped: bool,
    line_starts: Vec<u32>,
    columns: Columns,
}

impl Source {
    pub fn new(name: &str, text: &str) -> Source {
        Source { name: Arc::from(name), text: Arc::from(text) }
    }

    /// A file as it was read. Bytes that are no UTF-8 become U+FFFD, which the compiler reports where it stands.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Source {
        Source::new(name, &String::from_utf8_lossy(bytes))
    }
}

impl From<&RuleFile> for Source {
    fn from(file: &RuleFile) -> Source {
        Source { name: file.name.clone(), text: file.text.clone() }
    }
}

impl Loc {
    /// From the start of this to the end of the other.
    pub fn to(self, other: Loc) -> Loc {
        Loc { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The empty range just behind this one: where something is missing.
    pub fn after(self) -> Loc {
        Loc { start: self.end, ..self }
    }
}

impl Sources {
    pub fn add(&mut self, name: &str, text: &Arc<str>, shipped: bool) -> FileId {
        let mut line_starts = vec![0];
        line_starts.extend(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i as u32 + 1));
        let columns = Columns::of(text);
        self.files.push(SourceFile { name: Arc::from(name), text: text.clone(), shipped, line_starts, columns });
        FileId((self.files.len() - 1) as u16)
    }

    pub fn get(&self, id: FileId) -> &SourceFile {
        &self.files[usize::from(id.0)]
    }

    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files.iter().enumerate().map(|(i, f)| (FileId(i as u16), f))
    }

    pub fn text(&self, loc: Loc) -> &str {
        self.get(loc.file).text.get(loc.start as usize..loc.end as usize).unwrap_or("")
    }

    /// Line and column of the start of a range.
    pub fn start(&self, loc: Loc) -> Place {
        self.get(loc.file).place(loc.start)
    }

    /// Line and column just behind a range.
    pub fn end(&self, loc: Loc) -> Place {
        self.get(loc.file).place(loc.end)
    }
}

impl SourceFile {
    pub fn place(&self, at: u32) -> Place {
        let line = self.line_starts.partition_point(|start| *start <= at).max(1);
        let start = self.line_starts[line - 1] as usize;
        let column = self.text.get(start..at as usize).map_or(0, |t| self.columns.chars(start..start + t.len()));
        Place { line: line as u32, column: column as u32 + 1 }
    }

    /// A line by its number, without its line break, and the byte at which it starts.
    pub fn line(&self, number: u32) -> (&str, u32) {
        let i = (number.max(1) as usize - 1).min(self.line_starts.len() - 1);
        let start = self.line_starts[i];
        let end = self.line_starts.get(i + 1).copied().unwrap_or(self.text.len() as u32);
        let text = self.text.get(start as usize..end as usize).unwrap_or("");
        (text.trim_end_matches(['\n', '\r']), start)
    }
}
