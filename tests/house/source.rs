//! A Rust file, and the same with its comments and literals blanked: enough of the language to count lines of functions and to tell a word of
//! code from a word in a text. No parser: what it can't see (macros that make functions) is not in this house.

use super::read;

pub struct Source {
    /// From the root.
    pub path: String,
    pub text: String,
    /// `text` with comments and the insides of literals replaced by spaces; lines stay where they are.
    pub code: String,
    /// The comments alone, in their places.
    pub comments: String,
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    /// Where it begins, counted from 1.
    pub line: usize,
    /// From `fn` to the closing brace.
    pub lines: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum At {
    Code,
    LineComment,
    BlockComment(u32),
    Text,
    RawText(usize),
}

impl Source {
    pub fn read(path: String) -> Source {
        let text = read(&path);
        Source::new(path, text)
    }

    pub fn new(path: String, text: String) -> Source {
        let (code, comments) = split(&text);
        Source { path, text, code, comments }
    }

    /// Whether it is a test or a measurement: it may do what only those may.
    pub fn is_test(&self) -> bool {
        ["tests", "benches", "examples"].iter().any(|dir| self.path.split('/').any(|part| part == *dir))
    }

    /// The crate's folder, `.` for the root package.
    pub fn home(&self) -> &str {
        super::CRATES.into_iter().find(|home| self.path.starts_with(&format!("{home}/"))).unwrap_or(".")
    }

    /// Lines before the unit tests in the file.
    pub fn length(&self) -> usize {
        self.text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count()
    }

    /// `path:line` of each line of code (not of texts or comments) that `wanted` wants.
    pub fn find(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let lines = self.code.lines().zip(1..).filter(|(line, _)| wanted(line));
        lines.map(|(line, n)| format!("{}:{n}: {}", self.path, line.trim())).collect()
    }

    pub fn functions(&self) -> Vec<Function> {
        let mut found = Vec::new();
        for (start, _) in words(&self.code, "fn") {
            let rest = &self.code[start + 2..];
            let name: String = rest.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            // A function type (`fn(u8)`) has no name, a declaration in a trait no body.
            let Some(opening) = rest.find(['{', ';']).filter(|i| rest.as_bytes()[*i] == b'{' && !name.is_empty()) else {
                continue;
            };
            let mut depth = 0;
            let body = rest[opening..].char_indices().find_map(|(i, c)| {
                depth += i32::from(c == '{') - i32::from(c == '}');
                (depth == 0).then_some(i)
            });
            let Some(end) = body else { continue };
            let line = self.code[..start].matches('\n').count() + 1;
            let lines = rest[..opening + end].matches('\n').count() + 1;
            found.push(Function { name, line, lines });
        }
        found
    }
}

/// Where a word stands by itself.
pub fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).filter(move |(i, found)| {
        !text[..*i].chars().next_back().is_some_and(part) && !text[i + found.len()..].chars().next().is_some_and(part)
    })
}

fn split(text: &str) -> (String, String) {
    let (mut code, mut comments) = (String::with_capacity(text.len()), String::new());
    let chars: Vec<char> = text.chars().collect();
    let (mut i, mut at) = (0, At::Code);
    while i < chars.len() {
        let next = |n: usize| chars.get(i + n).copied().unwrap_or('\0');
        let c = chars[i];
        // How many characters this step takes, and whether they are code or comment.
        let (taken, before, after) = match at {
            At::Code if c == '/' && next(1) == '/' => (2, at, At::LineComment),
            At::Code if c == '/' && next(1) == '*' => (2, at, At::BlockComment(1)),
            At::Code if c == '"' => (1, at, At::Text),
            At::Code if c == 'r' && raw_hashes(&chars, i).is_some() => {
                let hashes = raw_hashes(&chars, i).unwrap_or(0);
                (hashes + 2, at, At::RawText(hashes))
            }
            At::Code if c == '\'' && char_literal(&chars, i) > 0 => (char_literal(&chars, i), At::Text, At::Code),
            At::LineComment if c == '\n' => (1, At::Code, At::Code),
            At::BlockComment(depth) if c == '/' && next(1) == '*' => (2, at, At::BlockComment(depth + 1)),
            At::BlockComment(depth) if c == '*' && next(1) == '/' => {
                (2, at, if depth == 1 { At::Code } else { At::BlockComment(depth - 1) })
            }
            At::Text if c == '\\' => (2, at, at),
            At::Text if c == '"' => (1, At::Code, At::Code),
            At::RawText(hashes) if c == '"' && (1..=hashes).all(|n| next(n) == '#') => (hashes + 1, At::Code, At::Code),
            _ => (1, at, at),
        };
        for c in chars[i..chars.len().min(i + taken)].iter().copied() {
            let comment =
                matches!(before, At::LineComment | At::BlockComment(_)) || matches!(after, At::LineComment | At::BlockComment(_));
            let blank = if c == '\n' { '\n' } else { ' ' };
            code.push(if before == At::Code && !comment { c } else { blank });
            comments.push(if comment { c } else { blank });
        }
        (i, at) = (i + taken, after);
    }
    (code, comments)
}

/// `r"`, `r#"`, …: how many hashes.
fn raw_hashes(chars: &[char], i: usize) -> Option<usize> {
    let before = i.checked_sub(1).map(|n| chars[n]);
    if before.is_some_and(|c| (c.is_alphanumeric() || c == '_') && c != 'b' && c != 'c') {
        return None;
    }
    let hashes = chars[i + 1..].iter().take_while(|c| **c == '#').count();
    (chars.get(i + 1 + hashes) == Some(&'"')).then_some(hashes)
}

/// The length of the character literal that begins here; 0 for a lifetime.
fn char_literal(chars: &[char], i: usize) -> usize {
    if chars.get(i + 1) == Some(&'\\') {
        return chars[i + 3..].iter().position(|c| *c == '\'').map_or(0, |n| n + 4);
    }
    if chars.get(i + 2) == Some(&'\'') { 3 } else { 0 }
}

#[test]
fn comments_and_literals_are_told_from_code() {
    let text = r####"fn a<'x>(s: &'x str) { let b = "} // no"; /* { /* } */ */ '{' }
// fn c() {}
fn d() { r#"{"#; b'\''; '\u{7b}'; '"' }"####;
    let source = Source::new(String::new(), text.to_owned());
    let names: Vec<_> = source.functions().into_iter().map(|f| (f.name, f.line, f.lines)).collect();
    assert_eq!(names, [("a".to_owned(), 1, 1), ("d".to_owned(), 3, 1)]);
    assert!(source.comments.contains("fn c() {}") && !source.code.contains("fn c"));
    assert_eq!(source.code.lines().count(), text.lines().count());
    assert_eq!(source.code.chars().count(), text.chars().count());
}

#[test]
fn functions_are_measured_from_fn_to_the_closing_brace() {
    let text = "trait T { fn declared(); }\nfn one() {\n    if x {\n    }\n}\ntype F = fn(u8);\nfn two() {}\n";
    let lengths: Vec<_> =
        Source::new(String::new(), text.to_owned()).functions().into_iter().map(|f| (f.name, f.lines)).collect();
    assert_eq!(lengths, [("one".to_owned(), 4), ("two".to_owned(), 1)]);
}
