//! What the compiler has to say about rule files: where, what, why, and what to do.

mod code;
mod json;
mod page;
mod render;
mod suggest;

pub use code::Code;
pub use page::{Example, PAGES, Page, Shows};
pub use suggest::nearest;

use crate::source::Loc;

/// One error or warning.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    pub code: Code,
    /// Lower case, one line.
    pub message: String,
    /// The first is primary: where it is wrong. The others say what it is at odds with.
    pub labels: Vec<Label>,
    /// Detail that belongs to no place.
    pub notes: Vec<String>,
    pub helps: Vec<Help>,
}

/// Words about a place.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    pub loc: Loc,
    pub message: String,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Help {
    pub message: String,
    /// A repair that an editor can make.
    pub fix: Option<Fix>,
}

/// Replaces a range by a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Fix {
    pub loc: Loc,
    pub text: String,
}

/// How grave a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Error,
    Warning,
}

impl Diagnostic {
    /// With its primary label.
    pub fn new(code: Code, message: impl Into<String>, loc: Loc, label: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            message: short(message),
            labels: vec![Label { loc, message: short(label) }],
            notes: Vec::new(),
            helps: Vec::new(),
        }
    }

    pub fn label(mut self, loc: Loc, message: impl Into<String>) -> Diagnostic {
        self.labels.push(Label { loc, message: short(message) });
        self
    }

    pub fn note(mut self, message: impl Into<String>) -> Diagnostic {
        self.notes.push(short(message));
        self
    }

    pub fn help(mut self, message: impl Into<String>) -> Diagnostic {
        self.helps.push(Help { message: short(message), fix: None });
        self
    }

    pub fn fix(mut self, message: impl Into<String>, loc: Loc, text: impl Into<String>) -> Diagnostic {
        self.helps.push(Help { message: short(message), fix: Some(Fix { loc, text: text.into() }) });
        self
    }

    /// Offers the name that was probably meant, if one is near enough.
    pub fn did_you_mean<'n>(self, loc: Loc, word: &str, names: impl IntoIterator<Item = &'n str>) -> Diagnostic {
        match nearest(word, names) {
            Some(name) => {
                let name = name.to_owned();
                self.fix(format!("did you mean `{name}`?"), loc, name)
            }
            None => self,
        }
    }

    pub fn level(&self) -> Level {
        if self.code.is_warning() { Level::Warning } else { Level::Error }
    }

    pub fn is_error(&self) -> bool {
        self.level() == Level::Error
    }

    /// Where it is wrong.
    pub fn loc(&self) -> Loc {
        self.labels[0].loc
    }
}

/// A message may name a word of the file, and a word may be a megabyte long.
fn short(message: impl Into<String>) -> String {
    const LONGEST: usize = 1000;
    let mut message = message.into();
    if message.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|i| message.is_char_boundary(*i)).unwrap_or(0);
        message.truncate(end);
        message.push('…');
    }
    message
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
        }
    }
}
