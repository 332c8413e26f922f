//! Functions: aggregates over windows and over what a step bound, and `age`.

use vitalog_cep::plan::{Anchor, Arith, Expr as Plan, Func, Measure, Ref, Window};

use super::Checker;
use super::dimension::Dim;
use super::expr::Taken;
use super::number::Bounds;
use super::scope::Place;
use super::value::{Ty, Typed};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Loc;
use crate::syntax::{Call, Duration, ExprKind, Name};

impl Checker<'_> {
    pub fn call(&mut self, call: &Call, loc: Loc) -> Typed {
        if &*call.function.text == "age" {
            return self.age(call, loc);
        }
        let Some(func) = func(&call.function.text) else { return Typed::error(loc) };
        let (of, field) = match &call.argument.bare().kind {
            ExprKind::Name(name) => (name, None),
            ExprKind::Field { of, field } => (of, Some(field)),
            ExprKind::Bad => return Typed::error(loc),
            _ => {
                let name = &call.function.text;
                let d = Diagnostic::new(
                    Code::AGGREGATE,
                    format!("`{name}` aggregates readings"),
                    call.argument.loc,
                    "expected a stream or a step, or a field of it",
                );
                self.diagnostics.push(
                    d.help(format!("as in `{name}(bg.value over 3 h)`, or `{name}(highs.systolic)` for the readings of a step")),
                );
                return Typed::error(loc);
            }
        };
        match call.over {
            Some(over) => self.window(func, call, of, field, over, loc),
            None => self.bound(func, call, of, field, loc),
        }
    }

    fn age(&mut self, call: &Call, loc: Loc) -> Typed {
        if call.over.is_some() || call.before.is_some() || call.filter.is_some() {
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
        let at = Plan::Get { of, what: Measure::At };
        let expr = Plan::Arith { op: Arith::Sub, left: Box::new(Plan::Now), right: Box::new(at) };
        Typed::new(expr, Ty::Number(Dim::time()), loc)
    }

    fn window(&mut self, func: Func, call: &Call, of: &Name, field: Option<&Name>, over: Duration, loc: Loc) -> Typed {
        let Some(stream) = self.world.stream(&of.text).map(|s| s.ix) else {
            let d = match self.target(&of.text) {
                Ok(_) => Diagnostic::new(Code::TYPE, "a window looks at a stream", of.loc, format!("`{}` is not one", of.text))
                    .help("leave `over …` out to aggregate the readings that a step bound"),
                Err(_) if self.scope.lenient => return Typed::error(loc),
                Err(_) => {
                    Diagnostic::new(Code::UNKNOWN_NAME, format!("there is no stream `{}`", of.text), of.loc, "not declared")
                        .did_you_mean(of.loc, &of.text, self.world.stream_names())
                }
            };
            self.diagnostics.push(d);
            return Typed::error(loc);
        };
        if self.scope.item.is_some() {
            let d = Diagnostic::new(
                Code::UNAVAILABLE,
                "a window inside the condition of a window is not available in this version",
                loc,
                "not available yet",
            );
            self.diagnostics.push(d.help("name it with `let` first: it is then decided once, at the decision"));
            return Typed::error(loc);
        }
        let anchor = match &call.before {
            None if self.scope.place == Place::Schedule => Some(Anchor::Until),
            None => Some(Anchor::Decision),
            Some(name) => self.anchor(name),
        };
        let filter = call.filter.as_ref().map(|filter| {
            self.scope.item = Some(stream);
            let typed = self.condition(filter, "the `where` of a window");
            self.scope.item = None;
            self.never(&typed, "no reading is ever counted");
            typed
        });
        let Some((what, result)) = self.aggregate(func, call, of, field, stream, loc) else { return Typed::error(loc) };
        let Some(anchor) = anchor else { return Typed::error(loc) };
        if filter.as_ref().is_some_and(Typed::is_error) {
            return Typed::error(loc);
        }
        let window = Window { func, stream, what, filter: filter.map(|f| f.expr), over: over.span, anchor };
        Typed { expr: Plan::Window(Box::new(window)), ..result }
    }

    fn anchor(&mut self, name: &Name) -> Option<Anchor> {
        match self.reading(name)? {
            (Ref::Step(i), _) => Some(Anchor::Before(i)),
            _ => {
                let d = Diagnostic::new(
                    Code::NOT_VISIBLE,
                    "a window is `before` a step that was found",
                    name.loc,
                    "not an earlier step",
                );
                self.diagnostics.push(d.note("a window without `before` ends at the instant decided, that included"));
                None
            }
        }
    }

    fn bound(&mut self, func: Func, call: &Call, of: &Name, field: Option<&Name>, loc: Loc) -> Typed {
        let Some((at, stream)) = self.reading(of) else { return Typed::error(loc) };
        let Ref::Step(step) = at else {
            let name = &call.function.text;
            let words = field.map_or(of.text.to_string(), |f| format!("{}.{}", of.text, f.text));
            let d = Diagnostic::new(Code::AGGREGATE, format!("`{name}` over which time?"), loc, "expected `over` and a span");
            self.diagnostics.push(d.fix("say how far it looks back", call.argument.loc, format!("{words} over 3 h")));
            return Typed::error(loc);
        };
        if let Some(loc) = call.before.as_ref().map(|b| b.loc).or(call.filter.as_ref().map(|f| f.loc)) {
            let d =
                Diagnostic::new(Code::AGGREGATE, "the readings of a step are aggregated as they are", loc, "not without `over`");
            self.diagnostics.push(d);
            return Typed::error(loc);
        }
        match self.aggregate(func, call, of, field, stream, loc) {
            Some((what, result)) => Typed { expr: Plan::Bound { func, step, what }, ..result },
            None => Typed::error(loc),
        }
    }

    /// What is taken of each reading, and what the aggregate of it is.
    fn aggregate(
        &mut self,
        func: Func,
        call: &Call,
        of: &Name,
        field: Option<&Name>,
        stream: vitalog_elog::StreamIx,
        loc: Loc,
    ) -> Option<(Measure, Typed)> {
        let count = Typed { bounds: Bounds::at_least_zero(), ..Typed::new(Plan::Bool(false), Ty::Number(Dim::PLAIN), loc) };
        let Some(field) = field else {
            if func == Func::Count {
                return Some((Measure::Itself, count));
            }
            let example = self.world.declared(stream).fields.first().map(|f| f.name.clone());
            let d = Diagnostic::new(
                Code::AGGREGATE,
                format!("`{}` of which field?", call.function.text),
                call.argument.loc,
                "a reading is no number",
            );
            self.diagnostics.push(match example {
                Some(field) => d.help(format!("as in `{}({}.{field} …)`", call.function.text, of.text)),
                None => d,
            });
            return None;
        };
        let taken = self.taken(stream, field)?;
        if func == Func::Count && taken.ty != Ty::Error {
            return Some((taken.what, count));
        }
        let ty = match (&taken.ty, func) {
            (Ty::Error, _) => return None,
            (Ty::Number(dim), _) => Ty::Number(*dim),
            (Ty::Instant, Func::Delta) => Ty::Number(Dim::time()),
            (Ty::Instant, Func::Avg | Func::Min | Func::Max | Func::First | Func::Last) => Ty::Instant,
            (ty, _) => {
                let d = Diagnostic::new(
                    Code::AGGREGATE,
                    format!("`{}` of {ty} is not defined", call.function.text),
                    call.argument.loc,
                    format!("this is {ty}"),
                );
                self.diagnostics.push(d.help("`count` counts them; a `where` picks them"));
                return None;
            }
        };
        Some((taken.what, Typed { unit: taken.unit, ..within(func, &taken, Typed::new(Plan::Bool(false), ty, loc)) }))
    }
}

/// The bounds that an aggregate has from those of its values.
fn within(func: Func, taken: &Taken, result: Typed) -> Typed {
    let bounds = match func {
        Func::Avg | Func::Min | Func::Max | Func::First | Func::Last => {
            return Typed { bounds: taken.bounds, plausible: taken.plausible, ..result };
        }
        Func::Delta => taken.bounds.plus(taken.bounds.negated()),
        Func::Sum if taken.bounds.low.is_some_and(|low| low.n >= 0) => Bounds::at_least_zero(),
        Func::Sum | Func::Count => Bounds::NONE,
    };
    Typed { bounds, ..result }
}

fn func(name: &str) -> Option<Func> {
    Some(match name {
        "count" => Func::Count,
        "sum" => Func::Sum,
        "avg" => Func::Avg,
        "min" => Func::Min,
        "max" => Func::Max,
        "first" => Func::First,
        "last" => Func::Last,
        "delta" => Func::Delta,
        _ => return None,
    })
}
