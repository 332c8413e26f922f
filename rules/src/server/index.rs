//! Which name stands where, and what it names.
//!
//! Declarations come from the tree, uses from the tokens ([`super::uses`]): a form of the language that is new to this file still has its names found.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::uses;
use crate::compile::Understood;
use crate::lexer::{Kind, Token, lex};
use crate::parser::{Mark, Whole};
use crate::source::{FileId, Loc};
use crate::syntax::{FieldDecl, FieldType, Item};

/// What a name names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Symbol {
    Pack(Arc<str>),
    Stream(Arc<str>),
    /// Of a stream.
    Field(Arc<str>, Arc<str>),
    /// A field of the profile.
    Setting(Arc<str>),
    Rule(Arc<str>),
    Policy(Arc<str>),
    /// A `let` of a rule.
    Let(Arc<str>, Arc<str>),
    /// A step of a rule, by the name it was given.
    Step(Arc<str>, Arc<str>),
    /// A reading in a test, which is known by where it begins.
    Reading(Loc, Arc<str>),
    /// A word of enumerations.
    Word(Arc<str>),
}

/// A name at a place.
#[derive(Clone, Debug)]
pub struct Occurrence {
    pub loc: Loc,
    pub symbol: Symbol,
    /// It is declared here.
    pub declares: bool,
}

/// A token of a file or of a hole in a text.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    pub token: Token,
    pub text: &'a str,
    pub in_unit: bool,
    pub begins: Option<Mark>,
}

#[derive(Debug)]
pub struct Index {
    /// In order of files and places.
    pub all: Vec<Occurrence>,
    /// The stream behind each step that has a name, by rule and name.
    pub steps: BTreeMap<(Arc<str>, Arc<str>), Arc<str>>,
    /// What each `let` says, by rule and name.
    pub lets: BTreeMap<(Arc<str>, Arc<str>), Loc>,
}

impl Index {
    pub fn new(understood: &Understood) -> Index {
        let mut index = Index { all: Vec::new(), steps: BTreeMap::new(), lets: BTreeMap::new() };
        let files = understood.compiled.sources.iter().zip(&understood.wholes);
        let said: Vec<(FileId, Vec<Said<'_>>)> = files.map(|((id, file), whole)| (id, said(id, &file.text, whole))).collect();
        understood.wholes.iter().flat_map(|w| &w.file.items).for_each(|item| index.declarations(item));
        said.iter().for_each(|(id, said)| uses::steps(&mut index, understood, *id, said));
        said.iter().for_each(|(id, said)| uses::collect(&mut index, understood, *id, said));
        index.all.sort_by_key(|o| (o.loc, !o.declares));
        index.all.dedup_by(|b, a| a.loc == b.loc);
        index
    }

    pub fn add(&mut self, loc: Loc, symbol: Symbol, declares: bool) {
        self.all.push(Occurrence { loc, symbol, declares });
    }

    fn declarations(&mut self, item: &Item) {
        match item {
            Item::Stream(stream) => {
                self.add(stream.name.loc, Symbol::Stream(stream.name.text.clone()), true);
                for field in &stream.fields {
                    self.field(field, Symbol::Field(stream.name.text.clone(), field.name.text.clone()));
                }
            }
            Item::Profile(profile) => {
                for field in &profile.fields {
                    self.field(field, Symbol::Setting(field.name.text.clone()));
                }
            }
            Item::Rule(rule) => {
                self.add(rule.name.loc, Symbol::Rule(rule.name.text.clone()), true);
                for it in &rule.lets {
                    let key = (rule.name.text.clone(), it.name.text.clone());
                    self.lets.insert(key, it.value.loc);
                }
            }
            // What else there is has its names found by its tokens.
            _ => {}
        }
    }

    fn field(&mut self, field: &FieldDecl, symbol: Symbol) {
        self.add(field.name.loc, symbol, true);
        if let Some(FieldType::Enum { words, .. }) = &field.kind {
            for word in words {
                self.add(word.loc, Symbol::Word(word.text.clone()), true);
            }
        }
    }

    /// The name at a byte, its end included.
    pub fn at(&self, file: FileId, offset: usize) -> Option<&Occurrence> {
        let first = self.all.partition_point(|o| (o.loc.file, o.loc.end as usize) < (file, offset));
        let here = |o: &&Occurrence| o.loc.file == file && (o.loc.start as usize..=o.loc.end as usize).contains(&offset);
        self.all.get(first..)?.iter().take(2).rfind(here)
    }

    /// All places of a symbol.
    pub fn of<'i>(&'i self, symbol: &'i Symbol) -> impl Iterator<Item = &'i Occurrence> {
        self.all.iter().filter(move |o| o.symbol == *symbol)
    }
}

/// The tokens of a file, those in the holes of texts included, in order.
pub fn said<'a>(file: FileId, text: &'a str, whole: &Whole) -> Vec<Said<'a>> {
    let mut begins: BTreeMap<u32, Mark> = BTreeMap::new();
    let mut units: BTreeMap<u32, u8> = BTreeMap::new();
    for (at, mark) in &whole.marks {
        match mark {
            Mark::Unit(length) => drop(units.insert(*at, *length)),
            Mark::Call => {}
            mark => drop(begins.insert(*at, *mark)),
        }
    }
    let mut out = Vec::new();
    let mut unit_left = 0;
    // The clause at hand is a text for people.
    let mut says = false;
    for (i, token) in (0..).zip(&whole.lexed.tokens) {
        unit_left = units.get(&i).copied().unwrap_or(unit_left).max(u8::from(units.contains_key(&i)));
        let words = text.get(token.start as usize..token.end as usize).unwrap_or("");
        let mark = begins.get(&i).copied();
        says = if mark.is_some() { mark == Some(Mark::Clause) && words == "say" } else { says };
        out.push(Said { token: *token, text: words, in_unit: unit_left > 0, begins: mark });
        unit_left = unit_left.saturating_sub(1);
        if token.kind == Kind::Text && says {
            for hole in holes(words, token.start as usize) {
                let mut ignored = Vec::new();
                let inside = lex(file, text, hole, &mut ignored);
                out.extend(inside.tokens.iter().filter(|t| t.kind != Kind::End).map(|t| Said {
                    token: Token { first_on_line: false, ..*t },
                    text: text.get(t.start as usize..t.end as usize).unwrap_or(""),
                    in_unit: false,
                    begins: None,
                }));
            }
        }
    }
    out
}

/// The holes of a text: what stands between `{` and `}`.
pub fn holes(quoted: &str, start: usize) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = quoted.get(at..).and_then(|rest| rest.find('{')).map(|i| at + i) {
        if quoted[open..].starts_with("{{") {
            at = open + 2;
            continue;
        }
        let Some(close) = quoted[open..].find('}').map(|i| open + i) else { break };
        found.push(start + open + 1..start + close);
        at = close + 1;
    }
    found
}
