//! Who may not send more before long: quotas that are nearly or wholly spent.

use std::path::Path;

use vitalog_dashboards::views;
use vitalog_elog::metering::Day;
use vitalog_ingest::access::{AccessError, Owners, Store};
use vitalog_ingest::io::Level;
use vitalog_ingest::journal::open_unchanged;

use super::Finding;
use crate::quotas::{Of, Spending, Use};
use crate::run::clock;

/// `None`: there are no quotas, or no accounts that could be read, which is said elsewhere.
pub fn quotas(data: &Path) -> Option<Finding> {
    const ABOUT: &str = "quotas";
    let (sent, uses) = uses(data).ok()?;
    if uses.is_empty() {
        return None;
    }
    let close: Vec<String> = uses.iter().filter(|one| one.level() != Level::Below).map(told).collect();
    let unknown = if sent { "" } else { "; what was sent today is known when the views are there" };
    Some(match &*close {
        [] => Finding::sound(ABOUT, format!("{} quotas, none of them nearly spent{unknown}", uses.len())),
        close => Finding::odd(
            ABOUT,
            format!("{}{unknown}", close.join("; ")),
            "what is new is refused when one is spent, lows among it: raise it with `vitalog tenant set` or `vitalog token set`, or take it away with `none`",
        ),
    })
}

/// The quotas there are, and whether it is known what was sent.
fn uses(data: &Path) -> Result<(bool, Vec<Use>), AccessError> {
    let mut store = Store::look(&data.join("access.db"))?;
    let registry = store.read()?;
    let mut owners = Owners::default();
    store.read_owners(&mut owners)?;
    let spending = if registry.quotas().is_empty() { None } else { spending(data) };
    let is_known = spending.is_some() || registry.quotas().is_empty();
    Ok((is_known, Spending::uses(spending.as_ref(), &registry, &owners)))
}

/// What was sent today, as far as the views have come. Where nothing waits in a log beside them, nothing is made there either.
fn spending(data: &Path) -> Option<Spending> {
    let (path, today) = (data.join("views.db"), Day::of(clock::wall()));
    if !path.is_file() {
        return None;
    }
    if std::fs::metadata(path.with_extension("db-wal")).is_ok_and(|log| log.len() > 0) {
        return Spending::of(data, today);
    }
    let db = open_unchanged(&path).ok()?;
    views::peek(&db).ok()??;
    views::fresh(&db, today).ok().map(Spending)
}

fn told(one: &Use) -> String {
    let what = match one.of {
        Of::ReadingsPerDay => "readings today",
        Of::Subjects => "subjects",
    };
    format!("{} {}: {} of {} {what}", one.holder.kind(), one.holder.id(), one.used, one.most)
}
