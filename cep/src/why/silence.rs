//! A silence: what was heard last, when it opens for want of more, and what its condition says then.

use vitalog_elog::Time;

use super::teller::narrowed;
use super::{Account, Lack, Note, Part, Seen, Teller};
use crate::decide::Fact;
use crate::decide::silence::{last_heard, next_heard};
use crate::eval::{Rows, Scope};
use crate::plan::{Heard, Place, Silence};

pub fn account(teller: &Teller<'_>, rule: &Silence, t: i64, fact: Option<&Fact>) -> Account {
    let mut account = Account::default();
    let case = &teller.case;
    // Of one that is told about, what was heard before it began.
    let t = fact.map_or(t, |f| t.max(f.onset));
    for heard in &rule.streams {
        hear(teller, heard, t, &mut account);
    }
    let last = rule.streams.iter().filter_map(|h| last_heard(case, h, t)).max();
    let Some(from) = last.or_else(|| case.line.enrolled().filter(|e| *e <= t)) else {
        account.lack = Some(Lack::of(Part::Driver));
        return account;
    };
    account.notes.push(Note::Counts { from: Time(from), enrolled: last.is_none() });
    let Some(due) = from.checked_add(rule.span.0) else { return account };
    account.notes.push(Note::Opens { at: Time(due) });
    if due <= case.clock {
        let scope: Scope<'_, '_> = case.scope(due, from);
        if let Some(filter) = &teller.rule().filter {
            account.asked.push(teller.ask(Part::Where, filter, &scope, None));
        }
        account.asked.extend(teller.ask_rest(&scope));
    }
    if fact.is_none() {
        account.lack = lack(teller, rule, t, from, due, &account);
    }
    account
}

/// The last and the next reading of a stream that count; and of one that came later and does not, why.
fn hear<'a>(teller: &Teller<'a>, heard: &'a Heard, t: i64, account: &mut Account) {
    let case = &teller.case;
    let (last, next) = (last_heard(case, heard, t), next_heard(case, heard, t));
    let Some(table) = case.line.table(heard.stream) else {
        account.notes.push(Note::Heard { stream: teller.stream(heard.stream), last: None, next: None });
        return;
    };
    let seen = |at: i64| table.rows_at(at).next().map(|row| teller.seen_row(heard.stream, table, row));
    account.notes.push(Note::Heard { stream: teller.stream(heard.stream), last: last.and_then(seen), next: next.and_then(seen) });
    if let (Some(filter), Some(row)) = (&heard.filter, table.after(t).checked_sub(1)) {
        let at = table.at(row);
        let scope = case.scope(at, at).with_candidate(Rows::one(table, row), at);
        // A `let` is decided with the silence, not with a reading.
        let what = teller.stream(heard.stream);
        let written = teller.rule().phrasing.heard.iter().find(|(name, _)| *name == what);
        let clause = teller.clause(filter, true, written.map_or(Place::ANY, |(_, place)| *place), &scope);
        account.asked.push(super::Asked {
            part: Part::No,
            what,
            at: Time(at),
            of: Some(teller.seen_row(heard.stream, table, row)),
            clause,
        });
    }
}

fn lack(teller: &Teller<'_>, rule: &Silence, t: i64, from: i64, due: i64, account: &Account) -> Option<Lack> {
    let heard = |which: fn(&Note) -> Option<&Seen>, at: i64| -> Vec<Seen> {
        account.notes.iter().filter_map(which).filter(|seen| seen.at.0 == at).cloned().collect()
    };
    let base = Lack {
        since: Some(Time(from)),
        has: Some(super::teller::between(from, t)),
        needs: Some(rule.span),
        ..Lack::of(Part::No)
    };
    if t < due {
        let readings = heard(|n| if let Note::Heard { last, .. } = n { last.as_ref() } else { None }, from);
        return Some(Lack { readings, until: Some(Time(due)), ..base });
    }
    if due > teller.case.clock {
        return Some(Lack { until: Some(Time(due)), ..Lack::of(Part::Clock) });
    }
    let next = rule.streams.iter().filter_map(|h| next_heard(&teller.case, h, from)).min();
    if let Some(next) = next.filter(|next| *next <= due) {
        let readings = heard(|n| if let Note::Heard { next, .. } = n { next.as_ref() } else { None }, next);
        return Some(Lack { readings, ..base });
    }
    if !teller.case.version.owns(due) {
        return Some(Lack { since: Some(Time(due)), ..Lack::of(Part::Version) });
    }
    let filter = account.asked.iter().find(|a| a.part == Part::Where).filter(|a| !a.clause.holds())?;
    Some(Lack { asked: Some(narrowed(filter)), since: Some(Time(from)), ..Lack::of(Part::Where) })
}
