//! What an episode rests on.

use std::sync::Arc;

use vitalog_elog::ReadingId;

use super::Decision;
use crate::decide::fact::{quoted, quoted_side_by_side};
use crate::decide::version::Case;
use crate::eval::Rows;
use crate::plan::Episode;

/// The readings of the run, up to its opening, for which the condition is true.
pub fn evidence_of<'a>(case: &Case<'a>, episode: &'a Episode, from: i64, decision: &Decision<'a>) -> Arc<[ReadingId]> {
    let table = decision.table;
    let rows = table.from(from)..decision.rows.end;
    if let Some(sill) = &case.version.scope.sill
        && let Some(numbers) = table.column(sill.field).and_then(|column| column.numbers(rows.clone()))
        && let Some(ids) = table.ids_of(rows.clone())
        && numbers.iter().all(|number| sill.holds(*number))
    {
        return quoted_side_by_side(case.line, ids);
    }
    let walked = |row: usize| case.scope(table.at(row), from).driven_by(Rows::one(table, row)).holds(&episode.when);
    let holding = rows.filter(|&row| case.tells(table, row, from).unwrap_or_else(|| walked(row)));
    quoted(case.line, holding.flat_map(|row| table.evidence(row)).copied())
}
