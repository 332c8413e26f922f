//! Functions of the field in SQL: units, clocks, and the metrics of glucose, each with its source in its own file and in docs/metrics.md.
//!
//! They know nothing of the lake: they are given columns. A metric that follows from sums is a [`sums::Measure`], one that needs the course of
//! time a [`trace::Course`]; both may be asked for by group, over the whole, or as a window.

mod adrr;
mod agp;
mod args;
mod daily;
mod episodes;
mod grid;
mod last_known;
mod local_time;
mod mage;
mod moments;
mod risk;
mod share;
mod sums;
mod sums_by_group;
mod to_unit;
mod trace;

use std::sync::Arc;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};

use episodes::Episodes;
use sums::{Measure, Sums};
use trace::{Course, OfTrace};

/// Those of one row.
pub fn scalars() -> Vec<Arc<ScalarUDF>> {
    vec![Arc::new(to_unit::ToUnit::new().into()), Arc::new(local_time::LocalTime::new().into())]
}

/// Those of many.
pub fn aggregates() -> Vec<Arc<AggregateUDF>> {
    vec![
        of_sums(share::TimeInRange),
        of_sums(share::TimeBelow),
        of_sums(share::TimeAbove),
        of_sums(share::Gri),
        of_sums(moments::Gmi),
        of_sums(moments::Cv),
        of_sums(moments::JIndex),
        of_sums(risk::Lbgi),
        of_sums(risk::Hbgi),
        of_course(mage::Mage),
        of_course(daily::Modd),
        of_course(daily::Conga),
        of_course(adrr::Adrr),
        of_course(agp::Agp),
        of_course(grid::Grid),
        of_course(Episodes::Below),
        of_course(Episodes::Above),
    ]
}

/// The one that looks along a window.
pub fn last_known() -> Arc<WindowUDF> {
    Arc::new(last_known::LastKnown::new().into())
}

fn of_sums<M: Measure>(measure: M) -> Arc<AggregateUDF> {
    Arc::new(Sums::of(measure).into())
}

fn of_course<C: Course>(course: C) -> Arc<AggregateUDF> {
    Arc::new(OfTrace::of(course).into())
}
