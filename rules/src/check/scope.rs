//! What a name means at a place: which readings are at hand there.

use std::sync::Arc;

use vitalog_cep::plan::{Edge, Measure, Ref};
use vitalog_elog::{FieldKind, StreamIx};

use super::Checker;
use super::value::Typed;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Loc;
use crate::syntax::Name;

/// For what part of a rule an expression is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// An episode's `when`: its onset is not decided yet.
    When,
    /// Asked at the decision: `until`, `let`, `where`, a grade, a hole.
    Decision,
    /// The same of a silence: decided by the clock, at no reading.
    Silence,
    /// Of a schedule: decided by the clock, at no reading; windows end before it.
    Schedule,
    /// A step's `where`.
    Step,
    /// The `where` of `without`.
    Absence,
    /// The `where` of what a silence waits for.
    Heard,
}

/// The readings and values that have names.
#[derive(Debug)]
pub struct Scope {
    pub place: Place,
    /// The stream of an episode.
    pub driver: Option<StreamIx>,
    /// The steps of a pattern.
    pub steps: Vec<StepName>,
    /// How many of them are bound at this place.
    pub bound: usize,
    /// Of whose `where` this is.
    pub candidate: Option<Candidate>,
    /// The stream of the window or interval whose `where` this is.
    pub item: Option<StreamIx>,
    /// Those of the windows and intervals around it: their readings are not at hand.
    pub outer: Vec<StreamIx>,
    pub lets: Vec<LetName>,
    /// A part of the rule could not be read: unknown names may have been declared there.
    pub lenient: bool,
}

#[derive(Debug)]
pub struct StepName {
    pub alias: Option<Name>,
    /// The stream's name.
    pub stream_name: Name,
    pub stream: StreamIx,
    pub edge: Edge,
    /// It is an alternative to the step at hand.
    pub hidden: bool,
    pub used: bool,
}

#[derive(Debug)]
pub struct Candidate {
    pub stream: StreamIx,
    pub edge: Edge,
    /// Its step has other repeats: `first` and `previous` name them.
    pub repeats: bool,
    pub alias: Option<Arc<str>>,
    /// The number of its step; `None`: of `without`.
    pub step: Option<usize>,
}

#[derive(Debug)]
pub struct LetName {
    pub name: Name,
    pub value: Typed,
    pub uses_onset: bool,
    pub used: bool,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Reading(Ref, StreamIx),
    Let(usize),
}

/// Why a name stands for nothing here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unresolved {
    Unknown,
    /// Several steps of that stream.
    Ambiguous,
    /// A step that comes later.
    Later(usize),
    /// A step of another alternative.
    Otherwise(usize),
    /// The stream of a window around the one whose condition this is.
    Outer,
    /// A stream of which no reading is at hand.
    Stream,
}

impl Scope {
    pub fn new(place: Place) -> Scope {
        Scope {
            place,
            driver: None,
            steps: Vec::new(),
            bound: 0,
            candidate: None,
            item: None,
            outer: Vec::new(),
            lets: Vec::new(),
            lenient: false,
        }
    }
}

