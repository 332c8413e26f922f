//! What tokens are.

/// A token: what it is, and which bytes of the file it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    pub start: u32,
    pub end: u32,
    /// A line break stands between it and the token before: lines matter in tests only.
    pub first_on_line: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name or keyword: `low_glucose`, `when`, `µg`.
    Word,
    /// `70`, `6.1`, `1e3`.
    Number,
    /// A time of day: `02:15`, `02:15:30`.
    Clock,
    /// An instant: `2026-11-19T08:00:00Z`.
    Instant,
    /// `"…"`, quotes included, escapes as written.
    Text,
    OpenBrace,
    CloseBrace,
    OpenParen,
    CloseParen,
    Comma,
    Dot,
    DotDot,
    Eq,
    EqEq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Pipe,
    /// Something that has been reported already; whoever meets it gives up without a word.
    Bad,
    /// Behind the last.
    End,
}

/// A comment, from `//` to the end of its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comment {
    pub start: u32,
    pub end: u32,
    /// It documents the declaration that follows (`///`).
    pub doc: bool,
    /// The token that follows it.
    pub before: u32,
}

/// A file in tokens; the last is [`Kind::End`].
#[derive(Clone, Debug)]
pub struct Lexed {
    pub tokens: Vec<Token>,
    pub comments: Vec<Comment>,
}

impl Kind {
    /// As a diagnostic names it.
    pub fn describe(self) -> &'static str {
        match self {
            Kind::Word => "a word",
            Kind::Number => "a number",
            Kind::Clock => "a time of day",
            Kind::Instant => "an instant",
            Kind::Text => "a text in quotes",
            Kind::OpenBrace => "`{`",
            Kind::CloseBrace => "`}`",
            Kind::OpenParen => "`(`",
            Kind::CloseParen => "`)`",
            Kind::Comma => "`,`",
            Kind::Dot => "`.`",
            Kind::DotDot => "`..`",
            Kind::Eq => "`=`",
            Kind::EqEq => "`==`",
            Kind::Ne => "`!=`",
            Kind::Lt => "`<`",
            Kind::Le => "`<=`",
            Kind::Gt => "`>`",
            Kind::Ge => "`>=`",
            Kind::Plus => "`+`",
            Kind::Minus => "`-`",
            Kind::Star => "`*`",
            Kind::Slash => "`/`",
            Kind::Percent => "`%`",
            Kind::Pipe => "`|`",
            Kind::Bad => "something unreadable",
            Kind::End => "the end of the file",
        }
    }
}
