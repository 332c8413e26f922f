//! `GET /v1/metering`: who used how much, by day or month.
//!
//! What was sent is summed by the views from the journal; the rest by the gateway where it happens. Here both are put side by side.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vitalog_dashboards::ask::SentSum;
use vitalog_elog::Time;
use vitalog_elog::access::{Access, Decision, Principal, Wish};
use vitalog_elog::metering::{Day, Party, Used};
use vitalog_ingest::access::{Accounts, UsedByDay};
use vitalog_ingest::io::POSITION;

use super::current::ViewsTell;
use super::problem::problem;
use crate::quotas::{Of, Spending, Use};

/// The most days that are answered at once: two years.
const MOST_DAYS: i64 = 731;

/// What the handler needs.
#[derive(Clone)]
pub struct MeteringState {
    pub access: Arc<dyn Access>,
    /// `None`: everybody is let in, and nothing is put down to anybody.
    pub accounts: Option<Arc<Accounts>>,
    pub views: Arc<ViewsTell>,
    pub now: Arc<dyn Fn() -> Time + Send + Sync>,
}

/// The door.
pub fn api() -> OpenApiRouter<MeteringState> {
    OpenApiRouter::default().routes(routes!(metering))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// The first day, by UTC; the first of this month, if it is left off.
    #[param(format = Date)]
    from: Option<String>,
    /// The last day, included; today, if it is left off.
    #[param(format = Date)]
    to: Option<String>,
    /// `day` or `month`: what is summed.
    #[param(pattern = "^(day|month)$")]
    by: Option<String>,
}

/// Who used how much.
#[derive(Serialize, ToSchema)]
struct Metering {
    #[schema(format = Date)]
    from: String,
    #[schema(format = Date)]
    to: String,
    usage: Vec<Usage>,
    /// How much may be used, and how much of it is.
    quotas: Vec<QuotaUse>,
}

/// A quota, and how much of it is spent: of readings today, whatever days are asked for.
#[derive(Serialize, ToSchema)]
struct QuotaUse {
    /// `token`, or `tenant`: all of its accounts and tokens together.
    kind: &'static str,
    id: String,
    /// To which it belongs; `null`: the house.
    tenant: Option<String>,
    /// `readings_per_day`, or `subjects`.
    of: &'static str,
    most: u64,
    used: u64,
    /// When a day's is whole again.
    #[schema(format = DateTime)]
    opens: Option<String>,
}

/// Of one day or month, by one account or token.
#[derive(Serialize, ToSchema)]
struct Usage {
    /// The day (`2026-11-29`) or month (`2026-11`), by UTC.
    period: String,
    /// `null`: the house.
    tenant: Option<String>,
    /// The account; of a program, its token's id.
    account: String,
    token: Option<String>,
    /// Readings and removals that were taken in, those that were there already among them. Exact: it follows from the journal.
    readings: u64,
    /// Readings that were refused and kept as dead letters. Exact.
    refused: u64,
    /// Of the readings, those that were there already.
    duplicates: u64,
    requests: u64,
    bytes_in: u64,
    bytes_out: u64,
    statements: u64,
    rows: u64,
}

/// Who used how much, by day or month: whoever belongs to a tenant sees its own.
#[utoipa::path(
    get,
    path = "/v1/metering",
    tag = "operate",
    params(Asked),
    responses((status = 200, description = "Sums, by period and party, and how much of each quota is spent", body = Metering))
)]
async fn metering(
    State(state): State<MeteringState>,
    who: Option<Extension<Principal>>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let Some(Extension(who)) = who.filter(|Extension(who)| state.access.decide(who, Wish::Meter) == Decision::Allow) else {
        let remedy = "ask whoever runs this for an account with the right `meter`";
        return problem(StatusCode::FORBIDDEN, "forbidden", "you may not see who used how much", remedy);
    };
    let (days, by_month) = match asked_for(asked, (state.now)()) {
        Ok(asked) => asked,
        Err(response) => return *response,
    };
    let after = headers.get(POSITION).and_then(|v| v.to_str().ok()?.parse().ok()).unwrap_or(0);
    let tenant = state.access.bound(&who).map(|bound| bound.tenant);
    let (first, last) = (*days.start(), *days.end());
    let gathered = tokio::task::spawn_blocking(move || gather(&state, days, tenant.as_deref(), after)).await;
    match gathered {
        Ok(Some(Gathered { sent, used, quotas })) => {
            let usage = summed(sent, used, by_month);
            Json(Metering { from: date(first), to: date(last), usage, quotas }).into_response()
        }
        _ => {
            let detail = "what was used can't be looked up at present";
            problem(StatusCode::SERVICE_UNAVAILABLE, "metering_unreadable", detail, "try again a little later; the log says why")
        }
    }
}

