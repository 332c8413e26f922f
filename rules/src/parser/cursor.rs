//! Looking at tokens, taking them, and finding a place to go on after an error.

use std::sync::Arc;

use super::{Failed, Parsed, Parser};
use crate::diagnostic::{Code, Diagnostic};
use crate::lexer::{Kind, Token};
use crate::source::Loc;
use crate::syntax::{Name, Text};

/// Words that cannot be names (of streams, steps, rules, `let`s); after a dot and as a field's name they can.
pub const RESERVED: &[&str] = &[
    "after",
    "and",
    "as",
    "at",
    "before",
    "between",
    "cite",
    "disjoint",
    "during",
    "each",
    "every",
    "expect",
    "false",
    "for",
    "gap",
    "if",
    "in",
    "interval",
    "is",
    "let",
    "match",
    "next",
    "no",
    "not",
    "notify",
    "now",
    "of",
    "onset",
    "or",
    "otherwise",
    "over",
    "overlaps",
    "policy",
    "profile",
    "quiet",
    "rule",
    "say",
    "severity",
    "shadow",
    "stale",
    "stream",
    "test",
    "then",
    "true",
    "until",
    "use",
    "when",
    "where",
    "with",
    "within",
    "without",
];

/// Words that begin a clause of a rule.
pub const CLAUSES: &[&str] =
    &["severity", "at", "when", "until", "match", "every", "let", "where", "say", "notify", "cite", "stale", "quiet", "shadow"];

impl<'a> Parser<'a> {
    pub fn peek(&self) -> Token {
        self.ahead(0)
    }

    pub fn ahead(&self, n: usize) -> Token {
        let tokens = &self.lexed.tokens;
        tokens[(self.at + n).min(tokens.len() - 1)]
    }

