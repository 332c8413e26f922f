//! A schedule: the firing at hand, and what was asked there.

use vitalog_elog::Time;

use super::teller::narrowed;
use super::{Account, Lack, Note, Part, Teller};
use crate::decide::Fact;
use crate::decide::schedule::Schedules;
use crate::plan::Schedule;

pub fn account(teller: &Teller<'_>, state: &Schedules, rule: &Schedule, t: i64, fact: Option<&Fact>) -> Account {
    let (last, next) = state.around(t);
    let mut account = Account { notes: vec![Note::Fires { last: last.map(Time), next: next.map(Time) }], ..Account::default() };
    let Some(at) = last else {
        account.lack = Some(Lack { until: next.map(Time), ..Lack::of(Part::Every) });
        return account;
    };
    let scope = teller.case.scope(at, at);
    let conditions = [(Part::When, &rule.when), (Part::Where, &teller.rule().filter)];
    for (part, condition) in conditions.into_iter().filter_map(|(part, c)| Some((part, c.as_ref()?))) {
        account.asked.push(teller.ask(part, condition, &scope, None));
    }
    let failed = account.asked.iter().find(|a| !a.clause.holds()).map(narrowed);
    account.asked.extend(teller.ask_rest(&scope));
    if fact.is_none() {
        account.lack = match failed {
            Some(asked) => Some(Lack { asked: Some(asked.clone()), since: Some(Time(at)), ..Lack::of(asked.part) }),
            // It found something then; now is between two firings.
            None => Some(Lack { since: Some(Time(at)), until: next.map(Time), ..Lack::of(Part::Every) }),
        };
    }
    account
}
