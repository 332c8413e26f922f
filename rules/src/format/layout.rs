//! Lines and indents.
//!
//! A declaration that its author wrote on one line stays on it where it fits. In any other, each clause, field and line has a line of its own;
//! inside of them the author's line breaks are kept, and what goes on is indented below what it belongs to.

use super::WIDTH;
use super::align::Line;
use super::draft::{Block, Draft, Piece};
use super::space::Before;
use super::split;
use crate::lexer::Kind;
use crate::parser::Mark;

const INDENT: usize = 4;

/// Clauses whose words stand in one column.
const COLUMN: &[&str] = &["when", "until", "match", "let", "where", "say", "notify", "cite", "every"];
/// How wide their column is.
const KEYWORD: usize = 6;

/// Writes lines, one piece after another.
struct Writer<'d, 'a> {
    draft: &'d Draft<'a>,
    lines: Vec<Line>,
    /// The line at hand, not yet among the lines.
    line: Line,
    before: Before<'d, 'a>,
    depth: usize,
    /// Where the part at hand goes on when its line breaks; `None` outside of any.
    inside: Option<Inside>,
    /// The next piece begins a line whatever it is.
    broken: bool,
}

/// A clause, field or line of a block.
#[derive(Clone, Debug)]
struct Inside {
    /// The column of what goes on.
    column: usize,
    /// The column of the condition at hand.
    condition: Option<usize>,
    /// The columns behind parentheses that are open.
    open: Vec<usize>,
}

pub fn lines(draft: &Draft<'_>) -> Vec<Line> {
    let mut writer = Writer {
        draft,
        lines: Vec::new(),
        line: Line::default(),
        before: Before::default(),
        depth: 0,
        inside: None,
        broken: true,
    };
    let mut at = 0;
    let mut tall = false;
    for block in &draft.blocks {
        let one_line = !block.broken && is_one_line(draft, *block);
        // Between declarations of several lines stands a blank line.
        let parted = at > 0 && (tall || !one_line);
        writer.comments(at..block.first, parted);
        writer.block(*block, one_line);
        tall = !one_line;
        at = block.end;
    }
    let end = draft.pieces.len();
    writer.comments(at..end, tall && end > at);
    writer.flush();
    writer.lines
}

/// Whether a declaration stands on one line, and fits there.
fn is_one_line(draft: &Draft<'_>, block: Block) -> bool {
    let pieces = &draft.pieces[block.first..block.end];
    let broken = pieces[1..].iter().any(|p| p.breaks > 0) || pieces.iter().any(|p| p.kind.is_none());
    !broken && draft_width(draft, block.first..block.end, block) <= WIDTH
}

/// How wide pieces are on one line.
fn draft_width(draft: &Draft<'_>, range: std::ops::Range<usize>, block: Block) -> usize {
    let mut before = context(draft, block);
    let mut width = 0;
    for i in range {
        let piece = &draft.pieces[i];
        let counts = counts(draft, i);
        width += usize::from(before.blank(piece, counts)) + piece.text.chars().count();
        before = before.then(piece, counts);
    }
    width
}

fn context<'d, 'a>(draft: &'d Draft<'a>, block: Block) -> Before<'d, 'a> {
    let plain = draft.pieces[block.first].text != "rule";
    Before { plain, ..Before::default() }
}

/// Whether a brace holds a count of repeats (`{3}`, `{2..}`).
fn counts(draft: &Draft<'_>, i: usize) -> bool {
    draft.pieces[i].kind == Some(Kind::OpenBrace)
        && draft.pieces.get(i + 1).is_some_and(|p| p.kind == Some(Kind::Number) && p.breaks == 0)
        && draft.pieces.get(i + 2).is_some_and(|p| matches!(p.kind, Some(Kind::CloseBrace | Kind::DotDot)))
}

impl<'d, 'a> Writer<'d, 'a> {
    fn flush(&mut self) {
        if !self.line.is_blank() {
            self.lines.push(std::mem::take(&mut self.line));
        }
    }

    /// An empty line, unless there is one or nothing stands above.
    fn blank(&mut self) {
        self.flush();
        if self.lines.last().is_some_and(|l| !l.is_blank()) {
            self.lines.push(Line::default());
        }
    }

