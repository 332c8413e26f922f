//! One recommendation with everything behind it: its evidence, its history, what people did, and who heard of it.

use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use rusqlite::params;
use serde::Serialize;
use utoipa::ToSchema;
use vitalog_elog::{Change, FindingState, MatchId, ReadingId, Severity, Subject, Time};

use super::because::Because;
use super::recommendations::{COLUMNS, LATEST, RecommendationView, Response};
use super::shape::ReadingView;
use super::{Ask, words};
use crate::views::{Place, Search, ViewsError};

/// One recommendation with everything behind it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RecommendationDetail {
    #[serde(flatten)]
    pub recommendation: RecommendationView,
    /// The readings it rests on, at most [`RecommendationDetail::MOST_EVIDENCE`] of them.
    pub readings: Vec<Evidence>,
    /// Every revision, the latest first.
    pub history: Vec<Revision>,
    pub responses: Vec<Response>,
    pub deliveries: Vec<DeliveryView>,
}

/// A reading that a finding rests on: as it was when the finding was decided, and as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Evidence {
    pub id: String,
    pub then: Option<ReadingView>,
    /// `null`: it is removed since.
    pub now: Option<ReadingView>,
    /// It is not now what it was then.
    pub changed: bool,
}

/// One revision of a finding, in short.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Revision {
    pub revision: u32,
    #[schema(value_type = words::Change)]
    pub change: Change,
    #[schema(value_type = words::FindingState)]
    pub state: FindingState,
    #[schema(value_type = words::Severity)]
    pub severity: Severity,
    pub onset: String,
    pub end: Option<String>,
    pub text: String,
    pub decided_at: String,
    pub because: Because,
}

/// What was to be sent about it, without its body.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct DeliveryView {
    pub id: String,
    /// Empty where no endpoint is configured for whom a policy tells.
    pub endpoint: String,
    /// Whom a policy tells by it, and by which channel; `null` for an endpoint without a role.
    pub role: Option<String>,
    pub channel: Option<String>,
    /// Which step of the policy sent it, and how often the policy had begun anew; `null` where none did.
    pub step: Option<u32>,
    pub repeat: Option<u32>,
    /// It was sent later than it was due.
    pub late: bool,
    pub kind: String,
    /// `waiting`, `delivered`, `failed` (and will be tried again) or `given_up`.
    pub state: &'static str,
    pub attempts: u32,
    pub said: Option<String>,
    pub last_at: Option<String>,
}

impl RecommendationDetail {
    pub const MOST_EVIDENCE: usize = 200;
}

impl Ask<'_> {
    /// One recommendation with all that is behind it.
    ///
    /// # Errors
    /// [`ViewsError::Sql`], [`ViewsError::Damaged`].
    pub fn recommendation(&self, id: MatchId) -> Result<Option<RecommendationDetail>, ViewsError> {
        let sql = format!("select {COLUMNS} from {LATEST} where r.id = ?1");
        let Some(recommendation) = self.views(&sql, &[&id.0.to_be_bytes()])?.pop() else { return Ok(None) };
        let subject = Subject::new(&recommendation.subject);
        // What was taken back rested on readings as they were before.
        let decided = match recommendation.state {
            FindingState::Rescinded => recommendation.record.saturating_sub(1),
            _ => recommendation.record,
        };
        let lies = self.places(&recommendation)?;
        let mut readings = Vec::new();
        for id in recommendation.evidence_ids.iter().take(RecommendationDetail::MOST_EVIDENCE) {
            let ways: Vec<Search> = lies.get(id).map(|place| Search::At(*place)).into_iter().chain([Search::Names]).collect();
            let found = self.reading_by(&subject, *id, &ways)?;
            let then = found.as_ref().and_then(|f| f.around(decided).1).cloned();
            let now = found.and_then(|f| f.current);
            let changed = then.as_ref().map(|r| r.record) != now.as_ref().map(|r| r.record);
            readings.push(Evidence { id: id.to_string(), then, now, changed });
        }
        let sql = format!(
            "select {COLUMNS} from recommendation_history h join recommendations r on r.id = h.id where h.id = ?1 order by h.revision desc"
        );
        let history = self.views(&sql, &[&id.0.to_be_bytes()])?.into_iter().map(Revision::of).collect();
        Ok(Some(RecommendationDetail {
            recommendation,
            readings,
            history,
            responses: self.responses(id)?,
            deliveries: self.deliveries(id)?,
        }))
    }

    /// Where the evidence lies: within the time of the finding, as far as it was not moved since; then it has a name.
    fn places(&self, r: &RecommendationView) -> Result<HashMap<ReadingId, Place>, ViewsError> {
        let Some(number) = self.number(&Subject::new(&r.subject))? else { return Ok(HashMap::new()) };
        let instant = |text: &str| Time::parse(text).map_or(0, |t| t.0);
        let (from, to) = (instant(&r.onset), r.end.as_deref().map_or(0, instant).max(instant(&r.at)));
        let wanted: HashSet<ReadingId> = r.evidence_ids.iter().copied().collect();
        let mut lies = HashMap::new();
        let mut find = self
            .conn
            .prepare_cached("select at, id from readings where subject = ?1 and stream = ?2 and at between ?3 and ?4")?;
        for (ix, _) in self.schema.iter() {
            let mut rows = find.query(params![number, ix.0, from, to])?;
            while lies.len() < wanted.len()
                && let Some(row) = rows.next()?
            {
                let id = ReadingId(u128::from_be_bytes(row.get(1)?));
                if wanted.contains(&id) {
                    lies.insert(id, Place { stream: ix.0, at: row.get(0)? });
                }
            }
        }
        Ok(lies)
    }

    fn responses(&self, id: MatchId) -> Result<Vec<Response>, ViewsError> {
        let mut find =
            self.conn.prepare_cached("select action, person, arrival from responses where finding = ?1 order by record")?;
        let mut rows = find.query([id.0.to_be_bytes()])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            let action = if row.get::<_, u8>(0)? == 0 { "acknowledge" } else { "dismiss" };
            all.push(Response { action: Some(action), by: row.get(1)?, at: Time(row.get(2)?).to_string() });
        }
        Ok(all)
    }

    fn deliveries(&self, id: MatchId) -> Result<Vec<DeliveryView>, ViewsError> {
        let mut find = self.conn.prepare_cached(
            "select id, endpoint, kind, state, attempts, said, last_at, role, channel, step, repeat, late from deliveries
             where finding = ?1 order by record, step, endpoint, id",
        )?;
        let mut rows = find.query([id.0.to_be_bytes()])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(DeliveryView {
                id: base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(row.get::<_, [u8; 16]>(0)?),
                endpoint: row.get(1)?,
                role: row.get(7)?,
                channel: row.get(8)?,
                step: row.get(9)?,
                repeat: row.get(10)?,
                late: row.get(11)?,
                kind: row.get(2)?,
                state: ["waiting", "delivered", "failed", "given_up"]
                    .get(usize::from(row.get::<_, u8>(3)?))
                    .copied()
                    .unwrap_or("waiting"),
                attempts: row.get(4)?,
                said: row.get(5)?,
                last_at: row.get::<_, Option<i64>>(6)?.map(|t| Time(t).to_string()),
            });
        }
        Ok(all)
    }
}

impl Revision {
    fn of(view: RecommendationView) -> Revision {
        Revision {
            revision: view.revision,
            change: view.change,
            state: view.state,
            severity: view.severity,
            onset: view.onset,
            end: view.end,
            text: view.text,
            decided_at: view.decided_at,
            because: view.because,
        }
    }
}
