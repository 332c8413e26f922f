//! The uses of names, by the tokens around them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::index::{Index, Said, Symbol};
use crate::check::World;
use crate::compile::Understood;
use crate::lexer::Kind;
use crate::parser::{Mark, RESERVED};
use crate::source::{FileId, Loc};
use vitalog_elog::FieldKind;

/// Names for the reading of a step at hand.
const AT_HAND: &[&str] = &["each", "previous", "first", "last", "it"];

struct Uses<'u, 'a> {
    index: &'u mut Index,
    world: &'u World,
    file: FileId,
    said: &'u [Said<'a>],
    /// The declaration at hand: its name, and where it begins.
    owner: Arc<str>,
    start: Loc,
    /// What its `as` and `let` have named.
    own: BTreeMap<&'a str, Symbol>,
    /// The stream that was named last.
    stream: Option<Arc<str>>,
}

/// Notes which stream is behind each step that a file's rules name: fields of findings are asked by the names of steps.
pub fn steps(index: &mut Index, understood: &Understood, file: FileId, said: &[Said<'_>]) {
    each_item(index, understood, file, said, |mut uses| {
        if uses.text(0) == "rule" {
            uses.own_names();
        }
    });
}

/// Adds the uses of a file's names to the index.
pub fn collect(index: &mut Index, understood: &Understood, file: FileId, said: &[Said<'_>]) {
    each_item(index, understood, file, said, |mut uses| match uses.text(0) {
        "use" => uses.name(1, Symbol::Pack),
        "test" => uses.test(),
        "rule" => uses.rule(),
        "policy" => uses.policy(),
        _ => uses.declaration(),
    });
}

/// Looks at each declaration of a file.
fn each_item(index: &mut Index, understood: &Understood, file: FileId, said: &[Said<'_>], look: impl Fn(Uses<'_, '_>)) {
    let starts: Vec<usize> = (0..said.len()).filter(|i| said[*i].begins == Some(Mark::Item)).collect();
    for (n, first) in starts.iter().enumerate() {
        let end = starts.get(n + 1).copied().unwrap_or(said.len());
        let item = &said[*first..end];
        let start = loc(file, &item[0]);
        let owner = item.get(1).map_or_else(|| Arc::from(""), |s| Arc::from(s.text));
        let world = &understood.world;
        look(Uses { index, world, file, said: item, owner, start, own: BTreeMap::new(), stream: None });
    }
}

fn loc(file: FileId, said: &Said<'_>) -> Loc {
    Loc { file, start: said.token.start, end: said.token.end }
}

impl<'a> Uses<'_, 'a> {
    fn text(&self, i: usize) -> &'a str {
        self.said.get(i).map_or("", |s| s.text)
    }

    fn before(&self, i: usize) -> &'a str {
        i.checked_sub(1).map_or("", |i| self.text(i))
    }

    fn is_word(&self, i: usize) -> bool {
        self.said.get(i).is_some_and(|s| s.token.kind == Kind::Word && !s.in_unit)
    }

    fn add(&mut self, i: usize, symbol: Symbol, declares: bool) {
        let place = loc(self.file, &self.said[i]);
        self.index.add(place, symbol, declares);
    }

    fn name(&mut self, i: usize, symbol: fn(Arc<str>) -> Symbol) {
        if self.is_word(i) {
            self.add(i, symbol(Arc::from(self.text(i))), false);
        }
    }

    /// Fields that a `check` names.
    fn declaration(&mut self) {
        let at = (0..self.said.len()).find(|i| self.text(*i) == "stream").unwrap_or(0);
        let stream: Arc<str> = Arc::from(self.text(at + 1));
        for i in 0..self.said.len() {
            if self.text(i) == "check" && self.said[i].begins == Some(Mark::Line) {
                for j in [i + 1, i + 3].into_iter().filter(|j| *j < self.said.len()) {
                    self.add(j, Symbol::Field(stream.clone(), Arc::from(self.text(j))), false);
                }
            }
        }
    }

    fn policy(&mut self) {
        if self.is_word(1) {
            self.add(1, Symbol::Policy(self.owner.clone()), true);
        }
    }

    fn rule(&mut self) {
        self.own_names();
        for i in 2..self.said.len() {
            if !self.is_word(i) {
                continue;
            }
            let word = self.text(i);
            if self.before(i) == "." {
                self.behind_dot(i);
            } else if self.before(i) == "notify" {
                self.add(i, Symbol::Policy(Arc::from(word)), false);
            } else if !RESERVED.contains(&word) && !self.is_phrase(i) {
                self.plain(i, word);
            }
        }
    }

    /// Words that only belong to a phrase, and functions.
    fn is_phrase(&self, i: usize) -> bool {
        let (before, word, next) = (self.before(i), self.text(i), self.text(i + 1));
        matches!(
            (before, word, next),
            ("in", "a", "row") | ("a", "row", _) | ("at", "most", _) | ("most", "once", _) | ("once", "per", _)
        ) || (next == "(" && self.said[i].token.end == self.said[i + 1].token.start)
            || before == "of"
    }

    /// What `as` and `let` name in a rule.
    fn own_names(&mut self) {
        let mut stream: Option<Arc<str>> = None;
        for i in 2..self.said.len() {
            if !self.is_word(i) {
                continue;
            }
            let (word, name) = (self.text(i), self.text(i + 1));
            let named = self.is_word(i + 1) && !RESERVED.contains(&name);
            match word {
                "as" if named => {
                    self.own.insert(name, Symbol::Step(self.owner.clone(), Arc::from(name)));
                    if let Some(stream) = &stream {
                        self.index.steps.insert((self.owner.clone(), Arc::from(name)), stream.clone());
                    }
                }
                "let" if named => {
                    self.own.insert(name, Symbol::Let(self.owner.clone(), Arc::from(name)));
                }
                _ if self.before(i) != "." && self.is_stream(word) => stream = Some(Arc::from(word)),
                _ => {}
            }
        }
    }

    fn is_stream(&self, word: &str) -> bool {
        self.world.stream(word).is_some() || self.world.rules.contains_key(word)
    }

    fn plain(&mut self, i: usize, word: &'a str) {
        let declares = matches!(self.before(i), "as" | "let");
        if let Some(symbol) = self.own.get(word).cloned() {
            self.add(i, symbol, declares);
        } else if self.world.stream(word).is_some_and(|s| s.ix.derived().is_none()) {
            self.stream = Some(Arc::from(word));
            self.add(i, Symbol::Stream(Arc::from(word)), false);
        } else if self.world.rules.contains_key(word) {
            self.stream = Some(Arc::from(word));
            self.add(i, Symbol::Rule(Arc::from(word)), false);
        } else if self.is_enumerated(word) {
            self.add(i, Symbol::Word(Arc::from(word)), false);
        }
    }

    fn is_enumerated(&self, word: &str) -> bool {
        let streams = self.world.schema.streams.iter().flat_map(|s| s.fields.iter().map(|f| &f.kind));
        let kinds = streams.chain(self.world.profile.iter().map(|f| &f.kind));
        kinds.into_iter().any(|k| matches!(k, FieldKind::Enum(words) if words.iter().any(|w| **w == *word)))
    }

    /// A field of what stands before the dot.
    fn behind_dot(&mut self, i: usize) {
        let Some(base) = i.checked_sub(2).map(|b| self.text(b)) else { return };
        let word: Arc<str> = Arc::from(self.text(i));
        if base == "profile" {
            self.add(i, Symbol::Setting(word), false);
            return;
        }
        let Some(stream) = self.stream_at(i - 2) else { return };
        let Some(info) = self.world.stream(&stream) else { return };
        let findings = info.ix.derived().is_some();
        if findings && self.index.steps.contains_key(&(stream.clone(), word.clone())) {
            self.add(i, Symbol::Step(stream, word), false);
        } else if info.fields.contains_key(&word) {
            // A field of findings is a `let` of their rule.
            self.add(i, if findings { Symbol::Let(stream, word) } else { Symbol::Field(stream, word) }, false);
        }
    }

    /// The stream of the reading that is named up to here: `meal`, `each`, or `spike.meal`.
    fn stream_at(&self, i: usize) -> Option<Arc<str>> {
        let name = self.text(i);
        if self.before(i) == "." && i >= 2 {
            let of = self.stream_at(i - 2)?;
            let step = self.index.steps.get(&(of, Arc::from(name)));
            return Some(step.cloned().unwrap_or_else(|| Arc::from(name)));
        }
        match self.own.get(name) {
            Some(Symbol::Step(owner, name)) => self.index.steps.get(&(owner.clone(), name.clone())).cloned(),
            _ if AT_HAND.contains(&name) => self.stream.clone(),
            _ => Some(Arc::from(name)),
        }
    }

    fn test(&mut self) {
        self.name(1, Symbol::Rule);
        let mut readings: BTreeMap<Arc<str>, Arc<str>> = BTreeMap::new();
        let mut stream: Option<Arc<str>> = None;
        for i in 2..self.said.len() {
            if self.said[i].begins == Some(Mark::Line) {
                stream = None;
            }
            if !self.is_word(i) {
                continue;
            }
            let word = self.text(i);
            let name: Arc<str> = Arc::from(word);
            let reading = Symbol::Reading(self.start, name.clone());
            let before = self.before(i);
            if before == "expect" && word != "no" || before == "no" && i >= 2 && self.text(i - 2) == "expect" {
                self.add(i, Symbol::Rule(name), false);
            } else if before == "as" {
                readings.extend(stream.clone().map(|s| (name, s)));
                self.add(i, reading, true);
            } else if matches!(before, "amend" | "remove") {
                stream = readings.get(&name).cloned();
                self.add(i, reading, false);
            } else if before == "." && i >= 2 && self.text(i - 2) == "profile" {
                self.add(i, Symbol::Setting(name), false);
            } else if stream.is_none() && self.world.stream(word).is_some() && !matches!(before, "from" | "severity") {
                stream = Some(name.clone());
                self.add(i, Symbol::Stream(name), false);
            } else if let Some(of) = &stream
                && self.world.stream(of).is_some_and(|s| s.fields.contains_key(&name))
            {
                let field = Symbol::Field(of.clone(), name);
                self.add(i, field, false);
            } else if stream.is_some() && self.is_enumerated(word) {
                self.add(i, Symbol::Word(name), false);
            }
        }
    }
}
