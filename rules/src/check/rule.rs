//! A rule: which kind it is, and the clauses that all kinds share.

use std::collections::BTreeSet;
use std::sync::Arc;

use vitalog_cep::plan::{Expr as Plan, Grade, Piece, Rule, RuleKind};
use vitalog_elog::Span;

use super::found::Exported;
use super::meaning::meaning;
use super::scope::{LetName, Place, Scope};
use super::value::{Ty, Typed};
use super::{Checker, World};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Loc, Sources};
use crate::syntax::{self, Name, Watch, When};

/// How long after it opened a finding still disturbs people, where the rule does not say.
const STALE_AFTER: Span = Span::days(1);

/// The plan of a rule, `None` where an error leaves none; and what it says of its findings, for the rules that look at it.
pub fn rule(
    world: &World,
    decl: &syntax::Rule,
    asked: &BTreeSet<Arc<str>>,
    sources: &Sources,
    out: &mut Vec<Diagnostic>,
) -> (Option<Rule>, Vec<Exported>) {
    let scope = Scope { lenient: decl.broken, ..Scope::new(Place::Decision) };
    let mut checker = Checker { world, scope, diagnostics: out, noted: Default::default() };
    let errors = |c: &Checker| c.diagnostics.iter().filter(|d| d.is_error()).count();
    let before = errors(&checker);
    let built = checker.rule(decl, asked, sources);
    let plan = (errors(&checker) == before && !decl.broken).then_some(built).flatten();
    let exported = if plan.is_some() { checker.exported(asked) } else { Vec::new() };
    (plan, exported)
}

