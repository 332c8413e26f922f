//! Recommendations: lists of them, and their changes in order.

use rusqlite::{OptionalExtension, Row, ToSql, params};
use serde::Serialize;
use utoipa::ToSchema;
use vitalog_elog::{Change, FindingKind, FindingState, MatchId, Quiet, ReadingId, Severity, Subject, Time, Wording};

use super::because::Because;
use super::{Ask, words};
use crate::views::{Place, SHADOW, ViewsError, change_from, kind_from, quiet_from, state_from, state_number, wordings_from};

/// One finding at one revision, and what people did about it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RecommendationView {
    pub id: String,
    pub subject: String,
    pub revision: u32,
    pub rule: String,
    /// The meaning of the rule that decided it.
    pub version: String,
    pub title: String,
    #[schema(value_type = words::FindingKind)]
    pub kind: FindingKind,
    #[schema(value_type = words::FindingState)]
    pub state: FindingState,
    #[schema(value_type = words::Severity)]
    pub severity: Severity,
    pub onset: String,
    pub at: String,
    pub end: Option<String>,
    pub resolved_at: Option<String>,
    pub text: String,
    /// What some roles are told instead.
    #[schema(value_type = Vec<words::Wording>)]
    pub wordings: Vec<Wording>,
    pub notify: Option<String>,
    pub cite: Option<String>,
    /// Why nobody is told of it; `null`: they are.
    #[schema(value_type = Option<words::Quiet>)]
    pub quiet: Option<Quiet>,
    pub by_clock: bool,
    pub evidence: Vec<String>,
    #[schema(value_type = words::Change)]
    pub change: Change,
    pub decided_at: String,
    /// What made the engine look again.
    pub because: Because,
    pub acknowledged: Option<Response>,
    pub dismissed: Option<Response>,
    #[serde(skip)]
    pub(super) evidence_ids: Vec<ReadingId>,
    #[serde(skip)]
    pub(super) record: u64,
}

/// What a person did.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Response {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<&'static str>,
    pub by: String,
    pub at: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RecommendationPage {
    pub recommendations: Vec<RecommendationView>,
    /// To be given as `after` for the next page; `null`: this was the last.
    pub next: Option<String>,
}

/// What one version of a rule made of itself on trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnTrial {
    pub rule: String,
    /// Its meaning.
    pub version: u64,
    pub findings: u64,
    pub subjects: u64,
}

/// Which findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StateFilter {
    #[default]
    Any,
    Is(FindingState),
}

/// Which recommendations, newest first.
#[derive(Clone, Debug)]
pub struct RecommendationQuery {
    pub state: StateFilter,
    pub least: Severity,
    /// Only those that nobody has acknowledged or dismissed (or only those that somebody has).
    pub answered: Option<bool>,
    /// Those that were found on trial (`shadow`), which are for those who write rules; else all others.
    pub shadow: bool,
    pub limit: usize,
    /// Where the page before ended: `at` and id.
    pub after: Option<(i64, u128)>,
}

/// The columns that [`view`] reads, of a revision `h` and its finding `r`.
pub(super) const COLUMNS: &str = "h.id, r.subject, h.revision, h.record, h.change, h.cause, h.cause_id, h.cause_place, h.decided_at, h.rule, h.version, h.title, h.kind, \
     h.state, h.severity, h.onset, h.at, h.end_at, h.resolved_at, h.evidence, h.text, h.wordings, h.notify, h.cite, h.quiet, h.by_clock, r.acknowledged, \
     r.acknowledged_at, r.dismissed, r.dismissed_at";
pub(super) const LATEST: &str = "recommendations r join recommendation_history h on h.id = r.id and h.revision = r.revision";

