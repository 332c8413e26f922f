//! Who sends: when each source was last heard, whether it is silent, and which of its counts never arrived.

use std::collections::BTreeMap;

use rusqlite::params;
use serde::Serialize;
use utoipa::ToSchema;
use vitalog_elog::{Schema, Span, Subject, Time};

use super::Ask;
use crate::views::{Heard, HeardStream, ViewsError};

/// Gaps of one source that are listed, the latest.
const GAPS: usize = 100;
/// Where nothing says after how long a stream is silent: so many times as long as readings of it are apart.
const LATE: i64 = 3;
/// A clock that is ahead by more is counted: less may be how it was rounded.
const AHEAD: i64 = 60;

/// Which sources.
#[derive(Clone, Debug, Default)]
pub struct SourceQuery {
    pub subject: Option<Subject>,
    /// Only those that are silent, or only those that are not.
    pub silent: Option<bool>,
    /// Only those of which some never arrived, or only those of which all did.
    pub gaps: Option<bool>,
    pub skip: usize,
    pub limit: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SourcePage {
    pub now: String,
    /// How many there are that fit and may be seen.
    pub total: usize,
    pub sources: Vec<SourceView>,
}

/// One source of one subject.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SourceView {
    pub subject: String,
    pub source: String,
    /// When anything last came of it.
    #[schema(format = DateTime)]
    pub last_contact: String,
    /// How far apart its readings are, by the most frequent of its streams; `null`: none says so.
    pub every_s: Option<i64>,
    /// For how long nothing may come; `null`: nobody says.
    pub silent_after_s: Option<i64>,
    /// `null`: it can't be told.
    pub silent: Option<bool>,
    /// By how much its clock is ahead at least, in seconds: a reading of the last two days on which something came lay so far in the future when it arrived. `null`: it told of no instant.
    pub clock_ahead_s: Option<i64>,
    pub streams: Vec<SourceStream>,
    /// `null`: it does not count.
    pub seq: Option<Counts>,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SourceStream {
    pub stream: String,
    pub last_contact: String,
    /// The latest instant it told of.
    pub last_at: String,
    /// Sendings, repeated ones included.
    pub arrived: u64,
    /// The least time between instant and arrival, in seconds, of the last two days on which something came: what the way takes, and by how much its clock is behind. Below 0 where
    /// it is ahead; `null`: it told of no instant.
    pub least_delay_s: Option<i64>,
}

/// The counts that a source gave its sendings.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = SourceCounts)]
pub struct Counts {
    pub first: u64,
    pub last: u64,
    /// How many between these never arrived.
    pub missing: u64,
    pub gaps: Vec<Gap>,
    /// Earlier gaps than those listed.
    pub gaps_left_out: usize,
}

/// Counts that never arrived, both ends included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SourceGap)]
pub struct Gap {
    pub from: u64,
    pub to: u64,
}

/// What is counted over all sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceFigures {
    /// Heard within a week, and not silent as far as can be told.
    pub heard: u64,
    /// Heard within a week, and silent now.
    pub silent: u64,
    /// Counts that never arrived.
    pub missing: u64,
    /// Heard within a week, and with a clock that is ahead.
    pub ahead: u64,
}

