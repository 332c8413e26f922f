//! Times of day and days of the week.

use std::sync::Arc;

use vitalog_cep::plan::Expr as Plan;

use super::Checker;
use super::number::Bounds;
use super::value::{Ty, Typed, Words};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Loc;
use crate::syntax::Call;

/// A minute in microseconds.
pub const MINUTE: i64 = 60_000_000;

const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// What the clock shows at an instant.
pub fn time_of_day(instant: Typed) -> Typed {
    Typed::new(Plan::TimeOfDay(Box::new(instant.expr)), Ty::TimeOfDay, instant.loc)
}

impl Checker<'_> {
    /// `time_of_day(t)` and `day_of_week(t)`.
    pub fn of_calendar(&mut self, call: &Call, loc: Loc) -> Typed {
        let name = &call.function.text;
        if let Some(extra) = call.extra() {
            let d = Diagnostic::new(Code::AGGREGATE, format!("`{name}` takes no window"), extra, "it is asked of one instant");
            self.diagnostics.push(d.help(format!("as in `{name}(bg.at)`, or `avg(time_of_day(sleep.start) over 14 d)`")));
            return Typed::error(loc);
        }
        let instant = self.infer(&call.argument, None);
        match instant.ty {
            Ty::Error => return Typed::error(loc),
            Ty::Instant => {}
            _ => {
                let what = format!("this is {}", instant.describe());
                let d = Diagnostic::new(Code::TYPE, format!("`{name}` asks for an instant"), instant.loc, what);
                self.diagnostics.push(d.help(format!("as in `{name}(bg.at)` or `{name}(now)`")));
                return Typed::error(loc);
            }
        }
        if &**name == "time_of_day" {
            return Typed { loc, ..time_of_day(instant) };
        }
        let words = Words { words: DAYS.iter().map(|day| Arc::from(*day)).collect(), ordered: true };
        Typed { bounds: Bounds::of(0, 6), ..Typed::new(Plan::DayOfWeek(Box::new(instant.expr)), Ty::Enum(words), loc) }
    }
}

impl Call {
    /// What stands behind the argument, if anything does.
    pub fn extra(&self) -> Option<Loc> {
        let names = [&self.before, &self.after, &self.during].into_iter().flatten().map(|n| n.loc);
        let spans = [self.ahead, self.half_life, self.fresh].into_iter().flatten().map(|d| d.loc);
        let exprs = [&self.share, &self.filter].into_iter().flatten().map(|e| e.loc);
        self.over.map(|over| over.loc()).into_iter().chain(names).chain(spans).chain(exprs).min_by_key(|loc| loc.start)
    }
}
