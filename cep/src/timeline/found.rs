//! Derived streams: the findings of rules as rows, for the rules that look at them.
//!
//! A row is a function of a fact, so these tables are not stored: they are made again from the facts after a restore.

use std::sync::Arc;

use vitalog_elog::{ReadingId, StreamIx};

use super::datum::Datum;
use super::table::Table;
use super::{Timeline, Touch};
use crate::plan::Edge;

/// A finding as a row.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundRow {
    /// Unlike that of any other row of the stream.
    pub id: ReadingId,
    pub at: i64,
    pub onset: i64,
    pub end: Option<i64>,
    /// By field.
    pub values: Vec<Datum>,
    /// The readings it rests on.
    pub evidence: Arc<[ReadingId]>,
}

impl Timeline {
    pub fn add_found(&mut self, stream: StreamIx, row: FoundRow, touched: &mut Vec<Touch>) {
        let Some(table) = self.found_table(stream) else { return };
        touched.push(touch(stream, &row, true));
        table.insert_found(row.at, &row);
        for (at, table) in self.edges_of(stream, &row) {
            table.insert_found(at, &row);
        }
    }

    pub fn remove_found(&mut self, stream: StreamIx, row: &FoundRow, touched: &mut Vec<Touch>) {
        let Some(table) = self.found_table(stream) else { return };
        let Some(place) = table.find(row.at, row.id) else { return };
        table.remove(place);
        for (at, table) in self.edges_of(stream, row) {
            if let Some(place) = table.find(at, row.id) {
                table.remove(place);
            }
        }
        touched.push(touch(stream, row, false));
    }

    /// From now on with the findings at an edge, too. Whether those that are there have to be added again: the stream is empty then.
    pub fn keep_found(&mut self, stream: StreamIx, edge: Edge) -> bool {
        if self.found_edges.contains_key(&(stream, edge)) {
            return false;
        }
        self.found_edges.insert((stream, edge), Table::by_edge());
        let kept: Vec<(StreamIx, Edge)> = self.found_edges.keys().filter(|(s, _)| *s == stream).copied().collect();
        for key in kept {
            self.found_edges.insert(key, Table::by_edge());
        }
        let table = stream.derived().and_then(|place| self.found.get_mut(place)?.take());
        table.is_some_and(|table| table.len() > 0)
    }

    /// The tables of a stream's findings at their edges, with where a finding stands in each.
    fn edges_of(&mut self, stream: StreamIx, row: &FoundRow) -> impl Iterator<Item = (i64, &mut Table)> {
        let of_stream = (stream, Edge::Start)..=(stream, Edge::Close);
        let (onset, at, end) = (row.onset, row.at, row.end);
        self.found_edges.range_mut(of_stream).filter_map(move |((_, edge), table)| {
            let stands = match edge {
                Edge::Start => Some(onset),
                Edge::End => Some(at),
                Edge::Close => end,
            };
            Some((stands?, table))
        })
    }

    fn found_table(&mut self, stream: StreamIx) -> Option<&mut Table> {
        let place = stream.derived()?;
        if self.found.len() <= place {
            self.found.resize_with(place + 1, || None);
        }
        Some(self.found.get_mut(place)?.get_or_insert_default())
    }
}

fn touch(stream: StreamIx, row: &FoundRow, came: bool) -> Touch {
    let to = row.end.unwrap_or(i64::MAX).max(row.at);
    Touch { stream, at: Some(row.at), from: row.onset.min(row.at), to, came }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_of_one_instant_lie_as_they_would_after_a_restart() {
        let stream = StreamIx(StreamIx::DERIVED);
        let row = |id: u128, at: i64| FoundRow {
            id: ReadingId(id),
            at,
            onset: at - 1,
            end: None,
            values: vec![],
            evidence: Arc::from([]),
        };
        let mut line = Timeline::default();
        for (id, at) in [(7, 30), (5, 30), (9, 20), (6, 30), (1, 40)] {
            line.add_found(stream, row(id, at), &mut Vec::new());
        }
        line.remove_found(stream, &row(6, 30), &mut Vec::new());
        let table = line.table(stream).expect("it has rows");
        let ids: Vec<u128> = (0..table.len()).map(|row| table.mark(row).id.0).collect();
        assert_eq!(ids, [9, 5, 7, 1]);
        // They rest on readings, and their ids are none of these.
        let mut line = Timeline::default();
        line.add_found(stream, row(3, 30), &mut Vec::new());
        assert!(line.table(stream).is_some_and(|table| table.len() == 1 && table.ids_of(0..1).is_none()));
    }
}
