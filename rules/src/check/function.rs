//! The functions: what each takes of readings, and what it comes to.

use vitalog_cep::plan::{Expr as Plan, Func, Measure, Rational};
use vitalog_elog::{Dimension, Span, StreamIx, Unit};

use super::Checker;
use super::dimension::Dim;
use super::expr::Taken;
use super::number::{Bounds, whole};
use super::value::{Ty, Typed};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Loc;
use crate::syntax::{Call, Expr, ExprKind, Name};

/// Atoms of a whole as a share.
const WHOLE: i64 = 100_000_000;

/// What a function is asked of: the stream or step, its field, and whether that is taken by its time of day.
#[derive(Clone, Copy)]
pub struct Subject<'e> {
    pub of: &'e Name,
    pub field: Option<&'e Name>,
    pub clock: bool,
}

/// What a call takes of each reading, and what it comes to.
pub struct Taking {
    pub func: Func,
    pub what: Measure,
    pub result: Typed,
}

/// `bg`, `bg.value`, `time_of_day(sleep.start)`.
pub fn subject(argument: &Expr) -> Option<Subject<'_>> {
    match &argument.bare().kind {
        ExprKind::Name(of) => Some(Subject { of, field: None, clock: false }),
        ExprKind::Field { of, field } => Some(Subject { of, field: Some(field), clock: false }),
        ExprKind::Call(call) if &*call.function.text == "time_of_day" && call.extra().is_none() => {
            subject(&call.argument).filter(|s| s.field.is_some() && !s.clock).map(|s| Subject { clock: true, ..s })
        }
        _ => None,
    }
}

