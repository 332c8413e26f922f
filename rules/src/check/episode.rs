//! Rules with `when`: episodes and silences.

use vitalog_cep::plan::{Edge, Episode, Expr as Plan, Heard, Hold, RuleKind, Silence};
use vitalog_elog::StreamIx;

use super::Checker;
use super::scope::{Candidate, Place};
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::{self, Duration, Expr, ExprKind, Name, Watch};

/// The streams that a condition names.
#[derive(Default)]
struct Named<'e> {
    /// Bare: a reading of it is meant.
    bare: Vec<&'e Name>,
    /// In a window.
    windows: Vec<&'e Name>,
    /// `let`s looked into.
    seen: Vec<&'e str>,
    /// A part could not be read.
    bad: bool,
}

impl Checker<'_> {
    pub fn episode(&mut self, decl: &syntax::Rule, watch: &Watch) -> Option<(RuleKind, Vec<Plan>)> {
        let driver = self.driver(decl, watch)?;
        self.scope.driver = Some(driver);
        let lets = self.lets(decl);
        self.scope.place = Place::When;
        let when = self.condition(&watch.condition, "`when`");
        self.never(&when, "so the rule never fires");
        self.scope.place = Place::Decision;
        let hold = watch.hold.map(|h| self.hold(h, driver));
        let (mut until, mut until_hold) = (None, None);
        match &decl.until {
            Some((watch, _)) => {
                let typed = self.condition(&watch.condition, "`until`");
                if typed.truth == Some(false) && !typed.told {
                    let d =
                        Diagnostic::new(Code::NEVER_RESOLVES, "an alarm that never resolves", typed.loc, "this can never hold");
                    self.diagnostics
                        .push(d.help("leave `until` out: the episode then ends when its condition does not hold any more"));
                }
                until = Some(typed.expr);
                until_hold = watch.hold.map(|h| self.hold(h, driver));
            }
            None if when.truth == Some(true) => {
                let d = Diagnostic::new(
                    Code::NEVER_RESOLVES,
                    "an alarm that never resolves",
                    when.loc,
                    "this holds at every reading",
                );
                self.diagnostics.push(d.help("say with `until` when it is over"));
            }
            None => {}
        }
        let lapse = match &decl.lapse {
            Some((stream, span)) => {
                self.check_lapse(stream, driver);
                Some(span.span)
            }
            None => self.world.declared(driver).silent_after,
        };
        let episode = Episode { driver, when: when.expr, hold, until, until_hold, lapse };
        Some((RuleKind::Episode(episode), lets))
    }

    pub fn silence(&mut self, decl: &syntax::Rule, heard: &[syntax::Heard], span: Duration) -> Option<(RuleKind, Vec<Plan>)> {
        let found: Vec<Option<StreamIx>> = heard.iter().map(|h| self.stream_named(&h.stream)).collect();
        self.scope.place = Place::Silence;
        let lets = self.lets(decl);
        let mut streams: Vec<Heard> = Vec::new();
        for (it, stream) in heard.iter().zip(found) {
            let stream = stream?;
            let candidate = Candidate { stream, edge: Edge::End, repeats: false, alias: None, step: None };
            let filter = self.filter(Place::Heard, candidate, it.filter.as_ref());
            let heard = Heard { stream, filter };
            if !streams.contains(&heard) {
                streams.push(heard);
            }
        }
        self.scope.place = Place::Silence;
        // The order in which they are named means nothing.
        streams.sort_by_key(|h| h.stream);
        Some((RuleKind::Silence(Silence { streams, span: span.span }), lets))
    }

    fn hold(&mut self, hold: syntax::Hold, driver: StreamIx) -> Hold {
        let gap = hold.gap.unwrap_or(hold.span);
        let stream = self.world.declared(driver);
        if let Some(every) = stream.every
            && every > gap.span
        {
            let d = Diagnostic::new(
                Code::SLOW_STREAM,
                format!("readings of `{}` are expected every {every}, further apart than this allows", stream.name),
                gap.loc,
                "every reading begins the time anew",
            );
            let wider = format!("allow a wider gap, as in `for {} gap {every}`", hold.span.span);
            self.diagnostics.push(match hold.gap {
                Some(gap) => d.fix(wider, gap.loc, every.to_string()),
                None => d.fix(wider, hold.span.loc.after(), format!(" gap {every}")),
            });
        }
        Hold { span: hold.span.span, gap: gap.span }
    }

    fn check_lapse(&mut self, stream: &Name, driver: StreamIx) {
        if self.stream_named(stream).is_some_and(|s| s != driver) {
            let name = &self.world.declared(driver).name;
            let d = Diagnostic::new(
                Code::MISPLACED_CLAUSE,
                "an episode lapses when its own stream falls silent",
                stream.loc,
                format!("this rule is decided at each reading of `{name}`"),
            );
            self.diagnostics.push(d.fix(format!("did you mean `{name}`?"), stream.loc, name.to_string()));
        }
    }

    /// A stream by its name, or a report that there is none.
    pub fn stream_named(&mut self, name: &Name) -> Option<StreamIx> {
        if let Some(info) = self.world.stream(&name.text) {
            return Some(info.ix);
        }
        let names = self.world.stream_names().chain(self.world.rules.keys().map(|n| &**n));
        let d = Diagnostic::new(Code::UNKNOWN_NAME, format!("there is no stream `{}`", name.text), name.loc, "not declared")
            .did_you_mean(name.loc, &name.text, names);
        let nothing = self.world.streams.is_empty();
        self.diagnostics.push(if nothing { d.help("declare it, or begin with `use health`") } else { d });
        None
    }

    /// The stream at whose readings an episode is decided.
    fn driver(&mut self, decl: &syntax::Rule, watch: &Watch) -> Option<StreamIx> {
        if let Some((name, _)) = &decl.at_each {
            return self.stream_named(name);
        }
        let mut named = Named::default();
        self.collect(&watch.condition, &decl.lets, None, &mut named);
        for list in [&mut named.bare, &mut named.windows] {
            // Each once, in the order in which they are named.
            let mut seen: Vec<&str> = Vec::new();
            list.retain(|n| {
                !seen.contains(&&*n.text) && {
                    seen.push(&n.text);
                    true
                }
            });
        }
        let candidates = if named.bare.is_empty() { &named.windows } else { &named.bare };
        if let [only] = candidates.as_slice() {
            return self.world.stream(&only.text).map(|s| s.ix);
        }
        if named.bad || (self.scope.lenient && candidates.is_empty()) {
            return None;
        }
        let loc = watch.condition.loc;
        let d = match candidates.as_slice() {
            [] | [_] => {
                // A misspelt stream is the likeliest reason: name it rather than its consequence.
                let before = self.diagnostics.len();
                self.scope.place = Place::When;
                self.condition(&watch.condition, "`when`");
                if self.diagnostics.len() > before {
                    return None;
                }
                Diagnostic::new(Code::NO_DRIVER, "a condition that names no stream", loc, "at which readings is it decided?")
            }
            [first, second, rest @ ..] => {
                let names: Vec<String> = candidates.iter().map(|n| format!("`{}`", n.text)).collect();
                let what = format!("a condition of several streams: {}", names.join(", "));
                let d = Diagnostic::new(Code::NO_DRIVER, what, second.loc, "at these readings?")
                    .label(first.loc, "decided at these readings?");
                rest.iter().fold(d, |d, n| d.label(n.loc, "or at these?"))
            }
        };
        let example = candidates.first().map_or("bg", |n| &*n.text);
        self.diagnostics.push(d.help(format!("say it: `at each {example} when …`; take others as `last(S.field over D)`")));
        None
    }

    fn collect<'e>(&self, expr: &'e Expr, lets: &'e [syntax::Let], item: Option<&str>, named: &mut Named<'e>) {
        match &expr.kind {
            ExprKind::Bad => named.bad = true,
            // The word of an enumeration may be called like a rule.
            ExprKind::Name(of) if self.world.stream(&of.text).is_some_and(|s| s.ix.derived().is_some()) => {}
            ExprKind::Name(of) | ExprKind::Field { of, .. } => {
                if item == Some(&*of.text) {
                    return;
                }
                if self.world.stream(&of.text).is_some() {
                    named.bare.push(of);
                } else if let Some(it) = lets.iter().find(|l| l.name.text == of.text)
                    && !named.seen.contains(&&*it.name.text)
                {
                    named.seen.push(&it.name.text);
                    self.collect(&it.value, lets, None, named);
                }
            }
            ExprKind::Call(call) if call.over.is_none() && matches!(call.argument.bare().kind, ExprKind::Name(_)) => {
                let ExprKind::Name(of) = &call.argument.bare().kind else { return };
                if item != Some(&*of.text) && self.world.stream(&of.text).is_some() {
                    named.bare.push(of);
                }
            }
            ExprKind::Call(call) if call.over.is_some() && matches!(&*call.function.text, "share" | "time_in") => {
                // What it asks is asked of the readings of a window.
                let mut asked = Named::default();
                self.collect(&call.argument, lets, None, &mut asked);
                named.bad |= asked.bad;
                named.windows.append(&mut asked.bare);
                named.windows.append(&mut asked.windows);
            }
            ExprKind::Covering(it) => {
                it.what.iter().for_each(|e| self.collect(e, lets, item, named));
                it.filter.iter().for_each(|e| self.collect(e, lets, Some(&it.stream.text), named));
            }
            ExprKind::Call(call) if call.over.is_some() => {
                let argument = match &call.argument.bare().kind {
                    ExprKind::Call(inner) => inner.argument.bare(),
                    _ => call.argument.bare(),
                };
                let (ExprKind::Name(of) | ExprKind::Field { of, .. }) = &argument.kind else { return };
                if self.world.stream(&of.text).is_some() {
                    named.windows.push(of);
                }
                if let Some(filter) = &call.filter {
                    self.collect(filter, lets, Some(&of.text), named);
                }
            }
            _ => expr.children().into_iter().for_each(|e| self.collect(e, lets, item, named)),
        }
    }
}
