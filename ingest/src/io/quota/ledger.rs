//! How much of each quota is spent today, and how much is on its way: what is taken out before anything is handed in, and given back where it was not new after all.
//!
//! What a reading is to those before is known only once it is journaled. So a request takes as much as it may come to, whoever comes meanwhile finds that less, and what turned out to be known already is given back.
//!
//! INVARIANT (never more): of each quota, what was accepted today and what is on its way are together never more than it. A day is that of acceptance, which only an acceptance tells: what is on its way over
//! midnight counts before it and behind it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vitalog_elog::metering::{Day, Holder, Quota};

/// Of a hundred: from here on whoever runs the server is told.
pub const NEAR: u64 = 80;

/// The counts.
#[derive(Default)]
pub struct Ledger {
    held: Mutex<HashMap<Holder, Count>>,
    /// How many counts there ever were.
    born: AtomicU64,
    pub refused: Refused,
}

/// How many were refused for a quota since the start.
#[derive(Default)]
pub struct Refused {
    pub readings: AtomicU64,
    pub subjects: AtomicU64,
}

struct Count {
    /// Which of those that there ever were: what was taken from a former one is not given back to this.
    born: u64,
    day: Day,
    spent: u64,
    under_way: u64,
    /// What was said of it in the log today.
    told: Level,
    /// Whoever has to look something up about it does so one at a time.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// How far a quota is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Below,
    Near,
    Spent,
}

/// What is known of a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Nothing,
    /// Of a day before: it is to be asked what day it is where things are accepted.
    OfBefore,
    OfToday,
}

/// What is left of a quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub quota: Quota,
    pub readings: u64,
}

/// What was taken out for a request: given back when dropped, unless it was handed in.
pub struct Permit {
    ledger: Arc<Ledger>,
    /// Each with the count that it was taken from.
    from: Vec<(Quota, u64)>,
    taken: u64,
}

impl Level {
    pub fn of(spent: u64, per_day: u64) -> Level {
        match spent.saturating_mul(100) {
            _ if spent >= per_day => Level::Spent,
            hundred if hundred >= per_day.saturating_mul(NEAR) => Level::Near,
            _ => Level::Below,
        }
    }
}

impl Ledger {
    fn held(&self) -> MutexGuard<'_, HashMap<Holder, Count>> {
        // Every line that changes it leaves it whole.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn known(&self, holder: &Holder, today: Day) -> Known {
        match self.held().get(holder) {
            None => Known::Nothing,
            Some(count) if count.day < today => Known::OfBefore,
            Some(_) => Known::OfToday,
        }
    }

    /// Whose turn it is to look something up.
    pub(super) fn turn(&self, holder: &Holder) -> Option<Arc<tokio::sync::Mutex<()>>> {
        self.held().get(holder).map(|count| count.turn.clone())
    }

    /// What was spent of a quota on a day before anything is taken from it.
    pub(super) fn learn(&self, quota: &Quota, day: Day, spent: u64) {
        let born = self.born.fetch_add(1, Ordering::Relaxed);
        let mut count = Count { born, day, spent, under_way: 0, told: Level::Below, turn: Arc::default() };
        count.tell(quota);
        self.held().entry(quota.holder.clone()).or_insert(count);
    }

    /// It is this day where things are accepted.
    pub(super) fn begin(&self, holder: &Holder, day: Day) {
        if let Some(count) = self.held().get_mut(holder) {
            count.begin(day);
        }
    }

    /// Forgets counts that nobody keeps any more: what is sent meanwhile is not counted here.
    pub(super) fn forget_others(&self, quotas: &[Quota], holders: impl Iterator<Item = Holder>) {
        let mut held = self.held();
        if held.is_empty() {
            return;
        }
        for holder in holders.filter(|holder| !quotas.iter().any(|quota| quota.holder == *holder)) {
            held.remove(&holder);
        }
    }

    /// What is left of each, in their order; of one that is not known, nothing is.
    pub(super) fn left(&self, quotas: &[Quota]) -> Vec<Left> {
        let held = self.held();
        let left = |quota: &Quota| held.get(&quota.holder).map_or(0, |count| count.left(quota));
        quotas.iter().map(|quota| Left { quota: quota.clone(), readings: left(quota) }).collect()
    }

    /// Takes as much as there is of each, and `wanted` at most.
    pub(super) fn take(self: &Arc<Self>, quotas: &[Quota], wanted: u64) -> Permit {
        let mut held = self.held();
        let left = quotas.iter().map(|quota| held.get(&quota.holder).map_or(0, |count| count.left(quota))).min();
        let taken = left.unwrap_or(0).min(wanted);
        let mut from = Vec::with_capacity(quotas.len());
        for quota in quotas {
            if let Some(count) = held.get_mut(&quota.holder) {
                count.under_way += taken;
                from.push((quota.clone(), count.born));
            }
        }
        drop(held);
        Permit { ledger: self.clone(), from, taken }
    }
}

impl Count {
    fn left(&self, quota: &Quota) -> u64 {
        u64::from(quota.per_day.get()).saturating_sub(self.spent).saturating_sub(self.under_way)
    }

    fn begin(&mut self, day: Day) {
        if day > self.day {
            (self.day, self.spent, self.told) = (day, 0, Level::Below);
        }
    }