type Sent = BTreeMap<(Day, Party), SentSum>;

/// What the journal says, what was counted beside, and how much may be.
struct Gathered {
    sent: Sent,
    used: UsedByDay,
    quotas: Vec<QuotaUse>,
}

fn gather(state: &MeteringState, days: RangeInclusive<Day>, tenant: Option<&str>, after: u64) -> Option<Gathered> {
    let sent = state.views.sent(days.clone(), tenant, after).ok()?;
    let Some(accounts) = &state.accounts else {
        return Some(Gathered { sent, used: UsedByDay::new(), quotas: Vec::new() });
    };
    let today = Day::of((state.now)());
    let spending = state.views.spending(today, after).ok()?;
    let read = accounts.used_in(days, tenant).and_then(|used| Ok((used, accounts.registry()?)));
    match read {
        Ok((used, registry)) => {
            let uses = Spending::uses(Some(&spending), &registry, &accounts.owners());
            let mine = uses.into_iter().filter(|one| tenant.is_none() || one.tenant.as_deref() == tenant);
            Some(Gathered { sent, used, quotas: mine.map(|one| quota(one, today)).collect() })
        }
        Err(error) => {
            tracing::error!(%error, "what was used can't be read");
            None
        }
    }
}

fn quota(one: Use, today: Day) -> QuotaUse {
    let opens = (one.of == Of::ReadingsPerDay).then(|| today.next().start().to_string());
    let (kind, id) = (one.holder.kind(), one.holder.id().to_string());
    QuotaUse { kind, id, tenant: one.tenant, of: one.of.name(), most: one.most, used: one.used, opens }
}

fn summed(sent: Sent, used: UsedByDay, by_month: bool) -> Vec<Usage> {
    let period = |day: Day| if by_month { date(day)[..7].to_owned() } else { date(day) };
    let mut sums: BTreeMap<(String, Party), (SentSum, Used)> = BTreeMap::new();
    for ((day, party), more) in sent {
        let (sum, _) = sums.entry((period(day), party)).or_default();
        sum.readings += more.readings;
        sum.refused += more.refused;
    }
    for ((day, party), more) in used {
        sums.entry((period(day), party)).or_default().1 += more;
    }
    let usage = |((period, party), (sent, used)): ((String, Party), (SentSum, Used))| Usage {
        period,
        tenant: party.tenant.map(|id| id.to_string()),
        account: party.account.to_string(),
        token: party.token.map(|id| id.to_string()),
        readings: sent.readings,
        refused: sent.refused,
        duplicates: used.duplicates,
        requests: used.requests,
        bytes_in: used.bytes_in,
        bytes_out: used.bytes_out,
        statements: used.statements,
        rows: used.rows,
    };
    sums.into_iter().map(usage).collect()
}

/// The days that are asked for, and whether by month.
fn asked_for(asked: Result<Query<Asked>, QueryRejection>, now: Time) -> Result<(RangeInclusive<Day>, bool), Box<Response>> {
    let wrong = |what: &str, remedy: &str| Box::new(problem(StatusCode::BAD_REQUEST, "malformed", what, remedy));
    let Query(asked) = asked.map_err(|e| wrong(&e.body_text(), "ask with from, to and by, or nothing"))?;
    let day = |name: &str, text: Option<String>| match text {
        None => Ok(None),
        Some(text) => match Time::parse(&format!("{text}T00:00:00Z")) {
            Ok(at) if text.len() == 10 => Ok(Some(Day::of(at))),
            _ => Err(wrong(&format!("`{name}` is no day: {text:?}"), "write it as 2026-11-20")),
        },
    };
    let today = Day::of(now);
    let to = day("to", asked.to)?.unwrap_or(today);
    let from = match day("from", asked.from)? {
        Some(from) => from,
        None => day("to", Some(format!("{}-01", &date(to)[..7])))?.unwrap_or(to),
    };
    if from > to {
        return Err(wrong("`from` is after `to`", "ask from the earlier day to the later, both included"));
    }
    if to.0 - from.0 >= MOST_DAYS {
        return Err(wrong(&format!("more than {MOST_DAYS} days are asked for"), "ask for fewer at a time"));
    }
    let by_month = match asked.by.as_deref() {
        None | Some("day") => false,
        Some("month") => true,
        Some(other) => return Err(wrong(&format!("`by` is no period: {other:?}"), "say day or month")),
    };
    Ok((from..=to, by_month))
}

/// As `2026-11-29`.
fn date(day: Day) -> String {
    day.start().to_string().chars().take(10).collect()
}
