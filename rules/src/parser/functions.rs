//! The words of the language that take readings or an instant in parentheses.

/// The functions of the language.
pub const FUNCTIONS: &[&str] = &[
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "first",
    "last",
    "delta",
    "stddev",
    "cv",
    "median",
    "percentile",
    "slope",
    "rate",
    "share",
    "time_in",
    "coverage",
    "decayed_sum",
    "days",
    "reversals",
    "forecast",
    "age",
    "time_of_day",
    "day_of_week",
];
