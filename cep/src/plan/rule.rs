//! A rule, and a library of them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::policy::Policy;
use vitalog_elog::profile::ProfileField;
use vitalog_elog::{Schema, Severity, Span, StreamIx};

use super::derived::{Derived, Output};
use super::expr::Expr;
use super::pattern::Pattern;
use super::phrasing::Phrasing;
use super::say::{Piece, Wording};
use super::schedule::Schedule;
use super::window::Anchor;

/// All that was compiled together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Library {
    pub schema: Arc<Schema>,
    /// Like streams, profile fields keep their places for the life of a data directory.
    pub profile: Vec<ProfileField>,
    /// Rules whose findings other rules look at as readings. They keep their places too: [`Derived::stream`] names them.
    pub derived: Vec<Derived>,
    /// Who hears of findings, by name.
    pub policies: Vec<Policy>,
    /// Names are unique.
    pub rules: Vec<Arc<Rule>>,
}

/// One compiled rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    pub name: Arc<str>,
    pub title: Arc<str>,
    /// Hash of everything below: reformatting and comments do not change it.
    pub meaning: u64,
    pub kind: RuleKind,
    /// In order; each may use those before it.
    pub lets: Vec<Expr>,
    /// `where` of the rule: a match must satisfy it; an episode opens at the first decision of its run's fulfilment at which it holds.
    pub filter: Option<Expr>,
    /// The first is unconditional. The gravest that holds counts; an episode keeps the gravest of its decisions from its opening on, a finding
    /// of several matches the gravest of theirs.
    pub grades: Vec<Grade>,
    /// What the patient is told, and every role that has no wording of its own.
    pub say: Vec<Piece>,
    /// By role, each once.
    pub wordings: Vec<Wording>,
    pub notify: Option<Arc<str>>,
    pub cite: Option<Arc<str>>,
    /// `at most once per D`: opened less than D (by event time of `at`) after one that was told, it is quiet.
    pub once_per: Option<Span>,
    /// Found more than this after it opened (clock minus `at`), it is quiet.
    pub stale_after: Span,
    /// `quiet while R`: it is quiet if a finding of one of these rules goes on at its `at` when it is found.
    pub quiet_while: Vec<Arc<str>>,
    /// `shadow`: it is on trial, and what it finds disturbs nobody. No part of its meaning.
    pub shadow: bool,
    /// What other rules ask of its findings, evaluated at the decision. No part of its meaning.
    pub outputs: Vec<Output>,
    /// How it is written. No part of its meaning, either.
    pub phrasing: Phrasing,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RuleKind {
    Episode(Episode),
    Silence(Silence),
    Match(Pattern),
    Schedule(Schedule),
}

/// `when C for D gap G until R for E`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    pub driver: StreamIx,
    /// Asked of each of the driver's readings at an instant; it holds there if it holds for one of them.
    pub when: Expr,
    pub hold: Option<Hold>,
    /// Asked like `when`. `None`: `when` is false (not unknown) for all of the driver's readings at the instant.
    pub until: Option<Expr>,
    pub until_hold: Option<Hold>,
    /// After how long without the driver the episode lapses.
    pub lapse: Option<Span>,
}

/// It holds at every decision over at least `span`, no two consecutive ones more than `gap` apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub span: Span,
    pub gap: Span,
}

/// `when no S where E or T for D`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Silence {
    /// Each stream once.
    pub streams: Vec<Heard>,
    pub span: Span,
}

impl Silence {
    /// Whether it waits for whatever comes in a stream.
    pub fn counts_all_of(&self, stream: StreamIx) -> bool {
        self.streams.iter().any(|heard| heard.stream == stream && heard.filter.is_none())
    }
}

/// `S where E`: what a silence waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Heard {
    pub stream: StreamIx,
    /// Asked of each reading as `Ref::Candidate`, at its instant; one for which it is not true is not heard.
    pub filter: Option<Expr>,
}

/// `severity warning, urgent when …`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grade {
    pub severity: Severity,
    pub when: Option<Expr>,
}

impl Library {
    pub fn rule(&self, name: &str) -> Option<&Arc<Rule>> {
        self.rules.iter().find(|r| &*r.name == name)
    }
}

impl Rule {
    /// The windows `after` a step that its own decision looks at (`let`, `where`, severity, text), as steps and spans: a match completes no earlier than
    /// they are over.
    pub fn waits(&self) -> Vec<(u8, Span)> {
        let mut all = Vec::new();
        let grades = self.grades.iter().filter_map(|g| g.when.as_ref());
        for expr in self.lets.iter().chain(&self.filter).chain(grades).chain(self.holes()) {
            expr.walk(&mut |e| {
                if let Expr::Window(w) = e
                    && let Anchor::After(step) = w.anchor
                {
                    all.push((step, w.over));
                }
            });
        }
        all
    }

    /// Whether all that it says is known before anything is found: nothing is asked of a finding, nor whether it is one.
    pub fn says_fixed(&self) -> bool {
        let is_plain = matches!((&self.grades[..], &self.say[..]), ([Grade { when: None, .. }], [Piece::Text(_)]));
        is_plain && self.filter.is_none() && self.wordings.is_empty() && self.outputs.is_empty()
    }

    /// Whatever stands in its texts, those of all roles.
    pub fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.say.iter().chain(self.wordings.iter().flat_map(|w| &w.say))
    }

    /// The values in its texts.
    fn holes(&self) -> impl Iterator<Item = &Expr> {
        self.pieces().filter_map(|p| match p {
            Piece::Hole { expr, .. } => Some(expr),
            Piece::Text(_) => None,
        })
    }

    /// All its expressions.
    pub fn exprs(&self) -> Vec<&Expr> {
        let mut all: Vec<&Expr> = Vec::new();
        match &self.kind {
            RuleKind::Episode(e) => {
                all.push(&e.when);
                all.extend(&e.until);
            }
            RuleKind::Silence(s) => all.extend(s.streams.iter().filter_map(|h| h.filter.as_ref())),
            RuleKind::Match(p) => {
                all.extend(p.steps.iter().flat_map(|s| s.filter.iter().chain(&s.again)));
                all.extend(p.absences().into_iter().filter_map(|a| a.filter.as_ref()));
            }
            RuleKind::Schedule(s) => {
                all.extend(&s.at);
                all.extend(&s.when);
            }
        }
        all.extend(&self.lets);
        all.extend(&self.filter);
        all.extend(self.told());
        all
    }

    /// Those of what it tells of a finding: its severity, its texts, what other rules ask of it.
    pub fn told(&self) -> impl Iterator<Item = &Expr> {
        let grades = self.grades.iter().filter_map(|g| g.when.as_ref());
        grades.chain(self.holes()).chain(self.outputs.iter().map(|o| &o.expr))
    }
}

#[cfg(test)]
impl Rule {
    /// One of a kind that asks and says nothing else, for tests.
    pub fn of(kind: RuleKind) -> Rule {
        Rule {
            name: "r".into(),
            title: "R".into(),
            meaning: 1,
            kind,
            lets: vec![],
            filter: None,
            grades: vec![Grade { severity: Severity::Info, when: None }],
            say: vec![Piece::Text("It is so.".into())],
            wordings: vec![],
            notify: None,
            cite: None,
            once_per: None,
            stale_after: Span::days(1),
            quiet_while: vec![],
            shadow: false,
            outputs: vec![],
            phrasing: Phrasing::default(),
        }
    }
}