    fn column(&self) -> usize {
        self.line.text.chars().count()
    }

    /// Comments between declarations; what comes first after them is parted from what was before.
    fn comments(&mut self, range: std::ops::Range<usize>, parted: bool) {
        let mut parted = parted;
        self.inside = None;
        for i in range.clone() {
            let piece = &self.draft.pieces[i];
            let own = piece.breaks > 0 || i == 0;
            if own && std::mem::take(&mut parted) {
                self.blank();
            }
            self.comment(piece);
        }
        if parted {
            self.blank();
        }
    }

    fn comment(&mut self, piece: &Piece<'a>) {
        let beside = piece.breaks == 0 && (!self.line.is_blank() || !self.lines.is_empty());
        self.broken = true;
        if beside {
            if self.line.is_blank()
                && let Some(last) = self.lines.pop()
            {
                self.line = last;
            }
            piece.text.clone_into(&mut self.line.beside);
            self.flush();
            return;
        }
        self.flush();
        if piece.breaks > 1 {
            self.gap();
        }
        let column = self.inside.as_ref().map_or(self.depth * INDENT, |i| i.column);
        self.line = Line { text: format!("{:column$}{}", "", piece.text), comment: true, ..Line::default() };
        self.flush();
    }

    /// A blank line that the author made; not right behind an opening brace.
    fn gap(&mut self) {
        if self.lines.last().is_some_and(|l| !l.text.ends_with('{') || l.comment) {
            self.blank();
        }
    }

    fn block(&mut self, block: Block, one_line: bool) {
        self.before = context(self.draft, block);
        let (first, pieces) = (block.first, &self.draft.pieces);
        self.flush();
        if pieces[first].breaks > 1 {
            self.gap();
        }
        (self.depth, self.inside, self.broken) = (0, None, false);
        if block.broken {
            self.keep(pieces[first].start, pieces[block.end - 1].end);
            return;
        }
        let mut splits = Vec::new();
        for i in first..block.end {
            if pieces[i].begins == Some(Mark::Clause) && !one_line {
                splits = self.splits(i, block);
            }
            match pieces[i].kind {
                None => {
                    // The comment above a clause stands where the clause does.
                    let rest = pieces[i..block.end].iter().find(|p| p.kind.is_some());
                    if rest.is_some_and(|p| p.begins.is_some() || p.kind == Some(Kind::CloseBrace)) && pieces[i].breaks > 0 {
                        self.inside = None;
                    }
                    self.comment(&pieces[i]);
                }
                Some(_) if one_line => self.put(i),
                Some(kind) => self.token(i, kind, first, splits.contains(&i)),
            }
        }
        self.flush();
    }

    /// Where the clause that begins at a piece is broken.
    fn splits(&self, first: usize, block: Block) -> Vec<usize> {
        let pieces = &self.draft.pieces;
        let mut depth = 0_i32;
        let mut end = first + 1;
        while end < block.end && pieces[end].begins.is_none() {
            match pieces[end].kind {
                Some(Kind::OpenBrace) => depth += 1,
                Some(Kind::CloseBrace) if depth == 0 => break,
                Some(Kind::CloseBrace) => depth -= 1,
                _ => {}
            }
            end += 1;
        }
        // Comments above the next clause, or beside this one, are none of it.
        while pieces[end - 1].kind.is_none() {
            end -= 1;
        }
        let pad = if COLUMN.contains(&pieces[first].text) { KEYWORD.saturating_sub(pieces[first].text.len()) } else { 0 };
        let width = self.depth * INDENT + pad + draft_width(self.draft, first..end, block);
        split::breaks(pieces, first..end, width)
    }

    /// A text that could not be read, as it stands.
    fn keep(&mut self, start: usize, end: usize) {
        let whole = self.draft.text;
        let indent = whole.get(..start).map_or(0, |before| before.len() - before.trim_end_matches([' ', '\t']).len());
        let text = whole.get(start - indent..end).unwrap_or("");
        for line in text.split('\n') {
            let text = line.trim_end_matches('\r').to_owned();
            self.lines.push(Line { text, kept: true, ..Line::default() });
        }
    }

