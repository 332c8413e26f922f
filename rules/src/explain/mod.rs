//! What a rule does, spelled out: what it costs, where its bounds lie, and its automaton, all read off the plan.
//!
//! | file | says |
//! |---|---|
//! | `cost` | how far back it looks, and what that keeps |
//! | `bounds` | which ends are included, where it may start, what is passed over |
//! | `chart` | the automaton as states and ways between them |
//! | `pattern` | both of a pattern, along the tree of its steps |
//! | `draw` | the automaton as text and as a picture |

mod bounds;
mod chart;
mod cost;
mod draw;
mod pattern;

use std::fmt::Write as _;

use vitalog_cep::plan::{Library, Rule, RuleKind};

use crate::check::World;
use crate::compile::{Understood, understand};
use crate::diagnostic::nearest;
use crate::format::format;
use crate::parser::Mark;
use crate::source::Source;

/// A rule, explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// For people, several lines.
    pub text: String,
    /// The automaton as an SVG picture.
    pub svg: String,
}

/// Explains a rule of these files or of a pack that they use.
///
/// # Errors
/// Why it cannot: the files do not compile, or have no such rule.
pub fn explain(files: &[Source], name: &str) -> Result<Explained, String> {
    let understood = understand(files, &Library::default());
    let Some(library) = &understood.compiled.library else {
        return Err(format!("the rules do not compile:\n{}", understood.compiled.render(false)));
    };
    let Some(rule) = library.rule(name) else {
        let near = nearest(name, library.rules.iter().map(|r| &*r.name));
        let help = near.map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
        return Err(format!("there is no rule `{name}`{help}"));
    };
    let world = &understood.world;
    let chart = chart::of(rule, world);
    let mut text = format!("{}: {}, {}\n", rule.name, rule.title, what(rule, world));
    let _ = write!(text, "\n{}\n", indented(&written(&understood, name)));
    let _ = write!(text, "\nIts bounds\n{}", bullets(&bounds::of(rule, world)));
    let _ = write!(text, "\nWhat it costs, per subject\n{}", cost::of(rule, world));
    let _ = write!(text, "\nIts automaton\n{}", indented(&draw::text(&chart)));
    Ok(Explained { text: format!("{}\n", text.trim_end()), svg: draw::svg(&chart, &rule.title) })
}

/// The kind of a rule in a few words.
fn what(rule: &Rule, world: &World) -> String {
    match &rule.kind {
        RuleKind::Episode(e) => format!("an episode, decided at each reading of `{}`", world.declared(e.driver).name),
        RuleKind::Silence(_) => "a silence, decided by the clock".to_owned(),
        RuleKind::Match(_) => "a pattern".to_owned(),
        RuleKind::Schedule(_) => "a schedule, decided by the subject's clock".to_owned(),
    }
}

/// The rule as it is written, in the one style.
fn written(understood: &Understood, name: &str) -> String {
    for ((_, file), whole) in understood.compiled.sources.iter().zip(&understood.wholes) {
        let tokens = &whole.lexed.tokens;
        let word = |i: usize| tokens.get(i).and_then(|t| file.text.get(t.start as usize..t.end as usize)).unwrap_or("");
        let starts: Vec<usize> = whole.marks.iter().filter(|(_, m)| *m == Mark::Item).map(|(i, _)| *i as usize).collect();
        for (n, first) in starts.iter().enumerate() {
            if word(*first) == "rule" && word(first + 1) == name {
                let end = starts.get(n + 1).map_or(tokens.len() - 1, |next| *next) - 1;
                let text = file.text.get(tokens[*first].start as usize..tokens[end].end as usize).unwrap_or("");
                return format(text);
            }
        }
    }
    String::new()
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}").trim_end().to_owned() + "\n").collect::<String>().trim_end().to_owned()
}

fn bullets(lines: &[String]) -> String {
    lines.iter().map(|line| format!("  - {line}\n")).collect()
}