    /// Says in the log how far it is spent, where that was not said today.
    fn tell(&mut self, quota: &Quota) {
        let per_day = u64::from(quota.per_day.get());
        let level = Level::of(self.spent, per_day);
        if level <= self.told {
            return;
        }
        self.told = level;
        let (of, id, spent, opens) = (quota.holder.kind(), &**quota.holder.id(), self.spent, self.day.next().start());
        match level {
            Level::Spent => tracing::error!(
                of, id, spent, per_day, %opens,
                "a quota of readings is spent: what is new is refused until it opens again, lows among it"
            ),
            _ => tracing::warn!(of, id, spent, per_day, %opens, "a quota of readings is nearly spent"),
        }
    }
}

impl Permit {
    /// How many readings it lets through that are new.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// `new` of them were, and were accepted on this day.
    pub(super) fn spend(mut self, day: Day, new: u64) {
        let taken = std::mem::take(&mut self.taken);
        self.settle(|quota, count| {
            count.begin(day);
            count.under_way = count.under_way.saturating_sub(taken);
            count.spent += new;
            count.tell(quota);
        });
    }

    /// Nobody knows whether they are kept: they count, until the day is over.
    pub(super) fn doubt(mut self) {
        let taken = std::mem::take(&mut self.taken);
        self.settle(|_, count| {
            count.under_way = count.under_way.saturating_sub(taken);
            count.spent += taken;
        });
    }

    fn settle(&self, mut with: impl FnMut(&Quota, &mut Count)) {
        let mut held = self.ledger.held();
        for (quota, born) in &self.from {
            if let Some(count) = held.get_mut(&quota.holder).filter(|count| count.born == *born) {
                with(quota, count);
            }
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let taken = std::mem::take(&mut self.taken);
        if taken > 0 {
            self.settle(|_, count| count.under_way = count.under_way.saturating_sub(taken));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn quota(holder: Holder, per_day: u32) -> Quota {
        Quota { holder, per_day: NonZeroU32::new(per_day).expect("not zero") }
    }

    fn both(token: u32, tenant: u32) -> [Quota; 2] {
        [quota(Holder::Token("t".into()), token), quota(Holder::Tenant("w".into()), tenant)]
    }

    fn ledger(quotas: &[Quota], spent: u64) -> Arc<Ledger> {
        let ledger = Arc::new(Ledger::default());
        quotas.iter().for_each(|quota| ledger.learn(quota, Day(7), spent));
        ledger
    }

    fn left(ledger: &Ledger, quotas: &[Quota]) -> Vec<u64> {
        ledger.left(quotas).iter().map(|left| left.readings).collect()
    }

    #[test]
    fn what_is_on_its_way_is_spent_until_it_is_known_to_be_old() {
        let quotas = both(10, 8);
        let ledger = ledger(&quotas, 1);
        let first = ledger.take(&quotas, 5);
        let second = ledger.take(&quotas, 5);
        assert_eq!((first.taken(), second.taken()), (5, 2), "the smaller one decides");
        assert_eq!(left(&ledger, &quotas), [2, 0]);
        first.spend(Day(7), 3);
        assert_eq!(left(&ledger, &quotas), [4, 2]);
        drop(second);
        assert_eq!(left(&ledger, &quotas), [6, 4], "what was not handed in is given back");
        ledger.take(&quotas, 4).doubt();
        assert_eq!(left(&ledger, &quotas), [2, 0], "what is in doubt counts");
        assert_eq!(ledger.take(&quotas, 4).taken(), 0);
    }

    #[test]
    fn what_is_on_its_way_over_midnight_counts_on_either_side() {
        let quotas = both(10, 10);
        let ledger = ledger(&quotas, 4);
        let (late, early) = (ledger.take(&quotas, 4), ledger.take(&quotas, 2));
        ledger.begin(&quotas[0].holder, Day(8));
        assert_eq!(left(&ledger, &quotas), [4, 0]);
        // Nobody else has said yet that it is another day.
        late.spend(Day(8), 4);
        assert_eq!(left(&ledger, &quotas), [4, 4]);
        early.spend(Day(8), 1);
        assert_eq!(left(&ledger, &quotas), [5, 5]);
        ledger.begin(&quotas[0].holder, Day(7));
        assert_eq!(left(&ledger, &quotas), [5, 5], "a day does not come back");
        assert_eq!(
            (ledger.known(&quotas[0].holder, Day(8)), ledger.known(&quotas[0].holder, Day(9))),
            (Known::OfToday, Known::OfBefore)
        );
    }

    #[test]
    fn what_was_taken_from_a_former_count_is_not_given_back_to_the_next() {
        let quotas = both(10, 10);
        let ledger = ledger(&quotas, 0);
        let former = ledger.take(&quotas, 6);
        ledger.forget_others(&quotas[..1], quotas.iter().map(|quota| quota.holder.clone()));
        assert_eq!(ledger.known(&quotas[1].holder, Day(7)), Known::Nothing);
        assert_eq!(ledger.take(&quotas, 1).taken(), 0, "what is not known lets nothing through");
        ledger.learn(&quotas[1], Day(7), 6);
        former.spend(Day(7), 6);
        assert_eq!(left(&ledger, &quotas), [4, 4]);
    }

    #[test]
    fn near_is_from_four_fifths_on() {
        let levels = [0, 7, 8, 9, 10, 11].map(|spent| Level::of(spent, 10));
        assert_eq!(levels, [Level::Below, Level::Below, Level::Near, Level::Near, Level::Spent, Level::Spent]);
        assert_eq!((Level::of(0, 1), Level::of(1, 1)), (Level::Below, Level::Spent));
    }
}
