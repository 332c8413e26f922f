//! How it stands with quotas, for whoever watches: how many are nearly or wholly spent, and how much was refused. Whose they are is told by `GET /v1/metering`.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use vitalog_elog::Time;
use vitalog_elog::metering::Day;
use vitalog_ingest::access::Accounts;
use vitalog_ingest::io::{Ledger, Level};

use super::current::ViewsTell;
use crate::metrics::{Asked, Metrics, Sample};
use crate::quotas::{Of, Spending};

/// Tells of quotas. Where everybody is let in there are none. The views are not held: a server that ends closes them before it is done with its figures.
pub fn tell(
    metrics: &Metrics,
    accounts: Option<Arc<Accounts>>,
    views: Weak<ViewsTell>,
    ledger: Arc<Ledger>,
    now: Arc<dyn Fn() -> Time + Send + Sync>,
) {
    let levels = move || {
        let uses = match &accounts {
            None => Vec::new(),
            Some(accounts) => {
                let Ok(registry) = accounts.registry() else { return Vec::new() };
                let Some(Ok(spending)) = views.upgrade().map(|views| views.spending(Day::of(now()), 0)) else {
                    return Vec::new();
                };
                Spending::uses(Some(&spending), &registry, &accounts.owners())
            }
        };
        let sample = |of: Of, level: Level, name: &str| -> Sample {
            let count = uses.iter().filter(|one| one.of == of && one.level() == level).count();
            (vec![("of", of.name().to_owned()), ("level", name.to_owned())], count as f64)
        };
        [Of::ReadingsPerDay, Of::Subjects]
            .into_iter()
            .flat_map(|of| [sample(of, Level::Near, "near"), sample(of, Level::Spent, "spent")])
            .collect()
    };
    let help = "Quotas that are nearly spent (80 % and more) and spent, those of readings today";
    metrics.add(Asked::new("quotas", help, None, levels));
    let refused = move || {
        [(Of::ReadingsPerDay, &ledger.refused.readings), (Of::Subjects, &ledger.refused.subjects)]
            .map(|(of, count)| (vec![("of", of.name().to_owned())], count.load(Ordering::Relaxed) as f64))
            .into()
    };
    let help = "Readings that were refused because a quota was spent, and not kept";
    metrics.add(Asked::new("quota_refused", help, None, refused).counted());
}