    pub fn slice(&self, token: Token) -> &'a str {
        self.text.get(token.start as usize..token.end as usize).unwrap_or("")
    }

    /// The words of a range.
    pub fn written(&self, loc: Loc) -> &'a str {
        self.text.get(loc.start as usize..loc.end as usize).unwrap_or("")
    }

    pub fn loc(&self, token: Token) -> Loc {
        Loc { file: self.file, start: token.start, end: token.end }
    }

    pub fn here(&self) -> Loc {
        self.loc(self.peek())
    }

    /// From the start of a token to the end of the last one taken.
    pub fn since(&self, start: Token) -> Loc {
        let last = self.lexed.tokens[self.at.saturating_sub(1)];
        self.loc(start).to(self.loc(last))
    }

    pub fn is(&self, kind: Kind) -> bool {
        self.peek().kind == kind
    }

    pub fn is_word(&self, word: &str) -> bool {
        self.word_ahead(0) == Some(word)
    }

    pub fn word_ahead(&self, n: usize) -> Option<&'a str> {
        let token = self.ahead(n);
        (token.kind == Kind::Word).then(|| self.slice(token))
    }

    pub fn advance(&mut self) -> Token {
        let token = self.peek();
        if token.kind != Kind::End {
            self.at += 1;
        }
        token
    }

    pub fn eat(&mut self, kind: Kind) -> Option<Token> {
        self.is(kind).then(|| self.advance())
    }

    pub fn eat_word(&mut self, word: &str) -> Option<Token> {
        self.is_word(word).then(|| self.advance())
    }

    pub fn need(&mut self, kind: Kind, why: &str) -> Parsed<Token> {
        match self.eat(kind) {
            Some(token) => Ok(token),
            None => Err(self.expected(&format!("{} {why}", kind.describe()))),
        }
    }

    pub fn need_word(&mut self, word: &str, why: &str) -> Parsed<Token> {
        match self.eat_word(word) {
            Some(token) => Ok(token),
            None => Err(self.expected(&format!("`{word}` {why}"))),
        }
    }

    /// A name of one's own choice: no keyword.
    pub fn name(&mut self, what: &str) -> Parsed<Name> {
        if let Some(word) = self.word_ahead(0)
            && RESERVED.contains(&word)
        {
            let loc = self.here();
            let again = self.at.checked_sub(1).is_some_and(|b| self.slice(self.lexed.tokens[b]) == word);
            let what_is = format!("`{word}` is a keyword, {what} is needed");
            let d = Diagnostic::new(Code::RESERVED, what_is, loc, format!("expected {what}"));
            let d = match again {
                true => d.fix(format!("`{word}` stands here twice; leave one out"), loc, ""),
                false => d.fix(format!("keywords cannot be names; `{word}_` would do"), loc, format!("{word}_")),
            };
            self.report(d);
            return Err(Failed);
        }
        self.any_name(what)
    }

    /// A name that may be a keyword: of a field.
    pub fn any_name(&mut self, what: &str) -> Parsed<Name> {
        match self.eat(Kind::Word) {
            Some(token) => Ok(Name { text: Arc::from(self.slice(token)), loc: self.loc(token) }),
            None => Err(self.expected(what)),
        }
    }

    /// A text in quotes, escapes resolved.
    pub fn quoted(&mut self, what: &str) -> Parsed<Text> {
        let token = match self.eat(Kind::Text) {
            Some(token) => token,
            None => return Err(self.expected(what)),
        };
        let raw = self.slice(token);
        let inner = raw.strip_prefix('"').unwrap_or(raw);
        let inner = inner.strip_suffix('"').unwrap_or(inner);
        let text = self.unescape(inner, token.start + 1);
        Ok(Text { text: Arc::from(text), loc: self.loc(token) })
    }

    /// Resolves `\"`, `\\`, `\n`; `start` is where the raw text begins in the file.
    pub fn unescape(&mut self, raw: &str, start: u32) -> String {
        let mut out = String::with_capacity(raw.len());
        let mut chars = raw.char_indices();
        while let Some((i, c)) = chars.next() {
            if c != '\\' {
                out.push(c);
                continue;
            }
            match chars.next() {
                Some((_, 'n')) => out.push('\n'),
                Some((_, c @ ('"' | '\\'))) => out.push(c),
                other => {
                    let width = other.map_or(0, |(_, c)| c.len_utf8());
                    let loc = Loc { file: self.file, start: start + i as u32, end: start + (i + 1 + width) as u32 };
                    self.report(
                        Diagnostic::new(Code::ESCAPE, "an unknown escape in a text", loc, "this stands for nothing")
                            .help("the escapes are `\\\"`, `\\\\` and `\\n`"),
                    );
                }
            }
        }
        out
    }

    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Reports that something else was expected at the next token.
    pub fn expected(&mut self, what: &str) -> Failed {
        let token = self.peek();
        let found = match token.kind {
            Kind::Bad => return Failed,
            Kind::End => self.ends.to_owned(),
            Kind::Word => format!("`{}`", self.slice(token)),
            kind => kind.describe().to_owned(),
        };
        let loc = self.here();
        let d = Diagnostic::new(Code::EXPECTED, format!("expected {what}, found {found}"), loc, format!("expected {what}"));
        let d = self.meant(d);
        self.report(d);
        Failed
    }

    /// As [`Parser::expected`], with a note.
    pub fn expected_noting(&mut self, what: &str, note: impl Into<String>) -> Failed {
        let before = self.diagnostics.len();
        let failed = self.expected(what);
        if let Some(said) = self.diagnostics.get_mut(before) {
            said.notes.push(note.into());
        }
        failed
    }

    /// The `///` lines right before a token.
    pub fn doc_before(&self, token_index: usize) -> Option<Arc<str>> {
        let all = &self.lexed.comments;
        let first = all.partition_point(|c| (c.before as usize) < token_index);
        let lines: Vec<&str> = all[first..]
            .iter()
            .take_while(|c| c.before as usize == token_index)
            .filter(|c| c.doc)
            .filter_map(|c| self.text.get(c.start as usize + 3..c.end as usize))
            .map(str::trim)
            .collect();
        (!lines.is_empty()).then(|| Arc::from(lines.join("\n")))
    }

    /// Whether a declaration begins here: after an unclosed block this is where reading goes on.
    pub fn at_item(&self) -> bool {
        let Some(word) = self.word_ahead(0) else { return false };
        let next = self.ahead(1);
        let third = self.ahead(2);
        // A field may have such a name, too: `stream text`. What does not tell by itself is taken for a declaration where no field is written.
        let outside = || self.is_at_the_margin();
        self.peek().first_on_line
            && match word {
                "rule" | "test" => next.kind == Kind::Word && matches!(third.kind, Kind::Text | Kind::OpenBrace),
                "stream" => next.kind == Kind::Word && (third.kind == Kind::OpenBrace || (third.kind == Kind::Word && outside())),
                "policy" => next.kind == Kind::Word && third.kind == Kind::OpenBrace,
                "interval" => self.word_ahead(1) == Some("stream") && outside(),
                "profile" => next.kind == Kind::OpenBrace,
                "use" => next.kind == Kind::Word && (third.first_on_line || third.kind == Kind::End) && outside(),
                _ => false,
            }
    }

    /// Whether nothing stands before the token at hand on its line, no blank either.
    fn is_at_the_margin(&self) -> bool {
        let start = self.peek().start as usize;
        start == 0 || self.text.as_bytes().get(start - 1) == Some(&b'\n')
    }

    /// Skips to a token on which `stop` says yes, or to the `}` that closes the block at hand, to the next declaration, or to the end.
    pub fn skip_until(&mut self, stop: impl Fn(&Parser) -> bool) {
        let mut open = 0_u32;
        loop {
            match self.peek().kind {
                Kind::End => return,
                Kind::CloseBrace if open == 0 => return,
                Kind::CloseBrace => open -= 1,
                Kind::OpenBrace => open += 1,
                _ if self.at_item() => return,
                _ if open == 0 && stop(self) => return,
                _ => {}
            }
            self.advance();
        }
    }

    /// Skips a block in braces with everything in it, or to the next declaration.
    pub fn skip_block(&mut self) {
        while !matches!(self.peek().kind, Kind::OpenBrace | Kind::End) && !self.at_item() {
            self.advance();
        }
        if self.eat(Kind::OpenBrace).is_some() {
            self.skip_until(|_| false);
            self.eat(Kind::CloseBrace);
        }
    }

    /// The `}` of a block; where it is missing, `opened` is what was not closed.
    pub fn close_block(&mut self, opened: Loc) {
        if self.eat(Kind::CloseBrace).is_none() {
            let loc = self.here();
            self.report(
                Diagnostic::new(Code::MISSING_BRACE, "a block is not closed", loc, "expected `}` before this")
                    .label(opened, "the block begins here")
                    .fix("close it with `}`", loc, "}\n"),
            );
        }
    }
}
