//! Aggregates: over windows, and over what a step bound; and `age`.

use vitalog_cep::plan::{Anchor, Arith, Cover, Expr as Plan, Func, Measure, Ref, Window};
use vitalog_elog::{Dimension, Span, StreamIx, Unit};

use super::Checker;
use super::covering::whole;
use super::dimension::Dim;
use super::function::{Subject, subject};
use super::number::Bounds;
use super::scope::{Place, Target, Unresolved};
use super::value::{Ty, Typed};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Loc;
use crate::syntax::{Call, Expr, ExprKind, Name, Over};

impl Checker<'_> {
    pub fn call(&mut self, call: &Call, loc: Loc) -> Typed {
        match &*call.function.text {
            "age" => return self.age(call, loc),
            "time_of_day" | "day_of_week" => return self.of_calendar(call, loc),
            "share" | "time_in" => return self.asking(call, loc),
            _ => {}
        }
        let Some(subject) = subject(&call.argument) else {
            if !matches!(call.argument.bare().kind, ExprKind::Bad) {
                self.no_readings(call);
            }
            return Typed::error(loc);
        };
        match call.over {
            Some(over) => self.window(call, subject, over, loc),
            None => self.bound(call, subject, loc),
        }
    }

    fn no_readings(&mut self, call: &Call) {
        let name = &call.function.text;
        let d = Diagnostic::new(
            Code::AGGREGATE,
            format!("`{name}` aggregates readings"),
            call.argument.loc,
            "expected a stream or a step, or a field of it",
        );
        self.diagnostics
            .push(d.help(format!("as in `{name}(bg.value over 3 h)`, or `{name}(highs.systolic)` for the readings of a step")));
    }

    fn age(&mut self, call: &Call, loc: Loc) -> Typed {
        if call.extra().is_some() {
            let d = Diagnostic::new(Code::AGGREGATE, "`age` takes no window", call.function.loc, "it is the age of one reading");
            self.diagnostics.push(d.help("as in `age(meal) > 2 h`: now minus `meal.at`"));
            return Typed::error(loc);
        }
        let ExprKind::Name(name) = &call.argument.bare().kind else {
            let d = Diagnostic::new(
                Code::TYPE,
                "`age` asks for a reading",
                call.argument.loc,
                "expected the name of a step or stream",
            );
            self.diagnostics.push(d);
            return Typed::error(loc);
        };
        let Some((of, _)) = self.reading(name) else { return Typed::error(loc) };
        let at = Plan::Get { of, what: self.at_edge(of, "at", Measure::At) };
        let expr = Plan::Arith { op: Arith::Sub, left: Box::new(Plan::Now), right: Box::new(at) };
        Typed::new(expr, Ty::Number(Dim::time()), loc)
    }

    fn window(&mut self, call: &Call, subject: Subject<'_>, over: Over, loc: Loc) -> Typed {
        let Some(stream) = self.windowed(subject.of) else { return Typed::error(loc) };
        let place = self.placed(call, over);
        let filter = self.window_filter(call, stream);
        let Some(taking) = self.taking(call, subject, stream, true, loc) else { return Typed::error(loc) };
        let (Some(anchor), Ok(filter)) = (place, filter) else { return Typed::error(loc) };
        let window = Window {
            func: taking.func,
            stream,
            what: taking.what,
            asks: None,
            filter,
            over: length(over, anchor),
            anchor,
            fresh: call.fresh.map(|d| d.span),
        };
        let window = Plan::Window(Box::new(window));
        // A share by time is carried as a plain number.
        let field = subject.field.and_then(|f| self.taken(stream, f));
        let of_shares = field.is_some_and(|t| t.ty == Ty::Number(Dim::of(Dimension::Ratio)));
        let expr = match taking.func {
            Func::Slope | Func::Rate if of_shares => {
                Plan::Arith { op: Arith::Div, left: Box::new(window), right: Box::new(Plan::number(100_000_000)) }
            }
            _ => window,
        };
        Typed { expr, ..taking.result }
    }

    /// `share(E over D)` and `time_in(E over D)`: of the one stream that E names.
    fn asking(&mut self, call: &Call, loc: Loc) -> Typed {
        let name = &call.function.text;
        let Some(over) = call.over else {
            let d = Diagnostic::new(Code::AGGREGATE, format!("`{name}` over which time?"), loc, "expected `over` and a span");
            self.diagnostics.push(d.help(format!("as in `{name}(bg.value > 10 mmol/L over 14 d)`")));
            return Typed::error(loc);
        };
        let Some(stream) = self.asked_stream(call) else { return Typed::error(loc) };
        let place = self.placed(call, over);
        let filter = self.window_filter(call, stream);
        let asks = self.of_each(stream, |c| c.condition(&call.argument, &format!("what `{name}` asks")));
        let (share, interval) = (&**name == "share", self.has_length(stream));
        let func = match (share, interval) {
            (true, _) => Some(Func::Share),
            (_, true) => Some(Func::TimeIn(Span::ZERO)),
            _ => self.expected_every(call, stream).map(Func::TimeIn),
        };
        let Some(func) = func else { return Typed::error(loc) };
        let (Some(anchor), Ok(filter), false) = (place, filter, asks.is_error()) else { return Typed::error(loc) };
        let what = if share || !interval { Measure::Itself } else { Measure::Duration };
        let window = Window {
            func,
            stream,
            what,
            asks: Some(asks.expr),
            filter,
            over: length(over, anchor),
            anchor,
            fresh: call.fresh.map(|d| d.span),
        };
        let expr = Plan::Window(Box::new(window));
        if !share {
            return Typed { bounds: Bounds::at_least_zero(), ..Typed::new(expr, Ty::Number(Dim::time()), loc) };
        }
        let unit = Unit::named(Dimension::Ratio, "%");
        Typed { unit, bounds: Bounds::of(0, 100_000_000), ..Typed::new(expr, Ty::Number(Dim::of(Dimension::Ratio)), loc) }
    }

    /// The stream whose readings `share` or `time_in` asks.
    fn asked_stream(&mut self, call: &Call) -> Option<StreamIx> {
        let mut named: Vec<&Name> = Vec::new();
        self.named_streams(&call.argument, &mut named);
        // Of several, that of which no reading is at hand.
        let away = |n: &&&Name| self.target(&n.text) == Err(Unresolved::Stream);
        let meant = match named.as_slice() {
            [only] => Some(*only),
            many => match many.iter().filter(away).collect::<Vec<_>>().as_slice() {
                [only] => Some(**only),
                _ => None,
            },
        };
        let stream = meant.and_then(|n| self.world.stream(&n.text)).map(|s| s.ix);
        if stream.is_none() {
            let name = &call.function.text;
            let d = Diagnostic::new(
                Code::AGGREGATE,
                format!("`{name}` of the readings of which stream?"),
                call.argument.loc,
                "expected a condition that names one",
            );
            self.diagnostics.push(d.help(format!("as in `{name}(bg.value > 10 mmol/L over 14 d)`")));
        }
        stream
    }

    /// The streams that a condition names outside of windows, each once.
    fn named_streams<'e>(&self, expr: &'e Expr, named: &mut Vec<&'e Name>) {
        if let ExprKind::Name(of) | ExprKind::Field { of, .. } = &expr.kind
            && self.world.stream(&of.text).is_some()
            && !named.iter().any(|n| n.text == of.text)
        {
            named.push(of);
        }
        // A window in it asks readings of its own.
        if matches!(&expr.kind, ExprKind::Call(call) if call.over.is_some()) {
            return;
        }
        expr.children().into_iter().for_each(|e| self.named_streams(e, named));
    }

    /// The stream that a window looks at.
    fn windowed(&mut self, of: &Name) -> Option<StreamIx> {
        if let Some(info) = self.world.stream(&of.text) {
            return Some(info.ix);
        }
        let d = match self.target(&of.text) {
            Ok(_) => Diagnostic::new(Code::TYPE, "a window looks at a stream", of.loc, format!("`{}` is not one", of.text))
                .help("leave `over …` out to aggregate the readings that a step bound"),
            Err(_) if self.scope.lenient => return None,
            Err(_) => Diagnostic::new(Code::UNKNOWN_NAME, format!("there is no stream `{}`", of.text), of.loc, "not declared")
                .did_you_mean(of.loc, &of.text, self.world.stream_names()),
        };
        self.diagnostics.push(d);
        None
    }

    /// The conditions under which a reading counts: the `where`, and what it is during.
    fn window_filter(&mut self, call: &Call, stream: StreamIx) -> Result<Option<Plan>, ()> {
        let mut parts = Vec::new();
        if let Some(name) = &call.during {
            parts.push(self.within_interval(name, stream).ok_or(())?);
        }
        if let Some(filter) = &call.filter {
            let typed = self.of_each(stream, |c| c.condition(filter, "the `where` of a window"));
            self.never(&typed, "no reading is ever counted");
            if typed.is_error() {
                return Err(());
            }
            parts.push(typed.expr);
        }
        Ok(match parts.len() {
            0 | 1 => parts.pop(),
            _ => Some(Plan::And(parts)),
        })
    }

    /// That a window's reading lies within an interval: the one at hand of that name, else any of the stream.
    fn within_interval(&mut self, name: &Name, stream: StreamIx) -> Option<Plan> {
        let (from, to) = whole(Ref::Item, stream);
        if let Ok(Target::Reading(..)) = self.target(&name.text) {
            let (of, stream) = self.reading(name)?;
            if !self.has_length(stream) {
                self.intervals(&Name { text: self.world.declared(stream).name.clone(), loc: name.loc });
                return None;
            }
            let (start, end) = whole(of, stream);
            let compare = |op, left, right| Plan::Compare { op, left: Box::new(left), right: Box::new(right) };
            return Some(Plan::And(vec![
                compare(vitalog_cep::plan::Compare::Ge, from, start),
                compare(vitalog_cep::plan::Compare::Le, to, end),
            ]));
        }
        let stream = self.intervals(name)?;
        Some(Plan::Covered { how: Cover::During, from: Box::new(from), to: Box::new(to), stream, filter: None })
    }

    /// Where the window lies.
    fn placed(&mut self, call: &Call, over: Over) -> Option<Anchor> {
        let names = [(&call.before, true), (&call.after, false)];
        let named: Vec<(&Name, bool)> = names.into_iter().filter_map(|(n, before)| Some((n.as_ref()?, before))).collect();
        match (over, named.as_slice()) {
            (Over::Span(_), []) if self.scope.place == Place::Schedule && self.scope.item.is_none() => Some(Anchor::Until),
            (Over::Span(_), []) => Some(Anchor::Decision),
            (Over::Days(n, _), []) => Some(Anchor::Days(n)),
            (Over::Nights(n, _), []) => Some(Anchor::Nights(n)),
            (Over::Span(_), [(name, before)]) => self.anchor(name, *before),
            (Over::Days(..) | Over::Nights(..), [(name, _), ..]) => {
                let d =
                    Diagnostic::new(Code::AGGREGATE, "days of the calendar have their own place", name.loc, "not beside `last`");
                self.diagnostics.push(d.label(over.loc(), "these are counted back from the decision"));
                None
            }
            (_, [_, (name, _), ..]) => {
                let d = Diagnostic::new(Code::AGGREGATE, "a window lies before a step or after one", name.loc, "not both");
                self.diagnostics.push(d);
                None
            }
        }
    }

    fn anchor(&mut self, name: &Name, before: bool) -> Option<Anchor> {
        let word = if before { "before" } else { "after" };
        match self.reading(name)? {
            (Ref::Step(i), _) if before => Some(Anchor::Before(i)),
            (Ref::Step(i), _) => Some(Anchor::After(i)),
            _ => {
                let message = format!("a window is `{word}` a step that was found");
                let d = Diagnostic::new(Code::NOT_VISIBLE, message, name.loc, "not an earlier step");
                self.diagnostics.push(if before {
                    d.note("a window without `before` ends at the instant decided, that included")
                } else {
                    d.help("write it as a pattern: `match S as n where …`, with the window in the rule's `where`")
                });
                None
            }
        }
    }

    fn bound(&mut self, call: &Call, subject: Subject<'_>, loc: Loc) -> Typed {
        let (of, field) = (subject.of, subject.field);
        let Some((at, stream)) = self.reading(of) else { return Typed::error(loc) };
        let Ref::Step(step) = at else {
            let name = &call.function.text;
            let words = field.map_or(of.text.to_string(), |f| format!("{}.{}", of.text, f.text));
            let d = Diagnostic::new(Code::AGGREGATE, format!("`{name}` over which time?"), loc, "expected `over` and a span");
            self.diagnostics.push(d.fix("say how far it looks back", call.argument.loc, format!("{words} over 3 h")));
            return Typed::error(loc);
        };
        let names = [&call.before, &call.after, &call.during].into_iter().flatten().map(|n| n.loc);
        let others = call.fresh.map(|d| d.loc).into_iter().chain(call.filter.as_ref().map(|f| f.loc));
        if let Some(loc) = names.chain(others).next() {
            let d =
                Diagnostic::new(Code::AGGREGATE, "the readings of a step are aggregated as they are", loc, "not without `over`");
            self.diagnostics.push(d);
            return Typed::error(loc);
        }
        match self.taking(call, subject, stream, false, loc) {
            Some(taking) => {
                let what = match (field, taking.what) {
                    // A step that binds an interval at its start has its instants there.
                    (Some(f), Measure::AtClock) if self.at_edge(at, &f.text, Measure::At) == Measure::Start => {
                        Measure::StartClock
                    }
                    (Some(f), what) => self.at_edge(at, &f.text, what),
                    (None, what) => what,
                };
                let expr = Plan::Bound { func: taking.func, step, what };
                let of_shares =
                    field.and_then(|f| self.taken(stream, f)).is_some_and(|t| t.ty == Ty::Number(Dim::of(Dimension::Ratio)));
                let steep = matches!(taking.func, Func::Slope | Func::Rate);
                let scaled = |e| Plan::Arith { op: Arith::Div, left: Box::new(e), right: Box::new(Plan::number(100_000_000)) };
                Typed { expr: if steep && of_shares { scaled(expr) } else { expr }, ..taking.result }
            }
            None => Typed::error(loc),
        }
    }
}

/// The length of a window; of whole days and nights as much as they can be.
fn length(over: Over, anchor: Anchor) -> Span {
    match (over, anchor) {
        (Over::Span(duration), _) => duration.span,
        (Over::Days(n, _) | Over::Nights(n, _), _) => Span::days(i64::from(n)),
    }
}