impl Checker<'_> {
    fn rule(&mut self, decl: &syntax::Rule, asked: &BTreeSet<Arc<str>>, sources: &Sources) -> Option<Rule> {
        let before = self.diagnostics.len();
        self.misplaced(decl);
        let (kind, lets) = self.kind(decl)?;
        let filter = decl.filter.as_ref().map(|(filter, _)| {
            let typed = self.condition(filter, "`where`");
            self.never(&typed, "so the rule never fires");
            typed.expr
        });
        let grades = self.grades(decl);
        let say = match &decl.say {
            Some((say, _)) => self.say(say),
            None => vec![Piece::Text(decl.title())],
        };
        let wordings = self.wordings(decl);
        if self.diagnostics[before..].iter().all(|d| !d.is_error()) {
            self.unused(decl, asked);
        }
        let phrasing = self.phrasing(decl, lets.len(), sources);
        let mut rule = Rule {
            name: decl.name.text.clone(),
            title: decl.title(),
            meaning: 0,
            kind,
            lets,
            filter,
            grades,
            say,
            wordings,
            notify: decl.notify.as_ref().map(|(n, _)| n.text.clone()),
            cite: decl.cite.as_ref().map(|(c, _)| c.text.clone()),
            once_per: decl.once_per.as_ref().map(|(d, _)| d.span),
            stale_after: decl.stale_after.as_ref().map_or(STALE_AFTER, |(d, _)| d.span),
            quiet_while: self.quiet_while(decl),
            shadow: decl.shadow.is_some(),
            outputs: Vec::new(),
            phrasing,
        };
        rule.meaning = meaning(&rule, self.world);
        Some(rule)
    }

    /// The kind of the rule with its `let`s, which each kind reads at its own point.
    fn kind(&mut self, decl: &syntax::Rule) -> Option<(RuleKind, Vec<Plan>)> {
        if let Some((schedule, loc)) = &decl.every {
            if let Some((_, pattern)) = &decl.pattern {
                let d = Diagnostic::new(Code::MISPLACED_CLAUSE, "a rule has `every` or `match`, not both", *pattern, "a pattern")
                    .label(*loc, "a schedule");
                self.diagnostics.push(d.help("write two rules; one can look at what the other finds"));
                return None;
            }
            return self.schedule(decl, schedule);
        }
        match (&decl.when, &decl.pattern) {
            (Some((When::Condition(watch), _)), None) => self.episode(decl, watch),
            (Some((When::Silence { streams, span }, _)), None) => self.silence(decl, streams, *span),
            (None, Some((pattern, _))) => self.pattern(decl, pattern),
            (Some((_, when)), Some((_, pattern))) => {
                let d = Diagnostic::new(Code::MISPLACED_CLAUSE, "a rule has `when` or `match`, not both", *pattern, "a pattern")
                    .label(*when, "a condition that lasts");
                self.diagnostics.push(d.help("write two rules"));
                None
            }
            (None, None) => {
                if !decl.broken {
                    let d = Diagnostic::new(
                        Code::MISSING_CLAUSE,
                        "a rule that looks for nothing",
                        decl.name.loc,
                        "neither `when`, `match` nor `every`",
                    );
                    self.diagnostics
                        .push(d.help("say what it is about: `when CONDITION …`, `when no STREAM for D`, `match PATTERN …`, or `every day at 09:00`"));
                }
                None
            }
        }
    }

    /// The rules whose findings keep this one quiet.
    fn quiet_while(&mut self, decl: &syntax::Rule) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = Vec::new();
        for name in decl.quiet_while.iter().flat_map(|(names, _)| names) {
            let known = self.world.rules.contains_key(&name.text);
            if known && name.text != decl.name.text {
                names.push(name.text.clone());
                continue;
            }
            let d = if known {
                Diagnostic::new(Code::MISPLACED_CLAUSE, "a rule that is quiet while it speaks itself", name.loc, "this rule")
                    .help("`at most once per D` limits how often a rule speaks")
            } else {
                Diagnostic::new(Code::UNKNOWN_RULE, format!("there is no rule `{}`", name.text), name.loc, "not declared")
                    .did_you_mean(name.loc, &name.text, self.world.rules.keys().map(|n| &**n))
            };
            self.diagnostics.push(d);
        }
        // The order in which they are named means nothing.
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Clauses that the kind of the rule has no use for, and those it lacks.
    fn misplaced(&mut self, decl: &syntax::Rule) {
        let (what, why): (&str, Option<Loc>) = match (&decl.when, &decl.pattern) {
            _ if decl.every.is_some() => ("a schedule", decl.every.as_ref().map(|(_, loc)| *loc)),
            (Some((When::Silence { .. }, loc)), _) => ("a silence", Some(*loc)),
            (None, Some((_, loc))) => ("a pattern", Some(*loc)),
            (None, None) if !decl.broken => ("a rule without `when`", None),
            _ => ("", None),
        };
        if !what.is_empty() {
            let mut refuse = |clause: &str, loc: Loc, help: &str| {
                let mut d = Diagnostic::new(Code::MISPLACED_CLAUSE, format!("{what} has no `{clause}`"), loc, "has no use here");
                if let Some(why) = why {
                    d = d.label(why, format!("this is {what}"));
                }
                self.diagnostics.push(d.help(help));
            };
            if let Some((_, loc)) = &decl.until {
                refuse(
                    "until",
                    *loc,
                    "a silence resolves at the next reading, a match ends at its last one, a schedule finds instants",
                );
            }
            if let Some((_, loc)) = &decl.at_each {
                refuse("at each", *loc, "only a condition is decided at each reading of a stream");
            }
            if let (Some(_), Some((When::Condition(Watch { hold: Some(hold), .. }), _))) = (&decl.every, &decl.when) {
                refuse(
                    "for",
                    hold.span.loc,
                    "a schedule asks once; a window looks back, as in `min(bg.value over 2 h) > 10 mmol/L`",
                );
            }
            if let Some((stream, _)) = &decl.lapse {
                refuse("or no … for", stream.loc, "only a condition that lasts can lapse");
            }
        }
        if decl.severity.is_none() && !decl.broken {
            let d = Diagnostic::new(Code::MISSING_CLAUSE, "a rule without a severity", decl.name.loc, "how grave is it?");
            self.diagnostics.push(d.help("add `severity warning` (info, advisory, warning, urgent or critical)"));
        }
    }

    /// The `let`s, in order; constants are put in where they are used.
    pub fn lets(&mut self, decl: &syntax::Rule) -> Vec<Plan> {
        let mut plans = Vec::new();
        for it in &decl.lets {
            if let Some(first) = self.clashing(&it.name.text) {
                let d = Diagnostic::new(
                    Code::DECLARED_TWICE,
                    format!("`{}` already means something", it.name.text),
                    it.name.loc,
                    "declared again",
                );
                self.diagnostics.push(d.label(first, "first declared here").help("give the `let` another name"));
                continue;
            }
            let typed = self.infer(&it.value, None);
            let uses_onset =
                self.mentions_onset(&typed.expr) || self.scope.lets.iter().any(|l| l.uses_onset && mentions(&typed, l));
            let value = if typed.as_constant().is_some() || typed.is_error() {
                typed
            } else {
                let place = plans.len() as u16;
                plans.push(typed.expr.clone());
                // A condition's facts are about what is decided then and there, as the `let` is.
                Typed { expr: Plan::Let(place), ..typed }
            };
            self.scope.lets.push(LetName { name: it.name.clone(), value, uses_onset, used: false });
        }
        plans
    }

    fn clashing(&self, name: &str) -> Option<Loc> {
        let scope = &self.scope;
        let lets = scope.lets.iter().map(|l| &l.name);
        let steps = scope.steps.iter().filter_map(|s| s.alias.as_ref());
        lets.chain(steps).find(|n| &*n.text == name).map(|n| n.loc).or(self.world.stream(name).map(|s| s.loc))
    }

    fn grades(&mut self, decl: &syntax::Rule) -> Vec<Grade> {
        let Some((grades, _)) = &decl.severity else { return Vec::new() };
        let mut plans: Vec<Grade> = Vec::new();
        for grade in grades {
            let when = grade.when.as_ref().map(|when| {
                let typed = self.condition(when, "the `when` of a severity");
                self.never(&typed, "so this severity never counts");
                if plans.first().is_some_and(|first| first.severity >= grade.severity) {
                    let d = Diagnostic::new(
                        Code::NEVER,
                        format!("the severity {} never counts", grade.severity),
                        typed.loc,
                        format!("{} holds always, and is no milder", plans[0].severity),
                    );
                    self.diagnostics.push(d.help("say the mildest first: of those that hold the gravest counts"));
                }
                typed.expr
            });
            plans.push(Grade { severity: grade.severity, when });
        }
        plans
    }

    /// Warns of a condition that can never hold, unless what makes it so has been warned of.
    pub fn never(&mut self, typed: &Typed, effect: &str) {
        if typed.truth == Some(false) && !typed.told {
            self.diagnostics.push(Diagnostic::new(Code::NEVER, "a condition that can never hold", typed.loc, effect));
        }
    }

    fn unused(&mut self, decl: &syntax::Rule, asked: &BTreeSet<Arc<str>>) {
        if decl.broken {
            return;
        }
        let looked_at = self.world.stream(&decl.name.text).is_some_and(|s| s.ix.derived().is_some());
        let used = |l: &LetName| l.used || (looked_at && asked.contains(&l.name.text));
        for it in self.scope.lets.iter().filter(|l| !used(l) && l.value.ty != Ty::Error) {
            let d = Diagnostic::new(Code::UNUSED_LET, format!("nothing uses `{}`", it.name.text), it.name.loc, "not used");
            self.diagnostics.push(d);
        }
        let told =
            |name: &Name| looked_at && asked.iter().any(|a| a.split_once('.').is_some_and(|(step, _)| step == &*name.text));
        let unused = self.scope.steps.iter().filter(|s| !s.used).filter_map(|s| s.alias.as_ref());
        for alias in unused.filter(|name| !told(name)) {
            let d = Diagnostic::new(Code::UNUSED_NAME, format!("nothing uses the name `{}`", alias.text), alias.loc, "not used");
            self.diagnostics.push(d);
        }
    }
}

fn mentions(typed: &Typed, it: &LetName) -> bool {
    let mut found = false;
    typed.expr.walk(&mut |e| found |= *e == it.value.expr && matches!(e, Plan::Let(_)));
    found
}
