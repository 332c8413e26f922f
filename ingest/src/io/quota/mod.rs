//! Quotas: how many readings a day a token, and all of a tenant together, may send.
//!
//! What counts are names of readings that were not there. A revision of what is there, its removal, and what was sent before spend nothing, and are taken also where a quota is spent: whoever may not send more can still
//! set right what they sent, and ask again for an answer that was lost. What people move or mend spends nothing either. What is refused is not kept, not as a dead letter either: it can be sent again.
//!
//! How much of a day was spent is read once from the views, which have it from the journal, and counted from there on ([`ledger`]).

mod ledger;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use vitalog_elog::access::{Access, Principal, Via};
use vitalog_elog::metering::{Day, Holder, Quota};
use vitalog_elog::port::{Accepted, Unavailable};
use vitalog_elog::{Outcome, Reading, ReadingId, Refusal, StreamIx, Subject, When};

use super::pace::{LIMIT, POLICY};
use super::problem::Problem;
use super::{Behind, Current, Gateway, body, once};

use ledger::Known;
pub use ledger::{Ledger, Level, Permit, Refused};

/// The code of a refusal.
pub(super) const SPENT: &str = "quota_spent";
/// The field of a refusal for a quota of readings.
pub(super) const READINGS: &str = "readings_per_day";

const DAY_SECONDS: i64 = 86_400;

/// What is let through of some readings.
#[derive(Default)]
pub(super) struct Allowed {
    /// What they may spend; `None`: no quota holds.
    pub permit: Option<Permit>,
    /// The places of those that are not let through, in order.
    pub refused: HashSet<usize>,
    /// Why.
    pub why: Option<Refusal>,
}

impl Gateway {
    /// Finds out which of these readings a quota lets through: the first that fit, and all that are there already.
    pub(super) async fn allow(self: &Arc<Self>, who: &Principal, readings: Vec<&Reading>) -> Result<Allowed, Problem> {
        let quotas = self.access.quotas(who);
        self.ledger.forget_others(&quotas, holders(&*self.access, who));
        if quotas.is_empty() || readings.is_empty() {
            return Ok(Allowed::default());
        }
        self.learn(&quotas).await?;
        let wanted = readings.len() as u64;
        let permit = self.ledger.take(&quotas, wanted);
        if permit.taken() == wanted {
            return Ok(Allowed { permit: Some(permit), ..Allowed::default() });
        }
        drop(permit);
        // Looking them up takes a while: one request of a holder at a time, so that nobody else waits for it.
        let turn = self.ledger.turn(&quotas[0].holder).unwrap_or_default();
        let _turn = turn.lock().await;
        let names = self.new_names(&readings).await?;
        let permit = self.ledger.take(&quotas, names.len() as u64);
        let fits = |reading: &Reading| {
            let name = (reading.subject.clone(), reading.id);
            names.get(&name).is_none_or(|number| *number < permit.taken())
        };
        let refused: HashSet<usize> =
            readings.iter().enumerate().filter(|(_, reading)| !fits(reading)).map(|(place, _)| place).collect();
        self.ledger.refused.readings.fetch_add(refused.len() as u64, Ordering::Relaxed);
        let why = (!refused.is_empty()).then(|| self.why(&quotas));
        Ok(Allowed { permit: Some(permit), refused, why })
    }

    /// Has it known what was spent of each today, by the clock of acceptance.
    async fn learn(self: &Arc<Self>, quotas: &[Quota]) -> Result<(), Problem> {
        let today = Day::of((self.clock)());
        let is_open = |quota: &&Quota| self.ledger.known(&quota.holder, today) != Known::OfToday;
        if !quotas.iter().any(|quota| is_open(&quota)) {
            return Ok(());
        }
        let _learning = self.learning.lock().await;
        let Accepted { arrival, position, .. } = once::end(&*self.inlet).await?;
        let day = Day::of(arrival);
        for quota in quotas.iter().filter(is_open) {
            if self.ledger.known(&quota.holder, today) == Known::OfBefore {
                self.ledger.begin(&quota.holder, day);
                continue;
            }
            let (views, holder) = (self.current.clone(), quota.holder.clone());
            let spent = tokio::task::spawn_blocking(move || views.spent(day, &holder, position.next)).await;
            self.ledger.learn(quota, day, spent.map_err(|_| body::broken())??);
        }
        Ok(())
    }

    /// The names among these that are not there yet, numbered as they come.
    async fn new_names(self: &Arc<Self>, readings: &[&Reading]) -> Result<HashMap<(Subject, ReadingId), u64>, Problem> {
        let end = once::end_of(&*self.inlet).await?;
        let asked: Vec<Asked> = readings.iter().map(|reading| Asked::of(reading)).collect();
        let views = self.current.clone();
        let look = move || known(&*views, &asked, end).map(|known| (asked, known));
        let (asked, known) = tokio::task::spawn_blocking(look).await.map_err(|_| body::broken())??;
        let mut names = HashMap::new();
        for (one, is_known) in asked.into_iter().zip(known) {
            let number = names.len() as u64;
            if !is_known {
                names.entry((one.subject, one.id)).or_insert(number);
            }
        }
        Ok(names)
    }

