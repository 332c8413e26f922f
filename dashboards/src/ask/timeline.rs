//! Everything that a chart of a subject needs, in one answer.

use rusqlite::params;
use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;
use vitalog_elog::profile::ProfileField;
use vitalog_elog::{FieldKind, ReadingId, Stream, Subject, Time, Value};

use super::Ask;
use super::recommendations::RecommendationView;
use super::shape::{StreamShape, as_drawn, in_unit, millis};
use super::subjects::Band;
use crate::thin;
use crate::views::{ONGOING, Stored, ViewsError};

/// Which stretch, and how many points of a stream at most.
#[derive(Clone, Copy, Debug)]
pub struct TimelineQuery {
    pub from: Time,
    pub to: Time,
    pub points: usize,
}

/// A stretch of a subject's time. Times are milliseconds since the epoch, numbers in the unit of their field.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Timeline {
    pub subject: String,
    pub from: i64,
    pub to: i64,
    pub now: i64,
    /// The offset up to which it is complete: a stream that goes on from here misses nothing.
    pub position: u64,
    pub series: Vec<Series>,
    pub recommendations: Vec<RecommendationView>,
    pub band: Band,
    pub time_zone: Option<String>,
    pub units: Option<String>,
}

/// The readings of one stream, by columns.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Series {
    #[serde(flatten)]
    pub stream: StreamShape,
    /// How many readings there are; `at` holds fewer where they were thinned out.
    pub count: usize,
    pub id: Vec<String>,
    /// The instant: of an interval its end, `null` while it goes on.
    pub at: Vec<Option<i64>>,
    /// Of an interval, its start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Vec<i64>>,
    /// Per field, in the order of the declaration, one value per reading.
    #[schema(value_type = Vec<Vec<serde_json::Value>>)]
    pub values: Vec<Vec<Json>>,
    /// Places in `at` of readings that were amended.
    pub amended: Vec<usize>,
}

struct Point {
    id: u128,
    place: i64,
    start: Option<i64>,
    rev: u32,
    values: Vec<Option<Value>>,
}

impl Timeline {
    /// The most readings of one stream that are looked at for one answer.
    pub const MOST_ROWS: usize = 1_000_000;
    const MOST_RECOMMENDATIONS: usize = 1_000;
}

impl Ask<'_> {
    /// A stretch of a subject's time; `None`: nothing was ever heard of the subject.
    ///
    /// # Errors
    /// [`ViewsError::TooSlow`] where a stream has more than [`Timeline::MOST_ROWS`] readings there, [`ViewsError::Sql`], [`ViewsError::Damaged`].
    pub fn timeline(
        &self,
        subject: &Subject,
        query: &TimelineQuery,
        declared: &[ProfileField],
        now: Time,
    ) -> Result<Option<Timeline>, ViewsError> {
        let Some(number) = self.number(subject)? else { return Ok(None) };
        let mut series = Vec::new();
        for (ix, stream) in self.schema.iter() {
            let points = self.points(number, ix.0, stream.is_interval(), query)?;
            series.push(draw(stream, points, query.points));
        }
        Ok(Some(Timeline {
            subject: subject.as_str().to_owned(),
            from: query.from.0.div_euclid(1_000),
            to: query.to.0.div_euclid(1_000),
            now: now.0.div_euclid(1_000),
            position: self.position.next,
            series,
            recommendations: self.between(number, query.from, query.to, Timeline::MOST_RECOMMENDATIONS)?,
            band: self.band(number, declared, now)?,
            time_zone: self.profile_text(number, declared, "time_zone", now)?,
            units: self.profile_text(number, declared, "units", now)?,
        }))
    }

    /// The readings of one stream that touch the stretch. An interval stands at its end, so one that reaches beyond the stretch lies after it.
    fn points(&self, number: i64, stream: u16, interval: bool, query: &TimelineQuery) -> Result<Vec<Point>, ViewsError> {
        let last = if interval { ONGOING } else { query.to.0.saturating_sub(1) };
        let mut find = self.conn.prepare_cached(
            "select at, id, body from readings where subject = ?1 and stream = ?2 and at between ?3 and ?4 order by at, id",
        )?;
        let mut rows = find.query(params![number, stream, query.from.0, last])?;
        let mut points = Vec::new();
        let mut looked_at = 0;
        while let Some(row) = rows.next()? {
            looked_at += 1;
            if looked_at > Timeline::MOST_ROWS {
                return Err(ViewsError::TooSlow);
            }
            let stored = Stored::decode(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?;
            let Some(content) = stored.content else { continue };
            if content.start.is_some_and(|start| start >= query.to.0) {
                continue;
            }
            points.push(Point {
                id: u128::from_be_bytes(row.get(1)?),
                place: row.get(0)?,
                start: content.start,
                rev: stored.rev,
                values: content.values.into_owned(),
            });
        }
        Ok(points)
    }

    /// The latest numbers of one field, oldest first, in the usual unit of its dimension: what a small chart shows.
    pub(super) fn recent(&self, number: i64, stream: u16, field: usize, from: Time) -> Result<Vec<(Time, f64)>, ViewsError> {
        let Some(FieldKind::Quantity(unit)) =
            self.schema.streams.get(usize::from(stream)).and_then(|s| s.fields.get(field)).map(|f| &f.kind)
        else {
            return Ok(Vec::new());
        };
        let query = TimelineQuery { from, to: Time::MAX, points: 0 };
        let points = self.points(number, stream, false, &query)?;
        Ok(points
            .iter()
            .filter_map(|p| match p.values.get(field) {
                Some(Some(Value::Quantity(amount))) => Some((Time(p.place), in_unit(*amount, unit.dimension().usual_unit()))),
                _ => None,
            })
            .collect())
    }
}

fn draw(stream: &Stream, points: Vec<Point>, most: usize) -> Series {
    let count = points.len();
    let measure = stream.fields.iter().position(|f| matches!(f.kind, FieldKind::Quantity(_)));
    let instants: Vec<i64> = points.iter().map(|p| p.place).collect();
    let numbers: Vec<Option<f64>> = points
        .iter()
        .map(|p| match measure.and_then(|m| p.values.get(m)) {
            Some(Some(Value::Quantity(amount))) => Some(amount.atoms() as f64),
            _ => None,
        })
        .collect();
    let kept: Vec<&Point> = thin::keep(&instants, &numbers, most).into_iter().map(|i| &points[i]).collect();
    let column = |i: usize, kind: &FieldKind| -> Vec<Json> {
        kept.iter().map(|p| p.values.get(i).and_then(Option::as_ref).map_or(Json::Null, |v| as_drawn(v, kind))).collect()
    };
    Series {
        stream: StreamShape::of(stream),
        count,
        id: kept.iter().map(|p| ReadingId(p.id).to_string()).collect(),
        at: kept.iter().map(|p| millis(p.place)).collect(),
        start: stream.is_interval().then(|| kept.iter().map(|p| p.start.unwrap_or(p.place).div_euclid(1_000)).collect()),
        values: stream.fields.iter().enumerate().map(|(i, f)| column(i, &f.kind)).collect(),
        amended: kept.iter().enumerate().filter(|(_, p)| p.rev > 1).map(|(i, _)| i).collect(),
    }
}
