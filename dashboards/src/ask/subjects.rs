//! The subjects in the order in which they need a look, and each in short.

use serde::Serialize;
use utoipa::ToSchema;
use vitalog_elog::profile::ProfileField;
use vitalog_elog::{Dimension, FieldKind, Span, Subject, Time};

use super::Ask;
use super::recommendations::RecommendationView;
use super::shape::ReadingView;
use crate::ranking::{self, Candidate, Look};
use crate::thin;
use crate::trend::{Trend, trend};
use crate::views::{Attention, ViewsError};

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SubjectPage {
    pub now: String,
    /// The offset up to which this is complete.
    pub position: u64,
    /// How many there are that may be seen.
    pub total: usize,
    pub subjects: Vec<SubjectView>,
}

/// A subject in short.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SubjectView {
    pub subject: String,
    pub look: Look,
    /// The instant of the latest reading.
    pub last_at: Option<String>,
    /// When anything last came.
    pub last_arrival: String,
    /// Current readings.
    pub readings: u64,
    /// What stands and was not dismissed, the gravest that nobody has acknowledged first; at most three.
    pub standing: Vec<RecommendationView>,
    pub glucose: Option<Glucose>,
    /// The latest reading of each stream.
    pub last: Vec<ReadingView>,
    pub units: Option<String>,
    pub time_zone: Option<String>,
}

/// Glucose in short, in mg/dL.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Glucose {
    pub value: f64,
    pub at: String,
    pub trend: Option<Trend>,
    pub band: Band,
    pub spark: Spark,
}

/// A small chart: instants in milliseconds since the epoch, values in mg/dL.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Spark {
    pub from: i64,
    pub to: i64,
    pub at: Vec<i64>,
    pub value: Vec<f64>,
}

/// The bounds that the profile sets for glucose, in mg/dL, and for pressure, in mmHg.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Band {
    pub very_low: Option<f64>,
    pub low: Option<f64>,
    pub high: Option<f64>,
    pub very_high: Option<f64>,
    pub systolic_high: Option<f64>,
    pub diastolic_high: Option<f64>,
}

const SPARK: Span = Span::hours(6);
const SPARK_POINTS: usize = 120;

/// Which of the subjects.
#[derive(Clone, Debug, Default)]
pub struct SubjectQuery {
    /// Only these.
    pub only: Option<Vec<Subject>>,
    pub skip: usize,
    pub limit: usize,
}

struct Found {
    number: i64,
    last_arrival: i64,
    readings: i64,
    candidate: Candidate,
}