impl Checker<'_> {
    /// What is taken of each reading of a stream, and what the aggregate of it is. `window`: it is over a stretch of time.
    pub fn taking(&mut self, call: &Call, subject: Subject<'_>, stream: StreamIx, window: bool, loc: Loc) -> Option<Taking> {
        let func = self.func(call, stream, window)?;
        let plain = |bounds| Typed { bounds, ..Typed::new(Plan::Bool(false), Ty::Number(Dim::PLAIN), loc) };
        let share = || {
            let unit = Unit::named(Dimension::Ratio, "%");
            let ty = Ty::Number(Dim::of(Dimension::Ratio));
            Typed { unit, bounds: Bounds::of(0, WHOLE), ..Typed::new(Plan::Bool(false), ty, loc) }
        };
        let of_readings = match func {
            Func::Count | Func::Days => Some(plain(Bounds::at_least_zero())),
            Func::Coverage(_) => Some(share()),
            _ => None,
        };
        let Some(field) = subject.field else {
            if let Some(result) = of_readings {
                return Some(Taking { func, what: Measure::Itself, result });
            }
            self.of_which_field(call, subject.of, stream);
            return None;
        };
        let taken = self.taken(stream, field)?;
        if taken.ty == Ty::Error {
            return None;
        }
        if subject.clock {
            return self.taking_times(call, func, &taken, loc);
        }
        if let Some(result) = of_readings {
            return Some(Taking { func, what: taken.what, result });
        }
        let (ty, bounds) = match (&taken.ty, func) {
            (Ty::Number(_), Func::Cv) => (Ty::Number(Dim::of(Dimension::Ratio)), Bounds::at_least_zero()),
            (Ty::Number(_), Func::Reversals) => (Ty::Number(Dim::PLAIN), Bounds::at_least_zero()),
            (Ty::Number(dim), Func::Slope | Func::Rate) => return self.steepness(func, *dim, &taken, loc),
            (Ty::Number(dim), _) => (Ty::Number(*dim), Bounds::NONE),
            (Ty::Instant, Func::Delta) => (Ty::Number(Dim::time()), Bounds::NONE),
            (Ty::Instant, Func::Avg | Func::Min | Func::Max | Func::First | Func::Last) => (Ty::Instant, Bounds::NONE),
            (ty, _) => {
                let ty = ty.to_string();
                self.not_of(call, &ty);
                return None;
            }
        };
        let unit = if func == Func::Cv { Unit::named(Dimension::Ratio, "%") } else { taken.unit };
        let result = within(func, &taken, Typed { unit, bounds, ..Typed::new(Plan::Bool(false), ty, loc) });
        Some(Taking { func, what: taken.what, result })
    }

    fn taking_times(&mut self, call: &Call, func: Func, taken: &Taken, loc: Loc) -> Option<Taking> {
        let what = match taken.what {
            Measure::At => Measure::AtClock,
            Measure::Start => Measure::StartClock,
            _ => {
                let ty = taken.ty.to_string();
                let d = Diagnostic::new(
                    Code::TYPE,
                    "`time_of_day` asks for an instant",
                    call.argument.loc,
                    format!("this is of {ty}"),
                );
                self.diagnostics.push(d.help("as in `avg(time_of_day(sleep.start) over 14 d)`"));
                return None;
            }
        };
        let ty = match func {
            Func::Count => Ty::Number(Dim::PLAIN),
            Func::Avg | Func::First | Func::Last => Ty::TimeOfDay,
            Func::Stddev => Ty::Number(Dim::time()),
            _ => {
                self.not_of(call, "a time of day");
                return None;
            }
        };
        Some(Taking { func, what, result: Typed::new(Plan::Bool(false), ty, loc) })
    }

    /// A quantity by time. INVARIANT (ratios are plain in products): a share is carried as a plain number.
    fn steepness(&mut self, func: Func, dim: Dim, taken: &Taken, loc: Loc) -> Option<Taking> {
        let dim = if dim.is(Dimension::Ratio) { Dim::PLAIN } else { dim };
        let ty = Ty::Number(dim.per(Dim::time())?);
        Some(Taking { func, what: taken.what, result: Typed::new(Plan::Bool(false), ty, loc) })
    }

    /// The function that a call means, with what it has to be told.
    fn func(&mut self, call: &Call, stream: StreamIx, window: bool) -> Option<Func> {
        let name = &*call.function.text;
        let func = match name {
            "count" => Func::Count,
            "sum" => Func::Sum,
            "avg" => Func::Avg,
            "min" => Func::Min,
            "max" => Func::Max,
            "first" => Func::First,
            "last" => Func::Last,
            "delta" => Func::Delta,
            "stddev" => Func::Stddev,
            "cv" => Func::Cv,
            "median" => Func::Median,
            "percentile" => Func::Percentile(self.percentile(call)?),
            "slope" => Func::Slope,
            "rate" => Func::Rate,
            "reversals" => Func::Reversals,
            "days" => Func::Days,
            "coverage" => Func::Coverage(self.expected_every(call, stream)?),
            "decayed_sum" => {
                Func::DecayedSum(self.told(call, call.half_life.map(|d| d.span), "half_life", "half_life 75 min")?)
            }
            "forecast" => Func::Forecast(self.told(call, call.ahead.map(|d| d.span), "in", "in 20 min")?),
            _ => return None,
        };
        let of_windows = matches!(name, "days" | "coverage" | "decayed_sum" | "forecast");
        if of_windows && !window {
            let d = Diagnostic::new(
                Code::AGGREGATE,
                format!("`{name}` over which time?"),
                call.argument.loc,
                "expected `over` and a span",
            );
            self.diagnostics.push(d.help(format!("`{name}` looks at a stretch of time, not at the readings of a step")));
            return None;
        }
        self.needless(call, name).then_some(func)
    }

    /// Refuses words that belong to other functions.
    fn needless(&mut self, call: &Call, name: &str) -> bool {
        let words = [
            ("at", "percentile", call.share.as_ref().map(|e| e.loc)),
            ("in", "forecast", call.ahead.map(|d| d.loc)),
            ("half_life", "decayed_sum", call.half_life.map(|d| d.loc)),
        ];
        for (word, of, loc) in words {
            if let Some(loc) = loc.filter(|_| of != name) {
                let message = format!("`{name}` takes no `{word}`");
                self.diagnostics.push(Diagnostic::new(Code::AGGREGATE, message, loc, format!("`{of}` does")));
                return false;
            }
        }
        true
    }

    fn percentile(&mut self, call: &Call) -> Option<Rational> {
        let share = self.told(call, call.share.as_ref(), "at", "at 90 %")?;
        let typed = self.infer(share, None);
        if typed.is_error() {
            return None;
        }
        let value = typed
            .as_constant()
            .filter(|r| typed.ty == Ty::Number(Dim::of(Dimension::Ratio)) && (0..=WHOLE).contains(&r.n) && r.d == 1);
        if value.is_none() {
            let d = Diagnostic::new(
                Code::TYPE,
                "a percentile is said by a share",
                typed.loc,
                format!("this is {}", typed.describe()),
            );
            self.diagnostics.push(d.help("from 0 % to 100 %, as in `percentile(bg.value at 90 % over 14 d)`"));
        }
        super::number::rational(i128::from(value?.n), i128::from(whole(WHOLE).n))
    }

    /// How often a reading of the stream is expected.
    pub fn expected_every(&mut self, call: &Call, stream: StreamIx) -> Option<Span> {
        let declared = self.world.declared(stream);
        if declared.every.is_none() {
            let (name, function) = (&declared.name, &call.function.text);
            let message = format!("`{function}` of a stream without an expected rhythm");
            let d = Diagnostic::new(Code::AGGREGATE, message, call.argument.loc, format!("how often is `{name}` expected?"));
            self.diagnostics.push(d.help(format!("declare it, as in `stream {name} every 5 min {{ … }}`")));
        }
        declared.every
    }

    fn told<T>(&mut self, call: &Call, value: Option<T>, word: &str, example: &str) -> Option<T> {
        if value.is_none() {
            let name = &call.function.text;
            let d = Diagnostic::new(
                Code::AGGREGATE,
                format!("`{name}` without `{word}`"),
                call.argument.loc,
                format!("expected `{word}`"),
            );
            self.diagnostics.push(d.help(format!("as in `{name}(… {example} over 6 h)`")));
        }
        value
    }

    fn of_which_field(&mut self, call: &Call, of: &Name, stream: StreamIx) {
        let name = &call.function.text;
        let example = self.world.declared(stream).fields.first().map(|f| f.name.clone());
        let d =
            Diagnostic::new(Code::AGGREGATE, format!("`{name}` of which field?"), call.argument.loc, "a reading is no number");
        self.diagnostics.push(match example {
            Some(field) => d.help(format!("as in `{name}({}.{field} …)`", of.text)),
            None => d,
        });
    }

    fn not_of(&mut self, call: &Call, ty: &str) {
        let d = Diagnostic::new(
            Code::AGGREGATE,
            format!("`{}` of {ty} is not defined", call.function.text),
            call.argument.loc,
            format!("this is {ty}"),
        );
        self.diagnostics.push(d.help("`count` counts them; a `where` picks them"));
    }
}

/// The bounds that an aggregate has from those of its values.
fn within(func: Func, taken: &Taken, result: Typed) -> Typed {
    let bounds = match func {
        Func::Avg | Func::Min | Func::Max | Func::First | Func::Last | Func::Median | Func::Percentile(_) => {
            return Typed { bounds: taken.bounds, plausible: taken.plausible, ..result };
        }
        Func::Delta => taken.bounds.plus(taken.bounds.negated()),
        Func::Sum | Func::DecayedSum(_) if taken.bounds.low.is_some_and(|low| low.n >= 0) => Bounds::at_least_zero(),
        Func::Stddev => Bounds::at_least_zero(),
        _ => result.bounds,
    };
    Typed { bounds, ..result }
}
