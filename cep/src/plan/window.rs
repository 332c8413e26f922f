//! Aggregates over the readings of one stream in a stretch of time.

use serde::{Deserialize, Serialize};
use vitalog_elog::{Span, StreamIx};

use super::expr::{Expr, Measure, Rational};

/// `func(stream.what over …)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    pub func: Func,
    pub stream: StreamIx,
    pub what: Measure,
    /// What [`Func::Share`] and [`Func::TimeIn`] ask of each reading, as `Ref::Item`.
    pub asks: Option<Expr>,
    /// Asked of each reading as `Ref::Item`.
    pub filter: Option<Expr>,
    /// Its length; of [`Anchor::Days`] and [`Anchor::Nights`] no part of what they mean.
    pub over: Span,
    pub anchor: Anchor,
    /// It is unknown unless one of the readings that count lies in the last stretch of this length before its end, the end included.
    pub fresh: Option<Span>,
}

/// Where a window lies. Intervals count whole, by their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Anchor {
    /// `(t - D, t]` with t the instant decided (in a step's condition: the candidate's instant; in the condition of another window: that of its reading).
    Decision,
    /// `[t - D, t)` with t the instant of a schedule's firing.
    Until,
    /// `(n.at - D, n.at]` without the readings the step bound.
    Before(u8),
    /// `(n.at, n.at + D)`; unknown where it is not over at the instant decided. A match whose own decision (`let`, `where`, severity, text) looks
    /// at one is decided when it is over.
    After(u8),
    /// That many whole days of the subject's calendar before the day of t.
    Days(u16),
    /// That many whole nights, the last that were over at t; a night begins and ends as the profile's `night` says.
    Nights(u16),
}

/// Aggregates. Of nothing `count`, `sum`, `decayed_sum`, `coverage`, `days` are 0; the others are unknown. Readings without the field are passed over.
///
/// Where values have an order in time, those of one instant count as one: their mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Func {
    Count,
    Sum,
    Avg,
    Min,
    Max,
    /// Of the earliest instant; of a tie the mean.
    First,
    /// Of the latest instant; of a tie the mean.
    Last,
    /// `Last - First`.
    Delta,
    /// Of a sample (n - 1), of two values or more; a square root, compared exactly.
    Stddev,
    /// The standard deviation by the mean, as a share; unknown unless the mean is above zero.
    Cv,
    Median,
    /// The value at that share of the way from the least to the greatest, between two values by a straight line.
    Percentile(Rational),
    /// Of the least-squares line, per microsecond; of three values or more, at two instants or more.
    Slope,
    /// `Delta` by the time between, per microsecond; of two instants or more.
    Rate,
    /// The share of those for which `asks` is known, for which it is true.
    Share,
    /// How long `asks` is true: each instant stands until the next reading of the stream or the window's end, for at most this long; an interval for its duration.
    TimeIn(Span),
    /// The share of the window's slots of this length, counted back from its end, in which there is a value.
    Coverage(Span),
    /// Each value times 2^(-age / half-life), the age being that at the window's end.
    DecayedSum(Span),
    /// How many days (of a window of nights: nights) there is one on.
    Days,
    /// How often it turns from rising to falling or back.
    Reversals,
    /// Where the least-squares line will be this long after the window's end.
    Forecast(Span),
}

impl Window {
    /// Whether both look at the same of the same readings, whatever they make of it.
    pub fn sees_what(&self, other: &Window) -> bool {
        let Window { func: _, stream, what, asks, filter, over, anchor, fresh } = self;
        (*stream, *what, *over, *anchor, *fresh) == (other.stream, other.what, other.over, other.anchor, other.fresh)
            && *asks == other.asks
            && *filter == other.filter
    }

    /// How long after a reading's instant a decision may see it through this window, in microseconds.
    pub fn reach(&self) -> i64 {
        const DAY: i64 = Span::days(1).0;
        match self.anchor {
            Anchor::Decision | Anchor::Before(_) => self.over.0.saturating_sub(1).max(0),
            // Decided when it is over, or later; how much later the step's place in its match says.
            Anchor::After(_) | Anchor::Until => self.over.0.max(0),
            // The days before, the day of the decision, and as much as calendars were ever moved.
            Anchor::Days(n) | Anchor::Nights(n) => (i64::from(n) + 4) * DAY,
        }
    }
}