    /// A token of a declaration that takes several lines.
    fn token(&mut self, i: usize, kind: Kind, first: usize, split: bool) {
        let piece = &self.draft.pieces[i];
        let opened = self.before.last.is_some_and(|l| l.kind == Some(Kind::OpenBrace)) && !self.before.repeat;
        let closes = kind == Kind::CloseBrace && !self.before.repeat;
        if closes {
            self.depth = self.depth.saturating_sub(1);
        }
        let head = self.depth == 0 && !closes;
        let begins = piece.begins.is_some() && i > first;
        let goes_on = split || self.broken || (piece.breaks > 0 && !head);
        if begins || closes || opened {
            self.inside = None;
            self.begin(piece, closes);
        } else if goes_on && i > first {
            self.go_on(piece);
        }
        self.broken = false;
        self.put(i);
        self.enter(i, kind);
    }

    /// A new line, at the indent of the block.
    fn begin(&mut self, piece: &Piece<'a>, closes: bool) {
        self.flush();
        if piece.breaks > 1 && !closes {
            self.gap();
        }
        if closes {
            while self.lines.last().is_some_and(Line::is_blank) {
                self.lines.pop();
            }
        }
        self.line.text = " ".repeat(self.depth * INDENT);
        self.before.fresh = true;
    }

    /// A new line of the part at hand.
    fn go_on(&mut self, piece: &Piece<'a>) {
        self.flush();
        let joins = matches!(piece.text, "and" | "or" | "+" | "-" | "*" | "/") && piece.kind != Some(Kind::Text);
        let column = match &self.inside {
            None => self.depth * INDENT,
            Some(inside) => match (inside.open.last(), inside.condition) {
                (Some(open), _) => *open,
                (None, Some(condition)) if joins => condition,
                _ => inside.column,
            },
        };
        if self.inside.is_none() && piece.breaks > 1 {
            self.gap();
        }
        self.line.text = " ".repeat(column);
        self.before.fresh = true;
    }

    /// Appends a token to the line at hand.
    fn put(&mut self, i: usize) {
        let piece = &self.draft.pieces[i];
        let counts = counts(self.draft, i);
        let keyword = self.draft.pieces[..i].last().filter(|p| p.begins == Some(Mark::Clause));
        let padded = keyword.filter(|word| COLUMN.contains(&word.text) && self.line.text.trim_start() == word.text);
        if self.before.blank(piece, counts) {
            self.line.text.push(' ');
        }
        if let Some(word) = padded
            && let Some(inside) = &mut self.inside
        {
            self.line.text.push_str(&" ".repeat(KEYWORD.saturating_sub(word.text.len())));
            inside.column = self.line.text.chars().count();
            inside.condition = Some(inside.column);
        }
        self.line.text.push_str(piece.text);
        self.before = self.before.then(piece, counts);
    }

    /// What a token means for the lines that follow.
    fn enter(&mut self, i: usize, kind: Kind) {
        let piece = &self.draft.pieces[i];
        let column = self.column();
        let start = column - piece.text.chars().count();
        match piece.begins {
            Some(Mark::Clause) => {
                self.inside = Some(Inside { column: column + 1, condition: Some(column + 1), open: Vec::new() });
            }
            Some(Mark::Field | Mark::Line) => {
                self.inside = Some(Inside { column: start + INDENT, condition: None, open: Vec::new() });
                if piece.begins == Some(Mark::Field) {
                    self.line.field = Some(column);
                }
            }
            _ => {}
        }
        let counting = self.before.repeat;
        match (kind, &mut self.inside) {
            (Kind::OpenBrace, _) if !counting => {
                self.depth += 1;
                self.inside = None;
            }
            (Kind::OpenParen, Some(inside)) => inside.open.push(column),
            (Kind::CloseParen, Some(inside)) => drop(inside.open.pop()),
            (Kind::Word, Some(inside)) if inside.open.is_empty() => match piece.text {
                "when" | "where" => inside.condition = Some(column + 1),
                "then" | "next" | "without" | "with" | "within" => inside.condition = None,
                _ => {}
            },
            (Kind::Eq, Some(inside)) if inside.open.is_empty() && self.line.text.trim_start().starts_with("let ") => {
                inside.condition = Some(column + 1);
            }
            _ => {}
        }
    }
}
