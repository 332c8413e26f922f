//! The scanner: one pass, one character of lookahead more than a token needs.

use super::token::{Comment, Kind, Lexed, Token};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, Loc};

/// What a compilation accepts, so that no file can exhaust it.
pub struct Limits;

impl Limits {
    /// Bytes of one file.
    pub const FILE: usize = 1 << 20;
    /// Bytes of all given files together.
    pub const TOTAL: usize = 16 << 20;
    /// How deep expressions may be nested, chains of operators included.
    pub const DEPTH: u32 = 64;
    /// Diagnostics that are kept.
    pub const DIAGNOSTICS: usize = 200;
}

/// Characters of other scripts that look like letters the language uses, and typography that word processors put in.
const LOOKALIKES: &[(char, &str)] = &[
    ('\u{430}', "a"),
    ('\u{435}', "e"),
    ('\u{43e}', "o"),
    ('\u{440}', "p"),
    ('\u{441}', "c"),
    ('\u{443}', "y"),
    ('\u{445}', "x"),
    ('\u{456}', "i"),
    ('\u{455}', "s"),
    ('\u{391}', "A"),
    ('\u{392}', "B"),
    ('\u{395}', "E"),
    ('\u{39f}', "O"),
    ('\u{3bf}', "o"),
    ('\u{201c}', "\""),
    ('\u{201d}', "\""),
    ('\u{201e}', "\""),
    ('\u{2264}', "<="),
    ('\u{2265}', ">="),
    ('\u{2260}', "!="),
    ('\u{2212}', "-"),
    ('\u{2013}', "-"),
    ('\u{d7}', "*"),
    ('\u{f7}', "/"),
    ('\u{b7}', "*"),
    ('\u{a0}', " "),
];

struct Scanner<'a> {
    file: FileId,
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    end: usize,
    line_broke: bool,
    out: Lexed,
    diagnostics: &'a mut Vec<Diagnostic>,
}

/// Reads the tokens of `text[range]`; places are those in the whole text. Characters the language has no use for are reported, neighbours
/// together.
pub fn lex(file: FileId, text: &str, range: std::ops::Range<usize>, diagnostics: &mut Vec<Diagnostic>) -> Lexed {
    let mut scanner = Scanner {
        file,
        text,
        bytes: text.as_bytes(),
        at: range.start,
        end: range.end,
        line_broke: true,
        out: Lexed { tokens: Vec::new(), comments: Vec::new() },
        diagnostics,
    };
    // A byte order mark says nothing.
    if scanner.text[..scanner.end].get(scanner.at..).is_some_and(|t| t.starts_with('\u{feff}')) {
        scanner.at += '\u{feff}'.len_utf8();
    }
    while scanner.at < scanner.end {
        scanner.next();
    }
    scanner.push(Kind::End, scanner.end);
    scanner.out
}