impl Ask<'_> {
    /// The subjects that `may` allows, those first that need a look.
    ///
    /// # Errors
    /// [`ViewsError::Sql`], [`ViewsError::Damaged`].
    pub fn subjects(
        &self,
        query: &SubjectQuery,
        declared: &[ProfileField],
        now: Time,
        may: &dyn Fn(&Subject) -> bool,
    ) -> Result<SubjectPage, ViewsError> {
        let mut found = Vec::new();
        for candidate in self.candidates(now)? {
            let subject = Subject::new(&candidate.candidate.name);
            if query.only.as_ref().is_none_or(|only| only.contains(&subject)) && may(&subject) {
                found.push(candidate);
            }
        }
        found.sort_unstable_by(|a, b| ranking::order(&a.candidate, &b.candidate));
        let total = found.len();
        let page = found.into_iter().skip(query.skip).take(query.limit);
        let subjects = page.map(|f| self.in_short(f, declared, now)).collect::<Result<_, _>>()?;
        Ok(SubjectPage { now: now.to_string(), position: self.position.next, total, subjects })
    }

    /// One subject in short; `None`: nothing was ever heard of it.
    ///
    /// # Errors
    /// [`ViewsError::Sql`], [`ViewsError::Damaged`].
    pub fn summary(&self, subject: &Subject, declared: &[ProfileField], now: Time) -> Result<Option<SubjectView>, ViewsError> {
        let found = self.candidate(subject, now)?;
        found.map(|f| self.in_short(f, declared, now)).transpose()
    }

    fn candidates(&self, now: Time) -> Result<Vec<Found>, ViewsError> {
        let mut find =
            self.conn.prepare_cached("select subject, name, last_at, last_arrival, readings, attention from subjects")?;
        let mut rows = find.query([])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(found(row, now)?);
        }
        Ok(all)
    }

    fn candidate(&self, subject: &Subject, now: Time) -> Result<Option<Found>, ViewsError> {
        let mut find = self
            .conn
            .prepare_cached("select subject, name, last_at, last_arrival, readings, attention from subjects where name = ?1")?;
        let mut rows = find.query([subject.as_str()])?;
        rows.next()?.map(|row| found(row, now)).transpose()
    }

    fn in_short(&self, found: Found, declared: &[ProfileField], now: Time) -> Result<SubjectView, ViewsError> {
        let subject = Subject::new(&found.candidate.name);
        let number = found.number;
        let mut last = Vec::new();
        for (ix, _) in self.schema.iter() {
            last.extend(self.last_of(number, &subject, ix.0)?);
        }
        let mut standing = self.standing(number, 3)?;
        standing.retain(|r| {
            let at = Time::parse(&r.at).unwrap_or(Time::MIN);
            !r.kind.is_point() || now.since(at) < ranking::MATCH_LOOK
        });
        Ok(SubjectView {
            look: found.candidate.look,
            last_at: found.candidate.last_at.map(|t| t.to_string()),
            last_arrival: Time(found.last_arrival).to_string(),
            readings: found.readings.max(0) as u64,
            standing,
            glucose: self.glucose(number, declared, now)?,
            last,
            units: self.profile_text(number, declared, "units", now)?,
            time_zone: self.profile_text(number, declared, "time_zone", now)?,
            subject: found.candidate.name,
        })
    }

    /// The stream `bg`, where it is declared with a field of glucose: what glucose is called in the shipped declarations.
    fn glucose(&self, number: i64, declared: &[ProfileField], now: Time) -> Result<Option<Glucose>, ViewsError> {
        let Some(stream) = self.schema.stream("bg") else { return Ok(None) };
        let field = self.schema.get(stream).fields.iter().position(|f| match f.kind {
            FieldKind::Quantity(unit) => unit.dimension() == Dimension::Glucose,
            _ => false,
        });
        let Some(field) = field else { return Ok(None) };
        let points = self.recent(number, stream.0, field, now - SPARK)?;
        let Some((at, value)) = points.last().copied() else { return Ok(None) };
        let instants: Vec<i64> = points.iter().map(|(t, _)| t.0).collect();
        let values: Vec<Option<f64>> = points.iter().map(|(_, v)| Some(*v)).collect();
        let kept = thin::keep(&instants, &values, SPARK_POINTS);
        let spark = Spark {
            from: (now - SPARK).0.div_euclid(1_000),
            to: now.0.div_euclid(1_000),
            at: kept.iter().map(|i| instants[*i].div_euclid(1_000)).collect(),
            value: kept.iter().map(|i| points[*i].1).collect(),
        };
        Ok(Some(Glucose {
            value,
            at: at.to_string(),
            trend: trend(&points, now),
            band: self.band(number, declared, now)?,
            spark,
        }))
    }

    pub(super) fn band(&self, number: i64, declared: &[ProfileField], now: Time) -> Result<Band, ViewsError> {
        let get = |name: &str| self.profile_number(number, declared, name, now);
        Ok(Band {
            very_low: get("bg_very_low")?,
            low: get("bg_low")?,
            high: get("bg_high")?,
            very_high: get("bg_very_high")?,
            systolic_high: get("bp_systolic_high")?,
            diastolic_high: get("bp_diastolic_high")?,
        })
    }
}

fn found(row: &rusqlite::Row<'_>, now: Time) -> Result<Found, ViewsError> {
    let attention = Attention::from_text(&row.get::<_, String>(5)?)?;
    Ok(Found {
        number: row.get(0)?,
        last_arrival: row.get(3)?,
        readings: row.get(4)?,
        candidate: Candidate {
            name: row.get(1)?,
            look: ranking::look(&attention, now),
            last_at: row.get::<_, Option<i64>>(2)?.map(Time),
        },
    })
}