    /// Why what is new is refused: for the quota of which least is left.
    fn why(&self, quotas: &[Quota]) -> Refusal {
        let least = self.ledger.left(quotas).into_iter().min_by_key(|left| left.readings);
        let Some(least) = least else { return Refusal::whole(SPENT, "a quota is spent", "send it again tomorrow") };
        let n = least.quota.per_day;
        let message = match least.quota.holder {
            Holder::Token(_) => format!("this token may send {n} new readings a day, and the rest does not fit"),
            Holder::Tenant(_) => {
                format!(
                    "the accounts and tokens of your tenant may send {n} new readings a day together, and the rest does not fit"
                )
            }
        };
        let opens = Day::of((self.clock)()).next().start();
        let remedy = format!(
            "keep it, and send it again from {opens} on; what is there already can be amended and removed meanwhile. Whoever runs this server can raise it: `vitalog {} set`",
            least.quota.holder.kind()
        );
        Refusal::of(SPENT, READINGS, &n.to_string(), message, remedy)
    }

    /// That nothing of a request fits, and nothing of it was kept.
    pub(super) fn nothing_fits(&self, who: &Principal, why: Refusal) -> Problem {
        let problem =
            Problem::of(StatusCode::TOO_MANY_REQUESTS, why).with(header::RETRY_AFTER, HeaderValue::from(self.opens_in()));
        let fields = self.quota_fields(&self.access.quotas(who));
        fields.into_iter().fold(problem, |problem, (name, value)| problem.with(name, value))
    }

    /// Says in an answer what is left of each quota.
    pub(super) fn tell_quotas(&self, who: &Principal, headers: &mut HeaderMap) {
        for (name, value) in self.quota_fields(&self.access.quotas(who)) {
            headers.insert(name, value);
        }
    }

    /// Nothing where no quota holds.
    fn quota_fields(&self, quotas: &[Quota]) -> Vec<(HeaderName, HeaderValue)> {
        if quotas.is_empty() {
            return Vec::new();
        }
        let opens = self.opens_in();
        let left = self.ledger.left(quotas);
        let name = |quota: &Quota| quota.holder.kind();
        let policies =
            left.iter().map(|left| format!("\"{}-readings\";q={};w={DAY_SECONDS}", name(&left.quota), left.quota.per_day));
        let limits = left.iter().map(|left| format!("\"{}-readings\";r={};t={opens}", name(&left.quota), left.readings));
        let list = |all: Vec<String>| HeaderValue::try_from(all.join(", ")).unwrap_or(HeaderValue::from_static(""));
        vec![(POLICY, list(policies.collect())), (LIMIT, list(limits.collect()))]
    }

    /// Seconds until quotas are whole again.
    fn opens_in(&self) -> i64 {
        let now = (self.clock)();
        let left = Day::of(now).next().start().since(now).0;
        (left + 999_999) / 1_000_000
    }

    /// What is spent today, and what was refused for it.
    pub fn ledger(&self) -> Arc<Ledger> {
        self.ledger.clone()
    }
}

/// Whose quotas could hold for somebody.
fn holders(access: &dyn Access, who: &Principal) -> impl Iterator<Item = Holder> {
    let token = if let Via::Token(id) = &who.via { Some(Holder::Token(id.clone())) } else { None };
    let tenant = access.party(who).and_then(|party| party.tenant).map(Holder::Tenant);
    token.into_iter().chain(tenant)
}

/// Where a reading lies that was never amended.
type Lies = (ReadingId, StreamIx, When);

/// A reading, as far as it is looked up.
struct Asked {
    subject: Subject,
    id: ReadingId,
    /// Where it lies that was never amended; a removal does not say it.
    place: Option<(StreamIx, When)>,
}

impl Asked {
    fn of(reading: &Reading) -> Asked {
        let place = reading.content.as_ref().map(|content| (content.stream, content.when));
        Asked { subject: reading.subject.clone(), id: reading.id, place }
    }
}

/// Of each whether its name is there, be it removed.
fn known(views: &dyn Current, asked: &[Asked], after: u64) -> Result<Vec<bool>, Behind> {
    let mut known = vec![false; asked.len()];
    let mut by_subject: HashMap<&Subject, Vec<(usize, Lies)>> = HashMap::new();
    for (number, one) in asked.iter().enumerate() {
        match one.place {
            Some((stream, when)) => by_subject.entry(&one.subject).or_default().push((number, (one.id, stream, when))),
            None => known[number] = views.current(&one.subject, one.id, after)?.is_some(),
        }
    }
    for (subject, all) in by_subject {
        let places: Vec<_> = all.iter().map(|(_, place)| *place).collect();
        for ((number, _), rev) in all.iter().zip(views.revisions(subject, &places, after)?) {
            known[*number] = rev > 0;
        }
    }
    Ok(known)
}

/// Takes from a quota what came of a request.
pub(super) fn settle(permit: Permit, result: &Result<Accepted, Unavailable>) {
    match result {
        Ok(accepted) => {
            let new = accepted.outcomes.iter().filter(|outcome| matches!(outcome, Some(Outcome::New))).count();
            permit.spend(Day::of(accepted.arrival), new as u64);
        }
        Err(Unavailable::JournalAway) => permit.doubt(),
        // Nothing of it is kept.
        Err(_) => drop(permit),
    }
}

/// A name that would be one more than its tenant may have.
pub(super) fn beyond(subject: &Subject) -> Refusal {
    let message = "the tenant has as many subjects as it may, and this would be one more";
    let remedy = "ask whoever runs this server for room for more: `vitalog tenant set --subjects`; those that the tenant has are taken as before";
    Refusal::of(SPENT, "subject", subject.as_str(), message, remedy)
}