impl Scanner<'_> {
    fn byte(&self, ahead: usize) -> u8 {
        if self.at + ahead < self.end { self.bytes[self.at + ahead] } else { 0 }
    }

    fn digits(&self, ahead: usize, count: usize) -> bool {
        (ahead..ahead + count).all(|i| self.byte(i).is_ascii_digit())
    }

    fn loc(&self, start: usize) -> Loc {
        Loc { file: self.file, start: start as u32, end: self.at as u32 }
    }

    fn push(&mut self, kind: Kind, start: usize) {
        let first_on_line = std::mem::take(&mut self.line_broke);
        self.out.tokens.push(Token { kind, start: start as u32, end: self.at as u32, first_on_line });
    }

    /// Pushes a token of that many bytes.
    fn take(&mut self, kind: Kind, bytes: usize) {
        let start = self.at;
        self.at += bytes;
        self.push(kind, start);
    }

    fn next(&mut self) {
        match (self.byte(0), self.byte(1)) {
            (b'\n', _) => {
                self.line_broke = true;
                self.at += 1;
            }
            (b' ' | b'\t' | b'\r', _) => self.at += 1,
            (b'/', b'/') => self.comment(),
            (b'"', _) => self.quoted(),
            (b'0'..=b'9', _) => self.number(),
            (b'a'..=b'z' | b'A'..=b'Z' | b'_', _) => self.word(),
            (b'.', b'.') => self.take(Kind::DotDot, 2),
            (b'=', b'=') => self.take(Kind::EqEq, 2),
            (b'=', b'<') => self.turned(Kind::Le, "<="),
            (b'=', b'>') => self.turned(Kind::Ge, ">="),
            (b'<', b'>') => self.turned(Kind::Ne, "!="),
            (b'!', b'=') => self.take(Kind::Ne, 2),
            (b'<', b'=') => self.take(Kind::Le, 2),
            (b'>', b'=') => self.take(Kind::Ge, 2),
            (b'{', _) => self.take(Kind::OpenBrace, 1),
            (b'}', _) => self.take(Kind::CloseBrace, 1),
            (b'(', _) => self.take(Kind::OpenParen, 1),
            (b')', _) => self.take(Kind::CloseParen, 1),
            (b',', _) => self.take(Kind::Comma, 1),
            (b'.', _) => self.take(Kind::Dot, 1),
            (b'=', _) => self.take(Kind::Eq, 1),
            (b'<', _) => self.take(Kind::Lt, 1),
            (b'>', _) => self.take(Kind::Gt, 1),
            (b'+', _) => self.take(Kind::Plus, 1),
            (b'-', _) => self.take(Kind::Minus, 1),
            (b'*', _) => self.take(Kind::Star, 1),
            (b'/', _) => self.take(Kind::Slash, 1),
            (b'%', _) => self.take(Kind::Percent, 1),
            (b'|', _) => self.take(Kind::Pipe, 1),
            _ => self.other(),
        }
    }

    /// A sign that other tools write otherwise; it is read as what was meant, so that nothing follows from it.
    fn turned(&mut self, kind: Kind, meant: &str) {
        let start = self.at;
        self.take(kind, 2);
        let here = self.loc(start);
        let sign = &self.text[start..self.at];
        let d = Diagnostic::new(Code::CHARACTER, format!("`{sign}` is no sign of the language"), here, "a comparison?");
        self.diagnostics.push(d.fix(format!("write `{meant}`"), here, meant));
    }

    fn comment(&mut self) {
        let start = self.at;
        let line = self.bytes[start..self.end].iter().position(|b| *b == b'\n');
        self.at = line.map_or(self.end, |n| start + n);
        // Four slashes and more draw a line; they document nothing.
        let doc = self.bytes[start..self.at].starts_with(b"///") && self.bytes.get(start + 3) != Some(&b'/');
        let before = self.out.tokens.len() as u32;
        self.out.comments.push(Comment { start: start as u32, end: self.at as u32, doc, before });
    }

    fn quoted(&mut self) {
        let start = self.at;
        self.at += 1;
        loop {
            match self.byte(0) {
                b'"' => {
                    self.at += 1;
                    self.push(Kind::Text, start);
                    return;
                }
                b'\\' if !matches!(self.byte(1), 0 | b'\n') => self.at += 1 + self.char_len(self.at + 1),
                0 if self.at >= self.end => break,
                b'\n' => break,
                _ => self.at += self.char_len(self.at),
            }
        }
        let opening = Loc { end: start as u32 + 1, ..self.loc(start) };
        self.diagnostics.push(
            Diagnostic::new(Code::UNTERMINATED, "a text does not end on its line", opening, "it begins here")
                .help("close it with `\"`; a quote inside a text is written `\\\"`"),
        );
        // The rest of the line is left out, so that nothing in it is read as rules.
        self.push(Kind::Bad, start);
    }

    fn char_len(&self, at: usize) -> usize {
        self.text.get(at..self.end).and_then(|t| t.chars().next()).map_or(1, char::len_utf8)
    }

    fn number(&mut self) {
        let start = self.at;
        if self.digits(0, 4) && self.byte(4) == b'-' && self.digits(5, 2) && self.byte(7) == b'-' && self.digits(8, 2) {
            self.at += 10;
            while matches!(self.byte(0), b'0'..=b'9' | b'T' | b'Z' | b':' | b'+' | b'-')
                || (self.byte(0) == b'.' && self.byte(1).is_ascii_digit())
            {
                self.at += 1;
            }
            return self.push(Kind::Instant, start);
        }
        for hour_digits in [1, 2] {
            if self.digits(0, hour_digits) && self.byte(hour_digits) == b':' && self.digits(hour_digits + 1, 2) {
                self.at += hour_digits + 3;
                if self.byte(0) == b':' && self.digits(1, 2) {
                    self.at += 3;
                }
                return self.push(Kind::Clock, start);
            }
        }
        while self.byte(0).is_ascii_digit() {
            self.at += 1;
        }
        if self.byte(0) == b'.' && self.byte(1).is_ascii_digit() {
            self.at += 1;
            while self.byte(0).is_ascii_digit() {
                self.at += 1;
            }
        }
        let sign = usize::from(matches!(self.byte(1), b'+' | b'-'));
        if matches!(self.byte(0), b'e' | b'E') && self.byte(1 + sign).is_ascii_digit() {
            self.at += 1 + sign;
            while self.byte(0).is_ascii_digit() {
                self.at += 1;
            }
        }
        self.push(Kind::Number, start);
    }

    /// Letters of other scripts are read into the word, so that a homoglyph is reported as one; `µ` begins a unit.
    fn word(&mut self) {
        let start = self.at;
        let mut strange: Option<(usize, char)> = None;
        let rest = &self.text[self.at..self.end];
        let mut length = rest.len();
        for (i, c) in rest.char_indices() {
            let micro = matches!(c, 'µ' | 'μ');
            if c.is_ascii_alphanumeric() || c == '_' || micro {
                continue;
            }
            if !c.is_alphanumeric() {
                length = i;
                break;
            }
            strange.get_or_insert((start + i, c));
        }
        self.at += length;
        if let Some((at, c)) = strange {
            let here = Loc { file: self.file, start: at as u32, end: (at + c.len_utf8()) as u32 };
            let mut d = Diagnostic::new(Code::CHARACTER, "a name holds a letter of another alphabet", here, named(c));
            if let Some((_, plain)) = LOOKALIKES.iter().find(|(l, _)| *l == c) {
                d = d.fix(format!("it looks like `{plain}`, but is another character; type `{plain}`"), here, *plain);
            } else {
                d = d.help("names are made of a to z, A to Z, digits and `_`");
            }
            self.diagnostics.push(d);
        }
        self.push(Kind::Word, start);
    }

    fn other(&mut self) {
        let start = self.at;
        let c = self.text.get(start..self.end).and_then(|t| t.chars().next()).unwrap_or('\u{fffd}');
        if c.is_alphabetic() {
            return self.word();
        }
        let meant = LOOKALIKES.iter().find(|(l, _)| *l == c).map(|(_, plain)| *plain);
        // A run of one character is reported once.
        while self.at < self.end && self.text.get(self.at..self.end).is_some_and(|t| t.starts_with(c)) {
            self.at += c.len_utf8();
        }
        let here = self.loc(start);
        let d = if c == '\u{fffd}' {
            Diagnostic::new(Code::ENCODING, "the file is not UTF-8 here", here, "these bytes mean nothing")
                .help("save the file as UTF-8")
        } else {
            let d = Diagnostic::new(Code::CHARACTER, "a character that the language does not use", here, named(c));
            match meant {
                Some(plain) => d.fix(format!("type `{plain}`"), here, plain),
                None if c == '&' => d.fix("write `and`", here, "and"),
                None if c == '!' => d.fix("write `not`", here, "not "),
                None if c == '#' => d.fix("a comment begins with `//`", here, "//"),
                None if c == ';' => d.fix("nothing separates clauses; leave it out", here, ""),
                None if c == '\'' => d.help("texts stand in double quotes"),
                None if c == ':' => d.help("what follows a word stands right behind it, and a block in `{ }`; no colon"),
                None if c == '[' => d.fix("a list stands in parentheses", here, "("),
                None if c == ']' => d.fix("a list stands in parentheses", here, ")"),
                None if c == '^' => d.help("there are `+`, `-`, `*` and `/`"),
                None => d,
            }
        };
        self.diagnostics.push(d);
        // Reading goes on with what was meant, so that nothing follows from it.
        match meant {
            Some("<=") => self.push(Kind::Le, start),
            Some(">=") => self.push(Kind::Ge, start),
            Some("!=") => self.push(Kind::Ne, start),
            Some("-") => self.push(Kind::Minus, start),
            Some("*") => self.push(Kind::Star, start),
            Some("/") => self.push(Kind::Slash, start),
            Some("\"") => {
                // To the closing quote, or to the end of the line.
                let rest = self.text.get(self.at..self.end).unwrap_or("");
                let line = rest.find('\n').unwrap_or(rest.len());
                let closing = rest[..line].char_indices().find(|(_, c)| matches!(c, '\u{201c}' | '\u{201d}' | '"'));
                self.at += closing.map_or(line, |(i, c)| i + c.len_utf8());
                self.push(Kind::Bad, start);
            }
            Some(_) => {}
            None if c == ';' => {}
            None if c == '#' => self.comment(),
            None => self.push(Kind::Bad, start),
        }
    }
}

fn named(c: char) -> String {
    if c.is_control() { format!("this is U+{:04X}", c as u32) } else { format!("this is `{c}` (U+{:04X})", c as u32) }
}