impl Checker<'_> {
    /// What a name stands for, from the innermost place outwards.
    pub fn target(&self, name: &str) -> Result<Target, Unresolved> {
        let scope = &self.scope;
        let stream = self.world.stream(name).map(|s| s.ix);
        if let Some(item) = scope.item
            && stream == Some(item)
        {
            return Ok(Target::Reading(Ref::Item, item));
        }
        if stream.is_some_and(|s| scope.outer.contains(&s)) {
            return Err(Unresolved::Outer);
        }
        if let Some(c) = &scope.candidate
            && (c.alias.as_deref() == Some(name) || stream == Some(c.stream) || (name == "each" && c.step.is_some()))
        {
            return Ok(Target::Reading(Ref::Candidate, c.stream));
        }
        let known =
            stream.is_some() || scope.steps.iter().any(|s| s.name() == name) || scope.lets.iter().any(|l| &*l.name.text == name);
        if let (Some(c), false) = (scope.candidate.as_ref().filter(|c| c.repeats), known) {
            match name {
                "first" => return Ok(Target::Reading(Ref::First, c.stream)),
                "previous" => return Ok(Target::Reading(Ref::Previous, c.stream)),
                _ => {}
            }
        }
        if let Some(i) = scope.lets.iter().position(|l| &*l.name.text == name) {
            return Ok(Target::Let(i));
        }
        let named: Vec<usize> = (0..scope.steps.len()).filter(|i| scope.steps[*i].name() == name).collect();
        match named.as_slice() {
            [i] if scope.steps[*i].hidden => return Err(Unresolved::Otherwise(*i)),
            [i] if *i < scope.bound => return Ok(Target::Reading(Ref::Step(*i as u8), scope.steps[*i].stream)),
            [i] => return Err(Unresolved::Later(*i)),
            [_, _, ..] => return Err(Unresolved::Ambiguous),
            [] => {}
        }
        match stream {
            Some(ix) if scope.driver == Some(ix) => Ok(Target::Reading(Ref::Driver, ix)),
            Some(_) => Err(Unresolved::Stream),
            None => Err(Unresolved::Unknown),
        }
    }

    /// Asks something of each reading of a stream: of a window, or of an interval.
    pub fn of_each<T>(&mut self, stream: StreamIx, ask: impl FnOnce(&mut Self) -> T) -> T {
        let around = self.scope.item.replace(stream);
        self.scope.outer.extend(around);
        let asked = ask(self);
        self.scope.outer.truncate(self.scope.outer.len() - usize::from(around.is_some()));
        self.scope.item = around;
        asked
    }

    /// As [`Checker::target`], counted as a use, and reported where it stands for nothing.
    pub fn resolve(&mut self, name: &Name) -> Option<Target> {
        match self.target(&name.text) {
            Ok(target) => {
                match target {
                    Target::Reading(Ref::Step(i), _) => self.scope.steps[usize::from(i)].used = true,
                    Target::Reading(Ref::Candidate, _) => self.use_candidate(&name.text),
                    Target::Let(i) => self.scope.lets[i].used = true,
                    Target::Reading(..) => {}
                }
                Some(target)
            }
            Err(why) => {
                if !(self.scope.lenient && why == Unresolved::Unknown) {
                    let d = self.unresolved(name, why);
                    self.diagnostics.push(d);
                }
                None
            }
        }
    }

    /// At which edge of its readings a step or candidate stands.
    pub fn edge(&self, at: Ref) -> Edge {
        match at {
            Ref::Step(i) => self.scope.steps.get(usize::from(i)).map_or(Edge::End, |s| s.edge),
            Ref::Candidate | Ref::First | Ref::Previous => self.scope.candidate.as_ref().map_or(Edge::End, |c| c.edge),
            Ref::Driver | Ref::Item => Edge::End,
        }
    }

    /// Where something of a reading is taken: the time of a step is where it stands, be that where its reading starts or where a finding ends.
    pub fn at_edge(&self, at: Ref, field: &str, what: Measure) -> Measure {
        match (what, self.edge(at)) {
            (Measure::At, Edge::Start) if field == "at" => Measure::Start,
            (Measure::At, Edge::Close) if field == "at" => Measure::End,
            _ => what,
        }
    }

    fn use_candidate(&mut self, name: &str) {
        if let Some(step) = self.scope.candidate.as_ref().and_then(|c| c.step)
            && self.scope.steps[step].name() == name
        {
            self.scope.steps[step].used = true;
        }
    }

    /// A word that names what is measured, or nothing at all.
    fn measured(&self, d: Diagnostic, word: &str) -> Diagnostic {
        if matches!(word, "null" | "none" | "nil" | "unknown" | "missing") {
            return d.help("what was not said is asked for by `is known` and `is not known`");
        }
        let streams = self.world.schema.streams.iter().filter(|s| !s.fields.is_empty());
        let fields = streams.flat_map(|s| s.fields.iter().map(move |f| (s, f)));
        let is_meant = |kind: &FieldKind| matches!(kind, FieldKind::Quantity(unit) if unit.dimension().to_string() == word);
        match fields.into_iter().find(|(_, f)| is_meant(&f.kind)) {
            Some((stream, field)) => d.help(format!("{word} is measured by `{}.{}`", stream.name, field.name)),
            None => d,
        }
    }

    fn unresolved(&self, name: &Name, why: Unresolved) -> Diagnostic {
        let word = &name.text;
        match why {
            Unresolved::Unknown if &**word == "each" => {
                Diagnostic::new(Code::NOT_VISIBLE, "`each` has no meaning here", name.loc, "not in a step's `where`")
                    .note("`each` is the reading that a step's `where` is asked of")
            }
            Unresolved::Unknown if matches!(&**word, "first" | "previous") && self.scope.candidate.is_some() => Diagnostic::new(
                Code::NOT_VISIBLE,
                format!("`{word}` has no meaning here"),
                name.loc,
                "the step has no other repeats",
            )
            .note("`first` and `previous` are other repeats of a step like `bg{3}`, in its own `where`"),
            Unresolved::Unknown => {
                let d = Diagnostic::new(Code::UNKNOWN_NAME, format!("there is no `{word}` here"), name.loc, "not declared")
                    .did_you_mean(name.loc, word, self.visible_names())
                    .note(self.streams_note());
                self.measured(d, word)
            }
            Unresolved::Ambiguous => {
                let steps = self.scope.steps.iter().filter(|s| s.name() == &**word);
                let d =
                    Diagnostic::new(Code::AMBIGUOUS_NAME, format!("`{word}` could be several steps"), name.loc, "which of them?");
                steps.fold(d, |d, step| d.label(step.stream_name.loc, "one of them")).help("name the steps with `as`")
            }
            Unresolved::Later(i) => {
                let step = &self.scope.steps[i];
                let loc = step.alias.as_ref().unwrap_or(&step.stream_name).loc;
                Diagnostic::new(
                    Code::NOT_VISIBLE,
                    format!("`{word}` is a later step"),
                    name.loc,
                    "not found yet when this is asked",
                )
                .label(loc, "declared here")
                .help("ask it in the later step, or in a `where` clause of the rule")
            }
            Unresolved::Otherwise(i) => {
                let step = &self.scope.steps[i];
                let loc = step.alias.as_ref().unwrap_or(&step.stream_name).loc;
                Diagnostic::new(
                    Code::NOT_VISIBLE,
                    format!("`{word}` is another alternative"),
                    name.loc,
                    "one alternative does not know of another",
                )
                .label(loc, "declared here")
                .help("ask it in a `where` clause of the rule")
            }
            Unresolved::Outer => Diagnostic::new(
                Code::NOT_VISIBLE,
                format!("`{word}` is asked by the window around this one"),
                name.loc,
                "not at hand in the inner condition",
            )
            .note(
                "in the condition of a window only its own readings are at hand; it ends at the reading of the window around it",
            ),
            Unresolved::Stream => self.not_at_hand(name),
        }
    }

    fn not_at_hand(&self, name: &Name) -> Diagnostic {
        let word = &name.text;
        let stream = self.world.stream(word).map(|s| self.world.declared(s.ix));
        let field = stream.and_then(|s| s.fields.first()).map_or_else(|| Arc::from("value"), |f| f.name.clone());
        let window = format!("take the last one of a stretch of time, as in `last({word}.{field} over 1 h)`");
        let d = Diagnostic::new(Code::NOT_VISIBLE, format!("no reading of `{word}` is at hand here"), name.loc, "which reading?");
        match (self.scope.place, self.scope.driver) {
            (Place::Schedule, _) => d.note("a schedule is decided by the clock, at no reading").help(window),
            (Place::Silence, _) => d.note("a silence is decided by the clock, at no reading").help(window),
            (_, Some(driver)) => {
                d.note(format!("this is decided at each reading of `{}`", self.world.declared(driver).name)).help(window)
            }
            (Place::Heard, _) => d.note("only the reading that is waited for is at hand").help(window),
            _ => d.note("of a pattern, only the readings of its steps are at hand").help(window),
        }
    }

    /// What could have been named.
    fn streams_note(&self) -> String {
        const MOST: usize = 16;
        let names: Vec<&str> = self.world.stream_names().take(MOST + 1).collect();
        match names.len() {
            0 => "no stream is declared; begin with `use health`, or declare one".to_owned(),
            n if n > MOST => format!("streams: {}, …", names[..MOST].join(", ")),
            _ => format!("streams: {}", names.join(", ")),
        }
    }

    fn visible_names(&self) -> impl Iterator<Item = &str> {
        let scope = &self.scope;
        let candidate = scope.candidate.as_ref().and_then(|c| c.alias.as_deref());
        let steps = scope.steps.iter().take(scope.bound).map(StepName::name);
        let lets = scope.lets.iter().map(|l| &*l.name.text);
        candidate.into_iter().chain(steps).chain(lets).chain(self.world.stream_names())
    }

    /// A `let` at this place, if it is decided there.
    pub fn let_value(&mut self, i: usize, loc: Loc) -> Typed {
        let it = &self.scope.lets[i];
        let value = Typed { loc, ..it.value.clone() };
        if value.as_constant().is_some() || value.is_error() {
            return value;
        }
        let (code, message, label) = match self.scope.place {
            Place::Heard => (
                Code::LET_NOT_HERE,
                "a `let` in the condition of what is waited for",
                "decided only when the silence is complete",
            ),
            Place::Step | Place::Absence => {
                (Code::LET_NOT_HERE, "a `let` in the condition of a step", "decided only when the match is complete")
            }
            Place::When if it.uses_onset => (Code::NOT_VISIBLE, "`onset` in `when`", "this holds `onset`, which `when` decides"),
            _ => return value,
        };
        let d = Diagnostic::new(code, message, loc, label).label(it.name.loc, "declared here");
        self.diagnostics.push(d.help("write the expression here, or ask it in a `where` clause of the rule"));
        Typed::error(loc)
    }
}

impl StepName {
    /// What the step is called: its alias, else its stream.
    pub fn name(&self) -> &str {
        &self.alias.as_ref().unwrap_or(&self.stream_name).text
    }
}
