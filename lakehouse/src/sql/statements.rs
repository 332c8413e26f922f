//! Where a statement ends: at a semicolon that is in no text, no quoted name and no comment.

/// The statements of a text, without their semicolons; what comes after the last one is one, too, if it says anything.
pub fn split(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = text;
    loop {
        match end(rest) {
            Some(end) => {
                out.push(&rest[..end]);
                rest = &rest[end + 1..];
            }
            None => {
                out.push(rest);
                out.retain(|statement| says_something(statement));
                return out;
            }
        }
    }
}

/// Whether nothing is left open: the text ends with a semicolon, or says nothing.
pub fn is_complete(text: &str) -> bool {
    let mut rest = text;
    while let Some(end) = end(rest) {
        rest = &rest[end + 1..];
    }
    !says_something(rest)
}

fn says_something(text: &str) -> bool {
    Scan::new(text).any(|(_, part)| matches!(part, Part::Plain(c) if !c.is_whitespace()) || part == Part::Quoted)
}

/// The place of the first semicolon that ends a statement.
fn end(text: &str) -> Option<usize> {
    Scan::new(text).find(|(_, part)| *part == Part::Plain(';')).map(|(place, _)| place)
}

/// The places of question marks that stand alone: drivers write a parameter so.
pub(crate) fn marks(text: &str) -> Vec<usize> {
    Scan::new(text).filter(|(_, part)| *part == Part::Plain('?')).map(|(place, _)| place).collect()
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Plain(char),
    /// Within a text or a quoted name.
    Quoted,
    Comment,
}

/// Characters with what they are part of.
struct Scan<'a> {
    text: &'a str,
    place: usize,
    within: Within<'a>,
    /// The character before, where it is plain: `E` makes the text behind it one with escapes.
    before: Option<char>,
}

#[derive(Clone, Copy, PartialEq)]
enum Within<'a> {
    Nothing,
    Quotes(char),
    /// A text in which a backslash takes the meaning of the next character.
    Escapes,
    /// Up to this word between dollars.
    Dollars(&'a str),
    Line,
    /// Comments nest.
    Block(u32),
}

impl<'a> Scan<'a> {
    fn new(text: &'a str) -> Scan<'a> {
        Scan { text, place: 0, within: Within::Nothing, before: None }
    }

    /// Takes what comes next if it is this.
    fn follows(&mut self, wanted: &str) -> bool {
        let is = self.text[self.place..].starts_with(wanted);
        if is {
            self.place += wanted.len();
        }
        is
    }

    /// The tag of a text in dollars that begins here, behind its first dollar: `$$` or `$tag$`.
    fn tag(&self) -> Option<&'a str> {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        if self.before.is_some_and(is_word) {
            return None;
        }
        let rest = &self.text[self.place..];
        let (tag, _) = rest.split_once('$')?;
        let is_tag = tag.chars().all(is_word) && !tag.starts_with(|c: char| c.is_ascii_digit());
        is_tag.then(|| &rest[..=tag.len()])
    }

    fn begin(&mut self, c: char) -> Part {
        match c {
            '\'' if self.before.is_some_and(|b| b.eq_ignore_ascii_case(&'e')) && !self.is_longer_word() => {
                self.within = Within::Escapes;
                Part::Quoted
            }
            '\'' | '"' => {
                self.within = Within::Quotes(c);
                Part::Quoted
            }
            '-' if self.follows("-") => {
                self.within = Within::Line;
                Part::Comment
            }
            '/' if self.follows("*") => {
                self.within = Within::Block(1);
                Part::Comment
            }
            '$' => match self.tag() {
                Some(tag) => {
                    self.place += tag.len();
                    self.within = Within::Dollars(tag);
                    Part::Quoted
                }
                None => Part::Plain(c),
            },
            c => Part::Plain(c),
        }
    }

    /// Whether the `E` before a quote ends a longer word.
    fn is_longer_word(&self) -> bool {
        let before = self.text[..self.place].chars().rev().nth(2);
        before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    }
}

impl Iterator for Scan<'_> {
    type Item = (usize, Part);

    fn next(&mut self) -> Option<(usize, Part)> {
        let place = self.place;
        let c = self.text[place..].chars().next()?;
        self.place += c.len_utf8();
        let part = match self.within {
            Within::Nothing => self.begin(c),
            Within::Quotes(quote) => {
                // Twice is the character itself.
                if c == quote && !self.follows(quote.encode_utf8(&mut [0; 4])) {
                    self.within = Within::Nothing;
                }
                Part::Quoted
            }
            Within::Escapes => {
                if c == '\\' {
                    self.place += self.text[self.place..].chars().next().map_or(0, char::len_utf8);
                } else if c == '\'' && !self.follows("'") {
                    self.within = Within::Nothing;
                }
                Part::Quoted
            }
            Within::Dollars(tag) => {
                if c == '$' && self.follows(tag) {
                    self.within = Within::Nothing;
                }
                Part::Quoted
            }
            Within::Line => {
                if c == '\n' {
                    self.within = Within::Nothing;
                }
                Part::Comment
            }
            Within::Block(depth) => {
                if c == '*' && self.follows("/") {
                    self.within = if depth == 1 { Within::Nothing } else { Within::Block(depth - 1) };
                } else if c == '/' && self.follows("*") {
                    self.within = Within::Block(depth + 1);
                }
                Part::Comment
            }
        };
        self.before = if let Part::Plain(c) = part { Some(c) } else { None };
        Some((place, part))
    }
}

#[cfg(test)]
mod tests {
    use super::{is_complete, split};

    #[test]
    fn semicolons_end_statements_where_they_stand_alone() {
        for (text, expected) in [
            ("select 1", vec!["select 1"]),
            ("select 1; select 2;\n", vec!["select 1", " select 2"]),
            ("select ';', \"a;b\", 'it''s;'; -- and; so on", vec!["select ';', \"a;b\", 'it''s;'"]),
            ("/* a; /* b; */ c; */ select 1 -- ;\n+ 1;", vec!["/* a; /* b; */ c; */ select 1 -- ;\n+ 1"]),
            (" ;; ", vec![]),
            ("select 'ünïcode;✓';x", vec!["select 'ünïcode;✓'", "x"]),
            (r"select E'it\'s;'; y", vec![r"select E'it\'s;'", " y"]),
            (r"select type'\'; y", vec![r"select type'\'", " y"]),
            ("select $$a;b$$, $t$ $$; $t$; z", vec!["select $$a;b$$, $t$ $$; $t$", " z"]),
            ("select $1; select a$b$; c", vec!["select $1", " select a$b$", " c"]),
        ] {
            assert_eq!(split(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_open_goes_on() {
        for complete in ["", "  \n", "select 1;", "select 1; -- done", "-- nothing", "select 1;select 2;"] {
            assert!(is_complete(complete), "{complete}");
        }
        for open in ["select 1", "select ';", "select 1; select", "select /* ;", "select \"a;", "'"] {
            assert!(!is_complete(open), "{open}");
        }
    }
}
