//! The receipt of a reading: each of its revisions at every stage, down to file and row group of the lake.
//!
//! What the journal has of it is read at the offset that the views name. Each stage says what the revision weighs there: equal weights are the same content.

use serde_json::{Value, json};
use vitalog_dashboards::views::ViewsError;
use vitalog_elog::accounting::{Standing, weight};
use vitalog_elog::{Input, Reading, ReadingId, Schema, Subject, Time};
use vitalog_lakehouse::TracedPlace;

use super::Auditor;
use crate::backup::Source;
use crate::failure::Failure;

/// What the journal has at an offset.
struct Journaled {
    group: u64,
    accepted: Option<Time>,
    weight: u128,
}

impl Auditor {
    /// `None`: the views know no such reading. Blocks.
    ///
    /// # Errors
    /// Where a stage can't be read.
    pub fn receipt(&self, subject: &Subject, id: ReadingId) -> Result<Option<Value>, Failure> {
        let reader = self.stages.views.take().map_err(views)?;
        let (rows, schema) = reader.ask(|ask| Ok((ask.revision_rows(subject, id)?, ask.schema.clone()))).map_err(views)?;
        if rows.is_empty() {
            return Ok(None);
        }
        let first = self.journal.with(|journal| journal.first())?;
        let mut times = Vec::new();
        for content in rows.iter().filter_map(|row| row.reading.content.as_ref()) {
            times.push(content.when.instant().unwrap_or(content.when.start()));
        }
        let traced = self.stages.runtime.block_on(self.stages.lake.trace(subject, id, &times));
        let (traced, lake_schema) = traced.map_err(|e| Failure::new(format!("lake: {e}")))?;
        let cuts = self.stages.lake.cuts();
        let mut revisions = Vec::new();
        for row in &rows {
            let of_lake = traced.iter().filter(|t| t.reading.revision() == row.reading.revision());
            let lake = of_lake.map(|t| {
                let mut place = match &t.place {
                    TracedPlace::Hot => json!({"hot": true}),
                    TracedPlace::File { path, row_group, row, groups_read, groups } => json!({
                        "hot": false, "file": path, "row_group": row_group, "row": row, "row_groups_read": groups_read, "row_groups": groups}),
                };
                place["table"] = if t.standing == Standing::Current { "readings" } else { "readings_history" }.into();
                place["weight"] = hex(&t.reading, &lake_schema).into();
                place
            });
            let is_trimmed = row.record < first;
            let journaled = if is_trimmed { None } else { self.journaled(row.record, &row.reading, &schema)? };
            let is_past = cuts.is_past(&row.reading, row.standing, row.arrival, &schema) && !cuts.is_held(subject);
            let journal = journaled.map(|found| {
                json!({"offset": row.record, "group": found.group, "accepted": found.accepted.map(|t| t.to_string()), "weight": format!("{:032x}", found.weight)})
            });
            revisions.push(json!({
                "rev": row.reading.rev,
                "standing": row.standing.name(),
                "removed": row.reading.content.is_none(),
                "journal": journal,
                "trimmed": is_trimmed,
                "views": {"table": if row.standing == Standing::Current { "readings" } else { "revisions" }, "weight": hex(&row.reading, &schema)},
                "lake": lake.collect::<Vec<_>>(),
                "past_retention": is_past,
            }));
        }
        let name = rows.iter().find_map(|row| row.reading.given.clone());
        let name = name.unwrap_or_else(|| id.to_string().into());
        Ok(Some(json!({"subject": subject.as_str(), "id": name, "revisions": revisions})))
    }

    /// `None`: at that offset there is nothing about the reading.
    fn journaled(&self, offset: u64, of: &Reading, schema: &Schema) -> Result<Option<Journaled>, Failure> {
        let group = self.journal.with(move |journal| match journal.read_from(offset)?.next() {
            Some(group) => group.map(Some),
            None => Ok(None),
        })?;
        let failed = |e| Failure::new(format!("journal: {e}"));
        let Some(group) = group.map_err(failed)? else { return Ok(None) };
        let entry = group.entry(offset, schema).map_err(failed)?;
        let Input::Reading(reading) = &entry.input else { return Ok(None) };
        if (&reading.subject, reading.id) != (&of.subject, of.id) {
            return Ok(None);
        }
        Ok(Some(Journaled { group: group.first, accepted: group.arrival(offset), weight: weight(reading, schema) }))
    }
}

fn hex(reading: &Reading, schema: &Schema) -> String {
    format!("{:032x}", weight(reading, schema))
}

fn views(error: ViewsError) -> Failure {
    Failure::new(format!("views: {error}"))
}