impl Ask<'_> {
    /// The sources that fit, by subject and name.
    ///
    /// # Errors
    /// [`ViewsError::Sql`].
    pub fn sources(&self, query: &SourceQuery, now: Time, may: &dyn Fn(&Subject) -> bool) -> Result<SourcePage, ViewsError> {
        let all = self.all_sources(query.subject.as_ref(), now)?;
        let mut seen: BTreeMap<String, bool> = BTreeMap::new();
        let fits = |source: &SourceView| {
            query.silent.is_none_or(|wanted| source.silent.unwrap_or(false) == wanted)
                && query.gaps.is_none_or(|wanted| source.seq.as_ref().is_some_and(|seq| seq.missing > 0) == wanted)
        };
        let mut is_seen = |name: &str| *seen.entry(name.to_owned()).or_insert_with(|| may(&Subject::new(name)));
        let fitting: Vec<SourceView> = all.into_iter().filter(|source| fits(source) && is_seen(&source.subject)).collect();
        let total = fitting.len();
        let sources = fitting.into_iter().skip(query.skip).take(query.limit).collect();
        Ok(SourcePage { now: now.to_string(), total, sources })
    }

    /// What is counted of all of them.
    ///
    /// # Errors
    /// [`ViewsError::Sql`].
    pub fn source_figures(&self, now: Time) -> Result<SourceFigures, ViewsError> {
        let mut figures = SourceFigures::default();
        for source in self.all_sources(None, now)? {
            figures.missing = figures.missing.saturating_add(source.seq.map_or(0, |seq| seq.missing));
            // A sensor that was exchanged weeks ago is not silent but gone.
            let is_gone = Time::parse(&source.last_contact).is_ok_and(|last| now.since(last) > Span::days(7));
            if !is_gone && source.clock_ahead_s.is_some_and(|ahead| ahead > AHEAD) {
                figures.ahead += 1;
            }
            match source.silent {
                _ if is_gone => {}
                Some(true) => figures.silent += 1,
                _ => figures.heard += 1,
            }
        }
        Ok(figures)
    }

    fn all_sources(&self, of: Option<&Subject>, now: Time) -> Result<Vec<SourceView>, ViewsError> {
        let mut statement = self.conn.prepare_cached(
            "select name, source, body from sources join subjects using (subject) where ?1 is null or name = ?1 order by name, source",
        )?;
        let mut rows = statement.query(params![of.map(Subject::as_str)])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let heard = Heard::decode(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?;
            found.push(view(row.get(0)?, row.get(1)?, &heard, &self.schema, now));
        }
        Ok(found)
    }
}

fn view(subject: String, source: String, heard: &Heard, schema: &Schema, now: Time) -> SourceView {
    let declared = |ix: u16| schema.streams.get(usize::from(ix));
    let last = heard.streams.iter().map(|stream| stream.arrival).max().unwrap_or(0);
    let every = heard.streams.iter().filter_map(|stream| declared(stream.stream)?.every).min();
    let bound = heard.streams.iter().filter_map(|stream| {
        let declared = declared(stream.stream)?;
        declared.silent_after.or_else(|| declared.every.map(|every| Span(every.0.saturating_mul(LATE))))
    });
    let bound = bound.min();
    let seconds = |span: Span| span.0 / 1_000_000;
    let streams = heard.streams.iter().map(|stream| SourceStream {
        stream: declared(stream.stream).map_or_else(String::new, |s| s.name.to_string()),
        last_contact: Time(stream.arrival).to_string(),
        last_at: Time(stream.at).to_string(),
        arrived: stream.arrived,
        least_delay_s: stream.least_delay().map(|delay| delay / 1_000_000),
    });
    let least = heard.streams.iter().filter_map(HeardStream::least_delay).min();
    SourceView {
        subject,
        source,
        last_contact: Time(last).to_string(),
        every_s: every.map(seconds),
        silent_after_s: bound.map(seconds),
        silent: bound.map(|bound| now.since(Time(last)) > bound),
        clock_ahead_s: least.map(|delay| (-(delay / 1_000_000)).max(0)),
        streams: streams.collect(),
        seq: (!heard.runs.is_empty())
            .then(|| Counts::of(&heard.runs.iter().map(|(low, high)| (*low, *high)).collect::<Vec<_>>())),
    }
}

impl Counts {
    /// Of runs that arrived, in order.
    fn of(runs: &[(u64, u64)]) -> Counts {
        let all: Vec<Gap> =
            runs.windows(2).map(|pair| Gap { from: pair[0].1.saturating_add(1), to: pair[1].0.saturating_sub(1) }).collect();
        let missing = all.iter().fold(0_u64, |sum, gap| sum.saturating_add(gap.to.saturating_sub(gap.from).saturating_add(1)));
        let gaps_left_out = all.len().saturating_sub(GAPS);
        let (first, last) = (runs.first().map_or(0, |run| run.0), runs.last().map_or(0, |run| run.1));
        Counts { first, last, missing, gaps: all[gaps_left_out..].to_vec(), gaps_left_out }
    }
}