impl Ask<'_> {
    /// A page of recommendations of those subjects that `may` allows, or of one subject.
    ///
    /// # Errors
    /// [`ViewsError::Sql`], [`ViewsError::Damaged`].
    pub fn recommendations(
        &self,
        subject: Option<&Subject>,
        query: &RecommendationQuery,
        may: &dyn Fn(&Subject) -> bool,
    ) -> Result<RecommendationPage, ViewsError> {
        let number = match subject {
            Some(subject) => match self.number(subject)? {
                Some(number) => Some(number),
                None => return Ok(RecommendationPage { recommendations: Vec::new(), next: None }),
            },
            None => None,
        };
        let state = match query.state {
            StateFilter::Any => None,
            StateFilter::Is(state) => Some(state_number(state)),
        };
        let sql = format!(
            "select {COLUMNS} from {LATEST} where (?1 is null or r.subject = ?1) and (?2 is null or r.state = ?2) and r.severity >= ?3
             and (?4 is null or (r.acknowledged is not null or r.dismissed is not null) = ?4)
             and (?5 is null or (r.at, r.id) < (?5, ?6)) and (r.quiet = {SHADOW}) = ?7 order by r.at desc, r.id desc"
        );
        let (after_at, after_id) = query.after.map_or((None, [0; 16]), |(at, id)| (Some(at), id.to_be_bytes()));
        let least = query.least as u8;
        let params: [&dyn ToSql; 7] = [&number, &state, &least, &query.answered, &after_at, &after_id, &query.shadow];
        let mut find = self.conn.prepare_cached(&sql)?;
        let mut rows = find.query(&params[..])?;
        let mut page = RecommendationPage { recommendations: Vec::new(), next: None };
        let mut last = None;
        while let Some(row) = rows.next()? {
            if page.recommendations.len() == query.limit {
                page.next = last.map(|(at, id): (i64, u128)| format!("{at}.{id:032x}"));
                break;
            }
            let view = self.view(row)?;
            if !may(&Subject::new(&view.subject)) {
                continue;
            }
            last = Some((row.get("at")?, u128::from_be_bytes(row.get("id")?)));
            page.recommendations.push(view);
        }
        Ok(page)
    }

    /// What stands about a subject and nobody has dismissed, the gravest first.
    pub(super) fn standing(&self, number: i64, limit: usize) -> Result<Vec<RecommendationView>, ViewsError> {
        let sql = format!(
            "select {COLUMNS} from {LATEST} where r.subject = ?1 and r.state = 0 and r.dismissed is null and (r.kind not in (2, 3) or r.quiet = 0)
             and r.quiet <> {SHADOW} order by r.acknowledged is not null, r.severity desc, r.at desc limit ?2"
        );
        self.views(&sql, &[&number, &(limit as i64)])
    }

    /// Those that touch [from, to), oldest first.
    pub(super) fn between(&self, number: i64, from: Time, to: Time, limit: usize) -> Result<Vec<RecommendationView>, ViewsError> {
        let sql = format!(
            "select {COLUMNS} from {LATEST} where r.subject = ?1 and r.quiet <> {SHADOW} and r.onset < ?3 and max(r.at, coalesce(r.end_at, case when r.kind in (2, 3) then r.at \
             else case r.state when 0 then ?3 else r.at end end)) >= ?2 order by r.onset desc limit ?4"
        );
        let mut found = self.views(&sql, &[&number, &from.0, &to.0, &(limit as i64)])?;
        found.reverse();
        Ok(found)
    }

    /// The subject of a finding.
    ///
    /// # Errors
    /// [`ViewsError::Sql`].
    pub fn subject_of(&self, id: MatchId) -> Result<Option<Subject>, ViewsError> {
        let mut find = self.conn.prepare_cached("select subject from recommendations where id = ?1")?;
        let number: Option<i64> = find.query_row([id.0.to_be_bytes()], |r| r.get(0)).optional()?;
        number.map(|number| self.name(number)).transpose()
    }

    /// Changes of findings by the inputs in [from, to), in their order, with the place of the effect: for a stream that goes on where it broke off.
    ///
    /// # Errors
    /// [`ViewsError::Sql`], [`ViewsError::Damaged`].
    pub fn changes(
        &self,
        from: (u64, usize),
        to: u64,
        limit: usize,
    ) -> Result<Vec<(u64, usize, RecommendationView)>, ViewsError> {
        let sql = format!(
            "select {COLUMNS}, h.place from recommendation_history h join recommendations r on r.id = h.id
             where (h.record, h.place) >= (?1, ?2) and h.record < ?3 and h.quiet <> {SHADOW} order by h.record, h.place limit ?4"
        );
        let mut find = self.conn.prepare_cached(&sql)?;
        let mut rows = find.query(params![from.0 as i64, from.1 as i64, to as i64, limit as i64])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            let view = self.view(row)?;
            all.push((view.record, row.get::<_, i64>("place")? as usize, view));
        }
        Ok(all)
    }

    /// How many findings each version of a rule has made on trial, with the number of their subjects: what it would have told. Those that were taken back count, for
    /// they would have been told before.
    ///
    /// # Errors
    /// [`ViewsError::Sql`].
    pub fn on_trial(&self) -> Result<Vec<OnTrial>, ViewsError> {
        let sql = format!(
            "select h.rule, h.version, count(distinct h.id), count(distinct r.subject) from recommendation_history h
             join recommendations r on r.id = h.id where h.quiet = {SHADOW} group by 1, 2 order by 1, 2"
        );
        let mut find = self.conn.prepare_cached(&sql)?;
        let rows = find.query_map([], |row| {
            let number = |column: usize| row.get::<_, i64>(column).map(|n| n as u64);
            Ok(OnTrial { rule: row.get(0)?, version: number(1)?, findings: number(2)?, subjects: number(3)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(super) fn views(&self, sql: &str, params: &[&dyn ToSql]) -> Result<Vec<RecommendationView>, ViewsError> {
        let mut find = self.conn.prepare_cached(sql)?;
        let mut rows = find.query(params)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(self.view(row)?);
        }
        Ok(all)
    }

    fn view(&self, row: &Row<'_>) -> Result<RecommendationView, ViewsError> {
        let time = |micros: i64| Time(micros).to_string();
        let subject = self.name(row.get("subject")?)?;
        let record = row.get::<_, i64>("record")? as u64;
        let evidence: Vec<u8> = row.get("evidence")?;
        let evidence_ids: Vec<ReadingId> =
            evidence.as_chunks::<16>().0.iter().map(|id| ReadingId(u128::from_be_bytes(*id))).collect();
        let response = |who: &str, when: &str| -> Result<Option<Response>, ViewsError> {
            let (by, at): (Option<String>, Option<i64>) = (row.get(who)?, row.get(when)?);
            Ok(by.zip(at).map(|(by, at)| Response { action: None, by, at: time(at) }))
        };
        let cause_place = row.get::<_, Option<[u8; 10]>>("cause_place")?.map(Place::from_bytes);
        let cause = row.get::<_, Option<[u8; 16]>>("cause_id")?.map(|id| (ReadingId(u128::from_be_bytes(id)), cause_place));
        Ok(RecommendationView {
            id: MatchId(u128::from_be_bytes(row.get("id")?)).to_string(),
            revision: row.get("revision")?,
            rule: row.get("rule")?,
            version: format!("{:016x}", row.get::<_, i64>("version")? as u64),
            title: row.get("title")?,
            kind: kind_from(row.get("kind")?).ok_or(ViewsError::Damaged("the kind of a finding"))?,
            state: state_from(row.get("state")?).ok_or(ViewsError::Damaged("the state of a finding"))?,
            severity: *Severity::ALL.get(usize::from(row.get::<_, u8>("severity")?)).ok_or(ViewsError::Damaged("a severity"))?,
            onset: time(row.get("onset")?),
            at: time(row.get("at")?),
            end: row.get::<_, Option<i64>>("end_at")?.map(time),
            resolved_at: row.get::<_, Option<i64>>("resolved_at")?.map(time),
            text: row.get("text")?,
            wordings: wordings_from(row.get::<_, Option<String>>("wordings")?.as_deref())
                .ok_or(ViewsError::Damaged("the wordings of a finding"))?,
            notify: row.get("notify")?,
            cite: row.get("cite")?,
            quiet: quiet_from(row.get("quiet")?),
            by_clock: row.get("by_clock")?,
            evidence: evidence_ids.iter().map(ReadingId::to_string).collect(),
            change: change_from(row.get("change")?).ok_or(ViewsError::Damaged("the change of a finding"))?,
            decided_at: time(row.get("decided_at")?),
            because: self.because(&subject, row.get("cause")?, cause, record)?,
            acknowledged: response("acknowledged", "acknowledged_at")?,
            dismissed: response("dismissed", "dismissed_at")?,
            subject: subject.as_str().to_owned(),
            evidence_ids,
            record,
        })
    }
}
